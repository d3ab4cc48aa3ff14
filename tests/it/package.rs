//! What goes to crates.io: everything that compiling and the demo need, nothing else, and no more than is taken there.

#![expect(clippy::unwrap_used, reason = "a panic in a helper is a failed test, as in the tests themselves")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::{Compression, write::GzEncoder};

/// What crates.io takes of a package.
const MOST: usize = 10 << 20;

/// The files of a package as cargo would upload them.
fn listed(manifest: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "--manifest-path", manifest])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_package_holds_what_compiling_needs_and_fits_crates_io() {
    let files = listed("Cargo.toml");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for needed in
        ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "assets/picto16.tar", "assets/picto16/ATTRIBUTION.md"]
    {
        assert!(files.iter().any(|file| file == needed), "{needed} is missing");
    }
    for shader in walkdir::WalkDir::new(root.join("shaders")).into_iter().filter_map(Result::ok) {
        if shader.file_type().is_file() {
            let name = shader.path().strip_prefix(root).unwrap().to_str().unwrap();
            assert!(files.iter().any(|file| file == name), "{name} is missing");
        }
    }
    assert!(
        !files.iter().any(|file| file.starts_with("tests/") || file.starts_with("benches/")),
        "{files:?}"
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    for file in &files {
        // Cargo makes some of them while it packs.
        if let Ok(bytes) = std::fs::read(root.join(file)) {
            packed.write_all(&bytes).unwrap();
        }
    }
    let size = packed.finish().unwrap().len();
    assert!(size < MOST, "{size} bytes");
}

#[test]
fn the_package_of_the_window_holds_its_source_only() {
    let files = listed("app/Cargo.toml");
    for needed in ["src/main.rs", "README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(files.iter().any(|file| file == needed), "{needed} is missing");
    }
    assert!(!files.iter().any(|file| file.contains("tests/")), "{files:?}");
}
