//! What was found, as a table for programs and as a page of pictures side by side.

use super::{Duplicates, Group, MatchKind, Sides};
use crate::data::Dataset;
use crate::pages::html::{data_uri, document};
use crate::uses::embed::csv;
use image::imageops::{FilterType, resize};
use maud::{Markup, html};
use std::fmt::Write as _;

/// Longest side of a picture on the page, in pixels.
const SIDE: u32 = 160;
/// Groups and pictures of one group that the page shows, at most: it stays a page that a browser opens at once.
const GROUPS: usize = 200;
const MEMBERS: usize = 12;

/// A line for each picture of each group, as CSV.
#[must_use]
pub fn table(found: &Duplicates, dataset: &Dataset) -> String {
    let sides = Sides::of(dataset);
    let mut text = "group,kind,picture,split,distance,leak\n".to_owned();
    for (number, group) in found.groups.iter().enumerate() {
        for (&member, distance) in group.members.iter().zip(&group.distances) {
            let _ = writeln!(
                text,
                "{number},{},{},{},{distance:.4},{}",
                group.kind.name(),
                csv(&dataset.picture_name(member)),
                csv(sides.side(member)),
                group.leaks
            );
        }
    }
    text
}

/// A page of the groups; it needs nothing beside it.
#[must_use]
pub fn page(found: &Duplicates, dataset: &Dataset) -> String {
    let sides = Sides::of(dataset);
    let title = format!("Duplicates in {}", dataset.name());
    let body = html! {
        h1 { (title) }
        p.lead {
            "Nothing was deleted. Exact: the files are equal. Near: they look the same to a hash of 64 bits. Features: \
             the network finds them alike. A group marked " b { "leak" } " stands on both sides of a split, which makes \
             every figure of that split too good."
        }
        @for kind in MatchKind::ALL {
            @let (groups, spare) = found.count(kind);
            @if groups > 0 { h2 { (kind.name()) ": " (groups) " groups, " (spare) " pictures too many" } }
            @for group in found.groups.iter().filter(|group| group.kind == kind).take(GROUPS) {
                (section(group, dataset, &sides))
            }
            @if groups > GROUPS { p { "and " (groups - GROUPS) " smaller groups, all of them in the CSV" } }
        }
    };
    document(&title, STYLE, &body)
}

fn section(group: &Group, dataset: &Dataset, sides: &Sides) -> Markup {
    let told = |distance: f64| match group.kind {
        MatchKind::Exact => String::new(),
        MatchKind::Near => format!(", {distance:.0} bits"),
        MatchKind::Features => format!(", cosine {:.3}", 1.0 - distance),
    };
    html! {
        section class=[group.leaks.then_some("leak")] {
            @if group.leaks { b { "leak" } }
            @for (&member, &distance) in group.members.iter().zip(&group.distances).take(MEMBERS) {
                @let name = dataset.picture_name(member);
                figure {
                    img alt="" src=(thumbnail(dataset, member));
                    figcaption title=(name) { (name) span { (sides.side(member)) (told(distance)) } }
                }
            }
            @if group.members.len() > MEMBERS { p { "and " (group.members.len() - MEMBERS) " more" } }
        }
    }
}

fn thumbnail(dataset: &Dataset, picture: u32) -> String {
    let Ok(pixels) = dataset.show(picture) else { return String::new() };
    let (width, height) = pixels.dimensions();
    if width.max(height) <= SIDE {
        return data_uri(&pixels);
    }
    let scale = f64::from(SIDE) / f64::from(width.max(height));
    let [width, height] = [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1));
    data_uri(&resize(&pixels, width, height, FilterType::Triangle))
}

const STYLE: &str = "\
    :root{color-scheme:light dark;--line:#8884;--soft:#8881}\
    body{font:15px/1.45 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}\
    h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.lead{max-width:45rem;opacity:.75}\
    section{display:flex;flex-wrap:wrap;gap:.75rem;align-items:flex-end;border:1px solid var(--line);\
    border-radius:8px;padding:.75rem;margin:.5rem 0;background:var(--soft)}\
    section.leak{border-color:#d33}section>b{color:#d33;align-self:flex-start}\
    figure{margin:0;width:10rem}img{display:block;max-width:10rem;max-height:10rem;margin:auto;image-rendering:auto}\
    figcaption{font-size:.8rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\
    figcaption span{display:block;opacity:.65}";
