//! The element type that a run computes in.

use serde::{Deserialize, Serialize};

/// Single or double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits: about 7 digits, and twice the speed.
    #[default]
    F32,
    /// 64 bits: about 16 digits.
    F64,
}

impl Precision {
    /// The nearest number of this precision.
    pub fn round(self, x: f64) -> f64 {
        match self {
            Self::F32 => f64::from(x as f32),
            Self::F64 => x,
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::F64 => size_of::<f64>(),
        }
    }

    /// Distance from 1 to the next number.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::F32 => f64::from(f32::EPSILON),
            Self::F64 => f64::EPSILON,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// Runs an expression with `$E` bound to the element type of a [`Precision`].
#[macro_export]
macro_rules! with_precision {
    ($precision:expr, $E:ident => $body:expr) => {
        match $precision {
            $crate::base::Precision::F32 => {
                type $E = f32;
                $body
            }
            $crate::base::Precision::F64 => {
                type $E = f64;
                $body
            }
        }
    };
}
