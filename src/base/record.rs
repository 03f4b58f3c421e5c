//! Finished pieces that later work trusts: what is read is what was written.
//!
//! A result's directory has a record, `machine.json`, with the SHA-256 of every file of the result, pictures aside; a run's own
//! `run.json` has that of the weights. [`files::read_regular`] and [`files::open_regular`] ask here before they return a file: one that
//! is not as it was recorded is refused. A piece of work that lies by itself, a case of a study, carries its hash in itself.

use crate::base::{Error, Result, files, json};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// The record of a result: what cannot be the same in two runs, and hashes of what is.
pub const RECORD: &str = "machine.json";
/// Where the hashes stand in it: an object of them by the names of files.
const HASHES: &str = "sha256";

/// The record of a run, which names the hash of the weights beside it.
const RUN: (&str, &str, &str) = ("run.json", "weights.safetensors", "weights_sha256");

/// Longer records are none of ours.
const MOST: u64 = 4 << 20;

/// A record as it lies in a directory; null where there is none that can be read.
fn record(directory: &Path, name: &str) -> Value {
    let path = directory.join(name);
    let small = std::fs::metadata(&path).is_ok_and(|there| there.is_file() && there.len() <= MOST);
    let text = if small { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    json::parse(name, &text).unwrap_or_default()
}

/// The directory that a path's last name is in, and that name.
fn parts(path: &Path) -> Option<(&Path, &str)> {
    let directory = path.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new("."));
    Some((directory, path.file_name()?.to_str()?))
}

/// SHA-256 of all that comes.
fn sha256(contents: &mut impl Read) -> std::io::Result<String> {
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match contents.read(&mut part)? {
            0 => return Ok(files::hex(&hash.finalize())),
            n => hash.update(&part[..n]),
        }
    }
}

/// Refuses the contents of a file that a record beside it says to be others. Nothing is read that no record speaks of.
pub fn check(path: &Path, contents: &mut impl Read) -> Result<()> {
    let Some((directory, name)) = parts(path).filter(|(_, name)| *name != RECORD) else { return Ok(()) };
    let of = |record: &Value| record.as_str().map(str::to_owned);
    let mut recorded = vec![(RECORD, of(&record(directory, RECORD)[HASHES][name]))];
    if name == RUN.1 {
        recorded.push((RUN.0, of(&record(directory, RUN.0)[RUN.2])));
    }
    recorded.retain(|(_, hash)| hash.is_some());
    if recorded.is_empty() {
        return Ok(());
    }
    let found = sha256(contents).map_err(|e| Error::machine(files::named(path), e))?;
    match recorded.into_iter().find(|(_, hash)| hash.as_ref() != Some(&found)) {
        None => Ok(()),
        Some((by, hash)) => {
            let hash = files::brief(&hash.unwrap_or_default());
            let found = format!("others, {found}: the file was damaged or changed since");
            Err(Error::expected(
                files::named(path),
                format!("contents with SHA-256 {hash} as {by} records"),
                found,
            ))
        }
    }
}

/// The hashes of a directory's new files, for its record: those of others that lie there stay recorded.
pub fn hashes<'a>(directory: &Path, new: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Value {
    let old = match record(directory, RECORD)[HASHES].take() {
        Value::Object(old) => old,
        _ => Map::new(),
    };
    let there = |name: &str| files::within(directory, name).is_ok_and(|path| path.is_file());
    let mut all: Map<String, Value> = old.into_iter().filter(|(name, _)| there(name)).collect();
    all.extend(new.into_iter().map(|(name, bytes)| (name.to_owned(), files::sha256(bytes).into())));
    Value::Object(all)
}

/// A file is about to be replaced by something that is no part of the recorded result: it is recorded no more.
pub(super) fn forget(path: &Path) -> Result<()> {
    let Some((directory, name)) = parts(path).filter(|(_, name)| *name != RECORD) else { return Ok(()) };
    let mut record = record(directory, RECORD);
    let known = record[HASHES].as_object_mut().and_then(|all| all.remove(name));
    match known {
        None => Ok(()),
        Some(_) => {
            let text = serde_json::to_string_pretty(&record).map_err(|e| Error::machine(RECORD, e))?;
            files::write_atomic(&directory.join(RECORD), text.as_bytes())
        }
    }
}

/// How a sealed object begins: its hash is the first of its members.
const SEAL: (&str, &str) = ("{\"sha256\":\"", "\",");

/// A JSON object, not an empty one, with the SHA-256 of all its other members in it.
pub fn sealed(object: &str) -> String {
    let rest = object.strip_prefix('{').unwrap_or(object);
    format!("{}{}{}{rest}", SEAL.0, files::sha256(rest.as_bytes()), SEAL.1)
}

/// The object as it was before it was sealed; none if it is not as it was then.
pub fn unsealed(text: &str) -> Option<String> {
    let (hash, rest) = text.strip_prefix(SEAL.0)?.split_once(SEAL.1)?;
    (files::sha256(rest.as_bytes()) == hash).then(|| format!("{{{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sealed_object_with_any_bit_flipped_is_none() {
        let text = sealed(r#"{"a":0.0066,"b":[1,2]}"#);
        assert_eq!(unsealed(&text).as_deref(), Some(r#"{"a":0.0066,"b":[1,2]}"#));
        assert!(serde_json::from_str::<Value>(&text).is_ok_and(|v| v["a"] == 0.0066));
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(bytes).ok().and_then(|text| unsealed(&text));
            assert_eq!(read, None, "bit {bit}");
        }
    }

    #[test]
    fn recorded_files_are_refused_when_they_change() -> Result<()> {
        let directory = tempfile::tempdir().map_err(|e| Error::machine("a directory", e))?;
        let at = |name: &str| directory.path().join(name);
        let record = json!({"sha256": hashes(directory.path(), [("a.npz", &b"abc"[..])])});
        files::write_atomic(&at("a.npz"), b"abc")?;
        files::write_atomic(&at(RECORD), record.to_string().as_bytes())?;
        assert_eq!(files::read_regular(&at("a.npz"), 10)?, b"abc");
        std::fs::write(at("a.npz"), b"abd").map_err(|e| Error::machine("a.npz", e))?;
        let message =
            files::read_regular(&at("a.npz"), 10).map_err(|e| e.to_string()).err().unwrap_or_default();
        assert!(message.contains("as machine.json records, found others"), "{message}");
        // A second result in the same place leaves the first on record; what replaces a file by itself does not.
        std::fs::write(at("a.npz"), b"abc").map_err(|e| Error::machine("a.npz", e))?;
        let both = hashes(directory.path(), [("b.json", &b"{}"[..])]);
        assert_eq!(both.as_object().map(Map::len), Some(2));
        files::write_atomic(&at("a.npz"), b"new")?;
        assert_eq!(files::read_regular(&at("a.npz"), 10)?, b"new");
        // Weights are named by the record of their run.
        files::write_atomic(&at(RUN.1), b"weights")?;
        for (hash, fits) in [(files::sha256(b"weights"), true), (files::sha256(b"others"), false)] {
            files::write_atomic(&at(RUN.0), json!({"weights_sha256": hash}).to_string().as_bytes())?;
            assert_eq!(files::read_regular(&at(RUN.1), 10).is_ok(), fits);
        }
        Ok(())
    }
}
