//! The same seed gives the same bits.

use super::{Desk, assert_same_run, bits};

#[test]
fn the_same_seed_gives_the_same_bits_whatever_the_number_of_workers() {
    let desk = Desk::new();
    desk.train("--out one").expect(0);
    desk.train("--out again").expect(0);
    assert_same_run(&desk, "one", "again", 20);
    desk.train("--out two --workers 2 --cache 0 --prefetch 1").expect(0);
    assert_same_run(&desk, "one", "two", 20);
}

/// Crops on the device are as certain as those of the processor.
#[test]
fn crops_on_the_device_give_the_same_bits_too() {
    let desk = Desk::new();
    let loss = |run: &str| desk.metrics(run)[0]["loss"].as_f64().unwrap();
    // Crops of half precision are those of the processor, rounded.
    for (precision, near) in [("f32", 1e-3), ("f16", 5e-3)] {
        let run = |name: &str, flags: &str| {
            desk.train(&format!("--precision {precision} --out {precision}-{name} {flags}")).expect(0);
            format!("{precision}-{name}")
        };
        let one = run("one", "--augment gpu");
        let two = run("two", "--augment gpu --workers 2 --prefetch 5");
        assert_same_run(&desk, &one, &two, 20);
        assert!(desk.read(&format!("{one}/config.toml")).contains("\naugment = \"gpu\"\n"));
        // The processor's crops are the same but for rounding, so the first loss is nearly the same too.
        let cpu = run("cpu", "--augment cpu --steps 1");
        assert!((loss(&one) - loss(&cpu)).abs() < near, "{precision}: {} {}", loss(&one), loss(&cpu));
    }
}

/// What `auto` has chosen stands in the run's settings, so that a resumed run need not choose again.
#[test]
fn who_makes_the_crops_is_written_down() {
    let desk = Desk::new();
    desk.train("--out auto --max-time 1ms").expect(0);
    let config = desk.read("auto/config.toml");
    assert!(config.contains("\naugment = \"cpu\"\n") || config.contains("\naugment = \"gpu\"\n"), "{config}");
    desk.run("train --resume auto --max-time none --augment cpu").refused(2, &["augment", "--resume"]);
    desk.run("train --resume auto --max-time none").expect(0);
}

/// A run may also change its mind on the way.
#[test]
fn recomputing_gives_the_same_bits() {
    let desk = Desk::new();
    desk.train("--out kept").expect(0);
    desk.train("--out again --recompute").expect(0);
    assert_same_run(&desk, "kept", "again", 20);
    assert!(desk.read("again/config.toml").contains("\nrecompute = true\n"));
    desk.train("--out half --recompute --max-time 1ms").expect(0);
    assert!(desk.checkpoint("half").meta.step < 20);
    desk.run("train --resume half --max-time none --recompute=false").expect(0);
    assert_same_run(&desk, "kept", "half", 20);
}

/// The loss scale is a part of the run.
#[test]
fn half_precision_gives_the_same_bits_and_goes_on_from_a_checkpoint() {
    let desk = Desk::new();
    desk.train("--out whole --precision f16").expect(0);
    desk.train("--out half --precision f16 --max-time 1ms").expect(0);
    assert!(desk.checkpoint("half").meta.step < 20);
    desk.run("train --resume half --max-time none").expect(0);
    assert_same_run(&desk, "whole", "half", 20);
    let state = &desk.checkpoint("half").tensors["loss_scale"].data;
    for line in desk.metrics("half") {
        assert!(line["loss_scale"].as_f64() > Some(0.0) && line["skipped_steps"].is_u64(), "{line}");
    }
    assert!(state[0] >= 1.0 && desk.read("half/config.toml").contains("\nprecision = \"f16\"\n"));
    // What is computed would be another thing.
    desk.run("train --resume half --precision f32").refused(2, &["precision", "--resume"]);
}

#[test]
fn another_seed_gives_another_run() {
    let desk = Desk::new();
    for (run, seed) in [("one", 31), ("other", 32)] {
        desk.train(&format!("--out {run} --seed {seed} --steps 3")).expect(0);
    }
    let [one, other] = ["one", "other"].map(|run| desk.checkpoint(run).tensors);
    for name in ["conv1.weight", "prototypes.weight"] {
        assert!(bits(&one[name].data).ne(bits(&other[name].data)), "{name}");
    }
    let [one, other] = ["one", "other"].map(|run| desk.metrics(run));
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one["loss"], other["loss"]);
    }
}

/// Reports, checkpoints and evaluations look at the run, they do not take part in it.
#[test]
fn looking_at_a_run_changes_nothing() {
    let desk = Desk::new();
    desk.train("--out seen").expect(0);
    desk.train("--out unseen --report-every 1000 --checkpoint-every 0 --eval-every 0").expect(0);
    let [seen, unseen] = ["seen", "unseen"].map(|run| desk.checkpoint(run));
    assert_eq!(seen.meta.step, unseen.meta.step);
    for (name, tensor) in &seen.tensors {
        assert!(bits(&tensor.data).eq(bits(&unseen.tensors[name].data)), "{name} differs");
    }
    assert_eq!(desk.metrics("unseen").len(), 1);
    assert_eq!(
        desk.metrics("unseen").last().map(|line| &line["loss"]),
        desk.metrics("seen").last().map(|line| &line["loss"])
    );
}
