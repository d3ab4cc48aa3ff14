//! Tests of what the page says of figures.

use std::collections::BTreeMap;

use super::super::{Accuracy, ArmResult, Budget, End, Facts, Verdict};
use super::*;
use crate::config::Method;
use crate::train::SplitAccuracy;

/// A judged run with this accuracy by every measure but the centred one, which is a tenth lower.
fn arm(row: &str, column: Crops, seed: u64, top1: f64) -> ArmResult {
    let of = |top1: f64| {
        let one =
            |split: &str, top1| Accuracy { split: split.to_owned(), source: FeatureSource::Trained, top1 };
        vec![one("split_test", top1), one("split_concept", 0.5 * top1)]
    };
    let point = |step: u64| {
        let split = |name: &str| SplitAccuracy { name: name.to_owned(), plain: top1, centred: top1 };
        let splits = vec![split("split_test"), split("split_concept")];
        Point { step, gflop: step as f64, knn: top1, splits }
    };
    let end = End {
        loss: 1.0,
        chance: None,
        embedding_spread: 0.9,
        images_per_s: 10.0,
        seconds: 5.0,
        adapter: "one".to_owned(),
    };
    ArmResult {
        name: format!("{row}, {column}, seed {seed}"),
        folder: format!("{row}-{seed}"),
        row: row.to_owned(),
        column,
        seed,
        method: Method::Swav,
        steps: 9,
        gflop: 1.0,
        gflop_per_step: 0.1,
        memory_bytes: 1 << 20,
        summary: Some(end),
        curve: vec![point(3), point(9)],
        verdict: Verdict {
            knn: of(top1),
            knn_centred: of(top1 - 0.1),
            linear: of(top1),
            ..Verdict::default()
        },
    }
}

fn of_arms(arms: Vec<ArmResult>, raw: f64) -> Comparison {
    let mut cells: Vec<Cell> = Vec::new();
    for arm in &arms {
        if !cells.iter().any(|cell| (cell.row.as_str(), cell.column) == (&arm.row, arm.column)) {
            cells.push(Cell::of((&arm.row, arm.column), &arms));
        }
    }
    let mut level = arm("level", Crops::AsSet, 0, raw).verdict;
    for list in [&mut level.knn, &mut level.knn_centred, &mut level.linear] {
        list.iter_mut().for_each(|one| one.source = FeatureSource::RawPixels);
    }
    Comparison {
        version: "test",
        budget: Budget::Flop,
        pictures: Facts { name: "pictures".to_owned(), pictures: 90, classes: 2 },
        complete: true,
        arms,
        cells,
        baselines: Some(level),
        differing: BTreeMap::new(),
    }
}

fn methods(raw: f64) -> Comparison {
    let mut arms = Vec::new();
    for (row, seeds) in [("swav", [0.40, 0.44]), ("byol", [0.43, 0.45]), ("simclr", [0.20, 0.21])] {
        arms.extend((31..).zip(seeds).map(|(seed, top1)| arm(row, Crops::AsSet, seed, top1)));
    }
    of_arms(arms, raw)
}

#[test]
fn what_seeds_do_not_tell_apart_is_not_called_best() {
    let found = best(&methods(0.3));
    // 42.0 ± 2.8 and 44.0 ± 1.4; simclr is far below.
    assert_eq!(found[0], "By kNN on split_test, %: within the spread of seeds: byol (44.0); swav (42.0).");
    assert!(
        found.iter().any(|said| said.starts_with("By centred kNN on split_concept, %: within")),
        "{found:?}"
    );
    assert!(found.iter().all(|said| !said.contains("none is better")), "{found:?}");
    let one_seed = |top1s: [f64; 2]| {
        let arms = [("swav", top1s[0]), ("byol", top1s[1])];
        best(&of_arms(arms.map(|(row, top1)| arm(row, Crops::AsSet, 31, top1)).to_vec(), 0.5)).swap_remove(0)
    };
    let said = one_seed([0.4, 0.5]);
    assert_eq!(said, "By kNN on split_test, %: best is byol (50.0); none is better than raw pixels (50.0).");
    let said = one_seed([0.51, 0.51]);
    assert_eq!(said, "By kNN on split_test, %: best are swav (51.0) and byol (51.0).");
    assert_eq!(one_seed([0.4, 0.51]), "By kNN on split_test, %: best is byol (51.0).");
}

#[test]
fn who_was_told_the_labels_is_not_the_best_of_those_who_were_not() {
    let arms = |methods: [(Method, f64); 3]| {
        let all =
            methods.map(|(method, top1)| ArmResult { method, ..arm(method.name(), Crops::AsSet, 31, top1) });
        best(&of_arms(all.to_vec(), 0.45)).swap_remove(0)
    };
    assert_eq!(
        arms([(Method::Swav, 0.4), (Method::Byol, 0.3), (Method::Supervised, 0.7)]),
        "By kNN on split_test, %: without labels, best is swav (40.0); with them, supervised (70.0); none without labels is \
         better than raw pixels (45.0)."
    );
    // Alone, they are compared with each other.
    let all = [Method::Supervised; 3].map(|method| (method, 0.7));
    assert!(arms(all).starts_with("By kNN on split_test, %: best "), "{}", arms(all));
}

#[test]
fn every_split_and_both_rules_and_single_seeds_are_shown() {
    let of = methods(0.3);
    let results = of.results();
    assert_eq!(
        results.iter().map(|grid| grid.head[0].as_str()).collect::<Vec<_>>(),
        ["split_test", "split_concept", ""]
    );
    assert_eq!(results[0].head[1..], ["kNN, %", "centred kNN, %", "linear, %"]);
    assert_eq!(results[1].rows[0], ["swav", "21.0 ± 1.4", "16.0 ± 1.4", "21.0 ± 1.4"]);
    assert_eq!(results[1].rows.last().unwrap()[..2], ["raw pixels", "15.0"]);
    let page = page(&of);
    for (word, times) in [
        ("kNN on split_concept, %, over GFLOP", 2),
        ("centred kNN on split_test, %", 4),
        // Of the first run of swav alone, by kNN and by a linear classifier.
        ("<td>40.0</td>", 2),
    ] {
        assert_eq!(page.matches(word).count(), times, "{word}");
    }
}

#[test]
fn rows_of_one_setting_are_named_by_their_values() {
    assert_eq!(shared_key(&["prototypes 30", "prototypes 100"]), Some("prototypes"));
    assert_eq!(shared_key(&["swav, prototypes 30", "byol, prototypes 30"]), Some("prototypes"));
    assert_eq!(shared_key(&["lr 1", "warmup 1"]), None);
    assert_eq!(parts("crops 2x32@0.4-1, 4x16@0.1-0.4"), (None, "crops 2x32@0.4-1, 4x16@0.1-0.4"));
    assert_eq!(shared_key(&["swav", "byol"]), None);
    let arms =
        ["crops 2x32@0.4-1", "crops 2x32@0.4-1,4x16@0.14-0.4"].map(|row| arm(row, Crops::AsSet, 31, 0.4));
    let of = of_arms(arms.to_vec(), 0.3);
    let drawn = figure(&of, &of.measures()[0]).into_string();
    assert!(drawn.contains("kNN on split_test, %, by crops") && drawn.contains(">2x32@0.4-1<"), "{drawn}");
    assert_eq!(drawn.matches("<circle").count(), 2, "{drawn}");
}

#[test]
fn lengths_of_a_run_make_a_curve_beside_what_it_must_beat() {
    let lengths = [("steps 90", 1000.0, [0.5, 0.6]), ("steps 9", 100.0, [0.4, 0.4])];
    let arms = lengths.iter().flat_map(|&(row, gflop, seeds)| {
        (31..).zip(seeds).map(move |(seed, top1)| ArmResult { gflop, ..arm(row, Crops::AsSet, seed, top1) })
    });
    let of = Comparison { budget: Budget::Own, ..of_arms(arms.collect(), 0.3) };
    let drawn = figure(&of, &of.measures()[0]).into_string();
    assert!(drawn.contains("kNN on split_test, %, by GFLOP"), "{drawn}");
    for name in ["trained", "raw pixels", ">100<", ">1000<"] {
        assert!(drawn.contains(name), "{name}: {drawn}");
    }
    // The shorter length stands at the left, wherever it was asked for; the seeds of one of them are apart.
    let path = drawn
        .split("<path d=\"M")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .find(|path| path.contains('L'));
    let ends: Vec<f64> =
        path.unwrap().split('L').map(|place| place.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(ends[0] < ends[1], "{drawn}");
    assert_eq!(drawn.matches("<circle").count(), 2, "a level has no dots: {drawn}");
    assert_eq!(
        (drawn.matches("stroke-width=\"1.2\"").count(), drawn.matches("stroke-dasharray").count()),
        (1, 1)
    );
    assert!(page(&of).contains("4 runs of different length on 90 pictures"));
    assert!(
        of.equal().iter().all(|said| !said.contains("Compute"))
            && of.unequal().iter().any(|said| said.contains("length"))
    );
}

#[test]
fn lengths_of_several_methods_make_a_curve_each() {
    let of = |method: Method, seeds: u64, top1: f64| {
        let one = move |(seed, (steps, gflop)): (u64, (u32, f64))| {
            let row = format!("{method}, steps {steps}");
            ArmResult { method, gflop, ..arm(&row, Crops::AsSet, seed, top1 + 0.1 * (gflop - 1.0)) }
        };
        (31..31 + seeds).flat_map(|seed| [(seed, (10, 1.0)), (seed, (20, 2.0))]).map(one)
    };
    let arms = of(Method::Swav, 2, 0.4).chain(of(Method::Supervised, 1, 0.6)).collect();
    let of = Comparison { budget: Budget::Own, ..of_arms(arms, 0.3) };
    let drawn = figure(&of, &of.measures()[0]).into_string();
    for name in ["by GFLOP", ">swav<", ">supervised<", "raw pixels"] {
        assert!(drawn.contains(name), "{name}: {drawn}");
    }
    assert_eq!(drawn.matches("<circle").count(), 4, "{drawn}");
    assert!(!drawn.contains("trained"), "{drawn}");
    assert_eq!(
        best(&of)[0],
        "By kNN on split_test, %: without labels, best is swav, steps 20 (50.0); with them, supervised, steps 20 (70.0)."
    );
    // Seeds that do not tell two of them apart are said of these too.
    let pair = |method: Method, top1: f64| {
        (31..33).map(move |seed| {
            let row = format!("{method}, lr {top1}");
            ArmResult { method, ..arm(&row, Crops::AsSet, seed, top1 + 0.02 * (seed - 31) as f64) }
        })
    };
    let arms = [(Method::Swav, 0.4), (Method::Supervised, 0.7), (Method::Supervised, 0.69)];
    let of = of_arms(arms.into_iter().flat_map(|(method, top1)| pair(method, top1)).collect(), 0.3);
    let said = best(&of).swap_remove(0);
    assert!(
        said.ends_with("; with them, supervised, lr 0.7 (71.0) and supervised, lr 0.69 (70.0)."),
        "{said}"
    );
    let drawn = figure(&of, &of.measures()[0]).into_string();
    assert!(drawn.contains(", by lr") && drawn.contains(">supervised, 0.69<"), "{drawn}");
}

#[test]
fn curves_have_a_hue_a_method_and_dashes_without_small_crops() {
    let arms =
        [("swav", Crops::With), ("byol", Crops::With), ("swav", Crops::Without), ("byol", Crops::Without)];
    let of = of_arms(arms.map(|(row, column)| arm(row, column, 31, 0.4)).to_vec(), 0.3);
    let drawn = curves(&of).into_string();
    // Four charts, in each two curves of every hue, of which one is dashed.
    assert_eq!(drawn.matches("<svg").count(), 4);
    assert_eq!(drawn.matches("stroke-dasharray").count(), 8, "{drawn}");
    let mut hues: Vec<&str> =
        drawn.split("stroke=\"hsl(").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    hues.sort_unstable();
    hues.dedup();
    assert_eq!(hues.len(), 2, "{hues:?}");
}
