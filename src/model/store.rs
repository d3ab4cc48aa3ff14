//! All parameters of a model in one shard: their places, names, initial values and gradients.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::gpu::{Arena, Session, Shape, Tensor, Usage};
use crate::interop::HostTensor;
use crate::ops::conv2d::Filter;
use crate::ops::optimizer::{self, Shard, Span, VECTOR};
use crate::ops::weights;
use crate::rng::{Purpose, Stream};

/// How a parameter starts (RECIPE "Model").
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Kaiming-normal over the fan-out, for ReLU.
    Normal,
    /// Uniform in ±1/√fan-in (PyTorch's linear layers).
    Uniform(u32),
    /// One value.
    Constant(f32),
}

/// One parameter or running estimate.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name in torchvision and official checkpoints.
    pub name: String,
    /// Shape in PyTorch: OIHW, `[out, in]` or `[n]`.
    pub shape: Vec<usize>,
    filter: Option<Filter>,
    first: u32,
    quads: u32,
    flags: u32,
    init: Init,
}

/// Quads that every parameter starts at a multiple of: 256 bytes, what a binding may start at.
const ALIGN: u32 = 16;

/// The parameters and running estimates of a model.
#[derive(Debug, Default)]
pub struct Store {
    parameters: Vec<Parameter>,
    estimates: Vec<Parameter>,
    memory: Option<(Shard, Tensor)>,
}

/// Which parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParameterId(usize);
/// Which running estimate.
#[derive(Clone, Copy, Debug)]
pub struct EstimateId(usize);

fn place(list: &mut Vec<Parameter>, mut parameter: Parameter) -> usize {
    parameter.first = list.last().map_or(0, |p| (p.first + p.quads).div_ceil(ALIGN) * ALIGN);
    list.push(parameter);
    list.len() - 1
}

impl Store {
    /// A filter (or the weights of a linear layer, `flat`).
    pub fn filter(
        &mut self,
        name: String,
        filter: Filter,
        flat: bool,
        init: Init,
        flags: u32,
    ) -> ParameterId {
        let f = [filter.filters, filter.channels, filter.kernel, filter.kernel].map(|n| n as usize);
        let shape = f[..if flat { 2 } else { 4 }].to_vec();
        let quads = filter.panels().total_quads();
        let parameter = Parameter { name, shape, filter: Some(filter), first: 0, quads, flags, init };
        ParameterId(place(&mut self.parameters, parameter))
    }

    /// A vector of `n` values.
    pub fn vector(&mut self, name: String, n: u32, init: Init) -> ParameterId {
        ParameterId(place(&mut self.parameters, vector(name, n, init)))
    }

    /// A running estimate of `n` values: saved, but not trained.
    pub fn estimate(&mut self, name: String, n: u32, value: f32) -> EstimateId {
        EstimateId(place(&mut self.estimates, vector(name, n, Init::Constant(value))))
    }

    /// Takes the memory for everything that has been declared; `moments` is 1 for SGD, 2 for AdamW.
    pub fn lease(&mut self, arena: &Arc<Arena>, moments: usize) {
        let quads =
            |list: &[Parameter]| list.last().map_or(1, |p| (p.first + p.quads).div_ceil(ALIGN) * ALIGN);
        let all = Shape::matrix(quads(&self.parameters), 4);
        let (chunks, parameters) = optimizer::tables(&self.spans());
        let table = |words: &[u32]| Shape::matrix(words.len() as u32 / 4, 4);
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let shard = Shard {
            value: lease(all, "weights"),
            gradient: lease(all, "gradients"),
            moment: lease(all, "momentum"),
            second: (moments > 1).then(|| lease(all, "second moments")),
            chunks: lease(table(&chunks), "chunk table"),
            parameters: lease(table(&parameters), "parameter table"),
        };
        let estimates = lease(Shape::matrix(quads(&self.estimates), 4), "running estimates");
        self.memory = Some((shard, estimates));
    }

    fn spans(&self) -> Vec<Span> {
        self.parameters.iter().map(|p| Span { first: p.first, quads: p.quads, flags: p.flags }).collect()
    }

    fn memory(&self) -> &(Shard, Tensor) {
        match &self.memory {
            Some(memory) => memory,
            None => unreachable!("memory is leased before anything is recorded"),
        }
    }

    /// The shard of all parameters.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.memory().0
    }

    /// A parameter's weights.
    #[must_use]
    pub fn value(&self, id: ParameterId) -> Tensor {
        part(&self.shard().value, &self.parameters[id.0])
    }

    /// A parameter's gradient.
    #[must_use]
    pub fn gradient(&self, id: ParameterId) -> Tensor {
        part(&self.shard().gradient, &self.parameters[id.0])
    }

    /// A running estimate.
    #[must_use]
    pub fn running(&self, id: EstimateId) -> Tensor {
        part(&self.memory().1, &self.estimates[id.0])
    }

    /// The parameters in the order of the report's indices.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Writes the tables, the initial weights of `seed`, and zero moments.
    pub fn initialize(&self, session: &Session, seed: u64) {
        let (chunks, parameters) = optimizer::tables(&self.spans());
        session.write(&self.shard().chunks, bytemuck::cast_slice(&chunks));
        session.write(&self.shard().parameters, bytemuck::cast_slice(&parameters));
        for (index, parameter) in self.parameters.iter().enumerate() {
            let mut stream = Stream::new(seed, Purpose::Weights, &[index as u64]);
            let n = parameter.shape.iter().product();
            let values: Vec<f32> = (0..n).map(|_| draw(&mut stream, parameter) as f32).collect();
            write(session, &self.shard().value, parameter, &values);
        }
        for parameter in &self.estimates {
            let n = parameter.shape.iter().product();
            let Init::Constant(value) = parameter.init else { continue };
            write(session, &self.memory().1, parameter, &vec![value; n]);
        }
    }

    /// Weights and running estimates by name, and moments as `optimizer.momentum.NAME` and
    /// `optimizer.second.NAME`.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn export(&self, session: &Session) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = BTreeMap::new();
        for (prefix, tensor, list) in self.groups() {
            read_all(session, prefix, tensor, list, &mut tensors)?;
        }
        Ok(tensors)
    }

    /// The gradients of the last step, by name.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn export_gradients(&self, session: &Session) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = BTreeMap::new();
        read_all(session, "", &self.shard().gradient, &self.parameters, &mut tensors)?;
        Ok(tensors)
    }

    /// Overwrites everything that [`Store::export`] gives. Moments may be missing (pretrained weights).
    ///
    /// # Errors
    /// A weight that is missing or of another shape.
    pub fn import(&self, session: &Session, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        for (prefix, tensor, list) in self.groups() {
            for parameter in list {
                let name = format!("{prefix}{}", parameter.name);
                match tensors.get(&name) {
                    Some(found) if found.shape == parameter.shape => {
                        write(session, tensor, parameter, &found.data)
                    }
                    None if !prefix.is_empty() => {}
                    other => {
                        let found = other.map_or("is missing".into(), |t| format!("has shape {:?}", t.shape));
                        let reason = format!("tensor {name} {found}, this model wants {:?}", parameter.shape);
                        return Err(Error::Checkpoint { path: Path::new("weights").into(), reason });
                    }
                }
            }
        }
        Ok(())
    }

    /// Names and shapes of everything that [`Store::export`] gives.
    #[must_use]
    pub fn names(&self) -> Vec<(String, Vec<usize>)> {
        let named = |(prefix, _, list): (&str, &Tensor, &[Parameter])| {
            list.iter().map(|p| (format!("{prefix}{}", p.name), p.shape.clone())).collect::<Vec<_>>()
        };
        self.groups().into_iter().flat_map(named).collect()
    }

    fn groups(&self) -> Vec<(&'static str, &Tensor, &[Parameter])> {
        let (shard, estimates) = self.memory();
        let mut groups = vec![
            ("", &shard.value, self.parameters.as_slice()),
            ("", estimates, self.estimates.as_slice()),
            ("optimizer.momentum.", &shard.moment, self.parameters.as_slice()),
        ];
        if let Some(second) = &shard.second {
            groups.push(("optimizer.second.", second, self.parameters.as_slice()));
        }
        groups
    }
}

fn vector(name: String, n: u32, init: Init) -> Parameter {
    Parameter {
        name,
        shape: vec![n as usize],
        filter: None,
        first: 0,
        quads: n.div_ceil(4),
        flags: VECTOR,
        init,
    }
}

fn part(all: &Tensor, parameter: &Parameter) -> Tensor {
    let shape = match &parameter.filter {
        Some(filter) => filter.panels(),
        None => Shape::matrix(1, parameter.shape[0] as u32),
    };
    all.part(u64::from(parameter.first) * 16, shape)
}

fn read_all(
    session: &Session,
    prefix: &str,
    all: &Tensor,
    list: &[Parameter],
    tensors: &mut BTreeMap<String, HostTensor>,
) -> Result<()> {
    let data = session.read(all)?;
    for parameter in list {
        let from = parameter.first as usize * 4;
        let packed = &data[from..from + parameter.quads as usize * 4];
        let values = match &parameter.filter {
            Some(filter) => weights::unpack(filter, packed),
            None => packed[..parameter.shape[0]].to_vec(),
        };
        let name = format!("{prefix}{}", parameter.name);
        tensors.insert(name, HostTensor { shape: parameter.shape.clone(), data: values });
    }
    Ok(())
}

fn write(session: &Session, all: &Tensor, parameter: &Parameter, values: &[f32]) {
    let packed = match &parameter.filter {
        Some(filter) => weights::pack(filter, values),
        None => {
            let mut padded = values.to_vec();
            padded.resize(parameter.quads as usize * 4, 0.0);
            padded
        }
    };
    session.write(&part(all, parameter), &packed);
}

fn draw(stream: &mut Stream, parameter: &Parameter) -> f64 {
    match parameter.init {
        Init::Constant(value) => f64::from(value),
        Init::Uniform(fan_in) => {
            let bound = 1.0 / f64::from(fan_in).sqrt();
            stream.range(-bound, bound)
        }
        Init::Normal => {
            let fan_out: usize = parameter.shape[0] * parameter.shape[2..].iter().product::<usize>();
            stream.normal() * (2.0 / fan_out as f64).sqrt()
        }
    }
}
