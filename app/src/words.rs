//! Errors of the library in the words of the window: settings by the names of the form, and no word of a terminal.

use crate::engine::WayOut;
use std::io::ErrorKind;
use swav_wgpu::config::Config;
use swav_wgpu::data::is_there;
use swav_wgpu::error::{Error, SHORTER_PARTS};

/// An error as a sentence for a person who has no terminal.
#[must_use]
pub fn told(error: &Error) -> String {
    match error {
        Error::Config { field, reason } if Config::setting(field).is_ok() => {
            format!("{}: {}", name(field), plain(reason))
        }
        // The places of the command line have no names here.
        Error::Config { reason, .. } => sentence(&plain(reason)),
        Error::DeviceLost(what) => format!(
            "The graphics device went away ({what}). What was learned up to the last checkpoint is kept: try again to \
             go on from there. {}.",
            sentence(&plain(SHORTER_PARTS))
        ),
        Error::Io { path, source } => {
            format!("{}: {}{}", path.display(), plain(&source.to_string()), help(source.kind()))
        }
        other => sentence(&plain(&other.to_string())),
    }
}

/// What a button can do about an error.
#[must_use]
pub fn way_out(error: &Error) -> Option<WayOut> {
    match error {
        Error::DeviceLost(_) | Error::Device(_) => Some(WayOut::Again),
        Error::Io { source, .. } if source.kind() == ErrorKind::CrossesDevices => Some(WayOut::Copies),
        Error::Io { source, .. } => is_full(source.kind()).then_some(WayOut::Again),
        Error::Data { path, .. } => (!is_there(path)).then_some(WayOut::Locate),
        _ => None,
    }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn help(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            ". Make room on that disk and try again: what was written before is kept, and it goes on from there."
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ". Choose another folder, or allow this one to be written to."
        }
        ErrorKind::NotFound => ". It is not there any more: was a disk taken away, or a folder renamed?",
        _ => "",
    }
}

/// How the command begins that goes on with a run, for which the window has a button.
const RESUME: &str = "swav-wgpu train --resume ";

/// A setting as the form calls it.
#[must_use]
pub fn name(key: &str) -> String {
    key.replace('_', " ")
}

pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A sentence of the library without what belongs to a terminal: `settings` and --flags become “settings”, and the
/// ends of ranges that nobody reaches go.
#[must_use]
pub fn plain(text: &str) -> String {
    const GONE: [(&str, &str); 10] = [
        (" from 0 to 18446744073709551615", ""),
        (" from 1 to 18446744073709551615", ", 1 or more"),
        (" from 0 to 4294967295", ""),
        ("; restart the run with `--resume`", ""),
        ("; name a folder beside it", "; choose a folder beside it"),
        ("name one outside", "choose one outside"),
        ("name another", "choose another"),
        ("is a file; name a folder", "is a file; choose a folder"),
        ("use `--how copy` or `--how symlink`", "choose copies"),
        ("run the command again", "try again"),
    ];
    let text = GONE.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let mut parts = text.split('`');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        // Odd parts stand between two backquotes.
        if at % 2 == 0 {
            plain += &format!("\u{201c}{}\u{201d}", quoted(part));
        } else {
            plain += part;
        }
    }
    let words: Vec<String> =
        plain.split(' ').map(|word| unflagged(word).unwrap_or_else(|| word.to_owned())).collect();
    words.join(" ")
}

/// What stands between backquotes: a setting by its name, whether it is a key or a flag, and its value as it is.
fn quoted(part: &str) -> String {
    if part.starts_with(RESUME) {
        return "Resume".to_owned();
    }
    let Some(flag) = part.strip_prefix("--") else { return part.replace('_', " ") };
    let (word, value) = flag.split_once(' ').map_or((flag, None), |(word, value)| (word, Some(value)));
    let key = word.replace('-', "_");
    let word = if Config::setting(&key).is_ok() { name(&key) } else { word.to_owned() };
    value.map_or_else(|| word.clone(), |value| format!("{word} {value}"))
}

/// `--crops` as the form has it.
fn unflagged(word: &str) -> Option<String> {
    let flag = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let key = flag.strip_prefix("--")?.replace('-', "_");
    let known = Config::setting(&key).is_ok();
    known.then(|| format!("\u{201c}{}\u{201d}{}", name(&key), &word[flag.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error as IoError;

    #[test]
    fn commands_and_flags_become_what_the_window_has() {
        let table = [
            (
                "The time is up at step 9; `swav-wgpu train --resume 'my runs/a'` goes on.",
                "The time is up at step 9; “Resume” goes on.",
            ),
            (
                "a hard link cannot lead to another disk; use `--how copy` or `--how symlink`",
                "a hard link cannot lead to another disk; choose copies",
            ),
            ("Raise `target_momentum` towards 0.999.", "Raise “target momentum” towards 0.999."),
            ("a is a file; name a folder", "a is a file; choose a folder"),
            ("a has a manifest; name another folder", "a has a manifest; choose another folder"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected);
        }
        let source = IoError::new(ErrorKind::CrossesDevices, table[1].0);
        let links = Error::io("out/a.png")(source);
        assert_eq!(told(&links), format!("out/a.png: {}", table[1].1));
        assert_eq!(way_out(&links), Some(WayOut::Copies));
    }

    #[test]
    fn errors_have_no_word_of_a_terminal() {
        let full = Error::io("runs/a/metrics.jsonl")(IoError::from(ErrorKind::StorageFull));
        let batch =
            Error::config("batch", "is \"x\", and must be a whole number from 0 to 18446744073709551615");
        let out = Error::config("out", "runs/a is a run folder; go on with it by `--resume runs/a`");
        let lost = Error::DeviceLost("reset".into());
        let crops = Error::config("eval_size", "larger than `eval_resize` (see --crops).");
        let all = [&full, &batch, &out, &lost, &crops].map(told);
        for text in &all {
            for word in ["--", "`", "command", "184467", "setting"] {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
        assert_eq!(all[1], "batch: is \"x\", and must be a whole number");
        // The one way out that a person has is named as the form has it.
        assert!(all[3].ends_with(" (\u{201c}submission ms 20\u{201d})."), "{}", all[3]);
        assert_eq!(all[4], "eval size: larger than “eval resize” (see “crops”).");
        assert_eq!([&full, &lost].map(way_out), [Some(WayOut::Again); 2]);
        let gone = Error::Data { path: "/no/where".into(), reason: "there is nothing here".into() };
        assert_eq!((way_out(&gone), way_out(&batch)), (Some(WayOut::Locate), None));
        assert_eq!(told(&Error::Stopped), "Stopped before it was done");
    }
}
