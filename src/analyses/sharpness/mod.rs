//! How sharp a minimum is: the spectrum of its curvature, and the measures beyond eigenvalues.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings, and what of them is computed |
//! | `plan` | what is exact because that is cheap, what a quick answer has, what all of it costs |
//! | `blocks` | the curvature of some parameters alone, by layer, role, head or name |
//! | `compute` | one network: its operators, and what is asked of them |
//! | `coefficient` | the local learning coefficient, by chains |
//! | `keep` | what an unfinished analysis keeps |
//! | `spectra` | one matrix: eigenvalues, traces, norms, density |
//! | `result` | arrays and scalars of all networks, saved and read back |
//! | `figures` | the density, the log-spectrum, the comparison |
//! | `shifted` | loss along one direction, on shifted data too |
//!
//! The curvature is that of the mean loss over the stated samples, without weight decay unless it is asked for.

mod analysis;
mod blocks;
mod coefficient;
mod compute;
mod figures;
mod keep;
mod plan;
mod result;
pub mod shifted;
mod spectra;

pub use blocks::{Block, blocks};
pub use compute::run;
pub use keep::discard;
pub use plan::EXACT;
pub use result::{Cell, Line, SharpnessResult};

use super::range::Range;
use super::statistics::{GroupSize, Stats};
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result};
use crate::data::Shift;
use crate::landscape::Sampler;
use crate::landscape::sharpness::{Columns, Sharp, Sharpness};
use crate::nn::Role;
use crate::spectral::{self, EndSoFar, SoFar, Wanted};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use shifted::ShiftSettings;

/// Which matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// Second derivatives of the mean loss
    #[default]
    Hessian,
    /// J' H J, J the Jacobian of the outputs, H the loss's Hessian in them
    GaussNewton,
    /// Expectation of g g' over targets from the network's own distribution: of cross-entropy, logistic loss and squared error
    /// the Gauss-Newton matrix, exactly; sampled with --draws
    Fisher,
    /// Mean of g g' over the samples, g the gradient of a sample's loss
    EmpiricalFisher,
}

impl Matrix {
    /// As the field calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hessian => "Hessian",
            Self::GaussNewton => "Gauss-Newton matrix",
            Self::Fisher => "true Fisher matrix",
            Self::EmpiricalFisher => "empirical Fisher matrix",
        }
    }

    /// As keys of results have it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Hessian => "hessian",
            Self::GaussNewton => "gauss_newton",
            Self::Fisher => "fisher",
            Self::EmpiricalFisher => "empirical_fisher",
        }
    }
}

/// One thing to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Largest and smallest eigenvalues by Lanczos, certified; overlap of the gradient with the largest
    Eigenvalues,
    /// The largest eigenvalues by power iteration too, as a cross-check
    Power,
    /// Trace (of large operators Hutchinson's estimate)
    Trace,
    /// Trace (of large operators by Hutch++), Frobenius norm, diagonal
    Norms,
    /// Spectral density, over lambda and over its logarithm (of large operators by stochastic Lanczos quadrature, whose share
    /// of negative eigenvalues is off by more than its error where many are near zero)
    Density,
    /// Log-determinant of the Gauss-Newton matrix + eps I, and its effective dimension
    LogDeterminant,
    /// The largest eigenvalue and the trace of all four matrices
    Matrices,
    /// Gradient noise scale, of the samples as a draw from an infinite population
    Noise,
    /// The measures beyond eigenvalues (--measures)
    Measures,
    /// The local learning coefficient, from chains (--sampler): some thousand gradients
    LearningCoefficient,
    /// Loss along one direction on training, test and shifted test samples (--shifts)
    Shift,
}

/// Which columns of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Raw and rescaling-invariant, side by side
    #[default]
    Both,
    /// Both of the measures, and of the spectrum raw alone, whose invariant twin takes its products again: the default where
    /// that takes more than about a minute
    RawSpectrum,
    /// Raw alone: comparing networks by it means little (Dinh 2017)
    Raw,
    /// Rescaling-invariant alone
    Invariant,
}

impl Shown {
    /// Whether raw numbers are wanted.
    pub fn raw(self) -> bool {
        self != Self::Invariant
    }

    /// Whether invariant numbers are wanted.
    pub fn invariant(self) -> bool {
        self != Self::Raw
    }

    /// Whether they are wanted of the spectrum too.
    pub fn twin(self) -> bool {
        matches!(self, Self::Both | Self::Invariant)
    }
}

/// Settings of an analysis of sharpness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SharpnessSettings {
    /// Answer in about ten seconds: the outermost eigenvalues and the trace, of as many samples and as closely as that allows;
    /// says what it left out
    #[arg(long, default_value_t = false, conflicts_with = "full")]
    pub quick: bool,
    /// Compute everything but the learning coefficient
    #[arg(long, default_value_t = false)]
    pub full: bool,
    /// What to compute, separated by commas [default: eigenvalues, trace, density, noise, measures]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub compute: Vec<Task>,
    /// Which matrix
    #[arg(long, value_name = "MATRIX", value_enum, default_value_t = SharpnessSettings::default().operator)]
    pub operator: Matrix,
    /// Sample the true Fisher matrix, with so many targets drawn a sample, and say how it differs from draw to draw
    /// [default: exact, the Gauss-Newton matrix of the losses that have one]
    #[arg(long, value_name = "N")]
    pub draws: Option<usize>,
    /// Only parameters whose names begin so (`0` or `blocks.1.conv1`), separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub layer: Vec<String>,
    /// Only parameters of these roles, separated by commas [default: all]
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    pub role: Vec<Role>,
    /// Blocks of the curvature too, each with its largest and smallest eigenvalue, trace and density as --compute says: one for
    /// each `layer`, `role`, `tensor` or `head`, or all names that are like a pattern (`blocks.0.*`), separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub block: Vec<String>,
    /// Add this to the diagonal: the curvature of weight decay
    #[arg(long, value_name = "X", default_value_t = SharpnessSettings::default().weight_decay)]
    pub weight_decay: f64,
    /// How many of the largest eigenvalues [default: as many as outputs; 1 with --quick]
    #[arg(long, value_name = "K")]
    pub top: Option<usize>,
    /// Largest operator that is written out as a matrix, of whose spectrum nothing is then sampled; 0: none [default: 2000]
    #[arg(long, value_name = "N")]
    pub exact: Option<usize>,
    /// How many of the smallest eigenvalues [default: 1; 0 with --quick where time is short]
    #[arg(long, value_name = "K")]
    pub bottom: Option<usize>,
    /// Largest residual of a converged eigenvalue, as a share of the largest magnitude [default: 0.001; 0.01 with --quick
    /// where time is short]
    #[arg(long, value_name = "SHARE")]
    pub tolerance: Option<f64>,
    /// Most Lanczos steps
    #[arg(long, value_name = "N", default_value_t = SharpnessSettings::default().steps)]
    pub steps: usize,
    /// Probability, for each end of the spectrum, that a certificate is wrong
    #[arg(long, value_name = "P", default_value_t = SharpnessSettings::default().delta)]
    pub delta: f64,
    /// By how much of the spread a certified eigenvalue may be off [default: 0.01; 0.1 with --quick where time is short]
    #[arg(long, value_name = "SHARE")]
    pub epsilon: Option<f64>,
    /// Exit with 0 also where an eigenvalue or a chain did not converge
    #[arg(long, default_value_t = false)]
    pub allow_unconverged: bool,
    /// Save eigenvectors, in sharpness.npz and as weight-shaped tensors in eigenvectors.safetensors
    #[arg(long, default_value_t = false)]
    pub vectors: bool,
    /// Random probes of traces [default: 30; 10 or 8 with --quick]; intervals are Student's, and of few probes much wider than
    /// two standard errors
    #[arg(long, value_name = "N")]
    pub probes: Option<usize>,
    /// Lanczos steps of a density
    #[arg(long, value_name = "M", default_value_t = SharpnessSettings::default().density_steps)]
    pub density_steps: usize,
    /// Random starts of a density (its kernel moves mass across zero, which biases the negative mass)
    #[arg(long, value_name = "N", default_value_t = SharpnessSettings::default().density_probes)]
    pub density_probes: usize,
    /// eps of the log-determinant and the effective dimension
    #[arg(long, value_name = "EPS", default_value_t = SharpnessSettings::default().eps)]
    pub eps: f64,
    /// The measures beyond eigenvalues, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_values_t = SharpnessSettings::default().measures)]
    pub measures: Vec<Sharpness>,
    /// Raw and rescaling-invariant numbers, or one kind alone [default: both; raw-spectrum where the twin of the spectrum takes
    /// more than about a minute, raw with --quick where time is short]
    #[arg(long, value_name = "WHICH", value_enum)]
    pub columns: Option<Shown>,
    /// What draws the chains of the learning coefficient
    #[arg(long, value_name = "KIND", default_value_t = SharpnessSettings::default().sampler)]
    pub sampler: Sampler,
    /// How test samples are shifted, separated by commas [default: noise, blur, labels, as far as the data have such]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub shifts: Vec<Shift>,
    /// Points along the direction through the minimum, as min:max:n
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, default_value_t = SharpnessSettings::default().shift_range)]
    pub shift_range: Range,
    /// Samples in the smaller batches of the gradient noise scale, which takes the data as an infinite population [default: the training batch]
    #[arg(long, value_name = "N")]
    pub noise_batch: Option<usize>,
    /// What each --run is called in tables and figures [default: its directory's name]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Statistics of batch norm and its kin: running or batch [default: running, where the network has such]
    #[arg(long, value_name = "KIND")]
    pub stats: Option<Stats>,
    /// Samples in a group that shares statistics, with --stats batch: a number, or `all` [default: the training batch]
    #[arg(long, value_name = "N")]
    pub stat_batch: Option<GroupSize>,
    /// The first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// The first N test samples only, for the loss at the minimum [default: all]
    #[arg(long, value_name = "N")]
    pub test_samples: Option<usize>,
    /// Seed of random starts, probes and directions
    #[arg(long, value_name = "N", default_value_t = SharpnessSettings::default().seed)]
    pub seed: u64,
    /// Element type of products [default: the one that the network was trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB; half of it for Lanczos vectors: where they are more, the
    /// recurrence restarts from its outermost ones
    #[arg(long, value_name = "GIB", default_value_t = SharpnessSettings::default().memory)]
    pub memory: f64,
}

impl Default for SharpnessSettings {
    fn default() -> Self {
        let lanczos = spectral::Settings::default();
        Self {
            quick: false,
            full: false,
            compute: Vec::new(),
            operator: Matrix::default(),
            draws: None,
            layer: Vec::new(),
            role: Vec::new(),
            block: Vec::new(),
            weight_decay: 0.0,
            top: None,
            exact: None,
            bottom: None,
            tolerance: None,
            steps: lanczos.most_steps,
            delta: lanczos.delta,
            epsilon: None,
            allow_unconverged: false,
            vectors: false,
            probes: None,
            density_steps: 80, // Ghorbani 2019: 80 to 90 steps suffice
            density_probes: 4, // enough for a spread; a probe of a large network is representative (Ghorbani 2019)
            eps: 1e-3,         // about where the bulk of small networks ends
            measures: Sharpness::all(),
            sampler: Sampler::default(),
            columns: None,
            shifts: Vec::new(),
            shift_range: ShiftSettings::default().range,
            noise_batch: None,
            labels: Vec::new(),
            stats: None,
            stat_batch: None,
            samples: None,
            test_samples: None,
            seed: 0,
            precision: None,
            memory: 4.0,
        }
    }
}

/// What is known of the ends of a spectrum on the way, in words.
fn words(so_far: &SoFar, delta: f64) -> String {
    let of = |end: &Option<EndSoFar>, name: &str, beyond: &str| {
        end.map(|end| {
            let [value, bound] = [end.value, end.bound].map(|x| analysis::significant(x, 4));
            let residual = analysis::significant(end.residual, 2);
            if so_far.searching {
                format!("{beyond} {bound}")
            } else {
                // At first a bound is far from anything.
                let near = (end.bound - end.value).abs() <= 10.0 * so_far.spread;
                let bound = if near { format!(", {beyond} {bound}") } else { String::new() };
                format!("{name} {value} (residual {residual}{bound})")
            }
        })
    };
    let [top, bottom] =
        [of(&so_far.top, "lambda_max", "none above"), of(&so_far.bottom, "lambda_min", "none below")];
    let ends: Vec<String> = top.into_iter().chain(bottom).collect();
    let passed = if so_far.searching { "of those passed over " } else { "" };
    format!("{passed}{} but for a probability of {delta}", ends.join(", "))
}

/// Largest operator that anybody may have written out: 800 MB, and half an hour of decomposition.
const MOST_EXACT: usize = 10_000;

impl SharpnessSettings {
    /// The settings with what they leave open filled in, for a network with so many outputs and training samples.
    pub fn resolved(&self, outputs: usize, samples: usize) -> Self {
        use Task::{Density, Eigenvalues, Measures, Noise, Trace};
        let mut compute = match (self.compute.is_empty(), self.full, self.quick) {
            (false, ..) => self.compute.clone(),
            (true, true, _) => {
                let all = Task::value_variants().iter().copied();
                all.filter(|task| *task != Task::LearningCoefficient).collect()
            }
            (true, _, true) => vec![Eigenvalues, Trace],
            _ => vec![Eigenvalues, Trace, Density, Noise, Measures],
        };
        compute.sort();
        compute.dedup();
        Self {
            quick: false,
            full: false,
            compute,
            top: Some(self.top.unwrap_or(if self.quick { 1 } else { outputs })),
            exact: Some(self.exact.unwrap_or(EXACT)),
            bottom: Some(self.bottom()),
            tolerance: Some(self.lanczos().tolerance),
            epsilon: Some(self.lanczos().epsilon),
            columns: Some(self.shown()),
            // Student's t is near the normal distribution from here on.
            probes: Some(self.probes.unwrap_or(30)),
            samples: Some(self.samples.unwrap_or(samples)),
            ..self.clone()
        }
    }

    /// Which columns of the table.
    fn shown(&self) -> Shown {
        self.columns.unwrap_or_default()
    }

    /// How many of the smallest eigenvalues.
    fn bottom(&self) -> usize {
        self.bottom.unwrap_or(1)
    }

    /// Whether something is computed.
    fn has(&self, task: Task) -> bool {
        self.compute.contains(&task)
    }

    /// What has to be said before anybody believes a number that rescaling changes at will.
    pub fn warning(&self) -> Option<String> {
        let measures = self.has(Task::Measures) && !self.measures.is_empty();
        let raw = self.measures.iter().all(|m| m.columns() == Columns::Raw);
        let spectrum = [Task::Eigenvalues, Task::Trace].iter().any(|task| self.has(*task));
        let alone = self.shown() == Shown::Raw || !self.shown().twin() && !measures;
        (alone || measures && raw && !(spectrum && self.shown().twin())).then(|| {
            "only raw measures were asked for: rescaling layers changes them and not the function (Dinh 2017), so they \
             are no ground for calling a minimum flat"
                .to_owned()
        })
    }

    /// How the minima are looked at under shifted data.
    fn shift(&self) -> ShiftSettings {
        ShiftSettings {
            shifts: self.shifts.clone(),
            range: self.shift_range,
            stats: self.stats,
            stat_batch: self.stat_batch,
            seed: self.seed,
            precision: self.precision,
            memory: self.memory,
            ..ShiftSettings::default()
        }
    }

    /// When eigenvalues are good enough.
    fn lanczos(&self) -> spectral::Settings {
        let default = spectral::Settings::default();
        spectral::Settings {
            tolerance: self.tolerance.unwrap_or(default.tolerance),
            most_steps: self.steps,
            most_vectors: None,
            certify: true,
            delta: self.delta,
            epsilon: self.epsilon.unwrap_or(default.epsilon),
        }
    }

    /// Most Lanczos vectors of n numbers that are held, whose products are in this precision: half of the memory.
    fn most_vectors(&self, n: usize, precision: Precision) -> Option<usize> {
        let bytes = super::run::gibibytes(self.memory).ok()? / 2;
        Some(bytes / spectral::basis::bytes_of(n, precision.epsilon()).max(1))
    }

    /// With how few of them it goes on.
    fn fewest_vectors(&self) -> usize {
        self.lanczos().fewest_vectors(Wanted { top: self.top.unwrap_or(1), bottom: self.bottom() })
    }

    /// Refuses settings that make no sense for so many networks, before anything is loaded or trained.
    pub fn check(&self, networks: usize) -> Result<()> {
        let number = |flag: &str, n: usize, least: usize, most: usize| {
            if (least..=most).contains(&n) {
                Ok(())
            } else {
                Err(Error::expected(flag, format!("{least} to {most}"), n))
            }
        };
        let share = |flag: &str, x: f64| {
            if x > 0.0 && x < 1.0 {
                Ok(())
            } else {
                Err(Error::expected(flag, "a number between 0 and 1", x))
            }
        };
        let lanczos = self.lanczos();
        share("--tolerance", lanczos.tolerance)?;
        share("--delta", lanczos.delta)?;
        share("--epsilon", lanczos.epsilon)?;
        number("--steps", self.steps, 1, 100_000)?;
        number("--top", self.top.unwrap_or(1), 1, 10_000)?;
        number("--bottom", self.bottom(), 0, 10_000)?;
        number("--exact", self.exact.unwrap_or(EXACT), 0, MOST_EXACT)?;
        number("--draws", self.draws.unwrap_or(1), 1, 10_000)?;
        number("--probes", self.probes.unwrap_or(30), 2, 1_000_000)?;
        number("--density-steps", self.density_steps, 2, 10_000)?;
        number("--density-probes", self.density_probes, 1, 10_000)?;
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(Error::expected("--weight-decay", "a number of at least 0", self.weight_decay));
        }
        if !(self.eps.is_finite() && self.eps > 0.0) {
            return Err(Error::expected("--eps", "a number above 0", self.eps));
        }
        if self.samples == Some(0) || self.noise_batch == Some(0) {
            let flag = if self.samples == Some(0) { "--samples" } else { "--noise-batch" };
            return Err(Error::expected(flag, "at least 1", 0));
        }
        if self.stats == Some(Stats::Refresh) {
            let expected = "running or batch, the same function at every theta";
            return Err(Error::expected("--stats", expected, "refresh"));
        }
        for (i, measure) in self.measures.iter().enumerate() {
            if self.measures[..i].iter().any(|m| m.name() == measure.name()) {
                return Err(Error::expected("--measures", "each kind once", measure.name()));
            }
        }
        if !self.labels.is_empty() && self.labels.len() != networks {
            return Err(Error::expected("--labels", format!("{networks}, one a --run"), self.labels.len()));
        }
        super::run::gibibytes(self.memory).map(|_| ())
    }
}
