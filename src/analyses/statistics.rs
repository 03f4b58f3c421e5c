//! Which statistics batch norm and its kin use in an analysis, as users say it.

use crate::base::{Error, Result};
use crate::landscape::path::Between;
use crate::nn::{Layout, Network, Statistics};
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
    /// Running ones recomputed at every point, by a pass over the training samples in groups; singular vectors of spectral
    /// norm renewed.
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
            // Whether one sample has statistics of its own depends on the network.
            (_, Ok(n)) if n >= 1 => Ok(Self::Of(n)),
            _ => Err(format!("expected `all` or a number of at least 1, found `{text}`")),
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

/// Where the state comes from between two networks, in words, for results; and why the losses at the ends are then not those
/// that training reported, where they are not.
pub fn between(network: &Network, between: Between, batch: usize) -> String {
    match between {
        Between::Interpolate => words(network, Stats::Running, batch, NO_STATISTICS, ""),
        Between::Refresh => {
            let why = "; so are those of the ends, whose losses training reported with what it left them";
            words(network, Stats::Refresh, batch, NO_STATISTICS, why)
        }
    }
}

/// Where the state of networks that are looked at one by one comes from, in words, for results.
pub fn apart(network: &Network, batch: usize) -> String {
    match words(network, Stats::Refresh, batch, "", "") {
        none if none.is_empty() => NO_STATISTICS.to_owned(),
        anew => format!("as training left them; of the average, and in the plane: {anew}"),
    }
}

fn words(network: &Network, stats: Stats, batch: usize, none: &str, end: &str) -> String {
    let policy = Policy::of(network.layout(), stats, GroupSize::Of(batch));
    match policy.stats {
        None => none.to_owned(),
        Some(_) => policy.words(true) + end,
    }
}

/// What an analysis asked for, for a network: nothing to choose where it has no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where the state comes from; `None` in a network without.
    pub stats: Option<Stats>,
    /// How many samples share statistics.
    pub group: GroupSize,
    /// Whether norms couple samples.
    couples: bool,
    /// Whether the loss itself couples them, in groups that were asked for.
    grouped: bool,
    /// Whether there are singular vectors of spectral norm.
    spectral: bool,
}

impl Policy {
    /// This policy for a network with this layout.
    pub fn of(layout: &Layout, stats: Stats, group: GroupSize) -> Self {
        let (couples, spectral) = (layout.couples_samples, !layout.spectral.is_empty());
        Self { stats: (couples || spectral).then_some(stats), group, couples, grouped: false, spectral }
    }

    /// Resolves flags for a network that was trained in batches of `batch`.
    pub fn new(
        network: &Network,
        stats: Option<Stats>,
        group: Option<GroupSize>,
        batch: Option<usize>,
    ) -> Result<Self> {
        let layout = network.layout();
        let (couples, spectral) = (layout.couples_samples, !layout.spectral.is_empty());
        let expected = match stats.unwrap_or_default() {
            Stats::Batch if !couples => Some("a network with batch or switchable norm"),
            Stats::Refresh if !couples && !spectral => {
                Some("a network with batch, switchable or spectral norm")
            }
            _ => None,
        };
        if let Some(expected) = expected {
            return Err(Error::expected("--stats", expected, "one without, whose state does not change"));
        }
        let running = stats.unwrap_or_default() == Stats::Running;
        if let (Some(group), Some(usize::MAX), false) = (group, network.together(), couples) {
            return Ok(Self { grouped: true, ..Self::of(layout, Stats::Running, group) });
        }
        if let (true, Some(group)) = (running || !couples, group) {
            let (expected, found) = if couples {
                ("--stats batch or refresh", format!("{group} alone"))
            } else {
                ("a network with batch or switchable norm", "one without".to_owned())
            };
            return Err(Error::expected("--stat-batch", expected, found));
        }
        if let Some(GroupSize::Of(n)) = group {
            layout.check_group("--stat-batch", n)?;
        }
        // PyTorch's examples evaluate in hundreds where nothing is known of the training.
        let trained = GroupSize::Of(batch.unwrap_or(128).max(layout.fewest_samples()));
        Ok(Self::of(layout, stats.unwrap_or_default(), group.unwrap_or(trained)))
    }

    /// The statistics with which the loss is evaluated.
    pub fn evaluation(&self) -> Statistics {
        match self.stats {
            Some(Stats::Batch) => self.group.statistics(),
            _ if self.grouped => self.group.statistics(),
            _ => Statistics::Running,
        }
    }

    /// Refuses so many samples (those that `what` names) to evaluate the loss on, where they are too few for statistics.
    pub fn check_samples(&self, network: &Network, what: &str, n: usize) -> Result<()> {
        match self.stats {
            Some(Stats::Batch) if n > 0 => {
                network.layout().check_group(format_args!("--stats batch: {what} samples"), n)
            }
            _ => Ok(()),
        }
    }

    /// In words, for results; `moved`: the state goes along with the weights.
    pub fn words(&self, moved: bool) -> String {
        let Some(stats) = self.stats else { return NO_STATISTICS.to_owned() };
        let kept = if moved { "moved with the weights" } else { "frozen" };
        let norms = match stats {
            Stats::Running => format!("running, {kept}"),
            Stats::Batch => format!("of groups of {}", self.group),
            Stats::Refresh => format!("refreshed at every point, in groups of {}", self.group),
        };
        let singular = match stats {
            Stats::Running | Stats::Batch => format!("singular vectors {kept}"),
            Stats::Refresh => "singular vectors renewed at every point".to_owned(),
        };
        let parts = [(self.couples, norms), (self.spectral, singular)];
        parts.into_iter().filter(|part| part.0).map(|part| part.1).collect::<Vec<String>>().join("; ")
    }
}
