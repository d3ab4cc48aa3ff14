//! What all commands that use a trained network share: its flags and how it is opened.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches};

use super::passes::Passes;

use super::{data, flags, tune};
use crate::config::Config;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::train::{Model, ModelOptions, Viewing, pictures};

/// The settings of `train` that these commands have too.
const SETTINGS: [&str; 7] =
    ["weights_key", "adapter", "kernels", "tuned", "submission_ms", "eval_size", "eval_resize"];

/// The argument that names the network.
pub(super) fn source() -> Arg {
    Arg::new("network").value_name("RUN|FILE").required(true).help(
        "A run folder, or a file of weights: .safetensors, .pth, .pth.tar, .pt of this program, of the official code, or a torchvision ResNet",
    )
}

/// The pictures, where a command does not take them as an argument, and how they are read.
pub(super) fn data(help: &'static str) -> impl Iterator<Item = Arg> {
    std::iter::once(Arg::new("data").long("data").value_name("DATA").help(help).help_heading("Pictures"))
        .chain(reading())
}

/// What pictures are taken where none are named.
pub(super) const EMBEDDED: &str = "The pictures [default: those that the program comes with]";

/// Adapter, kernels, whether tuned ones, and size of the views.
pub(super) fn settings() -> impl Iterator<Item = Arg> {
    flags::all().filter(|flag| SETTINGS.contains(&flag.get_id().as_str())).map(|flag| {
        match flag.get_id().as_str() {
            "eval_size" | "eval_resize" => {
                let help = if flag.get_id() == "eval_size" {
                    "Side of the views in pixels"
                } else {
                    "Shorter side before the views are cut out"
                };
                flag.help(format!("{help} [default: as the network was trained]"))
                    .long_help(None)
                    .help_heading("Network")
            }
            _ => flag.help_heading("Network"),
        }
    })
}

/// Opens the network that the arguments name, and says which it is where the file holds several.
pub(super) fn open(matches: &ArgMatches) -> Result<Model> {
    let model = opened(matches)?;
    if let Some(notice) = model.notice() {
        let _ = writeln!(std::io::stderr(), "{notice}");
    }
    Ok(model)
}

fn opened(matches: &ArgMatches) -> Result<Model> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let source = Path::new(text("network").unwrap_or_default());
    let mut device = Config::default();
    flags::set(&mut device, matches, &["adapter", "kernels", "tuned", "submission_ms"])?;
    tune::apply(&mut device)?;
    let mut options = ModelOptions {
        adapter: device.adapter,
        kernels: Some(device.kernels),
        tuned: Some(device.tuned),
        submission: Some(Duration::from_millis(device.submission_ms)),
        weights_key: text("weights_key").map(str::to_owned),
        ..ModelOptions::default()
    };
    // Not `flags::given`: a command may have a flag of its own under the name of another setting.
    let views = ["eval_size", "eval_resize"];
    if views.iter().all(|key| text(key).is_none()) {
        return Model::open(source, &options);
    }
    // The views of the file, with what was asked for over them.
    let usual = Model::viewing_of(source, &options)?;
    let mut config = Config { eval_size: usual.size, eval_resize: usual.resize, ..Config::default() };
    flags::set(&mut config, matches, &views)?;
    let (size, resize) = (config.eval_size, config.eval_resize.max(config.eval_size));
    options.viewing = Some(Viewing { size, resize, ..usual });
    Model::open(source, &options)
}

/// The flags that say how pictures are read, the argument that names them left out.
pub(super) fn reading() -> impl Iterator<Item = Arg> {
    let own =
        |flag: &Arg| data::SETTINGS.contains(&flag.get_id().as_str()) && flag.get_id() != flags::POSITIONAL;
    flags::all().filter(own).map(|flag| flag.help_heading("Pictures"))
}

/// How pictures at a path are read: as the flags say, and where they say nothing, as those were read that the network
/// was trained on.
pub(super) fn reading_of(matches: &ArgMatches, network: &Model, path: Option<&Path>) -> Result<Config> {
    let mut config = pictures::settings_for(network, path);
    for key in data::SETTINGS.into_iter().filter(|&key| key != flags::POSITIONAL) {
        if let Some(text) = matches.get_one::<String>(key) {
            config.set(key, text)?;
        }
    }
    Ok(config)
}

/// Opens pictures so, and says what is left out.
pub(super) fn pictures(
    matches: &ArgMatches,
    network: &Model,
    path: Option<&Path>,
    passes: &mut Passes,
) -> Result<Dataset> {
    let dataset = pictures::open(&reading_of(matches, network, path)?, &mut passes.watch())?;
    dataset.notices().iter().for_each(|notice| passes.say(notice));
    Ok(dataset)
}

/// Opens the pictures under `--data`.
pub(super) fn dataset(matches: &ArgMatches, network: &Model, passes: &mut Passes) -> Result<Dataset> {
    pictures(matches, network, matches.get_one::<String>("data").map(Path::new), passes)
}

/// `--force`, for commands that write a file which a person names.
pub(super) fn force() -> Arg {
    Arg::new("force").long("force").action(ArgAction::SetTrue).help("Write over files that exist already")
}

/// Refuses to write over a file that a person named, unless they say so.
///
/// # Errors
/// [`Error::Config`] for `flag` where the file exists and `--force` was not given.
pub(super) fn refuse_existing(matches: &ArgMatches, flag: &str, path: &Path) -> Result<()> {
    if path.exists() && !matches.get_flag("force") {
        let reason =
            format!("{} exists already; name another file, or add --force to write over it", path.display());
        return Err(Error::config(flag, reason));
    }
    Ok(())
}
