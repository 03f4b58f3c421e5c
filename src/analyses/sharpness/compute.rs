//! One network after the other: its loss and gradient, operators and their spectra, measures.

use super::keep::{Division, Parts, Whose};
use super::plan;
use super::result::{Found, eigenvalue, estimate};
use super::shifted::{Shifted, shifted};
use super::{Matrix, SharpnessResult, SharpnessSettings, Task};
use crate::analyses::progress::{Observe, Progress};
use crate::analyses::run::{gibibytes, names, rounded, title, used};
use crate::analyses::statistics::{Policy, Stats};
use crate::analyses::training::evaluations;
use crate::analyses::{Run, Share};
use crate::autodiff::Curvature;
use crate::base::npz::Npz;
use crate::base::{Error, Precision, Result, Streams, interrupt, memory, shown};
use crate::landscape::hessian::Curved;
use crate::landscape::noise::{batch_size, noise_scale};
use crate::landscape::sharpness::{Here, Sharp};
use crate::nn::{At, MeanLoss, Network, Statistics};
use crate::spectral::operators::{Plus, Restricted, Scaled};
use crate::spectral::{Dense, Ends, Exact, Known, Operator, Settings, SoFar, Wanted};
use crate::train::loss;
use serde_json::{Map, Value, json};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Computes the sharpness of one network or several. Finished parts and products are kept where `share` says, and not
/// computed again; there is no result where some of the parts are all that is wanted.
pub fn run(
    settings: &SharpnessSettings,
    runs: &[Run],
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<SharpnessResult>> {
    settings.check(runs.len())?;
    let division = &Division::new(share);
    let labels = names(&settings.labels, runs);
    let (resolved, left) = plan::resolve(settings, runs)?;
    if !left.is_empty() {
        let quick = if settings.quick { "quick: " } else { "" };
        observe(Progress::Says(format!("{quick}leaves out {}", left.join("; "))));
    }
    let mut found = Vec::new();
    for (i, ((run, label), settings)) in runs.iter().zip(labels.clone()).zip(&resolved).enumerate() {
        let precision = settings.precision.unwrap_or(run.precision);
        let parts = Parts::open(division, &i.to_string(), identity(settings, std::slice::from_ref(run))?)?;
        let job = Job { settings, run, label, network: (i, runs.len()), precision, observe, parts };
        let done = job.compute().and_then(|found| job.parts.leave().map(|()| found));
        found.push(done.map_err(|e| job.parts.stopped(e))?);
    }
    let shifted = if settings.has(Task::Shift) || settings.full && settings.compute.is_empty() {
        observe(Progress::Doing("shifted data"));
        let parts = Parts::open(division, "shift", identity(settings, runs)?)?;
        let done = shift(settings, runs, &labels, &parts).and_then(|found| parts.leave().map(|()| found));
        done.map_err(|e| parts.stopped(e))?
    } else {
        Ok(None)
    };
    if !division.is_whole()? {
        return Ok(None);
    }
    let resolved = resolved.into_iter().next().unwrap_or_else(|| settings.clone());
    SharpnessResult::assemble((settings, resolved, left), found, shifted).map(Some)
}

/// Settings that say how closely something is computed: of the same products.
const CLOSENESS: [&str; 6] = ["tolerance", "steps", "delta", "epsilon", "top", "bottom"];

/// All that decides what kept products are worth, and what kept parts are worth beside that.
fn identity(settings: &SharpnessSettings, runs: &[Run]) -> Result<[Value; 2]> {
    let mut compared = crate::analyses::to_json(settings)?;
    let mut closeness = Map::new();
    if let Value::Object(compared) = &mut compared {
        closeness.extend(CLOSENESS.iter().filter_map(|key| compared.remove_entry(*key)));
        let most =
            |run: &Run| settings.most_vectors(run.theta.len(), settings.precision.unwrap_or(run.precision));
        // Where there is room for all vectors it changes nothing.
        let vectors = runs.iter().filter_map(most).min().filter(|most| *most < settings.steps);
        closeness.insert("vectors".to_owned(), json!(vectors));
        // No byte of the numbers depends on these.
        for key in ["labels", "memory", "allow-unconverged"] {
            compared.remove(key);
        }
    }
    let of = |run: &Run| {
        let numbers = run.theta.iter().chain(&run.state);
        let bytes: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
        json!({
            "network": run.network.spec(),
            "precision": run.precision,
            "data_sha256": run.data.sha256,
            "weights_sha256": crate::base::files::sha256(&bytes),
        })
    };
    let networks: Vec<Value> = runs.iter().map(of).collect();
    let products = json!({"version": env!("CARGO_PKG_VERSION"), "settings": compared, "networks": networks});
    Ok([products, Value::Object(closeness)])
}

/// Loss along one direction, on shifted data too, as a part that is kept; why there is none, where nobody insists on it.
fn shift(
    settings: &SharpnessSettings,
    runs: &[Run],
    labels: &[String],
    parts: &Parts,
) -> Result<std::result::Result<Option<Shifted>, String>> {
    const KEY: &str = "shift";
    const REFUSED: &str = "refused";
    let found = parts.part("loss", 0, || {
        let mut found = Found::default();
        let shifted = match shifted(runs, labels, &settings.shift(), &|_, _| {}) {
            // Not all networks can be compared so, nor all data be shifted: no reason to refuse all the rest.
            Err(Error::Request { what, .. }) if settings.full && settings.shifts.is_empty() => {
                found.summary.insert(REFUSED.to_owned(), what.into());
                return Ok(found);
            }
            made => made?,
        };
        let mut arrays = Npz::default();
        shifted.arrays(&mut arrays);
        for (name, array) in arrays.iter() {
            found.array(name, &array.shape, array.to_f64());
        }
        found.summary.insert(KEY.to_owned(), crate::analyses::to_json(&shifted)?);
        Ok(found)
    })?;
    let Some(found) = found else { return Ok(Ok(None)) };
    if let Some(why) = found.summary.get(REFUSED).and_then(Value::as_str) {
        return Ok(Err(why.to_owned()));
    }
    let mut arrays = Npz::default();
    for (name, shape, values) in found.arrays {
        arrays.push(&name, &shape, values);
    }
    let value = found.summary.get(KEY).cloned().unwrap_or_default();
    let shifted: Shifted = serde_json::from_value(value).map_err(|e| Error::value(KEY, &e.to_string()))?;
    // The names of minima are no part of what is compared.
    let mut shifted = shifted.with_arrays(&arrays, KEY)?;
    shifted.minima.iter_mut().zip(labels).for_each(|(minimum, label)| minimum.name.clone_from(label));
    Ok(Ok(Some(shifted)))
}

/// A product that takes less may owe most of it to the first use of memory, in seconds.
const SHORT: f64 = 0.2;
/// Independent draws of targets by which the spread of a sampled Fisher matrix is told.
pub(super) const SETS: usize = 5;

pub(super) struct Job<'a> {
    settings: &'a SharpnessSettings,
    run: &'a Run,
    label: String,
    /// Which, of how many.
    network: (usize, usize),
    precision: Precision,
    pub(super) observe: Observe<'a>,
    pub(super) parts: Parts<'a>,
}

/// A network at its minimum.
pub(super) struct Place<'a> {
    pub(super) job: &'a Job<'a>,
    policy: Policy,
    pub(super) objective: &'a dyn MeanLoss,
    /// Whether the true Fisher matrix is the Gauss-Newton matrix, and nobody asked for a sampled one.
    canonical: bool,
    /// The same samples with targets of the network's own, or why there are none; none also where nobody asks for them.
    drawn: Option<Result<Box<dyn MeanLoss>>>,
    pub(super) theta: Vec<f64>,
    state: Vec<f64>,
    /// What the operators are restricted to.
    pub(super) kept: Vec<Range<usize>>,
    pub(super) streams: Streams,
    memory: usize,
}

/// Tells of products as they are made, and keeps them.
struct Counted<'a> {
    inner: &'a dyn Operator,
    parts: &'a Parts<'a>,
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
        let products = self.parts.products(k, block, || self.inner.apply(block, k));
        (self.observe)(Progress::Done(k as f64));
        products
    }
}

/// Where the parameters lie that the settings name: all, or those of some layers and roles.
pub(super) fn kept(settings: &SharpnessSettings, network: &Network) -> Result<Vec<Range<usize>>> {
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
    if ranges.is_empty() {
        Err(Error::expected("--layer, --role", "parameters", "none that are both"))
    } else {
        Ok(ranges)
    }
}

impl Job<'_> {
    fn compute(&self) -> Result<Found> {
        let (settings, run) = (self.settings, self.run);
        let network = Arc::new(run.network.clone());
        let dataset = used(&run.dataset, settings.samples, settings.test_samples, "--samples")?;
        let kept = kept(settings, &network)?;
        super::blocks(&settings.block, &network)?;
        let theta = rounded(&run.theta, "weights", self.precision)?;
        let state = rounded(&run.state, "statistics", self.precision)?;
        let policy = Policy::new(&network, settings.stats, settings.stat_batch, run.data.batch_size)?;
        let memory = gibibytes(settings.memory)?;
        policy.check_samples(&network, "training", dataset.train.len())?;
        policy.check_samples(&network, "test", dataset.test.len())?;
        let half = dataset.train.len() / 2;
        if let Some(small) = settings.noise_batch.filter(|small| *small > half && settings.has(Task::Noise)) {
            let expected = format!("at most {half}, half of the samples, to compare with");
            return Err(Error::expected("--noise-batch", expected, small));
        }
        let over = |part| loss(&network, part, self.precision, policy.evaluation());
        let objective = over(&dataset.train);
        if objective.bytes() > memory {
            let expected = format!("groups that fit in {} GiB (--memory)", settings.memory);
            let mib = objective.bytes() as f64 / f64::from(1 << 20);
            return Err(Error::expected("--stat-batch", expected, format!("{}, {mib:.1} MiB", policy.group)));
        }
        let test = over(&dataset.test);
        let streams = Streams::new(settings.seed);
        let exported = network.graph().is_some();
        let masked = objective.masked();
        let natural = !objective.weighted() && network.fisher_is_gauss_newton(masked).unwrap_or(false);
        let canonical = settings.draws.is_none() && natural;
        let sampled =
            !canonical && !exported && (settings.operator == Matrix::Fisher || settings.has(Task::Matrices));
        // One target a sample, as K-FAC has it (Kunstner 2019).
        let draws = settings.draws.unwrap_or(1);
        let drawn = sampled.then(|| objective.drawn(At { theta: &theta, state: &state }, draws, &streams));
        let place = Place {
            job: self,
            policy,
            objective: &*objective,
            canonical,
            drawn,
            theta,
            state,
            kept,
            streams,
            memory,
        };

        let mut found = Found { label: self.label.clone(), ..Found::default() };
        let start = Instant::now();
        let (evaluation, gradient) = objective.gradient(place.at());
        let a_gradient = start.elapsed().as_secs_f64();
        let tested = (!dataset.test.is_empty()).then(|| test.evaluate(place.at()));
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
            "certificates_of": place.subject(settings.operator),
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
        place.spectra(&mut found, &gradient, a_gradient)?;
        place.blocks(&mut found)?;
        place.others(&mut found)?;
        if settings.has(Task::Noise) {
            place.part(&mut found, "noise", |own| place.noise(own))?;
        }
        if settings.has(Task::Measures) {
            place.measures(&mut found)?;
        }
        if settings.has(Task::LearningCoefficient) {
            place.learning_coefficient(&mut found)?;
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
        if settings.vectors {
            place.tensors(&mut found);
        }
        Ok(found)
    }
}

impl Place<'_> {
    pub(super) fn at(&self) -> At<'_> {
        At { theta: &self.theta, state: &self.state }
    }

    pub(super) fn settings(&self) -> &SharpnessSettings {
        self.job.settings
    }

    pub(super) fn stage(&self, what: &str) -> Result<()> {
        (self.job.observe)(Progress::Doing(what));
        interrupt::check("sharpness", "nothing was written")
    }

    /// Adds the part called `name`: what is kept of it, or what `work` makes. Nothing of one that another process has.
    pub(super) fn part(
        &self,
        found: &mut Found,
        name: &str,
        work: impl FnOnce(&mut Found) -> Result<()>,
    ) -> Result<()> {
        self.part_of(self.job.parts.piece(), found, name, work)
    }

    /// The same of a piece that has come before.
    pub(super) fn part_of(
        &self,
        whose: Whose,
        found: &mut Found,
        name: &str,
        work: impl FnOnce(&mut Found) -> Result<()>,
    ) -> Result<()> {
        let own = self.job.parts.part_of(whose, name, self.theta.len(), || {
            let mut own = Found::default();
            work(&mut own)?;
            Ok(own)
        })?;
        found.add(own.unwrap_or_default());
        Ok(())
    }

    /// Of what a certificate is one, in words.
    fn subject(&self, matrix: Matrix) -> String {
        let (n, all) = (self.objective.samples(), self.job.run.dataset.train.len());
        let samples = if n < all {
            format!("over the first {n} of {all} training samples")
        } else {
            format!("over all {n} training samples")
        };
        match (matrix, self.canonical) {
            (Matrix::Fisher, true) => {
                format!("the true Fisher matrix, of this loss the Gauss-Newton matrix, {samples}")
            }
            (Matrix::Fisher, false) => {
                let draws = self.settings().draws.unwrap_or(1);
                let targets = if draws == 1 { "one target".to_owned() } else { format!("{draws} targets") };
                format!(
                    "the Fisher matrix of one draw of {targets} a sample, not of its expectation, {samples}"
                )
            }
            (matrix, _) => format!("the {} of the mean loss {samples}", matrix.title()),
        }
    }

    /// A matrix restricted to what the settings keep, without weight decay.
    fn with<R>(&self, matrix: Matrix, work: impl FnOnce(&dyn Operator) -> Result<R>) -> Result<R> {
        self.over(matrix, &self.kept, work)
    }

    /// A matrix restricted to some parameters, without weight decay.
    pub(super) fn over<R>(
        &self,
        matrix: Matrix,
        kept: &[Range<usize>],
        work: impl FnOnce(&dyn Operator) -> Result<R>,
    ) -> Result<R> {
        if matrix.is_fisher() && self.policy.stats == Some(Stats::Batch) {
            let expected = "running statistics, with which each sample has a gradient of its own";
            return Err(Error::expected(
                format!("--operator {}", matrix.key().replace('_', "-")),
                expected,
                "--stats batch",
            ));
        }
        let network = self.objective.network();
        let refused = |expected: &str, found: &str| {
            let at = format!("--operator {}", matrix.key().replace('_', "-"));
            Err(Error::expected(at, expected, found))
        };
        match (matrix, network.fisher_is_gauss_newton(false)) {
            (Matrix::GaussNewton | Matrix::Fisher, Err(why)) => {
                return refused("a loss of torch's over the outputs of a network", why);
            }
            (Matrix::Fisher, Ok(_)) if network.graph().is_some() && !self.canonical => {
                let expected = "a loss that is minus a log-likelihood, and no --draws: the targets of a graph are its own";
                return refused(expected, "another");
            }
            (Matrix::EmpiricalFisher, _) if !network.tells_samples_apart() => {
                return refused("a loss of each sample", "a graph that shows none");
            }
            _ => {}
        }
        match (matrix, &self.drawn) {
            (Matrix::Hessian, _) => self.of(kept, self.objective, Curvature::Hessian, work),
            (Matrix::GaussNewton, _) => self.of(kept, self.objective, Curvature::GaussNewton, work),
            (Matrix::Fisher, _) if self.canonical => {
                self.of(kept, self.objective, Curvature::GaussNewton, work)
            }
            (Matrix::Fisher, Some(Ok(drawn))) => self.of(kept, &**drawn, Curvature::Fisher, work),
            (Matrix::Fisher, Some(Err(e))) => Err(Error::request("--operator fisher", e.to_string())),
            (Matrix::Fisher | Matrix::EmpiricalFisher, _) => {
                self.of(kept, self.objective, Curvature::Fisher, work)
            }
        }
    }

    /// The curvature of an objective, restricted to some parameters.
    fn of<R>(
        &self,
        kept: &[Range<usize>],
        objective: &dyn MeanLoss,
        curvature: Curvature,
        work: impl FnOnce(&dyn Operator) -> Result<R>,
    ) -> Result<R> {
        // What Lanczos vectors take is not there for values.
        let n = kept.iter().map(Range::len).sum();
        let vectors = plan::basis(self.settings(), n, self.job.precision).1;
        let memory = self.memory.saturating_sub(vectors).max(self.memory / 2);
        let curved = Curved(objective.linearize(self.at(), curvature, memory));
        let counted = Counted { inner: &curved, parts: &self.job.parts, observe: self.job.observe };
        if n == self.theta.len() { work(&counted) } else { work(&Restricted::new(&counted, kept.to_vec())?) }
    }

    /// An operator by its products, or written out where that is cheap.
    pub(super) fn known<'b>(&self, operator: &'b dyn Operator) -> Result<Known<'b>> {
        if plan::is_exact(self.settings(), operator.dimension()) {
            Known::whole(operator)
        } else {
            Ok(Known::Products(operator))
        }
    }

    /// What a vector of the whole has where the operators are.
    pub(super) fn narrow<T: Copy>(&self, whole: &[T]) -> Vec<T> {
        self.kept.iter().flat_map(|range| &whole[range.clone()]).copied().collect()
    }

    pub(super) fn ends(&self, known: &Known, wanted: Wanted, stream: &str) -> Result<Ends> {
        let n = known.operator().dimension();
        let wanted = Wanted { top: wanted.top.min(n), bottom: wanted.bottom.min(n) };
        let s = self.settings();
        let settings = Settings { most_vectors: s.most_vectors(n, self.job.precision), ..s.lanczos() };
        let watch = |so_far: &SoFar| {
            let words = super::words(so_far, s.delta);
            (self.job.observe)(Progress::Doing(&words));
            if !so_far.searching {
                self.job.parts.knows(words, so_far.products);
            }
        };
        known.watched(wanted, &mut self.streams.stream(stream, 0), &settings, &watch)
    }

    /// Tells what is ahead, from the time of one product and of a gradient.
    fn announce(&self, operator: &dyn Operator, name: &str, a_gradient: f64) -> Result<()> {
        let Some(processes) = self.job.parts.processes() else { return Ok(()) };
        let (n, s) = (operator.dimension(), self.settings());
        let product = || {
            let start = Instant::now();
            operator.apply(&vec![1.0; n], 1);
            start.elapsed().as_secs_f64()
        };
        // The first one also makes room for its values, which shows where it is quick.
        let mut a_product = product();
        if a_product < SHORT {
            a_product = product();
        }
        let blocks = super::blocks(&s.block, self.objective.network()).unwrap_or_default();
        let products = plan::products(s, n) + plan::of_blocks(s, blocks.iter().map(super::Block::size));
        let (spent, chained) = (plan::passes(s, self.job.run), plan::chained(s));
        let seconds = a_product * (products as f64 + spent.products)
            + a_gradient * (spent.gradients + spent.losses / plan::GRADIENT)
            + plan::algebra(s, n);
        let (vectors, kept) = plan::basis(s, n, self.job.precision);
        memory::fits(kept as u64, format_args!("{vectors} vectors of {n} numbers"))?;
        // Some more pass: pairs with their products, directions on the way through the wrappers.
        let passing =
            if plan::is_exact(s, n) { 2 * n } else { 6 + 2 * (s.top.unwrap_or(1) + s.bottom()).min(n) };
        let bytes =
            kept + passing * n * size_of::<f64>() + self.objective.bytes() * rayon::current_num_threads();
        let (i, count) = self.job.network;
        let of = if count > 1 { format!(" ({} of {count})", i + 1) } else { String::new() };
        let (time, size) = (shown::duration(seconds), shown::bytes(bytes as f64));
        let says = |text: String| (self.job.observe)(Progress::Says(text));
        says(format!("sharpness of {name} ({n} parameters){of}"));
        let chains = match chained {
            0 => String::new(),
            gradients => format!(" and {gradients} gradients of chains"),
        };
        let basis = shown::bytes(kept as f64);
        let share = if processes > 1 { format!(", of which a part of {processes}") } else { String::new() };
        says(format!(
            "about {products} products{chains}, {time} in all, {size}, of them {basis} for {vectors} vectors{share}"
        ));
        (self.job.observe)(Progress::Forecast(seconds, bytes));
        let counted = (products + (super::coefficient::SHARE * chained as f64) as usize).div_ceil(processes);
        (self.job.observe)(Progress::Begins("sharpness", "products", counted));
        Ok(())
    }

    /// The matrix of the operator, where it is written out and finite, as a part that every task shares, and each process
    /// makes that has one of them.
    fn matrix(&self, operator: &dyn Operator) -> Result<Option<Exact>> {
        let (n, s) = (operator.dimension(), self.settings());
        let tasks = [Task::Eigenvalues, Task::Power, Task::Trace, Task::Norms, Task::Density];
        let tasks = tasks.into_iter().filter(|task| s.has(*task)).count();
        let invariant = usize::from(s.has(Task::Eigenvalues) && s.shown().twin());
        if !plan::is_exact(s, n) || !self.job.parts.is_wanted(tasks + invariant) {
            return Ok(None);
        }
        self.stage("the dense matrix")?;
        let found = self.job.parts.own("matrix", self.theta.len(), || {
            let mut own = Found::default();
            own.array("matrix", &[n, n], Dense::of(operator)?.matrix().to_vec());
            Ok(own)
        })?;
        let dense = Dense::new(n, found.arrays.into_iter().flat_map(|a| a.2).collect());
        let finite = dense.matrix().iter().all(|x| x.is_finite());
        Ok(finite.then(|| Exact::new(dense.with_epsilon(operator.epsilon()), n)))
    }

    /// Everything that the chosen matrix is asked for.
    fn spectra(&self, found: &mut Found, gradient: &[f64], a_gradient: f64) -> Result<()> {
        let s = self.settings();
        let title = found.summary["title"].as_str().unwrap_or_default().to_owned();
        self.with(s.operator, |operator| {
            self.announce(operator, &title, a_gradient)?;
            let n = operator.dimension();
            let decay = Plus::new(operator, vec![s.weight_decay; n]);
            let whole: &dyn Operator = if s.weight_decay > 0.0 { &decay } else { operator };
            // Element by element |theta|: D A D is left alone by rescaling, as the loss at theta + |theta| u is.
            let magnitudes: Vec<f64> = self.narrow(&self.theta).iter().map(|t| t.abs()).collect();
            let scaled = Scaled::new(operator, magnitudes.clone());
            let (whole, scaled) = match self.matrix(operator)? {
                None => (Known::Products(whole), Known::Products(&scaled)),
                Some(exact) => {
                    let scaled = Exact::new(exact.dense().scaled(&magnitudes), n);
                    let whole = Exact::new(exact.into_dense().shifted(s.weight_decay), n);
                    (Known::Whole(whole), Known::Whole(scaled))
                }
            };
            let scaled = s.shown().twin().then_some(&scaled);
            if s.has(Task::Eigenvalues) {
                self.eigenvalues(found, &whole, scaled, gradient)?;
            }
            if s.has(Task::Power) {
                self.part(found, "power", |own| self.power(own, whole.operator()))?;
                super::spectra::beside_lanczos(found);
            }
            if s.has(Task::Trace) {
                self.part(found, "trace", |own| self.trace(own, &whole, scaled))?;
            }
            if s.has(Task::Norms) {
                self.part(found, "norms", |own| self.norms(own, &whole))?;
            }
            if s.has(Task::Density) {
                self.density(found, &whole)?;
            }
            Ok(())
        })?;
        self.outliers(found);
        if s.operator == Matrix::Fisher {
            self.spread(found)?;
        }
        Ok(())
    }

    /// How the largest eigenvalue and the trace of a sampled Fisher matrix differ from draw to draw.
    fn spread(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        if !matches!(self.drawn, Some(Ok(_))) || found.summary.contains_key("draws") {
            return Ok(());
        }
        let draws = s.draws.unwrap_or(1);
        let mut all: [Vec<f64>; 2] = Default::default();
        for set in 0..SETS {
            let name = format!("draw-{set}");
            let mut of_set = Found::default();
            self.part(&mut of_set, &name, |own| {
                self.stage("the Fisher matrix of other draws")?;
                let streams = self.streams.derived("sharpness/draws", set as u64);
                let drawn = self.objective.drawn(self.at(), draws, &streams)?;
                self.of(&self.kept, &*drawn, Curvature::Fisher, |operator| {
                    let known = self.known(operator)?;
                    let ends = self.ends(&known, Wanted { top: 1, bottom: 0 }, "sharpness/draws")?;
                    let trace = known.trace(s.probes.unwrap_or(30), &self.streams)?;
                    let largest = ends.top.first().map_or(f64::NAN, |pair| pair.value);
                    own.array("draw", &[2], vec![largest, trace.value]);
                    Ok(())
                })
            })?;
            let values = of_set.values("draw").unwrap_or_default();
            all.iter_mut().zip(values).for_each(|(all, value)| all.push(*value));
        }
        let summary = all.map(|values| {
            let (mean, error) = crate::base::statistics::mean(&values);
            let deviation = error * (values.len() as f64).sqrt();
            json!({"mean": mean, "standard_deviation": deviation, "values": values})
        });
        let [lambda_max, trace] = summary;
        let summary =
            json!({"sets": SETS, "targets_a_sample": draws, "lambda_max": lambda_max, "trace": trace});
        found.summary.insert("draws".to_owned(), summary);
        Ok(())
    }

    /// What is asked of other matrices.
    fn others(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        if s.has(Task::LogDeterminant) {
            self.log_determinant(found)?;
        }
        if s.has(Task::Matrices) {
            let mut all = Map::new();
            for matrix in [Matrix::Hessian, Matrix::GaussNewton, Matrix::Fisher, Matrix::EmpiricalFisher] {
                let key = matrix.key();
                let mut own = Found::default();
                self.part(&mut own, &format!("matrix-{key}"), |own| {
                    let value = self.outermost(matrix)?;
                    own.summary.insert(key.to_owned(), value);
                    Ok(())
                })?;
                all.extend(own.summary);
            }
            found.summary.insert("matrices".to_owned(), Value::Object(all));
            self.spread(found)?;
        }
        Ok(())
    }

    /// Log-determinant and effective dimension of the Gauss-Newton matrix.
    fn log_determinant(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        let rules = self.with(Matrix::GaussNewton, |operator| {
            self.stage("log-determinant of the Gauss-Newton matrix")?;
            // As many as traces have, which are enough for an interval.
            let probes = s.probes.unwrap_or(30);
            let whole = || self.quadrature(&self.known(operator)?, probes);
            self.rules("log-determinant", operator, probes, &whole)
        });
        let [mut log, mut dimension] = match rules {
            Ok(None) => return Ok(()),
            Ok(Some(rules)) => {
                [rules.log_determinant(s.eps), rules.effective_dimension(s.eps)].map(|e| estimate(&e))
            }
            // Some have no such matrix: a fact of the network, not of the request.
            Err(Error::Request { what, .. }) => [(); 2].map(|()| json!({"value": null, "status": what})),
            Err(error) => return Err(error),
        };
        for value in [&mut log, &mut dimension] {
            value["eps"] = s.eps.into();
            value["matrix"] = Matrix::GaussNewton.key().into();
        }
        found.summary.insert("log_determinant".to_owned(), log);
        found.summary.insert("effective_dimension".to_owned(), dimension);
        Ok(())
    }

    /// The largest eigenvalue and the trace of a matrix, or why it has none.
    fn outermost(&self, matrix: Matrix) -> Result<Value> {
        let own = self.with(matrix, |operator| {
            self.stage(matrix.title())?;
            let known = self.known(operator)?;
            let own = self.ends(&known, Wanted { top: 1, bottom: 0 }, "sharpness/matrices")?;
            let trace = known.trace(self.settings().probes.unwrap_or(30), &self.streams)?;
            Ok(json!({
                "lambda_max": eigenvalue(own.top.first(), &own),
                "trace": estimate(&trace),
                "certificates_of": self.subject(matrix),
            }))
        });
        // Some have no Fisher matrix: a fact of the network, not of the request.
        match own {
            Err(Error::Request { what, .. }) => Ok(json!({"status": what})),
            own => own,
        }
    }

    fn noise(&self, found: &mut Found) -> Result<()> {
        self.stage("gradient noise scale")?;
        // As many as training had, and at most what leaves something to compare.
        let trained = self.job.run.data.batch_size.unwrap_or(crate::train::settings::BATCH);
        let small = self.settings().noise_batch.unwrap_or(trained.min(self.objective.samples() / 2));
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
        let small = match batch_size(self.objective.network(), small, self.objective.samples()) {
            Ok(small) => small,
            Err(why) => {
                let status = format!("not computed: {why}");
                found.summary.insert("noise_scale".to_owned(), json!({"value": null, "status": status}));
                return Ok(());
            }
        };
        let noise = noise_scale(self.objective, self.at(), small, &self.streams)?;
        let mut value = crate::analyses::to_json(&noise)?;
        value["status"] = if noise.value.is_finite() {
            "computed".into()
        } else {
            "the mean gradient is smaller than what its noise lets see".into()
        };
        value["error_over"] = "batches, as draws from an infinite population of samples".into();
        found.summary.insert("noise_scale".to_owned(), value);
        Ok(())
    }

    fn measures(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        let here = Here::new(self.objective, self.at(), &self.streams, self.memory);
        let mut spent = [0.0; 3];
        for measure in &s.measures {
            let name = crate::base::registry::Registry::name(measure);
            let mut of_measure = Found::default();
            self.part(&mut of_measure, &format!("measure-{name}"), |own| {
                self.stage(name)?;
                let before = here.counts();
                own.rows = measure.rows(&here)?;
                let counts = here.counts().iter().zip(before).map(|(now, before)| now - before).collect();
                own.array("spent", &[3], counts);
                Ok(())
            })?;
            let counts = of_measure.values("spent").unwrap_or_default();
            spent.iter_mut().zip(counts).for_each(|(sum, own)| *sum += own);
            for mut row in of_measure.rows {
                row.raw = row.raw.filter(|_| s.shown().raw());
                row.invariant = row.invariant.filter(|_| s.shown().invariant());
                found.rows.push(row);
            }
        }
        found.summary.insert("measures_cost".to_owned(), crate::analyses::to_json(&here.passes(spent))?);
        Ok(())
    }
}
