//! `train --list-presets`: the known recipes, where they come from, and every value that they set.

use std::fmt::Write as _;

use crate::config::{Preset, wrap};

/// How wide a line may be, its indent left out.
const WIDTH: usize = 98;

/// The presets as text.
pub(super) fn render() -> String {
    let mut text = String::from(
        "Presets set values over the defaults; a --config file and flags change them further.\n\
         Without --preset, the embedded pictures get `demo` and a folder of your own gets `photos`.\n",
    );
    for &preset in Preset::ALL {
        let _ = writeln!(text, "\n{preset}: {}", preset.summary());
        let flags = preset.values().map(|(key, value)| format!("--{}\u{a0}{value}", key.replace('_', "-")));
        for part in [format!("from: {}", preset.source()), flags.collect::<Vec<_>>().join(" ")] {
            for line in wrap(&part, WIDTH) {
                // The space inside a flag was one that a line does not break at.
                let _ = writeln!(text, "  {}", line.replace('\u{a0}', " "));
            }
        }
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
