//! What black and white are in pictures that say more than 8 bits.

use super::value::{Value, quoted};

/// What black and white are in pictures of more than 8 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// What the pictures show.
    Auto,
    /// 0 and the greatest number of so many bits.
    Bits(u32),
    /// These values.
    Range([f32; 2]),
}

impl Depth {
    /// The values that become black and white, where they are known.
    #[must_use]
    pub fn range(self) -> Option<[f32; 2]> {
        match self {
            Self::Auto => None,
            Self::Bits(bits) => Some([0.0, 2f32.powi(bits as i32) - 1.0]),
            Self::Range(range) => Some(range),
        }
    }

    /// The shortest word for a range.
    #[must_use]
    pub fn of(range: [f32; 2]) -> Self {
        (8..=32).map(Self::Bits).find(|bits| bits.range() == Some(range)).unwrap_or(Self::Range(range))
    }
}

impl Value for Depth {
    const HINT: &'static str = "auto|BITS|LOW..HIGH";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("must be auto, a number of bits from 8 to 32, or LOW..HIGH, not `{text}`");
        let text = text.trim();
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some((low, high)) = text.split_once("..") {
            let number = |text: &str| text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
            let (low, high) = (number(low).ok_or_else(wrong)?, number(high).ok_or_else(wrong)?);
            return if low < high { Ok(Self::Range([low, high])) } else { Err(wrong()) };
        }
        text.parse().ok().filter(|bits| (8..=32).contains(bits)).map(Self::Bits).ok_or_else(wrong)
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Bits(bits) => bits.to_string(),
            Self::Range([low, high]) => format!("{low}..{high}"),
        }
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}
