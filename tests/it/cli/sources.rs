//! Every source is trained on through the real program; damaged ones are refused or used in part.

use super::{Desk, assert_same_run};

#[path = "../../fixtures/make.rs"]
mod make;

impl Desk {
    fn place(&self, folder: &str, files: make::Files) {
        for (name, bytes) in files {
            self.write(&format!("{folder}/{name}"), bytes);
        }
    }

    fn fixture(&self, name: &str, to: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        self.write(to, std::fs::read(path).unwrap());
    }
}

/// Settings of a run of two steps of four pictures.
const SHORT: &str = "--config base.toml --batch 4 --queue 0 --steps 2 --checkpoint-every 0";

#[test]
fn every_source_is_trained_on() {
    let desk = Desk::new();
    desk.place("cifar10", make::cifar10(4));
    desk.write(
        "cifar-10-python.tar.gz",
        make::gzip(&make::tar(&make::within("c", make::cifar10_pickled(4)))),
    );
    desk.place("cifar100", make::cifar100(8));
    desk.place("cifar100p", make::cifar100_pickled(8));
    desk.place("stl10", make::stl10(4));
    desk.place(
        "mnist",
        make::mnist(8).into_iter().map(|(name, file)| (name + ".gz", make::gzip(&file))).collect(),
    );
    desk.write("shards/train-0.tar", make::tar(&make::samples(0, 8)));
    desk.write("shards/val-0.tar", make::tar(&make::samples(8, 6)));
    desk.fixture("hub.parquet", "hub.parquet");
    desk.fixture("packed.npz", "packed.npz");
    desk.fixture("saved.arrow", "saved.arrow");
    let zstd = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    desk.write("zstd.parquet", make::parquet(8, zstd));
    let classes = |i: usize| (format!("{}/{i}.png", ["cat", "dog"][i % 2]), make::png(i));
    desk.write("pics.zip", make::zip(&(0..8).map(classes).collect()));
    let pixels: Vec<u8> = (0..8 * 9 * 9).map(|i| (i % 251) as u8).collect();
    desk.write("images.npy", make::npy(&[8, 9, 9], &pixels));
    desk.write("list.tsv", "pics/dark/00.png\tdark\npics/light/01.png\tlight\n".repeat(4));
    let sources = [
        ("cifar10", "cifar10", "8 pictures of 10 classes"),
        ("cifar-10-python.tar.gz", "cifar10", "8 pictures of 10 classes"),
        ("cifar100", "cifar100", "8 pictures of 100 classes"),
        ("cifar100p", "cifar100", "8 pictures of 100 classes"),
        ("stl10", "stl10", "8 pictures of 10 classes"),
        ("mnist", "mnist", "8 pictures of 10 classes"),
        ("shards", "webdataset", "8 pictures of 3 classes"),
        ("shards/train-*.tar", "webdataset", "8 pictures of 3 classes"),
        ("hub.parquet", "parquet", "12 pictures of 3 classes"),
        ("zstd.parquet", "parquet", "8 pictures of 3 classes"),
        ("saved.arrow", "arrow", "12 pictures of 3 classes"),
        ("pics.zip", "zip", "8 pictures of 2 classes"),
        ("packed.npz", "npy", "4 pictures of 2 classes"),
        ("images.npy", "npy", "8 pictures without labels"),
        ("list.tsv", "list", "8 pictures of 2 classes"),
        ("pics", "folder", "44 pictures of 2 classes"),
    ];
    for (at, (path, source, said)) in sources.iter().enumerate() {
        // What is found by looking is what the flag names.
        let flag = if at % 2 == 0 { String::new() } else { format!("--source {source}") };
        let ended = desk.run(&format!("train {path} {SHORT} {flag} --out run{at}")).expect(0);
        assert!(ended.err.contains(said), "{path}: {ended:#?}");
        assert_eq!(desk.metrics(&format!("run{at}")).len(), 2, "{path}");
    }
}

#[test]
fn an_archive_gives_the_same_run_whatever_the_workers_and_when_resumed() {
    let desk = Desk::new();
    desk.write("a.tar", make::tar(&make::samples(0, 22)));
    let train = "train a.tar --config base.toml --batch 4 --steps 12 --queue 0";
    desk.run(&format!("{train} --out one")).expect(0);
    desk.run(&format!("{train} --out eight --workers 8 --cache 0")).expect(0);
    assert_same_run(&desk, "one", "eight", 12);
    desk.run(&format!("{train} --out half --max-time 1ms")).expect(0);
    assert!(desk.checkpoint("half").meta.step < 12);
    desk.run("train --resume half --max-time none").expect(0);
    assert_same_run(&desk, "one", "half", 12);
}

#[test]
fn normalising_by_the_pictures_is_kept_in_the_run() {
    let desk = Desk::new();
    desk.train("--normalize dataset --steps 3 --max-time 1ms --out run").expect(0);
    let line = |key: &str| {
        let config = desk.read("run/config.toml");
        config.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap().to_owned()
    };
    let (mean, std) = (line("mean"), line("std"));
    assert!(!mean.contains("0.485") && !std.contains("0.228"), "{mean} {std}");
    assert_eq!(line("normalize"), "normalize = \"dataset\"");
    // Other pictures, and the run still knows its own.
    std::fs::remove_dir_all(desk.path("pics/light")).unwrap();
    desk.run("train --resume run --max-time none").expect(0);
    assert_eq!((line("mean"), line("std")), (mean, std));
    let ended = desk.train("--normalize dataset --steps 1 --out two").expect(0);
    assert!(ended.err.contains("Normalised by 22 of the pictures"), "{ended:#?}");
}

#[test]
fn damaged_sources_are_refused_before_a_run_begins() {
    let desk = Desk::new();
    let mut cifar = make::cifar10(4);
    cifar[1].1.truncate(5000);
    desk.place("cifar", cifar);
    desk.fixture("no-pictures.parquet", "p/a.parquet");
    desk.fixture("evil.pickle", "evil/data_batch_1");
    desk.write("torn.tar", vec![b'x'; 3000]);
    desk.write("a.npy", b"\x93NUMPY");
    desk.write("empty.csv", "");
    let train = |data: &str| desk.run(&format!("train {data} {SHORT} --out run"));
    train("cifar").refused(1, &["data_batch_1.bin", "5000 bytes", "fetch it again"]);
    train("p").refused(1, &["a.parquet", "no column of pictures", "text, n"]);
    train("evil").refused(1, &["data_batch_1", "no array of bytes"]);
    train("torn.tar").refused(1, &["torn.tar", "not a tar archive"]);
    train("a.npy").refused(1, &["a.npy", "header"]);
    train("empty.csv").refused(1, &["empty.csv", "one picture a line"]);
    train("shards-*.tar").refused(1, &["shards-*.tar", "nothing here"]);
    train("pics --source cifar10").refused(1, &["pics", "not here", "data_batch_1.bin"]);
    train("base.toml --source folder").refused(1, &["base.toml", "this is a file", "--source"]);
    train("pics --source nonsense").expect(2);
    assert!(!desk.path("run").exists());
}

#[test]
fn what_is_left_out_is_said_when_a_run_begins() {
    let desk = Desk::new();
    let whole = make::tar(&make::samples(0, 12));
    desk.write("short.tar", &whole[..whole.len() - 2520]);
    let ended = desk.run(&format!("train short.tar {SHORT} --out run")).expect(0);
    assert!(ended.err.contains("short.tar: cut short"), "{ended:#?}");
    assert!(ended.err.contains("11 pictures"), "{ended:#?}");
}

/// Only someone without all rights is kept out of a folder: the program is run as such where that can be.
#[test]
fn a_folder_that_cannot_be_listed_is_left_out_and_said() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let desk = Desk::new();
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("pics/light", 0o000);
    let all_rights = std::fs::read_dir(desk.path("pics/light")).is_ok();
    let mut command = desk.command("data pics --json");
    if all_rights {
        command.uid(65_534);
    }
    let output = command.output();
    mode("pics/light", 0o755);
    // Where the program itself lies out of another user's reach, there is nothing to see.
    let Ok(output) = output else { return };
    let ended = super::Ended::of("data pics --json", &output).expect(0);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["pictures"], 22);
    let notice = told["notices"][0].as_str().unwrap();
    assert!(
        notice.contains("light") && notice.contains("left out") && notice.contains("ermission"),
        "{notice}"
    );
}
