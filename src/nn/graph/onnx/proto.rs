//! The messages of `onnx.proto` that a network is made of. What its meaning doesn't depend on (documentation, devices,
//! quantisation notes) is skipped; where a message says what is not understood, it is refused.

use super::wire::{Fault, each};
use std::collections::BTreeMap;

/// A whole file.
#[derive(Debug, Default)]
pub struct Model<'a> {
    pub producer: &'a str,
    pub opsets: Vec<(&'a str, i64)>,
    pub graph: Option<GraphProto<'a>>,
    pub functions: Vec<Function<'a>>,
}

/// Operations with their constants.
#[derive(Debug, Default)]
pub struct GraphProto<'a> {
    pub nodes: Vec<Node<'a>>,
    pub tensors: Vec<TensorProto<'a>>,
    pub inputs: Vec<ValueInfo<'a>>,
    pub outputs: Vec<ValueInfo<'a>>,
    pub values: Vec<ValueInfo<'a>>,
    pub sparse: bool,
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub struct Node<'a> {
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub name: &'a str,
    pub operator: &'a str,
    pub domain: &'a str,
    pub overload: &'a str,
    pub attributes: Vec<Attribute<'a>>,
}

/// A setting of an operation.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    pub name: &'a str,
    pub value: Setting<'a>,
}

/// What a setting may be.
#[derive(Clone, Debug)]
pub enum Setting<'a> {
    Float(f64),
    Int(i64),
    Text(&'a [u8]),
    Tensor(TensorProto<'a>),
    Floats(Vec<f64>),
    Ints(Vec<i64>),
    Texts(Vec<&'a [u8]>),
    /// The setting of the same function's caller.
    Reference(&'a str),
    /// A graph, or what else there is.
    Other,
}

/// Numbers with a shape; where they are is settled later.
#[derive(Clone, Debug, Default)]
pub struct TensorProto<'a> {
    pub name: &'a str,
    pub dims: Vec<i64>,
    pub kind: u64,
    pub raw: Option<&'a [u8]>,
    pub numbers: Vec<f64>,
    pub external: BTreeMap<&'a str, &'a str>,
    pub is_external: bool,
    pub segmented: bool,
    pub texts: bool,
}

/// A value's type, shape and notes.
#[derive(Debug, Default)]
pub struct ValueInfo<'a> {
    pub name: &'a str,
    pub kind: u64,
    /// Lengths as far as they are said; none where the rank is unknown or it is no tensor.
    pub shape: Option<Vec<Dim<'a>>>,
    pub tensor: bool,
    pub notes: BTreeMap<&'a str, &'a str>,
}

/// A length.
#[derive(Clone, Copy, Debug)]
pub enum Dim<'a> {
    Number(i64),
    Name(&'a str),
    Unknown,
}

/// Operations that a node of its name stands for.
#[derive(Debug, Default)]
pub struct Function<'a> {
    pub name: &'a str,
    pub domain: &'a str,
    pub overload: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub nodes: Vec<Node<'a>>,
    pub opsets: Vec<(&'a str, i64)>,
    /// Settings with their defaults.
    pub defaults: Vec<Attribute<'a>>,
}

impl<'a> Model<'a> {
    /// Reads a file's bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut model = Self::default();
        each(bytes, |number, field| {
            match number {
                2 => model.producer = field.text()?,
                7 if model.graph.is_none() => model.graph = Some(GraphProto::read(field.bytes()?)?),
                7 => return Err("two graphs"),
                8 => model.opsets.push(opset(field.bytes()?)?),
                25 => model.functions.push(Function::read(field.bytes()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(model)
    }
}

fn opset(bytes: &[u8]) -> Result<(&str, i64), Fault> {
    let mut found = ("", 0);
    each(bytes, |number, field| {
        match number {
            1 => found.0 = field.text()?,
            2 => found.1 = field.number()? as i64,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

impl<'a> GraphProto<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut graph = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => graph.nodes.push(Node::read(field.bytes()?)?),
                5 => graph.tensors.push(TensorProto::read(field.bytes()?)?),
                11 => graph.inputs.push(ValueInfo::read(field.bytes()?)?),
                12 => graph.outputs.push(ValueInfo::read(field.bytes()?)?),
                13 => graph.values.push(ValueInfo::read(field.bytes()?)?),
                15 => graph.sparse = true,
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut node = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                3 => node.name = field.text()?,
                4 => node.operator = field.text()?,
                5 => node.attributes.push(Attribute::read(field.bytes()?)?),
                7 => node.domain = field.text()?,
                8 => node.overload = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (mut name, mut kind, mut reference) = ("", 0, "");
        let (mut float, mut int, mut text, mut tensor) = (0.0, 0, &[][..], None);
        let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        each(bytes, |number, field| {
            match number {
                1 => name = field.text()?,
                2 => float = f64::from(field.single()?),
                3 => int = field.number()? as i64,
                4 => text = field.bytes()?,
                5 => tensor = Some(TensorProto::read(field.bytes()?)?),
                7 => field.singles(&mut floats)?,
                8 => field.numbers(&mut ints)?,
                9 => texts.push(field.bytes()?),
                20 => kind = field.number()?,
                21 => reference = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        let value = match kind {
            _ if !reference.is_empty() => Setting::Reference(reference),
            1 => Setting::Float(float),
            2 => Setting::Int(int),
            3 => Setting::Text(text),
            4 => Setting::Tensor(tensor.ok_or("a setting that is no tensor")?),
            6 => Setting::Floats(floats),
            7 => Setting::Ints(ints),
            8 => Setting::Texts(texts),
            _ => Setting::Other,
        };
        Ok(Self { name, value })
    }
}

impl<'a> TensorProto<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut tensor = Self::default();
        let mut ints = Vec::new();
        each(bytes, |number, field| {
            match number {
                1 => field.numbers(&mut tensor.dims)?,
                2 => tensor.kind = field.number()?,
                3 => tensor.segmented = true,
                4 => field.singles(&mut tensor.numbers)?,
                5 | 7 | 11 => field.numbers(&mut ints)?,
                6 => tensor.texts = true,
                8 => tensor.name = field.text()?,
                9 => tensor.raw = Some(field.bytes()?),
                10 => field.doubles(&mut tensor.numbers)?,
                13 => {
                    let (mut key, mut value) = ("", "");
                    each(field.bytes()?, |number, field| {
                        match number {
                            1 => key = field.text()?,
                            2 => value = field.text()?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    if tensor.external.insert(key, value).is_some() {
                        return Err("external data named twice");
                    }
                }
                14 => tensor.is_external = field.number()? == 1,
                _ => {}
            }
            Ok(())
        })?;
        if !ints.is_empty() && !tensor.numbers.is_empty() {
            return Err("a tensor with two lists of numbers");
        }
        let half = matches!(tensor.kind, 10 | 16);
        if half {
            // Half precision lies in the low bits of whole numbers.

            let stored = super::numbers::stored(tensor.kind).ok_or("a tensor of an unknown type")?;
            tensor.numbers.extend(ints.iter().map(|n| stored.read(&(*n as u16).to_le_bytes(), 0)));
        } else {
            tensor.numbers.extend(ints.iter().map(|n| *n as f64))
        }
        Ok(tensor)
    }
}

impl<'a> ValueInfo<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut info = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => info.name = field.text()?,
                2 => {
                    each(field.bytes()?, |number, field| {
                        if number == 1 {
                            info.tensor = true;
                            (info.kind, info.shape) = tensor_type(field.bytes()?)?;
                        }
                        Ok(())
                    })?;
                }
                4 => {
                    let (mut key, mut value) = ("", "");
                    each(field.bytes()?, |number, field| {
                        match number {
                            1 => key = field.text()?,
                            2 => value = field.text()?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    info.notes.insert(key, value);
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(info)
    }
}

fn tensor_type(bytes: &[u8]) -> Result<(u64, Option<Vec<Dim<'_>>>), Fault> {
    let (mut kind, mut shape) = (0, None);
    each(bytes, |number, field| {
        match number {
            1 => kind = field.number()?,
            2 => {
                let mut dims = Vec::new();
                each(field.bytes()?, |number, field| {
                    if number == 1 {
                        let mut dim = Dim::Unknown;
                        each(field.bytes()?, |number, field| {
                            match number {
                                1 => dim = Dim::Number(field.number()? as i64),
                                2 => dim = Dim::Name(field.text()?),
                                _ => {}
                            }
                            Ok(())
                        })?;
                        dims.push(dim);
                    }
                    Ok(())
                })?;
                shape = Some(dims);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((kind, shape))
}

impl<'a> Function<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut function = Self::default();
        each(bytes, |number, field| {
            match number {
                1 => function.name = field.text()?,
                4 => function.inputs.push(field.text()?),
                5 => function.outputs.push(field.text()?),
                7 => function.nodes.push(Node::read(field.bytes()?)?),
                9 => function.opsets.push(opset(field.bytes()?)?),
                10 => function.domain = field.text()?,
                11 => function.defaults.push(Attribute::read(field.bytes()?)?),
                13 => function.overload = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(function)
    }
}
