//! What `swav-wgpu data` tells of pictures, and that its suggestions can be used.

use super::Desk;
use swav_wgpu::gpu;
use swav_wgpu::tune::Speeds;

#[test]
fn pictures_are_told_as_text() {
    let desk = Desk::new();
    desk.write("pics/dark/00.png", "");
    desk.write("pics/light/01.jpg", "this is a letter\n");
    let ended = desk.run("data pics").expect(0);
    for words in [
        "45, 45 of them to train on",
        "2: dark 22, light 23",
        "held-out: the classes of 8 from those of 37",
        "16x16",
        "43 colour",
        "unreadable  2 of 45",
        "00.png: the file is empty",
        "01.jpg: this is not a picture",
        "--preset cifar",
        "--crops 2x16@0.14-1",
        "swav-wgpu train pics --preset cifar",
    ] {
        assert!(ended.out.contains(words), "`{words}` is not said: {}", ended.out);
    }
    // The speed of this machine is kept in the user's cache, where `tune` keeps its kernels; nothing else is written.
    assert_eq!(desk.names(""), ["base.toml", "cache", "pics"]);
}

#[test]
fn pictures_are_told_as_json_and_the_command_can_be_run() {
    let desk = Desk::new();
    let ended = desk.run("data pics --json").expect(0);
    let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&told["pictures"], &told["pretrain"], &told["looked_at"]),
        (&44.into(), &44.into(), &44.into())
    );
    assert_eq!(told["classes"][1]["name"], "light");
    assert_eq!(told["size"]["median"], serde_json::json!([16, 16]));
    assert!(told["mean"][0].as_f64().unwrap() > 0.2 && told["unreadable"].as_array().unwrap().is_empty());
    assert!(
        told["suggested"]
            .as_array()
            .unwrap()
            .iter()
            .all(|advice| !advice["rule"].as_str().unwrap().is_empty())
    );
    let command = told["command"].as_str().unwrap().strip_prefix("swav-wgpu ").unwrap().to_owned();
    // Not the network of the preset, which would take its time on a CPU.
    desk.run(&format!("{command} --plan --arch resnet18 --width 4 --blocks 1,1,1,1")).expect(0);
    // So can those of a time, which must not be told twice how long they are.
    let timely = told["by_time"].as_array().unwrap();
    assert!(!timely.is_empty());
    for one in timely {
        let command = one["command"].as_str().unwrap().strip_prefix("swav-wgpu ").unwrap();
        let lengths = ["--for ", "--epochs "].into_iter().filter(|flag| command.contains(flag)).count();
        assert_eq!(lengths, 1, "{command}");
        desk.run(&format!("{command} --plan=memory")).expect(0);
    }
    let some = desk.run("data pics --json --sample 5").expect(0).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&some).unwrap()["looked_at"], 5);
}

/// The command that trains with all that is suggested says what it takes here, and what takes less comes first where that is
/// more than an hour.
#[test]
fn what_a_recipe_takes_is_told_with_it() {
    let desk = Desk::new();
    let facts = gpu::find(None).unwrap();
    for (gflop_per_s, is_long, unit) in [(1e5, false, "second"), (0.02, true, "day")] {
        Speeds::read(&desk.path("cache")).keep(&facts, gflop_per_s).unwrap();
        let told = desk.run("data pics").expect(0).out;
        let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words}: {told}"));
        let (whole, by_time) = (at("\nTo train with them, about "), at("\nBy the time that there is\n"));
        assert_eq!(by_time < whole, is_long, "{told}");
        let line = told[whole + 1..].lines().next().unwrap();
        assert!(line.contains(unit) && line.ends_with(" here"), "{line}");
        let json: serde_json::Value =
            serde_json::from_str(&desk.run("data pics --json").expect(0).out).unwrap();
        assert_eq!(json["command_seconds"].as_f64().unwrap() > 3600.0, is_long, "{json:#}");
        // Numbers that nobody measured are called what they are.
        assert!(told.contains("a choice") && told.contains("not a measurement"), "{told}");
    }
}

#[test]
fn the_embedded_pictures_are_told_too() {
    let out = Desk::new().run("data --sample 64").expect(0).out;
    for words in ["picto16", "4666, 2781 of them", "split_concept", "swav-wgpu train --preset demo\n"] {
        assert!(out.contains(words), "`{words}` is not said: {out}");
    }
}

#[test]
fn limits_are_kept_and_nothing_readable_is_an_error() {
    let desk = Desk::new();
    let path = desk.path("big/a.png");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::new(1200, 1000).save(&path).unwrap();
    let grey = desk.run("data big").expect(0).out;
    assert!(grey.contains("1 grey") && grey.contains("Too few pictures"), "{grey}");
    let ended = desk.run("data big --max-megapixels 1").refused(1, &["big", "no picture of it can be read"]);
    assert!(ended.out.contains("1200x1000 pixels are more than the limit of 1 megapixels"), "{ended:#?}");
    assert!(!ended.out.contains("mean") && !ended.out.contains("0x0"), "{ended:#?}");
    desk.run("data nowhere").refused(1, &["nowhere", "nothing here"]);
    desk.run("data big --sample 0").expect(2);
}
