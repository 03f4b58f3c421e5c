//! Tables of numbers as text: one sample a line, fields parted by commas (RFC 4180).
//!
//! One column is what is to be predicted: a class, by any text, or a number; all others are features and must be finite
//! numbers. Classes are numbered in order, that of numbers where all of them are whole numbers, else that of their
//! text. Fields may be quoted, with `""` for a quotation mark. A byte order mark, spaces around fields and empty lines
//! are skipped. The path is kept as given.

use crate::base::registry::{Kind, unknown};
use crate::base::{Error, Result, Streams, files};
use crate::data::input::Input;
use crate::data::preparation::scalar;
use crate::data::{Raw, Samples, Split, fits_in_memory, within};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A table of numbers as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Csv {
    /// The table.
    pub file: String,
    /// Whether the first line names the columns.
    pub header: Header,
    /// The column to be predicted.
    pub label: Column,
    /// Whether that column holds classes or numbers.
    pub task: Task,
    /// What parts fields, one character.
    pub delimiter: String,
    /// Share of the samples held out for testing.
    pub test: f64,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            file: String::new(),
            header: Header::Auto,
            label: Column::Last,
            task: Task::Classes,
            delimiter: ",".to_owned(),
            test: 0.25, // scikit-learn's train_test_split
        }
    }
}

impl Kind for Csv {
    const NAME: &'static str = "csv";
    const SUMMARY: &'static str =
        "a table as text: csv:file=PATH,label=COLUMN (a name or a number from 0; else the last one)";

    fn check(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        match self.delimiter.as_bytes() {
            [byte]
                if byte.is_ascii()
                    && !matches!(byte, b'"' | b'\n' | b'\r' | b'.' | b'-' | b'+')
                    && !byte.is_ascii_alphanumeric() =>
            {
                Ok(())
            }
            _ => Err(Error::expected(
                "delimiter",
                "one character, as `,` or `;`",
                format!("`{}`", files::brief(&self.delimiter)),
            )),
        }
    }
}

/// Whether there is a line of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// There is one if no field of the first line is a number.
    Auto,
    /// There is one.
    Yes,
    /// There is none.
    No,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Yes => "true",
            Self::No => "false",
        })
    }
}

impl FromStr for Header {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "true" => Ok(Self::Yes),
            "false" => Ok(Self::No),
            other => Err(unknown("header", other, ["auto", "true", "false"])),
        }
    }
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The last one, unless one is called so.
    Last,
    /// By its number, from 0.
    Index(usize),
    /// By its name in the header.
    Name(String),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Index(i) => write!(f, "{i}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Column {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match (text, text.parse()) {
            ("last", _) => Self::Last,
            (_, Ok(i)) => Self::Index(i),
            _ => Self::Name(text.to_owned()),
        })
    }
}

/// Text that a configuration may also hold as a number or a truth value.
macro_rules! as_text {
    ($Type:ident) => {
        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                scalar(d)
            }
        }
    };
}
as_text!(Header);
as_text!(Column);

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One of a few classes.
    Classes,
    /// A number.
    Regression,
}

/// Most bytes of a line, and most fields: beyond, a file is hardly a table.
const MOST_BYTES: usize = 8 << 20;
const MOST_FIELDS: usize = 1 << 18;
/// Most classes.
const MOST_CLASSES: usize = 10_000;

impl Csv {
    /// The lines of the table.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.file.is_empty() {
            return Err(Error::expected("data set csv: file", "a table, as csv:file=PATH", "none"));
        }
        let delimiter = self.delimiter.as_bytes().first().copied().unwrap_or(b',');
        let mut table = Table::open(Path::new(&self.file), delimiter)?;
        let at = table.input.at().to_owned();
        let no_samples = || Error::expected(&at, "samples", "none");
        let first = table.record()?.ok_or_else(no_samples)?;
        let width = first.len();
        if width < 2 {
            let expected = format!("at least 2 fields parted by `{}`", self.delimiter);
            return Err(Error::expected(table.place(), expected, width));
        }
        let named = match self.header {
            Header::Auto => first.iter().all(|field| field.parse::<f64>().is_err()),
            Header::Yes => true,
            Header::No => false,
        };
        let names = if named { first.as_slice() } else { &[] };
        let label = self.column(names, width, &at)?;
        let (mut x, mut values, mut classes) = (Vec::new(), Vec::new(), Classes::default());
        let mut count = 0;
        let mut next = if named { table.record()? } else { Some(first.clone()) };
        while let Some(fields) = next {
            if fields.len() != width {
                return Err(Error::expected(table.place(), format!("{width} fields"), fields.len()));
            }
            let column = |i: usize| names.get(i).map_or_else(|| i.to_string(), |name| files::brief(name));
            let number = |i: usize, field: &str| match field.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => {
                    let at = format!("{}, column {}", table.place(), column(i));
                    Err(Error::expected(at, "a finite number", format!("`{}`", files::brief(field))))
                }
            };
            for (i, field) in fields.iter().enumerate() {
                match (i == label, self.task) {
                    (false, _) => x.push(number(i, field)?),
                    (true, Task::Regression) => values.push(number(i, field)?),
                    (true, Task::Classes) => classes.push(field).map_err(|found| {
                        let at = format!("{}, column {}", table.place(), column(i));
                        let expected = format!("at most {MOST_CLASSES} classes (numbers: task=regression)");
                        Error::expected(at, expected, found)
                    })?,
                }
            }
            count += 1;
            fits_in_memory(&at, count, width - 1)?;
            next = table.record()?;
        }
        if count < 2 {
            return Err(Error::expected(&at, "at least 2 samples", count));
        }
        let (samples, outputs) = match self.task {
            Task::Classes => {
                let (labels, classes) = classes.finish();
                if classes < 2 {
                    return Err(Error::expected(&at, "at least 2 classes", classes));
                }
                fits_in_memory(&at, count, classes)?;
                (Samples::of_classes(x, labels), classes)
            }
            Task::Regression => (Samples::of_values(x, values, count), 1),
        };
        let split = Split::share(count, self.test);
        Ok(Raw { shape: vec![width - 1], outputs, samples, split, own_scale: false })
    }

    /// The number of the column to be predicted.
    fn column(&self, names: &[String], width: usize, at: &str) -> Result<usize> {
        let called = |name: &str| names.iter().position(|n| n == name);
        let found = match &self.label {
            Column::Last => called("last").or(Some(width - 1)),
            // A column may be called by a number.
            Column::Index(i) => called(&i.to_string()).or(Some(*i).filter(|i| *i < width)),
            Column::Name(name) => called(name),
        };
        found.ok_or_else(|| match (&self.label, names) {
            (Column::Name(name), []) => {
                let expected = format!("a header that names column `{}`", files::brief(name));
                Error::expected(at, expected, "no header (see `header`)")
            }
            (Column::Name(name), names) => {
                let few: Vec<String> = names.iter().take(20).map(|name| files::brief(name)).collect();
                unknown(&format!("{at}: label"), &files::brief(name), few.iter().map(String::as_str))
            }
            (index, _) => Error::expected(format!("{at}: label"), format!("0 to {}", width - 1), index),
        })
    }
}

/// Classes by their text.
#[derive(Default)]
struct Classes {
    /// Each class and the number it got when it was first seen.
    seen: BTreeMap<String, u32>,
    labels: Vec<u32>,
}

impl Classes {
    fn push(&mut self, class: &str) -> std::result::Result<(), &'static str> {
        let next = self.seen.len();
        let number = match self.seen.get(class) {
            Some(number) => *number,
            None if next == MOST_CLASSES => return Err("more"),
            None => {
                self.seen.insert(class.to_owned(), next as u32);
                next as u32
            }
        };
        self.labels.push(number);
        Ok(())
    }

    /// Labels by the order of the classes, and how many there are.
    fn finish(mut self) -> (Vec<u32>, usize) {
        let mut classes: Vec<(String, u32)> = self.seen.into_iter().collect();
        let whole: Option<Vec<i64>> = classes.iter().map(|(class, _)| class.parse().ok()).collect();
        if let Some(numbers) = whole {
            let mut by_number: Vec<_> = numbers.into_iter().zip(classes).collect();
            by_number.sort();
            classes = by_number.into_iter().map(|(_, class)| class).collect();
        }
        let mut rank = vec![0; classes.len()];
        classes.iter().enumerate().for_each(|(i, (_, seen))| rank[*seen as usize] = i as u32);
        self.labels.iter_mut().for_each(|label| *label = rank[*label as usize]);
        (self.labels, classes.len())
    }
}

/// The records of a file, in order.
struct Table {
    input: Input,
    delimiter: u8,
    /// Lines read.
    line: usize,
    bytes: Vec<u8>,
}

impl Table {
    fn open(path: &Path, delimiter: u8) -> Result<Self> {
        let input = Input::open(path)?;
        if input.is_zipped() {
            return Err(Error::expected(input.at(), "plain text", "gzip data (gunzip them first)"));
        }
        Ok(Self { input, delimiter, line: 0, bytes: Vec::new() })
    }

    /// The line read last.
    fn place(&self) -> String {
        format!("{}: line {}", self.input.at(), self.line)
    }

    /// The fields of the next record; none at the end.
    fn record(&mut self) -> Result<Option<Vec<String>>> {
        loop {
            self.bytes.clear();
            // A quoted field may hold line ends: the record goes on while a quotation mark is open.
            let mut quotes = 0;
            let mut checked = 0;
            loop {
                let more = self.input.line(&mut self.bytes, MOST_BYTES)?;
                self.line += usize::from(more);
                if self.bytes.len() > MOST_BYTES {
                    let expected = format!("lines of at most {MOST_BYTES} bytes");
                    return Err(Error::expected(self.place(), expected, "a longer one"));
                }
                let new = &self.bytes[checked..];
                if new.contains(&0) {
                    return Err(Error::expected(self.place(), "text", "a NUL byte"));
                }
                quotes += new.iter().filter(|byte| **byte == b'"').count();
                checked = self.bytes.len();
                match (quotes % 2, more) {
                    (0, _) => break,
                    (_, true) => {}
                    (_, false) => {
                        return Err(Error::expected(self.place(), "a closing quotation mark", "none"));
                    }
                }
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let text = std::str::from_utf8(&self.bytes)
                .map_err(|e| {
                    let found = format!("other bytes at column {} of it", e.valid_up_to());
                    Error::expected(self.place(), "text in UTF-8", found)
                })?
                .trim_start_matches('\u{feff}')
                .trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                return self.fields(text).map(Some);
            }
        }
    }

    fn fields(&self, text: &str) -> Result<Vec<String>> {
        let delimiter = char::from(self.delimiter);
        let mut fields = Vec::new();
        let mut rest = text;
        loop {
            if fields.len() == MOST_FIELDS {
                return Err(Error::expected(self.place(), format!("at most {MOST_FIELDS} fields"), "more"));
            }
            // Spaces around a field are no part of it, unless they part fields.
            let start = rest.trim_start_matches(|c: char| c == ' ' && c != delimiter);
            let end = match start.strip_prefix('"') {
                None => {
                    let (field, end) =
                        start.split_once(delimiter).map_or((start, None), |(f, r)| (f, Some(r)));
                    fields.push(field.trim().to_owned());
                    end
                }
                Some(quoted) => {
                    let (field, after) = self.quoted(quoted)?;
                    fields.push(field);
                    let after = after.trim_start_matches(|c: char| c == ' ' && c != delimiter);
                    match after.strip_prefix(delimiter) {
                        Some(end) => Some(end),
                        None if after.is_empty() => None,
                        None => {
                            let expected = format!("`{delimiter}` or the end after a quoted field");
                            let found = format!("`{}`", files::brief(after));
                            return Err(Error::expected(self.place(), expected, found));
                        }
                    }
                }
            };
            match end {
                Some(end) => rest = end,
                None => return Ok(fields),
            }
        }
    }

    /// A field up to its closing quotation mark, and what comes after.
    fn quoted<'t>(&self, mut rest: &'t str) -> Result<(String, &'t str)> {
        let mut field = String::new();
        loop {
            let Some((text, after)) = rest.split_once('"') else {
                return Err(Error::expected(self.place(), "a closing quotation mark", "none"));
            };
            field += text;
            match after.strip_prefix('"') {
                // Two of them stand for one.
                Some(after) => {
                    field.push('"');
                    rest = after;
                }
                None => return Ok((field, after)),
            }
        }
    }
}
