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
