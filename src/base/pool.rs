//! Buffers that parallel work takes and gives back, so that steady state allocates nothing.

use std::sync::Mutex;

/// Idle values of one type; as many are made as are ever in use at once.
#[derive(Debug)]
pub struct Pool<T> {
    idle: Mutex<Vec<T>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { idle: Mutex::new(Vec::new()) }
    }
}

impl<T> Pool<T> {
    /// An idle value, or a new one. What it holds is whatever its last user left.
    pub fn take(&self, make: impl FnOnce() -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).pop();
        idle.unwrap_or_else(make)
    }

    /// Gives a value back.
    pub fn give(&self, value: T) {
        self.idle.lock().unwrap_or_else(|e| e.into_inner()).push(value);
    }

    /// Runs `work` on a value of the pool.
    pub fn with<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.take(make);
        let result = work(&mut value);
        self.give(value);
        result
    }
}

/// Runs `work` on one of rayon's threads. Work with many short parallel steps is best started there: each step
/// begun from outside would put the caller to sleep and wake it again.
pub fn on_workers<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}
