//! How long a file may be.

use super::tree::{files, read, shown};

/// The aim is 300 lines: what can be read in one sitting. A little more is allowed before a split.
const RUST_LINES: usize = 330;
/// A shader's entry points share their bindings, so a file is a family of kernels.
const WGSL_LINES: usize = 400;

#[test]
fn files_are_short_enough_to_read() {
    let rust = ["src", "tests", "benches", "app"].map(|folder| (folder, ".rs", RUST_LINES));
    let long: Vec<String> = rust
        .into_iter()
        .chain([("shaders", ".wgsl", WGSL_LINES)])
        .flat_map(|(folder, ending, most)| {
            files(folder, ending).into_iter().filter_map(move |path| {
                let lines = read(&path).lines().count();
                (lines > most).then(|| format!("{}: {lines} lines, the limit is {most}", shown(&path)))
            })
        })
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}
