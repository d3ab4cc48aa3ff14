//! What a run folder says of how a run went, whether it ended or not.

use super::events::{Metrics, Summary};
use crate::error::{Error, Result};
use crate::runs::run_folder::RunFolder;

/// What was written down of a run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its reports so far, in their order.
    pub reports: Vec<Metrics>,
    /// Lines among them that cannot be read, such as one that a power cut tore.
    pub torn: usize,
    /// The figures at its end. A run that was stopped, and then went on, has those of its first end until it ends again:
    /// they are left out.
    pub summary: Option<Summary>,
}

impl Record {
    /// Reads what is in the folder of a run.
    ///
    /// # Errors
    /// [`Error::Io`] where there are reports that cannot be read.
    pub fn read(run: &RunFolder) -> Result<Self> {
        let path = run.metrics();
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let (mut reports, mut torn) = (Vec::<Metrics>::new(), 0);
        for line in lines {
            match serde_json::from_str(line) {
                Ok(report) => reports.push(report),
                Err(_) => torn += 1,
            }
        }
        let last = reports.last().map_or(0, |report| report.step);
        let text = std::fs::read_to_string(run.summary()).ok();
        let summary = text.and_then(|text| serde_json::from_str::<Summary>(&text).ok());
        Ok(Self { reports, torn, summary: summary.filter(|summary| summary.steps >= last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn report(step: u64) -> String {
        let line = crate::uses::references::REFERENCES[0].runs().remove(0).remove(0);
        serde_json::to_string(&Metrics { step, ..line }).unwrap() + "\n"
    }

    #[test]
    fn a_summary_counts_until_the_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), Config::default().to_toml()).unwrap();
        let run = RunFolder::find(folder.path()).unwrap();
        let nothing = Record::read(&run).unwrap();
        assert!(nothing.reports.is_empty() && nothing.torn == 0 && nothing.summary.is_none());
        let summary = r#"{"interrupted":true,"finished":false,"steps":25,"total_steps":100,"loss":5.5,"knn":[],
            "prototypes":4,"prototypes_used":3,"prototypes_dead":1,"prototypes_duplicated":0,"embedding_spread":0.5,
            "images_per_s":10,"seconds":9,"adapter":"some","seed":1,"run_folder":"run","gallery":null,"unreadable":0}"#;
        std::fs::write(run.summary(), summary).unwrap();
        for (steps, counts) in [(&[10, 20][..], true), (&[10, 20, 30], false)] {
            let lines: String = steps.iter().map(|&step| report(step)).collect();
            std::fs::write(run.metrics(), lines).unwrap();
            let record = Record::read(&run).unwrap();
            assert_eq!(record.reports.len(), steps.len());
            assert_eq!(record.summary.map(|summary| summary.steps), counts.then_some(25), "{steps:?}");
        }
        std::fs::write(run.summary(), "{").unwrap();
        std::fs::write(run.metrics(), report(7) + "{\"step\":1,\"loss\":nul\n\nhello\n").unwrap();
        let record = Record::read(&run).unwrap();
        assert_eq!((record.reports.len(), record.torn), (1, 2));
        assert!(record.summary.is_none());
    }
}
