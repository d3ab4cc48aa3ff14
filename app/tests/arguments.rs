//! The window program as a shell sees it where no window is wanted: it answers, and opens none.

#![expect(clippy::unwrap_used, reason = "a panic in a helper is a failed test, as in the tests themselves")]

use std::process::{Command, Output};

/// The program in a terminal without a desktop.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_swav-app"));
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        program.env_remove(variable);
    }
    let Output { status, stdout, stderr } = program.args(arguments).output().unwrap();
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code(), out, err)
}

#[test]
fn help_version_manual_and_completions_open_no_window() {
    let (code, help, err) = run(&["--help"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for words in [
        "Usage: swav-app [FOLDER|FILE]",
        "folder of pictures",
        "file of weights",
        "swav-app photos/",
        "--version",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
    for hidden in ["--man", "--completions"] {
        assert!(!help.contains(hidden), "what only packages need is hidden: {help}");
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let (code, script, err) = run(&["--completions", shell]);
        assert!(
            code == Some(0) && script.contains("swav-app") && script.contains("version"),
            "{script}{err}"
        );
        assert!(!script.contains("for packages"), "{script}");
    }
    let (code, version, _) = run(&["--version"]);
    assert_eq!((code, version.trim()), (Some(0), concat!("swav-app ", env!("CARGO_PKG_VERSION"))));
    let (code, page, _) = run(&["--man"]);
    assert_eq!(code, Some(0));
    for words in [
        ".TH swav-app 1",
        ".SH NAME",
        "FOLDER|FILE",
        "folder of pictures",
        "swav-app photos/",
        "swav-wgpu(1)",
    ] {
        assert!(page.contains(words) || page.replace("\\-", "-").contains(words), "{words}: {page}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_a_missing_desktop_is_told() {
    let (code, _, err) = run(&["--preset", "demo"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("--preset") && err.contains("--help"), "{err}");
    if cfg!(target_os = "linux") {
        let (code, _, err) = run(&["photos"]);
        assert!(
            code == Some(1) && err.contains("there is no desktop") && err.contains("swav-wgpu train"),
            "{err}"
        );
    }
}
