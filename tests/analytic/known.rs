//! Operators of known spectrum, for everything that says something about one.

use losscape::base::random::{Rng, normal};
use losscape::spectral::Operator;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Q D Q', Q a product of Householder reflections I - 2 v v'.
pub struct Rotated {
    pub values: Vec<f64>,
    pub reflections: Vec<Vec<f64>>,
    /// Whether products are rounded to f32.
    pub single: bool,
}

impl Rotated {
    pub fn new(values: Vec<f64>, reflections: usize, rng: &mut Rng) -> Self {
        let unit = |_| {
            let v: Vec<f64> = values.iter().map(|_| normal(rng)).collect();
            let length = dot(&v, &v).sqrt();
            v.iter().map(|x| x / length).collect()
        };
        let reflections = (0..reflections).map(unit).collect();
        Self { values, reflections, single: false }
    }

    /// Q' x: what x has along each eigenvector, in the order of the values.
    pub fn coordinates(&self, x: &[f64]) -> Vec<f64> {
        let mut x = x.to_vec();
        self.reflections.iter().for_each(|v| reflect(&mut x, v));
        x
    }

    /// With its own axes for eigenvectors.
    pub fn diagonal(values: Vec<f64>) -> Self {
        Self { values, reflections: Vec::new(), single: false }
    }
}

impl Operator for Rotated {
    fn dimension(&self) -> usize {
        self.values.len()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let n = self.dimension();
        assert_eq!(block.len(), n * k);
        let mut block = block.to_vec();
        for x in block.chunks_mut(n) {
            self.reflections.iter().for_each(|v| reflect(x, v));
            x.iter_mut().zip(&self.values).for_each(|(x, d)| *x *= d);
            self.reflections.iter().rev().for_each(|v| reflect(x, v));
        }
        if self.single {
            block.iter_mut().for_each(|x| *x = f64::from(*x as f32));
        }
        block
    }

    fn epsilon(&self) -> f64 {
        if self.single { f64::from(f32::EPSILON) } else { f64::EPSILON }
    }
}

/// (I - 2 v v') x, in place.
fn reflect(x: &mut [f64], v: &[f64]) {
    let share = 2.0 * dot(x, v);
    x.iter_mut().zip(v).for_each(|(x, v)| *x -= share * v);
}

/// An operator that counts the vectors it is multiplied with.
pub struct Counted<'a> {
    inner: &'a dyn Operator,
    products: AtomicUsize,
}

impl<'a> Counted<'a> {
    pub fn new(inner: &'a dyn Operator) -> Self {
        Self { inner, products: AtomicUsize::new(0) }
    }

    pub fn products(&self) -> usize {
        self.products.load(Ordering::Relaxed)
    }
}

impl Operator for Counted<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        self.products.fetch_add(k, Ordering::Relaxed);
        self.inner.apply(block, k)
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Named spectra of n eigenvalues, in no order.
pub fn spectra(n: usize, rng: &mut Rng) -> Vec<(&'static str, Vec<f64>)> {
    let mut bulk = |width: f64| -> Vec<f64> {
        let mut draw = || (width * normal(rng) / 3.0).clamp(-width, width);
        (0..n).map(|_| draw()).collect()
    };
    let with = |outliers: &[f64], mut values: Vec<f64>| {
        values.iter_mut().zip(outliers).for_each(|(v, o)| *v = *o);
        values
    };
    vec![
        ("close", with(&[1.0, 0.9999, -1.0, -0.999], bulk(0.3))),
        ("opposite", with(&[1.0, -1.0], bulk(0.9))),
        ("triple", with(&[1.0, 1.0, 1.0, -0.5, -0.5, -0.5, 0.8], bulk(0.3))),
        ("few", (0..n).map(|i| (i % 3) as f64).collect()),
        ("zero", vec![0.0; n]),
        ("equal", vec![2.5; n]),
        ("projection", with(&[1.0], vec![0.0; n])),
        ("network", with(&[10.0, 9.0, 8.0, 4.0, 2.0, 1.0, -0.02], bulk(1e-3))),
        ("hidden", with(&[1.0], bulk(1e-3).iter().map(|b| 0.9 + b).collect())),
        ("shifted", bulk(0.5).iter().map(|b| 1000.0 + b).collect()),
        ("linear", (0..n).map(|i| i as f64 / n as f64 - 0.3).collect()),
        ("negative", bulk(1.0).iter().map(|b| b - 3.0).collect()),
        ("tiny", bulk(1.0).iter().map(|b| 1e-200 * b).collect()),
    ]
}
