//! Every curve that the tape's maps may apply: its derivatives against differences, and single precision against double.

use losscape::autodiff::Element;
use losscape::autodiff::curves::{
    self, Atan, Cos, Erf, Example, ExpM1, GeluTanh, Log1p, Round, Sin, Sinh, Sqrt, Tan,
};
use losscape::autodiff::primitives::map::{Curve, Scalar};

/// The derivative of the given order at each x.
fn at(curve: &dyn Curve, order: u8, x: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.len()];
    Element::apply(curve, order, x, &mut out);
    out
}

/// Numbers within the range of an example, away from its kinks.
fn points((_, range, kinks): &Example) -> Vec<f64> {
    let step = (range.end - range.start) / 997.0;
    let all = (0..997).map(|i| range.start + (f64::from(i) + 0.37) * step);
    all.filter(|x| kinks.iter().all(|k| (x - k).abs() > 1e-3)).collect()
}

#[test]
fn every_curve_has_true_derivatives() {
    for example in curves::examples() {
        let (curve, points) = (&*example.0, points(&example));
        for order in 0..2 {
            const STEP: f64 = 1e-5;
            let moved = |t: f64| at(curve, order, &points.iter().map(|x| x + t).collect::<Vec<_>>());
            let slopes = at(curve, order + 1, &points);
            // Fourth-order differences: rounding of the value over the step is what is left.
            let sides: Vec<Vec<f64>> = [1.0, -1.0, 2.0, -2.0].iter().map(|t| moved(t * STEP)).collect();
            for (i, x) in points.iter().enumerate() {
                let difference =
                    (8.0 * (sides[0][i] - sides[1][i]) - (sides[2][i] - sides[3][i])) / (12.0 * STEP);
                let size = slopes[i].abs() + sides[0][i].abs() + 1e-3;
                let error = (difference - slopes[i]).abs();
                assert!(
                    error <= 1e-9 * size,
                    "{curve:?}, order {order} at {x}: {} not {difference}",
                    slopes[i]
                );
            }
        }
    }
}

/// What claims to have no derivative, or no second one, has none; the claims that make tangents structural zeros.
#[test]
fn flat_curves_are_flat() {
    for example in curves::examples() {
        let (curve, points) = (&*example.0, points(&example));
        let all_zero = |order| at(curve, order, &points).iter().all(|d| *d == 0.0);
        // x^0 and x^1 are known only when they run.
        let fixed = format!("{curve:?}").starts_with("Power");
        assert!(fixed || curve.piecewise_constant() == all_zero(1), "{curve:?}");
        assert!(fixed || curve.piecewise_linear() == all_zero(2), "{curve:?}");
    }
}

#[test]
fn single_precision_is_within_a_few_units_of_double() {
    for example in curves::examples() {
        let (curve, points) = (&*example.0, points(&example));
        let single: Vec<f32> = points.iter().map(|x| *x as f32).collect();
        let rounded: Vec<f64> = single.iter().map(|x| f64::from(*x)).collect();
        for order in 0..3 {
            let mut out = vec![f32::NAN; single.len()];
            Element::apply(curve, order, &single, &mut out);
            for ((x, found), wanted) in rounded.iter().zip(out).zip(at(curve, order, &rounded)) {
                // A rounded inner argument is off by as much as it is large, and derivatives have zeros.
                let slack = f64::from(f32::EPSILON) * (8.0 + 2.0 * x * x);
                let error = (f64::from(found) - wanted).abs();
                assert!(
                    error <= slack * wanted.abs() + 2e-7,
                    "{curve:?}, order {order} at {x}: {found}, {wanted}"
                );
            }
        }
    }
}

/// Against the standard library's, which are correct to less than an ulp.
#[test]
fn sines_are_within_two_units() {
    let xs = (0..4000).flat_map(|i| {
        let near = f64::from(i) * std::f64::consts::FRAC_PI_4;
        [near, near * 1e5, near * 0.037, -near * 1.1e10, near + 1e-9, f64::from(i) * 1e-5]
    });
    for x in xs {
        for (found, wanted) in [(Sin.value(x), x.sin()), (Cos.value(x), x.cos())] {
            let error = (found - wanted).abs();
            assert!(error <= 2.0 * f64::EPSILON * wanted.abs(), "at {x:e}: {found:e}, not {wanted:e}");
        }
    }
    assert!(Sin.value(f64::INFINITY).is_nan() && Cos.value(1e300_f64).is_nan());
}

/// As IEEE 754 has it: odd functions of -0 are -0.
#[test]
fn odd_functions_keep_the_sign_of_zero() {
    let curves: [&dyn Curve; 9] = [&Sin, &Tan, &Atan, &Sinh, &Erf, &ExpM1, &Log1p, &Sqrt, &Round];
    for curve in curves {
        let mut single = [f32::NAN; 2];
        Element::apply(curve, 0, &[-0.0_f32, 0.0], &mut single);
        let double: Vec<u64> = at(curve, 0, &[-0.0, 0.0]).iter().map(|x| x.to_bits()).collect();
        assert_eq!(double, [-0.0_f64, 0.0].map(f64::to_bits), "{curve:?}");
        assert_eq!(single.map(f32::to_bits), [-0.0_f32, 0.0].map(f32::to_bits), "{curve:?}");
    }
}

/// Far out, where a factor overflows and another underflows, values and derivatives are the limits and not NaN.
#[test]
fn curves_have_their_limits_far_out() {
    for x in [1e3, 1e150, f64::INFINITY] {
        assert_eq!([0, 1, 2].map(|k| at(&GeluTanh, k, &[x])[0]), [x, 1.0, 0.0]);
        assert_eq!([0, 1, 2].map(|k| at(&GeluTanh, k, &[-x])[0].abs()), [0.0, 0.0, 0.0]);
        assert_eq!([0, 1, 2].map(|k| at(&Erf, k, &[-x])[0]), [-1.0, 0.0, 0.0]);
    }
    // Its slope keeps its relative accuracy where e^(-x^2) is small: 2/sqrt(pi) e^(-25), from 30 digits.
    let slope: f64 = Erf.slope(5.0);
    assert!((slope / 1.567_086_653_101_733_7e-11 - 1.0).abs() < 1e-15, "{slope:e}");
}
