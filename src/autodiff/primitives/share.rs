//! Large matrices are shared out among threads: cut into parts that follow from their size alone, so that the bits do
//! not depend on the number of threads. Small ones are not worth it.

use crate::base::parallel;

/// Numbers in a matrix that is shared out: a few tenths of a millisecond of reading and writing.
const LARGE: usize = 1 << 18;
/// Numbers in a part.
const PART: usize = 1 << 16;

/// Numbers in a part of `length` made of units of `unit`: all of them where there are few.
pub(super) fn part(length: usize, unit: usize) -> usize {
    let unit = unit.max(1);
    if length < LARGE { length.max(unit) } else { (PART / unit).max(1) * unit }
}

/// Runs `work` on each part of `out` and the number at which it starts. A part is a whole number of units.
#[inline(always)]
pub(super) fn share<T: Send>(out: &mut [T], unit: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let size = part(out.len(), unit);
    if size >= out.len() {
        work(0, out)
    } else {
        parallel::parts_mut(out, size, &|i, part| work(i * size, part))
    }
}

/// As [`share`], where each number of `out` is made of `many`.
#[inline(always)]
pub(super) fn share_sums<T: Send>(
    out: &mut [T],
    unit: usize,
    many: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let many = many.max(1);
    let size = part(out.len() * many, unit * many) / many;
    if size >= out.len() {
        work(0, out)
    } else {
        parallel::parts_mut(out, size, &|i, part| work(i * size, part))
    }
}

/// What `work` makes of each part of `length`, in order.
pub(super) fn collect<R: Send>(
    length: usize,
    unit: usize,
    work: impl Fn(std::ops::Range<usize>) -> R + Sync,
) -> Vec<R> {
    let size = part(length, unit);
    let range = |i: usize| i * size..length.min((i + 1) * size);
    match length.div_ceil(size.max(1)) {
        0 | 1 => vec![work(0..length)],
        parts => parallel::map(parts, &|i| work(range(i))),
    }
}
