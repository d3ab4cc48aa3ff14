//! Every source read back.

use std::path::Path;

use super::*;
use crate::data::{Dataset, Reading};
use make::Files;

#[path = "damage_tests.rs"]
mod damage;
#[path = "hub_tests.rs"]
mod hub;
#[path = "list_tests.rs"]
mod lists;
#[path = "loading_tests.rs"]
mod loading;
#[path = "../../../tests/fixtures/make.rs"]
pub(super) mod make;

fn write(root: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Opens `path` of a folder that holds `files`.
pub(super) fn opened(files: &Files, path: &str) -> (tempfile::TempDir, Result<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    let dataset = Dataset::open(Some(&folder.path().join(path)));
    (folder, dataset)
}

pub(super) fn refused(files: &Files, path: &str) -> String {
    opened(files, path).1.expect_err("this should not open").to_string()
}

pub(super) fn fixture(name: &str) -> (String, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    (name.to_owned(), std::fs::read(path).unwrap())
}

/// All pictures decode to the colours that they were made with.
pub(super) fn check_colours(dataset: &Dataset, of: impl Fn(u32) -> [u8; 3]) {
    for picture in 0..dataset.len() as u32 {
        let pixels = dataset.decode(picture).unwrap();
        assert_eq!(pixels.get_pixel(5, 7).0, of(picture), "{}", dataset.picture_name(picture));
    }
}

pub(super) fn label(dataset: &Dataset, picture: u32) -> &str {
    &dataset.classes()[dataset.label(picture).unwrap() as usize]
}

#[test]
fn cifar_is_read_from_folders_and_archives_of_both_kinds() {
    let archives = [
        (make::cifar10(12), "cifar-10-binary.tar.gz"),
        (make::cifar10_pickled(12), "cifar-10-python.tar.gz"),
        (make::cifar100(12), "cifar-100-binary.tar.gz"),
        (make::cifar100_pickled(12), "cifar-100-python.tar.gz"),
    ];
    for (files, archive) in archives {
        let ten = archive.contains("-10-");
        let packed = make::tar(&make::within("cifar-batches", files.clone()));
        let all = [
            make::within("set", files.clone()),
            make::within("set/inner/cifar-batches", files),
            vec![("set".into(), vec![]), (archive.into(), make::gzip(&packed))],
            vec![("set".into(), vec![]), ("any.tar".into(), packed)],
        ];
        for (files, path) in all.iter().zip(["set", "set", archive, "any.tar"]) {
            let (_folder, dataset) = opened(files, path);
            let dataset = dataset.unwrap();
            let (pictures, trained) = if ten { (36, 24) } else { (24, 12) };
            assert_eq!((dataset.len(), dataset.pretrain().len()), (pictures, trained), "{archive} {path}");
            assert_eq!(dataset.classes().len(), if ten { 10 } else { 100 });
            let split = &dataset.splits()[0];
            assert_eq!((&*split.name, split.bank.len(), split.queries.len()), ("test", trained, 12));
            check_colours(&dataset, |picture| make::colour(picture as usize));
            assert_eq!(dataset.decode(0).unwrap().get_pixel(0, 0).0, [255; 3]);
            let name = if archive == "cifar-10-binary.tar.gz" { "dog" } else { "thing5" };
            assert_eq!(label(&dataset, 5), name);
        }
    }
}

#[test]
fn stl10_trains_on_the_unlabelled_split_too() {
    let mut files = make::stl10(4);
    // The second sample of a plane is the second pixel of its first column.
    let train = files.iter_mut().find(|(name, _)| name == "train_X.bin").unwrap();
    train.1[1] = 250;
    let packed = vec![(
        "stl10_binary.tar.gz".into(),
        make::gzip(&make::tar(&make::within("stl10_binary", files.clone()))),
    )];
    for (files, path) in [(make::within("stl", files), "stl"), (packed, "stl10_binary.tar.gz")] {
        let (_folder, dataset) = opened(&files, path);
        let dataset = dataset.unwrap();
        assert_eq!((dataset.len(), dataset.classes().len()), (12, 10));
        assert_eq!(dataset.pretrain(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(
            (dataset.splits()[0].bank.as_slice(), dataset.splits()[0].queries.as_slice()),
            (&[0, 1, 2, 3][..], &[8, 9, 10, 11][..])
        );
        assert_eq!((label(&dataset, 3), dataset.label(4)), ("d", None));
        check_colours(&dataset, |picture| make::colour(picture as usize));
        let first = dataset.decode(0).unwrap();
        assert_eq!((first.dimensions(), first.get_pixel(0, 1).0[0]), ((96, 96), 250));
    }
}

#[test]
fn mnist_is_read_packed_and_unpacked() {
    let plain = make::mnist(15);
    let packed: Files = plain.iter().map(|(name, bytes)| (format!("{name}.gz"), make::gzip(bytes))).collect();
    for files in [plain.clone(), packed.clone(), [plain, packed].concat()] {
        let (_folder, dataset) = opened(&make::within("MNIST/raw", files), "MNIST");
        let dataset = dataset.unwrap();
        // Test files come first by their names.
        assert_eq!((dataset.len(), dataset.classes().len()), (30, 10));
        assert_eq!(dataset.pretrain(), (15..30).collect::<Vec<u32>>());
        check_colours(&dataset, |picture| [make::colour((picture as usize + 15) % 30)[0]; 3]);
        assert_eq!(dataset.decode(0).unwrap().dimensions(), (20, 28));
        assert_eq!((label(&dataset, 15), label(&dataset, 0)), ("0", "5"));
    }
    let (folder, _) = opened(&make::mnist(5), "");
    let one = Dataset::open(Some(&folder.path().join("train-images-idx3-ubyte"))).unwrap();
    assert_eq!((one.len(), one.classes().len(), one.pretrain().len()), (5, 5, 5));
}

#[test]
fn sets_side_by_side_are_chosen_by_a_pattern() {
    let mut files = Files::new();
    for set in ["emnist-digits", "emnist-letters"] {
        files.extend(make::mnist(4).into_iter().map(|(name, file)| (format!("{set}-{name}"), file)));
    }
    files.push(("emnist-letters-mapping.txt".into(), b"1 65 97\n".to_vec()));
    let (folder, dataset) = opened(&files, "");
    let message = dataset.unwrap_err().to_string();
    assert!(message.contains("2 in all") && message.contains("'emnist-digits-*'"), "{message}");
    let letters = Dataset::open(Some(&folder.path().join("emnist-letters-*"))).unwrap();
    assert_eq!((letters.len(), letters.pretrain().len(), letters.splits().len()), (8, 4, 1));
}

/// The shards of a small set: `train` in two, `val` in one.
fn shards() -> Files {
    vec![
        ("s/train-000.tar".into(), make::tar(&make::samples(0, 10))),
        ("s/train-001.tar".into(), make::tar(&make::samples(10, 10))),
        ("s/val-000.tar.gz".into(), make::gzip(&make::tar(&make::samples(20, 6)))),
    ]
}

#[test]
fn shards_are_read_as_a_folder_a_pattern_and_one() {
    let (folder, dataset) = opened(&shards(), "s");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.pretrain().len(), dataset.classes().len()), (26, 20, 3));
    assert_eq!(dataset.splits()[0].name, "val");
    check_colours(&dataset, |picture| make::colour(picture as usize));
    assert_eq!((label(&dataset, 4), dataset.picture_name(4).as_str()), ("1", "train-000.tar/00004.png"));
    let of = |path: &str| Dataset::open(Some(&folder.path().join(path))).unwrap();
    let lengths = ["s/train-*.tar", "s/train-{000..001}.tar", "s/train-00?.tar", "s/train-001.tar"];
    assert_eq!(lengths.map(|path| of(path).len()), [20, 20, 20, 10]);
    assert!(!of("s/train-001.tar").splits()[0].queries.is_empty(), "a fifth of each class is held out");
}

#[test]
fn numpy_arrays_of_every_layout_are_read() {
    for (name, classes, trained) in [("packed.npz", 2, 4), ("stored.npz", 2, 4)] {
        let (_folder, dataset) = opened(&vec![fixture(name)], name);
        let dataset = dataset.unwrap();
        assert_eq!((dataset.classes().len(), dataset.pretrain().len()), (classes, trained), "{name}");
        let third = dataset.pretrain()[2];
        let pixels = dataset.decode(third).unwrap();
        assert_eq!((pixels.dimensions(), pixels.get_pixel(6, 4).0), ((7, 5), [40; 3]));
        assert_eq!((dataset.label(third), dataset.label(third + 1)), (Some(0), Some(1)));
    }
    // Two pictures of 2×5: values 0 to 9 in each channel, and those of the second 100 more.
    let value = |i: u8, v: u8, c: u8| v + 10 * c + 100 * i;
    let planes =
        (0..2).flat_map(|i| (0..3).flat_map(move |c| (0..10).map(move |v| value(i, v, c)))).collect();
    let pixels =
        (0..2).flat_map(|i| (0..10).flat_map(move |v| (0..3).map(move |c| value(i, v, c)))).collect();
    let layouts: [([usize; 4], Vec<u8>); 2] = [([2, 3, 2, 5], planes), ([2, 2, 5, 3], pixels)];
    for (sizes, values) in &layouts {
        let files = vec![
            ("images.npy".into(), make::npy(sizes, values)),
            ("labels.npy".into(), make::npy(&[2], &[7, 9])),
        ];
        let (_folder, dataset) = opened(&files, "images.npy");
        let dataset = dataset.unwrap();
        assert_eq!(dataset.classes(), ["7", "9"]);
        assert_eq!(dataset.decode(1).unwrap().get_pixel(2, 1).0, [107, 117, 127], "{sizes:?}");
    }
    let clear = make::npy(&[1, 1, 1, 4], &[10, 20, 30, 0]);
    let folder = opened(&vec![("a.npy".into(), clear)], "").0;
    let reading = Reading { background: [1, 2, 3], ..Reading::default() };
    let dataset = Dataset::open_with(Some(folder.path()), Source::Npy, reading).unwrap();
    assert_eq!(dataset.decode(0).unwrap().get_pixel(0, 0).0, [1, 2, 3]);
}

/// A numpy file of any type.
fn typed(kind: &str, sizes: &[u64], values: &[u8]) -> Vec<u8> {
    let shape: String = sizes.iter().map(|size| format!("{size},")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    text += &" ".repeat(63 - (text.len() + 10) % 64);
    text.push('\n');
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), values].concat()
}

#[test]
fn a_numpy_file_a_picture_is_told_from_its_sizes() {
    let colour = |value: u8| typed("|u1", &[9, 8, 3], &[value; 216]);
    let files = vec![("cat/a.npy".into(), colour(5)), ("dog/b.npy".into(), colour(9))];
    let (_folder, dataset) = opened(&files, "");
    let dataset = dataset.unwrap();
    assert_eq!((dataset.len(), dataset.classes()), (2, &["cat".to_owned(), "dog".to_owned()][..]));
    let picture = dataset.decode(1).unwrap();
    assert_eq!((picture.dimensions(), picture.get_pixel(7, 8).0), ((8, 9), [9; 3]));
    assert!(dataset.picture_name(1).ends_with("b.npy"));
    // Grey ones of 16 bits and floats, by the depth of the set.
    let deep: Vec<u8> = (0..80u16).flat_map(|i| (i * 51).to_be_bytes()).collect();
    let (_folder, dataset) = opened(
        &vec![
            ("a.npy".into(), typed(">u2", &[8, 10], &deep)),
            ("b.npy".into(), typed(">u2", &[8, 10], &deep)),
        ],
        "",
    );
    let dataset = dataset.unwrap();
    assert_eq!(dataset.reading().depth, Some([0.0, 4095.0]));
    assert_eq!(dataset.decode(0).unwrap().get_pixel(9, 7).0, [251; 3]);
    let floats: Vec<u8> = (0..80).flat_map(|i| (i as f32 / 79.0).to_le_bytes()).collect();
    let single = vec![("a.npy".into(), typed("<f4", &[8, 10, 1], &floats))];
    let (_folder, dataset) = opened(&single, "");
    assert_eq!(dataset.unwrap().decode(0).unwrap().get_pixel(9, 7).0, [255; 3]);
}

#[test]
fn numpy_files_that_could_be_either_need_a_word() {
    let planes = typed("|u1", &[3, 8, 10], &(0..240).map(|i| i as u8).collect::<Vec<_>>());
    let files = vec![("a.npy".into(), planes.clone()), ("b.npy".into(), planes)];
    let (folder, dataset) = opened(&files, "");
    let message = dataset.unwrap_err().to_string();
    assert!(message.contains("--source npy-pictures") && message.contains("[3, 8, 10]"), "{message}");
    let of = |source| Dataset::open_with(Some(folder.path()), source, Reading::default()).unwrap();
    assert_eq!((of(Source::Npy).len(), of(Source::NpyPictures).len()), (6, 2));
    assert_eq!(of(Source::NpyPictures).decode(1).unwrap().get_pixel(1, 0).0, [1, 81, 161]);
    // Bands of an instrument: chosen by number.
    let bands =
        typed("<i2", &[5, 8, 10], &(0..400i16).flat_map(|i| (i - 100).to_le_bytes()).collect::<Vec<_>>());
    let (folder, _) = opened(&vec![("a.npy".into(), bands)], "");
    let reading = Reading { bands: vec![5], depth: Some([-100.0, 299.0]), ..Reading::default() };
    let dataset = Dataset::open_with(Some(folder.path()), Source::NpyPictures, reading).unwrap();
    assert_eq!(dataset.decode(0).unwrap().get_pixel(9, 7).0, [255; 3]);
    let plain = Dataset::open_with(Some(folder.path()), Source::NpyPictures, Reading::default()).unwrap();
    assert!(plain.decode(0).unwrap_err().to_string().contains("5 bands"));
}

#[test]
fn a_folder_is_what_fills_it() {
    let shard = make::tar(&make::samples(0, 30));
    let (_folder, dataset) = opened(&vec![("s.tar".into(), shard), ("cover.png".into(), make::png(0))], "");
    assert_eq!(dataset.unwrap().len(), 30);
    let mut files: Files = (0..30).map(|i| (format!("{i}.png"), make::png(i))).collect();
    files.push(("features.npy".into(), make::npy(&[8], &[0; 8])));
    assert_eq!(opened(&files, "").1.unwrap().len(), 30);
    let message = refused(&vec![("notes.txt".into(), b"x".to_vec())], "");
    assert!(message.contains("no pictures") && message.contains("Parquet"), "{message}");
    let message = refused(&vec![("a.xyz".into(), b"x".to_vec())], "a.xyz");
    assert!(
        message.contains("this is a file") && message.contains("--source") || message.contains("`--source`"),
        "{message}"
    );
    let named = |path: &Path, source| Dataset::open_with(Some(path), source, Reading::default());
    let (folder, _) = opened(&vec![("a.png".into(), make::png(0))], "");
    for source in [
        Source::Cifar10,
        Source::Cifar100,
        Source::Stl10,
        Source::Mnist,
        Source::Webdataset,
        Source::Parquet,
        Source::Npy,
        Source::List,
    ] {
        let message = named(folder.path(), source).unwrap_err().to_string();
        assert!(
            message.contains("not here") || message.contains("no ") || message.contains("one file"),
            "{source:?}: {message}"
        );
    }
}
