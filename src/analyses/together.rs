//! What networks say together, by how many of them: arrays, scalars, curves.

use super::pair::{MEASURES, members};
use crate::base::npz::Npz;
use crate::figure::{Axis, Panel, Scale, Series, Style};
use crate::landscape::path::{Evaluator, Weights};
use crate::nn::Evaluation;
use serde_json::{Map, Value};

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

    /// The scalars of all members.
    pub fn facts(&self) -> Map<String, Value> {
        let last: Vec<f64> = self.columns().iter().map(|c| c.last().copied().unwrap_or(f64::NAN)).collect();
        let mut all = members(&last);
        all.insert("members".to_owned(), self.train.len().into());
        let status = match (self.train.last(), self.test.last()) {
            (Some(Some(_)), Some(Some(_))) => "computed",
            (Some(Some(_)), _) => "no test samples with all their targets",
            _ => "no samples with all their targets",
        };
        all.insert("status".to_owned(), status.into());
        all
    }
}

/// The part that is looked at, and its name in words: test samples where there are some.
pub(super) fn part(summary: &Value) -> (&'static str, &'static str) {
    match summary["samples"]["test"].as_u64().unwrap_or_default() {
        0 => ("train", "training"),
        _ => ("test", "test"),
    }
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
