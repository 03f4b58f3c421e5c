//! losscape: see and measure the loss landscape of a neural network.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod figure;
pub mod render;
