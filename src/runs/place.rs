//! Whether a folder can be made or written at a place: found out before hours are spent on what is to be kept there.

use crate::error::{Error, Result};
use crate::interop::try_writing;
use std::path::Path;

/// Refuses a place at which no folder can be made and nothing can be written, and makes nothing that stays.
///
/// # Errors
/// [`Error::Config`] for `out`, with the file or folder that is in the way.
pub(crate) fn check(path: &Path) -> Result<()> {
    let there = nearest(path);
    let shown = there.display();
    let reason = if there.is_dir() {
        let Err(error) = try_writing(there) else { return Ok(()) };
        format!("nothing can be written in {shown} ({}): name a folder elsewhere with `--out`", error.kind())
    } else {
        let what = if there.exists() { "a file" } else { "a link that leads nowhere" };
        format!("{shown} is {what}, so that no folder can be made there: name another with `--out`")
    };
    Err(Error::config("out", reason))
}

/// What exists of a path: itself, or the nearest of the folders above it.
fn nearest(path: &Path) -> &Path {
    let here = Path::new(".");
    let named = |path: &&Path| !path.as_os_str().is_empty() && path.symlink_metadata().is_ok();
    path.ancestors().find(named).unwrap_or(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_that_exists_is_found() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(nearest(here.path()), here.path());
        assert_eq!(nearest(&here.path().join("a/b/c")), here.path());
        assert_eq!(nearest(&file.join("a/b")), file);
        assert_eq!(nearest(Path::new("no-such-folder/run")), Path::new("."));
    }

    #[test]
    fn a_place_is_refused_by_what_is_in_the_way_and_nothing_stays_there() {
        let here = tempfile::tempdir().unwrap();
        let refused = |path: &Path| check(path).unwrap_err().to_string();
        check(&here.path().join("runs/a")).unwrap();
        check(here.path()).unwrap();
        assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0);
        let file = here.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let message = refused(&file.join("run"));
        assert!(message.contains("file is a file") && message.contains("--out"), "{message}");
        #[cfg(unix)]
        {
            let link = here.path().join("link");
            std::os::unix::fs::symlink(here.path().join("gone"), &link).unwrap();
            let message = refused(&link.join("run"));
            assert!(message.contains("link is a link that leads nowhere"), "{message}");
        }
        // Nobody writes there, whoever runs the tests.
        if cfg!(target_os = "linux") {
            let message = refused(Path::new("/proc/new/run"));
            assert!(message.contains("nothing can be written in /proc ("), "{message}");
        }
    }
}
