//! Every analysis, as the list has it: the same bytes on any number of threads, drawn again as it was, every setting refused
//! beyond its range, named in the file of settings, and set by recipes. `stops` kills and stops the same commands.

use crate::bench::{BESIDE, Bench};
use losscape::analyses::ANALYSES;
use losscape::analyses::analysis::{Entry, Named, Needs};
use losscape::base::Result;
use losscape::base::section::{Given, Open, Shorthand};
use losscape::train::TrainSettings;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Three networks that any analysis takes.
fn networks() -> Bench {
    let bench = Bench::new();
    for (seed, name) in ["a", "b", "c"].iter().enumerate() {
        let train = "train --hidden 4 --epochs 2 --samples 60 --batch-size 20 --dpi 20 --quiet";
        bench.ok(&format!("{train} --seed {seed} --out {name}"));
    }
    bench
}

/// Those that are commands.
pub fn commands() -> impl Iterator<Item = &'static Entry> {
    ANALYSES.iter().filter(|entry| entry.command)
}

/// What an analysis is of, as flags.
fn subject(entry: &Entry) -> String {
    match (entry.needs)() {
        Needs::Nothing => String::new(),
        Needs::Training(_) => "--samples 60 --hidden 4 --batch-size 20".to_owned(),
        Needs::Networks { named: Named::Ends, .. } => "--from a --to b".to_owned(),
        Needs::Networks { usual, .. } => ["--run a", "--run b", "--run c"][..usual.min(3)].join(" "),
    }
}

/// The command at the smoke scale of recipes.
pub fn small(entry: &Entry) -> String {
    // Recipes count the networks that commands name, and set what stands in tables, which flags do not.
    let quick = entry.quick.iter().filter(|(key, _)| *key != "count" && !key.contains('.'));
    let flags = quick.map(|(key, value)| {
        let value: String = value.chars().filter(|c| !"[] ".contains(*c)).collect();
        format!("--{key}={value}")
    });
    format!("{} {} {} --dpi 20", entry.name, subject(entry), flags.collect::<Vec<_>>().join(" "))
}

/// Nothing is given: settings stay as they are by default, and what they ask for is written down.
#[derive(Default)]
struct Nothing {
    keys: Vec<String>,
    tables: BTreeMap<String, Vec<String>>,
}

impl Given for Nothing {
    fn fill(&mut self, settings: &mut dyn Open, _: &[Shorthand]) -> Result<()> {
        self.keys = settings.keys().iter().map(|(_, key)| key.clone()).collect();
        Ok(())
    }

    fn table(&mut self, name: &str, settings: &mut dyn Open) -> Result<bool> {
        let keys = settings.keys().iter().map(|(_, key)| key.clone()).collect();
        self.tables.insert(name.to_owned(), keys);
        Ok(false)
    }
}

/// The settings of an analysis with their defaults, and the keys of its tables.
fn defaults(entry: &Entry) -> (Map<String, Value>, Nothing) {
    let mut nothing = Nothing::default();
    let asked = (entry.take)(&mut nothing).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
    let settings = asked.request().unwrap().as_object().cloned().unwrap();
    (settings, nothing)
}

fn result(bench: &Bench, directory: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = bench.files(directory);
    files.retain(|name, _| name.to_string_lossy() != ".lock");
    files
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads_and_pictures_are_drawn_again() {
    let bench = networks();
    for entry in commands() {
        let (name, small) = (entry.name, small(entry));
        let said = bench.run(&format!("{small} --threads 1 --json --quiet --out {name}/1"));
        assert!(matches!(said.code, Some(0 | 3)), "{small}: {}", said.stderr);
        let one = result(&bench, &format!("{name}/1"));
        let printed: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(printed, bench.json(&format!("{name}/1/{name}.json")), "{name}");
        for threads in [2, 4] {
            let out = format!("{name}/{threads}");
            let again = bench.run(&format!("{small} --threads {threads} --out {out}"));
            assert_eq!(again.code, said.code, "{small}: {}", again.stderr);
            assert!(again.stdout.contains(&format!("wrote {out} in ")), "{name}: {}", again.stdout);
            let other = result(&bench, &out);
            let differ: Vec<_> =
                one.keys().chain(other.keys()).filter(|f| one.get(*f) != other.get(*f)).collect();
            assert!(differ.is_empty(), "{name} on {threads} threads: {differ:?}");
        }
        let pictures: Vec<&PathBuf> =
            one.keys().filter(|f| ["png", "svg"].iter().any(|e| f.extension() == Some(e.as_ref()))).collect();
        let plot = format!("plot {name}/1 --dpi 20 --quiet --out {name}/again");
        if pictures.is_empty() {
            assert!(bench.refused(&plot, &format!("{name}/1")).contains("numbers alone"), "{name}");
            continue;
        }
        bench.ok(&plot);
        let again = result(&bench, &format!("{name}/again"));
        // Networks that were trained on the way have pictures of their own.
        for picture in pictures.iter().filter(|f| f.components().count() == 1) {
            assert!(again.get(*picture) == one.get(*picture), "{name}: {picture:?} drawn again");
        }
    }
}

/// Texts of any kind, and lists of them.
const ANY_TEXT: [&str; 1] = ["labels"];

#[test]
fn every_setting_is_refused_beyond_its_range() {
    let bench = networks();
    for entry in commands() {
        let (settings, nothing) = defaults(entry);
        let of = subject(entry);
        for key in nothing.keys.iter().filter(|key| !ANY_TEXT.contains(&key.as_str())) {
            let value = settings.get(key).unwrap_or(&Value::Null);
            let wrong: &[&str] = match value {
                Value::Bool(_) => &[],
                Value::Number(x) if x.is_f64() => &["-1", "nan", "inf"],
                // Any number is a seed.
                Value::Number(_) if key.ends_with("seed") => &["-1", "x"],
                Value::Number(_) => &["-1", "9223372036854775807"],
                _ => &["-1"],
            };
            for wrong in wrong {
                bench.refused(&format!("{} {of} --{key}={wrong} --quiet --out new", entry.name), "");
            }
        }
    }
}

#[test]
fn every_setting_stands_in_the_file_of_settings() {
    let style = serde_json::to_value(losscape::render::Style::default()).unwrap();
    for entry in commands() {
        let table: toml::Table =
            toml::from_str(entry.settings).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        // Tables follow the settings of the command, each up to the next one.
        let part = |name: Option<&str>| -> String {
            let start = name.map_or(Some(0), |name| entry.settings.find(&format!("\n[{name}]")));
            let start = start.unwrap_or_else(|| panic!("{}.toml has no [{name:?}]", entry.name));
            let rest = &entry.settings[start..];
            rest[..rest[1..].find("\n[").map_or(rest.len(), |end| end + 1)].to_owned()
        };
        let named = |part: &str, key: &str| {
            let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            part.lines().any(line) || entry.settings.contains(&format!("\n[{key}]"))
        };
        let (_, nothing) = defaults(entry);
        let mut keys: Vec<String> = nothing.keys.clone();
        keys.extend(style.as_object().unwrap().keys().cloned());
        if let Needs::Training(usual) = (entry.needs)() {
            let training = serde_json::to_value(TrainSettings::clone(&usual)).unwrap();
            // What is refused there need not be named.
            let refused = |flag: &&str| {
                let said = Bench::new().run(&format!("{} {flag} --threads 0", entry.name)).stderr;
                said.contains("found one")
            };
            let own = ["--lr 0.5", "--schedule cosine", "--warmup 1", "--epochs 3"];
            let mut refused: Vec<&str> = BESIDE.iter().map(|b| b.0).chain(own).filter(refused).collect();
            // The samples of a probe are named where a probe is.
            if refused.iter().any(|flag| flag.starts_with("--probe ")) {
                refused.push("--probe-samples 5");
            }
            let free = |key: &&String| !refused.iter().any(|flag| flag.starts_with(&format!("--{key} ")));
            keys.extend(training.as_object().unwrap().keys().filter(free).cloned());
        }
        let own = part(None);
        for key in &keys {
            assert!(named(&own, key), "{}.toml does not name {key}", entry.name);
        }
        for (table, keys) in &nothing.tables {
            let part = part(Some(table));
            keys.iter().for_each(|key| assert!(named(&part, key), "{}.toml: [{table}]: {key}", entry.name));
        }
        assert!(!table.is_empty());
    }
}

#[test]
fn recipes_set_every_setting_of_every_analysis() {
    let bench = Bench::new();
    let mut recipe = toml::Table::new();
    let text = "title = \"All\"\n[train]\ndata = \"spirals\"\nsamples = 60\nhidden = [4]\nepochs = 2\n\
                batch-size = 20\n[[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\n";
    recipe.extend(toml::from_str::<toml::Table>(text).unwrap());
    let mut passes = toml::Table::new();
    for entry in ANALYSES {
        let (settings, _) = defaults(entry);
        // TOML has no null: what has no default stays out.
        let there = settings.into_iter().filter(|(_, value)| !value.is_null());
        let mut pass: toml::Table = there.map(|(k, v)| (k, toml::Value::try_from(v).unwrap())).collect();
        pass.insert("kind".to_owned(), entry.name.into());
        if ["connect", "minima"].contains(&entry.name) {
            pass.insert("neb".to_owned(), true.into());
            pass.insert(
                "band".to_owned(),
                toml::from_str::<toml::Table>("cycles = 1\nsteps = 2").unwrap().into(),
            );
        }
        passes.insert(entry.name.replace('-', "_"), pass.into());
    }
    recipe.insert("pass".to_owned(), passes.into());
    bench.write("all.toml", recipe.to_string());
    bench.ok("run all.toml --quick --set connect.band.pivots=2 --dpi 20 --quiet --out o");
    let cases: Vec<_> = bench.files("o/cases").into_values().filter(|bytes| !bytes.is_empty()).collect();
    let [case] = cases.as_slice() else { panic!("{} cases", cases.len()) };
    let case = String::from_utf8_lossy(case);
    for entry in ANALYSES {
        assert!(
            case.contains(&format!("\"{}.", entry.name.replace('-', "_"))),
            "{} found nothing",
            entry.name
        );
    }
    assert!(case.contains("\"pivots\":2") && case.contains("connect.relaxation.saddle.loss"), "{case}");
}
