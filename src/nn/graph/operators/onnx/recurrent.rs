//! Recurrent layers. ONNX stacks both directions, joins both biases and orders gates in its own way.

use super::torch;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::operators::Operator;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("GRU", |l, c| layer(l, c, "gru", &[1, 0, 2], &["Sigmoid", "Tanh"])),
    ("LSTM", |l, c| layer(l, c, "lstm", &[0, 2, 3, 1], &["Sigmoid", "Tanh", "Tanh"])),
    ("RNN", |l, c| layer(l, c, "rnn_tanh", &[0], &["Tanh"])),
];

/// Gates in torch's order: number i of torch is number `order[i]` of ONNX.
fn reordered(lower: &mut Lowering, t: &Tensor, order: &[usize]) -> Result<Tensor> {
    if order.len() < 2 {
        return Ok(t.clone());
    }
    let each = t.shape[0] / order.len();
    let parts =
        order.iter().map(|gate| lower.slice(t, 0, gate * each, each, 1)).collect::<Result<Vec<_>>>()?;
    lower.concat(&parts, 0)
}

fn layer(
    lower: &mut Lowering,
    call: &Call,
    name: &'static str,
    order: &[usize],
    functions: &[&str],
) -> Result<Value> {
    let (x, w, r, b) = (call.tensor("0")?, call.tensor("1")?, call.tensor("2")?, call.maybe("3")?);
    let gates = order.len();
    let directions = match call.text("direction").unwrap_or("forward") {
        "forward" => 1,
        "bidirectional" => 2,
        other => return Err(call.refuse("a direction of forward or bidirectional", other)),
    };
    let hidden = usize::try_from(call.int("hidden_size")?).ok().filter(|n| (1..=1 << 20).contains(n));
    let Some(hidden) = hidden else { return Err(call.refuse("a hidden_size", "none")) };
    let fits = |t: &Tensor, last: Option<usize>, each: usize| {
        t.shape.first() == Some(&directions)
            && t.shape.get(1) == Some(&(each * hidden))
            && t.rank() == 2 + usize::from(last.is_some())
            && last.is_none_or(|n| t.shape[2] == n)
    };
    let inputs = x.shape.get(2).copied().unwrap_or(0);
    if x.rank() != 3
        || !fits(&w, Some(inputs), gates)
        || !fits(&r, Some(hidden), gates)
        || b.as_ref().is_some_and(|b| !fits(b, None, 2 * gates))
    {
        let found = format!("{:?}, {:?} and {:?}", x.shape, w.shape, r.shape);
        return Err(call.refuse("steps x samples x inputs, and weights of the layer's sizes", found));
    }
    let (steps, samples) = (x.shape[0], x.shape[1]);
    // Sequences of one length: a list of lengths must say the same of all.
    if let Some(lengths) = call.maybe("4")?
        && !lengths.numbers().is_some_and(|n| n.iter().all(|n| *n == steps as f64))
    {
        return Err(
            call.refuse("sequences of one length", "lengths of their own (pad them, and mask the loss)")
        );
    }
    if call.get("7").is_some() {
        return Err(call.refuse("an LSTM without peepholes", "peepholes"));
    }
    let mut plain = name;
    if let Some(Value::List(given)) = call.get("activations") {
        let given: Vec<&str> =
            given.iter().map(|v| if let Value::Text(text) = v { text.as_str() } else { "" }).collect();
        let all: Vec<&str> = functions.iter().copied().cycle().take(given.len()).collect();
        if name == "rnn_tanh" && given.iter().all(|f| *f == "Relu") {
            plain = "rnn_relu";
        } else if given != all {
            return Err(call.refuse(format!("activations {}", functions.join(", ")), given.join(", ")));
        }
    }
    if call.int_or("layout", 0)? != 0 {
        return Err(call.refuse("a layout of steps first", "samples first"));
    }
    call.int_or("input_forget", 0)?;
    if name == "gru" && !call.flag("linear_before_reset", false)? {
        return Err(call.refuse(
            "a GRU that resets after its product, linear_before_reset = 1 (Keras: reset_after=True)",
            "one that resets before",
        ));
    }
    lower.used(&w, Role::Weight, 1);
    lower.used(&r, Role::Weight, 1);
    if let Some(b) = &b {
        lower.used(b, Role::Bias, 1);
    }
    let mut params = Vec::new();
    for direction in 0..directions {
        for t in [&w, &r] {
            let own = lower.pick(t, 0, direction)?;
            params.push(Value::from(reordered(lower, &own, order)?));
        }
        if let Some(b) = &b {
            let own = lower.pick(b, 0, direction)?;
            for half in 0..2 {
                let part = lower.slice(&own, 0, half * gates * hidden, gates * hidden, 1)?;
                params.push(reordered(lower, &part, order)?.into());
            }
        }
    }
    let zeros =
        Tensor::known(&[directions, samples, hidden], Dtype::Float, vec![0.0; directions * samples * hidden]);
    let mut states = vec![Value::from(call.maybe("5")?.unwrap_or_else(|| zeros.clone()))];
    if name == "lstm" {
        states.push(call.maybe("6")?.unwrap_or(zeros).into());
    }
    let arguments = vec![
        ("input", x.into()),
        ("hx", Value::List(states)),
        ("params", Value::List(params)),
        ("has_biases", Value::Bool(b.is_some())),
        ("num_layers", Value::Int(1)),
        ("bidirectional", Value::Bool(directions == 2)),
        ("batch_first", Value::Bool(false)),
    ];
    let Value::List(mut found) = torch(lower, call, plain, arguments)? else {
        return Err(call.refuse("results", "none"));
    };
    // torch has the directions side by side, ONNX along an axis of its own.
    if let Some(output) = found.first().and_then(Value::tensor) {
        let apart = lower.reshape(&output, &[steps, samples, directions, hidden])?;
        found[0] = lower.permute(&apart, &[0, 2, 1, 3])?.into();
    }
    found.truncate(call.results.max(1));
    match call.results {
        1 => Ok(found.remove(0)),
        _ => Ok(Value::List(found)),
    }
}
