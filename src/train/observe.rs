//! What the loop does with the report of a step: judge, write down, tell.

use super::events::{Event, Metrics};
use super::keeping::Resized;
use super::run::Engine;
use super::schedule::Schedule;
use super::setup::Setup;
use super::state::RunState;
use crate::config::{Former, Precision};
use crate::error::{Error, Result};
use crate::method::StepReport;

impl Engine<'_> {
    /// Takes in the report of the next step in order.
    pub(super) fn absorb(&mut self, report: &StepReport) -> Result<()> {
        if !report.is_sound() {
            return Err(self.diverged(report));
        }
        let state = &mut self.setup.state;
        state.take(report);
        state.reported += 1;
        let step = state.reported;
        let due = self.is_evaluation(step);
        let evaluated = due && self.evaluate(step)?;
        if due || step.is_multiple_of(self.config.report_every.max(1)) {
            self.report(report, evaluated)?;
        }
        Ok(())
    }

    fn report(&mut self, step_report: &StepReport, evaluated: bool) -> Result<()> {
        let Setup { loader, trainer, state, schedule, .. } = &self.setup;
        let prototypes = (trainer.prototype_count() > 0).then_some(&state.occupancy);
        let step = state.reported;
        let before = self.clock.seconds_at_lap();
        let (steps_per_s, wait_share) = self.clock.lap(self.submitted, loader.waited());
        let lasted = self.clock.seconds_at_lap() - before;
        let report = Metrics {
            step,
            epoch: schedule.epoch(step - 1).0 + 1,
            loss: step_report.loss,
            chance: trainer.chance(),
            lr: schedule.lr(step - 1),
            images_per_s: steps_per_s * self.config.batch as f64,
            wait_share,
            accuracy: step_report.accuracy,
            code_entropy: step_report.code_entropy,
            prototypes_used: prototypes.map(|occupancy| occupancy.used() as u64),
            prototypes_dead: prototypes.map(|occupancy| occupancy.dead() as u64),
            prototypes_duplicated: prototypes.map(|_| state.duplicated),
            embedding_spread: state.embedding_spread,
            gradient_norm: step_report.gradient_norm,
            non_finite: step_report.non_finite,
            loss_scale: step_report.scaling.map(|scaling| scaling.scale),
            skipped_steps: step_report.scaling.map(|scaling| scaling.skipped_steps),
            knn: (evaluated && !state.trained.is_empty()).then(|| state.trained.clone()),
        };
        let path = self.setup.run.metrics();
        let line = serde_json::to_value(&report).map_err(|error| Error::io(&path)(error.into()))?;
        self.setup.run.append_metrics(&line)?;
        if let Some(board) = &mut self.setup.board {
            board.report(&line)?;
        }
        // The gradient of a skipped step says something of the loss scale and nothing of the run.
        let figures = (!step_report.skipped()).then(|| RunState::figures(&report, self.config.method));
        let advice = figures.and_then(|figures| self.setup.state.monitor.observe(&figures));
        self.emit(Event::Report(report));
        if let Some(advice) = advice {
            self.emit(Event::Advice(advice));
        }
        let (submitted, away) = (self.submitted, self.caller.away);
        let keeping = self.setup.keeping.as_mut();
        match keeping.and_then(|keeping| keeping.observe(submitted, steps_per_s, lasted, away)) {
            Some(resized) => self.resize(resized),
            None => Ok(()),
        }
    }

    /// Gives the run another length from the next step on, and writes that down before there is one.
    fn resize(&mut self, Resized { total_steps, text }: Resized) -> Result<()> {
        let Setup { run, trainer, schedule, .. } = &mut self.setup;
        let former = Former { total: schedule.length.total, until: self.submitted };
        self.config.former_steps.0.push(former);
        self.config.steps = Some(total_steps);
        *schedule = Schedule::of_config(&self.config, schedule.steps_per_epoch);
        trainer.set_length(&schedule.length);
        run.write_text_atomic(&run.config(), &self.config.to_toml())?;
        self.emit(Event::Resized { total_steps, text });
        Ok(())
    }

    fn diverged(&self, report: &StepReport) -> Error {
        let what = match &report.first_bad {
            Some(name) => format!("{name} is no longer finite ({} values)", report.non_finite),
            None if report.non_finite > 0 => format!("{} values are no longer finite", report.non_finite),
            None => format!("the loss is {}", report.loss),
        };
        let kept = match &self.setup.saved {
            Some((path, step)) => format!("the last good checkpoint is {} (step {step})", path.display()),
            None => "no checkpoint was written yet".to_owned(),
        };
        // What overflows on its way forward is beyond the loss scale, which is for gradients.
        let precision = match self.config.precision {
            Precision::F16 => ", or with `precision` f32",
            Precision::F32 => "",
        };
        let remedy = format!(
            "start again with a lower `lr` or a longer `warmup`, and with `epsilon` of 0.02 or more{precision}"
        );
        let step = self.setup.state.reported + 1;
        Error::Diverged { step, what, remedy: format!("{remedy}; {kept}") }
    }
}
