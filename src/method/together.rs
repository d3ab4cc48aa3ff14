//! What a trainer does with other ranks beside the meetings within a step.

use std::borrow::Cow;

use super::meeting::take_estimates;
use super::parts::estimates;
use super::statistics;
use super::steps::{Look, Survey};
use super::{Batch, Trainer};
use crate::error::Result;

impl Trainer {
    /// The numbers of the pictures of all ranks.
    pub(super) fn all_pictures<'a>(&self, batch: &Batch<'a>) -> Result<Cow<'a, [u32]>> {
        if self.ranks.size() == 1 {
            return Ok(Cow::Borrowed(batch.pictures));
        }
        let all = self.ranks.gather(bytemuck::cast_slice(batch.pictures))?;
        Ok(Cow::Owned(bytemuck::pod_collect_to_vec(&all)))
    }

    /// Bytes that this rank sends to others in a step, beside the numbers of pictures; 0 where it is alone.
    #[must_use]
    pub fn exchanged_bytes(&self) -> u64 {
        let meeting = self.train.parts.as_ref().and_then(|parts| parts.meeting.as_ref());
        let others = self.ranks.size() as u64 - 1;
        meeting.map_or(0, |meeting| meeting.bytes(self.ranks.size(), self.share))
            + others * self.train.stops_bytes()
    }

    /// Looks at the own share of a batch, and takes what the other ranks see of theirs.
    pub(super) fn survey_together(&mut self, batch: &Batch<'_>) -> Result<()> {
        let pictures = self.all_pictures(batch)?;
        let mut own: Vec<f32> = Vec::new();
        for (at, Look { plan, found }) in self.survey.iter().flat_map(Survey::looks).enumerate() {
            self.take(batch, at)?;
            let (session, ranks, group) = (&self.session, &*self.ranks, self.share.group);
            session.submit_with(plan, &mut |stop| statistics::meet(session, ranks, group, stop))?;
            for tensor in found {
                own.extend(self.session.read(tensor)?);
            }
        }
        let estimates = estimates(&*self.objective, &self.store);
        take_estimates(&estimates, &self.session, &*self.ranks)?;
        let all: Vec<f32> = bytemuck::pod_collect_to_vec(&self.ranks.gather(bytemuck::cast_slice(&own))?);
        let (mut rest, mut first) = (&all[..], 0);
        for (size, found) in (0..self.ranks.size()).flat_map(|_| self.survey.iter().flat_map(Survey::found)) {
            for tensor in found {
                let (values, others) = rest.split_at(tensor.shape.values());
                self.session.write(tensor, values);
                rest = others;
            }
            let pictures = pictures.get(first..first + size).unwrap_or_default();
            self.objective.surveyed(&self.session, pictures, found)?;
            first += size;
        }
        Ok(())
    }
}
