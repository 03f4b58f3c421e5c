//! Filter normalisation (Li et al. 2018, arXiv 1712.09913): each neuron's incoming weights (each filter) of a
//! direction get the norm of the network's own, so that neither the scale of a layer nor its size decides how
//! flat a slice looks.

use super::Normalize;
use crate::nn::Parameter;

crate::kind! {
    /// each filter of the direction gets its own filter's norm (Li et al. 2018).
    Filter = "filter", "each filter of the direction gets its own filter's norm (Li et al. 2018)";
}

impl Normalize for Filter {
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]) {
        if parameter.axis == 0 {
            for filter in parameter.filters() {
                super::match_norm(&theta[filter.clone()], &mut d[filter]);
            }
            return;
        }
        for places in parameter.places() {
            let own: Vec<f64> = places.clone().map(|i| theta[i]).collect();
            let mut drawn: Vec<f64> = places.clone().map(|i| d[i]).collect();
            super::match_norm(&own, &mut drawn);
            places.zip(drawn).for_each(|(i, x)| d[i] = x);
        }
    }
}
