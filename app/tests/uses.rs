//! A network in use, on its own thread and device: pictures are looked at, grouped, sorted, found and written, and what
//! goes wrong in between is told with a way on.

mod stage;

use image::{Rgb, RgbImage};
use stage::network::{files, photographs, run, seen, sorted, until};
use swav_app::engine::WayOut;
use swav_app::uses::Worker;
use swav_app::uses::task::{By, Choice, Kind, News, Plan, Query, Task};
use swav_wgpu::judge::{Judged, Table};
use swav_wgpu::uses::embed::What;
use swav_wgpu::uses::export::Format;
use swav_wgpu::uses::sort::How;

#[test]
fn a_folder_is_looked_at_grouped_and_sorted_and_nothing_is_lost_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let photos = photographs(folder.path());
    let network = run(folder.path(), &photos);
    let mut worker = Worker::start(network, None, || {});
    worker.order(Task::Look(Choice::Own));
    let set = seen(&mut worker);
    assert_eq!((set.pictures.len(), set.files, set.place.as_deref()), (40, true, Some(&*photos)));
    assert!(set.unreadable[0].0.contains("broken") && set.map.still && set.map.points.len() == 40);

    worker.order(Task::Group(By::Clusters, 2));
    let (news, ended) = until(&mut worker, Kind::Group);
    ended.unwrap();
    let of =
        news.into_iter().find_map(|news| if let News::Grouped(_, of, _) = news { Some(of) } else { None });
    let of = of.unwrap();
    // Blue and green are told apart by any network.
    let kinds = |wanted: &str| {
        let of_kind = set.pictures.iter().zip(&of);
        let dataset = swav_wgpu::data::Dataset::open(Some(&photos)).unwrap();
        let mut found: Vec<u32> = of_kind
            .filter(|(p, _)| dataset.picture_name(**p).contains(wanted))
            .map(|(_, &group)| group)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    assert!(kinds("wood") != kinds("ste") && kinds("wood").len() == 1, "{of:?}");

    // A folder inside the pictures, and a name that no folder can have, are refused before anything is written.
    let into = folder.path().join("sorted");
    let names = vec!["Meer".to_owned(), "Wald und Wiese".to_owned()];
    let plan = Plan { groups: of, names, into: into.clone(), how: How::Copy };
    let (_, inside) = sorted(&mut worker, &Plan { into: photos.join("in"), ..plan.clone() });
    assert!(inside.unwrap_err().text.contains("sorted into itself"));
    let bad = vec!["a/b".to_owned(), "c".to_owned()];
    assert!(sorted(&mut worker, &Plan { names: bad, ..plan.clone() }).1.is_err());
    assert!(!into.exists() && !photos.join("in").exists());

    // A picture that was deleted meanwhile keeps no other from its place.
    std::fs::rename(photos.join("wood/山 3.png"), folder.path().join("kept.png")).unwrap();
    let (done, ended) = sorted(&mut worker, &plan);
    ended.unwrap();
    let done = done.unwrap();
    assert_eq!((done.made, done.failed.len()), (39, 1));
    assert!(into.join("Wald und Wiese").is_dir() && into.join("manifest.csv").is_file());
    std::fs::rename(folder.path().join("kept.png"), photos.join("wood/山 3.png")).unwrap();

    // Stopped before it began, it writes nothing more; ordered again, it goes on where it was. What is ordered first keeps the
    // thread from beginning with it before it is stopped.
    let out = folder.path().join("first.onnx");
    worker.order(Task::Weights { format: Format::Onnx, trunk_only: false, out });
    worker.order(Task::Sort(plan.clone()));
    worker.cancel();
    let (_, stopped) = until(&mut worker, Kind::Sort);
    assert!(stopped.is_err_and(|failure| failure.stopped));
    let (done, ended) = sorted(&mut worker, &plan);
    ended.unwrap();
    let done = done.unwrap();
    assert_eq!((done.made, done.present, done.failed.len()), (1, 39, 0));
    assert_eq!((files(&into), files(&photos)), (41, 41));

    // The folder goes: told, with the way out, and the window goes on.
    std::fs::rename(&photos, folder.path().join("moved")).unwrap();
    worker.order(Task::Look(Choice::Own));
    let (_, gone) = until(&mut worker, Kind::Look);
    let gone = gone.unwrap_err();
    assert_eq!(gone.way_out, Some(WayOut::Locate), "{gone:?}");
    worker.order(Task::Look(Choice::At(folder.path().join("moved"))));
    assert_eq!(seen(&mut worker).pictures.len(), 40);
}

#[test]
fn weights_alone_explore_any_folder_and_are_written_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let photos = photographs(folder.path());
    let network = run(folder.path(), &photos);
    let mut worker = Worker::start(network.clone(), None, || {});
    let weights = folder.path().join("w.pth");
    for format in Format::ALL {
        let out = weights.with_extension(format.extension());
        worker.order(Task::Weights { format, trunk_only: false, out: out.clone() });
        until(&mut worker, Kind::Write).1.unwrap();
        assert!(std::fs::metadata(&out).unwrap().len() > 1000);
        // What exists is not written over.
        worker.order(Task::Weights { format, trunk_only: false, out });
        assert!(until(&mut worker, Kind::Write).1.unwrap_err().text.contains("exists already"));
    }
    let page = folder.path().join("kept.html");
    std::fs::write(&page, "mine").unwrap();
    worker.order(Task::Page(page.clone()));
    assert!(until(&mut worker, Kind::Write).1.unwrap_err().text.contains("exists already"));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "mine");
    // Nothing was looked at yet.
    worker.order(Task::Group(By::Clusters, 3));
    assert!(until(&mut worker, Kind::Group).1.unwrap_err().text.contains("choose some first"));
    drop(worker);

    let mut worker = Worker::start(weights, None, || {});
    worker.order(Task::Look(Choice::Own));
    let (news, ended) = until(&mut worker, Kind::Look);
    let about = news.iter().find_map(|news| if let News::About(about) = news { Some(about) } else { None });
    assert!(about.unwrap().trained_on.is_none() && ended.is_err());
    worker.order(Task::Look(Choice::At(photos.clone())));
    let set = seen(&mut worker);

    // A picture is its own nearest, and a file finds the picture that it is.
    let file = photos.join("wood/山 7.png");
    for query in [Query::Picture(set.pictures[9]), Query::File(file.clone())] {
        worker.order(Task::Find(query.clone(), 5));
        let (news, ended) = until(&mut worker, Kind::Find);
        ended.unwrap();
        let near = news
            .into_iter()
            .find_map(|news| if let News::Found { near, .. } = news { Some(near) } else { None });
        let near = near.unwrap();
        assert!(near.len() == 5 && near[0].1 > 0.999 && near.is_sorted_by(|a, b| a.1 >= b.1), "{near:?}");
        if let Query::Picture(picture) = query {
            assert_eq!(near[0].0, picture);
        }
    }
    let out = folder.path().join("f.npy");
    worker.order(Task::Features(What::Features, out.clone()));
    until(&mut worker, Kind::Write).1.unwrap();
    assert!(
        out.is_file() && std::fs::read_to_string(out.with_extension("csv")).unwrap().contains("山 7.png")
    );
    worker.order(Task::Page(folder.path().join("page.html")));
    assert!(until(&mut worker, Kind::Write).1.unwrap_err().text.contains("file of weights"));

    worker.order(Task::Judge { linear: false, limit: 100, labels: None });
    let (news, ended) = until(&mut worker, Kind::Judge);
    ended.unwrap();
    let tables = news
        .into_iter()
        .find_map(|news| if let News::Judged(tables, _) = news { Some(tables) } else { None });
    assert!(tables.unwrap().iter().any(|table| table.title.contains("kNN")));

    // A file that is no network is told, and nothing else happens.
    let mut worker = Worker::start(file, None, || {});
    worker.order(Task::Look(Choice::BuiltIn));
    assert!(until(&mut worker, Kind::Open).1.is_err());
}

/// Pictures in one flat folder have no classes; a file of labels gives them some, to be judged by and for nothing else.
#[test]
fn a_flat_folder_is_judged_by_a_file_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (flat, text) = (folder.path().join("flat"), |name: &str| folder.path().join(name));
    std::fs::create_dir(&flat).unwrap();
    let mut rows = "file;label\n".to_owned();
    for number in 0..24u8 {
        let colour = if number % 2 == 0 { [20, 60, 200] } else { [40, 150, 30] };
        RgbImage::from_pixel(24, 24, Rgb(colour.map(|c: u8| c + number)))
            .save(flat.join(format!("{number}.png")))
            .unwrap();
        rows += &format!("{number}.png;{}\n", if number % 2 == 0 { "sea" } else { "wood" });
    }
    std::fs::write(text("labels.csv"), rows + "elsewhere.png;sea\n").unwrap();
    std::fs::write(text("other.csv"), "file;label\nx.png;sea\ny.png;wood\n").unwrap();

    let mut worker = Worker::start(run(folder.path(), &flat), None, || {});
    worker.order(Task::Look(Choice::Own));
    assert_eq!(seen(&mut worker).pictures.len(), 24);
    let mut judge = |labels: Option<&str>| {
        worker.order(Task::Judge { linear: false, limit: 100, labels: labels.map(text) });
        let (news, ended) = until(&mut worker, Kind::Judge);
        let found = news.into_iter().find_map(|news| match news {
            News::Judged(tables, said) => Some((tables, said)),
            _ => None,
        });
        (found, ended)
    };
    let titles =
        |tables: &[Table]| tables.iter().map(|table| table.title.clone()).collect::<Vec<_>>().join("; ");
    let has_knn = |tables: &[Table]| tables.iter().any(|table| table.of == Judged::Nearest);
    let (found, ended) = judge(Some("labels.csv"));
    ended.unwrap();
    let (tables, said) = found.unwrap();
    assert!(has_knn(&tables), "{}", titles(&tables));
    let said = said.unwrap();
    assert_eq!((said.labelled, said.classes, said.unmatched), (24, 2, 1));
    assert_eq!(said.first_unmatched, Some((26, "elsewhere.png".to_owned())));

    // One that fits nothing is told with its name, and the next judgement knows nothing of either.
    let (found, ended) = judge(Some("other.csv"));
    let failure = ended.unwrap_err();
    assert!(found.is_none() && failure.text.contains("other.csv"), "{failure:?}");
    assert!(failure.text.contains("x.png") && !failure.text.contains('`'), "{failure:?}");
    let (found, ended) = judge(None);
    ended.unwrap();
    let (tables, said) = found.unwrap();
    assert!(said.is_none() && !has_knn(&tables), "{}", titles(&tables));
}
