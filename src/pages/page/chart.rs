//! Charts as SVG: curves over the steps of a run, and points on a plane.

use super::axis::{Axis, Scale, short};
use super::figure::{Key, TEXT, WIDER, colour, figure, in_order, label, paint, tenths};
use crate::pages::gallery::font::width;
use maud::{Markup, html};

/// One line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Points from left to right; what is no number is left out.
    pub points: Vec<[f64; 2]>,
    /// How far single values lie from each point, above and below; empty where there is one of each.
    pub deviations: Vec<f64>,
    /// How it is drawn.
    pub look: Look,
}

/// How a curve is told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Which colour it has.
    pub paint: Paint,
    /// Whether it is dashed.
    pub dashed: bool,
    /// Whether its points have no dots, however few they are: it is a level, not something that was measured there.
    pub bare: bool,
}

/// The colour of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// That of its place among the curves.
    #[default]
    InTurn,
    /// One of those colours, counted from 0.
    Of(usize),
    /// Grey, and behind all others: what they are held against. Those of one name have one entry in the legend.
    Behind,
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 190.0;
/// Room for the figures of the axes: left, below.
const MARGIN: [f64; 2] = [44.0, 18.0];
/// Points of a curve that are drawn: a pixel each.
const DRAWN: usize = 380;

/// The curves in one chart; `level` is a line across with its name.
#[must_use]
pub fn lines(title: &str, curves: &[Curve], level: Option<(&str, f64)>) -> Markup {
    chart(title, curves, level, Scale::Linear)
}

/// The curves over a logarithmic axis, such as one of compute.
#[must_use]
pub fn log_lines(title: &str, curves: &[Curve]) -> Markup {
    chart(title, curves, None, Scale::Logarithmic)
}

fn chart(title: &str, curves: &[Curve], level: Option<(&str, f64)>, scale: Scale) -> Markup {
    let spans: Vec<Vec<Span>> = curves.iter().map(|curve| curve.spans(scale)).collect();
    let all = || spans.iter().flatten();
    let heights = all().flat_map(Span::ends).chain(level.map(|(_, height)| height));
    let (x, y) = (Axis::of(all().map(|span| span.at), WIDTH / 70.0), Axis::of(heights, HEIGHT / 38.0));
    let place = |[a, b]: [f64; 2]| (x.at(a, MARGIN[0], WIDTH - 8.0), y.at(b, HEIGHT - MARGIN[1], 8.0));
    let placed = |spans: &Vec<Span>| spans.iter().map(|span| place([span.at, span.value])).collect();
    let places: Vec<Vec<(f64, f64)>> = spans.iter().map(placed).collect();
    let keys: Vec<Key<'_>> = curves.iter().enumerate().map(|(at, curve)| curve.key(at)).collect();
    let layered = |behind: bool| {
        let all = keys.iter().zip(&places).zip(curves);
        all.filter(move |((key, _), _)| key.is_behind() == behind)
    };
    let drawing = html! {
        @for tick in y.ticks() {
            @let (left, height) = place([x.low, tick]);
            path.grid d=(format_args!("M{left:.0} {height:.1}H{WIDTH}")) {}
            (label(left - 5.0, height + 3.0, "end", &short(tick)))
        }
        @for (at, shown) in x.marks(scale) { (label(place([at, y.low]).0, HEIGHT - 4.0, "middle", &short(shown))) }
        @if let Some((name, height)) = level {
            @let (left, height) = place([x.low, height]);
            path.level d=(format_args!("M{left:.0} {height:.1}H{WIDTH}")) {}
            @let Spot { left, base, anchor } = free_spot(&places, name, left, height);
            (label(left, base, anchor, name))
        }
        @for (key, spans) in keys.iter().zip(&spans) {
            @for span in spans.iter().filter(|span| span.deviation > 0.0) {
                @let [(left, from), (_, to)] = span.ends().map(|end| place([span.at, end]));
                path d=(format_args!("M{left:.1} {from:.1}V{to:.1}")) stroke=(paint(key.hue)) stroke-width="1.2" {}
            }
        }
        @for ((key, places), curve) in layered(true).chain(layered(false)) {
            (drawn(places, key, !curve.look.bare && !key.is_behind() && places.len() < 20))
        }
    };
    let is_told =
        |at: usize| keys[at].is_behind() && keys[..at].iter().any(|other| other.name == keys[at].name);
    let legend = (0..keys.len()).filter(|&at| !is_told(at)).map(|at| keys[at]);
    figure(title, legend, curves.len() > 1, [WIDTH, HEIGHT], &drawing)
}

/// A point of a curve: where it stands on its axis, its value, and how far single values lie from it.
#[derive(Clone, Copy)]
struct Span {
    at: f64,
    value: f64,
    deviation: f64,
}

impl Span {
    /// The greatest and the least of what it stands for.
    fn ends(&self) -> [f64; 2] {
        [self.value + self.deviation, self.value - self.deviation]
    }
}

impl Curve {
    /// Its entry in the legend, where it is the one of this place among the curves.
    fn key(&self, place: usize) -> Key<'_> {
        let hue = match self.look.paint {
            Paint::InTurn => Some(place),
            Paint::Of(hue) => Some(hue),
            Paint::Behind => None,
        };
        Key { name: &self.name, hue, dashed: self.look.dashed }
    }

    /// Its points on an axis of this scale, those left out that have no place there.
    fn spans(&self, scale: Scale) -> Vec<Span> {
        let deviations = self.deviations.iter().copied().chain(std::iter::repeat(0.0));
        let span = |(&[x, value], deviation): (&[f64; 2], f64)| Span { at: scale.of(x), value, deviation };
        let finite =
            |span: &Span| [span.at, span.value, span.deviation].iter().all(|value| value.is_finite());
        self.points.iter().zip(deviations).map(span).filter(finite).collect()
    }
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

/// A curve through places of the chart, with or without a dot on each.
fn drawn(places: &[(f64, f64)], key: &Key<'_>, dots: bool) -> Markup {
    let colour = paint(key.hue);
    let width = if key.is_behind() { "1" } else { "1.6" };
    let every = places.len().div_ceil(DRAWN).max(1);
    let kept = places.chunks(every).filter_map(|chunk| chunk.last()).enumerate();
    let step = |(at, (left, height)): (usize, &(f64, f64))| {
        format!("{}{left:.1} {height:.1}", if at == 0 { 'M' } else { 'L' })
    };
    html! {
        path d=(kept.map(step).collect::<String>()) fill="none" stroke=(colour) stroke-width=(width)
            stroke-dasharray=[key.dashed.then_some("5 3")] {}
        @for (left, height) in places.iter().filter(|_| dots) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_lies_behind_is_drawn_first_in_grey_and_told_once() {
        let curve = |name: &str, paint| Curve {
            name: name.to_owned(),
            points: vec![[0.0, 1.0], [9.0, 2.0]],
            look: Look { paint, ..Look::default() },
            ..Curve::default()
        };
        let behind = || curve("others", Paint::Behind);
        let drawn = lines("t", &[curve("own", Paint::InTurn), behind(), behind()], None).into_string();
        let (legend, drawing) = drawn.split_once("<svg").unwrap();
        assert_eq!(legend.matches("others").count(), 1, "{legend}");
        assert_eq!(drawing.matches("var(--behind)").count(), 2, "no dots: {drawing}");
        assert!(drawing.rfind("var(--behind)") < drawing.find("hsl("), "{drawing}");
        // Those that are not behind are told one by one.
        let same = lines("t", &[curve("a", Paint::Of(1)), curve("a", Paint::Of(1))], None).into_string();
        assert_eq!(same.split_once("<svg").unwrap().0.matches("</i>").count(), 2, "{same}");
    }

    #[test]
    fn charts_survive_nothing_sameness_and_no_numbers() {
        let curve =
            |points: &[[f64; 2]]| [Curve { name: "<a>".into(), points: points.to_vec(), ..Curve::default() }];
        for chart in [
            lines("t", &[], None),
            lines("t", &curve(&[]), Some(("ln K", 5.7))),
            lines("t", &curve(&[[1.0, 2.0]]), None),
            lines("t", &curve(&[[1.0, f64::NAN], [2.0, 0.0], [3.0, 0.0]]), None),
            log_lines("t", &curve(&[[0.0, 1.0], [-1.0, 1.0], [10.0, 2.0]])),
            log_lines("t", &[]),
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

    #[test]
    fn a_logarithmic_axis_has_decades_of_equal_length_and_points_their_deviation() {
        let points = vec![[1e3, 40.0], [1e4, 50.0], [1e5, 60.0]];
        let curve = Curve { points, deviations: vec![1.0, 0.0, 2.0], ..Curve::default() };
        let drawn = log_lines("t", &[curve]).into_string();
        let circles: Vec<f64> = drawn
            .split("cx=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!((circles[2] - circles[1] - (circles[1] - circles[0])).abs() < 0.2, "{circles:?}");
        assert_eq!(drawn.matches("stroke-width=\"1.2\"").count(), 2, "one has no deviation: {drawn}");
        for shown in [">1000<", ">10k<", ">100k<"] {
            assert!(drawn.contains(shown), "{shown}: {drawn}");
        }
    }
}
