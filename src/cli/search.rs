//! `swav-wgpu search`: the pictures that look most like one.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::flags::{Given, at_least_one};
use super::model::{Looking, Pictures};
use super::passes::Passes;
use super::{Outcome, embed::say_unreadable, model, print};
use crate::data::configured;
use crate::error::{Error, Result};
use crate::eval::Features;
use crate::judge::search_watched;
use crate::uses::embed::{What, embed, read_index};

/// Find the pictures that look most like one
#[derive(Args)]
pub(super) struct Search {
    #[arg(value_name = "RUN|FILE", help = model::SOURCE)]
    network: PathBuf,
    /// The picture to look for
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    #[command(flatten)]
    pictures: Pictures,
    /// Features that `swav-wgpu embed` wrote with the same network, in place of --data
    #[arg(long, value_name = "FILE.safetensors", conflicts_with = "data")]
    index: Option<PathBuf>,
    /// How many pictures
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one().range(..=256))]
    k: usize,
    /// Print the pictures as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Given<Looking>,
}

impl Search {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let index = self.index.as_deref().map(read_index).transpose()?;
        let mut passes = Passes::new();
        let network = model::open(&self.network, &self.settings)?;
        let reading = configured::reading(&model::reading_of(&self.pictures.reading, &network, None)?);
        let pixels = crate::data::decode_file(&self.image, &reading)?;
        let (bank, names) = match index {
            Some(index) => {
                let look = network.viewing().to_string();
                if let Some(other) = index.look.filter(|other| *other != look) {
                    let reason = format!(
                        "was made by other views or features ({other}) than this search is to take ({look}): make it \
                         again by `swav-wgpu embed`, or repeat here the --eval flags that it was made with"
                    );
                    return Err(Error::config("index", reason));
                }
                (index.rows, index.names)
            }
            None => {
                let dataset = self.pictures.open(&network, &mut passes)?;
                let found = embed(&network, &dataset, What::Features, usize::MAX, &mut passes.watch())?;
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
        let near = search_watched(&network, &bank, &query, self.k, &mut passes.watch())?;
        drop(passes);
        let near = near.into_iter().next().unwrap_or_default();
        let rows = near.iter().map(|near| (near.similarity, &names[near.row as usize]));
        if self.json {
            let list: Vec<_> =
                rows.map(|(cosine, name)| json!({ "picture": name, "cosine": cosine })).collect();
            return print(&format!("{:#}\n", json!(list))).map(|()| Outcome::Done);
        }
        let mut out = String::new();
        for (cosine, name) in rows {
            let _ = writeln!(out, "{cosine:.3}  {name}");
        }
        print(&out)?;
        Ok(Outcome::Done)
    }
}
