//! The checkpoint of a band: its pivots after a cycle, and all that decides how it goes on.

use super::{BandCycle, BandSettings};
use crate::base::files;
use crate::base::log::{DISCARD, difference};
use crate::base::{Error, Result};
use crate::train::checkpoint::{Keep, Sort, open, seal};
use crate::train::point::{numbers, tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What of a checkpoint must be as it was.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub settings: BandSettings,
    pub potential: Value,
    pub data_sha256: String,
    /// Of both ends.
    pub weights_sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    version: String,
    identity: Identity,
    pub step: u64,
    pub cycles: Vec<BandCycle>,
    pivots: usize,
}

const SORT: Sort = Sort { key: "losscape.band", what: "a checkpoint of a band" };

/// SHA-256 of the vectors of both ends.
pub(super) fn sha256(ends: [&[f64]; 2]) -> String {
    let mut hash = Sha256::new();
    for end in ends {
        hash.update((end.len() as u64).to_le_bytes());
        end.iter().for_each(|x| hash.update(x.to_le_bytes()));
    }
    files::hex(&hash.finalize())
}

/// The chain and header of a checkpoint, if there is one.
pub(super) fn read(
    keep: &Keep,
    identity: &Identity,
    ends: [&[f64]; 2],
) -> Result<Option<(Vec<Vec<f64>>, Header)>> {
    if keep.path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (at, file, header) = open::<Header>(&keep.path, SORT)?;
    if let Some((asked, found)) = difference(identity, &header.identity) {
        let expected = format!("an unfinished band with {asked}");
        return Err(Error::expected(&at, expected, format!("one with {found} ({DISCARD})")));
    }
    if header.cycles.is_empty() || header.cycles.len() > identity.settings.cycles + 1 {
        let expected = format!("1 to {} cycles", identity.settings.cycles + 1);
        return Err(Error::expected(&at, expected, header.cycles.len()));
    }
    let pivot = |i: usize| numbers(&at, &file, &format!("pivot/{i}"), ends[0].len());
    let mut chain = vec![ends[0].to_vec()];
    for i in 0..header.pivots {
        chain.push(pivot(i)?);
    }
    chain.push(ends[1].to_vec());
    Ok(Some((chain, header)))
}

/// Writes one.
pub(super) fn write(
    keep: &Keep,
    identity: Identity,
    chain: &[Vec<f64>],
    cycles: &[BandCycle],
    step: u64,
) -> Result<()> {
    let (version, inner) = (env!("CARGO_PKG_VERSION").to_owned(), &chain[1..chain.len() - 1]);
    let header = Header { version, identity, step, cycles: cycles.to_vec(), pivots: inner.len() };
    let pivots = inner.iter().enumerate().map(|(i, w)| tensor(format!("pivot/{i}"), w)).collect();
    seal(&keep.path, SORT, &header, pivots)
}
