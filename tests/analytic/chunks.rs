//! Chunks of samples: their sum is the whole, and its bits depend on nothing but the request.

use crate::analytic::{gaussian, network, objective};
use losscape::autodiff::{Bindings, Curvature, Element, Plan, Workspace};
use losscape::nn::{Network, Objective, Samples, Tally};
use std::sync::Arc;

const CLASSES: usize = 3;

/// Features, samples and what they must lead to: three chunks of two sizes; more chunks than are added up at once.
const CASES: [(usize, usize, usize); 2] = [(6, 1201, 3), (8192, 1101, 18)];

struct Case {
    network: Arc<Network>,
    data: Vec<f64>,
    labels: Vec<u32>,
    theta: Vec<f64>,
}

fn case((features, n, _): (usize, usize, usize)) -> Case {
    let network = network("mlp:hidden=[4],activation=gelu", "cross-entropy", features, CLASSES);
    let labels = (0..n).map(|i| (i * i % 7 % CLASSES) as u32).collect();
    let scale = 1.0 / (features as f64).sqrt();
    let theta = gaussian("chunks/theta", network.layout().size()).iter().map(|t| t * scale).collect();
    Case { network, data: gaussian("chunks/data", n * features), labels, theta }
}

fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(work)
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

const K: usize = 2;

/// Everything that an objective computes, as bits; `memory` says how many chunks are kept.
fn everything<E: Element>(objective: &Objective<E>, theta: &[f64], memory: usize) -> Vec<u64> {
    let theta: Vec<E> = theta.iter().map(|t| E::from_f64(*t)).collect();
    let (evaluation, gradient) = objective.gradient(&theta, &[]);
    let again = objective.evaluate(&theta, &[]);
    assert_eq!(evaluation, again, "with and without a gradient");
    let mut all = vec![evaluation.loss, evaluation.accuracy];
    all.extend(gradient);
    let directions = gaussian("chunks/directions", theta.len() * K);
    for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
        let linearization = objective.linearize(&theta, &[], curvature, memory);
        let first = linearization.products(&directions, K);
        // Buffers are used again, for another number of vectors between.
        linearization.products(&directions[..theta.len()], 1);
        assert_eq!(bits(&first), bits(&linearization.products(&directions, K)), "the same product again");
        all.extend(first);
    }
    bits(&all)
}

fn same_bits<E: Element>() {
    for which in CASES {
        let case = case(which);
        let objective = objective::<E>(&case.network, &case.data, &case.labels);
        assert_eq!((objective.chunks().len(), objective.programs().len()), (which.2, 2));
        let plan = objective.programs().next().expect("a program").product_plan(Curvature::Hessian);
        let one_chunk = plan.primal.bytes::<E>();
        let expected = on_threads(1, || everything(&objective, &case.theta, usize::MAX));
        for (threads, memory) in
            [(1, 0), (2, usize::MAX), (2, one_chunk), (4, usize::MAX), (4, 2 * one_chunk), (4, 0)]
        {
            let found = on_threads(threads, || everything(&objective, &case.theta, memory));
            assert!(found == expected, "{}, {threads} threads, {memory} bytes kept: other bits", E::NAME);
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads_or_memory_in_f64() {
    same_bits::<f64>();
}

#[test]
fn bits_do_not_depend_on_threads_or_memory_in_f32() {
    same_bits::<f32>();
}

fn run(plan: &Plan, bindings: &Bindings<f64>) -> Workspace<f64> {
    let mut workspace = plan.workspace();
    plan.run(bindings, &mut workspace);
    workspace
}

fn close(what: &str, found: &[f64], sums: &[f64], n: f64) {
    let size = sums.iter().map(|s| (s / n).powi(2)).sum::<f64>().sqrt();
    let error = found.iter().zip(sums).map(|(f, s)| (f - s / n).powi(2)).sum::<f64>().sqrt();
    assert!(size > 0.0 && found.len() == sums.len());
    assert!(error <= 1e-12 * size, "{what}: off by {error:e} of {size:e}");
}

#[test]
fn chunks_add_up_to_the_whole() {
    for which in CASES {
        let Case { network, data, labels, theta } = case(which);
        let objective = objective::<f64>(&network, &data, &labels);
        // All samples at once.
        let (n, targets) = (labels.len(), network.targets(&labels));
        let program = network.program(n);
        let bindings = Bindings { theta: &theta, state: &[], inputs: &[&data, &targets] };
        let plan = program.gradient_plan();
        let workspace = run(&plan, &bindings);
        let values = plan.values(bindings, &workspace);
        let mut gradient = vec![0.0; theta.len()];
        program.read_gradient(&values, &mut gradient);
        let (evaluation, found) = objective.gradient(&theta, &[]);
        let loss = values.of(program.losses()).data.iter().sum();
        close("loss", &[evaluation.loss], &[loss], n as f64);
        close("gradient", &found, &gradient, n as f64);
        let right = |(outputs, label): (&[f64], &u32)| {
            (0..CLASSES).all(|c| outputs[c] < outputs[*label as usize] || c == *label as usize)
        };
        let outputs = values.of(program.outputs()).data.chunks_exact(CLASSES);
        let correct = outputs.zip(&labels).filter(|sample| right(*sample)).count();
        assert!(correct > n / 10 && correct < n);
        assert_eq!(evaluation.accuracy, correct as f64 / n as f64);
        for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
            let directions = gaussian("chunks/directions", theta.len() * K);
            let plan = program.product_plan(curvature);
            let primal = run(&plan.primal, &bindings);
            let mut tangents = plan.tangents.workspace(K);
            plan.tangents.run(&plan.primal.values(bindings, &primal), &directions, K, &mut tangents);
            let mut products = vec![0.0; theta.len() * K];
            plan.read(&tangents, K, &mut products);
            let found = objective.linearize(&theta, &[], curvature, usize::MAX).products(&directions, K);
            close("products", &found, &products, n as f64);
        }
    }
}

/// One sample, and numbers of samples around the sizes of chunks.
#[test]
fn any_number_of_samples_is_a_mean_over_them() {
    let network = network("mlp:hidden=[4],activation=tanh", "squared-error", 2, CLASSES);
    let theta = gaussian("numbers/theta", network.layout().size());
    let data = gaussian("numbers/data", 2 * 1025);
    let labels: Vec<u32> = (0..1025).map(|i| (i % CLASSES) as u32).collect();
    let single = |i: usize| {
        let one = objective::<f64>(&network, &data[2 * i..2 * i + 2], &labels[i..=i]);
        (one.evaluate(&theta, &[]).loss, one.gradient(&theta, &[]).1)
    };
    let singles: Vec<(f64, Vec<f64>)> = (0..1025).map(single).collect();
    for n in [1, 2, 511, 512, 513, 1024, 1025] {
        let objective = objective::<f64>(&network, &data[..2 * n], &labels[..n]);
        let (mut loss, mut gradient) = (0.0, vec![0.0; theta.len()]);
        for (l, g) in &singles[..n] {
            loss += l;
            gradient.iter_mut().zip(g).for_each(|(sum, g)| *sum += g);
        }
        close("loss", &[objective.evaluate(&theta, &[]).loss], &[loss], n as f64);
        close("gradient", &objective.gradient(&theta, &[]).1, &gradient, n as f64);
    }
}

#[test]
fn batches_are_the_samples_they_name() {
    let network = network("mlp", "cross-entropy:smoothing=0.3", 2, CLASSES);
    let data: Vec<f64> = (0..10).map(f64::from).collect();
    let samples = Samples::<f32>::new(&network, &data, &[0, 1, 2, 0, 1]);
    let (mut x, mut t) = (vec![0.0; 6], vec![0.0; 9]);
    samples.gather(&[4, 0, 4], &mut x, &mut t, &mut []);
    assert_eq!(x, [8.0, 9.0, 0.0, 1.0, 8.0, 9.0]);
    let (off, on) = (0.1f32, 0.8f32);
    for (t, expected) in t.iter().zip([off, on, off, on, off, off, off, on, off]) {
        assert!((t - expected).abs() <= f32::EPSILON, "{t}, not {expected}");
    }
}

/// Of equal outputs the first counts.
#[test]
fn tallies_count_the_first_of_equals() {
    let outputs = [1.0, 2.0, 2.0, 3.0, 0.0, 3.0f32];
    let correct = |labels: [u32; 2]| Tally::of(&[0.5, 0.25], &outputs, &labels).correct;
    assert_eq!(
        (correct([1, 0]), correct([2, 2]), correct([0, 1]), correct([1, 2])),
        (Some(2.0), Some(0.0), Some(0.0), Some(1.0))
    );
    assert_eq!(Tally::of(&[0.5f32, 0.25], &outputs, &[1, 0]).loss, 0.75);
}
