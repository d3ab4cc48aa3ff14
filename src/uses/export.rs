//! Weights out: a run or file of weights as safetensors, for PyTorch, or as an ONNX graph of the trunk.

mod names;

pub use names::Names;

use crate::config::{Config, ConvUnit, Readout, Residual};
use crate::error::{Error, Result};
use crate::interop::onnx::{Axis, Graph, Number, OPSET};
use crate::interop::{HostTensor, safetensors, torch};
use crate::model::NetworkSpec;
use crate::trained::{Whole, network_of, read_whole};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A format that other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// What `torch.load` reads.
    Pytorch,
    /// ONNX of the trunk in evaluation mode.
    Onnx,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Safetensors, Self::Pytorch, Self::Onnx];

    /// Its name as a flag's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Pytorch => "pytorch",
            Self::Onnx => "onnx",
        }
    }

    /// What its files end with.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Pytorch => "pth",
            Self::Onnx => "onnx",
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Where.
    pub path: PathBuf,
    /// The network in words.
    pub network: String,
    /// How many tensors.
    pub tensors: usize,
    /// What a person should know.
    pub note: String,
}

/// Writes the weights of `source` (a run folder or a file, and in it the network called `key`) to `out`. Names are those
/// of `names`. Unless only the trunk is wanted, all goes with it that a checkpoint holds and that trainer has a tensor
/// for: head, prototypes, predictor, a second network, queue, classifier; what it has none for is told in
/// [`Exported::note`]. ONNX takes the trunk alone.
///
/// # Errors
/// A source that cannot be used; [`Error::Io`].
pub fn export(
    source: &Path,
    key: Option<&str>,
    format: Format,
    trunk_only: bool,
    names: Names,
    out: &Path,
) -> Result<Exported> {
    let Whole { weights, config, beside, cursor } = read_whole(source, key)?;
    let spec = network_of(&weights, config.as_ref(), None)?;
    let fit = spec.compare(&weights.tensors);
    if !fit.is_complete() {
        let reason = format!("its weights are not those of a ResNet ({spec}): {fit}");
        return Err(Error::Checkpoint { path: weights.path, reason });
    }
    let (mut tensors, mut left_out) = (weights.tensors, BTreeSet::new());
    if trunk_only || format == Format::Onnx {
        tensors.retain(|name, _| names::is_of_trunk(name));
    } else {
        tensors.extend(beside);
        left_out = only_known(&spec, &mut tensors);
    }
    let mut given = |tensors: &mut BTreeMap<String, HostTensor>| {
        add_counters(tensors);
        let (named, without) = names.given(std::mem::take(tensors), cursor);
        *tensors = named;
        left_out.extend(without);
        left_out_in_words(&left_out, names)
    };
    let note = match format {
        Format::Onnx => {
            let method = config
                .as_ref()
                .map_or_else(String::new, |config| format!(" after {}", config.method.title()));
            let features = Read::of(&spec, config.as_ref());
            onnx(&spec, &tensors, &features).write(out, &format!("Trunk{method}: {spec}"))?;
            tensors.retain(|name, _| !name.ends_with(COUNTER));
            let side =
                features.side.map_or_else(|| "height, width".to_owned(), |side| format!("{side}, {side}"));
            let (readout, length) = (features.readout, spec.trunk.length(features.readout));
            let pooled = if readout == Readout::default() {
                String::new()
            } else {
                format!(" ({readout}), `pooled` [batch, {}]", spec.trunk.features())
            };
            format!(
                "opset {OPSET}; `pixels` [batch, {}, {side}] normalised, `features` [batch, {length}]{pooled}",
                spec.channels
            )
        }
        Format::Pytorch => {
            let left_out = given(&mut tensors);
            torch::write(out, &tensors, names.wrapped())?;
            let place = names.wrapped().map_or_else(String::new, |key| format!("[\"{key}\"]"));
            format!("torch.load(…){place} is a state dict with the names of {}{left_out}", names.name())
        }
        Format::Safetensors => {
            let left_out = given(&mut tensors);
            let mut metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
            // The stem's stride and the views cannot be told from shapes.
            let settings =
                if config.is_some() { "; the settings of the run are in its metadata" } else { "" };
            metadata.extend(config.map(|config| ("config".to_owned(), config.to_toml())));
            safetensors::write(out, &tensors, &metadata)?;
            format!("names are those of {}{settings}{left_out}", names.name())
        }
    };
    let note = weights.notice.map_or(note.clone(), |notice| format!("{note}\n{notice}"));
    Ok(Exported { path: out.to_owned(), network: spec.to_string(), tensors: tensors.len(), note })
}

/// Keeps the network's own tensors and what is known to stand beside it, and returns what the rest is called. The
/// state of an optimiser and of a loss scale is no weight, and nobody asks for it.
fn only_known(spec: &NetworkSpec, tensors: &mut BTreeMap<String, HostTensor>) -> BTreeSet<String> {
    let wanted: BTreeSet<String> = spec.tensors().into_iter().map(|(name, _)| name).collect();
    let norms: BTreeSet<String> = tensors
        .keys()
        .filter_map(|name| Some(format!("{}{COUNTER}", name.strip_suffix(".running_mean")?)))
        .collect();
    let mut others = BTreeSet::new();
    tensors.retain(|name, tensor| {
        let known = wanted.contains(name) || norms.contains(name) || names::is_beside(name, tensor);
        if !known && !["optimizer.", "loss_scale"].iter().any(|state| name.starts_with(state)) {
            others.insert(names::first_word(name));
        }
        known
    });
    others
}

/// What is not in the file, as a sentence on a line of its own.
fn left_out_in_words(left_out: &BTreeSet<String>, names: Names) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let listed: Vec<String> = left_out.iter().map(|name| format!("`{name}`")).collect();
    format!("\nLeft out, as {} no tensor of the kind: {}.", names.has(), listed.join(", "))
}

/// PyTorch's count of the batches that a norm has seen, which `load_state_dict` insists on.
const COUNTER: &str = ".num_batches_tracked";

fn add_counters(tensors: &mut BTreeMap<String, HostTensor>) {
    let norms: Vec<String> =
        tensors.keys().filter_map(|name| name.strip_suffix(".running_mean")).map(str::to_owned).collect();
    for norm in norms {
        tensors.entry(norm + COUNTER).or_insert_with(|| HostTensor::counter(0));
    }
}

/// The features of a graph.
struct Read {
    readout: Readout,
    /// Side of the pictures, where a grid lies over what they become; a global average takes pictures of any size.
    side: Option<usize>,
}

impl Read {
    /// As the run reads its own network.
    fn of(spec: &NetworkSpec, config: Option<&Config>) -> Self {
        let Some(config) = config else { return Self { readout: Readout::default(), side: None } };
        let side = config.eval_size as usize;
        let readout = spec.trunk.fitting(spec.stem, config.readout(), side);
        Self { readout, side: (readout.grid > 1).then_some(side) }
    }
}

/// The trunk with running estimates: what [`crate::model::Trunk::evaluate`] computes.
fn onnx(spec: &NetworkSpec, tensors: &BTreeMap<String, HostTensor>, read: &Read) -> Graph {
    let mut walk = Walk { graph: Graph::new("trunk"), tensors };
    let axis = |name| read.side.map_or(Axis::Any(name), Axis::Fixed);
    walk.graph
        .input("pixels", &[Axis::Any("batch"), Axis::Fixed(spec.channels), axis("height"), axis("width")]);
    let layout = spec.trunk.layout(spec.stem, spec.channels);
    let x = walk.unit("pixels", &layout.stem);
    let mut x = walk.graph.node("Relu", "relu", &[&x], Vec::new());
    if layout.pool {
        let window = vec![("kernel_shape", ints(3, 2)), ("strides", ints(2, 2)), ("pads", ints(1, 4))];
        x = walk.graph.node("MaxPool", "maxpool", &[&x], window);
    }
    let Readout { stage, grid } = read.readout;
    let (first, rest) = layout.blocks.split_at(spec.trunk.blocks.iter().take(stage).sum());
    for block in first {
        x = walk.block(&x, block);
    }
    let means = match read.side {
        None => walk.graph.node("GlobalAveragePool", "means", &[&x], Vec::new()),
        Some(side) => walk.grid(&x, spec.trunk.side(spec.stem, stage, side), grid),
    };
    walk.rows("features", &means, spec.trunk.length(read.readout));
    if read.readout != Readout::default() {
        for block in rest {
            x = walk.block(&x, block);
        }
        let means = walk.graph.node("GlobalAveragePool", "avgpool", &[&x], Vec::new());
        walk.rows("pooled", &means, spec.trunk.features());
    }
    walk.graph
}

fn ints(value: i64, count: usize) -> Number {
    Number::Ints(vec![value; count])
}

struct Walk<'a> {
    graph: Graph,
    tensors: &'a BTreeMap<String, HostTensor>,
}

impl Walk<'_> {
    /// Adds the tensor `name`, which `compare` has seen to be there.
    fn weights(&mut self, name: &str) {
        if let Some(tensor) = self.tensors.get(name) {
            self.graph.weights(name, tensor);
        }
    }

    /// Gives a result of the graph: a vector a picture.
    fn rows(&mut self, name: &str, means: &str, length: usize) {
        let rows = self.graph.node("Flatten", name, &[means], vec![("axis", Number::Int(1))]);
        self.graph.output(&rows, &[Axis::Any("batch"), Axis::Fixed(length)]);
    }

    /// Means over the cells of a grid: a product with a matrix from either side, as ONNX has no pool for grids that do not
    /// divide a picture.
    fn grid(&mut self, x: &str, side: usize, grid: usize) -> String {
        let (mut rows, mut columns) = (vec![0.0; grid * side], vec![0.0; side * grid]);
        for cell in 0..grid {
            let pixels = cell * side / grid..((cell + 1) * side).div_ceil(grid);
            let share = 1.0 / pixels.len() as f32;
            for pixel in pixels {
                rows[cell * side + pixel] = share;
                columns[pixel * grid + cell] = share;
            }
        }
        self.graph.weights("means.rows", &HostTensor::new(vec![grid, side], rows));
        self.graph.weights("means.columns", &HostTensor::new(vec![side, grid], columns));
        let y = self.graph.node("MatMul", "means.of_rows", &["means.rows", x], Vec::new());
        self.graph.node("MatMul", "means", &[&y, "means.columns"], Vec::new())
    }

    /// A convolution and its batch norm.
    fn unit(&mut self, x: &str, unit: &ConvUnit) -> String {
        let ConvUnit { conv, norm, .. } = unit;
        let kernel = format!("{conv}.weight");
        self.weights(&kernel);
        let [side, stride, pad] = [unit.kernel, unit.stride, unit.pad()].map(|n| n as i64);
        let window =
            vec![("kernel_shape", ints(side, 2)), ("strides", ints(stride, 2)), ("pads", ints(pad, 4))];
        let y = self.graph.node("Conv", conv, &[x, &kernel], window);
        let names = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{norm}.{part}"));
        names.iter().for_each(|name| self.weights(name));
        let [weight, bias, mean, variance] = names.each_ref().map(String::as_str);
        self.graph.node(
            "BatchNormalization",
            norm,
            &[&y, weight, bias, mean, variance],
            vec![("epsilon", Number::Float(1e-5))],
        )
    }

    fn block(&mut self, x: &str, block: &Residual) -> String {
        let name = &block.name;
        let mut h = x.to_owned();
        for (i, unit) in (1..).zip(&block.units) {
            h = self.unit(&h, unit);
            if i < block.units.len() {
                h = self.graph.node("Relu", &format!("{name}.relu{i}"), &[&h], Vec::new());
            }
        }
        let shortcut = block.shortcut.as_ref().map_or_else(|| x.to_owned(), |unit| self.unit(x, unit));
        let sum = self.graph.node("Add", &format!("{name}.add"), &[&h, &shortcut], Vec::new());
        self.graph.node("Relu", name, &[&sum], Vec::new())
    }
}
