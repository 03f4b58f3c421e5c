//! How smooth the loss was along each training, as it is saved, read back and drawn.

use super::{MEASURES, SmoothnessSettings};
use crate::analyses::propagate::median;
use crate::analyses::stored::Arrays;
use crate::analyses::{DataSettings, Numbers, Outcome};
use crate::base::Result;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::nn::architectures::Architecture;
use crate::nn::inits::Initializer;
use crate::train::Status;
use serde::{Deserialize, Serialize};

/// A finished study.
pub type SmoothnessResult = Outcome<Smoothness>;

/// The numbers of a study of smoothness, as `smoothness.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Smoothness {
    /// "done".
    pub status: String,
    /// Network and data in one line.
    pub title: String,
    /// What was asked for.
    pub settings: SmoothnessSettings,
    /// Seed of initialization and sample order.
    pub seed: u64,
    /// The data.
    pub data: DataSettings,
    pub(super) data_sha256: String,
    /// How many samples there are.
    pub samples: Probed,
    /// What was tried, in order.
    pub variants: Vec<Variant>,
}

/// Samples of a study of smoothness.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Probed {
    /// For training.
    pub train: usize,
    /// Those of them in the batch that is probed.
    pub probe: usize,
}

/// A norm and an initializer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// What it is called.
    pub label: String,
    /// The network.
    pub model: Architecture,
    /// The initializer; none where the weights are those of an exported network.
    pub init: Option<Initializer>,
    /// Where statistics of norms come from in the probes.
    pub norm_statistics: String,
    /// How its training ended.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// "computed", or how many probes are not finite.
    pub probes_status: String,
    /// Largest less least loss along the gradient, over the probes.
    pub loss_range: Most,
    /// Largest change of the gradient.
    pub gradient_change: Most,
    /// Effective beta.
    pub beta: Most,
}

/// Median and largest of the finite numbers over the probes, if there are any.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Most {
    /// The median.
    pub median: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl Most {
    pub(super) fn of(values: &[f64]) -> Self {
        let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let max = finite.iter().copied().reduce(f64::max);
        Self { median: max.map(|_| median(&finite)), max }
    }
}

impl Numbers for Smoothness {
    const NAME: &'static str = "smoothness";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        let shape = [self.variants.len(), arrays.size("step")];
        MEASURES.iter().try_for_each(|name| arrays.shaped(name, &shape))
    }

    fn figures(result: &SmoothnessResult) -> Vec<Figure> {
        let Smoothness { title, settings, samples, .. } = &result.numbers;
        vec![Figure {
            name: "smoothness".to_owned(),
            chart: "lines".to_owned(),
            title: format!("Smoothness along training: {title}"),
            subtitle: format!(
                "rate {}, seed {}; probed on {} samples, steps {} along the gradient",
                serde_json::json!(settings.lr),
                settings.seed,
                samples.probe,
                settings.eta
            ),
            panels: vec![
                result.panel(
                    "loss",
                    Some(["loss_min", "loss_max"]),
                    "loss, and its range along the gradient",
                ),
                result.panel("gradient_change", None, "largest change of the gradient"),
                result.panel("beta", None, "effective \u{3b2}"),
            ],
        }]
    }
}

impl SmoothnessResult {
    /// One panel: a line a variant, and a band where there are two more measures for it.
    fn panel(&self, name: &str, band: Option<[&str; 2]>, label: &str) -> Panel {
        let x = self.array("step");
        let row = |name: &str, v: usize| -> Vec<f64> {
            let values = self.array(name);
            // What is not finite, or zero, has no place on a logarithmic axis.
            let shown = |y: &f64| if y.is_finite() && *y > 0.0 { *y } else { f64::NAN };
            values[v * x.len()..(v + 1) * x.len()].iter().map(shown).collect()
        };
        let series = |(v, variant): (usize, &Variant)| Series {
            label: variant.label.clone(),
            x: x.clone(),
            y: row(name, v),
            band: band.map(|[low, high]| (row(low, v), row(high, v))),
            style: Style::Line,
        };
        let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
        Panel {
            x: axis("step of training", Scale::Linear),
            y: axis(label, Scale::Log),
            series: self.numbers.variants.iter().enumerate().map(series).collect(),
            ..Panel::default()
        }
    }
}
