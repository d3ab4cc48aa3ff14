//! Data in and out of a session's tensors.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::device::Gpu;
use super::journal;
use super::session::Session;
use super::tensor::{Element, Shape, Tensor};
use crate::error::{Error, Result};

impl Session {
    /// Overwrites a tensor (or its beginning) with `data`, before what is submitted next. Half precision
    /// is rounded here.
    pub fn write(&self, tensor: &Tensor, data: &[f32]) {
        self.write_from(tensor, 0, data);
    }

    /// Overwrites the values of a tensor from number `first` on; quads are whole.
    pub fn write_from(&self, tensor: &Tensor, first: usize, data: &[f32]) {
        debug_assert!(first + data.len() <= tensor.shape.values(), "the data fits the tensor");
        let at = |size: usize| (first * size) as u64;
        match tensor.shape.element {
            Element::F32 => self.write_bytes(tensor, at(4), bytemuck::cast_slice(data)),
            Element::F16 => {
                let mut halves = vec![f16::ZERO; data.len()];
                halves.convert_from_f32_slice(data);
                let bits: &[u16] = halves.reinterpret_cast();
                self.write_bytes(tensor, at(2), bytemuck::cast_slice(bits));
            }
        }
    }

    /// Overwrites a part of a tensor; `at` and the length are multiples of four.
    pub fn write_bytes(&self, tensor: &Tensor, at: u64, bytes: &[u8]) {
        debug_assert!(at + bytes.len() as u64 <= tensor.bytes, "the bytes fit the tensor");
        self.gpu().queue().write_buffer(self.buffer(tensor), tensor.offset + at, bytes);
    }

    /// Waits until everything written so far is in its tensors: what carried it is free again.
    ///
    /// # Errors
    /// What the driver reported.
    pub fn settle(&self) -> Result<()> {
        self.gpu().queue().submit([]);
        self.gpu().wait()
    }

    /// Starts copying a tensor to the CPU, after what is submitted so far.
    #[must_use]
    pub fn fetch(&self, tensor: &Tensor) -> Fetch {
        let size = tensor.bytes.max(16);
        // The device's own word of what it did comes along.
        let staging = self.gpu().device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size: size + journal::BYTES,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder =
            self.gpu().device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(self.buffer(tensor), tensor.offset, &staging, 0, size);
        let parts = self.journal.copy(&mut encoder, &staging, size);
        let index = self.gpu().queue().submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |_| {}); // a failure shows when it is read
        let (values, element) = (tensor.shape.values(), tensor.shape.element);
        Fetch { gpu: Arc::clone(self.gpu()), staging, index, values, element, size, parts }
    }

    /// Values of a tensor of single precision from number `first` on, whole quads, as [`Session::read`] gives all.
    ///
    /// # Errors
    /// What the driver reported.
    pub fn read_from(&self, tensor: &Tensor, first: usize, count: usize) -> Result<Vec<f32>> {
        debug_assert!(first + count <= tensor.shape.values() && tensor.shape.element == Element::F32);
        let (offset, bytes) = (tensor.offset + (first * 4) as u64, (count * 4) as u64);
        let shape = Shape::matrix(1, count as u32);
        self.read(&Tensor { lease: Arc::clone(&tensor.lease), offset, bytes, shape })
    }

    /// A tensor's contents, padding included. Waits for what is submitted so far.
    ///
    /// # Errors
    /// What the driver reported.
    pub fn read(&self, tensor: &Tensor) -> Result<Vec<f32>> {
        self.fetch(tensor).wait()
    }
}

/// A read-back on its way.
#[derive(Debug)]
pub struct Fetch {
    gpu: Arc<Gpu>,
    staging: wgpu::Buffer,
    index: wgpu::SubmissionIndex,
    values: usize,
    element: Element,
    /// Bytes of the tensor, behind which the log stands.
    size: u64,
    /// Parts that the device should have done.
    parts: u64,
}

impl Fetch {
    /// The values in single precision, once the device has got there; later submissions go on meanwhile.
    ///
    /// # Errors
    /// What the driver reported; [`Error::DeviceLost`] where the device did not do all that it was given, once and
    /// in order, whatever the driver says.
    pub fn wait(self) -> Result<Vec<f32>> {
        self.gpu.wait_for(self.index)?;
        let range = |from, to| {
            let range = self.staging.slice(from..to).get_mapped_range();
            range.map_err(|e| Error::Device(e.to_string()))
        };
        let log: Vec<u32> = bytemuck::pod_collect_to_vec(&range(self.size, self.size + journal::BYTES)?);
        journal::check(&log, self.parts)?;
        let mapped = range(0, self.size)?;
        Ok(match self.element {
            Element::F32 => bytemuck::pod_collect_to_vec(&mapped),
            Element::F16 => {
                let bits: Vec<u16> = bytemuck::pod_collect_to_vec(&mapped);
                bits[..self.values].iter().map(|&bits| f16::from_bits(bits).to_f32()).collect()
            }
        })
    }
}
