//! What pictures and the folders of groups are called.

use super::Best;
use crate::data::{Dataset, Original};
use crate::error::{Error, Result};
use crate::uses::embed::Embedded;
use std::path::{Path, PathBuf};

/// The pictures that a network looked at, ready to be sorted: each with its name, the name that its file gets, and
/// its best prototype. `data` is where the set was opened.
///
/// # Errors
/// [`Error::Data`] naming a picture of an archive or a table that cannot be read.
pub fn pictures(dataset: &Dataset, data: &Path, found: &Embedded) -> Result<Vec<Best>> {
    let best = found.pictures.iter().zip(found.prototypes.iter().flatten());
    let one = |(&picture, &prototype)| {
        let (name, file) = (dataset.picture_name(picture), file_name(dataset, data, picture)?);
        Ok(Best { picture, name, file, prototype })
    };
    best.map(one).collect()
}

/// The name that the file of a picture gets, where that is not the picture's name: a picture inside another file
/// needs an ending by which programs know it, and a name may hold bytes that are no text.
fn file_name(dataset: &Dataset, data: &Path, picture: u32) -> Result<Option<PathBuf>> {
    const KNOWN: [&str; 7] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff"];
    if let Some(path) = dataset.path_of(picture) {
        return Ok(Some(path.strip_prefix(data).map_or_else(|_| path.clone(), Path::to_owned)));
    }
    let name = dataset.picture_name(picture);
    let ending = Path::new(&name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if KNOWN.contains(&ending.to_lowercase().as_str()) {
        return Ok(None);
    }
    Ok(match dataset.original(picture)? {
        Original::Bytes { ending, .. } => Some(PathBuf::from(format!("{name}.{ending}"))),
        Original::File(_) => None,
    })
}

/// What not every system allows in the name of a file or folder.
pub const FORBIDDEN: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];
/// The longest name of a folder, bytes: what systems take.
const LONGEST: usize = 255;

/// Refuses a name of a group that is no name of a folder on every system.
///
/// # Errors
/// [`Error::Config`] with what is wrong with it.
pub fn check_name(name: &str) -> Result<()> {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let numbered = stem.len() == 4 && stem.ends_with(|last: char| last.is_ascii_digit());
    let device =
        DEVICES[..4].contains(&stem) || numbered && DEVICES[4..].contains(&stem.get(..3).unwrap_or(""));
    let wrong = match () {
        () if name.trim().is_empty() => "a group needs a name".to_owned(),
        () if name == "." || name == ".." => format!("“{name}” means another folder"),
        () if name.contains(FORBIDDEN) => {
            let all = FORBIDDEN.map(String::from).join(" ");
            format!("“{name}” holds one of {all}, which not every system allows in a name")
        }
        () if name.chars().any(char::is_control) => "it holds a character that cannot be seen".to_owned(),
        () if name != name.trim() || name.ends_with('.') => {
            format!("“{name}” begins or ends with a space, or ends with a dot, which some systems take away")
        }
        () if name.len() > LONGEST => format!("it is {} bytes long, and systems take {LONGEST}", name.len()),
        () if device => format!("“{name}” is a device on Windows"),
        () => return Ok(()),
    };
    Err(Error::config("name", wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_every_system_takes_are_taken() {
        for good in ["Berge", "山", "two words", "a.b", "com", "lpt10", "console"] {
            check_name(good).unwrap();
        }
        let long = "x".repeat(256);
        for bad in
            ["", "  ", ".", "..", "a/b", "a\\b", "a:b", "a\nb", " a", "a.", "CON", "nul.txt", "com1", &long]
        {
            assert!(check_name(bad).is_err(), "{bad:?} was taken");
        }
    }
}
