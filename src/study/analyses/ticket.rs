//! `ticket`: lottery tickets, from dense networks trained as those of each case.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::pieces::whole;
use crate::passes::{Saved, TicketSettings, ticket, to_json};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "ticket",
    summary: "lottery tickets, from dense networks trained as those of each case",
    quick: &[("seeds", "1"), ("points", "3")],
    take: |section, changes| {
        let settings: TicketSettings = overlay(section, changes.iter(), &[])?;
        settings.check(&ticket::training())?;
        Ok(Box::new(Ticket(settings)))
    },
};

struct Ticket(TicketSettings);

impl Pass for Ticket {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let lines =
            if self.0.in_two_orders() { self.0.seeds * (self.0.rounds + 1) * self.0.points } else { 0 };
        lines as f64 * (train + test)
    }

    fn trainings(&self) -> usize {
        // A dense network, and each round a ticket, two controls and the ticket once more.
        self.0.seeds * (1 + 4 * self.0.rounds)
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        match networks.training {
            [training, ..] => Ok(Box::new(whole(ticket::run(&self.0, training, None, &|_| ()))?)),
            [] => Err(Error::expected("ticket", "a network", "none")),
        }
    }
}
