//! Every activation: its two derivatives, its bits in single precision, its behaviour far out.

use losscape::autodiff::Element;
use losscape::autodiff::primitives::map::Curve;
use losscape::base::registry::Registry;
use losscape::nn::activations::Activation;

fn at<E: Element>(curve: &dyn Curve, order: u8, x: &[E]) -> Vec<E> {
    let mut out = vec![E::ZERO; x.len()];
    E::apply(curve, order, x, &mut out);
    out
}

/// Every kind with its defaults, and some with settings of their own.
pub fn tried() -> Vec<Activation> {
    let mut all = Activation::all();
    all.push(Activation::parse("leaky-relu:slope=-0.3").expect("a valid slope"));
    all
}

/// Points from -8 to 8, no nearer to 0, where kinks are, than 1e-2; exact in single precision.
fn points() -> Vec<f64> {
    let points = (-430..=430).map(|i| f64::from(i as f32 * 0.0186 + 0.0009));
    points.filter(|x| x.abs() > 1e-2 && x.abs() <= 8.0).collect()
}

#[test]
fn every_activation_has_a_true_slope_and_curvature() {
    let x = points();
    assert!(x.len() > 800);
    for kind in tried() {
        let curve = kind.curve();
        for order in 0..2 {
            let shifted = |t: f64| at(curve.as_ref(), order, &x.iter().map(|x| x + t).collect::<Vec<f64>>());
            // The error of five points a step of 1e-3 apart: h^4 f^(5) / 30 and 1.5e-16 f / h, some 1e-12 each.
            const H: f64 = 1e-3;
            let [far_up, up, down, far_down] = [2.0 * H, H, -H, -2.0 * H].map(shifted);
            let derivative = at(curve.as_ref(), order + 1, &x);
            for (i, x) in x.iter().enumerate() {
                let slope = (8.0 * (up[i] - down[i]) - (far_up[i] - far_down[i])) / (12.0 * H);
                let error = (slope - derivative[i]).abs();
                let claim = derivative[i];
                assert!(
                    error <= 1e-10,
                    "{kind}: derivative {} of {claim} at {x} off by {error:e}",
                    order + 1
                );
            }
        }
    }
}

/// The formulas as a textbook has them, through the system's functions.
fn textbook(kind: &Activation, x: f64) -> Option<f64> {
    let logistic = 1.0 / (1.0 + (-x).exp());
    Some(match kind.name() {
        "relu" => x.max(0.0),
        "leaky-relu" => {
            let slope = kind.settings()["slope"].as_float().expect("a number");
            if x < 0.0 { slope * x } else { x }
        }
        "tanh" => x.tanh(),
        "sigmoid" => logistic,
        "softplus" => (1.0 + x.exp()).ln(),
        "gelu" => x * 0.5 * (1.0 + libm::erf(x / 2f64.sqrt())),
        "silu" => x * logistic,
        "identity" => x,
        _ => return None,
    })
}

#[test]
fn activations_are_the_functions_of_their_names() {
    let x = points();
    for kind in tried() {
        for (x, found) in x.iter().zip(at(kind.curve().as_ref(), 0, &x)) {
            let Some(expected) = textbook(&kind, *x) else { continue };
            // Both sides round: 1 + erf and ln(1 + e^x) lose up to 1e-15 of absolute accuracy.
            assert!(
                (found - expected).abs() <= 4e-15 * (1.0 + x.abs()),
                "{kind}({x}): {found}, not {expected}"
            );
        }
    }
}

#[test]
fn every_activation_agrees_in_single_precision() {
    let x = points();
    let single: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    for kind in tried() {
        let curve = kind.curve();
        for order in 0..3 {
            let pairs = at(curve.as_ref(), order, &x).into_iter().zip(at(curve.as_ref(), order, &single));
            for (i, (wide, narrow)) in pairs.enumerate() {
                let error = (wide - f64::from(narrow)).abs();
                // 8 units in the last place of the value, and 2 of 1: the derivatives are differences of such numbers.
                let allowed = f64::from(f32::EPSILON) * (8.0 * wide.abs() + 2.0);
                assert!(error <= allowed, "{kind}, order {order}: {narrow} for {wide} at {}", x[i]);
            }
        }
    }
}

fn survives<E: Element>(most: f64) {
    let least = E::EPSILON.to_f64();
    let finite = [0.0, -0.0, least, -least, 40.0, 90.0, 1e3, 1e4, 1e10, most.sqrt(), most / 2.0, most];
    for kind in tried() {
        let curve = kind.curve();
        let of = |order, x: f64| at(curve.as_ref(), order, &[E::from_f64(x)])[0].to_f64();
        assert!(of(0, f64::NAN).is_nan(), "{kind} of NaN is {}", of(0, f64::NAN));
        for order in 0..3 {
            let what = format!("{kind} in {}, order {order}", E::NAME);
            for x in finite.iter().flat_map(|x| [*x, -*x]) {
                assert!(!of(order, x).is_nan(), "{what}, of {x:e} is NaN");
            }
            for sign in [1.0, -1.0] {
                let [near, far, infinite] = [1e4, 1e5, f64::INFINITY].map(|x| of(order, sign * x));
                if (near - far).abs() <= 1e-3 {
                    // Far out it no longer changes: there is a limit, and it is reached.
                    let error = (infinite - far).abs();
                    assert!(error <= 1e-3, "{what}, of {} is {infinite}, not {far}", sign * f64::INFINITY);
                }
            }
        }
    }
}

#[test]
fn every_activation_survives_special_values() {
    survives::<f64>(f64::MAX);
    survives::<f32>(f64::from(f32::MAX));
}

/// f'' is left out of products where it is claimed to be zero.
#[test]
fn structural_zeros_of_activations_are_zero() {
    let x = points();
    let mut found = 0;
    for kind in tried() {
        let curvature = at(kind.curve().as_ref(), 2, &x);
        if kind.curve().piecewise_linear() {
            found += 1;
            assert!(curvature.iter().all(|c| *c == 0.0), "{kind} is not piecewise linear");
        } else {
            assert!(curvature.iter().any(|c| *c != 0.0), "{kind} is piecewise linear");
        }
        assert!(!kind.has_kink() || kind.curve().piecewise_linear(), "{kind} has a kink");
    }
    assert!(found >= 3, "relu, leaky-relu and identity are piecewise linear");
}
