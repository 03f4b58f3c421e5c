//! The layers of losscape that train and evaluate networks, by themselves because of their code generation: the package
//! `losscape` hands all of them on, and its first page leads through them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub use losscape_core::{autodiff, base, kind, registry, spectral, with_precision};

pub mod data;
pub mod landscape;
pub mod nn;
pub mod train;
