//! Settings, flags and files that make no sense: code 2, one sentence, nothing made.

use super::Desk;

#[test]
fn values_that_make_no_sense_are_named_with_what_is_allowed() {
    let desk = Desk::new();
    let cases: [(&str, &[&str]); 14] = [
        ("--prototypes 0", &["`prototypes`", "between 2 and 1000000", "not 0"]),
        ("--epsilon 0", &["`epsilon`", "above 0", "not 0"]),
        ("--epsilon nan", &["`epsilon`", "finite number"]),
        ("--temperature 0", &["`temperature`", "above 0"]),
        ("--batch 0", &["`batch`", "between 2 and"]),
        ("--crops 2x0@0.4-1", &["`crops`", "8 to 1024 pixels", "not 0"]),
        ("--crops 2x4000@0.4-1", &["`crops`", "8 to 1024 pixels", "not 4000"]),
        ("--crops 1x16@0.4-1", &["`crops`", "2 at least"]),
        ("--crops banana", &["`crops`", "COUNTxSIZE@SCALE-SCALE", "2x224@0.14-1"]),
        ("--assign 0,3", &["`assign`", "crop 3 does not exist"]),
        ("--queue 7", &["`queue`", "fewer than a batch of 8", "0 for none"]),
        ("--warmup 9", &["`warmup`", "only 4", "raise `epochs`"]),
        ("--lr minus", &["`lr`", "`minus` is not a number"]),
        ("--queue 0 --batch 64", &["`batch`", "64", "only 44 pictures", "use 44 or less"]),
    ];
    for (flags, words) in cases {
        desk.train(&format!("{flags} --out run")).refused(2, words);
    }
    assert!(!desk.path("run").exists());
}

#[test]
fn unknown_words_come_with_a_suggestion() {
    let desk = Desk::new();
    desk.run("train --prototipes 3").refused(2, &["--prototipes", "'--prototypes'"]);
    desk.run("trian").refused(2, &["trian", "'train'"]);
    desk.run("train --preset cifr").refused(2, &["cifr", "'cifar'", "imagenet-4096"]);
    desk.run("train --optimizer adam").refused(2, &["adam", "'adamw'"]);
}

#[test]
fn settings_files_are_checked_like_flags() {
    let desk = Desk::new();
    let refused = |text: &str, words: &[&str]| {
        desk.write("bad.toml", text);
        let mut all = words.to_vec();
        all.push("bad.toml");
        desk.run("train pics --config bad.toml --out run").refused(2, &all);
    };
    refused("prototipes = 3\n", &["`prototipes`", "did you mean `prototypes`"]);
    refused("preset = \"imagnet-256\"\n", &["`preset`", "did you mean `imagenet-256`"]);
    refused("epochs = 9\nlr = = 3\n", &["`config`", "line 2", "not TOML"]);
    refused("[optimiser]\nlr = 3\n", &["settings are not nested", "key = value"]);
    refused("epsilon = 0\n", &["`epsilon`", "above 0"]);
    desk.run("train --config gone.toml").refused(2, &["`config`", "gone.toml", "config.toml of a run"]);
    desk.run("train --config pics").refused(2, &["`config`", "pics"]);
    assert!(!desk.path("run").exists());
}

#[test]
fn an_adapter_that_is_not_there_is_answered_with_those_that_are() {
    let desk = Desk::new();
    let listed = desk.run("devices").expect(0).out;
    let name = listed.lines().next().unwrap().split_once("  ").unwrap().1.to_owned();
    for wanted in ["voodoo2", "97"] {
        let flags = format!("--adapter {wanted} --out run");
        desk.train(&flags).refused(2, &["`adapter`", wanted, &format!("0: {name}")]);
    }
    assert!(!desk.path("run").exists());
}

/// Only on Linux can a machine without a driver be played: the loader is told to look elsewhere.
#[cfg(target_os = "linux")]
#[test]
fn without_an_adapter_the_package_to_install_is_named() {
    let desk = Desk::new();
    for line in ["train pics --config base.toml --out run", "train pics --config base.toml --plan", "devices"]
    {
        let mut command = desk.command(line);
        for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
            command.env(variable, desk.path("no-such-driver.json"));
        }
        let ended = super::Ended::of(line, &command.output().unwrap());
        ended.refused(1, &["no graphics adapter found", "apt-get install mesa-vulkan-drivers libvulkan1"]);
    }
    assert!(!desk.path("run").exists());
}

/// The memory of a software adapter is that of the process, so that a driver without any can be played.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_the_driver_has_no_memory_for_is_refused_with_the_numbers() {
    let desk = Desk::new();
    if !desk.run("devices").expect(0).out.contains("\nOnly software adapters") {
        return;
    }
    let large =
        "--block bottleneck --blocks 64,64,64,64 --width 64 --stem cifar --crops 2x32@0.4-1 --batch 44";
    desk.limited("ulimit -v 8000000", &format!("train pics {large} --plan")).refused(
        1,
        &[
            "this run needs ",
            " MiB of device memory",
            "the driver refused layer",
            "add --micro-batch auto or --recompute, or lower --batch",
        ],
    );
}

/// The same run in as many parts as it takes to fit: the batch as a whole is refused, and so the plan has parts.
#[cfg(target_os = "linux")]
#[test]
fn the_parts_of_a_batch_are_as_large_as_the_driver_has_memory_for() {
    let desk = Desk::new();
    if !desk.run("devices").expect(0).out.contains("\nOnly software adapters") {
        return;
    }
    let large =
        "--block basic --blocks 8,1,1,1 --width 64 --stem cifar --crops 2x128@0.4-1 --queue 0 --batch 44";
    let limit = "ulimit -v 8000000";
    desk.limited(limit, &format!("train pics {large} --plan")).refused(1, &["add --micro-batch auto"]);
    let planned = desk.limited(limit, &format!("train pics {large} --micro-batch auto --plan")).expect(0).out;
    assert!(
        planned.contains("\nparts        ") && planned.contains("each but one goes forward twice"),
        "{planned}"
    );
    // A step takes minutes on a processor, which nobody wants to wait for.
    assert!(planned.contains("too long to be measured"), "{planned}");
}

/// What `auto` found stands in the settings of the run, so that a resumed one computes the same.
#[test]
fn the_parts_that_were_found_are_kept_with_the_run() {
    let desk = Desk::new();
    let said = desk.train("--micro-batch auto --steps 1 --out run").expect(0);
    assert!(
        said.err.contains("fits the adapter as a whole") || said.out.contains("as a whole"),
        "{}",
        said.err
    );
    let kept = std::fs::read_to_string(desk.path("run/config.toml")).unwrap();
    assert!(kept.contains("\nmicro_batch = \"none\"\n"), "{kept}");
    let said = desk.train("--micro-batch 3 --steps 1 --out cut").expect(0);
    let kept = std::fs::read_to_string(desk.path("cut/config.toml")).unwrap();
    assert!(kept.contains("\nmicro_batch = 3\n"), "{}", said.err);
}

/// Every process would train the whole run by itself.
#[cfg(not(feature = "mpi"))]
#[test]
fn one_of_several_processes_is_refused() {
    let desk = Desk::new();
    let line = "train pics --config base.toml --out run";
    let run = |size: &str| desk.command(line).env("OMPI_COMM_WORLD_SIZE", size).output().unwrap();
    super::Ended::of(line, &run("2")).refused(1, &["OMPI_COMM_WORLD_SIZE", "2 processes", "without mpirun"]);
    assert!(!desk.path("run").exists());
    super::Ended::of(line, &run("1")).expect(0);
}

#[test]
fn parts_that_make_no_sense_are_refused_in_one_sentence() {
    let desk = Desk::new();
    desk.train("--batch 8 --micro-batch 9")
        .refused(2, &["`--micro-batch`", "is 9, which is above `batch` 8"]);
    desk.train("--batch 9 --micro-batch 4").refused(2, &["`--micro-batch`", "leaves one picture"]);
    desk.train("--micro-batch 1").refused(2, &["`--micro-batch`", "two pictures at least"]);
    desk.train("--micro-batch few").refused(2, &["`--micro-batch`", "auto or a number"]);
}

/// More than the adapter can hold: refused before anything is made, with the need and what to lower.
#[test]
fn a_run_that_does_not_fit_is_refused_with_the_numbers() {
    let desk = Desk::new();
    let line = "--queue 0 --crops 2x1024@0.4-1 --width 1024 --embedding 8192 --prototypes 1000000 --out run";
    desk.train(line).refused(1, &["a tensor of ", " needs ", "MiB", "available", "lower --"]);
    assert!(!desk.path("run").exists());
}

#[test]
fn a_setting_is_called_what_the_person_called_it() {
    let desk = Desk::new();
    for line in ["--final-lr 9", "--final-lr=9"] {
        let said = desk.train(line).refused(2, &["above `lr`"]).err;
        assert!(said.contains("error: `--final-lr`: is 9"), "{said}");
    }
    desk.write("own.toml", "final_lr = 9\n");
    let said = desk.run("train pics --config own.toml").refused(2, &["above `lr`"]).err;
    assert!(said.contains("error: setting `final_lr`: is 9"), "{said}");
}

/// Matrix units are for half precision, and only where an adapter has them.
#[test]
fn matrix_units_are_refused_in_words_or_checked_first() {
    let desk = Desk::new();
    desk.train("--kernels matrix --out no").refused(2, &["--kernels", "half precision", "f16"]);
    let facts = swav_wgpu::gpu::find(None).unwrap();
    let started = desk.train("--kernels matrix --precision f16 --steps 2 --out run");
    if facts.matrix.is_none() {
        started
            .refused(2, &["--kernels", &facts.name, "cannot run the matrix kernels", "cooperative matrices"]);
        assert!(!desk.path("run").exists());
        let usual = desk.train("--precision f16 --steps 2 --out usual").expect(0);
        assert!(!usual.err.contains("matrix units"), "there are none to speak of: {usual:#?}");
    } else {
        let ended = started.expect(0);
        assert!(ended.err.contains("matrix units"), "the check says what it found: {ended:#?}");
    }
}
