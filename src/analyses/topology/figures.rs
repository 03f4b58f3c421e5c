//! How the topology of a slice looks: bars, the diagram of their ends, and the merge tree with its profile. What is certified is
//! dark, the rest pale.

use super::TopologyResult;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::nn::losses::Loss;
use serde_json::Value;

/// Most bars of a panel; the diagram has all of them.
const BARS: usize = 60;
/// Most minima of a tree.
const LEAVES: usize = 40;

/// One kind of bars of one view.
struct Kind {
    name: &'static str,
    births: Vec<f64>,
    deaths: Vec<f64>,
    certified: Vec<bool>,
}

pub(super) fn figures(result: &TopologyResult) -> Vec<Figure> {
    vec![barcode(result), persistence(result), merge_tree(result)]
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// What the map is called on an axis.
fn label(view: &Value) -> String {
    let map = view["map"].as_str().unwrap_or_default();
    let words = map.replace("train_", "training ").replace("stderr", "standard error").replace('_', " ");
    let loss = serde_json::from_value::<Loss>(view["loss"].clone()).ok();
    match loss.filter(|_| map.ends_with("_loss")) {
        Some(loss) => loss.axis(&words),
        None => words,
    }
}

/// Both kinds of bars of a view; holes where there are some.
fn kinds(result: &TopologyResult, v: usize, view: &Value) -> Vec<Kind> {
    let band = view["band"].as_f64();
    let of = |name: &'static str, births: &str, deaths: &str| {
        let (births, deaths) = (result.array(births, v), result.array(deaths, v));
        let certified = |(birth, death): (&f64, &f64)| {
            death.is_infinite() || band.is_some_and(|c| death - birth > 2.0 * c)
        };
        let certified = births.iter().zip(&deaths).map(certified).collect();
        Kind { name, births, deaths, certified }
    };
    let holes = if view["hole_dimension"] == 2 { "voids (H2)" } else { "holes (H1)" };
    let both = [of("components (H0)", "births", "deaths"), of(holes, "hole_births", "hole_deaths")];
    both.into_iter()
        .enumerate()
        .filter(|(k, kind)| *k == 0 || !kind.births.is_empty())
        .map(|(_, kind)| kind)
        .collect()
}

/// The values that axes of a view's picture have to hold.
fn ends(kinds: &[Kind]) -> (f64, f64) {
    let all =
        || kinds.iter().flat_map(|k| k.births.iter().chain(&k.deaths)).copied().filter(|x| x.is_finite());
    (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
}

/// The name of a view before what a panel shows, where there are several.
fn before(result: &TopologyResult, view: &Value) -> String {
    if result.several() { format!("{}: ", view["name"].as_str().unwrap_or_default()) } else { String::new() }
}

fn heading(result: &TopologyResult, what: &str) -> String {
    let mut titles = result.views().map(|view| view["title"].as_str().unwrap_or_default());
    let first = titles.next().unwrap_or_default();
    if titles.all(|title| title == first) {
        format!("{first}: {what}")
    } else {
        format!("{what} of several networks")
    }
}

fn subtitle(result: &TopologyResult) -> String {
    let Some(view) = result.views().next() else { return String::new() };
    let shape = view["shape"].as_array().into_iter().flatten().rev().map(Value::to_string);
    let neighbours =
        format!("{} points, {} neighbours each", shape.collect::<Vec<_>>().join(" x "), view["adjacency"]);
    let certified = match (view["band"].as_f64(), result.several()) {
        (_, true) => format!("certified with probability {} within each", result.summary()["confidence"]),
        (Some(_), _) => format!("band: {}", view["band_status"].as_str().unwrap_or_default()),
        (None, _) => view["band_status"].as_str().unwrap_or_default().to_owned(),
    };
    format!("{neighbours}; {certified}")
}

/// Labels of what is certified and of the rest.
const NAMES: [&str; 2] = ["certified", "within the band of errors"];

/// The bars as lines, the longest at the top.
fn barcode(result: &TopologyResult) -> Figure {
    let mut panels = Vec::new();
    for (v, view) in result.views().enumerate() {
        let kinds = kinds(result, v, view);
        let (least, most) = ends(&kinds);
        // One that never ends leaves the picture.
        let beyond = most + 0.06 * (most - least).max(f64::MIN_POSITIVE);
        for kind in &kinds {
            let count = kind.births.len();
            let shown = count.min(BARS);
            let of = |certified: bool| {
                let own = (0..shown).filter(|i| kind.certified[*i] == certified);
                let bar =
                    |i: usize| ([kind.births[i], kind.deaths[i].min(beyond), f64::NAN], [(i + 1) as f64; 3]);
                let (x, y): (Vec<[f64; 3]>, Vec<[f64; 3]>) = own.map(bar).unzip();
                Series {
                    label: NAMES[usize::from(!certified)].to_owned(),
                    x: x.concat(),
                    y: y.concat(),
                    style: if certified { Style::Line } else { Style::Faint },
                    ..Series::default()
                }
            };
            let some =
                if shown < count { format!(", the longest {shown} of {count}") } else { String::new() };
            panels.push(Panel {
                title: format!("{}{}{some}", before(result, view), kind.name),
                x: Axis {
                    range: (least < beyond).then_some((least, beyond)),
                    ..axis(&label(view), Scale::Auto)
                },
                y: Axis {
                    range: Some((0.1, shown as f64 + 0.9)),
                    ..axis("bars, the longest first", Scale::Linear)
                },
                series: [true, false].map(of).into_iter().filter(|s| !s.x.is_empty()).collect(),
                ..Panel::default()
            });
        }
    }
    Figure {
        name: "barcode".to_owned(),
        chart: "lines".to_owned(),
        title: heading(result, "from minimum to pass"),
        subtitle: subtitle(result),
        panels,
    }
}

/// Ends of bars against their beginnings.
fn persistence(result: &TopologyResult) -> Figure {
    let mut panels = Vec::new();
    for (v, view) in result.views().enumerate() {
        let kinds = kinds(result, v, view);
        let (least, most) = ends(&kinds);
        for kind in &kinds {
            let of = |certified: bool| {
                let own = (0..kind.births.len())
                    .filter(|i| kind.certified[*i] == certified && kind.deaths[*i].is_finite());
                let (x, y) = own.map(|i| (kind.births[i], kind.deaths[i])).unzip();
                Series {
                    label: NAMES[usize::from(!certified)].to_owned(),
                    x,
                    y,
                    style: if certified { Style::Dots } else { Style::Specks },
                    ..Series::default()
                }
            };
            let mut series: Vec<Series> =
                [true, false].map(of).into_iter().filter(|s| !s.x.is_empty()).collect();
            let steps: Vec<f64> = (0..=64).map(|i| least + (most - least) * f64::from(i) / 64.0).collect();
            let band =
                view["band"].as_f64().map(|c| (steps.clone(), steps.iter().map(|x| x + 2.0 * c).collect()));
            series.push(Series {
                label: "no longer than twice the band".to_owned(),
                x: steps.clone(),
                y: steps,
                band,
                style: Style::Dashed,
            });
            panels.push(Panel {
                title: format!("{}{}", before(result, view), kind.name),
                x: axis(&format!("birth: {}", label(view)), Scale::Auto),
                y: axis(&format!("death: {}", label(view)), Scale::Auto),
                series,
                ..Panel::default()
            });
        }
    }
    Figure {
        name: "persistence".to_owned(),
        chart: "lines".to_owned(),
        title: heading(result, "births and deaths"),
        subtitle: subtitle(result),
        panels,
    }
}

/// The merge tree, and the profile of the simplified one.
fn merge_tree(result: &TopologyResult) -> Figure {
    let mut panels = Vec::new();
    for (v, view) in result.views().enumerate() {
        let all = kinds(result, v, view);
        let bars = &all[0];
        let top = result
            .array("profile_height", v)
            .into_iter()
            .filter(|h| h.is_finite())
            .fold(f64::NEG_INFINITY, f64::max);
        let shown = bars.births.len().min(LEAVES);
        let some =
            if shown < bars.births.len() { format!(", the {shown} longest bars") } else { String::new() };
        panels.push(Panel {
            title: format!("{}merge tree{some}", before(result, view)),
            x: axis("minima, side by side as they merge", Scale::Linear),
            y: axis(&label(view), Scale::Auto),
            series: branches(bars, &result.array("parent", v), shown, top),
            ..Panel::default()
        });
        let level = view["simplified"]["level"].as_f64().unwrap_or_default();
        let (place, height) = (result.array("profile_place", v), result.array("profile_height", v));
        panels.push(Panel {
            title: format!("profile: basins deeper than {}", crate::base::shown::number(level, 2)),
            x: axis("share of the points, basin by basin", Scale::Linear),
            y: axis(&label(view), Scale::Auto),
            series: vec![Series { label: NAMES[0].to_owned(), x: place, y: height, ..Series::default() }],
            ..Panel::default()
        });
    }
    Figure {
        name: "merge-tree".to_owned(),
        chart: "lines".to_owned(),
        title: heading(result, "merging basins"),
        subtitle: subtitle(result),
        panels,
    }
}

/// The tree of the first `shown` bars: each a line from its minimum up to its pass, and across to the one that it becomes a part of.
fn branches(bars: &Kind, parent: &[f64], shown: usize, top: f64) -> Vec<Series> {
    // From left to right: each, then what becomes a part of it, the latest last.
    let of = |k: usize| parent.get(k).filter(|p| **p >= 0.0).map(|p| *p as usize);
    let mut order: Vec<usize> = Vec::new();
    let mut open: Vec<usize> = (0..shown).rev().filter(|k| of(*k).is_none_or(|p| p >= shown)).collect();
    while let Some(next) = open.pop() {
        order.push(next);
        let mut own: Vec<usize> = (0..shown).filter(|k| of(*k) == Some(next)).collect();
        own.sort_by(|a, b| bars.deaths[*b].total_cmp(&bars.deaths[*a]));
        open.extend(own);
    }
    let mut place = vec![f64::NAN; shown];
    order.iter().enumerate().for_each(|(i, k)| place[*k] = (i + 1) as f64);
    let line = |certified: bool| {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for k in (0..shown).filter(|k| bars.certified[*k] == certified) {
            let end = if bars.deaths[k].is_finite() { bars.deaths[k] } else { top };
            x.extend([place[k], place[k]]);
            y.extend([bars.births[k], end]);
            if let Some(older) = of(k).filter(|p| *p < shown) {
                x.push(place[older]);
                y.push(end);
            }
            x.push(f64::NAN);
            y.push(f64::NAN);
        }
        let style = if certified { Style::Line } else { Style::Faint };
        Series { label: NAMES[usize::from(!certified)].to_owned(), x, y, style, ..Series::default() }
    };
    [true, false].map(line).into_iter().filter(|s| !s.x.is_empty()).collect()
}
