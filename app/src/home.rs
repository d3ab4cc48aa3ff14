//! Where runs are kept: a folder that a person can find, and what can be done with the runs in it.

use std::path::{Path, PathBuf};
use swav_wgpu::runs::run_folder::RunFolder;
use swav_wgpu::uses::sort::{FORBIDDEN, check_name};

/// The folder of runs in a person's documents.
#[must_use]
pub fn usual() -> PathBuf {
    dirs::document_dir().or_else(dirs::home_dir).unwrap_or_default().join("SwAV runs")
}

/// The first free folder for a run on these pictures: `holidays 1`, `holidays 2`, …
///
/// # Errors
/// A home that cannot be made or written to, in a sentence with the way out.
pub fn next(home: &Path, pictures: Option<&Path>) -> Result<PathBuf, String> {
    let name = pictures.map_or_else(|| "drawings".to_owned(), crate::recent::name);
    let name: String =
        name.chars().map(|c| if FORBIDDEN.contains(&c) || c.is_control() { '_' } else { c }).collect();
    let name = name.trim_matches([' ', '.']);
    let name = if name.is_empty() { "run" } else { name };
    let failed = |error: std::io::Error| {
        format!("Runs cannot be kept in {}: {error}. Choose another folder for them below.", home.display())
    };
    std::fs::create_dir_all(home).map_err(failed)?;
    let probe = home.join(format!(".{}", std::process::id()));
    std::fs::write(&probe, "").map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)?;
    let free = |path: &PathBuf| !path.exists();
    (1u64..).map(|number| home.join(format!("{name} {number}"))).find(free).ok_or_else(String::new)
}

/// Gives a run another name, in the folder that it lies in.
///
/// # Errors
/// A name that no folder can have or that is taken, and a run that goes on, in a sentence.
pub fn rename(run: &Path, name: &str) -> Result<PathBuf, String> {
    check_name(name).map_err(|error| crate::words::told(&error))?;
    let to = run.with_file_name(name);
    if to.exists() {
        return Err(format!("{} exists already: choose another name.", to.display()));
    }
    at_rest(run)?;
    std::fs::rename(run, &to).map_err(|error| format!("{} could not be renamed: {error}", run.display()))?;
    Ok(to)
}

/// Puts a run into the system's bin.
///
/// # Errors
/// A run that goes on, and a system without a bin, in a sentence.
pub fn delete(run: &Path) -> Result<(), String> {
    at_rest(run)?;
    trash::delete(run).map_err(|error| format!("{} could not be put into the bin: {error}", run.display()))
}

/// Whether nobody trains in a run folder now.
///
/// # Errors
/// A run that goes on, or no run, in a sentence.
pub fn at_rest(run: &Path) -> Result<(), String> {
    RunFolder::open(run).map(drop).map_err(|error| crate::words::told(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_get_free_names_and_can_be_called_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("Documents/SwAV runs");
        let first = next(&home, Some(Path::new("/pictures/Urlaub: 2024"))).unwrap();
        assert_eq!(first, home.join("Urlaub_ 2024 1"));
        std::fs::create_dir(&first).unwrap();
        assert_eq!(next(&home, Some(Path::new("/x/Urlaub: 2024"))).unwrap(), home.join("Urlaub_ 2024 2"));
        assert_eq!(next(&home, None).unwrap(), home.join("drawings 1"));
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1, "nothing is left behind");

        // What is no run is neither renamed nor deleted.
        assert!(rename(&first, "Alpen").is_err() && delete(&first).is_err() && first.exists());
        std::fs::write(first.join("config.toml"), "").unwrap();
        let held = RunFolder::open(&first).unwrap();
        assert!(rename(&first, "Alpen").is_err() && delete(&first).is_err(), "it goes on");
        drop(held);
        let alps = rename(&first, "Alpen").unwrap();
        assert!(alps.is_dir() && !first.exists());
        std::fs::create_dir(home.join("taken")).unwrap();
        assert!(rename(&alps, "taken").unwrap_err().contains("exists already"));
        assert!(rename(&alps, "a/b").is_err() && alps.is_dir());
        let file = home.join("a file");
        std::fs::write(&file, "").unwrap();
        assert!(next(&file, None).unwrap_err().contains("Choose another folder"));
    }
}
