//! Settings as flags: `final_lr` in the table becomes `--final-lr`, with the same help, under the
//! heading of its group.

use std::sync::LazyLock;

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use crate::config::{Config, Setting, Value, listed, readers};
use crate::error::{Error, Result};

/// The one setting that is an argument without a flag.
pub const POSITIONAL: &str = "data";

/// The flags' names, in the order of the table; clap wants them to live as long as the program.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| Config::SETTINGS.iter().map(Setting::flag).collect());

/// A flag for every setting.
pub fn all() -> impl Iterator<Item = Arg> {
    Config::SETTINGS.iter().zip(NAMES.iter()).map(|(setting, name)| flag(setting, name))
}

fn flag(setting: &'static Setting, name: &'static str) -> Arg {
    let default = setting.default_text();
    let mut help = setting.help();
    if !default.is_empty() && default != "none" {
        help += &format!(" [default: {default}]");
    }
    let arg = Arg::new(setting.key).help(short(&help)).long_help(help).allow_negative_numbers(true);
    let arg = if setting.key == POSITIONAL {
        arg.value_name("DATA")
    } else {
        arg.long(name).value_name(setting.hint).help_heading(setting.group)
    };
    if setting.choices.is_empty() {
        // Ranges may begin with a minus, which is no number yet.
        return arg.allow_hyphen_values(setting.hint.contains(".."));
    }
    // A switch: the flag alone means yes, and `--flag=false` undoes what a file chose. Without the equals
    // sign, the folder of pictures behind a switch would be taken for its value.
    let arg = if setting.choices == <bool as Value>::CHOICES {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    };
    // `none` undoes what a preset or a file chose, where there is such a choice.
    let none = default == "none" && setting.key != "preset";
    let words = setting.choices.iter().copied().chain(none.then_some("none"));
    arg.value_parser(PossibleValuesParser::new(words))
}

/// The first sentence and the default, for the short help.
fn short(help: &str) -> String {
    let (text, default) = match help.rfind(" [default: ") {
        Some(at) => help.split_at(at),
        None => (help, ""),
    };
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    format!("{}{default}", text[..end].trim_end_matches('.'))
}

/// The settings that were given on the command line, in the order of the table.
pub fn given(matches: &ArgMatches) -> Vec<(&'static Setting, &str)> {
    // A command may have only some of the settings.
    let typed = |key| {
        matches.try_contains_id(key).is_ok() && matches.value_source(key) == Some(ValueSource::CommandLine)
    };
    Config::SETTINGS
        .iter()
        .filter(|setting| typed(setting.key))
        .filter_map(|setting| Some((setting, matches.get_one::<String>(setting.key)?.as_str())))
        .collect()
}

/// Sets those of `keys` that have a value; the command must have flags for all of them.
pub fn set(config: &mut Config, matches: &ArgMatches, keys: &[&str]) -> Result<()> {
    let texts = keys.iter().filter_map(|key| Some((key, matches.get_one::<String>(key)?)));
    texts.into_iter().try_for_each(|(key, text)| config.set(key, text))
}

/// Refuses what was given on the command line and the method does not read.
pub fn check_read(config: &Config, matches: &ArgMatches) -> Result<()> {
    let method = config.method;
    for (setting, _) in given(matches) {
        if let Some(readers) = readers(setting.key).filter(|readers| !readers.contains(&method)) {
            let whose = listed(readers);
            let reason = format!("is read by {whose} only, and this run trains {method}; leave it out");
            return Err(Error::config(setting.key, reason));
        }
    }
    Ok(())
}

/// Sets what was given on the command line.
pub fn apply(config: &mut Config, matches: &ArgMatches) -> Result<()> {
    given(matches).into_iter().try_for_each(|(setting, text)| config.set(setting.key, text))
}
