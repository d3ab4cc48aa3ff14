//! One page that needs nothing beside it: headings, tables, charts and pictures, to be kept or sent on.

mod axis;
mod chart;
mod dots;
mod figure;

use super::gallery::page::{STYLE, figures};
use super::html::document;
pub use chart::{Curve, Look, Paint, lines, log_lines, points};
pub use dots::{Mark, dots};
use maud::{Markup, html};

const OWN: &str = include_str!("page/page.css");

/// A page in the making.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    header: Markup,
    sections: Vec<Section>,
}

#[derive(Clone, Debug)]
struct Section {
    heading: String,
    lead: String,
    body: Markup,
}

impl Page {
    /// A page with a title, a sentence about it and its most important figures as (name, value).
    #[must_use]
    pub fn new(title: &str, lead: &str, named: &[(String, String)]) -> Self {
        let header = html! {
            h1 { (title) }
            p.lead { (lead) }
            @if !named.is_empty() { (figures(named)) }
        };
        Self { title: title.to_owned(), header, sections: Vec::new() }
    }

    /// Adds a section. `lead` says what it shows.
    pub fn section(&mut self, heading: &str, lead: &str, body: Markup) {
        self.sections.push(Section { heading: heading.to_owned(), lead: lead.to_owned(), body });
    }

    /// The whole page.
    #[must_use]
    pub fn finish(self) -> String {
        let body = html! {
            header {
                (self.header)
                nav { @for section in &self.sections { a href={ "#" (section.id()) } { (section.heading) } " " } }
            }
            main {
                @for section in &self.sections {
                    section id=(section.id()) {
                        h2 { (section.heading) }
                        p.lead { (section.lead) }
                        (section.body)
                    }
                }
            }
        };
        document(&self.title, &format!("{STYLE}{OWN}"), &body)
    }
}

impl Section {
    fn id(&self) -> String {
        self.heading.to_lowercase().replace(' ', "-")
    }
}

/// A table; the first column names its rows. Where it is wider than the page it scrolls by itself.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for cell in head { th { (cell) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_safe_and_alone() {
        let mut page = Page::new("a <b>", "what", &[("loss".into(), "1 < 2".into())]);
        page.section("First & last", "lead", table(&["", "x"], &[vec!["r>".into(), "1".into()]]));
        let text = page.finish();
        for part in
            ["<title>a &lt;b&gt;</title>", "1 &lt; 2", "id=\"first-&amp;-last\"", "<td>r&gt;</td><td>1</td>"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("http") && !text.contains("src=\"/") && text.matches("<nav>").count() == 1);
        assert!(
            text.contains("<div class=\"scroll\"><table>") && text.contains(".scroll { overflow-x: auto; }")
        );
        for tag in ["section", "table", "div", "main", "header", "body", "html"] {
            assert_eq!(
                text.matches(&format!("<{tag}")).count(),
                text.matches(&format!("</{tag}>")).count(),
                "{tag}"
            );
        }
    }
}
