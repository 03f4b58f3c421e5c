//! Entries for tensors of any rank against plain loops over their indices, and what the tape does with entries alike.

use crate::conformance::check::{Loss, gaussian};
use losscape::autodiff::primitives::{Compare, Primitive, map::Curve};
use losscape::autodiff::{Bindings, Curvature, Element, Node, Plan, Program, Shape, Tape, curves::Exp};
use std::sync::Arc;

/// What `record` makes of inputs, in either precision.
fn run<E: Element>(inputs: &[(&[E], Shape)], record: impl FnOnce(&mut Tape, &[Node]) -> Node) -> Vec<E> {
    let mut tape = Tape::new();
    let nodes: Vec<Node> = inputs.iter().map(|(_, shape)| tape.input(*shape)).collect();
    let out = record(&mut tape, &nodes);
    let plan = Plan::new(Arc::new(tape), &[out], &[]);
    let numbers: Vec<&[E]> = inputs.iter().map(|(x, _)| *x).collect();
    let bindings = Bindings { theta: &[], state: &[], inputs: &numbers };
    let mut workspace = plan.workspace();
    plan.run(&bindings, &mut workspace);
    plan.values(bindings, &workspace).of(out).data.to_vec()
}

fn column(n: usize) -> Shape {
    Shape::new(n, 1)
}

/// Every index tuple, the last fastest.
fn indices(dims: &[usize]) -> Vec<Vec<usize>> {
    dims.iter().fold(vec![Vec::new()], |all, d| {
        all.iter().flat_map(|i| (0..*d).map(|k| [&i[..], &[k]].concat()).collect::<Vec<_>>()).collect()
    })
}

/// Strides small and large, both ways and 0, in up to five axes: gathering, and its adjoint.
#[test]
fn strides_gather_and_scatter_as_loops_do() {
    let mut tried = 0;
    for case in 0..600_u64 {
        let draw = gaussian("strides", case, 12);
        let whole = |x: f64, n: usize| (x.abs() * 1e4) as usize % n;
        let rank = 1 + whole(draw[0], 5);
        let most = if case % 10 == 0 { 40 } else { 5 };
        let dims: Vec<usize> = (0..rank).map(|k| 1 + whole(draw[1 + k], most)).collect();
        // A permuted tensor, now and then with an axis reversed, skipped over or repeated.
        let mut order: Vec<usize> = (0..rank).collect();
        order.sort_by(|a, b| draw[6 + a].total_cmp(&draw[6 + b]));
        let (mut strides, mut step, mut offset) = (vec![0; rank], 1, 3);
        for k in order {
            let (length, kind) = (dims[k] as isize, whole(draw[11] * (k + 1) as f64, 7));
            strides[k] = match kind {
                0 => 0,
                1 => -step,
                2 => step + 1,
                3 => 1,
                _ => step,
            };
            if kind == 1 {
                offset += (step * (length - 1)) as usize;
            }
            step = step.max(strides[k].abs() * length);
        }
        let at = |i: &[usize]| -> usize {
            (offset as isize + i.iter().zip(&strides).map(|(i, s)| *i as isize * s).sum::<isize>()) as usize
        };
        let all = indices(&dims);
        let size = all.iter().map(|i| at(i)).max().unwrap_or(0) + 2;
        let count = all.len();
        if count > 20_000 {
            continue;
        }
        tried += 1;
        let x = gaussian("numbers", case, size);
        let found = run(&[(&x[..], column(size))], |tape, n| {
            tape.strided(n[0], &dims, &strides, offset, column(count))
        });
        let wanted: Vec<f64> = all.iter().map(|i| x[at(i)]).collect();
        assert_eq!(found, wanted, "case {case}: {dims:?} by {strides:?}");
        let g = gaussian("cotangents", case, count);
        let mut wanted = vec![0.0; size];
        all.iter().zip(&g).for_each(|(i, g)| wanted[at(i)] += g);
        let found = run(&[(&g[..], column(count))], |tape, n| {
            tape.sum_strided(n[0], &dims, &strides, offset, column(size))
        });
        for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let error = (found - wanted).abs();
            // Sums of up to 40^2 numbers in another order.
            assert!(error <= 1e-12, "case {case}: {dims:?} by {strides:?}, {i}: {found} not {wanted}");
        }
    }
    assert!(tried > 300, "only {tried} cases");
}

/// Large enough to be cut into parts, whose bits are those of the whole.
#[test]
fn large_tensors_are_the_same_in_parts() {
    let (batch, channels, positions) = (3, 37, 3001);
    let size = batch * channels * positions;
    let x: Vec<f32> = (0..size).map(|i| (i * 7919 % 10_007) as f32 / 97.0).collect();
    let at = |b: usize, c: usize, p: usize| x[(b * channels + c) * positions + p];
    let dims = [batch, positions, channels];
    let strides = [(channels * positions) as isize, 1, positions as isize];
    let found =
        run(&[(&x[..], column(size))], |tape, n| tape.strided(n[0], &dims, &strides, 0, column(size)));
    for b in 0..batch {
        for p in 0..positions {
            for c in 0..channels {
                assert_eq!(found[(b * positions + p) * channels + c], at(b, c, p));
            }
        }
    }
    // Sums over batch and positions, channel by channel.
    let sums = run(&[(&x[..], column(size))], |tape, n| {
        tape.sum_strided(n[0], &[batch, channels, positions], &[0, 1, 0], 0, column(channels))
    });
    for (c, sum) in sums.iter().enumerate() {
        let all = (0..batch).flat_map(|b| (0..positions).map(move |p| (b, p)));
        let wanted: f64 = all.map(|(b, p)| f64::from(at(b, c, p))).sum();
        assert_eq!(*sum, wanted as f32, "channel {c}");
    }
}

#[test]
fn concatenation_lays_runs_one_after_another() {
    let inners: Vec<usize> = (0..19).map(|i| i % 4).collect();
    let x: Vec<Vec<f64>> =
        inners.iter().enumerate().map(|(i, n)| gaussian("runs", i as u64, 3 * n)).collect();
    let inputs: Vec<(&[f64], Shape)> = x.iter().map(|x| (&x[..], Shape::new(x.len(), 1))).collect();
    let total: usize = inners.iter().sum();
    let found = run(&inputs, |tape, n| tape.concat(n, 3, &inners, Shape::new(total, 3)));
    let wanted: Vec<f64> = (0..3)
        .flat_map(|o| x.iter().zip(&inners).flat_map(move |(x, n)| x[o * n..(o + 1) * n].to_vec()))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn indices_outside_the_axis_take_nothing() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let index = [2.0, -1.0, 0.0, 3.0, f64::NAN, 2.0];
    let shapes = [(&x[..], Shape::new(4, 3)), (&index[..], column(6))];
    let rows = run(&shapes, |tape, n| tape.take(n[0], n[1], 1, 3, 4, 6, false, Shape::new(4, 6)));
    let zeros = [0.0; 4];
    assert_eq!(rows, [&x[8..], &zeros, &x[..4], &zeros, &zeros, &x[8..]].concat());
    // One index for each number: the class of each of six columns.
    let x = gaussian("logits", 0, 18);
    let shapes = [(&x[..], Shape::new(3, 6)), (&index[..], Shape::new(1, 6))];
    let chosen = run(&shapes, |tape, n| tape.take(n[0], n[1], 6, 3, 1, 1, true, Shape::new(1, 6)));
    assert_eq!(chosen, [x[2], 0.0, x[6], 0.0, 0.0, x[17]]);
}

#[test]
fn masks_leave_nothing_of_what_they_hide() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let (a, b, mask) = ([1.0, inf, nan, 4.0], [nan, 6.0, 7.0, inf], [1.0, 0.0, 0.0, -2.0]);
    let inputs = [&a, &b, &mask].map(|x| (&x[..], column(4)));
    assert_eq!(run(&inputs, |tape, n| tape.select(n[2], n[0], n[1])), [1.0, 6.0, 7.0, 4.0]);
    let equal =
        |kind| run(&[(&a[..], column(4)), (&[4.0][..], column(1))], |tape, n| tape.compare(kind, n[0], n[1]));
    assert_eq!(equal(Compare::Equal), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(equal(Compare::Unequal), [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(equal(Compare::GreaterOrEqual), [0.0, 1.0, 0.0, 1.0]);
    let top =
        run(&[(&[3.0, 5.0, 5.0, nan, 9.0, nan][..], Shape::new(3, 2))], |tape, n| tape.arg_max_rows(n[0]));
    assert_eq!(top, [1.0, 0.0]);
    let most = run(&[(&a[..2], Shape::new(1, 2))], |tape, n| tape.max_rows(n[0]));
    assert_eq!(most, [1.0, inf]);
    assert_eq!(run(&[(&a[..2], column(2))], |tape, n| tape.cumsum(n[0])), [1.0, inf]);
}

/// Entries of -infinity, as masks of attention set them, have no weight and no derivative.
#[test]
fn softmax_and_log_sum_exp_pass_over_masked_entries() {
    let inf = f64::INFINITY;
    let z = [0.3, -inf, 1.2, -inf, -inf, -inf, 1e300, 0.0, -1e300];
    let p = run(&[(&z[..], Shape::new(3, 3))], |tape, n| tape.softmax(n[0]));
    let e = (0.3_f64 - 1.2).exp();
    for (found, wanted) in p.iter().zip([e / (1.0 + e), 0.0, 1.0 / (1.0 + e)]) {
        assert!((found - wanted).abs() < 1e-15, "{p:?}");
    }
    assert_eq!(p[6..], [1.0, 0.0, 0.0]);
    let l = run(&[(&z[..], Shape::new(3, 3))], |tape, n| tape.log_sum_exp(n[0]));
    assert!((l[0] - (1.2 + e.ln_1p())).abs() < 1e-15 && l[1] == -inf && l[2] == 1e300, "{l:?}");
    // The loss of a confident prediction in full relative accuracy.
    let z = [0.0, -40.0, -50.0];
    let l = run(&[(&z[..], column(3))], |tape, n| tape.log_sum_exp(n[0]));
    let wanted = (-40.0_f64).exp() + (-50.0_f64).exp();
    assert!((l[0] / wanted - 1.0).abs() < 1e-14, "{l:?}");
    // Scores with some masked: gradient and products are finite, and true.
    let mut tape = Tape::new();
    let scores = tape.parameter(0, Shape::new(3, 2));
    let mask = tape.constant(Arc::new([0.0, -inf, 0.0, -inf, 0.0, 0.0]), Shape::new(3, 2));
    let masked = tape.add(scores, mask);
    let (p, l) = (tape.softmax(masked), tape.log_sum_exp(masked));
    let squares = tape.mul(p, p);
    let sums = tape.sum_rows(squares);
    let losses = tape.add(l, sums);
    let program = Program::new(tape, p, losses);
    let loss = Loss { program: &program, inputs: vec![], state: &[], kinked: false };
    let theta = gaussian("scores", 0, 6);
    loss.check_gradient("masked scores", &theta);
    loss.check_product("masked scores", &theta);
}

/// One parameter read whole, in another shape, in part and twice has the sum of all its gradients.
#[test]
fn a_parameter_under_several_shapes_has_one_gradient() {
    let mut tape = Tape::new();
    let whole = tape.parameter(0, Shape::new(3, 4));
    let other = tape.parameter(0, Shape::new(2, 6));
    let part = tape.parameter(4, Shape::new(1, 6));
    let beyond = tape.parameter(8, Shape::new(6, 1));
    let curve: Arc<dyn Curve> = Arc::new(Exp);
    let exponentials = tape.map(&curve, 0, other);
    let (mut sums, mut all) = (Vec::new(), vec![whole, exponentials, part, beyond]);
    all.push(tape.reshape(whole, Shape::new(12, 1)));
    for node in all {
        let squares = tape.mul(node, node);
        let rows = tape.sum_rows(squares);
        sums.push(tape.sum_cols(rows));
    }
    let first = tape.add(sums[0], sums[1]);
    let losses = sums[2..].iter().fold(first, |sum, s| tape.mul(sum, *s));
    let program = Program::new(tape, losses, losses);
    let loss = Loss { program: &program, inputs: vec![], state: &[], kinked: false };
    let theta: Vec<f64> = gaussian("shared", 0, 14).iter().map(|x| 0.4 * x).collect();
    loss.check_gradient("shared", &theta);
    loss.check_product("shared", &theta);
    loss.check_symmetry("shared", Curvature::Hessian, &theta);
}

/// The gradient of a bilinear loss is itself a parameter, which no entry computes.
#[test]
fn a_gradient_may_be_another_parameter() {
    let mut tape = Tape::new();
    let (a, b) = (tape.parameter(0, Shape::new(1, 3)), tape.parameter(3, Shape::new(3, 1)));
    let b = tape.reshape(b, Shape::new(1, 3));
    let losses = tape.mul(a, b);
    let program = Program::new(tape, losses, losses);
    let loss = Loss { program: &program, inputs: vec![], state: &[], kinked: false };
    let theta = gaussian("bilinear", 0, 6);
    assert_eq!(loss.gradient(&theta), [&theta[3..], &theta[..3]].concat());
    let v = gaussian("bilinear", 1, 6);
    assert_eq!(loss.products(Curvature::Hessian, &theta, &v, 1), [&v[3..], &v[..3]].concat());
}

#[test]
fn entries_alike_are_one_entry() {
    let mut tape = Tape::new();
    let shape = Shape::new(2, 3);
    let numbers: Arc<[f64]> = Arc::new([1.0, -0.0, f64::NAN, 4.0, 5.0, 6.0]);
    let a = tape.constant(numbers.clone(), shape);
    assert_eq!(a, tape.constant(numbers.iter().copied().collect(), shape));
    assert_ne!(a, tape.constant(numbers, Shape::new(6, 1)));
    assert_ne!(a, tape.constant(Arc::new([1.0, 0.0, f64::NAN, 4.0, 5.0, 6.0]), shape));
    let x = tape.parameter(0, shape);
    let (y, z) = (tape.add_scaled(x, 2.0, a), tape.add_scaled(x, 3.0, a));
    assert_ne!(y, z);
    assert_eq!(y, tape.add_scaled(x, 2.0, a));
    assert_eq!(tape.fill(0.0, shape), tape.fill(-0.0, shape));
    // Back and forth is where it began; a permutation and its inverse, too, are nothing but shapes.
    let flat = tape.reshape(x, Shape::new(6, 1));
    assert_eq!(tape.reshape(flat, shape), x);
    assert_eq!(tape.strided(x, &[6], &[1], 0, Shape::new(6, 1)), flat);
    let ones = tape.fill(1.0, shape);
    let sum = tape.sum_strided(ones, &[6], &[0], 0, Shape::new(1, 1));
    assert!(matches!(tape.record(sum).op, Primitive::Fill(6.0)));
}

/// Shapes cost nothing: no buffer and no step of a plan.
#[test]
fn another_shape_has_no_buffer_of_its_own() {
    let mut tape = Tape::new();
    let x = tape.parameter(0, Shape::new(4, 100));
    let square = tape.mul(x, x);
    let seen = tape.reshape(square, Shape::new(400, 1));
    let total = tape.sum_rows(seen);
    let plan = Plan::new(Arc::new(tape), &[total], &[]);
    assert_eq!(plan.bytes::<f64>(), 8 * 401);
}
