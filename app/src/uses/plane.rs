//! The tab that explores: the panes of a run, without a run.

use super::task::Query;
use super::{Uses, Want};
use crate::dialogs::{Ask, For};
use crate::engine::unfold;
use crate::panes::{Action, Context};
use crate::theme::Palette;
use eframe::egui::Rect;
use eframe::egui::{Frame, Margin, Ui, UiBuilder, vec2};

impl Uses {
    pub(super) fn plane(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        let all = ui.available_rect_before_wrap();
        let middle = all.left() + 0.58 * all.width();
        let places = [
            ("embedding", Rect::from_min_max(all.min, eframe::egui::pos2(middle - 4.0, all.bottom()))),
            ("prototypes", Rect::from_min_max(eframe::egui::pos2(middle + 4.0, all.top()), all.max)),
        ];
        let mut actions = Vec::new();
        for (id, rect) in places {
            let frame = Frame::new().fill(palette.panel).corner_radius(5).inner_margin(Margin::same(10));
            ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(id), |ui| {
                frame.show(ui, |ui| {
                    ui.set_min_size((rect.size() - vec2(20.0, 20.0)).max(vec2(1.0, 1.0)));
                    ui.set_max_size(rect.size() - vec2(20.0, 20.0));
                    let mut context = Context {
                        state: &self.state,
                        thumbs: &mut self.thumbs,
                        look: &mut self.look,
                        compared: &mut Vec::new(),
                        others: &[],
                        actions: &mut actions,
                    };
                    self.dock.show_one(id, ui, &mut context);
                });
            });
        }
        for action in actions {
            match action {
                Action::Unfold => {
                    if let Some(folded) = self.state.folded.clone() {
                        self.state.apply(crate::engine::Message::Unfolding(0.0));
                        let ctx = ui.ctx().clone();
                        unfold::start(folded, self.unfolding.0.clone(), move || ctx.request_repaint());
                    }
                }
                Action::LookAlikes(picture) => self.find(Query::Picture(picture)),
                Action::SaveText { name, text } => wants.push(Want::Ask(Ask::Save(name), For::Text(text))),
                _ => {}
            }
        }
    }
}
