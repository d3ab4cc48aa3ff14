//! How each type of setting is read from text and written back, the same for flags and TOML.

use std::path::PathBuf;
use std::time::Duration;

/// A type that a setting can have. `parse(show(x)) == x` for every value.
pub trait Value: Sized {
    /// What a usage line calls such a value.
    const HINT: &'static str;
    /// The allowed words, where there are only a few.
    const CHOICES: &'static [&'static str] = &[];
    /// The word for "not given" in an `Option` of this type. Free text has no spare word, so there
    /// it is the empty text.
    const NONE: &'static str = "none";

    /// Reads the value; the error says what is allowed.
    fn parse(text: &str) -> Result<Self, String>;
    /// Writes the value as [`Value::parse`] reads it.
    fn show(&self) -> String;
    /// Writes the value as a TOML value.
    fn toml(&self) -> String {
        self.show()
    }
}

/// A TOML string with its quotes and escapes.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            const HINT: &'static str = "N";

            fn parse(text: &str) -> Result<Self, String> {
                let plain = text.trim().replace('_', "");
                plain.parse().map_err(|_| format!("`{text}` is not a whole number from 0 to {}", Self::MAX))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn toml(&self) -> String {
                // TOML integers are signed 64-bit: what lies above travels as text.
                if i64::try_from(*self).is_ok() { self.show() } else { quoted(&self.show()) }
            }
        }
    )+};
}

whole_numbers!(u32, u64, usize);

impl Value for f64 {
    const HINT: &'static str = "X";

    fn parse(text: &str) -> Result<Self, String> {
        let value: Self = text.trim().parse().map_err(|_| format!("`{text}` is not a number"))?;
        // Adding zero turns -0 into 0, which would be written back as `-0`.
        if value.is_finite() { Ok(value + 0.0) } else { Err(format!("must be a finite number, not {text}")) }
    }

    fn show(&self) -> String {
        let small = *self != 0.0 && self.abs() < 1e-4;
        if small { format!("{self:e}") } else { format!("{self}") }
    }
}

impl Value for bool {
    const HINT: &'static str = "true|false";
    const CHOICES: &'static [&'static str] = &["true", "false"];

    fn parse(text: &str) -> Result<Self, String> {
        text.trim().parse().map_err(|_| format!("must be true or false, not `{text}`"))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const HINT: &'static str = "TEXT";
    const NONE: &'static str = "";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }

    fn toml(&self) -> String {
        quoted(self)
    }
}

impl Value for PathBuf {
    const HINT: &'static str = "DIR";
    const NONE: &'static str = "";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }

    fn show(&self) -> String {
        self.to_string_lossy().into_owned()
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

impl<T: Value> Value for Option<T> {
    const HINT: &'static str = T::HINT;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const NONE: &'static str = T::NONE;

    fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == T::NONE { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| T::NONE.to_owned(), Value::show)
    }

    fn toml(&self) -> String {
        // "Not given" is written out, so that a file says all and a preset below it cannot shine through.
        self.as_ref().map_or_else(|| quoted(T::NONE), Value::toml)
    }
}

impl Value for Vec<usize> {
    const HINT: &'static str = "N,N,…";

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(usize::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
    }

    fn toml(&self) -> String {
        format!("[{}]", self.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
    }
}

impl Value for Vec<f64> {
    const HINT: &'static str = "X,X,…";

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(f64::parse).collect()
    }

    fn show(&self) -> String {
        self.iter().map(Value::show).collect::<Vec<_>>().join(",")
    }

    fn toml(&self) -> String {
        format!("[{}]", self.iter().map(Value::show).collect::<Vec<_>>().join(", "))
    }
}

impl Value for [f64; 3] {
    const HINT: &'static str = "R,G,B";

    fn parse(text: &str) -> Result<Self, String> {
        let numbers = Vec::<f64>::parse(text)?;
        let count = numbers.len();
        numbers.try_into().map_err(|_| format!("must be three numbers, for red, green and blue, not {count}"))
    }

    fn show(&self) -> String {
        self.to_vec().show()
    }

    fn toml(&self) -> String {
        self.to_vec().toml()
    }
}

/// The units of a time, largest first, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Seconds as people write times: whole ones, of which there are never fewer than it takes.
#[must_use]
pub fn whole_seconds(seconds: f64) -> String {
    // What is a whole number but for rounding stays it.
    Duration::from_secs((seconds.clamp(0.0, 1e12) - 1e-6).ceil() as u64).show()
}

impl Value for Duration {
    const HINT: &'static str = "TIME";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time; write 90s, 10m, 2h or 1h30m");
        let mut rest = text.trim();
        let mut millis = 0.0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let letters =
                rest[digits..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - digits);
            let unit = &rest[digits..digits + letters];
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            millis += rest[..digits].parse::<f64>().map_err(|_| wrong())? * *size as f64;
            rest = rest[digits + letters..].trim_start();
        }
        let most = 3_600_000.0 * 24.0 * 3650.0;
        if millis >= 1.0 && millis <= most {
            Ok(Self::from_millis(millis.round() as u64))
        } else {
            Err(format!("must be a time above 0 and below ten years, such as 90s, 10m or 2h, not `{text}`"))
        }
    }

    fn show(&self) -> String {
        let mut left = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for (name, size) in UNITS {
            if left >= size {
                text += &format!("{}{name}", left / size);
                left %= size;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}
