//! The stack machine that reads a pickle: instructions to plain values, within bounds.

use std::collections::HashMap;

/// The most values that a pickle may make; CIFAR-100 makes 150,000.
const MOST: usize = 8 << 20;
/// Names that may be called: they make arrays and strings of bytes, nothing else.
const ALLOWED: [(&str, Known); 8] = [
    ("numpy.core.multiarray _reconstruct", Known::Array),
    ("numpy._core.multiarray _reconstruct", Known::Array),
    ("numpy ndarray", Known::Type),
    ("numpy dtype", Known::Type),
    ("numpy.core.numeric _frombuffer", Known::FromBuffer),
    ("numpy._core.numeric _frombuffer", Known::FromBuffer),
    ("builtins bytes", Known::Type),
    ("__builtin__ bytes", Known::Type),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Array,
    FromBuffer,
    Type,
}

/// A value; those that hold others are numbers of entries in [`Machine::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// What is of no use here: None, truth values, floats, types.
    Other,
    Number(i64),
    /// A string of either kind: where it stands in the file.
    Text(usize, usize),
    /// A list, a tuple or a dictionary (key, value, key, …).
    List(usize),
    /// An array: its list is filled by its state.
    Array(usize),
    Known(Known),
    Mark,
}

/// The stack machine.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    at: usize,
    pub(super) stack: Vec<Value>,
    pub(super) lists: Vec<Vec<Value>>,
    memo: HashMap<u64, Value>,
    made: usize,
}

type Step<T = ()> = Result<T, String>;

impl<'a> Machine<'a> {
    /// Runs a pickle to its end; the result is on the stack.
    pub(super) fn run(bytes: &'a [u8]) -> Step<Self> {
        let mut machine =
            Self { bytes, at: 0, stack: Vec::new(), lists: Vec::new(), memo: HashMap::new(), made: 0 };
        while machine.step()? {}
        Ok(machine)
    }

    /// One instruction; false after the last.
    fn step(&mut self) -> Step<bool> {
        let start = self.at;
        let code = self.take(1)?[0];
        match code {
            b'.' => return Ok(false),
            // Protocol, frame: sizes that nothing depends on.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.push(Value::Mark)?,
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'N' | 0x88 | 0x89 => self.push(Value::Other)?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Other)?;
            }
            b'F' => {
                self.line()?;
                self.push(Value::Other)?;
            }
            b'I' | b'L' | b'J' | b'K' | b'M' | 0x8a => self.number(code)?,
            b'S' | b'V' | b'T' | b'U' | b'X' | b'B' | b'C' | 0x8c | 0x8d | 0x8e | 0x96 => {
                self.string(code)?;
            }
            b'}' | b']' | b')' => self.collect(Vec::new())?,
            b't' | b'l' | b'd' => {
                let items = self.marked()?;
                self.collect(items)?;
            }
            0x85..=0x87 => {
                let count = usize::from(code) - 0x84;
                let from = self.stack.len().checked_sub(count).ok_or("its stack is empty")?;
                let items = self.stack.split_off(from);
                self.collect(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend(&[key, value])?;
            }
            b'e' | b'u' => {
                let items = self.marked()?;
                self.extend(&items)?;
            }
            b'p' | b'q' | b'r' | b'g' | b'h' | b'j' | 0x94 => self.remember(code)?,
            b'c' | 0x93 => self.global(code)?,
            b'R' => self.call()?,
            b'b' => self.build()?,
            other => {
                return Err(format!(
                    "it has the instruction {other:#04x} at byte {start}, which plain data do not need"
                ));
            }
        }
        Ok(true)
    }

    fn take(&mut self, length: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("it is cut short")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of up to 8 bytes without sign.
    fn size(&mut self, bytes: usize) -> Step<u64> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |size, &byte| size << 8 | u64::from(byte)))
    }

    /// The text up to the end of the line, as a place in the file.
    fn line(&mut self) -> Step<(usize, usize)> {
        let start = self.at;
        let length = self.bytes[start..].iter().position(|&byte| byte == b'\n').ok_or("it is cut short")?;
        self.at = start + length + 1;
        Ok((start, length))
    }

    fn push(&mut self, value: Value) -> Step {
        self.made += 1;
        if self.made > MOST {
            return Err(format!("it makes more than {MOST} values"));
        }
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Step<Value> {
        self.stack.pop().ok_or_else(|| "its stack is empty".to_owned())
    }

    /// What lies above the last mark, which goes too.
    fn marked(&mut self) -> Step<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark).ok_or("a mark is missing")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    /// Pushes a list of `items`.
    fn collect(&mut self, items: Vec<Value>) -> Step {
        self.lists.push(items);
        self.push(Value::List(self.lists.len() - 1))
    }

    /// Appends to the list on top of the stack.
    fn extend(&mut self, items: &[Value]) -> Step {
        match self.stack.last() {
            Some(Value::List(list)) => {
                self.lists[*list].extend_from_slice(items);
                Ok(())
            }
            _ => Err("it appends to something that is no list".into()),
        }
    }

    fn number(&mut self, code: u8) -> Step {
        let number = match code {
            b'K' => self.size(1)? as i64,
            b'M' => self.size(2)? as i64,
            b'J' => i64::from(self.size(4)? as u32 as i32),
            0x8a => {
                let length = self.size(1)? as usize;
                let bytes = self.take(length)?;
                if length > 8 {
                    return self.push(Value::Other);
                }
                let sign = if bytes.last().is_some_and(|&b| b >= 0x80) { -1i64 } else { 0 };
                bytes.iter().rev().fold(sign, |number, &byte| number << 8 | i64::from(byte))
            }
            _ => {
                let (start, length) = self.line()?;
                let text = std::str::from_utf8(&self.bytes[start..start + length]).unwrap_or_default();
                match text.trim_end_matches('L').parse() {
                    Ok(number) => number,
                    Err(_) => return Err("it has a number that is none".into()),
                }
            }
        };
        self.push(Value::Number(number))
    }

    fn string(&mut self, code: u8) -> Step {
        let width = match code {
            b'U' | b'C' | 0x8c => 1,
            b'T' | b'X' | b'B' => 4,
            0x8d | 0x8e | 0x96 => 8,
            _ => {
                let (start, length) = self.line()?;
                // The old text form stands in quotes.
                let quoted = code == b'S' && length >= 2;
                let cut = usize::from(quoted);
                return self.push(Value::Text(start + cut, length - 2 * cut));
            }
        };
        let length = usize::try_from(self.size(width)?).map_err(|_| "it is cut short")?;
        let start = self.at;
        self.take(length)?;
        self.push(Value::Text(start, length))
    }

    /// Stores the top of the stack under a number, or pushes what was stored.
    fn remember(&mut self, code: u8) -> Step {
        let key = match code {
            b'q' | b'h' => self.size(1)?,
            b'r' | b'j' => self.size(4)?,
            0x94 => self.memo.len() as u64,
            _ => {
                let (start, length) = self.line()?;
                let text = std::str::from_utf8(&self.bytes[start..start + length]).unwrap_or_default();
                text.parse().map_err(|_| "it has a number that is none")?
            }
        };
        if matches!(code, b'g' | b'h' | b'j') {
            let value = self.memo.get(&key).copied().ok_or("it recalls what it never stored")?;
            return self.push(value);
        }
        let top = self.stack.last().copied().ok_or("its stack is empty")?;
        self.made += 1;
        if self.made > MOST {
            return Err(format!("it makes more than {MOST} values"));
        }
        self.memo.insert(key, top);
        Ok(())
    }

    /// Pushes a name that may be called.
    fn global(&mut self, code: u8) -> Step {
        let (module, name) = if code == b'c' {
            let module = self.line()?;
            (Value::Text(module.0, module.1), self.line().map(|name| Value::Text(name.0, name.1))?)
        } else {
            let name = self.pop()?;
            (self.pop()?, name)
        };
        let word = |value| self.text(value).unwrap_or_default();
        let full = format!("{} {}", word(module), word(name));
        match ALLOWED.iter().find(|(allowed, _)| *allowed == full) {
            Some((_, known)) => self.push(Value::Known(*known)),
            None => {
                let shown: String = full.replace(' ', ".").chars().take(100).collect();
                Err(format!("it asks for `{shown}`, which could run code: that is refused"))
            }
        }
    }

    /// Calls the name below the arguments.
    fn call(&mut self) -> Step {
        let arguments = self.pop()?;
        let value = match self.pop()? {
            Value::Known(Known::Array) => {
                self.lists.push(Vec::new());
                Value::Array(self.lists.len() - 1)
            }
            // (buffer, type, shape, order): what matters is the buffer, as in the state of an array.
            Value::Known(Known::FromBuffer) => match arguments {
                Value::List(list) => Value::Array(list),
                _ => return Err("it makes an array of nothing".into()),
            },
            Value::Known(Known::Type) => Value::Other,
            _ => return Err("it calls something that is no function".into()),
        };
        self.push(value)
    }

    /// Gives an array its state: (version, shape, type, order, bytes).
    fn build(&mut self) -> Step {
        let state = self.pop()?;
        if let (Some(Value::Array(array)), Value::List(list)) = (self.stack.last().copied(), state) {
            self.lists[array] = self.lists[list].iter().copied().take(8).collect();
        }
        Ok(())
    }

    /// A string, or its beginning where it is long.
    pub(super) fn text(&self, value: Value) -> Option<String> {
        let Value::Text(start, length) = value else { return None };
        let bytes = self.bytes.get(start..start + length.min(1 << 12))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}
