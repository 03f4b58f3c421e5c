//! SIGINT and SIGTERM ask for a stop, which long work heeds between two pieces; a second one ends at once.

use crate::base::{Error, Result, interrupt};
use signal_hook::consts::{SIGINT, SIGTERM};
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
    Ok(())
}
