//! Crops from packed pictures: resized, their colours adjusted, blurred, normalised. Twin of
//! `augment.wgsl`.
//!
//! Pictures of any sizes lie in one buffer, three bytes a pixel. What is done to each crop was drawn
//! by the caller and stands in a buffer of [`Crop`]s, so one set of four dispatches makes all crops of
//! one size, whatever their pictures.

use super::{forms, of};
use crate::error::Result;
use crate::gpu::{Element, Grid, Plan, Shader, Shape, Tensor, shader_params};

pub(crate) const SHADER: [Shader; 2] = forms!("augment.wgsl" + "grid.wgsl", true);

/// The longest side of a picture: beyond it, the kernel's whole numbers would overflow.
pub const LONGEST_SIDE: u32 = 65_535;

/// `u32`s that describe a crop.
pub const CROP_WORDS: usize = 16;

shader_params! {
    struct Params {
        crops: u32,
        size: u32,
        mean_red: f32,
        mean_green: f32,
        mean_blue: f32,
        gain_red: f32,
        gain_green: f32,
        gain_blue: f32,
    }
}

/// A colour adjustment, as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum AdjustmentKind {
    /// Nothing.
    None = 0,
    /// Channels times the factor.
    Brightness = 1,
    /// Away from the crop's mean grey.
    Contrast = 2,
    /// Away from each pixel's own grey.
    Saturation = 3,
    /// The hue turned by the factor, in whole turns.
    Hue = 4,
}

/// What is done to one crop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    /// First byte of its picture, a multiple of four.
    pub offset: u32,
    /// Columns of its picture.
    pub picture_width: u32,
    /// Left, top, width and height of its box, inside the picture.
    pub region: [u32; 4],
    /// Mirrored left to right.
    pub flip: bool,
    /// The adjustments, in their order; contrast at most once.
    pub adjustments: [(AdjustmentKind, f32); 4],
    /// Turned to grey after the adjustments.
    pub grey: bool,
    /// Standard deviation of the blur in pixels of the crop, 0 for none.
    pub sigma: f32,
}

/// The words of a crop whose picture is not there: it is left as it is.
pub const ABSENT: [u32; CROP_WORDS] = [0; CROP_WORDS];

impl Crop {
    /// The crop as the kernel reads it.
    #[must_use]
    pub fn words(&self) -> [u32; CROP_WORDS] {
        let [left, top, width, height] = self.region;
        let flags = u32::from(self.flip) | u32::from(self.grey) << 1;
        let [a, b, c, d] = self.adjustments;
        [
            [self.offset, 3 * self.picture_width, left, top],
            [width, height, flags, self.sigma.to_bits()],
            [a, b, c, d].map(|(kind, _)| kind as u32),
            [a, b, c, d].map(|(_, factor)| factor.to_bits()),
        ]
        .as_flattened()
        .try_into()
        .unwrap_or(ABSENT)
    }
}

/// The shape of a buffer of `crops` descriptions.
#[must_use]
pub fn descriptions(crops: u32) -> Shape {
    Shape::matrix(crops, CROP_WORDS as u32)
}

/// Makes crops of one size: `out` is `[crops, size, size, 3]`, normalised by `mean` and `std`, of single or
/// half precision; `pictures` are packed bytes, `crops` their descriptions.
pub fn make(
    plan: &mut Plan,
    pictures: &Tensor,
    crops: &Tensor,
    out: &Tensor,
    mean: [f32; 3],
    std: [f32; 3],
) -> Result<()> {
    let (count, size) = (out.shape.images, out.shape.width);
    let [gain_red, gain_green, gain_blue] = std.map(f32::recip);
    let [mean_red, mean_green, mean_blue] = mean;
    let params =
        Params { crops: count, size, mean_red, mean_green, mean_blue, gain_red, gain_green, gain_blue };
    // Pixels are f32 until they are finished, in place where the result is f32 too.
    let pixels = out.shape.stored(Element::F32);
    let image = if out.shape == pixels { out.clone() } else { plan.lease(pixels) };
    let blurred = plan.lease(pixels);
    let kernel = |entry| plan.gpu().kernel(of(&SHADER, out.shape.element), entry, &[]);
    let (resize, adjust) = (kernel("resize")?, kernel("adjust")?);
    let (rows, columns) = (kernel("blur_rows")?, kernel("blur_columns")?);
    let grid = Grid::invocations(out.shape.rows(), 64);
    plan.dispatch(&resize, grid, params, &[pictures, crops, &image])?;
    // An invocation has a 64th of the pixels: it adds them up, and goes through four adjustments of each.
    plan.loops(7 * u64::from(size * size).div_ceil(64) + 100);
    plan.dispatch(&adjust, Grid::folded(count, 1), params, &[crops, &image])?;
    plan.dispatch(&rows, grid, params, &[crops, &image, &blurred])?;
    plan.dispatch(&columns, grid, params, &[crops, &blurred, out])
}
