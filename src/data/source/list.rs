//! A list file: one picture a line, with a label and a part of the set where there are any.
//!
//! `path`, then a tab, a comma, or (where no line has either) a space after a name that ends like a
//! picture, then the label, then `train`, `test`, `val` or nothing. Paths are below the list's folder or
//! absolute. A first line such as `path,label` is a heading; empty lines and those with `#` are passed
//! over. A picture that is not there is skipped like any that cannot be read.

use std::path::Path;

use super::folder::{Files, is_picture};
use super::part::Part;
use super::table::{Side, Table, from_words};
use crate::error::Result;

/// The longest list that is read: ten million lines or more.
const LARGEST: u64 = 1 << 30;
const HEADINGS: [&str; 6] = ["path", "file", "filename", "file_name", "image", "image_path"];

/// Reads the list `file`, whose paths are below `root`.
pub(super) fn list(file: &Part, root: &Path) -> Result<Table> {
    let bytes = file.bytes(LARGEST)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        file.wrong(format!("line {line} is not text (UTF-8); a list has the path of one picture a line"))
    })?;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = separator(&lines());
    let (mut files, mut words, mut sides) = (Vec::new(), Vec::new(), Vec::new());
    for (at, line) in lines().enumerate() {
        let mut fields = split(line).into_iter();
        let path = fields.next().unwrap_or_default();
        if at == 0 && HEADINGS.contains(&path.to_lowercase().as_str()) {
            continue;
        }
        files.push(path.into());
        words.push(fields.next().filter(|label| !label.is_empty()).map(str::to_owned));
        sides.push((fields.next().map_or(Side::Plain, Side::of), 1));
    }
    if files.is_empty() {
        return Err(
            file.wrong("no line of this list names a picture; a list has the path of one picture a line")
        );
    }
    let (classes, labels) = from_words(&words);
    let pictures = Box::new(Files { root: root.to_owned(), files });
    Ok(Table { classes, labels, sides, pictures, notices: Vec::new() })
}

/// How lines come apart.
fn separator<'a>(lines: &(impl Iterator<Item = &'a str> + Clone)) -> fn(&str) -> Vec<&str> {
    if lines.clone().any(|line| line.contains('\t')) {
        return |line| line.split('\t').map(str::trim).collect();
    }
    if lines.clone().any(|line| line.contains(',')) {
        return |line| line.split(',').map(|field| field.trim().trim_matches('"')).collect();
    }
    // Names may hold spaces: only what follows a whole name is a label.
    fn words(line: &str) -> Vec<&str> {
        match line.rsplit_once(char::is_whitespace) {
            Some((path, label)) if is_picture(Path::new(path.trim_end())) => vec![path.trim_end(), label],
            _ => vec![line],
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Table {
        list(&Part::memory("list.txt".into(), text.into()), Path::new("/data")).unwrap()
    }

    #[test]
    fn tabs_commas_and_spaces_are_told_apart() {
        let plain = read("# mine\na b.png\n\nc.jpg\r\n");
        assert_eq!((plain.pictures.name(0).as_str(), plain.pictures.name(1).as_str()), ("a b.png", "c.jpg"));
        assert!(plain.classes.is_empty());
        let spaced = read("n01/a b.JPEG 0\nn02/c.jpg 1\nd.png");
        assert_eq!(spaced.pictures.name(0), "n01/a b.JPEG");
        assert_eq!(spaced.labels, [Some(0), Some(1), None]);
        let commas = read("path,label,split\na b.png, cat ,train\n\"c.png\",dog,test\n");
        assert_eq!(
            (commas.labels.len(), commas.classes.as_slice()),
            (2, &["cat".to_owned(), "dog".to_owned()][..])
        );
        assert_eq!(commas.sides, [(Side::Train, 1), (Side::Held("test"), 1)]);
        assert_eq!(commas.pictures.name(1), "c.png");
        let tabs = read("a,b.png\tx\n");
        assert_eq!(tabs.pictures.name(0), "a,b.png");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let fail =
            |bytes: &[u8]| list(&Part::memory("l.txt".into(), bytes.to_vec()), Path::new("")).err().unwrap();
        assert!(fail(b"a.png\n\xff\xfe").to_string().contains("line 2"));
        assert!(fail(b"# nothing\n").to_string().contains("one picture a line"));
        assert!(fail(b"path,label\n").to_string().contains("one picture a line"));
    }
}
