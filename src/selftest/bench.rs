//! One comparer for every operation: a bench records an operation on uploaded numbers and says what
//! `f64` makes of them; the suite runs the bench on a device and judges.
//!
//! An error is measured against a scale: the largest wanted value, or, where the result is a difference
//! of larger terms, the size of those terms. With half precision inputs are numbers that it holds exactly,
//! so that only the results are rounded: by 2⁻¹¹ of a value on most adapters, and where a driver cuts off
//! what does not fit, by 2⁻¹⁰, which is what is allowed ([`Bench::stored`]). Beside the values, every bench
//! checks that padding is zero, that each element of a result was written (results start as NaN), and that
//! a second submission of the plan, on memory that the first one has used, gives the same bits.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use super::lab::{Lab, Ready};
use super::layout::{from_nhwc4, to_nhwc4};
use super::reference::{Rng64, Tensor64};
use crate::error::Result as OrError;
use crate::gpu::{Element, Gpu, Plan, Session, Shape, Tensor};
use crate::ops::conv2d::Filter;
use crate::ops::weights;

/// Takes the numbers to compare out of a tensor's floats, or says what is wrong with their frame.
type Pick = Box<dyn Fn(&[f32]) -> Result<Vec<f64>, String>>;

/// What a tensor must hold when the plan has run.
pub struct Expected {
    what: String,
    tensor: Tensor,
    pick: Pick,
    want: Vec<f64>,
    tolerance: f64,
    scale: f64,
}

/// Records one case.
pub struct Bench {
    /// Uploads and the plan.
    pub lab: Lab,
    rng: Rng64,
    element: Element,
    expected: Vec<Expected>,
}

/// Images, channels, height and width of a picture, a matrix or a vector.
fn dims(shape: &[usize]) -> [usize; 4] {
    match *shape {
        [n] => [1, n, 1, 1],
        [rows, columns] => [rows, columns, 1, 1],
        [n, c, h, w] => [n, c, h, w],
        _ => panic!("{shape:?} is neither vector, matrix nor picture"),
    }
}

/// The largest magnitude.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, v| most.max(v.abs()))
}

impl Bench {
    /// Nothing recorded yet.
    pub fn new(gpu: &Arc<Gpu>) -> Self {
        Self { lab: Lab::new(gpu), rng: Rng64(31), element: Element::F32, expected: Vec::new() }
    }

    /// The device that the case is for.
    pub fn gpu(&self) -> &Gpu {
        self.lab.plan.gpu()
    }

    /// What is recorded so far.
    pub fn plan(&mut self) -> &mut Plan {
        &mut self.lab.plan
    }

    /// From here on activations are stored so, and random numbers fit into them.
    pub fn store_as(&mut self, element: Element) {
        self.element = element;
    }

    /// How activations are stored.
    pub fn element(&self) -> Element {
        self.element
    }

    /// What is allowed of a result that is stored as activations are, where `tolerance` is what single
    /// precision is allowed.
    pub fn stored(&self, tolerance: f64) -> f64 {
        match self.element {
            Element::F32 => tolerance,
            Element::F16 => tolerance + f64::from(2.0f32.powi(-10)),
        }
    }

    /// The numbers, rounded to what activations can hold.
    pub fn rounded(&self, x: &Tensor64) -> Tensor64 {
        match self.element {
            Element::F32 => x.map(|v| f64::from(v as f32)),
            Element::F16 => x.map(|v| half::f16::from_f64(v).to_f64()),
        }
    }

    /// Standard normal numbers that activations can hold.
    pub fn random(&mut self, shape: &[usize]) -> Tensor64 {
        let random = Tensor64::random(shape, &mut self.rng);
        self.rounded(&random)
    }

    /// Uploads a vector, a matrix or pictures (NCHW) in single precision.
    pub fn upload(&mut self, x: &Tensor64) -> Tensor {
        let shape = dims(&x.shape);
        let [n, c, h, w] = shape.map(|n| n as u32);
        self.lab.upload(Shape::pictures(n, h, w, c), to_nhwc4(&shape, &x.to_f32()))
    }

    /// Uploads activations, stored as [`Bench::store_as`] says.
    pub fn activations(&mut self, x: &Tensor64) -> Tensor {
        let shape = dims(&x.shape);
        let [n, c, h, w] = shape.map(|n| n as u32);
        let stored = Shape::pictures(n, h, w, c).stored(self.element);
        self.lab.upload(stored, to_nhwc4(&shape, &x.to_f32()))
    }

    /// Uploads weights (OIHW) as panels.
    pub fn upload_panels(&mut self, filter: &Filter, w: &Tensor64) -> Tensor {
        self.lab.upload(filter.panels(), weights::pack(filter, &w.to_f32()))
    }

    /// The tensor must be `want`, within `tolerance` of its largest value, its padding zero.
    pub fn expect(&mut self, what: impl Display, tensor: &Tensor, want: &Tensor64, tolerance: f64) {
        self.expect_scaled(what, tensor, want, tolerance, largest(&want.data));
    }

    /// The same, where `want` is a difference of terms as large as `scale`.
    pub fn expect_scaled(
        &mut self,
        what: impl Display,
        tensor: &Tensor,
        want: &Tensor64,
        tolerance: f64,
        scale: f64,
    ) {
        let shape = dims(&want.shape);
        let [n, c, h, w] = shape.map(|n| n as u32);
        let wanted = Shape::pictures(n, h, w, c).stored(tensor.shape.element);
        assert_eq!(tensor.shape, wanted, "{what}: shape of the result");
        self.expect_picked(what, tensor, move |got| from_nhwc4(&shape, got), &want.data, tolerance, scale);
    }

    /// The panels must be the weights `want`, and zero elsewhere.
    pub fn expect_panels(
        &mut self,
        what: impl Display,
        tensor: &Tensor,
        filter: Filter,
        want: &Tensor64,
        tolerance: f64,
    ) {
        assert_eq!(tensor.shape, filter.panels(), "{what}: shape of the result");
        let pick = move |got: &[f32]| unpacked(&filter, got);
        self.expect_picked(what, tensor, pick, &want.data, tolerance, largest(&want.data));
    }

    /// What `pick` takes out of the tensor's floats must be `want`.
    pub fn expect_picked(
        &mut self,
        what: impl Display,
        tensor: &Tensor,
        pick: impl Fn(&[f32]) -> Result<Vec<f64>, String> + 'static,
        want: &[f64],
        tolerance: f64,
        scale: f64,
    ) {
        let (what, tensor, pick) = (what.to_string(), tensor.clone(), Box::new(pick));
        self.expected.push(Expected { what, tensor, pick, want: want.to_vec(), tolerance, scale });
    }
}

fn unpacked(filter: &Filter, got: &[f32]) -> Result<Vec<f64>, String> {
    let values = weights::unpack(filter, got);
    // NaN is no value of a weight here: it shows in the comparison.
    let again = weights::pack(filter, &values);
    match got.iter().zip(&again).position(|(got, again)| got != again && !again.is_nan()) {
        Some(at) => Err(format!("the padding of the panels holds {} at float {at}", got[at])),
        None => Ok(values.into_iter().map(f64::from).collect()),
    }
}

/// What came of one comparison.
pub(super) struct Verdict {
    pub(super) what: String,
    /// The kernels that have a part in the result.
    pub(super) behind: BTreeSet<String>,
    /// The worst error as a share of the scale.
    pub(super) error: f64,
    pub(super) tolerance: f64,
    /// What is wrong, if anything is.
    pub(super) fault: Option<String>,
}

impl Bench {
    /// The plan with memory, and what is expected of it: for a plan that is run in another way.
    ///
    /// # Errors
    /// More than the adapter has; what the driver reports.
    pub fn ready(self) -> OrError<(Ready, Vec<Expected>)> {
        Ok((self.lab.ready()?, self.expected))
    }

    /// Runs the plan twice and compares all that is expected.
    pub(super) fn judge(self, name: &str) -> OrError<Vec<Verdict>> {
        let Self { lab, expected, .. } = self;
        assert!(!expected.is_empty(), "{name}: nothing is expected");
        let behind: Vec<_> = expected.iter().map(|e| lab.plan.kernels_behind(&e.tensor)).collect();
        let tensors: Vec<&Tensor> = expected.iter().map(|e| &e.tensor).collect();
        let [first, second] = lab.run_twice(&tensors)?;
        let runs = first.iter().zip(&second);
        let judged = expected.iter().zip(behind).zip(runs);
        Ok(judged
            .map(|((expected, behind), (first, second))| expected.verdict(behind, first, second))
            .collect())
    }
}

impl Expected {
    /// What is wrong with the tensor now, if anything is.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn fault(&self, session: &Session) -> OrError<Option<String>> {
        let got = session.read(&self.tensor)?;
        let fault = (self.pick)(&got).map_or_else(Some, |picked| self.compare(&picked).1);
        Ok(fault.map(|fault| format!("{}: {fault}", self.what)))
    }

    fn verdict(&self, behind: BTreeSet<String>, first: &[f32], second: &[f32]) -> Verdict {
        let (error, mut fault) = match (self.pick)(first) {
            Ok(picked) => self.compare(&picked),
            Err(reason) => (f64::INFINITY, Some(reason)),
        };
        if !first.iter().map(|v| v.to_bits()).eq(second.iter().map(|v| v.to_bits())) {
            let other = "the second submission gives other bits";
            fault = Some(fault.map_or_else(|| other.to_owned(), |fault| format!("{fault}; {other}")));
        }
        Verdict { what: self.what.clone(), behind, error, tolerance: self.tolerance, fault }
    }

    /// The worst error as a share of the scale, and what is wrong where that is too much.
    fn compare(&self, picked: &[f64]) -> (f64, Option<String>) {
        if picked.len() != self.want.len() {
            return (f64::INFINITY, Some(format!("{} values, want {}", picked.len(), self.want.len())));
        }
        let (mut worst, mut worst_at, mut wrong) = (0.0, 0, 0);
        for (at, (got, want)) in picked.iter().zip(&self.want).enumerate() {
            let error = match (got - want).abs() {
                error if error.is_nan() => f64::INFINITY,
                0.0 => 0.0,
                error => error / self.scale,
            };
            wrong += usize::from(error > self.tolerance);
            if error > worst {
                (worst, worst_at) = (error, at);
            }
        }
        let fault = (wrong > 0).then(|| {
            format!(
                "{wrong} of {} values differ; worst at {worst_at}: got {:e}, want {:e}, off by {worst:.2e} of \
                 {:.3e}, allowed {:.1e}",
                picked.len(),
                picked[worst_at],
                self.want[worst_at],
                self.scale,
                self.tolerance
            )
        });
        (worst, fault)
    }
}
