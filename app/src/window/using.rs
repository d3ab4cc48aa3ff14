//! What the window does about a network in use, and about the answers of dialogs.

use super::Window;
use crate::dialogs::{Ask, For};
use crate::panes::Action;
use crate::start::Wish;
use crate::state::Phase;
use crate::top::Order;
use crate::uses::task::{Choice, Query};
use crate::uses::{Away, Uses, Want};
use crate::{recent, save};
use eframe::egui::{self, Ui};
use std::path::{Path, PathBuf};

/// What a file of weights ends with.
pub(crate) const WEIGHTS: &[&str] = &["safetensors", "pth", "pt", "tar", "bin"];

/// Whether a file is of weights, by its name.
pub(crate) fn is_weights(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    let archive = ending == "tar" && !path.to_string_lossy().to_lowercase().ends_with(".pth.tar");
    path.is_file() && WEIGHTS.contains(&ending.as_str()) && !archive
}

impl Window {
    /// Opens a dialog.
    pub(super) fn ask(&mut self, ctx: &egui::Context, ask: Ask, purpose: For) {
        let ctx = ctx.clone();
        self.dialogs.ask(ask, purpose, move || ctx.request_repaint());
    }

    /// Does what dialogs were for.
    pub(super) fn answers(&mut self, ctx: &egui::Context) {
        for (purpose, answer) in self.dialogs.poll() {
            match answer {
                Ok(path) => self.answered(ctx, purpose, path),
                Err(text) => self.error = Some(text),
            }
        }
    }

    fn answered(&mut self, ctx: &egui::Context, purpose: For, path: PathBuf) {
        match purpose {
            For::Pictures => self.form.set_data(Some(path)),
            For::Run => self.grant(ctx, Wish::Open(path)),
            For::Weights => self.grant(ctx, Wish::Use(path)),
            For::Home => {
                self.before.home = Some(path);
                self.refresh();
            }
            For::Located => self.located(ctx, path),
            For::Text(text) => self.error = save::text(&path, &text).err(),
            For::Part(rect) => {
                let failed = self.failures.0.clone();
                save::picture(ctx, path, rect, move |error| {
                    // The window may have gone.
                    let _ = failed.send(error);
                });
            }
            For::Used | For::Moved | For::Query | For::Labels | For::Sorted | For::Export(_) => {
                if let Some(uses) = &mut self.uses {
                    uses.answered(&purpose, path);
                }
            }
        }
    }

    /// Uses a run folder or a file of weights.
    pub(super) fn use_network(&mut self, ctx: &egui::Context, network: PathBuf) {
        if self.may_go(Away::Open(network.clone())) {
            self.error = None;
            self.uses = Some(Uses::open(network, Choice::Own, ctx).keeping(self.groups.clone()));
        }
    }

    /// Whether nothing is in use any more, or nothing that would be cut short: else a person is asked first.
    fn may_go(&mut self, to: Away) -> bool {
        let closes = to == Away::Close;
        let may = self.uses.as_mut().is_none_or(|uses| uses.may_go(to));
        if may && let Some(mut uses) = self.uses.take() {
            uses.end(closes);
        }
        may
    }

    /// Goes away from a network in use, once nothing is cut short by it or a person wants it so.
    fn go(&mut self, ctx: &egui::Context, to: Away) {
        if !self.may_go(to.clone()) {
            return;
        }
        match to {
            Away::Leave | Away::Look(_) => self.refresh(),
            Away::Close => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Away::Open(network) => self.use_network(ctx, network),
            Away::Take(path) => self.take(ctx, path),
        }
    }

    /// Whether the window may be closed, as far as a network in use goes.
    pub(super) fn may_close(&mut self) -> bool {
        self.may_go(Away::Close)
    }

    /// Uses the run that is shown, once a checkpoint has what was learned.
    pub(super) fn use_run(&mut self, ctx: &egui::Context) {
        let Some(started) = &self.state.started else { return };
        let folder = started.run_folder.clone();
        let saved = self.state.checkpoints.last() == Some(&self.state.step);
        match (&self.engine, self.state.phase) {
            (Some(engine), Phase::Running | Phase::Paused) if !saved => {
                engine.control().checkpoint();
                self.use_next = true;
            }
            _ => self.use_network(ctx, folder),
        }
    }

    /// The checkpoint that was waited for has been written.
    pub(super) fn use_if_saved(&mut self, ctx: &egui::Context) {
        if std::mem::take(&mut self.use_next)
            && let Some(started) = &self.state.started
        {
            let folder = started.run_folder.clone();
            self.use_network(ctx, folder);
        }
    }

    /// Draws the screen of a network in use.
    pub(super) fn use_screen(&mut self, ui: &mut Ui) {
        self.message(ui);
        let Some(uses) = &mut self.uses else { return };
        let wants = uses.show(ui);
        let ctx = ui.ctx().clone();
        for want in wants {
            match want {
                Want::Go(to) => self.go(&ctx, to),
                Want::Ask(ask, purpose) => self.ask(&ctx, ask, purpose),
                Want::Show(path) => self.reveal(&path),
                Want::Theme => self.order(&ctx, Order::Theme),
            }
        }
    }

    /// Escape: what is open is closed, the front first.
    pub(super) fn back_in_use(&mut self) {
        if self.error.take().is_none()
            && let Some(uses) = &mut self.uses
        {
            uses.back();
        }
    }

    pub(super) fn leave_use(&mut self, ctx: &egui::Context) {
        self.go(ctx, Away::Leave);
    }

    /// Shows a folder, or the folder of a file, by the system's own means.
    pub(super) fn reveal(&mut self, path: &Path) {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        if let Some(folder) = folder
            && let Err(error) = open::that_detached(folder)
        {
            self.error = Some(format!("{} cannot be shown: {error}", folder.display()));
        }
    }

    /// What the panes of a run ask for that has to do with files.
    pub(super) fn act_on_files(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::SaveText { name, text } => self.ask(ctx, Ask::Save(name), For::Text(text)),
            Action::SavePicture { name, rect } => self.ask(ctx, Ask::Save(name), For::Part(rect)),
            Action::Refresh => self.order(ctx, Order::Refresh),
            Action::LookAlikes(picture) => {
                self.use_run(ctx);
                match &mut self.uses {
                    Some(uses) => uses.find(Query::Picture(picture)),
                    None => self.find_next = Some(picture),
                }
            }
            _ => {}
        }
    }

    /// A file or folder dropped on the window, or named when the program was started.
    pub(super) fn take(&mut self, ctx: &egui::Context, path: PathBuf) {
        let is_run = recent::config(&path).is_ok();
        if let Some(uses) = self.uses.as_mut().filter(|_| !is_run && !is_weights(&path)) {
            uses.dropped(path);
        } else if is_weights(&path) {
            self.use_network(ctx, path);
        } else if self.state.phase.is_live() {
            self.error = Some("Stop the run before another one is opened.".to_owned());
        } else if is_run {
            if self.may_go(Away::Take(path.clone())) {
                self.grant(ctx, Wish::Open(path));
            }
        } else {
            self.leave();
            self.form.set_data(Some(path));
        }
    }
}
