//! Every initializer: the variance it states, zero biases, and draws that depend on nothing but their stream.

use losscape::base::Streams;
use losscape::base::registry::Registry;
use losscape::nn::inits::{Fans, Initialize, Initializer};
use losscape::nn::{Network, Role, Spec};

/// Unequal, so that a fan taken for the other shows.
const FANS: (usize, usize) = (400, 100);

fn tried() -> Vec<Initializer> {
    let mut all = Initializer::all();
    for text in [
        "naive:std=0.25",
        "he-normal:fan=out",
        "he-uniform:fan=out",
        "geometric:c=0.7",
        "orthogonal:gain=1.5",
        "mean-field:weight=1.1,bias=0.3",
    ] {
        all.push(Initializer::parse(text).expect("valid settings"));
    }
    all
}

/// The variance of a weight, from the paper that the kind is named after.
fn stated(kind: &Initializer) -> Option<f64> {
    let (fan_in, fan_out) = (FANS.0 as f64, FANS.1 as f64);
    Some(match kind.name() {
        "he-normal" | "he-uniform" => match kind.settings()["fan"].as_str()? {
            "out" => 2.0 / fan_out,
            _ => 2.0 / fan_in,
        },
        "geometric" => kind.settings()["c"].as_float()? / (fan_in * fan_out).sqrt(),
        "lecun-normal" | "lecun-uniform" => 1.0 / fan_in,
        "glorot-normal" | "glorot-uniform" => 2.0 / (fan_in + fan_out),
        "naive" => kind.settings()["std"].as_float()?.powi(2),
        "mean-field" => kind.settings()["weight"].as_float()?.powi(2) / fan_in,
        _ => return None,
    })
}

fn draw(kind: &Initializer, seed: u64) -> Vec<f64> {
    let mut out = vec![f64::NAN; FANS.0 * FANS.1];
    fill(kind, &[FANS.1, FANS.0], seed, &mut out);
    out
}

fn fill(kind: &Initializer, shape: &[usize], seed: u64, out: &mut [f64]) {
    let taps: usize = shape[2..].iter().product();
    let fans = Fans { fan_in: shape[1] * taps, fan_out: shape[0] * taps, shape };
    kind.fill(&fans, &mut Streams::new(seed).stream("test/init", 0), out);
}

#[test]
fn initializers_have_the_variance_of_their_paper() {
    for kind in tried() {
        let weights = draw(&kind, 1);
        let n = weights.len() as f64;
        let moment = |k: i32| weights.iter().map(|w| w.powi(k)).sum::<f64>() / n;
        assert!(weights.iter().all(|w| w.is_finite()), "{kind}: not all weights were filled");
        let mean_error = moment(1).abs() / (moment(2) / n).sqrt();
        assert!(mean_error <= 4.0, "{kind}: mean {:e}, {mean_error} standard errors from 0", moment(1));
        let Some(variance) = stated(&kind) else { continue };
        // Fourth and eighth moments over powers of the variance: 3 and 105 of a normal, 9/5 and 9 of a uniform.
        let (fourth, eighth) = if kind.name().ends_with("uniform") { (1.8, 9.0) } else { (3.0, 105.0) };
        let z = (moment(2) - variance) / (variance * ((fourth - 1.0) / n).sqrt());
        assert!(z.abs() <= 4.0, "{kind}: variance {:e}, stated {variance:e}, z = {z}", moment(2));
        let z = (moment(4) / variance.powi(2) - fourth) / ((eighth - fourth * fourth) / n).sqrt();
        assert!(z.abs() <= 4.0, "{kind}: the fourth moment is of another distribution, z = {z}");
    }
}

#[test]
fn draws_depend_on_nothing_but_their_stream() {
    for kind in tried() {
        assert_eq!(draw(&kind, 1), draw(&kind, 1), "{kind}");
        assert_ne!(draw(&kind, 1), draw(&kind, 2), "{kind}");
    }
}

fn network(model: &str) -> Network {
    let model = model.parse().expect("a model");
    Network::new(Spec { model, loss: Default::default(), input: vec![7], outputs: 3 }).expect("a network")
}

#[test]
fn biases_start_at_zero_and_weights_do_not() {
    let network = network("mlp:hidden=[20,20]");
    for kind in tried() {
        let theta = network.init(&kind, &Streams::new(3));
        let parameters = &network.layout().parameters;
        assert_eq!(parameters.iter().filter(|p| p.role == Role::Bias).count(), 3);
        for p in parameters {
            let values = &theta[p.range()];
            match p.role {
                Role::Bias if kind.settings().get("bias").and_then(|b| b.as_float()) == Some(0.3) => {
                    let square = values.iter().map(|b| b * b).sum::<f64>() / values.len() as f64;
                    assert!((0.03..0.27).contains(&square), "{kind}: {}: {square}", p.name);
                }
                Role::Bias => assert!(values.iter().all(|b| *b == 0.0), "{kind}: {}", p.name),
                // FixUp's classifier starts at zero.
                _ if kind.name() == "fixup" && p.name == "4.weight" => {
                    assert!(values.iter().all(|w| *w == 0.0), "{}", p.name);
                }
                Role::Weight => assert!(values.iter().all(|w| *w != 0.0), "{kind}: {}", p.name),
                role => panic!("{role:?} in a perceptron"),
            }
        }
    }
}

/// A layer's draws stay when another changes, so that two runs differ in nothing but what was changed.
#[test]
fn changing_one_layer_leaves_the_draws_of_the_others() {
    let (narrow, wide) = (network("mlp:hidden=[8,5]"), network("mlp:hidden=[8,6]"));
    for kind in tried() {
        let draws = |n: &Network, seed| {
            let theta = n.init(&kind, &Streams::new(seed));
            n.layout().parameters.iter().map(|p| theta[p.range()].to_vec()).collect::<Vec<_>>()
        };
        let (a, b) = (draws(&narrow, 5), draws(&wide, 5));
        assert_eq!(a[0], b[0], "{kind}: the first layer changed with the second");
        // Equal layers are not equal draws.
        assert_ne!(a[0][..5], a[2][..5], "{kind}: two layers share their draws");
        assert_ne!(a[0], draws(&narrow, 6)[0], "{kind}: the seed changes nothing");
    }
}

/// A A^T or A^T A, whichever is smaller, of the rows x cols matrix A, row by row.
fn small_gram(a: &[f64], rows: usize, cols: usize) -> Vec<f64> {
    let n = rows.min(cols);
    let at = |i: usize, k: usize| if rows <= cols { a[i * cols + k] } else { a[k * cols + i] };
    let entry = |(i, j): (usize, usize)| (0..rows.max(cols)).map(|k| at(i, k) * at(j, k)).sum();
    (0..n * n).map(|at| entry((at / n, at % n))).collect()
}

#[test]
fn orthogonal_weights_have_orthonormal_rows_or_columns() {
    for (text, gain) in
        [("orthogonal", 1.0), ("orthogonal:gain=1.5", 1.5), ("delta-orthogonal:gain=0.5", 0.5)]
    {
        let kind = Initializer::parse(text).expect("an initializer");
        for shape in [[7, 7], [30, 12], [12, 30], [1, 9], [9, 1], [1, 1]] {
            let mut weights = vec![f64::NAN; shape[0] * shape[1]];
            fill(&kind, &shape, 3, &mut weights);
            let n = shape[0].min(shape[1]);
            for (at, found) in small_gram(&weights, shape[0], shape[1]).into_iter().enumerate() {
                let expected = if at / n == at % n { gain * gain } else { 0.0 };
                // Sums of 30 products of size 1.
                assert!((found - expected).abs() <= 1e-14, "{kind} of {shape:?}: {found}, not {expected}");
            }
        }
        // The kernel of a convolution, 6 x 4 x 3 x 3.
        let mut weights = vec![f64::NAN; 6 * 4 * 9];
        fill(&kind, &[6, 4, 3, 3], 3, &mut weights);
        let delta = kind.name() == "delta-orthogonal";
        let columns = if delta { 4 } else { 4 * 9 };
        let matrix: Vec<f64> =
            if delta { weights.chunks_exact(9).map(|kernel| kernel[4]).collect() } else { weights.clone() };
        let n = columns.min(6);
        for (at, found) in small_gram(&matrix, 6, columns).into_iter().enumerate() {
            let expected = if at / n == at % n { gain * gain } else { 0.0 };
            assert!((found - expected).abs() <= 1e-14, "{kind} of a kernel: {found}, not {expected}");
        }
        if delta {
            let zeros = weights.iter().filter(|w| **w == 0.0).count();
            assert_eq!(zeros, 6 * 4 * 8, "all taps but the centre are zero");
        }
    }
}

/// A delta-orthogonal kernel of stride 1 keeps the norm of every signal, here of 3 channels in 5 x 4 pixels.
#[test]
fn delta_orthogonal_convolutions_keep_the_norm() {
    let kind = Initializer::parse("delta-orthogonal").expect("an initializer");
    let (outputs, inputs, height, width) = (5, 3, 5, 4);
    let mut kernel = vec![f64::NAN; outputs * inputs * 9];
    fill(&kind, &[outputs, inputs, 3, 3], 8, &mut kernel);
    let signal: Vec<f64> = (0..inputs * height * width).map(|i| (i as f64 * 0.73).sin()).collect();
    let pixel = |c: usize, y: usize, x: usize| {
        let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
        if inside { signal[(c * height + y - 1) * width + x - 1] } else { 0.0 }
    };
    let mut energy = 0.0;
    for (o, y, x) in
        (0..outputs * height * width).map(|i| (i / (height * width), i / width % height, i % width))
    {
        let tap = |(c, t): (usize, usize)| kernel[(o * inputs + c) * 9 + t] * pixel(c, y + t / 3, x + t % 3);
        let sum: f64 = (0..inputs * 9).map(|i| tap((i / 9, i % 9))).sum();
        energy += sum * sum;
    }
    let expected: f64 = signal.iter().map(|s| s * s).sum();
    assert!((energy - expected).abs() <= 1e-13 * expected, "{energy}, not {expected}");
}

/// Uniform over the orthogonal group: the trace has mean 0 and variance 1 (Diaconis and Shahshahani 1994), and
/// determinants of both signs are equally frequent. A decomposition's own signs would show in both.
#[test]
fn orthogonal_weights_are_uniform_over_the_group() {
    const DRAWS: u64 = 2000;
    let kind = Initializer::parse("orthogonal").expect("an initializer");
    let (mut sum, mut squares, mut turned) = (0.0, 0.0, 0u32);
    for seed in 0..DRAWS {
        let mut q = vec![f64::NAN; 9];
        fill(&kind, &[3, 3], seed, &mut q);
        let trace = q[0] + q[4] + q[8];
        let minor = |a: usize, b: usize, c: usize, d: usize| q[a] * q[d] - q[b] * q[c];
        let determinant = q[0] * minor(4, 5, 7, 8) - q[1] * minor(3, 5, 6, 8) + q[2] * minor(3, 4, 6, 7);
        assert!((determinant.abs() - 1.0).abs() <= 1e-14);
        (sum, squares) = (sum + trace, squares + trace * trace);
        turned += u32::from(determinant < 0.0);
    }
    let n = DRAWS as f64;
    // Four standard errors; the fourth moment of the trace is 3, that of a normal.
    assert!((sum / n).abs() <= 4.0 / n.sqrt(), "mean of the trace {}", sum / n);
    assert!((squares / n - 1.0).abs() <= 4.0 * (2.0 / n).sqrt(), "its square {}", squares / n);
    assert!((f64::from(turned) / n - 0.5).abs() <= 2.0 / n.sqrt(), "{turned} of {n} reflect");
}
