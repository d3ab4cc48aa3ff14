//! `swav-wgpu eval knn|linear|finetune|clusters`: how good a network's features are, beside the same network
//! untrained and raw pixels.

mod flags;
mod render;

use std::cell::RefCell;
use std::io::Write as _;
use std::path::Path;

use clap::ArgMatches;
use serde::Serialize;
use serde_json::{Value, json};

use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::eval::score::{Score, confusion_page};
use crate::interop::write_atomic;
use crate::train::examine::{
    Examination, FinetuneOptions, LinearOptions, NearestOptions, SEED, Source, Table, clusters, finetune,
    linear, nearest,
};
use crate::words::counted;
pub use flags::command;

fn given(matches: &ArgMatches, name: &str) -> usize {
    matches.get_one::<u64>(name).map_or(0, |&n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// What was measured: figures for machines, a table for people, and the network's own score.
struct Measured<'a> {
    options: Value,
    results: Value,
    table: String,
    score: Option<&'a Score>,
}

/// Runs the command.
pub fn run(matches: &ArgMatches) -> Result<Outcome> {
    let Some((measure, matches)) = matches.subcommand() else { return Ok(Outcome::Done) };
    if let Some(path) = matches.get_one::<String>("confusion") {
        model::refuse_existing(matches, "confusion", Path::new(path))?;
    }
    let passes = RefCell::new(Passes::new());
    let network = model::open(matches)?;
    let dataset = model::dataset(matches, &network, &mut passes.borrow_mut())?;
    say(&format!(
        "{}\n{} of {} in {}, on {}",
        network.describe(),
        counted(dataset.len(), "picture"),
        counted(dataset.classes().len(), "class"),
        dataset.name(),
        network.adapter().name
    ));
    let limit = given(matches, "limit");
    let of = Examination::new(&network, &dataset, limit, &mut passes.borrow_mut().watch())?;
    if !of.unreadable.is_empty() {
        say(&format!("{} cannot be read, left out", counted(of.unreadable.len(), "picture")));
    }
    let ready = Ready { matches, of: &of, names: dataset.classes(), passes: &passes };
    let head = json!({
        "measure": measure,
        "source": matches.get_one::<String>("network"),
        "network": network.describe(),
        "adapter": network.adapter().name,
        "data": dataset.name(),
        "classes": dataset.classes(),
        "limit": limit,
        "untrained_seed": network.config().map_or(SEED, |config| config.seed),
        "views": format!("{} of {}", network.viewing().size, network.viewing().resize),
        "unreadable": of.unreadable.len(),
    });
    match measure {
        "knn" => ready.knn(head),
        "linear" => ready.linear(head),
        "finetune" => ready.finetune(head),
        _ => ready.clusters(head),
    }?;
    Ok(Outcome::Done)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Everything that a measure needs.
struct Ready<'a> {
    matches: &'a ArgMatches,
    of: &'a Examination<'a>,
    names: &'a [String],
    passes: &'a RefCell<Passes>,
}

impl Ready<'_> {
    fn knn(&self, head: Value) -> Result<()> {
        let k = self.matches.get_many::<f64>("k").into_iter().flatten().map(|&k| k as usize).collect();
        let temperature = self.matches.get_one::<f64>("temperature").copied().unwrap_or(0.07);
        let options = NearestOptions { k, temperature };
        let results = nearest(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == Source::Trained && !result.centred);
        self.finish(
            head,
            &Measured {
                options: value(&options)?,
                table: render::table(&Table::nearest(&results, &options)),
                score: score.map(|result| &result.score),
                results: value(&results)?,
            },
        )
    }

    fn linear(&self, head: Value) -> Result<()> {
        let options = LinearOptions {
            epochs: given(self.matches, "epochs"),
            batch: given(self.matches, "batch"),
            rates: self.matches.get_many::<f64>("rates").into_iter().flatten().copied().collect(),
            decay: self.matches.get_one::<f64>("decay").copied().unwrap_or(1e-6),
            seed: given(self.matches, "seed") as u64,
            recipe: self.matches.get_flag("recipe"),
        };
        let results = linear(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == Source::Trained);
        self.finish(
            head,
            &Measured {
                options: value(&options)?,
                table: render::table(&Table::linear(&results, &options)),
                score: score.map(|result| &result.score),
                results: value(&results)?,
            },
        )
    }

    fn finetune(&self, head: Value) -> Result<()> {
        let usual = FinetuneOptions::of_labels(self.matches.get_one("labels").copied().unwrap_or(10.0));
        let rate = |name, usual| self.matches.get_one::<f64>(name).copied().unwrap_or(usual);
        let options = FinetuneOptions {
            epochs: given(self.matches, "epochs"),
            batch: given(self.matches, "batch"),
            rates: [rate("rate", usual.rates[0]), rate("head-rate", usual.rates[1])],
            seed: given(self.matches, "seed") as u64,
            ..usual
        };
        let results = finetune(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == Source::Trained);
        self.finish(
            head,
            &Measured {
                options: value(&options)?,
                table: render::table(&Table::finetune(&results, &options)),
                score: score.map(|result| &result.score),
                results: value(&results)?,
            },
        )
    }

    fn clusters(&self, head: Value) -> Result<()> {
        let count = self.matches.get_one::<u64>("clusters").map(|&n| n as usize);
        let seed = given(self.matches, "seed") as u64;
        let results = clusters(self.of, count, seed, &mut self.passes.borrow_mut().watch())?;
        self.finish(
            head,
            &Measured {
                options: json!({ "clusters": count, "seed": seed }),
                table: Table::clusters(&results, seed).iter().map(render::table).collect(),
                score: None,
                results: value(&results)?,
            },
        )
    }

    /// Prints a measure and writes what else was asked for.
    fn finish(&self, mut head: Value, measured: &Measured<'_>) -> Result<()> {
        self.passes.borrow().keep();
        if let Some(path) = self.matches.get_one::<String>("confusion") {
            let Some(score) = measured.score else {
                return Err(Error::config(
                    "confusion",
                    "clusters have no confusion matrix: use knn or linear",
                ));
            };
            let page = confusion_page("Confusion of this network", score, self.names);
            write_atomic(Path::new(path), |file| file.write_all(page.as_bytes()))?;
        }
        if self.matches.get_flag("json") {
            head["options"] = measured.options.clone();
            head["results"] = measured.results.clone();
            return print(&format!("{head:#}\n"));
        }
        let mut text = measured.table.clone();
        if let (true, Some(score)) = (self.matches.get_flag("classes"), measured.score) {
            text += &render::classes(score, self.names);
        }
        print(&text)
    }
}

fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::io("standard output")(error.into()))
}
