//! The lengths that a run was to have before it was given another one on its way.
//!
//! A run that is to take a given time gets more or fewer steps where the device becomes faster or slower. What was done by
//! then was done under another length, so the settings keep it: a run with the same settings takes the same steps.

use super::value::{Value, quoted};

/// A length that a run had until it was given another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Former {
    /// Steps that the run was to have.
    pub total: u64,
    /// Steps that were done when it was given another length.
    pub until: u64,
}

/// All such lengths of a run, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormerSteps(pub Vec<Former>);

/// That a run had no other length before.
const NONE: &str = "none";
/// Between a length and the step at which it ended.
const BETWEEN: &str = " until ";

impl FormerSteps {
    /// Whether they can have come before a run of `total` steps, or why not.
    pub(super) fn check(&self, total: Option<u64>) -> Result<(), String> {
        let Some(last) = self.0.last() else { return Ok(()) };
        let ascend = self.0.windows(2).all(|pair| pair[0].until < pair[1].until);
        if !ascend || self.0.iter().any(|former| former.until == 0 || former.until >= former.total) {
            return Err(format!(
                "{} is no history of a run: each length ends before its last step, one after another",
                self.show()
            ));
        }
        match total {
            Some(total) if total > last.until => Ok(()),
            Some(total) => Err(format!(
                "is the history of a run whose length changed at step {}, which one of {total} steps does not reach: give \
                 `none` with other `steps`",
                last.until
            )),
            None => Err("needs `steps`, the length that the run has in the end".to_owned()),
        }
    }
}

impl Value for FormerSteps {
    const HINT: &'static str = "LENGTHS";

    fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == NONE {
            return Ok(Self::default());
        }
        let wrong =
            || format!("`{text}` is neither none nor lengths such as 4000 until 2100, 3800 until 3000");
        let former = |text: &str| {
            let (total, until) = text.trim().split_once(BETWEEN).ok_or_else(wrong)?;
            let number = |text: &str| u64::parse(text).map_err(|_| wrong());
            Ok(Former { total: number(total)?, until: number(until)? })
        };
        text.split(',').map(former).collect::<Result<_, String>>().map(Self)
    }

    fn show(&self) -> String {
        let shown = |former: &Former| format!("{}{BETWEEN}{}", former.total, former.until);
        let all: Vec<String> = self.0.iter().map(shown).collect();
        if all.is_empty() { NONE.to_owned() } else { all.join(", ") }
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_as_it_is_written_and_refused_where_no_run_has_it() {
        let two = FormerSteps::parse(" 4000 until 2100,3800 until 3000").unwrap();
        assert_eq!(two.show(), "4000 until 2100, 3800 until 3000");
        assert_eq!(FormerSteps::parse(&two.show()), Ok(two.clone()));
        assert_eq!(FormerSteps::parse("none"), Ok(FormerSteps::default()));
        for text in ["", "4000", "4000 until", "until 3", "4000 until 2100;"] {
            assert!(FormerSteps::parse(text).unwrap_err().contains("such as 4000 until"), "{text}");
        }
        two.check(Some(3001)).unwrap();
        FormerSteps::default().check(None).unwrap();
        assert!(two.check(Some(3000)).unwrap_err().contains("at step 3000"));
        assert!(two.check(None).unwrap_err().contains("needs `steps`"));
        for text in ["10 until 10", "10 until 0", "10 until 5, 20 until 5", "10 until 5, 20 until 4"] {
            let history = FormerSteps::parse(text).unwrap();
            assert!(history.check(Some(100)).unwrap_err().contains("no history"), "{text}");
        }
    }
}
