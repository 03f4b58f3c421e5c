//! A figure as plain data: axes, grids, series and marks, with no drawing in it.
//!
//! A pass returns figures; `render` draws them; `losscape plot` draws them again from a saved result.
//! `chart` names the chart kind in `render`'s registry that knows how to lay the panels out.

use serde::{Deserialize, Serialize};

/// One picture, named by what it shows (`contour`, `surface`, `training`, ...): the name of its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// File stem.
    pub name: String,
    /// Chart kind, by its name in `render`'s registry.
    pub chart: String,
    /// What was done, in one line above everything.
    pub title: String,
    /// A second, smaller line: network, data, seeds.
    pub subtitle: String,
    /// The panels, left to right.
    pub panels: Vec<Panel>,
}

/// One pair of axes and what is drawn on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// Line above the panel; empty for none.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Value axis: the colorbar of a contour, the height of a surface.
    pub z: Axis,
    /// Values over the plane.
    pub grids: Vec<Grid>,
    /// Curves.
    pub series: Vec<Series>,
    /// Single points of interest.
    pub marks: Vec<Mark>,
}

impl Panel {
    /// Whether some curve has a number to show: accuracies of a regression have none.
    pub fn has_curves(&self) -> bool {
        self.series.iter().any(|s| s.y.iter().any(|y| y.is_finite()))
    }

    /// Those that have curves; all of them where none has, so that nothing but missing values has a picture, too.
    pub fn shown(panels: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let panels: Vec<Self> = panels.into_iter().collect();
        let some = panels.iter().any(Self::has_curves);
        panels.into_iter().filter(|panel| !some || panel.has_curves()).collect()
    }
}

/// An axis: its title, and how values are spread along it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Title with unit or meaning.
    pub label: String,
    /// Linear, logarithmic, or whichever the range asks for.
    pub scale: Scale,
    /// Fixed ends, where the data's own are not wanted.
    pub range: Option<(f64, f64)>,
}

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Logarithmic when every value is positive and they span more than a factor of 50.
    #[default]
    Auto,
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios.
    Log,
    /// The same with the largest value first: what shrinks, read from left to right.
    LogDown,
    /// The same for all but small values, and zero has a place: value v lies at ln(1 + v / c), c half the smallest above zero.
    LogZero,
    /// Linear, of values whose sign matters: colours diverge from zero and reach as far to both sides.
    Signed,
}

/// Values on a rectangular grid: `values[j * x.len() + i]` belongs to `(x[i], y[j])`; NaN where there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Ascending coordinates of the columns.
    pub x: Vec<f64>,
    /// Ascending coordinates of the rows.
    pub y: Vec<f64>,
    /// Row `j` belongs to `y[j]`.
    #[serde(with = "whole")]
    pub values: Vec<f64>,
}

/// A curve, with an optional band around it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Legend entry; empty for none.
    pub label: String,
    /// Abscissae.
    #[serde(with = "whole")]
    pub x: Vec<f64>,
    /// Ordinates; NaN breaks the curve.
    #[serde(with = "whole")]
    pub y: Vec<f64>,
    /// Lower and upper edge of a band, as long as `x`.
    #[serde(with = "edges")]
    pub band: Option<(Vec<f64>, Vec<f64>)>,
    /// Line, dashes or dots.
    pub style: Style,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// A solid line.
    #[default]
    Line,
    /// A dashed line.
    Dashed,
    /// A thin, see-through line: one of many, behind what sums them up.
    Faint,
    /// Unconnected dots.
    Dots,
    /// Small, see-through dots: what was set aside.
    Specks,
    /// A solid line with a dot at every point, where the steps matter.
    Marked,
    /// The same with a large dot where it begins and arrows along it: a way that was gone.
    Path,
}

/// A point worth pointing at: the minimiser, an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Abscissa; NaN for a mark that only names a row.
    #[serde(with = "one")]
    pub x: f64,
    /// Ordinate.
    #[serde(with = "one")]
    pub y: f64,
    /// Legend entry.
    pub label: String,
}

/// Numbers in JSON, which has no word for those that are not finite: they are written as text.
mod whole {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// A number, or the name of one that JSON cannot write.
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    pub(super) enum Cell {
        Number(f64),
        Name(String),
    }

    pub(super) fn cells(values: &[f64]) -> Vec<Cell> {
        let cell = |x: &f64| if x.is_finite() { Cell::Number(*x) } else { Cell::Name(x.to_string()) };
        values.iter().map(cell).collect()
    }

    pub(super) fn numbers<E: serde::de::Error>(cells: Vec<Cell>) -> Result<Vec<f64>, E> {
        let number = |cell: Cell| match cell {
            Cell::Number(x) => Ok(x),
            Cell::Name(name) => name.parse().map_err(E::custom),
        };
        cells.into_iter().map(number).collect()
    }

    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        cells(values).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        numbers(Vec::deserialize(from)?)
    }
}

/// The same for one number.
mod one {
    use super::whole::{Cell, cells, numbers};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        cells(&[*value])[0].serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(numbers(vec![Cell::deserialize(from)?])?[0])
    }
}

/// The same for the edges of a band.
mod edges {
    use super::whole::{Cell, cells, numbers};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Band = Option<(Vec<f64>, Vec<f64>)>;

    pub fn serialize<S: Serializer>(band: &Band, to: S) -> Result<S::Ok, S::Error> {
        band.as_ref().map(|(low, high)| (cells(low), cells(high))).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Band, D::Error> {
        let band: Option<(Vec<Cell>, Vec<Cell>)> = Option::deserialize(from)?;
        band.map(|(low, high)| Ok((numbers(low)?, numbers(high)?))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_not_finite_come_back_from_json() {
        let odd = vec![1.5, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2];
        let band = Some((odd.clone(), vec![f64::NAN; 4]));
        let series = Series { x: odd.clone(), y: odd, band, ..Series::default() };
        let text = serde_json::to_string(&series).unwrap_or_default();
        let back: Result<Series, _> = serde_json::from_str(&text);
        let shown = |s: &Series| format!("{s:?}");
        assert_eq!(back.map(|b| shown(&b)).unwrap_or_default(), shown(&series));
    }
}
