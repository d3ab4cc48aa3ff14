//! A picture for every earlier run: one that its most used prototype stands for, as far as its last look says.

use crate::recent::{self, Entry};
use crate::{looks, thumbs};
use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use swav_wgpu::config::Config;
use swav_wgpu::data::{Dataset, Reading, configured, spread};
use swav_wgpu::pass;

/// The side of a run's picture, pixels: twice what it takes on a screen of usual density.
const SIDE: usize = 76;

/// The pictures of runs, as far as they are there.
#[derive(Default)]
pub struct Faces {
    wanted: BTreeSet<PathBuf>,
    inbox: Option<Receiver<(PathBuf, ColorImage)>>,
    textures: BTreeMap<PathBuf, TextureHandle>,
}

/// The pictures that were opened last: many runs are of the same.
type Opened = Option<((Option<PathBuf>, Reading), Dataset)>;

impl Faces {
    /// Takes in what was found, and has looked for what is wanted and was not yet.
    pub(crate) fn want(&mut self, ctx: &Context, entries: &[Entry]) {
        for (run, image) in self.inbox.iter().flat_map(Receiver::try_iter) {
            let texture = ctx.load_texture(run.display().to_string(), image, TextureOptions::LINEAR);
            self.textures.insert(run, texture);
        }
        let unknown = entries.iter().map(|entry| &entry.path).filter(|path| !self.wanted.contains(*path));
        let unknown: Vec<PathBuf> = unknown.cloned().collect();
        if unknown.is_empty() {
            return;
        }
        self.wanted.extend(unknown.iter().cloned());
        let (sender, inbox) = channel();
        // What an earlier search has not found yet is looked for again.
        let missing = self.wanted.iter().filter(|path| !self.textures.contains_key(*path)).cloned();
        let missing: Vec<PathBuf> = missing.collect();
        self.inbox = Some(inbox);
        let ctx = ctx.clone();
        std::thread::spawn(move || {
            let mut opened = None;
            for run in missing {
                if let Some(image) = face(&run, &mut opened) {
                    // Nobody listens any more where another search has begun.
                    if sender.send((run, image)).is_err() {
                        return;
                    }
                    ctx.request_repaint();
                }
            }
        });
    }

    /// The picture of a run, where it is there.
    pub(crate) fn get(&self, run: &Path) -> Option<&TextureHandle> {
        self.textures.get(run)
    }
}

/// The picture of a run; none where its pictures cannot be opened any more.
fn face(run: &Path, opened: &mut Opened) -> Option<ColorImage> {
    let config = recent::config(run).ok()?;
    let dataset = open(&config, opened)?;
    let looked = looks::read(run).pop();
    let most = looked.as_ref().and_then(|look| look.prototypes.iter().max_by_key(|tile| tile.count));
    let typical = most.and_then(|tile| tile.nearest.first()).map(|&(picture, _)| picture);
    let all = dataset.pretrain();
    let middle = || spread::middles(all.len(), 1).next().map(|at| all[at]);
    let picture = typical.filter(|picture| (*picture as usize) < dataset.len()).or_else(middle)?;
    Some(thumbs::tile(&dataset.show(picture).ok()?, SIDE))
}

fn open<'o>(config: &Config, opened: &'o mut Opened) -> Option<&'o Dataset> {
    let key = (config.data.clone(), configured::reading(config));
    if opened.as_ref().is_none_or(|(of, _)| *of != key) {
        *opened = None;
        *opened = Some((key, configured::open(config, &mut pass::unwatched).ok()?));
    }
    opened.as_ref().map(|(_, dataset)| dataset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use std::sync::Arc;
    use swav_wgpu::config::Preset;

    #[test]
    fn a_run_shows_what_its_most_used_prototype_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut opened = None;
        assert!(face(folder.path(), &mut opened).is_none(), "it is no run");
        let mut config = Config::from_preset(Preset::Demo).unwrap();
        std::fs::write(folder.path().join("config.toml"), config.to_toml()).unwrap();
        let dataset = Dataset::open(None).unwrap();
        let of = |picture| thumbs::tile(&dataset.show(picture).unwrap(), SIDE);
        let usual = face(folder.path(), &mut opened).unwrap();
        assert_eq!(usual, of(dataset.pretrain()[dataset.pretrain().len() / 2]));
        let mut look = samples::map(1, 100, 5);
        look.prototypes[3].count = 1000;
        look.prototypes[3].nearest = vec![(77, 0.9)];
        looks::write(folder.path(), &[Arc::new(look)]).unwrap();
        assert_eq!(face(folder.path(), &mut opened).unwrap(), of(77));
        config.data = Some(folder.path().join("gone"));
        std::fs::write(folder.path().join("config.toml"), config.to_toml()).unwrap();
        assert!(face(folder.path(), &mut opened).is_none());
    }
}
