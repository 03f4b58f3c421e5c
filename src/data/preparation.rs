//! What is done to any data set before training: choosing a subset, label noise, standardising.
//!
//! In that order, so that statistics are those of the samples that training sees. All of it follows the data seed
//! and is part of what [`Dataset::sha256`](super::Dataset::sha256) identifies.

use super::{Samples, Targets, within};
use crate::base::{Error, Result, Streams};
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Data settings that apply to every source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Preparation {
    /// Subtract the training mean and divide by the training standard deviation, of each `feature` (pixel) or each
    /// `channel`, or of `none`; `auto`: of each feature, unless the inputs have a scale of their own
    #[arg(long, value_name = "WAY", default_value_t = Preparation::default().standardize)]
    pub standardize: Standardize,
    /// Subtract the training mean of target values and divide by their standard deviation, each output's own: losses and
    /// gradients are then of the size that learning rates are made for. Errors are reported in the targets' own units, too
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub standardize_targets: bool,
    /// Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or `all`
    #[arg(long, value_name = "PART", default_value_t = Preparation::default().subset)]
    pub subset: Amount,
    /// Use equally many training samples of every class
    #[arg(long)]
    pub balance: bool,
    /// Give this share of the training samples a wrong class, drawn uniformly from the others
    #[arg(long, value_name = "SHARE", default_value_t = Preparation::default().label_noise)]
    pub label_noise: f64,
}

impl Default for Preparation {
    fn default() -> Self {
        // Inputs of mean 0 and variance 1, as LeCun et al. 1998 ("Efficient BackProp", 4.3) advise.
        Self {
            standardize: Standardize::Auto,
            standardize_targets: false,
            subset: Amount::All,
            balance: false,
            label_noise: 0.0,
        }
    }
}

impl Preparation {
    /// The default, standardised as given.
    pub fn standardized(standardize: Standardize) -> Self {
        Self { standardize, ..Self::default() }
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        within("--label-noise", self.label_noise, 0.0..=1.0)
    }

    /// Cuts the training samples to the subset. They are in random order: the first ones are a fair sample, and a
    /// smaller subset is part of a larger one.
    pub(super) fn choose(&self, train: &mut Samples, outputs: usize) -> Result<()> {
        let all = train.len();
        let most = match self.subset {
            Amount::All => all,
            Amount::Count(n) if !(1..=all).contains(&n) => {
                return Err(Error::expected("--subset", format!("1 to {all} training samples"), n));
            }
            Amount::Count(n) => n,
            Amount::Share(share) => ((share * all as f64).round() as usize).clamp(1.min(all), all),
        };
        if !self.balance {
            train.truncate(most);
            return Ok(());
        }
        let Some(labels) = train.labels() else {
            return Err(Error::expected("--balance", "data with classes", "data with values"));
        };
        let mut counts = vec![0usize; outputs];
        labels.iter().for_each(|&label| counts[label as usize] += 1);
        let fewest = counts.iter().copied().min().unwrap_or(0);
        let each = match self.subset {
            Amount::All => fewest,
            Amount::Count(n) if n % outputs != 0 => {
                return Err(Error::expected("--subset", format!("a multiple of the {outputs} classes"), n));
            }
            _ => most / outputs,
        };
        if !(1..=fewest).contains(&each) {
            let expected = format!("1 to {fewest} training samples of each class");
            return Err(Error::expected("--balance", expected, each));
        }
        let mut taken = vec![0usize; outputs];
        let mut has_room = |label: u32| {
            taken[label as usize] += 1;
            taken[label as usize] <= each
        };
        let indices: Vec<usize> = (0..all).filter(|&i| has_room(labels[i])).collect();
        *train = train.select(&indices, train.features());
        Ok(())
    }

    /// Label noise: the nearest whole number of samples to the share of them, drawn at random, get another class.
    pub(super) fn corrupt(&self, train: &mut Samples, outputs: usize, streams: &Streams) -> Result<()> {
        if self.label_noise == 0.0 {
            return Ok(());
        }
        let Targets::Classes(labels) = &mut train.y else {
            return Err(Error::expected("--label-noise", "0 for data with values", self.label_noise));
        };
        if outputs < 2 {
            return Err(Error::expected("--label-noise", "0 where there is one class", self.label_noise));
        }
        let mut rng = streams.stream("data/label-noise", 0);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.shuffle(&mut rng);
        order.truncate((self.label_noise * labels.len() as f64).round() as usize);
        for i in order {
            // Any class but its own: those above it move down by one.
            let other = rng.random_range(0..outputs as u32 - 1);
            labels[i] = other + u32::from(other >= labels[i]);
        }
        Ok(())
    }
}

/// What mean and deviation are taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standardize {
    /// Of each feature; of none where the source says that its inputs have a scale of their own.
    #[default]
    Auto,
    /// Of each feature; for images, of each pixel and channel.
    Feature,
    /// Of each channel; of everything where there are no channels.
    Channel,
    /// Inputs stay as they are.
    None,
}

impl fmt::Display for Standardize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Feature => "feature",
            Self::Channel => "channel",
            Self::None => "none",
        })
    }
}

impl FromStr for Standardize {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "auto" => Self::Auto,
            "feature" | "true" => Self::Feature,
            "channel" => Self::Channel,
            "none" | "false" => Self::None,
            other => {
                let known = ["auto", "feature", "channel", "none", "true", "false"];
                return Err(crate::base::registry::unknown("standardize", other, known));
            }
        })
    }
}

impl Serialize for Standardize {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Standardize {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        scalar(d)
    }
}

/// Part of the training samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Amount {
    /// All of them.
    #[default]
    All,
    /// So many.
    Count(usize),
    /// This share of them, above 0 and at most 1.
    Share(f64),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Share(share) => write!(f, "{share:?}"),
        }
    }
}

impl FromStr for Amount {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Ok(n) = text.parse() {
            return Ok(Self::Count(n));
        }
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::Share(share)),
            _ => {
                let expected = "a number of samples, a share such as 0.1 or `all`";
                Err(Error::expected("subset", expected, format!("`{text}`")))
            }
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::All => s.serialize_str("all"),
            Self::Count(n) => s.serialize_u64(*n as u64),
            Self::Share(share) => s.serialize_f64(*share),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        scalar(d)
    }
}

/// Reads a setting that has a text, whichever way a configuration file or the command line took that text: as a
/// string, a number or true and false.
pub(super) fn scalar<'de, D: Deserializer<'de>, T: FromStr<Err = Error>>(
    from: D,
) -> std::result::Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: FromStr<Err = Error>> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a word or a number")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<T, E> {
            text.parse().map_err(E::custom)
        }
        fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<T, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<T, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<T, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<T, E> {
            self.visit_str(&format!("{value:?}"))
        }
    }
    from.deserialize_any(Text(PhantomData))
}
