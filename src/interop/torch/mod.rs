//! PyTorch's files, read without PyTorch and without running what is in them.
//!
//! Two containers hold the same thing, a pickle of dicts and tensors whose numbers lie outside it:
//!
//! | container | written by | numbers |
//! |---|---|---|
//! | zip archive | PyTorch 1.6 and later | entries `data/KEY`, stored without compression |
//! | stream of pickles | earlier, as most released weights | one after another behind the last pickle |
//!
//! | file | what |
//! |---|---|
//! | `zipped`, `stream` | the two containers |
//! | `tree` | the tensors of a pickle, wherever in its dicts and modules they stand |
//! | `write` | a state dict in the zip container, as `torch.load` reads it |
//!
//! Device tags such as `cuda:0` mean nothing here. Memory: the tensors that are asked for once, as `f32`, and one
//! storage at a time.

mod stream;
mod tree;
mod write;
mod zipped;

use super::element::Element;
use super::{Choose, HostTensor, ScalarType, Shapes};
use crate::error::{Error, Result};
use crate::pickle::{Item, Pickle};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
pub use write::write;

/// Bytes that the pickles of a file may have: a hundred times those of a ResNet-50.
const PICKLE_LIMIT: u64 = 64 << 20;

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

/// The tensors of a file that `choose` takes, under the names that it gives them. A tensor of the file is named by
/// the path of keys to it, joined by dots: `state_dict.module.conv1.weight`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Checkpoint`] in words: a file that is cut short, compressed or of another program, a
/// tensor that cannot be read, and what `choose` says.
pub fn read(path: &Path, choose: Choose<'_>) -> Result<BTreeMap<String, HostTensor>> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let mut start = [0; 4];
    file.read_exact(&mut start).map_err(Error::io(path))?;
    let found = if start.starts_with(b"PK") {
        zipped::read(file, length, choose)
    } else {
        stream::read(file, length, choose)
    };
    found.map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
}

/// Reads the tensors of a pickle that `choose` takes from `storages`; `length` is that of the file.
fn tensors(
    pickle: &Pickle<'_>,
    storages: &mut dyn Storages,
    length: u64,
    choose: Choose<'_>,
) -> Words<BTreeMap<String, HostTensor>> {
    let places = places(pickle.root())?;
    let shapes: Shapes = places.iter().map(|(name, place)| (name.clone(), place.shape.clone())).collect();
    let (mut found, mut values, mut last) = (BTreeMap::new(), 0u64, None);
    for (name, wanted) in choose(&shapes)? {
        let Some(place) = places.get(&name) else { continue };
        // Views may share a storage; written out they must not outgrow the file without bound.
        values = values.saturating_add(place.shape.iter().map(|&n| n as u64).product());
        if values > length {
            return Err(format!("its tensors are larger than the file ({length} bytes) can hold"));
        }
        let tensor =
            place.take(storages, &mut last).map_err(|reason| format!("tensor `{name}`: {reason}"))?;
        found.insert(wanted, tensor);
    }
    Ok(found)
}

/// Where every tensor of a pickle lies. One whose description makes no sense is left out: only a tensor that is
/// needed can be missed.
fn places(root: Item<'_>) -> Words<BTreeMap<String, Place<'_>>> {
    let found = tree::tensors(root, |item| Place::is_tensor(item));
    if found.is_empty() {
        return Err(format!("it holds {} without a tensor in it, not a dict of tensors", root.kind()));
    }
    Ok(found.into_iter().filter_map(|(name, item)| Some((name, Place::of(item)?))).collect())
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

/// What a tensor is wrapped in: the call, and which of its arguments is the tensor or its description.
const WRAPPED: [&str; 3] = [
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
];
const REBUILT: [&str; 2] = ["torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"];
/// `(function, class, arguments, state)` of a tensor of a class of its own.
const OF_TYPE: &str = "torch._tensor._rebuild_from_type_v2";

impl<'p> Place<'p> {
    fn is_tensor(item: Item<'_>) -> bool {
        item.call().is_some_and(|(function, _)| {
            REBUILT.contains(&function) || WRAPPED.contains(&function) || function == OF_TYPE
        })
    }

    /// `None` for what is no tensor, or one that cannot be understood.
    fn of(item: Item<'p>) -> Option<Self> {
        let (function, arguments) = item.call()?;
        let members = |item: Item<'p>| -> Vec<Item<'p>> { item.members().into_iter().flatten().collect() };
        let arguments = members(arguments);
        match function {
            _ if WRAPPED.contains(&function) => Self::unwrapped(*arguments.first()?),
            _ if REBUILT.contains(&function) => Self::parse(&arguments),
            OF_TYPE if REBUILT.contains(&arguments.first()?.global()?) => {
                Self::parse(&members(*arguments.get(2)?))
            }
            _ => None,
        }
    }

    /// A tensor in a parameter; a parameter in a parameter does not exist, and could be a cycle.
    fn unwrapped(item: Item<'p>) -> Option<Self> {
        let (function, _) = item.call()?;
        if WRAPPED.contains(&function) { None } else { Self::of(item) }
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
            element: Element::of_class(class.global()?)?,
            stored: stored.size()? as u64,
            first: (first.size()? as u64).checked_add(skipped as u64)?,
            shape,
            strides: strides.into_iter().map(|stride| stride as u64).collect(),
        })
    }

    /// The tensor, row-major whatever its strides. `last` keeps the storage that was read last.
    fn take(&self, storages: &mut dyn Storages, last: &mut Option<(String, Vec<f32>)>) -> Words<HostTensor> {
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
        let kind = if self.element.is_whole() { ScalarType::I64 } else { ScalarType::F32 };
        Ok(HostTensor { shape: self.shape.clone(), data, kind })
    }
}

#[cfg(test)]
mod tests;
