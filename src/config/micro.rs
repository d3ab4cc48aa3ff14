//! How many pictures of a batch go through the trunk at once.

use super::value::{Value, quoted};

/// The pictures of a part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroBatch {
    /// As many as the adapter has memory for.
    Auto,
    /// So many; the last part of a batch may have fewer.
    Of(usize),
}

impl Value for MicroBatch {
    const HINT: &'static str = "N|auto";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let wrong = || format!("must be auto or a number of pictures, not `{text}`");
        usize::parse(text).map(Self::Of).map_err(|_| wrong())
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Of(pictures) => pictures.to_string(),
        }
    }

    fn toml(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Of(pictures) => pictures.toml(),
        }
    }
}
