//! Weight files: safetensors with PyTorch's names and shapes, complete in themselves.
//!
//! The metadata key `losscape` holds the network's [`Spec`] as JSON, and `losscape.data` whatever the
//! writer says of the data it was trained on.

use super::layout::{Buffer, Statistic};
use super::{Network, Spec};
use crate::base::files::{self, brief};
use crate::base::state_dict::StateDict;
use crate::base::tensors::{Data, Outline, Tensor, TensorFile};
use crate::base::{Error, Precision, Result, apart, json, notes};
use std::collections::BTreeMap;
use std::path::Path;

/// A network with its parameters.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The network.
    pub network: Network,
    /// Element type of the file.
    pub precision: Precision,
    /// Its parameters.
    pub theta: Vec<f64>,
    /// Its state: running statistics, singular vectors.
    pub state: Vec<f64>,
    /// What the writer said of the data, as JSON; empty for nothing.
    pub data: String,
}

const SPEC: &str = "losscape";
const DATA: &str = "losscape.data";

/// `theta` as one tensor a parameter, with `prefix` before each name.
pub fn tensors(network: &Network, theta: &[f64], precision: Precision, prefix: &str) -> Vec<Tensor> {
    let parameters = network.layout().parameters.iter();
    let tensor = |p: &super::Parameter| {
        tensor(format!("{prefix}{}", p.name), p.shape.clone(), &theta[p.range()], precision)
    };
    parameters.map(tensor).collect()
}

/// `state` as one tensor a buffer, with `prefix` before each name.
pub fn state_tensors(network: &Network, state: &[f64], precision: Precision, prefix: &str) -> Vec<Tensor> {
    let buffers = network.layout().buffers.iter();
    buffers
        .map(|b| tensor(format!("{prefix}{}", b.name), vec![b.size], &state[b.range()], precision))
        .collect()
}

fn tensor(name: String, shape: Vec<usize>, values: &[f64], precision: Precision) -> Tensor {
    let data = match precision {
        Precision::F32 => Data::F32(values.iter().map(|x| *x as f32).collect()),
        Precision::F64 => Data::F64(values.to_vec()),
    };
    Tensor { name, shape, data }
}

/// Reads a network's parameters from the tensors of a file whose names start with `prefix`; refuses missing,
/// misshapen and non-finite ones.
pub fn theta(at: &str, file: &TensorFile, network: &Network, prefix: &str) -> Result<Vec<f64>> {
    let mut theta = Vec::new();
    for p in &network.layout().parameters {
        read(at, file, &format!("{prefix}{}", p.name), &p.shape, &mut theta)?;
    }
    Ok(theta)
}

/// Reads a network's state from the tensors whose names start with `prefix`; refuses what it refuses for parameters, and
/// negative variances.
pub fn state(at: &str, file: &TensorFile, network: &Network, prefix: &str) -> Result<Vec<f64>> {
    let mut state = Vec::new();
    for b in &network.layout().buffers {
        read(at, file, &format!("{prefix}{}", b.name), &[b.size], &mut state)?;
        not_negative(at, b, &state[b.range()])?;
    }
    Ok(state)
}

/// Appends the numbers of one tensor.
fn read(at: &str, file: &TensorFile, name: &str, shape: &[usize], out: &mut Vec<f64>) -> Result<()> {
    let at = format!("{at}: {name}");
    let Some(tensor) = file.get(name) else {
        return Err(Error::expected(at, format!("a tensor of shape {shape:?}"), "none"));
    };
    shaped(at.clone(), &tensor.shape, shape)?;
    let start = out.len();
    match &tensor.data {
        Data::F32(values) => out.extend(values.iter().map(|x| f64::from(*x))),
        Data::F64(values) => out.extend_from_slice(values),
        Data::U8(_) => return Err(Error::expected(at, "numbers in F32 or F64", "some in U8")),
    }
    match out[start..].iter().position(|x| !x.is_finite()) {
        Some(bad) => {
            let found = format!("{} at element {bad}", out[start + bad]);
            Err(Error::expected(at, "finite numbers", found))
        }
        None => Ok(()),
    }
}

/// A network's parameters and state from a file that says nothing of the network: by names and shapes, or, where the names
/// are other ones, by the order of the shapes, which is noted.
pub fn from_state_dict(at: &str, dict: &StateDict, network: &Network) -> Result<(Vec<f64>, Vec<f64>)> {
    let layout = network.layout();
    let parameters = layout.parameters.iter().map(|p| (p.name.clone(), p.shape.clone()));
    let wanted: Vec<(String, Vec<usize>)> =
        parameters.chain(layout.buffers.iter().map(|b| (b.name.clone(), vec![b.size]))).collect();
    let fit = match dict.fit(&wanted) {
        Ok(fit) => {
            if let Some(extra) = fit.extra.first() {
                return Err(Error::expected(format!("{at}: {}", brief(extra)), "no such tensor", "one"));
            }
            if !fit.prefix.is_empty() {
                notes::say(&format!("{at}: its names begin with `{}`", brief(&fit.prefix)));
            }
            fit
        }
        Err(fault) => {
            let shapes: Vec<&[usize]> = wanted.iter().map(|(_, shape)| &shape[..]).collect();
            let (parameters, statistics) = shapes.split_at(layout.parameters.len());
            let fit = dict.fit_in_order(parameters, statistics).ok_or(fault)?;
            let pairs = wanted.iter().zip(&fit.tensors).take(3);
            let pair = |((own, _), i): (&(String, Vec<usize>), &usize)| {
                format!("{} as {own}", brief(&dict.tensors()[*i].name))
            };
            let pairs: Vec<String> = pairs.map(pair).collect();
            let pairs = pairs.join(", ");
            notes::say(&format!(
                "{at}: its names are other ones, its tensors are taken in order: {pairs}, .."
            ));
            fit
        }
    };
    let (first, last) = fit.tensors.split_at(layout.parameters.len());
    let (theta, state) = (dict.all(first)?, dict.all(last)?);
    layout.buffers.iter().try_for_each(|b| not_negative(at, b, &state[b.range()]))?;
    Ok((theta, state))
}

/// Refuses negative variances.
fn not_negative(at: &str, buffer: &Buffer, values: &[f64]) -> Result<()> {
    match (buffer.statistic, values.iter().find(|x| **x < 0.0)) {
        (Statistic::Variance, Some(x)) => {
            Err(Error::expected(format!("{at}: {}", buffer.name), "variances of at least 0", x))
        }
        _ => Ok(()),
    }
}

impl Weights {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let spec = serde_json::to_string(self.network.spec())
            .map_err(|e| Error::machine("network specification", e))?;
        let mut metadata = BTreeMap::from([(SPEC.to_owned(), spec)]);
        if !self.data.is_empty() {
            metadata.insert(DATA.to_owned(), self.data.clone());
        }
        let mut tensors = tensors(&self.network, &self.theta, self.precision, "");
        tensors.extend(state_tensors(&self.network, &self.state, self.precision, ""));
        Ok(TensorFile { metadata, tensors }.to_bytes())
    }

    /// Reads a file; refuses one whose tensors do not fit its own specification.
    pub fn read(path: &Path) -> Result<Self> {
        let path = &files::at_home(path);
        let at = files::named(path);
        apart::input(path)?;
        let (network, file) = TensorFile::read_after(path, |outline| described(&at, outline))?;
        let theta = theta(&at, &file, &network, "")?;
        let state = state(&at, &file, &network, "")?;
        let double = |t: &Tensor| matches!(t.data, Data::F64(_));
        let precision = if file.tensors.iter().any(double) { Precision::F64 } else { Precision::F32 };
        let data = file.metadata.get(DATA).cloned().unwrap_or_default();
        Ok(Self { network, precision, theta, state, data })
    }
}

/// The network that a file's metadata describe; refuses tensors that are not its own.
fn described(at: &str, outline: &Outline) -> Result<Network> {
    let Some(spec) = outline.metadata.get(SPEC) else {
        return Err(Error::expected(
            format!("{at}: metadata `{SPEC}`"),
            "the network's specification, as `losscape train` writes it",
            "none",
        ));
    };
    let spec: Spec = json::parse(&format!("{at}: metadata `{SPEC}`"), spec)?;
    let network = Network::new(spec).map_err(|e| Error::request(at, e.to_string()))?;
    let layout = network.layout();
    let parameters = layout.parameters.iter().map(|p| (p.name.as_str(), p.shape.clone()));
    let own: BTreeMap<&str, Vec<usize>> =
        parameters.chain(layout.buffers.iter().map(|b| (b.name.as_str(), vec![b.size]))).collect();
    for found in &outline.tensors {
        let at = format!("{at}: {}", brief(&found.name));
        match own.get(found.name.as_str()) {
            None => return Err(Error::expected(at, "no such tensor", "one")),
            Some(shape) => shaped(at, &found.shape, shape)?,
        }
    }
    Ok(network)
}

/// Refuses a tensor of another shape.
fn shaped(at: String, found: &[usize], expected: &[usize]) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::expected(at, format!("shape {expected:?}"), format!("{found:?}")))
}
