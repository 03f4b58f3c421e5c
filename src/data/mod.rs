//! Data sets: what a network is trained and measured on.
//!
//! A kind of data set is one file with one struct: its settings, and `load`, which returns all samples as they
//! are ([`Raw`]). What follows is the same for all and stands in [`Dataset::load`]: splitting, choosing a subset,
//! label noise, standardising, as [`Preparation`] says. [`Augment`] varies images while training, a
//! [`Shift`] makes test samples that training did not prepare for.
//!
//! To add one: write a file like `blobs.rs` and add its line below. It then shows in `--data`, in `losscape
//! list`, in recipes and in the tests here.
//!
//! # Paths
//! Kinds that read files take paths as settings, and keep them as they were given: a relative path stays relative
//! to the directory that the program is started in (the data of a run are looked for from its own directory, too), and
//! `~` is the home directory. What identifies a data set is the SHA-256 of its samples
//! ([`Dataset::sha256`]), never the path. A path with a comma or an equals sign is put in quotation marks.

pub mod augment;
pub mod channels;
pub mod cifar;
pub mod dataset;
mod doubts;
pub mod input;
pub mod preparation;
pub mod samples;
pub mod scaling;
pub mod shifts;

pub use augment::Augment;
pub use channels::Channels;
pub use dataset::Dataset;
pub use preparation::{Amount, Preparation, Standardize};
pub use samples::{Samples, Targets};
pub use scaling::{Scaling, Units};
pub use shifts::Shift;

use crate::base::registry::{Kind, Registry, parse_value};
use crate::base::{self, Error, Streams};
use rand::seq::SliceRandom;
use std::fmt::Display;
use std::ops::RangeInclusive;

crate::registry! {
    /// Where samples come from.
    Source, "data set", match_source {
        digits => Digits;
        spirals => Spirals;
        blobs => Blobs;
        moons => Moons;
        circles => Circles;
        mnist1d => Mnist1d;
        polynomial => Polynomial;
        quadratic => Quadratic;
        teacher_student => TeacherStudent;
        gaussian_teacher => GaussianTeacher;
        identity => Identity;
        random_labels => RandomLabels;
        idx => Idx;
        cifar10 => Cifar10;
        cifar100 => Cifar100;
        csv => Csv;
        npz => NpzFile;
        npy => Npy;
        images => Images;
        text => Text;
        arguments => Arguments;
    }
}

/// Samples as a source gives them, before splitting and standardising.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw {
    /// Of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Number of classes, labels are below it; or how many values a sample has.
    pub outputs: usize,
    /// All samples.
    pub samples: Samples,
    /// Which of them are set aside for testing.
    pub split: Split,
    /// Whether the inputs mean what they are: [`Standardize::Auto`] then leaves them alone.
    pub own_scale: bool,
    /// Which features are numbers of something, such as texts, and are not standardised; empty where none is.
    pub numbers: Vec<bool>,
    /// What looks wrong or had to be assumed, a line each.
    pub notes: Vec<String>,
    /// What the classes are called, in order; empty where they have no names beside their numbers.
    pub class_names: Vec<String>,
}

/// Which samples are set aside for testing; none by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// So many, drawn at random.
    Random(usize),
    /// So many at the end, as the source has them.
    Last(usize),
    /// So many at the end, and nothing is put into another order.
    Ordered(usize),
}

impl Default for Split {
    fn default() -> Self {
        Self::Last(0)
    }
}

impl Split {
    /// Drawn at random: a share of `n` samples; none for a share of 0, else at least one, as long as one is left to train on.
    pub fn share(n: usize, share: f64) -> Self {
        let count = (share * n as f64).round() as usize;
        let least = usize::from(share > 0.0);
        Self::Random(count.max(least).min(n.saturating_sub(1)))
    }

    /// The samples for training, in random order, then those for testing; and how many are for training.
    fn order(self, n: usize, streams: &Streams) -> (Vec<usize>, usize) {
        let mut rng = streams.stream("data/split", 0);
        let mut order: Vec<usize> = (0..n).collect();
        match self {
            Self::Random(held_out) => {
                let held_out = held_out.min(n);
                order.shuffle(&mut rng);
                order.rotate_left(held_out);
                (order, n - held_out)
            }
            Self::Last(held_out) => {
                let train = n - held_out.min(n);
                order[..train].shuffle(&mut rng);
                (order, train)
            }
            Self::Ordered(held_out) => (order, n - held_out.min(n)),
        }
    }
}

impl Source {
    /// The samples, generated from `streams` where the source generates.
    pub fn load(&self, streams: &Streams) -> base::Result<Raw> {
        match_source!(self, kind => {
            kind.check()?;
            kind.load(streams)
        })
    }

    /// The same source with other paths to its files: each as `path` has it.
    pub fn with_paths(&self, path: &dyn Fn(&str) -> String) -> base::Result<Self> {
        fn paths_of<K: Kind>(_: &K) -> &'static [&'static str] {
            K::PATHS
        }
        let paths = match_source!(self, kind => paths_of(kind));
        let mut settings = self.settings();
        for (key, value) in &mut settings {
            match value {
                toml::Value::String(text) if paths.contains(&key.as_str()) && !text.is_empty() => {
                    *text = path(text)
                }
                // A data set made from another one.
                toml::Value::Table(inner) if inner.contains_key("kind") => {
                    *value = Self::from_value(value.clone())?.with_paths(path)?.to_value();
                }
                _ => {}
            }
        }
        Self::from_settings(self.name(), settings)
    }

    /// Its paths to files and directories.
    pub fn paths(&self) -> Vec<String> {
        let all = std::cell::RefCell::new(Vec::new());
        let take = |path: &str| {
            all.borrow_mut().push(path.to_owned());
            path.to_owned()
        };
        // The same source again, which was valid.
        let _ = self.with_paths(&take);
        all.into_inner()
    }

    /// The source as titles show it: its kind and the settings that are not defaults, of paths the last part only,
    /// so that pictures do not depend on where files lie.
    pub fn title(&self) -> String {
        if let Self::Arguments(arguments) = self {
            return arguments.title();
        }
        let text = self.text();
        let Some((name, settings)) = text.split_once(':').filter(|(_, rest)| rest.contains('/')) else {
            return base::shown::spoken(&text);
        };
        let shorten = |part: &str| {
            let Some((key, value)) = part.split_once('=') else { return part.to_owned() };
            let value = match parse_value(value) {
                toml::Value::String(path) => {
                    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
                }
                _ => value.to_owned(),
            };
            format!("{key}={value}")
        };
        let parts: Vec<String> =
            base::registry::split_outside_brackets(settings).into_iter().map(shorten).collect();
        base::shown::spoken(&format!("{name}:{}", parts.join(",")))
    }
}

/// Refuses weights of samples that no mean can be taken with: what they should be, and what they are.
fn weights_in(weights: &[f64]) -> Result<(), (&'static str, String)> {
    if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(("weights of at least 0", format!("{} for sample {i}", weights[i])));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(("some weight above 0", "none".to_owned()));
    }
    Ok(())
}

/// Refuses a setting outside `range`; NaN lies outside every range.
fn within<T: PartialOrd + Display>(setting: &str, value: T, range: RangeInclusive<T>) -> base::Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::expected(setting, format!("{} to {}", range.start(), range.end()), value))
}

/// Refuses a data set that would not fit in memory beside a network; nothing is allocated before.
fn fits_in_memory(setting: &str, samples: usize, features: usize) -> base::Result<()> {
    // Loading holds the samples once, and those for testing twice.
    const MOST: u128 = 2 << 30;
    let bytes = 8 * samples as u128 * features as u128;
    if bytes <= MOST {
        return Ok(());
    }
    let gib = bytes as f64 / (1u64 << 30) as f64;
    Err(Error::expected(
        setting,
        "data of at most 2 GiB",
        format!("{samples} x {features} numbers, {gib:.1} GiB"),
    ))
}

/// Reserves room for `count` numbers more; a machine without it says so.
fn reserve(to: &mut Vec<f64>, count: usize, at: &str) -> base::Result<()> {
    to.try_reserve_exact(count).map_err(|e| Error::machine(at, e))
}
