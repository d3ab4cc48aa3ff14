//! `train --list-presets`: the known recipes, where they come from, and every value that they set.

use std::fmt::Write as _;

use crate::config::Preset;

/// The presets as text.
pub fn render() -> String {
    let mut text = String::from(
        "Presets set values over the defaults; a --config file and flags change them further.\n\
         Without --preset, the embedded pictures get `demo` and a folder of your own gets `photos`.\n",
    );
    for &preset in Preset::ALL {
        let _ = write!(text, "\n{preset}: {}\n  from: {}\n ", preset.summary(), preset.source());
        let mut column = 1;
        for (key, value) in preset.values() {
            let item = format!(" --{} {value}", key.replace('_', "-"));
            if column + item.chars().count() > 100 {
                text.push_str("\n ");
                column = 1;
            }
            column += item.chars().count();
            text.push_str(&item);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_listed_with_its_values() {
        let text = render();
        for &preset in Preset::ALL {
            assert!(text.contains(&format!("\n{preset}: ")));
        }
        assert!(text.contains("--crops 2x32@0.4-1"));
    }
}
