//! PNG and JPEG to pixels, and pixels to another size.

use crate::base::files::brief;
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Longest side, and most pixels, of an image that is decoded.
const LONGEST: usize = 1 << 14;
const MOST: usize = 1 << 25;

/// An image of one or three channels, 0 to 1, rows from the top and the channels of a pixel together.
pub struct Picture {
    pub height: usize,
    pub width: usize,
    channels: usize,
    values: Vec<f32>,
    /// Whether some pixel is not opaque.
    pub transparent: bool,
}

type Wrong = (&'static str, String);

/// Decodes an image by its first bytes.
pub fn decode(bytes: &[u8]) -> Result<Picture, Wrong> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [0xff, 0xd8, ..] => jpeg(bytes),
        [] => Err(("a PNG or JPEG file", "an empty one".to_owned())),
        _ => Err(("a PNG or JPEG file", "another kind".to_owned())),
    }
}

fn sized(width: usize, height: usize) -> Result<(), Wrong> {
    if (1..=LONGEST).contains(&width) && (1..=LONGEST).contains(&height) && width * height <= MOST {
        Ok(())
    } else {
        Err(("an image of at most 33 million pixels", format!("{height} x {width}")))
    }
}

fn png(bytes: &[u8]) -> Result<Picture, Wrong> {
    let broken = |e: png::DecodingError| ("a whole PNG file", brief(&e.to_string()));
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 8 * MOST });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(broken)?;
    sized(info.width as usize, info.height as usize)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().filter(|size| *size <= 8 * MOST);
    let Some(size) = size else { return Err(("an image of at most 33 million pixels", "more".to_owned())) };
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    let (all, channels) = match frame.color_type {
        png::ColorType::Grayscale => (1, 1),
        png::ColorType::GrayscaleAlpha => (2, 1),
        png::ColorType::Rgb => (3, 3),
        png::ColorType::Rgba => (4, 3),
        png::ColorType::Indexed => return Err(("colours", "places in a palette".to_owned())),
    };
    let numbers: Vec<f32> = match frame.bit_depth {
        png::BitDepth::Sixteen => {
            pixels.as_chunks::<2>().0.iter().map(|b| f32::from(u16::from_be_bytes(*b)) / 65535.0).collect()
        }
        _ => pixels.iter().map(|b| f32::from(*b) / 255.0).collect(),
    };
    let transparent = all > channels && numbers.chunks_exact(all).any(|pixel| pixel[channels] < 1.0);
    let values = numbers.chunks_exact(all).flat_map(|pixel| pixel[..channels].iter().copied()).collect();
    let (height, width) = (frame.height as usize, frame.width as usize);
    Ok(Picture { height, width, channels, values, transparent })
}

fn jpeg(bytes: &[u8]) -> Result<Picture, Wrong> {
    let broken = |e: zune_jpeg::errors::DecodeErrors| ("a whole JPEG file", brief(&format!("{e:?}")));
    let options =
        || DecoderOptions::new_safe().set_max_width(LONGEST).set_max_height(LONGEST).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    decoder.decode_headers().map_err(broken)?;
    let Some(info) = decoder.info() else { return Err(("a JPEG file with a size", "none".to_owned())) };
    sized(usize::from(info.width), usize::from(info.height))?;
    let gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, space) = if gray { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    let mut decoder =
        JpegDecoder::new_with_options(ZCursor::new(bytes), options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(broken)?;
    let (height, width) = (usize::from(info.height), usize::from(info.width));
    if pixels.len() != height * width * channels {
        return Err(("a JPEG file in gray or colours", format!("{} bytes of pixels", pixels.len())));
    }
    let values = pixels.iter().map(|b| f32::from(*b) / 255.0).collect();
    Ok(Picture { height, width, channels, values, transparent: false })
}

impl Picture {
    /// Whether it has no colours.
    pub fn is_gray(&self) -> bool {
        self.channels == 1 || self.values.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2])
    }

    /// In another size: every pixel is the mean of the area that it covers, of all of the image, or of the middle that has
    /// the same proportions.
    pub fn resized(&self, [height, width]: [usize; 2], crop: bool) -> Self {
        let (mut area, mut from) = ([self.height as f64, self.width as f64], [0.0, 0.0]);
        if crop {
            let scale = (area[0] / height as f64).min(area[1] / width as f64);
            let kept = [scale * height as f64, scale * width as f64];
            from = [(area[0] - kept[0]) / 2.0, (area[1] - kept[1]) / 2.0];
            area = kept;
        }
        let rows = shares(self.height, height, from[0], area[0]);
        let columns = shares(self.width, width, from[1], area[1]);
        let mut narrow = vec![0.0f32; self.height * width * self.channels];
        for row in 0..self.height {
            for (column, shares) in columns.iter().enumerate() {
                for c in 0..self.channels {
                    let at = |(i, w): &(usize, f64)| {
                        w * f64::from(self.values[(row * self.width + i) * self.channels + c])
                    };
                    narrow[(row * width + column) * self.channels + c] =
                        shares.iter().map(at).sum::<f64>() as f32;
                }
            }
        }
        let line = width * self.channels;
        let mut values = vec![0.0f32; height * line];
        for (row, shares) in rows.iter().enumerate() {
            for i in 0..line {
                let sum: f64 = shares.iter().map(|(r, w)| w * f64::from(narrow[r * line + i])).sum();
                values[row * line + i] = sum as f32;
            }
        }
        Self { height, width, channels: self.channels, values, transparent: self.transparent }
    }

    /// Appends its numbers, a channel after the other.
    pub fn lay_out(&self, gray: bool, to: &mut Vec<f64>) {
        let pixel = |c: usize| self.values.chunks_exact(self.channels).map(move |p| f64::from(p[c]));
        match (gray, self.channels) {
            (true, 1) => to.extend(pixel(0)),
            (true, _) => to.extend(self.values.chunks_exact(3).map(|p| {
                // The luma of ITU-R BT.601, as PIL has it.
                0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2])
            })),
            (false, 1) => (0..3).for_each(|_| to.extend(pixel(0))),
            (false, _) => (0..3).for_each(|c| to.extend(pixel(c))),
        }
    }
}

/// For each of `outputs` places, which of `inputs` places it covers and with what share, of a part of them.
fn shares(inputs: usize, outputs: usize, from: f64, length: f64) -> Vec<Vec<(usize, f64)>> {
    let step = length / outputs as f64;
    let place = |o: usize| {
        let (start, end) = (from + step * o as f64, from + step * (o + 1) as f64);
        let last = (end.ceil() as usize).clamp(1, inputs);
        let first = (start.floor().max(0.0) as usize).min(last - 1);
        let covered = |i: usize| (end.min((i + 1) as f64) - start.max(i as f64)).max(0.0);
        let all: Vec<(usize, f64)> = (first..last).map(|i| (i, covered(i))).collect();
        let sum: f64 = all.iter().map(|(_, w)| w).sum();
        all.into_iter()
            .map(|(i, w)| (i, if sum > 0.0 { w / sum } else { 1.0 / (last - first) as f64 }))
            .collect()
    };
    (0..outputs).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        let picture = Picture {
            height: 1,
            width: 4,
            channels: 1,
            values: vec![1.0, 3.0, 5.0, 9.0],
            transparent: false,
        };
        assert_eq!(picture.resized([1, 2], false).values, [2.0, 7.0]);
        // The middle, of the same proportions.
        assert_eq!(picture.resized([1, 1], true).values, [4.0]);
        let third = picture.resized([1, 3], false).values;
        assert!((third[0] - (1.0 + 3.0 / 3.0) / (4.0 / 3.0)).abs() < 1e-6, "{third:?}");
        assert_eq!(picture.resized([2, 8], false).values.len(), 16);
    }
}
