//! Time stamps of every dispatch of one replay (`--profile`).

use std::collections::BTreeMap;

use super::device::Gpu;
use super::replay::{Bound, Replay, encode_copy};
use super::session::Session;
use crate::error::{Error, Result};

/// Queries a set that every adapter allows.
const QUERIES: usize = 4096;

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub struct ProfileRow {
    /// `layer/entry point` or entry point.
    pub label: String,
    /// Dispatches summed here.
    pub calls: usize,
    /// Device time, milliseconds.
    pub milliseconds: f64,
    /// Bytes read and written ([`super::Traffic`]).
    pub bytes: u64,
}

impl ProfileRow {
    /// Bytes moved a second of device time, in units of 10⁹; 0 where no time was seen.
    #[must_use]
    pub fn gigabytes_per_second(&self) -> f64 {
        if self.milliseconds > 0.0 { self.bytes as f64 * 1e-6 / self.milliseconds } else { 0.0 }
    }
}

/// Where the device time of one step went.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Each dispatch, in order.
    pub dispatches: Vec<ProfileRow>,
    /// What happens between them, from the stamp after one to the stamp before the next: copies, which
    /// on CPU drivers stage operands as texels. Those before the first and after the last are not in it. Where a part
    /// ends beside a copy, the time until the next one begins is.
    pub copies: ProfileRow,
}

impl Profile {
    /// Sums by what `key` makes of a label, largest first.
    #[must_use]
    fn by(&self, key: impl Fn(&str) -> String) -> Vec<ProfileRow> {
        let mut sums: BTreeMap<String, ProfileRow> = BTreeMap::new();
        for row in &self.dispatches {
            let label = key(&row.label);
            let sum = sums.entry(label.clone()).or_insert_with(|| ProfileRow { label, ..Default::default() });
            sum.calls += row.calls;
            sum.milliseconds += row.milliseconds;
            sum.bytes += row.bytes;
        }
        let mut rows: Vec<_> = sums.into_values().collect();
        rows.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
        rows
    }

    /// Sums by operation: the entry point at the end of a label.
    #[must_use]
    pub fn by_operation(&self) -> Vec<ProfileRow> {
        self.by(|label| label.rsplit('/').next().unwrap_or(label).to_owned())
    }

    /// Sums by layer: what stands before the entry point.
    #[must_use]
    pub fn by_layer(&self) -> Vec<ProfileRow> {
        self.by(|label| label.rsplit_once('/').map_or("(none)", |(layer, _)| layer).to_owned())
    }

    /// Device time of all dispatches, milliseconds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.dispatches.iter().map(|r| r.milliseconds).sum()
    }
}

impl Session {
    /// Runs a plan once with a time stamp around each dispatch, in the parts that [`Session::submit`] hands over.
    ///
    /// # Errors
    /// An adapter without time stamps; what the driver reports.
    pub fn profile(&self, replay: &Replay) -> Result<Profile> {
        if !self.gpu().facts().timestamps {
            return Err(Error::Device(
                "this adapter has no time stamps, so --profile cannot work on it".into(),
            ));
        }
        let (mut profile, mut stamps, mut first) = (Profile::default(), Stamps::new(self.gpu()), 0);
        for end in self.cuts(replay) {
            for part in replay.commands[first..end].chunks(QUERIES / 2) {
                if stamps.labels.len() + part.len() > QUERIES / 2 {
                    std::mem::replace(&mut stamps, Stamps::new(self.gpu())).read(self, &mut profile)?;
                }
                stamps.submit(self, part);
            }
            first = end;
        }
        stamps.read(self, &mut profile)?;
        Ok(profile)
    }
}

/// The time stamps of some dispatches: several parts share a set, because systems allow few sets at once.
struct Stamps {
    set: wgpu::QuerySet,
    /// Of each dispatch the label, and the bytes that it moves.
    labels: Vec<(String, u64)>,
    /// Before which dispatches something is copied, and how many bytes that moves.
    copies: BTreeMap<usize, u64>,
}

impl Stamps {
    fn new(gpu: &Gpu) -> Self {
        let set = gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: QUERIES as u32,
        });
        Self { set, labels: Vec::new(), copies: BTreeMap::new() }
    }

    /// Hands over a part, with stamps around its dispatches.
    fn submit(&mut self, session: &Session, part: &[Bound]) {
        let gpu = session.gpu();
        let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for command in part {
            let Bound::Dispatch { label, kernel, group, grid, work } = command else {
                encode_copy(&mut encoder, command);
                *self.copies.entry(self.labels.len()).or_default() += command.copied();
                continue;
            };
            let first = self.labels.len() as u32 * 2;
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &self.set,
                    beginning_of_pass_write_index: Some(first),
                    end_of_pass_write_index: Some(first + 1),
                }),
            });
            pass.set_pipeline(&kernel.pipeline);
            pass.set_bind_group(0, group, &[]);
            pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
            self.labels.push((label.clone(), work.bytes));
        }
        session.journal.enter(&mut encoder);
        gpu.queue().submit([encoder.finish()]);
    }

    /// Waits for the stamps, and adds what they say.
    fn read(self, session: &Session, profile: &mut Profile) -> Result<()> {
        let Self { set, labels, copies } = self;
        if labels.is_empty() {
            return session.gpu().wait();
        }
        let (gpu, device) = (session.gpu(), session.gpu().device());
        let size = labels.len() as u64 * 16;
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.resolve_query_set(&set, 0..labels.len() as u32 * 2, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, size);
        gpu.queue().submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |_| {}); // a failure shows when it is read
        gpu.wait()?;
        let mapped = staging.slice(..).get_mapped_range().map_err(|e| Error::Device(e.to_string()))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&mapped);
        let period = f64::from(gpu.queue().get_timestamp_period());
        let between = |from: u64, to: u64| to.saturating_sub(from) as f64 * period * 1e-6;
        for ((label, bytes), t) in labels.into_iter().zip(ticks.chunks_exact(2)) {
            profile.dispatches.push(ProfileRow { label, calls: 1, milliseconds: between(t[0], t[1]), bytes });
        }
        for (next, bytes) in copies {
            // None before the first dispatch and after the last: there is no stamp on the other side.
            if let Some([from, to]) = (next * 2).checked_sub(1).and_then(|at| ticks.get(at..at + 2)) {
                profile.copies.calls += 1;
                profile.copies.milliseconds += between(*from, *to);
                profile.copies.bytes += bytes;
            }
        }
        Ok(())
    }
}
