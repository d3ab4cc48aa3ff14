//! The pictures of a contact sheet of crops: chosen, cropped as a run crops them, and looked at by the
//! network of a run where there is one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::{Config, Readout};
use crate::data::configured::{augment, showcase};
use crate::data::{Dataset, Showcase, render, spread};
use crate::error::{Error, Result};
use crate::gpu;
use crate::model::evaluation::cosines;
use crate::model::{Inference, NetworkSpec};
use crate::pages::gallery::contact::Entry;
use crate::runs::checkpoint::{Checkpoint, Loaded};

/// `count` pictures of those that are trained on, spread evenly; fewer where there are not so many.
#[must_use]
pub fn spread(dataset: &Dataset, count: usize) -> Vec<u32> {
    let all = dataset.pretrain();
    spread::middles(all.len(), count).map(|i| all[i]).collect()
}

/// The crops that a run with these settings makes of `pictures` in `epoch`, counted from 0. Pictures that
/// cannot be read are left out; `skipped` is told of each.
///
/// # Errors
/// [`Error::Config`] where a picture is not there or the settings make no sense; [`Error::Data`] where no
/// picture can be read.
pub fn entries(
    config: &Config,
    dataset: &Dataset,
    pictures: &[u32],
    epoch: u64,
    mut skipped: impl FnMut(&Error),
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for &picture in pictures {
        if picture as usize >= dataset.len() {
            let reason =
                format!("there is no picture {picture}: {} has 0 to {}", dataset.name(), dataset.len() - 1);
            return Err(Error::config("pick", reason));
        }
        match showcase(config, dataset, picture, epoch) {
            Ok(shown) => {
                let class = dataset.class_of(picture).map(str::to_owned);
                let name = format!("{picture} · {}", short(&dataset.picture_name(picture)));
                entries.push(Entry { name, class, shown, codes: Vec::new() });
            }
            Err(error @ (Error::Data { .. } | Error::Io { .. })) => skipped(&error),
            Err(error) => return Err(error),
        }
    }
    if entries.is_empty() {
        let reason = "none of the pictures that were chosen can be read".to_owned();
        return Err(Error::Data { path: dataset.path().to_owned(), reason });
    }
    Ok(entries)
}

/// The end of a path: the folder and the file.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit(['/', '\\']).take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// The settings of a run or a checkpoint file, as they were when it was written.
///
/// # Errors
/// [`Error::Checkpoint`] where there is none or it cannot be used.
pub fn settings_of(run: &Path) -> Result<(Loaded, Config)> {
    let loaded = Checkpoint::load(run)?;
    let config = Config::of_run(&loaded.checkpoint.meta.config, &loaded.path.display().to_string())?;
    Ok((loaded, config))
}

/// Fills in the code of every crop: softmax(cosine / ε) over the prototypes, from which Sinkhorn starts
/// before it balances a batch; the `top` largest weights. The network is in evaluation mode. `config` is
/// of the run, but for adapter and kernels.
///
/// # Errors
/// A checkpoint of another network; what the driver reports.
pub fn encode(loaded: &Loaded, config: &Config, entries: &mut [Entry], top: usize) -> Result<()> {
    let Loaded { checkpoint, path, .. } = loaded;
    let gpu = gpu::open(config)?;
    let network = NetworkSpec::of_config(config);
    // Every size of crops needs a plan of its own.
    let mut sizes: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
    for (e, entry) in entries.iter_mut().enumerate() {
        entry.codes = vec![Vec::new(); entry.shown.views.len()];
        for (v, view) in entry.shown.views.iter().enumerate() {
            sizes.entry(view.pixels.width()).or_default().push((e, v));
        }
    }
    for (size, places) in sizes {
        let network =
            Inference::new(&gpu, &network, [size; 2], Readout::default(), path, &checkpoint.tensors)?;
        let views: Vec<f32> =
            places.iter().flat_map(|&(e, v)| normalised(config, &entries[e].shown, v)).collect();
        let seen = network.look(&views, places.len())?;
        let (Some(similarities), Some(prototypes)) = (seen.similarities, network.prototypes()?) else {
            return Ok(());
        };
        let cosines = cosines(similarities, &prototypes);
        for (row, &(e, v)) in places.iter().enumerate() {
            entries[e].codes[v] = code(cosines.row(row), config.epsilon, top);
        }
    }
    Ok(())
}

/// `[size, size, 4·quads]` as the network sees it.
fn normalised(config: &Config, shown: &Showcase, view: usize) -> Vec<f32> {
    let (augment, view) = (augment(config), &shown.views[view]);
    let size = view.pixels.width();
    let mut out = vec![0.0; augment.floats(size)];
    render(&shown.picture, &view.params, size, &augment, &mut out);
    out
}

/// The largest weights of softmax(cosines / ε), with their prototypes.
fn code(cosines: &[f32], epsilon: f64, top: usize) -> Vec<(u32, f32)> {
    let most = cosines.iter().copied().fold(f32::MIN, f32::max);
    let weights: Vec<f64> = cosines.iter().map(|c| (f64::from(c - most) / epsilon).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut all: Vec<(u32, f32)> = (0..).zip(weights.iter().map(|w| (w / total) as f32)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(top);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_softmax_and_its_largest_weights() {
        let found = code(&[0.1, 0.9, 0.9, -1.0], 0.5, 3);
        let [low, high] = [0.2f64, 1.8].map(f64::exp);
        let total = low + 2.0 * high + (-2.0f64).exp();
        assert_eq!(found.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [1, 2, 0]);
        assert!((f64::from(found[0].1) - high / total).abs() < 1e-6);
        assert!((f64::from(found[2].1) - low / total).abs() < 1e-6);
        assert!(code(&[1.0, -1.0], 1e-3, 9)[1].1 == 0.0, "far apart, and finite");
    }

    #[test]
    fn pictures_are_spread_and_named_by_folder_and_file() {
        let set = Dataset::open(None).unwrap();
        let chosen = spread(&set, 5);
        assert!(chosen.len() == 5 && chosen.windows(2).all(|w| w[0] < w[1]), "{chosen:?}");
        assert_eq!(spread(&set, usize::MAX).len(), set.pretrain().len());
        assert_eq!(short("/a/b/cats/1.png"), "cats/1.png");
        assert_eq!(short("1.png"), "1.png");
    }
}
