//! Gauss-Newton and Fisher matrices of exported networks against PyTorch's, and blocks of their curvature against those of the
//! dense matrix.
//!
//! `curvature.json` has, in double precision with v_i = sin(i + 1): v.Gv and |Gv| of the Gauss-Newton matrix, by PyTorch's double
//! backward pass through the outputs that the loss compares, and v.Fv and |Fv| of the mean over samples of g g', from the
//! gradient of each sample by itself.

use crate::exported::{data, expected, file};
use losscape::analyses::exported::open;
use losscape::analyses::{Run, Saved, SharpnessSettings, sharpness};
use losscape::autodiff::Curvature;
use losscape::nn::{Objective, Samples, Statistics};
use losscape::spectral::Dense;
use serde_json::Value;
use std::sync::Arc;

fn run(name: &str) -> Run {
    open(&file(&format!("{name}.pt2")), &data(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn objective(run: &Run) -> Objective<f64> {
    let network = Arc::new(run.network.clone());
    let train = &run.dataset.train;
    let samples = Samples::regression(&network, &train.x, &vec![0.0; train.len()]);
    Objective::new(network, Arc::new(samples), Statistics::Running)
}

fn products(run: &Run, curvature: Curvature, directions: &[f64], k: usize) -> Vec<f64> {
    objective(run).linearize(&run.theta, &run.state, curvature, 1 << 30).products(directions, k)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn near(name: &str, own: f64, other: &Value, tolerance: f64) {
    let other = other.as_f64().expect("a number");
    assert!((own - other).abs() <= tolerance * other.abs(), "{name}: {own}, PyTorch has {other}");
}

#[test]
fn gauss_newton_and_empirical_fisher_products_are_those_of_pytorch() {
    let text = std::fs::read_to_string(file("curvature.json")).expect("numbers");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    for (name, numbers) in all.as_object().expect("an object") {
        let run = run(name);
        assert!(run.network.tells_samples_apart(), "{name}");
        let v: Vec<f64> = (0..run.theta.len()).map(|i| (i as f64 + 1.0).sin()).collect();
        let gauss_newton = products(&run, Curvature::GaussNewton, &v, 1);
        let own = &numbers["gauss_newton"];
        near(name, dot(&v, &gauss_newton), &own["vgv"], 1e-10);
        near(name, dot(&gauss_newton, &gauss_newton).sqrt(), &own["gv_norm"], 1e-10);
        let fisher = products(&run, Curvature::Fisher, &v, 1);
        let own = &numbers["empirical_fisher"];
        near(name, dot(&v, &fisher), &own["vfv"], 1e-10);
        near(name, dot(&fisher, &fisher).sqrt(), &own["fv_norm"], 1e-10);
    }
}

#[test]
fn what_has_no_such_matrix_says_why() {
    for (name, operator, why) in [
        ("vae", "gauss-newton", "a graph whose loss depends on parameters beside its outputs"),
        ("clip", "empirical-fisher", "a graph that shows none"),
        ("clip", "gauss-newton", "a graph that adds up several losses"),
    ] {
        let settings = serde_json::json!({"operator": operator, "compute": ["trace"]});
        let settings: SharpnessSettings = serde_json::from_value(settings).expect("settings");
        let refusal = sharpness::run(&settings, &[run(name)], None, &|_| ()).expect_err(name).to_string();
        assert!(refusal.contains(why), "{refusal}");
    }
    assert!(!run("clip").network.tells_samples_apart());
    // Cross-entropy is minus a log-likelihood in its natural parameters.
    assert_eq!(run("mlp").network.fisher_is_gauss_newton(false), Ok(true));
}

/// The Hessian written out by its columns.
fn hessian(run: &Run) -> Vec<f64> {
    let n = run.theta.len();
    let mut unit = vec![0.0; n * n];
    (0..n).for_each(|i| unit[i * n + i] = 1.0);
    products(run, Curvature::Hessian, &unit, n)
}

#[test]
fn blocks_are_the_diagonal_blocks_of_the_dense_hessian() {
    let run = run("mlp");
    let (n, whole) = (run.theta.len(), &hessian(&run));
    let parameters = run.network.layout().parameters.clone();
    // Sampled by Lanczos, and written out.
    for exact in [0, 1000] {
        let settings = serde_json::json!({
            "compute": ["eigenvalues", "trace", "density"], "block": ["layer", "*.bias"], "top": 1,
            "tolerance": 1e-8, "epsilon": 1e-6, "exact": exact, "columns": "raw", "precision": "f64",
        });
        let settings: SharpnessSettings = serde_json::from_value(settings).expect("settings");
        let result = sharpness::run(&settings, std::slice::from_ref(&run), None, &|_| ())
            .expect("a result")
            .expect("all of it");
        let json = result.json().expect("JSON");
        let names = json["block_names"].as_array().expect("names");
        assert_eq!(names.len(), 4, "{names:?}");
        for name in names.iter().filter_map(Value::as_str) {
            let own = |p: &str| match name {
                "*.bias" => p.ends_with(".bias"),
                layer => p.rsplit_once('.').is_some_and(|(stem, _)| stem == layer),
            };
            let indices: Vec<usize> =
                parameters.iter().filter(|p| own(&p.name)).flat_map(|p| p.range()).collect();
            let m = indices.len();
            let part: Vec<f64> =
                indices.iter().flat_map(|j| indices.iter().map(move |i| whole[j * n + i])).collect();
            let values = Dense::new(m, part.clone()).eigen().expect("eigenvalues").values;
            let block = &json["blocks"][name];
            assert_eq!(block["parameters"], m);
            let scale = values[m - 1].abs().max(values[0].abs());
            for (key, value) in [("lambda_max", values[m - 1]), ("lambda_min", values[0])] {
                let found = block[key]["value"].as_f64().expect("a number");
                assert!((found - value).abs() <= 1e-6 * scale, "{name} {key}: {found} for {value}");
                assert_eq!(block[key]["certified"], true, "{name}");
            }
            let trace: f64 = (0..m).map(|i| part[i * m + i]).sum();
            let (found, error) = (block["trace"]["value"].as_f64(), block["trace"]["stderr"].as_f64());
            let (found, error) = (found.expect("a number"), error.unwrap_or(0.0));
            assert!((found - trace).abs() <= 4.0 * error + 1e-10, "{name}: {found} +- {error} for {trace}");
            assert_eq!(block["density"]["distances"][name], 0.0);
        }
        let distances = result.array(0, "block_distances");
        for i in 0..4 {
            for j in 0..4 {
                let (there, back) = (distances[i * 4 + j], distances[j * 4 + i]);
                assert!(there == back && (0.0..=1.0).contains(&there) && (there > 0.0) == (i != j));
            }
        }
        let figures: Vec<String> = result.figures().into_iter().map(|f| f.name).collect();
        assert!(figures.contains(&"blocks".to_owned()) && figures.contains(&"block-distances".to_owned()));
    }
}

#[test]
fn heads_of_attention_have_their_rows_and_columns() {
    // Two layers of four heads over 16 numbers; queries, keys and values in one projection.
    let network = run("encoder").network;
    let heads = network.heads();
    assert_eq!(heads.len(), 8);
    for (layer, of_layer) in heads.chunks(4).enumerate() {
        let parameter = |name: &str| {
            let name = format!("layers.{layer}.self_attn.{name}");
            let found = network.layout().parameters.iter().find(|p| p.name.ends_with(&name));
            found.unwrap_or_else(|| panic!("{name}")).range().start
        };
        let [rows, bias, columns] = ["in_proj_weight", "in_proj_bias", "out_proj.weight"].map(parameter);
        for (head, (name, ranges)) in of_layer.iter().enumerate() {
            assert!(name.ends_with(&format!("layers.{layer}.self_attn.head.{head}")), "{name}");
            let mut expected: Vec<usize> = Vec::new();
            for unit in 0..48 {
                if unit % 16 / 4 == head {
                    expected.extend((0..16).map(|input| rows + unit * 16 + input));
                    expected.push(bias + unit);
                }
            }
            expected.extend((0..256).filter(|i| i % 16 / 4 == head).map(|i| columns + i));
            expected.sort_unstable();
            let own: Vec<usize> = ranges.iter().flat_map(Clone::clone).collect();
            assert_eq!(own, expected, "{name}");
        }
    }
    assert_eq!(network.parts().iter().filter(|part| **part == "attention").count(), 6);
    assert!(expected("encoder")["parameters"].as_u64().is_some());
}
