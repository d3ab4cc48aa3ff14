//! Where ranks meet within a pass of the trunk: batch norms whose statistics are those of several ranks (`sync_bn`).
//!
//! A plan stops at each of them with the sums of this rank. What is put in their place are the sums over its group, added in
//! `f64` and in the order of ranks, so that every rank of a group goes on with the statistics of all their pictures.

use crate::error::Result;
use crate::gpu::{Session, Stop};
use crate::ops::batch_norm::Sums;
use crate::ranks::Exchange;

/// Puts the sums of a group of `group` consecutive ranks in place of those of this one.
///
/// # Errors
/// A rank that is gone; what the driver reports.
pub(super) fn meet(session: &Session, ranks: &dyn Exchange, group: usize, stop: &Stop) -> Result<()> {
    let own = session.read(&stop.tensor)?;
    let all: Vec<f32> = bytemuck::pod_collect_to_vec(&ranks.gather(bytemuck::cast_slice(&own))?);
    let first = ranks.rank() / group * group;
    let of_group: Vec<&[f32]> = all.chunks_exact(own.len()).skip(first).take(group).collect();
    session.write(&stop.tensor, &added(&own, &of_group, Sums::of_note(stop.note)));
    Ok(())
}

/// The sums of several ranks, `[3, C]` each, as this one, which has `own`, would have them of all rows.
fn added(own: &[f32], all: &[&[f32]], sums: Sums) -> Vec<f32> {
    let channels = own.len() / 3;
    let mut found = own.to_vec();
    for channel in 0..channels {
        let row = |of: &[f32], row: usize| f64::from(of[row * channels + channel]);
        let (mut sum, mut other) = (0.0, 0.0);
        for of in all {
            // The sums of a rank are around its own first row: as if they had been taken around that of this one.
            let (rows, shift) = match sums {
                Sums::Shifted(rows) => (f64::from(rows), row(of, 2) - row(own, 2)),
                Sums::Plain => (0.0, 0.0),
            };
            sum += row(of, 0) + rows * shift;
            other += row(of, 1) + 2.0 * shift * row(of, 0) + rows * shift * shift;
        }
        (found[channel], found[channels + channel]) = (sum as f32, other as f32);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_around_other_origins_are_added() {
        let values = [[1.0f32, 4.0, 2.0], [7.0, 5.0, 6.0]];
        let sums = |values: &[f32], origin: f32| {
            let of = |power: i32| values.iter().map(|value| (value - origin).powi(power)).sum::<f32>();
            vec![of(1), of(2), origin]
        };
        let each: Vec<Vec<f32>> = values.iter().map(|values| sums(values, values[0])).collect();
        let all: Vec<&[f32]> = each.iter().map(Vec::as_slice).collect();
        for own in &each {
            assert_eq!(added(own, &all, Sums::Shifted(3)), sums(values.as_flattened(), own[2]));
        }
        let plain = added(&each[0], &all, Sums::Plain);
        assert_eq!(plain[..2], [each[0][0] + each[1][0], each[0][1] + each[1][1]]);
    }
}
