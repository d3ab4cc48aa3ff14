//! What every drawing of a page stands in: its title, its legend, and how words, places and colours are written.

use crate::pages::gallery::hue;
use maud::{Markup, html};

/// Size of text, and how much wider than in the font of the sheets it may be in the reader's.
pub(super) const TEXT: f32 = 10.0;
pub(super) const WIDER: f32 = 1.3;

/// An entry of a legend.
#[derive(Clone, Copy)]
pub(super) struct Key<'n> {
    pub(super) name: &'n str,
    /// None for what lies behind.
    pub(super) hue: Option<usize>,
    pub(super) dashed: bool,
}

impl Key<'_> {
    pub(super) fn is_behind(&self) -> bool {
        self.hue.is_none()
    }
}

/// Entries whose colours are in their order.
pub(super) fn in_order<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = Key<'n>> {
    names.enumerate().map(|(hue, name)| Key { name, hue: Some(hue), dashed: false })
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
                        i.dashed[dashed] style={ "background:" (paint(hue)) ";border-color:" (paint(hue)) } {}
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

/// The colour of a curve, or the grey of one that lies behind.
pub(super) fn paint(hue: Option<usize>) -> String {
    hue.map_or_else(|| "var(--behind)".to_owned(), colour)
}

pub(super) fn colour(class: usize) -> String {
    format!("hsl({:.0} 65% 52%)", hue(class))
}
