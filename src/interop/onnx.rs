//! Writing networks as ONNX: the few messages and operators that a ResNet needs.
//!
//! The messages are those of `onnx.proto3` (ONNX IR version 8), declared by hand with only the fields
//! that are written. The operators are those of opset [`OPSET`], which every runtime since 2022 reads.

use super::{HostTensor, write_atomic};
use crate::error::{Error, Result};
use prost::Message;
use std::path::Path;

/// The version of the operators.
pub const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;
/// What protobuf can hold, and with it an ONNX file.
const MOST_BYTES: usize = (1 << 31) - 1;
const FLOAT: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, optional, tag = "1")]
    ir_version: Option<i64>,
    #[prost(string, optional, tag = "2")]
    producer_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    producer_version: Option<String>,
    #[prost(string, optional, tag = "6")]
    doc: Option<String>,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, optional, tag = "1")]
    domain: Option<String>,
    #[prost(int64, optional, tag = "2")]
    version: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, optional, tag = "3")]
    name: Option<String>,
    #[prost(string, optional, tag = "4")]
    op_type: Option<String>,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(float, optional, tag = "2")]
    f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, optional, tag = "20")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, optional, tag = "2")]
    data_type: Option<i32>,
    #[prost(string, optional, tag = "8")]
    name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    raw_data: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, optional, tag = "1")]
    element: Option<i32>,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShape>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    word: Option<String>,
}

/// The length of an axis: known, or named where it may be any.
#[derive(Clone, Copy, Debug)]
pub enum Axis {
    /// Always so long.
    Fixed(usize),
    /// Any length, under this name.
    Any(&'static str),
}

/// A graph under construction. Values are named after the layers that make them.
#[derive(Debug, Default)]
pub struct Graph {
    graph: GraphProto,
}

impl Graph {
    /// A graph of that name with nothing in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { graph: GraphProto { name: Some(name.into()), ..GraphProto::default() } }
    }

    /// Declares a value of floats that is given to the graph.
    pub fn input(&mut self, name: &str, axes: &[Axis]) {
        self.graph.input.push(value(name, axes));
    }

    /// Declares a value of floats that the graph gives.
    pub fn output(&mut self, name: &str, axes: &[Axis]) {
        self.graph.output.push(value(name, axes));
    }

    /// Adds weights.
    pub fn weights(&mut self, name: &str, tensor: &HostTensor) {
        self.graph.initializer.push(Tensor {
            dims: tensor.shape.iter().map(|&n| n as i64).collect(),
            data_type: Some(FLOAT),
            name: Some(name.into()),
            raw_data: Some(tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        });
    }

    /// Adds an operator with one result, which is called `name`; returns that name.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: Vec<(&str, Number)>) -> String {
        let attribute = |(name, number): (&str, Number)| {
            let plain = Attribute { name: Some(name.into()), ..Attribute::default() };
            match number {
                Number::Float(f) => Attribute { f: Some(f), kind: Some(1), ..plain },
                Number::Int(i) => Attribute { i: Some(i), kind: Some(2), ..plain },
                Number::Ints(ints) => Attribute { ints, kind: Some(7), ..plain },
            }
        };
        self.graph.node.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.into()],
            name: Some(format!("{name}/{op}")),
            op_type: Some(op.into()),
            attribute: attributes.into_iter().map(attribute).collect(),
        });
        name.to_owned()
    }

    /// Writes the model atomically; `doc` goes into it as its description.
    ///
    /// # Errors
    /// [`Error::Io`] with the path; [`Error::Limit`] for what protobuf cannot hold.
    pub fn write(self, path: &Path, doc: &str) -> Result<()> {
        let model = Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("swav-wgpu".into()),
            producer_version: Some(env!("CARGO_PKG_VERSION").into()),
            doc: Some(doc.into()),
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
        };
        let bytes = model.encoded_len();
        if bytes > MOST_BYTES {
            return Err(Error::Limit {
                what: "an ONNX file of this network".into(),
                need: format!("{} MiB", bytes >> 20),
                have: "2047 MiB (the most that the format holds)".into(),
                remedy: "export it as safetensors or for PyTorch".into(),
            });
        }
        write_atomic(path, |file| file.write_all(&model.encode_to_vec()))
    }
}

/// The value of an operator's attribute.
#[derive(Clone, Debug)]
pub enum Number {
    /// A float.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A list of whole numbers.
    Ints(Vec<i64>),
}

fn value(name: &str, axes: &[Axis]) -> ValueInfo {
    let dimension = |axis: &Axis| match *axis {
        Axis::Fixed(n) => Dimension { value: Some(n as i64), word: None },
        Axis::Any(word) => Dimension { value: None, word: Some(word.into()) },
    };
    let shape = TensorShape { dim: axes.iter().map(dimension).collect() };
    let tensor = TensorType { element: Some(FLOAT), shape: Some(shape) };
    ValueInfo { name: Some(name.into()), kind: Some(TypeProto { tensor: Some(tensor) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.onnx");
        let mut graph = Graph::new("g");
        graph.input("x", &[Axis::Any("n"), Axis::Fixed(2)]);
        graph.weights("w", &HostTensor::new([2], vec![1.0, -2.0]));
        let y = graph.node("Mul", "y", &["x", "w"], vec![("a", Number::Int(0))]);
        graph.output(&y, &[Axis::Any("n"), Axis::Fixed(2)]);
        graph.write(&path, "d").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        // ir_version 8, then the producer: fields 1 and 2.
        assert_eq!(&bytes[..4], [0x08, 8, 0x12, 9]);
        let model = Model::decode(&bytes[..]).unwrap();
        let graph = model.graph.unwrap();
        assert_eq!(graph.initializer[0].raw_data.as_deref().unwrap(), [0, 0, 128, 63, 0, 0, 0, 192]);
        // A zero must be written: in this format absent is not 0.
        assert_eq!((graph.node[0].attribute[0].i, graph.node[0].output[0].as_str()), (Some(0), "y"));
        assert_eq!(model.opset_import[0].version, Some(OPSET));
    }
}
