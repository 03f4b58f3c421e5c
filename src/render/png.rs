//! The SVG as pixels: resvg draws the very document that is saved, with the embedded font and no other.

use super::font;
use crate::base::{Error, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// `svg` as a PNG file of `dpi` pixels an inch; it carries its resolution, and no dates.
pub fn encode(svg: &str, dpi: u32) -> Result<Vec<u8>> {
    const AFTER_HEADER: usize = 8 + 25; // signature, then IHDR: length, name, 13 bytes, checksum
    let mut png = pixels(svg, dpi)?.encode_png().map_err(failed)?;
    if png.len() > AFTER_HEADER {
        png.splice(AFTER_HEADER..AFTER_HEADER, resolution(dpi));
    }
    Ok(png)
}

/// `svg` as pixels, `dpi` an inch.
pub fn pixels(svg: &str, dpi: u32) -> Result<Pixmap> {
    let tree = parse(svg, dpi)?;
    // With its dpi set, usvg has turned inches into pixels.
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("no memory"))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    Ok(pixels)
}

/// Paints `svg` over what `pixels`, of `dpi` an inch, show.
pub fn paint(svg: &str, dpi: u32, pixels: &mut Pixmap) -> Result<()> {
    resvg::render(&parse(svg, dpi)?, Transform::identity(), &mut pixels.as_mut());
    Ok(())
}

/// The tree that is drawn: lengths are pixels, `dpi` an inch.
pub fn parse(svg: &str, dpi: u32) -> Result<Tree> {
    let options = Options { fontdb: font::database(), dpi: dpi as f32, ..Options::default() };
    Tree::from_str(svg, &options).map_err(failed)
}

fn failed(e: impl std::fmt::Display) -> Error {
    Error::machine("drawing a PNG", e)
}

/// The chunk that says how many pixels a metre has; it stands right behind the header.
pub fn resolution(dpi: u32) -> Vec<u8> {
    let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
    chunk(b"pHYs", &[&per_metre.to_be_bytes()[..], &per_metre.to_be_bytes(), &[1]].concat())
}

/// A chunk of a PNG file: length, name, body, and the checksum of the latter two.
pub fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(body);
    [&(body.len() as u32).to_be_bytes(), &name[..], body, &crc.sum().to_be_bytes()].concat()
}
