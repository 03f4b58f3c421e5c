//! The minimum spanning tree of a complete graph, by Prim's algorithm (1957), n^2 comparisons. Between any two things, the
//! way through the tree is one whose highest edge is as low as can be.

/// The n - 1 edges (a, b), a < b, in the order in which the tree grows from thing 0, by a symmetric matrix of weights, row by
/// row; a weight that is no number counts as infinite.
pub fn spanning(weights: &[f64], n: usize) -> Vec<(usize, usize)> {
    let weight = |i: usize, j: usize| {
        let w = weights[i * n + j];
        if w.is_nan() { f64::INFINITY } else { w }
    };
    // Of each thing that is not in the tree: its closest thing in it.
    let mut closest: Vec<Option<usize>> = (0..n).map(|i| (i > 0).then_some(0)).collect();
    let mut edges = Vec::new();
    let outside = |closest: &[Option<usize>]| -> Vec<(usize, usize)> {
        closest.iter().enumerate().filter_map(|(i, c)| c.map(|c| (i, c))).collect()
    };
    while let Some((new, from)) =
        outside(&closest).into_iter().min_by(|x, y| weight(x.0, x.1).total_cmp(&weight(y.0, y.1)))
    {
        edges.push((new.min(from), new.max(from)));
        closest[new] = None;
        for (i, c) in closest.iter_mut().enumerate() {
            if let Some(old) = *c
                && weight(i, new) < weight(i, old)
            {
                *c = Some(new);
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tree on n things, by its Pruefer sequence.
    fn trees(n: usize) -> Vec<Vec<(usize, usize)>> {
        let count = n.pow(n as u32 - 2);
        (0..count)
            .map(|code| {
                let sequence: Vec<usize> = (0..n - 2).map(|k| code / n.pow(k as u32) % n).collect();
                let mut degree = vec![1; n];
                sequence.iter().for_each(|i| degree[*i] += 1);
                let mut edges = Vec::new();
                for i in &sequence {
                    let leaf = (0..n).find(|j| degree[*j] == 1).unwrap();
                    edges.push((leaf.min(*i), leaf.max(*i)));
                    degree[leaf] -= 1;
                    degree[*i] -= 1;
                }
                let rest: Vec<usize> = (0..n).filter(|j| degree[*j] == 1).collect();
                edges.push((rest[0], rest[1]));
                edges
            })
            .collect()
    }

    #[test]
    fn no_tree_is_lighter() {
        let n = 6;
        for seed in 0..10u64 {
            let mut rng = crate::base::Streams::new(seed).stream("test/tree", 0);
            let mut weights = vec![0.0; n * n];
            for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
                weights[i * n + j] = crate::base::random::normal(&mut rng);
                weights[j * n + i] = weights[i * n + j];
            }
            let sum = |edges: &[(usize, usize)]| edges.iter().map(|(i, j)| weights[i * n + j]).sum::<f64>();
            let least = trees(n).iter().map(|t| sum(t)).fold(f64::INFINITY, f64::min);
            let found = spanning(&weights, n);
            assert_eq!(found.len(), n - 1);
            assert!((sum(&found) - least).abs() < 1e-12, "seed {seed}");
        }
        assert!(spanning(&[0.0], 1).is_empty());
        let nan = f64::NAN;
        assert_eq!(spanning(&[0.0, nan, 2.0, nan, 0.0, nan, 2.0, nan, 0.0], 3), [(0, 2), (0, 1)]);
    }
}
