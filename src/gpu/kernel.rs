//! An entry point made ready: its pipeline, its bindings and its checked `Params`.

use std::marker::PhantomData;
use std::sync::Arc;

use super::device::Gpu;
use super::shader::{Binding, BindingKind, Field, Reflection, Shader, texel_format};
use super::tensor::Shape;
use crate::error::{Error, Result};

/// Type of a `Params` field, as WGSL writes it.
pub type Scalar = &'static str;

/// The Rust side of a struct of a shader, such as its `Params`: plain 4-byte fields in declaration order.
pub trait ShaderParams: bytemuck::Pod {
    /// Field names and WGSL types, in order.
    const FIELDS: &'static [(&'static str, Scalar)];

    /// The shape of a tensor that holds one.
    #[must_use]
    fn shape() -> Shape {
        Shape::matrix(1, Self::FIELDS.len() as u32)
    }

    /// The numbers as a tensor takes them.
    #[must_use]
    fn words(&self) -> &[f32] {
        bytemuck::cast_slice(bytemuck::bytes_of(self))
    }
}

/// Declares a `Params` struct once: the layout and the field list come from the same lines.
macro_rules! shader_params {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ident),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
        $vis struct $name { $($(#[$field_meta])* $vis $field: $ty),* }
        impl $crate::gpu::ShaderParams for $name {
            const FIELDS: &'static [(&'static str, $crate::gpu::Scalar)] = &[$((stringify!($field), stringify!($ty))),*];
        }
    };
}
pub(crate) use shader_params;

#[derive(Debug)]
pub(super) struct KernelInner {
    pub(super) name: String,
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    pub(super) bindings: Vec<Binding>,
}

/// An entry point whose `Params` are `P`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Kernel<P> {
    pub(super) inner: Arc<KernelInner>,
    params: PhantomData<P>,
}

impl<P: ShaderParams> Kernel<P> {
    /// Takes a kernel from the cache of `gpu`, or makes it.
    ///
    /// # Errors
    /// `Error::Shader` naming file, entry point and field where WGSL and Rust disagree.
    pub(super) fn get(gpu: &Gpu, shader: &Shader, entry: &str, constants: &[(&str, f64)]) -> Result<Self> {
        let key = format!("{}:{entry}:{constants:?}", shader.name());
        let cached = gpu.kernels().get(&key).cloned();
        if let Some(inner) = cached {
            return Ok(Self { inner, params: PhantomData });
        }
        let reflection = checked::<P>(shader, entry, constants)?;
        let layout = bind_group_layout(gpu, &reflection.bindings);
        let pipeline_layout = gpu.device().create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(entry),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let source = shader.source();
        #[cfg(test)]
        let source = super::poison::text(source);
        let module = gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shader.file),
            source: wgpu::ShaderSource::Wgsl(source.as_str().into()),
        });
        let pipeline = gpu.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: is_zeroed(&source),
            },
            cache: None,
        });
        // Whoever reads that a driver refuses a kernel wants to know which.
        gpu.check().map_err(|error| match error {
            Error::Device(reason) => shader.error(entry, reason),
            other => other,
        })?;
        let name = shader.kernel_name(entry, &reflection);
        let inner = Arc::new(KernelInner { name, pipeline, layout, bindings: reflection.bindings });
        gpu.kernels().insert(key, Arc::clone(&inner));
        Ok(Self { inner, params: PhantomData })
    }
}

/// Whether workgroup memory has to begin as zeros. Every kernel writes it before it reads it (a test fills it with
/// NaN), and on some systems one invocation alone writes the zeros, 16 bytes at a time (wgpu 4592). Only beside
/// `workgroupUniformLoad` they stay: without them it has frozen Metal (vello 363).
pub(super) fn is_zeroed(source: &str) -> bool {
    source.contains("workgroupUniformLoad")
}

/// What WGSL says of the entry point, once the Rust side agrees with it.
fn checked<P: ShaderParams>(shader: &Shader, entry: &str, constants: &[(&str, f64)]) -> Result<Reflection> {
    let reflection = shader.reflect(entry)?;
    if let Some((name, _)) =
        constants.iter().find(|(name, _)| !reflection.overrides.iter().any(|o| o == name))
    {
        return Err(shader.error(entry, format!("there is no override constant `{name}` in WGSL")));
    }
    // An entry point need not look at the params.
    if !reflection.params.is_empty() {
        check_params::<P>(shader, entry, &reflection.params)?;
    }
    Ok(reflection)
}

fn check_params<P: ShaderParams>(shader: &Shader, entry: &str, fields: &[Field]) -> Result<()> {
    for (i, (name, ty)) in P::FIELDS.iter().enumerate() {
        let wanted = (*name, i as u32 * 4, *ty);
        match fields.get(i) {
            Some((n, o, t)) if (n.as_str(), *o, t.as_str()) == wanted => {}
            Some((n, o, t)) => {
                let reason = format!(
                    "Params field {i} is `{n}: {t}` at byte {o} in WGSL, `{name}: {ty}` at {} in Rust",
                    i * 4
                );
                return Err(shader.error(entry, reason));
            }
            None => return Err(shader.error(entry, format!("Params field `{name}` is missing in WGSL"))),
        }
    }
    match fields.get(P::FIELDS.len()) {
        Some((name, _, _)) => Err(shader.error(entry, format!("Params field `{name}` is missing in Rust"))),
        None => Ok(()),
    }
}

fn bind_group_layout(gpu: &Gpu, bindings: &[Binding]) -> wgpu::BindGroupLayout {
    let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    let entries: Vec<_> = bindings
        .iter()
        .map(|b| wgpu::BindGroupLayoutEntry {
            binding: b.index,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: match b.kind {
                BindingKind::Uniform => buffer(wgpu::BufferBindingType::Uniform),
                BindingKind::Read => buffer(wgpu::BufferBindingType::Storage { read_only: true }),
                BindingKind::ReadWrite => buffer(wgpu::BufferBindingType::Storage { read_only: false }),
                BindingKind::Texels => wgpu::BindingType::StorageTexture {
                    access: wgpu::StorageTextureAccess::ReadOnly,
                    format: texel_format(b.element.unwrap_or_default()),
                    view_dimension: wgpu::TextureViewDimension::D2,
                },
            },
            count: None,
        })
        .collect();
    gpu.device().create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
