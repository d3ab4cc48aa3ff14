//! Which adapters there are, what they can do, and which one a name means.

use super::method::Family;
use crate::error::{Error, Result};

/// What a person and the kernel selection want to know of one adapter.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AdapterFacts {
    /// Position in the list, accepted by `--adapter`.
    pub index: usize,
    /// The marketing name.
    pub name: String,
    /// "discrete GPU", "integrated GPU", "software (CPU)", …
    pub kind: String,
    /// "Vulkan", "Metal", "DX12".
    pub backend: String,
    /// Driver name and version as the driver says it.
    pub driver: String,
    /// The shader compiler, where a system has several: "DXC" or "FXC" on DX12.
    #[serde(skip)] // `bench` names it beside the adapter
    pub compiler: Option<&'static str>,
    /// True for a driver that computes on the CPU.
    pub software: bool,
    /// Largest buffer, bytes.
    pub max_buffer_bytes: u64,
    /// Largest part of a buffer that a kernel can see, bytes.
    pub max_binding_bytes: u64,
    /// Smallest and largest subgroup, where subgroups are supported.
    pub subgroup: Option<(u32, u32)>,
    /// Integers of 64 bits in shaders.
    pub int64: bool,
    /// Half-precision arithmetic in shaders.
    pub f16: bool,
    /// Matrix units (cooperative matrices) for half precision with sums of single: the side of the square blocks that
    /// they multiply, 8 or 16. Some drivers list what their hardware does not have.
    pub matrix: Option<u32>,
    /// Time stamps for `--profile`.
    pub timestamps: bool,
}

impl AdapterFacts {
    /// Where it stands among others when nobody chooses: the first is taken. Of one kind, that is the first that was found.
    #[must_use]
    pub fn place(&self) -> (u8, usize) {
        let kind = match self.kind.as_str() {
            "discrete GPU" => 0,
            "integrated GPU" => 1,
            "virtual GPU" | "other" => 2,
            _ => 3,
        };
        (kind, self.index)
    }

    /// The kernel family that suits this adapter.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.software {
            true if self.supports(Family::Subgroup) => Family::Subgroup,
            true => Family::Direct,
            false => Family::Tile,
        }
    }

    /// Whether a family can run at all: the subgroup kernels are written for exactly 8 lanes and store
    /// words of 64 bits, the matrix kernels need units for matrices.
    #[must_use]
    pub fn supports(&self, family: Family) -> bool {
        match family {
            Family::Subgroup => self.subgroup == Some((8, 8)) && self.int64,
            Family::Tile | Family::Direct => true,
            Family::Matrix => self.matrix.is_some(),
        }
    }

    /// Rounds that the loops of one invocation may take in all. Some drivers that compute on the CPU (lavapipe of Mesa 22)
    /// end every loop of an invocation after 65,536 of them, without a word; GPUs have no such number. Kernels share what
    /// takes more among workgroups, and the self-test counts so far.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        if self.software { 60_000 } else { u32::MAX }
    }

    /// What a family needs and this adapter lacks.
    pub(super) fn lacks(&self, family: Family) -> Option<String> {
        let needs = match family {
            _ if self.supports(family) => return None,
            Family::Matrix => {
                "need matrix units that multiply half precision (cooperative matrices), and room for 256 \
                               invocations and 32 KiB in a workgroup"
                    .to_owned()
            }
            _ => format!(
                "need subgroups of exactly 8 lanes and 64-bit integers; it has {:?} and {}",
                self.subgroup,
                if self.int64 { "such integers" } else { "no such integers" }
            ),
        };
        Some(format!("{} cannot run the {family} kernels, which {needs}", self.name))
    }

    /// The kernel families that can run.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        Family::ALL.into_iter().filter(|&family| self.supports(family)).collect()
    }

    fn read(index: usize, Found { adapter, compiler }: &Found) -> Self {
        let info = adapter.get_info();
        let features = adapter.features();
        let limits = adapter.limits();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete GPU",
            wgpu::DeviceType::IntegratedGpu => "integrated GPU",
            wgpu::DeviceType::VirtualGpu => "virtual GPU",
            wgpu::DeviceType::Cpu => "software (CPU)",
            wgpu::DeviceType::Other => "other",
        };
        let backend = match info.backend {
            wgpu::Backend::Vulkan => "Vulkan",
            wgpu::Backend::Metal => "Metal",
            wgpu::Backend::Dx12 => "DX12",
            _ => "other",
        };
        Self {
            index,
            kind: kind.into(),
            backend: backend.into(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
            compiler: *compiler,
            software: info.device_type == wgpu::DeviceType::Cpu,
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            subgroup: features
                .contains(wgpu::Features::SUBGROUP)
                .then_some((info.subgroup_min_size, info.subgroup_max_size)),
            int64: features.contains(wgpu::Features::SHADER_INT64),
            f16: features.contains(wgpu::Features::SHADER_F16),
            matrix: matrix_side(adapter),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            name: info.name,
        }
    }
}

/// The features that the matrix kernels are made with.
pub(super) const MATRIX: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SHADER_F16);

/// The larger of the square blocks that an adapter's matrix units multiply as the kernels want it, where workgroups are
/// large enough: four subgroups, and their operands. Metal lists blocks of single precision too, but never without these.
fn matrix_side(adapter: &wgpu::Adapter) -> Option<u32> {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let [half, single] = [wgpu::CooperativeScalarType::F16, wgpu::CooperativeScalarType::F32];
    let large = limits.max_compute_workgroup_storage_size >= 32 << 10
        && limits.max_compute_invocations_per_workgroup >= 4 * info.subgroup_max_size;
    let sides = adapter.cooperative_matrix_properties().into_iter().filter_map(|block| {
        let side = block.m_size;
        let square = block.n_size == side && block.k_size == side && [8, 16].contains(&side);
        (square && block.ab_type == half && block.cr_type == single).then_some(side)
    });
    let there = adapter.features().contains(MATRIX | wgpu::Features::SUBGROUP) && info.subgroup_max_size > 0;
    sides.max().filter(|_| large && there)
}

/// An adapter, and what compiles its shaders where a system has several compilers.
struct Found {
    adapter: wgpu::Adapter,
    compiler: Option<&'static str>,
}

/// The adapters of these systems, where DX12 is to have this compiler; without the compiler there are none of DX12.
fn enumerate_with(backends: wgpu::Backends, compiler: &wgpu::Dx12Compiler) -> Vec<Found> {
    let mut descriptor =
        wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    descriptor.backend_options.dx12.shader_compiler = compiler.clone();
    let found = pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends));
    let of = |adapter: wgpu::Adapter| Found {
        compiler: compiler_of(adapter.get_info().backend, compiler),
        adapter,
    };
    found.into_iter().map(of).collect()
}

fn compiler_of(backend: wgpu::Backend, dx12: &wgpu::Dx12Compiler) -> Option<&'static str> {
    let name = if matches!(dx12, wgpu::Dx12Compiler::Fxc) { "FXC" } else { "DXC" };
    (backend == wgpu::Backend::Dx12).then_some(name)
}

/// wgpu does not tell which compiler it found for DX12, so it is asked for each: DXC, which is a file that may be there
/// (`dxcompiler.dll`), and where that gives no adapter FXC, which every Windows has.
fn enumerate() -> Vec<Found> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut found = enumerate_with(backends, &wgpu::Dx12Compiler::default_dynamic_dxc());
    if cfg!(windows) && found.iter().all(|found| found.compiler.is_none()) {
        found.extend(enumerate_with(wgpu::Backends::DX12, &wgpu::Dx12Compiler::Fxc));
    }
    found
}

/// All adapters of this machine, in the order that `--adapter INDEX` counts.
#[must_use]
pub fn adapters() -> Vec<AdapterFacts> {
    enumerate().iter().enumerate().map(|(i, a)| AdapterFacts::read(i, a)).collect()
}

/// What is known of the adapter that `wanted` means: an index, a part of the name, or the best one.
///
/// # Errors
/// No adapter at all, or none of that name (the message lists what there is).
pub fn find(wanted: Option<&str>) -> Result<AdapterFacts> {
    choose(wanted).map(|(_, facts)| facts)
}

/// The adapter that `wanted` means: an index, a part of the name, or the best one for `None`.
///
/// # Errors
/// No adapter at all, or none of that name (the message lists what there is).
pub(super) fn choose(wanted: Option<&str>) -> Result<(wgpu::Adapter, AdapterFacts)> {
    let found: Vec<_> = enumerate()
        .into_iter()
        .enumerate()
        .map(|(i, found)| {
            let facts = AdapterFacts::read(i, &found);
            (found.adapter, facts)
        })
        .collect();
    if found.is_empty() {
        let hint = if cfg!(target_os = "linux") {
            "install your GPU's Vulkan driver, or the software driver with \
             `apt-get install mesa-vulkan-drivers libvulkan1`"
        } else {
            "install or update your graphics driver (Vulkan, Metal or DX12)"
        };
        return Err(Error::NoAdapter { hint: hint.into() });
    }
    let list =
        found.iter().map(|(_, f)| format!("{}: {} ({})", f.index, f.name, f.backend)).collect::<Vec<_>>();
    let matches = |f: &AdapterFacts| match wanted {
        None => true,
        Some(w) => match w.parse::<usize>() {
            Ok(index) => f.index == index,
            Err(_) => f.name.to_lowercase().contains(&w.to_lowercase()),
        },
    };
    found.into_iter().filter(|(_, f)| matches(f)).min_by_key(|(_, f)| f.place()).ok_or_else(|| {
        Error::config(
            "adapter",
            format!("no adapter is called `{}`; there is {}", wanted.unwrap_or(""), list.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dx12_has_a_choice_of_compilers() {
        let dxc = wgpu::Dx12Compiler::default_dynamic_dxc();
        assert_eq!(compiler_of(wgpu::Backend::Dx12, &dxc), Some("DXC"));
        assert_eq!(compiler_of(wgpu::Backend::Dx12, &wgpu::Dx12Compiler::Fxc), Some("FXC"));
        assert_eq!(compiler_of(wgpu::Backend::Vulkan, &dxc), None);
    }
}
