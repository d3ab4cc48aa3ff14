//! Tests of what arguments stand for.

use super::*;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    compare: Compare,
}

fn asked(line: &str) -> Result<Request> {
    let words = std::iter::once("compare").chain(line.split_whitespace());
    <Line as clap::Parser>::try_parse_from(words).unwrap().compare.resolve()
}

#[test]
fn the_default_is_all_methods_on_the_embedded_pictures() {
    let request = asked("").unwrap();
    let names: Vec<&str> = request.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, Method::ALL.iter().map(|method| method.name()).collect::<Vec<_>>());
    assert_eq!((request.columns, request.seeds, request.chosen), (vec![Crops::Without], 1, false));
    let (swav, byol) = (&request.rows[0].config, &request.rows[5].config);
    assert_eq!((swav.epochs, swav.warmup, swav.method), (30, 1.5, Method::Swav));
    // Its own recipe, and what was said over all of them.
    assert_eq!((byol.method, byol.predictor, byol.epochs), (Method::Byol, 512, 30));
    let longer = asked("--epochs 44 --lr 0.01").unwrap();
    assert!(longer.rows.iter().all(|row| row.config.epochs == 44 && row.config.lr == 0.01));
}

#[test]
fn pictures_of_ones_own_get_both_kinds_of_crops_and_their_own_length() {
    let request = asked("photos --methods byol,swav --seeds 3 --budget time --out here").unwrap();
    assert_eq!(request.columns, [Crops::With, Crops::Without]);
    assert_eq!((request.seeds, request.budget, request.chosen), (3, Budget::Time, true));
    assert_eq!(request.out.unwrap(), Path::new("here"));
    assert!(request.rows[0].config.data.as_ref().unwrap().is_absolute());
    assert_eq!(request.rows[0].config.epochs, Config::from_preset(Preset::Photos).unwrap().epochs);
}

#[test]
fn values_of_a_setting_stand_in_place_of_methods() {
    let request = asked("--over queue=256,1024 --method moco-v2").unwrap();
    assert_eq!(request.columns, [Crops::AsSet]);
    let queues: Vec<_> = request.rows.iter().map(|row| (row.config.method, row.config.queue)).collect();
    assert_eq!(queues, [(Method::MocoV2, 256), (Method::MocoV2, 1024)]);
    // Run folders must make sense from any other folder.
    let begun = asked("--over init=a.pth,runs/b").unwrap();
    assert_eq!(begun.rows[1].name, "init runs/b");
    let ends = ["a.pth", "runs/b"];
    for (row, end) in begun.rows.iter().zip(ends) {
        let init = row.config.init.as_ref().unwrap();
        assert!(init.is_absolute() && init.ends_with(end), "{}", init.display());
    }
}

#[test]
fn values_of_a_setting_are_taken_with_each_of_several_methods() {
    let request = asked("--over steps=10,30 --methods swav,byol").unwrap();
    let names: Vec<&str> = request.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["swav, steps 10", "swav, steps 30", "byol, steps 10", "byol, steps 30"]);
    // Each with its own recipe.
    let own = |row: &Row| (row.config.method, row.config.predictor, row.config.length(10).total);
    assert_eq!(own(&request.rows[3]), (Method::Byol, 512, 30));
    assert_eq!((request.budget, request.columns), (Budget::Own, vec![Crops::AsSet]));
    // Of one method it need not be said.
    assert_eq!(asked("--over lr=0.1,0.2 --methods byol").unwrap().rows[1].name, "lr 0.2");
}

#[test]
fn lengths_are_compared_as_they_are() {
    for line in ["--over steps=10,30", "--over epochs=1,3 --budget own"] {
        let request = asked(line).unwrap();
        let length = |row: &Row| row.config.length(10).total;
        assert_eq!(request.rows.iter().map(length).collect::<Vec<_>>(), [10, 30], "{line}");
        assert_eq!((request.budget, request.columns), (Budget::Own, vec![Crops::AsSet]));
    }
    assert_eq!(asked("--over lr=0.1,0.2").unwrap().budget, Budget::Flop);
    assert_eq!(asked("--budget own").unwrap().budget, Budget::Own);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (line, words) in [
        ("--methods swav,bol", &["`methods`", "byol"][..]),
        ("--over lr=0.1,0.2 --methods swav,swav", &["`methods`", "`swav` twice"]),
        ("--crops 2x32@0.4-1", &["`crops`", "with,without"]),
        ("--crops with,with", &["`crops`", "twice"]),
        ("--method byol", &["`method`", "--methods"]),
        ("--over lr=0.1,0.2 --methods swav,byol --method swav", &["`method`", "--methods"]),
        ("--over epsilon=0.1,0.2 --methods swav,byol", &["`over`", "byol", "does not read it"]),
        ("--over crops=2x32@0.4-1;2x32@0.2-1 --crops with", &["`crops`", "--over"]),
        ("--over lr=0.1,0.2 --lr 1", &["`lr`", "--over", "leave it out"]),
        ("--over epochs=1,2 --steps 9", &["`steps`", "--over", "leave it out"]),
        ("--over steps=10,20 --budget flop", &["`budget`", "lengths"]),
        ("--methods swav,simclr --predictor 9", &["`predictor`", "none of the methods"]),
    ] {
        let said = asked(line).unwrap_err().to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{line}: {said}");
    }
}

#[test]
fn the_command_that_goes_on_has_the_folder() {
    let said = |line: &str| again(line.split(' ').map(OsString::from), Path::new("comparisons/demo-1"));
    assert_eq!(said("x compare --seeds 2"), "swav-wgpu compare --seeds 2 --out comparisons/demo-1");
    assert_eq!(said("x compare --out=here"), "swav-wgpu compare --out=here");
    assert!(
        said("x compare --over crops=2x32@0.4-1;2x16@1-1").contains("--over 'crops=2x32@0.4-1;2x16@1-1'")
    );
}
