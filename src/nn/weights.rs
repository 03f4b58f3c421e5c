//! Weight files: safetensors with PyTorch's names and shapes, complete in themselves.
//!
//! The metadata key `losscape` holds the network's [`Spec`] as JSON, and `losscape.data` whatever the
//! writer says of the data it was trained on.

use super::{Network, Spec};
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Precision, Result};
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
    /// What the writer said of the data, as JSON; empty for nothing.
    pub data: String,
}

const SPEC: &str = "losscape";
const DATA: &str = "losscape.data";

/// `theta` as one tensor a parameter, with `prefix` before each name.
pub fn tensors(network: &Network, theta: &[f64], precision: Precision, prefix: &str) -> Vec<Tensor> {
    let layout = &network.layout().parameters;
    let tensor = |p: &super::Parameter| {
        let values = &theta[p.range()];
        let data = match precision {
            Precision::F32 => Data::F32(values.iter().map(|x| *x as f32).collect()),
            Precision::F64 => Data::F64(values.to_vec()),
        };
        Tensor { name: format!("{prefix}{}", p.name), shape: p.shape.clone(), data }
    };
    layout.iter().map(tensor).collect()
}

/// Reads a network's parameters from the tensors of a file whose names start with `prefix`; refuses missing,
/// misshapen and non-finite ones.
pub fn theta(at: &str, file: &TensorFile, network: &Network, prefix: &str) -> Result<Vec<f64>> {
    let mut theta = Vec::new();
    for p in &network.layout().parameters {
        let name = format!("{prefix}{}", p.name);
        let at = format!("{at}: {name}");
        let Some(tensor) = file.get(&name) else {
            return Err(Error::expected(at, format!("a tensor of shape {:?}", p.shape), "none"));
        };
        if tensor.shape != p.shape {
            return Err(Error::expected(at, format!("shape {:?}", p.shape), format!("{:?}", tensor.shape)));
        }
        match &tensor.data {
            Data::F32(values) => theta.extend(values.iter().map(|x| f64::from(*x))),
            Data::F64(values) => theta.extend_from_slice(values),
        }
        if let Some(bad) = theta[p.offset..].iter().position(|x| !x.is_finite()) {
            let found = format!("{} at element {bad}", theta[p.offset + bad]);
            return Err(Error::expected(at, "finite numbers", found));
        }
    }
    Ok(theta)
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
        let tensors = tensors(&self.network, &self.theta, self.precision, "");
        Ok(TensorFile { metadata, tensors }.to_bytes())
    }

    /// Reads a file; refuses one whose tensors do not fit its own specification.
    pub fn read(path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        let at = crate::base::files::named(path);
        let Some(spec) = file.metadata.get(SPEC) else {
            return Err(Error::expected(
                format!("{at}: metadata `{SPEC}`"),
                "the network's specification, as `losscape train` writes it",
                "none",
            ));
        };
        let spec: Spec = serde_json::from_str(spec)
            .map_err(|e| Error::value(format!("{at}: metadata `{SPEC}`"), &e.to_string()))?;
        let network = Network::new(spec).map_err(|e| Error::request(&at, e.to_string()))?;
        let theta = theta(&at, &file, &network, "")?;
        let known = |name: &str| network.layout().parameters.iter().any(|p| p.name == name);
        if let Some(extra) = file.tensors.iter().find(|t| !known(&t.name)) {
            return Err(Error::expected(format!("{at}: {}", extra.name), "no such tensor", "one"));
        }
        let double = |t: &Tensor| matches!(t.data, Data::F64(_));
        let precision = match file.tensors.iter().any(double) {
            true => Precision::F64,
            false => Precision::F32,
        };
        let data = file.metadata.get(DATA).cloned().unwrap_or_default();
        Ok(Self { network, precision, theta, data })
    }
}
