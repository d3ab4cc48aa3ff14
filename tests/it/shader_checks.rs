//! What can be proved without a GPU: every shader is valid, every back end can write it, the portable
//! ones keep to limits that any adapter has, and the modules of the source tree keep to their places.
//!
//! Writing Metal's and DirectX's languages here is the proof for those systems on a machine that has
//! neither. The tests of the source tree read text, not syntax: a rule that a person can check by eye
//! is worth more than a parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use naga::back::pipeline_constants::process_overrides;
use naga::back::{PipelineConstants, glsl, hlsl, msl, spv};
use naga::proc::BoundsCheckPolicies;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use swav_wgpu::gpu::{ShaderVariant, shader_sources};

/// The limits of a portable entry point: WebGPU's defaults, which every adapter has.
const STORAGE_BUFFERS: usize = 8;
const INVOCATIONS: u32 = 256;
const WORKGROUP_BYTES: u32 = 16 * 1024;

/// Longer files are hard to hold in the head; the aim is 300.
const LINES: usize = 420;

// ---- Shaders ----

fn name_of(shader: &ShaderVariant) -> String {
    if shader.variant.is_empty() {
        shader.file.to_owned()
    } else {
        format!("{} ({})", shader.file, shader.variant)
    }
}

/// Parses and validates a shader, and gives the override constants their default values.
fn resolved(shader: &ShaderVariant) -> Result<(Module, ModuleInfo), String> {
    let name = name_of(shader);
    let module = naga::front::wgsl::parse_str(&shader.source)
        .map_err(|e| e.emit_to_string_with_path(&shader.source, &name))?;
    let capabilities = if shader.portable {
        Capabilities::empty()
    } else {
        Capabilities::SUBGROUP | Capabilities::SUBGROUP_BARRIER
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string_with_path(&shader.source, &name))?;
    let (module, info) = process_overrides(&module, &info, None, &PipelineConstants::default())
        .map_err(|e| format!("{name}: override constants: {e}"))?;
    Ok((module.into_owned(), info.into_owned()))
}

/// Runs a check on every entry point and reports all failures together, so that one run of the test
/// tells the whole story.
fn each_entry(check: impl Fn(&ShaderVariant, &Module, &ModuleInfo, usize) -> Result<(), String>) {
    let shaders = shader_sources();
    assert!(!shaders.is_empty(), "there are no shaders");
    let mut failures = Vec::new();
    for shader in &shaders {
        let (module, info) = match resolved(shader) {
            Ok(found) => found,
            Err(reason) => {
                failures.push(reason);
                continue;
            }
        };
        for (index, entry) in module.entry_points.iter().enumerate() {
            if let Err(reason) = check(shader, &module, &info, index) {
                failures.push(format!("{}, `{}`: {reason}", name_of(shader), entry.name));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_shader_is_valid_and_has_entry_points() {
    let failures: Vec<String> = shader_sources()
        .iter()
        .filter_map(|shader| match resolved(shader) {
            Ok((module, _)) if module.entry_points.is_empty() => {
                Some(format!("{}: no entry point", name_of(shader)))
            }
            Ok(_) => None,
            Err(reason) => Some(reason),
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn vulkan_can_have_every_entry_point() {
    each_entry(|shader, module, info, index| {
        let entry = &module.entry_points[index];
        // Subgroup operations came with 1.3; a portable shader runs on the first version too.
        let lang_version = if shader.portable { (1, 0) } else { (1, 3) };
        let options = spv::Options { lang_version, ..Default::default() };
        let pipeline = spv::PipelineOptions { shader_stage: entry.stage, entry_point: entry.name.clone() };
        let words =
            spv::write_vec(module, info, &options, Some(&pipeline)).map_err(|e| format!("SPIR-V: {e}"))?;
        if words.is_empty() { Err("SPIR-V: nothing was written".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn metal_can_have_every_entry_point() {
    each_entry(|_, module, info, index| {
        let entry = &module.entry_points[index];
        let options = msl::Options { lang_version: (2, 1), ..Default::default() };
        let pipeline = msl::PipelineOptions {
            entry_point: Some((entry.stage, entry.name.clone())),
            ..Default::default()
        };
        let (_, written) =
            msl::write_string(module, info, &options, &pipeline).map_err(|e| format!("MSL: {e}"))?;
        // The writer reports what concerns one entry point beside its result, not as an error.
        for name in written.entry_point_names {
            name.map_err(|e| format!("MSL: {e}"))?;
        }
        Ok(())
    });
}

#[test]
fn directx_can_have_every_entry_point() {
    each_entry(|shader, module, info, index| {
        let entry = &module.entry_points[index];
        // 5.1 is what the older compiler of Windows takes; it knows no subgroups.
        let models: &[_] = if shader.portable {
            &[hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0]
        } else {
            &[hlsl::ShaderModel::V6_0]
        };
        for &shader_model in models {
            let options = hlsl::Options { shader_model, ..Default::default() };
            let pipeline = hlsl::PipelineOptions { entry_point: Some((entry.stage, entry.name.clone())) };
            let mut text = String::new();
            let written = hlsl::Writer::new(&mut text, &options, &pipeline)
                .write(module, info, None)
                .map_err(|e| format!("HLSL {shader_model:?}: {e}"))?;
            for name in written.entry_point_names {
                name.map_err(|e| format!("HLSL {shader_model:?}: {e}"))?;
            }
        }
        Ok(())
    });
}

#[test]
fn opengl_can_have_every_portable_entry_point() {
    each_entry(|shader, module, info, index| {
        if !shader.portable {
            return Ok(());
        }
        let entry = &module.entry_points[index];
        for version in [glsl::Version::Desktop(430), glsl::Version::new_gles(310)] {
            let options = glsl::Options { version, ..Default::default() };
            let pipeline = glsl::PipelineOptions {
                shader_stage: entry.stage,
                entry_point: entry.name.clone(),
                multiview: None,
            };
            let mut text = String::new();
            let policies = BoundsCheckPolicies::default();
            glsl::Writer::new(&mut text, module, info, &options, &pipeline, policies)
                .and_then(|mut writer| writer.write())
                .map_err(|e| format!("GLSL {version}: {e}"))?;
        }
        Ok(())
    });
}

#[test]
fn portable_entry_points_keep_to_the_limits_of_any_adapter() {
    each_entry(|shader, module, info, index| {
        if !shader.portable {
            return Ok(());
        }
        let uses = info.get_entry_point(index);
        let (mut buffers, mut bytes) = (0, 0);
        for (handle, variable) in module.global_variables.iter() {
            if uses[handle].is_empty() {
                continue;
            }
            match variable.space {
                AddressSpace::Storage { .. } => buffers += 1,
                // Each variable may be padded to 16 bytes.
                AddressSpace::WorkGroup => {
                    bytes += module.types[variable.ty].inner.size(module.to_ctx()).next_multiple_of(16);
                }
                _ => {}
            }
        }
        let invocations: u32 = module.entry_points[index].workgroup_size.iter().product();
        if buffers > STORAGE_BUFFERS {
            return Err(format!("{buffers} storage buffers, more than {STORAGE_BUFFERS}"));
        }
        if bytes > WORKGROUP_BYTES {
            return Err(format!("{bytes} bytes of workgroup memory, more than {WORKGROUP_BYTES}"));
        }
        if invocations > INVOCATIONS {
            return Err(format!("{invocations} invocations in a workgroup, more than {INVOCATIONS}"));
        }
        Ok(())
    });
}

// ---- The source tree ----

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A path as the rules and messages write it: relative to the root, with `/` on every system.
fn shown(path: &Path) -> String {
    let relative = path.strip_prefix(root()).unwrap_or(path);
    relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The files under a folder of the repository that end so, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap_or_else(|e| panic!("{}: {e}", folder.display())).path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} file under {folder}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Files of unit tests, which may do what the library may not.
fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("tests.rs") || name == "testing.rs"
}

/// The lines of code with their numbers: no comments, and nothing from the unit tests on.
fn code(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{')
    });
    let end = tests.unwrap_or(lines.len());
    lines[..end]
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line.split(" // ").next().unwrap_or(line)))
        .collect()
}

/// Whether a line names a crate or module as the head of a path: `wgpu::x` but not `swav_wgpu::x`.
fn names(line: &str, head: &str) -> bool {
    let path = format!("{head}::");
    let is_head = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let imported = ["use", "extern crate"].iter().any(|word| {
        let rest = line.trim_start().trim_start_matches("pub ").strip_prefix(word);
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix(head));
        rest.is_some_and(|rest| rest.starts_with([';', ' ']))
    });
    imported || line.match_indices(&path).any(|(at, _)| is_head(at))
}

/// The modules that a line takes from the root of the crate; a group counts as each of its members.
fn crate_modules(line: &str) -> Vec<&str> {
    let first = |text| {
        let text: &str = text;
        text.trim_start().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("")
    };
    let mut found = Vec::new();
    for (at, path) in line.match_indices("crate::") {
        let rest = &line[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group.split(',').map(first).filter(|name| !name.is_empty())),
            None => found.push(first(rest)),
        }
    }
    found
}

/// Applies a rule to every line of code and lists all the lines that break it.
fn refuse(files: &[PathBuf], why: &str, breaks: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for path in files {
        let text = read(path);
        let lines = code(&text).into_iter().filter(|(_, line)| breaks(line));
        found.extend(lines.map(|(at, line)| format!("{}:{at}: {}", shown(path), line.trim())));
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

#[test]
fn every_shader_has_one_rust_twin() {
    let stem = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').next().unwrap_or_default().to_owned()
    };
    let is_own = |path: &&PathBuf| !shown(path).starts_with("shaders/shared/");
    let wgsl = files("shaders", ".wgsl");
    let own: Vec<&PathBuf> = wgsl.iter().filter(is_own).collect();
    let shaders: BTreeSet<String> = own.iter().map(|path| stem(path)).collect();
    let rust = files("src/ops", ".rs");
    let twins: BTreeSet<String> =
        rust.iter().filter(|path| !is_test(path)).map(stem).filter(|name| name != "mod").collect();
    assert_eq!(shaders, twins, "shaders/*.wgsl (left) and src/ops/*.rs (right) must be twins");

    let known: BTreeSet<String> = shader_sources().iter().map(|s| format!("shaders/{}", s.file)).collect();
    let there: BTreeSet<String> = own.iter().map(|path| shown(path)).collect();
    assert_eq!(known, there, "shader_sources() (left) must list every file of shaders/ (right)");
}

#[test]
fn only_gpu_names_wgpu_and_naga() {
    let mut outside = files("src", ".rs");
    outside.retain(|path| !shown(path).starts_with("src/gpu/"));
    refuse(&outside, "only src/gpu may name wgpu or naga", |line| names(line, "wgpu") || names(line, "naga"));
    let app = files("app/src", ".rs");
    refuse(&app, "the app uses the library, not wgpu", |line| names(line, "wgpu"));
}

#[test]
fn data_sees_no_device() {
    const ALLOWED: [&str; 3] = ["data", "error", "rng"];
    let mut data = files("src/data", ".rs");
    data.retain(|path| !is_test(path));
    refuse(&data, "src/data may use only data, error and rng of this crate", |line| {
        crate_modules(line).iter().any(|name| !ALLOWED.contains(name))
    });
}

#[test]
fn the_library_neither_prints_nor_exits_nor_reads_the_environment() {
    const REFUSED: [&str; 6] = ["println!", "print!", "eprint!", "process::exit", "std::env::", "env::var"];
    let mut library = files("src", ".rs");
    library.retain(|path| {
        let name = shown(path);
        !(name.starts_with("src/cli/") || name == "src/main.rs" || is_test(path))
    });
    refuse(&library, "only src/cli and src/main.rs may do this", |line| {
        REFUSED.iter().any(|word| line.contains(word))
    });
}

#[test]
fn files_are_short_enough_to_read() {
    let mut all = files("src", ".rs");
    all.extend(files("tests", ".rs"));
    all.extend(files("shaders", ".wgsl"));
    let long: Vec<String> = all
        .iter()
        .map(|path| (shown(path), read(path).lines().count()))
        .filter(|(_, lines)| *lines >= LINES)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these (the limit is {LINES} lines):\n{}", long.join("\n"));
}

#[test]
fn the_rules_see_what_they_should() {
    assert!(
        names("let x: wgpu::Device;", "wgpu")
            && names("use wgpu;", "wgpu")
            && names("use wgpu as w;", "wgpu")
    );
    assert!(!names("use swav_wgpu::gpu;", "wgpu") && !names("swav-wgpu train", "wgpu"));
    assert_eq!(crate_modules("use crate::{error::Error, gpu};"), ["error", "gpu"]);
    assert_eq!(crate_modules("f(crate::rng::x(), crate::data::y)"), ["rng", "data"]);
    let text =
        "a\n// b\nc // d\n#[cfg(test)]\nmod testing;\ne\n#[cfg(test)]\nmod tests {\n    println!();\n}\n";
    let seen: Vec<usize> = code(text).iter().map(|(at, _)| *at).collect();
    assert_eq!(seen, [1, 3, 4, 5, 6]);
}
