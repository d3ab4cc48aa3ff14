//! The system's own dialogs for files and folders. None of them keeps the window waiting: each is answered on a thread
//! of its own, and the answer is taken in with the next frame.

use rfd::AsyncFileDialog;
use std::future::Future;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A dialog that comes back empty sooner than any person could close it was never there.
const IMPOSSIBLE: Duration = Duration::from_millis(150);

/// What an answer is for.
#[derive(Clone, Debug, PartialEq)]
pub enum For {
    /// Pictures to train on.
    Pictures,
    /// A run to open.
    Run,
    /// Weights to use.
    Weights,
    /// Where runs are kept.
    Home,
    /// Where the pictures of a run lie now.
    Located,
    /// Pictures to use a network on.
    Used,
    /// Where those are now that a network was used on.
    Moved,
    /// A picture to find look-alikes of.
    Query,
    /// Labels to judge by.
    Labels,
    /// Where sorted pictures go.
    Sorted,
    /// Where weights, features or a page go.
    Export(Out),
    /// Where a text goes.
    Text(String),
    /// Where a part of the window goes, in points.
    Part(eframe::egui::Rect),
}

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// The weights.
    Weights,
    /// The features.
    Features,
    /// The page of a run.
    Page,
}

/// What a dialog lets a person choose.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A folder.
    Folder(&'static str),
    /// A file with one of these endings.
    File(&'static str, &'static [&'static str]),
    /// The name of a new file.
    Save(String),
}

/// A dialog's answer: what for, and the path, where one was chosen; or that there is no dialog.
pub type Answer = (For, Result<PathBuf, String>);

/// The dialogs that are open.
#[derive(Debug)]
pub struct Dialogs {
    answers: (Sender<Option<Answer>>, Receiver<Option<Answer>>),
    open: usize,
}

impl Default for Dialogs {
    fn default() -> Self {
        Self { answers: channel(), open: 0 }
    }
}

impl Dialogs {
    /// Opens a dialog. `repaint` is called when it is answered.
    pub fn ask(&mut self, ask: Ask, purpose: For, repaint: impl Fn() + Send + 'static) {
        // One at a time: a second click has not seen the first dialog yet.
        if self.open > 0 {
            return;
        }
        let dialog = AsyncFileDialog::new();
        match ask {
            Ask::Folder(title) => self.wait(dialog.set_title(title).pick_folder(), purpose, repaint),
            Ask::File(title, endings) => {
                let dialog = dialog.set_title(title).add_filter(title, endings);
                self.wait(dialog.pick_file(), purpose, repaint);
            }
            Ask::Save(name) => self.wait(dialog.set_file_name(name).save_file(), purpose, repaint),
        }
    }

    fn wait(
        &mut self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        purpose: For,
        repaint: impl Fn() + Send + 'static,
    ) {
        self.open += 1;
        let sender = self.answers.0.clone();
        std::thread::spawn(move || {
            let start = Instant::now();
            let answer = match pollster::block_on(dialog) {
                Some(file) => Some((purpose, Ok(file.path().to_owned()))),
                None if start.elapsed() < IMPOSSIBLE => {
                    let text = "This desktop has no dialog for files (xdg-desktop-portal). Drop the folder or file on \
                                this window, or type its path.";
                    Some((purpose, Err(text.to_owned())))
                }
                None => None,
            };
            // The window may have gone.
            let _ = sender.send(answer);
            repaint();
        });
    }

    /// What was answered since the last call.
    pub fn poll(&mut self) -> Vec<Answer> {
        let answers: Vec<Option<Answer>> = self.answers.1.try_iter().collect();
        self.open -= answers.len();
        answers.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(dialogs: &mut Dialogs) -> Vec<Answer> {
        let start = Instant::now();
        while dialogs.open > 0 && start.elapsed() < Duration::from_secs(20) {
            let answers = dialogs.poll();
            if !answers.is_empty() {
                return answers;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Vec::new()
    }

    #[test]
    fn a_desktop_without_dialogs_is_told_and_a_dialog_that_was_closed_is_not() {
        let mut dialogs = Dialogs::default();
        dialogs.wait(std::future::ready(None), For::Pictures, || {});
        let answers = answered(&mut dialogs);
        assert!(matches!(&answers[..], [(For::Pictures, Err(text))] if text.contains("type its path")));
        let slow = async {
            std::thread::sleep(2 * IMPOSSIBLE);
            None
        };
        dialogs.wait(slow, For::Run, || {});
        assert!(answered(&mut dialogs).is_empty() && dialogs.open == 0);
    }
}
