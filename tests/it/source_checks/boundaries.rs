//! Which module may name which, and what the library never does.

use super::paths::{Named, from_root, module_of, paths};
use super::tree::{files, is_test, read, shown};
use super::words::{Token, library_code, tokens};
use std::path::PathBuf;

/// The modules in the order of the arrow in `src/lib.rs`, and what each may name: only what stands
/// before it, and of that only what it needs.
const ARROW: [(&str, &[&str]); 27] = [
    ("words", &[]),
    ("error", &[]),
    ("pass", &["error"]),
    ("ranks", &["error"]),
    ("rng", &[]),
    ("config", &["error"]),
    ("pickle", &[]),
    ("launch", &[]),
    ("gpu", &["error", "config"]),
    ("ops", &["error", "config", "gpu"]),
    ("selftest", &["error", "gpu", "ops"]),
    ("interop", &["error", "pickle"]),
    ("tune", &["error", "config", "gpu", "ops", "interop"]),
    ("data", &["error", "pass", "rng", "config", "pickle"]),
    ("eval", &["error", "pass", "rng", "data"]),
    ("pages", &["error", "pass", "data", "eval"]),
    ("runs", &["words", "error", "interop"]),
    ("model", &["error", "rng", "config", "gpu", "ops", "interop", "eval"]),
    ("method", &["error", "pass", "ranks", "rng", "config", "gpu", "ops", "interop", "eval", "model"]),
    ("measure", &["error", "pass", "rng", "config", "gpu", "tune", "method"]),
    ("trained", &["error", "pass", "config", "gpu", "interop", "data", "eval", "runs", "model"]),
    (
        "judge",
        &[
            "error", "pass", "rng", "config", "gpu", "ops", "interop", "data", "eval", "model", "method",
            "trained", "measure",
        ],
    ),
    (
        "train",
        &[
            "words", "error", "pass", "ranks", "rng", "config", "gpu", "interop", "data", "eval", "pages",
            "runs", "model", "method", "measure", "trained", "judge",
        ],
    ),
    (
        "uses",
        &[
            "error", "pass", "rng", "config", "gpu", "interop", "data", "eval", "pages", "runs", "model",
            "trained", "judge", "train",
        ],
    ),
    (
        "compare",
        &[
            "error", "pass", "config", "interop", "data", "pages", "runs", "trained", "judge", "train",
            "measure", "uses",
        ],
    ),
    (
        "cli",
        &[
            "words", "error", "pass", "ranks", "config", "gpu", "selftest", "interop", "tune", "data",
            "eval", "pages", "runs", "trained", "judge", "train", "measure", "uses", "compare",
        ],
    ),
    ("main", &["launch", "cli"]),
];

/// What the app may name of the library: modules, and of `gpu` only what describes adapters and times.
const APP_MODULES: [&str; 16] = [
    "compare", "config", "data", "error", "eval", "interop", "judge", "launch", "measure", "pages", "pass",
    "runs", "train", "trained", "tune", "uses",
];
const APP_GPU: [&str; 5] = ["self", "adapters", "AdapterFacts", "Profile", "ProfileRow"];

/// The files of the library and program that are not unit tests.
fn library() -> Vec<PathBuf> {
    files("src", ".rs").into_iter().filter(|path| !is_test(path)).collect()
}

/// Applies a rule to the code of files and lists all that breaks it.
fn refuse(files: &[PathBuf], why: &str, rule: impl Fn(&str, &[Token]) -> Vec<(usize, String)>) {
    let mut found = Vec::new();
    for path in files {
        let code = library_code(&tokens(&read(path)));
        let broken = rule(&shown(path), &code);
        found.extend(broken.into_iter().map(|(line, what)| format!("{}:{line}: {what}", shown(path))));
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

/// The paths of the code for which `breaks` holds.
fn broken_paths(code: &[Token], breaks: impl Fn(&[String]) -> bool) -> Vec<(usize, String)> {
    let shown = |Named { line, path }: Named| (line, path.join("::"));
    paths(code).into_iter().filter(|named| breaks(&named.path)).map(shown).collect()
}

/// The words of the code for which `breaks` holds; it sees the token after the word too.
fn broken_words(code: &[Token], breaks: impl Fn(&str, Option<&Token>) -> bool) -> Vec<(usize, String)> {
    let words = code.iter().enumerate().filter(|(_, token)| token.is_word());
    words
        .filter(|(at, token)| breaks(&token.text, code.get(at + 1)))
        .map(|(_, token)| (token.line, token.text.clone()))
        .collect()
}

/// The top module that a file belongs to; the root file itself has none.
fn top_of(shown: &str) -> Option<String> {
    if shown == "src/main.rs" { Some("main".to_owned()) } else { module_of(shown).into_iter().next() }
}

/// What a file names against the arrow.
fn against_the_arrow(shown: &str, code: &[Token]) -> Vec<(usize, String)> {
    let Some(top) = top_of(shown) else { return Vec::new() };
    let Some((_, allowed)) = ARROW.iter().find(|(name, _)| *name == top) else {
        return vec![(1, format!("the module `{top}` is not in the arrow"))];
    };
    let module = module_of(shown);
    let outside = |path: &[String]| {
        let inner = if path[0] == "swav_wgpu" { Some(path[1..].to_vec()) } else { from_root(path, &module) };
        let head = inner.and_then(|path| path.into_iter().next());
        head.is_some_and(|head| head != top && !allowed.contains(&head.as_str()))
    };
    let mut found = broken_paths(code, outside);
    // `use crate as x` would be a way around.
    let renamed = code.windows(2).filter(|pair| pair[0].is("crate") && pair[1].is("as"));
    found.extend(renamed.map(|pair| (pair[0].line, "crate as".to_owned())));
    found
}

#[test]
fn modules_name_only_what_stands_before_them() {
    refuse(&library(), "the arrow is broken (src/lib.rs)", against_the_arrow);
}

#[test]
fn the_arrow_has_every_module_once_and_points_one_way() {
    for (at, (name, allowed)) in ARROW.iter().enumerate() {
        let before: Vec<&str> = ARROW[..at].iter().map(|(name, _)| *name).collect();
        assert!(!before.contains(name), "{name} stands twice");
        for other in *allowed {
            assert!(before.contains(other), "{name} may not name {other}, which stands after it");
        }
    }
    let there: Vec<String> = library().iter().filter_map(|path| top_of(&shown(path))).collect();
    for (name, _) in ARROW {
        assert!(there.iter().any(|top| top == name), "{name} is not a module of src");
    }
}

#[test]
fn only_gpu_names_wgpu_and_naga() {
    let mut outside = files("src", ".rs");
    outside.retain(|path| !shown(path).starts_with("src/gpu/"));
    outside.extend(files("app", ".rs"));
    refuse(&outside, "only src/gpu may name wgpu or naga", |_, code| {
        broken_words(code, |word, _| word == "wgpu" || word == "naga")
    });
}

/// What the library may not do, outside the command line.
fn forbidden(code: &[Token]) -> Vec<(usize, String)> {
    const MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
    const STREAMS: [&str; 3] = ["stdout", "stderr", "stdin"];
    let mut found = broken_words(code, |word, next| {
        (MACROS.contains(&word) && next.is_some_and(|next| next.is("!"))) || STREAMS.contains(&word)
    });
    found.extend(broken_paths(code, |path| {
        let path = if path[0] == "std" { &path[1..] } else { path };
        path.first().is_some_and(|head| head == "env" || head == "process")
    }));
    found
}

#[test]
fn the_library_neither_prints_nor_exits_nor_reads_the_environment() {
    let mut quiet = library();
    let may =
        |shown: &str| shown.starts_with("src/cli/") || shown == "src/main.rs" || shown == "src/launch.rs";
    quiet.retain(|path| !may(&shown(path)));
    refuse(&quiet, "only src/cli, src/launch.rs and src/main.rs may do this", |_, code| forbidden(code));
}

/// What panics say is the program's to choose. Where guarded ones are kept quiet, only a program asks for it
/// (`hush_guarded_panics`).
#[test]
fn only_a_guard_replaces_the_panic_hook() {
    let mut others = library();
    others.retain(|path| shown(path) != "src/data/guard.rs");
    refuse(&others, "only src/data/guard.rs may do this", |_, code| {
        broken_words(code, |word, _| word == "set_hook" || word == "take_hook")
    });
}

/// What the app names beyond the public engine.
fn beyond_the_engine(code: &[Token]) -> Vec<(usize, String)> {
    let mut found = broken_paths(code, |path| {
        let of_library = path[0] == "swav_wgpu";
        let mut path = path[usize::from(of_library)..].iter().map(String::as_str);
        match (path.next(), path.next()) {
            // A module may be imported and then named without the crate.
            (Some("gpu"), item) => item.is_some_and(|item| !APP_GPU.contains(&item)),
            (Some(module), _) => of_library && !APP_MODULES.contains(&module),
            (None, _) => of_library,
        }
    });
    found.extend(broken_words(code, |word, next| {
        word == "swav_wgpu" && !next.is_some_and(|next| next.is("::"))
    }));
    found
}

#[test]
fn the_app_names_only_the_public_engine() {
    refuse(&files("app", ".rs"), "the app uses the engine, not its parts", |_, code| beyond_the_engine(code));
    let manifest = read(&files("app", "app/Cargo.toml")[0]);
    for line in manifest.lines().map(str::trim_start) {
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
        assert!(!["wgpu", "naga"].contains(&name), "app/Cargo.toml: {line}");
    }
}

#[test]
fn the_rules_see_what_they_should() {
    let code = |text: &str| library_code(&tokens(text));
    let broken = |file: &str, text: &str| against_the_arrow(file, &code(text)).len();
    assert_eq!(broken("src/gpu/shader.rs", "use crate::ops;"), 1);
    assert_eq!(broken("src/gpu/shader.rs", "use crate::{error::Error, ops::SHADERS};"), 1);
    assert_eq!(broken("src/gpu/shader.rs", "use super::super::ops::SHADERS;"), 1);
    assert_eq!(broken("src/gpu/shader.rs", "use super::kernel::Kernel; // crate::ops::x"), 0);
    assert_eq!(broken("src/data/view.rs", "let s = \"crate::gpu::Gpu\"; crate::rng::f()"), 0);
    assert_eq!(broken("src/data/view.rs", "#[cfg(test)] mod tests { use crate::config::Config; }"), 0);
    assert_eq!(broken("src/data/view.rs", "use crate::*;"), 1);
    assert_eq!(broken("src/data/view.rs", "use crate as root;"), 1);
    assert_eq!(broken("src/main.rs", "swav_wgpu::train::x()"), 1);
    assert_eq!(broken("src/new.rs", ""), 1);

    let loud = |text: &str| forbidden(&code(text)).len();
    assert_eq!(loud("println!(\"x\"); std::env::var(\"X\"); use std::{fs, process::exit};"), 3);
    assert_eq!(loud("use std::io::{self, stderr}; io::stdout();"), 2);
    assert_eq!(loud("// println!()\nlet s = \"std::env::var\"; env!(\"X\"); fn print() {}"), 0);

    let app = |text: &str| beyond_the_engine(&code(text)).len();
    assert_eq!(app("use swav_wgpu::gpu::{self, AdapterFacts}; gpu::adapters(); swav_wgpu::train::x()"), 0);
    assert_eq!(app("use swav_wgpu::{ops::conv2d, model::Store}; gpu::Gpu::open()"), 3);
    assert_eq!(app("use swav_wgpu as engine;"), 1);
}
