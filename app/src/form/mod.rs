//! The settings of the next run as a person edits them: texts over a preset, checked as they are typed.
//!
//! Rows, help texts, ranges and choices all come from [`Config::SETTINGS`], the table that the flags are
//! made from, so the form can never say anything else than the command line.

mod command;

use crate::words::plain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use swav_wgpu::config::{Advice, Config, Method, Normalize, Preset, Setting, Value};
use swav_wgpu::error::Error;

/// Rows that the form does not show: they have controls of their own, are for runs of several processes, which the window does
/// not start, or are written by a run and by nobody else.
const ELSEWHERE: [&str; 4] = ["preset", "data", "sync_bn", "former_steps"];

/// A recipe and what is changed of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    preset: Preset,
    /// Whether a person chose the recipe, or it is what is usual for the pictures.
    chosen: bool,
    data: Option<PathBuf>,
    /// The folder that was chosen last, also while the built-in pictures are.
    folder: Option<PathBuf>,
    /// What suits the pictures, and why, by key.
    advice: BTreeMap<&'static str, (String, String)>,
    /// Texts by key, as typed.
    edits: BTreeMap<&'static str, String>,
    /// The time that the run is to take, in place of a number of steps.
    within: Option<Duration>,
    /// What was typed for that time and is none, with what is wrong.
    mistyped: Option<String>,
}

/// A form as it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    preset: String,
    chosen: bool,
    data: Option<PathBuf>,
    folder: Option<PathBuf>,
    edits: BTreeMap<String, String>,
    within: Option<String>,
}

/// What says how long a run is, in place of which a time can be given.
const LENGTHS: [&str; 2] = ["steps", "epochs"];

/// What a run folder settles for itself, so that a new run is not to be told.
const SETTLED: [&str; 4] = ["out", "tuned", "augment", "depth"];

/// What a form stands for.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The settings; where one is wrong, with the preset's value for it.
    pub config: Config,
    /// What is wrong, by key.
    pub errors: BTreeMap<String, String>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            preset: Preset::Demo,
            chosen: false,
            data: None,
            folder: None,
            advice: BTreeMap::new(),
            edits: BTreeMap::new(),
            within: None,
            mistyped: None,
        }
    }
}

impl Form {
    /// The recipe.
    #[must_use]
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Starts from another recipe; what was typed stays, and what suits the pictures was for the other one.
    pub fn set_preset(&mut self, preset: Preset) {
        if self.preset != preset {
            (self.preset, self.chosen) = (preset, true);
            self.advice.clear();
        }
    }

    /// The folder that was chosen last.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Takes settings that suit the pictures, where a person did not choose a recipe of their own.
    pub fn advise(&mut self, advice: &[Advice]) {
        if self.chosen || self.data.is_none() {
            return;
        }
        self.advice.clear();
        for Advice { key, value, rule } in advice {
            match Preset::ALL.iter().find(|preset| *key == "preset" && preset.name() == value) {
                Some(preset) => self.preset = *preset,
                None => drop(self.advice.insert(key, (value.clone(), rule.clone()))),
            }
        }
    }

    /// Why a value is what it is, where it suits the pictures.
    #[must_use]
    pub fn rule(&self, key: &str) -> Option<&str> {
        self.advice.get(key).map(|(_, rule)| rule.as_str())
    }

    /// The form, to be remembered.
    #[must_use]
    pub fn saved(&self) -> Saved {
        let Self { preset, chosen, data, folder, edits, .. } = self.clone();
        let edits = edits.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
        let within = self.within.map(|time| time.show());
        Saved { preset: preset.name().to_owned(), chosen, data, folder, edits, within }
    }

    /// A form that was remembered; what this version does not know is left out.
    #[must_use]
    pub fn restored(saved: Saved) -> Self {
        let Saved { preset, chosen, data, folder, edits, within } = saved;
        let known = Preset::ALL.iter().find(|known| known.name() == preset).copied();
        let within = within.and_then(|text| Value::parse(&text).ok());
        // An earlier version may have remembered a length beside a time, which the command refuses.
        let of = |(key, text): (String, String)| {
            let key = Config::setting(&key).ok()?.key;
            (within.is_none() || !LENGTHS.contains(&key)).then_some((key, text))
        };
        Self {
            preset: known.unwrap_or(Config::usual_preset(data.is_some())),
            chosen,
            data,
            folder,
            advice: BTreeMap::new(),
            edits: edits.into_iter().filter_map(of).collect(),
            within,
            mistyped: None,
        }
    }

    /// The settings of an earlier run, to be used again.
    #[must_use]
    pub fn again(config: &Config) -> Self {
        let mut form = Self {
            preset: config.preset.unwrap_or(Config::usual_preset(config.data.is_some())),
            chosen: true,
            data: config.data.clone(),
            folder: config.data.clone(),
            ..Self::default()
        };
        let own = config.normalize == Normalize::Dataset;
        let skipped = |key: &str| {
            SETTLED.contains(&key) || ELSEWHERE.contains(&key) || (own && (key == "mean" || key == "std"))
        };
        // The method first: the recipe of everything else depends on it.
        let method = Config::SETTINGS.iter().filter(|setting| setting.key == "method");
        let others =
            Config::SETTINGS.iter().filter(|setting| setting.key != "method" && !skipped(setting.key));
        method.chain(others).for_each(|setting| form.edit(setting, (setting.get)(config)));
        form
    }

    /// The pictures; `None` for the built-in set.
    #[must_use]
    pub fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// Takes other pictures, and the recipe that is usual for them.
    pub fn set_data(&mut self, data: Option<PathBuf>) {
        self.preset = Config::usual_preset(data.is_some());
        self.chosen = false;
        self.advice.clear();
        if data.is_some() {
            self.folder.clone_from(&data);
        }
        self.data = data;
    }

    /// The time that the run is to take, where one was chosen in place of its steps.
    #[must_use]
    pub fn within(&self) -> Option<Duration> {
        self.within
    }

    /// Chooses a time that the run is to take, which decides how many steps there are; `None` for as many as the settings
    /// say.
    pub fn set_within(&mut self, within: Option<Duration>) {
        (self.within, self.mistyped) = (within, None);
        if within.is_some() {
            LENGTHS.iter().for_each(|key| self.reset(key));
        }
    }

    /// Types that time. What is none is an error of the settings until it is put right: the recipe's whole length is not
    /// what was meant.
    pub fn type_within(&mut self, text: &str) {
        let time = Some(text.trim()).filter(|text| !text.is_empty()).map(Value::parse).transpose();
        self.set_within(time.as_ref().ok().copied().flatten());
        self.mistyped = time.err();
    }

    /// Whether what was typed for that time is none.
    #[must_use]
    pub fn is_mistyped(&self) -> bool {
        self.mistyped.is_some()
    }

    /// Types a value. The preset's own value is no edit. A number of steps or epochs takes the place of a time.
    pub fn edit(&mut self, setting: &'static Setting, text: String) {
        if LENGTHS.contains(&setting.key) {
            self.set_within(None);
        }
        // The recipe depends on the method, so the method has no value in it to be compared with.
        let usual = if setting.key == "method" {
            Method::default().to_string()
        } else {
            (setting.get)(&self.recipe())
        };
        if text == usual {
            self.edits.remove(setting.key);
        } else {
            self.edits.insert(setting.key, text);
        }
    }

    /// Back to the preset's value.
    pub fn reset(&mut self, key: &str) {
        self.edits.remove(key);
    }

    /// Whether a value differs from the preset's.
    #[must_use]
    pub fn is_edited(&self, key: &str) -> bool {
        self.edits.contains_key(key)
    }

    /// How many values differ from the preset's.
    #[must_use]
    pub fn edited(&self) -> usize {
        self.edits.len()
    }

    /// Drops all edits.
    pub fn reset_all(&mut self) {
        self.edits.clear();
    }

    /// A value as it stands in its field: as typed, or the preset's.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> String {
        self.edits.get(setting.key).cloned().unwrap_or_else(|| (setting.get)(&self.recipe()))
    }

    /// What the network is trained for.
    #[must_use]
    pub fn method(&self) -> Method {
        let typed = self.edits.get("method").map_or("", String::as_str);
        Method::ALL.iter().copied().find(|method| method.name() == typed).unwrap_or_default()
    }

    /// What suits the pictures; a time says itself how long the run is.
    fn advice(&self) -> impl Iterator<Item = (&'static str, &(String, String))> {
        let timed = self.within.is_some();
        let all = self.advice.iter().map(|(key, advice)| (*key, advice));
        all.filter(move |(key, _)| !(timed && LENGTHS.contains(key)))
    }

    fn recipe(&self) -> Config {
        // The presets are tested to hold only values that are allowed, and so is what suits pictures.
        let mut recipe = Config::from_recipe(self.preset, self.method()).unwrap_or_default();
        for (key, (value, _)) in self.advice() {
            let _ = recipe.set(key, value);
        }
        recipe
    }

    /// The settings and what is wrong with them.
    #[must_use]
    pub fn resolve(&self) -> Resolved {
        let recipe = self.recipe();
        let mut config = Config { data: self.data.clone(), ..recipe.clone() };
        let mut errors = BTreeMap::new();
        let mut note = |error: Error| {
            if let Error::Config { field, reason } = error {
                errors.insert(field, plain(&reason));
            }
        };
        for (key, text) in &self.edits {
            config.set(key, text).unwrap_or_else(&mut note);
        }
        config.fit_warmup(&recipe);
        config.validate().unwrap_or_else(&mut note);
        if let Some(reason) = &self.mistyped {
            note(Error::config("length", reason.clone()));
        }
        Resolved { config, errors }
    }
}

/// The rows of the form in groups, in the order of the table.
pub fn groups() -> Vec<(&'static str, Vec<&'static Setting>)> {
    let mut groups: Vec<(&str, Vec<&Setting>)> = Vec::new();
    for setting in Config::SETTINGS.iter().filter(|setting| !ELSEWHERE.contains(&setting.key)) {
        match groups.last_mut() {
            Some((name, rows)) if *name == setting.group => rows.push(setting),
            _ => groups.push((setting.group, vec![setting])),
        }
    }
    groups
}

#[cfg(test)]
mod tests;
