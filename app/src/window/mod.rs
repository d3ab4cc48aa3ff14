//! The eframe app: messages in, actions out. Draws nothing itself but the two screens' frames.

mod before;
mod deeds;
mod message;
mod pace;
mod screens;
mod using;

pub(crate) use using::{WEIGHTS, is_weights};

use crate::dialogs::Dialogs;
use crate::dock::Dock;
use crate::engine::WayOut;
use crate::engine::{Engine, Message};
use crate::form::{self, Form};
use crate::keys;
use crate::looks;
use crate::panes::{Compared, Context, Look};
use crate::prospect::Prospect;
use crate::recent::{Entry, Recent};
use crate::settings::Settings;
use crate::state::{Phase, State};
use crate::theme;
use crate::thumbs::Thumbs;
use crate::tour::Tour;
use crate::uses::Uses;
use crate::uses::task::Query;
use before::Before;
use eframe::egui::{self, Ui, ViewportCommand};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use swav_wgpu::data::Reading;
use swav_wgpu::gpu::{self, AdapterFacts};
use swav_wgpu::train::{Event, PreviewRequest, TrainOptions};

/// What is remembered from one start of the program to the next.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    recent: Recent,
    layout: Option<egui_tiles::Tree<String>>,
    light: bool,
    form: Option<form::Saved>,
    home: Option<PathBuf>,
    /// Whether the tour has been seen.
    toured: bool,
}

/// The window.
pub struct Window {
    state: State,
    engine: Option<Engine>,
    thumbs: Thumbs,
    /// The pictures of the first screen whose thumbnails are open.
    opened: Option<(Option<PathBuf>, Reading)>,
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
    /// What threads beside the engine's tell.
    news: (Sender<Message>, Receiver<Message>),
    looks: looks::Keeper,
    /// The person closed the window: it goes once the run is saved.
    closing: bool,
    keys: bool,
    light: bool,
    before: Before,
    tour: Tour,
    /// What was started last.
    last: Option<(TrainOptions, bool)>,
    /// What helps against [`Self::error`].
    remedy: Option<WayOut>,
    /// The run to go on with as soon as the engine has let it go, and where its pictures are now.
    then: Option<(PathBuf, Option<PathBuf>)>,
    dialogs: Dialogs,
    /// What failed on a thread that nobody waits for.
    failures: (Sender<String>, Receiver<String>),
    /// A network in use.
    uses: Option<Uses>,
    /// Where the groups of pictures are kept that a person put right.
    groups: Option<PathBuf>,
    /// Whether the run is used as soon as its checkpoint is written, and what to find then.
    use_next: bool,
    find_next: Option<u32>,
}

impl Window {
    /// The first screen, with what is remembered of earlier starts, or what was `given` when the program was started.
    #[must_use]
    pub fn new(creation: &eframe::CreationContext<'_>, given: Option<PathBuf>) -> Self {
        let remembered: Remembered = creation
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        let mut window = Self::with(State::default(), gpu::adapters(), remembered);
        window.groups = eframe::storage_dir(crate::ID).map(|folder| folder.join("groups"));
        window.set_theme(&creation.egui_ctx);
        window.refresh();
        let ctx = creation.egui_ctx.clone();
        window.before.prospect = Some(Prospect::start(dirs::cache_dir(), move || ctx.request_repaint()));
        // As if it had been dropped: what a desktop opens with this program.
        if let Some(path) = given {
            window.take(&creation.egui_ctx, path);
        }
        window
    }

    /// The same window with a network in use.
    #[must_use]
    pub fn using(mut self, uses: Uses) -> Self {
        self.uses = Some(uses);
        self
    }

    /// A window that shows a run in some state, without an engine: for tests.
    #[must_use]
    pub fn of(state: State, adapters: Vec<AdapterFacts>) -> Self {
        Self::with(state, adapters, Remembered { toured: true, ..Remembered::default() })
    }

    fn with(state: State, adapters: Vec<AdapterFacts>, remembered: Remembered) -> Self {
        let Remembered { recent, layout, light, form, home, toured } = remembered;
        Self {
            state,
            engine: None,
            thumbs: Thumbs::none(),
            opened: None,
            dock: Dock::new(layout),
            look: Look::default(),
            turn: 0,
            compared: Vec::new(),
            form: form.map(Form::restored).unwrap_or_default(),
            settings: Settings::default(),
            recent,
            entries: Vec::new(),
            others: Vec::new(),
            adapters,
            error: None,
            watched: PreviewRequest::default(),
            news: channel(),
            looks: looks::Keeper::default(),
            closing: false,
            keys: false,
            light,
            before: Before::at(home),
            tour: Tour::new(toured),
            last: None,
            remedy: None,
            then: None,
            dialogs: Dialogs::default(),
            failures: channel(),
            uses: None,
            groups: None,
            use_next: false,
            find_next: None,
        }
    }

    /// The run that is shown.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The network in use, if any.
    #[must_use]
    pub fn uses(&self) -> Option<&Uses> {
        self.uses.as_ref()
    }

    /// What is chosen in the panes.
    pub fn look_mut(&mut self) -> &mut Look {
        &mut self.look
    }

    /// The settings of the next run.
    pub fn form_mut(&mut self) -> &mut Form {
        &mut self.form
    }

    /// The thumbnails of what is shown.
    pub fn thumbs_mut(&mut self) -> &mut Thumbs {
        self.uses.as_mut().map_or(&mut self.thumbs, Uses::thumbs_mut)
    }

    fn set_theme(&self, ctx: &egui::Context) {
        theme::install(ctx);
        ctx.set_theme(if self.light { egui::Theme::Light } else { egui::Theme::Dark });
    }

    /// Looks for earlier runs.
    fn refresh(&mut self) {
        let home = self.before.home();
        // Where earlier versions kept them.
        self.entries = self.recent.entries(&[&home, Path::new("runs")]);
        self.others = self.entries.iter().map(|entry| entry.path.clone()).collect();
    }

    /// Takes in what the engine's thread said.
    pub fn poll(&mut self, ctx: &egui::Context) {
        self.thumbs.poll(ctx);
        self.answers(ctx);
        self.prospects();
        if let Some(error) = self.failures.1.try_iter().last() {
            self.error = Some(error);
        }
        if let Some(uses) = &mut self.uses {
            uses.poll(ctx);
        }
        self.news.1.try_iter().for_each(|message| self.state.apply(message));
        let Some(engine) = &mut self.engine else { return };
        let mut saved = false;
        for message in engine.poll() {
            saved |= matches!(message, Message::Event(Event::Checkpoint { .. } | Event::Finished(_)));
            self.state.apply(message);
        }
        if let Some(started) = &self.state.started {
            self.recent.note(&started.run_folder);
        }
        let over = engine.is_over();
        if saved {
            self.use_if_saved(ctx);
            if let (Some(uses), Some(picture)) = (&mut self.uses, self.find_next.take()) {
                uses.find(Query::Picture(picture));
            }
        }
        if saved || over {
            self.looks.save(&self.state, &self.news.0, over);
        }
        if over {
            self.engine = None;
            self.watched = PreviewRequest::default();
            self.back_to_the_form();
            if self.closing {
                ctx.send_viewport_cmd(ViewportCommand::Close);
            } else if let Some((run, data)) = self.then.take() {
                self.resume(ctx, &run, false, data);
            }
        }
    }

    /// A run that could not be opened is told where it can be put right: at the form.
    fn back_to_the_form(&mut self) {
        if self.state.started.is_none()
            && let Some(failure) = self.state.failure.take()
        {
            self.state = State::default();
            (self.error, self.remedy) = (Some(failure.text), failure.way_out);
            self.opened = None;
            self.refresh();
        }
    }

    /// Draws the screen of the moment and does what was clicked.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.keyboard(&ctx);
        self.dropped(&ctx);
        self.before.rest(self.uses.is_some() || self.state.phase != Phase::Idle);
        if self.uses.is_some() {
            self.use_screen(ui);
        } else if self.state.phase == Phase::Idle {
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
        self.uses.iter_mut().for_each(Uses::keep);
        let layout = Some(self.dock.tree().clone());
        let remembered = Remembered {
            recent: self.recent.clone(),
            layout,
            light: self.light,
            form: Some(self.form.saved()),
            home: self.before.home.clone(),
            toured: self.tour.is_over(),
        };
        eframe::set_value(storage, eframe::APP_KEY, &remembered);
    }
}
