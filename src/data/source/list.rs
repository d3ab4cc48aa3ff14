//! A list file: one picture a line, or a table with a column of pictures, labels and parts of the set.
//!
//! Tables are CSV with tabs, commas, semicolons or bars, or JSON lines; `headings` says what their columns
//! mean. A line of a list without columns is a name that ends like a picture, and after a space its label.
//! Paths are below the list's folder or absolute; `locate` finds those that are written in other ways. Empty
//! lines and those with `#` are passed over. A picture that is not there is skipped like any that cannot be
//! read.

use std::path::Path;

use super::folder::Files;
use super::headings;
use super::locate;
use super::part::Part;
use super::rows::Rows;
use super::table::{Side, Table, from_words};
use crate::error::Result;
use crate::pass::Pass;

/// Reads the list `file`, whose paths are below `root`.
pub(super) fn list(file: &Part, root: &Path, pass: &Pass) -> Result<Table> {
    let Listed { names, words, sides, notice, .. } = read(file)?;
    if names.is_empty() {
        return Err(
            file.wrong("no line of this list names a picture; a list has the path of one picture a line")
        );
    }
    let (files, missing) = locate::files(root, names, near(&file.name), pass)?;
    let (classes, labels) = from_words(&words);
    let pictures = Box::new(Files { root: root.to_owned(), files });
    let sides = sides.into_iter().map(|side| (side, 1)).collect();
    Ok(Table { classes, labels, sides, pictures, notices: notice.into_iter().chain(missing).collect() })
}

/// The rows of a table of pictures.
pub(super) struct Listed {
    /// What each picture is called in it.
    pub(super) names: Vec<String>,
    /// The line of each, from 1.
    pub(super) lines: Vec<u64>,
    pub(super) words: Vec<Option<String>>,
    pub(super) sides: Vec<Side>,
    /// What a person should know.
    pub(super) notice: Option<String>,
}

/// The name of a table without its folder and ending: `train.csv` may list what lies in `train/`.
pub(super) fn near(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// Reads the table `file`.
pub(super) fn read(file: &Part) -> Result<Listed> {
    let rows = Rows::read(file)?;
    let columns = headings::read(&rows.sample()?, rows.starts_with_headings());
    let (mut names, mut lines, mut words, mut sides) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut heading = columns.headed && rows.starts_with_headings();
    rows.each(|line, row| {
        if std::mem::take(&mut heading) {
            return Ok(true);
        }
        let name = row.get(columns.path).unwrap_or_default();
        let label = columns.label.of(row);
        // A break in either is the work of a quote that never ended.
        if name.contains('\n') || label.as_ref().is_some_and(|label| label.contains('\n')) {
            return Err(rows.broken(line));
        }
        if !name.is_empty() {
            names.push(name.to_owned());
            lines.push(line);
            words.push(label);
            sides.push(columns.side.and_then(|at| row.get(at)).map_or(Side::Plain, Side::of));
        }
        Ok(true)
    })?;
    Ok(Listed { names, lines, words, sides, notice: columns.notice })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Table {
        let folder = tempfile::tempdir().unwrap();
        list(&Part::memory("list.txt".into(), text.into()), folder.path(), &Pass::default()).unwrap()
    }

    #[test]
    fn tabs_commas_and_spaces_are_told_apart() {
        let plain = read("# mine\na b.png\n\nc.jpg\r\n");
        assert_eq!((plain.pictures.name(0).as_str(), plain.pictures.name(1).as_str()), ("a b.png", "c.jpg"));
        assert!(plain.classes.is_empty());
        let spaced = read("n01/a b.JPEG 0\nn02/c.jpg 1\nd.png");
        assert_eq!(spaced.pictures.name(0), "n01/a b.JPEG");
        assert_eq!(spaced.labels, [Some(0), Some(1), None]);
        let commas = read("path,label,split\na b.png, cat ,train\n\"c.png\",\"a, b\",test\n");
        assert_eq!(
            (commas.labels.len(), commas.classes.as_slice()),
            (2, &["a, b".to_owned(), "cat".to_owned()][..])
        );
        assert_eq!(commas.sides, [(Side::Train, 1), (Side::Held("test"), 1)]);
        assert_eq!(commas.pictures.name(1), "c.png");
        let tabs = read("a,b.png\tx\n");
        assert_eq!(tabs.pictures.name(0), "a,b.png");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let fail = |bytes: &[u8]| {
            list(&Part::memory("l.txt".into(), bytes.to_vec()), folder.path(), &Pass::default())
                .err()
                .unwrap()
        };
        assert!(fail(b"a.png\n\xff\xfe").to_string().contains("line 2"));
        assert!(fail(b"# nothing\n").to_string().contains("one picture a line"));
        assert!(fail(b"path,label\n").to_string().contains("one picture a line"));
        assert!(fail(b"path,label\n\"a.png,x\nb.png,y\n").to_string().contains("line 2: a field starts"));
        assert!(fail(b"{\"image\":\"a.png\"}\n{\n").to_string().contains("line 2 is not one JSON object"));
    }
}
