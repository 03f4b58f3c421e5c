//! What was found between two networks: arrays along t, scalars, the curve as weight files; and the same read back.

use super::ConnectSettings;
use super::plane::Plane;
use crate::base::npz::Npz;
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Precision, Result, files};
use crate::figure::Figure;
use crate::landscape::geometry::{cosine, difference, dot};
use crate::landscape::path::{Path, Profile, Weights, barrier, mean_along};
use crate::nn::{Evaluation, weights};
use crate::passes::{DataSettings, Files, Run, Saved, archive, document, to_json};
use crate::train::blend::Blended;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path as FilePath;

/// A path that was followed.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub path: Path,
    pub profile: Profile,
    /// Distance along the path at each place.
    pub lengths: Vec<f64>,
    /// What all networks at those places say together of the test samples.
    pub ensemble: Option<Evaluation>,
    /// What the two ends say together of them.
    pub ends: Option<Evaluation>,
}

/// The arrays of a path, after `linear_` or `curve_`.
const LOSSES: [&str; 4] = ["train_loss", "train_error", "test_loss", "test_error"];

impl Way {
    fn values(&self) -> [&Vec<f64>; 4] {
        let p = &self.profile;
        [&p.train_loss, &p.train_error, &p.test_loss, &p.test_error]
    }

    /// The scalars.
    fn facts(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let t = &self.profile.t;
        for (name, values) in LOSSES.iter().zip(self.values()) {
            // The barrier of a result is that of the training loss; others say whose they are.
            let key = if *name == "train_loss" { "barrier".to_owned() } else { format!("{name}_barrier") };
            all.insert(key, json!(barrier(t, values)));
            all.insert(format!("max_{name}"), json!(highest(values)));
            all.insert(format!("mean_{name}"), json!(mean_along(&self.lengths, values)));
        }
        let finite = self.profile.train_loss.iter().all(|l| l.is_finite());
        let status = if finite { "computed" } else { "the training loss is not finite everywhere" };
        all.insert("status".to_owned(), status.into());
        all.insert("length".to_owned(), json!(self.lengths.last()));
        let evaluation = |e: &Option<Evaluation>| match e {
            Some(e) => json!({"test_loss": e.loss, "test_error": 1.0 - e.accuracy, "status": "computed"}),
            None => json!({"status": "no test samples with all their targets"}),
        };
        all.insert("ensemble".to_owned(), evaluation(&self.ensemble));
        all.insert("ensemble_of_ends".to_owned(), evaluation(&self.ends));
        all
    }
}

/// The largest; NaN if one is.
fn highest(values: &[f64]) -> f64 {
    let more = |a: f64, b: f64| if a.is_nan() || b < a { a } else { b };
    values.iter().copied().reduce(more).unwrap_or(f64::NAN)
}

/// A finished connection.
#[derive(Clone, Debug)]
pub struct ConnectResult {
    pub(super) settings: ConnectSettings,
    summary: Map<String, Value>,
    arrays: Npz,
    weights: Files,
}

impl ConnectResult {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        settings: &ConnectSettings,
        ends: [&Run; 2],
        precision: Precision,
        [train, test]: [usize; 2],
        statistics: String,
        ways: Vec<Way>,
        blended: Option<Blended>,
        plane: Option<Plane>,
        middle: Option<Weights>,
    ) -> Result<Self> {
        let (a, b) = (ends[0], ends[1]);
        let mut arrays = Npz::default();
        let mut summary = Map::new();
        let own = json!({
            "command": "connect",
            "version": env!("CARGO_PKG_VERSION"),
            "status": "done",
            "title": a.title(),
            "loss": a.network.spec().loss,
            "settings": settings,
            "seed": settings.seed,
            "precision": precision,
            "network": a.network.spec(),
            "parameters": a.theta.len(),
            "data": a.data,
            "data_sha256": a.data.sha256,
            "weights_sha256": ends.map(|r| r.origin.as_ref().map(|o| o.sha256.clone())),
            "samples": {"train": train, "test": test},
            "norm_statistics": statistics,
            "distance": dot(&difference(&b.theta, &a.theta), &difference(&b.theta, &a.theta)).sqrt(),
            "norms": ends.map(|r| dot(&r.theta, &r.theta).sqrt()),
            "cosine": cosine(&a.theta, &b.theta),
        });
        summary.extend(own.as_object().cloned().unwrap_or_default());
        if let Some(line) = ways.first() {
            arrays.push("t", &[line.profile.t.len()], line.profile.t.clone());
            let last = line.profile.t.len() - 1;
            let end = |name: &str, i: usize| {
                let mut all = Map::from_iter([("name".to_owned(), name.into())]);
                let values = LOSSES.iter().zip(line.values());
                all.extend(values.map(|(name, v)| ((*name).to_owned(), json!(v[i]))));
                Value::Object(all)
            };
            summary.insert("endpoints".to_owned(), json!([end("A", 0), end("B", last)]));
        }
        for (name, way) in ["linear", "curve"].iter().zip(&ways) {
            for (loss, values) in LOSSES.iter().zip(way.values()) {
                arrays.push(&format!("{name}_{loss}"), &[values.len()], values.clone());
            }
            arrays.push(&format!("{name}_length"), &[way.lengths.len()], way.lengths.clone());
            summary.insert((*name).to_owned(), Value::Object(way.facts()));
        }
        if let Some(blended) = &blended {
            let epochs = &blended.epochs;
            let column =
                |f: fn(&crate::train::blend::BlendEpoch) -> f64| epochs.iter().map(f).collect::<Vec<f64>>();
            arrays.push("epoch", &[epochs.len()], column(|e| e.epoch as f64));
            arrays.push("epoch_loss", &[epochs.len()], column(|e| e.loss));
            arrays.push("epoch_lr", &[epochs.len()], column(|e| e.lr));
            let trained = json!({"steps": blended.steps, "status": blended.status, "reason": blended.reason});
            summary.insert("training".to_owned(), trained);
        }
        if let Some(plane) = &plane {
            let shape = [plane.y.len(), plane.x.len()];
            arrays.push("plane_x", &[plane.x.len()], plane.x.clone());
            arrays.push("plane_y", &[plane.y.len()], plane.y.clone());
            for (name, values) in [("train", &plane.train), ("test", &plane.test)] {
                if !values.is_empty() {
                    let of = |f: fn(&Evaluation) -> f64| values.iter().map(f).collect::<Vec<f64>>();
                    arrays.push(&format!("plane_{name}_loss"), &shape, of(|e| e.loss));
                    arrays.push(&format!("plane_{name}_error"), &shape, of(|e| 1.0 - e.accuracy));
                }
            }
            arrays.push("plane_path_x", &[plane.path.0.len()], plane.path.0.clone());
            arrays.push("plane_path_y", &[plane.path.1.len()], plane.path.1.clone());
            let (x, y): (Vec<f64>, Vec<f64>) = plane.control.iter().copied().unzip();
            arrays.push("plane_control_x", &[x.len()], x);
            arrays.push("plane_control_y", &[y.len()], y);
            summary.insert("plane".to_owned(), json!({"off": plane.off, "unit": "distance of A and B"}));
        }
        let weights = weight_files(a, precision, &ways, middle)?;
        Ok(Self { settings: settings.clone(), summary, arrays, weights })
    }

    /// What was found, as recorded.
    pub fn summary(&self) -> &Map<String, Value> {
        &self.summary
    }

    /// A scalar by its path; NaN if it is not there.
    pub fn number(&self, path: &[&str]) -> f64 {
        let at = |value: Option<&Value>, key: &&str| value.and_then(|v| v.get(*key)).cloned();
        let mut value = path.first().and_then(|key| self.summary.get(*key)).cloned();
        for key in path.iter().skip(1) {
            value = at(value.as_ref(), key);
        }
        value.and_then(|v| v.as_f64()).unwrap_or(f64::NAN)
    }

    /// A text by its key.
    pub fn text(&self, key: &str) -> &str {
        self.summary.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// An array by its name; empty if it is not there.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Names of the weight files.
    pub fn weight_files(&self) -> impl Iterator<Item = &str> {
        self.weights.iter().map(|(name, _)| name.as_str())
    }

    /// What did not hold: training diverged.
    pub fn unmet(&self) -> Option<Error> {
        let training = self.summary.get("training")?;
        (training["status"] == "diverged").then(|| {
            let reason = training["reason"].as_str().unwrap_or_default();
            Error::unmet("connect: the training of the curve diverged", reason)
        })
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &FilePath) -> Result<Self> {
        let path = directory.join("connect.json");
        let at = files::named(&path);
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let summary: Map<String, Value> =
            serde_json::from_str(&text).map_err(|e| Error::value(&at, &e.to_string()))?;
        let settings = summary.get("settings").cloned().unwrap_or_default();
        let settings: ConnectSettings = serde_json::from_value(settings)
            .map_err(|e| Error::value(format!("{at}: settings"), &e.to_string()))?;
        let path = directory.join("connect.npz");
        let (at, arrays) = (files::named(&path), Npz::read(&path)?);
        let size = |name: &str| arrays.get(name).map_or(0, |a| a.to_f64().len());
        let n = size("t");
        for name in arrays
            .iter()
            .map(|(name, _)| name)
            .filter(|n| n.starts_with("linear_") || n.starts_with("curve_"))
        {
            if size(name) != n || n < 2 {
                let expected = format!("as many numbers as `t`, {n}, at least 2");
                return Err(Error::expected(format!("{at}: {name}"), expected, size(name)));
            }
        }
        let plane = size("plane_x") * size("plane_y");
        for name in arrays.iter().map(|(name, _)| name).filter(|n| n.starts_with("plane_t")) {
            if size(name) != plane {
                return Err(Error::expected(format!("{at}: {name}"), format!("{plane} numbers"), size(name)));
            }
        }
        for (x, y) in [
            ("plane_path_x", "plane_path_y"),
            ("plane_control_x", "plane_control_y"),
            ("epoch", "epoch_loss"),
        ] {
            if size(x) != size(y) {
                return Err(Error::expected(
                    format!("{at}: {y}"),
                    format!("{} numbers, as `{x}`", size(x)),
                    size(y),
                ));
            }
        }
        Ok(Self { settings, summary, arrays, weights: Files::new() })
    }
}

/// The trained curve: its control points in one file, its middle as a network of its own.
fn weight_files(run: &Run, precision: Precision, ways: &[Way], middle: Option<Weights>) -> Result<Files> {
    let Some(way) = ways.get(1) else { return Ok(Files::new()) };
    let network = &run.network;
    let metadata = |key: &str, value: Result<Value>| value.map(|v| (key.to_owned(), v.to_string()));
    let metadata = BTreeMap::from([
        metadata("losscape", to_json(network.spec()))?,
        metadata("losscape.curve", to_json(&way.path.curve))?,
    ]);
    let tensors: Vec<Tensor> = way
        .path
        .control
        .iter()
        .enumerate()
        .flat_map(|(k, w)| weights::tensors(network, w, precision, &format!("{k}/")))
        .collect();
    let mut all = vec![("curve.safetensors".to_owned(), TensorFile { metadata, tensors }.to_bytes())];
    if let Some((theta, state)) = middle {
        let data: &DataSettings = &run.data;
        let data = to_json(data)?.to_string();
        let weights = weights::Weights { network: network.clone(), precision, theta, state, data };
        all.push(("middle.safetensors".to_owned(), weights.to_bytes()?));
    }
    Ok(all)
}

impl Saved for ConnectResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.weights.clone();
        all.push(archive("connect.npz", &self.arrays)?);
        all.push(("connect.json".to_owned(), document(&Value::Object(self.summary.clone()))));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(Value::Object(self.summary.clone()))
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
