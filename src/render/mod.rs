//! Figures as pictures: SVG with real text, and the same picture as PNG.
//!
//! [`draw`] is the way in, and [`animate`] for what moves. A chart kind is one file: a struct with [`Kind`](crate::base::registry::Kind) (its
//! name) and [`Draw`]; to add one, write the file and its line in the registry below. Charts share the page
//! (title, legend), the plane (axes), curves, the colorbar and the canvas, all sized and coloured by `style`.

use crate::base::registry::Registry;
use crate::base::{Error, Result};
use crate::figure::{Figure, Grid, Series};
use animation::Moving;

pub mod animation;
pub mod canvas;
pub mod colorbar;
pub mod curves;
pub mod font;
pub mod glyphs;
pub mod html;
pub mod isolines;
pub mod labels;
pub mod mesh;
pub mod page;
pub mod palette;
pub mod path;
pub mod pdf;
pub mod plane;
pub mod png;
pub mod scene;
pub mod smooth;
pub mod style;
pub mod tex;
pub mod ticks;
pub mod words;

pub use animation::animate;
pub use style::{Cmap, Format, Style, Theme};

crate::registry! {
    /// How a figure's panels are drawn.
    Chart, "chart", match_chart {
        contour => Contour;
        surface => Surface;
        lines => Lines;
        twin => Twin;
        tiles => Tiles;
        rows => Rows;
        matrix => Matrix;
        dendrogram => Dendrogram;
        graph => Graph;
    }
}

/// What a chart kind does.
pub trait Draw {
    /// Draws a figure whose shapes have been checked.
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing;

    /// Whether its panels are maps: values over the places of a grid, which may stand as surfaces.
    fn maps(&self) -> bool {
        false
    }

    /// The same figure in motion, if it has anything to move.
    fn moving<'a>(&self, _figure: &'a Figure, _style: &'a Style) -> Option<Moving<'a>> {
        None
    }
}

/// A drawn figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// The document.
    pub svg: String,
    /// Pixels an inch of its PNG.
    pub dpi: u32,
    /// What it is called.
    pub title: String,
}

impl Drawing {
    /// The same picture as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        png::encode(&self.svg, self.dpi)
    }

    /// The same picture in the style's kinds of files, named `name` with an ending; `stop` is asked before each.
    pub fn files(
        self,
        name: &str,
        style: &Style,
        stop: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let raster = style.raster.then_some(self.dpi);
        let mut all = Vec::new();
        for (k, kind) in style.format.iter().enumerate() {
            if style.format[..k].contains(kind) {
                continue;
            }
            stop()?;
            let mut add = |ending: &str, bytes| all.push((format!("{name}{ending}"), bytes));
            match kind {
                Format::Png => add(kind.ending(), self.png()?),
                Format::Svg => add(kind.ending(), self.svg.clone().into_bytes()),
                Format::Pdf => {
                    add(kind.ending(), pdf::encode(&self.svg, &self.title, pdf::How { bare: false, raster })?)
                }
                Format::Tex => {
                    let below = format!("{name}-shapes.pdf");
                    add(kind.ending(), tex::encode(&self.svg, &below)?.into_bytes());
                    add("-shapes.pdf", pdf::encode(&self.svg, &self.title, pdf::How { bare: true, raster })?);
                }
            }
        }
        Ok(all)
    }
}

/// Draws `figure` as its chart kind does; the same figure and style give the same bytes.
///
/// Fails if the style is out of range, the chart kind is unknown, or a grid or series has lengths that do not
/// fit together. Values may be anything: NaN, infinite, constant, none at all.
pub fn draw(figure: &Figure, style: &Style) -> Result<Drawing> {
    let chart = checked(figure, style)?;
    Ok(match_chart!(&chart, kind => kind.draw(figure, style)))
}

/// Whether a figure's panels are maps, which may stand as surfaces.
pub fn maps(figure: &Figure) -> bool {
    Chart::parse(&figure.chart).is_ok_and(|chart| match_chart!(&chart, kind => kind.maps()))
}

/// The figure's chart kind, once everything has been looked at.
fn checked(figure: &Figure, style: &Style) -> Result<Chart> {
    style.check()?;
    for (p, panel) in figure.panels.iter().enumerate() {
        let at = |what: &str, i: usize| format!("figure {}: panel {p}: {what} {i}", figure.name);
        for (i, grid) in panel.grids.iter().enumerate() {
            check_grid(grid, &at("grid", i))?;
        }
        for (i, series) in panel.series.iter().enumerate() {
            check_series(series, &at("series", i))?;
        }
    }
    Chart::parse(&figure.chart)
}

fn check_grid(grid: &Grid, at: &str) -> Result<()> {
    let size = grid.x.len() * grid.y.len();
    if grid.values.len() != size {
        return Err(Error::expected(at, format!("{size} values"), grid.values.len()));
    }
    let ascends = |v: &[f64]| v.iter().all(|c| c.is_finite()) && v.windows(2).all(|w| w[0] < w[1]);
    if !ascends(&grid.x) || !ascends(&grid.y) {
        return Err(Error::expected(at, "finite ascending coordinates", "others"));
    }
    Ok(())
}

fn check_series(series: &Series, at: &str) -> Result<()> {
    let n = series.x.len();
    let band = series.band.iter().flat_map(|(low, high)| [low.len(), high.len()]);
    match band.chain([series.y.len()]).find(|len| *len != n) {
        Some(len) => Err(Error::expected(at, format!("{n} ordinates, as many as abscissae"), len)),
        None => Ok(()),
    }
}
