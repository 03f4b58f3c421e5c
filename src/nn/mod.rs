//! Networks as data: layers recorded on the tape, their parameters in one flat vector.
//!
//! A [`Spec`] unfolds into a [`Network`]; an [`Objective`] is the network's mean loss over given samples, with
//! value, gradient and exact curvature products. `activations`, `inits`, `losses`, `layers`, `norms` and
//! `architectures` hold one file a kind.

pub mod activations;
pub mod architectures;
pub mod chunks;
pub mod graph;
pub mod inits;
pub mod layers;
pub mod layout;
pub mod linearization;
pub mod loss;
pub mod losses;
pub mod network;
pub mod norms;
pub mod objective;
pub mod propagation;
pub mod recorder;
pub mod samples;
mod singular;
pub mod slice;
pub mod symmetry;
pub mod tally;
pub mod units;
pub mod weights;

pub use layout::{Layout, Parameter, Role};
pub use linearization::Linearization;
pub use loss::{At, MeanLoss, Point, Products};
pub use network::{Inside, Network, Recording, Spec};
pub use objective::{Objective, Statistics};
pub use recorder::Mode;
pub use samples::{Beside, Samples};
pub use slice::{Slice, Slicer};
pub use symmetry::{Permutation, Symmetry};
pub use tally::{Evaluation, Tally};
pub use weights::Weights;
