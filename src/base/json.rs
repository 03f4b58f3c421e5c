//! JSON from files that may come from anywhere: what it takes in memory is known before it is read.
//!
//! Parsed, a document takes many times its length: `{"":0},` is seven bytes of text and a tree's node of 700. The parts that take
//! memory are counted first, and a document that would take too much is refused. How deep it is nested is serde_json's to
//! limit (128).

use super::files;
use super::{Error, Result};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use std::path::Path;

/// The most memory that a document may take, about: 128 MiB, five million numbers.
const MOST: u64 = 128 << 20;

/// Bytes of an object: the first node of its tree, eleven keys and values.
const OBJECT: u64 = 680;
/// Bytes of a list before its fifth entry.
const LIST: u64 = 128;
/// Bytes of one more entry, in vectors and trees that keep room to grow.
const ENTRY: u64 = 48;
/// Bytes of a text beside its length.
const TEXT: u64 = 32;

/// Bytes that a document takes once it is read, about, and at most.
fn memory(text: &str) -> u64 {
    let (mut bytes, mut quoted, mut escaped) = (0, false, false);
    for c in text.bytes() {
        match (quoted, c) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => {
                bytes += u64::from(!quoted) * TEXT;
                quoted = !quoted;
            }
            (true, _) => bytes += 1,
            (false, b'{') => bytes += OBJECT,
            (false, b'[') => bytes += LIST,
            (false, b',') => bytes += ENTRY,
            _ => {}
        }
    }
    bytes
}

/// Refuses a document that would take too much memory.
pub fn fits(at: &str, text: &str) -> Result<()> {
    match memory(text) {
        most if most <= MOST => Ok(()),
        found => {
            let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
            Err(Error::expected(at, format!("JSON that takes at most {} in memory", mib(MOST)), mib(found)))
        }
    }
}

/// Reads the text that stands at a place.
pub fn parse<T: DeserializeOwned>(at: &str, text: &str) -> Result<T> {
    fits(at, text)?;
    serde_json::from_str(text).map_err(|e| Error::value(at, &e.to_string()))
}

/// Reads a file.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = files::read_text(path, files::LARGEST_JSON)?;
    parse(&files::named(path), &text)
}

/// For a field that is a number: what is not finite stands as null in JSON, and reads as NaN.
pub fn number<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or(f64::NAN))
}

/// The same for a list of numbers.
pub fn numbers<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<f64>, D::Error> {
    let all: Vec<Option<f64>> = Vec::deserialize(d)?;
    Ok(all.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect())
}

/// The same for two numbers.
pub fn pair<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<[f64; 2], D::Error> {
    Ok(<[Option<f64>; 2]>::deserialize(d)?.map(|x| x.unwrap_or(f64::NAN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_takes_much_memory_is_refused_before_it_is_read() {
        for (part, n) in [
            ("{\"\":0},", 300_000),
            ("0,", 4_000_000),
            ("[],", 1_000_000),
            ("\"\",", 2_000_000),
            ("{},", 300_000),
        ] {
            let text = format!("[{}0]", part.repeat(n));
            let refused =
                parse::<Value>("a.json", &text).map_err(|e| e.to_string()).err().unwrap_or_default();
            assert!(
                refused.starts_with("a.json: expected JSON that takes at most 128 MiB"),
                "{part}: {refused}"
            );
        }
        let numbers = format!("[{}0]", "0.123456789012345,".repeat(1_000_000));
        assert_eq!(parse::<Vec<f64>>("a.json", &numbers).map(|v| v.len()), Ok(1_000_001));
        assert!(fits("a.json", &format!("\"{}\"", "{[,\\\"".repeat(1_000_000))).is_ok());
    }
}
