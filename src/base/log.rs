//! A log of finished pieces of long work: what is in it need not be computed again.
//!
//! ```text
//! "losscape log 1\n", SHA-256 of the header (64 hex digits), its length (8 bytes), CRC-32 of the length (4 bytes)
//! the header: JSON, all that decides what the pieces are worth
//! records, all of one size: index (8 bytes), numbers (f64), CRC-32 of both (4 bytes); little-endian
//! ```
//!
//! A process may be killed at any moment: a torn record at the end is cut off before the next one is appended. A log of
//! other settings, data or weights is refused with what differs, and so is one that is damaged anywhere else.

use crate::base::files::{self, brief};
use crate::base::isa;
use crate::base::{self, Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"losscape log 1\n";
/// Bytes of magic, hash, length and its checksum.
const FIXED: usize = MAGIC.len() + 64 + 8 + 4;

/// How to get rid of what is in the way.
pub const DISCARD: &str = "--fresh discards it";

/// The key of a header that says whose bytes the pieces are, where the order of sums is fixed. It stands beside what callers wrote.
const ORDER: &str = "isa";

/// Finished pieces by index: so many numbers each.
pub type Pieces = BTreeMap<u64, Vec<f64>>;

/// What two objects differ in, as `key = value` of each, nested keys by their path; `None` if in nothing.
pub fn difference(a: &impl Serialize, b: &impl Serialize) -> Option<(String, String)> {
    let [a, b] = [serde_json::to_value(a), serde_json::to_value(b)].map(|v| v.unwrap_or_default());
    let mut found = Vec::new();
    collect("", &a, &b, &mut found);
    // What was chosen, and what was read, before what follows from it.
    let chosen = |path: &str| {
        path.starts_with("settings") || ["data_sha256", "weights_sha256"].iter().any(|k| path.ends_with(k))
    };
    found.sort_by_key(|d| !chosen(&d.0));
    let list = |pick: fn(&(String, Value, Value)) -> &Value| {
        let pair = |d: &(String, Value, Value)| format!("{} = {}", d.0, brief(&pick(d).to_string()));
        // The first few say what is the matter.
        found.iter().take(6).map(pair).collect::<Vec<String>>().join(", ")
    };
    (!found.is_empty()).then(|| (list(|d| &d.1), list(|d| &d.2)))
}

fn collect(path: &str, a: &Value, b: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys = x.keys().chain(y.keys().filter(|key| !x.contains_key(*key)));
            let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&inner, &of(x, key), &of(y, key), found);
            }
        }
        _ if a != b => found.push((path.to_owned(), a.clone(), b.clone())),
        _ => {}
    }
}

/// A log as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What the pieces are pieces of.
    pub header: Value,
    /// The whole records.
    pub pieces: Pieces,
    /// Whether they were computed in the order that no processor changes.
    fixed: bool,
    /// Bytes up to the end of the last whole record.
    length: u64,
}

/// A log whose header has been read.
struct Opened {
    header: Value,
    fixed: bool,
    /// The records follow.
    from: BufReader<File>,
    /// Where they start.
    start: u64,
}

/// Opens a log; `None` where its header was torn, or there is none.
fn open(path: &Path) -> Result<Option<Opened>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let at = files::named(path);
    // Work appended through a link would land outside the directory.
    if path.is_symlink() {
        return Err(Error::expected(&at, "a regular file", "a symbolic link"));
    }
    let (file, length) = files::open_regular(path)?;
    let failed = |e: io::Error| Error::machine(&at, e);
    let mut from = BufReader::with_capacity(1 << 16, file);
    let mut fixed = Vec::new();
    from.by_ref().take(FIXED as u64).read_to_end(&mut fixed).map_err(failed)?;
    if !MAGIC.starts_with(&fixed[..fixed.len().min(MAGIC.len())]) {
        return Err(Error::expected(&at, "a log of losscape", "another file"));
    }
    if fixed.len() < FIXED {
        return Ok(None);
    }
    let (size, sum) = fixed[MAGIC.len() + 64..].split_at(8);
    // A length that is wrong would make a whole log look like a torn one, and be lost.
    if checksum(size) != sum {
        return Err(damaged(&at, "a length with another checksum"));
    }
    let size = u64::from_le_bytes(size.try_into().unwrap_or_default());
    if size > length - FIXED as u64 {
        return Ok(None);
    }
    if size > files::LARGEST_JSON {
        return Err(damaged(&at, format!("a header of {size} bytes")));
    }
    let mut text = vec![0; size as usize];
    from.read_exact(&mut text).map_err(failed)?;
    if files::sha256(&text).as_bytes() != &fixed[MAGIC.len()..MAGIC.len() + 64] {
        return Err(damaged(&at, "a header with another checksum"));
    }
    let text = std::str::from_utf8(&text).map_err(|e| damaged(&at, e))?;
    let mut header: Value = base::json::parse(&at, text).map_err(|e| damaged(&at, e))?;
    let fixed = header.as_object_mut().and_then(|header| header.remove(ORDER)).is_some();
    Ok(Some(Opened { header, fixed, from, start: FIXED as u64 + size }))
}

fn damaged(at: &str, what: impl std::fmt::Display) -> Error {
    Error::expected(at, "an undamaged log", format!("{what} ({DISCARD})"))
}

/// The header of a log; `None` if there is none, or one that was torn in it.
pub fn header(path: &Path) -> Result<Option<Value>> {
    Ok(open(path)?.map(|opened| opened.header))
}

/// Longest end that may be torn: pieces are appended some at a time, never so many.
const LONGEST_TORN: u64 = 256 << 20;

/// Reads a log with records of `width` numbers; `None` if there is none, or one that was torn before its first record.
pub fn read(path: &Path, width: usize) -> Result<Option<Found>> {
    let Some(Opened { header, fixed, mut from, start }) = open(path)? else { return Ok(None) };
    let at = files::named(path);
    let size = 8 + 8 * width + 4;
    let mut pieces = Pieces::new();
    let mut torn: Option<u64> = None;
    let mut record = Vec::new();
    for i in 0.. {
        record.clear();
        let read = from.by_ref().take(size as u64).read_to_end(&mut record);
        read.map_err(|e| Error::machine(&at, e))?;
        if record.is_empty() {
            let length = start + torn.unwrap_or(i) * size as u64;
            return Ok(Some(Found { header, pieces, fixed, length }));
        }
        match (decode(&record, width), torn) {
            (None, None) => torn = Some(i),
            (None, Some(bad)) if (i - bad) * size as u64 > LONGEST_TORN => {
                return Err(damaged(&at, format!("more than {LONGEST_TORN} bytes of no record")));
            }
            (None, Some(_)) => {}
            (Some(_), Some(bad)) => return Err(damaged(&at, format!("record {bad} with another checksum"))),
            (Some((index, numbers)), None) => {
                if pieces.get(&index).is_some_and(|old| !same_bits(old, &numbers)) {
                    return Err(damaged(&at, format!("piece {index} twice, with other numbers")));
                }
                pieces.insert(index, numbers);
            }
        }
    }
    Ok(None)
}

/// Whether two pieces are the same, NaN and all.
pub fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
}

fn decode(record: &[u8], width: usize) -> Option<(u64, Vec<f64>)> {
    let (body, sum) = record.split_at_checked(8 + 8 * width)?;
    let (index, numbers) = body.split_at(8);
    let whole = sum == checksum(body).as_slice();
    let numbers = numbers.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    whole.then(|| (u64::from_le_bytes(index.try_into().unwrap_or_default()), numbers))
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// A log that is being written.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Goes on with the log at `path`, or begins one; what was finished, too. Refuses a log of another `header`.
    pub fn open(path: &Path, header: &Value, width: usize) -> Result<(Self, Pieces)> {
        let failed = |e: std::io::Error| Error::machine(files::named(path), e);
        let found = read(path, width)?;
        if let Some(found) = &found
            && let Some((asked, there)) = difference(header, &found.header)
        {
            let expected = format!("unfinished work with {asked}");
            return Err(Error::expected(
                files::named(path),
                expected,
                format!("some with {there} ({DISCARD})"),
            ));
        }
        if found.as_ref().is_some_and(|found| found.fixed != isa::is_fixed()) {
            let [asked, there] = if isa::is_fixed() { ["with", "without"] } else { ["without", "with"] };
            let (expected, found) =
                (format!("unfinished work {asked} --isa"), format!("some {there} ({DISCARD})"));
            return Err(Error::expected(files::named(path), expected, found));
        }
        let open = OpenOptions::new().append(true).create(true).open(path);
        let mut this = Self { file: open.map_err(failed)?, path: path.to_owned() };
        match found {
            Some(found) => {
                this.file.set_len(found.length).map_err(failed)?;
                Ok((this, found.pieces))
            }
            None => {
                let mut header = header.clone();
                if isa::is_fixed()
                    && let Value::Object(header) = &mut header
                {
                    header.insert(ORDER.to_owned(), isa::ANY.into());
                }
                let text = header.to_string();
                let mut bytes = MAGIC.to_vec();
                bytes.extend(files::sha256(text.as_bytes()).as_bytes());
                let length = (text.len() as u64).to_le_bytes();
                bytes.extend(length);
                bytes.extend(checksum(&length));
                bytes.extend(text.as_bytes());
                this.file.set_len(0).map_err(failed)?;
                this.write(&bytes)?;
                files::sync_directory(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
                Ok((this, Pieces::new()))
            }
        }
    }

    /// Appends finished pieces; they are on the disk when this returns.
    pub fn append<'a>(&mut self, pieces: impl IntoIterator<Item = (u64, &'a [f64])>) -> Result<()> {
        let mut bytes = Vec::new();
        for (index, numbers) in pieces {
            let start = bytes.len();
            bytes.extend(index.to_le_bytes());
            bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
            let sum = checksum(&bytes[start..]);
            bytes.extend(sum);
        }
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|e| Error::machine(files::named(&self.path), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn numbers(i: u64) -> [f64; 2] {
        [i as f64 / 3.0, if i == 4 { f64::NAN } else { -1.5 }]
    }

    fn whole(path: &Path) -> Result<Vec<u8>> {
        let (mut log, kept) = Log::open(path, &json!({"a": 1}), 2)?;
        assert!(kept.is_empty());
        for i in 0..6 {
            log.append([(i, numbers(i).as_slice())])?;
        }
        files::read_regular(path, files::LARGEST)
    }

    #[test]
    fn a_log_cut_anywhere_goes_on_from_its_whole_records() -> Result<()> {
        let directory = tempfile::tempdir().map_err(|e| Error::machine("a directory", e))?;
        let path = directory.path().join("x.log");
        let bytes = whole(&path)?;
        for cut in 0..bytes.len() {
            files::write_atomic(&path, &bytes[..cut])?;
            let (mut log, kept) = Log::open(&path, &json!({"a": 1}), 2)?;
            assert!(kept.keys().copied().eq(0..kept.len() as u64), "cut at {cut}");
            for (i, found) in &kept {
                assert_eq!(
                    found.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                    numbers(*i).map(f64::to_bits)
                );
            }
            for i in kept.len() as u64..6 {
                log.append([(i, numbers(i).as_slice())])?;
            }
            assert_eq!(files::read_regular(&path, files::LARGEST)?, bytes, "cut at {cut}");
        }
        Ok(())
    }

    #[test]
    fn damage_and_other_settings_are_refused() -> Result<()> {
        let directory = tempfile::tempdir().map_err(|e| Error::machine("a directory", e))?;
        let path = directory.path().join("x.log");
        let bytes = whole(&path)?;
        let last = bytes.len() - (8 + 16 + 4);
        for at in 0..last {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            files::write_atomic(&path, &bad)?;
            let refused = Log::open(&path, &json!({"a": 1}), 2).map(|_| ());
            assert_eq!(refused.map_err(|e| e.exit_code()), Err(2), "byte {at}");
        }
        files::write_atomic(&path, &bytes)?;
        let other = Log::open(&path, &json!({"a": 2, "b": {"c": 3}}), 2).map(|_| ());
        let message = other.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("a = 2, b = ") && message.contains("a = 1"), "{message}");
        Ok(())
    }

    #[test]
    fn differences_are_named_by_their_path() {
        let found = difference(&json!({"x": {"y": 1, "z": 2}}), &json!({"x": {"y": 1, "z": 3}}));
        assert_eq!(found, Some(("x.z = 2".to_owned(), "x.z = 3".to_owned())));
        assert_eq!(difference(&json!({"x": 1}), &json!({"x": 1})), None);
    }
}
