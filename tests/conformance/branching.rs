//! Branches: the run that goes on by itself is one of them to the bit, for every optimizer that has noise, and another order
//! is another run that still sees every sample once an epoch.

use losscape::autodiff::Element;
use losscape::base::Precision;
use losscape::base::registry::Registry;
use losscape::data::Dataset;
use losscape::train::branch::{Fork, branch, trunk};
use losscape::train::{Event, Optimizer, TrainSettings, Trained, train};
use losscape::with_precision;

/// Samples, in batches of 30: three steps an epoch, of 30, 30 and 10.
const N: usize = 70;
/// The start, the middle and the end of an epoch, the last step.
const STEPS: [u64; 5] = [0, 1, 6, 8, 12];

fn settings(optimizer: &Optimizer, precision: Precision) -> TrainSettings {
    TrainSettings {
        data: "spirals".parse().expect("data"),
        model: "mlp:hidden=[7],dropout=0.2".parse().expect("a model"),
        optimizer: optimizer.clone(),
        schedule: "cosine".parse().expect("a schedule"),
        batch_size: (!optimizer.full_batch()).then_some(30),
        epochs: 4,
        warmup: 0.5,
        samples: Some(N),
        ema: Some(0.9),
        swa: Some(2),
        precision,
        ..TrainSettings::default()
    }
}

fn dataset(settings: &TrainSettings) -> Dataset {
    let mut all = Dataset::load(&settings.data, 0, &settings.preparation).expect("data");
    all.train = all.train.select(&(0..N).collect::<Vec<_>>(), all.features());
    all
}

/// All that a run came to, in words that tell every bit.
fn shown(trained: &Trained) -> String {
    let ends = (trained.train, trained.test, &trained.best, &trained.ema, &trained.swa);
    format!("{:?}", (&trained.point, &trained.epochs, trained.steps, trained.status, &trained.reason, ends))
}

fn quiet(_: Event) {}

fn going_on<E: Element>(settings: &TrainSettings) {
    let data = dataset(settings);
    let whole = shown(&train::<E>(settings, &data, None, &mut quiet).expect("training"));
    let last = if settings.optimizer.full_batch() { 4 } else { 12 };
    let steps: Vec<u64> = STEPS.into_iter().filter(|step| *step <= last).collect();
    let (trained, forks): (Trained, Vec<Fork<E>>) =
        trunk(settings, &data, &steps, &mut quiet).expect("training");
    assert_eq!(shown(&trained), whole, "taking forks changes nothing");
    assert_eq!(forks.iter().map(Fork::step).collect::<Vec<_>>(), steps);
    for fork in &forks {
        let run = |order| shown(&branch(settings, &data, fork, order, &mut quiet).expect("a branch"));
        assert_eq!(run(0), whole, "{} from step {}", settings.optimizer, fork.step());
        let (first, second) = (run(1), run(2));
        assert_eq!(run(1), first, "the same order again");
        if fork.step() == trained.steps {
            assert_eq!((&first, &second), (&whole, &whole), "nothing is left to be different")
        } else {
            assert!(first != whole && second != whole && first != second)
        }
    }
}

#[test]
fn a_branch_in_the_same_order_is_the_run_that_was_not_interrupted() {
    for optimizer in Optimizer::all().iter().filter(|o| o.search().is_none()) {
        for precision in [Precision::F32, Precision::F64] {
            let settings = settings(optimizer, precision);
            with_precision!(precision, E => going_on::<E>(&settings));
        }
    }
}

/// To first order in the rate, an epoch of plain SGD moves theta by -rate times the sum of all samples' gradients, in
/// whatever order they come: a branch that saw other samples would end at a distance of the order of the way, not of its square.
#[test]
fn what_is_left_of_the_epoch_is_the_same_samples() {
    let rate = 1e-4;
    let settings = TrainSettings {
        data: "spirals".parse().expect("data"),
        model: "mlp:hidden=[7],activation=tanh".parse().expect("a model"),
        optimizer: "sgd:momentum=0".parse().expect("an optimizer"),
        lr: Some(rate),
        batch_size: Some(1),
        epochs: 1,
        samples: Some(N),
        precision: Precision::F64,
        ..TrainSettings::default()
    };
    let data = dataset(&settings);
    let (run, forks) = trunk::<f64>(&settings, &data, &[0, 13, 40], &mut quiet).expect("training");
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let start = train::<f64>(&TrainSettings { epochs: 0, ..settings.clone() }, &data, None, &mut quiet);
    let way = apart(&run.point.theta, &start.expect("a start").point.theta);
    for fork in &forks {
        let other = branch(&settings, &data, fork, 1, &mut quiet).expect("a branch");
        let distance = apart(&run.point.theta, &other.point.theta);
        assert!(distance > 0.0 && distance < 0.01 * way, "step {}: {distance} of {way}", fork.step());
    }
}
