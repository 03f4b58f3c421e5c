//! `losscape ticket`: small parts of a network that train to what all of it reaches.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds, with_training};
use super::config::Sources;
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Progress, say};
use super::train;
use crate::base::{Result, files};
use crate::passes::ticket::{self, TicketEvent};
use crate::passes::{Saved, Share, TicketResult, TicketSettings};
use crate::render::Style;
use crate::train::TrainSettings;
use crate::train::settings::SHORTHANDS;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::OnceLock;

pub const COMMAND: Subcommand = Subcommand {
    name: "ticket",
    about: "Lottery tickets: prune, go back, train again, against controls (Frankle and Carbin 2019)",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/ticket";

const EXAMPLES: &str = "Examples:
  losscape ticket                                         300-100 on digits to under 5 % of its weights, three seeds
  losscape ticket --scope global --rounds 10 --seeds 5 --hidden 64,64
  losscape ticket --data mnist1d --model cnn --optimizer sgd --lr 0.05 --epochs 20 --rewind 100

A dense network is trained; then, level after level, the smallest weights that are left are pruned, the others go back to
what they were at step --rewind, and the rest of the network is trained again. Beside each ticket the same mask is trained
from other initial weights (from step 0), and a random mask with as many weights in each layer from the ticket's own start.
With --stability each ticket is trained once more in another order of the samples, and the barrier of the straight line
between both ends is measured. Finished trainings are kept as they come: the same command goes on after a stop, --fresh
begins anew. The flags of training are those of `losscape train` without what ends it early, averages, keeps or probes.

A level matches the dense network if its median test accuracy is at most one test sample below the dense median, or not
below the dense lower quartile. It beats it if the lower quartile of the differences, seed by seed, is a test sample or more.

Writes ticket.json (every level: weights left, medians, quartiles and every seed of accuracy and loss, differences to the
dense network, barriers; sparsest_match, best, beats, statement), ticket.npz (level, remaining, seed; train_loss,
train_accuracy, test_loss, test_accuracy and early_step, early_test_loss, early_test_accuracy at the least test loss, of shape
(kinds, levels, seeds); train_barrier and the others of shape (levels, seeds); layer_remaining, inputs), masks-SEED.safetensors
(LEVEL/NAME, ones and zeros), ticket-SEED.safetensors (the sparsest tickets that match, trained), and pictures: ticket, stability,
layers, pixels.";

fn command(command: Command) -> Command {
    let command = with_training(TicketSettings::augment_args(command), &ticket::training());
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: TicketSettings = sources.take(&[])?;
    let usual = ticket::training();
    let open = TrainSettings { batch_size: None, ..usual.clone() };
    let mut training = sources.take_over(open, SHORTHANDS)?;
    if !training.optimizer.full_batch() {
        training.batch_size = training.batch_size.or(usual.batch_size);
    }
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check(&training)?;
    style.check()?;
    common.apply()?;
    let prepared = train::prepare(&training, common.quiet)?;
    // A network at work on each thread, where every seed's tickets start from, and each ticket with its mask.
    let (threads, seeds) = (rayon::current_num_threads() as u64, settings.seeds as u64);
    let tickets = (settings.rounds as u64 + 1).saturating_mul(seeds);
    let each = prepared.parameters as u64 * (size_of::<f64>() + size_of::<bool>()) as u64;
    let bytes = prepared.bytes().saturating_mul(threads + seeds).saturating_add(each.saturating_mul(tickets));
    output::fits_in_memory(bytes, &format!("{tickets} dense networks and tickets"))?;
    drop(prepared);
    let place = parts.place(out)?;
    let target = Target::new(place.directory.clone())?;
    if parts.fresh {
        ticket::discard(target.directory())?;
    }
    let request = (settings, training);
    place.begin("ticket", &request)?;
    match search(&request, &place.share(), &common)? {
        Some(result) => finish(&result, &target, &style, &common),
        None => place.complete(&target, &common),
    }
}

/// Joins parts.
pub fn join(joined: Joined) -> Result<()> {
    let request: Request = joined.request()?;
    request.0.check(&request.1)?;
    let Some(result) = search(&request, &joined.share(), &joined.common)? else { return Ok(()) };
    finish(&result, &Target::new(joined.out)?, &joined.style, &joined.common)
}

/// What is pruned, and how it is trained.
type Request = (TicketSettings, TrainSettings);

/// Searches, showing progress.
fn search((settings, training): &Request, share: &Share, common: &Common) -> Result<Option<TicketResult>> {
    let progress: OnceLock<Progress> = OnceLock::new();
    let observe = |event: TicketEvent| match event {
        TicketEvent::Begins { title, controls: (controls, kept), steps } => {
            let (levels, seeds) = (settings.rounds, settings.seeds);
            say(common.quiet, &format!("tickets of {title}: {levels} levels, {seeds} seeds"));
            if kept > 0 {
                let words = "trainings beside the tickets were finished before and are kept";
                say(common.quiet, &format!("{kept} of {controls} {words}"));
            }
            let _ = progress.set(Progress::new("ticket", "steps", steps as f64, common.quiet));
        }
        TicketEvent::Steps(steps) => {
            if let Some(bar) = progress.get() {
                bar.add(steps as f64);
            }
        }
    };
    let result = ticket::run(settings, training, Some(share), &observe);
    if let Some(bar) = progress.get() {
        bar.finish();
    }
    result
}

/// Writes a result, and says what came out.
fn finish(result: &TicketResult, target: &Target, style: &Style, common: &Common) -> Result<()> {
    let names = target.write(result, style, json!({}))?;
    for name in result.absent() {
        files::remove(&target.directory().join(name))?;
    }
    ticket::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(result, target, &names))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &TicketResult, target: &Target, names: &output::Pictures) -> String {
    let all = result.summary();
    let percent = |x: &Value| x.as_f64().map_or("-".to_owned(), output::percent);
    let kinds: Vec<&str> = all["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let barrier = all["settings"]["stability"] == true;
    let heads: String = kinds.iter().map(|kind| format!(" {:>28}", kind.replace('_', " "))).collect();
    let seeds = all["seeds"].as_array().map_or(0, Vec::len);
    let mut text = format!(
        "{}, {seeds} seeds: test accuracy, medians (quartiles)\n{:>6} {:>9}{heads}{}\n",
        result.title(),
        "level",
        "weights",
        if barrier { format!(" {:>14}", "error barrier") } else { String::new() },
    );
    for level in all["levels"].as_array().into_iter().flatten() {
        text += &format!("{:>6} {:>9}", level["level"].to_string(), percent(&level["remaining"]));
        for kind in &kinds {
            let of = &level[*kind]["test_accuracy"];
            let [low, high] = [0, 1].map(|i| percent(&of["quartiles"][i]).replace(" %", ""));
            text += &format!(" {:>28}", format!("{} ({low} to {high})", percent(&of["median"])));
        }
        if barrier {
            text += &format!(" {:>14}", percent(&level["stability"]["train_error_barrier"]["median"]));
        }
        text += "\n";
    }
    text + &format!(
        "{}\nwrote {} in {}{}: ticket.json, ticket.npz, masks and weights of each seed, {}\n",
        all["statement"].as_str().unwrap_or_default(),
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        names.listed()
    )
}
