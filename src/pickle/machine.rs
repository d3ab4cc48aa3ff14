//! The stack machine that a pickle is written for, without its power to import and call.

use super::input::Input;
use super::node::Node;
use super::{MOST_OBJECTS, Pickle};
use std::collections::HashMap;

struct Machine<'a> {
    input: Input<'a>,
    nodes: Vec<Node<'a>>,
    stack: Vec<u32>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, u32>,
}

type Step<T = ()> = Result<T, String>;

pub(super) fn run(bytes: &[u8]) -> Step<(Pickle<'_>, usize)> {
    let (nodes, stack, marks) = (Vec::new(), Vec::new(), Vec::new());
    let mut machine = Machine { input: Input { bytes, at: 0 }, nodes, stack, marks, memo: HashMap::new() };
    loop {
        let at = machine.input.at;
        match machine.step() {
            Ok(false) => {}
            Ok(true) => break,
            Err(reason) => return Err(format!("{reason} (pickle, byte {at})")),
        }
    }
    let root = machine.pop()?;
    Ok((Pickle { nodes: machine.nodes, root }, machine.input.at))
}

impl<'a> Machine<'a> {
    /// Runs one opcode; true at the end.
    fn step(&mut self) -> Step<bool> {
        let code = self.input.byte()?;
        match code {
            0x80 => self.protocol()?,
            // A frame only says how much to read ahead.
            0x95 => drop(self.input.take(8)?),
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' | 0x88 | 0x89 | b'I' | b'J' | b'K' | b'L' | b'M' | b'F' | b'G' | 0x8a | 0x8b => {
                self.number(code)?;
            }
            b'X' | b'T' | b'U' | b'B' | b'C' | 0x8c | 0x8d | 0x8e | 0x96 => self.string(code)?,
            b'S' | b'V' => self.line_of_text(code)?,
            // A set is read as a list: nothing here asks whether a member comes twice.
            b']' | b'l' | b'a' | b'e' | 0x8f | 0x90 => self.list(code)?,
            b')' | b't' | 0x85..=0x87 | 0x91 => self.tuple(code)?,
            b'}' | b'd' | b's' | b'u' => self.dict(code)?,
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memory(code)?,
            b'c' | 0x93 | 0x82..=0x84 => self.named(code)?,
            b'R' | 0x81 | 0x92 | b'i' | b'o' | b'b' | b'P' | b'Q' => self.object(code)?,
            // A buffer outside the pickle is nothing that can be read; that it is read-only changes nothing.
            0x97 => self.push(Node::None)?,
            0x98 => {}
            _ => {
                let shown = char::from(code);
                return Err(if code.is_ascii_graphic() {
                    format!("opcode `{shown}` has no place in a file of data")
                } else {
                    format!("opcode 0x{code:02x} has no place in a file of data")
                });
            }
        }
        Ok(false)
    }

    fn protocol(&mut self) -> Step {
        match self.input.byte()? {
            0..=5 => Ok(()),
            other => Err(format!("protocol {other} is not known")),
        }
    }

    fn number(&mut self, code: u8) -> Step {
        let node = match code {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'J' => Node::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'K' => Node::Int(self.input.byte()?.into()),
            b'M' => Node::Int(u16::from_le_bytes(self.input.array()?).into()),
            b'G' => Node::Float(f64::from_be_bytes(self.input.array()?)),
            b'I' => match self.input.line()? {
                "00" => Node::Bool(false),
                "01" => Node::Bool(true),
                line => Node::Int(line.parse().map_err(|_| format!("`{line}` is not a number"))?),
            },
            b'L' => {
                let line = self.input.line()?.trim_end_matches('L');
                Node::Int(line.parse().map_err(|_| format!("`{line}` is not a number of 128 bits"))?)
            }
            b'F' => {
                let line = self.input.line()?;
                Node::Float(line.parse().map_err(|_| format!("`{line}` is not a number"))?)
            }
            _ => {
                let length =
                    if code == 0x8a { self.input.length::<1>()? } else { self.input.length::<4>()? };
                let digits = self.input.take(length)?;
                // A larger one is the state of a random generator or alike, and nobody's length or index.
                if length > 16 {
                    Node::Bytes(digits)
                } else {
                    let negative = digits.last().is_some_and(|byte| byte & 0x80 != 0);
                    let mut all = [if negative { 0xff } else { 0 }; 16];
                    all[..length].copy_from_slice(digits);
                    Node::Int(i128::from_le_bytes(all))
                }
            }
        };
        self.push(node)
    }

    fn string(&mut self, code: u8) -> Step {
        let length = match code {
            b'U' | b'C' | 0x8c => self.input.length::<1>()?,
            b'X' | b'T' | b'B' => self.input.length::<4>()?,
            _ => self.input.length::<8>()?,
        };
        let bytes = self.input.take(length)?;
        self.push(match code {
            // Python writes names of files that are no text with half characters, which UTF-8 does not have.
            b'X' | 0x8c | 0x8d => std::str::from_utf8(bytes).map_or(Node::Bytes(bytes), Node::Text),
            _ => Node::Bytes(bytes),
        })
    }

    /// The texts of protocol 0, which end with the line.
    fn line_of_text(&mut self, code: u8) -> Step {
        let line = self.input.line()?;
        let text = if code == b'S' { line.trim_matches(['\'', '"']) } else { line };
        self.push(Node::Text(text))
    }

    fn list(&mut self, code: u8) -> Step {
        let new = match code {
            b']' | 0x8f => return self.push(Node::List(Vec::new())),
            b'l' => {
                let members = self.since_mark()?;
                return self.push(Node::List(members));
            }
            b'a' => vec![self.pop()?],
            _ => self.since_mark()?,
        };
        let list = self.top()?;
        match &mut self.nodes[list as usize] {
            Node::List(members) => members.extend(new),
            // A class that is a list; what it holds is nobody's business here.
            Node::Call { .. } => {}
            _ => return Err("something is appended to what is no list".into()),
        }
        Ok(())
    }

    fn tuple(&mut self, code: u8) -> Step {
        let members = match code {
            b')' => Vec::new(),
            b't' | 0x91 => self.since_mark()?,
            _ => {
                let height = self.floor(usize::from(code - 0x84))?;
                self.stack.split_off(height)
            }
        };
        self.push(Node::Tuple(members))
    }

    fn dict(&mut self, code: u8) -> Step {
        let flat = match code {
            b'}' => Vec::new(),
            b's' => {
                let height = self.floor(2)?;
                self.stack.split_off(height)
            }
            _ => self.since_mark()?,
        };
        let (pairs, []) = flat.as_chunks::<2>() else { return Err("a key stands without a value".into()) };
        let new = pairs.iter().map(|&[key, value]| (key, value));
        if matches!(code, b'}' | b'd') {
            let entries = new.collect();
            return self.push(Node::Dict(entries));
        }
        let dict = self.top()?;
        match &mut self.nodes[dict as usize] {
            Node::Dict(entries) | Node::Call { entries, .. } => entries.extend(new),
            _ => return Err("an item is set on what is no dict".into()),
        }
        Ok(())
    }

    /// Remembers the top of the stack, or brings back what was remembered.
    fn memory(&mut self, code: u8) -> Step {
        let slot = match code {
            b'p' | b'g' => {
                let line = self.input.line()?;
                line.parse().map_err(|_| format!("`{line}` is not a place in the memo"))?
            }
            b'q' | b'h' => u64::from(self.input.byte()?),
            b'r' | b'j' => u64::from(u32::from_le_bytes(self.input.array()?)),
            _ => self.memo.len() as u64,
        };
        if matches!(code, b'g' | b'h' | b'j') {
            let found = self.memo.get(&slot).ok_or_else(|| format!("place {slot} of the memo is empty"))?;
            self.stack.push(*found);
        } else {
            self.memo.insert(slot, self.top()?);
        }
        Ok(())
    }

    /// Something that Python would import.
    fn named(&mut self, code: u8) -> Step {
        let name = match code {
            b'c' => format!("{}.{}", self.input.line()?, self.input.line()?),
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.nodes[module as usize], &self.nodes[name as usize]) {
                    (&Node::Text(module), &Node::Text(name)) => format!("{module}.{name}"),
                    _ => return Err("a global has no name".into()),
                }
            }
            // A number that stands for a name in the registry of the program that wrote the file.
            _ => {
                let bytes = 1 << (code - 0x82);
                self.input.take(bytes)?;
                "copyreg.extension".to_owned()
            }
        };
        self.push(Node::Global(name))
    }

    fn object(&mut self, code: u8) -> Step {
        match code {
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.called(function, arguments)
            }
            0x92 => {
                let (_by_name, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.called(function, arguments)
            }
            b'i' | b'o' => {
                if code == b'i' {
                    let name = format!("{}.{}", self.input.line()?, self.input.line()?);
                    // Below the arguments, where the other opcode finds it.
                    self.push(Node::Global(name))?;
                }
                let mut members = self.since_mark()?;
                let at = if code == b'i' { members.len().checked_sub(1) } else { Some(0) };
                let at = at.filter(|&at| at < members.len()).ok_or("an object has no class")?;
                let function = members.remove(at);
                self.push(Node::Tuple(members))?;
                let arguments = self.pop()?;
                self.called(function, arguments)
            }
            b'b' => {
                let with = self.pop()?;
                let object = self.top()?;
                // What else is built is of a class that nothing here looks into.
                if let Node::Call { state, .. } = &mut self.nodes[object as usize] {
                    *state = Some(with);
                }
                Ok(())
            }
            b'P' => {
                let name = self.input.line()?;
                self.push(Node::Text(name))?;
                let name = self.pop()?;
                self.push(Node::Persistent(name))
            }
            _ => {
                let name = self.pop()?;
                self.push(Node::Persistent(name))
            }
        }
    }

    fn called(&mut self, function: u32, arguments: u32) -> Step {
        self.push(Node::Call { function, arguments, entries: Vec::new(), state: None })
    }

    fn push(&mut self, node: Node<'a>) -> Step {
        if self.nodes.len() >= MOST_OBJECTS {
            return Err(format!("more than {MOST_OBJECTS} objects"));
        }
        self.stack.push(self.nodes.len() as u32);
        self.nodes.push(node);
        Ok(())
    }

    /// Where the topmost `count` begin, all of them above the last mark.
    fn floor(&self, count: usize) -> Step<usize> {
        let height = self.stack.len().checked_sub(count);
        height
            .filter(|&height| height >= self.marks.last().copied().unwrap_or(0))
            .ok_or_else(|| "the stack is empty".into())
    }

    fn pop(&mut self) -> Step<u32> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn top(&self) -> Step<u32> {
        Ok(self.stack[self.floor(1)?])
    }

    fn since_mark(&mut self) -> Step<Vec<u32>> {
        let height = self.marks.pop().ok_or("there is no mark on the stack")?;
        Ok(self.stack.split_off(height))
    }
}
