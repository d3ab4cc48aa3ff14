//! The settings of the next run as a person edits them: texts over a preset, checked as they are typed.
//!
//! Rows, help texts, ranges and choices all come from [`Config::SETTINGS`], the table that the flags are
//! made from, so the form can never say anything else than the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use swav_wgpu::config::{Config, Method, Preset, Setting, Value};
use swav_wgpu::error::Error;

/// Rows that the form does not show: they have controls of their own.
const ELSEWHERE: [&str; 2] = ["preset", "data"];

/// A recipe and what is changed of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    preset: Preset,
    data: Option<PathBuf>,
    /// Texts by key, as typed.
    edits: BTreeMap<&'static str, String>,
    /// The time that the run is to take, as typed; empty where its length is that of the settings.
    pub within: String,
}

/// What a form stands for.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The settings; where one is wrong, with the preset's value for it.
    pub config: Config,
    /// The time that the run is to take, in place of a length.
    pub within: Option<Duration>,
    /// What is wrong, by key.
    pub errors: BTreeMap<String, String>,
}

impl Default for Form {
    fn default() -> Self {
        Self { preset: Preset::Demo, data: None, edits: BTreeMap::new(), within: String::new() }
    }
}

impl Form {
    /// The recipe.
    #[must_use]
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Starts from another recipe; what was typed stays.
    pub fn set_preset(&mut self, preset: Preset) {
        self.preset = preset;
    }

    /// The pictures; `None` for the built-in set.
    #[must_use]
    pub fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// Takes other pictures, and the recipe that is usual for them.
    pub fn set_data(&mut self, data: Option<PathBuf>) {
        self.preset = Config::usual_preset(data.is_some());
        self.data = data;
    }

    /// Types a value. The preset's own value is no edit.
    pub fn edit(&mut self, setting: &'static Setting, text: String) {
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

    fn recipe(&self) -> Config {
        // The presets are tested to hold only values that are allowed.
        Config::from_recipe(self.preset, self.method()).unwrap_or_default()
    }

    /// The settings and what is wrong with them.
    #[must_use]
    pub fn resolve(&self) -> Resolved {
        let recipe = self.recipe();
        let mut config = Config { data: self.data.clone(), ..recipe.clone() };
        let mut errors = BTreeMap::new();
        let mut note = |error: Error| {
            if let Error::Config { field, reason } = error {
                errors.insert(field, reason);
            }
        };
        for (key, text) in &self.edits {
            config.set(key, text).unwrap_or_else(&mut note);
        }
        config.fit_warmup(&recipe);
        config.validate().unwrap_or_else(&mut note);
        let within = match self.within.trim() {
            "" => None,
            _ if self.is_edited("steps") || self.is_edited("epochs") => {
                errors.insert(
                    "for".into(),
                    "a time decides how many steps there are: reset steps and epochs".into(),
                );
                None
            }
            text => Duration::parse(text).map_err(|reason| errors.insert("for".into(), reason)).ok(),
        };
        Resolved { config, within, errors }
    }

    /// The same run as a command for a terminal.
    #[must_use]
    pub fn command_line(&self) -> String {
        let mut words = vec!["swav-wgpu".to_owned(), "train".to_owned()];
        words.extend(self.data.as_ref().map(|data| quoted(&data.display().to_string())));
        words.extend(["--preset".to_owned(), self.preset.name().to_owned()]);
        for (key, text) in &self.edits {
            // The equals sign is what every kind of flag takes, switches too.
            words.push(format!("--{}={}", key.replace('_', "-"), quoted(text)));
        }
        if !self.within.trim().is_empty() {
            words.push(format!("--for={}", quoted(self.within.trim())));
        }
        words.join(" ")
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

/// A word that a shell takes for one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str) -> &'static Setting {
        Config::setting(key).unwrap()
    }

    #[test]
    fn edits_go_over_the_preset_and_are_checked_where_they_stand() {
        let mut form = Form::default();
        assert!(form.resolve().errors.is_empty());
        form.edit(setting("batch"), "many".into());
        form.edit(setting("lr"), "0.5".into());
        form.edit(setting("eval_size"), "64".into());
        let resolved = form.resolve();
        // One wrong by itself, one that does not fit another.
        assert_eq!(resolved.errors.keys().collect::<Vec<_>>(), ["batch", "eval_size"]);
        assert_eq!((resolved.config.batch, resolved.config.lr), (64, 0.5));
        assert!(form.is_edited("lr") && form.text(setting("batch")) == "many");
        form.reset("batch");
        form.edit(setting("eval_size"), "32".into());
        assert!(form.resolve().errors.is_empty() && form.edited() == 1);
    }

    #[test]
    fn a_folder_brings_its_usual_preset_and_shorter_runs_fit() {
        let mut form = Form::default();
        form.set_data(Some("my photos".into()));
        assert_eq!(form.preset(), Preset::Photos);
        form.edit(setting("epochs"), "2".into());
        let resolved = form.resolve();
        assert!(resolved.errors.is_empty(), "{:?}", resolved.errors);
        assert!(resolved.config.warmup < 2.0);
        assert_eq!(form.command_line(), "swav-wgpu train 'my photos' --preset photos --epochs=2");
        form.set_data(None);
        assert_eq!(form.preset(), Preset::Demo);
    }

    #[test]
    fn the_command_line_is_understood_by_the_command() {
        let mut form = Form::default();
        form.edit(setting("recompute"), "true".into());
        form.edit(setting("crops"), "2x32@0.3-1,4x16@0.1-0.3".into());
        form.edit(setting("out"), "runs/it's mine".into());
        let line = form.command_line();
        assert!(
            line.ends_with("--crops=2x32@0.3-1,4x16@0.1-0.3 --out='runs/it'\\''s mine' --recompute=true")
        );
    }

    #[test]
    fn a_time_stands_in_place_of_a_length() {
        let mut form = Form { within: "20m".into(), ..Form::default() };
        assert_eq!(form.resolve().within, Some(Duration::from_secs(1200)));
        assert!(form.command_line().ends_with(" --for=20m"));
        form.edit(setting("epochs"), "2".into());
        assert!(form.resolve().errors.contains_key("for"));
        form.reset_all();
        form.within = "soon".into();
        assert!(form.resolve().errors.contains_key("for") && form.resolve().within.is_none());
    }

    #[test]
    fn every_setting_has_a_row_or_a_control() {
        let rows: usize = groups().iter().map(|(_, rows)| rows.len()).sum();
        assert_eq!(rows + ELSEWHERE.len(), Config::SETTINGS.len());
        assert_eq!(groups()[0].0, "Run");
    }
}
