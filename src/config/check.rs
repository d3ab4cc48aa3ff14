//! Range checks that rows of the table name after `=>`: each takes a value and says what is allowed.

use std::fmt::Display;

use super::method::HEADS;
use super::types::CropGroup;

type Checked = Result<(), String>;

/// Applies a check; a function of its own so that closures find their argument type.
pub(super) fn run<T>(value: &T, check: impl Fn(&T) -> Checked) -> Checked {
    check(value)
}

/// `min` or more.
pub(super) fn at_least<T: PartialOrd + Display>(min: T) -> impl Fn(&T) -> Checked {
    move |value| require(*value >= min, || format!("must be at least {min}, not {value}"))
}

/// Between the two, both allowed.
pub(super) fn within<T: PartialOrd + Display>(min: T, max: T) -> impl Fn(&T) -> Checked {
    move |value| {
        require(*value >= min && *value <= max, || format!("must lie between {min} and {max}, not {value}"))
    }
}

/// More than zero, and at most `max`.
pub(super) fn positive(max: f64) -> impl Fn(&f64) -> Checked {
    move |value| {
        require(*value > 0.0 && *value <= max, || format!("must be above 0 and at most {max}, not {value}"))
    }
}

/// From 0 to below 1: a decay that forgets something.
pub(super) fn decay(value: &f64) -> Checked {
    require((0.0..1.0).contains(value), || format!("must be at least 0 and below 1, not {value}"))
}

/// Applies a check to a value that may be absent.
pub(super) fn optional<T>(check: impl Fn(&T) -> Checked) -> impl Fn(&Option<T>) -> Checked {
    move |value| value.as_ref().map_or(Ok(()), &check)
}

/// Applies a check of a slice to a list.
pub(super) fn list<T>(check: impl Fn(&[T]) -> Checked) -> impl Fn(&Vec<T>) -> Checked {
    move |values| check(values)
}

/// Applies a check of a slice to a triple.
pub(super) fn triple(check: impl Fn(&[f64]) -> Checked) -> impl Fn(&[f64; 3]) -> Checked {
    move |values| check(values)
}

/// Applies a check to every number.
pub(super) fn each(check: impl Fn(&f64) -> Checked) -> impl Fn(&[f64]) -> Checked {
    move |values| values.iter().try_for_each(&check)
}

/// Four stages of 1 to 64 blocks.
pub(super) fn stages(blocks: &[usize]) -> Checked {
    require(blocks.len() == 4, || format!("must be four numbers such as 2,2,2,2, not {}", blocks.len()))?;
    blocks.iter().try_for_each(within(1, 64))
}

/// Sets of prototypes: one to eight, of two prototypes or more.
pub(super) fn sets(prototypes: &[usize]) -> Checked {
    require((1..=HEADS).contains(&prototypes.len()), || {
        format!("must be 1 to {HEADS} numbers, one for each set, not {}", prototypes.len())
    })?;
    prototypes.iter().try_for_each(within(2, 1_000_000))
}

/// One or more different crops.
pub(super) fn distinct(crops: &[usize]) -> Checked {
    require(!crops.is_empty(), || "must name at least one crop, such as 0,1".to_owned())?;
    let twice = crops.iter().enumerate().find(|(i, crop)| crops[..*i].contains(crop));
    twice.map_or(Ok(()), |(_, crop)| Err(format!("names crop {crop} twice")))
}

/// Groups of crops: counts, sizes and scales that make sense.
pub(super) fn crops(groups: &[CropGroup]) -> Checked {
    for group in groups {
        let CropGroup { count, size, scale: [lo, hi] } = group;
        require((1..=32).contains(count), || {
            format!("a group has 1 to 32 crops, not {count} (in `{group}`)")
        })?;
        require((8..=1024).contains(size), || {
            format!("a crop is 8 to 1024 pixels wide, not {size} (in `{group}`)")
        })?;
        require(*lo > 0.0 && lo <= hi && *hi <= 1.0, || {
            format!("a scale is two shares of the picture's area in (0, 1], the smaller first (in `{group}`)")
        })?;
    }
    let total: usize = groups.iter().map(|group| group.count).sum();
    require((1..=64).contains(&total), || format!("a picture has 1 to 64 crops in all, not {total}"))
}

pub(super) fn require(holds: bool, reason: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(reason()) }
}

/// Bands, numbered from 1.
pub(super) fn bands(numbers: &[usize]) -> Checked {
    let right = !numbers.is_empty() && !numbers.contains(&0);
    require(right, || "must be numbers of bands, counted from 1, such as 4,3,2".to_owned())
}

/// Three bands, numbered from 1.
pub(super) fn shown(numbers: &[usize]) -> Checked {
    let right = numbers.len() == 3 && !numbers.contains(&0);
    require(right, || "must be three numbers of bands, counted from 1, such as 4,3,2".to_owned())
}
