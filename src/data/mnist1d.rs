//! MNIST-1D: ten patterns of 12 points, drawn by hand as one-dimensional digits, moved and disturbed at random.
//!
//! S. Greydanus, D. Kobak, "Scaling down deep learning with MNIST-1D", ICML 2024, arXiv 2011.14439. The templates and
//! constants are the paper's; the random numbers are ours, so that the signals are others of the same distribution.
//! Each signal is made so:
//!
//! 1. pad its template with zeros on the right, so many as are drawn from `PADDING`;
//! 2. stretch it to 72 points, and multiply it by 1 + scale u, u uniform in [-1/2, 1/2);
//! 3. roll it to the right by 0 to `translation` - 1 places, around the end;
//! 4. where there is no pattern, add correlated noise: N(0, 1) smoothed by a Gaussian of 2 points, times its size;
//! 5. everywhere, add noise N(0, 1) times its size;
//! 6. shear it: subtract a line through 0 in the middle, whose rise is shear u;
//! 7. sample it down to 40 points.
//!
//! Stretching and sampling interpolate linearly. Last, the whole set gets mean 0 and deviation 1, once for all: inputs
//! have that scale and are left alone unless standardising is asked for.

use crate::base::random::{Rng, normal};
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};
use rand::RngExt;

/// Points of a signal while it is disturbed: a template and the most padding.
const LENGTH: usize = 72;
/// Fewest and most zeros behind the template.
const PADDING: (usize, usize) = (36, 60);
/// Points of a finished signal.
const POINTS: usize = 40;
/// Height of each digit's stroke, as drawn by the paper's authors.
const TEMPLATES: [[f64; 12]; 10] = [
    [5.0, 6.0, 6.5, 6.75, 7.0, 7.0, 7.0, 7.0, 6.75, 6.5, 6.0, 5.0],
    [5.0, 3.0, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8, 5.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.25, 4.75, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.0, 5.0, 6.0, 6.5, 6.5, 6.0, 5.0],
    [5.0, 4.4, 3.8, 3.2, 2.6, 2.6, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
    [5.0, 3.0, 3.0, 3.0, 3.0, 5.0, 6.0, 6.5, 6.5, 6.0, 4.5, 5.0],
    [5.0, 4.0, 3.5, 3.25, 3.0, 3.0, 3.0, 3.0, 3.25, 3.5, 4.0, 5.0],
    [5.0, 7.0, 7.0, 6.6, 6.2, 5.8, 5.4, 5.0, 4.6, 4.2, 5.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 5.0, 5.0, 4.7, 4.3, 5.0],
];

crate::kind! {
    /// Signals of 40 points.
    Mnist1d = "mnist1d",
        "5000 generated signals of 40 points, 10 classes, 4000 to train (MNIST-1D, arXiv 2011.14439)";
    // The paper's: 4,000 signals to train, 1,000 to test.
    /// Signals of all classes together; a fifth of them is held out for testing.
    samples: usize = 5000,
    /// How much the height of a pattern varies.
    scale: f64 = 0.4,
    /// Places that a pattern may be moved to.
    translation: usize = 48,
    /// Size of the correlated noise around a pattern.
    correlated_noise: f64 = 0.25,
    /// Size of the independent noise everywhere.
    noise: f64 = 0.02,
    /// Most rise of the line that is subtracted, times two.
    shear: f64 = 0.75,
}

impl Mnist1d {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 20..=5_000_000)?;
        within("scale", self.scale, 0.0..=1.0)?;
        within("translation", self.translation, 1..=LENGTH)?;
        within("correlated-noise", self.correlated_noise, 0.0..=100.0)?;
        within("noise", self.noise, 0.0..=100.0)?;
        within("shear", self.shear, 0.0..=100.0)
    }
}

impl Mnist1d {
    /// The signals, of each class in turn.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let templates = TEMPLATES.map(template);
        let smooth = kernel();
        let mut rng = streams.stream("data/mnist1d", 0);
        let (mut x, mut labels) = (Vec::with_capacity(POINTS * self.samples), Vec::new());
        for i in 0..self.samples {
            let class = i % templates.len();
            x.extend(self.signal(&templates[class], &smooth, &mut rng));
            labels.push(class as u32);
        }
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let std = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Without any noise a set is still not constant: patterns differ.
        x.iter_mut().for_each(|v| *v = (*v - mean) / std);
        let samples = Samples::of_classes(x, labels);
        let split = Split::Random(self.samples / 5);
        Ok(Raw {
            shape: vec![1, 1, POINTS],
            outputs: templates.len(),
            samples,
            split,
            own_scale: true,
            ..Raw::default()
        })
    }

    fn signal(&self, template: &[f64; 12], smooth: &[f64], rng: &mut Rng) -> Vec<f64> {
        let mut padded = template.to_vec();
        padded.resize(template.len() + rng.random_range(PADDING.0..=PADDING.1), 0.0);
        // Ends of a pattern are 0 as well, but belong to it: stretched, it covers what lies before this place.
        let pattern = template.len() as f64 * (LENGTH - 1) as f64 / (padded.len() - 1) as f64;
        let mut signal = interpolate(&padded, LENGTH);
        let mut inside: Vec<bool> = (0..LENGTH).map(|i| (i as f64) < pattern).collect();
        let scale = 1.0 + self.scale * (rng.random::<f64>() - 0.5);
        signal.iter_mut().for_each(|v| *v *= scale);
        let places = rng.random_range(0..self.translation);
        signal.rotate_right(places);
        inside.rotate_right(places);
        let white: Vec<f64> = (0..LENGTH).map(|_| self.correlated_noise * normal(rng)).collect();
        let correlated = convolve(&white, smooth);
        for ((v, inside), c) in signal.iter_mut().zip(inside).zip(correlated) {
            *v += if inside { 0.0 } else { c };
            *v += self.noise * normal(rng);
        }
        let rise = self.shear * (rng.random::<f64>() - 0.5);
        for (i, v) in signal.iter_mut().enumerate() {
            *v -= rise * (i as f64 / (LENGTH - 1) as f64 - 0.5);
        }
        interpolate(&signal, POINTS)
    }
}

/// A template with deviation 1/6 that begins at 0.
fn template(stroke: [f64; 12]) -> [f64; 12] {
    let n = stroke.len() as f64;
    let mean = stroke.iter().sum::<f64>() / n;
    let std = (stroke.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    stroke.map(|v| (v - stroke[0]) / std / 6.0)
}

/// `n` values at equal distances along the polyline through `values`, ends included.
fn interpolate(values: &[f64], n: usize) -> Vec<f64> {
    let last = values.len() - 1;
    let at = |i: usize| {
        let place = i as f64 * last as f64 / (n - 1) as f64;
        let k = (place as usize).min(last - 1);
        let share = place - k as f64;
        values[k] * (1.0 - share) + values[k + 1] * share
    };
    (0..n).map(at).collect()
}

/// A Gaussian of 2 points, cut at 4 deviations, with sum 1.
fn kernel() -> Vec<f64> {
    let weights: Vec<f64> = (-8..=8).map(|k| libm::exp(-f64::from(k * k) / 8.0)).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// `values` smoothed; beyond an end they go on as seen in a mirror: ... b a | a b ...
fn convolve(values: &[f64], kernel: &[f64]) -> Vec<f64> {
    let (n, reach) = (values.len() as isize, kernel.len() as isize / 2);
    let mirrored = |i: isize| {
        let i = if i < 0 {
            -1 - i
        } else if i >= n {
            2 * n - 1 - i
        } else {
            i
        };
        values[i as usize]
    };
    let at = |i: isize| (-reach..=reach).zip(kernel).map(|(k, w)| w * mirrored(i + k)).sum();
    (0..n).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_agree_with_their_definitions() {
        // scipy.ndimage.gaussian_filter1d of a unit impulse at the end, sigma 2: the kernel folded over at the mirror.
        let mut impulse = [0.0; 20];
        impulse[0] = 1.0;
        let smooth = convolve(&impulse, &kernel());
        let k = kernel();
        for (i, v) in smooth.iter().enumerate() {
            let direct = if i <= 8 { k[8 - i] } else { 0.0 };
            let folded = if i < 8 { k[8 - i - 1] } else { 0.0 };
            assert!((v - direct - folded).abs() < 1e-15);
        }
        assert!((k[8] - 0.19947).abs() < 1e-4, "density of N(0, 4) at 0");
        assert_eq!(interpolate(&[0.0, 1.0, 4.0], 5), [0.0, 0.5, 1.0, 2.5, 4.0]);
        for t in TEMPLATES.map(template) {
            let mean = t.iter().sum::<f64>() / 12.0;
            let variance = t.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 12.0;
            assert!((variance * 36.0 - 1.0).abs() < 1e-12 && t[0] == 0.0 && t[11].abs() < 1e-12);
        }
    }

    #[test]
    fn an_undisturbed_signal_is_its_template_stretched_and_still() {
        let calm = Mnist1d {
            scale: 0.0,
            translation: 1,
            correlated_noise: 0.0,
            noise: 0.0,
            shear: 0.0,
            ..Mnist1d::default()
        };
        let t = template(TEMPLATES[1]);
        let streams = Streams::new(0);
        for i in 0..20 {
            let mut rng = streams.stream("test", i);
            let signal = calm.signal(&t, &kernel(), &mut rng);
            // Its lowest point is that of the stroke, its highest too, up to what sampling misses; the rest is 0.
            let (low, high) = signal.iter().fold((0.0f64, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
            let (lowest, highest) = t.iter().fold((0.0f64, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
            assert!(low >= lowest - 1e-12 && low < 0.8 * lowest, "{low} {lowest}");
            assert!(high <= highest + 1e-12 && high > 0.3 * highest, "{high} {highest}");
            // The longest padding leaves 12 of 72 points, the shortest 12 of 48, of which there are 40.
            let still = signal.iter().rev().take_while(|v| **v == 0.0).count();
            assert!((29..=34).contains(&still), "{still}");
        }
    }
}
