//! Images resized, with ONNX' ways to count positions: a fixed matrix along each axis.

use super::listed;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::operators::resize::{along, cubic};
use crate::nn::graph::value::Value;

pub const OPERATORS: &[Operator] = &[("Resize", resize), ("Upsample", resize)];

/// Longest side.
const MOST: usize = 1 << 14;

/// How positions are counted and numbers weighed.
struct Way<'a> {
    mode: &'a str,
    positions: &'a str,
    nearest: &'a str,
    a: f64,
}

impl Way<'_> {
    /// Where an output lies among the inputs.
    fn position(&self, call: &Call, o: f64, scale: f64, inputs: f64, outputs: f64) -> Result<f64> {
        Ok(match self.positions {
            "half_pixel" => (o + 0.5) / scale - 0.5,
            "pytorch_half_pixel" if outputs > 1.0 => (o + 0.5) / scale - 0.5,
            "pytorch_half_pixel" => 0.0,
            "align_corners" if outputs > 1.0 => o * (inputs - 1.0) / (outputs - 1.0),
            "align_corners" => 0.0,
            "asymmetric" => o / scale,
            "half_pixel_symmetric" => {
                let adjustment = outputs / (scale * inputs);
                let center = inputs / 2.0;
                center * (1.0 - adjustment) + (o + 0.5) / scale - 0.5
            }
            other => return Err(call.refuse("a way to count positions that is known", other)),
        })
    }

    fn row(&self, call: &Call, row: &mut [f64], x: f64) -> Result<()> {
        let last = row.len() as i64 - 1;
        let mut add = |at: i64, weight: f64| row[at.clamp(0, last) as usize] += weight;
        let (first, part) = (x.floor(), x - x.floor());
        match self.mode {
            "nearest" => {
                let at = match self.nearest {
                    "round_prefer_floor" => (x - 0.5).ceil(),
                    "round_prefer_ceil" => (x + 0.5).floor(),
                    "floor" => first,
                    "ceil" => x.ceil(),
                    other => return Err(call.refuse("a way to round that is known", other)),
                };
                add(at as i64, 1.0);
            }
            "linear" | "bilinear" => {
                add(first as i64, 1.0 - part);
                add(first as i64 + 1, part);
            }
            "cubic" => {
                for (tap, distance) in [(-1, 1.0 + part), (0, part), (1, 1.0 - part), (2, 2.0 - part)] {
                    add(first as i64 + tap, cubic(distance, self.a));
                }
            }
            other => return Err(call.refuse("a mode of nearest, linear or cubic", other)),
        }
        Ok(())
    }
}

fn resize(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let t = call.tensor("0")?;
    let upsample = call.target.ends_with("Upsample");
    let old = upsample || super::version(call) < 11;
    for (name, expected) in [("antialias", 0), ("exclude_outside", 0)] {
        if call.int_or(name, expected)? != expected {
            return Err(call.refuse(format!("{name} of {expected}"), "another"));
        }
    }
    call.get("extrapolation_value");
    if !matches!(call.text("keep_aspect_ratio_policy"), None | Some("stretch")) {
        return Err(call.refuse("a policy of stretch", "another"));
    }
    let axes: Vec<usize> = match listed(call, "axes", "axes")? {
        None => (0..t.rank()).collect(),
        Some(axes) => axes.iter().map(|a| call.axis(*a, t.rank())).collect::<Result<_>>()?,
    };
    // The region of interest matters for one way alone, which is refused by its name.
    let (scales, lengths) = if old { ("1", "") } else { ("2", "3") };
    if !old {
        call.get("1");
    }
    let floats = |name: &str| -> Result<Option<Vec<f64>>> {
        match call.get(name) {
            None => Ok(None),
            Some(Value::List(all)) if all.is_empty() => Ok(None),
            Some(Value::List(all)) => {
                Ok(Some(all.iter().map(|v| if let Value::Float(x) = v { *x } else { f64::NAN }).collect()))
            }
            Some(value) => match value.tensor().and_then(|t| t.numbers().cloned()) {
                Some(numbers) => Ok(Some(numbers.to_vec())),
                None => Err(call.refuse("scales that do not depend on data", value.what())),
            },
        }
    };
    let given = match floats("scales")? {
        Some(scales) => Some(scales),
        None => floats(scales)?,
    };
    let lengths = match lengths {
        "" => None,
        name if matches!(call.get(name), None | Some(Value::List(_))) => None,
        name => Some(call.sizes(name)?),
    };
    let ratio: Vec<(f64, usize)> = match (&given, &lengths) {
        (_, Some(lengths)) if lengths.len() == axes.len() => {
            axes.iter().zip(lengths).map(|(a, n)| (*n as f64 / t.shape[*a] as f64, *n)).collect()
        }
        (Some(scales), None) if scales.len() == axes.len() => {
            axes.iter().zip(scales).map(|(a, s)| (*s, (t.shape[*a] as f64 * s).floor() as usize)).collect()
        }
        _ => return Err(call.refuse(format!("{} scales or sizes", axes.len()), "others")),
    };
    let positions = match call.text("coordinate_transformation_mode") {
        Some(positions) => positions,
        None if old => "asymmetric",
        None => "half_pixel",
    };
    let nearest = match call.text("nearest_mode") {
        Some(nearest) => nearest,
        None if old => "floor",
        None => "round_prefer_floor",
    };
    let way = Way {
        mode: call.text("mode").unwrap_or("nearest"),
        positions,
        nearest,
        a: call.float_or("cubic_coeff_a", -0.75)?,
    };
    let mut resized = t.clone();
    for (axis, (scale, outputs)) in axes.iter().zip(ratio) {
        let inputs = t.shape[*axis];
        if outputs == inputs && scale == 1.0 {
            continue;
        }
        if !(1..=MOST).contains(&outputs) || inputs > MOST || !(scale > 0.0 && scale.is_finite()) {
            return Err(call.refuse(format!("sides from 1 to {MOST}"), format!("{inputs} to {outputs}")));
        }
        let mut matrix = vec![0.0; inputs * outputs];
        for (o, row) in matrix.chunks_exact_mut(inputs).enumerate() {
            let x = way.position(call, o as f64, scale, inputs as f64, outputs as f64)?;
            way.row(call, row, x)?;
        }
        resized = along(lower, &resized, *axis, outputs, matrix)?;
    }
    Ok(resized.into())
}
