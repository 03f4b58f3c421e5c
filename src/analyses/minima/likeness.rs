//! How alike minima are as functions: distances between what they predict, and CKA between what their layers say of the same
//! samples (`landscape::similarity`).

use super::compute::Job;
use super::place::classical;
use super::result::spread;
use crate::analyses::progress::Progress;
use crate::base::npz::Npz;
use crate::base::{Result, interrupt};
use crate::landscape::signals;
use crate::landscape::similarity::{FEWEST, Kernel};
use crate::nn::losses::Criterion;
use crate::nn::{Inside, MeanLoss, Point};
use serde_json::{Map, Value, json};

/// What is found: arrays of the result, and members of its document.
pub(super) struct Likeness {
    pub arrays: Npz,
    pub summary: Map<String, Value>,
}

/// Kruskal's stress of places in the plane, sqrt(sum (d - d')^2 / sum d^2) over all pairs, d the given distances and d' those of the
/// places: 0 where the plane has them all.
pub fn stress(distances: &[f64], places: &[(f64, f64)]) -> f64 {
    let n = places.len();
    let (mut off, mut all) = (0.0, 0.0);
    for ij in 0..n * n {
        let (a, b) = (places[ij / n], places[ij % n]);
        off += (distances[ij] - (a.0 - b.0).hypot(a.1 - b.1)).powi(2);
        all += distances[ij].powi(2);
    }
    if all > 0.0 { (off / all).sqrt() } else { 0.0 }
}

/// Distances and CKA between the networks of `job`, on its test samples, or those for training where there are none.
pub(super) fn likeness(job: &Job) -> Result<Likeness> {
    let mut found = Likeness { arrays: Npz::default(), summary: Map::new() };
    let (objective, part) = match job.evaluator.test() {
        Some(test) => (test, "test"),
        None => (job.evaluator.train(), "train"),
    };
    let points: Vec<Point> = job.runs.iter().map(|run| job.evaluator.place(&run.theta, &run.state)).collect();
    (job.observe)(Progress::Begins("minima", "networks compared", points.len()));
    predictions(job, objective, part, &points, &mut found)?;
    if job.settings.cka_samples > 0 {
        similarity(job, objective, part, &points, &mut found)?;
    }
    (job.observe)(Progress::Done(points.len() as f64));
    Ok(found)
}

/// Values of all pairs, of which each is a function of two networks.
fn matrix(n: usize, of: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut all = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 1..n {
            all[i * n + j] = of(i, j);
            all[j * n + i] = all[i * n + j];
        }
    }
    all
}

/// Those above the diagonal.
fn above(all: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).filter(|ij| ij / n < ij % n).map(|ij| all[ij]).collect()
}

/// What the networks say of the samples: probabilities of classes where the loss has such, else their outputs; none where a graph
/// shows neither.
fn said(job: &Job, objective: &dyn MeanLoss, points: &[Point]) -> Result<Vec<Vec<f64>>> {
    let network = job.evaluator.network();
    let outputs = network.inside().iter().rposition(|layer| layer.name == OUTPUTS);
    let mut all = Vec::new();
    for point in points {
        all.push(match (network.graph(), outputs) {
            (None, _) => {
                let spec = network.spec();
                let mut outputs = objective.outputs(point.at());
                outputs.chunks_mut(spec.outputs.max(1)).for_each(|column| spec.loss.predict(column));
                outputs
            }
            (Some(_), Some(trace)) => features(objective, trace, point),
            (Some(_), None) => Vec::new(),
        });
        interrupt::check("minima", "finished pairs are kept")?;
    }
    Ok(all)
}

/// What the outputs of a graph are called among what is seen of it.
const OUTPUTS: &str = "outputs";

fn predictions(
    job: &Job,
    objective: &dyn MeanLoss,
    part: &str,
    points: &[Point],
    found: &mut Likeness,
) -> Result<()> {
    let (n, samples, graph) = (points.len(), objective.samples(), job.evaluator.network().graph().is_some());
    let said = said(job, objective, points)?;
    let status = match said.iter().flatten().all(|x| x.is_finite()) {
        _ if said.iter().any(Vec::is_empty) => "the loss of the graph shows no outputs",
        false => "some predictions are not finite",
        true => "computed",
    };
    let mut summary = json!({"part": part, "samples": samples, "status": status});
    if status == "computed" {
        // Of a graph it is not known which of its numbers are one prediction.
        let rows =
            if graph { said[0].len() / samples.max(1) } else { job.evaluator.network().spec().outputs };
        let count = said[0].len() as f64 / rows.max(1) as f64;
        let distance = matrix(n, |i, j| {
            let square: f64 = said[i].iter().zip(&said[j]).map(|(a, b)| (a - b).powi(2)).sum();
            (square / count).sqrt()
        });
        summary["distance"] = spread(&above(&distance, n));
        if rows > 1 && !graph && !objective.answers().1.is_empty() {
            // The first of the largest.
            let choice =
                |column: &[f64]| (0..column.len()).fold(0, |m, i| if column[i] > column[m] { i } else { m });
            let chosen: Vec<Vec<usize>> =
                said.iter().map(|all| all.chunks(rows).map(choice).collect()).collect();
            let differ = matrix(n, |i, j| {
                let differ = chosen[i].iter().zip(&chosen[j]).filter(|(a, b)| a != b);
                differ.count() as f64 / count
            });
            summary["disagreement"] = spread(&above(&differ, n));
            found.arrays.push("disagreement", &[n, n], differ);
        }
        let (places, share) = classical(&distance, n)?;
        summary["plane"] = json!({"share": share, "stress": stress(&distance, &places)});
        let flat: Vec<f64> = places.iter().flat_map(|(x, y)| [*x, *y]).collect();
        found.arrays.push("prediction_place", &[n, 2], flat);
        found.arrays.push("prediction_distance", &[n, n], distance);
    }
    found.summary.insert("predictions".to_owned(), summary);
    Ok(())
}

/// The numbers of one layer, sample after sample.
fn features(objective: &dyn MeanLoss, trace: usize, point: &Point) -> Vec<f64> {
    signals::each(objective, &[trace], &[point.at()], |views| views[0][0].data.to_vec()).concat()
}

/// The layers that are compared: hidden ones as their activations leave them, or of a graph as its weights do, then the outputs; some
/// of them, evenly spread, where there are many.
fn layers(all: &[Inside]) -> Vec<usize> {
    let last = all.len().saturating_sub(1);
    let shows = |k: &usize| all[*k].activation || *k == last || all.iter().all(|layer| !layer.activation);
    let found: Vec<usize> = (0..all.len()).filter(shows).collect();
    match found.len() {
        0..=LAYERS => found,
        n => (0..LAYERS).map(|k| found[k * (n - 1) / (LAYERS - 1)]).collect(),
    }
}

/// Most numbers of one layer over all samples: 256 MiB.
const WIDEST: usize = 1 << 25;

/// Most layers that are compared.
const LAYERS: usize = 24;

fn similarity(
    job: &Job,
    objective: &dyn MeanLoss,
    part: &str,
    points: &[Point],
    found: &mut Likeness,
) -> Result<()> {
    let network = job.evaluator.network();
    let group = network.packing().and_then(|packing| packing.group).unwrap_or(1);
    let n = points.len();
    // Wide layers of as many samples would fill the memory.
    let most = WIDEST / network.widest().max(1);
    let samples = job.settings.cka_samples.min(objective.samples()).min(most) / group * group;
    if samples < FEWEST {
        let status =
            format!("an unbiased estimate needs {FEWEST} samples whose layers fit in the memory for it");
        found.summary.insert("similarity".to_owned(), json!({"samples": samples, "status": status}));
        return Ok(());
    }
    let mut indices: Vec<u32> = (0..samples as u32).collect();
    let batch = objective.batches(samples);
    let few = batch(&indices);
    // The same with another sample in the place of the first.
    indices[0] = 1;
    let other = batch(&indices);
    let inside = network.inside();
    let mut chosen = layers(&inside);
    if network.graph().is_some() {
        // A graph may have any order of numbers: that of samples one after the other is seen by what the first one changes.
        let by_samples = |trace: &usize| {
            let [a, b] = [&few, &other].map(|loss| features(&**loss, *trace, &points[0]));
            let same = a.iter().zip(&b).skip(a.len() / samples).all(|(a, b)| a.to_bits() == b.to_bits());
            a.len().is_multiple_of(samples) && same
        };
        chosen.retain(by_samples);
    }
    if chosen.is_empty() {
        let status = "no layer is seen whose numbers belong to single samples";
        found.summary.insert("similarity".to_owned(), json!({"samples": samples, "status": status}));
        return Ok(());
    }
    let names: Vec<&str> = chosen.iter().map(|k| inside[*k].name.as_str()).collect();
    let count = names.len();
    // One layer of all networks at a time, and all layers of the first two.
    let (mut all, mut first): (Vec<f64>, [Vec<Kernel>; 2]) = Default::default();
    let mut means = Map::new();
    for (trace, name) in chosen.iter().zip(&names) {
        let mut kernels: Vec<Kernel> = Vec::new();
        for point in points {
            kernels.push(Kernel::new(&features(&*few, *trace, point), samples));
            interrupt::check("minima", "finished pairs are kept")?;
        }
        let mut alike = matrix(n, |i, j| kernels[i].cka(&kernels[j]));
        (0..n).for_each(|i| alike[i * n + i] = kernels[i].cka(&kernels[i]));
        means.insert((*name).to_owned(), spread(&above(&alike, n)));
        all.extend(alike);
        for (own, kernel) in first.iter_mut().zip(kernels) {
            own.push(kernel);
        }
    }
    let [a, b] = &first;
    let between = |a: &[Kernel], b: &[Kernel]| -> Vec<f64> {
        (0..count * count).map(|ij| a[ij / count].cka(&b[ij % count])).collect()
    };
    found.arrays.push("cka", &[count, n, n], all);
    found.arrays.push("cka_within", &[count, count], between(a, a));
    found.arrays.push("cka_across", &[count, count], between(a, b));
    let summary =
        json!({"part": part, "samples": samples, "layers": names, "cka": means, "status": "computed"});
    found.summary.insert("similarity".to_owned(), summary);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_plane_are_placed_without_stress() {
        let points: [(f64, f64); 4] = [(0.0, 0.0), (3.0, 0.5), (1.0, -2.0), (-4.0, 1.0)];
        let distances: Vec<f64> = (0..16)
            .map(|ij| {
                let (a, b) = (points[ij / 4], points[ij % 4]);
                (a.0 - b.0).hypot(a.1 - b.1)
            })
            .collect();
        let (places, _) = classical(&distances, 4).unwrap();
        assert!(stress(&distances, &places) < 1e-14);
        // Three things at distance 1 on a line: 1/2 and 1/2 of it, and 1 between the ends.
        let line = [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0)];
        let ones: Vec<f64> = (0..9).map(|ij| if ij / 3 == ij % 3 { 0.0 } else { 1.0 }).collect();
        assert!((stress(&ones, &line) - (0.5f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(stress(&[0.0; 9], &[(0.0, 0.0); 3]), 0.0);
    }
}
