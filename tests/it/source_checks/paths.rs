//! The paths that code names: `use` groups are spread out, and `self` and `super` resolved.

use super::words::Token;

/// A path and the line where it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
}

/// Every path in the code, each once; a single word is not a path.
pub(super) fn paths(code: &[Token]) -> Vec<Named> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(token) = code.get(at) {
        if token.is_word() && code.get(at + 1).is_some_and(|next| next.is("::")) {
            let mut spread = Vec::new();
            at = spread_out(code, at, &[], &mut spread);
            found.extend(spread.into_iter().map(|path| Named { line: token.line, path }));
        } else {
            at += 1;
        }
    }
    found
}

/// Collects what the tree at `at` names (a word, `*`, or a group), and gives the place after it.
fn spread_out(code: &[Token], at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let is = |at: usize, text: &str| code.get(at).is_some_and(|t| t.is(text));
    if is(at, "{") {
        let mut at = at + 1;
        while at < code.len() && !is(at, "}") {
            at = spread_out(code, at, before, found);
            while at < code.len() && !is(at, ",") && !is(at, "}") {
                at += 1; // `as name`
            }
            at += usize::from(is(at, ","));
        }
        return at + 1;
    }
    let Some(token) = code.get(at) else { return at };
    let path = [before, std::slice::from_ref(&token.text)].concat();
    let goes_on = code.get(at + 2).is_some_and(|t| t.is_word() || t.is("*") || t.is("{"));
    if is(at + 1, "::") && goes_on {
        return spread_out(code, at + 2, &path, found);
    }
    found.push(path);
    at + 1
}

/// The modules of a source file, from the root of the crate: `src/gpu/plan.rs` is `gpu`, `plan`.
pub(super) fn module_of(shown: &str) -> Vec<String> {
    let inside = shown.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| !["mod", "lib", "main"].contains(part));
    parts.map(str::to_owned).collect()
}

/// A path from the root of the crate, if it leads through `crate`, `self` or `super`.
pub(super) fn from_root(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => from_root(&[&["crate".to_owned()], module, &path[1..]].concat(), module),
        "super" => {
            let kept = module.len().checked_sub(supers).expect("no path climbs over the root");
            Some([&module[..kept], &path[supers..]].concat())
        }
        _ => None,
    }
}

#[test]
fn groups_are_spread_and_super_is_resolved() {
    let text = "use crate::{error::{Error, Result}, gpu as g, ops::*};
        fn f() -> ::std::io::Result<()> { $crate::data::x(); Vec::<u8>::new(); self::a(); super::super::b::c() }";
    let code = super::words::tokens(text);
    let shown: Vec<String> = paths(&code).iter().map(|n| n.path.join("::")).collect();
    for wanted in [
        "crate::error::Error",
        "crate::error::Result",
        "crate::gpu",
        "crate::ops::*",
        "std::io::Result",
        "crate::data::x",
        "super::super::b::c",
    ] {
        assert!(shown.iter().any(|path| path == wanted), "{wanted} is not in {shown:?}");
    }
    let words = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let module = module_of("src/method/swav/report.rs");
    assert_eq!(module, words("method::swav::report"));
    assert_eq!(module_of("src/gpu/mod.rs"), words("gpu"));
    assert_eq!(from_root(&words("super::super::super::ops::x"), &module), Some(words("ops::x")));
    assert_eq!(from_root(&words("self::x"), &module), Some(words("method::swav::report::x")));
    assert_eq!(from_root(&words("wgpu::Device"), &module), None);
}
