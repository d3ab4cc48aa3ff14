//! How long a run takes: told before it, and given in place of a length.

use super::{BASE, Desk, assert_same_run};

/// The setting in a run's config.toml.
fn steps(desk: &Desk, run: &str) -> u64 {
    let text = desk.read(&format!("{run}/config.toml"));
    let line = text.lines().find(|line| line.starts_with("steps = ")).unwrap();
    line["steps = ".len()..].parse().unwrap_or_else(|_| panic!("{line}"))
}

#[test]
fn a_plan_tells_time_and_one_of_memory_does_not() {
    let desk = Desk::new();
    let plan = desk.train("--plan --out run").expect(0).out;
    for words in
        ["a step takes  ", " images/s; the device alone ", " GFLOP a step, ", "5 steps in ", "20 steps in "]
    {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    // Two evaluations on the way of three epochs each would be at 15; the last is at the end.
    assert!(plan.contains("2 evaluations of ") && plan.contains("5 checkpoints of "), "{plan}");
    assert!(plan.lines().last().unwrap().contains(": begun now, it ends at "), "{plan}");
    let memory = desk.train("--plan=memory --out run").expect(0).out;
    assert!(memory.contains("peak memory") && !memory.contains("begun now"), "{memory}");
    let short = desk.train("--plan --for 20m").expect(0).out;
    let line = short.lines().find(|line| line.starts_with("the run")).unwrap();
    let steps: u64 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(steps > 1000, "{short}");
    assert!(!desk.path("run").exists(), "a plan makes nothing");
}

#[test]
fn a_run_that_takes_a_time_is_the_run_of_that_many_steps() {
    let desk = Desk::new();
    let ended = desk.train("--for 20s --out timed").expect(0);
    assert!(ended.err.contains(" steps fit 20s"), "{ended:#?}");
    assert_eq!(desk.summary("timed")["finished"], true);
    // On a machine that does not keep its pace the run may have got another length on its way.
    let (total, settings) = (steps(&desk, "timed"), desk.read("timed/config.toml"));
    let length = |line: &&str| line.starts_with("steps = ") || line.starts_with("former_steps = ");
    let length: Vec<&str> = settings.lines().filter(length).collect();
    desk.write("counted.toml", format!("{BASE}{}\n", length.join("\n")));
    desk.run("train pics --config counted.toml --out counted").expect(0);
    assert_same_run(&desk, "timed", "counted", total);
    // It goes on without a measurement, and is not given another time.
    desk.run("train --resume timed --for 1m").refused(2, &["`for`", "has its steps"]);
    let more = desk.run(&format!("train --resume timed --steps {}", total + 2)).expect(0);
    assert!(!more.err.contains("steps fit"), "{more:#?}");
}

#[test]
fn a_run_that_got_another_length_on_its_way_is_told_by_its_settings() {
    let desk = Desk::new();
    let lr = |run: &str| -> Vec<f64> {
        desk.metrics(run).iter().map(|line| line["lr"].as_f64().unwrap()).collect()
    };
    // As if the machine had become twice as slow after 12 of 20 steps.
    let history = "steps = 16\nformer_steps = \"20 until 12\"\n";
    desk.write("short.toml", format!("{BASE}{history}"));
    desk.run("train pics --config short.toml --out short").expect(0);
    desk.train("--steps 20 --out long").expect(0);
    let (long, short) = (lr("long"), lr("short"));
    assert_eq!(long[..13], short[..13], "it goes on from where it was");
    // Every second rate of the longer run, to the end of the cosine.
    for (step, like) in [(13, 14), (14, 16), (15, 18)] {
        assert!((short[step] - long[like]).abs() < 1e-12, "{step}: {short:?} {long:?}");
    }
    // Killed after it was given the other length, before a checkpoint knows of it.
    desk.kill_between(
        "train pics --config base.toml --steps 20 --checkpoint-every 9 --out cut",
        "cut",
        10,
        18,
    );
    assert_eq!(desk.checkpoint("cut").meta.step, 9);
    let settings =
        desk.read("cut/config.toml").replace("steps = 20\n", "").replace("former_steps = \"none\"\n", "");
    desk.write(
        "cut/config.toml",
        settings.replace("checkpoint_every = 9", &format!("checkpoint_every = 4\n{history}")),
    );
    desk.run("train --resume cut").expect(0);
    assert_same_run(&desk, "short", "cut", 16);
    // Somebody who types another length does not ask for that history; a file that tells both is refused.
    desk.run("train pics --config short.toml --steps 12 --out other").expect(0);
    assert!(desk.read("other/config.toml").contains("former_steps = \"none\""));
    desk.write("wrong.toml", format!("{BASE}steps = 12\nformer_steps = \"20 until 12\"\n"));
    desk.run("train pics --config wrong.toml --out wrong")
        .refused(2, &["`former_steps`", "at step 12", "`none`"]);
}

#[test]
fn times_that_cannot_be_kept_are_refused_in_a_sentence() {
    let desk = Desk::new();
    desk.train("--for 20m --steps 9 --out run").refused(2, &["`for`", "`steps`"]);
    desk.train("--for 20m --epochs 9 --out run").refused(2, &["`for`", "`epochs`"]);
    desk.train("--for 20m --max-time 8h --out run").refused(2, &["`for`", "`max_time`"]);
    desk.train("--for 1ms --out run").refused(2, &["`for`", "1ms is too short", "allow "]);
    desk.train("--for soon --out run").expect(2);
    assert!(!desk.path("run").exists());
}
