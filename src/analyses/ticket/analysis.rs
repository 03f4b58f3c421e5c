//! `ticket` as an analysis: what it is of, what it costs, and what it reports.

use super::{TicketResult, TicketSettings, discard, run, training};
use crate::analyses::analysis::{Analysis, Needs, Networks, Record, Work};
use crate::analyses::training::Prepared;
use crate::base::{Error, Result, shown};
use crate::train::TrainSettings;
use serde_json::Value;
use std::path::Path;

impl Analysis for TicketSettings {
    const NAME: &'static str = "ticket";
    const ABOUT: &'static str =
        "Lottery tickets: prune, go back, train again, against controls (Frankle and Carbin 2019)";
    const SUMMARY: &'static str = "lottery tickets, from dense networks trained as those of each case";
    const EXAMPLES: &'static str = "Examples:
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
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/ticket.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[("seeds", "1"), ("points", "3")];
    const PARTS: bool = true;
    type Record = TicketResult;

    fn needs() -> Needs {
        Needs::Training(Box::new(training()))
    }

    fn validate(&self, _: usize, training: &TrainSettings) -> Result<()> {
        self.check(training)
    }

    fn memory(&self, _: usize, prepared: Option<&Prepared>) -> Option<(u64, String)> {
        let prepared = prepared?;
        // A network at work on each thread, where every seed's tickets start from, and each ticket with its mask.
        let (threads, seeds) = (rayon::current_num_threads() as u64, self.seeds as u64);
        let tickets = (self.rounds as u64 + 1).saturating_mul(seeds);
        let each = prepared.parameters as u64 * (size_of::<f64>() + size_of::<bool>()) as u64;
        let networks = prepared.bytes().saturating_mul(threads + seeds);
        let bytes = networks.saturating_add(each.saturating_mul(tickets));
        Some((bytes, format!("{tickets} dense networks and tickets")))
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        let lines = if self.in_two_orders() { self.seeds * (self.rounds + 1) * self.points } else { 0 };
        lines as f64 * (train + test)
    }

    fn trainings(&self) -> usize {
        // A dense network, and each round a ticket, two controls and the ticket once more.
        self.seeds * (1 + 4 * self.rounds)
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<TicketResult>> {
        run(self, of.first_training()?, work.share, work.observe)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<TicketResult> {
        TicketResult::load(directory)
    }
}

impl Record for TicketResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let lost = self.summary["diverged"].as_u64().filter(|n| *n > 0);
        lost.map(|n| {
            let what = format!("{n} of {} networks, or ones before them", self.summary["trainings"]);
            Error::unmet("ticket: diverged", what)
        })
    }

    fn absent(&self, _: &Path) -> Vec<String> {
        self.absent.clone()
    }
}

fn summary(result: &TicketResult) -> String {
    let all = result.summary();
    let percent = |x: &Value| x.as_f64().map_or("-".to_owned(), shown::percent);
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
        "{}
",
        all["statement"].as_str().unwrap_or_default()
    )
}
