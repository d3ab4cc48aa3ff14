//! The samples of a picture as its file holds them, and how they become 8 bit: one rule for every format.

use image::DynamicImage;
use image::metadata::Orientation;

use super::super::picture::Picture;
use super::{Reading, blend};

/// Samples in the least of three types that holds them exactly, or nearly so for 32 bits.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

/// What a file says of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers of so many bits.
    Unsigned(u32),
    /// Whole numbers of so many bits, the first a sign.
    Signed(u32),
    /// Floats of so many bits.
    Float(u32),
}

impl Kind {
    /// What stands for black and white where nothing else is known.
    fn full(self) -> [f32; 2] {
        match self {
            Self::Unsigned(bits) => [0.0, 2f32.powi(bits as i32) - 1.0],
            Self::Signed(bits) => [-(2f32.powi(bits as i32 - 1)), 2f32.powi(bits as i32 - 1) - 1.0],
            Self::Float(_) => [0.0, 1.0],
        }
    }

    /// Bits of a sample.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Unsigned(bits) | Self::Signed(bits) | Self::Float(bits) => bits,
        }
    }
}

/// A decoded picture before it is 8 bit: `[height, width, channels]`.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: usize,
    /// The channels that are grey (1) or red, green and blue (3) by the file's own word, the first ones; 0
    /// where it only has bands.
    pub(super) colours: usize,
    /// Whether the last channel is transparency.
    pub(super) alpha: bool,
    pub(super) kind: Kind,
    pub(super) values: Values,
}

impl Samples {
    /// Whether depth decides how they become 8 bit.
    pub(super) fn is_deep(&self) -> bool {
        !matches!(self.kind, Kind::Unsigned(1..=8))
    }

    /// The picture in 8 bits, with as many channels as are wanted.
    pub(super) fn into_picture(self, reading: &Reading) -> Result<Picture, String> {
        let (width, height, wanted) = (self.width, self.height, reading.channels);
        let picked = self.picked(reading)?;
        let alpha = (self.alpha && reading.bands.is_empty() && matches!(wanted, 1 | 3))
            .then(|| self.channels - 1)
            .filter(|alpha| !picked.contains(alpha));
        let whole = picked.iter().copied().eq(0..self.channels) && picked.len() == wanted;
        let samples = match &self.values {
            Values::U8(_) if whole && self.kind == Kind::Unsigned(8) => match self.values {
                Values::U8(values) => values,
                _ => return Err(short()),
            },
            _ => self.scaled(&picked, alpha, reading),
        };
        Picture::new(width, height, wanted as u32, samples).ok_or_else(short)
    }

    /// The picked channels by the set's range, transparent ones laid on the background, grey and colours made
    /// of each other where the other is wanted.
    fn scaled(&self, picked: &[usize], alpha: Option<usize>, reading: &Reading) -> Vec<u8> {
        let deep = picked.len();
        let mut samples = vec![0; self.values.len() / self.channels.max(1) * deep];
        let scale = Scale::new(self.kind, reading.depth);
        self.for_each(&scale, picked, |at, channel, value| samples[deep * at + channel] = value);
        if deep == 1 && (reading.channels == 3 || alpha.is_some()) {
            samples = samples.into_iter().flat_map(|grey| [grey; 3]).collect();
        }
        if let Some(alpha) = alpha {
            self.for_each(&Scale::new(self.kind, None), &[alpha], |at, _, alpha| {
                if alpha < 255 {
                    let pixel = &mut samples[3 * at..3 * at + 3];
                    let laid = blend(reading.background, [pixel[0], pixel[1], pixel[2], alpha]);
                    pixel.copy_from_slice(&laid.0);
                }
            });
        }
        let colours = deep == 3 || alpha.is_some();
        if reading.channels == 1 && colours { samples.chunks_exact(3).map(grey).collect() } else { samples }
    }

    /// As the camera that noted this was held.
    pub(super) fn turned(self, orientation: Orientation) -> Self {
        let (wide, high, deep) = (self.width as usize, self.height as usize, self.channels.max(1));
        let from: fn([usize; 2], [usize; 2]) -> [usize; 2] = match orientation {
            Orientation::NoTransforms => return self,
            Orientation::Rotate90 => |[x, y], [_, h]| [y, h - 1 - x],
            Orientation::Rotate180 => |[x, y], [w, h]| [w - 1 - x, h - 1 - y],
            Orientation::Rotate270 => |[x, y], [w, _]| [w - 1 - y, x],
            Orientation::FlipHorizontal => |[x, y], [w, _]| [w - 1 - x, y],
            Orientation::FlipVertical => |[x, y], [_, h]| [x, h - 1 - y],
            Orientation::Rotate90FlipH => |[x, y], _| [y, x],
            Orientation::Rotate270FlipH => |[x, y], [w, h]| [w - 1 - y, h - 1 - x],
        };
        let lies = matches!(
            orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let [width, height] = if lies { [self.height, self.width] } else { [self.width, self.height] };
        let values = self.values.placed(|at| {
            let (pixel, channel) = (at / deep, at % deep);
            let [x, y] = from([pixel % width as usize, pixel / width as usize], [wide, high]);
            (y * wide + x) * deep + channel
        });
        Self { width, height, values, ..self }
    }

    /// The channels that make the picture: as many as are wanted, or one for grey and three for colour, which can
    /// be made of each other.
    fn picked(&self, reading: &Reading) -> Result<Vec<usize>, String> {
        let (channels, bands, wanted) = (self.channels, &reading.bands, reading.channels);
        let has = if channels == 1 { "one band".to_owned() } else { format!("{channels} bands") };
        if let Some(beyond) = bands.iter().find(|band| **band > channels) {
            return Err(format!("it has {has}, and `--bands` asks for number {beyond}"));
        }
        let coloured = matches!(wanted, 1 | 3);
        match bands.len() {
            0 if coloured && matches!(self.colours, 1 | 3) => Ok((0..self.colours).collect()),
            0 if wanted == channels && wanted != 3 => Ok((0..channels).collect()),
            0 if self.alpha && wanted + 1 == channels && !coloured => Ok((0..wanted).collect()),
            0 if !coloured => Err(format!(
                "it has {has}, and `--channels {wanted}` asks for pictures of {wanted}; choose so many with `--bands` \
                 where a file has more, or leave such files out"
            )),
            0 => Err(format!(
                "it has {has}, and nothing says which are colours: choose one or three of them with `--bands`, such \
                 as `--bands {}`, or train on all of them with `--channels {channels}`",
                if channels < 3 { "1" } else { "3,2,1" }
            )),
            count if count == wanted || coloured && matches!(count, 1 | 3) => {
                Ok(bands.iter().map(|band| band - 1).collect())
            }
            count => Err(format!("`--bands` names {count} bands, and pictures shall have {wanted} channels")),
        }
    }

    /// Hands out the picked channels of every pixel as 8 bit: pixel, place among the picked, value.
    fn for_each(&self, scale: &Scale, picked: &[usize], mut give: impl FnMut(usize, usize, u8)) {
        let channels = self.channels.max(1);
        let mut all = |eight: &dyn Fn(usize) -> u8, count: usize| {
            for at in 0..count / channels {
                for (place, &channel) in picked.iter().enumerate() {
                    give(at, place, eight(at * channels + channel));
                }
            }
        };
        match &self.values {
            Values::U8(values) => {
                let table: Vec<u8> = (0..=255u8).map(|value| scale.eight(f32::from(value))).collect();
                all(&|at| table[usize::from(values[at])], values.len());
            }
            Values::U16(values) => {
                let table: Vec<u8> = (0..=u16::MAX).map(|value| scale.eight(f32::from(value))).collect();
                all(&|at| table[usize::from(values[at])], values.len());
            }
            Values::F32(values) => all(&|at| scale.eight(values[at]), values.len()),
        }
    }

    /// The values between which nearly all samples of the picked channels lie: those that a thousandth lies
    /// below and above. None where all are missing (NaN), or no channels can be picked.
    pub(super) fn spread(&self, reading: &Reading) -> Option<[f32; 2]> {
        let picked = self.picked(reading).ok()?;
        let pixels = self.values.len() / self.channels.max(1);
        // A hundred thousand pixels tell as much as all of them.
        let step = (pixels / 100_000).max(1);
        let places = (0..pixels).step_by(step);
        let places = places.flat_map(|at| picked.iter().map(move |channel| at * self.channels + channel));
        let mut some: Vec<f32> =
            places.map(|at| self.values.get(at)).filter(|value| value.is_finite()).collect();
        let last = some.len().checked_sub(1)?;
        let high = *some.select_nth_unstable_by(last - last / 1000, f32::total_cmp).1;
        let low = *some.select_nth_unstable_by(last / 1000, f32::total_cmp).1;
        Some([low, high])
    }
}

impl Values {
    /// The same values in another order: that of `from` comes to each place.
    pub(super) fn placed(&self, from: impl Fn(usize) -> usize) -> Self {
        let all = 0..self.len();
        match self {
            Self::U8(values) => Self::U8(all.map(|at| values[from(at)]).collect()),
            Self::U16(values) => Self::U16(all.map(|at| values[from(at)]).collect()),
            Self::F32(values) => Self::F32(all.map(|at| values[from(at)]).collect()),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    fn get(&self, at: usize) -> f32 {
        match self {
            Self::U8(values) => f32::from(values[at]),
            Self::U16(values) => f32::from(values[at]),
            Self::F32(values) => values[at],
        }
    }
}

fn short() -> String {
    "its samples are not as many as its size says".to_owned()
}

/// The grey of a colour, as Pillow weighs it (ITU-R 601); grey stays what it is.
fn grey(pixel: &[u8]) -> u8 {
    let sum: u32 =
        pixel.iter().zip([19_595, 38_470, 7_471]).map(|(&value, weight)| u32::from(value) * weight).sum();
    ((sum + 0x8000) >> 16) as u8
}

/// What a value becomes in 8 bit.
struct Scale {
    low: f32,
    span: f32,
}

impl Scale {
    /// By the range that was chosen for the set; pictures of 8 bits or less are taken as they are.
    fn new(kind: Kind, depth: Option<[f32; 2]>) -> Self {
        let [low, high] = match (kind, depth) {
            (Kind::Unsigned(1..=8), _) | (_, None) => kind.full(),
            (_, Some(range)) => range,
        };
        Self { low, span: (high - low).max(f32::MIN_POSITIVE) }
    }

    /// Rounded, what lies outside brought to the ends; what is missing (NaN) is black.
    fn eight(&self, value: f32) -> u8 {
        ((value - self.low) * 255.0 / self.span).round() as u8
    }
}

impl From<DynamicImage> for Samples {
    fn from(picture: DynamicImage) -> Self {
        let (width, height) = (picture.width(), picture.height());
        let colour = picture.color();
        let channels = usize::from(colour.channel_count());
        let alpha = colour.has_alpha();
        let (kind, values) = match picture {
            DynamicImage::ImageLuma8(image) => (Kind::Unsigned(8), Values::U8(image.into_raw())),
            DynamicImage::ImageLumaA8(image) => (Kind::Unsigned(8), Values::U8(image.into_raw())),
            DynamicImage::ImageRgb8(image) => (Kind::Unsigned(8), Values::U8(image.into_raw())),
            DynamicImage::ImageRgba8(image) => (Kind::Unsigned(8), Values::U8(image.into_raw())),
            DynamicImage::ImageLuma16(image) => (Kind::Unsigned(16), Values::U16(image.into_raw())),
            DynamicImage::ImageLumaA16(image) => (Kind::Unsigned(16), Values::U16(image.into_raw())),
            DynamicImage::ImageRgb16(image) => (Kind::Unsigned(16), Values::U16(image.into_raw())),
            DynamicImage::ImageRgba16(image) => (Kind::Unsigned(16), Values::U16(image.into_raw())),
            DynamicImage::ImageRgb32F(image) => (Kind::Float(32), Values::F32(image.into_raw())),
            DynamicImage::ImageRgba32F(image) => (Kind::Float(32), Values::F32(image.into_raw())),
            other => (Kind::Unsigned(8), Values::U8(other.into_rgba8().into_raw())),
        };
        Self { width, height, channels, colours: channels - usize::from(alpha), alpha, kind, values }
    }
}
