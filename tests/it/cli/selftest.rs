//! The self-test as a user runs it.

use serde_json::Value;
use swav_wgpu::gpu::{Choices, Gpu};
use swav_wgpu::selftest::{entry_points, variants};

use super::Desk;

#[test]
fn every_kernel_of_the_usual_family_has_a_line_that_says_ok() {
    let desk = Desk::new();
    let family = Gpu::open(None, None).unwrap().family();
    let wanted = entry_points(family).unwrap();
    let ended = desk.run(&format!("selftest --kernels {family}")).expect(0);
    for kernel in &wanted {
        let line = ended.out.lines().find(|line| line.split(' ').next() == Some(kernel));
        assert!(line.is_some_and(|line| line.ends_with("  ok")), "{kernel}: {ended:#?}");
    }
    let summary = format!("\n{0} of {0} entry points are right; ", wanted.len());
    assert!(ended.out.contains(&summary), "{ended:#?}");
    assert!(ended.err.contains(&format!("{family}  1/")), "progress goes to standard error: {ended:#?}");

    let ended = desk.run(&format!("selftest --json --adapter 0 --kernels {family}")).expect(0);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["passed"], true);
    let blocks: Vec<_> = report["families"].as_array().unwrap().iter().map(|f| &f["kernels"]).collect();
    let mut wanted_blocks = vec![family.to_string()];
    wanted_blocks.extend(variants(family).iter().map(Choices::label));
    assert_eq!(blocks, wanted_blocks.iter().map(String::as_str).collect::<Vec<_>>());
    let rows = report["families"][0]["entry_points"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["entry_point"].as_str().unwrap()).collect();
    assert_eq!(names, wanted);
    for row in rows {
        let of = |key: &str| row[key].as_f64().unwrap();
        assert!(of("cases") > 0.0 && of("worst_error") <= of("tolerance"), "{row}");
    }
}

#[test]
fn unknown_adapters_and_families_are_refused() {
    let desk = Desk::new();
    desk.run("selftest --adapter no-such-card").refused(2, &["adapter", "no-such-card"]);
    let auto = desk.run("selftest --kernels auto").expect(2);
    assert!(["subgroup", "tile", "direct"].iter().all(|family| auto.err.contains(family)), "{auto:#?}");
}
