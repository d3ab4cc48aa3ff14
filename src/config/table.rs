//! The macro behind the table of settings: from one row it makes the field, its default, and the
//! [`Setting`] that the command line, the TOML file and the app are built from.

use super::method::{listed, readers};
use super::settings::Config;

/// One setting, as a flag, a TOML key or a row on a screen needs it.
#[derive(Debug)]
pub struct Setting {
    /// The TOML key and field name; the flag is the same word with dashes.
    pub key: &'static str,
    /// The heading that it stands under.
    pub group: &'static str,
    /// What kind of value it takes, for a usage line: `N`, `DIR`, `TIME`, …
    pub hint: &'static str,
    /// The allowed words, where the value is one of a few; else empty.
    pub choices: &'static [&'static str],
    /// The help text in lines, as written in the table; [`Setting::help`] joins them.
    pub lines: &'static [&'static str],
    /// The value as text that `set` reads back.
    pub get: fn(&Config) -> String,
    /// Reads text, checks the range, and only then stores it. The error says what is allowed.
    pub set: fn(&mut Config, &str) -> Result<(), String>,
    /// Checks the stored value's range.
    pub check: fn(&Config) -> Result<(), String>,
    /// The value as TOML writes it.
    pub toml: fn(&Config) -> String,
}

impl Setting {
    /// The help text, in one paragraph, with the methods that read the setting where it is not all of them.
    pub fn help(&self) -> String {
        let text = self.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        match readers(self.key) {
            Some(readers) => format!("{text} Read by {} only.", listed(readers)),
            None => text,
        }
    }

    /// The flag without its dashes: `final-lr` for `final_lr`.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The default as text.
    pub fn default_text(&self) -> String {
        (self.get)(&Config::default())
    }
}

/// Declares the settings: groups of `/// help`, `name: type = default => check;`.
macro_rules! settings {
    ($(
        $group:literal {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $default:expr $(=> $check:expr)?;
            )+
        }
    )+) => {
        /// Every setting of a run; see the [module](super) for where values come from.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($(
                $(#[doc = $doc])+
                pub $key: $type,
            )+)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($($key: $default,)+)+ }
            }
        }

        impl Config {
            /// Every setting, in the order in which help texts and files list them.
            pub const SETTINGS: &'static [Setting] = &[$($(
                Setting {
                    key: stringify!($key),
                    group: $group,
                    hint: <$type as Value>::HINT,
                    choices: <$type as Value>::CHOICES,
                    lines: &[$($doc),+],
                    get: |config| config.$key.show(),
                    set: |config, text| {
                        let value = <$type as Value>::parse(text)?;
                        $(check::run(&value, $check)?;)?
                        config.$key = value;
                        Ok(())
                    },
                    #[allow(unused_variables, reason = "a row without a check reads nothing")]
                    check: |config| {
                        $(check::run(&config.$key, $check)?;)?
                        Ok(())
                    },
                    toml: |config| config.$key.toml(),
                },
            )+)+];
        }
    };
}

pub(super) use settings;
