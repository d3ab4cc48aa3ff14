//! Values of several rows side by side as SVG: a dot for each, with its deviation, and levels to compare them with.

use std::fmt::Write as _;

use super::chart::{Axis, caption, colour, short};
use crate::pages::html::escape;

/// A dot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Which of the series it is of: they differ in colour.
    pub series: usize,
    /// Where it stands.
    pub value: f64,
    /// Half the length of the line through it; 0 for none.
    pub deviation: f64,
}

const WIDTH: f64 = 380.0;
/// Room for the names of rows, and of a row.
const LEFT: f64 = 104.0;
const ROW: f64 = 24.0;
/// Room for the names of levels above and for figures below.
const ENDS: [f64; 2] = [14.0, 18.0];

/// The marks of each row (by its name) on a common axis. `levels` are lines across all rows, with their names.
#[must_use]
pub fn dots(
    title: &str,
    rows: &[&str],
    series: &[String],
    marks: &[(String, Mark)],
    levels: &[(&str, f64)],
) -> String {
    let finite = |mark: &&(String, Mark)| mark.1.value.is_finite() && mark.1.deviation.is_finite();
    let marks: Vec<&(String, Mark)> = marks.iter().filter(finite).collect();
    let ends = marks.iter().flat_map(|(_, mark)| [mark.value - mark.deviation, mark.value + mark.deviation]);
    let axis = Axis::of(ends.chain(levels.iter().map(|level| level.1)), WIDTH / 70.0);
    let height = ENDS[0] + ROW * rows.len() as f64 + ENDS[1];
    let x = |value: f64| axis.at(value, LEFT + 8.0, WIDTH - 12.0);
    let bottom = height - ENDS[1];
    let mut text = caption(title, series.iter().map(String::as_str), series.len() > 1);
    let _ =
        write!(text, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">", escape(title));
    for tick in axis.ticks() {
        let _ = write!(
            text,
            "<path class=\"grid\" d=\"M{0:.1} {1}V{bottom}\"/><text x=\"{0:.1}\" y=\"{height}\" dy=\"-4\" \
             text-anchor=\"middle\">{2}</text>",
            x(tick),
            ENDS[0],
            short(tick)
        );
    }
    for (name, value) in levels.iter().filter(|level| level.1.is_finite()) {
        let _ = write!(
            text,
            "<path class=\"level\" d=\"M{0:.1} {1}V{bottom}\"/><text x=\"{0:.1}\" y=\"9\" \
             text-anchor=\"middle\">{2}</text>",
            x(*value),
            ENDS[0],
            escape(name)
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let middle = ENDS[0] + ROW * (at as f64 + 0.5);
        let _ = write!(
            text,
            "<text x=\"{LEFT}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            middle + 3.5,
            escape(row)
        );
        for (_, mark) in marks.iter().filter(|(name, _)| name == row) {
            text += &dot(mark, middle + 4.0 * (mark.series as f64 - 0.5 * (series.len() as f64 - 1.0)), x);
        }
    }
    text + "</svg></figure>\n"
}

/// A mark at this height.
fn dot(Mark { series, value, deviation }: &Mark, y: f64, x: impl Fn(f64) -> f64) -> String {
    let mut text = String::new();
    let colour = colour(*series);
    if *deviation > 0.0 {
        let [from, to] = [value - deviation, value + deviation].map(&x);
        let _ =
            write!(text, "<path d=\"M{from:.1} {y:.1}H{to:.1}\" stroke=\"{colour}\" stroke-width=\"1.4\"/>");
    }
    let _ = write!(text, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"3.6\" fill=\"{colour}\"/>", x(*value));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_mark_is_drawn_and_nothing_breaks_it() {
        let mark = |series, value| Mark { series, value, deviation: 0.5 };
        let marks = [
            ("a <1>".to_owned(), mark(0, 3.0)),
            ("a <1>".to_owned(), mark(1, 5.0)),
            ("b".to_owned(), mark(0, f64::NAN)),
        ];
        let series = ["with".to_owned(), "without".to_owned()];
        let chart = dots("t", &["a <1>", "b"], &series, &marks, &[("raw", 1.0)]);
        assert!(chart.contains("a &lt;1&gt;") && chart.contains(">b<") && chart.contains(">raw<"), "{chart}");
        assert_eq!((chart.matches("<circle").count(), chart.matches("stroke-width").count()), (2, 2));
        let empty = dots("t", &[], &[], &[], &[]);
        for chart in [chart, empty] {
            assert!(
                !chart.contains("NaN") && chart.starts_with("<figure>") && chart.ends_with("</figure>\n")
            );
        }
    }
}
