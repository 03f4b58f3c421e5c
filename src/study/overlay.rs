//! Changes to settings, by their path: `train.model.hidden = [24, 16]` and the like.

use crate::base::registry::unknown;
use crate::base::section::{Section, Shorthand, keys, shorthand_value};
use crate::base::{Error, Result};
use clap::{Args, FromArgMatches};
use serde::{Serialize, de::DeserializeOwned};
use toml::Value;

/// One setting that gets another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where that is said, for messages.
    pub at: String,
    /// `SECTION.setting`, or `SECTION.kind.setting`.
    pub path: String,
    /// The value.
    pub value: Value,
}

impl Change {
    /// The section, and the path within it.
    pub fn parts(&self) -> (&str, &str) {
        self.path.split_once('.').unwrap_or((&self.path, ""))
    }
}

/// Settings of one struct from a section of a recipe, and the changes to it over that, later ones over earlier ones.
pub fn overlay<'c, S>(
    mut section: Section,
    changes: impl Iterator<Item = &'c Change>,
    shorthands: &[Shorthand],
) -> Result<S>
where
    S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
{
    let mut settings = section.settings(S::default(), shorthands)?;
    section.finish()?;
    let known = keys::<S>();
    for Change { at, path, value } in changes {
        let inner = path.split_once('.').map_or("", |p| p.1);
        let head = inner.split('.').next().unwrap_or_default();
        let own = known.iter().any(|k| k.1 == head);
        let shorthand = shorthands.iter().find(|s| s.0 == inner && !own);
        if shorthand.is_none() && !own {
            let names = known.iter().map(|k| k.1.as_str()).chain(shorthands.iter().map(|s| s.0));
            return Err(unknown(&format!("{at}: `{path}`: setting"), head, names));
        }
        if inner.split('.').count() > 2 {
            return Err(Error::expected(at, "a setting, or a setting of a kind", format!("`{path}`")));
        }
        match shorthand {
            Some((key, to, _)) => settings.set(at, to, shorthand_value(key, value.clone()))?,
            None => settings.set(at, inner, value.clone())?,
        }
    }
    Ok(settings.value)
}
