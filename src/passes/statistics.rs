//! Which statistics batch norm and its kin use in an analysis, as users say it.

use crate::base::{Error, Result};
use crate::landscape::path::Between;
use crate::nn::{Network, Statistics};
use serde::{Deserialize, Serialize};

/// Where the statistics come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Stats {
    /// The running ones of training, the same at every point.
    #[default]
    Running,
    /// Those of groups of the samples themselves.
    Batch,
    /// Running ones made anew at every point, by a pass over the training samples in groups.
    Refresh,
}

/// How many samples share statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSize {
    /// At most so many; sizes differ by at most one.
    Of(usize),
    /// All of them.
    All,
}

impl GroupSize {
    /// As the objective takes it.
    pub fn statistics(self) -> Statistics {
        match self {
            Self::Of(n) => Statistics::Groups(n),
            Self::All => Statistics::Groups(usize::MAX),
        }
    }
}

impl std::fmt::Display for GroupSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Of(n) => n.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

impl std::str::FromStr for GroupSize {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match (text, text.parse()) {
            ("all", _) => Ok(Self::All),
            // One sample has no statistics of its own.
            (_, Ok(n)) if n >= 2 => Ok(Self::Of(n)),
            _ => Err(format!("expected `all` or a number of at least 2, found `{text}`")),
        }
    }
}

impl Serialize for GroupSize {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Of(n) => n.serialize(s),
            Self::All => s.serialize_str("all"),
        }
    }
}

impl<'de> Deserialize<'de> for GroupSize {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = match toml::Value::deserialize(d)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a result says of statistics where there are none.
pub const NO_STATISTICS: &str = "none in this network";

/// Where statistics come from between two networks, in words, for results.
pub fn between(network: &Network, between: Between, batch: usize) -> String {
    match (network.layout().couples_samples, between) {
        (false, _) => NO_STATISTICS.to_owned(),
        (true, Between::Refresh) => format!("refreshed at every point, in groups of {batch}"),
        (true, Between::Interpolate) => "running, moved with the weights".to_owned(),
    }
}

/// What an analysis asked for, for a network: nothing to choose where there are no statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where statistics come from; `None` in a network without.
    pub stats: Option<Stats>,
    /// How many samples share them.
    pub group: GroupSize,
}

impl Policy {
    /// Resolves flags for a network that was trained in batches of `batch`.
    pub fn new(
        network: &Network,
        stats: Option<Stats>,
        group: Option<GroupSize>,
        batch: Option<usize>,
    ) -> Result<Self> {
        let couples = network.layout().couples_samples;
        let running = stats.unwrap_or_default() == Stats::Running;
        if let (false, Some(_)) = (couples, stats.filter(|_| !running)) {
            let found = "a network without norms that use several samples";
            return Err(Error::expected("--stats", "a network with batch or switchable norm", found));
        }
        if let (true, Some(group)) = (running, group) {
            return Err(Error::expected(
                "--stat-batch",
                "--stats batch or refresh",
                format!("{group} alone"),
            ));
        }
        // PyTorch's examples evaluate in hundreds where nothing is known of the training.
        let trained = GroupSize::Of(batch.unwrap_or(128).max(2));
        Ok(Self { stats: couples.then(|| stats.unwrap_or_default()), group: group.unwrap_or(trained) })
    }

    /// The statistics with which the loss is evaluated.
    pub fn evaluation(&self) -> Statistics {
        match self.stats {
            Some(Stats::Batch) => self.group.statistics(),
            _ => Statistics::Running,
        }
    }

    /// In words, for results; `moved`: running statistics go along with the weights; `singular`: what becomes of the
    /// singular vectors of spectral norm, if there are some.
    pub fn words(&self, singular: Option<&str>, moved: bool) -> String {
        let own = match (self.stats, singular) {
            (None, Some(singular)) => return format!("singular vectors {singular}"),
            (stats, _) => stats,
        };
        let own = match own {
            None => return NO_STATISTICS.to_owned(),
            Some(Stats::Running) if moved => "running, moved with the weights".to_owned(),
            Some(Stats::Running) => "running, frozen".to_owned(),
            Some(Stats::Batch) => format!("of groups of {}", self.group),
            Some(Stats::Refresh) => {
                format!("refreshed at every point, in groups of {}", self.group)
            }
        };
        singular.map_or(own.clone(), |singular| format!("{own}; singular vectors {singular}"))
    }
}
