//! Looking into a run between two steps: what is shown is sound, and looking changes no bit of the run.

use std::path::Path;
use swav_wgpu::config::{Config, Preset};
use swav_wgpu::runs::checkpoint::Checkpoint;
use swav_wgpu::train::{Event, Flow, Preview, PreviewRequest, TrainOptions, train};

const STEPS: u64 = 4;

fn options(out: &Path) -> TrainOptions {
    let mut config = Config::from_preset(Preset::Demo).expect("the demo is sound");
    let out = out.to_string_lossy().into_owned();
    for (key, value) in [
        ("steps", STEPS.to_string().as_str()),
        ("batch", "8"),
        ("width", "4"),
        ("hidden", "16"),
        ("embedding", "8"),
        ("prototypes", "12"),
        ("crops", "2x16@0.4-1,1x8@0.1-0.4"),
        ("eval_resize", "16"),
        ("eval_size", "16"),
        ("workers", "1"),
        ("eval_every", "0"),
        ("checkpoint_every", "0"),
        ("out", &out),
    ] {
        config.set(key, value).expect("a sound value");
    }
    TrainOptions { config, resume: None, profile: false, within: None }
}

fn request(draw: u64, sample: usize) -> PreviewRequest {
    PreviewRequest { pictures: vec![3, 99, u32::MAX], draw, sample }
}

/// The tensors that a run ended with.
fn weights(folder: &Path) -> Checkpoint {
    Checkpoint::load(folder).expect("a finished run").checkpoint
}

#[test]
fn looking_into_a_run_changes_no_bit_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, watched) = (folder.path().join("plain"), folder.path().join("watched"));
    train(options(&plain), &mut |_| Flow::Continue).unwrap();

    let (mut previews, mut checkpoints, mut finished) = (Vec::<Preview>::new(), Vec::new(), 0);
    train(options(&watched), &mut |event| match event {
        Event::Started(_) => Flow::Preview(request(1, 0)),
        Event::Step { step: 2 } => Flow::Checkpoint,
        Event::Step { step } => Flow::Preview(request(step, 20)),
        Event::Checkpoint { step, .. } => {
            checkpoints.push(step);
            Flow::Continue
        }
        Event::Finished(summary) => {
            assert!(summary.finished && summary.steps == STEPS);
            finished += 1;
            Flow::Preview(request(7, 0))
        }
        Event::Preview(preview) => {
            // The same crops once more, of the same network.
            let again = preview.step == 0 && previews.is_empty();
            previews.push(*preview);
            if again { Flow::Preview(request(1, 0)) } else { Flow::Continue }
        }
        _ => Flow::Continue,
    })
    .unwrap();

    assert_eq!(weights(&plain).tensors, weights(&watched).tensors);
    assert_eq!((checkpoints, finished), (vec![2, STEPS], 1));
    let steps: Vec<u64> = previews.iter().map(|preview| preview.step).collect();
    assert_eq!(steps, [0, 0, 1, 3, 4, 4]);
    previews.iter().for_each(check);
    // Equal numbers draw equal crops, others others.
    let boxes = |preview: &Preview| -> Vec<_> {
        preview.crops.iter().flat_map(|c| &c.views).map(|view| view.params.clone()).collect()
    };
    assert_eq!(boxes(&previews[0]), boxes(&previews[1]));
    assert_ne!(boxes(&previews[0]), boxes(&previews[3]));
    let codes = |preview: &Preview| preview.crops[0].views[0].code.clone();
    assert_eq!(codes(&previews[0]), codes(&previews[1]));
    assert_ne!(codes(&previews[0]), codes(&previews[3]));
}

/// What holds of any preview of these settings.
fn check(preview: &Preview) {
    let sum = |shares: &[f32]| shares.iter().sum::<f32>();
    assert!(preview.seconds > 0.0);
    // The third picture that was asked for does not exist.
    assert_eq!(preview.crops.iter().map(|crops| crops.picture).collect::<Vec<_>>(), [3, 99]);
    for crops in &preview.crops {
        let sizes: Vec<u32> = crops.views.iter().map(|view| view.pixels.width()).collect();
        assert_eq!(sizes, [16, 16, 8]);
        for (at, view) in crops.views.iter().enumerate() {
            assert!((sum(&view.prediction) - 1.0).abs() < 1e-4 && view.prediction.len() == 12);
            assert_eq!(view.code.is_some(), at < 2);
            assert!(view.code.iter().all(|code| (sum(code) - 1.0).abs() < 1e-4));
            let (region, image) = (view.params.region, &crops.image);
            assert!(
                region.left + region.width <= image.width() && region.top + region.height <= image.height()
            );
        }
    }
    assert_eq!(preview.sample.is_some(), preview.request.sample > 0);
    let Some(sample) = &preview.sample else { return };
    assert_eq!((sample.pictures.len(), sample.features.rows, sample.best.len()), (20, 20, 20));
    assert!(sample.cosine.iter().all(|cosine| cosine.abs() <= 1.001));
    assert!(sample.loss.len() == 20 && sample.loss.iter().all(|loss| loss.is_finite() && *loss > 0.0));
    // All pictures are among the nearest of each of 12 prototypes, the best first.
    assert!(sample.nearest.len() == 12 && sample.nearest.iter().all(|nearest| nearest.len() == 20));
    let sorted = |list: &Vec<(u32, f32)>| list.is_sorted_by(|a, b| a.1 >= b.1);
    assert!(sample.nearest.iter().all(sorted));
    assert_eq!((sample.prototypes.rows, sample.counts.len()), (12, 12));
    // Reports come a step late: the last submitted step is counted only where its report has been waited for.
    let counted = u64::from(sample.counts.iter().sum::<u32>());
    assert!([preview.step - 1, preview.step].map(|steps| steps * 16).contains(&counted), "{counted}");
}
