//! losscape: see and measure the loss landscape of a neural network.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod autodiff;
pub mod base;
pub mod cli;
pub mod data;
pub mod figure;
pub mod landscape;
pub mod nn;
pub mod passes;
pub mod render;
pub mod train;
