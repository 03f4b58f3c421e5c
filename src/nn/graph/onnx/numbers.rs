//! The numbers of a tensor, which lie in the file or in another within its folder.

use super::proto::TensorProto;
use crate::base::files::{self, brief};
use crate::base::{Error, Result};
use crate::nn::graph::dtype::Stored;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Most numbers that a tensor may have.
const MOST: usize = 1 << 31;

/// How numbers of an ONNX type are stored; none where they are not understood.
pub fn stored(kind: u64) -> Option<Stored> {
    Some(match kind {
        1 => Stored::F32,
        2 => Stored::U8,
        3 => Stored::I8,
        5 => Stored::I16,
        6 => Stored::I32,
        7 => Stored::I64,
        9 => Stored::Bool,
        10 => Stored::F16,
        11 => Stored::F64,
        16 => Stored::BF16,
        _ => return None,
    })
}

/// The type of tensors of an ONNX type; refuses others.
pub fn known(at: &str, kind: u64) -> Result<Stored> {
    stored(kind).ok_or_else(|| {
        let known = "a type of float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8 or bool";
        let found = match kind {
            0 => "none".to_owned(),
            8 => "text".to_owned(),
            14 | 15 => "complex numbers".to_owned(),
            17..=23 => "quantised numbers (export the network before it is quantised)".to_owned(),
            other => format!("number {other} of ONNX's list"),
        };
        Error::expected(at, known, found)
    })
}

/// Files beside a graph that hold its numbers.
#[derive(Debug)]
pub struct Beside {
    folder: Option<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Beside {
    /// Files are looked for within `folder`; nowhere if there is none.
    pub fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_path_buf), files: BTreeMap::new() }
    }

    /// SHA-256 of each file that was read, in the order of their names.
    pub fn hashes(&self) -> Vec<String> {
        self.files.values().map(|bytes| files::sha256(bytes)).collect()
    }

    fn bytes(&mut self, at: &str, tensor: &TensorProto, needed: usize) -> Result<&[u8]> {
        let location = tensor.external.get("location").copied().unwrap_or_default();
        let path = Path::new(location);
        let within = !location.is_empty() && path.components().all(|c| matches!(c, Component::Normal(_)));
        let (Some(folder), true) = (&self.folder, within) else {
            let found = format!("`{}`", brief(location));
            return Err(Error::expected(at, "external data in a file within the graph's own folder", found));
        };
        let path = folder.join(path);
        // A link may lead out of the folder.
        let inside = |p: &Path| match (p.canonicalize(), folder.canonicalize()) {
            (Ok(file), Ok(folder)) => file.starts_with(folder),
            _ => false,
        };
        if !path.exists() {
            let found = format!("no {}", brief(location));
            return Err(Error::expected(at, "its external data beside the graph, as it was exported", found));
        }
        if !inside(&path) {
            return Err(Error::expected(
                at,
                "external data within the graph's own folder",
                "a link out of it",
            ));
        }
        let number = |key: &str, or: usize| match tensor.external.get(key) {
            None => Ok(or),
            Some(text) => text
                .parse::<usize>()
                .map_err(|_| Error::expected(at, format!("a whole number as {key}"), brief(text))),
        };
        let (offset, length) = (number("offset", 0)?, number("length", needed)?);
        if length != needed {
            return Err(Error::expected(at, format!("{needed} bytes of external data"), length));
        }
        if !self.files.contains_key(&path) {
            let bytes = files::read_regular(&path, files::LARGEST)?;
            self.files.insert(path.clone(), bytes);
        }
        let all = &self.files[&path];
        match offset.checked_add(needed).and_then(|end| all.get(offset..end)) {
            Some(bytes) => Ok(bytes),
            None => {
                let expected = format!("{needed} bytes from byte {offset} on in {}", brief(location));
                Err(Error::expected(at, expected, format!("a file of {} bytes", all.len())))
            }
        }
    }
}

/// A tensor that was read.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// How they were stored.
    pub stored: Stored,
    /// Row-major.
    pub numbers: Vec<f64>,
}

/// Reads a tensor; `at` is where it stands.
pub fn read(at: &str, tensor: &TensorProto, beside: &mut Beside) -> Result<Numbers> {
    if tensor.segmented || tensor.texts {
        return Err(Error::expected(at, "numbers in one piece", "text, or segments"));
    }
    let stored = known(at, tensor.kind)?;
    let size = |n: usize, d: &i64| n.checked_mul(usize::try_from(*d).ok()?).filter(|n| *n <= MOST);
    let shape: Vec<usize> = tensor.dims.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
    let Some(size) = tensor.dims.iter().try_fold(1usize, size) else {
        return Err(Error::expected(
            at,
            format!("at most {MOST} numbers"),
            format!("shape {:?}", tensor.dims),
        ));
    };
    if tensor.raw.is_some() && !tensor.numbers.is_empty() {
        return Err(Error::expected(at, "numbers in one place", "two"));
    }
    let whole = |bytes: &[u8]| (0..size).map(|i| stored.read(bytes, i)).collect::<Vec<f64>>();
    let needed = size * stored.size();
    let numbers = if tensor.is_external {
        whole(beside.bytes(at, tensor, needed)?)
    } else if let Some(raw) = tensor.raw {
        if raw.len() != needed {
            let expected = format!("{needed} bytes for shape {shape:?}");
            return Err(Error::expected(at, expected, raw.len()));
        }
        whole(raw)
    } else {
        if tensor.numbers.len() != size {
            return Err(Error::expected(at, format!("{size} numbers"), tensor.numbers.len()));
        }
        tensor.numbers.clone()
    };
    Ok(Numbers { shape, stored, numbers })
}
