//! Analyses: settings + network + data -> a typed result that saves, loads and draws itself as figures.
//!
//! Nothing here prints or draws. Long work tells an observer how far it is; `cli` shows it.

pub mod analysis;
mod data;
pub mod exported;
pub mod inspect;
mod outcome;
pub mod over_seeds;
pub mod pair;
pub mod pieces;
mod plane;
pub mod probes;
pub mod product;
pub mod progress;
pub mod range;
pub mod record;
pub mod run;
mod seeded;
pub mod seeds;
pub mod sheet;
pub mod statistics;
mod stored;
pub mod together;
pub mod training;
mod weights_beside;

pub use connect::ConnectResult;
pub use critical::CriticalResult;
pub use data::{DataGiven, DataSettings};
pub use ensemble::EnsembleResult;
pub use exported::Beside;
pub use instability::InstabilityResult;
pub use lr_range::LrRangeResult;
pub use minima::MinimaResult;
pub use outcome::{Numbers, Outcome};
pub use pieces::Share;
pub use probes::Probes;
pub use progress::{Observe, Progress};
pub use propagate::PropagateResult;
pub use run::Run;
pub use seeds::SeedsResult;
pub use sharpness::SharpnessResult;
pub use simplex::SimplexResult;
pub use slice::SliceResult;
pub use smoothness::SmoothnessResult;
pub use ticket::TicketResult;
pub use topology::TopologyResult;
pub use training::TrainingResult;

analysis::analyses! {
    sharpness => SharpnessSettings;
    slice => SliceSettings;
    topology => TopologySettings;
    connect => ConnectSettings;
    propagate => PropagateSettings;
    smoothness => SmoothnessSettings;
    critical => CriticalSettings;
    instability => InstabilitySettings;
    travel => TravelSettings;
    ticket => TicketSettings;
    ensemble => EnsembleSettings;
    minima => MinimaSettings;
    simplex => SimplexSettings;
    scaling => ScalingSettings;
    lr_range => LrRangeSettings;
}

pub use analysis::{Analysis, Networks, Record, Work};

use crate::base::npz::Npz;
use crate::base::tensors::{Tensor, TensorFile};
use crate::base::{Error, Precision, Result};
use crate::figure::Figure;
use crate::landscape::path::Path;
use crate::nn::{Network, weights};
use crate::train::BandSettings;
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
    /// Figures of all cuts through a volume, by the name of the figure that shows some of them: what pages show.
    fn stacks(&self) -> Vec<Figure> {
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

/// The files `NAME-K.safetensors` in a directory for every K from `first` on: those of an earlier result that had more of them.
fn numbered(directory: &std::path::Path, name: &str, first: usize) -> Vec<String> {
    let all = (first..).map(|k| format!("{name}-{k}.safetensors"));
    all.take_while(|name| directory.join(name).symlink_metadata().is_ok()).collect()
}

/// Settings as the files of a recipe's cases are told apart, with those of bands where they are not the usual ones.
fn with_band(settings: &impl Serialize, band: &BandSettings) -> Result<Value> {
    let mut all = to_json(settings)?;
    if *band != BandSettings::default() {
        all["band"] = to_json(band)?;
    }
    Ok(all)
}
