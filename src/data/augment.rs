//! Augmentation: training images varied at random, so that a network does not depend on where things lie.
//!
//! - `crop`: zero-padded by so many pixels on every side and cut to size at a random place (He et al. 2016, 4.2: 4
//!   pixels on CIFAR); the small shifts that suit MNIST are a crop of 2.
//! - `flip`: mirrored left to right, with probability 1/2.
//! - `shift`: rolled along the width by up to so many places either way, around the end, for periodic signals
//!   (MNIST-1D moves its patterns so).
//!
//! A pure function of its generator: the caller gives each (epoch, sample) a stream of its own. It works on what a
//! network sees, after standardising. Where that was done by channel (or not at all), moving and standardising
//! commute but for the padding, for which [`Dataset::padding`](super::Dataset::padding) gives the value of black, as
//! in the usual pipeline that pads before it normalises. Where each pixel has its own mean and deviation
//! (`--standardize feature`) they do not commute: prefer `--standardize channel` with augmentation.

use super::within;
use crate::base::random::Rng;
use crate::base::{Error, Result};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How training images are varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Augment {
    /// Augmentation: pad training images by N pixels on each side and cut them to size at random
    #[arg(long, value_name = "N", default_value_t = Augment::default().crop)]
    pub crop: usize,
    /// Augmentation: mirror training images left to right with probability 1/2
    #[arg(long)]
    pub flip: bool,
    /// Augmentation: roll training samples along the width by up to N places, around the end
    #[arg(long, value_name = "N", default_value_t = Augment::default().shift)]
    pub shift: usize,
}

impl Augment {
    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The shape of samples as images, if this can be done to them.
    pub fn check(&self, shape: &[usize]) -> Result<[usize; 3]> {
        let &[channels, height, width] = shape else {
            if self.is_none() {
                return Ok([1, 1, shape.iter().product()]);
            }
            let found = format!("samples of shape {shape:?}");
            return Err(Error::expected("augmentation", "images or signals", found));
        };
        // A crop that can miss the image altogether teaches nothing.
        let side = if height == 1 { width } else { height.min(width) };
        within("--crop", self.crop, 0..=side.saturating_sub(1))?;
        within("--shift", self.shift, 0..=width.saturating_sub(1))?;
        Ok([channels, height, width])
    }

    /// Writes a variant of the sample `x` to `out`, both in channel-major order; padded by 0.
    ///
    /// # Panics
    /// If `x` and `out` do not have the lengths that `shape` (channels, height, width) asks for.
    pub fn apply<E: Copy + Default>(&self, shape: &[usize; 3], rng: &mut Rng, x: &[E], out: &mut [E]) {
        self.apply_padded(shape, &[], rng, x, out);
    }

    /// The same, padded by a value for each channel; channels beyond `padding` by 0.
    ///
    /// # Panics
    /// If `x` and `out` do not have the lengths that `shape` (channels, height, width) asks for.
    pub fn apply_padded<E: Copy + Default>(
        &self,
        shape: &[usize; 3],
        padding: &[E],
        rng: &mut Rng,
        x: &[E],
        out: &mut [E],
    ) {
        let &[channels, height, width] = shape;
        assert_eq!((x.len(), out.len()), (channels * height * width, x.len()), "a sample of shape {shape:?}");
        let mut within = |reach: usize| match reach {
            0 => 0,
            reach => rng.random_range(0..=2 * reach as u64) as isize - reach as isize,
        };
        // A signal has no height to move along.
        let down = within(if height > 1 { self.crop } else { 0 });
        let right = within(self.crop);
        let roll = within(self.shift).rem_euclid(width.max(1) as isize) as usize;
        let flip = self.flip && rng.random::<bool>();
        let inside = |at: isize, end: usize| usize::try_from(at).ok().filter(|at| *at < end);
        for (channel, image) in out.chunks_exact_mut((height * width).max(1)).enumerate() {
            let pad = padding.get(channel).copied().unwrap_or_default();
            for (row, line) in image.chunks_exact_mut(width).enumerate() {
                let from = inside(row as isize + down, height);
                for (column, pixel) in line.iter_mut().enumerate() {
                    // From the variant back to the sample: mirror, then move, then roll.
                    let column = if flip { width - 1 - column } else { column };
                    let from = from.zip(inside(column as isize + right, width));
                    *pixel = from.map_or(pad, |(row, column)| {
                        x[(channel * height + row) * width + (column + roll) % width]
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;
    use std::collections::BTreeSet;

    fn variants(augment: Augment, shape: [usize; 3], padding: &[i32]) -> BTreeSet<Vec<i32>> {
        let n = shape.iter().product::<usize>() as i32;
        let x: Vec<i32> = (1..=n).collect();
        (0..400)
            .map(|i| {
                let mut out = vec![0; x.len()];
                let mut rng = Streams::new(0).stream("test", i);
                augment.apply_padded(&shape, padding, &mut rng, &x, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let all = variants(Augment::default(), [2, 3, 2], &[]);
        assert_eq!(all, BTreeSet::from([(1..=12).collect()]));
    }

    #[test]
    fn every_crop_flip_and_roll_occurs_and_no_other() {
        let flip = variants(Augment { flip: true, ..Augment::default() }, [1, 2, 2], &[]);
        assert_eq!(flip, BTreeSet::from([vec![1, 2, 3, 4], vec![2, 1, 4, 3]]));
        let roll = variants(Augment { shift: 1, ..Augment::default() }, [1, 1, 3], &[]);
        assert_eq!(roll, BTreeSet::from([vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]]));
        let crop = Augment { crop: 1, ..Augment::default() };
        // Nine places of a 2 x 2 window in the padded 4 x 4 image.
        let expected = [
            [-1, -1, -1, 1],
            [-1, -1, 1, 2],
            [-1, -1, 2, -1],
            [-1, 1, -1, 3],
            [1, 2, 3, 4],
            [2, -1, 4, -1],
            [-1, 3, -1, -1],
            [3, 4, -1, -1],
            [4, -1, -1, -1],
        ];
        assert_eq!(variants(crop, [1, 2, 2], &[-1]), expected.map(|v| v.to_vec()).into());
        // A signal moves along its width alone.
        assert_eq!(variants(crop, [1, 1, 2], &[]), BTreeSet::from([vec![0, 1], vec![1, 2], vec![2, 0]]));
    }

    #[test]
    fn channels_move_together_and_have_their_own_padding() {
        for v in variants(Augment { crop: 1, flip: true, shift: 1 }, [2, 3, 3], &[-1, -2]) {
            for (a, b) in v[..9].iter().zip(&v[9..]) {
                assert!((*a == -1 && *b == -2) || *b == a + 9, "{v:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_varied_is_refused() {
        let crop = Augment { crop: 3, ..Augment::default() };
        assert_eq!(crop.check(&[1, 4, 5]), Ok([1, 4, 5]));
        assert_eq!(crop.check(&[1, 3, 5]).unwrap_err().to_string(), "--crop: expected 0 to 2, found 3");
        assert!(crop.check(&[7]).is_err() && Augment::default().check(&[7]).is_ok());
    }
}
