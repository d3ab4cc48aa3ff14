//! The reference: every operation of the trainer in plain `f64` on the CPU, forward and backward.
//!
//! It is slow and short on purpose, so that it can be checked by reading. The tests check its gradients
//! by central finite differences and its values by files made with PyTorch, and build whole networks
//! and training runs of it. Shapes that do not fit together panic: they are mistakes of the caller.

pub mod augment;
pub mod contrast;
pub mod conv;
pub mod cross_entropy;
pub mod linear;
pub mod loss;
pub mod loss_scale;
pub mod norm;
pub mod optim;
pub mod pool;
pub mod queue;
pub mod regression;
pub mod relu;
pub mod report;
pub mod sinkhorn;

/// A dense row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor64 {
    /// Sizes of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub data: Vec<f64>,
}

#[expect(clippy::len_without_is_empty, reason = "no operation has a tensor without values")]
impl Tensor64 {
    /// A tensor of given values.
    pub fn new(shape: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "shape {shape:?} and its data disagree");
        Self { shape: shape.to_vec(), data }
    }

    /// A tensor of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Self::new(shape, vec![0.0; shape.iter().product()])
    }

    /// The same values, widened.
    pub fn from_f32(shape: &[usize], data: &[f32]) -> Self {
        Self::new(shape, data.iter().map(|&v| f64::from(v)).collect())
    }

    /// Standard normal values that `f32` holds exactly, so a GPU can be given the very same numbers.
    pub fn random(shape: &[usize], rng: &mut Rng64) -> Self {
        let len = shape.iter().product();
        Self::new(shape, (0..len).map(|_| f64::from(rng.normal() as f32)).collect())
    }

    /// The values, rounded.
    pub fn to_f32(&self) -> Vec<f32> {
        self.data.iter().map(|&v| v as f32).collect()
    }

    /// Values in all.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Rows and columns of a matrix.
    pub fn dims2(&self) -> (usize, usize) {
        let [rows, cols] = self.shape[..] else { panic!("{:?} is not a matrix", self.shape) };
        (rows, cols)
    }

    /// Batch, channels, height and width of an image tensor.
    pub fn dims4(&self) -> [usize; 4] {
        self.shape[..].try_into().unwrap_or_else(|_| panic!("{:?} is not NCHW", self.shape))
    }

    /// Entries `start .. end` along the first axis.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let stride: usize = self.shape[1..].iter().product();
        let mut shape = self.shape.clone();
        shape[0] = end - start;
        Self::new(&shape, self.data[start * stride..end * stride].to_vec())
    }

    /// Tensors joined along the first axis.
    pub fn concat(parts: &[Self]) -> Self {
        let mut shape = parts[0].shape.clone();
        assert!(
            parts.iter().all(|p| p.shape[1..] == shape[1..]),
            "joined tensors differ beyond the first axis"
        );
        shape[0] = parts.iter().map(|p| p.shape[0]).sum();
        Self::new(&shape, parts.iter().flat_map(|p| p.data.iter().copied()).collect())
    }

    /// `f` of each value.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::new(&self.shape, self.data.iter().map(|&v| f(v)).collect())
    }

    /// `f` of each pair of values; the shapes must be the same.
    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        assert_eq!(self.shape, other.shape);
        Self::new(&self.shape, self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect())
    }

    /// The sum of two tensors of the same shape.
    pub fn add(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    /// The sum of the products of all pairs of values.
    pub fn dot(&self, other: &Self) -> f64 {
        self.data.iter().zip(&other.data).map(|(a, b)| a * b).sum()
    }

    /// The Euclidean norm of the whole tensor.
    pub fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }
}

/// A small repeatable generator (splitmix64) for test inputs; no part of the recipe.
pub struct Rng64(pub u64);

impl Rng64 {
    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box-Muller, one value per call: half the work is thrown away, which does not matter here.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
