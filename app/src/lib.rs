//! The desktop app of swav-wgpu: drives training and shows what multi-crop, codes and prototypes do, live.
//!
//! ```text
//! engine thread ──Message──▶ State::apply ──▶ views (draw only) ──Action──▶ window ──orders──▶ engine thread
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`engine`] | a run on its own thread with its own device; orders to it; previews made ready to draw |
//! | [`state`] | all that is known of a run; `State::apply` is the only way in, and needs no window |
//! | [`window`] | the eframe app: passes messages in and actions out |
//! | [`start`], [`settings`] | the first screen: one click, a folder, an earlier run; the form of all settings |
//! | [`top`] | run control, progress, timeline, health: what stands above the panes |
//! | [`dock`] | where panes lie |
//! | [`panes`] | one file a pane; adding one is a file and a line |
//! | [`form`], [`prospect`] | the settings of the next run; what suits the pictures, and how long it takes |
//! | [`faces`] | a picture for every earlier run |
//! | [`recipes`] | what recipes make of the pictures, for their cards |
//! | [`recent`], [`looks`], [`home`] | earlier runs, and looks at them; where they are kept |
//! | [`uses`] | a network in use: sort a folder, find look-alikes, explore, export, judge |
//! | [`thumbs`], [`widgets`], [`theme`], [`units`] | thumbnails, small parts, colours, numbers for people |
//! | [`tour`] | five bubbles on the first run, each pointing at a part of the window |
//! | [`keys`], [`save`], [`dialogs`] | keyboard shortcuts; writing files that a person asks for; where they go |
//! | [`words`] | errors of the library in the words of the window |
//! | [`arguments`] | the command line: what the window opens with; the page of the manual |
//!
//! Training costs nothing for being watched: the engine has its own thread and device, and is asked for
//! previews only for panes that are visible, as often as a hundredth of its time allows.

pub mod arguments;
pub mod dialogs;
pub mod dock;
pub mod engine;
pub mod faces;
pub mod form;
pub mod home;
pub mod keys;
pub mod looks;
pub mod panes;
pub mod prospect;
pub mod recent;
pub mod recipes;
pub mod save;
pub mod settings;
pub mod start;
pub mod state;
pub mod theme;
pub mod thumbs;
pub mod top;
pub mod tour;
pub mod units;
pub mod uses;
pub mod widgets;
pub mod window;
pub mod words;

/// What the program is called where a system keeps things for it.
pub const ID: &str = "swav-app";

/// The fakes of the tests name the app as those do that stand outside of it.
#[cfg(test)]
extern crate self as swav_app;
#[cfg(test)]
#[path = "../tests/stage/samples.rs"]
mod samples;
