//! Whether the matrix units of an adapter compute right, and faster than its other kernels do. Some drivers list what
//! their hardware does not have, so a list alone is not believed.

use std::sync::Arc;

use super::cases::{Case, numbers};
use crate::error::Result;
use crate::gpu::{Arena, Choices, Element, Family, Gpu, Operation, Plan, Session, Shape, Tensor, Usage};
use crate::ops::conv2d::{self, Filter};

/// What a check of matrix units has shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Units {
    /// They are right, and take this share of the time.
    Faster(f64),
    /// They are right, but take so many times the time.
    Slower(f64),
    /// They cannot be used, for this reason.
    Unusable(String),
}

impl Units {
    /// The check as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Faster(share) => format!(
                "matrix units multiply half precision {:.1} times as fast as the other kernels (--kernels tile: \
                 without them)",
                1.0 / share
            ),
            Self::Slower(times) => format!(
                "matrix units take {times:.1} times as long as the other kernels here: --kernels auto leaves them \
                 aside, --kernels matrix takes them"
            ),
            Self::Unusable(reason) => format!("matrix units are left aside: {reason}"),
        }
    }
}

/// What a device makes of an operation on whole numbers ([`products`]; tests take worse ones).
type Products<'a> = &'a dyn Fn(&Arc<Gpu>, Operation, &Filter, u32) -> Result<Vec<f32>>;

/// Checks the matrix units of the adapter that `adapter` means, against what `usual` does there, in about a second.
#[must_use]
pub(super) fn check(adapter: Option<&str>, usual: &Choices) -> Units {
    told(Gpu::open(adapter, Some(Family::Matrix)).and_then(|matrix| checked(&matrix, usual, &products)))
}

/// A check that did not come to an end is one that was not stood.
fn told(checked: Result<Units>) -> Units {
    checked.unwrap_or_else(|error| Units::Unusable(format!("the driver lists them and fails ({error})")))
}

/// The check of the device `matrix`: first whether it is right, then how fast it is.
fn checked(matrix: &Arc<Gpu>, usual: &Choices, products: Products<'_>) -> Result<Units> {
    let tile = matrix.with_choices(Choices::usual(Family::Tile));
    let wide = wide(matrix);
    for (filter, side) in EXACT {
        for operation in Operation::ALL {
            let want = products(&tile, operation, &filter, side)?;
            for (gpu, slices) in [(matrix, ""), (&wide, ", in slices")] {
                let got = products(gpu, operation, &filter, side)?;
                // What is no number is unlike any number.
                let wrong = got.iter().zip(&want).filter(|(got, want)| got != want).count();
                if wrong > 0 {
                    return Ok(Units::Unusable(format!(
                        "{wrong} of {} sums of whole numbers are wrong ({operation}{slices})",
                        want.len()
                    )));
                }
            }
        }
    }
    let usual = matrix.with_choices(usual.clone());
    let mut seconds = [0.0; 2];
    for operation in Operation::ALL {
        let case = Case::half(operation);
        let images = case.images(&usual)?;
        for (sum, gpu) in seconds.iter_mut().zip([matrix, &usual]) {
            *sum += case.time(gpu, images, f64::INFINITY)?;
        }
    }
    let share = seconds[0] / seconds[1];
    Ok(if share < 1.0 { Units::Faster(share) } else { Units::Slower(share) })
}

/// The same device, taken to be so wide that long sums are cut into slices, as they are where a network has small pictures.
fn wide(gpu: &Arc<Gpu>) -> Arc<Gpu> {
    gpu.with_choices(gpu.choices().clone().with_width(4096))
}

/// Filters and sides of pictures whose tails meet every edge of a block: rows, columns and terms. The sums of the last are
/// long enough for two slices, forward and backward, of which the last is short.
const EXACT: [(Filter, u32); 4] = [
    (Filter { channels: 40, filters: 72, kernel: 3, stride: 1, pad: 1 }, 9),
    (Filter { channels: 3, filters: 33, kernel: 7, stride: 2, pad: 3 }, 20),
    (Filter { channels: 68, filters: 12, kernel: 1, stride: 1, pad: 0 }, 13),
    (Filter { channels: 68, filters: 132, kernel: 3, stride: 2, pad: 1 }, 9),
];

/// A product of whole numbers from -1 to 1. Its sums, below 2,048, are exact in whatever order and precision they are
/// made, so that two kernels must agree to the last bit.
fn products(gpu: &Arc<Gpu>, operation: Operation, filter: &Filter, side: u32) -> Result<Vec<f32>> {
    let arena = Arc::new(Arena::default());
    let (plan, tensors, result) = recorded(gpu, &arena, operation, filter, side)?;
    let session = Session::allocate(gpu, &arena)?;
    for tensor in &tensors {
        session.write(tensor, &whole(tensor.shape, filter));
    }
    session.settle()?;
    session.submit(&session.bind(plan)?)?;
    session.read(&result)
}

/// The product, what it is made of, and where it will be.
fn recorded(
    gpu: &Arc<Gpu>,
    arena: &Arc<Arena>,
    operation: Operation,
    filter: &Filter,
    side: u32,
) -> Result<(Plan, [Tensor; 3], Tensor)> {
    let mut plan = Plan::new(gpu, arena);
    let x = Shape::pictures(2, side, side, filter.channels).stored(Element::F16);
    let lease = |shape, label: &str| arena.lease(shape, Usage::Storage, label);
    let tensors =
        [lease(x, "pictures"), lease(filter.output(x), "their gradient"), lease(filter.panels(), "weights")];
    let [tx, tdy, tw] = &tensors;
    let result: Tensor = match operation {
        Operation::Forward => conv2d::forward(&mut plan, filter, tx, tw)?,
        Operation::BackwardInput => conv2d::backward_input(&mut plan, filter, tdy, tw, x, None)?,
        Operation::BackwardWeight => {
            conv2d::backward_weight(&mut plan, filter, tx, tdy, tw)?;
            tw.clone()
        }
    };
    Ok((plan, tensors, result))
}

/// Numbers from -1 to 1, and zero where channels are padded: of pictures at the end of a row, of weights in rows and
/// columns.
fn whole(shape: Shape, filter: &Filter) -> Vec<f32> {
    let row = shape.quads() as usize * 4;
    let panels = shape == filter.panels();
    let rows = filter.rows() as usize;
    let per_panel = filter.taps() as usize * rows;
    let is_padding = |at: usize| {
        let (line, column) = (at / row, at % row);
        if panels {
            let n = line / per_panel * filter.width() as usize + column;
            line % rows >= filter.channels as usize || n >= filter.filters as usize
        } else {
            column >= shape.channels as usize
        }
    };
    let values = numbers(shape.values());
    values.iter().enumerate().map(|(at, v)| if is_padding(at) { 0.0 } else { (v * 29.0).round() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn sums_are_of_whole_numbers_and_the_padding_is_zero() {
        let filter = Filter { channels: 3, filters: 5, kernel: 1, stride: 1, pad: 0 };
        let panels = whole(filter.panels(), &filter);
        assert_eq!(panels.len(), 4 * 16);
        assert!(panels[..5].iter().any(|&v| v != 0.0) && panels[5..16].iter().all(|&v| v == 0.0));
        assert!(panels[48..].iter().all(|&v| v == 0.0), "the row of no channel");
        let pictures = whole(Shape::pictures(1, 30, 30, 3), &filter);
        assert!(pictures.chunks(4).all(|pixel| pixel[3] == 0.0));
        for wanted in [-1.0, 0.0, 1.0] {
            assert!(pictures.contains(&wanted), "{wanted}");
        }
        assert!(pictures.iter().all(|v| v.abs() <= 1.0));
        // The last is within half precision, whose whole numbers end there.
        assert!(EXACT.iter().all(|(f, _)| f.channels.max(f.filters) * f.taps() < 2048));
    }

    /// By the kernels for tiles, which cut sums in the same places: steps of a tile are half as deep, so they have twice as
    /// many to cut.
    #[test]
    fn some_sums_are_made_in_slices_too() {
        let gpu = Gpu::open(None, Some(Family::Tile)).expect("an adapter; `make test` installs one");
        let sliced = |gpu: &Arc<Gpu>, operation, (filter, side): &(Filter, u32)| {
            let arena = Arc::new(Arena::default());
            let (plan, ..) = recorded(gpu, &arena, operation, filter, *side).expect("a small product");
            plan.kernels().iter().any(|kernel| kernel.contains("/gather_slices"))
        };
        for operation in [Operation::Forward, Operation::BackwardInput] {
            assert!(
                !sliced(&gpu, operation, &EXACT[2]) && sliced(&wide(&gpu), operation, &EXACT[3]),
                "{operation}"
            );
        }
        // Two slices of at least eight steps of 32 terms, where a step of a matrix is as deep.
        let (Filter { channels, filters, kernel, stride, .. }, _) = EXACT[3];
        assert!(channels * kernel * kernel > 512 && filters * kernel.div_ceil(stride).pow(2) > 512);
    }

    #[test]
    fn a_sum_that_is_wrong_only_in_slices_is_found() {
        let gpu = Gpu::open(None, Some(Family::Direct)).expect("an adapter; `make test` installs one");
        let spoilt = |gpu: &Arc<Gpu>, operation, filter: &Filter, side| {
            let mut sums = products(gpu, operation, filter, side)?;
            if gpu.width() == 4096 && operation == Operation::BackwardInput && *filter == EXACT[3].0 {
                sums[3] -= 1.0;
            }
            Ok(sums)
        };
        let sentence = told(checked(&gpu, &Choices::usual(Family::Direct), &spoilt)).sentence();
        assert!(
            sentence.ends_with("sums of whole numbers are wrong (backward_input, in slices)"),
            "{sentence}"
        );
    }

    #[test]
    fn an_adapter_without_units_is_told_from_a_broken_one() {
        let Units::Unusable(reason) = check(Some("no such adapter"), &Choices::usual(Family::Tile)) else {
            panic!("there is no such adapter");
        };
        assert!(reason.contains("no such adapter"), "{reason}");
        assert!(Units::Faster(0.25).sentence().contains("4.0 times as fast"));
        assert!(Units::Slower(2.0).sentence().contains("2.0 times as long"));
    }

    /// The check of a device whose other kernels stand for matrix units, and whose sums `spoil` may change.
    fn check_of(spoil: impl Fn(&mut [f32], Operation, &Filter)) -> Units {
        let gpu = Gpu::open(None, Some(Family::Direct)).expect("an adapter; `make test` installs one");
        let spoilt = |gpu: &Arc<Gpu>, operation, filter: &Filter, side| {
            let mut sums = products(gpu, operation, filter, side)?;
            if gpu.family() == Family::Direct {
                spoil(&mut sums, operation, filter);
            }
            Ok(sums)
        };
        told(checked(&gpu, &Choices::usual(Family::Direct), &spoilt))
    }

    #[test]
    fn right_sums_are_believed_and_timed() {
        let units = check_of(|_, _, _| {});
        let (Units::Faster(share) | Units::Slower(share)) = units else { panic!("{units:?}") };
        // It runs against itself.
        assert!((0.1..10.0).contains(&share), "{share}");
    }

    #[test]
    fn one_wrong_sum_of_the_last_case_is_found() {
        let units = check_of(|sums, operation, filter| {
            if operation == Operation::BackwardWeight && *filter == EXACT[2].0 {
                sums[17] += 1.0;
            }
        });
        let sentence = units.sentence();
        assert!(matches!(units, Units::Unusable(_)), "{sentence}");
        let wanted = "matrix units are left aside: 1 of ";
        assert!(sentence.starts_with(wanted), "{sentence}");
        assert!(sentence.ends_with("sums of whole numbers are wrong (backward_weight)"), "{sentence}");
    }

    #[test]
    fn sums_that_were_never_made_or_are_no_numbers_are_wrong() {
        for value in [0.0, f32::NAN] {
            let units = check_of(|sums, _, _| sums.fill(value));
            assert!(
                matches!(&units, Units::Unusable(why) if why.contains("are wrong (forward)")),
                "{units:?}"
            );
        }
    }

    #[test]
    fn a_driver_that_refuses_the_kernels_is_told_with_its_reason() {
        let sentence = told(Err(Error::Device("no such instruction".into()))).sentence();
        assert!(sentence.starts_with("matrix units are left aside: "), "{sentence}");
        assert!(sentence.contains("no such instruction"), "{sentence}");
    }
}
