//! Sorts that are stopped, that find no room or no pictures, and groups that outlive the screen: nothing is lost.
#![cfg_attr(not(target_os = "linux"), allow(unused_imports, reason = "two tests need what only Linux has"))]

mod stage;

use image::{Rgb, RgbImage};
use stage::network::{drive, files, many, opened, paths, run, seen, sorted};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use swav_app::dialogs::For;
use swav_app::engine::WayOut;
use swav_app::uses::Worker;
use swav_app::uses::task::{Choice, Kind, News, Plan, Task};
use swav_wgpu::uses::sort::How;

/// A network that has looked at so many pictures of each kind, and a plan that sorts them into two folders.
fn ready(folder: &Path, each: u32) -> (Worker, Plan) {
    let photos = many(folder, each);
    let mut worker = Worker::start(run(folder, &photos), None, || {});
    worker.order(Task::Look(Choice::Own));
    let count = seen(&mut worker).pictures.len();
    let groups = (0..count as u32).map(|row| row % 2).collect();
    let names = vec!["even".to_owned(), "odd".to_owned()];
    (worker, Plan { groups, names, into: folder.join("sorted"), how: How::Copy })
}

/// A folder where syncing a file takes a while: the usual place of temporary files is memory on many systems, where hundreds
/// are sorted before a test can stop it.
fn on_disk() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the folder that cargo made for tests")
}

/// Whether the first picture is being put in its place. Progress comes a few times a second, when a fast disk has them all.
fn begun(into: &Path) -> bool {
    std::fs::read_dir(into).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
}

/// Pictures of each of two kinds, so many that a fast disk takes longer over them than a sort is deaf.
const EACH: u32 = 600;
const ALL: usize = 2 * EACH as usize;

/// Every file is synced before the next one, so that hundreds take a while: it is told to stop with the first of them.
#[test]
fn a_sort_that_is_stopped_in_the_middle_goes_on_where_it_was() {
    let folder = on_disk();
    let (mut worker, plan) = ready(folder.path(), EACH);
    worker.order(Task::Sort(plan.clone()));
    let (start, mut told) = (Instant::now(), None);
    let ended = loop {
        assert!(start.elapsed() < Duration::from_secs(600), "waited for the sort to stop");
        let mut ended = None;
        if begun(&plan.into) {
            worker.cancel();
        }
        for news in worker.poll() {
            match news {
                News::Sorted(_, sorted) => told = Some(sorted),
                News::Ended(Kind::Sort, how) => ended = Some(how),
                _ => {}
            }
        }
        match ended {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    assert!(ended.is_err_and(|failure| failure.stopped));
    let first = told.expect("what it did until then").made;
    assert!((1..ALL).contains(&first), "{first} of {ALL} before it was stopped");
    // What is there is whole, and nothing half written lies beside it.
    assert_eq!(files(&plan.into), first + 1, "the manifest and the pictures");
    let (done, ended) = sorted(&mut worker, &plan);
    ended.unwrap();
    let done = done.unwrap();
    assert_eq!((done.present, done.made, done.failed.len()), (first, ALL - first, 0));
    assert_eq!(files(&plan.into), ALL + 1);
}

/// The window is closed, or the program killed, in the middle of a sort by groups that a person put right: opened again,
/// the groups are there, and the sort ends in the folders that it began with.
#[test]
fn groups_and_a_sort_outlive_the_screen() {
    let folder = on_disk();
    let photos = many(folder.path(), EACH);
    let (network, kept) = (run(folder.path(), &photos), folder.path().join("kept"));
    let into = folder.path().join("by hand");
    let mut uses = opened(&network, &kept);
    assert!(uses.done.is_none() && uses.groups.as_ref().unwrap().all().len() > 2);
    // Nothing is written before somebody has changed something.
    assert!(!kept.exists());
    let groups = uses.groups.as_mut().unwrap();
    groups.rename(0, "Küste im März");
    groups.merge(2, 1);
    let rows = groups.all()[1].rows[..2].to_vec();
    groups.move_to(&rows, None);
    let edited = groups.all().to_vec();
    uses.into = into.display().to_string();
    uses.sort();
    drive(&mut uses, "the first files", |_| begun(&into));
    drop(uses);

    let mut uses = opened(&network, &kept);
    assert_eq!(uses.groups.as_ref().unwrap().all(), edited);
    assert_eq!(uses.into, into.display().to_string());
    let told = uses.done.as_ref().expect("a sentence");
    assert!(told.text.contains("are back as you left them"), "{told:?}");
    let (kind, failure) = uses.failure.clone().expect("the sort that was not finished");
    assert!(kind == Kind::Sort && failure.text.contains("by hand"), "{failure:?}");
    let before = paths(&into);
    assert!((2..ALL).contains(&before.len()), "{} files before it was dropped", before.len());

    // Names that change meanwhile do not tear it apart.
    uses.groups.as_mut().unwrap().rename(0, "elsewhere");
    uses.resume();
    drive(&mut uses, "the rest", |uses| uses.done.is_some());
    let after = paths(&into);
    assert_eq!(after.len(), ALL + 1, "{:?}", uses.done);
    assert!(before.iter().filter(|path| !path.contains(".tmp")).all(|path| after.contains(path)));
    let mut folders: Vec<&str> = after.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    folders.dedup();
    let mut names: Vec<&str> = edited.iter().map(|group| &*group.name).collect();
    names.sort_unstable();
    folders.sort_unstable();
    assert_eq!(folders, names);

    // What is over is not offered again, and what was renamed is kept.
    uses.keep();
    drop(uses);
    let uses = opened(&network, &kept);
    assert!(uses.failure.is_none() && uses.unfinished().is_none());
    assert_eq!(uses.groups.as_ref().unwrap().all()[0].name, "elsewhere");
}

/// The folder is moved while it is sorted: told where it is now, the groups come along, and so does the sort.
#[test]
fn groups_come_along_to_where_the_pictures_are_now() {
    let folder = tempfile::tempdir().unwrap();
    let photos = many(folder.path(), 10);
    let (network, kept) = (run(folder.path(), &photos), folder.path().join("kept"));
    let away = folder.path().join("moved");
    let mut uses = opened(&network, &kept);
    uses.groups.as_mut().unwrap().rename(1, "山");
    uses.into = folder.path().join("out").display().to_string();
    std::fs::rename(&photos, &away).unwrap();
    uses.sort();
    drive(&mut uses, "the failure", |uses| uses.failure.is_some());
    assert_eq!(uses.failure.as_ref().unwrap().1.way_out, Some(WayOut::Locate));
    uses.answered(&For::Moved, away.clone());
    drive(&mut uses, "the pictures", |uses| {
        uses.busy.is_none() && uses.seen.as_ref().is_some_and(|seen| seen.place.as_deref() == Some(&*away))
    });
    assert_eq!(uses.groups.as_ref().unwrap().all()[1].name, "山");
    assert!(uses.unfinished().is_some());
    uses.resume();
    drive(&mut uses, "the sort", |uses| uses.done.as_ref().is_some_and(|done| done.at.is_some()));
    let sorted = paths(&folder.path().join("out"));
    assert!(sorted.len() == 21 && sorted.iter().any(|path| path.starts_with("山/")), "{sorted:?}");
}

/// A limit on the size of files stands in for a full disk, in a process of its own: it holds for all that is written.
#[cfg(target_os = "linux")]
#[test]
fn a_sort_into_a_full_place_says_so_and_goes_on() {
    const NAME: &str = "a_sort_into_a_full_place_says_so_and_goes_on";
    const FOLDER: &str = "SWAV_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        let mut uses = opened(&folder.join("run"), &folder.join("kept"));
        uses.groups.as_mut().unwrap().rename(0, "Küste");
        uses.into = folder.join("out").display().to_string();
        uses.sort();
        drive(&mut uses, "the failure", |uses| uses.failure.is_some() || uses.done.is_some());
        let (kind, failure) = uses.failure.clone().expect("no room");
        assert_eq!((kind, failure.way_out), (Kind::Sort, Some(WayOut::Again)), "{failure:?}");
        assert!(failure.text.contains("large.png") && failure.text.contains("Make room"), "{failure:?}");
        assert!(uses.done.is_none() && uses.unfinished().is_some());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let photos = many(folder.path(), 10);
    let noise =
        RgbImage::from_fn(160, 160, |x, y| Rgb([3, 5, 7].map(|n| ((x * 131 + y * 7919) * n % 251) as u8)));
    noise.save(photos.join("wood/large.png")).unwrap();
    assert!(std::fs::metadata(photos.join("wood/large.png")).unwrap().len() > 40_000);
    run(folder.path(), &photos);
    let script = format!("trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact {NAME} --nocapture");
    let limited = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&limited.stdout).into_owned() + &String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");
    let before = paths(&folder.path().join("out"));
    assert!(!before.iter().any(|path| path.contains("large")), "{before:?}");

    // With room again, and another start of the program: the rest joins what is there.
    let mut uses = opened(&folder.path().join("run"), &folder.path().join("kept"));
    assert_eq!(uses.failure.as_ref().map(|(kind, _)| *kind), Some(Kind::Sort));
    uses.resume();
    drive(&mut uses, "the rest", |uses| uses.done.as_ref().is_some_and(|done| done.at.is_some()));
    let after = paths(&folder.path().join("out"));
    assert!(before.iter().all(|path| after.contains(path)) && after.len() == 22, "{after:?}");
    assert!(after.iter().any(|path| path.contains("Küste/")), "{after:?}");
}

/// A hard link cannot lead to another disk, none of them: said once, with copies as the way out.
#[cfg(target_os = "linux")]
#[test]
fn hard_links_to_another_disk_become_copies() {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let folder = tempfile::tempdir().unwrap();
    let disk = |path: &Path| std::fs::metadata(path).unwrap().dev();
    if disk(other.path()) == disk(folder.path()) {
        return;
    }
    let (mut worker, plan) = ready(folder.path(), 5);
    let plan = Plan { how: How::HardLink, into: other.path().join("out"), ..plan };
    let (done, ended) = sorted(&mut worker, &plan);
    let failure = ended.expect_err("links cannot lead there");
    assert!(done.is_none() && failure.text.contains("choose copies"), "{failure:?}");
    assert_eq!(failure.way_out, Some(WayOut::Copies));
    let (done, ended) = sorted(&mut worker, &Plan { how: How::Copy, ..plan });
    ended.unwrap();
    assert_eq!(done.unwrap().made, 10);
}

/// A disk that is taken away: one sentence and the way out, in place of as many failures as there are pictures.
#[test]
fn a_sort_whose_pictures_are_gone_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (mut worker, plan) = ready(folder.path(), 5);
    let (photos, away) = (folder.path().join("photos"), folder.path().join("away"));
    std::fs::rename(&photos, &away).unwrap();
    for empty in [false, true] {
        // An empty folder is what a disk that was taken away leaves behind.
        if empty {
            std::fs::create_dir(&photos).unwrap();
        }
        let (done, ended) = sorted(&mut worker, &plan);
        let gone = ended.expect_err("there is nothing to sort");
        assert!(done.is_none() && gone.way_out == Some(WayOut::Locate), "{gone:?}");
        assert!(gone.text.contains("photos"), "{gone:?}");
    }
    std::fs::remove_dir(&photos).unwrap();
    std::fs::rename(&away, &photos).unwrap();
    let (done, ended) = sorted(&mut worker, &plan);
    ended.unwrap();
    assert_eq!(done.unwrap().made, 10);
}
