//! The topology of a function on a grid: its minima, the passes between them and its holes, each with the length of its bar.
//!
//! *Sublevel persistence.* Points enter in the order of their values. A point without a neighbour that is there begins a
//! component, at a minimum; where components meet, at a saddle, the younger one, whose minimum is higher, dies (the elder
//! rule). That gives a bar `[L(minimum), L(saddle)]` for every minimum, and an essential one, of the lowest, that never dies
//! (Edelsbrunner, Letscher and Zomorodian 2002; Edelsbrunner and Harer 2010, chapter VII). Of equal values the point with the
//! smaller index is the lower one; bars of length zero are none.
//!
//! *Holes.* A hole of a sublevel set is a component of its complement that does not reach the border, so that holes are the
//! components of the superlevel sets: H1 of a plane, H2 of a volume, is H0 of -L with everything outside of the grid as its
//! oldest component (Alexander duality). The complement has the dual adjacency: points that are neighbours by faces leave gaps
//! through which the complement is connected by corners.
//!
//! *Confidence.* If |f - g| <= c everywhere, no end of a bar moves by more than c (the stability theorem; Cohen-Steiner,
//! Edelsbrunner and Harer 2007): a bar longer than 2c of one is a bar of the other.
//!
//! Points that are not finite never enter: they are holes that never close. Sorting is n log n, the sweep (union-find; Tarjan
//! 1975) all but linear.

mod adjacency;
mod profile;
mod sweep;

pub use adjacency::Adjacency;
pub use profile::{Profile, first_saddles, kept, profile};

use sweep::{Event, Order, sweep};

/// From where to where a component or hole of the sublevel sets is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// The value at which it begins.
    pub birth: f64,
    /// The value at which it ends; infinite for one that does not.
    pub death: f64,
    /// The point at which it begins: a minimum of components.
    pub birth_index: usize,
    /// The point at which it ends: a saddle of components. None of one that does not end.
    pub death_index: Option<usize>,
    /// Of a component: the older one that it becomes a part of, by its place in the list.
    pub parent: Option<usize>,
}

impl Bar {
    /// How long it is.
    pub fn length(&self) -> f64 {
        self.death - self.birth
    }
}

/// Sorts by length, the longest first; of equal ones the one that begins at the lower point.
fn longest_first(bars: &mut [Bar]) {
    let key = |bar: &Bar| (bar.birth, bar.birth_index);
    bars.sort_by(|a, b| {
        let ((x, i), (y, j)) = (key(a), key(b));
        b.length().total_cmp(&a.length()).then(x.total_cmp(&y)).then(i.cmp(&j))
    });
}

/// The components of the sublevel sets of values on a grid of this shape, the first axis fastest: the longest bar first. Several are
/// essential where points that are not finite separate others.
pub fn components(values: &[f64], shape: &[usize], adjacency: Adjacency) -> Vec<Bar> {
    let order = Order::ascending(values);
    let mut bars = Vec::new();
    // The component that each that died became a part of, by its minimum.
    let mut parents = vec![usize::MAX; values.len()];
    let mut begun = Vec::new();
    sweep(&order, shape, adjacency, &mut |event| match event {
        Event::Begins { index } => begun.push(index),
        Event::Grows { .. } => {}
        Event::Meets { older, younger, at } => {
            parents[younger] = older;
            bars.push(Bar {
                birth: values[younger],
                death: values[at],
                birth_index: younger,
                death_index: Some(at),
                parent: None,
            });
        }
    });
    bars.retain(|bar| bar.death > bar.birth);
    let essential = begun.into_iter().filter(|i| parents[*i] == usize::MAX);
    let open = |index: usize| Bar {
        birth: values[index],
        death: f64::INFINITY,
        birth_index: index,
        death_index: None,
        parent: None,
    };
    bars.extend(essential.map(open));
    longest_first(&mut bars);
    let mut place = vec![None; values.len()];
    bars.iter().enumerate().for_each(|(k, bar)| place[bar.birth_index] = Some(k));
    for bar in &mut bars {
        // An older component whose own bar has no length lives on in the one that it met at its own height.
        let mut older = parents[bar.birth_index];
        while older != usize::MAX && place[older].is_none() {
            older = parents[older];
        }
        bar.parent = place.get(older).copied().flatten();
    }
    bars
}

/// The holes of the sublevel sets of values on a grid of two or more axes, whose points are neighbours by `adjacency`: the longest bar
/// first. One around points that are not finite never ends.
pub fn holes(values: &[f64], shape: &[usize], adjacency: Adjacency) -> Vec<Bar> {
    let mut bars = Vec::new();
    let order = Order::descending(values);
    sweep(&order, shape, adjacency.dual(), &mut |event| {
        let Event::Meets { younger, at, .. } = event else { return };
        // What is not finite is met from the outside on, before anything else.
        if !values.get(at).is_some_and(|v| v.is_finite()) {
            return;
        }
        let top = values[younger];
        bars.push(Bar {
            birth: values[at],
            death: if top.is_finite() { top } else { f64::INFINITY },
            birth_index: at,
            death_index: top.is_finite().then_some(younger),
            parent: None,
        });
    });
    bars.retain(|bar| bar.death > bar.birth);
    longest_first(&mut bars);
    bars
}
