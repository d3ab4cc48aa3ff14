//! Tests of the plan.

use super::*;
use crate::config::Preset;

fn request(methods: &[Method], columns: &[Crops], seeds: u64) -> Request {
    let row = |&method: &Method| Row {
        name: method.name().to_owned(),
        config: Config::from_recipe(Preset::Demo, method).unwrap(),
    };
    let rows = methods.iter().map(row).collect();
    Request { rows, chosen: true, columns: columns.to_vec(), seeds, budget: Budget::Flop, out: None }
}

fn facts(classes: usize) -> Facts {
    Facts { name: "pictures".to_owned(), pictures: 2781, classes }
}

fn shared(request: &Request) -> Vec<Arm> {
    let mut arms = of(request, &facts(16)).unwrap();
    let prices = vec![1.0; arms.len()];
    share(&mut arms, request.budget, &prices).unwrap();
    arms
}

#[test]
fn every_arm_spends_what_the_first_does_within_a_step() {
    let arms = shared(&request(Method::ALL, &[Crops::With, Crops::Without], 2));
    assert_eq!(arms.len(), 28);
    let (first, spent) = (&arms[0], arms[0].flop());
    // 2781 pictures in batches of 64, 44 times.
    assert_eq!((first.steps, first.steps_per_epoch, first.config.steps), (43 * 44, 43, Some(43 * 44)));
    for arm in &arms {
        // The next step may be the first of an epoch, with new labels before it.
        let next = (arm.work.step + arm.work.epoch) as f64;
        assert!(arm.flop() <= spent && spent - arm.flop() < next, "{}: {} of {spent}", arm.name, arm.flop());
        assert_eq!(arm.config.steps, Some(arm.steps));
    }
    let steps = |name: &str| arms.iter().find(|arm| arm.name == name).unwrap().steps;
    // A second network and small crops cost steps.
    assert!(steps("byol, with small crops, seed 31") < steps("swav, with small crops, seed 31"));
    assert!(steps("swav, with small crops, seed 32") < steps("swav, without small crops, seed 32"));
}

#[test]
fn names_and_folders_are_unique_and_seeds_come_one_after_another() {
    let arms = shared(&request(&[Method::Swav, Method::Byol], &[Crops::With, Crops::Without], 2));
    let names: Vec<&str> = arms.iter().map(|arm| arm.folder.as_str()).collect();
    assert_eq!(
        names,
        [
            "swav-with-31",
            "byol-with-31",
            "swav-without-31",
            "byol-without-31",
            "swav-with-32",
            "byol-with-32",
            "swav-without-32",
            "byol-without-32"
        ]
    );
    assert_eq!(arms[3].name, "byol, without small crops, seed 31");
    let twice = of(&request(&[Method::Byol, Method::Byol], &[Crops::AsSet], 1), &facts(16));
    assert!(twice.unwrap_err().to_string().contains("`byol` twice"));
    let one = of(&request(&[Method::Byol], &[Crops::AsSet], 1), &facts(16));
    assert!(one.unwrap_err().to_string().contains("only one run"));
    assert_eq!(file_name("crops 2x32@0.4-1,4x16@0.1-0.4"), "crops-2x32-0.4-1-4x16-0.1-0.4");
}

#[test]
fn columns_differ_in_small_crops_only() {
    let show = |config: &Config| config.get("crops").unwrap();
    let crops = |preset, column| {
        let mut config = Config::from_preset(preset).unwrap();
        config.crops = crops(&config.clone(), column, &config);
        config.validate().unwrap();
        show(&config)
    };
    assert_eq!(crops(Preset::Demo, Crops::Without), "2x32@0.4-1");
    assert_eq!(crops(Preset::Demo, Crops::With), "2x32@0.4-1,4x16@0.14-0.4");
    assert_eq!(crops(Preset::Photos, Crops::With), "2x128@0.14-1,4x64@0.05-0.14");
    assert_eq!(crops(Preset::Photos, Crops::Without), "2x128@0.14-1");
    assert_eq!(crops(Preset::Photos, Crops::AsSet), crops(Preset::Photos, Crops::With));
    // Small crops of the first row stand beside the large ones of a recipe that has no others.
    let first = Config::from_preset(Preset::Imagenet256).unwrap();
    let moco = Config::from_recipe(Preset::Imagenet256, Method::MocoV2).unwrap();
    let both: Vec<String> =
        super::crops(&moco, Crops::With, &first).iter().map(ToString::to_string).collect();
    assert_eq!(both, ["2x224@0.2-1", "6x96@0.05-0.14"]);
}

#[test]
fn steps_and_seconds_can_be_equal_too() {
    let mut request = request(&[Method::Swav, Method::Byol], &[Crops::AsSet], 1);
    request.budget = Budget::Steps;
    assert!(shared(&request).iter().all(|arm| arm.steps == 43 * 44));
    // Where an operation of the second takes thrice as long, it gets a third of them.
    let mut arms = of(&request, &facts(16)).unwrap();
    share(&mut arms, Budget::Time, &[2e-9, 6e-9]).unwrap();
    let third = arms[0].flop() / 3.0;
    assert!(arms[1].flop() <= third && third - arms[1].flop() < arms[1].work.step as f64);
}

#[test]
fn a_budget_that_is_spent_before_the_first_step_is_refused() {
    let mut request = request(&[Method::Swav, Method::DeepclusterV2], &[Crops::AsSet], 1);
    // A first look at all pictures alone is more than a few steps of swav.
    request.rows.iter_mut().for_each(|row| row.config.steps = Some(3));
    let mut arms = of(&request, &facts(16)).unwrap();
    let refused = share(&mut arms, Budget::Flop, &[1.0; 2]).unwrap_err().to_string();
    for word in ["`epochs`", "deepcluster-v2, seed 31", "first look", "more epochs", "GFLOP"] {
        assert!(refused.contains(word), "{word}: {refused}");
    }
    // With equal steps nobody is asked for it.
    share(&mut arms, Budget::Steps, &[1.0; 2]).unwrap();
    assert!(arms.iter().all(|arm| arm.steps == 3));
    request.rows.iter_mut().for_each(|row| row.config.steps = Some(300));
    let arms = shared(&request);
    assert!(arms[1].steps > 0 && arms[1].flop() <= arms[0].flop());
}

#[test]
fn supervised_training_needs_labels_or_is_left_out() {
    let mut request = request(&[Method::Swav, Method::Byol, Method::Supervised], &[Crops::AsSet], 1);
    assert_eq!(of(&request, &facts(16)).unwrap().len(), 3);
    let refused = of(&request, &facts(0)).unwrap_err().to_string();
    assert!(refused.contains("`methods`") && refused.contains("labels"), "{refused}");
    request.chosen = false;
    assert_eq!(of(&request, &facts(0)).unwrap().len(), 2);
}
