//! What an observer of long work hears: how much of it is done, and what is worth saying on the way.

use crate::figure::Figure;

/// One event, from any thread.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// What is done now, in a line.
    Says(String),
    /// Something to know of the result.
    Note(String),
    /// Work begins: what is done, what is counted, how much of it there is.
    Begins(&'static str, &'static str, usize),
    /// So much more of it is done.
    Done(f64),
    /// What goes on beside what is counted.
    Doing(&'a str),
    /// What follows will take so many seconds and hold so many bytes, about.
    Forecast(f64, usize),
    /// What there is so far, worth showing.
    Picture(&'a Figure),
}

/// Whoever hears of it.
pub type Observe<'a> = &'a (dyn Fn(Progress) + Sync);

/// "4 of 10 pairs were finished before and are kept", where some were.
pub(super) fn kept(observe: Observe, kept: usize, all: usize, units: &str) {
    if kept > 0 {
        observe(Progress::Says(format!("{kept} of {all} {units} were finished before and are kept")));
    }
}
