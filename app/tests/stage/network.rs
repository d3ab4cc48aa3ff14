//! Pictures in a folder, a small network that was trained on them, and ways to drive it without a window.

use eframe::egui;
use image::{Rgb, RgbImage};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use swav_app::engine::Failure;
use swav_app::uses::task::{Choice, Kind, News, Plan, Seen, Task};
use swav_app::uses::{Uses, Worker};
use swav_wgpu::train::{Flow, TrainOptions, train};
use swav_wgpu::uses::sort::Sorted;

/// Pictures of two kinds, in two folders; one file is no picture, one name is not ASCII.
pub(crate) fn photographs(folder: &Path) -> PathBuf {
    many(folder, 20)
}

/// The same, so many of each kind.
pub(crate) fn many(folder: &Path, each: u32) -> PathBuf {
    let photos = folder.join("photos");
    for (kind, base) in [("Küste", [20, 60, 200]), ("wood", [40, 150, 30])] {
        std::fs::create_dir_all(photos.join(kind)).expect("room for pictures");
        for number in 0..each {
            let pixel = |x: u32, y: u32| {
                let wave = ((x * (number + 3) + y * 7) % 40) as u8;
                Rgb(base.map(|channel: u8| channel.saturating_add(wave)))
            };
            let picture = RgbImage::from_fn(24, 24, pixel);
            picture.save(photos.join(kind).join(format!("山 {number}.png"))).expect("room for a picture");
        }
    }
    std::fs::write(photos.join("wood/broken.png"), b"\x89PNG\r\n\x1a\nnothing").expect("room for a file");
    photos
}

/// A run of two steps on them.
pub(crate) fn run(folder: &Path, data: &Path) -> PathBuf {
    let out = folder.join("run");
    let (out_text, data) = (out.to_string_lossy(), data.to_string_lossy());
    let config = super::small_demo(&[("steps", "2"), ("data", &data), ("out", &out_text)]);
    train(TrainOptions { config, resume: None, profile: false, within: None }, &mut |_| Flow::Continue)
        .expect("two steps");
    out
}

/// All news up to the end of a task of this kind, and how it ended.
pub(crate) fn until(worker: &mut Worker, kind: Kind) -> (Vec<News>, Result<(), Failure>) {
    let (start, mut all) = (Instant::now(), Vec::new());
    loop {
        for news in worker.poll() {
            match news {
                News::Ended(ended, how) if ended == kind => return (all, how),
                news => all.push(news),
            }
        }
        assert!(start.elapsed() < Duration::from_secs(600), "waited for {kind:?}: {all:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn seen(worker: &mut Worker) -> Box<Seen> {
    let (news, ended) = until(worker, Kind::Look);
    ended.expect("pictures that can be looked at");
    news.into_iter()
        .find_map(|news| if let News::Seen(seen) = news { Some(seen) } else { None })
        .expect("what was seen")
}

pub(crate) fn sorted(worker: &mut Worker, plan: &Plan) -> (Option<Sorted>, Result<(), Failure>) {
    worker.order(Task::Sort(plan.clone()));
    let (news, ended) = until(worker, Kind::Sort);
    let found = |news| if let News::Sorted(_, sorted) = news { Some(sorted) } else { None };
    (news.into_iter().find_map(found), ended)
}

pub(crate) fn files(folder: &Path) -> usize {
    let inside = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    inside.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

/// A network in use, driven without a window until something is so.
pub(crate) fn drive(uses: &mut Uses, what: &str, done: impl Fn(&Uses) -> bool) {
    let (start, ctx) = (Instant::now(), egui::Context::default());
    while !done(uses) {
        uses.poll(&ctx);
        assert!(start.elapsed() < Duration::from_secs(600), "waited for {what}: {:?}", uses.failure);
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn opened(network: &Path, kept: &Path) -> Uses {
    let ctx = egui::Context::default();
    let mut uses = Uses::open(network.to_owned(), Choice::Own, &ctx).keeping(Some(kept.to_owned()));
    drive(&mut uses, "groups", |uses| uses.groups.is_some() && uses.busy.is_none());
    uses
}

/// All files below a folder, by their paths in it.
pub(crate) fn paths(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().is_dir() {
            true => all.extend(paths(&entry.path()).into_iter().map(|inside| format!("{name}/{inside}"))),
            false => all.push(name),
        }
    }
    all.sort();
    all
}
