//! The shapes that stand for the classes, and how one of them is timed.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Result;
use crate::gpu::{
    Arena, Class, Element, Gpu, Method, Operation, Plan, Replay, Session, Shape, Tensor, Usage,
};
use crate::ops::conv2d::{self, Filter};

/// Runs of a method, after one that warms up.
const RUNS: usize = 3;
/// A case is made so large that its usual method takes so long, if its pictures stay below `BYTES`:
/// shorter ones would time submissions.
const SECONDS: f64 = 0.004;
const BYTES: u64 = 32 << 20;
/// Rows of the result at least: with fewer, large tiles look worse than they are in training.
const ROWS: u32 = 1024;

/// Seconds that a method took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// The method.
    pub method: Method,
    /// Seconds of one run.
    pub seconds: f64,
}

/// One operation on one convolution.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) operation: Operation,
    filter: Filter,
    side: u32,
    element: Element,
}

impl Case {
    /// A case for each operation and class, shapes from the ResNets.
    pub(super) fn all() -> Vec<Self> {
        let filters = [
            (Filter { channels: 3, filters: 64, kernel: 7, stride: 2, pad: 3 }, 64),
            (Filter { channels: 256, filters: 128, kernel: 1, stride: 1, pad: 0 }, 16),
            (Filter { channels: 64, filters: 128, kernel: 3, stride: 2, pad: 1 }, 32),
            (Filter { channels: 64, filters: 64, kernel: 3, stride: 1, pad: 1 }, 32),
            (Filter { channels: 256, filters: 256, kernel: 3, stride: 1, pad: 1 }, 8),
        ];
        let cases = filters
            .into_iter()
            .flat_map(|(filter, side)| Operation::ALL.map(|operation| Self::new(operation, filter, side)));
        // Nobody asks for the gradient of the pictures.
        cases
            .filter(|case| (case.class(), case.operation) != (Class::Stem, Operation::BackwardInput))
            .collect()
    }

    fn new(operation: Operation, filter: Filter, side: u32) -> Self {
        Self { operation, filter, side, element: Element::F32 }
    }

    /// The one that stands for products of half precision: where most of a network's work is.
    pub(super) fn half(operation: Operation) -> Self {
        let filter = Filter { channels: 256, filters: 256, kernel: 3, stride: 1, pad: 1 };
        Self { element: Element::F16, ..Self::new(operation, filter, 8) }
    }

    pub(super) fn class(&self) -> Class {
        let Filter { channels, filters, kernel, stride, .. } = self.filter;
        Class::of(channels, filters, kernel, stride)
    }

    fn pictures(&self, images: u32) -> Shape {
        Shape::pictures(images, self.side, self.side, self.filter.channels).stored(self.element)
    }

    /// Multiplications and additions of the direct sums.
    pub(super) fn flop(&self, images: u32) -> f64 {
        let y = self.filter.output(self.pictures(images));
        2.0 * f64::from(y.rows()) * f64::from(self.filter.filters * self.filter.channels * self.filter.taps())
    }

    pub(super) fn describe(&self, images: u32) -> String {
        let Filter { filters, kernel, stride, .. } = self.filter;
        let stride = if stride > 1 { format!(" / {stride}") } else { String::new() };
        format!("{} to {filters}, {kernel}×{kernel}{stride}", self.pictures(images))
    }

    /// What a device with these choices does.
    pub(super) fn method(&self, gpu: &Gpu, images: u32) -> Method {
        conv2d::method(gpu, self.operation, &self.filter, self.pictures(images))
    }

    /// How many pictures make the usual method take long enough to be timed.
    pub(super) fn images(&self, gpu: &Arc<Gpu>) -> Result<u32> {
        let mut images = ROWS.div_ceil(self.filter.output(self.pictures(1)).rows());
        loop {
            let next = images * 4;
            let (x, y) = (self.pictures(next), self.filter.output(self.pictures(next)));
            if x.bytes().max(y.bytes()) > BYTES || self.time(gpu, images, 0.0)? > SECONDS {
                return Ok(images);
            }
            images = next;
        }
    }

    /// The seconds of one run ([`fastest`]).
    pub(super) fn time(&self, gpu: &Arc<Gpu>, images: u32, best: f64) -> Result<f64> {
        let (session, replay) = self.ready(gpu, images)?;
        fastest(gpu, &session, &replay, best)
    }

    /// The operation, recorded, with memory and numbers in it.
    fn ready(&self, gpu: &Arc<Gpu>, images: u32) -> Result<(Session, Replay)> {
        let arena = Arc::new(Arena::default());
        let mut plan = Plan::new(gpu, &arena);
        let x = self.pictures(images);
        let lease = |shape, label: &str| arena.lease(shape, Usage::Storage, label);
        let inputs = [
            lease(x, "pictures"),
            lease(self.filter.output(x), "their gradient"),
            lease(self.filter.panels(), "weights"),
        ];
        let [tx, tdy, tw] = &inputs;
        let _result: Option<Tensor> = match self.operation {
            Operation::Forward => {
                let x = conv2d::stage(&mut plan, tx);
                Some(conv2d::forward(&mut plan, &self.filter, &x, tw)?)
            }
            Operation::BackwardInput => {
                let dy = conv2d::stage(&mut plan, tdy);
                Some(conv2d::backward_input(&mut plan, &self.filter, &dy, tw, x, None)?)
            }
            Operation::BackwardWeight => {
                let [x, dy] = [tx, tdy].map(|tensor| conv2d::stage(&mut plan, tensor));
                conv2d::backward_weight(&mut plan, &self.filter, &x, &dy, tw)?;
                None
            }
        };
        let session = Session::allocate(gpu, &arena)?;
        for tensor in &inputs {
            session.write(tensor, &numbers(tensor.shape.values()));
        }
        session.settle()?;
        let replay = session.bind(plan)?;
        Ok((session, replay))
    }
}

/// The seconds of one run: the fastest of a few, of one where it is much slower than `best`; a run of a fast device is
/// made of several submissions.
pub(super) fn fastest(gpu: &Gpu, session: &Session, replay: &Replay, best: f64) -> Result<f64> {
    let run = |times| mean_of(times, gpu, session, replay);
    let once = once(gpu, session, replay)?;
    let times = repeats(once);
    let mut fastest = if times > 1 { run(times)? } else { once };
    for _ in 1..RUNS {
        if fastest > 2.0 * best {
            break;
        }
        fastest = fastest.min(run(times)?);
    }
    Ok(fastest)
}

/// The seconds of one run, after one in which drivers compile.
fn once(gpu: &Gpu, session: &Session, replay: &Replay) -> Result<f64> {
    mean_of(1, gpu, session, replay)?;
    mean_of(1, gpu, session, replay)
}

fn mean_of(times: u32, gpu: &Gpu, session: &Session, replay: &Replay) -> Result<f64> {
    let start = Instant::now();
    (0..times).try_for_each(|_| session.submit(replay))?;
    gpu.wait()?;
    Ok(start.elapsed().as_secs_f64() / f64::from(times))
}

/// How often something that takes `seconds` is done in one run: handing it over and waiting for it takes a tenth of a
/// millisecond by itself, which is nothing beside twenty.
fn repeats(seconds: f64) -> u32 {
    const LONG: f64 = 0.02;
    if seconds >= SECONDS { 1 } else { (LONG / seconds).ceil().clamp(1.0, 1000.0) as u32 }
}

/// Small numbers of both signs. Zeros would be too easy on a device that saves power where nothing flips.
pub(super) fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919) % 1009) as f32 / 10_090.0 - 0.05).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fast_device_does_in_no_time_is_repeated() {
        assert_eq!([0.5, SECONDS, 0.002, 0.0001, 0.0].map(repeats), [1, 1, 10, 200, 1000]);
    }
}
