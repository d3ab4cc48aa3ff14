//! What can be proved of the shaders without a GPU: every entry point is valid, every back end can
//! write it, the portable ones keep to limits that any adapter has, and the Rust twins agree.
//!
//! Writing Metal's and DirectX's languages here is the proof for those systems on a machine that has
//! neither. Every check sees an entry point as a driver gets it: alone, with the values of the
//! override constants that the program uses.
//!
//! | file | what |
//! |---|---|
//! | `backends` | SPIR-V, MSL, HLSL and GLSL |
//! | `banks` | neighbouring invocations use different banks of workgroup memory |
//! | `banks_matrix` | the same where matrix units take their operands from |
//! | `limits` | WebGPU's default limits |
//! | `stores` | nothing is stored to a variable place of a vector |
//! | `written` | all of them as files, for other compilers |
//! | `twins` | one Rust owner each, the same `Params`, nothing forgotten in the list |

mod backends;
mod banks;
mod banks_matrix;
mod limits;
mod stores;
mod twins;
mod written;

use naga::back::PipelineConstants;
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{EntryPoint, Module};
use swav_wgpu::gpu::{Family, Geometry, Shader};
use swav_wgpu::ops::SHADERS;

/// One entry point with one set of override constants, as a driver gets it.
struct Ready {
    module: Module,
    info: ModuleInfo,
}

impl Ready {
    fn entry(&self) -> &EntryPoint {
        &self.module.entry_points[0]
    }
}

/// What every adapter can do. Packing two halves into a word is core WGSL; some browsers lack it.
const PORTABLE: Capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;

/// Parses and validates a whole file, with what its family may use.
fn parsed(shader: &Shader) -> Result<(Module, ModuleInfo), String> {
    let (name, source) = (shader.name(), shader.source());
    let module =
        naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string_with_path(&source, &name))?;
    let subgroups = PORTABLE | Capabilities::SUBGROUP | Capabilities::SUBGROUP_BARRIER;
    let capabilities = match shader.family() {
        _ if shader.portable => PORTABLE,
        Some(Family::Matrix) => subgroups | Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX,
        _ => subgroups | Capabilities::SHADER_INT64,
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string_with_path(&source, &name))?;
    Ok((module, info))
}

/// The override constants that the program sets, each combination once (`ops::conv2d::Launch`).
fn settings(module: &Module) -> Result<Vec<PipelineConstants>, String> {
    let names: Vec<_> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
    // A narrow panel has no columns for the larger geometries.
    let tile = |Geometry { rows, columns, depth }| [[32, rows, columns / 4, depth], [16, 4, 1, 16]];
    let direct = |Geometry { rows, columns, .. }| [[32, rows, columns / 4], [16, rows, 1]];
    // Of the kernels of convolutions, all but the subgroup family's have a form for windows of one pixel.
    let (own, lines): (&[&str], &[u32]) = match &names[..] {
        [own @ .., "LINE"] => (own, if own.contains(&"ONE_TAP") { &[0] } else { &[0, 1] }),
        all => (all, &[]),
    };
    let values: Vec<Vec<u32>> = match own {
        [] => vec![Vec::new()],
        ["WIDTH"] => vec![vec![16], vec![32]],
        ["LANES"] => vec![vec![8], vec![64]],
        ["SHARES"] => vec![vec![1], vec![64]],
        ["LANES", "LENGTH"] => vec![vec![8, 64], vec![8, 256], vec![64, 128], vec![64, 256]],
        ["INVOCATIONS"] => vec![vec![32], vec![128], vec![256]],
        ["WIDTH", "INVOCATIONS"] => {
            vec![vec![16, 32], vec![32, 32], vec![16, 128], vec![32, 128], vec![32, 256]]
        }
        ["WIDTH", "QUADS"] => vec![vec![16, 1], vec![16, 2], vec![32, 1], vec![32, 2]],
        ["WIDTH", "ONE_TAP"] => vec![vec![16, 0], vec![16, 1], vec![32, 0], vec![32, 1]],
        ["WIDTH", "ROWS", "PANELS", "DEPTH"] => {
            Geometry::TILE.into_iter().flat_map(tile).map(Vec::from).collect()
        }
        ["WIDTH", "ROWS", "PANELS"] => Geometry::DIRECT.into_iter().flat_map(direct).map(Vec::from).collect(),
        _ => return Err(format!("the test does not know which values {names:?} take: say so in `settings`")),
    };
    let with_line = |values: Vec<u32>| -> Vec<Vec<u32>> {
        if lines.is_empty() {
            return vec![values];
        }
        lines.iter().map(|&line| [&values[..], &[line]].concat()).collect()
    };
    let values: Vec<_> = values.into_iter().flat_map(with_line).collect();
    let named = |values: &Vec<u32>| {
        let values = values.iter().map(|&value| f64::from(value));
        names.iter().map(|name| (*name).to_owned()).zip(values).collect()
    };
    Ok(values.iter().map(named).collect())
}

/// Every entry point of a shader with every setting, under the name that messages use.
fn entry_points(shader: &Shader) -> Result<Vec<(String, Ready)>, String> {
    let (module, info) = parsed(shader)?;
    let mut found = Vec::new();
    for constants in settings(&module).map_err(|e| format!("{}: {e}", shader.name()))? {
        for entry in &module.entry_points {
            let mut set: Vec<_> =
                constants.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
            set.sort_unstable();
            let set = set.concat();
            let label = format!("{}, `{}`{set}", shader.name(), entry.name);
            let (module, info) =
                process_overrides(&module, &info, Some((entry.stage, &entry.name)), &constants)
                    .map_err(|e| format!("{label}: override constants: {e}"))?;
            found.push((label, Ready { module: module.into_owned(), info: info.into_owned() }));
        }
    }
    if found.is_empty() { Err(format!("{}: no entry point", shader.name())) } else { Ok(found) }
}

/// Runs a check on every entry point and reports all failures together, so that one run of the test
/// tells the whole story.
fn each_entry(check: impl Fn(&Shader, &Ready) -> Result<(), String>) {
    let mut failures = Vec::new();
    for shader in SHADERS {
        match entry_points(shader) {
            Ok(entries) => failures.extend(entries.iter().filter_map(|(label, ready)| {
                assert_eq!(ready.module.entry_points.len(), 1, "{label}: only this entry point is left");
                check(shader, ready).err().map(|reason| format!("{label}: {reason}"))
            })),
            Err(reason) => failures.push(reason),
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// A shader that is only a text, to try the checks on.
fn sketch(text: String, portable: bool) -> Shader {
    Shader { file: "sketch.wgsl", text: text.leak(), shared: &[], portable }
}

#[test]
fn every_shader_is_valid_and_has_entry_points() {
    assert!(!SHADERS.is_empty(), "there are no shaders");
    each_entry(|_, _| Ok(())); // making them ready for a driver is the check
}

#[test]
fn a_portable_shader_may_not_use_subgroups() {
    let text = "@group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(8) fn sum() { y[0] = subgroupAdd(1u); }";
    let portable = parsed(&sketch(text.to_owned(), true)).expect_err("subgroups need a feature");
    assert!(portable.contains("sketch.wgsl"), "{portable}");
    parsed(&sketch(text.to_owned(), false)).expect("the subgroup family may use them");
}

#[test]
fn unknown_override_constants_are_not_guessed() {
    let text = "override DEPTH: u32 = 1u; @compute @workgroup_size(DEPTH) fn f() {}";
    let message = entry_points(&sketch(text.to_owned(), true)).err().expect("DEPTH has no values here");
    assert!(message.contains("DEPTH"), "{message}");
}
