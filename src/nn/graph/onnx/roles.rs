//! Which initializers are parameters, and what an export has changed of them.
//!
//! PyTorch's exporter notes for each value whether it was a parameter. Elsewhere an initializer of floating numbers is one
//! if an operation takes it as a weight, if it is added to or multiplied with what depends on parameters (biases,
//! scales, tables of positions), or if those take it through changes of shape alone. Statistics of batch norm are known by
//! their places.

use super::Constant;
use super::inline::Op;
use super::proto::{GraphProto, Model, Setting};
use crate::base::files::brief;
use crate::nn::layout::Statistic;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub parameters: HashSet<String>,
    pub statistics: HashMap<String, Statistic>,
    pub doubts: Vec<String>,
}

/// PyTorch's note of what a value was.
const KIND: &str = "pkg.torch.export.graph_signature.InputSpec.kind";
/// Operators that change shapes or types alone.
const SHAPES: [&str; 12] = [
    "Transpose",
    "Reshape",
    "Unsqueeze",
    "Squeeze",
    "Identity",
    "Cast",
    "CastLike",
    "Flatten",
    "Slice",
    "Expand",
    "Concat",
    "Split",
];

/// How an operator takes an input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As a weight, whatever else it takes.
    Weight,
    /// As a scale or shift of a norm, or as a bias.
    Shift,
    /// As a term or factor of what may depend on parameters.
    Term,
    Other,
}

fn place(operator: &str, index: usize) -> Place {
    match (operator, index) {
        ("Conv" | "ConvTranspose", 1)
        | ("Gemm" | "MatMul" | "Gather", 0)
        | ("Gemm" | "MatMul" | "PRelu", 1) => Place::Weight,
        ("LSTM" | "GRU" | "RNN", 1 | 2) | ("Einsum", _) => Place::Weight,
        ("Conv" | "ConvTranspose" | "Gemm", 2) | ("LSTM" | "GRU" | "RNN", 3) | ("LSTM", 7) => Place::Shift,
        (
            "BatchNormalization" | "LayerNormalization" | "GroupNormalization" | "InstanceNormalization",
            1 | 2,
        )
        | ("RMSNormalization", 1) => Place::Shift,
        ("Add" | "Mul", _) => Place::Term,
        _ => Place::Other,
    }
}

/// Finds parameters and statistics.
pub fn find(model: &Model, graph: &GraphProto, ops: &[Op], constants: &BTreeMap<String, Constant>) -> Found {
    let notes = graph.values.iter().chain(&graph.inputs);
    let notes: HashMap<&str, &str> = notes.filter_map(|v| Some((v.name, *v.notes.get(KIND)?))).collect();
    let mut found = Found::default();
    // The constants that a value is made of by changes of shape, and whether it depends on parameters.
    let mut roots: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    let mut moved: HashSet<&str> = HashSet::new();
    // What takes each parameter, in order.
    let mut takers: BTreeMap<&str, Vec<(&str, Place)>> = BTreeMap::new();
    let mut trained = false;
    for op in ops {
        let of = |name: &'_ str| -> BTreeSet<&str> {
            match constants.get_key_value(name) {
                Some((name, constant)) if super::floating(constant.numbers.stored) => {
                    BTreeSet::from([name.as_str()])
                }
                _ => roots.get(name).cloned().unwrap_or_default(),
            }
        };
        let operator = op.operator.as_str();
        for (index, input) in op.inputs.iter().enumerate() {
            if operator == "BatchNormalization" && matches!(index, 3 | 4) {
                let statistic = if index == 3 { Statistic::Mean } else { Statistic::Variance };
                of(input).into_iter().for_each(|root| {
                    found.statistics.insert(root.to_owned(), statistic);
                });
                continue;
            }
            let place = place(operator, index);
            if place == Place::Other {
                continue;
            }
            let others =
                op.inputs.iter().enumerate().any(|(i, name)| i != index && moved.contains(name.as_str()));
            for root in of(input) {
                let numbers = &constants[root].numbers;
                let own = match (notes.get(root), place) {
                    (Some(kind), _) => *kind == "PARAMETER",
                    (None, Place::Weight) => numbers.shape.iter().any(|d| *d > 1) || operator == "PRelu",
                    (None, Place::Shift) => !(operator == "InstanceNormalization" && neutral(index, numbers)),
                    (None, _) => others && (numbers.numbers.len() > 1 || bias(ops, op, index)),
                };
                if own {
                    takers.entry(root).or_default().push((operator, place));
                }
            }
        }
        let own: BTreeSet<&str> = op.inputs.iter().flat_map(|name| of(name)).collect();
        let depends = op.inputs.iter().any(|name| moved.contains(name.as_str()))
            || own.iter().any(|root| takers.contains_key(root));
        for output in &op.outputs {
            if depends {
                moved.insert(output);
            }
            if SHAPES.contains(&operator) {
                roots.insert(output, own.clone());
            }
        }
        trained |= operator == "BatchNormalization"
            && op.attributes.iter().any(|(n, v)| n == "training_mode" && matches!(v, Setting::Int(1)));
    }
    found.parameters = takers.keys().map(|name| (*name).to_owned()).collect();
    found.doubts = doubts(model, &notes, &takers, trained);
    found
}

/// Whether the scale or shift of an instance norm changes nothing: PyTorch makes group norms of such.
fn neutral(index: usize, numbers: &super::Numbers) -> bool {
    let same = if index == 1 { 1.0 } else { 0.0 };
    numbers.numbers.iter().all(|x| *x == same)
}

/// Whether one number is added to the result of a product: the bias of a single output.
fn bias(ops: &[Op], op: &Op, index: usize) -> bool {
    let products = ["MatMul", "Gemm", "Conv", "Einsum"];
    let other = op.inputs.get(1 - index.min(1));
    op.operator == "Add"
        && ops.iter().any(|o| products.contains(&o.operator.as_str()) && o.outputs.first() == other)
}

/// What an export has changed in a way that changes the landscape, in words.
fn doubts(
    model: &Model,
    notes: &HashMap<&str, &str>,
    takers: &BTreeMap<&str, Vec<(&str, Place)>>,
    trained: bool,
) -> Vec<String> {
    let mut all = Vec::new();
    let keep = if model.producer.contains("tf2onnx") {
        "Keras' backend of PyTorch and torch.onnx.export(.., optimize=False) keep the network's own"
    } else {
        "torch.onnx.export(.., dynamo=True, optimize=False) keeps the module's own"
    };
    let noted = !notes.is_empty();
    // A name that the exporter made: no parameter of a module has it.
    let made = |name: &str| {
        name.starts_with("onnx::")
            || (noted && !notes.contains_key(name))
            || ["fused_bn", "batchnorm/sub", "merged_input"].iter().any(|part| name.contains(part))
    };
    let listed = |names: &[&str]| {
        let shown: Vec<String> = names.iter().take(3).map(|n| brief(n)).collect();
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        shown.join(", ") + &more
    };
    let computed: Vec<&str> = takers.keys().copied().filter(|name| made(name)).collect();
    let (folded, turned): (Vec<&str>, Vec<&str>) = computed
        .iter()
        .partition(|name| takers[*name].iter().any(|(operator, _)| operator.starts_with("Conv")));
    if !folded.is_empty() {
        all.push(format!(
            "the export computed {} (a batch norm folded into its convolution): this is the landscape of what is left; {keep}",
            listed(&folded)
        ));
    }
    if !turned.is_empty() {
        all.push(format!(
            "the export computed {} (a weight transposed, reordered or folded, under a name of its own): filters and names may not be the module's; {keep}",
            listed(&turned)
        ));
    }
    let shared: Vec<&str> = takers
        .iter()
        .filter(|(_, all)| all.iter().filter(|(_, place)| *place == Place::Shift).count() > 1)
        .map(|(name, _)| *name)
        .collect();
    if !shared.is_empty() && model.producer.contains("pytorch") {
        all.push(format!(
            "{} serve several layers, as if they were one parameter: the export merges parameters of equal numbers; {keep}",
            listed(&shared)
        ));
    }
    if trained {
        all.push(
            "batch norm was exported in training mode: --stats says which statistics it uses here".to_owned(),
        );
    }
    all
}
