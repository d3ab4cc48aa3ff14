//! Seconds of a training step for the named configurations, alone or against a peer.
//!
//! `cargo bench --bench step -- C4b` measures one of them, as `swav-wgpu bench` does, and
//! `--peer torch` lets PyTorch train the same step in turns with ours (`README.md` beside this file).
//! `-- C3 --peer meganeura` compares operations a second with a step of another kind.

#[path = "peers/run.rs"]
mod peers;
mod race;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use race::{Peer, Plan};
use std::error::Error;
use std::path::PathBuf;
use swav_wgpu::measure::{CASES, Case, Figures, Meter};

/// Operations that a line lists.
const LISTED: usize = 6;

fn command() -> Command {
    let names = CASES.iter().map(|case| PossibleValue::new(case.name).help(case.about));
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let count = value_parser!(u32).range(1..);
    Command::new("step")
        .about("Seconds of a training step, alone or against a peer")
        .arg(
            Arg::new("configs")
                .value_name("NAME")
                .num_args(0..)
                .ignore_case(true)
                .value_parser(names.collect::<Vec<_>>())
                .help("Configurations; all but those with the batch of a GPU where none is named"),
        )
        .arg(
            option("steps", "N", "Timed steps, in a race of each turn")
                .value_parser(count)
                .default_value("5"),
        )
        .arg(option("pairs", "N", "Turns of each in a race").value_parser(count).default_value("3"))
        .arg(
            option(
                "set",
                "KEY=VALUE",
                "Any other setting, as config.toml has it: adapter=1, kernels=tile, …",
            )
            .action(ArgAction::Append),
        )
        .arg(
            option("peer", "PEER", "Who trains the same step in turns; meganeura its own, on C3 and C5")
                .value_parser(["torch", "burn", "meganeura"]),
        )
        .arg(
            option("against", "KEY=VALUE", "The peer is this program with another setting: precision=f16, …")
                .action(ArgAction::Append)
                .conflicts_with("peer"),
        )
        .arg(
            option("python", "PATH", "The Python that has torch")
                .value_parser(value_parser!(PathBuf))
                .default_value("python3"),
        )
        .arg(option("device", "NAME", "Where PyTorch trains: cpu, cuda, mps, xpu").default_value("cpu"))
        .arg(option("mode", "MODE", "PyTorch's fp32_nhwc, fp32_nchw or bf16_nhwc").default_value("fp32_nhwc"))
        .arg(
            option("burn", "PATH", "The compiled burn peer")
                .value_parser(value_parser!(PathBuf))
                .default_value(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/benches/peers/burn/target/release/burn-peer"
                )),
        )
        .arg(option("backend", "NAME", "burn's back end: wgpu, vulkan, flex, ndarray").default_value("wgpu"))
        .arg(
            option("meganeura", "PATH", "The compiled meganeura peer")
                .value_parser(value_parser!(PathBuf))
                .default_value(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/benches/peers/meganeura/target/release/meganeura-peer"
                )),
        )
        // What `cargo bench` itself passes on.
        .arg(Arg::new("bench").long("bench").action(ArgAction::SetTrue).hide(true))
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

fn peer(case: &Case, matches: &ArgMatches) -> Result<Option<Peer>, Box<dyn Error>> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
    let named = |name: &str| text(matches, name).to_owned();
    Ok(match text(matches, "peer") {
        "torch" => Some(Peer::Torch { python: path("python"), device: named("device"), mode: named("mode") }),
        "burn" => Some(Peer::Burn { program: path("burn"), backend: named("backend") }),
        "meganeura" => Some(Peer::Meganeura { program: path("meganeura") }),
        _ => {
            let others: Vec<_> = all(matches, "against").cloned().collect();
            let settings = others.join(", ");
            (!others.is_empty())
                .then(|| open(case, all(matches, "set").chain(&others)))
                .transpose()?
                .map(|meter| Peer::Ourselves { meter: Box::new(meter), settings })
        }
    })
}

fn all<'a>(matches: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a String> {
    matches.get_many::<String>(name).unwrap_or_default()
}

fn open<'a>(case: &Case, settings: impl Iterator<Item = &'a String>) -> Result<Meter, Box<dyn Error>> {
    let mut config = case.config()?;
    for setting in settings {
        let (key, value) = setting.split_once('=').ok_or("a setting is KEY=VALUE")?;
        config.set(key, value)?;
    }
    Ok(Meter::open(case.name, &config)?)
}

/// Times a configuration alone.
fn alone(mut meter: Meter, steps: usize) -> Result<(), Box<dyn Error>> {
    for _ in 0..Meter::WARM_UP + steps {
        meter.step()?;
    }
    meter.profile()?;
    println!("{}", lines(&meter.figures()));
    Ok(())
}

/// The figures in two lines, or one on an adapter without time stamps.
fn lines(figures: &Figures) -> String {
    let Figures { config, step_s, first_step_s, images_per_s, memory_bytes, dispatches, roofline, .. } =
        figures;
    let mut text = format!(
        "{config}: {:.3} s/step [{:.3} {:.3}], first {first_step_s:.1} s; {images_per_s:.1} images/s, \
         {:.1} GF/s, {:.1} GB/s; {} MB, {dispatches} dispatches",
        step_s.median,
        step_s.min,
        step_s.max,
        roofline.gflop_per_s,
        roofline.gigabyte_per_s,
        memory_bytes / 1_000_000,
    );
    if let Some(device) = &figures.device {
        let share = |name: &str, share: f64| format!("{name} {:.1} %", share * 100.0);
        let most = device.operations.iter().take(LISTED);
        let listed: Vec<_> = most.map(|operation| share(&operation.name, operation.share)).collect();
        let copies = share("of the step are copies", device.copies_s / device.step_s);
        text += &format!("\n  {}; {copies}, {}", listed.join(", "), share("neither", device.outside));
    }
    text
}

fn main() -> Result<(), Box<dyn Error>> {
    swav_wgpu::launch::prepare();
    let matches = command().get_matches();
    let number = |name: &str| matches.get_one::<u32>(name).map_or(1, |&number| number as usize);
    let wanted: Vec<&String> = matches.get_many("configs").unwrap_or_default().collect();
    for case in &CASES {
        let named = wanted.iter().any(|name| name.eq_ignore_ascii_case(case.name));
        if !named && (case.large || !wanted.is_empty()) {
            continue;
        }
        let peer = peer(case, &matches)?;
        if let Some(Err(missing)) = peer.as_ref().map(|peer| peer.find(case.name)) {
            println!("{missing}");
            return Ok(());
        }
        let meter = open(case, all(&matches, "set"))?;
        match peer {
            Some(peer) => {
                let (case, batch) = (case.name, meter.figures().batch);
                let plan = Plan { case, batch, steps: number("steps"), pairs: number("pairs") };
                race::run(meter, peer, &plan)?;
            }
            None => alone(meter, number("steps"))?,
        }
    }
    Ok(())
}
