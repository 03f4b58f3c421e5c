//! A window moved over images: the geometry that convolution and pooling share.
//!
//! An image signal of n samples, C channels and H x W positions is the matrix C x (n H W); sample n's position (y, x) is
//! column n H W + y W + x. A window of size K with stride S and padding P visits (H + 2 P - K) / S + 1 places a side,
//! rounded down (PyTorch's rule), and place o begins at position o S - P of that side. Rows of the window lie D apart (its
//! dilation), so that it covers (K - 1) D + 1 positions; what is added after the image may differ from what is before it.

use crate::autodiff::Shape;
use crate::base::{Error, Result};
use std::ops::Range;

/// Largest kernel side that [`Window::check`] lets pass: far beyond use, and small enough that no size overflows.
const LARGEST: usize = 1 << 12;

/// A window over images; every pair is (along the height, along the width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Channels of the image.
    pub channels: usize,
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Distance between two of its places.
    pub stride: [usize; 2],
    /// Rows and columns added before the image.
    pub padding: [usize; 2],
    /// Rows and columns added after the image: as many as before it, mostly. A last window that would be left out by the
    /// rounding is kept by adding more.
    pub after: [usize; 2],
    /// Distance between two rows and two columns of the window.
    pub dilation: [usize; 2],
}

impl Window {
    /// Refuses a window that does not fit its image, as `at: expected X, found Y`. The primitives take for granted what
    /// is checked here.
    pub fn check(&self, at: &str) -> Result<()> {
        for (axis, side) in [(0, self.height), (1, self.width)] {
            let (kernel, stride, padding) = (self.kernel[axis], self.stride[axis], self.padding[axis]);
            if !(1..=LARGEST).contains(&kernel) {
                return Err(Error::expected(at, format!("a kernel of 1 to {LARGEST}"), kernel));
            }
            if !(1..=LARGEST).contains(&self.dilation[axis]) {
                return Err(Error::expected(
                    at,
                    format!("a dilation of 1 to {LARGEST}"),
                    self.dilation[axis],
                ));
            }
            let extent = self.extent(axis);
            if stride == 0 {
                return Err(Error::expected(at, "a stride of at least 1", stride));
            }
            // Otherwise some window would lie in the padding alone and have no maximum.
            if padding >= extent {
                return Err(Error::expected(at, format!("a padding below the kernel's {extent}"), padding));
            }
            if self.after[axis] >= extent + stride {
                let most = format!("a padding below the kernel's {extent} and its stride's {stride}");
                return Err(Error::expected(at, most, self.after[axis]));
            }
            let padded = side + padding + self.after[axis];
            if extent > padded {
                let most = format!("a kernel of at most {padded}, the padded image");
                return Err(Error::expected(at, most, extent));
            }
        }
        Ok(())
    }

    /// Positions from the first row (or column) of the window to its last.
    pub fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Rows and columns of the padded image.
    pub(super) fn padded(&self) -> [usize; 2] {
        [(0, self.height), (1, self.width)].map(|(axis, side)| side + self.padding[axis] + self.after[axis])
    }

    /// Rows and columns of places.
    pub fn places(&self) -> [usize; 2] {
        let padded = self.padded();
        [0, 1].map(|axis| (padded[axis] - self.extent(axis)) / self.stride[axis] + 1)
    }

    /// Number of positions in an image.
    pub fn positions(&self) -> usize {
        self.height * self.width
    }

    /// Number of places of the window.
    pub fn outputs(&self) -> usize {
        self.places().iter().product()
    }

    /// Number of positions in the window.
    pub fn area(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Number of samples in an image signal.
    pub(super) fn samples(&self, image: Shape) -> usize {
        assert_eq!(image.rows, self.channels, "channels of {image:?} under {self:?}");
        whole(image.cols, self.positions())
    }

    /// The part of the window at a place that lies inside the image: rows and columns of the kernel, and the image's
    /// position behind the kernel's corner, which may lie outside it.
    pub(super) fn inside(&self, place: [usize; 2]) -> ([Range<usize>; 2], [isize; 2]) {
        let sides = [self.height, self.width];
        let corner =
            [0, 1].map(|axis| (place[axis] * self.stride[axis]) as isize - self.padding[axis] as isize);
        let ranges = [0, 1].map(|axis| {
            let dilation = self.dilation[axis];
            let start = ((-corner[axis]).max(0) as usize).div_ceil(dilation);
            let room = (sides[axis] as isize - corner[axis]).max(0) as usize;
            start..room.div_ceil(dilation).min(self.kernel[axis]).max(start)
        });
        (ranges, corner)
    }

    /// Shows `see` every pair of a place and a position of the image under it, place by place and each in reading order:
    /// their numbers, the position's number in the window, and whether it is the first at its place.
    #[inline(always)]
    pub(super) fn walk(&self, mut see: impl FnMut(usize, usize, usize, bool)) {
        let [rows, columns] = self.places();
        for place in 0..rows * columns {
            let ([vertical, horizontal], corner) = self.inside([place / columns, place % columns]);
            let mut first = true;
            for i in vertical {
                let row = (corner[0] + (i * self.dilation[0]) as isize) as usize * self.width;
                for j in horizontal.clone() {
                    let position = row + (corner[1] + (j * self.dilation[1]) as isize) as usize;
                    see(place, position, i * self.kernel[1] + j, first);
                    first = false;
                }
            }
        }
    }
}

/// `columns / each`, which must be whole.
pub(super) fn whole(columns: usize, each: usize) -> usize {
    assert!(each > 0 && columns.is_multiple_of(each), "{columns} columns are no whole number of {each}");
    columns / each
}

/// Windows that every windowed primitive is tried on: strides, padding, odd and narrow images, gaps.
pub(super) fn example_windows() -> [Window; 7] {
    let window = |channels, [height, width]: [usize; 2], kernel, stride, padding| Window {
        channels,
        height,
        width,
        kernel,
        stride,
        padding,
        after: padding,
        dilation: [1, 1],
    };
    [
        window(2, [4, 5], [3, 3], [1, 1], [1, 1]),
        window(3, [5, 4], [2, 2], [2, 2], [0, 0]),
        window(2, [1, 7], [1, 3], [1, 2], [0, 1]),
        window(1, [3, 4], [1, 1], [1, 1], [0, 0]),
        Window { dilation: [2, 3], ..window(2, [6, 7], [3, 2], [1, 2], [2, 1]) },
        Window { dilation: [2, 1], after: [0, 3], ..window(2, [5, 6], [2, 3], [3, 2], [1, 0]) },
        Window { dilation: [3, 2], after: [1, 2], ..window(1, [4, 5], [2, 2], [2, 3], [0, 1]) },
    ]
}
