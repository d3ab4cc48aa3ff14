//! What the program prints when it does not train, and after a profiled run.

use swav_wgpu::config::{Config, Preset};

use super::Desk;

impl Desk {
    /// The help of a command.
    fn help(&self, command: &str) -> String {
        let ended = self.run(&format!("{command} --help")).expect(0);
        let usage = format!("Usage: swav-wgpu {command}");
        assert!(ended.err.is_empty() && ended.out.contains(&usage), "{ended:#?}");
        ended.out
    }
}

#[test]
fn help_lists_every_command_setting_and_example() {
    let desk = Desk::new();
    let all = desk.run("--help").expect(0).out;
    assert_eq!(all, desk.run("help").expect(0).out);
    let table = swav_wgpu::cli::command();
    assert!(table.get_subcommands().count() > 10, "{all}");
    for command in table.get_subcommands() {
        let name = command.get_name();
        assert!(all.contains(&format!("\n  {name} ")), "{name}: {all}");
        let help = desk.help(name);
        for measure in command.get_subcommands().map(clap::Command::get_name) {
            assert!(help.contains(&format!("\n  {measure} ")), "{name} {measure}: {help}");
            desk.help(&format!("{name} {measure}"));
        }
    }
    let train = desk.help("train");
    for setting in Config::SETTINGS.iter().filter(|setting| setting.key != "data") {
        // A switch may stand alone: its value is in brackets.
        let named = [" ", "[="].map(|end| format!("--{}{end}", setting.flag()));
        assert!(named.iter().any(|flag| train.contains(flag)), "{}", setting.key);
    }
    assert!(["--plan", "--profile", "--resume", "--list-presets"].iter().all(|flag| train.contains(flag)));
    // Nothing asked for: the help, and code 2.
    assert!(desk.run("").expect(2).err.contains("Usage: swav-wgpu"));
    let version = desk.run("--version").expect(0).out;
    assert_eq!(version, format!("swav-wgpu {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn shells_and_manuals_know_every_command() {
    let desk = Desk::new();
    desk.run("man --out pages").expect(0);
    let script = desk.run("completions bash").expect(0).out;
    for command in swav_wgpu::cli::command().get_subcommands().map(clap::Command::get_name) {
        assert!(script.contains(&format!("swav__wgpu__subcmd__{command}")), "{command}");
        let page = std::fs::read_to_string(desk.path(&format!("pages/swav-wgpu-{command}.1"))).unwrap();
        assert!(
            page.starts_with(".ie") || page.starts_with(".TH") || page.contains(".SH SYNOPSIS"),
            "{command}"
        );
    }
    let whole = std::fs::read_to_string(desk.path("pages/swav-wgpu.1")).unwrap();
    assert!(whole.contains("Examples:"), "{whole}");
}

#[test]
fn presets_are_listed_with_values_that_can_be_pasted() {
    let desk = Desk::new();
    let ended = desk.run("train --list-presets").expect(0);
    assert!(ended.err.is_empty(), "{ended:#?}");
    for &preset in Preset::ALL {
        assert!(ended.out.contains(&format!("\n{preset}: ")), "{preset}");
        for (key, value) in preset.values() {
            assert!(ended.out.contains(&format!("--{} {value}", key.replace('_', "-"))), "{preset}: {key}");
        }
    }
    assert_eq!(desk.names(""), ["base.toml", "pics"]);
}

#[test]
fn devices_are_listed_as_adapter_takes_them() {
    let desk = Desk::new();
    let listed = desk.run("devices").expect(0).out;
    let (index, name) = listed.lines().next().unwrap().split_once("  ").unwrap();
    assert!(index == "0" && ["subgroups", "timestamps"].iter().all(|word| listed.contains(word)), "{listed}");
    let word = name.split([' ', '(']).next().unwrap().to_uppercase();
    for wanted in ["0", word.as_str()] {
        let plan = desk.train(&format!("--plan --adapter {wanted}")).expect(0).out;
        assert!(plan.contains(name), "{plan}");
    }
}

/// The value of a line of the plan.
fn planned<'a>(plan: &'a str, what: &str) -> &'a str {
    let line =
        plan.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("no {what}: {plan}"));
    line[what.len()..].trim()
}

#[test]
fn a_plan_refuses_what_the_run_would_be_refused_for() {
    let desk = Desk::new();
    desk.run("train gone --config base.toml --plan").refused(1, &["gone", "nothing here"]);
    desk.train("--plan --source mnist").refused(1, &["pics", "not here"]);
    desk.train("--plan --batch 45 --queue 0").refused(2, &["`batch`", "only 44 pictures"]);
    desk.train("--plan --init gone.pth").refused(1, &["gone.pth"]);
    desk.write("used/note.txt", "mine");
    desk.train("--plan --out used").refused(2, &["`out`", "not empty"]);
    desk.picture("one/a.png", 1);
    desk.run("train one --config base.toml --batch 2 --plan").refused(1, &["only one picture", "two"]);
}

#[test]
fn a_plan_says_what_the_run_then_takes() {
    let desk = Desk::new();
    let plan = desk.train("--plan --out run").expect(0).out;
    assert!(!desk.path("run").exists(), "a plan makes nothing");
    let (dispatches, rest) = planned(&plan, "a step").split_once(' ').unwrap();
    assert_eq!(rest, "dispatches on 8 pictures with 3 crops each");
    let memory = planned(&plan, "peak memory").strip_suffix(" on the device").unwrap();
    assert!(memory.ends_with(" MiB"), "{plan}");
    let submissions = planned(&plan, "submissions");
    assert!(
        submissions.contains(" a step at first") && submissions.contains("the longest dispatch is"),
        "{plan}"
    );
    let longest = planned(&plan, "by kernel");
    assert!(longest.contains("dispatch") && longest.contains(", the longest "), "{plan}");
    assert!(planned(&plan, "at rest").contains(" MiB planned, "), "{plan}");
    let large = "--plan --batch 44 --queue 0 --width 16 --crops 2x64@0.4-1";
    let recomputed = desk.train(&format!("{large} --recompute")).expect(0).out;
    let kept = desk.train(large).expect(0).out;
    let mebibytes = |plan: &str| {
        let text = planned(plan, "peak memory").split(' ').next().unwrap().to_owned();
        text.parse::<u64>().unwrap()
    };
    assert!(mebibytes(&recomputed) < mebibytes(&kept), "{recomputed}{kept}");
    let run = desk.train("--steps 1 --out run").expect(0).err;
    assert!(
        run.lines().next().unwrap().ends_with(&format!("; {dispatches} dispatches a step, {memory}")),
        "{run}"
    );
    let learned = |name: &str| {
        !["running_", "num_batches_tracked", "optimizer.", "queue"].iter().any(|other| name.contains(other))
    };
    let tensors = desk.checkpoint("run").tensors;
    let weights: usize =
        tensors.iter().filter(|(name, _)| learned(name)).map(|(_, tensor)| tensor.data.len()).sum();
    assert_eq!(planned(&plan, "parameters"), weights.to_string(), "{:?}", tensors.keys());
}

/// The rows of a table of the profile: label, calls, milliseconds.
fn table(text: &str, head: &str) -> Vec<(String, usize, f64)> {
    let start = |line: &&str| !line.trim_start().starts_with(&format!("{head} "));
    let rows = text.lines().skip_while(start).skip(1).take_while(|line| !line.is_empty());
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [label @ .., calls, milliseconds, _share, _speed] = fields.as_slice() else { panic!("{line}") };
        (label.join(" "), calls.parse().unwrap(), milliseconds.parse().unwrap())
    };
    rows.map(row).collect()
}

#[test]
fn a_profile_is_a_table_by_operation_and_by_layer() {
    let desk = Desk::new();
    let listed = desk.run("devices").expect(0).out;
    let ended = desk.train("--profile --steps 2 --out run").expect(0);
    if !listed.contains("timestamps yes") {
        assert!(ended.err.contains("no time stamps"), "{ended:#?}");
        return;
    }
    let total: f64 = ended
        .out
        .split("Device time of one step: ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let [operations, layers] = ["operation", "layer"].map(|head| table(&ended.out, head));
    let calls = |rows: &[(String, usize, f64)]| rows.iter().map(|row| row.1).sum::<usize>();
    assert!(calls(&operations) > 100 && calls(&operations) == calls(&layers), "{ended:#?}");
    for rows in [&operations, &layers] {
        let sum: f64 = rows.iter().map(|row| row.2).sum();
        assert!((sum - total).abs() < 0.01 * total + 0.05, "{sum} of {total}");
    }
    // Which are among the longest, and not among the others, no two runs agree on.
    let has = |rows: &[(String, usize, f64)], label: &str| rows.iter().any(|row| row.0.starts_with(label));
    assert!(has(&operations, "backward_weight") && has(&layers, "layer"), "{}", ended.out);
    // The profiled step is one more: it is in no checkpoint.
    assert_eq!(desk.checkpoint("run").meta.step, 2);
}

/// A pipe that is full or closed: the first is said, the second is nobody's fault.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_an_error() {
    let desk = Desk::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        desk.command("train --list-presets").stdout(full).stderr(std::process::Stdio::piped()).output();
    let ended = super::Ended::of("to a full device", &output.unwrap());
    ended.refused(1, &["standard output", "No space left"]);
}
