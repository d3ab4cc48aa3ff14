//! `swav-wgpu bench`: how fast an adapter trains, on one screen that fits into a bug report.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::flags::{Choice, Given};
use super::table::{self, seconds};
use super::{Outcome, interrupt::Interrupt, print, tune as tuned};
use crate::config::{MicroBatch, Setting};
use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, ProfileRow};
use crate::measure::{CASES, Case, Figures, Meter, Operation, Roofline};
use crate::tune::{Peaks, peaks};
use crate::words::counted;

/// The settings of `train` that a measurement has too.
struct Measured;

impl Choice for Measured {
    fn has(setting: &Setting) -> bool {
        ["adapter", "kernels", "tuned", "precision", "submission_ms", "batch", "micro_batch"]
            .contains(&setting.key)
    }
}

/// Measure how fast an adapter trains
#[derive(Args)]
#[command(
    long_about = "Measure how fast an adapter trains: a few steps of a known network on noise, without pictures \
                  and without files. Whoever reports that training is slow or wrong should paste what this \
                  prints. Nothing else should run meanwhile."
)]
pub(super) struct Bench {
    /// The network that is trained
    #[arg(long, value_name = "NAME", ignore_case = true, default_value = "C4b", value_parser = cases())]
    config: &'static Case,
    /// Steps to time, after two that warm up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=10_000))]
    steps: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Given<Measured>,
}

/// A case by its name.
fn cases() -> impl TypedValueParser<Value = &'static Case> {
    let names = CASES.iter().map(|case| PossibleValue::new(case.name).help(case.about));
    PossibleValuesParser::new(names).map(|name| {
        let Some(case) = Case::named(&name) else { unreachable!("clap takes these names only") };
        case
    })
}

impl Bench {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let (case, steps) = (self.config, self.steps as usize);
        let mut config = case.config()?;
        self.settings.apply(&mut config)?;
        if config.micro_batch == Some(MicroBatch::Auto) {
            let reason = "is a number here, so that figures of several adapters are of the same parts; `--plan` of a run finds one";
            return Err(Error::config("micro_batch", reason));
        }
        tuned::apply(&mut config)?;
        // A step may take a processor minutes, and there is nothing to lose: the process ends where it does not.
        let interrupt = Interrupt::new("Stopping, without figures.", "");
        let mut meter = Meter::open(case.name, &config)?;
        let by_kernel = if config.parts().len() > 1 { "" } else { ", one by kernel" };
        let text = format!(
            "{} on {}: {} steps to warm up, {steps} timed{by_kernel}",
            case.name,
            meter.adapter().name,
            Meter::WARM_UP
        );
        let _ = writeln!(std::io::stderr(), "{text}");
        let bar = progress(Meter::WARM_UP + steps + 1);
        for _ in 0..Meter::WARM_UP + steps {
            meter.step()?;
            bar.inc(1);
            if interrupt.is_set() {
                return Ok(Outcome::Interrupted);
            }
        }
        meter.profile()?;
        bar.finish_and_clear();
        if interrupt.is_set() {
            return Ok(Outcome::Interrupted);
        }
        let (figures, matrix) = (meter.figures(), meter.has_matrix_units());
        // The step's memory is given back before the limits take some.
        drop(meter);
        let report = Report::new(figures, peaks(config.adapter.as_deref(), matrix)?);
        if interrupt.is_set() {
            return Ok(Outcome::Interrupted);
        }
        print(&if self.json { report.json()? } else { report.render() })?;
        Ok(Outcome::Done)
    }
}

/// A bar in a terminal, and nothing anywhere else. It goes when it is dropped.
fn progress(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64).with_finish(indicatif::ProgressFinish::AndClear);
    // The template is a constant; were it wrong, a plainer bar is better than none.
    if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos}/{len} steps") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.tick();
    bar
}

/// The figures with what produced them.
#[derive(Serialize)]
struct Report {
    program: String,
    system: String,
    /// The shader compiler, where a system has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    compiler: Option<&'static str>,
    #[serde(flatten)]
    figures: Figures,
    peaks: Peaks,
}

impl Report {
    fn new(figures: Figures, peaks: Peaks) -> Self {
        let program = concat!("swav-wgpu ", env!("CARGO_PKG_VERSION")).to_owned();
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        Self { program, system, compiler: figures.adapter.compiler, figures, peaks }
    }

    fn json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        Ok(text.map_err(|error| Error::io("standard output")(error.into()))? + "\n")
    }

    fn render(&self) -> String {
        let Figures { config, settings, adapter, step_s, steps, images_per_s, .. } = &self.figures;
        let AdapterFacts { name, kind, backend, driver, .. } = adapter;
        let kernels = &self.figures.kernels;
        let mut text = format!("{}, {}\n\n", self.program, self.system);
        let mut line = |head: &str, value: String| {
            let _ = writeln!(text, "{head:14}{value}");
        };
        let compiler = self.compiler.map_or_else(String::new, |name| format!(", compiler {name}"));
        line("adapter", format!("{name}; {kind}, {backend}, driver {driver}{compiler}; {kernels} kernels"));
        line("network", format!("{config}: {settings}"));
        let (median, min, max) = (seconds(step_s.median), seconds(step_s.min), seconds(step_s.max));
        let first = seconds(self.figures.first_step_s);
        line("a step", format!("{median}, median of {steps} ({min} to {max}); the first {first}"));
        if let Some(parts) = parts_of(&self.figures) {
            line("parts", parts);
        }
        line("images", format!("{images_per_s:.1} a second"));
        let memory = table::bytes(self.figures.memory_bytes);
        let Figures { dispatches, submissions, parameters, .. } = &self.figures;
        line("memory", format!("{memory}; {parameters} parameters"));
        line("dispatches", format!("{dispatches} a step, in {}", counted(*submissions, "submission")));
        roofline(&self.figures.roofline, self.peaks, self.figures.batch, &mut line);
        match &self.figures.device {
            Some(device) => {
                let [step, kernels, copies] = [device.step_s, device.kernels_s, device.copies_s].map(seconds);
                let share = device.outside * 100.0;
                line(
                    "kernels",
                    format!(
                        "{kernels}, and {copies} of copies between them, of a step of {step} with time \
                         stamps; {share:.1} % are neither"
                    ),
                );
                let rows: Vec<_> = device.operations.iter().map(row).collect();
                text += &table::table("operation", &rows, device.kernels_s * 1e3);
            }
            None if self.figures.parts > 1 => {
                line("kernels", "not timed: a step in parts has no table by kernel".to_owned());
            }
            None => line("kernels", "not timed: this adapter has no time stamps".to_owned()),
        }
        text
    }
}

/// In which parts a batch went through the trunk, where it did not as a whole.
fn parts_of(figures: &Figures) -> Option<String> {
    let Figures { parts, part, batch, .. } = *figures;
    let last = batch - part * parts.saturating_sub(1);
    let rest = if last == part { String::new() } else { format!(", the last of {last}") };
    (parts > 1).then(|| {
        format!("{parts} parts of {part} pictures{rest}; each but one goes forward twice, which no figure of work counts")
    })
}

/// The work of a step, the speed that was seen, and the speed that a round number of images would take.
fn roofline(work: &Roofline, peaks: Peaks, batch: usize, line: &mut impl FnMut(&str, String)) {
    const WANTED: f64 = 1000.0;
    let giga = |count: u64| count as f64 * 1e-9;
    let Roofline { flop, kernel_bytes, copy_bytes, flop_per_byte, gflop_per_s, gigabyte_per_s } = *work;
    let share = |of: f64, most: f64| format!("{:.0} % of the {most:.0}", 100.0 * of / most);
    let matrix =
        peaks.matrix_gflop_per_s.map(|most| format!(", and {} of matrix units", share(gflop_per_s, most)));
    let fused = share(gflop_per_s, peaks.gflop_per_s);
    line(
        "arithmetic",
        format!(
            "{:.1} GFLOP a step, {gflop_per_s:.1} GF/s: {fused} that this adapter adds and multiplies at the most{}",
            giga(flop),
            matrix.unwrap_or_default()
        ),
    );
    let (bytes, copies) = (giga(kernel_bytes + copy_bytes), giga(copy_bytes));
    let traffic = format!("{bytes:.2} GB a step ({copies:.2} of it copies), {gigabyte_per_s:.1} GB/s");
    let copied = share(gigabyte_per_s, peaks.gigabyte_per_s);
    line("traffic", format!("{traffic}: {copied} that it copies; {flop_per_byte:.1} FLOP a byte"));
    let (gflop, gigabytes) = work.needed(WANTED, batch);
    line("roofline", format!("{WANTED:.0} images a second take {gflop:.0} GF/s and {gigabytes:.0} GB/s"));
}

fn row(operation: &Operation) -> ProfileRow {
    let Operation { name, calls, milliseconds, bytes, .. } = operation;
    ProfileRow { label: name.clone(), calls: *calls, milliseconds: *milliseconds, bytes: *bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Spread;
    use clap::FromArgMatches as _;

    fn parsed(args: &[&str]) -> clap::error::Result<Bench> {
        let command = Bench::augment_args(clap::Command::new("bench"));
        Bench::from_arg_matches(&command.try_get_matches_from(["bench"].iter().chain(args))?)
    }

    #[test]
    fn every_case_can_be_named_and_is_sound() {
        for case in &CASES {
            let name = case.name.to_lowercase();
            let bench = parsed(&["--config", &name, "--adapter", "0", "--kernels", "tile"]).unwrap();
            assert_eq!((bench.config.name, bench.steps), (case.name, 5));
            let mut config = bench.config.config().unwrap();
            bench.settings.apply(&mut config).unwrap();
            assert_eq!(config.adapter.as_deref(), Some("0"));
            config.validate().unwrap();
        }
        assert!(parsed(&["--config", "C9"]).is_err());
        assert!(parsed(&["--steps", "0"]).is_err());
    }
    /// What was measured on an adapter of Windows.
    fn figures(backend: &str) -> Figures {
        let text = str::to_owned;
        let adapter = AdapterFacts {
            index: 0,
            name: text("Card 9"),
            kind: text("discrete GPU"),
            backend: text(backend),
            driver: text("maker 1.2"),
            compiler: (backend == "DX12").then_some("DXC"),
            software: false,
            max_buffer_bytes: 1 << 30,
            max_binding_bytes: 1 << 30,
            subgroup: Some((32, 32)),
            int64: true,
            f16: false,
            matrix: None,
            timestamps: true,
        };
        let roofline = Roofline {
            flop: 8,
            kernel_bytes: 2,
            copy_bytes: 2,
            flop_per_byte: 2.0,
            gflop_per_s: 1.0,
            gigabyte_per_s: 1.0,
        };
        Figures {
            config: text("C4b"),
            settings: text("a small network"),
            adapter,
            kernels: text("tile"),
            batch: 8,
            parts: 1,
            part: 8,
            steps: 1,
            step_s: Spread::of(&[1.0]),
            first_step_s: 2.0,
            images_per_s: 8.0,
            memory_bytes: 1 << 20,
            parameters: 100,
            dispatches: 10,
            submissions: 1,
            roofline,
            device: None,
        }
    }

    /// A report of a fault is read by whoever has to know it.
    #[test]
    fn text_and_json_name_the_shader_compiler_of_dx12() {
        let peaks = Peaks { gigabyte_per_s: 10.0, gflop_per_s: 10.0, matrix_gflop_per_s: None };
        for (backend, compiler) in [("DX12", Some("DXC")), ("Vulkan", None)] {
            let report = Report::new(figures(backend), peaks);
            let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
            assert_eq!(json.get("compiler").and_then(|name| name.as_str()), compiler, "{json:#}");
            assert_eq!(json["adapter"]["backend"], backend);
            assert_eq!(report.render().contains(", compiler DXC; tile kernels"), compiler.is_some());
        }
    }
}
