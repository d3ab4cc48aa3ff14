//! Settings as flags: `final_lr` in the table becomes `--final-lr`, with the same help, under the
//! heading of its group. A command has all of them or a [`Choice`], and gets what was typed as [`Given`].

use std::marker::PhantomData;
use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::{Config, Method, Setting, Value, listed, readers};
use crate::error::{Error, Result};

/// The one setting that is an argument without a flag.
pub(super) const POSITIONAL: &str = "data";

/// The flags' names, in the order of the table; clap wants them to live as long as the program.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| Config::SETTINGS.iter().map(Setting::flag).collect());

/// Which settings a command has as flags, and how its help shows them.
pub(super) trait Choice {
    /// Whether it has this one.
    fn has(setting: &Setting) -> bool;

    /// The flag in this command's help; as in that of `train` where nothing else is said.
    fn shown(flag: Arg) -> Arg {
        flag
    }
}

/// The settings of a choice that were typed, each with its text, in the order of the table.
pub(super) struct Given<C> {
    texts: Vec<(&'static Setting, String)>,
    choice: PhantomData<C>,
}

impl<C: Choice> Given<C> {
    /// What was typed.
    pub(super) fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.texts.iter().map(|&(setting, _)| setting)
    }

    /// The text of one setting, if it was typed.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.texts.iter().find(|(setting, _)| setting.key == key).map(|(_, text)| text.as_str())
    }

    /// Refuses what was typed and the method does not read.
    ///
    /// # Errors
    /// [`Error::Config`] for the first such setting.
    pub(super) fn check_read(&self, method: Method) -> Result<()> {
        for setting in self.settings() {
            if let Some(readers) = readers(setting.key).filter(|readers| !readers.contains(&method)) {
                let whose = listed(readers);
                let reason = format!("is read by {whose} only, and this run trains {method}; leave it out");
                return Err(Error::config(setting.key, reason));
            }
        }
        Ok(())
    }

    /// Sets what was typed.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for a text that a setting does not take.
    pub(super) fn apply(&self, config: &mut Config) -> Result<()> {
        self.texts.iter().try_for_each(|(setting, text)| config.set(setting.key, text))
    }
}

impl<C: Choice> FromArgMatches for Given<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        // Only the choice is asked for: a command may have a flag of its own under the name of another setting.
        let chosen = Config::SETTINGS.iter().filter(|setting| C::has(setting));
        let typed = chosen.filter_map(|setting| Some((setting, matches.get_one::<String>(setting.key)?)));
        let texts = typed.map(|(setting, text)| (setting, text.clone())).collect();
        Ok(Self { texts, choice: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<C: Choice> Args for Given<C> {
    fn augment_args(command: Command) -> Command {
        let all = Config::SETTINGS.iter().zip(NAMES.iter());
        let chosen = all.filter(|(setting, _)| C::has(setting));
        command.args(chosen.map(|(setting, name)| C::shown(flag(setting, name))))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// One of a few values, by its name.
pub(super) fn one_of<T: Copy + Send + Sync>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|&one| name(one))).map(move |typed| {
        let named = all.iter().copied().find(|&one| name(one) == typed);
        let Some(named) = named else { unreachable!("clap takes these names only") };
        named
    })
}

/// A number of things, of which there has to be one.
pub(super) fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
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
