//! The losses of SwAV's neighbours (groups 11 and on) against values that the official code of each method gave: the
//! `f64` reference, and the production kernels with every kernel family.
//!
//! | file | what |
//! |---|---|
//! | `contrast` | SimCLR over all crops, MoCo with its queue |

mod contrast;

use crate::golden::Case;
use std::collections::BTreeMap;

/// What was computed, by the names of the golden tensors.
type Outputs = BTreeMap<String, Vec<f64>>;

fn outputs<const N: usize>(tensors: [(&str, Vec<f64>); N]) -> Outputs {
    tensors.into_iter().map(|(name, values)| (name.to_owned(), values)).collect()
}

/// All that differs from what a case expects. What it expects and nobody computed differs too.
fn differences(case: &Case<'_>, computed: &Outputs) -> Vec<String> {
    let check = |name: &str| match computed.get(name) {
        Some(got) => case.check(name, got).err(),
        None => Some(format!("{}: {name} is expected but not computed", case.label())),
    };
    case.expected().filter_map(check).collect()
}
