//! How the arguments of a graph's `forward` lie in one sample of a data set: one after another, row-major, as numbers.
//!
//! A sample is one index along the batch axis of each argument that has one. An argument without is the same for all
//! samples, and repeated in each. Without a symbol for the batch its size is fixed, one or more: samples come in groups of that size, or,
//! where arguments differ in their first length, all together as one.

use super::{Dtype, Graph, Length};
use crate::base::files::brief;
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the data say of a graph's symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sizes {
    /// The symbol that counts samples; empty where the size of the batch is fixed.
    pub batch: String,
    /// The other symbols.
    pub others: BTreeMap<String, usize>,
}

/// Where each argument lies in a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// In order.
    pub arguments: Vec<Packed>,
    /// Numbers in a sample.
    pub features: usize,
    /// Samples that must be computed at once; none where any number may.
    pub group: Option<usize>,
}

/// An argument within a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// What kind of numbers.
    pub dtype: Dtype,
    /// Length along each axis but the batch axis.
    pub shape: Vec<usize>,
    /// The axis that counts samples.
    pub axis: Option<usize>,
    /// Start in the sample.
    pub offset: usize,
    /// How many numbers.
    pub size: usize,
}

/// Most numbers in one sample.
const MOST: usize = 1 << 28;

impl Packed {
    /// Its shape for so many samples.
    pub fn whole(&self, samples: usize) -> Vec<usize> {
        let mut shape = self.shape.clone();
        self.axis.into_iter().for_each(|axis| shape.insert(axis, samples));
        shape
    }
}

impl Graph {
    /// The symbol that counts samples: the one along most first axes, then the one along most axes.
    pub fn batch_symbol(&self) -> Option<&str> {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for argument in &self.arguments {
            for (axis, length) in argument.sizes.iter().enumerate() {
                if let Length::Symbol(symbol) = length {
                    let count = counts.entry(symbol).or_default();
                    (count.0, count.1) = (count.0 + usize::from(axis == 0), count.1 + 1);
                }
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(symbol, _)| symbol)
    }

    /// The symbols' values for arguments of these shapes, and how many samples there are. `at` is the data in errors.
    pub fn sizes(&self, at: &str, shapes: &[Vec<usize>]) -> Result<(Sizes, usize)> {
        let batch = self.batch_symbol().unwrap_or_default().to_owned();
        let mut symbols: BTreeMap<String, usize> = BTreeMap::new();
        for (argument, shape) in self.arguments.iter().zip(shapes) {
            let at = format!("{at}: {}", brief(&argument.name));
            let refuse = |expected: String| Err(Error::expected(&at, expected, format!("{shape:?}")));
            if shape.len() != argument.sizes.len() {
                return refuse(format!("{} axes", argument.sizes.len()));
            }
            let fixed = batch.is_empty() && self.batch_length().is_some();
            for (axis, (length, d)) in argument.sizes.iter().zip(shape).enumerate() {
                match length {
                    // Several groups of the fixed size.
                    Length::Fixed(n) if fixed && axis == 0 && *d > 0 && d.is_multiple_of(*n) => {
                        if *symbols.entry(String::new()).or_insert(*d) != *d {
                            return refuse("as many samples as the other arguments".to_owned());
                        }
                    }
                    Length::Fixed(n) if fixed && axis == 0 => {
                        return refuse(format!(
                            "a multiple of {n} samples, the size that was exported (dynamic_shapes={{0: torch.export.Dim(\"batch\")}} leaves it open)"
                        ));
                    }
                    Length::Fixed(n) if n == d => {}
                    Length::Fixed(n) => return refuse(format!("length {n} along axis {axis}")),
                    Length::Symbol(symbol) => {
                        let known = *symbols.entry(symbol.clone()).or_insert(*d);
                        if known != *d || *d == 0 {
                            return refuse(format!("length {known} along axis {axis}, as elsewhere"));
                        }
                    }
                }
            }
        }
        let samples = symbols.remove(&batch).unwrap_or(1);
        Ok((Sizes { batch, others: symbols }, samples))
    }

    /// How many samples a graph without symbols takes at once; one where they can't be told apart.
    fn group(&self) -> Option<usize> {
        if self.batch_symbol().is_some() {
            return None;
        }
        self.arguments.first().and_then(first_length)?;
        Some(self.batch_length().unwrap_or(1))
    }

    /// The first length of all arguments, where it is the same number: that of a fixed batch.
    fn batch_length(&self) -> Option<usize> {
        let mut all = self.arguments.iter().map(first_length);
        let one = all.next().flatten()?;
        all.all(|n| n == Some(one)).then_some(one)
    }

    /// Where each argument lies in a sample.
    pub fn packing(&self, sizes: &Sizes) -> Result<Packing> {
        let (group, batch) = (self.group(), self.batch_length());
        let (mut arguments, mut features) = (Vec::new(), 0usize);
        for argument in &self.arguments {
            let at = brief(&argument.name);
            let (mut shape, mut axis) = (Vec::new(), None);
            for (i, length) in argument.sizes.iter().enumerate() {
                match length {
                    Length::Symbol(symbol) if *symbol == sizes.batch && axis.is_none() => axis = Some(i),
                    Length::Symbol(symbol) if *symbol == sizes.batch => {
                        return Err(Error::expected(at, "one axis that counts samples", "several"));
                    }
                    Length::Symbol(symbol) => match sizes.others.get(symbol) {
                        Some(n) => shape.push(*n),
                        None => {
                            return Err(Error::expected(
                                at,
                                format!("a length for {}", brief(symbol)),
                                "none",
                            ));
                        }
                    },
                    Length::Fixed(_) if group.is_some() && i == 0 && batch.is_some() => axis = Some(0),
                    Length::Fixed(n) => shape.push(*n),
                }
            }
            let size =
                shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| (1..=MOST).contains(n));
            let room = size.and_then(|size| features.checked_add(size)).filter(|n| *n <= MOST);
            let (Some(size), Some(room)) = (size, room) else {
                return Err(Error::expected(
                    at,
                    format!("1 to {MOST} numbers a sample"),
                    format!("{shape:?}"),
                ));
            };
            let (name, dtype) = (argument.name.clone(), argument.dtype);
            arguments.push(Packed { name, dtype, shape, axis, offset: features, size });
            features = room;
        }
        match features {
            0 => Err(Error::expected("graph", "arguments that are data", "none")),
            _ => Ok(Packing { arguments, features, group }),
        }
    }
}

/// The length along the first axis of an argument, where it is fixed.
fn first_length(argument: &super::GraphArgument) -> Option<usize> {
    if let Some(Length::Fixed(n)) = argument.sizes.first() { Some(*n) } else { None }
}
