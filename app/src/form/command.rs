//! The form as a command for a terminal.

use super::Form;
use swav_wgpu::config::Value;

impl Form {
    /// The same run as a command for a terminal.
    #[must_use]
    pub fn command_line(&self) -> String {
        let mut words = vec!["swav-wgpu".to_owned(), "train".to_owned()];
        words.extend(self.data.as_ref().map(|data| quoted(&data.display().to_string())));
        words.extend(["--preset".to_owned(), self.preset.name().to_owned()]);
        let advice = self.advice().filter(|(key, _)| !self.edits.contains_key(key));
        let advice = advice.map(|(key, (text, _))| (key, text));
        for (key, text) in advice.chain(self.edits.iter().map(|(key, text)| (*key, text))) {
            // The equals sign is what every kind of flag takes, switches too.
            words.push(format!("--{}={}", key.replace('_', "-"), quoted(text)));
        }
        if let Some(time) = self.within {
            words.extend(["--for".to_owned(), time.show()]);
        }
        words.join(" ")
    }
}

/// A word that a shell takes for one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
