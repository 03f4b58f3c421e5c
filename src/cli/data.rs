//! `losscape data`: what the network sees, as arrays and as a sheet of samples.

use super::Subcommand;
use super::arguments::{Common, config_and_out, name_kinds};
use super::config::Sources;
use super::output::{self, Target};
use crate::analyses::{DataSettings, Files, Saved, document, sheet};
use crate::base::{Error, Result, files};
use crate::data::{Dataset, Preparation, Samples, Source};
use crate::figure::Figure;
use crate::render::Style;
use crate::train::TrainSettings;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::str::FromStr;

pub const COMMAND: Subcommand = Subcommand {
    name: "data",
    about: "Show what the network sees: arrays and a sheet of samples",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/data";

const EXAMPLES: &str = "Examples:
  losscape data digits --out out/digits
  losscape data spirals:noise=0.1,turns=2 --data-seed 3
  losscape data idx:directory=mnist --subset 0.1 --balance
  losscape data cifar10:directory=cifar-10-batches-bin --standardize channel
  losscape data csv:file=iris.csv,label=species
  losscape data random-labels:base=digits

Writes data.npz (train_x, train_y, test_x, test_y: split and standardised, exactly as training uses them),
data.json (counts, hash) and, for images, signals, points in the plane and curves, samples.png and .svg.

Paths are kept as they are given, relative to where the program is started; a path with a comma or an equals
sign is put in quotation marks: 'csv:file=\"a,b.csv\"'.";

/// Settings of the data that are flags here.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct DataFlags {
    /// Data set, with settings after a colon
    #[arg(value_name = "DATA", default_value_t = Source::default())]
    data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().data_seed)]
    data_seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    preparation: Preparation,
    /// Keep the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
}

impl Default for DataFlags {
    fn default() -> Self {
        let TrainSettings { data, data_seed, preparation, samples, .. } = TrainSettings::default();
        Self { data, data_seed, preparation, samples }
    }
}

fn command(command: Command) -> Command {
    let kind = Arg::new("kind").long("data").value_name("DATA").conflicts_with("data").hide(true);
    let command = DataFlags::augment_args(command).arg(kind.value_parser(Source::from_str));
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

struct DataResult {
    settings: DataSettings,
    dataset: Dataset,
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let DataFlags { data, data_seed, preparation, samples } = sources.take(&[])?;
    // The data set is a flag in all other commands.
    let data = matches.get_one::<Source>("kind").cloned().unwrap_or(data);
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    style.check()?;
    common.apply()?;
    let settings = TrainSettings { data, data_seed, preparation, samples, ..TrainSettings::default() };
    let (settings, dataset) = DataSettings::load(&settings)?;
    let result = DataResult { settings, dataset };
    let target = Target::new(out)?;
    let pictures = target.write(&result, &style, json!({}))?;
    if pictures.names.is_empty() {
        // A picture of other data that lay here before would pass for one of these.
        for name in ["samples.png", "samples.svg"] {
            let _ = std::fs::remove_file(target.directory().join(name));
        }
    }
    if common.json {
        return output::print_json(&result.json()?);
    }
    if common.quiet {
        return Ok(());
    }
    let dataset = &result.dataset;
    let pictures = if pictures.names.is_empty() {
        "no picture: neither images, signals, points in the plane nor a curve".to_owned()
    } else {
        pictures.listed()
    };
    output::print(&format!(
        "{}: {} training and {} test samples of shape {:?}, {}\nwrote {}: data.npz, data.json, {pictures}\n",
        dataset.name,
        dataset.train.len(),
        dataset.test.len(),
        dataset.shape,
        dataset.targets(),
        files::named(target.directory()),
    ))
}

impl Saved for DataResult {
    fn files(&self) -> Result<Files> {
        let mut npz = std::io::Cursor::new(Vec::new());
        self.dataset.to_npz().write_to(&mut npz).map_err(|e| Error::machine("data.npz", e))?;
        Ok(vec![("data.npz".to_owned(), npz.into_inner()), ("data.json".to_owned(), document(&self.json()?))])
    }

    fn json(&self) -> Result<Value> {
        let d = &self.dataset;
        let counts = |samples: &Samples| {
            let mut counts = vec![0usize; d.outputs];
            samples.labels()?.iter().for_each(|l| counts[*l as usize] += 1);
            Some(counts)
        };
        // Values have no classes, and classes are no values.
        let (classes, values) =
            if d.has_classes() { (Some(d.outputs), None) } else { (None, Some(d.outputs)) };
        let names = (!d.class_names.is_empty()).then_some(&d.class_names);
        let mut summary = json!({
            "command": "data",
            "version": env!("CARGO_PKG_VERSION"),
            "name": d.name,
            "settings": self.settings,
            "data_sha256": self.settings.sha256,
            "shape": d.shape,
            "classes": classes,
            "class_names": names,
            "values": values,
            "samples": {"train": d.train.len(), "test": d.test.len()},
            "class_counts": {"train": counts(&d.train), "test": counts(&d.test)},
        });
        // Most data have none.
        if let (None, Value::Object(map)) = (names, &mut summary) {
            map.remove("class_names");
        }
        Ok(summary)
    }

    fn figures(&self) -> Vec<Figure> {
        sheet::sample_sheet(&self.dataset).into_iter().collect()
    }
}
