//! Generated data sets against their definitions.

use crate::files::{Files, labels};
use losscape::data::{Dataset, Samples, Source};
use std::f64::consts::PI;

fn load(text: &str) -> Dataset {
    Files::new().load(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn parts(data: &Dataset) -> [&Samples; 2] {
    [&data.train, &data.test]
}

#[test]
fn noiseless_spirals_lie_on_their_curve() {
    let data = load("spirals:noise=0,turns=2");
    assert_eq!(data.train.len() + data.test.len(), 1000);
    for (p, &class) in data.train.x.chunks(2).zip(labels(&data.train)) {
        let r = p[0].hypot(p[1]);
        let angle = 4.0 * PI * r + PI * f64::from(class);
        assert!((p[0] - r * angle.cos()).abs() < 1e-12 && (p[1] - r * angle.sin()).abs() < 1e-12);
    }
}

#[test]
fn blobs_without_spread_are_their_centers() {
    let data = load("blobs:classes=5,dimension=7,spread=0");
    assert_eq!((data.shape.as_slice(), data.outputs), ([7].as_slice(), 5));
    let center = |class| labels(&data.train).iter().position(|&y| y == class).map(|i| data.train.input(i));
    for (x, &y) in data.test.x.chunks(7).zip(labels(&data.test)) {
        assert_eq!(Some(x), center(y));
    }
}

#[test]
fn noiseless_moons_and_circles_lie_on_theirs() {
    let moons = load("moons:noise=0");
    for samples in parts(&moons) {
        for (p, &class) in samples.x.chunks(2).zip(labels(samples)) {
            let (center, up) = if class == 0 { ((0.0, 0.0), 1.0) } else { ((1.0, 0.5), -1.0) };
            let (x, y) = (p[0] - center.0, p[1] - center.1);
            assert!((x.hypot(y) - 1.0).abs() < 1e-12 && y * up >= -1e-12, "{p:?} in {class}");
        }
    }
    let circles = load("circles:noise=0,factor=0.25");
    let mut quadrants = [0; 4];
    for samples in parts(&circles) {
        for (p, &class) in samples.x.chunks(2).zip(labels(samples)) {
            assert!((p[0].hypot(p[1]) - [1.0, 0.25][class as usize]).abs() < 1e-12);
            quadrants[usize::from(p[0] > 0.0) + 2 * usize::from(p[1] > 0.0)] += 1;
        }
    }
    // Each has 250 of 1000, within four deviations of a binomial count (13.7).
    assert!(quadrants.iter().all(|n| (195..=305).contains(n)), "{quadrants:?}");
    for name in ["moons", "circles"] {
        let data = load(name);
        assert_eq!((data.train.len(), data.test.len(), data.shape), (750, 250, vec![2]));
    }
}

#[test]
fn noise_has_the_deviation_it_says() {
    // Each coordinate's distance from the circle's, over 20,000 points: chi-squared, 4 standard errors.
    let noisy = load("circles:noise=0.3,factor=1,samples=20000");
    let squares: f64 = parts(&noisy).iter().flat_map(|s| &s.x).map(|v| v * v).sum();
    // E |x|^2 = 1 + 2 noise^2; its deviation is about sqrt(4 noise^2 + 4 noise^4) a point.
    let error = (4.0 * 0.09 + 4.0 * 0.0081_f64).sqrt() / 20_000f64.sqrt();
    assert!((squares / 20_000.0 - 1.18).abs() < 4.0 * error, "{}", squares / 20_000.0);
}

#[test]
fn a_noiseless_polynomial_has_its_degree() {
    // Divided differences of order degree + 1 vanish, those of order degree do not.
    for degree in [0usize, 1, 3, 5] {
        let data = load(&format!("polynomial:degree={degree},noise=0,samples=40"));
        assert_eq!((data.shape.as_slice(), data.outputs, data.test.len()), ([1].as_slice(), 1, 10));
        let mut points: Vec<(f64, f64)> =
            data.train.x.iter().copied().zip(data.train.values().unwrap().iter().copied()).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(points.iter().all(|p| p.0.abs() <= 1.0));
        // Points far apart, so that differences are well conditioned.
        let chosen: Vec<(f64, f64)> = (0..degree + 2).map(|k| points[k * 29 / (degree + 1)]).collect();
        let x: Vec<f64> = chosen.iter().map(|p| p.0).collect();
        let mut d: Vec<f64> = chosen.iter().map(|p| p.1).collect();
        let mut leading = Vec::new();
        for order in 1..=degree + 1 {
            leading.push(d[0]);
            d = (0..d.len() - 1).map(|i| (d[i + 1] - d[i]) / (x[i + order] - x[i])).collect();
        }
        assert!(d[0].abs() < 1e-9, "degree {degree}: {d:?}");
        assert!(leading[degree].abs() > 1e-3, "degree {degree}: {leading:?}");
    }
}

#[test]
fn polynomial_features_are_chebyshevs() {
    let data = load("polynomial:features=4,samples=40");
    for x in data.train.x.chunks(4) {
        let angle = x[0].acos();
        for (k, t) in x.iter().enumerate() {
            assert!((t - ((k + 1) as f64 * angle).cos()).abs() < 1e-13);
        }
    }
    // The curve is the same however many features of it are seen.
    assert_eq!(data.train.values(), load("polynomial:samples=40").train.values());
}

#[test]
fn the_teacher_is_a_sum_of_its_activations() {
    type Function = fn(f64) -> f64;
    let act: [(&str, Function); 4] = [
        ("relu", |z| if z > 0.0 { z } else { 0.0 }),
        ("tanh", f64::tanh),
        ("softplus", |z| (1.0 + z.exp()).ln()),
        ("silu", |z| z / (1.0 + (-z).exp())),
    ];
    for (name, act) in act {
        let data = load(&format!("teacher-student:activation={name},units=3,dimension=5,samples=400"));
        assert_eq!((data.shape.as_slice(), data.outputs, data.test.len()), ([5].as_slice(), 1, 100));
        for (x, y) in data.train.x.chunks(5).zip(data.train.values().unwrap()) {
            let expected: f64 = x[..3].iter().map(|z| act(*z)).sum();
            assert!((y - expected).abs() < 1e-13, "{name}: {y} {expected}");
        }
    }
}

/// With one tanh unit, atanh y = <w, x> is linear: least squares over `dimension` samples finds w, which has norm 1.
#[test]
fn a_random_teacher_has_unit_weights() {
    let data = load("teacher-student:activation=tanh,units=1,dimension=3,random=true,samples=100");
    let (x, y) = (&data.train.x, data.train.values().unwrap());
    // Normal equations by Cramer's rule.
    let mut a = [[0.0; 3]; 3];
    let mut b = [0.0; 3];
    for (x, y) in x.chunks(3).zip(y) {
        for ((row, b), xi) in a.iter_mut().zip(&mut b).zip(x) {
            row.iter_mut().zip(x).for_each(|(a, xj)| *a += xi * xj);
            *b += xi * y.atanh();
        }
    }
    let det = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let w = [0, 1, 2].map(|j| {
        let mut m = a;
        (0..3).for_each(|i| m[i][j] = b[i]);
        det(m) / det(a)
    });
    // atanh multiplies rounding by up to 1 / (1 - y^2).
    assert!((w.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-9, "{w:?}");
    for (x, y) in x.chunks(3).zip(y) {
        assert!((x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>().tanh() - y).abs() < 1e-9);
    }
}

/// The weights themselves: those that samples of the same teacher are values of; and half its second moment below zero.
#[test]
fn a_gaussian_teacher_is_the_teacher_of_the_samples() {
    let (k, d) = (4, 3);
    let teacher = load(&format!("gaussian-teacher:units={k},dimension={d},random=true"));
    assert_eq!((teacher.shape.as_slice(), teacher.outputs), ([1, k, d].as_slice(), 1));
    assert_eq!((&teacher.train, teacher.train.len()), (&teacher.test, 1));
    let samples = load(&format!("teacher-student:units={k},dimension={d},random=true,samples=40"));
    for (x, y) in samples.train.x.chunks(d).zip(samples.train.values().unwrap()) {
        let unit = |w: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>().max(0.0);
        let expected: f64 = teacher.train.x.chunks(d).map(unit).sum();
        assert!((y - expected).abs() < 1e-13, "{y} {expected}");
    }
    let plain = load("gaussian-teacher:units=2,dimension=3");
    assert_eq!(plain.train.x, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    // E (relu(x_1) + relu(x_2))^2 = 2 / 2 + 2 / (2 pi).
    assert!((plain.train.values().unwrap()[0] + 0.5 + 0.5 / PI).abs() < 1e-15);
}

#[test]
fn inputs_with_their_own_scale_are_standardised_only_when_asked() {
    let text = "teacher-student:samples=40";
    let source: Source = text.parse().unwrap();
    let auto = Dataset::load(&source, 0, &Default::default()).unwrap();
    assert_eq!((auto.train.x == load(text).train.x, auto.scaling), (true, None));
}

/// The values of training and test samples by row of the matrix.
fn matrix(samples: &Samples, size: usize, columns: usize) -> Vec<f64> {
    let mut rows = vec![f64::NAN; size * columns];
    for i in 0..samples.len() {
        let input = samples.input(i);
        let row = input.iter().position(|v| *v == 1.0).unwrap();
        assert!(input.iter().enumerate().all(|(k, v)| *v == f64::from(u8::from(k == row))));
        let values = &samples.values().unwrap()[i * columns..(i + 1) * columns];
        rows[row * columns..(row + 1) * columns].copy_from_slice(values);
    }
    rows
}

#[test]
fn identity_is_a_matrix_of_its_rank_seen_once() {
    let (size, columns) = (7, 5);
    let text = format!("identity:size={size},columns={columns},rank=2");
    let whole = load(&format!("{text},observed=1"));
    let m = matrix(&whole.train, size, columns);
    assert!(m.iter().all(|v| v.is_finite()));
    assert_eq!(m, matrix(&whole.test, size, columns), "all is seen: so is it in testing");
    // Every minor of order 3 vanishes, one of order 2 does not.
    let at = |i: usize, j: usize| m[i * columns + j];
    let minor2 =
        |i: [usize; 2], j: [usize; 2]| at(i[0], j[0]) * at(i[1], j[1]) - at(i[0], j[1]) * at(i[1], j[0]);
    for i in 0..size - 2 {
        for j in 0..columns - 2 {
            let det = at(i, j) * minor2([i + 1, i + 2], [j + 1, j + 2])
                - at(i, j + 1) * minor2([i + 1, i + 2], [j, j + 2])
                + at(i, j + 2) * minor2([i + 1, i + 2], [j, j + 1]);
            assert!(det.abs() < 1e-13, "{det}");
        }
    }
    assert!(minor2([0, 1], [0, 1]).abs() > 1e-6);

    let half = load(&format!("{text},observed=0.4"));
    let (seen, unseen) = (matrix(&half.train, size, columns), matrix(&half.test, size, columns));
    assert_eq!(seen.iter().filter(|v| v.is_finite()).count(), 14, "0.4 of 35");
    for ((a, b), whole) in seen.iter().zip(&unseen).zip(&m) {
        assert!(a.is_nan() != b.is_nan(), "an entry is seen in training or in testing");
        assert_eq!(if a.is_nan() { b } else { a }, whole);
    }
}

#[test]
fn random_labels_say_nothing_and_are_uniform() {
    let (base, random) =
        (load("blobs:samples=8000,classes=4"), load("random-labels:base=\"blobs:samples=8000,classes=4\""));
    assert_eq!((&base.train.x, &base.test.x), (&random.train.x, &random.test.x));
    let n = base.train.len() as f64;
    let same = labels(&base.train).iter().zip(labels(&random.train)).filter(|(a, b)| a == b).count() as f64;
    let error = (n * 0.25 * 0.75).sqrt();
    assert!((same - n / 4.0).abs() < 4.0 * error, "{same} of {n} agree");
    for class in 0..4 {
        let count = labels(&random.train).iter().filter(|&&label| label == class).count() as f64;
        assert!((count - n / 4.0).abs() < 4.0 * error, "class {class}: {count} of {n}");
    }
    let noise = load("random-labels:base=digits,inputs=gaussian");
    assert_eq!((noise.shape.as_slice(), noise.train.len()), ([1, 8, 8].as_slice(), 1297));
    let n = noise.train.x.len() as f64;
    let mean = noise.train.x.iter().sum::<f64>() / n;
    let variance = noise.train.x.iter().map(|v| v * v).sum::<f64>() / n;
    assert!(
        mean.abs() < 4.0 / n.sqrt() && (variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(),
        "{mean} {variance}"
    );
}

#[test]
fn mnist1d_is_4000_and_1000_signals_of_mean_0_and_deviation_1() {
    let data = load("mnist1d");
    assert_eq!((data.train.len(), data.test.len(), data.outputs), (4000, 1000, 10));
    assert_eq!(data.shape, [1, 1, 40]);
    let all = || parts(&data).into_iter().flat_map(|s| &s.x);
    let (n, sum) = (all().count() as f64, all().sum::<f64>());
    let variance = all().map(|v| v * v).sum::<f64>() / n;
    assert!((sum / n).abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
    for class in 0..10 {
        let count: usize =
            parts(&data).iter().map(|s| labels(s).iter().filter(|&&l| l == class).count()).sum();
        assert_eq!(count, 500);
    }
    // Its own scale: not standardised again unless asked for.
    let auto = Dataset::load(&"mnist1d".parse::<Source>().unwrap(), 0, &Default::default()).unwrap();
    assert_eq!(auto.train.x, data.train.x);
}
