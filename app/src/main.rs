//! The desktop window of swav-wgpu.
//!
//! For now it shows what the library finds on this machine and how to start a run; training is driven
//! by the command line. It uses the library only through its public interface, like any other program.

use eframe::egui;
use swav_wgpu::gpu::{self, AdapterFacts};

const TITLE: &str = "SwAV on any GPU";

/// What the window shows.
struct Window {
    /// The adapters, as found when the window opened.
    adapters: Vec<AdapterFacts>,
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        egui::CentralPanel::default().show(ui, |ui| {
            ui.heading(TITLE);
            ui.add_space(8.0);
            ui.label("Training is driven by the command line for now:");
            ui.monospace("swav-wgpu train");
            ui.add_space(16.0);
            ui.heading("Graphics adapters");
            egui::ScrollArea::vertical().show(ui, |ui| self.list(ui));
        });
    }
}

impl Window {
    /// The adapters, a group each.
    fn list(&self, ui: &mut egui::Ui) {
        if self.adapters.is_empty() {
            ui.label("None was found. Install the Vulkan, Metal or DirectX 12 driver of your GPU.");
        }
        for facts in &self.adapters {
            ui.add_space(8.0);
            ui.strong(&facts.name);
            let driver = if facts.driver.is_empty() { "unnamed" } else { &facts.driver };
            ui.label(format!("{}, {}, driver {driver}", facts.kind, facts.backend));
            if facts.software {
                ui.label("Computes on the processor: training works, but slowly.");
            }
        }
    }
}

fn main() -> eframe::Result {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([640.0, 420.0]),
        ..Default::default()
    };
    let start = |_: &eframe::CreationContext<'_>| {
        let window: Box<dyn eframe::App> = Box::new(Window { adapters: gpu::adapters() });
        Ok(window)
    };
    eframe::run_native(TITLE, options, Box::new(start))
}
