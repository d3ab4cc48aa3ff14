//! `swav-wgpu search`: the pictures that look most like one.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;

use super::passes::Passes;
use super::{Outcome, embed::say_unreadable, model, print};
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::train::embed::{What, embed, read_index};
use crate::train::examine::search;
use crate::train::pictures;

/// The command with its flags.
pub fn command() -> Command {
    Command::new("search")
        .about("Find the pictures that look most like one")
        .arg(model::source())
        .arg(Arg::new("image").value_name("IMAGE").required(true).help("The picture to look for"))
        .args(model::data(model::EMBEDDED))
        .arg(
            Arg::new("index")
                .long("index")
                .value_name("FILE.safetensors")
                .conflicts_with("data")
                .help("Features that `swav-wgpu embed` wrote with the same network, in place of --data"),
        )
        .arg(
            Arg::new("k")
                .long("k")
                .value_name("N")
                .default_value("10")
                .value_parser(value_parser!(u64).range(1..=256))
                .help("How many pictures"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the pictures as JSON"))
        .args(model::settings())
}

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let image = Path::new(text("image").unwrap_or_default());
    let index = text("index").map(|path| read_index(Path::new(path))).transpose()?;
    let network = model::open(matches)?;
    let reading = pictures::reading(&model::reading_of(matches, &network, None)?);
    let pixels = crate::data::decode_file(image, &reading)?;
    let (bank, names) = match index {
        Some(found) => found,
        None => {
            let mut passes = Passes::new();
            let dataset = model::dataset(matches, &network, &mut passes)?;
            let found = embed(&network, &dataset, What::Features, usize::MAX, &mut passes.watch())?;
            drop(passes);
            say_unreadable(&found);
            let names = found.pictures.iter().map(|&picture| dataset.picture_name(picture)).collect();
            (found.rows, names)
        }
    };
    let seen = network.embed(&pixels)?;
    if bank.dim != seen.features.len() {
        let reason = format!(
            "the index has {} values a picture, this network {}: it was made with another one",
            bank.dim,
            seen.features.len()
        );
        return Err(Error::config("index", reason));
    }
    let query = Features::new(1, bank.dim, seen.features)?;
    let k = matches.get_one::<u64>("k").map_or(10, |&k| k as usize);
    let near = search(&network, &bank, &query, k)?.into_iter().next().unwrap_or_default();
    let rows = near.iter().map(|near| (near.similarity, &names[near.row as usize]));
    if matches.get_flag("json") {
        let list: Vec<_> = rows.map(|(cosine, name)| json!({ "picture": name, "cosine": cosine })).collect();
        return print(&format!("{:#}\n", json!(list))).map(|()| Outcome::Done);
    }
    let mut out = String::new();
    for (cosine, name) in rows {
        let _ = writeln!(out, "{cosine:.3}  {name}");
    }
    print(&out)?;
    Ok(Outcome::Done)
}
