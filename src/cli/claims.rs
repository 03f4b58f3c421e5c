//! Long work that is not dealt out beforehand (`--claim N`): any number of workers, on any number of machines, take one after
//! the other of N blocks in a shared folder, join and die as they like, and go on until all blocks are done.
//!
//! Block i is part i of N as `--shard i/N` makes it, in the same directory, to the same bytes. Who works on it has made the file
//! `claim` in it, which only one process can, holds its lock and writes a new number into it every few seconds. A claim is dead
//! if its lock is free on the machine that took it, or if its number has stood still for a minute by the clock of whoever looks:
//! no clocks are compared. Who takes a dead claim over moves it away first, which only one process can, and goes on with what
//! is finished of the block. `done` in the block says that there is nothing left to do.

use super::progress::say;
use crate::base::shard::Shard;
use crate::base::{Error, Result, files, interrupt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CLAIM: &str = "claim";
const DONE: &str = "done";

/// Between two numbers of who works.
const BEAT: Duration = Duration::from_secs(5);
/// How long a number may stand still: a dozen beats, so that a busy machine or file server is not taken for a dead one.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the blocks of others.
const LOOK: Duration = Duration::from_millis(500);
/// Most blocks: each is a directory.
const MOST: usize = 100_000;

/// Who works on a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    /// What differs from machine to machine, and from one start of it to the next; empty where nobody tells.
    machine: String,
    process: u32,
    beat: u64,
}

impl Owner {
    fn new() -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { machine: boot.trim().to_owned(), process: std::process::id(), beat: 0 }
    }

    /// As it stands in the file: always as long, so that it is replaced in place.
    fn bytes(&self) -> Vec<u8> {
        let Self { machine, process, beat } = self;
        format!("{{\"machine\":\"{machine}\",\"process\":{process},\"beat\":{beat:<20}}}\n").into_bytes()
    }
}

/// The blocks of work in a folder.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    count: usize,
    quiet: bool,
    /// What the claims of others said when they were last seen to change.
    seen: BTreeMap<usize, (Vec<u8>, Instant)>,
    waits: bool,
}

/// A block that this process works on.
#[derive(Debug)]
pub struct Claim {
    /// Which.
    pub shard: Shard,
    directory: PathBuf,
    /// Ends the heartbeat by being dropped.
    alive: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

impl Claims {
    /// The `count` blocks of the work that goes to `folder`.
    pub fn new(folder: PathBuf, count: usize, quiet: bool) -> Result<Self> {
        if !(1..=MOST).contains(&count) {
            return Err(Error::expected("--claim", format!("1 to {MOST} blocks"), count));
        }
        Ok(Self { folder, count, quiet, seen: BTreeMap::new(), waits: false })
    }

    /// The next block that nobody works on; none once all are done. Waits while others work, whose blocks become free if they
    /// die.
    pub fn next(&mut self) -> Result<Option<Claim>> {
        loop {
            let mut left = 0;
            for index in 0..self.count {
                let shard = Shard { index, count: self.count };
                let directory = directory(&self.folder, shard);
                if directory.join(DONE).exists() {
                    continue;
                }
                match self.attempt(shard, directory)? {
                    // Done by who had it until a moment ago.
                    Some(claim) if claim.is_done() => {}
                    Some(claim) => {
                        self.waits = false;
                        return Ok(Some(claim));
                    }
                    None => left += 1,
                }
            }
            if left == 0 {
                return Ok(None);
            }
            if !self.waits {
                self.waits = true;
                let blocks = crate::base::shown::count(left, "block");
                say(self.quiet, &format!("waiting for {blocks} on which other workers are"));
            }
            let until = Instant::now() + LOOK;
            while Instant::now() < until {
                interrupt::check("claim", "finished blocks are kept")?;
                std::thread::sleep(LOOK / 10);
            }
        }
    }

    /// A block that is done and that nobody has, if there is one: whoever joins finds out by it whether the folder is of the same
    /// work.
    pub fn finished(&mut self) -> Result<Option<Claim>> {
        for index in 0..self.count {
            let shard = Shard { index, count: self.count };
            let directory = directory(&self.folder, shard);
            if directory.join(DONE).exists()
                && let Some(claim) = self.attempt(shard, directory)?
            {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Takes a block, if nobody has it.
    fn attempt(&mut self, shard: Shard, directory: PathBuf) -> Result<Option<Claim>> {
        files::directory(&directory)?;
        let path = directory.join(CLAIM);
        let failed = |e: io::Error| Error::machine(files::named(&path), e);
        for _ in 0..2 {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Claim::begin(shard, directory, file).map(Some),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
            let Some(dead) = self.dead(shard.index, &path).map_err(failed)? else { return Ok(None) };
            let away = directory.join(format!("{CLAIM}.{}", std::process::id()));
            match fs::rename(&path, &away) {
                Ok(()) => {}
                // Another one was quicker.
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(failed(e)),
            }
            let moved = fs::read(&away).map_err(failed)?;
            if moved != dead {
                // Another one was quicker, and this is its claim.
                let _ = fs::hard_link(&away, &path);
                files::remove(&away)?;
                return Ok(None);
            }
            files::remove(&away)?;
            say(self.quiet, &format!("taking over block {shard}, whose worker died"));
        }
        Ok(None)
    }

    /// What the claim at `path` says, if who made it is dead.
    fn dead(&mut self, index: usize, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let Some(said) = missing(fs::read(path))? else { return Ok(None) };
        let owner: Option<Owner> = serde_json::from_slice(&said).ok();
        let here = Owner::new().machine;
        if owner.is_some_and(|owner| !here.is_empty() && owner.machine == here) {
            let Some(file) = missing(File::open(path))? else { return Ok(None) };
            return match file.try_lock_shared() {
                Ok(()) => Ok(Some(said)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(e)) => Err(e),
            };
        }
        let (before, since) = self.seen.entry(index).or_insert_with(|| (said.clone(), Instant::now()));
        if *before != said {
            (*before, *since) = (said, Instant::now());
            return Ok(None);
        }
        Ok((since.elapsed() >= PATIENCE).then_some(said))
    }
}

/// None of what is not there.
fn missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Where a part lies.
pub fn directory(folder: &Path, shard: Shard) -> PathBuf {
    folder.join(format!("shard-{}-of-{}", shard.index, shard.count))
}

impl Claim {
    fn begin(shard: Shard, directory: PathBuf, mut file: File) -> Result<Self> {
        let failed = |e: io::Error| Error::machine(files::named(&directory.join(CLAIM)), e);
        // A file system without locks has the heartbeat alone.
        let _ = file.try_lock();
        let mut owner = Owner::new();
        file.write_all(&owner.bytes()).map_err(failed)?;
        let (alive, ended) = channel::<()>();
        let beat = move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                owner.beat += 1;
                // A file server that is away for a moment is none to die of.
                let _ = file.rewind().and_then(|()| file.write_all(&owner.bytes()));
            }
        };
        let heart = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(beat).map_err(failed)?;
        Ok(Self { shard, directory, alive: Some(alive), heart: Some(heart) })
    }

    fn is_done(&self) -> bool {
        self.directory.join(DONE).exists()
    }

    /// Says that the block is done.
    pub fn done(self) -> Result<()> {
        files::write_atomic(&self.directory.join(DONE), b"")
    }
}

impl Drop for Claim {
    /// Lets go of a block, which is another's if it is not done.
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(heart) = self.heart.take() {
            let _ = heart.join();
        }
        let _ = fs::remove_file(self.directory.join(CLAIM));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_stands_still_is_dead_and_one_that_beats_is_not() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|e| Error::machine("test", e))?;
        let mut claims = Claims::new(folder.path().to_path_buf(), 1, true)?;
        let shard = Shard { index: 0, count: 1 };
        let at = directory(folder.path(), shard);
        files::directory(&at)?;
        // Of another machine, whose locks nobody here can see.
        let other = |beat| Owner { machine: "elsewhere".to_owned(), process: 1, beat }.bytes();
        let write = |beat| fs::write(at.join(CLAIM), other(beat)).map_err(|e| Error::machine("test", e));
        write(0)?;
        assert!(claims.attempt(shard, at.clone())?.is_none());
        let age = |claims: &mut Claims| {
            if let Some((_, since)) = claims.seen.get_mut(&0) {
                *since = since.checked_sub(PATIENCE).unwrap_or(*since);
            }
        };
        age(&mut claims);
        write(1)?;
        assert!(claims.attempt(shard, at.clone())?.is_none(), "it has beaten");
        age(&mut claims);
        let taken = claims.attempt(shard, at.clone())?;
        assert!(taken.is_some(), "it stands still");
        // One of this machine is held as long as it lives.
        let mut second = Claims::new(folder.path().to_path_buf(), 1, true)?;
        assert!(second.attempt(shard, at.clone())?.is_none());
        drop(taken);
        let again = second.attempt(shard, at.clone())?;
        let Some(claim) = again else { return Err(Error::unmet("claim", "a block that was let go is free")) };
        claim.done()?;
        assert!(claims.next()?.is_none() && !at.join(CLAIM).exists());
        Ok(())
    }
}
