//! Analyses: settings + network + data -> a typed result that saves, loads and draws itself as figures.
//!
//! Nothing here prints or draws. Long work tells an observer how far it is; `cli` shows it.

pub mod connect;
pub mod critical;
mod data;
pub mod ensemble;
pub mod exported;
pub mod inspect;
pub mod instability;
pub mod lr_range;
pub mod minima;
mod over_seeds;
mod pair;
pub mod pieces;
mod plane;
pub mod probes;
pub mod propagate;
pub mod range;
pub mod run;
pub mod scaling;
mod seeded;
pub mod seeds;
pub mod sharpness;
pub mod sheet;
pub mod simplex;
pub mod slice;
pub mod smoothness;
pub mod stages;
pub mod statistics;
mod stored;
pub mod ticket;
mod together;
pub mod training;
pub mod travel;
mod weights_beside;

pub use connect::{ConnectResult, ConnectSettings};
pub use critical::{CriticalResult, CriticalSettings};
pub use data::{DataGiven, DataSettings};
pub use ensemble::{EnsembleResult, EnsembleSettings};
pub use exported::Beside;
pub use instability::{InstabilityResult, InstabilitySettings};
pub use lr_range::{LrRangeResult, LrRangeSettings};
pub use minima::{MinimaResult, MinimaSettings};
pub use pieces::Share;
pub use probes::Probes;
pub use propagate::{PropagateResult, PropagateSettings};
pub use run::Run;
pub use scaling::ScalingSettings;
pub use seeds::SeedsResult;
pub use sharpness::{SharpnessResult, SharpnessSettings};
pub use simplex::{SimplexResult, SimplexSettings};
pub use slice::{SliceResult, SliceSettings};
pub use smoothness::{SmoothnessResult, SmoothnessSettings};
pub use stages::StageEvent;
pub use ticket::{TicketResult, TicketSettings};
pub use training::TrainingResult;
pub use travel::TravelSettings;

use crate::base::npz::Npz;
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Precision, Result};
use crate::figure::Figure;
use crate::landscape::path::Path;
use crate::nn::{Network, weights};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Files of a result directory: name and contents.
pub type Files = Vec<(String, Vec<u8>)>;

/// A result as it lies in its directory.
pub trait Saved {
    /// The files to write, pictures aside; the one that says the result is complete comes last.
    fn files(&self) -> Result<Files>;
    /// The same as one JSON value, for `--json`.
    fn json(&self) -> Result<Value>;
    /// The figures to draw.
    fn figures(&self) -> Vec<Figure>;
}

/// A result of numbers alone.
#[derive(Clone, Debug)]
pub struct Numbers {
    name: &'static str,
    summary: Value,
}

impl Numbers {
    /// The numbers by their names.
    pub fn summary(&self) -> &Value {
        &self.summary
    }
}

impl Saved for Numbers {
    fn files(&self) -> Result<Files> {
        Ok(vec![(format!("{}.json", self.name), document(&self.summary))])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
}

/// A JSON value of anything serializable. Non-finite numbers become null.
pub fn to_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::machine("result", e))
}

/// A JSON document as it is written to files.
pub fn document(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text.into_bytes()
}

/// A file of the networks that a path is made of: the tensors of the k-th are called `k/NAME`.
fn control_points(network: &Network, path: &Path, precision: Precision) -> Result<Vec<u8>> {
    let metadata = |key: &str, value: Result<Value>| value.map(|v| (key.to_owned(), v.to_string()));
    let metadata = BTreeMap::from([
        metadata("losscape", to_json(network.spec()))?,
        metadata("losscape.curve", to_json(&path.curve))?,
    ]);
    let of = |(k, w): (usize, &Vec<f64>)| weights::tensors(network, w, precision, &format!("{k}/"));
    let tensors: Vec<Tensor> = path.control.iter().enumerate().flat_map(of).collect();
    Ok(TensorFile { metadata, tensors }.to_bytes())
}

/// A file of arrays: its name and contents.
fn archive(name: &str, arrays: &Npz) -> Result<(String, Vec<u8>)> {
    let mut npz = std::io::Cursor::new(Vec::new());
    arrays.write_to(&mut npz).map_err(|e| Error::machine(name, e))?;
    Ok((name.to_owned(), npz.into_inner()))
}
