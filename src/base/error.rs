//! One error type, sorted by what the caller can do about it, and the exit code that says so.

/// Why a command could not do what was asked. Displayed as one line, `WHERE: expected X, found Y`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The request or a file is wrong; the user can mend it (exit code 2).
    #[error("{at}: {what}")]
    Request {
        /// A flag, a recipe key, or a file and field.
        at: String,
        /// What was expected and what was found instead.
        what: String,
    },
    /// The machine failed: disk, memory, permissions (exit code 1).
    #[error("{at}: {what}")]
    Machine {
        /// The file or resource.
        at: String,
        /// What the system said.
        what: String,
    },
    /// The computation ran, but what was asked did not hold (exit code 3).
    #[error("{at}: {what}")]
    Unmet {
        /// What was computed.
        at: String,
        /// What did not hold.
        what: String,
    },
    /// A signal ended the work (exit code 128 + signal).
    #[error("{at}: interrupted; {kept}")]
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
