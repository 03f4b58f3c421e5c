//! The ends of the spectrum of any symmetric operator, here minus the second difference on a ring:
//! `cargo run --release --example spectrum`.

use losscape::base::{Result, Streams};
use losscape::spectral::{Operator, Settings, Wanted, ends};

/// (A x)_i = 2 x_i - x_(i - 1) - x_(i + 1); its eigenvalues are 2 - 2 cos(2 pi k / n).
struct Ring(usize);

impl Operator for Ring {
    fn dimension(&self) -> usize {
        self.0
    }

    fn apply(&self, block: &[f64], _k: usize) -> Vec<f64> {
        let n = self.0;
        let one = |x: &[f64]| (0..n).map(|i| 2.0 * x[i] - x[(i + n - 1) % n] - x[(i + 1) % n]).collect();
        block.chunks(n).flat_map(|x| -> Vec<f64> { one(x) }).collect()
    }
}

fn main() -> Result<()> {
    let mut rng = Streams::new(0).stream("example", 0);
    let found = ends(&Ring(100), Wanted { top: 1, bottom: 1 }, &mut rng, &Settings::default())?;
    for pair in found.top.iter().chain(&found.bottom) {
        println!("{} within {:.1e}, certified: {}", pair.value, pair.residual, pair.certified);
    }
    Ok(())
}
