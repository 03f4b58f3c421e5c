//! One error type, sorted by what the caller can do about it, and the exit code that says so.

use super::text::{brief, line, place};

/// Why a command could not do what was asked. Displayed as one line, `WHERE: expected X, found Y`,
/// in which foreign text does nothing and is not endless, see [`text`](super::text).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The request or a file is wrong; the user can mend it (exit code 2).
    #[error("{}: {}", place(.at), line(.what))]
    Request {
        /// A flag, a recipe key, or a file and field.
        at: String,
        /// What was expected and what was found instead.
        what: String,
    },
    /// The machine failed: disk, memory, permissions (exit code 1).
    #[error("{}: {}", place(.at), line(.what))]
    Machine {
        /// The file or resource.
        at: String,
        /// What the system said.
        what: String,
    },
    /// The computation ran, but what was asked did not hold (exit code 3).
    #[error("{}: {}", place(.at), line(.what))]
    Unmet {
        /// What was computed.
        at: String,
        /// What did not hold.
        what: String,
    },
    /// A signal ended the work (exit code 128 + signal).
    #[error("{}: interrupted; {}", place(.at), line(.kept))]
    Interrupted {
        /// What was being done.
        at: String,
        /// What was finished and kept.
        kept: String,
        /// The signal's number.
        signal: i32,
    },
}

/// The result of anything that a user's file, flag or machine can make fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `AT: expected EXPECTED, found FOUND`: the request or a file is wrong.
    pub fn expected(
        at: impl Into<String>,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::request(at, format!("expected {expected}, found {found}"))
    }

    /// The request or a file is wrong, where "expected, found" does not fit.
    pub fn request(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Request { at: at.into(), what: what.into() }
    }

    /// What serde says of a value, in our words: its `invalid type: A, expected B` becomes `expected B, found A`.
    pub fn value(at: impl Into<String>, message: &str) -> Self {
        Self::request(at, plain(message))
    }

    /// The machine failed.
    pub fn machine(at: impl Into<String>, what: impl std::fmt::Display) -> Self {
        Self::Machine { at: at.into(), what: what.to_string() }
    }

    /// The computation ran, but what was asked did not hold.
    pub fn unmet(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unmet { at: at.into(), what: what.into() }
    }

    /// The process exit code that scripts rely on.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Machine { .. } => 1,
            Self::Request { .. } => 2,
            Self::Unmet { .. } => 3,
            Self::Interrupted { signal, .. } => 128u8.wrapping_add(*signal as u8),
        }
    }
}

/// serde's message about a value, in our words.
fn plain(message: &str) -> String {
    let message = message.replace('\n', " ");
    let (text, place) = message.rsplit_once(" at line ").map_or((message.as_str(), ""), |(t, p)| (t, p));
    let invalid = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    if let Some((found, expected)) = invalid.and_then(|t| t.rsplit_once(", expected ")) {
        let expected = match expected {
            "usize" | "u64" | "u32" => "a whole number of at least 0",
            "f64" => "a number",
            "a sequence" => "a list",
            "a map" => "a table",
            e if e.starts_with("struct ") => "a table",
            e => e,
        };
        let found = ["string ", "integer ", "floating point ", "boolean "]
            .iter()
            .find_map(|kind| found.strip_prefix(kind))
            .map_or(found, |f| f.trim_matches('`'));
        return format!("expected {expected}, found {}", brief(found));
    }
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("expected a field {field}, found none");
    }
    if let Some((found, expected)) = text.split_once(", expected ") {
        return format!("expected {expected}, found {found}");
    }
    match (text.contains("expected ") && text.contains("found "), place) {
        (true, _) => text.to_owned(),
        (false, "") => format!("expected a value that can be read, found a fault: {text}"),
        (false, place) => format!("expected JSON, found a fault in line {place}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_serde_say_what_was_expected_and_found() {
        let say = |message: &str| Error::value("f", message).to_string();
        assert_eq!(
            say("invalid type: string \"x\", expected usize"),
            "f: expected a whole number of at least 0, found \"x\""
        );
        assert_eq!(
            say("invalid value: integer `-1`, expected f64 at line 1 column 9"),
            "f: expected a number, found -1"
        );
        assert_eq!(
            say("missing field `epoch` at line 1 column 2"),
            "f: expected a field `epoch`, found none"
        );
        assert_eq!(
            say("unknown field `a`, expected one of `b`, `c` at line 1 column 2"),
            "f: expected one of `b`, `c`, found unknown field `a`"
        );
        assert_eq!(
            say("model: expected one of mlp, found `x` at line 1 column 2"),
            "f: model: expected one of mlp, found `x`"
        );
        assert!(say("EOF while parsing a value at line 2 column 0").contains("line 2 column 0"));
    }
}
