//! `losscape simplex`: minima connected by simplexes of low loss.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::Sources;
use super::networks::{self, Networks};
use super::output::{self, Target};
use super::progress::{Stages, say};
use crate::base::{Result, files};
use crate::passes::run::at_most;
use crate::passes::simplex;
use crate::passes::{Saved, SimplexResult, SimplexSettings};
use crate::render::Style;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "simplex",
    about: "Minima joined by simplexes that are trained to stay low, and ensembles of points drawn from them",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/simplex";

/// Networks where nothing is said: a triangle.
const COUNT: usize = 3;

const EXAMPLES: &str = "Examples:
  losscape simplex                                         three seeds of the default network, trained if need be
  losscape simplex --run runs/a --run runs/b --run runs/c --out out/abc
  losscape simplex --connectors 2 --volume 0.001           triangles with a common edge, pushed apart
  losscape simplex --run runs/a --run runs/b --connectors 3 --epochs 200 --lr 0.05
  losscape slice --run out/simplex/connector-1.safetensors  a connecting point is a run like any other

Each minimum spans a simplex with all connecting points (Benton et al. 2021): one makes a star of segments, two make
triangles with a common edge. A mini-batch pulls the connecting points down at one random point of one random simplex;
--volume pushes them apart. Beside this complex stands the flat simplex of the minima alone. Statistics of batch norm are
made anew at every point that is evaluated.

What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

Writes simplex.json (minima, connectors, flat, complex: mean and largest losses and errors, volumes; ensembles),
simplex.npz (vertex_train_loss, ... of minima and connecting points; flat_train_loss, complex_train_loss, ... and the shares
of the points; ensemble_minima_test_error, ensemble_complex_test_error by number of members; distance of shape (n, n)),
connector-1.safetensors and so on, and pictures: triangle, connector, losses, ensembles, training.";

fn command(command: Command) -> Command {
    let command = networks::argument(command)
        .mut_arg("run", |arg| {
            arg.help("Run directory or weight file, two to eight [default: runs/default, runs/default-1, runs/default-2, trained first if need be]")
        });
    let command = Fresh::augment_args(SimplexSettings::augment_args(command));
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: SimplexSettings = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let networks = Networks::take(&mut sources)?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    networks.apart(&out)?;
    common.apply()?;
    let fits = |_, samples| settings.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"));
    let runs = networks.read_or(COUNT, &style, common.quiet, &fits)?;
    simplex::alike(&runs)?;
    fits(runs[0].precision, runs[0].dataset.train.len())?;
    let target = Target::new(out)?;
    if fresh {
        simplex::discard(target.directory())?;
    }
    let named =
        |r: &crate::passes::Run| r.origin.as_ref().map_or_else(String::new, |o| files::named(&o.path));
    let names: Vec<String> = runs.iter().map(named).collect();
    let (title, parameters) = (runs[0].title(), runs[0].theta.len());
    say(common.quiet, &format!("{} minima: {title}, {parameters} parameters", runs.len()));
    let stages = Stages::new(common.quiet);
    let result = simplex::run(&settings, &runs, Some(target.directory()), &|event| stages.hear(event));
    stages.finish();
    let result = result?;
    let pictures = target.write(&result, &style, json!({"run": names}))?;
    target.no_more("connector", settings.connectors + 1)?;
    simplex::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target, &pictures))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &SimplexResult, target: &Target, pictures: &output::Pictures) -> String {
    let all = result.summary();
    let mut text = format!("{}\n", result.title());
    text += "                              train loss         error         test loss         error\n";
    text += "                             mean     most     mean   most      mean     most     mean   most\n";
    let mut row = |words: &str, of: &Value| {
        let value = |key: &str| of[key].as_f64().unwrap_or(f64::NAN);
        let percent = |key: &str| output::percent(value(key));
        text += &format!("  {words:22}");
        for part in ["train", "test"] {
            let number = |key: &str| match part {
                "test" => output::tested(&all["samples"], value(key), 3),
                _ => output::number(value(key), 3),
            };
            text += &format!(
                " {:>9} {:>8} {:>8} {:>7}",
                number(&format!("mean_{part}_loss")),
                number(&format!("max_{part}_loss")),
                percent(&format!("mean_{part}_error")),
                percent(&format!("max_{part}_error")),
            );
        }
        text += "\n";
    };
    row("minima", &all["vertices"]);
    row("flat simplex", &all["flat"]);
    row("complex", &all["complex"]);
    let mut ensemble = |words: &str, key: &str| {
        let of = &all[key];
        text += &format!(
            "  ensemble of {:>3} {words:21}  test loss {}  error {}\n",
            of["members"].to_string(),
            output::tested(&all["samples"], of["test_loss"].as_f64().unwrap_or(f64::NAN), 4),
            output::percent(of["test_error"].as_f64().unwrap_or(f64::NAN)),
        );
    };
    ensemble("minima", "ensemble_minima");
    ensemble("points of the complex", "ensemble_complex");
    for (words, key) in [("flat simplex", "flat"), ("complex", "complex")] {
        let of = &all[key];
        text += &format!(
            "  volume of the {words:13} {} (dimension {})\n",
            output::number(of["volume"].as_f64().unwrap_or(f64::NAN), 4),
            of["dimension"]
        );
    }
    let weights: Vec<&str> = result.weight_files().collect();
    text + &format!(
        "wrote {} in {}{}: {}, {}, simplex.json, simplex.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
        weights.join(", "),
    )
}
