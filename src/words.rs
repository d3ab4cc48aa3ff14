//! Small words of messages.

use std::borrow::Cow;

/// A number of things: `1 picture`, `2 pictures`, `2 classes`, `2 batches`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    let ending = match count {
        1 => "",
        _ if thing.ends_with('s') || thing.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {thing}{ending}")
}

/// A time as people say it who do not count: `about 17 seconds`, `about 25 minutes`, `about 3 days`.
pub(crate) fn about(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")];
    // One of a unit is too coarse: an hour and a half is ninety minutes.
    let fits = |unit: &&(f64, &str)| seconds >= 1.5 * unit.0;
    let &(size, name) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
    format!("about {}", counted((seconds / size).round().clamp(1.0, 1e9) as usize, name))
}

/// A path or value as a shell takes it, ready to be pasted.
pub(crate) fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=+,@%".contains(c);
    // What begins with a dash would be taken for a flag.
    if text.starts_with('-') {
        return quoted(&format!("./{text}")).into_owned().into();
    }
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', "'\\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "picture")), ["0 pictures", "1 picture", "2 pictures"]);
        assert_eq!([1, 2].map(|n| counted(n, "class")), ["1 class", "2 classes"]);
        assert_eq!([1, 2].map(|n| counted(n, "batch")), ["1 batch", "2 batches"]);
    }

    #[test]
    fn a_time_is_said_in_the_largest_unit_that_is_fine_enough() {
        let said = [0.0, 1.2, 17.4, 89.0, 90.0, 5000.0, 5400.0, 86_400.0, 260_000.0].map(about);
        let want = [
            "1 second",
            "1 second",
            "17 seconds",
            "89 seconds",
            "2 minutes",
            "83 minutes",
            "2 hours",
            "24 hours",
            "3 days",
        ];
        assert_eq!(said.map(|text| text.replace("about ", "")), want);
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        for (text, shown) in [
            ("runs/demo-1", "runs/demo-1"),
            ("my photos", "'my photos'"),
            ("it's", "'it'\\''s'"),
            ("a$b", "'a$b'"),
            ("-x", "./-x"),
            ("- y", "'./- y'"),
            ("", "''"),
            ("föhn.png", "föhn.png"),
        ] {
            assert_eq!(quoted(text), shown, "{text}");
        }
    }
}
