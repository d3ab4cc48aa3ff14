//! Which classes are taken for which, as a table.

use super::html::escape;
use crate::eval::score::Score;
use std::fmt::Write as _;

/// The confusion matrix as a page: rows are classes, columns guesses, darker is more.
#[must_use]
pub fn confusion_page(title: &str, score: &Score, names: &[String]) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>{0}</title>\n<style>body{{font:14px system-ui;margin:2em}}\
         </style>\n<h1>{0}</h1>\n{1}",
        escape(title),
        confusion_table(score, names)
    )
}

/// The confusion matrix as part of a page.
#[must_use]
pub fn confusion_table(score: &Score, names: &[String]) -> String {
    let name = |class: usize| names.get(class).map_or_else(|| class.to_string(), |name| escape(name));
    let mut page = format!(
        "<style>.confusion{{border-collapse:collapse;font-size:12px}}\
         .confusion td{{width:2.4em;height:2.4em;text-align:center;padding:0;border:0}}\
         .confusion th{{font-weight:400;padding:0 .5em;text-align:right;border:0}}\
         .confusion thead th{{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.5em 0}}\
         </style>\n<p>Rows are the true classes, columns the guesses; {} samples, {:.1} % right.</p>\n\
         <table class=\"confusion\"><thead><tr><td></td>",
        score.samples,
        100.0 * score.top1
    );
    let shown: Vec<usize> = score.classes.iter().map(|row| row.class as usize).collect();
    for &class in &shown {
        let _ = write!(page, "<th>{}</th>", name(class));
    }
    page += "</tr></thead>\n";
    for &class in &shown {
        let row = &score.confusion[class];
        let all = f64::from(row.iter().sum::<u32>().max(1));
        let _ = write!(page, "<tr><th>{}</th>", name(class));
        for &guess in &shown {
            let share = f64::from(row[guess]) / all;
            let ink = if share > 0.5 { "#fff" } else { "inherit" };
            let text = if row[guess] == 0 { String::new() } else { row[guess].to_string() };
            let _ =
                write!(page, "<td style=\"background:rgba(60,100,220,{share:.3});color:{ink}\">{text}</td>");
        }
        page += "</tr>\n";
    }
    page + "</table>\n"
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
