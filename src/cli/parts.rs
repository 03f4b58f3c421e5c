//! Parts of long work (`--shard`): each in a directory of its own below that of the whole, `DIR/shard-I-of-N`, so that any
//! number of processes work side by side without waiting for each other, and what `losscape merge` needs to join them.

use super::arguments::{Common, Parts};
use super::claims::{self, Claims};
use super::output::{self, Target};
use crate::analyses::{Share, document};
use crate::base::isa;
use crate::base::log::{DISCARD, difference};
use crate::base::shard::{self, Shard};
use crate::base::{Error, Result, files, shown};
use crate::render::Style;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The file that says what a part is of.
pub const RECORD: &str = "part.json";

/// What a part is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The program's version.
    pub version: String,
    /// The command.
    pub command: String,
    /// What was asked of it: all that is needed to make the result of the pieces.
    pub request: Value,
    /// Whose bytes the pieces are: those of a type of processor, or of any.
    #[serde(default)]
    pub arithmetic: String,
}

impl Record {
    /// That of a command of this program, as this process computes it.
    pub fn new(command: &str, request: Value) -> Self {
        let (version, command) = (env!("CARGO_PKG_VERSION").to_owned(), command.to_owned());
        Self { version, command, request, arithmetic: isa::arithmetic() }
    }

    /// Refuses pieces of another type of processor; `whose` says what is compared with.
    pub fn check_arithmetic(&self, there: &Self, at: &Path, whose: &str) -> Result<()> {
        if self.arithmetic == there.arithmetic {
            return Ok(());
        }
        let made = |record: &Self| match record.arithmetic.as_str() {
            isa::ANY => "with --isa".to_owned(),
            processor => format!("by a processor of {processor}"),
        };
        let expected = format!("a part made {}, as {whose}", made(self));
        let found = format!("one made {} (--isa v3 for all parts gives them the same bytes)", made(there));
        Err(Error::expected(files::named(at), expected, found))
    }

    /// The record in a directory; none where there is none.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(RECORD);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let text = files::read_text(&path, files::LARGEST_JSON)?;
        let record: Self =
            serde_json::from_str(&text).map_err(|e| Error::value(files::named(&path), &e.to_string()))?;
        if record.version != env!("CARGO_PKG_VERSION") {
            let expected = format!("a part of losscape {}", env!("CARGO_PKG_VERSION"));
            return Err(Error::expected(files::named(&path), expected, files::brief(&record.version)));
        }
        Ok(Some(record))
    }
}

/// Where a command works: on all pieces in the directory of the result, or on a part of them below it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where.
    pub directory: PathBuf,
    /// The part, if one was asked for.
    pub shard: Option<Shard>,
    fresh: bool,
}

impl Parts {
    /// The place that was asked for, in or below `out`.
    pub fn place(&self, out: PathBuf) -> Result<Place> {
        let Some(text) = &self.shard else {
            return Ok(Place { directory: out, shard: None, fresh: self.fresh });
        };
        let shard = Shard::parse(text, &shard::environment())?;
        // Who counts wrong, in an array that is a part of an earlier one, would begin everything once more.
        if text.trim_start().starts_with("auto")
            && let Some(other) = beside(&out).into_iter().find(|other| other.count != shard.count)
        {
            let expected = format!("auto/{}, as the parts in {} are", other.count, files::named(&out));
            return Err(Error::expected("--shard", expected, format!("part {shard}")));
        }
        let directory = claims::directory(&out, shard);
        Ok(Place { directory, shard: Some(shard), fresh: self.fresh })
    }

    /// The flag that asks for a part of the work, and what it says.
    pub fn asked(&self) -> Option<(&'static str, String)> {
        let claim = self.claim.map(|count| ("--claim", count.to_string()));
        claim.or_else(|| Some(("--shard", self.shard.clone()?)))
    }

    /// Works at the place that was asked for, in or below `out`; with `--claim` at one after the other, until no block is left.
    pub fn each(&self, out: PathBuf, quiet: bool, work: &mut dyn FnMut(&Place) -> Result<()>) -> Result<()> {
        let Some(count) = self.claim else { return work(&self.place(out)?) };
        if self.shard.is_some() || self.fresh {
            return Err(Error::expected("--claim", "neither --shard nor --fresh", "one of them"));
        }
        if let Some(other) = beside(&out).into_iter().find(|other| other.count != count) {
            let expected = format!("{}, as the parts in {} are", other.count, files::named(&out));
            return Err(Error::expected("--claim", expected, count));
        }
        let mut claims = Claims::new(out.clone(), count, quiet)?;
        let mut on = |shard: Shard| {
            let directory = claims::directory(&out, shard);
            work(&Place { directory, shard: Some(shard), fresh: false })
        };
        // Nothing is left to do in it, and what is of other work is refused.
        if let Some(claim) = claims.finished()? {
            on(claim.shard)?;
        }
        while let Some(claim) = claims.next()? {
            on(claim.shard)?;
            claim.done()?;
        }
        if quiet {
            return Ok(());
        }
        let (blocks, out) = (shown::count(count, "block"), files::named(&out));
        output::print(&format!("all {blocks} are complete; `losscape merge {out}` joins them\n"))
    }
}

/// The parts that lie in a directory.
fn beside(out: &Path) -> Vec<Shard> {
    let named = |name: &str| {
        let (index, count) = name.strip_prefix("shard-")?.split_once("-of-")?;
        Some(Shard { index: index.parse().ok()?, count: count.parse().ok()? })
    };
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    entries.filter_map(|entry| named(&entry.file_name().to_string_lossy())).collect()
}

impl Place {
    /// Says in the directory of a part what it is of; refuses one that is of something else.
    pub fn begin(&self, command: &str, request: &impl Serialize) -> Result<()> {
        if self.shard.is_none() {
            return Ok(());
        }
        let own = Record::new(command, crate::analyses::to_json(request)?);
        let path = self.directory.join(RECORD);
        if !self.fresh
            && let Some(there) = Record::read(&self.directory)?
        {
            own.check_arithmetic(&there, &path, "this process computes")?;
            if let Some((asked, found)) = difference(&own, &there) {
                let found = format!("one with {found} ({DISCARD})");
                let expected = format!("a part of work with {asked}");
                return Err(Error::expected(files::named(&path), expected, found));
            }
        }
        files::write_atomic(&path, &document(&crate::analyses::to_json(&own)?))
    }

    /// Which pieces are wanted, and where they are kept.
    pub fn share(&self) -> Share {
        match self.shard {
            None => Share::All(self.directory.clone()),
            Some(shard) => Share::Part(self.directory.clone(), shard),
        }
    }

    /// Says that a part is finished.
    pub fn complete(&self, target: &Target, common: &Common) -> Result<()> {
        target.keep();
        let Some(shard) = self.shard.filter(|_| !common.quiet) else { return Ok(()) };
        let (at, out) = (files::named(&self.directory), self.directory.parent().unwrap_or(Path::new(".")));
        let out = files::named(if out == Path::new("") { Path::new(".") } else { out });
        output::print(&format!("part {shard} is complete in {at}; `losscape merge {out}` joins the parts\n"))
    }
}

/// Parts that are to be joined.
pub struct Joined {
    /// What was asked of the command.
    pub request: Value,
    /// The directories of the parts.
    pub parts: Vec<PathBuf>,
    /// Where the result goes.
    pub out: PathBuf,
    /// Flags of `losscape merge`.
    pub common: Common,
    /// The pictures' style.
    pub style: Style,
}

impl Joined {
    /// What was asked, as the command reads it.
    pub fn request<T: DeserializeOwned>(&self) -> Result<T> {
        let at = self.parts.first().map_or_else(String::new, |part| files::named(&part.join(RECORD)));
        serde_json::from_value(self.request.clone()).map_err(|e| Error::value(at, &e.to_string()))
    }

    /// The pieces, all of them finished.
    pub fn share(&self) -> Share {
        Share::Joined(self.parts.clone())
    }
}
