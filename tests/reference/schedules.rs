//! Every schedule's values over twenty epochs.

use crate::reference::{agrees, figures};
use losscape::base::registry::Registry;
use losscape::train::Schedule;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Figures {
    epochs: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    schedule: String,
    points: Vec<(f64, f64)>,
}

#[test]
fn factors_are_those_of_other_implementations() {
    let figures: Figures = figures(include_str!("schedules.json"));
    let mut tried = BTreeSet::new();
    for case in &figures.cases {
        let schedule = Schedule::parse(&case.schedule).unwrap_or_else(|e| panic!("{e}"));
        tried.insert(schedule.name());
        for (epoch, expected) in &case.points {
            let found = schedule.factor(*epoch, figures.epochs, 0.0);
            agrees(found, *expected, &format!("{} at epoch {epoch}", case.schedule));
            // Behind a warmup the same, later.
            let later = schedule.factor(*epoch + 3.0, figures.epochs + 3.0, 3.0);
            agrees(later, *expected, &format!("{} at epoch {epoch} after a warmup", case.schedule));
        }
    }
    assert_eq!(tried, BTreeSet::from_iter(Schedule::names()), "every schedule has figures");
}
