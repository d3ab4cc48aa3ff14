//! The device memory of a run, known before its first step.

use super::Trainer;
use super::crops::CropMaker;
use super::objective::Kept;
use super::recording::Tensors;
use crate::error::Result;
use crate::gpu::{Arena, Replay, Tensor};
use crate::model::Store;

/// Device memory of a run, in bytes, as the driver will count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Taken at the start and kept to the end: tensors, and the parameters of dispatches.
    pub kept: u64,
    /// The most that uploads and read-backs take beside it.
    pub transfers: u64,
}

impl MemoryUse {
    pub(super) fn of(
        arena: &Arena,
        replays: &[&Replay],
        maker: Option<&CropMaker>,
        store: &Store,
        tensors: &Tensors,
        kept: &[Kept<'_>],
    ) -> Self {
        let bytes = |tensor: &Tensor| tensor.shape.bytes();
        // A step is prepared while the device is busy with the one before.
        let crops = tensors.crops.iter().map(bytes).sum::<u64>();
        let step = maker.map_or(crops, CropMaker::upload_bytes) + bytes(&tensors.report);
        let looking = &tensors.looking;
        let rows = bytes(&looking.features).max(looking.similarities.as_ref().map_or(0, bytes));
        let evaluation = bytes(&looking.views) + rows;
        let checkpoint = kept.iter().map(Kept::bytes).fold(store.transfer_bytes(), u64::max);
        Self {
            kept: arena.bytes()
                + replays.iter().map(|replay| replay.bytes()).sum::<u64>()
                + maker.map_or(0, |maker| maker.replay().bytes()),
            transfers: (2 * step).max(evaluation).max(checkpoint),
        }
    }

    /// The most that a run takes at any time.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.kept + self.transfers
    }
}

impl Trainer {
    /// Device memory that the run takes.
    #[must_use]
    pub fn memory(&self) -> MemoryUse {
        self.memory
    }

    /// Whether the driver has memory for what steps and evaluations have on their way, beside what the run keeps.
    ///
    /// # Errors
    /// What the driver reports of anything else.
    pub fn has_room_to_work(&self) -> Result<bool> {
        self.session.has_room(self.memory.transfers)
    }

    /// How many pictures go through the trunk at once, part by part.
    #[must_use]
    pub fn parts(&self) -> Vec<usize> {
        self.share.parts().map(|(_, size)| size).collect()
    }
}
