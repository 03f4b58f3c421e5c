//! The page of a result (`--html`): its figures, what its closing file says, and the command that makes it.

use crate::analyses::analysis::{Entry, Named, Needs};
use crate::analyses::{ANALYSES, Saved, to_json};
use crate::base::{Error, Result, files, json};
use crate::figure::Figure;
use crate::render::Style;
use crate::render::html::{self, About};
use crate::train::TrainSettings;
use serde_json::{Map, Value, json};
use std::path::Path;

/// What a page is made of.
#[derive(Debug, Default)]
pub struct Source {
    /// Stem of the result's files.
    pub stem: String,
    /// The closing file.
    pub result: Value,
    /// See [`Saved::stacks`].
    pub stacks: Vec<Figure>,
}

impl Source {
    /// Of a result that is about to be written as these files, the closing one last.
    pub fn of(result: &dyn Saved, own: &[(String, Vec<u8>)]) -> Result<Self> {
        let (name, bytes) = own.last().ok_or_else(|| Error::machine("page", "the result has no files"))?;
        let read = json::parse(name, &String::from_utf8_lossy(bytes))?;
        Ok(Self { stem: stem(name), result: read, stacks: result.stacks() })
    }

    /// Of a result that lies in a directory with this closing file.
    pub fn read(directory: &Path, name: &str, stacks: Vec<Figure>) -> Result<Self> {
        let text = files::read_text(&directory.join(name), files::LARGEST_JSON)?;
        Ok(Self { stem: stem(name), result: json::parse(name, &text)?, stacks })
    }

    /// The page: its name and contents.
    pub fn page(&self, figures: &[Figure], style: &Style) -> Result<(String, Vec<u8>)> {
        let command = command(&self.result);
        let about = About { stem: &self.stem, command: &command, result: &self.result, stacks: &self.stacks };
        Ok((format!("{}.html", self.stem), html::page(figures, about, style)?.into_bytes()))
    }
}

fn stem(name: &str) -> String {
    name.strip_suffix(".json").unwrap_or(name).to_owned()
}

/// The command that makes a result: what its settings say, so that it is the same wherever and by however many threads the
/// result was computed. Networks are called by what stands for their paths, which no result holds.
fn command(result: &Value) -> String {
    let name = result["command"].as_str().unwrap_or("plot");
    let mut words = vec!["losscape".to_owned(), name.to_owned()];
    match ANALYSES.iter().find(|entry| entry.name == name) {
        Some(entry) => {
            words.extend(networks(entry));
            let usual = (entry.recall)(json!({})).ok().and_then(|asked| asked.request().ok());
            words.extend(flags(&result["settings"], &usual.unwrap_or_default()));
        }
        None if name == "train" => {
            let usual = to_json(&TrainSettings::default()).unwrap_or_default();
            words.extend(flags(&result["settings"], &usual));
        }
        None if name == "run" => words.extend(result["name"].as_str().map(quoted)),
        None => {}
    }
    words.join(" ")
}

/// What stands for the networks that an analysis is of.
fn networks(entry: &Entry) -> Option<String> {
    match (entry.needs)() {
        Needs::Networks { named: Named::Ends, .. } => Some("--from RUN --to RUN".to_owned()),
        Needs::Networks { named: Named::Run | Named::Recorded, .. } => Some("--run RUN".to_owned()),
        _ => None,
    }
}

/// Flags for the settings that are not the usual ones.
fn flags(settings: &Value, usual: &Value) -> Vec<String> {
    let none = Map::new();
    let flag = |(key, value): (&String, &Value)| {
        let key = key.replace('_', "-");
        match value {
            value if usual[&key] == *value || usual[key.replace('-', "_")] == *value => None,
            Value::Null => None,
            Value::Bool(true) => Some(format!("--{key}")),
            Value::Bool(false) => Some(format!("--{key}=false")),
            value => Some(format!("--{key}={}", quoted(&written(value)))),
        }
    };
    settings.as_object().unwrap_or(&none).iter().filter_map(flag).collect()
}

/// A value as flags have it: a kind as KIND:KEY=VALUE, a list with commas.
fn written(value: &Value) -> String {
    match value {
        Value::String(words) => words.clone(),
        Value::Array(all) if all.iter().all(|one| !one.is_object() && !one.is_array()) => {
            all.iter().map(written).collect::<Vec<String>>().join(",")
        }
        Value::Object(map) => match map.get("kind").and_then(Value::as_str) {
            Some(kind) => {
                let more = map.iter().filter(|(key, value)| *key != "kind" && !value.is_null());
                let more: Vec<String> = more.map(|(key, value)| format!("{key}={value}")).collect();
                if more.is_empty() { kind.to_owned() } else { format!("{kind}:{}", more.join(",")) }
            }
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:=/+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_that_make_the_result() {
        let result = json!({"command": "slice", "settings": {
            "x": "-1:1:5", "seed": 3, "line": true, "maps": ["curvature"], "labels": ["it's"], "repeat": 1, "memory": 4.0, "vtk": false,
        }});
        let expected =
            r"losscape slice --run RUN --labels='it'\''s' --line --maps=curvature --seed=3 --x=-1:1:5";
        assert_eq!(command(&result), expected);
        let result =
            json!({"command": "train", "settings": {"lr": 0.5, "optimizer": {"kind": "adam", "beta1": 0.8}}});
        assert_eq!(command(&result), "losscape train --lr=0.5 --optimizer=adam:beta1=0.8");
        assert_eq!(command(&json!({"command": "run", "name": "width"})), "losscape run width");
    }
}
