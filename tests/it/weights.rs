//! Weights in and out: the official formats (golden group 10), what is exported, and, where they are
//! installed, PyTorch and onnxruntime themselves.

use crate::devices::shared_devices;
use crate::golden::{Case, Golden};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swav_wgpu::config::{Readout, Stem};
use swav_wgpu::gpu::Gpu;
use swav_wgpu::interop::{HostTensor, safetensors, weights};
use swav_wgpu::model::{Inference, NetworkSpec, Seen};
use swav_wgpu::selftest::layout::to_nhwc4;
use swav_wgpu::uses::export::{Format, Names, export};

fn file(case: &Case<'_>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case.text("file"))
}

/// What the network in a file says of pixels.
fn seen(gpu: &Arc<Gpu>, path: &Path, pixels: &HostTensor, readout: Readout) -> (NetworkSpec, Seen) {
    let found = weights::read(path, None).expect("the file can be read");
    let spec = NetworkSpec::of_weights(&found.tensors, Stem::Cifar).expect("it is a ResNet");
    let HostTensor { shape, data, .. } = pixels;
    let view = [shape[2] as u32, shape[3] as u32];
    let network = Inference::new(gpu, &spec, view, readout, path, &found.tensors).expect("its weights fit");
    let seen = network.look(&to_nhwc4(shape, data), shape[0]).expect("the device answers");
    (spec, seen)
}

/// Pixels of a case.
fn pixels(case: &Case<'_>) -> HostTensor {
    let (shape, data) = case.input("x");
    HostTensor::new(shape, data)
}

#[test]
fn official_files_load_and_give_the_same_numbers() {
    let golden = Golden::open();
    for gpu in shared_devices() {
        for case in golden.cases("10_checkpoint_expected") {
            let (spec, seen) = seen(gpu, &file(&case), &pixels(&case), Readout::default());
            let attrs = &case.attrs["arch"];
            assert_eq!(spec.trunk.block.name(), attrs["block"].as_str().unwrap_or_default(), "{}", case.name);
            assert_eq!(spec.trunk.width as u64, attrs["base_width"].as_u64().unwrap_or_default());
            let head = spec.head.expect("a SwAV network has a head");
            assert_eq!(
                [head.embedding, head.prototypes].map(|n| n as u64),
                ["feat", "K"].map(|key| attrs[key].as_u64().unwrap_or_default())
            );
            case.expect("feats", &seen.features.data);
            case.expect("z", &seen.embeddings.expect("there is a head").data);
            case.expect("scores", &seen.similarities.expect("there are prototypes").data);
        }
    }
}

fn bits(tensors: &BTreeMap<String, HostTensor>) -> BTreeMap<&str, (&[usize], Vec<u32>)> {
    let one = |t: &'_ HostTensor| t.data.iter().map(|value| value.to_bits()).collect();
    tensors.iter().map(|(name, t)| (name.as_str(), (t.shape.as_slice(), one(t)))).collect()
}

#[test]
fn what_is_exported_reads_back_bit_for_bit() {
    let (golden, folder) = (Golden::open(), tempfile::tempdir().expect("a folder"));
    for case in golden.cases("10_checkpoint_expected") {
        let before = weights::read(&file(&case), None).expect("the file can be read").tensors;
        for format in [Format::Pytorch, Format::Safetensors] {
            let out = folder.path().join(format!("{}.{}", case.name, format.extension()));
            let done = export(&file(&case), None, format, false, Names::Torchvision, &out)
                .expect("it can be exported");
            let after = weights::read(&out, None).expect("it can be read again").tensors;
            assert_eq!(bits(&before), bits(&after), "{}", case.name);
            assert_eq!(done.tensors, after.len());
            // From one format to the other.
            let again = folder.path().join(format!("{}-{}.again", case.name, format.name()));
            export(&out, None, Format::Pytorch, false, Names::Torchvision, &again)
                .expect("an export can be exported");
            assert_eq!(bits(&weights::read(&again, None).expect("it reads").tensors), bits(&before));
        }
        let trunk = folder.path().join(format!("{}-trunk.pth", case.name));
        export(&file(&case), None, Format::Pytorch, true, Names::Torchvision, &trunk)
            .expect("it can be exported");
        let names: Vec<String> = weights::read(&trunk, None).expect("it reads").tensors.into_keys().collect();
        assert!(
            names.iter().all(|name| name.starts_with("conv1")
                || name.starts_with("bn1")
                || name.starts_with("layer"))
        );
    }
}

/// What others load is found again by the names that they give: all tensors that their own state dict has.
#[test]
fn names_of_other_trainers_read_back_as_the_same_network() {
    let (golden, folder) = (Golden::open(), tempfile::tempdir().expect("a folder"));
    for case in golden.cases("10_checkpoint_expected") {
        let before = weights::read(&file(&case), None).expect("the file can be read").tensors;
        for names in Names::ALL {
            let mut wanted = before.clone();
            match names {
                // It has no prototypes.
                Names::Moco => wanted.retain(|name, _| !name.starts_with("prototypes.")),
                // Its linear layers have no bias before a batch norm, whose mean takes it.
                Names::Lightly => {
                    let bias = wanted["projection_head.0.bias"].clone();
                    wanted.get_mut("projection_head.0.bias").expect("it is there").data.fill(0.0);
                    let mean = wanted.get_mut("projection_head.1.running_mean").expect("it is there");
                    mean.data.iter_mut().zip(bias.data).for_each(|(mean, bias)| *mean -= bias);
                }
                Names::Torchvision | Names::SoloLearn => {}
            }
            for format in [Format::Pytorch, Format::Safetensors] {
                let ending = format!("{}.{}.{}", case.name, names.name(), format.extension());
                let out = folder.path().join(ending);
                export(&file(&case), None, format, false, names, &out).expect("it can be exported");
                let after = weights::read(&out, None).expect("it can be read again").tensors;
                assert_eq!(bits(&wanted), bits(&after), "{} of {}", names.name(), case.name);
            }
        }
    }
}

#[test]
fn a_file_with_a_tensor_too_few_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = Golden::open();
    let case = &golden.cases("10_checkpoint_expected")[0];
    let mut tensors = weights::read(&file(case), None).expect("the file can be read").tensors;
    tensors.remove("layer2.0.bn1.running_var");
    tensors.insert("bn1.weight".into(), HostTensor::new([1], vec![0.0]));
    let path = folder.path().join("few.safetensors");
    safetensors::write(&path, &tensors, &BTreeMap::new()).expect("it can be written");
    let error = export(&path, None, Format::Onnx, true, Names::Torchvision, &folder.path().join("x"))
        .expect_err("it does not fit")
        .to_string();
    for word in ["missing: layer2.0.bn1.running_var", "of another shape: bn1.weight ([1], wanted ["] {
        assert!(error.contains(word), "{error}");
    }
}

/// `SWAV_PYTHON=venv/bin/python cargo test --release --test it -- --nocapture real_tools`, where that environment has
/// torch, onnx, onnxruntime and safetensors from PyPI. Without the variable there is nothing to do it with.
#[test]
fn real_tools_read_the_exports_and_see_the_same_features() {
    let Ok(python) = std::env::var("SWAV_PYTHON") else {
        println!("skipped: SWAV_PYTHON names no python with torch, onnx, onnxruntime and safetensors");
        return;
    };
    let (golden, folder) = (Golden::open(), tempfile::tempdir().expect("a folder"));
    let gpu = &shared_devices()[0];
    for case in golden.cases("10_checkpoint_expected") {
        let all = pixels(&case);
        // A graph of a grid takes square pictures.
        let (n, side) = (all.shape[0], all.shape[2].min(all.shape[3]));
        let square = HostTensor::new(vec![n, 3, side, side], all.data[..n * 3 * side * side].to_vec());
        let third = Readout { stage: 3, grid: 2 };
        for (readout, x) in [(Readout::default(), &all), (third, &square)] {
            let source = folder.path().join("read.safetensors");
            let tensors = weights::read(&file(&case), None).expect("the file can be read").tensors;
            let config = format!(
                "stem = \"cifar\"\neval_size = {}\neval_stage = {}\neval_grid = {}\n",
                x.shape[2], readout.stage, readout.grid
            );
            let metadata = BTreeMap::from([("config".to_owned(), config)]);
            safetensors::write(&source, &tensors, &metadata).expect("it can be written");
            let files = Format::ALL.map(|format| {
                let out = folder.path().join(format!("{}.{}", case.name, format.extension()));
                export(&source, None, format, false, Names::Torchvision, &out).expect("it can be exported");
                out
            });
            let (_, ours) = seen(gpu, &source, x, readout);
            let rows = [ours.features.rows, ours.features.dim];
            let tensors = BTreeMap::from([
                ("x".to_owned(), x.clone()),
                ("features".to_owned(), HostTensor::new(rows, ours.features.data)),
            ]);
            let numbers = folder.path().join("numbers.safetensors");
            safetensors::write(&numbers, &tensors, &BTreeMap::new()).expect("it can be written");
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/check_export.py");
            let mut check = std::process::Command::new(&python);
            check
                .arg(script)
                .args([readout.stage, readout.grid].map(|n| n.to_string()))
                .arg(&numbers)
                .args(&files);
            assert!(check.status().expect("python runs").success(), "{} {readout:?}", case.name);
        }
    }
}
