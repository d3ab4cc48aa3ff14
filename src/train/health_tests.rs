//! Made-up histories for the health monitor: what is said, when, and how often.

use super::*;
use crate::rng::{Purpose, Stream};

const K: u64 = 300;

/// A sound report of a demo-sized run (5.9 → 3.6 over 1,871 steps, with noise).
fn sound(step: u64) -> Figures {
    let mut noise = Stream::new(1, Purpose::Test, &[step]);
    Figures {
        method: Method::Swav,
        step,
        loss: 3.6 + 2.3 * (-(step as f64) / 400.0).exp() + 0.05 * noise.normal(),
        chance: Some((K as f64).ln()),
        code_entropy: Some(2.0),
        prototypes_used: Some(290),
        prototypes_duplicated: Some(0),
        prototypes: Some(K),
        embedding_spread: 0.9,
        gradient_norm: (0.5 * noise.normal()).exp(),
        non_finite: 0,
    }
}

/// Runs a history, a report every 10 steps, and returns what was said and when.
fn said(total: u64, freeze: u64, history: impl Fn(u64) -> Figures) -> Vec<(u64, Advice)> {
    let mut monitor = Monitor::new(total, freeze);
    let steps = (1..=total).filter(|step| step % 10 == 0 || *step == 1);
    steps.filter_map(|step| monitor.observe(&history(step)).map(|advice| (step, advice))).collect()
}

fn kinds(said: &[(u64, Advice)]) -> Vec<(FailureMode, bool)> {
    said.iter().map(|(_, advice)| (advice.kind, advice.cleared)).collect()
}

#[test]
fn a_healthy_run_says_nothing() {
    assert!(said(1871, 0, sound).is_empty());
    for total in [1, 10, 60, 200] {
        let stretched = |step: u64| Figures { step, ..sound(step * 1871 / total) };
        assert!(said(total, 0, stretched).is_empty(), "{total}");
    }
}

#[test]
fn the_first_steps_are_left_alone() {
    let ugly = |step: u64| match step {
        0..250 => Figures { loss: 5.9, embedding_spread: 0.005, prototypes_used: Some(1), ..sound(step) },
        _ => sound(step),
    };
    assert!(said(1871, 0, ugly).is_empty());
    // A big run that is frozen for 5,005 steps stays at ln K so long.
    let frozen = |step: u64| if step < 5_100 { Figures { loss: 5.7, ..sound(step) } } else { sound(step) };
    assert!(said(20_000, 5_005, frozen).is_empty());
}

#[test]
fn sitting_at_ln_k_is_said_once_and_cleared_once() {
    let stuck = |step: u64| match step {
        0..1000 => {
            Figures { loss: 5.70 + 0.01 * (step as f64).sin(), code_entropy: Some(5.6), ..sound(step) }
        }
        _ => sound(step),
    };
    let said = said(1871, 0, stuck);
    assert_eq!(kinds(&said), [(FailureMode::AtChance, false), (FailureMode::AtChance, true)], "{said:?}");
    let (step, advice) = &said[0];
    assert!((300..600).contains(step), "{step}");
    assert!(advice.sentence.contains("ln K") && advice.remedy.contains("almost uniform"), "{advice:?}");
    assert!((1000..1300).contains(&said[1].0) && said[1].1.remedy.is_empty());
}

#[test]
fn a_loss_that_wobbles_around_the_edge_does_not_nag() {
    let wobble =
        |step: u64| Figures { loss: 5.70 * (0.99 + 0.004 * (step as f64 / 37.0).sin()), ..sound(step) };
    assert!(said(4000, 0, wobble).len() <= 1);
}

#[test]
fn collapse_is_named_for_what_shows_and_not_doubled_by_ln_k() {
    type Change = fn(&mut Figures);
    let shapes: [(&str, Change); 3] = [
        ("same features", |f| f.embedding_spread = 0.001),
        ("Only 4 of 300", |f| f.prototypes_used = Some(4)),
        ("280 of 300", |f| f.prototypes_duplicated = Some(280)),
    ];
    for (words, change) in shapes {
        let collapse = |step: u64| {
            let mut figures = sound(step);
            if step > 800 {
                figures.loss = figures.chance.unwrap();
                change(&mut figures);
            }
            figures
        };
        let said = said(1871, 0, collapse);
        assert_eq!(kinds(&said), [(FailureMode::Collapsed, false)], "{said:?}");
        assert!(said[0].1.sentence.contains(words), "{said:?}");
        assert!(said[0].1.remedy.contains("Freeze"));
    }
}

#[test]
fn diverging_by_loss_and_by_gradient() {
    let rising = |step: u64| match step {
        1000..1500 => Figures { loss: 5.0 + (step - 1000) as f64 * 0.05, ..sound(step) },
        _ => sound(step),
    };
    let by_loss = said(1871, 0, rising);
    assert_eq!(
        kinds(&by_loss),
        [(FailureMode::Diverging, false), (FailureMode::Diverging, true)],
        "{by_loss:?}"
    );
    assert!(by_loss[0].1.sentence.contains("worse than guessing"));
    let exploding =
        |step: u64| if step > 900 { Figures { gradient_norm: 1e4, ..sound(step) } } else { sound(step) };
    let by_gradient = said(1200, 0, exploding);
    assert_eq!(kinds(&by_gradient)[0], (FailureMode::Diverging, false), "{by_gradient:?}");
    assert!(by_gradient[0].1.sentence.contains("gradient"), "{by_gradient:?}");
    let spike =
        |step: u64| if step == 900 { Figures { gradient_norm: 1e6, ..sound(step) } } else { sound(step) };
    assert!(said(1871, 0, spike).is_empty());
}

#[test]
fn non_finite_is_said_at_once_even_in_the_first_step() {
    let broken = |step: u64| if step <= 10 { Figures { non_finite: 3, ..sound(step) } } else { sound(step) };
    let said = said(1871, 0, broken);
    assert_eq!(kinds(&said), [(FailureMode::NonFinite, false), (FailureMode::NonFinite, true)]);
    assert_eq!(said[0].0, 1);
    let mut monitor = Monitor::new(100, 0);
    let advice = monitor.observe(&Figures { loss: f64::NAN, ..sound(1) }).unwrap();
    assert_eq!(advice.kind, FailureMode::NonFinite);
    assert_eq!(monitor.active().collect::<Vec<_>>(), [FailureMode::NonFinite]);
    assert_eq!(monitor.observe(&Figures { gradient_norm: f64::INFINITY, ..sound(2) }), None);
}

#[test]
fn a_resumed_monitor_goes_on_where_it_was() {
    let stuck = |step: u64| Figures { loss: 5.69, ..sound(step) };
    let mut whole = Monitor::new(1871, 0);
    let mut parted = Monitor::new(1871, 0);
    for step in 1..=1871 {
        if step % 100 == 0 {
            parted = serde_json::from_str(&serde_json::to_string(&parted).unwrap()).unwrap();
        }
        assert_eq!(whole.observe(&stuck(step)), parted.observe(&stuck(step)), "{step}");
    }
}
