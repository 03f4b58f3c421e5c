//! One array in numpy's own format: `\x93NUMPY`, a version, a header that is a Python dictionary, and the numbers.
//!
//! Real and whole numbers of every width and bool are read, in either byte order and either order of axes; what has no
//! number (text, Python objects, records) is refused with what it is. The header is parsed as the literal that it is,
//! and its sizes are compared with the bytes that there are before any number is read.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use super::files::brief;
use super::literal::Literal;
use super::{Error, Result};
use std::io::{self, ErrorKind, Read, Write};

/// Numbers in row-major order; `[]` is the shape of a single one.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// The numbers: as many as the product of `shape`.
    pub values: Values,
}

/// The element types of arrays in memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `<f8`
    F64(Vec<f64>),
    /// `<f4`; what was read as half precision, too.
    F32(Vec<f32>),
    /// `<i8`; what was read as any whole number or as bool, too.
    I64(Vec<i64>),
}

/// The element type of an array in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype {
    /// What the numbers are.
    pub sort: Sort,
    /// Bytes of one number.
    pub size: usize,
    big_endian: bool,
}

/// What the numbers of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// IEEE 754 binary numbers of 2, 4 or 8 bytes.
    Real,
    /// Whole numbers with a sign.
    Signed,
    /// Whole numbers of at least 0.
    Unsigned,
    /// True and false, which become 1 and 0.
    Bool,
}

/// What stands before the numbers of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// The element type.
    pub dtype: Dtype,
    fortran_order: bool,
    numbers: usize,
}

/// Longest header: numpy refuses to parse longer ones than 10 000 bytes.
const LONGEST: usize = 1 << 16;

impl Header {
    /// Reads the header of an array that takes `length` bytes in all; refuses one whose sizes do not fit that length.
    pub fn read(at: &str, from: &mut impl Read, length: u64) -> Result<Self> {
        let torn = || Error::expected(at, "an array in numpy's format", "another header, or a torn one");
        let mut start = [0; 8];
        exact(at, from, &mut start, torn)?;
        let Some([version, _]) = start.strip_prefix(b"\x93NUMPY") else { return Err(torn()) };
        // Version 1 counts the header in two bytes, 2 and 3 in four.
        let mut size = [0; 4];
        let counted = match version {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(torn()),
        };
        exact(at, from, &mut size[..counted], torn)?;
        let size = u32::from_le_bytes(size) as usize;
        let before = (8 + counted + size) as u64;
        if before > length {
            return Err(torn());
        }
        if size > LONGEST {
            return Err(Error::expected(at, format!("a header of at most {LONGEST} bytes"), size));
        }
        let mut text = vec![0; size];
        exact(at, from, &mut text, torn)?;
        let text = std::str::from_utf8(&text).map_err(|_| torn())?;
        let (shape, dtype, fortran_order) = described(at, text)?;
        let bytes = count(&shape).and_then(|n| Some((n, n.checked_mul(dtype.size)?)));
        match bytes {
            Some((numbers, bytes)) if bytes as u64 == length - before => {
                Ok(Self { shape, dtype, fortran_order, numbers })
            }
            _ => {
                let expected = bytes.map_or("fewer than 2^64".to_owned(), |(_, n)| n.to_string());
                Err(Error::expected(at, format!("{expected} bytes of numbers"), length - before))
            }
        }
    }

    /// Reads the numbers that follow, and finds the end behind them.
    pub fn array(self, at: &str, from: &mut impl Read) -> Result<Array> {
        let values = self.numbers(from).map_err(|e| fault(at, &e))?;
        // Checksums of archives are compared at the end.
        if from.read(&mut [0]).map_err(|e| fault(at, &e))? > 0 {
            return Err(Error::expected(at, "an end behind the numbers", "more"));
        }
        let values = match values {
            Values::F64(v) => Values::F64(self.row_major(v)),
            Values::F32(v) => Values::F32(self.row_major(v)),
            Values::I64(v) => Values::I64(self.row_major(v)),
        };
        Ok(Array { shape: self.shape, values })
    }

    fn numbers(&self, from: &mut impl Read) -> io::Result<Values> {
        let (n, big) = (self.numbers, self.dtype.big_endian);
        Ok(match (self.dtype.sort, self.dtype.size) {
            (Sort::Real, 2) => Values::F32(read(from, n, big, |b| half(u16::from_le_bytes(b)))?),
            (Sort::Real, 4) => Values::F32(read(from, n, big, f32::from_le_bytes)?),
            (Sort::Real, _) => Values::F64(read(from, n, big, f64::from_le_bytes)?),
            (Sort::Bool, _) => Values::I64(read(from, n, big, |[b]: [u8; 1]| i64::from(b != 0))?),
            (Sort::Signed, 1) => Values::I64(read(from, n, big, |b| i8::from_le_bytes(b).into())?),
            (Sort::Signed, 2) => Values::I64(read(from, n, big, |b| i16::from_le_bytes(b).into())?),
            (Sort::Signed, 4) => Values::I64(read(from, n, big, |b| i32::from_le_bytes(b).into())?),
            (Sort::Signed, _) => Values::I64(read(from, n, big, i64::from_le_bytes)?),
            (Sort::Unsigned, 1) => Values::I64(read(from, n, big, |b| u8::from_le_bytes(b).into())?),
            (Sort::Unsigned, 2) => Values::I64(read(from, n, big, |b| u16::from_le_bytes(b).into())?),
            (Sort::Unsigned, 4) => Values::I64(read(from, n, big, |b| u32::from_le_bytes(b).into())?),
            (Sort::Unsigned, _) => {
                let all: Vec<i64> = read(from, n, big, i64::from_le_bytes)?;
                match all.iter().find(|x| **x < 0) {
                    Some(x) => {
                        let text = format!("{}, which is above {}", *x as u64, i64::MAX);
                        return Err(io::Error::new(ErrorKind::InvalidData, text));
                    }
                    None => Values::I64(all),
                }
            }
        })
    }

    /// The numbers with the last axis running fastest.
    fn row_major<T: Copy>(&self, numbers: Vec<T>) -> Vec<T> {
        if !self.fortran_order || self.shape.iter().filter(|n| **n != 1).count() < 2 {
            return numbers;
        }
        // The first axis runs fastest in what was read.
        let mut strides = Vec::new();
        let mut stride = 1;
        for n in &self.shape {
            strides.push(stride);
            stride *= n;
        }
        let (mut index, mut from) = (vec![0; self.shape.len()], 0);
        let next = |_| {
            let value = numbers[from];
            for (axis, n) in self.shape.iter().enumerate().rev() {
                index[axis] += 1;
                from += strides[axis];
                if index[axis] < *n {
                    break;
                }
                from -= index[axis] * strides[axis];
                index[axis] = 0;
            }
            value
        };
        (0..numbers.len()).map(next).collect()
    }
}

/// Shape, element type and whether the first axis runs fastest, as the header says.
fn described(at: &str, text: &str) -> Result<(Vec<usize>, Dtype, bool)> {
    let wrong = || Error::expected(format!("{at}: header"), "a Python dictionary", brief(text.trim_end()));
    let Some(Literal::Dict(entries)) = Literal::parse(text) else { return Err(wrong()) };
    let [mut descr, mut order, mut shape] = [const { None }; 3];
    for (key, value) in entries {
        let place = match &key {
            Literal::Text(key) if key == "descr" => &mut descr,
            Literal::Text(key) if key == "fortran_order" => &mut order,
            Literal::Text(key) if key == "shape" => &mut shape,
            other => {
                let expected = "descr, fortran_order and shape";
                return Err(Error::expected(format!("{at}: header"), expected, brief(&other.to_string())));
            }
        };
        if place.replace(value).is_some() {
            return Err(Error::expected(format!("{at}: header"), format!("one {key}"), "two"));
        }
    }
    let place = |key: &str| format!("{at}: {key}");
    let there = |key: &str, value: Option<Literal>| {
        value.ok_or_else(|| Error::expected(place(key), "a value", "none"))
    };
    let (descr, order, shape) =
        (there("descr", descr)?, there("fortran_order", order)?, there("shape", shape)?);
    let dtype = Dtype::of(&descr)
        .map_err(|found| Error::expected(place("descr"), "real or whole numbers or bool", found))?;
    let Literal::Bool(order) = order else {
        return Err(Error::expected(place("fortran_order"), "True or False", brief(&order.to_string())));
    };
    let sizes = match &shape {
        Literal::Tuple(axes) => axes.iter().map(Literal::size).collect::<Option<Vec<usize>>>(),
        _ => None,
    };
    match sizes {
        Some(sizes) => Ok((sizes, dtype, order)),
        None => Err(Error::expected(place("shape"), "a tuple of sizes", brief(&shape.to_string()))),
    }
}

impl Dtype {
    /// The type that `descr` names; else what it is instead.
    fn of(descr: &Literal) -> std::result::Result<Self, String> {
        let Literal::Text(text) = descr else {
            return Err(format!("records of several fields, {}", brief(&descr.to_string())));
        };
        let bare = text.trim_start_matches(['<', '>', '=', '|']);
        // At most one sign of byte order.
        let bare = if text.len() - bare.len() > 1 { text } else { bare };
        let (letter, size) = bare.split_at(bare.chars().next().map_or(0, char::len_utf8));
        let found = |what: &str| Err(format!("{what} ({})", brief(text)));
        let (sort, widths): (Sort, &[usize]) = match letter {
            "f" => (Sort::Real, &[2, 4, 8]),
            "i" => (Sort::Signed, &[1, 2, 4, 8]),
            "u" => (Sort::Unsigned, &[1, 2, 4, 8]),
            "b" => (Sort::Bool, &[1]),
            "O" => return found("Python objects, as a pickle: save them with .astype(float)"),
            "U" | "S" | "a" => {
                return found("text: classes are numbers, as numpy.unique(y, return_inverse=True)[1]");
            }
            "c" => return found("complex numbers"),
            "M" | "m" => return found("dates or times"),
            _ => return found("another type"),
        };
        match widths.iter().find(|width| width.to_string() == size) {
            // Without a sign the bytes are the machine's own; files come from little-endian ones.
            Some(size) => Ok(Self { sort, size: *size, big_endian: text.starts_with('>') }),
            None => found("numbers of another size"),
        }
    }
}

impl Array {
    /// Writes header and numbers.
    pub(super) fn write_to(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.header())?;
        match &self.values {
            Values::F64(v) => write(to, v, f64::to_le_bytes),
            Values::F32(v) => write(to, v, f32::to_le_bytes),
            Values::I64(v) => write(to, v, i64::to_le_bytes),
        }
    }

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

    /// The numbers as f64, without a copy where they take as many bytes (integers beyond 2^53 are rounded).
    pub fn into_f64(self) -> Vec<f64> {
        match self.values {
            Values::F64(v) => v,
            Values::F32(v) => v.into_iter().map(f64::from).collect(),
            Values::I64(v) => v.into_iter().map(|x| x as f64).collect(),
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

/// IEEE 754 half precision: 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), bits & 1023);
    let magnitude = match exponent {
        0 => f32::from(fraction) * 2f32.powi(-24),
        31 if fraction == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => f32::from(1024 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// Reads `count` numbers of N bytes each.
pub(super) fn numbers<T, const N: usize>(
    from: &mut impl Read,
    count: usize,
    convert: impl Fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(count)?;
    let mut bytes = [0; 1 << 13];
    while numbers.len() < count {
        let piece = &mut bytes[..N * (count - numbers.len()).min((1 << 13) / N)];
        from.read_exact(piece)?;
        numbers.extend(piece.as_chunks().0.iter().map(|number| convert(*number)));
    }
    Ok(numbers)
}

/// The same of numbers whose first byte is the highest, if so.
fn read<T, const N: usize>(
    from: &mut impl Read,
    count: usize,
    big_endian: bool,
    convert: impl Fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let reversed = |mut number: [u8; N]| {
        number.reverse();
        convert(number)
    };
    if big_endian { numbers(from, count, reversed) } else { numbers(from, count, convert) }
}

fn write<T: Copy, const N: usize>(
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

fn exact(at: &str, from: &mut impl Read, bytes: &mut [u8], torn: impl Fn() -> Error) -> Result<()> {
    from.read_exact(bytes).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => torn(),
        _ => fault(at, &e),
    })
}

/// What is wrong with the bytes of an array, or with the machine that reads them.
fn fault(at: &str, e: &io::Error) -> Error {
    match e.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::Other => {
            Error::expected(at, "an array", brief(&e.to_string()))
        }
        _ => Error::machine(at, e),
    }
}
