//! The contact sheet as a page that needs nothing beside it.

use super::{Contact, Entry, short, told, view_hue};
use crate::data::View;
use crate::pages::html::{data_uri, escape};
use image::imageops::{self, FilterType};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
/// The longest side of a picture inside the page.
const PICTURE: u32 = 640;

pub(super) fn html(contact: &Contact<'_>) -> String {
    let mut page = String::with_capacity(1 << 20);
    let (title, lead) = (escape(contact.title), escape(contact.lead));
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}"
    );
    let most = contact.pictures.iter().map(|entry| entry.shown.views.len()).max().unwrap_or(0);
    for view in 1..=most {
        // The box and the crop of the same number stand out together.
        let _ = writeln!(
            page,
            "article:has(.v{view}:hover) .b{view},article:has(.b{view}:hover) .v{view} \
             {{opacity:1;outline:3px solid var(--c);z-index:3}}"
        );
    }
    let _ = write!(
        page,
        "</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n</header>\n<main>\n"
    );
    for entry in contact.pictures {
        article(&mut page, entry);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn article(page: &mut String, entry: &Entry) {
    let picture = &entry.shown.look();
    let (width, height) = picture.dimensions();
    let inside = if width.max(height) > PICTURE {
        let scaled = |side: u32| (side * PICTURE / width.max(height)).max(1);
        data_uri(&imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle))
    } else {
        data_uri(picture)
    };
    let pixelated = if width.max(height) <= 160 { " class=\"px\"" } else { "" };
    let name = escape(&entry.name);
    let _ = write!(
        page,
        "<article>\n<div class=\"about\"><div class=\"picture\"><img{pixelated} src=\"{inside}\" alt=\"{name}\" \
         style=\"aspect-ratio:{width}/{height}\">"
    );
    let percent = |at: u32, of: u32| 100.0 * f64::from(at) / f64::from(of.max(1));
    for (i, view) in entry.shown.views.iter().enumerate() {
        let region = view.params.region;
        let _ = write!(
            page,
            "<i class=\"b{n}\" style=\"--h:{:.0};left:{:.2}%;top:{:.2}%;width:{:.2}%;height:{:.2}%\"><b>{n}</b></i>",
            view_hue(i),
            percent(region.left, width),
            percent(region.top, height),
            percent(region.width, width),
            percent(region.height, height),
            n = i + 1,
        );
    }
    let class = entry.class.as_ref().map(|class| format!("<span>{}</span>", escape(class)));
    let _ = writeln!(
        page,
        "</div><h2>{name}</h2><p>{width}×{height} pixels {}</p></div>\n<div class=\"views\">",
        class.unwrap_or_default()
    );
    for (i, view) in entry.shown.views.iter().enumerate() {
        figure(page, entry, i, view);
    }
    page.push_str("</div>\n</article>\n");
}

fn figure(page: &mut String, entry: &Entry, i: usize, view: &View) {
    let size = view.pixels.width();
    // The largest crops are shown at 168 pixels, the others in proportion, but wide enough for their text.
    let side = (168 * size / entry.largest()).max(112);
    let pixelated = if size * 2 <= side { " class=\"px\"" } else { "" };
    let _ = write!(
        page,
        "<figure class=\"v{n}\" style=\"--h:{:.0};width:{side}px\"><div><img{pixelated} src=\"{}\" \
         alt=\"crop {n}\"><b>{n}</b></div><figcaption><p><strong>{}</strong>{}</p>",
        view_hue(i),
        data_uri(&view.pixels),
        percent(entry.share(&view.params)),
        if view.params.flip { ", flipped" } else { "" },
        n = i + 1,
    );
    if let Some(jitter) = view.params.jitter {
        page.push_str("<ol>");
        for adjustment in jitter {
            let (_, name, factor) = told(adjustment);
            let sign = if name == "hue" { "" } else { "×" };
            let _ = write!(page, "<li>{name} <span>{sign}{}</span></li>", short(factor));
        }
        page.push_str("</ol>");
    }
    let grey = view.params.grey.then(|| "grey".to_owned());
    let blur = view.params.blur.map(|sigma| format!("blur {} px", short(sigma)));
    let rest: Vec<String> = grey.into_iter().chain(blur).collect();
    if !rest.is_empty() {
        let _ = write!(page, "<p>{}</p>", rest.join(", "));
    }
    if let Some(code) = entry.codes.get(i) {
        page.push_str("<div class=\"code\">");
        for (prototype, weight) in code {
            let (hue, percent) = (super::hue(*prototype as usize), 100.0 * weight);
            let _ = write!(
                page,
                "<span style=\"--h:{hue:.0};--w:{percent:.1}%\">#{prototype}<em>{percent:.0} %</em></span>"
            );
        }
        page.push_str("</div>");
    }
    page.push_str("</figcaption></figure>\n");
}

fn percent(share: f64) -> String {
    format!("{share:.*} %", usize::from(share < 9.95))
}
