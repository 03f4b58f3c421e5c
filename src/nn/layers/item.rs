//! A layer in a list, with the name that its parameters carry: `{ kind = "conv", channels = 16, name = "stem" }`.

use super::Layer;
use crate::base::Error;
use crate::base::registry::Registry;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Value;

/// A layer and its name; without one it goes by its position, as in PyTorch's `Sequential`.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The name; empty for none.
    pub name: String,
    /// The layer.
    pub layer: Layer,
}

impl Item {
    /// A named layer.
    pub fn new(name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        Self { name: name.into(), layer: layer.into() }
    }

    /// The name, or the position after a prefix.
    pub fn path(&self, prefix: &str, position: usize) -> String {
        match (self.name.is_empty(), prefix.is_empty()) {
            (false, _) => self.name.clone(),
            (true, true) => position.to_string(),
            (true, false) => format!("{prefix}.{position}"),
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut value = self.layer.to_value();
        if !self.name.is_empty() {
            let mut table = match value {
                Value::Table(table) => table,
                kind => toml::Table::from_iter([("kind".to_owned(), kind)]),
            };
            table.insert("name".to_owned(), Value::String(self.name.clone()));
            value = Value::Table(table);
        }
        value.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(d)?;
        let name = match &mut value {
            Value::Table(table) => table.remove("name"),
            _ => None,
        };
        let name = match name {
            None => String::new(),
            Some(Value::String(name)) if valid(&name) => name,
            Some(other) => {
                let expected = "letters, digits, _ and -, in parts between dots";
                return Err(serde::de::Error::custom(Error::expected("name", expected, other)));
            }
        };
        let layer = Layer::from_value(value).map_err(serde::de::Error::custom)?;
        Ok(Self { name, layer })
    }
}

fn valid(name: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    name.len() <= 200 && name.split('.').all(part)
}
