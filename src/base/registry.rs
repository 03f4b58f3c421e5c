//! Registries of kinds: activations, optimizers, data sets, charts, whatever comes in several sorts.
//!
//! A kind is one file holding one plain struct: its fields are its settings, its methods its implementation;
//! [`kind!`](crate::kind) declares it with name, summary and defaults. [`registry!`](crate::registry) turns a list of such files into an enum, one
//! line a kind. The enum then reads and writes itself as
//!
//! - text, on the command line and in titles: `leaky-relu`, `leaky-relu:slope=0.2`, `mlp:hidden=[24,16]`;
//! - a TOML or JSON value, in recipes and results: `"relu"`, `{ kind = "leaky-relu", slope = 0.2 }`,
//!
//! and a misspelled kind or setting is answered with the near miss and the list.

use crate::base::synonyms::{remark, synonym};
use crate::base::text::{acts, brief};
use crate::base::{Error, Result};
use serde::Serialize;
use serde::de::{DeserializeOwned, value::MapDeserializer};
use toml::{Table, Value};

/// What a kind says of itself; its fields are its settings, each with a default value.
pub trait Kind: Clone + Default + Serialize + DeserializeOwned {
    /// The name users type, in kebab case.
    const NAME: &'static str;
    /// One line for `losscape list`, with the equation or source where there is one.
    const SUMMARY: &'static str;
    /// The settings that are paths of files or directories to read.
    const PATHS: &'static [&'static str] = &[];
    /// Endings of files that mean this kind, with the file as its setting `file`, where one is named in place of a kind.
    const ENDINGS: &'static [&'static str] = &[];
    /// Settings that the kind got later: values leave them out where they are the defaults, so that what is written about it
    /// keeps its bytes.
    const LATER: &'static [&'static str] = &[];

    /// Refuses settings that make no sense, as `setting: expected X, found Y`.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// An enum made by [`registry!`](crate::registry).
pub trait Registry: Sized + Clone + Default {
    /// What its entries are, in the singular: `"activation"`.
    const WHAT: &'static str;

    /// Every kind with its default settings, in the order of registration.
    fn all() -> Vec<Self>;
    /// The kind's name.
    fn name(&self) -> &'static str;
    /// The kind's one line.
    fn summary(&self) -> &'static str;
    /// The settings as a table, without `kind`.
    fn settings(&self) -> Table;
    /// [`Kind::LATER`] of the kind.
    fn later(&self) -> &'static [&'static str];
    /// The kind called `name`, its defaults overlaid with `settings`.
    fn from_settings(name: &str, settings: Table) -> Result<Self>;

    /// The names of all kinds.
    fn names() -> Vec<&'static str> {
        Self::all().iter().map(Self::name).collect()
    }

    /// Reads `name` or `name:key=value,key=value`; values are TOML, bare words are strings.
    fn parse(text: &str) -> Result<Self> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut settings = Table::new();
        for part in split_outside_brackets(rest) {
            let Some((key, value)) = part.split_once('=') else {
                return Err(Error::expected(
                    Self::WHAT,
                    "settings as key=value after the colon",
                    format!("`{part}`"),
                ));
            };
            settings.insert(key.trim().to_owned(), parse_value(value.trim()));
        }
        Self::from_settings(name.trim(), settings)
    }

    /// `name`, or `name:key=value,...` with the settings that differ from the defaults.
    fn text(&self) -> String {
        let defaults = Self::from_settings(self.name(), Table::new()).map(|d| d.settings());
        let differs: Vec<String> = self
            .settings()
            .iter()
            .filter(|(key, value)| defaults.as_ref().map(|d| d.get(*key)) != Ok(Some(value)))
            .map(|(key, value)| format!("{key}={}", value_text(value)))
            .collect();
        match differs.as_slice() {
            [] => self.name().to_owned(),
            some => format!("{}:{}", self.name(), some.join(",")),
        }
    }

    /// As a configuration value: the bare name, or a table with `kind` and the settings.
    fn to_value(&self) -> Value {
        let mut table = self.settings();
        let later = self.later();
        if !later.is_empty() {
            let defaults = Self::from_settings(self.name(), Table::new()).map(|d| d.settings());
            let same = |key: &str, value: &Value| defaults.as_ref().is_ok_and(|d| d.get(key) == Some(value));
            table.retain(|key, value| !(later.contains(&key) && same(key, value)));
        }
        if table.is_empty() {
            return Value::String(self.name().to_owned());
        }
        table.insert("kind".to_owned(), Value::String(self.name().to_owned()));
        Value::Table(table)
    }

    /// From a configuration value; a string may carry settings as on the command line.
    fn from_value(value: Value) -> Result<Self> {
        check_depth(Self::WHAT, &value)?;
        match value {
            Value::String(text) => Self::parse(&text),
            Value::Table(mut table) => match table.remove("kind") {
                Some(Value::String(name)) => Self::from_settings(&name, table),
                _ => Err(Error::expected(Self::WHAT, "a `kind` in the table", "none")),
            },
            other => Err(Error::expected(Self::WHAT, "a name or a table with `kind`", other)),
        }
    }
}

/// The settings of `kind` as a table. A field that is `None` by default is left out, and could then never be
/// given: settings of kinds have values.
pub fn settings_of<K: Kind>(kind: &K) -> Table {
    match Value::try_from(kind) {
        Ok(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

/// A kind from its defaults overlaid with `settings`, whose keys must be those of the default. What is the same for every kind is
/// `overlaid`, which is generated once.
pub fn kind_from<K: Kind>(what: &str, settings: Table) -> Result<K> {
    let table = overlaid(what, K::NAME, settings_of(&K::default()), settings)?;
    if table.is_empty() {
        return Ok(K::default());
    }
    // Read field by field: a deserializer of TOML would be generated again for every kind.
    let fields = MapDeserializer::<_, toml::de::Error>::new(table.into_iter());
    let kind = K::deserialize(fields).map_err(|e| refused(what, K::NAME, e.message()))?;
    kind.check().map_err(|e| Error::request(format!("{what} {}", K::NAME), e.to_string()))?;
    Ok(kind)
}

fn overlaid(what: &str, name: &str, mut table: Table, settings: Table) -> Result<Table> {
    for (key, value) in settings {
        if !table.contains_key(&key) {
            let at = format!("{what} {name}: setting");
            return Err(unknown(&at, &key, table.keys().map(String::as_str)));
        }
        table.insert(key, value);
    }
    Ok(table)
}

fn refused(what: &str, name: &str, message: &str) -> Error {
    Error::value(format!("{what} {name}"), message)
}

/// `AT: expected one of KNOWN, found X (did you mean Y?)`: nothing that is known by this name.
pub fn unknown<'a>(at: &str, found: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.into_iter().collect();
    // Nothing is nearly called by a name of many pages, and comparing it would take their number times the names'.
    let likely = found.len() <= 100;
    let near = known
        .iter()
        .filter(|_| likely)
        .map(|k| (strsim::normalized_damerau_levenshtein(k, found), *k))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k);
    let near = synonym(found, &known).or(near);
    let hint = near.map_or(String::new(), |k| format!(" (did you mean `{}`{})", brief(k), remark(k)));
    let names: Vec<String> = known.iter().map(|name| brief(name)).collect();
    let list = if known.is_empty() { "none".to_owned() } else { names.join(", ") };
    Error::expected(at, format!("one of {list}"), format!("`{}`{hint}", brief(found)))
}

/// Parts between commas; those inside brackets, braces and quotes part nothing.
pub fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut parts) = (0i32, false, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|p| !p.trim().is_empty());
    parts
}

/// A value on one line, where TOML would give its texts lines of their own. JSON's escapes are TOML's too, and the one that JSON
/// leaves out is added.
fn one_line(value: &Value) -> String {
    let quoted = |text: &str| serde_json::json!(text).to_string().replace('\u{7f}', "\\u007f");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(all) => format!("[{}]", all.iter().map(one_line).collect::<Vec<_>>().join(",")),
        Value::Table(all) => {
            let entry = |(key, value): (&String, &Value)| format!("{}={}", quoted(key), one_line(value));
            format!("{{{}}}", all.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// What [`parse_value`] reads back: a bare word where it can be, else TOML without spaces between its parts.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(s)
            if !s.contains(['"', ',', '[', ']', '{', '}'])
                && !s.contains(acts)
                && s.trim() == s
                && !s.is_empty()
                && parse_value(s) == *value =>
        {
            s.clone()
        }
        other if other.to_string().contains(acts) => one_line(other),
        Value::String(_) => value.to_string(),
        other => {
            let mut quote = None;
            let spaceless = |c: &char| {
                match quote {
                    Some(open) if open == *c => quote = None,
                    None if matches!(*c, '"' | '\'') => quote = Some(*c),
                    _ => {}
                }
                quote.is_some() || *c != ' '
            };
            other.to_string().chars().filter(spaceless).collect()
        }
    }
}

/// Tables and lists within each other, kinds in kinds among them: what reads and writes them goes down by recursion.
pub const DEEPEST: usize = 64;

/// Refuses a value in which tables and lists are nested deeper than [`DEEPEST`].
pub fn check_depth(at: &str, value: &Value) -> Result<()> {
    // Level by level, so that no depth is too much for this.
    let mut level: Vec<&Value> = vec![value];
    for _ in 0..=DEEPEST {
        level = level
            .into_iter()
            .flat_map(|value| match value {
                Value::Table(table) => table.values().collect::<Vec<&Value>>(),
                Value::Array(all) => all.iter().collect(),
                _ => Vec::new(),
            })
            .collect();
        if level.is_empty() {
            return Ok(());
        }
    }
    Err(Error::expected(at, format!("at most {DEEPEST} tables and lists within each other"), "more"))
}

/// A TOML value where the text is one, with numbers as other languages write them too; else the text itself as a string.
pub fn parse_value(text: &str) -> Value {
    let toml =
        |text: &str| toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
    toml(text).or_else(|| toml(&whole_fractions(text)?)).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The text with the zeros that TOML asks for about the point of a number: 0.9 for `.9`, 1.0 for `1.`; none where there is
/// nothing to add. Text in quotation marks stays.
fn whole_fractions(text: &str) -> Option<String> {
    let (mut whole, mut quote) = (String::new(), None);
    let all: Vec<char> = text.chars().collect();
    for (i, c) in all.iter().enumerate() {
        match (quote, c) {
            (Some(open), _) if open == *c => quote = None,
            (None, '"' | '\'') => quote = Some(*c),
            _ => {}
        }
        let digit = |at: Option<usize>| at.and_then(|at| all.get(at)).is_some_and(char::is_ascii_digit);
        let (before, after) = (i.checked_sub(1), Some(i + 1));
        match (quote, c) {
            (None, '.')
                if digit(after) && !before.is_some_and(|i| all[i].is_alphanumeric() || all[i] == '_') =>
            {
                whole.push_str("0.");
            }
            (None, '.') if digit(before) && !digit(after) => whole.push_str(".0"),
            _ => whole.push(*c),
        }
    }
    (whole != text).then_some(whole)
}

/// What a kind refuses beyond what the types of its settings say: nothing, unless it has a method `refuse` of its own.
pub trait Lenient {
    /// Refuses settings that make no sense, as `setting: expected X, found Y`.
    fn refuse(&self) -> Result<()> {
        Ok(())
    }
}

impl<T> Lenient for T {}

/// Declares a kind: its struct, its name, its line for `losscape list`, and each setting with its default and where that
/// comes from.
///
/// ```text
/// crate::kind! {
///     /// x for x > 0, slope x below.
///     LeakyRelu = "leaky-relu", "x for x > 0, slope x below (Maas, Hannun and Ng 2013)";
///     /// Slope below zero.
///     slope: f64 = 0.01, // Maas, Hannun and Ng 2013
/// }
/// ```
///
/// A setting without a default has that of its type. Settings that are paths of files to read are named before the
/// semicolon, as `, paths &["file"]`, then endings of files that mean the kind, and those settings that it [got later](Kind::LATER), as `, later &["slope"]`. What makes no sense is refused by a method `fn refuse(&self) -> Result<()>`, if the kind has one.
#[macro_export]
macro_rules! kind {
    (@default) => {
        ::std::default::Default::default()
    };
    (@default $default:expr) => {
        $default
    };
    (@kind $Name:ident, $name:literal, $summary:expr $(, paths $paths:expr)? $(, endings $endings:expr)? $(, later $later:expr)?) => {
        impl $crate::base::registry::Kind for $Name {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            $(const PATHS: &'static [&'static str] = $paths;)?
            $(const ENDINGS: &'static [&'static str] = $endings;)?
            $(const LATER: &'static [&'static str] = $later;)?

            fn check(&self) -> $crate::base::Result<()> {
                #[allow(unused_imports)]
                use $crate::base::registry::Lenient;
                self.refuse()
            }
        }
    };
    ($(#[$doc:meta])* $Name:ident = $name:literal, $summary:expr $(, paths $paths:expr)? $(, endings $endings:expr)?
        $(, later $later:expr)?;) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name;

        $crate::kind!(@kind $Name, $name, $summary $(, paths $paths)? $(, endings $endings)? $(, later $later)?);
    };
    ($(#[$doc:meta])* $Name:ident = $name:literal, $summary:expr $(, paths $paths:expr)? $(, endings $endings:expr)?
        $(, later $later:expr)?;
        $($(#[$meta:meta])* $field:ident: $Type:ty $(= $default:expr)?,)+) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $Name {
            $($(#[$meta])* pub $field: $Type,)+
        }

        impl Default for $Name {
            fn default() -> Self {
                Self { $($field: $crate::kind!(@default $($default)?),)+ }
            }
        }

        $crate::kind!(@kind $Name, $name, $summary $(, paths $paths)? $(, endings $endings)? $(, later $later)?);
    };
}

/// Makes a registry: one line a kind, `file => Struct;`, which also declares the module.
///
/// `match_NAME!(value, kind => expression)` is made beside it: static dispatch over the kinds, so that
/// methods may be generic over the element type.
#[macro_export]
macro_rules! registry {
    ($(#[$doc:meta])* $Name:ident, $what:literal, $dispatch:ident { $($file:ident => $Type:ident;)+ }) => {
        $crate::registry!(@build ($) $(#[$doc])* $Name, $what, $dispatch { $($file => $Type;)+ });
    };
    (@build ($d:tt) $(#[$doc:meta])* $Name:ident, $what:literal, $dispatch:ident
        { $first:ident => $First:ident; $($file:ident => $Type:ident;)* }) => {
        pub mod $first;
        pub use $first::$First;
        $(pub mod $file; pub use $file::$Type;)*

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $Name {
            #[doc = concat!("See [`", stringify!($First), "`].")]
            $First($First),
            $(#[doc = concat!("See [`", stringify!($Type), "`].")] $Type($Type),)*
        }

        /// Static dispatch over the kinds of this registry.
        #[allow(unused_macros)]
        macro_rules! $dispatch {
            ($d value:expr, $d kind:ident => $d body:expr) => {
                match $d value {
                    $Name::$First($d kind) => $d body,
                    $($Name::$Type($d kind) => $d body,)*
                }
            };
        }
        #[allow(unused_imports)]
        use $dispatch;

        impl $crate::base::registry::Registry for $Name {
            const WHAT: &'static str = $what;

            fn all() -> Vec<Self> {
                vec![Self::$First($First::default()), $(Self::$Type($Type::default()),)*]
            }

            fn name(&self) -> &'static str {
                match self {
                    Self::$First(_) => <$First as $crate::base::registry::Kind>::NAME,
                    $(Self::$Type(_) => <$Type as $crate::base::registry::Kind>::NAME,)*
                }
            }

            fn summary(&self) -> &'static str {
                match self {
                    Self::$First(_) => <$First as $crate::base::registry::Kind>::SUMMARY,
                    $(Self::$Type(_) => <$Type as $crate::base::registry::Kind>::SUMMARY,)*
                }
            }

            fn settings(&self) -> toml::Table {
                $dispatch!(self, kind => $crate::base::registry::settings_of(kind))
            }

            fn later(&self) -> &'static [&'static str] {
                match self {
                    Self::$First(_) => <$First as $crate::base::registry::Kind>::LATER,
                    $(Self::$Type(_) => <$Type as $crate::base::registry::Kind>::LATER,)*
                }
            }

            fn from_settings(name: &str, settings: toml::Table) -> $crate::base::Result<Self> {
                use $crate::base::registry::{Kind, kind_from, unknown};
                if name == <$First as Kind>::NAME {
                    return Ok(Self::$First(kind_from($what, settings)?));
                }
                $(if name == <$Type as Kind>::NAME {
                    return Ok(Self::$Type(kind_from($what, settings)?));
                })*
                let of_file = |endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
                let mut settings = settings;
                settings.insert("file".to_owned(), toml::Value::String(name.to_owned()));
                if of_file(<$First as Kind>::ENDINGS) {
                    return Ok(Self::$First(kind_from($what, settings)?));
                }
                $(if of_file(<$Type as Kind>::ENDINGS) {
                    return Ok(Self::$Type(kind_from($what, settings)?));
                })*
                Err(unknown($what, name, Self::names()))
            }
        }

        impl From<$First> for $Name {
            fn from(kind: $First) -> Self {
                Self::$First(kind)
            }
        }
        $(impl From<$Type> for $Name {
            fn from(kind: $Type) -> Self {
                Self::$Type(kind)
            }
        })*

        /// The first kind registered is the default.
        impl Default for $Name {
            fn default() -> Self {
                Self::$First($First::default())
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::base::registry::Registry::text(self))
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $crate::base::Error;
            fn from_str(text: &str) -> $crate::base::Result<Self> {
                <Self as $crate::base::registry::Registry>::parse(text)
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&$crate::base::registry::Registry::to_value(self), s)
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                let value = <toml::Value as serde::Deserialize>::deserialize(d)?;
                $crate::base::registry::Registry::from_value(value).map_err(serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_split_outside_brackets_only() {
        assert_eq!(split_outside_brackets("hidden=[24,16],bias=true"), ["hidden=[24,16]", "bias=true"]);
        assert_eq!(
            split_outside_brackets(r#"f={kind="a",b=1},c=",",d"#),
            [r#"f={kind="a",b=1}"#, r#"c=",""#, "d"]
        );
    }

    #[test]
    fn values_read_back_from_their_text() {
        for text in [
            "tanh",
            "3",
            "true",
            "0.5",
            "a,b",
            "two words",
            " edges ",
            "[",
            "a=b",
            "say \"so\"",
            "",
            "a\nb\u{1b}\u{7f}'\"",
        ] {
            let value = Value::String(text.to_owned());
            for value in [value.clone(), Value::Array(vec![value.clone(), value])] {
                let shown = value_text(&value);
                assert_eq!(split_outside_brackets(&shown), [shown.as_str()], "one part");
                assert_eq!(shown.lines().count(), 1, "{shown}");
                assert_eq!(parse_value(&shown), value, "{shown}");
            }
        }
        assert_eq!(value_text(&Value::String("tanh".to_owned())), "tanh");
        assert_eq!(value_text(&Value::Array(vec![Value::Integer(24), Value::Integer(16)])), "[24,16]");
    }

    #[test]
    fn numbers_are_read_in_every_usual_way() {
        for (text, value) in [
            (".9", 0.9),
            ("-.5", -0.5),
            ("+.25", 0.25),
            ("1.", 1.0),
            ("-3.", -3.0),
            ("1e-3", 1e-3),
            ("2.e2", 200.0),
            (".5e1", 5.0),
        ] {
            assert_eq!(parse_value(text), Value::Float(value), "{text}");
        }
        let list = Value::Array([0.5, 1.0, 0.75].map(Value::Float).to_vec());
        assert_eq!(parse_value("[.5, 1., 0.75]"), list);
        assert_eq!(parse_value("[\".5\", '1.']").to_string(), "[\".5\", \"1.\"]");
        for text in ["a.5", "./5.csv", "x/.5", "..5", "v1.", ".", "1..2", "5.csv", ".5.5"] {
            assert_eq!(parse_value(text), Value::String(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn near_miss_is_named() {
        let message = unknown("activation", "rleu", ["relu", "tanh"]).to_string();
        assert!(message.contains("did you mean `relu`"), "{message}");
    }
}
