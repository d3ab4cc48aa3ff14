//! What a person who watches a run may ask to see of its network, and what is shown. `serve` makes it.

use super::sample::Sample;
use crate::data::CropParams;
use image::RgbImage;

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
    /// The picture, as a person is shown it.
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
    /// The prediction of this crop over all K prototypes; sums to 1. Empty where there are no prototypes.
    pub prediction: Vec<f32>,
    /// The code of an assignment crop, which the other crops must predict; sums to 1. It is balanced over the
    /// same crop of a batch of other pictures, as in training.
    pub code: Option<Vec<f32>>,
    /// How alike this crop is to others, where the method has no codes.
    pub likeness: Option<Likeness>,
}

/// Cosines of a crop's embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// To each crop of the same picture, itself included.
    pub own: Vec<f32>,
    /// Their mean over the crops of the other pictures that are shown; none where there are no others.
    pub others: Option<f32>,
}
