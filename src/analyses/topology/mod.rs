//! The topology of a slice: minima, the passes between them and holes, as bars with a band of confidence.
//!
//! `landscape::topology` says what bars are. An end of a bar moves by no more than the values of the map do, so that bars longer
//! than twice the band around the map are those of the true loss, too: they are certified, and the others may be the samples' or
//! the rounding's.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings |
//! | `band` | how far the map may be from the loss that it stands for |
//! | `result` | what is found of every view, saved and read back |
//! | `figures` | barcode, persistence diagram, merge tree and profile |

mod analysis;
mod band;
mod figures;
mod result;

pub use band::Band;
pub use result::TopologyResult;

use super::SliceSettings;
use crate::base::registry::Registry;
use crate::base::{Error, Result};
use crate::landscape::Map;
use crate::landscape::measures::Measure;
use crate::landscape::topology::Adjacency;
use serde::{Deserialize, Serialize};

/// Settings of the topology of a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TopologySettings {
    /// Directory of a slice [default: a slice of --run is computed, as the table [slice] of the configuration says]
    #[arg(value_name = "RESULT")]
    pub result: Option<String>,
    /// Which of the slice's maps
    #[arg(long, value_name = "NAME", default_value_t = TopologySettings::default().map)]
    pub map: String,
    /// Neighbours of a point: 4, 6 or 8 in a plane, 6, 14 or 26 in a volume, 2 on a line [default: the fewest]
    #[arg(long, value_name = "N")]
    pub adjacency: Option<usize>,
    /// Probability with which all certified bars are there
    #[arg(long, value_name = "SHARE", default_value_t = TopologySettings::default().confidence)]
    pub confidence: f64,
    /// Bars up to this length are left out of the simplified merge tree [default: twice the band]
    #[arg(long, value_name = "LENGTH")]
    pub simplify: Option<f64>,
    /// The slice that is computed where none is given: the table `slice`.
    #[arg(skip)]
    #[serde(skip)]
    pub slice: SliceSettings,
}

impl Default for TopologySettings {
    fn default() -> Self {
        Self {
            result: None,
            map: "train_loss".to_owned(),
            adjacency: None,
            confidence: 0.95,
            simplify: None,
            slice: SliceSettings::default(),
        }
    }
}

/// The maps that every slice may have.
const MAPS: [&str; 6] =
    ["train_loss", "train_accuracy", "test_loss", "test_accuracy", "train_loss_stderr", "test_loss_stderr"];

impl TopologySettings {
    /// Refuses settings that make no sense, before anything is read or computed.
    pub fn check(&self) -> Result<()> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(Error::expected("--confidence", "a number between 0 and 1", self.confidence));
        }
        if let Some(length) = self.simplify.filter(|length| !(*length >= 0.0 && length.is_finite())) {
            return Err(Error::expected("--simplify", "a finite length, at least 0", length));
        }
        if let Some(n) = self.adjacency
            && (1..=3).all(|axes| Adjacency::of(n, axes).is_none())
        {
            return Err(Error::expected("--adjacency", "4, 6 or 8, of a volume 6, 14 or 26, of a line 2", n));
        }
        let measures = || Map::names().into_iter().filter_map(|name| Map::parse(name).ok());
        let known =
            |name: &str| MAPS.contains(&name) || measures().any(|m| m.maps().iter().any(|d| d.array == name));
        if !known(&self.map) {
            let arrays = measures().flat_map(|m| m.maps()).map(|drawn| drawn.array.to_owned());
            let names: Vec<String> = MAPS.iter().map(|m| (*m).to_owned()).chain(arrays).collect();
            return Err(Error::expected("--map", format!("one of {}", names.join(", ")), &self.map));
        }
        Ok(())
    }

    /// The adjacency in a grid with so many axes.
    fn adjacency(&self, axes: usize) -> Result<Adjacency> {
        let Some(n) = self.adjacency else { return Ok(Adjacency::Faces) };
        Adjacency::of(n, axes).ok_or_else(|| {
            let expected =
                ["2 on a line", "4, 6 or 8 in a plane", "6, 14 or 26 in a volume"][axes.clamp(1, 3) - 1];
            Error::expected("--adjacency", expected, n)
        })
    }
}
