//! What probes found: arrays, a summary, and both read back.

use super::plateaus::{Terrain, share};
use crate::analyses::archive;
use crate::base::files;
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::statistics::quantile;
use crate::base::{Error, Result};
use crate::train::probe::What;
use crate::train::{Probe, TrainSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cmp::Ordering;
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
    lambda_min: "The smallest eigenvalue, if it converged; like those that follow, of probes of saddles only.",
    lambda_min_estimate: "The same, converged or not.",
    lambda_min_residual: "||H x - lambda x||.",
    lambda_min_certified: "1 if no eigenvalue lies below it, as far as the certificate says; else 0.",
    products: "Products that were spent on eigenvalues.",
    trace: "The trace of the Hessian; like the noise below, of probes of sharpness only.",
    trace_stderr: "Its standard error.",
    gradient_norm: "The norm of the gradient.",
    noise_trace: "The trace of the covariance of single samples' gradients.",
    noise_trace_stderr: "Its standard error.",
    noise_g2: "The unbiased estimate of the squared norm of the expected gradient.",
    noise_scale: "The ratio of the two.",
    noise_scale_stderr: "Its standard error.",
    critical_sharpness: "2 / the smallest step along the gradient that does not lower the loss; of its own probes only.",
    critical_sharpness_low: "The lower end of its bracket.",
    critical_sharpness_high: "The upper end.",
    critical_losses: "Losses that were spent on it.",
    update_sharpness: "The same along the optimizer's next update with the gradient of the loss that is probed.",
    update_sharpness_low: "The lower end of its bracket.",
    update_sharpness_high: "The upper end.",
    update_losses: "Losses that were spent on it.",
    learning_coefficient: "The local learning coefficient, if its chains converged; of its own probes only.",
    learning_coefficient_estimate: "The same, converged or not.",
    learning_coefficient_stderr: "Its Monte Carlo standard error.",
    learning_coefficient_low: "The lower end of its interval.",
    learning_coefficient_high: "The upper end.",
    learning_coefficient_rhat: "Split R-hat of the chains.",
    learning_coefficient_ess: "Effective draws.",
    learning_coefficient_acceptance: "Share of proposals that were taken.",
}

/// The numbers that probes of a sort have, by their places in a row.
fn columns(what: What) -> impl Iterator<Item = (usize, &'static str)> {
    let own = move |name: &str| match what {
        What::Sharpness | What::Saddles => {
            !["critical", "update", "learning"].iter().any(|start| name.starts_with(start))
        }
        What::CriticalSharpness => {
            ["train_loss", "lr", "threshold", "gradient_norm"].contains(&name)
                || ["critical", "update"].iter().any(|start| name.starts_with(start))
        }
        What::LearningCoefficient => {
            ["train_loss", "lr", "gradient_norm"].contains(&name) || name.starts_with("learning")
        }
    };
    Row::NAMES.iter().copied().enumerate().filter(move |(_, name)| own(name))
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
    pub(super) fn new(what: What, facts: Facts, rows: &Pieces) -> Self {
        let (mut arrays, n) = (Npz::default(), rows.len());
        arrays.push("step", &[n], rows.keys().map(|step| *step as i64).collect::<Vec<i64>>());
        for (i, name) in columns(what) {
            arrays.push(name, &[n], rows.values().map(|row| row[i]).collect::<Vec<f64>>());
        }
        Self { facts, arrays }
    }

    /// Reads what a run directory has, given the `probe` of its record.
    pub fn load(directory: &Path, record: &Value) -> Result<Self> {
        let at = files::named(&directory.join("run.json"));
        let facts: Facts = serde_json::from_value(record["of"].clone())
            .map_err(|e| Error::value(format!("{at}: probe.of"), &e.to_string()))?;
        let said = record["what"].as_str().unwrap_or_default();
        let what = What::named(said)
            .ok_or_else(|| Error::value(format!("{at}: probe.what"), &format!("`{said}` is no probe")))?;
        let path = directory.join(ARRAYS);
        let (at, arrays) = (files::named(&path), Npz::read(&path)?);
        let length = |name: &str| match arrays.get(name).map(|a| a.shape.as_slice()) {
            Some(&[n]) => Ok(n),
            _ => Err(Error::expected(format!("{at}: {name}"), "an array of one axis", "another or none")),
        };
        let n = length("step")?;
        for (_, name) in columns(what) {
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

    /// How many probes were of a finite loss, how many of these have an end of the spectrum that did not converge, and how
    /// many one that is not certified.
    pub fn doubts(&self, what: What) -> [usize; 3] {
        let ends = match what {
            What::Sharpness => &["lambda_max"][..],
            What::Saddles => &["lambda_max", "lambda_min"],
            // Where no step is critical, that is what was found.
            What::CriticalSharpness => &[],
            What::LearningCoefficient => &["learning_coefficient"],
        };
        let finite: Vec<bool> = self.of("train_loss").iter().map(|loss| loss.is_finite()).collect();
        let count =
            |good: &dyn Fn(usize) -> bool| (0..finite.len()).filter(|i| finite[*i] && !good(*i)).count();
        let values: Vec<Vec<f64>> = ends.iter().map(|end| self.of(end)).collect();
        let certified: Vec<Vec<f64>> = ends.iter().map(|end| self.of(&format!("{end}_certified"))).collect();
        [
            count(&|_| false),
            count(&|i| values.iter().all(|v| v[i].is_finite())),
            count(&|i| certified.iter().all(|c| c.get(i).is_none_or(|c| *c == 1.0))),
        ]
    }

    /// What `run.json` says of them; `sha256` of the arrays.
    pub fn summary(&self, settings: &TrainSettings, probe: Probe, sha256: Option<String>) -> Value {
        let mut summary = match probe.what {
            What::Sharpness => self.of_sharpness(settings),
            What::Saddles => self.of_saddles(),
            What::CriticalSharpness => self.of_updates(),
            What::LearningCoefficient => self.of_coefficients(),
        };
        let [finite, unconverged, uncertified] = self.doubts(probe.what);
        summary["what"] = json!(probe.what.to_string());
        summary["every"] = json!(probe.every);
        summary["probes"] = json!(self.of("step").len());
        summary["of"] = json!(self.facts);
        summary["file"] = json!(ARRAYS);
        summary["sha256"] = json!(sha256);
        if probe.what.is_spectral() {
            let mut ends = self.extremes("lambda_max", UNCONVERGED);
            ends["uncertified"] = json!(uncertified);
            summary["lambda_max"] = ends;
        }
        for key in ["lambda_max", "learning_coefficient"] {
            if let Some(of) = summary.get_mut(key).and_then(Value::as_object_mut) {
                of.insert("finite".to_owned(), json!(finite));
                of.insert("unconverged".to_owned(), json!(unconverged));
            }
        }
        summary
    }

    /// The last of the numbers called so and the largest, or `why` there is no last one.
    fn extremes(&self, name: &str, why: &str) -> Value {
        let (last, largest, at) = self.extreme(name, f64::total_cmp);
        json!({"last": last, "largest": largest, "largest_at": at, "status": status(last, why)})
    }

    fn of_updates(&self) -> Value {
        let missing = |name: &str| self.of(name).iter().filter(|x| x.is_nan()).count();
        let of = |name: &str| {
            let mut of =
                self.extremes(name, "no step that lowers the loss has an end, or the loss is not finite");
            of["none"] = json!(missing(name));
            of
        };
        json!({"critical_sharpness": of("critical_sharpness"), "update_sharpness": of("update_sharpness")})
    }

    fn of_coefficients(&self) -> Value {
        let mut of =
            self.extremes("learning_coefficient", "the chains did not converge, or the loss is not finite");
        for (key, name) in
            [("stderr", "stderr"), ("rhat", "rhat"), ("ess", "ess"), ("acceptance", "acceptance")]
        {
            of[key] = json!(self.last(&format!("learning_coefficient_{name}")));
        }
        of["interval"] = json!(["low", "high"].map(|end| self.last(&format!("learning_coefficient_{end}"))));
        json!({"learning_coefficient": of})
    }

    fn last(&self, name: &str) -> f64 {
        self.of(name).last().copied().unwrap_or(f64::NAN)
    }

    /// The last of the numbers called so, the extreme one in an order, and its step.
    fn extreme(&self, name: &str, order: fn(&f64, &f64) -> Ordering) -> (f64, Option<f64>, Option<u64>) {
        let (steps, values) = (self.of("step"), self.of(name));
        let finite = (0..values.len()).filter(|i| values[*i].is_finite());
        // Of equal ones the first.
        let most = finite.rev().max_by(|a, b| order(&values[*a], &values[*b]));
        (self.last(name), most.map(|i| values[i]), most.map(|i| steps[i] as u64))
    }

    fn of_sharpness(&self, settings: &TrainSettings) -> Value {
        let (ratio, probes) = self.edge();
        let (threshold, edge) = match settings.stability(settings.rate()) {
            Ok(_) => (
                status(self.last("threshold"), "no rate was known, or it was zero"),
                status(ratio, "no late probe has an eigenvalue and a threshold"),
            ),
            Err(why) => (format!("none: {why}"), format!("none: {why}")),
        };
        let noise = match self.facts.small {
            None => "none: there are not two batches that have the whole loss for their mean".to_owned(),
            Some(_) => status(
                self.last("noise_scale"),
                "the estimate of the squared norm of the expected gradient is not above 0",
            ),
        };
        json!({
            "threshold": {"last": self.last("threshold"), "status": threshold},
            "edge": {"ratio": ratio, "probes": probes, "status": edge},
            "trace": {
                "last": self.last("trace"),
                "stderr": self.last("trace_stderr"),
                "probes": TRACE_PROBES,
                "status": status(self.last("trace"), "the loss or a product is not finite"),
            },
            "noise_scale": {
                "last": self.last("noise_scale"),
                "stderr": self.last("noise_scale_stderr"),
                "status": noise,
            },
        })
    }

    fn of_saddles(&self) -> Value {
        let (steps, terrain) = (self.of("step"), Terrain::of(self));
        let (last, smallest, at) = self.extreme("lambda_min", |a, b| b.total_cmp(a));
        let longest = terrain.plateaus().into_iter().map(|part| steps[part.end] - steps[part.start]);
        json!({
            "lambda_min": {
                "last": last,
                "smallest": smallest,
                "smallest_at": at,
                "status": status(last, UNCONVERGED),
            },
            "plateaus": {
                "count": terrain.plateaus().len(),
                "share": share(&steps, &terrain.plateau),
                "longest": longest.fold(0.0, f64::max) as u64,
            },
            "saddles": {"share": share(&steps, &terrain.saddle)},
        })
    }
}

const UNCONVERGED: &str = "not converged, or the loss is not finite";

/// Whether there is a value, or why not.
fn status(value: f64, why: &str) -> String {
    if value.is_finite() { "computed".to_owned() } else { format!("none: {why}") }
}
