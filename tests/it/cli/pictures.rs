//! Folders and picture files that cannot be used.

use super::{Desk, PICTURES};

/// Three files of `pics` that are no pictures any more: empty, cut short, and something else.
fn damage(desk: &Desk) -> [&'static str; 3] {
    let whole = std::fs::read(desk.path("pics/dark/02.png")).unwrap();
    desk.write("pics/dark/00.png", "");
    desk.write("pics/dark/02.png", &whole[..whole.len() / 2]);
    desk.write("pics/light/01.png", "this is a letter\n");
    ["dark/00.png", "dark/02.png", "light/01.png"]
}

#[test]
fn folders_without_pictures_are_named_with_what_counts() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.write("letters/a.txt", "no picture");
    desk.write("letters/b.pdf", "nor this");
    let train = |data: &str| desk.run(&format!("train {data} --config base.toml --out run"));
    for folder in ["empty", "letters"] {
        train(folder).refused(1, &[folder, "no pictures", "png, jpg"]);
    }
    train("gone").refused(1, &["gone", "nothing here", "name a folder"]);
    train("letters/b.pdf").refused(1, &["b.pdf", "is a file", "name the folder"]);
    assert!(!desk.path("run").exists());
}

#[test]
fn unreadable_pictures_are_skipped_counted_and_listed() {
    let desk = Desk::new();
    let bad = damage(&desk);
    let ended = desk.train("--out run").expect(0);
    assert!(ended.out.contains("3 pictures could not be read: run/unreadable.txt"), "{ended:#?}");
    let summary = desk.summary("run");
    assert_eq!((&summary["unreadable"], &summary["finished"]), (&3.into(), &true.into()));
    let list = desk.read("run/unreadable.txt");
    let named: Vec<&str> = list.lines().map(|line| line.split_once('\t').unwrap().0).collect();
    assert_eq!(named, bad.map(|name| name.replace('/', std::path::MAIN_SEPARATOR_STR)));
    assert!(list.lines().all(|line| line.split_once('\t').unwrap().1.contains("png: ")), "{list}");
    // The run is the same with more workers, which meet the bad files in another order.
    desk.train("--out two --workers 2").expect(0);
    assert_eq!(desk.metrics("run"), desk.metrics("two"));
    assert_eq!(list, desk.read("two/unreadable.txt"));
}

/// More than a tenth: something is wrong with the folder. What was learned is kept all the same.
#[test]
fn too_many_unreadable_pictures_stop_the_run_and_lose_nothing() {
    let desk = Desk::new();
    damage(&desk);
    for index in (20..36).step_by(2) {
        desk.write(&format!("pics/dark/{index}.png"), "");
    }
    let ended =
        desk.train("--out run").refused(1, &["pics", "cannot be read", "more than the tenth", "repair"]);
    assert!(ended.err.contains("listed in run/unreadable.txt"), "{ended:#?}");
    assert!(desk.read("run/unreadable.txt").lines().count() > PICTURES / 10);
    let step = desk.checkpoint("run").meta.step;
    for index in (0..PICTURES).step_by(2) {
        desk.picture(&format!("pics/dark/{index:02}.png"), index as u32);
    }
    let ended = desk.run("train --resume run").expect(0);
    assert!(step == 0 || ended.err.contains(&format!("from step {step};")), "{ended:#?}");
    assert_eq!(desk.metrics("run").len(), 20);
}

#[test]
fn a_run_whose_pictures_changed_says_so() {
    let desk = Desk::new();
    desk.train("--steps 7 --out run").expect(0);
    std::fs::rename(desk.path("pics"), desk.path("elsewhere")).unwrap();
    desk.run("train --resume run --steps 9").refused(1, &["pics", "nothing here"]);
    assert_eq!(desk.checkpoint("run").meta.step, 7);
    std::fs::rename(desk.path("elsewhere"), desk.path("pics")).unwrap();
    for index in 0..20 {
        std::fs::remove_file(desk.path(&format!("pics/{}/{index:02}.png", ["dark", "light"][index % 2])))
            .unwrap();
    }
    let ended = desk.run("train --resume run --steps 9").expect(0);
    assert!(ended.err.contains("24 pictures now, 44 when the run began"), "{ended:#?}");
    assert_eq!(desk.checkpoint("run").meta.step, 9);
}

#[test]
fn a_folder_of_nothing_but_bad_files_is_refused() {
    let desk = Desk::new();
    for index in 0..12 {
        desk.write(&format!("bad/{}/{index}.jpg", index % 2), "not a picture");
    }
    desk.run("train bad --config base.toml --out run").refused(1, &["bad", "cannot be read", "0.jpg"]);
}

/// Without sub-folders there are no labels, and nothing to judge by: the rest works.
#[test]
fn pictures_without_labels_are_trained_on() {
    let desk = Desk::new();
    for index in 0..16 {
        desk.picture(&format!("flat/{index}.png"), index);
    }
    let ended = desk.run("train flat --config base.toml --out run").expect(0);
    assert!(ended.err.contains("16 pictures without labels; 8 steps"), "{ended:#?}");
    assert_eq!(desk.summary("run")["knn"], serde_json::json!([]));
    assert!(desk.metrics("run").iter().all(|line| line.get("knn").is_none()));
    assert!(!ended.out.contains("kNN") && desk.path("run/gallery/index.html").exists());
}
