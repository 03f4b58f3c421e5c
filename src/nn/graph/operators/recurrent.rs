//! Recurrent layers, unrolled over their steps: LSTM, GRU and plain cells, in several layers and both directions.
//!
//! What an input does to all gates is one product for all steps; each step then adds what the state does.

use super::Operator;
use super::products::affine;
use crate::base::Result;
use crate::nn::activations::{Relu, Sigmoid, Tanh};
use crate::nn::graph::call::Call;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};

pub const OPERATORS: &[Operator] = &[
    ("lstm", |l, c| layers(l, c, Cell::Lstm)),
    ("gru", |l, c| layers(l, c, Cell::Gru)),
    ("rnn_tanh", |l, c| layers(l, c, Cell::Tanh)),
    ("rnn_relu", |l, c| layers(l, c, Cell::Relu)),
    ("lstm_cell", |l, c| cell(l, c, Cell::Lstm)),
    ("gru_cell", |l, c| cell(l, c, Cell::Gru)),
    ("rnn_tanh_cell", |l, c| cell(l, c, Cell::Tanh)),
    ("rnn_relu_cell", |l, c| cell(l, c, Cell::Relu)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// i, f, g, o: c' = f c + i g, h' = o tanh c'.
    Lstm,
    /// r, z, n: n = tanh(x_n + r h_n), h' = n + z (h - n).
    Gru,
    /// h' = tanh(x + h).
    Tanh,
    /// h' = max(0, x + h).
    Relu,
}

/// Most steps of one layer: a tape of so many is long, but not too long.
const MOST_STEPS: usize = 1 << 14;

/// The weights of one layer in one direction.
struct Weights {
    input: Tensor,
    state: Tensor,
    biases: Option<[Tensor; 2]>,
    projection: Option<Tensor>,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Tanh | Self::Relu => 1,
        }
    }

    /// The states after a step, from what the input gives to all gates (samples x gates).
    fn step(
        self,
        lower: &mut Lowering,
        call: &Call,
        x: &Tensor,
        states: &[Tensor],
        weights: &Weights,
    ) -> Result<Vec<Tensor>> {
        let bias = weights.biases.as_ref().map(|[_, b]| b);
        let h = affine(lower, call, &states[0], &weights.state, bias)?;
        let width = h.shape[1] / self.gates();
        let part = |lower: &mut Lowering, t: &Tensor, gate: usize| lower.slice(t, 1, gate * width, width, 1);
        Ok(match self {
            Self::Tanh => {
                let sum = lower.add(x, &h)?;
                vec![lower.map(&sum, Tanh)]
            }
            Self::Relu => {
                let sum = lower.add(x, &h)?;
                vec![lower.map(&sum, Relu)]
            }
            Self::Lstm => {
                let sum = lower.add(x, &h)?;
                // Neighbouring gates share a function: i and f, then g, then o.
                let both = lower.slice(&sum, 1, 0, 2 * width, 1)?;
                let both = lower.map(&both, Sigmoid);
                let (i, f) = (part(lower, &both, 0)?, part(lower, &both, 1)?);
                let (g, o) = (part(lower, &sum, 2)?, part(lower, &sum, 3)?);
                let (g, o) = (lower.map(&g, Tanh), lower.map(&o, Sigmoid));
                let (kept, new) = (lower.multiply(&f, &states[1])?, lower.multiply(&i, &g)?);
                let c = lower.add(&kept, &new)?;
                let out = lower.map(&c, Tanh);
                let mut h = lower.multiply(&o, &out)?;
                if let Some(projection) = &weights.projection {
                    h = affine(lower, call, &h, projection, None)?;
                }
                vec![h, c]
            }
            Self::Gru => {
                let (x_rz, h_rz) =
                    (lower.slice(x, 1, 0, 2 * width, 1)?, lower.slice(&h, 1, 0, 2 * width, 1)?);
                let rz = lower.add(&x_rz, &h_rz)?;
                let rz = lower.map(&rz, Sigmoid);
                let (r, z) = (part(lower, &rz, 0)?, part(lower, &rz, 1)?);
                let (x_n, h_n) = (part(lower, x, 2)?, part(lower, &h, 2)?);
                let reset = lower.multiply(&r, &h_n)?;
                let n = lower.add(&x_n, &reset)?;
                let n = lower.map(&n, Tanh);
                let gap = lower.subtract(&states[0], &n)?;
                let kept = lower.multiply(&z, &gap)?;
                vec![lower.add(&n, &kept)?]
            }
        })
    }
}

/// Refuses weights that do not fit together.
fn check(
    call: &Call,
    cell: Cell,
    weights: &Weights,
    inputs: usize,
    outputs: usize,
    width: usize,
) -> Result<()> {
    let gates = cell.gates() * width;
    let biases = weights.biases.iter().flatten().all(|b| b.shape == [gates]);
    let projected = weights.projection.as_ref().is_none_or(|p| p.shape == [outputs, width]);
    if weights.input.shape == [gates, inputs]
        && weights.state.shape == [gates, outputs]
        && biases
        && projected
    {
        Ok(())
    } else {
        Err(call.refuse(
            format!("weights of {gates} gates for {inputs} inputs and {outputs} states"),
            format!("{:?} and {:?}", weights.input.shape, weights.state.shape),
        ))
    }
}

fn layers(lower: &mut Lowering, call: &Call, cell: Cell) -> Result<Value> {
    if call.overload == "data" {
        return Err(call.refuse("sequences of one length", "packed ones (pad them, and mask the loss)"));
    }
    let x = call.tensor("input")?;
    let initial = match call.need("hx")? {
        Value::List(_) => call.tensors("hx")?,
        _ => vec![call.tensor("hx")?],
    };
    let params = call.tensors("params")?;
    let count = usize::try_from(call.int_or("num_layers", 1)?).unwrap_or(0);
    let biases = call.flag("has_biases", true)?;
    let directions = if call.flag("bidirectional", false)? { 2 } else { 1 };
    let batch_first = call.flag("batch_first", false)?;
    let single = x.rank() == 2;
    let states = if cell == Cell::Lstm { 2 } else { 1 };
    if initial.len() != states || !matches!(x.rank(), 2 | 3) || count == 0 || count > 256 {
        return Err(call.refuse(
            format!("steps x samples x inputs, and {states} states"),
            format!("shape {:?}", x.shape),
        ));
    }
    // Steps first, samples second.
    let mut layer = if single {
        lower.reshape(&x, &[x.shape[0], 1, x.shape[1]])?
    } else if batch_first {
        lower.permute(&x, &[1, 0, 2])?
    } else {
        x.clone()
    };
    let (steps, samples) = (layer.shape[0], layer.shape[1]);
    if steps > MOST_STEPS {
        return Err(call.refuse(format!("at most {MOST_STEPS} steps"), steps));
    }
    let each = params.len() / (count * directions);
    let projected = each == 2 + 2 * usize::from(biases) + 1;
    if params.len() != each * count * directions
        || (each != 2 + 2 * usize::from(biases) && !(projected && cell == Cell::Lstm))
    {
        return Err(call.refuse("weights for each layer and direction", params.len()));
    }
    let mut starts = Vec::new();
    for t in &initial {
        let width = t.shape.last().copied().unwrap_or(1);
        if t.size() != count * directions * samples * width {
            return Err(call.refuse(
                format!("a state for each of {samples} samples and {count} layers"),
                format!("{:?}", t.shape),
            ));
        }
        starts.push(lower.reshape(t, &[count * directions, samples, width])?);
    }
    let mut finals: Vec<Vec<Tensor>> = vec![Vec::new(); states];
    for index in 0..count {
        let mut ways = Vec::new();
        for direction in 0..directions {
            let number = index * directions + direction;
            let own = &params[number * each..(number + 1) * each];
            let weights = Weights {
                input: own[0].clone(),
                state: own[1].clone(),
                biases: biases.then(|| [own[2].clone(), own[3].clone()]),
                projection: projected.then(|| own[each - 1].clone()),
            };
            let mut now = starts.iter().map(|t| lower.pick(t, 0, number)).collect::<Result<Vec<Tensor>>>()?;
            let width = now[states - 1].shape[1];
            check(call, cell, &weights, layer.shape[2], now[0].shape[1], width)?;
            let all = affine(lower, call, &layer, &weights.input, weights.biases.as_ref().map(|[b, _]| b))?;
            let mut outputs = Vec::new();
            for step in 0..steps {
                let step = if direction == 0 { step } else { steps - 1 - step };
                let x = lower.pick(&all, 0, step)?;
                now = cell.step(lower, call, &x, &now, &weights)?;
                outputs.push(lower.reshape(&now[0], &[1, samples, now[0].shape[1]])?);
            }
            if direction == 1 {
                outputs.reverse();
            }
            ways.push(lower.concat(&outputs, 0)?);
            for (all, last) in finals.iter_mut().zip(&now) {
                all.push(lower.reshape(last, &[1, samples, last.shape[1]])?);
            }
        }
        layer = lower.concat(&ways, 2)?;
    }
    let output = if single {
        lower.reshape(&layer, &[steps, layer.shape[2]])?
    } else if batch_first {
        lower.permute(&layer, &[1, 0, 2])?
    } else {
        layer
    };
    let mut results = vec![output.into()];
    for (all, start) in finals.iter().zip(&initial) {
        let joined = lower.concat(all, 0)?;
        let mut shape = joined.shape.clone();
        if start.rank() == 2 {
            shape.remove(1);
        }
        results.push(lower.reshape(&joined, &shape)?.into());
    }
    Ok(Value::List(results))
}

fn cell(lower: &mut Lowering, call: &Call, cell: Cell) -> Result<Value> {
    let x = call.tensor("input")?;
    let states = match call.need("hx")? {
        Value::List(_) => call.tensors("hx")?,
        _ => vec![call.tensor("hx")?],
    };
    let biases = match (call.maybe("b_ih")?, call.maybe("b_hh")?) {
        (Some(a), Some(b)) => Some([a, b]),
        _ => None,
    };
    let weights =
        Weights { input: call.tensor("w_ih")?, state: call.tensor("w_hh")?, biases, projection: None };
    let expected = if cell == Cell::Lstm { 2 } else { 1 };
    if states.len() != expected
        || x.rank() != 2
        || states.iter().any(|s| s.rank() != 2 || s.shape[0] != x.shape[0])
    {
        return Err(call.refuse(
            format!("samples x inputs, and {expected} states of them"),
            format!("shape {:?}", x.shape),
        ));
    }
    let width = states[0].shape[1];
    check(call, cell, &weights, x.shape[1], width, width)?;
    let all = affine(lower, call, &x, &weights.input, weights.biases.as_ref().map(|[b, _]| b))?;
    let results = cell.step(lower, call, &all, &states, &weights)?;
    Ok(match cell {
        Cell::Lstm => Value::List(results.into_iter().map(Value::from).collect()),
        _ => results[0].clone().into(),
    })
}
