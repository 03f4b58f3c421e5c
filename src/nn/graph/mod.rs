//! Networks of others: a graph that torch.export or an exporter to ONNX wrote, with its parameters, as a program on the tape.
//!
//! 1. [`Graph::read`] reads a `.pt2` archive: the graph as data, its parameters, buffers and constants. Nothing in the file is
//!    run, and no pickle is looked at.
//! 2. [`Graph::lower`] walks the operations for a number of samples. Values of any rank are on the tape, or known where they
//!    depend on neither parameters nor inputs; sizes are numbers by then, so that only the numbers of a batch are not.
//! 3. `operators/` has a file for each family of operators, each made of a few entries of the tape: exact derivatives of
//!    any order that the tape has follow.
//!
//! The exported module returns the mean loss of its batch. To add an operator: a function in the file of its family and a
//! line in that file's list.

mod algebra;
mod archive;
mod call;
mod completion;
mod dtype;
pub(super) mod equivariance;
pub mod heads;
mod in_place;
mod lowering;
mod nodes;
mod onnx;
mod operators;
mod packing;
mod parts;
mod schema;
mod scores;
mod stored;
mod value;

pub use dtype::Dtype;
pub use lowering::{Bound, Lowered};
pub use onnx::is_model as is_onnx;
pub use operators::known as known_operators;
pub use packing::{Packed, Packing, Sizes};
pub use parts::Compared;

use super::layout::{Buffer, Layout, Parameter, Role, Statistic};
use crate::base::files::{self, brief};
use crate::base::{Error, Result, npz};
use archive::Archive;
use schema::{Argument, GraphText, InputSpec, Module, OutputSpec, Size};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use stored::Listing;

/// A graph with its parameters.
#[derive(Debug)]
pub struct Graph {
    text: GraphText,
    /// What each input of the graph is.
    inputs: Vec<Source>,
    /// Parameters in order, each once however many names it has.
    pub parameters: Vec<GraphParameter>,
    /// Their numbers, one after another.
    pub theta: Vec<f64>,
    /// Whether parameters are stored in double precision.
    pub double: bool,
    /// Tensors that are not trained.
    buffers: Vec<GraphBuffer>,
    /// The arguments of `forward`.
    pub arguments: Vec<GraphArgument>,
    /// Name of the loss among the graph's values, and names of the other scalars with theirs.
    loss: Option<String>,
    metrics: Vec<(String, String)>,
    /// Names of what the graph returns besides.
    outputs: Vec<(String, String)>,
    /// What the export has changed in a way that changes the landscape, in words.
    pub doubts: Vec<String>,
}

/// A parameter of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphParameter {
    /// Its full name; the first where it has several.
    pub name: String,
    /// Its other names.
    pub also: Vec<String>,
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// Start in theta.
    pub offset: usize,
}

/// A tensor of a graph that is not trained.
#[derive(Clone, Debug)]
pub struct GraphBuffer {
    /// Its full name.
    pub name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    numbers: Arc<[f64]>,
    /// Whether batch norm keeps statistics in it; other buffers are constants.
    pub statistic: Option<Statistic>,
}

/// An argument of `forward`.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphArgument {
    /// Its name.
    pub name: String,
    /// What kind of numbers.
    pub dtype: Dtype,
    /// Length along each axis.
    pub sizes: Vec<Length>,
}

/// A length that is known when the graph is read, or one that a symbol stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Length {
    /// A number.
    Fixed(usize),
    /// A symbol.
    Symbol(String),
}

#[derive(Clone, Debug)]
enum Source {
    Parameter(usize),
    Buffer(usize),
    Argument(usize),
    Nothing,
}

/// What a parameter does, and along which of its axes its outputs are counted.
pub type Use = (Role, usize);

/// Most parameters, and most operations.
const MOST_PARAMETERS: usize = 1 << 31;
const MOST_OPERATIONS: usize = 1 << 20;

impl Graph {
    /// Reads a `.pt2` archive or an ONNX model.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self::read_with_hash(path)?.0)
    }

    /// Reads a file, with the SHA-256 of its bytes and of those that lie beside it.
    pub fn read_with_hash(path: &Path) -> Result<(Self, String)> {
        let at = files::named(path);
        let is_model = onnx::is_model(path);
        if !is_model && path.extension().is_some_and(|e| e == "onnx") {
            let expected = "an ONNX model (whole fields, a graph among them)";
            return Err(Error::expected(at, expected, "a file cut short or of another kind"));
        }
        // Archives have their list of entries at the end, which is looked at before the rest is read.
        let (mut file, _) = files::open_input(path)?;
        if !is_model && !npz::ends_as_archive(&mut file).map_err(|e| Error::machine(&at, e))? {
            let expected = "a zip archive of torch.export, or an ONNX model";
            return Err(Error::expected(at, expected, "neither"));
        }
        let bytes = files::read_regular(path, files::LARGEST)?;
        let own = files::sha256(&bytes);
        if !is_model {
            return Ok((Self::from_bytes(&at, &bytes)?, own));
        }
        let (graph, beside) = onnx::read(&at, &bytes, path.parent())?;
        let sha256 = if beside.is_empty() {
            own
        } else {
            files::sha256(format!("{own} {}", beside.join(" ")).as_bytes())
        };
        Ok((graph, sha256))
    }

    /// Reads an ONNX model that has all its numbers within; `at` is its name in errors.
    pub fn from_onnx(at: &str, bytes: &[u8]) -> Result<Self> {
        Ok(onnx::read(at, bytes, None)?.0)
    }

    /// Reads an archive; `at` is its name in errors.
    pub fn from_bytes(at: &str, bytes: &[u8]) -> Result<Self> {
        let mut archive = Archive::open(at, bytes)?;
        if let Some(order) = archive.maybe("byteorder")?
            && order.trim_ascii() != b"little"
        {
            let found = brief(&String::from_utf8_lossy(&order)).to_string();
            return Err(Error::expected(format!("{at}: byteorder"), "little", found));
        }
        let text = archive.model()?;
        let module = schema::parse(&format!("{at}: models/model.json"), &text)?;
        drop(text);
        let weights = Listing::read(&mut archive, at, "data/weights", "model_weights_config.json")?;
        let constants = Listing::read(&mut archive, at, "data/constants", "model_constants_config.json")?;
        Self::assemble(at, module, &mut archive, &weights, &constants)
    }

    fn assemble(
        at: &str,
        module: Module,
        archive: &mut Archive,
        weights: &Listing,
        constants: &Listing,
    ) -> Result<Self> {
        let at_graph = format!("{at}: graph");
        let outputs = module.output_names();
        let Module { graph: text, signature, .. } = module;
        if text.nodes.len() > MOST_OPERATIONS {
            return Err(Error::expected(
                at_graph,
                format!("at most {MOST_OPERATIONS} operations"),
                text.nodes.len(),
            ));
        }
        if text.inputs.len() != signature.input_specs.len() {
            let expected = format!("{} inputs as in its signature", signature.input_specs.len());
            return Err(Error::expected(at_graph, expected, text.inputs.len()));
        }
        let mut this = Self {
            inputs: Vec::new(),
            parameters: Vec::new(),
            theta: Vec::new(),
            double: false,
            buffers: Vec::new(),
            arguments: Vec::new(),
            loss: None,
            metrics: Vec::new(),
            outputs: Vec::new(),
            doubts: Vec::new(),
            text,
        };
        let mut places: BTreeMap<(String, Vec<isize>, usize), usize> = BTreeMap::new();
        let mut entries = BTreeSet::new();
        for (input, spec) in this.text.inputs.clone().iter().zip(&signature.input_specs) {
            let name = match input {
                Argument::AsTensor(name) => name.name.as_str(),
                _ => "",
            };
            let source = match spec {
                InputSpec::Parameter { arg, parameter_name } if arg.name == name => {
                    let listing = if weights.has(parameter_name) { weights } else { constants };
                    let tensor = listing.tensor(archive, at, parameter_name)?;
                    this.agree(at, name, &tensor.shape, parameter_name)?;
                    if let Some(known) =
                        places.get(&tensor.place).filter(|k| this.parameters[**k].shape == tensor.shape)
                    {
                        this.parameters[*known].also.push(parameter_name.clone());
                        Source::Parameter(*known)
                    } else {
                        if !entries.insert(tensor.place.0.clone()) {
                            let expected = "a parameter with numbers of its own, or all of another's";
                            return Err(Error::expected(
                                format!("{at}: {}", brief(parameter_name)),
                                expected,
                                "a part of another's",
                            ));
                        }
                        Source::Parameter(this.parameter(at, parameter_name, tensor, &mut places)?)
                    }
                }
                InputSpec::Buffer { arg, buffer_name: full }
                | InputSpec::TensorConstant { arg, tensor_constant_name: full }
                    if arg.name == name =>
                {
                    let listing = if weights.has(full) { weights } else { constants };
                    let tensor = listing.tensor(archive, at, full)?;
                    this.agree(at, name, &tensor.shape, full)?;
                    let statistic = statistic(&this.text, name);
                    this.buffers.push(GraphBuffer {
                        name: full.clone(),
                        shape: tensor.shape,
                        dtype: tensor.dtype,
                        numbers: tensor.numbers.into(),
                        statistic,
                    });
                    Source::Buffer(this.buffers.len() - 1)
                }
                InputSpec::UserInput { arg: Argument::AsTensor(arg) } if arg.name == name => {
                    let argument = this.argument(&at_graph, name)?;
                    this.arguments.push(argument);
                    Source::Argument(this.arguments.len() - 1)
                }
                InputSpec::UserInput { arg: Argument::AsNone(_) } | InputSpec::ConstantInput(_) => {
                    Source::Nothing
                }
                _ => {
                    let expected = "inputs that are parameters, buffers, constants or tensors";
                    return Err(Error::expected(at_graph, expected, "another, or one under two names"));
                }
            };
            this.inputs.push(source);
        }
        if this.parameters.is_empty() {
            return Err(Error::expected(at_graph, "parameters", "none"));
        }
        this.find_loss(&at_graph, &signature.output_specs, outputs)?;
        Ok(this)
    }

    /// Refuses a stored tensor of another shape than the graph takes.
    fn agree(&self, at: &str, value: &str, shape: &[usize], name: &str) -> Result<()> {
        let sizes = self.text.tensor_values.get(value).map(|meta| &meta.sizes);
        let same = |(size, d): (&Size, &usize)| matches!(size, Size::AsInt(n) if *n == *d as i64);
        match sizes {
            Some(sizes) if sizes.len() == shape.len() && sizes.iter().zip(shape).all(same) => Ok(()),
            _ => {
                let at = format!("{at}: {}", brief(name));
                Err(Error::expected(at, "the shape that the graph takes", format!("{shape:?}")))
            }
        }
    }

    fn parameter(
        &mut self,
        at: &str,
        name: &str,
        tensor: stored::StoredTensor,
        places: &mut BTreeMap<(String, Vec<isize>, usize), usize>,
    ) -> Result<usize> {
        let at = format!("{at}: {}", brief(name));
        if tensor.dtype != Dtype::Float || tensor.numbers.is_empty() {
            return Err(Error::expected(at, "a parameter of floating numbers", "another, or none"));
        }
        if let Some(i) = tensor.numbers.iter().position(|x| !x.is_finite()) {
            return Err(Error::expected(
                at,
                "finite numbers",
                format!("{} at element {i}", tensor.numbers[i]),
            ));
        }
        let index = self.parameters.len();
        let offset = self.theta.len();
        if offset + tensor.numbers.len() > MOST_PARAMETERS {
            return Err(Error::expected(at, format!("at most {MOST_PARAMETERS} parameters"), "more"));
        }
        self.double |= tensor.double;
        self.theta.extend(&tensor.numbers);
        places.insert(tensor.place, index);
        self.parameters.push(GraphParameter {
            name: name.to_owned(),
            also: Vec::new(),
            shape: tensor.shape,
            offset,
        });
        Ok(index)
    }

    fn argument(&self, at: &str, name: &str) -> Result<GraphArgument> {
        let at = format!("{at}: {}", brief(name));
        let Some(meta) = self.text.tensor_values.get(name) else {
            return Err(Error::expected(at, "an argument with a shape", "none"));
        };
        let length = |size: &Size| match size {
            Size::AsInt(n) if *n >= 1 => Ok(Length::Fixed(*n as usize)),
            Size::AsExpr(expression) => match expression.symbol() {
                Some(symbol) => Ok(Length::Symbol(symbol.to_owned())),
                None => {
                    let expected = "a size that is a number or one symbol (torch.export.Dim)";
                    Err(Error::expected(&at, expected, format!("`{}`", brief(&expression.expr_str))))
                }
            },
            Size::AsInt(n) => Err(Error::expected(&at, "sizes of at least 1", n)),
        };
        let sizes = meta.sizes.iter().map(length).collect::<Result<_>>()?;
        Ok(GraphArgument { name: name.to_owned(), dtype: dtype::Stored::of(&at, meta.dtype)?.dtype(), sizes })
    }

    /// Finds the loss: the scalar that is called so, or the first one.
    fn find_loss(&mut self, at: &str, specs: &[OutputSpec], names: Vec<String>) -> Result<()> {
        let mut returned: Vec<(String, String)> = Vec::new();
        for spec in specs {
            match spec {
                OutputSpec::UserOutput { arg: Argument::AsTensor(value) }
                | OutputSpec::LossOutput { arg: value } => {
                    returned.push((value.name.clone(), value.name.clone()));
                }
                OutputSpec::UserOutput { .. } => {
                    return Err(Error::expected(at, "tensors as outputs", "another value"));
                }
                _ => {}
            }
        }
        if names.len() == returned.len() {
            returned.iter_mut().zip(names).for_each(|(output, name)| output.0 = name);
        }
        let scalar = |value: &str| {
            self.text.tensor_values.get(value).is_some_and(|meta| {
                meta.sizes.iter().all(|size| matches!(size, Size::AsInt(1)))
                    && matches!(meta.dtype, 6 | 7 | 8 | 13)
            })
        };
        let (mut scalars, others): (Vec<_>, Vec<_>) =
            returned.into_iter().partition(|(_, value)| scalar(value));
        if !scalars.is_empty() {
            let at = scalars.iter().position(|(name, _)| name == "loss").unwrap_or(0);
            self.loss = Some(scalars.remove(at).1);
        }
        (self.metrics, self.outputs) = (scalars, others);
        self.leave_out_metrics();
        Ok(())
    }

    /// Whether another graph computes the same of parameters of the same names and shapes.
    pub fn is_like(&self, other: &Self) -> bool {
        // What the text is made of has no other comparison; numbers, such as constants, are shown as they are.
        let words = |graph: &Self| {
            let GraphText { inputs, outputs, nodes, .. } = &graph.text;
            let nodes: Vec<_> =
                nodes.iter().map(|node| (&node.target, &node.inputs, &node.outputs)).collect();
            let values = graph.buffers.iter().filter(|b| b.statistic.is_none()).map(|b| &b.numbers);
            format!("{inputs:?} {outputs:?} {nodes:?} {:?}", values.collect::<Vec<_>>())
        };
        self.parameters == other.parameters
            && self.arguments == other.arguments
            && words(self) == words(other)
    }

    /// The graph's buffers in which batch norm keeps statistics.
    pub fn statistics(&self) -> impl Iterator<Item = &GraphBuffer> {
        self.buffers.iter().filter(|b| b.statistic.is_some())
    }

    /// Their numbers, one after another.
    pub fn state(&self) -> Vec<f64> {
        self.statistics().flat_map(|b| b.numbers.iter().copied()).collect()
    }

    /// The layout of its parameters and statistics, with the roles that its operators gave them; a parameter that none named is
    /// a weight if it is a matrix, else a bias.
    pub fn layout(&self, lowered: &Lowered) -> Layout {
        let (couples_samples, single_values) = (lowered.couples, lowered.single_values);
        let mut layout = Layout { couples_samples, single_values, ..Layout::default() };
        for (parameter, known) in self.parameters.iter().zip(&lowered.uses) {
            let shape = parameter.shape.clone();
            let own = if shape.len() > 1 { Role::Weight } else { Role::Bias };
            let (role, axis) = known.unwrap_or((own, 0));
            let size: usize = shape.iter().product();
            let outputs = shape.get(axis).copied().unwrap_or(1);
            let kernel: usize = shape.iter().skip(2).product();
            layout.parameters.push(Parameter {
                name: parameter.name.clone(),
                role,
                axis,
                fan_in: size / outputs,
                fan_out: if shape.len() > 1 { outputs * kernel } else { outputs },
                offset: parameter.offset,
                start: if role == Role::NormScale { 1.0 } else { 0.0 },
                branch: None,
                shape,
            });
        }
        let mut offset = 0;
        for buffer in self.statistics() {
            let (name, size) = (buffer.name.clone(), buffer.numbers.len());
            let statistic = buffer.statistic.unwrap_or(Statistic::Mean);
            layout.buffers.push(Buffer { name, size, statistic, offset });
            offset += size;
        }
        layout
    }

    /// Names of what it returns: the loss first, where there is one, then further scalars and other tensors.
    pub fn results(&self) -> Vec<String> {
        let loss = self.loss.iter().map(|_| "loss".to_owned());
        let others = self.metrics.iter().chain(&self.outputs).map(|(name, _)| name.clone());
        loss.chain(others).collect()
    }

    /// Operators that are not known here, by name.
    pub fn unknown(&self) -> Vec<String> {
        let known =
            |name: &String| operators::find(name).is_none() && !operators::WRAPPERS.contains(&name.as_str());
        self.operators().into_keys().filter(known).collect()
    }

    /// How often each operator occurs, by name.
    pub fn operators(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let mut graphs = vec![&self.text];
        while let Some(graph) = graphs.pop() {
            for node in &graph.nodes {
                *counts.entry(operators::name(&node.target).0.to_owned()).or_default() += 1;
                let inner = node.inputs.iter().filter_map(|input| match &input.arg {
                    Argument::AsGraph(inner) => Some(&inner.graph),
                    _ => None,
                });
                graphs.extend(inner);
            }
        }
        counts
    }
}

/// Which statistic batch norm keeps in the value of this name, if it does.
fn statistic(text: &GraphText, name: &str) -> Option<Statistic> {
    let named = |arg: &Argument| matches!(arg, Argument::AsTensor(value) if value.name == name);
    let uses = text.nodes.iter().filter(|node| operators::name(&node.target).0 == "batch_norm");
    uses.flat_map(|node| &node.inputs).filter(|input| named(&input.arg)).find_map(|input| {
        match input.name.as_str() {
            "running_mean" => Some(Statistic::Mean),
            "running_var" => Some(Statistic::Variance),
            _ => None,
        }
    })
}
