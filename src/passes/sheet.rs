//! A sheet of samples: what the network sees, drawn.
//!
//! Images become one tile each, the first few of every class; points in the plane become one cloud a class. Other
//! data has no picture.

use crate::data::Dataset;
use crate::figure::{Axis, Figure, Grid, Panel, Series, Style};

const TILES: usize = 40;
/// Points and classes beyond which a cloud shows nothing more.
const POINTS: usize = 2000;
const CLOUDS: usize = 20;

/// The figure `samples` of the training samples; none for data that is neither images nor points in the plane.
pub fn sample_sheet(dataset: &Dataset) -> Option<Figure> {
    let (chart, panels) = match dataset.shape[..] {
        [channels, height, width] => ("tiles", tiles(dataset, channels, height, width)),
        // Drawn with equal scales.
        [2] => ("tiles", vec![clouds(dataset)]),
        _ => return None,
    };
    let (train, test) = (dataset.train.len(), dataset.test.len());
    let mut subtitle =
        format!("{} classes, {train} samples for training, {test} for testing", dataset.classes);
    if dataset.shape == [2] && (train > POINTS || dataset.classes > CLOUDS) {
        let (points, classes) = (train.min(POINTS), dataset.classes.min(CLOUDS));
        subtitle += &format!("; drawn: classes 0 to {} of the first {points}, in random order", classes - 1);
    }
    Some(Figure {
        name: "samples".to_owned(),
        chart: chart.to_owned(),
        title: format!("{}: training samples", dataset.name),
        subtitle,
        panels,
    })
}

/// The first few images of each class, class by class, titled by it.
fn tiles(dataset: &Dataset, channels: usize, height: usize, width: usize) -> Vec<Panel> {
    let each = (TILES / dataset.classes.max(1)).max(1);
    let sample = |i: usize| &dataset.train.x[i * dataset.features()..][..dataset.features()];
    let panel = |class: u32, i: usize| {
        // Colours are shown as grey, the mean of the channels.
        let grey = |pixel: usize| {
            (0..channels).map(|c| sample(i)[c * height * width + pixel]).sum::<f64>() / channels as f64
        };
        let axis = |n: usize| (0..n).map(|k| k as f64).collect();
        let grid = Grid { x: axis(width), y: axis(height), values: (0..height * width).map(grey).collect() };
        Panel { title: class.to_string(), grids: vec![grid], ..Panel::default() }
    };
    let of = |class: u32| (0..dataset.train.len()).filter(move |&i| dataset.train.y[i] == class).take(each);
    (0..dataset.classes.min(TILES) as u32).flat_map(|class| of(class).map(move |i| panel(class, i))).collect()
}

/// One series of dots a class, of the first samples: they are in random order.
fn clouds(dataset: &Dataset) -> Panel {
    let series = |class: u32| {
        let points = || {
            dataset
                .train
                .x
                .chunks_exact(2)
                .zip(&dataset.train.y)
                .take(POINTS)
                .filter(move |(_, y)| **y == class)
        };
        Series {
            label: format!("class {class}"),
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
        series: (0..dataset.classes.min(CLOUDS) as u32).map(series).collect(),
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Source;

    fn sheet(source: &str) -> Option<Figure> {
        sample_sheet(&Dataset::load(&source.parse::<Source>().unwrap(), 0, false).unwrap())
    }

    #[test]
    fn digits_stand_upright_four_a_class() {
        let figure = sheet("digits").unwrap();
        let titles: Vec<&str> = figure.panels.iter().map(|p| p.title.as_str()).collect();
        assert_eq!((titles.len(), &titles[..5]), (40, ["0", "0", "0", "0", "1"].as_slice()));
        let data = Dataset::load(&Source::default(), 0, false).unwrap();
        let first_zero = data.train.y.iter().position(|&y| y == 0).unwrap();
        let grid = &figure.panels[0].grids[0];
        assert_eq!(
            grid.values,
            data.train.x[first_zero * 64..][..64],
            "rows from the top, as tiles are drawn"
        );
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
    fn other_data_has_no_picture() {
        assert_eq!(sheet("blobs:dimension=5"), None);
    }
}
