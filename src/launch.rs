//! How a program that loads a graphics driver begins and ends.
//!
//! Why apart: both programs need it around all that they do, and the window may not name `cli`.

#[cfg(target_os = "linux")]
use std::ffi::{OsStr, OsString};

/// Sets the variables that a graphics driver needs from its first moment on. The first line of `main` calls it.
///
/// Setting a variable of a running process is `unsafe`, so the program starts once more, in the same process, with
/// those variables set that are missing (`missing` says which). Where that cannot be done, it goes on without.
#[cfg(target_os = "linux")]
pub fn prepare() {
    use std::os::unix::process::CommandExt as _;

    let mode = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let missing = missing(|name| std::env::var_os(name), &mode);
    if missing.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(&program);
    again.arg0(arguments.next().unwrap_or_else(|| program.into_os_string())).args(arguments).envs(missing);
    let _failed = again.exec();
}

/// Other systems need nothing.
#[cfg(not(target_os = "linux"))]
pub fn prepare() {}

#[cfg(target_os = "linux")]
const DESKTOP: &str = "XDG_RUNTIME_DIR";
#[cfg(target_os = "linux")]
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Set where the program has started again.
#[cfg(target_os = "linux")]
const STARTED: &str = "SWAV_WGPU_STARTED";

/// The variables to set, by what is set and by how Linux gives pages of two megabytes; `quiet` and `large_pages` say why.
///
/// None where the program has started again: from a program that has more rights than who starts it, the C library
/// hides `GLIBC_TUNABLES`, which would be missing for ever.
#[cfg(target_os = "linux")]
fn missing(set: impl Fn(&str) -> Option<OsString>, mode: &str) -> Vec<(&'static str, OsString)> {
    if set(STARTED).is_some() {
        return Vec::new();
    }
    let wanted =
        [(DESKTOP, quiet(set(DESKTOP).as_deref())), (TUNABLES, large_pages(set(TUNABLES).as_deref(), mode))];
    let mut missing: Vec<_> = wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if !missing.is_empty() {
        missing.push((STARTED, "1".into()));
    }
    missing
}

/// What keeps Vulkan's layers from printing on every start over ssh and in containers, where it is missing.
///
/// There `XDG_RUNTIME_DIR` is often unset. wgpu asks for every kind of window that an instance can have, so Mesa's
/// layer for choosing devices looks for a Wayland desktop each time, and libwayland then prints "error:
/// XDG_RUNTIME_DIR is invalid or not set in the environment" in front of the program's own words. A folder in which
/// nothing can be is as good an answer as none, and libwayland takes it without a word.
#[cfg(target_os = "linux")]
fn quiet(folder: Option<&OsStr>) -> Option<OsString> {
    // libwayland refuses what does not begin with a slash as it refuses nothing.
    let usable = folder.is_some_and(|folder| folder.as_encoded_bytes().starts_with(b"/"));
    (!usable).then(|| "/dev/null".into())
}

/// What makes the C library ask for pages of two megabytes, where Linux gives them only to those who ask (its `mode` is
/// `madvise`), and nobody has decided about it.
///
/// A driver that computes on the processor keeps its buffers in memory of the C library. In pages of four kilobytes that lie
/// wherever there was room, a step took from once to twice its time, by the luck of each start ("Pages of two megabytes" in
/// `benches/README.md`).
#[cfg(target_os = "linux")]
fn large_pages(tunables: Option<&OsStr>, mode: &str) -> Option<OsString> {
    const NAME: &str = "glibc.malloc.hugetlb";
    let given = tunables.unwrap_or_default();
    let decided = given.as_encoded_bytes().windows(NAME.len()).any(|part| part == NAME.as_bytes());
    if decided || !mode.contains("[madvise]") {
        return None;
    }
    let mut all = given.to_owned();
    if !all.is_empty() {
        all.push(":");
    }
    all.push(format!("{NAME}=1"));
    Some(all)
}

/// Ends the process with an exit code, at once, while other threads may still work.
///
/// [`std::process::exit`] lets every loaded library clean up first. A driver that is compiling or computing in
/// another thread then loses what it uses under its hands: of 16 tunings on Mesa's lavapipe that Ctrl-C ended, three
/// ended with a segmentation fault. Nothing is cleaned up here; the system takes everything back.
#[cfg(unix)]
pub fn end(code: i32) -> ! {
    signal_hook::low_level::exit(code)
}

/// Ends the process with an exit code, at once, while other threads may still work: this system stops them first.
#[cfg(not(unix))]
pub fn end(code: i32) -> ! {
    std::process::exit(code)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_set_once_and_what_somebody_decided_stays() {
        for folder in [None, Some(""), Some("run/user")] {
            assert_eq!(quiet(folder.map(OsStr::new)), Some("/dev/null".into()), "{folder:?}");
        }
        assert_eq!(quiet(Some(OsStr::new("/run/user/1000"))), None);
        const MODE: &str = "always [madvise] never";
        let others = "glibc.malloc.arena_max=2";
        for (given, wanted) in [
            (None, "glibc.malloc.hugetlb=1"),
            (Some(others), "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1"),
        ] {
            assert_eq!(large_pages(given.map(OsStr::new), MODE), Some(wanted.into()));
        }
        assert_eq!(large_pages(Some(OsStr::new("glibc.malloc.hugetlb=0")), MODE), None);
        for mode in ["[always] madvise never", "always madvise [never]", ""] {
            assert_eq!(large_pages(None, mode), None, "{mode}");
        }
    }

    #[test]
    fn a_program_starts_again_once_at_most() {
        const MODE: &str = "always [madvise] never";
        for hidden in ["", DESKTOP, TUNABLES] {
            let first: std::collections::BTreeMap<_, _> = missing(|_| None, MODE).into_iter().collect();
            assert_eq!(first.len(), 3, "both variables and the mark");
            let again = missing(|name| first.get(name).filter(|_| name != hidden).cloned(), MODE);
            assert_eq!(again, [], "{hidden:?} is hidden");
        }
        let whole = |name: &str| {
            Some(if name == DESKTOP { "/run/user/1000" } else { "glibc.malloc.hugetlb=0" }.into())
        };
        assert_eq!(missing(|name| (name != STARTED).then(|| whole(name)).flatten(), MODE), []);
    }
}
