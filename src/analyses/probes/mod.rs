//! The landscape along training (`losscape train --probe sharpness:N`, or `saddles`, `critical-sharpness`, `learning-coefficient`): at every N-th step, the first and the
//! last, for `sharpness`
//!
//! - lambda_max of the Hessian of the mean training loss, by Lanczos with a certificate
//!   ([`spectral::lanczos`]), against the curvature at which the optimizer's steps stop being stable: full-batch
//!   training raises lambda_max to that edge and stays there (Cohen et al. 2021, arXiv 2103.00065);
//! - the Hessian's trace, by Hutchinson's estimator;
//! - the gradient noise scale ([`landscape::noise`](crate::landscape::noise));
//!
//! and for `saddles` lambda_max, lambda_min and the norm of the gradient, from which [`Terrain`] tells plateaus;
//! `critical-sharpness` and `learning-coefficient` are in `depth`.
//!
//! The loss is the one that steps go down: where a norm couples samples, with the statistics of groups of the training
//! batch's size, singular vectors of spectral norm as training left them; but all samples as they are, with no dropout and no
//! augmentation.
//! Nothing of training depends on a probe.
//!
//! Finished probes are appended to a [log](crate::base::log) beside the checkpoint, before training goes on: a run that was
//! stopped keeps them, and makes those that it has not.

mod depth;
mod figure;
mod plateaus;
mod result;

pub use plateaus::{Terrain, share};
pub use result::{ARRAYS, Facts, Probes};

use super::statistics::{GroupSize, Policy, Stats};
use crate::autodiff::Curvature;
use crate::base::log::{DISCARD, Log, Pieces};
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::data::Dataset;
use crate::figure::Figure;
use crate::landscape::hessian::Curved;
use crate::landscape::noise::{batch_size, noise_scale};
use crate::nn::{MeanLoss, Network, Point};
use crate::spectral::trace::hutchinson;
use crate::spectral::{self, BLOCK, Operator, Pair, Wanted, ends};
use crate::train;
use crate::train::gradient::squares;
use crate::train::probe::What;
use crate::train::settings::BATCH;
use crate::train::{Epoch, Event, Keep, Place, TrainSettings, Trained, chosen, loss};
use result::{Row, TRACE_PROBES};
use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Finished probes of a run that is not, beside its checkpoint.
pub const LOG: &str = "probes.log";

/// Memory for primal values that products of one probe share, in bytes: the slices' default, 4 GiB. The bits do not depend
/// on it.
const MEMORY: usize = 4 << 30;

/// The figure of a run's probes; `network` names it with its data.
pub fn figure(network: &str, settings: &TrainSettings, epochs: &[Epoch], probes: &Probes) -> Figure {
    match settings.probe.map(|probe| probe.what) {
        Some(What::Saddles) => plateaus::figure(network, settings, probes),
        Some(What::CriticalSharpness) => depth::updates(network, settings, probes),
        Some(What::LearningCoefficient) => depth::coefficients(network, settings, probes),
        Some(What::Sharpness) | None => figure::figure(network, settings, epochs, probes),
    }
}

/// Trains, and probes where the settings ask for it.
pub(super) fn trained(
    settings: &TrainSettings,
    dataset: &Dataset,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<(Trained, Option<Probes>)> {
    if settings.probe.is_none() {
        return Ok((chosen::train(settings, dataset, keep, observe)?, None));
    }
    let mut prober = Prober::new(settings, dataset, keep)?;
    let mut hear = |event: Event| {
        observe(event.clone());
        match event {
            Event::Resumed(step, ..) => prober.resumed(step),
            Event::Probe(place) => {
                if let Err(error) = prober.probe(&place, observe) {
                    // Whoever gave the place has put nothing there.
                    let _ = place.fault.set(error);
                }
            }
            _ => {}
        }
    };
    let trained = chosen::train(settings, dataset, keep, &mut hear)?;
    Ok((trained, Some(prober.finish())))
}

/// The least memory that probing takes beside training, in bytes, for so many parameters: the vectors of Lanczos's basis.
pub(super) fn bytes(parameters: usize) -> u64 {
    8 * parameters as u64 * spectral::Settings::default().certifying_steps(parameters) as u64
}

/// Where finished probes are kept.
struct Kept {
    path: PathBuf,
    header: serde_json::Value,
    log: Option<Log>,
}

/// What probes a run.
struct Prober {
    settings: TrainSettings,
    network: Arc<Network>,
    objective: Box<dyn MeanLoss>,
    facts: Facts,
    kept: Option<Kept>,
    rows: Pieces,
    /// Why going on makes no sense.
    fault: Option<Error>,
}

impl Prober {
    fn new(settings: &TrainSettings, dataset: &Dataset, keep: Option<&Keep>) -> Result<Self> {
        let network = Arc::new(crate::train::network(settings, dataset)?);
        let (all, batch) = (dataset.train.len(), settings.group(dataset.train.len()));
        let count = settings.probe_samples.unwrap_or(all).min(all);
        let mut samples = dataset.train.clone();
        samples.truncate(count);
        let layout = network.layout();
        let coupled = layout.couples_samples;
        let stats = if coupled { Stats::Batch } else { Stats::Running };
        let policy = Policy::of(layout, stats, GroupSize::Of(batch));
        // Statistics are those of a batch, whose size is therefore no choice. Otherwise eight batches at least, so that
        // their spread can be told.
        let small = if coupled { batch } else { batch.min(BATCH).min(count / 8).max(1) };
        let facts = Facts {
            samples: count,
            statistics: policy.words(false),
            coupled,
            small: batch_size(&network, small, count).ok().filter(|small| *small <= count / 2),
        };
        let kept = keep.map(|keep| Kept {
            path: keep.path.with_file_name(LOG),
            header: json!({
                "version": env!("CARGO_PKG_VERSION"),
                "settings": settings.resolved(),
                "data_sha256": keep.data_sha256,
            }),
            log: None,
        });
        let objective = loss(&network, &samples, settings.precision, policy.evaluation());
        let (settings, rows) = (settings.clone(), Pieces::new());
        Ok(Self { settings, network, objective, facts, kept, rows, fault: None })
    }

    /// Opens the log, once.
    fn open(&mut self) -> Result<()> {
        if let Some(kept) = &mut self.kept
            && kept.log.is_none()
        {
            let (log, rows) = Log::open(&kept.path, &kept.header, Row::WIDTH)?;
            (kept.log, self.rows) = (Some(log), rows);
        }
        Ok(())
    }

    /// Training goes on after so many steps, whose probes must be there: they are in the past.
    fn resumed(&mut self, steps: u64) {
        self.fault = self.open().and_then(|()| self.complete(steps)).err();
    }

    fn complete(&self, steps: u64) -> Result<()> {
        let (Some(kept), Some(probe)) = (&self.kept, self.settings.probe) else { return Ok(()) };
        let due = (0..steps).step_by(usize::try_from(probe.every).unwrap_or(usize::MAX));
        match due.into_iter().find(|step| !self.rows.contains_key(step)) {
            None => Ok(()),
            Some(step) => {
                let expected = format!("the probes before step {steps}, where the checkpoint goes on");
                let found = format!("none of step {step} ({DISCARD})");
                Err(Error::expected(files::named(&kept.path), expected, found))
            }
        }
    }

    /// Measures where training is, unless that is known.
    fn probe(&mut self, place: &Place, observe: &mut (dyn FnMut(Event) + Send)) -> Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        self.open()?;
        if self.rows.contains_key(&place.step) {
            return Ok(());
        }
        let row = self.measure(place, observe)?.numbers();
        if let Some(log) = self.kept.as_mut().and_then(|kept| kept.log.as_mut()) {
            log.append([(place.step, row.as_slice())])?;
        }
        self.rows.insert(place.step, row.to_vec());
        Ok(())
    }

    fn measure(&self, place: &Place, observe: &mut (dyn FnMut(Event) + Send)) -> Result<Row> {
        let train::Point { theta, state } = place.point.clone();
        let point = Point { theta, state }.to(self.settings.precision);
        let at = point.at();
        let streams = Streams::new(self.settings.seed);
        let mut row = Row {
            lr: place.rate,
            threshold: self.settings.stability(place.rate).ok().filter(|t| t.is_finite()).unwrap_or(f64::NAN),
            ..Row::default()
        };
        row.train_loss = self.objective.evaluate(at).loss;
        interrupt::check("probe", "an unfinished one is not kept")?;
        if !(point.is_finite() && row.train_loss.is_finite()) {
            return Ok(row);
        }
        let what = self.settings.probe.map_or(What::Sharpness, |probe| probe.what);
        match what {
            What::CriticalSharpness => return self.updates(place, &point, row),
            What::LearningCoefficient => return self.coefficient(place, &point, row, observe),
            What::Sharpness | What::Saddles => {}
        }
        let sharpness = what == What::Sharpness;
        if !sharpness {
            row.gradient_norm = squares(&self.objective.gradient(at).1).sqrt();
        } else if let Some(small) = self.facts.small {
            let noise = noise_scale(&*self.objective, at, small, &streams)?;
            row.gradient_norm = noise.gradient_norm;
            row.noise_trace = noise.tr_sigma;
            row.noise_trace_stderr = noise.tr_sigma_standard_error;
            row.noise_g2 = noise.g2;
            row.noise_scale = noise.value;
            row.noise_scale_stderr = noise.standard_error;
        }
        let observe = Mutex::new(observe);
        let heard = |products| {
            let mut observe = observe.lock().unwrap_or_else(|e| e.into_inner());
            observe(Event::Probing(place.step, products));
        };
        let products = self.objective.linearize(at, Curvature::Hessian, MEMORY);
        let hessian = Watched {
            inner: &Curved(products),
            most: if self.network.has_images() { 1 } else { BLOCK },
            heard: &heard,
            products: AtomicU64::new(0),
        };
        // A start of its own for every step, so that certificates fail independently of each other if they fail.
        let mut rng = streams.stream("probe/lanczos", place.step);
        let wanted = Wanted { top: 1, bottom: usize::from(!sharpness) };
        let found = ends(&hessian, wanted, &mut rng, &spectral::Settings::default())?;
        row.products = found.products as f64;
        let told = |end: Option<&Pair>| match end {
            None => [f64::NAN; 4],
            Some(end) => {
                let value = if end.converged { end.value } else { f64::NAN };
                [value, end.value, end.residual, f64::from(u8::from(end.certified))]
            }
        };
        [row.lambda_max, row.lambda_max_estimate, row.lambda_max_residual, row.lambda_max_certified] =
            told(found.top.first());
        [row.lambda_min, row.lambda_min_estimate, row.lambda_min_residual, row.lambda_min_certified] =
            told(found.bottom.first());
        if sharpness {
            let trace = hutchinson(&hessian, TRACE_PROBES, &streams)?;
            (row.trace, row.trace_stderr) = (trace.value, trace.standard_error);
        }
        // What a signal cut short is no product.
        interrupt::check("probe", "an unfinished one is not kept")?;
        Ok(row)
    }

    fn finish(self) -> Probes {
        let what = self.settings.probe.map_or(What::Sharpness, |probe| probe.what);
        Probes::new(what, self.facts, &self.rows)
    }
}

/// An operator that tells how many products were asked of it.
struct Watched<'a> {
    inner: &'a dyn Operator,
    /// Vectors that are multiplied at once. Images fill a sweep by themselves, and one product with them may take a second:
    /// between two of them a signal is heard.
    most: usize,
    heard: &'a (dyn Fn(u64) + Sync),
    products: AtomicU64,
}

impl Operator for Watched<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let mut result = Vec::with_capacity(block.len());
        for part in block.chunks((self.dimension() * self.most).max(1)) {
            if interrupt::requested().is_some() {
                // No product, and no number that could pass for one; who asked for it is stopped by the signal.
                result.resize(block.len(), f64::NAN);
                return result;
            }
            let count = part.len() / self.dimension().max(1);
            result.extend(self.inner.apply(part, count));
            (self.heard)(self.products.fetch_add(count as u64, Ordering::Relaxed) + count as u64);
        }
        debug_assert_eq!(result.len(), self.dimension() * k);
        result
    }
}
