//! A batch, and how a trainer takes it in: what is not all that a step needs is refused, because a step on crops of the
//! one before would train, and nobody would see it.

use super::Trainer;
use super::crops::{CropMaker, Pictures};
use super::share::Share;
use crate::error::{Error, Result};

/// What a step is made of.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The crops of all pictures.
    pub crops: Crops<'a>,
    /// The pictures' numbers in the data set, in the order of rows; for methods that remember or know something of
    /// each picture.
    pub pictures: &'a [u32],
}

/// The crops of a batch.
#[derive(Debug)]
pub enum Crops<'a> {
    /// Made elsewhere: for each resolution the view-major rows of `[size, size, 4·quads]` normalised pixels.
    Made(&'a [Vec<f32>]),
    /// For the device to make (`augment = gpu`).
    Packed {
        /// Pictures and what is done to them.
        parts: Vec<Pictures<'a>>,
        /// Crops that were made elsewhere all the same: the group, the row in its tensor, and `[size, size, 4]` pixels.
        made: Vec<(usize, usize, &'a [f32])>,
    },
}

/// Crops of pictures whose numbers are of no concern.
impl<'a> From<&'a Vec<Vec<f32>>> for Batch<'a> {
    fn from(groups: &'a Vec<Vec<f32>>) -> Self {
        Self { crops: Crops::Made(groups), pictures: &[] }
    }
}

impl Trainer {
    /// Takes in the crops of the next step: those of part `part`, where a batch goes through the trunk in parts, else of
    /// part 0, which is all.
    ///
    /// # Errors
    /// Crops that are not those of this network, or that the device should make and cannot in this run; what the driver
    /// reports.
    pub fn take(&self, batch: &Batch<'_>, part: usize) -> Result<()> {
        let Some(place) = self.share.parts().nth(part) else {
            let last = self.share.parts().count() - 1;
            let reason = format!("there is no part {part}: those of a batch are 0 to {last} here");
            return Err(Error::config("micro_batch", reason));
        };
        match &batch.crops {
            Crops::Made(groups) => self.take_made(groups, place),
            Crops::Packed { parts, made } => {
                let Some(maker) = &self.maker else {
                    let reason = "the device makes no crops in this run: it is not gpu";
                    return Err(Error::config("augment", reason));
                };
                self.check_packed(maker, parts, made)?;
                let here = |row: usize| match self.share.row(row) {
                    (of, row) if of == part => Some(row),
                    _ => None,
                };
                let wanted: Vec<Pictures<'_>> = parts.iter().map(|pictures| pictures.only(here)).collect();
                maker.make_all(&self.session, &wanted)?;
                for &(group, row, pixels) in made {
                    if let Some(row) = here(row) {
                        self.session.write_from(&self.tensors.crops[group], row * pixels.len(), pixels);
                    }
                }
                Ok(())
            }
        }
    }

    /// Uploads the rows of `size` pictures from number `first` of the batch on.
    fn take_made(&self, groups: &[Vec<f32>], (first, size): (usize, usize)) -> Result<()> {
        self.check_groups(groups)?;
        let first = first - self.share.first;
        for (tensor, data) in self.tensors.crops.iter().zip(groups) {
            if self.share.count == size {
                self.session.write(tensor, data);
                continue;
            }
            let row = tensor.shape.values() / tensor.shape.images as usize;
            for (view, rows) in data.chunks_exact(self.share.count * row).enumerate() {
                self.session.write_from(tensor, view * size * row, &rows[first * row..(first + size) * row]);
            }
        }
        Ok(())
    }

    /// Whether groups of crops are all that a step needs.
    fn check_groups(&self, groups: &[Vec<f32>]) -> Result<()> {
        let Share { count, .. } = self.share;
        let wanted: Vec<usize> = self
            .tensors
            .crops
            .iter()
            .map(|tensor| tensor.shape.values() / self.share.part() * count)
            .collect();
        let given: Vec<usize> = groups.iter().map(Vec::len).collect();
        if given == wanted {
            return Ok(());
        }
        Err(Error::config(
            "crops",
            format!("a step takes groups of {wanted:?} values here, not of {given:?}"),
        ))
    }

    /// The same of packed pictures: each row of each group must come once, and all must fit what takes them in.
    fn check_packed(
        &self,
        maker: &CropMaker,
        parts: &[Pictures<'_>],
        made: &[(usize, usize, &[f32])],
    ) -> Result<()> {
        let wrong = |reason: String| Err(Error::config("crops", reason));
        let room = maker.room();
        for pictures in parts {
            if pictures.bytes.len() as u64 > room {
                return wrong(format!(
                    "{} bytes of pictures come at once, and {room} fit here",
                    pictures.bytes.len()
                ));
            }
            if let Some((row, group)) = pictures.crop_outside() {
                return wrong(format!(
                    "row {row} of group {group} is no part of the pictures that come with it"
                ));
            }
        }
        let crops = &self.tensors.crops;
        let values =
            |group: usize| crops.get(group).map_or(0, |t| t.shape.values() / t.shape.images as usize);
        if let Some((group, row, pixels)) = made.iter().find(|(group, _, made)| made.len() != values(*group))
        {
            let (got, want) = (pixels.len(), values(*group));
            return wrong(format!("row {row} of group {group} has {got} values, and {want} are wanted"));
        }
        let views = crops.iter().map(|tensor| tensor.shape.images as usize / self.share.part());
        let mut come: Vec<Vec<u32>> = views.map(|views| vec![0; views * self.share.count]).collect();
        let packed = parts.iter().flat_map(|part| &part.crops).map(|&(group, row, _)| (group, row));
        for (group, row) in packed.chain(made.iter().map(|&(group, row, _)| (group, row))) {
            match come.get_mut(group).and_then(|rows| rows.get_mut(row)) {
                Some(times) => *times += 1,
                None => return wrong(format!("a step has no row {row} of group {group} here")),
            }
        }
        match come.iter().flatten().filter(|&&times| times != 1).count() {
            0 => Ok(()),
            some => wrong(format!("{some} of a step's crops do not come exactly once, as all of them must")),
        }
    }

    /// All crops of a group as the last step saw them, `[rows, size, size, 4]`.
    pub fn crops(&self, group: usize) -> Result<Vec<f32>> {
        self.session.read(&self.tensors.crops[group])
    }
}
