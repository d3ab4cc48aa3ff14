//! The cases: what is recorded, at which sizes, and what must come of it.
//!
//! | file | what |
//! |---|---|
//! | `conv` | convolution, linear layer, layout of weights |
//! | `batch_norm` | training, evaluation, gradient |
//! | `rows` | pools, rows of unit length, masks, biases |
//! | `codes` | Sinkhorn, its marginals and symmetry |
//! | `balance` | Sinkhorn over a bank in blocks |
//! | `step_end` | loss, queue, report |
//! | `parts` | rows of a part of a batch, sums and weights of what parts gave |
//! | `contrast` | contrastive losses and their queue |
//! | `targets` | cross-entropy with labels, regression on the rows of a target network |
//! | `optimizer` | LARC, SGD, AdamW, averages of weights |
//! | `augment` | crops from packed pictures |
//! | `loss_scale` | the loss scale of half precision |
//! | `judging` | nearest neighbours, linear classifiers |
//! | `peak` | what an adapter's limits are measured with |
//! | `folded` | more workgroups than one dimension holds |
//!
//! Tolerances are stated in each file, relative to the largest value. What works on activations runs in
//! single and in half precision (`bench` says what is allowed for the latter).

mod augment;
mod balance;
mod batch_norm;
mod codes;
mod contrast;
mod conv;
mod folded;
mod judging;
mod loss_scale;
mod optimizer;
mod parts;
mod peak;
mod rows;
mod step_end;
mod targets;

use super::Operation;

/// Every operation with its cases.
pub(super) const ALL: [Operation; 29] = [
    Operation { name: "convolutions", cases: conv::convolutions },
    Operation { name: "wide_convolutions", cases: conv::wide_convolutions },
    Operation { name: "linear_layers", cases: conv::linear_layers },
    Operation { name: "layouts_of_weights", cases: conv::layouts },
    Operation { name: "windows_of_winograd", cases: conv::windows },
    Operation { name: "batch_norms", cases: batch_norm::batch_norms },
    Operation { name: "pools", cases: rows::pooled },
    Operation { name: "rows_of_unit_length", cases: rows::unit_length },
    Operation { name: "masks_and_biases", cases: rows::vectors },
    Operation { name: "codes_by_sinkhorn", cases: codes::sinkhorn },
    Operation { name: "balanced_banks", cases: balance::banks },
    Operation { name: "swapped_losses", cases: step_end::swapped },
    Operation { name: "labelled_losses", cases: targets::labelled },
    Operation { name: "regressions", cases: targets::regressions },
    Operation { name: "queues", cases: step_end::rings },
    Operation { name: "parts_of_a_batch", cases: parts::rows },
    Operation { name: "sums_of_parts", cases: parts::sums },
    Operation { name: "weights_of_parts", cases: parts::weights },
    Operation { name: "contrastive_losses", cases: contrast::losses },
    Operation { name: "queues_in_panels", cases: contrast::rings },
    Operation { name: "reports", cases: step_end::reports },
    Operation { name: "updates", cases: optimizer::updates },
    Operation { name: "averages_of_weights", cases: optimizer::followers },
    Operation { name: "crops", cases: augment::crops_of_pictures },
    Operation { name: "loss_scales", cases: loss_scale::scales },
    Operation { name: "nearest_neighbours", cases: judging::neighbours },
    Operation { name: "linear_classifiers", cases: judging::classifiers },
    Operation { name: "limits_of_adapters", cases: peak::limits },
    Operation { name: "folded_grids", cases: folded::grids },
];
