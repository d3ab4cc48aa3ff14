//! One comparer for every operation: a bench records an operation on uploaded numbers and says what
//! `f64` makes of them; the suite runs the bench on a device and judges.
//!
//! An error is measured against a scale: the largest wanted value, or, where the result is a difference
//! of larger terms, the size of those terms. Beside the values, every bench checks that padding is zero,
//! that each element of a result was written (results start as NaN), and that a second submission of
//! the plan, on memory that the first one has used, gives the same bits.

use crate::lab::Lab;
use crate::layout::to_nhwc4;
use crate::reference::{Rng64, Tensor64};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;
use swav_wgpu::gpu::{Family, Gpu, Plan, Shape, Tensor};
use swav_wgpu::ops::conv2d::Filter;
use swav_wgpu::ops::weights;

/// Takes the numbers to compare out of a tensor's floats, or says what is wrong with their frame.
type Pick = Box<dyn Fn(&[f32]) -> Result<Vec<f64>, String>>;

struct Expected {
    what: String,
    tensor: Tensor,
    pick: Pick,
    want: Vec<f64>,
    tolerance: f64,
    scale: f64,
}

/// Records one case.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    rng: Rng64,
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
pub(crate) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, v| most.max(v.abs()))
}

impl Bench {
    pub(crate) fn plan(&mut self) -> &mut Plan {
        &mut self.lab.plan
    }

    /// Standard normal numbers.
    pub(crate) fn random(&mut self, shape: &[usize]) -> Tensor64 {
        Tensor64::random(shape, &mut self.rng)
    }

    /// Uploads a vector, a matrix or pictures (NCHW).
    pub(crate) fn upload(&mut self, x: &Tensor64) -> Tensor {
        let shape = dims(&x.shape);
        let [n, c, h, w] = shape.map(|n| n as u32);
        self.lab.upload(Shape::pictures(n, h, w, c), to_nhwc4(&shape, &x.to_f32()))
    }

    /// Uploads weights (OIHW) as panels.
    pub(crate) fn upload_panels(&mut self, filter: &Filter, w: &Tensor64) -> Tensor {
        self.lab.upload(filter.panels(), weights::pack(filter, &w.to_f32()))
    }

    /// The tensor must be `want`, within `tolerance` of its largest value, its padding zero.
    pub(crate) fn expect(&mut self, what: impl Display, tensor: &Tensor, want: &Tensor64, tolerance: f64) {
        self.expect_scaled(what, tensor, want, tolerance, largest(&want.data));
    }

    /// The same, where `want` is a difference of terms as large as `scale`.
    pub(crate) fn expect_scaled(
        &mut self,
        what: impl Display,
        tensor: &Tensor,
        want: &Tensor64,
        tolerance: f64,
        scale: f64,
    ) {
        let shape = dims(&want.shape);
        let [n, c, h, w] = shape.map(|n| n as u32);
        assert_eq!(tensor.shape, Shape::pictures(n, h, w, c), "{what}: shape of the result");
        self.expect_picked(what, tensor, move |got| unpadded(&shape, got), &want.data, tolerance, scale);
    }

    /// The panels must be the weights `want`, and zero elsewhere.
    pub(crate) fn expect_panels(
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
    pub(crate) fn expect_picked(
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

/// NHWC with padded channels to NCHW.
fn unpadded(shape: &[usize; 4], got: &[f32]) -> Result<Vec<f64>, String> {
    let [n, c, height, width] = *shape;
    let (pixels, padded) = (height * width, c.div_ceil(4) * 4);
    let mut out = vec![0.0; n * c * pixels];
    for (at, &value) in got.iter().enumerate().take(n * pixels * padded) {
        let (row, channel) = (at / padded, at % padded);
        if channel < c {
            out[(row / pixels * c + channel) * pixels + row % pixels] = f64::from(value);
        } else if value != 0.0 {
            // Results start as NaN.
            let fault = if value.is_nan() { "was never written".into() } else { format!("holds {value}") };
            return Err(format!("the padding of row {row}, channel {channel} {fault}"));
        }
    }
    Ok(out)
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

impl Expected {
    /// The worst error as a share of the scale, or what is wrong.
    fn judge(&self, got: &[f32]) -> Result<f64, String> {
        let picked = (self.pick)(got)?;
        if picked.len() != self.want.len() {
            return Err(format!("{} values, want {}", picked.len(), self.want.len()));
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
        if wrong == 0 {
            return Ok(worst);
        }
        Err(format!(
            "{wrong} of {} values differ; worst at {worst_at}: got {:e}, want {:e}, off by {worst:.2e} of {:.3e}, \
             allowed {:.1e}",
            picked.len(),
            picked[worst_at],
            self.want[worst_at],
            self.scale,
            self.tolerance
        ))
    }
}

/// What running an operation's cases has shown.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) failures: Vec<String>,
    /// Kernels that were dispatched in a case that passed or failed: family and `file/entry point`.
    pub(crate) kernels: BTreeSet<(String, String)>,
    /// Family and result, with the worst error and what was allowed there.
    pub(crate) worst: BTreeMap<(String, String), (f64, f64)>,
}

/// The cases of one operation on one device.
pub(crate) struct Suite<'a> {
    pub(crate) gpu: &'a Arc<Gpu>,
    pub(crate) outcome: &'a mut Outcome,
}

impl Suite<'_> {
    /// Records, runs and judges one case.
    pub(crate) fn case(&mut self, name: impl Display, record: impl FnOnce(&mut Bench)) {
        let mut bench = Bench { lab: Lab::new(self.gpu), rng: Rng64(31), expected: Vec::new() };
        record(&mut bench);
        let family = match self.gpu.family() {
            Family::Subgroup => "subgroup",
            Family::Tile => "tile",
        };
        let Bench { lab, expected, .. } = bench;
        assert!(!expected.is_empty(), "{name}: nothing is expected");
        self.outcome.kernels.extend(lab.kernels().into_iter().map(|kernel| (family.to_owned(), kernel)));
        let tensors: Vec<&Tensor> = expected.iter().map(|e| &e.tensor).collect();
        let [first, second] = lab.run_twice(&tensors);
        for (index, want) in expected.iter().enumerate() {
            let bits = |run: &[Vec<f32>]| run[index].iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let at = format!("{family}: {name}: {}", want.what);
            if bits(&first) != bits(&second) {
                self.outcome.failures.push(format!("{at}: the second submission gives other bits"));
            }
            match want.judge(&first[index]) {
                Ok(error) => {
                    let what = want.what.split(' ').next().unwrap_or_default().to_owned();
                    let worst = self.outcome.worst.entry((family.to_owned(), what)).or_default();
                    if error >= worst.0 {
                        *worst = (error, want.tolerance);
                    }
                }
                Err(reason) => self.outcome.failures.push(format!("{at}: {reason}")),
            }
        }
    }
}
