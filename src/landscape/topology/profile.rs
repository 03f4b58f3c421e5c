//! What is left of a merge tree after simplification: how deep it is, and its landscape as a profile.

use super::sweep::{Event, Order, sweep};
use super::{Adjacency, Bar};

/// The places of the bars that are longer than a level. They are a tree of their own: what a bar becomes a part of is at least as
/// long as it is.
pub fn kept(bars: &[Bar], level: f64) -> Vec<usize> {
    (0..bars.len()).filter(|k| bars[*k].length() > level).collect()
}

/// For each of the bars that are kept the lowest saddle of its component in the tree of them: where it dies, or where the first of
/// the others becomes a part of it. Infinite where it is alone. The mean of saddle minus minimum over them is the saddle-minimum
/// average distance (Chen et al. 2026, arXiv 2602.07135) after the simplification.
pub fn first_saddles(bars: &[Bar], kept: &[usize]) -> Vec<f64> {
    let mut lowest: Vec<f64> = bars.iter().map(|bar| bar.death).collect();
    for bar in kept.iter().map(|k| &bars[*k]) {
        if let Some(parent) = bar.parent {
            lowest[parent] = lowest[parent].min(bar.death);
        }
    }
    kept.iter().map(|k| lowest[*k]).collect()
}

/// A landscape over the interval from 0 to 1 whose sublevel sets have components of the same sizes, as shares of all points, as
/// those of the grid have, and that meet where those meet (Geniesse et al. 2024, arXiv 2411.12136).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Places from 0 to 1, ascending.
    pub place: Vec<f64>,
    /// Heights there; NaN between components that never meet.
    pub height: Vec<f64>,
    /// The place of the minimum of each of the bars that were kept.
    pub minima: Vec<f64>,
}

/// What is known of a component on its way up.
#[derive(Clone, Copy)]
enum Step {
    /// At this level it has so many points.
    Width(f64, usize),
    /// At this level, where it has so many points, another one becomes a part of it.
    Meets(f64, usize, usize),
}

/// Levels at which the width of a component is kept, about.
const LEVELS: usize = 400;

/// The profile of values on a grid of this shape, the first axis fastest, with the basins of the bars that are kept. The points of
/// every other component count from where it becomes a part of one of them.
pub fn profile(
    values: &[f64],
    shape: &[usize],
    adjacency: Adjacency,
    bars: &[Bar],
    kept: &[usize],
) -> Profile {
    // The bars that are kept, by their minima.
    let mut number = vec![None; values.len()];
    kept.iter().enumerate().for_each(|(k, bar)| number[bars[*bar].birth_index] = Some(k));
    let grain = values.len().div_ceil(LEVELS);
    let mut ways: Vec<Vec<Step>> = vec![Vec::new(); kept.len()];
    let (mut sizes, mut noted) = (vec![0usize; values.len()], vec![0usize; kept.len()]);
    sweep(&Order::ascending(values), shape, adjacency, &mut |event| match event {
        Event::Begins { index } => {
            sizes[index] = 1;
            if let Some(k) = number[index] {
                ways[k].push(Step::Width(values[index], 1));
            }
        }
        Event::Grows { first, at, size } => {
            sizes[first] = size;
            if let Some(k) = number[first].filter(|k| size >= noted[*k] + grain) {
                noted[k] = size;
                ways[k].push(Step::Width(values[at], size));
            }
        }
        Event::Meets { older, younger, at } => {
            if let (Some(k), Some(other)) = (number[older], number[younger]) {
                ways[other].push(Step::Width(values[at], sizes[younger]));
                ways[k].push(Step::Meets(values[at], sizes[older], other));
            }
            sizes[older] += sizes[younger];
        }
    });
    let highest = values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let mut drawn = Profile { minima: vec![f64::NAN; kept.len()], ..Profile::default() };
    let all = values.len() as f64;
    let mut left = 0.0;
    for (k, bar) in kept.iter().enumerate().filter(|(_, bar)| bars[**bar].parent.is_none()) {
        if left > 0.0 {
            drawn.push(left, f64::NAN);
        }
        let size = sizes[bars[*bar].birth_index];
        ways[k].push(Step::Width(highest, size));
        drawn.draw(k, [left, left + size as f64 / all], &ways, all);
        left += size as f64 / all;
    }
    drawn
}

impl Profile {
    fn push(&mut self, place: f64, height: f64) {
        self.place.push(place);
        self.height.push(height);
    }

    /// Draws a component between these places: down to its minimum and up again, with what it meets to the right of it.
    fn draw(&mut self, k: usize, [mut left, mut right]: [f64; 2], ways: &[Vec<Step>], all: f64) {
        /// What is drawn on the way up.
        enum Right {
            Edge(f64, f64),
            Component(usize, [f64; 2]),
        }
        let mut up = Vec::new();
        let size = |step: Option<&Step>| match step {
            Some(Step::Width(_, size)) => *size,
            _ => 0,
        };
        for step in ways[k].iter().rev() {
            let (level, points) = match step {
                Step::Width(level, points) => (*level, *points),
                Step::Meets(level, points, other) => (*level, points + size(ways[*other].last())),
            };
            let (center, half) = ((left + right) / 2.0, points as f64 / all / 2.0);
            (left, right) = (center - half, center + half);
            self.push(left, level);
            up.push(Right::Edge(right, level));
            if let Step::Meets(_, own, other) = step {
                let border = left + *own as f64 / all;
                up.push(Right::Component(*other, [border, right]));
                right = border;
                up.push(Right::Edge(right, level));
            }
        }
        self.minima[k] = (left + right) / 2.0;
        for right in up.into_iter().rev() {
            match right {
                Right::Edge(place, level) => self.push(place, level),
                Right::Component(other, between) => self.draw(other, between, ways, all),
            }
        }
    }
}
