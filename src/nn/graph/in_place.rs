//! Operations that change a tensor in place, and with it everything that shares its numbers.

use super::algebra::matrix;
use super::dtype::Dtype;
use super::lowering::Lowering;
use super::nodes::{named, names};
use super::operators;
use super::schema::GraphText;
use super::value::{Tensor, Value};
use crate::base::{Error, Result};
use std::collections::{HashMap, HashSet};

/// Values by name within one graph, and which are views of which.
#[derive(Default)]
pub struct Scope<'a> {
    pub values: HashMap<&'a str, Value>,
    /// The value that a view is of, and the operation that makes it.
    pub views: HashMap<&'a str, (&'a str, usize)>,
}

impl<'a> Lowering<'a> {
    /// Changes the value called `changed` in place, with all that share its numbers.
    pub fn write(
        &mut self,
        text: &'a GraphText,
        scope: &mut Scope<'a>,
        changed: &'a str,
        result: &Value,
    ) -> Result<()> {
        // From the changed value up to the one that is no view.
        let mut chain = vec![changed];
        while let Some((of, _)) = chain.last().and_then(|name| scope.views.get(name)) {
            chain.push(of);
        }
        let root = chain[chain.len() - 1];
        let before = scope.values.get(root).and_then(Value::tensor);
        let (Some(before), Some(after)) = (before, result.tensor()) else {
            return Err(Error::expected("graph", "a tensor that is changed in place", "another value"));
        };
        let new = match chain.len() {
            1 => after,
            _ => {
                // Which of the root's numbers the view is of: the same views of its positions.
                let positions: Vec<f64> = (0..before.size()).map(|i| i as f64).collect();
                let mut values: HashMap<&str, Value> = scope.values.clone();
                values.insert(root, Tensor::known(&before.shape, Dtype::Int, positions).into());
                for name in chain.iter().rev().skip(1) {
                    let (_, index) = scope.views[name];
                    self.replay(text, index, &mut values)?;
                }
                let seen = values.get(changed).and_then(Value::tensor);
                let Some((seen, after)) = seen.filter(|t| t.shape == after.shape).zip(Some(after)) else {
                    return Err(Error::expected("graph", "a view that keeps its shape in place", "another"));
                };
                let Some(seen) = seen.numbers() else {
                    return Err(Error::expected("graph", "a view of known places", "another"));
                };
                let mut from = vec![-1.0; before.size()];
                for (i, position) in seen.iter().enumerate() {
                    from[*position as usize] = i as f64;
                }
                self.patched(&before, &after, from)?
            }
        };
        let new = new.typed(before.dtype);
        scope.values.insert(root, new.into());
        // Everything that shares numbers with it, in the order in which it was made.
        let mut views: Vec<(usize, &str)> =
            scope.views.iter().map(|(name, (_, index))| (*index, *name)).collect();
        views.sort_unstable();
        let mut related = HashSet::from([root]);
        let mut values = std::mem::take(&mut scope.values);
        for (index, name) in views {
            if related.contains(scope.views[name].0) {
                related.insert(name);
                self.replay(text, index, &mut values)?;
            }
        }
        scope.values = values;
        Ok(())
    }

    /// Makes a view again; an operation in place stands for what it changed.
    fn replay(
        &mut self,
        text: &'a GraphText,
        index: usize,
        values: &mut HashMap<&'a str, Value>,
    ) -> Result<()> {
        let node = &text.nodes[index];
        if operators::name(&node.target).2 {
            let first = named(node.inputs.first()).and_then(|name| values.get(name)).cloned();
            let names = names(node);
            if let (Some(value), [Some(name)]) = (first, names.as_slice()) {
                values.insert(name, value);
            }
            return Ok(());
        }
        let results = self.execute(node, values)?;
        values.extend(names(node).into_iter().zip(results).filter_map(|(name, value)| Some((name?, value))));
        Ok(())
    }

    /// The tensor with number i replaced by number `from[i]` of another where that is not negative.
    fn patched(&mut self, old: &Tensor, new: &Tensor, from: Vec<f64>) -> Result<Tensor> {
        let flat = [old.size()];
        let mask: Vec<f64> = from.iter().map(|i| f64::from(u8::from(*i >= 0.0))).collect();
        let (mask, from) = (Tensor::known(&flat, Dtype::Bool, mask), Tensor::known(&flat, Dtype::Int, from));
        let source = self.rows(new);
        let index = self.rows(&from);
        let shape = matrix(&flat);
        let taken = self.tape.take(source, index, 1, new.size(), 1, old.size(), false, shape);
        let taken = self.of(taken, &flat, old.dtype);
        let before = self.reshape(old, &flat)?;
        let patched = self.select(&mask, &taken, &before)?;
        self.reshape(&patched, &old.shape)
    }
}
