//! The tab that sorts a folder: all groups as stacks of thumbnails; where their pictures go.

use super::group::merge_menu;
use super::task::{By, Task};
use super::{Uses, Want};
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::text::{CCursor, CCursorRange};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{
    self, Button, ComboBox, DragValue, Frame, Margin, Panel, Rect, RichText, Sense, TextEdit, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};
use std::collections::BTreeMap;

/// Least side of a thumbnail of a stack, and between two.
const SIDE: f32 = 58.0;
const GAP: f32 = 4.0;
/// Thumbnails of a stack: columns and rows.
const SHOWN: [usize; 2] = [3, 2];
/// What stands around the thumbnails of a stack: its name, and room at the sides.
const AROUND: [f32; 2] = [2.0 * GAP + 20.0, GAP + 58.0];
/// Between two stacks.
const APART: f32 = 10.0;

/// Side of the thumbnails with which as many stacks as lie beside each other in so much room fill it.
fn filling(room: f32) -> f32 {
    let columns = widgets::columns(room, card(SIDE).x, APART) as f32;
    let width = (room - APART * (columns - 1.0)) / columns;
    ((width - AROUND[0]) / SHOWN[0] as f32).floor().max(SIDE)
}

/// Size of a stack with its name.
fn card(side: f32) -> Vec2 {
    vec2(SHOWN[0] as f32 * side + AROUND[0], SHOWN[1] as f32 * side + AROUND[1])
}

/// What is dragged: a whole group, or some pictures.
#[derive(Clone, Debug)]
pub(super) enum Dragged {
    Group(usize),
    Rows(Vec<u32>),
}

impl Uses {
    pub(super) fn sorting(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        if self.groups.is_none() {
            widgets::empty(ui, "Grouping…", "Look-alikes are put together; then you can put them right.");
            return;
        }
        let frame = Frame::new().fill(Palette::of(ui).panel).corner_radius(5).inner_margin(Margin::same(10));
        let problems = self.groups.as_ref().map(super::Groups::problems).unwrap_or_default();
        Panel::bottom("into").frame(frame).show(ui, |ui| self.target(ui, &problems, wants));
        egui::CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
            if let Some(open) = self.open {
                self.open_group(ui, open);
            } else {
                self.how_many(ui);
                self.stacks(ui, &problems);
            }
        });
    }

    fn how_many(&mut self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let (mut by, mut count) = self.wanted;
        let most = self.seen.as_ref().map_or(1, |seen| seen.pictures.len()).min(200);
        let mut again = false;
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Groups").color(palette.weak));
            let field = ui.add(DragValue::new(&mut count).range(2.min(most)..=most).update_while_editing(false));
            let help = "Type a number, or drag it. Grouping anew takes your changes back; Undo brings them again.";
            let field = field.labelled_by(label.id).on_hover_text(help);
            again |= field.drag_stopped() || (field.changed() && !field.dragged());
            for (text, to) in [("Fewer", count.saturating_sub(1)), ("More", count + 1)] {
                let to = to.clamp(2.min(most), most);
                if ui.add_enabled(to != count, Button::new(text)).clicked() {
                    (count, again) = (to, true);
                }
            }
            let label = ui.label(RichText::new("by").color(palette.weak));
            let name = |by| match by {
                By::Clusters => "likeness of these pictures",
                By::Prototypes => "prototypes of the network",
            };
            let combo = ComboBox::from_id_salt("by").width(190.0).selected_text(name(by));
            combo
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut by, By::Clusters, name(By::Clusters))
                        .on_hover_text("As many groups as you ask for, found among these pictures (k-means)");
                    let has = self.about.as_ref().is_some_and(|about| about.prototypes > 0);
                    ui.add_enabled_ui(has, |ui| {
                        ui.selectable_value(&mut by, By::Prototypes, name(By::Prototypes))
                            .on_hover_text(
                                "Prototypes that are alike are merged, so pictures that come later go where their \
                                 like went. There may be fewer groups, as not every prototype has a picture here.",
                            )
                            .on_disabled_hover_text("This network has no prototypes");
                    });
                })
                .response
                .labelled_by(label.id);
            again |= by != self.wanted.0;
            let Some(groups) = &self.groups else { return };
            let undo = ui.add_enabled(groups.changes() > 0, Button::new("Undo"));
            let text = format!(
                "{} groups. Drag one onto another to merge them; click one to open it.",
                groups.all().len()
            );
            if undo.on_hover_text("Takes the last change back (Ctrl+Z)").clicked() {
                self.undo();
            }
            ui.label(RichText::new(text).color(palette.weak));
        });
        self.wanted = (by, count);
        if again {
            self.order(Task::Group(by, count));
        }
        ui.add_space(6.0);
    }

    fn stacks(&mut self, ui: &mut Ui, problems: &BTreeMap<usize, String>) {
        let count = self.groups.as_ref().map_or(0, |groups| groups.all().len());
        let side = filling(ui.available_width() - ui.spacing().scroll.allocated_width());
        widgets::grid(ui, count, card(side), APART, |ui, at| self.stack(ui, at, side, problems.get(&at)));
    }

    fn stack(&mut self, ui: &mut Ui, at: usize, side: f32, problem: Option<&String>) {
        let palette = Palette::of(ui);
        let Some(group) = self.groups.as_ref().and_then(|groups| groups.all().get(at)).cloned() else {
            return;
        };
        let (rect, response) = ui.allocate_exact_size(card(side), Sense::click_and_drag());
        let count = group.rows.len();
        response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Button, true, format!("{}, {count} pictures", group.name))
        });
        response.dnd_set_drag_payload(Dragged::Group(at));
        let over = response.dnd_hover_payload::<Dragged>();
        let target = over.is_some_and(|dragged| !matches!(&*dragged, Dragged::Group(from) if *from == at));
        let painter = ui.painter().clone();
        // What lies under the first pictures.
        for depth in (1..=2).rev().filter(|depth| count > 6 * depth) {
            let under = rect.shrink2(vec2(6.0 * depth as f32, 0.0)).translate(vec2(0.0, -3.0 * depth as f32));
            painter.rect_filled(under.shrink2(vec2(0.0, 4.0)), 5.0, palette.line);
        }
        let lit = response.hovered() || response.has_focus();
        painter.rect_filled(rect, 5.0, if lit { palette.raised } else { palette.panel });
        if target || response.has_focus() {
            widgets::outline(&painter, rect, 2.0, palette.accent);
        }
        for (place, &row) in group.rows.iter().take(SHOWN[0] * SHOWN[1]).enumerate() {
            let corner = vec2((place % SHOWN[0]) as f32, (place / SHOWN[0]) as f32) * (side + GAP);
            let square = Rect::from_min_size(rect.min + vec2(10.0, 10.0) + corner, vec2(side, side));
            let picture = self.picture(row);
            self.thumbs.paint(&painter, square, picture, palette.ground);
        }
        self.name_of(ui, at, &group.name, rect, count, problem);
        if response.clicked() {
            self.commit();
            self.open = Some(at);
            self.chosen.clear();
        }
        response.context_menu(|ui| self.stack_menu(ui, at));
        if let Some(dragged) = response.dnd_release_payload::<Dragged>()
            && let Some(groups) = self.edit()
        {
            match &*dragged {
                Dragged::Group(from) => groups.merge(*from, at),
                Dragged::Rows(rows) => groups.move_to(rows, Some(at)),
            }
        }
    }

    /// What can be done with a group without a mouse that drags.
    fn stack_menu(&mut self, ui: &mut Ui, at: usize) {
        if ui.button("Open").clicked() {
            self.commit();
            self.open = Some(at);
            ui.close();
        }
        let Some(groups) = &self.groups else { return };
        let clicked = ui.menu_button("Merge into", |ui| merge_menu(ui, groups, at)).inner.flatten();
        if let Some(into) = clicked
            && let Some(groups) = self.edit()
        {
            groups.merge(at, into);
        }
    }

    /// The name of a group, to be typed over, and how many pictures it has.
    fn name_of(
        &mut self,
        ui: &mut Ui,
        at: usize,
        name: &str,
        card: Rect,
        count: usize,
        problem: Option<&String>,
    ) {
        let palette = Palette::of(ui);
        let place = Rect::from_min_max(
            pos2(card.left() + 8.0, card.bottom() - 36.0),
            pos2(card.right() - 50.0, card.bottom() - 10.0),
        );
        let mut text = match &self.typed {
            Some((typed, text)) if *typed == at => text.clone(),
            _ => name.to_owned(),
        };
        let colour = if problem.is_some() { palette.error } else { palette.text };
        let field = TextEdit::singleline(&mut text).id_salt(("name", at)).text_color(colour);
        // In a layout of its own, so that it does not move where the next stack goes.
        let mut own = ui.new_child(egui::UiBuilder::new().max_rect(place).id_salt(("named", at)));
        let typed = own.add_sized(place.size(), field);
        let help = problem.map_or("The folder of this group gets this name", String::as_str);
        let typed = typed.on_hover_text(help);
        if typed.gained_focus() {
            // What is typed takes the place of the whole name.
            let mut state = TextEditState::load(ui.ctx(), typed.id).unwrap_or_default();
            let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
            state.cursor.set_char_range(Some(all));
            state.store(ui.ctx(), typed.id);
        }
        if typed.has_focus() {
            // The field before it may be drawn after it, and have no turn any more.
            if self.typed.as_ref().is_some_and(|(other, _)| *other != at) {
                self.commit();
            }
            self.typed = Some((at, text));
        } else if self.typed.as_ref().is_some_and(|(typed, _)| *typed == at) {
            self.commit();
        }
        let right = pos2(card.right() - 10.0, place.center().y);
        let text = units::count(count as u64);
        widgets::text_at(ui.painter(), right, egui::Align2::RIGHT_CENTER, &text, 13.0, palette.weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_fill_the_room_that_there_is() {
        for room in [150.0, 202.0, 413.0, 414.0, 880.0, 1260.0, 2540.0] {
            let side = filling(room);
            let columns = widgets::columns(room, card(side).x, APART);
            let used = columns as f32 * (card(side).x + APART) - APART;
            // Whole points of three thumbnails each are left over.
            assert!(side >= SIDE && used > room - 3.0 * columns as f32, "{room}: {columns} of {side}");
            assert!(columns == 1 || used <= room, "{room}: {columns} of {side}");
        }
        assert_eq!(filling(1260.0), 72.0);
    }
}
