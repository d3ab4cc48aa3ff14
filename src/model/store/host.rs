//! Parameters between the host and the device: initial values, export and import by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Init, Parameter, Store, part, spans};
use crate::error::{Error, Result};
use crate::gpu::{Session, Tensor};
use crate::interop::HostTensor;
use crate::ops::{optimizer, weights};
use crate::rng::{Purpose, Stream};

/// Tensors on the device with the parameters that lie in them, and what goes before their names.
struct Group<'a> {
    prefix: &'static str,
    tensor: &'a Tensor,
    list: &'a [Parameter],
}

impl Store {
    /// Writes the tables and the initial weights of `seed`.
    pub fn initialize(&self, session: &Session, seed: u64) -> Result<()> {
        for (shard, list) in self.shards().iter().zip(self.lists()) {
            let (chunks, parameters) = optimizer::tables(&spans(list));
            session.write(&shard.chunks, bytemuck::cast_slice(&chunks));
            session.write(&shard.parameters, bytemuck::cast_slice(&parameters));
        }
        for (index, parameter) in self.parameters.iter().enumerate() {
            let mut stream = Stream::new(seed, Purpose::Weights, &[index as u64]);
            let n = parameter.shape.iter().product();
            let values: Vec<f32> = (0..n).map(|_| draw(&mut stream, parameter) as f32).collect();
            write(session, &self.shards()[parameter.shard].value, parameter, &values);
        }
        for parameter in &self.estimates {
            let n = parameter.shape.iter().product();
            let Init::Constant(value) = parameter.init else { continue };
            write(session, &self.memory().estimates, parameter, &vec![value; n]);
        }
        session.settle()
    }

    /// Weights and running estimates by name, and moments as `optimizer.momentum.NAME` and
    /// `optimizer.second.NAME`.
    pub fn export(&self, session: &Session) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = BTreeMap::new();
        for group in self.groups() {
            read_all(session, &group, &mut tensors)?;
        }
        Ok(tensors)
    }

    /// One parameter, by name; nothing else is read.
    ///
    /// # Errors
    /// What the driver reports. `None` where there is no parameter of that name.
    pub fn export_one(&self, session: &Session, name: &str) -> Result<Option<HostTensor>> {
        let Some(parameter) = self.parameters.iter().find(|p| p.name == name) else { return Ok(None) };
        let packed = session.read(&part(&self.shards()[parameter.shard].value, parameter))?;
        Ok(Some(unpacked(parameter, &packed)))
    }

    /// The gradients of the last step, by name.
    pub fn export_gradients(&self, session: &Session) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = BTreeMap::new();
        for (shard, list) in self.shards().iter().zip(self.lists()) {
            read_all(session, &Group { prefix: "", tensor: &shard.gradient, list }, &mut tensors)?;
        }
        Ok(tensors)
    }

    /// Overwrites everything that [`Store::export`] gives. Moments may be missing (pretrained weights).
    ///
    /// # Errors
    /// A weight that is missing or of another shape; what the driver reports.
    pub fn import(&self, session: &Session, tensors: &BTreeMap<String, HostTensor>) -> Result<()> {
        for Group { prefix, tensor, list } in self.groups() {
            for parameter in list {
                let name = format!("{prefix}{}", parameter.name);
                match tensors.get(&name) {
                    Some(found) if found.shape == parameter.shape => {
                        write(session, tensor, parameter, &found.data);
                    }
                    None if !prefix.is_empty() => {}
                    other => {
                        let found = other.map_or("is missing".into(), |t| format!("has shape {:?}", t.shape));
                        let reason = format!("tensor {name} {found}, this model wants {:?}", parameter.shape);
                        return Err(Error::Checkpoint { path: Path::new("weights").into(), reason });
                    }
                }
            }
            session.settle()?;
        }
        Ok(())
    }

    /// Names and shapes of weights and running estimates, before there is memory for them.
    #[must_use]
    pub fn declared(&self) -> Vec<(String, Vec<usize>)> {
        self.parameters.iter().chain(&self.estimates).map(|p| (p.name.clone(), p.shape.clone())).collect()
    }

    /// Names and shapes of everything that [`Store::export`] gives.
    #[must_use]
    pub fn names(&self) -> Vec<(String, Vec<usize>)> {
        let named = |Group { prefix, list, .. }: Group<'_>| {
            list.iter().map(|p| (format!("{prefix}{}", p.name), p.shape.clone())).collect::<Vec<_>>()
        };
        self.groups().into_iter().flat_map(named).collect()
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let memory = self.memory();
        let mut groups = vec![Group { prefix: "", tensor: &memory.estimates, list: &self.estimates }];
        for (shard, list) in memory.shards.iter().zip(self.lists()) {
            groups.push(Group { prefix: "", tensor: &shard.value, list });
            if !memory.trained {
                continue;
            }
            groups.push(Group { prefix: "optimizer.momentum.", tensor: &shard.moment, list });
            if let Some(tensor) = &shard.second {
                groups.push(Group { prefix: "optimizer.second.", tensor, list });
            }
        }
        groups
    }
}

fn read_all(session: &Session, group: &Group<'_>, tensors: &mut BTreeMap<String, HostTensor>) -> Result<()> {
    let data = session.read(group.tensor)?;
    for parameter in group.list {
        let from = parameter.first as usize * 4;
        let packed = &data[from..from + parameter.quads as usize * 4];
        tensors.insert(format!("{}{}", group.prefix, parameter.name), unpacked(parameter, packed));
    }
    Ok(())
}

/// A parameter as PyTorch has it, from the quads of the device.
fn unpacked(parameter: &Parameter, packed: &[f32]) -> HostTensor {
    let values = match &parameter.filter {
        Some(filter) => weights::unpack(filter, packed),
        None => packed[..parameter.shape[0]].to_vec(),
    };
    HostTensor::new(parameter.shape.clone(), values)
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
        Init::Gaussian(deviation) => stream.normal() * f64::from(deviation),
        Init::Normal => {
            let fan_out: usize = parameter.shape[0] * parameter.shape[2..].iter().product::<usize>();
            stream.normal() * (2.0 / fan_out as f64).sqrt()
        }
    }
}
