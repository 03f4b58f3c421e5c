//! Deep linear networks: f(x) = W_L ... W_1 x, a linear function whose landscape is not convex (Saxe, McClelland and
//! Ganguli 2014).

use super::{Unfold, check_sizes, dense};
use crate::base::Result;
use crate::nn::layers::Item;
use crate::nn::norms::Norm;

crate::kind! {
    /// Dense layers without activations.
    Linear = "linear", "deep linear network W_L ... W_1 x (Saxe, McClelland and Ganguli 2014)";
    // no biases: as in Saxe, McClelland and Ganguli 2014
    /// Width of each hidden layer; none for a linear model.
    hidden: Vec<usize> = vec![32, 32],
    /// Whether the layers have biases.
    bias: bool = false,
}

impl Linear {
    fn refuse(&self) -> Result<()> {
        check_sizes("hidden", &self.hidden, 0)
    }
}

impl Unfold for Linear {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let widths = self.hidden.iter().chain([&outputs]);
        widths.flat_map(|units| dense(*units, self.bias, &Norm::default())).collect()
    }
}
