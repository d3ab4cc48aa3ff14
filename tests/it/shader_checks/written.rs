//! Every entry point as a file, for the compilers that `tools/judges.sh` asks.

use super::backends::{directx, spirv};
use super::entry_points;
use naga::back::hlsl::ShaderModel;
use std::fmt::Write as _;
use std::path::Path;
use swav_wgpu::gpu::Family;
use swav_wgpu::ops::SHADERS;

/// Writes `NNN.spv`, `NNN.hlsl` and `index.tsv` (number, entry point in either language, `-` where there is none, whether it is portable, name
/// with the constants) into the folder that `SHADERS_OUT` names.
#[test]
#[ignore = "writes files for tools/judges.sh"]
fn every_entry_point_is_written_down() {
    let folder = std::env::var("SHADERS_OUT").expect("SHADERS_OUT names a folder");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let mut index = String::new();
    let mut number = 0;
    for shader in SHADERS {
        for (label, ready) in entry_points(shader).expect("every shader is valid") {
            let words = spirv(shader, &ready).expect("it can be written");
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            std::fs::write(folder.join(format!("{number:03}.spv")), bytes).expect("it can be kept");
            let entry = &ready.entry().name;
            // DirectX has no matrix units.
            let mut name = "-".to_owned();
            if shader.family() != Some(Family::Matrix) {
                let (text, names) = directx(&ready, ShaderModel::V6_0).expect("it can be written");
                std::fs::write(folder.join(format!("{number:03}.hlsl")), text).expect("it can be kept");
                name.clone_from(&names[0]);
            }
            let _ = writeln!(index, "{number:03}\t{entry}\t{name}\t{}\t{label}", shader.portable);
            number += 1;
        }
    }
    std::fs::write(folder.join("index.tsv"), index).expect("it can be kept");
}
