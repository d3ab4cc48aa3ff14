//! A plan checks what a run would check, and says what a run would say; and what is cheap to check is checked first.

use super::Desk;

/// What is asked for before a run, and the run itself.
const FACES: [&str; 3] = ["--plan", "--plan=memory", ""];

#[test]
fn a_folder_that_cannot_be_made_is_refused_by_plan_and_run_alike() {
    let desk = Desk::new();
    for face in FACES {
        desk.train(&format!("{face} --out base.toml/runs/a")).refused(2, &["`out`", "base.toml is a file"]);
        if cfg!(target_os = "linux") {
            // Nobody makes a folder there, whoever runs the tests.
            desk.train(&format!("{face} --out /proc/new/run")).refused(2, &["`out`", "/proc", "name"]);
        }
    }
    // Where runs go that have no name.
    desk.write("runs", "a file");
    for face in FACES {
        desk.train(face).refused(2, &["`out`", "runs is a file", "--out"]);
    }
    assert_eq!(desk.names(""), ["base.toml", "pics", "runs"]);
}

/// Pictures that are not there would be refused too, and it takes time to find out: they stand for all that is slow.
#[test]
fn what_is_cheap_to_check_is_checked_before_the_pictures_are_listed() {
    let desk = Desk::new();
    desk.write("used/note.txt", "mine");
    desk.write("letter.pth", "this is a letter\n");
    for face in FACES {
        let line = |flags: &str| desk.run(&format!("train gone --config base.toml {face} {flags}"));
        line("--out used").refused(2, &["`out`", "used is not empty"]);
        line("--init letter.pth").refused(1, &["letter.pth"]);
        line("--adapter voodoo2").refused(2, &["`adapter`", "voodoo2"]);
    }
}

#[test]
fn a_plan_says_what_a_run_would_say() {
    let desk = Desk::new();
    desk.train("--steps 4 --out earlier").expect(0);
    desk.write("pics/dark/notes.json", "{}");
    let flags = "--init earlier --eval-pictures 5 --freeze-prototypes 300";
    let run = desk.train(&format!("{flags} --out run")).expect(0).err;
    let said = [
        "Starting from ",
        "left out: 1 .json",
        "Evaluation looks at a sample",
        "The prototypes are frozen for the first ",
    ];
    for face in ["--plan", "--plan=memory"] {
        let plan = desk.train(&format!("{face} {flags}")).expect(0).out;
        for words in said {
            let line =
                run.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {run}"));
            assert!(plan.lines().any(|told| told.ends_with(line)), "{line}: {plan}");
        }
    }
}

#[test]
fn a_plan_of_a_run_that_goes_on_refuses_what_the_run_would() {
    let desk = Desk::new();
    desk.train("--steps 6 --out run").expect(0);
    desk.train("--steps 1 --prototypes 12 --out other").expect(0);
    let config = desk.read("run/config.toml");
    let goes_on = ["--plan --resume run", "--plan=memory --resume run", "--resume run"];
    for line in &goes_on[..2] {
        let plan = desk.run(&format!("train {line} --steps 9 --micro-batch 4")).expect(0).out;
        assert!(plan.contains("`micro_batch` is 4, and was none"), "{plan}");
    }
    desk.write("run/config.toml", config.replace("\nlr = 0.1\n", "\nlr = 0.2\n"));
    for line in goes_on {
        desk.run(&format!("train {line}")).refused(2, &["`lr`", "0.2", "put 0.1 back"]);
    }
    desk.write("run/config.toml", config);
    std::fs::copy(desk.path("other/checkpoint.safetensors"), desk.path("run/checkpoint.safetensors"))
        .unwrap();
    for line in goes_on {
        desk.run(&format!("train {line}")).refused(1, &["of another model", "prototypes.weight"]);
    }
}
