//! Walks the registries: whatever is registered is checked here, without a test of its own.

mod activations;
mod alignment;
mod branching;
mod check;
mod curves;
mod images;
mod initializers;
mod layers;
mod losses;
mod networks;
mod primitives;
mod reference;
mod registries;
mod resuming;
mod symmetry;
mod tensors;
mod training;
