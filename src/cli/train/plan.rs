//! `train --plan`: what a run would take, as text.

use std::fmt::Write as _;

use chrono::{DateTime, Local};

use crate::cli::passes::Passes;
use crate::cli::print;
use crate::cli::table::{bytes, seconds};
use crate::config::{Config, whole_seconds};
use crate::error::Result;
use crate::gpu::EntryEstimate;
use crate::pass::per_second;
use crate::train::{Forecast, PlanFigures, Planned, TrainOptions, forecast, plan_run};
use crate::tune::{Peaks, peaks};
use crate::words::counted;

/// What a plan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Plan {
    /// Time, by measuring a few steps, and memory
    Time,
    /// Memory alone, at once
    Memory,
}

/// Says what a run would take, and what it would say.
pub(super) fn run(request: &TrainOptions, what: Plan) -> Result<()> {
    let config = &request.config;
    let mut passes = Passes::new();
    if what == Plan::Memory {
        let figures = plan_run(request, &mut passes.watch())?;
        drop(passes);
        return print(&(memory(config, &figures) + &notes(&figures)));
    }
    let Planned { figures, forecast, suited } = forecast(request, &mut passes.watch())?;
    let peaks = peaks(config.adapter.as_deref(), forecast.matrix_units)?;
    drop(passes);
    let time = time(&forecast, &suited, peaks, Local::now());
    print(&(memory(config, &figures) + &notes(&figures) + &time))
}

/// What the run would say before its first step, a line each.
fn notes(figures: &PlanFigures) -> String {
    figures.notices.iter().map(|notice| format!("note         {notice}\n")).collect()
}

/// Memory, and the shape of a step.
fn memory(config: &Config, figures: &PlanFigures) -> String {
    let PlanFigures { dispatches, estimate, memory, driver, parameters, adapter, parts, extra, .. } = figures;
    let allocated = driver.map_or_else(
        || "this driver does not say what it allocates".to_owned(),
        |driver| {
            format!(
                "{} allocated by the driver in blocks of {}",
                bytes(driver.allocated),
                bytes(driver.reserved)
            )
        },
    );
    format!(
        "adapter      {adapter}\n\
         parameters   {parameters}\n\
         a step       {dispatches} dispatches on {} pictures with {} crops each\n\
         parts        {}\n\
         submissions  {} a step at first, by a rough estimate of {} for this kind of adapter; the longest dispatch \
         is {} with {}\n{}\
         peak memory  {} on the device\n\
         at rest      {} planned, {allocated}\n",
        config.batch,
        config.crop_count(),
        parts_of_a_batch(parts, *extra),
        estimate.submissions,
        seconds(estimate.seconds),
        estimate.longest.0,
        seconds(estimate.longest.1),
        entries(&estimate.entries),
        bytes(memory.peak()),
        bytes(memory.kept)
    )
}

/// The kernels that are expected to take most of a step, a line each.
fn entries(entries: &[EntryEstimate]) -> String {
    const SHOWN: usize = 5;
    let mut text = String::new();
    for (at, EntryEstimate { entry, dispatches, seconds: all, longest }) in
        entries.iter().take(SHOWN).enumerate()
    {
        let (head, all) = (if at == 0 { "by kernel" } else { "" }, seconds(*all));
        let of = counted(*dispatches, "dispatch");
        let _ = writeln!(text, "{head:13}{entry:<22}{all:>8} in {of}, the longest {}", seconds(*longest));
    }
    let rest = entries.get(SHOWN..).unwrap_or_default();
    if !rest.is_empty() {
        let all = seconds(rest.iter().map(|entry| entry.seconds).sum());
        let _ = writeln!(text, "{:13}{:<22}{all:>8}", "", format!("{} others", rest.len()));
    }
    text
}

/// In which parts a batch goes through the trunk, and what that costs.
fn parts_of_a_batch(parts: &[usize], extra: f64) -> String {
    let (most, last) = (parts.first().copied().unwrap_or(0), parts.last().copied().unwrap_or(0));
    match parts.len() {
        0 | 1 => "none: a batch goes through the trunk as a whole".to_owned(),
        count => {
            let rest = if last == most { String::new() } else { format!(", the last of {last}") };
            format!(
                "{count} of {most} pictures{rest}; each but one goes forward twice, which is {:.0} % more work",
                100.0 * extra
            )
        }
    }
}

/// Times, by what was measured, and what suits the recipe to the time it is given; `now` is when the run would begin.
fn time(forecast: &Forecast, suited: &[String], peaks: Peaks, now: DateTime<Local>) -> String {
    let Forecast { step, rhythm, total_steps: total, done, flop, .. } = forecast;
    let mut text = String::new();
    let mut line = |head: &str, what: String| {
        let _ = writeln!(text, "{head:13}{what}");
    };
    let of_kinds = if forecast.measured {
        format!(
            "the device alone {}; in the first epoch, which decodes every picture, {}",
            seconds(step.device),
            seconds(step.decoding)
        )
    } else {
        "too long to be measured, so this is by its operations and the speed of an evaluation".to_owned()
    };
    let speed = per_second(forecast.images_per_s());
    line("a step takes", format!(" {}, {speed} images/s; {of_kinds}", seconds(step.later())));
    let most = peaks.matrix_gflop_per_s.unwrap_or(peaks.gflop_per_s);
    let speed = forecast.gflop_per_s();
    line(
        "work",
        format!(
            "{:.1} GFLOP a step, {speed:.1} GF/s: {:.0} % of the {most:.0} that this adapter adds and multiplies at the most",
            *flop as f64 * 1e-9,
            100.0 * speed / most
        ),
    );
    line(
        "an epoch",
        format!("{} in {}", counted(rhythm.epoch as usize, "step"), whole_seconds(forecast.epoch_seconds())),
    );
    let steps = forecast.steps(*done, *total);
    let left = if *done > 0 { format!(" that are left of {total}") } else { String::new() };
    // Pictures without labels are not judged by.
    let evaluations = match rhythm.evaluations(*done, *total) as usize {
        count if forecast.evaluation > 0.0 => {
            format!("{} of {}, ", counted(count, "evaluation"), seconds(forecast.evaluation))
        }
        _ => String::new(),
    };
    let checkpoints = rhythm.checkpoints(*done, *total) as usize;
    let all = match forecast.last(*total) {
        0.0 => String::new(),
        last => format!(", and {} for judging by all pictures", whole_seconds(last)),
    };
    line(
        "the run",
        format!(
            "{}{left} in {}; {evaluations}{} of {}, {} before the first step and {} for the gallery{all}",
            counted(total.saturating_sub(*done) as usize, "step"),
            whole_seconds(steps),
            counted(checkpoints, "checkpoint"),
            seconds(forecast.checkpoint),
            whole_seconds(forecast.opening + if *done == 0 { forecast.first_looks } else { 0.0 }),
            whole_seconds(forecast.gallery),
        ),
    );
    if !suited.is_empty() {
        line("to suit that", format!("the network {}", suited.join(" and ")));
    }
    let all = forecast.opening + forecast.seconds(*total);
    let end = chrono::Duration::try_milliseconds((all * 1e3).min(1e15) as i64);
    let end = end.and_then(|all| now.checked_add_signed(all));
    let format = if all < 20.0 * 3600.0 { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let end = end.map_or_else(String::new, |end| format!(": begun now, it ends at {}", end.format(format)));
    line("in all", format!("{}{end}", whole_seconds(all)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::forecast::tests::forecast;
    use chrono::TimeZone as _;

    #[test]
    fn a_plan_names_the_kernels_that_take_longest() {
        let of = |at: usize| EntryEstimate {
            entry: format!("kernel{at}"),
            dispatches: at,
            seconds: 2.0 / at as f64,
            longest: 0.05,
        };
        let text = entries(&(1..=8).map(of).collect::<Vec<_>>());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(
            lines[0].starts_with("by kernel    kernel1 ") && lines[0].ends_with("the longest 50.00 ms"),
            "{text}"
        );
        assert!(lines[1].contains("1.00 s in 2 dispatches, "), "{text}");
        assert!(lines[5].starts_with("             3 others ") && lines[5].ends_with(" 869 ms"), "{text}");
        assert_eq!(entries(&[]), "");
    }

    #[test]
    fn a_plan_tells_the_time_of_a_run_by_its_parts() {
        let forecast = Forecast { epoch: 0.0, ..forecast() };
        let peaks = Peaks { gigabyte_per_s: 10.0, gflop_per_s: 20.0, matrix_gflop_per_s: None };
        let now = Local.with_ymd_and_hms(2030, 5, 6, 10, 0, 0).unwrap();
        let text = time(&forecast, &[], peaks, now);
        for words in [
            "a step takes  1.50 s, 5.3 images/s; the device alone 800 ms",
            "4.0 GFLOP a step, 5.0 GF/s: 25 % of the 20 ",
            "10 steps in 15s",
            "100 steps in 2m37s; 4 evaluations of 5.00 s, 4 checkpoints of 500 ms, 10s before",
            // 4 + 6 + 157 + 20 + 2 + 3.
            "3m12s: begun now, it ends at 10:03",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let text = time(&Forecast { measured: false, ..forecast.clone() }, &[], peaks, now);
        assert!(text.contains("1.50 s, 5.3 images/s; too long to be measured"), "{text}");
        let text = time(&Forecast { evaluation: 0.0, ..forecast.clone() }, &[], peaks, now);
        assert!(text.contains("; 4 checkpoints of ") && !text.contains("evaluation"), "{text}");
        let text = time(&Forecast { done: 40, ..forecast }, &["is judged less".into()], peaks, now);
        assert!(text.contains("\nto suit that the network is judged less\n"), "{text}");
        assert!(text.contains("60 steps that are left of 100 in"), "{text}");
    }
}
