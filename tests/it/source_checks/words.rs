//! Rust text as tokens: just enough of the language that no comment and no string is taken for code.

/// A word (a name, a keyword, a number), the contents of a string, or a mark; `::` is one mark.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    kind: Kind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Word,
    Text,
    Mark,
}

impl Token {
    /// Whether this is the word or mark `text`.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }

    pub(crate) fn is_text(&self) -> bool {
        self.kind == Kind::Text
    }
}

/// The tokens of a file.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let (mut found, mut rest, mut line) = (Vec::new(), source, 1);
    while !rest.is_empty() {
        let (length, token) = next(rest);
        let (taken, left) = rest.split_at(length);
        found.extend(token.map(|(kind, text)| Token { line, kind, text: text.to_owned() }));
        line += taken.matches('\n').count();
        rest = left;
    }
    found
}

/// How many bytes the first thing of a text takes, and which token it is.
fn next(rest: &str) -> (usize, Option<(Kind, &str)>) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let first = rest.chars().next().unwrap_or(' ');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some((open, hashes)) = raw_string(rest) {
        let close = format!("\"{}", &"#".repeat(hashes));
        let length = rest[open..].find(&close).unwrap_or(rest.len() - open);
        let end = (open + length + close.len()).min(rest.len());
        return (end, Some((Kind::Text, &rest[open..open + length])));
    }
    if first == '"' {
        let length = quoted(&rest[1..], '"');
        return ((length + 2).min(rest.len()), Some((Kind::Text, &rest[1..=length])));
    }
    if first == '\'' {
        // 'x' and '\n' are characters, 'a is a lifetime.
        let inside = &rest[1..];
        let second = inside.chars().nth(1);
        let character = inside.starts_with('\\') || second == Some('\'');
        return (if character { quoted(inside, '\'') + 2 } else { 1 }, None);
    }
    if is_word(first) {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return (length, Some((Kind::Word, &rest[..length])));
    }
    if rest.starts_with("::") {
        return (2, Some((Kind::Mark, "::")));
    }
    let length = first.len_utf8();
    (length, (!first.is_whitespace()).then(|| (Kind::Mark, &rest[..length])))
}

/// Bytes up to the closing quote; a backslash hides the character after it.
fn quoted(inside: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in inside.char_indices() {
        if c == quote && !hidden {
            return at;
        }
        hidden = c == '\\' && !hidden;
    }
    inside.len()
}

/// Bytes of a comment that starts here; block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        let step = if rest[at..].starts_with("/*") {
            depth += 1;
            2
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where the contents of a raw string start that begins here, and how many `#` it has.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let after = rest[prefix.len()..].trim_start_matches('#');
    let hashes = rest.len() - prefix.len() - after.len();
    after.starts_with('"').then_some((prefix.len() + hashes + 1, hashes))
}

/// Drops every item under `#[cfg(test)]`.
pub(crate) fn library_code(tokens: &[Token]) -> Vec<Token> {
    const MARKER: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut rest) = (Vec::new(), tokens);
    while let Some(token) = rest.first() {
        let marked = rest.len() >= MARKER.len() && MARKER.iter().zip(rest).all(|(mark, t)| t.is(mark));
        if marked {
            rest = &rest[MARKER.len()..];
            rest = &rest[item(rest)..];
        } else {
            kept.push(token.clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// How many tokens the item takes that starts here: up to its `;`, or the end of its braces.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            _ if token.is_text() => {}
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token.is("}") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = r##"
        use a; // wgpu::x
        /* wgpu /* nested */ wgpu */ let s = "wgpu // \" wgpu"; /// doc wgpu
        let r = r#"raw "wgpu" "#; let c = ('"', '\'', b'"', '/'); fn f<'wgpu_not>(x: &'a str) {}
        let after = "//"; wgpu::last();
    "##;
    let words: Vec<_> = tokens(text).into_iter().filter(Token::is_word).collect();
    let hits: Vec<_> = words.iter().filter(|t| t.text == "wgpu").map(|t| t.line).collect();
    assert_eq!(hits, [5], "{words:?}");
    let texts: Vec<_> = tokens(text).into_iter().filter(Token::is_text).map(|t| t.text).collect();
    assert_eq!(texts, ["wgpu // \\\" wgpu", "raw \"wgpu\" ", "//"]);
}

#[test]
fn unit_tests_are_left_out_and_nothing_else() {
    let text = r#"
        #[cfg(test)] #[path = "x_tests.rs"] mod tests;
        one();
        #[cfg(test)] fn helper(x: [u8; 3]) -> bool { if a { "}" } else { b } }
        two();
        #[cfg(test)] mod inner { fn f() { {} } }
        #[cfg(not(test))] three();
    "#;
    let code = library_code(&tokens(text));
    let has = |word: &str| code.iter().any(|t| t.is(word));
    assert!(has("one") && has("two") && has("three"), "{code:?}");
    assert!(!has("tests") && !has("helper") && !has("inner"), "{code:?}");
}
