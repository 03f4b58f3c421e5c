//! What an analysis costs, what of it is exact because that is cheap, and what of it fits into a quick answer.
//!
//! A quick answer takes about ten seconds. What fits is decided by multiply-adds, which are counted, and a rate that is assumed, so
//! that the same command gives the same bytes on every machine: rung by rung of a ladder, fewer samples, columns and steps
//! are taken, until the work fits. The rung is part of the result: its settings are the resolved ones, with which
//! the same numbers can be asked for explicitly.

use super::{Matrix, SharpnessSettings, Shown, Task};
use crate::analyses::Run;
use crate::base::{Precision, Result};
use crate::landscape::learning_coefficient::Sample;
use crate::landscape::sharpness::{Sharp, Spent};
use crate::spectral;

/// Largest operator that is written out, unless the settings say otherwise: its decomposition takes a few seconds.
pub const EXACT: usize = 2000;
/// Seconds of a quick answer, and multiply-adds of a network in a second: those of two cores and images of 32 by 32.
const SECONDS: f64 = 10.0;
const RATE: f64 = 2e10;
/// Seconds, at that rate, that the invariant twin of a spectrum may take unasked.
const CHEAP: f64 = 60.0;
const TWIN: &str = "rescaling-invariant eigenvalues and trace (--columns both)";
/// Lanczos steps that certify an end of a network's spectrum, as a share of those that certify any spectrum's.
const STEPS: f64 = 0.5;
/// What a gradient and a product with the curvature cost, in losses: each of a layer's products of matrices has two
/// gradients, and each of these three has two tangents.
pub(super) const GRADIENT: f64 = 3.0;
const PRODUCT: f64 = 6.0;
/// Operations a second of a dense decomposition on one thread, and bytes a second of long vectors: read, and kept in a log with
/// their checksum.
const DENSE: f64 = 1e10;
const STREAM: f64 = 8e9;
const KEPT: f64 = 6e8;

/// A rung of the ladder: what is taken where nothing else was asked for.
struct Rung {
    samples: usize,
    columns: Shown,
    epsilon: f64,
    tolerance: f64,
    bottom: usize,
    probes: usize,
}

/// From everything down to the least that tells something. A tenth of the spread needs a third of the steps of a hundredth.
const LADDER: [Rung; 10] = {
    let fine =
        Rung { samples: 512, columns: Shown::Both, epsilon: 0.01, tolerance: 1e-3, bottom: 1, probes: 10 };
    const RAW: Shown = Shown::Raw;
    [
        fine,
        Rung { samples: 512, columns: RAW, epsilon: 0.01, tolerance: 1e-3, bottom: 1, probes: 10 },
        Rung { samples: 512, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 1, probes: 10 },
        Rung { samples: 256, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 1, probes: 10 },
        Rung { samples: 128, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 1, probes: 10 },
        Rung { samples: 128, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 0, probes: 8 },
        Rung { samples: 64, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 0, probes: 8 },
        Rung { samples: 32, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 0, probes: 8 },
        Rung { samples: 16, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 0, probes: 8 },
        Rung { samples: 8, columns: RAW, epsilon: 0.1, tolerance: 0.01, bottom: 0, probes: 8 },
    ]
};

/// What a network's work is measured by.
pub(super) struct Size {
    /// Multiply-adds of the loss of one sample.
    forward: f64,
    /// Parameters of the operators.
    pub dimension: usize,
    outputs: usize,
    train: usize,
    test: usize,
}

impl Size {
    pub fn of(settings: &SharpnessSettings, run: &Run) -> Result<Self> {
        let kept = super::compute::kept(settings, &run.network)?;
        Ok(Self {
            forward: run.network.multiply_adds() as f64,
            dimension: kept.iter().map(std::ops::Range::len).sum(),
            outputs: run.network.spec().outputs,
            train: run.dataset.train.len(),
            test: run.dataset.test.len(),
        })
    }
}

/// The settings with what they leave open filled in, for each of several networks, and what a quick answer leaves out.
pub(super) fn resolve(
    settings: &SharpnessSettings,
    runs: &[Run],
) -> Result<(Vec<SharpnessSettings>, Vec<String>)> {
    let sizes = runs.iter().map(|run| Size::of(settings, run)).collect::<Result<Vec<Size>>>()?;
    let of = |s: &SharpnessSettings| -> Vec<SharpnessSettings> {
        sizes.iter().map(|size| s.resolved(size.outputs, size.train)).collect()
    };
    if !settings.quick {
        let mut chosen = of(settings);
        let twin: f64 = chosen.iter().zip(&sizes).map(|(s, size)| twin(s, size)).sum();
        if settings.columns.is_none() && twin > CHEAP {
            chosen.iter_mut().for_each(|s| s.columns = Some(Shown::RawSpectrum));
        }
        let left = chosen.first().filter(|s| !s.shown().twin() && settings.columns.is_none());
        return Ok((chosen.clone(), left.map(|_| TWIN.to_owned()).into_iter().collect()));
    }
    let mut chosen = Vec::new();
    for rung in &LADDER {
        // All networks on one rung: they are compared.
        chosen = of(&rung.applied(settings, &sizes));
        let seconds = chosen.iter().zip(&sizes).map(|(s, size)| seconds(s, size)).sum::<f64>();
        if seconds <= SECONDS {
            break;
        }
    }
    let left = chosen.first().zip(sizes.first()).map_or(Vec::new(), |(s, size)| left_out(settings, s, size));
    Ok((chosen, left))
}

impl Rung {
    /// The settings with what they leave open as this rung has it.
    fn applied(&self, settings: &SharpnessSettings, sizes: &[Size]) -> SharpnessSettings {
        let least = sizes.iter().map(|size| size.train).min().unwrap_or(self.samples);
        let test = sizes.iter().map(|size| size.test).min().unwrap_or(0);
        let forward = sizes.iter().map(|size| size.forward).sum::<f64>().max(1.0);
        // A tenth of the time for the test loss.
        let affordable = ((0.1 * SECONDS * RATE / forward) as usize).max(self.samples);
        let mut s = SharpnessSettings {
            samples: Some(settings.samples.unwrap_or(self.samples.min(least))),
            test_samples: settings.test_samples.or((test > affordable).then_some(affordable)),
            columns: Some(settings.columns.unwrap_or(self.columns)),
            epsilon: Some(settings.epsilon.unwrap_or(self.epsilon)),
            tolerance: Some(settings.tolerance.unwrap_or(self.tolerance)),
            bottom: Some(settings.bottom.unwrap_or(self.bottom)),
            probes: Some(settings.probes.unwrap_or(self.probes)),
            ..settings.clone()
        };
        // Written out only where that is quicker than the time there is.
        if settings.exact.is_none() {
            let fits = |size: &Size| {
                let s = s.resolved(size.outputs, size.train);
                !is_exact(&s, size.dimension) || seconds(&s, size) <= SECONDS / sizes.len() as f64
            };
            s.exact = Some(if sizes.iter().all(fits) { EXACT } else { 0 });
        }
        s
    }
}

/// What a quick answer has not, in words.
fn left_out(asked: &SharpnessSettings, s: &SharpnessSettings, size: &Size) -> Vec<String> {
    let mut left = Vec::new();
    if asked.compute.is_empty() {
        left.push("density, noise scale and the measures (--compute)".to_owned());
    }
    let (samples, test) = (s.samples.unwrap_or(size.train), s.test_samples.unwrap_or(size.test));
    if samples < size.train {
        left.push(format!("{} of {} training samples (--samples)", size.train - samples, size.train));
    }
    if test < size.test {
        left.push(format!("{} of {} test samples (--test-samples)", size.test - test, size.test));
    }
    if asked.columns.is_none() && !s.shown().invariant() {
        left.push("rescaling-invariant numbers (--columns)".to_owned());
    }
    if asked.bottom.is_none() && s.bottom() == 0 {
        left.push("the smallest eigenvalue (--bottom)".to_owned());
    }
    let lanczos = s.lanczos();
    if asked.epsilon.is_none() && lanczos.epsilon > LADDER[0].epsilon {
        left.push(format!("certificates closer than {} of the spread (--epsilon)", lanczos.epsilon));
    }
    left
}

/// Whether the operators of n dimensions are written out: small ones, where something would be sampled or it is cheaper; and
/// somewhat larger ones where it is.
pub(super) fn is_exact(s: &SharpnessSettings, n: usize) -> bool {
    let most = s.exact.unwrap_or(EXACT);
    let sampled = [Task::Trace, Task::Norms, Task::Density, Task::LogDeterminant, Task::Matrices];
    let cheaper = n <= sampling(s, n);
    n <= most && (cheaper || sampled.iter().any(|task| s.has(*task))) || n <= 2 * most && cheaper
}

/// Lanczos steps that certify the ends of a network's curvature of n dimensions, about.
pub(super) fn steps(s: &SharpnessSettings, n: usize) -> usize {
    ((STEPS * s.lanczos().certifying_steps(n) as f64).ceil() as usize).min(s.steps).max(1)
}

/// Products of the invariant twin of a spectrum, about.
fn of_twin(s: &SharpnessSettings, n: usize) -> usize {
    let first = steps(s, n);
    let eigenvalues = if s.has(Task::Eigenvalues) { first + first / 2 } else { 0 };
    eigenvalues + if s.has(Task::Trace) { s.probes.unwrap_or(30) } else { 0 }
}

/// Seconds that it takes, at the rate that is assumed: none where the matrix is written out.
fn twin(s: &SharpnessSettings, size: &Size) -> f64 {
    if is_exact(s, size.dimension) {
        return 0.0;
    }
    let samples = s.samples.unwrap_or(size.train) as f64;
    samples * PRODUCT * of_twin(s, size.dimension) as f64 * size.forward / RATE
}

/// Products of an analysis in which nothing is written out, about: a certificate for the first pairs, another for
/// further ones, and what the searches find.
fn sampling(s: &SharpnessSettings, n: usize) -> usize {
    let certificate = steps(s, n);
    let (top, bottom, probes) = (s.top.unwrap_or(1), s.bottom(), s.probes.unwrap_or(30));
    let first = certificate.max(top + bottom);
    // The edge of a bulk, which the smallest eigenvalue is, converges last.
    let several = match (top.max(bottom) > 1, bottom) {
        (true, _) => 2 * first + certificate,
        (false, 0) => first.div_ceil(2),
        (false, _) => first + first / 2,
    };
    let density = s.density_steps.min(n);
    let twin = if s.shown().twin() { of_twin(s, n) } else { 0 };
    let of = |task: Task| match task {
        Task::Eigenvalues => several,
        Task::Power => 2 * certificate,
        Task::Trace => probes,
        Task::Norms => 5 * probes,
        Task::Density => density * s.density_probes,
        Task::LogDeterminant => density * probes,
        Task::Matrices => 4 * (certificate + probes),
        Task::Noise | Task::Measures | Task::LearningCoefficient | Task::Shift => 0,
    };
    let draws = if s.draws.is_some() { super::compute::SETS * (certificate + probes) } else { 0 };
    draws + twin + s.compute.iter().map(|task| of(*task)).sum::<usize>()
}

/// Products that the blocks take, about: their sizes are `sizes`.
pub(super) fn of_blocks(s: &SharpnessSettings, sizes: impl Iterator<Item = usize>) -> usize {
    let wanted = |task: &Task| matches!(task, Task::Eigenvalues | Task::Trace | Task::Density);
    let compute = s.compute.iter().copied().filter(wanted).collect();
    let columns = Some(super::Shown::Raw);
    let each = SharpnessSettings { compute, columns, top: Some(1), draws: None, ..s.clone() };
    sizes.map(|n| products(&each, n)).sum()
}

/// Products that an analysis takes, about.
pub(super) fn products(s: &SharpnessSettings, n: usize) -> usize {
    if !is_exact(s, n) {
        return sampling(s, n);
    }
    let spectra = [Task::Eigenvalues, Task::Power, Task::Trace, Task::Norms, Task::Density];
    let whole = usize::from(spectra.iter().any(|task| s.has(*task)));
    let draws = if s.draws.is_some() { super::compute::SETS } else { 0 };
    let others = usize::from(s.has(Task::LogDeterminant)) + 4 * usize::from(s.has(Task::Matrices)) + draws;
    n * (whole + others)
}

/// Gradients that the chains of a learning coefficient take.
pub(super) fn chained(s: &SharpnessSettings) -> usize {
    if s.has(Task::LearningCoefficient) { 1 + s.sampler.plan().gradients() } else { 0 }
}

/// How often the samples of a network that is not known yet are sent forward, about; its measures as those of a dense one.
pub(super) fn forwards(s: &SharpnessSettings) -> f64 {
    const MEASURES: f64 = 600.0;
    let measures = if s.has(Task::Measures) { MEASURES } else { 0.0 };
    let gradients = 1 + chained(s) + if s.has(Task::Noise) { 2 } else { 0 };
    PRODUCT * sampling(s, EXACT) as f64 + GRADIENT * gradients as f64 + measures
}

/// What the measures, the gradient noise scale and chains cost, in passes over the samples.
pub(super) fn passes(s: &SharpnessSettings, run: &Run) -> Spent {
    let mut all = Spent::default();
    if s.has(Task::Noise) {
        all.gradients += 2.0;
    }
    all.gradients += chained(s) as f64;
    for measure in s.measures.iter().filter(|_| s.has(Task::Measures)) {
        let own = measure.cost(&run.network);
        all.losses += own.losses;
        all.gradients += own.gradients;
        all.products += own.products;
    }
    all
}

/// Most vectors that are held at once for an operator of n dimensions, about, and their bytes.
pub(super) fn basis(s: &SharpnessSettings, n: usize, precision: Precision) -> (usize, usize) {
    if is_exact(s, n) {
        return (n, n * n * size_of::<f64>());
    }
    let eigenvalues = if s.has(Task::Eigenvalues) {
        let pairs = s.top.unwrap_or(1) + s.bottom();
        let most = s.most_vectors(n, precision).unwrap_or(usize::MAX);
        (steps(s, n) + pairs).min(most.max(s.fewest_vectors()))
    } else {
        1
    };
    let density = if s.has(Task::Density) { s.density_steps.min(n) + 1 } else { 0 };
    let vectors = eigenvalues.max(density);
    (vectors, vectors * spectral::basis::bytes_of(n, precision.epsilon()))
}

/// Seconds of what is neither a loss nor a product: keeping products, orthogonalising Lanczos vectors, decomposing dense matrices.
pub(super) fn algebra(s: &SharpnessSettings, n: usize) -> f64 {
    let size = n as f64;
    let kept = 8.0 * size * products(s, n) as f64 / KEPT;
    if is_exact(s, n) {
        return kept + 9.0 * size.powi(3) / DENSE * f64::from(1 + u8::from(s.shown().twin()));
    }
    // Two passes of Gram-Schmidt read the basis twice each: 4 * 8 n (1 + ... + m) bytes.
    let run = |m: usize| 16.0 * size * (m * m) as f64 / STREAM;
    let certificate = steps(s, n);
    let runs = f64::from(1 + u8::from(s.top.unwrap_or(1).max(s.bottom()) > 1))
        + f64::from(u8::from(s.shown().twin()));
    let eigenvalues = if s.has(Task::Eigenvalues) { runs * run(certificate) } else { 0.0 };
    let density =
        if s.has(Task::Density) { s.density_probes as f64 * run(s.density_steps.min(n)) } else { 0.0 };
    kept + eigenvalues + density
}

/// Seconds of a quick answer for one network, at the rate that is assumed.
fn seconds(s: &SharpnessSettings, size: &Size) -> f64 {
    let samples = s.samples.unwrap_or(size.train) as f64;
    let test = s.test_samples.unwrap_or(size.test) as f64;
    let losses = test + samples * (GRADIENT + PRODUCT * products(s, size.dimension) as f64);
    losses * size.forward / RATE + algebra(s, size.dimension)
}

impl Matrix {
    /// Whether it is one of those that are sums over single samples' gradients.
    pub(super) fn is_fisher(self) -> bool {
        matches!(self, Self::Fisher | Self::EmpiricalFisher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiply-adds of a sample and parameters: the default network, a CNN of images of 28 by 28, ResNets of depth 8, 20 and 44
    /// on images of 32 by 32.
    const SIZES: [(f64, usize); 5] =
        [(2.4e3, 2410), (2.0e6, 20_000), (1.3e7, 78_000), (4.1e7, 272_000), (9.8e7, 660_000)];

    fn size((forward, dimension): (f64, usize)) -> Size {
        Size { forward, dimension, outputs: 10, train: 5000, test: 2000 }
    }

    fn rung(size: &Size) -> (SharpnessSettings, f64) {
        let quick = SharpnessSettings { quick: true, ..SharpnessSettings::default() };
        let all = LADDER.iter().map(|rung| {
            let s = rung.applied(&quick, std::slice::from_ref(size)).resolved(size.outputs, size.train);
            let seconds = seconds(&s, size);
            (s, seconds)
        });
        let all: Vec<_> = all.collect();
        all.iter().find(|(_, seconds)| *seconds <= SECONDS).unwrap_or(&all[all.len() - 1]).clone()
    }

    #[test]
    fn a_quick_answer_fits_into_its_time() {
        let mut before = usize::MAX;
        for of in SIZES {
            let (s, seconds) = rung(&size(of));
            assert!(seconds <= SECONDS, "{of:?}: {seconds}");
            let samples = s.samples.unwrap();
            assert!(samples <= before, "larger networks see no more samples");
            before = samples;
            // A tenth of the spread of a few hundred thousand parameters takes some thirty products, not 164.
            assert!(of.1 < 100_000 || products(&s, of.1) <= 40, "{of:?}: {}", products(&s, of.1));
        }
        // The default network has everything that it had.
        let (s, _) = rung(&size(SIZES[0]));
        assert_eq!((s.samples, s.shown(), s.bottom(), s.probes), (Some(512), Shown::Both, 1, Some(10)));
        assert!(s.test_samples.is_none());
    }

    #[test]
    fn what_was_asked_for_is_no_rungs_to_change() {
        let asked = SharpnessSettings {
            quick: true,
            samples: Some(4000),
            bottom: Some(3),
            probes: Some(50),
            epsilon: Some(0.01),
            columns: Some(Shown::Both),
            ..SharpnessSettings::default()
        };
        let size = size(SIZES[4]);
        for rung in &LADDER {
            let s = rung.applied(&asked, std::slice::from_ref(&size));
            assert_eq!(
                (s.samples, s.bottom, s.probes, s.epsilon, s.columns),
                (asked.samples, asked.bottom, asked.probes, asked.epsilon, asked.columns)
            );
        }
    }

    #[test]
    fn small_operators_are_written_out_where_something_would_be_sampled() {
        let s = SharpnessSettings::default().resolved(10, 1000);
        assert!(is_exact(&s, 2000) && !is_exact(&s, 2410));
        let certified = SharpnessSettings { compute: vec![Task::Eigenvalues], top: Some(1), ..s.clone() };
        assert!(is_exact(&certified, 60) && !is_exact(&certified, 2000), "Lanczos samples nothing");
        let probed = SharpnessSettings { probes: Some(3000), ..s.clone() };
        assert!(is_exact(&probed, 2410), "as many probes as parameters");
        assert!(!is_exact(&SharpnessSettings { exact: Some(0), ..s }, 10));
    }
}
