//! Colours and sizes. One accent; red and amber only for what is wrong.

use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, Visuals, vec2,
};

/// The colours that views use by meaning.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// What can be acted on, and the main series of a plot.
    pub accent: Color32,
    /// Behind all.
    pub ground: Color32,
    /// Behind a pane.
    pub panel: Color32,
    /// Behind something raised or hovered.
    pub raised: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Ordinary text.
    pub text: Color32,
    /// Labels, units, what matters less.
    pub weak: Color32,
    /// Good news.
    pub good: Color32,
    /// To look into.
    pub warning: Color32,
    /// Wrong.
    pub error: Color32,
    /// The views of a picture, and other things that are told apart.
    pub series: [Color32; 8],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub(crate) const DARK: Palette = Palette {
    accent: rgb(0x5f_a8ff),
    ground: rgb(0x0f_1216),
    panel: rgb(0x16_1a20),
    raised: rgb(0x23_2932),
    line: rgb(0x2a_313b),
    text: rgb(0xd9_dee6),
    weak: rgb(0x8c_96a5),
    good: rgb(0x6c_c49a),
    warning: rgb(0xe8_b45a),
    error: rgb(0xf0_7a72),
    series: [
        rgb(0x5f_a8ff),
        rgb(0xf2_a65a),
        rgb(0x6c_c49a),
        rgb(0xd9_86c4),
        rgb(0xe5_d96b),
        rgb(0x6f_cfd6),
        rgb(0xb0_95f2),
        rgb(0xe2_7d72),
    ],
};

const LIGHT: Palette = Palette {
    accent: rgb(0x1f_66d1),
    ground: rgb(0xe9_ecf0),
    panel: rgb(0xfb_fcfd),
    raised: rgb(0xe8_ecf2),
    line: rgb(0xd4_dae2),
    text: rgb(0x1d_232c),
    weak: rgb(0x5d_6876),
    good: rgb(0x1f_7f52),
    warning: rgb(0x93_5f00),
    error: rgb(0xb8_302a),
    series: [
        rgb(0x1f_66d1),
        rgb(0xc2_6410),
        rgb(0x1f_7f52),
        rgb(0xa3_3c88),
        rgb(0x8a_7a00),
        rgb(0x0f_7a82),
        rgb(0x6a_48c4),
        rgb(0xb2_3f35),
    ],
};

impl Palette {
    /// The colours of the theme that is on.
    #[must_use]
    pub fn of(ui: &egui::Ui) -> Self {
        if ui.visuals().dark_mode { DARK } else { LIGHT }
    }

    /// The colour of a prototype, a class or anything else that is numbered: golden-angle hues, so that
    /// neighbours in number differ.
    #[must_use]
    pub fn numbered(self, number: u32) -> Color32 {
        let hue = (number as f32 * 0.618_034).fract();
        let dark = self.ground.r() < 128;
        let ring = (number / 5 % 3) as f32 * 0.12;
        let (saturation, value) = if dark { (0.55 + ring, 0.95 - ring) } else { (0.68 + ring, 0.72 - ring) };
        egui::ecolor::Hsva::new(hue, saturation, value, 1.0).into()
    }
}

/// Installs both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_style_of(Theme::Dark, style(&DARK, Visuals::dark()));
    ctx.set_style_of(Theme::Light, style(&LIGHT, Visuals::light()));
}

fn style(palette: &Palette, mut visuals: Visuals) -> Style {
    let Palette { accent, ground, panel, raised, line, text, weak, .. } = *palette;
    visuals.panel_fill = panel;
    visuals.window_fill = panel;
    visuals.window_stroke = Stroke::new(1.0, line);
    visuals.extreme_bg_color = ground;
    visuals.faint_bg_color = raised.gamma_multiply(0.5);
    visuals.code_bg_color = ground;
    visuals.hyperlink_color = accent;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.weak_text_color = Some(weak);
    visuals.selection.bg_fill = accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, text);
    visuals.window_corner_radius = CornerRadius::same(6);
    visuals.menu_corner_radius = CornerRadius::same(6);
    let radius = CornerRadius::same(4);
    let widgets = &mut visuals.widgets;
    for (widget, fill, stroke) in [
        (&mut widgets.noninteractive, panel, line),
        (&mut widgets.inactive, raised, line),
        (&mut widgets.hovered, raised, weak),
        (&mut widgets.active, raised, accent),
        (&mut widgets.open, raised, weak),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    let mut style = Style { visuals, ..Style::default() };
    style.spacing.item_spacing = vec2(8.0, 5.0);
    style.spacing.button_padding = vec2(9.0, 3.0);
    style.spacing.interact_size.y = 24.0;
    style.spacing.menu_margin = Margin::same(8);
    style.spacing.tooltip_width = 380.0;
    style.spacing.scroll = egui::style::ScrollStyle::thin();
    style.text_styles = [
        (TextStyle::Heading, FontId::new(19.0, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(13.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(13.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
        (TextStyle::Small, FontId::new(11.0, FontFamily::Proportional)),
    ]
    .into();
    style
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::epaint::text::{FallbackRequest, FontProvider};
    use egui_system_font_provider::SystemFontProvider;
    use std::sync::Arc;

    /// Whether a window draws 中, and what a text with it is as long as.
    fn han(providers: Vec<Arc<dyn FontProvider>>) -> (bool, f32) {
        let ctx = egui::Context::default();
        install(&ctx);
        providers.into_iter().for_each(|provider| ctx.add_font_provider(provider));
        ctx.begin_pass(egui::RawInput::default());
        let found = ctx.fonts_mut(|fonts| {
            let font = FontId::new(13.0, FontFamily::Proportional);
            let text = fonts.layout_no_wrap("山 中".to_owned(), font.clone(), Color32::WHITE);
            (fonts.has_glyph(&font, '\u{4e2d}'), text.size().x)
        });
        ctx.end_pass().textures_delta.clear();
        found
    }

    /// eframe asks the system for a font when a character needs one, on a thread of its own.
    #[test]
    fn chinese_names_are_drawn_where_the_system_has_a_font_and_break_nothing_where_not() {
        let (drawn, width) = han(Vec::new());
        assert!(!drawn && width > 0.0, "the fonts of the toolkit have no such character");
        let system: Arc<dyn FontProvider> = Arc::new(SystemFontProvider::new());
        let request = FallbackRequest { cluster: "\u{4e2d}", family: &FontFamily::Proportional };
        let installed = system.font_for(&request).is_some();
        assert_eq!(han(vec![system]).0, installed);
        let none: Arc<dyn FontProvider> = Arc::new(|_: &FallbackRequest<'_>| None);
        assert_eq!(han(vec![none]), (false, width));
        // It is on unless somebody turns it off.
        assert!(eframe::NativeOptions::default().system_font_fallback);
        let features = include_str!("../Cargo.toml");
        assert!(features.contains("\"system_fonts\"") && features.contains("\"accesskit\""));
    }
}
