//! The first look at the pictures of an epoch, of methods that must have seen all of them before they train.

use std::sync::Arc;

use super::estimates::Estimates;
use super::objective::Objective;
use super::parts::of_part;
use super::recording::Inputs;
use super::share::{Alike, Share};
use crate::error::Result;
use crate::gpu::{Gpu, Plan, Replay, Session, Tensor};
use crate::model::{Store, Trunk};

/// A look at a batch, before or after its plans have memory.
#[derive(Debug)]
pub(super) struct Survey<P> {
    pub(super) looks: Vec<Look<P>>,
    /// Where it is made in parts.
    pub(super) ends: Option<Ends<P>>,
}

/// A look at parts of the same size.
#[derive(Debug)]
pub(super) struct Look<P> {
    /// Pictures of each part.
    size: usize,
    count: usize,
    pub(super) plan: P,
    /// The embeddings that the method wants of a part.
    pub(super) found: Vec<Tensor>,
}

/// What comes before the first part of a batch and after the last.
#[derive(Debug)]
pub(super) struct Ends<P> {
    pub(super) begin: P,
    pub(super) end: P,
    /// What ranks add up before the end.
    pub(super) sum: Tensor,
}

impl<P> Survey<P> {
    /// The look at each part of a batch, with the pictures that it has.
    pub(super) fn of_parts(&self) -> impl Iterator<Item = (usize, &Look<P>)> {
        self.looks.iter().flat_map(|look| std::iter::repeat_n((look.size, look), look.count))
    }

    /// Each plan once.
    pub(super) fn plans(&self) -> impl Iterator<Item = &P> {
        let ends = self.ends.iter().flat_map(|ends| [&ends.begin, &ends.end]);
        self.looks.iter().map(|look| &look.plan).chain(ends)
    }
}

impl Survey<Plan> {
    pub(super) fn bind(self, session: &Session) -> Result<Survey<Replay>> {
        let look = |Look { size, count, plan, found }| -> Result<Look<Replay>> {
            Ok(Look { size, count, plan: session.bind(plan)?, found })
        };
        let ends = |Ends { begin, end, sum }| -> Result<Ends<Replay>> {
            Ok(Ends { begin: session.bind(begin)?, end: session.bind(end)?, sum })
        };
        let looks = self.looks.into_iter().map(look).collect::<Result<_>>()?;
        Ok(Survey { looks, ends: self.ends.map(ends).transpose()? })
    }
}

/// The first look at a batch, of methods that want one.
pub(super) fn record(
    gpu: &Arc<Gpu>,
    (store, trunk): (&Store, &Trunk),
    objective: &dyn Objective,
    inputs: &Inputs<'_>,
    share: Share,
) -> Result<Option<Survey<Plan>>> {
    let Inputs { arena, crops, .. } = *inputs;
    let estimates = (!share.is_whole()).then(|| Estimates::new(arena, store, share.batch));
    let mut looks = Vec::new();
    for Alike { size, count } in share.kinds() {
        let (mut plan, crops) = (Plan::new(gpu, arena), of_part(crops, share, size));
        let look = |plan: &mut Plan, store: &Store| objective.record_survey(plan, trunk, store, &crops);
        let found = match &estimates {
            None => look(&mut plan, store)?,
            Some(estimates) => estimates.of_part(&mut plan, size, look)?,
        };
        looks.extend(found.map(|found| Look { size, count, plan, found }));
    }
    if looks.is_empty() {
        return Ok(None);
    }
    let ends = |estimates: Estimates| -> Result<Ends<Plan>> {
        let (mut begin, mut end) = (Plan::new(gpu, arena), Plan::new(gpu, arena));
        estimates.begin(&mut begin);
        estimates.end(&mut end)?;
        Ok(Ends { begin, end, sum: estimates.sum().clone() })
    };
    Ok(Some(Survey { looks, ends: estimates.map(ends).transpose()? }))
}
