//! Pruned networks: what is gone is exactly zero and stays so under every optimizer, masks have the counts that a hand gives,
//! and a mask that leaves everything changes no bit.

use losscape::analyses::ticket::Scope;
use losscape::analyses::ticket::prune::{at_random, by_magnitude};
use losscape::autodiff::Element;
use losscape::base::registry::Registry;
use losscape::base::{Precision, Streams};
use losscape::data::Dataset;
use losscape::nn::Network;
use losscape::train::branch::{Fork, branch, go_on, trunk};
use losscape::train::{self, Event, Keep, Mask, Optimizer, TrainSettings, Trained};
use losscape::with_precision;
use std::path::Path;
use std::time::Duration;

/// In batches of 30: three steps an epoch, 12 in all.
const N: usize = 70;

/// Everything that moves weights: decay where the optimizer has it, SAM, clipping, averages; and a snapshot of the start.
fn settings(optimizer: &Optimizer, precision: Precision) -> TrainSettings {
    let plain = optimizer.search().is_none();
    let decaying: Optimizer =
        format!("{}:weight-decay=0.01", optimizer.name()).parse().unwrap_or_else(|_| optimizer.clone());
    TrainSettings {
        data: "spirals".parse().expect("data"),
        model: "mlp:hidden=[9,7]".parse().expect("a model"),
        optimizer: decaying,
        schedule: if plain { "cosine" } else { "constant" }.parse().expect("a schedule"),
        batch_size: (!optimizer.full_batch()).then_some(30),
        epochs: 4,
        warmup: if plain { 0.5 } else { 0.0 },
        samples: Some(N),
        ema: Some(0.9),
        swa: Some(2),
        snapshots: Some("100".parse().expect("snapshots")),
        target_gradient: Some(1e-9),
        clip: plain.then_some(0.5),
        clip_value: plain.then_some(0.2),
        sam: if plain { 0.05 } else { 0.0 },
        precision,
        ..TrainSettings::default()
    }
}

fn dataset(settings: &TrainSettings) -> Dataset {
    let mut all = Dataset::load(&settings.data, 0, &settings.preparation).expect("data");
    all.train = all.train.select(&(0..N).collect::<Vec<_>>(), all.features());
    all
}

fn network(settings: &TrainSettings) -> Network {
    train::network(settings, &dataset(settings)).expect("a network")
}

/// All that a run came to, in words that tell every bit.
fn shown(trained: &Trained) -> String {
    let ends = (trained.train, trained.test, &trained.best, &trained.ema, &trained.swa);
    format!("{:?}", (&trained.point, &trained.epochs, trained.steps, trained.status, &trained.reason, ends))
}

fn quiet(_: Event) {}

/// A run of some optimizer, with where it is after steps 0 and `step`.
fn run<E: Element>(settings: &TrainSettings, step: u64) -> (Trained, Vec<Fork<E>>) {
    trunk(settings, &dataset(settings), &[0, step], &mut quiet).expect("training")
}

fn every(work: impl Fn(&Optimizer, &TrainSettings)) {
    for optimizer in Optimizer::all() {
        for precision in [Precision::F32, Precision::F64] {
            work(&optimizer, &settings(&optimizer, precision));
        }
    }
}

#[test]
fn what_is_pruned_is_zero_to_the_end_under_every_optimizer() {
    every(
        |optimizer, settings| with_precision!(settings.precision, E => stays_zero::<E>(optimizer, settings)),
    );
}

fn stays_zero<E: Element>(optimizer: &Optimizer, settings: &TrainSettings) {
    let (network, data) = (network(settings), dataset(settings));
    let middle = if optimizer.search().is_some() || optimizer.full_batch() { 2 } else { 5 };
    let (dense, forks) = run::<E>(settings, middle);
    let full = Mask::full(network.layout().size());
    let half = by_magnitude(&network, &full, &dense.point.theta, 0.5, Scope::Layer);
    for fork in &forks {
        let pruned = fork.pruned(&network, &half);
        let trained = go_on(settings, &data, &pruned, None, &mut quiet).expect("training");
        let what = format!("{optimizer} from step {}", fork.step());
        let kept = [trained.ema.as_ref(), trained.swa.as_ref(), trained.best.as_ref()];
        let points = kept.into_iter().map(|k| &k.unwrap_or_else(|| panic!("{what}")).point);
        for point in points.chain([&trained.point]) {
            for (i, (w, kept)) in point.theta.iter().zip(half.kept()).enumerate() {
                // Not -0 either.
                assert!(*kept || w.to_bits() == 0, "{what}: weight {i} is {w}");
            }
        }
        let (before, after) = (&trained.trajectory[0].1.theta, &trained.point.theta);
        let moved =
            after.iter().zip(before).zip(half.kept()).filter(|((a, b), kept)| **kept && a != b).count();
        assert!(2 * moved > half.count(0..after.len()), "{what}: {moved} weights moved");
        assert!(trained.epochs.last().is_some_and(|e| e.gradient_norm > 0.0), "{what}");
    }
}

#[test]
fn a_mask_that_leaves_everything_is_the_run_itself_from_any_step() {
    every(
        |optimizer, settings| with_precision!(settings.precision, E => unchanged::<E>(optimizer, settings)),
    );
}

fn unchanged<E: Element>(optimizer: &Optimizer, settings: &TrainSettings) {
    let (network, data) = (network(settings), dataset(settings));
    let whole = train::train::<E>(settings, &data, None, &mut quiet).expect("training");
    let middle = if optimizer.search().is_some() || optimizer.full_batch() { 2 } else { 5 };
    let (_, forks) = run::<E>(settings, middle);
    let full = Mask::full(network.layout().size());
    let own = Fork::<E>::start(settings, &data, &Streams::new(settings.seed)).expect("a start");
    for fork in forks.iter().chain([&own]) {
        let trained = go_on(settings, &data, &fork.pruned(&network, &full), None, &mut quiet);
        let trained = trained.expect("training");
        assert_eq!(shown(&trained), shown(&whole), "{optimizer} from step {}", fork.step());
    }
    let other = Fork::<E>::start(settings, &data, &Streams::new(settings.seed + 1)).expect("a start");
    let trained = branch(settings, &data, &other, 0, &mut quiet).expect("training");
    assert_ne!(shown(&trained), shown(&whole), "{optimizer} from other weights");
}

/// The gradient that a step of plain SGD takes is that of the loss in the weights that are left.
#[test]
fn a_step_goes_down_what_is_left() {
    let text = "optimizer = \"sgd:momentum=0\"\nlr = 0.1\nepochs = 1\nbatch-size = 70\nprecision = \"f64\"";
    let settings: TrainSettings = toml::from_str(text).expect("settings");
    let settings = TrainSettings { data: "spirals".parse().expect("data"), ..settings };
    let (network, data) = (network(&settings), dataset(&settings));
    let start = Fork::<f64>::start(&settings, &data, &Streams::new(0)).expect("a start");
    let p = network.layout().size();
    let mask = Mask::new((0..p).map(|i| i % 3 != 1).collect());
    let rest = TrainSettings { epochs: 0, ..settings.clone() };
    let pruned = start.pruned(&network, &mask);
    let before = go_on(&rest, &data, &pruned, None, &mut quiet).expect("a start").point;
    let after = go_on(&settings, &data, &pruned, None, &mut quiet).expect("training");
    let network = std::sync::Arc::new(network);
    let samples = train::samples(&network, &data.train);
    let objective = losscape::nn::Objective::<f64>::new(network, samples, Default::default());
    let mut gradient = objective.gradient(&before.theta, &[]).1;
    mask.apply(0, &mut gradient);
    let expected: Vec<f64> = before.theta.iter().zip(&gradient).map(|(w, g)| w - 0.1 * g).collect();
    crate::analytic::agree("a step", &after.point.theta, &expected, 1e-13);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    crate::analytic::agree("its gradient", &[after.epochs[1].gradient_norm], &[norm], 1e-13);
}

/// 2 x 9 + 9 x 7 + 7 x 2 weights; of 18, 63 and 14 a third is 6, 21 and (at half the rate) 14/6 = 2.33.
#[test]
fn levels_have_the_counts_of_a_hand() {
    let settings = settings(&Optimizer::default(), Precision::F64);
    let network = network(&settings);
    let theta: Vec<f64> = (0..network.layout().size()).map(|i| ((i * 7919 % 997) as f64) - 498.0).collect();
    let counts = |mask: &Mask| network.layout().weights().map(|p| mask.count(p.range())).collect::<Vec<_>>();
    let mut mask = Mask::full(theta.len());
    assert_eq!(counts(&mask), [18, 63, 14]);
    let mut levels = Vec::new();
    for _ in 0..4 {
        let next = by_magnitude(&network, &mask, &theta, 1.0 / 3.0, Scope::Layer);
        assert!(next.kept().iter().zip(mask.kept()).all(|(new, old)| *old || !new), "nothing comes back");
        // In each layer, whatever is left is larger than whatever went.
        let kept = next.kept();
        for p in network.layout().weights() {
            let size = |left: bool| {
                let own = p.range().filter(move |i| kept[*i] == left);
                own.map(|i| theta[i].abs()).collect::<Vec<f64>>()
            };
            let least = size(true).into_iter().fold(f64::INFINITY, f64::min);
            assert!(size(false).iter().all(|gone| *gone <= least), "{}", p.name);
        }
        levels.push(counts(&next));
        mask = next;
    }
    // 18 - 6, 12 - 4, 8 - 2.67, 5 - 1.67; 63 - 21, 42 - 14, 28 - 9.33, 19 - 6.33; 14 - 2.33, 12 - 2, 10 - 1.67, 8 - 1.33.
    assert_eq!(levels, [[12, 42, 12], [8, 28, 10], [5, 19, 8], [3, 13, 7]]);
    for p in network.layout().parameters.iter().filter(|p| p.name.ends_with("bias")) {
        assert_eq!(mask.count(p.range()), p.size(), "biases stay");
    }
    // All but the output layer together: a third of 81.
    let full = Mask::full(theta.len());
    let global = by_magnitude(&network, &full, &theta, 1.0 / 3.0, Scope::Global);
    let found = counts(&global);
    assert_eq!((found[0] + found[1], found[2]), (54, 12));
    let hidden: Vec<_> = network.layout().weights().take(2).flat_map(|p| p.range()).collect();
    let least =
        hidden.iter().filter(|i| global.kept()[**i]).map(|i| theta[*i].abs()).fold(f64::INFINITY, f64::min);
    assert!(hidden.iter().filter(|i| !global.kept()[**i]).all(|i| theta[*i].abs() <= least));
    // The last weight of a layer stays, whatever the rate.
    let mut bare = full;
    for _ in 0..10 {
        bare = by_magnitude(&network, &bare, &theta, 0.9, Scope::Layer);
    }
    assert_eq!(counts(&bare)[..2], [1, 1]);
    // A random mask has the same counts elsewhere, and another one for another number.
    let draw = |i| at_random(&network, &mask, &mut Streams::new(0).stream("test", i));
    assert_eq!((counts(&draw(0)), draw(0)), (counts(&mask), draw(0)));
    assert!(draw(0) != draw(1) && draw(0) != mask);
}

#[test]
fn a_stopped_ticket_goes_on_and_another_mask_is_refused() {
    let settings = settings(&Optimizer::default(), Precision::F32);
    let (network, data) = (network(&settings), dataset(&settings));
    let (dense, forks) = run::<f32>(&settings, 4);
    let full = Mask::full(network.layout().size());
    let mask = by_magnitude(&network, &full, &dense.point.theta, 0.5, Scope::Layer);
    let fork = &forks[1];
    let whole = go_on(&settings, &data, &fork.pruned(&network, &mask), None, &mut quiet).expect("training");
    let directory = tempfile::tempdir().expect("a directory");
    let keep = |name: &str| Keep {
        path: directory.path().join(name),
        every: Duration::ZERO,
        data_sha256: "01".to_owned(),
    };
    // A checkpoint after every step; what the tenth step leaves is what a process killed there would have.
    let (path, stopped) = (keep("whole").path, keep("stopped").path);
    let copy = |from: &Path, to: &Path| std::fs::copy(from, to).map(|_| ()).expect("a copy");
    let mut at_ten = |event: Event| {
        if let Event::Step(11, _) = event {
            copy(&path, &stopped);
        }
    };
    let kept = go_on(&settings, &data, &fork.pruned(&network, &mask), Some(&keep("whole")), &mut at_ten);
    assert_eq!(shown(&kept.expect("training")), shown(&whole));
    for name in ["stopped", "whole"] {
        let mut from = None;
        let mut hear = |event: Event| {
            if let Event::Resumed(step, ..) = event {
                from = Some(step);
            }
        };
        let again = go_on(&settings, &data, &fork.pruned(&network, &mask), Some(&keep(name)), &mut hear);
        assert_eq!(shown(&again.expect("training")), shown(&whole), "{name}");
        assert_eq!(from, Some(if name == "stopped" { 10 } else { 12 }), "{name}");
    }
    let other = at_random(&network, &mask, &mut Streams::new(0).stream("test", 0));
    for (start, what) in [
        (fork.pruned(&network, &other), "another mask of as many"),
        (forks[0].pruned(&network, &mask), "after step 4"),
        (fork.clone(), "after step 4"),
    ] {
        let refused = go_on(&settings, &data, &start, Some(&keep("whole")), &mut quiet);
        let error = refused.expect_err("a refusal");
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
}
