//! Charts as SVG: curves over the steps of a run, and points on a plane.

use crate::pages::gallery::font::width;
use crate::pages::gallery::hue;
use maud::{Markup, html};

/// One line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Points from left to right; what is no number is left out.
    pub points: Vec<[f64; 2]>,
    /// How it is drawn.
    pub look: Look,
}

/// How a curve is told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Which colour it has, counted from 0; its place among the curves where nothing is said.
    pub hue: Option<usize>,
    /// Whether it is dashed.
    pub dashed: bool,
}

/// An entry of a legend.
#[derive(Clone, Copy)]
pub(super) struct Key<'n> {
    pub(super) name: &'n str,
    pub(super) hue: usize,
    pub(super) dashed: bool,
}

/// Entries whose colours are in their order.
pub(super) fn in_order<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = Key<'n>> {
    names.enumerate().map(|(hue, name)| Key { name, hue, dashed: false })
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 190.0;
/// Room for the figures of the axes: left, below.
const MARGIN: [f64; 2] = [44.0, 18.0];
/// Size of text, and how much wider than in the font of the sheets it may be in the reader's.
pub(super) const TEXT: f32 = 10.0;
pub(super) const WIDER: f32 = 1.3;
/// Points of a curve that are drawn: a pixel each.
const DRAWN: usize = 380;

/// The curves in one chart; `level` is a line across with its name.
#[must_use]
pub fn lines(title: &str, curves: &[Curve], level: Option<(&str, f64)>) -> Markup {
    let finite = |point: &&[f64; 2]| point.iter().all(|value| value.is_finite());
    let all: Vec<[f64; 2]> =
        curves.iter().flat_map(|curve| curve.points.iter().filter(finite)).copied().collect();
    let heights = all.iter().map(|point| point[1]).chain(level.map(|(_, height)| height));
    let (x, y) = (Axis::of(all.iter().map(|p| p[0]), WIDTH / 70.0), Axis::of(heights, HEIGHT / 38.0));
    let place = |[a, b]: [f64; 2]| (x.at(a, MARGIN[0], WIDTH - 8.0), y.at(b, HEIGHT - MARGIN[1], 8.0));
    let places: Vec<Vec<(f64, f64)>> =
        curves.iter().map(|curve| curve.points.iter().filter(finite).copied().map(place).collect()).collect();
    let keys: Vec<Key<'_>> = curves
        .iter()
        .enumerate()
        .map(|(at, Curve { name, look, .. })| Key { name, hue: look.hue.unwrap_or(at), dashed: look.dashed })
        .collect();
    let drawing = html! {
        @for tick in y.ticks() {
            @let (left, height) = place([x.low, tick]);
            path.grid d=(format_args!("M{left:.0} {height:.1}H{WIDTH}")) {}
            (label(left - 5.0, height + 3.0, "end", &short(tick)))
        }
        @for tick in x.ticks() { (label(place([tick, y.low]).0, HEIGHT - 4.0, "middle", &short(tick))) }
        @if let Some((name, height)) = level {
            @let (left, height) = place([x.low, height]);
            path.level d=(format_args!("M{left:.0} {height:.1}H{WIDTH}")) {}
            @let Spot { left, base, anchor } = free_spot(&places, name, left, height);
            (label(left, base, anchor, name))
        }
        @for (key, places) in keys.iter().zip(&places) { (drawn(places, key)) }
    };
    figure(title, keys.iter().copied(), curves.len() > 1, [WIDTH, HEIGHT], &drawing)
}

/// Where the name of a level stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    left: f64,
    base: f64,
    anchor: &'static str,
}

/// At either end of a level that begins at `left`, over it or below: where the fewest places of curves are covered, and
/// over its right end where all are alike.
fn free_spot(places: &[Vec<(f64, f64)>], name: &str, left: f64, height: f64) -> Spot {
    let wide = f64::from(WIDER * width(name, TEXT));
    let right = Spot { left: WIDTH, base: 0.0, anchor: "end" };
    let begin = Spot { left: left + 2.0, base: 0.0, anchor: "start" };
    let spots = [right, begin]
        .into_iter()
        .flat_map(|spot| [height - 4.0, height + 11.0].map(|base| Spot { base, ..spot }));
    let inside = |spot: &Spot| spot.base >= 10.0 && spot.base <= HEIGHT - MARGIN[1] - 2.0;
    let covered = |spot: &Spot| {
        let from = if spot.anchor == "end" { spot.left - wide } else { spot.left };
        let hit = |&(x, y): &(f64, f64)| {
            x >= from - 3.0 && x <= from + wide + 3.0 && y >= spot.base - 10.0 && y <= spot.base + 3.0
        };
        places.iter().map(|curve| between(curve).filter(hit).count()).sum::<usize>()
    };
    spots.filter(inside).min_by_key(covered).unwrap_or(Spot { base: height.clamp(10.0, HEIGHT), ..right })
}

/// The places of a curve, and some between those that are far apart.
fn between(places: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    const APART: f64 = 3.0;
    let pairs = places.windows(2).flat_map(|pair| {
        let [(a, b), (c, d)] = [pair[0], pair[1]];
        let parts = ((c - a).abs().max((d - b).abs()) / APART).ceil().clamp(1.0, 1000.0);
        (1..parts as usize).map(move |part| {
            let share = part as f64 / parts;
            (a + share * (c - a), b + share * (d - b))
        })
    });
    places.iter().copied().chain(pairs)
}

/// A curve through places of the chart; where they are few, with dots.
fn drawn(places: &[(f64, f64)], key: &Key<'_>) -> Markup {
    let colour = colour(key.hue);
    let every = places.len().div_ceil(DRAWN).max(1);
    let kept = places.chunks(every).filter_map(|chunk| chunk.last()).enumerate();
    let step = |(at, (left, height)): (usize, &(f64, f64))| {
        format!("{}{left:.1} {height:.1}", if at == 0 { 'M' } else { 'L' })
    };
    html! {
        path d=(kept.map(step).collect::<String>()) fill="none" stroke=(colour) stroke-width="1.6"
            stroke-dasharray=[key.dashed.then_some("5 3")] {}
        @for (left, height) in places.iter().filter(|_| places.len() < 20) {
            circle cx=(tenths(*left)) cy=(tenths(*height)) r="2.2" fill=(colour) {}
        }
    }
}

/// Points on a plane, coloured by class where there is one. `names` are the classes.
#[must_use]
pub fn points(title: &str, at: &[[f32; 2]], classes: &[Option<u32>], names: &[String]) -> Markup {
    const SIDE: f64 = 640.0;
    let axis = |i: usize| Axis::of(at.iter().map(|point| f64::from(point[i])), 1.0);
    let (x, y) = (axis(0), axis(1));
    let place = |axis: &Axis, value: f32| axis.at(f64::from(value), 10.0, SIDE - 10.0);
    let drawing = html! {
        @for (point, class) in at.iter().zip(classes.iter().chain(std::iter::repeat(&None))) {
            @let fill = class.map_or_else(|| "currentColor".to_owned(), |class| colour(class as usize));
            circle cx=(tenths(place(&x, point[0]))) cy=(tenths(SIDE - place(&y, point[1]))) r="3" fill=(fill)
                fill-opacity=".65" {
                title { @if let Some(name) = class.and_then(|class| names.get(class as usize)) { (name) } }
            }
        }
    };
    figure(title, in_order(names.iter().map(String::as_str)), !names.is_empty(), [SIDE, SIDE], &drawing)
}

/// A drawing of this width and height; with `legend` the names stand over it in their colours.
pub(super) fn figure<'n>(
    title: &str,
    keys: impl Iterator<Item = Key<'n>>,
    legend: bool,
    [width, height]: [f64; 2],
    drawing: &Markup,
) -> Markup {
    html! {
        figure {
            figcaption {
                (title)
                @for Key { name, hue, dashed } in keys.filter(|_| legend) {
                    span {
                        i.dashed[dashed] style={ "background:" (colour(hue)) ";border-color:" (colour(hue)) } {}
                        (name)
                    }
                }
            }
            svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(title) { (drawing) }
        }
    }
}

/// Words in a drawing; `anchor` says which part of them stands at `left`, the baseline at `height`.
pub(super) fn label(left: f64, height: f64, anchor: &str, words: &str) -> Markup {
    html! { text x=(tenths(left)) y=(tenths(height)) text-anchor=(anchor) { (words) } }
}

/// A place in a drawing, to a tenth of its unit.
pub(super) fn tenths(place: f64) -> String {
    format!("{place:.1}")
}

pub(super) fn colour(class: usize) -> String {
    format!("hsl({:.0} 65% 52%)", hue(class))
}

/// A number in few characters.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 0.001 => format!("{value:.0e}"),
        size if size >= 10_000.0 => format!("{}k", value / 1000.0),
        _ => format!("{}", (value * 1e4).round() / 1e4),
    }
}

/// The range of an axis.
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: usize,
}

impl Axis {
    /// From the least to the greatest value, and around a single one, with room for so many ticks.
    pub(super) fn of(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let room = if high > low { 0.0 } else { 0.5 * low.abs().max(1e-3) };
        Self { low: low - room, high: high + room, ticks: ticks as usize }
    }

    /// Where a value lies between two pixels.
    pub(super) fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        from + (value - self.low) / (self.high - self.low) * (to - from)
    }

    /// Round values (1, 2 or 5 times a power of ten apart).
    pub(super) fn ticks(&self) -> Vec<f64> {
        let least = (self.high - self.low) / self.ticks.max(1) as f64;
        let power = 10f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0]
            .into_iter()
            .map(|m| m * power)
            .find(|&step| step >= least)
            .unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        (first..)
            .map(|i| i as f64 * step)
            .take_while(|&tick| tick <= self.high + 1e-9 * step)
            .take(64)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |low, high, ticks| Axis { low, high, ticks }.ticks();
        assert_eq!(ticks(0.0, 1892.0, 5), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(3.4, 5.9, 2), [4.0]);
        assert_eq!(ticks(-0.2, 0.2, 4), [-0.2, -0.1, 0.0, 0.1, 0.2]);
        assert_eq!([12_000.0, 0.00002, 0.25, 500.0].map(short), ["12k", "2e-5", "0.25", "500"]);
    }

    #[test]
    fn the_name_of_a_level_stands_off_curves() {
        let level = 60.0;
        let spot = |places: &[Vec<(f64, f64)>]| free_spot(places, "raw pixels", 44.0, level);
        let over_right = spot(&[]);
        assert_eq!(over_right, Spot { left: WIDTH, base: level - 4.0, anchor: "end" });
        // Two places far apart: what lies between them counts.
        let rising = vec![(44.0, 170.0), (WIDTH, level - 6.0)];
        assert_ne!(spot(std::slice::from_ref(&rising)), over_right);
        let both_ends = vec![(44.0, level - 6.0), (WIDTH, level - 6.0)];
        assert_eq!(spot(&[both_ends]), Spot { base: level + 11.0, ..over_right });
        let below = vec![(WIDTH - 90.0, level + 8.0), (WIDTH, level + 8.0)];
        assert_eq!(spot(&[vec![(300.0, level - 6.0), (WIDTH, level - 6.0)], below]).anchor, "start");
        // At the top there is no room over it.
        assert_eq!(free_spot(&[], "raw pixels", 44.0, 8.0).base, 19.0);
    }

    #[test]
    fn charts_survive_nothing_sameness_and_no_numbers() {
        let curve = |points: &[[f64; 2]]| {
            [Curve { name: "<a>".into(), points: points.to_vec(), look: Look::default() }]
        };
        for chart in [
            lines("t", &[], None),
            lines("t", &curve(&[]), Some(("ln K", 5.7))),
            lines("t", &curve(&[[1.0, 2.0]]), None),
            lines("t", &curve(&[[1.0, f64::NAN], [2.0, 0.0], [3.0, 0.0]]), None),
            points("t", &[], &[], &[]),
            points("t", &[[0.0, 0.0]; 3], &[Some(9), None], &["<x>".into()]),
        ] {
            let chart = chart.into_string();
            assert!(!chart.contains("NaN") && !chart.contains("inf") && !chart.contains("<x>"), "{chart}");
            assert!(chart.starts_with("<figure>") && chart.ends_with("</figure>"));
        }
        let many: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
        assert!(lines("t", &curve(&many), None).0.len() < 10_000);
    }
}
