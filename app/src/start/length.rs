//! How long the next run is to take: as its recipe says, or a time that is chosen or typed.

use crate::form::Form;
use crate::prospect::Cost;
use crate::theme::Palette;
use crate::units;
use eframe::egui::{RichText, TextEdit, Ui};
use std::time::Duration;
use swav_wgpu::config::{Config, Value};

/// Times to choose from, in minutes.
const TIMES: [(u64, &str); 4] = [(5, "5 minutes"), (30, "30 minutes"), (120, "2 hours"), (480, "a night")];

/// What the row itself remembers: a time as it is typed.
#[derive(Clone, Debug, Default)]
pub struct Length {
    typed: String,
}

impl Length {
    /// Draws the row.
    pub(super) fn show(&mut self, ui: &mut Ui, form: &mut Form) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Length").color(palette.weak));
            let usual = form.within().is_none() && !form.is_edited("steps") && !form.is_mistyped();
            if ui.selectable_label(usual, "as the recipe says").clicked() {
                form.set_within(None);
                form.reset("steps");
            }
            for (minutes, name) in TIMES {
                let time = Duration::from_secs(60 * minutes);
                let help = "As many steps as fit: a few are measured first, and the run keeps to its time";
                if ui.selectable_label(form.within() == Some(time), name).on_hover_text(help).clicked() {
                    self.typed.clear();
                    form.set_within(Some(time));
                }
            }
            if form.within().is_none() && !form.is_mistyped() {
                // Something else decides the length now.
                self.typed.clear();
            }
            let wrong = form.is_mistyped();
            let field = TextEdit::singleline(&mut self.typed).hint_text("such as 20m").desired_width(92.0);
            let field = ui.add(if wrong { field.text_color(palette.error) } else { field });
            let field = field.labelled_by(label.id);
            if field.changed() {
                form.type_within(&self.typed);
            }
            field.on_hover_text("A time of your own: 90s, 20m, 2h or 1h30m");
        });
    }
}

/// What a run takes, in words.
pub(super) fn told(config: &Config, within: Option<Duration>, cost: Option<&Result<Cost, String>>) -> String {
    let groups = format!("{} prototypes, batches of {}.", config.prototypes, config.batch);
    match (cost, within) {
        (None, _) => format!("{groups} Working out how long it takes…"),
        (Some(Err(problem)), _) => format!("{groups} {problem}"),
        (Some(Ok(cost)), Some(time)) => format!(
            "{groups} About {} steps fit {} on {}, {} of its memory.",
            units::count(cost.steps),
            time.show(),
            cost.adapter,
            units::bytes(cost.memory)
        ),
        (Some(Ok(cost)), None) => format!(
            "{groups} {} steps, about {} on {}, {} of its memory.",
            units::count(cost.steps),
            units::time(cost.seconds),
            cost.adapter,
            units::bytes(cost.memory)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_to_take_a_time_is_told_by_its_steps_and_another_by_its_time() {
        let config = Config::default();
        let adapter = "a GPU".into();
        let cost = Ok(Cost { steps: 12_000, seconds: 413.0, memory: 1 << 20, adapter, suited: None });
        let usual = told(&config, None, Some(&cost));
        assert!(usual.contains("12\u{2009}000 steps, about 6m 53s on a GPU"), "{usual}");
        let timed = told(&config, Some(Duration::from_secs(300)), Some(&cost));
        assert!(timed.contains("About 12\u{2009}000 steps fit 5m on a GPU"), "{timed}");
        assert!(told(&config, None, None).contains("Working out"));
        assert!(told(&config, None, Some(&Err("no GPU".into()))).ends_with("no GPU"));
    }
}
