//! Handwritten digits: 1797 grey images of 8 x 8 pixels with values 0 to 16, about 180 of each of 10 classes.
//!
//! E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
//! doi:10.24432/C50P49 (CC BY 4.0; see the README beside this file). They travel inside the program, so that a
//! fresh machine needs no download.

use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams};
use crate::data::{Raw, Samples, Split};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use std::io::Read;

/// One record a sample: 64 pixels, row by row from the top, then the label; one byte each.
const PACKED: &[u8] = include_bytes!("digits.bin.gz");
const PIXELS: usize = 64;
const SAMPLES: usize = 1797;

/// Handwritten digits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Digits {}

impl Kind for Digits {
    const NAME: &'static str = "digits";
    const SUMMARY: &'static str =
        "1797 handwritten digits of 8 x 8 pixels, 10 classes, 1297 to train (UCI, CC BY 4.0; built in)";
}

impl Digits {
    /// All images, in the order of the original file.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        let mut bytes = Vec::with_capacity(SAMPLES * (PIXELS + 1));
        GzDecoder::new(PACKED).read_to_end(&mut bytes).map_err(|e| Error::machine("digits", e))?;
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for record in bytes.chunks_exact(PIXELS + 1) {
            x.extend(record[..PIXELS].iter().map(|&pixel| f64::from(pixel)));
            labels.push(u32::from(record[PIXELS]));
        }
        let samples = Samples::of_classes(x, labels);
        Ok(Raw { shape: vec![1, 8, 8], outputs: 10, samples, split: Split::Random(500), ..Raw::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_facts() {
        let raw = Digits {}.load(&Streams::new(0)).unwrap();
        let (x, y) = (&raw.samples.x, raw.samples.labels().unwrap());
        assert_eq!((y.len(), x.len()), (SAMPLES, SAMPLES * PIXELS));
        let counts: Vec<usize> = (0..10).map(|c| y.iter().filter(|&&label| label == c).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(x.iter().sum::<f64>(), 561_718.0);
        assert_eq!(x.iter().copied().fold(f64::MIN, f64::max), 16.0);
        assert_eq!(y[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
        assert_eq!(x[8..16], [0., 0., 13., 15., 10., 15., 5., 0.], "second row of the first zero");
    }
}
