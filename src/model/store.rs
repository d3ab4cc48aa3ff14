//! All parameters of a model: their places in shards, their values and gradients on the device.
//!
//! The optimiser sees a whole shard in one binding, and some adapters bind no more than 128 MiB: what
//! does not fit goes into the next shard. Most models have one.

mod host;

use std::sync::Arc;

use crate::error::Result;
use crate::gpu::{Arena, Plan, Shape, Tensor, Usage};
use crate::ops::conv2d::Filter;
use crate::ops::optimizer::{self, Shard, Span, VECTOR};

/// How a parameter starts: as in the official `resnet50.py` and PyTorch's linear layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Kaiming-normal over the fan-out, for ReLU.
    Normal,
    /// Uniform in ±1/√fan-in (PyTorch's linear layers).
    Uniform(u32),
    /// Normal, of this deviation.
    Gaussian(f32),
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
    shard: usize,
    first: u32,
    quads: u32,
    flags: u32,
    init: Init,
}

/// Quads that every parameter starts at a multiple of: 256 bytes, what a binding may start at.
const ALIGN: u32 = 16;

/// The parameters and running estimates of a model.
#[derive(Clone, Debug)]
pub struct Store {
    shard_quads: u64,
    parameters: Vec<Parameter>,
    estimates: Vec<Parameter>,
    memory: Option<Memory>,
}

#[derive(Clone, Debug)]
struct Memory {
    shards: Vec<Shard>,
    estimates: Tensor,
    trained: bool,
}

/// Which parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParameterId(usize);
/// Which running estimate.
#[derive(Clone, Copy, Debug)]
pub struct EstimateId(usize);

impl Parameter {
    /// The quad where the next parameter can start.
    fn end(&self) -> u32 {
        (self.first + self.quads).div_ceil(ALIGN) * ALIGN
    }
}

/// Puts a parameter behind the last one, or into a new shard.
fn place(list: &mut Vec<Parameter>, mut parameter: Parameter, shard_quads: u64) -> usize {
    if let Some(last) = list.last() {
        let fits = u64::from(last.end()) + u64::from(parameter.quads) <= shard_quads;
        (parameter.shard, parameter.first) =
            if fits { (last.shard, last.end()) } else { (last.shard + 1, 0) };
    }
    list.push(parameter);
    list.len() - 1
}

/// The quads of a list that fills one shard.
fn quads(list: &[Parameter]) -> u32 {
    list.last().map_or(1, Parameter::end)
}

impl Store {
    /// An empty store with shards of at most `shard_bytes`; a parameter that is larger has its own.
    #[must_use]
    pub fn new(shard_bytes: u64) -> Self {
        let align = u64::from(ALIGN);
        let shard_quads = shard_bytes / 16 / align * align;
        Self { shard_quads, parameters: Vec::new(), estimates: Vec::new(), memory: None }
    }

    /// An empty store with shards of the same size.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self::new(self.shard_quads * 16)
    }

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
        let filter = Some(filter);
        let parameter = Parameter { name, shape, filter, shard: 0, first: 0, quads, flags, init };
        ParameterId(place(&mut self.parameters, parameter, self.shard_quads))
    }

    /// A vector of `n` values.
    pub fn vector(&mut self, name: String, n: u32, init: Init) -> ParameterId {
        ParameterId(place(&mut self.parameters, vector(name, n, init), self.shard_quads))
    }

    /// Gives the parameters from number `first` on, in the order of their declaration, one more flag.
    pub fn flag_from(&mut self, first: usize, flag: u32) {
        self.parameters[first..].iter_mut().for_each(|parameter| parameter.flags |= flag);
    }

    /// A running estimate of `n` values: saved, but not trained.
    pub fn estimate(&mut self, name: String, n: u32, value: f32) -> EstimateId {
        EstimateId(place(&mut self.estimates, vector(name, n, Init::Constant(value)), u64::MAX))
    }

    /// Takes the memory for everything that has been declared; `moments` is 1 for SGD, 2 for AdamW, and
    /// 0 for weights that are only used, which have no gradients.
    pub fn lease(&mut self, arena: &Arc<Arena>, moments: usize) {
        let lease = |shape, label| arena.lease(shape, Usage::Storage, label);
        let shard = |list: &[Parameter]| {
            let all = Shape::matrix(quads(list), 4);
            let trained = if moments > 0 { all } else { Shape::matrix(1, 4) };
            let (chunks, parameters) = optimizer::tables(&spans(list));
            let table = |words: &[u32]| Shape::matrix(words.len() as u32 / 4, 4);
            Shard {
                value: lease(all, "weights"),
                gradient: lease(trained, "gradients"),
                moment: lease(trained, "momentum"),
                second: (moments > 1).then(|| lease(all, "second moments")),
                chunks: lease(table(&chunks), "chunk table"),
                parameters: lease(table(&parameters), "parameter table"),
            }
        };
        let shards = self.lists().map(shard).collect();
        let estimates = lease(Shape::matrix(quads(&self.estimates), 4), "running estimates");
        self.memory = Some(Memory { shards, estimates, trained: moments > 0 });
    }

    /// The same parameters with running estimates that nobody reads and gradients of their own: for a pass that must not
    /// move those of the network.
    #[must_use]
    pub fn aside(&self, arena: &Arc<Arena>) -> Self {
        let memory = self.memory();
        let lease = |tensor: &Tensor, label| arena.lease(tensor.shape, Usage::Storage, label);
        let estimates = lease(&memory.estimates, "estimates of a part");
        let shard = |shard: &Shard| match memory.trained {
            true => Shard { gradient: lease(&shard.gradient, "gradients of a part"), ..shard.clone() },
            false => shard.clone(),
        };
        let shards = memory.shards.iter().map(shard).collect();
        Self { memory: Some(Memory { shards, estimates, trained: memory.trained }), ..self.clone() }
    }

    /// The parameters of each shard.
    fn lists(&self) -> impl Iterator<Item = &[Parameter]> {
        self.parameters.chunk_by(|a, b| a.shard == b.shard)
    }

    fn memory(&self) -> &Memory {
        match &self.memory {
            Some(memory) => memory,
            None => unreachable!("memory is leased before anything is recorded"),
        }
    }

    /// The shards, together all parameters in the order of [`Store::parameters`].
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.memory().shards
    }

    /// Bytes of all weights: the most that [`Store::initialize`], [`Store::import`] or [`Store::export`]
    /// has on its way at once.
    #[must_use]
    pub fn transfer_bytes(&self) -> u64 {
        self.shards().iter().map(|shard| shard.value.shape.bytes()).sum()
    }

    /// All running estimates.
    #[must_use]
    pub fn estimates(&self) -> &Tensor {
        &self.memory().estimates
    }

    /// How many quads of each shard the parameters take that were declared first, `count` in all.
    #[must_use]
    pub fn quads_of_first(&self, count: usize) -> Vec<usize> {
        let mut quads = vec![0; self.shards().len()];
        for parameter in &self.parameters[..count] {
            quads[parameter.shard] = (parameter.first + parameter.quads) as usize;
        }
        quads
    }

    /// A parameter's weights.
    #[must_use]
    pub fn value(&self, id: ParameterId) -> Tensor {
        let parameter = &self.parameters[id.0];
        part(&self.shards()[parameter.shard].value, parameter)
    }

    /// A parameter's gradient.
    #[must_use]
    pub fn gradient(&self, id: ParameterId) -> Tensor {
        let parameter = &self.parameters[id.0];
        part(&self.shards()[parameter.shard].gradient, parameter)
    }

    /// A running estimate.
    #[must_use]
    pub fn running(&self, id: EstimateId) -> Tensor {
        part(&self.memory().estimates, &self.estimates[id.0])
    }

    /// Records one step of a target network that these parameters are: each moves towards the one of the same name in
    /// `online` ([`optimizer::follow`]). Running estimates stay as they are.
    ///
    /// The target's parameters are the first ones of `online`, declared in the same order into shards of the same
    /// size: so they lie at the same places, and what `online` has more (a predictor, prototypes) lies behind them.
    ///
    /// # Errors
    /// A shader or limit error.
    ///
    /// # Panics
    /// Where a parameter has another name, shape or place: the two networks were declared differently.
    pub fn follow(&self, plan: &mut Plan, online: &Self, rate: &Tensor) -> Result<()> {
        let pairs = self.parameters.iter().zip(&online.parameters);
        let alike = |(a, b): (&Parameter, &Parameter)| {
            (&a.name, &a.shape, a.shard, a.first, a.quads) == (&b.name, &b.shape, b.shard, b.first, b.quads)
        };
        let same = self.parameters.len() <= online.parameters.len() && pairs.into_iter().all(alike);
        assert!(same, "a target network is declared like the beginning of the network that it follows");
        for (target, online) in self.shards().iter().zip(online.shards()) {
            optimizer::follow(plan, target, online, rate)?;
        }
        Ok(())
    }

    /// The parameters in the order of the report's indices.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }
}

fn vector(name: String, n: u32, init: Init) -> Parameter {
    Parameter {
        name,
        shape: vec![n as usize],
        filter: None,
        shard: 0,
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

fn spans(list: &[Parameter]) -> Vec<Span> {
    list.iter().map(|p| Span { first: p.first, quads: p.quads, flags: p.flags }).collect()
}
