//! Results that no processor changes.
//!
//! The kernels of this program add in an order of their own, whatever the width of vectors, and give the same bytes everywhere. faer,
//! which multiplies and decomposes matrices, picks its kernels by the processor it finds, and its sums differ in their last
//! bits from type to type; it takes no other choice. Where the order is [fixed](fix), slower algorithms of our own do
//! that work: products ([`autodiff::matrix`](crate::autodiff::matrix)), eigenvalues ([`spectral`](crate::spectral)) and
//! orthogonal matrices ([`random`](super::random)).
//!
//! What cannot be fixed from here is the C library, which computes exponentials and logarithms of single numbers in two ways, with
//! fused multiply-add and without: processors of [`Level::V3`] and above agree, older ones may not agree with them.

use super::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A microarchitecture level of x86-64 (System V ABI): the instructions that a processor has at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// SSE4.2 (since 2009)
    V2,
    /// AVX2 and fused multiply-add (since 2013)
    V3,
    /// AVX-512
    V4,
}

impl Level {
    /// As flags and records name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
            Self::V4 => "v4",
        }
    }

    /// That of this processor; none where it has another architecture, or is older than all levels.
    pub fn found() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl")
            {
                return Some(Self::V4);
            }
            if has!("avx2") && has!("fma") && has!("bmi2") {
                return Some(Self::V3);
            }
            if has!("sse4.2") && has!("popcnt") {
                return Some(Self::V2);
            }
        }
        None
    }
}

static FIXED: AtomicBool = AtomicBool::new(false);

/// Whether the order of all sums is fixed.
pub fn is_fixed() -> bool {
    FIXED.load(Relaxed)
}

/// Fixes the order of all sums of this process, for good.
pub fn fix() {
    FIXED.store(true, Relaxed);
}

/// The same for work that processors from `level` on share. Refuses a processor below it.
pub fn fix_for(level: Level) -> Result<()> {
    if Level::found().is_some_and(|found| found >= level) {
        fix();
        return Ok(());
    }
    let expected = format!("a processor of x86-64-{}", level.name());
    Err(Error::expected("--isa", expected, processor()))
}

/// The type of this processor, as far as it decides bytes.
fn processor() -> String {
    let architecture = std::env::consts::ARCH;
    match Level::found() {
        Some(level) => format!("x86-64-{}", level.name()),
        None if architecture == "x86_64" => "x86-64-v1".to_owned(),
        None => architecture.to_owned(),
    }
}

/// What [`arithmetic`] says where the order is fixed.
pub const ANY: &str = "fixed";

/// Whose bytes this process computes: [`ANY`] processor's, or those of the type that it runs on.
pub fn arithmetic() -> String {
    if is_fixed() { ANY.to_owned() } else { processor() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_that_of_the_processor_or_below() {
        assert!(Level::V2 < Level::V3 && Level::V3 < Level::V4);
        let found = Level::found();
        assert!(processor().ends_with(found.map_or(std::env::consts::ARCH, Level::name)) || found.is_none());
        for level in Level::value_variants() {
            assert_eq!(
                level.to_possible_value().map(|v| v.get_name().to_owned()).as_deref(),
                Some(level.name())
            );
        }
    }
}
