//! Which picture stands where: the order of an epoch, and what stands in for an unreadable one.
//!
//! Both depend on nothing but the seed, the epoch and the files, never on which thread looked first,
//! so that batches are the same with any number of workers and after a restart.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::dataset::Dataset;
use super::picture::Picture;
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};

/// The pictures of an epoch in the order in which batches take them.
pub(super) fn epoch_order(dataset: &Dataset, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = dataset.pretrain().to_vec();
    Stream::new(seed, Purpose::Shuffle, &[epoch]).shuffle(&mut order);
    order
}

/// Decoded pictures, kept while there is room, and the list of those that cannot be decoded.
pub(super) struct Gallery {
    dataset: Arc<Dataset>,
    /// One slot a picture. First come, first kept: every picture is used once an epoch, so no choice
    /// of what to drop is better than another.
    kept: Vec<OnceLock<Arc<Picture>>>,
    /// Bytes of room that are left.
    room: AtomicUsize,
    unreadable: Mutex<BTreeMap<u32, String>>,
}

impl Gallery {
    pub(super) fn new(dataset: Arc<Dataset>, cache_bytes: usize) -> Self {
        let kept = (0..dataset.len()).map(|_| OnceLock::new()).collect();
        Self { dataset, kept, room: AtomicUsize::new(cache_bytes), unreadable: Mutex::default() }
    }

    /// The pictures that could not be decoded so far, with the reasons.
    pub(super) fn unreadable(&self) -> Vec<(u32, String)> {
        let list = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(|(&picture, reason)| (picture, reason.clone())).collect()
    }

    /// The picture at `position` of an epoch's order, or the next readable one after it (round the
    /// end), with its number.
    pub(super) fn at(&self, order: &[u32], position: usize) -> Result<(u32, Arc<Picture>)> {
        for &picture in order[position..].iter().chain(&order[..position]) {
            if let Some(pixels) = self.get(picture)? {
                return Ok((picture, pixels));
            }
        }
        Err(self.too_many(&self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A picture, or `None` where it is unreadable, which is noted; an error once too many are.
    fn get(&self, picture: u32) -> Result<Option<Arc<Picture>>> {
        if let Some(pixels) = self.kept[picture as usize].get() {
            return Ok(Some(pixels.clone()));
        }
        if self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&picture) {
            return Ok(None);
        }
        match self.dataset.decode(picture) {
            Ok(pixels) => {
                let pixels = Arc::new(pixels);
                self.keep(picture, &pixels);
                Ok(Some(pixels))
            }
            Err(error) => {
                let mut list = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                list.insert(picture, error.to_string());
                if list.len() * 10 > self.dataset.pretrain().len() {
                    Err(self.too_many(&list))
                } else {
                    Ok(None)
                }
            }
        }
    }

    fn keep(&self, picture: u32, pixels: &Arc<Picture>) {
        let bytes = pixels.samples().len();
        let take = |room: usize| room.checked_sub(bytes);
        if self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
            && self.kept[picture as usize].set(pixels.clone()).is_err()
        {
            // Another thread decoded it at the same time and holds the room for it.
            self.room.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn too_many(&self, list: &BTreeMap<u32, String>) -> Error {
        let total = self.dataset.pretrain().len();
        let some: Vec<&str> = list.values().take(3).map(String::as_str).collect();
        let reason = format!(
            "at least {} of {total} pictures cannot be read, more than the tenth that is skipped; remove or \
             repair them. The first are: {}",
            list.len(),
            some.join("; ")
        );
        Error::Data { path: self.dataset.path().to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::{Content, Order, Pictures, Raw};
    use crate::data::decode::Values;

    /// Pictures whose number is a multiple of `.0` are unreadable.
    struct Broken(u32);

    impl Pictures for Broken {
        fn name(&self, picture: u32) -> String {
            picture.to_string()
        }

        fn read(&self, picture: u32) -> Result<Content<'_>> {
            if picture.is_multiple_of(self.0) {
                return Err(Error::Data { path: format!("{picture}.png").into(), reason: "torn".into() });
            }
            let (width, height, channels, order) = (10, 10, 3, Order::Interleaved);
            Ok(Content::Raw(Raw { values: Values::U8(vec![0; 300]), width, height, channels, order }))
        }
    }

    #[test]
    fn the_next_readable_picture_stands_in() {
        let gallery = Gallery::new(Arc::new(Dataset::of(100, Box::new(Broken(20)))), 0);
        let order: Vec<u32> = (0..100).rev().collect();
        assert_eq!(gallery.at(&order, 0).unwrap().0, 99);
        assert_eq!(gallery.at(&order, 19).unwrap().0, 79, "80 is unreadable");
        assert_eq!(gallery.at(&order, 99).unwrap().0, 99, "0 is unreadable, and the last");
        assert_eq!(gallery.at(&order, 19).unwrap().0, 79);
        let list = gallery.unreadable();
        assert_eq!(list, [(0, "0.png: torn".into()), (80, "80.png: torn".into())]);
    }

    #[test]
    fn more_than_a_tenth_is_an_error_that_names_a_few() {
        let order: Vec<u32> = (0..100).collect();
        for every in [1, 9] {
            let gallery = Gallery::new(Arc::new(Dataset::of(100, Box::new(Broken(every)))), 0);
            let error = (0..100).find_map(|i| gallery.at(&order, i).err()).unwrap().to_string();
            assert!(error.contains("11 of 100") && error.contains("0.png: torn"), "{error}");
        }
        let gallery = Gallery::new(Arc::new(Dataset::of(100, Box::new(Broken(10)))), 0);
        assert!((0..100).all(|i| gallery.at(&order, i).is_ok()), "exactly a tenth is borne");
    }

    #[test]
    fn the_cache_stops_at_its_limit() {
        let gallery = Gallery::new(Arc::new(Dataset::of(100, Box::new(Broken(101)))), 1000);
        let order: Vec<u32> = (1..100).collect();
        (0..99).for_each(|i| drop(gallery.at(&order, i).unwrap()));
        assert_eq!(gallery.kept.iter().filter(|slot| slot.get().is_some()).count(), 3);
    }
}
