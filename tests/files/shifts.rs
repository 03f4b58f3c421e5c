//! Shifts of test samples: moments of the noise, blur against a plain double sum, shares of the classes.

use crate::files::{labels, load_as, refused};
use losscape::base::Streams;
use losscape::base::registry::Registry;
use losscape::data::{Dataset, Samples, Shift, Source, Standardize};

fn shift(text: &str) -> Shift {
    Shift::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

fn data(source: &str, standardize: Standardize) -> Dataset {
    load_as(&Source::parse(source).unwrap(), standardize).unwrap()
}

fn apply(text: &str, data: &Dataset, seed: u64) -> Samples {
    shift(text).apply(&data.test, data, &Streams::new(seed)).unwrap()
}

/// Three images of two channels, 5 x 4, with numbers without any pattern.
fn images() -> Dataset {
    let (shape, n) = (vec![2, 5, 4], 3);
    let x: Vec<f64> = (0..40 * n).map(|i| f64::from(i * i * 31 % 97) / 10.0).collect();
    let samples = Samples::of_classes(x, vec![0, 1, 0]);
    let (train, test) = (samples.clone(), samples);
    Dataset {
        name: "images".to_owned(),
        shape,
        outputs: 2,
        train,
        test,
        scaling: None,
        units: None,
        notes: Vec::new(),
        class_names: Vec::new(),
    }
}

#[test]
fn noise_has_the_moments_that_were_asked_for_and_leaves_constants_alone() {
    let digits = data("digits", Standardize::Auto);
    let shifted = apply("noise:std=0.4", &digits, 1);
    assert_eq!(shifted.y, digits.test.y);
    // The first pixel of every digit is blank.
    let constant = |f: usize| digits.train.x.iter().skip(f).step_by(64).all(|x| *x == 0.0);
    assert!(constant(0));
    let (mut sum, mut square, mut fourth, mut n) = (0.0, 0.0, 0.0, 0.0);
    for (i, (new, old)) in shifted.x.iter().zip(&digits.test.x).enumerate() {
        if constant(i % 64) {
            assert_eq!(new, old, "a constant feature");
            continue;
        }
        let z: f64 = (new - old) / 0.4;
        (sum, square, fourth, n) = (sum + z, square + z * z, fourth + z.powi(4), n + 1.0);
    }
    // Standard errors of the moments of N(0, 1): 1, sqrt(2) and sqrt(96) over sqrt(n).
    for (name, found, expected, spread) in
        [("mean", sum, 0.0, 1.0f64), ("variance", square, 1.0, 2.0), ("fourth", fourth, 3.0, 96.0)]
    {
        let error = (found / n - expected).abs();
        assert!(n > 25_000.0 && error < 4.0 * (spread / n).sqrt(), "{name}: {}", found / n);
    }
}

#[test]
fn a_sample_gets_the_same_noise_however_many_others_there_are() {
    let mut few = data("digits", Standardize::Auto);
    let all = apply("noise", &few, 1);
    assert_eq!(all, apply("noise", &few, 1));
    assert_ne!(all, apply("noise", &few, 2));
    few.test.truncate(7);
    assert_eq!(apply("noise", &few, 1).x, all.x[..7 * 64]);
    assert_eq!(apply("noise:std=0", &few, 1), few.test);
}

/// The two sums of the definition as they stand, over a window so wide that nothing of the kernel is left out.
fn direct(x: &[f64], shape: &[usize], width: f64) -> Vec<f64> {
    let (height, columns) = (shape[1] as i64, shape[2] as i64);
    let reach = (4.0 * width).ceil() as i64;
    let g = |i: i64, j: i64| (-((i * i + j * j) as f64) / (2.0 * width * width)).exp();
    let window = || (-reach..=reach).flat_map(|i| (-reach..=reach).map(move |j| (i, j)));
    let total: f64 = window().map(|(i, j)| g(i, j)).sum();
    let blurred = |channel: &[f64], r: i64, c: i64| -> f64 {
        let at =
            |r: i64, c: i64| channel[(r.clamp(0, height - 1) * columns + c.clamp(0, columns - 1)) as usize];
        window().map(|(i, j)| g(i, j) * at(r + i, c + j)).sum::<f64>() / total
    };
    x.chunks((height * columns) as usize)
        .flat_map(|channel| (0..height * columns).map(move |p| blurred(channel, p / columns, p % columns)))
        .collect()
}

#[test]
fn blur_is_the_double_sum_over_each_channel() {
    let images = images();
    for width in [0.3, 0.7, 2.0, 9.0] {
        let found = apply(&format!("blur:width={width}"), &images, 0);
        assert_eq!(found.y, images.test.y);
        for (found, x) in found.x.chunks(40).zip(images.test.x.chunks(40)) {
            for (f, e) in found.iter().zip(direct(x, &images.shape, width)) {
                // Some tens of roundings of numbers up to 10.
                assert!((f - e).abs() < 1e-13, "width {width}: {f}, not {e}");
            }
        }
    }
    assert_eq!(apply("blur:width=0", &images, 0), images.test);
}

/// Where each pixel has a scale of its own, it is the image that is blurred, not what standardising made of it.
#[test]
fn digits_are_blurred_as_images() {
    let (raw, scaled) = (data("digits", Standardize::None), data("digits", Standardize::Auto));
    let (raw_shifted, shifted) = (apply("blur", &raw, 0), apply("blur", &scaled, 0));
    let expected: Vec<f64> =
        raw.test.x.chunks(64).take(20).flat_map(|image| direct(image, &[1, 8, 8], 0.7)).collect();
    let varies: Vec<bool> =
        (0..64).map(|f| raw.train.x.iter().skip(f).step_by(64).any(|x| *x != raw.train.x[f])).collect();
    assert!(varies.iter().any(|v| !v));
    for (i, expected) in expected.iter().enumerate() {
        assert!((raw_shifted.x[i] - expected).abs() < 1e-12, "number {i}");
        // A pixel that is constant in training carries nothing.
        let back = scaled.original(&shifted.x[i / 64 * 64..(i / 64 + 1) * 64])[i % 64];
        let expected = if varies[i % 64] { *expected } else { raw.train.x[i % 64] };
        // What a constant training pixel hid from the standardised samples, its blurred neighbours lack.
        let beside = raw.test.x[i / 64 * 64..(i / 64 + 1) * 64]
            .iter()
            .zip(&varies)
            .enumerate()
            .any(|(f, (x, varies))| !varies && *x != raw.train.x[f]);
        assert!((back - expected).abs() < 1e-12 || beside, "number {i}: {back}, not {expected}");
    }
}

#[test]
fn a_constant_image_stays_as_it_is() {
    let mut images = images();
    images.test.x = (0..120).map(|i| if i / 20 % 2 == 0 { 3.0 } else { -7.0 }).collect();
    for (found, expected) in apply("blur:width=1.7", &images, 0).x.iter().zip(&images.test.x) {
        assert!((found - expected).abs() < 1e-14 * 20.0, "{found}, not {expected}");
    }
}

fn counts(samples: &Samples, classes: usize) -> Vec<usize> {
    (0..classes as u32).map(|k| labels(samples).iter().filter(|l| **l == k).count()).collect()
}

#[test]
fn other_shares_of_the_classes_leave_each_sample_as_it_was() {
    let digits = data("digits", Standardize::Auto);
    for text in ["labels", "labels:alpha=0.05", "imbalance", "imbalance:ratio=0.001"] {
        let found = apply(text, &digits, 3);
        assert_eq!(found, apply(text, &digits, 3), "{text}");
        assert_eq!(found.len(), digits.test.len());
        assert_ne!(counts(&found, 10), counts(&digits.test, 10), "{text}");
        // In order, so each sample of the result stands at or after the one before it.
        let mut at = 0;
        let mut times = vec![0usize; digits.test.len()];
        for i in 0..found.len() {
            let same = |j: &usize| {
                digits.test.input(*j) == found.input(i) && labels(&digits.test)[*j] == labels(&found)[i]
            };
            at = (at..digits.test.len()).find(same).unwrap_or_else(|| panic!("{text}: sample {i} is new"));
            times[at] += 1;
        }
        // Within a class every sample occurs as often as every other, but for one.
        for k in 0..10 {
            let own = || (0..times.len()).filter(|i| labels(&digits.test)[*i] == k).map(|i| times[i]);
            assert!(own().max() <= own().min().map(|least| least + 1), "{text}: class {k}");
        }
    }
}

#[test]
fn a_stated_imbalance_has_its_shares_to_one_sample() {
    let digits = data("digits", Standardize::Auto);
    for ratio in [50.0f64, 0.02] {
        let weights: Vec<f64> = (0..10).map(|k| ratio.powf(-f64::from(k) / 9.0)).collect();
        let total: f64 = weights.iter().sum();
        let found = counts(&apply(&format!("imbalance:ratio={ratio}"), &digits, 0), 10);
        for (found, weight) in found.iter().zip(&weights) {
            let expected = 500.0 * weight / total;
            assert!((*found as f64 - expected).abs() < 1.0, "{found}, not {expected}");
        }
    }
    // As many of each class as there are already is no shift at all.
    let own = labels(&digits.test);
    let of = |k: u32| (0..500).filter(move |i| own[*i] == k).take(30).collect::<Vec<_>>();
    let mut indices: Vec<usize> = (0..10).flat_map(of).collect();
    indices.sort_unstable();
    let even = Dataset { test: digits.test.select(&indices, 64), ..digits.clone() };
    assert_eq!(apply("imbalance:ratio=1", &even, 0), even.test);
}

/// Shares p of Dirichlet(alpha, ..., alpha): mean 1/K, variance (1/K)(1 - 1/K) / (K alpha + 1).
#[test]
fn drawn_shares_have_the_moments_of_a_dirichlet_distribution() {
    let blobs = data("blobs:samples=4000,classes=4", Standardize::Auto);
    for alpha in [0.02, 0.5, 1.0, 20.0] {
        let seeds = 400;
        let draws: Vec<Vec<f64>> = (0..seeds)
            .map(|seed| {
                let counts = counts(&apply(&format!("labels:alpha={alpha}"), &blobs, seed), 4);
                counts.iter().map(|c| *c as f64 / 1000.0).collect()
            })
            .collect();
        let variance = 0.25 * 0.75 / (4.0 * alpha + 1.0);
        for k in 0..4 {
            let mean = draws.iter().map(|p| p[k]).sum::<f64>() / seeds as f64;
            assert!((mean - 0.25).abs() < 4.0 * (variance / seeds as f64).sqrt(), "alpha {alpha}: {mean}");
            let squares: Vec<f64> = draws.iter().map(|p| (p[k] - 0.25).powi(2)).collect();
            let found = squares.iter().sum::<f64>() / seeds as f64;
            let spread = squares.iter().map(|s| (s - found).powi(2)).sum::<f64>() / seeds as f64;
            let allowed = 4.5 * (spread / seeds as f64).sqrt();
            assert!((found - variance).abs() < allowed, "alpha {alpha}: variance {found}, not {variance}");
        }
    }
}

#[test]
fn data_that_cannot_be_shifted_are_refused() {
    let refusal = |text: &str, data: &Dataset| refused(shift(text).apply(&data.test, data, &Streams::new(0)));
    let blobs = data("blobs:dimension=5", Standardize::Auto);
    assert_eq!(
        refusal("blur", &blobs),
        "shift blur: expected images or signals, found samples of 5 numbers in no order"
    );
    let values = data("polynomial", Standardize::Auto);
    assert_eq!(
        refusal("labels", &values),
        "shift labels: expected data with two classes or more, found 1 value a sample"
    );
    assert!(refusal("imbalance", &values).starts_with("shift imbalance: expected data with two classes"));
    let names = |data: &Dataset| Shift::usual(data).iter().map(Registry::name).collect::<Vec<_>>();
    assert_eq!(names(&images()), ["noise", "blur", "labels"]);
    assert_eq!(names(&blobs), ["noise", "labels"]);
    assert_eq!(names(&values), ["noise"]);
}
