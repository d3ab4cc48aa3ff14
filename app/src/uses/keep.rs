//! Groups that outlive the screen. What a person put right is written beside the settings of the program, a file for each
//! network and set of pictures, and is back when both are opened again. Pictures are known by their names, because their
//! numbers change with every file that comes or goes.
//!
//! These files are never deleted: they are somebody's work, and small.

use super::groups::{Group, Groups};
use super::task::{By, Choice, Plan, how};
use super::{Done, Uses};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use swav_wgpu::error::{Error, Result};
use swav_wgpu::interop::write_atomic;
use swav_wgpu::uses::sort::How;

/// How long changes wait before they are written, and how much longer than writing them takes.
const SOON: Duration = Duration::from_secs(1);
const TIMES: u32 = 30;
/// The group of pictures that came after the groups were made.
const NEW: &str = "new pictures";

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The name of each row's picture.
    pictures: Vec<String>,
    groups: Vec<Group>,
    by: By,
    into: String,
    #[serde(with = "how")]
    how: How,
    /// The sort that was ordered last, and whether it came to its end.
    sorted: Option<(Plan, bool)>,
}

/// What came back of it.
#[derive(Debug)]
struct Back {
    groups: Groups,
    sorted: Option<(Plan, bool)>,
    /// Pictures that came since, and that went.
    new: usize,
    gone: usize,
}

/// Where it is kept, and whether there is more to write.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    folder: Option<PathBuf>,
    /// Whether something changed since the last writing.
    pub(super) touched: bool,
    due: Option<Instant>,
    cost: Duration,
    /// What comes along to another place of the same pictures.
    carried: Option<Kept>,
}

/// The file of a network and a set of pictures.
fn file(folder: &Path, network: &Path, place: Option<&Path>) -> PathBuf {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let place = place.map(full).unwrap_or_default();
    let key = format!("{}\n{}", full(network).display(), place.display());
    // FNV-1a: the same in every release of the compiler.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    folder.join(format!("{hash:016x}.json"))
}

impl Kept {
    fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        write_atomic(path, |file| Ok(serde_json::to_writer(file, self)?))
    }

    /// Nothing where there is no file, or where somebody else changed it to what makes no sense.
    fn read(path: &Path) -> Option<Self> {
        let kept: Self = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
        let mut rows: Vec<u32> = kept.groups.iter().flat_map(|group| group.rows.iter().copied()).collect();
        rows.sort_unstable();
        let plans = kept.sorted.iter().all(|(plan, _)| {
            plan.groups.len() == kept.pictures.len()
                && plan.groups.iter().all(|&group| (group as usize) < plan.names.len())
        });
        (plans && rows.into_iter().eq(0..kept.pictures.len() as u32)).then_some(kept)
    }

    /// The same groups of these pictures; nothing where none of them is known.
    fn fit(mut self, pictures: &[String]) -> Option<Back> {
        if self.pictures == pictures {
            let groups = Groups::of(self.groups, pictures.len());
            return Some(Back { groups, sorted: self.sorted, new: 0, gone: 0 });
        }
        let now: HashMap<&str, u32> = pictures.iter().map(String::as_str).zip(0..).collect();
        let found: Vec<Option<u32>> =
            self.pictures.iter().map(|name| now.get(name.as_str()).copied()).collect();
        let known = found.iter().flatten().count();
        // Without names of their own nobody can say which is which.
        if known == 0 || now.len() < pictures.len() {
            return None;
        }
        let mut is_new = vec![true; pictures.len()];
        found.iter().flatten().for_each(|&row| is_new[row as usize] = false);
        let new: Vec<u32> = (0..).zip(&is_new).filter(|(_, new)| **new).map(|(row, _)| row).collect();
        for group in &mut self.groups {
            group.rows = group.rows.iter().filter_map(|&row| found[row as usize]).collect();
        }
        self.groups.retain(|group| !group.rows.is_empty());
        let mut groups = Groups::of(self.groups, pictures.len());
        let count = new.len();
        groups.add(NEW, new);
        let sorted = self.sorted.map(|(plan, whole)| {
            let name = groups.all().last().filter(|_| count > 0).map(|group| group.name.clone());
            (moved(&plan, &found, pictures.len(), name), whole && count == 0)
        });
        Some(Back { groups, sorted, new: count, gone: found.len() - known })
    }
}

/// A plan of the pictures that there are now: those that are new go into a folder of their own.
fn moved(plan: &Plan, found: &[Option<u32>], rows: usize, new: Option<String>) -> Plan {
    let mut groups = vec![plan.names.len() as u32; rows];
    for (&group, row) in plan.groups.iter().zip(found) {
        if let Some(row) = row {
            groups[*row as usize] = group;
        }
    }
    let names = plan.names.iter().cloned().chain(new).collect();
    Plan { groups, names, ..plan.clone() }
}

impl Uses {
    /// Keeps groups in a folder, and brings those back that are kept there.
    #[must_use]
    pub fn keeping(mut self, folder: Option<PathBuf>) -> Self {
        self.keeper.folder = folder;
        self
    }

    /// Where the pictures that are chosen lie.
    fn place(&self) -> Option<PathBuf> {
        match &self.choice {
            Choice::At(path) => Some(path.clone()),
            Choice::BuiltIn => None,
            Choice::Own => self.about.as_ref().and_then(|about| about.trained_on.clone()).flatten(),
        }
    }

    fn kept_now(&self) -> Option<Kept> {
        let (groups, seen) = (self.groups.as_ref()?, self.seen.as_ref()?);
        Some(Kept {
            pictures: seen.names.clone(),
            groups: groups.all().to_vec(),
            by: self.wanted.0,
            into: self.into.clone(),
            how: self.how,
            sorted: self.sorted.clone(),
        })
    }

    /// Writes what was changed since the last time.
    pub fn keep(&mut self) {
        self.commit();
        if !std::mem::take(&mut self.keeper.touched) {
            return;
        }
        self.keeper.due = None;
        let Some(folder) = &self.keeper.folder else { return };
        let (Some(kept), Some(seen)) = (self.kept_now(), &self.seen) else { return };
        let start = Instant::now();
        if let Err(error) = kept.write(&file(folder, &self.network, seen.place.as_deref())) {
            let text =
                format!("Your changes of the groups could not be saved: {}", crate::words::told(&error));
            self.done = Some(Done { text, at: None, whole: false });
        }
        self.keeper.cost = start.elapsed();
    }

    /// Writes changes once they have stood for a moment.
    pub(super) fn keep_soon(&mut self, ctx: &eframe::egui::Context) {
        if !self.keeper.touched {
            return;
        }
        let now = Instant::now();
        let due = *self.keeper.due.get_or_insert(now + SOON.max(self.keeper.cost * TIMES));
        // A name that is still being typed is no name yet.
        if now < due || self.typed.is_some() {
            ctx.request_repaint_after(due.saturating_duration_since(now).max(Duration::from_millis(50)));
        } else {
            self.keep();
        }
    }

    /// Takes what is known of the groups along to another place of the same pictures.
    pub(super) fn carry(&mut self) {
        self.keep();
        let stored =
            self.keeper.folder.as_deref().map(|folder| file(folder, &self.network, self.place().as_deref()));
        let here = self.seen.as_ref().is_some_and(|seen| seen.place == self.place());
        let now = self.kept_now().filter(|_| here);
        self.keeper.carried = now.or_else(|| Kept::read(&stored?));
    }

    /// Brings the groups of pictures back that were just looked at; whether there are any.
    pub(super) fn bring_back(&mut self) -> bool {
        let Some(seen) = &self.seen else { return false };
        let stored =
            self.keeper.folder.as_deref().map(|folder| file(folder, &self.network, seen.place.as_deref()));
        let carried = self.keeper.carried.take();
        let comes_along = carried.is_some();
        // What comes along is what a person had before them just now.
        let mut kept = [carried, stored.and_then(|file| Kept::read(&file))].into_iter().flatten();
        let back = kept.find_map(|kept| Some((kept.clone(), kept.fit(&seen.names)?)));
        let Some((kept, Back { groups, sorted, new, gone })) = back else { return false };
        let mut text =
            format!("Your {} groups of these pictures are back as you left them.", groups.all().len());
        if let Some(group) = groups.all().last().filter(|_| new > 0) {
            text += &format!(" {new} pictures have come since and are in “{}”.", group.name);
        }
        if gone > 0 {
            text += &format!(" {gone} are gone since.");
        }
        self.done = Some(Done { text, at: None, whole: new + gone == 0 });
        self.wanted = (kept.by, groups.all().len());
        (self.groups, self.sorted, self.into) = (Some(groups), sorted, kept.into);
        if seen.files || !matches!(kept.how, How::HardLink | How::Symlink) {
            self.how = kept.how;
        }
        self.keeper.touched = comes_along || new + gone > 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    fn kept() -> Kept {
        let mut groups = Groups::new(&[0, 1, 0, 1], &[0.1, 0.2, 0.3, 0.4]);
        groups.rename(0, "山");
        let plan = groups.plan("out".into(), How::HardLink);
        Kept {
            pictures: names(&["a.png", "b.png", "c.png", "d.png"]),
            groups: groups.all().to_vec(),
            by: By::Prototypes,
            into: "out".into(),
            how: How::HardLink,
            sorted: Some((plan, false)),
        }
    }

    fn of(groups: &Groups) -> Vec<(&str, &[u32])> {
        groups.all().iter().map(|group| (&*group.name, &*group.rows)).collect()
    }

    #[test]
    fn what_is_kept_comes_back_and_what_was_broken_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups/a.json");
        assert_eq!(Kept::read(&path), None);
        kept().write(&path).unwrap();
        assert_eq!(Kept::read(&path), Some(kept()));
        let back = kept().fit(&kept().pictures).unwrap();
        assert_eq!(of(&back.groups), [("山", &[2, 0][..]), ("group 02", &[3, 1])]);
        assert_eq!((back.sorted, back.new, back.gone), (kept().sorted, 0, 0));
        let mut strange = kept();
        strange.groups[0].rows[0] = 9;
        strange.write(&path).unwrap();
        assert_eq!(Kept::read(&path), None);
        let mut strange = kept();
        strange.sorted.as_mut().unwrap().0.groups[1] = 7;
        strange.write(&path).unwrap();
        assert_eq!(Kept::read(&path), None);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Kept::read(&path), None);
    }

    #[test]
    fn pictures_that_come_and_go_leave_the_others_in_their_groups() {
        // b.png is gone, and two are new, of which one comes first.
        let now = names(&["0.png", "a.png", "c.png", "d.png", "e.png"]);
        let back = kept().fit(&now).unwrap();
        assert_eq!(of(&back.groups), [("山", &[2, 1][..]), ("group 02", &[3]), (NEW, &[0, 4])]);
        assert_eq!((back.new, back.gone), (2, 1));
        let (plan, whole) = back.sorted.unwrap();
        assert_eq!((&*plan.groups, whole), (&[2, 0, 0, 1, 2][..], false));
        assert_eq!(plan.names, ["山", "group 02", NEW]);
        // A sort that was over is not over for those that came since.
        let mut over = kept();
        over.sorted.as_mut().unwrap().1 = true;
        assert!(over.clone().fit(&now[1..4]).unwrap().sorted.unwrap().1);
        assert!(!over.fit(&now).unwrap().sorted.unwrap().1);
        // Other pictures, and pictures without names.
        assert!(kept().fit(&names(&["x.png"])).is_none());
        assert!(kept().fit(&names(&["a.png", "", ""])).is_none());
    }

    #[test]
    fn every_network_and_every_folder_has_a_file_of_its_own() {
        let folder = Path::new("/groups");
        let all = [("a.pth", Some("/x")), ("a.pth", Some("/y")), ("b.pth", Some("/x")), ("a.pth", None)];
        let mut files: Vec<PathBuf> = all
            .iter()
            .map(|(network, place)| file(folder, Path::new(network), place.map(Path::new)))
            .collect();
        assert_eq!(files[0], file(folder, Path::new("a.pth"), Some(Path::new("/x"))));
        files.sort();
        files.dedup();
        assert_eq!(files.len(), all.len());
    }
}
