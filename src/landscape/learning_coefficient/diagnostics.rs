//! What several chains of one length say of their mean, and whether they agree: split R-hat and effective sample size
//! (Gelman et al. 2013, section 11.4; Vehtari et al. 2021, arXiv 1903.08008, without their ranks, as it is the mean that is asked
//! for).
//!
//! Each chain is cut into halves, so that one that still drifts disagrees with itself. With W the mean of the variances within the
//! m halves of n numbers, and B / n the variance of their means,
//!
//! ```text
//! var+  = (n - 1) / n W + B / n
//! R-hat = sqrt(var+ / W)
//! rho_t = 1 - (W - mean autocovariance at lag t) / var+
//! ESS   = m n / (1 + 2 sum of rho_t)
//! ```
//!
//! the sum over pairs of lags up to the first that is not positive, made to decrease (Geyer 1992).
//!
//! Three errors of the mean can be told from them: sqrt(B / (n m)), of the means of the halves; the same of the means of whole
//! chains; and sqrt(var+ / ESS). Each is too small somewhere: the first where chains are so slow that halves of one go together,
//! the second by chance, as chains are few, the third where chains are skewed, as it falls where the mean does. The standard
//! error is the largest of them, and goes with Student's t of m - 1 degrees: intervals then cover what they say also
//! where valleys cross, and somewhat more where a minimum is regular.

/// What chains say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The mean of all numbers.
    pub mean: f64,
    /// Its standard error: the largest of three.
    pub standard_error: f64,
    /// Halves.
    pub halves: usize,
    /// Split R-hat: 1 where halves of chains agree; infinite where they stand still at different numbers.
    pub rhat: f64,
    /// How many independent numbers would tell the mean as well.
    pub effective: f64,
}

/// Of chains of one length, at least four numbers each.
pub fn agreement(chains: &[&[f64]]) -> Agreement {
    let half = chains.iter().map(|c| c.len()).min().unwrap_or(0) / 2;
    let halves: Vec<&[f64]> = chains.iter().flat_map(|c| [&c[..half], &c[c.len() - half..]]).collect();
    let (m, n) = (halves.len() as f64, half as f64);
    let mean_of = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let means: Vec<f64> = halves.iter().map(|h| mean_of(h)).collect();
    let mean = mean_of(&means);
    // The autocovariance of a half at a lag, with n below it, which makes it the smoother.
    let covariance = |i: usize, lag: usize| {
        let (x, mean) = (halves[i], means[i]);
        x.iter().zip(&x[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n
    };
    let average = |lag: usize| (0..halves.len()).map(|i| covariance(i, lag)).sum::<f64>() / m;
    let within = average(0) * n / (n - 1.0);
    let between = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (m - 1.0);
    let pooled = (n - 1.0) / n * within + between;
    if !(pooled > 0.0 && pooled.is_finite()) {
        // Numbers that are all the same agree, and are one.
        let same = pooled == 0.0;
        let (standard_error, rhat) = if same { (0.0, 1.0) } else { (f64::NAN, f64::NAN) };
        let effective = if same { 1.0 } else { f64::NAN };
        return Agreement { mean, standard_error, halves: halves.len(), rhat, effective };
    }
    let rho = |lag: usize| 1.0 - (within - average(lag) * n / (n - 1.0)) / pooled;
    // rho_0 = 1, and its pair with rho_1 always counts.
    let (mut sum, mut last, mut lag) = (0.0, f64::INFINITY, 0);
    while lag + 1 < half {
        let pair = if lag == 0 { 1.0 + rho(1) } else { rho(lag) + rho(lag + 1) };
        if pair <= 0.0 {
            break;
        }
        last = pair.min(last);
        sum += last;
        lag += 2;
    }
    // Chains that swing about the mean tell more than independent numbers would, but no more than log10 of their number times as
    // much is believed (Vehtari 2021).
    let all = m * n;
    let time = (2.0 * sum - 1.0).max(1.0 / all.log10());
    let effective = all / time;
    // Halves stand in pairs, one of each chain.
    let whole = means.chunks(2).map(|pair| (mean_of(pair) - mean).powi(2)).sum::<f64>() / (m / 2.0 - 1.0);
    let errors = [between / m, if m > 2.0 { whole / (m / 2.0) } else { 0.0 }, pooled / effective];
    let standard_error = errors.into_iter().fold(0.0, f64::max).sqrt();
    Agreement { mean, standard_error, halves: halves.len(), rhat: (pooled / within).sqrt(), effective }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use crate::base::random::normal;

    /// Chains x' = a x + sqrt(1 - a^2) noise of unit variance, around their own means.
    fn autoregressive(a: f64, n: usize, means: &[f64]) -> Vec<Vec<f64>> {
        let chain = |(i, mean): (usize, &f64)| {
            let mut rng = Streams::new(5).stream("chains", i as u64);
            let mut x = normal(&mut rng);
            let mut step = || {
                x = a * x + (1.0 - a * a).sqrt() * normal(&mut rng);
                mean + x
            };
            (0..n).map(|_| step()).collect()
        };
        means.iter().enumerate().map(chain).collect()
    }

    fn of(chains: &[Vec<f64>]) -> Agreement {
        agreement(&chains.iter().map(Vec::as_slice).collect::<Vec<&[f64]>>())
    }

    #[test]
    fn the_effective_sample_size_is_that_of_an_autoregressive_chain() {
        // (1 - a) / (1 + a) of the numbers.
        for a in [0.0, 0.5, 0.9, -0.5] {
            let found = of(&autoregressive(a, 5000, &[0.0; 4]));
            let expected = 20_000.0 * (1.0 - a) / (1.0 + a);
            assert!((found.effective / expected - 1.0).abs() < 0.15, "{a}: {found:?}, not {expected}");
            assert!((found.rhat - 1.0).abs() < 0.01, "{a}: {found:?}");
            assert!(found.mean.abs() < 4.0 * found.standard_error, "{a}: {found:?}");
        }
    }

    #[test]
    fn chains_that_do_not_agree_are_told() {
        // Means 0 and 1 beside a variance of 1: var+ is 1 + 4/3 * 1/4 with the halves, R-hat its root.
        let apart = of(&autoregressive(0.0, 5000, &[0.0, 0.0, 1.0, 1.0]));
        assert!((apart.rhat - (1.0f64 + 2.0 / 7.0).sqrt()).abs() < 0.02, "{apart:?}");
        assert!(apart.effective < 20.0, "{apart:?}");
        // One that drifts disagrees with itself.
        let drift: Vec<Vec<f64>> = autoregressive(0.0, 1000, &[0.0; 4])
            .into_iter()
            .map(|c| c.iter().enumerate().map(|(i, x)| x + i as f64 / 250.0).collect())
            .collect();
        assert!(of(&drift).rhat > 1.2);
    }

    #[test]
    fn numbers_that_stand_still_or_are_none_do_not_panic() {
        let still = of(&vec![vec![2.0; 10]; 4]);
        assert_eq!((still.mean, still.standard_error, still.rhat, still.effective), (2.0, 0.0, 1.0, 1.0));
        assert!(of(&[vec![f64::NAN; 10]]).rhat.is_nan());
        let stuck = of(&[vec![1.0; 10], vec![2.0; 10]]);
        assert!(stuck.rhat.is_infinite(), "{stuck:?}");
    }
}
