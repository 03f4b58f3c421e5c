//! A sheet of samples: what the network sees, drawn.
//!
//! Images become one tile each, the first few of every class, with their own greys or colours (standardising undone);
//! signals become curves, one above the other by class; points in the plane one cloud a class; values of one number a curve of
//! dots. Other data has no picture.

use crate::base::files::brief;
use crate::data::{Dataset, Samples};
use crate::figure::{Axis, Figure, Grid, Panel, Scale, Series, Style};

const TILES: usize = 40;
/// Signals of a class, a panel for each, and most classes in a panel.
const SIGNALS: usize = 4;
const ROWS: usize = 12;
/// Points and classes beyond which a cloud shows nothing more.
const POINTS: usize = 2000;
const CLOUDS: usize = 20;

/// The figure `samples` of the training samples; none for data that no picture is known for.
pub fn sample_sheet(dataset: &Dataset) -> Option<Figure> {
    let (chart, panels) = match dataset.shape[..] {
        [_, 1, width] => ("lines", signals(dataset, width)),
        [channels, height, width] => ("tiles", tiles(dataset, channels, height, width)),
        // Drawn with equal scales.
        [2] if dataset.has_classes() => ("tiles", vec![clouds(dataset)]),
        [1] if !dataset.has_classes() && dataset.outputs == 1 => ("lines", vec![curve(dataset)]),
        _ => return None,
    };
    let (train, test) = (dataset.train.len(), dataset.test.len());
    let mut subtitle = format!("{}, {train} samples for training, {test} for testing", dataset.targets());
    let drawn = match dataset.shape[..] {
        [2] if dataset.has_classes() => (POINTS, CLOUDS),
        [_, 1, _] => (usize::MAX, ROWS),
        _ => (usize::MAX, usize::MAX),
    };
    if dataset.has_classes() && (train > drawn.0 || dataset.outputs > drawn.1) {
        let points = train.min(drawn.0);
        let classes = dataset.outputs.min(drawn.1) - 1;
        subtitle += &format!("; drawn: classes 0 to {classes} of the first {points}, in random order");
    }
    Some(Figure {
        name: "samples".to_owned(),
        chart: chart.to_owned(),
        title: format!("{}: training samples", dataset.name),
        subtitle,
        panels,
    })
}

/// The first few training samples of each class; without classes, the first ones. Each with its title.
fn chosen(dataset: &Dataset, all: usize) -> Vec<(usize, String)> {
    let samples = &dataset.train;
    match samples.labels() {
        Some(labels) => {
            let each = (all / dataset.outputs.max(1)).max(1);
            let of = |class: u32| (0..labels.len()).filter(move |&i| labels[i] == class).take(each);
            let titled = |class: u32| {
                let name = class_name(dataset, class).unwrap_or_else(|| class.to_string());
                of(class).map(move |i| (i, name.clone()))
            };
            (0..dataset.outputs.min(all) as u32).flat_map(titled).collect()
        }
        None => {
            let first = |i: usize| samples.values().and_then(|v| v.get(i * dataset.outputs).copied());
            let title = |i: usize| first(i).map_or_else(String::new, |v| format!("{v:.2}"));
            (0..samples.len().min(all)).map(|i| (i, title(i))).collect()
        }
    }
}

/// What a class is called, if it has a name.
fn class_name(dataset: &Dataset, class: u32) -> Option<String> {
    dataset.class_names.get(class as usize).map(|name| brief(name))
}

/// The first few images of each class, class by class, titled by it.
fn tiles(dataset: &Dataset, channels: usize, height: usize, width: usize) -> Vec<Panel> {
    let axis = |n: usize| (0..n).map(|k| k as f64).collect::<Vec<f64>>();
    let pixels = height * width;
    let panel = |(i, title): (usize, String)| {
        let image = dataset.original(dataset.train.input(i));
        let grid = |values: Vec<f64>| Grid { x: axis(width), y: axis(height), values };
        let grids = match channels {
            3 => image.chunks_exact(pixels).map(|channel| grid(channel.to_vec())).collect(),
            // Other numbers of channels are shown as grey, their mean.
            _ => {
                let mean =
                    |p: usize| (0..channels).map(|c| image[c * pixels + p]).sum::<f64>() / channels as f64;
                vec![grid((0..pixels).map(mean).collect())]
            }
        };
        Panel { title, grids, ..Panel::default() }
    };
    let mut panels: Vec<Panel> = chosen(dataset, TILES).into_iter().map(panel).collect();
    // Shares of full intensity are drawn as such; whatever else they are, from the lowest to the highest.
    let all = || panels.iter().flat_map(|p| &p.grids).flat_map(|g| &g.values);
    // Standardising and back rounds.
    if all().all(|v| (-1e-9..=1.0 + 1e-9).contains(v)) && all().any(|v| *v > 0.5) {
        panels.iter_mut().for_each(|p| p.z.range = Some((0.0, 1.0)));
    }
    panels
}

/// One signal of each class in each panel, one above the other: signal v of class c is drawn at c + 0.9 v / max |v|, so
/// that only the largest reach into the place of a neighbour. Channels of one signal share its place.
fn signals(dataset: &Dataset, width: usize) -> Vec<Panel> {
    let rows = if dataset.has_classes() { dataset.outputs.min(ROWS) } else { ROWS };
    // Without classes, signal after signal.
    let mut chosen: Vec<(usize, usize, Vec<f64>)> = Vec::new();
    for (k, (i, class)) in chosen_of(dataset, rows).into_iter().enumerate() {
        let row = if dataset.has_classes() { class } else { k % rows };
        let panel =
            if dataset.has_classes() { chosen.iter().filter(|c| c.1 == row).count() } else { k / rows };
        chosen.push((panel, row, dataset.original(dataset.train.input(i))));
    }
    let largest = chosen.iter().flat_map(|c| &c.2).fold(0.0f64, |most, v| most.max(v.abs()));
    let axis = |label: &str, range| Axis { label: label.to_owned(), scale: Scale::Linear, range };
    let label = if dataset.has_classes() { "class" } else { "signal" };
    let panel = |p: usize| Panel {
        title: if dataset.has_classes() { format!("signal {} of each class", p + 1) } else { String::new() },
        x: axis("position", None),
        y: axis(label, Some((-0.95, rows as f64 - 0.05))),
        ..Panel::default()
    };
    let mut panels: Vec<Panel> = (0..chosen.iter().map(|c| c.0 + 1).max().unwrap_or(0)).map(panel).collect();
    for (p, row, signal) in chosen {
        for channel in signal.chunks_exact(width) {
            let at = |v: &f64| row as f64 + if largest > 0.0 { 0.9 * v / largest } else { 0.0 };
            let x = (0..width).map(|p| p as f64).collect();
            let y = channel.iter().map(at).collect();
            panels[p].series.push(Series { x, y, ..Series::default() });
        }
    }
    panels
}

/// Training samples for signals: the first few of each of `rows` classes, or the first few rows of all; each with its
/// class.
fn chosen_of(dataset: &Dataset, rows: usize) -> Vec<(usize, usize)> {
    match dataset.train.labels() {
        Some(labels) => {
            let of = |class: usize| {
                let all = (0..labels.len()).filter(move |&i| labels[i] as usize == class);
                all.take(SIGNALS).map(move |i| (i, class))
            };
            (0..rows).flat_map(of).collect()
        }
        None => (0..dataset.train.len().min(SIGNALS * rows)).map(|i| (i, 0)).collect(),
    }
}

/// One series of dots a class, of the first samples: they are in random order.
fn clouds(dataset: &Dataset) -> Panel {
    let labels = dataset.train.labels().unwrap_or_default();
    let series = |class: u32| {
        let points = || {
            let all = dataset.train.x.chunks_exact(2).zip(labels);
            all.take(POINTS).filter(move |(_, y)| **y == class)
        };
        Series {
            label: class_name(dataset, class).unwrap_or_else(|| format!("class {class}")),
            x: points().map(|(p, _)| p[0]).collect(),
            y: points().map(|(p, _)| p[1]).collect(),
            style: Style::Dots,
            ..Series::default()
        }
    };
    let axis = |label: &str| Axis { label: label.to_owned(), ..Axis::default() };
    Panel {
        x: axis("first feature"),
        y: axis("second feature"),
        series: (0..dataset.outputs.min(CLOUDS) as u32).map(series).collect(),
        ..Panel::default()
    }
}

/// Values of training and test samples against their feature, in its own units.
fn curve(dataset: &Dataset) -> Panel {
    let dots = |label: &str, samples: &Samples| {
        let n = samples.len().min(POINTS);
        Series {
            label: label.to_owned(),
            x: (0..n).flat_map(|i| dataset.original(samples.input(i))).collect(),
            y: samples.values().unwrap_or_default()[..n].to_vec(),
            style: Style::Dots,
            ..Series::default()
        }
    };
    let axis = |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear, range: None };
    Panel {
        x: axis("feature"),
        y: axis("value"),
        series: vec![dots("train", &dataset.train), dots("test", &dataset.test)],
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Preparation, Source, Standardize};

    fn load(source: &str, standardize: Standardize) -> Dataset {
        let preparation = Preparation::standardized(standardize);
        Dataset::load(&source.parse::<Source>().unwrap(), 0, &preparation).unwrap()
    }

    fn sheet(source: &str) -> Option<Figure> {
        sample_sheet(&load(source, Standardize::None))
    }

    #[test]
    fn digits_stand_upright_four_a_class() {
        let figure = sheet("digits").unwrap();
        let titles: Vec<&str> = figure.panels.iter().map(|p| p.title.as_str()).collect();
        assert_eq!((titles.len(), &titles[..5]), (40, ["0", "0", "0", "0", "1"].as_slice()));
        let data = load("digits", Standardize::None);
        let first_zero = data.train.labels().unwrap().iter().position(|&y| y == 0).unwrap();
        let grid = &figure.panels[0].grids[0];
        let expected = &data.train.x[first_zero * 64..][..64];
        assert_eq!(grid.values, expected, "rows from the top, as tiles are drawn");
    }

    #[test]
    fn images_are_drawn_as_they_were_before_standardising() {
        let before = sheet("digits").unwrap();
        for way in [Standardize::Feature, Standardize::Channel] {
            let after = sample_sheet(&load("digits", way)).unwrap();
            for (a, b) in before.panels.iter().zip(&after.panels) {
                let pairs = a.grids[0].values.iter().zip(&b.grids[0].values);
                assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-12), "{way}");
            }
        }
    }

    #[test]
    fn points_become_one_cloud_a_class() {
        let figure = sheet("blobs:classes=4").unwrap();
        let series = &figure.panels[0].series;
        assert_eq!((series.len(), series.iter().map(|s| s.x.len()).sum::<usize>()), (4, 750));
        assert!(series.iter().all(|s| s.style == Style::Dots && s.x.len() == s.y.len()));
    }

    #[test]
    fn large_clouds_are_cut_and_say_so() {
        let figure = sheet("blobs:classes=30,samples=8000").unwrap();
        let series = &figure.panels[0].series;
        let drawn: usize = series.iter().map(|s| s.x.len()).sum();
        assert!(series.len() == 20 && (1200..1500).contains(&drawn), "{drawn}");
        assert!(figure.subtitle.ends_with("drawn: classes 0 to 19 of the first 2000, in random order"));
        assert!(!sheet("spirals").unwrap().subtitle.contains("drawn"));
    }

    #[test]
    fn signals_become_curves_one_above_the_other() {
        let figure = sheet("mnist1d").unwrap();
        assert_eq!((figure.chart.as_str(), figure.panels.len()), ("lines", SIGNALS));
        for panel in &figure.panels {
            assert_eq!(panel.series.len(), 10);
            for (class, series) in panel.series.iter().enumerate() {
                assert!(series.y.len() == 40 && series.y.iter().all(|y| (y - class as f64).abs() <= 0.9));
            }
        }
        let all = figure.panels.iter().flat_map(|p| p.series.iter().enumerate());
        let highest =
            all.flat_map(|(c, s)| s.y.iter().map(move |y| (y - c as f64).abs())).fold(0.0, f64::max);
        assert!((highest - 0.9).abs() < 1e-12, "the largest nearly reaches its neighbour");
    }

    #[test]
    fn values_of_one_number_become_a_curve_of_dots() {
        let data = load("polynomial", Standardize::Feature);
        let panel = &sample_sheet(&data).unwrap().panels[0];
        let counts: Vec<usize> = panel.series.iter().map(|s| s.x.len()).collect();
        assert_eq!(counts, [150, 50]);
        assert!(panel.series[0].x.iter().all(|x| x.abs() <= 1.0 + 1e-12), "in its own units");
        assert_eq!(Some(panel.series[0].y.as_slice()), data.train.values());
    }

    #[test]
    fn other_data_has_no_picture() {
        assert_eq!(sheet("blobs:dimension=5"), None);
        assert_eq!(sheet("teacher-student"), None);
    }
}
