//! SwAV training on any Vulkan, Metal or DX12 GPU, with our own WGSL kernels.
//!
//! # Bird's-eye view
//!
//! Pictures are cut into crops on worker threads, crops become batch tensors, and one recorded plan of
//! GPU dispatches turns them into features, scores, codes, a loss, gradients and an update. These modules build on
//! each other, each on the one left of it:
//!
//! ```text
//! gpu  <-  ops  <-  model  <-  method  <-  judge  <-  train  <-  uses  <-  cli, app
//! ```
//!
//! # Code map
//!
//! A module names those of the last column and no others, all of which stand above it.
//!
//! | module | what | names |
//! |---|---|---|
//! | `words` | counts and names as messages show them |  |
//! | [`error`] | the one error type |  |
//! | [`pass`] | work outside the steps: how far it is, and how it is stopped | error |
//! | [`ranks`] | how several processes that train one network meet | error |
//! | [`rng`] | random numbers by seed, purpose and counters, in whatever order they are drawn |  |
//! | [`config`] | every setting once: field = flag = TOML key | error |
//! | [`pickle`] | Python pickles as data, without running them |  |
//! | [`launch`] | what both programs do about the environment before their first line |  |
//! | [`gpu`] | adapters, devices, tensors, kernels by reflection, plans and their replay, profiler | error, config |
//! | [`ops`] | one file an operation, each the twin of `shaders/<same name>[.<family>].wgsl` | error, config, gpu |
//! | [`selftest`] | every kernel against an `f64` reference, for the tests and for users | error, gpu, ops |
//! | [`interop`] | safetensors, PyTorch's files, ONNX | error, pickle |
//! | [`tune`] | the fastest kernels of an adapter, found by timing them and kept in a file | error, config, gpu, ops, interop |
//! | [`data`] | sources of pictures, decoding, multi-crop, loader threads; sees no device | words, error, pass, rng, config, pickle |
//! | [`eval`] | mathematics on features of the host: kNN votes, clusters, projections, scores | error, pass, rng, data |
//! | [`pages`] | galleries, reports and tables to look at | error, pass, data, eval |
//! | [`runs`] | the files of a run: folder and checkpoints | words, error, interop |
//! | [`model`] | layers with forward and backward, ResNet trunk, head, parameter store; whole networks that are only used | error, rng, config, gpu, ops, interop, eval |
//! | [`method`] | the trainer, which knows no method, and one objective a method; labels for whole banks | error, pass, ranks, rng, config, gpu, ops, interop, eval, model |
//! | [`measure`] | how fast a step is, and how many operations it needs | error, pass, rng, config, gpu, tune, method |
//! | [`trained`] | [`Model`]: a trained network that looks at pictures | error, pass, config, gpu, interop, data, eval, runs, model |
//! | [`judge`] | kNN, linear classifiers, fine-tuning and clusters of a network, beside baselines | error, pass, rng, config, gpu, ops, interop, data, eval, model, method, measure, trained |
//! | [`train`] | the loop, schedule, health monitor, and what a run says of itself | words, error, pass, ranks, rng, config, gpu, interop, data, eval, pages, runs, model, method, measure, trained, judge |
//! | [`uses`] | what is done with a network: embed, sort, duplicates, export, report | words, error, pass, rng, config, gpu, interop, data, eval, pages, runs, model, trained, judge, train |
//! | [`compare`] | ways to train beside each other, at equal compute | words, error, pass, config, interop, data, pages, runs, measure, trained, judge, train |
//! | [`cli`] | the commands; the only place that prints | words, error, pass, ranks, config, launch, gpu, selftest, interop, tune, data, eval, pages, runs, measure, trained, judge, train, uses, compare |
//! | `main` | the program: hands over to the commands | launch, cli |
//! | `app` | the program with a window, a crate of its own; of [`gpu`] only what describes adapters and times | error, pass, config, launch, gpu, interop, tune, data, eval, runs, measure, trained, judge, train, uses |
//!
//! # Invariants
//!
//! * Only [`gpu`] names `wgpu` or `naga`; [`data`] sees no device.
//! * A module names only what its row of the code map says, and that only because it needs it.
//! * The library never prints, exits or reads the environment outside [`cli`] and [`launch`].
//! * The app names settings, events and results, never [`ops`], [`model`] or [`method`].
//! * Every shader has one owner in [`ops`], which declares the same `Params`.
//! * Tests read the source and the shaders and check all of these (`source_checks`, `shader_checks`).
//! * A step allocates nothing on the device but its read-back: plans are recorded once.
//! * What a run takes of the device's memory is known before its first step, within 5 % of what the
//!   driver then counts (`memory_checks`).
//! * Channels are padded to quads, the padding is zero everywhere, and every kernel keeps it so.
//! * Sums run in a fixed order: same seed and adapter, same bits.
//!
//! # The seam between training and a method
//!
//! Every method is a function from the features of all crops to their gradient. [`method::Trainer`] makes the crops, runs
//! the trunk on them once per resolution, hands the features to the method's `Objective`, runs the trunk backward with
//! the gradient that comes back, moves the parameters and reports. What stands on the trunk, the loss, and what a method
//! remembers between steps (a queue, a second network, labels) belong to the objective, which says what a checkpoint
//! keeps of it. So a method is one file beside `method::swav` and a word in [`config::Method`]. What all of them report
//! stands once, in [`train::figures`].
//!
//! `record` is that function, and all that a plain loss needs beside `chance`, the loss of a network that tells nothing
//! apart; SimCLR has hardly more. `Objective` has more functions because other methods also do something outside of it,
//! and each of those stands there for a method that needs it; for all others it does nothing:
//!
//! * A queue or bank changes from step to step (SwAV, MoCo, DeepCluster-v2): `prepare` and `advance` before and after a
//!   submission, `kept`, `recall`, `state` and `restore` for checkpoints, `set_length` to know when it begins.
//! * A second network sees crops too and follows the first (MoCo, BYOL): `lease` and `start` for its memory and weights,
//!   `record_begin` and `record_end` for its update, `record_part` where a batch goes through the trunk in parts,
//!   `share_statistics` where ranks share batch norms, and `forwarded`, as MoCo's trunk does not see all crops.
//! * Labels of all pictures are made before an epoch (DeepCluster-v2, SeLa-v2): `wants_survey`, `record_survey` and
//!   `surveyed` for a look at all of them, `begin_epoch` to cluster, `settle` to wait for it, `choose` for fixtures.
//! * `has_answers`, `prototype_count` and `projection` say what reports, previews and judges find of a method.
//!
//! # Half precision
//!
//! With `--precision f16` a [`gpu::Shape`] says that its values are stored as [`gpu::Element::F16`]: crops,
//! activations of the trunk and their gradients. Nothing else is, and nothing is computed in it: kernels
//! see quads through `wide` and `narrow`, which one of `shaders/shared/quads.{f32,f16}[.pairs].wgsl`
//! defines, so every such file is two shaders and half precision needs no adapter feature. Whether a tensor
//! and a binding agree is checked when a dispatch is recorded. Gradients enter the trunk in
//! `pool::average_backward`, where they are scaled, and leave it as gradients of weights, where
//! [`ops::loss_scale`] takes the scale away.
//!
//! # Four kernel families
//!
//! GPUs get tiles in workgroup memory, drivers that would have to emulate it read straight into registers. Matrix units
//! multiply what half precision stores (`conv2d.matrix.wgsl`), where an adapter has them and they stand a check
//! (`tune`'s `units`): the tiles of that family are blocks that four subgroups share, so it serves subgroups of any size. Only
//! convolutions of the trunk use them, which are nearly all the work; what is single precision in memory is multiplied as in
//! the tile family. wgpu asks for one `unsafe` word for them, which stands in `gpu::device`. CPU drivers get subgroup broadcasts and operands *staged as texels*: Mesa's lavapipe expands a buffer
//! load whose address differs between lanes into a loop over the lanes, and without AVX-512 each turn of it
//! costs a failed store-to-load forward (about 20 cycles a float; measured 7 GF/s). A texel fetch is eight
//! vector loads and a transposition (30 GF/s in the same kernel), so `gpu::Plan::stage` copies an operand
//! into a texture first, which is a memcpy. The textures are bound as read-only storage: a *sampled* fetch
//! works out mip level, extent and row pitch for every lane, which took 28 % of the kernel. What such a
//! driver stores goes lane by lane and word by word as well, so the family's results are words of 64 bits,
//! two floats each (`pairs.wgsl`); an adapter without them gets another family. Wide 3×3 layers go through
//! Winograd's transforms in passes of their own (`winograd.passes.subgroup.wgsl`), because a loop that transforms as
//! it multiplies is more code than a first-level cache holds. An element-wise invocation
//! takes few rows, because the vectors of a workgroup run one after another and should walk through memory
//! in order. Kernels in which a workgroup shares a row take the number of its invocations as a constant
//! (`LANES`), because such a driver runs them one after another, and joining 64 shares cost more than the
//! row. And such a driver may end loops early: lavapipe of Mesa 22 gives all loops of an invocation 65,536 rounds, and then ends
//! them as if they were done. `AdapterFacts::rounds` says how many kernels may ask for, what takes more is shared among
//! workgroups, and the self-test counts that far on every driver.

pub mod cli;
pub mod compare;
pub mod config;
pub mod data;
pub mod error;
pub mod eval;
pub mod gpu;
pub mod interop;
pub mod judge;
pub mod launch;
pub mod measure;
pub mod method;
pub mod model;
pub mod ops;
pub mod pages;
pub mod pass;
pub mod pickle;
pub mod ranks;
pub mod rng;
pub mod runs;
pub mod selftest;
pub mod train;
pub mod trained;
pub mod tune;
pub mod uses;
mod words;

pub use trained::Model;
