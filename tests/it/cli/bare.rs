//! Environments of almost nothing, as containers, services and ssh give them.

use super::Desk;
use std::process::Command;

/// The program with the words of `line`, and of the environment only `PATH` and what is given.
fn bare(desk: &Desk, line: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swav-wgpu"));
    command.current_dir(desk.path("")).args(line.split_whitespace()).env_clear();
    // Drivers that are installed elsewhere are found by these.
    for kept in ["PATH", "LD_LIBRARY_PATH", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        command.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    command.envs(environment.iter().copied());
    command
}

#[test]
fn drivers_print_nothing_before_the_program_does() {
    let desk = Desk::new();
    let home = desk.path("home");
    let home = home.to_str().unwrap();
    let environments: [&[(&str, &str)]; 6] = [
        &[("HOME", home)],
        &[("HOME", home), ("XDG_RUNTIME_DIR", "")],
        &[("HOME", home), ("XDG_RUNTIME_DIR", "relative")],
        &[("HOME", home), ("XDG_RUNTIME_DIR", "/nowhere")],
        &[("HOME", home), ("DISPLAY", ":99"), ("WAYLAND_DISPLAY", "wayland-9")],
        // Nothing can be made below a device.
        &[("HOME", "/dev/null")],
    ];
    for environment in environments {
        let output = bare(&desk, "devices", environment).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.starts_with("0 "), "{environment:?}: {out}{err}");
        assert_eq!(err, "", "{environment:?}");
    }
}

#[test]
fn a_run_needs_no_home_and_prints_only_its_own_words() {
    let desk = Desk::new();
    let line = "train pics --config base.toml --steps 1 --out run";
    let output = bare(&desk, line, &[]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    assert!(!err.contains("error") && !err.contains("XDG"), "{err}");
    assert!(desk.path("run/summary.json").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn starting_again_keeps_the_arguments_and_the_exit_code() {
    let desk = Desk::new();
    let output = bare(&desk, "", &[]).args(["data", "no such folder"]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.starts_with("error: ") && err.contains("no such folder"), "{err}");
}
