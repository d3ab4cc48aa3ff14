//! The form of all settings: a row each, made from the table that the flags are made from.

use crate::form::{Form, Resolved, groups};
use crate::theme::Palette;
use crate::widgets;
use crate::words::{name, plain};
use eframe::egui::{
    Align, Button, Checkbox, CollapsingHeader, ComboBox, Label, Layout, RichText, ScrollArea, TextEdit, Ui,
    vec2,
};
use swav_wgpu::config::{Config, Setting};

/// Width of a setting's name, points.
const NAME: f32 = 150.0;
/// Least width of its field, points.
const FIELD: f32 = 190.0;

/// What the form itself remembers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    filter: String,
}

impl Settings {
    /// Draws the form.
    pub fn show(&mut self, ui: &mut Ui, form: &mut Form, resolved: &Resolved) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Settings").size(16.0).strong());
            let hint =
                TextEdit::singleline(&mut self.filter).hint_text("Find a setting").desired_width(150.0);
            ui.add(hint).on_hover_text("Show only the settings whose name or help has this word");
            let copy = ui.button("Copy as command line");
            if copy.on_hover_text(form.command_line()).clicked() {
                ui.ctx().copy_text(form.command_line());
            }
            if form.edited() > 0 {
                let text = format!("Reset {} changed", form.edited());
                if ui.button(text).on_hover_text("Back to the values of the recipe").clicked() {
                    form.reset_all();
                }
            }
        });
        // A line of its own whether it says something or not, so that nothing moves while somebody types.
        let told = resolved.errors.iter().next().map(|(key, reason)| format!("{}: {reason}", name(key)));
        let text = told.unwrap_or_default();
        let size = vec2(ui.available_width(), 18.0);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_size(size);
            if !text.is_empty() {
                ui.add(Label::new(RichText::new(&text).color(palette.error)).truncate()).on_hover_text(&text);
            }
        });
        let mut any = false;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for (group, rows) in groups() {
                any |= self.group(ui, form, resolved, group, &rows);
            }
            if !any {
                ui.label(RichText::new("No setting has this word in its name or help.").color(palette.weak));
            }
        });
    }

    fn group(
        &self,
        ui: &mut Ui,
        form: &mut Form,
        resolved: &Resolved,
        group: &str,
        rows: &[&'static Setting],
    ) -> bool {
        let filter = self.filter.trim().to_lowercase();
        // What the method does not read is not shown, unless somebody has typed something there.
        let read = |row: &&&'static Setting| form.method().reads(row.key) || form.is_edited(row.key);
        let found = |row: &&&'static Setting| {
            filter.is_empty()
                || row.key.replace('_', " ").contains(&filter)
                || row.key.contains(&filter)
                || row.help().to_lowercase().contains(&filter)
        };
        let shown: Vec<&'static Setting> = rows.iter().filter(read).filter(found).copied().collect();
        if shown.is_empty() {
            return false;
        }
        let edited = rows.iter().filter(|row| form.is_edited(row.key)).count();
        let wrong = rows.iter().any(|row| resolved.errors.contains_key(row.key));
        let title = if edited > 0 { format!("{group}  ({edited} changed)") } else { group.to_owned() };
        let open = (!filter.is_empty() || wrong).then_some(true);
        let header = CollapsingHeader::new(RichText::new(title).strong())
            .id_salt(group)
            .default_open(group == "Run")
            .open(open)
            .show(ui, |ui| shown.into_iter().for_each(|row| show_row(ui, form, resolved, row)))
            .header_response;
        widgets::focus(ui, &header, header.rect);
        true
    }
}

fn show_row(ui: &mut Ui, form: &mut Form, resolved: &Resolved, setting: &'static Setting) {
    let palette = Palette::of(ui);
    let edited = form.is_edited(setting.key);
    let error = resolved.errors.get(setting.key);
    ui.horizontal(|ui| {
        let text = RichText::new(name(setting.key)).color(if edited { palette.accent } else { palette.text });
        let mut help = plain(&setting.help());
        if let Some(rule) = form.rule(setting.key) {
            help += &format!("\n\nSuits these pictures: {}", plain(rule));
        }
        let label = ui
            .allocate_ui_with_layout(
                vec2(NAME, ui.spacing().interact_size.y),
                Layout::left_to_right(Align::Center),
                |ui| {
                    ui.set_min_width(NAME);
                    ui.label(text)
                },
            )
            .inner
            .on_hover_text(&help);
        let before = form.text(setting);
        let mut now = before.clone();
        let told = error.map_or_else(|| help.clone(), |reason| format!("{reason}\n\n{help}"));
        field(ui, setting, &mut now, error.is_some()).labelled_by(label.id).on_hover_text(told);
        if now != before {
            form.edit(setting, now);
        }
        if edited {
            let back = ui.add(Button::new("Reset").small());
            if back.on_hover_text("Back to the recipe's value").clicked() {
                form.reset(setting.key);
            }
        }
    });
}

/// Width of a field: more where its text is long and there is room for it beside the button that resets it.
fn width(text: &str, room: f32) -> f32 {
    /// A letter of fixed width, and what stands around all of them, points.
    const LETTER: f32 = 7.8;
    const AROUND: f32 = 14.0;
    const RESET: f32 = 62.0;
    (AROUND + LETTER * text.chars().count() as f32).clamp(FIELD, (room - RESET).max(FIELD))
}

/// The field of a setting: a tick, a list of words, or a line of text.
fn field(ui: &mut Ui, setting: &Setting, text: &mut String, wrong: bool) -> eframe::egui::Response {
    if setting.choices == ["true", "false"] {
        let mut on = text == "true";
        let response = ui.add(Checkbox::without_text(&mut on));
        *text = on.to_string();
        return response;
    }
    if !setting.choices.is_empty() {
        let none = setting.default_text() == "none";
        let words = none.then_some("none").into_iter().chain(setting.choices.iter().copied());
        let combo = ComboBox::from_id_salt(setting.key).width(FIELD - 8.0).selected_text(text.as_str());
        return combo
            .show_ui(ui, |ui| {
                for word in words {
                    ui.selectable_value(text, word.to_owned(), word);
                }
            })
            .response;
    }
    let palette = Palette::of(ui);
    let hint = if (setting.get)(&Config::default()).is_empty() { "none" } else { setting.hint };
    let width = width(text, ui.available_width());
    let edit = TextEdit::singleline(text)
        .id_salt(setting.key)
        .font(eframe::egui::TextStyle::Monospace)
        .desired_width(width)
        .hint_text(hint);
    ui.add(if wrong { edit.text_color(palette.error) } else { edit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_takes_the_room_that_there_is() {
        assert_eq!([width("0.1", 500.0), width("0.1", 50.0)], [FIELD; 2]);
        let long = "2x96@0.14-1,6x48@0.05-0.14 and more";
        assert!(width(long, 500.0) > FIELD + 60.0 && width(long, 300.0) == 238.0, "{}", width(long, 500.0));
    }
}
