//! Loops that are shared out among threads.
//!
//! Every parallel loop is one of these. Their work is called through a pointer, so that the code that shares it out is generated
//! once and not for each loop; a piece of work should take a microsecond or more. Results come in order, whatever thread they are
//! from, so that no result depends on the number of threads.

use super::Result;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Runs `work` for each number below `n`.
pub fn each(n: usize, work: &(dyn Fn(usize) + Sync)) {
    in_runs(n, 1, work);
}

/// What `work` makes of each number below `n`, in order.
pub fn map<R: Send>(n: usize, work: &(dyn Fn(usize) -> R + Sync)) -> Vec<R> {
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(n, || None);
    each_mut(&mut results, &|i, result| *result = Some(work(i)));
    // None is left empty: a panic in `work` goes on in the caller.
    results.into_iter().flatten().collect()
}

/// As [`map`], ended by an error: the first in order of those that were met.
pub fn try_map<R: Send>(n: usize, work: &(dyn Fn(usize) -> Result<R> + Sync)) -> Result<Vec<R>> {
    let failed = AtomicBool::new(false);
    let results = map(n, &|i| {
        let result = (!failed.load(Ordering::Relaxed)).then(|| work(i));
        if let Some(Err(_)) = result {
            failed.store(true, Ordering::Relaxed);
        }
        result
    });
    results.into_iter().flatten().collect()
}

/// Runs `work` on each of `all` and its number.
pub fn each_mut<T: Send>(all: &mut [T], work: &(dyn Fn(usize, &mut T) + Sync)) {
    let all: Vec<Mutex<&mut T>> = all.iter_mut().map(Mutex::new).collect();
    each(all.len(), &|i| work(i, &mut owned(&all[i])));
}

/// Runs `work` on each part of `all` and its number; parts have `size` numbers, the last may have fewer.
pub fn parts_mut<T: Send>(all: &mut [T], size: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    runs_of_parts_mut(all, size, 1, work);
}

/// As [`parts_mut`], at least `together` parts in a row on one thread: for parts too short to be handed over singly.
pub fn runs_of_parts_mut<T: Send>(
    all: &mut [T],
    size: usize,
    together: usize,
    work: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    let parts: Vec<Mutex<&mut [T]>> = all.chunks_mut(size.max(1)).map(Mutex::new).collect();
    in_runs(parts.len(), together, &|i| work(i, &mut owned(&parts[i])));
}

/// The one place where threads share numbers out.
fn in_runs(n: usize, together: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().with_min_len(together).with_max_len(together).for_each(work);
}

/// What one thread alone asks for.
fn owned<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|e| e.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Error;

    #[test]
    fn results_come_in_order() {
        let squares: Vec<usize> = (0..1000).map(|i| i * i).collect();
        assert_eq!(map(1000, &|i| i * i), squares);
        assert_eq!(try_map(1000, &|i| Ok(i * i)), Ok(squares));
        assert_eq!(map(0, &|i| i), Vec::<usize>::new());
        let mut all = vec![1; 10];
        runs_of_parts_mut(&mut all, 4, 2, &|i, part| {
            let n = part.len();
            part.iter_mut().for_each(|x| *x += 10 * i + 100 * n);
        });
        assert_eq!(all, [401, 401, 401, 401, 411, 411, 411, 411, 221, 221]);
    }

    #[test]
    fn an_error_ends_the_work() {
        let made = std::sync::atomic::AtomicUsize::new(0);
        let failing = try_map(100_000, &|i| {
            made.fetch_add(1, Ordering::Relaxed);
            if i == 3 { Err(Error::unmet("3", "is no good")) } else { Ok(i) }
        });
        assert_eq!(failing, Err(Error::unmet("3", "is no good")));
        assert!(made.load(Ordering::Relaxed) < 100_000);
    }
}
