//! The parts of the page that are pictures and tables of what is there: crops, results, settings, environment.

use crate::config::Config;
use crate::data::Showcase;
use crate::judge::{FeatureSource, Table};
use crate::pages::html::data_uri;
use crate::pages::page::table;
use crate::runs::run_folder::RunFolder;
use crate::train::Summary;
use crate::trained::Model;
use image::imageops::{FilterType, resize};
use maud::{Markup, html};

/// Longest side of a picture on the page, in pixels.
const SIDE: u32 = 192;

/// A picture with the boxes of its crops, and the crops.
pub(super) fn crops(shown: &Showcase) -> Markup {
    let (width, height) = shown.picture.dimensions();
    let small = if width.max(height) > SIDE {
        let scale = f64::from(SIDE) / f64::from(width.max(height));
        let [w, h] = [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1));
        resize(&shown.look(), w, h, FilterType::Triangle)
    } else {
        shown.look()
    };
    html! {
        div.crops {
            figure {
                img alt="picture" src=(data_uri(&small));
                svg viewBox={ "0 0 " (width) " " (height) } {
                    @for view in &shown.views {
                        @let region = view.params.region;
                        rect x=(region.left) y=(region.top) width=(region.width) height=(region.height)
                            stroke={ "hsl(" (210 + 130 * view.group) " 90% 45%)" } {}
                    }
                }
            }
            @for view in &shown.views {
                figure class=[(view.group > 0).then_some("small")] { img alt="crop" src=(data_uri(&view.pixels)); }
            }
        }
    }
}

/// A table of results with its notes.
pub(super) fn results(of: &Table) -> Markup {
    let head: Vec<&str> =
        std::iter::once(of.title.as_str()).chain(FeatureSource::ALL.map(FeatureSource::name)).collect();
    let row = |(name, cells): &(String, [String; 3])| {
        std::iter::once(name).chain(cells).cloned().collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = of.rows.iter().map(row).collect();
    html! {
        (table(&head, &rows))
        p.lead { @for (i, note) in of.notes.iter().enumerate() { @if i > 0 { br; } (note) } }
    }
}

/// The settings that are not the defaults, and all of them to open.
pub(super) fn settings(config: &Config) -> Markup {
    let usual = Config::default();
    let row = |setting: &crate::config::Setting| {
        vec![setting.key.to_owned(), (setting.get)(config), (setting.get)(&usual), setting.group.to_owned()]
    };
    let head = ["setting", "value", "default", "group"];
    let all: Vec<Vec<String>> = Config::SETTINGS.iter().map(row).collect();
    let changed: Vec<Vec<String>> = all.iter().filter(|row| row[1] != row[2]).cloned().collect();
    html! {
        div.words {
            (table(&head, &changed))
            details { summary { "All " (all.len()) " settings" } (table(&head, &all)) }
        }
    }
}

/// Where it ran, and where the page was made.
pub(super) fn environment(run: &RunFolder, model: &Model, summary: Option<&Summary>, system: &str) -> Markup {
    let facts = model.adapter();
    let unreadable = std::fs::read_to_string(run.unreadable()).map_or(0, |text| text.lines().count());
    let rows = [
        ("trained on", summary.map(|summary| summary.adapter.clone())),
        ("seconds of training", summary.map(|summary| format!("{:.0}", summary.seconds))),
        ("seed", model.config().map(|config| config.seed.to_string())),
        ("pictures that could not be read", Some(unreadable.to_string())),
        ("run folder", Some(run.path().display().to_string())),
        ("page made by", Some(format!("swav-wgpu {}", env!("CARGO_PKG_VERSION")))),
        ("on", Some(format!("{}, {}", facts.name, facts.kind))),
        ("driver", Some(format!("{}, {}", facts.backend, facts.driver))),
        ("system", Some(system.to_owned())),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect();
    html! { div.words { (table(&["", ""], &rows)) } }
}
