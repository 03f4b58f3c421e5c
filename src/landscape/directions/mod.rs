//! Directions: where a slice goes. A kind makes all axes of a line, a plane or a space at once, because some of them
//! belong together: the ends of a spectrum, the two minima beside a first one.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Draw`], and a line below.

use crate::base::{Result, Streams};
use crate::nn::Network;
use crate::registry;
use crate::spectral::Operator;
use serde_json::{Map, Value};
use std::path::Path;

/// What surrounds the trained network, as far as directions ask for it. Work is done when it is asked for.
pub trait Place {
    /// The network.
    fn network(&self) -> &Network;
    /// Its parameters, the center of the slice.
    fn theta(&self) -> &[f64];
    /// Its state there.
    fn state(&self) -> &[f64];
    /// Random streams of the slice's seed.
    fn streams(&self) -> &Streams;
    /// Gradient of the training loss.
    fn gradient(&self) -> Result<Vec<f64>>;
    /// Hessian of the training loss.
    fn hessian(&self) -> Result<Box<dyn Operator + '_>>;
    /// Parameters and state of the same network in another run directory or weight file.
    fn weights(&self, path: &Path) -> Result<(Vec<f64>, Vec<f64>)>;
    /// The snapshots of training, the first and the last among them.
    fn trajectory(&self) -> Result<Vec<Snapshot>>;
    /// Names and snapshots of other runs of the same network, whose ways lie in the same slice.
    fn companions(&self) -> Result<Vec<(String, Vec<Snapshot>)>> {
        Ok(Vec::new())
    }
}

/// A moment of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Steps made.
    pub step: u64,
    /// Parameters.
    pub theta: Vec<f64>,
    /// State.
    pub state: Vec<f64>,
}

/// What the length of a direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// That of a random draw, which says nothing: it is normalised.
    Drawn,
    /// One of its own, which a normalization may replace.
    Own,
    /// Part of the meaning, as the distance between two minima is: never changed.
    Fixed,
}

/// One axis of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Direction in parameter space.
    pub direction: Vec<f64>,
    /// How running statistics move along it; empty where they stand still.
    pub state: Vec<f64>,
    /// What it is, in words, for the figure's axis.
    pub label: String,
    /// The ends that show what there is to see.
    pub ends: (f64, f64),
}

/// The way that training took, in the coordinates of a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    /// Moments of training.
    pub snapshots: Vec<Snapshot>,
    /// Coordinates of the nearest point of the slice.
    pub coordinates: Vec<Vec<f64>>,
    /// Distance to it, off the slice.
    pub residuals: Vec<f64>,
}

/// The axes of a slice through theta, and what lies on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// As many as were asked for.
    pub axes: Vec<Axis>,
    /// Points worth pointing at beside theta: coordinates and name.
    pub marks: Vec<(Vec<f64>, String)>,
    /// The training trajectory.
    pub trail: Option<Trail>,
    /// Those of other runs, with their names.
    pub others: Vec<(String, Trail)>,
    /// Numbers that belong to the directions: eigenvalues, explained variances.
    pub facts: Map<String, Value>,
}

/// Where a slice goes.
pub trait Draw {
    /// `count` axes (1 to 3) at `place`.
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame>;
    /// What the length of a direction is.
    fn length(&self) -> Length;
    /// What a slice along them is called, before "line", "plane" or "volume".
    fn adjective(&self) -> &'static str;
    /// Refuses settings from which so many axes cannot be drawn, before anything is loaded or trained.
    fn fits(&self, _count: usize) -> Result<()> {
        Ok(())
    }
    /// Whether several runs of one network on the same data lie in one slice.
    fn gathers(&self) -> bool {
        false
    }
    /// Whether another seed draws another slice with so many axes.
    fn varies(&self, _count: usize) -> bool {
        false
    }
    /// Files and directories that are read.
    fn inputs(&self) -> Vec<&str> {
        Vec::new()
    }
    /// What the center is called.
    fn center(&self) -> &'static str {
        "trained weights"
    }
}

registry! {
    /// Where a slice's directions come from.
    Direction, "direction", match_direction {
        gaussian => Gaussian;
        gradient => Gradient;
        eigenvectors => Eigenvectors;
        through => Through;
        trajectory => Trajectory;
        file => FromFile;
    }
}

impl Draw for Direction {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        match_direction!(self, kind => kind.draw(place, count))
    }

    fn length(&self) -> Length {
        match_direction!(self, kind => kind.length())
    }

    fn adjective(&self) -> &'static str {
        match_direction!(self, kind => kind.adjective())
    }

    fn fits(&self, count: usize) -> Result<()> {
        match_direction!(self, kind => kind.fits(count))
    }

    fn gathers(&self) -> bool {
        match_direction!(self, kind => kind.gathers())
    }

    fn varies(&self, count: usize) -> bool {
        match_direction!(self, kind => kind.varies(count))
    }

    fn inputs(&self) -> Vec<&str> {
        match_direction!(self, kind => kind.inputs())
    }

    fn center(&self) -> &'static str {
        match_direction!(self, kind => kind.center())
    }
}
