//! One group open: its pictures, from which wrong ones are dragged to the groups beside.

use super::sorting::Dragged;
use super::task::Query;
use super::{Groups, Uses};
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{
    self, Align2, Button, Frame, Margin, Panel, Pos2, Rect, RichText, ScrollArea, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

/// Side of a picture, points.
const SIDE: f32 = 84.0;
const GAP: f32 = 6.0;
/// Height of a group in the list beside.
const LINE: f32 = 46.0;

/// A picture of the set that can be clicked, with its file's name for those who hover or listen.
pub(super) fn tile(
    ui: &mut Ui,
    thumbs: &mut crate::thumbs::Thumbs,
    picture: u32,
    side: f32,
    foot: Option<&str>,
    chosen: bool,
) -> egui::Response {
    let palette = Palette::of(ui);
    let height = side + if foot.is_some() { 15.0 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(side, height), Sense::click_and_drag());
    let square = Rect::from_min_size(rect.min, vec2(side, side));
    thumbs.paint(ui.painter(), square, picture, palette.raised);
    if let Some(foot) = foot {
        let at = rect.center_bottom();
        widgets::text_at(ui.painter(), at, Align2::CENTER_BOTTOM, foot, 11.0, palette.weak);
    }
    if chosen {
        widgets::outline(ui.painter(), square.shrink(2.5), 2.5, palette.accent);
        tick(ui.painter(), square.right_top() + vec2(-13.0, 13.0), palette);
    } else if response.hovered() {
        widgets::outline(ui.painter(), square.shrink(1.5), 1.5, palette.weak);
    }
    widgets::focus(ui, &response, square);
    let name = thumbs.names().told(picture);
    response.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, true, chosen, name.clone()));
    response.on_hover_text(name)
}

/// Says that a picture is chosen, for those too who do not see the colour of its frame.
fn tick(painter: &egui::Painter, at: Pos2, palette: Palette) {
    painter.circle_filled(at, 9.0, palette.accent);
    let line = [vec2(-4.0, 0.0), vec2(-1.0, 3.5), vec2(4.5, -3.5)].map(|by| at + by);
    painter.line(line.to_vec(), Stroke::new(2.0, palette.ground));
}

/// The groups that one can be merged into, and which of them was clicked.
pub(super) fn merge_menu(ui: &mut Ui, groups: &Groups, from: usize) -> Option<usize> {
    let names: Vec<String> = groups.all().iter().map(|group| group.name.clone()).collect();
    let mut clicked = None;
    ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        for (into, name) in names.iter().enumerate().filter(|(into, _)| *into != from) {
            if ui.button(name).clicked() {
                clicked = Some(into);
                ui.close();
            }
        }
    });
    clicked
}

impl Uses {
    pub(super) fn open_group(&mut self, ui: &mut Ui, open: usize) {
        let Some(group) = self.groups.as_ref().and_then(|groups| groups.all().get(open)).cloned() else {
            self.open = None;
            return;
        };
        self.group_header(ui, open, &group.name, group.rows.len());
        let frame = Frame::new().fill(Palette::of(ui).panel).corner_radius(5).inner_margin(Margin::same(8));
        Panel::right("groups").frame(frame).exact_size(220.0).resizable(false).show(ui, |ui| {
            self.targets(ui, open);
        });
        egui::CentralPanel::default().frame(Frame::new()).show(ui, |ui| {
            widgets::grid(ui, group.rows.len(), vec2(SIDE, SIDE), GAP, |ui, at| {
                self.member(ui, group.rows[at]);
            });
        });
    }

    fn group_header(&mut self, ui: &mut Ui, open: usize, name: &str, count: usize) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            if ui.button("All groups").on_hover_text("Back (Esc)").clicked() {
                self.open = None;
            }
            ui.label(RichText::new(name).size(15.0).strong());
            let text = format!("{} pictures, the most typical first", units::count(count as u64));
            ui.label(RichText::new(text).color(palette.weak));
            let chosen = self.chosen.len();
            ui.add_enabled_ui(chosen > 0, |ui| {
                let text = if chosen > 0 { format!("Move {chosen} to") } else { "Move to".to_owned() };
                ui.menu_button(text, |ui| self.move_menu(ui, open))
                    .response
                    .on_disabled_hover_text("Click the pictures that do not belong here first, or drag them");
            });
            if ui.add_enabled(chosen > 0, Button::new("Choose none")).clicked() {
                self.chosen.clear();
            }
            let alike = ui.add_enabled(chosen == 1, Button::new("Find look-alikes"));
            let alike = alike.on_hover_text("The pictures that look most like the one that is chosen");
            if alike.on_disabled_hover_text("Click one picture first").clicked() {
                let picture = self.picture(self.chosen[0]);
                self.find(Query::Picture(picture));
            }
            if chosen > 0 {
                ui.label(RichText::new(format!("{chosen} chosen")).color(palette.accent));
            }
            let Some(groups) = &self.groups else { return };
            let changes = groups.changes();
            let menu = ui.add_enabled_ui(groups.all().len() > 1, |ui| {
                let menu = ui.menu_button("Merge into", |ui| merge_menu(ui, groups, open));
                menu.response
                    .on_hover_text("All of these pictures go to another group, which keeps its name");
                menu.inner.flatten()
            });
            if let Some(into) = menu.inner
                && let Some(groups) = self.edit()
            {
                groups.merge(open, into);
                // The group that went is no longer before it.
                self.open = Some(into - usize::from(open < into));
                self.chosen.clear();
            }
            if ui.add_enabled(changes > 0, Button::new("Undo")).clicked() {
                self.undo();
            }
        });
        ui.add_space(6.0);
    }

    fn move_menu(&mut self, ui: &mut Ui, open: usize) {
        let Some(groups) = &self.groups else { return };
        let names: Vec<String> = groups.all().iter().map(|group| group.name.clone()).collect();
        let mut to = None;
        if ui.button("a new group").clicked() {
            to = Some(None);
        }
        ui.separator();
        ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
            for (at, name) in names.iter().enumerate().filter(|(at, _)| *at != open) {
                if ui.button(name).clicked() {
                    to = Some(Some(at));
                }
            }
        });
        if let Some(to) = to {
            let rows = std::mem::take(&mut self.chosen);
            self.edit().into_iter().for_each(|groups| groups.move_to(&rows, to));
            ui.close();
        }
    }

    fn member(&mut self, ui: &mut Ui, row: u32) {
        let picture = self.picture(row);
        let chosen = self.chosen.contains(&row);
        let response = tile(ui, &mut self.thumbs, picture, SIDE, None, chosen);
        if response.drag_started() || response.dragged() {
            let rows = if chosen { self.chosen.clone() } else { vec![row] };
            response.dnd_set_drag_payload(Dragged::Rows(rows));
        }
        if response.clicked() {
            match chosen {
                true => self.chosen.retain(|other| *other != row),
                false => self.chosen.push(row),
            }
        }
        response.context_menu(|ui| {
            if ui.button("Find look-alikes").clicked() {
                self.find(Query::Picture(picture));
                ui.close();
            }
        });
    }

    /// The other groups, to drop pictures on.
    fn targets(&mut self, ui: &mut Ui, open: usize) {
        let palette = Palette::of(ui);
        ui.label(RichText::new("Drag pictures to").color(palette.weak));
        let names: Vec<(String, usize, Option<u32>)> = self.groups.as_ref().map_or_else(Vec::new, |groups| {
            let of =
                |group: &super::Group| (group.name.clone(), group.rows.len(), group.rows.first().copied());
            groups.all().iter().map(of).collect()
        });
        let mut dropped = None;
        let mut turn_to = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let entries = std::iter::once((None, "a new group".to_owned(), 0, None));
            let others = names.into_iter().enumerate().filter(|(at, _)| *at != open);
            let others = others.map(|(at, (name, count, first))| (Some(at), name, count, first));
            for (at, name, count, first) in entries.chain(others) {
                let (rect, response) =
                    ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
                let over = response.dnd_hover_payload::<Dragged>().is_some();
                let ground = if over || response.hovered() { palette.raised } else { palette.panel };
                ui.painter().rect_filled(rect, 4.0, ground);
                if over {
                    widgets::outline(ui.painter(), rect.shrink(1.0), 2.0, palette.accent);
                }
                let square = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(LINE - 8.0, LINE - 8.0));
                match first {
                    Some(row) => {
                        let picture = self.picture(row);
                        self.thumbs.paint(ui.painter(), square, picture, palette.raised);
                    }
                    None => {
                        ui.painter().rect_filled(square, 3.0, palette.raised);
                    }
                }
                let text = if count > 0 { format!("{name}  {count}") } else { name.clone() };
                let left = pos2(square.right() + 8.0, rect.center().y);
                let clip = ui.painter().with_clip_rect(rect);
                widgets::text_at(&clip, left, Align2::LEFT_CENTER, &text, 13.0, palette.text);
                widgets::focus(ui, &response, rect);
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, text.clone()));
                if let Some(dragged) = response.dnd_release_payload::<Dragged>()
                    && let Dragged::Rows(rows) = &*dragged
                {
                    dropped = Some((rows.clone(), at));
                }
                if response.clicked() {
                    turn_to = at;
                }
            }
        });
        if let Some((rows, at)) = dropped {
            self.edit().into_iter().for_each(|groups| groups.move_to(&rows, at));
            self.chosen.clear();
        }
        if turn_to.is_some() {
            self.open = turn_to;
            self.chosen.clear();
        }
    }
}
