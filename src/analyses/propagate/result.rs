//! What signals and gradients come to, for each initializer and norm, as it is saved, read back and drawn.

use super::{PropagateSettings, median};
use crate::analyses::stored::Arrays;
use crate::analyses::{DataSettings, Numbers, Outcome};
use crate::base::{Error, Result, json, shown};
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::nn::architectures::Architecture;
use crate::nn::inits::Initializer;
use crate::nn::propagation::MEASURES;
use serde::{Deserialize, Serialize};

/// A finished study.
pub type PropagateResult = Outcome<Propagation>;

/// The numbers of a study of propagation, as `propagate.json` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Propagation {
    /// "done", or that some moments are not finite.
    pub status: String,
    /// Network and data in one line.
    pub title: String,
    /// What was asked for.
    pub settings: PropagateSettings,
    /// Seed of the first draw.
    pub seed: u64,
    /// The data.
    pub data: DataSettings,
    pub(super) data_sha256: String,
    /// How many training samples were sent through.
    pub samples: usize,
    /// Names of the layers with weights, in order.
    pub layers: Vec<String>,
    /// The first and the last layer of the slopes, counted from 1, if there are enough.
    pub slope_layers: Option<[usize; 2]>,
    /// Over how many samples the Jacobian was taken, or why it was not.
    pub jacobian_status: String,
    /// What was tried, in order.
    pub variants: Vec<Variant>,
}

/// An initializer in a network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// What it is called.
    pub label: String,
    /// The initializer.
    pub init: Initializer,
    /// The network.
    pub model: Architecture,
    /// Slope of log2 of the second moments of preactivations by layer, the median over the draws; NaN where there is none.
    #[serde(deserialize_with = "json::number")]
    pub forward_slope: f64,
    /// Each draw's.
    #[serde(deserialize_with = "json::numbers")]
    pub forward_slopes: Vec<f64>,
    /// The same of their gradients.
    #[serde(deserialize_with = "json::number")]
    pub backward_slope: f64,
    /// Each draw's.
    #[serde(deserialize_with = "json::numbers")]
    pub backward_slopes: Vec<f64>,
    /// Standard deviations of preactivations, of all layers in all draws.
    pub deviation: Extremes,
}

/// The least and the largest; NaN if any is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    /// The least.
    #[serde(deserialize_with = "json::number")]
    pub min: f64,
    /// The largest.
    #[serde(deserialize_with = "json::number")]
    pub max: f64,
}

impl Extremes {
    pub(super) fn of(values: &[f64]) -> Self {
        let of = |least: fn(f64, f64) -> f64| {
            let either = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { least(a, b) };
            values.iter().copied().reduce(either).unwrap_or(f64::NAN)
        };
        Self { min: of(f64::min), max: of(f64::max) }
    }
}

impl Numbers for Propagation {
    const NAME: &'static str = "propagate";

    fn check(&self, arrays: &Arrays) -> Result<()> {
        let (variants, layers) = (self.variants.len(), arrays.size("layer"));
        for name in MEASURES {
            let found = arrays.npz.get(name).map(|a| a.shape.clone()).unwrap_or_default();
            if !matches!(found.as_slice(), [v, seeds, l] if (*v, *l) == (variants, layers) && *seeds > 0) {
                let expected = format!("shape [{variants}, seeds, {layers}]");
                let at = format!("{}: {name}", arrays.at);
                return Err(Error::expected(at, expected, format!("{found:?}")));
            }
        }
        Ok(())
    }

    fn figures(result: &PropagateResult) -> Vec<Figure> {
        let Propagation { title: of, settings, samples, .. } = &result.numbers;
        let draws = settings.seeds;
        let subtitle =
            format!("at initialization, {samples} samples; median of {draws} draws, least to most");
        let at_samples = format!(
            "at initialization, geometric mean over {} samples; median of {draws} draws, least to most",
            settings.jacobian_samples
        );
        let figure = |name: &str, title: &str, subtitle: &str, panels: Vec<Panel>| Figure {
            name: name.to_owned(),
            chart: "lines".to_owned(),
            title: format!("{title} of {of}"),
            subtitle: subtitle.to_owned(),
            panels,
        };
        let mut figures = vec![figure(
            "propagate",
            "Signals and gradients",
            &subtitle,
            vec![
                result.panel("forward", "second moment of preactivations", Scale::Log),
                result.panel("backward", "second moment of their gradients", Scale::Log),
                result.panel("gradient_norm", "gradient norm of the weights", Scale::Log),
                result.panel("dead", "share of dead units", Scale::Linear),
            ],
        )];
        if result.array("jacobian_max").iter().any(|x| x.is_finite()) {
            figures.push(figure(
                "jacobian",
                "Input-output Jacobian",
                &at_samples,
                vec![
                    result.panel("jacobian_max", "largest singular value", Scale::Log),
                    result.panel("jacobian_median", "median singular value", Scale::Log),
                ],
            ));
        }
        figures
    }
}

impl PropagateResult {
    /// One panel: a line a variant, the median over its draws, with a band from the least to the most.
    fn panel(&self, name: &str, label: &str, scale: Scale) -> Panel {
        let layers = self.array("layer");
        let (values, variants) = (self.array(name), &self.numbers.variants);
        let seeds = (values.len() / (layers.len() * variants.len()).max(1)).max(1);
        let series = |(v, variant): (usize, &Variant)| {
            let rows = &values[v * seeds * layers.len()..(v + 1) * seeds * layers.len()];
            let at = |of: &dyn Fn(&[f64]) -> f64| -> Vec<f64> {
                (0..layers.len())
                    .map(|l| {
                        let draws: Vec<f64> = (0..seeds).map(|s| rows[s * layers.len() + l]).collect();
                        let value = of(&draws);
                        // A logarithmic axis has no place for zero.
                        if scale == Scale::Log && value <= 0.0 { f64::NAN } else { value }
                    })
                    .collect()
            };
            let extreme = |of: fn(f64, f64) -> f64| {
                at(&move |d: &[f64]| d.iter().copied().reduce(of).unwrap_or(f64::NAN))
            };
            Series {
                label: shown::spoken(&variant.label),
                x: layers.clone(),
                y: at(&median),
                band: (seeds > 1).then(|| (extreme(f64::min), extreme(f64::max))),
                style: Style::Line,
            }
        };
        let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
        Panel {
            x: axis("layer", Scale::Linear),
            y: axis(label, scale),
            series: variants.iter().enumerate().map(series).collect(),
            ..Panel::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_hide_nothing() {
        assert_eq!(Extremes::of(&[2.0, 1.0, 3.0]), Extremes { min: 1.0, max: 3.0 });
        let Extremes { min, max } = Extremes::of(&[2.0, f64::NAN, 3.0]);
        assert!(min.is_nan() && max.is_nan());
    }
}
