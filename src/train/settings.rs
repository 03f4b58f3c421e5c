//! What a training run is made of: flags, recipe keys and recorded settings, all from this one struct.

use super::gradient::Clip;
use super::{Batches, Optimizer, Probe, Schedule, Snapshots, exported, probe, snapshots};
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result};
use crate::data::{Augment, Preparation, Source};
use crate::nn::architectures::{Architecture, Unfold};
use crate::nn::{Layout, inits::Initializer, losses::Loss};
use serde::{Deserialize, Serialize};

/// Settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainSettings {
    /// Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data; runs of different --seed share it
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Augmentation.
    #[command(flatten)]
    #[serde(flatten)]
    pub augment: Augment,
    /// Train on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Network: a name from `losscape list model`, with settings after a colon (`mlp:hidden=[24,16]`)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().model)]
    pub model: Architecture,
    /// What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss is their mean)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().loss)]
    pub loss: Loss,
    /// Initializer of the weights [default: he-normal; an exported network starts from the weights in its file]
    #[arg(long, value_name = "KIND")]
    pub init: Option<Initializer>,
    /// Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the learning rate, which changes at every step, with settings after a colon (step:every=10,gamma=0.5)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of the first step
    #[arg(long, value_name = "EPOCHS", default_value_t = TrainSettings::default().warmup)]
    pub warmup: f64,
    /// Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if it is too small for batch
    /// statistics [default: 64; all with a full-batch optimizer]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Share each mini-batch out evenly among this many workers, as data-parallel training does: the gradient is the same,
    /// but norms see each worker's own samples [default: none, one batch]
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Passes over the training samples; 0 leaves the network as initialized
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().epochs)]
    pub epochs: usize,
    /// Stop at the end of an epoch whose training loss is at most this
    #[arg(long, value_name = "LOSS")]
    pub target_loss: Option<f64>,
    /// Stop at the end of an epoch where the gradient over all training samples has at most this norm
    #[arg(long, value_name = "NORM")]
    pub target_gradient: Option<f64>,
    /// Scale gradients down to at most this norm, all parameters together
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
    /// Cut each coordinate of gradients off at plus and minus this value, before --clip
    #[arg(long, value_name = "VALUE")]
    pub clip_value: Option<f64>,
    /// Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05); 0 for none
    #[arg(long, value_name = "RHO", default_value_t = TrainSettings::default().sam)]
    pub sam: f64,
    /// Which loss decides what best.safetensors holds
    #[arg(long, value_name = "LOSS", default_value_t = TrainSettings::default().best)]
    pub best: Best,
    /// Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    #[arg(long, value_name = "DECAY")]
    pub ema: Option<f64>,
    /// Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    #[arg(long, value_name = "EPOCH")]
    pub swa: Option<usize>,
    /// Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing distance
    #[arg(long, value_name = "WHEN")]
    pub snapshots: Option<Snapshots>,
    /// Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's largest eigenvalue and
    /// trace and the gradient noise scale (its error bars from few probes are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
    /// the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the smallest step along the gradient, and
    /// along the optimizer's update, that does not lower the loss; learning-coefficient:N for the local learning coefficient
    #[arg(long, value_name = "WHAT:N")]
    pub probe: Option<Probe>,
    /// Probe the loss of the first N training samples only [default: all]
    #[arg(long, value_name = "N")]
    pub probe_samples: Option<usize>,
    /// Seed of initialization and sample order
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = TrainSettings::default().precision)]
    pub precision: Precision,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            augment: Augment::default(),
            samples: None,
            model: Architecture::default(),
            loss: Loss::default(),
            init: None,
            optimizer: Optimizer::default(),
            lr: None,
            schedule: Schedule::default(),
            warmup: 0.0,
            batch_size: None,
            workers: None,
            epochs: 20, // the default network fits the digits' training split
            target_loss: None,
            target_gradient: None,
            clip: None,
            clip_value: None,
            sam: 0.0,             // plain training
            best: Best::TestLoss, // early stopping's choice (Prechelt 1998)
            ema: None,
            swa: None,
            snapshots: None,
            probe: None,
            probe_samples: None,
            seed: 0,
            precision: Precision::default(),
        }
    }
}

/// Samples in a mini-batch when nothing is said: small batches, 32 to 64 (Masters and Luschi 2018).
pub const BATCH: usize = 64;

/// The loss by which the best weights are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Best {
    /// Over the test samples (over the training samples where there are none)
    #[default]
    TestLoss,
    /// Over the training samples
    TrainLoss,
}

impl std::fmt::Display for Best {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TestLoss => "test-loss",
            Self::TrainLoss => "train-loss",
        })
    }
}

/// Flags that set one entry of a kind: (flag, where it goes, help).
pub const SHORTHANDS: &[(&str, &str, &str)] = &[
    (
        "hidden",
        "model.hidden",
        "Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model",
    ),
    (
        "activation",
        "model.activation",
        "Activation after each hidden layer: a name from `losscape list activation`",
    ),
    ("bias", "model.bias", "Whether layers have biases: true or false"),
    ("norm", "model.norm", "Norm of the layers: a name from `losscape list norm`"),
    ("depth", "model.depth", "Depth of a resnet (layers) or vgg (layers a stage)"),
    ("skip", "model.skip", "Whether a resnet has its ways around the blocks: true or false"),
    ("momentum", "optimizer.momentum", "Momentum of the optimizer"),
    ("nesterov", "optimizer.nesterov", "Nesterov's look-ahead: true or false"),
    ("weight-decay", "optimizer.weight-decay", "Weight decay of the optimizer"),
    ("label-smoothing", "loss.smoothing", "Share of the target spread over all classes"),
];

/// Those of the network's layers, for what trains nothing: `hidden` and `activation`.
pub const LAYERS: &[(&str, &str, &str)] = SHORTHANDS.split_at(2).0;

impl TrainSettings {
    /// Network and data in a few words: an exported network by its file's name.
    pub fn title(&self) -> String {
        match self.model.exported() {
            Some(exported) => format!("{} on {}", exported.title(), self.data.title()),
            None => format!("{} on {}", self.model, self.data),
        }
    }

    /// The rate: the one given, or the optimizer's own.
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or_else(|| self.optimizer.rate())
    }

    /// The batch size for `n` training samples.
    pub fn batch(&self, n: usize) -> usize {
        let default = if self.optimizer.full_batch() { n } else { BATCH };
        self.batch_size.unwrap_or(default).min(n.max(1))
    }

    /// The mini-batches of an epoch over `n` training samples, for a network with this layout.
    pub fn batches(&self, n: usize, layout: &Layout) -> Batches {
        Batches::new(n, self.batch(n), layout)
    }

    /// Samples of a batch, of `n` for training, that share statistics where a norm couples them: all of it, or a worker's.
    pub fn group(&self, n: usize) -> usize {
        self.batch(n).div_ceil(self.workers.unwrap_or(1).max(1))
    }

    /// Clipping of gradients.
    pub fn clipping(&self) -> Clip {
        Clip { value: self.clip_value, norm: self.clip }
    }

    /// The same with every default written out, as results record them. A full batch stays unwritten: it is as large
    /// as the data.
    pub fn resolved(&self) -> Self {
        let batch_size = self.batch_size.or((!self.optimizer.full_batch()).then_some(BATCH));
        Self { lr: Some(self.rate()), batch_size, init: self.initializer(), ..self.clone() }
    }

    /// What draws the weights: what was given, or the default; nothing where an exported network starts from its own.
    pub fn initializer(&self) -> Option<Initializer> {
        let drawn = self.model.exported().is_none();
        self.init.clone().or_else(|| drawn.then(Initializer::default))
    }

    /// The first flag given of those that end training early, or keep and measure more than where it ends.
    pub fn beside(&self) -> Option<&'static str> {
        let given = [
            ("--target-loss", self.target_loss.is_some()),
            ("--target-gradient", self.target_gradient.is_some()),
            ("--best", self.best != Best::default()),
            ("--ema", self.ema.is_some()),
            ("--swa", self.swa.is_some()),
            ("--snapshots", self.snapshots.is_some()),
            ("--probe", self.probe.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let positive = |flag: &str, x: Option<f64>| match x {
            Some(x) if !(x > 0.0 && x.is_finite()) => {
                Err(Error::expected(flag, "a finite number above 0", x))
            }
            _ => Ok(()),
        };
        positive("--lr", self.lr)?;
        positive("--clip", self.clip)?;
        positive("--clip-value", self.clip_value)?;
        positive("--target-gradient", self.target_gradient)?;
        if let Some(loss) = self.target_loss.filter(|loss| !loss.is_finite()) {
            return Err(Error::expected("--target-loss", "a finite number", loss));
        }
        if !(self.sam >= 0.0 && self.sam.is_finite()) {
            return Err(Error::expected("--sam", "a finite number of at least 0", self.sam));
        }
        if let Some(decay) = self.ema.filter(|decay| !(0.0..1.0).contains(decay)) {
            return Err(Error::expected("--ema", "at least 0 and below 1", decay));
        }
        if !(self.warmup >= 0.0 && self.warmup <= self.epochs as f64) {
            return Err(Error::expected("--warmup", format!("0 to {} epochs", self.epochs), self.warmup));
        }
        if self.batch_size == Some(0) {
            return Err(Error::expected("--batch-size", "at least 1", 0));
        }
        if self.workers == Some(0) {
            return Err(Error::expected("--workers", "at least 1", 0));
        }
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        if let (Some(n), None) = (self.probe_samples, self.probe) {
            return Err(Error::expected("--probe-samples", "none without --probe", n));
        }
        self.preparation.check()?;
        exported::check(self)?;
        const MOST_EPOCHS: usize = 100_000_000;
        if self.epochs > MOST_EPOCHS {
            return Err(Error::expected("--epochs", format!("at most {MOST_EPOCHS}"), self.epochs));
        }
        if let Some(start) = self.swa.filter(|start| !(1..=self.epochs).contains(start)) {
            return Err(Error::expected("--swa", format!("an epoch, 1 to {}", self.epochs), start));
        }
        if self.optimizer.search().is_some() {
            // A line search sets the length of its steps itself, and compares losses of one function along one
            // direction, the gradient's own.
            let with = format!("none with {}", self.optimizer.name());
            if self.schedule != Schedule::default() {
                let expected = format!("{} with {}", Schedule::default(), self.optimizer.name());
                return Err(Error::expected("--schedule", expected, &self.schedule));
            }
            if self.warmup > 0.0 {
                return Err(Error::expected("--warmup", with, self.warmup));
            }
            if let Some(workers) = self.workers {
                return Err(Error::expected("--workers", with, workers));
            }
            if self.sam > 0.0 {
                return Err(Error::expected("--sam", with, self.sam));
            }
            for (flag, value) in [("--clip", self.clip), ("--clip-value", self.clip_value)] {
                if let Some(value) = value {
                    return Err(Error::expected(flag, with, value));
                }
            }
        }
        Ok(())
    }

    /// The largest curvature at which steps of this rate are stable, for full batches
    /// ([`Update::stability`](super::optimizers::Update::stability)), or why there is none.
    pub fn stability(&self, rate: f64) -> std::result::Result<f64, &'static str> {
        match () {
            // Long and Bartlett 2023: SAM's edge lies elsewhere, and depends on the gradient's norm.
            () if self.sam > 0.0 => Err("SAM's gradient is not that of the loss"),
            () if self.clip.is_some() || self.clip_value.is_some() => {
                Err("clipped steps are shorter than their rate says")
            }
            () if self.optimizer.search().is_some() => Err("a line search sets the length of each step"),
            // Cohen et al. 2022: the preconditioned Hessian is what settles at their edge.
            () => self
                .optimizer
                .stability(rate)
                .ok_or("the optimizer's own does not depend on the Hessian alone"),
        }
    }

    /// Refuses what does not fit `n` training samples and a network with this layout.
    pub fn check_for(&self, n: usize, layout: &Layout) -> Result<()> {
        if let (true, Some(size)) = (self.optimizer.full_batch(), self.batch_size)
            && size < n
        {
            let expected = format!("all {n} samples, which {} takes at once", self.optimizer.name());
            return Err(Error::expected("--batch-size", expected, size));
        }
        layout.check_group("training", n)?;
        let batch = self.batch(n);
        layout.check_group("--batch-size", batch)?;
        let (least, most) = (layout.fewest_samples(), batch / layout.fewest_samples());
        if let Some(workers) = self.workers.filter(|workers| *workers > most) {
            let expected = match least {
                1 => format!("at most {most}, the samples of a batch"),
                _ => format!(
                    "at most {most}, so that each has {least} of a batch's {batch} samples for its statistics"
                ),
            };
            return Err(Error::expected("--workers", expected, workers));
        }
        let epoch = self.batches(n, layout).count() as u64;
        if let Some(probe) = self.probe {
            let count = probe.count(epoch * self.epochs as u64);
            if count > probe::MOST {
                return Err(Error::expected("--probe", format!("at most {} probes", probe::MOST), count));
            }
        }
        if let Some(few) = self.probe_samples
            && !(1..=n).contains(&few)
        {
            return Err(Error::expected("--probe-samples", format!("1 to {n} training samples"), few));
        }
        layout.check_group("--probe-samples", self.probe_samples.unwrap_or(n))?;
        if let Some(when) = self.snapshots {
            let most = snapshots::MOST.min(100_000 / layout.parameters.len().max(1) as u64);
            let count = when.count(epoch, epoch * self.epochs as u64);
            if count > most {
                return Err(Error::expected("--snapshots", format!("at most {most} snapshots"), count));
            }
        }
        Ok(())
    }
}
