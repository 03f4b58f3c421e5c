//! Training the weight vectors that a network is blended from: bends of a curve, points that connect a simplex.
//!
//! With control points w_0 .. w_m of one network and random shares c,
//!
//! ```text
//! minimise  E_c [ L(w) + lambda/2 |w|^2 ],   w = sum_k c_k w_k,
//! ```
//!
//! over the free ones of them. A step draws one c and one mini-batch, takes g, the gradient of its loss at w, and gives
//! the free w_k the gradient c_k (g + lambda w): Garipov et al. 2018 (arXiv 1802.10026) for curves, c a function of
//! t ~ U(0, 1); Benton et al. 2021 (arXiv 2102.13042) for simplexes. Weight decay acts on w, where the network is,
//! and not on the control points. Those that are not free keep their bits. A function of the control points alone, as the
//! volume that they span, may be minimised beside the loss: its gradient is added to each step's.
//!
//! Control points and the optimizer's state lie in memory block by block, all rows of a block together: a step passes
//! once over them, and leaves the blend that the next step looks at. Shares are a function of the step, the order of
//! samples of the epoch: going on from a checkpoint is the same as never having stopped.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | what is blended, what comes of it |
//! | `settings` | how it is trained |
//! | `rows` | control points and the optimizer's state as they lie in memory |
//! | `session` | the steps |
//! | `kept` | the checkpoint |

mod kept;
mod rows;
mod session;
mod settings;

pub use settings::BlendSettings;

use super::Status;
use super::batch::Vary;
use super::checkpoint::Keep;
use crate::autodiff::Element;
use crate::base::files::{self, null_is_nan};
use crate::base::random::Rng;
use crate::base::{Error, Result, Streams};
use crate::nn::{Network, Samples};
use serde::{Deserialize, Serialize};
use session::Session;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Draws the share of each control point.
pub type Draw<'a> = &'a (dyn Fn(&mut Rng) -> Vec<f64> + Sync);

/// A function of the control points that is minimised beside the loss, by its gradient: from their inner products as seen from
/// the first of them, n x n, shares A, row by row, with sum_j A_kj w_j the gradient at w_k.
pub type Pull<'a> = &'a (dyn Fn(&[f64]) -> Vec<f64> + Sync);

/// What is blended.
#[derive(Clone, Copy)]
pub struct Blend<'a, E> {
    /// The network.
    pub network: &'a Arc<Network>,
    /// What the loss is the mean over.
    pub train: &'a Samples<E>,
    /// The control points as they start.
    pub control: &'a [Vec<f64>],
    /// Which of them move.
    pub free: &'a [bool],
    /// Draws as many shares as there are control points.
    pub draw: Draw<'a>,
    /// What else the free ones go down, if anything.
    pub pull: Option<Pull<'a>>,
    /// What `draw` draws and what pulls, in words that tell them from all others: a checkpoint of another is refused.
    pub name: &'a str,
    /// Seed of shares and order.
    pub seed: u64,
    /// How images are varied, if they are.
    pub vary: Option<&'a Vary<E>>,
}

/// An epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlendEpoch {
    /// Epochs done.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// Rate of the last step.
    pub lr: f64,
    /// Mean loss of the epoch's mini-batches, each at its blend before the step; NaN where training diverged.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
}

impl BlendEpoch {
    /// Numbers in a row.
    const COLUMNS: usize = 4;

    fn row(&self) -> [f64; Self::COLUMNS] {
        [self.epoch as f64, self.step as f64, self.lr, self.loss]
    }

    fn from_row([epoch, step, lr, loss]: &[f64; Self::COLUMNS]) -> Self {
        Self { epoch: *epoch as usize, step: *step as u64, lr: *lr, loss: *loss }
    }
}

/// What an observer hears.
#[derive(Clone, Debug)]
pub enum BlendEvent<'a> {
    /// Training goes on from a checkpoint: steps done and to be done, and the epochs so far.
    Resumed(u64, u64, &'a [BlendEpoch]),
    /// A step was made: steps done and to be done.
    Step(u64, u64),
    /// An epoch was finished.
    Epoch(&'a BlendEpoch),
}

/// Control points after training.
#[derive(Clone, Debug, PartialEq)]
pub struct Blended {
    /// All of them; those that were not free to the bit as they came.
    pub control: Vec<Vec<f64>>,
    /// The epochs.
    pub epochs: Vec<BlendEpoch>,
    /// Steps made.
    pub steps: u64,
    /// Whether training came to its end: done or diverged.
    pub status: Status,
    /// Why, in words.
    pub reason: String,
}

/// Trains the free control points of a blend.
///
/// With `keep`, checkpoints are written there, and training goes on from the one that is there; when somebody asks for a
/// stop, a last one is written and [`Error::Interrupted`] returned.
pub fn train_blend<E: Element>(
    settings: &BlendSettings,
    blend: &Blend<E>,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(BlendEvent) + Send),
) -> Result<Blended> {
    settings.check()?;
    settings.check_for(blend.train.len(), blend.network.layout())?;
    blend.check()?;
    Session::new(&settings.resolved(), blend, keep, observe)?.run()
}

impl<E: Element> Blend<'_, E> {
    /// Refuses control points that do not go together.
    fn check(&self) -> Result<()> {
        let p = self.network.layout().size();
        if self.control.len() != self.free.len() || self.control.is_empty() {
            let expected = format!("{} control points", self.free.len().max(1));
            return Err(Error::expected(self.name, expected, self.control.len()));
        }
        match self.control.iter().find(|w| w.len() != p) {
            Some(other) => {
                Err(Error::expected(self.name, format!("control points of {p} parameters"), other.len()))
            }
            None => Ok(()),
        }
    }

    /// The shares at a step.
    fn shares(&self, step: u64) -> Vec<f64> {
        (self.draw)(&mut Streams::new(self.seed).stream("blend/shares", step))
    }

    /// SHA-256 of the control points' bits and of which are free.
    fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (w, free) in self.control.iter().zip(self.free) {
            hash.update([u8::from(*free)]);
            hash.update((w.len() as u64).to_le_bytes());
            w.iter().for_each(|x| hash.update(x.to_le_bytes()));
        }
        files::hex(&hash.finalize())
    }
}
