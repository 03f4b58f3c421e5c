//! Which minima to join next, so that few bands show the lowest ways between all of them (Draxler et al. 2018, arXiv
//! 1803.00885, and their code).
//!
//! Minima are nodes, a band is an edge, its weight the saddle's loss. As long as the graph has parts that no band joins, the
//! lowest minimum of the part that has the lowest of all is joined with the lowest of another part. Then the minimum spanning
//! tree is what counts, and its highest edge first: without it the tree falls into two parts, and a band between two minima
//! of these, lowest first, may pass below it. When no band is left that could, it is the next highest edge's turn.
//!
//! A way is at least as high as its ends. Pairs with an end that is as high as the edge in question are not tried, as no band
//! between them would change the tree.

use crate::base::Result;
use crate::base::graph::{Edge, parts, spanning_tree};
use std::collections::BTreeSet;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Explored {
    /// The bands in the order in which they were made, a < b; NaN where there is no way.
    pub edges: Vec<Edge>,
    /// Why it ended, in words.
    pub reason: String,
}

/// Joins minima with these `losses` until no band could lower the tree, or `most` are made. `join` makes the band of a pair
/// a < b, and returns its saddle's loss.
pub fn explore(
    losses: &[f64],
    most: usize,
    mut join: impl FnMut(usize, usize) -> Result<f64>,
) -> Result<Explored> {
    let (n, mut edges) = (losses.len(), Vec::new());
    let reason = loop {
        let Some((a, b)) = next(losses, &edges) else {
            break if edges.len() == n * n.saturating_sub(1) / 2 {
                "all pairs are joined".to_owned()
            } else {
                "no other band could lower the tree".to_owned()
            };
        };
        if edges.len() == most {
            break format!("{most} bands were asked for");
        }
        edges.push(Edge { a, b, weight: join(a, b)? });
    };
    Ok(Explored { edges, reason })
}

/// The pair a < b to be joined next, after those that were tried; none where no band could lower the tree.
pub fn next(losses: &[f64], tried: &[Edge]) -> Option<(usize, usize)> {
    let n = losses.len();
    let known: BTreeSet<(usize, usize)> = tried.iter().map(|e| (e.a.min(e.b), e.a.max(e.b))).collect();
    let mut ascending: Vec<usize> = (0..n).collect();
    ascending.sort_by(|i, j| losses[*i].total_cmp(&losses[*j]));
    // The first pair across a cut whose ends both lie below the edge to be replaced.
    let across = |part: &[usize], from: usize, to: usize, below: f64| {
        let of = |p: usize| ascending.iter().copied().filter(move |i| part[*i] == p && losses[*i] < below);
        let pairs = of(from).flat_map(|i| of(to).map(move |j| (i.min(j), i.max(j))));
        pairs.into_iter().find(|pair| !known.contains(pair))
    };
    let tree = spanning_tree(n, tried);
    let part = parts(n, &tree);
    // Parts, each by its lowest minimum.
    let mut seen = Vec::new();
    ascending.iter().map(|i| part[*i]).for_each(|p| {
        if !seen.contains(&p) {
            seen.push(p);
        }
    });
    for (k, from) in seen.iter().enumerate() {
        for to in &seen[k + 1..] {
            if let Some(pair) = across(&part, *from, *to, f64::INFINITY) {
                return Some(pair);
            }
        }
    }
    for (k, edge) in tree.iter().enumerate().rev() {
        let rest = [&tree[..k], &tree[k + 1..]].concat();
        let part = parts(n, &rest);
        let (a, b) = (part[edge.a], part[edge.b]);
        let first = ascending.iter().map(|i| part[*i]).find(|p| *p == a || *p == b);
        let (from, to) = if first == Some(a) { (a, b) } else { (b, a) };
        if let Some(pair) = across(&part, from, to, edge.weight) {
            return Some(pair);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use crate::base::graph::{bottlenecks, complete};
    use rand::RngExt;

    #[test]
    fn few_bands_give_the_tree_of_all() -> Result<()> {
        let (mut made, mut all) = (0, 0);
        for seed in 0..40 {
            let n = 3 + seed as usize % 6;
            let mut rng = Streams::new(seed).stream("explore", 0);
            let losses: Vec<f64> = (0..n).map(|_| rng.random()).collect();
            // Saddles above both ends, some of them by nothing.
            let saddles: Vec<f64> = (0..n * n)
                .map(|ij| losses[ij / n].max(losses[ij % n]) + (rng.random::<f64>() - 0.3).max(0.0))
                .collect();
            let edges = complete(n, &saddles);
            let found = explore(&losses, usize::MAX, |a, b| Ok(saddles[a * n + b]))?;
            let [own, full] = [&found.edges, &edges].map(|e| bottlenecks(n, &spanning_tree(n, e)));
            assert_eq!(own, full, "seed {seed}: {}", found.reason);
            (made, all) = (made + found.edges.len(), all + edges.len());
        }
        assert!(made < all, "{made} of {all}");
        Ok(())
    }

    #[test]
    fn parts_are_joined_first_and_then_the_highest_edge_is_replaced() -> Result<()> {
        // By loss 2, 0, 3, 1. Saddles of 2-0, 2-3, 2-1; what is then tried, each once.
        let losses = [0.2, 0.4, 0.1, 0.3];
        let saddle = |a: usize, b: usize| match (a, b) {
            (0, 2) => 1.0,
            (2, 3) => 5.0,
            (1, 2) => 3.0,
            (0, 3) => 2.0,
            _ => 4.0,
        };
        let found = explore(&losses, 10, |a, b| Ok(saddle(a, b)))?;
        let order: Vec<(usize, usize)> = found.edges.iter().map(|e| (e.a, e.b)).collect();
        assert_eq!(order, [(0, 2), (2, 3), (1, 2), (0, 3), (0, 1), (1, 3)]);
        assert_eq!(found.reason, "all pairs are joined");
        let tree: Vec<f64> = spanning_tree(4, &found.edges).iter().map(|e| e.weight).collect();
        assert_eq!(tree, [1.0, 2.0, 3.0]);
        // Three are a tree; four lower it.
        let few = explore(&losses, 4, |a, b| Ok(saddle(a, b)))?;
        assert_eq!((few.edges.len(), few.reason.as_str()), (4, "4 bands were asked for"));
        // Saddles that are as low as their higher end: nothing can be better.
        let low = explore(&losses, 10, |a, b| Ok(losses[a].max(losses[b])))?;
        assert_eq!((low.edges.len(), low.reason.as_str()), (3, "no other band could lower the tree"));
        Ok(())
    }

    #[test]
    fn where_there_is_no_way_others_are_tried() -> Result<()> {
        let losses = [0.0, 0.1, 0.2];
        let found = explore(&losses, 10, |a, b| Ok(if (a, b) == (0, 2) { f64::NAN } else { 1.0 }))?;
        let order: Vec<(usize, usize)> = found.edges.iter().map(|e| (e.a, e.b)).collect();
        assert_eq!(order, [(0, 1), (0, 2), (1, 2)]);
        let none = explore(&losses, 10, |_, _| Ok(f64::NAN))?;
        assert_eq!(none.edges.len(), 3);
        assert!(explore(&[], 10, |_, _| Ok(0.0))?.edges.is_empty());
        Ok(())
    }
}
