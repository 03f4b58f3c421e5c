//! The analyses that a recipe can run on its networks: one file a kind.
//!
//! To add one: a file with an [`Analysis`] that reads the settings of a pass and runs it, a line in [`ANALYSES`]. Every scalar
//! of its result can then be measured, and every figure of it drawn, by any recipe.

mod connect;
mod critical;
mod ensemble;
mod instability;
mod lr_range;
mod minima;
mod propagate;
mod scaling;
mod sharpness;
mod simplex;
mod slice;
mod smoothness;
mod ticket;
mod travel;

use super::overlay::Change;
use crate::base::section::Section;
use crate::base::{Error, Result};
use crate::passes::{Run, Saved};
use crate::train::TrainSettings;
use std::ops::RangeInclusive;

/// The trained networks that an analysis is of, and how each was trained.
#[derive(Clone, Copy, Debug)]
pub struct Networks<'a> {
    /// As they are.
    pub runs: &'a [Run],
    /// How they came about, one each.
    pub training: &'a [TrainSettings],
}

/// Reads the settings of an analysis.
pub type Take = fn(Section, &[Change]) -> Result<Box<dyn Pass>>;

/// A kind of analysis.
pub struct Analysis {
    /// As recipes call it: the command of the same name.
    pub name: &'static str,
    /// One line for `losscape list`.
    pub summary: &'static str,
    /// Settings of the smoke scale.
    pub quick: &'static [(&'static str, &'static str)],
    /// Reads its settings from a section of a recipe, and changes over it.
    pub take: Take,
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// An analysis with settings that make sense.
pub trait Pass: Send + Sync {
    /// The settings with every default written out, as results record them.
    fn settings(&self) -> Result<serde_json::Value>;

    /// How many trained networks it is of: that of the case and seed, and others of the same case with seeds that no other
    /// one has. None where it trains its own.
    fn networks(&self) -> usize {
        0
    }

    /// Whether it measures time, and wants the machine to itself.
    fn alone(&self) -> bool {
        false
    }

    /// About how many samples it sends forward, on so many for training and testing; a pass back counts as two.
    fn forwards(&self, samples: (f64, f64)) -> f64;

    /// How many times it trains such a network itself, about.
    fn trainings(&self) -> usize {
        0
    }

    /// Whether it looks at where training ended, if it needs a network at all: that then has to be finite.
    fn looks_at_end(&self) -> bool {
        true
    }

    /// Runs it. `seed` is added to its own, so that seeds of a study differ in whatever is random here.
    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>>;
}

/// How many networks an analysis of several is of, its setting `count`, and the changes to all others.
fn count(
    section: &mut Section,
    changes: &[Change],
    default: usize,
    within: RangeInclusive<usize>,
) -> Result<(usize, Vec<Change>)> {
    let own = section.value("count").map(|value| (section.at("count"), value));
    let (mine, others): (Vec<Change>, Vec<Change>) =
        changes.iter().cloned().partition(|change| change.parts().1 == "count");
    let Some((at, value)) = own.into_iter().chain(mine.into_iter().map(|c| (c.at, c.value))).last() else {
        return Ok((default, others));
    };
    match value.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| within.contains(n)) {
        Some(n) => Ok((n, others)),
        None => Err(Error::expected(at, format!("{} to {}", within.start(), within.end()), value)),
    }
}

/// Every kind.
pub const ANALYSES: &[&Analysis] = &[
    &sharpness::ANALYSIS,
    &slice::ANALYSIS,
    &connect::ANALYSIS,
    &propagate::ANALYSIS,
    &smoothness::ANALYSIS,
    &critical::ANALYSIS,
    &instability::ANALYSIS,
    &travel::ANALYSIS,
    &ticket::ANALYSIS,
    &ensemble::ANALYSIS,
    &minima::ANALYSIS,
    &simplex::ANALYSIS,
    &scaling::ANALYSIS,
    &lr_range::ANALYSIS,
];
