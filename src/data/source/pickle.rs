//! A reader for the pickles of CIFAR that runs no code.
//!
//! A pickle is a program for a stack machine, and Python's own reader lets it call anything. This one
//! knows the instructions that data consist of, makes plain values of them, and refuses every other
//! instruction and every name but those of numpy's arrays. What a hostile file can cost is bounded: the
//! number of values is limited, long strings stay in the file, and no value is ever copied. Source: the
//! comments of Python's `pickletools.py`, protocols 0 to 5.

mod machine;

use super::part::Part;
use crate::error::Result;
use machine::{Machine, Value};

/// The largest pickle that is read; the largest of CIFAR is 155 MB.
const LARGEST: u64 = 1 << 30;
/// The pixels and labels of a batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// Where the pixels start in the file.
    pub(super) offset: u64,
    /// Bytes of pixels.
    pub(super) length: u64,
    pub(super) labels: Vec<i64>,
}

/// Reads a dictionary with an array of bytes under `data` and numbers under `key`.
pub(super) fn batch(file: &Part, key: &str) -> Result<Batch> {
    let bytes = file.bytes(LARGEST)?;
    let machine = Machine::run(&bytes).map_err(|reason| refused(file, &reason))?;
    let missing = |what: &str| file.wrong(format!("this pickle is no CIFAR batch: it has no `{what}`"));
    let (offset, length) = machine.pixels().ok_or_else(|| missing("data"))?;
    let labels = machine.get(key).and_then(|value| machine.numbers(value)).ok_or_else(|| missing(key))?;
    Ok(Batch { offset: offset as u64, length: length as u64, labels })
}

/// Reads the list of words under `key` of a dictionary.
pub(super) fn names(file: &Part, key: &str) -> Result<Vec<String>> {
    let bytes = file.bytes(1 << 20)?;
    let machine = Machine::run(&bytes).map_err(|reason| refused(file, &reason))?;
    let list = machine.get(key).and_then(|value| machine.list(value)).unwrap_or_default();
    Ok(list.iter().filter_map(|value| machine.text(*value)).collect())
}

fn refused(file: &Part, reason: &str) -> crate::error::Error {
    file.wrong(format!(
        "this Python pickle cannot be used: {reason}; fetch it again, or use the binary version"
    ))
}

impl Machine<'_> {
    /// What the finished dictionary has under `key`.
    fn get(&self, key: &str) -> Option<Value> {
        let items = self.list(*self.stack.last()?)?;
        let is_key = |value| {
            let Value::Text(start, length) = value else { return false };
            self.bytes.get(start..start + length) == Some(key.as_bytes())
        };
        let pair = items.chunks_exact(2).find(|pair| is_key(pair[0]))?;
        Some(pair[1])
    }

    /// Where the bytes of the array under `data` stand: its longest string.
    fn pixels(&self) -> Option<(usize, usize)> {
        let Value::Array(array) = self.get("data")? else { return None };
        let text = |value: &Value| {
            if let Value::Text(start, length) = *value { Some((start, length)) } else { None }
        };
        self.lists[array].iter().filter_map(text).max_by_key(|(_, length)| *length)
    }

    fn list(&self, value: Value) -> Option<&[Value]> {
        if let Value::List(list) = value { self.lists.get(list).map(Vec::as_slice) } else { None }
    }

    fn numbers(&self, value: Value) -> Option<Vec<i64>> {
        let number = |value: &Value| if let Value::Number(number) = *value { Some(number) } else { None };
        self.list(value)?.iter().map(number).collect()
    }
}

#[cfg(test)]
#[path = "pickle_tests.rs"]
mod tests;
