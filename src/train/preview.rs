//! Looking into a run between two steps: what a person who watches wants to see of the network.
//!
//! Nothing here runs unless the answer to an event asks for it ([`super::Flow::Preview`]), so a run that
//! nobody watches pays nothing, and how often is the asker's choice. A preview reads the network in
//! evaluation mode and changes no bit of what is trained.

use super::events::Event;
use super::evaluate::Judge;
use super::run::Engine;
use super::crops;
use super::setup::Setup;
use crate::data::{Augment, CropParams, Showcase, render};
use crate::error::Result;
use crate::eval::{Features, codes};
use image::RgbImage;
use std::time::Instant;

/// Samples that codes are balanced over, at most; fewer where the batch is smaller, as in training.
const BALANCED: usize = 256;

/// What to look at. Every part costs only where it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviewRequest {
    /// Pictures whose crops are wanted, with codes and predictions.
    pub pictures: Vec<u32>,
    /// Which crops: those of this epoch, from 0.
    pub draw: u64,
    /// How many pictures' features are wanted, evenly spread over those that are trained on.
    pub sample: usize,
}

/// What was asked for, all of the same network.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it answers.
    pub request: PreviewRequest,
    /// Steps that the network has done.
    pub step: u64,
    /// One entry a picture that could be read.
    pub crops: Vec<Crops>,
    /// Features of many pictures, where asked for.
    pub sample: Option<Sample>,
    /// How long training waited for it.
    pub seconds: f64,
}

/// A picture and its crops, in the order of the `crops` setting.
#[derive(Clone, Debug)]
pub struct Crops {
    /// Its number in the data set.
    pub picture: u32,
    /// The picture.
    pub image: RgbImage,
    /// Its crops.
    pub views: Vec<View>,
}

/// One crop, and what the network makes of it.
#[derive(Clone, Debug)]
pub struct View {
    /// What was drawn: box, flip, colours, blur.
    pub params: CropParams,
    /// What training sees, at the crop's own size, without the normalisation.
    pub pixels: RgbImage,
    /// The prediction of this crop over all K prototypes; sums to 1.
    pub prediction: Vec<f32>,
    /// The code of an assignment crop, which the other crops must predict; sums to 1. It is balanced over a
    /// batch of other pictures, as in training.
    pub code: Option<Vec<f32>>,
}

/// Plain views of many pictures, and the state of the prototypes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The pictures' numbers.
    pub pictures: Vec<u32>,
    /// Pooled features, a row a picture.
    pub features: Features,
    /// Cosine to every prototype, a row a picture.
    pub cosines: Features,
    /// The prototypes, `[K, D]`, not of unit length.
    pub prototypes: Features,
    /// How many of the last crops each prototype was the best one of.
    pub counts: Vec<u32>,
}

impl Engine<'_> {
    /// Does what the answers to events asked for, as long as they ask.
    pub(super) fn serve(&mut self) -> Result<()> {
        loop {
            if std::mem::take(&mut self.asked.checkpoint) {
                self.settle()?;
            } else if let Some(request) = self.asked.preview.take() {
                let preview = self.preview(request)?;
                self.emit(Event::Preview(Box::new(preview)));
            } else {
                return Ok(());
            }
        }
    }

    fn preview(&mut self, request: PreviewRequest) -> Result<Preview> {
        let start = Instant::now();
        let sample = if request.sample > 0 { Some(self.sample(request.sample)?) } else { None };
        let crops = self.crops(&request, sample.as_ref())?;
        Ok(Preview { request, step: self.submitted, crops, sample, seconds: start.elapsed().as_secs_f64() })
    }

    fn sample(&mut self, most: usize) -> Result<Sample> {
        let Setup { judge, trainer, dataset, memory, .. } = &mut self.setup;
        let wanted = spread(dataset.pretrain(), most);
        let (mut pictures, mut features, mut cosines) = (Vec::new(), Vec::new(), Vec::new());
        let mut dims = (0, 0);
        let mut asked = wanted.iter();
        judge.look(&wanted, |views, readable| {
            let found = trainer.features_and_cosines(views, readable.len())?;
            dims = (found.0.dim, found.1.dim);
            for (row, (&picture, &ok)) in asked.by_ref().zip(readable).enumerate() {
                if ok {
                    pictures.push(picture);
                    features.extend_from_slice(found.0.row(row));
                    cosines.extend_from_slice(found.1.row(row));
                }
            }
            Ok(())
        })?;
        Ok(Sample {
            features: Features::new(pictures.len(), dims.0, features)?,
            cosines: Features::new(pictures.len(), dims.1, cosines)?,
            prototypes: trainer.prototypes()?,
            counts: memory.occupancy.counts().to_vec(),
            pictures,
        })
    }

    /// The crops of the wanted pictures, their predictions, and the codes of the assignment crops.
    fn crops(&mut self, request: &PreviewRequest, sample: Option<&Sample>) -> Result<Vec<Crops>> {
        if request.pictures.is_empty() {
            return Ok(Vec::new());
        }
        let augment = crops::augment(&self.config);
        let Setup { judge, trainer, dataset, .. } = &mut self.setup;
        let (mut found, mut inputs) = (Vec::new(), Vec::new());
        for &picture in &request.pictures {
            // A picture that cannot be read has nothing to show; training lists it.
            let Ok(shown) = crops::showcase(&self.config, dataset, picture, request.draw) else { continue };
            found.push(cut(picture, shown, &augment, judge, &mut inputs));
        }
        let views = found.iter().map(|crops| crops.views.len()).sum();
        let cosines = trainer.cosines(&inputs, views)?;
        let balance = match sample {
            Some(sample) => some_rows(&sample.cosines, self.config.batch.min(BALANCED)),
            None => {
                let others = spread(dataset.pretrain(), self.config.batch.min(BALANCED));
                let (mut rows, mut data) = (0, Vec::new());
                judge.look(&others, |views, readable| {
                    rows += readable.len();
                    data.extend_from_slice(&trainer.cosines(views, readable.len())?.data);
                    Ok(())
                })?;
                Features::new(rows, cosines.dim, data)?
            }
        };
        self.tell_codes(&mut found, &cosines, balance)?;
        Ok(found)
    }

    fn tell_codes(&self, found: &mut [Crops], cosines: &Features, balance: Features) -> Result<()> {
        let assigned = |view: usize| self.config.assign.contains(&view);
        let (mut rows, mut data) = (balance.rows, balance.data);
        let views = || found.iter().flat_map(|crops| 0..crops.views.len());
        for (row, _) in views().enumerate().filter(|(_, view)| assigned(*view)) {
            rows += 1;
            data.extend_from_slice(cosines.row(row));
        }
        let all = Features::new(rows, cosines.dim, data)?;
        let all = codes::codes(&all, self.config.epsilon, self.config.sinkhorn_iterations)?;
        let (mut row, mut code) = (0, balance.rows);
        for crops in found {
            for (at, view) in crops.views.iter_mut().enumerate() {
                view.prediction = codes::prediction(cosines.row(row), self.config.temperature);
                row += 1;
                if assigned(at) {
                    view.code = Some(all.row(code).to_vec());
                    code += 1;
                }
            }
        }
        Ok(())
    }
}

/// The crops as they are shown. They are appended to `inputs` at the size of evaluation, which is what the
/// network takes outside of training.
fn cut(picture: u32, shown: Showcase, augment: &Augment, judge: &Judge, inputs: &mut Vec<f32>) -> Crops {
    let mut views = Vec::new();
    for view in shown.views {
        let from = inputs.len();
        inputs.resize(from + 4 * (judge.size() as usize).pow(2), 0.0);
        render(&shown.picture, &view.params, judge.size(), augment, &mut inputs[from..]);
        views.push(View { params: view.params, pixels: view.pixels, prediction: Vec::new(), code: None });
    }
    Crops { picture, image: shown.picture, views }
}

/// At most `most` of the pictures, evenly spread.
fn spread(pictures: &[u32], most: usize) -> Vec<u32> {
    let n = most.min(pictures.len());
    (0..n).map(|i| pictures[i * pictures.len() / n]).collect()
}

/// Evenly spread rows, at most `most`.
fn some_rows(features: &Features, most: usize) -> Features {
    let rows: Vec<u32> = (0..features.rows as u32).collect();
    let rows = spread(&rows, most);
    let data = rows.iter().flat_map(|&row| features.row(row as usize)).copied().collect();
    Features { rows: rows.len(), dim: features.dim, data }
}
