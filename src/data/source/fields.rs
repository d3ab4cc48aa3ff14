//! The columns of an Arrow schema, and which of them hold the pictures and the labels.
//!
//! A batch lists the buffers of all columns one after another, so the place of one follows from the kinds of
//! all before it.

use arrow_ipc::{Field, Precision, Schema, Type};

use super::labels::{self, Kind, PICTURES};
use super::part::Part;
use crate::error::Result;

/// A column without parts of its own, as the buffers of a batch follow each other.
pub(super) struct Leaf {
    path: Vec<String>,
    pub(super) values: Stored,
    /// Its own bitmap of what is there and those of the structs around it: numbers of buffers.
    pub(super) bitmaps: Vec<usize>,
    /// Whether it has one value a row.
    single: bool,
}

/// How the values of a leaf are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// Whole numbers of so many bytes, signed or not.
    Whole(usize, bool),
    /// Floats of so many bytes.
    Float(usize),
    Truth,
    /// Runs of bytes between offsets of so many bytes; whether they are text.
    Bytes(usize, bool),
    Other(&'static str),
}

/// What of a schema is read.
pub(super) struct Chosen {
    pub(super) picture: Leaf,
    pub(super) label: Option<Leaf>,
    /// The names of classes.
    pub(super) names: Vec<String>,
    /// Why there are no labels.
    pub(super) notice: Option<String>,
}

/// The columns of pictures and of labels of a schema.
pub(super) fn choose(file: &Part, schema: Schema) -> Result<Chosen> {
    let mut walk = Walk { file, buffers: 0, leaves: Vec::new() };
    for field in schema.fields().iter().flatten() {
        walk.field(field, &[], &[], true)?;
    }
    let mut leaves = walk.leaves;
    let is_picture = |leaf: &Leaf| leaf.single && matches!(leaf.values, Stored::Bytes(_, false));
    let named = |leaf: &Leaf, name: &str| {
        let inner = leaf.path.len() == 1 || leaf.path.len() == 2 && leaf.path[1] == "bytes";
        is_picture(leaf) && inner && leaf.path[0].eq_ignore_ascii_case(name)
    };
    let by_name = PICTURES.iter().find_map(|name| leaves.iter().position(|leaf| named(leaf, name)));
    let Some(picture) = by_name.or_else(|| leaves.iter().position(is_picture)) else {
        let names: Vec<String> = leaves.iter().take(20).map(|leaf| leaf.path.join(".")).collect();
        let reason = format!(
            "no column of pictures is in this Arrow file (whole files as bytes); its columns are {}",
            names.join(", ")
        );
        return Err(file.wrong(reason));
    };
    let picture = leaves.remove(picture);
    let kind = |leaf: &Leaf| match leaf.values {
        _ if !leaf.single => Kind::Other("lists"),
        Stored::Other(what) => Kind::Other(what),
        Stored::Bytes(_, false) => Kind::Other("bytes"),
        _ => Kind::Usable,
    };
    let columns: Vec<(String, Kind)> = leaves.iter().map(|leaf| (leaf.path.join("."), kind(leaf))).collect();
    let entries = schema.custom_metadata();
    let entry = entries.iter().flatten().find(|entry| entry.key() == Some("huggingface"));
    let features = labels::features(entry.and_then(|entry| entry.value()));
    let (label, notice) = labels::column(&columns, &features);
    let names = label.map(|label| labels::names(&features, &columns[label].0)).unwrap_or_default();
    Ok(Chosen { picture, label: label.map(|label| leaves.swap_remove(label)), names, notice })
}

/// The leaves of a schema, in the order of their buffers.
struct Walk<'a> {
    file: &'a Part,
    /// The number of the next buffer.
    buffers: usize,
    leaves: Vec<Leaf>,
}

impl Walk<'_> {
    /// Adds the leaves of a field; `bitmaps` are those of the structs around it, `single` says that these have
    /// one value a row.
    fn field(&mut self, field: Field, around: &[String], bitmaps: &[usize], single: bool) -> Result<()> {
        let path = [around, &[field.name().unwrap_or_default().to_owned()]].concat();
        let bitmaps = [bitmaps, &[self.buffers]].concat();
        let (before, single) = match field.type_type() {
            Type::Struct_ => (1, single),
            Type::FixedSizeList => (1, false),
            Type::List | Type::LargeList | Type::Map => (2, false),
            Type::Union
            | Type::BinaryView
            | Type::Utf8View
            | Type::RunEndEncoded
            | Type::ListView
            | Type::LargeListView => {
                let reason = "is of a kind that is not read; write the file again as Parquet";
                return Err(self.file.wrong(format!("its column {} {reason}", path.join("."))));
            }
            _ => {
                let (buffers, values) = stored(&field);
                self.buffers += buffers;
                self.leaves.push(Leaf { path, values, bitmaps, single });
                return Ok(());
            }
        };
        self.buffers += before;
        let parts = field.children();
        parts.iter().flatten().try_for_each(|part| self.field(part, &path, &bitmaps, single))
    }
}

/// How many buffers a field without parts has, and how its values are stored.
fn stored(field: &Field) -> (usize, Stored) {
    if field.dictionary().is_some() {
        return (2, Stored::Other("entries of a dictionary"));
    }
    match field.type_type() {
        Type::Null => (0, Stored::Other("nothing")),
        Type::Int => match field.type_as_int().map(|int| (int.bitWidth(), int.is_signed())) {
            Some((bits @ (8 | 16 | 32 | 64), signed)) => (2, Stored::Whole(bits as usize / 8, signed)),
            _ => (2, Stored::Other("numbers of an odd width")),
        },
        Type::FloatingPoint => match field.type_as_floating_point().map(|float| float.precision()) {
            Some(Precision::SINGLE) => (2, Stored::Float(4)),
            Some(Precision::DOUBLE) => (2, Stored::Float(8)),
            _ => (2, Stored::Other("numbers of half precision")),
        },
        Type::Bool => (2, Stored::Truth),
        Type::Binary => (3, Stored::Bytes(4, false)),
        Type::Utf8 => (3, Stored::Bytes(4, true)),
        Type::LargeBinary => (3, Stored::Bytes(8, false)),
        Type::LargeUtf8 => (3, Stored::Bytes(8, true)),
        _ => (2, Stored::Other("dates or values of another kind")),
    }
}
