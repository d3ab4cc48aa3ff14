//! The portable entry points keep to WebGPU's default limits, which every adapter has.

use super::{Ready, each_entry, entry_points, sketch};
use naga::AddressSpace;
use std::cell::Cell;
use swav_wgpu::gpu::Family;

const STORAGE_BUFFERS: usize = 8;
const UNIFORM_BUFFERS: usize = 12;
const TEXTURES: usize = 16;
const UNIFORM_BYTES: u32 = 64 * 1024;
const WORKGROUP_BYTES: u32 = 16 * 1024;
const INVOCATIONS: u32 = 256;
const WORKGROUP_SIZE: [u32; 3] = [256, 256, 64];

/// What an entry point has too much of.
fn excess(ready: &Ready) -> Vec<String> {
    let Ready { module, info } = ready;
    let uses = info.get_entry_point(0);
    let (mut buffers, mut uniforms, mut textures, mut bytes) = (0, 0, 0, 0);
    let mut found = Vec::new();
    let mut refuse = |what: &str, have: u32, most: u32| {
        if have > most {
            found.push(format!("{have} {what}, more than {most}"));
        }
    };
    for (_, variable) in module.global_variables.iter().filter(|(handle, _)| !uses[*handle].is_empty()) {
        let size = module.types[variable.ty].inner.size(module.to_ctx());
        match variable.space {
            AddressSpace::Storage { .. } => buffers += 1,
            AddressSpace::Handle => textures += 1,
            AddressSpace::Uniform => {
                uniforms += 1;
                refuse("bytes in one uniform buffer", size, UNIFORM_BYTES);
            }
            // Each variable may be padded to 16 bytes.
            AddressSpace::WorkGroup => bytes += size.next_multiple_of(16),
            _ => {}
        }
        // The program makes one bind group a dispatch.
        if let Some(binding) = &variable.binding {
            refuse("as the number of a bind group", binding.group, 0);
        }
    }
    refuse("storage buffers", buffers as u32, STORAGE_BUFFERS as u32);
    refuse("uniform buffers", uniforms as u32, UNIFORM_BUFFERS as u32);
    refuse("textures", textures as u32, TEXTURES as u32);
    refuse("bytes of workgroup memory", bytes, WORKGROUP_BYTES);
    let size = ready.entry().workgroup_size;
    refuse("invocations in a workgroup", size.iter().product(), INVOCATIONS);
    for (axis, (have, most)) in ["x", "y", "z"].into_iter().zip(size.into_iter().zip(WORKGROUP_SIZE)) {
        refuse(&format!("invocations along {axis}"), have, most);
    }
    found
}

#[test]
fn portable_entry_points_keep_to_the_limits_of_any_adapter() {
    each_entry(|shader, ready| {
        let found = if shader.portable { excess(ready) } else { Vec::new() };
        if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
    });
}

/// What `AdapterFacts::matrix` asks of an adapter.
#[test]
fn matrix_entry_points_keep_to_what_their_adapters_have() {
    let most = Cell::new(0);
    each_entry(|shader, ready| {
        if shader.family() != Some(Family::Matrix) {
            return Ok(());
        }
        let Ready { module, info } = ready;
        let uses = info.get_entry_point(0);
        let shared = module.global_variables.iter().filter(|(handle, variable)| {
            variable.space == AddressSpace::WorkGroup && !uses[*handle].is_empty()
        });
        let bytes = shared
            .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()).next_multiple_of(16));
        let bytes: u32 = bytes.sum();
        most.set(bytes.max(most.get()));
        let invocations: u32 = ready.entry().workgroup_size.iter().product();
        if bytes <= 32 << 10 && invocations <= 256 { Ok(()) } else { Err(format!("{bytes}, {invocations}")) }
    });
    assert!(most.get() > 16 << 10, "the sizes of arrays are seen: {most:?}");
}

#[test]
fn subgroup_entry_points_are_one_subgroup() {
    each_entry(|shader, ready| {
        let size = ready.entry().workgroup_size;
        // What spreads values over a subgroup counts on exactly 8 lanes (`AdapterFacts::supports`).
        if !shader.file.contains(".subgroup.") || size == [8, 1, 1] {
            Ok(())
        } else {
            Err(format!("workgroups of {size:?}"))
        }
    });
}

#[test]
fn every_limit_is_noticed() {
    let buffers = |n: usize| -> String {
        let one = |i| format!("@group(0) @binding({i}) var<storage, read_write> b{i}: array<u32>;\n");
        let uses = |i| format!("b{i}[0] = 1u;");
        let (declared, used): (String, String) = ((0..n).map(one).collect(), (0..n).map(uses).collect());
        format!("{declared}@compute @workgroup_size(1) fn f() {{ {used} }}")
    };
    let memory = |floats: u32| {
        format!(
            "var<workgroup> m: array<f32, {floats}>; @compute @workgroup_size(1) fn f() {{ m[0] = 1.0; }}"
        )
    };
    let group = |size: &str| format!("@compute @workgroup_size({size}) fn f() {{}}");
    let overridden = "override WIDTH: u32 = 1u; @compute @workgroup_size(WIDTH * 16u) fn f() {}".to_owned();
    for (text, wanted) in [
        (buffers(8), ""),
        (buffers(9), "9 storage buffers"),
        (memory(4096), ""),
        (memory(4097), "16400 bytes of workgroup memory"),
        (group("256"), ""),
        (group("16, 17"), "272 invocations in a workgroup"),
        (group("1, 1, 65"), "65 invocations along z"),
        (overridden, "512 invocations in a workgroup"),
    ] {
        let entries = entry_points(&sketch(text.clone(), true)).expect("the sketch is valid");
        let found: Vec<_> = entries.iter().flat_map(|(_, ready)| excess(ready)).collect();
        if wanted.is_empty() {
            assert!(found.is_empty(), "{text}: {found:?}");
        } else {
            assert!(found.iter().any(|f| f.starts_with(wanted)), "{text}: {found:?}, want {wanted}");
        }
    }
}
