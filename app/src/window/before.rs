//! What belongs to the time before a run: where it will lie, what suits its pictures, how long it takes.

use super::Window;
use crate::faces::Faces;
use crate::home;
use crate::prospect::{Ask, Cost, Prospect, Told};
use crate::recent::Entry;
use crate::recipes::Recipes;
use crate::start::{Length, Runs};
use eframe::egui;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use swav_wgpu::config::Config;

/// How long settings stay as they are before their cost is worked out: somebody may be typing.
const SETTLED: Duration = Duration::from_millis(700);

/// What a cost is of: settings, and the time that the run is to take.
pub(super) type Asked = (Config, Option<Duration>);

/// All of it.
#[derive(Default)]
pub(super) struct Before {
    /// Where runs are kept, where a person chose that.
    pub(super) home: Option<PathBuf>,
    pub(super) runs: Runs,
    pub(super) length: Length,
    pub(super) recipes: Recipes,
    pub(super) faces: Faces,
    /// The pictures and the adapter that recipes were asked for.
    looked: Option<(Option<PathBuf>, Option<String>)>,
    /// Works things out; a window of a test has none.
    pub(super) prospect: Option<Prospect>,
    /// The pictures that settings were asked for.
    advised: Option<PathBuf>,
    /// What is on the form, and since when.
    shown: Option<(Asked, Instant)>,
    /// That whose cost was asked for last.
    asked: Option<Asked>,
    pub(super) cost: Option<(Asked, Result<Cost, String>)>,
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

    /// The cost of what is asked, where it is known.
    pub(super) fn cost_of(&self, asked: &Asked) -> Option<&Result<Cost, String>> {
        self.cost.as_ref().filter(|(of, _)| of == asked).map(|(_, cost)| cost)
    }

    /// Whether recipes were asked for these pictures last.
    fn looks_at(&self, place: &Option<PathBuf>) -> bool {
        self.looked.as_ref().is_some_and(|(data, _)| data == place)
    }

    /// Leaves the device to a run or to a network in use, or takes it back once there is none.
    pub(super) fn rest(&self, rests: bool) {
        if let Some(prospect) = &self.prospect {
            prospect.rest(rests);
        }
    }
}

impl Window {
    /// What the cards of recipes show.
    pub fn recipes_mut(&mut self) -> &mut Recipes {
        &mut self.before.recipes
    }

    /// Earlier runs, in place of those that are found: for tests.
    #[must_use]
    pub fn with_runs(mut self, entries: Vec<Entry>) -> Self {
        self.entries = entries;
        self
    }

    /// Runs kept at a place, and what a run of the settings takes, in place of what this machine has: for tests.
    #[must_use]
    pub fn with_prospect(mut self, home: PathBuf, cost: Cost) -> Self {
        self.before.home = Some(home);
        self.before.cost = Some(((self.form.resolve().config, self.form.within()), Ok(cost)));
        self
    }

    /// Has worked out what the form asks for, once it stands still; `sound` is whether nothing is wrong with it.
    pub(super) fn look_ahead(&mut self, ctx: &egui::Context, wanted: &Asked, sound: bool) {
        let Before { prospect, advised, shown, asked, unreadable, recipes, looked, .. } = &mut self.before;
        let Some(prospect) = prospect else { return };
        let config = &wanted.0;
        if config.data != *advised {
            advised.clone_from(&config.data);
            unreadable.clear();
            if config.data.is_some() {
                prospect.ask(Ask::Settings(Box::new(config.clone())));
            }
        }
        let place = (config.data.clone(), config.adapter.clone());
        if sound && looked.as_ref() != Some(&place) {
            recipes.forget();
            prospect.ask(Ask::Crops(Box::new(config.clone())));
            prospect.ask(Ask::Seconds(Box::new(config.clone())));
            *looked = Some(place);
        }
        if shown.as_ref().is_none_or(|(of, _)| of != wanted) {
            *shown = Some((wanted.clone(), Instant::now()));
        }
        let still = shown.as_ref().is_some_and(|(_, since)| since.elapsed() >= SETTLED);
        if sound && asked.as_ref() != Some(wanted) {
            if still && prospect.is_idle() {
                *asked = Some(wanted.clone());
                prospect.ask(Ask::Cost(Box::new(config.clone()), wanted.1));
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
                Told::Cost(config, within, Some(cost)) => self.before.cost = Some(((*config, within), cost)),
                Told::Crops(place, crops) if self.before.looks_at(&place) => {
                    self.before.recipes.take_crops(crops);
                }
                Told::Seconds(place, Some(times)) if self.before.looks_at(&place) => {
                    self.before.recipes.take_seconds(times);
                }
                Told::Seconds(place, None) if self.before.looks_at(&place) => self.before.looked = None,
                Told::Crops(..) | Told::Seconds(..) => {}
                // A run took the device meanwhile: it is asked again when there is none.
                Told::Cost(..) => self.before.asked = None,
            }
        }
    }
}
