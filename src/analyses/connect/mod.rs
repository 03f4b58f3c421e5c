//! Whether two minima are one valley: the loss on the straight line between them, and on a curve that was trained to
//! stay low (Garipov et al. 2018, arXiv 1802.10026; Draxler et al. 2018, arXiv 1803.00885).
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings |
//! | `compute` | the paths: trained, and evaluated along t |
//! | `result` | arrays, scalars, weight files, saved and read back |
//! | `figures` | losses along t, the plane with the paths on it, the training of the curve |
//!
//! A path that goes up says nothing of the valley by itself: hidden units can be permuted without changing a network, so
//! two minima that look far apart may be one.

mod analysis;
mod compute;
mod figures;
mod result;

pub use compute::{alike, discard, run};
pub use result::ConnectResult;

use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result};
use crate::data::Augment;
use crate::landscape::path::Between;
use crate::landscape::{Alignment, Curve};
use crate::train::{BandSettings, BlendSettings};
use serde::{Deserialize, Serialize};

/// Settings of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectSettings {
    /// Curve to train, with settings after a colon (bezier:bends=2 has two trained points, num_bends=4 for codes that count
    /// the ends); linear for none
    #[arg(long, value_name = "KIND", default_value_t = ConnectSettings::default().curve)]
    pub curve: Curve,
    /// How the curve is trained.
    #[command(flatten)]
    #[serde(flatten)]
    pub training: BlendSettings,
    /// How images are varied while the curve is trained.
    #[command(flatten)]
    #[serde(flatten)]
    pub augment: Augment,
    /// Permute B's hidden units to match A's first, by this alignment; the curve then leads to the permuted network
    #[arg(long, value_name = "KIND")]
    pub align: Option<Alignment>,
    /// Also draw the straight line with REPAIR: statistics of preactivations mended at every place (Jordan et al. 2022)
    #[arg(long, default_value_t = false)]
    pub repair: bool,
    /// Also relax an AutoNEB band between the networks (Draxler et al. 2018), as the section band of the configuration says
    #[arg(long, default_value_t = false)]
    pub neb: bool,
    /// Places at which a path is evaluated, evenly spread over t
    #[arg(long, value_name = "N", default_value_t = ConnectSettings::default().points)]
    pub points: usize,
    /// Points a side of the plane that the curve lies in; 0 for no plane
    #[arg(long, value_name = "N", default_value_t = ConnectSettings::default().plane)]
    pub plane: usize,
    /// Statistics of batch norm and its kin between the ends
    #[arg(long, value_name = "KIND", value_enum, default_value_t = ConnectSettings::default().between)]
    pub between: Between,
    /// Train and evaluate on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of the curve's training: sample order, and places on the curve
    #[arg(long, value_name = "N", default_value_t = ConnectSettings::default().seed)]
    pub seed: u64,
    /// Element type [default: the one that the networks were trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = ConnectSettings::default().memory)]
    pub memory: f64,
    /// How bands are relaxed: the section `band`.
    #[arg(skip)]
    #[serde(skip)]
    pub band: BandSettings,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        Self {
            curve: Curve::default(),
            training: BlendSettings::default(),
            augment: Augment::default(),
            align: None,
            repair: false,
            neb: false,
            points: 61, // Garipov et al. 2018, evaluation
            plane: 25,
            between: Between::default(),
            samples: None,
            seed: 0,
            precision: None,
            memory: 4.0,
            band: BandSettings::default(),
        }
    }
}

/// Most places on a path, and most points a side of the plane.
const MOST_POINTS: usize = 100_001;
const MOST_SIDE: usize = 2001;

impl ConnectSettings {
    /// Refuses settings that make no sense, before anything is loaded or trained.
    pub fn check(&self) -> Result<()> {
        if !(2..=MOST_POINTS).contains(&self.points) {
            return Err(Error::expected("--points", format!("2 to {MOST_POINTS}"), self.points));
        }
        if self.plane == 1 || self.plane > MOST_SIDE {
            let expected = format!("0 for none, or 2 to {MOST_SIDE}");
            return Err(Error::expected("--plane", expected, self.plane));
        }
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        self.training.check()?;
        self.band.check()?;
        super::run::gibibytes(self.memory).map(|_| ())
    }

    /// The curve in words.
    pub(super) fn curve_name(&self) -> String {
        let bends = match self.curve.bends() {
            1 => "one bend".to_owned(),
            n => format!("{n} bends"),
        };
        match self.curve.name() {
            "bezier" => format!("Bezier curve, {bends}"),
            "chain" => format!("chain, {bends}"),
            name => format!("{name} curve, {bends}"),
        }
    }
}
