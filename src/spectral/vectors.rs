//! Sums over long vectors. A vector is cut into blocks of a fixed length, a block is summed in fixed lanes, and the
//! sums of blocks are added in order: the bits depend on neither the number of threads nor who is done first.

use crate::base::{
    parallel,
    random::{Rng, normal},
};
use rand::RngExt;

/// Numbers in a block: 8 KiB, so that the block of a vector stays in the first cache while a basis streams past.
const BLOCK: usize = 1024;
/// Partial sums in a block.
const LANES: usize = 8;

/// a' b within a block.
fn lanes<T: Copy + Into<f64>>(a: &[T], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| (*a).into() * b).sum();
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += (*a).into() * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The dot product a' b.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.chunks(BLOCK).zip(b.chunks(BLOCK)).map(|(a, b)| lanes(a, b)).sum()
}

/// The length of a vector; infinite or NaN only if an entry, or the length itself, is.
pub fn norm(v: &[f64]) -> f64 {
    let squares = dot(v, v);
    // Where squares overflow, or what they lose below the smallest number shows, divide by the largest entry.
    if (1e-280..1e280).contains(&squares) {
        return squares.sqrt();
    }
    let largest = v.iter().fold(0.0, |m: f64, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest + squares;
    }
    let scaled: Vec<f64> = v.iter().map(|x| x / largest).collect();
    largest * dot(&scaled, &scaled).sqrt()
}

/// q' v for each vector q of a basis, whose numbers may have fewer digits.
pub fn project<T: Copy + Into<f64> + Sync>(basis: &[Vec<T>], v: &[f64]) -> Vec<f64> {
    let of_block = |b: usize| -> Vec<f64> {
        let at = b * BLOCK..v.len().min((b + 1) * BLOCK);
        basis.iter().map(|q| lanes(&q[at.clone()], &v[at.clone()])).collect()
    };
    let blocks = parallel::map(v.len().div_ceil(BLOCK), &of_block);
    let mut sums = vec![0.0; basis.len()];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, part)| *sum += part);
    }
    sums
}

/// v + sum_j c_j q_j, in place.
pub fn combine<T: Copy + Into<f64> + Sync>(basis: &[Vec<T>], coefficients: &[f64], v: &mut [f64]) {
    parallel::parts_mut(v, BLOCK, &|b, v| {
        let at = b * BLOCK..b * BLOCK + v.len();
        for (q, c) in basis.iter().zip(coefficients) {
            v.iter_mut().zip(&q[at.clone()]).for_each(|(v, q)| *v += c * (*q).into());
        }
    });
}

/// v / divisor, in place.
pub fn divide(v: &mut [f64], divisor: f64) {
    v.iter_mut().for_each(|x| *x /= divisor);
}

/// Turns a vector so that its entry of largest magnitude, the first of several, is positive: of x and -x it chooses one.
pub fn orient(v: &mut [f64]) {
    let largest = v.iter().fold(0.0, |m: f64, x| if x.abs() > m.abs() { *x } else { m });
    if largest < 0.0 {
        v.iter_mut().for_each(|x| *x = -*x);
    }
}

/// A vector of n independent signs, +1 or -1: a bit of the generator each.
pub fn rademacher(n: usize, rng: &mut Rng) -> Vec<f64> {
    let mut signs = Vec::with_capacity(n);
    while signs.len() < n {
        let word: u64 = rng.random();
        let bits = (n - signs.len()).min(64);
        signs.extend((0..bits).map(|bit| if word >> bit & 1 == 1 { 1.0 } else { -1.0 }));
    }
    signs
}

/// A vector of n draws from N(0, 1): its direction is uniform on the sphere.
pub fn gaussian(n: usize, rng: &mut Rng) -> Vec<f64> {
    (0..n).map(|_| normal(rng)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;

    #[test]
    fn sums_are_those_of_integers_and_do_not_depend_on_threads() {
        // Whole numbers are added exactly, in whatever order.
        let n = 2 * BLOCK + 13;
        let a: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let exact = (n - 1) * n * (2 * n - 1) / 6;
        assert_eq!(dot(&a, &a), exact as f64);
        assert_eq!(project(&[a.clone(), vec![1.0; n]], &a), [exact as f64, (n * (n - 1) / 2) as f64]);
        let mut v = vec![1.0; n];
        combine(&[a.clone(), vec![1.0; n]], &[2.0, -3.0], &mut v);
        assert!(v.iter().zip(&a).all(|(v, a)| *v == 2.0 * a - 2.0));

        let mut rng = Streams::new(1).stream("vectors", 0);
        let basis: Vec<Vec<f64>> = (0..3).map(|_| gaussian(10 * n, &mut rng)).collect();
        let v = gaussian(10 * n, &mut rng);
        let all = || {
            let mut w = v.clone();
            combine(&basis, &project(&basis, &v), &mut w);
            w
        };
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
        assert_eq!(on(1), on(4));
    }

    #[test]
    fn lengths_neither_overflow_nor_vanish() {
        for scale in [1e-300, 1e-150, 1.0, 1e200] {
            let length = norm(&[3.0 * scale, 4.0 * scale]);
            assert!((length / scale - 5.0).abs() < 1e-15 * 5.0, "{scale}: {length}");
        }
        assert_eq!(norm(&[0.0; 5]), 0.0);
        assert!(norm(&[1.0, f64::NAN]).is_nan());
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
    }

    #[test]
    fn signs_are_independent_and_fair() {
        let n = 100_003;
        let z = rademacher(n, &mut Streams::new(2).stream("signs", 0));
        assert!(z.len() == n && z.iter().all(|x| x.abs() == 1.0));
        // Sums of n signs have a standard deviation of sqrt(n): here of the signs and of neighbours' and words' products.
        let bound = 4.0 * (n as f64).sqrt();
        for lag in [0, 1, 2, 63, 64, 65] {
            let sum: f64 = match lag {
                0 => z.iter().sum(),
                _ => z.iter().zip(&z[lag..]).map(|(a, b)| a * b).sum(),
            };
            assert!(sum.abs() < bound, "{lag}: {sum}");
        }
        let mut turned = vec![1.0, -3.0, 3.0];
        orient(&mut turned);
        assert_eq!(turned, [-1.0, 3.0, -3.0]);
    }
}
