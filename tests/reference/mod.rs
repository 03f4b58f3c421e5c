//! Against other implementations: figures from PyTorch and optax, made by `make.py` beside this file, and from JAX, made
//! by `networks.py` and `spectra.py`. Each JSON file records the versions that made it.

mod activations;
mod networks;
mod optimizers;
mod schedules;
mod spectra;
mod topology;

use serde::de::DeserializeOwned;

/// The figures in one of the files.
fn figures<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("figures of another shape: {e}"))
}

/// The two agree to 1e-12 of their size, or of 1: some hundred roundings of 1e-16, in another order.
fn agrees(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error <= 1e-12 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}
