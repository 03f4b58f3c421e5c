//! At most 256 colours for many pictures: Heckbert's median cut ("Color image quantization for frame buffer
//! display", 1982).
//!
//! Colours are counted in bins of 4 levels a channel. The box of bins with the largest spread, times the pixels
//! in it, is cut at its middle pixel along its longest side until there are enough boxes; a box becomes the mean of
//! its pixels. The commonest colour, which is the paper's, is kept as it is.

/// Bits of a channel that tell bins apart.
const BITS: u32 = 6;
const BINS: usize = 1 << (3 * BITS);

/// Colours, and which of them is meant by a given one.
pub struct Palette {
    colors: Vec<[u8; 3]>,
    of_bin: Vec<u8>,
    paper: [u8; 3],
}

/// Pixels in a bin, and the sums of their channels.
#[derive(Clone, Copy, Default)]
struct Count {
    pixels: u64,
    sums: [u64; 3],
}

fn bin([r, g, b]: [u8; 3]) -> usize {
    [r, g, b].into_iter().fold(0, |bin, channel| bin << BITS | usize::from(channel >> (8 - BITS)))
}

/// The level of a bin along a channel.
fn level(bin: usize, channel: usize) -> usize {
    bin >> (BITS as usize * (2 - channel)) & ((1 << BITS) - 1)
}

impl Palette {
    /// The palette of all `pictures`.
    pub fn of<'a>(pictures: impl Iterator<Item = &'a [[u8; 3]]>) -> Self {
        let mut counts = vec![Count::default(); BINS];
        let mut paper = None;
        for picture in pictures {
            // A corner is paper.
            paper = paper.or(picture.first().copied());
            for color in picture {
                let count = &mut counts[bin(*color)];
                count.pixels += 1;
                count.sums.iter_mut().zip(color).for_each(|(sum, c)| *sum += u64::from(*c));
            }
        }
        let paper = paper.unwrap_or_default();
        let used: Vec<usize> = (0..BINS).filter(|&b| counts[b].pixels > 0).collect();
        let mut boxes = vec![used];
        while boxes.len() < 255 {
            let worst = (0..boxes.len())
                .filter(|&k| boxes[k].len() > 1)
                .max_by(|&a, &b| weight(&boxes[a], &counts).total_cmp(&weight(&boxes[b], &counts)));
            let Some(worst) = worst else { break };
            let (low, high) = halves(std::mem::take(&mut boxes[worst]), &counts);
            boxes[worst] = low;
            boxes.push(high);
        }
        let mut colors = vec![paper];
        let mut of_bin = vec![0; BINS];
        for bins in boxes.iter().filter(|bins| !bins.is_empty()) {
            bins.iter().for_each(|&b| of_bin[b] = colors.len() as u8);
            let pixels: u64 = bins.iter().map(|&b| counts[b].pixels).sum();
            let mean = |channel: usize| {
                let sum: u64 = bins.iter().map(|&b| counts[b].sums[channel]).sum();
                ((sum + pixels / 2) / pixels.max(1)) as u8
            };
            colors.push([mean(0), mean(1), mean(2)]);
        }
        Self { colors, of_bin, paper }
    }

    /// The colours.
    pub fn colors(&self) -> &[[u8; 3]] {
        &self.colors
    }

    /// The number of the colour that stands for `color`.
    pub fn nearest(&self, color: [u8; 3]) -> u8 {
        if color == self.paper { 0 } else { self.of_bin[bin(color)] }
    }
}

/// The longest side of a box of bins: its channel and length.
fn longest(bins: &[usize]) -> (usize, usize) {
    let length = |channel: usize| {
        let levels = || bins.iter().map(|&b| level(b, channel));
        levels().max().unwrap_or(0) - levels().min().unwrap_or(0)
    };
    (0..3)
        .map(|channel| (channel, length(channel)))
        .max_by_key(|(channel, n)| (*n, 2 - channel))
        .unwrap_or((0, 0))
}

/// How much a box is worth cutting: long boxes, and full ones, the latter by less than their pixels, or rare
/// colours such as those of a path would be lost.
fn weight(bins: &[usize], counts: &[Count]) -> f64 {
    let pixels: u64 = bins.iter().map(|&b| counts[b].pixels).sum();
    longest(bins).1.pow(2) as f64 * (pixels as f64).sqrt()
}

/// A box cut at its middle pixel along its longest side; both halves have bins.
fn halves(mut bins: Vec<usize>, counts: &[Count]) -> (Vec<usize>, Vec<usize>) {
    let channel = longest(&bins).0;
    bins.sort_by_key(|&b| (level(b, channel), b));
    let half = bins.iter().map(|&b| counts[b].pixels).sum::<u64>() / 2;
    let mut seen = 0;
    let middle = bins.iter().position(|&b| {
        seen += counts[b].pixels;
        seen >= half
    });
    let high = bins.split_off((middle.unwrap_or(0) + 1).clamp(1, bins.len() - 1));
    (bins, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_stay_as_they_are() {
        let picture: Vec<[u8; 3]> = (0..240u8).map(|i| [i, 255 - i, i / 2]).step_by(4).collect();
        let palette = Palette::of([picture.as_slice()].into_iter());
        assert!(picture.iter().all(|c| palette.colors()[usize::from(palette.nearest(*c))] == *c));
    }

    #[test]
    fn many_colours_stay_close_and_the_paper_exact() {
        // All of a cube of 32 levels a side, and as much paper again.
        let mut picture = vec![[255, 255, 254]; 32768];
        picture.extend((0..32768u32).map(|i| [i, i >> 5, i >> 10].map(|c| ((c & 31) * 8) as u8)));
        let palette = Palette::of([picture.as_slice()].into_iter());
        assert!(palette.colors().len() <= 256);
        assert_eq!(palette.colors()[usize::from(palette.nearest([255, 255, 254]))], [255, 255, 254]);
        // 256 colours in a cube of 256 levels are 40 apart: no channel is further off than that.
        for color in &picture {
            let near = palette.colors()[usize::from(palette.nearest(*color))];
            assert!(color.iter().zip(near).all(|(a, b)| a.abs_diff(b) <= 40), "{color:?} {near:?}");
        }
    }
}
