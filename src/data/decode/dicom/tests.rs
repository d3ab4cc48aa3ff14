//! DICOM files written by the letter of the standard, read back.

use super::super::{Content, Reading, pages, picture};
use super::*;

/// A file of explicit little-endian words: size, frames, photometric words, bits (allocated, stored, signed), rescale.
struct File {
    size: [u16; 2],
    frames: u16,
    photometric: &'static str,
    bits: [u16; 3],
    rescale: Option<[&'static str; 2]>,
    planar: bool,
    pixels: Vec<u8>,
}

impl File {
    fn grey(size: [u16; 2], bits: [u16; 3], words: &[i32]) -> Self {
        let pixels =
            words.iter().flat_map(|word| word.to_le_bytes()[..usize::from(bits[0] / 8)].to_vec()).collect();
        Self { size, frames: 1, photometric: "MONOCHROME2 ", bits, rescale: None, planar: false, pixels }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut set = Vec::new();
        let short = |set: &mut Vec<u8>, element: u16, value: u16| {
            put(set, [0x0028, element], "US", &value.to_le_bytes());
        };
        let text = |set: &mut Vec<u8>, element: u16, kind: &str, text: &str| {
            let even = if text.len().is_multiple_of(2) { text.to_owned() } else { format!("{text} ") };
            put(set, [0x0028, element], kind, even.as_bytes());
        };
        let samples = if self.photometric.trim() == "RGB" { 3 } else { 1 };
        short(&mut set, 0x0002, samples);
        text(&mut set, 0x0004, "CS", self.photometric);
        if samples == 3 {
            short(&mut set, 0x0006, u16::from(self.planar));
        }
        if self.frames > 1 {
            text(&mut set, 0x0008, "IS", &self.frames.to_string());
        }
        short(&mut set, 0x0010, self.size[1]);
        short(&mut set, 0x0011, self.size[0]);
        let [allocated, stored, signed] = self.bits;
        for (element, value) in
            [(0x0100, allocated), (0x0101, stored), (0x0102, stored - 1), (0x0103, signed)]
        {
            short(&mut set, element, value);
        }
        if let Some([slope, intercept]) = self.rescale {
            text(&mut set, 0x1052, "DS", intercept);
            text(&mut set, 0x1053, "DS", slope);
        }
        if !self.pixels.is_empty() {
            put(&mut set, [0x7fe0, 0x0010], "OW", &self.pixels);
        }
        whole(&set)
    }
}

fn put(to: &mut Vec<u8>, tag: [u16; 2], kind: &str, value: &[u8]) {
    tag.iter().for_each(|half| to.extend(half.to_le_bytes()));
    to.extend(kind.as_bytes());
    match kind {
        "OW" | "OB" => {
            to.extend([0, 0]);
            to.extend((value.len() as u32).to_le_bytes());
        }
        _ => to.extend((value.len() as u16).to_le_bytes()),
    }
    to.extend(value);
}

fn whole(set: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    put(&mut meta, [2, 1], "OB", &[0, 1]);
    put(&mut meta, [2, 2], "UI", b"1.2.840.10008.5.1.4.1.1.7\0");
    put(&mut meta, [2, 3], "UI", b"1.2.3.4\0");
    put(&mut meta, [2, 0x10], "UI", b"1.2.840.10008.1.2.1\0");
    put(&mut meta, [2, 0x12], "UI", b"1.2.3.4\0");
    let mut file = vec![0; PREAMBLE];
    file.extend(b"DICM");
    put(&mut file, [2, 0], "UL", &(meta.len() as u32).to_le_bytes());
    file.extend(meta);
    file.extend(set);
    file
}

fn first(bytes: &[u8], reading: &Reading) -> Result<Vec<u8>, String> {
    let decoded = picture(Content::Encoded(bytes.into()), reading)?;
    Ok(decoded.pixels.samples().chunks(3).map(|pixel| pixel[0]).collect())
}

fn depth(low: f32, high: f32) -> Reading {
    Reading { depth: Some([low, high]), ..Reading::default() }
}

#[test]
fn values_are_those_that_were_measured() {
    let usual = Reading::default();
    let twelve = File::grey([2, 2], [16, 12, 0], &[0, 1365, 2730, 4095]);
    assert_eq!(first(&twelve.bytes(), &usual).unwrap(), [0, 85, 170, 255]);
    // The upper bits hold an overlay, as old files have it.
    let overlay = File::grey([2, 2], [16, 12, 0], &[0x1000, 0x1000 + 1365, 2730, 4095]);
    assert_eq!(first(&overlay.bytes(), &usual).unwrap(), [0, 85, 170, 255]);
    let white_is_low =
        File { photometric: "MONOCHROME1 ", ..File::grey([2, 2], [16, 12, 0], &[0, 1365, 2730, 4095]) };
    assert_eq!(first(&white_is_low.bytes(), &usual).unwrap(), [255, 170, 85, 0]);
    let hounsfield =
        File { rescale: Some(["1", "-1024"]), ..File::grey([3, 1], [16, 16, 1], &[24, 524, -8]) };
    assert_eq!(first(&hounsfield.bytes(), &depth(-1000.0, -500.0)).unwrap(), [0, 255, 0]);
    let eight = File::grey([2, 2], [8, 8, 0], &[0, 7, 200, 255]);
    assert_eq!(first(&eight.bytes(), &usual).unwrap(), [0, 7, 200, 255]);
    let signed = File::grey([2, 1], [16, 12, 1], &[0xfff, 5]);
    assert_eq!(first(&signed.bytes(), &depth(-1.0, 5.0)).unwrap(), [0, 255]);
}

#[test]
fn colours_lie_pixel_by_pixel_or_plane_by_plane() {
    let of = |planar, pixels: &[u8]| File {
        photometric: "RGB ",
        planar,
        pixels: pixels.to_vec(),
        ..File::grey([2, 1], [8, 8, 0], &[])
    };
    for file in [of(false, &[1, 2, 3, 4, 5, 6]), of(true, &[1, 4, 2, 5, 3, 6])] {
        let decoded = picture(Content::Encoded(file.bytes().into()), &Reading::default()).unwrap();
        assert_eq!(decoded.pixels.samples(), [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn frames_are_pages() {
    let film = File { frames: 3, ..File::grey([2, 1], [8, 8, 0], &[1, 2, 3, 4, 5, 6]) };
    assert_eq!(pages(&film.bytes()), 3);
    let frame = |at| picture(Content::Page(film.bytes().into(), at), &Reading::default());
    assert_eq!(frame(2).unwrap().pixels.samples(), [5, 5, 5, 6, 6, 6]);
    assert!(frame(3).is_err());
}

#[test]
fn what_cannot_be_read_says_why() {
    let fails = |file: File| first(&file.bytes(), &Reading::default()).unwrap_err();
    assert!(fails(File::grey([2, 2], [16, 12, 0], &[])).contains("no pixel data"));
    assert!(fails(File::grey([9, 9], [16, 12, 0], &[1, 2])).contains("damaged"));
    let palette = File { photometric: "PALETTE COLOR ", ..File::grey([2, 1], [8, 8, 0], &[1, 2]) };
    assert!(fails(palette).contains("PALETTE COLOR"));
    let huge = File::grey([65_535, 65_535], [16, 12, 0], &[1, 2]);
    assert!(fails(huge).contains("damaged"));
}

#[test]
fn a_preamble_may_be_the_head_of_a_tiff_file() {
    let mut bytes = File::grey([2, 2], [8, 8, 0], &[0, 7, 200, 255]).bytes();
    bytes[..8].copy_from_slice(b"II*\0\x40\0\0\0");
    assert_eq!(first(&bytes, &Reading::default()).unwrap(), [0, 7, 200, 255]);
    assert_eq!(pages(&bytes), 1);
}

#[test]
fn what_is_stored_in_retired_ways_is_named() {
    let bytes = File::grey([2, 2], [8, 8, 0], &[0, 7, 200, 255]).bytes();
    let at = bytes.windows(20).position(|part| part == b"1.2.840.10008.1.2.1\0").unwrap();
    let mut big = bytes.clone();
    big[at + 18] = b'2';
    assert!(first(&big, &Reading::default()).unwrap_err().contains("dcmconv"));
}

#[test]
fn no_cut_and_no_flipped_bit_does_worse_than_fail() {
    let whole = File { rescale: Some(["2", "-7"]), ..File::grey([5, 4], [16, 12, 0], &[77; 20]) }.bytes();
    for at in PREAMBLE..whole.len() {
        let _ = first(&whole[..at], &Reading::default());
        for bit in 0..8 {
            let mut other = whole.clone();
            other[at] ^= 1 << bit;
            let _ = first(&other, &Reading::default());
            let _ = pages(&other);
        }
    }
}
