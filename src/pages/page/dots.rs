//! Values of several rows side by side as SVG: a dot for each, with its deviation, and levels to compare them with.

use super::chart::{Axis, colour, figure, label, short, tenths};
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
/// Room for the names of rows, and of a row.
const LEFT: f64 = 104.0;
const ROW: f64 = 24.0;
/// Room for a line of names of levels above, and for figures below.
const NAMES: f64 = 11.0;
const BELOW: f64 = 18.0;
/// Room between the names of two levels.
const GAP: f64 = 8.0;
/// Size of text, and how much wider than in the font of the sheets it may be in the reader's.
const TEXT: f32 = 10.0;
const WIDER: f32 = 1.3;

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
    let x = |value: f64| axis.at(value, LEFT + 8.0, WIDTH - 12.0);
    let named = placed(levels.iter().map(|&(name, value)| (name, x(value))).collect());
    let top = NAMES * named.len().max(1) as f64 + 3.0;
    let bottom = top + ROW * rows.len() as f64;
    let down = |value: f64| format!("M{:.1} {top}V{bottom}", x(value));
    let side = 0.5 * (series.len() as f64 - 1.0);
    let drawing = html! {
        @for tick in axis.ticks() {
            path.grid d=(down(tick)) {}
            (label(x(tick), bottom + BELOW - 4.0, "middle", &short(tick)))
        }
        @for (_, value) in &levels { path.level d=(down(*value)) {} }
        @for (line, names) in named.iter().enumerate() {
            @for Name { text, left, width } in names {
                (label(left + width / 2.0, NAMES * (line + 1) as f64 - 2.0, "middle", text))
            }
        }
        @for (at, row) in rows.iter().enumerate() {
            @let middle = top + ROW * (at as f64 + 0.5);
            (label(LEFT, middle + 3.5, "end", row))
            @for (_, mark) in marks.iter().filter(|(name, _)| name == row) {
                (dot(mark, middle + 4.0 * (mark.series as f64 - side), x))
            }
        }
    };
    let names = series.iter().map(String::as_str);
    figure(title, names, series.len() > 1, [WIDTH, bottom + BELOW], &drawing)
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

/// The name of a level, and where it stands.
#[derive(Clone, Debug, PartialEq)]
struct Name {
    text: String,
    left: f64,
    width: f64,
}

/// Lines of names, each over its level (given as its place) or as near to it as it can be: names stay within the
/// drawing, in the order of their levels, and do not touch. What does not fit into a line begins the next one.
fn placed(mut levels: Vec<(&str, f64)>) -> Vec<Vec<Name>> {
    levels.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut lines: Vec<Vec<Name>> = Vec::new();
    let mut room = 0.0;
    for (text, middle) in levels {
        let text = fit(text, TEXT, WIDTH as f32 / WIDER);
        let width = f64::from(WIDER * width(&text, TEXT)).min(WIDTH);
        let name = Name { text, left: middle - width / 2.0, width };
        match lines.last_mut().filter(|_| width <= room) {
            Some(line) => {
                line.push(name);
                room -= width + GAP;
            }
            None => {
                lines.push(vec![name]);
                room = WIDTH - width - GAP;
            }
        }
    }
    lines.iter_mut().for_each(|line| spread(line));
    lines
}

/// Moves the names of a line apart, by as little as the sum of squares allows, and into the drawing.
fn spread(names: &mut [Name]) {
    // Less the room of the names before, places must not fall from one name to the next. Where they would, names stand
    // side by side around the mean of where they want to be: groups of these, with their sums and counts.
    let (mut before, mut groups) = (0.0, Vec::<(f64, usize)>::new());
    for name in names.iter() {
        let mut group = (name.left - before, 1);
        while let Some(last) = groups.pop_if(|last| last.0 / last.1 as f64 > group.0 / group.1 as f64) {
            group = (last.0 + group.0, last.1 + group.1);
        }
        groups.push(group);
        before += name.width + GAP;
    }
    let (most, mut before) = ((WIDTH - (before - GAP)).max(0.0), 0.0);
    let places = groups.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    for (name, place) in names.iter_mut().zip(places) {
        name.left = place.clamp(0.0, most) + before;
        before += name.width + GAP;
    }
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

    /// What a browser draws names from and to, were its letters the widest.
    fn reach(line: &[Name]) -> Vec<[f64; 2]> {
        line.iter().map(|name| [name.left, name.left + name.width]).collect()
    }

    #[test]
    fn names_of_levels_neither_touch_nor_leave_the_drawing() {
        let pair = |a, b| placed(vec![("raw pixels", a), ("untrained network", b)]);
        // Apart, each stands over its level.
        let apart = &pair(150.0, 300.0)[0];
        assert!(apart.iter().zip([150.0, 300.0]).all(|(n, at)| (n.left + n.width / 2.0 - at).abs() < 1e-9));
        let long = "a name that is longer than the whole drawing is wide ".repeat(4);
        let same = |count: usize, at| placed(vec![("untrained network", at); count]);
        let cases = [
            pair(200.0, 200.0),
            pair(210.0, 200.0),
            pair(112.0, 113.0),
            pair(368.0, 368.0),
            pair(0.0, 380.0),
            same(3, 368.0),
            same(9, 112.0),
            placed(vec![(&long, 368.0), ("raw pixels", 368.0), ("WWWWWWWW", 110.0), ("画像", 111.0)]),
            placed(vec![("", 200.0), ("a", 200.0), ("b", 200.0)]),
        ];
        for (i, lines) in cases.iter().enumerate() {
            for line in lines {
                let reach = reach(line);
                assert!(reach.iter().all(|[from, to]| *from >= 0.0 && *to <= WIDTH + 1e-6), "{i}: {reach:?}");
                assert!(reach.windows(2).all(|two| two[0][1] + GAP <= two[1][0] + 1e-6), "{i}: {reach:?}");
            }
        }
        assert_eq!(cases.each_ref().map(Vec::len), [1, 1, 1, 1, 1, 1, 3, 3, 1]);
        // The order is that of the levels, and a pair moves to both sides.
        assert_eq!(cases[1][0][0].text, "untrained network");
        let [left, right] = &cases[0][0][..] else { panic!("two names") };
        assert!(left.left + left.width / 2.0 < 200.0 && right.left + right.width / 2.0 > 200.0);
        assert!(placed(Vec::new()).is_empty());
    }

    #[test]
    fn a_second_line_of_names_makes_the_drawing_higher() {
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
        assert_eq!(height(&[("untrained network", 1.0); 9]) - height(&[("raw", 1.0)]), 2.0 * NAMES);
    }
}
