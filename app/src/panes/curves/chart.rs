//! One chart: its title with the newest value, the curves of all runs, and what the pointer is told.

use super::super::{Compared, Context};
use super::charts::{
    Drawn, around, ends, level, log_marks, marked, marks, number, own_points, points, smoothed, steps,
};
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{Color32, Id, Label, Rangef, RichText, Sense, TextStyle, Ui, Vec2, vec2};
use egui_plot::{AxisHints, GridMark, HLine, HoverPosition, Line, LineStyle, Plot, PlotUi, Points};
use std::ops::RangeInclusive;

/// Points of fewer than these are drawn as dots too.
const FEW: usize = 12;
/// Height of a chart's title, points.
const TITLE: f32 = 24.0;

/// A curve of a run.
struct Run<'a> {
    /// The name of the run, which reference runs share.
    name: &'a str,
    points: Vec<[f64; 2]>,
    tint: Color32,
    /// Whether it is a reference run: thin, and without what only says how a curve came about.
    is_reference: bool,
}

/// A figure of all runs that are shown, over their steps.
pub(super) struct Sheet<'a> {
    drawn: Drawn,
    /// The run itself first.
    runs: Vec<Run<'a>>,
    /// The last step of all of them.
    most: f64,
    /// The dashed line, where the axis has it.
    level: Option<(&'static str, f64)>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(context: &'a Context<'_>, palette: Palette, drawn: Drawn) -> Self {
        let own = own_points(context.state, &drawn);
        let mut runs = vec![Run { name: "this run", points: own, tint: palette.accent, is_reference: false }];
        for (other, tint) in context.compared.iter().zip(tints(palette, context.compared)) {
            let is_reference = other.references.is_some();
            runs.extend(other.runs.iter().map(|reports| Run {
                name: &other.name,
                points: points(reports, &drawn),
                tint,
                is_reference,
            }));
        }
        let lasts = runs.iter().filter_map(|run| Some(run.points.last()?[0]));
        let most = lasts.fold(context.state.step.max(1) as f64, f64::max);
        let on_axis = |value: f64| if drawn.chart.log { value.log10() } else { value };
        let level = level(context.state, &drawn).map(|(name, value)| (name, on_axis(value)));
        Self { drawn, runs, most, level }
    }

    /// Draws it in `size` points; whether its title was clicked. One of many shows all steps; a `large` one, which is
    /// alone, can be dragged and zoomed. `keep` is the share of the smoothed curve that is kept from point to point.
    pub(super) fn show(&self, ui: &mut Ui, size: Vec2, large: bool, keep: f64) -> bool {
        let palette = Palette::of(ui);
        let drawing = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            // Charts stand below each other and below their headings, whatever their axes say.
            ui.set_min_width(size.x);
            let clicked = self.title(ui, palette);
            if self.runs.iter().all(|run| run.points.is_empty()) {
                ui.label(RichText::new("comes with the first evaluation").color(palette.weak));
                return clicked;
            }
            let size = vec2(size.x - self.margin(ui), size.y);
            let shown = self.plot(palette, size, large).show(ui, |plot| {
                if !large {
                    plot.set_plot_bounds_x(-0.01 * self.most..=1.01 * self.most);
                }
                if let Some((name, value)) = self.level {
                    let line = HLine::new(name, value).color(palette.weak);
                    plot.hline(line.style(LineStyle::Dashed { length: 6.0 }).width(1.0));
                }
                // The run itself lies on top, references below all.
                let layer = |references: bool| {
                    self.runs.iter().enumerate().rev().filter(move |(_, run)| run.is_reference == references)
                };
                for (at, run) in layer(true).chain(layer(false)) {
                    self.curve(plot, at, run, keep);
                }
            });
            widgets::name(&shown.response, format!("{} by steps", self.drawn.figure.title));
            widgets::focus(ui, &shown.response, shown.response.rect);
            clicked
        };
        ui.vertical(drawing).inner
    }

    /// The name of the figure with its newest value.
    fn title(&self, ui: &mut Ui, palette: Palette) -> bool {
        let Drawn { figure, chart } = self.drawn;
        let titled = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let name = ui.add(Label::new(RichText::new(figure.title).strong()).sense(Sense::click()));
            if name.gained_focus() {
                // The keyboard may come to a chart that has been scrolled away.
                name.scroll_to_me(None);
            }
            if let Some([_, value]) = self.runs.first().and_then(|run| run.points.last()) {
                let text = format!("{} {}", number(*value, chart.log), figure.unit);
                ui.label(RichText::new(text.trim_end()).monospace().color(palette.weak));
            }
            name.on_hover_text(format!("{} Click to see it alone.", figure.help)).clicked()
        };
        ui.horizontal(titled).inner
    }

    /// The room that the last number of the axis of steps takes beyond the end of the axis, which it is centred on.
    fn margin(&self, ui: &Ui) -> f32 {
        let last = ends((0.0, self.most)).last().map_or_else(String::new, |mark| steps(mark.value));
        let font = TextStyle::Body.resolve(ui.style());
        ui.painter().layout_no_wrap(last, font, Color32::WHITE).size().x / 2.0
    }

    /// The axes, their marks, and what the pointer is told.
    fn plot(&self, palette: Palette, size: Vec2, large: bool) -> Plot<'_> {
        let log = self.drawn.chart.log;
        // The marks are few enough for all of them to be told.
        let axis = AxisHints::new_y()
            .min_thickness(32.0)
            .label_spacing(Rangef::new(6.0, 10.0))
            .formatter(move |mark: GridMark, _: &RangeInclusive<f64>| marked(mark, log));
        let steps_axis = AxisHints::new_x()
            .label_spacing(Rangef::new(6.0, 10.0))
            .formatter(|mark: GridMark, _: &RangeInclusive<f64>| steps(mark.value));
        let plot = Plot::new(("chart", self.drawn.figure.key, large))
            .width(size.x)
            .height((size.y - TITLE).max(40.0))
            .show_background(false)
            .allow_scroll(false)
            // One of many has nothing that a click or a key does.
            .sense(if large { Sense::click_and_drag() } else { Sense::hover() })
            .grid_color(palette.line)
            .y_grid_spacer(move |input| if log { log_marks(input.bounds) } else { marks(input.bounds) })
            .custom_y_axes(vec![axis])
            .include_x(0.0)
            .include_x(self.most)
            .set_margin_fraction(vec2(0.01, 0.08))
            .link_axis(Id::unique("steps"), [true, false])
            .x_grid_spacer(|input| ends(input.bounds))
            .custom_x_axes(vec![steps_axis])
            .label_formatter(|hover: &HoverPosition<'_>| Some(told(hover, &self.drawn, &self.runs)));
        match around(self.runs.iter().flat_map(|run| &run.points)) {
            Some(ends) => ends.into_iter().fold(plot, Plot::include_y),
            None => plot,
        }
    }

    /// The curve of a run: where it is noisy a smoothed one over a faint one, and dots where there are few points.
    /// `at` is its place among all, which tells it from others of its name.
    fn curve<'p>(&'p self, plot: &mut PlotUi<'p>, at: usize, run: &'p Run<'_>, keep: f64) {
        let &Run { name, ref points, tint, is_reference } = run;
        let width = if is_reference { 1.0 } else { 1.6 };
        let line = |name: String, points: Vec<[f64; 2]>| Line::new(name, points).color(tint).width(width);
        let id = format!("{name} {at}");
        if self.drawn.chart.noisy && keep > 0.0 {
            if !is_reference {
                let faint = line(format!("{id}, as reported"), points.clone());
                plot.line(faint.color(tint.gamma_multiply(0.3)).width(1.0));
            }
            plot.line(line(id, smoothed(points, keep)));
            return;
        }
        if points.len() < FEW && !is_reference {
            plot.points(Points::new(id.clone(), points.clone()).color(tint).radius(2.5));
        }
        plot.line(line(id, points.clone()));
    }
}

/// The colour of each: references are grey.
pub(super) fn tints(palette: Palette, compared: &[Compared]) -> impl Iterator<Item = Color32> {
    let series = palette.series.into_iter().cycle().skip(1);
    compared.iter().zip(series).map(move |(other, own)| match other.references {
        Some(_) => palette.weak,
        None => own,
    })
}

/// What the pointer is told: the values of all runs at its step.
fn told(hover: &HoverPosition<'_>, drawn: &Drawn, runs: &[Run<'_>]) -> String {
    let (HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position }) = hover;
    let far = |point: &[f64; 2]| (point[0] - position.x).abs();
    let value = |run: &Run<'_>| {
        let [_, value] = *run.points.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
        Some(number(value, drawn.chart.log))
    };
    let mut text = format!("step {}", steps(position.x.round().max(0.0)));
    // Reference runs of one recipe, which share a name, share a line.
    for same in runs.chunk_by(|a, b| a.is_reference && a.name == b.name) {
        let values: Vec<String> = same.iter().filter_map(value).collect();
        if !values.is_empty() {
            let line = format!("\n{}: {} {}", same[0].name, values.join(", "), drawn.figure.unit);
            text += line.trim_end();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::charts::charts;
    use super::*;

    #[test]
    fn the_pointer_is_told_every_run_at_its_step() {
        let state = crate::samples::running(900);
        let drawn = charts(&state.reports)[0];
        let run = |name, points: &[[f64; 2]], is_reference| Run {
            name,
            points: points.to_vec(),
            tint: Color32::WHITE,
            is_reference,
        };
        let runs = [
            run("this run", &[[10.0, 5.0], [20.0, 4.0]], false),
            run("demo 2", &[[0.0, 6.0], [21.0, 3.5]], false),
            run("references", &[[20.0, 3.75]], true),
            run("references", &[], true),
            run("references", &[[19.0, 3.25]], true),
        ];
        let position = egui_plot::PlotPoint { x: 19.4, y: 0.0 };
        let text = told(&HoverPosition::Elsewhere { position }, &drawn, &runs);
        assert!(
            text.starts_with("step 19\nthis run: 4.00")
                && text.ends_with("\ndemo 2: 3.50 nats\nreferences: 3.75, 3.25 nats"),
            "{text}"
        );
    }
}
