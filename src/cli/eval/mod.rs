//! `swav-wgpu eval knn|linear|finetune|clusters`: how good a network's features are, beside the same network
//! untrained and raw pixels.

mod flags;
mod render;

use std::cell::RefCell;
use std::io::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::passes::Passes;
use super::{Outcome, model, print};
use crate::error::{Error, Result};
use crate::eval::score::Score;
use crate::interop::write_atomic;
use crate::judge::{
    Examination, FeatureSource, FinetuneOptions, LinearOptions, NearestOptions, SEED, Table, clusters,
    finetune, linear, nearest,
};
use crate::pages::confusion::confusion_page;
use crate::words::counted;
pub(super) use flags::Eval;
use flags::{Clusters, Finetune, Knn, Linear, Measure, Shared};

/// What was measured: figures for machines, a table for people, and the network's own score.
struct Measured<'a> {
    options: Value,
    results: Value,
    table: String,
    score: Option<&'a Score>,
}

impl Eval {
    /// Runs the command.
    pub(super) fn run(&self) -> Result<Outcome> {
        let (measure, shared) = self.measure.parts();
        if let Some(path) = &shared.confusion {
            shared.force.refuse_existing("confusion", path)?;
        }
        let passes = RefCell::new(Passes::new());
        let network = model::open(&shared.network, &shared.settings)?;
        let mut dataset = shared.pictures.open(&network, &mut passes.borrow_mut())?;
        let mut labels = None;
        if let Some(file) = &shared.label_file {
            let (labelled, said) = dataset.labelled_by(file)?;
            say(&said.to_string());
            (dataset, labels) = (labelled, Some(said));
        }
        say(&format!(
            "{}\n{} of {} in {}, on {}",
            network.describe(),
            counted(dataset.len(), "picture"),
            counted(dataset.classes().len(), "class"),
            dataset.name(),
            network.adapter().name
        ));
        let of = Examination::new(&network, &dataset, shared.limit, &mut passes.borrow_mut().watch())?;
        if !of.unreadable().is_empty() {
            say(&format!("{} cannot be read, left out", counted(of.unreadable().len(), "picture")));
        }
        let ready = Ready { shared, of: &of, names: dataset.classes(), passes: &passes };
        let head = json!({
            "measure": measure,
            "source": shared.network.display().to_string(),
            "network": network.describe(),
            "adapter": network.adapter().name,
            "data": dataset.name(),
            "classes": dataset.classes(),
            "label_file": labels,
            "limit": shared.limit,
            "untrained_seed": network.config().map_or(SEED, |config| config.seed),
            "views": format!("{} of {}", network.viewing().size, network.viewing().resize),
            "unreadable": of.unreadable().len(),
        });
        match &self.measure {
            Measure::Knn(knn) => ready.knn(knn, head),
            Measure::Linear(linear) => ready.linear(linear, head),
            Measure::Finetune(finetune) => ready.finetune(finetune, head),
            Measure::Clusters(clusters) => ready.clusters(clusters, head),
        }?;
        Ok(Outcome::Done)
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Everything that a measure needs.
struct Ready<'a> {
    shared: &'a Shared,
    of: &'a Examination<'a>,
    names: &'a [String],
    passes: &'a RefCell<Passes>,
}

impl Ready<'_> {
    fn knn(&self, asked: &Knn, head: Value) -> Result<()> {
        let options = NearestOptions { k: asked.k.clone(), temperature: asked.temperature };
        let results = nearest(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == FeatureSource::Trained && !result.centred);
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

    fn linear(&self, asked: &Linear, head: Value) -> Result<()> {
        let &Linear { epochs, batch, decay, seed, recipe, .. } = asked;
        let options = LinearOptions { epochs, batch, rates: asked.rates.clone(), decay, seed, recipe };
        let results = linear(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == FeatureSource::Trained);
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

    fn finetune(&self, asked: &Finetune, head: Value) -> Result<()> {
        let &Finetune { labels, epochs, batch, rate, head_rate, seed, .. } = asked;
        let usual = FinetuneOptions::of_labels(labels).rates;
        let rates = [rate.unwrap_or(usual[0]), head_rate.unwrap_or(usual[1])];
        let options = FinetuneOptions { labels, epochs, batch, rates, seed };
        let results = finetune(self.of, &options, &mut self.passes.borrow_mut().watch())?;
        let score = results.iter().find(|result| result.source == FeatureSource::Trained);
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

    fn clusters(&self, asked: &Clusters, head: Value) -> Result<()> {
        let &Clusters { clusters: count, seed, .. } = asked;
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
        if let Some(path) = &self.shared.confusion {
            let Some(score) = measured.score else {
                return Err(Error::config(
                    "confusion",
                    "clusters have no confusion matrix: use knn or linear",
                ));
            };
            let page = confusion_page("Confusion of this network", score, self.names);
            write_atomic(path, |file| file.write_all(page.as_bytes()))?;
        }
        if self.shared.json {
            head["options"] = measured.options.clone();
            head["results"] = measured.results.clone();
            return print(&format!("{head:#}\n"));
        }
        let mut text = measured.table.clone();
        if let (true, Some(score)) = (self.shared.classes, measured.score) {
            text += &render::classes(score, self.names);
        }
        print(&text)
    }
}

fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_value(of).map_err(|error| Error::io("standard output")(error.into()))
}
