//! The page of the gallery: one file of HTML with its styles inside, and thumbnails cut out of the
//! sprite sheet by CSS offsets.

use super::super::html::escape;
use super::{Cluster, Gallery, SPRITE_COLUMNS, TILE, hue};
use std::fmt::Write;

pub(in crate::pages) const STYLE: &str = include_str!("page.css");

/// Hides the rows whose class or number does not contain what is typed.
const SCRIPT: &str = "const q=document.getElementById('q');if(q)q.oninput=()=>{const t=q.value.trim().toLowerCase();\
document.querySelectorAll('article').forEach(a=>{a.hidden=!a.dataset.k.includes(t)})};";

/// The whole page. `shown` is the head of `clusters`, in the order of the sprites.
pub(super) fn html(gallery: &Gallery<'_>, clusters: &[Cluster], shown: &[Cluster]) -> String {
    let mut page = String::with_capacity(1 << 16);
    let title = escape(gallery.title);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n"
    );
    header(&mut page, gallery, clusters);
    let _ = writeln!(page, "<main>\n{}</main>", articles(gallery, clusters, shown));
    if shown.len() < clusters.len() {
        let more = clusters.len() - shown.len();
        let _ = writeln!(page, "<p class=\"more\">{more} smaller prototypes are not shown.</p>");
    }
    let _ = writeln!(page, "<script>{SCRIPT}</script>\n</body>\n</html>");
    page
}

/// A row for each of `shown`.
pub(super) fn articles(gallery: &Gallery<'_>, clusters: &[Cluster], shown: &[Cluster]) -> String {
    let mut page = String::new();
    let largest = clusters.first().map_or(1, |cluster| cluster.members.len());
    let mut sprite = 0;
    for (rank, cluster) in shown.iter().enumerate() {
        article(&mut page, gallery, cluster, rank + 1, largest, sprite);
        sprite += cluster.nearest().len();
    }
    page
}

fn header(page: &mut String, gallery: &Gallery<'_>, clusters: &[Cluster]) {
    let (title, k, used) = (escape(gallery.title), gallery.prototypes, clusters.len());
    let pictures = gallery.best.len();
    let _ = write!(
        page,
        "<header>\n<h1>{title}</h1>\n<p class=\"lead\">{pictures} pictures, sorted by the prototype that each is \
         nearest to. {used} of {k} prototypes hold a picture; the largest come first, and in each row the most similar \
         pictures.</p>\n<dl>\n"
    );
    for (name, value) in gallery.figures {
        let _ = writeln!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    page.push_str("</dl>\n");
    if let Some(labels) = gallery.labels {
        page.push_str("<input id=\"q\" type=\"search\" list=\"classes\" placeholder=\"Filter by class\" aria-label=\"Filter by class\">\n<datalist id=\"classes\">");
        for name in labels.names {
            let _ = write!(page, "<option value=\"{}\">", escape(name));
        }
        page.push_str("</datalist>\n");
    }
    page.push_str("</header>\n");
}

fn article(
    page: &mut String,
    gallery: &Gallery<'_>,
    cluster: &Cluster,
    rank: usize,
    largest: usize,
    first: usize,
) {
    let (prototype, count) = (cluster.prototype, cluster.members.len());
    let names = gallery.labels.map(|labels| labels.names).unwrap_or_default();
    let class = cluster.dominant.as_ref().and_then(|dominant| names.get(dominant.class));
    let key = format!("{prototype} {}", class.map(|name| escape(&name.to_lowercase())).unwrap_or_default());
    let width = 100.0 * count as f64 / largest as f64;
    let plural = if count == 1 { "" } else { "s" };
    let _ = write!(
        page,
        "<article data-k=\"{key}\">\n<div class=\"about\"><h2><span>{rank}</span>Prototype {prototype}</h2>\
         <p>{count} picture{plural}</p><div class=\"bar\"><i style=\"width:{width:.1}%\"></i></div>"
    );
    if let (Some(dominant), Some(name)) = (&cluster.dominant, class) {
        let (hue, percent, name) = (hue(dominant.class), 100.0 * dominant.share, escape(name));
        let _ = write!(page, "<p class=\"class\" style=\"--h:{hue:.0}\"><b>{name}</b> {percent:.0} %</p>");
    }
    page.push_str("</div>\n<div class=\"tiles\">");
    for (i, &id) in cluster.nearest().iter().enumerate() {
        let (column, row) = ((first + i) % SPRITE_COLUMNS, (first + i) / SPRITE_COLUMNS);
        let (x, y) = (column as u32 * TILE, row as u32 * TILE);
        let label = gallery.labels.and_then(|labels| {
            labels
                .of
                .get(id as usize)
                .and_then(|&class| labels.names.get(class as usize))
                .map(|name| escape(name))
        });
        let similarity = gallery.best[id as usize].1;
        let label = label.map(|label| format!("{label}, ")).unwrap_or_default();
        let _ = write!(
            page,
            "<i style=\"background-position:-{x}px -{y}px\" title=\"{label}picture {id}, similarity {similarity:.3}\"></i>"
        );
    }
    page.push_str("</div>\n</article>\n");
}
