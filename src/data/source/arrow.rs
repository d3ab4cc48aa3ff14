//! Arrow files with a column of pictures: what Hugging Face's `save_to_disk` writes, one stream of record
//! batches a file. The streams stand in folders called after the parts of the set.
//!
//! A file is indexed once, by the headers of its batches: where the offsets and the bytes of the pictures'
//! column lie. A picture is then two offsets and its own bytes, read from the file; nothing else of a batch
//! is. Source: the format's description on <https://arrow.apache.org/docs/format/Columnar.html>.

use std::ops::Range;

use arrow_ipc::{MessageHeader, RecordBatch, root_as_message};

use super::super::dataset::{Content, Pictures};
use super::LARGEST_PICTURE;
use super::archive::guarded;
use super::fields::{Chosen, Leaf, Stored, choose};
use super::labels::{Gathered, Values};
use super::part::Part;
use super::table::{Side, Table};
use crate::error::Result;

/// The longest header of a message that is read.
const HEADER: u64 = 64 << 20;
/// What comes before every header.
const CONTINUES: [u8; 4] = [0xff; 4];

/// Where the column of pictures of one batch lies in its file.
struct Batch {
    first: u32,
    file: usize,
    bitmaps: Vec<Range<u64>>,
    offsets: Range<u64>,
    bytes: Range<u64>,
    wide: usize,
}

struct Columns {
    files: Vec<Part>,
    batches: Vec<Batch>,
}

impl Columns {
    fn find(&self, picture: u32) -> (&Part, &Batch, u64) {
        let at = self.batches.partition_point(|batch| batch.first <= picture).saturating_sub(1);
        let batch = &self.batches[at];
        (&self.files[batch.file], batch, u64::from(picture - batch.first))
    }
}

impl Pictures for Columns {
    fn name(&self, picture: u32) -> String {
        let (file, batch, row) = self.find(picture);
        let start = self.batches.iter().find(|other| other.file == batch.file).map_or(0, |first| first.first);
        format!("{}#{}", file.name, u64::from(batch.first - start) + row)
    }

    fn read(&self, picture: u32) -> Result<Content<'_>> {
        let (file, batch, row) = self.find(picture);
        for bitmap in batch.bitmaps.iter().filter(|bitmap| !bitmap.is_empty()) {
            if file.read(bitmap.start + row / 8, 1)?[0] >> (row % 8) & 1 == 0 {
                return Err(file.wrong("there is no picture in this row"));
            }
        }
        let wide = batch.wide;
        let offsets = file.read(batch.offsets.start + row * wide as u64, 2 * wide)?;
        let (from, to) = (little(&offsets[..wide]), little(&offsets[wide..]));
        let length = to.checked_sub(from).filter(|_| to <= batch.bytes.end - batch.bytes.start);
        let length = length.ok_or_else(|| file.wrong("the offsets of this picture are damaged"))?;
        if length > LARGEST_PICTURE {
            return Err(file.wrong("this picture has more bytes than a picture file may have"));
        }
        Ok(Content::Encoded(file.read(batch.bytes.start + from, length as usize)?.into()))
    }
}

/// A number without a sign from its bytes, the lowest first.
fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Lists the rows of the Arrow files `files`, in their order.
pub(super) fn list(files: Vec<Part>) -> Result<Table> {
    let (mut batches, mut sides, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    let (mut all, mut first) = (Gathered::default(), 0u32);
    for (number, file) in files.iter().enumerate() {
        let before = first;
        guarded(file, || {
            let mut open = Open { file, number, columns: None, batches: Vec::new(), first };
            notices.extend(open.read(&mut all)?);
            first = open.first;
            batches.append(&mut open.batches);
            Ok(())
        })?;
        sides.push((Side::of(&file.name), first - before));
    }
    let (classes, labels, notice) = all.classes();
    notices.extend(notice);
    Ok(Table { classes, labels, sides, pictures: Box::new(Columns { files, batches }), notices })
}

/// A file while it is indexed.
struct Open<'a> {
    file: &'a Part,
    number: usize,
    /// The columns of pictures and of labels, once the schema was read.
    columns: Option<Chosen>,
    batches: Vec<Batch>,
    /// The number of the next picture.
    first: u32,
}

impl Open<'_> {
    /// Reads the headers of all messages; gives what a person should know.
    fn read(&mut self, all: &mut Gathered) -> Result<Vec<String>> {
        let (file, mut notices) = (self.file, Vec::new());
        // The format for random access is the same stream between two signatures.
        let mut at = if file.length >= 8 && file.read(0, 8)? == *b"ARROW1\0\0" { 8 } else { 0 };
        while at + 4 <= file.length {
            let mut length = file.read(at, 4)?;
            at += 4;
            if length == CONTINUES && at + 4 <= file.length {
                length = file.read(at, 4)?;
                at += 4;
            }
            let length = little(&length);
            if length == 0 {
                break;
            }
            if length > HEADER {
                return Err(file.wrong("this is not an Arrow stream, or it is damaged"));
            }
            let header =
                if at + length <= file.length { Some(file.read(at, length as usize)?) } else { None };
            let body = at + length;
            let message = match &header {
                Some(header) => root_as_message(header)
                    .map_err(|_| file.wrong("this is not an Arrow stream, or it is damaged"))
                    .map(Some)?,
                None => None,
            };
            let size =
                message.map_or(u64::MAX, |message| u64::try_from(message.bodyLength()).unwrap_or(u64::MAX));
            let Some((message, end)) = message.zip(body.checked_add(size).filter(|end| *end <= file.length))
            else {
                if self.batches.is_empty() {
                    return Err(file
                        .wrong("it is cut short before its first whole batch of pictures; fetch it again"));
                }
                notices.push(format!(
                    "{}: cut short; the {} pictures before that are used",
                    file.name,
                    self.rows()
                ));
                break;
            };
            match message.header_type() {
                MessageHeader::Schema => {
                    let schema = message.header_as_schema();
                    self.columns = Some(
                        schema
                            .ok_or_else(|| file.wrong("its schema is missing"))
                            .and_then(|schema| choose(file, schema))?,
                    );
                }
                MessageHeader::RecordBatch => {
                    let batch = message
                        .header_as_record_batch()
                        .ok_or_else(|| file.wrong("a batch in it is damaged"))?;
                    self.batch(&batch, body..end, all)?;
                }
                _ => {}
            }
            at = end;
        }
        if self.columns.is_none() {
            return Err(file.wrong("this is not an Arrow stream: it has no schema"));
        }
        Ok(notices)
    }

    /// Pictures of this file so far.
    fn rows(&self) -> u32 {
        self.first - self.batches.first().map_or(self.first, |batch| batch.first)
    }

    /// Notes where the pictures of a batch lie, and reads its labels.
    fn batch(&mut self, batch: &RecordBatch, body: Range<u64>, all: &mut Gathered) -> Result<()> {
        let file = self.file;
        let damaged = || file.wrong("a batch in it is damaged");
        let chosen = self.columns.as_ref().ok_or_else(|| file.wrong("its schema is missing"))?;
        if batch.compression().is_some() {
            return Err(
                file.wrong("its columns are compressed; write it again as Parquet, or with compression=None")
            );
        }
        let rows = u32::try_from(batch.length()).map_err(|_| damaged())?;
        let buffers = batch.buffers().ok_or_else(damaged)?;
        let buffer = |at: usize| {
            let found = (at < buffers.len()).then(|| buffers.get(at))?;
            let start = body.start.checked_add(u64::try_from(found.offset()).ok()?)?;
            let end = start.checked_add(u64::try_from(found.length()).ok()?)?;
            (end <= body.end).then_some(start..end)
        };
        let bitmaps = |leaf: &Leaf| -> Option<Vec<Range<u64>>> {
            let whole = |bitmap: &Range<u64>| {
                bitmap.is_empty() || bitmap.end - bitmap.start >= u64::from(rows).div_ceil(8)
            };
            leaf.bitmaps.iter().map(|at| buffer(*at).filter(whole)).collect()
        };
        let Stored::Bytes(wide, _) = chosen.picture.values else { return Err(damaged()) };
        let own = *chosen.picture.bitmaps.last().ok_or_else(damaged)?;
        let place = || Some((bitmaps(&chosen.picture)?, buffer(own + 1)?, buffer(own + 2)?));
        let (there, offsets, bytes) = place().ok_or_else(damaged)?;
        if rows > 0 && offsets.end - offsets.start < (u64::from(rows) + 1) * wide as u64 {
            return Err(damaged());
        }
        let values = match &chosen.label {
            Some(label) => {
                let own = *label.bitmaps.last().ok_or_else(damaged)?;
                let bitmaps = bitmaps(label).ok_or_else(damaged)?;
                let (data, text) = (buffer(own + 1).ok_or_else(damaged)?, buffer(own + 2));
                read_values(file, label.values, rows as usize, &bitmaps, data, text)?
            }
            None => Values::Nothing,
        };
        all.add(values, rows as usize, chosen.names.clone(), chosen.notice.clone());
        if rows > 0 {
            self.batches.push(Batch {
                first: self.first,
                file: self.number,
                bitmaps: there,
                offsets,
                bytes,
                wide,
            });
        }
        self.first =
            self.first.checked_add(rows).ok_or_else(|| file.wrong("more than 4 billion pictures"))?;
        Ok(())
    }
}

/// The values of a label's column in one batch: `data` are its numbers or its offsets, `text` its words.
fn read_values(
    file: &Part,
    stored: Stored,
    rows: usize,
    bitmaps: &[Range<u64>],
    data: Range<u64>,
    text: Option<Range<u64>>,
) -> Result<Values> {
    let damaged = || file.wrong("the labels in it are damaged");
    let range = |range: &Range<u64>| file.read(range.start, (range.end - range.start) as usize);
    let maps = bitmaps.iter().filter(|bitmap| !bitmap.is_empty()).map(range).collect::<Result<Vec<_>>>()?;
    let bit = |map: &[u8], row: usize| map.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
    let there = |row: usize| maps.iter().all(|map| bit(map, row));
    let data = range(&data)?;
    let needed = match stored {
        Stored::Whole(wide, _) | Stored::Float(wide) => rows * wide,
        Stored::Truth => rows.div_ceil(8),
        Stored::Bytes(wide, _) if rows > 0 => (rows + 1) * wide,
        _ => 0,
    };
    if data.len() < needed {
        return Err(damaged());
    }
    let of = |row: usize, wide: usize| &data[row * wide..][..wide];
    Ok(match stored {
        Stored::Whole(wide, signed) => {
            let unused = 64 - 8 * wide as u32;
            let number = |row| {
                let bits = little(of(row, wide));
                if signed {
                    (bits << unused) as i64 >> unused
                } else {
                    i64::try_from(bits).unwrap_or(i64::MAX)
                }
            };
            Values::Numbers((0..rows).map(|row| there(row).then(|| number(row))).collect())
        }
        Stored::Float(wide) => {
            let number = |row| {
                let bits = little(of(row, wide));
                if wide == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
            };
            Values::Decimals((0..rows).map(|row| there(row).then(|| number(row))).collect())
        }
        Stored::Truth => Values::Truths((0..rows).map(|row| there(row).then(|| bit(&data, row))).collect()),
        Stored::Bytes(wide, _) => {
            let text = range(&text.ok_or_else(damaged)?)?;
            let word = |row: usize| {
                let (from, to) = (little(of(row, wide)), little(of(row + 1, wide)));
                let word = text.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
                Some(String::from_utf8_lossy(word).into_owned())
            };
            Values::Words((0..rows).map(|row| if there(row) { word(row) } else { None }).collect())
        }
        Stored::Other(_) => Values::Nothing,
    })
}
