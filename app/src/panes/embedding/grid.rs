//! The pictures that are marked, beside the plane.

use crate::panes::{Action, Context};
use crate::theme::Palette;
use crate::thumbs::Names;
use crate::widgets;
use eframe::egui::{RichText, Sense, Ui, Vec2, vec2};

/// Side of a picture, points.
const SIDE: f32 = 52.0;
/// Between two pictures.
const GAP: f32 = 5.0;
/// Width of the grid: two pictures and the scroll bar.
pub(super) const WIDTH: f32 = 2.0 * (SIDE + GAP) + 14.0;

/// A click leaves only that one marked.
pub(super) fn show(ui: &mut Ui, context: &mut Context<'_>) {
    let palette = Palette::of(ui);
    let marked: Vec<u32> = context.look.marked.iter().copied().collect();
    ui.label(RichText::new(format!("{} marked", marked.len())).color(palette.weak));
    let trains = context.state.started.is_some();
    if trains && ui.button("Show crops").on_hover_text("Show the crops of the first few of them").clicked() {
        context.look.pictures = marked.iter().copied().take(4).collect();
    }
    if ui.button("Save list…").on_hover_text("Write the names of their files into a text file").clicked() {
        let text = list(context.thumbs.names(), &marked);
        context.actions.push(Action::SaveText { name: "marked.txt".to_owned(), text });
    }
    super::super::look_alikes(ui, context);
    widgets::grid(ui, marked.len(), vec2(SIDE, SIDE), GAP, |ui, at| tile(ui, context, palette, marked[at]));
}

/// What pictures are called, one a line.
fn list(names: &Names, pictures: &[u32]) -> String {
    pictures.iter().map(|&picture| names.told(picture) + "\n").collect()
}

fn tile(ui: &mut Ui, context: &mut Context<'_>, palette: Palette, picture: u32) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SIDE), Sense::click());
    context.thumbs.paint(ui.painter(), rect, picture, palette.raised);
    if response.hovered() {
        widgets::outline(ui.painter(), rect, 1.5, palette.accent);
    }
    widgets::focus(ui, &response, rect);
    if response.clicked() {
        context.look.mark([picture]);
    }
    response.context_menu(|ui| {
        if ui.button("Find look-alikes").clicked() {
            context.actions.push(Action::LookAlikes(picture));
            ui.close();
        }
    });
    let name = context.thumbs.names().told(picture);
    widgets::name(&response, name.clone());
    response.on_hover_text(format!("{name}\nClick to mark only this one; right click for look-alikes."));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_file_of_every_marked_picture() {
        let files = ["a.png", "b/c.png", ""].map(str::to_owned).to_vec();
        let names = Names {
            files,
            classes: vec!["bird".into()],
            labels: vec![None, None, Some(0)],
            ..Names::default()
        };
        assert_eq!(list(&names, &[1, 2]), "b/c.png\nbird #2\n");
        assert_eq!(list(&names, &[]), "");
    }
}
