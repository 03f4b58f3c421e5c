//! Images resized: nearest, linear and cubic, each a fixed matrix along each axis.

use super::Operator;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("upsample_nearest1d", |l, c| resize(l, c, Way::Nearest)),
    ("upsample_nearest2d", |l, c| resize(l, c, Way::Nearest)),
    ("upsample_nearest3d", |l, c| resize(l, c, Way::Nearest)),
    ("_upsample_nearest_exact1d", |l, c| resize(l, c, Way::Middle)),
    ("_upsample_nearest_exact2d", |l, c| resize(l, c, Way::Middle)),
    ("_upsample_nearest_exact3d", |l, c| resize(l, c, Way::Middle)),
    ("upsample_linear1d", |l, c| resize(l, c, Way::Linear)),
    ("upsample_bilinear2d", |l, c| resize(l, c, Way::Linear)),
    ("upsample_trilinear3d", |l, c| resize(l, c, Way::Linear)),
    ("upsample_bicubic2d", |l, c| resize(l, c, Way::Cubic)),
];

/// The coefficient of Keys' kernel that torch has.
const CUBIC: f64 = -0.75;

#[derive(Clone, Copy)]
enum Way {
    Nearest,
    Middle,
    Linear,
    Cubic,
}

/// A fixed matrix (outputs x inputs, row-major) applied along an axis.
pub fn along(
    lower: &mut Lowering,
    t: &Tensor,
    axis: usize,
    outputs: usize,
    weights: Vec<f64>,
) -> Result<Tensor> {
    let inputs = t.shape[axis];
    let identity = inputs == outputs
        && weights.iter().enumerate().all(|(i, w)| *w == f64::from(u8::from(i / inputs == i % inputs)));
    if identity {
        return Ok(t.clone());
    }
    let last = lower.axis_last(t, axis)?;
    // x M^T: M^T is inputs x outputs.
    let mut turned = vec![0.0; weights.len()];
    for (i, w) in weights.iter().enumerate() {
        turned[i % inputs * outputs + i / inputs] = *w;
    }
    let matrix = Tensor::known(&[inputs, outputs], Dtype::Float, turned);
    let product = lower.matmul(&last, &matrix)?;
    lower.last_to(&product, axis)
}

/// The weights of one axis: a row for each output.
fn weights(way: Way, inputs: usize, outputs: usize, scale: Option<f64>, corners: bool) -> Vec<f64> {
    let mut all = vec![0.0; inputs * outputs];
    let ratio = scale.filter(|s| *s > 0.0).map_or(inputs as f64 / outputs as f64, |s| 1.0 / s);
    let last = inputs as i64 - 1;
    for (o, row) in all.chunks_exact_mut(inputs).enumerate() {
        let mut add = |at: i64, weight: f64| row[at.clamp(0, last) as usize] += weight;
        let center = match corners {
            true if outputs > 1 => o as f64 * (inputs as f64 - 1.0) / (outputs as f64 - 1.0),
            true => 0.0,
            false => (o as f64 + 0.5) * ratio - 0.5,
        };
        match way {
            Way::Nearest => add((o as f64 * ratio).floor() as i64, 1.0),
            Way::Middle => add(((o as f64 + 0.5) * ratio).floor() as i64, 1.0),
            Way::Linear => {
                let center = center.max(0.0);
                let (first, part) = (center.floor(), center - center.floor());
                add(first as i64, 1.0 - part);
                add(first as i64 + 1, part);
            }
            Way::Cubic => {
                let (first, part) = (center.floor(), center - center.floor());
                for (tap, distance) in [(-1, 1.0 + part), (0, part), (1, 1.0 - part), (2, 2.0 - part)] {
                    add(first as i64 + tap, cubic(distance, CUBIC));
                }
            }
        }
    }
    all
}

/// Keys' kernel.
pub fn cubic(x: f64, a: f64) -> f64 {
    match x {
        x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}

fn resize(lower: &mut Lowering, call: &Call, way: Way) -> Result<Value> {
    let t = call.tensor(if call.get("self").is_some() { "self" } else { "input" })?;
    if t.rank() < 3 {
        return Err(call.refuse("samples x channels x positions", format!("shape {:?}", t.shape)));
    }
    let axes = t.rank() - 2;
    let scales: Vec<Option<f64>> = match call.get("scale_factors") {
        Some(Value::List(values)) => {
            let one = |v: &Value| v.tensor().and_then(|t| t.numbers().map(|n| n[0]));
            values.iter().map(one).collect()
        }
        _ => {
            let names: &[&str] = match axes {
                1 => &["scales"],
                2 => &["scales_h", "scales_w"],
                _ => &["scales_d", "scales_h", "scales_w"],
            };
            names.iter().map(|n| call.get(n).map(|_| call.float(n)).transpose()).collect::<Result<_>>()?
        }
    };
    let sizes = match call.get("output_size") {
        Some(_) => call.sizes("output_size")?,
        None => (0..axes)
            .map(|a| {
                (t.shape[2 + a] as f64 * scales.get(a).copied().flatten().unwrap_or(1.0)).floor() as usize
            })
            .collect(),
    };
    if sizes.len() != axes || sizes.iter().any(|n| !(1..=1 << 14).contains(n)) {
        return Err(call.refuse(format!("{axes} sizes from 1 to 16384"), format!("{sizes:?}")));
    }
    let corners = call.flag("align_corners", false)?;
    let mut resized = t.clone();
    for (a, size) in sizes.iter().enumerate() {
        let scale = scales.get(a).copied().flatten();
        if t.shape[2 + a] > 1 << 14 {
            return Err(call.refuse("sides of at most 16384", t.shape[2 + a]));
        }
        let matrix = weights(way, t.shape[2 + a], *size, scale, corners);
        resized = along(lower, &resized, 2 + a, *size, matrix)?;
    }
    Ok(resized.into())
}
