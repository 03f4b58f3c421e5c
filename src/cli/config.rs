//! Settings from their three sources: defaults, a TOML file over them, and the flags that were really given.
//!
//! All three speak the same keys (flags in kebab case); [`Section`] reads the file.

use crate::base::files::at_home;
use crate::base::registry::parse_value;
use crate::base::section::{Given, Open, Section, Settings, shorthand_value};
use crate::base::{Error, Result};
use crate::study::builtin;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde::{Serialize, de::DeserializeOwned};
use std::path::PathBuf;
use toml::Value;

pub use crate::base::section::Shorthand;

/// A configuration file and the flags.
pub struct Sources<'a> {
    matches: &'a ArgMatches,
    file: Section,
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
        let file = path
            .map_or(Ok(Section::default()), |path| builtin::section(path, builtin::settings(), "--config"))?;
        Ok(Self { matches, file })
    }

    /// Settings of one struct from a table of the file over its defaults, with `flags` that set keys of it; none where neither
    /// the table nor a flag is given.
    pub fn table_with<S>(&mut self, name: &str, shorthands: &[Shorthand], flags: &[&str]) -> Result<Option<S>>
    where
        S: Args + FromArgMatches + Default + Serialize + DeserializeOwned,
    {
        let section = self.file.section(name)?;
        let flags: Vec<&str> = flags.iter().copied().filter(|flag| self.is_given(flag)).collect();
        if section.is_none() && flags.is_empty() {
            return Ok(None);
        }
        let mut section = section.unwrap_or_default();
        let mut settings = section.settings(S::default(), shorthands)?;
        for flag in flags {
            let text: &String =
                self.matches.get_one(flag).ok_or_else(|| Error::expected(flag, "a value", "none"))?;
            settings.set(&format!("--{flag}"), flag, Value::String(text.clone()))?;
        }
        section.finish()?;
        Ok(Some(settings.value))
    }

    /// Whether a flag was given.
    pub fn is_given(&self, flag: &str) -> bool {
        self.matches.value_source(flag) == Some(ValueSource::CommandLine)
    }

    /// One path from the flags, or from the file.
    pub fn path(&mut self, key: &str) -> Result<Option<PathBuf>> {
        let configured = match self.file.value(key) {
            None => None,
            Some(Value::String(path)) if !path.is_empty() => Some(PathBuf::from(path)),
            Some(other) => return Err(Error::expected(self.file.at(key), "a path", other)),
        };
        Ok(self.matches.get_one::<PathBuf>(key).cloned().or(configured).map(|path| at_home(&path)))
    }

    /// One word from the flags, or from the file.
    pub fn word(&mut self, key: &str) -> Result<Option<String>> {
        let configured = match self.file.value(key) {
            None => None,
            Some(Value::String(word)) => Some(word),
            Some(other) => return Err(Error::expected(self.file.at(key), "a word", other)),
        };
        Ok(self.matches.get_one::<String>(key).cloned().or(configured))
    }

    /// Paths from the flags, or from the file: one, or a list.
    pub fn paths(&mut self, key: &str) -> Result<Vec<PathBuf>> {
        let flags: Vec<PathBuf> = self.matches.get_many(key).into_iter().flatten().cloned().collect();
        let at = self.file.at(key);
        let wrong = |found: &Value| Err(Error::expected(&at, "a path or a list of paths", found));
        let path = |value: Value| match value {
            Value::String(path) if !path.is_empty() => Ok(PathBuf::from(path)),
            other => wrong(&other),
        };
        let configured = match self.file.value(key) {
            None => Vec::new(),
            Some(Value::Array(all)) => all.into_iter().map(path).collect::<Result<_>>()?,
            Some(one) => vec![path(one)?],
        };
        let given = if flags.is_empty() { configured } else { flags };
        Ok(given.iter().map(|path| at_home(path)).collect())
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
        let mut settings = Settings::over(defaults)?;
        self.fill(&mut settings, shorthands)?;
        Ok(settings.value)
    }

    /// Whether the file has keys that none of the structs took: an error that names the near miss.
    pub fn finish(self) -> Result<()> {
        self.file.finish()
    }
}

impl Given for Sources<'_> {
    /// The file's keys, then the flags that were given.
    fn fill(&mut self, settings: &mut dyn Open, shorthands: &[Shorthand]) -> Result<()> {
        self.file.fill(settings, shorthands)?;
        let (matches, keys) = (self.matches, settings.keys());
        let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        // TOML's whole numbers end at i64.
        for (id, key) in keys.iter().filter(|(id, _)| given(id)) {
            let raw = matches.get_raw(id).into_iter().flatten().filter_map(|v| v.to_str());
            if let Some(large) = raw.filter_map(|v| v.parse::<u64>().ok()).find(|n| *n > i64::MAX as u64) {
                return Err(Error::expected(format!("--{key}"), format!("at most {}", i64::MAX), large));
            }
        }
        let flags = settings.flags(matches).map_err(|e| super::arguments::error(&e))?;
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
        Ok(())
    }

    /// Tables stand in files alone.
    fn table(&mut self, name: &str, settings: &mut dyn Open) -> Result<bool> {
        let Some(mut section) = self.file.section(name)? else { return Ok(false) };
        section.fill(settings, &[])?;
        section.finish()?;
        Ok(true)
    }
}
