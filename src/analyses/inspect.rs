//! What was understood of a network that another program wrote, and its derivatives along a direction.

use super::exported::{self, Beside};
use super::run::{Run, gibibytes, rounded};
use crate::autodiff::Curvature;
use crate::base::pool::on_workers;
use crate::base::tensors::{Data, TensorFile};
use crate::base::{Error, Precision, Result, files};
use crate::nn::graph::{Graph, Length, Sizes};
use crate::nn::{At, Mode, Parameter, Statistics};
use crate::spectral::vectors::dot;
use crate::train::loss;
use faer::{Mat, Side};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The direction along which derivatives are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Along {
    /// v_i = sin(i + 1), over all parameters in the order of the file.
    Sine,
    /// The gradient itself.
    Gradient,
    /// The tensors of a safetensors file, by the parameters' names.
    File(PathBuf),
}

impl std::str::FromStr for Along {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Ok(match text {
            "" => return Err("expected sine, gradient or a file, found nothing".to_owned()),
            "sine" => Self::Sine,
            "gradient" => Self::Gradient,
            path => Self::File(PathBuf::from(path)),
        })
    }
}

/// What is asked of a network beside what it is.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Derivatives along a direction.
    pub along: Option<Along>,
    /// Element type; the file's by default.
    pub precision: Option<Precision>,
    /// All eigenvalues of the Hessian.
    pub eigenvalues: bool,
    /// Memory for values that products keep, in GiB.
    pub memory: f64,
}

/// Most parameters whose Hessian is written out: 72 MB, and a minute for its eigenvalues.
const MOST_DENSE: usize = 3000;
/// Columns of the Hessian computed at once.
const BLOCK: usize = 16;

/// The numbers, by the names that scripts rely on.
pub fn inspect(path: &Path, beside: &Beside, asked: &Asked) -> Result<Value> {
    let graph = Graph::read(path)?;
    let mut found = understood(&graph);
    match &beside.data.data {
        Some(_) => {
            drop(graph);
            let run = exported::open(path, beside)?;
            let precision = asked.precision.unwrap_or(run.precision);
            let numbers = on_workers(|| numbers(&run, precision, asked))?;
            found.extend(numbers);
        }
        None => {
            let flags = [("--along", asked.along.is_some()), ("--eigenvalues", asked.eigenvalues)];
            if let Some((flag, _)) = flags.into_iter().find(|(_, given)| *given) {
                return Err(Error::expected("--data", format!("data for {flag}, as npz:file=FILE"), "none"));
            }
        }
    }
    Ok(Value::Object(found))
}

/// Inputs, operators and results, which need no data.
fn understood(graph: &Graph) -> Map<String, Value> {
    let length = |length: &Length| match length {
        Length::Fixed(n) => json!(n),
        Length::Symbol(symbol) => json!(symbol),
    };
    let inputs: Vec<Value> = graph
        .arguments
        .iter()
        .map(|a| {
            let shape: Vec<Value> = a.sizes.iter().map(length).collect();
            json!({"name": a.name, "shape": shape, "type": format!("{:?}", a.dtype).to_lowercase()})
        })
        .collect();
    let parameters: usize = graph.theta.len();
    let mut found = Map::new();
    found.insert("parameters".to_owned(), json!(parameters));
    found.insert("inputs".to_owned(), json!(inputs));
    found.insert("operators".to_owned(), json!(graph.operators()));
    found.insert("unknown_operators".to_owned(), json!(graph.unknown()));
    found.insert("doubts".to_owned(), json!(graph.doubts));
    found.insert("loss".to_owned(), Value::Null);
    found.insert("outputs".to_owned(), json!(graph.results()));
    let (folded, roles) = roles(graph);
    let tensor = |(i, p): (usize, &crate::nn::graph::GraphParameter)| {
        let (role, axis) =
            roles.get(i).map_or((Value::Null, Value::Null), |(role, axis)| (json!(role), json!(axis)));
        json!({"name": p.name, "also": p.also, "shape": p.shape, "role": role, "axis": axis})
    };
    let tensors: Vec<Value> = graph.parameters.iter().enumerate().map(tensor).collect();
    found.insert("tensors".to_owned(), json!(tensors));
    found.insert("folded".to_owned(), json!(folded));
    found
}

/// How many operations are known without parameters and inputs, and each parameter's role and output axis; nothing of a graph
/// whose lengths only data can say, or that is not understood.
fn roles(graph: &Graph) -> (Option<usize>, Vec<(String, usize)>) {
    let batch = graph.batch_symbol().unwrap_or_default().to_owned();
    let packing = graph.packing(&Sizes { batch, ..Sizes::default() });
    let lowered = packing.and_then(|packing| {
        let samples = packing.group.unwrap_or(2);
        graph.lower(&packing, samples, Mode::Running)
    });
    let Ok(lowered) = lowered else { return (None, Vec::new()) };
    let layout = graph.layout(&lowered);
    let role = |(p, table): (&Parameter, &bool)| {
        if *table {
            ("embedding".to_owned(), p.axis)
        } else {
            (json!(p.role).as_str().unwrap_or_default().to_owned(), p.axis)
        }
    };
    (Some(lowered.folded), layout.parameters.iter().zip(&lowered.tables).map(role).collect())
}

/// What the data add.
fn numbers(run: &Run, precision: Precision, asked: &Asked) -> Result<Map<String, Value>> {
    let network = Arc::new(run.network.clone());
    let theta = rounded(&run.theta, "weights", precision)?;
    let state = rounded(&run.state, "statistics", precision)?;
    let at = At { theta: &theta, state: &state };
    let train = &run.dataset.train;
    let objective = loss(&network, train, precision, Statistics::Running);
    let (evaluation, gradient) = objective.gradient(at);
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| found.insert(name.to_owned(), value);
    put(
        "samples",
        match network.together() {
            Some(usize::MAX) => json!("coupled"),
            _ => json!(train.len()),
        },
    );
    put("precision", json!(precision.to_string()));
    put("loss", json!(evaluation.loss));
    put("gradient_norm", json!(dot(&gradient, &gradient).sqrt()));
    // Of a loss that is none of classes nobody is right or wrong.
    if network.judges() {
        put("accuracy", json!(evaluation.accuracy));
    }
    let metrics = objective.metrics(at);
    if !metrics.is_empty() {
        put("metrics", metrics.into_iter().map(|(name, x)| (name, json!(x))).collect::<Map<_, _>>().into());
    }
    let products = || objective.linearize(at, Curvature::Hessian, gibibytes(asked.memory).unwrap_or(0));
    if let Some(along) = &asked.along {
        let v = direction(along, run, &gradient)?;
        let hv = products().products(&v, 1);
        put(
            "along",
            json!({
                "gv": dot(&gradient, &v),
                "vhv": dot(&v, &hv),
                "hv_norm": dot(&hv, &hv).sqrt(),
            }),
        );
    }
    if asked.eigenvalues {
        let p = theta.len();
        if p > MOST_DENSE {
            return Err(Error::expected(
                "--eigenvalues",
                format!("at most {MOST_DENSE} parameters (losscape sharpness finds the outermost of any)"),
                p,
            ));
        }
        let linear = products();
        let mut hessian = Mat::<f64>::zeros(p, p);
        for start in (0..p).step_by(BLOCK) {
            let count = BLOCK.min(p - start);
            let mut block = vec![0.0; p * count];
            (0..count).for_each(|j| block[j * p + start + j] = 1.0);
            let columns = linear.products(&block, count);
            for (j, column) in columns.chunks_exact(p).enumerate() {
                column.iter().enumerate().for_each(|(i, x)| hessian[(i, start + j)] = *x);
            }
        }
        let symmetric = Mat::<f64>::from_fn(p, p, |i, j| (hessian[(i, j)] + hessian[(j, i)]) / 2.0);
        // One number that is none makes the decomposition take seconds and fail.
        if !symmetric.col_iter().all(|c| c.iter().all(|x| x.is_finite())) {
            return Err(Error::unmet("--eigenvalues", "the Hessian is not finite"));
        }
        let mut values = symmetric
            .self_adjoint_eigenvalues(Side::Lower)
            .map_err(|e| Error::unmet("--eigenvalues", format!("{e:?}")))?;
        values.reverse();
        put("eigenvalues", json!(values));
    }
    Ok(found)
}

/// The direction, in the order of theta.
fn direction(along: &Along, run: &Run, gradient: &[f64]) -> Result<Vec<f64>> {
    match along {
        Along::Sine => Ok((0..gradient.len()).map(|i| (i as f64 + 1.0).sin()).collect()),
        Along::Gradient => Ok(gradient.to_vec()),
        Along::File(path) => {
            let (at, file) = (files::named(path), TensorFile::read(path)?);
            let mut v = Vec::with_capacity(gradient.len());
            for p in &run.network.layout().parameters {
                let at = format!("{at}: {}", files::brief(&p.name));
                let Some(tensor) = file.get(&p.name).filter(|t| t.shape == p.shape) else {
                    return Err(Error::expected(at, format!("a tensor of shape {:?}", p.shape), "none"));
                };
                match &tensor.data {
                    Data::F32(x) => v.extend(x.iter().map(|x| f64::from(*x))),
                    Data::F64(x) => v.extend(x),
                    Data::U8(_) => return Err(Error::expected(at, "floating numbers", "bytes")),
                }
            }
            Ok(v)
        }
    }
}
