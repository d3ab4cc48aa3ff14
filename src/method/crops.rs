//! Crops that the device makes itself, from packed pictures.

use std::sync::Arc;

use super::Trainer;
use super::share::Share;
use crate::config::{Augmenter, Config};
use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::ops::augment::{self, ABSENT, CROP_WORDS};
pub use crate::ops::augment::{Crop, Kind};

/// Pictures that the device takes at once, in bytes: the least and the most.
const ROOM: [u64; 2] = [64 << 20, 128 << 20];

/// Some pictures of a batch and the crops that are made of them.
#[derive(Clone, Debug, Default)]
pub struct Pictures<'a> {
    /// Three bytes a pixel, at most [`picture_room`] in all.
    pub bytes: &'a [u8],
    /// The group, the row in its tensor, and what is done.
    pub crops: Vec<(usize, usize, Crop)>,
}

impl<'a> Pictures<'a> {
    /// The same with those crops for which `row` gives the row that they get.
    fn only(&self, row: impl Fn(usize) -> Option<usize>) -> Pictures<'a> {
        let here = |(group, at, crop): &(usize, usize, Crop)| Some((*group, row(*at)?, *crop));
        let crops: Vec<_> = self.crops.iter().filter_map(here).collect();
        Pictures { bytes: if crops.is_empty() { &[] } else { self.bytes }, crops }
    }
}

/// What a step is made of.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The crops of all pictures.
    pub crops: Crops<'a>,
    /// The pictures' numbers in the data set, in the order of rows; for methods that remember or know something of
    /// each picture.
    pub pictures: &'a [u32],
}

/// The crops of a batch.
#[derive(Debug)]
pub enum Crops<'a> {
    /// Made elsewhere: for each resolution the view-major rows of `[size, size, 4·quads]` normalised pixels.
    Made(&'a [Vec<f32>]),
    /// For the device to make (`augment = gpu`).
    Packed {
        /// Pictures and what is done to them.
        parts: Vec<Pictures<'a>>,
        /// Crops that were made elsewhere all the same: the group, the row in its tensor, and `[size, size, 4]` pixels.
        made: Vec<(usize, usize, &'a [f32])>,
    },
}

/// Crops of pictures whose numbers are of no concern.
impl<'a> From<&'a Vec<Vec<f32>>> for Batch<'a> {
    fn from(groups: &'a Vec<Vec<f32>>) -> Self {
        Self { crops: Crops::Made(groups), pictures: &[] }
    }
}

/// Bytes of pictures that the device takes at once. A crop comes from a picture of about twice its
/// size in most data sets; larger pictures only take more turns.
#[must_use]
pub fn picture_room(facts: &AdapterFacts, config: &Config) -> u64 {
    let largest = config.crops.iter().map(|group| group.size as u64).max().unwrap_or(0);
    let wanted = config.part() as u64 * 3 * (2 * largest).pow(2);
    wanted.clamp(ROOM[0], ROOM[1]).min(facts.max_binding_bytes).min(facts.max_buffer_bytes) / 256 * 256
}

/// The plan that makes all crops, before it has memory.
pub(super) struct Recorded {
    plan: Plan,
    inputs: Inputs,
}

#[derive(Debug)]
struct Inputs {
    pictures: Tensor,
    /// What is done, a tensor for each group.
    crops: Vec<Tensor>,
}

/// The plan that makes all crops.
#[derive(Debug)]
pub(super) struct CropMaker {
    replay: Replay,
    inputs: Inputs,
}

/// Records how `crops` are made, where the settings want the device to make them.
pub(super) fn record(
    gpu: &Arc<Gpu>,
    arena: &Arc<Arena>,
    config: &Config,
    crops: &[Tensor],
) -> Result<Option<Recorded>> {
    if config.augment != Augmenter::Gpu {
        return Ok(None);
    }
    let quads = (picture_room(gpu.facts(), config) / 16) as u32;
    let pictures = arena.lease(Shape::matrix(quads, 4), Usage::Storage, "pictures");
    let mut plan = Plan::new(gpu, arena);
    let [Ok(mean), Ok(std)] = config.normalization().map(<[f32; 3]>::try_from) else {
        return Err(Error::config("augment", "the device makes crops of three channels only"));
    };
    let mut descriptions = Vec::new();
    for crops in crops {
        plan.scope(format!("crops of {}", crops.shape.width));
        let described =
            arena.lease(augment::descriptions(crops.shape.images), Usage::Storage, "what crops are");
        augment::make(&mut plan, &pictures, &described, crops, mean, std)?;
        descriptions.push(described);
    }
    Ok(Some(Recorded { plan, inputs: Inputs { pictures, crops: descriptions } }))
}

impl Recorded {
    pub(super) fn bind(self, session: &Session) -> Result<CropMaker> {
        Ok(CropMaker { replay: session.bind(self.plan)?, inputs: self.inputs })
    }

    pub(super) fn dispatches(&self) -> usize {
        self.plan.dispatches()
    }
}

impl CropMaker {
    /// Uploads pictures and makes their crops; rows of other pictures are left as they are.
    fn make(&self, session: &Session, pictures: &Pictures<'_>) -> Result<()> {
        for (group, tensor) in self.inputs.crops.iter().enumerate() {
            let mut words = vec![ABSENT; tensor.shape.images as usize];
            for (_, row, crop) in pictures.crops.iter().filter(|(of, ..)| *of == group) {
                words[*row] = crop.words();
            }
            debug_assert_eq!(words.len() as u64 * CROP_WORDS as u64 * 4, tensor.shape.bytes());
            session.write_bytes(tensor, 0, bytemuck::cast_slice(&words));
        }
        session.write_bytes(&self.inputs.pictures, 0, pictures.bytes);
        session.submit(&self.replay)
    }

    /// The same for all parts of a batch. The memory that carries a part is free before the next one.
    fn make_all(&self, session: &Session, parts: &[Pictures<'_>]) -> Result<()> {
        for (i, part) in parts.iter().filter(|part| !part.crops.is_empty()).enumerate() {
            if i > 0 {
                session.settle()?;
            }
            self.make(session, part)?;
        }
        Ok(())
    }

    /// Memory that the dispatches' parameters take.
    pub(super) fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Bytes that are uploaded for a step.
    pub(super) fn upload_bytes(&self) -> u64 {
        let Inputs { pictures, crops } = &self.inputs;
        pictures.shape.bytes() + crops.iter().map(|tensor| tensor.shape.bytes()).sum::<u64>()
    }
}

impl Trainer {
    /// Takes in the crops of the next step: those of part `part`, where a batch goes through the trunk in parts, else of
    /// part 0, which is all.
    ///
    /// # Errors
    /// Crops that are not those of this network, or that the device should make and cannot in this run; what the driver
    /// reports.
    pub fn take(&self, batch: &Batch<'_>, part: usize) -> Result<()> {
        match &batch.crops {
            Crops::Made(groups) => self.take_made(groups, part),
            Crops::Packed { parts, made } => {
                let Some(maker) = &self.maker else {
                    let reason = "the device makes no crops in this run: it is not gpu";
                    return Err(Error::config("augment", reason));
                };
                let here = |row: usize| match self.share.row(row) {
                    (of, row) if of == part => Some(row),
                    _ => None,
                };
                let wanted: Vec<Pictures<'_>> = parts.iter().map(|pictures| pictures.only(here)).collect();
                maker.make_all(&self.session, &wanted)?;
                for &(group, row, pixels) in made {
                    if let Some(row) = here(row) {
                        self.session.write_from(&self.tensors.crops[group], row * pixels.len(), pixels);
                    }
                }
                Ok(())
            }
        }
    }

    fn take_made(&self, groups: &[Vec<f32>], part: usize) -> Result<()> {
        self.check_groups(groups)?;
        let Some((first, size)) = self.share.parts().nth(part) else { return Ok(()) };
        let first = first - self.share.first;
        for (tensor, data) in self.tensors.crops.iter().zip(groups) {
            if self.share.count == size {
                self.session.write(tensor, data);
                continue;
            }
            let row = tensor.shape.values() / tensor.shape.images as usize;
            for (view, rows) in data.chunks_exact(self.share.count * row).enumerate() {
                self.session.write_from(tensor, view * size * row, &rows[first * row..(first + size) * row]);
            }
        }
        Ok(())
    }

    /// Whether groups of crops are all that a step needs. A step on the crops of the one before would train, and nobody
    /// would see it.
    fn check_groups(&self, groups: &[Vec<f32>]) -> Result<()> {
        let Share { count, .. } = self.share;
        let wanted: Vec<usize> = self
            .tensors
            .crops
            .iter()
            .map(|tensor| tensor.shape.values() / self.share.part() * count)
            .collect();
        let given: Vec<usize> = groups.iter().map(Vec::len).collect();
        if given == wanted {
            return Ok(());
        }
        Err(Error::config(
            "crops",
            format!("a step takes groups of {wanted:?} values here, not of {given:?}"),
        ))
    }

    /// All crops of a group as the last step saw them, `[rows, size, size, 4]`.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn crops(&self, group: usize) -> Result<Vec<f32>> {
        self.session.read(&self.tensors.crops[group])
    }
}

/// Crops made on the device and nothing else, to see how long that takes.
#[derive(Debug)]
pub struct CropBench {
    session: Session,
    maker: CropMaker,
    crops: Vec<Tensor>,
}

impl CropBench {
    /// Takes the memory for the crops of a batch.
    ///
    /// # Errors
    /// A batch that does not fit the adapter; what the driver reports.
    pub fn new(gpu: &Arc<Gpu>, config: &Config) -> Result<Self> {
        let config = Config { augment: Augmenter::Gpu, ..config.clone() };
        let arena = Arc::new(Arena::default());
        let crops = super::recording::lease_crops(&arena, &config);
        let Some(recorded) = record(gpu, &arena, &config, &crops)? else {
            unreachable!("the settings want the device to make them")
        };
        let session = Session::allocate(gpu, &arena)?;
        let maker = recorded.bind(&session)?;
        Ok(Self { session, maker, crops })
    }

    /// Makes the crops of some pictures, and waits until they are there.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn make(&self, parts: &[Pictures<'_>]) -> Result<()> {
        self.maker.make_all(&self.session, parts)?;
        self.session.settle()
    }

    /// All crops of a group, `[rows, size, size, 4]`.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn crops(&self, group: usize) -> Result<Vec<f32>> {
        self.session.read(&self.crops[group])
    }
}
