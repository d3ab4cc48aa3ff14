//! `swav-wgpu bench`: what it prints, and that Ctrl-C ends it cleanly and soon.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Desk;

/// Every number in it, with where it stands.
fn numbers(value: &Value, at: &str, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.push((at.to_owned(), number.as_f64().unwrap())),
        Value::Array(list) => list.iter().for_each(|inner| numbers(inner, at, found)),
        Value::Object(map) => {
            for (key, inner) in map {
                numbers(inner, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_figures_of_a_step_agree_with_each_other() {
    let desk = Desk::new();
    let ended = desk.run("bench --config c4a --steps 1 --json").expect(0);
    assert!(ended.err.starts_with("C4a on ") && ended.err.lines().count() == 1, "{ended:#?}");
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    let mut all = Vec::new();
    numbers(&found, "", &mut all);
    let number =
        |at: &str| found.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("{at}: {found:#}"));

    for (at, value) in all.iter().filter(|(at, _)| !at.starts_with("/adapter")) {
        assert!(value.is_finite() && *value >= 0.0, "{at} is {value}");
    }
    // What JSON cannot say becomes null.
    let timestamps = found["adapter"]["timestamps"] == true;
    let mut figures = found.clone();
    figures["adapter"] = "what an adapter lacks may be written so too".into();
    assert_eq!(figures.to_string().contains("null"), !timestamps, "{found:#}");

    // What PyTorch counts of the same network.
    assert_eq!(number("/roofline/flop"), 45_920_944_128.0);
    assert_eq!(number("/parameters"), 338_960.0);
    let step = number("/step_s/median");
    assert_eq!((step, step), (number("/step_s/min"), number("/step_s/max")));
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} is not {b}: {found:#}");
    near(number("/images_per_s") * step, 128.0);
    near(number("/roofline/gflop_per_s") * step, 45.920_944_128);

    if timestamps {
        let operations = found["device"]["operations"].as_array().unwrap();
        let sum = |key: &str| operations.iter().map(|row| row[key].as_f64().unwrap()).sum::<f64>();
        near(sum("share"), 1.0);
        near(sum("milliseconds"), number("/device/kernels_s") * 1e3);
        near(sum("bytes"), number("/roofline/kernel_bytes"));
        near(sum("calls"), number("/dispatches"));
        let wall = number("/device/step_s");
        let copies = number("/device/copies_s");
        assert!(copies >= 0.0);
        near(number("/device/outside"), 1.0 - (number("/device/kernels_s") + copies) / wall);
    }
    assert_eq!(desk.names(""), ["base.toml", "pics"], "a measurement leaves nothing behind");
}

/// A small device has no room for a batch as a whole.
#[test]
fn a_batch_is_measured_in_parts() {
    let desk = Desk::new();
    let figures = |flags: &str| -> Value {
        let ended = desk.run(&format!("bench --config c4a --steps 1 --json {flags}")).expect(0);
        serde_json::from_str(&ended.out).unwrap()
    };
    let (whole, parts) = (figures(""), figures("--micro-batch 32"));
    let of = |found: &Value, key: &str| found[key].as_u64().unwrap();
    assert!(of(&parts, "memory_bytes") < of(&whole, "memory_bytes") / 2, "{parts:#}");
    // What is computed twice is work of the parts, not of the network.
    assert_eq!((&whole["batch"], &whole["roofline"]["flop"]), (&parts["batch"], &parts["roofline"]["flop"]));
    assert_eq!((&whole["parts"], &parts["parts"]), (&1.into(), &4.into()));
    assert!(of(&parts, "dispatches") > 2 * of(&whole, "dispatches"), "{parts:#}");
    let ended = desk.run("bench --config c4a --steps 1 --micro-batch 32").expect(0);
    assert!(ended.out.contains("4 parts of 32"), "{ended:#?}");
}

#[test]
fn an_unknown_network_or_adapter_is_refused() {
    let desk = Desk::new();
    let ended = desk.run("bench --config C9").expect(2);
    assert!(["C9", "C1", "C4b"].iter().all(|word| ended.err.contains(word)), "{ended:#?}");
    desk.run("bench --adapter nothing-like-it").refused(2, &["`adapter`", "nothing-like-it"]);
}

#[test]
fn ctrl_c_ends_a_measurement_without_figures() {
    let desk = Desk::new();
    // Minutes at most, should this test die before it ends them.
    let mut command: Command = desk.command("bench --config C1 --steps 100");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    // Whoever can read this line can also press Ctrl-C.
    err.read_line(&mut first).unwrap();
    assert!(first.starts_with("C1 on "), "{first}");
    std::thread::sleep(Duration::from_secs(1));
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let (mut rest, pressed) = (String::new(), Instant::now());
    err.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    // A processor takes ten seconds or more for a step of this network, and compiles its kernels before the first.
    assert!(pressed.elapsed() < Duration::from_secs(8), "{:?}", pressed.elapsed());
    assert_eq!(output.status.code(), Some(130), "{rest}");
    assert!(output.stdout.is_empty() && rest.contains("Stopping, without figures"), "{rest}");
    assert!(!rest.contains("error") && !rest.contains("panicked"), "{rest}");
}
