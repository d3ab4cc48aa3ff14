//! `train --list-presets`: the known recipes, where they come from, and every value that they set.

use std::fmt::Write as _;

use crate::config::{Method, Preset, wrap};

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
        let mut parts = vec![format!("from: {}", preset.source()), flags(preset.values())];
        for &method in Method::ALL {
            let recipe = method.recipe(preset);
            if !recipe.is_empty() {
                let source = method.source(preset);
                parts.push(format!("with --method {method} ({source}): {}", flags(recipe.iter().copied())));
            }
        }
        for line in parts.iter().flat_map(|part| wrap(part, WIDTH)) {
            // The space inside a flag was one that a line does not break at.
            let _ = writeln!(text, "  {}", line.replace('\u{a0}', " "));
        }
    }
    text
}

fn flags(values: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    // As they are typed: a switch takes its value after an equals sign.
    let flag = |(key, value): (&str, &str)| match (key.replace('_', "-"), value) {
        (flag, "true") => format!("--{flag}"),
        (flag, "false") => format!("--{flag}=false"),
        (flag, value) => format!("--{flag}\u{a0}{value}"),
    };
    values.map(flag).collect::<Vec<_>>().join(" ")
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
