//! The frame of the screen: network, pictures and tabs above, what goes on and what came out of it below.

use super::task::{Choice, Kind, Task};
use super::{Away, Done, Tab, Uses, Want};
use crate::dialogs::{Ask, For};
use crate::engine::WayOut;
use crate::theme::Palette;
use crate::window::WEIGHTS;
use crate::{recent, units, widgets};
use eframe::egui::{
    Align, Button, CentralPanel, Color32, Frame, Label, Layout, Margin, Panel, Pos2, ProgressBar, Rect,
    RichText, TextEdit, Ui, vec2,
};
use swav_wgpu::pass::Progress;

/// The tabs, and what each is for.
const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Sort, "Sort a folder", "Put look-alikes into folders of their own"),
    (Tab::Alike, "Find look-alikes", "The pictures that look most like one"),
    (Tab::Explore, "Explore", "All pictures on a plane, and the prototypes or clusters among them"),
    (Tab::Export, "Export", "Weights, features and a report for other programs"),
    (Tab::Judge, "Judge", "How good the features are, beside raw pixels and the untrained network"),
];

const OTHER_WEIGHTS: &str = "Open other weights…";

impl Uses {
    /// Draws the screen; returns what it wants of the window.
    pub fn show(&mut self, ui: &mut Ui) -> Vec<Want> {
        let mut wants = Vec::new();
        if self.tab != Tab::Sort {
            self.commit();
        }
        let palette = Palette::of(ui);
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 8));
        Panel::top("network").frame(frame).show(ui, |ui| {
            self.network_row(ui, &mut wants);
            self.pictures_row(ui, &mut wants);
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                for (tab, name, help) in TABS {
                    let text = RichText::new(name).size(14.0);
                    ui.selectable_value(&mut self.tab, tab, text).on_hover_text(help);
                }
            });
        });
        let height = 48.0;
        Panel::bottom("news").frame(frame).exact_size(height).show(ui, |ui| self.news_row(ui, &mut wants));
        let ground = Frame::new().fill(palette.ground).inner_margin(Margin::same(10));
        CentralPanel::default().frame(ground).show(ui, |ui| {
            if self.seen.is_none() {
                return self.nothing_yet(ui, &mut wants);
            }
            match self.tab {
                Tab::Sort => self.sorting(ui, &mut wants),
                Tab::Alike => self.alike(ui, &mut wants),
                Tab::Explore => self.plane(ui, &mut wants),
                Tab::Export => self.export(ui, &mut wants),
                Tab::Judge => self.judge(ui, &mut wants),
            }
        });
        self.ask_before_going(ui, &mut wants);
        wants
    }

    fn network_row(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            if ui.button("Back").on_hover_text("Where this was opened from (Ctrl+L)").clicked() {
                wants.push(Want::Go(Away::Leave));
            }
            let name = RichText::new(recent::name(&self.network)).size(15.0).strong();
            ui.add(Label::new(name).truncate()).on_hover_text(self.network.display().to_string());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let theme = if ui.visuals().dark_mode { "Light" } else { "Dark" };
                if ui.button(theme).on_hover_text("The other colours (Ctrl+T)").clicked() {
                    wants.push(Want::Theme);
                }
                if let Some(about) = &self.about {
                    let prototypes = match about.prototypes {
                        0 => "no prototypes".to_owned(),
                        count => format!("{count} prototypes"),
                    };
                    let slow = if about.software { " (slow: the processor)" } else { "" };
                    let text = format!("{prototypes}  ·  {}{slow}", about.adapter);
                    let notice = about.notice.as_deref().unwrap_or_default();
                    ui.add(Label::new(RichText::new(text).color(palette.weak)).truncate())
                        .on_hover_text(format!("{}\n{notice}", about.network).trim().to_owned());
                }
            });
        });
    }

    fn pictures_row(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(RichText::new("Pictures").color(palette.weak));
            let own = self.about.as_ref().and_then(|about| about.trained_on.clone());
            if let Some(own) = own {
                let name = own.as_deref().map_or_else(|| "built-in drawings".to_owned(), recent::name);
                let help = own.map_or_else(String::new, |own| own.display().to_string());
                let chosen = ui.selectable_label(self.choice == Choice::Own, name);
                if chosen.on_hover_text(format!("Those that it was trained on. {help}")).clicked() {
                    self.look_at(Choice::Own);
                }
            } else if ui.selectable_label(self.choice == Choice::BuiltIn, "built-in drawings").clicked() {
                self.look_at(Choice::BuiltIn);
            }
            if let Choice::At(path) = &self.choice {
                let shown = ui.selectable_label(true, recent::name(path));
                shown.on_hover_text(path.display().to_string());
            }
            if ui.button("Choose a folder…").on_hover_text("Or drop one on this window (Ctrl+O)").clicked()
            {
                wants.push(Want::Ask(Ask::Folder("A folder of pictures"), For::Used));
            }
            let field =
                TextEdit::singleline(&mut self.path).hint_text("or type its path").desired_width(170.0);
            let typed = ui.add(field).labelled_by(label.id);
            if typed.lost_focus() && ui.input(|input| input.key_pressed(eframe::egui::Key::Enter)) {
                let path = std::mem::take(&mut self.path);
                if !path.trim().is_empty() {
                    self.look_at(Choice::At(path.trim().into()));
                }
            }
            self.counts(ui);
        });
    }

    /// How many pictures there are, and which of them could not be read.
    fn counts(&self, ui: &mut Ui) {
        let palette = Palette::of(ui);
        let Some(seen) = &self.seen else { return };
        let count = format!("{} pictures", units::count(seen.pictures.len() as u64));
        ui.label(RichText::new(count).color(palette.weak));
        if !seen.unreadable.is_empty() {
            let list = seen.unreadable.iter().take(12).map(|(name, why)| format!("{name}: {why}"));
            let list: Vec<String> = list.collect();
            let text = format!("{} cannot be read", seen.unreadable.len());
            ui.label(RichText::new(text).color(palette.warning)).on_hover_text(list.join("\n"));
        }
        if !seen.notices.is_empty() {
            let text = RichText::new("some files are left out").color(palette.warning);
            ui.label(text).on_hover_text(seen.notices.join("\n"));
        }
    }

    /// One line in a fixed place, so that nothing moves under the pointer: what goes on, what failed, what was done.
    fn news_row(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        let palette = Palette::of(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(kind) = self.busy {
                if kind != Kind::Open && ui.button("Cancel").on_hover_text(stopped(kind)).clicked() {
                    self.cancel();
                }
                ui.add(bar(kind, self.progress.as_ref()).desired_height(22.0));
            } else if let Some((kind, failure)) = self.failure.clone() {
                if ui.button("Close").on_hover_text("Take this message away (Esc)").clicked() {
                    self.failure = None;
                }
                self.ways_out(ui, kind, failure.way_out, wants);
                let color = if failure.stopped { palette.warning } else { palette.error };
                line(ui, &failure.text, color);
            } else if let Some(Done { text, at, whole }) = &self.done {
                let close = ui.button("Close").clicked();
                if let Some(path) = at
                    && ui.button("Show in folder").clicked()
                {
                    wants.push(Want::Show(path.clone()));
                }
                line(ui, text, if *whole { palette.good } else { palette.warning });
                if close {
                    self.done = None;
                }
            } else {
                let help = TABS.iter().find(|(tab, ..)| *tab == self.tab).map_or("", |(.., help)| help);
                line(ui, help, palette.weak);
            }
        });
    }

    /// Buttons that do what helps.
    fn ways_out(&mut self, ui: &mut Ui, kind: Kind, way: Option<WayOut>, wants: &mut Vec<Want>) {
        if way == Some(WayOut::Locate) && matches!(kind, Kind::Look | Kind::Sort) {
            let button = ui.button("Where are they now?");
            if button.on_hover_text("Choose the folder that they lie in now").clicked() {
                wants.push(Want::Ask(Ask::Folder("Where the pictures are now"), For::Moved));
            }
            if kind == Kind::Look {
                return;
            }
        }
        let (text, help) = match (kind, way) {
            // What was refused is put right above, and ordered anew.
            (Kind::Sort, _) if self.unfinished().is_none() => return,
            (Kind::Sort, Some(WayOut::Copies)) => ("Make copies", "Copies may lie on another disk"),
            (Kind::Sort, _) if self.doubles() => {
                ("Go on as it was", "By the groups of then: by those of now, pictures would lie there twice")
            }
            (Kind::Sort, _) => ("Go on", "What is there already is left as it is"),
            (Kind::Look | Kind::Group, _) => ("Try again", "The same once more"),
            (Kind::Open, _) => (OTHER_WEIGHTS, "A network of another file"),
            _ => return,
        };
        if !ui.button(text).on_hover_text(help).clicked() {
            return;
        }
        match (kind, way) {
            (Kind::Sort, Some(WayOut::Copies)) => self.resume_as_copies(),
            (Kind::Sort, _) => self.resume(),
            (Kind::Group, _) => self.order(Task::Group(self.wanted.0, self.wanted.1)),
            (Kind::Open, _) => wants.push(other_weights()),
            _ => self.look_at(self.choice.clone()),
        }
    }

    /// Before any picture was looked at.
    fn nothing_yet(&mut self, ui: &mut Ui, wants: &mut Vec<Want>) {
        if self.needs_pictures() {
            let text = "This file of weights does not say which pictures it was trained on. Choose a folder above, \
                        or drop one on this window.";
            let rect = ui.available_rect_before_wrap();
            widgets::empty(ui, "Which pictures?", text);
            let at = Rect::from_center_size(rect.center() + vec2(0.0, 70.0), vec2(170.0, 32.0));
            if ui.put(at, Button::new("Choose a folder…")).clicked() {
                wants.push(Want::Ask(Ask::Folder("A folder of pictures"), For::Used));
            }
            return;
        }
        let middle = ui.available_rect_before_wrap().center();
        match (&self.failure, self.busy.map_or(self.missed, |_| None)) {
            (Some((_, failure)), _) => widgets::empty(ui, "Nothing to show", &failure.text),
            (None, Some(missed)) => self.missing(ui, missed, middle, wants),
            (None, None) => widgets::empty(
                ui,
                "Opening…",
                "The network looks at every picture once; then they can be sorted, searched and explored.",
            ),
        }
    }

    /// Where the message of what failed was closed.
    fn missing(&mut self, ui: &mut Ui, missed: Kind, middle: Pos2, wants: &mut Vec<Want>) {
        let open = missed == Kind::Open;
        let (title, text, button) = if open {
            ("No network is open", "This file could not be loaded as one.", OTHER_WEIGHTS)
        } else {
            ("No pictures were looked at", "Try these again, or choose others above.", "Try again")
        };
        widgets::empty(ui, title, text);
        let at = Rect::from_center_size(middle + vec2(0.0, 50.0), vec2(170.0, 32.0));
        if ui.put(at, Button::new(button)).clicked() {
            if open {
                wants.push(other_weights());
            } else {
                self.look_at(self.choice.clone());
            }
        }
    }
}

fn other_weights() -> Want {
    Want::Ask(Ask::File("Weights", WEIGHTS), For::Weights)
}

/// A line from the left, in what the buttons on the right leave.
fn line(ui: &mut Ui, text: &str, color: Color32) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.add(Label::new(RichText::new(text).color(color)).truncate()).on_hover_text(text);
    });
}

/// What a task that was stopped leaves behind.
pub(super) fn stopped(kind: Kind) -> &'static str {
    match kind {
        Kind::Sort => "Sorting was stopped between two files: nothing is lost, and it can go on from here.",
        Kind::Look | Kind::Open => "Looking at the pictures was stopped.",
        _ => "It was stopped; nothing was written.",
    }
}

fn bar(kind: Kind, progress: Option<&Progress>) -> ProgressBar {
    let doing = match kind {
        Kind::Open => "loading the network",
        Kind::Look => "looking at pictures",
        Kind::Group => "grouping",
        Kind::Find => "finding look-alikes",
        Kind::Sort => "sorting",
        Kind::Write => "writing",
        Kind::Judge => "judging",
    };
    let Some(progress) = progress else { return ProgressBar::new(0.0).text(doing).animate(true) };
    let share = if progress.total > 0 { progress.done as f32 / progress.total as f32 } else { 0.0 };
    ProgressBar::new(share).text(crate::top::pass(progress))
}
