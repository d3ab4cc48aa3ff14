//! Looking into a run between two steps: makes what an answer to an event asked for.
//!
//! Nothing here runs unless the answer to an event asks for it ([`super::Flow::Preview`]), so a run that
//! nobody watches pays nothing, and how often is the asker's choice. A preview reads the network in
//! evaluation mode and changes no bit of what is trained.

use super::events::Event;
use super::preview::{Crops, Likeness, Preview, PreviewRequest, View};
use super::run::Engine;
use super::sample::{BALANCED, Gathered, Sample, read};
use super::setup::Setup;
use crate::data::configured;
use crate::data::spread::some_of;
use crate::data::{Augment, Showcase, View as Cropped, render};
use crate::error::{Error, Result};
use crate::eval::{Features, codes, kmeans};
use crate::pass;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;
use std::time::Instant;

impl Engine<'_> {
    /// Does what the answers to events asked for, as long as they ask.
    pub(super) fn serve(&mut self) -> Result<()> {
        loop {
            if std::mem::take(&mut self.caller.asked.checkpoint) {
                self.settle()?;
            } else if let Some(request) = self.caller.asked.preview.take() {
                match self.preview(request) {
                    Ok(preview) => self.emit(Event::Preview(Box::new(preview))),
                    // Whoever stops a run does not wait for what a pane would show of it.
                    Err(Error::Stopped) => return Ok(()),
                    Err(error) => return Err(error),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn preview(&mut self, request: PreviewRequest) -> Result<Preview> {
        let start = Instant::now();
        let sample = if request.sample > 0 { Some(self.sample(request.sample)?) } else { None };
        let crops = self.crops(&request)?;
        Ok(Preview { request, step: self.submitted, crops, sample, seconds: start.elapsed().as_secs_f64() })
    }

    /// Plain views of at most `most` pictures, and what the network makes of them.
    fn sample(&mut self, most: usize) -> Result<Sample> {
        let config = &self.config;
        let Setup { judge, trainer, dataset, state, .. } = &mut self.setup;
        let caller = &mut self.caller;
        let mut wanted = some_of(dataset.pretrain(), most);
        Stream::new(config.seed, Purpose::Evaluation, &[]).shuffle(&mut wanted);
        let prototypes = trainer.prototypes()?;
        let (mut features, mut dim) = (Vec::new(), 0);
        let clusters = prototypes.as_ref().map_or(config.prototypes, |prototypes| prototypes.rows);
        let mut gathered = Gathered::new(clusters, config.epsilon, config.sinkhorn_iterations);
        let mut seen = Vec::new();
        let mut asked = wanted.iter();
        judge.look(&wanted, &mut |progress| caller.watch(progress), |views, readable| {
            let found = trainer.features_and_cosines(views, readable.len(), prototypes.as_ref())?;
            dim = found.0.dim;
            for (row, picture) in read(&mut asked, readable) {
                features.extend_from_slice(found.0.row(row));
                seen.push(picture);
                if let Some(cosines) = &found.1 {
                    gathered.add(picture, cosines.row(row));
                }
            }
            gathered.sort_in(config.temperature, false)
        })?;
        let features = Features::new(seen.len(), dim, features)?;
        let prototypes = match prototypes {
            Some(prototypes) => prototypes,
            None => {
                let watch = &mut |progress: &_| caller.watch(progress);
                let found = pass::run(kmeans::FINDING, 0, watch, |pass| {
                    kmeans::clusters(&features, clusters, config.seed, pass)
                })?;
                let unit = features.unit(None);
                gathered.nearest.truncate(found.centres.rows);
                for (row, &picture) in seen.iter().enumerate() {
                    gathered.add(picture, &found.cosines(unit.row(row)));
                    gathered.sort_in(config.temperature, false)?;
                }
                found.centres
            }
        };
        gathered.sort_in(config.temperature, true)?;
        let Gathered { pictures, best, cosine, loss, nearest, .. } = gathered;
        let mut counts = state.occupancy.counts().to_vec();
        if counts.len() != prototypes.rows {
            counts = vec![0; prototypes.rows];
            best.iter().for_each(|&cluster| counts[cluster as usize] += 1);
        }
        Ok(Sample { pictures, features, best, cosine, loss, nearest, prototypes, counts })
    }

    /// The crops of the wanted pictures, their predictions, and the codes of the assignment crops.
    fn crops(&mut self, request: &PreviewRequest) -> Result<Vec<Crops>> {
        let augment = configured::augment(&self.config);
        let Setup { judge, trainer, dataset, .. } = &mut self.setup;
        let (mut found, mut inputs) = (Vec::new(), Vec::new());
        for &picture in &request.pictures {
            // A picture that cannot be read has nothing to show; training lists it.
            let Ok(shown) = configured::showcase(&self.config, dataset, picture, request.draw) else {
                continue;
            };
            inputs.extend(network_views(&shown, &augment, judge.size()));
            found.push(cut(picture, shown));
        }
        if found.is_empty() {
            return Ok(found);
        }
        let views = augment.views();
        let looked = match trainer.prototypes()? {
            Some(all) => trainer.cosines(&inputs, found.len() * views, &all)?.map(|cosines| (cosines, all)),
            None => None,
        };
        let Some((cosines, prototypes)) = looked else {
            let embeddings = trainer.embeddings(&inputs, found.len() * views)?;
            tell_likeness(&mut found, &embeddings);
            return Ok(found);
        };
        let mut rows = (0..cosines.rows).map(|row| cosines.row(row));
        for view in found.iter_mut().flat_map(|crops| &mut crops.views) {
            let scores = rows.next().unwrap_or_default();
            view.prediction = codes::prediction(scores, self.config.temperature);
        }
        self.tell_codes(&mut found, (&cosines, &prototypes), request)?;
        Ok(found)
    }

    /// Codes are balanced over a batch of the same crop of other pictures: over anything else, whole pictures
    /// say, a crop would be given the prototypes that all the others leave.
    fn tell_codes(
        &mut self,
        found: &mut [Crops],
        (cosines, prototypes): (&Features, &Features),
        request: &PreviewRequest,
    ) -> Result<()> {
        let assign = self.config.assign.clone();
        let augment =
            first_views(configured::augment(&self.config), assign.iter().max().map_or(0, |most| most + 1));
        let Setup { judge, trainer, dataset, .. } = &mut self.setup;
        let caller = &mut self.caller;
        let (seed, size, views) = (self.config.seed, judge.size(), augment.views());
        let bands = dataset.reading().shown;
        let mut others = some_of(dataset.pretrain(), self.config.batch.min(BALANCED));
        others.retain(|picture| !request.pictures.contains(picture));
        others.truncate(self.config.batch.min(BALANCED).saturating_sub(found.len()));
        let crop = |picture: u32| {
            let image = dataset.decode(picture).ok()?;
            let shown = Showcase::new(image, bands, &augment, seed, request.draw, picture).ok()?;
            Some(network_views(&shown, &augment, size))
        };
        let watch = &mut |progress: &_| caller.watch(progress);
        let inputs: Vec<Option<Vec<f32>>> =
            pass::run(("cropping pictures", "pictures"), others.len(), watch, |pass| {
                others.par_iter().map(|&picture| pass.advance(1).map(|()| crop(picture))).collect()
            })?;
        let inputs: Vec<Vec<f32>> = inputs.into_iter().flatten().collect();
        let balance = trainer.cosines(&inputs.concat(), inputs.len() * views, prototypes)?;
        let Some(balance) = balance else { return Ok(()) };
        for at in assign {
            let shown = found.first().map_or(0, |crops| crops.views.len());
            let others = (0..inputs.len()).map(|picture| balance.row(picture * views + at));
            let own = (0..found.len()).map(|picture| cosines.row(picture * shown + at));
            let data: Vec<f32> = others.chain(own).flatten().copied().collect();
            let scores = Features::new(inputs.len() + found.len(), cosines.dim, data)?;
            let codes = codes::codes(&scores, self.config.epsilon, self.config.sinkhorn_iterations)?;
            for (row, crops) in (inputs.len()..).zip(&mut *found) {
                crops.views[at].code = Some(codes.row(row).to_vec());
            }
        }
        Ok(())
    }
}

/// How alike the crops of each picture are, by their embeddings: a row a crop, as many a picture.
fn tell_likeness(found: &mut [Crops], embeddings: &Features) {
    let views = found.first().map_or(0, |crops| crops.views.len());
    let cosine = |a: usize, b: usize| -> f32 {
        embeddings.row(a).iter().zip(embeddings.row(b)).map(|(a, b)| a * b).sum()
    };
    for (picture, crops) in found.iter_mut().enumerate() {
        let first = picture * views;
        for (at, view) in crops.views.iter_mut().enumerate() {
            let own = (first..first + views).map(|other| cosine(first + at, other)).collect();
            let elsewhere: Vec<f32> = (0..embeddings.rows)
                .filter(|other| !(first..first + views).contains(other))
                .map(|other| cosine(first + at, other))
                .collect();
            let others =
                (!elsewhere.is_empty()).then(|| elsewhere.iter().sum::<f32>() / elsewhere.len() as f32);
            view.likeness = Some(Likeness { own, others });
        }
    }
}

/// Only the first `count` views: each is drawn from a stream of its own, so they stay what they are.
fn first_views(mut augment: Augment, mut count: usize) -> Augment {
    for group in &mut augment.crops {
        group.count = group.count.min(count);
        count -= group.count;
    }
    augment.crops.retain(|group| group.count > 0);
    augment
}

/// All crops at the size of evaluation, which is what the network takes outside of training.
fn network_views(shown: &Showcase, augment: &Augment, size: u32) -> Vec<f32> {
    let length = augment.floats(size);
    let mut inputs = vec![0.0; shown.views.len() * length];
    for (view, out) in shown.views.iter().zip(inputs.chunks_exact_mut(length)) {
        render(&shown.picture, &view.params, size, augment, out);
    }
    inputs
}

/// The crops as they are shown.
fn cut(picture: u32, shown: Showcase) -> Crops {
    let view = |view: Cropped| View {
        params: view.params,
        pixels: view.pixels,
        prediction: Vec::new(),
        code: None,
        likeness: None,
    };
    Crops { picture, image: shown.look(), views: shown.views.into_iter().map(view).collect() }
}
