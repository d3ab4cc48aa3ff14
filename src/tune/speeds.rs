//! How fast adapters train, as measured once, in a file beside that of tuned kernels.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::gpu::AdapterFacts;
use crate::interop::write_atomic;

/// The file and what it holds: 10⁹ operations a second by adapter, driver and version of this program.
#[derive(Clone, Debug)]
pub struct Speeds {
    path: PathBuf,
    known: BTreeMap<String, f64>,
}

impl Speeds {
    /// Those below a user's cache folder. A file that is not there, or cannot be read, holds nothing: it is measured anew
    /// in seconds.
    #[must_use]
    pub fn read(cache: &Path) -> Self {
        let path = cache.join("swav-wgpu").join("speed.json");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self { path, known: serde_json::from_str(&text).unwrap_or_default() }
    }

    /// What is known of an adapter.
    #[must_use]
    pub fn find(&self, facts: &AdapterFacts) -> Option<f64> {
        self.known.get(&key(facts)).copied().filter(|speed| speed.is_finite() && *speed > 0.0)
    }

    /// Keeps a speed, and writes the file, its folder too.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep(&mut self, facts: &AdapterFacts, gflop_per_s: f64) -> Result<()> {
        self.known.insert(key(facts), gflop_per_s);
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let text = serde_json::to_string_pretty(&self.known)
            .map_err(|error| Error::io(&self.path)(std::io::Error::new(ErrorKind::InvalidData, error)))?;
        write_atomic(&self.path, |file| file.write_all(text.as_bytes()))
    }
}

fn key(facts: &AdapterFacts) -> String {
    format!("{}; {}, {}; {}", facts.name, facts.backend, facts.driver, env!("CARGO_PKG_VERSION"))
}
