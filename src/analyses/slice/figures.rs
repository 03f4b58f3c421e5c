//! How a slice looks: filled contours and surfaces of planes, curves of lines, cuts through volumes.

use super::facts::{AXES, Coordinates, Facts};
use super::view::View;
use super::{SliceResult, SliceSettings};
use crate::analyses::statistics::NO_STATISTICS;
use crate::base::statistics::quantile;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};
use crate::landscape::directions::{Draw, Length};
use crate::landscape::measures::{Computed, Measure};
use crate::nn::losses::Loss;

/// What a figure shows of each view.
struct Shown<'a> {
    name: &'a str,
    chart: &'a str,
    map: &'a str,
    label: String,
    scale: Scale,
    /// Whether the map has no values on the border, being made of differences.
    inner: bool,
}

impl<'a> Shown<'a> {
    fn new(name: &'a str, chart: &'a str, map: &'a str, label: String, scale: Scale) -> Self {
        Self { name, chart, map, label, scale, inner: false }
    }
}

/// Most planes of a volume in one picture.
pub const CUTS: usize = 9;

/// All figures of a slice; of a volume with at most `cuts` planes.
pub fn figures(settings: &SliceSettings, views: &[View], cuts: usize) -> Vec<Figure> {
    let Some(first) = views.first() else { return Vec::new() };
    match settings.dimensions() {
        1 => lines(settings, views),
        2 => planes(settings, views),
        _ if views.len() == 1 => volume(settings, first, "", cuts),
        _ => {
            let own = |(i, view): (usize, &View)| volume(settings, view, &format!("-{i}"), cuts);
            views.iter().enumerate().flat_map(own).collect()
        }
    }
}

/// The median over draws, where they were made until its band is narrow.
pub fn draws(result: &SliceResult) -> Option<Figure> {
    let (settings, views) = (result.settings(), result.views());
    let [loss, _] = losses(views.first()?);
    super::draws::figure(result, &loss, subtitle(settings, views, "training"))
}

/// The main figure of a view that is not finished.
pub fn unfinished(settings: &SliceSettings, view: &View, computed: usize) -> Figure {
    let all = figures(settings, std::slice::from_ref(view), CUTS);
    let mut figure =
        all.into_iter().next().unwrap_or_else(|| planes(settings, std::slice::from_ref(view)).remove(0));
    figure.name = "unfinished".to_owned();
    figure.subtitle =
        format!("unfinished: {computed} of {} points; {}", view.facts.points(), figure.subtitle);
    figure
}

/// Loss axes are those of the network's loss.
fn losses(view: &View) -> [String; 2] {
    let loss: &Loss = &view.facts.network.loss;
    [loss.axis("training loss"), loss.axis("test loss")]
}

/// Whether a map has anything to show: accuracies of a regression have nothing.
fn has(views: &[View], map: &str) -> bool {
    views.iter().any(|v| v.map(map).iter().any(|x| x.is_finite()))
}

/// The maps beside those of the losses.
fn others<'a>(settings: &'a SliceSettings, views: &[View], chart: &'a str) -> Vec<Shown<'a>> {
    let mut all = Vec::new();
    for (name, map, part) in
        [("uncertainty", "train_loss_stderr", "training"), ("uncertainty-test", "test_loss_stderr", "test")]
    {
        if has(views, map) {
            let label = format!("standard error of the {part} loss");
            all.push(Shown::new(name, chart, map, label, Scale::Auto));
        }
    }
    for measure in &settings.maps {
        let inner = measure.computed() == Computed::FromPlane;
        for drawn in measure.maps().into_iter().filter(|d| !d.figure.is_empty()) {
            let some =
                |sign: fn(f64) -> bool| views.iter().any(|v| v.map(drawn.array).iter().any(|x| sign(*x)));
            let scale = match drawn.signed {
                true if some(|x| x < 0.0) && some(|x| x > 0.0) => Scale::Signed,
                true => Scale::Linear,
                false => Scale::Auto,
            };
            let shown = Shown::new(drawn.figure, chart, drawn.array, drawn.label.to_owned(), scale);
            all.push(Shown { inner, ..shown });
        }
    }
    all
}

fn planes(settings: &SliceSettings, views: &[View]) -> Vec<Figure> {
    let [train, test] = losses(&views[0]);
    let mut all = vec![
        Shown::new("contour", "contour", "train_loss", train.clone(), Scale::Auto),
        Shown::new("surface", "surface", "train_loss", train, Scale::Auto),
    ];
    let tested = views.iter().any(|v| v.facts.samples.test > 0);
    if tested {
        all.push(Shown::new("contour-test", "contour", "test_loss", test, Scale::Auto));
    }
    if has(views, "train_accuracy") || !has(views, "train_loss") {
        let label = |part: &str| format!("{part} accuracy");
        all.push(Shown::new("accuracy", "contour", "train_accuracy", label("training"), Scale::Linear));
        if tested {
            all.push(Shown::new("accuracy-test", "contour", "test_accuracy", label("test"), Scale::Linear));
        }
    }
    all.extend(others(settings, views, "contour"));
    let mut figures: Vec<Figure> = all.iter().map(|shown| plane(settings, views, shown)).collect();
    figures.extend(computed(views, &figures[0]));
    figures
}

/// Which points were computed, over the contour; where others were interpolated.
fn computed(views: &[View], contour: &Figure) -> Option<Figure> {
    let mut figure = Figure { name: "points".to_owned(), ..contour.clone() };
    for (view, panel) in views.iter().zip(&mut figure.panels) {
        let evaluated = view.evaluated.as_ref()?;
        let coordinates = view.facts.coordinates();
        let there = evaluated.there.iter().enumerate().filter(|(_, there)| **there);
        let (x, y) = there.map(|(i, _)| coordinates.at(i)).map(|[x, y, _]| (x, y)).unzip();
        panel.series = vec![Series {
            label: "computed points".to_owned(),
            x,
            y,
            style: Style::Dots,
            ..Series::default()
        }];
        panel.marks.clear();
    }
    figure.title = format!("{}, points computed", figure.title);
    Some(figure)
}

/// One map of every view, side by side.
fn plane(settings: &SliceSettings, views: &[View], shown: &Shown) -> Figure {
    let panel = |view: &View| {
        let Coordinates(axes) = view.facts.coordinates();
        let values = view.map(shown.map);
        let grid = if shown.inner && axes.iter().all(|a| a.len() > 2) {
            inner(&axes[0], &axes[1], &values)
        } else {
            Grid { x: axes[0].clone(), y: axes[1].clone(), values }
        };
        let mut marks = vec![(vec![0.0, 0.0], view.facts.center_label.clone())];
        marks.extend(view.facts.marks.iter().map(|m| (m.at.clone(), m.label.clone())));
        let range = |k: usize| view.facts.axes[k].range;
        let within = |at: &[f64]| (0..2).all(|k| (range(k).min..=range(k).max).contains(&at[k]));
        marks.retain(|(at, _)| within(at));
        let alone = view.facts.others.is_empty();
        let name = if alone { "trajectory, projected" } else { &view.facts.label };
        let own = view.facts.trail.iter().map(|trail| (name, trail));
        let others = view.facts.others.iter().map(|other| (other.label.as_str(), &other.trail));
        let path = own.chain(others).map(|(name, trail)| Series {
            label: format!("{name}: {}", gone(&trail.steps)),
            x: trail.coordinates[0].clone(),
            y: trail.coordinates[1].clone(),
            style: Style::Path,
            ..Series::default()
        });
        Panel {
            title: title(settings, views, view),
            x: side(view, 0),
            y: side(view, 1),
            z: Axis { label: shown.label.clone(), scale: shown.scale, range: None },
            grids: vec![grid],
            series: path.collect(),
            marks: marks.into_iter().map(|(at, label)| Mark { x: at[0], y: at[1], label }).collect(),
        }
    };
    Figure {
        name: shown.name.to_owned(),
        chart: shown.chart.to_owned(),
        title: heading(views, &shown.label),
        subtitle: subtitle(settings, views, if shown.map.starts_with("test") { "test" } else { "training" }),
        panels: views.iter().map(panel).collect(),
    }
}

/// What the dots of a trajectory are.
fn gone(steps: &[u64]) -> String {
    let [first, .., last] = steps else { return "one step".to_owned() };
    let even = steps.windows(3).all(|w| w[2] - w[1] == w[1] - w[0]);
    let dots =
        if even { format!("a dot every {}", steps[1] - first) } else { format!("{} dots", steps.len()) };
    format!("steps {first} to {last}, {dots}")
}

/// The grid without its border.
fn inner(x: &[f64], y: &[f64], values: &[f64]) -> Grid {
    let within = |v: &[f64]| v[1..v.len() - 1].to_vec();
    let rows = values.chunks(x.len()).skip(1).take(y.len() - 2);
    Grid { x: within(x), y: within(y), values: rows.flat_map(within).collect() }
}

fn side(view: &View, k: usize) -> Axis {
    let label = format!("{}: {}", AXES[k], view.facts.axes[k].label);
    Axis { label, scale: Scale::Linear, range: None }
}

/// What tells a view from the others.
fn title(settings: &SliceSettings, views: &[View], view: &View) -> String {
    let networks = views.iter().any(|v| v.facts.label != views[0].facts.label);
    let mut words = Vec::new();
    if networks {
        words.push(view.facts.label.clone());
    }
    if settings.draws() > 1 {
        words.push(format!("seed {}", view.facts.seed));
    }
    // What is not the same everywhere cannot stand in the subtitle.
    if !same(views, |f| (f.data_sha256.clone(), f.samples, f.population)) {
        words.push(format!("{} samples of {}", view.facts.samples.train, view.facts.data.data.title()));
    }
    if !same(views, |f| f.norm_statistics.clone()) {
        words.push(format!("statistics {}", view.facts.norm_statistics));
    }
    words.join(", ")
}

/// Whether something known of the views is the same of all.
fn same<T: PartialEq>(views: &[View], of: impl Fn(&Facts) -> T) -> bool {
    views.iter().all(|v| of(&v.facts) == of(&views[0].facts))
}

fn heading(views: &[View], label: &str) -> String {
    let what = label.split(" (").next().unwrap_or_default();
    let first = &views[0].facts;
    if views.iter().all(|v| v.facts.title == first.title) {
        format!("{}: {what}", first.title)
    } else {
        let mut capital = what.to_owned();
        if let Some(c) = capital.get_mut(..1) {
            c.make_ascii_uppercase();
        }
        let on = if same(views, |f| f.data_sha256.clone()) {
            format!(" on {}", first.data.data.title())
        } else {
            String::new()
        };
        format!("{capital} of several networks{on}")
    }
}

fn subtitle(settings: &SliceSettings, views: &[View], part: &str) -> String {
    let facts = &views[0].facts;
    let what = ["line", "plane", "volume"][settings.dimensions() - 1];
    let kind = settings.directions.adjective();
    let last = views.iter().map(|v| v.facts.seed).max().unwrap_or(settings.seed);
    let seeds = match (settings.directions.length(), settings.draws()) {
        (Length::Fixed, _) => String::new(),
        (_, 1) => format!(", seed {}", settings.seed),
        _ => format!(", seeds {} to {last}", settings.seed),
    };
    let samples = if part == "test" { facts.samples.test } else { facts.samples.train };
    let of = if part != "test" && facts.sampled()[0] {
        format!(" of {}", facts.population.train)
    } else {
        String::new()
    };
    let statistics = match facts.norm_statistics.as_str() {
        "" | NO_STATISTICS => String::new(),
        _ if !same(views, |f| f.norm_statistics.clone()) => String::new(),
        other => format!("; statistics {other}"),
    };
    let samples = if same(views, |f| (f.data_sha256.clone(), f.samples, f.population)) {
        format!("; {samples}{of} {part} samples")
    } else {
        format!("; {part} samples")
    };
    format!("{kind} {what}{seeds}{samples}{statistics}")
}

fn lines(settings: &SliceSettings, views: &[View]) -> Vec<Figure> {
    let [train, _] = losses(&views[0]);
    let loss = train.replacen("training loss", "loss", 1);
    let error = |v: &View, map: &str| v.map(map).iter().map(|a| 1.0 - a).collect::<Vec<f64>>();
    let mut panels = vec![curves(views, &loss, ["train_loss", "test_loss"], |v, map| v.map(map))];
    if has(views, "train_accuracy") {
        panels.push(curves(views, "error", ["train_accuracy", "test_accuracy"], error));
    }
    let figure = |name: &str, label: &str, panels: Vec<Panel>| Figure {
        name: name.to_owned(),
        chart: "lines".to_owned(),
        title: heading(views, label),
        subtitle: subtitle(settings, views, "training"),
        panels,
    };
    let mut all = vec![figure("line", "loss along a line", panels)];
    all.extend(twin(views, &loss).map(|panels| Figure {
        chart: "twin".to_owned(),
        ..figure("line-twin", "loss and accuracy along a line", panels)
    }));
    for shown in others(settings, views, "lines") {
        let panel = curves(views, &shown.label, [shown.map, ""], |v, map| v.map(map));
        all.push(figure(shown.name, &shown.label, vec![panel]));
    }
    all
}

/// Loss and accuracy of one view on a left and a right axis: training solid, test dashed.
fn twin(views: &[View], loss: &str) -> Option<Vec<Panel>> {
    let [view] = views else { return None };
    if !has(views, "train_accuracy") {
        return None;
    }
    let x = view.facts.coordinates().0[0].clone();
    let panel = |name: &str, label: &str, maps: [&str; 2], scale: Scale| {
        let tested = !view.map(maps[1]).is_empty();
        let label_of = |k: usize| match (k, tested) {
            (0, true) => format!("{name} (dashed: test)"),
            (0, false) => format!("training {name}"),
            _ => String::new(),
        };
        let all = maps.iter().enumerate().filter(|(_, map)| !view.map(map).is_empty());
        let curve = |(k, map): (usize, &&str)| Series {
            label: label_of(k),
            x: x.clone(),
            y: view.map(map),
            style: if k == 0 { Style::Line } else { Style::Dashed },
            ..Series::default()
        };
        Panel {
            x: side(view, 0),
            y: Axis { label: label.to_owned(), scale, range: None },
            series: all.map(curve).collect(),
            ..Panel::default()
        }
    };
    Some(vec![
        panel("loss", loss, ["train_loss", "test_loss"], Scale::Auto),
        panel("accuracy", "accuracy", ["train_accuracy", "test_accuracy"], Scale::Linear),
    ])
}

/// One panel of curves: training solid, test dashed, a colour a network; over several draws the median, the band between
/// the extremes, and each draw thin.
fn curves(views: &[View], label: &str, maps: [&str; 2], values: impl Fn(&View, &str) -> Vec<f64>) -> Panel {
    let mut labels: Vec<&str> = views.iter().map(|v| v.facts.label.as_str()).collect();
    labels.dedup();
    let mut panel = Panel {
        x: side(&views[0], 0),
        y: Axis { label: label.to_owned(), scale: Scale::Auto, range: None },
        ..Panel::default()
    };
    for network in &labels {
        let own: Vec<&View> = views.iter().filter(|v| v.facts.label == *network).collect();
        let x = own[0].facts.coordinates().0[0].clone();
        for (map, part) in maps.iter().zip(["training", "test"]) {
            let rows: Vec<Vec<f64>> =
                own.iter().map(|v| values(v, map)).filter(|r| r.len() == x.len()).collect();
            if rows.is_empty() {
                continue;
            }
            // A network has one colour, its test curve dashed; a network alone has one for each part.
            let draws =
                if rows.len() > 1 { format!(", median of {} draws", rows.len()) } else { String::new() };
            let label = match (labels.len(), part) {
                _ if maps[1].is_empty() => format!("{network}{draws}"),
                (1, part) => format!("{part}{draws}"),
                (_, "test") => String::new(),
                _ => format!("{network}{draws} (dashed: test)"),
            };
            let style = if part == "test" { Style::Dashed } else { Style::Line };
            if rows.len() == 1 {
                panel.series.push(Series {
                    label,
                    x: x.clone(),
                    y: rows[0].clone(),
                    style,
                    ..Series::default()
                });
                continue;
            }
            let at = |q: f64| -> Vec<f64> {
                let column = |i: usize| {
                    let mut all: Vec<f64> = rows.iter().map(|r| r[i]).filter(|v| v.is_finite()).collect();
                    all.sort_by(f64::total_cmp);
                    quantile(&all, q)
                };
                (0..x.len()).map(column).collect()
            };
            let band = Some((at(0.0), at(1.0)));
            panel.series.push(Series { label, x: x.clone(), y: at(0.5), band, style });
            let faint = |y: &Vec<f64>| Series {
                x: x.clone(),
                y: y.clone(),
                style: Style::Faint,
                ..Series::default()
            };
            panel.series.extend(rows.iter().map(faint));
        }
    }
    // Where the networks stand, on the first curve.
    let first = &views[0];
    if let ([_], Some(curve)) = (views, panel.series.first()) {
        let mut marks = vec![(0.0, first.facts.center_label.clone())];
        marks.extend(first.facts.marks.iter().map(|m| (m.at[0], m.label.clone())));
        let on_curve =
            |(x, label): (f64, String)| between(&curve.x, &curve.y, x).map(|y| Mark { x, y, label });
        panel.marks = marks.into_iter().filter_map(on_curve).collect();
    }
    panel
}

/// The value of a curve at x, between its points.
fn between(xs: &[f64], ys: &[f64], x: f64) -> Option<f64> {
    let i = xs.windows(2).position(|w| (w[0]..=w[1]).contains(&x))?;
    let share = (x - xs[i]) / (xs[i + 1] - xs[i]);
    Some(ys[i] * (1.0 - share) + ys[i + 1] * share).filter(|y| y.is_finite())
}

/// Cuts through a volume at about equal steps of z.
fn volume(settings: &SliceSettings, view: &View, suffix: &str, cuts: usize) -> Vec<Figure> {
    let [train, test] = losses(view);
    let contour = |name, map, label, scale| Shown::new(name, "contour", map, label, scale);
    let mut all = vec![contour("volume", "train_loss", train, Scale::Auto)];
    if view.facts.samples.test > 0 {
        all.push(contour("volume-test", "test_loss", test, Scale::Auto));
    }
    if has(std::slice::from_ref(view), "train_accuracy") {
        let label = "training accuracy".to_owned();
        all.push(contour("volume-accuracy", "train_accuracy", label, Scale::Linear));
    }
    all.extend(others(settings, std::slice::from_ref(view), "contour"));
    let Coordinates(axes) = view.facts.coordinates();
    let (nx, ny, nz) = (axes[0].len(), axes[1].len(), axes[2].len());
    let cuts = cuts.min(nz);
    let chosen: Vec<usize> = (0..cuts).map(|c| (c * (nz - 1) + (cuts - 1) / 2) / (cuts - 1).max(1)).collect();
    let figure = |shown: &Shown| {
        let values = view.map(shown.map);
        let panel = |k: &usize| {
            let z = axes[2][*k];
            let slab = values.get(k * nx * ny..(k + 1) * nx * ny).map_or(Vec::new(), <[f64]>::to_vec);
            let center = Mark { x: 0.0, y: 0.0, label: view.facts.center_label.clone() };
            Panel {
                title: format!("z = {}", (z * 1e6).round() / 1e6),
                x: side(view, 0),
                y: side(view, 1),
                z: Axis { label: shown.label.clone(), scale: shown.scale, range: None },
                grids: vec![Grid { x: axes[0].clone(), y: axes[1].clone(), values: slab }],
                marks: if z == 0.0 { vec![center] } else { Vec::new() },
                ..Panel::default()
            }
        };
        Figure {
            name: format!("{}{suffix}", shown.name),
            chart: shown.chart.to_owned(),
            title: heading(std::slice::from_ref(view), &shown.label),
            subtitle: format!(
                "{}; z: {}",
                subtitle(
                    settings,
                    std::slice::from_ref(view),
                    if shown.map.starts_with("test") { "test" } else { "training" }
                ),
                view.facts.axes[2].label
            ),
            panels: chosen.iter().map(panel).collect(),
        }
    };
    all.iter().map(figure).collect()
}
