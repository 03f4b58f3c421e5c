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
//! and not on the control points. Those that are not free keep their bits.
//!
//! Control points and the optimizer's state lie in memory block by block, all rows of a block together: a step passes
//! once over them, and leaves the blend that the next step looks at. Shares are a function of the step, the order of
//! samples of the epoch: going on from a checkpoint is the same as never having stopped.

use super::batch::{BatchGradient, Noise, Vary};
use super::checkpoint::{self, EPOCHS_APART, Keep, Pace, Sort};
use super::gradient::{Clip, Conditions};
use super::optimizers::{BLOCK, STATES};
use super::point::{numbers, tensor};
use super::settings::BATCH;
use super::{Optimizer, Point, Schedule, Status};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::files::{self, null_is_nan};
use crate::base::log::{DISCARD, difference};
use crate::base::random::Rng;
use crate::base::registry::Registry;
use crate::base::{Error, Result, Streams, interrupt};
use crate::data::Augment;
use crate::nn::{Network, Samples, Spec};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How control points are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlendSettings {
    /// Optimizer, with settings after a colon (adam:beta1=0.8)
    #[arg(long, value_name = "KIND", default_value_t = BlendSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: twice the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the learning rate, with settings after a colon (step:every=10,gamma=0.5)
    #[arg(long, value_name = "KIND", default_value_t = BlendSettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero
    #[arg(long, value_name = "EPOCHS", default_value_t = BlendSettings::default().warmup)]
    pub warmup: f64,
    /// Passes over the training samples; 0 leaves the control points where they start
    #[arg(long, value_name = "N", default_value_t = BlendSettings::default().epochs)]
    pub epochs: usize,
    /// Samples in a mini-batch; the last of an epoch may be smaller [default: 64; all with a full-batch optimizer]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Pull of the network on the way towards zero, added to its gradient per unit of its weights
    #[arg(long, value_name = "LAMBDA", default_value_t = BlendSettings::default().weight_decay)]
    pub weight_decay: f64,
    /// Scale gradients down to at most this norm, all parameters together
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
}

impl Default for BlendSettings {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::default(), // SGD with momentum .9: Garipov et al. 2018
            lr: None,
            schedule: "flat-linear".parse().unwrap_or_default(), // Garipov et al. 2018
            warmup: 0.0,
            epochs: 100, // on the digits a barrier of less than 1 % of the line's, for 64-32-10 and 64-64-64-10
            batch_size: None,
            weight_decay: 0.0, // as training has it; Garipov et al. 2018 have 5e-4 in both
            clip: None,
        }
    }
}

impl BlendSettings {
    /// The rate: the one given, or twice the optimizer's own, since a control point gets only its share of the gradient,
    /// a third to a half on average for one bend.
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or_else(|| 2.0 * self.optimizer.rate())
    }

    /// The batch size for `n` training samples.
    pub fn batch(&self, n: usize) -> usize {
        let default = if self.optimizer.full_batch() { n } else { BATCH };
        self.batch_size.unwrap_or(default).min(n.max(1))
    }

    /// The same with every default written out, as results record them.
    pub fn resolved(&self) -> Self {
        let batch_size = self.batch_size.or((!self.optimizer.full_batch()).then_some(BATCH));
        Self { lr: Some(self.rate()), batch_size, ..self.clone() }
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if self.optimizer.search().is_some() {
            let expected = "one that moves by mini-batches: a blend is another function at every step";
            return Err(Error::expected("--optimizer", expected, &self.optimizer));
        }
        // Only decay of the network on the way is what the field means by it: the optimizer would pull at the bends.
        let own = self.optimizer.settings().get("weight-decay").and_then(toml::Value::as_float);
        if own.is_some_and(|own| own != 0.0) {
            let expected = "one with weight-decay=0 (--weight-decay acts on the network on the way)";
            let found = format!("{} with {}", self.optimizer, own.unwrap_or_default());
            return Err(Error::expected("--optimizer", expected, found));
        }
        for (flag, x) in [("--lr", self.lr), ("--clip", self.clip)] {
            if let Some(x) = x.filter(|x| !(*x > 0.0 && x.is_finite())) {
                return Err(Error::expected(flag, "a finite number above 0", x));
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(Error::expected(
                "--weight-decay",
                "a finite number of at least 0",
                self.weight_decay,
            ));
        }
        const MOST_EPOCHS: usize = 100_000_000;
        if self.epochs > MOST_EPOCHS {
            return Err(Error::expected("--epochs", format!("at most {MOST_EPOCHS}"), self.epochs));
        }
        if !(self.warmup >= 0.0 && self.warmup <= self.epochs as f64) {
            return Err(Error::expected("--warmup", format!("0 to {} epochs", self.epochs), self.warmup));
        }
        if self.batch_size == Some(0) {
            return Err(Error::expected("--batch-size", "at least 1", 0));
        }
        Ok(())
    }

    /// Refuses a batch that is not all of `n` samples where the optimizer takes all at once.
    fn check_for(&self, n: usize) -> Result<()> {
        if n == 0 {
            return Err(Error::expected("training samples", "at least 1", 0));
        }
        match self.batch_size {
            Some(size) if self.optimizer.full_batch() && size < n => {
                let expected = format!("all {n} samples, which {} takes at once", self.optimizer.name());
                Err(Error::expected("--batch-size", expected, size))
            }
            _ => Ok(()),
        }
    }
}

/// Draws the share of each control point.
pub type Draw<'a> = &'a (dyn Fn(&mut Rng) -> Vec<f64> + Sync);

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
    /// What `draw` draws, in words that tell it from all others: a checkpoint of another is refused.
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
    settings.check_for(blend.train.len())?;
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

/// Control points and the optimizer's state, block by block.
///
/// A block of elements i .. i + l is a run of rows of l numbers: one for each control point, then the states of each
/// free one.
struct Rows<'a, E> {
    cells: Vec<E>,
    free: &'a [bool],
    states: usize,
    p: usize,
}

impl<'a, E: Element> Rows<'a, E> {
    fn new(control: &[Vec<f64>], free: &'a [bool], states: usize) -> Self {
        let p = control[0].len();
        let rows = free.len() + states * free.iter().filter(|f| **f).count();
        let mut this = Self { cells: vec![E::ZERO; rows * p], free, states, p };
        for (k, w) in control.iter().enumerate() {
            let w: Vec<E> = w.iter().map(|x| E::from_f64(*x)).collect();
            this.put(k, &w);
        }
        this
    }

    /// Rows in a block.
    fn rows(&self) -> usize {
        self.free.len() + self.states * self.free.iter().filter(|f| **f).count()
    }

    /// Writes row `r`.
    fn put(&mut self, r: usize, row: &[E]) {
        let rows = self.rows();
        for (cells, part) in self.cells.chunks_mut(rows * BLOCK).zip(row.chunks(BLOCK)) {
            cells[r * part.len()..][..part.len()].copy_from_slice(part);
        }
    }

    /// Reads row `r`.
    fn get(&self, r: usize) -> Vec<E> {
        let rows = self.rows();
        let block = |cells: &[E]| {
            let len = cells.len() / rows;
            cells[r * len..][..len].to_vec()
        };
        self.cells.chunks(rows * BLOCK).flat_map(block).collect()
    }

    /// The free control points, then the states of each.
    fn moving(&self) -> Vec<usize> {
        let free = self.free.iter().enumerate().filter(|(_, free)| **free).map(|(k, _)| k);
        free.chain(self.free.len()..self.rows()).collect()
    }

    /// Runs `work` on the cells and the blend of each block, in parallel where there are many.
    fn each(&mut self, blend: &mut [E], work: impl Fn(usize, &mut [E], &mut [E]) + Sync) {
        let rows = self.rows();
        match self.p.div_ceil(BLOCK) {
            0..=4 => {
                let blocks = self.cells.chunks_mut(rows * BLOCK).zip(blend.chunks_mut(BLOCK));
                blocks.enumerate().for_each(|(i, (cells, blend))| work(i * BLOCK, cells, blend));
            }
            _ => {
                let blocks = self.cells.par_chunks_mut(rows * BLOCK).zip(blend.par_chunks_mut(BLOCK));
                let blocks = blocks.enumerate().with_min_len(4);
                blocks.for_each(|(i, (cells, blend))| work(i * BLOCK, cells, blend));
            }
        }
    }

    /// Writes the blend with these shares.
    fn blend(&mut self, shares: &[E], blend: &mut [E]) {
        self.each(blend, |_, cells, blend| mix(shares, cells, blend));
    }
}

/// One block of the blend: the rows of the control points, each times its share, added in order.
#[inline(always)]
fn mix<E: Element>(shares: &[E], cells: &[E], blend: &mut [E]) {
    vectorised(
        #[inline(always)]
        || {
            blend.fill(E::ZERO);
            for (share, row) in shares.iter().zip(cells.chunks_exact(blend.len())) {
                blend.iter_mut().zip(row).for_each(|(b, w)| *b += *share * *w);
            }
        },
    );
}

/// What of a checkpoint must be as it was.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    settings: BlendSettings,
    blend: String,
    seed: u64,
    network: Spec,
    samples: usize,
    augment: Augment,
    data_sha256: String,
    /// Of the control points as they started.
    weights_sha256: String,
    precision: String,
}

/// The part of a checkpoint that is no tensor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: String,
    identity: Identity,
    step: u64,
    /// Sum over the samples of the running epoch of the losses.
    sum: f64,
    rate: f64,
    epochs: usize,
}

const SORT: Sort = Sort { key: "losscape.blend", what: "a checkpoint of a curve's training" };

/// Training under way.
struct Session<'a, E> {
    settings: BlendSettings,
    blend: &'a Blend<'a, E>,
    steps_per_epoch: u64,
    total: u64,
    conditions: Conditions<E>,
    whole: BatchGradient<E>,
    rest: Option<BatchGradient<E>>,
    rows: Rows<'a, E>,
    /// The network on the way, at the next step's shares.
    point: Point<E>,
    shares: Vec<E>,
    step: u64,
    sum: f64,
    rate: f64,
    epochs: Vec<BlendEpoch>,
    keep: Option<&'a Keep>,
    pace: Pace,
    observe: &'a mut (dyn FnMut(BlendEvent) + Send),
}

impl<'a, E: Element> Session<'a, E> {
    fn new(
        settings: &BlendSettings,
        blend: &'a Blend<'a, E>,
        keep: Option<&'a Keep>,
        observe: &'a mut (dyn FnMut(BlendEvent) + Send),
    ) -> Result<Self> {
        let (n, p) = (blend.train.len(), blend.network.layout().size());
        let batch_size = settings.batch(n);
        let batch = |size| BatchGradient::new(blend.network, size, blend.train.masked());
        let steps_per_epoch = n.div_ceil(batch_size) as u64;
        let rows = Rows::new(blend.control, blend.free, settings.optimizer.states());
        let start = rows.get(0);
        let mut this = Self {
            settings: settings.clone(),
            steps_per_epoch,
            total: steps_per_epoch * settings.epochs as u64,
            conditions: Conditions::new(Clip { value: None, norm: settings.clip }, 0.0, p),
            whole: batch(batch_size),
            rest: (!n.is_multiple_of(batch_size)).then(|| batch(n % batch_size)),
            point: Point { state: blend.network.start(&start), theta: start },
            rows,
            blend,
            shares: Vec::new(),
            step: 0,
            sum: 0.0,
            rate: 0.0,
            epochs: Vec::new(),
            keep,
            pace: Pace::new(),
            observe,
        };
        if this.restore()? {
            (this.observe)(BlendEvent::Resumed(this.step, this.total, &this.epochs));
        }
        this.shares = this.draw(this.step)?;
        this.rows.blend(&this.shares, &mut this.point.theta);
        Ok(this)
    }

    fn run(mut self) -> Result<Blended> {
        let started = Instant::now();
        while self.step < self.total {
            let epoch = self.epochs.len() + 1;
            if let Some(reason) = self.epoch(epoch)? {
                return Ok(self.finish(Status::Diverged, reason));
            }
        }
        // What took long is not lost while it is evaluated.
        if started.elapsed() >= EPOCHS_APART {
            self.save()?;
        }
        let all = self.settings.epochs;
        let free = self.rows.moving();
        let finite = free.iter().all(|r| self.rows.get(*r).iter().all(|x| x.is_finite()));
        match finite {
            true => Ok(self.finish(Status::Done, format!("all {all} epochs were made"))),
            false => {
                let reason = format!("a control point is not finite after epoch {all}");
                Ok(self.finish(Status::Diverged, reason))
            }
        }
    }

    fn draw(&self, step: u64) -> Result<Vec<E>> {
        let shares = self.blend.shares(step);
        match shares.len() == self.blend.free.len() {
            true => Ok(shares.into_iter().map(E::from_f64).collect()),
            false => {
                let expected = format!("{} shares", self.blend.free.len());
                Err(Error::expected(self.blend.name, expected, shares.len()))
            }
        }
    }

    /// The steps of an epoch that are not made yet; why training diverged, if it did.
    fn epoch(&mut self, epoch: usize) -> Result<Option<String>> {
        let n = self.blend.train.len() as u32;
        let streams = Streams::new(self.blend.seed);
        let mut order: Vec<u32> = (0..n).collect();
        order.shuffle(&mut streams.stream("blend/order", epoch as u64));
        let batch_size = self.settings.batch(n as usize);
        let made = self.step - (epoch as u64 - 1) * self.steps_per_epoch;
        for indices in order.chunks(batch_size).skip(made as usize) {
            let batch = match &mut self.rest {
                Some(rest) if indices.len() == rest.samples() => rest,
                _ => &mut self.whole,
            };
            let noise = Noise { streams, step: self.step, epoch, vary: self.blend.vary };
            // At shares drawn anew the weights, and with them the singular vectors, are far from the last ones.
            self.blend.network.renew_to_convergence(&self.point.theta, &mut self.point.state);
            let loss = self.conditions.run(batch, &mut self.point, self.blend.train, indices, &noise);
            let BlendSettings { schedule, epochs, warmup, .. } = &self.settings;
            let at = self.step as f64 / self.steps_per_epoch as f64;
            self.rate = self.settings.rate() * schedule.factor(at, *epochs as f64, *warmup);
            if !loss.is_finite() {
                let reason = format!("the loss of a batch is {loss} at step {}, in epoch {epoch}", self.step);
                self.sum = f64::NAN;
                self.record(epoch);
                return Ok(Some(reason));
            }
            self.sum += loss * indices.len() as f64;
            self.update()?;
            self.step += 1;
            let over = self.step == epoch as u64 * self.steps_per_epoch;
            if over {
                self.record(epoch);
            }
            (self.observe)(BlendEvent::Step(self.step, self.total));
            if interrupt::requested().is_some() {
                return Err(self.interrupted());
            }
            self.save_if_due(if over { EPOCHS_APART } else { Duration::MAX })?;
        }
        Ok(None)
    }

    /// One step of every free control point with the gradient of the last batch, and the next blend.
    fn update(&mut self) -> Result<()> {
        let next = self.draw(self.step + 1)?;
        let (optimizer, shares, rate, step) =
            (&self.settings.optimizer, &self.shares, self.rate, self.step + 1);
        let decay = E::from_f64(self.settings.weight_decay);
        let rest = self.rest.as_ref().filter(|_| step.is_multiple_of(self.steps_per_epoch));
        let (batch, conditions) = (rest.unwrap_or(&self.whole), &self.conditions);
        let (free, states) = (self.rows.free, self.rows.states);
        self.rows.each(&mut self.point.theta, |start, cells, blend| {
            let len = blend.len();
            let (mut whole, mut share) = ([E::ZERO; BLOCK], [E::ZERO; BLOCK]);
            let (whole, share) = (&mut whole[..len], &mut share[..len]);
            conditions.gradient(batch, start, whole);
            let (control, others) = cells.split_at_mut(free.len() * len);
            vectorised(
                #[inline(always)]
                || {
                    whole.iter_mut().zip(blend.iter()).for_each(|(g, w)| *g += decay * *w);
                    let mut others = others.chunks_exact_mut(len);
                    let moving =
                        control.chunks_exact_mut(len).zip(shares).zip(free).filter(|(_, free)| **free);
                    for ((theta, c), _) in moving {
                        share.iter_mut().zip(whole.iter()).for_each(|(s, g)| *s = *c * *g);
                        let mut own: [&mut [E]; STATES] = Default::default();
                        for (own, row) in own[..states].iter_mut().zip(&mut others) {
                            *own = row;
                        }
                        optimizer.update(step, rate, theta, share, &mut own[..states]);
                    }
                },
            );
            mix(&next, control, blend);
        });
        self.shares = next;
        Ok(())
    }

    fn record(&mut self, epoch: usize) {
        let (step, lr, loss) = (self.step, self.rate, self.sum / self.blend.train.len() as f64);
        self.sum = 0.0;
        let record = BlendEpoch { epoch, step, lr, loss };
        (self.observe)(BlendEvent::Epoch(&record));
        self.epochs.push(record);
    }

    fn finish(self, status: Status, reason: String) -> Blended {
        let of = |k: usize| match self.blend.free[k] {
            true => self.rows.get(k).iter().map(|x| x.to_f64()).collect(),
            false => self.blend.control[k].clone(),
        };
        let control = (0..self.blend.free.len()).map(of).collect();
        Blended { control, epochs: self.epochs, steps: self.step, status, reason }
    }

    fn identity(&self, keep: &Keep) -> Identity {
        Identity {
            settings: self.settings.clone(),
            blend: self.blend.name.to_owned(),
            seed: self.blend.seed,
            network: self.blend.network.spec().clone(),
            samples: self.blend.train.len(),
            augment: self.blend.vary.map_or_else(Augment::default, Vary::augment),
            data_sha256: keep.data_sha256.clone(),
            weights_sha256: self.blend.sha256(),
            precision: E::NAME.to_owned(),
        }
    }

    /// Takes up what a checkpoint holds; whether there is one.
    fn restore(&mut self) -> Result<bool> {
        let Some(keep) = self.keep else { return Ok(false) };
        if keep.path.symlink_metadata().is_err() {
            return Ok(false);
        }
        let (at, file, header) = checkpoint::open::<Header>(&keep.path, SORT)?;
        if let Some((asked, found)) = difference(&self.identity(keep), &header.identity) {
            let expected = format!("an unfinished run with {asked}");
            return Err(Error::expected(&at, expected, format!("one with {found} ({DISCARD})")));
        }
        let over = header.step / self.steps_per_epoch;
        if header.step > self.total || header.epochs as u64 != over {
            let expected = format!("{over} epochs of at most {} steps", self.total);
            let found = format!("{} epochs after {} steps", header.epochs, header.step);
            return Err(Error::expected(&at, expected, found));
        }
        for row in self.rows.moving() {
            let numbers: Vec<E> = numbers(&at, &file, &format!("row/{row}"), self.rows.p)?;
            self.rows.put(row, &numbers);
        }
        self.point.state = numbers(&at, &file, "state", self.point.state.len())?;
        let rows: Vec<f64> =
            numbers(&at, &file, "epochs", header.epochs.saturating_mul(BlendEpoch::COLUMNS))?;
        self.epochs = rows.as_chunks().0.iter().map(BlendEpoch::from_row).collect();
        (self.step, self.sum, self.rate) = (header.step, header.sum, header.rate);
        Ok(true)
    }

    fn write(&self, keep: &Keep) -> Result<()> {
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            identity: self.identity(keep),
            step: self.step,
            sum: self.sum,
            rate: self.rate,
            epochs: self.epochs.len(),
        };
        let row = |r: usize| tensor(format!("row/{r}"), &self.rows.get(r));
        let mut tensors: Vec<_> = self.rows.moving().into_iter().map(row).collect();
        tensors.push(tensor("state", &self.point.state));
        let rows: Vec<f64> = self.epochs.iter().flat_map(BlendEpoch::row).collect();
        tensors.push(tensor("epochs", &rows));
        checkpoint::seal(&keep.path, SORT, &header, tensors)
    }

    /// Writes a checkpoint if the last one is `apart` old, or as old as it may get.
    fn save_if_due(&mut self, apart: Duration) -> Result<()> {
        match self.keep.is_some_and(|keep| self.pace.due(keep, apart)) {
            true => self.save(),
            false => Ok(()),
        }
    }

    fn save(&mut self) -> Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        let mut pace = self.pace;
        pace.written(|| self.write(keep))?;
        self.pace = pace;
        Ok(())
    }

    /// Somebody asked for a stop: keeps what there is.
    fn interrupted(&self) -> Error {
        let signal = interrupt::requested().unwrap_or(2);
        let kept = match self.keep.map(|keep| (keep, self.write(keep))) {
            None => "nothing was kept".to_owned(),
            Some((_, Err(e))) => return e,
            Some((keep, Ok(()))) => format!(
                "{} of {} steps of {} are kept in {}; the same command goes on",
                self.step,
                self.total,
                self.blend.name,
                files::named(&keep.path)
            ),
        };
        Error::Interrupted { at: "training of the curve".to_owned(), kept, signal }
    }
}
