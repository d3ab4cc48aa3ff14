//! What the processor does in native code with two threads: the measure beside which kernels stand.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis};
use std::fmt;
use std::thread;
use std::time::Instant;

const THREADS: usize = 2;
const RUNS: usize = 9;

/// Median, smallest and largest of several values.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of one value at least.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], min: values[0], max: values[values.len() - 1] }
    }
}

/// In units of 1e9 a second.
#[derive(Clone, Copy)]
pub(crate) struct Ceiling {
    pub(crate) gemm: Spread,
    pub(crate) memcpy: Spread,
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gemm, memcpy } = self;
        write!(
            f,
            "GEMM of 512³ {:.1} GF/s ({:.1} to {:.1}), memcpy {:.1} GB/s read and written ({:.1} to {:.1}), two threads",
            gemm.median, gemm.min, gemm.max, memcpy.median, memcpy.min, memcpy.max
        )
    }
}

/// Runs `part` on each thread and gives the seconds that all of them took.
fn seconds<T: Send>(parts: impl IntoIterator<Item = T>, part: impl Fn(T) + Sync) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for each in parts {
            let part = &part;
            scope.spawn(move || part(each));
        }
    });
    start.elapsed().as_secs_f64()
}

/// The products of halves of the rows, several times over so that starting threads costs nothing.
fn gemm() -> Spread {
    const SIZE: usize = 512;
    const TIMES: usize = 8;
    let matrix = |seed: usize| {
        Array2::from_shape_fn((SIZE, SIZE), |(i, j)| ((i * 31 + j * 17 + seed) % 61) as f32 / 61.0 - 0.5)
    };
    let (a, b, mut c) = (matrix(1), matrix(2), Array2::<f32>::zeros((SIZE, SIZE)));
    let flop = 2.0 * (SIZE * SIZE * SIZE * TIMES) as f64;
    let run = |_| {
        let rows = SIZE / THREADS;
        let halves = a.axis_chunks_iter(Axis(0), rows).zip(c.axis_chunks_iter_mut(Axis(0), rows));
        let taken = seconds(halves, |(a, mut c)| {
            for _ in 0..TIMES {
                general_mat_mul(1.0, &a, &b, 0.0, &mut c);
            }
        });
        flop / taken * 1e-9
    };
    Spread::of((0..RUNS).map(run).collect())
}

/// More than any cache holds, several times over.
fn memcpy() -> Spread {
    const FLOATS: usize = 16 << 20;
    const TIMES: usize = 4;
    let (from, mut to) = (vec![1.0f32; FLOATS], vec![0.0f32; FLOATS]);
    let bytes = 2.0 * (FLOATS * 4 * TIMES) as f64;
    let run = |_| {
        let halves = from.chunks(FLOATS / THREADS).zip(to.chunks_mut(FLOATS / THREADS));
        let taken = seconds(halves, |(from, to)| {
            for _ in 0..TIMES {
                to.copy_from_slice(std::hint::black_box(from));
            }
        });
        bytes / taken * 1e-9
    };
    Spread::of((0..RUNS).map(run).collect())
}

pub(crate) fn measure() -> Ceiling {
    Ceiling { gemm: gemm(), memcpy: memcpy() }
}
