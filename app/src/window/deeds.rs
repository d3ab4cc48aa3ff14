//! What the window does about a click, a key, a dropped folder, or being closed.

use super::{Window, pace, using};
use crate::dialogs::{Ask, For};
use crate::engine::{Engine, Message, unfold};
use crate::form::Form;
use crate::panes::{Action, Compared, Look};
use crate::start::{Wish, usual, wrong};
use crate::state::{Phase, State};
use crate::thumbs::Thumbs;
use crate::top::Order;
use crate::{home, keys, looks, recent, words};
use eframe::egui::{self, ViewportCommand};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;
use swav_wgpu::config::Config;
use swav_wgpu::train::{PreviewRequest, TrainOptions};

/// Where the processor draws the window, thumbnails that come too late for a frame are drawn so long after the first of
/// them.
const STRAGGLERS: Duration = Duration::from_millis(400);

impl Window {
    pub(super) fn keyboard(&mut self, ctx: &egui::Context) {
        for key in keys::pressed(ctx) {
            match key {
                keys::Key::Back if self.keys => self.keys = false,
                keys::Key::Back if self.is_touring() => self.tour.close(),
                keys::Key::Order(Order::Leave) if self.uses.is_some() => self.leave_use(ctx),
                keys::Key::PickFolder if self.uses.is_some() => {
                    self.ask(ctx, Ask::Folder("A folder of pictures"), For::Used);
                }
                keys::Key::Back if self.uses.is_some() => self.back_in_use(),
                keys::Key::Undo => self.uses.iter_mut().for_each(crate::uses::Uses::undo),
                key if self.uses.is_some() && !key.is_for_use() => {}
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
        if let Some(path) = dropped {
            self.take(ctx, path);
        }
    }

    pub(super) fn grant(&mut self, ctx: &egui::Context, wish: Wish) {
        self.error = None;
        match wish {
            Wish::Start => {
                // A key may ask for what the button refuses.
                let resolved = self.form.resolve();
                match wrong(&resolved, &self.thumbs) {
                    Some(problem) => self.error = Some(problem),
                    None => self.begin(ctx, resolved.config, self.form.within()),
                }
            }
            Wish::PickFolder => self.ask(ctx, Ask::Folder("A folder of pictures"), For::Pictures),
            Wish::PickRun => self.ask(ctx, Ask::Folder("The folder of a run"), For::Run),
            Wish::PickWeights => self.ask(ctx, Ask::File("Weights", using::WEIGHTS), For::Weights),
            Wish::Use(path) => self.use_network(ctx, path),
            Wish::Resume(path) => self.resume(ctx, &path, false, None),
            Wish::Open(path) => self.resume(ctx, &path, true, None),
            Wish::Theme => self.order(ctx, Order::Theme),
            Wish::Keys => self.order(ctx, Order::Keys),
            wish => self.keep_house(ctx, wish),
        }
    }

    /// What a person wants of the runs that there are.
    fn keep_house(&mut self, ctx: &egui::Context, wish: Wish) {
        let done = match wish {
            Wish::Again(path) => match recent::config(&path) {
                Ok(config) => {
                    self.form = Form::again(&config);
                    Ok(())
                }
                Err(error) => Err(words::told(&error)),
            },
            Wish::Rename(path, name) => home::rename(&path, &name).map(|to| self.recent.rename(&path, &to)),
            Wish::Delete(path) => home::delete(&path),
            Wish::Show(path) => {
                self.reveal(&path);
                return;
            }
            Wish::PickHome => {
                self.ask(ctx, Ask::Folder("Where runs are kept"), For::Home);
                return;
            }
            _ => return,
        };
        self.error = done.err();
        self.refresh();
    }

    /// Starts a run in a folder of its own, where a person finds it.
    fn begin(&mut self, ctx: &egui::Context, mut config: Config, within: Option<Duration>) {
        if config.out.is_none() {
            match home::next(&self.before.home(), config.data.as_deref()) {
                Ok(out) => config.out = Some(out),
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            }
        }
        let looked = config.data.as_deref() == self.form.data();
        self.start(ctx, TrainOptions { config, resume: None, profile: false, within }, false);
        if looked {
            self.state.passed_over(&self.before.unreadable);
        }
    }

    /// Opens a run, with its pictures at another place where `data` says so.
    pub(super) fn resume(&mut self, ctx: &egui::Context, path: &Path, paused: bool, data: Option<PathBuf>) {
        match recent::config(path) {
            Ok(mut config) => {
                if data.is_some() {
                    config.data = data;
                }
                let options =
                    TrainOptions { config, resume: Some(path.to_owned()), profile: false, within: None };
                self.start(ctx, options, paused);
            }
            Err(error) => self.error = Some(words::told(&error)),
        }
    }

    pub(super) fn start(&mut self, ctx: &egui::Context, options: TrainOptions, paused: bool) {
        self.last = Some((options.clone(), paused));
        let earlier = options.resume.as_deref().map(recent::reports).unwrap_or_default();
        let looks = options.resume.as_deref().map(looks::read).unwrap_or_default();
        self.state = State::opening(options.config.clone(), earlier).looking_back(looks);
        self.state.hold(paused);
        self.look = Look::default();
        self.watched = PreviewRequest::default();
        // Whatever still works for an earlier run speaks to nobody from here on.
        self.news = channel();
        // Which device the run has is not known before it begins, and steps that are measured until then are to be as fast
        // as its own.
        let software = usual(&self.adapters).is_some_and(|facts| facts.software);
        let soon = if software { STRAGGLERS } else { Duration::ZERO };
        let (repaint, again) = (ctx.clone(), ctx.clone());
        self.thumbs = Thumbs::open(options.config.clone(), move || repaint.request_repaint_after(soon));
        self.engine = Some(Engine::start(options, dirs::cache_dir(), paused, move |own| {
            again.request_repaint_after(pace::within(&again, own || software));
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
            Order::Tour => self.tour.again(),
            Order::Keys => self.keys = !self.keys,
            Order::Dismiss => self.error = None,
            Order::Leave if !self.state.phase.is_live() => self.leave(),
            Order::Gallery => {
                if let Some(page) = self.state.summary.as_ref().and_then(|summary| summary.gallery.as_ref()) {
                    let page = std::path::absolute(page).unwrap_or_else(|_| page.clone());
                    if let Err(error) = open::that_detached(&page) {
                        self.error = Some(format!("{} cannot be shown: {error}", page.display()));
                    }
                }
            }
            Order::Use => self.use_run(ctx),
            Order::Folder => {
                if let Some(started) = &self.state.started {
                    let folder = started.run_folder.clone();
                    self.reveal(&folder);
                }
            }
            Order::Resume => {
                let folder = self.state.started.as_ref().map(|started| started.run_folder.clone());
                self.release();
                let kept =
                    folder.filter(|folder| recent::Entry::read(folder).is_ok_and(|run| run.has_checkpoint));
                match (kept, self.last.clone()) {
                    (Some(folder), _) => self.resume(ctx, &folder, false, None),
                    // It failed before its first checkpoint: it begins anew, in a folder of its own.
                    (None, Some((options, _))) => {
                        self.begin(ctx, Config { out: None, ..options.config }, options.within);
                    }
                    (None, None) => {}
                }
            }
            Order::Reconnect => self.reconnect(),
            Order::Locate => self.ask(ctx, Ask::Folder("Where the pictures are now"), For::Located),
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
            Order::Refresh => engine.control().refresh(),
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

    pub(super) fn leave(&mut self) {
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
                let (name, runs) = (recent::name(&path), vec![recent::reports(&path)]);
                self.compared.push(Compared { name, runs, references: None });
            }
            action => self.act_on_files(ctx, action),
        }
    }

    /// Saves a run before the window goes, and asks before a sort is cut short.
    pub fn close(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        if asked && !self.may_close() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            return;
        }
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
