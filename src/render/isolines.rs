//! Iso-lines and the areas above them: marching squares with linear interpolation, joined into whole curves.
//!
//! Each cell contributes the polygon where the value is at least the level. The edges of those polygons that two
//! cells share cancel, and what is left, chained end to start, is the outline of the whole area: one closed loop
//! a component or hole, however many cells it crosses. The edges that cross a cell are the iso-line itself. So
//! areas and lines have the same corners to the last bit, and areas painted one over another leave no seams. A line
//! crosses an edge of the grid strictly between its nodes, even where a node has the very value of the level, so it never
//! touches itself or another.
//! Cost: one pass over the cells a level.

use std::collections::BTreeMap;

/// A place in the grid's coordinates.
pub type Place = (f64, f64);

/// Values on a grid: `values[j * x.len() + i]` at `(x[i], y[j])`; cells with a non-finite corner do not exist.
#[derive(Clone, Debug)]
pub struct Field {
    /// Ascending coordinates of the columns.
    pub x: Vec<f64>,
    /// Ascending coordinates of the rows.
    pub y: Vec<f64>,
    /// Row after row.
    pub values: Vec<f64>,
}

/// How far a line may be drawn from its level, as a share of the colour scale: less than a line's width.
const ASIDE: f64 = 0.002;
/// How near to a node a line crosses an edge, as a share of the edge.
const INSIDE: f64 = 1e-6;

/// What a level makes of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Iso {
    /// Outlines of the area at or above the level: closed, the first point not repeated.
    pub area: Vec<Vec<Place>>,
    /// The iso-lines; closed ones repeat their first point at the end.
    pub lines: Vec<Vec<Place>>,
}

impl Field {
    /// Whether the cell with lower corner `(i, j)` exists and has four finite corners.
    pub fn is_whole(&self, i: usize, j: usize) -> bool {
        i + 1 < self.x.len()
            && j + 1 < self.y.len()
            && self.corners(i, j).iter().all(|&n| self.values[n].is_finite())
    }

    /// The nodes of a cell, counter-clockwise.
    fn corners(&self, i: usize, j: usize) -> [usize; 4] {
        let (n, w) = (j * self.x.len() + i, self.x.len());
        [n, n + 1, n + w + 1, n + w]
    }

    /// Where to draw the line of `level`: at the level, or, where nodes have that very value, halfway to the next lower one
    /// (but at most `ASIDE`), so that what is at the level is enclosed. Shares of correct answers are full of such ties.
    pub fn beside(&self, level: f64) -> f64 {
        if !self.values.contains(&level) {
            return level;
        }
        let lower = self.values.iter().copied().filter(|v| *v < level).fold(f64::NEG_INFINITY, f64::max);
        level - ((level - lower) / 2.0).min(ASIDE)
    }

    /// The outlines of all cells that exist.
    pub fn extent(&self) -> Vec<Vec<Place>> {
        self.iso(f64::NEG_INFINITY).area
    }

    /// The area at or above `level`, and its iso-lines.
    pub fn iso(&self, level: f64) -> Iso {
        let (mut outline, mut across) = (Edges::default(), Edges::default());
        let (w, h) = (self.x.len(), self.y.len());
        let full = self.values.iter().all(|v| v.is_finite());
        for j in 0..h.saturating_sub(1) {
            for i in 0..w.saturating_sub(1) {
                // Most cells have no part in an outline: those below the level, and those inside the area.
                let above = self.corners(i, j).iter().filter(|&&n| self.values[n] >= level).count();
                let inside = full && i > 0 && j > 0 && i + 2 < w && j + 2 < h;
                if above > 0 && !(above == 4 && inside) && self.is_whole(i, j) {
                    self.march(i, j, level, &mut outline, &mut across);
                }
            }
        }
        let places = |chain: Vec<Vertex>| {
            let mut places: Vec<Place> = chain.into_iter().map(|v| self.place(v, level)).collect();
            places.dedup();
            places
        };
        let mut area: Vec<Vec<Place>> = outline.chains().into_iter().map(places).collect();
        for points in &mut area {
            points.pop();
        }
        area.retain(|points| points.len() > 2);
        let mut lines: Vec<Vec<Place>> = across.chains().into_iter().map(places).collect();
        lines.retain(|points| points.len() > 1);
        Iso { area, lines }
    }

    /// One cell: its polygon's edges that no neighbour shares.
    fn march(&self, i: usize, j: usize, level: f64, outline: &mut Edges, across: &mut Edges) {
        let nodes = self.corners(i, j);
        let above = nodes.map(|n| self.values[n] >= level);
        // Across side k, from corner k to corner k + 1, lies this neighbour.
        let shared = |side: usize| match side {
            0 => j > 0 && self.is_whole(i, j - 1),
            1 => self.is_whole(i + 1, j),
            2 => self.is_whole(i, j + 1),
            _ => i > 0 && self.is_whole(i - 1, j),
        };
        let w = self.x.len();
        let crossing = |side: usize| match side {
            0 => Vertex::OnRow(nodes[0]),
            1 => Vertex::OnColumn(nodes[0] + 1),
            2 => Vertex::OnRow(nodes[0] + w),
            _ => Vertex::OnColumn(nodes[0]),
        };
        let is_crossed = |side: usize| above[side] != above[(side + 1) % 4];
        for side in 0..4 {
            if shared(side) {
                continue;
            }
            let (from, to) = (Vertex::Node(nodes[side]), Vertex::Node(nodes[(side + 1) % 4]));
            match (above[side], above[(side + 1) % 4]) {
                (true, true) => outline.add(from, to),
                (true, false) => outline.add(from, crossing(side)),
                (false, true) => outline.add(crossing(side), to),
                (false, false) => {}
            }
        }
        // The area leaves the cell's rim where the next corner is below, and comes back at an entry: the next
        // one around, or, at a saddle whose middle is below, the one just before.
        let saddle = (0..4).all(is_crossed);
        let middle = nodes.iter().map(|&n| self.values[n] / 4.0).sum::<f64>();
        for exit in (0..4).filter(|&side| above[side] && is_crossed(side)) {
            let ways: [usize; 3] = if saddle && middle < level { [3, 2, 1] } else { [1, 2, 3] };
            let entry = ways.iter().map(|k| (exit + k) % 4).find(|&side| is_crossed(side) && !above[side]);
            if let Some(entry) = entry {
                outline.add(crossing(exit), crossing(entry));
                across.add(crossing(exit), crossing(entry));
            }
        }
    }

    fn place(&self, vertex: Vertex, level: f64) -> Place {
        let w = self.x.len();
        let along = |a: usize, b: usize, from: f64, to: f64| {
            let (low, high) = (self.values[a], self.values[b]);
            let t = ((level - low) / (high - low)).clamp(INSIDE, 1.0 - INSIDE);
            from + if t.is_nan() { 0.5 } else { t } * (to - from)
        };
        match vertex {
            Vertex::Node(n) => (self.x[n % w], self.y[n / w]),
            Vertex::OnRow(n) => (along(n, n + 1, self.x[n % w], self.x[n % w + 1]), self.y[n / w]),
            Vertex::OnColumn(n) => (self.x[n % w], along(n, n + w, self.y[n / w], self.y[n / w + 1])),
        }
    }
}

/// A corner of an outline, named by the grid so that neighbours agree on it exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Vertex {
    /// A grid node.
    Node(usize),
    /// Where the level crosses the edge to the node's right.
    OnRow(usize),
    /// Where the level crosses the edge to the node above.
    OnColumn(usize),
}

/// Directed edges on their way to become chains.
#[derive(Default)]
struct Edges {
    next: BTreeMap<Vertex, Vec<Vertex>>,
    arrivals: BTreeMap<Vertex, usize>,
}

impl Edges {
    fn add(&mut self, from: Vertex, to: Vertex) {
        self.next.entry(from).or_default().push(to);
        *self.arrivals.entry(to).or_default() += 1;
    }

    /// Every edge in one chain each: first those with loose ends, then the closed ones.
    fn chains(mut self) -> Vec<Vec<Vertex>> {
        let loose: Vec<Vertex> =
            self.next.keys().filter(|v| !self.arrivals.contains_key(v)).copied().collect();
        let mut chains: Vec<Vec<Vertex>> = loose.into_iter().map(|start| self.follow(start)).collect();
        while let Some(start) = self.next.keys().next().copied() {
            chains.push(self.follow(start));
        }
        chains
    }

    fn follow(&mut self, start: Vertex) -> Vec<Vertex> {
        let mut chain = vec![start];
        let mut at = start;
        while let Some(targets) = self.next.get_mut(&at) {
            let target = targets.pop();
            if targets.is_empty() {
                self.next.remove(&at);
            }
            let Some(target) = target else { break };
            chain.push(target);
            at = target;
            if at == start {
                break;
            }
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(n: usize, f: impl Fn(f64, f64) -> f64) -> Field {
        let x: Vec<f64> = (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64).collect();
        let values = x.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| f(x, y)).collect();
        Field { y: x.clone(), x, values }
    }
    /// The signed area inside all loops together.
    fn size(area: &[Vec<Place>]) -> f64 {
        let turn = |p: &Vec<Place>| {
            (0..p.len())
                .map(|i| (p[i], p[(i + 1) % p.len()]))
                .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
                .sum::<f64>()
        };
        area.iter().map(turn).sum::<f64>() / 2.0
    }

    #[test]
    fn circles_are_closed_and_round() {
        let iso = field(51, |x, y| x * x + y * y).iso(0.36);
        assert_eq!(iso.lines.len(), 1);
        let line = &iso.lines[0];
        assert_eq!(line.first(), line.last());
        assert!(line.iter().all(|(x, y)| (x.hypot(*y) - 0.6).abs() < 1e-3), "radius 0.6");
        assert_eq!(iso.area.len(), 2, "the square, and the disk as its hole");
        assert!((size(&iso.area) - (4.0 - std::f64::consts::PI * 0.36)).abs() < 1e-2);
    }

    #[test]
    fn areas_shrink_with_the_level_and_start_with_everything() {
        let bumpy = field(24, |x, y| (5.0 * x).sin() * (4.0 * y).cos() + x);
        let sizes: Vec<f64> = (-20..20).map(|k| size(&bumpy.iso(f64::from(k) / 10.0).area)).collect();
        assert!((sizes[0] - 4.0).abs() < 1e-9 && sizes.windows(2).all(|w| w[1] <= w[0] + 1e-12));
        assert_eq!(bumpy.extent().len(), 1);
    }

    #[test]
    fn saddles_join_through_a_high_middle_only() {
        let saddle = |middle: f64| field(3, |x, y| if x * y == 0.0 { middle } else { x * y });
        // One cell of two high and two low corners.
        let cell = |a: f64| Field { x: vec![0.0, 1.0], y: vec![0.0, 1.0], values: vec![a, 0.0, 0.0, a] };
        assert_eq!(cell(1.0).iso(0.4).area.len(), 1);
        assert_eq!(cell(1.0).iso(0.6).area.len(), 2);
        assert!(saddle(0.0).iso(0.5).lines.iter().all(|line| line.len() > 1));
    }

    /// Whether two pieces that are not neighbours have a point in common.
    fn crosses(line: &[Place]) -> bool {
        let turn = |a: Place, b: Place, c: Place| (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
        let between = |a: Place, b: Place, c: Place| {
            (a.0.min(b.0)..=a.0.max(b.0)).contains(&c.0) && (a.1.min(b.1)..=a.1.max(b.1)).contains(&c.1)
        };
        let meet = |p: &[Place], q: &[Place]| {
            let (a, b, c, d) = (p[0], p[1], q[0], q[1]);
            let sides = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
            let on = [(0, a, b, c), (1, a, b, d), (2, c, d, a), (3, c, d, b)];
            sides[0] * sides[1] < 0.0 && sides[2] * sides[3] < 0.0
                || on.iter().any(|(k, a, b, c)| sides[*k] == 0.0 && between(*a, *b, *c))
        };
        let pieces: Vec<&[Place]> = line.windows(2).collect();
        let closed = line.first() == line.last();
        let neighbours = |i: usize, j: usize| j == i + 1 || closed && i == 0 && j + 1 == pieces.len();
        (0..pieces.len())
            .any(|i| (i + 1..pieces.len()).any(|j| !neighbours(i, j) && meet(pieces[i], pieces[j])))
    }

    /// Accuracies are shares of a few samples: levels are values of nodes, of ridges and of saddles.
    #[test]
    fn lines_do_not_cross_themselves_where_values_equal_the_level() {
        let mut state = 7_u64;
        let mut few = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % 5
        };
        for _ in 0..100 {
            let values: Vec<f64> = (0..49).map(|_| few() as f64 / 4.0).collect();
            let axis: Vec<f64> = (0..7).map(f64::from).collect();
            let coarse = Field { x: axis.clone(), y: axis, values };
            for field in [coarse.clone(), coarse.refined(3)] {
                for level in [0.25, 0.5, 0.75, 1.0] {
                    for level in [level, coarse.beside(level)] {
                        let iso = field.iso(level);
                        assert!(iso.lines.iter().all(|line| !crosses(line)), "{level}: {:?}", coarse.values);
                    }
                    assert!(!coarse.values.contains(&coarse.beside(level)));
                }
            }
        }
        let bow_tie = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)];
        assert!(crosses(&bow_tie) && !crosses(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]));
    }

    #[test]
    fn cells_with_a_missing_corner_are_cut_out() {
        let mut holed = field(5, |x, _| x);
        holed.values[12] = f64::NAN;
        assert!((size(&holed.extent()) - 3.0).abs() < 1e-12);
        let iso = holed.iso(0.1);
        assert!((size(&iso.area) - (1.8 - 0.4)).abs() < 1e-12);
        assert_eq!(iso.lines.len(), 2, "the hole interrupts the line");
    }
}
