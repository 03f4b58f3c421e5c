//! What is done to the gradient of a mini-batch before a step uses it: its norm is noted, it is clipped, and for
//! sharpness-aware minimisation it is taken somewhere else.
//!
//! - Clipping by value: g_i <- min(max(g_i, -c), c).
//! - Clipping by norm (Pascanu, Mikolov and Bengio 2013): g <- g min(1, c / ||g||), over all parameters together, after
//!   the other one.
//! - SAM (Foret et al. 2021, arXiv 2010.01412): the gradient at theta + rho g / ||g||, where g is the gradient of the
//!   same mini-batch at theta; the step itself starts from theta.
//!
//! Where a network is pruned, the gradient of what is gone is zero before all of this.
//!
//! Norms are sums of squares in f64 over blocks of fixed size, added in order.

use super::Point;
use super::batch::{BatchGradient, Noise};
use super::mask::Mask;
use super::optimizers::BLOCK;
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::parallel;
use crate::nn::Samples;
use std::sync::atomic::{AtomicU64, Ordering};

/// Clipping of gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clip {
    /// Largest coordinate.
    pub value: Option<f64>,
    /// Largest norm.
    pub norm: Option<f64>,
}

/// Sum of squares, in f64.
pub fn squares<E: Element>(x: &[E]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    vectorised(
        #[inline(always)]
        || {
            let (runs, rest) = x.as_chunks::<LANES>();
            for run in runs {
                for (sum, x) in sums.iter_mut().zip(run) {
                    let x = x.to_f64();
                    *sum += x * x;
                }
            }
            for (sum, x) in sums.iter_mut().zip(rest) {
                let x = x.to_f64();
                *sum += x * x;
            }
        },
    );
    sums.iter().sum()
}

impl Clip {
    /// Clips the coordinates of a block.
    #[inline]
    fn values<E: Element>(self, block: &mut [E]) {
        if let Some(most) = self.value {
            let most = E::from_f64(most);
            block.iter_mut().for_each(|g| *g = Element::max(Element::min(*g, most), -most));
        }
    }
}

/// Writes the gradient of what is left of the network, from element `start` on, over a block.
fn left<E: Element>(batch: &BatchGradient<E>, mask: Option<&Mask>, start: usize, out: &mut [E]) {
    batch.gradient(start, out);
    if let Some(mask) = mask {
        mask.apply(start, out);
    }
}

/// The norm of that gradient, after its coordinates were clipped as `clip` says.
fn norm<E: Element>(batch: &BatchGradient<E>, mask: Option<&Mask>, p: usize, clip: Clip) -> f64 {
    let sum = |scratch: &mut Vec<E>, start: usize| {
        scratch.resize(BLOCK.min(p - start), E::ZERO);
        left(batch, mask, start, scratch);
        clip.values(scratch);
        squares(scratch)
    };
    let mut blocks = vec![0.0; p.div_ceil(BLOCK)];
    parallel::parts_mut(&mut blocks, 4, &|four, sums| {
        let mut scratch = Vec::with_capacity(BLOCK);
        sums.iter_mut().enumerate().for_each(|(i, s)| *s = sum(&mut scratch, (4 * four + i) * BLOCK));
    });
    blocks.iter().sum::<f64>().sqrt()
}

/// Gradients as a step is to use them.
#[derive(Debug)]
pub struct Conditions<E> {
    clip: Clip,
    rho: f64,
    mask: Option<Mask>,
    /// Where SAM takes its gradient; empty without it.
    above: Vec<E>,
    /// The square of the norm, block by block, as bits.
    squares: Vec<AtomicU64>,
    scale: f64,
}

impl<E: Element> Conditions<E> {
    /// For p parameters; `rho`: SAM's radius, 0 without it.
    pub fn new(clip: Clip, rho: f64, p: usize) -> Self {
        let above = vec![E::ZERO; if rho > 0.0 { p } else { 0 }];
        let squares = (0..p.div_ceil(BLOCK)).map(|_| AtomicU64::new(0)).collect();
        Self { clip, rho, mask: None, above, squares, scale: 1.0 }
    }

    /// Leaves the gradient of what is pruned out from now on.
    pub fn prune(&mut self, mask: &Mask) {
        self.mask = Some(mask.clone());
    }

    /// Runs the samples at `indices` and returns their mean loss at a point, or the one above it if that is not
    /// finite, and lets the point's running statistics follow; [`Conditions::gradient`] then gives the gradient.
    pub fn run(
        &mut self,
        batch: &mut BatchGradient<E>,
        Point { theta, state }: &mut Point<E>,
        samples: &Samples<E>,
        indices: &[u32],
        noise: &Noise<E>,
    ) -> f64 {
        let mut loss = batch.run(theta, state, samples, indices, noise);
        if !loss.is_finite() {
            return loss;
        }
        // Running statistics follow the network itself, not where SAM looks.
        batch.follow(state);
        let mask = self.mask.as_ref();
        if self.rho > 0.0 {
            let norm = norm(batch, mask, theta.len(), Clip::default());
            // Where there is no slope there is no ascent.
            let length = if norm > 0.0 { self.rho / norm } else { 0.0 };
            let length = E::from_f64(length);
            parallel::runs_of_parts_mut(&mut self.above, BLOCK, 4, &|i, above| {
                left(batch, mask, i * BLOCK, above);
                above.iter_mut().zip(&theta[i * BLOCK..]).for_each(|(a, t)| *a = *t + length * *a);
            });
            let there = batch.run(&self.above, state, samples, indices, noise);
            loss = if there.is_finite() { loss } else { there };
        }
        self.scale = match self.clip.norm {
            Some(most) => (most / norm(batch, mask, theta.len(), self.clip)).min(1.0),
            None => 1.0,
        };
        loss
    }

    /// Writes the gradient, from element `start` on, over a block.
    pub fn gradient(&self, batch: &BatchGradient<E>, start: usize, out: &mut [E]) {
        left(batch, self.mask.as_ref(), start, out);
        self.squares[start / BLOCK].store(squares(out).to_bits(), Ordering::Relaxed);
        self.clip.values(out);
        if self.scale < 1.0 {
            let scale = E::from_f64(self.scale);
            out.iter_mut().for_each(|g| *g = scale * *g);
        }
    }

    /// The norm of the gradient that was written last, before clipping.
    pub fn norm(&self) -> f64 {
        self.squares.iter().map(|s| f64::from_bits(s.load(Ordering::Relaxed))).sum::<f64>().sqrt()
    }
}
