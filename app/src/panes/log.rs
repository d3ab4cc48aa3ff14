//! What happened, oldest first.

use super::{Action, Context, Pane};
use crate::state::{Level, Line};
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{Label, RichText, ScrollArea, Ui};

pub(super) struct LogPane;

impl Pane for LogPane {
    fn id(&self) -> &'static str {
        "log"
    }

    fn title(&self) -> &'static str {
        "Log"
    }

    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) {
        let log = &context.state.log;
        if log.is_empty() {
            widgets::empty(
                ui,
                "Nothing yet",
                "What a run says of itself is kept here, with the step it was said at.",
            );
            return;
        }
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            let save = ui.button("Save…").on_hover_text("Write the log into a text file");
            if save.clicked() {
                let text: String = log.iter().map(|line| format!("{}\t{}\n", line.step, line.text)).collect();
                context.actions.push(Action::SaveText { name: "log.txt".to_owned(), text });
            }
            ui.label(RichText::new(format!("{} lines", log.len())).color(palette.weak));
        });
        ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
            log.iter().for_each(|line| show_line(ui, palette, line));
        });
    }
}

fn show_line(ui: &mut Ui, palette: Palette, line: &Line) {
    let color = match line.level {
        Level::Info => palette.text,
        Level::Good => palette.good,
        Level::Warning => palette.warning,
        Level::Error => palette.error,
    };
    ui.horizontal_top(|ui| {
        let step = format!("{:>7}", units::count(line.step));
        ui.label(RichText::new(step).monospace().color(palette.weak)).on_hover_text("Steps done");
        ui.add(Label::new(RichText::new(&line.text).color(color)).wrap());
    });
}
