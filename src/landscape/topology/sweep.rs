//! Points entering one after the other, and what becomes of the components that they are in: union-find by size, with
//! halved paths (Tarjan 1975).

use super::Adjacency;

/// What happens at a point that enters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    /// It is the first of a component.
    Begins { index: usize },
    /// Two components are one from this point on; each is called by its first point.
    Meets { older: usize, younger: usize, at: usize },
    /// The component of this first point has so many points now.
    Grows { first: usize, at: usize, size: usize },
}

/// The points of a grid in the order in which they enter. One beyond the last is the outside, beside every point of the border.
pub(super) struct Order {
    points: Vec<u32>,
    size: usize,
}

impl Order {
    /// Finite values from the smallest on, of equal ones the smaller index; the others never.
    pub fn ascending(values: &[f64]) -> Self {
        let mut points: Vec<u32> =
            (0..values.len() as u32).filter(|i| values[*i as usize].is_finite()).collect();
        points.sort_unstable_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]).then(a.cmp(b)));
        Self { points, size: values.len() }
    }

    /// The reverse, after the outside and what is not finite.
    pub fn descending(values: &[f64]) -> Self {
        let Self { points, size } = Self::ascending(values);
        let lost = (0..size as u32).filter(|i| !values[*i as usize].is_finite());
        let points = [size as u32].into_iter().chain(lost).chain(points.into_iter().rev());
        Self { points: points.collect(), size }
    }
}

/// Components by their points.
struct Forest {
    above: Vec<u32>,
    size: Vec<u32>,
    /// Of a root: the point that its component began with.
    first: Vec<u32>,
}

impl Forest {
    fn new(points: usize) -> Self {
        let own: Vec<u32> = (0..points as u32).collect();
        Self { above: own.clone(), size: vec![1; points], first: own }
    }

    fn root(&mut self, mut i: u32) -> u32 {
        while self.above[i as usize] != i {
            let next = self.above[self.above[i as usize] as usize];
            self.above[i as usize] = next;
            i = next;
        }
        i
    }

    /// Makes two roots one, whose component began with this point.
    fn join(&mut self, a: u32, b: u32, first: u32) -> u32 {
        let (large, small) = if self.size[a as usize] >= self.size[b as usize] { (a, b) } else { (b, a) };
        self.above[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
        self.first[large as usize] = first;
        large
    }
}

/// Lets the points of a grid of this shape, the first axis fastest, enter in this order.
pub(super) fn sweep(order: &Order, shape: &[usize], adjacency: Adjacency, hear: &mut dyn FnMut(Event)) {
    let outside = order.size;
    let mut sides = [1usize; 3];
    sides.iter_mut().zip(shape).for_each(|(side, n)| *side = *n);
    let strides = [1, sides[0], sides[0] * sides[1]];
    let offsets = adjacency.offsets(shape.len());
    let mut rank = vec![u32::MAX; outside + 1];
    order.points.iter().enumerate().for_each(|(r, i)| rank[*i as usize] = r as u32);
    let bordered = rank[outside] != u32::MAX;
    let mut forest = Forest::new(outside + 1);
    let mut beside: Vec<u32> = Vec::with_capacity(offsets.len() + 1);
    for (now, index) in order.points.iter().enumerate() {
        let i = *index as usize;
        beside.clear();
        if i < outside {
            let at = [i % sides[0], i / strides[1] % sides[1], i / strides[2]];
            let border = (0..shape.len()).any(|k| at[k] == 0 || at[k] + 1 == sides[k]);
            if border && bordered {
                beside.push(outside as u32);
            }
            for step in &offsets {
                let there = |k: usize| at[k].checked_add_signed(step[k]).filter(|c| *c < sides[k]);
                if let (Some(x), Some(y), Some(z)) = (there(0), there(1), there(2)) {
                    let j = x + y * strides[1] + z * strides[2];
                    if (rank[j] as usize) < now {
                        beside.push(j as u32);
                    }
                }
            }
        }
        let Some((next, rest)) = beside.split_first() else {
            hear(Event::Begins { index: i });
            continue;
        };
        let mut root = forest.root(*next);
        for other in rest {
            let other = forest.root(*other);
            if other == root {
                continue;
            }
            let [a, b] = [root, other].map(|r| forest.first[r as usize]);
            let (older, younger) = if rank[a as usize] < rank[b as usize] { (a, b) } else { (b, a) };
            hear(Event::Meets { older: older as usize, younger: younger as usize, at: i });
            root = forest.join(root, other, older);
        }
        let first = forest.first[root as usize];
        root = forest.join(root, *index, first);
        let size = forest.size[root as usize] as usize;
        hear(Event::Grows { first: first as usize, at: i, size });
    }
}
