//! The figures of a study: measures over an axis or against each other, curves of training, and what analyses drew, side by
//! side.

use super::axis::{Axis, Combination, OneOrMore, chosen, is_chosen};
use super::result::{Numbers, finite};
use super::unit::Measured;
use super::verdict::Table;
use super::written::{Centre, Drawing, Line, Measure};
use super::{drawn, labels, maps};
use crate::base::Result;
use crate::base::statistics::quantile;
use crate::figure::{self, Figure, Mark, Panel, Scale, Series, Style};

pub(super) fn figures(numbers: &Numbers) -> Result<Vec<Figure>> {
    let figures: Result<Vec<Option<Figure>>> =
        numbers.recipe.drawings.iter().map(|drawing| figure(numbers, drawing)).collect();
    Ok(figures?.into_iter().flatten().collect())
}

/// A figure; none where a smaller scale left out all cases that it is of.
fn figure(numbers: &Numbers, drawing: &Drawing) -> Result<Option<Figure>> {
    let recipe = numbers.recipe;
    let chosen = chosen(&recipe.axes, &drawing.condition);
    let cases: Vec<usize> =
        (0..recipe.cases.len()).filter(|c| is_chosen(&chosen, &recipe.cases[*c])).collect();
    let Some(first) = cases.first() else { return Ok(None) };
    let title = if drawing.title.is_empty() { &recipe.title } else { &drawing.title };
    let seeds = match recipe.seeds {
        1 => "one seed".to_owned(),
        n => format!("{n} seeds"),
    };
    let one = (cases.len() == 1).then(|| numbers.case(*first)[0].title.clone());
    let data = one.or_else(|| {
        // What all cases share: the data at least, where networks differ.
        let titles: Vec<&str> = cases.iter().map(|c| numbers.case(*c)[0].title.as_str()).collect();
        let of = |t: &str| t.split_once(" on ").map(|p| p.1.to_owned());
        if titles.iter().all(|t| *t == titles[0]) {
            Some(titles[0].to_owned())
        } else {
            of(titles[0]).filter(|d| titles.iter().all(|t| of(t).as_ref() == Some(d)))
        }
    });
    let parts = [data.filter(|d| !d.is_empty()), Some(seeds)];
    let (chart, panels, what) = if !drawing.of.is_empty() {
        drawn::panels(numbers, drawing, &cases)?
    } else if !drawing.curve.is_empty() {
        let of = |name: &String| -> Vec<Panel> {
            let one = |(title, members): Group| Panel { title, ..curves(numbers, drawing, &members, name) };
            each(numbers, drawing, &cases).into_iter().map(one).collect()
        };
        let panels = drawing.curve.iter().flat_map(of).collect();
        ("lines".to_owned(), panels, "median and quartiles".to_owned())
    } else if !drawing.grid.is_empty() {
        let (chart, panels) = maps::panels(numbers, drawing, &cases);
        (chart.to_owned(), panels, centres(numbers, drawing, "medians", "means"))
    } else if let Some(a) = recipe.axes.iter().position(|a| a.name == drawing.x && !a.is_numeric()) {
        let of = |y: &OneOrMore| -> Vec<Panel> {
            let one = |(title, members): Group| Panel { title, ..rows(numbers, drawing, a, &members, y) };
            each(numbers, drawing, &cases).into_iter().map(one).collect()
        };
        let panels = drawing.y.iter().flat_map(of).collect();
        let what = centres(numbers, drawing, "medians, a small dot a seed", "means of shares");
        ("rows".to_owned(), panels, what)
    } else {
        let mut panels = Vec::new();
        for y in &drawing.y {
            for (title, members) in each(numbers, drawing, &cases) {
                panels.push(Panel { title, ..panel(numbers, drawing, &members, y)? });
            }
        }
        let over = cases.iter().all(|c| place(numbers, &drawing.x, *c).is_some());
        let shares = "shares with standard errors";
        let what = if over {
            centres(numbers, drawing, "median and quartiles, a dot a seed", shares)
        } else {
            "a dot a case and seed".to_owned()
        };
        ("lines".to_owned(), panels, what)
    };
    let parts: Vec<String> = parts.into_iter().flatten().chain([what]).filter(|p| !p.is_empty()).collect();
    let (name, subtitle) = (drawing.name.clone(), parts.join("; "));
    Ok(Some(Figure { name, chart, title: title.clone(), subtitle, panels }))
}

/// What stands for several seeds in a figure, in words: of medians, of means, or of both; nothing for one seed.
fn centres(numbers: &Numbers, drawing: &Drawing, medians: &str, means: &str) -> String {
    if numbers.recipe.seeds == 1 {
        return String::new();
    }
    let drawn = drawing.y.iter().flat_map(OneOrMore::all).filter_map(|name| numbers.measure(name));
    let (mean, median): (Vec<_>, Vec<_>) = drawn.partition(|(measure, _)| measure.centre == Centre::Mean);
    let parts = [(!median.is_empty()).then_some(medians), (!mean.is_empty()).then_some(means)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Cases in groups: a label, and the cases with it.
type Group = (String, Vec<usize>);
pub(super) type Groups = Vec<Group>;

/// What a case is called beside others: its points on axes that have several, but those of `x`.
pub(super) fn label(axes: &[Axis], case: &Combination, by: &str, x: &[&str]) -> String {
    let parts = axes
        .iter()
        .zip(case)
        .filter(|(axis, _)| !x.contains(&axis.name.as_str()) && axis.places.len() > 1)
        .filter(|(axis, _)| by.is_empty() || axis.name == by)
        .map(|(axis, i)| match &axis.places[*i].name {
            // What has a name of its own says what it is.
            name if axis.is_numeric() && name.parse::<f64>().is_ok() => labels::counted(&axis.label, name),
            name => name.clone(),
        });
    parts.collect::<Vec<String>>().join(", ")
}

/// Cases grouped by what they have on axes other than that of the figure: by one of them, or by all.
pub(super) fn grouped(numbers: &Numbers, cases: &[usize], by: &str, x: &[&str]) -> Groups {
    let mut groups: Groups = Vec::new();
    for case in cases {
        let name = label(&numbers.recipe.axes, &numbers.recipe.cases[*case], by, x);
        match groups.iter_mut().find(|g| g.0 == name) {
            Some(group) => group.1.push(*case),
            None => groups.push((name, vec![*case])),
        }
    }
    groups
}

pub(super) fn axis(label: &str, scale: Scale) -> figure::Axis {
    figure::Axis { label: label.to_owned(), scale, range: None }
}

/// The cases of each panel with its title: of each point of the axis that has a panel each, or all of them.
fn each(numbers: &Numbers, drawing: &Drawing, cases: &[usize]) -> Groups {
    if drawing.panels.is_empty() {
        return vec![(String::new(), cases.to_vec())];
    }
    grouped(numbers, cases, &drawing.panels, &[])
}

/// What the labels of measures on one axis have in common.
fn axis_title(measures: &[&Measure]) -> String {
    labels::common(&measures.iter().map(|m| m.label.as_str()).collect::<Vec<&str>>())
}

/// Measures over an axis, or against another measure.
fn panel(numbers: &Numbers, drawing: &Drawing, cases: &[usize], y: &OneOrMore) -> Result<Panel> {
    let recipe = numbers.recipe;
    let (guides, measures): (Vec<&Measure>, Vec<&Measure>) = y
        .all()
        .iter()
        .filter_map(|name| numbers.measure(name).map(|(measure, _)| measure))
        .partition(|measure| measure.dashed);
    let along = recipe.axes.iter().position(|a| a.name == drawing.x);
    // Against a measure, cases are one group unless an axis is named.
    let groups = if along.is_none() && drawing.by.is_empty() {
        vec![(String::new(), cases.to_vec())]
    } else {
        grouped(numbers, cases, &drawing.by, &[&drawing.x, &drawing.panels])
    };
    let place = |case: usize| place(numbers, &drawing.x, case);
    let mut series = Vec::new();
    for measure in &measures {
        let several = measures.len() > 1;
        for (group, members) in groups.clone() {
            let label = match (several, group.is_empty()) {
                (true, true) => measure.label.clone(),
                (true, false) => format!("{}, {group}", measure.label),
                _ => group,
            };
            series.extend(if members.iter().all(|c| place(*c).is_some()) {
                over(numbers, &place, &members, measure, label)
            } else {
                against(numbers, &drawing.x, &members, measure, label)
            });
            // Without a label they have the colour of what came before.
            let guides = guides
                .iter()
                .filter_map(|guide| over(numbers, &place, &members, guide, String::new()).into_iter().next());
            series.extend(guides.map(|guide| Series { style: Style::Dashed, ..guide }));
        }
    }
    let (x_label, x_scale) = match (along, numbers.measure(&drawing.x)) {
        (Some(a), _) => (recipe.axes[a].label.clone(), recipe.axes[a].scale),
        (None, Some((measure, _))) => (measure.label.clone(), measure.scale),
        (None, None) => (drawing.x.clone(), Scale::Auto),
    };
    let scale = drawing.y_scale.or(measures.first().map(|m| m.scale)).unwrap_or_default();
    let (low, high) = series
        .iter()
        .flat_map(|s| &s.y)
        .filter(|y| y.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(*y), high.max(*y)));
    for line in drawing.lines.iter().filter(|_| low.is_finite()) {
        let Some(at) = threshold(numbers, line, cases, &place) else { continue };
        let (x, y) = (vec![at; 2], vec![low, high]);
        series.push(Series { label: line.label.clone(), x, y, style: Style::Dashed, ..Series::default() });
    }
    Ok(Panel {
        x: axis(&x_label, drawing.x_scale.unwrap_or(x_scale)),
        y: axis(&axis_title(&measures), scale),
        series,
        ..Panel::default()
    })
}

/// Where a case stands over an axis, or over a measure that is one number for all its seeds; none where it is not.
fn place(numbers: &Numbers, x: &str, case: usize) -> Option<f64> {
    let recipe = numbers.recipe;
    if let Some(a) = recipe.axes.iter().position(|a| a.name == x) {
        return Some(recipe.axes[a].positions()[recipe.cases[case][a]]);
    }
    let row = &numbers.measure(x)?.1[case];
    row.first().copied().filter(|first| row.iter().all(|value| value == first))
}

/// Where a vertical line stands: at its number, or at the first place where the centre of its measure reaches the level.
fn threshold(
    numbers: &Numbers,
    line: &Line,
    cases: &[usize],
    place: &dyn Fn(usize) -> Option<f64>,
) -> Option<f64> {
    if line.measure.is_empty() {
        return Some(line.at);
    }
    let (measure, table) = numbers.measure(&line.measure)?;
    let centre = |case: usize| measure.centre.of(table[case].iter().copied())[0];
    let reached = cases.iter().copied().filter(|case| centre(*case) >= line.rises_to);
    reached.filter_map(place).min_by(f64::total_cmp)
}

/// Whether a seed is not among those that a measure sums up: a median says nothing of runs that diverged, whatever they
/// count as in the table; a mean is a share of all runs.
fn left_out(measure: &Measure, seed: &Measured) -> bool {
    measure.centre == Centre::Median && seed.scalar("train.diverged") == Some(1.0)
}

/// The centre of a measure over seeds of some cases with the ends of its band: of numbers, each with whether its run
/// diverged. NaN where most did.
pub(super) fn summed(measure: &Measure, all: &[(f64, bool)]) -> [f64; 3] {
    let lost = all.iter().filter(|(_, diverged)| *diverged).count();
    if 2 * lost > all.len() { [f64::NAN; 3] } else { measure.centre.of(all.iter().map(|seed| seed.0)) }
}

/// The numbers of a measure in a case, a seed each, with whether the run diverged and is left out.
pub(super) fn of_case(numbers: &Numbers, measure: &Measure, table: &Table, case: usize) -> Vec<(f64, bool)> {
    let lost = numbers.case(case).iter().map(|m| left_out(measure, m));
    table[case].iter().copied().zip(lost).collect()
}

/// The centre over seeds with its band, and a dot for each seed.
fn over(
    numbers: &Numbers,
    place: &dyn Fn(usize) -> Option<f64>,
    cases: &[usize],
    measure: &Measure,
    label: String,
) -> Vec<Series> {
    let Some((_, table)) = numbers.measure(&measure.name) else { return Vec::new() };
    let at = |case: &usize| place(*case).unwrap_or(f64::NAN);
    // Cases that the grouping put together at one place are one sample.
    let mut columns: Vec<(f64, Vec<(f64, bool)>)> = Vec::new();
    for case in cases {
        let own = of_case(numbers, measure, table, *case);
        match columns.iter_mut().find(|c| c.0 == at(case)) {
            Some(column) => column.1.extend(own),
            None => columns.push((at(case), own)),
        }
    }
    columns.sort_by(|p, q| p.0.total_cmp(&q.0));
    let x: Vec<f64> = columns.iter().map(|c| c.0).collect();
    let sums: Vec<[f64; 3]> = columns.iter().map(|c| summed(measure, &c.1)).collect();
    let part = |i: usize| sums.iter().map(|s| s[i]).collect::<Vec<f64>>();
    let several = columns.iter().any(|c| c.1.len() > 1);
    let mut series = vec![Series {
        label,
        x,
        y: part(0),
        band: several.then(|| (part(1), part(2))),
        style: Style::Marked,
    }];
    if several {
        let finished = |(x, all): &(f64, Vec<(f64, bool)>)| {
            all.iter().filter(|(_, diverged)| !diverged).map(|(y, _)| (*x, *y)).collect::<Vec<_>>()
        };
        let dots = columns.iter().flat_map(finished);
        let (x, y) = dots.unzip();
        series.push(Series { x, y, style: Style::Specks, ..Series::default() });
    }
    series
}

/// Measures in a row for each point of an axis that has names, the first on top.
fn rows(numbers: &Numbers, drawing: &Drawing, a: usize, cases: &[usize], y: &OneOrMore) -> Panel {
    let recipe = numbers.recipe;
    let names = &recipe.axes[a].places;
    let measures: Vec<&Measure> =
        y.all().iter().filter_map(|name| numbers.measure(name).map(|(measure, _)| measure)).collect();
    let groups = grouped(numbers, cases, &drawing.by, &[&drawing.x, &drawing.panels]);
    let lines = (measures.len() * groups.len()).max(1);
    let mut series = Vec::new();
    for (m, measure) in measures.iter().enumerate() {
        let Some((_, table)) = numbers.measure(&measure.name) else { continue };
        for (g, (group, members)) in groups.iter().enumerate() {
            let label = match (measures.len() > 1, group.is_empty()) {
                (true, true) => measure.label.clone(),
                (true, false) => format!("{}, {group}", measure.label),
                _ => group.clone(),
            };
            // Side by side within the row.
            let offset = 0.5 - (m * groups.len() + g) as f64 / lines as f64 - 0.5 / lines as f64;
            let row = |case: &usize| (names.len() - 1 - recipe.cases[*case][a]) as f64 + 0.7 * offset;
            let centre = |case: &usize| measure.centre.of(table[*case].iter().copied())[0];
            let every = members.iter().flat_map(|c| table[*c].iter().map(move |v| (*v, row(c))));
            let (x, y) = members.iter().map(|c| (centre(c), row(c))).unzip();
            series.push(Series { label: label.clone(), x, y, style: Style::Dots, ..Series::default() });
            if recipe.seeds > 1 {
                let (x, y) = every.unzip();
                series.push(Series { label, x, y, style: Style::Specks, ..Series::default() });
            }
        }
    }
    let mark = |(i, place): (usize, &super::axis::Place)| Mark {
        x: f64::NAN,
        y: (names.len() - 1 - i) as f64,
        label: place.name.clone(),
    };
    let scale = drawing.y_scale.or(measures.first().map(|m| m.scale)).unwrap_or_default();
    Panel {
        x: axis(&axis_title(&measures), scale),
        series,
        marks: names.iter().enumerate().map(mark).collect(),
        ..Panel::default()
    }
}

/// One measure against another, a dot a case and seed.
fn against(numbers: &Numbers, x: &str, cases: &[usize], measure: &Measure, label: String) -> Vec<Series> {
    let (Some((_, x)), Some((_, y))) = (numbers.measure(x), numbers.measure(&measure.name)) else {
        return Vec::new();
    };
    let all = |table: &Table| cases.iter().flat_map(|c| table[*c].clone()).collect::<Vec<f64>>();
    vec![Series { label, x: all(x), y: all(y), style: Style::Dots, ..Series::default() }]
}

/// A curve of training over epochs: for each group the median over seeds with its quartiles.
fn curves(numbers: &Numbers, drawing: &Drawing, cases: &[usize], name: &str) -> Panel {
    let groups = grouped(numbers, cases, &drawing.by, &[&drawing.panels]);
    let series = groups.into_iter().map(|(label, members)| {
        let runs: Vec<&Measured> = members.iter().flat_map(|c| numbers.case(*c)).collect();
        let all: Vec<Vec<f64>> = runs.iter().map(|m| m.curve(name)).collect();
        let longest = all.iter().map(Vec::len).max().unwrap_or(0);
        // A run that has ended stays where it did: without it, the median of the others would jump.
        let column = |i: usize| finite(all.iter().filter_map(|c| c.get(i).or(c.last()).copied()));
        let columns: Vec<Vec<f64>> = (0..longest).map(column).collect();
        let q = |q: f64| columns.iter().map(|c| quantile(c, q)).collect::<Vec<f64>>();
        Series {
            label,
            x: (0..longest).map(|i| i as f64).collect(),
            y: q(0.5),
            band: (all.len() > 1).then(|| (q(0.25), q(0.75))),
            style: Style::Line,
        }
    });
    let scale =
        drawing.y_scale.unwrap_or(if name.ends_with("accuracy") { Scale::Linear } else { Scale::Auto });
    Panel {
        x: axis("epoch", drawing.x_scale.unwrap_or(Scale::Linear)),
        y: axis(&name.replace('_', " ").replace("train ", "training "), scale),
        series: series.collect(),
        ..Panel::default()
    }
}
