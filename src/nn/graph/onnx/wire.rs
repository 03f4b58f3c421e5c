//! Protocol buffers as they lie in bytes: fields of a number, a kind and a value. Strict: a field that reaches beyond its
//! message, a number of more than ten bytes, a group or field 0 is an error, and nothing is copied before its size is known
//! to lie in the file.

/// Why bytes are no message.
pub type Fault = &'static str;

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Eight([u8; 8]),
    /// Four bytes.
    Four([u8; 4]),
    /// Bytes: text, a message within, or packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    /// The number.
    pub fn number(self) -> Result<u64, Fault> {
        match self {
            Self::Varint(n) => Ok(n),
            _ => Err("a field that is no whole number"),
        }
    }

    /// The bytes.
    pub fn bytes(self) -> Result<&'a [u8], Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err("a field that is no message or text"),
        }
    }

    /// The text.
    pub fn text(self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "text that is not UTF-8")
    }

    /// The number in single precision.
    pub fn single(self) -> Result<f32, Fault> {
        match self {
            Self::Four(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err("a field that is no single-precision number"),
        }
    }

    /// Whole numbers: one, or several packed.
    pub fn numbers(self, into: &mut Vec<i64>) -> Result<(), Fault> {
        match self {
            Self::Varint(n) => into.push(n as i64),
            Self::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    into.push(varint(&mut bytes)? as i64);
                }
            }
            _ => return Err("a list of other than whole numbers"),
        }
        Ok(())
    }

    /// Numbers of four bytes: one, or several packed.
    pub fn singles(self, into: &mut Vec<f64>) -> Result<(), Fault> {
        match self {
            Self::Four(bytes) => into.push(f64::from(f32::from_le_bytes(bytes))),
            Self::Bytes(bytes) => {
                let (whole, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err("a list of single-precision numbers that ends within one");
                }
                into.extend(whole.iter().map(|b| f64::from(f32::from_le_bytes(*b))));
            }
            _ => return Err("a list of other than single-precision numbers"),
        }
        Ok(())
    }

    /// Numbers of eight bytes: one, or several packed.
    pub fn doubles(self, into: &mut Vec<f64>) -> Result<(), Fault> {
        match self {
            Self::Eight(bytes) => into.push(f64::from_le_bytes(bytes)),
            Self::Bytes(bytes) => {
                let (whole, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err("a list of double-precision numbers that ends within one");
                }
                into.extend(whole.iter().map(|b| f64::from_le_bytes(*b)));
            }
            _ => return Err("a list of other than double-precision numbers"),
        }
        Ok(())
    }
}

/// A number of variable length from the start of `bytes`.
pub fn varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let mut number = 0u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 127) << (7 * i);
        if byte & 128 == 0 {
            if i == 9 && *byte > 1 {
                break;
            }
            *bytes = &bytes[i + 1..];
            return Ok(number);
        }
    }
    Err(if bytes.len() < 10 {
        "a number that ends with the message"
    } else {
        "a number of more than 64 bits"
    })
}

/// The first field of `bytes` by number.
pub fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u64, Field<'a>), Fault> {
    let tag = varint(bytes)?;
    let number = tag >> 3;
    if number == 0 || number > 1 << 28 {
        return Err("a field of an impossible number");
    }
    let mut take = |n: u64| -> Result<&'a [u8], Fault> {
        let n = usize::try_from(n).ok().filter(|n| *n <= bytes.len()).ok_or("a field beyond the end")?;
        let (taken, rest) = bytes.split_at(n);
        *bytes = rest;
        Ok(taken)
    };
    let value = match tag & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => Field::Eight(take(8)?.first_chunk().copied().unwrap_or([0; 8])),
        5 => Field::Four(take(4)?.first_chunk().copied().unwrap_or([0; 4])),
        2 => {
            let length = varint(bytes)?;
            let n = usize::try_from(length).ok().filter(|n| *n <= bytes.len());
            let (taken, rest) = bytes.split_at(n.ok_or("a field beyond the end")?);
            *bytes = rest;
            Field::Bytes(taken)
        }
        _ => return Err("a field of an unknown kind"),
    };
    Ok((number, value))
}

/// Shows every field of a message.
pub fn each<'a>(
    mut bytes: &'a [u8],
    mut see: impl FnMut(u64, Field<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    while !bytes.is_empty() {
        let (number, value) = field(&mut bytes)?;
        see(number, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields_are_those_of_the_encoding() {
        // The examples of the encoding's documentation.
        assert_eq!(varint(&mut &[0x96, 0x01][..]), Ok(150));
        let (number, value) =
            field(&mut &[0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67][..]).expect("a field");
        assert_eq!((number, value.text()), (2, Ok("testing")));
        let mut all = Vec::new();
        Field::Bytes(&[0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]).numbers(&mut all).expect("numbers");
        assert_eq!(all, [3, 270, 86942]);
        let minus = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(varint(&mut &minus[..]).map(|n| n as i64), Ok(-1));
    }

    #[test]
    fn broken_fields_are_refused() {
        for bytes in [&[0x0a, 5, 1][..], &[0x80], &[0xff; 11], &[0x00, 0], &[0x0b], &[0x0d, 1, 2]] {
            assert!(field(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
