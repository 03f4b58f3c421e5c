//! Parts of one slice, joined to the bytes of one that was computed at once.

use super::SliceSettings;
use super::facts::columns;
use super::result::SliceResult;
use super::shard::{DIRECTIONS, Header, log_name};
use super::view::View;
use crate::analyses::pieces::gaps;
use crate::base::log::{self, Pieces, difference};
use crate::base::tensors::TensorFile;
use crate::base::{Error, Result, files};
use std::path::{Path, PathBuf};

/// Whether `path` is the directory of a part.
pub fn is_part(path: &Path) -> bool {
    path.join(log_name(0)).exists()
}

/// The log of one view in the directory of a part: none, where the part was stopped before that view.
fn part_of(directory: &Path, view: usize) -> Result<Option<(Header, Pieces)>> {
    let path = directory.join(log_name(view));
    let at = files::named(&path);
    // The width follows from the header, which is read first.
    let Some(header) = log::header(&path)? else { return Ok(None) };
    let version = header["version"].as_str().unwrap_or_default();
    if version != env!("CARGO_PKG_VERSION") {
        let expected = format!("a part of losscape {}", env!("CARGO_PKG_VERSION"));
        return Err(Error::expected(&at, expected, files::brief(version)));
    }
    let header: Header = serde_json::from_value(header).map_err(|e| Error::value(&at, &e.to_string()))?;
    let settings = header.settings()?;
    header.facts.check(&at, &settings)?;
    let width = columns(&settings, &header.facts).len();
    Ok(log::read(&path, width)?.map(|found| (header, found.pieces)))
}

/// Joins parts of one slice, which lie in these directories. Refuses parts of different slices, and names the points that
/// are missing.
pub fn merge(all: &[PathBuf]) -> Result<SliceResult> {
    let mut views: Vec<View> = Vec::new();
    let mut count = 1;
    let mut settings = SliceSettings::default();
    while views.len() < count {
        let view = views.len();
        // The first part that has begun the view is what the others are compared with.
        let mut own: Option<(Header, &PathBuf)> = None;
        let mut pieces = Pieces::new();
        for directory in all {
            let Some((header, found)) = part_of(directory, view)? else { continue };
            let at = files::named(&directory.join(log_name(view)));
            let (own, first) = own.get_or_insert_with(|| (header.clone(), directory));
            if let Some((expected, found)) = difference(own, &header) {
                let expected = format!("a part of the slice in {}, {expected}", files::named(first));
                return Err(Error::expected(at, expected, format!("one of another, {found}")));
            }
            for (index, values) in found {
                if index >= own.facts.points() as u64 {
                    return Err(Error::expected(at, format!("points below {}", own.facts.points()), index));
                }
                if pieces.get(&index).is_some_and(|old| !log::same_bits(old, &values)) {
                    let expected = format!("the numbers of the other parts at point {index}");
                    return Err(Error::expected(at, expected, "others"));
                }
                pieces.insert(index, values);
            }
        }
        let of = if count > 1 { format!(" of view {view}") } else { String::new() };
        let Some((own, first)) = own else {
            return Err(Error::expected("merge", format!("every point{of} in some part"), "none"));
        };
        settings = own.settings()?;
        if settings.adaptive.is_some() {
            let found = "an unfinished --adaptive one";
            return Err(Error::expected(files::named(first), "parts of a full grid", found));
        }
        count = own.views;
        let points = own.facts.points();
        if pieces.len() < points {
            let of = if count > 1 { format!(" of view {view}") } else { String::new() };
            let found = format!("{} of {points}: without {}", pieces.len(), gaps(points, &pieces));
            return Err(Error::expected("merge", format!("every point{of} in some part"), found));
        }
        views.push(View::full(&settings, own.facts, pieces));
    }
    SliceResult::assemble(&settings, views.clone(), Some(directions(all, &views)?))
}

/// The directions, from whichever part has them whole.
fn directions(parts: &[PathBuf], views: &[View]) -> Result<TensorFile> {
    for path in parts.iter().map(|p| p.join(DIRECTIONS)).filter(|p| p.exists()) {
        let file = TensorFile::read(&path)?;
        let whole = |(i, view): (usize, &View)| {
            SliceResult::directions_sha256(&file, i, views.len()) == view.facts.directions_sha256
        };
        if views.iter().enumerate().all(whole) {
            return Ok(file);
        }
    }
    let expected = format!("{DIRECTIONS} of the slice in some part");
    Err(Error::expected("merge", expected, "none, or one with other directions"))
}
