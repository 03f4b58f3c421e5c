//! Agglomerative clustering (Sokal and Michener 1958; Muellner 2011, arXiv 1109.2378, states the algorithm): the two
//! closest groups become one, until all are one. n^3 comparisons, which are few for what takes n^2 / 2 measurements.
//!
//! The distance of groups A and B from those of their members d(a, b): *average* linkage, their mean (UPGMA), or *single*
//! linkage, their least. Where they are equal, the groups that were there first are joined.

use serde::{Deserialize, Serialize};

/// How far two groups are from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// The mean over all pairs with a member of each
    #[default]
    Average,
    /// The least over all pairs with a member of each
    Single,
}

impl std::fmt::Display for Linkage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Average => "average",
            Self::Single => "single",
        })
    }
}

/// Two groups that become one: things are the groups 0 to n - 1, and the k-th merge makes group n + k, as in SciPy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merge {
    /// The older group.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Their distance.
    pub height: f64,
    /// Things in the new group.
    pub size: usize,
}

/// The n - 1 merges of n things with a symmetric matrix of distances, row by row; a distance that is no number counts as
/// infinite.
pub fn cluster(distances: &[f64], n: usize, linkage: Linkage) -> Vec<Merge> {
    let number = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
    // Groups that are there: number, size, distances to those before it in the list.
    let mut groups: Vec<(usize, usize)> = (0..n).map(|i| (i, 1)).collect();
    let mut apart: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| number(distances[i * n + j])).collect()).collect();
    let mut merges = Vec::new();
    while groups.len() > 1 {
        let pairs = (0..groups.len()).flat_map(|i| (i + 1..groups.len()).map(move |j| (i, j)));
        let closest = pairs.min_by(|x, y| apart[x.0][x.1].total_cmp(&apart[y.0][y.1]));
        let Some((i, j)) = closest else { break };
        let (a, b, height) = (groups[i], groups[j], apart[i][j]);
        let joined: Vec<f64> = (0..groups.len())
            .map(|k| {
                let (x, y) = (apart[i][k], apart[j][k]);
                match linkage {
                    Linkage::Single => x.min(y),
                    Linkage::Average => (a.1 as f64 * x + b.1 as f64 * y) / (a.1 + b.1) as f64,
                }
            })
            .collect();
        let size = a.1 + b.1;
        merges.push(Merge { a: a.0.min(b.0), b: a.0.max(b.0), height, size });
        groups.push((n + merges.len() - 1, size));
        apart.iter_mut().zip(&joined).for_each(|(row, d)| row.push(*d));
        apart.push([joined, vec![0.0]].concat());
        // The later one first, so that the earlier keeps its place.
        for gone in [j, i] {
            groups.remove(gone);
            apart.remove(gone);
            apart.iter_mut().for_each(|row| {
                row.remove(gone);
            });
        }
    }
    merges
}

/// The things in an order in which no brackets cross: the members of each group side by side.
pub fn order(merges: &[Merge], n: usize) -> Vec<usize> {
    let mut members: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    for merge in merges {
        let both = [members[merge.a].clone(), members[merge.b].clone()].concat();
        members.push(both);
    }
    members.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five points on a line: 0, 1, 5, 7, 13.
    fn line() -> Vec<f64> {
        let x = [0.0f64, 1.0, 5.0, 7.0, 13.0];
        x.iter().flat_map(|a| x.iter().map(move |b| (a - b).abs())).collect()
    }

    #[test]
    fn merges_are_those_found_by_hand() {
        let single = cluster(&line(), 5, Linkage::Single);
        let found: Vec<(usize, usize, f64, usize)> =
            single.iter().map(|m| (m.a, m.b, m.height, m.size)).collect();
        // 0-1 at 1, 5-7 at 2, both at 4 (from 1 to 5), and 13 at 6 (from 7).
        assert_eq!(found, [(0, 1, 1.0, 2), (2, 3, 2.0, 2), (5, 6, 4.0, 4), (4, 7, 6.0, 5)]);
        let average = cluster(&line(), 5, Linkage::Average);
        let found: Vec<(usize, usize, f64, usize)> =
            average.iter().map(|m| (m.a, m.b, m.height, m.size)).collect();
        // {0, 1} and {5, 7}: (5 + 7 + 4 + 6) / 4; 13 to all four: (13 + 12 + 8 + 6) / 4.
        assert_eq!(found, [(0, 1, 1.0, 2), (2, 3, 2.0, 2), (5, 6, 5.5, 4), (4, 7, 9.75, 5)]);
        assert_eq!(order(&average, 5), [4, 0, 1, 2, 3]);
    }

    #[test]
    fn what_is_no_number_joins_last() {
        let nan = f64::NAN;
        let distances = [0.0, nan, 2.0, nan, 0.0, nan, 2.0, nan, 0.0];
        for linkage in [Linkage::Single, Linkage::Average] {
            let merges = cluster(&distances, 3, linkage);
            assert_eq!((merges[0].a, merges[0].b, merges[0].height), (0, 2, 2.0));
            assert_eq!((merges[1].a, merges[1].b, merges[1].height), (1, 3, f64::INFINITY));
        }
        assert!(cluster(&[0.0], 1, Linkage::Single).is_empty() && order(&[], 1) == [0]);
    }
}
