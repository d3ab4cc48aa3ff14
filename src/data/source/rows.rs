//! Rows of a table of text: CSV with any usual separator, JSON lines, or one name a line.
//!
//! Rows are handed out one at a time, so a list of a million pictures costs its text and what is kept of it.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::folder::is_picture;
use super::headings;
use super::part::Part;
use crate::error::Result;

/// The longest list that is read: ten million lines or more.
const LARGEST: u64 = 1 << 30;
/// Rows by which the separator and the columns are told.
const SAMPLE: usize = 200;
/// Columns that a row of JSON may have.
const COLUMNS: usize = 1000;

/// A table of text.
pub(super) struct Rows {
    file: Part,
    text: String,
    kind: Kind,
}

enum Kind {
    /// Values between separators, in quotes or not.
    Separated(u8),
    /// One JSON object a line, with these keys.
    Json(Vec<String>),
    /// A name a line, and after a space perhaps its label.
    Plain,
}

impl Rows {
    /// Reads the text of `file` and finds out how its rows come apart.
    pub(super) fn read(file: &Part) -> Result<Self> {
        let text = text(file)?;
        let kind = match separator(&text) {
            _ if text.trim_start().starts_with('{') => Kind::Json(keys(&text)),
            Some(separator) => Kind::Separated(separator),
            None => Kind::Plain,
        };
        let text = match kind {
            Kind::Separated(separator) => close_up(text, separator),
            _ => text,
        };
        Ok(Self { file: file.clone(), text, kind })
    }

    /// The first rows; of JSON, the keys come before them.
    pub(super) fn sample(&self) -> Result<Vec<StringRecord>> {
        let mut rows = Vec::new();
        if let Kind::Json(keys) = &self.kind {
            rows.push(StringRecord::from(keys.clone()));
        }
        self.each(|_, row| {
            rows.push(row.clone());
            Ok(rows.len() < SAMPLE)
        })?;
        Ok(rows)
    }

    /// Whether the first row of the text may be headings; JSON has them in every row.
    pub(super) fn starts_with_headings(&self) -> bool {
        !matches!(self.kind, Kind::Json(_))
    }

    /// Hands every row with the number of its line to `take`, until that answers false.
    pub(super) fn each(&self, mut take: impl FnMut(u64, &StringRecord) -> Result<bool>) -> Result<()> {
        match &self.kind {
            Kind::Separated(separator) => self.separated(*separator, take),
            Kind::Json(keys) => {
                for (number, line) in (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim().is_empty())
                {
                    let Ok(serde_json::Value::Object(object)) = serde_json::from_str(line) else {
                        return Err(self.file.wrong(format!("line {number} is not one JSON object")));
                    };
                    let row: StringRecord =
                        keys.iter().map(|key| object.get(key).map_or(String::new(), word)).collect();
                    if !take(number, &row)? {
                        break;
                    }
                }
                Ok(())
            }
            Kind::Plain => {
                for (number, line) in (1..).zip(self.text.lines().map(str::trim)) {
                    if !line.is_empty() && !line.starts_with('#') && !take(number, &spaced(line))? {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    fn separated(
        &self,
        separator: u8,
        mut take: impl FnMut(u64, &StringRecord) -> Result<bool>,
    ) -> Result<()> {
        let mut reader = reader(&self.text, separator);
        let mut row = StringRecord::new();
        loop {
            let more = reader.read_record(&mut row).map_err(|error| self.file.wrong(error.to_string()))?;
            if !more {
                return Ok(());
            }
            let line = row.position().map_or(0, csv::Position::line);
            if row.iter().any(|field| field.contains('\n')) {
                let from = row.position().map_or(0, csv::Position::byte) as usize;
                let to = (reader.position().byte() as usize).min(self.text.len());
                let quotes = self.text.as_bytes()[from..to].iter().filter(|byte| **byte == b'"').count();
                if quotes % 2 == 1 {
                    return Err(self.broken(line));
                }
            }
            if row.iter().any(|field| !field.is_empty()) && !take(line, &row)? {
                return Ok(());
            }
        }
    }

    /// An error about a quote that does not end in its line.
    pub(super) fn broken(&self, line: u64) -> crate::error::Error {
        self.file.wrong(format!(
            "line {line}: a field starts with a quote (\") that does not end in this line; end it there, or write a quote \
             within a field twice"
        ))
    }
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).flexible(true).comment(Some(b'#')).trim(Trim::All);
    builder.from_reader(text.as_bytes())
}

/// The text of a file in UTF-8, or in UTF-16 with its mark, as spreadsheets write it.
fn text(file: &Part) -> Result<String> {
    let bytes = file.bytes(LARGEST)?;
    let wide = |order: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<std::result::Result<String, _>>()
    };
    let wide = match bytes.as_slice() {
        [0xff, 0xfe, ..] => Some(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(wide(u16::from_be_bytes)),
        _ => None,
    };
    if let Some(text) = wide {
        return text.map_err(|_| file.wrong("its mark says UTF-16, but this is no such text: it is damaged"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + whole.iter().filter(|byte| **byte == b'\n').count();
        file.wrong(format!(
            "line {line} is not text (UTF-8); a list has the path of one picture a line, and a spreadsheet saves it as \
             \"CSV UTF-8\""
        ))
    })?;
    // Spreadsheets begin a text with a mark that is no part of the first name.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What stands between the fields, by the first lines; `None` where every line is one name.
fn separator(text: &str) -> Option<u8> {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<&str> = lines.take(SAMPLE).collect();
    let start = lines.join("\n");
    b"\t;,|".iter().copied().find(|separator| {
        let rows: Vec<StringRecord> =
            reader(&start, *separator).into_records().filter_map(std::result::Result::ok).collect();
        let split: Vec<&StringRecord> = rows.iter().filter(|row| row.len() > 1).collect();
        // Names may hold commas: "a, b.png" is one name, and its last piece alone looks like a picture.
        let is_name = |line: &&str| is_picture(line.as_ref());
        let names = lines.iter().all(is_name)
            && split.iter().all(|row| row.iter().take(row.len() - 1).all(|field| !is_name(&field)));
        let pictures = split.iter().any(|row| row.iter().any(|field| is_picture(field.as_ref())));
        let headed = rows.first().is_some_and(|row| row.len() > 1 && headings::are(row));
        !split.is_empty() && !names && (headed || pictures || split.len() == rows.len())
    })
}

/// Takes out the spaces between a separator and a quote, which would otherwise be a part of the field.
fn close_up(text: String, separator: u8) -> String {
    let pair = [separator as char, ' '].iter().collect::<String>();
    if !text.contains(&(pair + "\"")) {
        return text;
    }
    let (mut closed, mut quoted) = (String::with_capacity(text.len()), false);
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        closed.push(letter);
        rest = &rest[letter.len_utf8()..];
        quoted ^= letter == '"';
        if !quoted && letter == separator as char {
            let tail = rest.trim_start_matches(' ');
            if tail.starts_with('"') {
                rest = tail;
            }
        }
    }
    closed
}

/// A name that ends like a picture, and what follows it; names may hold spaces.
fn spaced(line: &str) -> StringRecord {
    let (path, label) = match line.rsplit_once(char::is_whitespace) {
        Some((path, label)) if is_picture(path.trim_end().as_ref()) => (path.trim_end(), Some(label)),
        _ => (line, None),
    };
    std::iter::once(path.trim_matches('"')).chain(label).collect()
}

/// The keys of the first objects, in order of appearance.
fn keys(text: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for line in text.lines().take(SAMPLE) {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(line) else { continue };
        let new: Vec<String> = object.keys().filter(|key| !keys.contains(key)).cloned().collect();
        keys.extend(new);
        if keys.len() > COLUMNS {
            break;
        }
    }
    keys
}

/// A JSON value as a word; lists and objects are none.
fn word(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
        let rows = Rows::read(&Part::memory("list.csv".into(), bytes.to_vec())).unwrap();
        let rows = rows.sample().unwrap();
        rows.iter().map(|row| row.iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn separators_quotes_and_marks_are_told_apart() {
        let cases: [(&[u8], &[&[&str]]); 9] = [
            (b"\xef\xbb\xbfa.png,cat\n", &[&["a.png", "cat"]]),
            (b"path;label\r\na, b.png;cat\r\n", &[&["path", "label"], &["a, b.png", "cat"]]),
            (b"a.png,\"a, b\"\nb.png, \"c \"\"d\"\"\"\n", &[&["a.png", "a, b"], &["b.png", "c \"d\""]]),
            (b"a,b.png\tx\n", &[&["a,b.png", "x"]]),
            (b"a, b.png\nc.png\n", &[&["a, b.png"], &["c.png"]]),
            (b"id,breed\n00a,pug\n", &[&["id", "breed"], &["00a", "pug"]]),
            (b"n01/a b.JPEG 0\nd.png\n", &[&["n01/a b.JPEG", "0"], &["d.png"]]),
            (b"\xff\xfea\0.\0p\0n\0g\0\t\x001\0\n\0", &[&["a.png", "1"]]),
            (
                b"{\"file_name\":\"a.png\",\"label\":3}\n{\"file_name\":\"b.png\",\"ok\":true}\n",
                &[&["file_name", "label", "ok"], &["a.png", "3", ""], &["b.png", "", "true"]],
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(rows(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn one_broken_quote_in_a_million_rows_is_named_by_its_line() {
        let mut text = "path,label\n".to_owned();
        for row in 0..1_000_000 {
            text += if row == 700_000 { "\"a.png,cat\n" } else { "a.png,cat\n" };
        }
        let rows = Rows::read(&Part::memory("list.csv".into(), text.into_bytes())).unwrap();
        let mut seen = 0;
        let error = rows.each(|_, _| {
            seen += 1;
            Ok(true)
        });
        let message = error.unwrap_err().to_string();
        assert!(message.contains("line 700002") && message.contains("quote"), "{message}");
        assert_eq!(seen, 700_001);
    }
}
