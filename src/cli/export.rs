//! `swav-wgpu export`: weights for other programs.

use std::path::{Path, PathBuf};

use clap::{Arg, Args};

use super::flags::{Choice, Given, one_of};
use super::model::Force;
use super::{Outcome, print};
use crate::config::Setting;
use crate::error::{Error, Result};
use crate::uses::export::{self, Format, Names};

/// The only setting of `train` that a command which computes nothing has.
struct WeightsKey;

impl Choice for WeightsKey {
    fn has(setting: &Setting) -> bool {
        setting.key == "weights_key"
    }

    fn shown(flag: Arg) -> Arg {
        flag.help_heading("Network")
    }
}

/// Write the weights of a run for other programs
#[derive(Args)]
#[command(
    long_about = "Write the weights of a run, or of any file of weights that this program reads, for other \
                  programs.\n\n\
                  safetensors  weights under the names of --names, with the settings of the run\n\
                  pytorch      a state dict for torch.load: resnet18().load_state_dict(…, strict=False)\n\
                  onnx         the trunk in evaluation mode, from normalised pixels to the features of the run (`features`) and, \
                  where that is something else, to the global average of its last stage (`pooled`)\n\n\
                  With the network goes what its method has beside it: predictor, second network, MoCo's queue, sets of \
                  prototypes, classes. What the code of --names has no tensor for is left out, and told. `train --init` \
                  and all else here read every such file back.",
    after_help = "Examples:\n  swav-wgpu export runs/photos --format pytorch --out photos.pth\n  \
                  swav-wgpu export runs/moco --format pytorch --names moco --out moco.pth.tar\n  \
                  swav-wgpu export swav_800ep_pretrain.pth.tar --format onnx --out swav.onnx"
)]
pub(super) struct Export {
    /// A run folder, or a file: .safetensors, .pth, .pth.tar, .pt of this program, of the official code, or of
    /// torchvision
    #[arg(value_name = "RUN|FILE")]
    network: PathBuf,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = Format::Safetensors.name())]
    #[arg(value_parser = one_of(&Format::ALL, Format::name))]
    format: Format,
    /// Whose names and forms the tensors get: torchvision with head and prototypes of SwAV's official code, MoCo's
    /// official code (main_lincls.py and main_moco.py), lightly's modules in its examples for PyTorch, or solo-learn's
    /// methods
    #[arg(long, value_name = "WHOSE", default_value = Names::Torchvision.name())]
    #[arg(value_parser = one_of(&Names::ALL, Names::name))]
    names: Names,
    /// Leave out all but the trunk (ONNX never has more)
    #[arg(long)]
    trunk: bool,
    /// The file to write [default: the source's name in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    settings: Given<WeightsKey>,
}

impl Export {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let out = self.out.clone().unwrap_or_else(|| usual_name(&self.network, self.format));
        self.force.refuse_existing("out", &out)?;
        if self.format == Format::Onnx && self.names != Names::Torchvision {
            return Err(Error::config(
                "names",
                "a graph of ONNX has no state dict that could be named otherwise",
            ));
        }
        let key = self.settings.get("weights_key");
        let export::Exported { path, network, tensors, note } =
            export::export(&self.network, key, self.format, self.trunk, self.names, &out)?;
        print(&format!("{}: {tensors} tensors of {network}\n{note}\n", path.display()))?;
        Ok(Outcome::Done)
    }
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
