//! `swav-wgpu embed`: features of pictures, for other programs.

use std::io::Write as _;
use std::path::Path;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::interop::write_atomic;
use crate::train::embed::{Embedded, What, csv, embed, write_npy, write_parquet, write_safetensors};
use crate::words::counted;

/// The command with its flags.
pub fn command() -> Command {
    Command::new("embed")
        .about("Write the features of pictures to .npy, .parquet or .safetensors")
        .long_about(
            "Write what a network says of pictures to a file: a row a picture, in the order of their names. \
             The ending says how: .npy, with the names beside it in FILE.csv; .parquet, with names, classes and \
             prototypes as columns; or .safetensors, with the names in its metadata. The latter can be searched \
             with `swav-wgpu search --index`.",
        )
        .arg(model::source())
        .args(model::data(model::EMBEDDED))
        .arg(model::force())
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .required(true)
                .help("The file to write: .npy, .parquet or .safetensors"),
        )
        .arg(
            Arg::new("what")
                .long("what")
                .value_name("WORD")
                .default_value(What::Features.name())
                .value_parser(What::ALL.map(What::name))
                .help("Trunk features, unit embeddings, or scores of the prototypes"),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("Only the first N pictures"),
        )
        .args(model::settings())
}

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let out = Path::new(text("out"));
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !["npy", "parquet", "safetensors"].contains(&ending) {
        let reason = format!("{} must end in .npy, .parquet or .safetensors", out.display());
        return Err(Error::config("out", reason));
    }
    let what = What::ALL.into_iter().find(|what| what.name() == text("what")).unwrap_or(What::Features);
    let limit =
        matches.get_one::<u64>("limit").map_or(usize::MAX, |&n| usize::try_from(n).unwrap_or(usize::MAX));
    // An array has no room for names, so they stand beside it.
    let list = (ending == "npy").then(|| out.with_extension("csv"));
    for path in std::iter::once(out).chain(list.as_deref()) {
        model::refuse_existing(matches, "out", path)?;
    }
    let mut passes = Passes::new();
    let network = model::open(matches)?;
    let dataset = model::dataset(matches, &network, &mut passes)?;
    let found = embed(&network, &dataset, what, limit, &mut passes.watch())?;
    passes.keep();
    drop(passes);
    say_unreadable(&found);
    let Embedded { pictures, rows, prototypes, .. } = &found;
    let names: Vec<String> = pictures.iter().map(|&picture| dataset.picture_name(picture)).collect();
    let mut beside = String::new();
    if let Some(path) = list {
        write_npy(out, rows)?;
        let mut lines = "row,picture,class,prototype,cosine\n".to_owned();
        for (row, (name, &picture)) in names.iter().zip(pictures).enumerate() {
            let class = dataset.class_of(picture).unwrap_or_default();
            let best = prototypes
                .as_ref()
                .map_or_else(|| ",".to_owned(), |best| format!("{},{:.4}", best[row].0, best[row].1));
            lines += &format!("{row},{},{},{best}\n", csv(name), csv(class));
        }
        write_atomic(&path, |file| file.write_all(lines.as_bytes()))?;
        beside = format!("; names in {}", path.display());
    } else if ending == "parquet" {
        write_parquet(out, what, &found, &names, &dataset)?;
    } else {
        write_safetensors(out, what, rows, &names)?;
    }
    print(&format!(
        "{}: {} of {}, {} values each{beside}\n",
        out.display(),
        what.name(),
        counted(rows.rows, "picture"),
        rows.dim
    ))?;
    Ok(Outcome::Done)
}

/// Says how many pictures could not be read, and why the first could not.
pub(super) fn say_unreadable(found: &Embedded) {
    if let Some(reason) = found.unreadable.values().next() {
        let count = counted(found.unreadable.len(), "picture");
        let _ = writeln!(std::io::stderr(), "{count} cannot be read, left out; the first: {reason}");
    }
}
