//! The search: descents from all starts, in parallel, each kept in a log as it ends.

use super::result::{self, CriticalResult, Facts};
use super::starts::{Start, Starts, forms, list};
use super::{CriticalSettings, MOST_PARAMETERS, SAMPLES};
use crate::analyses::pieces::{Division, Ledger, Share, log_name};
use crate::analyses::progress::{Observe, Progress, kept};
use crate::analyses::{DataSettings, to_json};
use crate::base::pool::on_workers;
use crate::base::shard::Shard;
use crate::base::{Error, Result, files, parallel};
use crate::landscape::newton::{Loss, descend};
use crate::nn::{Objective, Statistics};
use crate::train::{network, samples};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The command.
const NAME: &str = "critical";

/// Removes what an unfinished search left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))
}

/// Searches for critical points. Finished descents are kept where `share` says, and not made again; there is no result
/// where a part of them is all that is wanted.
pub fn run(
    settings: &CriticalSettings,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<CriticalResult>> {
    settings.check()?;
    let settings = &settings.settled()?;
    on_workers(|| search(settings, share, observe))
}

fn search(
    settings: &CriticalSettings,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<CriticalResult>> {
    let mut asked = settings.clone();
    if settings.samples.is_none() {
        let (_, all) = DataSettings::load(&settings.train(0))?;
        asked.samples = Some(SAMPLES.min(all.train.len()));
    }
    let settings = &asked;
    let (data, mut dataset) = DataSettings::load(&settings.train(0))?;
    // Nothing is tested.
    dataset.test.truncate(0);
    let network = Arc::new(network(&settings.train(0), &dataset)?);
    let (p, layout) = (network.layout().size(), network.layout());
    if p > MOST_PARAMETERS {
        let expected = format!(
            "a network of at most {MOST_PARAMETERS} parameters, since an index counts all eigenvalues of the Hessian"
        );
        return Err(Error::expected("--model", expected, format!("{p} in {}", network.title())));
    }
    if layout.state_size() > 0 || layout.couples_samples {
        let expected = "a network whose loss depends on its parameters alone, without running statistics";
        return Err(Error::expected("--model", expected, &settings.model));
    }
    let forms = forms(settings, &dataset);
    let starts = list(settings, &forms);
    let mut notes = Vec::new();
    if network.has_kink() {
        notes.push("the slope of this loss jumps at kinks, where minima like to lie: their gradient never vanishes, and they are not found".to_owned());
    }
    if settings.saddle > 0 && forms.is_empty() {
        notes.push(format!("no saddles of known form for {} on {}", settings.model, dataset.name));
    }
    if starts.is_empty() {
        let expected = "starts of another kind, since this network has no saddles of known form";
        return Err(Error::expected("--saddle", expected, "none"));
    }
    notes.iter().for_each(|note| observe(Progress::Note(note.clone())));
    let facts = Facts {
        title: crate::analyses::run::title(&network, &dataset),
        parameters: p,
        samples: dataset.train.len(),
        data,
        notes,
    };
    let header = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "settings": to_json(settings)?,
        "data_sha256": facts.data.sha256,
    });
    let ledger = Ledger::open(Division {
        command: NAME,
        units: ["start", "starts"],
        all: starts.len(),
        width: result::width(p),
        header,
        share,
    })?;
    let left = ledger.left(Shard::deals);
    let objective = Objective::new(network.clone(), samples(&network, &dataset.train), Statistics::Running);
    if !left.is_empty() {
        let search = Starts::new(settings, &objective, &dataset, forms).and_then(|all| {
            observe(Progress::Says(format!("critical points of {} ({p} parameters)", facts.title)));
            kept(observe, ledger.kept, starts.len(), "starts");
            observe(Progress::Begins(NAME, "starts", starts.len()));
            observe(Progress::Done(ledger.kept as f64));
            let one = |i: usize| -> Result<()> {
                ledger.finish(i, descent(settings, &all, &starts[i], &objective)?)?;
                observe(Progress::Done(1.0));
                Ok(())
            };
            parallel::try_map(left.len(), &|i| one(left[i])).map(drop)
        });
        search.map_err(|e| ledger.stopped(e))?;
    }
    ledger.done().map(|all| CriticalResult::new(settings, facts, &starts, &all)).transpose()
}

/// The numbers of one descent, as results record them.
fn descent(
    settings: &CriticalSettings,
    starts: &Starts,
    start: &Start,
    objective: &Objective<f64>,
) -> Result<Vec<f64>> {
    let found = descend(&Loss { objective, state: &[] }, &starts.point(start)?, &settings.newton())?;
    Ok(result::numbers(found))
}
