//! What a network in training says of plain views, and what it consists of, between two steps.

use std::collections::BTreeMap;

use super::Trainer;
use crate::error::Result;
use crate::eval::Features;
use crate::gpu::Tensor;
use crate::interop::HostTensor;
use crate::model::evaluation::{best, cosines, look};

impl Trainer {
    /// Trunk features of `n` views, as `eval_stage` and `eval_grid` say, each `[eval_size, eval_size, 4]` normalised pixels.
    pub fn features(&mut self, views: &[f32], n: usize) -> Result<Features> {
        self.look(views, n, &self.tensors.looking.features)
    }

    /// Embeddings of `n` views, of unit length, `[n, D]`; features where the method has no projection head.
    pub fn embeddings(&mut self, views: &[f32], n: usize) -> Result<Features> {
        let looking = &self.tensors.looking;
        let found = self.look(views, n, looking.embeddings.as_ref().unwrap_or(&looking.features))?;
        Ok(found.unit(None))
    }

    /// Cosine similarity of each of `n` views to every one of `prototypes`, `[n, K]`, where the method has prototypes.
    /// They are [`Trainer::prototypes`], which need to be read only once for all views between two steps.
    pub fn cosines(&mut self, views: &[f32], n: usize, prototypes: &Features) -> Result<Option<Features>> {
        let Some(similarities) = &self.tensors.looking.similarities else { return Ok(None) };
        Ok(Some(cosines(self.look(views, n, similarities)?, prototypes)))
    }

    /// [`Trainer::features`] and [`Trainer::cosines`] of the same views, computed once.
    pub fn features_and_cosines(
        &mut self,
        views: &[f32],
        n: usize,
        prototypes: Option<&Features>,
    ) -> Result<(Features, Option<Features>)> {
        let looking = &self.tensors.looking;
        let wanted: Vec<_> =
            [Some(&looking.features), looking.similarities.as_ref()].into_iter().flatten().collect();
        let mut found = look(&self.session, &self.evaluate, &looking.views, views, n, &wanted)?.into_iter();
        let features = found.next().unwrap_or_default();
        let similarities = found.next().zip(prototypes);
        Ok((features, similarities.map(|(similarities, prototypes)| cosines(similarities, prototypes))))
    }

    /// Best prototype of each of `n` views, with its cosine similarity, as [`Trainer::cosines`] gives all.
    pub fn best_prototypes(
        &mut self,
        views: &[f32],
        n: usize,
        prototypes: &Features,
    ) -> Result<Option<Vec<(u32, f32)>>> {
        Ok(self.cosines(views, n, prototypes)?.as_ref().map(best))
    }

    /// How many views go through the network together. Fewer take as long.
    #[must_use]
    pub fn views_at_once(&self) -> usize {
        self.tensors.looking.views.shape.images as usize
    }

    fn look(&self, views: &[f32], n: usize, wanted: &Tensor) -> Result<Features> {
        let into = &self.tensors.looking.views;
        let found = look(&self.session, &self.evaluate, into, views, n, &[wanted])?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The prototypes as they are stored, `[K, D]`, where the method has some.
    pub fn prototypes(&self) -> Result<Option<Features>> {
        let found = self.store.export_one(&self.session, "prototypes.weight")?;
        found.map(|tensor| Features::new(tensor.shape[0], tensor.shape[1], tensor.data)).transpose()
    }

    /// Codes of the last step, `[A · batch, K]` with K padded to a multiple of four (empty where the method has
    /// none), and embeddings of all crops, `[V · batch, D]` likewise.
    pub fn codes_and_embeddings(&self) -> Result<(Vec<f32>, Vec<f32>)> {
        let codes = self.tensors.codes.as_ref().map(|codes| self.session.read(codes)).transpose()?;
        Ok((codes.unwrap_or_default(), self.session.read(&self.tensors.embeddings)?))
    }

    /// The gradients of the last step by parameter name (before LARC), in PyTorch's shapes.
    pub fn gradients(&self) -> Result<BTreeMap<String, HostTensor>> {
        self.store.export_gradients(&self.session)
    }
}
