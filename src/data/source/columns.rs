//! Parquet files with a column of pictures, as public hubs ship them.
//!
//! The pictures are whole files: a column of bytes, or a struct of `bytes` and `path`. Which column
//! holds the labels, `labels` knows. A picture is read by skipping the pages before it, so memory holds one page at a
//! time; each access costs the headers of the pages before it in its row group.

use std::io::{BufReader, Seek, SeekFrom};

use parquet::basic::{LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::super::dataset::{Content, Pictures};
use super::archive::guarded;
use super::labels::{self, Gathered, Kind, PICTURES, Values};
use super::part::Part;
use super::table::{Side, Table};
use crate::error::Result;

/// A part that the Parquet reader can read from any thread: its own for files shares one position.
struct Chunks(Part);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.length
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Box<dyn super::part::Source>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut reader = self.0.reader().map_err(|error| ParquetError::General(error.to_string()))?;
        reader.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(reader))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        let read = self.0.read(start, length);
        read.map(Into::into).map_err(|error| ParquetError::General(error.to_string()))
    }
}

/// One file with its pictures' column.
struct Book {
    part: Part,
    reader: SerializedFileReader<Chunks>,
    /// The leaf column of the pictures.
    column: usize,
}

/// The pictures of several files, numbered through.
struct Columns {
    books: Vec<Book>,
    /// For each row group its first picture, its file, and its number in there.
    groups: Vec<(u32, usize, usize)>,
}

impl Columns {
    /// The file of a picture, its row group and its row in that.
    fn find(&self, picture: u32) -> (&Book, usize, usize) {
        let at = self.groups.partition_point(|(first, ..)| *first <= picture).saturating_sub(1);
        let (first, book, group) = self.groups[at];
        (&self.books[book], group, (picture - first) as usize)
    }
}

impl Pictures for Columns {
    fn name(&self, picture: u32) -> String {
        let (book, group, row) = self.find(picture);
        format!("{}#{group}.{row}", book.part.name)
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let (book, group, row) = self.find(picture);
        guarded(&book.part, || {
            let values = one(book, group, row).map_err(|error| book.part.wrong(explained(&error)))?;
            let bytes = values
                .into_iter()
                .next()
                .ok_or_else(|| book.part.wrong("there is no picture in this row"))?;
            Ok(Content::Encoded(bytes.data().to_vec().into()))
        })
    }
}

/// The value of a row, or nothing where it is null.
fn one(book: &Book, group: usize, row: usize) -> Result<Vec<ByteArray>, ParquetError> {
    let group = book.reader.get_row_group(group)?;
    let mut values = Vec::new();
    if let ColumnReader::ByteArrayColumnReader(mut column) = group.get_column_reader(book.column)?
        && column.skip_records(row)? == row
    {
        column.read_records(1, Some(&mut Vec::new()), None, &mut values)?;
    }
    Ok(values)
}

/// What the Parquet reader says, with a way out where there is one.
fn explained(error: &ParquetError) -> String {
    let text = error.to_string();
    let way_out = if text.contains("feature") || text.to_lowercase().contains("codec") {
        "; write the file again with the compression zstd, snappy or none"
    } else {
        ""
    };
    format!("this Parquet file cannot be read: {text}{way_out}")
}

/// Lists the rows of the Parquet files `files`, in their order.
pub(super) fn list(files: Vec<Part>) -> Result<Table> {
    let (mut books, mut groups, mut sides, mut notices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut all, mut first) = (Gathered::default(), 0u32);
    for part in files {
        let opened = guarded(&part.clone(), || open(part))?;
        let (before, number) = (first, books.len());
        for (group, rows) in opened.rows.iter().enumerate() {
            groups.push((first, number, group));
            first = first
                .checked_add(*rows)
                .ok_or_else(|| opened.book.part.wrong("more than 4 billion pictures"))?;
        }
        groups.retain(|(start, ..)| *start < first);
        all.add(opened.labels, (first - before) as usize, opened.classes, opened.unlabelled);
        sides.push((Side::of(&opened.book.part.name), first - before));
        if notices.is_empty() {
            notices.extend(opened.several);
        }
        books.push(opened.book);
    }
    let (classes, labels, notice) = all.classes();
    notices.extend(notice);
    Ok(Table { classes, labels, sides, pictures: Box::new(Columns { books, groups }), notices })
}

struct Opened {
    book: Book,
    /// Rows of each row group.
    rows: Vec<u32>,
    labels: Values,
    /// Names of classes that the schema gives.
    classes: Vec<String>,
    /// Why there are no labels.
    unlabelled: Option<String>,
    /// That other columns of pictures were passed over.
    several: Option<String>,
}

fn open(part: Part) -> Result<Opened> {
    let wrong = |error: ParquetError| part.wrong(explained(&error));
    let reader = SerializedFileReader::new(Chunks(part.clone())).map_err(wrong)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let leaves = schema.columns();
    let Some(column) = picture_column(leaves) else {
        let names: Vec<String> = leaves.iter().take(20).map(|leaf| leaf.path().string()).collect();
        let reason = format!(
            "no column of pictures is in this Parquet file (whole files as bytes, or a struct with `bytes`); its \
             columns are {}",
            names.join(", ")
        );
        return Err(part.wrong(reason));
    };
    let metadata = reader.metadata();
    let rows = metadata.row_groups().iter().map(|group| u32::try_from(group.num_rows()));
    let rows = rows.collect::<Result<Vec<u32>, _>>();
    let rows = rows.map_err(|_| part.wrong("its row groups are damaged: they cannot have so many rows"))?;
    // A row takes a byte at the least: a header that promises more is a lie, and memory is asked for by it.
    if rows.iter().map(|rows| u64::from(*rows)).sum::<u64>() > part.length.saturating_mul(8) {
        return Err(part.wrong("its header promises more rows than the file can hold: it is damaged"));
    }
    let others: Vec<usize> = (0..leaves.len()).filter(|leaf| *leaf != column).collect();
    let columns: Vec<(String, Kind)> =
        others.iter().map(|leaf| (leaves[*leaf].path().string(), kind(&leaves[*leaf]))).collect();
    let entries = reader.metadata().file_metadata().key_value_metadata();
    let entry = entries.and_then(|entries| entries.iter().find(|entry| entry.key == "huggingface"));
    let features = labels::features(entry.and_then(|entry| entry.value.as_deref()));
    let (label, unlabelled) = labels::column(&columns, &features);
    let labels = match label {
        Some(label) => read_labels(&reader, others[label], &rows).map_err(wrong)?,
        None => Values::Nothing,
    };
    let classes = label.map(|label| labels::names(&features, &columns[label].0)).unwrap_or_default();
    let several = several(leaves, column);
    Ok(Opened { book: Book { part, reader, column }, rows, labels, classes, unlabelled, several })
}

type Leaf = std::sync::Arc<ColumnDescriptor>;

/// The leaf that holds pictures: by its name, else the first of bytes that are not text.
fn picture_column(leaves: &[Leaf]) -> Option<usize> {
    let is_bytes = |leaf: &Leaf| leaf.physical_type() == Physical::BYTE_ARRAY && leaf.max_rep_level() == 0;
    let named = |leaf: &Leaf, name: &str| {
        let path = leaf.path().parts();
        let inner = path.len() == 1 || path.len() == 2 && path[1] == "bytes";
        is_bytes(leaf) && !is_text(leaf) && inner && path[0].eq_ignore_ascii_case(name)
    };
    let by_name = PICTURES.iter().find_map(|name| leaves.iter().position(|leaf| named(leaf, name)));
    by_name.or_else(|| leaves.iter().position(|leaf| is_bytes(leaf) && !is_text(leaf)))
}

fn is_text(leaf: &Leaf) -> bool {
    use parquet::basic::ConvertedType;
    matches!(leaf.logical_type_ref(), Some(LogicalType::String))
        || matches!(leaf.converted_type(), ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM)
}

/// Which column was taken, where several hold pictures.
fn several(leaves: &[Leaf], taken: usize) -> Option<String> {
    let pictures = |leaf: &&Leaf| {
        let path = leaf.path().parts();
        let name = path.iter().rev().find(|part| *part != "bytes").map_or("", String::as_str).to_lowercase();
        leaf.physical_type() == Physical::BYTE_ARRAY
            && leaf.max_rep_level() == 0
            && !is_text(leaf)
            && name.split('_').any(|word| PICTURES.contains(&word))
    };
    let name = |leaf: &Leaf| leaf.path().parts().first().cloned().unwrap_or_default();
    let own = name(&leaves[taken]);
    let others: Vec<String> = leaves.iter().filter(pictures).map(name).filter(|name| *name != own).collect();
    (!others.is_empty()).then(|| {
        format!(
            "pictures are taken from the column `{own}`; {} may hold pictures too and is passed over",
            others.join(", ")
        )
    })
}

/// What the values of a column are, as labels.
fn kind(leaf: &Leaf) -> Kind {
    match leaf.physical_type() {
        _ if leaf.max_rep_level() > 0 => Kind::Other("lists"),
        Physical::INT32 | Physical::INT64 | Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE => {
            Kind::Usable
        }
        Physical::BYTE_ARRAY if is_text(leaf) => Kind::Usable,
        _ => Kind::Other("bytes or dates"),
    }
}

fn read_labels(
    reader: &SerializedFileReader<Chunks>,
    leaf: usize,
    rows: &[u32],
) -> Result<Values, ParquetError> {
    let (mut numbers, mut words, mut decimals, mut truths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (group, rows) in rows.iter().enumerate() {
        let rows = *rows as usize;
        match reader.get_row_group(group)?.get_column_reader(leaf)? {
            ColumnReader::Int64ColumnReader(column) => values(column, rows, &mut numbers, |value| *value)?,
            ColumnReader::Int32ColumnReader(column) => {
                values(column, rows, &mut numbers, |value| i64::from(*value))?;
            }
            ColumnReader::DoubleColumnReader(column) => values(column, rows, &mut decimals, |value| *value)?,
            ColumnReader::FloatColumnReader(column) => {
                values(column, rows, &mut decimals, |value| f64::from(*value))?;
            }
            ColumnReader::BoolColumnReader(column) => values(column, rows, &mut truths, |value| *value)?,
            ColumnReader::ByteArrayColumnReader(column) => {
                values(column, rows, &mut words, |value| String::from_utf8_lossy(value.data()).into_owned())?;
            }
            _ => {}
        }
    }
    Ok(match () {
        () if !words.is_empty() => Values::Words(words),
        () if !decimals.is_empty() => Values::Decimals(decimals),
        () if !truths.is_empty() => Values::Truths(truths),
        () => Values::Numbers(numbers),
    })
}

/// Appends `rows` values of a column, `None` for nulls.
fn values<T: DataType, V>(
    mut column: ColumnReaderImpl<T>,
    rows: usize,
    into: &mut Vec<Option<V>>,
    convert: impl Fn(&T::T) -> V,
) -> Result<(), ParquetError> {
    let wanted = into.len() + rows;
    while into.len() < wanted {
        let (mut found, mut levels) = (Vec::new(), Vec::new());
        let portion = (wanted - into.len()).min(1 << 16);
        let (read, _, _) = column.read_records(portion, Some(&mut levels), None, &mut found)?;
        if read == 0 {
            break;
        }
        let mut found = found.iter();
        // A column that is required has no levels.
        let most = levels.iter().copied().max().unwrap_or(0);
        let whole = levels.is_empty() || found.len() == read;
        let present = |at: usize| whole || levels.get(at).is_some_and(|level| *level == most);
        into.extend((0..read).map(|at| if present(at) { found.next().map(&convert) } else { None }));
    }
    into.resize_with(wanted, || None);
    Ok(())
}
