//! Against `libm` in f64, at the specials, and bit for bit between vectors and scalars.

use crate::autodiff::element::Element;
use crate::autodiff::elementary::vectorised;

/// One function in both types, its reference, and the errors allowed in ulp.
struct Case {
    name: &'static str,
    single: fn(f32) -> f32,
    double: fn(f64) -> f64,
    reference: fn(f64) -> f64,
    /// Allowed in f32, against the reference in f64, over all inputs.
    single_ulp: f64,
    /// Allowed in f64; the reference's own error, up to about 1 ulp, is part of it.
    double_ulp: f64,
}

macro_rules! case {
    ($name:ident, $reference:expr, $single_ulp:expr, $double_ulp:expr) => {
        Case {
            name: stringify!($name),
            single: <f32 as Element>::$name,
            double: <f64 as Element>::$name,
            reference: $reference,
            single_ulp: $single_ulp,
            double_ulp: $double_ulp,
        }
    };
}

fn cases() -> [Case; 10] {
    [
        case!(exp, libm::exp, 1.5, 1.5),
        case!(exp_m1, libm::expm1, 2.0, 3.0),
        case!(ln, libm::log, 1.5, 1.5),
        case!(ln_1p, libm::log1p, 2.0, 2.0),
        case!(tanh, libm::tanh, 3.0, 4.0),
        case!(sigmoid, sigmoid, 3.0, 3.0),
        case!(softplus, softplus, 2.5, 3.0),
        case!(erf, libm::erf, 2.5, 3.0),
        case!(normal_cdf, normal_cdf, 6.0, 8.0),
        case!(normal_pdf, normal_pdf, 2.5, 4.0),
    ]
}

fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) }
}

/// erfc(z) / 2 at z = -x / sqrt 2, with the rounding error of z put right to first order.
fn normal_cdf(x: f64) -> f64 {
    const LOW: f64 = -4.833_646_656_726_457e-17; // 1 / sqrt 2 less its rounded value
    let c = std::f64::consts::FRAC_1_SQRT_2;
    if x.is_infinite() {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let z = -x * c;
    let rest = libm::fma(-x, c, -z) - x * LOW;
    0.5 * (libm::erfc(z) - std::f64::consts::FRAC_2_SQRT_PI * libm::exp(-z * z) * rest)
}

/// e^(-x^2/2) / sqrt(2 pi), with the rounding error of the square put right to first order.
fn normal_pdf(x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    let square = x * x;
    let rest = libm::fma(x, x, -square);
    let value = libm::exp(-0.5 * square) * 0.398_942_280_401_432_7;
    if value == 0.0 { 0.0 } else { value * (1.0 - 0.5 * rest) }
}

/// |value - reference| in units of the last place of a type with `digits` bits and least exponent `least`.
fn error_in_ulp(value: f64, reference: f64, digits: i32, least: i32) -> f64 {
    if value.to_bits() == reference.to_bits() || value.is_nan() && reference.is_nan() {
        return 0.0;
    }
    let exponent = libm::ilogb(reference).clamp(least, 1023);
    // In two steps, as the unit of subnormal f64 is not the power of an ordinary exponent.
    libm::scalbn(
        libm::scalbn((value - reference).abs(), digits - 1 - exponent / 2),
        -(exponent - exponent / 2),
    )
}

/// Inputs with every sign and exponent: bit patterns a constant odd step apart.
fn single_inputs(count: u32) -> impl Iterator<Item = f32> {
    let step = (u32::MAX / count) | 1;
    (0..count).map(move |i| f32::from_bits(i.wrapping_mul(step)))
}

/// Inputs around the ranges where the functions change: magnitudes 2^-40 to 2^10, and all bit patterns now and then.
fn double_inputs(count: u64) -> impl Iterator<Item = f64> {
    (0..count).map(|i| {
        let word = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let exponent = if i % 16 == 0 { (word >> 52) & 0x7ff } else { 983 + i % 51 };
        f64::from_bits(word & !(0x7ff << 52) | exponent << 52)
    })
}

#[test]
fn single_precision_agrees_with_libm_over_all_bit_patterns() {
    for case in cases() {
        let mut worst = (0.0, 0.0);
        for x in single_inputs(1 << 22) {
            let reference = (case.reference)(f64::from(x));
            let value = f64::from((case.single)(x));
            // The rounded reference tells overflow and the infinities.
            let error = if (reference as f32).is_infinite() {
                error_in_ulp(value, f64::from(reference as f32), 24, -126)
            } else {
                error_in_ulp(value, reference, 24, -126)
            };
            assert!(!error.is_nan(), "{}({x:e}): {value:e}, expected {reference:e}", case.name);
            if error > worst.0 {
                worst = (error, x);
            }
        }
        println!("f32 {:<10} {:.2} ulp at {:e}", case.name, worst.0, worst.1);
        assert!(worst.0 <= case.single_ulp, "{}: {:.2} ulp at {:e}", case.name, worst.0, worst.1);
    }
}

#[test]
fn double_precision_agrees_with_libm() {
    for case in cases() {
        let mut worst = (0.0, 0.0);
        for x in double_inputs(1 << 20) {
            let (value, reference) = ((case.double)(x), (case.reference)(x));
            if reference != 0.0 && reference.abs() < f64::MIN_POSITIVE {
                // The references underflow in their own way.
                assert!((value - reference).abs() < 1e-322, "{}({x:e}): {value:e}", case.name);
                continue;
            }
            let error = error_in_ulp(value, reference, 53, -1022);
            assert!(!error.is_nan(), "{}({x:e}): {value:e}, expected {reference:e}", case.name);
            if error > worst.0 {
                worst = (error, x);
            }
        }
        println!("f64 {:<10} {:.2} ulp at {:e}", case.name, worst.0, worst.1);
        assert!(worst.0 <= case.double_ulp, "{}: {:.2} ulp at {:e}", case.name, worst.0, worst.1);
    }
}

/// Inputs where something special happens, for a type with the limits given.
macro_rules! specials {
    ($float:ident) => {
        [
            0.0,
            $float::MIN_POSITIVE,
            $float::MIN_POSITIVE / 2.0,
            $float::from_bits(1),
            $float::EPSILON,
            0.346_573_6,
            0.5,
            1.0,
            2.0,
            5.0,
            12.9,
            25.0,
            37.5,
            50.0,
            87.5,
            88.73,
            103.9,
            150.0,
            709.0,
            745.2,
            1e30,
            $float::MAX,
            $float::INFINITY,
            $float::NAN,
        ]
    };
}

macro_rules! limits {
    ($test:ident, $float:ident, $zero_from:expr) => {
        #[test]
        fn $test() {
            let (inf, nan) = ($float::INFINITY, $float::NAN);
            let same = |value: $float, expected: $float| {
                assert!(value.to_bits() == expected.to_bits(), "{value:e}, expected {expected:e}");
            };
            same(Element::exp(-inf), 0.0);
            same(Element::exp(inf), inf);
            same(Element::exp(-0.0 as $float), 1.0);
            same(Element::exp($zero_from), 0.0);
            same(Element::exp_m1(-inf), -1.0);
            same(Element::exp_m1(inf), inf);
            same(Element::ln(0.0 as $float), -inf);
            same(Element::ln(inf), inf);
            same(Element::ln(1.0 as $float), 0.0);
            assert!($float::is_nan(Element::ln(-1.0 as $float)) && $float::is_nan(Element::ln(-inf)));
            same(Element::ln_1p(-1.0 as $float), -inf);
            same(Element::ln_1p(inf), inf);
            assert!($float::is_nan(Element::ln_1p(-1.5 as $float)) && $float::is_nan(Element::ln_1p(-inf)));
            same(Element::tanh(inf), 1.0);
            same(Element::tanh(-inf), -1.0);
            same(Element::sigmoid(inf), 1.0);
            same(Element::sigmoid(-inf), 0.0);
            same(Element::sigmoid(0.0 as $float), 0.5);
            same(Element::softplus(inf), inf);
            same(Element::softplus(-inf), 0.0);
            same(Element::erf(inf), 1.0);
            same(Element::erf(-inf), -1.0);
            same(Element::normal_cdf(inf), 1.0);
            same(Element::normal_cdf(-inf), 0.0);
            same(Element::normal_cdf(0.0 as $float), 0.5);
            same(Element::normal_pdf(inf), 0.0);
            same(Element::normal_pdf(-inf), 0.0);
            for odd in [Element::exp_m1, Element::ln_1p, Element::tanh, Element::erf] {
                let odd: fn($float) -> $float = odd;
                same(odd(0.0), 0.0);
                same(odd(-0.0), -0.0);
            }
            same(Element::tanh($float::from_bits(1)), $float::from_bits(1));
            same(Element::exp_m1($float::from_bits(1)), $float::from_bits(1));
            same(Element::ln_1p($float::from_bits(1)), $float::from_bits(1));
            assert!(
                $float::is_nan(Element::max(nan, 1.0 as $float))
                    && $float::is_nan(Element::min(nan, 1.0 as $float))
            );
            same(Element::max(1.0 as $float, nan), 1.0);
            same(Element::min(1.0 as $float, 2.0), 1.0);
        }
    };
}
limits!(single_precision_at_the_limits, f32, -104.0);
limits!(double_precision_at_the_limits, f64, -745.2);

/// The same loop with the machine's vectors and with single elements must give the same bits.
macro_rules! vectors_and_scalars {
    ($test:ident, $float:ident, $inputs:expr, $($function:ident)*) => {
        #[test]
        fn $test() {
            let specials = specials!($float);
            let inputs: Vec<$float> =
                specials.into_iter().chain(specials.map(|x| -x)).chain($inputs).collect();
            $(
                let mut values = vec![0.0; inputs.len()];
                vectorised(
                    #[inline(always)]
                    || {
                        for (value, &x) in values.iter_mut().zip(&inputs) {
                            *value = Element::$function(x);
                        }
                    },
                );
                for (&value, &x) in values.iter().zip(&inputs) {
                    let expected: $float = Element::$function(std::hint::black_box(x));
                    assert!(
                        value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan(),
                        "{}({x:e}): {value:e} in a vector, {expected:e} alone",
                        stringify!($function)
                    );
                }
            )*
        }
    };
}
vectors_and_scalars!(single_precision_has_the_same_bits_in_vectors, f32, single_inputs(30_011),
    exp exp_m1 ln ln_1p tanh sigmoid softplus erf normal_cdf normal_pdf);
vectors_and_scalars!(double_precision_has_the_same_bits_in_vectors, f64, double_inputs(30_011),
    exp exp_m1 ln ln_1p tanh sigmoid softplus erf normal_cdf normal_pdf);

#[test]
fn polynomials_of_every_length_are_summed_in_order() {
    use super::polynomial;
    assert_eq!(polynomial(2.0, [1.0, 3.0]), 7.0);
    assert_eq!(polynomial(2.0, [1.0, 3.0, 5.0]), 27.0);
    assert_eq!(polynomial(2.0, [1.0, 3.0, 5.0, 7.0]), 83.0);
    assert_eq!(polynomial(2.0, [1.0, 3.0, 5.0, 7.0, 9.0]), 227.0);
}
