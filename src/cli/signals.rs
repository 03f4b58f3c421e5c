//! SIGINT and SIGTERM ask for a stop, which long work heeds between two pieces; a second one ends at once. What would kill
//! the process where a limit is met is an error instead: a file that may not grow further, memory that is not there.

use crate::base::{Error, Result, interrupt};
#[cfg(unix)]
use signal_hook::consts::SIGXFSZ;
use signal_hook::consts::{SIGABRT, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Installs the handlers.
pub fn install() -> Result<()> {
    let failed = |e: std::io::Error| Error::machine("signal handlers", e);
    for signal in [SIGINT, SIGTERM] {
        let once = Arc::new(AtomicBool::new(false));
        // Registered first, so that it sees what the signal before this one has set.
        flag::register_conditional_shutdown(signal, 128 + signal, once.clone()).map_err(failed)?;
        flag::register(signal, once).map_err(failed)?;
        flag::register_usize(signal, interrupt::flag(), signal as usize).map_err(failed)?;
    }
    // With any handler there, a write beyond the limit of a file's size fails as one on a full disk does.
    #[cfg(unix)]
    flag::register(SIGXFSZ, Arc::default()).map_err(failed)?;
    // What asks for memory that is not there, where nothing foresaw it, ends in an abort after saying so: the machine failed.
    flag::register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true))).map_err(failed)?;
    Ok(())
}
