//! Damaged and hostile files: each is refused with a reason or used in part; none makes a reader panic.

use super::super::super::testing::mutants;
use super::*;

/// Files that lie, each with a part of what is said.
#[test]
fn damaged_files_are_named_with_the_reason() {
    let with = |files: Files, name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = files;
        change(&mut files.iter_mut().find(|(file, _)| file == name).unwrap().1);
        make::within("d", files)
    };
    let short = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 100);
    let cases: Vec<(Files, &str, &str, &str)> = vec![
        (with(make::cifar10(3), "data_batch_2.bin", &short), "d", "data_batch_2.bin", "records of 3073"),
        (with(make::cifar10(3), "data_batch_1.bin", &|b| b[0] = 77), "d", "data_batch_1.bin", "label 77"),
        (with(make::cifar10(3), "data_batch_1.bin", &|b| b.clear()), "d", "data_batch_1.bin", "cut short"),
        (with(make::cifar100(3), "train.bin", &short), "d", "train.bin", "records of 3074"),
        (with(make::cifar10_pickled(3), "data_batch_1", &short), "d", "data_batch_1", "cut short"),
        (
            with(make::cifar10_pickled(3), "data_batch_1", &|b| b[3] = b'i'),
            "d",
            "data_batch_1",
            "no mark on the stack",
        ),
        (with(make::stl10(2), "train_X.bin", &short), "d", "train_X.bin", "pictures of 27648"),
        (with(make::stl10(2), "train_y.bin", &|b| b[1] = 0), "d", "train_y.bin", "1 to 10"),
        (with(make::stl10(2), "train_y.bin", &|b| b.push(1)), "d", "train_y.bin", "3 labels for 2"),
        (with(make::mnist(3), "train-images-idx3-ubyte", &short), "d", "train-images", "promises"),
        (with(make::mnist(3), "train-images-idx3-ubyte", &|b| b[4] = 0x7f), "d", "train-images", "promises"),
        (with(make::mnist(3), "train-images-idx3-ubyte", &|b| b[3] = 1), "d", "train-images", "header"),
        (with(make::mnist(3), "train-labels-idx1-ubyte", &|b| b.truncate(3)), "d", "train-labels", "header"),
        (vec![("a.npy".into(), b"\x93NUMPY\x01\x00".to_vec())], "a.npy", "a.npy", "header"),
        (vec![("a.npy".into(), make::npy(&[9, 9, 9], &[0; 700]))], "a.npy", "a.npy", "promises"),
        (vec![("a.npy".into(), make::npy(&[1 << 40, 1 << 40, 9], &[0; 9]))], "a.npy", "a.npy", "promises"),
        (vec![("a.npy".into(), make::npy(&[9, 9], &[0; 81]))], "a.npy", "a.npy", "2 dimensions"),
        (vec![("a.npy".into(), make::npy(&[2, 2, 2, 2], &[0; 16]))], "a.npy", "a.npy", "not one of pictures"),
        (vec![("a.npz".into(), b"PK\x03\x04".to_vec())], "a.npz", "a.npz", "zip"),
        (vec![("a.tar".into(), vec![b'x'; 2000])], "a.tar", "a.tar", "not a tar"),
        (
            vec![("a.tar".into(), make::tar(&vec![("a.txt".into(), vec![1])]))],
            "a.tar",
            "a.tar",
            "no pictures",
        ),
        (
            vec![("a.tar.gz".into(), make::gzip(&[0; 9000])[..20].to_vec())],
            "a.tar.gz",
            "a.tar.gz",
            "cut short",
        ),
        (vec![("a.parquet".into(), b"PAR1".to_vec())], "a.parquet", "a.parquet", "Parquet"),
        (vec![("a.parquet".into(), vec![])], "a.parquet", "a.parquet", "Parquet"),
    ];
    for (files, path, name, reason) in cases {
        let message = refused(&files, path);
        assert!(message.contains(name) && message.contains(reason), "{name}: {message}");
    }
}

#[test]
fn a_tar_that_is_cut_short_gives_its_whole_members() {
    let whole = make::tar(&make::samples(0, 10));
    for cut in [whole.len() / 2, whole.len() / 2 + 300, whole.len() / 2 + 512, whole.len() / 2 + 1023] {
        let (_folder, dataset) = opened(&vec![("s.tar".into(), whole[..cut].to_vec())], "s.tar");
        let dataset = dataset.unwrap();
        assert!((3..10).contains(&dataset.len()), "{}", dataset.len());
        check_colours(&dataset, |picture| make::colour(picture as usize));
        // A cut between two members is no damage that could be seen.
        assert!(dataset.notices().iter().filter(|notice| notice.contains("cut short")).count() <= 1);
    }
    let inside = opened(&vec![("s.tar".into(), whole[..512 + 512 + 512 + 40].to_vec())], "s.tar").1;
    assert!(inside.unwrap_err().to_string().contains("no pictures"));
    let (_folder, dataset) = opened(&vec![("s.tar".into(), whole[..whole.len() - 2520].to_vec())], "s.tar");
    let notices = dataset.unwrap().notices().to_vec();
    assert!(notices[0].contains("s.tar: cut short"), "{notices:?}");
}

/// Whatever is wrong with a file, opening and reading it ends with a result.
#[test]
fn no_damage_makes_a_reader_panic() {
    damage(1);
}

/// The same at length; run it under a limit of memory (`ulimit -v`) to find readers that believe a header.
#[test]
#[ignore = "takes minutes"]
fn much_damage_makes_no_reader_panic() {
    damage(100);
}

/// Opens and reads damaged files of every source, `times` as many as it takes for a quick look.
fn damage(times: u64) {
    let sets: Vec<(&str, Vec<u8>, u64)> = vec![
        ("s.tar", make::tar(&make::samples(0, 3)), 300),
        ("s.tar.gz", make::gzip(&make::tar(&make::samples(0, 3))), 100),
        ("data_batch_1.bin", make::cifar10(2)[1].1.clone(), 60),
        ("train-images-idx3-ubyte", make::mnist(3)[0].1.clone(), 150),
        ("a.npy", make::npy(&[3, 4, 5], &[7; 60]), 300),
        ("packed.npz", fixture("packed.npz").1, 300),
        ("stored.npz", fixture("stored.npz").1, 300),
        ("hub.parquet", fixture("hub.parquet").1, 500),
        ("saved.arrow", fixture("saved.arrow").1, 500),
        ("a.zip", make::zip(&make::samples(0, 4)), 500),
        ("s.tar.xz", fixture("samples.tar.xz").1, 100),
        ("s.tar.zst", zstd::stream::encode_all(&make::tar(&make::samples(0, 3))[..], 1).unwrap(), 100),
        ("plain.parquet", fixture("plain.parquet").1, 300),
        ("list.csv", b"path,label\na.png,1\nb.png,2\n".to_vec(), 100),
        (
            "quoted.csv",
            b"\xef\xbb\xbfid;file;label\n1;\"a; b.png\";x\n2;c\\d.png;\"y \"\"z\"\"\"\n".to_vec(),
            300,
        ),
        ("list.jsonl", b"{\"file_name\":\"a.png\",\"label\":1}\n{\"file_name\":\"b.png\"}\n".to_vec(), 300),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, count) in sets {
        let (path, mut opened) = (folder.path().join(name), 0);
        for damaged in mutants(&bytes, times * count) {
            std::fs::write(&path, &damaged).unwrap();
            let Ok(dataset) = Dataset::open(Some(&path)) else { continue };
            opened += 1;
            for picture in 0..dataset.len().min(40) as u32 {
                drop(dataset.decode(picture));
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert!(
            opened > 0,
            "{name}: every damage makes it unreadable, so nothing behind the header is tried"
        );
    }
}

#[cfg(unix)]
#[test]
fn folders_that_loop_and_pipes_end() {
    use std::os::unix::fs::symlink;
    let (folder, _) = opened(&vec![("in/deep/a.png".into(), make::png(0))], "");
    symlink(folder.path(), folder.path().join("in/loop")).unwrap();
    symlink("/dev/zero", folder.path().join("in/endless.png")).unwrap();
    let dataset = Dataset::open(Some(folder.path())).unwrap();
    assert_eq!(dataset.len(), 1);
    // A list may name what a folder would not.
    std::fs::write(folder.path().join("l.txt"), "in/endless.png\nin/deep/a.png\nin\n").unwrap();
    let dataset = Dataset::open(Some(&folder.path().join("l.txt"))).unwrap();
    for (picture, good) in [(0, false), (1, true), (2, false)] {
        assert_eq!(dataset.decode(picture).is_ok(), good, "{picture}");
    }
    assert!(Dataset::open(Some(Path::new("/dev/zero"))).unwrap_err().to_string().contains("neither a file"));
}
