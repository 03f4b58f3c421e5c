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
    for text in ["leaky-relu:slope=-0.3", "elu:alpha=0.4", "celu:alpha=1.7"] {
        all.push(Activation::parse(text).expect("valid settings"));
    }
    all
}

/// Points from -8 to 8, no nearer to a kink, or to 0, than 1e-2; exact in single precision.
fn points(kind: &Activation) -> Vec<f64> {
    let points = (-430..=430).map(|i| f64::from(i as f32 * 0.0186 + 0.0009));
    let apart = |x: &f64| kind.kinks().iter().chain(&[0.0]).all(|kink| (x - kink).abs() > 1e-2);
    points.filter(|x| apart(x) && x.abs() <= 8.0).collect()
}

#[test]
fn every_activation_has_a_true_slope_and_curvature() {
    for kind in tried() {
        let x = points(&kind);
        assert!(x.len() > 800);
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
    let setting = |key: &str| kind.settings()[key].as_float().expect("a number");
    Some(match kind.name() {
        "relu" => x.max(0.0),
        "leaky-relu" => {
            if x < 0.0 {
                setting("slope") * x
            } else {
                x
            }
        }
        "tanh" => x.tanh(),
        "sigmoid" => logistic,
        "softplus" => (1.0 + x.exp()).ln(),
        "gelu" => x * 0.5 * (1.0 + libm::erf(x / 2f64.sqrt())),
        "silu" => x * logistic,
        "mish" => x * (1.0 + x.exp()).ln().tanh(),
        "elu" => {
            if x > 0.0 {
                x
            } else {
                setting("alpha") * (x.exp() - 1.0)
            }
        }
        "selu" => 1.0507009873554805 * if x > 0.0 { x } else { 1.6732632423543772 * (x.exp() - 1.0) },
        "celu" => x.max(0.0) + (setting("alpha") * ((x / setting("alpha")).exp() - 1.0)).min(0.0),
        "softsign" => x / (1.0 + x.abs()),
        "hard-tanh" => x.clamp(-1.0, 1.0),
        "squared-relu" => x.max(0.0).powi(2),
        "quadratic" => x * x,
        "identity" => x,
        _ => return None,
    })
}

/// Derivatives jump where a kind says, and nowhere else: across 2e-6, a smooth function's move by some 1e-5.
#[test]
fn kinks_are_where_they_are_declared() {
    const H: f64 = 1e-6;
    for kind in tried() {
        let curve = kind.curve();
        let jump = |x: f64| {
            let jump = |order| {
                let sides = at(curve.as_ref(), order, &[x - H, x + H]);
                (sides[1] - sides[0]).abs()
            };
            jump(1).max(jump(2))
        };
        for kink in kind.kinks() {
            assert!(jump(*kink) > 0.1, "{kind}: no jump at {kink}, {:e}", jump(*kink));
        }
        for i in -400..=400 {
            let x = f64::from(i) / 50.0;
            if kind.kinks().iter().all(|kink| (kink - x).abs() > 1e-3) {
                assert!(jump(x) < 1e-4, "{kind}: an undeclared jump of {:e} at {x}", jump(x));
            }
        }
    }
}

#[test]
fn activations_are_the_functions_of_their_names() {
    for kind in tried() {
        let x = points(&kind);
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
    for kind in tried() {
        let x = points(&kind);
        let single: Vec<f32> = x.iter().map(|x| *x as f32).collect();
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
    let mut found = 0;
    for kind in tried() {
        let x = points(&kind);
        let curvature = at(kind.curve().as_ref(), 2, &x);
        if kind.curve().piecewise_linear() {
            found += 1;
            assert!(curvature.iter().all(|c| *c == 0.0), "{kind} is not piecewise linear");
        } else {
            assert!(curvature.iter().any(|c| *c != 0.0), "{kind} is piecewise linear");
        }
    }
    assert!(found >= 4, "relu, leaky-relu, hard-tanh and identity are piecewise linear");
}
