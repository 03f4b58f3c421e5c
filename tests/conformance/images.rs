//! The primitives of images and norms against plain loops over their definitions, and what they do at the edges: ties,
//! NaN, padding, many threads.

use crate::conformance::check::{Loss, difference, gaussian, norm};
use losscape::autodiff::curves::{InverseSqrt, Reciprocal};
use losscape::autodiff::primitives::map::Curve;
use losscape::autodiff::primitives::{ArgMax, Window};
use losscape::autodiff::primitives::{
    AveragePool, Conv, ConvGeometry, Map, Pick, Primitive, Role, RowDot, Standardize, Variance,
};
use losscape::autodiff::{Bindings, Curvature, Element, Plan, Program, Shape, Tape};
use std::sync::Arc;

/// The value of a primitive at inputs.
fn value<E: Element>(op: impl Into<Primitive>, inputs: &[(Shape, &[E])]) -> Vec<E> {
    let mut tape = Tape::new();
    let nodes: Vec<_> = inputs.iter().map(|(shape, _)| tape.input(*shape)).collect();
    let out = tape.push(op, &nodes);
    let plan = Plan::new(Arc::new(tape), &[out], &[]);
    let data: Vec<&[E]> = inputs.iter().map(|(_, data)| *data).collect();
    let bindings = Bindings { theta: &[], state: &[], inputs: &data };
    let mut workspace = plan.workspace();
    plan.run(&bindings, &mut workspace);
    plan.values(bindings, &workspace).of(out).data.to_vec()
}

fn window(
    channels: usize,
    [height, width]: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Window {
    Window { channels, height, width, kernel, stride, padding, after: padding, dilation: [1, 1] }
}

/// Gaps in the window, and images padded more on one side.
fn gapped() -> [Window; 4] {
    [
        Window { dilation: [2, 2], ..window(5, [9, 8], [3, 3], [1, 1], [2, 2]) },
        Window { dilation: [3, 1], after: [3, 2], ..window(3, [8, 7], [2, 3], [2, 2], [1, 0]) },
        Window { dilation: [1, 2], after: [0, 3], ..window(2, [5, 11], [2, 4], [3, 5], [0, 1]) },
        Window { dilation: [4, 3], after: [0, 0], ..window(18, [9, 9], [2, 3], [6, 2], [0, 3]) },
    ]
}

/// Image, kernel, stride and padding of every kind, with groups and outputs.
fn geometries() -> Vec<ConvGeometry> {
    let of = |window, outputs, groups| ConvGeometry { window, outputs, groups };
    vec![
        of(window(3, [8, 8], [3, 3], [1, 1], [1, 1]), 16, 1),
        of(window(16, [7, 9], [3, 3], [2, 2], [1, 1]), 18, 1),
        of(window(16, [8, 8], [1, 1], [2, 2], [0, 0]), 32, 1),
        of(window(4, [6, 6], [5, 5], [1, 1], [2, 2]), 6, 2),
        of(window(1, [1, 40], [1, 5], [1, 2], [0, 2]), 25, 1),
        of(window(20, [5, 4], [3, 2], [3, 1], [2, 1]), 40, 20),
        of(window(33, [4, 4], [4, 4], [1, 1], [0, 0]), 17, 1),
        of(window(2, [2, 3], [3, 3], [1, 1], [2, 2]), 3, 1),
        // By tiles of 2 x 2 places, whole ones and such as reach beyond the edge; more samples than are transformed together.
        of(window(32, [8, 8], [3, 3], [1, 1], [1, 1]), 64, 1),
        of(window(64, [7, 11], [3, 3], [1, 1], [1, 1]), 32, 1),
        of(window(32, [9, 6], [3, 3], [1, 1], [0, 0]), 32, 1),
        of(Window { after: [2, 0], ..window(32, [24, 20], [3, 3], [1, 1], [0, 2]) }, 32, 1),
        of(gapped()[0], 17, 1),
        of(gapped()[1], 6, 3),
        of(gapped()[2], 3, 1),
        of(gapped()[3], 36, 18),
    ]
}

/// The terms of the trilinear form: (index in W, in X, in G) of each.
fn terms(g: &ConvGeometry, samples: usize, mut see: impl FnMut(usize, usize, usize)) {
    let w = &g.window;
    let [rows, columns] = w.places();
    let (ci, co) = (w.channels / g.groups, g.outputs / g.groups);
    for n in 0..samples {
        for o in 0..g.outputs {
            for (y, x) in (0..rows * columns).map(|p| (p / columns, p % columns)) {
                for c in 0..ci {
                    for (i, j) in (0..w.area()).map(|t| (t / w.kernel[1], t % w.kernel[1])) {
                        let (row, col) =
                            (y * w.stride[0] + i * w.dilation[0], x * w.stride[1] + j * w.dilation[1]);
                        let inside = |at: usize, padding: usize, side: usize| {
                            (padding..padding + side).contains(&at).then(|| at - padding)
                        };
                        let (Some(row), Some(col)) =
                            (inside(row, w.padding[0], w.height), inside(col, w.padding[1], w.width))
                        else {
                            continue;
                        };
                        let weight = ((o * ci + c) * w.kernel[0] + i) * w.kernel[1] + j;
                        let image = ((n * w.height + row) * w.width + col) * w.channels + o / co * ci + c;
                        see(weight, image, ((n * rows + y) * columns + x) * g.outputs + o);
                    }
                }
            }
        }
    }
}

/// Each role in both precisions against the sum over all terms. Runs of the kernel are at most a few hundred terms, and
/// sums over samples are in f64 beyond 1024: 1e-14 and 1e-6 leave room for their rounding and none for a wrong term.
#[test]
fn convolution_is_the_sum_over_its_definition() {
    for g in geometries() {
        let name = format!("{g:?}");
        g.check(&name).expect("a convolution");
        let n = 3;
        let shapes = [
            g.weights(),
            Shape::new(g.window.channels, n * g.window.positions()),
            Shape::new(g.outputs, n * g.window.outputs()),
        ];
        let [w, x, y] = [0, 1, 2].map(|i| gaussian(&name, i as u64, shapes[i].size()));
        let mut expected = [0, 1, 2].map(|i| vec![0.0; shapes[i].size()]);
        terms(&g, n, |a, b, c| {
            expected[0][a] += x[b] * y[c];
            expected[1][b] += w[a] * y[c];
            expected[2][c] += w[a] * x[b];
        });
        let roles = [(Role::Weight, [1, 2], 0), (Role::Input, [0, 2], 1), (Role::Output, [0, 1], 2)];
        for (role, [a, b], out) in roles {
            let conv = Conv { geometry: g, role };
            let data = [&w, &x, &y];
            let double = value(conv, &[(shapes[a], &data[a][..]), (shapes[b], &data[b][..])]);
            let error = difference(&double, &expected[out]) / norm(&expected[out]);
            assert!(error <= 1e-14, "{name}: {role:?} off by {error:e}");
            let single = |i: usize| -> Vec<f32> { data[i].iter().map(|v| *v as f32).collect() };
            let single = value(conv, &[(shapes[a], &single(a)[..]), (shapes[b], &single(b)[..])]);
            let single: Vec<f64> = single.into_iter().map(f64::from).collect();
            let error = difference(&single, &expected[out]) / norm(&expected[out]);
            assert!(error <= 1e-6, "{name}: {role:?} in f32 off by {error:e}");
        }
    }
}

/// Work that is shared out among threads, with the bits of one thread.
#[test]
fn large_convolutions_have_the_same_bits_on_any_number_of_threads() {
    // Directly, and by tiles.
    [16, 32].into_iter().for_each(has_the_same_bits_on_any_number_of_threads);
}

fn has_the_same_bits_on_any_number_of_threads(channels: usize) {
    let window = window(channels, [16, 16], [3, 3], [1, 1], [1, 1]);
    let g = ConvGeometry { window, outputs: channels, groups: 1 };
    let (n, sample) = (50, channels * 256);
    let shapes = [g.weights(), Shape::new(channels, n * 256), Shape::new(channels, n * 256)];
    let data: [Vec<f32>; 3] = [0, 1, 2].map(|i| {
        gaussian("large convolution", i as u64, shapes[i].size()).into_iter().map(|v| v as f32).collect()
    });
    for (role, [a, b]) in [(Role::Weight, [1, 2]), (Role::Input, [0, 2]), (Role::Output, [0, 1])] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                value(Conv { geometry: g, role }, &[(shapes[a], &data[a][..]), (shapes[b], &data[b][..])])
            })
        };
        let one = run(1);
        for threads in [2, 5] {
            assert!(run(threads) == one, "{role:?} on {threads} threads");
        }
        // A sample alone gives what it gives among others; sums over samples are of all of them.
        if role != Role::Weight {
            let alone = value(
                Conv { geometry: g, role },
                &[(shapes[a], &data[a][..]), (Shape::new(channels, 256), &data[b][7 * sample..8 * sample])],
            );
            assert!(alone == one[7 * sample..8 * sample], "{role:?} of one sample");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let fine = ConvGeometry { window: window(4, [5, 5], [3, 3], [1, 1], [1, 1]), outputs: 6, groups: 2 };
    let check = |g: ConvGeometry| g.check("model.conv").map_err(|e| e.to_string());
    assert_eq!(check(fine), Ok(()));
    let with = |window: Window| check(ConvGeometry { window, ..fine });
    let w = fine.window;
    for (result, message) in [
        (with(Window { kernel: [0, 3], ..w }), "model.conv: expected a kernel of 1 to 4096, found 0"),
        (with(Window { kernel: [3, usize::MAX], ..w }), "expected a kernel of 1 to 4096"),
        (with(Window { stride: [1, 0], ..w }), "model.conv: expected a stride of at least 1, found 0"),
        (
            with(Window { padding: [3, 1], ..w }),
            "model.conv: expected a padding below the kernel's 3, found 3",
        ),
        (with(Window { dilation: [0, 1], ..w }), "model.conv: expected a dilation of 1 to 4096, found 0"),
        (with(Window { after: [0, 4], ..w }), "a padding below the kernel's 3 and its stride's 1, found 4"),
        (with(Window { kernel: [8, 3], ..w }), "expected a kernel of at most 7, the padded image, found 8"),
        (check(ConvGeometry { groups: 4, ..fine }), "found 4 of 4 to 6"),
        (check(ConvGeometry { groups: 0, ..fine }), "found 0 of 4 to 6"),
    ] {
        let found = result.expect_err(message);
        assert!(found.contains(message), "{found}");
    }
}

fn windows() -> Vec<Window> {
    let even = [
        window(3, [6, 6], [2, 2], [2, 2], [0, 0]),
        window(18, [5, 7], [3, 3], [2, 2], [1, 1]),
        window(2, [1, 9], [1, 4], [1, 1], [0, 2]),
        window(1, [4, 4], [4, 4], [1, 1], [0, 0]),
    ];
    even.into_iter().chain(gapped()).collect()
}

/// Shows every window's entries of a signal in reading order: the output's index, and (position in the window, index).
fn each_window(w: &Window, samples: usize, mut see: impl FnMut(usize, Vec<(usize, usize)>)) {
    let [rows, columns] = w.places();
    for n in 0..samples {
        for p in 0..rows * columns {
            for c in 0..w.channels {
                let mut entries = Vec::new();
                for t in 0..w.area() {
                    let (i, j) = (t / w.kernel[1] * w.dilation[0], t % w.kernel[1] * w.dilation[1]);
                    let y = (p / columns * w.stride[0] + i) as i64 - w.padding[0] as i64;
                    let x = (p % columns * w.stride[1] + j) as i64 - w.padding[1] as i64;
                    if (0..w.height as i64).contains(&y) && (0..w.width as i64).contains(&x) {
                        let at = (n * w.height + y as usize) * w.width + x as usize;
                        entries.push((t, at * w.channels + c));
                    }
                }
                see((n * rows * columns + p) * w.channels + c, entries);
            }
        }
    }
}

#[test]
fn pooling_is_what_it_says() {
    for w in windows() {
        let name = format!("{w:?}");
        w.check(&name).expect("a window");
        let shape = Shape::new(w.channels, 2 * w.positions());
        let outputs = Shape::new(w.channels, 2 * w.outputs());
        // Few distinct values: ties in most windows.
        let x: Vec<f64> = gaussian(&name, 0, shape.size()).into_iter().map(f64::round).collect();
        let g = gaussian(&name, 1, outputs.size());
        let index = value(ArgMax { window: w }, &[(shape, &x[..])]);
        let picked = value(Pick { window: w, adjoint: false }, &[(outputs, &index[..]), (shape, &x[..])]);
        let put = value(Pick { window: w, adjoint: true }, &[(outputs, &index[..]), (outputs, &g[..])]);
        let mean = value(AveragePool { window: w, adjoint: false }, &[(shape, &x[..])]);
        let spread = value(AveragePool { window: w, adjoint: true }, &[(outputs, &g[..])]);
        let (mut all_put, mut all_spread) = (vec![0.0; shape.size()], vec![0.0; shape.size()]);
        each_window(&w, 2, |out, entries| {
            let largest = entries.iter().map(|(_, at)| x[*at]).fold(f64::NEG_INFINITY, f64::max);
            let first = entries.iter().find(|(_, at)| x[*at] == largest).expect("no empty window");
            assert_eq!((index[out], picked[out]), (first.0 as f64, largest), "{name}");
            all_put[first.1] += g[out];
            let sum: f64 = entries.iter().map(|(_, at)| x[*at]).sum();
            assert!((mean[out] - sum / w.area() as f64).abs() <= 1e-15 * w.area() as f64, "{name}");
            entries.iter().for_each(|(_, at)| all_spread[*at] += g[out] / w.area() as f64);
        });
        assert!(difference(&put, &all_put) <= 1e-14 * norm(&all_put), "{name}");
        assert!(difference(&spread, &all_spread) <= 1e-14 * norm(&all_spread), "{name}");
        // One NaN shows in every window over it and nowhere else.
        let mut broken = x.clone();
        broken[x.len() / 2] = f64::NAN;
        let index = value(ArgMax { window: w }, &[(shape, &broken[..])]);
        let picked =
            value(Pick { window: w, adjoint: false }, &[(outputs, &index[..]), (shape, &broken[..])]);
        each_window(&w, 2, |out, entries| {
            assert_eq!(picked[out].is_nan(), entries.iter().any(|(_, at)| *at == x.len() / 2), "{name}");
        });
    }
}

/// Index and entry together, as a layer records them: gradient, product and symmetry of a loss through max pooling.
#[test]
fn max_pooling_has_true_derivatives() {
    for w in windows() {
        let name = format!("max pooling {w:?}");
        let mut tape = Tape::new();
        let shape = Shape::new(w.channels, 2 * w.positions());
        let x = tape.parameter(0, shape);
        let out = tape.max_pool(w, x);
        let weights = tape.input(tape.shape(out));
        let cubes = tape.mul(out, out);
        let cubes = tape.mul(cubes, out);
        let losses = tape.mul(cubes, weights);
        let weights = gaussian(&name, 1, tape.shape(out).size());
        let program = Program::new(tape, out, losses);
        let loss = Loss { program: &program, inputs: vec![&weights], state: &[], kinked: true };
        let theta = gaussian(&name, 2, shape.size());
        loss.check_gradient(&name, &theta);
        loss.check_product(&name, &theta);
        loss.check_symmetry(&name, Curvature::Hessian, &theta);
    }
}

/// The sums of a norm are of a block alone, and a mean of a million takes no digits from a deviation of 1.
#[test]
fn standardising_keeps_its_digits_far_from_zero() {
    let (rows, cols) = (20, 30);
    for (block, count) in [((1, 30), 20), ((20, 1), 30), ((5, 10), 12), ((20, 30), 1)] {
        let shape = Shape::new(rows, cols);
        let x: Vec<f64> = gaussian("standardise", 0, shape.size()).iter().map(|v| 1e6 + v).collect();
        let blocks = Shape::new(rows / block.0, cols / block.1);
        assert_eq!(blocks.size(), count);
        let variance = value(Variance { rows: block.0, cols: block.1 }, &[(shape, &x[..])]);
        let op = Standardize { rows: block.0, cols: block.1, eps: 0.0, adjoint: false };
        let y = value(op, &[(shape, &x[..])]);
        assert_eq!(variance.len(), count);
        for (b, variance) in variance.iter().enumerate() {
            let (i, j) = (b % blocks.rows * block.0, b / blocks.rows * block.1);
            let at: Vec<usize> =
                (0..block.0 * block.1).map(|e| (j + e / block.0) * rows + i + e % block.0).collect();
            let n = at.len() as f64;
            // Offsets from a million are exact.
            let mean = at.iter().map(|k| x[*k] - 1e6).sum::<f64>() / n;
            let expected = at.iter().map(|k| (x[*k] - 1e6 - mean).powi(2)).sum::<f64>() / n;
            assert!((variance - expected).abs() <= 1e-13 * expected, "{block:?}");
            for k in at {
                let expected = (x[k] - 1e6 - mean) / expected.sqrt();
                // The mean itself is rounded to f64: 1e-10 of a deviation of 1.
                assert!((y[k] - expected).abs() <= 1e-9, "{block:?}: {} for {expected}", y[k]);
            }
        }
    }
}

/// A norm between other entries, where it works in place: value against the definition, gradient, product, symmetry.
#[test]
fn norms_in_the_middle_of_a_tape_have_true_derivatives() {
    let shape = Shape::new(6, 20);
    for (rows, cols) in [(1, 20), (6, 5), (1, 5), (3, 5), (6, 1), (2, 4)] {
        let name = format!("norm over {rows} x {cols}");
        let mut tape = Tape::new();
        let x = tape.parameter(0, shape);
        let twice = tape.scale(2.0, x);
        let y = tape.standardize(twice, rows, cols, 0.5);
        let weights = tape.input(shape);
        let cubes = tape.mul(y, y);
        let cubes = tape.mul(cubes, y);
        let losses = tape.mul(cubes, weights);
        let weights = gaussian(&name, 0, shape.size());
        let program = Program::new(tape, y, losses);
        let loss = Loss { program: &program, inputs: vec![&weights], state: &[], kinked: false };
        let theta = gaussian(&name, 1, shape.size());
        let y = loss.forward(&theta).1;
        for (k, y) in y.iter().enumerate() {
            let (i, j) = (k % 6 / rows * rows, k / 6 / cols * cols);
            let block: Vec<f64> =
                (0..rows * cols).map(|e| 2.0 * theta[(j + e / rows) * 6 + i + e % rows]).collect();
            let mean = block.iter().sum::<f64>() / block.len() as f64;
            let variance = block.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / block.len() as f64;
            let expected = (2.0 * theta[k] - mean) / (variance + 0.5).sqrt();
            assert!((y - expected).abs() <= 1e-14, "{name}: {y} for {expected}");
        }
        loss.check_gradient(&name, &theta);
        loss.check_product(&name, &theta);
        loss.check_symmetry(&name, Curvature::Hessian, &theta);
    }
}

/// A repeated column's gradient is a row-wise dot product: of the same numbers as product and sum.
#[test]
fn row_dots_are_sums_of_products() {
    for (rows, cols) in [(1, 7), (5, 40), (37, 3)] {
        let shape = Shape::new(rows, cols);
        let [a, b] = [0, 1].map(|i| gaussian("row dot", i, shape.size()));
        let dots = value(RowDot, &[(shape, &a[..]), (shape, &b[..])]);
        for (i, dot) in dots.iter().enumerate() {
            let expected: f64 = (0..cols).map(|j| a[j * rows + i] * b[j * rows + i]).sum();
            assert!((dot - expected).abs() <= 1e-14 * cols as f64, "{rows} x {cols}");
        }
    }
}

/// The functions that norms are made of, which are defined for positive numbers alone.
#[test]
fn curves_have_true_derivatives() {
    type Reference = fn(f64) -> f64;
    let curves: [(Arc<dyn Curve>, Reference); 2] = [
        (Arc::new(InverseSqrt { eps: 0.25 }), |x| (x + 0.25).powf(-0.5)),
        (Arc::new(Reciprocal), |x| x.powi(-1)),
    ];
    let x: Vec<f64> = (1..40).map(|i| f64::from(i) * 0.1).collect();
    for (curve, f) in curves {
        let at =
            |order: u8, x: &[f64]| value(Map { curve: curve.clone(), order }, &[(Shape::new(1, x.len()), x)]);
        let moved = |step: f64| -> Vec<f64> { x.iter().map(|x| x + step).collect() };
        for (x, y) in x.iter().zip(at(0, &x)) {
            assert!((y - f(*x)).abs() <= 4.0 * f64::EPSILON * y, "{curve:?}({x}) = {y}");
        }
        for order in [0, 1] {
            let (up, down) = (at(order, &moved(1e-5)), at(order, &moved(-1e-5)));
            for (i, slope) in at(order + 1, &x).into_iter().enumerate() {
                let expected = (up[i] - down[i]) / 2e-5;
                // h^2 f''' / 6 is the larger error, near 0.1.
                assert!(
                    (slope - expected).abs() <= 1e-6 * slope.abs(),
                    "{curve:?}, order {order} at {}",
                    x[i]
                );
            }
        }
    }
}
