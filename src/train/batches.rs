//! How the samples of an epoch are cut into mini-batches: all of one size, the last with what is left.
//!
//! Where a norm has statistics over the batch, what is left may be too little to have any
//! ([`Layout::fewest_samples`](crate::nn::Layout::fewest_samples)): a variance of one value is 0, which would go into the
//! running one. Those samples join the batch before them, so that an epoch still sees each sample once; whoever trains so is
//! told once.

use crate::base::notes;
use crate::nn::Layout;

/// The mini-batches of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    samples: usize,
    size: usize,
    count: usize,
    /// Whether a sample that would be a batch by itself joins the last one.
    joins: bool,
}

impl Batches {
    /// Of `samples` samples in batches of `size`, for a network with this layout.
    pub fn new(samples: usize, size: usize, layout: &Layout) -> Self {
        let size = size.max(1);
        let (whole, left) = (samples / size, samples % size);
        let joins = whole > 0 && left > 0 && layout.couples_samples && left < layout.fewest_samples();
        Self { samples, size, count: whole + usize::from(left > 0 && !joins), joins }
    }

    /// The same, for who trains with them: batches that are not as they were asked for are told of.
    pub fn told(self) -> Self {
        self.note().iter().for_each(|note| notes::say(note));
        self
    }

    /// Steps of an epoch.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Samples of the batch that is the last of an epoch; the others have the size that was asked for.
    fn last(&self) -> usize {
        self.samples - self.count.saturating_sub(1) * self.size
    }

    /// The sizes that occur: of every batch but the last, and of the last if it has another.
    pub fn sizes(&self) -> (usize, Option<usize>) {
        match (self.count, self.last()) {
            (0 | 1, last) => (last, None),
            (_, last) => (self.size, Some(last).filter(|last| *last != self.size)),
        }
    }

    /// The batches of an epoch whose samples come in this order.
    pub fn of<'a>(&self, order: &'a [u32]) -> impl Iterator<Item = &'a [u32]> + use<'a> {
        let Self { size, count, .. } = *self;
        (0..count).map(move |i| {
            let end = if i + 1 == count { order.len() } else { (i + 1) * size };
            &order[i * size..end]
        })
    }

    /// Samples before the batch of this number.
    pub fn before(&self, batch: u64) -> usize {
        if batch >= self.count as u64 { self.samples } else { batch as usize * self.size }
    }

    /// What has to be said of batches that are not as they were asked for.
    pub fn note(&self) -> Option<String> {
        // Fewer than two samples are too few: one is left.
        self.joins.then(|| {
            let size = self.last();
            format!(
                "the last sample of an epoch joins the batch before it, which has {size}: alone it has no batch statistics"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_too_small_for_statistics_joins_the_batch_before_it() {
        let plain = Layout::default();
        let vectors = Layout { couples_samples: true, single_values: true, ..Layout::default() };
        let images = Layout { couples_samples: true, ..Layout::default() };
        let sizes = |n: u32, size: usize, layout: &Layout| -> Vec<usize> {
            let (batches, order) = (Batches::new(n as usize, size, layout), (0..n).collect::<Vec<u32>>());
            let cut: Vec<&[u32]> = batches.of(&order).collect();
            assert_eq!((cut.len(), cut.concat()), (batches.count(), order.clone()));
            let all: Vec<usize> = cut.iter().map(|b| b.len()).collect();
            let (whole, last) = batches.sizes();
            assert!(all.iter().all(|s| *s == whole || Some(*s) == last), "{all:?}");
            for (i, batch) in cut.iter().enumerate() {
                assert_eq!(batches.before(i as u64), batch.as_ptr().addr() / 4 - order.as_ptr().addr() / 4);
            }
            assert_eq!(batches.note().is_some(), layout.single_values && n as usize % size == 1 && n > 1);
            all
        };
        assert_eq!(sizes(65, 64, &plain), [64, 1]);
        assert_eq!(sizes(65, 64, &images), [64, 1]);
        assert_eq!(sizes(65, 64, &vectors), [65]);
        assert_eq!(sizes(65, 32, &vectors), [32, 33]);
        assert_eq!(sizes(66, 32, &vectors), [32, 32, 2]);
        assert_eq!(sizes(5, 2, &vectors), [2, 3]);
        assert_eq!(sizes(6, 2, &vectors), [2, 2, 2]);
        // Alone it has no neighbour: whoever trains on it is refused before.
        assert_eq!(sizes(1, 64, &vectors), [1]);
    }
}
