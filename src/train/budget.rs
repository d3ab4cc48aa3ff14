//! A run that is to take a given time: how many steps fit it, and whether the run keeps to it.
//!
//! The number of steps is decided once, before the first of them, and becomes the setting `steps`: from there on the run is
//! the same as any other of that length, to the last bit, and one that is resumed measures nothing.

use super::forecast::Forecast;
use super::ground::Ground;
use super::rehearsal::Rehearsal;
use crate::config::{Config, Value, whole_seconds};
use crate::error::{Error, Result};
use crate::method::Trainer;
use crate::pass::Watch;
use crate::words::counted;
use std::time::{Duration, Instant};

/// This share of the time is spent on measuring steps of each kind, between these seconds.
const MEASURED: f64 = 1.0 / 60.0;
const BOUNDS: [f64; 2] = [1.0, 8.0];
/// A run is called late when it will take so many times what it was given.
const LATE: f64 = 1.1;
/// And once more when it has become so many times as late as was said.
const WORSE: f64 = 1.5;
/// Seconds of steps before a run is judged by them.
const SETTLED: f64 = 5.0;
/// The weight of the newest report in the pace that a run is judged by.
const NEWEST: f64 = 0.3;

/// The time that a run is to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) time: Duration,
    /// When the run was asked for.
    pub(super) since: Instant,
}

/// A run that has been given as many steps as fit its time.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    budget: Budget,
    forecast: Forecast,
    /// What was changed of the recipe so that it suits the time.
    suited: Vec<String>,
    /// Seconds of a step lately, where there were some.
    pace: Option<f64>,
    /// Seconds of steps so far.
    watched: f64,
    /// How late the run was when that was said last, as a multiple of its time.
    told: Option<f64>,
}

impl Budget {
    /// Measures, and sets `steps` so that the run ends in time. The network that comes back has seen nothing.
    ///
    /// # Errors
    /// [`Error::Config`] for `for` where not even one step fits; what the driver or the loader reports;
    /// [`Error::Stopped`] where a pass is.
    pub(super) fn fit(self, ground: &mut Ground, watch: &mut Watch<'_>) -> Result<(Trainer, Keeping)> {
        let seconds = (self.time.as_secs_f64() * MEASURED).clamp(BOUNDS[0], BOUNDS[1]);
        let recipe_steps = ground.config.length(ground.epoch()).total;
        let (forecast, making) = {
            let start = Instant::now();
            let (mut trainer, mut judge) = (ground.trainer(watch)?, ground.judge());
            let making = start.elapsed().as_secs_f64();
            let Ground { config, dataset, spec, .. } = &*ground;
            let (total_steps, since) = (recipe_steps, self.since);
            let rehearsal = Rehearsal { config, dataset, spec, total_steps, done: 0, since, seconds };
            (rehearsal.measure(&mut trainer, &mut judge, watch)?, making)
        };
        // The network of the run is still to be made, and finds its kernels compiled.
        let over = self.since.elapsed().as_secs_f64() + making;
        let mut forecast = Forecast { first_step: 0.0, ..forecast };
        let left = self.time.as_secs_f64() - over;
        let suited = suit(&mut ground.config, &mut forecast, left)?;
        if forecast.total_steps == 0 {
            return Err(too_short(self.time, over, &forecast));
        }
        ground.config.steps = Some(forecast.total_steps);
        let trainer = ground.trainer(watch)?;
        Ok((trainer, Keeping { budget: self, forecast, suited, pace: None, watched: 0.0, told: None }))
    }
}

/// Gives the run as many steps as fit `left` seconds, and suits to them what the recipe counts in steps or epochs, where nobody
/// chose it; says what that was. Prototypes are frozen for the share of the run that they are in the recipe, and a fast
/// device judges itself less often.
fn suit(config: &mut Config, forecast: &mut Forecast, left: f64) -> Result<Vec<String>> {
    let recipe = config.preset.map(|preset| Config::from_recipe(preset, config.method)).transpose()?;
    let usual =
        |same: fn(&Config, &Config) -> bool| recipe.as_ref().is_some_and(|recipe| same(recipe, config));
    let [judged, saved, frozen] = [
        usual(|a, b| a.eval_every == b.eval_every),
        usual(|a, b| a.checkpoint_every == b.checkpoint_every),
        usual(|a, b| a.freeze_prototypes == b.freeze_prototypes) && config.freeze_prototypes > 0,
    ];
    let (recipe_steps, mut suited) = (forecast.total_steps, Vec::new());
    let [evaluations, checkpoints] = forecast.rarer(forecast.steps_within(left));
    if judged && evaluations > 1 {
        config.eval_every *= evaluations;
        forecast.rhythm.evaluation *= evaluations;
        suited.push(format!("is judged every {} epochs", config.eval_every));
    }
    if saved && checkpoints > 1 {
        config.checkpoint_every *= checkpoints;
        forecast.rhythm.checkpoint *= checkpoints;
        suited.push(format!("is saved every {} steps", config.checkpoint_every));
    }
    forecast.total_steps = forecast.steps_within(left);
    if frozen && forecast.total_steps < recipe_steps {
        let share = forecast.total_steps as f64 / recipe_steps as f64;
        config.freeze_prototypes = (config.freeze_prototypes as f64 * share).round().max(1.0) as u64;
        suited.push(format!(
            "has frozen prototypes for {}",
            counted(config.freeze_prototypes as usize, "step")
        ));
    }
    Ok(suited)
}

fn too_short(time: Duration, over: f64, forecast: &Forecast) -> Error {
    let least = over + forecast.seconds(1);
    let epoch = over + forecast.seconds(forecast.rhythm.epoch);
    let reason = format!(
        "{} is too short: it takes {} until the first step, compiling and measuring included, and one step with the looks \
         at the network and the gallery takes {} more; allow {} for an epoch",
        time.show(),
        whole_seconds(over),
        whole_seconds(least - over),
        whole_seconds(epoch)
    );
    Error::config("for", reason)
}

impl Keeping {
    /// What was decided, and from what.
    pub(super) fn sentence(&self) -> String {
        let Forecast { total_steps, rhythm, step, .. } = &self.forecast;
        let epochs = *total_steps as f64 / rhythm.epoch.max(1) as f64;
        let how = if self.forecast.measured { "" } else { " by its operations, too long to be measured" };
        let unseen =
            if *total_steps < rhythm.epoch { ", so that some pictures are never trained on" } else { "" };
        format!(
            "{} {}: {epochs:.1} epochs{unseen}. A step takes {:.3} s{how}; judging the network, checkpoints and the gallery take \
             {} in all.{}",
            if *total_steps == 1 { "1 step fits".to_owned() } else { format!("{total_steps} steps fit") },
            self.budget.time.show(),
            step.later(),
            whole_seconds(self.forecast.beside(0, *total_steps)),
            match self.suited.as_slice() {
                [] => String::new(),
                suited => format!(" To suit that, the network {}.", suited.join(" and ")),
            }
        )
    }

    /// Takes in that steps came at this pace for so many seconds, `step` of them being done; says so where the run will
    /// miss its time, or will not after all.
    pub(super) fn observe(&mut self, step: u64, steps_per_s: f64, seconds: f64) -> Option<String> {
        self.judge(step, steps_per_s, seconds, self.budget.since.elapsed().as_secs_f64())
    }

    fn judge(&mut self, step: u64, steps_per_s: f64, seconds: f64, elapsed: f64) -> Option<String> {
        if !(steps_per_s > 0.0 && steps_per_s.is_finite()) {
            return None;
        }
        let newest = 1.0 / steps_per_s;
        self.pace = Some(self.pace.map_or(newest, |pace| pace + NEWEST * (newest - pace)));
        self.watched += seconds;
        let pace = self.pace.filter(|_| self.watched >= SETTLED && step < self.forecast.total_steps)?;
        let (total, time) = (self.forecast.total_steps, self.budget.time.as_secs_f64());
        let left = total.saturating_sub(step) as f64 * pace + self.forecast.beside(step, total);
        let late = (elapsed + left) / time;
        match self.told {
            None if late > LATE => {}
            Some(told) if late > WORSE * told => {}
            Some(_) if late < 1.0 + (LATE - 1.0) / 2.0 => {
                self.told = None;
                return Some(format!(
                    "This run is in time again: it will end after {}.",
                    whole_seconds(elapsed + left)
                ));
            }
            _ => return None,
        }
        self.told = Some(late);
        let measured = self.forecast.step.later();
        let why = if pace > LATE * measured {
            format!(": a step takes {pace:.3} s, and took {measured:.3} s when it was measured")
        } else {
            String::new()
        };
        Some(format!(
            "This run will take {} in place of {}{why}. It goes on to step {total}, so that its schedule is complete; stopping it \
             keeps a checkpoint.",
            whole_seconds(elapsed + left),
            self.budget.time.show()
        ))
    }
}

/// Refuses a time together with a length of another kind.
///
/// # Errors
/// [`Error::Config`] for `for`.
pub(crate) fn check(config: &Config, resumed: bool) -> Result<()> {
    let reason = if resumed {
        "is for runs that begin: a resumed run has its steps; `steps` extends it, and `max_time` stops it"
    } else if config.steps.is_some() {
        "cannot be given with `steps`: it decides how many there are"
    } else {
        return Ok(());
    };
    Err(Error::config("for", reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Method, Preset};
    use crate::train::forecast::StepTimes;
    use crate::train::forecast::tests::forecast;

    fn keeping(seconds: f64) -> Keeping {
        let forecast = forecast();
        let total_steps = forecast.steps_within(seconds);
        let budget = Budget { time: Duration::from_secs_f64(seconds), since: Instant::now() };
        let forecast = Forecast { total_steps, ..forecast };
        Keeping { budget, forecast, suited: Vec::new(), pace: None, watched: 0.0, told: None }
    }

    #[test]
    fn a_recipe_is_suited_to_its_time_where_nobody_chose_otherwise() {
        let recipe = Config::from_recipe(Preset::Photos, Method::Swav).unwrap();
        let config = || Config { preset: Some(Preset::Photos), ..recipe.clone() };
        let full = || Forecast { total_steps: 1000, ..forecast() };
        let (mut plain, mut slow) = (config(), full());
        // 1.5 s a step: a tenth of the recipe's steps.
        let said = suit(&mut plain, &mut slow, 185.0).unwrap();
        assert!((80..120).contains(&slow.total_steps), "{}", slow.total_steps);
        let frozen = recipe.freeze_prototypes as f64 * slow.total_steps as f64 / 1000.0;
        assert_eq!(plain.freeze_prototypes, frozen.round() as u64);
        assert_eq!((plain.eval_every, plain.checkpoint_every), (recipe.eval_every, recipe.checkpoint_every));
        assert_eq!(said, [format!("has frozen prototypes for {} steps", plain.freeze_prototypes)]);
        // So fast that the network would be judged most of the time.
        let step = StepTimes { device: 0.01, decoding: 0.01, kept: 0.01, share: 1.0 };
        let (mut plain, mut fast) = (config(), Forecast { step, ..full() });
        let before = fast.steps_within(185.0);
        let said = suit(&mut plain, &mut fast, 185.0).unwrap();
        assert!(plain.eval_every > recipe.eval_every && fast.total_steps > 2 * before, "{said:?}");
        assert!(fast.seconds(fast.total_steps) <= 185.0);
        // What somebody chose stays.
        let mut chosen = Config { eval_every: 1, checkpoint_every: 7, freeze_prototypes: 5, ..config() };
        let left = chosen.clone();
        assert_eq!(suit(&mut chosen, &mut Forecast { step, ..full() }, 185.0).unwrap(), [""; 0]);
        assert_eq!(chosen, left);
    }

    #[test]
    fn a_run_that_keeps_its_pace_is_not_spoken_of() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        for step in (10..total).step_by(10) {
            let elapsed = run.forecast.seconds(total) - run.forecast.steps(step, total) + 2.0
                - run.forecast.beside(step, total);
            assert_eq!(run.judge(step, 1.0 / 1.5, 15.0, elapsed), None, "{step}");
        }
        assert!(run.sentence().starts_with(&format!("{total} steps fit 5m: ")), "{}", run.sentence());
    }

    #[test]
    fn a_machine_that_slows_to_a_tenth_is_noticed_early_and_not_in_every_report() {
        let mut run = keeping(300.0);
        let total = run.forecast.total_steps;
        assert_eq!(run.judge(10, 1.0 / 1.5, 15.0, 30.0), None);
        let said: Vec<String> =
            (11..40).filter_map(|step| run.judge(step, 1.0 / 15.0, 15.0, 15.0 * step as f64)).collect();
        assert!((1..=4).contains(&said.len()), "{said:?}");
        assert!(
            said[0].contains("in place of 5m") && said[0].contains(&format!("to step {total}")),
            "{said:?}"
        );
        // Fast again, and so fast that it makes up for it.
        let said: Vec<String> = (40..60).filter_map(|step| run.judge(step, 1e3, 1.0, 60.0)).collect();
        assert!(said.len() == 1 && said[0].contains("in time again"), "{said:?}");
    }

    #[test]
    fn what_a_time_cannot_stand_beside_is_refused() {
        let mut config = Config::default();
        assert!(check(&config, false).is_ok());
        assert!(check(&config, true).unwrap_err().to_string().contains("has its steps"));
        config.steps = Some(9);
        assert!(check(&config, false).unwrap_err().to_string().contains("`steps`"));
        let error = too_short(Duration::from_secs(2), 4.0, &forecast()).to_string();
        assert!(error.contains("2s is too short") && error.contains("for an epoch"), "{error}");
    }
}
