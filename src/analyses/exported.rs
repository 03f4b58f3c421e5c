//! Networks of others with their data: a graph of torch.export and the arrays that are the arguments of its `forward`.

use super::data::DataGiven;
use super::data::DataSettings;
use super::run::{Origin, Run};
use crate::base::state_dict::is_other_archive;
use crate::base::{Error, Precision, Result, files};
use crate::nn::graph::is_onnx;
use crate::nn::losses::Loss;
use crate::train::exported::{Understood, preparation, understand};
use std::path::{Path, PathBuf};

/// What is given beside a network's file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The data.
    pub data: DataGiven,
    /// Other weights for the same graph.
    pub weights: Option<PathBuf>,
    /// The loss of a graph that ends in outputs.
    pub loss: Option<Loss>,
}

impl Beside {
    /// Refuses what goes with networks where none is given.
    pub fn check(&self, networks: usize, flag: &str) -> Result<()> {
        let given = [("--weights", self.weights.is_some()), ("--loss", self.loss.is_some())];
        if let Some((own, _)) = given.into_iter().find(|(_, given)| *given && networks == 0) {
            return Err(Error::expected(own, format!("a graph that is given with {flag}"), "none"));
        }
        self.data.check(networks, flag)
    }
}

/// Whether a file is a graph: an archive of torch.export, a zip that torch.save did not write, or a model of ONNX. Safetensors
/// begin with a length.
pub fn is_graph(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 4];
    let read = files::open_regular(path).and_then(|(mut file, _)| {
        file.read_exact(&mut head).map_err(|e| Error::machine(files::named(path), e))
    });
    read.is_ok() && head == *b"PK\x03\x04" && is_other_archive(path) || is_model(path)
}

/// A model of ONNX by its contents, or by its name, however broken.
fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "onnx") || is_onnx(path)
}

/// Whether a file is a graph indeed, and not an archive of another kind.
pub fn is_exported(path: &Path) -> bool {
    is_model(path) || is_graph(path) && path.extension().is_some_and(|e| e == "pt2")
}

/// A graph with its data, as analyses take it.
pub fn open(path: &Path, beside: &Beside) -> Result<Run> {
    let Understood { network, theta, state, double, sha256, source, dataset } =
        understand(path, beside.data.data.as_ref(), beside.loss.as_ref())?;
    let precision = if double { Precision::F64 } else { Precision::F32 };
    let (theta, state, path, sha256) = match &beside.weights {
        None => (theta, state, path, sha256),
        Some(path) => {
            let (theta, state, sha256) = super::weights_beside::read(path, &network, state)?;
            (theta, state, path.as_path(), sha256)
        }
    };
    let sha = dataset.sha256();
    let data = DataSettings {
        data: source,
        data_seed: 0,
        preparation: preparation(),
        samples: None,
        batch_size: None,
        sha256: sha,
    };
    let origin =
        Some(Origin { path: path.to_path_buf(), sha256, data: data.data.clone(), snapshots: Vec::new() });
    Ok(Run { network, theta, state, precision, data, dataset, origin })
}
