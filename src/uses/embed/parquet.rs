//! Rows as a Parquet file, as data frames read them: a row a picture, with its name, class and prototype.

use super::{Embedded, What};
use crate::data::Dataset;
use crate::error::Result;
use crate::interop::write_atomic;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Rows of a row group, which is what a writer holds in memory.
const GROUP: usize = 4096;

/// Writes `picture`, `class`, `prototype`, `cosine`, and a list of floats under the name of what they are.
/// Class, prototype and cosine are null where there are none. `names` are those of the rows.
///
/// # Errors
/// [`Error::Io`](crate::error::Error::Io) with the path.
pub fn write_parquet(
    path: &Path,
    what: What,
    found: &Embedded,
    names: &[String],
    dataset: &Dataset,
) -> Result<()> {
    write_atomic(path, |file| {
        let schema = parse_message_type(&schema(what)).map_err(other)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer =
            SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(other)?;
        for start in (0..found.rows.rows).step_by(GROUP) {
            let rows = start..(start + GROUP).min(found.rows.rows);
            let mut group = writer.next_row_group().map_err(other)?;
            write_rows(&mut group, found, names, dataset, rows).map_err(other)?;
            group.close().map_err(other)?;
        }
        writer.close().map_err(other)?;
        Ok(())
    })
}

/// The columns, in the order of [`write_rows`].
fn schema(what: What) -> String {
    format!(
        "message pictures {{
            REQUIRED BINARY picture (UTF8);
            OPTIONAL BINARY class (UTF8);
            OPTIONAL INT32 prototype;
            OPTIONAL FLOAT cosine;
            REQUIRED GROUP {} (LIST) {{ REPEATED GROUP list {{ REQUIRED FLOAT element; }} }}
        }}",
        what.name()
    )
}

fn other(error: ParquetError) -> std::io::Error {
    // A full disk is told as one.
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(inner) => *inner,
            Err(inner) => std::io::Error::other(inner),
        },
        error => std::io::Error::other(error),
    }
}

fn write_rows<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    found: &Embedded,
    names: &[String],
    dataset: &Dataset,
    rows: Range<usize>,
) -> Result<(), ParquetError> {
    let pictures = &found.pictures[rows.clone()];
    let best = found.prototypes.as_ref().map(|best| &best[rows.clone()]);
    let classes: Vec<Option<&str>> = pictures.iter().map(|&picture| dataset.class_of(picture)).collect();
    let assigned = vec![best.is_some().into(); pictures.len()];
    let mut at = 0;
    while let Some(mut column) = group.next_column()? {
        match at {
            0 => {
                let names: Vec<ByteArray> =
                    names[rows.clone()].iter().map(|name| name.as_str().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&names, None, None)?;
            }
            1 => {
                let there: Vec<i16> = classes.iter().map(|class| class.is_some().into()).collect();
                let names: Vec<ByteArray> = classes.iter().flatten().map(|&class| class.into()).collect();
                column.typed::<ByteArrayType>().write_batch(&names, Some(&there), None)?;
            }
            2 => {
                let numbers: Vec<i32> = best.into_iter().flatten().map(|&(k, _)| k as i32).collect();
                column.typed::<Int32Type>().write_batch(&numbers, Some(&assigned), None)?;
            }
            3 => {
                let cosines: Vec<f32> = best.into_iter().flatten().map(|&(_, cosine)| cosine).collect();
                column.typed::<FloatType>().write_batch(&cosines, Some(&assigned), None)?;
            }
            _ => {
                let dim = found.rows.dim;
                let values = &found.rows.data[rows.start * dim..rows.end * dim];
                // 0 begins a list, 1 goes on with it.
                let repeated: Vec<i16> = (0..values.len()).map(|i| (i % dim != 0).into()).collect();
                let there = vec![1; values.len()];
                column.typed::<FloatType>().write_batch(values, Some(&there), Some(&repeated))?;
            }
        }
        column.close()?;
        at += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Features;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;
    use parquet::record::reader::RowIter;

    #[test]
    fn rows_come_back_with_what_belongs_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let dataset = Dataset::open(None).unwrap();
        // More than a row group, and not a whole number of them.
        let count = GROUP + 5;
        let pictures: Vec<u32> = (0..count).map(|i| (i % dataset.len()) as u32).collect();
        let data = (0..3 * count).map(|i| i as f32).collect();
        let prototypes: Vec<(u32, f32)> = (0..count).map(|i| (i as u32, 0.5)).collect();
        let found = Embedded {
            pictures: pictures.clone(),
            rows: Features::new(count, 3, data).unwrap(),
            prototypes: Some(prototypes),
            ..Embedded::default()
        };
        let names: Vec<String> = pictures.iter().map(|&picture| dataset.picture_name(picture)).collect();
        let without = Embedded { prototypes: None, ..found.clone() };
        for (found, what) in [(found, What::Features), (without, What::Scores)] {
            write_parquet(&path, what, &found, &names, &dataset).unwrap();
            let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
            assert_eq!(reader.metadata().num_row_groups(), 2);
            let rows: Vec<_> = RowIter::from_file(None, &reader).unwrap().map(|row| row.unwrap()).collect();
            assert_eq!(rows.len(), count);
            let (row, picture) = (&rows[GROUP + 2], pictures[GROUP + 2]);
            assert_eq!(row.get_string(0).unwrap(), &dataset.picture_name(picture));
            let class = &dataset.classes()[dataset.label(picture).unwrap() as usize];
            assert_eq!(row.get_string(1).unwrap(), class);
            assert_eq!(row.get_int(2).ok(), found.prototypes.map(|all| all[GROUP + 2].0 as i32));
            let text = row.to_string();
            let first = 3 * (GROUP + 2);
            assert!(text.contains(&format!("[{first}.0, {}.0, {}.0]", first + 1, first + 2)), "{text}");
            assert!(text.contains(what.name()), "{text}");
        }
    }
}
