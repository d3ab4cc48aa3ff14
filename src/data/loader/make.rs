//! One batch, picture by picture on the pool: rendered, or packed for a device that renders.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::{Batch, Shared, rows_of};
use crate::data::packed::{Packed, Rendered, Room, Source, fits, pack};
use crate::data::showcase::draws;
use crate::data::view::render;
use crate::error::Result;

impl Shared {
    /// Makes one batch; runs within the pool.
    pub(super) fn make(&self, epoch: u64, index: u64, order: &[u32]) -> Result<Batch> {
        let made = self.spec.made();
        let count = made.len();
        let mut groups = self.buffers();
        // For each picture its rows: crop v of picture b is row v·count + b of the group.
        let mut rows: Vec<Vec<&mut [f32]>> = (0..count).map(|_| Vec::new()).collect();
        for (group, buffer) in self.spec.augment.crops.iter().zip(&mut groups) {
            for (i, row) in buffer.chunks_exact_mut(self.spec.augment.floats(group.size as u32)).enumerate() {
                rows[i % count].push(row);
            }
        }
        let first = index as usize * self.spec.batch + made.start;
        let pictures = rows
            .into_par_iter()
            .enumerate()
            .map(|(i, rows)| self.fill(epoch, order, first + i, rows))
            .collect::<Result<Vec<u32>>>()?;
        Ok(Batch { epoch, index, pictures, groups, packed: Packed::default() })
    }

    /// Packs one batch in parts for which there is `room`; runs within the pool.
    pub(super) fn pack(&self, epoch: u64, index: u64, order: &[u32], room: Room) -> Result<Batch> {
        let made = self.spec.made();
        let first = index as usize * self.spec.batch + made.start;
        let taken = (0..made.len())
            .into_par_iter()
            .map(|i| self.take(epoch, order, first + i, i, room))
            .collect::<Result<Vec<_>>>()?;
        let pictures = taken.iter().map(|(picture, ..)| *picture).collect();
        let (mut sources, mut rendered) = (Vec::new(), Vec::new());
        for (_, source, made) in taken {
            sources.extend(source);
            rendered.extend(made);
        }
        let spare =
            || self.spare.lock().unwrap_or_else(PoisonError::into_inner).packed.pop().unwrap_or_default();
        let packed = Packed { parts: pack(&sources, room.bytes, spare), rendered };
        Ok(Batch { epoch, index, pictures, groups: Vec::new(), packed })
    }

    /// The picture at `position` with its draws, or where it is too large, its crops; `i` is its place
    /// among those that are made.
    fn take(
        &self,
        epoch: u64,
        order: &[u32],
        position: usize,
        i: usize,
        room: Room,
    ) -> Result<(u32, Option<Source>, Vec<Rendered>)> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok((0, None, Vec::new()));
        }
        let (picture, pixels) = self.gallery.at(order, position)?;
        let augment = &self.spec.augment;
        let draws = draws(augment, self.spec.seed, epoch, picture, pixels.dimensions());
        let crops = rows_of(draws, augment, self.spec.made().len(), i);
        if fits(&pixels, room) {
            return Ok((picture, Some(Source { pixels, crops }), Vec::new()));
        }
        let rendered = crops.into_iter().map(|(row, group, params)| {
            let size = augment.crops[group].size as u32;
            let mut out = vec![0.0; augment.floats(size)];
            render(&pixels, &params, size, augment, &mut out);
            Rendered { group, row, pixels: out }
        });
        Ok((picture, None, rendered.collect()))
    }

    /// Renders all crops of the picture at `position` and returns its number.
    fn fill(&self, epoch: u64, order: &[u32], position: usize, rows: Vec<&mut [f32]>) -> Result<u32> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let (picture, pixels) = self.gallery.at(order, position)?;
        let augment = &self.spec.augment;
        let draws = draws(augment, self.spec.seed, epoch, picture, pixels.dimensions());
        for ((params, group), row) in draws.zip(rows) {
            render(&pixels, &params, augment.crops[group].size as u32, augment, row);
        }
        Ok(picture)
    }

    /// Buffers for a batch: ones that were given back, or new ones. Every float is written over.
    fn buffers(&self) -> Vec<Vec<f32>> {
        let augment = &self.spec.augment;
        let crops = &augment.crops;
        let count = self.spec.made().len();
        let lengths = crops.iter().map(|group| group.count * count * augment.floats(group.size as u32));
        let mut spare =
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).rendered.pop().unwrap_or_default();
        spare.resize(crops.len(), Vec::new());
        spare.iter_mut().zip(lengths).for_each(|(buffer, length)| buffer.resize(length, 0.0));
        spare
    }
}
