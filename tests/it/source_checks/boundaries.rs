//! Which module may name which, and what the library never does.

use super::paths::{Named, from_root, module_of, paths};
use super::tree::{files, is_test, read, shown};
use super::words::{Token, library_code, tokens};
use std::path::PathBuf;

/// What the app may name of `gpu`: only what describes adapters and times.
const APP_GPU: [&str; 5] = ["self", "adapters", "AdapterFacts", "Profile", "ProfileRow"];

/// A module and those that it names, as a row of the code map of `src/lib.rs` has them.
type Row = (String, Vec<String>);

/// The code map: the rows whose first cell is a module's name, in their order.
fn code_map() -> Vec<Row> {
    rows(&read(&files("src", "src/lib.rs")[0]))
}

fn rows(text: &str) -> Vec<Row> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix('|'));
    cells
        .filter_map(|line| {
            let (first, rest) = line.split_once(" | ")?;
            let module = first.trim_matches(['[', ']']).strip_prefix('`')?.strip_suffix('`')?;
            let names = rest.rsplit('|').next()?.split(',').map(str::trim).filter(|name| !name.is_empty());
            Some((module.to_owned(), names.map(str::to_owned).collect()))
        })
        .collect()
}

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

/// The top module that a path leads to from a file, where it leads to one of the library.
fn head(shown: &str, path: &[String]) -> Option<String> {
    let inner = match path[0].as_str() {
        "swav_wgpu" => Some(path[1..].to_vec()),
        // Another crate, with modules of its own.
        _ if shown.starts_with("app/") => None,
        _ => from_root(path, &module_of(shown)),
    };
    inner?.into_iter().next()
}

/// What a file names against the code map.
fn against_the_map(map: &[Row], shown: &str, code: &[Token]) -> Vec<(usize, String)> {
    let Some(top) = top_of(shown) else { return Vec::new() };
    let Some((_, allowed)) = map.iter().find(|(name, _)| *name == top) else {
        return vec![(1, format!("the module `{top}` is not in the code map"))];
    };
    let mut found = broken_paths(code, |path| {
        head(shown, path).is_some_and(|head| head != top && !allowed.contains(&head))
    });
    // `use crate as x` would be a way around.
    let renamed = code.windows(2).filter(|pair| pair[0].is("crate") && pair[1].is("as"));
    found.extend(renamed.map(|pair| (pair[0].line, "crate as".to_owned())));
    found
}

#[test]
fn modules_name_only_what_the_code_map_says() {
    let map = code_map();
    refuse(&library(), "not in the code map (src/lib.rs)", |shown, code| against_the_map(&map, shown, code));
}

/// A name too many would be a door that stays open.
#[test]
fn the_code_map_says_only_what_modules_name() {
    let mut named: Vec<(String, String)> = Vec::new();
    for path in library().into_iter().chain(files("app", ".rs")) {
        let (shown, code) = (shown(&path), library_code(&tokens(&read(&path))));
        let Some(top) = top_of(&shown) else { continue };
        let heads = paths(&code).into_iter().filter_map(|named| head(&shown, &named.path));
        named.extend(heads.map(|head| (top.clone(), head)));
    }
    let pairs = code_map()
        .into_iter()
        .flat_map(|(module, names)| names.into_iter().map(move |name| (module.clone(), name)));
    let idle: Vec<_> = pairs.filter(|pair| !named.contains(pair)).collect();
    assert!(idle.is_empty(), "the code map (src/lib.rs) says that these name what they do not: {idle:?}");
}

#[test]
fn the_code_map_has_every_module_once_and_points_one_way() {
    let map = code_map();
    for (at, (module, names)) in map.iter().enumerate() {
        let before: Vec<&String> = map[..at].iter().map(|(module, _)| module).collect();
        assert!(!before.contains(&module), "{module} stands twice");
        for name in names {
            assert!(before.contains(&name), "{module} may not name {name}, which does not stand above it");
        }
    }
    let mut there: Vec<String> = library().iter().filter_map(|path| top_of(&shown(path))).collect();
    there.push("app".to_owned());
    for (module, _) in &map {
        assert!(there.contains(module), "{module} is not a module of src");
    }
}

/// The line of the bird's-eye view: each of its modules names the one left of it.
#[test]
fn the_birds_eye_view_is_a_line_through_the_code_map() {
    let (map, text) = (code_map(), read(&files("src", "src/lib.rs")[0]));
    let line = text.lines().find(|line| line.contains(" <- ")).expect("the view is there");
    let steps: Vec<Vec<&str>> = line
        .trim_start_matches("//!")
        .split("<-")
        .map(|step| step.split(',').map(str::trim).collect())
        .collect();
    assert!(steps.len() > 5, "{line}");
    for (left, module) in
        steps.windows(2).flat_map(|pair| pair[1].iter().map(move |module| (pair[0][0], *module)))
    {
        let (_, names) = map.iter().find(|(name, _)| name == module).expect(module);
        assert!(names.iter().any(|name| name == left), "{module} does not name {left}");
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

/// Whoever trains knows of other ranks only how to meet them, not by what.
#[test]
fn only_ranks_names_mpi() {
    let mut outside = files("src", ".rs");
    outside.retain(|path| !shown(path).starts_with("src/ranks/"));
    outside.extend(files("app", ".rs"));
    refuse(&outside, "only src/ranks may name mpi", |_, code| broken_words(code, |word, _| word == "mpi"));
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

/// What the app names beyond the public engine, of which it may name `modules`.
fn beyond_the_engine(modules: &[String], code: &[Token]) -> Vec<(usize, String)> {
    let mut found = broken_paths(code, |path| {
        let of_library = path[0] == "swav_wgpu";
        let mut path = path[usize::from(of_library)..].iter().map(String::as_str);
        match (path.next(), path.next()) {
            // A module may be imported and then named without the crate.
            (Some("gpu"), item) => item.is_some_and(|item| !APP_GPU.contains(&item)),
            (Some(module), _) => of_library && !modules.iter().any(|may| may == module),
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
    let map = code_map();
    let (_, modules) = map.iter().find(|(module, _)| module == "app").expect("the app is in the code map");
    let rule = |_: &str, code: &[Token]| beyond_the_engine(modules, code);
    refuse(&files("app", ".rs"), "the app uses the engine, not its parts", rule);
    let manifest = read(&files("app", "app/Cargo.toml")[0]);
    for line in manifest.lines().map(str::trim_start) {
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
        assert!(!["wgpu", "naga"].contains(&name), "app/Cargo.toml: {line}");
    }
}

#[test]
fn the_rules_see_what_they_should() {
    let code = |text: &str| library_code(&tokens(text));
    let map = rows(
        "//! | `error` | the error |  |\n//! | [`gpu`] | a, b | error |\n//! | `data` | x | error, rng |\n//! | `main` |  | cli |",
    );
    assert_eq!(map[1], ("gpu".to_owned(), vec!["error".to_owned()]));
    assert!(map.len() == 4 && map[0].1.is_empty() && map[2].1.len() == 2, "{map:?}");
    let broken = |file: &str, text: &str| against_the_map(&map, file, &code(text)).len();
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

    let modules = ["train".to_owned(), "gpu".to_owned()];
    let app = |text: &str| beyond_the_engine(&modules, &code(text)).len();
    assert_eq!(app("use swav_wgpu::gpu::{self, AdapterFacts}; gpu::adapters(); swav_wgpu::train::x()"), 0);
    assert_eq!(app("use swav_wgpu::{ops::conv2d, model::Store}; gpu::Gpu::open()"), 3);
    assert_eq!(app("use swav_wgpu as engine;"), 1);
}
