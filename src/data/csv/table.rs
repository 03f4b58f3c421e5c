//! The records of a table: lines cut into fields, quoted ones too (RFC 4180).

use crate::base::{Error, Result, files, foreign};
use crate::data::input::Input;
use std::path::Path;

/// Most bytes of a line, and most fields: beyond, a file is hardly a table.
const MOST_BYTES: usize = 8 << 20;
const MOST_FIELDS: usize = 1 << 18;
/// Most empty lines in a row.
const MOST_EMPTY: usize = 1 << 20;

/// One line of a table.
pub(super) struct Record {
    /// Its number, from 1; of the last one where a quoted field has line ends.
    pub line: usize,
    /// Its length.
    pub bytes: usize,
    /// Its fields.
    pub fields: Vec<String>,
}

/// The records of a file, in order.
pub(super) struct Table {
    pub input: Input,
    /// What separates fields; spaces and tabs, any number of them, where it is none.
    delimiter: Option<char>,
    /// Lines read.
    line: usize,
    bytes: Vec<u8>,
}

impl Table {
    pub fn open(path: &Path, delimiter: Option<char>) -> Result<Self> {
        Ok(Self { input: Input::open(path)?, delimiter, line: 0, bytes: Vec::new() })
    }

    /// The line read last.
    pub fn place(&self) -> String {
        format!("{}: line {}", self.input.at(), self.line)
    }

    /// The fields of the next record; none at the end.
    pub fn record(&mut self) -> Result<Option<Record>> {
        for _ in 0..MOST_EMPTY {
            self.bytes.clear();
            let start = self.line + 1;
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
                if self.line == 1 && (new.starts_with(b"\xff\xfe") || new.starts_with(b"\xfe\xff")) {
                    let expected = "text in UTF-8 (pandas: to_csv(.., encoding='utf-8'))";
                    return Err(Error::expected(self.place(), expected, "text in UTF-16"));
                }
                if let Some(found) = (self.line == 1).then(|| other(new)).flatten() {
                    return Err(Error::expected(self.input.at(), "a table as text", found));
                }
                if new.contains(&0) {
                    return Err(Error::expected(self.place(), "text", "a NUL byte"));
                }
                quotes += new.iter().filter(|byte| **byte == b'"').count();
                checked = self.bytes.len();
                match (quotes % 2, more) {
                    (0, _) => break,
                    (_, true) => {}
                    (_, false) => {
                        let place = format!("{}: line {start}", self.input.at());
                        return Err(Error::expected(place, "a closing quotation mark", "none"));
                    }
                }
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let text = std::str::from_utf8(&self.bytes)
                .map_err(|e| {
                    let found = format!("other bytes at column {} of it", e.valid_up_to());
                    let expected = "text in UTF-8 (as iconv -f latin1 -t utf-8 FILE makes it, or pandas.read_csv(.., encoding='latin-1') and to_csv)";
                    Error::expected(self.place(), expected, found)
                })?
                .trim_start_matches('\u{feff}')
                .trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                let fields = self.fields(text)?;
                return Ok(Some(Record { line: self.line, bytes: text.len(), fields }));
            }
        }
        Err(Error::expected(self.place(), "samples", format!("{MOST_EMPTY} empty lines")))
    }

    fn fields(&self, text: &str) -> Result<Vec<String>> {
        // Spaces around a field are no part of it, unless they part fields.
        let padding = |c: char| match self.delimiter {
            None => matches!(c, ' ' | '\t'),
            Some(delimiter) => c == ' ' && c != delimiter,
        };
        let parts = |c: char| self.delimiter.map_or_else(|| matches!(c, ' ' | '\t'), |d| c == d);
        let mut fields = Vec::new();
        let mut rest = if self.delimiter.is_none() { text.trim_end_matches(padding) } else { text };
        loop {
            if fields.len() == MOST_FIELDS {
                return Err(Error::expected(self.place(), format!("at most {MOST_FIELDS} fields"), "more"));
            }
            let start = rest.trim_start_matches(padding);
            let end = match start.strip_prefix('"') {
                None => {
                    let (field, end) = start.split_once(parts).map_or((start, None), |(f, r)| (f, Some(r)));
                    fields.push(field.trim().to_owned());
                    end
                }
                Some(quoted) => {
                    let (field, after) = self.quoted(quoted)?;
                    fields.push(field);
                    let (next, spaces) = (after.trim_start_matches(padding), after.starts_with(padding));
                    match next.strip_prefix(parts) {
                        Some(end) => Some(end),
                        None if next.is_empty() => None,
                        None if self.delimiter.is_none() && spaces => Some(next),
                        None => {
                            let sign = self.delimiter.map_or_else(|| " ".to_owned(), String::from);
                            let expected = format!("`{sign}` or the end after a quoted field");
                            let found = format!("`{}`", files::brief(next));
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

/// Which other kind of file begins so, and what makes a table of it.
fn other(start: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(start).unwrap_or_default().trim_start();
    let line = text.lines().next().unwrap_or_default();
    let pairs = |fields: &[&str]| {
        let pair = |field: &&str| field.split_once(':').is_some_and(|(n, _)| n.parse::<u64>().is_ok());
        !fields.is_empty() && fields.iter().all(pair)
    };
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let found = match text {
        _ if start.starts_with(b"PK\x03\x04") => {
            "a zip file: unzipped (unzip FILE), or of Excel's .xlsx by pandas.read_excel(FILE).to_csv(\"x.csv\", index=False)"
        }
        _ if start.starts_with(b"\x93NUMPY") => "an array of numpy: npy:x=PATH,y=PATH reads two",
        _ if text.starts_with("{\"") || text.starts_with("[{") => {
            "JSON: pandas.read_json(FILE).to_csv(\"x.csv\", index=False)"
        }
        _ if text.get(..9).is_some_and(|t| t.eq_ignore_ascii_case("@relation")) => {
            "ARFF: scipy.io.arff.loadarff(FILE) and pandas.DataFrame(..).to_csv(\"x.csv\", index=False)"
        }
        _ if words.len() > 1 && words[0].parse::<f64>().is_ok() && pairs(&words[1..]) => {
            "svmlight: sklearn.datasets.load_svmlight_file(FILE) and numpy.savez(\"x.npz\", x=x.toarray(), y=y)"
        }
        _ => return foreign::known(start),
    };
    Some(found.to_owned())
}
