//! `topology` as an analysis: what it is of, what it costs, and what it reports.

use super::{TopologyResult, TopologySettings};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::training::Prepared;
use crate::analyses::{SliceResult, SliceSettings, slice, to_json};
use crate::base::section::Given;
use crate::base::{Error, Precision, Result, files, shown};
use crate::train::TrainSettings;
use serde_json::Value;
use std::path::{Path, PathBuf};

impl TopologySettings {
    /// The slice that is computed, if none is given.
    fn computed(&self) -> Option<&SliceSettings> {
        self.result.is_none().then_some(&self.slice)
    }
}

impl Analysis for TopologySettings {
    const NAME: &'static str = "topology";
    const ABOUT: &'static str = "Minima, passes and holes of a slice: which of them its errors cannot have made, and how deep they are";
    const SUMMARY: &'static str = "minima, passes and holes of the loss around each network, with confidence";
    const EXAMPLES: &'static str = "Examples:
  losscape slice --samples 300 && losscape topology out/slice     of a slice that is there: nothing is computed again
  losscape topology out/slice --map test_loss --adjacency 8
  losscape topology out/slice --simplify 0.1                      the merge tree of passes higher than that
  losscape topology --run runs/a --out out/bars                   of a slice as `losscape slice` computes it
  losscape topology --config topology                             the same keys as the flags, [slice] for the slice

Sublevel sets of the map are followed from its lowest value up. A component is born at a minimum and dies at the pass where
it meets one whose minimum is lower (the elder rule): a bar [birth, death] each, and one that never dies. Holes of a plane
are bars likewise, of the map upside down with the dual adjacency. Bars longer than twice the band are certified: with
--samples the band is that of the standard errors at all points at once, else that of rounding.

Writes topology.json (minima, certified_minima, longest_bar, bars as [birth, death, certified] with the longest first, holes
and hole_bars, band, adjacency, simplified), topology.npz (births, deaths, birth_index, death_index, parent, hole_births, ...,
profile_place, profile_height; of several networks with _0, _1, ... at the end), the slice where it was computed, and
pictures: barcode, persistence, merge-tree.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/topology.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("slice.x", "-1:1:9"), ("slice.y", "-1:1:9"), ("slice.repeat", "1")];
    type Record = TopologyResult;

    fn needs() -> Needs {
        Needs::Networks { within: 1..=usize::MAX, usual: 1, named: Named::Run }
    }

    fn take(given: &mut dyn Given) -> Result<Self> {
        let slice = given.in_table("slice")?.unwrap_or_default();
        let settings: Self = given.over(Self::default(), &[])?;
        Ok(Self { slice, ..settings })
    }

    fn identity(&self) -> Result<Value> {
        let mut all = to_json(self)?;
        if let Some(slice) = self.computed() {
            all["slice"] = to_json(slice)?;
        }
        Ok(all)
    }

    fn validate(&self, networks: usize, _: &TrainSettings) -> Result<()> {
        self.check()?;
        let Some(slice) = self.computed() else { return Ok(()) };
        self.adjacency(slice.dimensions())?;
        slice.check(networks)
    }

    fn saved(&self) -> Option<&str> {
        self.result.as_deref()
    }

    fn along(&self) -> bool {
        self.computed().is_some_and(Analysis::along)
    }

    fn inputs(&self) -> Vec<PathBuf> {
        match &self.result {
            Some(result) => vec![files::at_home(Path::new(result))],
            None => self.slice.inputs(),
        }
    }

    fn suits(&self, precision: Precision, samples: usize) -> Result<()> {
        self.computed().map_or(Ok(()), |slice| slice.suits(precision, samples))
    }

    fn memory(&self, networks: usize, prepared: Option<&Prepared>) -> Option<(u64, String)> {
        Analysis::memory(self.computed()?, networks, prepared)
    }

    fn reseeded(self, by: u64) -> Self {
        Self { slice: self.slice.reseeded(by), ..self }
    }

    fn forwards(&self, networks: usize, samples: (f64, f64)) -> f64 {
        self.computed().map_or(0.0, |slice| slice.forwards(networks, samples))
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<TopologyResult>> {
        let Some(result) = &self.result else {
            let slice = slice::run(&self.slice, of.runs, work.directory(), work.observe)?;
            return TopologyResult::new(self, slice, true).map(Some);
        };
        let directory = files::at_home(Path::new(result));
        if !directory.join("slice.json").is_file() {
            let found = match (directory.is_dir(), directory.exists()) {
                (true, _) => "a directory without one",
                (false, true) => "a file",
                (false, false) => "nothing there",
            };
            return Err(Error::expected(files::named(&directory), "a directory with slice.json", found));
        }
        TopologyResult::new(self, SliceResult::load(&directory)?, false).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        slice::discard(directory)
    }

    fn load(directory: &Path) -> Result<TopologyResult> {
        TopologyResult::load(directory)
    }
}

impl Record for TopologyResult {
    fn report(&self) -> String {
        self.views().map(|view| summary(view, self.several())).collect()
    }

    fn unmet(&self) -> Option<Error> {
        let empty = self.views().find(|view| view["minima"] == 0)?;
        let map = empty["map"].as_str().unwrap_or_default();
        Some(Error::unmet("topology", format!("no point of {map} is finite")))
    }

    fn warnings(&self) -> Vec<String> {
        let lost = |view: &Value| view["not_finite"].as_u64().unwrap_or_default();
        let (some, points) = self.views().fold((0, 0), |(n, all), view| {
            (n + lost(view), all + view["points"].as_u64().unwrap_or_default())
        });
        let words = format!(
            "{some} of {points} points are not finite: bars end before them, and holes around them never do"
        );
        if some > 0 { vec![words] } else { Vec::new() }
    }
}

/// What was found of a view.
fn summary(view: &Value, several: bool) -> String {
    let number = |x: &Value| x.as_f64().map_or("-".to_owned(), |x| shown::number(x, 4));
    let text = |key: &str| view[key].as_str().unwrap_or_default();
    let of = |all: &Value, certified: &Value| match (view["band"].as_f64(), all.as_u64()) {
        (_, Some(0)) => "none".to_owned(),
        (None, _) => format!("{all}, of which nothing is certified"),
        _ => format!("{all}, {certified} certified"),
    };
    let name = if several { format!("{}: ", text("name")) } else { String::new() };
    let mut lines = format!("{name}{} of {}\n", text("map"), text("title"));
    lines += &format!("  minima        {}\n", of(&view["minima"], &view["certified_minima"]));
    lines += &format!("  longest bar   {}\n", number(&view["longest_bar"]));
    if view.get("holes").is_some() {
        lines += &format!("  holes         {}\n", of(&view["holes"], &view["certified_holes"]));
    }
    lines += &format!("  band          {} ({})\n", number(&view["band"]), text("band_status"));
    let simplified = &view["simplified"];
    lines += &format!(
        "  simplified    bars above {}: {} minima, saddle minus minimum {} in the mean\n",
        number(&simplified["level"]),
        simplified["minima"],
        number(&simplified["saddle_minus_minimum"]),
    );
    lines
}
