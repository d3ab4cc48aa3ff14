//! A comparison on one page.

use super::results::{ArmResult, Cell, Comparison, Mean, Point};
use super::tables::{Grid, Measure};
use super::{Budget, Crops, over};
use crate::config::{Method, Value};
use crate::judge::FeatureSource;
use crate::pages::page::{Curve, Look, Mark, Page, Paint, dots, lines, log_lines, table};
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
        "{done} runs {} on {} pictures of {} {classes}{state}",
        match of.budget {
            Budget::Flop => "at equal compute (floating-point operations)",
            Budget::Steps => "at equal steps",
            Budget::Time => "at equal time",
            Budget::Own => "of different length",
        },
        pictures.pictures,
        pictures.name
    );
    let mut page = Page::new("Ways to train, compared", &lead, &[]);
    let results = html! {
        ul { @for said in best(of) { li { (said) } } }
        div.charts { @for measure in of.measures() { (figure(of, &measure)) } }
        @for results in of.results() { (grid(&results)) }
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

/// The best cell by each measure, with those from which its seeds do not tell it apart, and whether it is worth training. Those
/// that were told the labels stand apart where there are others: they are what the others would like to reach.
fn best(of: &Comparison) -> Vec<String> {
    of.measures().iter().filter_map(|measure| best_by(of, measure)).collect()
}

fn best_by(of: &Comparison, measure: &Measure) -> Option<String> {
    let mut found: Vec<(&Cell, Mean)> =
        of.cells.iter().filter_map(|cell| Some((cell, measure.of(cell)?))).collect();
    found.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean));
    let digits = measure.shown.1;
    // A column that all cells are in need not be named.
    let alone = of.columns().len() == 1;
    let name = |cell: &Cell| if alone { cell.row.clone() } else { cell.name() };
    let shown = |(cell, mean): &(&Cell, Mean)| format!("{} ({:.digits$})", name(cell), mean.mean);
    let knows = |(cell, _): &(&Cell, Mean)| of.arms_of(cell).any(|arm| arm.method == Method::Supervised);
    let (told, others): (Vec<_>, Vec<_>) = found.into_iter().partition(knows);
    // Alone, they are compared with each other.
    let (told, found) = if others.is_empty() { (others, told) } else { (told, others) };
    let (_, best) = *found.first()?;
    let any_spread = found.iter().any(|(_, mean)| mean.deviation.is_some());
    let first: Vec<String> = leading(&found).map(shown).collect();
    let mut said = match first.as_slice() {
        [only] => format!("best is {only}"),
        several if any_spread => format!("within the spread of seeds: {}", several.join("; ")),
        several => format!("best are {}", several.join(" and ")),
    };
    if !told.is_empty() {
        let most: Vec<String> = leading(&told).map(shown).collect();
        said = format!("without labels, {said}; with them, {}", most.join(" and "));
    }
    let unbeaten: Vec<String> = levels(of, measure)
        .into_iter()
        .filter(|(_, level)| measure.is_accuracy() && *level >= best.mean)
        .map(|(source, level)| format!("{source} ({level:.digits$})"))
        .collect();
    let unbeaten = match unbeaten.len() {
        0 => String::new(),
        _ if told.is_empty() => format!("; none is better than {}", unbeaten.join(" and ")),
        _ => format!("; none without labels is better than {}", unbeaten.join(" and ")),
    };
    Some(format!("By {}: {said}{unbeaten}.", measure.name))
}

/// The first of some cells, the best one first, and those from which its seeds do not tell it apart. Single runs of either are
/// as far from their mean; with one seed only what is equal is as good.
fn leading<'f, 'c>(found: &'f [(&'c Cell, Mean)]) -> impl Iterator<Item = &'f (&'c Cell, Mean)> {
    let within = move |(_, one): &&(&Cell, Mean)| {
        let (_, best) = found[0];
        let spread = [best, *one].iter().filter_map(|mean| mean.deviation).fold(0.0, f64::max);
        best.mean - one.mean <= spread
    };
    found.iter().filter(within)
}

/// Raw pixels and the untrained network by a measure.
fn levels(of: &Comparison, measure: &Measure) -> Vec<(&'static str, f64)> {
    let level = |source: FeatureSource| Some((source.name(), measure.of(&of.level(source)?)?.mean));
    [FeatureSource::RawPixels, FeatureSource::Untrained].into_iter().filter_map(level).collect()
}

/// Rows by a measure, a colour for each column. Lengths of a run make a curve for each method: what more of it gives.
fn figure(of: &Comparison, measure: &Measure) -> Markup {
    let columns = of.columns();
    let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let rows = of.row_names();
    // A setting that all rows name is said once.
    let key = shared_key(&rows);
    if key.is_some_and(|key| over::LENGTHS.contains(&key)) {
        return growth(of, measure);
    }
    let short = |row: &str| match (key, parts(row)) {
        (Some(key), (None, own)) => own[key.len()..].trim_start().to_owned(),
        (Some(key), (Some(method), own)) => format!("{method},{}", &own[key.len()..]),
        (None, _) => row.to_owned(),
    };
    let title = match key {
        Some(key) => format!("{}, by {key}", measure.name),
        None => measure.name.clone(),
    };
    let mark = |cell: &Cell| {
        let Mean { mean, deviation, .. } = measure.of(cell)?;
        let series = columns.iter().position(|column| *column == cell.column)?;
        Some((short(&cell.row), Mark { series, value: mean, deviation: deviation.unwrap_or(0.0) }))
    };
    let marks: Vec<(String, Mark)> = of.cells.iter().filter_map(mark).collect();
    let rows: Vec<String> = rows.into_iter().map(short).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    dots(&title, &rows, &names, &marks, &levels(of, measure))
}

/// The method that a row names before the value of a setting, where there are several, and the rest.
fn parts(row: &str) -> (Option<&str>, &str) {
    match row.split_once(", ") {
        Some((method, own)) if Method::parse(method).is_ok() => (Some(method), own),
        _ => (None, row),
    }
}

/// A measure over the operations of a run, a curve for each method and column, beside raw pixels and the untrained network.
fn growth(of: &Comparison, measure: &Measure) -> Markup {
    let point = |arm: &ArmResult, cell: &Cell| {
        let Mean { mean, deviation, .. } = measure.of(cell)?;
        Some(([arm.gflop, mean], deviation.unwrap_or(0.0)))
    };
    let done: Vec<(&ArmResult, &Cell)> =
        of.cells.iter().filter_map(|cell| Some((of.arms_of(cell).next()?, cell))).collect();
    let mut families: Vec<(Method, Crops)> = Vec::new();
    for (arm, _) in &done {
        if !families.contains(&(arm.method, arm.column)) {
            families.push((arm.method, arm.column));
        }
    }
    let methods = of.row_names().into_iter().any(|row| parts(row).0.is_some());
    let name = |(method, column): (Method, Crops)| match (methods, of.columns().len() > 1) {
        (true, true) => format!("{method}, {column}"),
        (true, false) => method.to_string(),
        (false, true) => column.to_string(),
        (false, false) => "trained".to_owned(),
    };
    let curve = |family: &(Method, Crops)| {
        let own = done.iter().filter(|(arm, _)| (arm.method, arm.column) == *family);
        let mut found: Vec<([f64; 2], f64)> = own.filter_map(|(arm, cell)| point(arm, cell)).collect();
        found.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        let (points, deviations) = found.into_iter().unzip();
        Curve { name: name(*family), points, deviations, look: Look::default() }
    };
    let mut curves: Vec<Curve> = families.iter().map(curve).collect();
    let places = || curves.iter().flat_map(|curve| &curve.points).map(|point| point[0]);
    let ends = [places().fold(f64::MAX, f64::min), places().fold(f64::MIN, f64::max)];
    let across = |(name, value): (&str, f64)| Curve {
        name: name.to_owned(),
        points: ends.map(|end| [end, value]).to_vec(),
        look: Look { dashed: true, bare: true, ..Look::default() },
        ..Curve::default()
    };
    if ends[0] <= ends[1] {
        let levels: Vec<Curve> = levels(of, measure).into_iter().map(across).collect();
        curves.extend(levels);
    }
    log_lines(&format!("{}, by GFLOP", measure.name), &curves)
}

/// The setting that all rows name before their values, where they are values of one.
fn shared_key<'r>(rows: &[&'r str]) -> Option<&'r str> {
    let key = |row: &&'r str| Some(parts(row).1.split_once(' ')?.0);
    let first = key(rows.first()?);
    rows.iter().all(|row| key(row) == first).then_some(first)?
}

/// kNN accuracy over operations and over steps, on every split.
fn curves(of: &Comparison) -> Markup {
    let (rows, columns) = (of.row_names(), of.columns());
    let curve = |cell: &Cell, split: usize, at: fn(&Point) -> f64| {
        let mut all = of.arms_of(cell).map(|arm| arm.curve.as_slice());
        let first = all.next()?;
        let others: Vec<&[Point]> = all.collect();
        // Runs of a cell have as many steps, and were judged after the same ones.
        let mean = |(i, point): (usize, &Point)| {
            let same =
                others.iter().filter_map(|points| points.get(i)).filter(|other| other.step == point.step);
            let values: Vec<f64> = same
                .chain([point])
                .filter_map(|point| Some(100.0 * point.splits.get(split)?.plain))
                .collect();
            Some([at(point), Mean::of(&values)?.mean])
        };
        let look = Look {
            paint: rows.iter().position(|row| *row == cell.row).map_or_else(Paint::default, Paint::Of),
            dashed: columns.len() > 1 && cell.column == Crops::Without,
            ..Look::default()
        };
        let points = first.iter().enumerate().filter_map(mean).collect();
        Some(Curve { name: cell.name(), points, look, ..Curve::default() })
    };
    let all = |split: usize, at: fn(&Point) -> f64| -> Vec<Curve> {
        let found = of.cells.iter().filter_map(|cell| curve(cell, split, at));
        found.filter(|curve| !curve.points.is_empty()).collect()
    };
    let splits = of.splits();
    if splits.is_empty() {
        return html! { p { "There is nothing to draw: the pictures have no labels." } };
    }
    let level = |split: &str| {
        let found = of.level(FeatureSource::RawPixels)?.knn.get(split).copied()?;
        Some(("raw pixels", 100.0 * found.mean))
    };
    html! {
        div.charts {
            @for (at, split) in splits.iter().enumerate() {
                (lines(&format!("kNN on {split}, %, over GFLOP"), &all(at, |point| point.gflop), level(split)))
                (lines(&format!("kNN on {split}, %, over steps"), &all(at, |point| point.step as f64), level(split)))
            }
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

/// Every run with its own figures, of which the tables have means.
fn runs(of: &Comparison) -> Markup {
    let measures = of.measures();
    let row = |arm: &ArmResult| {
        let said = arm.failure().map_or_else(|| "done".to_owned(), str::to_owned);
        let alone = Cell::of((&arm.row, arm.column), std::slice::from_ref(arm));
        let figures = measures.iter().map(|measure| measure.text(&alone));
        [arm.name.clone(), arm.folder.clone()].into_iter().chain(figures).chain([said]).collect()
    };
    let rows: Vec<Vec<String>> = of.arms.iter().map(row).collect();
    let names = measures.iter().map(|measure| measure.name.as_str());
    let head: Vec<&str> = ["run", "folder"].into_iter().chain(names).chain([""]).collect();
    html! { div.words { (table(&head, &rows)) } }
}

fn grid(of: &Grid) -> Markup {
    let head: Vec<&str> = of.head.iter().map(String::as_str).collect();
    table(&head, &of.rows)
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
