//! SIGINT and SIGTERM ask for a stop, which long work heeds between two pieces; a second one ends at once. What would kill
//! the process where a limit is met is an error instead: a file that may not grow further, memory that is not there.
//!
//! Work that comes to no such place in time, since it reads, draws or multiplies something large, is ended where it is. Nothing
//! is lost by it but what a stop would have lost: results take their places whole, and logs keep what is finished.

use super::output::complain;
use crate::base::{Error, Result, interrupt};
#[cfg(unix)]
use signal_hook::consts::SIGXFSZ;
use signal_hook::consts::{SIGABRT, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::exit;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long a command may take to stop by itself. Who asks for a stop expects it within two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Installs the handlers for a command.
pub fn install(command: &'static str) -> Result<()> {
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
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let watch = move || {
        let Some(signal) = signals.forever().next() else { return };
        std::thread::sleep(PATIENCE);
        let kept = "what was kept until then stays; the same command goes on from there".to_owned();
        let error = Error::Interrupted { at: command.to_owned(), kept, signal };
        complain(&format!("error: {error}"));
        exit(128 + signal);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(failed)?;
    Ok(())
}
