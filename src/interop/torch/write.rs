//! Writing a file that `torch.load` reads, `weights_only` included: a state dict in the zip container.

use crate::error::{Error, Result};
use crate::interop::{HostTensor, ScalarType, write_atomic};
use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::Path;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// What stands before the names of all entries.
const ROOT: &str = "weights";
/// Where the values of a storage begin, so that they can be mapped into memory.
const ALIGNMENT: u16 = 64;

/// Writes tensors as an `OrderedDict`, sorted by name, atomically; with `under` as the only entry of a `dict`, by that key.
/// Equal tensors give equal files.
///
/// # Errors
/// [`Error::Io`] with the path (a full disk, a missing folder); [`Error::Checkpoint`] when a tensor's data
/// does not fill its shape.
pub fn write(path: &Path, tensors: &BTreeMap<String, HostTensor>, under: Option<&str>) -> Result<()> {
    for (name, tensor) in tensors {
        if tensor.shape.iter().product::<usize>() != tensor.data.len() {
            let reason =
                format!("cannot write `{name}`: {} values do not fill {:?}", tensor.data.len(), tensor.shape);
            return Err(Error::Checkpoint { path: path.to_owned(), reason });
        }
    }
    write_atomic(path, |file| archive(file, tensors, under))
}

fn archive(
    file: impl Write + Seek,
    tensors: &BTreeMap<String, HostTensor>,
    under: Option<&str>,
) -> std::io::Result<()> {
    let mut zip = ZipWriter::new(file);
    let mut entry = |name: &str, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>| {
        // A storage over 4 GiB needs the long form of the header, which is chosen before its size is known.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true)
            .with_alignment(ALIGNMENT);
        zip.start_file(format!("{ROOT}/{name}"), options).map_err(std::io::Error::from)?;
        write(&mut zip)
    };
    entry("data.pkl", &mut |file| file.write_all(&pickled(tensors, under)))?;
    entry("byteorder", &mut |file| file.write_all(b"little"))?;
    for (key, tensor) in tensors.values().enumerate() {
        entry(&format!("data/{key}"), &mut |file| super::super::safetensors::write_values(file, tensor))?;
    }
    entry("version", &mut |file| file.write_all(b"3\n"))?;
    zip.finish().map_err(std::io::Error::from).map(drop)
}

/// The state dict without its numbers, in protocol 2.
fn pickled(tensors: &BTreeMap<String, HostTensor>, under: Option<&str>) -> Vec<u8> {
    let mut out = b"\x80\x02".to_vec();
    if let Some(key) = under {
        out.push(b'}');
        text(&mut out, key);
    }
    out.extend_from_slice(b"ccollections\nOrderedDict\n)R(");
    for (key, (name, tensor)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend_from_slice(match tensor.kind {
            ScalarType::F32 => b"ctorch\nFloatStorage\n",
            ScalarType::I64 => b"ctorch\nLongStorage\n",
        });
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, tensor.data.len());
        out.extend_from_slice(b"tQK\0");
        let mut stride = tensor.data.len();
        let strides = tensor.shape.iter().map(|&n| {
            stride /= n.max(1);
            stride
        });
        tuple(&mut out, tensor.shape.iter().copied());
        tuple(&mut out, strides);
        out.extend_from_slice(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.push(b'u');
    out.extend(under.map(|_| b's'));
    out.push(b'.');
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn number(out: &mut Vec<u8>, value: usize) {
    if let Ok(small) = i32::try_from(value) {
        out.push(b'J');
        out.extend_from_slice(&small.to_le_bytes());
    } else {
        out.extend_from_slice(&[0x8a, 9]);
        out.extend_from_slice(&(value as u64).to_le_bytes());
        out.push(0);
    }
}

fn tuple(out: &mut Vec<u8>, values: impl Iterator<Item = usize>) {
    out.push(b'(');
    values.for_each(|value| number(out, value));
    out.push(b't');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back_bit_for_bit_and_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.pth"), folder.path().join("b.pth"));
        let odd = [1.5, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY, 3.0e38, -7.25].to_vec();
        let tensors = BTreeMap::from([
            ("layer1.weight".to_owned(), HostTensor::new([2, 3, 1], odd)),
            ("empty".to_owned(), HostTensor::new([0, 4], Vec::new())),
            ("count".to_owned(), HostTensor::counter(70_000)),
        ]);
        write(&a, &tensors, None).unwrap();
        write(&b, &tensors, None).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        let all =
            |shapes: &crate::interop::Shapes| Ok(shapes.keys().map(|n| (n.clone(), n.clone())).collect());
        let back = super::super::read(&a, &all).unwrap();
        for (name, tensor) in &tensors {
            assert_eq!((&back[name].shape, back[name].kind), (&tensor.shape, tensor.kind), "{name}");
            let bits = |t: &HostTensor| t.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back[name]), bits(tensor), "{name}");
        }
        let short = BTreeMap::from([("w".to_owned(), HostTensor::new([3], vec![1.0]))]);
        assert!(write(&a, &short, None).unwrap_err().to_string().contains('w'));
        assert!(write(&folder.path().join("no/a.pth"), &tensors, None).is_err());
    }
}
