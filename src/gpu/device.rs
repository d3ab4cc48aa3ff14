//! One opened adapter: queue, limits, captured errors, uploads and read-backs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::adapter::{self, AdapterFacts};
use super::choice::Choices;
use super::kernel::{Kernel, KernelInner, ShaderParams};
use super::method::Family;
use super::pace;
use super::shader::Shader;
use crate::error::{Error, Result};

/// What went wrong on the device since it was last asked; wgpu's own handler would panic.
#[derive(Debug, Default)]
struct Faults {
    error: Option<String>,
    lost: Option<String>,
}

/// What the driver has given a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverMemory {
    /// Taken by buffers and textures, those of uploads and read-backs on their way included.
    pub allocated: u64,
    /// Taken by the blocks in which they lie. What is over is used before a new block is asked for.
    pub reserved: u64,
}

/// An opened device and its kernels. Shared by everything that computes.
#[derive(Debug)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    facts: AdapterFacts,
    choices: Choices,
    limits: wgpu::Limits,
    faults: Arc<Mutex<Faults>>,
    kernels: Arc<Mutex<HashMap<String, Arc<KernelInner>>>>,
    submission: Duration,
}

/// Leave to use matrix units. wgpu counts them as experimental, and asks for a word that is `unsafe`: code that uses them
/// may meet faults of its own. They are used only by `shaders/conv2d.matrix.wgsl`, whose loads and stores are
/// within arrays of constant size, whose accesses to buffers wgpu checks as everywhere, and whose results the program
/// checks against whole numbers before it trusts them (`tune::units`).
#[expect(unsafe_code, reason = "the one word that wgpu asks for")]
fn matrix_units() -> wgpu::ExperimentalFeatures {
    // SAFETY: that there may be faults in wgpu's handling of what is experimental is known and accepted.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gpu {
    /// Opens the adapter that `adapter` means (index, part of the name, or the best one), with the
    /// kernel family that suits it or the one that is asked for.
    ///
    /// # Errors
    /// No such adapter, a family that it cannot run, or a driver that refuses.
    pub fn open(adapter: Option<&str>, family: Option<Family>) -> Result<Arc<Self>> {
        Self::open_with(adapter, family.map(Choices::usual))
    }

    /// The same with kernels that were chosen one by one.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_with(adapter: Option<&str>, choices: Option<Choices>) -> Result<Arc<Self>> {
        let (adapter, facts) = adapter::choose(adapter)?;
        let choices = choices.unwrap_or_else(|| Choices::usual(facts.family()));
        let family = choices.family();
        if let Some(reason) = facts.lacks(family) {
            return Err(Error::config(
                "kernels",
                format!("{reason}; `--kernels` and `--tuned off` take others"),
            ));
        }
        let mut wanted =
            wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY;
        let mut experimental = wgpu::ExperimentalFeatures::disabled();
        // Only for those who want it: a driver that lists matrix units and fails at them serves the other kernels.
        if family == Family::Matrix {
            wanted |= adapter::MATRIX;
            experimental = matrix_units();
        }
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("swav-wgpu"),
            required_features: adapter.features() & wanted,
            required_limits: limits.clone(),
            experimental_features: experimental,
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::Device(format!("{} could not be opened: {e}", facts.name)))?;
        let faults = Arc::new(Mutex::new(Faults::default()));
        let for_errors = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            locked(&for_errors).error.get_or_insert_with(|| error.to_string());
        }));
        let for_loss = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                locked(&for_loss).lost.get_or_insert(message);
            }
        });
        Ok(Arc::new(Self {
            device,
            queue,
            facts,
            choices,
            limits,
            faults,
            kernels: Arc::default(),
            submission: pace::USUAL,
        }))
    }

    /// The same device for work that goes over in parts of at most this time ([`super::Pace`]).
    #[must_use]
    pub fn with_submission(&self, submission: Duration) -> Arc<Self> {
        Arc::new(Self { submission, ..self.shared() })
    }

    /// How long a submission may take.
    #[must_use]
    pub fn submission(&self) -> Duration {
        self.submission
    }

    /// The same device with other kernels: those that are compiled serve both.
    #[must_use]
    pub fn with_choices(&self, choices: Choices) -> Arc<Self> {
        debug_assert!(self.facts.supports(choices.family()), "the adapter runs {choices}");
        debug_assert!(
            choices.family() != Family::Matrix || self.device.features().contains(adapter::MATRIX),
            "matrix units are asked for when a device is opened"
        );
        Arc::new(Self { choices, ..self.shared() })
    }

    fn shared(&self) -> Self {
        Self {
            device: self.device.clone(),
            queue: self.queue.clone(),
            facts: self.facts.clone(),
            choices: self.choices.clone(),
            limits: self.limits.clone(),
            faults: Arc::clone(&self.faults),
            kernels: Arc::clone(&self.kernels),
            submission: self.submission,
        }
    }

    /// What is known of the adapter.
    #[must_use]
    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// The kernel family in use.
    #[must_use]
    pub fn family(&self) -> Family {
        self.choices.family()
    }

    /// Workgroups of 128 invocations that keep the device busy: as measured, or for a GPU that nothing was measured of,
    /// what few have less of. A processor runs one workgroup after another, so none are too few for it.
    #[must_use]
    pub fn width(&self) -> u32 {
        let usual = match self.facts.kind.as_str() {
            _ if self.facts.software => 1,
            "discrete GPU" => 64,
            _ => 32,
        };
        self.choices.width().unwrap_or(usual)
    }

    /// The kernels in use.
    #[must_use]
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The kernel of an entry point, from the cache or made now.
    ///
    /// # Errors
    /// `Error::Shader` where WGSL and Rust disagree or the driver refuses; `Error::DeviceLost`.
    pub fn kernel<P: ShaderParams>(
        &self,
        shader: &Shader,
        entry: &str,
        constants: &[(&str, f64)],
    ) -> Result<Kernel<P>> {
        Kernel::get(self, shader, entry, constants)
    }

    /// The first error that the driver reported since the last check.
    ///
    /// # Errors
    /// `Error::DeviceLost` or `Error::Device`.
    pub fn check(&self) -> Result<()> {
        let mut faults = locked(&self.faults);
        if let Some(message) = faults.lost.clone() {
            return Err(Error::DeviceLost(message));
        }
        faults.error.take().map_or(Ok(()), |message| Err(Error::Device(message)))
    }

    /// Waits until everything that was submitted is done.
    ///
    /// # Errors
    /// What the driver reported meanwhile.
    pub fn wait(&self) -> Result<()> {
        self.poll(wgpu::PollType::wait_indefinitely())
    }

    /// The same of one submission and those before it.
    pub(super) fn wait_for(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        self.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: None })
    }

    fn poll(&self, how: wgpu::PollType) -> Result<()> {
        let polled = self.device.poll(how);
        self.check()?;
        polled.map(|_| ()).map_err(|e| Error::Device(e.to_string()))
    }

    /// The device memory that is in use now; `None` where the driver does not tell (Metal).
    #[must_use]
    pub fn driver_memory(&self) -> Option<DriverMemory> {
        self.device.generate_allocator_report().map(|report| DriverMemory {
            allocated: report.total_allocated_bytes,
            reserved: report.total_reserved_bytes,
        })
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.limits
    }

    pub(super) fn kernels(&self) -> MutexGuard<'_, HashMap<String, Arc<KernelInner>>> {
        locked(&self.kernels)
    }
}
