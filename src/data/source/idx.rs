//! IDX files, the format of MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST), compressed or not.
//!
//! Big-endian: `0 0 8 D`, D sizes of 4 bytes, then bytes. Pictures have D = 3 (number, height, width),
//! labels D = 1. Source: the description on <http://yann.lecun.com/exdb/mnist/>.

use std::collections::BTreeSet;

use super::super::dataset::Order;
use super::arrays::{Arrays, Block, Element, Shape};
use super::part::Part;
use super::table::{Side, Table, from_numbers};
use crate::error::Result;

/// Lists the picture files among `files`, each with its labels where they stand beside it.
pub(super) fn list(files: &[Part]) -> Result<Table> {
    let plain = |file: &Part| file.file_name().trim_end_matches(".gz").to_owned();
    // Both spellings are common: `train-images-idx3-ubyte` and `train-images.idx3-ubyte`.
    let mut pictures: Vec<&Part> = files.iter().filter(|file| plain(file).contains("idx3")).collect();
    pictures.sort_by_key(|file| plain(file));
    // A set that lies there packed and unpacked counts once.
    pictures.dedup_by_key(|file| plain(file));
    let sets: BTreeSet<String> = pictures.iter().map(|file| set(&plain(file))).collect();
    if let Some(first) = sets.first().filter(|_| sets.len() > 1) {
        let reason = format!(
            "it lies beside files of other sets, {} in all, whose labels would mix; name one set by a pattern such as \
             '{first}*'",
            sets.len()
        );
        return Err(pictures[0].wrong(reason));
    }
    let (mut blocks, mut numbers, mut sides, mut held) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for file in pictures {
        let wanted = plain(file).replace("images", "labels").replace("idx3", "idx1");
        let side = Side::of(&file.file_name());
        let block = read_pictures(file.clone().unpacked(&mut held)?)?;
        match files.iter().find(|other| plain(other) == wanted) {
            Some(labels) => numbers.extend(read_labels(&labels.clone().unpacked(&mut held)?, block.count)?),
            None => numbers.resize(numbers.len() + block.count as usize, None),
        }
        sides.push((side, block.count));
        blocks.push(block);
    }
    let (classes, labels) = from_numbers(&numbers, Vec::new());
    Ok(Table { classes, labels, sides, pictures: Box::new(Arrays::new(blocks)), notices: Vec::new() })
}

/// What the names of a set's files begin with: EMNIST has six sets in one folder.
fn set(name: &str) -> String {
    let parts = ["train", "t10k", "test"].iter().find_map(|word| name.split_once(word));
    parts.map_or("", |(before, _)| before).to_owned()
}

/// The sizes that a header of `dimensions` sizes gives, once the length of the file agrees.
fn header(file: &Part, dimensions: u8) -> Result<Vec<u64>> {
    let length = 4 + 4 * u64::from(dimensions);
    let bytes = if file.length < length { Vec::new() } else { file.read(0, length as usize)? };
    if bytes.get(..4) != Some(&[0, 0, 8, dimensions]) {
        let reason = format!(
            "its header is not that of bytes in {dimensions} dimensions (IDX): the file is damaged or something else"
        );
        return Err(file.wrong(reason));
    }
    let size = |b: &[u8]| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let sizes: Vec<u64> = bytes[4..].chunks_exact(4).map(size).collect();
    let all = sizes.iter().try_fold(1u64, |all, size| all.checked_mul(*size));
    if all.and_then(|all| all.checked_add(length)) != Some(file.length) {
        let shown = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ");
        let reason = format!(
            "its header promises {shown} bytes, but {} follow: it is cut short or damaged; fetch it again",
            file.length - length
        );
        return Err(file.wrong(reason));
    }
    Ok(sizes)
}

fn read_pictures(file: Part) -> Result<Block> {
    let sizes = header(&file, 3)?;
    let [count, height, width] = [0, 1, 2].map(|i| sizes[i] as u32);
    if count == 0 || height == 0 || width == 0 {
        return Err(file.wrong("its header says that it holds no picture"));
    }
    let shape = Shape { width, height, channels: 1, order: Order::Interleaved, element: Element::U8 };
    Ok(Block { part: file, offset: 16, stride: u64::from(height) * u64::from(width), count, shape })
}

fn read_labels(file: &Part, count: u32) -> Result<Vec<Option<i64>>> {
    let sizes = header(file, 1)?;
    if sizes[0] != u64::from(count) {
        return Err(file.wrong(format!("it has {} labels for {count} pictures", sizes[0])));
    }
    Ok(file.read(8, count as usize)?.into_iter().map(|label| Some(i64::from(label))).collect())
}
