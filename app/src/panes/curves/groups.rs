//! Where charts stand: those of a group side by side, its heading above the first.

use super::charts::Drawn;
use eframe::egui::{Label, RichText, Sense, Stroke, Ui, vec2};
use swav_wgpu::train::figures::Group;

use crate::theme::Palette;

/// Height of a row of headings, points.
pub(super) const HEADING: f32 = 16.0;

/// A chart in its row.
pub(super) struct Cell {
    pub(super) drawn: Drawn,
    /// Whether its group begins here, so that the heading stands above it.
    pub(super) begins: bool,
}

/// Puts charts into rows of so many. What is left of a row has the next group that fits into it, and any other begins a row,
/// so that no chart stands below the heading of another group.
pub(super) fn rows(charts: &[Drawn], columns: usize) -> Vec<Vec<Cell>> {
    let mut groups: Vec<&[Drawn]> = charts.chunk_by(|a, b| a.figure.group == b.figure.group).collect();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    while !groups.is_empty() {
        let left = rows.last().map_or(0, |row| columns - row.len());
        let fits = groups.iter().position(|group| group.len() <= left);
        let group = groups.remove(fits.unwrap_or(0));
        let mut cells =
            group.iter().enumerate().map(|(at, &drawn)| Cell { drawn, begins: at == 0 }).collect::<Vec<_>>();
        match rows.last_mut().filter(|_| fits.is_some()) {
            Some(row) => row.append(&mut cells),
            None => {
                while !cells.is_empty() {
                    let rest = cells.split_off(columns.min(cells.len()));
                    rows.push(std::mem::replace(&mut cells, rest));
                }
            }
        }
    }
    rows
}

/// Whether a group begins in a row.
pub(super) fn is_headed(row: &[Cell]) -> bool {
    row.iter().any(|cell| cell.begins)
}

/// Draws the headings of a row, each over as many charts as stand below it. The pointer is told what a group is about.
pub(super) fn headings(ui: &mut Ui, row: &[Cell], width: f32, gap: f32) {
    let palette = Palette::of(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for cells in row.chunk_by(|a, b| a.drawn.figure.group == b.drawn.figure.group) {
            let wide = width * cells.len() as f32 + gap * (cells.len() - 1) as f32;
            ui.allocate_ui(vec2(wide, HEADING), |ui| {
                ui.set_min_size(vec2(wide, HEADING));
                if let Some(group) =
                    cells.first().filter(|cell| cell.begins).map(|cell| cell.drawn.figure.group)
                {
                    heading(ui, palette, group);
                }
            });
        }
    });
}

fn heading(ui: &mut Ui, palette: Palette, group: Group) {
    let rect = ui.max_rect();
    let text = RichText::new(group.title()).size(13.0).color(palette.accent);
    let label = ui.add(Label::new(text).truncate().sense(Sense::hover())).on_hover_text(group.help());
    let line = Stroke::new(1.0, palette.line);
    let right = (label.rect.right() + 8.0).min(rect.right())..=rect.right();
    ui.painter().hline(right, label.rect.center().y, line);
}

#[cfg(test)]
mod tests {
    use super::super::charts::charts;
    use super::*;

    /// The keys of a row; a `|` stands where a heading does.
    fn shown(columns: usize) -> Vec<String> {
        let all = charts(&crate::samples::running(900).reports);
        let word = |cell: &Cell| format!("{}{}", if cell.begins { "|" } else { "" }, cell.drawn.figure.key);
        rows(&all, columns).iter().map(|row| row.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn figures_that_mean_alike_stand_under_one_heading() {
        assert_eq!(
            shown(4),
            [
                "|loss gradient_norm lr |knn",
                "|code_entropy prototypes_used embedding_spread prototypes_duplicated",
                "|images_per_s wait_share",
            ]
        );
        assert_eq!(
            shown(3),
            [
                "|loss gradient_norm lr",
                "|knn |images_per_s wait_share",
                "|code_entropy prototypes_used embedding_spread",
                "prototypes_duplicated",
            ]
        );
        // However narrow, nothing is left out, and every group has its heading once.
        for columns in 1..8 {
            let all = shown(columns).join(" ");
            assert_eq!((all.split(' ').count(), all.matches('|').count()), (10, 4), "{columns}: {all}");
        }
        assert!(rows(&[], 4).is_empty());
    }

    #[test]
    fn every_group_says_what_it_is_about() {
        let mut titles: Vec<&str> = Group::ALL.map(Group::title).to_vec();
        titles.dedup();
        assert_eq!(titles.len(), 4);
        assert!(Group::ALL.iter().all(|group| group.help().ends_with('.') && group.help().len() > 40));
    }
}
