//! Everything that was trained, by level and seed, as arrays and as members of a result.

use super::TicketSettings;
use super::compute::{End, Kind, Level, MEASURES, width};
use super::verdict::Verdict;
use crate::analyses::over_seeds::summed;
use crate::analyses::pair::{BARRIERS, MEASURES as ALONG, Pair};
use crate::base::log::Pieces;
use crate::base::npz::{Npz, Values};
use crate::landscape::path::evenly;
use crate::nn::Network;
use crate::nn::layout::Parameter;
use serde_json::{Map, Value, json};

/// A kind of network: a ticket, or one of its controls; and what results call it.
pub(super) type Named = (Option<Kind>, &'static str);

/// Everything that was trained, by level and seed.
pub(super) struct Table<'a> {
    pub settings: &'a TicketSettings,
    pub seeds: &'a [Vec<Level>],
    pub pieces: &'a Pieces,
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
    pub fn one(&self, kind: Option<Kind>, level: usize, seed: usize) -> (End, Vec<f64>) {
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
    pub fn measure(&self, kind: Option<Kind>, measure: usize) -> Vec<f64> {
        self.each(|level, seed| self.one(kind, level, seed).1.get(measure).copied().unwrap_or(f64::NAN))
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
    pub fn share(&self, of: &[&Parameter]) -> Vec<f64> {
        let all: usize = of.iter().map(|p| p.size()).sum();
        let at = |level: usize| {
            let found = (0..self.seeds.len()).find_map(|seed| self.level(level, seed));
            let left = |found: &Level| of.iter().map(|p| found.mask.count(p.range())).sum::<usize>();
            found.map_or(f64::NAN, |found| left(found) as f64 / all as f64)
        };
        (0..=self.settings.rounds).map(at).collect()
    }

    /// What `of` gives for every level and seed.
    fn each<T>(&self, of: impl Fn(usize, usize) -> T) -> Vec<T> {
        let (levels, seeds) = (0..=self.settings.rounds, self.seeds.len());
        levels.flat_map(|l| (0..seeds).map(move |s| (l, s))).map(|(l, s)| of(l, s)).collect()
    }

    /// The arrays of a result, whose seeds these are.
    pub fn arrays(&self, network: &Network, seeds: &[u64], kinds: &[Named]) -> Npz {
        let (settings, levels, count) = (self.settings, self.settings.rounds + 1, self.seeds.len());
        let weights: Vec<&Parameter> = network.layout().weights().collect();
        let seeds: Vec<i64> = seeds.iter().map(|seed| *seed as i64).collect();
        let mut arrays = Npz::default();
        arrays.push("level", &[levels], (0..levels as i64).collect::<Vec<i64>>());
        arrays.push("remaining", &[levels], self.share(&weights));
        arrays.push("seed", &[count], Values::I64(seeds));
        for (i, name) in MEASURES.iter().enumerate() {
            let all: Vec<f64> = kinds.iter().flat_map(|(kind, _)| self.measure(*kind, i)).collect();
            arrays.push(name, &[kinds.len(), levels, count], all);
        }
        let shares = |level: usize, seed: usize| {
            let of = |p: &&Parameter| {
                let found = self.level(level, seed).map(|found| found.mask.count(p.range()));
                found.map_or(f64::NAN, |n| n as f64 / p.size() as f64)
            };
            weights.iter().map(of).collect::<Vec<f64>>()
        };
        arrays.push("layer_remaining", &[levels, count, weights.len()], self.each(shares).concat());
        // How many of the first layer's weights are left for each input, where each has its own.
        let features = network.features();
        let first = weights.first().filter(|p| p.shape.len() == 2 && p.shape[1] == features);
        if let Some(first) = first {
            let inputs = |level: usize, seed: usize| {
                let Some(found) = self.level(level, seed) else { return vec![f64::NAN; features] };
                let mut left = vec![0.0; features];
                for neuron in first.filters() {
                    let kept = &found.mask.kept()[neuron];
                    left.iter_mut().zip(kept).for_each(|(n, kept)| *n += f64::from(u8::from(*kept)));
                }
                left
            };
            arrays.push("inputs", &[levels, count, features], self.each(inputs).concat());
        }
        if settings.in_two_orders() {
            self.push_lines(&mut arrays);
        }
        arrays
    }

    /// Barriers and distances of shape (levels, seeds), and what is met on the lines.
    fn push_lines(&self, arrays: &mut Npz) {
        let (levels, count, points) = (self.settings.rounds + 1, self.seeds.len(), self.settings.points);
        let pairs = self.each(|level, seed| self.line(level, seed));
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

    /// How every training ended.
    pub fn ends(&self, kinds: &[Named]) -> Vec<End> {
        let all = kinds.iter().map(|kind| kind.0).chain([Some(Kind::Stability)]).collect::<Vec<_>>();
        let trained = |level: usize, kind: &Option<Kind>| kind.is_none_or(|k| k.at(self.settings, level));
        let of = |level: usize, seed: usize| {
            let own = all.iter().filter(|kind| trained(level, kind));
            own.map(|kind| self.one(*kind, level, seed).0).collect::<Vec<End>>()
        };
        self.each(of).concat()
    }

    /// The members of a level; `left` is the share of weights in it.
    pub fn members(&self, level: usize, left: f64, kinds: &[Named], verdicts: &[Vec<Verdict>]) -> Value {
        let count = self.seeds.len();
        let mut members =
            Map::from_iter([("level".to_owned(), json!(level)), ("remaining".to_owned(), json!(left))]);
        for ((kind, name), verdicts) in kinds.iter().zip(verdicts) {
            let mut own = Map::new();
            for (i, measure) in MEASURES.iter().enumerate() {
                let all = self.measure(*kind, i);
                own.insert((*measure).to_owned(), summed(&all[level * count..(level + 1) * count]));
            }
            own.extend(verdicts[level].members().map(|(key, value)| (key.to_owned(), value)));
            let ends = (0..count).map(|seed| self.one(*kind, level, seed).0.words());
            own.insert("status".to_owned(), ends.collect());
            members.insert((*name).to_owned(), own.into());
        }
        if self.settings.in_two_orders() {
            let pairs: Vec<Pair> = (0..count).map(|seed| self.line(level, seed)).collect();
            let barriers: Vec<[f64; 4]> = pairs.iter().map(Pair::barriers).collect();
            let mut own = Map::new();
            for (i, name) in BARRIERS.iter().enumerate() {
                let all: Vec<f64> = barriers.iter().map(|b| b[i]).collect();
                own.insert((*name).to_owned(), summed(&all));
            }
            let distances: Vec<f64> = pairs.iter().map(|p| p.distance).collect();
            own.insert("distance".to_owned(), summed(&distances));
            members.insert("stability".to_owned(), own.into());
        }
        members.into()
    }
}
