//! What recipes make of the pictures that are chosen: their crops of one picture, and how long they take here. Worked out
//! away from the window.

use crate::prospect::Cost;
use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::BTreeMap;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::data::{Dataset, Showcase, configured, spread};
use swav_wgpu::measure::Machine;

/// The side of a crop on a card, pixels.
const SIDE: usize = 72;
/// Crops of a card, at most.
const MOST: usize = 8;

/// The crops that a recipe makes of a picture, large ones first, each with the share of the largest crop's side.
#[derive(Clone, Debug)]
pub struct Crops(Vec<(f32, ColorImage)>);

/// What the cards of recipes show.
#[derive(Default)]
pub struct Recipes {
    crops: BTreeMap<&'static str, Crops>,
    textures: BTreeMap<&'static str, Vec<(f32, TextureHandle)>>,
    seconds: BTreeMap<&'static str, f64>,
}

/// Epochs of which the crops with the most colour are shown.
const EPOCHS: u64 = 6;

/// The crops of every recipe, of one of the pictures. Recipes of which none can be made have none.
#[must_use]
pub fn crops(config: &Config, dataset: &Dataset) -> Vec<(Preset, Crops)> {
    let all = dataset.pretrain();
    let Some(picture) = spread::middles(all.len(), 1).next().map(|at| all[at]) else { return Vec::new() };
    let of = |&preset: &Preset| {
        let recipe = Config {
            channels: config.channels,
            bands: config.bands.clone(),
            ..Config::from_preset(preset).ok()?
        };
        let shown =
            (0..EPOCHS).filter_map(|epoch| configured::showcase(&recipe, dataset, picture, epoch).ok());
        let shown = shown.max_by_key(colour)?;
        let largest = shown.views.iter().map(|view| view.pixels.width()).max()?;
        let tile = |view: &swav_wgpu::data::View| {
            let side = SIDE as u32;
            let small = image::imageops::thumbnail(&view.pixels, side, side);
            (view.pixels.width() as f32 / largest as f32, ColorImage::from_rgb([SIDE; 2], small.as_raw()))
        };
        Some((preset, Crops(shown.views.iter().take(MOST).map(tile).collect())))
    };
    Preset::ALL.iter().filter_map(of).collect()
}

/// How far the channels of the large crops are apart: some crops are grey by chance, which says little of a picture.
fn colour(shown: &Showcase) -> u64 {
    let large = shown.views.iter().filter(|view| view.group == 0);
    let apart = |pixel: &image::Rgb<u8>| {
        let [red, green, blue] = pixel.0;
        u64::from(red.abs_diff(green)) + u64::from(green.abs_diff(blue))
    };
    large.map(|view| view.pixels.pixels().map(apart).sum::<u64>()).min().unwrap_or(0)
}

/// Seconds of training that every recipe takes on these pictures and this adapter.
#[must_use]
pub fn seconds(extent: (usize, usize), machine: &Machine) -> Vec<(Preset, f64)> {
    let of = |&preset: &Preset| {
        let recipe = Config::from_preset(preset).ok()?;
        // Fewer pictures than a batch make no step.
        let cost = Cost::of(&recipe, None, extent, machine.clone(), 0);
        (cost.steps > 0).then_some((preset, cost.seconds))
    };
    Preset::ALL.iter().filter_map(of).collect()
}

impl Recipes {
    /// Other pictures: nothing is known of them.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes crops in.
    pub fn take_crops(&mut self, crops: Vec<(Preset, Crops)>) {
        self.crops = crops.into_iter().map(|(preset, crops)| (preset.name(), crops)).collect();
        self.textures.clear();
    }

    /// Takes times in.
    pub fn take_seconds(&mut self, seconds: Vec<(Preset, f64)>) {
        self.seconds = seconds.into_iter().map(|(preset, seconds)| (preset.name(), seconds)).collect();
    }

    /// How long a recipe takes here, where that is known.
    #[must_use]
    pub fn seconds(&self, preset: Preset) -> Option<f64> {
        self.seconds.get(preset.name()).copied()
    }

    /// Whether times are known: a recipe that has none then has too few pictures for a batch.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        !self.seconds.is_empty()
    }

    /// The crops of a recipe, ready to be drawn, each with its side as a share of the largest.
    pub(crate) fn shown(&mut self, ctx: &Context, preset: Preset) -> &[(f32, TextureHandle)] {
        let name = preset.name();
        if let Some(Crops(crops)) = self.crops.remove(name) {
            let load = |(at, (share, image)): (usize, (f32, ColorImage))| {
                (share, ctx.load_texture(format!("recipe {name} {at}"), image, TextureOptions::LINEAR))
            };
            self.textures.insert(name, crops.into_iter().enumerate().map(load).collect());
        }
        self.textures.get(name).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_shows_its_own_crops_and_its_time() {
        let dataset = Dataset::open(None).unwrap();
        let found = crops(&Config::default(), &dataset);
        assert_eq!(found.len(), Preset::ALL.len());
        for (preset, Crops(crops)) in &found {
            let config = Config::from_preset(*preset).unwrap();
            let all: usize = config.crops.iter().map(|group| group.count).sum();
            assert_eq!((crops.len(), crops[0].0), (all.min(MOST), 1.0), "{}", preset.name());
            assert!(
                crops.iter().all(|(_, image)| image.pixels.iter().any(|pixel| *pixel != image.pixels[0]))
            );
        }
        let machine = Machine { adapter: "a".into(), gflop_per_s: 20.0 };
        let of = |extent, preset| {
            seconds(extent, &machine).into_iter().find(|(of, _)| *of == preset).map(|(_, seconds)| seconds)
        };
        assert!(of((2781, 16), Preset::Demo) < of((2781, 16), Preset::PictoLong));
        assert_eq!(of((20, 0), Preset::Cifar), None, "no batch fills");
        let mut recipes = Recipes::default();
        recipes.take_seconds(seconds((2781, 16), &machine));
        recipes.take_crops(found);
        let ctx = Context::default();
        assert_eq!(recipes.shown(&ctx, Preset::Demo).len(), 2);
        recipes.forget();
        assert!(recipes.seconds(Preset::Demo).is_none() && recipes.shown(&ctx, Preset::Demo).is_empty());
    }
}
