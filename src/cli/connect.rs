//! `losscape connect`: the loss on the straight line between two networks, and on a curve trained to stay low.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::Sources;
use super::networks;
use super::output::{self, Target};
use super::progress::{Stages, say};
use crate::base::apart::check_apart;
use crate::base::{Error, Result, files};
use crate::passes::connect;
use crate::passes::run::at_most;
use crate::passes::{Beside, ConnectResult, ConnectSettings, Run, Saved};
use crate::render::Style;
use crate::train::TrainSettings;
use crate::train::band::BandSettings;
use crate::train::settings::SHORTHANDS;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "connect",
    about: "Whether two minima are one valley: the line between them, and a curve trained to stay low",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/connect";

const EXAMPLES: &str = "Examples:
  losscape connect                                         two seeds of the default network, trained if need be
  losscape connect --from runs/a --to runs/b --curve bezier --out out/a-b
  losscape connect --from runs/a --to runs/b --curve chain:bends=3 --points 121
  losscape connect --from runs/a --to runs/b --curve linear          the straight line alone
  losscape connect --from runs/a --to runs/b --align weights --repair     B's hidden units permuted to match A's
  losscape connect --from runs/a --to runs/b --neb         an AutoNEB band beside the curve, and its saddle
  losscape connect --from runs/a --to runs/b --epochs 60 --lr 0.05 --plane 51
  losscape connect --from runs/a --to runs/b --crop 2      the curve on images varied at random, as the ends were trained
  losscape connect --from runs/cnn-0 --to runs/cnn-1 --samples 2000 --plane 0 --json

The bends of the curve start on the line; each mini-batch pulls them down at one random place of the curve (Garipov et al.
2018). A barrier is the most by which the training loss rises above the straight interpolation of the ends' losses.
Statistics of batch norm are made anew at every place that is evaluated.

An unfinished curve is kept: the same command goes on after a stop, --fresh begins anew.

Writes connect.json (barriers, endpoints, ensembles), connect.npz (t, linear_train_loss, curve_train_loss, ...),
curve.safetensors (the control points), middle.safetensors (the network at t = 0.5, a run like any other), with --align aligned.safetensors (B permuted), with --neb
band.safetensors, and pictures: paths, plane, plane-error, training, permuted.";

fn command(command: Command) -> Command {
    let path = |name: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name("PATH").help(help);
        arg.value_parser(clap::value_parser!(PathBuf))
    };
    let command = command
        .arg(path("from", "Network at t = 0: run directory or weight file [default: runs/default, trained first if need be]"))
        .arg(path("to", "Network at t = 1 [default: runs/default-1, of the next seed]"))
        .arg(path("to-weights", "Weights for the graph of --to in place of its own"));
    let command = networks::beside(command);
    let command = Fresh::augment_args(ConnectSettings::augment_args(command));
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: ConnectSettings = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let ends = (sources.path("from")?, sources.path("to")?);
    let beside = networks::take_beside(&mut sources)?;
    let to_weights = sources.path("to-weights")?;
    beside.check(usize::from(ends.0.is_some()), "--from and --to")?;
    let wanted: Option<TrainSettings> = sources.table("train", SHORTHANDS)?;
    let band: BandSettings = sources.table("band", &[])?.unwrap_or_default();
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    band.check()?;
    style.check()?;
    common.apply()?;
    if let ((Some(_), _) | (_, Some(_)), Some(_)) = (&ends, &wanted) {
        let expected = "no [train] in the configuration, whose networks would not be used";
        return Err(Error::expected("--from", expected, "one"));
    }
    let fits = |_, samples| settings.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"));
    let (runs, names): (Vec<Run>, Vec<String>) = match ends {
        (Some(from), Some(to)) => {
            for path in [&from, &to] {
                check_apart(path, &out)?;
            }
            let there = Beside { weights: to_weights, ..beside.clone() };
            let runs = vec![Run::open(&from, &beside)?, Run::open(&to, &there)?];
            (runs, vec![files::named(&from), files::named(&to)])
        }
        (None, None) if to_weights.is_some() => {
            return Err(Error::expected("--from", "a graph of torch.export, beside --to", "none"));
        }
        (None, None) => {
            let runs = networks::default_seeds(2, wanted, false, &style, common.quiet, &fits)?;
            let named = |r: &Run| r.origin.as_ref().map_or_else(String::new, |o| files::named(&o.path));
            let names = runs.iter().map(named).collect();
            (runs, names)
        }
        (Some(_), None) => return Err(Error::expected("--to", "the other network, beside --from", "none")),
        (None, Some(_)) => return Err(Error::expected("--from", "the other network, beside --to", "none")),
    };
    let [a, b] = runs.as_slice() else { return Err(Error::expected("connect", "two networks", runs.len())) };
    connect::alike([a, b])?;
    fits(a.precision, a.dataset.train.len())?;
    let target = Target::new(out)?;
    if fresh {
        connect::discard(target.directory())?;
    }
    say(
        common.quiet,
        &format!("from {} to {}: {}, {} parameters", names[0], names[1], a.title(), a.theta.len()),
    );
    let stages = Stages::new(common.quiet);
    let result =
        connect::run(&settings, &band, [a, b], Some(target.directory()), &|event| stages.hear(event));
    stages.finish();
    let result = result?;
    let pictures = target.write(&result, &style, json!({"from": names[0], "to": names[1]}))?;
    connect::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target, &pictures))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &ConnectResult, target: &Target, pictures: &output::Pictures) -> String {
    let number = |path: &[&str]| result.number(path);
    let samples = &result.summary()["samples"];
    let mut text = format!("{}\n", result.text("title"));
    for (i, name) in ["A", "B"].iter().enumerate() {
        let end = |key: &str| {
            let ends = result.summary().get("endpoints");
            ends.and_then(|e| e[i][key].as_f64()).unwrap_or(f64::NAN)
        };
        text += &format!(
            "  {name}         loss {}  error {}   test loss {}  error {}\n",
            output::number(end("train_loss"), 4),
            output::percent(end("train_error")),
            output::tested(samples, end("test_loss"), 4),
            output::percent(end("test_error")),
        );
    }
    let ways = [
        ("linear", "line"),
        ("aligned", "aligned"),
        ("repaired", "repaired"),
        ("curve", "curve"),
        ("band", "band"),
    ];
    for (way, name) in ways {
        if result.summary().get(way).is_none() {
            continue;
        }
        text += &format!(
            "  {name:9} barrier {}  error {}   test barrier {}  error {}   length {}\n",
            output::number(number(&[way, "barrier"]), 4),
            output::percent(number(&[way, "train_error_barrier"])),
            output::tested(samples, number(&[way, "test_loss_barrier"]), 4),
            output::percent(number(&[way, "test_error_barrier"])),
            output::number(number(&[way, "length"]), 4),
        );
    }
    if let Some(alignment) = result.summary().get("alignment") {
        text += &format!(
            "  {} of {} units moved: distance {} before, {} after ({})\n",
            alignment["moved"],
            alignment["units"],
            output::number(number(&["alignment", "distance_before"]), 4),
            output::number(number(&["alignment", "distance"]), 4),
            alignment["status"].as_str().unwrap_or_default(),
        );
    }
    let saddle = number(&["relaxation", "saddle", "loss"]);
    if saddle.is_finite() {
        let reason = result.summary()["relaxation"]["reason"].as_str().unwrap_or_default();
        text += &format!("  saddle of the band: loss {} ({reason})\n", output::number(saddle, 4));
    }
    let way = if result.summary().get("curve").is_some() { "curve" } else { "linear" };
    let ensemble = number(&[way, "ensemble", "test_error"]);
    if ensemble.is_finite() {
        text += &format!(
            "  ensemble  of the {}'s networks: test error {}, of the two ends {}\n",
            if way == "curve" { "curve" } else { "line" },
            output::percent(ensemble),
            output::percent(number(&[way, "ensemble_of_ends", "test_error"])),
        );
    }
    let weights: Vec<&str> = result.weight_files().collect();
    let weights = if weights.is_empty() { String::new() } else { format!("{}, ", weights.join(", ")) };
    text + &format!(
        "wrote {} in {}{}: {}, {weights}connect.json, connect.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
    )
}
