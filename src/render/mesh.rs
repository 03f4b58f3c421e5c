//! A surface's mesh as pixels, by the fixed form in which the canvas writes it: thousands of small shapes, for which a document
//! tree and general paths cost more than all the rest of a picture.
//!
//! Shapes are painted one over the other at 4 x 4 places a pixel, whose mean is the pixel. Bands of rows know nothing of each
//! other and are painted in parallel, with the same result on any number of threads.

use super::canvas::Point;
use super::pdf::MESH;
use crate::base::parallel;
use resvg::tiny_skia::Pixmap;

/// Places a pixel, each way.
const FINE: usize = 4;
/// Rows of pixels in a band.
const BAND: usize = 32;

/// A piece of a mesh, in units of its document: an area with a rim of its own colour, or a line.
#[derive(Debug)]
pub struct Shape {
    points: Vec<Point>,
    area: bool,
    width: f64,
    color: [u8; 3],
    alpha: f64,
}

/// A document cut at its meshes.
#[derive(Debug)]
pub struct Parts {
    /// What comes before, between and behind the meshes: documents of one size.
    pub documents: Vec<String>,
    /// One fewer than documents.
    pub meshes: Vec<Vec<Shape>>,
    /// Width of a document in inches, and in its units.
    pub width: (f64, f64),
}

/// Cuts a document at its meshes; none if it has no mesh, or one that is written otherwise.
pub fn parts(svg: &str) -> Option<Parts> {
    let begins = format!("<g id=\"{MESH}");
    let head = svg.lines().next()?;
    let inches = between(head, " width=\"", "in\"")?.parse().ok()?;
    let units = between(head, " viewBox=\"0 0 ", " ")?.parse().ok()?;
    let mut all = Parts { documents: Vec::new(), meshes: Vec::new(), width: (inches, units) };
    let (mut rest, mut open) = (svg, String::new());
    while let Some((before, after)) = rest.split_once(&begins) {
        let (mesh, behind) = after.split_once("</g>\n")?;
        let depth = (open.clone() + before).matches("<g").count() - before.matches("</g>").count();
        all.documents.push(format!("{open}{before}{}</svg>", "</g>".repeat(depth)));
        all.meshes.push(mesh.lines().skip(1).map(shape).collect::<Option<_>>()?);
        open = format!("{head}\n{}", "<g>".repeat(depth));
        rest = behind;
    }
    all.documents.push(open + rest);
    (!all.meshes.is_empty()).then_some(all)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(found, _)| found)
}

/// A path as `Canvas::patch` and `Canvas::edge` write it.
fn shape(line: &str) -> Option<Shape> {
    let attribute = |name: &str| between(line, &format!(" {name}=\""), "\"");
    let digits = u32::from_str_radix(attribute("stroke")?.strip_prefix('#')?, 16).ok()?;
    let steps = attribute("d")?.strip_prefix('M')?;
    let area = steps.ends_with('z');
    let (mut at, mut points) = ((0.0, 0.0), Vec::new());
    for step in steps.trim_end_matches('z').split('l') {
        let (x, y) = step.split_once(' ')?;
        at = (at.0 + x.parse::<f64>().ok()?, at.1 + y.parse::<f64>().ok()?);
        points.push(at);
    }
    Some(Shape {
        points,
        area,
        width: attribute("stroke-width")?.parse().ok()?,
        color: [(digits >> 16) as u8, (digits >> 8) as u8, digits as u8],
        alpha: attribute("stroke-opacity").map_or(Some(1.0), |alpha| alpha.parse().ok())?,
    })
}

/// What is filled at once: corners in places, and the ink multiplied with its opacity.
struct Fill {
    corners: Vec<Point>,
    rows: (f64, f64),
    ink: [u8; 4],
}

impl Fill {
    fn new(corners: Vec<Point>, ink: [u8; 4]) -> Self {
        let fold = |low: (f64, f64), p: &Point| (low.0.min(p.1), low.1.max(p.1));
        let rows = corners.iter().fold((f64::INFINITY, f64::NEG_INFINITY), fold);
        Self { corners, rows, ink }
    }
}

/// The areas of a shape, its lines being areas too.
fn fills(shape: &Shape, scale: f64) -> Vec<Fill> {
    let alpha = (255.0 * shape.alpha).round();
    let [r, g, b] = shape.color.map(|c| (f64::from(c) * alpha / 255.0).round() as u8);
    let ink = [r, g, b, alpha as u8];
    let corners: Vec<Point> = shape.points.iter().map(|(x, y)| (x * scale, y * scale)).collect();
    // Areas that share an edge share its places out: no seam is left that a rim would have to close.
    if shape.area {
        return vec![Fill::new(corners, ink)];
    }
    let half = 0.5 * shape.width * scale;
    let line = |(a, b): (Point, Point)| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy);
        let (nx, ny) = (-half * dy / length, half * dx / length);
        let corners =
            vec![(a.0 + nx, a.1 + ny), (b.0 + nx, b.1 + ny), (b.0 - nx, b.1 - ny), (a.0 - nx, a.1 - ny)];
        (length > 0.0).then(|| Fill::new(corners, ink))
    };
    corners.windows(2).filter_map(|ends| line((ends[0], ends[1]))).collect()
}

/// Paints shapes over pixels, of which a unit of the document has `scale`.
pub fn paint(shapes: &[Shape], scale: f64, pixels: &mut Pixmap) {
    let width = pixels.width() as usize;
    let fills: Vec<Fill> = shapes.iter().flat_map(|s| fills(s, scale * FINE as f64)).collect();
    // The columns that the mesh touches; the rest stays as it is.
    let across = || fills.iter().flat_map(|f| &f.corners).map(|corner| corner.0 / FINE as f64);
    let left = (across().fold(f64::INFINITY, f64::min).max(0.0) as usize).min(width);
    let columns = (across().fold(0.0, f64::max).ceil() as usize).clamp(left, width) - left;
    parallel::parts_mut(pixels.data_mut(), BAND * width * 4, &|band, bytes| {
        let (first, rows) = ((band * BAND * FINE) as f64, bytes.len() / (4 * width));
        let here = |fill: &&Fill| fill.rows.1 > first && fill.rows.0 < first + (rows * FINE) as f64;
        let fills: Vec<&Fill> = fills.iter().filter(here).collect();
        if fills.is_empty() || columns == 0 {
            return;
        }
        let long = columns * FINE;
        let mut places = vec![[0u8; 4]; long * rows * FINE];
        for (row, line) in places.chunks_mut(long).enumerate() {
            let from = &bytes[(row / FINE * width + left) * 4..][..columns * 4];
            for (cells, pixel) in line.chunks_exact_mut(FINE).zip(from.chunks_exact(4)) {
                cells.fill([pixel[0], pixel[1], pixel[2], pixel[3]]);
            }
        }
        let (mut crossings, start) = (Vec::new(), (left * FINE) as f64);
        for fill in fills {
            let (top, bottom) = (fill.rows.0 - first, fill.rows.1 - first);
            let (from, to) = ((top - 0.5).ceil().max(0.0), (bottom - 0.5).ceil().min((rows * FINE) as f64));
            for row in from as usize..to.max(0.0) as usize {
                let line = &mut places[row * long..][..long];
                span(fill, (start, first + row as f64 + 0.5), &mut crossings, line);
            }
        }
        for (row, line) in bytes.chunks_exact_mut(width * 4).enumerate() {
            let four: Vec<&[[u8; 4]]> =
                places[row * FINE * long..][..FINE * long].chunks_exact(long).collect();
            for (column, pixel) in line[left * 4..][..columns * 4].chunks_exact_mut(4).enumerate() {
                let mut sums = [0u16; 4];
                for line in &four {
                    for place in &line[column * FINE..][..FINE] {
                        (0..4).for_each(|c| sums[c] += u16::from(place[c]));
                    }
                }
                let count = (FINE * FINE) as u16;
                (0..4).for_each(|c| pixel[c] = ((sums[c] + count / 2) / count) as u8);
            }
        }
    });
}

/// Fills what lies within the corners at the height of a line that begins at `start`, wherever the outline winds around it.
fn span(fill: &Fill, (start, y): Point, crossings: &mut Vec<(f64, i32)>, line: &mut [[u8; 4]]) {
    crossings.clear();
    let n = fill.corners.len();
    for k in 0..n {
        let (a, b) = (fill.corners[k], fill.corners[(k + 1) % n]);
        if (a.1 <= y) != (b.1 <= y) {
            let x = a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0) - start;
            crossings.push((x, if a.1 <= y { 1 } else { -1 }));
        }
    }
    crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut winding = 0;
    for pair in crossings.windows(2) {
        winding += pair[0].1;
        if winding == 0 {
            continue;
        }
        let place = |x: f64| ((x - 0.5).ceil().max(0.0) as usize).min(line.len());
        let (from, to) = (place(pair[0].0), place(pair[1].0));
        let [r, g, b, alpha] = fill.ink;
        if alpha == 255 {
            line[from..to.max(from)].fill(fill.ink);
            continue;
        }
        let over = |new: u8, old: u8| new + ((u32::from(old) * u32::from(255 - alpha) + 127) / 255) as u8;
        for place in &mut line[from..to.max(from)] {
            *place = [over(r, place[0]), over(g, place[1]), over(b, place[2]), over(alpha, place[3])];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(body: &str) -> String {
        let head = r#"<svg xmlns="http://www.w3.org/2000/svg" width="1.0000in" height="1.0000in" viewBox="0 0 1440 1440">"#;
        format!("{head}\n<g id=\"panel\">\n{body}</g>\n</svg>\n")
    }

    #[test]
    fn a_mesh_has_the_areas_of_its_shapes_between_what_comes_before_and_behind() {
        // A square of ten pixels a side without a rim, over whose right half a line of half opacity runs.
        let square =
            r##"<path fill="#FF0000" stroke="#FF0000" stroke-width="0" d="M200 200l200 0l0 200l-200 0z"/>"##;
        let line = r##"<path fill="none" stroke="#000000" stroke-opacity="0.5" stroke-width="200" d="M300 300l100 0"/>"##;
        let svg = document(&format!("<path/>\n<g id=\"mesh\">\n{square}\n{line}\n</g>\n<rect/>\n"));
        let parts = parts(&svg).unwrap_or_else(|| panic!("no mesh"));
        assert_eq!(parts.width, (1.0, 1440.0));
        let [before, behind] = parts.documents.as_slice() else { panic!("{:?}", parts.documents) };
        assert!(before.ends_with("<path/>\n</g></svg>") && behind.ends_with("<g><rect/>\n</g>\n</svg>\n"));
        let mut pixels = Pixmap::new(72, 72).unwrap_or_else(|| panic!("no memory"));
        paint(&parts.meshes[0], 72.0 / 1440.0, &mut pixels);
        let at = |x: u32, y: u32| pixels.pixel(x, y).map(|p| [p.red(), p.green(), p.blue(), p.alpha()]);
        assert_eq!(at(12, 12), Some([255, 0, 0, 255]));
        assert_eq!(at(17, 12), Some([127, 0, 0, 255]));
        assert_eq!(at(9, 12), Some([0; 4]));
        assert_eq!(at(20, 12), Some([0; 4]));
    }

    #[test]
    fn documents_without_a_mesh_stay_whole() {
        assert!(parts(&document("<rect/>\n")).is_none());
    }
}
