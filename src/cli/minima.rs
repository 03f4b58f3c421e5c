//! `losscape minima`: barriers and distances between all pairs of many minima, and bands between some of them.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Progress, say};
use super::seeds;
use super::train::{self, Going};
use crate::base::apart::check_apart;
use crate::base::{Error, Result, files};
use crate::passes::minima::{self, MinimaEvent};
use crate::passes::{DataGiven, MinimaResult, MinimaSettings, Run, Saved, Share};
use crate::render::Style;
use crate::train::TrainSettings;
use crate::train::band::BandSettings;
use crate::train::settings::SHORTHANDS;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub const COMMAND: Subcommand = Subcommand {
    name: "minima",
    about: "Barriers and distances between all pairs of many minima: matrices, groups, a spanning tree",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/minima";

const EXAMPLES: &str = "Examples:
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

Writes minima.json (networks, medians over pairs, merges, tree), minima.npz (train_barrier, train_error_barrier,
test_barrier, test_error_barrier, distance of shape (n, n); t, pair, and train_loss, train_error, test_loss, test_error of
shape (pairs, t); linkage as SciPy has it; tree; place), and pictures: barriers, distances, dendrogram, tree. With --align
the same arrays as aligned_..., moved, and a picture: aligned. With --neb band, band_saddle, band_train_loss, ...,
band_tree, bottleneck and line_highest (the highest loss between any two, along bands and straight lines), a file
band-I-J.safetensors a band, and pictures: saddles, bands.";

/// How many networks are trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Count {
    /// Train this many networks, with --seed and the seeds after it [default: 6]
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Take other samples with --data than the networks given with --run were trained on
    #[arg(long)]
    other_data: bool,
}

/// Networks where nothing is said: fifteen pairs.
const COUNT: usize = 6;

fn command(command: Command) -> Command {
    let run = Arg::new("run")
        .long("run")
        .value_name("PATH")
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Run directory or weight file, three or more [default: networks are trained]");
    let command = MinimaSettings::augment_args(Count::augment_args(command.arg(run)));
    let command = TrainSettings::augment_args(command.next_help_heading("Training"));
    let command = with_shorthands(command, SHORTHANDS);
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let from = sources.paths("run")?;
    let settings: MinimaSettings = sources.take(&[])?;
    let training: TrainSettings = sources.take(SHORTHANDS)?;
    let Count { count, other_data } = sources.take(&[])?;
    let parts: Parts = sources.take(&[])?;
    let band: BandSettings = sources.table("band", &[])?.unwrap_or_default();
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    band.check()?;
    style.check()?;
    // With networks that are there, --data says where their data lie.
    let TrainSettings { data, .. } = TrainSettings::default();
    let given = (!from.is_empty() && training.data != data).then(|| training.data.clone());
    let given = DataGiven { data: given, other_data };
    given.check(from.len(), "--run")?;
    let others = TrainSettings { data, ..training.clone() };
    if !from.is_empty() && (count.is_some() || others != TrainSettings::default()) {
        let expected = "no --count and no flags of training but --data, since nothing is trained";
        return Err(Error::expected("--run", expected, "some"));
    }
    if let Some(count) = count.filter(|n| !(3..=minima::MOST).contains(n)) {
        return Err(Error::expected("--count", format!("3 to {}", minima::MOST), count));
    }
    training.check()?;
    if let Some(shard) = &parts.shard {
        if from.is_empty() {
            let expected = "--run: networks that are there, of which each part measures some of the pairs";
            return Err(Error::expected("--shard", expected, shard));
        }
        if settings.neb {
            let expected = "no --neb, whose bands are made one after the other";
            return Err(Error::expected("--shard", expected, shard));
        }
    }
    common.apply()?;
    let place = parts.place(out.clone())?;
    let (target, runs) = match from.is_empty() {
        true => {
            let seeds = seeds::from(training.seed, count.unwrap_or(COUNT))?;
            seeds::check(&training, seeds.len())?;
            let target = Target::new(out)?;
            let going = Going { fresh: parts.fresh, ..Going::default() };
            seeds::train_all(&training, &seeds, target.directory(), &going, common.quiet, &style)?;
            let directories: Vec<PathBuf> =
                seeds.iter().map(|seed| seeds::of_seed(target.directory(), *seed)).collect();
            (target, read(&directories, true, &DataGiven::default())?)
        }
        false => {
            from.iter().try_for_each(|path| check_apart(path, &out))?;
            let runs = read(&from, false, &given)?;
            minima::check(&settings, &runs)?;
            for path in &from {
                if let Some(reason) = train::unfinished(path) {
                    say(common.quiet, &format!("note: {} did not end well: {reason}", files::named(path)));
                }
            }
            (Target::new(place.directory.clone())?, runs)
        }
    };
    if parts.fresh {
        minima::discard(target.directory())?;
    }
    let request = Request { settings, band, from, given };
    place.begin("minima", &request)?;
    match measure(&request, &runs, &place.share(), &common)? {
        Some(result) => finish(&result, &target, &style, &common),
        None => place.complete(&target, &common),
    }
}

/// Joins parts.
pub fn join(joined: Joined) -> Result<()> {
    let request: Request = joined.request()?;
    let runs = read(&request.from, false, &request.given)?;
    let Some(result) = measure(&request, &runs, &joined.share(), &joined.common)? else { return Ok(()) };
    finish(&result, &Target::new(joined.out)?, &joined.style, &joined.common)
}

/// What is measured, and of which networks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    settings: MinimaSettings,
    band: BandSettings,
    #[serde(rename = "run")]
    from: Vec<PathBuf>,
    given: DataGiven,
}

/// Measures, showing progress.
fn measure(request: &Request, runs: &[Run], share: &Share, common: &Common) -> Result<Option<MinimaResult>> {
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let observe = |event: MinimaEvent| {
        let mut bar = bar.lock().unwrap_or_else(|e| e.into_inner());
        let mut begin = |unit: &'static str, all: usize, kept: usize| {
            if let Some(bar) = bar.take() {
                bar.finish();
            }
            if kept > 0 {
                say(common.quiet, &format!("{kept} of {all} {unit} were finished before and are kept"));
            }
            let new = Progress::new("minima", unit, all as f64, common.quiet);
            new.add(kept as f64);
            *bar = Some(new);
        };
        match event {
            MinimaEvent::Begins { title, pairs: (pairs, kept) } => {
                say(common.quiet, &format!("{pairs} pairs of minima: {title}"));
                begin("pairs", pairs, kept);
            }
            MinimaEvent::Bands { most, kept } => {
                say(common.quiet, &format!("AutoNEB bands: {most} at most"));
                begin("bands", most, kept);
            }
            MinimaEvent::Note(note) => say(common.quiet, &format!("note: {note}")),
            MinimaEvent::Done(share) => {
                if let Some(bar) = bar.as_ref() {
                    bar.add(share);
                }
            }
        }
    };
    let result = minima::run(&request.settings, &request.band, runs, Some(share), &observe);
    if let Some(bar) = bar.lock().unwrap_or_else(|e| e.into_inner()).take() {
        bar.finish();
    }
    result
}

/// Writes a result, and says what came out.
fn finish(result: &MinimaResult, target: &Target, style: &Style, common: &Common) -> Result<()> {
    let names = target.write(result, style, json!({}))?;
    minima::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(result, target, &names))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

/// Reads networks; those that were `trained` just now must have ended well.
fn read(paths: &[PathBuf], trained: bool, given: &DataGiven) -> Result<Vec<Run>> {
    let one = |path: &PathBuf| match train::unfinished(path).filter(|_| trained) {
        Some(reason) => Err(Error::unmet(format!("minima: {}", files::named(Path::new(path))), reason)),
        None => Run::read_with(path, given),
    };
    paths.iter().map(one).collect()
}

/// How a number is written.
type Shown<'a> = &'a dyn Fn(&Value) -> String;

fn summary(result: &MinimaResult, target: &Target, names: &output::Pictures) -> String {
    let all = result.summary();
    let number = |x: &Value| x.as_f64().map_or("-".to_owned(), |x| output::number(x, 4));
    let percent = |x: &Value| x.as_f64().map_or("-".to_owned(), output::percent);
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
    text + &format!(
        "wrote {} in {}{}: minima.json, minima.npz, {}\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        names.listed()
    )
}
