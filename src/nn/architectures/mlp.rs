//! Multilayer perceptron: dense layers with an activation after each but the last.
//!
//! With `residual = 1`, each hidden layer as wide as the one before it becomes x + s f(W x + b); with `residual = m` of 2
//! or more, each run of m of them becomes f(x + s W_m f(... f(W_1 x))), as the blocks of He et al. 2016. The scale s is
//! `branch-scale`; depth^(-1/2) keeps the variance at the start. `scalars` puts FixUp's learned numbers in such blocks.

use super::{Unfold, activate, check_dropout, check_sizes, dense, dropout, within};
use crate::base::{Error, Result};
use crate::nn::activations::Activation;
use crate::nn::layers::{Gain, Item, Residual, Shift};
use crate::nn::norms::Norm;

crate::kind! {
    /// Dense layers with an activation after each but the last.
    Mlp = "mlp",
        "dense layers of the widths in `hidden`, an activation after each but the last; residual if asked";
    /// Width of each hidden layer; none for softmax (linear) regression.
    hidden: Vec<usize> = vec![32],
    /// After each hidden layer.
    activation: Activation = Activation::default(),
    /// Whether the layers have biases.
    bias: bool = true,
    /// Norm of each hidden layer.
    norm: Norm = Norm::default(),
    /// Layers in a residual branch; 0 for none.
    residual: usize = 0,
    /// What branches are multiplied by.
    branch_scale: f64 = 1.0,
    /// FixUp's scalar biases and multipliers in residual blocks of 2 layers and more.
    scalars: bool = false,
    /// Rate of dropout after each hidden layer.
    dropout: f64 = 0.0,
}

impl Mlp {
    fn refuse(&self) -> Result<()> {
        check_sizes("hidden", &self.hidden, 0)?;
        within("residual", self.residual, 0..=100)?;
        check_dropout(self.dropout)?;
        if self.branch_scale.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("branch-scale", "a finite number", self.branch_scale))
        }
    }
}

impl Mlp {
    /// A residual block of `self.residual` layers.
    fn block(&self, units: usize) -> Vec<Item> {
        let mut body = Vec::new();
        let scalar = |body: &mut Vec<Item>| {
            if self.scalars {
                body.push(Item::new("", Shift));
            }
        };
        for i in 0..self.residual {
            if i > 0 {
                body.push(activate(&self.activation));
            }
            scalar(&mut body);
            // FixUp's scalars take the place of the layers' own biases.
            body.extend(dense(units, self.bias && !self.scalars, &self.norm));
            if i + 1 < self.residual {
                scalar(&mut body);
            }
        }
        if self.residual == 1 {
            body.push(activate(&self.activation));
        } else if self.scalars {
            body.extend([Item::new("", Gain), Item::new("", Shift)]);
        }
        let block = Residual { body, shortcut: Vec::new(), scale: self.branch_scale };
        let mut items = vec![Item::new("", block)];
        if self.residual > 1 {
            items.push(activate(&self.activation));
        }
        items.extend(dropout(self.dropout));
        items
    }
}

impl Unfold for Mlp {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = Vec::new();
        let (mut rest, mut last) = (self.hidden.as_slice(), None);
        while let Some(units) = rest.first() {
            let run = rest.iter().take(self.residual).take_while(|u| Some(**u) == last).count();
            if self.residual > 0 && run == self.residual {
                layers.extend(self.block(*units));
                rest = &rest[run..];
            } else {
                layers.extend(dense(*units, self.bias, &self.norm));
                layers.push(activate(&self.activation));
                layers.extend(dropout(self.dropout));
                rest = &rest[1..];
            }
            last = Some(*units);
        }
        layers.extend(dense(outputs, self.bias, &Norm::default()));
        layers
    }
}
