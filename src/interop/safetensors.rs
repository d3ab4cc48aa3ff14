//! Reading and writing safetensors files of `f32` tensors and counters with string metadata.
//!
//! The `safetensors` crate checks the header; the file is read and written here, tensor by tensor,
//! for two reasons. A large model is never in memory twice, and the header is written in sorted
//! order (the crate hashes it, in an order that changes from run to run), so that equal runs give
//! equal files, byte for byte.

use super::element::Element;
use super::{Choose, HostTensor, ScalarType, Shapes, write_temporary};
use crate::error::{Error, Result};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

/// The largest header that the format allows.
const HEADER_LIMIT: u64 = 100_000_000;

/// Named tensors and string metadata: what a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The tensors by name.
    pub tensors: BTreeMap<String, HostTensor>,
    /// The `__metadata__` of the file.
    pub metadata: BTreeMap<String, String>,
}

/// Writes a file atomically: on any failure the old file stays and no temporary is left.
///
/// # Errors
/// [`Error::Io`] with the path (a full disk, a missing folder); [`Error::Checkpoint`] when a tensor's
/// data does not fill its shape.
pub fn write(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    super::persist(temporary(path, tensors, metadata)?, path)
}

/// The whole file under a temporary name in the folder of `path`, synced but not yet renamed.
pub(crate) fn temporary(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<tempfile::NamedTempFile> {
    let header = header(path, tensors, metadata)?;
    write_temporary(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        in_file_order(tensors).try_for_each(|(_, tensor)| write_values(file, tensor))
    })
}

/// Counters first: they take 8 bytes each, and readers want them at multiples of that.
fn in_file_order(tensors: &BTreeMap<String, HostTensor>) -> impl Iterator<Item = (&String, &HostTensor)> {
    let of = |kind| tensors.iter().filter(move |(_, tensor)| tensor.kind == kind);
    of(ScalarType::I64).chain(of(ScalarType::F32))
}

pub(super) fn write_values(file: &mut dyn Write, tensor: &HostTensor) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(1 << 16);
    for chunk in tensor.data.chunks(1 << 13) {
        bytes.clear();
        match tensor.kind {
            ScalarType::F32 => bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes())),
            ScalarType::I64 => bytes.extend(chunk.iter().flat_map(|&value| (value as i64).to_le_bytes())),
        }
        file.write_all(&bytes)?;
    }
    Ok(())
}

/// The format's name of a kind, and its bytes.
fn dtype(kind: ScalarType) -> (Dtype, usize) {
    match kind {
        ScalarType::F32 => (Dtype::F32, 4),
        ScalarType::I64 => (Dtype::I64, 8),
    }
}

/// The JSON header, sorted by name and padded to 8 bytes as the format asks.
fn header(
    path: &Path,
    tensors: &BTreeMap<String, HostTensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let wrong = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
    let mut entries = BTreeMap::new();
    let mut offset = 0;
    for (name, tensor) in in_file_order(tensors) {
        let HostTensor { shape, data, kind } = tensor;
        let (dtype, size) = dtype(*kind);
        if elements(shape) != Some(data.len()) {
            return Err(wrong(format!(
                "cannot write `{name}`: {} values do not fill shape {shape:?}",
                data.len()
            )));
        }
        let end = offset + size * data.len();
        let info = TensorInfo { dtype, shape: shape.clone(), data_offsets: (offset, end) };
        entries.insert(name.as_str(), serde_json::to_value(info));
        offset = end;
    }
    if !metadata.is_empty() {
        entries.insert("__metadata__", serde_json::to_value(metadata));
    }
    let entries: serde_json::Result<BTreeMap<&str, Value>> =
        entries.into_iter().map(|(name, value)| value.map(|value| (name, value))).collect();
    let mut header = entries
        .and_then(|entries| serde_json::to_vec(&entries))
        .map_err(|e| wrong(format!("cannot write the header: {e}")))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened; [`Error::Checkpoint`] with a plain reason when it is
/// truncated, not a safetensors file, or holds numbers of a kind that no network is made of.
pub fn read(path: &Path) -> Result<Contents> {
    read_some(path, &|shapes| Ok(shapes.keys().map(|name| (name.clone(), name.clone())).collect()))
}

/// Reads the tensors that `choose` takes, under the names that it gives them. Floats of 64, 16 and brain 16 bits
/// become `f32`.
///
/// # Errors
/// As [`read`], and what `choose` says.
pub fn read_some(path: &Path, choose: Choose<'_>) -> Result<Contents> {
    let wrong = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
    let (mut file, header) = open(path)?;
    let names = header.offset_keys();
    let shape = |name: &String| Some((name.clone(), header.info(name)?.shape.clone()));
    let chosen = choose(&names.iter().filter_map(shape).collect::<Shapes>()).map_err(wrong)?;
    let mut tensors = BTreeMap::new();
    for name in names {
        let Some(info) = header.info(&name) else { continue };
        let (from, to) = info.data_offsets;
        let Some(wanted) = chosen.get(&name) else {
            file.seek_relative((to - from) as i64).map_err(Error::io(path))?;
            continue;
        };
        let element = Element::of_dtype(info.dtype).ok_or_else(|| {
            wrong(format!("tensor `{name}` holds {:?} values, of which no network is made", info.dtype))
        })?;
        let count = (to - from) / element.bytes() as usize;
        let data = read_values(&mut file, count, element).map_err(Error::io(path))?;
        let kind = if element.is_whole() { ScalarType::I64 } else { ScalarType::F32 };
        tensors.insert(wanted.clone(), HostTensor { shape: info.shape.clone(), data, kind });
    }
    let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(Contents { tensors, metadata })
}

fn read_values(file: &mut impl Read, count: usize, element: Element) -> std::io::Result<Vec<f32>> {
    let size = element.bytes() as usize;
    let mut values = Vec::with_capacity(count);
    let mut bytes = vec![0; count.clamp(1, 1 << 13) * size];
    while values.len() < count {
        let chunk = &mut bytes[..(count - values.len()).min(1 << 13) * size];
        file.read_exact(chunk)?;
        values.extend(element.values(chunk));
    }
    Ok(values)
}

/// Checks the header and the length without reading the tensors.
///
/// # Errors
/// As [`read`], but for wrong kinds of values.
pub fn check(path: &Path) -> Result<()> {
    open(path).map(|_| ())
}

/// Opens a file, checks its header and that it is exactly as long as the header says; the reader
/// stands at the first tensor.
fn open(path: &Path) -> Result<(BufReader<File>, Metadata)> {
    let wrong = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
    let foreign = |why: &str| wrong(format!("not a safetensors file ({why})"));
    let file = File::open(path).map_err(Error::io(path))?;
    let information = file.metadata().map_err(Error::io(path))?;
    if !information.is_file() {
        return Err(foreign("it is not a file"));
    }
    let length = information.len();
    if length < 8 {
        return Err(wrong(format!("the file is cut short: it has only {length} bytes")));
    }
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).map_err(Error::io(path))?;
    let header_length = u64::from_le_bytes(bytes);
    if header_length > HEADER_LIMIT {
        return Err(foreign("its header length makes no sense"));
    }
    if header_length > length - 8 {
        return Err(wrong(format!(
            "the file is cut short inside its header, or is not a safetensors file: {length} bytes, and the \
             header alone needs {}",
            header_length + 8
        )));
    }
    let mut header = vec![0; header_length as usize];
    file.read_exact(&mut header).map_err(Error::io(path))?;
    if !header.starts_with(b"{") {
        return Err(foreign("it has no header"));
    }
    // Parsing checks that the tensors follow each other without holes and fit their shapes.
    let header: Metadata = serde_json::from_slice(&header).map_err(|e| foreign(&explain(&e)))?;
    let wanted = 8 + header_length + header.data_len() as u64;
    match length.cmp(&wanted) {
        std::cmp::Ordering::Less => {
            Err(wrong(format!("the file is cut short: {length} bytes of {wanted} (was the disk full?)")))
        }
        std::cmp::Ordering::Greater => Err(wrong(format!("the file has {} bytes too many", length - wanted))),
        std::cmp::Ordering::Equal => Ok((file, header)),
    }
}

fn explain(error: &serde_json::Error) -> String {
    format!("its header is damaged: {error}")
}

/// The number of values of a shape, unless it overflows.
fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
}

impl Contents {
    /// The tensor called `name`, which `path` (for the message) should hold.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the tensor that is missing.
    pub fn tensor(&self, path: &Path, name: &str) -> Result<&HostTensor> {
        self.tensors.get(name).ok_or_else(|| Error::Checkpoint {
            path: path.to_owned(),
            reason: format!("tensor `{name}` is missing"),
        })
    }
}

#[cfg(test)]
#[path = "safetensors_tests.rs"]
mod tests;
