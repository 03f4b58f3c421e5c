//! The barcode of the minima: each from its loss to the lowest pass that leads to a lower one (Barannikov et al. 2020, arXiv
//! 2012.15834), by the elder rule along the tree of lowest passes.
//!
//! A pass here is the highest training loss on the lowest way that was found, so that bars are as long as the true ones or longer;
//! and a minimum that nobody found is in none of them. The length of a bar is what a trajectory has to climb to leave for a lower
//! minimum. Their mean over all but the lowest minimum is the score by which networks are compared (that paper weighs minima
//! that training found in the same way, and calls the length a minimum's topological obstruction, TO).

use crate::base::graph::{Edge, spanning_tree};
use serde_json::{Value, json};

/// A minimum's bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// The minimum.
    pub minimum: usize,
    /// Its loss.
    pub birth: f64,
    /// The lowest pass to a lower one; infinite of the lowest.
    pub death: f64,
    /// The lowest minimum of the group that it joins there.
    pub older: Option<usize>,
}

/// The bars of minima with these losses, joined by ways of which each is weighed by the highest loss on it: the longest first. Where
/// ways have no number, several minima may be the lowest that is reached.
pub fn barcode(losses: &[f64], ways: &[Edge]) -> Vec<Bar> {
    let n = losses.len();
    let mut group: Vec<usize> = (0..n).collect();
    let mut bars: Vec<Bar> =
        (0..n).map(|i| Bar { minimum: i, birth: losses[i], death: f64::INFINITY, older: None }).collect();
    for edge in spanning_tree(n, ways) {
        // A group is called by its lowest minimum, of equal ones the first.
        let (a, b) = (group[edge.a], group[edge.b]);
        let (older, younger) = if (losses[a], a) <= (losses[b], b) { (a, b) } else { (b, a) };
        // No way is lower than its ends, whatever rounding says.
        bars[younger].death = edge.weight.max(losses[a]).max(losses[b]);
        bars[younger].older = Some(older);
        group.iter_mut().filter(|g| **g == younger).for_each(|g| *g = older);
    }
    bars.sort_by(|a, b| (b.death - b.birth).total_cmp(&(a.death - a.birth)).then(a.minimum.cmp(&b.minimum)));
    bars
}

/// Numbers of a bar in an array.
pub(super) const WIDTH: usize = 4;

impl Bar {
    /// As a row of the array.
    pub(super) fn row(&self) -> [f64; WIDTH] {
        [self.minimum as f64, self.birth, self.death, self.older.map_or(-1.0, |older| older as f64)]
    }
}

/// The scalars; `ways` says what passes were found on.
pub(super) fn summary(bars: &[Bar], names: &[String], ways: &str) -> Value {
    let lengths: Vec<f64> = bars.iter().map(|b| b.death - b.birth).filter(|l| l.is_finite()).collect();
    let one = |bar: &Bar| {
        json!({
            "minimum": bar.minimum,
            "name": names[bar.minimum],
            "birth": bar.birth,
            "death": bar.death,
            "older": bar.older,
        })
    };
    json!({
        "ways": ways,
        "bars": bars.iter().map(one).collect::<Vec<Value>>(),
        "to_score": {
            "mean": lengths.iter().sum::<f64>() / lengths.len() as f64,
            "max": lengths.iter().copied().reduce(f64::max),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_younger_minimum_dies_at_the_lowest_pass() {
        let edge = |(a, b, weight)| Edge { a, b, weight };
        // Two valleys, 1-3 and 0-2, joined at 5.
        let ways: Vec<Edge> =
            [(0, 1, 5.0), (0, 2, 2.0), (0, 3, 6.0), (1, 2, 7.0), (1, 3, 0.5), (2, 3, 9.0)].map(edge).to_vec();
        let found: Vec<_> = barcode(&[0.3, 0.1, 0.2, 0.4], &ways)
            .iter()
            .map(|b| (b.minimum, b.birth, b.death, b.older))
            .collect();
        let open = f64::INFINITY;
        let expected =
            [(1, 0.1, open, None), (2, 0.2, 5.0, Some(1)), (0, 0.3, 2.0, Some(2)), (3, 0.4, 0.5, Some(1))];
        assert_eq!(found, expected);
        // Without ways nothing dies; a pass is no lower than its ends.
        assert!(barcode(&[1.0, 2.0], &[edge((0, 1, f64::NAN))]).iter().all(|b| b.death == open));
        assert_eq!(barcode(&[1.0, 2.0], &[edge((0, 1, 1.5))])[1].death, 2.0);
    }
}
