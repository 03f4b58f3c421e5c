//! Networks of others with their data: a graph of torch.export and the arrays that are the arguments of its `forward`.

use super::data::DataGiven;
use super::data::DataSettings;
use super::run::{Origin, Run};
use crate::autodiff::{Bindings, Plan};
use crate::base::notes;
use crate::base::npz::{Npz, Values};
use crate::base::state_dict::is_other_archive;
use crate::base::{Error, Precision, Result, files};
use crate::data::{Arguments, Dataset, Preparation, Source, Standardize};
use crate::nn::architectures::Exported;
use crate::nn::graph::{Dtype, Graph, Lowered, is_onnx};
use crate::nn::losses::Excess;
use crate::nn::{Mode, Network, Objective, Samples, Spec, Statistics};
use std::path::Path;
use std::sync::Arc;

/// What is given beside a network's file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The data.
    pub data: DataGiven,
    /// Other weights for the same graph.
    pub weights: Option<std::path::PathBuf>,
}

impl Beside {
    /// Refuses what goes with networks where none is given.
    pub fn check(&self, networks: usize, flag: &str) -> Result<()> {
        if self.weights.is_some() && networks == 0 {
            return Err(Error::expected("--weights", format!("a graph that is given with {flag}"), "none"));
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
    let at = files::named(path);
    let (graph, sha256) = Graph::read_with_hash(path)?;
    graph.doubts.iter().for_each(|doubt| notes::say(&format!("{at}: {doubt}")));
    let names: Vec<&str> = graph.arguments.iter().map(|a| a.name.as_str()).collect();
    let file = match &beside.data.data {
        Some(Source::NpzFile(npz)) if !npz.file.is_empty() => npz.file.clone(),
        other => {
            let expected =
                format!("npz:file=FILE with the arrays {}, the arguments of its forward", names.join(", "));
            let found = other.as_ref().map_or("none".to_owned(), ToString::to_string);
            return Err(Error::expected("--data", expected, found));
        }
    };
    let (sizes, arguments) = arguments(&graph, file)?;
    let mut exported = Exported {
        file: path.display().to_string(),
        sha256: sha256.clone(),
        batch: sizes.batch.clone(),
        sizes: sizes.others.iter().map(|(symbol, n)| format!("{symbol}={n}")).collect(),
        coupled: false,
        apart: false,
    };
    let packing = graph.packing(&sizes)?;
    let source = Source::Arguments(arguments);
    let preparation = Preparation::standardized(Standardize::None);
    let dataset = Dataset::load(&source, 0, &preparation)?;
    for part in [&dataset.train, &dataset.test] {
        if let Some(group) = packing.group.filter(|g| !part.len().is_multiple_of(*g)) {
            return Err(Error::expected("--data", format!("groups of {group} samples"), part.len()));
        }
    }
    let spec = |exported: &Exported| Spec {
        model: exported.clone().into(),
        loss: Excess.into(),
        input: vec![packing.features],
        outputs: 1,
    };
    let precision = if graph.double { Precision::F64 } else { Precision::F32 };
    let (theta, state) = (graph.theta.clone(), graph.state());
    let network = Network::of_graph(graph, spec(&exported))?;
    for part in [&dataset.train, &dataset.test].into_iter().filter(|part| !part.is_empty()) {
        network.check_indices("--data", &part.x)?;
    }
    if packing.group.is_none() {
        exported.coupled = couples(&network, &dataset, &theta, &state)?;
        exported.apart = !exported.coupled && apart(&network, &dataset, &theta, &state);
    }
    let network = match exported.coupled || exported.apart {
        false => network,
        true => Network::new(spec(&exported))?,
    };
    let (theta, state) = match &beside.weights {
        None => (theta, state),
        Some(path) => super::weights_beside::read(path, &network, state)?,
    };
    let sha = dataset.sha256();
    let data = DataSettings {
        data: source,
        data_seed: 0,
        preparation,
        samples: None,
        batch_size: None,
        sha256: sha,
    };
    let origin = Some(Origin { path: path.to_path_buf(), sha256, data: data.data.clone() });
    Ok(Run { network, theta, state, precision, data, dataset, origin })
}

/// The arrays of an archive as the graph's arguments.
fn arguments(graph: &Graph, file: String) -> Result<(crate::nn::graph::Sizes, Arguments)> {
    let path = &files::at_home(Path::new(&file));
    let at = files::named(path);
    let npz = Npz::read(path)?;
    let mut shapes = Vec::new();
    for argument in &graph.arguments {
        let Some(array) = npz.get(&argument.name) else {
            let there: Vec<String> = npz.iter().map(|(name, _)| files::brief(name)).take(8).collect();
            let wanted: Vec<&str> = graph.arguments.iter().map(|a| a.name.as_str()).collect();
            let expected = format!("arrays {}, the arguments of forward", files::brief(&wanted.join(", ")));
            return Err(Error::expected(at, expected, there.join(", ")));
        };
        if argument.dtype != Dtype::Float && !matches!(array.values, Values::I64(_)) {
            let at = format!("{at}: {}", argument.name);
            return Err(Error::expected(at, "whole numbers", "others"));
        }
        shapes.push(array.shape.clone());
    }
    let (sizes, _) = graph.sizes(&at, &shapes)?;
    let packing = graph.packing(&sizes)?;
    let names = packing.arguments.iter().map(|a| a.name.clone()).collect();
    let axes = packing.arguments.iter().map(|a| a.axis.map_or(-1, |axis| axis as i64)).collect();
    Ok((sizes, Arguments { file, names, axes }))
}

/// Samples looked at to find out whether their losses can be told apart.
const LOOKED_AT: usize = 8;
/// Largest relative difference between the loss of a batch and the mean of its halves'.
const APART: f64 = 1e-6;

/// Whether the losses of samples that the graph shows are those of the samples by themselves, at both ends of the data.
fn apart(network: &Network, dataset: &Dataset, theta: &[f64], state: &[f64]) -> bool {
    let (Some(graph), Some(packing)) = (network.graph(), network.packing()) else { return false };
    let (all, features) = (dataset.train.len(), dataset.features());
    let count = LOOKED_AT.min(all);
    let losses = |from: usize, count: usize| -> Option<Vec<f64>> {
        let Lowered { tape, losses, each, .. } = graph.lower(packing, count, Mode::Running).ok()?;
        let wanted = if count == 1 { losses } else { each? };
        let plan = Plan::new(Arc::new(tape), &[wanted], &[]);
        let mut workspace = plan.workspace::<f64>();
        let inputs = [&dataset.train.x[from * features..(from + count) * features], &vec![0.0; count][..]];
        let bindings = Bindings { theta, state, inputs: &inputs };
        plan.run(&bindings, &mut workspace);
        Some(plan.values(bindings, &workspace).of(wanted).data.to_vec())
    };
    count > 1
        && [0, all - count].into_iter().all(|from| {
            let Some(together) = losses(from, count) else { return false };
            let near = |(i, a): (usize, &f64)| {
                let alone = losses(from + i, 1).map_or(f64::NAN, |l| l[0]);
                (a - alone).abs() <= APART * a.abs().max(alone.abs()).max(f64::MIN_POSITIVE)
            };
            together.iter().enumerate().all(near)
        })
}

/// Whether the loss of a batch is no mean over its samples: two halves against the whole, at both ends of the data.
fn couples(network: &Network, dataset: &Dataset, theta: &[f64], state: &[f64]) -> Result<bool> {
    let all = dataset.train.len();
    let half = (LOOKED_AT / 2).min(all / 2);
    if half == 0 {
        return Ok(false);
    }
    let network = Arc::new(network.clone());
    let loss = |from: usize, to: usize| -> f64 {
        let features = dataset.features();
        let x = &dataset.train.x[from * features..to * features];
        let samples = Samples::regression(&network, x, &vec![0.0; to - from]);
        let objective = Objective::<f64>::new(network.clone(), Arc::new(samples), Statistics::Running);
        objective.evaluate(theta, state).loss
    };
    for start in [0, all - 2 * half] {
        let whole = loss(start, start + 2 * half);
        let halves = (loss(start, start + half) + loss(start + half, start + 2 * half)) / 2.0;
        if !whole.is_finite() {
            return Err(Error::expected("--data", "a finite loss at the exported weights", whole));
        }
        if (whole - halves).abs() > APART * whole.abs().max(halves.abs()) {
            return Ok(true);
        }
    }
    Ok(false)
}
