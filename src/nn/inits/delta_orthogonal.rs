//! Delta-orthogonal: an orthogonal matrix, output channels x input channels, at the centre tap of a convolution's
//! kernel and zero at the others, so that the layer keeps the norm of every signal that has no more channels than its
//! output (Xiao et al. 2018). A dense weight, a kernel of one tap, is orthogonal.

use super::{Fans, Initialize, orthogonal::check_gain};
use crate::base::Result;
use crate::base::random::{Rng, orthogonal};

crate::kind! {
    /// Orthogonal at the centre tap of each kernel, zero elsewhere (Xiao et al. 2018).
    DeltaOrthogonal = "delta-orthogonal",
        "orthogonal times gain at the centre tap of each kernel, zero elsewhere (Xiao et al. 2018)";
    /// What all singular values of the centre tap are.
    gain: f64 = 1.0, // Xiao et al. 2018, at the critical line of tanh networks with small variance
}

impl DeltaOrthogonal {
    fn refuse(&self) -> Result<()> {
        check_gain(self.gain)
    }
}

impl Initialize for DeltaOrthogonal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        out.fill(0.0);
        let axis = |i: usize| fans.shape.get(i).copied().unwrap_or(1);
        let (outputs, inputs) = (axis(0), axis(1));
        let kernel = fans.shape.get(2..).unwrap_or_default();
        // The tap in the middle of every axis; of two in the middle the first.
        let centre = kernel.iter().fold(0, |at, size| at * size + size.saturating_sub(1) / 2);
        let taps = kernel.iter().product::<usize>().max(1);
        let centres = out.chunks_exact_mut(taps).map(|tap| &mut tap[centre]);
        let matrix = orthogonal(outputs, inputs, rng);
        centres.zip(matrix.into_iter().flatten()).for_each(|(w, q)| *w = self.gain * q);
    }
}
