//! Every data set of the registry: loads, repeats itself, follows its seed, is standardised.

use losscape::base::registry::Registry;
use losscape::data::{Dataset, Samples, Source};

fn load(source: &Source, seed: u64) -> Dataset {
    Dataset::load(source, seed, true).unwrap_or_else(|e| panic!("{source}: {e}"))
}

fn refusal(text: &str) -> String {
    let error = Source::parse(text).expect_err(text);
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn every_data_set_follows_its_seed_and_nothing_else() {
    for source in Source::all() {
        let data = load(&source, 0);
        assert_eq!(data, load(&source, 0), "{source}");
        assert_eq!(data.sha256(), load(&source, 0).sha256(), "{source}");
        assert_ne!(data.sha256(), load(&source, 1).sha256(), "{source}");
        assert_eq!(data.name, source.to_string());
    }
}

#[test]
fn every_data_set_is_consistent() {
    for source in Source::all() {
        let data = load(&source, 0);
        for Samples { x, y } in [&data.train, &data.test] {
            assert_eq!(x.len(), y.len() * data.features(), "{source}");
            assert!(x.iter().all(|v| v.is_finite()), "{source}");
            assert!(y.iter().all(|&label| (label as usize) < data.classes), "{source}");
            for class in 0..data.classes as u32 {
                assert!(y.contains(&class), "{source}: class {class} is in both parts");
            }
        }
    }
}

#[test]
fn training_samples_have_mean_0_and_deviation_1_or_are_0() {
    for source in Source::all() {
        let data = load(&source, 0);
        let (d, n) = (data.features(), data.train.len() as f64);
        for f in 0..d {
            let column = || data.train.x.iter().skip(f).step_by(d);
            let mean = column().sum::<f64>() / n;
            let std = (column().map(|x| x * x).sum::<f64>() / n).sqrt();
            let constant = column().chain(data.test.x.iter().skip(f).step_by(d)).all(|&x| x == 0.0);
            assert!(mean.abs() <= 1e-12, "{source}: feature {f}: mean {mean}");
            assert!(constant || (std - 1.0).abs() <= 1e-12, "{source}: feature {f}: deviation {std}");
        }
    }
}

#[test]
fn digits_are_split_into_1297_and_500_and_no_sample_is_in_both() {
    let data = Dataset::load(&Source::default(), 0, false).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (1297, 500));
    assert_eq!((data.shape.as_slice(), data.classes), ([1, 8, 8].as_slice(), 10));
    // No two digits are the same image, so as many distinct rows as samples means that none was used twice.
    let all = || data.train.x.chunks(64).chain(data.test.x.chunks(64));
    let rows: std::collections::HashSet<Vec<u8>> =
        all().map(|r| r.iter().map(|&v| v as u8).collect()).collect();
    assert_eq!(rows.len(), 1797);
}

#[test]
fn standardising_uses_the_training_samples_only() {
    let raw = Dataset::load(&Source::default(), 0, false).unwrap();
    let scaled = load(&Source::default(), 0);
    let f = 20;
    let column = || raw.train.x.iter().skip(f).step_by(64);
    let mean = column().sum::<f64>() / 1297.0;
    let std = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / 1297.0).sqrt();
    for i in 0..500 {
        let expected = (raw.test.x[i * 64 + f] - mean) / std;
        assert!((scaled.test.x[i * 64 + f] - expected).abs() < 1e-12);
    }
}

#[test]
fn noiseless_spirals_lie_on_their_curve() {
    let data = Dataset::load(&Source::parse("spirals:noise=0,turns=2").unwrap(), 3, false).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 1000);
    for (p, &class) in data.train.x.chunks(2).zip(&data.train.y) {
        let r = p[0].hypot(p[1]);
        let angle = 4.0 * std::f64::consts::PI * r + std::f64::consts::PI * f64::from(class);
        assert!((p[0] - r * angle.cos()).abs() < 1e-12 && (p[1] - r * angle.sin()).abs() < 1e-12);
    }
}

#[test]
fn blobs_without_spread_are_their_centers() {
    let data =
        Dataset::load(&Source::parse("blobs:classes=5,dimension=7,spread=0").unwrap(), 0, false).unwrap();
    assert_eq!((data.shape.as_slice(), data.classes), ([7].as_slice(), 5));
    let center = |class| data.train.y.iter().position(|&y| y == class).map(|i| &data.train.x[i * 7..][..7]);
    for (x, &y) in data.test.x.chunks(7).zip(&data.test.y) {
        assert_eq!(Some(x), center(y));
    }
}

#[test]
fn senseless_settings_are_refused() {
    assert_eq!(refusal("spirals:samples=0"), "data set spirals: samples: expected 8 to 10000000, found 0");
    assert_eq!(refusal("spirals:noise=nan"), "data set spirals: noise: expected 0 to 100, found NaN");
    assert_eq!(refusal("spirals:turns=inf"), "data set spirals: turns: expected 0 to 100, found inf");
    assert_eq!(refusal("blobs:classes=1"), "data set blobs: classes: expected 2 to 1000, found 1");
    assert_eq!(refusal("blobs:classes=1001"), "data set blobs: classes: expected 2 to 1000, found 1001");
    assert_eq!(
        refusal("blobs:samples=1000000,dimension=1000"),
        "data set blobs: samples: expected data of at most 2 GiB, found 1000000 x 1000 numbers, 7.5 GiB"
    );
    assert!(refusal("blobs:samples=1000000000000").contains("samples: expected 8 to 10000000"));
    assert!(refusal("blobs:samples=-1").starts_with("data set blobs: "));
    assert!(refusal("digits:samples=10").contains("samples"));
    assert!(refusal("digts").contains("did you mean `digits`?"));
}
