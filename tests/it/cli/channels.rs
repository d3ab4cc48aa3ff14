//! Pictures of one, two, five and more channels: trained on, resumed, judged, exported and started from.

use super::{Desk, assert_same_run};

/// A TIFF without compression of 16×16 pixels, whose bands lie pixel by pixel.
fn tiff(bands: u16, sample: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let bands = usize::from(bands);
    let samples: Vec<u8> = (0..256 * bands).map(|i| sample(i / bands, i % bands)).collect();
    // Header, samples, bits of each band, and the table of what lies where.
    let bits = 8 + samples.len();
    let table = bits + 2 * bands;
    let mut bytes = [b"II*\0".as_slice(), &(table as u32).to_le_bytes(), &samples].concat();
    (0..bands).for_each(|_| bytes.extend(8u16.to_le_bytes()));
    let place = if bands > 2 { bits as u32 } else { 8 | 8 << 16 };
    let entries = [
        (256u16, 3u16, 1u32, 16u32),
        (257, 3, 1, 16),
        (258, 3, bands as u32, place),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, bands as u32),
        (278, 3, 1, 16),
        (279, 4, 1, samples.len() as u32),
        (284, 3, 1, 1),
    ];
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

/// Two classes of pictures of so many bands; only the last one differs between them.
fn folder(desk: &Desk, name: &str, bands: u16) {
    for index in 0..24usize {
        let bytes = tiff(bands, |pixel, band| {
            let noise = (pixel * 7 + band * 13 + index * 31) % 64;
            let last = band + 1 == usize::from(bands);
            (noise + if last && index % 2 == 1 { 150 } else { 20 }) as u8
        });
        desk.write(&format!("{name}/{}/{index:02}.tif", ["dark", "light"][index % 2]), bytes);
    }
}

#[test]
fn any_number_of_bands_is_trained_judged_and_exported() {
    let desk = Desk::new();
    for bands in [1, 2, 4, 5, 12] {
        let (pictures, run) = (format!("bands{bands}"), format!("run{bands}"));
        folder(&desk, &pictures, bands);
        let line = format!(
            "train {pictures} --config base.toml --channels {bands} --steps 2 --warmup 0 --out {run}"
        );
        let said = desk.run(&line).expect(0);
        let said = format!("{}{}", said.out, said.err);
        assert!(said.contains("saturation, hue and grey are off") && said.contains("--mean"), "{said}");
        assert!(desk.path(&format!("{run}/gallery/gallery.png")).exists(), "{bands}");
        desk.run(&format!("eval knn {run} --data {pictures}")).expect(0);
        for format in ["safetensors", "pytorch", "onnx"] {
            desk.run(&format!("export {run} --format {format} --out {run}.{format}")).expect(0);
        }
        // The file says how many channels it takes, and its network sees the same as the run's.
        let embed = |of: &str, out: &str| {
            desk.run(&format!("embed {of} --data {pictures} --out {out}.npy")).expect(0);
            std::fs::read(desk.path(&format!("{out}.npy"))).unwrap()
        };
        assert!(
            embed(&run, &format!("of-{run}")) == embed(&format!("{run}.safetensors"), &format!("file-{run}"))
        );
    }
}

#[test]
fn five_bands_go_on_to_the_same_bits() {
    let desk = Desk::new();
    folder(&desk, "bands", 5);
    let train = "train bands --config base.toml --channels 5 --epochs 4";
    desk.run(&format!("{train} --out whole")).expect(0);
    desk.run(&format!("{train} --out parts --max-time 1ms")).expect(0);
    desk.run("train --resume parts --max-time none").expect(0);
    assert_same_run(&desk, "whole", "parts", 12);
}

#[test]
fn weights_of_three_channels_start_a_stem_of_five() {
    let desk = Desk::new();
    folder(&desk, "bands", 5);
    desk.train("--steps 2 --warmup 0 --out rgb").expect(0);
    let line = "train bands --config base.toml --channels 5 --steps 2 --warmup 0 --init rgb --out five";
    let said = desk.run(line).expect(0);
    let said = format!("{}{}", said.out, said.err);
    assert!(said.contains("takes 3 channels"), "{said}");
    assert_eq!(desk.checkpoint("five").tensors["conv1.weight"].shape, [4, 5, 3, 3]);
}

#[test]
fn what_has_no_sense_is_refused() {
    let desk = Desk::new();
    folder(&desk, "bands", 5);
    let train = "train bands --config base.toml --out none";
    desk.run(&format!("{train} --channels 5 --augment gpu")).refused(2, &["augment", "three channels"]);
    desk.run(&format!("{train} --channels 5 --bands 1,2")).refused(2, &["bands", "channels"]);
    desk.run(&format!("{train} --channels 4")).refused(1, &["5 bands", "--channels 4"]);
}
