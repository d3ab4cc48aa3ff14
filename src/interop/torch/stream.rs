//! The stream of pickles before PyTorch 1.6: a magic number, a version, facts about the machine, the
//! object, the keys of its storages, and then each storage as a count and its values.

use super::{PICKLE_LIMIT, Storages, Words, places, tensors};
use crate::interop::element::Element;
use crate::interop::{Choose, HostTensor};
use crate::pickle::{self, Item};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// What such a file begins with, as a number.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

struct Stream {
    file: File,
    /// Where the count of each storage stands.
    places: HashMap<String, u64>,
    length: u64,
}

pub(super) fn read(mut file: File, length: u64, choose: Choose<'_>) -> Words<BTreeMap<String, HostTensor>> {
    let failed = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut bytes = Vec::new();
    file.rewind().map_err(failed)?;
    (&mut file).take(PICKLE_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    let mut at = 0;
    let mut next = || {
        let (pickle, taken) = pickle::parse(&bytes[at..])?;
        at += taken;
        Ok::<_, String>(pickle)
    };
    let foreign = || Err("a pickle, but not a file of PyTorch: it does not begin as one".to_owned());
    if next()?.root().int() != Some(MAGIC) {
        return foreign();
    }
    if next()?.root().int() != Some(VERSION) {
        return Err("written by a PyTorch that is older than 0.2; load and save it with a newer one".into());
    }
    if next()?.root().get("little_endian").and_then(Item::int) != Some(1) {
        return Err("written on a big-endian machine; save it again on a usual one".into());
    }
    let object = next()?;
    // What holds no tensor is told as that, and not by the storages that nothing names.
    places(object.root())?;
    let keys = next()?;
    let Some(keys) = keys.root().members() else { return foreign() };
    let keys: Vec<String> = keys.filter_map(|key| key.text().map(str::to_owned)).collect();
    let sizes = elements(&object);
    let mut stream = Stream { file, places: HashMap::new(), length };
    let mut place = at as u64;
    for key in keys {
        let count = stream.count(place)?;
        let Some(element) = sizes.get(&key) else {
            return Err(format!("nothing says what kind of numbers storage {key} holds"));
        };
        stream.places.insert(key, place);
        place = count
            .checked_mul(element.bytes())
            .and_then(|size| (place + 8).checked_add(size))
            .ok_or("a storage is too large")?;
        if place > length {
            return Err(format!("the file is cut short: {length} bytes of at least {place}"));
        }
    }
    tensors(&object, &mut stream, length, choose)
}

/// The kind of numbers of each storage, wherever in the object it is named: those of the optimiser lie
/// between those of the weights.
fn elements(object: &pickle::Pickle<'_>) -> HashMap<String, Element> {
    let storages = object.items().filter_map(|item| {
        let named: Vec<_> = item.persistent()?.members()?.collect();
        Some((named.get(2)?.text()?.to_owned(), Element::of_class(named.get(1)?.global()?)?))
    });
    storages.collect()
}

impl Stream {
    fn count(&mut self, place: u64) -> Words<u64> {
        let mut count = [0; 8];
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(&mut count));
        read.map_err(|_| format!("the file is cut short: {} bytes", self.length))?;
        Ok(u64::from_le_bytes(count))
    }
}

impl Storages for Stream {
    fn values(&mut self, key: &str, element: Element, count: u64) -> Words<Vec<f32>> {
        let Some(&place) = self.places.get(key) else { return Err(format!("there is no storage {key}")) };
        let stored = self.count(place)?;
        if stored < count {
            return Err(format!("storage {key} has {stored} values, not {count}"));
        }
        // `read` has seen that the file is that long.
        let mut bytes = vec![0; (count * element.bytes()) as usize];
        self.file.read_exact(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        Ok(element.values(&bytes))
    }
}
