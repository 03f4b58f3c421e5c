//! `losscape run`: a recipe's cases, its figures, its table and its verdict.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds};
use super::config::Sources;
use super::output::{self, Target};
use super::parts::{Joined, Place};
use super::progress::{Bar, say};
use crate::analyses::Saved;
use crate::base::registry::parse_value;
use crate::base::section::Section;
use crate::base::shard::Shard;
use crate::base::text::one_line;
use crate::base::{Error, Result, files};
use crate::render::Style;
use crate::study::builtin;
use crate::study::engine;
use crate::study::overlay::Change;
use crate::study::recipe::{FULL, QUICK};
use crate::study::verdict::Verdict;
use crate::study::{Asked, Recipe, StudyEvent, StudyResult};
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub const COMMAND: Subcommand = Subcommand {
    name: NAME,
    about: "Run a recipe: what is claimed, tried case by case, with figures, a table and a verdict",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/run";

/// The command.
const NAME: &str = "run";

const EXAMPLES: &str = "Examples:
  losscape run permutations                                   a recipe by name (losscape list recipe)
  losscape run permutations --quick                           everything once, at smoke scale, in seconds
  losscape run permutations --seeds 8 --out out/eight
  losscape run analyses/*.toml --out out/gallery              every claim, one after the other
  losscape recipe permutations > mine.toml                    a copy, to be changed
  losscape run mine.toml --set train.epochs=50 --set train.model.activation=tanh
  losscape run mine.toml --plan                               the cases and the predicted time, nothing computed
  losscape run mine.toml --shard 0/2                          half of the cases; then losscape merge out/run

A recipe is a TOML file, or the name of one that is built in; analyses/README.md says what can stand in it. Every finished case is kept in DIR/cases: the same
command goes on after a stop, and a changed recipe computes only what it changes.

Writes study.json (cases summed up, effects with intervals, the verdict), study.csv (a row a case and seed), study.npz (each
measure, shape (axes..., seeds)), figures.json, and the recipe's pictures. Exit code 3 where the claim does not hold or is
undecided; at smoke scale nothing is judged.";

/// How much of a recipe is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Extent {
    /// Seeds of each case [default: the recipe's]
    #[arg(long, value_name = "N")]
    pub seeds: Option<usize>,
    /// At smoke scale: everything once, small; the same as --scale quick
    #[arg(long, default_value_t = false, conflicts_with = "scale")]
    pub quick: bool,
    /// At one of the recipe's own scales
    #[arg(long, value_name = "NAME")]
    pub scale: Option<String>,
    /// Say what would be computed, and how long it would take, and stop
    #[arg(long, default_value_t = false)]
    pub plan: bool,
}

impl Extent {
    /// What is asked of a recipe, with these changes to its settings.
    pub fn asked(&self, changes: Vec<Change>) -> Asked {
        let scale = self.quick.then(|| QUICK.to_owned()).or_else(|| self.scale.clone());
        Asked { seeds: self.seeds, scale, changes, ..Asked::default() }
    }
}

fn command(command: Command) -> Command {
    let recipe = Arg::new("recipe").value_name("RECIPE").required(true).num_args(1..);
    let recipe = recipe.value_parser(clap::value_parser!(PathBuf));
    let recipe = recipe
        .help("Name or TOML file of a recipe; of several, each goes into its own directory below --out");
    let set = Arg::new("set").long("set").value_name("SECTION.KEY=VALUE").action(ArgAction::Append);
    let set = set.help("Another value for a setting of every case; may be repeated");
    let command = Parts::augment_args(Extent::augment_args(command.arg(recipe).arg(set)));
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

/// Changes from `--set`.
pub fn changes(matches: &ArgMatches) -> Result<Vec<Change>> {
    let all = matches.get_many::<String>("set").into_iter().flatten();
    let one = |text: &String| match text.split_once('=') {
        Some((path, value)) if path.contains('.') => Ok(Change {
            at: "--set".to_owned(),
            path: path.trim().to_owned(),
            value: parse_value(value.trim()),
        }),
        _ => Err(Error::expected("--set", "SECTION.KEY=VALUE", format!("`{text}`"))),
    };
    all.map(one).collect()
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let paths = sources.paths("recipe")?;
    let extent: Extent = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = sources.take(&[])?;
    let out = sources.path("out")?;
    sources.finish()?;
    let asked = extent.asked(changes(matches)?);
    let mut studies = Vec::new();
    for path in &paths {
        let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        let below = |out: &PathBuf| match paths.len() {
            1 => Ok(out.clone()),
            _ => files::within(out, &name),
        };
        let out = out.as_ref().map(below).transpose()?;
        let (asked, parts) = (asked.clone(), parts.clone());
        let (section, plan) = (builtin::section(path, builtin::RECIPES, "recipe")?, extent.plan);
        studies.push(Study { name, section, asked, plan, parts, out, command: None });
    }
    // Graphs in recipes are looked at with all threads.
    common.apply()?;
    // What is wrong with one of them is said before any is run.
    studies.iter().try_for_each(|study| study.recipe().map(|_| ()))?;
    let several = studies.len() > 1;
    let mut unmet = Vec::new();
    let mut lines = Vec::new();
    for study in studies {
        let name = study.name.clone();
        let Some(result) = study.run(&common, &style)? else { continue };
        let verdict = result.verdict().map_or("nothing is expected", Verdict::words);
        lines.push(vec![name, verdict.to_owned()]);
        unmet.extend(result.unmet());
    }
    if several && !common.json && !common.quiet && !extent.plan {
        output::print(&crate::base::shown::table(&lines))?;
    }
    unmet.into_iter().next().map_or(Ok(()), Err)
}

/// A study that was asked for.
pub struct Study {
    /// What the recipe is called.
    pub name: String,
    /// The recipe.
    pub section: Section,
    /// What is asked beside it.
    pub asked: Asked,
    /// Whether only to say what would be computed.
    pub plan: bool,
    /// Which part of it, and whether earlier cases are discarded.
    pub parts: Parts,
    /// Where it goes.
    pub out: Option<PathBuf>,
    /// The command that it is the whole of.
    pub command: Option<&'static str>,
}

impl Study {
    /// Its recipe, checked.
    fn recipe(&self) -> Result<Recipe> {
        Recipe::new(&self.name, self.section.clone(), &self.asked)
    }

    /// Runs it; none where only a part of it, or its plan, was asked for.
    pub fn run(self, common: &Common, style: &Style) -> Result<Option<StudyResult>> {
        style.check()?;
        let recipe = self.recipe()?;
        let small = Recipe::rehearsal(&self.name, self.section.clone(), &self.asked)?;
        let default = self.command.map_or(DEFAULT_OUT.to_owned(), |command| format!("out/{command}"));
        let out = self.out.clone().or(recipe.out.clone()).unwrap_or_else(|| PathBuf::from(default));
        let place = self.parts.place(out.clone())?;
        let pace = engine::rehearse(&small)?;
        say(common.quiet, &format!("{}: {} cases, {}", recipe.name, recipe.cases.len(), seeds(&recipe)));
        if self.plan {
            let shard = place.shard.unwrap_or(Shard::WHOLE);
            let plan = engine::plan(&recipe, &place.directory, shard, pace)?;
            return output::print(&planned(&recipe, &plan)).map(|()| None);
        }
        let mut result = None;
        self.parts.each(out, common.quiet, &mut |place| {
            result = self.at(place, &recipe, pace, common, style)?;
            Ok(())
        })?;
        Ok(result)
    }

    /// Runs it, or a part of it, at a place.
    fn at(
        &self,
        place: &Place,
        recipe: &Recipe,
        pace: f64,
        common: &Common,
        style: &Style,
    ) -> Result<Option<StudyResult>> {
        let target = Target::new(place.directory.clone())?;
        if self.parts.fresh {
            engine::discard(target.directory())?;
        }
        place.begin(self.command.unwrap_or(NAME), &self.request()?)?;
        // With the width of a case's name in the table below.
        let bar: Mutex<Option<(Bar, usize)>> = Mutex::new(None);
        // The widths of the table that grows while cases are finished.
        let columns: Vec<usize> =
            recipe.measures.iter().map(|m| m.name.chars().count().max(NUMBER)).collect();
        let observe = |event: StudyEvent| {
            let mut bar = bar.lock().unwrap_or_else(|e| e.into_inner());
            match event {
                StudyEvent::Planned { units: (all, kept, others), seconds, width } => {
                    let rest = all - kept - others;
                    if kept > 0 {
                        say(common.quiet, &format!("{kept} of {all} were computed before and are kept"));
                    }
                    let time = output::about(seconds);
                    say(common.quiet, &format!("{rest} to compute, in {time}"));
                    let names = recipe.measures.iter().map(|m| m.name.clone());
                    // As wide as there are measures.
                    if !common.quiet {
                        output::complain(&line(width, "", &columns, names));
                    }
                    *bar = Some((Bar::new(NAME, "% of the work", 100.0, common.quiet), width));
                }
                StudyEvent::Begins(name) => {
                    if let Some((bar, _)) = bar.as_ref() {
                        bar.note(name);
                    }
                }
                StudyEvent::Done(name, row, share) => {
                    if let Some((bar, width)) = bar.as_ref() {
                        bar.line(&line(*width, name, &columns, row.iter().map(|x| number(*x))));
                        bar.add(100.0 * share);
                    }
                }
            }
        };
        target.keep();
        let result = engine::run(recipe, target.directory(), place.shard, pace, &observe);
        if let Some((bar, _)) = bar.lock().unwrap_or_else(|e| e.into_inner()).take() {
            bar.finish();
        }
        let Some(result) = result? else {
            return place.complete(&target, common).map(|()| None);
        };
        finish(result, self.command, &target, common, style).map(Some)
    }

    /// What parts keep of what was asked for.
    fn request(&self) -> Result<Request> {
        Ok(Request { name: self.name.clone(), recipe: self.section.text()?, asked: self.asked.clone() })
    }
}

/// A study as parts keep it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    /// The recipe as it was.
    recipe: String,
    asked: Asked,
}

/// Joins parts of a study that is the whole of a command, if it is.
fn join_as(joined: Joined, command: Option<&str>) -> Result<()> {
    let request: Request = joined.request()?;
    let section = Section::parse(format!("recipe {}", request.name), &request.recipe)?;
    let recipe = Recipe::new(&request.name, section, &request.asked)?;
    let target: OnceCell<Target> = OnceCell::new();
    // Made once all cases are known to be there.
    let open = || -> Result<PathBuf> {
        let new = Target::new(joined.out.clone())?;
        Ok(target.get_or_init(|| new).directory().to_path_buf())
    };
    let result = engine::join(&recipe, &joined.parts, &open)?;
    let Some(target) = target.get() else { return Ok(()) };
    let result = finish(result, command, target, &joined.common, &joined.style)?;
    result.unmet().map_or(Ok(()), Err)
}

/// Joins parts of a recipe.
pub fn join(joined: Joined) -> Result<()> {
    join_as(joined, None)
}

/// Joins parts of `losscape width`.
pub fn join_width(joined: Joined) -> Result<()> {
    join_as(joined, Some("width"))
}

/// Writes a result, and says what came out.
fn finish(
    result: StudyResult,
    command: Option<&str>,
    target: &Target,
    common: &Common,
    style: &Style,
) -> Result<StudyResult> {
    let result = command.map_or(result.clone(), |command| result.named(command));
    let pictures = target.write(&result, style, json!({}))?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, target, &pictures))?,
    }
    Ok(result)
}

/// Letters of a number in a line of progress.
const NUMBER: usize = 10;

/// A line of the table that grows while cases are finished.
fn line(width: usize, name: &str, columns: &[usize], values: impl Iterator<Item = String>) -> String {
    let cells = values.zip(columns).map(|(value, width)| format!("  {value:>width$}"));
    format!("{name:width$}{}", cells.collect::<String>())
}

/// A number in a table, a whole one without a fraction; "-" where there is none.
fn number(x: f64) -> String {
    match x {
        x if !x.is_finite() => "-".to_owned(),
        // Counts, such as parameters and steps.
        x if x.fract() == 0.0 && x.abs() < 1e15 => x.to_string(),
        x => output::number(x, 4),
    }
}

fn seeds(recipe: &Recipe) -> String {
    let scale = if recipe.scale == FULL { String::new() } else { format!(", scale {}", recipe.scale) };
    match recipe.seeds {
        1 => format!("one seed each{scale}"),
        n => format!("{n} seeds each{scale}"),
    }
}

/// The plan, a line a case.
fn planned(recipe: &Recipe, plan: &engine::Plan) -> String {
    let mut text = format!("{}\n", one_line(&recipe.title));
    for (name, seconds, kept) in &plan.cases {
        let name = one_line(name);
        let time = if *kept { "kept".to_owned() } else { output::duration(*seconds) };
        text += &format!("  {name}: {time}\n");
    }
    text + &format!(
        "in all {} on {}\n",
        output::about(plan.seconds),
        output::count(rayon::current_num_threads(), "thread")
    )
}

/// The median of each measure by case, and how the expectations came out.
fn summary(result: &StudyResult, target: &Target, pictures: &output::Pictures) -> String {
    let all = result.summary();
    let of = |value: &Value, key: &str| one_line(value[key].as_str().unwrap_or_default());
    let text = |key: &str| of(all, key);
    let list = |key: &str| all[key].as_array().cloned().unwrap_or_default();
    let name = |value: &Value| of(value, "name");
    let (axes, measures) = (list("axes"), list("measures"));
    let number = |x: &Value| number(x.as_f64().unwrap_or(f64::NAN));
    let mut rows = vec![axes.iter().chain(&measures).map(name).collect::<Vec<String>>()];
    for case in list("cases") {
        let places = axes.iter().map(|axis| of(&case, &name(axis)));
        let medians = measures.iter().map(|m| number(&case[name(m)]["median"]));
        rows.push(places.chain(medians).collect());
    }
    let seeds = all["seeds"].as_u64().unwrap_or(1);
    let over = if seeds > 1 { format!(", medians over {seeds} seeds") } else { String::new() };
    let mut out = format!("{}{over}\n{}", text("title"), crate::base::shown::table(&rows));
    for expected in list("expected") {
        let interval = match expected["interval"].as_array().map(Vec::as_slice) {
            Some([low, high]) => format!(" [{}, {}]", number(low), number(high)),
            _ => String::new(),
        };
        let threshold = expected["expected"].as_object().and_then(|o| o.iter().next());
        let threshold = threshold.map_or(String::new(), |(way, x)| format!("{way} {x}"));
        let verdict = of(&expected, "verdict").replace('-', " ");
        out += &format!(
            "  {verdict}: {}\n    {} = {}{interval}, expected {threshold}\n",
            of(&expected, "that"),
            of(&expected, "compared"),
            number(&expected["effect"]),
        );
        let status = of(&expected, "status");
        if status != "computed" {
            out += &format!("    {status}\n");
        }
    }
    for that in list("not_judged") {
        out +=
            &format!("  not judged, without cases here: {}\n", one_line(that.as_str().unwrap_or_default()));
    }
    if let Some(verdict) = result.verdict() {
        let smoke = if all["scale"] == QUICK { " (at smoke scale, where it means nothing)" } else { "" };
        out += &format!("claim: {}\n  {}{smoke}\n", text("claim"), verdict.words());
    }
    let command = text("command");
    let stem = if command == "run" { "study" } else { command.as_str() };
    let drawn = if pictures.names.is_empty() { String::new() } else { format!("{}, ", pictures.listed()) };
    out + &format!(
        "wrote {} in {}{}: {drawn}{stem}.json, {stem}.csv, {stem}.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak()
    )
}

/// The figures of a saved study.
pub fn load(directory: &Path, stem: &str) -> Result<Vec<crate::figure::Figure>> {
    Ok(StudyResult::load(directory, stem)?.figures())
}
