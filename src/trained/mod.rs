//! A trained network in one's own program: load it, embed a picture, ask for its prototype.
//!
//! | file | what |
//! |---|---|
//! | [`views`] | the plain views that it looks at |
//! | `weights_file` | the weights of a run or a file, and the network that they are of |

pub mod views;
mod weights_file;

use crate::config::{Config, Kernels, Readout, Source, Stem, Tuned};
use crate::data::Picture;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::gpu::{self, AdapterFacts, Gpu};
use crate::model::{Inference, NetworkSpec, Seen, best_prototypes};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use views::Viewing;
pub(crate) use weights_file::{Whole, network_of, read, read_whole};

/// Where and how a network looks at pictures.
#[derive(Clone, Debug, Default)]
pub struct ModelOptions {
    /// The adapter, by index or part of its name; `None` is the best one.
    pub adapter: Option<String>,
    /// The kernel family; `None` is what suits the adapter.
    pub kernels: Option<Kernels>,
    /// What a tuning chose of it, as [`tune::take`](crate::tune::take) finds it; `None` is the usual kernels.
    pub tuned: Option<Tuned>,
    /// The views, and what of the trunk the features are; `None` is as the network was trained where the file says it, and
    /// otherwise 224×224 out of 256 with the official mean and deviation (32×32 for networks with a 3×3 stem), and the last
    /// stage globally averaged.
    pub viewing: Option<Viewing>,
    /// Which network of a file that holds several, as [`crate::interop::weights::read`] takes it.
    pub weights_key: Option<String>,
    /// The time that one submission to the device may take; `None` is the usual one.
    pub submission: Option<Duration>,
    /// What a 3×3 stem is where the file does not say it; `None` is [`Stem::Cifar`].
    pub stem: Option<Stem>,
}

/// A trained network: one of this program's runs, official SwAV weights, or a torchvision ResNet.
///
/// ```no_run
/// use swav_wgpu::Model;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Model::load("runs/photos".as_ref())?;
/// let seen = model.embed(&image::open("cat.jpg")?.into_rgb8().into())?;
/// println!("{} features; prototype {:?}", seen.features.len(), seen.prototype);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Model {
    inference: Inference,
    viewing: Viewing,
    prototypes: Option<Features>,
    config: Option<Config>,
    notice: Option<String>,
}

/// What a network says of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Features of the trunk: what to compare pictures by, or to train a classifier on.
    pub features: Vec<f32>,
    /// D values of unit length, where the network has a projection head.
    pub embedding: Option<Vec<f32>>,
    /// The best prototype and the cosine to it, where there are prototypes.
    pub prototype: Option<(u32, f32)>,
}

impl Model {
    /// Loads a run folder or a file of weights (`.safetensors`, `.pth`, `.pth.tar`, `.pt`) on the best
    /// adapter. The architecture is read from the shapes of the tensors.
    ///
    /// # Errors
    /// A file that cannot be used, with what is wrong with it; no adapter.
    pub fn load(path: &Path) -> Result<Self> {
        Self::open(path, &ModelOptions::default())
    }

    /// The same with a say in where and how.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn open(path: &Path, options: &ModelOptions) -> Result<Self> {
        let (weights, config) = read(path, options.weights_key.as_deref())?;
        let spec = network_of(&weights, config.as_ref(), options.stem)?;
        let mut viewing = options.viewing.clone().unwrap_or_else(|| usual_viewing(config.as_ref(), &spec));
        let gpu = gpu::open_adapter(
            options.adapter.as_deref(),
            options.kernels.unwrap_or(Kernels::Auto),
            options.tuned.as_ref().unwrap_or(&Tuned::Off),
        )?;
        let gpu = match options.submission {
            Some(time) => gpu.with_submission(time),
            None => gpu,
        };
        let side = [viewing.size; 2];
        let inference = Inference::new(&gpu, &spec, side, viewing.readout, &weights.path, &weights.tensors)?;
        viewing.readout = inference.readout();
        let prototypes = inference.prototypes()?;
        Ok(Self { inference, viewing, prototypes, config, notice: weights.notice })
    }

    /// The views that [`Model::open`] would look at.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn viewing_of(path: &Path, options: &ModelOptions) -> Result<Viewing> {
        let (weights, config) = read(path, options.weights_key.as_deref())?;
        let spec = network_of(&weights, config.as_ref(), options.stem)?;
        Ok(options.viewing.clone().unwrap_or_else(|| usual_viewing(config.as_ref(), &spec)))
    }

    /// The same network with random weights: what training is compared with.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn untrained(&self, seed: u64) -> Result<Self> {
        let side = [self.viewing.size; 2];
        let (gpu, spec) = (self.inference.gpu(), self.inference.spec());
        let inference = Inference::untrained(gpu, spec, side, self.viewing.readout, seed)?;
        let prototypes = inference.prototypes()?;
        let (viewing, config) = (self.viewing.clone(), self.config.clone());
        Ok(Self { inference, viewing, prototypes, config, notice: None })
    }

    /// The length of a feature vector.
    #[must_use]
    pub fn feature_count(&self) -> usize {
        self.inference.spec().trunk.length(self.viewing.readout)
    }

    /// Channels of the pictures that it takes.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.inference.spec().channels
    }

    /// Whether it has a projection head, so that a picture has an embedding beside its features.
    #[must_use]
    pub fn embeds(&self) -> bool {
        self.inference.spec().head.is_some()
    }

    /// K, the number of prototypes; 0 where there are none.
    #[must_use]
    pub fn prototype_count(&self) -> usize {
        self.prototypes.as_ref().map_or(0, |prototypes| prototypes.rows)
    }

    /// The network in words, and what the features are where that is not what papers take.
    #[must_use]
    pub fn describe(&self) -> String {
        let (spec, readout) = (self.inference.spec(), self.viewing.readout);
        if readout == Readout::default() {
            return spec.to_string();
        }
        format!("{spec}; looked at by {} features: {readout}", self.feature_count())
    }

    /// The prototypes as they are stored, `[K, D]`, where there are some.
    #[must_use]
    pub fn prototypes(&self) -> Option<&Features> {
        self.prototypes.as_ref()
    }

    /// How pictures are looked at.
    #[must_use]
    pub fn viewing(&self) -> &Viewing {
        &self.viewing
    }

    /// Which of several networks of the file this is, and how to take another.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The settings of the run that the network is of, where the file has them.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// The adapter that it runs on.
    #[must_use]
    pub fn adapter(&self) -> &AdapterFacts {
        self.inference.gpu().facts()
    }

    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        self.inference.gpu()
    }

    /// Embeds one picture of any size.
    ///
    /// # Errors
    /// [`Error::Config`] where the picture has other channels than the network takes; what the driver reports.
    pub fn embed(&self, picture: &Picture) -> Result<Embedding> {
        let mut all = self.embed_all(std::slice::from_ref(picture))?;
        all.pop().ok_or_else(|| Error::Device("no result came back".into()))
    }

    /// Embeds pictures of any sizes together, which is faster than one by one.
    ///
    /// # Errors
    /// As [`Model::embed`].
    pub fn embed_all(&self, pictures: &[Picture]) -> Result<Vec<Embedding>> {
        let channels = self.channels();
        if let Some(other) = pictures.iter().map(Picture::channels).find(|&found| found != channels) {
            let reason = format!("the picture has {other}, and this network takes {channels}");
            return Err(Error::config("channels", reason));
        }
        let mut views = vec![0.0; pictures.len() * self.viewing.floats()];
        for (picture, view) in pictures.iter().zip(views.chunks_exact_mut(self.viewing.floats())) {
            self.viewing.make(picture, view);
        }
        let seen = self.look(&views, pictures.len())?;
        let best = self.assign(&seen);
        let row = |row: usize| Embedding {
            features: seen.features.row(row).to_vec(),
            embedding: seen.embeddings.as_ref().map(|z| z.row(row).to_vec()),
            prototype: best.as_ref().map(|best| best[row]),
        };
        Ok((0..pictures.len()).map(row).collect())
    }

    /// What the network says of `n` views, each as [`Viewing::make`] gives it.
    pub(crate) fn look(&self, views: &[f32], n: usize) -> Result<Seen> {
        self.inference.look(views, n)
    }

    /// The network on the device.
    pub(crate) fn inference(&self) -> &Inference {
        &self.inference
    }

    /// The best prototype of each row, with its cosine.
    pub(crate) fn assign(&self, seen: &Seen) -> Option<Vec<(u32, f32)>> {
        Some(best_prototypes(seen.similarities.clone()?, self.prototypes.as_ref()?))
    }
}

/// The settings by which pictures at a path (`None`: the embedded ones) are opened for a network to look at: decoded
/// as those that it was trained on, where its own settings are known, and of the channels that it takes.
#[must_use]
pub fn settings_for(network: &Model, path: Option<&Path>) -> Config {
    let usual = || Config { channels: network.channels(), ..Config::default() };
    let trained = network.config().cloned().unwrap_or_else(usual);
    // What other pictures lay in says nothing of these; all are read in full.
    let same = path == trained.data.as_deref();
    let source = if same { trained.source } else { Source::Auto };
    let exclude = trained.exclude.clone().filter(|_| same);
    Config { data: path.map(Path::to_owned), source, exclude, reduce: false, ..trained }
}

/// The views of a run's own settings, or those that the field uses.
fn usual_viewing(config: Option<&Config>, spec: &NetworkSpec) -> Viewing {
    let usual = Config { channels: spec.channels, ..Config::default() };
    let mut viewing = Viewing::of_config(config.unwrap_or(&usual));
    if config.is_none() {
        (viewing.resize, viewing.size) = if spec.stem == Stem::Imagenet { (256, 224) } else { (32, 32) };
    }
    viewing
}
