//! What a sample says: its quantiles, and the mean it was drawn around; and what Gaussian variables are expected to be.

use std::f64::consts::PI;

/// Mean of a sample and its standard error, the sample's standard deviation over sqrt(k): NaN of a single number, and
/// both NaN of none. Numbers that are all the same have exactly 0.
pub fn mean(sample: &[f64]) -> (f64, f64) {
    let Some(first) = sample.first() else { return (f64::NAN, f64::NAN) };
    let k = sample.len() as f64;
    // Around the first number, so that nothing is rounded where all are the same.
    let mean = first + sample.iter().map(|x| x - first).sum::<f64>() / k;
    let largest = sample.iter().fold(0.0, |m: f64, x| m.max((x - mean).abs()));
    // In units of the largest, so that no square overflows or vanishes.
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let squares: f64 = sample.iter().map(|x| ((x - mean) / unit).powi(2)).sum();
    (mean, unit * (squares / (k * (k - 1.0))).sqrt())
}

/// Quantile `q` of ascending numbers, interpolated linearly between neighbours (Hyndman and Fan 1996, definition 7);
/// NaN of none, infinite where it rests on one that is.
pub fn quantile(ascending: &[f64], q: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let (low, share) = (at.floor() as usize, at.fract());
    if share > 0.0 { ascending[low] + share * (ascending[low + 1] - ascending[low]) } else { ascending[low] }
}

/// P(|T| <= t) of Student's t with so many degrees of freedom, as the finite sum over powers of a cosine that it is
/// (Abramowitz and Stegun, 26.7.3 and 26.7.4), with theta = atan(t / sqrt(degrees)).
fn within(theta: f64, degrees: usize) -> f64 {
    let (sine, cosine) = theta.sin_cos();
    let odd = degrees % 2 == 1;
    // Each term is the one before times cos^2 (j - 1) / j.
    let (mut term, mut sum) = if odd { (cosine, 0.0) } else { (1.0, 0.0) };
    let mut j = if odd { 1 } else { 0 };
    while j + 1 < degrees {
        sum += term;
        j += 2;
        term *= cosine * cosine * (j - 1) as f64 / j as f64;
    }
    if odd { std::f64::consts::FRAC_2_PI * (theta + sine * sum) } else { sine * sum }
}

/// The t with P(|T| <= t) = `share` of Student's distribution with so many degrees of freedom, at least 1; to about ten
/// digits. A confidence interval of a mean over k numbers has k - 1 degrees.
pub fn student_t(share: f64, degrees: usize) -> f64 {
    let degrees = degrees.max(1);
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    // An interval of angles halved until nothing is left of it.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if within(middle, degrees) < share { low = middle } else { high = middle }
    }
    (degrees as f64).sqrt() * (0.5 * (low + high)).tan()
}

/// The z that a standard normal variable exceeds with probability `tail`, which is at most a half; to the last digits.
pub fn normal_quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    // Halved until nothing is left: 40 has a tail below the smallest number.
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(middle * std::f64::consts::FRAC_1_SQRT_2) > tail {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

/// E max(x, 0) max(y, 0) of standard normal x and y with the given correlation c = cos t:
///
/// ```text
/// (sin t + (pi - t) cos t) / (2 pi)
/// ```
///
/// which is 1/2 for c = 1, 1 / (2 pi) for 0 and 0 for -1 (Cho and Saul 2009, "Kernel Methods for Deep Learning": the
/// arc-cosine kernel of degree 1). Its slope in c is the probability that both are positive, (pi - t) / (2 pi). Rounding may
/// take c beyond 1.
pub fn relu_moment(correlation: f64) -> f64 {
    let c = correlation.clamp(-1.0, 1.0);
    // pi - acos c, and (1 - c)(1 + c): neither loses digits at the ends.
    (((1.0 - c) * (1.0 + c)).sqrt() + c * libm::acos(-c)) / (2.0 * PI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_sample_are_interpolated_and_do_not_hide_what_is_beyond() {
        let x = [1.0, 2.0, 4.0, f64::INFINITY];
        assert_eq!([0.0, 0.5, 2.0 / 3.0, 0.9].map(|q| quantile(&x, q)), [1.0, 3.0, 4.0, f64::INFINITY]);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.25), 1.75);
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (tail, expected) in [
            (0.5, 0.0),
            (0.025, 1.959963984540054),
            (0.005, 2.575829303548901),
            (1e-6, 4.753424308822899),
            (1e-12, 7.034483825301432),
        ] {
            assert!((normal_quantile(tail) - expected).abs() < 1e-12, "{tail}: {}", normal_quantile(tail));
        }
    }

    #[test]
    fn quantiles_are_those_of_the_tables_and_of_the_closed_forms() {
        // Two-sided 95 % and 99 %, as printed in tables to six decimals.
        for (degrees, at_95, at_99) in [
            (1, 12.706205, 63.656741),
            (2, 4.302653, 9.924843),
            (3, 3.182446, 5.840909),
            (4, 2.776445, 4.604095),
            (5, 2.570582, 4.032143),
            (10, 2.228139, 3.169273),
            (29, 2.045230, 2.756386),
            (30, 2.042272, 2.749996),
            (100, 1.983972, 2.625891),
        ] {
            for (share, expected) in [(0.95, at_95), (0.99, at_99)] {
                let found = student_t(share, degrees);
                assert!((found - expected).abs() < 6e-7, "{degrees}, {share}: {found}");
            }
        }
        for share in [0.1, 0.5, 0.9, 0.95, 0.999] {
            // One degree is Cauchy's distribution, two have an algebraic one.
            let cauchy = (std::f64::consts::FRAC_PI_2 * share).tan();
            assert!((student_t(share, 1) / cauchy - 1.0).abs() < 1e-10);
            let two = share * (2.0 / (1.0 - share * share)).sqrt();
            assert!((student_t(share, 2) / two - 1.0).abs() < 1e-10);
        }
        // With many it is the normal one: 1.959964 (1 + (z^2 + 1) / (4 degrees)).
        let z: f64 = 1.959_963_984_540_054;
        let expected = z * (1.0 + (z * z + 1.0) / 4e4);
        assert!((student_t(0.95, 10_000) - expected).abs() < 1e-7);
    }

    #[test]
    fn the_moment_of_two_rectified_normals_has_its_closed_values() {
        let third = (0.75f64.sqrt() + PI / 3.0) / (2.0 * PI);
        for (c, expected) in [(1.0, 0.5), (0.5, third), (0.0, 0.5 / PI), (-0.5, third - 0.25), (-1.0, 0.0)] {
            // Half of the correlation is what the two signs differ by: relu(x) - relu(-x) = x.
            assert!((relu_moment(c) - expected).abs() < 1e-16, "{c}: {}", relu_moment(c));
        }
        assert_eq!([1.0 + 1e-15, -1.0 - 1e-15].map(relu_moment), [0.5, 0.0]);
        assert!(relu_moment(f64::NAN).is_nan());
    }

    #[test]
    fn means_have_the_errors_of_their_sample() {
        let (value, error) = mean(&[1.0, 2.0, 3.0, 4.0]);
        assert!((value - 2.5).abs() < 1e-15 && (error - (5.0f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(mean(&[0.1; 7]), (0.1, 0.0));
        assert_eq!(mean(&[1e-200, 3e-200]).1, 1e-200);
        assert!(mean(&[3.0]).1.is_nan() && mean(&[]).0.is_nan() && mean(&[1.0, f64::NAN]).1.is_nan());
        assert!(mean(&[1.0, f64::INFINITY]).1.is_nan());
    }
}
