//! The network at one moment of training: all that a copy of it has to hold.
//!
//! The best weights, averages, snapshots and checkpoints are points, so that whatever a network carries beside its
//! parameters has to be added here alone.

use crate::autodiff::Element;
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Result};

/// A point of training, in the element type of training (f32 or f64) or, for averages, in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<E> {
    /// The parameters.
    pub theta: Vec<E>,
}

/// The tensor called `name`, of numbers in an element type.
pub fn tensor<E: Element>(name: impl Into<String>, values: &[E]) -> Tensor {
    let data = match size_of::<E>() {
        4 => Data::F32(values.iter().map(|x| x.to_f64() as f32).collect()),
        _ => Data::F64(values.iter().map(|x| x.to_f64()).collect()),
    };
    Tensor { name: name.into(), shape: vec![values.len()], data }
}

/// The numbers of the tensor called `name`, which must be `size` of the element type.
pub fn numbers<E: Element>(at: &str, file: &TensorFile, name: &str, size: usize) -> Result<Vec<E>> {
    let at = format!("{at}: {name}");
    let Some(tensor) = file.get(name) else {
        return Err(Error::expected(at, format!("{size} numbers"), "none"));
    };
    let found = || format!("{:?} in {}", tensor.shape, tensor.data.dtype());
    let wrong = || Error::expected(&at, format!("[{size}] in {}", E::NAME.to_uppercase()), found());
    match &tensor.data {
        _ if tensor.shape != [size] => Err(wrong()),
        Data::F32(v) if size_of::<E>() == 4 => Ok(v.iter().map(|x| E::from_f64(f64::from(*x))).collect()),
        Data::F64(v) if size_of::<E>() == 8 => Ok(v.iter().map(|x| E::from_f64(*x)).collect()),
        _ => Err(wrong()),
    }
}

impl<E: Element> Point<E> {
    /// Zero everywhere, of the size of another.
    pub fn zero<F: Element>(like: &Point<F>) -> Self {
        Self { theta: vec![E::ZERO; like.theta.len()] }
    }

    /// The same in another element type, rounded where it must be.
    pub fn to<F: Element>(&self) -> Point<F> {
        Point { theta: self.theta.iter().map(|x| F::from_f64(x.to_f64())).collect() }
    }

    /// Every number times `share`.
    pub fn scaled(&self, share: f64) -> Self {
        Self { theta: self.theta.iter().map(|x| E::from_f64(x.to_f64() * share)).collect() }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.theta.iter().all(|x| x.is_finite())
    }

    /// Its tensors, named after `name`.
    pub fn tensors(&self, name: &str) -> Vec<Tensor> {
        vec![tensor(name, &self.theta)]
    }

    /// Reads the point called `name` with `size` parameters.
    pub fn read(at: &str, file: &TensorFile, name: &str, size: usize) -> Result<Self> {
        Ok(Self { theta: numbers(at, file, name, size)? })
    }
}

impl Point<f64> {
    /// Moves every number by `share` of the way to `other`.
    pub fn approach<E: Element>(&mut self, other: &Point<E>, share: f64) {
        let pairs = self.theta.iter_mut().zip(&other.theta);
        pairs.for_each(|(a, x)| *a += share * (x.to_f64() - *a));
    }

    /// Adds `other`.
    pub fn add<E: Element>(&mut self, other: &Point<E>) {
        self.theta.iter_mut().zip(&other.theta).for_each(|(a, x)| *a += x.to_f64());
    }
}
