//! The SVG as pixels: resvg draws the very document that is saved, with the embedded font and no other.

use super::font;
use crate::base::{Error, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// `svg` as a PNG file of `dpi` pixels an inch; it carries its resolution, and no dates.
pub fn encode(svg: &str, dpi: u32) -> Result<Vec<u8>> {
    let failed = |e: String| Error::machine("drawing a PNG", e);
    let options = Options { fontdb: font::database(), dpi: dpi as f32, ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| failed(e.to_string()))?;
    // With its dpi set, usvg has turned inches into pixels.
    let size = tree.size().to_int_size();
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("no memory".to_owned()))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|e| failed(e.to_string()))?;
    Ok(with_resolution(png, dpi))
}

/// Inserts the pHYs chunk (pixels a metre) after the header chunk, where the PNG specification wants it.
fn with_resolution(mut png: Vec<u8>, dpi: u32) -> Vec<u8> {
    const AFTER_HEADER: usize = 8 + 25; // signature, then IHDR: length, name, 13 bytes, checksum
    let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
    let mut body = b"pHYs".to_vec();
    body.extend_from_slice(&per_metre.to_be_bytes());
    body.extend_from_slice(&per_metre.to_be_bytes());
    body.push(1);
    let mut crc = flate2::Crc::new();
    crc.update(&body);
    let chunk = 9u32.to_be_bytes().into_iter().chain(body).chain(crc.sum().to_be_bytes());
    if png.len() > AFTER_HEADER {
        png.splice(AFTER_HEADER..AFTER_HEADER, chunk);
    }
    png
}
