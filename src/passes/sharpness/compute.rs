//! One network after the other: its loss and gradient, operators and their spectra, measures.

use super::result::{Found, eigenvalue, estimate};
use super::shifted::shifted;
use super::{Matrix, SharpnessResult, SharpnessSettings, Task};
use crate::autodiff::{Curvature, Element};
use crate::base::{Error, Precision, Result, Streams, interrupt};
use crate::landscape::hessian::Curved;
use crate::landscape::noise::noise_scale;
use crate::landscape::sharpness::{Here, Sharp};
use crate::nn::{Network, Objective, Samples, Statistics};
use crate::passes::Run;
use crate::passes::run::{gibibytes, names, rounded, title};
use crate::passes::statistics::{Policy, Stats};
use crate::passes::training::evaluations;
use crate::spectral::operators::{Plus, Restricted, Scaled};
use crate::spectral::{Ends, Operator, Wanted, ends, trace};
use crate::train::samples;
use crate::with_precision;
use serde_json::{Map, Value, json};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// What an observer hears, from any thread.
#[derive(Clone, Copy, Debug)]
pub enum SharpnessEvent<'a> {
    /// Before a network.
    Begins {
        /// What it is.
        title: &'a str,
        /// Number of parameters that the operator has.
        parameters: usize,
        /// Which, of how many.
        network: (usize, usize),
        /// Products with vectors that will be needed, about.
        products: usize,
        /// Seconds that they will take, about.
        seconds: f64,
        /// Bytes that they will hold, about.
        bytes: usize,
    },
    /// What is computed now.
    Stage(&'a str),
    /// So many products more.
    Products(usize),
}

/// Whoever hears of it.
pub type Observe<'a> = &'a (dyn Fn(SharpnessEvent) + Sync);

/// Computes the sharpness of one network or several.
pub fn run(settings: &SharpnessSettings, runs: &[Run], observe: Observe) -> Result<SharpnessResult> {
    settings.check(runs.len())?;
    let labels = names(&settings.labels, runs);
    let mut found = Vec::new();
    for (i, (run, label)) in runs.iter().zip(labels.clone()).enumerate() {
        let settings = settings.resolved(run.network.spec().outputs, run.dataset.train.len());
        let precision = settings.precision.unwrap_or(run.precision);
        let job = Job { settings: &settings, run, label, network: (i, runs.len()), precision, observe };
        found.push(with_precision!(precision, E => job.compute::<E>())?);
    }
    let shifted = match settings.has(Task::Shift) || settings.full && settings.compute.is_empty() {
        true => {
            observe(SharpnessEvent::Stage("shifted data"));
            let done = shifted(runs, &labels, &settings.shift(), &|_, _| {});
            match done {
                // Not all networks can be compared so, nor all data be shifted: no reason to refuse all the rest.
                Err(Error::Request { what, .. }) if settings.full && settings.shifts.is_empty() => Err(what),
                done => Ok(Some(done?)),
            }
        }
        false => Ok(None),
    };
    SharpnessResult::assemble(settings, runs, found, shifted)
}

pub(super) struct Job<'a> {
    settings: &'a SharpnessSettings,
    run: &'a Run,
    label: String,
    /// Which, of how many.
    network: (usize, usize),
    precision: Precision,
    observe: Observe<'a>,
}

/// A network at its minimum.
pub(super) struct Place<'a, E> {
    pub(super) job: &'a Job<'a>,
    policy: Policy,
    pub(super) objective: &'a Objective<E>,
    /// The same samples with targets of the network's own, or why there are none.
    drawn: Option<Result<Objective<E>>>,
    pub(super) theta: Vec<E>,
    state: Vec<E>,
    /// What the operators are restricted to.
    pub(super) kept: Vec<Range<usize>>,
    pub(super) streams: Streams,
    memory: usize,
}

/// Tells of products as they are made, and stops when somebody asks for it.
struct Counted<'a> {
    inner: &'a dyn Operator,
    observe: Observe<'a>,
}

impl Operator for Counted<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let products = self.inner.apply(block, k);
        (self.observe)(SharpnessEvent::Products(k));
        products
    }
}

/// Where the parameters lie that the settings name: all, or those of some layers and roles.
fn kept(settings: &SharpnessSettings, network: &Network) -> Result<Vec<Range<usize>>> {
    let layout = network.layout();
    let within = |name: &str, layer: &String| {
        name.strip_prefix(layer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if let Some(layer) = settings.layer.iter().find(|l| !layout.parameters.iter().any(|p| within(&p.name, l)))
    {
        let mut names: Vec<&str> = layout.parameters.iter().map(|p| p.name.as_str()).collect();
        let stems: Vec<&str> =
            names.iter().filter_map(|n| n.rsplit_once('.').map(|(stem, _)| stem)).collect();
        names.extend(stems);
        names.dedup();
        return Err(crate::base::registry::unknown("--layer", layer, names));
    }
    let chosen = layout.parameters.iter().filter(|p| {
        (settings.layer.is_empty() || settings.layer.iter().any(|l| within(&p.name, l)))
            && (settings.role.is_empty() || settings.role.contains(&p.role))
    });
    let ranges: Vec<Range<usize>> = chosen.map(|p| p.range()).collect();
    match ranges.is_empty() {
        true => Err(Error::expected("--layer, --role", "parameters", "none that are both")),
        false => Ok(ranges),
    }
}

impl Job<'_> {
    fn compute<E: Element>(&self) -> Result<Found> {
        let (settings, run) = (self.settings, self.run);
        let network = Arc::new(run.network.clone());
        let dataset = crate::passes::run::cut(run.dataset.clone(), settings.samples, "--samples")?;
        let kept = kept(settings, &network)?;
        let single = |v: &[f64], what: &str| -> Result<Vec<E>> {
            Ok(rounded::<E>(v, what, self.precision)?.into_iter().map(E::from_f64).collect())
        };
        let (theta, state) = (single(&run.theta, "weights")?, single(&run.state, "statistics")?);
        let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size)?;
        let memory = gibibytes(settings.memory)?;
        policy.check_samples(&network, "training", dataset.train.len())?;
        policy.check_samples(&network, "test", dataset.test.len())?;
        let train: Arc<Samples<E>> = samples(&network, &dataset.train);
        let objective = Objective::new(network.clone(), train.clone(), policy.evaluation());
        if objective.bytes() > memory {
            let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
            let mib = objective.bytes() as f64 / f64::from(1 << 20);
            return Err(Error::expected("--stat-batch", expected, format!("{}, {mib:.1} MiB", policy.group)));
        }
        let test =
            Objective::new(network.clone(), samples::<E>(&network, &dataset.test), policy.evaluation());
        let streams = Streams::new(settings.seed);
        let drawn = (settings.operator == Matrix::Fisher || settings.has(Task::Matrices))
            .then(|| objective.drawn(&theta, &state, settings.draws, &streams));
        let place =
            Place { job: self, policy, objective: &objective, drawn, theta, state, kept, streams, memory };

        let mut found = Found { label: self.label.clone(), ..Found::default() };
        let (evaluation, gradient) = objective.gradient(&place.theta, &place.state);
        let tested = (!dataset.test.is_empty()).then(|| test.evaluate(&place.theta, &place.state));
        let (center, center_status) = evaluations(&evaluation, tested.as_ref());
        interrupt::check("sharpness", "nothing was written")?;
        let p = place.theta.len();
        let dimension: usize = place.kept.iter().map(Range::len).sum();
        let facts = json!({
            "title": title(&network, &dataset),
            "label": self.label,
            "network": network.spec(),
            "precision": self.precision,
            "parameters": p,
            "dimension": dimension,
            "operator": settings.operator,
            "matrix": settings.operator.title(),
            "data": run.data,
            "data_sha256": run.data.sha256,
            "weights_sha256": run.origin.as_ref().map(|o| &o.sha256),
            "samples": {"train": dataset.train.len(), "test": dataset.test.len()},
            "norm_statistics": policy.words(false),
            "center": center,
            "center_status": center_status,
        });
        if let Value::Object(facts) = facts {
            found.summary.extend(facts);
        }
        place.spectra(&mut found, &gradient)?;
        place.others(&mut found)?;
        if settings.has(Task::Noise) {
            place.noise(&mut found, &train)?;
        }
        if settings.has(Task::Measures) {
            place.measures(&mut found, &train)?;
        }
        let keys: Vec<&str> = found.rows.iter().map(|row| row.key.as_str()).collect();
        found.summary.insert("measure_keys".to_owned(), json!(keys));
        let rows: Map<String, Value> = std::mem::take(&mut found.rows)
            .into_iter()
            .map(|row| {
                let of = |q| super::result::quantity(q);
                let columns =
                    json!({"label": row.label, "raw": of(&row.raw), "invariant": of(&row.invariant)});
                (row.key, columns)
            })
            .collect();
        found.summary.insert("measures".to_owned(), Value::Object(rows));
        Ok(found)
    }
}

impl<E: Element> Place<'_, E> {
    pub(super) fn settings(&self) -> &SharpnessSettings {
        self.job.settings
    }

    pub(super) fn stage(&self, what: &str) -> Result<()> {
        (self.job.observe)(SharpnessEvent::Stage(what));
        interrupt::check("sharpness", "nothing was written")
    }

    /// A matrix restricted to what the settings keep, without weight decay; the second argument says whether it is the
    /// whole.
    fn with<R>(&self, matrix: Matrix, work: impl FnOnce(&dyn Operator) -> Result<R>) -> Result<R> {
        let fisher = matches!(matrix, Matrix::Fisher | Matrix::EmpiricalFisher);
        if fisher && self.policy.stats == Some(Stats::Batch) {
            let expected = "running statistics, with which each sample has a gradient of its own";
            return Err(Error::expected(
                format!("--operator {}", matrix.key().replace('_', "-")),
                expected,
                "--stats batch",
            ));
        }
        let (objective, curvature) = match (matrix, &self.drawn) {
            (Matrix::Hessian, _) => (self.objective, Curvature::Hessian),
            (Matrix::GaussNewton, _) => (self.objective, Curvature::GaussNewton),
            (Matrix::Fisher, Some(Ok(drawn))) => (drawn, Curvature::Fisher),
            (Matrix::Fisher, Some(Err(e))) => return Err(Error::request("--operator fisher", e.to_string())),
            (Matrix::Fisher | Matrix::EmpiricalFisher, _) => (self.objective, Curvature::Fisher),
        };
        let curved = Curved(objective.linearize(&self.theta, &self.state, curvature, self.memory));
        let counted = Counted { inner: &curved, observe: self.job.observe };
        let all = self.kept.iter().map(Range::len).sum::<usize>() == self.theta.len();
        match all {
            true => work(&counted),
            false => work(&Restricted::new(&counted, self.kept.clone())?),
        }
    }

    /// What a vector of the whole has where the operators are.
    pub(super) fn narrow<T: Copy>(&self, whole: &[T]) -> Vec<T> {
        self.kept.iter().flat_map(|range| &whole[range.clone()]).copied().collect()
    }

    pub(super) fn ends(&self, operator: &dyn Operator, wanted: Wanted, stream: &str) -> Result<Ends> {
        let n = operator.dimension();
        let wanted = Wanted { top: wanted.top.min(n), bottom: wanted.bottom.min(n) };
        ends(operator, wanted, &mut self.streams.stream(stream, 0), &self.settings().lanczos())
    }

    /// Products that all of it takes, about: a certificate for the first pairs, another for further ones, two for what
    /// the searches find.
    fn planned(&self, n: usize) -> usize {
        let s = self.settings();
        let certificate = s.lanczos().certifying_steps(n);
        let (top, probes) = (s.top.unwrap_or(1), s.probes.unwrap_or(30));
        let several = if top.max(s.bottom) > 1 { 3 * certificate + top } else { certificate };
        let invariant = usize::from(s.columns.invariant());
        let of = |task: Task| match task {
            Task::Eigenvalues => several + invariant * certificate,
            Task::Power => 10 * certificate,
            Task::Trace => probes * (1 + invariant),
            Task::Norms => 3 * probes,
            Task::Density => s.density_steps.min(n) * s.density_probes,
            Task::LogDeterminant => s.density_steps.min(n) * probes,
            Task::Matrices => 4 * (certificate + probes),
            Task::Noise | Task::Measures | Task::Shift => 0,
        };
        s.compute.iter().map(|task| of(*task)).sum()
    }

    /// Tells what is ahead, from the time of one product.
    fn announce(&self, operator: &dyn Operator, name: &str) {
        let n = operator.dimension();
        let start = Instant::now();
        operator.apply(&vec![1.0; n], 1);
        let products = self.planned(n);
        let s = self.settings();
        let vectors = (s.lanczos().certifying_steps(n) + 8).max(8 * s.density_steps.min(n));
        (self.job.observe)(SharpnessEvent::Begins {
            title: name,
            parameters: n,
            network: self.job.network,
            products,
            seconds: start.elapsed().as_secs_f64() * products as f64,
            bytes: vectors * n * size_of::<f64>() + self.objective.bytes() * rayon::current_num_threads(),
        });
    }

    /// Everything that the chosen matrix is asked for.
    fn spectra(&self, found: &mut Found, gradient: &[f64]) -> Result<()> {
        let s = self.settings();
        let title = found.summary["title"].as_str().unwrap_or_default().to_owned();
        self.with(s.operator, |operator| {
            self.announce(operator, &title);
            let n = operator.dimension();
            let decay = Plus::new(operator, vec![s.weight_decay; n]);
            let whole: &dyn Operator = if s.weight_decay > 0.0 { &decay } else { operator };
            // Element by element |theta|: D A D is left alone by rescaling, as the loss at theta + |theta| u is.
            let magnitudes: Vec<f64> = self.narrow(&self.theta).iter().map(|t| t.to_f64().abs()).collect();
            let scaled = Scaled::new(operator, magnitudes);
            let invariant = s.columns.invariant();
            if s.has(Task::Eigenvalues) {
                self.eigenvalues(found, whole, invariant.then_some(&scaled), gradient)?;
            }
            if s.has(Task::Power) {
                self.power(found, whole)?;
            }
            if s.has(Task::Trace) {
                self.trace(found, whole, invariant.then_some(&scaled))?;
            }
            if s.has(Task::Norms) {
                self.norms(found, whole)?;
            }
            if s.has(Task::Density) {
                self.density(found, whole)?;
            }
            Ok(())
        })?;
        self.outliers(found);
        Ok(())
    }

    /// What is asked of other matrices.
    fn others(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        if s.has(Task::LogDeterminant) {
            self.with(Matrix::GaussNewton, |operator| {
                self.stage("log-determinant of the Gauss-Newton matrix")?;
                // As many as traces have, which are enough for an interval.
                let rules = self.quadrature(operator, s.probes.unwrap_or(30))?;
                let mut log = estimate(&rules.log_determinant(s.eps));
                let mut dimension = estimate(&rules.effective_dimension(s.eps));
                for value in [&mut log, &mut dimension] {
                    value["eps"] = s.eps.into();
                    value["matrix"] = Matrix::GaussNewton.key().into();
                }
                found.summary.insert("log_determinant".to_owned(), log);
                found.summary.insert("effective_dimension".to_owned(), dimension);
                Ok(())
            })?;
        }
        if s.has(Task::Matrices) {
            let mut all = Map::new();
            for matrix in [Matrix::Hessian, Matrix::GaussNewton, Matrix::Fisher, Matrix::EmpiricalFisher] {
                let own = self.with(matrix, |operator| {
                    self.stage(matrix.title())?;
                    let own = self.ends(operator, Wanted { top: 1, bottom: 0 }, "sharpness/matrices")?;
                    let trace = trace::hutchinson(operator, s.probes.unwrap_or(30), &self.streams)?;
                    Ok(json!({"lambda_max": eigenvalue(own.top.first(), &own), "trace": estimate(&trace)}))
                });
                // Some have no Fisher matrix: a fact of the network, not of the request.
                let own = match own {
                    Err(Error::Request { what, .. }) => json!({"status": what}),
                    own => own?,
                };
                all.insert(matrix.key().to_owned(), own);
            }
            found.summary.insert("matrices".to_owned(), Value::Object(all));
        }
        Ok(())
    }

    fn noise(&self, found: &mut Found, samples: &Arc<Samples<E>>) -> Result<()> {
        self.stage("gradient noise scale")?;
        // As many as training had, and at most what leaves something to compare.
        let trained = self.job.run.data.batch_size.unwrap_or(crate::train::settings::BATCH);
        let small = self.settings().noise_batch.unwrap_or(trained.min(samples.len() / 2));
        let layout = self.objective.network().layout();
        let coupled = self.objective.statistics() != Statistics::Running;
        let least = if coupled { layout.fewest_samples() } else { 1 };
        if small < least {
            if self.settings().noise_batch.is_some() {
                return layout.check_group("--noise-batch", small);
            }
            // A default that few samples leave no room for is no reason to refuse the rest.
            let status = format!("not computed: two batches take at least {} samples", 2 * least);
            found.summary.insert("noise_scale".to_owned(), json!({"value": null, "status": status}));
            return Ok(());
        }
        let noise = noise_scale(self.objective, samples, &self.theta, &self.state, small, &self.streams)?;
        let mut value = crate::passes::to_json(&noise)?;
        value["status"] = match noise.value.is_finite() {
            true => "computed".into(),
            false => "the mean gradient is smaller than what its noise lets see".into(),
        };
        found.summary.insert("noise_scale".to_owned(), value);
        Ok(())
    }

    fn measures(&self, found: &mut Found, samples: &Arc<Samples<E>>) -> Result<()> {
        let s = self.settings();
        let at = (self.theta.as_slice(), self.state.as_slice());
        let here = Here::new(self.objective, samples, at, &self.streams, self.memory);
        for measure in &s.measures {
            self.stage(crate::base::registry::Registry::name(measure))?;
            for mut row in measure.rows(&here)? {
                row.raw = row.raw.filter(|_| s.columns.raw());
                row.invariant = row.invariant.filter(|_| s.columns.invariant());
                found.rows.push(row);
            }
        }
        found.summary.insert("measures_cost".to_owned(), crate::passes::to_json(&here.spent())?);
        Ok(())
    }
}
