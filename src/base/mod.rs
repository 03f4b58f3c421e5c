//! What every layer stands on: errors, registries of kinds, named random streams, sample statistics, pools of buffers, files.
//!
//! Nothing here knows a network. Adding something here is right when two layers need it and neither owns it.

pub mod apart;
pub mod assignment;
pub mod error;
pub mod files;
pub mod foreign;
pub mod graph;
pub mod interrupt;
pub mod isa;
pub mod json;
mod literal;
pub mod log;
pub mod memory;
pub mod notes;
pub mod npy;
pub mod npz;
pub mod parallel;
pub mod pickle;
pub mod pool;
pub mod precision;
pub mod random;
pub mod record;
pub mod registry;
pub mod section;
pub mod shard;
pub mod shown;
pub mod state_dict;
pub mod statistics;
mod synonyms;
pub mod tensors;
pub mod text;
pub mod vtk;
mod weight_folder;

pub use error::{Error, Result};
pub use precision::Precision;
pub use random::Streams;
