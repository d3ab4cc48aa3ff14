//! What leaves the window for other programs: sorted pictures, weights, features, the page of a run; and judgements.

use super::task::Plan;
use super::worker::{Bench, Set, Watch};
use std::path::Path;
use swav_wgpu::data::LabelFile;
use swav_wgpu::error::{Error, Result};
use swav_wgpu::interop::write_atomic;
use swav_wgpu::judge::{Examination, LinearOptions, NearestOptions, SEED, Table, clusters, linear, nearest};
use swav_wgpu::trained::Model;
use swav_wgpu::uses::embed::{self, What};
use swav_wgpu::uses::export::{self, Exported, Format};
use swav_wgpu::uses::report;
use swav_wgpu::uses::sort::{self, How, Sorted, places_in};

/// Refuses to write over something.
fn refuse_existing(out: &Path) -> Result<()> {
    if out.exists() {
        let reason = format!("{} exists already; choose another name", out.display());
        return Err(Error::config("out", reason));
    }
    Ok(())
}

pub(super) fn weights(network: &Path, format: Format, trunk_only: bool, out: &Path) -> Result<String> {
    refuse_existing(out)?;
    let Exported { network, tensors, note, .. } =
        export::export(network, None, format, trunk_only, export::Names::Torchvision, out)?;
    Ok(format!("{tensors} tensors of {network}; {note}"))
}

pub(super) fn features(
    model: &Model,
    set: &Set,
    what: What,
    out: &Path,
    watch: &mut Watch<'_>,
) -> Result<String> {
    embed::files(out)?.iter().try_for_each(|path| refuse_existing(path))?;
    let Set { dataset, found, .. } = set;
    let other = match what {
        What::Features => None,
        _ => Some(embed::embed(model, dataset, what, usize::MAX, watch)?),
    };
    let found = other.as_ref().unwrap_or(found);
    embed::write(out, what, found, dataset)?;
    let (rows, values) = (found.rows.rows, found.rows.dim);
    Ok(format!("{rows} pictures, {values} {} each", what.name()))
}

pub(super) fn page(bench: &Bench, out: &Path, watch: &mut Watch<'_>) -> Result<String> {
    /// Pictures of each side of a split, as of `swav-wgpu report`.
    const LIMIT: usize = 5000;
    refuse_existing(out)?;
    if !bench.network.is_dir() {
        let reason = "a page is made of a run folder, and this is a file of weights";
        return Err(Error::config("run", reason));
    }
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let dataset = &bench.set()?.dataset;
    let page = report::page(&bench.network, &bench.model, dataset, LIMIT, &system, watch)?;
    write_atomic(out, |file| file.write_all(page.as_bytes()))?;
    Ok(format!("{:.1} MB", page.len() as f64 / 1e6))
}

/// kNN, linear classifiers and clusters; without labels only the last. `labels` is a file of them, of which only this
/// judgement knows.
pub(super) fn judge(
    model: &Model,
    set: &Set,
    (labels, with_linear, limit): (Option<&Path>, bool, usize),
    watch: &mut Watch<'_>,
) -> Result<(Vec<Table>, Option<LabelFile>)> {
    let labelled = labels.map(|file| set.dataset.labelled_by(file)).transpose()?;
    let dataset = labelled.as_ref().map_or(&set.dataset, |(dataset, _)| dataset);
    let of = Examination::new(model, dataset, limit, watch)?;
    let mut tables = Vec::new();
    if of.has_labels() {
        let options = NearestOptions { k: vec![20, 200], temperature: set.config.knn_temperature };
        tables.push(Table::nearest(&nearest(&of, &options, watch)?, &options));
        if with_linear {
            let options = LinearOptions::default();
            tables.push(Table::linear(&linear(&of, &options, watch)?, &options));
        }
    }
    tables.extend(Table::clusters(&clusters(&of, None, SEED, watch)?, SEED));
    Ok((tables, labelled.map(|(_, said)| said)))
}

/// Puts the files of the pictures into the folders of their groups.
pub(super) fn sort(set: &Set, plan: &Plan, watch: &mut Watch<'_>) -> Result<Sorted> {
    let Set { dataset, found, .. } = set;
    plan.names.iter().try_for_each(|name| sort::check_name(name))?;
    // What the pictures are sorted by is the person's to say; prototypes stand in the list where there are some.
    let mut named = found.clone();
    named.prototypes.get_or_insert_with(|| vec![(0, 0.0); found.pictures.len()]);
    let best = sort::pictures(dataset, dataset.path(), &named)?;
    let places = places_in(&best, &plan.groups, &plan.names);
    sort::sort_watched(dataset, [dataset.path(), &plan.into], &places, plan.how, watch)
}

/// Whether a sort came to its end: every picture is in its place, or is told to be in none.
pub(super) fn is_whole(plan: &Plan, sorted: &Sorted) -> bool {
    let Sorted { made, present, taken, failed } = sorted;
    plan.how == How::Manifest || made + present + taken.len() + failed.len() == plan.groups.len()
}
