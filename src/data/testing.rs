//! What the tests of this module share: golden cases as their manifest tells them, small pictures.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat};
use safetensors::SafeTensors;
use serde_json::Value;

use super::picture::Picture;
use crate::rng::{Purpose, Stream};

/// A picture file in memory.
pub(super) fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// `count` damaged copies of `bytes`, the same for every run: bits turned, bytes set to extremes, parts cut
/// off, left out, doubled or moved.
pub(super) fn mutants(bytes: &[u8], count: u64) -> impl Iterator<Item = Vec<u8>> {
    let bytes = bytes.to_vec();
    (0..count).map(move |number| {
        let mut stream = Stream::new(bytes.len() as u64, Purpose::Test, &[number]);
        let mut copy = bytes.clone();
        for _ in 0..=stream.below(4) {
            // Half of all damage meets the first bytes: headers are where readers decide.
            let reach = if stream.chance(0.5) { copy.len().min(128) } else { copy.len() };
            if reach == 0 {
                break;
            }
            let at = stream.below(reach as u64) as usize;
            let end = copy.len().min(at + 1 + stream.below(16) as usize);
            match stream.below(7) {
                0 => copy[at] ^= 1 << stream.below(8),
                1 => copy[at] = stream.bits() as u8,
                2 => copy[at..end].fill(if stream.chance(0.5) { 0xff } else { 0x00 }),
                3 => copy.truncate(at),
                4 => drop(copy.drain(at..end)),
                5 => {
                    let part = copy[at..end].to_vec();
                    copy.splice(at..at, part);
                }
                _ => copy[at..end].reverse(),
            }
        }
        copy
    })
}

/// Mean and standard deviation.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Red, green, blue planes in [0, 1].
pub(super) fn planes_of(picture: &Picture) -> Vec<f32> {
    (0..3).flat_map(|c| picture.samples().chunks(3).map(move |p| f32::from(p[c]) / 255.0)).collect()
}

fn golden(file: &str) -> PathBuf {
    let folder = std::env::var_os("SWAV_GOLDEN")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden").into(), PathBuf::from);
    folder.join(file)
}

pub(super) fn golden_json(file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(golden(file)).unwrap()).unwrap()
}

/// What a case of group 09 is about, told by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The pictures that other cases start from.
    Inputs,
    Resize,
    Colour,
    Blur,
    Chain,
}

fn kind(case: &Value) -> Kind {
    let (has_attr, has) =
        (|key: &str| case["attrs"].get(key).is_some(), |key: &str| case["tensors"].get(key).is_some());
    match () {
        () if case["tensors"].as_object().unwrap().values().all(|t| t["role"] == "input") => Kind::Inputs,
        () if has("out_float") => Kind::Chain,
        () if has("true_f") => Kind::Blur,
        () if has_attr("top") => Kind::Resize,
        () if has("f") => Kind::Colour,
        () => panic!("no test is known for the case {case}"),
    }
}

/// One golden case with its tensors.
pub(super) struct Case {
    pub name: String,
    spec: Value,
    /// Those of the whole file.
    tensors: std::rc::Rc<Tensors>,
}

/// Shape and values by `case/tensor`; bytes are held as floats.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// All cases of one kind in the files of group 09, in the manifest's order; never none.
pub(super) fn golden_cases(wanted: Kind) -> Vec<Case> {
    let manifest = golden_json("manifest.json");
    let files = manifest["files"].as_object().unwrap();
    let mut cases = Vec::new();
    for (file, entry) in
        files.iter().filter(|(file, _)| file.starts_with("09") && file.ends_with(".safetensors"))
    {
        let bytes = std::fs::read(golden(file)).unwrap();
        let stored = SafeTensors::deserialize(&bytes).unwrap();
        let tensors: Tensors = stored
            .iter()
            .map(|(name, view)| {
                let values = match view.dtype() {
                    safetensors::Dtype::U8 => view.data().iter().map(|&b| f32::from(b)).collect(),
                    _ => view
                        .data()
                        .chunks_exact(4)
                        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                        .collect(),
                };
                (name.to_owned(), (view.shape().to_vec(), values))
            })
            .collect();
        let tensors = std::rc::Rc::new(tensors);
        for (name, spec) in
            entry["cases"].as_object().unwrap().iter().filter(|(_, spec)| kind(spec) == wanted)
        {
            cases.push(Case { name: name.clone(), spec: spec.clone(), tensors: tensors.clone() });
        }
    }
    assert!(!cases.is_empty(), "no golden case of kind {wanted:?}");
    cases
}

impl Case {
    pub(super) fn attr(&self, key: &str) -> &Value {
        &self.spec["attrs"][key]
    }

    /// What the manifest says of a tensor of this case.
    pub(super) fn spec(&self, tensor: &str) -> &Value {
        &self.spec["tensors"][tensor]
    }

    /// An input picture of this case's file.
    pub(super) fn picture(&self, name: &str) -> Picture {
        let (shape, values) = &self.tensors[&format!("images/{name}")];
        let bytes = values.iter().map(|&v| v as u8).collect();
        Picture::new(shape[1] as u32, shape[0] as u32, 3, bytes).unwrap()
    }

    /// A tensor of this case, channel-major as ours are, or `None` where the file does not hold it.
    pub(super) fn expected(&self, tensor: &str) -> Option<Vec<f32>> {
        let (shape, values) = self.tensors.get(&format!("{}/{tensor}", self.name))?;
        if shape[0] == 3 && shape[2] != 3 {
            return Some(values.clone());
        }
        Some((0..3).flat_map(|c| values.iter().skip(c).step_by(3).copied()).collect())
    }
}

/// Every value within the manifest's tolerance.
pub(super) fn close(case: &Case, tensor: &str, got: &[f32], want: &[f32]) {
    let tolerance = |key: &str| case.spec(tensor)[key].as_f64().unwrap();
    assert_eq!(got.len(), want.len(), "{}/{tensor}", case.name);
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let bound = tolerance("atol") + tolerance("rtol") * f64::from(want).abs();
        let error = f64::from((got - want).abs());
        assert!(error <= bound, "{}/{tensor}[{i}]: {got} for {want}", case.name);
    }
}

/// Greatest and mean distance in 8-bit levels of values in [0, 1], once rounded.
pub(super) fn difference(case: &Case, tensor: &str, got: &[f32]) -> (f64, f64) {
    let want = case.expected(tensor).unwrap();
    assert_eq!(got.len(), want.len(), "{}/{tensor}", case.name);
    let distance = |(got, want): (&f32, &f32)| f64::from(((got * 255.0).round() - want).abs());
    let all: Vec<f64> = got.iter().zip(&want).map(distance).collect();
    (all.iter().copied().fold(0.0, f64::max), all.iter().sum::<f64>() / all.len() as f64)
}

/// Rounded to 8 bit, every value within the manifest's number of levels.
pub(super) fn levels(case: &Case, tensor: &str, got: &[f32]) {
    let (most, _) = difference(case, tensor, got);
    let bound = case.spec(tensor)["max_level_diff"].as_f64().unwrap();
    assert!(most <= bound, "{}/{tensor}: {most} levels for {bound}", case.name);
}
