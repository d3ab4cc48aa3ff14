//! What the columns of a table mean, by their headings and by what stands in them.

use csv::StringRecord;

use super::folder::is_picture;
use super::sides::Side;

/// Headings of columns of paths, the likeliest first, without case, spaces and signs.
const PATHS: [&str; 25] = [
    "filepath",
    "imagepath",
    "imgpath",
    "path",
    "filename",
    "file",
    "imagefile",
    "imagename",
    "imgname",
    "image",
    "img",
    "picture",
    "photo",
    "relpath",
    "relativepath",
    "fname",
    "src",
    "uri",
    "imageid",
    "imgid",
    "idcode",
    "fileid",
    "photoid",
    "id",
    "name",
];
/// Headings of labels, likewise.
const LABELS: [&str; 28] = [
    "label",
    "labels",
    "class",
    "classname",
    "classlabel",
    "labelname",
    "finelabel",
    "target",
    "targets",
    "category",
    "categoryname",
    "cls",
    "species",
    "breed",
    "diagnosis",
    "groundtruth",
    "gt",
    "dx",
    "tag",
    "annotation",
    "y",
    "level",
    "classid",
    "labelid",
    "categoryid",
    "genre",
    "type",
    "coarselabel",
];
/// Headings of the part of the set, likewise.
const SIDES: [&str; 9] =
    ["split", "set", "subset", "partition", "usage", "phase", "datasplit", "part", "traintest"];

/// Where a row has its path, its label and its part of the set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) path: usize,
    pub(super) label: Label,
    pub(super) side: Option<usize>,
    /// Whether the first row is headings.
    pub(super) headed: bool,
    /// What a person should know.
    pub(super) notice: Option<String>,
}

/// Where labels stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Label {
    None,
    Column(usize),
    /// A column a class, with 1 in that of the picture and 0 in all others.
    OneHot(Vec<(usize, String)>),
}

impl Label {
    /// The label of a row.
    pub(super) fn of(&self, row: &StringRecord) -> Option<String> {
        match self {
            Self::None => None,
            Self::Column(at) => row.get(*at).filter(|label| !label.is_empty()).map(str::to_owned),
            Self::OneHot(columns) => {
                let is = |at: usize, wanted: f64| {
                    row.get(at).and_then(|text| text.parse().ok()).is_some_and(|number: f64| number == wanted)
                };
                let mut hot = columns.iter().filter(|(at, _)| is(*at, 1.0));
                let (one, others) = (hot.next()?, hot.next());
                let rest = columns.iter().filter(|(at, _)| is(*at, 0.0)).count();
                (others.is_none() && rest + 1 == columns.len()).then(|| one.1.clone())
            }
        }
    }
}

/// A heading without case, spaces and signs.
fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a row is headings: it has a usual word, and no picture.
pub(super) fn are(row: &StringRecord) -> bool {
    let known = |heading: String| PATHS.contains(&&*heading) || LABELS.contains(&&*heading);
    !row.iter().any(|field| is_picture(field.as_ref())) && row.iter().map(plain).any(known)
}

/// Reads the meaning of a table's columns from its first rows.
pub(super) fn read(sample: &[StringRecord], may_be_headed: bool) -> Columns {
    let width = sample.iter().map(StringRecord::len).max().unwrap_or(0);
    let first: Vec<String> = sample.first().into_iter().flatten().map(plain).collect();
    // The keys of JSON are headings whatever they are.
    let headed = !may_be_headed || sample.first().is_some_and(are);
    let rows = &sample[usize::from(headed).min(sample.len())..];
    let named = |words: &[&str], fits: &dyn Fn(usize) -> bool| {
        let at = |word: &&str| (0..first.len()).find(|&at| first[at] == **word && fits(at));
        if headed { words.iter().find_map(at) } else { None }
    };
    let share = |at: usize, is: &dyn Fn(&str) -> bool| {
        let all = rows.iter().filter_map(|row| row.get(at)).filter(|field| !field.is_empty());
        let (count, good) =
            all.fold((0, 0), |(count, good), field| (count + 1, good + usize::from(is(field))));
        count > 0 && 2 * good > count
    };
    let is_paths = |at: usize| share(at, &|field| is_picture(field.as_ref()));
    let path = named(&PATHS, &is_paths)
        .or_else(|| (0..width).find(|&at| is_paths(at)))
        .or_else(|| named(&PATHS, &|_| true))
        .unwrap_or(0);
    let is_side = |at: usize| at != path && share(at, &|field| Side::of(field) != Side::Plain);
    let both = |at: usize| {
        let sides = || rows.iter().filter_map(|row| row.get(at)).map(Side::of);
        sides().any(|side| side == Side::Train) && sides().any(|side| matches!(side, Side::Held(_)))
    };
    let side = match headed {
        true => named(&SIDES, &is_side),
        false => (0..width).find(|&at| is_side(at) && (at > 1 || both(at))),
    };
    let heading = |at: usize| sample[0].get(at).unwrap_or("").to_owned();
    // A number for each row, or another name of the picture, is no label.
    let counts = |at: usize| {
        headed
            && (first.get(at).is_none_or(|heading| {
                heading.is_empty()
                    || heading.starts_with("unnamed")
                    || heading == "index"
                    || PATHS.contains(&&**heading)
            }))
    };
    let others: Vec<usize> =
        (0..width).filter(|&at| at != path && Some(at) != side && !counts(at) && !is_paths(at)).collect();
    let hot = || {
        let hot = Label::OneHot(others.iter().map(|&at| (at, heading(at))).collect());
        (headed && others.len() > 1 && !rows.is_empty() && rows.iter().all(|row| hot.of(row).is_some()))
            .then_some(hot)
    };
    let label = match (named(&LABELS, &|at| others.contains(&at)), others.as_slice()) {
        (Some(at), _) => Label::Column(at),
        (None, [only]) => Label::Column(*only),
        (None, [first, ..]) if !headed => Label::Column(*first),
        _ => hot().unwrap_or(Label::None),
    };
    let notice = (label == Label::None && !others.is_empty()).then(|| {
        let names: Vec<String> = others.iter().take(10).map(|&at| heading(at)).collect();
        format!("no labels: none of the columns {} is called label, class or category", names.join(", "))
    });
    Columns { path, label, side, headed, notice }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Columns {
        let rows: Vec<StringRecord> = text.lines().map(|line| line.split(',').collect()).collect();
        read(&rows, true)
    }

    #[test]
    fn columns_are_found_in_any_order_and_by_usual_words() {
        let cases = [
            ("id,filename,label\n1,a.png,x", 1, Some(2), None, true),
            ("label,path\nx,a.png", 1, Some(0), None, true),
            ("Image Path,Class,Split\na.png,x,train", 0, Some(1), Some(2), true),
            ("Unnamed: 0,image,level\n0,10_left,3", 1, Some(2), None, true),
            ("id,has_cactus\n0004be2c.jpg,1", 0, Some(1), None, true),
            ("image_id,label,photo\n5,x,b/5.jpg", 2, Some(1), None, true),
            ("x,a.png\ny,b.png", 1, Some(0), None, false),
            ("a.png,x,train\nb.png,y,test", 0, Some(1), Some(2), false),
            ("a.png,train\nb.png,test", 0, None, Some(1), false),
            ("a.png,train\nb.png,bus", 0, Some(1), None, false),
            ("a.png", 0, None, None, false),
        ];
        for (text, path, label, side, headed) in cases {
            let label = label.map_or(Label::None, Label::Column);
            assert_eq!(of(text), Columns { path, label, side, headed, notice: None }, "{text}");
        }
        let hot = of("image,MEL,NV\na,1.0,0.0\nb,0,1");
        let row = StringRecord::from(vec!["b", "0", "1"]);
        assert_eq!((hot.path, hot.label.of(&row).as_deref()), (0, Some("NV")));
        assert_eq!(hot.label.of(&StringRecord::from(vec!["b", "1", "1"])), None);
        let none = of("path,width,height\na.png,3,4");
        assert!(none.label == Label::None && none.notice.unwrap().contains("width, height"));
    }
}
