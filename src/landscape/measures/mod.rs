//! Measures: what is mapped over a slice beside loss and accuracy.
//!
//! Some are computed at every point, from the network there; others follow from the maps that there are.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Measure`], and a line below.

use crate::base::{Result, Streams};
use crate::nn::{At, MeanLoss};
use crate::registry;

/// A network at one point of a slice, with its training samples.
#[derive(Debug)]
pub struct Spot<'a> {
    /// The training loss.
    pub objective: &'a dyn MeanLoss,
    /// Where the network is.
    pub at: At<'a>,
    /// Random streams of the slice's seed.
    pub streams: &'a Streams,
    /// Memory for values that are kept, in bytes.
    pub memory: usize,
}

/// Finished maps over a slice; over a plane, row j is at `y[j]`.
pub struct Finished<'a> {
    /// Coordinates of the columns.
    pub x: &'a [f64],
    /// Coordinates of the rows; of a line, none.
    pub y: &'a [f64],
    /// A map by its name.
    pub map: &'a dyn Fn(&str) -> Vec<f64>,
}

/// A map that a measure makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Name of its array.
    pub array: &'static str,
    /// Name of its figure; empty for none.
    pub figure: &'static str,
    /// What it is, for the figure.
    pub label: &'static str,
    /// Whether its sign has a meaning, so that colours are spread linearly.
    pub signed: bool,
}

/// How a measure is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Computed {
    /// At each point, from the network there.
    AtPoints,
    /// From other maps.
    FromMaps,
    /// From other maps, of a plane.
    FromPlane,
}

/// What a measure is.
pub trait Measure {
    /// Its maps, in order.
    fn maps(&self) -> Vec<Drawn>;
    /// What it is computed from.
    fn computed(&self) -> Computed;
    /// A map that may have no number where all others have one, and why, in words that end "is no number where ...".
    fn undefined(&self) -> Option<(&'static str, &'static str)> {
        None
    }
    /// The maps that it reads.
    fn reads(&self) -> &'static [&'static str] {
        &[]
    }
    /// One number a map at one point.
    fn at(&self, _spot: &Spot) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }
    /// The maps over a slice.
    fn over(&self, _finished: &Finished) -> Vec<Vec<f64>> {
        Vec::new()
    }
}

registry! {
    /// What is mapped over a slice beside loss and accuracy.
    Map, "map", match_map {
        gap => Gap;
        curvature => Curvature;
        gradient_norm => GradientNorm;
        spectrum => Spectrum;
    }
}

impl Measure for Map {
    fn maps(&self) -> Vec<Drawn> {
        match_map!(self, kind => kind.maps())
    }

    fn computed(&self) -> Computed {
        match_map!(self, kind => kind.computed())
    }

    fn undefined(&self) -> Option<(&'static str, &'static str)> {
        match_map!(self, kind => kind.undefined())
    }

    fn reads(&self) -> &'static [&'static str] {
        match_map!(self, kind => kind.reads())
    }

    fn at(&self, spot: &Spot) -> Result<Vec<f64>> {
        match_map!(self, kind => kind.at(spot))
    }

    fn over(&self, finished: &Finished) -> Vec<Vec<f64>> {
        match_map!(self, kind => kind.over(finished))
    }
}
