//! What is measured while training goes on, and when: `sharpness:100` for every hundred steps.
//!
//! Start and end are always among the steps that are probed. Training only says where it is
//! ([`Event::Probe`](super::Event::Probe)); who listens measures. To add a sort of probe: a line in [`What`], and in
//! `What::ALL`.

use crate::base::registry::unknown;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is measured, and every how many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What.
    pub what: What,
    /// Every so many steps.
    pub every: u64,
}

/// What a probe measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The largest eigenvalue and the trace of the loss's Hessian, and the gradient noise scale.
    Sharpness,
    /// Both ends of the Hessian's spectrum and the gradient's norm: plateaus, and how long training is near saddles.
    Saddles,
    /// Critical sharpness, along the gradient and along the optimizer's update.
    CriticalSharpness,
    /// The local learning coefficient.
    LearningCoefficient,
}

/// Most probes of a run.
pub const MOST: u64 = 100_000;

impl What {
    /// Every sort, by its name.
    const ALL: [(&'static str, Self); 4] = [
        ("sharpness", Self::Sharpness),
        ("saddles", Self::Saddles),
        ("critical-sharpness", Self::CriticalSharpness),
        ("learning-coefficient", Self::LearningCoefficient),
    ];

    /// The sort of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
    }

    /// Whether it asks for eigenvalues of the Hessian.
    pub fn is_spectral(self) -> bool {
        matches!(self, Self::Sharpness | Self::Saddles)
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = Self::ALL.iter().find(|(_, what)| what == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

impl Probe {
    /// Whether it is made after so many steps, whatever comes then.
    pub fn due(self, step: u64) -> bool {
        step.is_multiple_of(self.every)
    }

    /// How many there are at most in so many steps, start and end included.
    pub fn count(self, steps: u64) -> u64 {
        2 + steps / self.every
    }
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.what, self.every)
    }
}

impl std::str::FromStr for Probe {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, every) = text.split_once(':').map_or((text, None), |(name, n)| (name, Some(n)));
        let name = name.trim();
        let Some(what) = What::named(name) else {
            let known = What::ALL.map(|(known, _)| known);
            // Without its place, which whoever reports the error knows better.
            return Err(unknown("", name, known).to_string().trim_start_matches(": ").to_owned());
        };
        let expected = |found: &str| format!("expected {name}:STEPS with at least 1 step, found `{found}`");
        match every.unwrap_or_default().trim().parse() {
            Ok(every) if every > 0 => Ok(Self { what, every }),
            _ => Err(expected(text)),
        }
    }
}

impl Serialize for Probe {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Probe {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_read_and_written_alike() -> Result<(), String> {
        let probe: Probe = "sharpness:100".parse()?;
        assert_eq!(probe, Probe { what: What::Sharpness, every: 100 });
        assert_eq!(probe.to_string(), "sharpness:100");
        let saddles: Probe = "saddles:5".parse()?;
        assert_eq!(saddles, Probe { what: What::Saddles, every: 5 });
        assert_eq!(
            [0, 1, 99, 100, 250, 300].map(|step| probe.due(step)),
            [true, false, false, true, false, true]
        );
        assert!(probe.count(250) >= 4);
        for (text, says) in [
            ("sharpness", "expected sharpness:STEPS"),
            ("sharpness:", "expected sharpness:STEPS"),
            ("sharpness:0", "at least 1 step"),
            ("sharpness:-5", "found `sharpness:-5`"),
            ("sharpness:1.5", "expected sharpness:STEPS"),
            ("sharpnes:10", "did you mean `sharpness`?"),
            ("100", "expected one of sharpness"),
            ("", "expected one of sharpness"),
        ] {
            let said = text.parse::<Probe>().err().unwrap_or_default();
            assert!(said.starts_with("expected ") && said.contains(says), "{text}: {said}");
        }
        Ok(())
    }
}
