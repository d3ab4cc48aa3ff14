//! One page that needs nothing beside it: headings, tables, charts and pictures, to be kept or sent on.

mod chart;
mod dots;

use super::gallery::page::STYLE;
use super::html::escape;
pub use chart::{Curve, lines, points};
pub use dots::{Mark, dots};
use std::fmt::Write as _;

const OWN: &str = include_str!("page/page.css");

/// A page in the making. Headings and texts are made safe; bodies are HTML.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    links: String,
    body: String,
}

impl Page {
    /// A page with a title, a sentence about it and its most important figures as (name, value).
    #[must_use]
    pub fn new(title: &str, lead: &str, figures: &[(String, String)]) -> Self {
        let title = escape(title);
        let mut body = format!("<header>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n<dl>\n", escape(lead));
        for (name, value) in figures {
            let _ = writeln!(body, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
        }
        body += "</dl>\n";
        Self { title, links: String::new(), body }
    }

    /// Adds a section. `lead` says what it shows.
    pub fn section(&mut self, heading: &str, lead: &str, body: &str) {
        let id = heading.to_lowercase().replace(' ', "-");
        let (heading, lead) = (escape(heading), escape(lead));
        let _ = write!(self.links, "<a href=\"#{id}\">{heading}</a> ");
        let _ = writeln!(
            self.body,
            "<section id=\"{id}\">\n<h2>{heading}</h2>\n<p class=\"lead\">{lead}</p>\n{body}\n</section>"
        );
    }

    /// The whole page.
    #[must_use]
    pub fn finish(self) -> String {
        let Self { title, links, body } = self;
        // The links stand under the figures, before the first section.
        let body = body.replacen("</dl>\n", &format!("</dl>\n<nav>{links}</nav>\n</header>\n<main>\n"), 1);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{STYLE}{OWN}</style>\n</head>\n<body>\n{body}</main>\n</body>\n</html>\n"
        )
    }
}

/// A table; the first column names its rows.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &mut dyn Iterator<Item = &str>| {
        row.fold("<tr>".to_owned(), |line, cell| line + &format!("<{tag}>{}</{tag}>", escape(cell)))
            + "</tr>\n"
    };
    let mut text = format!("<table>\n<thead>{}</thead>\n<tbody>\n", cells("th", &mut head.iter().copied()));
    for row in rows {
        text += &cells("td", &mut row.iter().map(String::as_str));
    }
    text + "</tbody></table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_safe_and_alone() {
        let mut page = Page::new("a <b>", "what", &[("loss".into(), "1 < 2".into())]);
        page.section("First & last", "lead", &table(&["", "x"], &[vec!["r>".into(), "1".into()]]));
        let text = page.finish();
        for part in
            ["<title>a &lt;b&gt;</title>", "1 &lt; 2", "id=\"first-&-last\"", "<td>r&gt;</td><td>1</td>"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("http") && !text.contains("src=\"/") && text.matches("<nav>").count() == 1);
        for tag in ["section", "table", "main", "header", "body", "html"] {
            assert_eq!(
                text.matches(&format!("<{tag}")).count(),
                text.matches(&format!("</{tag}>")).count(),
                "{tag}"
            );
        }
    }
}
