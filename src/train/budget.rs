//! A run that is to take a given time: how many steps fit it.
//!
//! The number of steps is decided before the first of them and becomes the setting `steps`; where the machine does not keep its
//! pace, `keeping` decides anew. A run with the same settings is the same to the last bit, and one that is resumed measures
//! nothing.

use super::forecast::Forecast;
use super::ground::Ground;
use super::keeping::Keeping;
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

/// The time that a run is to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) time: Duration,
    /// When the run was asked for.
    pub(super) since: Instant,
}

impl Budget {
    /// Measures, and sets `steps` so that the run ends in time. The network that comes back has seen nothing.
    ///
    /// # Errors
    /// [`Error::Config`] for `for` where not even one step fits; what the driver or the loader reports;
    /// [`Error::Stopped`] where a pass is.
    pub(super) fn fit(self, ground: &mut Ground, watch: &mut Watch<'_>) -> Result<(Trainer, Keeping)> {
        let seconds = self.measuring();
        let recipe_steps = ground.config.length(ground.epoch()).total;
        let (measured, making) = {
            let start = Instant::now();
            let (mut trainer, mut judge) = (ground.trainer(watch)?, ground.judge());
            let making = start.elapsed().as_secs_f64();
            let Ground { config, dataset, spec, .. } = &*ground;
            let (total_steps, since) = (recipe_steps, self.since);
            let rehearsal = Rehearsal { config, dataset, spec, total_steps, done: 0, since, seconds };
            (rehearsal.measure(&mut trainer, &mut judge, watch)?, making)
        };
        let (forecast, suited) = self.settle(&mut ground.config, &measured, making)?;
        ground.config.steps = Some(forecast.total_steps);
        let trainer = ground.trainer(watch)?;
        Ok((trainer, Keeping::new(self, forecast, suited)))
    }

    /// Seconds for which steps of one kind are measured.
    pub(super) fn measuring(self) -> f64 {
        (self.time.as_secs_f64() * MEASURED).clamp(BOUNDS[0], BOUNDS[1])
    }

    /// The forecast of a run of as many steps as fit, from one that was `measured` just now on a network that took `making`
    /// seconds to set up; and in words what was changed in `config` so that it suits them.
    ///
    /// # Errors
    /// [`Error::Config`] for `for` where not even one step fits.
    pub(super) fn settle(
        self,
        config: &mut Config,
        measured: &Forecast,
        making: f64,
    ) -> Result<(Forecast, Vec<String>)> {
        // The network of the run is still to be made, and finds its kernels compiled.
        let opening = self.since.elapsed().as_secs_f64() + making;
        let mut forecast = Forecast { opening, first_step: 0.0, ..measured.clone() };
        let suited = suit(config, &mut forecast, self.time.as_secs_f64() - opening)?;
        if forecast.total_steps == 0 {
            return Err(too_short(self.time, &forecast));
        }
        Ok((forecast, suited))
    }
}

/// Gives the run as many steps as fit `left` seconds, and suits to them what the recipe counts in steps or epochs, where nobody
/// chose it; says what that was: how long prototypes are frozen, and that a fast device judges itself less often.
fn suit(config: &mut Config, forecast: &mut Forecast, left: f64) -> Result<Vec<String>> {
    let recipe = config.preset.map(|preset| Config::from_recipe(preset, config.method)).transpose()?;
    let usual =
        |same: fn(&Config, &Config) -> bool| recipe.as_ref().is_some_and(|recipe| same(recipe, config));
    let judged = usual(|a, b| a.eval_every == b.eval_every);
    let saved = usual(|a, b| a.checkpoint_every == b.checkpoint_every);
    let mut suited = Vec::new();
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
    if let Some(frozen) = config.fit_frozen(forecast.total_steps)? {
        suited.push(format!("has frozen prototypes for {}", counted(frozen as usize, "step")));
    }
    Ok(suited)
}

fn too_short(time: Duration, forecast: &Forecast) -> Error {
    let over = forecast.opening;
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

    #[test]
    fn a_recipe_is_suited_to_its_time_where_nobody_chose_otherwise() {
        let recipe = Config::from_recipe(Preset::Photos, Method::Swav).unwrap();
        let config = || Config { preset: Some(Preset::Photos), ..recipe.clone() };
        let full = || Forecast { total_steps: 1000, ..forecast() };
        let (mut plain, mut slow) = (config(), full());
        // 1.5 s a step: a tenth of the recipe's steps.
        let said = suit(&mut plain, &mut slow, 185.0).unwrap();
        assert!((80..120).contains(&slow.total_steps), "{}", slow.total_steps);
        assert_eq!(plain.freeze_prototypes, slow.total_steps / 10);
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
    fn what_a_time_cannot_stand_beside_is_refused() {
        let mut config = Config::default();
        assert!(check(&config, false).is_ok());
        assert!(check(&config, true).unwrap_err().to_string().contains("has its steps"));
        config.steps = Some(9);
        assert!(check(&config, false).unwrap_err().to_string().contains("`steps`"));
        let error = too_short(Duration::from_secs(2), &forecast()).to_string();
        assert!(error.contains("2s is too short") && error.contains("for an epoch"), "{error}");
    }
}
