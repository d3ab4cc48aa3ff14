//! The integration tests, in one binary so that they share one device and are linked once.
//!
//! | module | what it checks |
//! |---|---|
//! | `augment_golden` | crops made on the device against the fixtures of the official pipeline |
//! | `augment_runs` | crops made on the device and on the processor are the same, in a trainer and in a run |
//! | `cli` | the real program: same bits, stopping and going on, bad input, what it prints and leaves behind |
//! | `judging` | kNN, linear classifiers and cluster measures beside scikit-learn and PyTorch |
//! | `ops_golden`, `optimizer_golden` | single operations and LARC against the fixtures, with every kernel family |
//! | `runs_golden` | whole golden training runs through the production engine |
//! | `golden` | reads the fixtures that were made with the official implementation, driven by their manifest |
//! | `exports` | what other trainers load: their keys, the same values, and the way back |
//! | `devices` | the devices that all tests share |
//! | `neighbours_runs` | golden training runs of the methods that SwAV is compared with |
//! | `neighbours_bank` | labels for a whole bank of features against the fixtures of DeepCluster-v2 and SeLa-v2 |
//! | `previews` | looking into a run between two steps changes no bit of it |
//! | `neighbours_golden` | the losses of SwAV's neighbours against values of the official code of each |
//! | `readouts` | features by stage and grid against the reference |
//! | `reference` | whole networks and training runs in f64, of the library's reference operations |
//! | `reference_checks`, `reference_gradients`, `reference_runs` | the reference against the fixtures and finite differences |
//! | `half_golden` | golden runs in half precision against the reference that rounds where kernels store |
//! | `half_layers` | each layer by itself in half precision, within what the theory of rounding allows |
//! | `half_precision` | the loss scale |
//! | `micro_batches` | a batch that goes through the trunk in parts is still one batch |
//! | `rank_runs` | whole runs of several ranks, stopped ones, and how they end together |
//! | `rank_statistics` | batch norms that several ranks share are those of the whole batch |
//! | `ranks` | several that share each batch compute what one does in parts, to the last bit |
//! | `memory_checks` | the planned memory is what the driver allocates; recomputing takes less and changes no bit |
//! | `mlps` | heads and predictors in all their forms against the reference |
//! | `neighbours_golden_rows`, `neighbours_reference_rows` | losses of labels and of target networks, predictors and averages of weights: kernels and reference |
//! | `target_store` | a network that follows another one, over several shards |
//! | `ops_reference` | the library's self-test: every entry point in every kernel family against the reference |
//! | `package` | what goes to crates.io, and how large it is |
//! | `shader_checks` | every shader on every back end and within the limits of any adapter; needs no GPU |
//! | `source_checks` | the boundaries between modules, the length of files, links and tables of the documentation |
//! | `winograd_error` | how exact Winograd's kernels are beside those of direct sums |
//! | `weights` | files of PyTorch in, and what is exported, with the real tools where they are installed |
//! | `trainer_checks` | what holds of a trainer whatever it learns: shards, names, limits |

mod augment_golden;
mod augment_runs;
#[cfg(unix)]
mod cli;
mod devices;
mod exports;
mod golden;
mod half_golden;
mod half_layers;
mod half_precision;
mod judging;
mod memory_checks;
mod micro_batches;
mod mlps;
mod neighbours_bank;
mod neighbours_golden;
mod neighbours_golden_rows;
mod neighbours_reference_rows;
mod neighbours_runs;
mod ops_golden;
mod ops_reference;
mod optimizer_golden;
mod package;
mod previews;
mod rank_runs;
mod rank_statistics;
mod ranks;
mod readouts;
mod reference;
mod reference_checks;
mod reference_gradients;
mod reference_runs;
mod runs_golden;
mod shader_checks;
mod source_checks;
mod target_store;
mod trainer_checks;
mod weights;
mod winograd_error;
