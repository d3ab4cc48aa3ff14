//! Checkpoints that are whole, cut, damaged, foreign, or of a run that was killed while it saved.

use super::*;

fn at(step: u64) -> Checkpoint {
    let tensors = [
        ("conv1.weight".to_owned(), HostTensor::new([4, 3, 3, 3], vec![step as f32; 108])),
        ("queue".to_owned(), HostTensor::new([2, 8, 4], (0..64).map(|i| i as f32 / 7.0).collect())),
    ];
    let meta = Meta {
        format: FORMAT.to_owned(),
        config: "batch = 64\nname = \"ü\"\n".to_owned(),
        step,
        epoch: 3,
        batch_in_epoch: 5,
        state: serde_json::json!({"best": 0.25, "note": "text", "bits": f64::to_bits(0.1)}),
    };
    Checkpoint { tensors: tensors.into(), meta }
}

#[test]
fn saved_and_loaded_is_the_same_and_the_previous_is_kept() {
    let run = tempfile::tempdir().unwrap();
    for step in 1..=3 {
        let path = at(step).save(run.path()).unwrap();
        assert_eq!(path, run.path().join(NEWEST));
    }
    let loaded = Checkpoint::load(run.path()).unwrap();
    assert_eq!(loaded.checkpoint, at(3));
    assert!(loaded.warning.is_none());
    assert_eq!(Checkpoint::load(&run.path().join(PREVIOUS)).unwrap().checkpoint, at(2));
    assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 2);
    let mut text = at(1);
    text.meta.state = Value::String("7".to_owned());
    text.save(run.path()).unwrap();
    assert_eq!(Checkpoint::load(run.path()).unwrap().checkpoint, text);
}

/// Of these, a reader of decimal text that rounds twice makes neighbours (serde_json without `float_roundtrip`).
#[test]
fn floats_of_the_state_come_back_to_the_last_bit() {
    let run = tempfile::tempdir().unwrap();
    let floats = [51.248178375505404, -93.31137037688033, 52.314008204106244, 0.1, 5e-324, f64::MAX];
    let mut saved = at(1);
    saved.meta.state = serde_json::json!({ "recent": floats });
    saved.save(run.path()).unwrap();
    let state = Checkpoint::load(run.path()).unwrap().checkpoint.meta.state;
    let read: Vec<f64> = serde_json::from_value(state["recent"].clone()).unwrap();
    let bits = |floats: &[f64]| floats.iter().map(|float| float.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read), bits(&floats));
}

#[test]
fn truncated_anywhere_falls_back_or_is_an_error() {
    let run = tempfile::tempdir().unwrap();
    let newest = at(1).save(run.path()).unwrap();
    let whole = std::fs::read(&newest).unwrap();
    for tenth in 0..10 {
        std::fs::write(&newest, &whole[..whole.len() * tenth / 10]).unwrap();
        let error = Checkpoint::load(run.path()).unwrap_err();
        assert!(matches!(error, Error::Checkpoint { .. }), "{error}");
        assert!(error.to_string().contains(NEWEST) && error.to_string().contains("cut short"), "{error}");
    }
    std::fs::write(&newest, &whole).unwrap();
    at(2).save(run.path()).unwrap();
    let whole = std::fs::read(&newest).unwrap();
    for tenth in 0..10 {
        std::fs::write(&newest, &whole[..whole.len() * tenth / 10]).unwrap();
        let loaded = Checkpoint::load(run.path()).unwrap();
        assert_eq!((loaded.checkpoint, loaded.path), (at(1), run.path().join(PREVIOUS)));
        assert!(loaded.warning.unwrap().contains("step 1"));
    }
}

#[test]
fn a_kill_at_any_moment_of_saving_leaves_a_whole_checkpoint() {
    let run = tempfile::tempdir().unwrap();
    at(1).save(run.path()).unwrap();
    at(2).save(run.path()).unwrap();
    let newest = run.path().join(NEWEST);
    // Killed while writing the temporary file: a leftover, and nothing else changed.
    std::fs::write(run.path().join(".swav-killed.tmp"), b"half").unwrap();
    assert_eq!(Checkpoint::load(run.path()).unwrap().checkpoint, at(2));
    // Killed between the renames: the temporary is whole, the newest name is free.
    let (_, kept) =
        safetensors::temporary(&newest, &at(3).tensors, &at(3).metadata().unwrap()).unwrap().keep().unwrap();
    rotate(run.path()).unwrap();
    assert!(kept.exists() && !newest.exists());
    let loaded = Checkpoint::load(run.path()).unwrap();
    assert_eq!(loaded.checkpoint, at(2));
    assert!(loaded.warning.unwrap().contains("stopped while it saved"));
    // The next save clears the leftovers and keeps step 2 as the one before.
    at(4).save(run.path()).unwrap();
    assert_eq!(Checkpoint::load(run.path()).unwrap().checkpoint, at(4));
    assert_eq!(Checkpoint::load(&run.path().join(PREVIOUS)).unwrap().checkpoint, at(2));
    assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 2);
}

#[test]
fn a_damaged_newest_never_pushes_out_a_good_previous() {
    let run = tempfile::tempdir().unwrap();
    at(1).save(run.path()).unwrap();
    let newest = at(2).save(run.path()).unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x40;
    std::fs::write(&newest, bytes).unwrap();
    let loaded = Checkpoint::load(run.path()).unwrap();
    assert_eq!(loaded.checkpoint, at(1));
    assert!(loaded.warning.unwrap().contains("checksum"));
    rotate(run.path()).unwrap();
    assert_eq!(Checkpoint::load(&run.path().join(PREVIOUS)).unwrap().checkpoint, at(1));
    at(3).save(run.path()).unwrap();
    assert_eq!(Checkpoint::load(run.path()).unwrap().checkpoint, at(3));
}

#[test]
fn foreign_files_are_named_for_what_they_are() {
    let run = tempfile::tempdir().unwrap();
    let message = |path: &Path| Checkpoint::load(path).unwrap_err().to_string();
    assert!(message(run.path()).contains("holds no checkpoint"));
    let path = run.path().join("weights.safetensors");
    safetensors::write(&path, &at(1).tensors, &BTreeMap::new()).unwrap();
    assert!(message(&path).contains("not a checkpoint of this program"));
    let mut other = at(1);
    other.meta.format = "swav-wgpu/9".to_owned();
    other.save(run.path()).unwrap();
    assert!(message(run.path()).contains("swav-wgpu/9"));
    std::fs::write(&path, "PK\u{3}\u{4} a PyTorch file, much longer than a header length").unwrap();
    assert!(message(&path).contains("not a safetensors file"));
    assert!(matches!(Checkpoint::load(&run.path().join("none")).unwrap_err(), Error::Io { .. }));
    let mut metadata = at(1).metadata().unwrap();
    metadata.remove("step");
    safetensors::write(&path, &at(1).tensors, &metadata).unwrap();
    assert!(message(&path).contains("step"));
}

#[test]
fn another_model_is_named_by_its_first_tensor() {
    let path = Path::new("run/checkpoint.safetensors");
    let wants = |name: &str, shape: &[usize]| at(1).expect_shapes(path, &[(name.to_owned(), shape.to_vec())]);
    wants("conv1.weight", &[4, 3, 3, 3]).unwrap();
    let message = wants("conv1.weight", &[64, 3, 7, 7]).unwrap_err().to_string();
    assert!(message.contains("conv1.weight is [4, 3, 3, 3], this model wants [64, 3, 7, 7]"), "{message}");
    assert!(wants("fc", &[1]).unwrap_err().to_string().contains("fc is missing"));
}

#[test]
fn a_folder_that_went_away_is_an_io_error() {
    let run = tempfile::tempdir().unwrap();
    assert!(matches!(at(1).save(&run.path().join("gone")).unwrap_err(), Error::Io { .. }));
}
