//! Scales: how values spread along an axis, where its ticks and contour levels are, and how they are written.

use crate::figure::{Axis, Scale};

/// The ends of an axis, linear, logarithmic, or logarithmic with zero; `low < high`, both finite, and positive if `log`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Equal steps for equal ratios.
    pub log: bool,
    /// Where it is above 0: equal steps for equal ratios far above this value, for equal differences far below.
    pub knee: f64,
    /// Whether the axis begins at its upper end.
    pub down: bool,
}

/// Ticks with their labels, and unlabelled minor ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticks {
    /// Value and label.
    pub major: Vec<(f64, String)>,
    /// Values.
    pub minor: Vec<f64>,
}

/// The factor that values must span for [`Scale::Auto`] to be logarithmic.
const AUTO_LOG: f64 = 50.0;
/// No axis reaches farther from zero than `HUGE`, and no logarithmic one nearer to it than `LEAST`: beyond, differences
/// and ratios overflow. Nothing is read off such an axis anyway.
const HUGE: f64 = 1e300;
const LEAST: f64 = 1e-301;
/// Ends stay below that, so that there is room around them.
pub const MOST: f64 = 1e299;
/// Below this, a logarithmic axis takes values for zero, and a linear one takes differences for none.
const TINY: f64 = 1e-300;
/// Lengths of an axis beyond which nothing is told apart.
const FAR: f64 = 1e30;
/// How many times its knee an axis with zero may reach.
const KNEES: f64 = 1e250;

impl Span {
    /// The span of finite `values`, as `axis` and the overrides `low`, `high` (fixed ends) ask.
    pub fn of(values: impl Iterator<Item = f64>, axis: &Axis, low: Option<f64>, high: Option<f64>) -> Self {
        let ends = axis.range.filter(|(a, b)| a.is_finite() && b.is_finite() && a < b);
        let (low, high) = (low.or(ends.map(|e| e.0)), high.or(ends.map(|e| e.1)));
        let (mut least, mut most, mut positive) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
        for v in values.filter(|v| v.is_finite()).map(|v| v.clamp(-MOST, MOST)) {
            least = least.min(v);
            most = most.max(v);
            if v >= TINY {
                positive = positive.min(v);
            }
        }
        let mut a = low.unwrap_or(least).clamp(-MOST, MOST);
        let mut b = high.unwrap_or(most).clamp(-MOST, MOST);
        if least > most && (low.is_none() || high.is_none()) {
            (a, b) = (low.unwrap_or(0.0), high.unwrap_or(low.unwrap_or(0.0) + 1.0)); // no data
        }
        let log = match axis.scale {
            Scale::Linear | Scale::LogZero | Scale::Signed => false,
            Scale::Log | Scale::LogDown => b > TINY,
            Scale::Auto => a >= TINY && b / a > AUTO_LOG,
        };
        if log && a < TINY {
            a = if positive < b { positive } else { (b * 1e-3).max(LEAST) };
        }
        let reach = a.abs().max(b.abs());
        let knee = match axis.scale {
            Scale::LogZero if positive.is_finite() => (0.5 * positive).max(reach / KNEES),
            _ => 0.0,
        };
        let down = axis.scale == Scale::LogDown;
        // A constant, or what float noise makes of one, gets room; an end that was asked for stays.
        if b - a <= 1e-9 * reach || !log && b - a < TINY {
            let room = if reach < TINY { 0.5 } else { (0.05 * reach).max(TINY) };
            (a, b) = match (low, high) {
                (None, None) => (a - room, b + room),
                (None, Some(_)) => (b - 2.0 * room, b),
                (Some(_), _) => (a, a + 2.0 * room),
            };
            return Self { low: a, high: b, log: log && a >= TINY, knee, down };
        }
        Self { low: a, high: b, log, knee, down }
    }

    /// The span with `share` of its length added at both ends.
    pub fn padded(self, share: f64) -> Self {
        let up = Self { down: false, ..self };
        let (low, high) = (up.value(-share), up.value(1.0 + share));
        Self { low, high, ..self }
    }

    /// Where the axis begins: its lower end, or the upper one.
    pub fn first(&self) -> f64 {
        if self.down { self.high } else { self.low }
    }

    /// Where `value` lies: 0 where the axis begins, 1 where it ends, never farther than `FAR`; NaN stays NaN.
    pub fn at(&self, value: f64) -> f64 {
        let (low, high) = (self.warp(self.low), self.warp(self.high));
        // What is beyond all axes lies at the rim of one that reaches as far as they do.
        let value = value.clamp(self.low.min(-MOST), self.high.max(MOST));
        let t = ((self.warp(value) - low) / (high - low)).clamp(-FAR, FAR);
        if self.down { 1.0 - t } else { t }
    }

    /// The value at a share of the way: the inverse of [`Span::at`].
    pub fn value(&self, t: f64) -> f64 {
        let (low, high) = (self.warp(self.low), self.warp(self.high));
        let t = if self.down { 1.0 - t } else { t };
        let warped = low + t * (high - low);
        if self.log {
            warped.exp().clamp(LEAST, HUGE)
        } else if self.knee > 0.0 {
            (self.knee * warped.abs().exp_m1().copysign(warped)).clamp(-HUGE, HUGE)
        } else {
            warped.clamp(-HUGE, HUGE)
        }
    }

    fn warp(&self, value: f64) -> f64 {
        if self.knee > 0.0 && !value.is_nan() {
            let value = value.clamp(-HUGE, HUGE);
            return (value.abs() / self.knee).ln_1p().copysign(value);
        }
        if !self.log || value.is_nan() {
            return value.clamp(-HUGE, HUGE);
        }
        // What is not positive lies far below, so that curves leave through the bottom.
        value.clamp((self.low * 1e-9).max(f64::MIN_POSITIVE), HUGE).ln()
    }

    /// About `want` round values strictly inside the span.
    pub fn levels(&self, want: usize) -> Vec<f64> {
        let inside = |v: &f64| *v > self.low && *v < self.high;
        let nearest = |candidates: Vec<Vec<f64>>| {
            let inner = candidates.into_iter().map(|c| c.into_iter().filter(inside).collect::<Vec<f64>>());
            inner.min_by_key(|c| c.len().abs_diff(want)).unwrap_or_default()
        };
        if self.log {
            let strides = self.log_decades() as usize / want.max(1) + 2;
            let whole = (1..=strides).map(|stride| self.decades(&[1.0], stride));
            let parts = LEVEL_DIGITS.iter().map(|digits| self.decades(digits, 1));
            let best = nearest(whole.chain(parts).collect());
            if best.len() * 2 > want {
                return best;
            }
        }
        let rough = power_below((self.high - self.low) / want.max(1) as f64);
        let steps = [1.0, 10.0].iter().flat_map(|power| STEPS.map(|step| step * power * rough));
        nearest(steps.map(|step| multiples(self.low, self.high, step)).collect())
    }

    fn log_decades(&self) -> f64 {
        self.high.log10() - self.low.log10()
    }

    /// About `want` ticks.
    pub fn ticks(&self, want: usize) -> Ticks {
        let want = want.max(2);
        if self.knee > 0.0 {
            let ticks = self.ticks_with_zero(want);
            if ticks.major.len() > 1 {
                return ticks;
            }
        }
        if self.log {
            let decades = self.log_decades();
            let all = self.decades(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 1);
            let one_two_five = self.decades(&[1.0, 2.0, 5.0], 1);
            let powers = self.decades(&[1.0], 1);
            // A power at each end makes one more of them than decades, or one fewer.
            if decades > want as f64 && powers.len() > want {
                let least = (decades / want as f64).ceil() as usize;
                let stride = STRIDES.into_iter().find(|s| *s >= least).unwrap_or(least);
                let minor = if powers.len() <= 40 { powers } else { Vec::new() };
                return Ticks { major: labelled(self.decades(&[1.0], stride)), minor };
            }
            if (3..=want).contains(&one_two_five.len()) {
                return Ticks { major: labelled(one_two_five), minor: all };
            }
            if powers.len() >= 2 {
                return Ticks { major: labelled(powers), minor: all };
            }
        }
        let rough = (self.high - self.low) / want as f64;
        let mut values = multiples(self.low, self.high, step_near(rough));
        if values.len() < 3 && want > 2 {
            // Steps are far apart: two ticks, one of them at the edge, would hardly say what lies between.
            values = multiples(self.low, self.high, step_near(0.5 * rough));
        }
        Ticks { major: labelled(values), minor: Vec::new() }
    }

    /// Zero, and round values on both sides of it that are above the knee.
    fn ticks_with_zero(&self, want: usize) -> Ticks {
        let all = |digits: &[f64], stride: usize| {
            let inside = |v: &f64| *v >= self.low && *v <= self.high;
            let reach = self.high.abs().max(self.low.abs());
            let above =
                Self { low: self.knee, high: reach.max(2.0 * self.knee), log: true, knee: 0.0, down: false };
            let above = above.decades(digits, stride);
            let below = above.iter().rev().map(|v| -v);
            below.chain([0.0]).chain(above.iter().copied()).filter(inside).collect::<Vec<f64>>()
        };
        let tries = [(&[1.0, 2.0, 5.0][..], 1), (&[1.0], 1)];
        let tries = tries.into_iter().chain(STRIDES[1..].iter().map(|stride| (&[1.0][..], *stride)));
        let major = tries.map(|(digits, stride)| all(digits, stride)).find(|v| v.len() <= want);
        let mut major = major.unwrap_or_default();
        // Beside zero there is no room for what lies just above it.
        major.retain(|v| *v == 0.0 || (self.at(*v) - self.at(0.0)).abs() > 0.06);
        let minor = all(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 1);
        let minor = if minor.len() <= 60 { minor } else { Vec::new() };
        Ticks { major: labelled(major), minor }
    }

    /// `digits` times every `stride`-th power of ten, within the span.
    fn decades(&self, digits: &[f64], stride: usize) -> Vec<f64> {
        let (from, to) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        (from..=to)
            .filter(|e| e.rem_euclid(stride.max(1) as i32) == 0)
            .flat_map(|e| digits.iter().map(move |d| decimal(*d, e)))
            .filter(|v| *v >= self.low * (1.0 - 1e-9) && *v <= self.high * (1.0 + 1e-9))
            .collect()
    }
}

const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
/// Decades between ticks.
const STRIDES: [usize; 11] = [1, 2, 3, 4, 5, 10, 20, 25, 50, 100, 200];
const LEVEL_DIGITS: [&[f64]; 5] = [
    &[1.0, 3.0],
    &[1.0, 2.0, 5.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
    &[1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
];

/// `digits * 10^exponent`, through decimal text: the closest double, so that labels and levels are round.
fn decimal(digits: f64, exponent: i32) -> f64 {
    format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN)
}

fn power_below(value: f64) -> f64 {
    decimal(1.0, value.log10().floor() as i32)
}

/// The round step next above `rough`.
fn step_near(rough: f64) -> f64 {
    let power = power_below(rough);
    STEPS.iter().map(|s| s * power).find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = 1e-9 * (high - low);
    let (from, to) = (((low - slack) / step).ceil(), ((high + slack) / step).floor());
    if !(from.is_finite() && to.is_finite() && to - from < 2000.0) {
        return Vec::new();
    }
    // Dividing by a whole number keeps 0.3 from becoming 0.30000000000000004.
    let inverse = (1.0 / step).round();
    let exact = step < 1.0 && (inverse * step - 1.0).abs() < 1e-12;
    (0..=(to - from) as usize)
        .map(|i| from + i as f64)
        .map(|k| if exact { k / inverse } else { k * step })
        .collect()
}

/// Values with their labels.
pub fn labelled(values: Vec<f64>) -> Vec<(f64, String)> {
    let labels = labels(&values);
    values.into_iter().zip(labels).collect()
}

/// `values` written alike: plain decimals where they are short, else mantissa and power of ten.
pub fn labels(values: &[f64]) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let least = values.iter().filter(|v| **v != 0.0).fold(f64::INFINITY, |m, v| m.min(v.abs()));
    let powers = values.len() > 1 && values.iter().all(|v| *v > 0.0 && mantissa(*v).0 == 1.0);
    let plain = if powers { least >= 0.01 && largest <= 1000.0 } else { least >= 1e-4 && largest <= 1e5 };
    values
        .iter()
        .map(|v| if plain || *v == 0.0 { short(*v) } else { scientific(*v) })
        .collect::<Vec<_>>()
        .into_iter()
        .zip(values)
        .map(|(text, v)| align(text, *v, values, plain && !powers))
        .collect()
}

/// Ticks of one linear axis share the number of decimals: 0.5, 1.0, 1.5; those of a logarithmic one do not.
fn align(text: String, value: f64, values: &[f64], plain: bool) -> String {
    let even = values.windows(3).all(|w| ((w[2] - w[1]) - (w[1] - w[0])).abs() <= 1e-6 * (w[2] - w[0]).abs());
    if !plain || !even || values.len() < 2 {
        return text;
    }
    let decimals = values.iter().map(|v| short(*v).split_once('.').map_or(0, |(_, d)| d.len())).max();
    let fixed = format!("{value:.*}", decimals.unwrap_or(0));
    minus(if value == 0.0 { "0".to_owned() } else { fixed })
}

/// The shortest plain decimal, to 7 significant digits at most.
fn short(value: f64) -> String {
    let (m, e) = mantissa(value);
    let decimals = (6 - e).clamp(0, 12) as usize;
    let fixed = format!("{:.*}", decimals, decimal(m, e));
    let text = if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.') } else { &fixed };
    minus(if text == "-0" { "0".to_owned() } else { text.to_owned() })
}

fn scientific(value: f64) -> String {
    let (m, e) = mantissa(value);
    let power = format!("10{}", superscript(e));
    match m {
        1.0 => power,
        -1.0 => minus(format!("-{power}")),
        _ => format!("{}×{power}", short(m)),
    }
}

/// `m, e` with `value = m 10^e`, `1 <= |m| < 10`, m to 7 significant digits.
fn mantissa(value: f64) -> (f64, i32) {
    let text = format!("{value:.6e}");
    let (m, e) = text.split_once('e').unwrap_or(("0", "0"));
    (m.parse().unwrap_or(0.0), e.parse().unwrap_or(0))
}

fn minus(text: String) -> String {
    text.replace('-', "−")
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    exponent
        .to_string()
        .chars()
        .map(|c| c.to_digit(10).and_then(|d| DIGITS.get(d as usize)).copied().unwrap_or('⁻'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(low: f64, high: f64, scale: Scale) -> Span {
        Span::of([low, high].into_iter(), &Axis { scale, ..Axis::default() }, None, None)
    }
    fn texts(span: Span, want: usize) -> Vec<String> {
        span.ticks(want).major.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn scales_follow_the_range() {
        assert!(span(0.01, 1.0, Scale::Auto).log);
        assert!(!span(0.1, 1.0, Scale::Auto).log);
        assert!(!span(-1.0, 1e6, Scale::Auto).log);
        assert!(!span(-2.0, -1.0, Scale::Log).log);
        let mixed = span(-2.0, 10.0, Scale::Log);
        assert!(mixed.log && mixed.low > 0.0);
    }

    #[test]
    fn ticks_are_round_and_written_alike() {
        assert_eq!(texts(span(-1.0, 1.0, Scale::Linear), 4), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        assert_eq!(texts(span(0.03, 1.5, Scale::Log), 6), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(texts(span(1e-4, 10.0, Scale::Log), 6), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]);
        assert_eq!(texts(span(1e-8, 1e30, Scale::Log), 4).len(), 4);
        assert_eq!(texts(span(0.02, 30.0, Scale::Log), 3), ["0.1", "1", "10"]);
        assert_eq!(texts(span(0.0, 4e7, Scale::Linear), 4), ["0", "10⁷", "2×10⁷", "3×10⁷", "4×10⁷"]);
        assert_eq!(texts(span(2.0, 3.0, Scale::Log), 5).len(), 6);
    }

    #[test]
    fn zero_has_a_place_beside_ratios() {
        let steps = [0.0, 20.0, 100.0, 400.0, 1000.0];
        let axis = Axis { scale: Scale::LogZero, ..Axis::default() };
        let span = Span::of(steps.into_iter(), &axis, None, None);
        assert_eq!((span.low, span.high, span.knee), (0.0, 1000.0, 10.0));
        let places: Vec<f64> = steps.iter().map(|s| span.at(*s)).collect();
        // ln(1 + s / 10) over ln 101.
        for (place, expected) in places.iter().zip([1.0, 3.0, 11.0, 41.0, 101.0f64]) {
            assert!((place - expected.ln() / 101f64.ln()).abs() < 1e-15);
        }
        for v in [-30.0, 0.0, 1e-3, 20.0, 777.0] {
            assert!((span.value(span.at(v)) - v).abs() <= 1e-12 * (1.0 + v.abs()), "{v}");
        }
        assert_eq!(texts(span, 9), ["0", "10", "20", "50", "100", "200", "500", "1000"]);
        assert_eq!(texts(span, 5), ["0", "10", "100", "1000"]);
        assert!(span.padded(0.04).low < 0.0 && texts(span.padded(0.04), 5)[0] == "0");
    }

    #[test]
    fn the_largest_comes_first_where_it_is_asked_for() {
        let axis = Axis { scale: Scale::LogDown, ..Axis::default() };
        let span = Span::of([100.0, 5.0, 30.0].into_iter(), &axis, None, None);
        assert_eq!((span.at(100.0), span.at(5.0), span.first()), (0.0, 1.0, 100.0));
        assert!(
            (span.at(500f64.sqrt()) - 0.5).abs() < 1e-15 && (span.value(0.5) - 500f64.sqrt()).abs() < 1e-12
        );
        let wider = span.padded(0.1);
        assert!(wider.low < 5.0 && wider.high > 100.0 && wider.at(100.0) > 0.0 && wider.at(5.0) < 1.0);
        assert_eq!(texts(wider, 5), ["5", "10", "20", "50", "100"]);
    }

    #[test]
    fn levels_lie_inside_and_near_the_wanted_count() {
        for (low, high) in [(0.01, 30.0), (1e-8, 1e30), (0.5, 60.0), (-3.0, 5.0), (1.0, 1.1), (1e-3, 1.0)] {
            let span = span(low, high, Scale::Auto);
            let levels = span.levels(12);
            assert!((7..=18).contains(&levels.len()), "{low} {high}: {levels:?}");
            assert!(levels.windows(2).all(|w| w[0] < w[1]) && levels.iter().all(|v| *v > low && *v < high));
        }
        assert_eq!(
            span(0.5, 1000.0, Scale::Log).levels(10),
            [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
        );
    }

    #[test]
    fn ends_that_were_asked_for_stay() {
        let of = |low, high| Span::of([5.0, 7.0].into_iter(), &Axis::default(), low, high);
        assert_eq!((of(None, Some(1.0)).high, of(Some(9.0), None).low), (1.0, 9.0));
        assert!(of(None, Some(1.0)).low < 1.0 && of(Some(9.0), None).high > 9.0);
    }

    /// Every number that a file can hold, in pairs, on every axis, with and without room around it.
    #[test]
    fn every_number_has_a_place() {
        let numbers = [
            [f64::NEG_INFINITY, f64::MIN, -1e299, -1.0, -5e-324, 0.0],
            [5e-324, f64::MIN_POSITIVE, 1e-301, 1e-300, 1.0, 1.0 + 1e-12],
            [1e299, 1e300, 1e308, f64::MAX, f64::INFINITY, f64::NAN],
        ]
        .concat();
        let pairs = numbers.iter().flat_map(|a| numbers.iter().map(move |b| (*a, *b)));
        for ((a, b), fixed) in pairs.flat_map(|pair| [(pair, None), (pair, Some(pair))]) {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log, Scale::LogDown, Scale::LogZero] {
                let axis = Axis { scale, range: fixed, ..Axis::default() };
                let span = Span::of([a, b, f64::NAN].into_iter(), &axis, None, None);
                for span in [span, span.padded(0.04), span.padded(0.1).padded(0.1)] {
                    let at = format!("{a:e} {b:e} {scale:?} {fixed:?}: {span:?}");
                    assert!(
                        span.low < span.high && span.low.abs() <= HUGE && span.high.abs() <= HUGE,
                        "{at}"
                    );
                    assert!(!span.log || span.low > 0.0, "{at}");
                    assert!(numbers.iter().all(|v| v.is_nan() || span.at(*v).is_finite()), "{at}");
                    let ticks = span.ticks(5);
                    assert!(
                        (2..20).contains(&ticks.major.len()) && ticks.minor.len() < 100,
                        "{at} {ticks:?}"
                    );
                    let within = |v: f64| (-1e-6..=1.0 + 1e-6).contains(&span.at(v));
                    assert!(ticks.major.iter().all(|(v, _)| within(*v)), "{at} {ticks:?}");
                    assert!(span.levels(12).len() < 50, "{at}");
                }
            }
        }
    }

    #[test]
    fn constants_and_nothing_get_room() {
        for values in
            [vec![], vec![0.0, 0.0], vec![1e-320], vec![7.0; 3], vec![f64::MAX, f64::MIN], vec![f64::NAN]]
        {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log, Scale::LogDown, Scale::LogZero] {
                let span = Span::of(values.iter().copied(), &Axis { scale, ..Axis::default() }, None, None);
                assert!(span.low < span.high && span.at(span.first()) == 0.0, "{values:?} {span:?}");
                assert!(span.ticks(5).major.len() < 20 && span.levels(12).len() < 50);
            }
        }
    }
}
