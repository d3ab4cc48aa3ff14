//! PyTorch's files, read without PyTorch and without running what is in them.
//!
//! Two containers hold the same thing, a pickle of dicts and tensors whose numbers lie outside it:
//!
//! | container | written by | numbers |
//! |---|---|---|
//! | zip archive | PyTorch 1.6 and later | entries `data/KEY`, stored without compression |
//! | stream of pickles | earlier, as most released weights | one after another behind the last pickle |
//!
//! Only tensors of the *state dict* are read: the root itself (released weights), or what stands under
//! `state_dict`, `model` or `model_state_dict` (checkpoints of a training). Device tags such as `cuda:0`
//! mean nothing here. Memory: the state dict once, as `f32`, and one storage at a time.

mod element;
mod stream;
mod write;
mod zipped;

use super::{HostTensor, Kind};
use crate::error::{Error, Result};
use crate::pickle::{Item, Pickle};
use element::Element;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
pub use write::write;

/// What such files may name. Nothing of it is run: a call is only noted.
const ALLOWED: [&str; 26] = [
    "collections.OrderedDict",
    "collections.defaultdict",
    "argparse.Namespace",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    "torch.nn.parameter.Parameter",
    "torch.Size",
    "torch.device",
    "torch.float32",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    "_codecs.encode",
];

/// Bytes that the pickles of a file may have: a hundred times those of a ResNet-50.
const PICKLE_LIMIT: u64 = 64 << 20;

/// Keys under which checkpoints of a training keep the weights.
const STATE: [&str; 3] = ["state_dict", "model", "model_state_dict"];

/// What is wrong, in words; the caller knows the file.
type Words<T> = Result<T, String>;

/// Where the numbers of tensors come from.
trait Storages {
    /// All values of the storage `key`, which its tensors say has `count` of them.
    fn values(&mut self, key: &str, element: Element, count: u64) -> Words<Vec<f32>>;
}

/// Whether the first bytes of a file are those of one of the two containers.
#[must_use]
pub fn is_torch(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || (start.len() > 1 && start[0] == 0x80 && start[1] <= 5)
}

/// The tensors of a file's state dict, under the names of the file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] in words: a pickle that wants to import something, a file that is
/// cut short, compressed, of another program, or holds no state dict.
pub fn read(path: &Path) -> Result<BTreeMap<String, HostTensor>> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let mut start = [0; 4];
    file.read_exact(&mut start).map_err(Error::io(path))?;
    let found =
        if start.starts_with(b"PK") { zipped::read(file, length) } else { stream::read(file, length) };
    found.map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
}

/// Reads the tensors that a pickle names from `storages`; `length` is that of the file.
fn tensors(
    pickle: &Pickle<'_>,
    storages: &mut dyn Storages,
    length: u64,
) -> Words<BTreeMap<String, HostTensor>> {
    let mut found = BTreeMap::new();
    let (mut values, mut last) = (0u64, None);
    for (name, value) in state(pickle.root())? {
        let Some(place) = Place::of(value).map_err(|reason| format!("tensor `{name}`: {reason}"))? else {
            continue;
        };
        // Views may share a storage; written out they must not outgrow the file without bound.
        values = values.saturating_add(place.shape.iter().map(|&n| n as u64).product());
        if values > length {
            return Err(format!("its tensors are larger than the file ({length} bytes) can hold"));
        }
        let tensor =
            place.take(storages, &mut last).map_err(|reason| format!("tensor `{name}`: {reason}"))?;
        found.insert(name.to_owned(), tensor);
    }
    if found.is_empty() {
        return Err("it holds no tensors under names, as a state dict does".into());
    }
    Ok(found)
}

/// The entries of the state dict.
fn state(root: Item<'_>) -> Words<Vec<(&str, Item<'_>)>> {
    let dict = STATE.iter().find_map(|key| root.get(key).filter(|item| item.entries().is_some()));
    let Some(entries) = dict.unwrap_or(root).entries() else {
        return Err(format!("it holds {}, not a dict of tensors", root.kind()));
    };
    Ok(entries.into_iter().filter_map(|(key, value)| Some((key.text()?, value))).collect())
}

/// Where the values of a tensor lie.
struct Place<'p> {
    key: &'p str,
    element: Element,
    stored: u64,
    first: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
}

impl<'p> Place<'p> {
    /// `None` for what is no tensor.
    fn of(item: Item<'p>) -> Words<Option<Self>> {
        let Some((function, arguments)) = item.call() else { return Ok(None) };
        let arguments: Vec<Item<'p>> = arguments.members().into_iter().flatten().collect();
        match function {
            "torch._utils._rebuild_parameter" | "torch.nn.parameter.Parameter" => {
                arguments.first().map_or(Ok(None), |inner| Self::of(*inner))
            }
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => {
                Self::parse(&arguments).map(Some).ok_or_else(|| "its description makes no sense".into())
            }
            _ => Ok(None),
        }
    }

    /// `(storage, first, shape, strides, …)`; a storage is `('storage', class, key, device, count, view)`.
    fn parse(arguments: &[Item<'p>]) -> Option<Self> {
        let [storage, first, shape, strides, ..] = arguments else { return None };
        let storage: Vec<Item<'p>> = storage.persistent()?.members()?.collect();
        let [word, class, key, _, stored, view @ ..] = storage.as_slice() else { return None };
        let sizes = |item: &Item<'p>| item.members()?.map(Item::size).collect::<Option<Vec<usize>>>();
        let (shape, strides) = (sizes(shape)?, sizes(strides)?);
        // Old files name a part of another storage: `(key, first, count)`.
        let skipped =
            view.first().and_then(|view| view.array::<3>()).map_or(Some(0), |[_, at, _]| at.size())?;
        let fits = word.text()? == "storage"
            && shape.len() == strides.len()
            && shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n)).is_some();
        fits.then_some(Self {
            key: key.text()?,
            element: Element::of(class.global()?)?,
            stored: stored.size()? as u64,
            first: (first.size()? as u64).checked_add(skipped as u64)?,
            shape,
            strides: strides.into_iter().map(|stride| stride as u64).collect(),
        })
    }

    /// The tensor, row-major whatever its strides. `last` keeps the storage that was read last.
    fn take(self, storages: &mut dyn Storages, last: &mut Option<(String, Vec<f32>)>) -> Words<HostTensor> {
        let count = self.shape.iter().product::<usize>();
        let steps = self
            .shape
            .iter()
            .zip(&self.strides)
            .map(|(&n, &stride)| u128::from(n.max(1) as u64 - 1) * u128::from(stride));
        let end = u128::from(self.first) + steps.sum::<u128>();
        if count > 0 && end >= u128::from(self.stored) {
            return Err(format!("it reaches beyond its storage of {} values", self.stored));
        }
        if last.as_ref().is_none_or(|(key, _)| key != self.key) {
            *last = Some((self.key.to_owned(), storages.values(self.key, self.element, self.stored)?));
        }
        let all = last.as_ref().map_or(&[][..], |(_, values)| values);
        let at = |mut index: usize| {
            let axes = self.shape.iter().zip(&self.strides).rev();
            let steps = axes.map(|(&n, &stride)| {
                let step = (index % n) as u64 * stride;
                index /= n;
                step
            });
            all.get((self.first + steps.sum::<u64>()) as usize).copied()
        };
        let data = (0..count).map(at).collect::<Option<Vec<f32>>>();
        let data = data.ok_or_else(|| "its storage is shorter than it says".to_owned())?;
        let kind = if self.element.is_whole() { Kind::I64 } else { Kind::F32 };
        Ok(HostTensor { shape: self.shape, data, kind })
    }
}

#[cfg(test)]
mod tests;
