//! What every analysis's command does: settings taken and refused, networks found or trained, the work with its progress, the
//! result written and said.

use super::arguments::{Common, Fresh, Parts, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Stages, say};
use super::subject::{Asking, Subject};
use crate::analyses::Share;
use crate::analyses::analysis::{Asked, Entry, Networks, Record, Work};
use crate::base::apart::check_apart;
use crate::base::{Error, Result, files, memory, shown};
use crate::render::Style;
use clap::{ArgMatches, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Mutex;

/// Adds the flags of an analysis.
pub fn command(entry: &Entry, command: Command) -> Command {
    let command = Subject::flags(entry, with_shorthands((entry.flags)(command), entry.shorthands));
    let command = if entry.parts { Parts::augment_args(command) } else { Fresh::augment_args(command) };
    let command = config_and_out(Common::augment_args(command), &default_out(entry));
    name_kinds(super::help::pictures(command))
}

fn default_out(entry: &Entry) -> String {
    format!("out/{}", entry.name)
}

/// Runs an analysis as it was asked for.
pub fn run(entry: &'static Entry, matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let subject = Subject::take(entry, &mut sources)?;
    let asked = (entry.take)(&mut sources)?;
    let subject = subject.along(asked.along()).unless(asked.saved())?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = if entry.parts {
        sources.take(&[])?
    } else {
        let Fresh { fresh } = sources.take(&[])?;
        Parts { fresh, ..Parts::default() }
    };
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(default_out(entry)));
    sources.finish()?;
    asked.validate(subject.count(), &subject.training())?;
    subject.check(&parts)?;
    if let (Some((flag, text)), Some(expected)) = (parts.asked(), asked.indivisible()) {
        return Err(Error::expected(flag, expected, text));
    }
    if parts.claim.is_none() {
        parts.place(out.clone())?;
    }
    style.check()?;
    common.apply()?;
    if let Some((bytes, what)) = asked.memory(subject.count(), None) {
        memory::fits(bytes, &what)?;
    }
    subject.apart(&out)?;
    asked.inputs().iter().try_for_each(|input| check_apart(input, &out))?;
    let subject = subject.prepared(entry, &*asked)?;
    let (name, fresh, quiet) = (entry.name, parts.fresh, common.quiet);
    parts.each(out, quiet, &mut |place| {
        // Minutes of training must not end at a directory that cannot be written.
        let target = Target::new(place.directory.clone())?;
        let shared = place.shard.is_some();
        let asking = Asking { name, asked: &*asked, target: &target, shared, fresh, style: &style, quiet };
        let found = subject.read(&asking)?;
        if fresh {
            (entry.discard)(target.directory())?;
        }
        let subject = if entry.tells { Value::Null } else { subject.recalled() };
        place.begin(name, &Request { settings: asked.request()?, subject })?;
        let (record, predicted) =
            work(&*asked, found.lent(), &place.share(), Some((&target, &style)), &common)?;
        let Some(record) = record else { return place.complete(&target, &common) };
        let details = json!({"runs": found.names, "predicted": predicted});
        finish(entry, &*record, &target, details, &style, &common)
    })
}

/// What parts remember of what was asked for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    settings: Value,
    subject: Value,
}

/// Joins parts.
pub fn join(entry: &'static Entry, joined: Joined) -> Result<()> {
    let Joined { parts, out, common, style, .. } = &joined;
    let record = match (entry.joined)(parts, out) {
        Some(record) => record?,
        None => {
            let Request { settings, subject } = joined.request()?;
            let refused = |e: serde_json::Error| Error::value(files::named(&parts[0]), &e.to_string());
            let asked = (entry.recall)(settings).map_err(refused)?;
            let subject = Subject::recall(entry, subject).map_err(refused)?;
            asked.validate(subject.count(), &subject.training())?;
            let found = subject.given()?;
            let (record, _) = work(&*asked, found.lent(), &joined.share(), None, common)?;
            record.ok_or_else(|| Error::unmet("merge", "the parts have no result"))?
        }
    };
    let names: Vec<Value> = parts.iter().map(|part| files::named(part).into()).collect();
    finish(entry, &*record, &Target::new(out.clone())?, json!({"parts": names}), style, common)
}

/// Seconds and bytes that were foretold.
type Predicted = (f64, usize);

/// Runs an analysis, showing how far it is, and on the way what there is.
fn work(
    asked: &dyn Asked,
    of: Networks,
    share: &Share,
    shows: Option<(&Target, &Style)>,
    common: &Common,
) -> Result<(Option<Box<dyn Record>>, Predicted)> {
    use crate::analyses::Progress;
    let stages = Stages::new(common.quiet);
    let predicted = Mutex::new(Predicted::default());
    let observe = |event: Progress| match event {
        Progress::Forecast(seconds, bytes) => {
            let mut all = predicted.lock().unwrap_or_else(|e| e.into_inner());
            *all = (all.0 + seconds, all.1.max(bytes));
        }
        Progress::Picture(figure) => {
            // Worth a look on the way; what is wrong with the disk will be said at the end.
            if let Some((target, style)) = shows {
                let _ = target.show(figure, style);
            }
        }
        event => stages.hear(event),
    };
    let record = asked.run(0, of, &Work { share: Some(share), observe: &observe });
    stages.finish();
    Ok((record?, predicted.into_inner().unwrap_or_else(|e| e.into_inner())))
}

/// Writes what came out, removes what was kept of its way, and says what it is.
fn finish(
    entry: &Entry,
    record: &dyn Record,
    target: &Target,
    details: Value,
    style: &Style,
    common: &Common,
) -> Result<()> {
    for warning in record.warnings() {
        say(common.quiet, &format!("warning: {warning}"));
    }
    let pictures = target.write(record, style, details)?;
    if style.animate && !pictures.names.iter().any(|p| p.ends_with(output::MOVING)) {
        say(common.quiet, "note: nothing moves: --animate is for surfaces of one network and trajectories");
    }
    for name in record.absent(target.directory()) {
        files::remove(&target.directory().join(name))?;
    }
    (entry.discard)(target.directory())?;
    if common.json {
        output::print_json(&record.json()?)?;
    } else if !common.quiet {
        output::print(&format!("{}{}", record.report(), written(record, target, &pictures)?))?;
    }
    record.unmet().map_or(Ok(()), Err)
}

/// "wrote out/slice in 3 s, peak memory 31 MiB: contour, surface (.png, .svg), slice.json, slice.npz".
fn written(record: &dyn Record, target: &Target, pictures: &output::Pictures) -> Result<String> {
    /// More names help nobody.
    const MOST: usize = 8;
    // The one that closes a result is named first.
    let mut names: Vec<String> = record.files()?.into_iter().rev().map(|(name, _)| name).collect();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        names.push(format!("and {}", shown::count(more, "further file")));
    }
    let drawn = if pictures.names.is_empty() { Vec::new() } else { vec![pictures.listed()] };
    Ok(format!(
        "wrote {} in {}{}: {}\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        [drawn, names].concat().join(", "),
    ))
}
