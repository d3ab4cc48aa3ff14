//! The network that suits the time which a run is to take.

use crate::form::Form;
use crate::prospect::{Cost, Suited};
use crate::theme::Palette;
use eframe::egui::{RichText, Ui};
use swav_wgpu::config::{Config, Value as _};

/// Offers the network that suits the time, where it is another than that of the settings.
pub(super) fn show(ui: &mut Ui, form: &mut Form, config: &Config, cost: Option<&Result<Cost, String>>) {
    let Some(time) = form.within() else { return };
    let Some(Ok(Cost { suited: Some(suited), .. })) = cost else { return };
    if suited.is_in(config) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let text = sentence(suited, &time.show());
        ui.label(RichText::new(text).color(Palette::of(ui).weak));
        let rule = format!("It is {}.", suited.rule);
        if ui.button("Take it").on_hover_text(rule).clicked() {
            take(form, suited);
        }
    });
}

fn sentence(suited: &Suited, time: &str) -> String {
    format!(
        "A network for {time} here: {}, which sees every picture about {:.0} times.",
        suited.name, suited.epochs
    )
}

fn take(form: &mut Form, suited: &Suited) {
    for (key, value) in &suited.values {
        if let Ok(setting) = Config::setting(key) {
            form.edit(setting, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_taken_is_in_the_settings() {
        let values = [("width", "16"), ("crops", "2x64@0.3-1"), ("eval_size", "64"), ("eval_resize", "64")];
        let suited = Suited {
            name: "ResNet-10 of width 16".into(),
            epochs: 71.6,
            rule: "the largest".into(),
            values: values.map(|(key, value)| (key, value.to_owned())).to_vec(),
        };
        let mut form = Form::default();
        form.set_data(Some("/photos".into()));
        form.set_within(Some(Duration::from_secs(300)));
        assert!(!suited.is_in(&form.resolve().config));
        take(&mut form, &suited);
        let config = form.resolve().config;
        assert!(suited.is_in(&config) && config.eval_size == 64, "{:?}", form.resolve().errors);
        // The time stays what it was.
        assert_eq!(form.within(), Some(Duration::from_secs(300)));
        assert!(
            sentence(&suited, "5m")
                .contains("for 5m here: ResNet-10 of width 16, which sees every picture about 72")
        );
    }
}
