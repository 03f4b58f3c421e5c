//! The checkpoint of a blend's training: what it goes on with, and what it must be of.

use super::session::Session;
use super::{BlendEpoch, BlendSettings};
use crate::autodiff::Element;
use crate::base::log::{DISCARD, difference};
use crate::base::{Error, Result, files, interrupt};
use crate::data::Augment;
use crate::nn::Spec;
use crate::train::batch::Vary;
use crate::train::checkpoint::{self, Keep, Sort};
use crate::train::point::{numbers, tensor};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What of a checkpoint must be as it was.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    settings: BlendSettings,
    blend: String,
    seed: u64,
    network: Spec,
    samples: usize,
    augment: Augment,
    data_sha256: String,
    /// Of the control points as they started.
    weights_sha256: String,
    precision: String,
}

/// The part of a checkpoint that is no tensor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: String,
    identity: Identity,
    step: u64,
    /// Sum over the samples of the running epoch of the losses.
    sum: f64,
    rate: f64,
    epochs: usize,
}

const SORT: Sort = Sort { key: "losscape.blend", what: "a checkpoint of a blend's training" };

impl<E: Element> Session<'_, E> {
    fn identity(&self, keep: &Keep) -> Identity {
        Identity {
            settings: self.settings.clone(),
            blend: self.blend.name.to_owned(),
            seed: self.blend.seed,
            network: self.blend.network.spec().clone(),
            samples: self.blend.train.len(),
            augment: self.blend.vary.map_or_else(Augment::default, Vary::augment),
            data_sha256: keep.data_sha256.clone(),
            weights_sha256: self.blend.sha256(),
            precision: E::NAME.to_owned(),
        }
    }

    /// Takes up what a checkpoint holds; whether there is one.
    pub fn restore(&mut self) -> Result<bool> {
        let Some(keep) = self.keep else { return Ok(false) };
        if keep.path.symlink_metadata().is_err() {
            return Ok(false);
        }
        let (at, file, header) = checkpoint::open::<Header>(&keep.path, SORT)?;
        if let Some((asked, found)) = difference(&self.identity(keep), &header.identity) {
            let expected = format!("an unfinished run with {asked}");
            return Err(Error::expected(&at, expected, format!("one with {found} ({DISCARD})")));
        }
        let over = header.step / self.steps_per_epoch;
        if header.step > self.total || header.epochs as u64 != over {
            let expected = format!("{over} epochs of at most {} steps", self.total);
            let found = format!("{} epochs after {} steps", header.epochs, header.step);
            return Err(Error::expected(&at, expected, found));
        }
        for row in self.rows.moving() {
            let numbers: Vec<E> = numbers(&at, &file, &format!("row/{row}"), self.rows.p)?;
            self.rows.put(row, &numbers);
        }
        self.point.state = numbers(&at, &file, "state", self.point.state.len())?;
        let rows: Vec<f64> =
            numbers(&at, &file, "epochs", header.epochs.saturating_mul(BlendEpoch::COLUMNS))?;
        self.epochs = rows.as_chunks().0.iter().map(BlendEpoch::from_row).collect();
        (self.step, self.sum, self.rate) = (header.step, header.sum, header.rate);
        Ok(true)
    }

    fn write(&self, keep: &Keep) -> Result<()> {
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            identity: self.identity(keep),
            step: self.step,
            sum: self.sum,
            rate: self.rate,
            epochs: self.epochs.len(),
        };
        let row = |r: usize| tensor(format!("row/{r}"), &self.rows.get(r));
        let mut tensors: Vec<_> = self.rows.moving().into_iter().map(row).collect();
        tensors.push(tensor("state", &self.point.state));
        let rows: Vec<f64> = self.epochs.iter().flat_map(BlendEpoch::row).collect();
        tensors.push(tensor("epochs", &rows));
        checkpoint::seal(&keep.path, SORT, &header, tensors)
    }

    /// Writes a checkpoint if the last one is `apart` old, or as old as it may get.
    pub fn save_if_due(&mut self, apart: Duration) -> Result<()> {
        if self.keep.is_some_and(|keep| self.pace.due(keep, apart)) { self.save() } else { Ok(()) }
    }

    pub fn save(&mut self) -> Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        let mut pace = self.pace;
        pace.written(|| self.write(keep))?;
        self.pace = pace;
        Ok(())
    }

    /// Somebody asked for a stop: keeps what there is.
    pub fn interrupted(&self) -> Error {
        let signal = interrupt::requested().unwrap_or(2);
        let kept = match self.keep.map(|keep| (keep, self.write(keep))) {
            None => "nothing was kept".to_owned(),
            Some((_, Err(e))) => return e,
            Some((keep, Ok(()))) => format!(
                "{} of {} steps are kept in {}; the same command goes on",
                self.step,
                self.total,
                files::named(&keep.path)
            ),
        };
        Error::Interrupted { at: format!("training of the {}", self.blend.name), kept, signal }
    }
}
