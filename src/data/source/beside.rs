//! Labels from a table that lies among the pictures of a folder, as Kaggle (`train.csv`) and Hugging Face
//! (`train/metadata.csv`) ship them. It is asked only where the folders themselves tell no classes.

use std::path::{Path, PathBuf};

use super::Source;
use super::layout::Layout;
use super::left::Left;
use super::list;
use super::locate::Index;
use super::look::{by_name, standing};
use super::part::Part;
use super::table::{Side, from_words};

/// The bytes that a table may have.
const LARGEST: u64 = 256 << 20;

/// Labels the pictures of `layout`, which are below `root`, and says by which table; `left` no longer counts that.
pub(super) fn label(root: &Path, layout: &mut Layout, left: &mut Left) {
    let index = Index::new(&layout.files);
    let mut words: Vec<Option<String>> = vec![None; layout.files.len()];
    let mut sides = vec![Side::Plain; layout.files.len()];
    let mut used = Vec::new();
    for file in tables(root) {
        let Some(found) = read(root, &file, &index) else { continue };
        for (at, word, side) in found {
            words[at] = words[at].take().or(word);
            sides[at] = side;
        }
        used.push(file);
    }
    let (classes, labels) = from_words(&words);
    let known = labels.iter().flatten().count();
    // A text or a number of its own for each picture tells no classes.
    if classes.len() < 2 || 2 * classes.len() > known {
        return;
    }
    let names: Vec<String> = used.iter().map(|file| file.display().to_string()).collect();
    let all = layout.files.len();
    layout.notices.push(format!("classes are those of {}, for {known} of {all} pictures", names.join(", ")));
    used.iter().for_each(|file| left.used(file));
    (layout.classes, layout.labels) = (classes, labels);
    if layout.sides.iter().all(|(side, _)| *side == Side::Plain)
        && sides.iter().any(|side| *side != Side::Plain)
    {
        layout.sides = sides.into_iter().map(|side| (side, 1)).collect();
    }
}

/// The tables in a folder and in those that stand in it, relative to it.
fn tables(root: &Path) -> Vec<PathBuf> {
    let is_table = |file: &PathBuf| {
        let small = file.metadata().is_ok_and(|found| found.len() <= LARGEST);
        let text = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
        small && !text && by_name(file) == Some(Source::List)
    };
    let Ok((files, folders)) = standing(root) else { return Vec::new() };
    let deeper = folders.iter().filter_map(|folder| standing(folder).ok()).flat_map(|(files, _)| files);
    let all = files.into_iter().chain(deeper).filter(is_table);
    all.filter_map(|file| Some(file.strip_prefix(root).ok()?.to_owned())).collect()
}

/// What a table says of the pictures of the folder: their places, labels and sides. None where most of its lines name
/// others, or nothing has a label.
fn read(root: &Path, file: &Path, index: &Index) -> Option<Vec<(usize, Option<String>, Side)>> {
    let part = Part::file(&root.join(file), root).ok()?;
    let listed = list::read(&part).ok()?;
    let folder = file.parent().map(|folder| folder.to_string_lossy().replace('\\', "/")).unwrap_or_default();
    let near = if folder.is_empty() { list::near(&part.name).to_owned() } else { folder };
    let rows = listed.names.iter().zip(listed.words).zip(listed.sides);
    let found: Vec<_> =
        rows.filter_map(|((name, word), side)| Some((index.find(name, &near)?, word, side))).collect();
    let labelled = found.iter().any(|(_, word, _)| word.is_some());
    (labelled && 2 * found.len() > listed.names.len()).then_some(found)
}

#[cfg(test)]
mod tests {
    use crate::data::Dataset;
    use crate::data::testing::encode;
    use image::{ImageFormat, RgbImage};

    fn set(files: &[&str], tables: &[(&str, &str)]) -> (Dataset, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        files.iter().for_each(|name| put(name, &encode(RgbImage::new(2, 2), ImageFormat::Png)));
        tables.iter().for_each(|(name, text)| put(name, text.as_bytes()));
        (Dataset::open(Some(folder.path())).unwrap(), folder)
    }

    fn classes(set: &Dataset) -> Vec<Option<&str>> {
        (0..set.len() as u32).map(|picture| set.class_of(picture)).collect()
    }

    #[test]
    fn a_table_beside_the_pictures_gives_their_classes() {
        // Kaggle: ids without endings, a test part that the table does not name, a sample of what to hand in.
        let files = ["train/1.png", "train/2.png", "train/3.png", "train/4.png", "test/5.png"];
        let rows = "id,breed\n1,pug\n2,boxer\n3,pug\n4,boxer\n";
        let (kaggle, _kept) =
            set(&files, &[("labels.csv", rows), ("sample_submission.csv", "id,boxer,pug\n5,0.5,0.5\n")]);
        let pug = Some("pug");
        assert_eq!(
            classes(&kaggle),
            [None, pug, Some("boxer"), pug, Some("boxer")],
            "{:?}",
            kaggle.notices()
        );
        let said = kaggle.notices().join("\n");
        assert!(said.contains("classes are those of labels.csv, for 4 of 5 pictures"), "{said}");
        // Hugging Face: a table in each part's folder.
        let of = |side: &str| format!("file_name,label\n1.png,{side}a\n2.png,b\n3.png,b\n4.png,{side}a\n");
        let files: Vec<String> = ["train", "test"]
            .iter()
            .flat_map(|side| (1..=4).map(move |n| format!("{side}/{n}.png")))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let tables = [("train/metadata.csv", of("")), ("test/metadata.csv", of(""))];
        let tables: Vec<(&str, &str)> = tables.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let (hub, _kept) = set(&files, &tables);
        let [a, b] = [Some("a"), Some("b")];
        assert_eq!(classes(&hub), [a, b, b, a, a, b, b, a]);
        assert_eq!((hub.splits()[0].name.as_str(), hub.splits()[0].bank.len()), ("test", 4));
        assert!(!hub.notices().join("\n").contains("left out"), "{:?}", hub.notices());
    }

    #[test]
    fn a_table_that_tells_no_classes_is_left_out() {
        let files = ["1.png", "2.png", "3.png", "4.png"];
        for table in [
            "id,label\n7,a\n8,b\n9,a\n",                 // other pictures
            "id,label\n1,one\n2,two\n3,three\n4,four\n", // a text for each
            "file,width\n1.png,2\n2.png,2\n",            // no labels
            "\"",
        ] {
            let (set, _kept) = set(&files, &[("notes.csv", table)]);
            assert!(set.classes().is_empty(), "{table}");
            assert!(set.notices().join("\n").contains("1 .csv"), "{table} {:?}", set.notices());
        }
        // Folders speak first.
        let (set, _kept) = set(&["a/1.png", "b/2.png"], &[("t.csv", "id,label\n1,x\n2,y\n")]);
        assert_eq!(set.classes(), ["a", "b"]);
    }
}
