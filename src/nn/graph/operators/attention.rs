//! Attention: softmax(Q K^T / sqrt(d) + mask) V, in its plain form, whose derivatives are exact to any order.

use super::Operator;
use super::activation::softmax_last;
use crate::autodiff::Shape;
use crate::base::Result;
use crate::nn::graph::algebra::{common, matrix};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[("scaled_dot_product_attention", attention)];

/// The heads of keys or values repeated for groups of queries.
fn grouped(lower: &mut Lowering, call: &Call, t: &Tensor, heads: usize) -> Result<Tensor> {
    let axis = t.rank().saturating_sub(3);
    let own = t.shape[axis];
    if t.rank() < 3 || own == 0 || !heads.is_multiple_of(own) {
        return Err(call.refuse(format!("heads that divide {heads}"), own));
    }
    let mut shape = t.shape.clone();
    shape.insert(axis + 1, 1);
    let apart = lower.reshape(t, &shape)?;
    shape[axis + 1] = heads / own;
    let repeated = lower.expand(&apart, &shape)?;
    shape.remove(axis + 1);
    shape[axis] = heads;
    lower.reshape(&repeated, &shape)
}

/// 0 where a query may look, -infinity elsewhere.
fn allowed(lower: &mut Lowering, mask: &Tensor) -> Result<Tensor> {
    match mask.dtype {
        Dtype::Bool => {
            let number = |x| Tensor::number(x, Dtype::Float);
            match mask.numbers() {
                // Known masks stay known.
                Some(kept) => {
                    let bias: Vec<f64> =
                        kept.iter().map(|k| if *k != 0.0 { 0.0 } else { f64::NEG_INFINITY }).collect();
                    Ok(Tensor::known(&mask.shape, Dtype::Float, bias))
                }
                None => lower.select(mask, &number(0.0), &number(f64::NEG_INFINITY)),
            }
        }
        _ => Ok(mask.clone()),
    }
}

fn attention(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (q, mut k, mut v) = (call.tensor("query")?, call.tensor("key")?, call.tensor("value")?);
    if [&q, &k, &v].iter().any(|t| t.rank() < 2) {
        return Err(call.refuse("queries, keys and values of positions x numbers", "vectors"));
    }
    if call.float_or("dropout_p", 0.0)? < 0.0 {
        return Err(call.refuse("a rate of at least 0", "another"));
    }
    if call.flag("enable_gqa", false)? && q.rank() >= 3 {
        let heads = q.shape[q.rank() - 3];
        k = grouped(lower, call, &k, heads)?;
        v = grouped(lower, call, &v, heads)?;
    }
    let [length, depth] = [q.shape[q.rank() - 2], q.shape[q.rank() - 1]];
    let [positions, own] = [k.shape[k.rank() - 2], k.shape[k.rank() - 1]];
    let [values, width] = [v.shape[v.rank() - 2], v.shape[v.rank() - 1]];
    if depth != own || positions != values {
        return Err(call.refuse(
            "keys as long as queries, and as many as values",
            format!("{:?}, {:?}, {:?}", q.shape, k.shape, v.shape),
        ));
    }
    let lead = |t: &Tensor| t.shape[..t.rank() - 2].to_vec();
    let before = common(&common(&lead(&q), &lead(&k))?, &lead(&v))?;
    let batch: usize = before.iter().product();
    let with = |last: [usize; 2]| [before.as_slice(), &last].concat();
    let scale = call.float_or("scale", 1.0 / (depth as f64).sqrt())?;
    // The queries are the smaller of what could be scaled.
    let q = lower.scale(&q, scale);
    let q = lower.expand(&q, &with([length, depth]))?;
    let k = lower.expand(&k, &with([positions, depth]))?;
    let v = lower.expand(&v, &with([positions, width]))?;
    let scores = with([length, positions]);
    crate::nn::graph::algebra::sized(&scores)?;
    let (qn, kn) = (lower.rows(&q), lower.rows(&k));
    let (of_k, of_q) = (Shape::new(depth, positions), Shape::new(depth, length));
    let node = lower.tape.batched_matmul((kn, true), (qn, false), batch, of_k, of_q, matrix(&scores));
    let mut z = lower.of(node, &scores, Dtype::Float);
    if call.flag("is_causal", false)? {
        let bias: Vec<f64> = (0..length * positions)
            .map(|i| if i % positions <= i / positions { 0.0 } else { f64::NEG_INFINITY })
            .collect();
        z = lower.add(&z, &Tensor::known(&[length, positions], Dtype::Float, bias))?;
    }
    if let Some(mask) = call.maybe("attn_mask")? {
        let bias = allowed(lower, &mask)?;
        let shape = z.shape.clone();
        z = lower.add(&z, &bias)?;
        if z.shape != shape {
            return Err(call.refuse(format!("a mask for shape {shape:?}"), format!("{:?}", mask.shape)));
        }
    }
    let p = softmax_last(lower, &z);
    let (pn, vn) = (lower.rows(&p), lower.rows(&v));
    let (of_v, of_p) = (Shape::new(width, positions), Shape::new(positions, length));
    let shape = with([length, width]);
    let node = lower.tape.batched_matmul((vn, false), (pn, false), batch, of_v, of_p, matrix(&shape));
    Ok(lower.of(node, &shape, Dtype::Float).into())
}
