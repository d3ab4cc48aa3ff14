//! "Did you mean …?": the nearest known word to a mistyped one.

/// The word that is nearest to `typed`, if one is near enough to be what was meant.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase().replace('-', "_");
    let near = |word: &str| strsim::levenshtein(&typed, &word.replace('-', "_"));
    // A third of the letters may be wrong, or the one may begin with the other (`proto`).
    let worst = (typed.chars().count() / 3).max(1);
    let mut best = None;
    for word in words {
        let begins =
            typed.len() >= 3 && (word.starts_with(&typed) || typed.starts_with(word) && word.len() >= 3);
        let score = if begins { near(word).min(worst) } else { near(word) };
        if score <= worst && best.is_none_or(|(least, _)| score < least) {
            best = Some((score, word));
        }
    }
    best.map(|(_, word)| word)
}
