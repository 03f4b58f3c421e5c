//! What an observer of work in stages hears.

/// One event, from any thread.
#[derive(Clone, Debug)]
pub enum StageEvent {
    /// Something to know.
    Note(String),
    /// A stage begins: what is done, what is counted, how much of it.
    Begins(&'static str, &'static str, usize),
    /// So much more of it is done.
    Done(f64),
}

/// Whoever hears of it.
pub type Observe<'a> = &'a (dyn Fn(StageEvent) + Sync);
