//! An amount of memory, as people write it: `2GiB`, `512MiB`, `1.5GB`, `0`.

use super::value::{Value, quoted};

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// The units, the largest first; those that are written come before those that are only read.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
];
const WRITTEN: usize = 4;

impl Value for Bytes {
    const HINT: &'static str = "SIZE";

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an amount of memory; write 2GiB, 512MiB or 0");
        let plain = text.trim();
        let digits = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let (number, unit) = (&plain[..digits], plain[digits..].trim());
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let found = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let size = match (found, unit) {
            (Some((_, size)), _) => *size,
            (None, "B") => 1,
            (None, "") if number == 0.0 => 1,
            (None, "") => return Err(format!("`{text}` has no unit; write {text}MiB or {text}GiB")),
            (None, _) => return Err(wrong()),
        };
        let bytes = number * size as f64;
        // Beyond a pebibyte it is a slip of the keyboard.
        if bytes <= (1u64 << 50) as f64 { Ok(Self(bytes.round() as u64)) } else { Err(wrong()) }
    }

    fn show(&self) -> String {
        let exact = |(_, size): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*size);
        match UNITS[..WRITTEN].iter().find(exact) {
            Some((name, size)) => format!("{}{name}", self.0 / size),
            None if self.0 == 0 => "0".to_owned(),
            None => format!("{}B", self.0),
        }
    }

    fn toml(&self) -> String {
        quoted(&self.show())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_written_and_written_as_read() {
        let read = |text| Bytes::parse(text).unwrap().0;
        assert_eq!([read("0"), read("2GiB"), read("1.5 gib"), read("3MB")], [0, 2 << 30, 3 << 29, 3_000_000]);
        for bytes in [0, 1, 1023, 1024, 1 << 20, 3 << 29, 2 << 30, 3_000_000, 5 << 40] {
            let shown = Bytes(bytes).show();
            assert_eq!(Bytes::parse(&shown), Ok(Bytes(bytes)), "{shown}");
        }
        assert_eq!(Bytes(1 << 30).show(), "1GiB");
        assert_eq!(Bytes(3 << 29).show(), "1536MiB");
        for wrong in ["", "GiB", "2 potatoes", "-1GiB", "9999TiB", "1e9"] {
            assert!(Bytes::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Bytes::parse("512").unwrap_err().contains("512MiB"));
    }
}
