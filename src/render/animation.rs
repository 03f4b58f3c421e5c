//! Figures in motion, as animated PNG: a chart kind gives the frames, this file draws and packs them.
//!
//! All frames share one palette of at most 256 colours, and each is stored as the rectangle in which it differs
//! from the one before it. A viewer that knows no animation shows the default image.
//! <https://www.w3.org/TR/png-3/#apng-frame-based-animation>

use super::palette::Palette;
use super::{Chart, Draw, Drawing, Style, checked, png};
use crate::base::{Error, Result, parallel};
use crate::figure::Figure;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use resvg::tiny_skia::Pixmap;
use std::io::Write;

/// Most pixels an inch: sixty frames at print resolution would be a file for nobody.
pub const DPI: u32 = 100;

/// What a chart kind can say of a figure that moves.
pub struct Moving<'a> {
    /// What stands still, under every frame.
    pub ground: Option<Drawing>,
    /// What a viewer without animation shows; the first frame if there is none.
    pub still: Option<Drawing>,
    /// Milliseconds that each frame is shown.
    pub delays: Vec<u16>,
    /// The frame of this number as SVG, to be drawn over the ground.
    pub frame: Box<dyn Fn(usize) -> String + Sync + 'a>,
}

/// `figure` as an animated PNG that loops for ever, or `None` where it has nothing to move.
///
/// The same figure and style give the same bytes. `stop` is asked before every frame; its error ends the work.
/// Fails like [`draw`](super::draw).
pub fn animate(
    figure: &Figure,
    style: &Style,
    stop: &(dyn Fn() -> Result<()> + Sync),
) -> Result<Option<Vec<u8>>> {
    let style = Style { dpi: style.dpi.min(DPI), ..style.clone() };
    let chart: Chart = checked(figure, &style)?;
    let Some(moving) = super::match_chart!(&chart, kind => kind.moving(figure, &style)) else {
        return Ok(None);
    };
    let drawn = |drawing: &Drawing| png::pixels(&drawing.svg, style.dpi);
    let ground = moving.ground.as_ref().map(drawn).transpose()?;
    let frame = |i: usize| -> Result<Image> {
        stop()?;
        let svg = (moving.frame)(i);
        let mut pixels = match &ground {
            Some(ground) => ground.clone(),
            None => return Ok(Image::of(&png::pixels(&svg, style.dpi)?)),
        };
        png::paint(&svg, style.dpi, &mut pixels)?;
        Ok(Image::of(&pixels))
    };
    let frames = parallel::try_map(moving.delays.len(), &frame)?;
    let still = moving.still.as_ref().map(|still| drawn(still).map(|p| Image::of(&p))).transpose()?;
    stop()?;
    pack(&frames, still.as_ref(), &moving.delays, style.dpi).map(Some)
}

/// Pixels of an opaque picture, red, green and blue.
struct Image {
    size: (usize, usize),
    rgb: Vec<[u8; 3]>,
}

impl Image {
    fn of(pixels: &Pixmap) -> Self {
        let size = (pixels.width() as usize, pixels.height() as usize);
        Self { size, rgb: pixels.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect() }
    }
}

/// An upright rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

fn pack(frames: &[Image], still: Option<&Image>, delays: &[u16], dpi: u32) -> Result<Vec<u8>> {
    let images = || still.into_iter().chain(frames);
    let size = images().next().map_or((0, 0), |image| image.size);
    if size.0 * size.1 == 0 || images().any(|image| image.size != size) {
        return Err(Error::machine("drawing a PNG", "frames of different sizes"));
    }
    let palette = Palette::of(images().map(|image| image.rgb.as_slice()));
    let indexed: Vec<Vec<u8>> =
        parallel::map(frames.len(), &|i| frames[i].rgb.iter().map(|c| palette.nearest(*c)).collect());
    let whole = Area { left: 0, top: 0, width: size.0, height: size.1 };
    let part = |i: usize| match i.checked_sub(1) {
        Some(before) => changed(&indexed[before], &indexed[i], size.0),
        None => whole,
    };
    let parts: Vec<(Area, Result<Vec<u8>>)> =
        parallel::map(indexed.len(), &|i| (part(i), compressed(&indexed[i], size.0, part(i))));

    let [width, height] = [size.0, size.1].map(|n| (n as u32).to_be_bytes());
    const INDEXED_8_BIT: [u8; 5] = [8, 3, 0, 0, 0];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png::chunk(b"IHDR", &[&width[..], &height, &INDEXED_8_BIT].concat()));
    file.extend(png::resolution(dpi));
    const FOR_EVER: u32 = 0;
    let control = [(frames.len() as u32).to_be_bytes(), FOR_EVER.to_be_bytes()].concat();
    file.extend(png::chunk(b"acTL", &control));
    file.extend(png::chunk(b"PLTE", palette.colors().concat().as_slice()));
    if let Some(still) = still {
        let indices: Vec<u8> = still.rgb.iter().map(|c| palette.nearest(*c)).collect();
        file.extend(png::chunk(b"IDAT", &compressed(&indices, size.0, whole)?));
    }
    let mut sequence = 0u32..;
    let mut next = || sequence.next().unwrap_or_default().to_be_bytes();
    for (i, ((area, data), delay)) in parts.into_iter().zip(delays).enumerate() {
        let data = data?;
        let mut control = next().to_vec();
        for n in [area.width, area.height, area.left, area.top] {
            control.extend((n as u32).to_be_bytes());
        }
        const KEEP_AND_REPLACE: [u8; 2] = [0, 0];
        control.extend([delay.to_be_bytes(), 1000u16.to_be_bytes(), KEEP_AND_REPLACE].concat());
        file.extend(png::chunk(b"fcTL", &control));
        match (i, still) {
            (0, None) => file.extend(png::chunk(b"IDAT", &data)),
            _ => file.extend(png::chunk(b"fdAT", &[&next()[..], &data].concat())),
        }
    }
    file.extend(png::chunk(b"IEND", &[]));
    Ok(file)
}

/// The smallest rectangle that holds every pixel in which two pictures differ; one pixel if none does.
fn changed(before: &[u8], after: &[u8], width: usize) -> Area {
    let (mut left, mut right) = (width, 0);
    let (mut top, mut bottom) = (usize::MAX, 0);
    for (j, (a, b)) in before.chunks(width).zip(after.chunks(width)).enumerate() {
        let differs = |i: &usize| a[*i] != b[*i];
        if let (Some(first), Some(last)) = ((0..width).find(differs), (0..width).rev().find(differs)) {
            (left, right) = (left.min(first), right.max(last));
            (top, bottom) = (top.min(j), j);
        }
    }
    if left > right {
        return Area { left: 0, top: 0, width: 1, height: 1 };
    }
    Area { left, top, width: right + 1 - left, height: bottom + 1 - top }
}

/// The rows of `area`, each behind the number of its filter (none: indices have no gradients), as a zlib stream.
fn compressed(indices: &[u8], width: usize, area: Area) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::machine("drawing a PNG", e);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in indices.chunks(width).skip(area.top).take(area.height) {
        zlib.write_all(&[0]).map_err(failed)?;
        zlib.write_all(&row[area.left..area.left + area.width]).map_err(failed)?;
    }
    zlib.finish().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_rectangle_is_the_smallest() {
        let before = [0u8; 20];
        let mut after = before;
        assert_eq!(changed(&before, &after, 5), Area { left: 0, top: 0, width: 1, height: 1 });
        (after[6], after[13]) = (1, 1); // (1, 1) and (3, 2)
        assert_eq!(changed(&before, &after, 5), Area { left: 1, top: 1, width: 3, height: 2 });
    }
}
