//! The first screen and the screen of a run: what they draw from, and what the engine is asked for because of it.

use super::Window;
use crate::panes::{Context, Wants};
use crate::start::Start;
use crate::theme::Palette;
use crate::thumbs::Thumbs;
use crate::top;
use crate::tour::{self, Tour};
use eframe::egui::{CentralPanel, Frame, Margin, Panel, Ui};
use std::time::Duration;
use swav_wgpu::data::Reading;
use swav_wgpu::data::configured;
use swav_wgpu::train::PreviewRequest;

/// A frame that takes from what trains waits at most so long for its thumbnails.
const TOGETHER: Duration = Duration::from_millis(100);
/// Pictures whose crops are shown before any are chosen.
const CHOSEN: usize = 3;
/// A set of so many pictures is looked at as a whole, on a GPU and on the processor; looks at it wait until they are a
/// hundredth of the run's time, so that they are rarer, and their tiles show look-alikes.
const WHOLE: [usize; 2] = [20_000, 4096];
/// Pictures of a larger set whose features are looked at.
const SAMPLE: [usize; 2] = [2048, 512];

impl Window {
    /// Where the tour is.
    pub fn tour_mut(&mut self) -> &mut Tour {
        &mut self.tour
    }

    /// Whether a bubble of the tour is on the screen: not before there is what it speaks of.
    pub(super) fn is_touring(&self) -> bool {
        self.uses.is_none() && self.state.shown.is_some() && !self.tour.is_over()
    }

    pub(super) fn first_screen(&mut self, ui: &mut Ui) {
        let resolved = self.form.resolve();
        let sound = resolved.errors.is_empty();
        let asked = (resolved.config, self.form.within());
        self.look_ahead(ui.ctx(), &asked, sound);
        let config = &asked.0;
        self.message(ui);
        // Crops may change without the pictures being opened again.
        let wanted = (config.data.clone(), Reading { detail: None, ..configured::reading(config) });
        if self.opened.as_ref() != Some(&wanted) {
            let ctx = ui.ctx().clone();
            self.thumbs = Thumbs::open(config.clone(), move || ctx.request_repaint());
            self.opened = Some(wanted);
        }
        self.before.faces.want(ui.ctx(), &self.entries);
        let ground = Frame::new().fill(Palette::of(ui).ground);
        let home = self.before.home();
        let cost = self.before.cost_of(&asked).cloned();
        let start = Start {
            form: &mut self.form,
            settings: &mut self.settings,
            entries: &self.entries,
            faces: &self.before.faces,
            adapters: &self.adapters,
            thumbs: &mut self.thumbs,
            runs: &mut self.before.runs,
            recipes: &mut self.before.recipes,
            length: &mut self.before.length,
            home: &home,
            cost: cost.as_ref(),
            unreadable: &self.before.unreadable,
        };
        let wishes = CentralPanel::default().frame(ground).show(ui, |ui| start.show(ui)).inner;
        let ctx = ui.ctx().clone();
        wishes.into_iter().for_each(|wish| self.grant(&ctx, wish));
    }

    pub(super) fn run_screen(&mut self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 8));
        let bar = Panel::top("top").frame(frame).show(ui, |ui| top::show(ui, &self.state));
        let (orders, bar) = (bar.inner, bar.response.rect);
        let ctx = ui.ctx().clone();
        orders.into_iter().for_each(|order| self.order(&ctx, order));
        self.message(ui);
        let mut actions = Vec::new();
        let ground = Frame::new().fill(palette.ground).inner_margin(Margin::same(6));
        // What trains draws the window too: another frame for its thumbnails would cost a hundred times what laying this
        // one out again does.
        let costly = self.engine.is_some() && self.state.started.as_ref().is_some_and(|run| run.software);
        let waits = costly && ctx.current_pass_index() == 0;
        if waits {
            self.thumbs.expect();
        }
        let wants = CentralPanel::default().frame(ground).show(ui, |ui| {
            let mut context = Context {
                state: &self.state,
                thumbs: &mut self.thumbs,
                look: &mut self.look,
                compared: &mut self.compared,
                others: &self.others,
                actions: &mut actions,
            };
            self.dock.show(ui, &mut context)
        });
        if waits && self.thumbs.catch_up(&ctx, TOGETHER) {
            ctx.request_discard("thumbnails came");
        }
        actions.into_iter().for_each(|action| self.act(&ctx, action));
        self.watch(wants.inner);
        if self.is_touring() {
            let dock = &self.dock;
            self.tour.show(ui, |id| if id == tour::TOP { Some(bar) } else { dock.place(id) });
        }
    }

    /// Tells the engine what visible panes show, where that changed.
    fn watch(&mut self, wants: Wants) {
        if self.look.pictures.is_empty() {
            self.look.pictures = self.some_pictures();
        }
        let Some(engine) = &self.engine else { return };
        let software = self.state.started.as_ref().is_none_or(|started| started.software);
        let count = self.thumbs.names().pretrain.len();
        let request = PreviewRequest {
            pictures: if wants.crops { self.look.pictures.clone() } else { Vec::new() },
            draw: self.look.draw,
            sample: if wants.sample {
                self.look.sample.unwrap_or_else(|| usual_sample(count, software))
            } else {
                0
            },
        };
        if request != self.watched {
            engine.control().watch(&request);
            self.watched = request;
        }
    }

    /// A few pictures, others at every turn.
    pub(super) fn some_pictures(&self) -> Vec<u32> {
        let all = &self.thumbs.names().pretrain;
        let count = CHOSEN.min(all.len());
        let place = |i: usize| {
            // Steps of the golden ratio visit every part of the set before they come back.
            let part = ((self.turn * CHOSEN as u64 + i as u64 + 1) as f64 * 0.618_033_988_75).fract();
            all[(part * all.len() as f64) as usize % all.len()]
        };
        (0..count).map(place).collect()
    }
}

/// How many of so many pictures are looked at, before a person says so.
fn usual_sample(pictures: usize, software: bool) -> usize {
    let device = usize::from(software);
    // Nobody knows yet how many there are: few first, which are soon there.
    if pictures > 0 && pictures <= WHOLE[device] { pictures } else { SAMPLE[device] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_set_is_looked_at_as_a_whole() {
        let found = [(0, false), (2781, false), (20_000, false), (20_001, false), (2781, true), (9000, true)];
        let sizes = found.map(|(pictures, software)| usual_sample(pictures, software));
        assert_eq!(sizes, [2048, 2781, 20_000, 2048, 2781, 512]);
    }
}
