//! Settings from their three sources: defaults, a TOML file over them, and the flags that were really given.
//!
//! All three speak the same keys (flags in kebab case), and every struct of settings is read here, so that an
//! unknown key is an error that names the near miss, and a bad value says where it stands.

use crate::base::registry::{parse_value, unknown};
use crate::base::{Error, Result, files};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A flag that sets one entry of a kind: (flag, where it goes, help).
pub type Shorthand = (&'static str, &'static str, &'static str);

/// Largest configuration file.
const MOST: u64 = 1 << 20;

/// A configuration file and the flags.
pub struct Sources<'a> {
    matches: Option<&'a ArgMatches>,
    at: String,
    table: Table,
    known: Vec<String>,
}

/// Adds shorthand flags to a command.
pub fn with_shorthands(command: Command, shorthands: &'static [Shorthand]) -> Command {
    shorthands.iter().fold(command, |command, (flag, path, help)| {
        let arg = Arg::new(*flag).long(*flag).value_name("VALUE").allow_hyphen_values(true);
        command.arg(arg.help(format!("{help} (sets {path})")))
    })
}

impl<'a> Sources<'a> {
    /// The flags, and the file that `--config` names.
    pub fn new(matches: &'a ArgMatches) -> Result<Self> {
        let path: Option<&PathBuf> = matches.get_one("config");
        let (at, table) = match path {
            Some(path) => (files::named(path), read(path)?),
            None => (String::new(), Table::new()),
        };
        Ok(Self { matches: Some(matches), at, table, known: Vec::new() })
    }

    /// Settings of one struct from a table of the file, if it is there; no flags set them.
    pub fn table<S>(&mut self, name: &str, shorthands: &[Shorthand]) -> Result<Option<S>>
    where
        S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
    {
        self.known.push(name.to_owned());
        let at = format!("{}: {name}", self.at);
        let table = match self.table.remove(name) {
            None => return Ok(None),
            Some(Value::Table(table)) => table,
            Some(other) => return Err(Error::expected(at, "a table", other.type_str())),
        };
        let mut section = Sources { matches: None, at, table, known: Vec::new() };
        let settings = section.take(shorthands)?;
        section.finish()?;
        Ok(Some(settings))
    }

    /// One path from the flags, or from the file.
    pub fn path(&mut self, key: &str) -> Result<Option<PathBuf>> {
        self.known.push(key.to_owned());
        let configured = self.table.remove(key);
        let configured = match configured {
            None => None,
            Some(Value::String(path)) if !path.is_empty() => Some(PathBuf::from(path)),
            Some(other) => return Err(Error::expected(format!("{}: {key}", self.at), "a path", other)),
        };
        let flag = self.matches.and_then(|m| m.get_one::<PathBuf>(key));
        Ok(flag.cloned().or(configured))
    }

    /// Paths from the flags, or from the file: one, or a list.
    pub fn paths(&mut self, key: &str) -> Result<Vec<PathBuf>> {
        self.known.push(key.to_owned());
        let flags: Vec<PathBuf> =
            self.matches.and_then(|m| m.get_many(key)).into_iter().flatten().cloned().collect();
        let wrong = |found: &Value| {
            Err(Error::expected(format!("{}: {key}", self.at), "a path or a list of paths", found))
        };
        let path = |value: Value| match value {
            Value::String(path) if !path.is_empty() => Ok(PathBuf::from(path)),
            other => wrong(&other),
        };
        let configured = match self.table.remove(key) {
            None => Vec::new(),
            Some(Value::Array(all)) => all.into_iter().map(path).collect::<Result<_>>()?,
            Some(one) => vec![path(one)?],
        };
        Ok(if flags.is_empty() { configured } else { flags })
    }

    /// Settings of one struct: its defaults, then the file's keys, then the flags that were given.
    pub fn take<S>(&mut self, shorthands: &[Shorthand]) -> Result<S>
    where
        S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
    {
        self.take_over(S::default(), shorthands)
    }

    /// The same with other defaults.
    pub fn take_over<S>(&mut self, defaults: S, shorthands: &[Shorthand]) -> Result<S>
    where
        S: Args + FromArgMatches + Serialize + DeserializeOwned,
    {
        let keys: Vec<(String, String)> = S::augment_args(Command::new(""))
            .get_arguments()
            .map(|a| (a.get_id().to_string(), a.get_id().as_str().replace('_', "-")))
            .collect();
        let mut settings = Settings::over(defaults)?;
        self.known.extend(keys.iter().map(|k| k.1.clone()));
        self.known.extend(shorthands.iter().map(|s| s.0.to_owned()));
        for (_, key) in &keys {
            if let Some(value) = self.table.remove(key) {
                settings.set(&format!("{}: {key}", self.at), key, value)?;
            }
        }
        for (key, path, _) in shorthands {
            if let Some(value) = self.table.remove(*key) {
                settings.set(&format!("{}: {key}", self.at), path, shorthand_value(key, value))?;
            }
        }
        let Some(matches) = self.matches else { return Ok(settings.value) };
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        // TOML's whole numbers end at i64.
        for (id, key) in keys.iter().filter(|(id, _)| given(id)) {
            let raw = matches.get_raw(id).into_iter().flatten().filter_map(|v| v.to_str());
            if let Some(large) = raw.filter_map(|v| v.parse::<u64>().ok()).find(|n| *n > i64::MAX as u64) {
                return Err(Error::expected(format!("--{key}"), format!("at most {}", i64::MAX), large));
            }
        }
        let flags = S::from_arg_matches(matches).map_err(|e| super::arguments::error(&e))?;
        let flags = table_of(&flags)?;
        for (_, key) in keys.iter().filter(|(id, _)| given(id)) {
            if let Some(value) = flags.get(key) {
                settings.set(&format!("--{key}"), key, value.clone())?;
            }
        }
        for (key, path, _) in shorthands.iter().filter(|s| given(s.0)) {
            let text: &String =
                matches.get_one(key).ok_or_else(|| Error::expected(*key, "a value", "none"))?;
            settings.set(&format!("--{key}"), path, shorthand_value(key, parse_value(text)))?;
        }
        Ok(settings.value)
    }

    /// Whether the file has keys that none of the structs took: an error that names the near miss.
    pub fn finish(self) -> Result<()> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => {
                Err(unknown(&format!("{}: key", self.at), key, self.known.iter().map(String::as_str)))
            }
        }
    }
}

/// For `hidden`, `24,16` and `24` are lists too, `32x20` is twenty times 32, and `none` an empty list.
fn shorthand_value(key: &str, value: Value) -> Value {
    match (key, value) {
        ("hidden", Value::Integer(width)) => Value::Array(vec![Value::Integer(width)]),
        ("hidden", Value::String(list)) => match list.trim() {
            "none" | "" => Value::Array(Vec::new()),
            list => Value::Array(list.split(',').flat_map(|part| widths(part.trim())).collect()),
        },
        (_, value) => value,
    }
}

/// `32x20` as twenty times 32; anything else as one value.
fn widths(part: &str) -> Vec<Value> {
    let times = part.split_once('x').and_then(|(width, n)| Some((width.parse().ok()?, n.parse().ok()?)));
    match times {
        // Beyond that, no list is meant; what is wrong with it is then said of the text.
        Some((width, n @ 1..=10_000)) => vec![Value::Integer(width); n],
        _ => vec![parse_value(part)],
    }
}

fn read(path: &Path) -> Result<Table> {
    let text = files::read_text(path, MOST)?;
    toml::from_str(&text).map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |s| {
            1 + text.as_bytes()[..s.start.min(text.len())].iter().filter(|b| **b == b'\n').count()
        });
        let what = e.message().replace('\n', " ");
        Error::request(format!("{}: line {line}", files::named(path)), what)
    })
}

fn table_of(settings: &impl Serialize) -> Result<Table> {
    match Value::try_from(settings) {
        Ok(Value::Table(table)) => Ok(table),
        Ok(_) | Err(_) => Err(Error::request("settings", "cannot be written as TOML")),
    }
}

/// Settings under construction: every change is checked where it is made.
struct Settings<S> {
    table: Table,
    value: S,
}

impl<S: Serialize + DeserializeOwned> Settings<S> {
    fn over(value: S) -> Result<Self> {
        Ok(Self { table: table_of(&value)?, value })
    }

    /// Sets `key`, or `kind.key` within one of the kinds.
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
        self.value = Value::Table(self.table.clone())
            .try_into()
            .map_err(|e: toml::de::Error| Error::value(at, e.message()))?;
        self.table = table_of(&self.value)?;
        Ok(())
    }
}
