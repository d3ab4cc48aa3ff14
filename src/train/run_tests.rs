//! A run whose device leaves out work and says nothing, as a driver does that aborts what takes it too long.

use super::*;
use crate::gpu::Loss;
use crate::method::Trainer;
use std::cell::Cell;
use std::path::Path;

thread_local! {
    /// After how many steps a part of the next one is lost.
    static LOST: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What tests make of a run before it gives the device its next step.
pub(super) fn before_step(done: u64, trainer: &Trainer) {
    if LOST.get() == Some(done) {
        LOST.set(None);
        trainer.lose_part_of_step(Loss::Last);
    }
}

const SETTINGS: &str = r#"
arch = "resnet18"
width = 4
blocks = [1, 1, 1, 1]
stem = "stride2"
hidden = 8
embedding = 8
prototypes = 10
batch = 8
crops = "2x16@0.4-1"
eval_size = 16
eval_resize = 16
steps = 12
warmup = 0
lr = 0.1
freeze_prototypes = 0
queue = 0
report_every = 1
checkpoint_every = 4
eval_every = 0
workers = 1
"#;

fn options(desk: &Path, out: &str, resume: bool) -> TrainOptions {
    let out = desk.join(out);
    if resume {
        let text = std::fs::read_to_string(out.join("config.toml")).unwrap();
        let config = Config::from_toml(&text, "config.toml").unwrap();
        return TrainOptions { config, resume: Some(out), profile: false, within: None };
    }
    let mut config = Config::from_toml(SETTINGS, "the settings of this test").unwrap();
    (config.data, config.out) = (Some(desk.join("pics")), Some(out));
    TrainOptions { config, resume: None, profile: false, within: None }
}

#[test]
fn a_run_whose_device_loses_work_ends_with_its_last_good_checkpoint() {
    let desk = tempfile::tempdir().unwrap();
    std::fs::create_dir(desk.path().join("pics")).unwrap();
    for at in 0..16_u8 {
        let pixel = |x: u32, y: u32| image::Rgb([(x * 16) as u8, (y * 16) as u8, 15 * at]);
        let path = desk.path().join(format!("pics/{at:02}.png"));
        image::RgbImage::from_fn(16, 16, pixel).save(path).unwrap();
    }
    let run = |out: &str, resume: bool| {
        let mut steps = Vec::new();
        let ended = train(options(desk.path(), out, resume), &mut |event| {
            if let Event::Report(report) = event {
                steps.push(report.step);
            }
            Flow::Continue
        });
        (ended, steps)
    };
    run("whole", false).0.unwrap();
    // Two steps after the checkpoint of step 4, and two before the next.
    LOST.set(Some(6));
    let (ended, steps) = run("cut", false);
    assert_eq!(LOST.get(), None, "nothing was lost");
    assert!(matches!(ended, Err(Error::DeviceLost(_))), "{ended:?}");
    // Nothing is told of the step of which a part is missing, nor of a later one.
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    let load = |out: &str| Checkpoint::load(&desk.path().join(out)).unwrap();
    let kept = load("cut");
    assert_eq!((kept.checkpoint.meta.step, kept.warning), (4, None));
    // It is the one of a run that lost nothing: what goes on from it ends at the same bits.
    run("cut", true).0.unwrap();
    let (cut, whole) = (load("cut").checkpoint, load("whole").checkpoint);
    assert_eq!((cut.meta.step, whole.meta.step), (12, 12));
    assert!(cut.tensors == whole.tensors, "the resumed run is another");
}
