//! Elementary functions for whole slices: branch-free, vectorised by the compiler, accurate to a few ulp.

pub mod double;
pub mod single;

/// Runs `work` compiled for the widest vectors that this machine has.
///
/// Plain loops inside `work` over [`Element`](crate::autodiff::element::Element) functions become vector loops. The
/// results are the same bits on every machine: the width changes how many elements are computed at once, never how.
#[inline]
pub fn vectorised<R, F: FnOnce() -> R>(work: F) -> R {
    pulp::Arch::new().dispatch(work)
}
