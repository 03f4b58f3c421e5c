//! A table of TOML as a source of settings, read so that nothing in it is passed over.
//!
//! Keys are the flags of a command, in kebab case. Every struct of settings is read here: an unknown key is an error that
//! names the near miss, and a bad value says where it stands.

use super::registry::{check_depth, parse_value, unknown};
use super::{Error, Result, apart, files};
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use serde::de::{DeserializeOwned, value::MapDeserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
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
        let mut changes = Vec::new();
        for (_, key) in settings.keys().iter() {
            if let Some(value) = self.value(key) {
                changes.push((self.at(key), key.clone(), value));
            }
        }
        for (key, path, _) in shorthands {
            if let Some(value) = self.value(key) {
                changes.push((self.at(key), (*path).to_owned(), shorthand_value(key, value)));
            }
        }
        settings.set_all(changes)
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
pub fn keys<S: Args>() -> Keys {
    // A recipe of many cases asks for every case.
    static KNOWN: Mutex<BTreeMap<&str, Keys>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || {
        let command = S::augment_args(Command::new(""));
        let both = |id: &clap::Id| (id.to_string(), id.as_str().replace('_', "-"));
        command.get_arguments().map(|a| both(a.get_id())).collect()
    };
    known.entry(std::any::type_name::<S>()).or_insert_with(read).clone()
}

/// Pairs of names of the same field.
pub type Keys = Arc<[(String, String)]>;

/// Changes to settings: where each is said, the path, and the value.
pub type Changes = Vec<(String, String, Value)>;

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
#[derive(Clone, Debug)]
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
    fn keys(&self) -> Keys;
    /// Sets `key`, or `kind.key` within one of the kinds.
    fn set(&mut self, at: &str, path: &str, value: Value) -> Result<()>;
    /// Makes changes one after the other. Those of different fields are read at once, which is quicker, unless that fails: then one
    /// by one, to say which it is.
    fn set_all(&mut self, changes: Changes) -> Result<()>;
    /// The fields as flags have them, those that were not given included.
    fn flags(&self, matches: &ArgMatches) -> std::result::Result<Table, clap::Error>;
}

impl<S: Args + FromArgMatches + Serialize + DeserializeOwned> Open for Settings<S> {
    fn keys(&self) -> Keys {
        keys::<S>()
    }

    fn set(&mut self, at: &str, path: &str, value: Value) -> Result<()> {
        put(&mut self.table, path, value);
        self.value = read(self.table.clone()).map_err(|e| Error::value(at, e.message()))?;
        self.table = table_of(&self.value)?;
        Ok(())
    }

    fn set_all(&mut self, changes: Changes) -> Result<()> {
        let head = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
        let heads: BTreeSet<String> = changes.iter().map(|(_, path, _)| head(path)).collect();
        if heads.len() == changes.len() {
            let mut table = self.table.clone();
            changes.iter().for_each(|(_, path, value)| put(&mut table, path, value.clone()));
            if let Ok(value) = read(table) {
                self.value = value;
                self.table = table_of(&self.value)?;
                return Ok(());
            }
        }
        changes.into_iter().try_for_each(|(at, path, value)| self.set(&at, &path, value))
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

/// Settings from their table.
fn read<S: DeserializeOwned>(table: Table) -> std::result::Result<S, toml::de::Error> {
    S::deserialize(MapDeserializer::new(table.into_iter()))
}

/// Puts a value under `key`, or under `kind.key` within one of the kinds.
fn put(to: &mut Table, path: &str, value: Value) {
    let Some((kind, key)) = path.split_once('.') else {
        to.insert(path.to_owned(), value);
        return;
    };
    // A kind is written back as a table, or as its bare name where it has no settings.
    let mut table = match to.remove(kind) {
        Some(Value::Table(table)) => table,
        Some(Value::String(name)) => Table::from_iter([("kind".to_owned(), Value::String(name))]),
        _ => Table::new(),
    };
    table.insert(key.to_owned(), value);
    to.insert(kind.to_owned(), Value::Table(table));
}
