//! What probes found: arrays, a summary, and both read back.

use crate::base::files;
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{Error, Result};
use crate::passes::archive;
use crate::train::{Probe, TrainSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

/// Name of the file of arrays in a run directory.
pub const ARRAYS: &str = "probes.npz";

/// Random vectors of a trace: as many as its interval asks for.
pub(super) const TRACE_PROBES: usize = 30;

/// Declares the numbers of one probe: a struct whose fields start as NaN, and the same as a row.
macro_rules! row {
    ($($field:ident: $what:literal,)*) => {
        /// The numbers of one probe; NaN where there is none.
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Row {
            $(#[doc = $what] pub $field: f64,)*
        }

        impl Row {
            /// Their names, in order.
            const NAMES: &[&str] = &[$(stringify!($field)),*];
            /// How many.
            pub const WIDTH: usize = Self::NAMES.len();

            /// All of them, in order.
            pub fn numbers(&self) -> [f64; Self::WIDTH] {
                [$(self.$field),*]
            }
        }

        impl Default for Row {
            fn default() -> Self {
                Self { $($field: f64::NAN),* }
            }
        }
    };
}

row! {
    train_loss: "The loss that is probed.",
    lr: "The rate in use.",
    threshold: "The curvature beyond which steps of that rate are unstable, where the optimizer has one.",
    lambda_max: "The largest eigenvalue of the Hessian, if it converged.",
    lambda_max_estimate: "The same, converged or not.",
    lambda_max_residual: "||H x - lambda x||.",
    lambda_max_certified: "1 if no eigenvalue lies beyond it, as far as the certificate says; else 0.",
    products: "Products that were spent on it.",
    trace: "The trace of the Hessian.",
    trace_stderr: "Its standard error.",
    gradient_norm: "The norm of the gradient.",
    noise_trace: "The trace of the covariance of single samples' gradients.",
    noise_trace_stderr: "Its standard error.",
    noise_g2: "The unbiased estimate of the squared norm of the expected gradient.",
    noise_scale: "The ratio of the two.",
    noise_scale_stderr: "Its standard error.",
}

/// What the numbers are of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Training samples whose loss is probed: the first so many.
    pub samples: usize,
    /// Which statistics norms use, in words.
    pub statistics: String,
    /// Whether they couple samples.
    pub coupled: bool,
    /// Samples in the small batches of the noise scale; none where there are not two batches.
    pub small: Option<usize>,
}

/// The probes of a run.
#[derive(Clone, Debug)]
pub struct Probes {
    /// What they are of.
    pub facts: Facts,
    arrays: Npz,
}

impl Probes {
    /// Of rows by their step.
    pub(super) fn new(facts: Facts, rows: &Pieces) -> Self {
        let (mut arrays, n) = (Npz::default(), rows.len());
        arrays.push("step", &[n], rows.keys().map(|step| *step as i64).collect::<Vec<i64>>());
        for (i, name) in Row::NAMES.iter().enumerate() {
            arrays.push(name, &[n], rows.values().map(|row| row[i]).collect::<Vec<f64>>());
        }
        Self { facts, arrays }
    }

    /// Reads what a run directory has, given the `probe` of its record.
    pub fn load(directory: &Path, record: &Value) -> Result<Self> {
        let at = files::named(&directory.join("run.json"));
        let facts: Facts = serde_json::from_value(record["of"].clone())
            .map_err(|e| Error::value(format!("{at}: probe.of"), &e.to_string()))?;
        let path = directory.join(ARRAYS);
        let (at, arrays) = (files::named(&path), Npz::read(&path)?);
        let length = |name: &str| match arrays.get(name).map(|a| a.shape.as_slice()) {
            Some(&[n]) => Ok(n),
            _ => Err(Error::expected(format!("{at}: {name}"), "an array of one axis", "another or none")),
        };
        let n = length("step")?;
        for name in Row::NAMES {
            let found = length(name)?;
            if found != n {
                return Err(Error::expected(format!("{at}: {name}"), format!("{n} numbers"), found));
            }
        }
        Ok(Self { facts, arrays })
    }

    /// The numbers called so, a probe each; `step` too.
    pub fn of(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// The file of arrays: its name and contents.
    pub fn file(&self) -> Result<(String, Vec<u8>)> {
        archive(ARRAYS, &self.arrays)
    }

    /// lambda_max over the stability threshold, a probe each.
    pub fn ratios(&self) -> Vec<f64> {
        self.of("lambda_max").iter().zip(self.of("threshold")).map(|(l, t)| l / t).collect()
    }

    /// The median of [`Probes::ratios`] over the last quarter of training, and of how many probes.
    pub fn edge(&self) -> (f64, usize) {
        let steps = self.of("step");
        let from = 0.75 * steps.last().copied().unwrap_or(0.0);
        let late =
            steps.iter().zip(self.ratios()).filter(|(step, ratio)| **step >= from && ratio.is_finite());
        let mut late: Vec<f64> = late.map(|(_, ratio)| ratio).collect();
        late.sort_by(f64::total_cmp);
        (quantile(&late, 0.5), late.len())
    }

    /// How many probes were of a finite loss, how many of these have no eigenvalue that converged, and how many none
    /// that is certified.
    pub fn doubts(&self) -> [usize; 3] {
        let finite: Vec<bool> = self.of("train_loss").iter().map(|loss| loss.is_finite()).collect();
        let count = |bad: &dyn Fn(usize) -> bool| (0..finite.len()).filter(|i| finite[*i] && bad(*i)).count();
        let (lambda, certified) = (self.of("lambda_max"), self.of("lambda_max_certified"));
        [count(&|_| true), count(&|i| !lambda[i].is_finite()), count(&|i| certified[i] != 1.0)]
    }

    /// What `run.json` says of them; `sha256` of the arrays.
    pub fn summary(&self, settings: &TrainSettings, probe: Probe, sha256: Option<String>) -> Value {
        let steps = self.of("step");
        let last = |name: &str| self.of(name).last().copied().unwrap_or(f64::NAN);
        let lambda = self.of("lambda_max");
        let above = |best: Option<usize>, i: usize| match best {
            Some(b) if lambda[b] >= lambda[i] => Some(b),
            _ => Some(i),
        };
        let largest = (0..lambda.len()).filter(|i| lambda[*i].is_finite()).fold(None, above);
        let [finite, unconverged, uncertified] = self.doubts();
        let status = |value: f64, why: String| if value.is_finite() { "computed".to_owned() } else { why };
        let (ratio, probes) = self.edge();
        let (threshold, edge) = match settings.stability(settings.rate()) {
            Ok(_) => {
                let why = "none: no rate was known, or it was zero".to_owned();
                let none = "none: no late probe has an eigenvalue and a threshold".to_owned();
                (status(last("threshold"), why), status(ratio, none))
            }
            Err(why) => (format!("none: {why}"), format!("none: {why}")),
        };
        let noise = match self.facts.small {
            None => "none: there are not two batches".to_owned(),
            Some(_) => status(
                last("noise_scale"),
                "none: the estimate of the squared norm of the expected gradient is not above 0".to_owned(),
            ),
        };
        json!({
            "what": probe.what.to_string(),
            "every": probe.every,
            "probes": steps.len(),
            "of": self.facts,
            "file": ARRAYS,
            "sha256": sha256,
            "lambda_max": {
                "last": last("lambda_max"),
                "largest": largest.map(|i| lambda[i]),
                "largest_at": largest.map(|i| steps[i] as u64),
                "finite": finite,
                "unconverged": unconverged,
                "uncertified": uncertified,
                "status": status(last("lambda_max"), "none: not converged, or the loss is not finite".to_owned()),
            },
            "threshold": {"last": last("threshold"), "status": threshold},
            "edge": {"ratio": ratio, "probes": probes, "status": edge},
            "trace": {
                "last": last("trace"),
                "stderr": last("trace_stderr"),
                "probes": TRACE_PROBES,
                "status": status(last("trace"), "none: the loss or a product is not finite".to_owned()),
            },
            "noise_scale": {"last": last("noise_scale"), "stderr": last("noise_scale_stderr"), "status": noise},
        })
    }
}
