//! The student of a teacher-student problem: one hidden layer without biases whose units are added up,
//! f(x) = sum_i f(w_i . x), or weighed by trained output weights. With as many units as the teacher it has bad minima;
//! with one or two more they vanish (Safran and Shamir 2018).

use super::{Unfold, activate, dense, within};
use crate::base::Result;
use crate::nn::activations::Activation;
use crate::nn::layers::{Item, Sum};
use crate::nn::norms::Norm;

crate::kind! {
    /// One hidden layer, added up.
    Student = "student",
        "one hidden layer whose units are added up, for teacher-student data (Safran and Shamir 2018)";
    /// Hidden units.
    units: usize = 8,
    /// Of each unit.
    activation: Activation = Activation::default(),
    /// Whether output weights are trained; they are 1 otherwise.
    train_outputs: bool = false,
}

impl Student {
    fn refuse(&self) -> Result<()> {
        within("units", self.units, 1..=1_000_000)
    }
}

impl Unfold for Student {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = dense(self.units, false, &Norm::default());
        layers.push(activate(&self.activation));
        if self.train_outputs || outputs != 1 {
            layers.extend(dense(outputs, false, &Norm::default()))
        } else {
            layers.push(Item::new("", Sum))
        }
        layers
    }
}
