//! How a program that loads a graphics driver begins and ends.
//!
//! Why apart: both programs need it around all that they do, and the window may not name `cli`.

/// Keeps Vulkan's layers from printing on every start over ssh and in containers. The first line of `main` calls it.
///
/// There `XDG_RUNTIME_DIR` is often unset. wgpu asks for every kind of window that an instance can have, so Mesa's
/// layer for choosing devices looks for a Wayland desktop each time, and libwayland then prints "error:
/// XDG_RUNTIME_DIR is invalid or not set in the environment" in front of the program's own words. A folder in which
/// nothing can be is as good an answer as none, and libwayland takes it without a word.
///
/// Setting a variable of a running process is `unsafe`, so the program starts once more, in the same process, with
/// the variable set. Where that cannot be done, it goes on, and the noise is the lesser evil.
#[cfg(target_os = "linux")]
pub fn quiet_drivers() {
    use std::os::unix::process::CommandExt as _;

    const VARIABLE: &str = "XDG_RUNTIME_DIR";
    // libwayland refuses what does not begin with a slash as it refuses nothing.
    let usable = std::env::var_os(VARIABLE).is_some_and(|folder| folder.as_encoded_bytes().starts_with(b"/"));
    let Ok(program) = std::env::current_exe() else { return };
    if usable {
        return;
    }
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(&program);
    again.arg0(arguments.next().unwrap_or_else(|| program.into_os_string()));
    let _failed = again.args(arguments).env(VARIABLE, "/dev/null").exec();
}

/// Other systems have no such layer.
#[cfg(not(target_os = "linux"))]
pub fn quiet_drivers() {}

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
