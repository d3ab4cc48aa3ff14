//! The command line of the window program: what it opens with, and what a shell asks of every program. The page of the manual is
//! made of the same words.

use clap::{Command, CommandFactory as _, Parser};
use clap_complete::Shell;
use std::io;
use std::path::PathBuf;

const AFTER: &str = "\
Examples:
  swav-app                            open the window
  swav-app photos/                    with the pictures of a folder, ready to train
  swav-app runs/demo-1                with a run that is over, or goes on from there
  swav-app swav_800ep_pretrain.pth    use weights: sort, find look-alikes, export, judge

The same is done in a terminal by `swav-wgpu`; see `swav-wgpu --help` or its manual, swav-wgpu(1).";

/// Train image features without labels in a window, and use them
///
/// A window that learns from a folder of pictures which of them are alike (SwAV), shows how it learns, sorts pictures into
/// folders of look-alikes, and finds, exports and judges. It computes on any Vulkan, Metal or DirectX 12 adapter.
#[derive(Debug, Parser)]
#[command(name = "swav-app", version, after_help = AFTER)]
pub struct Line {
    /// What to open: a folder of pictures or another source of them, the folder of a run, or a file of weights
    #[arg(value_name = "FOLDER|FILE")]
    pub given: Option<PathBuf>,
    /// Print the page of the manual, for packages
    #[arg(long, hide = true)]
    pub man: bool,
    /// Print what a shell needs to complete the program's words, for packages
    #[arg(long, hide = true, value_name = "SHELL")]
    pub completions: Option<Shell>,
}

/// The completions of a shell, as it reads them: of what people type, which is not what only packages need.
#[must_use]
pub fn completions(shell: Shell) -> Vec<u8> {
    let line = Line::command();
    let typed = line.get_arguments().filter(|argument| !argument.is_hide_set()).cloned();
    let mut command = Command::new("swav-app").version(env!("CARGO_PKG_VERSION")).args(typed);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "swav-app", &mut script);
    script
}

/// The page of the manual, as `man` reads it.
///
/// # Errors
/// None that memory would not give.
pub fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Line::command()).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_opened_and_no_more() {
        let of = |words: &[&str]| Line::try_parse_from([&["swav-app"], words].concat());
        assert_eq!(of(&[]).unwrap().given, None);
        assert_eq!(of(&["my photos"]).unwrap().given, Some("my photos".into()));
        assert_eq!(of(&["--", "-photos"]).unwrap().given, Some("-photos".into()));
        assert!(of(&["a", "b"]).unwrap_err().to_string().contains("unexpected argument 'b'"));
        assert!(of(&["--preset", "demo"]).unwrap_err().to_string().contains("--preset"));
    }
}
