//! What tickets and controls came to: an array of each measure, medians over seeds, and whether tickets match.

use super::TicketSettings;
use super::compute::{End, Kind, Level, MEASURES};
use super::table::{Named, Table};
use super::verdict::{Verdict, best, sparsest, statement};
use crate::analyses::pair::BARRIERS;
use crate::analyses::seeded::of_run;
use crate::analyses::stored::{self, Arrays};
use crate::analyses::{DataSettings, Files, Saved, archive, document, to_json};
use crate::base::log::Pieces;
use crate::base::npz::Npz;
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::nn::layout::Parameter;
use crate::nn::{Network, Weights};
use crate::train::TrainSettings;
use serde_json::{Value, json};
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
    pub(super) summary: Value,
    arrays: Npz,
    /// Masks and weights; none of a result that was read to be drawn again.
    files: Files,
    /// Weight files that an earlier result may have left, where this one has none.
    pub(super) absent: Vec<String>,
}

/// What results call tickets.
pub(super) const TICKET: &str = "ticket";

/// The controls, as results and sentences call them.
const CONTROLS: [(Kind, &str, &str); 2] = [
    (Kind::Reinit, "reinit", "the same masks from other initial weights"),
    (Kind::RandomMask, "random_mask", "random masks"),
];

impl TicketResult {
    pub(super) fn new(
        settings: &TicketSettings,
        training: &TrainSettings,
        facts: Facts,
        seeds: &[Vec<Level>],
        pieces: &Pieces,
    ) -> Result<Self> {
        let table = Table { settings, seeds, pieces };
        let network = &facts.network;
        let weights: Vec<&Parameter> = network.layout().weights().collect();
        let (levels, count) = (settings.rounds + 1, seeds.len());
        let seed_list: Vec<u64> = (0..count).map(|s| of_run(training, s).seed).collect();
        let controls: Vec<_> = CONTROLS.into_iter().filter(|(kind, ..)| kind.at(settings, 1)).collect();
        let kinds: Vec<Named> =
            [(None, TICKET)].into_iter().chain(controls.iter().map(|c| (Some(c.0), c.1))).collect();
        let left = table.share(&weights);

        let arrays = table.arrays(network, &seed_list, &kinds);
        let at = MEASURES.iter().position(|name| *name == "test_accuracy").unwrap_or_default();
        let judged = |kind: Option<Kind>| -> Vec<Verdict> {
            let (dense, own) = (table.measure(None, at), table.measure(kind, at));
            let row = |level: usize| &own[level * count..(level + 1) * count];
            (0..levels).map(|l| Verdict::new(&dense[..count], row(l), facts.samples.1)).collect()
        };
        let verdicts: Vec<Vec<Verdict>> = kinds.iter().map(|(kind, _)| judged(*kind)).collect();
        let sentences: Vec<(&str, Vec<Verdict>)> =
            controls.iter().zip(&verdicts[1..]).map(|(c, v)| (c.2, v.clone())).collect();
        let list: Vec<Value> =
            (0..levels).map(|level| table.members(level, left[level], &kinds, &verdicts)).collect();
        let ends = table.ends(&kinds);
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
            "train": training.resolved(),
            "seed": training.seed,
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
                        precision: training.precision,
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

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "ticket")?;
        let count = |key: &str| summary[key].as_array().map(Vec::len);
        let (Some(levels), Some(seeds), Some(kinds), Some(layers)) =
            (count("levels"), count("seeds"), count("kinds"), count("layers"))
        else {
            let expected = "`levels`, `seeds`, `kinds` and `layers` of a search for tickets";
            return Err(Error::expected(&at, expected, "none"));
        };
        let arrays = Arrays::read(directory, "ticket")?;
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
        if let (Some(features), Some(_)) = (features, arrays.npz.get("inputs")) {
            shapes.push(("inputs", vec![levels, seeds, features as usize]));
        }
        for (name, shape) in shapes {
            arrays.shaped(name, &shape)?;
        }
        Ok(Self { summary, arrays: arrays.npz, files: Vec::new(), absent: Vec::new() })
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
