//! What belongs to the time before a run: where it will lie, what suits its pictures, how long it takes.

use super::Window;
use crate::home;
use crate::prospect::{Ask, Cost, Prospect, Told};
use crate::start::Runs;
use eframe::egui;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use swav_wgpu::config::Config;

/// How long settings stay as they are before their cost is worked out: somebody may be typing.
const SETTLED: Duration = Duration::from_millis(700);

/// All of it.
#[derive(Default)]
pub(super) struct Before {
    /// Where runs are kept, where a person chose that.
    pub(super) home: Option<PathBuf>,
    pub(super) runs: Runs,
    /// Works things out; a window of a test has none.
    pub(super) prospect: Option<Prospect>,
    /// The pictures that settings were asked for.
    advised: Option<PathBuf>,
    /// The settings that are on the form, and since when.
    shown: Option<(Config, Instant)>,
    /// The settings whose cost was asked for last.
    asked: Option<Config>,
    pub(super) cost: Option<(Config, Result<Cost, String>)>,
    /// Pictures of a sample that cannot be read.
    pub(super) unreadable: Vec<(String, String)>,
}

impl Before {
    /// With runs kept where a person chose, if anywhere.
    pub(super) fn at(home: Option<PathBuf>) -> Self {
        Self { home, ..Self::default() }
    }

    pub(super) fn home(&self) -> PathBuf {
        self.home.clone().unwrap_or_else(home::usual)
    }

    /// The cost of these settings, where it is known.
    pub(super) fn cost_of(&self, config: &Config) -> Option<&Result<Cost, String>> {
        self.cost.as_ref().filter(|(of, _)| of == config).map(|(_, cost)| cost)
    }
}

impl Window {
    /// Has worked out what the form asks for, once it stands still; `sound` is whether nothing is wrong with it.
    pub(super) fn look_ahead(&mut self, ctx: &egui::Context, config: &Config, sound: bool) {
        let Before { prospect, advised, shown, asked, unreadable, .. } = &mut self.before;
        let Some(prospect) = prospect else { return };
        if config.data != *advised {
            advised.clone_from(&config.data);
            unreadable.clear();
            if config.data.is_some() {
                prospect.ask(Ask::Settings(Box::new(config.clone())));
            }
        }
        if shown.as_ref().is_none_or(|(of, _)| of != config) {
            *shown = Some((config.clone(), Instant::now()));
        }
        let still = shown.as_ref().is_some_and(|(_, since)| since.elapsed() >= SETTLED);
        if sound && asked.as_ref() != Some(config) {
            if still && prospect.is_idle() {
                *asked = Some(config.clone());
                prospect.ask(Ask::Cost(Box::new(config.clone())));
            } else {
                ctx.request_repaint_after(SETTLED);
            }
        }
    }

    /// Takes in what was worked out.
    pub(super) fn prospects(&mut self) {
        let told = self.before.prospect.as_mut().map(Prospect::poll).unwrap_or_default();
        for told in told {
            match told {
                Told::Settings(place, advice, unreadable) => {
                    // Somebody may have chosen other pictures meanwhile.
                    if self.form.data() == Some(place.as_path()) {
                        self.form.advise(&advice);
                        self.before.unreadable = unreadable;
                    }
                }
                Told::Cost(config, cost) => self.before.cost = Some((*config, cost)),
            }
        }
    }
}
