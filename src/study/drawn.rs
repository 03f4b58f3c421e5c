//! What an analysis drew of each case, side by side: of curves and dots all seeds, of a map or surface the first.

use super::figures::label;
use super::result::{Numbers, finite};
use super::written::Drawing;
use crate::base::statistics::quantile;
use crate::base::{Error, Result};
use crate::figure::{Figure, Panel, Series, Style};

/// Seeds up to which each has a line of its own behind their median.
const FEW: usize = 10;

/// The chart, a panel for each case, and which seeds are drawn, in words.
pub(super) fn panels(
    numbers: &Numbers,
    drawing: &Drawing,
    cases: &[usize],
) -> Result<(String, Vec<Panel>, String)> {
    let recipe = numbers.recipe;
    let (mut panels, mut chart, mut pooled) = (Vec::new(), None, true);
    for case in cases {
        // None where training diverged.
        let all: Vec<&Figure> =
            numbers.case(*case).iter().filter_map(|seed| seed.figures.get(&drawing.of)).collect();
        let Some(first) = all.first() else { continue };
        chart.get_or_insert_with(|| first.chart.clone());
        let drawn: Vec<&Panel> = all.iter().filter_map(|figure| figure.panels.first()).collect();
        let of_all = (first.chart == "lines").then(|| together(&drawn)).flatten();
        pooled &= of_all.is_some();
        let Some(panel) = of_all.or_else(|| drawn.first().map(|panel| (*panel).clone())) else { continue };
        let title = label(&recipe.axes, &recipe.cases[*case], "", &[]);
        panels.push(Panel { title, ..panel });
    }
    let dots = |panel: &Panel| panel.series.iter().all(|s| s.style == Style::Dots);
    let what = match (recipe.seeds, pooled) {
        (1, _) => "",
        (_, false) => "the first one drawn",
        (_, true) if panels.iter().all(dots) => "all of them drawn",
        (n, true) if n <= FEW => "median and quartiles, a thin line a seed",
        (_, true) => "median and quartiles",
    };
    match chart {
        Some(chart) => Ok((chart, panels, what.to_owned())),
        None => {
            Err(Error::unmet(format!("figure {}", drawing.name), "no case has the analysis that it draws"))
        }
    }
}

/// The panel of one seed or of several: dots put together, curves as their median with quartiles, each seed thin behind it.
/// What an analysis set aside is no part of a claim, and is left out. None where seeds have curves that differ in more than
/// their ordinates.
fn together(seeds: &[&Panel]) -> Option<Panel> {
    let first = *seeds.first()?;
    if seeds.len() == 1 {
        return Some(first.clone());
    }
    // By its label and style.
    let mut labels: Vec<(&str, Style)> = Vec::new();
    for series in seeds.iter().flat_map(|panel| &panel.series) {
        let shown = series.style != Style::Specks && !series.label.is_empty();
        if shown && !labels.contains(&(&series.label, series.style)) {
            labels.push((&series.label, series.style));
        }
    }
    let mut all = Vec::new();
    for (label, style) in labels {
        let own: Vec<&Series> = seeds
            .iter()
            .filter_map(|panel| panel.series.iter().find(|s| s.label == label && s.style == style))
            .collect();
        all.extend(match style {
            Style::Dots => vec![joined(&own)],
            _ => summed_up(&own)?,
        });
    }
    // Dots of a search lie in other places for each seed, and so would the ends that it gives its axes.
    let loose = |axis: &crate::figure::Axis, of: fn(&Panel) -> &crate::figure::Axis| {
        let ends: Option<Vec<(f64, f64)>> = seeds.iter().map(|panel| of(panel).range).collect();
        let fold = |ends: Vec<(f64, f64)>| {
            ends.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        crate::figure::Axis { range: ends.map(fold), ..axis.clone() }
    };
    let (x, y) = (loose(&first.x, |panel| &panel.x), loose(&first.y, |panel| &panel.y));
    let same = seeds.iter().all(|panel| panel.marks == first.marks);
    let marks = if same { first.marks.clone() } else { Vec::new() };
    Some(Panel { x, y, series: all, marks, ..first.clone() })
}

fn joined(own: &[&Series]) -> Series {
    let all = |of: fn(&Series) -> &Vec<f64>| own.iter().flat_map(|s| of(s).iter().copied()).collect();
    Series { x: all(|s| &s.x), y: all(|s| &s.y), band: None, ..own[0].clone() }
}

fn summed_up(own: &[&Series]) -> Option<Vec<Series>> {
    let first = own[0];
    if !own.iter().all(|s| s.x == first.x) {
        return None;
    }
    let column = |i: usize| finite(own.iter().map(|s| s.y[i]));
    let q = |q: f64| (0..first.x.len()).map(|i| quantile(&column(i), q)).collect::<Vec<f64>>();
    let solid = first.style != Style::Dashed;
    let mut all = vec![Series { y: q(0.5), band: solid.then(|| (q(0.25), q(0.75))), ..first.clone() }];
    if own.len() <= FEW && solid {
        let thin =
            |s: &&Series| Series { label: String::new(), band: None, style: Style::Faint, ..(*s).clone() };
        all.extend(own.iter().map(thin));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(series: &[(&str, Style, &[f64], &[f64])]) -> Panel {
        let series = series.iter().map(|(label, style, x, y)| Series {
            label: (*label).to_owned(),
            x: x.to_vec(),
            y: y.to_vec(),
            band: None,
            style: *style,
        });
        Panel { series: series.collect(), ..Panel::default() }
    }

    #[test]
    fn curves_of_seeds_have_their_median_and_dots_are_all_kept() {
        let of = |y: f64| {
            panel(&[
                ("a", Style::Marked, &[1.0, 2.0], &[y, 2.0 * y]),
                ("b", Style::Dots, &[y], &[1.0]),
                ("b", Style::Specks, &[y], &[2.0]),
            ])
        };
        let all = [of(1.0), of(3.0), of(8.0)];
        let whole = together(&all.iter().collect::<Vec<_>>()).unwrap();
        let [median, thin @ .., dots] = whole.series.as_slice() else { panic!() };
        assert_eq!((&*median.label, &*median.y), ("a", &[3.0, 6.0][..]));
        assert_eq!(median.band, Some((vec![2.0, 4.0], vec![5.5, 11.0])));
        assert_eq!(thin.iter().map(|s| s.y[0]).collect::<Vec<f64>>(), [1.0, 3.0, 8.0]);
        assert!(thin.iter().all(|s| s.style == Style::Faint && s.label.is_empty()));
        assert_eq!((dots.style, &*dots.x), (Style::Dots, &[1.0, 3.0, 8.0][..]));
        // Curves over other places have no median.
        let other = panel(&[("a", Style::Marked, &[1.0, 3.0], &[1.0, 2.0])]);
        assert_eq!(together(&[&all[0], &other]), None);
        assert_eq!(together(&[&all[0]]), Some(all[0].clone()));
    }
}
