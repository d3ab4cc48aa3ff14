//! What the device did, by its own word.
//!
//! A driver that aborts work need not say so: wgpu on Metal takes an aborted command buffer for a finished one
//! (wgpu 9545), and training would go on with rubbish. So every part of every submission ends by writing its
//! number into a log on the device, and every read-back brings that log along. Where it is not what was
//! submitted, in that order and once each, the device is lost.
//!
//! The log is moved along by copies alone, so that nothing which can go wrong in a shader stands between.

use std::sync::atomic::{AtomicU64, Ordering};

use super::device::Gpu;
use crate::error::{Error, Result};

/// Entries that are looked back on.
const ENTRIES: u64 = 256;
/// Bytes of the log.
pub(super) const BYTES: u64 = 4 * ENTRIES;
/// Numbers before they begin again; more than there are entries, so that no two of a log are equal.
const NUMBERS: u64 = 1024;

/// The log of a session.
#[derive(Debug)]
pub(super) struct Journal {
    /// The newest first.
    entries: wgpu::Buffer,
    scratch: wgpu::Buffer,
    /// 1, 2, … to copy from.
    numbers: wgpu::Buffer,
    /// Parts that were handed over.
    parts: AtomicU64,
}

impl Journal {
    pub(super) fn new(gpu: &Gpu) -> Self {
        let buffer = |label, size| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let numbers = buffer("numbers of parts", 4 * NUMBERS);
        let all: Vec<u32> = (1..=NUMBERS as u32).collect();
        gpu.queue().write_buffer(&numbers, 0, bytemuck::cast_slice(&all));
        Self {
            entries: buffer("journal", BYTES),
            scratch: buffer("journal, moved along", BYTES),
            numbers,
            parts: AtomicU64::new(0),
        }
    }

    /// Parts that were handed over.
    pub(super) fn parts(&self) -> u64 {
        self.parts.load(Ordering::Relaxed)
    }

    /// Writes the number of the next part behind what `encoder` holds.
    pub(super) fn enter(&self, encoder: &mut wgpu::CommandEncoder) {
        let number = self.parts.fetch_add(1, Ordering::Relaxed) % NUMBERS;
        encoder.copy_buffer_to_buffer(&self.entries, 0, &self.scratch, 0, BYTES - 4);
        encoder.copy_buffer_to_buffer(&self.scratch, 0, &self.entries, 4, BYTES - 4);
        encoder.copy_buffer_to_buffer(&self.numbers, 4 * number, &self.entries, 0, 4);
    }

    /// Copies the log to `staging` from byte `at` on; gives how many parts it should know of.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer, at: u64) -> u64 {
        encoder.copy_buffer_to_buffer(&self.entries, 0, staging, at, BYTES);
        self.parts()
    }
}

/// Refuses a log that is not that of `parts` parts.
pub(super) fn check(log: &[u32], parts: u64) -> Result<()> {
    // The oldest entries are zero as long as there were fewer parts.
    let wanted = |back: u64| parts.checked_sub(back + 1).map_or(0, |part| (part % NUMBERS) as u32 + 1);
    match (0..ENTRIES).zip(log).find(|&(back, &found)| found != wanted(back)) {
        None if log.len() as u64 == ENTRIES => Ok(()),
        _ => Err(Error::DeviceLost(
            "it left out, repeated or aborted a part of what it was given, and its driver did not say so".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log after these parts, numbered from 0.
    fn log(parts: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut log = vec![0; ENTRIES as usize];
        for part in parts {
            log.rotate_right(1);
            log[0] = (part % NUMBERS) as u32 + 1;
        }
        log
    }

    #[test]
    fn every_part_is_wanted_once_and_in_order() {
        for parts in [0, 1, 7, ENTRIES, NUMBERS, 5 * NUMBERS + 3] {
            assert!(check(&log(0..parts), parts).is_ok(), "{parts}");
        }
        for (what, wrong) in [
            ("the last is missing", log(0..9)),
            ("one in between is missing", log((0..10).filter(|&part| part != 4))),
            ("one is repeated", log((0..10).chain([9]))),
            ("two have changed places", log([0, 1, 2, 3, 5, 4, 6, 7, 8, 9])),
            ("nothing was read back", vec![0; ENTRIES as usize]),
            ("it was cut", Vec::new()),
        ] {
            assert!(matches!(check(&wrong, 10), Err(Error::DeviceLost(_))), "{what}");
        }
    }
}
