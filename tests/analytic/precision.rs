//! Cross-entropy where it is hard: confident predictions, ties, infinities, NaN.
//!
//! The logits are the parameters: one layer without bias whose one input is 1.

use crate::analytic::{network, objective};
use losscape::autodiff::Element;
use losscape::nn::Evaluation;

fn evaluate<E: Element>(loss: &str, logits: &[f64], label: u32) -> (Evaluation, Vec<f64>) {
    let network = network("mlp:hidden=[],bias=false", loss, 1, logits.len());
    let theta: Vec<E> = logits.iter().map(|z| E::from_f64(*z)).collect();
    let objective = objective::<E>(&network, &[1.0], &[label]);
    let (evaluation, gradient) = objective.gradient(&theta, &[]);
    let alone = objective.evaluate(&theta, &[]);
    assert_eq!(evaluation.loss.to_bits(), alone.loss.to_bits(), "with and without a gradient");
    assert_eq!(evaluation.accuracy.to_bits(), alone.accuracy.to_bits());
    (evaluation, gradient)
}

fn relative(what: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found / expected - 1.0).abs();
    assert!(error <= tolerance, "{what}: {found:e}, not {expected:e}: relative error {error:e}");
}

/// e^-60 = 8.7565107626965204e-27, long lost beside 1 and far below the resolution of f32 at 60.
#[test]
fn a_confident_correct_prediction_keeps_its_tiny_loss() {
    const TINY: f64 = 8.756510762696521e-27;
    fn check<E: Element>(tolerance: f64) {
        // A common shift changes nothing: its sum with the gap is exact.
        for shift in [0.0, 1024.0, -1024.0] {
            for (others, labels) in [(1, [0, 1]), (3, [2, 0])] {
                for label in labels {
                    let mut logits = vec![shift; others + 1];
                    logits[label as usize] += 60.0;
                    let (evaluation, gradient) = evaluate::<E>("cross-entropy", &logits, label);
                    let what = format!("{} {logits:?}", E::NAME);
                    relative(&what, evaluation.loss, others as f64 * TINY, tolerance);
                    assert_eq!(evaluation.accuracy, 1.0);
                    let wrong = (label as usize + 1) % logits.len();
                    relative(&what, gradient[wrong], TINY, tolerance);
                }
            }
        }
    }
    check::<f64>(1e-14);
    check::<f32>(1e-6);
}

#[test]
fn a_confident_wrong_prediction_loses_the_gap() {
    fn check<E: Element>(tolerance: f64) {
        for gap in [60.0, 1e4, 1e30] {
            let (evaluation, gradient) = evaluate::<E>("cross-entropy", &[gap, 0.0], 1);
            relative(E::NAME, evaluation.loss, gap, tolerance);
            assert_eq!((evaluation.accuracy, gradient[0], gradient[1]), (0.0, 1.0, -1.0));
        }
    }
    check::<f64>(1e-15);
    check::<f32>(1e-7);
}

/// ln(e^60 + 2) - (1 - 2s/3) 60 = 40 s for a smoothing s, to within e^-60.
#[test]
fn smoothing_charges_for_confidence() {
    for smoothing in [0.1, 0.5, 1.0] {
        let loss = format!("cross-entropy:smoothing={smoothing}");
        let expected = 40.0 * smoothing;
        let logits = [60.0, 0.0, 0.0];
        // Targets are rounded numbers: their error times the logits, 60 of them.
        relative("f64", evaluate::<f64>(&loss, &logits, 0).0.loss, expected, 4e-15);
        relative("f32", evaluate::<f32>(&loss, &logits, 0).0.loss, expected, 4e-6);
        // The least loss is the entropy of the target, and is reached at its logarithm.
        let (on, off) = (1.0 - 2.0 * smoothing / 3.0, smoothing / 3.0);
        let (evaluation, gradient) = evaluate::<f64>(&loss, &[f64::ln(on), f64::ln(off), f64::ln(off)], 0);
        relative("entropy", evaluation.loss, -on * on.ln() - 2.0 * off * off.ln(), 1e-14);
        assert!(gradient.iter().all(|g| g.abs() <= 1e-15), "{gradient:?}");
    }
}

#[test]
fn ties_cost_the_logarithm_of_their_number() {
    fn check<E: Element>(tolerance: f64) {
        for shift in [0.0, 5.0, -1e4, 1e20] {
            for classes in [2, 3, 10] {
                for label in 0..classes {
                    let logits = vec![shift; classes as usize];
                    let (evaluation, _) = evaluate::<E>("cross-entropy", &logits, label);
                    relative(E::NAME, evaluation.loss, f64::from(classes).ln(), tolerance);
                    // Of equal outputs the first counts.
                    assert_eq!(evaluation.accuracy, if label == 0 { 1.0 } else { 0.0 });
                }
            }
        }
        let two_of_three = evaluate::<E>("cross-entropy", &[60.0, 60.0, 0.0], 1).0;
        relative(E::NAME, two_of_three.loss, 2f64.ln(), tolerance);
    }
    check::<f64>(4e-16);
    check::<f32>(2e-7);
}

#[test]
fn nan_is_neither_a_loss_of_zero_nor_a_correct_answer() {
    fn check<E: Element>() {
        for loss in ["cross-entropy", "cross-entropy:smoothing=0.1", "squared-error"] {
            for classes in [2, 3, 5] {
                for bad in 0..classes {
                    for label in 0..classes {
                        let mut logits: Vec<f64> = (0..classes).map(f64::from).collect();
                        logits[label as usize] = 100.0;
                        logits[bad as usize] = f64::NAN;
                        let (evaluation, gradient) = evaluate::<E>(loss, &logits, label);
                        let what = format!("{loss} of {logits:?} with label {label}");
                        assert!(evaluation.loss.is_nan(), "{what}: {}", evaluation.loss);
                        assert!(evaluation.accuracy.is_nan(), "{what} has an accuracy");
                        assert!(gradient.iter().any(|g| g.is_nan()), "{what}: gradient {gradient:?}");
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn infinite_logits_are_never_a_small_loss_by_mistake() {
    fn check<E: Element>() {
        let of = |logits: &[f64], label| evaluate::<E>("cross-entropy", logits, label).0.loss;
        // Impossible and not asked for: it costs nothing.
        relative("the rest", of(&[0.0, f64::NEG_INFINITY, 0.0], 0), 2f64.ln(), 2e-7);
        assert_eq!(of(&[0.0, f64::NEG_INFINITY], 1), f64::INFINITY);
        for logits in [[f64::INFINITY, 0.0], [f64::INFINITY, f64::INFINITY], [f64::NEG_INFINITY; 2]] {
            for label in 0..2 {
                assert!(!of(&logits, label).is_finite(), "{logits:?}, label {label}: {}", of(&logits, label));
            }
        }
    }
    check::<f64>();
    check::<f32>();
}
