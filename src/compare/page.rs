//! A comparison on one page.

use super::results::{Cell, Comparison, Mean, Point};
use super::tables::{Grid, Measure};
use crate::judge::FeatureSource;
use crate::pages::page::{Curve, Mark, Page, dots, lines, table};
use maud::{Markup, html};

/// The page.
pub(super) fn page(of: &Comparison) -> String {
    let pictures = &of.pictures;
    let classes = match pictures.classes {
        0 => "without labels".to_owned(),
        classes => format!("of {classes} classes"),
    };
    let done = of.arms.len();
    let state = if of.complete { "" } else { "; not all runs are done yet" };
    let lead = format!(
        "{done} runs at equal {} on {} pictures of {} {classes}{state}",
        match of.budget {
            super::Budget::Flop => "compute (floating-point operations)",
            super::Budget::Steps => "steps",
            super::Budget::Time => "time",
        },
        pictures.pictures,
        pictures.name
    );
    let mut page = Page::new("Ways to train, compared", &lead, &best(of));
    let results = html! {
        div.charts { @for measure in of.measures() { (figure(of, &measure)) } }
        (grid(&of.results()))
    };
    page.section(
        "Results",
        "How good the features are; lines show the deviation over seeds where there are several.",
        results,
    );
    page.section("Curves", "While they were trained: the mean over seeds.", curves(of));
    page.section("Cost", "What each of them took: means over seeds.", grid(&of.costs()));
    page.section("What was equal", "And what was not.", terms(of));
    page.section(
        "Settings",
        "Those that differ; - where the method does not read one.",
        html! { div.words { (grid(&of.settings())) } },
    );
    page.section("Runs", "Every run has a folder of its own, for `report`, `eval` and all else.", runs(of));
    page.finish()
}

/// The best cell by each measure.
fn best(of: &Comparison) -> Vec<(String, String)> {
    let best = |measure: &Measure| {
        let found = of.cells.iter().filter_map(|cell| Some((cell, measure.of(cell)?.mean)));
        let (cell, value) = found.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let digits = measure.shown.1;
        Some((format!("best by {}", measure.name), format!("{}: {value:.digits$}", cell.name())))
    };
    of.measures().iter().filter_map(best).collect()
}

/// Rows by a measure, a colour for each column.
fn figure(of: &Comparison, measure: &Measure) -> Markup {
    let columns = of.columns();
    let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let mark = |cell: &Cell| {
        let Mean { mean, deviation, .. } = measure.of(cell)?;
        let series = columns.iter().position(|column| *column == cell.column)?;
        Some((cell.row.clone(), Mark { series, value: mean, deviation: deviation.unwrap_or(0.0) }))
    };
    let marks: Vec<(String, Mark)> = of.cells.iter().filter_map(mark).collect();
    let level = |source: FeatureSource| Some((source.name(), measure.of(&of.level(source)?)?.mean));
    let levels: Vec<(&str, f64)> =
        [FeatureSource::RawPixels, FeatureSource::Untrained].into_iter().filter_map(level).collect();
    dots(&measure.name, &of.row_names(), &names, &marks, &levels)
}

/// kNN accuracy over operations and over steps.
fn curves(of: &Comparison) -> Markup {
    let curve = |cell: &Cell, at: fn(&Point) -> f64| {
        let mut all = of.arms_of(cell).map(|arm| arm.curve.as_slice());
        let first = all.next()?;
        let others: Vec<&[Point]> = all.collect();
        // Runs of a cell have as many steps, and were judged after the same ones.
        let mean = |(i, point): (usize, &Point)| {
            let same =
                others.iter().filter_map(|points| points.get(i)).filter(|other| other.step == point.step);
            let values: Vec<f64> = same.chain([point]).map(|point| 100.0 * point.knn).collect();
            Some([at(point), Mean::of(&values)?.mean])
        };
        Some(Curve { name: cell.name(), points: first.iter().enumerate().filter_map(mean).collect() })
    };
    let all = |at: fn(&Point) -> f64| -> Vec<Curve> {
        let found = of.cells.iter().filter_map(|cell| curve(cell, at));
        found.filter(|curve| !curve.points.is_empty()).collect()
    };
    let over = all(|point| point.gflop);
    if over.is_empty() {
        return html! { p { "There is nothing to draw: the pictures have no labels." } };
    }
    let split = of.split().unwrap_or_default();
    let level = of.level(FeatureSource::RawPixels).and_then(|level| level.knn.get(split).copied());
    let level = level.map(|found| ("raw pixels", 100.0 * found.mean));
    html! {
        div.charts {
            (lines(&format!("kNN on {split}, %, over GFLOP"), &over, level))
            (lines(&format!("kNN on {split}, %, over steps"), &all(|point| point.step as f64), level))
        }
    }
}

fn terms(of: &Comparison) -> Markup {
    html! {
        @for (heading, said) in [("Equal", of.equal()), ("Not equal", of.unequal())] {
            h3 { (heading) }
            ul { @for one in said { li { (one) } } }
        }
    }
}

fn runs(of: &Comparison) -> Markup {
    let row = |arm: &super::ArmResult| {
        let said = arm.failure().map_or_else(|| "done".to_owned(), str::to_owned);
        vec![arm.name.clone(), arm.folder.clone(), said]
    };
    let rows: Vec<Vec<String>> = of.arms.iter().map(row).collect();
    html! { div.words { (table(&["run", "folder", ""], &rows)) } }
}

fn grid(of: &Grid) -> Markup {
    let head: Vec<&str> = of.head.iter().map(String::as_str).collect();
    table(&head, &of.rows)
}
