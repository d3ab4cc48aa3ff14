//! The eframe app: messages in, actions out. Draws nothing itself but the two screens' frames.

mod deeds;

use crate::dock::Dock;
use crate::engine::{Engine, Message};
use crate::form::Form;
use crate::keys;
use crate::looks;
use crate::panes::{Compared, Context, Look, Wants};
use crate::recent::{Entry, Recent};
use crate::settings::Settings;
use crate::start::Start;
use crate::state::{Phase, State};
use crate::theme::{self, Palette};
use crate::thumbs::Thumbs;
use crate::top;
use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, Ui, ViewportCommand};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use swav_wgpu::data::Reading;
use swav_wgpu::data::configured;
use swav_wgpu::gpu::{self, AdapterFacts};
use swav_wgpu::train::{Event, PreviewRequest};

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
}

impl Window {
    /// The first screen, with what is remembered of earlier starts.
    #[must_use]
    pub fn new(creation: &eframe::CreationContext<'_>) -> Self {
        let remembered: Remembered = creation
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
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
            opened: None,
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
            news: channel(),
            looks: looks::Keeper::default(),
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
        if saved || over {
            self.looks.save(&self.state, &self.news.0, over);
        }
        if over {
            self.engine = None;
            self.watched = PreviewRequest::default();
            self.back_to_the_form();
            if self.closing {
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// A run that could not be opened is told where it can be put right: at the form.
    fn back_to_the_form(&mut self) {
        if self.state.started.is_none()
            && let Some(failure) = self.state.failure.take()
        {
            self.state = State::default();
            self.error = Some(failure.text);
            self.opened = None;
            self.refresh();
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
        let config = self.form.resolve().config;
        // Crops may change without the pictures being opened again.
        let wanted = (config.data.clone(), Reading { detail: None, ..configured::reading(&config) });
        if self.opened.as_ref() != Some(&wanted) {
            let ctx = ui.ctx().clone();
            self.thumbs = Thumbs::open(config, move || ctx.request_repaint());
            self.opened = Some(wanted);
        }
        let ground = Frame::new().fill(Palette::of(ui).ground);
        let start = Start {
            form: &mut self.form,
            settings: &mut self.settings,
            entries: &self.entries,
            adapters: &self.adapters,
            thumbs: &mut self.thumbs,
            error: self.error.as_deref(),
        };
        let wishes = CentralPanel::default().frame(ground).show(ui, |ui| start.show(ui)).inner;
        let ctx = ui.ctx().clone();
        wishes.into_iter().for_each(|wish| self.grant(&ctx, wish));
    }

    fn run_screen(&mut self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 8));
        let orders = Panel::top("top")
            .frame(frame)
            .show(ui, |ui| top::show(ui, &self.state, self.error.as_deref()))
            .inner;
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
            sample: if wants.sample { self.look.sample.unwrap_or(SAMPLE[usize::from(software)]) } else { 0 },
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
