//! An analysis of a case, with its settings and of how many of the case's networks it is.

use super::overlay::{Change, Overlay};
use crate::analyses::analysis::{Asked, Entry, Named, Needs};
use crate::analyses::{Networks, Record, Run, Work, training};
use crate::base::section::Section;
use crate::base::{Error, Result};
use crate::train::TrainSettings;
use serde_json::{Value, json};

/// An analysis with settings that make sense.
pub struct Pass {
    asked: Box<dyn Asked>,
    /// How many trained networks it is of: that of the case and seed, and others of the same case with seeds that no other
    /// one has. None where its settings say all.
    pub networks: usize,
    /// Whether that is a setting.
    counted: bool,
}

/// Between the seeds of further networks and those of the study.
const APART: u64 = 1_000_003;

impl Pass {
    /// Reads the settings of an analysis from a section of a recipe, and changes over it.
    pub fn new(entry: &Entry, section: Section, changes: Vec<Change>) -> Result<Self> {
        let mut given = Overlay::new(section, changes);
        let needs = (entry.needs)();
        let (mut networks, mut counted) = (needs.usual(), false);
        if let Needs::Networks { within, usual, named } = &needs
            && *usual > 1
            && *named != Named::Ends
        {
            counted = true;
            if let Some((at, value)) = given.value("count") {
                let count = value.as_integer().and_then(|n| usize::try_from(n).ok());
                networks = count.filter(|n| within.contains(n)).ok_or_else(|| {
                    Error::expected(at, format!("{} to {}", within.start(), within.end()), value)
                })?;
            }
        }
        let asked = (entry.take)(&mut given)?;
        given.finish()?;
        let usual = match needs {
            Needs::Training(usual) => *usual,
            _ => TrainSettings::default(),
        };
        asked.validate(networks, &usual)?;
        Ok(Self { asked, networks, counted })
    }

    /// The settings with every default written out, as results record them.
    pub fn settings(&self) -> Result<Value> {
        let settings = self.asked.identity()?;
        Ok(if self.counted { json!({"count": self.networks, "settings": settings}) } else { settings })
    }

    /// Whether it measures time, and wants the machine to itself.
    pub fn alone(&self) -> bool {
        self.asked.alone()
    }

    /// About how many samples it sends forward, on so many for training and testing; a pass back counts as two.
    pub fn forwards(&self, samples: (f64, f64)) -> f64 {
        self.asked.forwards(self.networks, samples)
    }

    /// How many times it trains such a network itself, about.
    pub fn trainings(&self) -> usize {
        self.asked.trainings()
    }

    /// Whether it looks at where training ended, if it needs a network at all: that then has to be finite.
    pub fn looks_at_end(&self) -> bool {
        self.asked.looks_at_end()
    }

    /// Runs it. `seed` is added to its own, so that seeds of a study differ in whatever is random here.
    pub fn run(&self, seed: u64, runs: &[Run], settings: &[TrainSettings]) -> Result<Box<dyn Record>> {
        let base = settings.first().cloned().unwrap_or_default();
        let further = |i: usize| {
            let seed = base.seed.wrapping_add(i as u64 * APART);
            Run::of(training::run(&TrainSettings { seed, ..base.clone() }, &mut |_| ())?)
        };
        let further: Vec<Run> = (1..=self.asked.further()).map(further).collect::<Result<_>>()?;
        let of = Networks { runs, training: settings, further: &further };
        let found = self.asked.run(seed, of, &Work::default())?;
        found.ok_or_else(|| Error::unmet("a part", "has no result of its own"))
    }
}
