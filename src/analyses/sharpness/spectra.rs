//! The spectrum of one matrix: eigenvalues at both ends, power iteration beside them, traces and norms, the density.

use super::compute::Place;
use super::plan;
use super::result::{Found, eigenvalue, estimate};
use crate::base::tensors::Tensor;
use crate::base::{Precision, Result};
use crate::landscape::geometry::dot;
use crate::nn::weights;
use crate::spectral::{Known, Operator, Pair, Quadrature, Rule, Stopped, Wanted, power, quadrature};
use serde_json::json;

/// Points of a density.
const DENSITY: usize = 1001;

impl Place<'_> {
    pub(super) fn eigenvalues(
        &self,
        found: &mut Found,
        known: &Known,
        scaled: Option<&Known>,
        gradient: &[f64],
    ) -> Result<()> {
        self.part(found, "eigenvalues", |own| self.pairs(own, known, gradient))?;
        let Some(scaled) = scaled else { return Ok(()) };
        let mut invariant = Found::default();
        self.part(&mut invariant, "invariant-eigenvalues", |own| self.invariant(own, scaled))?;
        found.unmet.append(&mut invariant.unmet);
        for (key, value) in invariant.summary {
            if let Some(raw) = found.summary.get_mut(&key) {
                raw["invariant"] = value;
            }
        }
        Ok(())
    }

    /// The outermost eigenvalues of D A D, D the magnitudes of the parameters.
    fn invariant(&self, found: &mut Found, scaled: &Known) -> Result<()> {
        self.stage("eigenvalues, rescaling-invariant")?;
        let bottom = self.settings().bottom().min(1);
        let own = self.ends(scaled, Wanted { top: 1, bottom }, "sharpness/invariant")?;
        if !own.converged() {
            found.unmet.push(format!("an invariant eigenvalue did not converge in {} steps", own.steps));
        }
        for (key, pair) in [("lambda_max", own.top.first()), ("lambda_min", own.bottom.first())] {
            found.summary.insert(key.to_owned(), eigenvalue(pair, &own));
        }
        Ok(())
    }

    fn pairs(&self, found: &mut Found, known: &Known, gradient: &[f64]) -> Result<()> {
        let s = self.settings();
        self.stage("eigenvalues")?;
        let wanted = Wanted { top: s.top.unwrap_or(1), bottom: s.bottom() };
        let own = self.ends(known, wanted, "sharpness/eigenvalues")?;
        if own.stopped == Stopped::NotFinite {
            found.unmet.push("eigenvalues: products are not finite".to_owned());
        }
        // Where both ends meet, each eigenvalue stands once.
        let beyond = known.operator().dimension().saturating_sub(own.top.len());
        let pairs: Vec<&Pair> = own.top.iter().chain(own.bottom.iter().take(beyond).rev()).collect();
        let lost = pairs.iter().filter(|p| !p.converged).count();
        if lost > 0 {
            let what =
                format!("{lost} of {} eigenvalues did not converge in {} steps", pairs.len(), own.steps);
            found.unmet.push(what);
        }
        if let Some(exact) = known.exact() {
            let all: Vec<f64> = exact.eigen()?.values.iter().rev().copied().collect();
            found.array("spectrum", &[all.len()], all);
        }
        let of = |f: fn(&Pair) -> f64| pairs.iter().map(|p| f(p)).collect::<Vec<f64>>();
        for (name, values) in [
            ("eigenvalues", of(|p| p.value)),
            ("residuals", of(|p| p.residual)),
            ("converged", of(|p| f64::from(u8::from(p.converged)))),
            ("certified", of(|p| f64::from(u8::from(p.certified)))),
        ] {
            found.array(name, &[values.len()], values);
        }
        let part = self.narrow(gradient);
        let norm = dot(&part, &part);
        let along: f64 = own.top.iter().map(|p| dot(&p.vector, &part).powi(2)).sum();
        found.summary.insert(
            "gradient".to_owned(),
            json!({
                "norm": norm.sqrt(),
                "overlap": Some(along / norm).filter(|x| x.is_finite()),
                "overlap_expected": own.top.len() as f64 / part.len() as f64,
                "top": own.top.len(),
            }),
        );
        if s.vectors {
            self.vectors(found, &pairs);
        }
        found.summary.insert("lambda_max".to_owned(), eigenvalue(own.top.first(), &own));
        if s.bottom() > 0 {
            found.summary.insert("lambda_min".to_owned(), eigenvalue(own.bottom.first(), &own));
        }
        Ok(())
    }

    /// Eigenvectors as an array.
    fn vectors(&self, found: &mut Found, pairs: &[&Pair]) {
        let p = self.theta.len();
        let mut all = Vec::with_capacity(p * pairs.len());
        for pair in pairs {
            let mut whole = vec![0.0; p];
            let mut part = pair.vector.as_slice();
            for range in &self.kept {
                let (own, rest) = part.split_at(range.len());
                whole[range.clone()].copy_from_slice(own);
                part = rest;
            }
            all.extend(whole);
        }
        found.array("eigenvectors", &[pairs.len(), p], all);
    }

    /// The same shaped as the weights are.
    pub(super) fn tensors(&self, found: &mut Found) {
        let network = self.objective.network();
        let vectors = found.values("eigenvectors").unwrap_or_default().chunks(self.theta.len().max(1));
        let shaped = |(i, vector): (usize, &[f64])| -> Vec<Tensor> {
            weights::tensors(network, vector, Precision::F64, &format!("{i}/"))
        };
        found.tensors = vectors.enumerate().flat_map(shaped).collect();
    }

    /// Power iteration, whose answer has no certificate, beside that of Lanczos.
    pub(super) fn power(&self, found: &mut Found, operator: &dyn Operator) -> Result<()> {
        self.stage("power iteration")?;
        let s = self.settings();
        let settings = power::Settings { tolerance: s.lanczos().tolerance, ..power::Settings::default() };
        let mut rng = self.streams.stream("sharpness/power", 0);
        let pairs = power::power(operator, 1, &mut rng, &settings)?;
        let value = pairs.first().map(|p| {
            json!({
                "value": p.value,
                "residual": p.residual,
                "interval": p.interval,
                "converged": p.converged(),
                "certified": false,
                "products": p.products,
                "stop": p.stopped,
            })
        });
        found.summary.insert("power".to_owned(), json!(value));
        Ok(())
    }

    pub(super) fn trace(&self, found: &mut Found, known: &Known, scaled: Option<&Known>) -> Result<()> {
        let probes = self.settings().probes.unwrap_or(30);
        self.stage("trace")?;
        let mut value = estimate(&known.trace(probes, &self.streams)?);
        if let Some(scaled) = scaled {
            value["invariant"] = estimate(&scaled.trace(probes, &self.streams)?);
        }
        found.summary.insert("trace".to_owned(), value);
        Ok(())
    }

    pub(super) fn norms(&self, found: &mut Found, known: &Known) -> Result<()> {
        let probes = self.settings().probes.unwrap_or(30);
        self.stage("Frobenius norm, diagonal")?;
        let plus = known.trace_by_sketch(3 * probes, &self.streams)?;
        found.summary.insert("trace_hutch_plus_plus".to_owned(), estimate(&plus));
        let frobenius = known.frobenius(probes, &self.streams)?;
        let mut norm = estimate(&frobenius.norm);
        norm["squared"] = estimate(&frobenius.squared);
        found.summary.insert("frobenius".to_owned(), norm);
        let diagonal = known.diagonal(probes, &self.streams)?;
        let n = diagonal.values.len();
        found.array("diagonal", &[n], diagonal.values);
        found.array("diagonal_stderr", &[n], diagonal.standard_errors);
        Ok(())
    }

    /// The rules of an operator: of one that is written out all at once, else each start as a piece of its own. None where
    /// another process has some of them.
    pub(super) fn rules(
        &self,
        name: &str,
        operator: &dyn Operator,
        probes: usize,
        whole: &dyn Fn() -> Result<Quadrature>,
    ) -> Result<Option<Quadrature>> {
        let steps = self.settings().density_steps;
        if plan::is_exact(self.settings(), operator.dimension()) {
            let mut own = Found::default();
            self.part(&mut own, name, |own| {
                self.stage(name)?;
                store_rules(own, &whole()?);
                Ok(())
            })?;
            return Ok(stored_rules(&own));
        }
        let mut rules = Vec::new();
        for start in 0..probes {
            let mut own = Found::default();
            self.part(&mut own, &format!("{name}-{start}"), |own| {
                let made = quadrature::of_starts(operator, steps, start..start + 1, &self.streams)?;
                store_rules(own, &Quadrature::sampled(operator, steps, made));
                Ok(())
            })?;
            rules.extend(stored_rules(&own).into_iter().flat_map(|one| one.rules));
        }
        Ok((rules.len() == probes).then(|| Quadrature::sampled(operator, steps, rules)))
    }

    pub(super) fn quadrature(&self, known: &Known, probes: usize) -> Result<Quadrature> {
        let settings = quadrature::Settings { steps: self.settings().density_steps, probes };
        known.quadrature(&settings, &self.streams)
    }

    pub(super) fn density(&self, found: &mut Found, known: &Known) -> Result<()> {
        self.stage("spectral density")?;
        let probes = self.settings().density_probes;
        let whole = || self.quadrature(known, probes);
        let Some(rules) = self.rules("density", known.operator(), probes, &whole)? else { return Ok(()) };
        let linear = rules.density(DENSITY, Default::default())?;
        let log = rules.log_density(DENSITY)?;
        let negative = rules.negative_mass();
        let mut summary = json!({
            "steps": rules.steps,
            "probes": if rules.exact { 0 } else { rules.rules.len() },
            "exact": rules.exact,
            "products": rules.products,
            "sigma": linear.sigma,
            "log_sigma": log.positive.sigma,
            "near_zero": estimate(&log.near_zero),
            "near_zero_below": log.floor,
            "negative_mass": estimate(&negative),
        });
        if !rules.exact {
            summary["negative_mass"]["status"] = format!(
                "the error is that over starts: what {} steps do not tell apart near zero is not in it",
                rules.steps
            )
            .into();
        }
        for (key, x) in [("trace", 1), ("second_moment", 2)] {
            summary[key] = estimate(&rules.expectation(|theta| theta.powi(x)));
        }
        found.summary.insert("density".to_owned(), summary);
        for (prefix, density) in
            [("density", linear), ("log_density", log.positive), ("log_density_negative", log.negative)]
        {
            if prefix != "log_density_negative" {
                found.array(&format!("{prefix}_x"), &[DENSITY], density.x);
            }
            found.array(&format!("{prefix}_y"), &[DENSITY], density.y);
            found.array(&format!("{prefix}_low"), &[DENSITY], density.low);
            found.array(&format!("{prefix}_high"), &[DENSITY], density.high);
        }
        Ok(())
    }

    /// How much of the curvature the largest eigenvalues are: of the trace, and of the squared Frobenius norm.
    pub(super) fn outliers(&self, found: &mut Found) {
        let Some(values) = found.values("eigenvalues") else { return };
        let top = self.settings().top.unwrap_or(1).min(values.len());
        let sum: f64 = values[..top].iter().sum();
        let squares: f64 = values[..top].iter().map(|x| x * x).sum();
        let read = |path: [&str; 2]| found.summary.get(path[0]).and_then(|v| v[path[1]].as_f64());
        let trace = read(["trace", "value"]);
        // The error of a ratio whose numerator is known.
        let error = trace.zip(read(["trace", "stderr"])).map(|(t, e)| sum / t * (e / t).abs());
        let squared = found.summary.get("frobenius").and_then(|f| f["squared"]["value"].as_f64());
        let ratio = |x: Option<f64>| x.filter(|x| x.is_finite());
        let outliers = json!({
            "count": top,
            "sum": sum,
            "share_of_trace": ratio(trace.map(|t| sum / t)),
            "share_of_trace_stderr": ratio(error),
            "share_of_squares": ratio(squared.map(|f| squares / f)),
        });
        found.summary.insert("outliers".to_owned(), outliers);
    }
}

/// Rules as a part keeps them.
pub(super) fn store_rules(own: &mut Found, of: &Quadrature) {
    let facts = [of.dimension, of.steps, of.products, usize::from(of.exact)];
    let facts: Vec<f64> = facts.iter().map(|n| *n as f64).chain([of.epsilon]).collect();
    own.array("facts", &[facts.len()], facts);
    let radau = |rule: &Rule| rule.radau.clone().unwrap_or_default();
    let each = |rule: &Rule| {
        let lengths = [rule.nodes.len(), radau(rule).0.len(), rule.steps];
        let flags = [rule.exhausted, rule.radau.is_some()].map(usize::from);
        [lengths[0], lengths[1], lengths[2], flags[0], flags[1]].map(|n| n as f64)
    };
    let counts: Vec<f64> = of.rules.iter().flat_map(each).collect();
    own.array("counts", &[of.rules.len(), 5], counts);
    let numbers = |rule: &Rule| {
        let (nodes, weights) = radau(rule);
        [rule.nodes.clone(), rule.weights.clone(), nodes, weights].concat()
    };
    let numbers: Vec<f64> = of.rules.iter().flat_map(numbers).collect();
    own.array("rules", &[numbers.len()], numbers);
}

/// The rules that a part has kept.
pub(super) fn stored_rules(own: &Found) -> Option<Quadrature> {
    let [dimension, steps, products, exact, epsilon] = *own.values("facts")? else { return None };
    let mut left = own.values("rules")?;
    let mut take = |count: f64| {
        let (numbers, rest) = left.split_at_checked(count as usize)?;
        left = rest;
        Some(numbers.to_vec())
    };
    let mut rules = Vec::new();
    for counts in own.values("counts")?.as_chunks::<5>().0 {
        let [count, of_radau, steps, exhausted, has_radau] = *counts;
        let (nodes, weights) = (take(count)?, take(count)?);
        let radau = (take(of_radau)?, take(of_radau)?);
        let (steps, exhausted) = (steps as usize, exhausted == 1.0);
        rules.push(Rule { nodes, weights, steps, exhausted, radau: (has_radau == 1.0).then_some(radau) });
    }
    let [dimension, steps, products] = [dimension, steps, products].map(|x| x as usize);
    Some(Quadrature { dimension, steps, rules, products, epsilon, exact: exact == 1.0 })
}

/// Sets the answer of power iteration beside that of Lanczos.
pub(super) fn beside_lanczos(found: &mut Found) {
    // The largest magnitude may be at either end.
    let ends =
        ["lambda_max", "lambda_min"].map(|key| found.summary.get(key).and_then(|v| v["value"].as_f64()));
    let largest = ends.into_iter().flatten().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let Some(power) = found.summary.get_mut("power").filter(|power| power.is_object()) else { return };
    let value = power["value"].as_f64();
    power["lanczos"] = json!(largest);
    power["difference"] = json!(value.zip(largest).map(|(value, largest)| value - largest));
}
