//! Mutations of seeds: of bytes and tokens, and of what a form of file is made of, so that they get past the first check.

use crate::readers::Form;
use losscape::base::random::Rng;
use losscape::base::{files, npz::Npz};
use rand::RngExt;
use serde_json::{Map, Value, json};
use std::io::{Cursor, Read, Write};

/// Most bytes that a mutation may grow to.
const LONGEST: usize = 1 << 18;

fn below(rng: &mut Rng, n: usize) -> usize {
    rng.random_range(0..n.max(1))
}

fn choose<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[below(rng, from.len())]
}

/// A mutation of a seed; `others` are all seeds of the same reader.
pub fn mutate(rng: &mut Rng, form: Form, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    // A line that names a kind of result stays, mostly.
    let head = match form {
        Form::Json | Form::Npz => seed.iter().take(16).position(|b| *b == b'\n').map_or(0, |at| at + 1),
        _ => 0,
    };
    let (head, body) = match head > 1 && !seed.starts_with(b"{") && !seed.starts_with(b"PK") {
        true => seed.split_at(head),
        false => seed.split_at(0),
    };
    let built = match (form, below(rng, 4)) {
        (_, 0) | (Form::Bytes, _) => None,
        (Form::Text, 1) => None,
        (Form::Text, _) => Some(tokens(rng, body)),
        (Form::Toml, 1) | (Form::Json, 1) => Some(tokens(rng, body)),
        (Form::Toml, _) => toml_of(rng, body),
        (Form::Json, _) => json_of(rng, body),
        (Form::Tensors, _) => tensors(rng, body, false),
        (Form::Checkpoint, _) => tensors(rng, body, true),
        (Form::Npz, _) => npz(rng, body),
        (Form::Archive, _) if body.starts_with(b"PK") => archive(rng, body, others),
        (Form::Archive, _) => tensors(rng, body, false),
        (Form::Log, _) => log(rng, body),
    };
    let mut body = built.unwrap_or_else(|| bytes(rng, body, others));
    if below(rng, 8) == 0 {
        body = bytes(rng, &body, others);
    }
    body.truncate(LONGEST);
    [head, &body].concat()
}

/// Numbers at which something overflows.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    (1 << 53) + 1,
    i64::MAX as u64,
    u64::MAX,
];

fn bytes(rng: &mut Rng, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut all = seed.to_vec();
    for _ in 0..1 + below(rng, 3) {
        let at = below(rng, all.len());
        let end = (at + 1 + below(rng, 32)).min(all.len());
        match below(rng, 9) {
            0 if !all.is_empty() => all[at] ^= 1 << below(rng, 8),
            1 if !all.is_empty() => all[at] = rng.random(),
            2 => all.truncate(at),
            3 if at < end => drop(all.drain(at..end)),
            4 => all.insert(at, rng.random()),
            5 if at < end => {
                let part = all[at..end].repeat(1 + below(rng, 40));
                drop(all.splice(at..at, part));
            }
            6 => {
                let (number, width) = (choose(rng, &EDGES).to_le_bytes(), *choose(rng, &[1, 2, 4, 8]));
                let mut number = number[..width].to_vec();
                if below(rng, 2) == 0 {
                    number.reverse();
                }
                let end = (at + width).min(all.len());
                drop(all.splice(at..end, number));
            }
            7 => {
                let other = choose(rng, others);
                all.truncate(at);
                all.extend(&other[below(rng, other.len())..]);
            }
            _ => all.extend(std::iter::repeat_n(rng.random::<u8>(), below(rng, 300))),
        }
    }
    all
}

/// What stands where a number stood.
const NUMBERS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "-0.0",
    "1e-320",
    "1e308",
    "-1e308",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "1e299",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "1000000000000",
    "0.1",
    "",
];

/// What stands where a word stood.
const WORDS: [&str; 16] = [
    "",
    "x",
    "..",
    "/etc/passwd",
    "a\u{1b}[2J",
    "\\u0000",
    "null",
    "true",
    "[",
    "{",
    "\"",
    "mlp:hidden=[1,2]",
    "=1+1",
    "(",
    "\u{202e}",
    "1:2:3",
];

/// Replaces, drops, repeats and swaps tokens and lines.
fn tokens(rng: &mut Rng, seed: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(seed).into_owned();
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let mut parts: Vec<String> = Vec::new();
    for c in text.chars() {
        match parts.last_mut() {
            Some(last) if word(c) && last.chars().all(word) => last.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    for _ in 0..1 + below(rng, 4) {
        let (at, other) = (below(rng, parts.len()), below(rng, parts.len()));
        let Some(part) = parts.get_mut(at) else { break };
        let number = part.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        match below(rng, 8) {
            0 | 1 if number => *part = (*choose(rng, &NUMBERS)).to_owned(),
            2 => *part = (*choose(rng, &WORDS)).to_owned(),
            3 => drop(parts.remove(at)),
            4 => parts.swap(at, other),
            5 => {
                let end = (at + 1 + below(rng, 12)).min(parts.len());
                let some: Vec<String> = vec![parts[at..end].concat(); 1 + below(rng, 60)];
                drop(parts.splice(at..at, some));
            }
            6 => {
                let copy = parts[other].clone();
                parts[at] = copy;
            }
            _ => {
                let n = 1 + below(rng, 3000);
                let open = *choose(rng, &["(", "[", "{", "-", "2^", "1+", "[["]);
                parts.insert(at, open.repeat(n));
            }
        }
    }
    parts.concat().into_bytes()
}

/// A value that means harm wherever it stands.
fn value(rng: &mut Rng) -> Value {
    match below(rng, 14) {
        0 => Value::Null,
        1 => json!(rng.random::<bool>()),
        2 => json!(*choose(rng, &EDGES)),
        3 => json!(-(*choose(rng, &EDGES) as i64).saturating_abs()),
        4 => json!(*choose(rng, &[1e300, -1e300, 1e-300, 0.5, -0.0, 1e15, 3.7])),
        5 | 6 => json!(*choose(rng, &WORDS)),
        7 => json!("y".repeat(1 + below(rng, 5000))),
        8 => json!([]),
        9 => json!({}),
        10 => json!(vec![0; 1 + below(rng, 2000)]),
        11 => (0..1 + below(rng, 200)).fold(json!(1), |inner, _| json!([inner])),
        12 => (0..1 + below(rng, 200)).fold(json!(1), |inner, _| json!({"a": inner})),
        _ => json!({"kind": *choose(rng, &WORDS), "x": 1}),
    }
}

fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(all) => all.iter().map(nodes).sum(),
        Value::Object(all) => all.values().map(nodes).sum(),
        _ => 0,
    }
}

/// The n-th node, counted from the root.
fn node<'a>(value: &'a mut Value, n: &mut usize) -> Option<&'a mut Value> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Value::Array(all) => all.iter_mut().find_map(|v| node(v, n)),
        Value::Object(all) => all.values_mut().find_map(|v| node(v, n)),
        _ => None,
    }
}

/// Changes a few nodes of a document.
fn change(rng: &mut Rng, document: &mut Value) {
    for _ in 0..1 + below(rng, 3) {
        let mut other = below(rng, nodes(document));
        let other = node(document, &mut other).cloned().unwrap_or_default();
        let mut at = below(rng, nodes(document));
        let Some(found) = node(document, &mut at) else { continue };
        match (below(rng, 8), &mut *found) {
            (0, Value::Object(all)) if !all.is_empty() => {
                let key = all.keys().nth(below(rng, all.len())).cloned().unwrap_or_default();
                all.remove(&key);
            }
            (1, Value::Object(all)) => drop(all.insert((*choose(rng, &WORDS)).to_owned(), other)),
            (0 | 1, Value::Array(all)) if !all.is_empty() => drop(all.remove(below(rng, all.len()))),
            (2, Value::Array(all)) if !all.is_empty() => {
                let again = all[below(rng, all.len())].clone();
                all.extend(std::iter::repeat_n(again, below(rng, 300)));
            }
            (3, Value::Array(all)) => all.reverse(),
            (4, _) => *found = other,
            (5, Value::Number(x)) => {
                *found =
                    json!(x.as_f64().unwrap_or(0.0) * *choose(rng, &[-1.0, 0.0, 10.0, 1e6, 1e300, 1e-300]))
            }
            (6, Value::String(text)) => *text = (*choose(rng, &WORDS)).to_owned() + text.as_str(),
            _ => *found = value(rng),
        }
    }
}

fn json_of(rng: &mut Rng, seed: &[u8]) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(seed).ok()?;
    change(rng, &mut document);
    serde_json::to_vec(&document).ok()
}

fn toml_of(rng: &mut Rng, seed: &[u8]) -> Option<Vec<u8>> {
    let table: toml::Table = toml::from_str(std::str::from_utf8(seed).ok()?).ok()?;
    let mut document = serde_json::to_value(table).ok()?;
    change(rng, &mut document);
    Some(toml::to_string(&without_null(document)).ok()?.into_bytes())
}

/// TOML has no null.
fn without_null(value: Value) -> Value {
    match value {
        Value::Array(all) => all.into_iter().filter(|v| !v.is_null()).map(without_null).collect(),
        Value::Object(all) => {
            let all: Map<String, Value> =
                all.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_null(v))).collect();
            Value::Object(all)
        }
        other => other,
    }
}

/// A safetensors file with another header, or with another document in its metadata; as a checkpoint with the hash that fits.
fn tensors(rng: &mut Rng, seed: &[u8], sealed: bool) -> Option<Vec<u8>> {
    let (length, rest) = seed.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let mut header: Value = serde_json::from_slice(header).ok()?;
    let texts = header["__metadata__"].as_object();
    let keys: Vec<String> =
        texts.into_iter().flat_map(Map::keys).filter(|k| !k.ends_with("sha256")).cloned().collect();
    let mut data = data.to_vec();
    match below(rng, 4) {
        0 => change(rng, &mut header),
        1 if !data.is_empty() => {
            let at = below(rng, data.len());
            data[at] ^= 1 << below(rng, 8);
        }
        _ if keys.is_empty() => change(rng, &mut header),
        _ => {
            let text = &mut header["__metadata__"][choose(rng, &keys).as_str()];
            let mut inner: Value = serde_json::from_str(text.as_str()?).ok()?;
            change(rng, &mut inner);
            *text = inner.to_string().into();
        }
    }
    if sealed && let Some(state) = header["__metadata__"]["losscape.checkpoint"].as_str() {
        let hash = seal(state, &header, &data);
        header["__metadata__"]["losscape.sha256"] = hash.into();
    }
    let text = header.to_string();
    Some([&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &data].concat())
}

/// The hash of a checkpoint, as `train::checkpoint` describes it: of the state, and of every tensor's name, length and bytes.
fn seal(state: &str, header: &Value, data: &[u8]) -> String {
    let mut all = (state.len() as u64).to_le_bytes().to_vec();
    all.extend(state.as_bytes());
    let empty = Map::new();
    let mut entries: Vec<(usize, usize, &String, &Value)> = header
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .filter(|(name, _)| *name != "__metadata__")
        .map(|(name, entry)| {
            let end =
                |i: usize| entry["data_offsets"][i].as_u64().unwrap_or(0).min(data.len() as u64) as usize;
            (end(0), end(1), name, entry)
        })
        .collect();
    entries.sort_by_key(|e| (e.0, e.1));
    for (begin, end, name, entry) in entries {
        let size = match entry["dtype"].as_str() {
            Some("F32") => 4,
            Some("F64") => 8,
            _ => 1,
        };
        all.extend((name.len() as u64).to_le_bytes());
        all.extend(name.as_bytes());
        all.extend((end.saturating_sub(begin) as u64 / size).to_le_bytes());
        all.extend(data.get(begin..end).unwrap_or_default());
    }
    files::sha256(&all)
}

/// An archive with one entry changed and every checksum as it should be.
fn npz(rng: &mut Rng, seed: &[u8]) -> Option<Vec<u8>> {
    if below(rng, 2) == 0 {
        let all = Npz::from_bytes("", seed).ok()?;
        let names: Vec<String> = all.iter().map(|(name, _)| name.to_owned()).collect();
        let name = choose(rng, &names).clone();
        let mut arrays = Npz::default();
        for (other, array) in all.iter().filter(|(other, _)| *other != name) {
            arrays.push(other, &array.shape, array.to_f64());
        }
        let array = all.get(&name)?;
        let (mut shape, mut values) = (array.shape.clone(), array.to_f64());
        match below(rng, 6) {
            0 => shape.reverse(),
            1 => (shape, values) = (vec![0], Vec::new()),
            2 => values.fill(*choose(rng, &[f64::NAN, f64::INFINITY, 1e300, -1e300, 0.0, 1e-320])),
            3 if !values.is_empty() => {
                let at = below(rng, values.len());
                values[at] =
                    *choose(rng, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1.0, 0.0, 0.5, 1e18]);
            }
            4 => return write(&arrays),
            _ => (shape, values) = (vec![values.len()], values),
        }
        arrays.push(&name, &shape, values);
        return write(&arrays);
    }
    let mut all = entries(seed)?;
    let changed = below(rng, all.len());
    let content = &mut all.get_mut(changed)?.1;
    let header = content.len().min(128);
    let new = match below(rng, 2) {
        0 => tokens(rng, &content[..header]),
        _ => bytes(rng, &content[..header], &[content[..header].to_vec()]),
    };
    drop(content.splice(..header, new));
    zipped(&all)
}

/// Names and contents of what is in an archive.
type Entries = Vec<(String, Vec<u8>)>;

fn entries(seed: &[u8]) -> Option<Entries> {
    let mut zip = zip::ZipArchive::new(Cursor::new(seed)).ok()?;
    let count = zip.len();
    let read = |i: usize| {
        let mut entry = zip.by_index(i).ok()?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        Some((entry.name().ok()?.into_owned(), content))
    };
    (0..count).map(read).collect()
}

/// The archive of entries, stored.
fn zipped(entries: &Entries) -> Option<Vec<u8>> {
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        out.start_file(name.as_str(), options).ok()?;
        out.write_all(content).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}

/// An archive with one entry changed, mostly the longest document or else the pickle, and every checksum as it should be.
fn archive(rng: &mut Rng, seed: &[u8], others: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut all = entries(seed)?;
    let main = |(name, content): &(String, Vec<u8>)| {
        (name.ends_with(".json"), name.ends_with(".pkl"), content.len())
    };
    let main = (0..all.len()).max_by_key(|i| main(&all[*i]))?;
    let at = if below(rng, 4) > 0 { main } else { below(rng, all.len()) };
    let (name, content) = &mut all[at];
    match below(rng, 12) {
        0 => *name = (*choose(rng, &WORDS)).to_owned() + name,
        1 => drop(all.remove(at)),
        2 => {
            let again = all[at].clone();
            all.push((again.0 + "_", again.1));
        }
        _ => match json_of(rng, content) {
            Some(document) => *content = document,
            None => *content = bytes(rng, content, others),
        },
    }
    zipped(&all)
}

fn write(arrays: &Npz) -> Option<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    arrays.write_to(&mut out).ok()?;
    Some(out.into_inner())
}

/// A log with another header, its length and hash as they should be.
fn log(rng: &mut Rng, seed: &[u8]) -> Option<Vec<u8>> {
    let start = seed.iter().position(|b| *b == b'\n')? + 1;
    let (length, rest) = seed.get(start + 64..)?.split_first_chunk::<8>()?;
    let header = rest.get(4..4 + u64::from_le_bytes(*length) as usize)?;
    let records = &rest[4 + header.len()..];
    let mut header: Value = serde_json::from_slice(header).ok()?;
    change(rng, &mut header);
    let text = header.to_string();
    let length = (text.len() as u64).to_le_bytes();
    let mut crc = flate2::Crc::new();
    crc.update(&length);
    let mut all = seed[..start].to_vec();
    all.extend(files::sha256(text.as_bytes()).as_bytes());
    all.extend(length);
    all.extend(crc.sum().to_le_bytes());
    all.extend(text.as_bytes());
    all.extend(records);
    Some(all)
}
