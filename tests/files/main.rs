//! Data and files: every data set keeps its promises, and every broken file is refused in one clear line.

mod data;
mod npz;
mod paths;
mod tensors;

use losscape::base::{Error, Result};

/// The message of a refusal that is the user's to mend, on one line.
fn refused<T>(result: Result<T>) -> String {
    let error: Error = result.err().expect("a refusal");
    assert_eq!(error.exit_code(), 2, "{error}");
    let message = error.to_string();
    assert!(message.lines().count() == 1 && message.len() < 600, "{message}");
    message
}
