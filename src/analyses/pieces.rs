//! Long work in pieces of so many numbers each: kept in a log as they are finished, shared out among several processes,
//! joined from what these have kept.

use crate::base::log::{self, Log, Pieces, difference};
use crate::base::shard::Shard;
use crate::base::{Error, Result, files, interrupt};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where finished pieces are kept, and which of them are wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Share {
    /// All of them, kept in this directory.
    All(PathBuf),
    /// A part of them, kept in this directory.
    Part(PathBuf, Shard),
    /// All of them, from the directories of parts: what is missing there is refused, not computed.
    Joined(Vec<PathBuf>),
}

impl Share {
    /// All pieces, in a directory.
    pub fn all(directory: &Path) -> Self {
        Self::All(directory.to_path_buf())
    }

    /// Where pieces are kept as they are finished.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::All(directory) | Self::Part(directory, _) => Some(directory),
            Self::Joined(_) => None,
        }
    }

    /// Whether a part is all that is wanted.
    fn is_part(&self) -> bool {
        matches!(self, Self::Part(..))
    }
}

/// The result of all pieces, for who asked for no part of them.
pub fn whole<R>(made: Result<Option<R>>) -> Result<R> {
    made?.ok_or_else(|| Error::unmet("a part", "has no result of its own"))
}

/// How work is divided into pieces.
pub(super) struct Division<'a> {
    /// The command, whose log is called by its name.
    pub command: &'static str,
    /// What a piece is called, and several.
    pub units: [&'static str; 2],
    /// How many there are.
    pub all: usize,
    /// Numbers of a piece.
    pub width: usize,
    /// All that decides what the numbers are.
    pub header: Value,
    pub share: Option<&'a Share>,
}

/// Pieces, some of them finished.
pub(super) struct Ledger<'a> {
    of: Division<'a>,
    log: Option<Mutex<Log>>,
    finished: Mutex<Pieces>,
    /// How many were finished before.
    pub kept: usize,
}

/// The name of a command's log.
pub(super) fn log_name(command: &str) -> String {
    format!("{command}.log")
}

impl<'a> Ledger<'a> {
    /// Finds what was finished before. Refuses pieces of other work, and parts that do not have all of them.
    pub fn open(division: Division<'a>) -> Result<Self> {
        let name = log_name(division.command);
        let (log, finished) = match division.share {
            None => (None, Pieces::new()),
            Some(Share::All(directory) | Share::Part(directory, _)) => {
                let (log, kept) = Log::open(&directory.join(name), &division.header, division.width)?;
                (Some(Mutex::new(log)), kept)
            }
            Some(Share::Joined(parts)) => (None, joined(&division, parts)?),
        };
        if let Some(beyond) = finished.keys().find(|i| **i >= division.all as u64) {
            let expected = format!("{} below {}", division.units[1], division.all);
            return Err(Error::expected(format!("{}: log", division.command), expected, beyond));
        }
        let kept = finished.len();
        Ok(Self { of: division, log, finished: Mutex::new(finished), kept })
    }

    /// The pieces that are still to be made; `mine` are those of a part.
    pub fn left(&self, mine: impl Fn(Shard, usize) -> bool) -> Vec<usize> {
        let finished = self.lock();
        let wanted = |i: &usize| match self.of.share {
            Some(Share::Part(_, shard)) => mine(*shard, *i),
            _ => true,
        };
        (0..self.of.all).filter(|i| !finished.contains_key(&(*i as u64))).filter(wanted).collect()
    }

    /// Keeps a finished piece. What a signal cut short is none.
    pub fn finish(&self, piece: usize, numbers: Vec<f64>) -> Result<()> {
        interrupt::check(self.of.command, "an unfinished piece is not kept")?;
        if let Some(log) = &self.log {
            let mut log = log.lock().unwrap_or_else(|e| e.into_inner());
            log.append([(piece as u64, numbers.as_slice())])?;
        }
        self.lock().insert(piece as u64, numbers);
        Ok(())
    }

    /// A piece, if it is finished.
    pub fn get(&self, piece: usize) -> Option<Vec<f64>> {
        self.lock().get(&(piece as u64)).cloned()
    }

    /// Whether a piece is finished.
    pub fn has(&self, piece: usize) -> bool {
        self.lock().contains_key(&(piece as u64))
    }

    /// A stop says what is kept.
    pub fn stopped(&self, error: Error) -> Error {
        let Error::Interrupted { signal, .. } = error else { return error };
        let Division { command, units: [unit, units], all, share, .. } = &self.of;
        let kept = match (self.lock().len(), share.and_then(Share::directory)) {
            (_, None) => "nothing was kept".to_owned(),
            (0, Some(_)) => format!("no {unit} was finished; the same command goes on"),
            (done, Some(directory)) => {
                let directory = files::named(directory);
                format!("{done} of {all} {units} are kept in {directory}; the same command goes on")
            }
        };
        Error::Interrupted { at: (*command).to_owned(), kept, signal }
    }

    /// All pieces, in order; none where a part was all that was wanted.
    pub fn done(self) -> Option<Pieces> {
        let part = self.of.share.is_some_and(Share::is_part);
        (!part).then(|| self.all())
    }

    /// What is finished, in order.
    pub fn all(self) -> Pieces {
        self.finished.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pieces> {
        self.finished.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// The pieces of all parts.
fn joined(division: &Division, parts: &[PathBuf]) -> Result<Pieces> {
    let mut all = Pieces::new();
    for directory in parts {
        let path = directory.join(log_name(division.command));
        let at = files::named(&path);
        let Some(found) = log::read(&path, division.width)? else { continue };
        if let Some((asked, there)) = difference(&division.header, &found.header) {
            let expected = format!("a part of the work with {asked}");
            return Err(Error::expected(at, expected, format!("one with {there}")));
        }
        for (piece, numbers) in found.pieces {
            if all.get(&piece).is_some_and(|old| !log::same_bits(old, &numbers)) {
                let unit = division.units[0];
                return Err(Error::expected(
                    at,
                    format!("the numbers of other parts for {unit} {piece}"),
                    "others",
                ));
            }
            all.insert(piece, numbers);
        }
    }
    if all.len() < division.all {
        let [unit, _] = division.units;
        let found = format!("{} of {}: without {}", all.len(), division.all, gaps(division.all, &all));
        return Err(Error::expected("merge", format!("every {unit} in some part"), found));
    }
    Ok(all)
}

/// The pieces that are missing as ranges, the first few.
pub(super) fn gaps(all: usize, there: &Pieces) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    for i in there.keys().copied().chain([all as u64]) {
        if i > next {
            ranges.push((next, i - 1));
        }
        next = i + 1;
    }
    let words = |(a, b): &(u64, u64)| if a == b { a.to_string() } else { format!("{a} to {b}") };
    let mut text: Vec<String> = ranges.iter().take(5).map(words).collect();
    if ranges.len() > 5 {
        text.push(format!("and {} more ranges", ranges.len() - 5));
    }
    text.join(", ")
}
