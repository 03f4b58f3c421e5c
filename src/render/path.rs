//! A path that grows over its map, from its first point to its last, with a head that shows where it is.
//!
//! Every step takes the same time, however long it is: where the path creeps, it was slow. The points of all
//! paths of a figure are spread over the same time, so that runs can be compared at equal shares of their way.

use super::canvas::Canvas;
use super::curves::{self, Legend};
use super::plane::Plane;
use crate::figure::{Panel, Series, Style};

/// Frames from the first point to the last.
const FRAMES: usize = 60;
/// Milliseconds a frame: about twelve a second.
const FRAME: u16 = 83;
/// Milliseconds that the complete path is shown before all begins again.
const HOLD: u16 = 1500;

/// Whether a series is a way from somewhere to somewhere.
pub fn moves(series: &Series) -> bool {
    let finite = series.x.iter().zip(&series.y).filter(|(x, y)| x.is_finite() && y.is_finite()).count();
    !matches!(series.style, Style::Dots | Style::Specks) && finite > 1
}

/// How much of the way has been gone in frame `i`.
pub fn share(i: usize) -> f64 {
    i.min(FRAMES) as f64 / FRAMES as f64
}

/// How long each frame is shown.
pub fn delays() -> Vec<u16> {
    (0..=FRAMES).map(|i| if i == FRAMES { HOLD } else { FRAME }).collect()
}

/// Draws `panel`'s marks, and its series as far as they have come after `share` of their way.
pub fn draw(canvas: &mut Canvas, plane: &Plane, panel: &Panel, legend: &Legend, share: f64) {
    let mut partial = Panel { marks: panel.marks.clone(), ..Panel::default() };
    let mut heads = Vec::new();
    for series in &panel.series {
        if !moves(series) {
            partial.series.push(series.clone());
            continue;
        }
        let (parts, head) = until(series, share);
        partial.series.extend(parts);
        heads.extend(head);
    }
    legend.draw_sized(canvas, plane, &partial, legend.dots(plane, panel));
    for (x, y) in heads {
        if let Some(at) = plane.within(x, y) {
            curves::head(canvas, at);
        }
    }
}

/// The step under way and the steps behind it, which lie over it, and where they have led.
fn until(series: &Series, share: f64) -> (Vec<Series>, Option<(f64, f64)>) {
    let last = series.x.len() - 1;
    let gone = share * last as f64;
    let whole = (gone.floor() as usize).min(last);
    let part =
        |x: Vec<f64>, y: Vec<f64>, style| Series { label: series.label.clone(), x, y, band: None, style };
    let done = part(series.x[..=whole].to_vec(), series.y[..=whole].to_vec(), series.style);
    let start = (series.x[whole], series.y[whole]);
    if whole == last {
        return (vec![done], Some(start));
    }
    let t = gone - whole as f64;
    let between = |a: f64, b: f64| a + t * (b - a);
    let head = (between(start.0, series.x[whole + 1]), between(start.1, series.y[whole + 1]));
    let style = if matches!(series.style, Style::Marked | Style::Path) { Style::Line } else { series.style };
    (vec![part(vec![start.0, head.0], vec![start.1, head.1], style), done], Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_grows_step_by_step_and_ends_whole() {
        let series = Series { x: vec![0.0, 1.0, 1.0], y: vec![0.0, 0.0, 4.0], ..Series::default() };
        let (parts, head) = until(&series, 0.75);
        assert_eq!((head, &parts[1].x, &parts[1].y), (Some((1.0, 2.0)), &vec![0.0, 1.0], &vec![0.0, 0.0]));
        assert_eq!((&parts[0].x, &parts[0].y), (&vec![1.0, 1.0], &vec![0.0, 2.0]));
        assert_eq!(until(&series, 1.0), (vec![series.clone()], Some((1.0, 4.0))));
        assert_eq!(until(&series, 0.0).1, Some((0.0, 0.0)));
        assert_eq!((share(0), share(delays().len() - 1)), (0.0, 1.0));
    }

    #[test]
    fn only_ways_move() {
        let of = |x: &[f64], style| Series { x: x.to_vec(), y: x.to_vec(), style, ..Series::default() };
        assert!(moves(&of(&[0.0, 1.0], Style::Line)) && moves(&of(&[0.0, f64::NAN, 1.0], Style::Marked)));
        assert!(!moves(&of(&[0.0, 1.0], Style::Dots)) && !moves(&of(&[0.0, f64::NAN], Style::Line)));
        assert!(!moves(&of(&[], Style::Line)));
    }
}
