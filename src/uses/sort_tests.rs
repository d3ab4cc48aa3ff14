use super::put::{LONGEST, linked};
use super::*;
use std::io::{Error as IoError, ErrorKind};

/// Pairs of prototypes that point nearly the same way.
fn pairs() -> Features {
    let data = vec![1.0, 0.0, 0.0, 1.0, 0.9, 0.1, -1.0, 0.0, 0.1, 0.9, -0.9, -0.1];
    Features::new(6, 2, data).unwrap()
}

#[test]
fn prototypes_are_merged_by_likeness_and_numbered_by_the_first() {
    assert_eq!(groups(&pairs(), Some(3)), [0, 1, 0, 2, 1, 2]);
    assert_eq!(groups(&pairs(), Some(1)), [0; 6]);
    assert_eq!(groups(&pairs(), None), [0, 1, 2, 3, 4, 5]);
    assert_eq!(groups(&pairs(), Some(100)), [0, 1, 2, 3, 4, 5]);
    assert!(groups(&Features::default(), Some(3)).is_empty());
}

fn desk() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let desk = tempfile::tempdir().unwrap();
    let (data, into) = (desk.path().join("data"), desk.path().join("out"));
    for (name, text) in [("a.png", "one"), ("deep/a.png", "three"), ("deep__a.png", "other")] {
        let path = data.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (desk, data, into)
}

fn planned() -> Vec<Place> {
    let best = [("a.png", 0, 0.5), ("deep/a.png", 2, 0.25), ("deep__a.png", 0, 1.0)];
    let numbered = (0..).zip(best);
    let best: Vec<Best> = numbered
        .map(|(picture, (name, prototype, cosine))| best_of(picture, name, prototype, cosine))
        .collect();
    places(&best, &[0, 1, 0])
}

fn best_of(picture: u32, name: &str, prototype: u32, cosine: f32) -> Best {
    Best { picture, name: name.to_owned(), file: None, prototype: (prototype, cosine) }
}

/// The files of the planned places.
fn originals(data: &Path) -> impl Fn(u32) -> Result<Original> {
    let data = data.to_owned();
    move |picture| Ok(Original::File(data.join(["a.png", "deep/a.png", "deep__a.png"][picture as usize])))
}

#[test]
fn names_are_flat_and_never_the_same() {
    let targets: Vec<PathBuf> = planned().into_iter().map(|place| place.target).collect();
    assert_eq!(targets, ["000/a.png", "000/deep__a.png", "000/2__deep__a.png"].map(PathBuf::from));
    assert!(manifest(&planned(), "").contains("deep/a.png,0,2,0.2500,"));
}

#[test]
fn a_sort_of_other_pictures_keeps_the_lines_of_the_first() {
    let first = manifest(&planned(), "");
    let place = |name: &str, group| places(&[best_of(0, name, 0, 0.5)], &[group]);
    // A name with a comma and quotes, and a picture that the first sort had too.
    let both = manifest(&place("new, \"b\".png", 1), &manifest(&place("a.png", 0), &first));
    assert_eq!(both.lines().count(), 5, "{both}");
    assert_eq!(manifest(&place("new, \"b\".png", 1), &both), both);
    assert!(planned().iter().all(|place| both.contains(&place.name)));
}

#[test]
fn every_way_sorts_once_and_goes_on() {
    for how in How::ALL {
        let (_desk, data, into) = desk();
        let mut left = 2;
        let mut go_on = |_| {
            left -= 1;
            left >= 0
        };
        // Stopped after two of three, then run again, and once more.
        let first = sort(&data, &into, &planned(), how, &originals(&data), &mut go_on).unwrap();
        let second = sort(&data, &into, &planned(), how, &originals(&data), &mut |_| true).unwrap();
        let third = sort(&data, &into, &planned(), how, &originals(&data), &mut |_| true).unwrap();
        let counts = [&first, &second, &third].map(|sorted| (sorted.made, sorted.present));
        if how == How::Manifest {
            assert_eq!(counts, [(0, 0); 3]);
            assert!(!into.join("000").exists());
        } else {
            assert_eq!(counts, [(2, 0), (1, 2), (0, 3)], "{how:?}");
            assert_eq!(std::fs::read_to_string(into.join("000/2__deep__a.png")).unwrap(), "other");
        }
        assert!(into.join(MANIFEST).exists());
        assert_eq!(std::fs::read_to_string(data.join("deep/a.png")).unwrap(), "three", "nothing is moved");
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let (_desk, data, into) = desk();
    std::fs::create_dir_all(into.join("000")).unwrap();
    std::fs::write(into.join("000/a.png"), "mine, and longer").unwrap();
    let sorted = sort(&data, &into, &planned(), How::Copy, &originals(&data), &mut |_| true).unwrap();
    assert_eq!((sorted.made, sorted.taken), (2, vec![into.join("000/a.png")]));
    assert_eq!(std::fs::read_to_string(into.join("000/a.png")).unwrap(), "mine, and longer");
}

#[test]
fn harmful_outputs_are_refused() {
    let (desk, data, into) = desk();
    let refused = |into: &Path| check_output(&data, into).unwrap_err().to_string();
    assert!(refused(&data).contains("sorted into itself"));
    assert!(refused(&data.join("new/deep")).contains("sorted into itself"));
    assert!(refused(&data.join("../data/x")).contains("sorted into itself"));
    assert!(refused(desk.path()).contains("holds the folder of pictures"));
    assert!(refused(&data.join("../note.txt/..").join("data")).contains("itself"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&data, desk.path().join("link")).unwrap();
        assert!(refused(&desk.path().join("link/out")).contains("sorted into itself"));
    }
    std::fs::create_dir_all(&into).unwrap();
    std::fs::write(into.join(MANIFEST), "my,own,list\n").unwrap();
    assert!(refused(&into).contains("not of a sort"));
    std::fs::write(desk.path().join("file"), "x").unwrap();
    assert!(refused(&desk.path().join("file")).contains("is a file"));
}

#[test]
fn one_failure_keeps_no_other_picture_from_its_place() {
    let (_desk, data, into) = desk();
    std::fs::remove_file(data.join("a.png")).unwrap();
    let sorted = sort(&data, &into, &planned(), How::Copy, &originals(&data), &mut |_| true).unwrap();
    assert_eq!((sorted.made, sorted.failed.len(), &*sorted.failed[0].0), (2, 1, "a.png"));
    // What comes back later joins the others.
    std::fs::write(data.join("a.png"), "one").unwrap();
    let sorted = sort(&data, &into, &planned(), How::Copy, &originals(&data), &mut |_| true).unwrap();
    assert_eq!((sorted.made, sorted.present, sorted.failed.len()), (1, 2, 0));
}

#[test]
fn pictures_inside_other_files_are_written_out() {
    let (_desk, data, into) = desk();
    let bytes = |picture: u32| Ok(Original::Bytes { bytes: vec![7; picture as usize + 1], ending: "png" });
    for expected in [(3, 0), (0, 3)] {
        let sorted = sort(&data, &into, &planned(), How::Copy, &bytes, &mut |_| true).unwrap();
        assert_eq!((sorted.made, sorted.present), expected);
    }
    assert_eq!(std::fs::read(into.join("000/deep__a.png")).unwrap(), [7, 7]);
}

#[test]
fn long_names_are_cut_and_told_apart() {
    let long = |end: &str| format!("{}/{}{end}.jpeg", "föld".repeat(30), "n".repeat(200));
    let (a, b) = (flat(Path::new(&long("a"))), flat(Path::new(&long("b"))));
    assert!(a != b && a.len() <= LONGEST && b.len() <= LONGEST);
    let a = a.to_str().unwrap();
    assert!(a.ends_with("nnna.jpeg"), "{a}");
    assert_eq!(flat(Path::new("a/b.png")), "a__b.png");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_keep_their_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
    assert_eq!(flat(&Path::new("deep").join(name)).as_bytes(), b"deep__caf\xe9.png");
}

#[test]
fn a_link_to_another_disk_names_the_way_out() {
    let error = linked(Path::new("x"), IoError::from(ErrorKind::CrossesDevices)).to_string();
    assert!(error.contains("--how copy") && error.contains("symlink"), "{error}");
}

/// What would befall every picture ends the sort with the first.
#[test]
fn what_the_next_picture_would_meet_too_ends_the_sort() {
    assert!(is_final(&linked(Path::new("x"), IoError::from(ErrorKind::CrossesDevices))));
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge] {
        assert!(is_final(&Error::io("x")(IoError::from(kind))), "{kind}");
    }
    assert!(!is_final(&Error::io("x")(IoError::from(ErrorKind::NotFound))));
}

/// A folder that is gone, and the empty one that a disk leaves behind, say so once.
#[test]
fn pictures_that_are_all_gone_end_the_sort() {
    let (desk, data, into) = desk();
    std::fs::rename(&data, desk.path().join("away")).unwrap();
    for empty in [false, true] {
        if empty {
            std::fs::create_dir(&data).unwrap();
        }
        let ended = sort(&data, &into, &planned(), How::Copy, &originals(&data), &mut |_| true);
        let error = ended.expect_err("there is nothing to sort");
        assert!(matches!(&error, Error::Data { path, .. } if *path == data), "{error}");
    }
    std::fs::remove_dir(&data).unwrap();
    std::fs::rename(desk.path().join("away"), &data).unwrap();
    let sorted = sort(&data, &into, &planned(), How::Copy, &originals(&data), &mut |_| true).unwrap();
    assert_eq!((sorted.made, sorted.failed.len()), (3, 0));
}

#[test]
fn groups_that_a_person_named_are_folders_of_that_name() {
    let best =
        |picture: u32, name: &str| Best { picture, name: name.into(), file: None, prototype: (0, 0.5) };
    let all = [best(0, "a/x.png"), best(1, "a__x.png"), best(2, "y.png")];
    let placed = places_in(&all, &[1, 1, 2], &["0".into(), "山 und Tal".into()]);
    let targets: Vec<&Path> = placed.iter().map(|place| place.target.as_path()).collect();
    assert_eq!(targets, ["山 und Tal/a__x.png", "山 und Tal/2__a__x.png", "2/y.png"].map(Path::new));
    assert_eq!(placed.iter().map(|place| place.group).collect::<Vec<_>>(), [1, 1, 2]);
}
