//! How many draws are enough: the median loss along the radius over draws of the directions, with a simultaneous band.
//!
//! A draw's profile is the mean of its loss over the points of the grid at about one distance from the center, as far as the grid
//! reaches in all directions. The band of the median over draws is the sup-t band of the bootstrap over draws (Montiel Olea and
//! Plagborg-Moller 2019): median +- c s, s its standard deviation over resampled draws at each radius, and c the quantile, at the
//! level, of the largest |resampled median - median| / s over all radii. It holds at all radii at once; of few
//! draws it is itself rough.

use super::result::SliceResult;
use super::view::View;
use crate::base::Streams;
use crate::base::random::Rng;
use crate::base::statistics::quantile;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use rand::RngExt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// How many draws of the directions: a number, or until the band is narrow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Repeat {
    /// So many.
    Times(usize),
    /// Until the band of the median loss is narrower than this share of its range.
    Until(f64),
}

impl std::fmt::Display for Repeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Times(n) => write!(f, "{n}"),
            Self::Until(share) => write!(f, "until={share}"),
        }
    }
}

impl std::str::FromStr for Repeat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a number of draws, or until=SHARE, found `{text}`");
        match text.split_once('=') {
            None => text.trim().parse().map(Self::Times).map_err(|_| expected()),
            Some((name, share)) if name.trim() == "until" => {
                share.trim().parse().map(Self::Until).map_err(|_| expected())
            }
            Some(_) => Err(expected()),
        }
    }
}

impl Serialize for Repeat {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Times(n) => s.serialize_u64(*n as u64),
            Self::Until(_) => s.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Repeat {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(usize),
            Text(String),
        }
        match Written::deserialize(d)? {
            Written::Number(n) => Ok(Self::Times(n)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// Fewest draws of which a band is believed.
pub const FEWEST: usize = 8;
/// Most draws, unless the settings say otherwise.
pub const MOST: usize = 50;
/// Level of the band.
pub const LEVEL: f64 = 0.95;
/// Resampled sets of draws: a quantile of 95 % is then that of 50 beyond it.
const RESAMPLED: usize = 1000;

/// The median over draws along the radius.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Distances from the center.
    pub radius: Vec<f64>,
    /// The median over draws.
    pub median: Vec<f64>,
    /// Half of the band's width.
    pub half: Vec<f64>,
}

impl Band {
    /// The widest place of the band as a share of the range of the median; infinite where the median is not finite.
    pub fn share(&self) -> f64 {
        let fold = |start: f64, f: fn(f64, f64) -> f64, of: &[f64]| of.iter().copied().fold(start, f);
        let range =
            fold(f64::NEG_INFINITY, f64::max, &self.median) - fold(f64::INFINITY, f64::min, &self.median);
        let widest = 2.0 * fold(0.0, f64::max, &self.half);
        match widest / range {
            share if share.is_finite() => share,
            _ if widest == 0.0 && range == 0.0 => 0.0,
            _ => f64::INFINITY,
        }
    }
}

/// The band of the median of profiles, a draw each, at the level.
pub fn band(radius: Vec<f64>, profiles: &[Vec<f64>], level: f64, rng: &mut Rng) -> Band {
    let n = profiles.len();
    let median_of = |draws: &[usize]| -> Vec<f64> {
        let at = |i: usize| {
            let mut values: Vec<f64> = draws.iter().map(|d| profiles[*d][i]).collect();
            values.sort_by(f64::total_cmp);
            quantile(&values, 0.5)
        };
        (0..radius.len()).map(at).collect()
    };
    let median = median_of(&(0..n).collect::<Vec<usize>>());
    let mut resampled = Vec::with_capacity(RESAMPLED);
    for _ in 0..RESAMPLED {
        let draws: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
        resampled.push(median_of(&draws));
    }
    let deviation = |i: usize| {
        let squares: f64 = resampled.iter().map(|m| (m[i] - median[i]).powi(2)).sum();
        (squares / RESAMPLED as f64).sqrt()
    };
    let deviations: Vec<f64> = (0..radius.len()).map(deviation).collect();
    let furthest = |m: &Vec<f64>| {
        let off = (0..radius.len())
            .filter(|i| deviations[*i] > 0.0)
            .map(|i| (m[i] - median[i]).abs() / deviations[i]);
        off.fold(0.0, f64::max)
    };
    let mut all: Vec<f64> = resampled.iter().map(furthest).collect();
    all.sort_by(f64::total_cmp);
    let times = quantile(&all, level);
    // Where nothing varies, there is no band; where the median is not finite, it has no end.
    let half = deviations.iter().map(|s| {
        if *s == 0.0 {
            0.0
        } else if s.is_finite() {
            times * s
        } else {
            f64::INFINITY
        }
    });
    Band { radius, median, half: half.collect() }
}

/// The distances from the center of a view's grid at which profiles are taken, and the mean loss there.
fn profile(view: &View) -> (Vec<f64>, Vec<f64>) {
    let coordinates = view.facts.coordinates();
    let reach = |axis: &Vec<f64>| axis.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let furthest = coordinates.0.iter().map(reach).fold(f64::INFINITY, f64::min);
    let count = (coordinates.0[0].len() / 2).max(1);
    let (mut sums, mut numbers) = (vec![0.0; count + 1], vec![0usize; count + 1]);
    for (i, loss) in view.map("train_loss").iter().enumerate() {
        let distance = coordinates.at(i).iter().map(|x| x * x).sum::<f64>().sqrt();
        let bin = (distance / furthest * count as f64).round();
        if bin <= count as f64 {
            sums[bin as usize] += loss;
            numbers[bin as usize] += 1;
        }
    }
    let there = (0..=count).filter(|b| numbers[*b] > 0);
    there.map(|b| (furthest * b as f64 / count as f64, sums[b] / numbers[b] as f64)).unzip()
}

/// The band over the draws of one network.
pub fn over(views: &[&View], seed: u64) -> Option<Band> {
    let (radius, _) = profile(views.first()?);
    let profiles: Vec<Vec<f64>> = views.iter().map(|view| profile(view).1).collect();
    let mut rng = Streams::new(seed).stream("slice/draws", views.len() as u64);
    Some(band(radius, &profiles, LEVEL, &mut rng))
}

/// What is said of the draws of each network, where they were made until a band is narrow.
pub fn summary(views: &[View], until: f64, seed: u64) -> Value {
    let mut labels: Vec<&str> = views.iter().map(|v| v.facts.label.as_str()).collect();
    labels.dedup();
    let of = |label: &&str| {
        let own: Vec<&View> = views.iter().filter(|v| v.facts.label == **label).collect();
        let band = over(&own, seed)?;
        let (share, count) = (band.share(), own.len());
        let met = share <= until;
        let status = if met {
            format!("the median loss is known to {:.3} of its range, at {LEVEL} for all radii at once", share)
        } else {
            format!(
                "{count} draws are not enough: the band of the median loss is {share:.3} of its range wide, not {until}"
            )
        };
        let ends =
            |sign: f64| band.median.iter().zip(&band.half).map(|(m, h)| m + sign * h).collect::<Vec<f64>>();
        Some(json!({
            "label": label,
            "count": count,
            "until": until,
            "share": Some(share).filter(|s| s.is_finite()),
            "enough": met,
            "level": LEVEL,
            "status": status,
            "radius": band.radius,
            "median": band.median,
            "low": ends(-1.0),
            "high": ends(1.0),
        }))
    };
    json!(labels.iter().filter_map(of).collect::<Vec<Value>>())
}

/// Networks whose draws were not enough, in words.
pub fn unmet(result: &SliceResult) -> Vec<String> {
    let all = result.summary().get("draws").and_then(Value::as_array);
    let failed = all.into_iter().flatten().filter(|draws| draws["enough"] != true);
    failed.filter_map(|draws| draws["status"].as_str().map(str::to_owned)).collect()
}

/// The median loss along the radius with its band, a curve a network.
pub fn figure(result: &SliceResult, loss: &str, subtitle: String) -> Option<Figure> {
    let all = result.summary().get("draws").and_then(Value::as_array)?;
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().into_iter().flatten().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    };
    let series = |draws: &Value| Series {
        label: if all.len() > 1 {
            draws["label"].as_str().unwrap_or_default().to_owned()
        } else {
            format!("median of {} draws, {:.0} % band", draws["count"], 100.0 * LEVEL)
        },
        x: numbers(&draws["radius"]),
        y: numbers(&draws["median"]),
        band: Some((numbers(&draws["low"]), numbers(&draws["high"]))),
        style: Style::Line,
    };
    Some(Figure {
        name: "draws".to_owned(),
        chart: "lines".to_owned(),
        title: "Median loss over draws, with its simultaneous band".to_owned(),
        subtitle,
        panels: vec![Panel {
            x: Axis { label: "distance from the center".to_owned(), scale: Scale::Linear, range: None },
            y: Axis { label: loss.to_owned(), scale: Scale::Auto, range: None },
            series: all.iter().map(series).collect(),
            ..Panel::default()
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::normal;

    /// Profiles a r^2 + b r^4 with log-normal a and b: medians are not those of sums, so they are taken of many draws.
    fn draws(seed: u64, count: usize) -> Vec<Vec<f64>> {
        let mut rng = Streams::new(seed).stream("draws", 0);
        let one = |_| {
            let [a, b] = [0.3, 0.5].map(|spread: f64| (spread * normal(&mut rng)).exp());
            (0..=10).map(|i| f64::from(i) / 10.0).map(|r| a * r * r + b * r.powi(4)).collect()
        };
        (0..count).map(one).collect()
    }

    fn radius() -> Vec<f64> {
        (0..=10).map(|i| f64::from(i) / 10.0).collect()
    }

    #[test]
    fn the_band_covers_the_median_at_all_radii_at_once() {
        let many = draws(1000, 40_001);
        let truth: Vec<f64> = (0..=10)
            .map(|i| {
                let mut values: Vec<f64> = many.iter().map(|p| p[i]).collect();
                values.sort_by(f64::total_cmp);
                quantile(&values, 0.5)
            })
            .collect();
        let covers = |seed: u64| {
            let mut rng = Streams::new(seed).stream("bootstrap", 0);
            let found = band(radius(), &draws(seed, 30), LEVEL, &mut rng);
            found.median.iter().zip(&found.half).zip(&truth).all(|((m, h), t)| (m - t).abs() <= *h)
        };
        let covering = (0..50).filter(|seed| covers(*seed)).count();
        // 95 % less two standard errors.
        assert!(covering >= 45, "{covering} of 50");
    }

    #[test]
    fn a_band_narrows_with_draws_and_says_when_it_is_none() {
        let of = |count: usize| {
            let mut rng = Streams::new(1).stream("bootstrap", 0);
            band(radius(), &draws(1, count), LEVEL, &mut rng).share()
        };
        assert!(of(400) < 0.5 * of(20), "{} {}", of(400), of(20));
        let mut rng = Streams::new(1).stream("bootstrap", 0);
        assert_eq!(band(vec![0.0, 1.0], &vec![vec![1.0, 2.0]; 8], LEVEL, &mut rng).share(), 0.0);
        let broken = vec![vec![1.0, f64::INFINITY]; 8];
        assert_eq!(band(vec![0.0, 1.0], &broken, LEVEL, &mut rng).share(), f64::INFINITY);
    }

    #[test]
    fn numbers_of_draws_are_read_and_written_alike() {
        for text in ["1", "20", "until=0.1"] {
            let repeat: Repeat = text.parse().expect(text);
            assert_eq!(repeat.to_string(), text);
            let json = serde_json::to_value(repeat).expect("JSON");
            assert_eq!(serde_json::from_value::<Repeat>(json).expect("a number of draws"), repeat);
        }
        for text in ["", "until", "until=", "until=x", "for=3", "-1", "1.5"] {
            assert!(text.parse::<Repeat>().is_err(), "{text}");
        }
    }
}
