//! Labels on contour lines: set along the straightest free stretch, the line broken behind them.
//!
//! A candidate is a stretch as long as the words; it costs what the line bends there and a little for being
//! steep or far from the line's middle. The cheapest that stays inside the plot and clear of other labels, lines and marks is taken; a line
//! without one stays bare.

use super::canvas::{Point, Rect};
use super::font;
use super::style::size;
use super::words::{Words, upright};

/// A contour line on the sheet, and what would be written on it.
#[derive(Clone, Debug)]
pub struct Contour {
    /// Number of the level.
    pub level: usize,
    /// The words.
    pub words: String,
    /// The line.
    pub points: Vec<Point>,
}

/// A label that found its place.
#[derive(Clone, Debug)]
pub struct Label {
    /// Number of the level.
    pub level: usize,
    /// The words, their middle on the line.
    pub words: Words,
}

const STEP: f64 = 1.5;
const PAD: f64 = 2.0;

/// Labels for as many of `contours` as have room, and the contours with gaps at the labels.
pub fn place(contours: Vec<Contour>, rect: Rect, avoid: &[Point]) -> (Vec<Label>, Vec<Contour>) {
    let dense: Vec<Vec<Point>> = contours.iter().map(|c| resample(&c.points)).collect();
    let mut labels: Vec<Label> = Vec::new();
    let mut broken = Vec::new();
    // Long lines first: they are the ones a reader follows.
    let mut order: Vec<usize> = (0..contours.len()).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(dense[k].len()));
    let mut gaps: Vec<Option<(f64, f64)>> = vec![None; contours.len()];
    for k in order {
        let contour = &contours[k];
        let half = font::width(&contour.words, size::INLINE, false) / 2.0;
        let mut candidates = candidates(&dense[k], half);
        candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let free = |c: &Candidate| {
            let words = Words::new(contour.words.clone(), size::INLINE, c.at, c.angle);
            let clear = |points: &[Point]| !points.iter().any(|&p| words.covers(p, PAD * 0.6));
            let free = within(&words, rect)
                && labels.iter().all(|other: &Label| !words.meets(&other.words))
                && dense.iter().enumerate().all(|(other, points)| other == k || clear(points))
                && avoid.iter().all(|&p| !words.covers(p, 6.0));
            free.then_some(Label { level: contour.level, words })
        };
        if let Some((label, c)) = candidates.iter().find_map(|c| free(c).map(|label| (label, c))) {
            gaps[k] = Some((c.arc - half - PAD, c.arc + half + PAD));
            labels.push(label);
        }
    }
    let kept = sparse(&labels);
    labels.retain(|label| kept.contains(&label.level));
    for (contour, gap) in contours.into_iter().zip(gaps) {
        let Some((from, to)) = gap.filter(|_| kept.contains(&contour.level)) else {
            broken.push(contour);
            continue;
        };
        for points in [cut(&contour.points, 0.0, from), cut(&contour.points, to, f64::INFINITY)] {
            broken.push(Contour { points, ..contour.clone() });
        }
    }
    (labels, broken)
}

/// Labels beyond which the rest of the lines is read from its neighbours.
const MOST: usize = 12;

/// The levels whose labels are written: all of them, or every second, third and so on, of which those are taken that are
/// the shortest to write, so that round ones are among them.
fn sparse(labels: &[Label]) -> Vec<usize> {
    let mut levels: Vec<(usize, usize)> =
        labels.iter().map(|l| (l.level, l.words.text.trim_end_matches('0').chars().count())).collect();
    levels.sort_unstable();
    levels.dedup();
    let every = |stride: usize, phase: usize| levels.iter().skip(phase).step_by(stride);
    let written = |kept: &[usize]| labels.iter().filter(|l| kept.contains(&l.level)).count();
    let chosen = |stride: usize| -> Vec<usize> {
        let least = (0..stride).min_by_key(|phase| {
            let (count, length) = every(stride, *phase).fold((0, 0), |sum, l| (sum.0 + 1, sum.1 + l.1));
            // In thousandths of a character a label.
            1000 * length / usize::max(count, 1)
        });
        every(stride, least.unwrap_or(0)).map(|l| l.0).collect()
    };
    let enough = (1..=levels.len()).map(chosen).find(|kept| written(kept) <= MOST);
    enough.unwrap_or_else(|| levels.first().map(|l| l.0).into_iter().collect())
}

struct Candidate {
    arc: f64,
    at: Point,
    angle: f64,
    cost: f64,
}

/// The stretches of a resampled line where words of half-width `half` fit on nearly straight line.
fn candidates(points: &[Point], half: f64) -> Vec<Candidate> {
    let reach = ((half + PAD) / STEP).ceil() as usize;
    // A line shorter than three labels would be more gap than line.
    if points.len() < 6 * reach {
        return Vec::new();
    }
    let mut found = Vec::new();
    for i in (reach..points.len() - reach).step_by(2) {
        let (a, b) = (points[i - reach], points[i + reach]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let chord = dx.hypot(dy);
        if chord < 1e-6 {
            continue;
        }
        let bend = points[i - reach..=i + reach]
            .iter()
            .map(|p| ((p.0 - a.0) * dy - (p.1 - a.1) * dx).abs() / chord)
            .fold(0.0, f64::max);
        let angle = upright(dx, dy);
        let off_middle = (i as f64 / points.len() as f64 - 0.5).abs();
        if bend < 1.6 {
            let at = ((a.0 + b.0 + 2.0 * points[i].0) / 4.0, (a.1 + b.1 + 2.0 * points[i].1) / 4.0);
            found.push(Candidate {
                arc: i as f64 * STEP,
                at,
                angle,
                cost: bend + 0.004 * angle.abs() + 0.4 * off_middle,
            });
        }
    }
    found
}

fn within(words: &Words, rect: Rect) -> bool {
    let edge = size::INLINE * 0.5 + PAD;
    words.spine().all(|(x, y)| {
        x > rect.left + edge && x < rect.right() - edge && y > rect.top + edge && y < rect.bottom() - edge
    })
}

/// The line at equal steps of [`STEP`].
fn resample(points: &[Point]) -> Vec<Point> {
    let mut out: Vec<Point> = points.first().copied().into_iter().collect();
    let mut left_over = 0.0;
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let mut s = STEP - left_over;
        while s <= length {
            out.push((a.0 + (b.0 - a.0) * s / length, a.1 + (b.1 - a.1) * s / length));
            s += STEP;
        }
        left_over = length - (s - STEP);
    }
    out
}

/// The part of a line between two lengths along it.
fn cut(points: &[Point], from: f64, to: f64) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    let mut start = 0.0;
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        let (s, e) = ((from - start).max(0.0), (to - start).min(length));
        if s < e {
            let along = |s: f64| (a.0 + (b.0 - a.0) * s / length, a.1 + (b.1 - a.1) * s / length);
            if out.is_empty() {
                out.push(along(s));
            }
            out.push(along(e));
        }
        start += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_sit_on_their_line_inside_and_apart() {
        let rect = Rect { left: 0.0, top: 0.0, width: 200.0, height: 200.0 };
        let circle = |r: f64| -> Vec<Point> {
            (0..=200)
                .map(|k| f64::from(k) * std::f64::consts::TAU / 200.0)
                .map(|a| (100.0 + r * a.cos(), 100.0 + r * a.sin()))
                .collect()
        };
        let contours: Vec<Contour> = (1..12)
            .map(|k| Contour { level: k, words: "0.25".to_owned(), points: circle(12.0 * k as f64) })
            .collect();
        let (labels, broken) = place(contours.clone(), rect, &[]);
        assert!(labels.len() >= 5, "{}", labels.len());
        for (i, Label { level, words }) in labels.iter().enumerate() {
            let radius = (words.at.0 - 100.0).hypot(words.at.1 - 100.0);
            assert!((radius - 12.0 * *level as f64).abs() < 1.5 && within(words, rect));
            assert!(labels[..i].iter().all(|other| !words.meets(&other.words)) && words.angle.abs() <= 90.0);
            let gap = broken.iter().filter(|c| c.level == *level).flat_map(|c| &c.points);
            assert!(gap.into_iter().all(|&p| !words.covers(p, 0.0)), "the line is broken behind the words");
        }
    }

    #[test]
    fn of_many_labels_the_round_ones_stay() {
        let label = |level: usize, text: &str| Label {
            level,
            words: Words::new(text.to_owned(), size::INLINE, (30.0 * level as f64, 0.0), 0.0),
        };
        let tenths = ["0.070", "0.075", "0.080", "0.085", "0.090", "0.095", "0.100"];
        let both: Vec<Label> =
            tenths.iter().enumerate().flat_map(|(k, text)| [label(k, text), label(k, text)]).collect();
        assert_eq!(sparse(&both), [0, 2, 4, 6]);
        assert_eq!(sparse(&both[..12]).len(), 6);
        assert!(sparse(&[]).is_empty());
        let one: Vec<Label> = (0..20).map(|_| label(3, "1")).collect();
        assert_eq!(sparse(&one), [3]);
    }
}
