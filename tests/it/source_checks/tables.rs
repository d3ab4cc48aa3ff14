//! Where the doc of a module has a table of its files or modules, it names every one of them, and nothing else.

use super::tree::{files, read, shown};
use super::words::{library_code, tokens};

/// What stands in a table of modules and is none of the module whose doc it is: two programs, in that of the library.
const PROGRAMS: [&str; 2] = ["main", "app"];

/// The modules that the tables of a file's doc name, where it has one of files or modules.
fn named(text: &str) -> Option<Vec<&str>> {
    let doc = text.lines().filter_map(|line| line.strip_prefix("//!").map(str::trim_start));
    let (mut inside, mut found) = (false, None);
    for line in doc {
        let Some(cell) = line.strip_prefix('|').and_then(|row| row.split('|').next()) else {
            inside = false;
            continue;
        };
        if matches!(cell.trim(), "file" | "module") {
            (inside, found) = (true, Some(found.unwrap_or_default()));
        } else if inside {
            let words =
                cell.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            found.get_or_insert_with(Vec::new).extend(words);
        }
    }
    found
}

/// The modules that a file declares and that stand in files of their own; those of unit tests are no news.
fn declared(text: &str) -> Vec<String> {
    let code = library_code(&tokens(text));
    let is_module = |at: &usize| code[*at].is("mod") && code.get(at + 2).is_some_and(|after| after.is(";"));
    (0..code.len()).filter(is_module).map(|at| code[at + 1].text.clone()).collect()
}

/// What is wrong with the table of a file.
fn wrong(text: &str) -> Vec<String> {
    let Some(named) = named(text) else { return Vec::new() };
    let declared = declared(text);
    let left_out = declared.iter().filter(|module| !named.contains(&module.as_str()));
    let gone = named.iter().filter(|name| !PROGRAMS.contains(name) && !declared.iter().any(|of| of == *name));
    let left_out = left_out.map(|module| format!("the table of its doc leaves out `{module}`"));
    left_out.chain(gone.map(|name| format!("`{name}` is in the table of its doc and no module"))).collect()
}

#[test]
fn tables_of_modules_are_whole() {
    let all = ["src", "tests", "benches", "app"].into_iter().flat_map(|folder| files(folder, ".rs"));
    let (mut tables, mut found) = (0, Vec::new());
    for path in all {
        let text = read(&path);
        tables += usize::from(named(&text).is_some());
        found.extend(wrong(&text).into_iter().map(|what| format!("{}: {what}", shown(&path))));
    }
    assert!(tables > 20, "tables are found: {tables}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_rule_sees_what_it_should() {
    let table = "//! A doc.\n//!\n//! | file | what |\n//! |---|---|\n//! | `a`, `b` | x, `y` |\n//! | [`run::c`] | z |\n";
    let code = "mod a;\npub mod b;\n#[cfg(test)]\nmod tests;\nmod inner {}\n";
    assert_eq!(named(table), Some(vec!["a", "b", "run", "c"]));
    let whole = table.replace("run::c", "a");
    assert!(wrong(&format!("{whole}{code}")).is_empty());
    let one = wrong(&format!("{whole}{code}mod d;"));
    assert!(one.len() == 1 && one[0].contains("leaves out `d`"), "{one:?}");
    assert_eq!(wrong(&whole).len(), 3, "a, b and a again");
    assert!(wrong(code).is_empty() && wrong("//! | container | by |\n//! | zip | x |\nmod a;").is_empty());
}
