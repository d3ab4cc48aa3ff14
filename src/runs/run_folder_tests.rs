//! Run folders: made, counted, claimed, opened; metrics cut back to a checkpoint.

use super::*;
use serde_json::json;

#[test]
fn a_new_folder_is_made_and_an_old_one_refused() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("runs/a");
    let run = RunFolder::create(&path).unwrap();
    assert!(path.is_dir());
    assert!(RunFolder::open(&path).unwrap_err().to_string().contains("not a run folder"));
    drop(run);
    let run = RunFolder::create(&path).unwrap();
    run.write_text_atomic(&run.config(), "batch = 64\n").unwrap();
    let message = RunFolder::create(&path).unwrap_err().to_string();
    assert!(message.contains("--resume") && message.contains("--out"), "{message}");
    drop(run);
    assert_eq!(RunFolder::open(&path).unwrap().path(), path);
    let other = here.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("photo.jpg"), "x").unwrap();
    let message = RunFolder::create(&other).unwrap_err().to_string();
    assert!(message.contains("not empty") && message.contains("--out"), "{message}");
    for bad in [other.join("photo.jpg"), here.path().join("none")] {
        assert!(RunFolder::open(&bad).is_err());
    }
    assert!(RunFolder::create(&other.join("photo.jpg")).unwrap_err().to_string().contains("--out"));
}

#[test]
fn runs_without_a_name_are_counted() {
    let here = tempfile::tempdir().unwrap();
    let parent = here.path().join("runs");
    let next = || RunFolder::create_next(&parent, "demo").unwrap().path().to_owned();
    assert_eq!([next(), next()], [parent.join("demo-1"), parent.join("demo-2")]);
    std::fs::write(parent.join("demo-3"), "a file").unwrap();
    assert_eq!(next(), parent.join("demo-4"));
    assert!(RunFolder::create_next(&parent.join("demo-3"), "demo").is_err());
}

#[test]
fn metrics_are_cut_back_to_the_checkpoint() {
    let here = tempfile::tempdir().unwrap();
    let run = RunFolder::create(here.path()).unwrap();
    assert_eq!(run.truncate_metrics_after(3).unwrap(), 0);
    for step in 1..=5 {
        run.append_metrics(&json!({"step": step, "loss": 1.0 / f64::from(step)})).unwrap();
        run.append_metrics(&json!({"note": step})).unwrap();
    }
    let torn = std::fs::read_to_string(run.metrics()).unwrap() + "{\"step\": 6, \"lo";
    std::fs::write(run.metrics(), &torn).unwrap();
    assert_eq!(run.truncate_metrics_after(9).unwrap(), 1);
    assert_eq!(run.truncate_metrics_after(9).unwrap(), 0);
    assert_eq!(run.truncate_metrics_after(3).unwrap(), 4);
    run.append_metrics(&json!({"step": 4})).unwrap();
    run.sync_metrics().unwrap();
    let text = std::fs::read_to_string(run.metrics()).unwrap();
    assert_eq!(text.lines().count(), 7);
    assert!(text.ends_with("{\"step\":4}\n"), "{text}");
    // Not even text: nothing of it can be kept, and nothing panics.
    std::fs::write(run.metrics(), [0xff, 0xfe, b'\n', 0]).unwrap();
    assert_eq!(run.truncate_metrics_after(3).unwrap(), 2);
    assert_eq!(std::fs::read(run.metrics()).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn a_folder_belongs_to_one_run_at_a_time() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("run");
    let first = RunFolder::create(&path).unwrap();
    first.write_text_atomic(&first.config(), "batch = 64\n").unwrap();
    std::fs::write(path.join(".swav-busy.tmp"), "half a checkpoint").unwrap();
    let message = RunFolder::open(&path).unwrap_err().to_string();
    assert!(message.contains("in use") && message.contains("`resume`"), "{message}");
    assert!(path.join(".swav-busy.tmp").exists(), "what the other run writes is left alone");
    RunFolder::find(&path).unwrap();
    let copy = first.clone();
    drop(first);
    assert!(RunFolder::open(&path).is_err());
    drop(copy);
    RunFolder::open(&path).unwrap();
    assert!(!path.join(".swav-busy.tmp").exists());
}

#[test]
fn the_command_that_resumes_can_be_pasted() {
    assert_eq!(resume_command(Path::new("runs/demo-1")), "swav-wgpu train --resume runs/demo-1");
    assert_eq!(resume_command(Path::new("my runs/a")), "swav-wgpu train --resume 'my runs/a'");
}
