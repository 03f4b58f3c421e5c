//! losscape: see and measure the loss landscape of a neural network.
//!
//! It trains small networks on the CPU and evaluates the loss on planes through their weights, drawn as
//! contours and surfaces (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets"). The `losscape`
//! command is the front door; everything it does is here as a library.
//!
//! # Train, slice, sharpness, connect
//!
//! An analysis is a struct of settings, and [`analyses::ANALYSES`] lists them all. Each runs in the same way on trained networks,
//! which are read from a directory ([`analyses::Run::read`]) or were trained just now:
//!
//! ```no_run
//! use losscape::analyses::{Run, training};
//! use losscape::train::TrainSettings;
//!
//! # fn main() -> losscape::base::Result<()> {
//! let settings = TrainSettings { epochs: 5, ..TrainSettings::default() };
//! let run = Run::of(training::run(&settings, &mut |_| ())?)?;
//! println!("{}: {} parameters", run.title(), run.theta.len());
//! # Ok(())
//! # }
//! ```
//!
//! ```no_run
//! use losscape::analyses::{Analysis, ConnectSettings, Networks, Record, Run, Saved, SharpnessSettings, SliceSettings, Work};
//!
//! # fn main() -> losscape::base::Result<()> {
//! let runs = [Run::read("runs/a".as_ref())?, Run::read("runs/b".as_ref())?];
//! let of = |n: usize| Networks { runs: &runs[..n], ..Networks::default() };
//! let plane = SliceSettings { x: "-1:1:21".parse().ok(), ..SliceSettings::default() };
//! let slice = plane.run(of(1), &Work::default())?;
//! let sharpness = SharpnessSettings { quick: true, ..SharpnessSettings::default() }.run(of(1), &Work::default())?;
//! let connect = ConnectSettings { plane: 0, ..ConnectSettings::default() }.run(of(2), &Work::default())?;
//! if let (Some(slice), Some(sharpness), Some(connect)) = (slice, sharpness, connect) {
//!     println!("{}{}{}", slice.report(), sharpness.report(), connect.report());
//!     println!("{} figures", slice.figures().len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples/` has small programs: training and slicing, any analysis by its name, the spectrum of any operator, a
//! figure of one's own numbers. Kinds (activations, losses, optimizers, ...) are closed sets, since each is a name in recipes and
//! results that must mean the same everywhere: a new one is a file and a line in the crate itself. Networks of other programs
//! come in as graphs of `torch.export` ([`analyses::exported`]).
//!
//! # Quickstart
//!
//! This program is `tests/quickstart.rs`: `cargo test --release --test library quickstart` runs it.
//!
//! ```no_run
#![doc = include_str!("../tests/quickstart.rs")]
//! ```
//!
//! # Layers
//!
//! An arrow means "may import", and so does a chain of arrows; everything but [`figure`] may import [`base`].
//! `tests/layering.rs` fails on any other import.
//!
//! ```text
//! cli -> study -> analyses, render                analyses -> landscape, train, data, figure
//! render -> figure                                landscape -> spectral, nn
//! train -> nn, data                               nn -> autodiff
//! ```
//!
//! | layer | what it holds |
//! |---|---|
//! | [`cli`] | the driver of all analyses, one file for each other subcommand; the only code that prints, shows progress or exits |
//! | [`study`] | a recipe: cases trained and measured in parallel, figures, a table, a verdict |
//! | [`render`] | a figure as SVG, PNG, PDF and animated PNG, one file a chart kind; a result as a page |
//! | [`figure`] | a figure as plain data, with no drawing in it |
//! | [`analyses`] | one file an analysis: settings, network and data in, a typed result and its figures out |
//! | [`landscape`] | directions, normalizations, the evaluation of a plane |
//! | [`spectral`] | eigenvalues of symmetric operators known by their products; no networks |
//! | [`train`] | the training loop, optimizers, schedules |
//! | [`nn`] | layers, activations, initializers, losses, architectures; parameters as one flat vector |
//! | [`data`] | one file a data set |
//! | [`autodiff`] | matrices, the tape, primitives with their two derivative rules |
//! | [`base`] | errors, random streams, registries of kinds, files |
//!
//! # Conventions
//!
//! - All parameters of a network are one vector theta; [`nn::Layout`] knows names, shapes and roles.
//! - Matrices are column-major and columns are samples. [`autodiff`], [`nn`] and [`train`] are generic over
//!   [`autodiff::Element`], f32 or f64; analyses hold an [`nn::MeanLoss`], whose precision is chosen at run time.
//!   Losses, sums over chunks of samples and products of parameter vectors accumulate in f64.
//! - What comes in kinds is a [registry](base::registry): one file a kind, one line to register it.
//! - Everything random comes from a [named stream](base::Streams) of a seed. The same seed gives the same bytes
//!   on any number of threads.
//! - What a user's file, flag or number can make fail returns [`base::Error`], which knows its exit code.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// Packages of their own for the sake of code generation alone: Cargo.toml says how.
#[doc(inline)]
pub use losscape_core::{autodiff, base, kind, registry, spectral, with_precision};
#[doc(inline)]
pub use losscape_networks::{data, landscape, nn, train};

pub mod analyses;
#[cfg(feature = "cli")]
pub mod cli;
pub mod figure;
#[cfg(feature = "plots")]
pub mod render;
pub mod study;
