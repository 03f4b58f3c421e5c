//! Permutation symmetry: hidden units may change places, with everything that carries them, and the function stays
//! (Hecht-Nielsen 1990; Entezari et al. 2021, arXiv 2110.06296; Ainsworth et al. 2022, arXiv 2209.04836).
//!
//! Which ones follows from the network's own graph. Units that are tied (see [`units`](super::units)) form a class; classes
//! that occur in exactly the same places, axis by axis and element by element, form a *group*, within which any
//! permutation is a symmetry:
//!
//! ```text
//! W_l -> P_l W_l P_(l-1)^T,    b_l -> P_l b_l,    and so for norms, their statistics and singular vectors
//! ```
//!
//! A [`Permutation`] holds one bijection a group. Applying it costs one copy of the parameters an axis.

use super::layout::Layout;
use super::units::{FIXED, Site, Ties, Units};
use crate::base::Streams;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where in theta or in the state the units of an axis lie: a tensor outer x count x inner, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Whether it is of the state; else of theta.
    pub state: bool,
    /// Position among the parameters, or among the buffers.
    pub tensor: usize,
    /// Start of the tensor.
    pub offset: usize,
    /// Size of the axes before.
    pub outer: usize,
    /// Size of the axes behind.
    pub inner: usize,
    /// For each element along the axis its place, if it may move.
    pub places: Vec<Option<Place>>,
}

/// A hidden unit's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which group.
    pub group: u32,
    /// Which of its units.
    pub member: u32,
}

impl Axis {
    /// Where the units of a group lie along the axis: for each member the elements that go with it, in order. None if the
    /// group does not occur.
    pub fn elements(&self, group: usize, size: usize) -> Option<Vec<Vec<usize>>> {
        let mut elements = vec![Vec::new(); size];
        for (i, place) in self.places.iter().enumerate() {
            if let Some(place) = place.filter(|p| p.group as usize == group) {
                elements[place.member as usize].push(i);
            }
        }
        elements.iter().any(|e| !e.is_empty()).then_some(elements)
    }

    /// For each element along the axis, which one takes its place.
    fn sources(&self, maps: &[Vec<u32>]) -> Vec<usize> {
        // Elements of each unit in order: the k-th goes where the k-th went.
        let mut of: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
        for (i, place) in self.places.iter().enumerate() {
            if let Some(place) = place {
                of.entry(*place).or_default().push(i);
            }
        }
        let mut sources: Vec<usize> = (0..self.places.len()).collect();
        for (place, elements) in &of {
            let from = maps[place.group as usize][place.member as usize];
            if let Some(others) = of.get(&Place { member: from, ..*place }) {
                elements.iter().zip(others).for_each(|(i, j)| sources[*i] = *j);
            }
        }
        sources
    }
}

/// The groups of hidden units of a network within which any permutation leaves its function alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symmetry {
    /// Number of units of each group, in the order in which signals pass them.
    sizes: Vec<usize>,
    /// Axes along which some unit may move.
    axes: Vec<Axis>,
    /// For each unit of the recording its place, if it may move.
    places: Vec<Option<Place>>,
}

impl Symmetry {
    /// What may be permuted of what has been recorded.
    pub(super) fn new(ties: &Ties, layout: &Layout) -> Self {
        // Where each class occurs: site and, for a rule, run.
        let mut signatures: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (s, (site, units)) in ties.sites.iter().enumerate() {
            for (i, unit) in units.iter().enumerate() {
                let run = match site {
                    Site::Runs(size) => (i / size) as u32,
                    _ => 0,
                };
                match ties.root(*unit) {
                    FIXED => {}
                    root => signatures.entry(root).or_default().push((s as u32, run)),
                }
            }
        }
        let mut alike: BTreeMap<&[(u32, u32)], Vec<u32>> = BTreeMap::new();
        signatures.iter().for_each(|(root, places)| alike.entry(places).or_default().push(*root));
        let mut groups: Vec<Vec<u32>> = alike.into_values().filter(|roots| roots.len() > 1).collect();
        groups.sort();
        let mut of_root = vec![None; ties.len()];
        for (group, roots) in (0u32..).zip(&groups) {
            for (member, root) in (0u32..).zip(roots) {
                of_root[*root as usize] = Some(Place { group, member });
            }
        }
        let places: Vec<Option<Place>> =
            (0..ties.len() as u32).map(|u| of_root[ties.root(u) as usize]).collect();
        let axis = |(site, units): &(Site, Units)| {
            let at = |state, tensor, offset, outer, inner| {
                let places: Vec<_> = units.iter().map(|u| places[*u as usize]).collect();
                let moves = places.iter().any(Option::is_some);
                moves.then_some(Axis { state, tensor, offset, outer, inner, places })
            };
            match site {
                Site::Axis(index, axis) => {
                    let p = &layout.parameters[*index];
                    let [outer, inner] =
                        [&p.shape[..*axis], &p.shape[axis + 1..]].map(|s| s.iter().product());
                    at(false, *index, p.offset, outer, inner)
                }
                Site::Buffer(index) => at(true, *index, layout.buffers[*index].offset, 1, 1),
                Site::Runs(_) => None,
            }
        };
        let axes = ties.sites.iter().filter_map(axis).collect();
        Self { sizes: groups.iter().map(Vec::len).collect(), axes, places }
    }

    /// Number of units of each group.
    pub fn groups(&self) -> &[usize] {
        &self.sizes
    }

    /// Axes along which some unit may move.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The places of a signal's units, where they may move.
    pub fn places(&self, units: &Units) -> Vec<Option<Place>> {
        units.iter().map(|u| self.places[*u as usize]).collect()
    }

    /// The permutation that leaves everything where it is.
    pub fn identity(self: &Arc<Self>) -> Permutation {
        let maps = self.sizes.iter().map(|n| (0..*n as u32).collect()).collect();
        Permutation { symmetry: self.clone(), maps }
    }

    /// A permutation drawn uniformly from all, with `index` among those of a seed.
    pub fn random(self: &Arc<Self>, streams: &Streams, index: u64) -> Permutation {
        let mut permutation = self.identity();
        let mut rng = streams.stream("permutation", index);
        permutation.maps.iter_mut().for_each(|map| map.shuffle(&mut rng));
        permutation
    }
}

/// A bijection for each group of hidden units.
#[derive(Clone, Debug, PartialEq)]
pub struct Permutation {
    symmetry: Arc<Symmetry>,
    /// For each group and each of its places the unit that moves there.
    maps: Vec<Vec<u32>>,
}

impl Permutation {
    /// For each group and each of its places the unit that moves there.
    pub fn maps(&self) -> &[Vec<u32>] {
        &self.maps
    }

    /// Number of units that end elsewhere.
    pub fn moved(&self) -> usize {
        let of = |map: &Vec<u32>| map.iter().enumerate().filter(|(i, from)| *i != **from as usize).count();
        self.maps.iter().map(of).sum()
    }

    /// Parameters and state with their units at their new places: the same function.
    pub fn apply<E: Copy>(&self, theta: &[E], state: &[E]) -> (Vec<E>, Vec<E>) {
        let mut moved = (theta.to_vec(), state.to_vec());
        for axis in &self.symmetry.axes {
            let sources = axis.sources(&self.maps);
            if sources.iter().enumerate().all(|(i, from)| i == *from) {
                continue;
            }
            let block = sources.len() * axis.inner;
            let all = if axis.state { &mut moved.1 } else { &mut moved.0 };
            let tensor = &mut all[axis.offset..][..axis.outer * block];
            let old = tensor.to_vec();
            for (new, old) in tensor.chunks_exact_mut(block).zip(old.chunks_exact(block)) {
                for (slice, from) in new.chunks_exact_mut(axis.inner).zip(&sources) {
                    slice.copy_from_slice(&old[from * axis.inner..][..axis.inner]);
                }
            }
        }
        moved
    }

    /// The permutation that undoes this one.
    pub fn inverse(&self) -> Self {
        let invert = |map: &Vec<u32>| {
            let mut inverse = vec![0; map.len()];
            (0u32..).zip(map).for_each(|(i, from)| inverse[*from as usize] = i);
            inverse
        };
        Self { symmetry: self.symmetry.clone(), maps: self.maps.iter().map(invert).collect() }
    }

    /// This one and then another.
    pub fn then(&self, next: &Self) -> Self {
        let compose = |(first, next): (&Vec<u32>, &Vec<u32>)| -> Vec<u32> {
            next.iter().map(|i| first[*i as usize]).collect()
        };
        let maps = self.maps.iter().zip(&next.maps).map(compose).collect();
        Self { symmetry: self.symmetry.clone(), maps }
    }

    /// This one and then `map` within one group: the unit at `map[i]` moves to i.
    pub fn then_within(&self, group: usize, map: &[u32]) -> Self {
        let mut composed = self.clone();
        composed.maps[group] = map.iter().map(|i| self.maps[group][*i as usize]).collect();
        composed
    }
}
