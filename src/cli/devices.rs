//! `swav-wgpu devices`: the graphics adapters of this machine and what they can do.

use std::fmt::Write as _;

use clap::Args;

use super::Outcome;
use crate::error::{Error, Result};
use crate::gpu::{self, AdapterFacts};

/// List the graphics adapters of this machine
#[derive(Args)]
#[command(after_help = "The number or a part of the name is what --adapter takes, as in \
                        `swav-wgpu train --adapter 1` or `--adapter radeon`.")]
pub(super) struct Devices;

impl Devices {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let adapters = gpu::adapters();
        if adapters.is_empty() {
            return Err(Error::NoAdapter { hint: install_hint().to_owned() });
        }
        super::print(&render(&adapters))?;
        Ok(Outcome::Done)
    }
}

/// What to install where no adapter is found.
fn install_hint() -> &'static str {
    if cfg!(target_os = "linux") {
        "install the Vulkan driver of your GPU (Debian and Ubuntu: `apt-get install mesa-vulkan-drivers \
         libvulkan1` for AMD, Intel and a software adapter that runs on any machine; `nvidia-driver` with \
         `libvulkan1` for NVIDIA; Fedora: `dnf install mesa-vulkan-drivers vulkan-loader`)"
    } else if cfg!(target_os = "macos") {
        "Metal needs macOS 10.13 or later and is not offered in some virtual machines"
    } else if cfg!(target_os = "windows") {
        "install the graphics driver of your GPU's maker; DirectX 12 or Vulkan is needed"
    } else {
        "install a Vulkan driver and its loader"
    }
}

/// The adapters as text: a line each that says which to take, and a line of what it can do.
fn render(adapters: &[AdapterFacts]) -> String {
    let mut text = String::new();
    for facts in adapters {
        let AdapterFacts { index, name, kind, backend, driver, .. } = facts;
        let _ = writeln!(text, "{index}  {name}");
        let driver = if driver.is_empty() { "unnamed" } else { driver };
        let compiler = facts.compiler.map_or_else(String::new, |name| format!(", shader compiler {name}"));
        let _ = writeln!(text, "   {kind}, {backend}, driver {driver}{compiler}");
        let _ = writeln!(
            text,
            "   buffers to {}, {} a binding; subgroups {}; f16 arithmetic {}; matrix units {}; timestamps {}",
            bytes(facts.max_buffer_bytes),
            bytes(facts.max_binding_bytes),
            facts.subgroup.map_or_else(|| "no".to_owned(), lanes),
            yes(facts.f16),
            facts.matrix.map_or_else(|| "no".to_owned(), |side| format!("{side}×{side}")),
            yes(facts.timestamps),
        );
    }
    if adapters.iter().any(|facts| facts.compiler == Some("FXC")) {
        text.push_str(
            "\nFXC is the compiler that Windows has kept for old programs: it takes minutes over large kernels, and \
             knows no subgroups. Put dxcompiler.dll (of Microsoft's DirectXShaderCompiler, 1.8.2502 or later) beside \
             the program or on PATH, or take the Vulkan adapter.\n",
        );
    }
    if adapters.iter().all(|facts| facts.software) {
        text.push_str(
            "\nOnly software adapters: training works, at the speed of the processor. If this machine has a \
             GPU, its Vulkan driver is missing.\n",
        );
    }
    text
}

fn lanes((min, max): (u32, u32)) -> String {
    if min == max { format!("of {min}") } else { format!("of {min} to {max}") }
}

fn yes(has: bool) -> &'static str {
    if has { "yes" } else { "no" }
}

/// A size in the largest binary unit that leaves at least 1, with one digit where it is not whole.
fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["TiB", "GiB", "MiB", "KiB"];
    for (power, unit) in UNITS.iter().enumerate() {
        let one = 1_u64 << (40 - 10 * power);
        if size >= one {
            let count = size as f64 / one as f64;
            return if size.is_multiple_of(one) {
                format!("{count:.0} {unit}")
            } else {
                format!("{count:.1} {unit}")
            };
        }
    }
    format!("{size} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lavapipe() -> AdapterFacts {
        AdapterFacts {
            index: 0,
            name: "llvmpipe (LLVM 15.0.6, 256 bits)".to_owned(),
            kind: "software (CPU)".to_owned(),
            backend: "Vulkan".to_owned(),
            driver: "llvmpipe Mesa 22.3.6".to_owned(),
            compiler: None,
            software: true,
            max_buffer_bytes: 2 << 30,
            max_binding_bytes: 128 << 20,
            subgroup: Some((8, 8)),
            int64: true,
            f16: true,
            matrix: None,
            timestamps: true,
        }
    }

    #[test]
    fn a_table_says_what_each_adapter_can_do() {
        let text = render(&[lavapipe()]);
        assert!(text.starts_with("0  llvmpipe"), "{text}");
        assert!(
            text.contains("buffers to 2 GiB, 128 MiB a binding; subgroups of 8; f16 arithmetic yes"),
            "{text}"
        );
        assert!(text.contains("Only software adapters"));
        let gpu = AdapterFacts { software: false, subgroup: None, ..lavapipe() };
        assert!(!render(&[lavapipe(), gpu]).contains("Only software"));
        assert!(!text.contains("compiler"));
        let old = AdapterFacts { backend: "DX12".into(), compiler: Some("FXC"), ..lavapipe() };
        let text = render(std::slice::from_ref(&old));
        assert!(text.contains("shader compiler FXC\n") && text.contains("dxcompiler.dll"), "{text}");
        let text = render(&[AdapterFacts { compiler: Some("DXC"), ..old }]);
        assert!(text.contains("shader compiler DXC\n") && !text.contains("dxcompiler.dll"), "{text}");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            [bytes(0), bytes(1 << 20), bytes(u64::from(u32::MAX)), bytes(u64::MAX)],
            ["0 B", "1 MiB", "4.0 GiB", "16777216.0 TiB"]
        );
    }
}
