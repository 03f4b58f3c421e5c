//! safetensors: named tensors in one file, read strictly.
//!
//! ```text
//! 8 bytes   n, little-endian
//! n bytes   JSON: { "__metadata__": { key: text, ... }, NAME: { "dtype", "shape", "data_offsets": [begin, end] }, ... }
//! the rest  the numbers, little-endian and row-major; offsets count from here
//! ```
//!
//! <https://github.com/huggingface/safetensors>. The reader is our own because a file may come from anywhere, and
//! the reference implementation accepts a name twice (the last one wins) and text before the header's brace. Here
//! the tensors must cover the data exactly, each byte once. Numbers may be NaN: whether that is a fault is the
//! caller's to say ([`TensorFile::first_non_finite`] finds them).

use crate::base::files::{self, brief};
use crate::base::npy::{count, numbers};
use crate::base::pickle::Element;
use crate::base::state_dict::Stored;
use crate::base::{self, Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Longer headers are refused: parsed, they take many times their length in memory.
const LONGEST_HEADER: u64 = 16 << 20;
const METADATA: &str = "__metadata__";

/// Tensors, in the order of their data, and texts about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// Texts by key.
    pub metadata: BTreeMap<String, String>,
    /// Tensors with unlike names.
    pub tensors: Vec<Tensor>,
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Path of its layer and role: `0.weight`.
    pub name: String,
    /// Length along each axis; `[]` for a single number.
    pub shape: Vec<usize>,
    /// The numbers, row-major: as many as the product of `shape`.
    pub data: Data,
}

/// The element types of weights, and of masks over them.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// 4 bytes a number.
    F32(Vec<f32>),
    /// 8 bytes a number.
    F64(Vec<f64>),
    /// A byte a number: 0 or 1 of what is there or not.
    U8(Vec<u8>),
}

impl TensorFile {
    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The first NaN or infinity: its tensor's name, its index there, and itself.
    pub fn first_non_finite(&self) -> Option<(&str, usize, f64)> {
        self.tensors.iter().find_map(|tensor| {
            let at = |(i, x): (usize, f64)| (!x.is_finite()).then_some((tensor.name.as_str(), i, x));
            match &tensor.data {
                Data::F32(v) => v.iter().map(|&x| f64::from(x)).enumerate().find_map(at),
                Data::F64(v) => v.iter().copied().enumerate().find_map(at),
                Data::U8(_) => None,
            }
        })
    }

    /// Replaces the file at `path`, atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write_atomic(path, &self.to_bytes())
    }

    /// The file: the same tensors give the same bytes.
    ///
    /// # Panics
    /// If a shape does not fit its numbers or a name comes twice: mistakes of the program, not of a user.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        if !self.metadata.is_empty() {
            entries.push(format!("{}:{}", json!(METADATA), json!(self.metadata)));
        }
        let (mut data, mut names) = (Vec::new(), BTreeSet::from([METADATA]));
        for Tensor { name, shape, data: numbers } in &self.tensors {
            assert_eq!(count(shape), Some(numbers.len()), "tensor `{name}` of shape {shape:?}");
            assert!(names.insert(name), "two tensors called `{name}`");
            let begin = data.len();
            match numbers {
                Data::F32(v) => data.extend(v.iter().flat_map(|x| x.to_le_bytes())),
                Data::F64(v) => data.extend(v.iter().flat_map(|x| x.to_le_bytes())),
                Data::U8(v) => data.extend(v),
            }
            let entry =
                json!({ "dtype": numbers.dtype(), "shape": shape, "data_offsets": [begin, data.len()] });
            entries.push(format!("{}:{entry}", json!(name)));
        }
        let mut header = format!("{{{}}}", entries.join(","));
        // The format asks that the data begin at a multiple of 8, and fills up with spaces.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
    }

    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_after(path, |_| Ok(())).map(|((), file)| file)
    }

    /// Reads the file at `path` after `look` has seen what its header says, and returns what that made of it; numbers of a
    /// file that it refuses are not read.
    pub fn read_after<T>(path: &Path, look: impl FnOnce(&Outline) -> Result<T>) -> Result<(T, Self)> {
        let (file, length) = files::open_regular(path)?;
        Self::from_reader(&files::named(path), &mut BufReader::new(file), length, look)
    }

    /// Reads a file; `at` is its name in errors.
    pub fn from_bytes(at: &str, bytes: &[u8]) -> Result<Self> {
        Self::from_reader(at, &mut &*bytes, bytes.len() as u64, |_| Ok(())).map(|((), file)| file)
    }

    fn from_reader<T>(
        at: &str,
        from: &mut impl Read,
        length: u64,
        look: impl FnOnce(&Outline) -> Result<T>,
    ) -> Result<(T, Self)> {
        let (text, size) = header(at, from, length)?;
        let outline = Outline::new(at, &text, size)?;
        if let Some(other) = outline.tensors.iter().find(|t| !WRITTEN.contains(&t.dtype.0)) {
            let field = format!("{at}: {}.dtype", brief(&other.name));
            return Err(Error::expected(field, "F32, F64 or U8", format!("\"{}\"", other.dtype.0)));
        }
        let seen = look(&outline)?;
        let Outline { metadata, tensors } = outline;
        let read = |described: Described| described.tensor(from).map_err(|e| Error::machine(at, e));
        let tensors = tensors.into_iter().map(read).collect::<Result<_>>()?;
        Ok((seen, Self { metadata, tensors }))
    }
}

/// What the header of a file says: tensors in the order of their data, which they cover byte by byte.
pub struct Outline {
    /// Texts by key.
    pub metadata: BTreeMap<String, String>,
    /// Tensors with unlike names.
    pub tensors: Vec<Described>,
}

impl Outline {
    /// Of the header's text; refuses tensors that do not cover `size` bytes of data.
    fn new(at: &str, text: &str, size: u64) -> Result<Self> {
        base::json::fits(&format!("{at}: header"), text)?;
        let header: Objects = serde_json::from_str(text).map_err(|e| {
            Error::expected(format!("{at}: header"), "tensors described in JSON", brief(&e.to_string()))
        })?;
        let mut metadata = BTreeMap::new();
        let mut tensors = Vec::new();
        for (name, fields) in header.0 {
            if name == METADATA {
                for (key, value) in fields.0 {
                    let Value::String(text) = value else {
                        let field = format!("{at}: {METADATA}.{}", brief(&key));
                        return Err(Error::expected(field, "text", brief(&value.to_string())));
                    };
                    metadata.insert(key, text);
                }
            } else {
                tensors.push(Described::new(&format!("{at}: {}", brief(&name)), name, fields)?);
            }
        }
        tensors.sort_by_key(|described| (described.begin, described.end));
        let mut covered = 0;
        for Described { name, begin, end, .. } in &tensors {
            let field = || format!("{at}: {}.data_offsets", brief(name));
            if *begin != covered {
                let fault = if *begin < covered { "an overlap" } else { "a hole" };
                let expected = format!("to begin at {covered}, where the data before it ends");
                return Err(Error::expected(field(), expected, format!("{begin}: {fault}")));
            }
            if *end as u64 > size {
                let expected = format!("an end within the {size} bytes of data");
                return Err(Error::expected(field(), expected, end));
            }
            covered = *end;
        }
        if covered as u64 != size {
            return Err(Error::expected(at, format!("{covered} bytes of data"), size));
        }
        Ok(Self { metadata, tensors })
    }
}

impl Data {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::U8(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type's name in the format.
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::F32(_) => "F32",
            Self::F64(_) => "F64",
            Self::U8(_) => "U8",
        }
    }
}

/// The header's text, by the length in front, and how many bytes of data follow it.
fn header(at: &str, from: &mut impl Read, length: u64) -> Result<(String, u64)> {
    let failed = |e: io::Error| Error::machine(at, e);
    let mut first = [0; 8];
    if length < 8 {
        return Err(Error::expected(at, "a safetensors file, of at least 8 bytes", length));
    }
    from.read_exact(&mut first).map_err(failed)?;
    let size = u64::from_le_bytes(first);
    let header = format!("{at}: header");
    let rest = length - 8;
    if size > LONGEST_HEADER {
        refuse_foreign(at, &first)?;
        return Err(Error::expected(at, "a safetensors file", format_of(&first)));
    }
    if size > rest {
        refuse_foreign(at, &first)?;
        return Err(Error::expected(header, format!("{size} bytes"), format!("only {rest}")));
    }
    let mut text = vec![0; size as usize];
    from.read_exact(&mut text).map_err(failed)?;
    if !text.starts_with(b"{") {
        refuse_foreign(at, &first)?;
        let found = text.first().map_or("nothing".to_owned(), |&byte| format!("`{}`", byte.escape_ascii()));
        return Err(Error::expected(header, "a JSON object, beginning with `{`", found));
    }
    let text = String::from_utf8(text).map_err(|e| {
        let found = format!("other bytes at offset {}", e.utf8_error().valid_up_to());
        Error::expected(header, "text in UTF-8", found)
    })?;
    Ok((text, rest - size))
}

/// What a file is whose first bytes would be an impossible length of a header.
fn format_of(first: &[u8; 8]) -> &'static str {
    match first {
        [0x89, b'H', b'D', b'F', ..] => {
            "HDF5, as Keras writes (safetensors.numpy.save_file writes its arrays as safetensors)"
        }
        [8, 1..=20, 0x12 | 0x3a, ..] => "ONNX, a network rather than weights",
        [0x93, b'N', b'U', b'M', ..] => "an array of numpy",
        [0x1f, 0x8b, ..] => "a gzip file",
        [b'{' | b'[' | b'<', ..] => "a text",
        _ => "a file that begins otherwise",
    }
}

/// Says of a file that is no safetensors whether PyTorch wrote it, and how to convert it.
fn refuse_foreign(at: &str, bytes: &[u8]) -> Result<()> {
    let found = match bytes {
        // torch.save since 1.6, and before.
        [b'P', b'K', 3, 4, ..] => {
            "a zip archive, as torch.save writes (of weights: --model NAME --weights FILE)"
        }
        // An opcode follows; zeros would make it the length of a header.
        [0x80, 2..=5, 1..=255, ..] => "a Python pickle, as torch.save writes",
        _ => return Ok(()),
    };
    let to = Path::new(at).with_extension("safetensors");
    let convert = format!(
        "python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('{at}', map_location='cpu'), '{}')\"",
        to.display()
    );
    Err(Error::expected(at, "a safetensors file", format!("{found}; convert it with: {convert}")))
}

/// The element types of the format that are understood, by name.
const ELEMENTS: [(&str, Element); 13] = [
    ("F64", Element::F64),
    ("F32", Element::F32),
    ("F16", Element::F16),
    ("BF16", Element::BF16),
    ("I64", Element::Whole(8)),
    ("U64", Element::Whole(8)),
    ("I32", Element::Whole(4)),
    ("U32", Element::Whole(4)),
    ("I16", Element::Whole(2)),
    ("U16", Element::Whole(2)),
    ("I8", Element::Whole(1)),
    ("U8", Element::Whole(1)),
    ("BOOL", Element::Whole(1)),
];

/// Those that this program writes.
const WRITTEN: [&str; 3] = ["F32", "F64", "U8"];

/// Refuses a file that [`listing`] would refuse, by its header alone.
pub(super) fn look(at: &str, from: &mut impl Read, length: u64) -> Result<()> {
    let (text, size) = header(at, from, length)?;
    Outline::new(at, &text, size).map(drop)
}

/// The tensors of a file as views of its bytes, of whatever type.
pub(super) fn listing(at: &str, bytes: &[u8]) -> Result<Vec<Stored>> {
    let (text, size) = header(at, &mut &*bytes, bytes.len() as u64)?;
    // What is not header is data.
    let start = bytes.len() - size as usize;
    let stored = |described: Described| {
        let shape = described.shape;
        let mut strides: Vec<usize> = vec![1; shape.len()];
        for k in (1..strides.len()).rev() {
            // Beyond what can be counted there is a length of 0, and nothing to step over.
            strides[k - 1] = strides[k].saturating_mul(shape[k]);
        }
        let bytes = start + described.begin..start + described.end;
        let element = described.dtype.1;
        Stored { name: described.name, shape, strides, element, bytes, offset: 0 }
    };
    Ok(Outline::new(at, &text, size)?.tensors.into_iter().map(stored).collect())
}

/// What the header says of one tensor, checked as far as it can be without the others.
pub struct Described {
    /// Path of its layer and role.
    pub name: String,
    /// Length along each axis.
    pub shape: Vec<usize>,
    dtype: (&'static str, Element),
    begin: usize,
    end: usize,
}

impl Described {
    fn new(at: &str, name: String, fields: Object<Value>) -> Result<Self> {
        let (mut dtype, mut shape, mut offsets) = (Value::Null, Value::Null, Value::Null);
        for (key, value) in fields.0 {
            match key.as_str() {
                "dtype" => dtype = value,
                "shape" => shape = value,
                "data_offsets" => offsets = value,
                _ => return Err(Error::expected(at, "dtype, shape and data_offsets", brief(&key))),
            }
        }
        let wrong = |field: &str, expected: &str, found: &Value| {
            Error::expected(format!("{at}.{field}"), expected, brief(&found.to_string()))
        };
        let Some(dtype) = ELEMENTS.into_iter().find(|(name, _)| dtype.as_str() == Some(*name)) else {
            let names: Vec<&str> = ELEMENTS.iter().map(|(name, _)| *name).collect();
            return Err(wrong("dtype", &format!("one of {}", names.join(", ")), &dtype));
        };
        let sizes = sizes(&shape).ok_or_else(|| wrong("shape", "a list of sizes", &shape))?;
        let bytes = count(&sizes)
            .and_then(|n| n.checked_mul(dtype.1.size()))
            .ok_or_else(|| wrong("shape", "fewer than 2^64 bytes", &shape))?;
        let Some([begin, end]) = self::sizes(&offsets).and_then(|list| <[usize; 2]>::try_from(list).ok())
        else {
            return Err(wrong("data_offsets", "two offsets", &offsets));
        };
        if begin.checked_add(bytes) != Some(end) {
            let expected = format!("{bytes} bytes, as dtype and shape say");
            return Err(wrong("data_offsets", &expected, &offsets));
        }
        Ok(Self { name, dtype, shape: sizes, begin, end })
    }

    /// The tensor, whose numbers come next.
    fn tensor(self, from: &mut impl Read) -> io::Result<Tensor> {
        let bytes = self.end - self.begin;
        let data = match self.dtype.1 {
            Element::F32 => Data::F32(numbers(from, bytes / 4, f32::from_le_bytes)?),
            Element::F64 => Data::F64(numbers(from, bytes / 8, f64::from_le_bytes)?),
            _ => Data::U8(numbers(from, bytes, |[byte]| byte)?),
        };
        Ok(Tensor { name: self.name, shape: self.shape, data })
    }
}

/// A JSON list of numbers that count something.
fn sizes(value: &Value) -> Option<Vec<usize>> {
    value.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect()
}

type Objects = Object<Object<Value>>;

/// A JSON object that keeps its order and refuses a name that comes twice; serde_json's own keeps the last.
struct Object<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Object<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Object<V>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Object<V>, A::Error> {
                let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, V>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("two entries called `{}`", brief(&name))));
                    }
                    entries.push((name, value));
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}
