//! Weighted graphs on few nodes: the minimum spanning tree, and what it says of the best ways through the graph.
//!
//! Of minima joined by paths whose weight is the highest loss on them, the tree keeps the paths by which every minimum is
//! reached over the lowest passes: between any two nodes, the largest weight on the tree's way is the smallest that any
//! way has (the bottleneck, or minimax path; Hu 1961). Draxler et al. 2018 (arXiv 1803.00885) find new paths by it.

/// An edge: two nodes and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// One node.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Smaller is better; NaN for no edge.
    pub weight: f64,
}

/// The minimum spanning tree of `n` nodes (Kruskal 1956), lightest edge first; of equal weights the edge that comes first.
/// Edges of weight NaN, and those of nodes that do not exist, count as none: what they alone would connect stays apart, and
/// the tree is a forest.
pub fn spanning_tree(n: usize, edges: &[Edge]) -> Vec<Edge> {
    let mut sorted: Vec<Edge> =
        edges.iter().filter(|e| !e.weight.is_nan() && e.a < n && e.b < n).copied().collect();
    sorted.sort_by(|x, y| x.weight.total_cmp(&y.weight));
    let mut part: Vec<usize> = (0..n).collect();
    sorted.retain(|edge| joins(&mut part, edge));
    sorted
}

/// The part of the graph that each of `n` nodes is in, by its first node; `edges` as a spanning tree has them.
pub fn parts(n: usize, edges: &[Edge]) -> Vec<usize> {
    let mut part: Vec<usize> = (0..n).collect();
    edges.iter().for_each(|edge| {
        joins(&mut part, edge);
    });
    part
}

/// Whether an edge joins two parts, which then are one, called by the first of its nodes.
fn joins(part: &mut [usize], edge: &Edge) -> bool {
    let (a, b) = (part[edge.a], part[edge.b]);
    part.iter_mut().filter(|p| **p == a.max(b)).for_each(|p| *p = a.min(b));
    a != b
}

/// The edges between all nodes of a symmetric matrix of weights, row by row, each once.
pub fn complete(n: usize, weights: &[f64]) -> Vec<Edge> {
    let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
    pairs.map(|(a, b)| Edge { a, b, weight: weights[a * n + b] }).collect()
}

/// For each two nodes the smallest largest weight on any way between them, row by row: along the tree. Negative infinity
/// from a node to itself, positive where there is no way.
pub fn bottlenecks(n: usize, tree: &[Edge]) -> Vec<f64> {
    let mut most = vec![f64::INFINITY; n * n];
    for start in 0..n {
        most[start * n + start] = f64::NEG_INFINITY;
        let mut open = vec![start];
        while let Some(here) = open.pop() {
            for edge in tree.iter().filter(|e| e.a == here || e.b == here) {
                let next = if edge.a == here { edge.b } else { edge.a };
                // A tree has one way: a node that has a number has its own.
                if next != start && most[start * n + next] == f64::INFINITY {
                    most[start * n + next] = most[start * n + here].max(edge.weight);
                    open.push(next);
                }
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use rand::RngExt;

    fn graph(n: usize, seed: u64) -> Vec<Edge> {
        let mut rng = Streams::new(seed).stream("graph", 0);
        let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
        // Some edges are missing, and some weights are equal.
        let weight = |x: f64| if x < 0.2 { f64::NAN } else { (x * 20.0).floor() };
        pairs.map(|(a, b)| Edge { a, b, weight: weight(rng.random()) }).collect()
    }

    /// The smallest largest weight over all simple ways, each tried.
    fn by_force(edges: &[Edge], here: usize, to: usize, seen: &mut Vec<usize>) -> f64 {
        if here == to {
            return f64::NEG_INFINITY;
        }
        let mut best = f64::INFINITY;
        for e in edges.iter().filter(|e| !e.weight.is_nan() && (e.a == here || e.b == here)) {
            let next = if e.a == here { e.b } else { e.a };
            if !seen.contains(&next) {
                seen.push(next);
                best = best.min(by_force(edges, next, to, seen).max(e.weight));
                seen.pop();
            }
        }
        best
    }

    /// The least sum over all sets of as many edges that connect as much, each tried.
    fn lightest(n: usize, edges: &[Edge], count: usize) -> f64 {
        let whole: Vec<&Edge> = edges.iter().filter(|e| !e.weight.is_nan()).collect();
        (0u32..1 << whole.len())
            .filter(|set| set.count_ones() as usize == count)
            .filter_map(|set| {
                let some: Vec<Edge> =
                    (0..whole.len()).filter(|i| set >> i & 1 == 1).map(|i| *whole[i]).collect();
                // Without a circle: each edge joins two parts.
                let forest = spanning_tree(n, &some).len() == count;
                forest.then(|| some.iter().map(|e| e.weight).sum::<f64>())
            })
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_tree_is_the_lightest_and_its_ways_the_lowest() {
        for seed in 0..30 {
            let n = 2 + seed as usize % 5;
            let edges = graph(n, seed);
            let tree = spanning_tree(n, &edges);
            if n < 6 {
                let sum: f64 = tree.iter().map(|e| e.weight).sum();
                assert_eq!(sum, lightest(n, &edges, tree.len()), "seed {seed}");
            }
            let found = bottlenecks(n, &tree);
            for a in 0..n {
                for b in 0..n {
                    let expected = by_force(&edges, a, b, &mut vec![a]);
                    assert_eq!(found[a * n + b], expected, "seed {seed}: {a} to {b}");
                }
            }
        }
    }

    #[test]
    fn without_edges_all_stays_apart() {
        let none = [Edge { a: 0, b: 1, weight: f64::NAN }, Edge { a: 0, b: 7, weight: 1.0 }];
        assert!(spanning_tree(2, &none).is_empty() && spanning_tree(0, &[]).is_empty());
        assert_eq!(bottlenecks(2, &[])[1], f64::INFINITY);
        let edges = [(3, 1), (0, 4), (4, 2)].map(|(a, b)| Edge { a, b, weight: 1.0 });
        assert_eq!(parts(6, &edges), [0, 1, 0, 1, 0, 5]);
    }
}
