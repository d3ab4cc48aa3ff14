//! The figures of a run over its steps, small multiples with one axis of steps, grouped by what they mean.
//!
//! | file | what |
//! |---|---|
//! | `charts` | which figures are drawn, their points, and how numbers are written |
//! | `groups` | where charts stand, and the headings of their groups |
//! | `chart` | one chart |

mod chart;
mod charts;
mod groups;

use super::{Action, Compared, Context, Pane, export};
use crate::recent;
use crate::state::State;
use crate::theme::Palette;
use crate::widgets;
use chart::{Sheet, tints};
use charts::{Drawn, charts, is_knn, own_points};
use eframe::egui::{self, RichText, ScrollArea, Slider, Ui, Vec2, vec2};
use groups::{HEADING, headings, is_headed, rows};
use std::path::{Path, PathBuf};
use swav_wgpu::uses::references::{REFERENCES, References};

/// The least height of a chart, points.
const HEIGHT: f32 = 96.0;
/// The least width of a chart, points.
const WIDTH: f32 = 148.0;
/// Between charts that stand side by side, points.
const GAP: f32 = 8.0;
/// Between rows, points.
const LINE: f32 = 3.0;

pub(super) struct CurvesPane {
    smoothing: f64,
    /// Whether all axes are logarithmic, not only those of figures that want it.
    log: bool,
    /// The figure whose chart is shown alone.
    alone: Option<&'static str>,
}

impl Default for CurvesPane {
    fn default() -> Self {
        Self { smoothing: 0.6, log: false, alone: None }
    }
}

impl Pane for CurvesPane {
    fn id(&self) -> &'static str {
        "curves"
    }

    fn title(&self) -> &'static str {
        "Curves"
    }

    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) {
        if context.state.reports.is_empty() {
            let text = "Loss, kNN accuracy, entropy and more are drawn here as they are reported.";
            widgets::not_yet(ui, context.state.phase, "No reports yet", text);
            return;
        }
        // The charts without the buttons above them.
        let all = ui.max_rect();
        let area = egui::Rect::from_min_max(all.min + vec2(0.0, 30.0), all.max);
        follow(context.state, context.compared);
        self.header(ui, context, area);
        let mut drawn = charts(&context.state.reports);
        // What has no value yet has no chart, but kNN of pictures with labels, which keeps its place.
        let labels = context.state.started.as_ref().is_some_and(|started| started.classes > 0);
        drawn.retain(|drawn| !own_points(context.state, drawn).is_empty() || (is_knn(drawn) && labels));
        drawn.iter_mut().for_each(|drawn| drawn.chart.log |= self.log);
        let alone = self.alone.and_then(|key| drawn.iter().find(|drawn| drawn.figure.key == key));
        if let Some(&drawn) = alone {
            self.chart(ui, context, drawn, ui.available_size(), true);
        } else {
            self.together(ui, context, &drawn);
        }
    }
}

impl CurvesPane {
    /// All charts, under the headings of their groups.
    fn together(&mut self, ui: &mut Ui, context: &Context<'_>, drawn: &[Drawn]) {
        let all = ui.available_size();
        let columns = ((all.x + GAP) / (WIDTH + GAP)).floor().clamp(1.0, 4.0) as usize;
        let rows = rows(drawn, columns);
        let headed = rows.iter().filter(|row| is_headed(row)).count() as f32;
        let room = all.y - headed * (HEADING + LINE) - LINE * rows.len() as f32;
        let size = vec2(
            // The scroll bar has the rest.
            (all.x - GAP * (columns as f32 - 1.0) - 10.0) / columns as f32,
            (room / rows.len().max(1) as f32).max(HEIGHT),
        );
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = LINE;
            for row in &rows {
                if is_headed(row) {
                    headings(ui, row, size.x, GAP);
                }
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    for cell in row {
                        ui.allocate_ui(size, |ui| self.chart(ui, context, cell.drawn, size, false));
                    }
                });
            }
        });
    }

    /// A chart; a click on its title shows it alone, or all of them again.
    fn chart(&mut self, ui: &mut Ui, context: &Context<'_>, drawn: Drawn, size: Vec2, large: bool) {
        if Sheet::new(context, Palette::of(ui), drawn).show(ui, size, large, self.smoothing) {
            self.alone = if self.alone.is_some() { None } else { Some(drawn.figure.key) };
        }
    }

    fn header(&mut self, ui: &mut Ui, context: &mut Context<'_>, area: egui::Rect) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            if self.alone.is_some() && ui.button("All charts").on_hover_text("Back").clicked() {
                self.alone = None;
            }
            let label = ui.label(RichText::new("smoothing").color(palette.weak));
            ui.spacing_mut().slider_width = 80.0;
            let slider = Slider::new(&mut self.smoothing, 0.0..=0.95).fixed_decimals(2);
            let smoothing = ui.add(slider).labelled_by(label.id).on_hover_text(
                "Share of the smoothed curve that is kept from point to point; faint curves are not smoothed",
            );
            widgets::focus(ui, &smoothing, smoothing.rect);
            ui.checkbox(&mut self.log, "log")
                .on_hover_text("Logarithmic axes; values of 0 and less are left out");
            ui.menu_button("Compare", |ui| compare(ui, context))
                .response
                .on_hover_text("Draw an earlier run's curves too");
            ui.menu_button("Export", |ui| {
                if ui.button("Figures as CSV…").clicked() {
                    let text = export::csv(&context.state.reports);
                    context.actions.push(Action::SaveText { name: "metrics.csv".to_owned(), text });
                }
                if ui.button("This pane as PNG…").clicked() {
                    context.actions.push(Action::SavePicture { name: "curves.png".to_owned(), rect: area });
                }
            });
            for (other, tint) in context.compared.iter().zip(tints(palette, context.compared)) {
                ui.label(RichText::new(&other.name).color(tint));
            }
        });
        ui.add_space(2.0);
    }
}

/// Draws references where they belong beside this run: it may have begun after they were chosen.
fn follow(state: &State, compared: &mut [Compared]) {
    for other in compared {
        let references = REFERENCES.iter().find(|references| other.references == Some(references.preset));
        if let Some(references) = references
            && let Offer { name, .. } = Offer::of(references, state)
            && name != other.name
        {
            *other = beside(references, name, state);
        }
    }
}

/// References as they are drawn beside this run.
fn beside(references: &References, name: String, state: &State) -> Compared {
    Compared { name, runs: references.runs_beside(total(state)), references: Some(references.preset) }
}

/// The runs that can be compared with.
fn compare(ui: &mut Ui, context: &mut Context<'_>) {
    for references in REFERENCES {
        let same = |other: &Compared| other.references == Some(references.preset);
        let shown = context.compared.iter().position(same);
        let Offer { name, help } = Offer::of(references, context.state);
        if ui.selectable_label(shown.is_some(), &name).on_hover_text(help).clicked() {
            match shown {
                Some(at) => drop(context.compared.remove(at)),
                None => context.compared.push(beside(references, name, context.state)),
            }
        }
    }
    let others = others(context.state, context.others);
    if others.is_empty() {
        ui.label("There is no other run yet.");
    }
    for path in others.into_iter().take(15) {
        let name = recent::name(path);
        let shown = context.compared.iter().position(|other| other.name == name);
        if ui.selectable_label(shown.is_some(), &name).clicked() {
            match shown {
                Some(at) => drop(context.compared.remove(at)),
                None => context.actions.push(Action::Compare(path.clone())),
            }
        }
    }
}

/// References as the menu has them.
struct Offer {
    name: String,
    help: String,
}

impl Offer {
    /// Whether they are of the recipe and the pictures of this run is said, and so is where they are drawn.
    fn of(references: &References, state: &State) -> Self {
        let mut name = references.name_beside(total(state));
        let mut help = references.about.to_owned();
        if !references.fits(&state.config) {
            name += " (other settings)";
            help += ". This run has other settings or pictures: its loss need not be like this one";
        }
        Self { name, help }
    }
}

/// Steps of the whole run, 0 before it is known.
fn total(state: &State) -> u64 {
    state.started.as_ref().map_or(0, |started| started.total_steps)
}

/// All of these runs but the one that is shown.
fn others<'a>(state: &State, all: &'a [PathBuf]) -> Vec<&'a PathBuf> {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let own = state.started.as_ref().map(|started| full(&started.run_folder));
    all.iter().filter(|path| Some(full(path)) != own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use swav_wgpu::config::{Config, Preset};

    #[test]
    fn references_say_whether_they_are_of_this_run_and_where_they_are_drawn() {
        let references = &REFERENCES[0];
        let mut state = crate::samples::running(20);
        state.config = Config::from_preset(Preset::Demo).unwrap();
        let steps = |state: &mut State, total| state.started.as_mut().unwrap().total_steps = total;
        steps(&mut state, references.steps);
        let Offer { name, .. } = Offer::of(references, &state);
        assert_eq!(name, "3 reference runs of demo");
        let mut compared = vec![beside(references, name, &state)];
        steps(&mut state, 4 * references.steps);
        assert_eq!(Offer::of(references, &state).name, "3 reference runs of demo, by share of the run");
        // Those that were chosen beside an earlier run follow this one.
        follow(&state, &mut compared);
        assert_eq!(compared[0].name, Offer::of(references, &state).name);
        assert!(compared[0].runs.iter().all(|run| run.last().unwrap().step == 4 * references.steps));
        state.config.data = Some("photos".into());
        let Offer { name, help } = Offer::of(references, &state);
        assert!(name.ends_with("(other settings)") && help.contains("need not be like"), "{name} {help}");
    }

    #[test]
    fn a_run_is_not_compared_with_itself() {
        let state = crate::samples::running(20);
        let own = std::path::absolute("runs/demo-3").unwrap();
        let all = ["runs/demo-2".into(), own, "runs/demo-3".into(), "runs/demo-4".into()];
        let found = others(&state, &all);
        assert_eq!(found, [&all[0], &all[3]]);
        assert_eq!(others(&State::default(), &all).len(), 4);
    }
}
