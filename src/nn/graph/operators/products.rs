//! Linear layers and products of matrices.

use super::Operator;
use crate::autodiff::Shape;
use crate::base::Result;
use crate::nn::graph::call::Call;
use crate::nn::graph::dtype::Dtype;
use crate::nn::graph::lowering::Lowering;
use crate::nn::graph::value::{Tensor, Value};
use crate::nn::layout::Role;

pub const OPERATORS: &[Operator] = &[
    ("linear", linear),
    ("bilinear", bilinear),
    ("matmul", matmul),
    ("linalg_matmul", matmul),
    ("mm", matmul),
    ("bmm", matmul),
    ("mv", matmul),
    ("dot", matmul),
    ("vdot", matmul),
    ("inner", inner),
    ("outer", outer),
    ("addmm", addmm),
    ("addbmm", addbmm),
    ("baddbmm", addmm),
    ("addmv", addmm),
    ("einsum", einsum),
    ("kron", kron),
];

/// The second factor's name.
fn second<'a>(call: &Call) -> &'a str {
    ["other", "mat2", "vec", "tensor", "vec2"].into_iter().find(|n| call.get(n).is_some()).unwrap_or("other")
}

/// `x W^T + b`, W being outputs x inputs.
pub fn affine(
    lower: &mut Lowering,
    call: &Call,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let (outputs, inputs) = match weight.shape.as_slice() {
        [outputs, inputs] => (*outputs, *inputs),
        [inputs] => (1, *inputs),
        shape => return Err(call.refuse("weights outputs x inputs", format!("{shape:?}"))),
    };
    if x.shape.last() != Some(&inputs) {
        return Err(call.refuse(format!("inputs of {inputs} numbers"), format!("shape {:?}", x.shape)));
    }
    lower.used(weight, Role::Weight, 0);
    let mut shape = x.shape[..x.rank() - 1].to_vec();
    if weight.rank() == 2 {
        shape.push(outputs);
    }
    let (w, x_node) = (lower.rows(weight), lower.rows(x));
    let w = lower.tape.reshape(w, Shape::new(inputs, outputs));
    let node = lower.tape.matmul((w, true), (x_node, false));
    let product = lower.of(node, &shape, Dtype::Float);
    match bias {
        None => Ok(product),
        Some(bias) => {
            lower.used(bias, Role::Bias, 0);
            lower.add(&product, bias)
        }
    }
}

fn linear(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, weight, bias) = (call.tensor("input")?, call.tensor("weight")?, call.maybe("bias")?);
    Ok(affine(lower, call, &x, &weight, bias.as_ref())?.into())
}

/// y_o = x1^T W_o x2 + b_o.
fn bilinear(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (x, y) = (call.tensor("input1")?, call.tensor("input2")?);
    let (weight, bias) = (call.tensor("weight")?, call.maybe("bias")?);
    let (&[o, a, b], Some(d), Some(e)) = (weight.shape.as_slice(), x.shape.last(), y.shape.last()) else {
        return Err(call.refuse("weights outputs x first x second", format!("{:?}", weight.shape)));
    };
    if (*d, *e) != (a, b) || x.shape[..x.rank() - 1] != y.shape[..y.rank() - 1] {
        return Err(call.refuse("inputs of the weight's sizes", format!("{:?} and {:?}", x.shape, y.shape)));
    }
    lower.used(&weight, Role::Weight, 0);
    let flat = lower.reshape(&weight, &[o, a * b])?;
    let n = x.size() / a;
    let (x2, y2) = (lower.reshape(&x, &[n, a, 1])?, lower.reshape(&y, &[n, 1, b])?);
    let y2 = lower.expand(&y2, &[n, a, b])?;
    let products = lower.multiply(&y2, &x2)?;
    let products = lower.reshape(&products, &[n, a * b])?;
    let flat = Tensor { origin: None, ..flat };
    let out = affine(lower, call, &products, &flat, bias.as_ref())?;
    let shape = [&x.shape[..x.rank() - 1], &[o]].concat();
    Ok(lower.reshape(&out, &shape)?.into())
}

/// Says that a factor of a product is a weight, where it is a parameter: its outputs lie along what is not summed over.
fn weights(lower: &mut Lowering, a: &Tensor, b: &Tensor) {
    if a.rank() >= 2 && b.rank() >= 1 {
        lower.used(a, Role::Weight, a.rank() - 2);
    }
    if b.rank() >= 1 {
        lower.used(b, Role::Weight, b.rank() - 1);
    }
}

/// A product in which either factor may be a weight.
pub fn product(lower: &mut Lowering, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    weights(lower, a, b);
    lower.matmul(a, b)
}

fn matmul(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("self")?, call.tensor(second(call))?);
    Ok(product(lower, &a, &b)?.into())
}

fn inner(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("self")?, call.tensor("other")?);
    if a.rank() > 1 || b.rank() > 1 {
        return Err(call.refuse("vectors", format!("{:?} and {:?}", a.shape, b.shape)));
    }
    Ok(product(lower, &a, &b)?.into())
}

fn outer(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("self")?, call.tensor(second(call))?);
    let column = lower.reshape(&a, &[a.size(), 1])?;
    Ok(lower.multiply(&column, &b)?.into())
}

/// beta self + alpha a b.
fn addmm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let names = [["mat1", "mat2"], ["batch1", "batch2"], ["mat", "vec"]];
    let [first, second] = names.into_iter().find(|[a, _]| call.get(a).is_some()).unwrap_or(names[0]);
    let (t, a, b) = (call.tensor("self")?, call.tensor(first)?, call.tensor(second)?);
    let (alpha, beta) = (call.float_or("alpha", 1.0)?, call.float_or("beta", 1.0)?);
    let ab = product(lower, &a, &b)?;
    let ab = lower.scale(&ab, alpha);
    if t.rank() == 1 {
        lower.used(&t, Role::Bias, 0);
    }
    Ok(lower.add_scaled(&ab, beta, &t)?.into())
}

fn addbmm(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (t, a, b) = (call.tensor("self")?, call.tensor("batch1")?, call.tensor("batch2")?);
    let (alpha, beta) = (call.float_or("alpha", 1.0)?, call.float_or("beta", 1.0)?);
    let ab = product(lower, &a, &b)?;
    let sum = lower.sum(&ab, &[0], false)?;
    let sum = lower.scale(&sum, alpha);
    Ok(lower.add_scaled(&sum, beta, &t)?.into())
}

fn kron(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let (a, b) = (call.tensor("self")?, call.tensor("other")?);
    let (&[p, q], &[r, s]) = (a.shape.as_slice(), b.shape.as_slice()) else {
        return Err(call.refuse("two matrices", format!("{:?} and {:?}", a.shape, b.shape)));
    };
    let a = lower.reshape(&a, &[p, 1, q, 1])?;
    let b = lower.reshape(&b, &[1, r, 1, s])?;
    let product = lower.multiply(&a, &b)?;
    Ok(lower.reshape(&product, &[p * r, q * s])?.into())
}

/// A tensor with a letter for each axis.
struct Lettered {
    tensor: Tensor,
    letters: Vec<char>,
}

/// Sums of products in Einstein's notation, two factors at a time.
fn einsum(lower: &mut Lowering, call: &Call) -> Result<Value> {
    let equation: String =
        call.text("equation").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    let tensors = call.tensors("tensors")?;
    let bad = |what: &str| call.refuse("an equation such as `bij,bjk->bik`", what);
    let (left, right) = equation.split_once("->").map_or((equation.as_str(), None), |(l, r)| (l, Some(r)));
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != tensors.len() {
        return Err(bad("another number of factors"));
    }
    // Axes that an ellipsis stands for get letters of their own, counted from the last.
    let mut widest = 0;
    let mut factors = Vec::new();
    for (term, tensor) in terms.iter().zip(tensors) {
        let named = term.chars().filter(|c| c.is_alphabetic()).count();
        let dots = term.contains("...");
        let hidden =
            tensor.rank().checked_sub(named).filter(|h| dots || *h == 0).ok_or_else(|| bad("other axes"))?;
        widest = widest.max(hidden);
        let ellipsis: String =
            (0..hidden).rev().map(|i| char::from_u32(0x3b1 + i as u32).unwrap_or('?')).collect();
        let letters: Vec<char> = term.replace("...", &ellipsis).chars().collect();
        let plain = letters.iter().all(|c| c.is_alphabetic()) && letters.len() == tensor.rank();
        let mut sorted = letters.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if !plain || sorted.len() != letters.len() || hidden > 16 {
            return Err(bad("a repeated letter within a factor, or another sign"));
        }
        factors.push(Lettered { tensor, letters });
    }
    let ellipsis: String =
        (0..widest).rev().map(|i| char::from_u32(0x3b1 + i as u32).unwrap_or('?')).collect();
    let result: Vec<char> = match right {
        Some(right) => right.replace("...", &ellipsis).chars().collect(),
        None => {
            let all: Vec<char> = factors.iter().flat_map(|f| f.letters.iter().copied()).collect();
            let mut once: Vec<char> = all
                .iter()
                .copied()
                .filter(|c| all.iter().filter(|d| *d == c).count() == 1 && c.is_ascii())
                .collect();
            once.sort_unstable();
            ellipsis.chars().chain(once).collect()
        }
    };
    let mut factors = factors.into_iter();
    let mut so_far = factors.next().ok_or_else(|| bad("no factors"))?;
    let rest: Vec<Lettered> = factors.collect();
    if rest.is_empty() {
        so_far = summed(lower, so_far, &result)?;
    }
    for i in 0..rest.len() {
        let mut wanted = result.clone();
        rest[i + 1..].iter().for_each(|f| wanted.extend(&f.letters));
        so_far = contracted(lower, call, so_far, &rest[i], &wanted)?;
    }
    let order: Option<Vec<usize>> =
        result.iter().map(|c| so_far.letters.iter().position(|d| d == c)).collect();
    match order.filter(|o| o.len() == so_far.letters.len()) {
        Some(order) => Ok(lower.permute(&so_far.tensor, &order)?.into()),
        None => Err(bad("a letter that no factor has")),
    }
}

/// Axes whose letters are not wanted summed up.
fn summed(lower: &mut Lowering, factor: Lettered, wanted: &[char]) -> Result<Lettered> {
    let axes: Vec<usize> =
        (0..factor.letters.len()).filter(|a| !wanted.contains(&factor.letters[*a])).collect();
    if axes.is_empty() {
        return Ok(factor);
    }
    let letters = factor.letters.iter().copied().filter(|c| wanted.contains(c)).collect();
    Ok(Lettered { tensor: lower.sum(&factor.tensor, &axes, false)?, letters })
}

/// The product of two factors, summed over the letters that nobody wants any more: batched products of matrices.
fn contracted(
    lower: &mut Lowering,
    call: &Call,
    a: Lettered,
    b: &Lettered,
    wanted: &[char],
) -> Result<Lettered> {
    let also = |other: &[char]| wanted.iter().chain(other).copied().collect::<Vec<char>>();
    let (keep_a, keep_b) = (also(&b.letters), also(&a.letters));
    let b = Lettered { tensor: b.tensor.clone(), letters: b.letters.clone() };
    let (a, b) = (summed(lower, a, &keep_a)?, summed(lower, b, &keep_b)?);
    let shared = |c: &char| b.letters.contains(c);
    let batch: Vec<char> = a.letters.iter().copied().filter(|c| shared(c) && wanted.contains(c)).collect();
    let inner: Vec<char> = a.letters.iter().copied().filter(|c| shared(c) && !wanted.contains(c)).collect();
    let own_a: Vec<char> = a.letters.iter().copied().filter(|c| !b.letters.contains(c)).collect();
    let own_b: Vec<char> = b.letters.iter().copied().filter(|c| !a.letters.contains(c)).collect();
    let length = |c: &char| {
        let of = |f: &Lettered| f.letters.iter().position(|d| d == c).map(|i| f.tensor.shape[i]);
        of(&a).unwrap_or(1).max(of(&b).unwrap_or(1))
    };
    let size = |letters: &[char]| letters.iter().map(length).product::<usize>();
    // Outputs of a weight lie along the axes that only it has.
    for (factor, own) in [(&a, &own_a), (&b, &own_b)] {
        let axis = own.first().and_then(|c| factor.letters.iter().position(|d| d == c));
        if let Some(axis) = axis.filter(|_| factor.tensor.rank() >= 2) {
            lower.used(&factor.tensor, Role::Weight, axis);
        }
    }
    let mut matrices = Vec::new();
    for (factor, letters) in [(&a, [&batch, &own_a, &inner]), (&b, [&batch, &inner, &own_b])] {
        let order: Vec<char> = letters.iter().flat_map(|l| l.iter().copied()).collect();
        let places: Option<Vec<usize>> =
            order.iter().map(|c| factor.letters.iter().position(|d| d == c)).collect();
        let places = places.ok_or_else(|| call.refuse("letters of both factors", "others"))?;
        let permuted = lower.permute(&factor.tensor, &places)?;
        let whole: Vec<usize> = order.iter().map(length).collect();
        let whole = lower.expand(&permuted, &whole)?;
        let shape = letters.map(|l| size(l));
        matrices.push(lower.reshape(&whole, &shape)?);
    }
    let product = lower.matmul(&matrices[0], &matrices[1])?;
    let letters: Vec<char> = batch.into_iter().chain(own_a).chain(own_b).collect();
    let shape: Vec<usize> = letters.iter().map(length).collect();
    Ok(Lettered { tensor: lower.reshape(&product, &shape)?, letters })
}
