//! Changes of the groups, and the sorts that they lead to. A name that is being typed counts before anything else is
//! done: the part of the screen that is clicked next may be drawn before the field of the name is.

use super::task::{Plan, Task};
use super::{Groups, Tab, Uses};
use std::path::PathBuf;
use swav_wgpu::uses::sort::How;

impl Uses {
    /// Takes the name that is being typed.
    pub(super) fn commit(&mut self) {
        if let (Some((group, text)), Some(groups)) = (self.typed.take(), &mut self.groups) {
            self.keeper.touched |= groups.rename(group, text.trim());
        }
    }

    /// The groups, to be changed.
    pub(super) fn edit(&mut self) -> Option<&mut Groups> {
        self.commit();
        self.keeper.touched = true;
        self.groups.as_mut()
    }

    /// Takes the last change of the groups back, where they are on the screen.
    pub fn undo(&mut self) {
        if self.tab == Tab::Sort
            && let Some(groups) = self.edit()
        {
            groups.undo();
        }
    }

    /// Sorts as the groups stand.
    pub fn sort(&mut self) {
        self.commit();
        let Some(groups) = self.groups.as_ref().filter(|groups| groups.problems().is_empty()) else { return };
        let plan = groups.plan(PathBuf::from(self.into.trim()), self.how);
        self.begin(plan);
    }

    /// Goes on with the sort that was ordered last, as it was settled then: groups that got other names since would put
    /// what is left beside what is there already.
    pub fn resume(&mut self) {
        match self.sorted.take() {
            Some((plan, _)) => self.begin(plan),
            None => self.sort(),
        }
    }

    /// The same sort, with copies in place of links.
    pub(super) fn resume_as_copies(&mut self) {
        self.how = How::Copy;
        if let Some((plan, _)) = &mut self.sorted {
            plan.how = How::Copy;
        }
        self.resume();
    }

    fn begin(&mut self, plan: Plan) {
        self.sorted = Some((plan.clone(), false));
        self.keeper.touched = true;
        // Before the first file: what is begun is known, whatever happens to the program.
        self.keep();
        self.order(Task::Sort(plan));
    }

    /// The sort that did not come to its end.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Plan> {
        self.sorted.as_ref().filter(|(_, whole)| !whole && !self.sorting).map(|(plan, _)| plan)
    }

    /// Whether the last sort put pictures where the next one does, by other groups or names: they would lie there twice.
    pub(super) fn doubles(&self) -> bool {
        let (Some((plan, _)), Some(groups)) = (&self.sorted, &self.groups) else { return false };
        if plan.how == How::Manifest || self.how == How::Manifest || plan.into.as_os_str() != self.into.trim()
        {
            return false;
        }
        let now = groups.plan(plan.into.clone(), plan.how);
        (0..now.groups.len().max(plan.groups.len())).any(|row| folder(&now, row) != folder(plan, row))
    }
}

/// The folder that a plan puts a row into: the order of the groups and their numbers are nothing that a folder shows.
fn folder(plan: &Plan, row: usize) -> Option<&str> {
    plan.groups.get(row).and_then(|&group| plan.names.get(group as usize)).map(String::as_str)
}
