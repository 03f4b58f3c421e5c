//! Where descents start.
//!
//! | kind | points |
//! |---|---|
//! | `initial` | draws of the initializer, times a factor |
//! | `training` | snapshots of training runs |
//! | `minimum` | ends of training runs, with noise |
//! | `saddle` | saddles of known form, with noise |
//!
//! Saddles of known form. With all weights zero and output biases at their minimum, a network whose hidden units are then
//! all alike is critical. From a critical point of a network with one unit less, those of Fukumizu and Amari 2000 ("Local
//! minima and plateaus in hierarchical structures of multilayer perceptrons") come by doubling a unit, whose two copies
//! share its outgoing weights as s and 1 - s, or by adding one without weights. A factorization W2 W1 of M = sum_i s_i
//! u_i v_i' is critical at W2 = sum_S sqrt(s_i) u_i e_k', W1 = sum_S sqrt(s_i) e_k v_i' for any set S of at most rank
//! singular triples (Baldi and Hornik 1989).

use super::CriticalSettings;
use crate::base::random::{Rng, normal};
use crate::base::{Error, Result, Streams, parallel};
use crate::data::{Dataset, Targets};
use crate::landscape::newton::{self, Held, Loss, Surface, descend};
use crate::nn::architectures::{Architecture, Mlp};
use crate::nn::layout::{Layout, Role};
use crate::nn::losses;
use crate::nn::norms::Norm;
use crate::nn::{Network, Objective, Statistics};
use crate::spectral::Dense;
use crate::train::{Event, TrainSettings, network, samples, train};
use rand::RngExt;
use rand::seq::SliceRandom;
use std::sync::Arc;

/// What kind of start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A draw of the initializer.
    Initial,
    /// On the way of a training run.
    Training,
    /// Around the end of one.
    Minimum,
    /// Around a saddle of known form.
    Saddle,
}

impl Kind {
    /// All of them; results record the position.
    pub const ALL: [Self; 4] = [Self::Initial, Self::Training, Self::Minimum, Self::Saddle];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Training => "training",
            Self::Minimum => "minimum",
            Self::Saddle => "saddle",
        }
    }
}

/// A saddle of known form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All weights zero.
    Zero,
    /// A unit twice.
    Doubled,
    /// A unit without weights.
    Silent,
    /// Some of the singular vectors.
    Singular,
}

impl Form {
    /// All of them; results record the position.
    pub const ALL: [Self; 4] = [Self::Zero, Self::Doubled, Self::Silent, Self::Singular];

    /// As results name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Doubled => "doubled-unit",
            Self::Silent => "silent-unit",
            Self::Singular => "singular-vectors",
        }
    }
}

/// One start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its kind.
    pub kind: Kind,
    /// Its form, if it is a saddle.
    pub form: Option<Form>,
    /// Its number among those of its kind.
    number: usize,
}

/// A run of training, as far as starts need it.
struct Run {
    /// Snapshots before the end.
    way: Vec<Vec<f64>>,
    end: Vec<f64>,
}

/// What all starts of a search share.
pub struct Starts<'a> {
    settings: &'a CriticalSettings,
    network: Arc<Network>,
    objective: &'a Objective<f64>,
    dataset: &'a Dataset,
    runs: Vec<Run>,
    /// Critical points of a network with one unit less, as far as one was found: of each run.
    narrower: Vec<(Arc<Network>, Vec<f64>)>,
    forms: Vec<Form>,
}

/// The saddles of known form that there are.
pub fn forms(settings: &CriticalSettings, dataset: &Dataset) -> Vec<Form> {
    match &settings.model {
        Architecture::Mlp(mlp) if mlp.residual == 0 && mlp.norm == Norm::default() => {
            match mlp.hidden.last() {
                None => Vec::new(),
                Some(1) => vec![Form::Zero],
                Some(_) => vec![Form::Zero, Form::Doubled, Form::Silent],
            }
        }
        Architecture::MatrixFactorization(_)
            if matches!(settings.loss, losses::Loss::SquaredError(_)) && matrix(dataset).is_some() =>
        {
            vec![Form::Singular]
        }
        _ => Vec::new(),
    }
}

/// The matrix whose factors are sought, row-major with a row an input, where each sample is another column of the identity
/// and all is observed.
fn matrix(dataset: &Dataset) -> Option<Vec<f64>> {
    let (n, columns) = (dataset.train.len(), dataset.outputs);
    let Targets::Values(values) = &dataset.train.y else { return None };
    if dataset.features() != n || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    // Samples are in random order.
    let mut rows: Vec<Option<&[f64]>> = vec![None; n];
    for (x, row) in dataset.train.x.chunks(n).zip(values.chunks(columns)) {
        let one = x.iter().position(|x| *x == 1.0)?;
        if x.iter().enumerate().any(|(i, x)| i != one && *x != 0.0) {
            return None;
        }
        rows[one] = Some(row);
    }
    rows.into_iter().collect::<Option<Vec<&[f64]>>>().map(|rows| rows.concat())
}

/// The starts in order; saddles only where there are some of known form.
pub fn list(settings: &CriticalSettings, forms: &[Form]) -> Vec<Start> {
    let of = |kind: Kind, count: usize| {
        (0..count).map(move |number| {
            let form = (kind == Kind::Saddle).then(|| forms[number % forms.len()]);
            Start { kind, form, number }
        })
    };
    let saddles = if forms.is_empty() { 0 } else { settings.saddle };
    of(Kind::Initial, settings.initial)
        .chain(of(Kind::Training, settings.training))
        .chain(of(Kind::Minimum, settings.minimum))
        .chain(of(Kind::Saddle, saddles))
        .collect()
}

impl<'a> Starts<'a> {
    /// Trains what the starts need.
    pub fn new(
        settings: &'a CriticalSettings,
        objective: &'a Objective<f64>,
        dataset: &'a Dataset,
        forms: Vec<Form>,
    ) -> Result<Self> {
        let runs = settings.runs.min(settings.training.max(settings.minimum));
        let runs = parallel::try_map(runs, &|run| {
            let trained = trained(&settings.train(run), dataset)?;
            let (end, way) = trained.split_last().map_or((Vec::new(), &[][..]), |(e, w)| (e.clone(), w));
            // The start of training is a draw of the initializer.
            let way = if way.len() > 1 { &way[1..] } else { way };
            Ok(Run { way: way.to_vec(), end })
        })?;
        let embedded = settings.saddle > 0 && forms.contains(&Form::Doubled);
        let count = if embedded { settings.runs.min(settings.saddle) } else { 0 };
        let narrower = parallel::try_map(count, &|run| narrower(settings, dataset, run))?;
        let network = objective.network().clone();
        Ok(Self { settings, network, objective, dataset, runs, narrower, forms })
    }

    /// The parameters of a start.
    pub fn point(&self, start: &Start) -> Result<Vec<f64>> {
        let (settings, number) = (self.settings, start.number);
        let streams = Streams::new(settings.seed);
        let mut rng = streams.stream(&format!("critical/{}", start.kind.name()), number as u64);
        let turn = |list: &[f64], at: usize| list[at % list.len()];
        Ok(match start.kind {
            Kind::Initial => {
                let own = Streams::new(settings.seed.wrapping_add(number as u64));
                let mut theta = self.network.init(&settings.init, &own);
                self.network.adapt(&settings.init, &self.dataset.train.x, &mut theta);
                let factor = turn(&settings.scales, number);
                theta.iter_mut().for_each(|t| *t *= factor);
                theta
            }
            Kind::Training => {
                let (run, at) = (&self.runs[number % self.runs.len()], number / self.runs.len());
                match run.way.len() {
                    0 => run.end.clone(),
                    n => run.way[at % n].clone(),
                }
            }
            Kind::Minimum => {
                let (run, at) = (&self.runs[number % self.runs.len()], number / self.runs.len());
                let size = (run.end.iter().map(|t| t * t).sum::<f64>() / run.end.len() as f64).sqrt();
                noisy(run.end.clone(), turn(&settings.noise, at) * size, &mut rng)
            }
            Kind::Saddle => {
                let run = number / self.forms.len().max(1);
                let theta = match start.form {
                    Some(Form::Singular) => self.singular(run, &mut rng)?,
                    Some(form @ (Form::Doubled | Form::Silent)) => self.embedded(form, run, &mut rng),
                    _ => self.zero()?,
                };
                noisy(theta, settings.perturbation, &mut rng)
            }
        })
    }

    /// No weights, and output biases where the loss is least.
    fn zero(&self) -> Result<Vec<f64>> {
        let layout = self.network.layout();
        let theta = vec![0.0; layout.size()];
        let Some(bias) = layout.parameters.last().filter(|p| p.role == Role::Bias) else { return Ok(theta) };
        let state = self.network.start(&theta);
        let whole = Loss { objective: self.objective, state: &state };
        let held = Held { inner: &whole, theta: &theta, free: bias.range() };
        let found = descend(&held, &vec![0.0; held.dimension()], &newton::Settings::default())?;
        Ok(held.point(&found.theta))
    }

    /// A critical point of a narrower network with a unit more.
    fn embedded(&self, form: Form, run: usize, rng: &mut Rng) -> Vec<f64> {
        let (narrow, theta) = &self.narrower[run % self.narrower.len()];
        let units = last_hidden(narrow.layout()).map_or(1, |w| narrow.layout().parameters[w].shape[0]);
        let unit = rng.random_range(0..units);
        // Between 0 and 1 and beyond, where the index is another one (Fukumizu and Amari 2000).
        let share = rng.random_range(-0.5..1.5);
        embed(narrow.layout(), self.network.layout(), theta, form, (unit, share))
    }

    /// Balanced factors of some singular triples: as many as the number of the start says, in turn, drawn at random.
    fn singular(&self, number: usize, rng: &mut Rng) -> Result<Vec<f64>> {
        let (n, m) = (self.dataset.train.len(), self.dataset.outputs);
        let rank = match &self.settings.model {
            Architecture::MatrixFactorization(model) => model.rank,
            _ => 0,
        };
        let Some(values) = matrix(self.dataset) else { return Ok(Vec::new()) };
        let least = n.min(m);
        let triples = triples(&values, n, m)?;
        let mut order: Vec<usize> = (0..least).collect();
        order.shuffle(rng);
        let chosen = &order[..number % (rank.min(least) + 1)];
        // The first weight is rank x n, the second m x rank.
        let mut theta = vec![0.0; rank * (n + m)];
        for (k, i) in chosen.iter().enumerate() {
            let (s, u, v) = &triples[*i];
            for (a, u) in u.iter().enumerate() {
                theta[k * n + a] = s.sqrt() * u;
            }
            for (b, v) in v.iter().enumerate() {
                theta[rank * n + b * rank + k] = s.sqrt() * v;
            }
        }
        Ok(theta)
    }
}

/// Singular value, left and right singular vector.
type Triple = (f64, Vec<f64>, Vec<f64>);

/// The singular triples of a matrix of n rows and m columns, row-major, largest first: from the eigenpairs (u, v) / sqrt 2
/// of [0 M; M' 0], which squares nothing.
fn triples(values: &[f64], n: usize, m: usize) -> Result<Vec<Triple>> {
    let size = n + m;
    let mut both = vec![0.0; size * size];
    for i in 0..n {
        for j in 0..m {
            both[i * size + n + j] = values[i * m + j];
            both[(n + j) * size + i] = values[i * m + j];
        }
    }
    let eigen = Dense::new(size, both).eigen()?;
    let triple = |k: usize| {
        let vector: Vec<f64> =
            eigen.vectors.col_as_slice(size - 1 - k).iter().map(|x| x * 2f64.sqrt()).collect();
        (eigen.values[size - 1 - k].max(0.0), vector[..n].to_vec(), vector[n..].to_vec())
    };
    Ok((0..n.min(m)).map(triple).collect())
}

fn noisy(mut theta: Vec<f64>, size: f64, rng: &mut Rng) -> Vec<f64> {
    theta.iter_mut().for_each(|t| *t += size * normal(rng));
    theta
}

/// The snapshots of a run, its end last.
fn trained(settings: &TrainSettings, dataset: &Dataset) -> Result<Vec<Vec<f64>>> {
    let trained = train::<f64>(settings, dataset, None, &mut |_: Event| {})?;
    let mut all: Vec<Vec<f64>> = trained.trajectory.into_iter().map(|(_, p)| p.theta).collect();
    all.retain(|theta| theta.iter().all(|t| t.is_finite()));
    if all.last() != Some(&trained.point.theta) && trained.point.is_finite() {
        all.push(trained.point.theta);
    }
    if all.is_empty() {
        Err(Error::unmet("training", format!("no finite weights with {}", settings.optimizer)))
    } else {
        Ok(all)
    }
}

/// A network with one unit less in its last hidden layer, trained, and brought to a critical point if one is near.
fn narrower(settings: &CriticalSettings, dataset: &Dataset, run: usize) -> Result<(Arc<Network>, Vec<f64>)> {
    let mut own = settings.train(run);
    if let Architecture::Mlp(Mlp { hidden, .. }) = &mut own.model
        && let Some(units) = hidden.last_mut()
    {
        *units -= 1;
    }
    own.snapshots = None;
    let network = Arc::new(network(&own, dataset)?);
    let end = trained(&own, dataset)?.pop().unwrap_or_default();
    let objective = Objective::new(network.clone(), samples(&network, &dataset.train), Statistics::Running);
    let state = network.start(&end);
    let found = descend(&Loss { objective: &objective, state: &state }, &end, &settings.newton())?;
    let theta = if found.stopped == newton::Stopped::Critical { found.theta } else { end };
    Ok((network, theta))
}

/// Position of the last hidden layer's weight among the parameters.
fn last_hidden(layout: &Layout) -> Option<usize> {
    let weights = layout.parameters.iter().enumerate().filter(|(_, p)| p.role == Role::Weight);
    weights.map(|(i, _)| i).rev().nth(1)
}

/// The parameters `theta` of `narrow` in `wide`, whose last hidden layer has a unit more: another copy of `unit` with a
/// share of its outgoing weights, or one without weights.
fn embed(narrow: &Layout, wide: &Layout, theta: &[f64], form: Form, (unit, share): (usize, f64)) -> Vec<f64> {
    let mut out = vec![0.0; wide.size()];
    let Some(hidden) = last_hidden(narrow) else { return out };
    let doubled = form == Form::Doubled;
    for (i, (from, to)) in narrow.parameters.iter().zip(&wide.parameters).enumerate() {
        let (old, new) = (&theta[from.range()], &mut out[to.range()]);
        if from.size() == to.size() {
            new.copy_from_slice(old);
        } else if i == hidden || from.role == Role::Bias {
            // A row more, or one bias.
            let row = from.size() / from.shape[0];
            new[..old.len()].copy_from_slice(old);
            if doubled {
                new[old.len()..].copy_from_slice(&old[unit * row..(unit + 1) * row]);
            }
        } else {
            // A column more.
            let (units, all) = (from.shape[1], to.shape[1]);
            for (old, new) in old.chunks_exact(units).zip(new.chunks_exact_mut(all)) {
                new[..units].copy_from_slice(old);
                if doubled {
                    (new[unit], new[units]) = (share * old[unit], (1.0 - share) * old[unit]);
                }
            }
        }
    }
    out
}
