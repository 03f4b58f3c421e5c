//! How alike two representations of the same samples are: centred kernel alignment (CKA; Kornblith et al. 2019, arXiv
//! 1905.00414), linear, with the unbiased estimate of the Hilbert-Schmidt independence criterion (Song et al. 2012; Nguyen et al.
//! 2020, arXiv 2010.15327, for CKA).
//!
//! With features x_i of samples 1 to m, K_ij = <x_i, x_j> for i != j and 0 on the diagonal, L likewise of the other features,
//!
//! ```text
//! HSIC(K, L) = [tr(K L) + (1'K 1)(1'L 1) / ((m - 1)(m - 2)) - 2 (1'K L 1) / (m - 2)] / (m (m - 3))
//! CKA        = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))
//! ```
//!
//! It is 1 for features that differ by a rotation, a translation and a scale, and about 0 for independent ones, where it may be
//! below. It costs m^2 numbers a representation and m^2 operations a pair of them.

use crate::base::parallel;

/// Products of the features of every two of some samples.
#[derive(Clone, Debug)]
pub struct Kernel {
    samples: usize,
    /// Those of samples i < j, row by row.
    products: Vec<f64>,
    /// For each sample the sum of its products with the others.
    sums: Vec<f64>,
    /// Its own criterion; 0 where the features do not vary beyond rounding.
    own: f64,
}

/// Features vary if their deviations are more than this share of their size: some units of rounding of single precision.
const VARIES: f64 = 1e-6;

/// The fewest samples that have an unbiased estimate.
pub const FEWEST: usize = 4;

impl Kernel {
    /// Of features, sample after sample; there are at least [`FEWEST`] samples, of as many features each.
    pub fn new(features: &[f64], samples: usize) -> Self {
        let width = features.len() / samples.max(1);
        // The criterion does not see the mean; without it the products lose no digits.
        let mut mean = vec![0.0; width];
        for sample in features.chunks_exact(width.max(1)) {
            mean.iter_mut().zip(sample).for_each(|(m, x)| *m += x / samples as f64);
        }
        let mut centred = features.to_vec();
        for sample in centred.chunks_exact_mut(width.max(1)) {
            sample.iter_mut().zip(&mean).for_each(|(x, m)| *x -= m);
        }
        let of = |i: usize| &centred[i * width..(i + 1) * width];
        let row = |i: usize| -> Vec<f64> {
            let product = |j: usize| of(i).iter().zip(of(j)).map(|(a, b)| a * b).sum();
            (i + 1..samples).map(product).collect()
        };
        let products: Vec<f64> = parallel::map(samples, &row).concat();
        let mut sums = vec![0.0; samples];
        let mut all = products.iter();
        for i in 0..samples {
            for (j, product) in (i + 1..samples).zip(&mut all) {
                sums[i] += product;
                sums[j] += product;
            }
        }
        let mut kernel = Self { samples, products, sums, own: f64::NAN };
        let size = features.iter().map(|x| x * x).sum::<f64>() / samples as f64;
        let own = kernel.hsic(&kernel);
        kernel.own = if own > (VARIES * VARIES * size).powi(2) { own } else { 0.0 };
        kernel
    }

    /// The unbiased estimate of the criterion, of two representations of the same samples.
    pub fn hsic(&self, other: &Self) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let m = self.samples as f64;
        let trace = 2.0 * dot(&self.products, &other.products);
        let [all, of_other] = [self, other].map(|k| k.sums.iter().sum::<f64>());
        let both = dot(&self.sums, &other.sums);
        (trace + all * of_other / ((m - 1.0) * (m - 2.0)) - 2.0 * both / (m - 2.0)) / (m * (m - 3.0))
    }

    /// Centred kernel alignment of two representations of the same samples; NaN where one of them does not vary beyond rounding.
    pub fn cka(&self, other: &Self) -> f64 {
        let both = self.own.sqrt() * other.own.sqrt();
        if both > 0.0 { self.hsic(other) / both } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Independent numbers, uniform between -1 and 1 (Knuth's linear congruential generator).
    fn features(samples: usize, width: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..8).for_each(|_| {
            next();
        });
        (0..samples * width).map(|_| next()).collect()
    }

    #[test]
    fn the_criterion_is_that_of_dense_matrices() {
        let (m, a, b) = (9, features(9, 3, 1), features(9, 5, 2));
        let gram = |x: &[f64], w: usize| -> Vec<f64> {
            let dot = |i: usize, j: usize| (0..w).map(|k| x[i * w + k] * x[j * w + k]).sum::<f64>();
            (0..m * m).map(|ij| if ij / m == ij % m { 0.0 } else { dot(ij / m, ij % m) }).collect()
        };
        let (k, l) = (gram(&a, 3), gram(&b, 5));
        let sum = |x: &[f64]| x.iter().sum::<f64>();
        let trace: f64 = (0..m * m).map(|ij| k[ij] * l[ij % m * m + ij / m]).sum();
        let across: f64 = (0..m * m * m).map(|i| k[i / m] * l[i / m % m * m + i % m]).sum();
        let n = m as f64;
        let dense = (trace + sum(&k) * sum(&l) / ((n - 1.0) * (n - 2.0)) - 2.0 * across / (n - 2.0))
            / (n * (n - 3.0));
        let found = Kernel::new(&a, m).hsic(&Kernel::new(&b, m));
        assert!((found - dense).abs() < 1e-13 * dense.abs().max(1.0), "{found}, not {dense}");
    }

    #[test]
    fn rotations_translations_and_scales_change_nothing() {
        let (m, x) = (40, features(40, 3, 3));
        let kernel = Kernel::new(&x, m);
        assert!((kernel.cka(&kernel) - 1.0).abs() < 1e-14);
        // Two rotations, one in the plane of the first two features and one in that of the last two.
        let (c, s) = (0.6, 0.8);
        let turned: Vec<f64> = x
            .chunks(3)
            .flat_map(|v| {
                let (a, b) = (c * v[0] - s * v[1], s * v[0] + c * v[1]);
                [a, c * b - s * v[2], s * b + c * v[2]].map(|x| 100.0 + 7.0 * x)
            })
            .collect();
        assert!((kernel.cka(&Kernel::new(&turned, m)) - 1.0).abs() < 1e-12);
        // A stretch is no rotation; other features are like none of these.
        let stretched: Vec<f64> = x.chunks(3).flat_map(|v| [5.0 * v[0], v[1], v[2]]).collect();
        let alike = kernel.cka(&Kernel::new(&stretched, m));
        assert!(alike < 0.9 && alike > 0.3, "{alike}");
        assert!(kernel.cka(&Kernel::new(&features(m, 4, 9), m)).abs() < 0.15);
        assert!(kernel.cka(&Kernel::new(&[2.0; 80], m)).is_nan());
    }

    #[test]
    fn independent_features_are_alike_by_nothing_in_the_mean() {
        // Where the biased estimate is p / m and more.
        let values: Vec<f64> = (0..200)
            .map(|k| {
                let [a, b] = [0, 1].map(|s| Kernel::new(&features(12, 8, 100 + 2 * k + s), 12));
                a.cka(&b)
            })
            .collect();
        let (mean, error) = crate::base::statistics::mean(&values);
        assert!(mean.abs() < 4.0 * error && error < 0.03, "{mean} +- {error}");
    }
}
