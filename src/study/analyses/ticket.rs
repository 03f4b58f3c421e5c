//! `ticket`: lottery tickets, from dense networks of its own.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{Saved, TicketSettings, ticket, to_json};
use crate::study::overlay::overlay;
use crate::train::settings::SHORTHANDS;

pub const ANALYSIS: Analysis = Analysis {
    name: "ticket",
    summary: "lottery tickets, from dense networks of its own",
    quick: &[("epochs", "1"), ("seeds", "1"), ("points", "3"), ("samples", "128")],
    take: |section, changes| {
        let settings: TicketSettings = overlay(section, changes.iter(), SHORTHANDS)?;
        settings.check()?;
        Ok(Box::new(Ticket(settings)))
    },
};

struct Ticket(TicketSettings);

impl Pass for Ticket {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn forwards(&self, _: (f64, f64)) -> f64 {
        // A ticket and its controls a round, on so many samples an epoch as the digits have.
        let trainings = self.0.seeds * (1 + 4 * self.0.rounds) * self.0.epochs;
        4.0 * 1300.0 * trainings as f64
    }

    fn run(&self, seed: u64, _: Networks) -> Result<Box<dyn Saved>> {
        let settings = TicketSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(ticket::run(&settings, None, &|_| ())?))
    }
}
