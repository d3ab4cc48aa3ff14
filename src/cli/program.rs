//! What to type for this program: its name where a shell finds it, else the path by which it was started, as after
//! `cargo run`, which puts nothing on the `PATH`.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::words::quoted;

/// What commands call the program.
const NAME: &str = "swav-wgpu";

/// What to type for this program here.
pub(super) fn name() -> String {
    let started = std::env::args_os().next().map(PathBuf::from);
    named(started.as_deref(), std::env::var_os("PATH").as_deref())
}

/// The command with `program` in place of the name that it begins with.
pub(super) fn typed(command: &str, program: &str) -> String {
    command.strip_prefix(NAME).map_or_else(|| command.to_owned(), |rest| format!("{program}{rest}"))
}

fn named(started: Option<&Path>, path: Option<&OsStr>) -> String {
    let file = format!("{NAME}{EXE_SUFFIX}");
    let mut folders = path.map(std::env::split_paths).into_iter().flatten();
    let found = folders.any(|folder| folder.join(&file).is_file());
    // A bare name was found by whoever started it.
    let place = started.filter(|started| started.components().count() > 1);
    match place {
        Some(place) if !found => quoted(&place.display().to_string()).into_owned(),
        _ => NAME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_typed_where_a_shell_finds_it_and_the_path_where_not() {
        let folder = tempfile::tempdir().unwrap();
        let [empty, full] = ["empty", "full"].map(|name| folder.path().join(name));
        [&empty, &full].into_iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        std::fs::write(full.join(format!("{NAME}{EXE_SUFFIX}")), "").unwrap();
        let both = std::env::join_paths([&empty, &full]).unwrap();
        let built = Path::new("target/release/swav-wgpu");
        assert_eq!(named(Some(built), Some(empty.as_os_str())), "target/release/swav-wgpu");
        assert_eq!(named(Some(Path::new("my tools/swav-wgpu")), None), "'my tools/swav-wgpu'");
        assert_eq!(named(Some(built), Some(&both)), NAME);
        assert_eq!([Some(Path::new(NAME)), None].map(|started| named(started, None)), [NAME; 2]);
        assert_eq!(typed("swav-wgpu report runs/a", "./x"), "./x report runs/a");
    }
}
