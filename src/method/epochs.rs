//! What some methods do between steps: a first look at all pictures, and what begins an epoch.

use super::objective::Moment;
use super::{Batch, Trainer};
use crate::error::Result;
use crate::pass::Pass;

impl Trainer {
    /// Whether the method must see all pictures of an epoch ([`Trainer::survey`]) before the next step.
    #[must_use]
    pub fn wants_survey(&self) -> bool {
        self.objective.wants_survey()
    }

    /// Looks at a batch without training on it.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn survey<'a>(&mut self, batch: impl Into<Batch<'a>>) -> Result<()> {
        let batch = batch.into();
        if self.ranks.size() > 1 {
            return self.survey_together(&batch);
        }
        let Some(survey) = &self.survey else { return Ok(()) };
        if let Some(ends) = &survey.ends {
            self.session.submit(&ends.begin)?;
        }
        let mut first = 0;
        for (at, (size, look)) in survey.of_parts().enumerate() {
            self.take(&batch, at)?;
            self.session.run(&look.plan)?;
            let pictures = batch.pictures.get(first..first + size).unwrap_or_default();
            self.objective.surveyed(&self.session, pictures, &look.found)?;
            first += size;
        }
        survey.ends.as_ref().map_or(Ok(()), |ends| self.session.submit(&ends.end))
    }

    /// Clusters begin as these rows, as fixtures have them.
    #[doc(hidden)]
    pub fn choose(&mut self, picks: Vec<Vec<Vec<usize>>>) {
        self.objective.choose(picks);
    }

    /// Tells the method that the next step is the first of an epoch, counted from 0: some label all pictures anew. As a
    /// part of a pass.
    ///
    /// # Errors
    /// What the driver reports; [`crate::error::Error::Stopped`] where the pass is.
    pub fn begin_epoch(&mut self, epoch: u64, pass: &Pass) -> Result<()> {
        self.objective.begin_epoch(Moment { session: &self.session, store: &self.store }, epoch, pass)
    }
}
