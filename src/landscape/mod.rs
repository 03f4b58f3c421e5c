//! What surrounds a trained network: directions through parameter space, and the loss along them.
//!
//! `directions` says where to go, `normalizations` how far a unit step is, [`slice`](mod@slice) evaluates the plane between
//! two of them. `propagation` follows signals and gradients through the layers.

pub mod adaptive;
pub mod directions;
pub mod geometry;
pub mod normalizations;
pub mod propagation;
pub mod slice;

pub use adaptive::Adaptive;
pub use directions::Direction;
pub use normalizations::Normalization;
pub use slice::{Slicer, State};
