//! What an unfinished analysis keeps: the parts that are finished, and of the one that is not the products that it is made of.
//!
//! Everything that is computed of an operator follows from its products alone: with the same products, Lanczos has the same vectors
//! and every estimate the same bytes. So a stopped part goes on by being computed again, with the products that are
//! in its log instead of new ones, which costs next to nothing. A product is known by a hash of the vector, so that what is asked
//! for more closely, or less so, finds those that it shares. A finished part leaves its numbers, and its products are
//! dropped. All of it is kept in [logs](crate::base::log), which survive a kill at any moment.
//!
//! Parts are independent of each other, and so the pieces into which the work is cut for several processes. All of them come by the
//! same parts in the same order, and count: who computes some of them leaves out the others, and who joins them reads all.

use super::result::Found;
use crate::analyses::{Share, to_json};
use crate::base::log::{self, DISCARD, Log, Pieces};
use crate::base::{Error, Result, files, interrupt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Longest time between two writes, about: what a kill may lose.
const EVERY: Duration = Duration::from_millis(500);
/// Most bytes of products that are kept of a part, half of what a log may have.
const MOST: usize = (files::LARGEST / 2) as usize;

/// Removes what unfinished analyses left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    logs(directory, "").iter().try_for_each(|path| files::remove(path))
}

/// The logs in a directory, of one network or (`of` empty) of all.
fn logs(directory: &Path, of: &str) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with(&format!("sharpness-{of}")) && name.ends_with(".log")
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(ours).collect();
    all.sort();
    all
}

/// The parts of all networks as pieces of the work, in the order in which they come.
#[derive(Debug)]
pub(super) struct Division<'a> {
    share: Option<&'a Share>,
    /// How many have come.
    count: AtomicUsize,
    /// Those that no part has which is to be joined.
    missing: Mutex<Vec<String>>,
}

impl<'a> Division<'a> {
    /// What `share` says of pieces that are still to come.
    pub fn new(share: Option<&'a Share>) -> Self {
        Self { share, count: AtomicUsize::new(0), missing: Mutex::new(Vec::new()) }
    }

    /// Whether a piece is computed here.
    fn is_mine(&self, piece: usize) -> bool {
        match self.share {
            None | Some(Share::All(_)) => true,
            Some(Share::Part(_, shard)) => shard.deals(piece),
            Some(Share::Joined(_)) => false,
        }
    }

    /// How many processes share the work; none where what they have made is joined.
    pub fn processes(&self) -> Option<usize> {
        match self.share {
            None | Some(Share::All(_)) => Some(1),
            Some(Share::Part(_, shard)) => Some(shard.count),
            Some(Share::Joined(_)) => None,
        }
    }

    /// Whether there is a result, once all pieces have come. Refuses to join parts of which some are missing.
    pub fn is_whole(&self) -> Result<bool> {
        /// More names help nobody.
        const MOST: usize = 8;
        let missing = self.missing.lock().unwrap_or_else(|e| e.into_inner());
        if !missing.is_empty() {
            let all = self.count.load(Relaxed);
            let there = all.saturating_sub(missing.len());
            let more = missing.len().saturating_sub(MOST);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = missing[..missing.len().min(MOST)].join(", ");
            let found = format!("{there} of {all}: without {names}{more}");
            return Err(Error::expected("merge", "every piece in some part", found));
        }
        Ok(!matches!(self.share, Some(Share::Part(..))))
    }
}

/// Who has a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// It is computed here.
    Mine,
    /// It is left to another process.
    Others,
    /// It was computed, and is read from the parts.
    Joined,
}

/// The parts of one network's analysis.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    division: &'a Division<'a>,
    /// Where they are kept.
    directory: Option<&'a Path>,
    /// `sharpness-0`, what its files' names begin with.
    prefix: String,
    /// All that decides what products are worth.
    identity: Value,
    /// What decides beside it what parts are worth.
    closeness: Value,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    written: Instant,
    /// How many parts are finished.
    finished: usize,
    /// Finished, but not on the disk yet: its log and its products'.
    waiting: Vec<(PathBuf, PathBuf, Found)>,
    products: Option<Products>,
    /// What is known of the part that goes on, and after how many steps.
    known: Option<(String, usize)>,
}

/// The products of a part that goes on.
#[derive(Debug)]
struct Products {
    path: PathBuf,
    header: Value,
    width: usize,
    /// Those that were there, as long as nobody has asked for them, by the hash of their vector.
    kept: Pieces,
    /// The hashes of all that are in the log, or wait to be.
    all: BTreeSet<u64>,
    waiting: Vec<(u64, Vec<f64>)>,
    log: Option<Log>,
}

impl Products {
    /// Reads what there is.
    fn open(path: PathBuf, header: Value, width: usize) -> Result<Self> {
        let mut this = Self {
            path,
            header,
            width,
            kept: Pieces::new(),
            all: BTreeSet::new(),
            waiting: Vec::new(),
            log: None,
        };
        if this.path.symlink_metadata().is_ok() {
            let (log, kept) = Log::open(&this.path, &this.header, width)?;
            this.all = kept.keys().copied().collect();
            (this.log, this.kept) = (Some(log), kept);
        }
        Ok(this)
    }

    fn write(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.log.is_none() {
            self.log = Some(Log::open(&self.path, &self.header, self.width)?.0);
        }
        if let Some(log) = &mut self.log {
            log.append(self.waiting.iter().map(|(i, product)| (*i, product.as_slice())))?;
        }
        self.waiting.clear();
        Ok(())
    }
}

/// Of a vector in a block of k.
fn hash(vector: &[f64], k: usize) -> u64 {
    vector.iter().fold(k as u64, |hash: u64, x| {
        (hash.rotate_left(5) ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15) // 2^64 over the golden ratio
    })
}

impl<'a> Parts<'a> {
    /// Those of the network `of`, in a directory if they are to be kept. Refuses what another analysis left there.
    pub fn open(division: &'a Division<'a>, of: &str, [identity, closeness]: [Value; 2]) -> Result<Self> {
        let directory = division.share.and_then(Share::directory);
        for path in directory.into_iter().flat_map(|directory| logs(directory, &format!("{of}-"))) {
            let Some(header) = log::header(&path)? else { continue };
            if let Some((asked, there)) = log::difference(&identity, &header["of"]) {
                let expected = format!("unfinished work with {asked}");
                let found = format!("some with {there} ({DISCARD})");
                return Err(Error::expected(files::named(&path), expected, found));
            }
        }
        let (waiting, written) = (Vec::new(), Instant::now());
        let state = Mutex::new(State { written, finished: 0, waiting, products: None, known: None });
        let prefix = format!("sharpness-{of}");
        Ok(Self { division, directory, prefix, identity, closeness, state })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The next piece of the work.
    pub fn piece(&self) -> Whose {
        let piece = self.division.count.fetch_add(1, Relaxed);
        match self.division.share {
            Some(Share::Joined(_)) => Whose::Joined,
            _ if self.division.is_mine(piece) => Whose::Mine,
            _ => Whose::Others,
        }
    }

    /// Whether one of the next so many pieces is computed here.
    pub fn is_wanted(&self, pieces: usize) -> bool {
        let next = self.division.count.load(Relaxed);
        (next..next + pieces).any(|piece| self.division.is_mine(piece))
    }

    /// See [`Division::processes`].
    pub fn processes(&self) -> Option<usize> {
        self.division.processes()
    }

    /// The part called `name` as a piece of the work: what is kept of it, or what `work` makes with products of `width` numbers.
    /// None where another process has it, or no part that is to be joined.
    pub fn part(
        &self,
        name: &str,
        width: usize,
        work: impl FnOnce() -> Result<Found>,
    ) -> Result<Option<Found>> {
        self.part_of(self.piece(), name, width, work)
    }

    /// The same of a piece that has come before.
    pub fn part_of(
        &self,
        whose: Whose,
        name: &str,
        width: usize,
        work: impl FnOnce() -> Result<Found>,
    ) -> Result<Option<Found>> {
        match whose {
            Whose::Mine => self.own(name, width, work).map(Some),
            Whose::Others => Ok(None),
            Whose::Joined => self.joined(name),
        }
    }

    /// A part that some process has kept.
    fn joined(&self, name: &str) -> Result<Option<Found>> {
        let Some(Share::Joined(directories)) = self.division.share else { return Ok(None) };
        let mut found: Option<Found> = None;
        for directory in directories {
            let path = directory.join(format!("{}-{name}.log", self.prefix));
            let Some(header) = log::header(&path)? else { continue };
            let own = json!({"of": self.identity, "closeness": self.closeness});
            let there = json!({"of": header["of"], "closeness": header["closeness"]});
            if let Some((asked, there)) = log::difference(&own, &there) {
                let expected = format!("a part of the work with {asked}");
                return Err(Error::expected(files::named(&path), expected, format!("one with {there}")));
            }
            let Some(own) = self.read(&path)? else { continue };
            if found.as_ref().is_some_and(|other| !other.is_same(&own)) {
                let expected = format!("the numbers of other parts for {name}");
                return Err(Error::expected(files::named(&path), expected, "others"));
            }
            found = Some(own);
        }
        if found.is_none() {
            let missing = format!("{}-{name}", self.prefix);
            self.division.missing.lock().unwrap_or_else(|e| e.into_inner()).push(missing);
        }
        Ok(found)
    }

    /// A part that is computed here: what is kept of it, or what `work` makes with products of `width` numbers.
    pub fn own(&self, name: &str, width: usize, work: impl FnOnce() -> Result<Found>) -> Result<Found> {
        self.state().known = None;
        let Some(directory) = self.directory else { return work() };
        let path = directory.join(format!("{}-{name}.log", self.prefix));
        if let Some(found) = self.read(&path)? {
            self.state().finished += 1;
            return Ok(found);
        }
        let products = directory.join(format!("{}-{name}-products.log", self.prefix));
        let header = json!({"of": self.identity, "products": name});
        self.state().products = Some(Products::open(products.clone(), header, width)?);
        // What a stop has cut short is no part.
        let found = work().and_then(|found| interrupt::check("sharpness", "").map(|()| found))?;
        let mut state = self.state();
        state.products = None;
        state.finished += 1;
        state.waiting.push((path, products, found.clone()));
        if state.written.elapsed() >= EVERY {
            self.write(&mut state)?;
        }
        Ok(found)
    }

    /// Brings on the disk what is finished, where it is all that this process leaves.
    pub fn leave(&self) -> Result<()> {
        if matches!(self.division.share, Some(Share::Part(..))) {
            self.write(&mut self.state())?;
        }
        Ok(())
    }

    /// Of the part that goes on this much is known after so many steps.
    pub fn knows(&self, words: String, steps: usize) {
        self.state().known = Some((words, steps));
    }

    /// An error that ends the work: what is finished is kept, and an interruption tells of it.
    pub fn stopped(&self, error: Error) -> Error {
        let mut state = self.state();
        let written = if self.directory.is_some() { self.write(&mut state) } else { Ok(()) };
        let Error::Interrupted { at, kept, signal } = error else { return error };
        if let Err(error) = written {
            return error;
        }
        let known = state.known.take();
        let Some(directory) = self.directory else {
            let kept = known
                .map_or(kept.clone(), |(words, steps)| format!("after {steps} products {words}; {kept}"));
            return Error::Interrupted { at, kept, signal };
        };
        let products = state.products.as_ref().map_or(0, |p| p.all.len());
        let kept = match (state.finished, products) {
            (0, 0) => "nothing was finished".to_owned(),
            (finished, products) => format!(
                "{finished} finished parts and {products} products of the next are kept in {}; the same command goes on",
                files::named(directory)
            ),
        };
        let kept = known.map_or(kept.clone(), |(words, steps)| {
            format!("after {steps} products {words}; {kept}, or with --steps {steps} --allow-unconverged ends there")
        });
        Error::Interrupted { at, kept, signal }
    }

    /// The products of a part with k vectors: those that are kept, or new ones.
    pub fn products(&self, k: usize, block: &[f64], compute: impl FnOnce() -> Vec<f64>) -> Vec<f64> {
        let width = block.len() / k.max(1);
        let mut state = self.state();
        let Some(products) = state.products.as_mut().filter(|p| p.width == width) else { return compute() };
        // A vector alone may have other bits than in a block.
        let hashes: Vec<u64> = block.chunks(width).map(|vector| hash(vector, k)).collect();
        if hashes.iter().all(|hash| products.kept.contains_key(hash)) {
            return hashes.iter().filter_map(|hash| products.kept.remove(hash)).flatten().collect();
        }
        drop(state);
        let all = compute();
        // What a stop has cut short is no product.
        if interrupt::requested().is_some() {
            return all;
        }
        let mut state = self.state();
        if let Some(products) = state.products.as_mut() {
            for (hash, product) in hashes.into_iter().zip(all.chunks(width)) {
                if products.all.len() * width * 8 < MOST && products.all.insert(hash) {
                    products.waiting.push((hash, product.to_vec()));
                }
            }
        }
        if state.written.elapsed() >= EVERY {
            // A disk that is full now may not be later, and will say so then.
            let _ = self.write(&mut state);
        }
        all
    }

    /// Brings everything on the disk.
    fn write(&self, state: &mut State) -> Result<()> {
        for (path, products, found) in std::mem::take(&mut state.waiting) {
            let numbers: Vec<f64> = found.arrays.iter().flat_map(|a| a.2.iter().copied()).collect();
            let shapes: Vec<(&str, &[usize])> =
                found.arrays.iter().map(|a| (a.0.as_str(), a.1.as_slice())).collect();
            let (of, closeness) = (&self.identity, &self.closeness);
            let header =
                json!({"of": of, "closeness": closeness, "found": to_json(&found)?, "arrays": shapes});
            let (mut log, there) = Log::open(&path, &header, numbers.len())?;
            if there.is_empty() {
                log.append([(0, numbers.as_slice())])?;
            }
            files::remove(&products)?;
        }
        if let Some(products) = &mut state.products {
            products.write()?;
        }
        state.written = Instant::now();
        Ok(())
    }

    /// A finished part; none where it was torn.
    fn read(&self, path: &Path) -> Result<Option<Found>> {
        let Some(header) = log::header(path)? else { return Ok(None) };
        if header["closeness"] != self.closeness {
            files::remove(path)?;
            return Ok(None);
        }
        let damaged = |e: serde_json::Error| Error::value(files::named(path), &e.to_string());
        let mut found: Found = serde_json::from_value(header["found"].clone()).map_err(damaged)?;
        let shapes: Vec<(String, Vec<usize>)> =
            serde_json::from_value(header["arrays"].clone()).map_err(damaged)?;
        let size = |shape: &[usize]| shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side));
        let width = shapes.iter().try_fold(0usize, |sum, (_, shape)| sum.checked_add(size(shape)?));
        let Some(pieces) = log::read(path, width.unwrap_or(0))? else { return Ok(None) };
        let Some(numbers) = pieces.pieces.get(&0) else { return Ok(None) };
        let mut left = numbers.as_slice();
        for (name, shape) in shapes {
            let (own, rest) = left.split_at(size(&shape).unwrap_or(0).min(left.len()));
            left = rest;
            found.arrays.push((name, shape, own.to_vec()));
        }
        Ok(Some(found))
    }
}
