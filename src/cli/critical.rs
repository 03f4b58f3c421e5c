//! `losscape critical`: critical points of a small network's loss, and their index against their loss.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Progress, say};
use crate::base::{Result, files};
use crate::passes::critical::{self, CriticalEvent};
use crate::passes::{CriticalResult, CriticalSettings, Saved, Share};
use crate::render::Style;
use crate::train::settings::LAYERS;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::OnceLock;

pub const COMMAND: Subcommand = Subcommand {
    name: "critical",
    about: "Critical points of a small network's loss: index against loss (Dauphin et al. 2014)",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/critical";

const EXAMPLES: &str = "Examples:
  losscape critical                                       3 tanh units on 500 samples of a teacher network
  losscape critical --hidden 3,3 --samples 300 --initial 100
  losscape critical --data digits --hidden 2 --samples 1000          more parameters, fewer points; minutes
  losscape critical --data spirals --hidden 6 --loss cross-entropy --out out/spirals
  losscape critical --data identity:size=8,columns=8,rank=8,observed=1 --model matrix-factorization --samples 0
                                                          whose critical points are known in closed form

All in double precision. From every start the squared gradient norm is descended by damped Newton steps with the exact
Hessian; what ends where the gradient is in the Hessian's kernel without being zero (flat), or vanishes without a
zero nearby (receding), is no critical point: it stays in the arrays, faint in the picture. Finished starts are kept as
they come: the same command goes on after a stop, --fresh begins anew.

Writes critical.json (counts, ranges of loss and lambda_min, rank correlation, the distinct points), critical.npz (a row a start: loss, gradient_norm,
index, negative, zero, lambda_min, lambda_max, threshold, ..., eigenvalues, theta), critical.png and .svg.";

fn command(command: Command) -> Command {
    let command = with_shorthands(CriticalSettings::augment_args(command), LAYERS);
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: CriticalSettings = sources.take(LAYERS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    common.apply()?;
    let place = parts.place(out)?;
    let target = Target::new(place.directory.clone())?;
    if parts.fresh {
        critical::discard(target.directory())?;
    }
    place.begin("critical", &settings)?;
    match search(&settings, &place.share(), &common)? {
        Some(result) => finish(&result, &target, &style, &common),
        None => place.complete(&target, &common),
    }
}

/// Joins parts.
pub fn join(joined: Joined) -> Result<()> {
    let settings: CriticalSettings = joined.request()?;
    settings.check()?;
    let Some(result) = search(&settings, &joined.share(), &joined.common)? else { return Ok(()) };
    finish(&result, &Target::new(joined.out)?, &joined.style, &joined.common)
}

/// Searches, showing progress.
fn search(settings: &CriticalSettings, share: &Share, common: &Common) -> Result<Option<CriticalResult>> {
    let progress: OnceLock<Progress> = OnceLock::new();
    let observe = |event: CriticalEvent| match event {
        CriticalEvent::Note(note) => say(common.quiet, &format!("note: {note}")),
        CriticalEvent::Begins { title, parameters, starts: (starts, kept) } => {
            say(common.quiet, &format!("critical points of {title} ({parameters} parameters)"));
            if kept > 0 {
                say(common.quiet, &format!("{kept} of {starts} starts were finished before and are kept"));
            }
            let bar = Progress::new("critical", "starts", starts as f64, common.quiet);
            bar.add(kept as f64);
            let _ = progress.set(bar);
        }
        CriticalEvent::Done => {
            if let Some(bar) = progress.get() {
                bar.add(1.0);
            }
        }
    };
    let result = critical::run(settings, Some(share), &observe);
    if let Some(bar) = progress.get() {
        bar.finish();
    }
    result
}

/// Writes a result, and says what came out.
fn finish(result: &CriticalResult, target: &Target, style: &Style, common: &Common) -> Result<()> {
    target.write(result, style, json!({}))?;
    critical::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(result, target))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &CriticalResult, target: &Target) -> String {
    let all = result.summary();
    let number = |x: &Value, digits| x.as_f64().map_or("-".to_owned(), |x| output::number(x, digits));
    let range = |of: &Value| format!("{} to {}", number(&of["min"], 4), number(&of["max"], 4));
    let ended = |counts: &Value| {
        let counts: Vec<String> = counts
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, n)| *name != "critical" && n.as_u64() != Some(0))
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        if counts.is_empty() { String::new() } else { format!("  (else {})", counts.join(", ")) }
    };
    let mut text = format!(
        "{}\n  {} of {} descents ended at a critical point, {} of them distinct: {} minima, {} saddles{}\n",
        result.title(),
        all["kept"],
        all["starts"],
        all["distinct"],
        all["distinct_minima"],
        all["distinct_saddles"],
        ended(&all["ended"]),
    );
    for (kind, entry) in all["by_kind"].as_object().into_iter().flatten() {
        if entry["starts"].as_u64() == Some(0) {
            continue;
        }
        text += &format!(
            "  {kind:9} {} of {}, {} distinct  loss {}  index {}{}\n",
            entry["kept"],
            entry["starts"],
            entry["distinct"],
            range(&entry["loss"]),
            range(&entry["index"]),
            ended(&entry["ended"]),
        );
    }
    text += &format!(
        "  minima: loss {}; saddles: loss {}, lambda_min {}\n",
        range(&all["minima"]["loss"]),
        range(&all["saddles"]["loss"]),
        range(&all["saddles"]["lambda_min"]),
    );
    let rho = &all["rank_correlation"];
    let interval = match rho["interval"].as_array().map(Vec::as_slice) {
        Some([low, high]) => format!("  (95 %: {} to {})", number(low, 3), number(high, 3)),
        _ => String::new(),
    };
    text += &format!(
        "  rank correlation of index and loss {}{interval}, over {} distinct points\n",
        number(&rho["value"], 3),
        rho["points"],
    );
    text + &format!(
        "wrote {} in {}{}: critical.json, critical.npz, critical.png, critical.svg\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    )
}
