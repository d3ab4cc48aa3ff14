//! `crops`: the contact sheet, with and without a network, and what it refuses.

use super::Desk;

#[test]
fn a_sheet_shows_the_crops_of_a_run_and_their_codes() {
    let desk = Desk::new();
    let ended = desk.run("crops pics --config base.toml --pictures 3 --out sheets/a").expect(0);
    assert!(ended.err.is_empty() && ended.out.contains("9 crops of 3 pictures: sheets/a.png"), "{ended:#?}");
    desk.run("crops pics --config base.toml --pictures 3 --out sheets/a")
        .refused(2, &["sheets/a.png", "--force"]);
    desk.run("crops pics --config base.toml --pictures 3 --out sheets/a --force").expect(0);
    let plain = desk.read("sheets/a.html");
    assert_eq!((plain.matches("<figure").count(), plain.matches("class=\"code\"").count()), (9, 0));
    assert!(plain.contains("dark") || plain.contains("light"), "classes are named");
    let sheet = image::open(desk.path("sheets/a.png")).unwrap();
    assert!(sheet.width() > 700 && sheet.height() > 600);

    desk.train("--out run --steps 6").expect(0);
    let ended = desk.run("crops --checkpoint run --pictures 3 --out sheets/b").expect(0);
    assert!(ended.out.contains("have the same first prototype"), "{ended:#?}");
    let coded = desk.read("sheets/b.html");
    assert_eq!(coded.matches("class=\"code\"").count(), 9);
    // The same boxes: settings and seed came from the run.
    let boxes = |page: &str| -> Vec<String> {
        page.split("<i class=").skip(1).map(|rest| rest.split('>').next().unwrap().to_owned()).collect()
    };
    assert_eq!(boxes(&plain), boxes(&coded));
    assert!(boxes(&plain).len() == 9);
    // Another epoch has other crops, the same one the same bytes.
    desk.run("crops pics --config base.toml --pictures 3 --out sheets/c --epoch 2").expect(0);
    desk.run("crops pics --config base.toml --pictures 3 --out sheets/d").expect(0);
    assert_ne!(boxes(&plain), boxes(&desk.read("sheets/c.html")));
    assert_eq!(plain, desk.read("sheets/d.html"));
}

#[test]
fn pictures_are_picked_by_number_and_unreadable_ones_skipped() {
    let desk = Desk::new();
    desk.write("pics/dark/00.png", b"torn");
    let ended = desk.run("crops pics --config base.toml --pick 0,3").expect(0);
    assert!(ended.err.contains("skipped: ") && ended.err.contains("00.png"), "{ended:#?}");
    assert!(desk.read("crops.html").contains("3 · "));
    desk.run("crops pics --config base.toml --pick 0").refused(1, &["none of the pictures"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let desk = Desk::new();
    desk.run("crops pics --config base.toml --pick 44").refused(2, &["pick", "0 to 43"]);
    desk.run("crops pics --config base.toml --blur 2").refused(2, &["blur"]);
    desk.run("crops nowhere").refused(1, &["nowhere"]);
    desk.run("crops --checkpoint nowhere").refused(1, &["nowhere"]);
    for line in ["crops pics --pictures 0", "crops pics --epoch 0", "crops pics --checkpoint a --config b"] {
        desk.run(line).expect(2);
    }
}
