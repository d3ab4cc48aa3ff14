//! Every entry point is written in the language of every system.

use super::{Ready, each_entry};
use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::BoundsCheckPolicies;
use swav_wgpu::gpu::{Family, Shader};

/// The words that Vulkan drivers get.
pub(super) fn spirv(shader: &Shader, ready: &Ready) -> Result<Vec<u32>, String> {
    let entry = ready.entry();
    // Subgroup operations came with 1.3; a portable shader runs on the first version too.
    let lang_version = if shader.portable { (1, 0) } else { (1, 3) };
    let options = spv::Options {
        lang_version,
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        ..Default::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: entry.stage, entry_point: entry.name.clone() };
    spv::write_vec(&ready.module, &ready.info, &options, Some(&pipeline)).map_err(|e| format!("SPIR-V: {e}"))
}

/// The text that DirectX's compilers get, and the entry point's name in it.
pub(super) fn directx(
    ready: &Ready,
    shader_model: hlsl::ShaderModel,
) -> Result<(String, Vec<String>), String> {
    let entry = ready.entry();
    let options = hlsl::Options { shader_model, ..Default::default() };
    let pipeline = hlsl::PipelineOptions { entry_point: Some((entry.stage, entry.name.clone())) };
    let mut text = String::new();
    let written = hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(&ready.module, &ready.info, None)
        .map_err(|e| format!("HLSL {shader_model:?}: {e}"))?;
    let names: Result<Vec<_>, _> = written.entry_point_names.into_iter().collect();
    Ok((text, names.map_err(|e| format!("HLSL {shader_model:?}: {e}"))?))
}

#[test]
fn vulkan_can_have_every_entry_point() {
    each_entry(|shader, ready| {
        let words = spirv(shader, ready)?;
        if words.is_empty() { Err("SPIR-V: nothing was written".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn metal_can_have_every_entry_point() {
    each_entry(|shader, ready| {
        let entry = ready.entry();
        let lang_version = match shader.family() {
            Some(Family::Matrix) if shader.name().contains("matrix.scalars.") => (2, 3),
            // Of the others, Metal has no blocks of 16, and loads none from arrays of quads.
            Some(Family::Matrix) => return Ok(()),
            _ => (2, 1),
        };
        let options = msl::Options { lang_version, ..Default::default() };
        let pipeline = msl::PipelineOptions {
            entry_point: Some((entry.stage, entry.name.clone())),
            ..Default::default()
        };
        let (text, written) = msl::write_string(&ready.module, &ready.info, &options, &pipeline)
            .map_err(|e| format!("MSL: {e}"))?;
        // The writer reports what concerns one entry point beside its result, not as an error.
        let names: Result<Vec<_>, _> = written.entry_point_names.into_iter().collect();
        let names = names.map_err(|e| format!("MSL: {e}"))?;
        holds("MSL", &text, &names)
    });
}

#[test]
fn directx_can_have_every_entry_point() {
    each_entry(|shader, ready| {
        if shader.family() == Some(Family::Matrix) {
            return Ok(()); // wgpu has no matrix units on DirectX
        }
        // 5.1 is what the older compiler of Windows takes; it knows no subgroups.
        let models: &[_] = if shader.portable {
            &[hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0]
        } else {
            &[hlsl::ShaderModel::V6_0]
        };
        models.iter().try_for_each(|&model| {
            directx(ready, model).and_then(|(text, names)| holds("HLSL", &text, &names))
        })
    });
}

#[test]
fn opengl_can_have_every_portable_entry_point() {
    each_entry(|shader, ready| {
        if !shader.portable {
            return Ok(());
        }
        let entry = ready.entry();
        for version in [glsl::Version::Desktop(430), glsl::Version::new_gles(310)] {
            let options = glsl::Options { version, ..Default::default() };
            let pipeline = glsl::PipelineOptions {
                shader_stage: entry.stage,
                entry_point: entry.name.clone(),
                multiview: None,
            };
            let mut text = String::new();
            let policies = BoundsCheckPolicies::default();
            glsl::Writer::new(&mut text, &ready.module, &ready.info, &options, &pipeline, policies)
                .and_then(|mut writer| writer.write())
                .map_err(|e| format!("GLSL {version}: {e}"))?;
            holds("GLSL", &text, &["main".to_owned()])?;
        }
        Ok(())
    });
}

/// The text holds the one entry point that was asked for.
fn holds(language: &str, text: &str, names: &[String]) -> Result<(), String> {
    match names {
        [name] if text.contains(&format!("{name}(")) => Ok(()),
        _ => Err(format!("{language}: the text holds {names:?} instead of the entry point")),
    }
}
