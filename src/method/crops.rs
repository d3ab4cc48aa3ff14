//! Crops that the device makes itself, from packed pictures.

use std::sync::Arc;

use crate::config::{Augmenter, Config};
use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, Arena, Gpu, Plan, Replay, Session, Shape, Tensor, Usage};
use crate::ops::augment::{self, ABSENT, CROP_WORDS};
pub use crate::ops::augment::{AdjustmentKind, Crop, LONGEST_SIDE};

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
    pub(super) fn only(&self, row: impl Fn(usize) -> Option<usize>) -> Pictures<'a> {
        let here = |(group, at, crop): &(usize, usize, Crop)| Some((*group, row(*at)?, *crop));
        let crops: Vec<_> = self.crops.iter().filter_map(here).collect();
        Pictures { bytes: if crops.is_empty() { &[] } else { self.bytes }, crops }
    }

    /// The row and group of a crop whose box is empty or leaves the bytes, where there is one. The kernel would read
    /// another picture, or leave what stood in the row.
    pub(super) fn crop_outside(&self) -> Option<(usize, usize)> {
        let inside = |crop: &Crop| {
            let [left, top, width, height] = crop.region.map(u128::from);
            let columns = u128::from(crop.picture_width);
            let end = u128::from(crop.offset) + 3 * columns * (top + height);
            width * height > 0 && left + width <= columns && end <= self.bytes.len() as u128
        };
        self.crops.iter().find(|(.., crop)| !inside(crop)).map(|&(group, row, _)| (row, group))
    }
}

/// Bytes of pictures that the device takes at once, where so many ranks share each batch. A crop comes from a picture of
/// about twice its size in most data sets; larger pictures only take more turns.
#[must_use]
pub fn picture_room(facts: &AdapterFacts, config: &Config, ranks: usize) -> u64 {
    let largest = config.crops.iter().map(|group| group.size as u64).max().unwrap_or(0);
    let part = config.part().min(config.batch / ranks.max(1));
    let wanted = part as u64 * 3 * (2 * largest).pow(2);
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

/// Records how `crops` are made, where the settings want the device to make them; `ranks` share each batch.
pub(super) fn record(
    gpu: &Arc<Gpu>,
    arena: &Arc<Arena>,
    config: &Config,
    crops: &[Tensor],
    ranks: usize,
) -> Result<Option<Recorded>> {
    if config.augment != Augmenter::Gpu {
        return Ok(None);
    }
    let quads = (picture_room(gpu.facts(), config, ranks) / 16) as u32;
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
    pub(super) fn make_all(&self, session: &Session, parts: &[Pictures<'_>]) -> Result<()> {
        for (i, part) in parts.iter().filter(|part| !part.crops.is_empty()).enumerate() {
            if i > 0 {
                session.settle()?;
            }
            self.make(session, part)?;
        }
        Ok(())
    }

    /// Bytes of pictures that fit at once.
    pub(super) fn room(&self) -> u64 {
        self.inputs.pictures.shape.bytes()
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
        let Some(recorded) = record(gpu, &arena, &config, &crops, 1)? else {
            unreachable!("the settings want the device to make them")
        };
        let session = Session::allocate(gpu, &arena)?;
        let maker = recorded.bind(&session)?;
        Ok(Self { session, maker, crops })
    }

    /// Makes the crops of some pictures, and waits until they are there.
    pub fn make(&self, parts: &[Pictures<'_>]) -> Result<()> {
        self.maker.make_all(&self.session, parts)?;
        self.session.settle()
    }

    /// All crops of a group, `[rows, size, size, 4]`.
    pub fn crops(&self, group: usize) -> Result<Vec<f32>> {
        self.session.read(&self.crops[group])
    }
}
