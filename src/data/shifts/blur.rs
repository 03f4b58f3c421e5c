//! Blur: each image convolved with a Gaussian,
//!
//! ```text
//! y(r, c) = sum over i, j of g(i) g(j) x(r + i, c + j),   g(i) = exp(-i^2 / (2 width^2)) / sum, |i| <= 4 width
//! ```
//!
//! each channel by itself; places beyond an edge have the value at that edge. Images are blurred as they were before
//! standardising, and standardised again as training's were: where every pixel has a scale of its own, a blurred
//! standardised image is no blurred image. There ink that is blurred into pixels which training hardly ever saw inked is
//! far outside of their scale, and networks fail on it; with one scale a channel the shift is milder.

use super::Corrupt;
use crate::base::{Error, Result, Streams, parallel};
use crate::data::{Dataset, Samples, within};

/// Standard deviations after which a Gaussian is cut off; less than 1e-4 of it lies beyond.
const REACH: f64 = 4.0;

crate::kind! {
    /// A Gaussian blur of images.
    Blur = "blur", "images blurred by a Gaussian of deviation width, in pixels (Hendrycks, Dietterich 2019)";
    // The third of five severities in CIFAR-10-C (Hendrycks and Dietterich 2019).
    /// Standard deviation of the Gaussian, in pixels.
    width: f64 = 0.7,
}

impl Blur {
    fn refuse(&self) -> Result<()> {
        within("width", self.width, 0.0..=100.0)
    }
}

impl Blur {
    /// g(-r), ..., g(r).
    fn kernel(&self) -> Vec<f64> {
        let radius = (REACH * self.width).ceil() as i32;
        if radius == 0 {
            return vec![1.0];
        }
        let at = |i: i32| libm::exp(-0.5 * (f64::from(i) / self.width).powi(2));
        let all: Vec<f64> = (-radius..=radius).map(at).collect();
        let sum: f64 = all.iter().sum();
        all.into_iter().map(|g| g / sum).collect()
    }
}

/// Each of the lines of `x` convolved with `kernel`: line number l is at `start(l) + step i`, i below `length`.
fn along(
    x: &[f64],
    kernel: &[f64],
    starts: impl Iterator<Item = usize>,
    (length, step): (usize, usize),
) -> Vec<f64> {
    let mut out = vec![0.0; x.len()];
    let radius = kernel.len() / 2;
    for start in starts {
        for i in 0..length {
            let at = |k: usize| x[start + step * (i + k).saturating_sub(radius).min(length - 1)];
            out[start + step * i] = kernel.iter().enumerate().map(|(k, g)| g * at(k)).sum();
        }
    }
    out
}

impl Corrupt for Blur {
    fn fits(&self, dataset: &Dataset) -> Result<()> {
        match dataset.shape.as_slice() {
            [_, _, _] => Ok(()),
            [1] => Err(Error::expected("shift blur", "images or signals", "samples of one number")),
            shape => {
                let numbers: usize = shape.iter().product();
                let found = format!("samples of {numbers} numbers in no order");
                Err(Error::expected("shift blur", "images or signals", found))
            }
        }
    }

    fn corrupt(&self, samples: &Samples, dataset: &Dataset, _: &Streams) -> Samples {
        let &[_, height, width] = dataset.shape.as_slice() else { return samples.clone() };
        let kernel = self.kernel();
        let mut shifted = samples.clone();
        parallel::parts_mut(&mut shifted.x, dataset.features().max(1), &|_, sample| {
            let mut image = dataset.original(sample);
            for channel in image.chunks_exact_mut((height * width).max(1)) {
                let rows = along(channel, &kernel, (0..height).map(|r| r * width), (width, 1));
                channel.copy_from_slice(&along(&rows, &kernel, 0..width, (height, width)));
            }
            sample.copy_from_slice(&image);
        });
        if let Some(scaling) = &dataset.scaling {
            scaling.apply(&mut shifted);
        }
        shifted
    }

    fn words(&self) -> String {
        format!("blur of {} pixels", self.width)
    }
}
