//! Singular vectors of spectral norm in a state that moves from one network's to another's.
//!
//! The pairs (u, v) and (-u, -v) mean the same sigma = u^T W v, but not the same place between two networks: signs are made
//! to agree first. A mean of two unit vectors is shorter than 1, which would scale sigma: it is made as long again.

use super::Network;

impl Network {
    /// Turns the singular vectors in `state` over, pair by pair, where they point away from those in `towards`.
    pub fn align_singular(&self, towards: &[f64], state: &mut [f64]) {
        for pair in self.singular() {
            let dot: f64 = pair.clone().map(|i| towards[i] * state[i]).sum();
            if dot < 0.0 {
                state[pair].iter_mut().for_each(|x| *x = -*x);
            }
        }
    }

    /// Makes the singular vectors in `state` as long as such are; those of length zero stay.
    pub fn settle_singular(&self, state: &mut [f64]) {
        for spectral in &self.layout().spectral {
            for side in [spectral.left, spectral.left + 1] {
                super::network::normalise(&mut state[self.layout().buffers[side].range()]);
            }
        }
    }

    /// The state between those of two networks, (1 - t) a + t b, with singular vectors of length 1; at the ends theirs, to the
    /// bit.
    pub fn mixed(&self, [a, b]: [&[f64]; 2], t: f64) -> Vec<f64> {
        let mix = |a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| (1.0 - t) * a + t * b).collect()
        };
        if self.layout().spectral.is_empty() || t == 0.0 || t == 1.0 {
            return mix(a, b);
        }
        let mut b = b.to_vec();
        self.align_singular(a, &mut b);
        let mut state = mix(a, &b);
        self.settle_singular(&mut state);
        state
    }

    /// Where in the state the pairs of singular vectors lie, the left one and the right one after it.
    fn singular(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let buffers = &self.layout().buffers;
        self.layout().spectral.iter().map(|s| buffers[s.left].offset..buffers[s.left + 1].range().end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Result, Streams};
    use crate::nn::Spec;

    #[test]
    fn between_two_networks_vectors_have_length_1_and_no_sign_matters() -> Result<()> {
        let spec = Spec {
            model: "mlp:hidden=[5,4],norm=spectral".parse()?,
            loss: "cross-entropy".parse()?,
            input: vec![3],
            outputs: 2,
        };
        let network = Network::new(spec)?;
        let of = |seed| network.start(&network.init(&Default::default(), &Streams::new(seed)));
        let (a, b) = (of(1), of(2));
        let turned: Vec<f64> = b.iter().map(|x| -x).collect();
        assert_eq!((network.mixed([&a, &b], 0.0), network.mixed([&a, &b], 1.0)), (a.clone(), b.clone()));
        let between = network.mixed([&a, &b], 0.3);
        assert_eq!(between, network.mixed([&a, &turned], 0.3));
        for buffer in &network.layout().buffers {
            let length: f64 = between[buffer.range()].iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-14, "{}: {length}", buffer.name);
        }
        Ok(())
    }
}
