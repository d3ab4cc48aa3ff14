//! Weights out: a run or file of weights as safetensors, for PyTorch, or as an ONNX graph of the trunk.

mod names;

pub use names::Names;

use crate::config::{ConvUnit, Residual};
use crate::error::{Error, Result};
use crate::interop::onnx::{Axis, Graph, Number, OPSET};
use crate::interop::{HostTensor, safetensors, torch};
use crate::model::NetworkSpec;
use crate::trained::{network_of, read};
use std::collections::BTreeMap;
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

/// Writes the weights of `source` (a run folder or a file, and in it the network called `key`) to `out`. Names are torchvision's, with the
/// official `projection_head` and `prototypes` unless only the trunk is wanted, and then those of `names`.
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
    let (weights, config) = read(source, key)?;
    let spec = network_of(&weights, config.as_ref(), None)?;
    let fit = spec.compare(&weights.tensors);
    if !fit.is_complete() {
        let reason = format!("its weights are not those of a ResNet ({spec}): {fit}");
        return Err(Error::Checkpoint { path: weights.path, reason });
    }
    let mut tensors = weights.tensors;
    let wanted: BTreeMap<String, Vec<usize>> = spec.tensors().into_iter().collect();
    let of_trunk = |name: &str| !name.starts_with("projection_head") && !name.starts_with("prototypes");
    tensors.retain(|name, _| {
        (wanted.contains_key(name) || name.ends_with(COUNTER)) && (!trunk_only || of_trunk(name))
    });
    let note = match format {
        Format::Onnx => {
            onnx(&spec, &tensors).write(out, &format!("Trunk of a SwAV network: {spec}"))?;
            tensors.retain(|name, _| of_trunk(name) && !name.ends_with(COUNTER));
            format!(
                "opset {OPSET}; `pixels` [batch, {}, height, width] normalised, `features` [batch, {}]",
                spec.channels,
                spec.trunk.features()
            )
        }
        Format::Pytorch => {
            add_counters(&mut tensors);
            torch::write(out, &names.given(tensors.clone()), names.wrapped())?;
            let place = names.wrapped().map_or_else(String::new, |key| format!("[\"{key}\"]"));
            format!("torch.load(…){place} is a state dict with the names of {}", names.name())
        }
        Format::Safetensors => {
            add_counters(&mut tensors);
            let mut metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
            // The stem's stride and the views cannot be told from shapes.
            let settings =
                if config.is_some() { "; the settings of the run are in its metadata" } else { "" };
            metadata.extend(config.map(|config| ("config".to_owned(), config.to_toml())));
            safetensors::write(out, &names.given(tensors.clone()), &metadata)?;
            format!("names are those of {}{settings}", names.name())
        }
    };
    let note = weights.notice.map_or(note.clone(), |notice| format!("{note}\n{notice}"));
    Ok(Exported { path: out.to_owned(), network: spec.to_string(), tensors: tensors.len(), note })
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

/// The trunk with running estimates: what [`crate::model::Trunk::evaluate`] computes.
fn onnx(spec: &NetworkSpec, tensors: &BTreeMap<String, HostTensor>) -> Graph {
    let mut walk = Walk { graph: Graph::new("trunk"), tensors };
    walk.graph.input(
        "pixels",
        &[Axis::Any("batch"), Axis::Fixed(spec.channels), Axis::Any("height"), Axis::Any("width")],
    );
    let layout = spec.trunk.layout(spec.stem, spec.channels);
    let x = walk.unit("pixels", &layout.stem);
    let mut x = walk.graph.node("Relu", "relu", &[&x], Vec::new());
    if layout.pool {
        let window = vec![("kernel_shape", ints(3, 2)), ("strides", ints(2, 2)), ("pads", ints(1, 4))];
        x = walk.graph.node("MaxPool", "maxpool", &[&x], window);
    }
    for block in &layout.blocks {
        x = walk.block(&x, block);
    }
    let pooled = walk.graph.node("GlobalAveragePool", "avgpool", &[&x], Vec::new());
    let features = walk.graph.node("Flatten", "features", &[&pooled], vec![("axis", Number::Int(1))]);
    walk.graph.output(&features, &[Axis::Any("batch"), Axis::Fixed(spec.trunk.features())]);
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
