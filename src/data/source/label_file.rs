//! Labels of a file that a person names, to judge by what was learned where the pictures themselves have none. The file is
//! read like any list of pictures; only who is meant is asked more strictly, because a wrong label would go unseen.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::dataset::Listing;
use super::list::{self, Listed};
use super::locate::{Index, Meant};
use super::part::Part;
use super::table::{Side, from_words, parts};
use super::wrong;
use crate::error::Result;
use crate::words::counted;

/// What a file of labels said of the pictures of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelFile {
    /// The file.
    pub file: PathBuf,
    /// Classes that it gives pictures.
    pub classes: usize,
    /// Pictures that have a label of it.
    pub labelled: usize,
    /// Pictures of the set.
    pub pictures: usize,
    /// Lines of it that name no picture of the set.
    pub unmatched: usize,
    /// The first of these lines, counted from 1, and the name in it.
    pub first_unmatched: Option<(u64, String)>,
}

impl fmt::Display for LabelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, classes, labelled, pictures, unmatched, first_unmatched } = self;
        write!(
            f,
            "labels of {}: {labelled} of {} in {}",
            file.display(),
            counted(*pictures, "picture"),
            counted(*classes, "class")
        )?;
        match first_unmatched {
            Some((line, name)) if *unmatched == 1 => {
                write!(f, "; line {line} names no picture here (`{name}`)")
            }
            Some((line, name)) => {
                write!(f, "; {unmatched} lines name no picture here, the first is line {line} (`{name}`)")
            }
            None => Ok(()),
        }
    }
}

/// What a good line looks like.
const LINE: &str = "a line is the path or the file name of a picture, a comma, and its label";

/// The pictures of `listing` with the labels of `file`, and what that said.
pub(in super::super) fn label(listing: &Listing, file: &Path) -> Result<(Listing, LabelFile)> {
    if file.is_dir() {
        return Err(wrong(file, format!("this is a folder; name a file of labels, in which {LINE}")));
    }
    let listed = list::read(&Part::file(file, Path::new(""))?)?;
    if listed.names.is_empty() {
        return Err(wrong(file, format!("no line of it names a picture; {LINE}")));
    }
    if listed.words.iter().all(Option::is_none) {
        let reason = match listed.notice {
            Some(notice) => format!("{notice}; write `label` over the column of labels"),
            None => format!("no line of it has a label; {LINE}"),
        };
        return Err(wrong(file, reason));
    }
    let found = match_up(listing, file, &listed)?;
    let (classes, labels) = from_words(&found.words);
    let said = LabelFile {
        file: file.to_owned(),
        classes: classes.len(),
        labelled: labels.iter().flatten().count(),
        pictures: labels.len(),
        unmatched: found.unmatched,
        first_unmatched: found.first_unmatched,
    };
    if classes.len() < 2 {
        let which = match classes.first() {
            Some(only) => format!("every picture that it gives a label is `{only}`"),
            None => "it gives none of these pictures a label".to_owned(),
        };
        return Err(wrong(file, format!("{which}; judging needs two classes or more")));
    }
    let sides = sides(listing, found.sides);
    let name = |picture: u32| listing.pictures.name(picture);
    let (_, splits) = parts(classes.len(), &labels, &sides, name);
    // A file may say who is in which part and leave one of them empty.
    if !splits.iter().any(|split| !split.bank.is_empty() && !split.queries.is_empty()) {
        let reason = "nobody is left to be asked about: a class needs two pictures with its label, and where there are \
                      parts (train, test), each needs some";
        return Err(wrong(file, reason));
    }
    Ok((Listing { classes, labels, splits, ..listing.clone() }, said))
}

/// What the lines of a file say of the pictures.
struct Matched {
    /// The label of each picture.
    words: Vec<Option<String>>,
    /// The part of the set that each is in.
    sides: Vec<Side>,
    unmatched: usize,
    first_unmatched: Option<(u64, String)>,
}

/// Finds the picture of each line.
fn match_up(listing: &Listing, file: &Path, listed: &Listed) -> Result<Matched> {
    let count = listing.labels.len();
    let names: Vec<PathBuf> =
        (0..count as u32).map(|picture| listing.pictures.name(picture).into()).collect();
    let (index, near) = (Index::new(&names), list::near(&file.to_string_lossy()).to_owned());
    let mut found = Matched {
        words: vec![None; count],
        sides: vec![Side::Plain; count],
        unmatched: 0,
        first_unmatched: None,
    };
    // The line that spoke of a picture first.
    let mut spoken = vec![0; count];
    for (at, name) in listed.names.iter().enumerate() {
        let line = listed.lines[at];
        let picture = match index.meant(name, &near) {
            Meant::One(picture) => picture,
            Meant::Several(one, other) => {
                let [one, other] = [one, other].map(|picture| names[picture].display());
                let reason = format!(
                    "line {line}: `{name}` may be `{one}` or `{other}`; write which, as a path below the folder of the \
                     pictures with its ending"
                );
                return Err(wrong(file, reason));
            }
            Meant::Nothing => {
                found.unmatched += 1;
                found.first_unmatched.get_or_insert_with(|| (line, name.clone()));
                continue;
            }
        };
        let Some(word) = &listed.words[at] else { continue };
        if let Some(before) = found.words[picture].as_ref().filter(|before| *before != word) {
            let reason = format!(
                "line {line} gives `{}` the label `{word}`, and line {} gives it `{before}`; keep one of them",
                names[picture].display(),
                spoken[picture]
            );
            return Err(wrong(file, reason));
        }
        (spoken[picture], found.sides[picture]) = (line, listed.sides[at]);
        found.words[picture] = Some(word.clone());
    }
    match &found.first_unmatched {
        Some((line, name)) if found.unmatched == listed.names.len() => {
            let reason = format!(
                "no line of it names a picture of this set: line {line} says `{name}`, and a picture here is called `{}`; \
                 write paths below the folder of the pictures, or file names, and `path` over their column",
                names[0].display()
            );
            Err(wrong(file, reason))
        }
        _ => Ok(found),
    }
}

/// The parts of the set: as the file says, else as the set itself, which kept some pictures from training.
fn sides(listing: &Listing, said: Vec<Side>) -> Vec<(Side, u32)> {
    let mut sides = said;
    if sides.iter().all(|side| *side == Side::Plain) && listing.pretrain.len() < sides.len() {
        sides.fill(Side::Held("test"));
        listing.pretrain.iter().for_each(|&picture| sides[picture as usize] = Side::Train);
    }
    sides.into_iter().map(|side| (side, 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::data::testing::encode;
    use image::{ImageFormat, RgbImage};

    /// A folder with these pictures, beside which label files are written.
    struct Room(tempfile::TempDir);

    impl Room {
        fn with(pictures: &[&str]) -> Self {
            let room = Self(tempfile::tempdir().unwrap());
            for name in pictures {
                let path = room.0.path().join("pics").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, encode(RgbImage::new(2, 2), ImageFormat::Png)).unwrap();
            }
            room
        }

        /// The root of the pictures, as a person would type it.
        fn pics(&self) -> String {
            self.0.path().join("pics").display().to_string()
        }

        fn label(&self, name: &str, text: &str) -> Result<(Dataset, LabelFile)> {
            let file = self.0.path().join(name);
            std::fs::write(&file, text).unwrap();
            Dataset::open(Some(&self.0.path().join("pics"))).unwrap().labelled_by(&file)
        }

        fn refused(&self, text: &str) -> String {
            let message = self.label("l.csv", text).err().unwrap().to_string();
            assert!(message.contains("l.csv: ") && !message.contains('\n'), "{message}");
            message
        }
    }

    fn classes(set: &Dataset) -> Vec<&str> {
        (0..set.len() as u32).map(|picture| set.class_of(picture).unwrap_or("-")).collect()
    }

    #[test]
    fn pictures_are_named_by_full_path_by_relative_path_and_by_file_name() {
        let room = Room::with(&["1.png", "2.png", "deep/3.png", "deep/4.png", "deep/5.png"]);
        let full = room.pics();
        let rows = format!("path,label\n{full}/deep/3.png,cat\n1.png,cat\n./2.png,dog\n");
        let (set, said) = room
            .label("l.csv", &format!("{rows}deep\\4.png,dog\npics/5.png,dog\n9.png,cat\n8.png,cow\n"))
            .unwrap();
        assert_eq!(classes(&set), ["cat", "dog", "cat", "dog", "dog"]);
        assert_eq!(set.classes(), ["cat", "dog"], "no picture has the third");
        assert_eq!((said.classes, said.labelled, said.pictures, said.unmatched), (2, 5, 5, 2));
        let told = said.to_string();
        assert!(
            told.ends_with("l.csv: 5 of 5 pictures in 2 classes; 2 lines name no picture here, the first is line 7 (`9.png`)"),
            "{told}"
        );
        let split = &set.splits()[0];
        assert_eq!((split.name.as_str(), split.bank.len(), split.queries.len()), ("held-out", 3, 2));
        // The same by names without their endings, with tabs, without headings.
        let (bare, said) = room.label("l.tsv", "1\tcat\n2\tdog\n3\tcat\n4\tdog\n5\tdog\n").unwrap();
        assert_eq!((classes(&bare), said.first_unmatched), (classes(&set), None));
    }

    #[test]
    fn what_is_trained_on_stays_and_the_files_labels_take_the_place_of_the_sets_own() {
        let room = Room::with(&["a/1.png", "a/2.png", "b/3.png", "b/4.png", "b/5.png"]);
        let own = Dataset::open(Some(room.pics().as_ref())).unwrap();
        let (set, _) = room.label("l.csv", "1.png,x\n2.png,y\n3.png,x\n4.png,y\n").unwrap();
        assert_eq!((own.pretrain(), classes(&own)), (set.pretrain(), vec!["a", "a", "b", "b", "b"]));
        assert_eq!(classes(&set), ["x", "y", "x", "y", "-"]);
        assert_eq!(set.path_of(2), own.path_of(2));
    }

    #[test]
    fn parts_are_those_of_the_file_or_else_those_that_were_trained_on() {
        let room = Room::with(&["1.png", "2.png", "3.png", "4.png"]);
        let text = "file,label,split\n1.png,x,train\n2.png,y,train\n3.png,x,val\n4.png,y,val\n";
        let (set, _) = room.label("l.csv", text).unwrap();
        assert_eq!((set.splits()[0].name.as_str(), &set.splits()[0].queries[..]), ("val", &[2, 3][..]));
        assert_eq!(set.pretrain().len(), 4);
        let room = Room::with(&["train/1.png", "train/2.png", "test/3.png", "test/4.png"]);
        let (set, _) = room.label("l.csv", "1.png,x\n2.png,y\n3.png,x\n4.png,y\n").unwrap();
        let split = &set.splits()[0];
        assert_eq!((split.name.as_str(), &split.bank[..]), ("test", set.pretrain()));
        assert_eq!((split.queries.len(), set.splits().len()), (2, 1));
    }

    #[test]
    fn what_labels_nothing_is_refused_with_the_way_out() {
        let room = Room::with(&["1.png", "2.png", "x/3.png", "y/3.png", "4.jpg", "4.png"]);
        for (text, words) in [
            ("", &["no line of it names a picture", "a comma, and its label"][..]),
            ("path,label\n", &["no line of it names a picture"]),
            ("1.png\n2.png\n", &["no line of it has a label"]),
            ("path,width,height\n1.png,4,4\n", &["width, height", "write `label` over the column"]),
            ("path,label\n1.png,a\n3.png,b\n", &["line 3: `3.png` may be `", "a path below the folder"]),
            ("1.png,a\n4,b\n", &["line 2: `4` may be `4.jpg` or `4.png`", "with its ending"]),
            ("1.png,a\n2.png,b\n1.png,b\n", &["line 3 gives `1.png` the label `b`", "line 1 gives it `a`"]),
            ("7.png,a\n8.png,b\n", &["no line of it names", "line 1 says `7.png`", "called `1.png`"]),
            ("1.png,a\n2.png,a\n", &["is `a`", "two classes"]),
            ("1.png,a\n2.png,b\n", &["two pictures with its label"]),
            ("path,label\n\"1.png,a\n2.png,b\n", &["line 2", "quote"]),
        ] {
            let message = room.refused(text);
            words.iter().for_each(|word| assert!(message.contains(word), "{text:?}: {word}: {message}"));
        }
        let set = Dataset::open(Some(room.pics().as_ref())).unwrap();
        let folder = set.labelled_by(room.0.path()).err().unwrap().to_string();
        assert!(folder.contains("this is a folder"), "{folder}");
        let gone = set.labelled_by(&room.0.path().join("gone.csv")).err().unwrap().to_string();
        assert!(gone.contains("gone.csv"), "{gone}");
        // The same line twice is no contradiction, and a label that is left empty says nothing.
        let (set, said) =
            room.label("l.csv", "1.png,a\n1.png,a\n2.png,a\nx/3.png,b\ny/3.png,b\n4.png,\n").unwrap();
        assert_eq!((said.labelled, said.unmatched, set.classes().len()), (4, 0, 2));
    }
}
