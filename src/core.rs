//! The layers of losscape that compute, by themselves because of their code generation: the package `losscape` hands all of them
//! on, and its first page leads through them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod autodiff;
pub mod base;
pub mod data;
pub mod landscape;
pub mod nn;
pub mod spectral;
pub mod train;
