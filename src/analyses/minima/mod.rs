//! Many minima of one problem: how far apart any two are, and how high the straight line between them rises.
//!
//! The barriers of all pairs are a matrix; hierarchical clustering on it shows groups without barriers between them, and its
//! minimum spanning tree is the lowest way from any minimum to any other along straight lines. Networks that differ in the
//! order of their units alone have a barrier too: an alignment of every pair takes that away. AutoNEB bands between some of
//! the pairs, chosen one after the other, show the lowest tree of curved ways (Draxler et al. 2018, arXiv 1803.00885).
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings |
//! | `compute` | lines between all pairs, finished ones kept in a log |
//! | `explore` | which pair gets a band next |
//! | `bands` | the bands, their files and their log |
//! | `barcode` | each minimum from its loss to its lowest pass |
//! | `likeness` | distances of predictions, CKA of layers |
//! | `cluster` | groups by barriers |
//! | `place` | places in the plane by distances |
//! | `result` | arrays and scalars, saved and read back |
//! | `figures` | matrices, the dendrogram, the trees |
//! | `portraits` | the disconnectivity graph, maps, likeness |

mod analysis;
mod bands;
mod barcode;
mod cluster;
mod compute;
pub mod explore;
mod figures;
mod likeness;
mod place;
mod portraits;
mod result;

pub use barcode::{Bar, barcode};
pub use cluster::{Linkage, Merge, cluster, order};
pub use compute::{check, discard, run};
pub use likeness::stress;
pub use place::classical;
pub use result::MinimaResult;

use super::pair;
use super::pair::check_points;
use crate::base::{Error, Result};
use crate::landscape::Alignment;
use crate::landscape::path::Between;
use crate::train::BandSettings;
use serde::{Deserialize, Serialize};

/// Settings of an analysis of many minima.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MinimaSettings {
    /// Points of the line between two minima, both among them
    #[arg(long, value_name = "N", default_value_t = MinimaSettings::default().points)]
    pub points: usize,
    /// Where statistics of batch norm come from on the line
    #[arg(long, value_enum, value_name = "HOW", default_value_t = MinimaSettings::default().stats)]
    pub stats: Between,
    /// How far groups of minima are from each other in the dendrogram
    #[arg(long, value_enum, value_name = "HOW", default_value_t = MinimaSettings::default().linkage)]
    pub linkage: Linkage,
    /// Permute the second network of every pair to match the first, by this alignment; groups, tree and bands are then
    /// those of aligned networks
    #[arg(long, value_name = "KIND")]
    pub align: Option<Alignment>,
    /// Also relax AutoNEB bands (Draxler et al. 2018), as the section band of the configuration says, and draw their tree
    #[arg(long, default_value_t = false)]
    pub neb: bool,
    /// Most bands [default: twice as many as a tree has edges]
    #[arg(long, value_name = "N")]
    pub neb_edges: Option<usize>,
    /// Samples on which the layers of the networks are compared (CKA), the first ones; 0 for none
    #[arg(long, value_name = "N", default_value_t = MinimaSettings::default().cka_samples)]
    pub cka_samples: usize,
    /// What each network is called in tables and figures [default: its directory's name]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Seed of alignments and of the bands' sample order
    #[arg(long, value_name = "N", default_value_t = MinimaSettings::default().path_seed)]
    pub path_seed: u64,
    /// How bands are relaxed: the section `band`.
    #[arg(skip)]
    #[serde(skip)]
    pub band: BandSettings,
}

impl Default for MinimaSettings {
    fn default() -> Self {
        Self {
            points: pair::POINTS,
            stats: Between::default(),
            linkage: Linkage::default(),
            align: None,
            neb: false,
            neb_edges: None,
            cka_samples: 500,
            labels: Vec::new(),
            path_seed: 0,
            band: BandSettings::default(),
        }
    }
}

/// Most samples whose products are kept: 50 million numbers a network.
const MOST_CKA_SAMPLES: usize = 10_000;

/// Most minima: there are half as many pairs as their square.
pub const MOST: usize = 200;

impl MinimaSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if let (Some(edges), false) = (self.neb_edges, self.neb) {
            return Err(Error::expected("--neb-edges", "none without --neb", edges));
        }
        // As many products of every two.
        if self.cka_samples > MOST_CKA_SAMPLES {
            let expected = format!("at most {MOST_CKA_SAMPLES}");
            return Err(Error::expected("--cka-samples", expected, self.cka_samples));
        }
        self.band.check()?;
        check_points(self.points)
    }

    /// Refuses what does not fit so many minima.
    pub(super) fn check_for(&self, n: usize) -> Result<()> {
        if !self.labels.is_empty() && self.labels.len() != n {
            return Err(Error::expected("--labels", format!("{n}, one a network"), self.labels.len()));
        }
        match self.neb_edges.filter(|edges| *edges < n - 1) {
            Some(edges) => {
                let expected = format!("at least {}, the edges of a tree of {n} minima", n - 1);
                Err(Error::expected("--neb-edges", expected, edges))
            }
            None => Ok(()),
        }
    }
}
