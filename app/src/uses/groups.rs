//! Groups of pictures as a person puts them right: renamed, merged, pictures moved, and all of it taken back.

use super::task::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use swav_wgpu::uses::sort::{How, check_name};

/// Changes that can be taken back.
const UNDO: usize = 50;

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What its folder is called.
    pub name: String,
    /// Rows of its pictures, the most typical first.
    pub rows: Vec<u32>,
}

/// All groups, the largest first at the beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    all: Vec<Group>,
    rows: usize,
    before: Vec<Vec<Group>>,
}

impl Groups {
    /// Groups by the number of each row's, with how typical each row is of its group.
    #[must_use]
    pub fn new(of: &[u32], typical: &[f32]) -> Self {
        let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (row, &group) in of.iter().enumerate() {
            found.entry(group).or_default().push(row as u32);
        }
        let mut all: Vec<Group> =
            found.into_values().map(|rows| Group { name: String::new(), rows }).collect();
        all.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
        let value = |row: &u32| typical.get(*row as usize).copied().unwrap_or(0.0);
        for (at, group) in all.iter_mut().enumerate() {
            group.rows.sort_by(|a, b| value(b).total_cmp(&value(a)));
            group.name = format!("group {:02}", at + 1);
        }
        Self { all, rows: of.len(), before: Vec::new() }
    }

    /// Groups as they are, of so many rows: each row is in one of them.
    pub(super) fn of(all: Vec<Group>, rows: usize) -> Self {
        Self { all, rows, before: Vec::new() }
    }

    /// Puts rows that are in no group yet into one of their own, where there are any.
    pub(super) fn add(&mut self, name: &str, rows: Vec<u32>) {
        if !rows.is_empty() {
            let taken = |name: &String| self.all.iter().any(|group| group.name == *name);
            let others = (2..).map(|number| format!("{name} {number}"));
            let name = std::iter::once(name.to_owned()).chain(others).find(|name| !taken(name));
            self.all.push(Group { name: name.unwrap_or_default(), rows });
        }
    }

    /// The same pictures in other groups: a change that can be taken back, with all before it.
    #[must_use]
    pub fn again(mut self, of: &[u32], typical: &[f32]) -> Self {
        let new = Self::new(of, typical);
        if new.rows != self.rows {
            return new;
        }
        if new.all != self.all {
            self.remember();
            self.all = new.all;
        }
        self
    }

    /// The groups.
    #[must_use]
    pub fn all(&self) -> &[Group] {
        &self.all
    }

    /// How many changes can be taken back.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.before.len()
    }

    fn remember(&mut self) {
        if self.before.len() == UNDO {
            self.before.remove(0);
        }
        self.before.push(self.all.clone());
    }

    /// Takes the last change back.
    pub fn undo(&mut self) {
        if let Some(before) = self.before.pop() {
            self.all = before;
        }
    }

    /// Calls a group something else; whether it was not called so before.
    pub fn rename(&mut self, group: usize, name: &str) -> bool {
        let other = self.all.get(group).is_some_and(|group| group.name != name);
        if other {
            self.remember();
            name.clone_into(&mut self.all[group].name);
        }
        other
    }

    /// Puts all pictures of one group to those of another, which keeps its name.
    pub fn merge(&mut self, from: usize, into: usize) {
        if from != into && from.max(into) < self.all.len() {
            self.remember();
            let rows = std::mem::take(&mut self.all[from].rows);
            self.all[into].rows.extend(rows);
            self.all.remove(from);
        }
    }

    /// Puts some pictures into a group, or with `None` into a new one. A group that loses all goes.
    pub fn move_to(&mut self, rows: &[u32], into: Option<usize>) {
        if rows.is_empty() || into.is_some_and(|into| into >= self.all.len()) {
            return;
        }
        self.remember();
        let name = into.map(|into| self.all[into].name.clone());
        let kept = |at: usize| Some(at) != into;
        for (at, group) in self.all.iter_mut().enumerate() {
            if kept(at) {
                group.rows.retain(|row| !rows.contains(row));
            }
        }
        match into {
            Some(into) => {
                let there = &self.all[into].rows;
                let new: Vec<u32> = rows.iter().copied().filter(|row| !there.contains(row)).collect();
                self.all[into].rows.extend(new);
            }
            None => {
                let name = self.free_name();
                self.all.push(Group { name, rows: rows.to_vec() });
            }
        }
        self.all.retain(|group| !group.rows.is_empty() || Some(&group.name) == name.as_ref());
    }

    fn free_name(&self) -> String {
        let taken = |name: &String| self.all.iter().any(|group| group.name == *name);
        (1..).map(|number| format!("new group {number}")).find(|name| !taken(name)).unwrap_or_default()
    }

    /// What is wrong with the names, by group: no name of a folder, or one that two groups have.
    #[must_use]
    pub fn problems(&self) -> BTreeMap<usize, String> {
        let mut found = BTreeMap::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for (at, group) in self.all.iter().enumerate() {
            if let Err(error) = check_name(&group.name) {
                found.insert(at, crate::words::told(&error));
            } else if names.insert(group.name.to_lowercase(), at).is_some() {
                let text = "Another group has this name: drag one onto the other to merge them.";
                found.insert(at, text.to_owned());
            }
        }
        found
    }

    /// What a sort does of these groups.
    #[must_use]
    pub fn plan(&self, into: PathBuf, how: How) -> Plan {
        let mut groups = vec![0; self.rows];
        for (at, group) in self.all.iter().enumerate() {
            for &row in &group.rows {
                groups[row as usize] = at as u32;
            }
        }
        Plan { groups, names: self.all.iter().map(|group| group.name.clone()).collect(), into, how }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three groups: 3 and 1 and 2 pictures.
    fn groups() -> Groups {
        Groups::new(&[4, 9, 4, 2, 9, 4], &[0.1, 0.5, 0.9, 0.3, 0.8, 0.4])
    }

    #[test]
    fn the_largest_group_and_the_most_typical_picture_come_first() {
        let groups = groups();
        let rows: Vec<&[u32]> = groups.all().iter().map(|group| &group.rows[..]).collect();
        assert_eq!(rows, [&[2, 5, 0][..], &[4, 1], &[3]]);
        assert_eq!(groups.all()[2].name, "group 03");
        assert!(groups.problems().is_empty());
    }

    #[test]
    fn what_a_person_changes_is_what_is_sorted_and_can_be_taken_back() {
        let mut groups = groups();
        let first = groups.clone();
        groups.rename(0, "Berge");
        groups.merge(2, 0);
        groups.move_to(&[1], Some(0));
        groups.move_to(&[0, 5], None);
        let plan = groups.plan("out".into(), How::Copy);
        assert_eq!(plan.names, ["Berge", "group 02", "new group 1"]);
        assert_eq!(plan.groups, [2, 0, 0, 0, 1, 2]);
        // The last picture takes its group along.
        groups.move_to(&[4], Some(0));
        assert_eq!(groups.all().len(), 2);
        assert_eq!(groups.changes(), 5);
        (0..5).for_each(|_| groups.undo());
        assert_eq!(groups, first);
        // What makes no sense changes nothing.
        groups.merge(1, 1);
        groups.merge(0, 7);
        groups.move_to(&[], None);
        groups.rename(0, "group 01");
        assert_eq!(groups, first);
    }

    #[test]
    fn grouping_anew_is_a_change_that_can_be_taken_back() {
        let mut named = groups();
        named.rename(0, "Berge");
        let before = named.clone();
        let mut anew = named.again(&[0, 0, 1, 1, 1, 1], &[0.5; 6]);
        assert_eq!((anew.all().len(), anew.changes()), (2, 2));
        // The same groups once more are no change.
        anew = anew.again(&[0, 0, 1, 1, 1, 1], &[0.5; 6]);
        assert_eq!(anew.changes(), 2);
        anew.undo();
        assert_eq!(anew, before);
        anew.undo();
        assert_eq!(anew, groups());
        // Other pictures have nothing to go back to.
        assert_eq!(anew.again(&[0, 1], &[0.5; 2]), Groups::new(&[0, 1], &[0.5; 2]));
    }

    #[test]
    fn names_that_are_no_folders_or_stand_twice_are_told() {
        let mut groups = groups();
        groups.rename(0, "a/b");
        groups.rename(1, "GROUP 03");
        let problems = groups.problems();
        assert_eq!(problems.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert!(problems[&2].contains("Another group"));
    }
}
