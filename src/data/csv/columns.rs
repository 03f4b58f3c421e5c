//! Settings of a table as text that a configuration may also hold as a number, a truth value or a list.

use crate::base::registry::unknown;
use crate::base::{Error, Result};
use crate::data::preparation::scalar;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Whether there is a line of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// There is one if the first line does not fit what stands in the columns below it.
    Auto,
    /// There is one.
    Yes,
    /// There is none.
    No,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The last one, unless one is called so.
    Last,
    /// By its number, from 0.
    Index(usize),
    /// By its name in the header.
    Name(String),
}

/// Some columns of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(pub Vec<Column>);

/// What counts as a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// An empty field, and what programs write for one: NA, NaN, null, ?, - and the like.
    Auto,
    /// An empty field alone.
    Empty,
}

/// What becomes of columns of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Categories {
    /// They are refused.
    None,
    /// A feature a text, 1 where it stands and 0 elsewhere.
    OneHot,
    /// One feature: the number of the text in the order of texts.
    Index,
}

/// What stands before the fraction of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// `1.5`
    Point,
    /// `1,5`
    Comma,
}

/// Text that a configuration may also hold as a number or a truth value: how each value is written, the first way as it is
/// shown.
macro_rules! as_words {
    ($Type:ident, $setting:literal, $($Value:ident: $($word:literal)|+),+) => {
        impl fmt::Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$Value => [$($word),+][0],)+
                })
            }
        }
        impl FromStr for $Type {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($($word)|+ => Ok(Self::$Value),)+
                    other => Err(unknown($setting, other, [$($($word),+),+])),
                }
            }
        }
        as_text!($Type);
    };
}
macro_rules! as_text {
    ($Type:ident) => {
        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                scalar(d)
            }
        }
    };
}
as_words!(Header, "header", Auto: "auto", Yes: "true", No: "false");
as_words!(Missing, "missing", Auto: "auto", Empty: "empty");
as_words!(Categories, "categories", None: "none", OneHot: "one-hot" | "auto", Index: "index");
as_words!(Decimal, "decimal", Point: "point" | ".", Comma: "comma" | ",");
as_text!(Column);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Index(i) => write!(f, "{i}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Column {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match (text, text.parse()) {
            ("last", _) => Self::Last,
            (_, Ok(i)) => Self::Index(i),
            _ => Self::Name(text.to_owned()),
        })
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

/// One column, or a list of them: `drop=id`, `drop=[id,7]`.
impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Columns;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("columns, by name or number")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Columns, E> {
                // A list of bare words is no TOML, and comes as text.
                let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
                let column = |name: &str| name.trim().trim_matches('"').parse().map_err(E::custom);
                match inner {
                    Some(list) => list.split(',').map(column).collect::<std::result::Result<_, E>>(),
                    None => Ok(vec![column(text)?]),
                }
                .map(Columns)
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Columns, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Columns, E> {
                self.visit_str(&value.to_string())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Columns, A::Error> {
                let mut all = Vec::new();
                while let Some(column) = seq.next_element()? {
                    all.push(column);
                }
                Ok(Columns(all))
            }
        }
        d.deserialize_any(List)
    }
}
