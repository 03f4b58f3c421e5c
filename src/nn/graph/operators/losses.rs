//! Losses, with torch's reductions: each number, their mean or their sum.

use super::Operator;
use super::activation::log_sum_exp_last;
use super::arithmetic::{compared, quotient};
use crate::autodiff::Shape;
use crate::autodiff::curves::{Abs, Clamp, Exp, Log, LogSigmoid, Square};
use crate::autodiff::primitives::Compare;
use crate::base::Result;
use crate::nn::activations::{Relu, Softplus};
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("cross_entropy_loss", cross_entropy),
    ("nll_loss", nll),
    ("nll_loss_nd", nll),
    ("nll_loss2d", nll),
    ("nll_loss_forward", nll),
    ("mse_loss", mse),
    ("l1_loss", l1),
    ("smooth_l1_loss", smooth_l1),
    ("huber_loss", huber),
    ("binary_cross_entropy", binary),
    ("binary_cross_entropy_with_logits", binary_with_logits),
    ("kl_div", kl_div),
    ("poisson_nll_loss", poisson),
    ("soft_margin_loss", soft_margin),
    ("margin_ranking_loss", margin_ranking),
    ("hinge_embedding_loss", hinge_embedding),
    ("cosine_embedding_loss", cosine_embedding),
    ("triplet_margin_loss", triplet),
    ("multi_margin_loss", multi_margin),
];

/// The losses reduced as `reduction` says: 0 none, 1 mean, 2 sum.
fn reduced(lower: &mut Lowering, call: &Call, losses: &Tensor) -> Result<Value> {
    let axes: Vec<usize> = (0..losses.rank()).collect();
    Ok(match call.int_or("reduction", 1)? {
        0 => losses.clone(),
        1 => lower.mean(losses, &axes, false)?,
        2 => lower.sum(losses, &axes, false)?,
        other => return Err(call.refuse("a reduction of 0, 1 or 2", other)),
    }
    .into())
}

/// Classes last: (samples, positions) x classes, and the shape of the targets.
fn classes_last(lower: &mut Lowering, call: &Call, z: &Tensor) -> Result<(Tensor, Vec<usize>)> {
    let axis = match z.rank() {
        0 => return Err(call.refuse("scores with an axis of classes", "a single number")),
        1 => 0,
        _ => 1,
    };
    let last = lower.axis_last(z, axis)?;
    let shape = last.shape[..last.rank() - 1].to_vec();
    let classes = z.shape[axis];
    Ok((lower.reshape(&last, &[z.size() / classes, classes])?, shape))
}

/// Targets as a column of indices, and the mask of those that count.
fn targets(lower: &mut Lowering, call: &Call, shape: &[usize], classes: usize) -> Result<(Tensor, Tensor)> {
    let y = call.tensor("target")?;
    if y.shape != shape || y.dtype == Dtype::Float {
        return Err(call
            .refuse(format!("classes as whole numbers of shape {shape:?}"), format!("shape {:?}", y.shape)));
    }
    let y = lower.reshape(&y, &[y.size(), 1])?;
    let ignored = call.int_or("ignore_index", -100)? as f64;
    lower.points(call, &y, classes, Some(ignored))?;
    let ignored = Tensor::number(ignored, Dtype::Int);
    let kept = compared(lower, &y, &ignored, Compare::Unequal)?;
    Ok((y, kept.typed(Dtype::Float)))
}

/// Says how many of the rows have their largest number where their class is, of those that count, if classes are data.
fn judge(lower: &mut Lowering, rows: &Tensor, y: &Tensor, kept: &Tensor) -> Result<()> {
    if y.numbers().is_some() || rows.numbers().is_some() {
        return Ok(());
    }
    let node = lower.rows(rows);
    let largest = lower.tape.arg_max_rows(node);
    let largest = lower.of(largest, &y.shape, Dtype::Int);
    let right = compared(lower, &largest, y, Compare::Equal)?.typed(Dtype::Float);
    let right = lower.multiply(&right, kept)?;
    let [right, all] = [&right, kept].map(|t| lower.sum(t, &[0, 1], false));
    let share = quotient(lower, &right?, &all?)?;
    let node = lower.rows(&share);
    lower.accuracies.push(node);
    Ok(())
}

/// Says how many samples of one number each lie on the side of `border` where their answer does, 0 (or -1) below it and 1 above.
fn judge_answers(lower: &mut Lowering, x: &Tensor, t: &Tensor, border: f64) -> Result<()> {
    let one = x.rank() > 0 && x.size() == x.shape[0] && x.shape == t.shape;
    if !one || x.numbers().is_some() || t.numbers().is_some() {
        return Ok(());
    }
    let mut yes = Vec::new();
    for (numbers, border) in [(x, border), (t, 0.5)] {
        yes.push(compared(lower, numbers, &Tensor::number(border, Dtype::Float), Compare::Greater)?);
    }
    let right = compared(lower, &yes[0], &yes[1], Compare::Equal)?.typed(Dtype::Float);
    let axes: Vec<usize> = (0..right.rank()).collect();
    let share = lower.mean(&right, &axes, false)?;
    let node = lower.rows(&share);
    lower.accuracies.push(node);
    Ok(())
}

/// The entry of each row that an index names.
fn entry(lower: &mut Lowering, rows: &Tensor, index: &Tensor) -> Tensor {
    let (count, classes) = (rows.shape[0], rows.shape[1]);
    let (source, index) = (lower.rows(rows), lower.rows(index));
    let node = lower.tape.take(source, index, count, classes, 1, 1, true, Shape::new(1, count));
    lower.of(node, &[count, 1], Dtype::Float)
}

/// Losses of rows with weights: reduced over those that count, the mean being that of the weights.
fn weighted(
    lower: &mut Lowering,
    call: &Call,
    losses: &Tensor,
    weights: &Tensor,
    shape: &[usize],
) -> Result<Value> {
    // Kept, not multiplied: what does not count may be anything.
    let zero = Tensor::number(0.0, Dtype::Float);
    let counted = lower.select(weights, losses, &zero)?;
    let weighed = lower.multiply(&counted, weights)?;
    Ok(match call.int_or("reduction", 1)? {
        0 => lower.reshape(&weighed, shape)?.into(),
        reduction => {
            let total = lower.sum(&weighed, &[0, 1], false)?;
            if reduction != 1 {
                return Ok(total.into());
            }
            let weight = lower.sum(weights, &[0, 1], false)?;
            quotient(lower, &total, &weight)?.into()
        }
    })
}

fn cross_entropy(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let z = call.tensor("self")?;
    let smoothing = call.float_or("label_smoothing", 0.0)?;
    let class_weights = call.maybe("weight")?;
    if !(0.0..=1.0).contains(&smoothing) {
        return Err(call.refuse("label smoothing from 0 to 1", smoothing));
    }
    lower.compares(&z, smoothing == 0.0 && class_weights.is_none());
    let (rows, shape) = classes_last(lower, call, &z)?;
    let (count, classes) = (rows.shape[0], rows.shape[1]);
    if class_weights.as_ref().is_some_and(|w| w.shape != [classes]) {
        return Err(call.refuse(format!("weights of {classes} classes"), "another number"));
    }
    if call.tensor("target")?.dtype == Dtype::Float {
        return of_probabilities(lower, call, &z, &rows, class_weights.as_ref(), smoothing, &shape);
    }
    let (y, kept) = targets(lower, call, &shape, classes)?;
    judge(lower, &rows, &y, &kept)?;
    // ln sum exp(z - z_y) has its relative accuracy where the loss is small.
    let own = entry(lower, &rows, &y);
    let less = lower.subtract(&rows, &own)?;
    let mut losses = log_sum_exp_last(lower, &less);
    let weights = match &class_weights {
        None => kept.clone(),
        Some(weights) => {
            let all = lower.expand(weights, &[count, classes])?;
            let of = entry(lower, &all, &y);
            lower.multiply(&of, &kept)?
        }
    };
    if smoothing > 0.0 {
        // (1 - e) w_y l_y + e / C sum_c w_c l_c, over the weights w_y.
        let sum = log_sum_exp_last(lower, &rows);
        let mut all = lower.subtract(&sum, &rows)?;
        if let Some(weights) = &class_weights {
            all = lower.multiply(&all, weights)?;
        }
        let total = lower.sum(&all, &[1], true)?;
        let total = lower.scale(&total, smoothing / classes as f64);
        let own = lower.scale(&losses, 1.0 - smoothing);
        if class_weights.is_some() {
            let zero = Tensor::number(0.0, Dtype::Float);
            let own = lower.multiply(&own, &weights)?;
            let sum = lower.add(&own, &total)?;
            let counted = lower.select(&kept, &sum, &zero)?;
            if call.int_or("reduction", 1)? == 0 {
                return Ok(lower.reshape(&counted, &shape)?.into());
            }
            let total = lower.sum(&counted, &[0, 1], false)?;
            if call.int_or("reduction", 1)? != 1 {
                return Ok(total.into());
            }
            let weight = lower.sum(&weights, &[0, 1], false)?;
            return Ok(quotient(lower, &total, &weight)?.into());
        }
        losses = lower.add(&own, &total)?;
    }
    weighted(lower, call, &losses, &weights, &shape)
}

/// - sum_c w_c t_c ln p_c, over the samples and positions.
fn of_probabilities(
    lower: &mut Lowering,
    call: &Call,
    z: &Tensor,
    rows: &Tensor,
    weights: Option<&Tensor>,
    smoothing: f64,
    shape: &[usize],
) -> Result<Value> {
    let t = call.tensor("target")?;
    if t.shape != z.shape {
        return Err(call.refuse(format!("probabilities of shape {:?}", z.shape), format!("{:?}", t.shape)));
    }
    let (mut t, _) = classes_last(lower, call, &t)?;
    if smoothing > 0.0 {
        t = lower.scale(&t, 1.0 - smoothing);
        t = lower.shift(&t, smoothing / rows.shape[1] as f64);
    }
    let sum = log_sum_exp_last(lower, rows);
    let negative = lower.subtract(&sum, rows)?;
    let mut terms = lower.multiply(&negative, &t)?;
    if let Some(weights) = weights {
        terms = lower.multiply(&terms, weights)?;
    }
    let losses = lower.sum(&terms, &[1], false)?;
    let losses = lower.reshape(&losses, shape)?;
    reduced(lower, call, &losses)
}

fn nll(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let z = call.tensor("self")?;
    lower.compares(&z, call.maybe("weight")?.is_none());
    let (rows, shape) = classes_last(lower, call, &z)?;
    let (y, kept) = targets(lower, call, &shape, rows.shape[1])?;
    judge(lower, &rows, &y, &kept)?;
    let own = entry(lower, &rows, &y);
    let losses = lower.scale(&own, -1.0);
    let weights = match call.maybe("weight")? {
        None => kept,
        Some(weights) => {
            let all = lower.expand(&weights, &rows.shape)?;
            let of = entry(lower, &all, &y);
            lower.multiply(&of, &kept)?
        }
    };
    let found = weighted(lower, call, &losses, &weights, &shape)?;
    Ok(match call.results {
        2 => Value::List(vec![found, Value::None]),
        _ => found,
    })
}

fn difference(lower: &mut Lowering, call: &Call, natural: bool) -> Result<Tensor> {
    let z = call.tensor("self")?;
    lower.compares(&z, natural);
    lower.subtract(&z, &call.tensor("target")?)
}

fn mse(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let away = difference(lower, call, true)?;
    let squares = lower.map(&away, Square);
    reduced(lower, call, &squares)
}

fn l1(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let away = difference(lower, call, false)?;
    let sizes = lower.map(&away, Abs);
    reduced(lower, call, &sizes)
}

/// c (d - c/2), c being the difference d held within delta.
fn huber_of(lower: &mut Lowering, away: &Tensor, delta: f64) -> Result<Tensor> {
    let held = lower.map(away, Clamp { low: -delta, high: delta, open: false });
    let half = lower.scale(&held, 0.5);
    let rest = lower.subtract(away, &half)?;
    lower.multiply(&held, &rest)
}

fn huber(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let away = difference(lower, call, false)?;
    let losses = huber_of(lower, &away, call.float_or("delta", 1.0)?)?;
    reduced(lower, call, &losses)
}

fn smooth_l1(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (away, beta) = (difference(lower, call, false)?, call.float_or("beta", 1.0)?);
    if beta == 0.0 {
        return l1(lower, call);
    }
    let losses = huber_of(lower, &away, beta)?;
    let losses = lower.scale(&losses, 1.0 / beta);
    reduced(lower, call, &losses)
}

/// - w (t ln p + (1 - t) ln(1 - p)), the logarithms held above -100 as in torch.
fn binary(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (p, t) = (call.tensor("self")?, call.tensor("target")?);
    lower.compares(&p, call.maybe("weight")?.is_none());
    judge_answers(lower, &p, &t, 0.5)?;
    let held = Clamp { low: -100.0, high: f64::INFINITY, open: false };
    let log = lower.map(&p, Log);
    let log = lower.map(&log, held);
    let other = lower.scale(&p, -1.0);
    let other = lower.shift(&other, 1.0);
    let other = lower.map(&other, Log);
    let other = lower.map(&other, held);
    let gap = lower.subtract(&log, &other)?;
    let part = lower.multiply(&gap, &t)?;
    let sum = lower.add(&part, &other)?;
    let mut losses = lower.scale(&sum, -1.0);
    if let Some(weight) = call.maybe("weight")? {
        losses = lower.multiply(&losses, &weight)?;
    }
    reduced(lower, call, &losses)
}

/// w ((1 - t) z + (1 + (q - 1) t) ln(1 + e^-z)), q being the weight of the positive class.
fn binary_with_logits(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (z, t) = (call.tensor("self")?, call.tensor("target")?);
    if z.shape != t.shape {
        return Err(call.refuse(format!("targets of shape {:?}", z.shape), format!("{:?}", t.shape)));
    }
    lower.compares(&z, call.maybe("weight")?.is_none() && call.maybe("pos_weight")?.is_none());
    judge_answers(lower, &z, &t, 0.0)?;
    let log = lower.map(&z, LogSigmoid);
    let mut softplus = lower.scale(&log, -1.0);
    if let Some(positive) = call.maybe("pos_weight")? {
        let more = lower.shift(&positive, -1.0);
        let more = lower.multiply(&t, &more)?;
        let factor = lower.shift(&more, 1.0);
        softplus = lower.multiply(&softplus, &factor)?;
    }
    let rest = lower.scale(&t, -1.0);
    let rest = lower.shift(&rest, 1.0);
    let linear = lower.multiply(&z, &rest)?;
    let mut losses = lower.add(&softplus, &linear)?;
    if let Some(weight) = call.maybe("weight")? {
        losses = lower.multiply(&losses, &weight)?;
    }
    reduced(lower, call, &losses)
}

/// t (ln t - x), and 0 where t is; or e^t (t - x) of a target that is a logarithm.
fn kl_div(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, t) = (call.tensor("self")?, call.tensor("target")?);
    lower.compares(&x, false);
    let losses = if call.flag("log_target", false)? {
        let p = lower.map(&t, Exp);
        let gap = lower.subtract(&t, &x)?;
        lower.multiply(&gap, &p)?
    } else {
        let zero = Tensor::number(0.0, Dtype::Float);
        let positive = compared(lower, &t, &zero, Compare::Greater)?;
        // Inside the logarithm 1 stands for what is masked out: no infinity meets a zero.
        let safe = lower.select(&positive, &t, &Tensor::number(1.0, Dtype::Float))?;
        let log = lower.map(&safe, Log);
        let own = lower.multiply(&t, &log)?;
        let cross = lower.multiply(&t, &x)?;
        lower.subtract(&own, &cross)?
    };
    reduced(lower, call, &losses)
}

fn poisson(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, t) = (call.tensor("input")?, call.tensor("target")?);
    if call.flag("full", false)? {
        return Err(call.refuse("a loss without Stirling's term", "full"));
    }
    let losses = if call.flag("log_input", true)? {
        let rate = lower.map(&x, Exp);
        let part = lower.multiply(&x, &t)?;
        lower.subtract(&rate, &part)?
    } else {
        let raised = lower.shift(&x, call.float_or("eps", 1e-8)?);
        let log = lower.map(&raised, Log);
        let part = lower.multiply(&log, &t)?;
        lower.subtract(&x, &part)?
    };
    reduced(lower, call, &losses)
}

fn soft_margin(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (z, t) = (call.tensor("self")?, call.tensor("target")?);
    judge_answers(lower, &z, &t, 0.0)?;
    let margins = lower.multiply(&z, &t)?;
    let negative = lower.scale(&margins, -1.0);
    let losses = lower.map(&negative, Softplus);
    reduced(lower, call, &losses)
}

/// max(0, margin - x).
fn below(lower: &mut Lowering, x: &Tensor, margin: f64) -> Tensor {
    let negative = lower.scale(x, -1.0);
    let gap = lower.shift(&negative, margin);
    lower.map(&gap, Relu)
}

fn margin_ranking(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let gap = lower.subtract(&call.tensor("input1")?, &call.tensor("input2")?)?;
    let signed = lower.multiply(&gap, &call.tensor("target")?)?;
    let losses = below(lower, &signed, call.float_or("margin", 0.0)?);
    reduced(lower, call, &losses)
}

/// x where the target is 1, max(0, margin - x) where it is -1.
fn hinge_embedding(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, t) = (call.tensor("self")?, call.tensor("target")?);
    let one = compared(lower, &t, &Tensor::number(1.0, Dtype::Float), Compare::Equal)?;
    let apart = below(lower, &x, call.float_or("margin", 1.0)?);
    let losses = lower.select(&one, &x, &apart)?;
    reduced(lower, call, &losses)
}

fn cosine_embedding(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b, t) = (call.tensor("input1")?, call.tensor("input2")?, call.tensor("target")?);
    let last = a.rank().saturating_sub(1);
    let ab = lower.multiply(&a, &b)?;
    let dot = lower.sum(&ab, &[last], false)?;
    let mut lengths = Vec::new();
    for x in [&a, &b] {
        let squares = lower.map(x, Square);
        let sum = lower.sum(&squares, &[last], false)?;
        lengths.push(lower.shift(&sum, 1e-12));
    }
    let product = lower.multiply(&lengths[0], &lengths[1])?;
    let inverse = lower.map(&product, crate::autodiff::curves::InverseSqrt { eps: 0.0 });
    let cosine = lower.multiply(&dot, &inverse)?;
    let alike = lower.scale(&cosine, -1.0);
    let alike = lower.shift(&alike, 1.0);
    let apart = lower.shift(&cosine, -call.float_or("margin", 0.0)?);
    let apart = lower.map(&apart, Relu);
    let one = compared(lower, &t, &Tensor::number(1.0, Dtype::Float), Compare::Equal)?;
    let losses = lower.select(&one, &alike, &apart)?;
    reduced(lower, call, &losses)
}

fn triplet(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (anchor, positive, negative) =
        (call.tensor("anchor")?, call.tensor("positive")?, call.tensor("negative")?);
    let (p, eps) = (call.float_or("p", 2.0)?, call.float_or("eps", 1e-6)?);
    if p != 2.0 {
        return Err(call.refuse("distances of order 2", p));
    }
    let distance = |lower: &mut Lowering, a: &Tensor, b: &Tensor| -> Result<Tensor> {
        let gap = lower.subtract(a, b)?;
        let gap = lower.shift(&gap, eps);
        let squares = lower.map(&gap, Square);
        let last = squares.rank().saturating_sub(1);
        let sum = lower.sum(&squares, &[last], false)?;
        Ok(lower.map(&sum, crate::autodiff::curves::Sqrt))
    };
    let near = distance(lower, &anchor, &positive)?;
    let mut far = distance(lower, &anchor, &negative)?;
    if call.flag("swap", false)? {
        let other = distance(lower, &positive, &negative)?;
        let mask = compared(lower, &other, &far, Compare::Less)?;
        far = lower.select(&mask, &other, &far)?;
    }
    let gap = lower.subtract(&far, &near)?;
    let losses = below(lower, &gap, call.float_or("margin", 1.0)?);
    reduced(lower, call, &losses)
}

/// Mean over classes of max(0, margin - z_y + z_c)^p, but for the own class.
fn multi_margin(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let z = call.tensor("self")?;
    let (rows, shape) = classes_last(lower, call, &z)?;
    let (y, _) = targets(lower, call, &shape, rows.shape[1])?;
    let (p, margin) = (call.float_or("p", 1.0)?, call.float_or("margin", 1.0)?);
    if call.get("weight").is_some() || (p != 1.0 && p != 2.0) {
        return Err(call.refuse("no weights, and a power of 1 or 2", "others"));
    }
    let own = entry(lower, &rows, &y);
    let gap = lower.subtract(&rows, &own)?;
    let gap = lower.shift(&gap, margin);
    let mut costs = lower.map(&gap, Relu);
    if p == 2.0 {
        costs = lower.map(&costs, Square);
    }
    let classes = rows.shape[1];
    let sum = lower.sum(&costs, &[1], false)?;
    // The own class costs the margin itself.
    let sum = lower.shift(&sum, -margin.max(0.0).powf(p));
    let losses = lower.scale(&sum, 1.0 / classes as f64);
    let losses = lower.reshape(&losses, &shape)?;
    reduced(lower, call, &losses)
}
