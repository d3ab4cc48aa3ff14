//! Checks a case, times it and prints its line.

use crate::ceiling::{self, Ceiling, Spread};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swav_wgpu::error::Result;
use swav_wgpu::gpu::{Family, Gpu, Profile};
use swav_wgpu::selftest::bench::Bench;
use swav_wgpu::selftest::lab::Ready;

/// What a case has to do at least.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Multiplications and additions.
    Flop(f64),
    /// Bytes that must be read or written, every pass over an operand counted.
    Bytes(f64),
}

/// Runs of a case: at least, at most, and how long between these.
const RUNS: (usize, usize) = (3, 9);
const PATIENCE: Duration = Duration::from_millis(200);

/// The device and what has been found on it.
pub(crate) struct Stand {
    gpu: Arc<Gpu>,
    /// A case is run if its name holds all of these.
    words: Vec<String>,
    ceiling: Ceiling,
    timed: usize,
    wrong: Vec<String>,
}

impl Stand {
    pub(crate) fn new(gpu: &Arc<Gpu>, words: Vec<String>) -> Self {
        let ceiling = ceiling::measure();
        println!("{ceiling}\n");
        println!(
            "{:<58} {:>9} {:>14} {:>11} {:>21} {:>9}",
            "case", "rate", "of ceiling", "median ms", "min to max", "around"
        );
        Self { gpu: Arc::clone(gpu), words, ceiling, timed: 0, wrong: Vec::new() }
    }

    pub(crate) fn family(&self) -> Family {
        self.gpu.family()
    }

    /// Whether a case of this name is asked for: inputs need not be made up for the others.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.words.iter().all(|word| name.contains(word.as_str()))
    }

    /// Records, checks and times a case.
    pub(crate) fn time(
        &mut self,
        name: &str,
        work: Work,
        record: impl FnOnce(&mut Bench) -> Result<()>,
    ) -> Result<()> {
        if !self.wants(name) {
            return Ok(());
        }
        let mut bench = Bench::new(&self.gpu);
        record(&mut bench)?;
        let (ready, expected) = bench.ready()?;
        ready.submit()?;
        for expected in &expected {
            if let Some(fault) = expected.fault(&ready.session)? {
                println!("{name}: WRONG: {fault}");
                self.wrong.push(name.to_owned());
            }
        }
        self.timed += 1;
        let runs = Runs::of(&ready)?;
        self.print(name, work, &runs);
        Ok(())
    }

    fn print(&self, name: &str, work: Work, runs: &Runs) {
        let (amount, unit, ceiling, what) = match work {
            Work::Flop(flop) => (flop, "GF/s", self.ceiling.gemm.median, "GEMM"),
            Work::Bytes(bytes) => (bytes, "GB/s", self.ceiling.memcpy.median, "memcpy"),
        };
        let Spread { median, min, max } = runs.device;
        let rate = amount / median * 1e-6;
        let around = (runs.wall.median - median).max(0.0);
        println!(
            "{name:<58} {rate:>4.1} {unit} {:>5.0} % {what:<6} {median:>11.3} {:>21} {around:>9.3}",
            100.0 * rate / ceiling,
            format!("{min:.3} to {max:.3}"),
        );
        if runs.kernels.len() > 1 {
            for (kernel, calls, milliseconds) in &runs.kernels {
                println!("{:<58} {milliseconds:>35.3}", format!("    {kernel} ×{calls}"));
            }
        }
    }

    /// The ceilings again, and an error if a result was wrong.
    pub(crate) fn finish(self) -> std::result::Result<(), Box<dyn Error>> {
        println!("\nat the end: {}; {} cases", ceiling::measure(), self.timed);
        if self.timed == 0 {
            return Err(format!("no case has all of {:?} in its name", self.words).into());
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(format!("wrong: {:?}", self.wrong).into()) }
    }
}

/// Milliseconds of several runs.
struct Runs {
    /// All dispatches, by the device's clock where there is one.
    device: Spread,
    /// From submission until the device is done.
    wall: Spread,
    /// Each kernel of the last run: calls and milliseconds.
    kernels: Vec<(String, usize, f64)>,
}

impl Runs {
    fn of(ready: &Ready) -> Result<Self> {
        let stamps = ready.session.gpu().facts().timestamps;
        let (mut device, mut wall, mut last) = (Vec::new(), Vec::new(), Profile::default());
        let begun = Instant::now();
        while wall.len() < RUNS.0 || (wall.len() < RUNS.1 && begun.elapsed() < PATIENCE) {
            let start = Instant::now();
            ready.session.submit(&ready.replay)?;
            ready.session.gpu().wait()?;
            wall.push(start.elapsed().as_secs_f64() * 1e3);
            if stamps {
                last = ready.session.profile(&ready.replay)?;
                device.push(last.total());
            }
        }
        // A plan of copies alone has nothing to stamp.
        if last.dispatches.is_empty() {
            device.clone_from(&wall);
        }
        let operations = last.by_operation().into_iter();
        let kernels = operations.map(|row| (row.label, row.calls, row.milliseconds)).collect();
        Ok(Self { device: Spread::of(device), wall: Spread::of(wall), kernels })
    }
}
