//! The eframe app: messages in, actions out. Draws nothing itself but the two screens' frames.

use crate::dock::Dock;
use crate::engine::Engine;
use crate::form::Form;
use crate::panes::{Action, Compared, Context, Look, Wants};
use crate::recent::{self, Entry, Recent};
use crate::settings::Settings;
use crate::start::{Start, Wish};
use crate::state::{Phase, State};
use crate::theme::{self, Palette};
use crate::thumbs::Thumbs;
use crate::top::{self, Order};
use crate::{keys, save};
use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, Ui, ViewportCommand};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use swav_wgpu::gpu::{self, AdapterFacts};
use swav_wgpu::train::{PreviewRequest, TrainOptions};

/// Pictures whose crops are shown before any are chosen.
const CHOSEN: usize = 3;
/// Pictures whose features are looked at: on a GPU, and on the processor.
const SAMPLE: [usize; 2] = [2048, 512];

/// What is remembered from one start of the program to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    recent: Recent,
    layout: Option<egui_tiles::Tree<String>>,
    light: bool,
}

/// The window.
pub struct Window {
    state: State,
    engine: Option<Engine>,
    thumbs: Thumbs,
    dock: Dock,
    look: Look,
    /// Counts the choices of other pictures.
    turn: u64,
    compared: Vec<Compared>,
    form: Form,
    settings: Settings,
    recent: Recent,
    entries: Vec<Entry>,
    others: Vec<PathBuf>,
    adapters: Vec<AdapterFacts>,
    /// Something that went wrong outside of a run.
    error: Option<String>,
    watched: PreviewRequest,
    /// The person closed the window: it goes once the run is saved.
    closing: bool,
    keys: bool,
    light: bool,
}

impl Window {
    /// The first screen, with what is remembered of earlier starts.
    #[must_use]
    pub fn new(creation: &eframe::CreationContext<'_>) -> Self {
        let remembered: Remembered =
            creation.storage.and_then(|storage| eframe::get_value(storage, eframe::APP_KEY)).unwrap_or_default();
        let mut window = Self::with(State::default(), gpu::adapters(), remembered);
        window.set_theme(&creation.egui_ctx);
        window.refresh();
        window
    }

    /// A window that shows a run in some state, without an engine: for tests.
    #[must_use]
    pub fn of(state: State, adapters: Vec<AdapterFacts>) -> Self {
        Self::with(state, adapters, Remembered::default())
    }

    fn with(state: State, adapters: Vec<AdapterFacts>, remembered: Remembered) -> Self {
        let Remembered { recent, layout, light } = remembered;
        Self {
            state,
            engine: None,
            thumbs: Thumbs::none(),
            dock: Dock::new(layout),
            look: Look::default(),
            turn: 0,
            compared: Vec::new(),
            form: Form::default(),
            settings: Settings::default(),
            recent,
            entries: Vec::new(),
            others: Vec::new(),
            adapters,
            error: None,
            watched: PreviewRequest::default(),
            closing: false,
            keys: false,
            light,
        }
    }

    /// The run that is shown.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is chosen in the panes.
    pub fn look_mut(&mut self) -> &mut Look {
        &mut self.look
    }

    /// The settings of the next run.
    pub fn form_mut(&mut self) -> &mut Form {
        &mut self.form
    }

    /// The thumbnails.
    pub fn thumbs_mut(&mut self) -> &mut Thumbs {
        &mut self.thumbs
    }

    fn set_theme(&self, ctx: &egui::Context) {
        theme::install(ctx);
        ctx.set_theme(if self.light { egui::Theme::Light } else { egui::Theme::Dark });
    }

    /// Looks for earlier runs.
    fn refresh(&mut self) {
        self.entries = self.recent.entries(Path::new("runs"));
        self.others = self.entries.iter().map(|entry| entry.path.clone()).collect();
    }

    /// Takes in what the engine's thread said.
    pub fn poll(&mut self, ctx: &egui::Context) {
        self.thumbs.poll(ctx);
        let Some(engine) = &mut self.engine else { return };
        for message in engine.poll() {
            self.state.apply(message);
        }
        if let Some(started) = &self.state.started {
            self.recent.note(&started.run_folder);
        }
        if engine.is_over() {
            self.engine = None;
            self.watched = PreviewRequest::default();
            if self.closing {
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// Draws the screen of the moment and does what was clicked.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.keyboard(&ctx);
        self.dropped(&ctx);
        if self.state.phase == Phase::Idle {
            self.first_screen(ui);
        } else {
            self.run_screen(ui);
        }
        if self.keys {
            keys::show(&ctx, &mut self.keys);
        }
    }

    /// Draws one pane alone, by its id.
    pub fn draw_pane(&mut self, id: &str, ui: &mut Ui) {
        let mut actions = Vec::new();
        let mut context = Context {
            state: &self.state,
            thumbs: &mut self.thumbs,
            look: &mut self.look,
            compared: &mut self.compared,
            others: &self.others,
            actions: &mut actions,
        };
        self.dock.show_one(id, ui, &mut context);
        let ctx = ui.ctx().clone();
        actions.into_iter().for_each(|action| self.act(&ctx, action));
    }

    fn first_screen(&mut self, ui: &mut Ui) {
        let ground = Frame::new().fill(Palette::of(ui).ground);
        let start = Start {
            form: &mut self.form,
            settings: &mut self.settings,
            entries: &self.entries,
            adapters: &self.adapters,
            error: self.error.as_deref(),
        };
        let wishes = CentralPanel::default().frame(ground).show(ui, |ui| start.show(ui)).inner;
        let ctx = ui.ctx().clone();
        wishes.into_iter().for_each(|wish| self.grant(&ctx, wish));
    }

    fn run_screen(&mut self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 8));
        let orders = Panel::top("top").frame(frame).show(ui, |ui| top::show(ui, &self.state)).inner;
        let ctx = ui.ctx().clone();
        orders.into_iter().for_each(|order| self.order(&ctx, order));
        let mut actions = Vec::new();
        let ground = Frame::new().fill(palette.ground).inner_margin(Margin::same(6));
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
        actions.into_iter().for_each(|action| self.act(&ctx, action));
        self.watch(wants.inner);
    }

    /// Tells the engine what visible panes show, where that changed.
    fn watch(&mut self, wants: Wants) {
        if self.look.pictures.is_empty() {
            self.look.pictures = self.some_pictures();
        }
        let Some(engine) = &self.engine else { return };
        let software = self.state.started.as_ref().is_none_or(|started| started.software);
        let request = PreviewRequest {
            pictures: if wants.crops { self.look.pictures.clone() } else { Vec::new() },
            draw: self.look.draw,
            sample: if wants.sample { SAMPLE[usize::from(software)] } else { 0 },
        };
        if request != self.watched {
            engine.control().watch(&request);
            self.watched = request;
        }
    }

    /// A few pictures, others at every turn.
    fn some_pictures(&self) -> Vec<u32> {
        let all = &self.thumbs.names().pretrain;
        let count = CHOSEN.min(all.len());
        let place = |i: usize| {
            // Steps of the golden ratio visit every part of the set before they come back.
            let part = ((self.turn * CHOSEN as u64 + i as u64 + 1) as f64 * 0.618_033_988_75).fract();
            all[(part * all.len() as f64) as usize % all.len()]
        };
        (0..count).map(place).collect()
    }

    fn keyboard(&mut self, ctx: &egui::Context) {
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
                keys::Key::Back if self.look.prototype.is_some() => self.look.prototype = None,
                keys::Key::Back => self.look.marked.clear(),
                _ => {}
            }
        }
    }

    /// A folder dropped on the window: pictures to train on, or a run to open.
    fn dropped(&mut self, ctx: &egui::Context) {
        let dropped = ctx.input(|input| {
            input.raw.dropped_files.first().map(|file| file.path().to_owned())
        });
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

    fn grant(&mut self, ctx: &egui::Context, wish: Wish) {
        self.error = None;
        match wish {
            Wish::Start => {
                let resolved = self.form.resolve();
                if resolved.errors.is_empty() {
                    self.start(ctx, TrainOptions { config: resolved.config, resume: None, profile: false }, false);
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
                let options = TrainOptions { config, resume: Some(path.to_owned()), profile: false };
                self.start(ctx, options, paused);
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    fn start(&mut self, ctx: &egui::Context, options: TrainOptions, paused: bool) {
        let earlier = options.resume.as_deref().map(recent::reports).unwrap_or_default();
        self.state = State::opening(options.config.clone(), earlier);
        self.state.hold(paused);
        self.look = Look::default();
        self.watched = PreviewRequest::default();
        let (repaint, again) = (ctx.clone(), ctx.clone());
        self.thumbs = Thumbs::open(options.config.data.clone(), move || repaint.request_repaint());
        self.engine = Some(Engine::start(options, paused, move || again.request_repaint()));
    }

    /// Does what was ordered from the bar or the keyboard; orders that make no sense now do nothing.
    fn order(&mut self, ctx: &egui::Context, order: Order) {
        match order {
            Order::Theme => {
                self.light = !self.light;
                self.set_theme(ctx);
            }
            Order::Layout => self.dock.reset(),
            Order::Keys => self.keys = !self.keys,
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
        self.thumbs = Thumbs::none();
        self.refresh();
    }

    fn act(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::OtherPictures => {
                self.turn += 1;
                self.look.pictures = self.some_pictures();
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
    fn close(&mut self, ctx: &egui::Context) {
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

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        self.close(ctx);
        self.poll(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        let layout = Some(self.dock.tree().clone());
        let remembered = Remembered { recent: self.recent.clone(), layout, light: self.light };
        eframe::set_value(storage, eframe::APP_KEY, &remembered);
    }
}
