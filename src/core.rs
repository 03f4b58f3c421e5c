//! The layers of losscape that know no networks, by themselves because of their code generation: the package `losscape` hands
//! all of them on, and its first page leads through them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod autodiff;
pub mod base;
pub mod spectral;
