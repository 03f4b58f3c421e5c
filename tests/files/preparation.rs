//! What is done to any data set: subsets, balance, label noise, standardising by channel; and how it is written.

use crate::files::{Files, labels, refused};
use losscape::data::{Amount, Dataset, Preparation, Source, Standardize};
use proptest::prelude::*;

fn load(source: &str, preparation: &Preparation) -> losscape::base::Result<Dataset> {
    Dataset::load(&source.parse::<Source>().unwrap(), 3, preparation)
}

fn plain() -> Preparation {
    Preparation::standardized(Standardize::None)
}

fn counts(data: &Dataset) -> Vec<usize> {
    let of = |class: u32| labels(&data.train).iter().filter(|&&label| label == class).count();
    (0..data.outputs as u32).map(of).collect()
}

#[test]
fn a_subset_is_the_first_samples_and_lies_in_a_larger_one() {
    let all = load("digits", &plain()).unwrap();
    for (subset, n) in [
        (Amount::All, 1297),
        (Amount::Count(1), 1),
        (Amount::Count(1297), 1297),
        (Amount::Share(0.1), 130),
        (Amount::Share(1.0), 1297),
        (Amount::Share(1e-9), 1),
    ] {
        let some = load("digits", &Preparation { subset, ..plain() }).unwrap();
        assert_eq!((some.train.len(), some.test.len()), (n, 500), "{subset}");
        assert_eq!(some.train.x, all.train.x[..64 * n]);
        assert_eq!(labels(&some.train), &labels(&all.train)[..n]);
        assert_eq!(some.test, all.test);
        assert_eq!(some.sha256() == all.sha256(), n == 1297);
    }
    for bad in [Amount::Count(0), Amount::Count(1298)] {
        let message = refused(load("digits", &Preparation { subset: bad, ..plain() }));
        assert_eq!(message, format!("--subset: expected 1 to 1297 training samples, found {bad}"));
    }
}

#[test]
fn statistics_are_those_of_the_subset() {
    let subset = Amount::Count(50);
    let raw = load("digits", &Preparation { subset, ..plain() }).unwrap();
    let scaled = load("digits", &Preparation { subset, ..Preparation::default() }).unwrap();
    let mean = raw.train.x.iter().skip(20).step_by(64).sum::<f64>() / 50.0;
    let difference = scaled.train.x[20] - scaled.train.x[64 + 20];
    let std = (raw.train.x[20] - raw.train.x[64 + 20]) / difference;
    assert!((scaled.train.x[20] - (raw.train.x[20] - mean) / std).abs() < 1e-12);
}

#[test]
fn balance_takes_equally_many_of_each_class() {
    let balanced = |subset| load("digits", &Preparation { subset, balance: true, ..plain() });
    let all = load("digits", &plain()).unwrap();
    let fewest = *counts(&all).iter().min().unwrap();
    assert_eq!(counts(&balanced(Amount::All).unwrap()), [fewest; 10]);
    assert_eq!(counts(&balanced(Amount::Count(500)).unwrap()), [50; 10]);
    assert_eq!(counts(&balanced(Amount::Share(0.1)).unwrap()), [13; 10]);
    let refusal = |subset| refused(balanced(subset));
    assert_eq!(refusal(Amount::Count(505)), "--subset: expected a multiple of the 10 classes, found 505");
    let message = format!("--balance: expected 1 to {fewest} training samples of each class, found 129");
    assert_eq!(refusal(Amount::Count(1290)), message);
    assert!(refusal(Amount::Count(0)).starts_with("--subset"));
    // The samples chosen are the first of their class.
    let some = balanced(Amount::Count(10)).unwrap();
    for (i, class) in labels(&some.train).iter().enumerate() {
        let first = labels(&all.train).iter().position(|label| label == class).unwrap();
        assert_eq!(some.train.input(i), all.train.input(first));
    }
    let values = load("polynomial", &Preparation { balance: true, ..plain() });
    assert_eq!(refused(values), "--balance: expected data with classes, found data with values");
}

#[test]
fn label_noise_changes_its_share_of_training_labels_uniformly_and_nothing_else() {
    let clean = load("blobs:samples=40000,classes=5", &plain()).unwrap();
    for share in [0.0, 0.2, 1.0] {
        let noisy = load("blobs:samples=40000,classes=5", &Preparation { label_noise: share, ..plain() });
        let noisy = noisy.unwrap();
        assert_eq!((&noisy.train.x, &noisy.test), (&clean.train.x, &clean.test), "{share}");
        let pairs = labels(&clean.train).iter().zip(labels(&noisy.train));
        let mut table = [[0usize; 5]; 5];
        pairs.for_each(|(a, b)| table[*a as usize][*b as usize] += 1);
        let changed = 30_000 - (0..5).map(|c| table[c][c]).sum::<usize>();
        assert_eq!(changed as f64, share * 30_000.0);
        // Each of the 20 ways to be wrong is as frequent as the others, within 4 deviations.
        let expected = changed as f64 / 20.0;
        for (a, row) in table.iter().enumerate() {
            let wrong = row.iter().enumerate().filter(|(b, _)| *b != a);
            for (b, &n) in wrong {
                assert!(
                    (n as f64 - expected).abs() <= 4.0 * expected.sqrt(),
                    "{a} as {b}: {n} of {expected}"
                );
            }
        }
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        let message = refused(load("digits", &Preparation { label_noise: bad, ..plain() }));
        assert!(message.starts_with("--label-noise: expected 0 to 1, found "), "{message}");
    }
    let values = load("polynomial", &Preparation { label_noise: 0.1, ..plain() });
    assert!(refused(values).starts_with("--label-noise: expected 0 for data with values"));
}

#[test]
fn channels_have_one_mean_and_deviation() {
    let files = Files::new();
    crate::files::cifar::cifar10(&files);
    let source = files.source("cifar10:directory=@");
    let load = |way| Dataset::load(&source, 0, &Preparation::standardized(way)).unwrap();
    let (raw, scaled) = (load(Standardize::None), load(Standardize::Channel));
    let black = scaled.padding();
    assert_eq!(black.len(), 3);
    for (channel, black) in black.iter().enumerate() {
        let of = |data: &Dataset| -> Vec<f64> {
            data.train.x.chunks(1024).skip(channel).step_by(3).flatten().copied().collect()
        };
        let (raw, scaled) = (of(&raw), of(&scaled));
        let n = raw.len() as f64;
        let mean = raw.iter().sum::<f64>() / n;
        let std = (raw.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!(raw.iter().zip(&scaled).all(|(a, b)| ((a - mean) / std - b).abs() < 1e-12));
        assert!((black + mean / std).abs() < 1e-12, "black as padding");
    }
    assert_eq!((raw.padding(), load(Standardize::Feature).padding()), (vec![0.0; 3], vec![0.0; 3]));
    for i in 0..raw.test.len() {
        let back = scaled.original(scaled.test.input(i));
        assert!(back.iter().zip(raw.test.input(i)).all(|(a, b)| (a - b).abs() < 1e-12));
    }
    // Without channels, everything has one.
    let points = crate::files::load_as(&"blobs".parse().unwrap(), Standardize::Channel).unwrap();
    let n = points.train.x.len() as f64;
    let mean = points.train.x.iter().sum::<f64>() / n;
    let variance = points.train.x.iter().map(|v| v * v).sum::<f64>() / n;
    assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
}

#[test]
fn settings_read_back_and_old_ones_are_understood() {
    let of = |toml: &str| toml::from_str::<Preparation>(toml);
    for (text, standardize, subset) in [
        ("", Standardize::Auto, Amount::All),
        ("standardize = true", Standardize::Feature, Amount::All),
        ("standardize = false", Standardize::None, Amount::All),
        ("standardize = \"channel\"\nsubset = 500", Standardize::Channel, Amount::Count(500)),
        ("standardize = \"feature\"\nsubset = 0.25", Standardize::Feature, Amount::Share(0.25)),
        ("standardize = \"none\"\nsubset = \"0.5\"", Standardize::None, Amount::Share(0.5)),
        ("standardize = \"auto\"\nsubset = \"all\"", Standardize::Auto, Amount::All),
        ("subset = 1", Standardize::Auto, Amount::Count(1)),
        ("subset = 1.0", Standardize::Auto, Amount::Share(1.0)),
    ] {
        let read = of(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read, Preparation { standardize, subset, ..Preparation::default() }, "{text}");
        assert_eq!(of(&toml::to_string(&read).unwrap()), Ok(read.clone()));
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), read, "{json}");
    }
    for bad in [
        "standardize = 3",
        "subset = 0.0",
        "subset = -1",
        "subset = 1.5",
        "subset = nan",
        "subset = []",
        "subset = \"some\"",
        "standardize = \"rows\"",
        "label-noise = \"much\"",
        "balance = 1",
        "noise = 1",
    ] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn amounts_read_back_from_their_text(n in any::<usize>(), share in 1e-300f64..1.0) {
        for amount in [Amount::Count(n), Amount::Share(share), Amount::Share(1.0), Amount::All] {
            prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        }
    }
}

#[test]
fn target_values_are_standardised_by_those_of_training() {
    let standard = Preparation { standardize_targets: true, ..plain() };
    let (raw, found) = (load("polynomial", &plain()).unwrap(), load("polynomial", &standard).unwrap());
    let (before, after) = (raw.train.values().unwrap(), found.train.values().unwrap());
    let n = after.len() as f64;
    let mean = after.iter().sum::<f64>() / n;
    let square = after.iter().map(|y| y * y).sum::<f64>() / n;
    // Sums of some hundred numbers of size 1.
    assert!(mean.abs() < 1e-13 && (square - 1.0).abs() < 1e-12, "{mean} {square}");
    let units = found.units.as_ref().unwrap();
    for (raw, found) in [(before, after), (raw.test.values().unwrap(), found.test.values().unwrap())] {
        for (a, b) in raw.iter().zip(found) {
            assert!((a - (units.mean[0] + units.std[0] * b)).abs() < 1e-13 * (1.0 + a.abs()));
        }
    }
    assert!(refused(load("digits", &standard)).contains("data with values, found data with classes"));
    // Unless it is asked for, it leaves no trace in records.
    let record = |preparation: &Preparation| serde_json::to_string(preparation).unwrap();
    assert!(
        !record(&plain()).contains("targets") && record(&standard).contains("\"standardize-targets\":true")
    );
}
