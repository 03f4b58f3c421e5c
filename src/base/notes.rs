//! What is worth saying beside any result, as a doubt about data: said once, however often it is found.
//!
//! Whoever finds it is far below the command line, and on many threads; only the command line prints. It listens here.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Has `listener` told of every note from now on; the first listener stays.
pub fn listen(listener: impl Fn(&str) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(listener));
}

/// Tells the listener, unless it has been told the same before.
pub fn say(note: &str) {
    let Some(listener) = LISTENER.get() else { return };
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(note.to_owned()) {
        listener(note);
    }
}
