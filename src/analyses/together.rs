//! What networks say together, by how many of them: arrays, scalars, curves.

use super::pair::{MEASURES, Measures};
use super::record::Samples;
use crate::base::npz::Npz;
use crate::figure::{Axis, Panel, Scale, Series, Style};
use crate::landscape::path::{Evaluator, Weights};
use crate::nn::Evaluation;
use serde::{Deserialize, Serialize};

/// What the first k of some networks say together of training and of test samples.
#[derive(Clone, Debug)]
pub(super) struct Together {
    train: Vec<Option<Evaluation>>,
    test: Vec<Option<Evaluation>>,
}

impl Together {
    /// Of the networks in this order.
    pub fn of(evaluator: &Evaluator, networks: &[Weights]) -> Self {
        let [train, test] = evaluator.ensembles(networks);
        Self { train, test }
    }

    /// Measures by number of members: NaN where there are none.
    fn columns(&self) -> [Vec<f64>; 4] {
        let losses = |all: &[Option<Evaluation>]| -> Vec<f64> {
            all.iter().map(|e| e.map_or(f64::NAN, |e| e.loss)).collect()
        };
        let errors = |all: &[Option<Evaluation>]| -> Vec<f64> {
            all.iter().map(|e| e.map_or(f64::NAN, |e| 1.0 - e.accuracy)).collect()
        };
        [losses(&self.train), errors(&self.train), losses(&self.test), errors(&self.test)]
    }

    /// The arrays `NAME_train_loss` and so on.
    pub fn push(&self, name: &str, arrays: &mut Npz) {
        for (measure, values) in MEASURES.iter().zip(self.columns()) {
            arrays.push(&format!("{name}_{measure}"), &[values.len()], values);
        }
    }

    /// What all members say.
    pub fn all(&self) -> Ensembled {
        let last: Vec<f64> = self.columns().iter().map(|c| c.last().copied().unwrap_or(f64::NAN)).collect();
        let status = match (self.train.last(), self.test.last()) {
            (Some(Some(_)), Some(Some(_))) => "computed",
            (Some(Some(_)), _) => "no test samples with all their targets",
            _ => "no samples with all their targets",
        };
        Ensembled { measures: Measures::of(&last), members: self.train.len(), status: status.to_owned() }
    }
}

/// What several networks say together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ensembled {
    /// Of the mean of their predictions.
    #[serde(flatten)]
    pub measures: Measures,
    /// How many they are.
    pub members: usize,
    /// "computed", or why there is nothing.
    pub status: String,
}

/// The part that is looked at, its name in words, and whether it is that for training: test samples where there are some.
pub(super) fn part(samples: Samples) -> (&'static str, &'static str, bool) {
    if samples.test == 0 { ("train", "training", true) } else { ("test", "test", false) }
}

/// A measure by number of members: curves of ensembles from one member on, dashed levels of what is compared with them.
pub(super) fn panel(label: &str, curves: &[(&str, Vec<f64>)], levels: &[(&str, f64)]) -> Panel {
    let axis = |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear, range: None };
    let most = curves.iter().map(|(_, y)| y.len()).max().unwrap_or(1).max(2) as f64;
    let curve = |(label, y): &(&str, Vec<f64>)| Series {
        label: (*label).to_owned(),
        x: (1..=y.len()).map(|k| k as f64).collect(),
        y: y.clone(),
        style: Style::Marked,
        ..Series::default()
    };
    let level = |(label, y): &(&str, f64)| Series {
        label: (*label).to_owned(),
        x: vec![1.0, most],
        y: vec![*y; 2],
        style: Style::Dashed,
        ..Series::default()
    };
    Panel {
        x: axis("networks that predict together"),
        y: axis(label),
        series: curves.iter().map(curve).chain(levels.iter().map(level)).collect(),
        ..Panel::default()
    }
}
