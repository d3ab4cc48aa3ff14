//! The zip archive of PyTorch 1.6 and later: `NAME/data.pkl`, `NAME/data/KEY`, `NAME/byteorder`.

use super::{PICKLE_LIMIT, Storages, Words, tensors};
use crate::interop::element::Element;
use crate::interop::{Choose, HostTensor};
use crate::pickle;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use zip::{CompressionMethod, ZipArchive};

/// What is said of TorchScript.
const SCRIPTED: &str = "this is a TorchScript program, not a file of weights; in Python, \
    `torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")` makes one that can be read";

struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// What goes before the names of all entries.
    prefix: String,
    length: u64,
}

pub(super) fn read(file: File, length: u64, choose: Choose<'_>) -> Words<BTreeMap<String, HostTensor>> {
    let zip =
        ZipArchive::new(BufReader::new(file)).map_err(|error| format!("a damaged zip archive: {error}"))?;
    let mut names = zip.file_names().flatten();
    let found = names.find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned));
    drop(names);
    // Compiled programs have code and constants beside their data.
    if zip.file_names().flatten().any(|name| name.ends_with("constants.pkl")) {
        return Err(SCRIPTED.into());
    }
    let Some(prefix) = found.filter(|prefix| prefix.is_empty() || prefix.ends_with('/')) else {
        return Err("a zip archive, but not of PyTorch: it has no data.pkl".into());
    };
    let mut archive = Archive { zip, prefix, length };
    if archive.entry("byteorder", 16).is_ok_and(|order| order != b"little") {
        return Err("written on a big-endian machine; save it again on a usual one".into());
    }
    let bytes = archive.entry("data.pkl", PICKLE_LIMIT)?;
    let (pickle, _) = pickle::parse(&bytes)?;
    tensors(&pickle, &mut archive, length, choose)
}

impl Archive {
    /// The bytes of an entry.
    fn entry(&mut self, name: &str, most: u64) -> Words<Vec<u8>> {
        let name = format!("{}{name}", self.prefix);
        let damaged = |why: String| format!("its entry `{name}` cannot be read: {why}");
        let entry = self.zip.by_name(&name).map_err(|error| damaged(error.to_string()))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(damaged("it is compressed, which PyTorch never does; save the file again".into()));
        }
        let size = entry.size();
        if size > most.min(self.length) {
            return Err(damaged(format!("it says that it has {size} bytes")));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        entry.take(size).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(bytes)
    }
}

impl Storages for Archive {
    fn values(&mut self, key: &str, element: Element, count: u64) -> Words<Vec<f32>> {
        let bytes = self.entry(&format!("data/{key}"), u64::MAX)?;
        if (bytes.len() as u64) < count.saturating_mul(element.bytes()) {
            return Err(format!("storage {key} has only {} bytes", bytes.len()));
        }
        Ok(element.values(&bytes))
    }
}
