//! Pictures of sharpness: the density of the spectrum, and networks compared.

use super::SharpnessResult;
use crate::data::Source;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};
use serde::Deserialize;

/// What is drawn of a density, below its peak: what lies lower is the tails of the kernel.
const DEEP: f64 = 1e-6;

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// All figures that there are numbers for.
pub fn figures(result: &SharpnessResult) -> Vec<Figure> {
    let shifted = result.shifted().map_or(Vec::new(), |s| s.figures());
    let own = [density(result), comparison(result)].into_iter().flatten();
    own.chain(blocks(result)).chain(super::coefficient::figures(result)).chain(shifted).collect()
}

fn subtitle(result: &SharpnessResult) -> String {
    let title = match result.networks() {
        1 => result.text(0, &["title"]).to_owned(),
        n => format!("{n} networks{}", on_data(result)),
    };
    let statistics = result.text(0, &["norm_statistics"]);
    let statistics = match statistics {
        crate::analyses::statistics::NO_STATISTICS | "" => String::new(),
        words => format!("; statistics {words}"),
    };
    format!("{title}; mean loss over {} samples{statistics}", result.at(0, &["samples", "train"]))
}

/// " on spirals:noise=0.1": the data as titles show them.
fn on_data(result: &SharpnessResult) -> String {
    let source = Source::deserialize(result.at(0, &["data", "data"]));
    source.map_or(String::new(), |source| format!(" on {}", source.title()))
}

/// Curves of a panel above `DEEP` of the highest; the axis reaches from there to a little above it.
fn finish(panel: &mut Panel, rug: Vec<Series>) {
    let highs =
        panel.series.iter().filter_map(|s| s.band.as_ref()).flat_map(|(_, high)| high.iter().copied());
    let peak = highs.fold(0.0, f64::max);
    if !(peak > 0.0 && peak.is_finite()) {
        return;
    }
    let floor = DEEP * peak;
    for series in &mut panel.series {
        let shown = |y: f64| if y >= floor { y } else { f64::NAN };
        series.y.iter_mut().for_each(|y| *y = shown(*y));
        if let Some((low, high)) = &mut series.band {
            low.iter_mut().for_each(|y| *y = y.max(floor));
            high.iter_mut().for_each(|y| *y = y.max(floor));
        }
    }
    panel.y.range = Some((floor, 3.0 * peak));
    for mut series in rug {
        series.y = vec![2.0 * floor; series.x.len()];
        panel.series.push(series);
    }
}

/// The density over lambda and over log |lambda|, of each network.
fn density(result: &SharpnessResult) -> Option<Figure> {
    let several = result.networks() > 1;
    let [mut linear, mut log] = [
        Panel {
            x: axis("eigenvalue \u{3bb}", Scale::Linear),
            y: axis("density", Scale::Log),
            ..Panel::default()
        },
        Panel {
            x: axis("|\u{3bb}|, negative \u{3bb} dashed", Scale::Log),
            y: axis("density per decade", Scale::Log),
            ..Panel::default()
        },
    ];
    let (mut rugs, mut log_rugs) = (Vec::new(), Vec::new());
    for network in 0..result.networks() {
        let array = |name: &str| result.array(network, name);
        let x = array("density_x");
        if x.is_empty() {
            continue;
        }
        let label = result.text(network, &["label"]);
        // Several networks keep a colour each, and what is negative is dashed.
        let mass = 100.0 * result.number(network, &["density", "negative_mass", "value"]);
        let negative = if several { label.to_owned() } else { format!("negative, {mass:.1} % of all") };
        let (y, band) = (array("density_y"), [array("density_low"), array("density_high")]);
        let side = |label: String, keep: &dyn Fn(f64) -> bool| {
            let of = |v: &[f64]| -> Vec<f64> {
                x.iter().zip(v).filter(|(x, _)| keep(**x)).map(|(_, v)| *v).collect()
            };
            let [low, high] = &band;
            Series { label, x: of(&x), y: of(&y), band: Some((of(low), of(high))), style: Style::Line }
        };
        let positive = if several { label.to_owned() } else { "positive".to_owned() };
        linear.series.push(side(positive.clone(), &|x| x >= 0.0));
        linear.series.push(side(negative.clone(), &|x| x < 0.0));
        let x: Vec<f64> = array("log_density_x").iter().map(|x| 10f64.powf(*x)).collect();
        for (prefix, label, style) in [
            ("log_density", positive.clone(), Style::Line),
            ("log_density_negative", negative, Style::Dashed),
        ] {
            let of = |what: &str| array(&format!("{prefix}_{what}"));
            let band = Some((of("low"), of("high")));
            log.series.push(Series { label, x: x.clone(), y: of("y"), band, style });
        }
        let values = array("eigenvalues");
        let found = |keep: &dyn Fn(f64) -> bool| Series {
            label: if several { label.to_owned() } else { "eigenvalues (Lanczos)".to_owned() },
            x: values.iter().copied().filter(|x| keep(*x)).collect(),
            style: Style::Dots,
            ..Series::default()
        };
        rugs.push(found(&|_| true));
        log_rugs.push(found(&|x| x > 0.0));
    }
    if linear.series.is_empty() {
        return None;
    }
    finish(&mut linear, rugs);
    finish(&mut log, log_rugs);
    let [steps, probes] = ["steps", "probes"].map(|key| result.at(0, &["density", key]).to_string());
    let starts = if probes == "1" { "start" } else { "starts" };
    let sigma = result.number(0, &["density", "sigma"]);
    let sigma = if sigma < 0.01 { format!("{sigma:.2e}") } else { format!("{sigma:.3}") };
    Some(Figure {
        name: "density".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Spectral density of the {}", result.text(0, &["matrix"])),
        subtitle: format!(
            "{}; {}",
            subtitle(result),
            if result.at(0, &["density", "exact"]) == true {
                format!("every eigenvalue, kernel \u{3c3} = {sigma}")
            } else {
                format!(
                    "{probes} {starts} of {steps} Lanczos steps, kernel \u{3c3} = {sigma}; the band is the range over starts"
                )
            }
        ),
        panels: vec![linear, log],
    })
}

/// Most blocks whose densities share a panel.
const OVERLAID: usize = 6;

/// The densities of a network's blocks over log |lambda|, together or in a panel each, and the distances between them.
fn blocks(result: &SharpnessResult) -> Vec<Figure> {
    let mut figures = Vec::new();
    for network in 0..result.networks() {
        let names = result.at(network, &["block_names"]).as_array().into_iter().flatten();
        let names = shortened(names.filter_map(|n| n.as_str()).collect());
        let x: Vec<f64> = result.array(network, "block_density_x").iter().map(|x| 10f64.powf(*x)).collect();
        if x.is_empty() {
            continue;
        }
        let [above, below] =
            ["block_density_y", "block_density_negative_y"].map(|a| result.array(network, a));
        let peak = above.iter().chain(&below).copied().fold(0.0, f64::max);
        let shown = |all: &[f64], i: usize| -> Vec<f64> {
            let own = all.get(i * x.len()..(i + 1) * x.len()).unwrap_or_default();
            own.iter().map(|y| if *y >= SEEN * peak { *y } else { f64::NAN }).collect()
        };
        let series = |i: usize, together: bool| {
            let label = |word: &str| if together { names[i].clone() } else { word.to_owned() };
            let of = |all: &[f64], word: &str, style| {
                let (label, x, y) = (label(word), x.clone(), shown(all, i));
                Series { label, x, y, band: None, style }
            };
            [of(&above, "positive \u{3bb}", Style::Line), of(&below, "negative \u{3bb}", Style::Dashed)]
        };
        // What every panel shows, so that they can be compared.
        let seen = |i: usize| x.get(i % x.len()).copied().unwrap_or(f64::NAN);
        let inside = (0..above.len()).filter(|i| above[*i] >= SEEN * peak || below[*i] >= SEEN * peak);
        let range =
            inside.map(seen).fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        let panel = |title: &str, series: Vec<Series>| Panel {
            title: title.to_owned(),
            x: Axis { range: Some(range), ..axis("|\u{3bb}|", Scale::Log) },
            y: Axis { range: Some((SEEN * peak, 2.0 * peak)), ..axis("density per decade", Scale::Log) },
            series,
            ..Panel::default()
        };
        let panels: Vec<Panel> = match names.len() {
            n if n <= OVERLAID => {
                vec![panel("negative \u{3bb} dashed", (0..n).flat_map(|i| series(i, true)).collect())]
            }
            n => (0..n).map(|i| panel(&names[i], series(i, false).to_vec())).collect(),
        };
        let own = match result.networks() {
            1 => (String::new(), String::new()),
            _ => (format!("-{network}"), format!(", {}", result.text(network, &["label"]))),
        };
        figures.push(Figure {
            name: format!("blocks{}", own.0),
            chart: "lines".to_owned(),
            title: format!("Spectral densities of blocks of the {}{}", result.text(0, &["matrix"]), own.1),
            subtitle: subtitle(result),
            panels,
        });
        let distances = result.array(network, "block_distances");
        if names.len() > 1 && distances.len() == names.len() * names.len() {
            figures.push(apart(result, &names, &distances, own));
        }
    }
    figures
}

/// Names without the modules that all of them stand in.
fn shortened(names: Vec<&str>) -> Vec<String> {
    let stem = |name: &str| name.rsplit_once('.').map_or(0, |(stem, _)| stem.len() + 1);
    let first = names.first().copied().unwrap_or_default();
    let shared = (0..=stem(first)).rev().find(|n| {
        let prefix = first.get(..*n);
        prefix.is_some_and(|p| {
            (p.is_empty() || p.ends_with('.'))
                && names.iter().all(|name| name.starts_with(p) && stem(name) >= *n)
        })
    });
    names.iter().map(|name| name.get(shared.unwrap_or(0)..).unwrap_or(name).to_owned()).collect()
}

/// How far the densities of blocks are from each other.
fn apart(result: &SharpnessResult, names: &[String], distances: &[f64], own: (String, String)) -> Figure {
    let places: Vec<f64> = (0..names.len()).map(|i| i as f64).collect();
    let marks = names.iter().zip(&places).map(|(name, at)| Mark { x: *at, y: *at, label: name.clone() });
    Figure {
        name: format!("block-distances{}", own.0),
        chart: "matrix".to_owned(),
        title: format!(
            "Distances between densities of blocks of the {}{}",
            result.text(0, &["matrix"]),
            own.1
        ),
        subtitle: subtitle(result),
        panels: vec![Panel {
            z: axis("Jensen-Shannon distance", Scale::Linear),
            grids: vec![Grid { x: places.clone(), y: places.clone(), values: distances.to_vec() }],
            marks: marks.collect(),
            ..Panel::default()
        }],
    }
}

/// What is drawn of a block's density, below the highest peak of all.
const SEEN: f64 = 1e-4;

/// Networks beside each other: every measure relative to the first network, raw and invariant.
fn comparison(result: &SharpnessResult) -> Option<Figure> {
    if result.networks() < 2 {
        return None;
    }
    let all: Vec<_> = (0..result.networks()).map(|n| result.lines(n)).collect();
    let mut panels = Vec::new();
    for (title, raw) in [("raw: rescaling a layer changes these", true), ("rescaling-invariant", false)] {
        let of = |network: usize, key: &str| {
            let line = all[network].iter().find(|l| l.key == key)?;
            let cell = if raw { line.raw.as_ref() } else { line.invariant.as_ref() };
            cell.map(|c| c.value).filter(|v| *v > 0.0 && v.is_finite())
        };
        let shown: Vec<&super::result::Line> = all[0].iter().filter(|l| of(0, &l.key).is_some()).collect();
        if shown.is_empty() {
            continue;
        }
        let row = |i: usize| (shown.len() - 1 - i) as f64;
        let series = |network: usize| Series {
            label: result.text(network, &["label"]).to_owned(),
            x: shown
                .iter()
                .map(|l| of(network, &l.key).zip(of(0, &l.key)).map_or(f64::NAN, |(own, first)| own / first))
                .collect(),
            y: (0..shown.len()).map(row).collect(),
            band: None,
            style: Style::Dots,
        };
        let first = result.text(0, &["label"]);
        panels.push(Panel {
            title: title.to_owned(),
            x: axis(&format!("relative to {first}"), Scale::Log),
            series: (0..result.networks()).map(series).collect(),
            marks: shown
                .iter()
                .enumerate()
                .map(|(i, l)| Mark { x: 1.0, y: row(i), label: l.label.clone() })
                .collect(),
            ..Panel::default()
        });
    }
    (!panels.is_empty()).then(|| Figure {
        name: "comparison".to_owned(),
        chart: "rows".to_owned(),
        title: "Sharpness compared".to_owned(),
        subtitle: subtitle(result),
        panels,
    })
}
