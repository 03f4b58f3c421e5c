//! A table of TOML as a source of settings, read so that nothing in it is passed over.
//!
//! Keys are the flags of a command, in kebab case. Every struct of settings is read here: an unknown key is an error that
//! names the near miss, and a bad value says where it stands.

use super::registry::{check_depth, parse_value, unknown};
use super::{Error, Result, apart, files};
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use serde::de::{DeserializeOwned, value::MapDeserializer};
use std::path::Path;
use toml::{Table, Value};

/// A key that sets one entry of a kind: (key, where it goes, help).
pub type Shorthand = (&'static str, &'static str, &'static str);

/// Largest configuration file: `{a=1},` takes a hundred times its length and more in memory.
const MOST: u64 = 1 << 18;

/// A table, and the keys that have been asked for so far.
#[derive(Clone, Debug, Default)]
pub struct Section {
    at: String,
    table: Table,
    known: Vec<String>,
}

impl Section {
    /// A table that stands at this place, for messages.
    pub fn new(at: impl Into<String>, table: Table) -> Self {
        Self { at: at.into(), table, known: Vec::new() }
    }

    /// A file.
    pub fn read(path: &Path) -> Result<Self> {
        let path = &files::at_home(path);
        let text = files::read_text(path, MOST)?;
        apart::input(path)?;
        Self::parse(files::named(path), &text)
    }

    /// A text that stands at this place.
    pub fn parse(at: impl Into<String>, text: &str) -> Result<Self> {
        let at = at.into();
        let table: Table = toml::from_str(text).map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |s| {
                1 + text.as_bytes()[..s.start.min(text.len())].iter().filter(|b| **b == b'\n').count()
            });
            Error::request(format!("{at}: line {line}"), e.message().replace('\n', " "))
        })?;
        table.values().try_for_each(|value| check_depth(&at, value))?;
        Ok(Self::new(at, table))
    }

    /// Where a key stands, for messages.
    pub fn at(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}: {key}", self.at) }
    }

    /// The table as text.
    pub fn text(&self) -> Result<String> {
        toml::to_string(&self.table).map_err(|e| Error::value(&self.at, &e.to_string()))
    }

    /// What has not been taken.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Takes what stands under a key.
    pub fn value(&mut self, key: &str) -> Option<Value> {
        self.known.push(key.to_owned());
        self.table.remove(key)
    }

    /// Takes a table under a key.
    pub fn section(&mut self, key: &str) -> Result<Option<Self>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self::new(self.at(key), table))),
            Some(other) => Err(Error::expected(self.at(key), "a table", other.type_str())),
        }
    }

    /// Takes settings of one struct: its defaults, and the keys that are there over them.
    pub fn take<S>(&mut self, shorthands: &[Shorthand]) -> Result<S>
    where
        S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
    {
        Ok(self.settings(S::default(), shorthands)?.value)
    }

    /// The same over other defaults, still open to changes.
    pub fn settings<S>(&mut self, defaults: S, shorthands: &[Shorthand]) -> Result<Settings<S>>
    where
        S: Args + FromArgMatches + Serialize + DeserializeOwned,
    {
        let mut settings = Settings::over(defaults)?;
        self.fill(&mut settings, shorthands)?;
        Ok(settings)
    }

    /// Lays the keys that are there over settings.
    pub fn fill(&mut self, settings: &mut dyn Open, shorthands: &[Shorthand]) -> Result<()> {
        for (_, key) in settings.keys() {
            let at = self.at(&key);
            if let Some(value) = self.value(&key) {
                settings.set(&at, &key, value)?;
            }
        }
        for (key, path, _) in shorthands {
            let at = self.at(key);
            if let Some(value) = self.value(key) {
                settings.set(&at, path, shorthand_value(key, value))?;
            }
        }
        Ok(())
    }

    /// Whether there are keys that nobody took: an error that names the near miss.
    pub fn finish(self) -> Result<()> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(unknown(&self.at("key"), key, self.known.iter().map(String::as_str))),
        }
    }
}

/// The fields of a struct of settings: as clap calls them, and as keys.
pub fn keys<S: Args>() -> Vec<(String, String)> {
    S::augment_args(Command::new(""))
        .get_arguments()
        .map(|a| (a.get_id().to_string(), a.get_id().as_str().replace('_', "-")))
        .collect()
}

/// For `hidden`, `24,16` and `24` are lists too, `32x20` is twenty times 32, and `none` an empty list.
pub fn shorthand_value(key: &str, value: Value) -> Value {
    match (key, value) {
        ("hidden", Value::Integer(width)) => Value::Array(vec![Value::Integer(width)]),
        ("hidden", Value::String(list)) => match list.trim() {
            "none" | "" => Value::Array(Vec::new()),
            list => {
                // Spaces separate widths where no commas do; between two commas one is missing.
                let sign = if list.contains(',') { ',' } else { ' ' };
                let there = |part: &&str| sign == ',' || !part.is_empty();
                let parts = || list.split(sign).map(str::trim).filter(there);
                // Nor is one of more than anybody's layers.
                match parts().flat_map(widths).nth(DEEPEST_NETWORK) {
                    None => Value::Array(parts().flat_map(widths).collect()),
                    Some(_) => Value::String(files::brief(list)),
                }
            }
        },
        (_, value) => value,
    }
}

/// Most layers of a list that is written short.
const DEEPEST_NETWORK: usize = 10_000;

/// `32x20` as twenty times 32; anything else as one value.
fn widths(part: &str) -> Vec<Value> {
    let times = part.split_once('x').and_then(|(width, n)| Some((width.parse().ok()?, n.parse().ok()?)));
    match times {
        // Beyond that, no list is meant; what is wrong with it is then said of the text.
        Some((width, n @ 1..=DEEPEST_NETWORK)) => vec![Value::Integer(width); n],
        _ => vec![parse_value(part)],
    }
}

/// Settings as a table, keys in kebab case.
pub fn table_of(settings: &impl Serialize) -> Result<Table> {
    match Value::try_from(settings) {
        Ok(Value::Table(table)) => Ok(table),
        Ok(_) | Err(_) => Err(Error::request("settings", "cannot be written as TOML")),
    }
}

/// Settings under construction: every change is checked where it is made.
#[derive(Debug)]
pub struct Settings<S> {
    table: Table,
    /// As they are.
    pub value: S,
}

impl<S: Serialize> Settings<S> {
    /// Those that are laid over these.
    pub fn over(value: S) -> Result<Self> {
        Ok(Self { table: table_of(&value)?, value })
    }
}

/// Settings under construction, of whatever struct.
pub trait Open {
    /// The fields: as clap calls them, and as keys.
    fn keys(&self) -> Vec<(String, String)>;
    /// Sets `key`, or `kind.key` within one of the kinds.
    fn set(&mut self, at: &str, path: &str, value: Value) -> Result<()>;
    /// The fields as flags have them, those that were not given included.
    fn flags(&self, matches: &ArgMatches) -> std::result::Result<Table, clap::Error>;
}

impl<S: Args + FromArgMatches + Serialize + DeserializeOwned> Open for Settings<S> {
    fn keys(&self) -> Vec<(String, String)> {
        keys::<S>()
    }

    fn set(&mut self, at: &str, path: &str, value: Value) -> Result<()> {
        match path.split_once('.') {
            None => {
                self.table.insert(path.to_owned(), value);
            }
            Some((kind, key)) => {
                // A kind is written back as a table, or as its bare name where it has no settings.
                let mut table = match self.table.remove(kind) {
                    Some(Value::Table(table)) => table,
                    Some(Value::String(name)) => Table::from_iter([("kind".to_owned(), Value::String(name))]),
                    _ => Table::new(),
                };
                table.insert(key.to_owned(), value);
                self.table.insert(kind.to_owned(), Value::Table(table));
            }
        }
        let fields = MapDeserializer::<_, toml::de::Error>::new(self.table.clone().into_iter());
        self.value = S::deserialize(fields).map_err(|e| Error::value(at, e.message()))?;
        self.table = table_of(&self.value)?;
        Ok(())
    }

    fn flags(&self, matches: &ArgMatches) -> std::result::Result<Table, clap::Error> {
        Ok(table_of(&S::from_arg_matches(matches)?).unwrap_or_default())
    }
}

/// Where settings come from: a file and flags, or a section of a recipe with changes over it.
pub trait Given {
    /// Lays what is given over settings.
    fn fill(&mut self, settings: &mut dyn Open, shorthands: &[Shorthand]) -> Result<()>;
    /// Lays what is given in a table over settings; whether there is one.
    fn table(&mut self, name: &str, settings: &mut dyn Open) -> Result<bool>;
}

impl dyn Given + '_ {
    /// Settings of one struct over these.
    pub fn over<S>(&mut self, defaults: S, shorthands: &[Shorthand]) -> Result<S>
    where
        S: Args + FromArgMatches + Serialize + DeserializeOwned,
    {
        let mut settings = Settings::over(defaults)?;
        self.fill(&mut settings, shorthands)?;
        Ok(settings.value)
    }

    /// Those of a table over their defaults, if there is one.
    pub fn in_table<S>(&mut self, name: &str) -> Result<Option<S>>
    where
        S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
    {
        let mut settings = Settings::over(S::default())?;
        Ok(self.table(name, &mut settings)?.then_some(settings.value))
    }
}
