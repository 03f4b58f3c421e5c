//! The checkpoint of a run: everything that training carries from one step to the next, in one safetensors file, so
//! that a run which was stopped anywhere ends in the same bytes as one that was not.
//!
//! The metadata key `losscape.checkpoint` holds settings, hash of the data and counts as JSON, the tensors hold theta,
//! the optimizer's state, averages, snapshots and a row of numbers an epoch. `losscape.sha256` is the SHA-256 of all of it: a file
//! that was torn, changed or made by something else is refused, and so is one of other settings, other data or another
//! version of the program, with what differs. The file is replaced atomically.

use super::mask::{Mask, Pruned};
use super::optimizers::Optimizer;
use super::optimizers::lbfgs::Memory;
use super::point::{Point, numbers, tensor};
use super::{Epoch, TrainSettings};
use crate::autodiff::Element;
use crate::base::files::{self, null_is_nan};
use crate::base::log::{DISCARD, difference};
use crate::base::tensors::{Data, Tensor, TensorFile};
use crate::base::{Error, Result, json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Name of the file in a run directory.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

const HASH: &str = "losscape.sha256";

/// What a checkpoint is of, so that one sort is never taken for another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sort {
    /// The metadata key of its header.
    pub key: &'static str,
    /// What it is, in words.
    pub what: &'static str,
}

const RUN: Sort = Sort { key: "losscape.checkpoint", what: "a checkpoint of `losscape train`" };

/// Where a run keeps its checkpoint, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// The file. If it is there, training goes on from it.
    pub path: PathBuf,
    /// Longest time between two checkpoints; 0 for one after every step.
    pub every: Duration,
    /// SHA-256 of the data set, which must not have changed in between.
    pub data_sha256: String,
}

/// Paces the writing of checkpoints, so that not more than a tenth of the time goes into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    saved: Instant,
    /// How long writing the last checkpoint took.
    writing: Duration,
}

impl Pace {
    /// Begins now.
    pub fn new() -> Self {
        Self { saved: Instant::now(), writing: Duration::ZERO }
    }

    /// Whether a checkpoint is due: the last one is `apart` old, or as old as it may get.
    pub fn due(&self, keep: &Keep, apart: Duration) -> bool {
        let due = keep.every.min(apart).max(9 * self.writing);
        keep.every.is_zero() || self.saved.elapsed() >= due
    }

    /// Runs what writes a checkpoint.
    pub fn written(&mut self, write: impl FnOnce() -> Result<()>) -> Result<()> {
        let started = Instant::now();
        write()?;
        (self.saved, self.writing) = (Instant::now(), started.elapsed());
        Ok(())
    }
}

/// Ends of epochs leave a checkpoint unless one is younger than this: short epochs would spend their time on the disk.
pub(super) const EPOCHS_APART: Duration = Duration::from_secs(1);

/// What training carries from one step to the next, beside the optimizer's state.
#[derive(Clone, Debug, PartialEq)]
pub struct State<E> {
    /// Where training is.
    pub point: Point<E>,
    /// Steps made.
    pub step: u64,
    /// Sum of the gradients' norms over the steps of the running epoch.
    pub norms: f64,
    /// Rate of the last step.
    pub rate: f64,
    /// Whether the optimizer has found no way down.
    pub stalled: bool,
    /// The network after every epoch.
    pub epochs: Vec<Epoch>,
    /// The best weights so far, and the epoch they are from.
    pub best: Option<(usize, Point<E>)>,
    /// The exponential average, if asked for.
    pub ema: Option<Point<f64>>,
    /// How many epochs' weights were added up, and their sum, if asked for.
    pub swa: Option<(usize, Point<f64>)>,
    /// Snapshots and the steps they were taken after.
    pub trajectory: Vec<(u64, Point<E>)>,
    /// What is left of the network, if it was pruned.
    pub pruned: Option<Pruned>,
}

impl<E: Element> State<E> {
    /// Before the first step.
    pub fn begin(settings: &TrainSettings, point: Point<E>) -> Self {
        Self {
            step: 0,
            norms: 0.0,
            rate: 0.0,
            stalled: false,
            epochs: Vec::new(),
            best: None,
            ema: settings.ema.map(|_| point.to()),
            swa: settings.swa.map(|_| (0, Point::zero(&point))),
            trajectory: settings.snapshots.iter().map(|_| (0, point.clone())).collect(),
            pruned: None,
            point,
        }
    }

    /// Sets the part of a gradient that belongs to nothing any more to zero.
    pub fn leave(&self, gradient: &mut [f64]) {
        if let Some(pruned) = &self.pruned {
            pruned.mask.apply(0, gradient);
        }
    }

    /// Nothing but what a mask leaves from here on. Epochs and snapshots so far stay on record as they were; the best weights
    /// so far do not, unless nothing is pruned.
    pub fn prune(&mut self, mask: &Mask) {
        mask.apply(0, &mut self.point.theta);
        for average in self.ema.iter_mut().chain(self.swa.iter_mut().map(|(_, sum)| sum)) {
            mask.apply(0, &mut average.theta);
        }
        if !mask.is_full() {
            self.best = None;
        }
        self.pruned = Some(Pruned { mask: mask.clone(), step: self.step });
    }
}

/// The part of a checkpoint that is no tensor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: String,
    data_sha256: String,
    settings: TrainSettings,
    step: u64,
    #[serde(deserialize_with = "null_is_nan")]
    norms: f64,
    #[serde(deserialize_with = "null_is_nan")]
    rate: f64,
    stalled: bool,
    best: Option<usize>,
    swa: Option<usize>,
    trajectory: Vec<u64>,
    epochs: usize,
    /// The step after which the network was pruned, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pruned: Option<u64>,
}

/// The optimizer's state.
#[derive(Clone, Debug, PartialEq)]
pub enum Vectors<E> {
    /// Of one that moves element by element.
    Elements(Vec<Vec<E>>),
    /// Of L-BFGS.
    Pairs(Memory),
}

impl<E: Element> Vectors<E> {
    /// Before the first step of an optimizer of p parameters.
    pub fn begin(optimizer: &Optimizer, p: usize) -> Self {
        match optimizer.search() {
            Some(_) => Self::Pairs(Memory::default()),
            None => Self::Elements(vec![vec![E::ZERO; p]; optimizer.states()]),
        }
    }

    /// Forgets what is pruned.
    pub fn prune(&mut self, mask: &Mask) {
        match self {
            Self::Elements(all) => all.iter_mut().for_each(|v| mask.apply(0, v)),
            Self::Pairs(memory) => {
                for (s, y) in &mut memory.pairs {
                    mask.apply(0, s);
                    mask.apply(0, y);
                }
            }
        }
    }

    fn tensors(&self) -> Vec<Tensor> {
        let named = |i: usize| format!("optimizer/{i}");
        match self {
            Self::Elements(all) => all.iter().enumerate().map(|(i, v)| tensor(named(i), v)).collect(),
            Self::Pairs(memory) => {
                let flat = memory.pairs.iter().flat_map(|(s, y)| [s, y]);
                flat.enumerate().map(|(i, v)| tensor(named(i), v)).collect()
            }
        }
    }

    /// Reads as many vectors as there are into the sort that `self` is.
    fn read(&self, at: &str, file: &TensorFile, p: usize) -> Result<Self> {
        let count = file.tensors.iter().filter(|t| t.name.starts_with("optimizer/")).count();
        let named = |i: usize| format!("optimizer/{i}");
        Ok(match self {
            Self::Elements(all) => Self::Elements(
                (0..all.len()).map(|i| numbers(at, file, &named(i), p)).collect::<Result<_>>()?,
            ),
            Self::Pairs(_) => {
                let pair =
                    |i| Ok((numbers(at, file, &named(2 * i), p)?, numbers(at, file, &named(2 * i + 1), p)?));
                Self::Pairs(Memory { pairs: (0..count / 2).map(pair).collect::<Result<_>>()? })
            }
        })
    }
}

/// SHA-256 of the state and of every tensor's name and bits.
fn hash(state: &str, tensors: &[Tensor]) -> String {
    let mut hash = Sha256::new();
    hash.update((state.len() as u64).to_le_bytes());
    hash.update(state);
    for Tensor { name, data, .. } in tensors {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((data.len() as u64).to_le_bytes());
        match data {
            Data::F32(v) => add(&mut hash, v, |x| x.to_le_bytes()),
            Data::F64(v) => add(&mut hash, v, |x| x.to_le_bytes()),
            Data::U8(v) => hash.update(v),
        }
    }
    files::hex(&hash.finalize())
}

fn add<T: Copy, const N: usize>(hash: &mut Sha256, numbers: &[T], bytes: impl Fn(T) -> [u8; N]) {
    for some in numbers.chunks(1024) {
        hash.update(some.iter().flat_map(|x| bytes(*x)).collect::<Vec<u8>>());
    }
}

/// Writes the checkpoint, atomically. `settings` are resolved.
pub fn write<E: Element>(
    keep: &Keep,
    settings: &TrainSettings,
    state: &State<E>,
    vectors: &Vectors<E>,
) -> Result<()> {
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_sha256: keep.data_sha256.clone(),
        settings: settings.clone(),
        step: state.step,
        norms: state.norms,
        rate: state.rate,
        stalled: state.stalled,
        best: state.best.as_ref().map(|b| b.0),
        swa: state.swa.as_ref().map(|s| s.0),
        trajectory: state.trajectory.iter().map(|s| s.0).collect(),
        epochs: state.epochs.len(),
        pruned: state.pruned.as_ref().map(|p| p.step),
    };
    let mut tensors = state.point.tensors("theta");
    let rows: Vec<f64> = state.epochs.iter().flat_map(Epoch::row).collect();
    tensors.push(tensor("epochs", &rows));
    tensors.extend(vectors.tensors());
    tensors.extend(state.pruned.iter().map(|p| p.mask.tensor("mask")));
    tensors.extend(state.best.iter().flat_map(|(_, point)| point.tensors("best")));
    tensors.extend(state.ema.iter().flat_map(|point| point.tensors("ema")));
    tensors.extend(state.swa.iter().flat_map(|(_, point)| point.tensors("swa")));
    for (i, (_, point)) in state.trajectory.iter().enumerate() {
        tensors.extend(point.tensors(&format!("trajectory/{i}")));
    }
    seal(&keep.path, RUN, &header, tensors)
}

/// Writes header and tensors with their hash, atomically.
pub(super) fn seal(path: &Path, sort: Sort, header: &impl Serialize, tensors: Vec<Tensor>) -> Result<()> {
    let text = serde_json::to_string(header).map_err(|e| Error::machine(CHECKPOINT, e))?;
    let hash = hash(&text, &tensors);
    let metadata = BTreeMap::from([(sort.key.to_owned(), text), (HASH.to_owned(), hash)]);
    TensorFile { metadata, tensors }.write(path)
}

/// A checkpoint found whole: the name of its file, its tensors and its header, which has the program's `version`.
pub(super) fn open<H: DeserializeOwned>(path: &Path, sort: Sort) -> Result<(String, TensorFile, H)> {
    let at = files::named(path);
    let ((state, recorded), file) = TensorFile::read_after(path, |outline| {
        let key = |key: &str| {
            let value = outline.metadata.get(key).cloned();
            value.ok_or_else(|| Error::expected(&at, sort.what, format!("no metadata `{key}`")))
        };
        Ok((key(sort.key)?, key(HASH)?))
    })?;
    let state = state.as_str();
    let found = hash(state, &file.tensors);
    if found != recorded {
        let expected = format!("contents with SHA-256 {}", files::brief(&recorded));
        return Err(Error::expected(&at, expected, found));
    }
    let version: Version = json::parse(&at, state)?;
    if version.version != env!("CARGO_PKG_VERSION") {
        let expected = format!("a run of losscape {}", env!("CARGO_PKG_VERSION"));
        return Err(Error::expected(&at, expected, format!("one of {}", files::brief(&version.version))));
    }
    let header = json::parse(&at, state)?;
    Ok((at, file, header))
}

/// All that is read of a checkpoint before it is known to be of this version.
#[derive(Deserialize)]
struct Version {
    version: String,
}

/// The settings of the run that a checkpoint is of.
pub fn settings(path: &Path) -> Result<TrainSettings> {
    Ok(open::<Header>(path, RUN)?.2.settings)
}

/// Reads the checkpoint of a run with these settings (resolved), so many parameters and numbers of state; `None` if
/// there is none. `vectors` are of the optimizer before its first step; `pruned` is what must be left of the network.
pub fn read<E: Element>(
    keep: &Keep,
    settings: &TrainSettings,
    sizes: [usize; 2],
    vectors: &Vectors<E>,
    pruned: Option<&Pruned>,
) -> Result<Option<(State<E>, Vectors<E>)>> {
    if keep.path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (at, file, header) = open::<Header>(&keep.path, RUN)?;
    if let Some((asked, found)) = difference(settings, &header.settings) {
        let expected = format!("an unfinished run with {asked}");
        return Err(Error::expected(&at, expected, format!("one with {found} ({DISCARD})")));
    }
    if header.data_sha256 != keep.data_sha256 {
        let expected = format!("an unfinished run on data with SHA-256 {}", keep.data_sha256);
        return Err(Error::expected(&at, expected, format!("{} ({DISCARD})", header.data_sha256)));
    }
    let mask = |step: u64| Ok(Pruned { mask: Mask::read(&at, &file, "mask", sizes[0])?, step });
    let found: Option<Pruned> = header.pruned.map(mask).transpose()?;
    if found.as_ref() != pruned {
        let asked = format!("an unfinished run with {}", Pruned::words(pruned));
        let there = match (Pruned::words(found.as_ref()), Pruned::words(pruned)) {
            (there, asked) if there == asked => "another mask of as many".to_owned(),
            (there, _) => there,
        };
        return Err(Error::expected(&at, asked, format!("one with {there} ({DISCARD})")));
    }
    let point = |name: &str| Point::read(&at, &file, name, sizes);
    let rows: Vec<f64> = numbers(&at, &file, "epochs", header.epochs.saturating_mul(Epoch::COLUMNS))?;
    let full = settings.target_gradient.is_some();
    let state = State {
        point: point("theta")?,
        step: header.step,
        norms: header.norms,
        rate: header.rate,
        stalled: header.stalled,
        epochs: rows.as_chunks().0.iter().map(|row| Epoch::from_row(row, full)).collect(),
        best: header.best.map(|epoch| Ok::<_, Error>((epoch, point("best")?))).transpose()?,
        ema: settings.ema.map(|_| Point::read(&at, &file, "ema", sizes)).transpose()?,
        swa: header.swa.map(|n| Ok::<_, Error>((n, Point::read(&at, &file, "swa", sizes)?))).transpose()?,
        trajectory: header
            .trajectory
            .into_iter()
            .enumerate()
            .map(|(i, step)| Ok((step, point(&format!("trajectory/{i}"))?)))
            .collect::<Result<_>>()?,
        pruned: found,
    };
    Ok(Some((state, vectors.read(&at, &file, sizes[0])?)))
}
