//! How a bench asks a program that it is compared with.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

/// A script of this folder. Settings of another library for this machine must not slow PyTorch's own.
pub(crate) fn script(python: &Path, path: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(path).env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
    command
}

/// The last line that a program prints, which is JSON.
pub(crate) fn answer(command: &mut Command) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().last().unwrap_or_default();
    let wrong = |error| format!("the peer ended with {} and printed `{last}`: {error}", output.status);
    Ok(serde_json::from_str(last).map_err(wrong)?)
}
