//! AutoNEB: the lowest way between two minima, found by a band of pivots that grows where it is needed (Draxler, Veschgini,
//! Salmhofer and Hamprecht 2018, arXiv 1803.00885; Kolsbjerg et al. 2016).
//!
//! The pivots p_0 .. p_m begin evenly on the straight line; the ends stay. In every step each inner pivot goes down the
//! gradient across the band,
//!
//! ```text
//! g_i - (g_i . tau_i) tau_i,    tau_i the unit tangent towards the neighbour of higher loss,
//! ```
//!
//! with the gradients of one mini-batch at all pivots, and the pivots are then put back to equal distances along the chain:
//! what springs would do, without their stiffness to choose. After a cycle of steps the loss over all samples is evaluated at
//! several places of each piece. Where it rises above the straight line between its pivots' losses by more than a share of
//! the band's range of losses, a pivot goes in. Cycles come with falling rates. The highest loss on the dense band is the
//! saddle: an upper bound of the barrier, since the chain is a way.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the cycles, for any potential |
//! | `settings` | pivots, cycles, steps, rates |
//! | `checkpoint` | what a band goes on from after a stop |
//! | `geometry` | tangents, redistribution, the rule of insertion |
//! | `network` | the loss of a network as a potential |

mod checkpoint;
pub mod geometry;
mod network;
mod settings;

pub use network::{NetworkLoss, NetworkPotential, network_loss};
pub use settings::BandSettings;

use super::optimizers::Stepper;
use super::{Keep, Status};
use crate::base::files::{self, null_is_nan};
use crate::base::{Error, Result, interrupt, parallel};
use checkpoint::{Identity, read, sha256, write};
use geometry::{across, between, missing, places, redistribute, tangent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A landscape that a band lies in.
pub trait Potential: Sync {
    /// What `missing` and the saddle go by: the height at a point of a chain, of which each piece takes the same share of `t`
    /// from 0 to 1.
    fn value(&self, theta: &[f64], t: f64) -> f64;

    /// Height and gradient at every point of `chain`, all of the same function, which may be another at every step.
    fn slopes(&self, step: u64, chain: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)>;

    /// All that decides what it is; a checkpoint of another is refused.
    fn identity(&self) -> Value;
}

/// One cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BandCycle {
    /// Cycles done; 0 is the straight line.
    pub cycle: usize,
    /// Rate of its steps; 0 for the line.
    pub lr: f64,
    /// Pivots in its steps, without the ends.
    pub pivots: usize,
    /// Pivots inserted after it.
    pub inserted: usize,
    /// Highest loss on the dense band after its steps.
    #[serde(deserialize_with = "null_is_nan")]
    pub saddle: f64,
}

/// What an observer hears.
#[derive(Clone, Debug)]
pub enum BandEvent<'a> {
    /// Relaxation goes on from a checkpoint: the cycles so far.
    Resumed(&'a [BandCycle]),
    /// A step was made: steps done and to be done at most.
    Step(u64, u64),
    /// A cycle was finished.
    Cycle(&'a BandCycle),
}

/// The highest place of a band.
#[derive(Clone, Debug, PartialEq)]
pub struct Saddle {
    /// Its loss.
    pub loss: f64,
    /// Its place on the chain: the share of the length from the first end, 0 to 1.
    pub position: f64,
    /// Its parameters.
    pub theta: Vec<f64>,
}

/// A relaxed band.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The pivots, both ends included, as they came to the bit.
    pub chain: Vec<Vec<f64>>,
    /// The loss at each pivot.
    pub losses: Vec<f64>,
    /// Share of the length and loss at every place of the dense band, ascending.
    pub dense: Vec<(f64, f64)>,
    /// The highest place of the dense band.
    pub saddle: Saddle,
    /// The cycles.
    pub cycles: Vec<BandCycle>,
    /// Done, or diverged.
    pub status: Status,
    /// Why it ended, in words.
    pub reason: String,
}

/// The band with its losses over all samples.
struct Dense {
    /// Losses of each piece, both pivots included.
    pieces: Vec<Vec<f64>>,
}

impl Dense {
    fn of(potential: &dyn Potential, chain: &[Vec<f64>], between_pivots: usize) -> Self {
        let n = between_pivots + 1;
        let last = (chain.len() - 1) * n;
        let at = |i: usize| {
            let (piece, share) = (i / n, (i % n) as f64 / n as f64);
            let t = i as f64 / last as f64;
            if share == 0.0 {
                potential.value(&chain[piece], t)
            } else {
                potential.value(&between(&chain[piece], &chain[piece + 1], share), t)
            }
        };
        let values: Vec<f64> = parallel::map(last + 1, &at);
        Self {
            pieces: (0..chain.len() - 1).map(|piece| values[piece * n..=(piece + 1) * n].to_vec()).collect(),
        }
    }

    /// The largest and the smallest loss; NaN if one is.
    fn ends(&self) -> [f64; 2] {
        let all = || self.pieces.iter().flatten().copied();
        if all().any(f64::is_nan) {
            [f64::NAN; 2]
        } else {
            [all().fold(f64::NEG_INFINITY, f64::max), all().fold(f64::INFINITY, f64::min)]
        }
    }

    /// (piece, share of it, loss) at every place once.
    fn places(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let last = self.pieces.len() - 1;
        self.pieces.iter().enumerate().flat_map(move |(piece, losses)| {
            let n = losses.len() - 1;
            let count = if piece == last { n + 1 } else { n };
            losses[..count].iter().enumerate().map(move |(i, loss)| (piece, i as f64 / n as f64, *loss))
        })
    }
}

/// Relaxes a band between `ends`, which stay as they are.
///
/// With `keep`, a checkpoint is written there after every cycle, and relaxation goes on from the one that is there; when
/// somebody asks for a stop, [`Error::Interrupted`] says what is kept.
pub fn relax(
    settings: &BandSettings,
    potential: &dyn Potential,
    ends: [&[f64]; 2],
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(BandEvent) + Send),
) -> Result<Band> {
    settings.check()?;
    let settings = settings.resolved();
    if ends[0].len() != ends[1].len() {
        let expected = format!("{} parameters at both ends", ends[0].len());
        return Err(Error::expected("band", expected, ends[1].len()));
    }
    let identity = |keep: &Keep| Identity {
        settings: settings.clone(),
        potential: potential.identity(),
        data_sha256: keep.data_sha256.clone(),
        weights_sha256: sha256(ends),
    };
    let kept = match keep {
        Some(keep) => read(keep, &identity(keep), ends)?,
        None => None,
    };
    let (mut chain, mut cycles, mut step) = match kept {
        Some((chain, header)) => {
            observe(BandEvent::Resumed(&header.cycles));
            (chain, header.cycles, header.step)
        }
        None => {
            let n = settings.pivots + 1;
            let at = |i: usize| between(ends[0], ends[1], i as f64 / n as f64);
            ((0..=n).map(at).collect(), Vec::new(), 0)
        }
    };
    let total = (settings.cycles * settings.steps) as u64;
    let stopped = |cycles: &[BandCycle]| {
        let kept = match keep {
            None => "nothing was kept".to_owned(),
            Some(keep) => format!(
                "{} of {} cycles of the band are kept in {}; the same command goes on",
                cycles.len().saturating_sub(1),
                settings.cycles,
                files::named(&keep.path)
            ),
        };
        interrupt::check("band", &kept)
    };
    let mut end = None;
    // The cycle before the first is the straight line, which is evaluated alone.
    while end.is_none() && cycles.len() <= settings.cycles {
        if let Some(reason) = settled(&settings, &cycles) {
            end = Some((Status::Done, reason));
            break;
        }
        let cycle = cycles.len();
        let lr = settings.rate_of(cycle.saturating_sub(1));
        if cycle > 0 {
            let mut steppers: Vec<Stepper<f64>> = chain[1..chain.len() - 1]
                .iter()
                .map(|w| Stepper::new(&settings.optimizer, w.len()))
                .collect();
            for _ in 0..settings.steps {
                match stepped(potential, step, lr, &chain, &mut steppers) {
                    Some(next) => chain = next,
                    None => {
                        let reason = format!(
                            "a pivot's loss or gradient is not finite at step {step}, in cycle {cycle}"
                        );
                        end = Some((Status::Diverged, reason));
                        break;
                    }
                }
                step += 1;
                observe(BandEvent::Step(step, total));
                stopped(&cycles)?;
            }
        }
        let dense = Dense::of(potential, &chain, settings.dense);
        // What an interrupted evaluation gives is no result.
        stopped(&cycles)?;
        let pivots = chain.len() - 2;
        let last = cycle == settings.cycles || end.is_some();
        let room = if last { 0 } else { settings.most_pivots.saturating_sub(pivots) };
        chain = inserted(&chain, &missing(&dense.pieces, settings.insert), room);
        let [most, least] = dense.ends();
        let lr = if cycle == 0 { 0.0 } else { lr };
        let record = BandCycle { cycle, lr, pivots, inserted: chain.len() - 2 - pivots, saddle: most };
        observe(BandEvent::Cycle(&record));
        cycles.push(record);
        if !(most - least).is_finite() && end.is_none() {
            end = Some((Status::Diverged, format!("a loss of the band is not finite after cycle {cycle}")));
        }
        if let (Some(keep), None) = (keep, &end) {
            write(keep, identity(keep), &chain, &cycles, step)?;
        }
    }
    let (status, reason) =
        end.unwrap_or_else(|| (Status::Done, format!("all {} cycles were made", settings.cycles)));
    let found = finished(&settings, potential, chain, cycles, status, reason);
    stopped(&found.cycles)?;
    Ok(found)
}

/// Why a band is at rest, if it is: nothing inserted, and a saddle that stays.
fn settled(settings: &BandSettings, cycles: &[BandCycle]) -> Option<String> {
    let [.., before, last] = cycles else { return None };
    // The range of the band is at most that of the line: its first saddle above the lowest.
    let least = cycles.iter().map(|c| c.saddle).fold(f64::INFINITY, f64::min);
    let range = cycles[0].saddle - least;
    let change = (last.saddle - before.saddle).abs();
    let still = last.cycle > 1 && last.inserted == 0 && change <= settings.tolerance * range;
    // A lower rate would go deeper.
    let lowest = (last.cycle..settings.cycles).all(|cycle| settings.rate_of(cycle) >= last.lr);
    (still && lowest)
        .then(|| format!("cycle {} inserted nothing and moved the saddle by {change}", last.cycle))
}

/// The chain after a step of its inner pivots and their redistribution; none if something is not finite.
fn stepped(
    potential: &dyn Potential,
    step: u64,
    rate: f64,
    chain: &[Vec<f64>],
    steppers: &mut [Stepper<f64>],
) -> Option<Vec<Vec<f64>>> {
    let mut slopes = potential.slopes(step, chain);
    let losses: Vec<f64> = slopes.iter().map(|s| s.0).collect();
    if losses.iter().any(|l| !l.is_finite()) {
        return None;
    }
    let mut next = chain.to_vec();
    let inner = 1..chain.len() - 1;
    let pivots = next[inner.clone()].iter_mut().zip(&mut slopes[inner]).zip(steppers);
    parallel::each_mut(&mut pivots.collect::<Vec<_>>(), &|i, ((theta, (_, gradient)), stepper)| {
        let around = [&chain[i], &chain[i + 1], &chain[i + 2]].map(Vec::as_slice);
        across(gradient, &tangent(around, [losses[i], losses[i + 1], losses[i + 2]]));
        stepper.step(rate, theta, |start, out| out.copy_from_slice(&gradient[start..start + out.len()]));
    });
    let finite = next.iter().all(|theta| theta.iter().all(|x| x.is_finite()));
    finite.then(|| redistribute(&next))
}

/// The chain with a pivot at the place that each piece misses one, `room` of them at most.
fn inserted(chain: &[Vec<f64>], missing: &[Option<f64>], room: usize) -> Vec<Vec<f64>> {
    let mut longer = vec![chain[0].clone()];
    let mut room = room;
    for (pair, place) in chain.windows(2).zip(missing) {
        if let (Some(share), 1..) = (place, room) {
            longer.push(between(&pair[0], &pair[1], *share));
            room -= 1;
        }
        longer.push(pair[1].clone());
    }
    longer
}

fn finished(
    settings: &BandSettings,
    potential: &dyn Potential,
    chain: Vec<Vec<f64>>,
    cycles: Vec<BandCycle>,
    status: Status,
    reason: String,
) -> Band {
    let dense = Dense::of(potential, &chain, settings.dense);
    let places = places(&chain);
    let length = places.last().copied().filter(|l| *l > 0.0).unwrap_or(1.0);
    let position = |piece: usize, share: f64| {
        (places[piece] + share * (places[(piece + 1).min(places.len() - 1)] - places[piece])) / length
    };
    let all: Vec<(usize, f64, f64)> = dense.places().collect();
    // NaN is higher than all: a band that has one has no lower saddle.
    let (mut piece, mut share, mut loss) = all[0];
    for (p, s, l) in &all[1..] {
        if !loss.is_nan() && (l.is_nan() || *l > loss) {
            (piece, share, loss) = (*p, *s, *l);
        }
    }
    let theta = between(&chain[piece], &chain[piece + 1], share);
    let mut losses: Vec<f64> = dense.pieces.iter().map(|losses| losses[0]).collect();
    losses.extend(dense.pieces.last().and_then(|losses| losses.last()));
    Band {
        losses,
        dense: all.iter().map(|(p, s, l)| (position(*p, *s), *l)).collect(),
        saddle: Saddle { loss, position: position(piece, share), theta },
        chain,
        cycles,
        status,
        reason,
    }
}
