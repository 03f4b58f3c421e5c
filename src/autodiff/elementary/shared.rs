//! The algorithms, written once for both types: [`elementary_functions`] expands to them in `single` and `double`, where
//! the constants that they name stand.
//!
//! A macro and not a generic function: the work is on bits and on constants of a type, which no stable trait gives.

/// Defines the elementary functions of the float type `$float`, whose bits are a `$bits`.
macro_rules! elementary_functions {
    ($float:ident, $bits:ident) => {
        /// The exponent of 1.0, as it is stored.
        const BIAS: $bits = $float::MAX_EXP as $bits - 1;
        /// Where the exponent begins.
        const EXPONENT_AT: u32 = $float::MANTISSA_DIGITS - 1;
        /// Added to a small number, this leaves the nearest integer in the lowest bits.
        const ROUNDING: $float = 1.5 / $float::EPSILON;

        /// x + `rest` = n ln 2 + r, as (n + `offset` in the lowest bits of a float, r).
        ///
        /// |r| <= ln(2)/2 + |rest|; `rest` is a small correction, `offset` an integer.
        #[inline(always)]
        fn reduce(x: $float, rest: $float, offset: $float) -> ($float, $float) {
            let rounded = x * std::$float::consts::LOG2_E + (ROUNDING + offset);
            let n = rounded - (ROUNDING + offset);
            (rounded, (x - n * LN_2_HIGH) - (n * LN_2_LOW - rest))
        }

        /// The float whose stored exponent is the lowest bits of `word`: 2^(word - BIAS).
        #[inline(always)]
        fn power_of_two(word: $bits) -> $float {
            $float::from_bits(word << EXPONENT_AT)
        }

        /// e^r - 1 for |r| <= ln(2)/2.
        #[inline(always)]
        fn exp_m1_reduced(r: $float) -> $float {
            r + (r * r) * polynomial(r, EXP)
        }

        /// e^(x + rest) for |x| <= 1.1 |`EXP_IS_ZERO`| (and NaN).
        ///
        /// The factor 2^n comes in two halves, so that the result overflows and underflows as it should.
        #[inline(always)]
        fn exp_split(x: $float, rest: $float) -> $float {
            let (rounded, r) = reduce(x, rest, (2 * BIAS) as $float);
            let word = rounded.to_bits();
            let half = word >> 1;
            (1.0 + exp_m1_reduced(r)) * power_of_two(half) * power_of_two(word.wrapping_sub(half))
        }

        /// e^y for y <= 0 (and NaN).
        #[inline(always)]
        fn exp_of_negative(y: $float) -> $float {
            exp_split(if y < EXP_IS_ZERO { EXP_IS_ZERO } else { y }, 0.0)
        }

        /// e^y - 1 for -50 <= y <= 0 (and NaN).
        #[inline(always)]
        fn exp_m1_of_negative(y: $float) -> $float {
            let (rounded, r) = reduce(y, 0.0, BIAS as $float);
            let scale = power_of_two(rounded.to_bits());
            scale * exp_m1_reduced(r) + (scale - 1.0)
        }

        /// e^x. It overflows to infinity and underflows gradually.
        #[inline(always)]
        pub fn exp(x: $float) -> $float {
            // Selects rather than `clamp`: a NaN passes through.
            exp_of_negative(if x > EXP_IS_INFINITE { EXP_IS_INFINITE } else { x })
        }

        /// e^x - 1, accurate near 0.
        #[inline(always)]
        pub fn exp_m1(x: $float) -> $float {
            let y = if x > EXP_IS_INFINITE { EXP_IS_INFINITE } else { x };
            let y = if y < -50.0 { -50.0 } else { y };
            // Half the result, as 2^n itself may overflow.
            let (rounded, r) = reduce(y, 0.0, (BIAS - 1) as $float);
            let half_scale = power_of_two(rounded.to_bits());
            let p = exp_m1_reduced(r);
            let far = (half_scale * p + (half_scale - 0.5)) * 2.0;
            let value = if half_scale == 0.5 { p } else { far };
            value.copysign(x)
        }

        /// k ln 2 + ln(1 + f), from R(s^2) = (ln((1 + s) / (1 - s)) / s - 2) / s^2 with s = f / (2 + f).
        ///
        /// ln(1 + f) = 2 s + s^3 R = f - (f^2/2 - s (f^2/2 + s^2 R)): the large terms are exact or nearly so
        /// (FreeBSD msun, `e_log.c`).
        #[inline(always)]
        fn ln_of_parts<const N: usize>(k: $float, f: $float, coefficients: [$float; N]) -> $float {
            let s = f / (2.0 + f);
            let square = s * s;
            let half_square = 0.5 * (f * f);
            let bend = s * (half_square + square * polynomial(square, coefficients));
            k * LN_2_HIGH + (f - (half_square - (bend + k * LN_2_LOW)))
        }

        /// x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), as (k + BIAS, 1 + f). For normal x > 0.
        #[inline(always)]
        fn split_exponent(x: $float) -> ($bits, $float) {
            const SQRT_HALF: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
            let word = x.to_bits().wrapping_add((BIAS << EXPONENT_AT) - SQRT_HALF);
            let mantissa = (word & ((1 << EXPONENT_AT) - 1)).wrapping_add(SQRT_HALF);
            (word >> EXPONENT_AT, $float::from_bits(mantissa))
        }

        /// k + BIAS, an integer, as the float k.
        #[inline(always)]
        fn unbiased(exponent: $bits) -> $float {
            const ONES: $float = 1.0 / $float::EPSILON; // its lowest bit counts ones
            $float::from_bits(ONES.to_bits() | exponent) - (ONES + BIAS as $float)
        }

        /// ln x: NaN below 0, -infinity at 0.
        #[inline(always)]
        pub fn ln(x: $float) -> $float {
            let subnormal = x < $float::MIN_POSITIVE;
            let lifted = if subnormal { x * (1.0 / $float::EPSILON) } else { x };
            let lift = if subnormal { EXPONENT_AT as $float } else { 0.0 };
            let (exponent, mantissa) = split_exponent(lifted);
            let value = ln_of_parts(unbiased(exponent) - lift, mantissa - 1.0, LN);
            let value = if x < $float::INFINITY { value } else { x };
            let value = if x == 0.0 { $float::NEG_INFINITY } else { value };
            if x < 0.0 { $float::NAN } else { value }
        }

        /// ln(1 + x), accurate near 0: NaN below -1, -infinity at -1.
        #[inline(always)]
        pub fn ln_1p(x: $float) -> $float {
            let (exponent, _) = split_exponent(1.0 + x);
            // 4 f = 2^(2-k) x + (2^(2-k) - 4), from x and not from the rounded 1 + x; the 4 keeps the power normal for
            // the largest x.
            let scale = power_of_two((2 * BIAS + 2).wrapping_sub(exponent));
            let f = 0.25 * (x * scale + (scale - 4.0));
            let value = ln_of_parts(unbiased(exponent), f, LN).copysign(x);
            let value = if x < $float::INFINITY { value } else { x };
            let value = if x == -1.0 { $float::NEG_INFINITY } else { value };
            if x < -1.0 { $float::NAN } else { value }
        }

        /// The hyperbolic tangent.
        #[inline(always)]
        pub fn tanh(x: $float) -> $float {
            let a = x.abs();
            let a = if a > 25.0 { 25.0 } else { a }; // 1 to the last bit from here on
            let m = exp_m1_of_negative(-2.0 * a);
            (m / (2.0 + m)).copysign(x)
        }

        /// The logistic function 1 / (1 + e^-x), with relative accuracy for negative x, where it underflows gradually.
        #[inline(always)]
        pub fn sigmoid(x: $float) -> $float {
            let e = exp_of_negative(-x.abs());
            (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
        }

        /// ln(1 + e^x), with relative accuracy for negative x, where it underflows gradually.
        #[inline(always)]
        pub fn softplus(x: $float) -> $float {
            let rest = ln_of_parts(0.0, exp_of_negative(-x.abs()), LN_TO_TWO);
            (if x > 0.0 { x } else { 0.0 }) + rest
        }

        /// The error function 2/sqrt(pi) int_0^x e^(-t^2) dt.
        #[inline(always)]
        pub fn erf(x: $float) -> $float {
            const SLOPE: $float = std::$float::consts::FRAC_2_SQRT_PI;
            let a = x.abs();
            let a = if a > ERF_IS_ONE { ERF_IS_ONE } else { a };
            let bend = polynomial(a, ERF_NUMERATOR) / polynomial(a, ERF_DENOMINATOR);
            let p = a * SLOPE + a * (ERF_SLOPE_REST + a * bend);
            exp_m1_of_negative(-p).copysign(x)
        }

        /// e^(-a^2/2) for 0 <= a <= `DENSITY_IS_ZERO` (and NaN).
        ///
        /// a^2 = h^2 + (a - h)(a + h) with h the upper half of a's bits, whose square is exact.
        #[inline(always)]
        fn density(a: $float) -> $float {
            const UPPER_HALF: $bits = !((1 << $float::MANTISSA_DIGITS.div_ceil(2)) - 1);
            let h = $float::from_bits(a.to_bits() & UPPER_HALF);
            exp_split(-0.5 * (h * h), -0.5 * ((a - h) * (a + h)))
        }

        /// The standard normal distribution function Phi(x) = erfc(-x / sqrt 2) / 2, with relative accuracy for negative
        /// x, where it underflows gradually.
        ///
        /// Next to [`normal_pdf`] of the same x the compiler computes the exponential once.
        #[inline(always)]
        pub fn normal_cdf(x: $float) -> $float {
            let a = x.abs();
            let a = if a > DENSITY_IS_ZERO { DENSITY_IS_ZERO } else { a };
            let tail = density(a) * (polynomial(a, TAIL_NUMERATOR) / polynomial(a, TAIL_DENOMINATOR));
            if x < 0.0 { tail } else { 1.0 - tail }
        }

        /// The standard normal density e^(-x^2/2) / sqrt(2 pi). It underflows gradually.
        #[inline(always)]
        pub fn normal_pdf(x: $float) -> $float {
            #[allow(clippy::excessive_precision)] // the digits of f64 serve f32 too
            const HEIGHT: $float = 0.398_942_280_401_432_7; // 1 / sqrt(2 pi)
            let a = x.abs();
            let a = if a > DENSITY_IS_ZERO { DENSITY_IS_ZERO } else { a };
            density(a) * HEIGHT
        }
    };
}

pub(super) use elementary_functions;
