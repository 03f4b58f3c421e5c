//! What surrounds a trained network: directions through parameter space, and the loss along them.
//!
//! `directions` says where to go, `normalizations` how far a unit step is, [`slice`](mod@slice) evaluates the line, plane or
//! space between them, `measures` what else is mapped over it. `sharpness` holds measures of how the loss rises around a
//! network, `noise` how much its gradient varies from batch to batch, `learning_coefficient` how its volume vanishes with the loss. `curves` and [`path`](mod@path) lead from one minimum to another, `simplex` spans several; `alignments` finds
//! which units of two networks correspond, `repair` mends the statistics of what lies between them, `similarity` compares what
//! they say of the same samples. `topology` follows the sublevel sets of a map: minima, passes, holes.

pub mod adaptive;
pub mod alignments;
pub mod curves;
pub mod directions;
pub mod geometry;
pub mod hessian;
pub mod learning_coefficient;
pub mod measures;
pub mod newton;
pub mod noise;
pub mod normalizations;
pub mod path;
pub mod repair;
pub mod sharpness;
pub mod signals;
pub mod similarity;
pub mod simplex;
pub mod topology;

pub use crate::nn::slice::{self, Slicer, State};
pub use adaptive::Adaptive;
pub use alignments::Alignment;
pub use curves::Curve;
pub use directions::Direction;
pub use learning_coefficient::Sampler;
pub use measures::Map;
pub use normalizations::Normalization;
pub use sharpness::Sharpness;
pub use simplex::Complex;
