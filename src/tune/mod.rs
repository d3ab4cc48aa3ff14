//! A short autotune: times every method for the products of convolutions on a few shapes of real
//! networks and chooses the best for each operation and class of shapes.
//!
//! A device reads operands in one form, texels or buffers ([`Family`]), because an activation is staged
//! once and read by several kernels: all methods of each form are timed, and the form whose best
//! methods take less time in all wins. Whoever holds a [`Tuner`] calls [`Tuner::step`] until all cases
//! are done and may stop between any two.
//!
//! | file | what |
//! |---|---|
//! | `cases` | the shapes, and how one of them is timed |
//! | `peak` | the most that an adapter does |
//! | `store` | the file of results, by adapter, driver and program version |
//! | `speeds` | the file of how fast adapters train |
//! | `units` | whether matrix units are right, and faster |

mod cases;
mod peak;
mod speeds;
mod store;
mod units;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use cases::Timed;
pub use peak::{Peaks, peaks};
pub use speeds::Speeds;
pub use store::{Entry, Store};
pub use units::Units;

use crate::config::{Config, Kernels, Precision, Tuned};
use crate::error::{Error, Result};
use crate::gpu::{self, AdapterFacts, Choices, Class, Family, Gpu, Method, Operation};
use cases::Case;

/// A method replaces the usual one if it takes less than this share of its time: a smaller gain may be
/// noise, and the usual one is known from more shapes.
const GAIN: f64 = 0.95;
/// A form of operands is left out when it has lost so many times the fastest form's time, for each case
/// that there is: it would have to be twice as fast in all the others.
const HOPELESS: f64 = 0.5;

/// Takes the kernels that a tuning has kept below the folder `cache` into settings, where they leave the
/// choice to the program; for half precision where none are kept, matrix units that stand a check. Settings that could
/// not be filled in ask for the usual kernels afterwards, whatever happened.
///
/// # Errors
/// [`Error::Config`] where there is no such adapter, or where matrix units are asked for and cannot be used, and
/// [`Error::Io`] where the file cannot be read, without which training goes as well.
pub fn take(config: &mut Config, cache: &Path) -> Result<Taken> {
    let adapter = config.adapter.clone();
    if config.kernels == Kernels::Matrix {
        config.kernels = Kernels::Auto;
        Gpu::open(adapter.as_deref(), Some(Family::Matrix))?;
        let usual = Choices::usual(gpu::find(adapter.as_deref())?.family());
        return demanded(config, units::check(adapter.as_deref(), &usual));
    }
    if config.tuned != Tuned::Auto {
        return Ok(Taken::default());
    }
    config.tuned = Tuned::Off;
    if config.kernels != Kernels::Auto {
        return Ok(Taken::default());
    }
    let facts = gpu::find(adapter.as_deref())?;
    let half = config.precision == Precision::F16;
    let file = Store::file(cache);
    if let Some(choices) = Store::read(&file)?.find(&facts)? {
        let choices = if half { choices } else { choices.without_matrix_units() };
        config.tuned = Tuned::Choices(choices.to_string());
        return Ok(Taken { kept: Some(file), units: None });
    }
    if !half || facts.matrix.is_none() {
        return Ok(Taken::default());
    }
    Ok(offered(config, units::check(adapter.as_deref(), &Choices::usual(facts.family()))))
}

/// Settings that ask for matrix units, once these are checked: they take them if they are right. If not, nobody gets other
/// kernels in silence or with a line that scrolls away: who names a family wants that one, to compare it, to reproduce
/// a run or to report a fault, and would take the figures of the next one for its own. Nothing has begun yet, so an error
/// costs a second, and it names the setting that takes the next family by itself ([`offered`]).
fn demanded(config: &mut Config, units: Units) -> Result<Taken> {
    if let Units::Unusable(reason) = units {
        let way_out = "`--kernels auto` takes the next family that is right here";
        return Err(Error::config("kernels", format!("is matrix, but {reason}; {way_out}")));
    }
    config.kernels = Kernels::Matrix;
    Ok(Taken { kept: None, units: Some(units) })
}

/// Settings that leave the choice to the program: they take matrix units if these are right and faster, and the usual
/// kernels if not.
fn offered(config: &mut Config, units: Units) -> Taken {
    if let Units::Faster(_) = units {
        config.tuned = Tuned::Choices(Choices::usual(Family::Matrix).to_string());
    }
    Taken { kept: None, units: Some(units) }
}

/// What settings were given by [`take`].
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// The file from which kernels were taken.
    pub kept: Option<PathBuf>,
    /// What a check of matrix units has shown, where there was one.
    pub units: Option<Units>,
}

/// Times cases one by one.
#[derive(Debug)]
pub struct Tuner {
    /// A device for each form of operands, the usual one first.
    devices: Vec<Arc<Gpu>>,
    cases: Vec<Case>,
    rows: Vec<Row>,
    units: Option<Units>,
    width: Option<u32>,
}

/// The same choices for a device of that width, where it is known.
fn wide(choices: Choices, width: Option<u32>) -> Choices {
    match width {
        Some(width) => choices.with_width(width),
        None => choices,
    }
}

/// What was found for an operation on a class of shapes.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was computed.
    pub operation: Operation,
    /// The class.
    pub class: Class,
    /// The shape that stood for it.
    pub shape: String,
    /// Multiplications and additions of the direct sums.
    pub flop: f64,
    /// For each form of operands, by the family that stages it so.
    pub forms: Vec<Form>,
}

/// The methods that read operands in one form.
#[derive(Clone, Debug)]
pub struct Form {
    /// The family.
    pub family: Family,
    /// What it does when nothing is chosen.
    pub usual: Timed,
    /// All methods, fastest first.
    pub methods: Vec<Timed>,
}

impl Form {
    /// The method to choose: the fastest, or the usual one where that gains too little.
    #[must_use]
    pub fn best(&self) -> Timed {
        match self.methods.first() {
            Some(&fastest) if fastest.seconds < GAIN * self.usual.seconds => fastest,
            _ => self.usual,
        }
    }
}

/// What a tuning has found.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// The adapter.
    pub adapter: AdapterFacts,
    /// The kernels to take.
    pub choices: Choices,
    /// A row for each operation and class.
    pub rows: Vec<Row>,
    /// What a check of matrix units has shown, where the adapter lists them.
    pub units: Option<Units>,
}

impl Tuning {
    /// What was usual on this adapter and what is chosen now, for a row.
    #[must_use]
    pub fn gain(&self, row: &Row) -> Option<(Timed, Timed)> {
        let of = |family| row.forms.iter().find(|form| form.family == family);
        let chosen = self.choices.clone().without_matrix_units().family();
        Some((of(self.adapter.family())?.usual, of(chosen)?.best()))
    }
}

impl Tuner {
    /// Opens the adapter that `adapter` means.
    ///
    /// # Errors
    /// No such adapter, or a driver that refuses.
    pub fn open(adapter: Option<&str>) -> Result<Self> {
        let usual = Gpu::open(adapter, None)?;
        let facts = usual.facts();
        let units = facts.matrix.map(|_| units::check(adapter, usual.choices()));
        // A processor runs one workgroup after another: none are too few for it.
        let width = if facts.software { None } else { Some(peak::width(&usual)?) };
        let other = match usual.family() {
            // Without workgroup memory, because a driver that is usually given subgroups emulates it.
            Family::Subgroup => Some(Family::Direct),
            Family::Tile | Family::Direct | Family::Matrix => {
                facts.supports(Family::Subgroup).then_some(Family::Subgroup)
            }
        };
        let families = std::iter::once(usual.family()).chain(other);
        let devices = families.map(|family| usual.with_choices(wide(Choices::usual(family), width)));
        Ok(Self { devices: devices.collect(), cases: Case::all(), rows: Vec::new(), units, width })
    }

    /// The adapter.
    #[must_use]
    pub fn adapter(&self) -> &AdapterFacts {
        self.devices[0].facts()
    }

    /// How many cases there are.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.cases.len()
    }

    /// Times the next case; `None` when all are done.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn step(&mut self) -> Result<Option<&Row>> {
        let Some(case) = self.cases.get(self.rows.len()) else { return Ok(None) };
        let images = case.images(&self.devices[0])?;
        let (mut forms, mut best) = (Vec::new(), f64::INFINITY);
        for gpu in &self.devices {
            let form = form(gpu, case, images, best)?;
            best = best.min(form.best().seconds);
            forms.push(form);
        }
        let Case { operation, .. } = *case;
        let (shape, flop) = (case.describe(images), case.flop(images));
        self.rows.push(Row { operation, class: case.class(), shape, flop, forms });
        self.give_up();
        Ok(self.rows.last())
    }

    /// Leaves out a form that has fallen so far behind that the other cases could hardly make up for it.
    fn give_up(&mut self) {
        let of = |gpu: &Arc<Gpu>| relative(gpu.family(), &self.rows);
        let least = self.devices.iter().map(of).fold(f64::INFINITY, f64::min);
        let behind = least + HOPELESS * self.cases.len() as f64;
        let usual = self.adapter().family();
        // The table compares with the usual form, to the end.
        self.devices.retain(|gpu| gpu.family() == usual || relative(gpu.family(), &self.rows) < behind);
    }

    /// What the cases so far say.
    #[must_use]
    pub fn finish(self) -> Tuning {
        let adapter = self.adapter().clone();
        let mut choices = wide(choose(&adapter, &self.rows), self.width);
        if let Some(Units::Faster(_)) = self.units {
            choices = choices.with_matrix_units();
        }
        Tuning { adapter, choices, rows: self.rows, units: self.units }
    }
}

/// Every method of a form, each in two rounds: in the second only those that came near the best, of this
/// form or of one before.
fn form(gpu: &Arc<Gpu>, case: &Case, images: u32, best: f64) -> Result<Form> {
    let family = gpu.family();
    let usual = case.method(gpu, images);
    let mut methods: Vec<Timed> = Vec::new();
    for method in Method::all(family) {
        let gpu = gpu.with_choices(wide(Choices::only(family, method), gpu.choices().width()));
        // What a method cannot do is done in another way.
        if case.method(&gpu, images) == method {
            let best = methods.iter().map(|timed| timed.seconds).fold(best, f64::min);
            methods.push(Timed { method, seconds: case.time(&gpu, images, best)? });
        }
    }
    methods.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let near = 1.25 * methods.iter().map(|timed| timed.seconds).fold(best, f64::min);
    for timed in methods.iter_mut().filter(|timed| timed.seconds <= near) {
        let gpu = gpu.with_choices(wide(Choices::only(family, timed.method), gpu.choices().width()));
        timed.seconds = timed.seconds.min(case.time(&gpu, images, f64::INFINITY)?);
    }
    methods.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let timed = methods.iter().copied().find(|timed| timed.method == usual);
    let usual = timed.unwrap_or(Timed { method: usual, seconds: f64::INFINITY });
    Ok(Form { family, usual, methods })
}

/// The time of a form's best methods beside the fastest form's, summed over rows, each counted alike.
fn relative(family: Family, rows: &[Row]) -> f64 {
    let of = |row: &Row| {
        let best = |form: &Form| form.best().seconds;
        let fastest = row.forms.iter().map(best).fold(f64::INFINITY, f64::min);
        let own = row.forms.iter().find(|form| form.family == family).map_or(f64::INFINITY, best);
        own / fastest
    };
    rows.iter().map(of).sum()
}

/// The form of operands that takes least over all rows, and its methods.
fn choose(adapter: &AdapterFacts, rows: &[Row]) -> Choices {
    let families = rows.first().map_or(&[][..], |row| &row.forms).iter().map(|form| form.family);
    let family = families.min_by(|&a, &b| relative(a, rows).total_cmp(&relative(b, rows)));
    let mut choices = Choices::usual(family.unwrap_or_else(|| adapter.family()));
    for row in rows {
        let Some(form) = row.forms.iter().find(|form| form.family == choices.family()) else { continue };
        // The usual method is left open: it is another for other shapes of the class.
        let best = form.best().method;
        if best != form.usual.method {
            choices.choose(row.operation, row.class, best);
        }
    }
    choices
}

#[cfg(test)]
#[path = "tune_tests.rs"]
mod tests;
