//! Functions whose minima, passes and holes are known.

use super::gaussian;
use losscape::base::Streams;
use losscape::base::random::normal;
use losscape::base::statistics::normal_quantile;
use losscape::landscape::topology::{Adjacency, Bar, components, first_saddles, holes, kept, profile};

/// Himmelblau's function on n x n points of [-5, 5] x [-5, 5].
pub fn himmelblau(n: usize) -> Vec<f64> {
    let at = |i: usize| -5.0 + 10.0 * i as f64 / (n - 1) as f64;
    let value = |(x, y): (f64, f64)| (x * x + y - 11.0).powi(2) + (x + y * y - 7.0).powi(2);
    (0..n * n).map(|k| value((at(k % n), at(k / n)))).collect()
}

/// The sum over n coordinates of (x^2 - 1)^2, on 21 points a side of [-2, 2], -1, 0 and 1 among them.
fn wells(axes: usize) -> (Vec<f64>, Vec<usize>) {
    let side = |i: usize| ((i as f64 - 10.0) / 5.0).powi(2) - 1.0;
    let value = |k: usize| (0..axes).map(|a| side(k / 21usize.pow(a as u32) % 21).powi(2)).sum();
    ((0..21usize.pow(axes as u32)).map(value).collect(), vec![21; axes])
}

fn near(bars: &[Bar], expected: &[(f64, f64)], tolerance: f64, what: &str) {
    assert_eq!(bars.len(), expected.len(), "{what}: {bars:?}");
    for (bar, (birth, death)) in bars.iter().zip(expected) {
        let off =
            (bar.birth - birth).abs().max(if death.is_finite() { (bar.death - death).abs() } else { 0.0 });
        assert!(off <= tolerance && bar.death.is_finite() == death.is_finite(), "{what}: {bar:?}");
    }
}

#[test]
fn himmelblaus_function_has_four_minima_three_passes_and_a_hole() {
    let shape = [201, 201];
    let values = himmelblau(201);
    for adjacency in Adjacency::ALL {
        let bars = components(&values, &shape, adjacency);
        // Neighbours by faces see a ripple of the grid in a narrow valley.
        let long: Vec<Bar> = bars.iter().filter(|bar| bar.length() > 0.01).copied().collect();
        assert!(bars.len() <= 5);
        // Points are 0.05 apart: a minimum lies at most that far from one in each coordinate, half the Hessian's largest eigenvalue
        // (134) times half of the squared distance above zero; passes likewise.
        let open = f64::INFINITY;
        let expected = [(0.0, open), (0.0, 104.0152), (0.0, 67.7192), (0.0, 13.3119)];
        near(&long, &expected, 0.05, "components");
        let found = holes(&values, &shape, adjacency);
        near(&found, &[(178.3372, 181.6165)], 0.05, "holes");
        // Each minimum's own first saddle: the two lowest meet each other.
        let kept = kept(&bars, 0.01);
        let depths: f64 =
            first_saddles(&bars, &kept).iter().zip(&kept).map(|(s, k)| s - bars[*k].birth).sum();
        assert!((depths / 4.0 - 49.6).abs() < 0.05, "mean depth {}", depths / 4.0);
        // The basins of the profile are as wide as those of the grid, and as deep.
        let drawn = profile(&values, &shape, adjacency, &bars, &kept);
        assert!(
            drawn.place.windows(2).all(|w| w[1] >= w[0] - 1e-12)
                && (drawn.place.last().unwrap() - 1.0).abs() < 1e-12
        );
        for (k, place) in kept.iter().zip(&drawn.minima) {
            let lowest = drawn.place.iter().zip(&drawn.height).filter(|(p, _)| (**p - place).abs() < 1e-4);
            assert_eq!(lowest.map(|(_, h)| *h).fold(f64::INFINITY, f64::min), bars[*k].birth);
        }
        let below = |level: f64, of: &[f64]| of.iter().filter(|v| **v <= level).count();
        let wide: f64 = drawn
            .place
            .windows(2)
            .zip(drawn.height.windows(2))
            .filter(|(_, h)| h[0] <= 50.0 && h[1] <= 50.0)
            .map(|(p, _)| p[1] - p[0])
            .sum();
        // A 400th of the points is between two levels, on either side of three basins.
        assert!((wide - below(50.0, &values) as f64 / values.len() as f64).abs() < 6.0 / 400.0);
    }
}

#[test]
fn wells_in_n_dimensions_have_two_to_the_n_minima() {
    for axes in 1..=3 {
        let (values, shape) = wells(axes);
        for adjacency in Adjacency::ALL {
            let bars = components(&values, &shape, adjacency);
            let what = format!("{axes} dimensions, {adjacency:?}");
            let expected: Vec<(f64, f64)> =
                (0..1 << axes).map(|k| (0.0, if k == 0 { f64::INFINITY } else { 1.0 })).collect();
            // The points among them are exact up to the rounding of fifths.
            near(&bars, &expected, 1e-15, &what);
            if axes == 2 {
                // Around the maximum in the middle, at 2, the passes at 1 close a loop.
                near(&holes(&values, &shape, adjacency), &[(1.0, 2.0)], 1e-15, &what);
            }
        }
    }
}

#[test]
fn a_hole_in_a_volume_closes_at_its_highest_point() {
    // A ball around a maximum: the shell around it closes at its lowest layer, of three different heights.
    let at = |k: usize| [k % 5, k / 5 % 5, k / 25].map(|i| (i as f64 - 2.0).abs());
    let values: Vec<f64> = (0..125)
        .map(|k| match at(k) {
            [0.0, 0.0, 0.0] => 7.0,
            [x, y, z] if x.max(y).max(z) == 1.0 => x + 0.25 * y + 0.125 * z,
            _ => 3.0,
        })
        .collect();
    let found = holes(&values, &[5, 5, 5], Adjacency::Faces);
    assert_eq!(found.iter().map(|b| (b.birth, b.death)).collect::<Vec<_>>(), [(1.375, 7.0)]);
}

#[test]
fn grids_without_passes_have_one_bar() {
    let open =
        |bars: &[Bar]| matches!(bars, [bar] if bar.death == f64::INFINITY && bar.death_index.is_none());
    for adjacency in Adjacency::ALL {
        let monotone: Vec<f64> = (0..12).map(|k| f64::from(k % 4) + 10.0 * f64::from(k / 4)).collect();
        for (values, shape) in [
            (monotone, vec![4, 3]),
            (vec![2.5; 12], vec![4, 3]),
            (vec![1.0], vec![1, 1]),
            (vec![1.0], vec![1]),
        ] {
            let bars = components(&values, &shape, adjacency);
            assert!(open(&bars) && bars[0].birth_index == 0, "{values:?}: {bars:?}");
            if shape.len() > 1 {
                assert!(holes(&values, &shape, adjacency).is_empty());
            }
        }
        // Of equal minima the one with the smaller index is the older; plateaus count once.
        let tied = components(&[0.0, 0.0, 3.0, 0.0, 0.0, 2.0, 0.0], &[7], adjacency);
        let found: Vec<_> = tied.iter().map(|b| (b.birth_index, b.death, b.death_index, b.parent)).collect();
        assert_eq!(
            found,
            [(0, f64::INFINITY, None, None), (3, 3.0, Some(2), Some(0)), (6, 2.0, Some(5), Some(1))]
        );
    }
}

#[test]
fn points_without_a_number_never_enter() {
    let (nan, open) = (f64::NAN, f64::INFINITY);
    // Two parts of a line that never meet, and one that is not finite altogether.
    let parts = components(&[1.0, nan, 0.0, 2.0, 0.5, open, 3.0], &[7], Adjacency::Faces);
    let found: Vec<_> = parts.iter().map(|b| (b.birth, b.death)).collect();
    assert_eq!(found, [(0.0, open), (1.0, open), (3.0, open), (0.5, 2.0)]);
    assert!(
        components(&[nan, open], &[2], Adjacency::Faces).is_empty()
            && components(&[], &[0, 0], Adjacency::Faces).is_empty()
    );
    // A ring around such a point is a hole for ever, from its highest point on.
    let ring = [2.0, 1.0, 1.0, 1.5, nan, 1.0, 1.0, 1.0, 1.0];
    let never =
        |adjacency| holes(&ring, &[3, 3], adjacency).iter().map(|b| (b.birth, b.death)).collect::<Vec<_>>();
    // By faces the ring leads through the corner as well.
    assert_eq!((never(Adjacency::Corners), never(Adjacency::Faces)), (vec![(1.5, open)], vec![(2.0, open)]));
    // A gap at the border is open to the outside.
    let mut gap = vec![1.0; 25];
    gap[2] = nan;
    assert!(holes(&gap, &[5, 5], Adjacency::Faces).is_empty());
}

#[test]
fn a_change_by_c_moves_no_end_of_a_bar_by_more_than_c() {
    let values = himmelblau(41);
    // A deterministic perturbation within c of the function.
    let c = 0.5;
    let moved: Vec<f64> = values.iter().enumerate().map(|(k, v)| v + c * ((k * 7919) as f64).sin()).collect();
    for (of, what) in [
        (components as fn(&[f64], &[usize], Adjacency) -> Vec<Bar>, "components"),
        (holes as fn(&[f64], &[usize], Adjacency) -> Vec<Bar>, "holes"),
    ] {
        let [before, after] = [&values, &moved].map(|v| of(v, &[41, 41], Adjacency::Faces));
        // Bars longer than 2c have partners; there are no more of them that are longer than 4c.
        let long = |bars: &[Bar], level: f64| bars.iter().filter(|b| b.length() > level).count();
        assert!(before != after && long(&before, 4.0 * c) <= long(&after, 2.0 * c), "{what}");
        for bar in before.iter().filter(|b| b.length() > 2.0 * c) {
            let near = |other: &&Bar| {
                (other.birth - bar.birth).abs() <= c
                    && (other.death == bar.death || (other.death - bar.death).abs() <= c)
            };
            assert!(after.iter().any(|other| near(&other)), "{what}: {bar:?}");
        }
    }
}

#[test]
fn the_band_of_standard_errors_holds_at_all_points_at_once() {
    // Losses of 2000 samples at 30 points: skewed, and alike from point to point, as those of a network are.
    let (population, points, few) = (2000, 30, 100);
    let own = gaussian("topology/samples", population);
    let noise = gaussian("topology/noise", population * points);
    let loss = |i: usize, k: usize| (0.5 * own[i] + 0.3 * noise[i * points + k] + 0.02 * k as f64).exp();
    let mean = |k: usize, of: &[usize]| of.iter().map(|i| loss(*i, k)).sum::<f64>() / of.len() as f64;
    let all: Vec<usize> = (0..population).collect();
    let truth: Vec<f64> = (0..points).map(|k| mean(k, &all)).collect();
    let (draws, confidence) = (200u64, 0.95);
    let z = normal_quantile((1.0 - confidence) / (2.0 * points as f64));
    let covered = (0..draws).filter(|draw| {
        // Samples in another order each time.
        let mut rng = Streams::new(7).stream("topology/draws", *draw);
        let mut keys: Vec<(f64, usize)> = all.iter().map(|i| (normal(&mut rng), *i)).collect();
        keys.sort_by(|a, b| a.0.total_cmp(&b.0));
        let some: Vec<usize> = keys.iter().take(few).map(|(_, i)| *i).collect();
        let error = |k: usize| {
            let m = mean(k, &some);
            let variance = some.iter().map(|i| (loss(*i, k) - m).powi(2)).sum::<f64>() / (few - 1) as f64;
            (variance / few as f64 * (1.0 - few as f64 / population as f64)).sqrt()
        };
        let band = z * (0..points).map(error).fold(0.0, f64::max);
        (0..points).all(|k| (mean(k, &some) - truth[k]).abs() <= band)
    });
    let (covered, n) = (covered.count() as f64, draws as f64);
    // At least its level, less two standard errors.
    assert!(
        covered / n >= confidence - 2.0 * (confidence * (1.0 - confidence) / n).sqrt(),
        "{covered} of {n}"
    );
}
