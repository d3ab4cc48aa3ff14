//! The queue as a ring for each assignment crop: the newest batch lies at the cursor.

use super::Tensor64;

/// `queue` `[A · L, D]` after the embeddings `z` `[V · B, D]` of the crops in `assign` were put at `cursor`;
/// rows past the end of a ring go to its beginning.
pub fn push(queue: &Tensor64, z: &Tensor64, batch: usize, assign: &[usize], cursor: usize) -> Tensor64 {
    let (length, dim) = (queue.shape[0] / assign.len(), queue.shape[1]);
    let mut after = queue.clone();
    for (ring, crop) in assign.iter().enumerate() {
        for row in 0..batch {
            let to = ring * length + (cursor + row) % length;
            let newest = z.slice(crop * batch + row, crop * batch + row + 1);
            after.data[to * dim..(to + 1) * dim].copy_from_slice(&newest.data);
        }
    }
    after
}
