//! Which classes are taken for which, as a table.

use super::html::document;
use crate::eval::score::Score;
use maud::{Markup, html};

const STYLE: &str = ".confusion{border-collapse:collapse;font-size:12px}\
    .confusion td{width:2.4em;height:2.4em;text-align:center;padding:0;border:0}\
    .confusion th{font-weight:400;padding:0 .5em;text-align:right;border:0}\
    .confusion thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.5em 0}";

/// The confusion matrix as a page: rows are classes, columns guesses, darker is more.
#[must_use]
pub fn confusion_page(title: &str, score: &Score, names: &[String]) -> String {
    let body = html! { h1 { (title) } (confusion_table(score, names)) };
    document(title, "body{font:14px system-ui;margin:2em}", &body)
}

/// The confusion matrix as part of a page.
#[must_use]
pub fn confusion_table(score: &Score, names: &[String]) -> Markup {
    let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let shown: Vec<usize> = score.classes.iter().map(|row| row.class as usize).collect();
    html! {
        style { (STYLE) }
        p {
            "Rows are the true classes, columns the guesses; " (score.samples) " samples, "
            (format_args!("{:.1}", 100.0 * score.top1)) " % right."
        }
        table.confusion {
            thead { tr { td {} @for &class in &shown { th { (name(class)) } } } }
            @for &class in &shown {
                @let row = &score.confusion[class];
                @let all = f64::from(row.iter().sum::<u32>().max(1));
                tr {
                    th { (name(class)) }
                    @for guesses in shown.iter().map(|&guess| row[guess]) {
                        @let share = f64::from(guesses) / all;
                        @let ink = if share > 0.5 { "#fff" } else { "inherit" };
                        td style=(format_args!("background:rgba(60,100,220,{share:.3});color:{ink}")) {
                            @if guesses > 0 { (guesses) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_classes_safely() {
        let score = Score::of([&[1u32][..]].into_iter(), &[0], 2);
        let page = confusion_page("a < b", &score, &["<cat>".into(), "dog".into()]);
        assert!(page.contains("&lt;cat&gt;") && page.contains("a &lt; b") && !page.contains("<cat>"));
    }
}
