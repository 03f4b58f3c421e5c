//! Automatic differentiation on matrices: record the gradient program once, then push tangents through it.
//!
//! 1. A [`Tape`] records matrix primitives (`primitives/`, a closed set with two derivative rules each).
//! 2. [`Tape::reverse`] records the reverse sweep in the same primitives on the same tape.
//! 3. A [`Plan`] runs a tape: the loss alone, or loss and gradient, on buffers that are used again.
//! 4. A [`TangentPlan`] pushes a block of k tangents through kept values. Through the gradient program that is
//!    k Hessian-vector products with nothing primal computed again; with a cut at the network's outputs,
//!    k generalized Gauss-Newton products.
//!
//! Columns are samples; everything is generic over the [`Element`] type, f32 or f64.

pub mod curves;
pub mod element;
pub mod elementary;
pub mod matrix;
pub mod plan;
mod portable;
pub mod primitives;
pub mod program;
pub mod tape;
mod tensors;

pub use element::Element;
pub use matrix::{Block, Shape, View};
pub use plan::{Bindings, Plan, TangentPlan, Values, Workspace};
pub use primitives::Degree;
pub use program::{Curvature, ProductPlan, Program};
pub use tape::{Node, Tape};
