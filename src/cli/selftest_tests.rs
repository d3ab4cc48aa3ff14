use super::*;

const NAMES: [&str; 3] = ["a.wgsl/one", "a.wgsl/two", "b.tile.wgsl/three"];

/// A family in which each kernel has `cases` cases, `failed` wrong ones and this error.
fn family(family: Family, scores: [(usize, usize, f64); 3]) -> FamilyReport {
    let mut outcome = selftest::Outcome { cases: 50, ..Default::default() };
    for (name, (cases, failed, error)) in NAMES.iter().zip(scores) {
        if cases > 0 {
            outcome.scores.insert((*name).to_owned(), Score { cases, failed, error, tolerance: 1e-6 });
        }
        outcome.failures.extend((0..failed).map(|at| format!("case {at} of {name}")));
    }
    FamilyReport::new(family.to_string(), NAMES.map(str::to_owned).to_vec(), outcome, 1.25)
}

fn report(families: Vec<FamilyReport>) -> Report {
    let text = |text: &str| text.to_owned();
    let passed = families.iter().all(FamilyReport::passed);
    let (adapter, backend, driver) = (text("Card 9"), text("Vulkan"), text("maker 1.2"));
    Report { version: "0.0.0", adapter, backend, driver, passed, families }
}

#[test]
fn a_family_passes_when_every_entry_point_has_right_results() {
    let good = family(Family::Tile, [(3, 0, 1e-7), (1, 0, 0.0), (9, 0, 9e-7)]);
    assert!(good.passed());
    let text = good.render();
    assert!(text.starts_with("tile kernels") && text.contains("3 of 3 entry points are right"), "{text}");
    assert_eq!(text.matches("  ok\n").count(), 3, "{text}");
    for bad in [
        [(3, 1, 2e-6), (1, 0, 0.0), (9, 0, 0.0)],
        [(3, 0, 1e-7), (0, 0, 0.0), (9, 0, 0.0)], // no case has a result of it
    ] {
        assert!(!family(Family::Tile, bad).passed(), "{bad:?}");
    }
}

#[test]
fn a_wrong_kernel_shows_in_table_json_and_sentence() {
    let bad = family(Family::Subgroup, [(40, 15, 0.25), (0, 0, 0.0), (4, 4, f64::INFINITY)]);
    let text = bad.render();
    for line in ["2.5e-1     1.0e-6  WRONG in 15", "NO RESULT", "-     1.0e-6  WRONG in 4", "0 of 3 entry"] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    assert!(text.contains("  case 0 of a.wgsl/one\n") && text.contains("  and 7 more"), "{text}");

    let good = family(Family::Tile, [(3, 0, 1e-7), (1, 0, 0.0), (9, 0, 9e-7)]);
    let report = report(vec![bad, good]);
    let json: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
    assert_eq!(json["passed"], false);
    let rows = &json["families"][0]["entry_points"];
    assert_eq!((&rows[0]["worst_error"], &rows[0]["failed"]), (&0.25.into(), &15.into()));
    assert!(rows[2]["worst_error"].is_null() && rows[1]["passed"] == false);
    assert_eq!(json["families"][0]["failures"].as_array().unwrap().len(), 19);

    let sentence = verdict(&report).to_string();
    assert!(
        sentence.starts_with("b.tile.wgsl/three (4 of 4 cases), a.wgsl/one (15 of 40 cases)"),
        "{sentence}"
    );
    for word in ["Card 9", "driver maker 1.2", "report it", "`--kernels tile --tuned off`", "--adapter"] {
        assert!(sentence.contains(word), "no `{word}` in {sentence}");
    }
}

#[test]
fn without_a_family_that_is_right_none_is_recommended() {
    let bad = family(Family::Tile, [(3, 1, 0.5), (1, 0, 0.0), (9, 0, 0.0)]);
    let sentence = verdict(&report(vec![bad])).to_string();
    assert!(sentence.contains("computes wrongly") && !sentence.contains("--kernels"), "{sentence}");
}
