//! picto16, the pictures that ship inside the program: 4,666 drawings, 64×64, in 16 classes.
//!
//! One plain tar, compiled in, so that a first run needs no file and no network. Pictures stay
//! compressed in it and are decoded from the program's own memory. The tar also holds the labels
//! with both splits, and the credits and licences that must go wherever the pictures go.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::super::dataset::{Content, Listing, Pictures, Split};
use crate::error::{Error, Result};

/// The archive: `train/` and `test/` with a folder for each class, `labels.csv`, credits, licences.
const ARCHIVE: &[u8] = include_bytes!("../../../assets/picto16.tar");

/// Who drew the pictures and under which licences: to be shown wherever they are shown.
pub const ATTRIBUTION: &str = include_str!("../../../assets/picto16/ATTRIBUTION.md");

const NAME: &str = "picto16";

struct Embedded(Vec<(String, &'static [u8])>);

impl Pictures for Embedded {
    fn name(&self, picture: u32) -> String {
        format!("{NAME}/{}", self.0[picture as usize].0)
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        Ok(Content::Encoded(self.0[picture as usize].1.into()))
    }
}

fn broken(reason: impl Into<String>) -> Error {
    Error::Data { path: NAME.into(), reason: reason.into() }
}

/// Name and place of every file in the archive.
fn files() -> Result<Vec<(String, Range<usize>)>> {
    let read = || {
        let mut archive = tar::Archive::new(ARCHIVE);
        let mut files = Vec::new();
        for entry in archive.entries()? {
            let entry = entry?;
            let start = entry.raw_file_position() as usize;
            files.push((entry.path()?.to_string_lossy().into_owned(), start..start + entry.size() as usize));
        }
        Ok::<_, std::io::Error>(files)
    };
    read().map_err(|error| broken(format!("the archive in this program is damaged: {error}")))
}

/// Lists the embedded pictures; trained on are those that both splits call `train`.
pub(in crate::data) fn list() -> Result<Listing> {
    let mut found: HashMap<String, &'static [u8]> = HashMap::new();
    for (name, range) in files()? {
        let bytes = ARCHIVE.get(range).ok_or_else(|| broken(format!("{name} is cut off")))?;
        found.insert(name, bytes);
    }
    let table = found.get("labels.csv").ok_or_else(|| broken("labels.csv is missing"))?;
    let table = std::str::from_utf8(table).map_err(|error| broken(format!("labels.csv: {error}")))?;
    // path,split,split_concept,class,…: what follows may hold quotes and is not needed here.
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.splitn(5, ',').collect()).collect();
    if let Some(row) = rows.iter().find(|row| row.len() < 4) {
        return Err(broken(format!("labels.csv: cannot read `{}`", row.join(","))));
    }
    let mut classes: Vec<String> = rows.iter().map(|row| row[3].to_owned()).collect();
    classes.sort_unstable();
    classes.dedup();
    let labels = rows.iter().map(|row| classes.iter().position(|c| c == row[3]).map(|i| i as u32)).collect();
    let side = |column: usize, value: &str| -> Vec<u32> {
        (0..).zip(&rows).filter(|(_, row)| row[column] == value).map(|(picture, _)| picture).collect()
    };
    let split = |name: &str, column| Split {
        name: name.into(),
        bank: side(column, "train"),
        queries: side(column, "test"),
    };
    let pretrain = (0..).zip(&rows).filter(|(_, row)| row[1] == "train" && row[2] == "train");
    let pictures = rows
        .iter()
        .map(|row| match found.get(row[0]) {
            Some(bytes) => Ok((row[0].to_owned(), *bytes)),
            None => Err(broken(format!("{} is missing", row[0]))),
        })
        .collect::<Result<_>>()?;
    Ok(Listing {
        name: NAME.into(),
        path: NAME.into(),
        root: "".into(),
        notices: Vec::new(),
        pretrain: pretrain.map(|(picture, _)| picture).collect(),
        splits: vec![split("split", 1), split("split_concept", 2)],
        pictures: Arc::new(Embedded(pictures)),
        classes,
        labels,
    })
}

#[cfg(test)]
mod tests {
    use crate::data::Dataset;

    #[test]
    fn the_embedded_set_is_whole() {
        let set = Dataset::open(None).unwrap();
        assert_eq!((set.name(), set.len(), set.classes().len()), ("picto16", 4666, 16));
        assert_eq!(set.pretrain().len(), 2781);
        let sizes: Vec<_> = set.splits().iter().map(|s| (&*s.name, s.bank.len(), s.queries.len())).collect();
        assert_eq!(sizes, [("split", 3605, 1061), ("split_concept", 3615, 1051)]);
        assert!(set.splits().iter().all(|s| set.pretrain().iter().all(|p| s.bank.binary_search(p).is_ok())));
        for picture in 0..set.len() as u32 {
            let pixels = set.decode(picture).unwrap();
            assert_eq!(pixels.dimensions(), (64, 64));
            let class = &set.classes()[set.label(picture).unwrap() as usize];
            assert!(set.picture_name(picture).contains(&format!("/{class}/")));
        }
        assert!(set.decode(4666).is_err());
        assert!(super::ATTRIBUTION.contains("Noto"));
    }
}
