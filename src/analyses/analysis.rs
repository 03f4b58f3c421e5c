//! What an analysis is: a struct of settings, which are its flags, its keys in TOML and the identity of its result, and a
//! record of what came out.
//!
//! To add one: a file with the settings and their [`Analysis`], a file of settings in `analyses/settings/`, and a line in the
//! list of `analyses/mod.rs`. Command, help, `losscape plot`, `[pass.X]` of recipes, `losscape list analysis` and the walk of
//! the tests follow from the list.

use super::pieces::{Share, log_name};
use super::progress::Observe;
use super::training::Prepared;
use super::{Run, Saved, to_json};
use crate::base::section::{Given, Shorthand};
use crate::base::{Error, Precision, Result, files};
use crate::train::TrainSettings;
use clap::{Args, Command, FromArgMatches};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// What an analysis is of.
#[derive(Clone, Debug)]
pub enum Needs {
    /// Nothing: its settings say all.
    Nothing,
    /// Networks that it trains itself, as these settings say unless others are given.
    Training(Box<TrainSettings>),
    /// Trained networks.
    Networks {
        /// How many of them.
        within: RangeInclusive<usize>,
        /// How many where nothing is said.
        usual: usize,
        /// How users name them.
        named: Named,
    },
}

/// How users name trained networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By `--run`; without it they are those of `runs/default` and the seeds after it.
    Run,
    /// By `--run`, with the record of how they were trained beside them.
    Recorded,
    /// By `--from` and `--to`.
    Ends,
    /// By `--run`; without it they are trained, below the directory of the result.
    Seeds,
}

impl Needs {
    /// One trained network that `--run` names.
    pub fn network() -> Self {
        Self::Networks { within: 1..=1, usual: 1, named: Named::Run }
    }

    /// How many trained networks of a recipe's case it is of, where nothing is said.
    pub fn usual(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Training(_) => 1,
            Self::Networks { usual, .. } => *usual,
        }
    }
}

/// What an analysis is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Networks<'a> {
    /// Trained networks.
    pub runs: &'a [Run],
    /// How they were trained, or are to be trained.
    pub training: &'a [TrainSettings],
    /// Further networks, as many as [`Analysis::further`] asks for, trained as the first one was, from other seeds.
    pub further: &'a [Run],
}

impl<'a> Networks<'a> {
    /// The first of `training`.
    pub fn first_training(&self) -> Result<&'a TrainSettings> {
        self.training
            .first()
            .ok_or_else(|| Error::expected("training", "how networks are trained", "nothing"))
    }
}

/// Where an analysis keeps what is finished, and who hears how far it is.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// Which pieces are wanted, and where they are kept; all of them and nowhere if it is none.
    pub share: Option<&'a Share>,
    /// Who hears of it.
    pub observe: Observe<'a>,
}

impl Default for Work<'_> {
    fn default() -> Self {
        Self { share: None, observe: &|_| () }
    }
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("share", &self.share).finish_non_exhaustive()
    }
}

impl<'a> Work<'a> {
    /// The directory in which finished pieces are kept, if there is one.
    pub fn directory(&self) -> Option<&'a Path> {
        self.share.and_then(Share::directory)
    }
}

/// What came of an analysis.
pub trait Record: Saved {
    /// What came out, in lines for a terminal.
    fn report(&self) -> String;

    /// What did not hold, although all was computed.
    fn unmet(&self) -> Option<Error> {
        None
    }

    /// What to bear in mind with the numbers.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Files of an earlier result in `directory` that this one does not have.
    fn absent(&self, _directory: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// An analysis: its settings.
pub trait Analysis:
    Args + FromArgMatches + Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The command, the stem of its files, and its name in recipes.
    const NAME: &'static str;
    /// What it is, in the line that help begins with.
    const ABOUT: &'static str;
    /// What a recipe does with it, in a line.
    const SUMMARY: &'static str;
    /// Examples, and what is written, as help ends.
    const EXAMPLES: &'static str;
    /// The file of settings that is in the program: every one of them, to copy and change.
    const SETTINGS: &'static str;
    /// Settings of the smoke scale of recipes.
    const QUICK: &'static [(&'static str, &'static str)];
    /// Short names of some settings.
    const SHORTHANDS: &'static [Shorthand] = &[];
    /// Whether it is a command, too; not where its flags would be those of the training that it is of.
    const COMMAND: bool = true;
    /// Whether the work can be shared out among processes (`--shard`).
    const PARTS: bool = false;
    /// Whether its parts tell by themselves what they are of; see [`Analysis::joined`].
    const TELLS: bool = false;
    /// What comes of it.
    type Record: Record + 'static;

    /// What it is of.
    fn needs() -> Needs {
        Needs::Nothing
    }

    /// Reads its settings.
    fn take(given: &mut dyn Given) -> Result<Self> {
        given.over(Self::default(), Self::SHORTHANDS)
    }

    /// All settings, as the files of a recipe's cases are told apart.
    fn identity(&self) -> Result<Value> {
        to_json(self)
    }

    /// Refuses settings that make no sense for so many networks, or for networks that are trained so, before anything is
    /// loaded or trained.
    fn validate(&self, networks: usize, training: &TrainSettings) -> Result<()>;

    /// Whether several weights of one network are its trajectory.
    fn along(&self) -> bool {
        false
    }

    /// Why the work cannot be shared out with these settings, as what is expected, where it cannot.
    fn indivisible(&self) -> Option<&'static str> {
        None
    }

    /// Files that the settings name.
    fn inputs(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The directory of the saved result that it reads in place of any network, if its settings name one.
    fn saved(&self) -> Option<&str> {
        None
    }

    /// Refuses settings that do not suit a network of this precision with so many training samples.
    fn suits(&self, _precision: Precision, _samples: usize) -> Result<()> {
        Ok(())
    }

    /// Refuses networks that do not go together, or that were trained in ways that have no use here.
    fn admits(&self, _runs: &[Run], _training: &[TrainSettings]) -> Result<()> {
        Ok(())
    }

    /// Samples in a mini-batch where nothing is said: `usual`, of so many samples, and no fewer than `fewest`.
    fn batch(usual: usize, _samples: usize, _fewest: usize) -> usize {
        usual
    }

    /// Bytes that it holds beside what one network takes, and what takes them; for so many networks, or for training that is
    /// prepared.
    fn memory(&self, _networks: usize, _prepared: Option<&Prepared>) -> Option<(u64, String)> {
        None
    }

    /// How many further networks it compares with, trained as the first one was.
    fn further(&self) -> usize {
        0
    }

    /// The same with other randomness: this is added to its seed.
    fn reseeded(self, _by: u64) -> Self {
        self
    }

    /// About how many samples it sends forward, of so many networks, on so many samples for training and testing; a pass back
    /// counts as two.
    fn forwards(&self, networks: usize, samples: (f64, f64)) -> f64;

    /// How many times it trains a network itself, about.
    fn trainings(&self) -> usize {
        0
    }

    /// Whether it measures time, and wants the machine to itself.
    fn alone(&self) -> bool {
        false
    }

    /// Whether it looks at where training ended, if it needs a network at all: that then has to be finite.
    fn looks_at_end(&self) -> bool {
        true
    }

    /// Runs it. There is no record where only a part of the work was wanted.
    fn run(&self, of: Networks, work: &Work) -> Result<Option<Self::Record>>;

    /// Removes what an unfinished analysis left in a directory.
    fn discard(directory: &Path) -> Result<()> {
        files::remove(&directory.join(log_name(Self::NAME)))
    }

    /// The record of all parts that lie in these directories, where they tell by themselves what they are of; it goes to `out`.
    fn joined(_parts: &[PathBuf], _out: &Path) -> Option<Result<Self::Record>> {
        None
    }

    /// Reads a saved record, enough to draw it again.
    fn load(directory: &Path) -> Result<Self::Record>;
}

/// An analysis with its settings, whichever it is.
pub trait Asked: Send + Sync {
    /// See [`Analysis::identity`].
    fn identity(&self) -> Result<Value>;
    /// The settings, as parts remember them.
    fn request(&self) -> Result<Value>;
    /// See [`Analysis::validate`].
    fn validate(&self, networks: usize, training: &TrainSettings) -> Result<()>;
    /// See [`Analysis::along`].
    fn along(&self) -> bool;
    /// See [`Analysis::indivisible`].
    fn indivisible(&self) -> Option<&'static str>;
    /// See [`Analysis::inputs`].
    fn inputs(&self) -> Vec<PathBuf>;
    /// See [`Analysis::saved`].
    fn saved(&self) -> Option<&str>;
    /// See [`Analysis::suits`].
    fn suits(&self, precision: Precision, samples: usize) -> Result<()>;
    /// See [`Analysis::admits`].
    fn admits(&self, runs: &[Run], training: &[TrainSettings]) -> Result<()>;
    /// See [`Analysis::memory`].
    fn memory(&self, networks: usize, prepared: Option<&Prepared>) -> Option<(u64, String)>;
    /// See [`Analysis::further`].
    fn further(&self) -> usize;
    /// See [`Analysis::forwards`].
    fn forwards(&self, networks: usize, samples: (f64, f64)) -> f64;
    /// See [`Analysis::trainings`].
    fn trainings(&self) -> usize;
    /// See [`Analysis::alone`].
    fn alone(&self) -> bool;
    /// See [`Analysis::looks_at_end`].
    fn looks_at_end(&self) -> bool;
    /// See [`Analysis::run`]; this is added to the seed.
    fn run(&self, seed: u64, of: Networks, work: &Work) -> Result<Option<Box<dyn Record>>>;
}

impl<A: Analysis> Asked for A {
    fn identity(&self) -> Result<Value> {
        Analysis::identity(self)
    }

    fn request(&self) -> Result<Value> {
        to_json(self)
    }

    fn validate(&self, networks: usize, training: &TrainSettings) -> Result<()> {
        Analysis::validate(self, networks, training)
    }

    fn along(&self) -> bool {
        Analysis::along(self)
    }

    fn indivisible(&self) -> Option<&'static str> {
        Analysis::indivisible(self)
    }

    fn inputs(&self) -> Vec<PathBuf> {
        Analysis::inputs(self)
    }

    fn saved(&self) -> Option<&str> {
        Analysis::saved(self)
    }

    fn suits(&self, precision: Precision, samples: usize) -> Result<()> {
        Analysis::suits(self, precision, samples)
    }

    fn admits(&self, runs: &[Run], training: &[TrainSettings]) -> Result<()> {
        Analysis::admits(self, runs, training)
    }

    fn memory(&self, networks: usize, prepared: Option<&Prepared>) -> Option<(u64, String)> {
        Analysis::memory(self, networks, prepared)
    }

    fn further(&self) -> usize {
        Analysis::further(self)
    }

    fn forwards(&self, networks: usize, samples: (f64, f64)) -> f64 {
        Analysis::forwards(self, networks, samples)
    }

    fn trainings(&self) -> usize {
        Analysis::trainings(self)
    }

    fn alone(&self) -> bool {
        Analysis::alone(self)
    }

    fn looks_at_end(&self) -> bool {
        Analysis::looks_at_end(self)
    }

    fn run(&self, seed: u64, of: Networks, work: &Work) -> Result<Option<Box<dyn Record>>> {
        let found = Analysis::run(&self.clone().reseeded(seed), of, work)?;
        Ok(found.map(|record| Box::new(record) as Box<dyn Record>))
    }
}

/// An analysis as the list has it.
pub struct Entry {
    /// See [`Analysis::NAME`].
    pub name: &'static str,
    /// See [`Analysis::ABOUT`].
    pub about: &'static str,
    /// See [`Analysis::SUMMARY`].
    pub summary: &'static str,
    /// See [`Analysis::EXAMPLES`].
    pub examples: &'static str,
    /// See [`Analysis::SETTINGS`].
    pub settings: &'static str,
    /// See [`Analysis::QUICK`].
    pub quick: &'static [(&'static str, &'static str)],
    /// See [`Analysis::SHORTHANDS`].
    pub shorthands: &'static [Shorthand],
    /// See [`Analysis::COMMAND`].
    pub command: bool,
    /// See [`Analysis::PARTS`].
    pub parts: bool,
    /// See [`Analysis::TELLS`].
    pub tells: bool,
    /// See [`Analysis::needs`].
    pub needs: fn() -> Needs,
    /// See [`Analysis::batch`].
    pub batch: fn(usize, usize, usize) -> usize,
    /// Adds its flags to a command.
    pub flags: fn(Command) -> Command,
    /// See [`Analysis::take`].
    pub take: fn(&mut dyn Given) -> Result<Box<dyn Asked>>,
    /// Its settings as parts remember them.
    pub recall: fn(Value) -> serde_json::Result<Box<dyn Asked>>,
    /// See [`Analysis::discard`].
    pub discard: fn(&Path) -> Result<()>,
    /// See [`Analysis::joined`].
    #[allow(clippy::type_complexity)] // said by the method that it stands for
    pub joined: fn(&[PathBuf], &Path) -> Option<Result<Box<dyn Record>>>,
    /// See [`Analysis::load`].
    pub load: fn(&Path) -> Result<Box<dyn Record>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Entry {
    /// That of an analysis.
    pub const fn of<A: Analysis>() -> Self {
        Self {
            name: A::NAME,
            about: A::ABOUT,
            summary: A::SUMMARY,
            examples: A::EXAMPLES,
            settings: A::SETTINGS,
            quick: A::QUICK,
            shorthands: A::SHORTHANDS,
            command: A::COMMAND,
            parts: A::PARTS,
            tells: A::TELLS,
            needs: A::needs,
            batch: A::batch,
            flags: A::augment_args,
            take: |given| Ok(Box::new(A::take(given)?)),
            recall: |value| Ok(Box::new(serde_json::from_value::<A>(value)?)),
            discard: A::discard,
            joined: |parts, out| {
                Some(A::joined(parts, out)?.map(|record| Box::new(record) as Box<dyn Record>))
            },
            load: |directory| Ok(Box::new(A::load(directory)?)),
        }
    }
}

/// Declares the analyses: one line each, `file => Settings;`, which also declares the module.
macro_rules! analyses {
    ($($file:ident => $Settings:ident;)+) => {
        $(pub mod $file; pub use $file::$Settings;)+

        /// Every analysis.
        pub static ANALYSES: &[$crate::analyses::analysis::Entry] =
            &[$($crate::analyses::analysis::Entry::of::<$Settings>()),+];
    };
}
pub(super) use analyses;
