//! `swav-wgpu eval knn|linear|clusters`: how good a network's features are, beside the same network
//! untrained and raw pixels.

mod render;

use std::io::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::eval::score::{Score, confusion_page};
use crate::interop::write_atomic;
use crate::train::examine::{
    Examination, LinearOptions, NearestOptions, SEED, Source, clusters, linear, nearest,
};

/// The command with its three measures.
pub fn command() -> Command {
    Command::new("eval")
        .about("Judge the features of a run or of any file of weights")
        .long_about(
            "Judge the features of a run, or of any file of weights, on pictures with labels. The same is done \
             with the same network untrained and with raw pixels: what training gained is the difference.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(shared(Command::new("knn")).about("The labels of the nearest pictures vote (cosine)").args([
            list("k", "20,200", "How many neighbours, at most 256"),
            number("temperature", "0.07", "A neighbour's weight is exp(cosine / this)"),
        ]))
        .subcommand(
            shared(Command::new("linear"))
                .about("A linear classifier on the frozen network")
                .long_about(
                    "A linear classifier on the frozen network: SGD with momentum 0.9, cosine, initial weights \
                     N(0, 0.01).\n\nWithout --recipe the features of plain views are computed once and several \
                     learning rates are tried at once; a fifth of the training pictures chooses, and the test \
                     pictures are looked at once. With --recipe every epoch sees fresh crops and flips at rate \
                     0.3, as the official code does.",
                )
                .args([
                    list("rates", "0.01,0.03,0.1,0.3,1,3,10", "Learning rates to choose from"),
                    count("epochs", "100", "Times that every picture is seen"),
                    count("batch", "256", "Pictures of a step"),
                    number("decay", "1e-6", "Weight decay"),
                    count("seed", "31", "Where initial weights, order and crops come from"),
                    Arg::new("recipe").long("recipe").action(ArgAction::SetTrue).help("Fresh crops in every epoch"),
                ]),
        )
        .subcommand(
            shared(Command::new("clusters")).about("What clusters say about the labels (NMI, ARI, purity)").args([
                count("clusters", "", "Clusters of k-means [default: the number of classes]"),
                count("seed", "31", "Where k-means starts"),
            ]),
        )
        .after_help(
            "Examples:\n  swav-wgpu eval knn runs/demo-1\n  swav-wgpu eval linear swav_800ep_pretrain.pth.tar \
             --data imagenette --limit 5000\n  swav-wgpu eval clusters runs/photos --data photos --json",
        )
}

fn shared(command: Command) -> Command {
    command
        .arg(model::source())
        .arg(model::data())
        .arg(count("limit", "50000", "Pictures of each side of a split, at most, evenly spread"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print everything as JSON"))
        .arg(
            Arg::new("classes").long("classes").action(ArgAction::SetTrue).help("Print a table by class too"),
        )
        .arg(
            Arg::new("confusion")
                .long("confusion")
                .value_name("FILE.html")
                .help("Write this network's confusion matrix as a page"),
        )
        .args(model::settings())
}

fn count(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    let arg =
        Arg::new(name).long(name).value_name("N").value_parser(value_parser!(u64).range(1..)).help(help);
    if default.is_empty() { arg } else { arg.default_value(default) }
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("X")
        .default_value(default)
        .value_parser(value_parser!(f64))
        .help(help)
}

fn list(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("LIST")
        .default_value(default)
        .value_delimiter(',')
        .value_parser(value_parser!(f64))
        .help(help)
}

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
    let dataset = model::dataset(matches)?;
    let network = model::open(matches)?;
    say(&format!(
        "{}\n{} pictures of {} classes in {}, on {}",
        network.describe(),
        dataset.len(),
        dataset.classes().len(),
        dataset.name(),
        network.adapter().name
    ));
    let limit = given(matches, "limit");
    let bar = model::bar("views");
    let of = Examination::new(&network, &dataset, limit, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if !of.unreadable.is_empty() {
        say(&format!("{} pictures cannot be read and are left out", of.unreadable.len()));
    }
    let ready = Ready { matches, of: &of, names: dataset.classes() };
    let head = json!({
        "measure": measure,
        "source": matches.get_one::<String>("source"),
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
}

impl Ready<'_> {
    fn knn(&self, head: Value) -> Result<()> {
        let k = self.matches.get_many::<f64>("k").into_iter().flatten().map(|&k| k as usize).collect();
        let temperature = self.matches.get_one::<f64>("temperature").copied().unwrap_or(0.07);
        let options = NearestOptions { k, temperature };
        let results = nearest(self.of, &options)?;
        let score = results.iter().find(|result| result.source == Source::Trained && !result.centred);
        self.finish(
            head,
            &Measured {
                options: value(&options)?,
                table: render::nearest(&results, &options),
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
        let bar = model::bar("epochs");
        let results = linear(self.of, &options, &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        })?;
        bar.finish_and_clear();
        let score = results.iter().find(|result| result.source == Source::Trained);
        self.finish(
            head,
            &Measured {
                options: value(&options)?,
                table: render::linear(&results, &options),
                score: score.map(|result| &result.score),
                results: value(&results)?,
            },
        )
    }

    fn clusters(&self, head: Value) -> Result<()> {
        let count = self.matches.get_one::<u64>("clusters").map(|&n| n as usize);
        let seed = given(self.matches, "seed") as u64;
        let results = clusters(self.of, count, seed)?;
        self.finish(
            head,
            &Measured {
                options: json!({ "clusters": count, "seed": seed }),
                table: render::clusters(&results, seed),
                score: None,
                results: value(&results)?,
            },
        )
    }

    /// Prints a measure and writes what else was asked for.
    fn finish(&self, mut head: Value, measured: &Measured<'_>) -> Result<()> {
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
