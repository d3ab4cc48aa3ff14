//! Looks at crops, pictures and prototypes: the newest, and earlier ones to look back at.

use super::{Shown, State};
use crate::engine::digest::{Digest, Map, aligned};
use std::sync::Arc;
use std::time::Instant;

/// Looks at the prototypes that are kept to look back at.
pub(super) const LOOKS: usize = 60;

impl State {
    /// Takes a look in. One that found no picture shows less than the one before: the pictures are gone.
    pub(super) fn look(&mut self, digest: Digest) {
        self.pass = None;
        let Digest { step, draw, crops, map, folded } = digest;
        if let Some(crops) = crops.filter(|crops| !crops.is_empty() || self.shown.is_none()) {
            self.looked[0] = Some(Instant::now());
            self.shown = Some(Shown { step, draw, crops });
        }
        if let Some(map) = map.filter(|map| !map.pictures.is_empty()) {
            self.looked[1] = Some(Instant::now());
            let before = self.looks.last().cloned();
            self.keep_look(
                before.map_or_else(|| Arc::clone(&map), |before| aligned(Arc::clone(&map), &before)),
            );
            self.folded = folded;
        }
    }

    /// Keeps a look; when there are too many, every other old one goes.
    fn keep_look(&mut self, map: Arc<Map>) {
        self.looks.retain(|look| look.step < map.step);
        self.looks.push(map);
        if self.looks.len() > LOOKS {
            let mut at = 0;
            self.looks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}
