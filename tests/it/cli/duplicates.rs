//! Pictures that stand twice, and what is said of them.

use super::Desk;
use image::{Rgb, RgbImage};
use serde_json::Value;

/// A picture with some structure, so that it has looks.
fn scene(seed: u32) -> RgbImage {
    RgbImage::from_fn(96, 72, |x, y| {
        let wave =
            |n: u32| ((x * (seed % 7 + 1) + y * n) as f32 * 0.05 + seed as f32 * 0.7).sin() * 100.0 + 120.0;
        Rgb([wave(1) as u8, wave(2) as u8, wave(3) as u8])
    })
}

/// `set/train` and `set/test` with two classes: an equal file across the split, one encoded again, one scaled, two of one
/// colour, and one that is no picture.
fn desk() -> Desk {
    let desk = Desk::new();
    for (class, side, seeds) in
        [("a", "train", 0..4), ("b", "train", 4..8), ("a", "test", 8..9), ("b", "test", 9..10)]
    {
        for seed in seeds {
            save(&desk, &format!("set/{side}/{class}/{seed}.png"), &scene(seed));
        }
    }
    desk.write("set/test/a/copy.png", std::fs::read(desk.path("set/train/a/0.png")).unwrap());
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 70).encode_image(&scene(1)).unwrap();
    desk.write("set/train/a/again.jpg", jpeg);
    let small = image::imageops::resize(&scene(5), 48, 36, image::imageops::FilterType::Triangle);
    save(&desk, "set/train/b/small.png", &small);
    save(&desk, "set/train/b/red.png", &RgbImage::from_pixel(20, 20, Rgb([200, 0, 0])));
    save(&desk, "set/train/b/blue.png", &RgbImage::from_pixel(20, 20, Rgb([0, 0, 200])));
    desk.write("set/train/b/broken.png", "no picture");
    desk
}

fn save(desk: &Desk, name: &str, picture: &RgbImage) {
    let path = desk.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

fn groups(found: &Value) -> Vec<(&str, bool, Vec<&str>)> {
    found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let names = group["pictures"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["picture"].as_str().unwrap())
                .collect();
            (group["kind"].as_str().unwrap(), group["leak"].as_bool().unwrap(), names)
        })
        .collect()
}

#[test]
fn equal_and_near_files_are_found_and_leaks_are_told() {
    let desk = desk();
    let found: Value = serde_json::from_str(&desk.run("duplicates set --json").expect(0).out).unwrap();
    let expected = [
        ("exact", true, vec!["test/a/copy.png", "train/a/0.png"]),
        ("near", false, vec!["train/a/1.png", "train/a/again.jpg"]),
        ("near", false, vec!["train/b/5.png", "train/b/small.png"]),
    ];
    assert_eq!(groups(&found), expected, "{found:#}");
    assert_eq!(
        (found["of_one_colour"].as_u64(), found["unreadable"].as_array().unwrap().len()),
        (Some(2), 1)
    );
    let said = desk.run("duplicates set --csv d.csv --html d.html").expect(0).out;
    for part in [
        "exact     1 group, 1 picture more",
        "near      2 groups",
        "leaks     1 group",
        "2 pictures of one colour",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let table = desk.read("d.csv");
    assert!(
        table.contains("0,exact,test/a/copy.png,test,0.0000,true\n0,exact,train/a/0.png,train,"),
        "{table}"
    );
    assert!(desk.read("d.html").matches("<figure>").count() == 6);
    desk.run("duplicates set --csv d.csv").refused(2, &["`csv`", "--force"]);
    let told = desk.run("data set").expect(0).out;
    assert!(told.contains("duplicates  1 file equal to another, 1 group on both sides of a split"), "{told}");
    // Nothing is touched.
    assert!(desk.path("set/test/a/copy.png").exists() && desk.path("set/train/a/again.jpg").exists());
}

#[test]
fn a_network_tells_what_it_finds_alike() {
    let desk = desk();
    desk.train("--steps 2 --out run").expect(0);
    let line = "duplicates set --model run --cosine -1 --json";
    let found: Value = serde_json::from_str(&desk.run(line).expect(0).out).unwrap();
    let alike: Vec<_> = groups(&found).into_iter().filter(|(kind, ..)| *kind == "features").collect();
    assert_eq!(alike.len(), 1, "{found:#}");
    // With a cosine of 1, equal files are alike too, but they are told already.
    let found = desk.run("duplicates set --model run --cosine 1.1").expect(0).out;
    assert!(found.contains("features  none"), "{found}");
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let desk = Desk::new();
    desk.run("duplicates gone").refused(1, &["gone"]);
    desk.run("duplicates pics --distance 40").refused(2, &["--distance"]);
    desk.picture("one/a.png", 1);
    assert!(desk.run("duplicates one").expect(0).out.contains("1 picture\n"));
}
