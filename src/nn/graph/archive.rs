//! The zip archive that torch.export writes: stored entries, all within one folder or none.
//!
//! Nothing is unpacked to disk, entries are read by their exact names, and none before its size is known to be what the
//! graph says. Entries that share bytes or names are refused, so that the memory taken is bounded by the file's size.

use crate::base::files::brief;
use crate::base::{Error, Result};
use std::io::{Cursor, Read};
use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, ZipArchive};

/// The graph within the archive.
const MODEL: &str = "models/model.json";
/// What torch before 2.8 wrote instead.
const OLD: &str = "serialized_exported_program.json";
/// Longest graph that is parsed: a graph of 10 000 operations takes about 20 MB.
const LONGEST: u64 = 256 << 20;

/// An open archive.
#[derive(Debug)]
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    at: String,
    /// The folder that all entries lie in, with its slash; empty for none.
    folder: String,
}

impl<'a> Archive<'a> {
    /// Opens the archive in `bytes`; `at` is its name in errors.
    pub fn open(at: &str, bytes: &'a [u8]) -> Result<Self> {
        let broken = |e: zip::result::ZipError| {
            Error::expected(at, "an archive of torch.export.save", brief(&e.to_string()))
        };
        // Looked for, the start of the list of entries is taken for another where torch's records behind it are as long as
        // its first entry (a model of eight letters): the archive starts with the file.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let mut zip = ZipArchive::with_config(config, Cursor::new(bytes)).map_err(broken)?;
        if zip.has_duplicate_names() || zip.has_overlapping_entries().map_err(broken)? {
            return Err(Error::expected(at, "separate entries", "entries that share a name or bytes"));
        }
        let ends = |name: &str, end: &str| {
            name.strip_suffix(end)
                .filter(|folder| {
                    folder.is_empty() || folder.ends_with('/') && folder.matches('/').count() == 1
                })
                .map(str::to_owned)
        };
        let mut names = zip.file_names();
        let mut folders = Vec::new();
        let mut old = false;
        for name in names.by_ref() {
            let name = name.map_err(broken)?;
            old |= ends(&name, OLD).is_some();
            folders.extend(ends(&name, MODEL));
        }
        drop(names);
        match folders.as_slice() {
            [folder] => Ok(Self { zip, at: at.to_owned(), folder: folder.clone() }),
            [] if old => Err(Error::expected(
                at,
                "an archive of torch 2.8 or later (load it there with torch.export.load, then torch.export.save it again)",
                "one of an older torch",
            )),
            [] => Err(Error::expected(
                at,
                format!("{MODEL}, as torch.export.save writes it"),
                "an archive without",
            )),
            _ => Err(Error::expected(at, format!("one {MODEL}"), "several")),
        }
    }

    /// The graph's text.
    pub fn model(&mut self) -> Result<Vec<u8>> {
        self.text(MODEL)
    }

    /// An entry of text.
    pub fn text(&mut self, name: &str) -> Result<Vec<u8>> {
        self.entry(name, |size| (size <= LONGEST).then_some(()).ok_or(format!("at most {LONGEST} bytes")))
    }

    /// An entry of text, empty where there is none.
    pub fn maybe(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.zip.index_for_name(&format!("{}{name}", self.folder)) {
            Some(_) => self.text(name).map(Some),
            None => Ok(None),
        }
    }

    /// An entry of at least `least` bytes, a multiple of `of`.
    pub fn numbers(&mut self, name: &str, least: usize, of: usize) -> Result<Vec<u8>> {
        self.entry(name, |size| {
            if size >= least as u64 && size % of as u64 == 0 {
                Ok(())
            } else {
                Err(format!("{least} bytes of numbers"))
            }
        })
    }

    fn entry(
        &mut self,
        name: &str,
        fits: impl Fn(u64) -> std::result::Result<(), String>,
    ) -> Result<Vec<u8>> {
        let at = format!("{}: {}", self.at, brief(name));
        let torn = |e: &dyn std::fmt::Display| Error::expected(&at, "a whole entry", brief(&e.to_string()));
        let path = format!("{}{name}", self.folder);
        let Some(index) = self.zip.index_for_name(&path) else {
            return Err(Error::expected(at, "an entry", "none"));
        };
        let mut entry = self.zip.by_index(index).map_err(|e| torn(&e))?;
        if entry.compression() != CompressionMethod::Stored || entry.size() != entry.compressed_size() {
            return Err(Error::expected(at, "a stored entry", "a compressed one"));
        }
        fits(entry.size()).map_err(|expected| Error::expected(&at, expected, entry.size()))?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| torn(&e))?;
        Ok(bytes)
    }
}
