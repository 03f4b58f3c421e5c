//! Units: the channels and features of a network's signals, and where in its parameters and state each occurs.
//!
//! While layers record themselves, each signal carries the list of its units, one a channel; an axis of a parameter is a
//! list of units too, in which the k-th occurrence of a unit moves along with it (a flattened image repeats each channel
//! once a position). What must stay together is *tied*: the two sides of a residual sum, the inputs and outputs of a
//! depthwise convolution. What must stay where it is becomes [`FIXED`]: inputs, outputs, and whatever a layer cannot say
//! more about. What follows from it is [`Symmetry`](super::Symmetry).

use std::sync::Arc;

/// A list of units, one a channel, a feature or an element of an axis.
pub type Units = Arc<[u32]>;

/// The unit that never moves.
pub const FIXED: u32 = 0;

/// Each unit of a list so many times in a row.
pub fn repeated(units: &Units, times: usize) -> Units {
    match times {
        1 => units.clone(),
        _ => units.iter().flat_map(|u| std::iter::repeat_n(*u, times)).collect(),
    }
}

/// Something that has an element for each of a list of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// An axis of a parameter, by its position among the parameters.
    Axis(usize, usize),
    /// A piece of state, by its position among the buffers.
    Buffer(usize),
    /// A rule by which units may change places only within runs of so many neighbours.
    Runs(usize),
}

/// All units of a network that is being recorded.
#[derive(Clone, Debug)]
pub struct Ties {
    /// For each unit the one that it is tied to, itself if to none (union-find; roots are the smallest of their class).
    parents: Vec<u32>,
    /// Where units occur, in order of recording.
    pub(super) sites: Vec<(Site, Units)>,
}

impl Default for Ties {
    fn default() -> Self {
        Self { parents: vec![FIXED], sites: Vec::new() }
    }
}

impl Ties {
    /// Units that nobody has seen yet.
    pub fn fresh(&mut self, count: usize) -> Units {
        let start = self.parents.len() as u32;
        let new: Units = (start..start + count as u32).collect();
        self.parents.extend(new.iter());
        new
    }

    /// Units that stay where they are.
    pub fn fixed(count: usize) -> Units {
        std::iter::repeat_n(FIXED, count).collect()
    }

    /// Number of units.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// What a unit's class goes by; [`FIXED`] for units that stay.
    pub(super) fn root(&self, mut unit: u32) -> u32 {
        while self.parents[unit as usize] != unit {
            unit = self.parents[unit as usize];
        }
        unit
    }

    /// Ties two lists, element by element.
    pub fn unite(&mut self, a: &Units, b: &Units) {
        for (a, b) in a.iter().zip(b.iter()) {
            let (a, b) = (self.root(*a), self.root(*b));
            let (low, high) = (a.min(b), a.max(b));
            self.parents[high as usize] = low;
        }
    }

    /// Keeps units where they are.
    pub fn hold(&mut self, units: &Units) {
        self.unite(units, &Self::fixed(units.len()));
    }

    /// Lets the units of a list change places only within runs of `size` neighbours.
    pub fn within_runs(&mut self, units: &Units, size: usize) {
        self.sites.push((Site::Runs(size), units.clone()));
    }
}
