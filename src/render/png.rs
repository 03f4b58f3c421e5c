//! The SVG as pixels: resvg draws the very document that is saved, with the embedded font and no other.

use super::{font, mesh};
use crate::base::{Error, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use std::io::Write as _;

/// How hard files are packed, of 9: with level 6 they are a tenth smaller and take twice as long.
const LEVEL: u32 = 3;

/// `svg` as a PNG file of `dpi` pixels an inch; it carries its resolution, and no dates.
pub fn encode(svg: &str, dpi: u32) -> Result<Vec<u8>> {
    let pixels = pixels(svg, dpi)?;
    let (width, height) = (pixels.width(), pixels.height());
    let opaque = pixels.pixels().iter().all(|p| p.alpha() == 255);
    let channels = if opaque { 3 } else { 4 };
    // Rows as they are: figures have areas of one colour, which filters of differences break up.
    let mut rows = Vec::with_capacity(height as usize * (1 + channels * width as usize));
    for row in pixels.pixels().chunks(width as usize) {
        rows.push(0);
        for color in row.iter().map(|p| p.demultiply()) {
            let all = [color.red(), color.green(), color.blue(), color.alpha()];
            rows.extend_from_slice(&all[..channels]);
        }
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(LEVEL));
    let packed = packed.write_all(&rows).and_then(|()| packed.finish()).map_err(failed)?;
    let kind = if opaque { 2 } else { 6 };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, kind, 0, 0, 0]].concat();
    Ok([
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        resolution(dpi),
        chunk(b"IDAT", &packed),
        chunk(b"IEND", &[]),
    ]
    .concat())
}

/// `svg` as pixels, `dpi` an inch.
pub fn pixels(svg: &str, dpi: u32) -> Result<Pixmap> {
    let Some(parts) = mesh::parts(svg) else { return whole(svg, dpi) };
    let (inches, units) = parts.width;
    let mut pixels = whole(&parts.documents[0], dpi)?;
    for (shapes, behind) in parts.meshes.iter().zip(&parts.documents[1..]) {
        mesh::paint(shapes, inches * f64::from(dpi) / units, &mut pixels);
        paint(behind, dpi, &mut pixels)?;
    }
    Ok(pixels)
}

fn whole(svg: &str, dpi: u32) -> Result<Pixmap> {
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
