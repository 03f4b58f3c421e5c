//! Walking a graph's operations for a number of samples: each becomes entries of the tape, or numbers that are known.

use super::algebra::matrix;
use super::call::Call;
use super::dtype::Dtype;
use super::in_place::Scope;
use super::nodes::{at, check, is_list, live, module, named, names};
use super::operators;
use super::packing::Packing;
use super::parts::{self, Compared};
use super::schema::{Argument, GraphText, NodeText, Optional, Symbolic};
use super::value::{Data, Origin, Tensor, Value};
use super::{Graph, Source, Use};
use crate::autodiff::primitives::map::Curve;
use crate::autodiff::{Bindings, Node, Plan, Shape, Tape};
use crate::base::files::brief;
use crate::base::{Error, Result};
use crate::nn::layout::Role;
use crate::nn::recorder::{Follow, Mode};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A graph on the tape.
#[derive(Debug)]
pub struct Lowered {
    /// The tape.
    pub tape: Tape,
    /// The mean loss times the number of samples, 1 x 1.
    pub losses: Node,
    /// The loss of each sample, 1 x samples, where the graph shows them; to be compared with losses of single samples first.
    pub each: Option<Node>,
    /// The outputs that the loss compares with targets, or why there are none.
    pub compared: std::result::Result<Compared, &'static str>,
    /// How many samples are right, 1 x 1, if the loss is one of classes; a sample of several positions counts in parts.
    pub correct: Option<Node>,
    /// The further scalars that the graph returns, by name, 1 x 1.
    pub metrics: Vec<(String, Node)>,
    /// What each parameter does, where an operator says so.
    pub uses: Vec<Option<Use>>,
    /// Which parameters are tables that tokens are looked up in.
    pub tables: Vec<bool>,
    /// State that follows statistics of the samples.
    pub follows: Vec<Follow>,
    /// Whether some norm takes statistics over samples, in training at least.
    pub couples: bool,
    /// Whether a channel of such statistics has a single value in each sample.
    pub single_values: bool,
    /// Where data point into tensors.
    pub bounds: Vec<Bound>,
    /// Operations whose results are known.
    pub folded: usize,
}

/// Whole numbers that point into an axis.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The numbers.
    pub index: Node,
    /// Length of the axis.
    pub axis: usize,
    /// A number outside that stands for nothing.
    pub ignored: Option<f64>,
    /// The operator, for errors.
    pub at: String,
}

impl Bound {
    /// The first number that points nowhere.
    pub fn fault(&self, numbers: &[f64]) -> Option<f64> {
        let whole = |x: f64| x.fract() == 0.0 && (0.0..self.axis as f64).contains(&x);
        let inside = |x: f64| whole(x) || Some(x) == self.ignored;
        numbers.iter().copied().find(|x| !inside(*x))
    }
}

/// What operators record themselves with.
pub struct Lowering<'a> {
    /// What is recorded.
    pub tape: Tape,
    /// Elementwise functions that have been met, one instance each.
    pub curves: BTreeMap<String, Arc<dyn Curve>>,
    /// Which statistics norms use.
    pub mode: Mode,
    /// State that follows statistics.
    pub follows: Vec<Follow>,
    /// The share of right answers of each loss of classes that are data, 1 x 1.
    pub accuracies: Vec<Node>,
    /// Whether a norm of batches was met.
    pub couples: bool,
    /// Whether one of single values was met.
    pub single_values: bool,
    /// Where each buffer of statistics begins in the state.
    pub states: Vec<usize>,
    /// The symbol that counts samples, and how many there are.
    samples: (String, usize),
    bounds: Vec<Bound>,
    tables: Vec<bool>,
    uses: Vec<Option<Use>>,
    folded: usize,
    /// What operators compare with targets.
    compared: Vec<Compared>,
    /// Graphs within the graph.
    graphs: Vec<&'a GraphText>,
}

/// Most numbers computed at once while folding: 32 MiB.
const MOST_FOLDED: usize = 1 << 22;
/// Deepest graph within graphs.
const DEEPEST: usize = 16;

impl Graph {
    /// Records the graph for a number of samples.
    pub fn lower(&self, packing: &Packing, samples: usize, mode: Mode) -> Result<Lowered> {
        let mut lowering = Lowering::new(mode, self.parameters.len());
        lowering.samples = (self.batch_symbol().unwrap_or_default().to_owned(), samples);
        let data = lowering.tape.input(Shape::new(packing.features, samples));
        // Targets are among the arguments: the program's second input is of no use to it.
        lowering.tape.input(Shape::new(1, samples));
        let mut values = HashMap::new();
        let mut offsets = Vec::new();
        let mut end = 0;
        for buffer in &self.buffers {
            offsets.push(end);
            if buffer.statistic.is_some() {
                lowering.states.push(end);
                end += buffer.numbers.len();
            }
        }
        for (input, source) in self.text.inputs.iter().zip(&self.inputs) {
            let Argument::AsTensor(name) = input else { continue };
            let value = match source {
                Source::Nothing => continue,
                Source::Parameter(index) => {
                    let parameter = &self.parameters[*index];
                    let node = lowering.tape.parameter(parameter.offset, matrix(&parameter.shape));
                    let origin = Origin { parameter: *index, axes: (0..parameter.shape.len()).collect() };
                    let shape = parameter.shape.clone();
                    Tensor { shape, dtype: Dtype::Float, data: Data::Rows(node), origin: Some(origin) }
                }
                Source::Buffer(index) => {
                    let buffer = &self.buffers[*index];
                    match buffer.statistic {
                        Some(_) => {
                            let node = lowering.tape.state(offsets[*index], matrix(&buffer.shape));
                            let (shape, data) = (buffer.shape.clone(), Data::Rows(node));
                            Tensor { shape, dtype: buffer.dtype, data, origin: None }
                        }
                        None => Tensor::known(&buffer.shape, buffer.dtype, buffer.numbers.clone()),
                    }
                }
                Source::Argument(index) => {
                    let packed = &packing.arguments[*index];
                    let all = Tensor {
                        shape: vec![samples, packing.features],
                        dtype: packed.dtype,
                        data: Data::Rows(data),
                        origin: None,
                    };
                    let mut steps = super::value::strides(&packed.shape);
                    packed.axis.into_iter().for_each(|axis| steps.insert(axis, packing.features as isize));
                    lowering.strided(&all, &packed.whole(samples), &steps, packed.offset)?
                }
            };
            values.insert(name.name.as_str(), Value::Tensor(value));
        }
        let Some(loss) = &self.loss else {
            let found: Vec<String> = self.outputs.iter().map(|(name, _)| brief(name).to_string()).collect();
            let expected = "a scalar among what forward returns, the mean loss of its batch, or --loss for a graph that ends in outputs";
            return Err(Error::expected("graph", expected, found.join(", ")));
        };
        let mut wanted = vec![loss.as_str()];
        wanted.extend(self.metrics.iter().map(|(_, value)| value.as_str()));
        let results = lowering.run(&self.text, values, &wanted)?;
        let scalar = |lowering: &mut Lowering, value: &Value| -> Result<Node> {
            let tensor = value.tensor().filter(|t| t.size() == 1);
            let tensor =
                tensor.ok_or_else(|| Error::expected("graph", "a loss of one number", value.what()))?;
            let node = lowering.rows(&tensor);
            Ok(lowering.tape.reshape(node, Shape::new(1, 1)))
        };
        let mean = scalar(&mut lowering, &results[0])?;
        let each = parts::apart(&mut lowering.tape, mean, samples);
        let compared = parts::compared(&lowering.tape, mean, &lowering.compared);
        let losses = lowering.tape.scale(samples as f64, mean);
        let mut metrics = Vec::new();
        for ((name, _), value) in self.metrics.iter().zip(&results[1..]) {
            metrics.push((name.clone(), scalar(&mut lowering, value)?));
        }
        // Of several answers nobody says which is the network's.
        let correct = match lowering.accuracies.as_slice() {
            [share] => Some(lowering.tape.scale(samples as f64, *share)),
            _ => None,
        };
        let Lowering { tape, uses, tables, follows, couples, single_values, bounds, folded, .. } = lowering;
        Ok(Lowered {
            tables,
            tape,
            losses,
            each,
            compared,
            correct,
            metrics,
            uses,
            follows,
            couples,
            single_values,
            bounds,
            folded,
        })
    }
}

impl<'a> Lowering<'a> {
    fn new(mode: Mode, parameters: usize) -> Self {
        Self {
            tape: Tape::new(),
            curves: BTreeMap::new(),
            mode,
            follows: Vec::new(),
            accuracies: Vec::new(),
            couples: false,
            single_values: false,
            states: Vec::new(),
            samples: (String::new(), 0),
            bounds: Vec::new(),
            tables: vec![false; parameters],
            uses: vec![None; parameters],
            folded: 0,
            compared: Vec::new(),
            graphs: Vec::new(),
        }
    }

    /// Says what a parameter does, if the tensor is one: its outputs lie along an axis of the tensor. What the first operator
    /// says holds, but a weight is one wherever it is used.
    pub fn used(&mut self, t: &Tensor, role: Role, axis: usize) {
        let Some(origin) = &t.origin else { return };
        let (Some(axis), Some(known)) = (origin.axes.get(axis), self.uses.get_mut(origin.parameter)) else {
            return;
        };
        if known.is_none() {
            *known = Some((role, *axis));
        }
    }

    /// Says that a tensor is what a loss compares with targets. The scores behind probabilities are compared in their place.
    pub fn compares(&mut self, t: &Tensor, natural: bool) {
        if let Data::Rows(node) | Data::Image(node) = t.data {
            let node = parts::scores(&self.tape, node);
            self.compared.push(Compared { node, natural });
        }
    }

    /// Says that a parameter is a table of rows, one a token.
    pub fn looked_up(&mut self, t: &Tensor) {
        self.used(t, Role::Weight, 0);
        if let Some(table) = t.origin.as_ref().and_then(|origin| self.tables.get_mut(origin.parameter)) {
            *table = true;
        }
    }

    /// Says that a tensor of whole numbers points into an axis; refuses known ones that point beyond it.
    pub fn points(&mut self, call: &Call, index: &Tensor, axis: usize, ignored: Option<f64>) -> Result<()> {
        let node = self.rows(index);
        let bound = Bound { index: node, axis, ignored, at: call.at() };
        if let Some(x) = index.numbers().and_then(|numbers| bound.fault(numbers)) {
            return Err(call.refuse(format!("an index below {axis}"), x));
        }
        if index.numbers().is_none() {
            self.bounds.push(bound);
        }
        Ok(())
    }

    /// Runs a graph on named values, and returns the wanted ones.
    fn run(
        &mut self,
        text: &'a GraphText,
        values: HashMap<&'a str, Value>,
        wanted: &[&str],
    ) -> Result<Vec<Value>> {
        let mut scope = Scope { values, views: HashMap::new() };
        let live = live(text, wanted);
        for (index, node) in text.nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
            let (base, _, in_place) = operators::name(&node.target);
            let results = self.execute(node, &scope.values)?;
            check(text, node, &results, (&self.samples.0, self.samples.1))?;
            let names = names(node);
            if names.len() != results.len() {
                let expected = format!("{} results", names.len());
                return Err(Error::expected(at(node), expected, results.len()));
            }
            let first = named(node.inputs.first());
            if let (true, Some(changed), [result]) = (in_place, first, results.as_slice()) {
                self.write(text, &mut scope, changed, result)?;
                scope.views.extend(names.iter().flatten().map(|name| (*name, (changed, index))));
            } else if operators::is_view(base)
                && let Some(of) = first
            {
                scope.views.extend(names.iter().flatten().map(|name| (*name, (of, index))));
            }
            scope
                .values
                .extend(names.into_iter().zip(results).filter_map(|(name, value)| Some((name?, value))));
        }
        let of = |name: &&str| match scope.values.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(Error::expected("graph", format!("a value `{}`", brief(name)), "none")),
        };
        wanted.iter().map(of).collect()
    }

    /// What an operation gives.
    pub(super) fn execute(
        &mut self,
        node: &'a NodeText,
        values: &HashMap<&str, Value>,
    ) -> Result<Vec<Value>> {
        let mut arguments = Vec::new();
        for input in &node.inputs {
            arguments.push((input.name.as_str(), self.value(node, &input.arg, values)?));
        }
        let module = module(node);
        let (base, overload, _) = operators::name(&node.target);
        let results = names(node).len();
        let call =
            Call { target: &node.target, overload, module: &module, arguments, results, asked: Cell::new(0) };
        if let Some(graph) =
            call.arguments.iter().find_map(|(_, v)| if let Value::Graph(g) = v { Some(*g) } else { None })
        {
            return self.within(&call, base, graph);
        }
        let Some(operator) = operators::find(base) else {
            return Err(operators::unknown(&call, base));
        };
        let known = call.arguments.iter().all(|(_, v)| v.is_known());
        let tensors = call.arguments.iter().any(|(_, v)| v.has_tensor());
        let value = if known && tensors {
            let mut scratch = Lowering::new(self.mode, 0);
            let value = operator(&mut scratch, &call)?;
            // What is large is recomputed in every run, in a buffer that others use too.
            if scratch.size() <= MOST_FOLDED {
                self.folded += 1;
                scratch.evaluated(value)
            } else {
                operator(self, &call)?
            }
        } else {
            operator(self, &call)?
        };
        call.all_asked()?;
        Ok(match value {
            Value::List(values) if call.results != 1 || is_list(node) => values,
            Value::None => Vec::new(),
            value => vec![value],
        })
    }

    /// A graph within the graph: what stands under `torch.no_grad()` or a cast.
    fn within(&mut self, call: &Call, base: &str, graph: usize) -> Result<Vec<Value>> {
        let text = self.graphs[graph];
        if self.graphs.len() > DEEPEST * 64 {
            return Err(call.refuse("graphs that are not so many", "more"));
        }
        let stops = match base {
            "wrap_with_set_grad_enabled" => matches!(call.arguments.first(), Some((_, Value::Bool(false)))),
            "wrap_with_autocast" => false,
            _ => return Err(operators::unknown(call, base)),
        };
        let given =
            call.arguments.iter().map(|(_, v)| v).skip_while(|v| !matches!(v, Value::Graph(_))).skip(1);
        let mut values = HashMap::new();
        for (input, value) in text.inputs.iter().zip(given) {
            if let Argument::AsTensor(name) = input {
                values.insert(name.name.as_str(), value.clone());
            }
        }
        let mut wanted = Vec::new();
        for output in &text.outputs {
            match output {
                Argument::AsTensor(name) => wanted.push(name.name.as_str()),
                _ => return Err(call.refuse("tensors from the graph within", "another value")),
            }
        }
        let results = self.run(text, values, &wanted)?;
        Ok(if stops { results.into_iter().map(|v| self.stopped(v)).collect() } else { results })
    }

    /// The same value without derivatives.
    pub fn stopped(&mut self, value: Value) -> Value {
        match value {
            Value::Tensor(t) if t.numbers().is_none() => {
                let stopped = self.map(&t, super::operators::Stopped);
                Value::Tensor(stopped.typed(t.dtype))
            }
            other => other,
        }
    }

    /// Numbers in all entries of the tape.
    fn size(&self) -> usize {
        self.tape.nodes().map(|n| self.tape.shape(n).size()).fold(0, usize::saturating_add)
    }

    /// Numbers instead of entries of a scratch tape.
    fn evaluated(mut self, value: Value) -> Value {
        let mut nodes = Vec::new();
        let value = self.gather(value, &mut nodes);
        if nodes.is_empty() {
            return value;
        }
        let plan = Plan::new(Arc::new(self.tape), &nodes, &[]);
        let mut workspace = plan.workspace::<f64>();
        let bindings = Bindings { theta: &[], state: &[], inputs: &[] };
        plan.run(&bindings, &mut workspace);
        let values = plan.values(bindings, &workspace);
        let known = |node: Node| -> Arc<[f64]> { values.of(node).data.into() };
        settled(value, &known)
    }

    /// All tensors of a value row-major on the tape, and their nodes.
    fn gather(&mut self, value: Value, nodes: &mut Vec<Node>) -> Value {
        match value {
            Value::Tensor(t) if t.numbers().is_none() => {
                let node = self.rows(&t);
                nodes.push(node);
                Value::Tensor(Tensor { data: Data::Rows(node), ..t })
            }
            Value::List(values) => Value::List(values.into_iter().map(|v| self.gather(v, nodes)).collect()),
            other => other,
        }
    }

    /// An argument's value.
    fn value(
        &mut self,
        node: &NodeText,
        argument: &'a Argument,
        values: &HashMap<&str, Value>,
    ) -> Result<Value> {
        let of = |name: &str| match values.get(name) {
            Some(value) => Ok(value.clone()),
            None => {
                Err(Error::expected(at(node), format!("a value `{}` from before it", brief(name)), "none"))
            }
        };
        let int = |n: &Symbolic<i64>| match n {
            Symbolic::AsName(name) => of(name),
            Symbolic::Is(n) => Ok(Value::Int(*n)),
        };
        let float = |x: &Symbolic<super::schema::Float>| match x {
            Symbolic::AsName(name) => of(name),
            Symbolic::Is(x) => Ok(Value::Float(x.0)),
        };
        let flag = |b: &Symbolic<bool>| match b {
            Symbolic::AsName(name) => of(name),
            Symbolic::Is(b) => Ok(Value::Bool(*b)),
        };
        fn list<T>(all: &[T], of: impl Fn(&T) -> Result<Value>) -> Result<Value> {
            all.iter().map(of).collect::<Result<Vec<Value>>>().map(Value::List)
        }
        let optional = |t: &Optional| match t {
            Optional::AsTensor(name) => of(&name.name),
            Optional::AsNone(_) => Ok(Value::None),
        };
        match argument {
            Argument::AsNone(_) => Ok(Value::None),
            Argument::AsTensor(name) => of(&name.name),
            Argument::AsTensors(names) => list(names, |name| of(&name.name)),
            Argument::AsInt(n) => Ok(Value::Int(*n)),
            Argument::AsInts(all) => list(all, |n| Ok(Value::Int(*n))),
            Argument::AsFloat(x) => Ok(Value::Float(x.0)),
            Argument::AsFloats(all) => list(all, |x| Ok(Value::Float(x.0))),
            Argument::AsString(text) => Ok(Value::Text(text.clone())),
            Argument::AsStrings(all) => list(all, |text| Ok(Value::Text(text.clone()))),
            Argument::AsSymInt(n) => int(n),
            Argument::AsSymInts(all) => list(all, int),
            Argument::AsSymFloat(x) => float(x),
            Argument::AsSymFloats(all) => list(all, float),
            Argument::AsSymBool(b) => flag(b),
            Argument::AsSymBools(all) => list(all, flag),
            Argument::AsScalarType(n) => Ok(Value::Int(i64::from(*n))),
            Argument::AsMemoryFormat(_) | Argument::AsLayout(_) | Argument::AsDevice(_) => Ok(Value::None),
            Argument::AsBool(b) => Ok(Value::Bool(*b)),
            Argument::AsBools(all) => list(all, |b| Ok(Value::Bool(*b))),
            Argument::AsGraph(inner) => {
                self.graphs.push(&inner.graph);
                Ok(Value::Graph(self.graphs.len() - 1))
            }
            Argument::AsOptionalTensor(t) => optional(t),
            Argument::AsOptionalTensors(all) => list(all, optional),
            Argument::AsNestedTensors(all) => list(all, |names| list(names, |name| of(&name.name))),
            Argument::AsIntLists(all) => list(all, |ints| list(ints, |n| Ok(Value::Int(*n)))),
            Argument::AsFloatLists(all) => list(all, |floats| list(floats, |x| Ok(Value::Float(x.0)))),
            Argument::AsComplex(_) | Argument::AsOperator(_) | Argument::AsCustomObj(_) => {
                Err(Error::expected(at(node), "real numbers and tensors", "another kind of value"))
            }
        }
    }
}

/// A value with numbers in place of nodes.
fn settled(value: Value, known: &impl Fn(Node) -> Arc<[f64]>) -> Value {
    match value {
        Value::Tensor(t) => match t.data {
            Data::Rows(node) => Value::Tensor(Tensor { data: Data::Known(known(node)), origin: None, ..t }),
            _ => Value::Tensor(t),
        },
        Value::List(values) => Value::List(values.into_iter().map(|v| settled(v, known)).collect()),
        other => other,
    }
}
