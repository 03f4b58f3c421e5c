//! A slice computed again from the saved files alone, with plain loops in double precision.

use crate::bench::Bench;
use losscape::base::tensors::{Data, TensorFile};

fn tensor(file: &TensorFile, name: &str) -> Vec<f64> {
    match &file.get(name).unwrap_or_else(|| panic!("no {name}")).data {
        Data::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Data::F64(v) => v.clone(),
        Data::U8(_) => panic!("{name} in bytes"),
    }
}

/// W x + b, W row-major, outputs x inputs.
fn dense(w: &[f64], b: &[f64], x: &[f64]) -> Vec<f64> {
    b.iter()
        .zip(w.chunks(x.len()))
        .map(|(b, row)| b + row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>())
        .collect()
}

#[test]
fn it_agrees_with_the_saved_one() {
    for (precision, relative, floor) in [("f32", 1e-5, 1.0), ("f64", 1e-10, 1e-3)] {
        let bench = Bench::new();
        let data = "--samples 90 --data-seed 3";
        bench.ok(&format!(
            "train {data} --hidden 5,4 --activation tanh --epochs 3 --precision {precision} --out r"
        ));
        bench.ok("slice --run r --x=-1:1:7 --y=-0.5:0.5:4 --biases --seed 4 --out s --dpi 20");
        bench.ok(&format!("data digits {data} --out d --dpi 20"));
        let (weights, directions) =
            (bench.tensors("r/weights.safetensors"), bench.tensors("s/directions.safetensors"));
        let (data, slice) = (bench.npz("d/data.npz"), bench.npz("s/slice.npz"));
        let array = |npz: &losscape::base::npz::Npz, name: &str| npz.get(name).unwrap().to_f64();
        let (xs, ys) = (array(&slice, "x"), array(&slice, "y"));
        for part in ["train", "test"] {
            let (inputs, labels) = (array(&data, &format!("{part}_x")), array(&data, &format!("{part}_y")));
            let (losses, right) =
                (array(&slice, &format!("{part}_loss")), array(&slice, &format!("{part}_accuracy")));
            let features = inputs.len() / labels.len();
            for (j, y) in ys.iter().enumerate() {
                for (i, x) in xs.iter().enumerate() {
                    let moved = |name: &str| -> Vec<f64> {
                        let (d, e) = (
                            tensor(&directions, &format!("x/{name}")),
                            tensor(&directions, &format!("y/{name}")),
                        );
                        let theta = tensor(&weights, name);
                        theta.iter().zip(&d).zip(&e).map(|((t, d), e)| t + x * d + y * e).collect()
                    };
                    let layers =
                        ["0", "2", "4"].map(|n| (moved(&format!("{n}.weight")), moved(&format!("{n}.bias"))));
                    let (mut loss, mut correct) = (0.0, 0usize);
                    for (sample, label) in inputs.chunks(features).zip(&labels) {
                        let mut z = sample.to_vec();
                        for (n, (w, b)) in layers.iter().enumerate() {
                            z = dense(w, b, &z);
                            if n < 2 {
                                z.iter_mut().for_each(|v| *v = v.tanh());
                            }
                        }
                        let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                        let total: f64 = z.iter().map(|v| (v - most).exp()).sum();
                        loss += total.ln() + most - z[*label as usize];
                        correct += usize::from(z[*label as usize] == most);
                    }
                    let n = labels.len() as f64;
                    let (found, expected) = (losses[j * xs.len() + i], loss / n);
                    let bound = relative * expected.abs().max(floor);
                    assert!(
                        (found - expected).abs() <= bound,
                        "{precision} {part} ({x}, {y}): {found} {expected}"
                    );
                    // In single precision two nearly equal outputs may change places.
                    let slack = if precision == "f32" { 1.5 / n } else { 1e-12 };
                    assert!(
                        (right[j * xs.len() + i] - correct as f64 / n).abs() <= slack,
                        "accuracy at ({x}, {y})"
                    );
                }
            }
        }
    }
}
