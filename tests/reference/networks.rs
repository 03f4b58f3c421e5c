//! Networks against JAX: every norm in its batch mode, ResNet-20 of both options, a plain twin. `networks.py` made the
//! figures; theta and data are the same integer recurrence here.

use losscape::autodiff::{Curvature, Element};
use losscape::nn::{Network, Objective, Samples, Spec, Statistics};
use serde_json::Value;
use std::sync::Arc;

/// n numbers in [-1, 1): see `numbers` in networks.py.
fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let step = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    std::iter::repeat_with(step).take(n).collect()
}

struct Case {
    name: String,
    seed: u64,
    /// Names of the parameters, in the order of their seeds.
    names: Vec<String>,
    network: Arc<Network>,
    theta: Vec<f64>,
    data: Vec<f64>,
    labels: Vec<u32>,
    figures: Value,
}

impl Case {
    fn new(figures: &Value) -> Self {
        let text = |key: &str| figures[key].as_str().expect("a text").to_owned();
        let number = |key: &str| figures[key].as_u64().expect("a number");
        let input: Vec<usize> = figures["shape"]
            .as_array()
            .expect("sizes")
            .iter()
            .map(|n| n.as_u64().expect("a size") as usize)
            .collect();
        let spec = Spec {
            model: text("model").parse().unwrap_or_else(|e| panic!("{e}")),
            loss: Default::default(),
            input,
            outputs: 10,
        };
        let network = Arc::new(Network::new(spec).unwrap_or_else(|e| panic!("{e}")));
        let (name, seed, samples) = (text("name"), number("seed"), number("samples") as usize);
        assert_eq!(network.layout().size() as u64, number("parameters"), "{name}: parameters");
        let mut theta = vec![f64::NAN; network.layout().size()];
        let kinds: Vec<(String, String)> = serde_json::from_value(figures["kinds"].clone()).expect("pairs");
        assert_eq!(kinds.len(), network.layout().parameters.len(), "{name}: tensors");
        for p in &network.layout().parameters {
            let i =
                kinds.iter().position(|k| k.0 == p.name).unwrap_or_else(|| panic!("{name}: no {}", p.name));
            let fan_in: usize = p.shape[1..].iter().product();
            let scale = |v: f64| match kinds[i].1.as_str() {
                "weight" => v * (6.0 / fan_in as f64).sqrt(),
                "scale" => 1.0 + 0.2 * v,
                "shift" => 0.1 * v,
                _ => 0.5 * v,
            };
            let values = numbers(seed + i as u64, p.size());
            theta[p.range()].iter_mut().zip(values).for_each(|(t, v)| *t = scale(v));
        }
        let data = numbers(seed + 1000, samples * network.features()).iter().map(|x| 1.7 * x).collect();
        let labels = (0..samples as u32).map(|i| i * 7 % 10).collect();
        let names = kinds.into_iter().map(|k| k.0).collect();
        Self { name, seed, names, network, theta, data, labels, figures: figures.clone() }
    }

    fn index(&self, name: &str) -> u64 {
        self.names.iter().position(|n| n == name).expect("known") as u64
    }

    /// Figures of a vector's parts against those on file, relative to the longest of the norms there.
    fn compare(&self, what: &str, found: &[f64], tolerance: f64) {
        let expected = self.figures[what].as_object().expect("figures");
        let figure = |name: &str, i: usize| expected[name][i].as_f64().expect("a figure");
        let longest = expected.keys().map(|name| figure(name, 0)).fold(0.0, f64::max);
        for p in &self.network.layout().parameters {
            let g = &found[p.range()];
            let i = self.index(&p.name);
            let along = |seed: u64| {
                let v = numbers(self.seed + seed + i, g.len());
                v.iter().zip(g).map(|(v, g)| v * g).sum::<f64>()
            };
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            for (j, found) in [norm, along(3000), along(4000), g[0]].into_iter().enumerate() {
                let expected = figure(&p.name, j);
                // Products with vectors of numbers of size 1 gather as many roundings.
                let scale = if j == 1 || j == 2 { (g.len() as f64).sqrt() } else { 1.0 };
                let error = (found - expected).abs();
                let allowed = tolerance * scale * longest;
                assert!(
                    error <= allowed,
                    "{} {what} {} figure {j}: {found}, not {expected}",
                    self.name,
                    p.name
                );
            }
        }
    }

    fn check<E: Element>(&self, tolerance: f64) {
        let single = |v: &[f64]| v.iter().map(|x| E::from_f64(*x)).collect::<Vec<E>>();
        let theta = single(&self.theta);
        let state = self.network.start(&theta);
        let samples = Arc::new(Samples::<E>::new(&self.network, &self.data, &self.labels));
        let objective = Objective::new(self.network.clone(), samples, Statistics::Groups(usize::MAX));
        let (evaluation, gradient) = objective.gradient(&theta, &state);
        let expected = self.figures["loss"].as_f64().expect("a loss");
        let error = (evaluation.loss - expected).abs();
        assert!(error <= tolerance * expected, "{}: loss {}, not {expected}", self.name, evaluation.loss);
        self.compare("gradient", &gradient, tolerance);
        if !self.figures["product"].as_object().expect("figures").is_empty() {
            let mut v = vec![0.0; theta.len()];
            for p in &self.network.layout().parameters {
                let i = self.index(&p.name);
                v[p.range()].copy_from_slice(&numbers(self.seed + 2000 + i, p.size()));
            }
            let linearization = objective.linearize(&theta, &state, Curvature::Hessian, usize::MAX);
            self.compare("product", &linearization.products(&v, 1), 10.0 * tolerance);
        }
    }
}

fn cases() -> Vec<Case> {
    let figures: Value = serde_json::from_str(include_str!("networks.json")).expect("JSON");
    figures["cases"].as_array().expect("cases").iter().map(Case::new).collect()
}

#[test]
fn networks_agree_with_jax_in_double_precision() {
    let cases = cases();
    assert!(cases.len() >= 14);
    cases.iter().for_each(|case| case.check::<f64>(1e-10));
}

#[test]
fn networks_agree_with_jax_in_single_precision() {
    cases().iter().for_each(|case| case.check::<f32>(1e-5));
}

#[test]
fn resnet_20_has_the_parameters_of_the_paper() {
    let count = |model: &str| {
        let spec = Spec {
            model: model.parse().unwrap_or_else(|e| panic!("{e}")),
            loss: Default::default(),
            input: vec![3, 32, 32],
            outputs: 10,
        };
        Network::new(spec).expect("a network").layout().size()
    };
    assert_eq!(count("resnet:depth=20"), 272_474);
    assert_eq!(count("resnet:depth=20,projection=false"), 269_722);
}
