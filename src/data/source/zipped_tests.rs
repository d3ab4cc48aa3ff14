//! Zip archives as people make them, and as strangers do.

use super::super::tests::{check_colours, make, opened, refused};
use make::zip;

/// The classes of two by two pictures.
fn classes(within: &str) -> make::Files {
    let names = ["cat/0.png", "cat/1.png", "dog/2.png", "dog/3.png"];
    names.iter().enumerate().map(|(at, name)| (format!("{within}{name}"), make::png(at))).collect()
}

#[test]
fn folders_in_a_zip_mean_what_they_mean_on_the_disk() {
    let mut files = classes("set/");
    files.push(("set/notes.heic".into(), b"x".to_vec()));
    files.push(("__MACOSX/set/cat/._0.png".into(), b"x".to_vec()));
    let (_folder, dataset) = opened(&vec![("a.zip".into(), zip(&files))], "a.zip");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.classes()), (4, &["cat", "dog"].map(String::from)[..]));
    assert_eq!((dataset.label(1), dataset.label(2)), (Some(0), Some(1)));
    check_colours(&dataset, |picture| make::colour(picture as usize));
    assert_eq!(dataset.picture_name(3), "a.zip/set/dog/3.png");
    assert!(dataset.notices()[0].contains("1 .heic"), "{:?}", dataset.notices());
    let parts = vec![("s/train.zip".into(), zip(&classes(""))), ("s/test.zip".into(), zip(&classes("")))];
    let (_folder, dataset) = opened(&parts, "s");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.pretrain().len(), dataset.classes().len()), (8, 4, 2));
    assert_eq!(dataset.splits()[0].queries.len(), 4);
}

#[test]
fn what_a_zip_should_not_hold_is_left_out_and_said() {
    let mut files = classes("");
    files.push(("../outside.png".into(), make::png(9)));
    let (_folder, dataset) = opened(&vec![("a.zip".into(), zip(&files))], "a.zip");
    let dataset = dataset.unwrap();
    assert_eq!(dataset.len(), 4);
    assert!(dataset.notices()[0].contains("../outside.png"), "{:?}", dataset.notices());
    let message = refused(&vec![("a.zip".into(), zip(&vec![("b.doc".into(), vec![1])]))], "a.zip");
    assert!(message.contains("no pictures") && message.contains("1 .doc"), "{message}");
    // Zeros that pack a thousandfold are a picture that cannot be read, and no more.
    let zeros = zip(&vec![("a.png".into(), vec![0; 40 << 20]), ("b.png".into(), make::png(1))]);
    let (_folder, dataset) = opened(&vec![("bomb.zip".into(), zeros)], "bomb.zip");
    let dataset = dataset.unwrap();
    assert!(dataset.decode(0).is_err() && dataset.decode(1).is_ok());
}

#[test]
fn packed_folders_mean_what_folders_mean() {
    let tar = |files: &make::Files| make::tar(files);
    let (_folder, dataset) = opened(&vec![("a.tar".into(), tar(&classes("set/")))], "a.tar");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.classes()), (4, &["cat", "dog"].map(String::from)[..]));
    check_colours(&dataset, |picture| make::colour(picture as usize));
    let parts = [classes("train/"), classes("test/")].concat();
    let (_folder, dataset) = opened(&vec![("a.tar".into(), tar(&parts))], "a.tar");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.pretrain().len(), dataset.splits()[0].queries.len()), (4, 4));
    let shards = vec![("s/0.tar".into(), tar(&classes(""))), ("s/1.tar".into(), tar(&classes("")))];
    let (_folder, dataset) = opened(&shards, "s");
    assert_eq!((dataset.as_ref().unwrap().len(), dataset.unwrap().classes().len()), (8, 2));
}

#[test]
fn labels_of_samples_are_read_from_descriptions_and_words() {
    let set = |member: &dyn Fn(usize) -> (&'static str, String)| {
        let mut files = make::Files::new();
        for i in 0..6 {
            let (ending, text) = member(i);
            files.push((format!("{i:03}.png"), make::png(i)));
            files.push((format!("{i:03}.{ending}"), text.into()));
        }
        opened(&vec![("a.tar".into(), make::tar(&files))], "a.tar").1.unwrap()
    };
    let described = set(&|i| ("json", format!(r#"{{"label": "{}", "id": {i}}}"#, ["x", "y"][i % 2])));
    assert_eq!((described.classes(), described.label(3)), (&["x", "y"].map(String::from)[..], Some(1)));
    assert!(described.notices().is_empty(), "{:?}", described.notices());
    let words = set(&|i| ("txt", ["cat", "dog"][i % 2].to_owned()));
    assert_eq!((words.classes().len(), words.label(2)), (2, Some(0)));
    let captions = set(&|i| ("txt", format!("a picture of {i}")));
    assert!(
        captions.classes().is_empty() && captions.notices()[0].contains(".txt"),
        "{:?}",
        captions.notices()
    );
    let others = set(&|i| ("json", format!(r#"{{"url": {i}}}"#)));
    assert!(others.classes().is_empty() && others.notices()[0].contains(".json"), "{:?}", others.notices());
}

#[test]
fn what_is_excluded_is_left_out_of_folders_and_archives() {
    use crate::data::{Dataset, Reading, Selection};
    let mut files = classes("images/");
    files.extend([("masks/0.png".into(), make::png(0)), ("masks/1.png".into(), make::png(1))]);
    let packed = [("set.zip".into(), zip(&files)), ("set.tar".into(), make::tar(&files))];
    let all = [make::within("set", files), packed.to_vec()].concat();
    let (folder, dataset) = opened(&all, "set");
    let notices = dataset.unwrap().notices().join("\n");
    assert!(
        notices.contains("2 pictures look like masks") && notices.contains("--exclude 'masks'"),
        "{notices}"
    );
    for path in ["set", "set.zip", "set.tar"] {
        let select = Selection { exclude: vec!["masks".into()], ..Selection::default() };
        let path = folder.path().join(path);
        let dataset = Dataset::open_with(Some(&path), select, Reading::default()).unwrap();
        assert_eq!((dataset.len(), dataset.classes().len()), (4, 2), "{}", path.display());
        assert_eq!(dataset.notices(), ["left out by --exclude masks: 2 files"]);
    }
}
