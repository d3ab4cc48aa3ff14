//! What the window does about a click, a key, a dropped folder, or being closed.

use super::Window;
use crate::engine::{Engine, Message, unfold};
use crate::panes::{Action, Compared, Look};
use crate::start::Wish;
use crate::state::{Phase, State};
use crate::thumbs::Thumbs;
use crate::top::Order;
use crate::{keys, looks, recent, save};
use eframe::egui::{self, ViewportCommand};
use std::path::Path;
use std::sync::mpsc::channel;
use swav_wgpu::train::{PreviewRequest, TrainOptions};

impl Window {
    pub(super) fn keyboard(&mut self, ctx: &egui::Context) {
        for key in keys::pressed(ctx) {
            match key {
                keys::Key::Order(Order::Pause(_)) => {
                    self.order(ctx, Order::Pause(self.state.phase == Phase::Running));
                }
                keys::Key::Order(order) => self.order(ctx, order),
                keys::Key::Start if self.state.phase == Phase::Idle => self.grant(ctx, Wish::Start),
                keys::Key::PickFolder if self.state.phase == Phase::Idle => self.grant(ctx, Wish::PickFolder),
                keys::Key::NewCrops => self.look.draw += 1,
                keys::Key::OtherPictures => self.act(ctx, Action::OtherPictures),
                keys::Key::Back if self.error.is_some() => self.error = None,
                keys::Key::Back if self.look.prototype.is_some() => self.look.prototype = None,
                keys::Key::Back => self.look.mark([]),
                _ => {}
            }
        }
    }

    /// A folder dropped on the window: pictures to train on, or a run to open.
    pub(super) fn dropped(&mut self, ctx: &egui::Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        let Some(path) = dropped else { return };
        if self.state.phase.is_live() {
            self.error = Some("Stop the run before another one is opened.".to_owned());
        } else if recent::config(&path).is_ok() {
            self.grant(ctx, Wish::Open(path));
        } else {
            self.leave();
            self.form.set_data(Some(path));
        }
    }

    pub(super) fn grant(&mut self, ctx: &egui::Context, wish: Wish) {
        self.error = None;
        match wish {
            Wish::Start => {
                let resolved = self.form.resolve();
                if resolved.errors.is_empty() {
                    self.start(
                        ctx,
                        TrainOptions {
                            config: resolved.config,
                            resume: None,
                            profile: false,
                            within: resolved.within,
                        },
                        false,
                    );
                }
            }
            Wish::PickFolder => {
                if let Some(folder) = rfd::FileDialog::new().set_title("A folder of pictures").pick_folder() {
                    self.form.set_data(Some(folder));
                }
            }
            Wish::PickRun => {
                if let Some(folder) = rfd::FileDialog::new().set_title("The folder of a run").pick_folder() {
                    self.grant(ctx, Wish::Open(folder));
                }
            }
            Wish::Resume(path) => self.resume(ctx, &path, false),
            Wish::Open(path) => self.resume(ctx, &path, true),
        }
    }

    fn resume(&mut self, ctx: &egui::Context, path: &Path, paused: bool) {
        match recent::config(path) {
            Ok(config) => {
                let options =
                    TrainOptions { config, resume: Some(path.to_owned()), profile: false, within: None };
                self.start(ctx, options, paused);
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    fn start(&mut self, ctx: &egui::Context, options: TrainOptions, paused: bool) {
        let earlier = options.resume.as_deref().map(recent::reports).unwrap_or_default();
        let looks = options.resume.as_deref().map(looks::read).unwrap_or_default();
        self.state = State::opening(options.config.clone(), earlier).looking_back(looks);
        self.state.hold(paused);
        self.look = Look::default();
        self.watched = PreviewRequest::default();
        // Whatever still works for an earlier run speaks to nobody from here on.
        self.news = channel();
        let (repaint, again) = (ctx.clone(), ctx.clone());
        self.thumbs = Thumbs::open(options.config.clone(), move || repaint.request_repaint());
        self.engine = Some(Engine::start(options, dirs::cache_dir(), paused, move |within| {
            again.request_repaint_after(within);
        }));
    }

    /// Does what was ordered from the bar or the keyboard; orders that make no sense now do nothing.
    pub(super) fn order(&mut self, ctx: &egui::Context, order: Order) {
        match order {
            Order::Theme => {
                self.light = !self.light;
                self.set_theme(ctx);
            }
            Order::Layout => self.dock.reset(),
            Order::Keys => self.keys = !self.keys,
            Order::Dismiss => self.error = None,
            Order::Leave if !self.state.phase.is_live() => self.leave(),
            Order::Gallery => {
                if let Some(page) = self.state.summary.as_ref().and_then(|summary| summary.gallery.as_ref()) {
                    let page = std::path::absolute(page).unwrap_or_else(|_| page.clone());
                    ctx.open_url(egui::OpenUrl::new_tab(format!("file://{}", page.display())));
                }
            }
            Order::Resume => {
                let folder = self.state.started.as_ref().map(|started| started.run_folder.clone());
                self.release();
                if let Some(folder) = folder {
                    self.resume(ctx, &folder, false);
                }
            }
            _ => self.steer(order),
        }
    }

    /// Orders to the engine.
    fn steer(&mut self, order: Order) {
        let Some(engine) = &self.engine else { return };
        match order {
            Order::Pause(paused) => {
                engine.control().pause(paused);
                self.state.paused(paused);
            }
            Order::Step if self.state.phase == Phase::Paused => engine.control().step(),
            Order::Stop if self.state.phase.is_live() => {
                engine.control().stop();
                self.state.stopping();
            }
            Order::Checkpoint => engine.control().checkpoint(),
            _ => {}
        }
    }

    /// Lets go of a run that is over.
    fn release(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.control().stop();
            // It holds the run folder until it has ended, which is at once: nothing is left to do.
            engine.join();
        }
    }

    fn leave(&mut self) {
        self.release();
        self.state = State::default();
        self.opened = None;
        self.refresh();
    }

    pub(super) fn act(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::OtherPictures => {
                self.turn += 1;
                self.look.pictures = self.some_pictures();
            }
            Action::Unfold => {
                if let Some(folded) = self.state.folded.clone() {
                    self.state.apply(Message::Unfolding(0.0));
                    let ctx = ctx.clone();
                    unfold::start(folded, self.news.0.clone(), move || ctx.request_repaint());
                }
            }
            Action::Compare(path) => {
                let (name, reports) = (recent::name(&path), recent::reports(&path));
                self.compared.push(Compared { name, reports });
            }
            Action::SaveText { name, text } => {
                if let Err(error) = save::text(&name, &text) {
                    self.error = Some(error);
                }
            }
            Action::SavePicture { name, rect } => save::picture(ctx, name, rect),
        }
    }

    /// Saves a run before the window goes.
    pub(super) fn close(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        if !asked || self.engine.is_none() {
            return;
        }
        if let Some(engine) = &self.engine {
            engine.control().stop();
        }
        self.closing = true;
        self.state.stopping();
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
    }
}
