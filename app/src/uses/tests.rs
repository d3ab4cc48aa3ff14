use super::apply::beside;
use super::task::Kind;
use super::write::is_whole;
use super::*;
use crate::samples;
use swav_wgpu::error::Error;
use swav_wgpu::uses::sort::Sorted;

fn uses() -> Uses {
    let mut uses = Uses::idle("runs/demo-3".into());
    uses.apply(News::About(Box::new(samples::about())));
    uses.apply(News::Seen(Box::new(samples::seen(60))));
    uses
}

#[test]
fn what_the_worker_tells_is_kept_until_other_pictures_come() {
    let mut uses = uses();
    uses.apply(News::Grouped(By::Clusters, (0..60).map(|row| row % 4).collect(), vec![0.5; 60]));
    assert_eq!(uses.groups.as_ref().unwrap().all().len(), 4);
    assert!(uses.state.map().unwrap().still);
    (uses.open, uses.chosen) = (Some(2), vec![6]);
    uses.apply(News::Grouped(By::Prototypes, vec![0; 60], vec![0.5; 60]));
    assert_eq!((uses.open, uses.chosen.len(), uses.wanted.0), (None, 0, By::Prototypes));
    uses.apply(News::Seen(Box::new(samples::seen(5))));
    assert!(uses.groups.is_none() && uses.wanted.1 == 5);
}

#[test]
fn a_sort_is_told_and_one_that_was_stopped_or_found_no_room_can_go_on() {
    let mut uses = uses();
    uses.apply(News::Grouped(By::Clusters, vec![1; 60], vec![0.5; 60]));
    let plan = uses.groups.as_ref().unwrap().plan("out".into(), How::Copy);
    uses.apply(News::Began(Kind::Sort));
    assert_eq!(uses.busy, Some(Kind::Sort));
    uses.apply(News::Ended(Kind::Sort, Err(Failure::told(&Error::Stopped))));
    let (kind, failure) = uses.failure.clone().unwrap();
    assert!(kind == Kind::Sort && failure.stopped && failure.text.contains("nothing is lost"), "{failure:?}");
    let full = Error::io("out")(std::io::Error::from(std::io::ErrorKind::StorageFull));
    uses.apply(News::Ended(Kind::Sort, Err(Failure::told(&full))));
    assert_eq!(uses.failure.as_ref().unwrap().1.way_out, Some(crate::engine::WayOut::Again));
    let sorted =
        Sorted { made: 50, present: 8, taken: vec!["x".into()], failed: vec![("a".into(), "b".into())] };
    uses.apply(News::Began(Kind::Sort));
    uses.apply(News::Sorted(plan, sorted));
    uses.apply(News::Ended(Kind::Sort, Ok(())));
    assert!(uses.failure.is_none() && uses.busy.is_none());
    let Done { text, at, whole } = uses.done.unwrap();
    assert!(!whole, "one was left alone");
    for words in
        ["58 of 60", "8 of them were there", "1 left alone", "the first: a: b", "stayed where they were"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(at, Some("out".into()));
}

#[test]
fn a_sort_that_stopped_in_the_middle_is_not_over() {
    let mut uses = uses();
    uses.apply(News::Grouped(By::Clusters, vec![1; 60], vec![0.5; 60]));
    let plan = uses.groups.as_ref().unwrap().plan("out".into(), How::Copy);
    let some = Sorted { made: 18, present: 1, failed: vec![("a".into(), "b".into())], ..Sorted::default() };
    assert!(!is_whole(&plan, &some));
    let all = Sorted { made: 57, present: 1, taken: vec!["x".into()], failed: some.failed.clone() };
    assert!(is_whole(&plan, &all));
    assert!(is_whole(&Plan { how: How::Manifest, ..plan.clone() }, &Sorted::default()));
    uses.apply(News::Began(Kind::Sort));
    uses.apply(News::Sorted(plan, some));
    uses.apply(News::Ended(Kind::Sort, Err(Failure::told(&Error::Stopped))));
    assert!(uses.done.is_none() && uses.failure.as_ref().is_some_and(|(_, failure)| failure.stopped));
}

#[test]
fn names_survive_that_pictures_are_grouped_anew() {
    let mut uses = uses();
    uses.apply(News::Grouped(By::Clusters, (0..60).map(|row| row % 4).collect(), vec![0.5; 60]));
    uses.groups.as_mut().unwrap().rename(0, "Berge");
    uses.apply(News::Grouped(By::Clusters, (0..60).map(|row| row % 5).collect(), vec![0.5; 60]));
    assert_eq!(uses.groups.as_ref().unwrap().all().len(), 5);
    uses.undo();
    assert_eq!(uses.groups.as_ref().unwrap().all()[0].name, "Berge");
}

#[test]
fn weights_that_fit_nothing_stay_told_whatever_is_ordered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.pth");
    std::fs::write(&file, b"no weights").unwrap();
    let mut uses = Uses { worker: Some(Worker::start(file, None, || {})), ..Uses::idle("w.pth".into()) };
    let start = std::time::Instant::now();
    while uses.failure.is_none() && start.elapsed().as_secs() < 60 {
        uses.poll(&egui::Context::default());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let failure = uses.failure.clone();
    assert!(failure.as_ref().is_some_and(|(kind, _)| *kind == Kind::Open), "{failure:?}");
    uses.look_at(Choice::At(folder.path().to_owned()));
    assert_eq!((uses.busy, uses.failure.clone()), (None, failure));
}

#[test]
fn what_is_unfolded_of_earlier_pictures_does_not_arrive_among_others() {
    let mut uses = uses();
    let earlier = uses.unfolding.0.clone();
    uses.apply(News::Seen(Box::new(samples::seen(40))));
    // Nobody listens to it any more, so that its thread ends.
    assert!(earlier.send(Message::Unfolding(0.5)).is_err());
    uses.poll(&egui::Context::default());
    assert_eq!(uses.state.unfolding, None);
}

#[test]
fn a_file_of_labels_is_judged_by_until_other_pictures_come() {
    let mut uses = uses();
    let labels = |uses: &Uses| match uses.judging.task() {
        Task::Judge { labels, .. } => labels,
        other => panic!("{other:?}"),
    };
    assert_eq!(labels(&uses), None);
    uses.dropped("photos/Labels.CSV".into());
    assert_eq!((uses.tab, labels(&uses)), (Tab::Judge, Some("photos/Labels.CSV".into())));
    uses.turn_to(Tab::Sort);
    uses.answered(&For::Labels, "other.tsv".into());
    assert_eq!((uses.tab, labels(&uses)), (Tab::Judge, Some("other.tsv".into())));
    let said = swav_wgpu::data::LabelFile {
        file: "other.tsv".into(),
        classes: 2,
        labelled: 40,
        pictures: 60,
        unmatched: 0,
        first_unmatched: None,
    };
    uses.apply(News::Judged(Vec::new(), Some(said.clone())));
    assert_eq!(
        (uses.judging.said.as_ref(), uses.tables.as_deref().map(<[Table]>::len)),
        (Some(&said), Some(0))
    );
    // A judgement that failed leaves the one before it, and what that was by.
    uses.apply(News::Ended(Kind::Judge, Err(Failure::saying("line 3 is broken"))));
    assert!(uses.judging.said.is_some() && uses.failure.is_some());
    uses.apply(News::Seen(Box::new(samples::seen(5))));
    assert!(labels(&uses).is_none() && uses.judging.said.is_none() && uses.tables.is_none());
}

#[test]
fn weights_that_know_no_pictures_ask_for_some() {
    let mut uses = Uses::idle("swav.pth.tar".into());
    assert!(!uses.needs_pictures(), "nobody knows yet");
    uses.apply(News::About(Box::new(About { trained_on: None, ..samples::about() })));
    uses.apply(News::Ended(Kind::Look, Err(Failure::saying("choose some"))));
    assert!(uses.needs_pictures() && uses.failure.is_none());
    uses.choice = Choice::At("photos".into());
    uses.apply(News::Ended(Kind::Look, Err(Failure::saying("nothing there"))));
    assert_eq!(uses.failure.as_ref().map(|(kind, _)| *kind), Some(Kind::Look));
}

#[test]
fn sorted_pictures_go_beside_the_folder_and_not_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("my photos.2024");
    std::fs::create_dir(&photos).unwrap();
    assert_eq!(beside(Some(&photos)), folder.path().join("my photos.2024 sorted"));
    assert_eq!(beside(Some(&folder.path().join("a.zip"))), folder.path().join("a sorted"));
}
