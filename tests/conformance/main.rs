//! Walks the registries: whatever is registered is checked here, without a test of its own.

mod check;
mod primitives;
