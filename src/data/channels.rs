//! Where images have their channels: before the pixels, as PyTorch and this program have it, or behind them, as Keras, PIL and
//! most files of pictures do.

use serde::{Deserialize, Serialize};

/// The place of channels among the axes of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// As the sizes suggest: there are 1, 3 or 4 channels, and pictures are often square.
    #[default]
    Auto,
    /// (channels, height, width)
    First,
    /// (height, width, channels)
    Last,
}

impl Channels {
    /// The shape (channels, height, width) of images whose axes have these lengths, whether the channels come last, and what
    /// to say where that is a guess.
    pub fn of(self, [a, b, c]: [usize; 3]) -> ([usize; 3], bool, Option<String>) {
        let colours = |n: usize| matches!(n, 1 | 3 | 4);
        let (first, last) = (colours(a) || (b == c && a != b), colours(c) || (a == b && b != c));
        let guessed = match self {
            Self::Auto if last && !first => "last",
            Self::Auto if last && colours(c) && a != c => "first",
            _ => "",
        };
        let is_last = self == Self::Last || guessed == "last";
        let other = if is_last { "first" } else { "last" };
        let note = (!guessed.is_empty()).then(|| {
            format!("images of shape ({a}, {b}, {c}) are taken to have their channels {guessed}; channels={other} says otherwise")
        });
        (if is_last { [c, a, b] } else { [a, b, c] }, is_last, note)
    }
}

/// Puts the channels of images of this shape (channels, height, width) before their pixels.
pub(super) fn to_front(images: &mut [f64], [channels, height, width]: [usize; 3]) {
    let pixels = height * width;
    for image in images.chunks_exact_mut(channels * pixels) {
        let behind = image.to_vec();
        for (i, value) in behind.into_iter().enumerate() {
            image[i % channels * pixels + i / channels] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_suggest_where_channels_are() {
        for (axes, shape, note) in [
            ([1, 28, 28], [1, 28, 28], false),
            ([3, 32, 32], [3, 32, 32], false),
            ([16, 8, 8], [16, 8, 8], false),
            ([28, 28, 1], [1, 28, 28], true),
            ([32, 48, 3], [3, 32, 48], true),
            ([8, 8, 16], [16, 8, 8], true),
            ([3, 32, 4], [3, 32, 4], true),
            ([2, 5, 7], [2, 5, 7], false),
            ([1, 1, 40], [1, 1, 40], false),
        ] {
            let (found, _, said) = Channels::Auto.of(axes);
            assert_eq!((found, said.is_some()), (shape, note), "{axes:?}: {said:?}");
        }
        assert_eq!(Channels::First.of([28, 28, 1]), ([28, 28, 1], false, None));
        assert_eq!(Channels::Last.of([5, 6, 2]), ([2, 5, 6], true, None));
    }

    #[test]
    fn channels_come_to_the_front() {
        // Two images of 1 x 2 pixels with 3 channels: pixel p, channel c is 10 p + c.
        let mut images = vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 5.0, 6.0, 7.0, 15.0, 16.0, 17.0];
        to_front(&mut images, [3, 1, 2]);
        assert_eq!(images, [0.0, 10.0, 1.0, 11.0, 2.0, 12.0, 5.0, 15.0, 6.0, 16.0, 7.0, 17.0]);
    }
}
