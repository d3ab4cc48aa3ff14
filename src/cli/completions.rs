//! `swav-wgpu completions`: what a shell needs to complete commands and flags.

use clap::Args;
use clap_complete::Shell;

use super::Outcome;
use crate::error::Result;

/// Print the completions of a shell
///
/// What is printed goes where the shell looks for completions; how to put it there stands below.
#[derive(Args)]
#[command(after_help = "\
Examples:
  swav-wgpu completions bash > ~/.local/share/bash-completion/completions/swav-wgpu
  swav-wgpu completions zsh > ~/.zfunc/_swav-wgpu      with ~/.zfunc in fpath before compinit
  swav-wgpu completions fish > ~/.config/fish/completions/swav-wgpu.fish
  swav-wgpu completions powershell >> $PROFILE

The packages for Debian put them there themselves.")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "swav-wgpu", &mut script);
        super::print(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Done)
    }
}
