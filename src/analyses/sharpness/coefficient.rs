//! The local learning coefficient of a network, with its interval, its chains and whether they converged.
//!
//! Chains are advanced by parts, which are kept: a stop loses no more than a tenth of the work.

use super::SharpnessResult;
use super::compute::Place;
use super::keep::Whose;
use super::result::Found;
use crate::analyses::progress::Progress;
use crate::base::{Error, Result, interrupt};
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::landscape::learning_coefficient::chain::Chain;
use crate::landscape::learning_coefficient::{Course, Posterior, Sample};
use crate::nn::At;

/// What a gradient is beside a product with the curvature: half of it.
pub(super) const SHARE: f64 = 0.5;
/// What one that did not converge is reported as.
pub(super) const UNMET: &str = "learning coefficient";
/// Arrays of the result: the course of each chain.
const RISES: &str = "learning_coefficient_rises";
const DISTANCES: &str = "learning_coefficient_distances";

impl Place<'_> {
    /// The learning coefficient in the parameters that the settings keep.
    pub(super) fn learning_coefficient(&self, found: &mut Found) -> Result<()> {
        let sampler = &self.settings().sampler;
        // One piece: each part of the chains goes on from the one before.
        let whose = self.job.parts.piece();
        if whose == Whose::Others {
            return Ok(());
        }
        self.stage("learning coefficient")?;
        let own = self.narrow(&self.theta);
        let loss = |u: &[f64]| {
            let mut theta = self.theta.clone();
            let mut rest = u;
            for range in &self.kept {
                let (part, others) = rest.split_at(range.len());
                theta[range.clone()].iter_mut().zip(part).for_each(|(t, u)| *t += u);
                rest = others;
            }
            let (evaluation, gradient) = self.objective.gradient(At { theta: &theta, ..self.at() });
            // What a stop has cut short is no loss.
            interrupt::check("sharpness", "nothing was written")?;
            Ok((evaluation.loss, self.narrow(&gradient)))
        };
        let (center, _) = loss(&vec![0.0; own.len()])?;
        let posterior = Posterior { loss: &loss, dimension: own.len(), center, n: self.objective.samples() };
        let mut course = sampler.begin(&posterior);
        let done = || (self.job.observe)(Progress::Done(SHARE));
        let segments = sampler.plan().segments().len();
        for segment in 0..segments {
            let mut part = Found::default();
            self.part_of(whose, &mut part, &format!("learning-coefficient-{segment}"), |part| {
                let mut next = Course { rises: vec![Vec::new(); course.chains.len()], ..course.clone() };
                next.distances.clone_from(&next.rises);
                sampler.advance_all(&posterior, &mut next, segment, &self.streams, &done)?;
                store(part, &next);
                Ok(())
            })?;
            if part.arrays.is_empty() {
                // It is missing among the parts that are to be joined.
                return Ok(());
            }
            restore(&part, &mut course)?;
        }
        let told = sampler.found(&posterior, &course);
        if !told.converged {
            found.unmet.push(format!("{UNMET}: {}", told.status));
        }
        let mut summary = crate::analyses::to_json(&told)?;
        summary["estimate"] = summary["value"].clone();
        if !told.converged {
            // What did not converge is no number.
            summary["value"] = serde_json::Value::Null;
        }
        summary["sampler"] = crate::analyses::to_json(sampler)?;
        found.summary.insert("learning_coefficient".to_owned(), summary);
        for (name, course) in [(RISES, &course.rises), (DISTANCES, &course.distances)] {
            let shape = [course.len(), course.first().map_or(0, Vec::len)];
            found.array(name, &shape, course.concat());
        }
        Ok(())
    }
}

/// What a part of the course leaves: where the chains are, and where they went.
fn store(part: &mut Found, course: &Course) {
    let count = course.chains.len();
    let facts = course.chains.iter().flat_map(|c| {
        let (sum, over) = c.averaged;
        let (counted, taken) = c.accepted;
        [c.log_step, sum, over as f64, c.steps as f64, counted as f64, taken as f64]
    });
    part.array("facts", &[count, 6], facts.collect());
    for (name, rows) in [
        ("points", course.chains.iter().map(|c| c.point.clone()).collect::<Vec<Vec<f64>>>()),
        ("rises", course.rises.clone()),
        ("distances", course.distances.clone()),
    ] {
        part.array(name, &[count, rows.first().map_or(0, Vec::len)], rows.concat());
    }
}

/// The course with a part that was stored added to it.
fn restore(part: &Found, course: &mut Course) -> Result<()> {
    let damaged = || Error::expected("learning coefficient", "a part of its chains", "another");
    let count = course.chains.len();
    let rows = |name: &str| {
        let values = part.values(name).filter(|v| v.len() % count == 0).ok_or_else(damaged)?;
        Ok::<_, Error>(values.chunks((values.len() / count).max(1)))
    };
    for (chain, (point, facts)) in course.chains.iter_mut().zip(rows("points")?.zip(rows("facts")?)) {
        let [log_step, sum, over, steps, counted, taken] = *facts else { return Err(damaged()) };
        let [over, steps, counted, taken] = [over, steps, counted, taken].map(|x| x as u64);
        let (averaged, accepted) = ((sum, over), (counted, taken));
        *chain = Chain { point: point.to_vec(), log_step, averaged, steps, accepted };
    }
    course.rises.iter_mut().zip(rows("rises")?).for_each(|(all, own)| all.extend(own));
    course.distances.iter_mut().zip(rows("distances")?).for_each(|(all, own)| all.extend(own));
    Ok(())
}

/// Most points of a curve.
const SHOWN: usize = 600;

/// What the chains of a network did: the rise of the loss, what each came to believe, and how far they went.
pub(super) fn figures(result: &SharpnessResult) -> Vec<Figure> {
    (0..result.networks()).filter_map(|network| figure(result, network)).collect()
}

fn figure(result: &SharpnessResult, network: usize) -> Option<Figure> {
    let at = |key: &str| result.at(network, &["learning_coefficient", key]);
    let number = |key: &str| at(key).as_f64().unwrap_or(f64::NAN);
    let steps = at("steps").as_array().map_or(0, Vec::len);
    let [rises, distances] = [RISES, DISTANCES].map(|name| result.array(network, name));
    let length = rises.len() / steps.max(1);
    let burn_in = at("sampler")["burn-in"].as_u64().unwrap_or(0) as usize;
    if length <= burn_in {
        return None;
    }
    let stride = length.div_ceil(SHOWN);
    let all: Vec<usize> = (0..length).step_by(stride).collect();
    let counted: Vec<usize> = all.iter().copied().filter(|i| *i >= burn_in).collect();
    let label = |chain: usize| format!("chain {}", chain + 1);
    let courses = |values: &[f64]| -> Vec<Series> {
        let course = |chain: usize| Series {
            label: label(chain),
            x: all.iter().map(|i| *i as f64).collect(),
            y: all.iter().map(|i| values[chain * length + i]).collect(),
            ..Series::default()
        };
        (0..steps).map(course).collect()
    };
    let running = |chain: usize| {
        let own = &rises[chain * length + burn_in..(chain + 1) * length];
        let sums = own.iter().scan(0.0, |sum, x| {
            *sum += x;
            Some(*sum)
        });
        let sums: Vec<f64> = sums.collect();
        Series {
            label: label(chain),
            x: counted.iter().map(|i| *i as f64).collect(),
            y: counted.iter().map(|i| sums[i - burn_in] / (i - burn_in + 1) as f64).collect(),
            ..Series::default()
        }
    };
    let axis = |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear, range: None };
    let panel = |title: String, y: &str, series: Vec<Series>| Panel {
        title,
        x: axis("step"),
        y: axis(y),
        series,
        ..Panel::default()
    };
    let ends = [counted.first(), counted.last()].map(|i| i.map_or(f64::NAN, |i| *i as f64));
    let [low, high] = [0, 1].map(|i| at("interval")[i].as_f64().unwrap_or(f64::NAN));
    let level = 100.0 * number("level");
    let mut means: Vec<Series> = (0..steps).map(running).collect();
    means.push(Series {
        label: format!("all chains, {level:.0} % interval"),
        x: ends.to_vec(),
        y: vec![number("estimate"); 2],
        band: Some((vec![low; 2], vec![high; 2])),
        style: Style::Dashed,
    });
    let several = result.networks() > 1;
    let (suffix, of) = if several {
        (format!("-{network}"), format!(" of {}", result.text(network, &["label"])))
    } else {
        (String::new(), String::new())
    };
    let verdict = if at("converged") == true { "converged" } else { "NOT converged" };
    Some(Figure {
        name: format!("learning-coefficient{suffix}"),
        chart: "lines".to_owned(),
        title: format!("Local learning coefficient{of}: {:.2} ({low:.2} to {high:.2})", number("estimate")),
        subtitle: format!(
            "{}; {} parameters, {} samples, \u{3b3} = {}; {verdict}: R-hat {:.3}, {:.0} effective draws, acceptance {:.2}",
            result.text(network, &["title"]),
            at("dimension"),
            at("samples"),
            number("gamma"),
            number("rhat"),
            number("ess"),
            number("acceptance"),
        ),
        panels: vec![
            panel(
                format!("the first {burn_in} steps adapt and do not count"),
                "n\u{3b2} (L \u{2212} L(w*))",
                courses(&rises),
            ),
            panel("mean since then, by chain".to_owned(), "learning coefficient \u{3bb}", means),
            panel(String::new(), "distance from w*", courses(&distances)),
        ],
    })
}
