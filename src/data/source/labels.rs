//! Which column of a data file holds the labels, and what its values say: the same for Parquet and Arrow.

use serde_json::Value;

use super::table::{from_numbers, from_words};

/// Names of columns of pictures and of labels, the likeliest first.
pub(super) const PICTURES: [&str; 8] = ["image", "img", "picture", "photo", "pixels", "jpg", "png", "bytes"];
const LABELS: [&str; 12] = [
    "label",
    "labels",
    "fine_label",
    "class",
    "target",
    "cls",
    "category",
    "y",
    "coarse_label",
    "class_name",
    "label_name",
    "species",
];
/// Pictures from which on words that differ for each are texts, not classes.
const TEXTS: usize = 20;

/// What the values of a column are, as far as it matters for labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, truth values or words.
    Usable,
    /// Something else, in words.
    Other(&'static str),
}

/// The values of a column, a row each; `None` for nulls.
pub(super) enum Values {
    Numbers(Vec<Option<i64>>),
    Decimals(Vec<Option<f64>>),
    Truths(Vec<Option<bool>>),
    Words(Vec<Option<String>>),
    Nothing,
}

/// The features that Hugging Face's libraries describe in a schema's entry `huggingface`.
pub(super) fn features(entry: Option<&str>) -> Value {
    let parsed = entry.and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.map(|mut parsed| parsed["info"]["features"].take()).unwrap_or_default()
}

/// The class names that `features` give for a column.
pub(super) fn names(features: &Value, column: &str) -> Vec<String> {
    let names = features[column]["names"].as_array();
    names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// The column of labels among `columns` (their names and kinds): by its name, else the one that `features`
/// call a class. With it, or without one, what a person should know.
pub(super) fn column(columns: &[(String, Kind)], features: &Value) -> (Option<usize>, Option<String>) {
    let usable = |at: &usize| columns[*at].1 == Kind::Usable;
    let all = |name: &str| {
        (0..columns.len()).filter(move |at| columns[*at].0.eq_ignore_ascii_case(name)).collect::<Vec<_>>()
    };
    let named: Vec<usize> = LABELS.iter().flat_map(|name| all(name)).collect();
    if let Some(at) = named.iter().copied().find(usable) {
        return (Some(at), None);
    }
    let is_class = |at: &usize| features[columns[*at].0.as_str()]["_type"] == "ClassLabel";
    if let Some(at) = (0..columns.len()).filter(usable).find(is_class) {
        return (Some(at), None);
    }
    // A list within a column is called `label.list.element`.
    let within = |name: &str| columns.iter().position(|(path, _)| path.split('.').next() == Some(name));
    let seen = named.first().copied().or_else(|| LABELS.iter().find_map(|name| within(name)));
    if let Some((path, Kind::Other(what))) = seen.map(|at| &columns[at]) {
        let name = path.split('.').next().unwrap_or(path);
        return (
            None,
            Some(format!(
                "the column `{name}` holds {what}, which are no labels: a label is one number or word"
            )),
        );
    }
    let names: Vec<&str> =
        columns.iter().map(|(name, _)| name.as_str()).filter(|name| !name.ends_with("path")).collect();
    if names.is_empty() {
        return (None, None);
    }
    let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let notice =
        format!("no labels: none of the other columns ({shown}) is called label, class, target or alike");
    (None, Some(notice))
}

/// The labels of several files, one after another.
#[derive(Default)]
pub(super) struct Gathered {
    numbers: Vec<Option<i64>>,
    words: Vec<Option<String>>,
    names: Vec<String>,
    notice: Option<String>,
}

impl Gathered {
    /// Adds `rows` rows; `names` are those of classes by number, `notice` what a person should know. Of many
    /// files the first speaks for all.
    pub(super) fn add(&mut self, values: Values, rows: usize, names: Vec<String>, notice: Option<String>) {
        let wanted = self.words.len() + rows;
        let notice = notice.or(match values {
            Values::Numbers(found) => self.numbers(found),
            Values::Decimals(found) => match found.iter().flatten().find(|value| value.fract() != 0.0) {
                None => {
                    self.numbers(found.into_iter().map(|value| value.map(|value| value as i64)).collect())
                }
                Some(value) => Some(format!(
                    "no labels: their column holds numbers such as {value}, which are no classes"
                )),
            },
            Values::Truths(found) => {
                self.words.extend(found.into_iter().map(|value| value.map(|value| value.to_string())));
                None
            }
            Values::Words(found) => {
                self.words.extend(found);
                None
            }
            Values::Nothing => None,
        });
        self.words.resize(wanted, None);
        self.numbers.resize(wanted, None);
        if self.names.is_empty() {
            self.names = names;
        }
        self.notice = self.notice.take().or(notice);
    }

    fn numbers(&mut self, found: Vec<Option<i64>>) -> Option<String> {
        self.words.extend(found.iter().map(|number| number.map(|number| number.to_string())));
        self.numbers.extend(found);
        None
    }

    /// Classes, one entry a row, and what a person should know.
    pub(super) fn classes(self) -> (Vec<String>, Vec<Option<u32>>, Option<String>) {
        let labelled = self.words.iter().flatten().count();
        if self.numbers.iter().flatten().count() == labelled {
            let (classes, labels) = from_numbers(&self.numbers, self.names);
            return (classes, labels, self.notice);
        }
        let (classes, labels) = from_words(&self.words);
        if labelled >= TEXTS && classes.len() == labelled {
            let notice =
                format!("no labels: every picture has a text of its own, such as `{}`", short(&classes[0]));
            return (Vec::new(), vec![None; labels.len()], Some(notice));
        }
        (classes, labels, self.notice)
    }
}

/// The beginning of a text.
fn short(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(all: &[(&str, Kind)]) -> Vec<(String, Kind)> {
        all.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
    }

    #[test]
    fn labels_are_found_by_name_and_by_what_features_say() {
        let features =
            features(Some(r#"{"info":{"features":{"kind":{"names":["a","b"],"_type":"ClassLabel"}}}}"#));
        let found = |all: &[(&str, Kind)]| column(&columns(all), &features);
        assert_eq!(found(&[("id", Kind::Usable), ("Label", Kind::Usable)]), (Some(1), None));
        assert_eq!(found(&[("id", Kind::Usable), ("kind", Kind::Usable)]), (Some(1), None));
        assert_eq!(names(&features, "kind"), ["a", "b"]);
        let (none, notice) = found(&[("label.list.element", Kind::Other("lists"))]);
        assert!(none.is_none() && notice.unwrap().contains("`label` holds lists"));
        let (none, notice) = found(&[("caption", Kind::Usable), ("image.path", Kind::Usable)]);
        assert!(none.is_none() && notice.unwrap().contains("(caption)"));
        assert_eq!(found(&[("image.path", Kind::Usable)]), (None, None));
        assert_eq!(super::features(Some("{")), Value::Null);
    }

    #[test]
    fn values_of_every_type_become_classes_or_a_notice() {
        let of = |values, rows| {
            let mut all = Gathered::default();
            all.add(values, rows, Vec::new(), None);
            all.classes()
        };
        let (classes, labels, notice) = of(Values::Truths(vec![Some(true), Some(false), None]), 3);
        assert_eq!(
            (classes.as_slice(), labels),
            (&["false", "true"].map(String::from)[..], vec![Some(1), Some(0), None])
        );
        assert!(notice.is_none());
        let (classes, labels, _) = of(Values::Decimals(vec![Some(2.0), Some(0.0)]), 3);
        assert_eq!(
            (classes.as_slice(), labels),
            (&["0", "2"].map(String::from)[..], vec![Some(1), Some(0), None])
        );
        let (classes, _, notice) = of(Values::Decimals(vec![Some(0.25), Some(0.0)]), 2);
        assert!(classes.is_empty() && notice.unwrap().contains("0.25"));
        let texts = (0..30).map(|i| Some(format!("a picture of {i}"))).collect();
        let (classes, labels, notice) = of(Values::Words(texts), 30);
        assert!(classes.is_empty() && labels.len() == 30 && notice.unwrap().contains("a text of its own"));
    }
}
