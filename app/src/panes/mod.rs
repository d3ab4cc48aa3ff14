//! The panes of a run. Each is one file that implements [`Pane`], and one line in [`all`].

mod crops;
mod curves;
mod embedding;
mod export;
mod log;
mod prototype;
mod prototypes;

use crate::engine::digest::Map;
use crate::state::State;
use crate::thumbs::Thumbs;
use eframe::egui::{Button, Ui};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use swav_wgpu::config::Preset;
use swav_wgpu::train::Metrics;

/// What a pane needs from the engine while it is visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The crops of the chosen pictures.
    pub crops: bool,
    /// Features of many pictures.
    pub sample: bool,
}

/// What is chosen, for all panes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// The pictures whose crops are shown.
    pub pictures: Vec<u32>,
    /// Which crops of them: those of this epoch.
    pub draw: u64,
    /// The pictures that are marked.
    pub marked: Arc<BTreeSet<u32>>,
    /// How many pictures are looked at, where the person chose that.
    pub sample: Option<usize>,
    /// The prototype that is open.
    pub prototype: Option<u32>,
    /// Which look is shown instead of the newest one.
    pub back: Option<usize>,
}

/// A button that finds look-alikes of the one picture that is marked: what a right click on it does, for the keyboard.
fn look_alikes(ui: &mut Ui, context: &mut Context<'_>) {
    let only = context.look.marked.first().copied().filter(|_| context.look.marked.len() == 1);
    let button = ui.add_enabled(only.is_some(), Button::new("Find look-alikes"));
    let button = button.on_hover_text("The pictures that look most like the one that is marked");
    if button.on_disabled_hover_text("Mark one picture first, by a click on it").clicked()
        && let Some(picture) = only
    {
        context.actions.push(Action::LookAlikes(picture));
    }
}

/// What a pane may ask the window for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Shows other pictures' crops.
    OtherPictures,
    /// Saves a text where the person wants it.
    SaveText {
        /// The name that is proposed.
        name: String,
        /// What is in the file.
        text: String,
    },
    /// Saves a part of the window as a picture.
    SavePicture {
        /// The name that is proposed.
        name: String,
        /// Which part, in points.
        rect: eframe::egui::Rect,
    },
    /// Unfolds the newest look (t-SNE).
    Unfold,
    /// Looks into the run now.
    Refresh,
    /// Finds the pictures that look most like one.
    LookAlikes(u32),
    /// Reads another run's reports, to compare with.
    Compare(PathBuf),
}

/// What curves are compared with: an earlier run, or all reference runs of a recipe.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What it is called.
    pub name: String,
    /// The reports of each run.
    pub runs: Vec<Vec<Metrics>>,
    /// The recipe, of reference runs: they are grey.
    pub references: Option<Preset>,
}

/// What a pane draws from, and where it puts what was clicked.
pub struct Context<'a> {
    /// The run.
    pub state: &'a State,
    /// The pictures.
    pub thumbs: &'a mut Thumbs,
    /// What is chosen.
    pub look: &'a mut Look,
    /// Runs that curves are compared with.
    pub compared: &'a mut Vec<Compared>,
    /// Other runs that could be.
    pub others: &'a [PathBuf],
    /// What was asked for.
    pub actions: &'a mut Vec<Action>,
}

/// A part of the window that can be moved about.
pub trait Pane {
    /// A word that never changes, for the remembered layout.
    fn id(&self) -> &'static str;
    /// What its tab says.
    fn title(&self) -> &'static str;
    /// What it needs while it is visible.
    fn wants(&self) -> Wants {
        Wants::default()
    }
    /// Draws it.
    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>);
}

/// All panes.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(crops::CropsPane),
        Box::new(embedding::EmbeddingPane::default()),
        Box::new(prototypes::PrototypesPane::default()),
        Box::new(curves::CurvesPane::default()),
        Box::new(log::LogPane),
    ]
}

impl Look {
    /// Marks these pictures and no others.
    pub fn mark(&mut self, pictures: impl IntoIterator<Item = u32>) {
        self.marked = Arc::new(pictures.into_iter().collect());
    }
}

impl Context<'_> {
    /// The look at pictures and prototypes that is shown: the newest, or the one that was gone back to.
    #[must_use]
    pub fn map(&self) -> Option<Arc<Map>> {
        let looks = &self.state.looks;
        self.look.back.and_then(|at| looks.get(at)).or(looks.last()).cloned()
    }
}
