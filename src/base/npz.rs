//! `.npz`: a zip archive of arrays in numpy's own format, as `numpy.savez` writes and `numpy.load` reads.
//!
//! What is written is stored uncompressed with the date 1980-01-01: the same arrays give the same bytes. [`Npz`] is such
//! an archive whole, in memory; [`Archive`] is any that numpy or others wrote, also compressed, of which headers come first
//! and arrays when they are asked for.

use crate::base::files::{self, brief};
use crate::base::foreign;
use crate::base::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

pub(crate) use super::npy::count;
pub use super::npy::{Array, Dtype, Header, Sort, Values};

/// Named arrays, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Npz {
    arrays: Vec<(String, Array)>,
}

/// An archive of which nothing but the list of its entries has been read.
pub struct Archive<R> {
    at: String,
    zip: ZipArchive<R>,
    names: Vec<String>,
}

/// Most that deflate makes of a byte.
const MOST_INFLATED: u64 = 1032;

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
            array.write_to(&mut zip)?;
        }
        zip.finish()?;
        Ok(())
    }

    /// Reads the archive at `path`, all of it.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(Archive::open(path)?)
    }

    /// Reads an archive; `at` is its name in errors.
    pub fn from_bytes(at: &str, bytes: &[u8]) -> Result<Self> {
        Self::of(Archive::new(at, Cursor::new(bytes))?)
    }

    fn of<R: Read + Seek>(mut archive: Archive<R>) -> Result<Self> {
        let mut arrays = Vec::new();
        for (i, name) in archive.names.clone().into_iter().enumerate() {
            // Results are stored as they are: what they take in memory is what they take on the disk.
            if archive.entry(i)?.compression() != CompressionMethod::Stored {
                let expected = "an uncompressed array (numpy.savez)";
                return Err(Error::expected(archive.place(&name), expected, "a compressed one"));
            }
            arrays.push((name, archive.array_at(i)?.1));
        }
        Ok(Self { arrays })
    }
}

impl Archive<BufReader<File>> {
    /// Opens the archive at `path`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(&files::named(path), BufReader::new(files::open_regular(path)?.0))
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the list of entries; `at` is the archive's name in errors. Refuses entries that share a name or bytes.
    pub fn new(at: &str, mut reader: R) -> Result<Self> {
        let broken = |e: zip::result::ZipError| Error::expected(at, "a .npz archive", brief(&e.to_string()));
        if !ends_as_archive(&mut reader).map_err(|e| Error::machine(at, e))? {
            let mut head = Vec::new();
            (&mut reader).take(16).read_to_end(&mut head).map_err(|e| Error::machine(at, e))?;
            let found = if head.starts_with(b"\x93NUMPY") {
                "one array alone (data set npy:x=PATH,y=PATH reads files of one array each)".to_owned()
            } else {
                foreign::known(&head).unwrap_or_else(|| "no list of entries at its end".to_owned())
            };
            return Err(Error::expected(at, "a .npz archive", found));
        }
        let mut zip = ZipArchive::new(reader).map_err(broken)?;
        let shared = || Error::expected(at, "separate entries", "entries that share a name or bytes");
        // Entries that share bytes would let a small file fill the memory.
        if zip.has_duplicate_names() || zip.has_overlapping_entries().map_err(broken)? {
            return Err(shared());
        }
        let mut names: Vec<String> = Vec::new();
        for name in zip.file_names() {
            let name = name.map_err(broken)?;
            // As numpy has it, `x` and `x.npy` are one name.
            names.push(name.strip_suffix(".npy").unwrap_or(&name).to_owned());
        }
        if let Some(found) = foreign::archived(names.iter().map(String::as_str)) {
            return Err(Error::expected(at, "a .npz archive", found));
        }
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(shared());
        }
        Ok(Self { at: at.to_owned(), zip, names })
    }

    /// The names of all entries, without `.npy`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where an array stands, for messages.
    pub fn place(&self, name: &str) -> String {
        format!("{}: {}", self.at, brief(name))
    }

    /// The header of the array called `name`; none where there is no such entry.
    pub fn header(&mut self, name: &str) -> Result<Option<Header>> {
        let place = self.place(name);
        let Some(i) = self.index(name) else { return Ok(None) };
        let mut entry = self.entry(i)?;
        let length = entry.size();
        Header::read(&place, &mut entry, length).map(Some)
    }

    /// The array called `name`, and the type that its numbers have in the archive.
    pub fn array(&mut self, name: &str) -> Result<(Dtype, Array)> {
        match self.index(name) {
            Some(i) => self.array_at(i),
            None => {
                let there: Vec<String> = self.names.iter().map(|name| brief(name)).take(8).collect();
                let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
                Err(Error::expected(&self.at, format!("an array `{name}`"), there))
            }
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    fn array_at(&mut self, i: usize) -> Result<(Dtype, Array)> {
        let place = self.place(&self.names[i]);
        let mut entry = self.entry(i)?;
        let length = entry.size();
        let header = Header::read(&place, &mut entry, length)?;
        Ok((header.dtype, header.array(&place, &mut entry)?))
    }

    fn entry(&mut self, i: usize) -> Result<ZipFile<'_, R>> {
        let place = self.place(&self.names[i]);
        let entry =
            self.zip.by_index(i).map_err(|e| Error::expected(&place, "an array", brief(&e.to_string())))?;
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            let expected = "an array that is stored or deflated, as numpy does";
            return Err(Error::expected(place, expected, entry.compression()));
        }
        if entry.size() > entry.compressed_size().saturating_mul(MOST_INFLATED) {
            let expected = format!("at most {MOST_INFLATED} times its {} bytes", entry.compressed_size());
            return Err(Error::expected(place, expected, entry.size()));
        }
        Ok(entry)
    }
}

/// Whether a list of entries ends the file, with a comment of at most 64 KiB behind it. The library looks for one in the
/// whole file, which takes long where there is none.
pub fn ends_as_archive(reader: &mut (impl Read + Seek)) -> io::Result<bool> {
    const LONGEST: u64 = 22 + u16::MAX as u64;
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    reader.take(LONGEST).read_to_end(&mut end)?;
    reader.rewind()?;
    let closes = |(i, record): (usize, &[u8])| {
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(b"PK\x05\x06") && i + 22 + comment == end.len()
    };
    Ok(end.windows(22).enumerate().any(closes))
}
