//! What tunings have found, in one file, by adapter, driver and program version: with another driver or
//! another version of the kernels nothing is known.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gpu::{AdapterFacts, Choices};
use crate::interop::write_atomic;

/// What was found for one adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub adapter: String,
    /// Its interface and driver, as `swav-wgpu devices` lists them.
    pub driver: String,
    /// The version of this program.
    pub program: String,
    /// The kernels, as [`Choices`] are written.
    pub choices: String,
}

impl Entry {
    /// An entry of this program's version.
    #[must_use]
    pub fn new(facts: &AdapterFacts, choices: &Choices) -> Self {
        Self {
            adapter: facts.name.clone(),
            driver: format!("{}, {}", facts.backend, facts.driver),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            choices: choices.to_string(),
        }
    }

    fn same_key(&self, other: &Self) -> bool {
        (&self.adapter, &self.driver, &self.program) == (&other.adapter, &other.driver, &other.program)
    }
}

/// The file and what it holds.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Store {
    /// Where the file is in a user's cache folder.
    #[must_use]
    pub fn file(cache: &Path) -> PathBuf {
        cache.join("swav-wgpu").join("tuning.json")
    }

    /// A store that holds nothing yet.
    #[must_use]
    pub fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), entries: Vec::new() }
    }

    /// Reads the file. One that is not there holds nothing.
    ///
    /// # Errors
    /// [`Error::Io`], also where it is not what this program writes.
    pub fn read(path: &Path) -> Result<Self> {
        let entries = match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| Error::io(path)(error.into()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io(path)(error)),
        };
        Ok(Self { path: path.to_owned(), entries })
    }

    /// What is known of an adapter under this version of the program.
    ///
    /// # Errors
    /// [`Error::Io`] where the kernels of the entry cannot be read.
    pub fn find(&self, facts: &AdapterFacts) -> Result<Option<Choices>> {
        let wanted = Entry::new(facts, &Choices::usual(facts.family()));
        let Some(entry) = self.entries.iter().find(|entry| entry.same_key(&wanted)) else { return Ok(None) };
        let wrong =
            |reason: String| Error::io(&self.path)(std::io::Error::new(ErrorKind::InvalidData, reason));
        entry.choices.parse().map(Some).map_err(wrong)
    }

    /// Adds an entry in place of an older one and writes the file, its folder too.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&mut self, entry: Entry) -> Result<()> {
        self.entries.retain(|old| !old.same_key(&entry));
        self.entries.push(entry);
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        // Strings only: it cannot fail.
        let text = serde_json::to_string_pretty(&self.entries).unwrap_or_default() + "\n";
        write_atomic(&self.path, |file| file.write_all(text.as_bytes()))
    }
}
