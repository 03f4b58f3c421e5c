//! Graphs in ONNX: read by a strict reader of protocol buffers onto the same graph as an archive of torch.export.
//!
//! ONNX does not say what is trained. Where PyTorch's exporter notes it, the note holds; elsewhere `roles` finds parameters
//! by what consumes them. What an export has changed in a way that changes the landscape is said: [`super::Graph::doubts`].

mod inline;
pub mod numbers;
mod proto;
mod roles;
mod wire;

use super::schema::{Argument, Expression, Float, GraphText, Meta, Metadata, Name, Named, NodeText, Size};
use super::{
    Graph, GraphArgument, GraphBuffer, GraphParameter, Length, MOST_OPERATIONS, MOST_PARAMETERS, Source,
};
use crate::base::files::{self, brief};
use crate::base::{Error, Result};
use inline::{Op, inlined};
use numbers::{Beside, Numbers};
use proto::{Dim, GraphProto, Model, Setting, ValueInfo};
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Oldest and newest version of the operators that are understood.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=30;
/// Operators that take any number of inputs.
const VARIADIC: [&str; 6] = ["Concat", "Sum", "Mean", "Max", "Min", "Einsum"];

/// Whether a file's outermost fields are those of an ONNX model, told from their heads alone.
pub fn is_model(path: &Path) -> bool {
    let Ok((mut file, length)) = files::open_regular(path) else { return false };
    let (mut at, mut graph) = (0u64, false);
    let mut head = [0u8; 20];
    for _ in 0..4096 {
        if at == length {
            return graph;
        }
        let room = usize::try_from(length - at).unwrap_or(usize::MAX).min(head.len());
        if file.seek(SeekFrom::Start(at)).is_err() || file.read_exact(&mut head[..room]).is_err() {
            return false;
        }
        let mut rest = &head[..room];
        let Ok(tag) = wire::varint(&mut rest) else { return false };
        let (Ok(value), number) = (wire::varint(&mut rest), tag >> 3) else { return false };
        let known = matches!((number, tag & 7), (1 | 5, 0) | (2..=4 | 6..=8 | 14 | 20 | 25 | 26, 2));
        graph |= number == 7;
        let read = (room - rest.len()) as u64;
        let whole = if tag & 7 == 2 { read.checked_add(value) } else { Some(read) };
        match whole.and_then(|n| at.checked_add(n)).filter(|end| known && *end <= length) {
            Some(end) => at = end,
            None => return false,
        }
    }
    false
}

/// The file's graph, and hashes of the other files that it takes numbers from.
pub fn read(at: &str, bytes: &[u8], folder: Option<&Path>) -> Result<(Graph, Vec<String>)> {
    let model = Model::read(bytes).map_err(|fault| Error::expected(at, "a model of ONNX", fault))?;
    let Some(graph) = &model.graph else {
        return Err(Error::expected(at, "a model of ONNX with a graph", "none"));
    };
    let version = model.opsets.iter().find(|(domain, _)| matches!(*domain, "" | "ai.onnx")).map(|(_, v)| *v);
    if let Some(version) = version.filter(|v| !OPSETS.contains(v)) {
        let expected = format!("operators of version {} to {}", OPSETS.start(), OPSETS.end());
        return Err(Error::expected(format!("{at}: opset"), expected, version));
    }
    if graph.sparse {
        return Err(Error::expected(at, "dense tensors", "a sparse one"));
    }
    let mut beside = Beside::new(folder);
    let graph = assemble(at, &model, graph, &mut beside)?;
    Ok((graph, beside.hashes()))
}

/// A constant of the graph: numbers, or a list of none.
struct Constant {
    numbers: Numbers,
    /// Whether an operation holds it, not the graph.
    literal: bool,
}

fn assemble(at: &str, model: &Model, graph: &GraphProto, beside: &mut Beside) -> Result<Graph> {
    let at_graph = format!("{at}: graph");
    let mut ops = inlined(&at_graph, model, graph, MOST_OPERATIONS)?;
    let mut constants: BTreeMap<String, Constant> = BTreeMap::new();
    for tensor in &graph.tensors {
        let numbers = numbers::read(&format!("{at}: {}", brief(tensor.name)), tensor, beside)?;
        let found = Constant { numbers, literal: false };
        if constants.insert(tensor.name.to_owned(), found).is_some() {
            let expected = "initializers of unlike names";
            return Err(Error::expected(&at_graph, expected, format!("two of `{}`", brief(tensor.name))));
        }
    }
    literals(at, &mut ops, &mut constants, beside)?;
    let arguments: Vec<&ValueInfo> =
        graph.inputs.iter().filter(|input| !constants.contains_key(input.name)).collect();
    let symbols = Symbols::new(&arguments);
    let returned = outputs(graph, &ops, &symbols);
    if returned.is_empty() {
        return Err(Error::expected(&at_graph, "outputs of floating numbers", "none"));
    }
    let single = arguments
        .iter()
        .any(|a| a.shape.as_ref().and_then(|s| s.first()).is_some_and(|d| matches!(d, Dim::Number(1))));
    let scalar = |o: &&Output| {
        o.sizes.as_ref().is_some_and(|sizes| {
            sizes.iter().all(|d| *d == Length::Fixed(1)) && sizes.len() <= usize::from(!single)
        })
    };
    let pair = |o: &Output| (o.name.clone(), o.value.clone());
    let mut metrics: Vec<(String, String)> = returned.iter().filter(scalar).map(pair).collect();
    let outputs: Vec<(String, String)> = returned.iter().filter(|o| !scalar(o)).map(pair).collect();
    let loss = if metrics.is_empty() {
        None
    } else {
        let first = metrics.iter().position(|(name, _)| name == "loss").unwrap_or(0);
        Some(metrics.remove(first).1)
    };
    let mut wanted: HashSet<&str> = loss.iter().map(String::as_str).collect();
    wanted.extend(metrics.iter().map(|(_, value)| value.as_str()));
    if loss.is_none() {
        wanted.extend(outputs.iter().map(|(_, value)| value.as_str()));
    }
    let ops = needed(ops, wanted);
    let found = roles::find(model, graph, &ops, &constants);
    let mut this = Graph {
        text: GraphText {
            inputs: Vec::new(),
            outputs: Vec::new(),
            nodes: Vec::new(),
            tensor_values: BTreeMap::new(),
        },
        inputs: Vec::new(),
        parameters: Vec::new(),
        theta: Vec::new(),
        double: false,
        buffers: Vec::new(),
        arguments: Vec::new(),
        loss,
        metrics,
        outputs,
        doubts: found.doubts,
    };
    for argument in arguments {
        let Some(shape) = &argument.shape else {
            let at = format!("{at}: {}", brief(argument.name));
            return Err(Error::expected(at, "an input that is a tensor of known rank", "another"));
        };
        let stored = numbers::known(&format!("{at}: {}", brief(argument.name)), argument.kind)?;
        let sizes: Vec<Length> =
            shape.iter().enumerate().map(|(i, d)| symbols.length(argument.name, i, *d)).collect();
        this.declare(argument.name, Source::Argument(this.arguments.len()));
        this.arguments.push(GraphArgument { name: argument.name.to_owned(), dtype: stored.dtype(), sizes });
    }
    let mentioned: HashSet<&str> =
        ops.iter().flat_map(|op| op.inputs.iter().chain(op.tensors.values())).map(String::as_str).collect();
    let mut empty = HashSet::new();
    // In the order of the file.
    let order = graph
        .tensors
        .iter()
        .map(|t| t.name)
        .chain(constants.iter().filter(|(_, c)| c.literal).map(|(n, _)| n.as_str()));
    for name in order.filter(|name| mentioned.contains(name)) {
        let Some(Constant { numbers, .. }) = constants.get(name) else { continue };
        if numbers.numbers.is_empty() {
            empty.insert(name.to_owned());
        } else if found.parameters.contains(name) {
            this.trained(&format!("{at}: {}", brief(name)), name, numbers)?;
        } else {
            this.declare(name, Source::Buffer(this.buffers.len()));
            this.buffers.push(GraphBuffer {
                name: name.to_owned(),
                shape: numbers.shape.clone(),
                dtype: numbers.stored.dtype(),
                numbers: numbers.numbers.clone().into(),
                statistic: found.statistics.get(name).copied(),
            });
        }
    }
    if this.parameters.is_empty() {
        return Err(untrained(&at_graph, &ops));
    }
    this.text.nodes = ops.iter().map(|op| node(op, &empty)).collect::<Result<_>>()?;
    for output in returned {
        let Some(sizes) = output.sizes else { continue };
        let size = |length| match length {
            Length::Fixed(n) => Size::AsInt(n as i64),
            Length::Symbol(symbol) => Size::AsExpr(Expression { expr_str: format!("Symbol('{symbol}')") }),
        };
        let meta = Meta {
            dtype: torch_number(output.stored),
            sizes: sizes.into_iter().map(size).collect(),
            strides: Vec::new(),
            storage_offset: Size::AsInt(0),
            layout: 7,
        };
        this.text.tensor_values.insert(output.value, meta);
    }
    Ok(this)
}

/// What a graph returns.
struct Output {
    /// Its name, and that of the value that it is.
    name: String,
    value: String,
    stored: super::dtype::Stored,
    sizes: Option<Vec<Length>>,
}

/// Outputs of floating numbers. Probabilities that scikit-learn's converter makes dictionaries of are those that it makes them
/// of.
fn outputs(graph: &GraphProto, ops: &[Op], symbols: &Symbols) -> Vec<Output> {
    let output = |o: &ValueInfo| {
        let name = o.name.to_owned();
        if o.tensor {
            let stored = numbers::stored(o.kind).filter(|stored| floating(*stored))?;
            let length = |(i, d): (usize, &Dim)| symbols.length(o.name, i, *d);
            let sizes = o.shape.as_ref().map(|shape| shape.iter().enumerate().map(length).collect());
            return Some(Output { value: name.clone(), name, stored, sizes });
        }
        let zip = ops.iter().find(|op| op.operator == "ai.onnx.ml.ZipMap" && op.outputs.contains(&name))?;
        let classes = zip.attributes.iter().find_map(|(_, setting)| match setting {
            Setting::Ints(all) => Some(all.len()),
            Setting::Texts(all) => Some(all.len()),
            _ => None,
        })?;
        let sizes = Some(vec![Length::Symbol(symbols.batch.clone()), Length::Fixed(classes)]);
        Some(Output { name, value: zip.inputs.first()?.clone(), stored: super::dtype::Stored::F32, sizes })
    };
    graph.outputs.iter().filter_map(output).collect()
}

fn floating(stored: super::dtype::Stored) -> bool {
    stored.dtype() == super::Dtype::Float
}

/// torch's number for a type.
fn torch_number(stored: super::dtype::Stored) -> u32 {
    (0..32).find(|n| super::dtype::Stored::of("", *n).is_ok_and(|s| s == stored)).unwrap_or(7)
}

impl Graph {
    /// One more input of the graph.
    pub(super) fn declare(&mut self, name: &str, source: Source) {
        self.text.inputs.push(Argument::AsTensor(Name { name: name.to_owned() }));
        self.inputs.push(source);
    }

    fn trained(&mut self, at: &str, name: &str, numbers: &Numbers) -> Result<()> {
        if let Some(i) = numbers.numbers.iter().position(|x| !x.is_finite()) {
            let found = format!("{} at element {i}", numbers.numbers[i]);
            return Err(Error::expected(at, "finite numbers", found));
        }
        let offset = self.theta.len();
        if offset + numbers.numbers.len() > MOST_PARAMETERS {
            return Err(Error::expected(at, format!("at most {MOST_PARAMETERS} parameters"), "more"));
        }
        self.declare(name, Source::Parameter(self.parameters.len()));
        self.double |= numbers.stored == super::dtype::Stored::F64;
        self.theta.extend(&numbers.numbers);
        self.parameters.push(GraphParameter {
            name: name.to_owned(),
            also: Vec::new(),
            shape: numbers.shape.clone(),
            offset,
        });
        Ok(())
    }
}

/// Takes constants that operations hold out of them.
fn literals(
    at: &str,
    ops: &mut Vec<Op>,
    constants: &mut BTreeMap<String, Constant>,
    beside: &mut Beside,
) -> Result<()> {
    let mut count = 0;
    let mut kept = Vec::new();
    for mut op in ops.drain(..) {
        let at = format!("{at}: {}", op.at());
        if op.operator != "Constant" {
            let tensors: Vec<(String, Setting)> =
                op.attributes.extract_if(.., |(_, value)| matches!(value, Setting::Tensor(_))).collect();
            for (name, value) in tensors {
                let Setting::Tensor(tensor) = value else { continue };
                let numbers = numbers::read(&at, &tensor, beside)?;
                let own = format!("constant/{count}");
                count += 1;
                constants.insert(own.clone(), Constant { numbers, literal: true });
                op.tensors.insert(name, own);
            }
            kept.push(op);
            continue;
        }
        let list = |shape: Vec<usize>, stored, numbers: Vec<f64>| Numbers { shape, stored, numbers };
        use super::dtype::Stored::{F32, I64};
        let numbers = match op.attributes.as_slice() {
            [(name, Setting::Tensor(tensor))] if name == "value" => numbers::read(&at, tensor, beside)?,
            [(_, Setting::Float(x))] => list(Vec::new(), F32, vec![*x]),
            [(_, Setting::Int(n))] => list(Vec::new(), I64, vec![*n as f64]),
            [(_, Setting::Floats(all))] => list(vec![all.len()], F32, all.clone()),
            [(_, Setting::Ints(all))] => list(vec![all.len()], I64, all.iter().map(|n| *n as f64).collect()),
            _ => return Err(Error::expected(at, "a constant of numbers", "another")),
        };
        let [output] = op.outputs.as_slice() else {
            return Err(Error::expected(at, "one result", op.outputs.len()));
        };
        if constants.insert(output.clone(), Constant { numbers, literal: true }).is_some() {
            return Err(Error::expected(at, "unlike names", format!("two of `{}`", brief(output))));
        }
    }
    *ops = kept;
    Ok(())
}

/// The operations that lead to the wanted values.
fn needed<'a>(ops: Vec<Op<'a>>, wanted: HashSet<&str>) -> Vec<Op<'a>> {
    let mut wanted: HashSet<String> = wanted.into_iter().map(str::to_owned).collect();
    let mut kept = Vec::new();
    for op in ops.into_iter().rev() {
        if op.outputs.iter().any(|name| wanted.contains(name)) {
            wanted.extend(op.inputs.iter().cloned());
            kept.push(op);
        }
    }
    kept.reverse();
    kept
}

/// An operation as the graph has it: inputs by their places, settings by their names.
fn node(op: &Op, empty: &HashSet<String>) -> Result<NodeText> {
    let tensor = |name: &String| match name.as_str() {
        "" => Argument::AsNone(IgnoredAny),
        name if empty.contains(name) => Argument::AsInts(Vec::new()),
        name => Argument::AsTensor(Name { name: name.to_owned() }),
    };
    let mut inputs: Vec<Named> = if VARIADIC.contains(&op.operator.as_str()) {
        let names = op.inputs.iter().filter(|name| !empty.contains(*name) && !name.is_empty());
        let arg = Argument::AsTensors(names.map(|name| Name { name: name.clone() }).collect());
        vec![Named { name: "inputs".to_owned(), arg }]
    } else {
        let place = |(i, name): (usize, &String)| Named { name: i.to_string(), arg: tensor(name) };
        op.inputs.iter().enumerate().map(place).collect()
    };
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Error::expected(op.at(), "text", "bytes that are no UTF-8")),
    };
    for (name, value) in &op.attributes {
        let arg = match value {
            Setting::Float(x) => Argument::AsFloat(Float(*x)),
            Setting::Int(n) => Argument::AsInt(*n),
            Setting::Text(bytes) => Argument::AsString(text(bytes)?),
            Setting::Floats(all) => Argument::AsFloats(all.iter().map(|x| Float(*x)).collect()),
            Setting::Ints(all) => Argument::AsInts(all.clone()),
            Setting::Texts(all) => Argument::AsStrings(all.iter().map(|t| text(t)).collect::<Result<_>>()?),
            Setting::Tensor(_) | Setting::Reference(_) | Setting::Other => Argument::AsNone(IgnoredAny),
        };
        inputs.push(Named { name: name.clone(), arg });
    }
    inputs.extend(op.tensors.iter().map(|(name, value)| Named { name: name.clone(), arg: tensor(value) }));
    let outputs = op.outputs.iter().map(|name| match name.as_str() {
        "" => Argument::AsNone(IgnoredAny),
        name => Argument::AsTensor(Name { name: name.to_owned() }),
    });
    let plain = |c: char| if matches!(c, ',' | ';') { '_' } else { c };
    let stack = format!(",{}", op.name.chars().map(plain).collect::<String>());
    Ok(NodeText {
        target: format!("onnx.{}.{}", op.version, op.operator),
        inputs,
        outputs: outputs.collect(),
        metadata: Metadata { nn_module_stack: stack },
    })
}

/// Names of lengths that are not known. A first length without a name of its own counts samples.
struct Symbols {
    batch: String,
}

impl Symbols {
    fn new(arguments: &[&ValueInfo]) -> Self {
        let first = |a: &&ValueInfo| match a.shape.as_ref().and_then(|s| s.first()) {
            Some(Dim::Name(name)) if !anonymous(name) => Some(plain(name)),
            _ => None,
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        let names: Vec<String> = arguments.iter().filter_map(first).collect();
        names.iter().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        let most = names.into_iter().rev().max_by_key(|name| counts[name]);
        Self { batch: most.unwrap_or_else(|| "batch".to_owned()) }
    }

    fn length(&self, name: &str, axis: usize, dim: Dim) -> Length {
        match dim {
            Dim::Number(n) if n >= 1 => Length::Fixed(usize::try_from(n).unwrap_or(usize::MAX)),
            Dim::Name(symbol) if !anonymous(symbol) => Length::Symbol(plain(symbol)),
            _ if axis == 0 => Length::Symbol(self.batch.clone()),
            _ => Length::Symbol(format!("{}_{axis}", plain(name))),
        }
    }
}

/// Whether an exporter made a name up: two of them need not differ.
fn anonymous(name: &str) -> bool {
    name.is_empty() || name.starts_with("unk__") || name == "?" || name == "None"
}

/// A name of letters, digits and underscores.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Why a graph has nothing to train.
fn untrained(at: &str, ops: &[Op]) -> Error {
    let of = |op: &Op| op.operator.contains("Quantize") || op.operator.ends_with("Integer");
    if let Some(op) = ops.iter().find(|op| of(op) || op.operator.contains("QLinear")) {
        let expected = "weights in floating point (as the model was before it was quantised)";
        return Error::expected(at, expected, format!("`{}`", brief(&op.operator)));
    }
    let expected = "initializers that an operation takes as weights (weights among the inputs are data)";
    Error::expected(at, expected, "none")
}
