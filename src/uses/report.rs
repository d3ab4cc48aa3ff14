//! A run on one page: what was set, how it went, what it sees, and what it is worth beside baselines. Everything is
//! read from the run folder; the evaluation is done anew.

mod curves;
mod looks;

use super::embed::{What, embed};
use super::references::References;
use crate::config::{Config, Method};
use crate::data::configured::showcase;
use crate::data::{Dataset, spread};
use crate::error::Result;
use crate::eval::projection::Projection;
use crate::judge::{
    Examination, FeatureSource, LinearOptions, NearestOptions, NearestResult, SEED, Table, clusters, linear,
    nearest,
};
use crate::pages::confusion::confusion_table;
use crate::pages::gallery::{self, Gallery, Labels};
use crate::pages::page::{Page, points, table};
use crate::pass::{self, Watch, per_second};
use crate::runs::run_folder::RunFolder;
use crate::train::health::Advice;
use crate::train::{Record, loss_figure};
use crate::trained::Model;
use maud::{Markup, html};
use std::path::Path;

/// Prototypes in the gallery of the page.
const PROTOTYPES: usize = 40;
/// Pictures whose crops are shown.
const CROPPED: usize = 4;
/// Points of the embedding plot.
const POINTS: usize = 3000;

/// The page of the run in `folder`, judged on `dataset` (at most `limit` pictures of each side of a split).
/// `system` names the machine that makes it. All that takes long is a pass.
///
/// # Errors
/// [`Error::Data`](crate::error::Error::Data) where no picture can be read; what the driver reports;
/// [`Error::Stopped`](crate::error::Error::Stopped) where a pass is.
pub fn page(
    folder: &Path,
    model: &Model,
    dataset: &Dataset,
    limit: usize,
    system: &str,
    watch: &mut Watch<'_>,
) -> Result<String> {
    let run = RunFolder::find(folder)?;
    let config = match model.config() {
        Some(config) => config.clone(),
        None => Config::default(),
    };
    let record = Record::read(&run)?;
    let reports = &record.reports;
    let of = Examination::new(model, dataset, limit, watch)?;
    let options = NearestOptions { k: vec![20, 200], temperature: config.knn_temperature };
    let judged = if of.has_labels() { nearest(&of, &options, watch)? } else { Vec::new() };

    let name =
        folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
    let lead = format!("{} on {} pictures of {}", model.describe(), dataset.len(), dataset.name());
    // A run that was killed has no summary.
    let epoch = (dataset.pretrain().len() / config.batch.max(1)) as u64;
    let length = || config.length(epoch).total;
    let total = record.summary.as_ref().map_or_else(length, |summary| summary.total_steps);
    let mut page = Page::new(&name, &lead, &figures(config.method, total, &record, &judged));
    let advice = curves::advice(reports, config.method, total, config.frozen_steps());
    page.section("Health", "What the monitor said, and when.", health(&advice, reports.len(), record.torn));
    let beside = References::of(&config);
    page.section("Curves", &compared(beside, total), curves::all(reports, config.method, total, beside));
    page.section(
        "Evaluation",
        "Beside raw pixels and the same network untrained; “swav-wgpu eval” says more.",
        evaluation(&of, &judged, &options, watch)?,
    );
    page.section(
        "Embedding",
        "Features of this network on the plane in which they spread most (PCA of unit features).",
        embedding(&of),
    );
    let crops = crops(&config, dataset);
    page.section("Crops", "What training sees of a picture: boxes and crops of the first epoch.", crops);
    gallery_section(&mut page, model, dataset, limit, watch)?;
    page.section(
        "Settings",
        "Those that differ from the official code's, then all.",
        looks::settings(&config),
    );
    page.section(
        "Environment",
        "Where it ran, and where this page was made.",
        looks::environment(&run, model, record.summary.as_ref(), system),
    );
    Ok(page.finish())
}

/// What the curves are drawn over, beside runs of the same recipe, which are as long as each other.
fn compared(beside: Option<&References>, total: u64) -> String {
    let Some(References { about, steps: own, .. }) = beside else {
        return "Over the steps of the run.".to_owned();
    };
    let share = if *own == total {
        String::new()
    } else {
        format!(
            " Such a run has {own} steps where this one has {total}: its curve stands at the same share of the run, where the \
             learning rate is at the same part of its way."
        )
    };
    format!("Over the steps of the run; in grey others of the same recipe: {about}.{share}")
}

/// The figures under the title.
fn figures(
    method: Method,
    total: u64,
    Record { reports, summary, .. }: &Record,
    judged: &[NearestResult],
) -> Vec<(String, String)> {
    let mut figures = Vec::new();
    if let Some(last) = reports.last() {
        figures.push(("steps".to_owned(), format!("{} of {total}", last.step)));
        let loss = summary.as_ref().map_or(last.loss, |summary| summary.loss);
        figures.push(loss_figure(method, loss, last.chance));
        if let Some((used, dead)) = last.prototypes_used.zip(last.prototypes_dead) {
            figures.push(("prototypes used".to_owned(), format!("{used} of {}", used + dead)));
        }
    }
    if let Some(summary) = summary {
        figures.push(("images a second".to_owned(), per_second(summary.images_per_s)));
    }
    let best = judged.iter().filter(|r| r.source == FeatureSource::Trained && r.k == 20 && !r.centred);
    figures.extend(best.map(|r| (format!("kNN on {}", r.split), format!("{:.1} %", 100.0 * r.score.top1))));
    figures
}

fn health(advice: &[(u64, Advice)], reports: usize, torn: usize) -> Markup {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (step, Advice { sentence, remedy, .. }) in advice {
        rows.push(vec![step.to_string(), sentence.clone(), remedy.clone()]);
    }
    if torn > 0 {
        rows.push(vec![
            String::new(),
            format!("{torn} lines of metrics.jsonl cannot be read."),
            String::new(),
        ]);
    }
    match (rows.is_empty(), reports) {
        (true, 0) => html! { p { "There are no reports yet." } },
        (true, _) => html! { p { "Nothing to complain about in " (reports) " reports." } },
        _ => html! { div.words { (table(&["step", "what", "what to do"], &rows)) } },
    }
}

fn crops(config: &Config, dataset: &Dataset) -> Markup {
    let pictures = dataset.pretrain();
    let picked = spread::middles(pictures.len(), CROPPED);
    // One that cannot be read is no reason to have no page.
    let shown = picked.into_iter().filter_map(|i| showcase(config, dataset, pictures[i], 0).ok());
    html! { @for one in shown { (looks::crops(&one)) } }
}

fn gallery_section(
    page: &mut Page,
    model: &Model,
    dataset: &Dataset,
    limit: usize,
    watch: &mut Watch<'_>,
) -> Result<()> {
    if model.prototype_count() == 0 {
        return Ok(());
    }
    let found = embed(model, dataset, What::Embeddings, limit, watch)?;
    let best: Vec<(u32, f32)> = found.prototypes.unwrap_or_default();
    let classes: Vec<u32> =
        found.pictures.iter().map(|&picture| dataset.label(picture).unwrap_or(u32::MAX)).collect();
    let labels = Labels { of: &classes, names: dataset.classes() };
    let gallery = Gallery {
        title: "",
        prototypes: model.prototype_count(),
        best: &best,
        labels: (!dataset.classes().is_empty()).then_some(labels),
        figures: &[],
    };
    let rows = pass::run(("drawing the gallery", "thumbnails"), 0, watch, |pass| {
        gallery::rows(&gallery, PROTOTYPES, pass, |row| dataset.show(found.pictures[row as usize]))
    })?;
    let lead = format!(
        "The pictures nearest to each prototype, for the {PROTOTYPES} that hold most of {} pictures.",
        best.len()
    );
    page.section("Prototypes", &lead, rows);
    Ok(())
}

fn embedding(of: &Examination<'_>) -> Markup {
    let Some(trained) = of.described().iter().find(|one| one.source == FeatureSource::Trained) else {
        return html! {};
    };
    let every = trained.features.rows.div_ceil(POINTS).max(1);
    let rows: Vec<usize> = (0..trained.features.rows).step_by(every).collect();
    let features = trained.features.select(&rows);
    let plane = Projection::fit(&features, None);
    let classes: Vec<Option<u32>> = rows.iter().map(|&row| of.label(row)).collect();
    let [first, second] = plane.explained.map(|share| 100.0 * share);
    let title = format!("{} pictures; {first:.0} % and {second:.0} % of the variance", rows.len());
    points(&title, &plane.apply(&features), &classes, of.classes())
}

fn evaluation(
    of: &Examination<'_>,
    judged: &[NearestResult],
    options: &NearestOptions,
    watch: &mut Watch<'_>,
) -> Result<Markup> {
    let mut tables = Vec::new();
    if !judged.is_empty() {
        tables.push(Table::nearest(judged, options));
        let options = LinearOptions::default();
        tables.push(Table::linear(&linear(of, &options, watch)?, &options));
    }
    tables.extend(Table::clusters(&clusters(of, None, SEED, watch)?, SEED));
    Ok(html! {
        @if judged.is_empty() { p { "These pictures have no labels: only clusters can be told." } }
        @for table in &tables { (looks::results(table)) }
        @if let Some(shown) = judged.iter().find(|r| r.source == FeatureSource::Trained) {
            details {
                summary { "Confusion of kNN on " (shown.split) }
                (confusion_table(&shown.score, of.classes()))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_said_in_words() {
        let said = |reports, torn| health(&[], reports, torn).into_string();
        assert!(said(0, 2).contains("2 lines"));
        assert!(said(9, 0).contains("9 reports") && said(0, 0).contains("no reports"));
    }
}
