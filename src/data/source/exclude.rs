//! Patterns of what a set leaves out: `masks`, `*_mask.png`, `annotations/*.tif`.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use glob::{MatchOptions, Pattern};

use crate::error::{Error, Result};

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: false,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Patterns, and how many files each has left out.
#[derive(Debug, Default)]
pub(super) struct Exclude(Vec<(Pattern, AtomicUsize)>);

impl Exclude {
    /// Reads the patterns; `path` is the set, for messages.
    pub(super) fn new(patterns: &[String], path: &Path) -> Result<Self> {
        let read = |text: &String| {
            let pattern = Pattern::new(text.trim().trim_end_matches('/')).map_err(|error| Error::Data {
                path: path.to_owned(),
                reason: format!("the pattern `{text}` of --exclude is not clear: {error}"),
            })?;
            Ok((pattern, AtomicUsize::new(0)))
        };
        patterns.iter().filter(|text| !text.trim().is_empty()).map(read).collect::<Result<_>>().map(Self)
    }

    /// Whether a path below the set's folder is left out. A pattern with a slash is that of a path from there
    /// on; one without is that of a file or a folder at any depth. What lies in such a folder is left out.
    pub(super) fn hits(&self, path: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let text = path.to_string_lossy().replace('\\', "/");
        let hit = |pattern: &Pattern| {
            if pattern.as_str().contains('/') {
                let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
                return ends.into_iter().any(|end| pattern.matches_with(&text[..end], OPTIONS));
            }
            text.split('/').any(|part| pattern.matches_with(part, OPTIONS))
        };
        let found = self.0.iter().find(|(pattern, _)| hit(pattern));
        if let Some((_, count)) = found {
            count.fetch_add(1, Ordering::Relaxed);
        }
        found.is_some()
    }

    /// What each pattern has left out.
    pub(super) fn notices(&self) -> Vec<String> {
        let told = |(pattern, count): &(Pattern, AtomicUsize)| match count.load(Ordering::Relaxed) {
            0 => format!("--exclude {pattern} matches nothing"),
            count => format!("left out by --exclude {pattern}: {count} files"),
        };
        self.0.iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_names_or_of_paths() {
        let hits = |pattern: &str, path: &str| {
            Exclude::new(&[pattern.to_owned()], Path::new("")).unwrap().hits(Path::new(path))
        };
        for (pattern, path) in [
            ("masks", "a/masks/1.png"),
            ("masks/", "Masks/deep/1.png"),
            ("*_mask.*", "a/1_mask.png"),
            ("a/*.png", "a/1.png"),
            ("a/b", "a/b/c/1.png"),
            ("**/b/*.png", "x/b/1.png"),
        ] {
            assert!(hits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("mask", "masks/1.png"), ("a/*.png", "x/a/1.png"), ("b/1.png", "a/b/1.png")] {
            assert!(!hits(pattern, path), "{pattern} {path}");
        }
        let both = Exclude::new(&["x".into(), "y".into()], Path::new("")).unwrap();
        assert!(both.hits(Path::new("x/1.png")));
        assert_eq!(both.notices(), ["left out by --exclude x: 1 files", "--exclude y matches nothing"]);
        let wrong = Exclude::new(&["a[".into()], Path::new("set")).unwrap_err().to_string();
        assert!(wrong.contains("set") && wrong.contains("`a[`"), "{wrong}");
    }
}
