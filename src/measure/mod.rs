//! How fast a training step is: the one mechanism behind `swav-wgpu bench` and `cargo bench`.
//!
//! A [`Meter`] trains a named configuration on noise, without loader and run folder, and times whole
//! steps: upload, submission, kernels, and the report read back. Whoever holds it calls
//! [`Meter::step`] as often as it likes and can stop between any two, or let something else run.
//!
//! | file | what |
//! |---|---|
//! | `cases` | the named configurations |
//! | `work` | floating-point operations of a run, from the architecture and the method |
//! | `figures` | what a measurement found, ready for JSON |
//! | `speed` | how fast an adapter trains, in one number |
//! | `machine` | the same of this machine, measured once and kept |
//! | `suggest` | a network and a length for pictures, a time and an adapter; how long advice takes on one |

mod cases;
mod figures;
mod machine;
mod speed;
mod suggest;
mod work;

use std::time::Instant;

pub use cases::{CASES, Case};
pub use figures::{DeviceTime, Figures, Operation, Roofline, Spread};
pub use machine::{Machine, machine, measure_anew};
pub use speed::speed;
pub use suggest::{Suggestion, seconds, suggest};
pub use work::{Extent, Work, again_share, flop_per_step, flop_per_view, repeated_share};

use crate::config::{Config, Precision};
use crate::error::{Error, Result};
use crate::gpu::{self, AdapterFacts, Family, Profile};
use crate::method::{Batch, Crops, Known, Trainer};
use crate::rng::{Purpose, Stream};

/// The learning rate of measured steps; it changes no figure.
const RATE: f64 = 0.1;

/// A network in training whose steps are timed.
#[derive(Debug)]
pub struct Meter {
    name: String,
    config: Config,
    adapter: AdapterFacts,
    family: Family,
    kernels: String,
    trainer: Trainer,
    /// A batch of noise, one entry a resolution. Every step has the same: contents cost nothing.
    groups: Vec<Vec<f32>>,
    pictures: Vec<u32>,
    /// Of all steps so far.
    seconds: Vec<f64>,
    profile: Option<(f64, Profile)>,
}

impl Meter {
    /// Steps that are not timed: drivers compile in the first and settle in the second.
    pub const WARM_UP: usize = 2;

    /// Opens the adapter that the settings name, records the plans and takes the memory.
    ///
    /// # Errors
    /// Settings that make no sense, no such adapter, or a step that does not fit it.
    pub fn open(name: &str, config: &Config) -> Result<Self> {
        config.validate()?;
        let gpu = gpu::open(config)?;
        let trainer = Trainer::knowing(&gpu, config, &Known::made_up(config))?;
        Ok(Self {
            name: name.to_owned(),
            config: config.clone(),
            adapter: gpu.facts().clone(),
            family: gpu.family(),
            kernels: format!("{}{}", gpu.family(), if gpu.choices().is_usual() { "" } else { ", tuned" }),
            trainer,
            groups: noise(config),
            pictures: (0..config.batch as u32).collect(),
            seconds: Vec::new(),
            profile: None,
        })
    }

    /// The adapter that is measured.
    #[must_use]
    pub fn adapter(&self) -> &AdapterFacts {
        &self.adapter
    }

    /// Whether products are made by matrix units.
    #[must_use]
    pub fn has_matrix_units(&self) -> bool {
        self.family == Family::Matrix && self.config.precision == Precision::F16
    }

    /// Trains one step to its end, and gives its seconds.
    ///
    /// # Errors
    /// What the driver reports; [`Error::Diverged`], because the time of a step that computes nonsense
    /// says nothing.
    pub fn step(&mut self) -> Result<f64> {
        let start = Instant::now();
        let batch = Batch { crops: Crops::Made(&self.groups), pictures: &self.pictures };
        self.trainer.step(batch, RATE)?;
        self.settle()?;
        let seconds = start.elapsed().as_secs_f64();
        self.seconds.push(seconds);
        Ok(seconds)
    }

    /// Trains one step with a time stamp around every dispatch, for [`Figures::device`]; an adapter
    /// without time stamps is left alone, and so is a step in parts.
    ///
    /// # Errors
    /// As [`Meter::step`].
    pub fn profile(&mut self) -> Result<()> {
        // A step in parts has no profile either.
        if !self.adapter.timestamps || self.config.parts().len() > 1 {
            return Ok(());
        }
        let start = Instant::now();
        let batch = Batch { crops: Crops::Made(&self.groups), pictures: &self.pictures };
        let profile = self.trainer.profile_step(batch, RATE)?;
        self.settle()?;
        self.profile = Some((start.elapsed().as_secs_f64(), profile));
        Ok(())
    }

    /// Waits for the report of the last step.
    fn settle(&mut self) -> Result<()> {
        let Some(report) = self.trainer.flush()? else { return Ok(()) };
        if report.is_sound() {
            return Ok(());
        }
        Err(Error::Diverged {
            step: self.trainer.steps_done(),
            what: format!("the loss is {}, {} values are not finite", report.loss, report.non_finite),
            remedy: "noise trains without trouble, so the adapter or a kernel is at fault; \
                     please report it with the output of `swav-wgpu devices`"
                .into(),
        })
    }

    /// What was found so far: NaN where no step was timed after the warm-up.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let timed = self.seconds.get(Self::WARM_UP..).unwrap_or_default();
        let step_s = Spread::of(timed);
        let work = flop_per_step(&self.config);
        Figures {
            config: self.name.clone(),
            settings: cases::describe(&self.config),
            adapter: self.adapter.clone(),
            kernels: self.kernels.clone(),
            batch: self.config.batch,
            parts: self.config.parts().len(),
            part: self.config.part(),
            steps: timed.len(),
            step_s,
            first_step_s: self.seconds.first().copied().unwrap_or(f64::NAN),
            images_per_s: self.config.batch as f64 / step_s.median,
            memory_bytes: self.trainer.memory().peak(),
            parameters: self.trainer.parameters(),
            dispatches: self.trainer.dispatches(),
            submissions: self.trainer.estimate().submissions,
            roofline: Roofline::new(work, self.trainer.traffic(), step_s.median),
            device: self.profile.as_ref().map(|(seconds, profile)| DeviceTime::new(*seconds, profile)),
        }
    }
}

/// Standard normal pixels, as crops are after normalisation; the fourth channel is padding.
fn noise(config: &Config) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(config.seed, Purpose::Test, &[]);
    let mut value = || stream.normal() as f32;
    let group = |group: &crate::config::CropGroup| {
        let pixels = group.count * config.batch * group.size * group.size;
        (0..pixels).flat_map(|_| [value(), value(), value(), 0.0]).collect()
    };
    config.crops.iter().map(group).collect()
}
