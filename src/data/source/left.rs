//! What a set leaves out, counted by the endings of names: one sentence for every source.

use std::collections::BTreeMap;
use std::path::Path;

/// Endings that are told one by one.
const TOLD: usize = 8;
/// Endings of pictures and films in formats that are not read.
const PICTURES: [&str; 35] = [
    "heic", "heif", "hif", "avif", "jp2", "j2k", "jpx", "jxl", "nii", "svg", "psd", "raw", "cr2", "cr3",
    "nef", "arw", "dng", "orf", "rw2", "raf", "ico", "tga", "exr", "hdr", "dds", "pcx", "qoi", "eps", "svs",
    "ndpi", "czi", "mp4", "mov", "avi", "mkv",
];

/// Files that are left out.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// By their endings in lower case; empty for none.
    endings: BTreeMap<String, usize>,
    /// The most folders around one.
    depth: usize,
}

impl Left {
    /// Counts a file.
    pub(super) fn note(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        // What systems leave everywhere is nobody's file.
        if name.starts_with('.') || ["thumbs.db", "desktop.ini"].contains(&&*name) {
            return;
        }
        *self.endings.entry(ending(path)).or_default() += 1;
        self.depth = self.depth.max(path.components().count().saturating_sub(1));
    }

    /// Takes back a file that was of use after all.
    pub(super) fn used(&mut self, path: &Path) {
        if let Some(count) = self.endings.get_mut(&ending(path)) {
            *count = count.saturating_sub(1);
        }
        self.endings.retain(|_, count| *count > 0);
    }

    /// Whether files with this ending were counted.
    pub(super) fn has(&self, ending: &str) -> bool {
        self.endings.contains_key(ending)
    }

    /// Counts what another has counted.
    pub(super) fn add(&mut self, other: Self) {
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.depth = self.depth.max(other.depth);
    }

    /// The counts in words, the most first.
    fn counts(&self) -> String {
        let mut all: Vec<(&String, &usize)> = self.endings.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let said = |(ending, count): &(&String, &usize)| match ending.as_str() {
            "" => format!("{count} without an ending"),
            ending => format!("{count} .{ending}"),
        };
        let mut text = all.iter().take(TOLD).map(said).collect::<Vec<_>>().join(", ");
        let rest: usize = all.iter().skip(TOLD).map(|(_, count)| **count).sum();
        if rest > 0 {
            text += &format!(" and {rest} of other kinds");
        }
        text
    }

    /// What was left out, and what to do; nothing where nothing was.
    pub(super) fn notice(&self) -> Option<String> {
        if self.endings.is_empty() {
            return None;
        }
        let pictures: Vec<String> = self
            .endings
            .keys()
            .filter(|ending| PICTURES.contains(&&***ending))
            .map(|ending| format!(".{ending}"))
            .collect();
        let way_out = match pictures.as_slice() {
            [] => String::new(),
            endings => format!("; save the {} as JPEG, PNG or TIFF to use them", endings.join(", ")),
        };
        Some(format!("left out: {}{way_out}", self.counts()))
    }

    /// What is there where no picture was found.
    pub(super) fn instead(&self) -> String {
        match (self.endings.is_empty(), self.depth) {
            (true, _) => "there are no files at all".into(),
            (false, 0) => format!("there are {}", self.counts()),
            (false, 1) => format!("there are {}, down to one folder deep", self.counts()),
            (false, depth) => format!("there are {}, down to {depth} folders deep", self.counts()),
        }
    }
}

/// The ending of a file's name in lower case.
fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_in_one_sentence() {
        let mut left = Left::default();
        assert_eq!((left.notice(), left.instead().as_str()), (None, "there are no files at all"));
        for name in ["a/b/1.HEIC", "2.heic", "x.json", "LICENSE", "Thumbs.db", ".hidden.txt", "t.csv"] {
            left.note(Path::new(name));
        }
        left.used(Path::new("t.csv"));
        let notice = left.notice().unwrap();
        assert_eq!(
            notice,
            "left out: 2 .heic, 1 without an ending, 1 .json; save the .heic as JPEG, PNG or TIFF to use them"
        );
        assert!(left.instead().ends_with("down to 2 folders deep"), "{}", left.instead());
        for i in 0..20 {
            left.note(Path::new(&format!("x.k{i}")));
        }
        assert!(left.notice().unwrap().contains("and 15 of other kinds"), "{:?}", left.notice());
    }
}
