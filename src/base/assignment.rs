//! The linear assignment problem: for an n x n matrix of costs, the permutation p that minimises
//! sum over i of c(i, p(i)), by shortest augmenting paths (Jonker and Volgenant 1987, Computing 38).
//!
//! Dual numbers u and v with u(i) + v(j) <= c(i, j), equal where i is assigned to j, prove the optimum. Columns are
//! reduced first, v(j) = min over i of c(i, j), and each is given to the row of its smallest entry where that is free; each
//! row that is left is then assigned along the path of least reduced cost c - u - v (Dijkstra's), which may move others.
//! O(n^3) at worst, about n^2 a row that is left.

use super::{Error, Result};

/// A least costly assignment, with its proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column of each row.
    pub columns: Vec<u32>,
    /// Dual number of each row.
    pub u: Vec<f64>,
    /// Dual number of each column.
    pub v: Vec<f64>,
}

/// No row, or no column.
const NONE: usize = usize::MAX;

/// Assigns each row of `cost` (n x n, row-major) a column of its own, at the least sum. Refuses costs that are not finite.
pub fn assign(cost: &[f64], n: usize) -> Result<Assignment> {
    if cost.len() != n * n {
        return Err(Error::expected("assignment", format!("{n} x {n} costs"), cost.len()));
    }
    if let Some(at) = cost.iter().position(|c| !c.is_finite()) {
        let found = format!("{} in row {}, column {}", cost[at], at / n, at % n);
        return Err(Error::unmet("assignment", format!("expected finite costs, found {found}")));
    }
    let row = |i: usize| &cost[i * n..][..n];
    let (mut u, mut v) = (vec![0.0; n], vec![f64::INFINITY; n]);
    let (mut columns, mut rows) = (vec![NONE; n], vec![NONE; n]);
    let mut least = vec![0; n];
    for i in 0..n {
        for (j, c) in row(i).iter().enumerate() {
            if *c < v[j] {
                (v[j], least[j]) = (*c, i);
            }
        }
    }
    for (j, i) in least.into_iter().enumerate() {
        if columns[i] == NONE {
            (columns[i], rows[j]) = (j, i);
        }
    }
    // Length of the shortest path to each column, the row before it, and whether it is final.
    let (mut length, mut before, mut done) = (vec![0.0; n], vec![0; n], vec![false; n]);
    for free in 0..n {
        if columns[free] != NONE {
            continue;
        }
        length.fill(f64::INFINITY);
        done.fill(false);
        let (mut i, mut reached) = (free, 0.0);
        let end = loop {
            // Paths through row i, whose own column is final.
            let (base, costs) = (reached - u[i], row(i));
            let (mut nearest, mut next) = (f64::INFINITY, NONE);
            for j in 0..n {
                if done[j] {
                    continue;
                }
                let through = base + costs[j] - v[j];
                if through < length[j] {
                    (length[j], before[j]) = (through, i);
                }
                // Of equally near columns a free one ends the search.
                if length[j] < nearest || (length[j] == nearest && rows[j] == NONE) {
                    (nearest, next) = (length[j], j);
                }
            }
            (reached, done[next]) = (nearest, true);
            match rows[next] {
                NONE => break next,
                owner => i = owner,
            }
        };
        // Duals along the tree: reduced costs stay at least 0, and are 0 along the path.
        u[free] += reached;
        for j in (0..n).filter(|j| done[*j]) {
            if rows[j] != NONE {
                u[rows[j]] += reached - length[j];
            }
            v[j] -= reached - length[j];
        }
        let mut j = end;
        loop {
            let i = before[j];
            rows[j] = i;
            std::mem::swap(&mut columns[i], &mut j);
            if i == free {
                break;
            }
        }
    }
    Ok(Assignment { columns: columns.into_iter().map(|j| j as u32).collect(), u, v })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use rand::RngExt;

    fn total(cost: &[f64], n: usize, columns: &[u32]) -> f64 {
        columns.iter().enumerate().map(|(i, j)| cost[i * n + *j as usize]).sum()
    }

    /// The least sum over all permutations.
    fn brute(cost: &[f64], n: usize, row: usize, taken: u32) -> f64 {
        if row == n {
            return 0.0;
        }
        let free = (0..n).filter(|j| taken & (1 << j) == 0);
        free.map(|j| cost[row * n + j] + brute(cost, n, row + 1, taken | 1 << j))
            .fold(f64::INFINITY, f64::min)
    }

    fn random(name: &str, index: u64, n: usize, draw: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut rng = Streams::new(1).stream(name, index);
        (0..n * n).map(|_| draw(rng.random::<f64>())).collect()
    }

    /// Duals below the costs and equal on the assignment prove that no other is cheaper.
    fn check(cost: &[f64], n: usize) -> f64 {
        let found = assign(cost, n).expect("finite");
        let mut seen = found.columns.clone();
        seen.sort_unstable();
        assert_eq!(seen, (0..n as u32).collect::<Vec<_>>(), "a permutation");
        let scale = cost.iter().fold(1.0f64, |m, c| m.max(c.abs()));
        // Sums of at most n duals, each rounded to 1e-16 of the largest cost.
        let tolerance = 1e-15 * scale * n as f64;
        for i in 0..n {
            let own = found.columns[i] as usize;
            for j in 0..n {
                let reduced = cost[i * n + j] - found.u[i] - found.v[j];
                assert!(reduced >= -tolerance, "{i}, {j}: reduced cost {reduced:e}");
                assert!(j != own || reduced <= tolerance, "{i}, {j}: {reduced:e} where assigned");
            }
        }
        total(cost, n, &found.columns)
    }

    #[test]
    fn small_ones_are_those_of_all_permutations() {
        for n in 0..=7 {
            for index in 0..60 {
                let real = random("assignment", index, n, |x| 10.0 * x - 5.0);
                // Few distinct costs: many optima.
                let ties = random("ties", index, n, |x| (3.0 * x).floor());
                for cost in [real, ties, vec![0.5; n * n]] {
                    let (found, least) = (check(&cost, n), brute(&cost, n, 0, 0));
                    assert!((found - least).abs() <= 1e-13, "{n}: {found}, not {least}");
                }
            }
        }
    }

    #[test]
    fn large_ones_are_proved_by_their_duals() {
        check(&random("large", 0, 300, |x| x), 300);
        check(&random("large ties", 0, 300, |x| (20.0 * x).floor()), 300);
        // Products of two vectors: the assignment pairs the largest with the smallest, far from the columns' own minima.
        let x = random("product", 0, 300, |x| x);
        let cost: Vec<f64> = (0..300 * 300).map(|k| x[k / 300] * x[300 + k % 300]).collect();
        let found = check(&cost, 300);
        let (mut rows, mut columns) = (x[..300].to_vec(), x[300..600].to_vec());
        rows.sort_by(f64::total_cmp);
        columns.sort_by(|a, b| b.total_cmp(a));
        let least: f64 = rows.iter().zip(&columns).map(|(a, b)| a * b).sum();
        assert!((found - least).abs() <= 1e-12 * least, "{found}, not {least}");
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let message = assign(&[1.0, 2.0, bad, 4.0], 2).expect_err("a refusal").to_string();
            assert!(message.contains("row 1, column 0"), "{message}");
        }
        assert!(assign(&[1.0], 2).is_err());
    }
}
