//! What panes draw of a preview, worked out away from both the window and the training.

use super::unfold::{self, Folded};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use swav_wgpu::eval::projection::Projection;
use swav_wgpu::eval::{Features, cluster};
use swav_wgpu::train::Preview;
use swav_wgpu::train::preview::Crops;
use swav_wgpu::train::sample::{NEAREST, Sample};

/// Neighbours that are kept of each prototype.
const NEIGHBOURS: usize = 6;

/// A preview, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Digest {
    /// Steps that the network has done.
    pub step: u64,
    /// Which crops they are.
    pub draw: u64,
    /// The crops, where asked for.
    pub crops: Option<Arc<Vec<Crops>>>,
    /// Pictures and prototypes, where asked for.
    pub map: Option<Arc<Map>>,
    /// The features of the first of these pictures, to be unfolded on demand.
    pub folded: Option<Arc<Folded>>,
}

/// Many pictures on a plane, and the prototypes among them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Map {
    /// Steps that the network has done.
    pub step: u64,
    /// The pictures' numbers.
    pub pictures: Vec<u32>,
    /// Where they lie.
    pub points: Vec<[f32; 2]>,
    /// The best prototype of each.
    pub best: Vec<u32>,
    /// The cosine to it.
    pub cosine: Vec<f32>,
    /// How badly each predicts its own code, in nats.
    pub loss: Vec<f32>,
    /// Share of the variance along each axis.
    pub explained: [f64; 2],
    /// Every prototype, by its number.
    pub prototypes: Vec<Tile>,
    /// Whether no training stands behind it: prototypes are counted by these pictures, and there is no loss.
    #[serde(default)]
    pub still: bool,
}

/// One prototype.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tile {
    /// How many of the last crops it was the best one of.
    pub count: u32,
    /// Its share of them.
    pub share: f64,
    /// Whether an earlier prototype is nearly the same.
    pub twin: bool,
    /// The nearest pictures with their cosines, nearest first.
    pub nearest: Vec<(u32, f32)>,
    /// How many pictures of the sample have it as their best.
    pub members: u32,
    /// The most similar other prototypes with their cosines.
    pub neighbours: Vec<(u32, f32)>,
}

impl Digest {
    /// Works out what is drawn. `before` is the plane of the last one, so that points move and do not jump.
    #[must_use]
    pub fn of(preview: Preview, before: &mut Option<Projection>) -> Self {
        let Preview { request, step, crops, sample, .. } = preview;
        let crops = (!request.pictures.is_empty()).then(|| Arc::new(crops));
        let (mut map, mut folded) = (None, None);
        if let Some(sample) = sample {
            let found = Arc::new(Map::of(step, &sample, before));
            folded = Some(Arc::new(unfold::fold(Arc::clone(&found), &sample.features)));
            map = Some(found);
        }
        Self { step, draw: request.draw, crops, map, folded }
    }
}

impl Map {
    fn of(step: u64, sample: &Sample, before: &mut Option<Projection>) -> Self {
        let plane = Projection::fit(&sample.features, before.as_ref());
        let points = plane.apply(&sample.features);
        let explained = plane.explained;
        *before = Some(plane);
        Self {
            step,
            points,
            explained,
            pictures: sample.pictures.clone(),
            best: sample.best.clone(),
            cosine: sample.cosine.clone(),
            loss: sample.loss.clone(),
            prototypes: tiles(sample),
            still: false,
        }
    }

    /// Pictures as a network sees them that is not trained any more: `best` has the prototype (or cluster) of each and
    /// the cosine to it. A prototype's nearest pictures are those that it is the best one of.
    #[must_use]
    pub fn still(pictures: &[u32], features: &Features, best: &[(u32, f32)], prototypes: &Features) -> Self {
        let mut nearest = vec![Vec::new(); prototypes.rows];
        for (&picture, &(prototype, cosine)) in pictures.iter().zip(best) {
            nearest[prototype as usize].push((picture, cosine));
        }
        let counts = nearest.iter().map(|list: &Vec<(u32, f32)>| list.len() as u32).collect();
        for list in &mut nearest {
            list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            list.truncate(NEAREST);
        }
        let sample = Sample {
            pictures: pictures.to_vec(),
            features: features.clone(),
            best: best.iter().map(|&(prototype, _)| prototype).collect(),
            cosine: best.iter().map(|&(_, cosine)| cosine).collect(),
            loss: vec![0.0; pictures.len()],
            nearest,
            prototypes: prototypes.clone(),
            counts,
        };
        Self { still: true, ..Self::of(0, &sample, &mut None) }
    }
}

/// A look turned to lie as an earlier one does: a plane that was found anew, as after a run was opened again, may be
/// the mirror of the one before, and points should move and not jump.
#[must_use]
pub fn aligned(map: Arc<Map>, before: &Map) -> Arc<Map> {
    let earlier: HashMap<u32, [f32; 2]> =
        before.pictures.iter().copied().zip(before.points.iter().copied()).collect();
    let mut along = [0.0f64; 2];
    for (picture, point) in map.pictures.iter().zip(&map.points) {
        if let Some(was) = earlier.get(picture) {
            along = [0, 1].map(|axis| along[axis] + f64::from(point[axis]) * f64::from(was[axis]));
        }
    }
    if along.iter().all(|sum| *sum >= 0.0) {
        return map;
    }
    let sign = along.map(|sum| if sum < 0.0 { -1.0 } else { 1.0 });
    let points = map.points.iter().map(|point| [point[0] * sign[0], point[1] * sign[1]]).collect();
    Arc::new(Map { points, ..(*map).clone() })
}

fn tiles(sample: &Sample) -> Vec<Tile> {
    let twins = cluster::twins(&sample.prototypes);
    let total: u32 = sample.counts.iter().sum();
    let mut members = vec![0; sample.counts.len()];
    for &prototype in &sample.best {
        members[prototype as usize] += 1;
    }
    let neighbours = neighbours(sample);
    let one = |(k, neighbours): (usize, Vec<(u32, f32)>)| Tile {
        count: sample.counts[k],
        share: f64::from(sample.counts[k]) / f64::from(total.max(1)),
        twin: twins[k],
        nearest: sample.nearest[k].clone(),
        members: members[k],
        neighbours,
    };
    neighbours.into_iter().enumerate().map(one).collect()
}

/// The most similar other prototypes of each.
fn neighbours(sample: &Sample) -> Vec<Vec<(u32, f32)>> {
    let prototypes = &sample.prototypes;
    let length = |k: usize| prototypes.row(k).iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    let lengths: Vec<f32> = (0..prototypes.rows).map(length).collect();
    let of = |k: usize| {
        let cosine = |other: usize| {
            let dot: f32 = prototypes.row(k).iter().zip(prototypes.row(other)).map(|(a, b)| a * b).sum();
            if other == k { f32::MIN } else { dot / (lengths[k] * lengths[other]) }
        };
        let row: Vec<f32> = (0..prototypes.rows).map(cosine).collect();
        top(&row, NEIGHBOURS.min(prototypes.rows.saturating_sub(1)))
    };
    (0..prototypes.rows).map(of).collect()
}

/// The largest `n` values and where they are, the largest first.
pub fn top(values: &[f32], n: usize) -> Vec<(u32, f32)> {
    let mut order: Vec<(u32, f32)> = values.iter().enumerate().map(|(i, &value)| (i as u32, value)).collect();
    let n = n.min(order.len());
    if n == 0 {
        return Vec::new();
    }
    order.select_nth_unstable_by(n - 1, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order.truncate(n);
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use swav_wgpu::train::PreviewRequest;

    #[test]
    fn prototypes_get_their_pictures_twins_and_shares() {
        let sample = Sample {
            pictures: vec![10, 20, 30],
            features: Features::new(3, 2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap(),
            best: vec![0, 1, 0],
            cosine: vec![0.9, 0.7, 0.6],
            loss: vec![0.1, 0.2, 0.3],
            nearest: vec![vec![(10, 0.9), (30, 0.6), (20, 0.2)], vec![(20, 0.7)], vec![(10, 0.8)], vec![]],
            prototypes: Features::new(4, 2, vec![1.0, 0.0, 0.0, 1.0, 2.0, 0.001, -1.0, -1.0]).unwrap(),
            counts: vec![6, 2, 0, 0],
        };
        let preview = Preview {
            request: PreviewRequest { sample: 3, ..PreviewRequest::default() },
            step: 5,
            crops: Vec::new(),
            sample: Some(sample),
            seconds: 0.1,
        };
        let digest = Digest::of(preview, &mut None);
        assert!(digest.crops.is_none());
        assert_eq!(digest.folded.unwrap().features.rows, 3);
        let map = digest.map.unwrap();
        assert_eq!((map.step, &map.best[..], map.points.len()), (5, &[0, 1, 0][..], 3));
        let [a, b, c, d] = &map.prototypes[..] else { panic!("four prototypes") };
        assert_eq!((a.count, a.share, a.twin, a.members), (6, 0.75, false, 2));
        assert_eq!(a.nearest, [(10, 0.9), (30, 0.6), (20, 0.2)]);
        assert_eq!((b.members, c.twin, d.twin), (1, true, false));
        assert_eq!((a.neighbours[0].0, c.neighbours[0].0, d.neighbours.len()), (2, 0, 3));
    }

    #[test]
    fn pictures_at_rest_lie_with_the_prototype_that_is_their_best() {
        let features = Features::new(3, 2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0]).unwrap();
        let prototypes = Features::new(3, 2, vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0]).unwrap();
        let map = Map::still(&[4, 6, 9], &features, &[(0, 0.7), (0, 0.9), (1, 0.5)], &prototypes);
        assert!(map.still && map.best == [0, 0, 1] && map.points.len() == 3);
        let [a, b, c] = &map.prototypes[..] else { panic!("three prototypes") };
        assert_eq!(a.nearest, [(6, 0.9), (4, 0.7)]);
        assert_eq!([a.count, b.count, c.count], [2, 1, 0]);
        assert!(c.nearest.is_empty() && c.members == 0);
    }

    #[test]
    fn a_plane_that_was_found_anew_is_not_mirrored() {
        let before = crate::samples::map(1, 60, 12);
        let turned = before.points.iter().map(|[x, y]| [-x, *y]).collect();
        let after = Arc::new(Map { step: 2, points: turned, ..before.clone() });
        let found = aligned(Arc::clone(&after), &before);
        assert_eq!((found.step, &found.points), (2, &before.points));
        // Of other pictures nothing is known, and what lies well stays.
        assert!(Arc::ptr_eq(&aligned(Arc::clone(&after), &Map::default()), &after));
        assert!(Arc::ptr_eq(&aligned(Arc::clone(&after), &after), &after));
    }

    #[test]
    fn the_largest_come_first_and_ties_in_order() {
        assert_eq!(top(&[1.0, 3.0, 3.0, f32::NEG_INFINITY], 3), [(1, 3.0), (2, 3.0), (0, 1.0)]);
        assert!(top(&[], 3).is_empty() && top(&[1.0], 0).is_empty());
    }
}
