//! How samples are cut into chunks, which are computed at once.
//!
//! Their sizes follow from the network's shape and the number of samples alone, so that working sets stay in cache.

use super::Network;
use std::ops::Range;

/// A run of samples that is computed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Position among the chunks.
    pub index: usize,
    /// Which samples.
    pub samples: Range<usize>,
    /// Which of the objective's programs has its size.
    pub program: usize,
}

/// Elements in the widest matrix of a chunk: 2 MiB in f32.
const CHUNK_ELEMENTS: usize = 1 << 19;
/// Columns below which products lose speed, however wide the network, and beyond which a chunk gains nothing.
const CHUNK_COLUMNS: (usize, usize) = (64, 512);
/// The same for networks whose signals are images, where a sample has many columns.
const CHUNK_IMAGES: (usize, usize) = (4, 64);

/// Samples in a chunk of a network whose samples are independent; those of a group where they come in groups, and all where
/// they can't be told apart.
pub(super) fn columns(network: &Network) -> usize {
    if let Some(together) = network.together() {
        return together;
    }
    if network.graph().is_some() {
        return (CHUNK_ELEMENTS / network.widest()).clamp(1, CHUNK_COLUMNS.1);
    }
    let (least, most) = if network.has_images() { CHUNK_IMAGES } else { CHUNK_COLUMNS };
    (CHUNK_ELEMENTS / network.widest()).clamp(least, most)
}

/// Cuts `n` into runs of at most `most`, whose sizes differ by at most one, larger first. No run is smaller than `least`,
/// unless `n` is: there are fewer runs then, and longer ones.
pub fn even_cuts(n: usize, most: usize, least: usize) -> Vec<Range<usize>> {
    even_parts(n, n.div_ceil(most.max(1)).min((n / least.max(1)).max(1)))
}

/// Cuts `n` into so many runs, whose sizes differ by at most one, larger first.
pub fn even_parts(n: usize, parts: usize) -> Vec<Range<usize>> {
    let mut start = 0;
    (0..parts)
        .map(|i| {
            let size = n / parts + usize::from(i < n % parts);
            start += size;
            start - size..start
        })
        .collect()
}
