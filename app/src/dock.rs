//! Where panes lie: a tree of tabs and splits that a person can rearrange, and that is remembered.

use crate::panes::{self, Context, Pane, Wants};
use crate::theme::Palette;
use crate::widgets;
use eframe::egui::{
    self, Color32, Frame, Id, IdSalt, Margin, Rect, Response, Role, Stroke, Ui, Visuals, WidgetInfo,
    WidgetText,
};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree,
    UiResponse,
};
use std::collections::BTreeMap;

/// The panes and their places.
pub struct Dock {
    panes: Vec<Box<dyn Pane>>,
    tree: Tree<String>,
    /// Where the panes lie that were drawn last.
    places: BTreeMap<String, Rect>,
}

impl Dock {
    /// The panes at their remembered places, or at the usual ones.
    #[must_use]
    pub fn new(remembered: Option<Tree<String>>) -> Self {
        let panes = panes::all();
        let complete = |tree: &Tree<String>| {
            panes.iter().all(|pane| tree.tiles.find_pane(&pane.id().to_owned()).is_some())
        };
        let tree = remembered.filter(complete).unwrap_or_else(usual);
        Self { panes, tree, places: BTreeMap::new() }
    }

    /// The places, to be remembered.
    #[must_use]
    pub fn tree(&self) -> &Tree<String> {
        &self.tree
    }

    /// Puts all panes back to the usual places.
    pub fn reset(&mut self) {
        self.tree = usual();
    }

    /// Draws all visible panes; says what they need.
    pub fn show(&mut self, ui: &mut Ui, context: &mut Context<'_>) -> Wants {
        self.places.clear();
        let (panes, places) = (&mut self.panes, &mut self.places);
        let mut showing = Showing { panes, places, context, wants: Wants::default() };
        self.tree.ui(&mut showing, ui);
        let wants = showing.wants;
        if let Some(root) = self.tree.root() {
            self.name_borders(ui, root, ui.scope_id());
        }
        wants
    }

    /// Borders that can be dragged are drawn by the tree, which tells nobody what they are.
    fn name_borders(&self, ui: &Ui, tile: TileId, scope: Id) {
        let Some(Tile::Container(container)) = self.tree.tiles.get(tile) else { return };
        // Every tile has a `Ui` of its own, and draws in a child of it.
        let scope = scope.with(tile).with(IdSalt::new("child"));
        if let Container::Linear(linear) = container {
            let shown = linear.children.iter().filter(|child| self.tree.tiles.is_visible(**child)).count();
            for border in 0..shown.saturating_sub(1) {
                let id = scope.with((tile, "resize", border));
                ui.ctx().accesskit_node_builder(id, |node| {
                    node.set_role(Role::Splitter);
                    node.set_label("Border between panes");
                });
                if let Some(response) = ui.ctx().read_response(id).filter(Response::has_focus) {
                    ui.painter().rect_filled(response.rect, 2.0, Palette::of(ui).text);
                }
            }
        }
        container.children().for_each(|child| self.name_borders(ui, *child, scope));
    }

    /// Where a pane lies, if it can be seen.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<Rect> {
        self.places.get(id).copied()
    }

    /// Draws one pane alone, by its id.
    pub fn show_one(&mut self, id: &str, ui: &mut Ui, context: &mut Context<'_>) {
        if let Some(pane) = self.panes.iter_mut().find(|pane| pane.id() == id) {
            pane.show(ui, context);
        }
    }
}

/// Multi-crop over curves on the left, embedding over prototypes on the right.
fn usual() -> Tree<String> {
    let mut tiles = Tiles::default();
    let mut pane = |id: &str| tiles.insert_pane(id.to_owned());
    let (crops, curves, log) = (pane("crops"), pane("curves"), pane("log"));
    let (embedding, prototypes) = (pane("embedding"), pane("prototypes"));
    let mut tabs = |children: Vec<TileId>| tiles.insert_tab_tile(children);
    let (crops, curves) = (tabs(vec![crops]), tabs(vec![curves, log]));
    let (embedding, prototypes) = (tabs(vec![embedding]), tabs(vec![prototypes]));
    let mut split = |dir, first, second, share| {
        let linear = Linear::new_binary(dir, [first, second], share);
        tiles.insert_new(Tile::Container(Container::Linear(linear)))
    };
    let left = split(LinearDir::Vertical, crops, curves, 0.56);
    let right = split(LinearDir::Vertical, embedding, prototypes, 0.5);
    let root = split(LinearDir::Horizontal, left, right, 0.54);
    Tree::new(Id::unique("dock"), root, tiles)
}

/// What draws the tree for a frame.
struct Showing<'a, 'b> {
    panes: &'a mut [Box<dyn Pane>],
    places: &'a mut BTreeMap<String, Rect>,
    context: &'a mut Context<'b>,
    wants: Wants,
}

impl Behavior<String> for Showing<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, id: &mut String) -> UiResponse {
        let Some(pane) = self.panes.iter_mut().find(|pane| pane.id() == id) else { return UiResponse::None };
        let wants = pane.wants();
        self.wants.crops |= wants.crops;
        self.wants.sample |= wants.sample;
        let palette = Palette::of(ui);
        self.places.insert(id.clone(), ui.max_rect());
        Frame::new().fill(palette.panel).inner_margin(Margin::same(10)).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            pane.show(ui, self.context);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, id: &String) -> WidgetText {
        self.panes.iter().find(|pane| pane.id() == id).map_or("?", |pane| pane.title()).into()
    }

    /// Tabs are drawn by hand, so that screen readers are told of them here.
    fn on_tab_button(&mut self, tiles: &mut Tiles<String>, tile: TileId, button: Response) -> Response {
        if let Some(Tile::Pane(id)) = tiles.get(tile) {
            let title = self.panes.iter().find(|pane| pane.id() == id).map_or("", |pane| pane.title());
            button.widget_info(|| WidgetInfo::labeled(Role::Tab, true, title));
        }
        if button.has_focus() {
            let painter = button.ctx.layer_painter(button.layer_id).with_clip_rect(button.interact_rect);
            let text = button.ctx.global_style().visuals.text_color();
            widgets::outline(&painter, button.rect.shrink(3.0), 2.0, text);
        }
        button
    }

    /// Panes are dragged by their tabs; what lies behind the tabs is nothing to click.
    fn is_tile_draggable(&self, tiles: &Tiles<String>, tile: TileId) -> bool {
        matches!(tiles.get(tile), Some(Tile::Pane(_)))
    }

    fn retain_pane(&mut self, id: &String) -> bool {
        self.panes.iter().any(|pane| pane.id() == id)
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        6.0
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        26.0
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        visuals.extreme_bg_color
    }

    fn tab_outline_stroke(&self, _: &Visuals, _: &Tiles<String>, _: TileId, _: &TabState) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_places_have_every_pane_and_survive_being_saved() {
        let text = serde_json::to_string(&usual()).unwrap();
        let read: Tree<String> = serde_json::from_str(&text).unwrap();
        let dock = Dock::new(Some(read));
        for pane in panes::all() {
            assert!(dock.tree.tiles.find_pane(&pane.id().to_owned()).is_some(), "{}", pane.id());
        }
        // A layout that lacks a pane, as after an update, is given up.
        let lacking = Tree::new_tabs(Id::unique("lacking"), vec!["log".to_owned()]);
        assert!(Dock::new(Some(lacking)).tree.tiles.len() > 2);
    }
}
