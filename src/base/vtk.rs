//! VTK's XML files, as ParaView opens them: images (`.vti`), surfaces and paths (`.vtp`).
//!
//! Numbers are binary in the text: base64 of an 8-byte length and the values, little-endian, so that no digit is
//! lost and NaN stays NaN. <https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html>

use crate::base::{Error, Result};
use std::fmt::Write as _;

/// A named array: as many numbers as there are points.
pub type Array<'a> = (&'a str, &'a [f64]);

/// An image (`.vti`) of values at the points of a grid, the first axis fastest.
///
/// Fails if an axis is empty or its coordinates do not ascend in equal steps, or if an array is not as long as
/// the grid has points. An axis of one coordinate is a slice.
pub fn image(axes: [&[f64]; 3], arrays: &[Array]) -> Result<Vec<u8>> {
    let mut steps = [1.0; 3];
    for ((name, axis), step) in ["x", "y", "z"].iter().zip(axes).zip(&mut steps) {
        *step = equal_step(axis).ok_or_else(|| {
            Error::expected(
                format!("VTK image: {name}"),
                "finite coordinates in equal ascending steps",
                "others",
            )
        })?;
    }
    let count = axes.iter().map(|axis| axis.len()).product();
    check("VTK image", arrays, count)?;
    let [nx, ny, nz] = axes.map(|axis| axis.len() - 1);
    let extent = format!("0 {nx} 0 {ny} 0 {nz}");
    let [x, y, z] = axes.map(|axis| axis[0]);
    let [dx, dy, dz] = steps;
    let data = point_data(arrays, None);
    let body = format!(
        "<ImageData WholeExtent=\"{extent}\" Origin=\"{x:e} {y:e} {z:e}\" Spacing=\"{dx:e} {dy:e} {dz:e}\">\n\
         <Piece Extent=\"{extent}\">\n{data}</Piece>\n</ImageData>\n"
    );
    Ok(document("ImageData", &body))
}

/// A surface (`.vtp`) over the grid `x` by `y`, z being the height: `heights[j * x.len() + i]` is above `(x[i], y[j])`.
///
/// Points without a finite height are left out, and so are the cells that touch them. Fails if `heights` or an
/// array does not have a value for each point of the grid.
pub fn surface(x: &[f64], y: &[f64], heights: &[f64], arrays: &[Array]) -> Result<Vec<u8>> {
    let count = x.len() * y.len();
    check("VTK surface", &[&[("heights", heights)], arrays].concat(), count)?;
    let kept: Vec<usize> = (0..count).filter(|&k| heights[k].is_finite()).collect();
    let mut number = vec![None; count];
    for (new, &old) in kept.iter().enumerate() {
        number[old] = Some(new as i64);
    }
    let width = x.len().max(1);
    let points: Vec<[f64; 3]> = kept.iter().map(|&k| [x[k % width], y[k / width], heights[k]]).collect();
    let mut cells = Cells::default();
    for j in 1..y.len() {
        for i in 1..x.len() {
            let corner = |i: usize, j: usize| number[j * width + i];
            // Counter-clockwise, seen from above.
            let ring = [corner(i - 1, j - 1), corner(i, j - 1), corner(i, j), corner(i - 1, j)];
            if let [Some(a), Some(b), Some(c), Some(d)] = ring {
                cells.push(&[a, b, c, d]);
            }
        }
    }
    Ok(poly_data(&points, &[("Polys", &cells)], &point_data(arrays, Some(&kept))))
}

/// A path (`.vtp`) through `points` in their order.
///
/// It is broken at points that are not finite, which are left out; a point between two breaks is a vertex. Fails
/// if an array does not have a value for each point.
pub fn polyline(points: &[[f64; 3]], arrays: &[Array]) -> Result<Vec<u8>> {
    check("VTK path", arrays, points.len())?;
    let (mut kept, mut lines, mut vertices) = (Vec::new(), Cells::default(), Cells::default());
    let mut run: Vec<i64> = Vec::new();
    let mut end = |run: &mut Vec<i64>| {
        match run.len() {
            0 => {}
            1 => vertices.push(run),
            _ => lines.push(run),
        }
        run.clear();
    };
    for (old, point) in points.iter().enumerate() {
        if point.iter().all(|c| c.is_finite()) {
            run.push(kept.len() as i64);
            kept.push(old);
        } else {
            end(&mut run);
        }
    }
    end(&mut run);
    let there: Vec<[f64; 3]> = kept.iter().map(|&k| points[k]).collect();
    Ok(poly_data(&there, &[("Verts", &vertices), ("Lines", &lines)], &point_data(arrays, Some(&kept))))
}

/// The step of an axis, if its steps are equal but for rounding; 1 for a single coordinate.
fn equal_step(axis: &[f64]) -> Option<f64> {
    let (first, last) = (axis.first()?, axis.last()?);
    if axis.len() == 1 {
        return first.is_finite().then_some(1.0);
    }
    let step = (last - first) / (axis.len() - 1) as f64;
    // Coordinates computed as min + i (max - min) / (n - 1) are off by a few units in the last place of the ends.
    let slack = 1e-9 * step + 8.0 * f64::EPSILON * first.abs().max(last.abs());
    let even = axis.iter().enumerate().all(|(i, c)| (c - (first + i as f64 * step)).abs() <= slack);
    (step > 0.0 && step.is_finite() && even).then_some(step)
}

fn check(what: &str, arrays: &[Array], count: usize) -> Result<()> {
    match arrays.iter().find(|(_, values)| values.len() != count) {
        Some((name, values)) => {
            Err(Error::expected(format!("{what}: {name}"), format!("{count} values"), values.len()))
        }
        None => Ok(()),
    }
}

/// Cells as VTK lists them: their points one after another, and where each cell ends.
#[derive(Debug, Default)]
struct Cells {
    points: Vec<i64>,
    ends: Vec<i64>,
}

impl Cells {
    fn push(&mut self, points: &[i64]) {
        self.points.extend_from_slice(points);
        self.ends.push(self.points.len() as i64);
    }
}

/// The arrays over the points, or over those numbered in `kept`; the first one is what a viewer colours by.
fn point_data(arrays: &[Array], kept: Option<&[usize]>) -> String {
    let first = arrays.first().map_or(String::new(), |(name, _)| format!(" Scalars=\"{}\"", escape(name)));
    let mut text = format!("<PointData{first}>\n");
    for (name, values) in arrays {
        let bytes = match kept {
            Some(kept) => kept.iter().flat_map(|&k| values[k].to_le_bytes()).collect(),
            None => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        text += &data_array("Float64", name, 1, bytes);
    }
    text + "</PointData>\n"
}

fn poly_data(points: &[[f64; 3]], kinds: &[(&str, &Cells)], data: &str) -> Vec<u8> {
    let count = |kind: &str| kinds.iter().find(|k| k.0 == kind).map_or(0, |k| k.1.ends.len());
    let mut body = format!(
        "<PolyData>\n<Piece NumberOfPoints=\"{}\" NumberOfVerts=\"{}\" NumberOfLines=\"{}\" NumberOfStrips=\"0\" \
         NumberOfPolys=\"{}\">\n{data}<Points>\n",
        points.len(),
        count("Verts"),
        count("Lines"),
        count("Polys")
    );
    let bytes = points.iter().flatten().flat_map(|c| c.to_le_bytes()).collect();
    body += &data_array("Float64", "Points", 3, bytes);
    body += "</Points>\n";
    for (kind, cells) in kinds {
        let bytes = |numbers: &[i64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let connectivity = data_array("Int64", "connectivity", 1, bytes(&cells.points));
        let offsets = data_array("Int64", "offsets", 1, bytes(&cells.ends));
        let _ = write!(body, "<{kind}>\n{connectivity}{offsets}</{kind}>\n");
    }
    body += "</Piece>\n</PolyData>\n";
    document("PolyData", &body)
}

fn data_array(kind: &str, name: &str, components: usize, bytes: Vec<u8>) -> String {
    let all = [&(bytes.len() as u64).to_le_bytes()[..], &bytes].concat();
    format!(
        "<DataArray type=\"{kind}\" Name=\"{}\" NumberOfComponents=\"{components}\" format=\"binary\">\n{}\n\
         </DataArray>\n",
        escape(name),
        base64(&all)
    )
}

fn document(kind: &str, body: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?>\n<VTKFile type=\"{kind}\" version=\"1.0\" byte_order=\"LittleEndian\" \
         header_type=\"UInt64\">\n{body}</VTKFile>\n"
    )
    .into_bytes()
}

/// A name as an attribute's value; `>` too, where VTK's reader would take the element to end.
fn escape(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |k: usize| u32::from(three.get(k).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > three.len() { '=' } else { char::from(DIGITS[index as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits gathered digit by digit, by character ranges: nothing of the encoder's table.
    fn decode(text: &str) -> Vec<u8> {
        let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
        for c in text.trim().trim_end_matches('=').bytes() {
            let digit = match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                other => panic!("not base64: {other}"),
            };
            (bits, held) = (bits << 6 | u32::from(digit), held + 6);
            if held >= 8 {
                held -= 8;
                out.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        out
    }

    /// The numbers of the data array `name`, eight bytes each.
    fn array(file: &[u8], name: &str) -> Vec<[u8; 8]> {
        let text = std::str::from_utf8(file).unwrap();
        let after =
            text.split(&format!("Name=\"{name}\"")).nth(1).unwrap_or_else(|| panic!("no {name}: {text}"));
        let bytes = decode(after.split('\n').nth(1).unwrap());
        let (length, data) = bytes.split_at(8);
        assert_eq!(u64::from_le_bytes(length.try_into().unwrap()), data.len() as u64);
        data.chunks_exact(8).map(|c| c.try_into().unwrap()).collect()
    }
    fn floats(file: &[u8], name: &str) -> Vec<f64> {
        array(file, name).into_iter().map(f64::from_le_bytes).collect()
    }
    fn numbers(file: &[u8], name: &str) -> Vec<i64> {
        array(file, name).into_iter().map(i64::from_le_bytes).collect()
    }
    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|v| v.to_bits()).collect()
    }
    fn text(file: Result<Vec<u8>>) -> (Vec<u8>, String) {
        let file = file.unwrap_or_else(|e| panic!("{e}"));
        (file.clone(), String::from_utf8(file).unwrap())
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, section 10.
        let known = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        assert!(known.iter().all(|(plain, coded)| base64(plain.as_bytes()) == *coded));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&base64(&all)), all);
    }

    #[test]
    fn images_keep_every_bit() {
        let (x, y) = ([-1.0, -0.5, 0.0], [2.0, 2.25]);
        let values = [0.1, f64::NAN, f64::INFINITY, -0.0, 5e-324, f64::MAX];
        let (file, words) =
            text(image([&x, &y, &[0.0]], &[("<loss> & \"more\"", &values), ("b", &[0.0; 6])]));
        assert_eq!(bits(&floats(&file, "&lt;loss&gt; &amp; &quot;more&quot;")), bits(&values));
        assert!(words.contains("WholeExtent=\"0 2 0 1 0 0\"") && words.contains("Origin=\"-1e0 2e0 0e0\""));
        assert!(
            words.contains("Spacing=\"5e-1 2.5e-1 1e0\"") && words.contains("Scalars=\"&lt;loss&gt; &amp;")
        );
    }

    #[test]
    fn images_refuse_uneven_axes_and_short_arrays() {
        let message = |axes, arrays: &[Array]| image(axes, arrays).unwrap_err().to_string();
        let uneven = message([&[0.0, 1.0, 2.1], &[0.0], &[0.0]], &[]);
        assert!(uneven.starts_with("VTK image: x: expected finite coordinates in equal"), "{uneven}");
        assert!(message([&[0.0], &[1.0, 0.0], &[0.0]], &[]).starts_with("VTK image: y:"));
        assert!(message([&[0.0], &[0.0], &[]], &[]).starts_with("VTK image: z:"));
        assert_eq!(
            message([&[0.0, 1.0], &[0.0], &[0.0]], &[("a", &[1.0])]),
            "VTK image: a: expected 2 values, found 1"
        );
        // Steps that only rounding makes uneven, far from zero.
        let far: Vec<f64> = (0..101).map(|i| 1e6 + f64::from(i) * 0.02 / 100.0).collect();
        assert!(image([&far, &[0.0], &[0.0]], &[]).is_ok());
    }

    #[test]
    fn surfaces_leave_out_what_is_not_finite() {
        let (x, y) = ([0.0, 1.0, 2.0], [0.0, 10.0]);
        let heights = [0.0, 1.0, f64::NAN, 3.0, 4.0, 5.0];
        let (file, words) = text(surface(&x, &y, &heights, &[("a", &[0.5, 1.5, 2.5, f64::NAN, 4.5, 5.5])]));
        assert!(words.contains("NumberOfPoints=\"5\"") && words.contains("NumberOfPolys=\"1\""));
        let points = floats(&file, "Points");
        assert_eq!(points, [0., 0., 0., 1., 0., 1., 0., 10., 3., 1., 10., 4., 2., 10., 5.]);
        assert_eq!(bits(&floats(&file, "a")), bits(&[0.5, 1.5, f64::NAN, 4.5, 5.5]));
        assert_eq!((numbers(&file, "connectivity"), numbers(&file, "offsets")), (vec![0, 1, 3, 2], vec![4]));
        assert!(surface(&x, &y, &heights[1..], &[]).is_err() && surface(&[], &[], &[], &[]).is_ok());
    }

    #[test]
    fn paths_break_where_points_are_missing() {
        let nan = [f64::NAN, 0.0, 0.0];
        let at = |x: f64| [x, 2.0 * x, 0.0];
        let points = [at(0.0), at(1.0), nan, at(3.0), nan, at(5.0), at(6.0), at(7.0)];
        let (file, words) = text(polyline(&points, &[("step", &[0., 1., 2., 3., 4., 5., 6., 7.])]));
        assert!(
            words.contains("NumberOfVerts=\"1\" NumberOfLines=\"2\"")
                && words.contains("NumberOfPoints=\"6\"")
        );
        assert_eq!(floats(&file, "step"), [0., 1., 3., 5., 6., 7.]);
        let (verts, lines) = words.split_once("<Lines>").unwrap();
        let (verts, lines) = (verts.split_once("<Verts>").unwrap().1.as_bytes(), lines.as_bytes());
        assert_eq!((numbers(verts, "connectivity"), numbers(verts, "offsets")), (vec![2], vec![1]));
        assert_eq!(
            (numbers(lines, "connectivity"), numbers(lines, "offsets")),
            (vec![0, 1, 3, 4, 5], vec![2, 5])
        );
    }
}
