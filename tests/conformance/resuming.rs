//! Checkpoints: going on from any step is the same as never having stopped, for every optimizer in both precisions,
//! and a file that is not whole, or of another run, is refused.

use losscape::autodiff::Element;
use losscape::base::Precision;
use losscape::base::registry::Registry;
use losscape::base::tensors::{Data, TensorFile};
use losscape::data::{Augment, Dataset};
use losscape::train::{self, Event, Keep, Optimizer, TrainSettings, Trained};
use losscape::with_precision;
use std::path::Path;
use std::time::Duration;

const N: usize = 70;

/// Everything that a checkpoint has to hold: averages, snapshots, targets, clipping and SAM where they go together.
fn settings(optimizer: &Optimizer, precision: Precision) -> TrainSettings {
    let plain = optimizer.search().is_none();
    TrainSettings {
        data: "spirals".parse().expect("data"),
        model: "mlp:hidden=[7]".parse().expect("a model"),
        optimizer: optimizer.clone(),
        schedule: if plain { "cosine" } else { "constant" }.parse().expect("a schedule"),
        batch_size: (!optimizer.full_batch()).then_some(30),
        epochs: 4,
        warmup: if plain { 0.5 } else { 0.0 },
        samples: Some(N),
        ema: Some(0.9),
        swa: Some(2),
        snapshots: Some("2".parse().expect("snapshots")),
        target_gradient: Some(1e-9),
        clip: plain.then_some(0.5),
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

fn keep(directory: &Path) -> Keep {
    Keep {
        path: directory.join("checkpoint.safetensors"),
        every: Duration::ZERO,
        data_sha256: "0123".to_owned(),
    }
}

/// All that a run came to, in words that tell every bit of a finite number (and NaN from numbers).
fn shown(trained: &Trained) -> String {
    format!(
        "{:?}",
        (
            &trained.point,
            &trained.epochs,
            trained.steps,
            trained.status,
            trained.stop,
            &trained.reason,
            (trained.train, trained.test, &trained.best, &trained.ema, &trained.swa, &trained.trajectory),
        )
    )
}

/// Trains with a checkpoint after every step; returns them all, and what the run came to.
fn checkpoints<E: Element>(settings: &TrainSettings, directory: &Path) -> (Vec<Vec<u8>>, Trained) {
    let (keep, mut all) = (keep(directory), Vec::new());
    let mut copy = |event: Event| {
        // When a step is told of, the file is that of the step before it; when an epoch is, that of its last step.
        if let (Event::Step(..) | Event::Epoch(_), Ok(bytes)) = (event, std::fs::read(&keep.path)) {
            all.push(bytes);
        }
    };
    let trained = train::train::<E>(settings, &dataset(settings), Some(&keep), &mut copy).expect("training");
    all.push(std::fs::read(&keep.path).expect("a checkpoint"));
    (all, trained)
}

/// From every step on, training comes to what it comes to without a stop.
fn goes_on<E: Element>(settings: &TrainSettings) -> Trained {
    let what = format!("{} with {} in {}", settings.model, settings.optimizer, settings.precision);
    let desk = tempfile::tempdir().expect("a directory");
    let (checkpoints, whole) = checkpoints::<E>(settings, desk.path());
    let alone = train::train::<E>(settings, &dataset(settings), None, &mut |_| {}).expect("training");
    assert_eq!(shown(&whole), shown(&alone), "{what}: keeping checkpoints changes nothing");
    assert!(checkpoints.len() as u64 > whole.steps, "{what}: one after every step");
    let keep = keep(desk.path());
    for (i, bytes) in checkpoints.iter().enumerate() {
        std::fs::write(&keep.path, bytes).expect("a file");
        let mut resumed = false;
        let mut heard = |event: Event| resumed |= matches!(event, Event::Resumed(..));
        let again = train::train::<E>(settings, &dataset(settings), Some(&keep), &mut heard);
        assert_eq!(shown(&again.expect("training")), shown(&whole), "{what}: {i}");
        assert!(resumed);
    }
    whole
}

#[test]
fn every_optimizer_goes_on_as_if_it_had_never_stopped() {
    for optimizer in Optimizer::all() {
        for precision in [Precision::F32, Precision::F64] {
            with_precision!(precision, E => { goes_on::<E>(&settings(&optimizer, precision)); });
        }
    }
}

/// Running statistics, singular vectors, masks of dropout and augmented images are the same, too.
#[test]
fn networks_with_state_and_noise_go_on_as_if_they_had_never_stopped() {
    let with = |model: &str, augment: Augment| TrainSettings {
        data: "digits".parse().expect("data"),
        model: model.parse().expect("a model"),
        augment,
        ..settings(&Optimizer::default(), Precision::F32)
    };
    let plain = Augment::default();
    let varied = Augment { crop: 1, flip: true, shift: 0 };
    let cnn = "cnn:channels=[3],dropout=0.3";
    let [still, noisy] = [plain, varied].map(|augment| goes_on::<f32>(&with(cnn, augment)));
    assert_ne!(still.point, noisy.point, "augmentation changes nothing");
    let sober = goes_on::<f32>(&with("cnn:channels=[3]", plain));
    assert_ne!(still.point.theta, sober.point.theta, "dropout changes nothing");
    // Epoch 0 is evaluated before any step: neither plays a part there.
    assert_eq!(still.epochs[0].train_loss, noisy.epochs[0].train_loss);
    assert_eq!(still.epochs[0].train_loss, sober.epochs[0].train_loss);
    assert!(still.point.state.iter().all(|s| s.is_finite()) && still.point.state.len() == 6);
    for model in
        ["mlp:hidden=[7],norm=spectral", "mlp:hidden=[7],norm=switchable", "mlp:hidden=[7],norm=weight"]
    {
        goes_on::<f64>(&with(model, plain));
    }
}

/// What training says to a checkpoint with these bytes.
fn said(settings: &TrainSettings, data_sha256: &str, bytes: &[u8]) -> String {
    let desk = tempfile::tempdir().expect("a directory");
    let keep = Keep { data_sha256: data_sha256.to_owned(), ..keep(desk.path()) };
    std::fs::write(&keep.path, bytes).expect("a file");
    let error = train::train::<f32>(settings, &dataset(settings), Some(&keep), &mut |_| {});
    let error = error.expect_err("a refusal");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("checkpoint.safetensors"), "{error}");
    assert_eq!(std::fs::read(&keep.path).expect("the file"), bytes, "left as it was");
    error.to_string()
}

#[test]
fn other_runs_and_damaged_files_are_refused() {
    let settings = settings(&Optimizer::default(), Precision::F32);
    let desk = tempfile::tempdir().expect("a directory");
    let (checkpoints, _) = checkpoints::<f32>(&settings, desk.path());
    let whole = &checkpoints[checkpoints.len() / 2];
    let other = |change: fn(&mut TrainSettings)| {
        let mut other = settings.clone();
        change(&mut other);
        said(&other, "0123", whole)
    };
    let message = other(|s| s.lr = Some(0.125));
    assert!(message.contains("lr = 0.125") && message.contains("lr = 0.05"), "{message}");
    assert!(message.contains("--fresh"), "{message}");
    assert!(other(|s| s.seed = 3).contains("seed = 3"));
    assert!(other(|s| s.epochs = 5).contains("epochs = 5"));
    assert!(other(|s| s.snapshots = None).contains("snapshots = null"));
    assert!(said(&settings, "4567", whole).contains("4567"), "other data");
    for cut in [0, 1, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        said(&settings, "0123", &whole[..cut]);
    }
    said(&settings, "0123", b"hello, this is no checkpoint at all");
    // One bit, anywhere.
    for at in (8..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        said(&settings, "0123", &bytes);
    }
    let mut file = TensorFile::from_bytes("", whole).expect("tensors");
    if let Data::F32(theta) = &mut file.tensors[0].data {
        theta[0] += 1.0;
    }
    assert!(said(&settings, "0123", &file.to_bytes()).contains("SHA-256"));
    file.metadata.clear();
    assert!(said(&settings, "0123", &file.to_bytes()).contains("a checkpoint of `losscape train`"));
}
