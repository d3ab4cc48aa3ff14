//! The contact sheet as a page that needs nothing beside it.

use super::{Contact, Entry, hue, short, told, view_hue};
use crate::data::View;
use crate::pages::html::{data_uri, document};
use image::imageops::{self, FilterType};
use maud::{Markup, html};

const STYLE: &str = include_str!("page.css");
/// The longest side of a picture inside the page.
const PICTURE: u32 = 640;

pub(super) fn html(contact: &Contact<'_>) -> String {
    let most = contact.pictures.iter().map(|entry| entry.shown.views.len()).max().unwrap_or(0);
    // The box and the crop of the same number stand out together.
    let together = (1..=most).map(|view| {
        format!(
            "article:has(.v{view}:hover) .b{view},article:has(.b{view}:hover) .v{view} \
             {{opacity:1;outline:3px solid var(--c);z-index:3}}\n"
        )
    });
    let body = html! {
        header { h1 { (contact.title) } p.lead { (contact.lead) } }
        main { @for entry in contact.pictures { (article(entry)) } }
    };
    document(contact.title, &std::iter::once(STYLE.to_owned()).chain(together).collect::<String>(), &body)
}

fn article(entry: &Entry) -> Markup {
    let picture = &entry.shown.look();
    let (width, height) = picture.dimensions();
    let inside = if width.max(height) > PICTURE {
        let scaled = |side: u32| (side * PICTURE / width.max(height)).max(1);
        data_uri(&imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle))
    } else {
        data_uri(picture)
    };
    let pixelated = width.max(height) <= 160;
    html! {
        article {
            div.about {
                div.picture {
                    img class=[pixelated.then_some("px")] src=(inside) alt=(entry.name) style={ "aspect-ratio:" (width) "/" (height) };
                    @for (i, view) in entry.shown.views.iter().enumerate() { (place(i, view, width, height)) }
                }
                h2 { (entry.name) }
                p { (width) "×" (height) " pixels " @if let Some(class) = &entry.class { span { (class) } } }
            }
            div.views { @for (i, view) in entry.shown.views.iter().enumerate() { (figure(entry, i, view)) } }
        }
    }
}

/// The box of a crop on a picture of this size.
fn place(i: usize, view: &View, width: u32, height: u32) -> Markup {
    let region = view.params.region;
    let percent = |at: u32, of: u32| 100.0 * f64::from(at) / f64::from(of.max(1));
    let style = format!(
        "--h:{:.0};left:{:.2}%;top:{:.2}%;width:{:.2}%;height:{:.2}%",
        view_hue(i),
        percent(region.left, width),
        percent(region.top, height),
        percent(region.width, width),
        percent(region.height, height),
    );
    html! { i class={ "b" (i + 1) } style=(style) { b { (i + 1) } } }
}

fn figure(entry: &Entry, i: usize, view: &View) -> Markup {
    let size = view.pixels.width();
    // The largest crops are shown at 168 pixels, the others in proportion, but wide enough for their text.
    let side = (168 * size / entry.largest()).max(112);
    let pixelated = size * 2 <= side;
    let grey = view.params.grey.then(|| "grey".to_owned());
    let blur = view.params.blur.map(|sigma| format!("blur {} px", short(sigma)));
    let rest: Vec<String> = grey.into_iter().chain(blur).collect();
    html! {
        figure class={ "v" (i + 1) } style=(format_args!("--h:{:.0};width:{side}px", view_hue(i))) {
            div {
                img class=[pixelated.then_some("px")] src=(data_uri(&view.pixels)) alt={ "crop " (i + 1) };
                b { (i + 1) }
            }
            figcaption {
                p { strong { (percent(entry.share(&view.params))) } @if view.params.flip { ", flipped" } }
                @if let Some(jitter) = view.params.jitter {
                    ol {
                        @for (_, name, factor) in jitter.map(told) {
                            li { (name) " " span { @if name != "hue" { "×" } (short(factor)) } }
                        }
                    }
                }
                @if !rest.is_empty() { p { (rest.join(", ")) } }
                @if let Some(code) = entry.codes.get(i) { (weights(code)) }
            }
        }
    }
}

/// The prototypes of a code with their weights.
fn weights(code: &[(u32, f32)]) -> Markup {
    html! {
        div.code {
            @for &(prototype, weight) in code {
                @let (hue, percent) = (hue(prototype as usize), 100.0 * weight);
                span style=(format_args!("--h:{hue:.0};--w:{percent:.1}%")) {
                    "#" (prototype) em { (format_args!("{percent:.0} %")) }
                }
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{share:.*} %", usize::from(share < 9.95))
}
