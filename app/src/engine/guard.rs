//! Whether the pictures of a run are still where they were: a disk can be taken away in the middle of a run, which would
//! go on with what it has in memory and learn from less and less.

use super::Message;
use super::control::Control;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};
use std::time::Duration;
use swav_wgpu::data::is_there;

/// How often it is looked at.
const OFTEN: Duration = Duration::from_secs(1);
/// So many times in a row it has to be gone, as disks of a network are for a moment.
const TIMES: u32 = 3;

/// Watches a place on a thread of its own for as long as there is somebody to give orders to: pauses the run when the
/// pictures go, and tells so, and tells when they are back. What is no single file or folder is not watched.
pub(super) fn start(
    place: Option<PathBuf>,
    control: &Arc<Control>,
    news: Sender<Message>,
    repaint: impl Fn() + Send + 'static,
) {
    let Some(place) = place.filter(|place| is_there(place)) else { return };
    let control = Arc::downgrade(control);
    std::thread::spawn(move || {
        watch(&place, &control, OFTEN, |there| {
            let told = news.send(Message::Pictures { there }).is_ok();
            repaint();
            told
        });
    });
}

fn watch(place: &Path, control: &Weak<Control>, often: Duration, tell: impl Fn(bool) -> bool) {
    let (mut missed, mut gone) = (0, false);
    loop {
        std::thread::sleep(often);
        let Some(control) = control.upgrade() else { return };
        let there = is_there(place);
        missed = if there { 0 } else { missed + 1 };
        let now = if gone { !there } else { missed >= TIMES };
        if now != gone {
            gone = now;
            if gone {
                control.pause(true);
            }
            if !tell(!gone) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn pictures_that_go_and_come_back_are_told_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let (photos, away) = (folder.path().join("photos"), folder.path().join("away"));
        std::fs::create_dir(&photos).unwrap();
        assert!(!is_there(&photos), "an empty folder is what a disk leaves behind");
        std::fs::write(photos.join("a.png"), "").unwrap();
        let control = Arc::new(Control::default());
        let (weak, (news, told)) = (Arc::downgrade(&control), channel());
        let place = photos.clone();
        let thread = std::thread::spawn(move || {
            watch(&place, &weak, Duration::from_millis(5), |there| news.send(there).is_ok());
        });
        let wait = Duration::from_millis(200);
        assert!(told.recv_timeout(wait).is_err(), "nothing has happened");
        std::fs::rename(&photos, &away).unwrap();
        assert_eq!(told.recv(), Ok(false));
        assert!(control.is_paused());
        std::fs::create_dir(&photos).unwrap();
        assert!(told.recv_timeout(wait).is_err(), "the empty place is not the pictures");
        std::fs::remove_dir(&photos).unwrap();
        std::fs::rename(&away, &photos).unwrap();
        assert_eq!(told.recv(), Ok(true));
        // It ends with the run.
        drop(control);
        thread.join().unwrap();
    }
}
