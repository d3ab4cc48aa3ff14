//! What is exported under other trainers' names: the keys of their own state dicts, the same values in evaluation mode,
//! and the way back.

mod checkpoint;
mod keys;

use crate::reference::{Rng64, Tensor64, linear, norm, relu};
use checkpoint::{EMBEDDING, PROTOTYPES, QUEUE, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use swav_wgpu::config::Method;
use swav_wgpu::interop::{HostTensor, ScalarType, safetensors, weights};
use swav_wgpu::uses::export::{Exported, Format, Names, export};

type Tensors = BTreeMap<String, HostTensor>;

fn exported(run: &Path, names: Names) -> (Exported, Tensors, PathBuf) {
    let out = run.with_extension(format!("{}.safetensors", names.name()));
    let done = export(run, None, Format::Safetensors, false, names, &out).expect("it can be exported");
    let tensors = safetensors::read(&out).expect("it can be read").tensors;
    assert_eq!(done.tensors, tensors.len());
    (done, tensors, out)
}

#[test]
fn keys_are_those_of_each_trainers_own_code() {
    let folder = tempfile::tempdir().expect("a folder");
    for &method in Method::ALL {
        let (run, _) = run(method, folder.path());
        let mut wanted = vec![];
        match method {
            Method::MocoV2 => wanted.push((Names::Moco, keys::of_moco())),
            _ => wanted.push((Names::Torchvision, keys::of_swav(method))),
        }
        if matches!(method, Method::Swav | Method::Byol | Method::MocoV2) {
            wanted.push((Names::Lightly, keys::of_lightly(method)));
        }
        if method != Method::Simclr {
            wanted.push((Names::SoloLearn, keys::of_solo_learn(method)));
        }
        for (names, mut wanted) in wanted {
            let found: Vec<String> = exported(&run, names).1.into_keys().collect();
            wanted.sort();
            assert_eq!(found, wanted, "{method} for {}", names.name());
        }
    }
}

#[test]
fn what_a_trainer_has_no_tensor_for_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (method, names, told) in [
        (Method::Byol, Names::Torchvision, Some("`predictor`, `target`.")),
        (Method::Byol, Names::Moco, Some("`predictor`.")),
        (Method::Byol, Names::SoloLearn, None),
        (Method::MocoV2, Names::Lightly, Some("`queue`.")),
        (Method::MocoV2, Names::Moco, None),
        (Method::Swav, Names::Moco, Some("`prototypes`, `queue`.")),
        (Method::DeepclusterV2, Names::Torchvision, Some("`bank`, `labels`.")),
        (Method::Supervised, Names::Lightly, Some("`fc`.")),
        (Method::Supervised, Names::Torchvision, None),
    ] {
        let inside = tempfile::tempdir_in(folder.path()).expect("a folder");
        let (run, _) = run(method, inside.path());
        let note = exported(&run, names).0.note;
        match told {
            Some(told) => assert!(note.contains("Left out") && note.ends_with(told), "{method}: {note}"),
            None => assert!(!note.contains("Left out"), "{method}: {note}"),
        }
        // Who asks for the trunk gets it, and is told nothing.
        let out = inside.path().join("trunk.pth");
        let trunk = export(&run, None, Format::Pytorch, true, names, &out).expect("it can be exported");
        assert!(
            trunk.tensors == keys::trunk("", keys::TORCHVISION).len() && !trunk.note.contains("Left out")
        );
    }
}

#[test]
fn a_graph_says_which_method_trained_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, _) = run(Method::Byol, folder.path());
    let out = folder.path().join("a.onnx");
    export(&run, None, Format::Onnx, false, Names::Torchvision, &out).expect("it can be exported");
    let bytes = std::fs::read(&out).expect("it is there");
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("Trunk after BYOL: ") && !has("SwAV") && !has("projection_head"));
}

fn wide(tensors: &Tensors, name: &str) -> Tensor64 {
    let tensor = &tensors[name];
    Tensor64::from_f32(&tensor.shape, &tensor.data)
}

/// A perceptron with a batch norm in evaluation mode, with the bias of its first layer where there is one.
fn evaluated(tensors: &Tensors, path: &str, x: &Tensor64) -> Tensor64 {
    let get = |rest: &str| wide(tensors, &format!("{path}.{rest}"));
    let bias = tensors.contains_key(&format!("{path}.0.bias")).then(|| get("0.bias"));
    let hidden = linear::forward(x, &get("0.weight"), bias.as_ref());
    let [weight, shift, mean, var] =
        ["weight", "bias", "running_mean", "running_var"].map(|part| get(&format!("1.{part}")));
    let hidden = relu::forward(&norm::batch_norm_eval(&hidden, &weight, &shift, &mean, &var));
    linear::forward(&hidden, &get("3.weight"), Some(&get("3.bias")))
}

fn close(found: &Tensor64, wanted: &Tensor64, what: &str) {
    let most = wanted.data.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let worst = found.data.iter().zip(&wanted.data).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(found.shape == wanted.shape && worst <= 1e-6 * most, "{what}: {worst:.1e} of {most:.1e}");
}

#[test]
fn heads_compute_the_same_without_the_bias_before_their_norm() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, ours) = run(Method::Byol, folder.path());
    let (_, theirs, out) = exported(&run, Names::Lightly);
    let back = weights::read(&out, None).expect("it can be read again").tensors;
    let slow = weights::read(&out, Some("backbone_momentum")).expect("it can be read again").tensors;
    let mut random = Rng64(3);
    for (part, other, again, inputs) in [
        ("projection_head", "projection_head.layers", &back, 32),
        ("predictor", "prediction_head.layers", &back, EMBEDDING),
        ("target.projection_head", "projection_head_momentum.layers", &slow, 32),
    ] {
        let x = Tensor64::new(&[9, inputs], (0..9 * inputs).map(|_| random.normal()).collect());
        let wanted = evaluated(&ours, part, &x);
        close(&evaluated(&theirs, other, &x), &wanted, other);
        close(&evaluated(again, part.trim_start_matches("target."), &x), &wanted, part);
    }
}

#[test]
fn prototypes_score_the_same_as_lengths_and_directions_or_with_a_bias() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, ours) = run(Method::Swav, folder.path());
    let mut random = Rng64(5);
    let z = Tensor64::new(&[4, EMBEDDING], (0..4 * EMBEDDING).map(|_| random.normal()).collect());
    let wanted = linear::forward(&z, &wide(&ours, "prototypes.weight"), None);

    let solo = exported(&run, Names::SoloLearn).1;
    let (length, direction) = (wide(&solo, "prototypes.weight_g"), wide(&solo, "prototypes.weight_v"));
    assert_eq!(length.shape, [PROTOTYPES, 1]);
    let rows = norm::l2_normalize(&direction);
    let rows = rows
        .data
        .chunks(EMBEDDING)
        .zip(&length.data)
        .flat_map(|(row, length)| row.iter().map(move |v| v * length));
    let rows = Tensor64::new(&direction.shape, rows.collect());
    close(&linear::forward(&z, &rows, None), &wanted, "solo-learn");

    let lightly = exported(&run, Names::Lightly).1;
    let (weight, bias) =
        (wide(&lightly, "prototypes.heads.0.weight"), wide(&lightly, "prototypes.heads.0.bias"));
    close(&linear::forward(&z, &weight, Some(&bias)), &wanted, "lightly");
}

#[test]
fn mocos_queue_has_a_key_in_each_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, ours) = run(Method::MocoV2, folder.path());
    // The file of a run is as good as its folder.
    let named = run.join("checkpoint.safetensors");
    let out = folder.path().join("moco.safetensors");
    export(&named, None, Format::Safetensors, false, Names::Moco, &out).expect("it can be exported");
    let theirs = safetensors::read(&out).expect("it can be read").tensors;
    let (queue, keys) = (&theirs["module.queue"], &ours["queue"]);
    assert_eq!(queue.shape, [EMBEDDING, QUEUE.0]);
    for row in 0..QUEUE.0 {
        let column: Vec<f32> = (0..EMBEDDING).map(|at| queue.data[at * QUEUE.0 + row]).collect();
        assert_eq!(column, keys.data[row * EMBEDDING..(row + 1) * EMBEDDING]);
    }
    let place = &theirs["module.queue_ptr"];
    assert_eq!(
        (place.shape.as_slice(), place.kind, place.data[0]),
        (&[1][..], ScalarType::I64, QUEUE.1 as f32)
    );
    let copy = &theirs["module.encoder_k.fc.2.weight"];
    assert_eq!(copy, &ours["target.projection_head.2.weight"]);
}

/// What goes out under any trainer's names comes back with all that stands on the trunk, and so does the second network.
#[test]
fn exports_come_back_with_what_stands_on_the_trunk() {
    let folder = tempfile::tempdir().expect("a folder");
    for &method in Method::ALL {
        let (run, ours) = run(method, folder.path());
        for names in Names::ALL {
            let out = exported(&run, names).2;
            let back = weights::read(&out, None).expect("it can be read again").tensors;
            let has = |part: &str| {
                let wanted: Vec<(&String, &HostTensor)> =
                    ours.iter().filter(|(name, _)| name.starts_with(part)).collect();
                for (name, tensor) in wanted {
                    let is_folded = |part: &str| {
                        [".0.bias", ".1.running_mean"].iter().any(|rest| *name == format!("{part}{rest}"))
                    };
                    let folded = names == Names::Lightly
                        && ["projection_head", "predictor"].into_iter().any(is_folded);
                    let what = format!("{method} for {}: {name}", names.name());
                    match back.get(name) {
                        None => panic!("{what} is missing"),
                        Some(found) if folded => assert_eq!(found.shape, tensor.shape, "{what}"),
                        Some(found) => assert_eq!(found, tensor, "{what}"),
                    }
                }
            };
            has("layer");
            has("projection_head.");
            if names != Names::Moco {
                has("prototypes.");
            }
            if [Names::Lightly, Names::SoloLearn].contains(&names) {
                has("predictor.");
            }
            if [Names::Torchvision, Names::SoloLearn].contains(&names) {
                has("fc.");
            }
        }
        for (names, key) in [(Names::Moco, "encoder_k"), (Names::SoloLearn, "momentum_backbone")] {
            let Some(last) = ours.keys().rfind(|name| name.starts_with("target.projection_head")) else {
                continue;
            };
            let out = exported(&run, names).2;
            let back = weights::read(&out, Some(key)).expect("it can be read again").tensors;
            assert_eq!(back[last.trim_start_matches("target.")], ours[last], "{method}: {key}");
            assert!(!back.keys().any(|name| name.starts_with("predictor")), "that is the other network's");
        }
    }
}
