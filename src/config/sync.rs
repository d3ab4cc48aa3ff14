//! Which ranks take the statistics of the trunk's batch norms together.

use super::value::{Value, quoted};

/// How many ranks' pictures a batch norm of the trunk sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncBn {
    /// Those of all ranks.
    All,
    /// Those of groups of so many consecutive ranks.
    Of(usize),
}

impl SyncBn {
    /// Ranks of a group, of so many.
    #[must_use]
    pub fn group(self, ranks: usize) -> usize {
        match self {
            Self::All => ranks,
            Self::Of(group) => group,
        }
    }
}

impl Value for SyncBn {
    const HINT: &'static str = "all|N";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "all" {
            return Ok(Self::All);
        }
        let wrong = || format!("must be none, all or a number of ranks, not `{text}`");
        text.parse().ok().filter(|&group| group > 0).map(Self::Of).ok_or_else(wrong)
    }

    fn show(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Of(group) => group.to_string(),
        }
    }

    fn toml(&self) -> String {
        match self {
            Self::All => quoted("all"),
            Self::Of(group) => group.toml(),
        }
    }
}
