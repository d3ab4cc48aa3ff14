//! Tables of figures as text.

use std::fmt::Write as _;

use crate::eval::score::Score;
use crate::judge::{FeatureSource, Table};

/// A table with its notes below it.
pub(super) fn table(table: &Table) -> String {
    let Table { title, rows, notes, .. } = table;
    let names = rows.iter().map(|(name, _)| name).chain([title]);
    let wide = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let head = FeatureSource::ALL.map(|source| source.name().to_owned());
    let mut text = "\n".to_owned();
    for (name, cells) in std::iter::once((title, &head)).chain(rows.iter().map(|(name, cells)| (name, cells)))
    {
        let _ = write!(text, "  {name:wide$}");
        cells.iter().for_each(|cell| {
            let _ = write!(text, "  {cell:>17}");
        });
        text.push('\n');
    }
    text += if notes.is_empty() { "" } else { "\n" };
    notes.iter().fold(text, |text, note| text + "  " + note + "\n")
}

/// The table by class of this network.
pub(super) fn classes(score: &Score, names: &[String]) -> String {
    let name = |class: u32| names.get(class as usize).map_or("?", String::as_str);
    let wide = score.classes.iter().map(|row| name(row.class).chars().count()).max().unwrap_or(0).max(5);
    let mut text = format!("\n  {:wide$}  pictures  right, %\n", "class");
    for row in &score.classes {
        let share = 100.0 * f64::from(row.right) / f64::from(row.samples.max(1));
        let _ = writeln!(text, "  {:wide$}  {:>8}  {share:>8.1}", name(row.class), row.samples);
    }
    text
}
