//! What tickets and controls came to: an array of each measure, medians over seeds, and whether tickets match.

use super::TicketSettings;
use super::compute::{End, Kind, Level, MEASURES, width};
use super::verdict::{Verdict, best, sparsest, statement};
use crate::base::log::Pieces;
use crate::base::npz::{Npz, Values};
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Result, files};
use crate::figure::Figure;
use crate::landscape::path::evenly;
use crate::nn::layout::Parameter;
use crate::nn::{Network, Weights};
use crate::passes::over_seeds::summed;
use crate::passes::pair::{BARRIERS, MEASURES as ALONG, Pair};
use crate::passes::{DataSettings, Files, Saved, archive, document, to_json};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What is known before training.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub title: String,
    pub samples: (usize, usize),
    pub total: u64,
    pub noise: Vec<&'static str>,
    pub statistics: String,
    pub data: DataSettings,
    /// Shape of a sample.
    pub image: Vec<usize>,
    pub network: Arc<Network>,
}

/// A finished search for lottery tickets.
#[derive(Clone, Debug)]
pub struct TicketResult {
    summary: Value,
    arrays: Npz,
    /// Masks and weights; none of a result that was read to be drawn again.
    files: Files,
    /// Weight files that an earlier result may have left, where this one has none.
    absent: Vec<String>,
}

/// Kinds of networks, as results call them.
pub(super) const TICKET: &str = "ticket";

/// The controls, as results and sentences call them.
const CONTROLS: [(Kind, &str, &str); 2] = [
    (Kind::Reinit, "reinit", "the same masks from other initial weights"),
    (Kind::RandomMask, "random_mask", "random masks"),
];

/// Everything that was trained, by level and seed.
struct Table<'a> {
    settings: &'a TicketSettings,
    seeds: &'a [Vec<Level>],
    pieces: &'a Pieces,
}

impl Table<'_> {
    fn level(&self, level: usize, seed: usize) -> Option<&Level> {
        self.seeds.get(seed)?.get(level)
    }

    /// How the training of a control ended, and its numbers.
    fn control(&self, kind: Kind, level: usize, seed: usize) -> (End, &[f64]) {
        let record = self.pieces.get(&kind.index(self.settings, seed, level));
        match record.filter(|r| r.len() == width(self.settings)).and_then(|r| r.split_first()) {
            Some((end, numbers)) => (End::ALL.get(*end as usize).copied().unwrap_or(End::Missing), numbers),
            None => (End::Missing, &[]),
        }
    }

    /// How a ticket, or one of its controls, ended, and what was measured of it.
    fn one(&self, kind: Option<Kind>, level: usize, seed: usize) -> (End, Vec<f64>) {
        match kind {
            Some(kind) if kind.at(self.settings, level) => {
                let (end, numbers) = self.control(kind, level, seed);
                (end, numbers.iter().copied().take(MEASURES.len()).collect())
            }
            // The dense network, where everything is left.
            _ => match self.level(level, seed) {
                Some(found) => (found.end, found.numbers.to_vec()),
                None => (End::Missing, Vec::new()),
            },
        }
    }

    /// A measure at every level and seed.
    fn measure(&self, kind: Option<Kind>, measure: usize) -> Vec<f64> {
        let places = (0..=self.settings.levels).flat_map(|l| (0..self.seeds.len()).map(move |s| (l, s)));
        places.map(|(l, s)| self.one(kind, l, s).1.get(measure).copied().unwrap_or(f64::NAN)).collect()
    }

    /// The line between two trainings of a ticket.
    fn line(&self, level: usize, seed: usize) -> Pair {
        let points = self.settings.points;
        match self.control(Kind::Stability, level, seed) {
            (End::Computed, numbers) => Pair::read(&numbers[..Pair::width(points)]),
            _ => Pair::missing(points),
        }
    }

    /// A share of elements at every level, as the first seed that came so far has it: it is the same in all.
    fn share(&self, of: &[&Parameter]) -> Vec<f64> {
        let all: usize = of.iter().map(|p| p.size()).sum();
        let at = |level: usize| {
            let found = (0..self.seeds.len()).find_map(|seed| self.level(level, seed));
            let left = |found: &Level| of.iter().map(|p| found.mask.count(p.range())).sum::<usize>();
            found.map_or(f64::NAN, |found| left(found) as f64 / all as f64)
        };
        (0..=self.settings.levels).map(at).collect()
    }
}

impl TicketResult {
    pub(super) fn new(
        settings: &TicketSettings,
        facts: Facts,
        seeds: &[Vec<Level>],
        pieces: &Pieces,
    ) -> Result<Self> {
        let settings = &settings.resolved();
        let table = Table { settings, seeds, pieces };
        let network = &facts.network;
        let weights: Vec<&Parameter> = network.layout().weights().collect();
        let (levels, count) = (settings.levels + 1, seeds.len());
        let seed_list: Vec<u64> = (0..count).map(|s| settings.train(s).seed).collect();
        let controls: Vec<_> = CONTROLS.into_iter().filter(|(kind, ..)| kind.at(settings, 1)).collect();
        let kinds: Vec<(Option<Kind>, &str)> =
            [(None, TICKET)].into_iter().chain(controls.iter().map(|c| (Some(c.0), c.1))).collect();
        let left = table.share(&weights);

        let mut arrays = Npz::default();
        arrays.push("level", &[levels], (0..levels as i64).collect::<Vec<i64>>());
        arrays.push("remaining", &[levels], left.clone());
        arrays.push("seed", &[count], Values::I64(seed_list.iter().map(|s| *s as i64).collect()));
        for (i, name) in MEASURES.iter().enumerate() {
            let all: Vec<f64> = kinds.iter().flat_map(|(kind, _)| table.measure(*kind, i)).collect();
            arrays.push(name, &[kinds.len(), levels, count], all);
        }
        let per_level = |of: &dyn Fn(usize, usize) -> Vec<f64>| -> Vec<f64> {
            (0..levels).flat_map(|l| (0..count).flat_map(move |s| of(l, s))).collect()
        };
        let shares = |level: usize, seed: usize| {
            let of = |p: &&Parameter| {
                let found = table.level(level, seed).map(|found| found.mask.count(p.range()));
                found.map_or(f64::NAN, |n| n as f64 / p.size() as f64)
            };
            weights.iter().map(of).collect::<Vec<f64>>()
        };
        arrays.push("layer_remaining", &[levels, count, weights.len()], per_level(&shares));
        // How many of the first layer's weights are left for each input, where each has its own.
        let features = network.features();
        let first = weights.first().filter(|p| p.shape.len() == 2 && p.shape[1] == features);
        if let Some(first) = first {
            let inputs = |level: usize, seed: usize| {
                let Some(found) = table.level(level, seed) else { return vec![f64::NAN; features] };
                let mut left = vec![0.0; features];
                for neuron in first.filters() {
                    let kept = &found.mask.kept()[neuron];
                    left.iter_mut().zip(kept).for_each(|(n, kept)| *n += f64::from(u8::from(*kept)));
                }
                left
            };
            arrays.push("inputs", &[levels, count, features], per_level(&inputs));
        }
        if settings.stability {
            push_lines(&mut arrays, &table, [levels, count, settings.points]);
        }

        let at = MEASURES.iter().position(|name| *name == "test_accuracy").unwrap_or_default();
        let judged = |kind: Option<Kind>| -> Vec<Verdict> {
            let (dense, own) = (table.measure(None, at), table.measure(kind, at));
            let row = |level: usize| &own[level * count..(level + 1) * count];
            (0..levels).map(|l| Verdict::new(&dense[..count], row(l), facts.samples.1)).collect()
        };
        let verdicts: Vec<Vec<Verdict>> = kinds.iter().map(|(kind, _)| judged(*kind)).collect();
        let sentences: Vec<(&str, Vec<Verdict>)> =
            controls.iter().zip(&verdicts[1..]).map(|(c, v)| (c.2, v.clone())).collect();
        let list: Vec<Value> = (0..levels)
            .map(|level| {
                let mut members = Map::from_iter([
                    ("level".to_owned(), json!(level)),
                    ("remaining".to_owned(), json!(left[level])),
                ]);
                for ((kind, name), verdicts) in kinds.iter().zip(&verdicts) {
                    let mut own = Map::new();
                    for (i, measure) in MEASURES.iter().enumerate() {
                        let all = table.measure(*kind, i);
                        own.insert((*measure).to_owned(), summed(&all[level * count..(level + 1) * count]));
                    }
                    let compared = verdicts[level].members();
                    own.extend(compared.map(|(key, value)| (key.to_owned(), value)));
                    let ends = (0..count).map(|s| table.one(*kind, level, s).0.words());
                    own.insert("status".to_owned(), ends.collect());
                    members.insert((*name).to_owned(), own.into());
                }
                if settings.stability {
                    let pairs: Vec<Pair> = (0..count).map(|seed| table.line(level, seed)).collect();
                    let barriers: Vec<[f64; 4]> = pairs.iter().map(Pair::barriers).collect();
                    let mut own = Map::new();
                    for (i, name) in BARRIERS.iter().enumerate() {
                        own.insert(
                            (*name).to_owned(),
                            summed(&barriers.iter().map(|b| b[i]).collect::<Vec<_>>()),
                        );
                    }
                    let distances: Vec<f64> = pairs.iter().map(|p| p.distance).collect();
                    own.insert("distance".to_owned(), summed(&distances));
                    members.insert("stability".to_owned(), own.into());
                }
                members.into()
            })
            .collect();
        let ends: Vec<End> = (0..levels)
            .flat_map(|l| (0..count).map(move |s| (l, s)))
            .flat_map(|(l, s)| {
                let own = kinds.iter().map(move |(kind, _)| (*kind, l, s));
                own.chain(settings.stability.then_some((Some(Kind::Stability), l, s)))
            })
            .map(|(kind, l, s)| table.one(kind, l, s).0)
            .collect();
        let lost = ends.iter().filter(|end| **end != End::Computed).count();
        let level = |level: Option<usize>| level.map(|l| json!({"level": l, "remaining": left[l]}));
        let match_at = sparsest(&verdicts[0]);
        let summary = json!({
            "command": "ticket",
            "version": env!("CARGO_PKG_VERSION"),
            "status": match lost {
                0 => "done".to_owned(),
                n => format!("{n} of {} networks diverged, or come after one that did", ends.len()),
            },
            "title": facts.title,
            "settings": settings,
            "seed": settings.seed,
            "seeds": seed_list,
            "data": facts.data,
            "data_sha256": facts.data.sha256,
            "samples": {"train": facts.samples.0, "test": facts.samples.1},
            "parameters": network.layout().size(),
            "weights": weights.iter().map(|p| p.size()).sum::<usize>(),
            "layers": weights.iter().map(|p| json!({"name": p.name, "shape": p.shape})).collect::<Vec<_>>(),
            "input": facts.image,
            "steps": facts.total,
            "noise": facts.noise,
            "statistics": facts.statistics,
            "trainings": ends.len(),
            "diverged": lost,
            "kinds": kinds.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
            "sparsest_match": level(match_at),
            "best": level(best(&verdicts[0])).map(|mut members| {
                let found = best(&verdicts[0]).map(|l| &verdicts[0][l]);
                members["difference"] = json!(found.map(Verdict::difference));
                members["higher"] = json!(found.map(Verdict::higher));
                members
            }),
            "beats": (1..levels).filter(|l| verdicts[0][*l].beats == Some(true)).collect::<Vec<_>>(),
            "statement": statement(&left, &verdicts[0], &sentences),
            "levels": list,
        });
        let mut files: Files = Vec::new();
        let mut absent = Vec::new();
        for (seed, chain) in seed_list.iter().zip(seeds) {
            files.push((format!("masks-{seed}.safetensors"), masks(network, chain, &facts.data)?));
            let name = format!("ticket-{seed}.safetensors");
            match match_at.and_then(|level| chain.get(level)).filter(|l| l.end == End::Computed) {
                Some(found) => {
                    let weights = Weights {
                        network: (**network).clone(),
                        precision: settings.precision,
                        theta: found.point.theta.clone(),
                        state: found.point.state.clone(),
                        data: to_json(&facts.data)?.to_string(),
                    };
                    files.push((name, weights.to_bytes()?));
                }
                None => absent.push(name),
            }
        }
        Ok(Self { summary, arrays, files, absent })
    }

    /// Network and data in one line.
    pub fn title(&self) -> &str {
        self.summary["title"].as_str().unwrap_or_default()
    }

    /// The scalars, as recorded.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// An array by name; empty if there is none.
    pub fn array(&self, name: &str) -> Vec<f64> {
        self.arrays.get(name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// A measure of a kind of network at every level and seed; empty if there is none.
    pub(super) fn of(&self, kind: &str, name: &str) -> Vec<f64> {
        let kinds = self.summary["kinds"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(at) = kinds.iter().position(|k| k == kind) else { return Vec::new() };
        let each = self.array("level").len() * self.array("seed").len();
        self.array(name).get(at * each..(at + 1) * each).unwrap_or_default().to_vec()
    }

    /// Weight files that do not belong to this result.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// What did not hold: training diverged.
    pub fn unmet(&self) -> Option<Error> {
        let lost = self.summary["diverged"].as_u64().filter(|n| *n > 0);
        lost.map(|n| {
            let what = format!("{n} of {} networks, or ones before them", self.summary["trainings"]);
            Error::unmet("ticket: diverged", what)
        })
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("ticket.json");
        let at = files::named(&path);
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let summary: Value = serde_json::from_str(&text).map_err(|e| Error::value(&at, &e.to_string()))?;
        let count = |key: &str| summary[key].as_array().map(Vec::len);
        let (Some(levels), Some(seeds), Some(kinds), Some(layers)) =
            (count("levels"), count("seeds"), count("kinds"), count("layers"))
        else {
            let expected = "`levels`, `seeds`, `kinds` and `layers` of a search for tickets";
            return Err(Error::expected(&at, expected, "none"));
        };
        let path = directory.join("ticket.npz");
        let at = files::named(&path);
        let arrays = Npz::read(&path)?;
        let mut shapes = vec![
            ("level", vec![levels]),
            ("remaining", vec![levels]),
            ("seed", vec![seeds]),
            ("test_accuracy", vec![kinds, levels, seeds]),
            ("layer_remaining", vec![levels, seeds, layers]),
        ];
        if summary["settings"]["stability"] == true {
            shapes.extend(BARRIERS.map(|name| (name, vec![levels, seeds])));
        }
        let features =
            summary["input"].as_array().map(|d| d.iter().filter_map(Value::as_u64).product::<u64>());
        if let (Some(features), Some(_)) = (features, arrays.get("inputs")) {
            shapes.push(("inputs", vec![levels, seeds, features as usize]));
        }
        for (name, shape) in shapes {
            if arrays.get(name).is_none_or(|a| a.shape != shape) {
                let expected = format!("an array of shape {shape:?}");
                return Err(Error::expected(format!("{at}: {name}"), expected, "another or none"));
            }
        }
        Ok(Self { summary, arrays, files: Vec::new(), absent: Vec::new() })
    }
}

/// Barriers and distances of shape (levels, seeds), and what is met on the lines.
fn push_lines(arrays: &mut Npz, table: &Table, [levels, count, points]: [usize; 3]) {
    let pairs: Vec<Pair> =
        (0..levels).flat_map(|l| (0..count).map(move |s| (l, s))).map(|(l, s)| table.line(l, s)).collect();
    arrays.push("t", &[points], evenly(points));
    let barriers: Vec<[f64; 4]> = pairs.iter().map(Pair::barriers).collect();
    for (i, name) in BARRIERS.iter().enumerate() {
        arrays.push(name, &[levels, count], barriers.iter().map(|b| b[i]).collect::<Vec<f64>>());
    }
    arrays.push("distance", &[levels, count], pairs.iter().map(|p| p.distance).collect::<Vec<f64>>());
    for (i, name) in ALONG.iter().enumerate() {
        let all: Vec<f64> = pairs.iter().flat_map(|p| p.values()[i].to_vec()).collect();
        arrays.push(&format!("line_{name}"), &[levels, count, points], all);
    }
}

/// A file of all masks of a seed: the tensors `LEVEL/NAME`, ones and zeros in the shapes of the weights.
fn masks(network: &Network, chain: &[Level], data: &DataSettings) -> Result<Vec<u8>> {
    let levels: Vec<usize> = (1..chain.len()).collect();
    let of = |level: &usize| {
        let mask = &chain[*level].mask;
        let tensor = |p: &Parameter| Tensor {
            name: format!("{level}/{}", p.name),
            shape: p.shape.clone(),
            data: Data::U8(mask.bytes(p.range())),
        };
        network.layout().weights().map(tensor).collect::<Vec<Tensor>>()
    };
    let metadata = BTreeMap::from([
        ("losscape".to_owned(), to_json(network.spec())?.to_string()),
        ("losscape.data".to_owned(), to_json(data)?.to_string()),
        ("losscape.levels".to_owned(), json!(levels).to_string()),
    ]);
    Ok(TensorFile { metadata, tensors: levels.iter().flat_map(of).collect() }.to_bytes())
}

impl Saved for TicketResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.files.clone();
        all.push(archive("ticket.npz", &self.arrays)?);
        all.push(("ticket.json".to_owned(), document(&self.summary)));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
