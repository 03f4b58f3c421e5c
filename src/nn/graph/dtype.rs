//! Element types of tensors, by torch's numbers, and their numbers as f64.

use crate::base::{Error, Result};

/// An element type. On the tape every number is of the program's own type: whole numbers and truth values are exact in
/// it up to 2^24 (f32) or 2^53 (f64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Any floating type.
    Float,
    /// Any integer type.
    Int,
    /// 0 or 1.
    Bool,
}

/// How the numbers of a file are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    U8,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
    Bool,
    BF16,
}

impl Stored {
    /// By torch's number (`ScalarType` in its `schema.py`).
    pub fn of(at: &str, number: u32) -> Result<Self> {
        Ok(match number {
            1 => Self::U8,
            2 => Self::I8,
            3 => Self::I16,
            4 => Self::I32,
            5 => Self::I64,
            6 => Self::F16,
            7 => Self::F32,
            8 => Self::F64,
            12 => Self::Bool,
            13 => Self::BF16,
            other => {
                let known = "a dtype of float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8 or bool";
                let found = match other {
                    9..=11 => "a complex one".to_owned(),
                    _ => format!("number {other} of torch's list"),
                };
                return Err(Error::expected(at, known, found));
            }
        })
    }

    /// What kind of numbers they are.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::F16 | Self::F32 | Self::F64 | Self::BF16 => Dtype::Float,
            Self::Bool => Dtype::Bool,
            _ => Dtype::Int,
        }
    }

    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The number that lies in `bytes` at element `index`, little-endian.
    pub fn read(self, bytes: &[u8], index: usize) -> f64 {
        fn at<const N: usize>(bytes: &[u8], index: usize) -> [u8; N] {
            bytes[index * N..].first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Self::U8 => f64::from(bytes[index]),
            Self::Bool => f64::from(u8::from(bytes[index] != 0)),
            Self::I8 => f64::from(bytes[index] as i8),
            Self::I16 => f64::from(i16::from_le_bytes(at(bytes, index))),
            Self::I32 => f64::from(i32::from_le_bytes(at(bytes, index))),
            Self::I64 => i64::from_le_bytes(at(bytes, index)) as f64,
            Self::F32 => f64::from(f32::from_le_bytes(at(bytes, index))),
            Self::F64 => f64::from_le_bytes(at(bytes, index)),
            Self::F16 => half(u16::from_le_bytes(at(bytes, index))),
            Self::BF16 => f64::from(f32::from_bits(u32::from(u16::from_le_bytes(at(bytes, index))) << 16)),
        }
    }
}

/// IEEE half precision: 1 sign, 5 exponent and 10 fraction bits.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(e - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_numbers_are_read() {
        let cases = [
            (0x3c00u16, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333251953125),
            (1, 2f64.powi(-24)),
            (0x7bff, 65504.0),
        ];
        for (bits, value) in cases {
            assert_eq!(Stored::F16.read(&bits.to_le_bytes(), 0), value, "{bits:x}");
        }
        assert_eq!(Stored::BF16.read(&0x3fc0u16.to_le_bytes(), 0), 1.5);
        assert_eq!(Stored::F16.read(&0xfc00u16.to_le_bytes(), 0), f64::NEG_INFINITY);
        assert!(Stored::F16.read(&0x7e00u16.to_le_bytes(), 0).is_nan());
    }
}
