//! Rows that differ in the value of one setting: ablations.

use super::Row;
use crate::config::{Config, CropGroup, Setting, Value};
use crate::error::{Error, Result};

/// Settings that a comparison decides itself, or that make other pictures of them.
const FIXED: [&str; 11] = [
    "preset", "method", "max_time", "seed", "out", "data", "source", "exclude", "pages", "channels", "bands",
];

/// Settings that are the length of a run: rows that differ in one of them are not of equal compute
/// ([`Budget::Own`](super::Budget::Own)).
pub(crate) const LENGTHS: [&str; 2] = ["epochs", "steps"];

/// A setting and the values that it takes in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// The setting.
    pub key: &'static str,
    /// Its values as texts, two at least.
    pub values: Vec<String>,
}

impl Over {
    /// Reads `KEY=V1,V2,...`; with `;` between the values where a value may hold commas itself.
    ///
    /// # Errors
    /// [`Error::Config`] for `over`, in a sentence.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: String| Error::config("over", reason);
        let Some((key, values)) = text.split_once('=') else {
            return Err(wrong(format!("`{text}` is not KEY=V1,V2,..., such as prototypes=30,100,300")));
        };
        let key = key.trim().trim_start_matches("--").replace('-', "_");
        let setting = Config::setting(&key).map_err(|error| match error {
            Error::Config { reason, .. } => wrong(format!("`{key}`: {reason}")),
            error => error,
        })?;
        if FIXED.contains(&setting.key) {
            let instead = match setting.key {
                "method" => "`--methods` compares methods",
                "seed" => "`--seeds` makes runs of several seeds",
                "max_time" => "a run that the clock ends is no shorter one: give `steps` or `epochs`",
                _ => "it has one value for all arms",
            };
            return Err(wrong(format!("`{key}` cannot differ between arms: {instead}")));
        }
        let mark = if is_list(setting) { ';' } else { ',' };
        let values: Vec<String> = values.split(mark).map(|value| value.trim().to_owned()).collect();
        if values.len() < 2 {
            return Err(wrong(format!(
                "`{text}` names one value of `{key}`: give two at least, with `{mark}` between"
            )));
        }
        Ok(Self { key: setting.key, values })
    }

    /// Whether the values are lengths of a run.
    #[must_use]
    pub fn is_length(&self) -> bool {
        LENGTHS.contains(&self.key)
    }

    /// A row a value.
    ///
    /// # Errors
    /// [`Error::Config`] for a value that the setting does not take, or that the method does not read.
    pub fn rows(&self, base: &Config) -> Result<Vec<Row>> {
        if !base.method.reads(self.key) {
            let reason = format!("`{}` changes nothing with {}: it does not read it", self.key, base.method);
            return Err(Error::config("over", reason));
        }
        let row = |value: &String| {
            let mut config = base.clone();
            if self.is_length() {
                // Steps that a file gives would hold in place of epochs.
                config.steps = None;
            }
            config.set(self.key, value)?;
            Ok(Row { name: format!("{} {value}", self.key), config })
        };
        self.values.iter().map(row).collect()
    }
}

/// Whether a value of the setting may hold commas.
fn is_list(setting: &Setting) -> bool {
    setting.hint.contains(',') || setting.hint == <Vec<CropGroup> as Value>::HINT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Over::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_are_split_as_the_setting_takes_them() {
        let over = Over::parse("prototypes=30,100, 300").unwrap();
        assert_eq!((over.key, over.values.len()), ("prototypes", 3));
        let rows = over.rows(&Config::default()).unwrap();
        assert_eq!(rows[2].name, "prototypes 300");
        assert_eq!(rows.iter().map(|row| row.config.prototypes).collect::<Vec<_>>(), [30, 100, 300]);
        let over = Over::parse("crops=2x32@0.4-1;2x32@0.4-1,4x16@0.15-0.4").unwrap();
        assert_eq!(over.values[1], "2x32@0.4-1,4x16@0.15-0.4");
        assert_eq!(Over::parse("weight-decay=0,1e-6").unwrap().key, "weight_decay");
        assert_eq!(Over::parse("assign=0,1;0").unwrap().values, ["0,1", "0"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence() {
        for (text, words) in [
            ("epsilon", &["KEY=V1,V2", "epsilon"][..]),
            ("epsilom=1,2", &["epsilom", "epsilon"]),
            ("epsilon=0.03", &["one value", "`,`"]),
            ("crops=2x32@0.4-1,4x16@0.1-0.4", &["one value", "`;`"]),
            ("method=swav,byol", &["--methods"]),
            ("seed=1,2", &["--seeds"]),
            ("max_time=1,2", &["`steps` or `epochs`"]),
            ("data=a,b", &["one value for all"]),
            ("pages=first,all", &["`pages` cannot differ", "one value for all"]),
        ] {
            let said = refused(text);
            assert!(words.iter().all(|word| said.contains(word)), "{text}: {said}");
        }
        let base = Config::default();
        assert!(Over::parse("epsilon=0.1,x").unwrap().rows(&base).is_err());
        let unread = Over::parse("predictor=9,10").unwrap().rows(&base).unwrap_err().to_string();
        assert!(unread.contains("swav") && unread.contains("predictor"), "{unread}");
    }
}
