//! Networks that PyTorch exported, against PyTorch's own numbers.
//!
//! Each `NAME.pt2` is a module that returns the mean loss of a batch, exported by torch 2.15 with source locations stripped;
//! `NAME.npz` holds the batch, and `NAME.json` what PyTorch computes in double precision at the exported weights with
//! v_i = sin(i + 1) over all parameters: loss, |g|, g.v, v.Hv, |Hv| and, for small networks, all eigenvalues.

mod analyses;
mod broken;
mod curvature;
mod onnx;
mod symmetry;
mod training;

use losscape::analyses::inspect::{Along, Asked, inspect};
use losscape::analyses::{Beside, DataGiven};
use losscape::base::Precision;
use losscape::data::Source;
use serde_json::Value;
use std::path::PathBuf;

/// Dense, recurrent, convolutional, graph, variational, contrastive and attentive networks with the losses that go with them.
const NETWORKS: [&str; 9] = ["mlp", "multilabel", "tabular", "gcn", "vae", "lstm", "clip", "unet", "encoder"];

/// A file beside this one.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/exported").join(name)
}

/// The data of a network.
pub fn data(name: &str) -> Beside {
    let source: Source =
        format!("npz:file={}", file(&format!("{name}.npz")).display()).parse().expect("a data set");
    Beside { data: DataGiven { data: Some(source), ..DataGiven::default() }, ..Beside::default() }
}

fn numbers(name: &str, precision: Precision, eigenvalues: bool) -> Value {
    let asked = Asked { along: Some(Along::Sine), precision: Some(precision), eigenvalues, memory: 1.0 };
    inspect(&file(&format!("{name}.pt2")), &data(name), &asked).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// PyTorch's numbers.
fn expected(name: &str) -> Value {
    let text = std::fs::read_to_string(file(&format!("{name}.json"))).expect("numbers");
    serde_json::from_str(&text).expect("JSON")
}

/// Compares within `tolerance`, relative to the number itself; in single precision a product with a direction relative to
/// the vector's length at least, as its terms cancel.
fn compare(name: &str, tolerance: f64, found: &Value, expected: &Value) {
    let number = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
    assert_eq!(found["parameters"], expected["parameters"], "{name}");
    for key in ["loss", "gradient_norm", "gv", "vhv", "hv_norm"] {
        let own = if found[key].is_null() { &found["along"][key] } else { &found[key] };
        let (own, other) = (number(own), number(&expected[key]));
        let length = match key {
            "gv" if tolerance > 1e-6 => number(&expected["gradient_norm"]),
            "vhv" if tolerance > 1e-6 => number(&expected["hv_norm"]),
            _ => 0.0,
        };
        let error = (own - other).abs() / other.abs().max(length);
        assert!(error <= tolerance, "{name}: {key} is {own}, PyTorch has {other}: {error:e}");
    }
}

#[test]
fn loss_gradient_and_hessian_products_are_those_of_pytorch() {
    for name in NETWORKS {
        let expected = expected(name);
        // Where PyTorch has no second derivative its numbers are differences of gradients.
        let tolerance = if expected["by"].is_null() { 1e-10 } else { 1e-6 };
        compare(name, tolerance, &numbers(name, Precision::F64, false), &expected);
    }
}

#[test]
fn single_precision_is_as_near_as_it_can_be() {
    for name in NETWORKS {
        compare(name, 1e-5, &numbers(name, Precision::F32, false), &expected(name));
    }
}

#[test]
fn all_eigenvalues_are_those_of_pytorch() {
    for name in ["mlp", "multilabel", "clip", "gcn", "tabular"] {
        let found = numbers(name, Precision::F64, true);
        let list = |v: &Value| -> Vec<f64> {
            v.as_array().expect("eigenvalues").iter().filter_map(Value::as_f64).collect()
        };
        let (own, other) = (list(&found["eigenvalues"]), list(&expected(name)["eigenvalues"]));
        assert_eq!(own.len(), other.len(), "{name}");
        let scale = other.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let error = own.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error <= 1e-9 * scale, "{name}: {error:e} of {scale:e}");
    }
}

#[test]
fn samples_that_cannot_be_told_apart_are_found_out() {
    let samples = |name: &str| numbers(name, Precision::F64, false)["samples"].clone();
    assert_eq!(samples("clip"), "coupled");
    assert_eq!(samples("mlp"), 16);
    // A pairwise loss within a sample couples nothing.
    assert_eq!(samples("gcn"), 4);
}

#[test]
fn roles_and_output_axes_follow_from_use() {
    let found = numbers("encoder", Precision::F32, false);
    let of = |name: &str| {
        let tensors = found["tensors"].as_array().expect("tensors");
        let tensor = tensors.iter().find(|t| t["name"].as_str().is_some_and(|n| n.ends_with(name)));
        tensor.unwrap_or_else(|| panic!("no {name}")).clone()
    };
    for (name, role) in [
        ("0.layers.0.self_attn.in_proj_weight", "weight"),
        ("0.layers.0.self_attn.in_proj_bias", "bias"),
        ("0.layers.0.linear1.weight", "weight"),
        ("0.layers.0.norm1.weight", "norm-scale"),
        ("0.layers.0.norm1.bias", "norm-shift"),
    ] {
        assert_eq!((&of(name)["role"], &of(name)["axis"]), (&role.into(), &0.into()), "{name}");
    }
}
