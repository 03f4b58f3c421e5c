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
    /// The network's state: running statistics, singular vectors.
    pub state: Vec<E>,
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
        Self { theta: vec![E::ZERO; like.theta.len()], state: vec![E::ZERO; like.state.len()] }
    }

    /// The same in another element type, rounded where it must be.
    pub fn to<F: Element>(&self) -> Point<F> {
        self.map(|x| x)
    }

    /// Every number times `share`.
    pub fn scaled(&self, share: f64) -> Self {
        self.map(|x| x * share)
    }

    fn map<F: Element>(&self, f: impl Fn(f64) -> f64) -> Point<F> {
        let of = |v: &[E]| v.iter().map(|x| F::from_f64(f(x.to_f64()))).collect();
        Point { theta: of(&self.theta), state: of(&self.state) }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.theta.iter().chain(&self.state).all(|x| x.is_finite())
    }

    /// Its tensors, named after `name`.
    pub fn tensors(&self, name: &str) -> Vec<Tensor> {
        vec![tensor(name, &self.theta), tensor(format!("{name}/state"), &self.state)]
    }

    /// Reads the point called `name` with so many parameters and numbers of state.
    pub fn read(at: &str, file: &TensorFile, name: &str, [theta, state]: [usize; 2]) -> Result<Self> {
        let state = numbers(at, file, &format!("{name}/state"), state)?;
        Ok(Self { theta: numbers(at, file, name, theta)?, state })
    }
}

impl Point<f64> {
    /// Moves every number by `share` of the way to `other`.
    pub fn approach<E: Element>(&mut self, other: &Point<E>, share: f64) {
        let (theta, state) =
            (self.theta.iter_mut().zip(&other.theta), self.state.iter_mut().zip(&other.state));
        theta.for_each(|(a, x)| *a += share * (x.to_f64() - *a));
        state.for_each(|(a, x)| *a += share * (x.to_f64() - *a));
    }

    /// Adds `other`.
    pub fn add<E: Element>(&mut self, other: &Point<E>) {
        let pairs = self.theta.iter_mut().zip(&other.theta).chain(self.state.iter_mut().zip(&other.state));
        pairs.for_each(|(a, x)| *a += x.to_f64());
    }
}
