//! A run of bytes with a name: a file, a part of one, or something that was unpacked into memory.
//!
//! Archives of every kind come down to such parts, so that a member of a tar is read like a file of a
//! folder: by its number, by any thread, in any order. A file is opened anew for every read: a shared
//! position would need a lock, and opening costs a few µs beside the decoding.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::decode::is_pointer;
use super::packing::Packing;
use crate::error::{Error, Result};

/// The most that archives may unpack to in memory: CIFAR is a twelfth of it.
const UNPACKED: u64 = 2 << 30;

/// What git-lfs leaves in place of a file is shorter, in bytes, by its specification.
const LONGEST_POINTER: u64 = 1024;

/// A named run of bytes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The path below the data set's folder, for messages and for what the name says of its contents.
    pub(super) name: String,
    /// Bytes.
    pub(super) length: u64,
    store: Store,
    offset: u64,
}

#[derive(Clone)]
enum Store {
    File(Arc<Path>),
    Memory(Arc<[u8]>),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Memory(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// What archives are read from.
pub(super) trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

impl Part {
    /// A whole file; its name is the path below `root`.
    pub(super) fn file(path: &Path, root: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(Error::io(path))?.len();
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        let part = Self { name, length, store: Store::File(path.into()), offset: 0 };
        if length < LONGEST_POINTER && is_pointer(&part.read(0, length as usize)?) {
            let reason = "git-lfs has not fetched this file; run `git lfs pull` in its folder".to_owned();
            return Err(Error::Data { path: path.to_owned(), reason });
        }
        Ok(part)
    }

    /// Bytes in memory.
    pub(super) fn memory(name: String, bytes: Vec<u8>) -> Self {
        Self { name, length: bytes.len() as u64, store: Store::Memory(bytes.into()), offset: 0 }
    }

    /// A part of this one, or `None` where it would reach beyond the end.
    pub(super) fn slice(&self, name: String, offset: u64, length: u64) -> Option<Self> {
        let end = offset.checked_add(length)?;
        let inside = end <= self.length;
        inside.then(|| Self { name, length, store: self.store.clone(), offset: self.offset + offset })
    }

    /// An error about this part.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Data { path: PathBuf::from(&self.name), reason: reason.into() }
    }

    /// The file name in lower case, without folders.
    pub(super) fn file_name(&self) -> String {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or(&self.name);
        name.to_lowercase()
    }

    /// Reads `length` bytes from `offset` on.
    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let ends = offset.checked_add(length as u64).is_none_or(|end| end > self.length);
        if ends {
            return Err(self.wrong(format!("it ends before byte {}", offset.saturating_add(length as u64))));
        }
        let from = self.offset + offset;
        match &self.store {
            // Within the bounds of the slice that this part is.
            Store::Memory(bytes) => Ok(bytes[from as usize..from as usize + length].to_vec()),
            Store::File(path) => {
                let mut bytes = vec![0; length];
                let mut file = File::open(path).map_err(Error::io(&**path))?;
                file.seek(SeekFrom::Start(from)).map_err(Error::io(&**path))?;
                file.read_exact(&mut bytes).map_err(Error::io(&**path))?;
                Ok(bytes)
            }
        }
    }

    /// All of its bytes, where they are at most `most`.
    pub(super) fn bytes(&self, most: u64) -> Result<Vec<u8>> {
        if self.length > most {
            let (length, most) = (self.length >> 20, most >> 20);
            return Err(self.wrong(format!("{length} MiB, more than the {most} MiB that are read at once")));
        }
        self.read(0, self.length as usize)
    }

    /// A reader of all of its bytes.
    pub(super) fn reader(&self) -> Result<Box<dyn Source>> {
        Ok(match &self.store {
            Store::Memory(bytes) => {
                let (start, end) = (self.offset as usize, (self.offset + self.length) as usize);
                Box::new(Window {
                    inner: Cursor::new(bytes.clone()),
                    start: start as u64,
                    end: end as u64,
                    at: 0,
                })
            }
            Store::File(path) => {
                let inner = File::open(path).map_err(Error::io(&**path))?;
                Box::new(Window { inner, start: self.offset, end: self.offset + self.length, at: 0 })
            }
        })
    }

    /// What a compressed part holds, in memory; anything else as it is. `held` counts the bytes that a set has
    /// unpacked.
    pub(super) fn unpacked(self, held: &mut u64) -> Result<Self> {
        let Some(packing) = Packing::of(&self) else { return Ok(self) };
        let bytes = self.unpack(packing.reader(&self)?, held)?;
        Ok(Self::memory(Packing::plain_name(&self.name), bytes))
    }

    /// Everything that `packed` gives, where it and the `held` bytes of others are not more than may be
    /// unpacked; counts it.
    pub(super) fn unpack(&self, packed: impl Read, held: &mut u64) -> Result<Vec<u8>> {
        let (mut bytes, room) = (Vec::new(), UNPACKED.saturating_sub(*held));
        let read = packed.take(room + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.wrong(format!("the compressed data is damaged or cut short: {error}")))?;
        if bytes.len() as u64 > room {
            let reason = "with this file, the set unpacks to more than the 2 GiB that are kept in memory; unpack it on \
                          the disk and name the folder";
            return Err(self.wrong(reason));
        }
        *held += bytes.len() as u64;
        Ok(bytes)
    }
}

/// A part of something that can be read, as if it were all.
struct Window<R> {
    inner: R,
    start: u64,
    end: u64,
    at: u64,
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = (self.end - self.start).saturating_sub(self.at);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        self.inner.seek(SeekFrom::Start(self.start + self.at))?;
        let read = self.inner.read(&mut buffer[..wanted])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => (self.end - self.start).checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "a seek beyond the start")
        })?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::io::Write;

    #[test]
    fn slices_are_read_like_files_and_never_beyond_their_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.bin"), b"0123456789").unwrap();
        let file = Part::file(&folder.path().join("a.bin"), folder.path()).unwrap();
        for whole in [file, Part::memory("a.bin".into(), b"0123456789".to_vec())] {
            assert_eq!((&*whole.name, whole.length), ("a.bin", 10));
            let part = whole.slice("b".into(), 2, 5).unwrap();
            assert_eq!(part.read(1, 3).unwrap(), b"345");
            assert_eq!(part.bytes(5).unwrap(), b"23456");
            assert!(part.bytes(4).is_err() && part.read(3, 3).is_err() && part.read(u64::MAX, 1).is_err());
            assert!(
                whole.slice("c".into(), 9, 2).is_none() && whole.slice("c".into(), u64::MAX, 2).is_none()
            );
            let (mut reader, mut text) = (part.reader().unwrap(), String::new());
            reader.seek(SeekFrom::End(-2)).unwrap();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "56");
            assert!(reader.seek(SeekFrom::Current(-9)).is_err());
            assert_eq!(reader.seek(SeekFrom::Start(99)).unwrap(), 99);
            assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
        }
    }

    #[test]
    fn xz_bzip2_and_zstd_are_unpacked() {
        let plain = b"the same bytes".repeat(400);
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&plain).unwrap();
        let zstd = zstd::stream::encode_all(&plain[..], 3).unwrap();
        // As `xz` writes it; our library only reads.
        let xz = include_bytes!("../../../tests/fixtures/plain.xz").to_vec();
        for (name, packed) in [("a.tbz2", bzip2.finish().unwrap()), ("a.tar.zst", zstd), ("a.tar.xz", xz)] {
            let part = Part::memory(name.into(), packed.clone()).unpacked(&mut 0).unwrap();
            assert_eq!((&*part.name, part.bytes(1 << 20).unwrap()), ("a.tar", plain.clone()), "{name}");
            let short = Part::memory(name.into(), packed[..packed.len() / 2].to_vec()).unpacked(&mut 0);
            assert!(short.unwrap_err().to_string().contains("cut short"), "{name}");
        }
    }

    #[test]
    fn what_git_lfs_has_not_fetched_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pictures.csv");
        std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
            .unwrap();
        let error = Part::file(&path, folder.path()).unwrap_err().to_string();
        assert!(error.contains("pictures.csv") && error.contains("git lfs pull"), "{error}");
        let error = crate::data::Dataset::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("git lfs pull"), "{error}");
        std::fs::write(&path, "version,path\n").unwrap();
        assert!(Part::file(&path, folder.path()).is_ok());
    }

    #[test]
    fn gzip_is_unpacked_and_nothing_else() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[7; 5000]).unwrap();
        let packed = packed.finish().unwrap();
        let part = Part::memory("x/a.gz".into(), packed.clone()).unpacked(&mut 0).unwrap();
        assert_eq!((&*part.name, part.length), ("x/a", 5000));
        assert_eq!(Part::memory("a.tgz".into(), packed.clone()).unpacked(&mut 0).unwrap().name, "a.tar");
        let short = Part::memory("a.gz".into(), packed[..packed.len() - 9].to_vec());
        assert!(short.unpacked(&mut 0).unwrap_err().to_string().contains("cut short"));
        assert_eq!(Part::memory("a.gz".into(), b"plain".to_vec()).unpacked(&mut 0).unwrap().name, "a.gz");
        // Not a byte more than there is room for.
        let part = Part::memory("bomb.gz".into(), packed.clone());
        let error =
            part.unpack(MultiGzDecoder::new(&packed[..]), &mut (UNPACKED - 100)).unwrap_err().to_string();
        assert!(error.contains("bomb.gz") && error.contains("unpack it on the disk"), "{error}");
    }
}
