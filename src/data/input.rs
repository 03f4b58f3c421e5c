//! A data file as a stream, plain or gzip: what its header declares is all that is ever read of it.
//!
//! So a small archive that unpacks to something huge is noticed at the first byte too many, and no more memory is
//! taken than for what was declared.

use crate::base::{Error, Result, files};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// The first bytes of gzip data (RFC 1952, 2.3.1).
const GZIP: &[u8] = b"\x1f\x8b";

/// A file being read from its beginning.
pub struct Input {
    at: String,
    reader: Box<dyn BufRead>,
    done: u64,
    length: Option<u64>,
}

impl Input {
    /// Opens a regular file. It is gzip data if it begins as such, and must be if its name ends in `.gz`.
    pub fn open(path: &Path) -> Result<Self> {
        let path = &files::at_home(path);
        let at = files::named(path);
        let (file, length) = files::open_input(path)?;
        let mut reader: BufReader<File> = BufReader::with_capacity(1 << 16, file);
        let start = reader.fill_buf().map_err(|e| Error::machine(&at, e))?;
        let zipped = start.starts_with(GZIP);
        if !zipped && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
            return Err(Error::expected(at, "gzip data, as the name says", "other bytes"));
        }
        Ok(if zipped {
            let reader = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader));
            Self { at, reader: Box::new(reader), done: 0, length: None }
        } else {
            Self { at, reader: Box::new(reader), done: 0, length: Some(length) }
        })
    }

    /// The file's name, as errors give it.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Whether it is gzip data, whose length is known only at the end.
    pub fn is_zipped(&self) -> bool {
        self.length.is_none()
    }

    /// Fills `bytes`, which hold `what`.
    pub fn exact(&mut self, bytes: &mut [u8], what: &str) -> Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => {
                    let (needed, end) = (self.done + bytes.len() as u64, self.done + filled as u64);
                    let expected = format!("at least {needed} bytes, up to {what}");
                    return Err(Error::expected(&self.at, expected, end));
                }
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.fault(&e)),
            }
        }
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Appends one line with its end to `bytes`, of which there may be at most `most`; false at the end of the file.
    pub fn line(&mut self, bytes: &mut Vec<u8>, most: usize) -> Result<bool> {
        let room = (most + 1).saturating_sub(bytes.len()) as u64;
        let read = (&mut self.reader).take(room).read_until(b'\n', bytes);
        let read = read.map_err(|e| self.fault(&e))?;
        self.done += read as u64;
        Ok(read > 0)
    }

    /// Refuses, where the length is known, a file that has not `bytes` more.
    pub fn holds(&self, bytes: u64) -> Result<()> {
        let expected = self.done.saturating_add(bytes);
        match self.length {
            Some(length) if length != expected => {
                Err(Error::expected(&self.at, format!("{expected} bytes, as its header says"), length))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a file that goes on here. For gzip data this also checks that they are whole.
    pub fn end(&mut self) -> Result<()> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => {
                let expected = format!("{} bytes, as its header says", self.done);
                Err(Error::expected(&self.at, expected, "more"))
            }
            Err(e) => Err(self.fault(&e)),
        }
    }

    fn fault(&self, e: &io::Error) -> Error {
        match e.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData if self.is_zipped() => {
                Error::expected(&self.at, "whole gzip data", files::brief(&e.to_string()))
            }
            ErrorKind::UnexpectedEof if self.is_zipped() => {
                Error::expected(&self.at, "whole gzip data", "data that end too early")
            }
            _ => Error::machine(&self.at, e),
        }
    }
}
