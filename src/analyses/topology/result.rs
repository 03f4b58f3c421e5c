//! What is found of every view of a slice: scalars, arrays, files; and the same read back.

use super::{Band, TopologySettings};
use crate::analyses::slice::View;
use crate::analyses::stored::{self, Arrays};
use crate::analyses::{Files, Saved, SliceResult, archive, document};
use crate::base::npz::Npz;
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::landscape::topology::{self, Bar};
use serde_json::{Value, json};
use std::path::Path;

/// The topology of a slice.
#[derive(Clone, Debug)]
pub struct TopologyResult {
    summary: Value,
    arrays: Npz,
    /// The slice, where it was computed for this.
    slice: Option<SliceResult>,
}

/// Most bars of a kind in the document; the arrays have all of them.
const LISTED: usize = 1000;

/// Most basins of a profile.
const BASINS: usize = 100;

impl TopologyResult {
    /// That of a slice, which is kept with it where it was `computed` for this.
    pub fn new(settings: &TopologySettings, slice: SliceResult, computed: bool) -> Result<Self> {
        let mut arrays = Npz::default();
        let several = slice.views().len() > 1;
        let views: Vec<Value> = (0..slice.views().len())
            .map(|v| {
                let suffix = if several { format!("_{v}") } else { String::new() };
                of_view(settings, &slice, v, &suffix, &mut arrays)
            })
            .collect::<Result<_>>()?;
        let lost: u64 = views.iter().filter_map(|view| view["not_finite"].as_u64()).sum();
        let mut summary = json!({
            "command": "topology",
            "version": env!("CARGO_PKG_VERSION"),
            "status": if lost == 0 { "done" } else { "done, without points that are not finite" },
            "settings": settings,
            "slice": slice.settings(),
            "confidence": settings.confidence,
        });
        if several {
            summary["views"] = views.into();
        } else if let (Value::Object(summary), Some(Value::Object(view))) =
            (&mut summary, views.into_iter().next())
        {
            summary.extend(view);
        }
        Ok(Self { summary, arrays, slice: computed.then_some(slice) })
    }

    /// The scalars.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// Whether the slice has several views.
    pub fn several(&self) -> bool {
        self.summary.get("views").is_some()
    }

    /// The scalars of each view.
    pub fn views(&self) -> impl Iterator<Item = &Value> {
        match self.summary.get("views").and_then(Value::as_array) {
            Some(views) => views.iter(),
            None => std::slice::from_ref(&self.summary).iter(),
        }
    }

    /// An array of a view by its name; empty if it is not there.
    pub fn array(&self, name: &str, view: usize) -> Vec<f64> {
        let name = if self.several() { format!("{name}_{view}") } else { name.to_owned() };
        self.arrays.get(&name).map(|a| a.to_f64()).unwrap_or_default()
    }

    /// Reads a saved result, enough to draw it again.
    pub fn load(directory: &Path) -> Result<Self> {
        let (summary, at): (Value, String) = stored::summary(directory, "topology")?;
        let arrays = Arrays::read(directory, "topology")?;
        let this = Self { summary, arrays: Npz::default(), slice: None };
        if this.views().next().is_none() || this.views().any(|view| !view["minima"].is_u64()) {
            return Err(Error::expected(at, "`minima` of the topology of a slice", "none"));
        }
        for (v, view) in this.views().enumerate() {
            let suffix = if this.several() { format!("_{v}") } else { String::new() };
            let same = |name: &str, n: usize| arrays.sized(&format!("{name}{suffix}"), n);
            let minima = view["minima"].as_u64().unwrap_or_default() as usize;
            ["births", "deaths", "parent"].iter().try_for_each(|name| same(name, minima))?;
            let parent = arrays.npz.get(&format!("parent{suffix}")).map(|a| a.to_f64()).unwrap_or_default();
            if !parent.iter().all(|p| *p < minima as f64) {
                return Err(Error::expected(
                    format!("{}: parent{suffix}", arrays.at),
                    "places of bars",
                    "others",
                ));
            }
            same("profile_height", arrays.size(&format!("profile_place{suffix}")))?;
            same("hole_deaths", arrays.size(&format!("hole_births{suffix}")))?;
        }
        Ok(Self { arrays: arrays.npz, ..this })
    }
}

/// What is found of one view; its arrays have names that end so.
fn of_view(
    settings: &TopologySettings,
    slice: &SliceResult,
    number: usize,
    suffix: &str,
    arrays: &mut Npz,
) -> Result<Value> {
    let view: &View = &slice.views()[number];
    let values = view.map(&settings.map);
    if values.is_empty() {
        let names: Vec<&str> = view.maps.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::expected(
            "--map",
            format!("a map of this slice: {}", names.join(", ")),
            &settings.map,
        ));
    }
    let shape: Vec<usize> = view.facts.axes.iter().map(|axis| axis.range.n).collect();
    let axes = shape.len();
    let adjacency = settings.adjacency(axes)?;
    let bars = topology::components(&values, &shape, adjacency);
    let holes = if axes > 1 { topology::holes(&values, &shape, adjacency) } else { Vec::new() };
    let ends = bars.iter().chain(&holes).flat_map(|bar| [bar.birth, bar.death]).filter(|x| x.is_finite());
    let highest = ends.fold(0.0f64, |most, x| most.max(x.abs()));
    let interpolated = slice.view_scalar(number, &["interpolation_error", &settings.map]);
    let band = Band::of(view, &settings.map, settings.confidence, highest, interpolated);
    let level = settings.simplify.unwrap_or_else(|| 2.0 * band.width.unwrap_or(0.0));
    let kept = topology::kept(&bars, level);
    let depths: Vec<f64> = topology::first_saddles(&bars, &kept)
        .iter()
        .zip(&kept)
        .map(|(saddle, k)| saddle - bars[*k].birth)
        .filter(|depth| depth.is_finite())
        .collect();
    let mean = depths.iter().sum::<f64>() / depths.len() as f64;
    let basins = &kept[..kept.len().min(BASINS)];
    let profile = topology::profile(&values, &shape, adjacency, &bars, basins);

    let mut push =
        |name: &str, values: Vec<f64>| arrays.push(&format!("{name}{suffix}"), &[values.len()], values);
    let each = |bars: &[Bar], of: fn(&Bar) -> f64| bars.iter().map(of).collect::<Vec<f64>>();
    push("births", each(&bars, |b| b.birth));
    push("deaths", each(&bars, |b| b.death));
    push("profile_place", profile.place);
    push("profile_height", profile.height);
    push("profile_minimum", profile.minima);
    if axes > 1 {
        push("hole_births", each(&holes, |b| b.birth));
        push("hole_deaths", each(&holes, |b| b.death));
    }
    let mut push =
        |name: &str, values: Vec<i64>| arrays.push(&format!("{name}{suffix}"), &[values.len()], values);
    let place = |i: Option<usize>| i.map_or(-1, |i| i as i64);
    push("birth_index", bars.iter().map(|b| b.birth_index as i64).collect());
    push("death_index", bars.iter().map(|b| place(b.death_index)).collect());
    push("parent", bars.iter().map(|b| place(b.parent)).collect());
    if axes > 1 {
        push("hole_birth_index", holes.iter().map(|b| b.birth_index as i64).collect());
        push("hole_death_index", holes.iter().map(|b| place(b.death_index)).collect());
    }

    let longest = |bars: &[Bar]| bars.iter().map(Bar::length).find(|length| length.is_finite());
    let listed = |bars: &[Bar]| -> Vec<Value> {
        let one = |bar: &Bar| json!([bar.birth, bar.death, band.certifies(bar.length())]);
        bars.iter().take(LISTED).map(one).collect()
    };
    let certified = |bars: &[Bar]| bars.iter().filter(|bar| band.certifies(bar.length())).count();
    let facts = &view.facts;
    let draws = slice.views().iter().filter(|other| other.facts.label == facts.label).count();
    let mut all = json!({
        "name": if draws > 1 { format!("{}, seed {}", facts.label, facts.seed) } else { facts.label.clone() },
        "title": facts.title,
        "loss": facts.network.loss,
        "seed": facts.seed,
        "weights_sha256": facts.weights_sha256,
        "data_sha256": facts.data_sha256,
        "directions_sha256": facts.directions_sha256,
        "map": settings.map,
        "shape": facts.shape(),
        "points": values.len(),
        "not_finite": values.iter().filter(|v| !v.is_finite()).count(),
        "adjacency": adjacency.neighbours(axes),
        "band": band.width,
        "band_status": band.status,
        "minima": bars.len(),
        "certified_minima": certified(&bars),
        "essential": bars.iter().filter(|bar| bar.death_index.is_none()).count(),
        "longest_bar": longest(&bars),
        "bars": listed(&bars),
        "simplified": {
            "level": level,
            "minima": kept.len(),
            "saddle_minus_minimum": mean,
            "status": if depths.is_empty() { "there is no pass between minima" } else { "computed" },
        },
    });
    if axes > 1 {
        all["dual_adjacency"] = adjacency.dual().neighbours(axes).into();
        all["hole_dimension"] = (axes - 1).into();
        all["holes"] = holes.len().into();
        all["certified_holes"] = certified(&holes).into();
        all["longest_hole"] = json!(longest(&holes));
        all["hole_bars"] = listed(&holes).into();
    }
    Ok(all)
}

impl Saved for TopologyResult {
    fn files(&self) -> Result<Files> {
        let mut all = self.slice.as_ref().map_or(Ok(Files::new()), Saved::files)?;
        all.push(archive("topology.npz", &self.arrays)?);
        all.push(("topology.json".to_owned(), document(&self.summary)));
        Ok(all)
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        super::figures::figures(self)
    }
}
