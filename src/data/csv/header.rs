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

    /// Whether whole numbers, each another one, are names by what stands below them.
    fn numbers_as_names(&self) -> bool {
        let whole = |f: &&String| f.bytes().all(|b| b.is_ascii_digit());
        let numbers: Vec<&String> = self.fields.iter().filter(|f| (self.number)(f).is_some()).collect();
        let distinct = (1..self.fields.len()).all(|i| !self.fields[..i].contains(&self.fields[i]));
        if !numbers.iter().all(whole) || !distinct || self.rest.is_empty() {
            return false;
        }
        let values: Vec<f64> = numbers.iter().filter_map(|f| (self.number)(f)).collect();
        let width = values.len();
        let steps = step(&values).is_some_and(|s| s == 1.0 || width > 2)
            && !self.rest.iter().all(|r| {
                let row: Vec<f64> = r.fields.iter().filter_map(|f| (self.number)(f)).collect();
                row.len() == width && step(&row) == step(&values)
            });
        if steps && (width > 3 || (width > 2 && values[0] == 0.0)) {
            return true;
        }
        let Some(label) = self.label.filter(|label| *label < self.fields.len() && self.classes) else {
            return steps && width > 2;
        };
        let own = &self.fields[label];
        if self.column(label).any(|f| f == own) {
            return false;
        }
        // A class that no other sample has, where every other class has several.
        let mut below: Vec<&str> = self.column(label).collect();
        below.sort_unstable();
        let several = below.len() > 3 && below.chunk_by(|a, b| a == b).all(|class| class.len() > 1);
        let all = width == self.fields.len();
        LABELS.contains(&own.to_lowercase().as_str()) || several || (steps && all)
    }
}

/// What each number is above the one before, where that is the same for all.
fn step(values: &[f64]) -> Option<f64> {
    let mut steps = values.windows(2).map(|pair| pair[1] - pair[0]);
    let first = steps.next().filter(|s| *s != 0.0)?;
    steps.all(|s| s == first).then_some(first)
}
