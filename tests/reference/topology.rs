//! Components and holes of sublevel sets, beside those that gudhi finds: in planes and volumes, with tied values, and with points
//! that have none.

use crate::analytic::topology::himmelblau;
use crate::reference::figures;
use losscape::landscape::topology::{Adjacency, Bar, components, holes};
use serde::Deserialize;

#[derive(Deserialize)]
struct Figures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    shape: Vec<usize>,
    values: Option<Vec<Option<f64>>>,
    adjacency: String,
    components: Vec<(f64, Option<f64>)>,
    holes: Vec<(f64, Option<f64>)>,
}

/// Births and deaths in order. Both programs take them from the grid: there is nothing to round.
fn ends(bars: &[Bar]) -> Vec<(f64, Option<f64>)> {
    let mut ends: Vec<(f64, Option<f64>)> =
        bars.iter().map(|b| (b.birth, Some(b.death).filter(|d| d.is_finite()))).collect();
    let key = |end: &(f64, Option<f64>)| [end.0, end.1.unwrap_or(f64::INFINITY)];
    ends.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
    ends
}

#[test]
fn bars_are_those_of_gudhi() {
    let figures: Figures = figures(include_str!("topology.json"));
    assert_eq!(figures.cases.len(), 17);
    for case in &figures.cases {
        let adjacency = match case.adjacency.as_str() {
            "faces" => Adjacency::Faces,
            "corners" => Adjacency::Corners,
            _ => Adjacency::Simplices,
        };
        let values: Vec<f64> = match &case.values {
            Some(values) => values.iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
            None => himmelblau(case.shape[0]),
        };
        let what = format!("{} by {}", case.name, case.adjacency);
        let found = components(&values, &case.shape, adjacency);
        assert!(found.windows(2).all(|w| w[0].length() >= w[1].length()), "{what}: longest first");
        let sorted = |bars: &[(f64, Option<f64>)]| {
            let bar = |(birth, death): &(f64, Option<f64>)| Bar {
                birth: *birth,
                death: death.unwrap_or(f64::INFINITY),
                birth_index: 0,
                death_index: None,
                parent: None,
            };
            ends(&bars.iter().map(bar).collect::<Vec<Bar>>())
        };
        assert_eq!(ends(&found), sorted(&case.components), "components of {what}");
        assert_eq!(ends(&holes(&values, &case.shape, adjacency)), sorted(&case.holes), "holes of {what}");
    }
}
