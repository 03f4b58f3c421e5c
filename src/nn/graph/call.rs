//! A call of an operator: its arguments by the names of torch's schema, asked for by type.

use super::dtype::Dtype;
use super::value::{Tensor, Value};
use crate::base::files::brief;
use crate::base::{Error, Result};
use std::cell::Cell;

/// An operator with its arguments.
#[derive(Debug)]
pub struct Call<'a> {
    /// The operator as the graph names it.
    pub target: &'a str,
    /// Its overload: `Tensor` of `aten.add.Tensor`.
    pub overload: &'a str,
    /// The module whose `forward` calls it; empty for the outermost.
    pub module: &'a str,
    /// Arguments by name, in order.
    pub arguments: Vec<(&'a str, Value)>,
    /// How many results are expected.
    pub results: usize,
    /// Which arguments have been asked for.
    pub asked: Cell<u64>,
}

/// Arguments that change nothing here: where tensors lie, what is random in training, how gradients are stored.
const IGNORED: &[&str] = &[
    "device",
    "layout",
    "pin_memory",
    "memory_format",
    "non_blocking",
    "copy",
    "cudnn_enable",
    "cudnn_enabled",
    "generator",
    "sparse",
    "sparse_grad",
    "scale_grad_by_freq",
    "inplace",
    "train",
    "training",
    "momentum",
    "dropout",
    "dropout_p",
    "implicit",
    "stable",
    "sorted",
    "return_indices",
];

impl Call<'_> {
    /// Where it stands, for errors: `aten.conv2d.default in model.0`.
    pub fn at(&self) -> String {
        let target = super::nodes::shown(self.target);
        match self.module {
            "" => target,
            module => format!("{target} in {}", brief(module)),
        }
    }

    /// `OPERATOR in MODULE: expected X, found Y`.
    pub fn refuse(&self, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
        Error::expected(self.at(), expected, found)
    }

    /// The argument called `name`; none where it is missing or nothing.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let index = self.arguments.iter().position(|(n, _)| *n == name)?;
        self.at_index(index).filter(|v| !matches!(v, Value::None))
    }

    /// The argument at a place in the order of the call.
    pub fn at_index(&self, index: usize) -> Option<&Value> {
        self.asked.set(self.asked.get() | 1 << index.min(63));
        self.arguments.get(index).map(|(_, v)| v)
    }

    /// Refuses an argument that nobody asked for: it would have changed the result.
    pub fn all_asked(&self) -> Result<()> {
        let left = self.arguments.iter().enumerate().find(|(i, (name, value))| {
            let asked = self.asked.get() >> (*i).min(63) & 1 == 1;
            !asked && !matches!(value, Value::None | Value::Bool(false)) && !IGNORED.contains(name)
        });
        match left {
            None => Ok(()),
            Some((_, (name, value))) => {
                let found = format!("`{}` = {}", brief(name), value.what());
                Err(self.refuse("arguments that are understood", found))
            }
        }
    }

    /// The argument called `name`.
    pub fn need(&self, name: &str) -> Result<&Value> {
        self.get(name).ok_or_else(|| self.refuse(format!("an argument `{name}`"), "none"))
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Error {
        self.refuse(format!("{expected} for `{name}`"), found.what())
    }

    /// A tensor, or a number as one.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let value = self.need(name)?;
        value.tensor().ok_or_else(|| self.wrong(name, "a tensor", value))
    }

    /// A tensor that may be missing.
    pub fn maybe(&self, name: &str) -> Result<Option<Tensor>> {
        self.get(name).map(|_| self.tensor(name)).transpose()
    }

    /// A list of tensors.
    pub fn tensors(&self, name: &str) -> Result<Vec<Tensor>> {
        let value = self.need(name)?;
        let Value::List(values) = value else { return Err(self.wrong(name, "a list of tensors", value)) };
        values.iter().map(|v| v.tensor().ok_or_else(|| self.wrong(name, "a tensor", v))).collect()
    }

    /// A list of tensors of which some are missing.
    pub fn optional_tensors(&self, name: &str) -> Result<Vec<Option<Tensor>>> {
        let value = self.need(name)?;
        let Value::List(values) = value else { return Err(self.wrong(name, "a list of tensors", value)) };
        let one = |v: &Value| match v {
            Value::None => Ok(None),
            v => v.tensor().map(Some).ok_or_else(|| self.wrong(name, "a tensor or nothing", v)),
        };
        values.iter().map(one).collect()
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Result<i64> {
        let value = self.need(name)?;
        self.as_int(name, value)
    }

    fn as_int(&self, name: &str, value: &Value) -> Result<i64> {
        let whole = |x: f64| (x.fract() == 0.0 && x.abs() < 2f64.powi(53)).then_some(x as i64);
        let found = match value {
            Value::Int(n) => Some(*n),
            Value::Bool(b) => Some(i64::from(*b)),
            Value::Float(x) => whole(*x),
            Value::Tensor(t) if t.size() == 1 => t.numbers().and_then(|n| whole(n[0])),
            _ => None,
        };
        found.ok_or_else(|| self.wrong(name, "a whole number", value))
    }

    /// A whole number, or what it is by default.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        self.get(name).map_or(Ok(default), |value| self.as_int(name, value))
    }

    /// A number.
    pub fn float(&self, name: &str) -> Result<f64> {
        let value = self.need(name)?;
        let found = value.tensor().filter(|t| t.size() == 1).and_then(|t| t.numbers().map(|n| n[0]));
        found.ok_or_else(|| self.wrong(name, "a number", value))
    }

    /// A number, or what it is by default.
    pub fn float_or(&self, name: &str, default: f64) -> Result<f64> {
        self.get(name).map_or(Ok(default), |_| self.float(name))
    }

    /// A truth value, or what it is by default.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(b)) => Ok(*b),
            Some(value) => Ok(self.as_int(name, value)? != 0),
        }
    }

    /// A word.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whole numbers; one stands for a list of itself.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        match self.need(name)? {
            Value::List(values) => values.iter().map(|v| self.as_int(name, v)).collect(),
            Value::Tensor(t) if t.rank() == 1 && t.numbers().is_some() => {
                let numbers = t.numbers().map(|n| n.to_vec()).unwrap_or_default();
                // Beyond all lengths, as an end that is none, a number need not be exact.
                let int = |x: f64| {
                    if x.abs() >= 2f64.powi(62) { Ok(x as i64) } else { self.as_int(name, &Value::Float(x)) }
                };
                numbers.into_iter().map(int).collect()
            }
            value => Ok(vec![self.as_int(name, value)?]),
        }
    }

    /// Whole numbers, empty by default.
    pub fn ints_or_none(&self, name: &str) -> Result<Vec<i64>> {
        self.get(name).map_or(Ok(Vec::new()), |_| self.ints(name))
    }

    /// Sizes: whole numbers of at least 0.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>> {
        let size = |n: i64| {
            usize::try_from(n).map_err(|_| self.refuse(format!("sizes of at least 0 for `{name}`"), n))
        };
        self.ints(name)?.into_iter().map(size).collect()
    }

    /// An axis of a tensor of so many, counted from the end where it is negative.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let rank = rank.max(1) as i64;
        if (-rank..rank).contains(&axis) {
            Ok(((axis + rank) % rank) as usize)
        } else {
            Err(self.refuse(format!("an axis from {} to {}", -rank, rank - 1), axis))
        }
    }

    /// Axes by the name of the argument: all of them where none are named.
    pub fn axes(&self, name: &str, rank: usize) -> Result<Vec<usize>> {
        let named = self.ints_or_none(name)?;
        if named.is_empty() {
            return Ok((0..rank).collect());
        }
        let mut axes = named.into_iter().map(|a| self.axis(a, rank)).collect::<Result<Vec<usize>>>()?;
        axes.sort_unstable();
        if axes.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.refuse(format!("unlike axes for `{name}`"), format!("{axes:?}")));
        }
        axes.retain(|a| *a < rank);
        Ok(axes)
    }

    /// The element type by the name of the argument.
    pub fn dtype(&self, default: Dtype) -> Result<Dtype> {
        match self.get("dtype") {
            None => Ok(default),
            Some(_) => {
                let number = u32::try_from(self.int("dtype")?).unwrap_or(u32::MAX);
                Ok(super::dtype::Stored::of(&self.at(), number)?.dtype())
            }
        }
    }
}
