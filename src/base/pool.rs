//! Buffers that parallel work takes and gives back, so that steady state allocates nothing.

use super::{Error, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// The most threads that anybody may ask for, by flag or variable.
pub const MOST_THREADS: usize = 1024;

/// A pool of so many threads; a machine that gives no more of them is an error.
pub fn of_threads(count: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    pool.map_err(|e| Error::machine("threads", format!("cannot start {count}: {e}")))
}

/// Runs `work` once on each of some pools, all at the same time. No thread is started for it.
pub fn on_each(pools: &[rayon::ThreadPool], work: &(impl Fn() + Sync)) {
    if let Some((first, rest)) = pools.split_first() {
        first.in_place_scope(|scope| {
            scope.spawn(|_| work());
            on_each(rest, work);
        });
    }
}

/// Runs `work` on the numbers below `n`, as many at once as there are threads, each on its own share of them: runs of a few
/// thousand short steps do not wait for each other. Results in order; the first error in that order ends the work.
pub fn each_apart<R: Send>(n: usize, work: impl Fn(usize) -> Result<R> + Sync) -> Result<Vec<R>> {
    let threads = rayon::current_num_threads();
    let workers = threads.min(n);
    let share = |i: usize| threads / workers + usize::from(i < threads % workers);
    let pools: Vec<rayon::ThreadPool> = (0..workers).map(|i| of_threads(share(i))).collect::<Result<_>>()?;
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(n));
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n {
                break;
            }
            let result = work(i);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(|e| e.into_inner()).push((i, result));
        }
    };
    on_each(&pools, &worker);
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_apart_comes_back_in_order_and_the_first_error_ends_it() {
        let squares = each_apart(50, |i| Ok(i * i));
        assert_eq!(squares, Ok((0..50).map(|i| i * i).collect()));
        assert_eq!(each_apart(0, Ok), Ok(Vec::new()));
        let made = AtomicUsize::new(0);
        let failing = each_apart(100_000, |i| {
            made.fetch_add(1, Ordering::Relaxed);
            if i == 3 { Err(Error::unmet("3", "is no good")) } else { Ok(i) }
        });
        assert_eq!(failing, Err(Error::unmet("3", "is no good")));
        assert!(made.load(Ordering::Relaxed) < 100_000);
    }
}
