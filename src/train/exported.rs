//! Networks that PyTorch exported, with their data: what the file of the graph and the arrays of an archive say of each other.
//!
//! `--model model.pt2 --data npz:file=batch.npz` is all that a user says; [`settle`] fills in the rest, so that settings say
//! exactly which graph is trained on which arrays: its hash, what the data say of its symbols, whether the losses of samples
//! can be told apart, and the loss that completes a graph which ends in outputs.

use super::TrainSettings;
use crate::autodiff::{Bindings, Plan};
use crate::base::npz::{Archive, Sort};
use crate::base::registry::Registry;
use crate::base::{Error, Result, apart, files, notes};
use crate::data::text::Encoding;
use crate::data::{Arguments, Csv, Dataset, Npy, NpzFile, Preparation, Source, Standardize, Text};
use crate::nn::architectures::{Architecture, Exported};
use crate::nn::graph::{Dtype, Graph, Lowered, Sizes};
use crate::nn::inits::Initialize;
use crate::nn::losses::{Criterion, CrossEntropy, Excess, Loss};
use crate::nn::{Mode, Network, Objective, Samples, Spec, Statistics};
use std::path::Path;
use std::sync::Arc;

/// A graph with its data.
#[derive(Debug)]
pub struct Understood {
    /// The network.
    pub network: Network,
    /// The parameters in the file.
    pub theta: Vec<f64>,
    /// The statistics in the file.
    pub state: Vec<f64>,
    /// Whether parameters are stored in double precision.
    pub double: bool,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Where the samples come from.
    pub source: Source,
    /// The samples.
    pub dataset: Dataset,
}

/// How data of graphs are prepared: not at all, as the numbers mean what the network takes.
pub fn preparation() -> Preparation {
    Preparation::standardized(Standardize::None)
}

/// Reads a graph and its data; `loss` completes a graph that ends in outputs.
pub fn understand(path: &Path, data: Option<&Source>, loss: Option<&Loss>) -> Result<Understood> {
    let at = files::named(path);
    let (mut graph, sha256) = Graph::read_with_hash(path)?;
    graph.doubts.iter().for_each(|doubt| notes::say(&format!("{at}: {doubt}")));
    if let Some(loss) = loss {
        graph.complete(loss)?;
    }
    let names: Vec<&str> = graph.arguments.iter().map(|a| a.name.as_str()).collect();
    let given = match data {
        Some(Source::NpzFile(npz)) if !npz.file.is_empty() => Arguments::of(npz)?,
        Some(Source::Arguments(given)) if !given.file.is_empty() => given.clone(),
        other => {
            let expected =
                format!("npz:file=FILE with the arrays {}, the arguments of its forward", names.join(", "));
            let found = other.map_or("none".to_owned(), ToString::to_string);
            return Err(Error::expected("--data", expected, found));
        }
    };
    let (sizes, arguments) = arguments(&graph, given, loss.is_some())?;
    let mut exported = Exported {
        file: path.display().to_string(),
        sha256: sha256.clone(),
        batch: sizes.batch.clone(),
        sizes: sizes.others.iter().map(|(symbol, n)| format!("{symbol}={n}")).collect(),
        coupled: false,
        apart: false,
        loss: loss.map_or_else(String::new, ToString::to_string),
    };
    let packing = graph.packing(&sizes)?;
    let source = Source::Arguments(arguments);
    let dataset = Dataset::load(&source, 0, &preparation())?;
    check_groups(packing.group, &dataset)?;
    let spec = |exported: &Exported| Spec {
        model: exported.clone().into(),
        loss: Excess.into(),
        input: vec![packing.features],
        outputs: 1,
    };
    let (theta, state, double) = (graph.theta.clone(), graph.state(), graph.double);
    let network = Network::of_graph(graph, spec(&exported))?;
    for part in [&dataset.train, &dataset.test].into_iter().filter(|part| !part.is_empty()) {
        network.check_indices("--data", &part.x)?;
    }
    if packing.group.is_none() {
        exported.coupled = couples(&network, &dataset, &theta, &state)?;
        exported.apart = !exported.coupled && apart(&network, &dataset, &theta, &state);
    }
    let network = if exported.coupled || exported.apart { Network::new(spec(&exported))? } else { network };
    super::check_samples(&network, &dataset)?;
    if let Some(loss) = loss {
        check_targets(loss, &network, &dataset)?;
    }
    Ok(Understood { network, theta, state, double, sha256, source, dataset })
}

/// Refuses samples that are no whole groups, for a graph of a fixed batch.
fn check_groups(group: Option<usize>, dataset: &Dataset) -> Result<()> {
    for part in [&dataset.train, &dataset.test] {
        if let Some(group) = group.filter(|g| !part.len().is_multiple_of(*g)) {
            return Err(Error::expected("--data", format!("groups of {group} samples"), part.len()));
        }
    }
    Ok(())
}

/// Refuses targets that the loss which completes a graph has no meaning for. They are its last argument.
fn check_targets(loss: &Loss, network: &Network, dataset: &Dataset) -> Result<()> {
    let meant = |y: f64| match loss {
        Loss::Logistic(_) if (0.0..=1.0).contains(&y) => Ok(()),
        Loss::Logistic(_) => Err("answers from 0 to 1"),
        _ => loss.value(y).map(|_| ()),
    };
    let Some(target) = network.packing().and_then(|p| p.arguments.last()) else { return Ok(()) };
    for part in [&dataset.train, &dataset.test] {
        for row in part.x.chunks_exact(dataset.features()) {
            for y in &row[target.offset..][..target.size] {
                let at = || format!("--data: {} with --loss {}", target.name, loss.name());
                meant(*y).map_err(|expected| Error::expected(at(), expected, y))?;
            }
        }
    }
    Ok(())
}

/// The arrays of an archive as the graph's arguments. Weights of samples that nobody named are looked for where the loss is
/// one of ours: a loss inside a graph is computed as it was exported.
fn arguments(graph: &Graph, given: Arguments, look: bool) -> Result<(Sizes, Arguments)> {
    let path = &files::at_home(Path::new(&given.file));
    let at = files::named(path);
    apart::input(path)?;
    let mut archive = Archive::open(path)?;
    let mut shapes = Vec::new();
    for argument in &graph.arguments {
        let Some(header) = archive.header(&argument.name)? else {
            let there: Vec<String> = archive.names().iter().map(|name| files::brief(name)).take(8).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            let wanted: Vec<&str> = graph.arguments.iter().map(|a| a.name.as_str()).collect();
            let expected = format!("arrays {}, the arguments of forward", files::brief(&wanted.join(", ")));
            return Err(Error::expected(at, expected, there));
        };
        if argument.dtype != Dtype::Float && header.dtype.sort == Sort::Real {
            return Err(Error::expected(archive.place(&argument.name), "whole numbers", "others"));
        }
        shapes.push(header.shape);
    }
    let (sizes, _) = graph.sizes(&at, &shapes)?;
    let packing = graph.packing(&sizes)?;
    let names = packing.arguments.iter().map(|a| a.name.clone()).collect();
    let axes = packing.arguments.iter().map(|a| a.axis.map_or(-1, |axis| axis as i64)).collect();
    let (arguments, note) = Arguments { names, axes, ..given }.weighed(archive.names(), look);
    note.iter().for_each(|note| notes::say(&format!("{at}: {note}")));
    Ok((sizes, arguments))
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

/// Refuses what cannot be done to a graph and its data; graphs in settings are settled ones, or not looked at yet.
pub fn check(settings: &TrainSettings) -> Result<()> {
    let Architecture::Exported(_) = &settings.model else { return Ok(()) };
    let refuse = |flag: &str, expected: &str, found: String| Err(Error::expected(flag, expected, found));
    let Preparation { standardize, balance, label_noise, standardize_targets, .. } = &settings.preparation;
    if !matches!(standardize, Standardize::None | Standardize::Auto) {
        let expected = "none for an exported network, whose arrays mean what it takes";
        return refuse("--standardize", expected, standardize.to_string());
    }
    if *balance || *label_noise > 0.0 {
        let expected = "none for an exported network, which computes its loss itself";
        return refuse(if *balance { "--balance" } else { "--label-noise" }, expected, "some".to_owned());
    }
    if *standardize_targets {
        let expected = "none for an exported network, whose targets are among its arguments";
        return refuse("--standardize-targets", expected, "some".to_owned());
    }
    if settings.data_seed != TrainSettings::default().data_seed {
        let expected = "none for an exported network, whose samples keep the order of their file";
        return refuse("--data-seed", expected, settings.data_seed.to_string());
    }
    if !settings.augment.is_none() {
        let expected = "none for an exported network, whose arrays are not known to be images";
        return refuse("augmentation", expected, "some".to_owned());
    }
    match &settings.init {
        Some(init) if init.asks_layers() => {
            let expected = "one that draws each weight by itself, for an exported network without layers";
            refuse("--init", expected, init.to_string())
        }
        _ => Ok(()),
    }
}

/// Refuses `n` training samples, or batches of them, that are no whole groups, for a graph of a fixed batch.
pub fn check_for(settings: &TrainSettings, network: &Network, n: usize) -> Result<()> {
    let Some(group) = network.together().filter(|group| *group < usize::MAX) else { return Ok(()) };
    let expected = format!("a multiple of {group}, the size that was exported");
    if !n.is_multiple_of(group) {
        return Err(Error::expected("--samples", expected, n));
    }
    match settings.batch(n) {
        batch if !batch.is_multiple_of(group) => Err(Error::expected("--batch-size", expected, batch)),
        _ => match settings.workers {
            Some(workers) => Err(Error::expected("--workers", "none for a graph of a fixed batch", workers)),
            None => Ok(()),
        },
    }
}

/// Settings that name a graph by its file alone, with all that its file and its data say; others as they are.
pub fn settle(settings: TrainSettings) -> Result<TrainSettings> {
    settle_with(settings, &Loss::default())
}

/// The same where another loss than usual is the one that nobody asked for.
pub fn settle_with(settings: TrainSettings, usual: &Loss) -> Result<TrainSettings> {
    let Architecture::Exported(Exported { file, sha256, .. }) = &settings.model else {
        return of_layers(settings);
    };
    if !sha256.is_empty() {
        return Ok(settings);
    }
    if file.is_empty() {
        return Err(Error::expected("--model exported", "a graph, as --model model.pt2", "none"));
    }
    let path = files::at_home(Path::new(file));
    // A graph that has no loss gets the one of the settings; one that has takes no other.
    let own = Graph::read(&path)?.has_loss();
    let loss = (!own || settings.loss != *usual).then_some(&settings.loss);
    let understood = understand(&path, Some(&settings.data), loss)?;
    let spec = understood.network.spec();
    Ok(TrainSettings {
        model: spec.model.clone(),
        loss: spec.loss.clone(),
        data: understood.source,
        preparation: Preparation { standardize: Standardize::None, ..settings.preparation },
        ..settings
    })
}

/// Settings of a network of layers, with what model and loss ask of the data: numbers of tokens where an embedding comes first,
/// and samples left out that the loss ignores.
fn of_layers(settings: TrainSettings) -> Result<TrainSettings> {
    let tokens = matches!(&settings.model, Architecture::Layers(layers) if layers.takes_tokens());
    let ignored = ignored(&settings.loss);
    // What the data leave out by themselves stays left out.
    let ignore = |own: i64| if own == CrossEntropy::default().ignore { ignored.unwrap_or(own) } else { own };
    let data = match settings.data {
        Source::NpzFile(npz) => {
            NpzFile { tokens: npz.tokens || tokens, ignore: ignore(npz.ignore), ..npz }.into()
        }
        Source::Npy(npy) => Npy { tokens: npy.tokens || tokens, ignore: ignore(npy.ignore), ..npy }.into(),
        Source::Csv(csv) => Csv { ignore: ignore(csv.ignore), ..csv }.into(),
        Source::Text(text) if tokens => Text { encoding: Encoding::Tokens, ..text }.into(),
        other => other,
    };
    check_ignored(&settings.loss, &data)?;
    Ok(TrainSettings { data, ..settings })
}

/// The label that a loss ignores, where it is not the usual one.
fn ignored(loss: &Loss) -> Option<i64> {
    match loss {
        Loss::CrossEntropy(loss) => Some(loss.ignore).filter(|n| *n != CrossEntropy::default().ignore),
        _ => None,
    }
}

/// Refuses a loss that ignores a label which the data do not leave out.
pub fn check_ignored(loss: &Loss, data: &Source) -> Result<()> {
    let left_out = match data {
        Source::NpzFile(npz) => Some(npz.ignore),
        Source::Npy(npy) => Some(npy.ignore),
        Source::Csv(csv) => Some(csv.ignore),
        _ => None,
    };
    match ignored(loss) {
        Some(label) if left_out != Some(label) => {
            let expected = format!("data of npz, npy or csv that leave label {label} out (ignore={label})");
            Err(Error::expected("--loss cross-entropy: ignore", expected, data.title()))
        }
        _ => Ok(()),
    }
}
