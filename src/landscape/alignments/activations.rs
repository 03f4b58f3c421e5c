//! Activation matching: units are paired by what they say of the same training samples, all layers at once.
//!
//! By correlation (Li et al. 2015, arXiv 1511.07543; Jordan et al. 2022, arXiv 2211.08403) P maximises the sum of the
//! correlations of paired units; by least squares (Ainsworth et al. 2022, section 3.1) it minimises the squared difference
//! of their activations, which is to maximise sum over units of <z_A, z_B>. Either is a linear assignment a group.
//!
//! A group is judged by the outputs of all activations that carry it, and by those of all layers where no activation does.
//! A convolution's positions count as samples. A unit that never changes correlates with none.

use super::{Align, Aligned, Pair, within};
use crate::autodiff::View;
use crate::autodiff::matrix::product;
use crate::base::{Result, assignment::assign, interrupt};
use crate::landscape::signals;
use crate::nn::symmetry::Place;

crate::kind! {
    /// Activation matching.
    ActivationMatching = "activations",
        "pairs units whose activations correlate over training samples (Li et al. 2015; Ainsworth et al. 2022)";
    // Some samples a unit settle who is who, in networks of up to some hundred units a layer.
    /// By correlation; else by least squares.
    correlation: bool = true,
    /// Most training samples, the first ones; 0 for all.
    samples: usize = 2048,
}

impl ActivationMatching {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 0..=1 << 31)
    }
}

/// What two networks' signals at one layer say of each other: sums over samples and positions.
#[derive(Clone)]
struct Sums {
    count: f64,
    /// Sum and sum of squares of each channel, for A and for B.
    own: [Vec<[f64; 2]>; 2],
    /// Sum of products, channels of B fastest.
    cross: Vec<f64>,
}

impl Sums {
    fn new(a: &View<f64>, b: &View<f64>) -> Self {
        let shape = a.shape;
        let (a, b) = (a.data, b.data);
        let own = [&a, &b].map(|data| {
            let mut sums = vec![[0.0; 2]; shape.rows];
            for column in data.chunks_exact(shape.rows) {
                sums.iter_mut().zip(column).for_each(|(s, x)| *s = [s[0] + x, s[1] + x * x]);
            }
            sums
        });
        let mut cross = vec![0.0; shape.rows * shape.rows];
        let [a, b] = [&a, &b].map(|data| View { data, shape });
        product(&mut cross, false, (b, false), (a, true));
        Self { count: shape.cols as f64, own, cross }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        for (own, other) in self.own.iter_mut().flatten().zip(other.own.iter().flatten()) {
            (0..2).for_each(|k| own[k] += other[k]);
        }
        self.cross.iter_mut().zip(&other.cross).for_each(|(s, o)| *s += o);
    }

    /// How well channel i of A goes with channel j of B.
    fn likeness(&self, i: usize, j: usize, correlation: bool) -> f64 {
        let (n, product) = (self.count, self.cross[i * self.own[0].len() + j] / self.count);
        if !correlation {
            return product;
        }
        // A variance below the rounding of its two parts is none.
        const LEAST: f64 = 1e-12;
        let spread = |[x, square]: [f64; 2]| {
            let variance = square / n - (x / n) * (x / n);
            if variance > LEAST * square / n { variance.sqrt() } else { 0.0 }
        };
        let ([a, b], scale) = {
            let (a, b) = (self.own[0][i], self.own[1][j]);
            ([a[0] / n, b[0] / n], spread(a) * spread(b))
        };
        if scale > 0.0 { (product - a * b) / scale } else { 0.0 }
    }
}

/// Layers whose outputs tell of a group: activations, or whatever there is.
fn layers(pair: &Pair) -> Vec<(usize, Vec<Option<Place>>)> {
    let symmetry = pair.network().symmetry();
    let traces = pair.network().traces();
    let carried: Vec<Vec<Option<Place>>> = traces.iter().map(|t| symmetry.places(&t.signal.units)).collect();
    let carries = |t: usize, group: usize| carried[t].iter().flatten().any(|p| p.group as usize == group);
    let all = 0..traces.len();
    let mut told: Vec<Vec<Option<Place>>> = carried.iter().map(|places| vec![None; places.len()]).collect();
    for group in 0..symmetry.groups().len() {
        let mut of: Vec<usize> =
            all.clone().filter(|t| traces[*t].activation && carries(*t, group)).collect();
        if of.is_empty() {
            of = all.clone().filter(|t| carries(*t, group)).collect();
        }
        for t in of {
            for (told, place) in told[t].iter_mut().zip(&carried[t]) {
                *told = place.filter(|p| p.group as usize == group).or(*told);
            }
        }
    }
    told.into_iter().enumerate().filter(|(_, places)| places.iter().any(Option::is_some)).collect()
}

impl Align for ActivationMatching {
    fn words(&self) -> &'static str {
        "activation matching"
    }

    fn align(&self, pair: &Pair, observe: &dyn Fn(usize, usize)) -> Result<Aligned> {
        let symmetry = pair.network().symmetry();
        let layers = layers(pair);
        let count = if self.samples == 0 { usize::MAX } else { self.samples }.min(pair.objective.samples());
        let indices: Vec<u32> = (0..count as u32).collect();
        let objective = pair.objective.batches(count)(&indices);
        let traces: Vec<usize> = layers.iter().map(|(t, _)| *t).collect();
        observe(0, symmetry.groups().len() + 1);
        let mut sums: Vec<Option<Sums>> = vec![None; layers.len()];
        let chunks = signals::each(&*objective, &traces, &[pair.a, pair.b], |views| {
            views[0].iter().zip(&views[1]).map(|(a, b)| Sums::new(a, b)).collect::<Vec<_>>()
        });
        for chunk in chunks {
            for (sum, part) in sums.iter_mut().zip(chunk) {
                match sum {
                    Some(sum) => sum.add(&part),
                    None => *sum = Some(part),
                }
            }
        }
        let mut permutation = symmetry.identity();
        for (group, n) in symmetry.groups().iter().enumerate() {
            interrupt::check("alignment", "nothing is kept of it")?;
            observe(group + 1, symmetry.groups().len() + 1);
            let mut cost = vec![0.0; n * n];
            for ((_, places), sums) in layers.iter().zip(&sums) {
                let mut channels = vec![Vec::new(); *n];
                for (c, place) in places.iter().enumerate() {
                    if let Some(place) = place.filter(|p| p.group as usize == group) {
                        channels[place.member as usize].push(c);
                    }
                }
                let Some(sums) = sums else { continue };
                for (k, cost) in cost.iter_mut().enumerate() {
                    for (i, j) in channels[k / n].iter().zip(&channels[k % n]) {
                        *cost -= sums.likeness(*i, *j, self.correlation);
                    }
                }
            }
            permutation = permutation.then_within(group, &assign(&cost, *n)?.columns);
        }
        observe(symmetry.groups().len() + 1, symmetry.groups().len() + 1);
        Ok(Aligned::new(pair, permutation, 1, "every group is assigned at once"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Shape;

    /// The shape of [`Sums`] is that of one chunk: cross products lie by A's channel.
    #[test]
    fn likeness_is_the_correlation() {
        let (a, b) = ([1.0, 0.0, 2.0, 0.0, 4.0, 0.0f64], [5.0, -2.0, 5.0, -4.0, 5.0, -8.0]);
        let shape = Shape::new(2, 3);
        let sums = Sums::new(&View { data: &a[..], shape }, &View { data: &b[..], shape });
        assert_eq!(sums.likeness(0, 1, false), -42.0 / 3.0);
        assert!((sums.likeness(0, 1, true) + 1.0).abs() < 1e-14);
        assert_eq!(
            [sums.likeness(0, 0, true), sums.likeness(1, 1, true)],
            [0.0, 0.0],
            "units that never change"
        );
    }
}
