//! What a search found: an array of each number of the descents, and what they come to.

use super::CriticalSettings;
use super::rank::spearman;
use super::starts::{Form, Kind, Start};
use crate::analyses::stored::{self, Arrays};
use crate::analyses::{DataSettings, Files, Saved, archive, document};
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::{Error, Result, Streams};
use crate::figure::Figure;
use crate::landscape::newton::{Found, Stopped};
use serde_json::{Value, json};
use std::path::Path;

/// What is known before the first descent.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub title: String,
    pub parameters: usize,
    pub samples: usize,
    pub data: DataSettings,
    pub notes: Vec<String>,
}

/// Numbers of a descent before its eigenvalues and its parameters, in the order of the log.
const NUMBERS: [&str; 13] = [
    "loss",
    "gradient_norm",
    "index",
    "negative",
    "zero",
    "lambda_min",
    "lambda_max",
    "threshold",
    "distance",
    "flatness",
    "steps",
    "start_loss",
    "start_gradient_norm",
];
/// Numbers in a record for p parameters: those, what the descent ended as, eigenvalues and parameters.
pub(super) fn width(p: usize) -> usize {
    NUMBERS.len() + 1 + 2 * p
}

/// A descent as a record.
pub(super) fn numbers(found: Found) -> Vec<f64> {
    let stopped = Stopped::ALL.iter().position(|s| *s == found.stopped).unwrap_or_default();
    let end = |x: Option<&f64>| x.copied().unwrap_or(f64::NAN);
    let known = found.eigenvalues.iter().all(|l| l.is_finite());
    let count = |n: usize| if known { n as f64 } else { f64::NAN };
    let mut all = vec![
        found.value,
        found.gradient_norm,
        if known { found.index() } else { f64::NAN },
        count(found.negative()),
        count(found.zero()),
        end(found.eigenvalues.first()),
        end(found.eigenvalues.last()),
        found.threshold,
        found.distance,
        found.flatness,
        found.steps as f64,
        found.start.0,
        found.start.1,
        stopped as f64,
    ];
    all.extend(found.eigenvalues);
    all.extend(found.theta);
    all
}

/// A finished search.
#[derive(Clone, Debug)]
pub struct CriticalResult {
    pub(super) summary: Value,
    pub(super) arrays: Npz,
}

/// Losses of one critical point and its copies under the symmetries of the network differ by rounding, and by the square of
/// what is left to the zero.
const SAME: f64 = 1e-8;

/// Points that were found once or several times: the positions of each, by loss and number of negative eigenvalues.
fn distinct(kept: &[usize], loss: &[f64], negative: &[f64]) -> Vec<Vec<usize>> {
    let mut order = kept.to_vec();
    order.sort_by(|a, b| negative[*a].total_cmp(&negative[*b]).then(loss[*a].total_cmp(&loss[*b])));
    let same = |a: &usize, b: &usize| {
        negative[*a] == negative[*b] && loss[*b] - loss[*a] <= SAME * (1.0 + loss[*a].abs())
    };
    let mut groups: Vec<Vec<usize>> = order.chunk_by(same).map(<[usize]>::to_vec).collect();
    groups.sort_by(|a, b| loss[a[0]].total_cmp(&loss[b[0]]));
    groups
}

impl CriticalResult {
    pub(super) fn new(
        settings: &CriticalSettings,
        facts: Facts,
        starts: &[Start],
        pieces: &Pieces,
    ) -> Result<Self> {
        let (n, p) = (starts.len(), facts.parameters);
        let record = |i: usize| pieces.get(&(i as u64)).map(Vec::as_slice);
        let whole = (0..n).all(|i| record(i).is_some_and(|r| r.len() == width(p)));
        if !whole || pieces.len() != n {
            return Err(Error::unmet("critical", format!("not all of {n} descents are there")));
        }
        let column = |at: usize| -> Vec<f64> { (0..n).filter_map(record).map(|r| r[at]).collect() };
        let code = |x: f64| x as i64;
        let mut arrays = Npz::default();
        let kinds: Vec<i64> = starts
            .iter()
            .map(|s| Kind::ALL.iter().position(|k| *k == s.kind).map_or(-1, |k| k as i64))
            .collect();
        let form = |s: &Start| Form::ALL.iter().position(|f| Some(*f) == s.form).map_or(-1, |k| k as i64);
        arrays.push("kind", &[n], crate::base::npz::Values::I64(kinds.clone()));
        arrays.push("form", &[n], crate::base::npz::Values::I64(starts.iter().map(form).collect()));
        let stopped: Vec<i64> = column(NUMBERS.len()).into_iter().map(code).collect();
        arrays.push("stopped", &[n], crate::base::npz::Values::I64(stopped.clone()));
        for (at, name) in NUMBERS.iter().enumerate() {
            arrays.push(name, &[n], column(at));
        }
        let block = |from: usize| -> Vec<f64> {
            (0..n).filter_map(record).flat_map(|r| r[from..from + p].iter().copied()).collect()
        };
        arrays.push("eigenvalues", &[n, p], block(NUMBERS.len() + 1));
        arrays.push("theta", &[n, p], block(NUMBERS.len() + 1 + p));

        let of = |name: &str| NUMBERS.iter().position(|x| *x == name).map(column).unwrap_or_default();
        let (loss, index, negative) = (of("loss"), of("index"), of("negative"));
        let (lambda_min, zero) = (of("lambda_min"), of("zero"));
        let kept: Vec<usize> = (0..n).filter(|i| stopped[*i] == 0).collect();
        let groups = distinct(&kept, &loss, &negative);
        let streams = Streams::new(settings.seed);
        let correlation = |at: &[usize]| {
            let of = |v: &[f64]| at.iter().map(|i| v[*i]).collect::<Vec<f64>>();
            spearman(&of(&loss), &of(&index), &streams)
        };
        let first: Vec<usize> = groups.iter().map(|g| g[0]).collect();
        let ends = |at: &mut dyn Iterator<Item = usize>| {
            let mut counts = serde_json::Map::new();
            let all: Vec<usize> = at.map(|i| stopped[i] as usize).collect();
            for (k, s) in Stopped::ALL.iter().enumerate() {
                counts.insert(s.name().to_owned(), json!(all.iter().filter(|x| **x == k).count()));
            }
            Value::Object(counts)
        };
        let range = |at: &[usize], v: &[f64]| {
            let of = |f: fn(f64, f64) -> f64| at.iter().map(|i| v[*i]).reduce(f);
            json!({"min": of(f64::min), "max": of(f64::max)})
        };
        // Of all that were found: the least of a group would hide how much the others differ.
        let (saddle, minimum): (Vec<usize>, Vec<usize>) = kept.iter().partition(|i| negative[**i] > 0.0);
        let mut by_kind = serde_json::Map::new();
        for (k, kind) in Kind::ALL.iter().enumerate() {
            let own = |i: &usize| kinds[*i] == k as i64;
            let at: Vec<usize> = kept.iter().copied().filter(own).collect();
            let entry = json!({
                "starts": kinds.iter().filter(|x| **x == k as i64).count(),
                "kept": at.len(),
                "distinct": groups.iter().filter(|g| g.iter().any(own)).count(),
                "ended": ends(&mut (0..n).filter(own)),
                "loss": range(&at, &loss),
                "index": range(&at, &index),
            });
            by_kind.insert(kind.name().to_owned(), entry);
        }
        let points: Vec<Value> = groups
            .iter()
            .map(|g| {
                let names = |i: &usize| Kind::ALL.get(kinds[*i] as usize).map_or("", |k| k.name());
                let mut from: Vec<&str> = g.iter().map(names).collect();
                from.sort_unstable();
                from.dedup();
                let i = g[0];
                json!({
                    "loss": loss[i],
                    "index": index[i],
                    "negative": negative[i],
                    "zero": zero[i],
                    "lambda_min": lambda_min[i],
                    "found": g.len(),
                    "from": from,
                })
            })
            .collect();
        let gradients = of("gradient_norm");
        let largest = kept.iter().map(|i| gradients[*i]).reduce(f64::max);
        let saddles = first.iter().filter(|i| negative[**i] > 0.0).count();
        let summary = json!({
            "command": "critical",
            "version": env!("CARGO_PKG_VERSION"),
            "status": if kept.is_empty() { "no critical point was found" } else { "done" },
            "notes": facts.notes,
            "title": facts.title,
            "settings": settings,
            "seed": settings.seed,
            "data": facts.data,
            "data_sha256": facts.data.sha256,
            "parameters": p,
            "samples": {"train": facts.samples},
            "kinds": Kind::ALL.map(Kind::name),
            "forms": Form::ALL.map(Form::name),
            "stops": Stopped::ALL.map(Stopped::name),
            "starts": n,
            "kept": kept.len(),
            "distinct": groups.len(),
            "distinct_minima": groups.len() - saddles,
            "distinct_saddles": saddles,
            "minima": {"loss": range(&minimum, &loss)},
            "saddles": {"loss": range(&saddle, &loss), "lambda_min": range(&saddle, &lambda_min)},
            "ended": ends(&mut (0..n)),
            "largest_gradient_norm": largest,
            "rank_correlation": correlation(&first),
            "rank_correlation_all": correlation(&kept),
            "by_kind": by_kind,
            "points": points,
        });
        Ok(Self { summary, arrays })
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// The scalars, as recorded.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// An array by name.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "critical")?;
        let Some(n) = summary["starts"].as_u64().and_then(|n| usize::try_from(n).ok()) else {
            return Err(Error::expected(&at, "`starts` of a search for critical points", "none"));
        };
        let arrays = Arrays::read(directory, "critical")?;
        for name in NUMBERS.iter().chain(&["kind", "stopped"]) {
            arrays.shaped(name, &[n])?;
        }
        Ok(Self { summary, arrays: arrays.npz })
    }
}

impl Saved for CriticalResult {
    fn files(&self) -> Result<Files> {
        Ok(vec![
            archive("critical.npz", &self.arrays)?,
            ("critical.json".to_owned(), document(&self.summary)),
        ])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
