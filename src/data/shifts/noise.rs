//! Noise: x + std N(0, I), on standardised features, so that `std` is a share of each feature's own deviation.
//!
//! A feature that is constant in training has no scale and stays what standardising made of it, 0: so it would be
//! with noise of any size before standardising.

use super::Corrupt;
use crate::base::random::normal;
use crate::base::{Result, Streams, parallel};
use crate::data::{Dataset, Samples, within};

crate::kind! {
    /// Gaussian noise on every feature.
    Noise = "noise", "Gaussian noise of deviation std on standardised features (Hendrycks, Dietterich 2019)";
    // The second of five severities in ImageNet-C (Hendrycks and Dietterich 2019): .12 of the range of a pixel,
    // whose deviation is .225.
    /// Its standard deviation, in those of the features.
    std: f64 = 0.5,
}

impl Noise {
    fn refuse(&self) -> Result<()> {
        within("std", self.std, 0.0..=1e6)
    }
}

impl Corrupt for Noise {
    fn fits(&self, _: &Dataset) -> Result<()> {
        Ok(())
    }

    fn corrupt(&self, samples: &Samples, dataset: &Dataset, streams: &Streams) -> Samples {
        let scale = dataset.scaling.as_ref();
        let constant = |feature: usize| scale.is_some_and(|scaling| scaling.is_constant(feature));
        let sized: Vec<f64> =
            (0..dataset.features()).map(|f| if constant(f) { 0.0 } else { self.std }).collect();
        let mut shifted = samples.clone();
        parallel::parts_mut(&mut shifted.x, sized.len().max(1), &|i, x| {
            let mut rng = streams.stream("shift/noise", i as u64);
            x.iter_mut().zip(&sized).for_each(|(x, std)| *x += std * normal(&mut rng));
        });
        shifted
    }

    fn words(&self) -> String {
        format!("noise of std {}", self.std)
    }
}
