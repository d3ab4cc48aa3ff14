//! How alike the crops of a picture are to a network without codes, as a square of cosines.

use super::color_of;
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{Align2, Rect, Sense, Ui, pos2, vec2};
use swav_wgpu::train::preview::Crops;

/// Side of a cell.
const CELL: f32 = 20.0;
/// Side of the coloured squares that stand for crops.
const MARK: f32 = 8.0;

/// Draws the square, and in words how alike the crops are to each other and to those of the other pictures.
pub(super) fn show(ui: &mut Ui, palette: Palette, crops: &Crops) {
    let rows: Vec<&[f32]> =
        crops.views.iter().filter_map(|view| Some(view.likeness.as_ref()?.own.as_slice())).collect();
    let n = rows.len();
    let side = CELL * n as f32;
    let size = vec2((side + MARK + 4.0).max(200.0), 18.0 + MARK + 4.0 + side + 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter().clone();
    widgets::text_at(&painter, rect.min, Align2::LEFT_TOP, "likeness of the crops", 12.0, palette.weak);
    let corner = pos2(rect.left() + MARK + 4.0, rect.top() + 18.0 + MARK + 4.0);
    for (row, cosines) in rows.iter().enumerate() {
        let along = row as f32 * CELL + (CELL - MARK) / 2.0;
        for at in [pos2(rect.left(), corner.y + along), pos2(corner.x + along, rect.top() + 18.0)] {
            painter.rect_filled(Rect::from_min_size(at, vec2(MARK, MARK)), 1.0, color_of(palette, row));
        }
        for (column, &cosine) in cosines.iter().enumerate() {
            let at = corner + vec2(column as f32 * CELL, row as f32 * CELL);
            let cell = Rect::from_min_size(at, vec2(CELL, CELL)).shrink(0.5);
            painter.rect_filled(cell, 2.0, palette.raised);
            painter.rect_filled(cell, 2.0, palette.accent.gamma_multiply(cosine.clamp(0.0, 1.0)));
        }
    }
    widgets::name(&response, "How alike the crops are");
    let text = match others(crops) {
        Some(others) => format!("{:.2} within, {others:.2} to other pictures", within(&rows)),
        None => format!("{:.2} within", within(&rows)),
    };
    widgets::text_at(&painter, rect.left_bottom(), Align2::LEFT_BOTTOM, &text, 11.0, palette.weak);
    response.on_hover_text(
        "Cosines of the crops' embeddings: full colour is 1, none is 0 or less. Crops of one picture should be alike, \
         and not those of different pictures; where both are, the network has collapsed.",
    );
}

/// Mean cosine of different crops of the picture.
fn within(rows: &[&[f32]]) -> f32 {
    let n = rows.len();
    let different = rows.iter().enumerate().flat_map(|(row, cosines)| {
        cosines.iter().enumerate().filter(move |(column, _)| *column != row).map(|(_, &cosine)| cosine)
    });
    different.sum::<f32>() / (n * n.saturating_sub(1)).max(1) as f32
}

/// Mean cosine to crops of other pictures, where there are any.
fn others(crops: &Crops) -> Option<f32> {
    let found: Vec<f32> = crops.views.iter().filter_map(|view| view.likeness.as_ref()?.others).collect();
    (!found.is_empty()).then(|| found.iter().sum::<f32>() / found.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_within_leaves_each_crop_itself_out() {
        assert!((within(&[&[1.0, 0.5], &[0.5, 1.0]]) - 0.5).abs() < 1e-6);
        assert!(within(&[&[1.0]]).abs() < 1e-6);
    }
}
