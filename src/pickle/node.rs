//! The objects that a pickle makes.

/// An object. Numbers are places in the list of all objects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(Vec<u32>),
    Tuple(Vec<u32>),
    Dict(Vec<(u32, u32)>),
    /// `module.name`.
    Global(String),
    /// What Python would call, and with what; items set on the result, and what it was built with, if anything.
    Call {
        function: u32,
        arguments: u32,
        entries: Vec<(u32, u32)>,
        state: Option<u32>,
    },
    Persistent(u32),
}
