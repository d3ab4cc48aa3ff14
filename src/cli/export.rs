//! `swav-wgpu export`: weights for other programs.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Outcome, flags, model, print};
use crate::error::Result;
use crate::train::export::{self, Format};

/// The command with its flags.
pub fn command() -> Command {
    Command::new("export")
        .about("Write the weights of a run for other programs")
        .long_about(
            "Write the weights of a run, or of any file of weights that this program reads, for other \
             programs.\n\n\
             safetensors  every tensor under torchvision's names, with the settings of the run\n\
             pytorch      a state dict for torch.load: resnet18().load_state_dict(…, strict=False)\n\
             onnx         the trunk in evaluation mode, from normalised pixels to features",
        )
        .arg(Arg::new("network").value_name("RUN|FILE").required(true).help(
            "A run folder, or a file: .safetensors, .pth, .pth.tar, .pt of this program, of the official code, or of torchvision",
        ))
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .default_value(Format::Safetensors.name())
                .value_parser(Format::ALL.map(Format::name))
                .help("What to write"),
        )
        .arg(Arg::new("trunk").long("trunk").action(ArgAction::SetTrue).help(
            "Leave out the projection head and the prototypes (ONNX never has them)",
        ))
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .help("The file to write [default: the source's name in this folder]"),
        )
        .arg(model::force())
        .args(flags::all().filter(|flag| flag.get_id() == "weights_key").map(|flag| flag.help_heading("Network")))
        .after_help(
            "Examples:\n  swav-wgpu export runs/photos --format pytorch --out photos.pth\n  \
             swav-wgpu export swav_800ep_pretrain.pth.tar --format onnx --out swav.onnx",
        )
}

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let source = Path::new(text("network").unwrap_or_default());
    let named = Format::ALL.into_iter().find(|format| Some(format.name()) == text("format"));
    let format = named.unwrap_or(Format::Safetensors);
    let out = text("out").map_or_else(|| usual_name(source, format), PathBuf::from);
    model::refuse_existing(matches, "out", &out)?;
    let done = export::export(source, text("weights_key"), format, matches.get_flag("trunk"), &out)?;
    let export::Exported { path, network, tensors, note } = done;
    print(&format!("{}: {tensors} tensors of {network}\n{note}\n", path.display()))?;
    Ok(Outcome::Done)
}

/// The source's name up to its first dot, with the ending of the format.
fn usual_name(source: &Path, format: Format) -> PathBuf {
    let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("weights");
    PathBuf::from(format!("{stem}.{}", format.extension()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_name_is_the_sources() {
        assert_eq!(usual_name(Path::new("runs/photos"), Format::Onnx), Path::new("photos.onnx"));
        assert_eq!(
            usual_name(Path::new("a/swav.pth.tar"), Format::Safetensors),
            Path::new("swav.safetensors")
        );
        assert_eq!(usual_name(Path::new(".."), Format::Pytorch), Path::new("weights.pth"));
    }
}
