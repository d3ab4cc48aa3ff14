//! Batches of archives: the same with any number of workers and after a restart.

use std::sync::Arc;

use super::*;
use crate::data::{Augment, Batch, CropGroup, Loader, LoaderSpec};

fn batches(dataset: &Arc<Dataset>, workers: usize, from: u64, count: usize) -> Vec<Batch> {
    let crops = vec![CropGroup { count: 2, size: 8, scale: [0.2, 1.0] }];
    let spec = LoaderSpec {
        seed: 31,
        batch: 4,
        share: None,
        augment: Augment { crops, ..Augment::default() },
        workers,
        prefetch: 3,
        cache_bytes: 1 << 11,
        few: None,
        start_epoch: 0,
        start_batch: from,
        pack: None,
    };
    let mut loader = Loader::new(dataset.clone(), spec).unwrap();
    (0..count).map(|_| loader.next().unwrap()).collect()
}

#[test]
fn archives_give_the_same_batches_with_any_number_of_workers_and_after_a_restart() {
    let parquet = (0..4).map(|i| (format!("p/{i}.parquet"), fixture("plain.parquet").1)).collect();
    for (files, path) in [(shards(), "s"), (parquet, "p")] {
        let (_folder, dataset) = opened(&files, path);
        let dataset = Arc::new(dataset.unwrap());
        let all = batches(&dataset, 1, 0, 12);
        for workers in [2, 8] {
            assert!(all == batches(&dataset, workers, 0, 12), "{path}: {workers} workers");
        }
        assert!(all[7..] == batches(&dataset, 2, 7, 5), "{path}: resumed in mid-epoch");
    }
}
