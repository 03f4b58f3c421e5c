//! Arrays of a numpy archive as the arguments of an exported network's `forward`: a sample is one index along the axis of
//! each array that counts samples, all its numbers one after another.
//!
//! `--run model.pt2 --data npz:file=FILE` makes it, because the graph says which arrays there are. Samples keep the order of
//! the file, and nothing is standardised: the numbers mean what the network takes. Arrays `test_NAME` are for testing. One more
//! array may say how much each sample counts.

use super::npz::{NpzFile, weighed_by, weights, weights_of};
use crate::base::npz::{Archive, Array, Header};
use crate::base::registry::{Kind, Registry};
use crate::base::{Error, Result, Streams, apart, files};
use crate::data::{Raw, Samples, Source, Split, fits_in_memory};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

crate::kind! {
    /// Arrays as arguments.
    Arguments = "arguments",
        "numpy arrays as the arguments of an exported network: npz:file=PATH beside --run model.pt2 means it", later &["weights", "test-weights"];
    /// The archive.
    file: String,
    /// Names of the arrays, in order.
    names: Vec<String>,
    /// The axis of each that counts samples; -1 for one that is the same for all.
    axes: Vec<i64>,
    /// The array of how much each sample counts; empty for none.
    weights: String = String::new(),
    /// The array of how much each test sample counts.
    test_weights: String = String::new(),
}

impl Arguments {
    fn refuse(&self) -> Result<()> {
        if self.names.len() == self.axes.len() {
            Ok(())
        } else {
            Err(Error::expected("axes", "one for each name", self.axes.len()))
        }
    }
}

impl Arguments {
    /// The archive's name, without the folder that it lies in: what the arrays are follows from the network.
    pub fn title(&self) -> String {
        let name = Path::new(&self.file).file_name();
        name.map_or_else(|| Self::NAME.to_owned(), |name| files::brief(&name.to_string_lossy()))
    }

    /// What settings of an archive say of a graph's arguments: the file, and arrays of weights. The others have no meaning
    /// where the arrays are what `forward` takes.
    pub fn of(npz: &NpzFile) -> Result<Self> {
        let NpzFile { file, weights, test_weights, .. } = npz.clone();
        let plain = NpzFile { file, weights, test_weights, ..NpzFile::default() };
        if *npz != plain {
            let expected = "npz:file=FILE, with weights= alone beside it, for an exported network: the arrays are the arguments of its forward, and test_NAME those for testing";
            return Err(Error::expected("--data", expected, Source::from(npz.clone()).text()));
        }
        let NpzFile { file, weights, test_weights, .. } = plain;
        Ok(Self { file, weights, test_weights, ..Self::default() })
    }

    /// Names the arrays that weigh samples, of those that are `there`: the given ones or, where they are looked for, those with
    /// usual names, which is said in the line that is returned.
    pub fn weighed(mut self, there: &[String], look: bool) -> (Self, Option<String>) {
        let free: Vec<String> = there.iter().filter(|n| look && !self.names.contains(n)).cloned().collect();
        let found = weights([&self.weights, &self.test_weights], &free).map(Option::unwrap_or_default);
        let note = (self.weights.is_empty() && !found[0].is_empty()).then(|| weighed_by(&found[0]));
        [self.weights, self.test_weights] = found;
        (self, note)
    }

    /// The samples, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.file.is_empty() || self.names.is_empty() {
            return Err(Error::expected(
                "data set arguments: file",
                "an archive and names of arrays",
                "none",
            ));
        }
        let path = &files::at_home(Path::new(&self.file));
        let at = files::named(path);
        apart::input(path)?;
        let mut npz = Archive::open(path)?;
        let (mut x, count, features) = self.part(&mut npz, "")?;
        let named = |name: &String| npz.names().contains(&format!("test_{name}"));
        let mut held_out = 0;
        if self.names.iter().zip(&self.axes).any(|(name, axis)| *axis >= 0 && named(name)) {
            let (more, tested, size) = self.part(&mut npz, "test_")?;
            if size != features {
                return Err(Error::expected(at, format!("test samples of {features} numbers"), size));
            }
            x.extend(more);
            held_out = tested;
        }
        let all = count + held_out;
        // The network computes its loss itself: what is to be predicted is among the arguments.
        let mut samples = Samples::of_values(x, vec![0.0; all], all);
        samples.weights = self.weights(&mut npz, count, held_out)?;
        Ok(Raw {
            shape: vec![features],
            outputs: 1,
            samples,
            split: Split::Ordered(held_out),
            own_scale: true,
            ..Raw::default()
        })
    }

    /// How much each sample counts, those for testing last; empty where all count the same.
    fn weights(&self, npz: &mut Archive<BufReader<File>>, train: usize, test: usize) -> Result<Vec<f64>> {
        if test == 0 && !self.test_weights.is_empty() {
            return Err(Error::expected("test-weights", "test samples beside them", "none"));
        }
        let mut all = Vec::new();
        if self.weights.is_empty() && self.test_weights.is_empty() {
            return Ok(all);
        }
        for (name, count) in [(&self.weights, train), (&self.test_weights, test)] {
            if name.is_empty() {
                all.resize(all.len() + count, 1.0);
            } else {
                all.extend(weights_of(npz.array(name)?.1, count, &npz.place(name))?);
            }
        }
        Ok(all)
    }

    /// Samples of the arrays whose names begin so, how many, and how many numbers each has.
    fn part(&self, npz: &mut Archive<BufReader<File>>, prefix: &str) -> Result<(Vec<f64>, usize, usize)> {
        let (mut parts, mut count, mut features) = (Vec::new(), None, 0usize);
        for (name, axis) in self.names.iter().zip(&self.axes) {
            // What is the same for all samples is so for those for testing.
            let own = format!("{prefix}{name}");
            let name = if *axis < 0 && !npz.names().contains(&own) { name.clone() } else { own };
            let at = npz.place(&name);
            let Some(Header { shape, .. }) = npz.header(&name)? else {
                return Err(Error::expected(at, "an array", "none"));
            };
            let axis = usize::try_from(*axis).ok();
            if axis.is_some_and(|axis| axis >= shape.len()) || shape.contains(&0) {
                let expected = "an axis of samples, and nothing empty";
                return Err(Error::expected(at, expected, format!("{shape:?}")));
            }
            if let Some(n) = axis.map(|axis| shape[axis])
                && *count.get_or_insert(n) != n
            {
                return Err(Error::expected(at, "as many samples as the other arrays", n));
            }
            features += shape.iter().product::<usize>() / axis.map_or(1, |axis| shape[axis]);
            parts.push((name, axis, at));
        }
        let count = count.unwrap_or(1);
        fits_in_memory(&self.file, count, features)?;
        let mut x = vec![0.0; count * features];
        let mut start = 0;
        for (name, axis, at) in parts {
            start += place(&mut x, &npz.array(&name)?.1, axis, count, (start, features), &at)?;
        }
        Ok((x, count, features))
    }
}

/// Writes an array's numbers into the samples from `start` on, and returns how many each sample got.
fn place(
    x: &mut [f64],
    array: &Array,
    axis: Option<usize>,
    count: usize,
    (start, features): (usize, usize),
    at: &str,
) -> Result<usize> {
    let numbers = array.to_f64();
    if let Some(i) = numbers.iter().position(|v| v.is_nan()) {
        return Err(Error::expected(at, "numbers", format!("{} at element {i}", numbers[i])));
    }
    let (inner, each): (usize, usize) = match axis {
        Some(axis) => (array.shape[axis + 1..].iter().product(), numbers.len() / count),
        None => (numbers.len(), numbers.len()),
    };
    for (sample, row) in x.chunks_exact_mut(features).enumerate() {
        let row = &mut row[start..start + each];
        match axis {
            None => row.copy_from_slice(&numbers),
            Some(_) => {
                for (outer, row) in row.chunks_exact_mut(inner).enumerate() {
                    row.copy_from_slice(&numbers[(outer * count + sample) * inner..][..inner]);
                }
            }
        }
    }
    Ok(each)
}
