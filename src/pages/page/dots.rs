//! Values of several rows side by side as SVG: a dot for each, with its deviation, and levels to compare them with.

use super::axis::{Axis, short};
use super::figure::{TEXT, WIDER, colour, figure, in_order, label, tenths};
use crate::pages::gallery::font::{fit, width};
use maud::{Markup, html};

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
/// Room for the names of rows: what the widest needs, within these. Names of levels need some of it too.
const LEFT: [f64; 2] = [104.0, 180.0];
/// Height of a row.
const ROW: f64 = 24.0;
/// Room for a line of names of levels above, and for figures below.
const NAMES: f64 = 11.0;
const BELOW: f64 = 18.0;
/// Room between the name of a level and its line.
const GAP: f64 = 4.0;

/// The marks of each row (by its name) on a common axis. `levels` are lines across all rows, with their names.
#[must_use]
pub fn dots(
    title: &str,
    rows: &[&str],
    series: &[String],
    marks: &[(String, Mark)],
    levels: &[(&str, f64)],
) -> Markup {
    let finite = |mark: &&(String, Mark)| mark.1.value.is_finite() && mark.1.deviation.is_finite();
    let marks: Vec<&(String, Mark)> = marks.iter().filter(finite).collect();
    let levels: Vec<(&str, f64)> = levels.iter().filter(|level| level.1.is_finite()).copied().collect();
    let ends = marks.iter().flat_map(|(_, mark)| [mark.value - mark.deviation, mark.value + mark.deviation]);
    let axis = Axis::of(ends.chain(levels.iter().map(|level| level.1)), WIDTH / 70.0);
    let (left, shown) = named(rows);
    let x = |value: f64| axis.at(value, left + 8.0, WIDTH - 12.0);
    let names = placed(levels.iter().map(|&(name, value)| (name, x(value))).collect());
    let top = NAMES * names.iter().map(|name| name.line + 1).max().unwrap_or(1) as f64 + 3.0;
    let bottom = top + ROW * rows.len() as f64;
    let side = 0.5 * (series.len() as f64 - 1.0);
    let drawing = html! {
        @for tick in axis.ticks() {
            path.grid d=(format_args!("M{:.1} {top}V{bottom}", x(tick))) {}
            (label(x(tick), bottom + BELOW - 4.0, "middle", &short(tick)))
        }
        @for Name { text, at, line, .. } in &names {
            @let over = top - 3.0 - NAMES * *line as f64;
            path.level d=(format_args!("M{at:.1} {}V{bottom}", over - NAMES + 2.0)) {}
            (label(at - GAP, over - 2.0, "end", text))
        }
        @for (at, (row, shown)) in rows.iter().zip(&shown).enumerate() {
            @let middle = top + ROW * (at as f64 + 0.5);
            (row_name(left, middle + 3.5, row, shown))
            @for (_, mark) in marks.iter().filter(|(name, _)| name == row) {
                (dot(mark, middle + 4.0 * (mark.series as f64 - side), x))
            }
        }
    };
    let series_names = series.iter().map(String::as_str);
    figure(title, in_order(series_names), series.len() > 1, [WIDTH, bottom + BELOW], &drawing)
}

/// Where the names of rows end, and as much of each as fits before.
fn named(rows: &[&str]) -> (f64, Vec<String>) {
    let needed = |row: &&str| f64::from(WIDER * width(row, TEXT)).ceil();
    let left = rows.iter().map(needed).fold(LEFT[0], f64::max).min(LEFT[1]);
    (left, rows.iter().map(|row| fit(row, TEXT, left as f32 / WIDER)).collect())
}

/// The name of a row, with all of it under the pointer where it was cut.
fn row_name(left: f64, height: f64, row: &str, shown: &str) -> Markup {
    if row == shown {
        return label(left, height, "end", row);
    }
    html! {
        text x=(tenths(left)) y=(tenths(height)) text-anchor="end" { (shown) title { (row) } }
    }
}

/// A mark at this height.
fn dot(&Mark { series, value, deviation }: &Mark, y: f64, x: impl Fn(f64) -> f64) -> Markup {
    let colour = colour(series);
    html! {
        @if deviation > 0.0 {
            @let [from, to] = [value - deviation, value + deviation].map(&x);
            path d=(format_args!("M{from:.1} {y:.1}H{to:.1}")) stroke=(colour) stroke-width="1.4" {}
        }
        circle cx=(tenths(x(value))) cy=(tenths(y)) r="3.6" fill=(colour) {}
    }
}

/// The name of a level.
#[derive(Clone, Debug, PartialEq)]
struct Name {
    text: String,
    /// Where its level is.
    at: f64,
    /// Where it begins, at the most; it ends before its level.
    left: f64,
    /// How many names may stand below it.
    line: usize,
}

/// The names of levels (given with their places), each at the left of its own level's upper end. A name that would stand
/// across the level of another one stands higher than that level reaches, so that nothing touches.
fn placed(mut levels: Vec<(&str, f64)>) -> Vec<Name> {
    levels.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut names: Vec<Name> = Vec::new();
    for (text, at) in levels {
        let text = fit(text, TEXT, (at - GAP) as f32 / WIDER);
        let left = at - GAP - f64::from(WIDER * width(&text, TEXT));
        let crossed = names.iter().filter(|other| other.at + GAP > left);
        let line = crossed.map(|other| other.line + 1).max().unwrap_or(0);
        names.push(Name { text, at, left, line });
    }
    names
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
        let chart = dots("t", &["a <1>", "b"], &series, &marks, &[("raw", 1.0)]).into_string();
        assert!(chart.contains("a &lt;1&gt;") && chart.contains(">b<") && chart.contains(">raw<"), "{chart}");
        assert_eq!((chart.matches("<circle").count(), chart.matches("stroke-width").count()), (2, 2));
        let empty = dots("t", &[], &[], &[], &[]).into_string();
        for chart in [chart, empty] {
            assert!(!chart.contains("NaN") && chart.starts_with("<figure>") && chart.ends_with("</figure>"));
        }
    }

    #[test]
    fn names_of_rows_stay_inside_and_are_whole_where_they_fit() {
        let crops = "crops 2x32@0.4-1,4x16@0.14-0.4";
        let endless = "init /home/somebody/runs/of/last/year/and/before/checkpoint.safetensors";
        for rows in [
            &["swav", "deepcluster-v2"][..],
            &[crops, "b"],
            &[endless, "WWWWWWWWWWWWWWWWWWWWWW", "画像"],
            &[],
        ] {
            let (left, shown) = named(rows);
            assert!((LEFT[0]..=LEFT[1]).contains(&left), "{left}");
            for (row, shown) in rows.iter().zip(&shown) {
                let begins = left - f64::from(WIDER * width(shown, TEXT));
                assert!(begins >= -1e-3, "{shown} begins at {begins}");
                assert_eq!(row == shown, f64::from(WIDER * width(row, TEXT)) <= LEFT[1], "{row}");
            }
        }
        assert!(named(&["swav"]).0 < named(&[crops]).0);
        let chart = dots("t", &[endless], &[], &[], &[]).into_string();
        assert!(chart.contains(&format!("…<title>{endless}</title></text>")), "{chart}");
    }

    #[test]
    fn names_of_levels_touch_neither_each_other_nor_a_line_nor_the_edge() {
        let pair = |a, b| placed(vec![("raw pixels", a), ("untrained network", b)]);
        let same = |count: usize, at| placed(vec![("untrained network", at); count]);
        let long = "a name that is longer than the whole drawing is wide ".repeat(4);
        let cases = [
            pair(150.0, 300.0),
            pair(200.0, 200.0),
            pair(210.0, 200.0),
            pair(112.0, 113.0),
            pair(316.8, 368.0),
            pair(368.0, 112.0),
            same(9, 112.0),
            placed(vec![(&long, 368.0), ("raw pixels", 367.0), ("WWWWWWWW", 112.0), ("画像", 113.0)]),
            placed(vec![("", 200.0), ("a", 200.0), ("b", 200.0)]),
        ];
        for (i, names) in cases.iter().enumerate() {
            assert!(names.iter().all(|name| name.left >= -1e-3 && name.at < WIDTH), "{i}: {names:?}");
            for (a, name) in names.iter().enumerate() {
                for (b, other) in names.iter().enumerate().filter(|(b, _)| *b != a) {
                    // The line of the other one reaches up to its own name's.
                    let crossed = name.line <= other.line && name.left < other.at && other.at < name.at - GAP;
                    let apart = name.at - GAP <= other.left || other.at - GAP <= name.left;
                    assert!(!crossed && (name.line != other.line || apart), "{i}: {a} {b} {names:?}");
                }
            }
        }
        let lines = |names: &Vec<Name>| names.iter().map(|name| name.line + 1).max().unwrap();
        assert_eq!(cases.each_ref().map(lines), [1, 2, 2, 2, 2, 1, 9, 3, 3]);
        assert!(cases[7][3].text.ends_with('…') && placed(Vec::new()).is_empty());
    }

    #[test]
    fn lines_of_names_make_the_drawing_higher() {
        let height = |levels: &[(&str, f64)]| {
            let chart = dots("t", &["a"], &[], &[], levels).into_string();
            let shown = levels.iter().all(|(name, _)| chart.contains(&format!(">{name}<")));
            assert!(shown, "{chart}");
            chart
                .split("viewBox=\"0 0 380 ")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse::<f64>()
                .unwrap()
        };
        assert_eq!(height(&[("untrained network", 1.0); 9]) - height(&[("raw", 1.0)]), 8.0 * NAMES);
    }
}
