//! Embedding: each number of a sample is a token, a whole number that names a row of a table; PyTorch's `Embedding` and
//! `Flatten(1)`. The rows follow one another, place by place, as a vector; as a `signal` they are an image of as many channels
//! as a row has numbers, with a column a place, which convolutions and pools take.
//!
//! `columns` embeds some features of a table alone: the others go on as they are, in front of the rows. Tokens beyond the
//! table are refused when the network meets its data ([`Network::check_indices`](crate::nn::Network::check_indices)).

use super::{Forward, Recorder, Signal};
use crate::autodiff::Shape;
use crate::base::{Error, Result};
use crate::nn::layout::Role;
use crate::nn::recorder::Need;
use crate::nn::units::{Ties, Units};

crate::kind! {
    /// A row of a table for each token.
    Embedding = "embedding",
        "a row of a table for each token, a whole number: vocabulary=N rows (0: as many as classes) of width numbers; columns=[..] of a table alone; signal=true for convolutions";
    /// Rows of the table; 0 for as many as there are classes.
    vocabulary: usize,
    /// Numbers of a row.
    width: usize = 16,
    /// Features that are tokens; none for all.
    columns: Vec<usize>,
    /// Whether the rows are an image of 1 x places, not a vector.
    signal: bool,
}

impl Embedding {
    fn refuse(&self) -> Result<()> {
        if self.width == 0 {
            return Err(Error::expected("width", "at least 1", 0));
        }
        if self.signal && !self.columns.is_empty() {
            return Err(Error::expected("signal", "false where columns are chosen", "true"));
        }
        Ok(())
    }

    /// The layer of a network with so many classes.
    pub(crate) fn with_classes(&self, classes: usize) -> Self {
        let vocabulary = if self.vocabulary == 0 { classes } else { self.vocabulary };
        Self { vocabulary, ..self.clone() }
    }
}

impl Forward for Embedding {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.flat(input);
        let (features, samples, width) = (input.size(), cx.samples, self.width);
        if cx.tape.record(input.node).moving {
            return Err(cx.refuse("the data, or what an embedding left of them", "the output of a layer"));
        }
        if self.vocabulary == 0 {
            return Err(cx.refuse("a vocabulary of at least 1", 0));
        }
        let chosen: Vec<usize> =
            if self.columns.is_empty() { (0..features).collect() } else { self.columns.clone() };
        let again = (1..chosen.len()).any(|i| chosen[..i].contains(&chosen[i]));
        if let Some(column) = chosen.iter().find(|column| **column >= features || again) {
            let expected = format!("different columns below {features}");
            return Err(cx.refuse(expected, format!("{column} among {chosen:?}")));
        }
        let places = chosen.len();
        cx.room("units", &[places, width])?;
        let units = cx.ties.fresh(width);
        let axes = vec![Ties::fixed(self.vocabulary), units.clone()];
        let shape = vec![self.vocabulary, width];
        // One of its inputs is 1 and the others are 0, as it were.
        let need =
            Need { name: "weight", shape, role: Role::Weight, fan_in: 1, fan_out: width, start: 0.0, axes };
        let table = cx.parameter(need)?;
        let columns = |cx: &mut Recorder, columns: &[usize]| {
            if columns.len() == features {
                return input.node;
            }
            let index = columns.iter().map(|column| *column as f64).collect();
            let index = cx.tape.constant(index, Shape::new(columns.len(), 1));
            let shape = Shape::new(columns.len(), samples);
            cx.tape.take(input.node, index, samples, features, 1, columns.len(), false, shape)
        };
        let index = columns(cx, &chosen);
        cx.bounds.push((index, self.vocabulary));
        let count = samples * places;
        let rows =
            cx.tape.take(table, index, 1, self.vocabulary, width, count, false, Shape::new(width, count));
        if self.signal {
            return Ok(Signal { node: rows, shape: vec![width, 1, places], image: true, units });
        }
        let rest: Vec<usize> = (0..features).filter(|column| !chosen.contains(column)).collect();
        let size = rest.len() + places * width;
        let kept = rest.iter().map(|column| input.units[*column]);
        let units: Units = kept.chain((0..places).flat_map(|_| units.iter().copied())).collect();
        let shape = Shape::new(size, samples);
        let node = if rest.is_empty() {
            cx.tape.reshape(rows, shape)
        } else {
            let rest_of = columns(cx, &rest);
            cx.tape.concat(&[rest_of, rows], samples, &[rest.len(), places * width], shape)
        };
        Ok(Signal { node, shape: vec![size], image: false, units })
    }
}
