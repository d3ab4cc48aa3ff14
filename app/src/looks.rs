//! Looks at a run that outlive the window: `looks.json` in its folder, beside what the engine writes.

use crate::engine::Message;
use crate::engine::digest::Map;
use crate::state::State;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use swav_wgpu::error::Result;
use swav_wgpu::interop::write_atomic;
use swav_wgpu::train::Event;

/// The file in a run folder.
const FILE: &str = "looks.json";
/// Pictures of a look that are kept, and pictures of each prototype: tens of megabytes in all at most.
const PICTURES: usize = 8192;
const NEAREST: usize = 8;

/// Writes looks into a run folder: wholly, or not at all.
///
/// # Errors
/// What the file system says.
pub fn write(run: &Path, looks: &[Arc<Map>]) -> Result<()> {
    let kept: Vec<Map> = looks.iter().map(|look| kept(look)).collect();
    write_atomic(&run.join(FILE), |file| Ok(serde_json::to_writer(file, &kept)?))
}

/// Writes looks away from the window's thread, one set after the other.
#[derive(Debug, Default)]
pub struct Keeper {
    writing: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Writes the looks of a run into its folder; what goes wrong is told to `news`. `wait` for it before the
    /// program may end.
    pub fn save(&mut self, state: &State, news: &Sender<Message>, wait: bool) {
        self.wait();
        let Some(started) = state.started.as_ref().filter(|_| !state.looks.is_empty()) else { return };
        let (run, looks, news) = (started.run_folder.clone(), state.looks.clone(), news.clone());
        self.writing = Some(std::thread::spawn(move || {
            if let Err(error) = write(&run, &looks) {
                let text = format!("The looks to look back at could not be saved: {error}");
                let _ = news.send(Message::Event(Event::Notice(text)));
            }
        }));
        if wait {
            self.wait();
        }
    }

    fn wait(&mut self) {
        if let Some(writing) = self.writing.take() {
            // A thread that panicked has said so, and looks are only for looking.
            let _ = writing.join();
        }
    }
}

/// The looks that were written; none where there are none, or where they cannot be read: nothing depends on
/// them.
#[must_use]
pub fn read(run: &Path) -> Vec<Arc<Map>> {
    let text = std::fs::read_to_string(run.join(FILE)).unwrap_or_default();
    let looks: Vec<Map> = serde_json::from_str(&text).unwrap_or_default();
    looks.into_iter().filter(is_whole).map(Arc::new).collect()
}

/// What is written of a look.
fn kept(look: &Map) -> Map {
    let mut kept = look.clone();
    kept.pictures.truncate(PICTURES);
    kept.points.truncate(PICTURES);
    kept.best.truncate(PICTURES);
    kept.cosine.truncate(PICTURES);
    kept.loss.truncate(PICTURES);
    kept.prototypes.iter_mut().for_each(|tile| tile.nearest.truncate(NEAREST));
    kept
}

/// Whether panes may index into it: a file can be changed by anybody.
fn is_whole(look: &Map) -> bool {
    let (n, k) = (look.pictures.len(), look.prototypes.len());
    let known = |&(prototype, _): &(u32, f32)| (prototype as usize) < k;
    [look.points.len(), look.best.len(), look.cosine.len(), look.loss.len()] == [n; 4]
        && look.best.iter().all(|&prototype| (prototype as usize) < k)
        && look.prototypes.iter().all(|tile| tile.neighbours.iter().all(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn looks_come_back_and_broken_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).is_empty());
        let large = Arc::new(samples::map(2, PICTURES as u32 + 9, 20));
        let looks = [Arc::new(samples::map(1, 100, 20)), large];
        write(folder.path(), &looks).unwrap();
        let found = read(folder.path());
        let steps: Vec<u64> = found.iter().map(|look| look.step).collect();
        assert_eq!((steps, found[1].points.len()), (vec![1, 2], PICTURES));
        assert_eq!((&found[0].points, &found[0].loss), (&looks[0].points, &looks[0].loss));
        assert_eq!(found[0].prototypes[3].nearest, looks[0].prototypes[3].nearest[..NEAREST]);

        let mut strange = samples::map(3, 50, 10);
        strange.best[7] = 10;
        write(folder.path(), &[Arc::new(strange), Arc::clone(&looks[0])]).unwrap();
        assert_eq!(read(folder.path()).len(), 1);
        std::fs::write(folder.path().join(FILE), "[{").unwrap();
        assert!(read(folder.path()).is_empty());
        assert!(write(&folder.path().join("gone"), &looks).is_err());

        let mut state = samples::running(30);
        let (news, told) = std::sync::mpsc::channel();
        let mut keeper = Keeper::default();
        for (run, whole) in [(folder.path().to_owned(), true), (folder.path().join("gone"), false)] {
            state.started.as_mut().unwrap().run_folder = run.clone();
            keeper.save(&state, &news, true);
            assert_eq!((read(&run).len() == state.looks.len(), told.try_recv().is_err()), (whole, whole));
        }
    }
}
