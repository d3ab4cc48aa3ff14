//! The page of the gallery: one file of HTML with its styles inside, and thumbnails cut out of the
//! sprite sheet by CSS offsets.

use super::super::html::document;
use super::{Cluster, Gallery, SPRITE_COLUMNS, TILE, hue};
use maud::{Markup, PreEscaped, html};

pub(in crate::pages) const STYLE: &str = include_str!("page.css");

/// Hides the rows whose class or number does not contain what is typed.
const SCRIPT: &str = "const q=document.getElementById('q');if(q)q.oninput=()=>{const t=q.value.trim().toLowerCase();\
document.querySelectorAll('article').forEach(a=>{a.hidden=!a.dataset.k.includes(t)})};";

/// The whole page. `shown` is the head of `clusters`, in the order of the sprites.
pub(super) fn html(gallery: &Gallery<'_>, clusters: &[Cluster], shown: &[Cluster]) -> String {
    let body = html! {
        header {
            h1 { (gallery.title) }
            p.lead {
                (gallery.best.len()) " pictures, sorted by the prototype that each is nearest to. " (clusters.len())
                " of " (gallery.prototypes) " prototypes hold a picture; the largest come first, and in each row the \
                most similar pictures."
            }
            (figures(gallery.figures))
            @if let Some(labels) = gallery.labels {
                input #q type="search" list="classes" placeholder="Filter by class" aria-label="Filter by class";
                datalist #classes { @for name in labels.names { option value=(name) {} } }
            }
        }
        main { (articles(gallery, clusters, shown)) }
        @if shown.len() < clusters.len() {
            p.more { (clusters.len() - shown.len()) " smaller prototypes are not shown." }
        }
        script { (PreEscaped(SCRIPT)) }
    };
    document(gallery.title, STYLE, &body)
}

/// Named values as cards.
pub(in crate::pages) fn figures(named: &[(String, String)]) -> Markup {
    html! { dl { @for (name, value) in named { div { dt { (name) } dd { (value) } } } } }
}

/// A row for each of `shown`.
pub(super) fn articles(gallery: &Gallery<'_>, clusters: &[Cluster], shown: &[Cluster]) -> Markup {
    let largest = clusters.first().map_or(1, |cluster| cluster.members.len());
    let sprites = shown.iter().scan(0, |next, cluster| {
        let first = *next;
        *next += cluster.nearest().len();
        Some(first)
    });
    html! {
        @for (rank, (cluster, first)) in shown.iter().zip(sprites).enumerate() {
            (article(gallery, cluster, rank + 1, largest, first))
        }
    }
}

/// A prototype with its pictures, whose first sprite is number `first`.
fn article(gallery: &Gallery<'_>, cluster: &Cluster, rank: usize, largest: usize, first: usize) -> Markup {
    let (prototype, count) = (cluster.prototype, cluster.members.len());
    let names = gallery.labels.map(|labels| labels.names).unwrap_or_default();
    let dominant = cluster.dominant.as_ref().and_then(|one| Some((one, names.get(one.class)?)));
    let key = dominant.map(|(_, name)| name.to_lowercase()).unwrap_or_default();
    html! {
        article data-k={ (prototype) " " (key) } {
            div.about {
                h2 { span { (rank) } "Prototype " (prototype) }
                p { (count) " picture" @if count != 1 { "s" } }
                div.bar { i style=(format_args!("width:{:.1}%", 100.0 * count as f64 / largest as f64)) {} }
                @if let Some((dominant, name)) = dominant {
                    p.class style=(format_args!("--h:{:.0}", hue(dominant.class))) {
                        b { (name) } (format_args!(" {:.0} %", 100.0 * dominant.share))
                    }
                }
            }
            div.tiles {
                @for (sprite, &id) in (first..).zip(cluster.nearest()) {
                    @let [x, y] = [sprite % SPRITE_COLUMNS, sprite / SPRITE_COLUMNS].map(|at| at as u32 * TILE);
                    i style={ "background-position:-" (x) "px -" (y) "px" } title=(title(gallery, id)) {}
                }
            }
        }
    }
}

/// What a picture is.
fn title(gallery: &Gallery<'_>, id: u32) -> String {
    let label = gallery.labels.and_then(|labels| labels.names.get(*labels.of.get(id as usize)? as usize));
    let label = label.map(|label| format!("{label}, ")).unwrap_or_default();
    format!("{label}picture {id}, similarity {:.3}", gallery.best[id as usize].1)
}
