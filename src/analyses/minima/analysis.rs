//! `minima` as an analysis: what it is of, what it costs, and what it reports.

use super::{MOST, MinimaResult, MinimaSettings, check, discard, run};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::{Run, with_band};
use crate::base::section::Given;
use crate::base::{Error, Result, shown};
use crate::train::TrainSettings;
use serde_json::Value;
use std::path::Path;

impl Analysis for MinimaSettings {
    const NAME: &'static str = "minima";
    const ABOUT: &'static str =
        "Barriers and distances between all pairs of many minima: matrices, groups, a spanning tree";
    const SUMMARY: &'static str = "barriers and distances between all pairs of several networks of each case";
    const EXAMPLES: &'static str = "Examples:
  losscape minima                                         six seeds of the default network
  losscape minima --count 10 --hidden 64,64 --epochs 40 --seed 1
  losscape minima --run runs/a --run runs/b --run runs/c --run runs/d --out out/four
  losscape minima --align weights                         every pair's hidden units brought into one order first
  losscape minima --neb --out out/bands                   AutoNEB bands, and the tree of their saddles

Without --run, networks are trained first, one a seed, into DIR/seed-N, as `losscape train --seeds` does; the flags are
those of train. Runs that are there are kept, and so are finished pairs: the same command goes on after a stop.

The barrier of a pair is the most by which loss or error on the straight line between its networks rises above the line
between their values. Networks that differ in the order of their units alone have a barrier too; --align takes that away.

With --neb, bands are relaxed between pairs one after the other (Draxler et al. 2018): first until all minima are joined,
then to replace the highest edge of their minimum spanning tree. The section [band] of the configuration has their settings.

Writes minima.json (networks, medians over pairs, merges, tree, barcode, predictions, similarity), minima.npz (train_barrier, train_error_barrier,
test_barrier, test_error_barrier, distance of shape (n, n); t, pair, and train_loss, train_error, test_loss, test_error of
shape (pairs, t); linkage as SciPy has it; tree; place; barcode, a row of minimum, birth, death and older minimum each;
prediction_distance, disagreement, cka of shape (layers, n, n)), and pictures: barriers, distances, dendrogram, tree,
disconnectivity, map, predictions, similarity, similarity-layers. With --align the same arrays as aligned_..., moved, and a picture: aligned. With --neb band, band_saddle, band_train_loss, ...,
band_tree, bottleneck and line_highest (the highest loss between any two, along bands and straight lines), a file
band-I-J.safetensors a band, and pictures: saddles, bands.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/minima.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[("count", "3"), ("points", "5")];
    const PARTS: bool = true;
    type Record = MinimaResult;

    fn needs() -> Needs {
        // Six are fifteen pairs.
        Needs::Networks { within: 3..=MOST, usual: 6, named: Named::Seeds }
    }

    fn take(given: &mut dyn Given) -> Result<Self> {
        let band = given.in_table("band")?.unwrap_or_default();
        let settings: Self = given.over(Self::default(), &[])?;
        Ok(Self { band, ..settings })
    }

    fn identity(&self) -> Result<Value> {
        with_band(self, &self.band)
    }

    fn validate(&self, networks: usize, _: &TrainSettings) -> Result<()> {
        self.check()?;
        // Too few networks, or too many, are refused where they are counted.
        if (3..=MOST).contains(&networks) { self.check_for(networks) } else { Ok(()) }
    }

    fn indivisible(&self) -> Option<&'static str> {
        self.neb.then_some("no --neb, whose bands are made one after the other")
    }

    fn admits(&self, runs: &[Run], _: &[TrainSettings]) -> Result<()> {
        check(self, runs)
    }

    fn reseeded(self, by: u64) -> Self {
        Self { path_seed: self.path_seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, networks: usize, (train, test): (f64, f64)) -> f64 {
        let lines = networks * networks.saturating_sub(1) / 2 * (1 + usize::from(self.align.is_some()));
        let bands = if self.neb { 2 * networks.saturating_sub(1) } else { 0 };
        (lines * self.points) as f64 * (train + test) + bands as f64 * self.band.samples(train as usize)
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<MinimaResult>> {
        run(self, of.runs, work.share, work.observe)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<MinimaResult> {
        MinimaResult::load(directory)
    }
}

impl Record for MinimaResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let lost = self.summary["lost"].as_u64().filter(|n| *n > 0);
        let lines = lost.map(|_| &self.summary["status"]);
        let bands = self.summary.get("neb").map(|neb| &neb["tree"]["status"]).filter(|s| *s != "done");
        lines.or(bands).map(|status| Error::unmet("minima", status.as_str().unwrap_or_default()))
    }
}

/// How a number is written.
type Shown<'a> = &'a dyn Fn(&Value) -> String;

fn summary(result: &MinimaResult) -> String {
    let all = result.summary();
    let number = |x: &Value| x.as_f64().map_or("-".to_owned(), |x| shown::number(x, 4));
    let percent = |x: &Value| x.as_f64().map_or("-".to_owned(), shown::percent);
    let networks = all["networks"].as_array().map_or(0, Vec::len);
    let mut text = format!("{}: {networks} minima, {} pairs\n", result.title(), all["pairs"]);
    text += "                              median        least         most\n";
    let rows: [(&str, &str, Shown); 5] = [
        ("barrier of training loss", "train_barrier", &number),
        ("barrier of training error", "train_error_barrier", &percent),
        ("barrier of test loss", "test_barrier", &number),
        ("barrier of test error", "test_error_barrier", &percent),
        ("distance", "distance", &number),
    ];
    let table = |over: &Value| -> String {
        let row = |(words, key, shown): &(&str, &str, Shown)| {
            let [median, least, most] = ["median", "min", "max"].map(|q| shown(&over[key][q]));
            format!("  {words:25} {median:>9} {least:>12} {most:>12}\n")
        };
        rows.iter().map(row).collect()
    };
    text += &table(&all["over_pairs"]);
    if let Some(over) = all.get("over_aligned_pairs") {
        let moved = over["moved"]["median"].as_f64().unwrap_or(f64::NAN);
        let units = &over["units"];
        text += &format!("  after alignment, which moved {moved} of {units} hidden units in the median\n");
        text += &table(over);
    }
    text += &format!("  highest edge of the spanning tree {}\n", number(&all["tree"]["highest"]));
    if let Some(neb) = all.get("neb") {
        let tree = &neb["tree"];
        text += &format!(
            "  highest training loss between any two: {} along straight lines, {} along {} AutoNEB bands ({})\n",
            number(&tree["highest_of_lines"]),
            number(&tree["highest"]),
            neb["edges"].as_array().map_or(0, Vec::len),
            neb["reason"].as_str().unwrap_or_default(),
        );
    }
    text
}
