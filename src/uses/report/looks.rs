//! The parts of the page that are pictures and tables of what is there: crops, results, settings, environment.

use crate::config::Config;
use crate::data::Showcase;
use crate::judge::{Source, Table};
use crate::pages::html::{data_uri, escape};
use crate::pages::page::table;
use crate::runs::run_folder::RunFolder;
use crate::trained::Model;
use image::imageops::{FilterType, resize};
use serde_json::Value;
use std::fmt::Write as _;

/// Longest side of a picture on the page, in pixels.
const SIDE: u32 = 192;

/// A picture with the boxes of its crops, and the crops.
pub(super) fn crops(shown: &Showcase) -> String {
    let (width, height) = shown.picture.dimensions();
    let small = if width.max(height) > SIDE {
        let scale = f64::from(SIDE) / f64::from(width.max(height));
        let [w, h] = [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1));
        resize(&shown.look(), w, h, FilterType::Triangle)
    } else {
        shown.look()
    };
    let mut text = format!(
        "<div class=\"crops\"><figure><img alt=\"picture\" src=\"{}\"><svg viewBox=\"0 0 {width} {height}\">",
        data_uri(&small)
    );
    for view in &shown.views {
        let region = view.params.region;
        let _ = write!(
            text,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" stroke=\"hsl({} 90% 45%)\"/>",
            region.left,
            region.top,
            region.width,
            region.height,
            210 + 130 * view.group
        );
    }
    text += "</svg></figure>\n";
    for view in &shown.views {
        let class = if view.group == 0 { "" } else { " class=\"small\"" };
        let _ = write!(text, "<figure{class}><img alt=\"crop\" src=\"{}\"></figure>", data_uri(&view.pixels));
    }
    text + "</div>\n"
}

/// A table of results with its notes.
pub(super) fn results(of: &Table) -> String {
    let head: Vec<&str> = std::iter::once(of.title.as_str()).chain(Source::ALL.map(Source::name)).collect();
    let row = |(name, cells): &(String, [String; 3])| {
        std::iter::once(name).chain(cells).cloned().collect::<Vec<String>>()
    };
    let notes = of.notes.iter().map(|note| escape(note)).collect::<Vec<_>>().join("<br>");
    let rows: Vec<Vec<String>> = of.rows.iter().map(row).collect();
    format!("{}<p class=\"lead\">{notes}</p>\n", table(&head, &rows))
}

/// The settings that are not the defaults, and all of them to open.
pub(super) fn settings(config: &Config) -> String {
    let usual = Config::default();
    let row = |setting: &crate::config::Setting| {
        vec![setting.key.to_owned(), (setting.get)(config), (setting.get)(&usual), setting.group.to_owned()]
    };
    let head = ["setting", "value", "default", "group"];
    let all: Vec<Vec<String>> = Config::SETTINGS.iter().map(row).collect();
    let changed: Vec<Vec<String>> = all.iter().filter(|row| row[1] != row[2]).cloned().collect();
    format!(
        "<div class=\"words\">{}<details><summary>All {} settings</summary>{}</details></div>",
        table(&head, &changed),
        all.len(),
        table(&head, &all)
    )
}

/// Where it ran, and where the page was made.
pub(super) fn environment(run: &RunFolder, model: &Model, summary: &Value, system: &str) -> String {
    let facts = model.adapter();
    let text = |key: &str| summary[key].as_str().map(str::to_owned);
    let number = |key: &str, digits: usize| summary[key].as_f64().map(|value| format!("{value:.digits$}"));
    let unreadable = std::fs::read_to_string(run.unreadable()).map_or(0, |text| text.lines().count());
    let rows = [
        ("trained on", text("adapter")),
        ("seconds of training", number("seconds", 0)),
        ("seed", number("seed", 0)),
        ("pictures that could not be read", Some(unreadable.to_string())),
        ("run folder", Some(run.path().display().to_string())),
        ("page made by", Some(format!("swav-wgpu {}", env!("CARGO_PKG_VERSION")))),
        ("on", Some(format!("{}, {}", facts.name, facts.kind))),
        ("driver", Some(format!("{}, {}", facts.backend, facts.driver))),
        ("system", Some(system.to_owned())),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?])).collect();
    format!("<div class=\"words\">{}</div>", table(&["", ""], &rows))
}
