//! The figures of a run over its steps, small multiples with one axis of steps.

mod charts;

use super::{Action, Compared, Context, Pane, export};
use crate::recent;
use crate::state::State;
use crate::theme::Palette;
use crate::widgets;
use charts::{
    Drawn, around, charts, ends, is_knn, log_marks, marked, marks, number, own_points, points, reference,
    smoothed, steps,
};
use eframe::egui::{self, Color32, Id, Rangef, RichText, ScrollArea, Slider, Ui, vec2};
use egui_plot::{AxisHints, GridMark, HLine, HoverPosition, Line, LineStyle, Plot, Points};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use swav_wgpu::uses::references::REFERENCES;

/// The least height of a chart, points.
const HEIGHT: f32 = 104.0;
/// The least width of a chart, points.
const WIDTH: f32 = 148.0;

pub(super) struct CurvesPane {
    smoothing: f64,
    /// Whether all axes are logarithmic, not only those of figures that want it.
    log: bool,
    /// The chart that is shown alone.
    alone: Option<usize>,
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
        self.header(ui, context, area);
        let mut drawn = charts(&context.state.reports);
        // What has no value yet has no chart, but kNN of pictures with labels, which keeps its place.
        let labels = context.state.started.as_ref().is_some_and(|started| started.classes > 0);
        drawn.retain(|drawn| !own_points(context.state, drawn).is_empty() || (is_knn(drawn) && labels));
        drawn.iter_mut().for_each(|drawn| drawn.chart.log |= self.log);
        if let Some(at) = self.alone.filter(|&at| at < drawn.len()) {
            self.chart(ui, context, (at, drawn[at]), ui.available_size(), true);
            return;
        }
        let all = ui.available_size();
        let columns = ((all.x + 8.0) / (WIDTH + 8.0)).floor().clamp(1.0, 4.0) as usize;
        let rows = drawn.len().div_ceil(columns);
        let size = vec2(
            (all.x - 8.0 * (columns as f32 - 1.0) - 10.0) / columns as f32,
            ((all.y - 6.0 * rows as f32) / rows as f32).max(HEIGHT),
        );
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for row in 0..rows {
                ui.horizontal_top(|ui| {
                    for at in (row * columns..drawn.len()).take(columns) {
                        ui.allocate_ui(size, |ui| self.chart(ui, context, (at, drawn[at]), size, false));
                    }
                });
            }
        });
    }
}

impl CurvesPane {
    fn header(&mut self, ui: &mut Ui, context: &mut Context<'_>, area: egui::Rect) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            if self.alone.is_some() && ui.button("All charts").on_hover_text("Back").clicked() {
                self.alone = None;
            }
            let label = ui.label(RichText::new("smoothing").color(palette.weak));
            ui.spacing_mut().slider_width = 80.0;
            let slider = Slider::new(&mut self.smoothing, 0.0..=0.95).fixed_decimals(2);
            ui.add(slider).labelled_by(label.id).on_hover_text(
                "Share of the smoothed curve that is kept from point to point; faint curves are not smoothed",
            );
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
            for (at, other) in context.compared.iter().enumerate() {
                ui.label(RichText::new(&other.name).color(colour(palette, at + 1)));
            }
        });
        ui.add_space(2.0);
    }

    fn chart(
        &mut self,
        ui: &mut Ui,
        context: &Context<'_>,
        (at, drawn): (usize, Drawn),
        size: egui::Vec2,
        large: bool,
    ) {
        let palette = Palette::of(ui);
        let Drawn { figure, chart } = drawn;
        let mut runs = vec![("this run", own_points(context.state, &drawn))];
        runs.extend(
            context
                .compared
                .iter()
                .map(|Compared { name, reports }| (name.as_str(), points(reports, &drawn))),
        );
        let lasts = runs.iter().filter_map(|(_, points)| Some(points.last()?[0]));
        let most = lasts.fold(context.state.step.max(1) as f64, f64::max);
        let told_runs = runs.clone();
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            title(ui, palette, context.state, &drawn, &mut self.alone, at);
            if runs.iter().all(|(_, points)| points.is_empty()) {
                ui.label(RichText::new("comes with the first evaluation").color(palette.weak));
                return;
            }
            // The marks are few enough for all of them to be told.
            let axis = AxisHints::new_y()
                .min_thickness(32.0)
                .label_spacing(Rangef::new(6.0, 10.0))
                .formatter(move |mark: GridMark, _: &RangeInclusive<f64>| marked(mark, chart.log));
            let steps_axis = AxisHints::new_x()
                .label_spacing(Rangef::new(6.0, 10.0))
                .formatter(|mark: GridMark, _: &RangeInclusive<f64>| steps(mark.value));
            let plot = Plot::new(("chart", at, large))
                .width(size.x)
                .height((size.y - 24.0).max(40.0))
                .show_background(false)
                .allow_scroll(false)
                .grid_color(palette.line)
                .y_grid_spacer(
                    move |input| if chart.log { log_marks(input.bounds) } else { marks(input.bounds) },
                )
                .custom_y_axes(vec![axis])
                .include_x(0.0)
                .include_x(most)
                .set_margin_fraction(vec2(0.01, 0.08))
                .link_axis(Id::unique("steps"), [true, false])
                .x_grid_spacer(|input| ends(input.bounds))
                .custom_x_axes(vec![steps_axis])
                .label_formatter(move |hover: &HoverPosition<'_>| Some(told(hover, &drawn, &told_runs)));
            let plot = match around(runs.iter().flat_map(|(_, points)| points)) {
                Some(ends) => ends.into_iter().fold(plot, Plot::include_y),
                None => plot,
            };
            let reference = reference(context.state, &drawn);
            let reference =
                reference.map(|(name, value)| (name, if chart.log { value.log10() } else { value }));
            let shown = plot.show(ui, |plot| {
                // A chart that is one of many shows all steps; alone it can be dragged and zoomed.
                if !large {
                    plot.set_plot_bounds_x(-0.01 * most..=1.01 * most);
                }
                if let Some((name, value)) = reference {
                    let line = HLine::new(name, value).color(palette.weak);
                    plot.hline(line.style(LineStyle::Dashed { length: 6.0 }).width(1.0));
                }
                for (run, (name, points)) in runs.iter().enumerate().rev() {
                    let name = *name;
                    let points = points.clone();
                    let colour = colour(palette, run);
                    if chart.noisy && self.smoothing > 0.0 {
                        let smooth = smoothed(&points, self.smoothing);
                        plot.line(
                            Line::new(format!("{name}, as reported"), points)
                                .color(colour.gamma_multiply(0.3))
                                .width(1.0),
                        );
                        plot.line(Line::new(name, smooth).color(colour).width(1.6));
                    } else {
                        if points.len() < 12 {
                            plot.points(Points::new(name, points.clone()).color(colour).radius(2.5));
                        }
                        plot.line(Line::new(name, points).color(colour).width(1.6));
                    }
                }
            });
            widgets::name(&shown.response, format!("{} by steps", figure.title));
        });
    }
}

/// The name of a chart with its newest value; a click shows it alone.
fn title(ui: &mut Ui, palette: Palette, state: &State, drawn: &Drawn, alone: &mut Option<usize>, at: usize) {
    let Drawn { figure, chart } = *drawn;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let name = ui.add(egui::Label::new(RichText::new(figure.title).strong()).sense(egui::Sense::click()));
        if name.on_hover_text(format!("{} Click to see it alone.", figure.help)).clicked() {
            *alone = if alone.is_some() { None } else { Some(at) };
        }
        if let Some([_, value]) = own_points(state, drawn).last().copied() {
            let text = format!("{} {}", number(value, chart.log), figure.unit);
            ui.label(RichText::new(text.trim_end()).monospace().color(palette.weak));
        }
    });
}

/// The runs that can be compared with.
fn compare(ui: &mut Ui, context: &mut Context<'_>) {
    for reference in REFERENCES {
        let shown = context.compared.iter().position(|other| other.name == reference.name);
        let label = ui.selectable_label(shown.is_some(), reference.name).on_hover_text(reference.about);
        if label.clicked() {
            match shown {
                Some(at) => drop(context.compared.remove(at)),
                None => context
                    .compared
                    .push(Compared { name: reference.name.to_owned(), reports: reference.reports() }),
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

/// All of these runs but the one that is shown.
fn others<'a>(state: &State, all: &'a [PathBuf]) -> Vec<&'a PathBuf> {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let own = state.started.as_ref().map(|started| full(&started.run_folder));
    all.iter().filter(|path| Some(full(path)) != own).collect()
}

fn colour(palette: Palette, run: usize) -> Color32 {
    if run == 0 { palette.accent } else { palette.series[run % palette.series.len()] }
}

/// What the pointer is told: the values of all runs at its step.
fn told(hover: &HoverPosition<'_>, drawn: &Drawn, runs: &[(&str, Vec<[f64; 2]>)]) -> String {
    let (HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position }) = hover;
    let mut text = format!("step {}", steps(position.x.round().max(0.0)));
    for (name, points) in runs {
        if let Some([_, value]) =
            points.iter().min_by(|a, b| (a[0] - position.x).abs().total_cmp(&(b[0] - position.x).abs()))
        {
            text += &format!("\n{name}: {} {}", number(*value, drawn.chart.log), drawn.figure.unit);
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_not_compared_with_itself() {
        let state = crate::samples::running(20);
        let own = std::path::absolute("runs/demo-3").unwrap();
        let all = ["runs/demo-2".into(), own, "runs/demo-3".into(), "runs/demo-4".into()];
        let found = others(&state, &all);
        assert_eq!(found, [&all[0], &all[3]]);
        assert_eq!(others(&State::default(), &all).len(), 4);
    }

    #[test]
    fn the_pointer_is_told_every_run_at_its_step() {
        let state = crate::samples::running(900);
        let drawn = charts(&state.reports)[0];
        let runs = [("this run", vec![[10.0, 5.0], [20.0, 4.0]]), ("demo 2", vec![[0.0, 6.0], [21.0, 3.5]])];
        let position = egui_plot::PlotPoint { x: 19.4, y: 0.0 };
        let text = told(&HoverPosition::Elsewhere { position }, &drawn, &runs);
        assert!(text.starts_with("step 19\nthis run: 4.00") && text.contains("\ndemo 2: 3.50"), "{text}");
    }
}
