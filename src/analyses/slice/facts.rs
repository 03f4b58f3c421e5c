//! What is known of a view before its first point: network, samples, directions, the center. It heads the log, so that
//! parts can be joined without the network.

use super::SliceSettings;
use crate::analyses::DataSettings;
use crate::analyses::range::Range;
use crate::base::{Error, Precision, Result};
use crate::landscape::Map;
use crate::landscape::measures::{Computed, Measure};
use crate::landscape::slice::Point;
use crate::nn::Spec;
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value};

/// The names of the axes.
pub const AXES: [&str; 3] = ["x", "y", "z"];

/// Coordinates along each axis, x first. Point number (k ny + j) nx + i lies at (x_i, y_j, z_k).
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinates(pub Vec<Vec<f64>>);

impl Coordinates {
    /// The point with a number.
    pub fn at(&self, index: usize) -> Point {
        let mut point = [0.0; 3];
        let mut rest = index;
        for (c, axis) in point.iter_mut().zip(&self.0) {
            *c = axis[rest % axis.len()];
            rest /= axis.len();
        }
        point
    }
}

/// How many samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub train: usize,
    pub test: usize,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisFacts {
    /// What the direction is, in words.
    pub label: String,
    /// Its points.
    pub range: Range,
}

/// A point worth pointing at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkFacts {
    pub at: Vec<f64>,
    pub label: String,
}

/// The training trajectory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailFacts {
    pub steps: Vec<u64>,
    /// Coordinates of the projection, one list an axis.
    pub coordinates: Vec<Vec<f64>>,
    /// Distance of the true point to the slice.
    pub residuals: Vec<f64>,
    /// Training loss at the true point; null where it is not finite.
    pub train_loss: Vec<Option<f64>>,
}

/// The training trajectory of another run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherTrail {
    /// What the run is called.
    pub label: String,
    pub trail: TrailFacts,
}

/// What is known of a view before its first point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What the network is called beside others.
    pub label: String,
    pub title: String,
    pub seed: u64,
    pub precision: Precision,
    pub network: Spec,
    pub parameters: usize,
    pub data: DataSettings,
    pub data_sha256: String,
    pub weights_sha256: Option<String>,
    pub directions_sha256: String,
    /// Samples evaluated on.
    pub samples: Counts,
    /// Samples that there are.
    pub population: Counts,
    pub norm_statistics: String,
    /// Whether the loss of a sample does not depend on the others.
    pub independent: bool,
    pub center: Value,
    pub center_status: String,
    /// Of the first two directions; null where there is none.
    pub cosine: Option<f64>,
    pub cosine_status: String,
    /// Cosines of x and y, x and z, y and z in a volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosines: Vec<Option<f64>>,
    pub norms: Object<String, Value>,
    pub axes: Vec<AxisFacts>,
    /// What the center is called.
    pub center_label: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<MarkFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<TrailFacts>,
    /// Those of other runs in the same slice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherTrail>,
    /// Eigenvalues, explained variances.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub directions: Object<String, Value>,
    /// Curvature along the directions, and of the first draw what the Hessian in their scale has; where it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hessian: Option<Value>,
}

impl Facts {
    /// Refuses what does not fit together or not `settings`: facts are read from files, which may have been changed.
    pub fn check(&self, at: &str, settings: &SliceSettings) -> Result<()> {
        let sides: Vec<usize> = settings.sides().iter().map(|side| side.n()).collect();
        let found: Vec<usize> = self.axes.iter().map(|axis| axis.range.n).collect();
        if found != sides {
            return Err(Error::expected(
                format!("{at}: axes"),
                format!("{sides:?} points"),
                format!("{found:?}"),
            ));
        }
        if let Some(mark) = self.marks.iter().find(|mark| mark.at.len() != sides.len()) {
            let expected = format!("{} coordinates of {}", sides.len(), mark.label);
            return Err(Error::expected(format!("{at}: marks"), expected, mark.at.len()));
        }
        for trail in self.trail.iter().chain(self.others.iter().map(|other| &other.trail)) {
            let n = trail.steps.len();
            let fits =
                trail.coordinates.len() == sides.len() && trail.coordinates.iter().all(|c| c.len() == n);
            if !fits || trail.residuals.len() != n || trail.train_loss.len() != n {
                return Err(Error::expected(
                    format!("{at}: trail"),
                    format!("lists of {n} numbers"),
                    "others",
                ));
            }
        }
        Ok(())
    }

    /// Coordinates along each axis.
    pub fn coordinates(&self) -> Coordinates {
        Coordinates(self.axes.iter().map(|a| a.range.points()).collect())
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.axes.iter().map(|a| a.range.n).fold(1, usize::saturating_mul)
    }

    /// Shape of an array over the slice: the last axis first.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().rev().map(|a| a.range.n).collect()
    }

    /// Whether a part of the training samples, and of the test samples, stands for all of them.
    pub fn sampled(&self) -> [bool; 2] {
        [self.samples.train < self.population.train, (1..self.population.test).contains(&self.samples.test)]
    }
}

/// The maps that are computed at every point, in the order of the log's numbers.
pub fn columns(settings: &SliceSettings, facts: &Facts) -> Vec<&'static str> {
    let mut names = vec!["train_loss", "train_accuracy"];
    if facts.samples.test > 0 {
        names.extend(["test_loss", "test_accuracy"]);
    }
    // Samples that share statistics do not err independently of each other: then there is no such number.
    if facts.independent {
        let sampled = ["train_loss_stderr", "test_loss_stderr"].into_iter().zip(facts.sampled());
        names.extend(sampled.filter(|(_, sampled)| *sampled).map(|(name, _)| name));
    }
    names.extend(at_points(settings).flat_map(|map| map.maps()).map(|drawn| drawn.array));
    names
}

/// The measures that are computed at every point.
pub fn at_points(settings: &SliceSettings) -> impl Iterator<Item = &Map> {
    settings.maps.iter().filter(|map| map.computed() == Computed::AtPoints)
}
