//! Whether somebody has asked this process to stop.
//!
//! The command line installs the handlers; long work asks between two pieces and returns
//! [`Error::Interrupted`] with what it kept.

use super::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Where a handler stores the number of the signal that came.
pub fn flag() -> Arc<AtomicUsize> {
    SIGNAL.clone()
}

/// The signal that asked for a stop, if one did.
pub fn requested() -> Option<i32> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => i32::try_from(signal).ok(),
    }
}

/// An error if somebody has asked for a stop: what was being done, and what is kept of it.
pub fn check(at: &str, kept: &str) -> Result<()> {
    match requested() {
        Some(signal) => Err(Error::Interrupted { at: at.to_owned(), kept: kept.to_owned(), signal }),
        None => Ok(()),
    }
}
