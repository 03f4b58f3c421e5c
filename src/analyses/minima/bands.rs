//! AutoNEB bands between minima, one after the other, as [`explore`](super::explore) chooses them; each uses all threads.
//! A band that is under way leaves a checkpoint after every cycle, a finished one its chain as a file and a record in a log.

use super::MinimaSettings;
use super::compute::Job;
use super::explore::{Explored, explore};
use crate::analyses::pair::{MEASURES, Pair};
use crate::analyses::progress::Progress;
use crate::analyses::{Run, control_points, to_json};
use crate::base::graph::{Edge, bottlenecks, spanning_tree};
use crate::base::log::{Log, Pieces};
use crate::base::npz::{Npz, Values};
use crate::base::pool::on_workers;
use crate::base::{Error, Result, files, interrupt, parallel};
use crate::landscape::path::{Between, Path, Weights};
use crate::train::band::geometry::places;
use crate::train::band::{BandEvent, BandSettings, NetworkPotential, Potential, network_loss, relax};
use crate::train::{Keep, Status};
use serde_json::{Value, json};
use std::path::Path as FilePath;
use std::time::Duration;

/// The log in a directory.
pub(super) const LOG: &str = "bands.log";

/// Ends of the name of an unfinished band's file, `band-I-J` between them.
const CHECKPOINT: (&str, &str) = ("band-", "-checkpoint.safetensors");

/// Removes what unfinished bands left in a directory.
pub(super) fn discard(directory: &FilePath) -> Result<()> {
    files::remove(&directory.join(LOG))?;
    let ours = |name: &str| name.starts_with(CHECKPOINT.0) && name.ends_with(CHECKPOINT.1);
    let names = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| ours(name)).try_for_each(|name| files::remove(&directory.join(name)))
}

/// A relaxed band.
#[derive(Clone, Debug)]
pub(super) struct Relaxed {
    /// Loss of the saddle, over the training samples.
    saddle: f64,
    /// Share of the band's length at which it lies.
    position: f64,
    /// Pivots without the ends, and cycles.
    counts: [f64; 2],
    /// Whether the loss was not finite somewhere.
    diverged: bool,
    /// What is met along the band; its distance is the band's length.
    pair: Pair,
}

impl Relaxed {
    /// Numbers of a record before those of the pair.
    const OWN: usize = 5;

    fn numbers(&self) -> Vec<f64> {
        let own = [self.saddle, self.position, self.counts[0], self.counts[1], f64::from(self.diverged)];
        [&own[..], &self.pair.numbers()].concat()
    }

    fn read(numbers: &[f64]) -> Self {
        let (own, pair) = numbers.split_at(Self::OWN);
        Self {
            saddle: own[0],
            position: own[1],
            counts: [own[2], own[3]],
            diverged: own[4] != 0.0,
            pair: Pair::read(pair),
        }
    }

    /// What the edge weighs: where the band diverged there is none.
    fn weight(&self) -> f64 {
        if self.diverged { f64::NAN } else { self.saddle }
    }
}

/// All bands.
#[derive(Clone, Debug)]
pub(super) struct Bands {
    settings: BandSettings,
    most: usize,
    /// Training losses of the minima themselves.
    losses: Vec<f64>,
    /// The bands in the order in which they were made.
    all: Vec<Relaxed>,
    explored: Explored,
}

/// Most bands where nothing is said: twice as many as a tree has edges, so that every edge may be replaced once.
pub(super) fn most(settings: &MinimaSettings, n: usize) -> usize {
    settings.neb_edges.unwrap_or(2 * (n - 1))
}

/// Relaxes the bands. With a directory, finished ones are kept in it and not made again.
pub(super) fn relax_all(job: &Job, band: &BandSettings) -> Result<Bands> {
    let (network, runs) = (job.evaluator.network(), job.runs);
    let (n, most) = (runs.len(), most(job.settings, runs.len()));
    let potential =
        network_loss(network, &runs[0].dataset.train, job.precision, band, job.settings.path_seed)?;
    let settings = band.resolved();
    let (mut log, kept) = match job.directory() {
        None => (None, Pieces::new()),
        Some(directory) => {
            let header = json!({"lines": job.header()?, "band": to_json(&settings)?});
            let width = Relaxed::OWN + Pair::width(job.settings.points);
            let (log, kept) = Log::open(&directory.join(LOG), &header, width)?;
            (Some(log), kept)
        }
    };
    (job.observe)(Progress::Says(format!("AutoNEB bands: {most} at most")));
    job.begin("bands", most, kept.len());
    let height = |i: usize| {
        let run: &Run = &runs[i];
        match job.settings.stats {
            Between::Refresh => potential.value(&run.theta, 0.0),
            Between::Interpolate => potential.moving([&run.state; 2]).value(&run.theta, 0.0),
        }
    };
    let losses: Vec<f64> = parallel::map(runs.len(), &height);
    let stopped = |done: usize, error: Error| match (error, job.directory()) {
        (Error::Interrupted { signal, .. }, Some(directory)) => {
            let kept =
                format!("{done} bands are kept in {}; the same command goes on", files::named(directory));
            Error::Interrupted { at: "minima".to_owned(), kept, signal }
        }
        (error, _) => error,
    };
    interrupt::check("minima", "nothing was kept").map_err(|e| stopped(kept.len(), e))?;
    let mut all: Vec<Relaxed> = Vec::new();
    let explored = explore(&losses, most, |i, j| {
        let piece = (i * n + j) as u64;
        let checkpoint = job.directory().map(|directory| Keep {
            path: directory.join(format!("{}{i}-{j}{}", CHECKPOINT.0, CHECKPOINT.1)),
            // One after every cycle is what a band writes.
            every: Duration::ZERO,
            data_sha256: runs[0].data.sha256.clone(),
        });
        let found = match kept.get(&piece) {
            Some(numbers) => Relaxed::read(numbers),
            None => {
                let made = on_workers(|| one(job, &settings, &*potential, (i, j), checkpoint.as_ref()));
                let (found, chain) = made.map_err(|e| stopped(all.len(), e))?;
                if let (Some(log), Some(directory)) = (&mut log, job.directory()) {
                    // The chain first: what the log has is whole.
                    let path = directory.join(format!("band-{i}-{j}.safetensors"));
                    files::write_atomic(&path, &control_points(network, &chain, job.precision)?)?;
                    log.append([(piece, found.numbers().as_slice())])?;
                }
                found
            }
        };
        checkpoint.map_or(Ok(()), |keep| files::remove(&keep.path))?;
        let weight = found.weight();
        all.push(found);
        Ok(weight)
    })?;
    Ok(Bands { settings, most, losses, all, explored })
}

/// The band between two minima, and its chain.
fn one(
    job: &Job,
    settings: &BandSettings,
    potential: &dyn NetworkPotential,
    (i, j): (usize, usize),
    keep: Option<&Keep>,
) -> Result<(Relaxed, Path)> {
    let [a, b]: [Weights; 2] = job.ends(i, j)?.0;
    // How much of the band is done; one that comes to rest early is done at once.
    let mut told = 0.0;
    let mut tell = |share: f64| {
        (job.observe)(Progress::Done(share - told));
        told = share;
    };
    let share = |cycles: usize| cycles as f64 / settings.cycles.max(1) as f64;
    let mut listen = |event: BandEvent| match event {
        BandEvent::Resumed(cycles) => {
            let count = cycles.len().saturating_sub(1);
            let what = format!("going on with the band from {i} to {j}: {count} cycles are kept");
            (job.observe)(Progress::Note(what));
            tell(share(count));
        }
        BandEvent::Cycle(cycle) => tell(share(cycle.cycle)),
        BandEvent::Step(..) => {}
    };
    let moving = potential.moving([&a.1, &b.1]);
    let heights: &dyn Potential = match job.settings.stats {
        Between::Refresh => potential,
        Between::Interpolate => &*moving,
    };
    let band = relax(settings, heights, [&a.0, &b.0], keep, &mut listen)?;
    drop(moving);
    tell(1.0);
    let length = places(&band.chain).last().copied().unwrap_or(f64::NAN);
    let path = Path::chain(band.chain, [a.1, b.1]);
    let profile = job.evaluator.profile(&path, job.settings.points, &|| ());
    interrupt::check("minima", "nothing was kept")?;
    let relaxed = Relaxed {
        saddle: band.saddle.loss,
        position: band.saddle.position,
        counts: [path.control.len() as f64 - 2.0, band.cycles.len() as f64 - 1.0],
        diverged: band.status == Status::Diverged,
        pair: Pair { distance: length, profile },
    };
    Ok((relaxed, path))
}

impl Bands {
    /// The lowest tree of the bands.
    pub fn tree(&self) -> Vec<Edge> {
        spanning_tree(self.losses.len(), &self.explored.edges)
    }

    /// The bands, each weighed by the loss at its saddle.
    pub fn ways(&self) -> &[Edge] {
        &self.explored.edges
    }

    /// The training losses of the minima themselves.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Arrays of a result.
    pub fn arrays(&self, to: &mut Npz) {
        let edges = &self.explored.edges;
        let pairs =
            |edges: &[Edge]| Values::I64(edges.iter().flat_map(|e| [e.a as i64, e.b as i64]).collect());
        let (tree, m, n) = (self.tree(), edges.len(), self.losses.len());
        to.push("band", &[m, 2], pairs(edges));
        to.push("band_saddle", &[m], edges.iter().map(|e| e.weight).collect::<Vec<f64>>());
        to.push("band_position", &[m], self.all.iter().map(|b| b.position).collect::<Vec<f64>>());
        to.push("band_length", &[m], self.all.iter().map(|b| b.pair.distance).collect::<Vec<f64>>());
        for (k, name) in MEASURES.iter().enumerate() {
            let values: Vec<f64> = self.all.iter().flat_map(|b| b.pair.values()[k].to_vec()).collect();
            to.push(&format!("band_{name}"), &[m, values.len() / m.max(1)], values);
        }
        to.push("band_tree", &[tree.len(), 2], pairs(&tree));
        // A minimum is reached from itself at its own height.
        let mut bottleneck = bottlenecks(n, &tree);
        (0..n).for_each(|i| bottleneck[i * n + i] = self.losses[i]);
        to.push("bottleneck", &[n, n], bottleneck);
    }

    /// The scalars; `lines` is the highest edge of the tree of straight lines, by the same measure.
    pub fn summary(&self, lines: f64) -> Value {
        let tree = self.tree();
        let edge = |(edge, band): (&Edge, &Relaxed)| {
            let barriers = band.pair.barriers();
            json!({
                "a": edge.a,
                "b": edge.b,
                "saddle": {"loss": band.saddle, "position": band.position},
                "pivots": band.counts[0] as usize,
                "cycles": band.counts[1] as usize,
                "length": band.pair.distance,
                "train_barrier": barriers[0],
                "train_error_barrier": barriers[1],
                "test_barrier": barriers[2],
                "test_error_barrier": barriers[3],
                "in_tree": tree.iter().any(|e| (e.a, e.b) == (edge.a, edge.b)),
                "status": if band.diverged { "diverged" } else { "done" },
            })
        };
        let edges: Vec<Value> = self.explored.edges.iter().zip(&self.all).map(edge).collect();
        let own: Vec<Value> = tree.iter().map(|e| json!({"a": e.a, "b": e.b, "saddle": e.weight})).collect();
        let joined = tree.len() + 1 == self.losses.len();
        json!({
            "settings": self.settings,
            "most": self.most,
            "reason": self.explored.reason,
            "losses": self.losses,
            "edges": edges,
            "tree": {
                "edges": own,
                "highest": tree.last().filter(|_| joined).map(|e| e.weight),
                "highest_of_lines": lines,
                "status": if joined { "done" } else { "not all minima are joined: bands diverged" },
            },
        })
    }
}
