//! Python pickles as data: a reader that runs no code.
//!
//! A pickle is a program for a small stack machine, and Python's own reader lets it import and call
//! anything. This one imports and calls nothing: a name stays a name, and a call is noted as what would have
//! been called with what. So files may hold whatever their programs put beside the data (paths, dates, settings,
//! hooks of a trainer); whoever looks for tensors passes over it. Refused is only what makes no sense as a pickle.
//!
//! Objects lie in one list and name each other by number, as Python's share references, so that
//! neither a file that doubles itself by sharing ("billion laughs") nor one with cycles can take more
//! memory than a small multiple of its own length: at most [`MOST_OBJECTS`] objects and one number for
//! each opcode.

mod input;
mod machine;
mod node;

use node::Node;

/// Objects in one pickle, at most: forty times those of a batch of CIFAR.
pub const MOST_OBJECTS: usize = 1 << 21;

/// The objects of one pickle. Texts and bytes are slices of the input.
#[derive(Debug)]
pub struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: u32,
}

/// One object of a pickle.
#[derive(Clone, Copy, Debug)]
pub struct Item<'p> {
    nodes: &'p [Node<'p>],
    id: u32,
}

/// Reads the pickle at the start of `bytes` and gives the bytes that it takes: what follows is the
/// caller's.
///
/// # Errors
/// In words, where in the file: an opcode that is not known, an end in the middle, a stack that does not work
/// out, too many objects.
pub fn parse(bytes: &[u8]) -> Result<(Pickle<'_>, usize), String> {
    machine::run(bytes)
}

impl Pickle<'_> {
    /// The object that the pickle stands for.
    #[must_use]
    pub fn root(&self) -> Item<'_> {
        Item { nodes: &self.nodes, id: self.root }
    }

    /// All objects, in the order in which the file makes them.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.nodes.len() as u32).map(|id| Item { nodes: &self.nodes, id })
    }
}

impl<'p> Item<'p> {
    fn node(self) -> &'p Node<'p> {
        &self.nodes[self.id as usize]
    }

    fn at(self, id: u32) -> Self {
        Self { id, ..self }
    }

    /// A text, or bytes that are one (the `str` of Python 2).
    #[must_use]
    pub fn text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(text) => Some(text),
            Node::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes, of which the `str` of Python 2 is one.
    #[must_use]
    pub fn bytes(self) -> Option<&'p [u8]> {
        match self.node() {
            Node::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A whole number, or a truth value as 0 or 1.
    #[must_use]
    pub fn int(self) -> Option<i128> {
        match self.node() {
            Node::Int(value) => Some(*value),
            Node::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    /// A whole number that can be a length or an index.
    #[must_use]
    pub fn size(self) -> Option<usize> {
        usize::try_from(self.int()?).ok()
    }

    /// A number of either kind.
    #[must_use]
    pub fn float(self) -> Option<f64> {
        match self.node() {
            Node::Float(value) => Some(*value),
            _ => self.int().map(|value| value as f64),
        }
    }

    /// The members of a list or tuple.
    #[must_use]
    pub fn members(self) -> Option<impl ExactSizeIterator<Item = Item<'p>>> {
        match self.node() {
            Node::List(members) | Node::Tuple(members) => Some(members.iter().map(move |&id| self.at(id))),
            _ => None,
        }
    }

    /// The members of a list or tuple of exactly `N`.
    #[must_use]
    pub fn array<const N: usize>(self) -> Option<[Item<'p>; N]> {
        self.members()?.collect::<Vec<_>>().try_into().ok()
    }

    /// The entries of a dict or of an object of a class that is one (`OrderedDict`), in the order of the file. A key
    /// may come twice.
    #[must_use]
    pub fn entries(self) -> Option<Vec<(Item<'p>, Item<'p>)>> {
        let pairs = |entries: &'p [(u32, u32)]| entries.iter().map(move |&(k, v)| (self.at(k), self.at(v)));
        match self.node() {
            Node::Dict(entries) => Some(pairs(entries).collect()),
            Node::Call { function, arguments, entries, .. } => {
                let ordered = self.at(*function).global() == Some("collections.OrderedDict");
                // Python 2 gives a list of pairs to the constructor, Python 3 sets items afterwards.
                let mut found = Vec::new();
                if ordered && let Some([listed]) = self.at(*arguments).array() {
                    for pair in listed.members()? {
                        found.push(pair.array::<2>()?.into());
                    }
                }
                found.extend(pairs(entries));
                (ordered || !found.is_empty()).then_some(found)
            }
            _ => None,
        }
    }

    /// The value of a key of a dict; the last one where a key comes twice.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Item<'p>> {
        let entries = self.entries()?;
        entries.into_iter().rev().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The name of a global, as `module.name`.
    #[must_use]
    pub fn global(self) -> Option<&'p str> {
        match self.node() {
            Node::Global(name) => Some(name),
            _ => None,
        }
    }

    /// A call that Python would make: the global's name and its arguments.
    #[must_use]
    pub fn call(self) -> Option<(&'p str, Item<'p>)> {
        match self.node() {
            Node::Call { function, arguments, .. } => {
                Some((self.at(*function).global()?, self.at(*arguments)))
            }
            _ => None,
        }
    }

    /// What would be given to the called object's `__setstate__`.
    #[must_use]
    pub fn state(self) -> Option<Item<'p>> {
        match self.node() {
            Node::Call { state, .. } => state.map(|id| self.at(id)),
            _ => None,
        }
    }

    /// The name of something that is stored outside the pickle.
    #[must_use]
    pub fn persistent(self) -> Option<Item<'p>> {
        match self.node() {
            Node::Persistent(id) => Some(self.at(*id)),
            _ => None,
        }
    }

    /// What kind of object it is, for messages.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self.node() {
            Node::None => "None",
            Node::Bool(_) => "a truth value",
            Node::Int(_) | Node::Float(_) => "a number",
            Node::Text(_) => "a text",
            Node::Bytes(_) => "bytes",
            Node::List(_) => "a list",
            Node::Tuple(_) => "a tuple",
            Node::Dict(_) => "a dict",
            Node::Global(_) => "a class",
            Node::Call { .. } => "an object",
            Node::Persistent(_) => "a storage",
        }
    }
}

#[cfg(test)]
mod tests;
