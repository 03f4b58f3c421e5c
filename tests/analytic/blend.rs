//! Training of control points against its equations, done by hand on least squares, where loss and gradient are a few
//! lines; and what must not depend on threads or on where training was stopped.

use crate::analytic::{agree, gaussian, network};
use losscape::autodiff::Element;
use losscape::base::random::Rng;
use losscape::nn::{Network, Samples};
use losscape::train::blend::{Blend, BlendEvent};
use losscape::train::{BlendSettings, Blended, Keep, Status, train_blend};
use rand::RngExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const N: usize = 24;
const D: usize = 3;
const C: usize = 2;
const P: usize = C * (D + 1);

/// Sums of 24 terms of size 1 in another order differ by some 1e-15, and the steps multiply that by less than 100.
const TOLERANCE: f64 = 1e-12;

fn settings(text: &str) -> BlendSettings {
    toml::from_str(text).expect("settings")
}

/// Least squares: a linear network, data and labels.
fn linear() -> (Arc<Network>, Vec<f64>, Vec<u32>) {
    let labels = (0..N).map(|n| (n * n % 7 % C) as u32).collect();
    (network("mlp:hidden=[]", "squared-error", D, C), gaussian("blend/data", N * D), labels)
}

/// Mean loss at `w`, and its gradient: weights row by row, then biases.
fn least_squares(w: &[f64], data: &[f64], labels: &[u32]) -> (f64, Vec<f64>) {
    let (mut loss, mut gradient) = (0.0, vec![0.0; P]);
    for (x, label) in data.chunks_exact(D).zip(labels) {
        for o in 0..C {
            let target = if o == *label as usize { 1.0 } else { 0.0 };
            let dot: f64 = (0..D).map(|i| w[o * D + i] * x[i]).sum();
            let residual = dot + w[C * D + o] - target;
            loss += residual * residual / 2.0 / N as f64;
            (0..D).for_each(|i| gradient[o * D + i] += residual * x[i] / N as f64);
            gradient[C * D + o] += residual / N as f64;
        }
    }
    (loss, gradient)
}

fn mixed(shares: &[f64], control: &[Vec<f64>]) -> Vec<f64> {
    let at = |i: usize| shares.iter().zip(control).map(|(c, w)| c * w[i]).sum();
    (0..control[0].len()).map(at).collect()
}

/// A Bezier curve of any degree at a uniform t.
fn bezier(n: usize, rng: &mut Rng) -> Vec<f64> {
    let t: f64 = rng.random();
    let mut shares = vec![1.0];
    for _ in 0..n {
        // De Casteljau: each further degree blends two neighbours.
        let next = |k: usize| {
            let left = if k == 0 { 0.0 } else { t * shares[k - 1] };
            left + shares.get(k).map_or(0.0, |c| (1.0 - t) * c)
        };
        shares = (0..=shares.len()).map(next).collect();
    }
    shares
}

/// The control points of a curve with `n` of them.
fn control(n: usize, p: usize) -> Vec<Vec<f64>> {
    (0..n).map(|k| gaussian(&format!("blend/{k}"), p)).collect()
}

fn inner(n: usize) -> Vec<bool> {
    (0..n).map(|k| k > 0 && k + 1 < n).collect()
}

#[test]
fn two_steps_are_those_of_the_equations() {
    let (network, data, labels) = linear();
    let samples = Samples::<f64>::new(&network, &data, &labels);
    let (rate, momentum, lambda) = (0.3, 0.9, 0.07);
    let settings = settings(&format!(
        "optimizer = \"sgd:momentum={momentum}\"\nlr = {rate}\nschedule = \"linear\"\nepochs = 2\n\
         batch-size = {N}\nweight-decay = {lambda}"
    ));
    for n in [3, 4] {
        let (start, free) = (control(n, P), inner(n));
        let drawn = Mutex::new(Vec::new());
        let draw = |rng: &mut Rng| {
            let shares = bezier(n - 1, rng);
            drawn.lock().expect("a lock").push(shares.clone());
            shares
        };
        let blend = Blend {
            network: &network,
            train: &samples,
            control: &start,
            free: &free,
            draw: &draw,
            pull: None,
            name: "bezier",
            seed: 3,
            vary: None,
        };
        let found = train_blend(&settings, &blend, None, &mut |_| {}).expect("training");
        let drawn = drawn.into_inner().expect("a lock");
        assert!(drawn[0] != drawn[1], "each step draws its own");
        let (mut control, mut velocity) = (start.clone(), vec![vec![0.0; P]; n]);
        for (step, shares) in drawn[..2].iter().enumerate() {
            let w = mixed(shares, &control);
            let (loss, gradient) = least_squares(&w, &data, &labels);
            agree("loss", &[found.epochs[step].loss], &[loss], TOLERANCE);
            // Half the rate in the second of two epochs.
            let rate = rate * [1.0, 0.5][step];
            agree("rate", &[found.epochs[step].lr], &[rate], 0.0);
            for k in 1..n - 1 {
                for i in 0..P {
                    let g = shares[k] * (gradient[i] + lambda * w[i]);
                    velocity[k][i] = momentum * velocity[k][i] + g;
                    control[k][i] -= rate * velocity[k][i];
                }
            }
        }
        for (found, expected) in found.control.iter().zip(&control) {
            agree("control point", found, expected, TOLERANCE);
        }
        assert_eq!((found.steps, found.status), (2, Status::Done));
        assert!(found.control[1] != start[1]);
        // Ends are what they were.
        assert_eq!([&found.control[0], &found.control[n - 1]], [&start[0], &start[n - 1]]);
    }
}

#[test]
fn a_step_goes_down_the_loss_of_the_blend_as_finite_differences_have_it() {
    let (network, data, labels) = linear();
    let samples = Samples::<f64>::new(&network, &data, &labels);
    let (lambda, shares) = (0.2, [0.2, 0.5, 0.3]);
    let settings = settings(&format!(
        "optimizer = \"sgd:momentum=0\"\nlr = 1.0\nepochs = 1\nbatch-size = {N}\nweight-decay = {lambda}"
    ));
    let (start, free, draw) = (control(3, P), inner(3), |_: &mut Rng| shares.to_vec());
    let blend = Blend {
        network: &network,
        train: &samples,
        control: &start,
        free: &free,
        draw: &draw,
        pull: None,
        name: "fixed",
        seed: 0,
        vary: None,
    };
    let found = train_blend(&settings, &blend, None, &mut |_| {}).expect("training");
    let value = |control: &[Vec<f64>]| {
        let w = mixed(&shares, control);
        least_squares(&w, &data, &labels).0 + lambda / 2.0 * w.iter().map(|x| x * x).sum::<f64>()
    };
    for i in 0..P {
        // Differences of a quadratic have no error but rounding, 1e-15 / eps.
        const EPS: f64 = 1e-3;
        let moved = |by: f64| {
            let mut control = start.clone();
            control[1][i] += by;
            value(&control)
        };
        let slope = (moved(EPS) - moved(-EPS)) / (2.0 * EPS);
        let step = start[1][i] - found.control[1][i];
        assert!((step - slope).abs() < 1e-11, "parameter {i}: a step of {step} with slope {slope}");
    }
}

/// A network of more than four blocks, batches of unequal size.
fn wide<E: Element>(
    settings: &BlendSettings,
    keep: Option<&Keep>,
    each: &mut (dyn FnMut(u64) + Send),
) -> Blended {
    let network = network("mlp:hidden=[160]", "cross-entropy", 120, 5);
    let labels: Vec<u32> = (0..70).map(|n| n % 5).collect();
    let samples = Samples::<E>::new(&network, &gaussian("blend/wide", 70 * 120), &labels);
    let p = network.layout().size();
    assert!(p > 4 * losscape::train::optimizers::BLOCK);
    // Thirds: nothing that single precision holds.
    let control: Vec<Vec<f64>> =
        control(4, p).into_iter().map(|w| w.iter().map(|x| x / 30.0).collect()).collect();
    let draw = |rng: &mut Rng| bezier(3, rng);
    // Over all blocks, and of another size at every step.
    let pull = |gram: &[f64]| gram.iter().map(|g| 1e-5 * g).collect::<Vec<f64>>();
    let blend = Blend {
        network: &network,
        train: &samples,
        control: &control,
        free: &[false, true, true, false],
        draw: &draw,
        pull: Some(&pull),
        name: "bezier",
        seed: 1,
        vary: None,
    };
    let found = train_blend(settings, &blend, keep, &mut |event| {
        if let BlendEvent::Step(done, _) = event {
            each(done);
        }
    });
    let found = found.expect("training");
    assert_eq!([&found.control[0], &found.control[3]], [&control[0], &control[3]], "ends to the bit");
    found
}

const WIDE: &str = "optimizer = \"adam\"\nlr = 0.003\nepochs = 3\nbatch-size = 32\nwarmup = 0.5\nclip = 0.5";

fn keep(directory: &Path) -> Keep {
    Keep { path: directory.join("blend.safetensors"), every: Duration::ZERO, data_sha256: "01".to_owned() }
}

#[test]
fn threads_change_no_byte() {
    let settings = settings(WIDE);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| wide::<f32>(&settings, None, &mut |_| {}))
    };
    let one = with(1);
    assert_eq!(one.steps, 9);
    assert!(one.epochs[2].loss < one.epochs[0].loss);
    assert_eq!([with(2), with(4)], [one.clone(), one]);
}

fn goes_on<E: Element>(settings: &BlendSettings) {
    let directory = tempfile::tempdir().expect("a directory");
    let keep = keep(directory.path());
    let (mut checkpoints, mut steps) = (Vec::new(), 0);
    let whole = wide::<E>(settings, Some(&keep), &mut |_| {
        // What was written after the step before.
        checkpoints.extend(std::fs::read(&keep.path));
        steps += 1;
    });
    checkpoints.extend(std::fs::read(&keep.path));
    assert_eq!((checkpoints.len(), steps), (9, 9));
    for (done, bytes) in (1..).zip(&checkpoints) {
        std::fs::write(&keep.path, bytes).expect("a file");
        let mut made = 0;
        let resumed = wide::<E>(settings, Some(&keep), &mut |_| made += 1);
        assert_eq!((done + made, resumed), (9, whole.clone()), "from step {done} on");
    }
}

#[test]
fn training_goes_on_from_every_step() {
    goes_on::<f32>(&settings(WIDE));
    goes_on::<f64>(&settings("epochs = 3\nbatch-size = 32\nlr = 0.01"));
    goes_on::<f32>(&settings(
        "optimizer = \"sgd:momentum=0\"\nepochs = 3\nbatch-size = 32\nweight-decay = 0.1",
    ));
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let (network, data, labels) = linear();
    let samples = Samples::<f64>::new(&network, &data, &labels);
    let directory = tempfile::tempdir().expect("a directory");
    let keep = keep(directory.path());
    let (start, free, draw) = (control(3, P), inner(3), |rng: &mut Rng| bezier(2, rng));
    let usual = settings("epochs = 2");
    let blend = Blend {
        network: &network,
        train: &samples,
        control: &start,
        free: &free,
        draw: &draw,
        pull: None,
        name: "bezier",
        seed: 0,
        vary: None,
    };
    let run = |settings: &BlendSettings, blend: &Blend<f64>, keep: &Keep| {
        train_blend(settings, blend, Some(keep), &mut |_| {})
    };
    let refusal = |settings: &BlendSettings, blend: &Blend<f64>, keep: &Keep| {
        let error = run(settings, blend, keep).expect_err("a refusal");
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    run(&usual, &blend, &keep).expect("training");
    let other = settings("epochs = 2\nlr = 0.01");
    assert!(refusal(&other, &blend, &keep).contains("settings.lr = 0.1"));
    let ends: Vec<Vec<f64>> = start.iter().map(|w| w.iter().map(|x| -x).collect()).collect();
    assert!(refusal(&usual, &Blend { control: &ends, ..blend }, &keep).contains("weights_sha256"));
    assert!(refusal(&usual, &Blend { seed: 1, ..blend }, &keep).contains("seed = 0"));
    assert!(refusal(&usual, &Blend { name: "chain", ..blend }, &keep).contains("blend = \"bezier\""));
    let moved = Keep { data_sha256: "02".to_owned(), ..keep.clone() };
    assert!(refusal(&usual, &blend, &moved).contains("data_sha256 = \"01\""));
    let bytes = std::fs::read(&keep.path).expect("a checkpoint");
    for at in [bytes.len() - 1, bytes.len() / 2] {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        std::fs::write(&keep.path, &bad).expect("a file");
        refusal(&usual, &blend, &keep);
    }
    std::fs::write(&keep.path, &bytes[..bytes.len() - 3]).expect("a file");
    refusal(&usual, &blend, &keep);
    std::fs::write(&keep.path, &bytes).expect("a file");
    run(&usual, &blend, &keep).expect("its own checkpoint");
}

#[test]
fn what_cannot_be_done_is_said() {
    let refused = |text: &str, what: &str| {
        let message = settings(text).check().expect_err("a refusal").to_string();
        assert!(message.contains(what), "{message}");
    };
    refused("optimizer = \"lbfgs\"", "--optimizer: expected one that moves by mini-batches");
    // AdamW's default pulls at the bends.
    refused("optimizer = \"adamw\"", "weight-decay=0");
    refused("optimizer = \"sgd:weight-decay=0.001\"", "weight-decay=0");
    assert!(settings("optimizer = \"adamw:weight-decay=0\"").check().is_ok());
    refused("lr = -1.0", "--lr");
    refused("weight-decay = nan", "--weight-decay");
    refused("warmup = 101.0", "--warmup");
    refused("batch-size = 0", "--batch-size");
}

#[test]
fn divergence_is_a_status() {
    let found = wide::<f32>(&settings("lr = 1e30\nepochs = 3\nbatch-size = 32"), None, &mut |_| {});
    assert_eq!(found.status, Status::Diverged);
    assert!(found.epochs.last().is_some_and(|e| e.loss.is_nan()), "{:?}", found.epochs);
    assert!(found.steps < 9 && found.reason.contains("the loss of a batch is"), "{}", found.reason);
}
