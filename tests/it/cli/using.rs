//! What is done with a trained network, and what is refused on the way.

use super::Desk;
use serde_json::Value;

/// A desk with a short run in `run`.
fn with_run() -> Desk {
    let desk = Desk::new();
    desk.train("--steps 6 --out run").expect(0);
    desk
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_measure_stands_beside_its_baselines() {
    let desk = with_run();
    let measures =
        ["knn --k 3,20", "linear --epochs 5", "finetune --labels 50 --epochs 2 --batch 8", "clusters"];
    for measure in measures {
        let ended = desk.run(&format!("eval {measure} run --data pics --json")).expect(0);
        let found = json(&ended.out);
        let results = found["results"].as_array().unwrap();
        for source in ["raw-pixels", "untrained", "trained"] {
            assert!(results.iter().any(|r| r["source"] == source), "{measure}: {source}\n{found:#}");
        }
        let right =
            |r: &Value| r["top1"].as_f64().or(r["purity"].as_f64()).is_some_and(|v| (0.0..=1.0).contains(&v));
        assert!(results.iter().all(right) && found["options"].is_object(), "{found:#}");
        // The same once more, and as a table.
        assert_eq!(json(&desk.run(&format!("eval {measure} run --data pics --json")).out), found);
        let table = desk.run(&format!("eval {measure} run --data pics")).expect(0).out;
        for column in ["raw pixels", "untrained network", "this network"] {
            assert!(table.contains(column), "{table}");
        }
    }
    let ended =
        desk.run("eval linear run --data pics --recipe --epochs 2 --classes --confusion c.html").expect(0);
    assert!(ended.out.contains("fresh crops") && ended.out.contains("dark"), "{ended:#?}");
    assert!(desk.read("c.html").contains("<th>light</th>"));
}

#[test]
fn measures_refuse_what_makes_no_sense() {
    let desk = with_run();
    desk.run("eval knn gone --data pics").refused(1, &["gone"]);
    desk.run("eval knn base.toml --data pics").refused(1, &["base.toml", "neither", "safetensors"]);
    desk.run("eval knn run --data pics/dark").refused(1, &["no labels", "eval clusters"]);
    desk.run("eval knn run --data pics --k 0").refused(2, &["`k`"]);
    desk.run("eval knn run --data pics --temperature 0").refused(2, &["`temperature`"]);
    desk.run("eval linear run --data pics --rates 0.1,-1").refused(2, &["`rates`"]);
    desk.run("eval finetune run --data pics --labels 0").refused(2, &["`labels`"]);
    desk.run("eval clusters run --data pics --confusion c.html").refused(2, &["`confusion`"]);
    desk.run("eval clusters run --data pics/dark").expect(0);
}

/// Pictures of one flat folder: dark ones and light ones, and no word of it but in the file.
#[test]
fn a_file_of_labels_takes_the_place_of_folders() {
    let desk = with_run();
    std::fs::create_dir(desk.path("flat")).unwrap();
    let mut rows = "name,label\n".to_owned();
    for class in ["dark", "light"] {
        for entry in std::fs::read_dir(desk.path("pics").join(class)).unwrap() {
            let from = entry.unwrap().path();
            let name = format!("{class}-{}", from.file_name().unwrap().to_str().unwrap());
            std::fs::copy(&from, desk.path("flat").join(&name)).unwrap();
            rows += &format!("{name},{}\n", class.to_uppercase());
        }
    }
    let write = |name: &str, text: &str| std::fs::write(desk.path(name), text).unwrap();
    write("labels.csv", &(rows.clone() + "gone.png,DARK\n"));
    desk.run("eval knn run --data flat").refused(1, &["flat", "no labels", "--label-file"]);
    let measures =
        ["knn --k 3", "linear --epochs 2", "finetune --labels 50 --epochs 1 --batch 8", "clusters"];
    for measure in measures {
        let ended =
            desk.run(&format!("eval {measure} run --data flat --label-file labels.csv --json")).expect(0);
        let found = json(&ended.out);
        assert_eq!(found["classes"], serde_json::json!(["DARK", "LIGHT"]), "{found:#}");
        let said = &found["label_file"];
        assert_eq!((said["labelled"].as_u64(), said["unmatched"].as_u64()), (Some(44), Some(1)), "{found:#}");
        assert_eq!(said["first_unmatched"], serde_json::json!([46, "gone.png"]));
        let text = "labels of labels.csv: 44 of 44 pictures in 2 classes; line 46 names no picture here (`gone.png`)";
        assert!(ended.err.contains(text), "{ended:#?}");
    }
    // As many pictures vote as where the same classes are folders.
    let bank = |arguments: &str| {
        let found = json(&desk.run(&format!("eval knn run --k 3 --json {arguments}")).expect(0).out);
        found["results"][0]["bank"].as_u64().unwrap()
    };
    assert_eq!(bank("--data flat --label-file labels.csv"), bank("--data pics"));
    // Training has no such flag, and each wrong file is refused with its name and the way out.
    desk.run("train flat --config base.toml --label-file labels.csv --steps 1").refused(2, &["--label-file"]);
    desk.run("eval finetune run --data flat --labels labels.csv").refused(2, &["percent", "--label-file"]);
    write("other.csv", "path,label\nx.png,a\ny.png,b\n");
    write("one.csv", &rows.replace("LIGHT", "DARK"));
    write("empty.csv", "");
    write("twice.csv", &(rows + "dark-00.png,LIGHT\n"));
    for (file, words) in [
        ("other.csv", &["no line of it names", "`x.png`", "dark-00.png"][..]),
        ("one.csv", &["`DARK`", "two classes"]),
        ("empty.csv", &["no line of it names a picture"]),
        ("twice.csv", &["line 46", "dark-00.png", "keep one"]),
        ("none.csv", &["No such file"]),
    ] {
        let words: Vec<&str> = words.iter().copied().chain([file]).collect();
        desk.run(&format!("eval knn run --data flat --label-file {file}")).refused(1, &words);
    }
}

#[test]
fn features_are_written_and_searched() {
    let desk = with_run();
    desk.run("embed run --data pics --out f.npy").expect(0);
    let npy = std::fs::read(desk.path("f.npy")).unwrap();
    assert!(npy.starts_with(b"\x93NUMPY") && String::from_utf8_lossy(&npy).contains("'shape': (44, 32)"));
    let table = desk.read("f.csv");
    assert_eq!(table.lines().count(), 45);
    assert!(table.starts_with("row,picture,class,prototype,cosine\n0,dark/00.png,dark,"), "{table}");
    desk.run("embed run --data pics --out f.safetensors").expect(0);
    // A picture is most like itself, whether its features are looked up or made.
    for bank in ["--index f.safetensors", "--data pics"] {
        let found =
            json(&desk.run(&format!("search run pics/light/03.png {bank} --k 3 --json")).expect(0).out);
        assert_eq!(found[0]["picture"].as_str().unwrap(), "light/03.png");
        assert!(found[0]["cosine"].as_f64().unwrap() > 0.9999 && found.as_array().unwrap().len() == 3);
    }
    desk.run("embed run --data pics --what scores --out s.safetensors").expect(0);
    desk.run("search run pics/light/03.png --index s.safetensors").refused(1, &["s.safetensors", "no index"]);
    // Features of another stage are not compared with these, also where they are as many.
    let third = "search run pics/light/03.png --eval-stage 3 --index";
    desk.run(&format!("{third} f.safetensors")).refused(2, &["`index`", "other views or features", "embed"]);
    desk.run("embed run --data pics --eval-stage 3 --out third.safetensors").expect(0);
    assert!(desk.run(&format!("{third} third.safetensors")).expect(0).out.contains("1.000  light/03.png"));
    desk.run("search run base.toml --data pics").refused(1, &["base.toml"]);
    let ended = desk.run("embed run --data pics --out f.parquet").expect(0);
    assert!(ended.out.contains("f.parquet: features of 44 pictures"), "{ended:#?}");
    assert!(desk.path("f.parquet").is_file());
    desk.run("embed run --data pics --out f.txt").refused(2, &["`out`", ".npy"]);
    desk.run("train pics --config base.toml --width 8 --steps 1 --out wide").expect(0);
    desk.run("search wide pics/light/03.png --index f.safetensors").refused(2, &["another"]);
}

#[test]
fn pictures_are_sorted_once_and_later_ones_join_them() {
    let desk = with_run();
    let said = desk.run("sort run pics --into sorted --clusters 3 --dry-run").expect(0).out;
    assert!(said.contains("44 pictures in") && said.contains("--dry-run") && !desk.path("sorted").exists());
    let said = desk.run("sort run pics --into sorted --clusters 3").expect(0).out;
    assert!(said.contains("44 files made, 0 were there"), "{said}");
    let said = desk.run("sort run pics --into sorted --clusters 3").expect(0).out;
    assert!(said.contains("0 files made, 44 were there"), "{said}");
    desk.picture("later/new.png", 99);
    desk.run("sort run later --into sorted --clusters 3").expect(0);
    let manifest = desk.read("sorted/manifest.csv");
    assert_eq!(manifest.lines().count(), 46, "{manifest}");
    for line in manifest.lines().skip(1) {
        assert!(desk.path("sorted").join(line.rsplit(',').next().unwrap()).is_file(), "{line}");
    }
    desk.run("sort run pics --into pics/out").refused(2, &["`into`", "sorted into itself"]);
    desk.run("sort run pics --into base.toml").refused(2, &["`into`", "is a file"]);
    desk.run("export run --trunk --out trunk.safetensors").expect(0);
    // Clusters of its features take the place of prototypes, as many as its run had.
    let said = desk.run("sort trunk.safetensors pics --into other --dry-run").expect(0).out;
    assert!(said.contains("44 pictures in 10 groups"), "{said}");
    desk.run("sort trunk.safetensors pics --into other --clusters 3").expect(0);
    assert_eq!(desk.read("other/manifest.csv").lines().count(), 45);
}

#[test]
fn what_lies_in_an_archive_is_written_out_and_one_failure_ends_no_sort() {
    let desk = with_run();
    let mut tar = tar::Builder::new(std::fs::File::create(desk.path("pics.tar")).unwrap());
    for index in 0..6 {
        let name = format!("pics/dark/{:02}.png", index * 2);
        tar.append_path_with_name(desk.path(&name), format!("{index}.png")).unwrap();
    }
    tar.into_inner().unwrap();
    desk.run("sort run pics.tar --into out --how symlink").refused(2, &["`how`", "--how copy"]);
    let said = desk.run("sort run pics.tar --into out").expect(0).out;
    assert!(said.contains("6 files made"), "{said}");
    for line in desk.read("out/manifest.csv").lines().skip(1) {
        let (name, target) = (line.split(',').next().unwrap(), line.rsplit(',').next().unwrap());
        let index: usize = name.rsplit('/').next().unwrap().trim_end_matches(".png").parse().unwrap();
        let original = std::fs::read(desk.path(&format!("pics/dark/{:02}.png", index * 2))).unwrap();
        assert_eq!(std::fs::read(desk.path("out").join(target)).unwrap(), original, "{line}");
    }
}

/// A name that is no text is sorted, and told so that it can be found.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_kept() {
    use std::os::unix::ffi::OsStrExt as _;
    let desk = with_run();
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
    std::fs::copy(desk.path("pics/dark/00.png"), desk.path("pics/dark").join(odd)).unwrap();
    let said = desk.run("sort run pics --into sorted").expect(0).out;
    assert!(said.contains("45 files made"), "{said}");
    assert!(desk.read("sorted/manifest.csv").contains("dark/caf\\xe9.png,"));
    let flat = std::ffi::OsStr::from_bytes(b"dark__caf\xe9.png");
    let found = walkdir::WalkDir::new(desk.path("sorted")).into_iter().filter_map(Result::ok);
    assert!(found.into_iter().any(|entry| entry.file_name() == flat));
}

#[test]
fn files_that_a_person_names_are_written_over_only_when_told() {
    let desk = with_run();
    for line in [
        "embed run --data pics --out f.npy",
        "export run --out w.safetensors",
        "eval knn run --data pics --k 3 --confusion c.html",
    ] {
        desk.run(line).expect(0);
        desk.run(line).refused(2, &["exists already", "--force"]);
        desk.run(&format!("{line} --force")).expect(0);
    }
    // What is written beside the named file is somebody's as well.
    desk.write("mine.csv", "my own list\n");
    desk.run("embed run --data pics --out mine.npy").refused(2, &["mine.csv exists already", "--force"]);
    assert_eq!(desk.read("mine.csv"), "my own list\n");
    assert!(!desk.path("mine.npy").exists());
    // Pictures are read as the flags say.
    desk.run("embed run --data pics --source mnist --out g.npy").refused(1, &["pics"]);
}

/// A limit on the size of files stands in for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_in_the_middle_of_a_sort_leaves_whole_files() {
    let desk = with_run();
    let noise = image::RgbImage::from_fn(160, 160, |x, y| {
        image::Rgb([3, 5, 7].map(|n| ((x * 131 + y * 7919) * n % 251) as u8))
    });
    noise.save(desk.path("pics/light/21b.png")).unwrap();
    assert!(std::fs::metadata(desk.path("pics/light/21b.png")).unwrap().len() > 40_000);
    let program = env!("CARGO_BIN_EXE_swav-wgpu");
    let script = format!("trap '' XFSZ; ulimit -f 64; exec {program} sort run pics --into sorted");
    let output =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
    super::Ended::of(&script, &output).refused(1, &["21b.png", "File too large"]);
    let folders = || desk.names("sorted").into_iter().filter(|name| !name.ends_with(".csv"));
    let files: Vec<String> = folders().flat_map(|folder| desk.names(&format!("sorted/{folder}"))).collect();
    assert!(
        !files.is_empty() && files.iter().all(|name| name.ends_with(".png") && !name.contains("21b")),
        "{files:?}"
    );
    let said = desk.run("sort run pics --into sorted").expect(0).out;
    assert!(said.contains(&format!("{} were there", files.len())), "{said}");
}

#[test]
fn weights_go_out_and_come_back() {
    let desk = with_run();
    for (format, file) in [("safetensors", "a.safetensors"), ("pytorch", "a.pth"), ("onnx", "a.onnx")] {
        desk.run(&format!("export run --format {format} --out {file}")).expect(0);
        desk.run(&format!("export run --format {format} --out {file}")).refused(2, &["exists already"]);
    }
    // The same features from the run and from the file that has its settings.
    let figures =
        |source: &str| json(&desk.run(&format!("eval knn {source} --data pics --json")).expect(0).out);
    assert_eq!(figures("run")["results"], figures("a.safetensors")["results"]);
    let said = desk.train("--init a.pth --steps 2 --out again").expect(0);
    assert!(said.err.contains("Starting from") || said.out.contains("Starting from"), "{said:#?}");
    desk.run("train pics --config base.toml --blocks 2,1,1,1 --init run --steps 2 --out more").expect(0);
    desk.write("evil.pth", b"\x80\x02cposix\nsystem\nX\x07\0\0\0touch xq\x01\x85R.");
    desk.run("export evil.pth --out x.pth").refused(1, &["evil.pth", "not a file of PyTorch"]);
    desk.run("train pics --config base.toml --init evil.pth --out bad")
        .refused(1, &["not a file of PyTorch"]);
    assert!(!desk.path("x").exists() && !desk.path("bad").exists());
}

/// All of a network starts the next one, whoever's names its file has, and the sentence about it names nothing else.
#[test]
fn weights_under_other_names_start_a_run_with_their_head() {
    let desk = Desk::new();
    let train = "train pics --config base.toml --epochs 8 --steps 2";
    for (method, names) in [("moco-v2", "moco"), ("byol", "solo-learn"), ("byol", "lightly")] {
        desk.run(&format!("{train} --method {method} --out {names}")).expect(0);
        desk.run(&format!("export {names} --format pytorch --names {names} --out {names}.pth")).expect(0);
        let said =
            desk.run(&format!("{train} --method {method} --init {names}.pth --out {names}-2")).expect(0);
        let told = format!("{}{}", said.out, said.err);
        assert!(told.contains("Starting from") && told.contains(" tensors fit"), "{told}");
        assert!(!told.contains("missing:") && !told.contains("not used:"), "{told}");
    }
}

#[test]
fn a_report_is_one_whole_page() {
    let desk = with_run();
    desk.run("report run").expect(0);
    let page = desk.read("run/report.html");
    for part in [
        "id=\"health\"",
        "id=\"curves\"",
        "id=\"crops\"",
        "id=\"prototypes\"",
        "id=\"embedding\"",
        "id=\"evaluation\"",
        "id=\"settings\"",
        "id=\"environment\"",
        "data:image/",
        "raw pixels",
        "ln K",
        "k-means",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src=\"sprites"));
    // Another set, without labels; and a run without reports.
    std::fs::remove_file(desk.path("run/metrics.jsonl")).unwrap();
    desk.run("report run --data pics/dark --out plain.html").expect(0);
    let page = desk.read("plain.html");
    assert!(page.contains("no labels") && page.contains("There are no reports yet"));
    desk.run("report base.toml").refused(2, &["base.toml is no run folder"]);
}
