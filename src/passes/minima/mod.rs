//! Many minima of one problem: how far apart any two are, and how high the straight line between them rises.
//!
//! The barriers of all pairs are a matrix; hierarchical clustering on it shows groups without barriers between them, and its
//! minimum spanning tree is the lowest way from any minimum to any other along straight lines (Draxler et al. 2018, arXiv
//! 1803.00885, have it along curves).
//!
//! `compute` measures pairs and keeps finished ones in a log, `cluster` joins, `tree` spans, `place` puts minima into the
//! plane, `result` sums up, `figures` draws.

mod cluster;
mod compute;
mod figures;
mod place;
mod result;
mod tree;

pub use cluster::{Linkage, Merge, cluster, order};
pub use compute::{Mapping, MinimaEvent, as_it_is, check, discard, run};
pub use place::classical;
pub use result::MinimaResult;
pub use tree::spanning;

use super::pair;
use super::pair::check_points;
use crate::base::Result;
use crate::landscape::path::Between;
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
}

impl Default for MinimaSettings {
    fn default() -> Self {
        Self { points: pair::POINTS, stats: Between::default(), linkage: Linkage::default() }
    }
}

/// Most minima: there are half as many pairs as their square.
pub const MOST: usize = 200;

impl MinimaSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        check_points(self.points)
    }
}
