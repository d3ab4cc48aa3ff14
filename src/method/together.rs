//! What a trainer does with other ranks beside the meetings within a step.

use std::borrow::Cow;

use super::meeting::add_estimates;
use super::statistics;
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
        let Some(survey) = &self.survey else { return Ok(()) };
        let (session, ranks, group) = (&self.session, &*self.ranks, self.share.group);
        if let Some(ends) = &survey.ends {
            session.submit(&ends.begin)?;
        }
        for (at, (_, look)) in survey.of_parts().enumerate() {
            self.take(batch, at)?;
            session.submit_with(&look.plan, &mut |stop| statistics::meet(session, ranks, group, stop))?;
            for tensor in &look.found {
                own.extend(session.read(tensor)?);
            }
        }
        if let Some(ends) = &survey.ends {
            add_estimates(&ends.sum, session, ranks, 0..ranks.size())?;
            session.submit(&ends.end)?;
        }
        let all: Vec<f32> = bytemuck::pod_collect_to_vec(&ranks.gather(bytemuck::cast_slice(&own))?);
        let (mut rest, mut first) = (&all[..], 0);
        for (size, look) in (0..ranks.size()).flat_map(|_| survey.of_parts()) {
            for tensor in &look.found {
                let (values, others) = rest.split_at(tensor.shape.values());
                session.write(tensor, values);
                rest = others;
            }
            let pictures = pictures.get(first..first + size).unwrap_or_default();
            self.objective.surveyed(session, pictures, &look.found)?;
            first += size;
        }
        Ok(())
    }
}
