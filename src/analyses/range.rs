//! Ranges as users write them: `min:max:n`.

use serde::{Deserialize, Serialize};

/// Equally spaced points of one axis, as `min:max:n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// First point.
    pub min: f64,
    /// Last point.
    pub max: f64,
    /// Number of points, at least 2.
    pub n: usize,
}

impl Range {
    /// The points. Ranges symmetric about 0 with odd n contain 0 exactly.
    pub fn points(&self) -> Vec<f64> {
        let last = (self.n - 1) as f64;
        let at = |i: usize| (self.min * (last - i as f64) + self.max * i as f64) / last;
        (0..self.n).map(at).collect()
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.min, self.max, self.n)
    }
}

impl std::str::FromStr for Range {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let [min, max, n] = parts.as_slice() else {
            return Err(format!("expected min:max:n, found `{text}`"));
        };
        let number = |what: &str, t: &str| match t.trim().parse::<f64>() {
            Ok(x) if x.is_finite() && x.abs() <= 1e30 => Ok(x),
            Ok(x) if x.is_finite() => Err(format!("expected -1e30 to 1e30 as {what}, found `{t}`")),
            _ => Err(format!("expected a finite number as {what}, found `{t}`")),
        };
        let (min, max) = (number("min", min)?, number("max", max)?);
        let n: usize = n.trim().parse().map_err(|_| format!("expected a number of points, found `{n}`"))?;
        if n < 2 {
            return Err(format!("expected at least 2 points, found {n}"));
        }
        // Distinct points need room between them, in the precision that computes them.
        if !(min < max && (max - min) / n as f64 > 4.0 * f64::EPSILON * min.abs().max(max.abs())) {
            return Err(format!("expected min below max, found {min}:{max}"));
        }
        Ok(Self { min, max, n })
    }
}

/// One axis of a slice as users ask for it: a range, or a number of points between ends that the directions know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// `min:max:n`
    Range(Range),
    /// `n`
    Points(usize),
}

impl Side {
    /// Number of points.
    pub fn n(self) -> usize {
        match self {
            Self::Range(range) => range.n,
            Self::Points(n) => n,
        }
    }

    /// The range, between `ends` where none were given.
    pub fn over(self, ends: (f64, f64)) -> Range {
        match self {
            Self::Range(range) => range,
            Self::Points(n) => Range { min: ends.0, max: ends.1, n },
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::Points(n) => n.fmt(f),
        }
    }
}

impl std::str::FromStr for Side {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.trim().parse() {
            Ok(n) if n >= 2 => Ok(Self::Points(n)),
            Ok(n) => Err(format!("expected at least 2 points, found {n}")),
            Err(_) => text.parse().map(Self::Range),
        }
    }
}

impl Serialize for Side {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        // A number of points need not stand in quotes.
        let text = match toml::Value::deserialize(d)? {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Range {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text: String = Deserialize::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
