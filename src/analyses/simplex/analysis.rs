//! `simplex` as an analysis: what it is of, what it costs, and what it reports.

use super::{Blending, MINIMA, Over, SimplexResult, SimplexSettings, alike, discard, run};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::run::at_most;
use crate::analyses::{Progress, Run, numbered};
use crate::base::{Error, Precision, Result, shown};
use crate::train::{Status, TrainSettings};
use std::path::Path;

impl Analysis for SimplexSettings {
    const NAME: &'static str = "simplex";
    const ABOUT: &'static str =
        "Minima joined by simplexes that are trained to stay low, and ensembles of points drawn from them";
    const SUMMARY: &'static str = "several networks of each case, joined by simplexes of low loss";
    const EXAMPLES: &'static str = "Examples:
  losscape simplex                                         three seeds of the default network, trained if need be
  losscape simplex --run runs/a --run runs/b --run runs/c --out out/abc
  losscape simplex --connectors 2 --volume 0.001           triangles with a common edge, pushed apart
  losscape simplex --run runs/a --run runs/b --connectors 3 --epochs 200 --lr 0.05
  losscape slice --run out/simplex/connector-1.safetensors  a connecting point is a run like any other

Each minimum spans a simplex with all connecting points (Benton et al. 2021): one makes a star of segments, two make
triangles with a common edge. A mini-batch pulls the connecting points down at one random point of one random simplex;
--volume pushes them apart. Beside this complex stands the flat simplex of the minima alone. Statistics of batch norm are
recomputed at every point that is evaluated.

What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

Writes simplex.json (minima, connectors, flat, complex: mean and largest losses and errors, volumes; ensembles),
simplex.npz (vertex_train_loss, ... of minima and connecting points; flat_train_loss, complex_train_loss, ... and the shares
of the points; ensemble_minima_test_error, ensemble_complex_test_error by number of members; distance of shape (n, n)),
connector-1.safetensors and so on, and pictures: triangle, connector, losses, ensembles, training.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/simplex.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("count", "2"), ("epochs", "1"), ("points", "4"), ("members", "2"), ("plane", "0")];
    type Record = SimplexResult;

    fn needs() -> Needs {
        // Three are a triangle.
        Needs::Networks { within: MINIMA, usual: 3, named: Named::Run }
    }

    fn validate(&self, networks: usize, _: &TrainSettings) -> Result<()> {
        if !self.labels.is_empty() && self.labels.len() != networks {
            return Err(Error::expected("--labels", format!("{networks}, one a --run"), self.labels.len()));
        }
        self.check()
    }

    fn suits(&self, _: Precision, samples: usize) -> Result<()> {
        self.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"))
    }

    fn admits(&self, runs: &[Run], _: &[TrainSettings]) -> Result<()> {
        alike(runs)
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, networks: usize, (train, test): (f64, f64)) -> f64 {
        let trained = self.samples.map_or(train, |n| n as f64);
        // The flat simplex, and one with each minimum.
        let points = self.points * (networks + 1) + 2 * self.plane * self.plane;
        3.0 * self.training.epochs as f64 * trained + points as f64 * (trained + test)
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<SimplexResult>> {
        alike(of.runs)?;
        let (title, parameters) = (of.runs[0].title(), of.runs[0].theta.len());
        let says = format!("{} minima: {title}, {parameters} parameters", of.runs.len());
        (work.observe)(Progress::Says(says));
        run(self, of.runs, work.directory(), work.observe).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<SimplexResult> {
        SimplexResult::load(directory)
    }
}

impl Record for SimplexResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let Blending { status, reason, .. } = &self.numbers.training;
        (*status == Status::Diverged)
            .then(|| Error::unmet("simplex: the training of the connecting points diverged", reason))
    }

    fn absent(&self, directory: &Path) -> Vec<String> {
        numbered(directory, "connector", self.numbers.settings.connectors + 1)
    }
}

fn summary(result: &SimplexResult) -> String {
    let all = &result.numbers;
    let samples = all.subject.samples;
    let mut text = format!("{}\n", all.subject.title);
    text += "                              train loss         error         test loss         error\n";
    text += "                             mean     most     mean   most      mean     most     mean   most\n";
    for (words, Over { mean, max }) in
        [("minima", all.vertices), ("flat simplex", all.flat.over), ("complex", all.complex.over)]
    {
        let (percent, number) = (shown::percent, |x: f64| shown::number(x, 3));
        let part = |losses: [String; 2], errors: [f64; 2]| {
            let ([mean, most], [error, highest]) = (losses, errors.map(percent));
            format!(" {mean:>9} {most:>8} {error:>8} {highest:>7}")
        };
        text += &format!("  {words:22}");
        text += &part([mean.train_loss, max.train_loss].map(number), [mean.train_error, max.train_error]);
        let tested = |x: f64| samples.tested(x, 3);
        text += &part([mean.test_loss, max.test_loss].map(tested), [mean.test_error, max.test_error]);
        text += "\n";
    }
    for (words, of) in [("minima", &all.ensemble_minima), ("points of the complex", &all.ensemble_complex)] {
        text += &format!(
            "  ensemble of {:>3} {words:21}  test loss {}  error {}\n",
            of.members,
            samples.tested(of.measures.test_loss, 4),
            shown::percent(of.measures.test_error),
        );
    }
    for (words, of) in [("flat simplex", &all.flat), ("complex", &all.complex)] {
        text += &format!(
            "  volume of the {words:13} {} (dimension {})\n",
            shown::number(of.volume, 4),
            of.dimension
        );
    }
    text
}
