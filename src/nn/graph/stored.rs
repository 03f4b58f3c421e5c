//! The tensors of an archive: weights and constants as raw little-endian numbers, and the lists that say which is which.

use super::archive::Archive;
use super::dtype::{Dtype, Stored};
use super::schema::{Meta, Size};
use super::value::strides;
use crate::base::files::brief;
use crate::base::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most numbers that a tensor of a file may have.
const MOST: usize = 1 << 31;

/// A list of tensors by name.
#[derive(Debug, Default, Deserialize)]
pub struct Listing {
    #[serde(default)]
    config: BTreeMap<String, Entry>,
    /// The folder that they lie in.
    #[serde(skip)]
    folder: &'static str,
}

#[derive(Debug, Deserialize)]
struct Entry {
    path_name: String,
    #[serde(default)]
    use_pickle: bool,
    tensor_meta: Option<Meta>,
}

/// A tensor that was read.
#[derive(Clone, Debug)]
pub struct StoredTensor {
    /// Length along each axis.
    pub shape: Vec<usize>,
    /// What kind of numbers.
    pub dtype: Dtype,
    /// Whether they are stored in double precision.
    pub double: bool,
    /// Row-major.
    pub numbers: Vec<f64>,
    /// Which numbers of which entry they are: tensors that agree in it are one tensor under several names.
    pub place: (String, Vec<isize>, usize),
}

impl Listing {
    /// Reads a list, which may be missing.
    pub fn read(archive: &mut Archive, at: &str, folder: &'static str, file: &str) -> Result<Self> {
        let Some(text) = archive.maybe(&format!("{folder}/{file}"))? else { return Ok(Self::default()) };
        let listing: Self = serde_json::from_slice(&text)
            .map_err(|e| Error::value(format!("{at}: {file}"), &brief(&e.to_string())))?;
        Ok(Self { folder, ..listing })
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.config.contains_key(name)
    }

    /// Reads the tensor called `name`.
    pub fn tensor(&self, archive: &mut Archive, at: &str, name: &str) -> Result<StoredTensor> {
        let at = format!("{at}: {}", brief(name));
        let Some(entry) = self.config.get(name) else {
            return Err(Error::expected(at, "numbers in the archive", "none"));
        };
        let Some(meta) = entry.tensor_meta.as_ref().filter(|_| !entry.use_pickle) else {
            return Err(Error::expected(
                at,
                "a tensor stored as plain numbers",
                "a pickled object, which is never run",
            ));
        };
        if entry.path_name.is_empty()
            || entry.path_name.contains(['/', '\\'])
            || entry.path_name.starts_with('.')
        {
            return Err(Error::expected(
                at,
                "the name of an entry beside it",
                format!("`{}`", brief(&entry.path_name)),
            ));
        }
        if meta.layout != 7 {
            return Err(Error::expected(
                at,
                "a dense tensor",
                format!("layout {} of torch's list", meta.layout),
            ));
        }
        let stored = Stored::of(&at, meta.dtype)?;
        let whole = |size: &Size| match size {
            Size::AsInt(n) if *n >= 0 => Ok(*n as usize),
            _ => Err(Error::expected(&at, "sizes of at least 0", "others")),
        };
        let shape = meta.sizes.iter().map(whole).collect::<Result<Vec<usize>>>()?;
        let size = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= MOST);
        let Some(size) = size else {
            return Err(Error::expected(at, format!("at most {MOST} numbers"), format!("shape {shape:?}")));
        };
        let steps = if meta.strides.len() == shape.len() {
            meta.strides.iter().map(whole).collect::<Result<Vec<usize>>>()?
        } else {
            return Err(Error::expected(at, "a stride for each axis", meta.strides.len()));
        };
        let offset = whole(&meta.storage_offset)?;
        // A tensor that repeats numbers would take more memory than the file has.
        let far = |(d, s): (&usize, &usize)| (*d as u128).saturating_sub(1) * *s as u128;
        let last = offset as u128 + shape.iter().zip(&steps).map(far).sum::<u128>();
        if size > 0 && last + 1 < size as u128 {
            return Err(Error::expected(at, "numbers of its own", "a tensor that repeats them"));
        }
        let needed = if size == 0 { 0 } else { (last + 1) * stored.size() as u128 };
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        let path = format!("{}/{}", self.folder, entry.path_name);
        let bytes = archive.numbers(&path, needed, stored.size())?;
        let steps: Vec<isize> = steps.into_iter().map(|s| s as isize).collect();
        let numbers = if steps == strides(&shape) || size <= 1 {
            (offset..offset + size).map(|i| stored.read(&bytes, i)).collect()
        } else {
            let mut numbers = Vec::with_capacity(size);
            let mut index = vec![0usize; shape.len()];
            for _ in 0..size {
                let at: isize = index.iter().zip(&steps).map(|(i, s)| *i as isize * s).sum();
                numbers.push(stored.read(&bytes, offset + at as usize));
                for axis in (0..shape.len()).rev() {
                    index[axis] += 1;
                    if index[axis] < shape[axis] {
                        break;
                    }
                    index[axis] = 0;
                }
            }
            numbers
        };
        let place = (path, steps, offset);
        Ok(StoredTensor { shape, dtype: stored.dtype(), double: stored == Stored::F64, numbers, place })
    }
}
