//! Minima connected by simplexes of low loss (Benton et al. 2021, "Loss surface simplexes for mode connecting volumes and fast
//! ensembling", arXiv 2102.13042).
//!
//! Between minima lie connecting points, which are trained so that the loss is low all over the complex in which each minimum
//! spans a simplex with them:
//!
//! ```text
//! minimise  E_w [ L(w) ] - lambda log V,   w uniform over a random simplex of the complex, V its volume
//! ```
//!
//! Beside it stands the flat simplex that the minima span by themselves. A wide complex of low loss is also an ensemble for
//! free: of as many networks as are drawn from it.
//!
//! The paper trains one connecting point after the other; here all are trained together, since each step's draw concerns all of
//! them. They start at the centre of the minima, apart by a small random step where there are several.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings |
//! | `compute` | the training of the connecting points; losses at random points |
//! | `result` | arrays, scalars, weight files, saved and read back |
//! | `figures` | planes, sorted losses, ensembles, the training |

mod analysis;
mod compute;
mod figures;
mod result;

pub use compute::{alike, discard, run};
pub use result::{Blending, Over, Simplex, SimplexResult, Spanned, Unit, Vertex};

use crate::base::{Error, Precision, Result};
use crate::train::BlendSettings;
use serde::{Deserialize, Serialize};

/// Settings of a complex of simplexes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SimplexSettings {
    /// Connecting points: one makes a star of segments, two triangles with a common edge, and so on
    #[arg(long, value_name = "K", default_value_t = SimplexSettings::default().connectors)]
    pub connectors: usize,
    /// How the connecting points are trained.
    #[command(flatten)]
    #[serde(flatten)]
    pub training: BlendSettings,
    /// Weight lambda of the logarithm of the complex's volume, which is made large beside the loss; 0 for none
    #[arg(long, value_name = "LAMBDA", default_value_t = SimplexSettings::default().volume)]
    pub volume: f64,
    /// Random points of each simplex of the complex, and of the flat one
    #[arg(long, value_name = "N", default_value_t = SimplexSettings::default().points)]
    pub points: usize,
    /// Points of the complex that predict together; at most as many as there are
    #[arg(long, value_name = "N", default_value_t = SimplexSettings::default().members)]
    pub members: usize,
    /// Points a side of the planes; 0 for no planes
    #[arg(long, value_name = "N", default_value_t = SimplexSettings::default().plane)]
    pub plane: usize,
    /// Train and evaluate on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of the training of the connecting points, and of the random points
    #[arg(long, value_name = "N", default_value_t = SimplexSettings::default().seed)]
    pub seed: u64,
    /// What each --run is called in tables and figures [default: its directory's name]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Element type [default: the one that the networks were trained in]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<Precision>,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = SimplexSettings::default().memory)]
    pub memory: f64,
}

impl Default for SimplexSettings {
    fn default() -> Self {
        Self {
            connectors: 1,
            training: BlendSettings::default(),
            volume: 1e-8, // the least of Benton et al. 2021, in their code
            points: 100,
            members: 25, // Benton et al. 2021, section 5: up to 25 draws
            plane: 25,
            samples: None,
            seed: 0,
            labels: Vec::new(),
            precision: None,
            memory: 4.0,
        }
    }
}

/// Networks that one complex connects.
pub const MINIMA: std::ops::RangeInclusive<usize> = 2..=8;
/// Most connecting points, random points and points a side of a plane.
const MOST_CONNECTORS: usize = 32;
const MOST_POINTS: usize = 1_000_000;
const MOST_SIDE: usize = 2001;

impl SimplexSettings {
    /// Refuses settings that make no sense, before anything is loaded or trained.
    pub fn check(&self) -> Result<()> {
        if !(1..=MOST_CONNECTORS).contains(&self.connectors) {
            return Err(Error::expected("--connectors", format!("1 to {MOST_CONNECTORS}"), self.connectors));
        }
        if !(self.volume >= 0.0 && self.volume.is_finite()) {
            return Err(Error::expected("--volume", "a finite number of at least 0", self.volume));
        }
        for (flag, n) in [("--points", self.points), ("--members", self.members)] {
            if !(1..=MOST_POINTS).contains(&n) {
                return Err(Error::expected(flag, format!("1 to {MOST_POINTS}"), n));
            }
        }
        if self.plane == 1 || self.plane > MOST_SIDE {
            let expected = format!("0 for none, or 2 to {MOST_SIDE}");
            return Err(Error::expected("--plane", expected, self.plane));
        }
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        self.training.check()?;
        super::run::gibibytes(self.memory).map(|_| ())
    }

    /// The simplexes of the complex in words.
    pub(super) fn complex_name(&self) -> &'static str {
        match self.connectors {
            1 => "star of segments",
            2 => "triangles with a common edge",
            _ => "complex of simplexes",
        }
    }
}
