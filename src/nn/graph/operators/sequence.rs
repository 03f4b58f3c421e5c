//! The loss of connectionist temporal classification: minus the logarithm of the probability of all ways to spell a target
//! with blanks and repetitions (Graves et al. 2006).
//!
//! With z the target with a blank around each label, alpha_t(s) is the logarithm of the probability of all ways to have
//! spelled z_0 .. z_s at time t: ln(e^alpha(s) + e^alpha(s - 1) + e^alpha(s - 2)) + ln p_t(z_s), the last term where z_s is a label
//! unlike z_(s - 2).

use super::Operator;
use super::activation::log_sum_exp_last;
use super::arithmetic::{compared, quotient};
use crate::autodiff::Shape;
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[("ctc_loss", ctc), ("_ctc_loss", ctc)];

/// The logarithm of no probability: finite, so that derivatives are.
const NEVER: f64 = -1e30;
/// Most times, each of which is a step on the tape.
const MOST: usize = 4096;

fn number(x: f64, dtype: Dtype) -> Tensor {
    Tensor::number(x, dtype)
}

/// A length for each sample, as a column.
fn lengths(lower: &mut Lowering, call: &Call, name: &str, samples: usize) -> Result<Tensor> {
    let t = match call.need(name)? {
        Value::Tensor(t) => t.clone(),
        _ => {
            let all: Vec<f64> = call.sizes(name)?.into_iter().map(|n| n as f64).collect();
            Tensor::known(&[all.len()], Dtype::Int, all)
        }
    };
    if t.size() == samples {
        lower.reshape(&t, &[samples, 1])
    } else {
        Err(call.refuse(format!("{samples} numbers for `{name}`"), format!("shape {:?}", t.shape)))
    }
}

/// Entries of each row that the indices of the same row name.
fn taken(lower: &mut Lowering, rows: &Tensor, index: &Tensor) -> Tensor {
    let (samples, classes, count) = (rows.shape[0], rows.shape[1], index.shape[1]);
    let (source, indices) = (lower.rows(rows), lower.rows(index));
    let shape = Shape::new(count, samples);
    let node = lower.tape.take(source, indices, samples, classes, 1, count, true, shape);
    lower.of(node, &[samples, count], Dtype::Float)
}

/// ln of a sum of exponentials, number by number.
fn sum_of(lower: &mut Lowering, terms: &[Tensor]) -> Result<Tensor> {
    let mut shape = terms[0].shape.clone();
    shape.push(1);
    let apart = terms.iter().map(|t| lower.reshape(t, &shape)).collect::<Result<Vec<Tensor>>>()?;
    let all = lower.concat(&apart, shape.len() - 1)?;
    let sum = log_sum_exp_last(lower, &all);
    lower.reshape(&sum, &terms[0].shape)
}

/// Rows moved to the right, with impossible entries before them.
fn behind(lower: &mut Lowering, alpha: &Tensor, by: usize) -> Result<Tensor> {
    let (samples, length) = (alpha.shape[0], alpha.shape[1]);
    let before =
        Tensor::known(&[samples, by.min(length)], Dtype::Float, vec![NEVER; samples * by.min(length)]);
    if by < length {
        let kept = lower.slice(alpha, 1, 0, length - by, 1)?;
        lower.concat(&[before, kept], 1)
    } else {
        Ok(before)
    }
}

fn ctc(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (mut p, mut y) = (call.tensor("log_probs")?, call.tensor("targets")?);
    if p.rank() == 2 {
        p = lower.reshape(&p, &[p.shape[0], 1, p.shape[1]])?;
        y = lower.reshape(&y, &[1, y.size()])?;
    }
    let [times, samples, classes] = p.shape[..] else {
        return Err(call.refuse("times x samples x classes", format!("shape {:?}", p.shape)));
    };
    if y.rank() != 2 || y.shape[0] != samples || y.dtype == Dtype::Float || times > MOST {
        let expected = format!("a row of classes for each of {samples} samples, and at most {MOST} times");
        return Err(call.refuse(expected, format!("shape {:?}, {times} times", y.shape)));
    }
    let labels = y.shape[1];
    let blank = usize::try_from(call.int_or("blank", 0)?).unwrap_or(usize::MAX);
    if blank >= classes {
        return Err(call.refuse(format!("a blank below {classes}"), blank));
    }
    lower.points(call, &y, classes, None)?;
    let until = lengths(lower, call, "input_lengths", samples)?;
    let spelled = lengths(lower, call, "target_lengths", samples)?;
    // Blanks around every label.
    let blanks = |count: usize| {
        let size: usize = samples * count;
        Tensor::known(&[samples, count, 1], Dtype::Int, vec![blank as f64; size])
    };
    let apart = lower.reshape(&y, &[samples, labels, 1])?;
    let pairs = lower.concat(&[blanks(labels), apart], 2)?;
    let pairs = lower.reshape(&pairs, &[samples, 2 * labels])?;
    let last = lower.reshape(&blanks(1), &[samples, 1])?;
    let z = lower.concat(&[pairs, last], 1)?;
    let width = 2 * labels + 1;
    // Where two places may be taken at once: labels unlike the one before.
    let earlier = Tensor::known(&[samples, 2], Dtype::Int, vec![-1.0; samples * 2]);
    let shifted = lower.slice(&z, 1, 0, width.saturating_sub(2).max(1), 1)?;
    let shifted = lower.concat(&[earlier, shifted], 1)?;
    let shifted = lower.slice(&shifted, 1, 0, width, 1)?;
    let unlike = compared(lower, &z, &shifted, Compare::Unequal)?;
    let label = compared(lower, &z, &number(blank as f64, Dtype::Int), Compare::Unequal)?;
    let both = lower.multiply(&unlike.typed(Dtype::Float), &label.typed(Dtype::Float))?;
    let started: Vec<f64> = (0..samples * width).map(|i| f64::from(u8::from(i % width >= 2))).collect();
    let skips = lower.multiply(&both, &Tensor::known(&[samples, width], Dtype::Float, started))?;
    let skips = lower.expand(&skips, &[samples, width])?;
    let never = number(NEVER, Dtype::Float);
    let mut alpha: Option<Tensor> = None;
    for time in 0..times {
        let now = lower.pick(&p, 0, time)?;
        let emitted = taken(lower, &now, &z);
        let next = match &alpha {
            None => {
                let first: Vec<f64> =
                    (0..samples * width).map(|i| f64::from(u8::from(i % width < 2))).collect();
                let first = Tensor::known(&[samples, width], Dtype::Bool, first);
                lower.select(&first, &emitted, &never)?
            }
            Some(alpha) => {
                let one = behind(lower, alpha, 1)?;
                let two = behind(lower, alpha, 2)?;
                let two = lower.select(&skips, &two, &never)?;
                let sum = sum_of(lower, &[alpha.clone(), one, two])?;
                let next = lower.add(&sum, &emitted)?;
                // Past its end a sample stays as it is.
                let going = compared(lower, &until, &number(time as f64, Dtype::Int), Compare::Greater)?;
                lower.select(&going, &next, alpha)?
            }
        };
        alpha = Some(next);
    }
    let Some(alpha) = alpha else { return Err(call.refuse("at least one time", 0)) };
    let end = lower.scale(&spelled, 2.0);
    let at_blank = taken(lower, &alpha, &end);
    let before = lower.shift(&end, -1.0);
    let at_label = taken(lower, &alpha, &before);
    let some = compared(lower, &spelled, &number(0.0, Dtype::Int), Compare::Greater)?;
    let at_label = lower.select(&some, &at_label, &never)?;
    let sum = sum_of(lower, &[at_blank, at_label])?;
    let mut losses = lower.scale(&sum, -1.0);
    if call.flag("zero_infinity", false)? {
        let possible = compared(lower, &losses, &number(-0.5 * NEVER, Dtype::Float), Compare::Less)?;
        losses = lower.select(&possible, &losses, &number(0.0, Dtype::Float))?;
    }
    let found = match call.int_or("reduction", 1)? {
        0 => lower.reshape(&losses, &[samples])?,
        1 => {
            let one = number(1.0, Dtype::Int);
            let least = compared(lower, &spelled, &one, Compare::Greater)?;
            let counts = lower.select(&least, &spelled, &one)?.typed(Dtype::Float);
            let each = quotient(lower, &losses, &counts)?;
            lower.mean(&each, &[0, 1], false)?
        }
        2 => lower.sum(&losses, &[0, 1], false)?,
        other => return Err(call.refuse("a reduction of 0, 1 or 2", other)),
    };
    Ok(found.into())
}
