//! What the device did, by its own word.
//!
//! A driver that aborts work need not say so: wgpu on Metal takes an aborted command buffer for a finished one
//! (wgpu 9545), and training would go on with rubbish. So every part of every submission ends by leaving word of
//! itself on the device, in two ways, and every read-back brings both along. Where they are not what they must be, the
//! device is lost.
//!
//! - Each part writes its number into a log, which shows that the last parts were done in their order and once each.
//! - Each part hands a baton on, from the place where the part before has left it. Where one part is left out, the next
//!   finds nothing and hands on nothing: the baton is never at its place again, however many parts follow.
//!
//! Both are moved by copies alone, so that nothing which can go wrong in a shader stands between.

use std::sync::atomic::{AtomicU64, Ordering};

use super::device::Gpu;
use crate::error::{Error, Result};

/// Entries that are looked back on.
const ENTRIES: u64 = 256;
/// Places of the baton, an even number. Whoever loses exactly so many parts in a row, or a multiple of it, finds it again.
const PLACES: u64 = 1022;
const BATON: u32 = 0x5357_4156;
/// Bytes of the log, and of it and the places behind it.
const LOG_BYTES: u64 = 4 * ENTRIES;
pub(super) const BYTES: u64 = LOG_BYTES + 4 * PLACES;
/// Numbers before they begin again; more than there are entries, so that no two of a log are equal.
const NUMBERS: u64 = 1024;

/// The log and the baton of a session.
#[derive(Debug)]
pub(super) struct Journal {
    /// The newest first.
    entries: wgpu::Buffer,
    scratch: wgpu::Buffer,
    /// 1, 2, … to copy from.
    numbers: wgpu::Buffer,
    /// The even and the odd places of the baton: nothing can be copied within one buffer.
    places: [wgpu::Buffer; 2],
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
        let places = ["even places", "odd places"].map(|label| buffer(label, 2 * PLACES));
        gpu.queue().write_buffer(&places[0], 0, &BATON.to_ne_bytes());
        Self {
            entries: buffer("journal", LOG_BYTES),
            scratch: buffer("journal, moved along", LOG_BYTES),
            numbers,
            places,
            parts: AtomicU64::new(0),
        }
    }

    /// Parts that were handed over.
    pub(super) fn parts(&self) -> u64 {
        self.parts.load(Ordering::Relaxed)
    }

    /// Leaves word of the next part behind what `encoder` holds.
    pub(super) fn enter(&self, encoder: &mut wgpu::CommandEncoder) {
        let part = self.parts.fetch_add(1, Ordering::Relaxed);
        encoder.copy_buffer_to_buffer(&self.entries, 0, &self.scratch, 0, LOG_BYTES - 4);
        encoder.copy_buffer_to_buffer(&self.scratch, 0, &self.entries, 4, LOG_BYTES - 4);
        encoder.copy_buffer_to_buffer(&self.numbers, 4 * (part % NUMBERS), &self.entries, 0, 4);
        let [(of, from), (to, there)] = [part, part + 1].map(place);
        encoder.copy_buffer_to_buffer(&self.places[of], 4 * from, &self.places[to], 4 * there, 4);
        encoder.clear_buffer(&self.places[of], 4 * from, Some(4));
    }

    /// Copies log and places to `staging` from byte `at` on; gives how many parts they should know of.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer, at: u64) -> u64 {
        encoder.copy_buffer_to_buffer(&self.entries, 0, staging, at, LOG_BYTES);
        for (of, places) in (0..).zip(&self.places) {
            encoder.copy_buffer_to_buffer(places, 0, staging, at + LOG_BYTES + of * 2 * PLACES, 2 * PLACES);
        }
        self.parts()
    }
}

/// Where the baton is after so many parts: in the even or the odd places, and which of them.
fn place(parts: u64) -> (usize, u64) {
    let at = parts % PLACES;
    ((at % 2) as usize, at / 2)
}

/// Refuses words that are not those of `parts` parts: of the log, and of the even and the odd places.
pub(super) fn check(words: &[u32], parts: u64) -> Result<()> {
    // The oldest entries are zero as long as there were fewer parts.
    let entry = |back: u64| parts.checked_sub(back + 1).map_or(0, |part| (part % NUMBERS) as u32 + 1);
    let (of, at) = place(parts);
    let baton = of as u64 * PLACES / 2 + at;
    let places = (0..PLACES).map(|at| if at == baton { BATON } else { 0 });
    match words.iter().copied().eq((0..ENTRIES).map(entry).chain(places)) {
        true => Ok(()),
        false => Err(Error::DeviceLost(
            "it left out, repeated or aborted a part of what it was given, and its driver did not say so"
                .into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words after these parts, numbered from 0.
    fn words(parts: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut log = vec![0; ENTRIES as usize];
        let mut places = [0, 1].map(|_| vec![0; PLACES as usize / 2]);
        places[0][0] = BATON;
        for part in parts {
            log.rotate_right(1);
            log[0] = (part % NUMBERS) as u32 + 1;
            let [(of, from), (to, there)] = [part, part + 1].map(place);
            places[to][there as usize] = places[of][from as usize];
            places[of][from as usize] = 0;
        }
        log.extend(places.concat());
        log
    }

    fn is_lost(words: &[u32], parts: u64) -> bool {
        matches!(check(words, parts), Err(Error::DeviceLost(_)))
    }

    #[test]
    fn every_part_is_wanted_once_and_in_order() {
        for parts in [0, 1, 7, ENTRIES, PLACES, NUMBERS, 5 * NUMBERS + 3] {
            assert!(check(&words(0..parts), parts).is_ok(), "{parts}");
        }
        for (what, wrong) in [
            ("the last is missing", words(0..9)),
            ("one in between is missing", words((0..10).filter(|&part| part != 4))),
            ("one is repeated", words((0..10).chain([9]))),
            ("an early one is repeated", words((0..10).chain([2]))),
            ("two have changed places", words([0, 1, 2, 3, 5, 4, 6, 7, 8, 9])),
            ("nothing was read back", vec![0; (ENTRIES + PLACES) as usize]),
            ("it was cut", Vec::new()),
        ] {
            assert!(is_lost(&wrong, 10), "{what}");
        }
    }

    #[test]
    fn a_part_that_is_missing_stays_missing() {
        for after in [0, 1, ENTRIES - 1, ENTRIES, PLACES - 1, PLACES, PLACES + 1, NUMBERS, 9 * NUMBERS + 5] {
            // One, several, and just more or fewer than there are places.
            for missing in [1, 2, 30, PLACES - 1, PLACES + 1] {
                let parts = 3 + missing + after;
                let done = (0..parts).filter(|part| !(3..3 + missing).contains(part));
                assert!(is_lost(&words(done), parts), "{missing} are missing, {after} came after them");
            }
        }
    }
}
