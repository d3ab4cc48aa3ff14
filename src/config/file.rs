//! Reading and writing settings as TOML.
//!
//! A file is flat (one key a setting), so that a key is the same word as its flag; the groups are
//! comments. [`Config::to_toml`] writes every setting with its help, so a run folder's `config.toml`
//! is a complete record and a template to start the next run from.

use std::fmt::Write as _;

use super::settings::Config;
use super::value::Value as _;
use crate::error::{Error, Result};

/// How wide a comment may be.
const WIDTH: usize = 96;

impl Config {
    /// Takes over every key of a TOML text; `origin` names the file in errors.
    ///
    /// `preset` is only recorded here; [`Config::from_toml`] starts from the preset that a text names.
    pub fn merge_toml(&mut self, text: &str, origin: &str) -> Result<()> {
        for (key, value) in table(text, origin)? {
            let text =
                plain(&value).map_err(|reason| Error::config(&key, format!("{reason} (in {origin})")))?;
            self.set(&key, &text).map_err(|error| match error {
                Error::Config { field, reason } => Error::config(field, format!("{reason} (in {origin})")),
                other => other,
            })?;
        }
        Ok(())
    }

    /// The settings of a TOML text, over the preset that it names or the defaults.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let mut config = Self::default();
        config.merge_toml(text, origin)?;
        if let Some(preset) = config.preset {
            config = Self::from_preset(preset)?;
            config.merge_toml(text, origin)?;
        }
        Ok(config)
    }

    /// The settings of a run as it wrote them, which are all of them. One that is not there is of a later version of the
    /// program, and the run had its default, whatever the run's preset says of it since.
    ///
    /// # Errors
    /// As of [`Config::merge_toml`].
    pub fn of_run(text: &str, origin: &str) -> Result<Self> {
        let mut config = Self::default();
        config.merge_toml(text, origin)?;
        Ok(config)
    }

    /// Every setting as TOML, in groups, with its help text and default as comments.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Settings of a swav-wgpu run. Each key is also a flag: `final_lr` is `--final-lr`.\n",
        );
        let mut group = "";
        for setting in Self::SETTINGS {
            if setting.group != group {
                group = setting.group;
                let _ = write!(text, "\n# ──── {group} ────\n");
            }
            let mut help = setting.help();
            if !setting.choices.is_empty() {
                let _ = write!(help, " One of: {}.", setting.choices.join(", "));
            }
            text.push('\n');
            for line in wrap(&help, WIDTH) {
                let _ = writeln!(text, "# {line}");
            }
            let _ = writeln!(text, "{} = {}", setting.key, (setting.toml)(self));
        }
        text
    }
}

fn table(text: &str, origin: &str) -> Result<toml::Table> {
    text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Error::config("config", format!("line {line} of {origin} is not TOML: {}", error.message()))
    })
}

/// A TOML value as the text that a flag would carry.
fn plain(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.show()),
        toml::Value::Boolean(truth) => Ok(truth.to_string()),
        toml::Value::Array(items) => Ok(items.iter().map(plain).collect::<Result<Vec<_>, _>>()?.join(",")),
        toml::Value::Table(_) => {
            Err("is a table, but settings are not nested: write `key = value`".to_owned())
        }
        toml::Value::Datetime(_) => Err("is a date, but no setting is one".to_owned()),
    }
}

/// Breaks a paragraph into lines of at most `width` characters where words allow it.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    /// Settings that came later had their defaults in a run of before, whatever its preset says of them now.
    #[test]
    fn a_run_keeps_what_it_was_made_with() {
        let mut config = Config::from_preset(Preset::Demo).unwrap();
        config.set("seed", "7").unwrap();
        assert_eq!(Config::of_run(&config.to_toml(), "test").unwrap(), config);
        let text = config.to_toml();
        let before: Vec<&str> = text.lines().filter(|line| !line.starts_with("eval_grid")).collect();
        let before = Config::of_run(&before.join("\n"), "test").unwrap();
        assert_eq!(
            (before.preset, before.seed, before.eval_stage, before.eval_grid),
            (Some(Preset::Demo), 7, 3, 1)
        );
    }
}
