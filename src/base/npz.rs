//! `.npz`: a zip archive of arrays in numpy's own format, as `numpy.savez` writes and `numpy.load` reads.
//!
//! Each entry `NAME.npy` is `\x93NUMPY`, a version, a header in Python's notation and the numbers, little-endian and
//! row-major. Entries are stored uncompressed with the date 1980-01-01: the same arrays give the same bytes.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use crate::base::files::{self, brief};
use crate::base::{Error, Result};
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Named arrays, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Npz {
    arrays: Vec<(String, Array)>,
}

/// Numbers in row-major order; `[]` is the shape of a single one.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// The numbers: as many as the product of `shape`.
    pub values: Values,
}

/// The element types that results use.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `<f8`
    F64(Vec<f64>),
    /// `<f4`
    F32(Vec<f32>),
    /// `<i8`
    I64(Vec<i64>),
}

impl Npz {
    /// Adds an array after those there.
    ///
    /// # Panics
    /// If `shape` does not hold as many numbers as `values`: a mistake of the program, not of a user.
    pub fn push(&mut self, name: &str, shape: &[usize], values: impl Into<Values>) {
        let array = Array { shape: shape.to_vec(), values: values.into() };
        assert_eq!(count(shape), Some(array.values.len()), "array `{name}` of shape {shape:?}");
        self.arrays.push((name.to_owned(), array));
    }

    /// The array called `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(n, _)| n == name).map(|(_, array)| array)
    }

    /// Takes the array called `name` out.
    pub fn take(&mut self, name: &str) -> Option<Array> {
        let at = self.arrays.iter().position(|(n, _)| n == name)?;
        Some(self.arrays.remove(at).1)
    }

    /// Names and arrays, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// Replaces the file at `path`, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write_atomic_with(path, |file| self.write_to(file))
    }

    /// Writes the archive.
    pub fn write_to(&self, to: impl Write + Seek) -> io::Result<()> {
        let mut zip = ZipWriter::new(to);
        for (name, array) in &self.arrays {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::DEFAULT)
                .unix_permissions(0o644)
                // Sizes beyond 4 GiB need a larger field, which must be asked for before writing.
                .large_file(array.values.len() >= 1 << 28);
            zip.start_file(format!("{name}.npy"), options)?;
            zip.write_all(&array.header())?;
            match &array.values {
                Values::F64(v) => write_numbers(&mut zip, v, f64::to_le_bytes),
                Values::F32(v) => write_numbers(&mut zip, v, f32::to_le_bytes),
                Values::I64(v) => write_numbers(&mut zip, v, i64::to_le_bytes),
            }?;
        }
        zip.finish()?;
        Ok(())
    }

    /// Reads the archive at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_bytes(&files::named(path), &files::read_regular(path, files::LARGEST)?)
    }

    /// Reads an archive; `at` is its name in errors.
    pub fn from_bytes(at: &str, bytes: &[u8]) -> Result<Self> {
        let broken = |e: zip::result::ZipError| Error::expected(at, "a .npz archive", brief(&e.to_string()));
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        // Entries that share bytes would let a small file fill the memory.
        if zip.has_duplicate_names() || zip.has_overlapping_entries().map_err(broken)? {
            return Err(Error::expected(at, "separate entries", "entries that share a name or bytes"));
        }
        let mut npz = Self::default();
        for i in 0..zip.len() {
            let mut entry = zip.by_index(i).map_err(broken)?;
            let name = entry.name().map_err(broken)?.into_owned();
            let name = name.strip_suffix(".npy").unwrap_or(&name);
            let field = format!("{at}: {}", brief(name));
            if entry.compression() != CompressionMethod::Stored {
                return Err(Error::expected(
                    field,
                    "an uncompressed array (numpy.savez)",
                    "a compressed one",
                ));
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(|e| Error::expected(&field, "an array", e))?;
            npz.arrays.push((name.to_owned(), Array::from_npy(&field, &content)?));
        }
        Ok(npz)
    }
}

impl Array {
    fn header(&self) -> Vec<u8> {
        let axes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        // Python's tuple of one: (3,)
        let comma = if axes.len() == 1 { "," } else { "" };
        let (descr, shape) = (self.values.descr(), axes.join(", "));
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}{comma}), }}");
        // 10 bytes stand before the text; numpy pads with spaces to a multiple of 64, a line end last.
        while (10 + text.len() + 1) % 64 != 0 {
            text.push(' ');
        }
        text.push('\n');
        let mut header = b"\x93NUMPY\x01\x00".to_vec();
        header.extend((text.len() as u16).to_le_bytes());
        header.extend(text.as_bytes());
        header
    }

    fn from_npy(at: &str, bytes: &[u8]) -> Result<Self> {
        let (text, data) = split_npy(bytes).ok_or_else(|| {
            Error::expected(at, "an array in numpy's format", "another header, or a torn one")
        })?;
        let field = |key: &str| {
            let value = text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
            value.ok_or_else(|| Error::expected(format!("{at}: {key}"), "a value", "none"))
        };
        let descr = field("descr")?.split('\'').nth(1).unwrap_or_default();
        if !field("fortran_order")?.starts_with("False") {
            return Err(Error::expected(format!("{at}: fortran_order"), "False", "another order"));
        }
        let shape = field("shape")?;
        let shape = parse_shape(shape)
            .ok_or_else(|| Error::expected(format!("{at}: shape"), "a tuple of sizes", brief(shape)))?;
        let values = match descr {
            "<f8" => Values::F64(read_numbers(data, f64::from_le_bytes)),
            "<f4" => Values::F32(read_numbers(data, f32::from_le_bytes)),
            "<i8" => Values::I64(read_numbers(data, i64::from_le_bytes)),
            other => return Err(Error::expected(format!("{at}: descr"), "<f8, <f4 or <i8", brief(other))),
        };
        let size = values.size();
        let expected = count(&shape).and_then(|n| n.checked_mul(size));
        if expected != Some(data.len()) {
            let expected = expected.map_or("fewer than 2^64".to_owned(), |n| n.to_string());
            return Err(Error::expected(at, format!("{expected} bytes of numbers"), data.len()));
        }
        Ok(Self { shape, values })
    }

    /// The numbers as f64, without a copy where they are (integers beyond 2^53 are rounded).
    pub fn into_f64(self) -> Vec<f64> {
        match self.values {
            Values::F64(v) => v,
            _ => self.to_f64(),
        }
    }

    /// The numbers as f64 (integers beyond 2^53 are rounded).
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.values {
            Values::F64(v) => v.clone(),
            Values::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Values::I64(v) => v.iter().map(|&x| x as f64).collect(),
        }
    }
}

impl Values {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one number.
    fn size(&self) -> usize {
        if matches!(self, Self::F32(_)) { 4 } else { 8 }
    }

    fn descr(&self) -> &'static str {
        match self {
            Self::F64(_) => "<f8",
            Self::F32(_) => "<f4",
            Self::I64(_) => "<i8",
        }
    }
}

impl From<Vec<f64>> for Values {
    fn from(v: Vec<f64>) -> Self {
        Self::F64(v)
    }
}

impl From<Vec<f32>> for Values {
    fn from(v: Vec<f32>) -> Self {
        Self::F32(v)
    }
}

impl From<Vec<i64>> for Values {
    fn from(v: Vec<i64>) -> Self {
        Self::I64(v)
    }
}

/// The numbers in an array of `shape`; none if there are too many to count.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n))
}

/// Header text and numbers of an array; none unless it begins as numpy's format does.
fn split_npy(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    // Version 1 counts the header in two bytes, 2 and 3 in four.
    let (length, rest) = match version {
        [1, _] => rest.split_first_chunk().map(|(n, rest)| (usize::from(u16::from_le_bytes(*n)), rest))?,
        [2 | 3, _] => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest))?,
        _ => return None,
    };
    let (text, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, data))
}

fn parse_shape(text: &str) -> Option<Vec<usize>> {
    let (axes, _) = text.strip_prefix('(')?.split_once(')')?;
    axes.split(',').map(str::trim).filter(|axis| !axis.is_empty()).map(|axis| axis.parse().ok()).collect()
}

fn write_numbers<T: Copy, const N: usize>(
    to: &mut impl Write,
    values: &[T],
    bytes_of: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    for some in values.chunks(8192) {
        let bytes: Vec<u8> = some.iter().flat_map(|&value| bytes_of(value)).collect();
        to.write_all(&bytes)?;
    }
    Ok(())
}

/// Whole numbers only: a torn last one is left out, and missed when lengths are compared.
fn read_numbers<T, const N: usize>(bytes: &[u8], from_bytes: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&chunk| from_bytes(chunk)).collect()
}
