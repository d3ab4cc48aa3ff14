//! What a step of every arm costs and what memory it takes, before the first of them is trained.

use std::sync::Arc;

use super::{Arm, Budget, Teller, watched};
use crate::config::{Config, Normalize};
use crate::data::{Dataset, Reading, configured};
use crate::error::{Error, Result};
use crate::measure::Meter;
use crate::pass::{Progress, Watch};
use crate::train::plan_on;

/// Steps of each arm that are timed for [`Budget::Time`].
const TIMED: usize = 5;
const MEASURING: &str = "measuring steps of every arm";

/// Pictures that were listed already, by how they are read. All arms name the same ones.
#[derive(Debug, Default)]
pub(super) struct Opened(Vec<(Reading, Arc<Dataset>)>);

impl Opened {
    /// The pictures as these settings read them: a pass, where nobody read them so before.
    ///
    /// # Errors
    /// As of [`configured::open`].
    pub(super) fn of(&mut self, config: &Config, watch: &mut Watch<'_>) -> Result<Arc<Dataset>> {
        let reading = configured::reading(config);
        if let Some((_, dataset)) = self.0.iter().find(|(known, _)| *known == reading) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = Arc::new(configured::open(config, watch)?);
        self.0.push((reading, Arc::clone(&dataset)));
        Ok(dataset)
    }
}

/// What one operation of each arm costs, in the currency of the budget.
pub(super) fn prices(arms: &[Arm], budget: Budget, on: &mut Teller<'_>) -> Result<Vec<f64>> {
    let mut prices: Vec<f64> = Vec::new();
    for (at, arm) in arms.iter().enumerate() {
        // Other seeds take as long.
        let like = arms[..at].iter().position(|other| other.cell() == arm.cell());
        let price = match (budget, like) {
            (Budget::Flop | Budget::Steps | Budget::Own, _) => 1.0,
            (Budget::Time, Some(like)) => prices[like],
            (Budget::Time, None) => {
                let mut meter = Meter::open(&arm.name, &arm.config)?;
                for step in 0..Meter::WARM_UP + TIMED {
                    let total = Meter::WARM_UP + TIMED;
                    let progress =
                        Progress { doing: MEASURING, unit: "steps", done: step, total, seconds: 0.0 };
                    if watched(&progress, on).is_break() {
                        return Err(Error::Stopped);
                    }
                    meter.step()?;
                }
                meter.figures().step_s.median / arm.work.step.max(1) as f64
            }
        };
        prices.push(price);
    }
    Ok(prices)
}

/// Sets every arm up once, so that what does not fit is refused before hours are spent on the others.
pub(super) fn weigh(arms: &mut [Arm], mut opened: Opened, on: &mut Teller<'_>) -> Result<()> {
    for at in 0..arms.len() {
        let like = arms[..at].iter().position(|other| other.cell() == arms[at].cell());
        let memory = match like {
            Some(like) => arms[like].memory_bytes,
            None => {
                // Nothing here depends on what pixels are normalised by, so pictures need not be read for it.
                let (mean, std) = (vec![0.5], vec![0.25]);
                let config = Config { normalize: Normalize::Given, mean, std, ..arms[at].config.clone() };
                let mut watch = |progress: &_| watched(progress, on);
                let dataset = opened.of(&config, &mut watch)?;
                plan_on(&config, dataset, &mut watch)?.memory.peak()
            }
        };
        arms[at].memory_bytes = memory;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Crops, Happening, Request, Row, arms, facts};
    use super::*;
    use crate::config::{Method, Preset};
    use crate::train::{Event, Flow};

    /// What every pass of setting up three arms was called, in the order in which they began.
    fn passes(stop_at: Option<&str>) -> (Vec<&'static str>, Result<Vec<Arm>>) {
        let row = |&method: &Method| {
            let mut config = Config::from_recipe(Preset::Demo, method).unwrap();
            for (key, value) in
                [("width", "4"), ("hidden", "8"), ("normalize", "dataset"), ("eval_every", "0")]
            {
                config.set(key, value).unwrap();
            }
            Row { name: method.name().to_owned(), config }
        };
        let rows = [Method::Swav, Method::Simclr, Method::MocoV2].iter().map(row).collect();
        let columns = vec![Crops::AsSet];
        let request = Request { rows, chosen: true, columns, seeds: 1, budget: Budget::Flop, out: None };
        let mut said: Vec<&'static str> = Vec::new();
        let mut on = |happening: Happening<'_>| {
            if let Happening::Event(Event::Pass(progress)) = happening {
                if progress.done == 0 && said.last() != Some(&progress.doing) {
                    said.push(progress.doing);
                }
                if stop_at == Some(progress.doing) {
                    return Flow::Stop;
                }
            }
            Flow::Continue
        };
        let set_up = |on: &mut Teller<'_>| {
            let (facts, opened) = facts(&request, on)?;
            let mut arms = arms::of(&request, &facts)?;
            weigh(&mut arms, opened, on)?;
            Ok(arms)
        };
        let arms = set_up(&mut on);
        (said, arms)
    }

    #[test]
    fn pictures_are_listed_once_and_read_for_no_arm_and_setting_up_can_be_stopped() {
        let (said, arms) = passes(None);
        let arms = arms.unwrap();
        assert!(arms.iter().all(|arm| arm.memory_bytes > 0));
        assert_eq!(said.iter().filter(|doing| doing.starts_with("listing")).count(), 1, "{said:?}");
        assert!(!said.contains(&"measuring the pictures"), "{said:?}");
        // The settings of the arms themselves are as they were.
        assert!(
            arms.iter().all(|arm| arm.config.normalize == Normalize::Dataset && arm.config.mean.len() == 3)
        );
        let (_, stopped) = passes(said.last().copied());
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    }
}
