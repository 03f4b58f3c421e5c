//! Blocks of the curvature: the rows and columns of some parameters alone, by layer, role, head or name, each with its own
//! certified ends, trace and density.
//!
//! A block is the curvature of the loss as only its parameters move. Densities are compared over log10 |lambda|, on axes and with
//! a kernel that all blocks share, as distributions over positive, negative and nearly zero eigenvalues: the distance is the
//! square root of their Jensen-Shannon divergence in bits, from 0 to 1 (Endres and Schindelin 2003).

use super::compute::Place;
use super::result::{Found, eigenvalue, estimate};
use super::spectra::{store_rules, stored_rules};
use super::{SharpnessSettings, Task};
use crate::base::registry::unknown;
use crate::base::{Error, Result, files, text::matches_glob};
use crate::nn::{Network, Parameter};
use crate::spectral::density::{jensen_shannon, log_densities};
use crate::spectral::{Quadrature, Wanted};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Range;

/// Some of a network's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is called.
    pub name: String,
    /// Where its numbers lie in theta, ascending.
    pub ranges: Vec<Range<usize>>,
}

/// Ways to divide all parameters; anything else is a pattern of names.
const WAYS: [&str; 4] = ["layer", "role", "tensor", "head"];
/// Most blocks of one analysis.
const MOST: usize = 512;
/// Points of a density.
const DENSITY: usize = 401;

impl Block {
    /// How many parameters.
    pub fn size(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }
}

/// The blocks that the settings ask for, in the order of the parameters; a name once.
pub fn blocks(asked: &[String], network: &Network) -> Result<Vec<Block>> {
    let parameters = &network.layout().parameters;
    let mut blocks: Vec<Block> = Vec::new();
    for way in asked {
        let divided = |name: &dyn Fn(usize, &Parameter) -> String| -> Vec<Block> {
            let mut found: Vec<Block> = Vec::new();
            for (i, p) in parameters.iter().enumerate() {
                let name = name(i, p);
                match found.iter_mut().find(|b| b.name == name) {
                    Some(block) => block.ranges.push(p.range()),
                    None => found.push(Block { name, ranges: vec![p.range()] }),
                }
            }
            found
        };
        let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        let own = match way.as_str() {
            "layer" => divided(&|_, p| stem(&p.name)),
            "tensor" => divided(&|_, p| p.name.clone()),
            "role" => {
                let parts = network.parts();
                divided(&|i, _| parts[i].to_owned())
            }
            "head" => {
                let heads = network.heads().into_iter();
                let found: Vec<Block> = heads.map(|(name, ranges)| Block { name, ranges }).collect();
                if found.is_empty() {
                    let expected = "a network with heads of attention whose projections are known";
                    return Err(Error::expected("--block head", expected, "none"));
                }
                found
            }
            pattern => {
                let own: Vec<Range<usize>> = parameters
                    .iter()
                    .filter(|p| matches_glob(pattern, &p.name))
                    .map(Parameter::range)
                    .collect();
                if own.is_empty() {
                    let names = parameters.iter().map(|p| p.name.as_str());
                    return Err(unknown("--block", pattern, names.chain(WAYS)));
                }
                vec![Block { name: files::brief(pattern).to_string(), ranges: own }]
            }
        };
        for block in own {
            if blocks.iter().any(|known| known.name == block.name) {
                return Err(Error::expected("--block", "each block once", format!("{} twice", block.name)));
            } else {
                blocks.push(block)
            }
        }
    }
    match blocks.len() {
        0..=MOST => Ok(blocks),
        n => Err(Error::expected("--block", format!("at most {MOST} blocks"), n)),
    }
}

impl SharpnessSettings {
    /// Whether something is computed of blocks.
    pub(super) fn of_blocks(&self) -> bool {
        !self.block.is_empty()
            && [Task::Eigenvalues, Task::Trace, Task::Density].iter().any(|task| self.has(*task))
    }
}

impl Place<'_> {
    /// Everything that is asked of the blocks.
    pub(super) fn blocks(&self, found: &mut Found) -> Result<()> {
        let s = self.settings();
        if !s.of_blocks() {
            return Ok(());
        }
        let blocks = blocks(&s.block, self.objective.network())?;
        let mut summary = Map::new();
        let mut rules = Vec::new();
        for (i, block) in blocks.iter().enumerate() {
            let mut own = Found::default();
            self.part(&mut own, &format!("block-{i}"), |own| self.block(own, block))?;
            found.unmet.append(&mut own.unmet);
            if let Some(rule) = stored_rules(&own) {
                rules.push(rule);
            }
            summary.insert(block.name.clone(), Value::Object(own.summary));
        }
        if rules.len() == blocks.len() && !rules.is_empty() {
            self.densities(found, &blocks, &rules, &mut summary)?;
        }
        let names: Vec<&str> = blocks.iter().map(|b| b.name.as_str()).collect();
        found.summary.insert("block_names".to_owned(), json!(names));
        found.summary.insert("blocks".to_owned(), Value::Object(summary));
        Ok(())
    }

    fn block(&self, own: &mut Found, block: &Block) -> Result<()> {
        let s = self.settings();
        self.stage(&format!("block {}", block.name))?;
        own.summary.insert("parameters".to_owned(), json!(block.size()));
        self.over(s.operator, &block.ranges, |operator| {
            let known = self.known(operator)?;
            if s.has(Task::Eigenvalues) {
                let wanted = Wanted { top: 1, bottom: s.bottom().min(1) };
                let ends = self.ends(&known, wanted, "sharpness/block")?;
                if !ends.converged() {
                    let what = format!("block {}: an eigenvalue did not converge", block.name);
                    own.unmet.push(format!("{what} in {} steps", ends.steps));
                }
                let found = [("lambda_max", ends.top.first()), ("lambda_min", ends.bottom.first())];
                for (key, pair) in found.into_iter().take(1 + wanted.bottom) {
                    own.summary.insert(key.to_owned(), eigenvalue(pair, &ends));
                }
            }
            if s.has(Task::Trace) {
                let trace = known.trace(s.probes.unwrap_or(30), &self.streams)?;
                own.summary.insert("trace".to_owned(), estimate(&trace));
            }
            if s.has(Task::Density) {
                store_rules(own, &self.quadrature(&known, s.density_probes)?);
            }
            Ok(())
        })
    }

    /// The densities of all blocks on shared axes, and how far they are from each other.
    fn densities(
        &self,
        found: &mut Found,
        blocks: &[Block],
        rules: &[Quadrature],
        summary: &mut Map<String, Value>,
    ) -> Result<()> {
        let densities = log_densities(rules, DENSITY)?;
        let n = blocks.len();
        let mut distances = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let distance = jensen_shannon(&densities[i], &densities[j]);
                (distances[i * n + j], distances[j * n + i]) = (distance, distance);
            }
        }
        for (i, ((block, rule), density)) in blocks.iter().zip(rules).zip(&densities).enumerate() {
            let to: BTreeMap<&str, f64> =
                blocks.iter().zip(&distances[i * n..]).map(|(b, d)| (b.name.as_str(), *d)).collect();
            let negative = rule.negative_mass();
            let facts = json!({
                "steps": rule.steps,
                "probes": if rule.exact { 0 } else { rule.rules.len() },
                "exact": rule.exact,
                "log_sigma": density.positive.sigma,
                "near_zero": estimate(&density.near_zero),
                "near_zero_below": density.floor,
                "negative_mass": estimate(&negative),
                "distances": to,
            });
            if let Some(own) = summary.get_mut(&block.name) {
                own["density"] = facts;
            }
        }
        let x = densities.first().map_or(Vec::new(), |d| d.positive.x.clone());
        found.array("block_density_x", &[x.len()], x);
        for (name, negative) in [("block_density_y", false), ("block_density_negative_y", true)] {
            let y = densities.iter().flat_map(|d| if negative { &d.negative.y } else { &d.positive.y });
            found.array(name, &[n, DENSITY], y.copied().collect());
        }
        found.array("block_distances", &[n, n], distances);
        Ok(())
    }
}
