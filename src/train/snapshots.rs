//! When training keeps a snapshot of the weights: every so many steps, every so many epochs, or at steps whose
//! distances grow by a constant ratio.
//!
//! The start and the end are always among them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which steps leave a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// Every so many steps.
    Steps(u64),
    /// Every so many epochs.
    Epochs(u64),
    /// About so many steps, from the first to the last in a geometric row: round(T^(i / (K - 1))), i = 0 .. K - 1.
    Log(u64),
}

/// Most snapshots of a run: each is a whole set of weights.
pub const MOST: u64 = 10_000;

impl Snapshots {
    /// The steps after which one is kept, ascending, besides the start, for `total` steps of which an epoch has
    /// `epoch`. Not the last, unless it is one of them.
    pub fn steps(self, epoch: u64, total: u64) -> Box<dyn Iterator<Item = u64>> {
        let every = |n: u64| Box::new((1..=total / n.max(1)).map(move |i| i * n.max(1)));
        match self {
            Self::Steps(n) => every(n),
            Self::Epochs(n) => every(n.saturating_mul(epoch)),
            Self::Log(k) => {
                let last = (k.max(2) - 1) as f64;
                let at = move |i: u64| (total as f64).powf(i as f64 / last).round() as u64;
                let mut before = 0;
                Box::new((0..k).map(at).filter(move |s| {
                    let new = *s > before && *s <= total;
                    before = before.max(*s);
                    new
                }))
            }
        }
    }

    /// How many there are at most, start and end included.
    pub fn count(self, epoch: u64, total: u64) -> u64 {
        2 + match self {
            Self::Steps(n) => total / n.max(1),
            Self::Epochs(n) => total / n.saturating_mul(epoch).max(1),
            Self::Log(k) => k,
        }
    }
}

impl std::fmt::Display for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Steps(n) => write!(f, "{n}"),
            Self::Epochs(n) => write!(f, "epochs:{n}"),
            Self::Log(k) => write!(f, "log:{k}"),
        }
    }
}

impl std::str::FromStr for Snapshots {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a number of steps, epochs:N or log:COUNT, found `{text}`");
        let (kind, number) = text.split_once(':').unwrap_or(("steps", text));
        let n: u64 = number.trim().parse().map_err(|_| expected())?;
        match (kind.trim(), n) {
            (_, 0) => Err(format!("expected at least 1, found `{text}`")),
            ("steps", n) => Ok(Self::Steps(n)),
            ("epochs", n) => Ok(Self::Epochs(n)),
            ("log", n) => Ok(Self::Log(n)),
            _ => Err(expected()),
        }
    }
}

impl Serialize for Snapshots {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Snapshots {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // In a file a bare number of steps need not stand in quotes.
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of steps, \"epochs:N\" or \"log:COUNT\"")]
        enum Written {
            Steps(u64),
            Text(String),
        }
        let text = match Written::deserialize(d)? {
            Written::Steps(n) => n.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_that_the_words_say() -> Result<(), String> {
        let steps =
            |text: &str| Ok::<_, String>(text.parse::<Snapshots>()?.steps(5, 20).collect::<Vec<u64>>());
        assert_eq!(steps("8")?, [8, 16]);
        assert_eq!(steps("epochs:2")?, [10, 20]);
        // 20^(i/4): 1, 2.11, 4.47, 9.46, 20.
        assert_eq!(steps("log:5")?, [1, 2, 4, 9, 20]);
        assert_eq!(steps("log:1")?, [1]);
        // 20^(i/39) repeats small numbers, which count once.
        let many = steps("log:40")?;
        assert!(many.windows(2).all(|w| w[0] < w[1]) && many[0] == 1 && many.last() == Some(&20));
        for text in ["8", "epochs:2", "log:5"] {
            let read: Snapshots = text.parse()?;
            assert_eq!(read.to_string(), text);
            assert!(read.count(5, 20) >= 2 + read.steps(5, 20).count() as u64);
        }
        for text in ["0", "log:0", "x", "weeks:3", "1.5", "-1", ""] {
            assert!(text.parse::<Snapshots>().is_err(), "{text}");
        }
        Ok(())
    }
}
