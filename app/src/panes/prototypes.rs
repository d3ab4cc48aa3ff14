//! All prototypes as tiles, each with its nearest pictures; a click opens one.

use super::{Context, Pane, Wants, prototype};
use crate::engine::digest::{Map, Tile};
use crate::theme::Palette;
use crate::{units, widgets};
use eframe::egui::{Align2, Color32, Rect, RichText, Sense, Ui, WidgetInfo, pos2, vec2};

/// A tile shows this many pictures, two by two.
const PICTURES: usize = 4;
/// Side of such a picture, points.
const SIDE: f32 = 38.0;
/// Size of a tile, points.
const TILE: [f32; 2] = [2.0 * SIDE + 14.0, 2.0 * SIDE + 32.0];

/// The order of the tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Use,
    Similarity,
    Number,
}

/// Which tiles are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Filter {
    #[default]
    All,
    Used,
    Dead,
    Twins,
}

#[derive(Default)]
pub(super) struct PrototypesPane {
    order: Order,
    filter: Filter,
    /// The order that was worked out, and for what.
    sorted: Option<(u64, Order, Filter, Vec<u32>)>,
}

impl Pane for PrototypesPane {
    fn id(&self) -> &'static str {
        "prototypes"
    }

    fn title(&self) -> &'static str {
        "Prototypes"
    }

    fn wants(&self) -> Wants {
        Wants { crops: false, sample: true }
    }

    fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) {
        let Some(map) = context.map() else {
            let text = "Every prototype appears here with the pictures that are nearest to it.";
            widgets::not_yet(ui, context.state.phase, "No prototypes yet", text);
            return;
        };
        if let Some(open) = context.look.prototype.filter(|&k| (k as usize) < map.prototypes.len()) {
            prototype::show(ui, context, &map, open);
            return;
        }
        self.header(ui, context, &map);
        let order = self.sorted(&map).to_vec();
        if order.is_empty() {
            widgets::empty(ui, "None", "No prototype is like that at the moment, which is as it should be.");
            return;
        }
        let counted = counted(&map);
        widgets::grid(ui, order.len(), TILE.into(), 6.0, |ui, at| {
            show_tile(ui, context, &map, counted, order[at]);
        });
    }
}

impl PrototypesPane {
    fn header(&mut self, ui: &mut Ui, context: &mut Context<'_>, map: &Map) {
        let counted = counted(map);
        let count = |keep: &dyn Fn(&Tile) -> bool| {
            counted.then(|| map.prototypes.iter().filter(|tile| keep(tile)).count())
        };
        let [used, dead, of] = words(map);
        let filters = [
            (Filter::All, "all", Some(map.prototypes.len()), "Every prototype".to_owned()),
            (Filter::Used, used, count(&|t| t.count > 0), format!("The best one of some {of}")),
            (Filter::Dead, dead, count(&|t| t.count == 0), format!("The best one of no {of}")),
            (
                Filter::Twins,
                "doubled",
                count(&|t| t.twin),
                "Nearly the same as an earlier one (cosine above 0.99)".to_owned(),
            ),
        ];
        ui.horizontal_wrapped(|ui| {
            for (filter, name, number, help) in filters {
                let text = number.map_or_else(|| name.to_owned(), |number| format!("{name} {number}"));
                ui.selectable_value(&mut self.filter, filter, text).on_hover_text(help);
            }
            ui.separator();
            let orders = [
                (Order::Use, "by use", "Most crops first"),
                (Order::Similarity, "by likeness", "Each beside one that is near to it"),
                (Order::Number, "by number", "As they are stored"),
            ];
            for (order, name, help) in orders {
                ui.selectable_value(&mut self.order, order, name).on_hover_text(help);
            }
        });
        ui.horizontal_wrapped(|ui| {
            let (seen, all) = (map.pictures.len(), context.thumbs.names().pretrain.len());
            let holding = map.prototypes.iter().filter(|tile| tile.members > 0).count();
            let of = if seen < all { format!("of {}", units::count(all as u64)) } else { String::new() };
            let text = format!(
                "nearest of {} {of} pictures; {holding} prototypes hold one of them",
                units::count(seen as u64)
            );
            ui.label(RichText::new(text.replace("  ", " ")).color(Palette::of(ui).weak)).on_hover_text(
                "“Used” counts crops of training, “hold” counts these pictures: a prototype can be used by crops that \
                 show only a part, and hold no whole picture.",
            );
            widgets::age(ui, context, 1);
        });
        ui.add_space(2.0);
        ui.add_space(4.0);
    }

    /// The numbers of the tiles, in order; worked out again only where something changed.
    fn sorted(&mut self, map: &Map) -> &[u32] {
        let key = (map.step, self.order, self.filter);
        if self.sorted.as_ref().is_none_or(|(step, order, filter, _)| (*step, *order, *filter) != key) {
            self.sorted = Some((key.0, key.1, key.2, arrange(map, self.order, self.filter)));
        }
        self.sorted.as_ref().map_or(&[], |sorted| &sorted.3)
    }
}

/// What prototypes that count something are called, those that count nothing, and what they count.
fn words(map: &Map) -> [&'static str; 3] {
    if map.still {
        ["with pictures", "empty", "of these pictures"]
    } else {
        ["used", "dead", "crop in the last 10 K crops"]
    }
}

/// Whether any crop has been assigned yet: before that, no prototype is in use, and none is dead.
fn counted(map: &Map) -> bool {
    map.prototypes.iter().any(|tile| tile.count > 0)
}

fn arrange(map: &Map, order: Order, filter: Filter) -> Vec<u32> {
    let keep = |tile: &Tile| match filter {
        Filter::All => true,
        Filter::Used => tile.count > 0,
        Filter::Dead => tile.count == 0,
        Filter::Twins => tile.twin,
    };
    let mut all: Vec<u32> = match order {
        Order::Similarity => chain(map),
        _ => (0..map.prototypes.len() as u32).collect(),
    };
    if order == Order::Use {
        all.sort_by_key(|&k| std::cmp::Reverse(map.prototypes[k as usize].count));
    }
    all.retain(|&k| keep(&map.prototypes[k as usize]));
    all
}

/// From one prototype to the nearest that was not visited, or to the next in number.
fn chain(map: &Map) -> Vec<u32> {
    let n = map.prototypes.len();
    let (mut left, mut order) = (vec![true; n], Vec::with_capacity(n));
    for start in 0..n {
        let mut next = start;
        while left[next] {
            left[next] = false;
            order.push(next as u32);
            let near = map.prototypes[next].neighbours.iter().find(|(k, _)| left[*k as usize]);
            let Some((near, _)) = near else { break };
            next = *near as usize;
        }
    }
    order
}

fn show_tile(ui: &mut Ui, context: &mut Context<'_>, map: &Map, counted: bool, k: u32) {
    let tile = &map.prototypes[k as usize];
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(TILE[0], TILE[1]), Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(
            eframe::egui::Role::Button,
            true,
            format!("prototype {k}, {} pictures", tile.members),
        )
    });
    let painter = ui.painter().clone();
    let ground = if response.hovered() { palette.raised } else { palette.ground };
    painter.rect_filled(rect, 4.0, ground);
    for (at, (picture, _)) in tile.nearest.iter().take(PICTURES).enumerate() {
        let corner = vec2((at % 2) as f32, (at / 2) as f32) * (SIDE + 2.0) + vec2(6.0, 6.0);
        let place = Rect::from_min_size(rect.min + corner, vec2(SIDE, SIDE));
        context.thumbs.paint(&painter, place, *picture, palette.raised);
    }
    let foot = pos2(rect.left() + 6.0, rect.bottom() - 12.0);
    widgets::text_at(&painter, foot, Align2::LEFT_CENTER, &format!("#{k}"), 11.0, palette.weak);
    let [_, dead, _] = words(map);
    let (text, color): (String, Color32) = match (tile.count, tile.twin) {
        _ if !counted => (String::new(), palette.weak),
        (0, true) => (format!("{dead}, doubled"), palette.warning),
        (0, false) => (dead.to_owned(), palette.warning),
        (_, true) => ("doubled".to_owned(), palette.warning),
        (count, _) => (format!("{count}"), palette.text),
    };
    let right = pos2(rect.right() - 6.0, foot.y);
    widgets::text_at(&painter, right, Align2::RIGHT_CENTER, &text, 11.0, color);
    let fair = tile.share * map.prototypes.len() as f64;
    let track = Rect::from_min_max(
        pos2(rect.left() + 6.0, rect.bottom() - 4.5),
        pos2(rect.right() - 6.0, rect.bottom() - 2.5),
    );
    widgets::bar(&painter, track, (fair / 4.0) as f32, palette.accent, palette.raised);
    widgets::focus(ui, &response, rect);
    if response.clicked() {
        context.look.prototype = Some(k);
    }
    let of = if map.still { "pictures" } else { "of the last crops" };
    response.on_hover_text(format!(
        "Prototype {k}: the best one of {} {of}, {fair:.1} times its fair share; {} of the {} pictures that were looked \
         at lie nearest to it. Click to open it.",
        tile.count,
        tile.members,
        map.pictures.len()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_every_prototype_once() {
        let map = crate::samples::map(1, 200, 48);
        for order in [Order::Use, Order::Similarity, Order::Number] {
            let mut all = arrange(&map, order, Filter::All);
            if order == Order::Use {
                assert!(all.is_sorted_by(|a, b| {
                    map.prototypes[*a as usize].count >= map.prototypes[*b as usize].count
                }));
            }
            all.sort_unstable();
            assert_eq!(all, (0..48).collect::<Vec<_>>());
        }
        assert_eq!(arrange(&map, Order::Use, Filter::Dead), [47]);
        assert_eq!(arrange(&map, Order::Number, Filter::Twins), [46]);
    }
}
