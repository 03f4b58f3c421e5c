//! `losscape plot`: draws a saved result again, in another style, with nothing computed.

use super::Subcommand;
use super::arguments::Common;
use super::config::Sources;
use super::output::{self, Target};
use super::page::Source;
use super::run;
use crate::analyses::analysis::Entry;
use crate::analyses::{ANALYSES, Saved, SeedsResult, training};
use crate::base::{Error, Result, files};
use crate::figure::Figure;
use crate::render::Style;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};

pub const COMMAND: Subcommand = Subcommand {
    name: "plot",
    about: "Draw a saved result again, in another style",
    examples: EXAMPLES,
    command,
    run: plot,
};

const EXAMPLES: &str = "Examples:
  losscape plot out/slice --cmap magma --log
  losscape plot out/slice --vmax 5 --levels 20 --azimuth 30 --elevation 50
  losscape plot out/slice --format pdf --width column --no-title --out paper
  losscape plot out/slice --animate
  losscape plot out/slice --html               a page with a surface to turn
  losscape plot runs/a --theme dark --dpi 300 --out out/for-the-talk";

/// Reads the figures of a result, and the stacks of its page.
type Load<'a> = Box<dyn Fn(&Path) -> Result<(Vec<Figure>, Vec<Figure>)> + 'a>;

/// Every result: the file that marks it, and how its figures are read back.
fn results() -> Vec<(String, Load<'static>)> {
    let analysis = |entry: &'static Entry| -> (String, Load<'static>) {
        let load = |d: &Path| (entry.load)(d).map(|record| (record.figures(), record.stacks()));
        (format!("{}.json", entry.name), Box::new(load))
    };
    let alone = |figures: Vec<Figure>| (figures, Vec::new());
    let mut all: Vec<(String, Load)> = ANALYSES.iter().map(analysis).collect();
    all.push(("run.json".to_owned(), Box::new(move |d| training::load_figures(d).map(alone))));
    all.push((
        "seeds.json".to_owned(),
        Box::new(move |d| SeedsResult::load(d).map(|seeds| alone(seeds.figures()))),
    ));
    all.push(("study.json".to_owned(), Box::new(move |d| run::load(d, "study").map(alone))));
    all.push(("width.json".to_owned(), Box::new(move |d| run::load(d, "width").map(alone))));
    all
}

fn command(command: Command) -> Command {
    let path = clap::value_parser!(PathBuf);
    let command = command
        .arg(
            Arg::new("result")
                .value_name("DIR")
                .required(true)
                .value_parser(path.clone())
                .help("Result or run directory"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(path.clone())
                .help("TOML file with the same keys as the flags, which override it"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(path)
                .help("Where the pictures go [default: over the old ones]"),
        );
    Style::augment_args(Common::augment_args(command).next_help_heading("Pictures"))
}

fn plot(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let (result, out) = (sources.path("result")?.unwrap_or_default(), sources.path("out")?);
    sources.finish()?;
    style.check()?;
    common.apply()?;
    let all = results();
    let there: Vec<_> = all.iter().filter(|(file, _)| result.join(file).exists()).collect();
    if there.is_empty() {
        let names: Vec<&str> = all.iter().map(|r| r.0.as_str()).collect();
        let expected = format!("a directory with {}", names.join(" or "));
        let found = match (result.is_dir(), result.exists()) {
            (true, _) => "none of them in it",
            (false, true) => "a file",
            (false, false) => "nothing there",
        };
        return Err(Error::expected(files::named(&result), expected, found));
    }
    let mut found = Vec::new();
    for (file, load) in &there {
        let (figures, stacks) = load(&result)?;
        found.push((figures, Source::read(&result, file, stacks)?));
    }
    if found.iter().all(|(figures, _)| figures.is_empty()) {
        let found = format!("{}, which has numbers alone", there[0].0);
        return Err(Error::expected(files::named(&result), "a result with pictures", found));
    }
    let target = Target::new(out.unwrap_or(result))?;
    let names = target.redraw(&found, &style)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&json!({"command": "plot", "figures": names, "style": style})),
        (_, true) => Ok(()),
        _ => output::print(&format!(
            "wrote {} in {}: {}\n",
            files::named(target.directory()),
            output::duration(target.seconds()),
            names.listed()
        )),
    }
}
