//! `losscape ensemble`: networks collected along a cyclical rate, alone and together, beside networks trained apart.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::Sources;
use super::networks::{self, Networks};
use super::output::{self, Target};
use super::progress::{Stages, say};
use super::seeds;
use super::train::{self, Going};
use crate::base::{Error, Result, files};
use crate::passes::{EnsembleResult, EnsembleSettings, Run, Saved, ensemble};
use crate::render::Style;
use crate::train::TrainSettings;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub const COMMAND: Subcommand = Subcommand {
    name: "ensemble",
    about: "Networks along a cyclical rate: fast geometric ensembles and SWA against single and independent networks",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/ensemble";

const EXAMPLES: &str = "Examples:
  losscape ensemble                                       from the default network, trained if need be
  losscape ensemble --run runs/a --cycles 10 --cycle 2 --lr 0.05 --lr-low 0.0005
  losscape ensemble --run runs/cnn --independent 0 --plane 0 --json
  losscape train --data mnist1d --hidden 100 --epochs 40 --lr 0.02 --out runs/m
  losscape ensemble --run runs/m --lr 0.2                 a higher rate takes the networks further apart
  losscape slice --run out/ensemble/swa.safetensors       the average is a run like any other

Training goes on from the network with a rate that swings from --lr-low up to --lr and down again; a network is collected
at the end of each cycle. Fast geometric ensembling (Garipov et al. 2018) averages what they predict, SWA (Izmailov et al.
2018) averages their weights, with statistics of batch norm made anew. Independent networks are trained as the first was,
from the seeds after its own, into DIR/seed-N; the first is one of their ensemble.

What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

Writes ensemble.json (start, members, swa, single, ensemble, independent: losses, errors, the epochs that each cost),
ensemble.npz (turn, turn_lr, epoch_train_loss, ...; ensemble_test_error and independent_test_error by number of members;
train_loss, ..., test_error of every network; distance of shape (n, n): start, members, swa, independent ones),
swa.safetensors, member-1.safetensors and so on, and pictures: cycles, members, plane.";

fn command(command: Command) -> Command {
    let command = EnsembleSettings::augment_args(networks::argument(command));
    let command = config_and_out(Common::augment_args(Fresh::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: EnsembleSettings = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let networks = Networks::take(&mut sources)?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    if networks.count() != 1 {
        return Err(Error::expected("--run", "one network", networks.count()));
    }
    networks.apart(&out)?;
    common.apply()?;
    let runs = networks.read(&style, common.quiet, &|_, _| Ok(()))?;
    let [start] = runs.as_slice() else { return Err(Error::expected("--run", "one network", runs.len())) };
    let base = networks::recorded(start)?.ok_or_else(|| {
        let expected = "a network with the record of its training, run.json, beside it";
        Error::expected(format!("--run {}", networks.names().join(", ")), expected, "none, or of another one")
    })?;
    // The networks that are trained beside it read its data where they are now.
    let base = match &start.origin {
        Some(origin) => TrainSettings { data: origin.data.clone(), ..base },
        None => base,
    };
    let cyclic = settings.cyclic(&base)?;
    cyclic.check()?;
    cyclic.check_for(start.dataset.train.len(), start.network.layout()).map_err(|e| match e {
        // A network is kept at the end of each cycle.
        Error::Request { at, what } if at == "--snapshots" => Error::request("--cycles", what),
        other => other,
    })?;
    let further = further(&settings, &base)?;
    let target = Target::new(out)?;
    if fresh {
        ensemble::discard(target.directory())?;
    }
    let independent = apart(&base, &further, &target, fresh, common.quiet, &style)?;
    say(common.quiet, &format!("cycles from {}: {}", networks.names().join(", "), start.title()));
    let stages = Stages::new(common.quiet);
    let observe = |event| stages.hear(event);
    let result = ensemble::run(&settings, start, &base, &independent, Some(target.directory()), &observe);
    stages.finish();
    let result = result?;
    let pictures = target.write(&result, &style, json!({"run": networks.names()}))?;
    target.no_more("member", settings.cycles + 1)?;
    ensemble::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?),
        (_, true) => Ok(()),
        _ => output::print(&summary(&result, &target, &pictures)),
    }
}

/// The seeds of the independent networks. Refuses what can be refused before any directory is made.
fn further(settings: &EnsembleSettings, base: &TrainSettings) -> Result<Vec<u64>> {
    if settings.independent == 0 {
        return Ok(Vec::new());
    }
    // After the largest seed comes 0 again.
    let seed = |i: usize| (base.seed % (1 << 63)).wrapping_add(i as u64) % (1 << 63);
    let further: Vec<u64> = (1..=settings.independent).map(seed).collect();
    seeds::check(&ensemble::apart(base), further.len())?;
    Ok(further)
}

/// Trains the independent networks that are not there yet; those that did not end well are an error.
fn apart(
    base: &TrainSettings,
    further: &[u64],
    target: &Target,
    fresh: bool,
    quiet: bool,
    style: &Style,
) -> Result<Vec<Run>> {
    if further.is_empty() {
        return Ok(Vec::new());
    }
    let going = Going { fresh, ..Going::default() };
    seeds::train_all(&ensemble::apart(base), further, target.directory(), &going, quiet, style)?;
    let one = |seed: &u64| {
        let path = seeds::of_seed(target.directory(), *seed);
        match train::unfinished(&path) {
            Some(reason) => {
                Err(Error::unmet(format!("ensemble: {}", files::named(Path::new(&path))), reason))
            }
            None => Run::read(&path),
        }
    };
    further.iter().map(one).collect()
}

fn summary(result: &EnsembleResult, target: &Target, pictures: &output::Pictures) -> String {
    let all = result.summary();
    let mut text = format!("{}\n", result.title());
    text += "                                        epochs   train loss     error    test loss     error\n";
    let mut row = |words: &str, of: &Value, pick: &dyn Fn(&Value) -> f64| {
        let number = |key: &str| output::number(pick(&of[key]), 4);
        let percent = |key: &str| output::percent(pick(&of[key]));
        text += &format!(
            "  {words:37} {:>6} {:>12} {:>9} {:>12} {:>9}\n",
            of["epochs"].to_string(),
            number("train_loss"),
            percent("train_error"),
            output::tested(&all["samples"], pick(&of["test_loss"]), 4),
            percent("test_error"),
        );
    };
    let own = |x: &Value| x.as_f64().unwrap_or(f64::NAN);
    let of = |key: &'static str| move |x: &Value| x[key].as_f64().unwrap_or(f64::NAN);
    let members = |of: &Value| of["members"].as_u64().unwrap_or_default();
    row("start", &all["start"], &own);
    row("a collected network, median", &all["single"], &of("median"));
    row("                     lowest", &all["single"], &of("min"));
    row("average of the weights (SWA)", &all["swa"], &own);
    row(&format!("fast geometric ensemble of {}", members(&all["ensemble"])), &all["ensemble"], &own);
    let independent = &all["independent"];
    if members(independent) > 1 {
        row("an independent network, median", &independent["single"], &of("median"));
        row("                        lowest", &independent["single"], &of("min"));
        row(&format!("ensemble of {} independent networks", members(independent)), independent, &own);
    }
    let weights: Vec<&str> = result.weight_files().collect();
    text + &format!(
        "wrote {} in {}{}: {}, {}, ensemble.json, ensemble.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
        weights.join(", "),
    )
}
