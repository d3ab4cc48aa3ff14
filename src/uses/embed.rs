//! Features, embeddings or prototype scores of a set of pictures, and files that hold them.

mod parquet;

pub use parquet::write_parquet;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::interop::{HostTensor, safetensors, write_atomic};
use crate::pass::{self, Watch};
use crate::trained::Model;
use crate::trained::views::{LOOKING, look};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is asked of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Features of the trunk, as the run takes them.
    Features,
    /// Embeddings of unit length, which need a projection head.
    Embeddings,
    /// Dot products with the prototypes, which need prototypes.
    Scores,
}

impl What {
    /// All.
    pub const ALL: [Self; 3] = [Self::Features, Self::Embeddings, Self::Scores];

    /// Its name as a flag's value, and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::Embeddings => "embeddings",
            Self::Scores => "scores",
        }
    }
}

/// What a network says of the pictures that could be read, a row each.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// The numbers of the pictures, ascending.
    pub pictures: Vec<u32>,
    /// The rows that were asked for.
    pub rows: Features,
    /// The best prototype and the cosine to it, where there are prototypes.
    pub prototypes: Option<Vec<(u32, f32)>>,
    /// Pictures that could not be read, with the reasons.
    pub unreadable: BTreeMap<u32, String>,
    /// How the network looked at them, in words: rows that came of another look are not to be compared with these.
    pub look: String,
}

/// Looks at all pictures of a set, or at the first `limit`, as a pass.
///
/// # Errors
/// [`Error::Config`] where the network has no head or prototypes but they are asked for; what the driver
/// reports; [`Error::Stopped`] where the pass is.
pub fn embed(
    model: &Model,
    dataset: &Dataset,
    what: What,
    limit: usize,
    watch: &mut Watch<'_>,
) -> Result<Embedded> {
    let all: Vec<u32> = (0..dataset.len().min(limit) as u32).collect();
    let mut found = Embedded::default();
    let (mut data, mut dim, mut at) = (Vec::new(), 0, 0);
    let mut best = Vec::new();
    let mut unreadable = BTreeMap::new();
    let then = |views: &[f32], readable: &[bool]| {
        let seen = model.look(views, readable.len())?;
        let assigned = model.assign(&seen);
        let rows = match what {
            What::Features => Some(&seen.features),
            What::Embeddings => seen.embeddings.as_ref(),
            What::Scores => seen.similarities.as_ref(),
        };
        let Some(rows) = rows else {
            let reason = format!("this network has none ({}); ask for its features", model.describe());
            return Err(Error::config("what", format!("{}: {reason}", what.name())));
        };
        dim = rows.dim;
        for (row, _) in readable.iter().enumerate().filter(|(_, ok)| **ok) {
            data.extend_from_slice(rows.row(row));
            found.pictures.push(all[at + row]);
            best.extend(assigned.as_ref().map(|assigned| assigned[row]));
        }
        at += readable.len();
        Ok(())
    };
    pass::run(LOOKING, all.len(), watch, |pass| {
        look(dataset, model.viewing(), &all, &mut unreadable, pass, then)
    })?;
    found.rows = Features::new(found.pictures.len(), dim, data)?;
    found.prototypes = (model.prototype_count() > 0).then_some(best);
    found.unreadable = unreadable;
    found.look = model.viewing().to_string();
    Ok(found)
}

/// The files that [`write()`] makes of one name: an array has no room for names, so a list stands beside it.
///
/// # Errors
/// [`Error::Config`] for `out` where the ending is none of `.npy`, `.parquet` and `.safetensors`.
pub fn files(out: &Path) -> Result<Vec<PathBuf>> {
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "npy" => Ok(vec![out.to_owned(), out.with_extension("csv")]),
        "parquet" | "safetensors" => Ok(vec![out.to_owned()]),
        _ => {
            let reason = format!("{} must end in .npy, .parquet or .safetensors", out.display());
            Err(Error::config("out", reason))
        }
    }
}

/// Writes what a network says of the pictures of `dataset`, as the ending of `out` says.
///
/// # Errors
/// As of [`files`]; [`Error::Io`] with the path.
pub fn write(out: &Path, what: What, found: &Embedded, dataset: &Dataset) -> Result<()> {
    let Embedded { pictures, rows, prototypes, look, .. } = found;
    let names: Vec<String> = pictures.iter().map(|&picture| dataset.picture_name(picture)).collect();
    let paths = files(out)?;
    if let Some(list) = paths.get(1) {
        write_npy(out, rows)?;
        let mut lines = "row,picture,class,prototype,cosine\n".to_owned();
        for (row, (name, &picture)) in names.iter().zip(pictures).enumerate() {
            let class = dataset.class_of(picture).unwrap_or_default();
            let best = prototypes
                .as_ref()
                .map_or_else(|| ",".to_owned(), |best| format!("{},{:.4}", best[row].0, best[row].1));
            lines += &format!("{row},{},{},{best}\n", csv(name), csv(class));
        }
        write_atomic(list, |file| file.write_all(lines.as_bytes()))
    } else if out.extension().is_some_and(|ending| ending == "parquet") {
        write_parquet(out, what, found, &names, dataset)
    } else {
        write_safetensors(out, what, rows, &names, look)
    }
}

/// Writes rows as NumPy's `.npy`, version 1.0: little-endian `f32`, row-major.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_npy(path: &Path, rows: &Features) -> Result<()> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows.rows, rows.dim);
    // Magic, version and length take 10 bytes, and the values begin at a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header += &" ".repeat(length - header.len() - 1);
    header.push('\n');
    write_atomic(path, |file| {
        file.write_all(b"\x93NUMPY\x01\x00")?;
        file.write_all(&(length as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        rows.data.chunks(1 << 14).try_for_each(|chunk| {
            file.write_all(&chunk.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        })
    })
}

/// The metadata key of the names of the rows, a JSON list.
const NAMES: &str = "names";
/// That of how the network looked at the pictures.
const LOOK: &str = "look";

/// Features that were written for later searches.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// A row a picture.
    pub rows: Features,
    /// The pictures' names.
    pub names: Vec<String>,
    /// How the network looked at them; of files of before, nobody knows.
    pub look: Option<String>,
}

/// Writes rows as safetensors under the name of what they are, with the pictures' names and how the network looked at them
/// in the metadata.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_safetensors(
    path: &Path,
    what: What,
    rows: &Features,
    names: &[String],
    look: &str,
) -> Result<()> {
    let tensor = HostTensor::new([rows.rows, rows.dim], rows.data.clone());
    let names = serde_json::Value::from(names).to_string();
    let words = [(NAMES, names), ("what", what.name().to_owned()), (LOOK, look.to_owned())];
    let metadata = words.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
    safetensors::write(path, &BTreeMap::from([(what.name().to_owned(), tensor)]), &metadata)
}

/// Reads the features that [`write_safetensors`] wrote, with the pictures' names.
///
/// # Errors
/// [`Error::Checkpoint`] for a file of something else, or whose names do not match its rows.
pub fn read_index(path: &Path) -> Result<Index> {
    let wrong = |reason: String| Error::Checkpoint { path: path.to_owned(), reason };
    let mut contents = safetensors::read(path)?;
    let Some(tensor) = contents.tensors.remove(What::Features.name()).filter(|t| t.shape.len() == 2) else {
        return Err(wrong("no index: it holds no `features`; make one with `swav-wgpu embed --out`".into()));
    };
    let names = contents.metadata.get(NAMES).and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
    let names = names.unwrap_or_default();
    if names.len() != tensor.shape[0] {
        return Err(wrong(format!("it names {} pictures but holds {} rows", names.len(), tensor.shape[0])));
    }
    let rows = Features::new(tensor.shape[0], tensor.shape[1], tensor.data)?;
    Ok(Index { rows, names, look: contents.metadata.remove(LOOK) })
}

/// A field of a CSV file, quoted where it must be.
#[must_use]
pub fn csv(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npy_is_as_numpy_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        write_npy(&path, &Features::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, -6.0]).unwrap()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let values = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00") && values.is_multiple_of(64));
        assert_eq!(bytes[values - 1], b'\n');
        assert!(
            String::from_utf8_lossy(&bytes[..values])
                .contains("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
        );
        assert_eq!(bytes.len(), values + 24);
        assert_eq!(bytes[bytes.len() - 4..], (-6.0f32).to_le_bytes());
    }

    #[test]
    fn an_index_comes_back_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let (rows, names) =
            (Features::new(2, 1, vec![1.0, 2.0]).unwrap(), vec!["a,\"b\".png".to_owned(), "ü".to_owned()]);
        write_safetensors(&path, What::Features, &rows, &names, "so").unwrap();
        let look = Some("so".to_owned());
        assert_eq!(read_index(&path).unwrap(), Index { rows: rows.clone(), names, look });
        write_safetensors(&path, What::Features, &rows, &["one".to_owned()], "so").unwrap();
        assert!(read_index(&path).unwrap_err().to_string().contains("1 pictures but holds 2 rows"));
        write_safetensors(&path, What::Scores, &rows, &[], "so").unwrap();
        assert!(read_index(&path).unwrap_err().to_string().contains("no index"));
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
