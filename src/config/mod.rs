//! The settings of a run: one struct, in which one field is one flag, one TOML key and one row of
//! the desktop app, with one help text and one check.
//!
//! The table in `settings.rs` is the only place where a setting is written down: its type, default,
//! help and range. The command line builds its flags from [`Config::SETTINGS`], the run folder's
//! `config.toml` is [`Config::to_toml`], and the app draws a row per [`Setting`].
//!
//! Where a value comes from, the later winning: defaults (the official ones) < preset < TOML file <
//! flags. A setting's own range is checked when it is set; what must fit together is checked by
//! [`Config::validate`], which every door calls before the engine starts.

mod advise;
mod check;
mod depth;
mod file;
mod former;
mod length;
mod method;
mod micro;
mod presets;
mod resnet;
mod resume;
mod settings;
mod size;
mod suggest;
mod sync;
mod table;
mod types;
mod validate;
mod value;

#[cfg(test)]
mod tests;

pub use advise::{Advice, Facts, advise};
pub use depth::Depth;
pub(crate) use file::wrap;
pub use former::{Former, FormerSteps};
pub use length::RunLength;
pub use method::{HEADS, Method, listed, readers};
pub use micro::MicroBatch;
pub use presets::Preset;
pub use resnet::{ConvUnit, Layout, Readout, Residual, TrunkSpec};
pub use settings::Config;
pub use size::Bytes;
pub use suggest::nearest;
pub use sync::SyncBn;
pub use table::Setting;
pub use types::{
    Arch, Augmenter, Block, CropGroup, Kernels, Normalize, Optimizer, Pages, Precision, Source, Stem, Tuned,
};
pub use value::{Value, whole_seconds};

use crate::error::{Error, Result};

impl Config {
    /// The defaults with a preset's values over them.
    pub fn from_preset(preset: Preset) -> Result<Self> {
        Self::from_recipe(preset, Method::Swav)
    }

    /// The same with those of a method over them.
    pub fn from_recipe(preset: Preset, method: Method) -> Result<Self> {
        let mut config = Self { preset: Some(preset), method, ..Self::default() };
        for (key, value) in preset.values().chain(method.recipe(preset).iter().copied()) {
            config.set(key, value)?;
        }
        Ok(config)
    }

    /// The preset of a run for which none was named: `demo` for the embedded pictures, `photos` for
    /// a folder of one's own. The reasons stand with [`Preset::Photos`].
    pub fn usual_preset(has_data: bool) -> Preset {
        if has_data { Preset::Photos } else { Preset::Demo }
    }

    /// Pictures that go through the trunk at once: all that a batch has, where nothing is said or it is still to be found
    /// out.
    pub fn part(&self) -> usize {
        match self.micro_batch {
            Some(MicroBatch::Of(pictures)) => pictures.min(self.batch),
            Some(MicroBatch::Auto) | None => self.batch,
        }
    }

    /// Pictures of each part of a batch, in order: the last may have fewer.
    pub fn parts(&self) -> Vec<usize> {
        let part = self.part().max(1);
        (0..self.batch).step_by(part).map(|first| part.min(self.batch - first)).collect()
    }

    /// How many prototypes each set has, of a method with several.
    pub fn sets(&self) -> Vec<usize> {
        self.heads.clone().unwrap_or_else(|| vec![self.prototypes; 3])
    }

    /// The row of a setting; an unknown key is an error that suggests the nearest one.
    pub fn setting(key: &str) -> Result<&'static Setting> {
        Self::SETTINGS.iter().find(|setting| setting.key == key).ok_or_else(|| unknown(key))
    }

    /// Sets one value from text, after checking its range.
    ///
    /// `preset` only records the name: a preset's values come from [`Config::from_preset`], because
    /// they have to go in before any other.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        let setting = Self::setting(key)?;
        (setting.set)(self, text).map_err(|reason| Error::config(key, reason))
    }

    /// One value as text that [`Config::set`] reads back to the same value.
    pub fn get(&self, key: &str) -> Result<String> {
        Ok((Self::setting(key)?.get)(self))
    }

    /// What of a trunk the features of a picture are to be.
    pub fn readout(&self) -> Readout {
        Readout { stage: self.eval_stage, grid: self.eval_grid }
    }

    /// What of this trunk and of views of this size they are.
    pub fn fitting_readout(&self) -> Readout {
        self.trunk().fitting(self.stem, self.readout(), self.eval_size as usize)
    }

    /// The length of a picture's feature vector.
    pub fn feature_count(&self) -> usize {
        self.trunk().length(self.fitting_readout())
    }

    /// The shape of the trunk: what `arch` says, with `block`, `blocks` and `width` replacing parts.
    pub fn trunk(&self) -> TrunkSpec {
        let mut spec = self.arch.trunk();
        if let Some(block) = self.block {
            spec.block = block;
        }
        if let Some(width) = self.width {
            spec.width = width;
        }
        if let Some(blocks) = &self.blocks {
            // A list of any other length never gets here: `set` and `validate` refuse it.
            for (slot, &count) in spec.blocks.iter_mut().zip(blocks) {
                *slot = count;
            }
        }
        spec
    }

    /// Mean and deviation of each channel. Lists that are not of these channels stand for what the pictures say
    /// once they are looked at; until then it is the average of the lists, for every channel.
    pub fn normalization(&self) -> [Vec<f32>; 2] {
        [&self.mean, &self.std].map(|values| {
            if values.len() == self.channels {
                return values.iter().map(|&value| value as f32).collect();
            }
            let average = values.iter().sum::<f64>() / values.len().max(1) as f64;
            vec![average as f32; self.channels]
        })
    }

    /// The bands that people are shown, numbered from 1.
    pub fn shown(&self) -> [u32; 3] {
        std::array::from_fn(|i| self.show_bands.get(i).map_or(i as u32 + 1, |&band| band as u32))
    }

    /// How many crops a picture gives in one step.
    pub fn crop_count(&self) -> usize {
        self.crops.iter().map(|group| group.count).sum()
    }
}

fn unknown(key: &str) -> Error {
    let keys = Config::SETTINGS.iter().map(|setting| setting.key);
    let reason = match nearest(key, keys) {
        Some(near) => format!("there is no such setting; did you mean `{near}`?"),
        None => "there is no such setting; `swav-wgpu train --help` lists them all".to_owned(),
    };
    Error::config(key, reason)
}
