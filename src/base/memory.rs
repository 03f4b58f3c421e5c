//! How much memory there is. What needs more is refused before any of it is taken, with a line that says how much.
//!
//! An allocation that fails all the same ends the process: Rust's standard library says so in a line of its own and aborts,
//! and gives nobody else the word. The command line makes that abort an exit with the code of a machine that failed.

use super::{Error, Result, shown};
use std::fmt::Display;

/// What is not looked up: less than a program takes by being there.
const LITTLE: u64 = 16 << 20;

/// Refuses what needs more bytes than can still be had.
pub fn fits(needed: u64, what: impl Display) -> Result<()> {
    match available() {
        _ if needed < LITTLE => Ok(()),
        Some(there) if needed > there => {
            let (needed, there) = (shown::bytes(needed as f64), shown::bytes(there as f64));
            Err(Error::machine("memory", format!("expected {needed} for {what}, found {there}")))
        }
        _ => Ok(()),
    }
}

/// The bytes that can still be had, where the system says (Linux): what is free, and what a limit leaves.
fn available() -> Option<u64> {
    let free = kib("/proc/meminfo", "MemAvailable:")?;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|l| l.strip_prefix("Max address space"));
    let limit = limit.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    let left = limit.map(|l| l.saturating_sub(kib("/proc/self/status", "VmSize:").unwrap_or(0)));
    Some(free.min(left.unwrap_or(u64::MAX)))
}

/// The most bytes that this process has held, where the system says (Linux).
pub fn peak() -> Option<u64> {
    kib("/proc/self/status", "VmHWM:")
}

/// A size that a file of the kernel gives in KiB, in bytes.
fn kib(file: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}
