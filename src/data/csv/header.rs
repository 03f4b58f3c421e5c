//! Whether the first line of a table names its columns, or is a sample.
//!
//! A line of names gives itself away where it does not fit the column below it: text over numbers, a class that no sample
//! has. Numbers may be names too (years, wavelengths, pandas' 0, 1, 2). What is assumed of such a line is said.

use super::table::Record;
use crate::base::files::brief;

/// Names that columns to be predicted have.
const LABELS: [&str; 14] = [
    "label",
    "labels",
    "class",
    "classes",
    "target",
    "targets",
    "y",
    "output",
    "outcome",
    "response",
    "category",
    "species",
    "diagnosis",
    "type",
];

/// What is known of a first line and of those below it.
pub(super) struct First<'a> {
    pub fields: &'a [String],
    pub rest: &'a [Record],
    /// The column to be predicted, where its number is known before its name is, and whether it holds classes.
    pub label: Option<usize>,
    pub classes: bool,
    /// What a field is as a number, and whether it is a missing value.
    pub number: &'a dyn Fn(&str) -> Option<f64>,
    pub missing: &'a dyn Fn(&str) -> bool,
}

impl First<'_> {
    /// Whether it names the columns, and what to say where that is not plain.
    pub fn names(&self) -> (bool, Option<String>) {
        let numbers = self.fields.iter().filter(|f| (self.number)(f).is_some()).count();
        if numbers == 0 {
            // Text over text: a sample where all of it comes again below.
            let again = |(i, f): (usize, &String)| self.rest.iter().any(|r| r.fields.get(i) == Some(f));
            return (!(self.all_text() && self.fields.iter().enumerate().all(again)), None);
        }
        let named = (0..self.fields.len()).any(|i| self.text_over_numbers(i)) || self.numbers_as_names();
        let shown: Vec<String> = self.fields.iter().take(4).map(|f| brief(f)).collect();
        let dots = if self.fields.len() > 4 { ", ..." } else { "" };
        let note = || {
            let line = format!("line 1 ({}{dots})", shown.join(", "));
            format!(
                "{line} is taken for the names of the columns, not for a sample; header=false reads it as one"
            )
        };
        (named, named.then(note))
    }

    fn column(&self, i: usize) -> impl Iterator<Item = &str> {
        self.rest.iter().filter_map(move |r| r.fields.get(i)).map(String::as_str)
    }

    fn all_text(&self) -> bool {
        let number = |record: &Record| record.fields.iter().any(|f| (self.number)(f).is_some());
        !self.rest.is_empty() && !self.rest.iter().any(number)
    }

    fn text_over_numbers(&self, i: usize) -> bool {
        let text = |f: &str| (self.number)(f).is_none() && !(self.missing)(f);
        let mut below = self.column(i).filter(|f| !(self.missing)(f)).peekable();
        text(&self.fields[i]) && below.peek().is_some() && below.all(|f| (self.number)(f).is_some())
    }

    /// Whether a line with numbers, each field another one, names columns by what stands below it: it counts, or its class is
    /// a usual name or one that no sample has, where every other class has several.
    fn numbers_as_names(&self) -> bool {
        let numbers: Vec<&String> = self.fields.iter().filter(|f| (self.number)(f).is_some()).collect();
        let distinct = (1..self.fields.len()).all(|i| !self.fields[..i].contains(&self.fields[i]));
        if !distinct || self.rest.is_empty() {
            return false;
        }
        let values: Vec<f64> = numbers.iter().filter_map(|f| (self.number)(f)).collect();
        let (width, by) = (values.len(), step(&values));
        let same = |r: &Record| {
            let row: Vec<f64> = r.fields.iter().filter_map(|f| (self.number)(f)).collect();
            row.len() == width && step(&row) == by
        };
        let whole = numbers.iter().all(|f| f.bytes().all(|b| b.is_ascii_digit()));
        let counts = whole && by.is_some() && !self.rest.iter().all(same);
        // As pandas numbers columns, or years; of fewer numbers a sample may be made.
        if counts && (width > 3 || (width > 2 && values[0] == 0.0 && by == Some(1.0))) {
            return true;
        }
        let Some(label) = self.label.filter(|label| *label < self.fields.len() && self.classes) else {
            return false;
        };
        let own = &self.fields[label];
        let mut below: Vec<&str> = self.column(label).collect();
        below.sort_unstable();
        let several = below.len() > 3 && below.chunk_by(|a, b| a == b).all(|class| class.len() > 1);
        let counts = counts && width == self.fields.len() && (width > 2 || by == Some(1.0));
        let usual = LABELS.contains(&own.to_lowercase().as_str());
        !(self.missing)(own) && !below.contains(&own.as_str()) && (usual || several || counts)
    }
}

/// What each number is above the one before, where that is the same for all.
fn step(values: &[f64]) -> Option<f64> {
    let mut steps = values.windows(2).map(|pair| pair[1] - pair[0]);
    let first = steps.next().filter(|s| *s != 0.0)?;
    steps.all(|s| s == first).then_some(first)
}
