//! How sharp minima are, and what that does to them.

pub mod shifted;
