use std::sync::Arc;

use super::*;
use crate::gpu::{Arena, Gpu, Grid, Kernel, Plan, Shader, Shape, Tensor, Usage, shader_params};

shader_params! {
    struct Params { unused: u32 }
}

const COUNTER: Shader = Shader {
    file: "counter.wgsl",
    text: "@group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @compute @workgroup_size(1) fn count() { y[0] += 1.0; }",
    shared: &[],
    portable: true,
};

/// A plan that clears a number and counts to `to`, one by one.
fn counting(to: u32) -> (Session, Replay, Tensor) {
    let gpu = Gpu::open(None, None).expect("an adapter; `make test` installs one");
    let arena = Arc::new(Arena::default());
    let y = arena.lease(Shape::matrix(1, 4), Usage::Storage, "count");
    let kernel: Kernel<Params> = gpu.kernel(&COUNTER, "count", &[]).expect("a small kernel");
    let mut plan = Plan::new(&gpu, &arena);
    plan.clear(&y);
    for _ in 0..to {
        plan.dispatch(&kernel, Grid([1, 1, 1]), Params::default(), &[&y]).expect("a small tensor");
    }
    let session = Session::allocate(&gpu, &arena).expect("a little memory");
    let replay = session.bind(plan).expect("a small plan");
    (session, replay, y)
}

#[test]
fn a_profile_goes_over_in_the_parts_of_any_other_step() {
    let (session, replay, y) = counting(9);
    if !session.gpu().facts().timestamps {
        assert!(session.profile(&replay).is_err(), "nothing to measure with");
        return;
    }
    for parts in [1, 3, 10] {
        session.submit_in(parts);
        let before = session.journal.parts();
        let profile = session.profile(&replay).expect("time stamps");
        assert_eq!(session.journal.parts() - before, parts as u64);
        let labels: Vec<&str> = profile.dispatches.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["/count"; 9]);
        assert_eq!(session.read(&y).expect("it is done")[0], 9.0, "every dispatch ran once");
    }
}

#[test]
fn a_part_that_is_missing_is_noticed_after_thousands_of_others() {
    let (session, replay, y) = counting(2);
    session.submit_in(usize::MAX);
    session.submit(&replay).expect("it goes over");
    session.read(&y).expect("nothing is missing yet");
    session.lose(Loss::First);
    for _ in 0..1000 {
        session.submit(&replay).expect("the driver says nothing");
    }
    assert_eq!(session.journal.parts(), 3 * 1001);
    let error = session.read(&y).expect_err("one part is missing");
    assert!(matches!(&error, Error::DeviceLost(_)), "{error}");
    assert!(error.to_string().contains("--submission-ms 20"), "{error}");
}

#[test]
fn a_plan_that_is_waited_for_is_measured() {
    let (session, replay, _) = counting(2);
    let estimated = session.estimate(&replay).seconds;
    session.run(&replay).expect("it is done");
    assert_ne!(session.estimate(&replay).seconds.to_bits(), estimated.to_bits());
}
