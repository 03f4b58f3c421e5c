//! Tables of numbers as text: one sample a line, fields separated by commas (RFC 4180), plain or gzip.
//!
//! One column is what is to be predicted: a class, by any text, or a number; all others are features and must be finite
//! numbers, or true and false, unless `drop` leaves them out or `categories` makes features of their texts. Classes are
//! numbered in order, that of numbers where all of them are numbers, else that of their text. A missing value is refused,
//! or `drop-missing` leaves its line out; a line whose label is -100 (or `ignore=`) is left out, too. `weights` names a column of how much each sample
//! counts. Fields may be quoted, with `""` for a quotation mark. A byte order mark, spaces
//! around fields and empty lines are skipped. The path is kept as given.

mod classes;
mod columns;
mod fields;
mod header;
mod table;

pub use columns::{Categories, Column, Columns, Decimal, Header, Missing};

use self::classes::Classes;
use self::header::First;
use self::table::{Record, Table};
use crate::base::registry::unknown;
use crate::base::{Error, Result, Streams, files};
use crate::data::{Raw, Samples, Split, doubts, fits_in_memory, within};
use serde::{Deserialize, Serialize};
use std::path::Path;

crate::kind! {
    /// A table of numbers as text.
    Csv = "csv",
        "a table as text, plain or gzip: csv:file=PATH,label=COLUMN (a name or a number from 0; else the last one), drop=[COLUMNS], categories=auto for text", paths &["file"], endings &[".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".arff", ".svm"], later &["weights", "ignore"];
    /// The table.
    file: String = String::new(),
    /// Whether the first line names the columns.
    header: Header = Header::Auto,
    /// The column to be predicted.
    label: Column = Column::Last,
    /// Whether that column holds classes or numbers.
    task: Task = Task::Classes,
    /// What separates fields, one character, `tab`, or `whitespace`: spaces and tabs, any number of them.
    delimiter: String = ",".to_owned(),
    /// What stands before the fraction of a number.
    decimal: Decimal = Decimal::Point,
    /// Columns that are no features.
    drop: Columns = Columns::default(),
    /// What becomes of columns of text.
    categories: Categories = Categories::None,
    /// What counts as a missing value.
    missing: Missing = Missing::Auto,
    /// Whether lines with a missing value are left out; else they are refused.
    drop_missing: bool = false,
    /// Share of the samples held out for testing.
    test: f64 = 0.25, // scikit-learn's train_test_split
    /// The column of how much each sample counts.
    weights: Columns = Columns::default(),
    /// The label of lines that are left out, where labels are classes.
    ignore: i64 = -100, // PyTorch's ignore_index
}

impl Csv {
    fn refuse(&self) -> Result<()> {
        within("test", self.test, 0.0..=0.9)?;
        let one = |d: &str| {
            matches!(d.as_bytes(), [byte] if byte.is_ascii()
                && !matches!(byte, b'"' | b'\n' | b'\r' | b'.' | b'-' | b'+')
                && !byte.is_ascii_alphanumeric())
        };
        if !["tab", "whitespace"].contains(&self.delimiter.as_str()) && !one(&self.delimiter) {
            let found = format!("`{}`", files::brief(&self.delimiter));
            return Err(Error::expected(
                "delimiter",
                "one character, as `,` or `;`, or `tab` or `whitespace`",
                found,
            ));
        }
        if self.task == Task::Regression && self.ignore != Self::default().ignore {
            return Err(Error::expected("ignore", "none with task=regression", self.ignore));
        }
        if self.decimal == Decimal::Comma && self.delimiter == "," {
            return Err(Error::expected("delimiter", "another one than the decimal comma, as `;`", "`,`"));
        }
        Ok(())
    }
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One of a few classes.
    Classes,
    /// A number.
    Regression,
}

/// Most classes.
const MOST_CLASSES: usize = 10_000;
/// How far to look ahead before deciding what the first line is: lines, and bytes of them.
const AHEAD: (usize, usize) = (1000, 4 << 20);

/// What a column is for.
enum Role {
    Dropped,
    Label,
    Weight,
    Number,
    /// A feature with these texts, numbered as they were first seen.
    Category(Classes),
}

impl Csv {
    /// The lines of the table.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.file.is_empty() {
            return Err(Error::expected("data set csv: file", "a table, as csv:file=PATH", "none"));
        }
        let mut table = Table::open(Path::new(&self.file), self.delimiter())?;
        let at = table.input.at().to_owned();
        let first = table.record()?.ok_or_else(|| Error::expected(&at, "samples", "none"))?;
        let width = first.fields.len();
        if width < 2 {
            return Err(self.one_field(&at, &first));
        }
        let (mut ahead, mut bytes) = (Vec::new(), 0);
        while ahead.len() < AHEAD.0 && bytes < AHEAD.1 {
            let Some(record) = table.record()? else { break };
            bytes += record.bytes;
            self.fits(&at, &record, width)?;
            ahead.push(record);
        }
        let (named, assumed) = self.names(&first.fields, &ahead);
        let names = if named { first.fields.clone() } else { Vec::new() };
        let mut roles = self.roles(&names, &at, (!named).then_some(&first), &ahead, width)?;
        let mut rows = Rows::default();
        let mut given = (!named).then_some(first).into_iter().chain(ahead);
        let mut lines = 0;
        while let Some(record) = given.next().map_or_else(|| table.record(), |record| Ok(Some(record)))? {
            self.fits(&at, &record, width)?;
            self.take(&at, &names, &record, &mut roles, &mut rows)?;
            lines += 1;
            fits_in_memory(&at, rows.count, width - 1)?;
        }
        if rows.count < 2 {
            return Err(Error::expected(&at, "at least 2 samples", rows.count));
        }
        let mut notes: Vec<String> = assumed.into_iter().collect();
        let gaps = lines - rows.count - rows.ignored;
        if gaps > 0 {
            notes.push(format!("{gaps} of {lines} lines have a missing value and are left out"));
        }
        if rows.ignored > 0 {
            let label = self.ignore;
            notes.push(format!(
                "{} of {lines} lines have the label {label} and are left out (ignore)",
                rows.ignored
            ));
        }
        self.finish(&at, &names, roles, rows, lines, notes)
    }

    fn delimiter(&self) -> Option<char> {
        match self.delimiter.as_str() {
            "whitespace" => None,
            "tab" => Some('\t'),
            other => other.chars().next(),
        }
    }

    /// Refuses a first line that the delimiter does not cut, and names the one that does.
    fn one_field(&self, at: &str, first: &Record) -> Error {
        let line = first.fields.first().map(String::as_str).unwrap_or_default();
        let other = [(";", ";"), ("\t", "tab"), (",", ","), ("|", "|"), (":", ":"), (" ", "\" \"")];
        let other = other.iter().find(|(sign, word)| *word != self.delimiter && line.contains(sign));
        let hint = match other {
            None => String::new(),
            // Several spaces align columns.
            Some((" ", _)) if line.contains("  ") => " (delimiter=whitespace?)".to_owned(),
            Some((_, word)) => format!(" (delimiter={word}?)"),
        };
        let expected = format!("at least 2 fields separated by `{}`", self.delimiter);
        Error::expected(format!("{at}: line {}", first.line), expected, format!("1{hint}"))
    }

    fn fits(&self, at: &str, record: &Record, width: usize) -> Result<()> {
        let found = record.fields.len();
        if found == width {
            return Ok(());
        }
        let trailing = found > width && record.fields[width..].iter().all(String::is_empty);
        let hint = match trailing {
            _ if self.delimiter == " " => " (delimiter=whitespace takes several spaces for one)".to_owned(),
            true => format!(" (the line ends in `{}`)", self.delimiter),
            false if found > width && self.decimal == Decimal::Point && self.delimiter == "," => {
                " (a text with a comma is put in quotation marks)".to_owned()
            }
            false => String::new(),
        };
        let place = format!("{at}: line {}", record.line);
        Err(Error::expected(place, format!("{width} fields"), format!("{found}{hint}")))
    }

    /// Whether the first line names the columns, and what to say of it.
    fn names(&self, first: &[String], rest: &[Record]) -> (bool, Option<String>) {
        match self.header {
            Header::Yes => return (true, None),
            Header::No => return (false, None),
            Header::Auto => {}
        }
        let asked = self.drop.0.iter().chain(&self.weights.0).chain([&self.label]);
        let mut asked = asked.filter_map(|c| if let Column::Name(name) = c { Some(name) } else { None });
        if asked.any(|name| first.contains(name)) {
            return (true, None);
        }
        let label = match self.label {
            Column::Last => Some(first.len() - 1),
            Column::Index(i) => Some(i),
            Column::Name(_) => None,
        };
        let classes = self.task == Task::Classes;
        let number = |field: &str| self.number(field);
        let missing = |field: &str| self.is_missing(field);
        First { fields: first, rest, label, classes, number: &number, missing: &missing }.names()
    }

    /// What each column is for.
    fn roles(
        &self,
        names: &[String],
        at: &str,
        first: Option<&Record>,
        ahead: &[Record],
        width: usize,
    ) -> Result<Vec<Role>> {
        let label = column(&self.label, "label", names, width, at)?;
        let mut dropped = vec![false; width];
        for asked in &self.drop.0 {
            dropped[column(asked, "drop", names, width, at)?] = true;
        }
        if dropped[label] {
            return Err(Error::expected(
                format!("{at}: drop"),
                "other columns than that of the label",
                &self.label,
            ));
        }
        let weight = match self.weights.0.as_slice() {
            [] => None,
            [asked] => Some(column(asked, "weights", names, width, at)?),
            more => {
                return Err(Error::expected(format!("{at}: weights"), "one column", more.len()));
            }
        };
        if weight.is_some_and(|weight| weight == label || dropped[weight]) {
            let expected = "another column than that of the label and those that are dropped";
            return Err(Error::expected(format!("{at}: weights"), expected, &self.weights.0[0]));
        }
        let text = |i: usize| {
            let fields = first.into_iter().chain(ahead).map(|record| record.fields[i].as_str());
            fields.filter(|f| !self.is_missing(f)).any(|f| self.number(f).is_none())
        };
        let role = |i: usize| match i {
            _ if dropped[i] => Role::Dropped,
            _ if i == label => Role::Label,
            _ if Some(i) == weight => Role::Weight,
            _ if self.categories != Categories::None && text(i) => Role::Category(Classes::default()),
            _ => Role::Number,
        };
        let roles: Vec<Role> = (0..width).map(role).collect();
        if roles.iter().any(|role| matches!(role, Role::Number | Role::Category(_))) {
            Ok(roles)
        } else {
            Err(Error::expected(format!("{at}: drop"), "columns that leave a feature", "all of them"))
        }
    }

    /// Takes one line, or leaves it out.
    fn take(
        &self,
        at: &str,
        names: &[String],
        record: &Record,
        roles: &mut [Role],
        rows: &mut Rows,
    ) -> Result<()> {
        let place = |i: usize| {
            let column = names.get(i).map_or_else(|| i.to_string(), |name| files::brief(name));
            format!("{at}: line {}, column {column}", record.line)
        };
        let found = |field: &str| format!("`{}`", files::brief(field));
        const LEAVE_OUT: &str = " (drop-missing=true leaves such lines out)";
        let used = |i: usize| !matches!(roles[i], Role::Dropped);
        let gap = (0..record.fields.len()).find(|i| used(*i) && self.is_missing(&record.fields[*i]));
        if let Some(i) = gap {
            let class = matches!(roles[i], Role::Label) && self.task == Task::Classes;
            let expected = match (class, &roles[i]) {
                (true, _) => "a class",
                (_, Role::Category(_)) => "a text",
                _ => "a finite number",
            };
            let hint = match (class, self.missing, record.fields[i].is_empty()) {
                (true, Missing::Auto, false) => {
                    " (drop-missing=true leaves such lines out, missing=empty takes it as a class)"
                }
                _ => LEAVE_OUT,
            };
            return if self.drop_missing {
                Ok(())
            } else {
                Err(Error::expected(place(i), expected, found(&record.fields[i]) + hint))
            };
        }
        let ignored = |(field, role): (&String, &Role)| {
            matches!(role, Role::Label) && self.number(field) == Some(self.ignore as f64)
        };
        if self.task == Task::Classes && record.fields.iter().zip(&*roles).any(ignored) {
            rows.ignored += 1;
            return Ok(());
        }
        for (i, (field, role)) in record.fields.iter().zip(roles).enumerate() {
            let number = |feature: bool| {
                self.number(field).filter(|value| value.is_finite()).ok_or_else(|| {
                    Error::expected(place(i), "a finite number", found(field) + self.remedy(field, feature))
                })
            };
            match role {
                Role::Dropped => {}
                Role::Number => rows.x.push(number(true)?),
                Role::Weight => rows.weights.push(number(false)?),
                Role::Category(texts) => rows.x.push(texts.push(field).map_err(|found| {
                    Error::expected(place(i), format!("at most {MOST_CLASSES} texts"), found)
                })?),
                Role::Label if self.task == Task::Regression => rows.values.push(number(false)?),
                Role::Label => {
                    rows.classes.push(field).map_err(|found| {
                        let expected = format!("at most {MOST_CLASSES} classes (numbers: task=regression)");
                        Error::expected(place(i), expected, found)
                    })?;
                }
            }
        }
        rows.count += 1;
        Ok(())
    }

    fn finish(
        &self,
        at: &str,
        names: &[String],
        roles: Vec<Role>,
        mut rows: Rows,
        lines: usize,
        mut notes: Vec<String>,
    ) -> Result<Raw> {
        let count = rows.count;
        let kept: Vec<(usize, Role)> = roles
            .into_iter()
            .enumerate()
            .filter(|(_, r)| matches!(r, Role::Number | Role::Category(_)))
            .collect();
        for (feature, (column, _)) in kept.iter().enumerate().filter(|(_, (_, r))| matches!(r, Role::Number))
        {
            if doubts::numbers_the_rows(&rows.x, kept.len(), feature, lines) {
                let name = names.get(*column).filter(|name| !name.is_empty());
                let name = name.map_or_else(|| column.to_string(), |name| files::brief(name));
                notes.push(format!(
                    "column {name} numbers the lines and is taken as a feature; drop={name} leaves it out"
                ));
            }
        }
        let (mut features, one_hot) = (kept.len(), self.categories == Categories::OneHot);
        // Numbers of texts measure nothing: they are left as they are.
        let numbered: Vec<bool> =
            kept.iter().map(|(_, r)| !one_hot && matches!(r, Role::Category(_))).collect();
        let numbers = if numbered.contains(&true) { numbered } else { Vec::new() };
        if kept.iter().any(|(_, role)| matches!(role, Role::Category(_))) {
            (rows.x, features) = self.expand(at, kept, rows.x, count)?;
        }
        if !rows.weights.is_empty() {
            super::weights_in(&rows.weights)
                .map_err(|(expected, found)| Error::expected(format!("{at}: weights"), expected, found))?;
        }
        let (mut samples, outputs, class_names) = match self.task {
            Task::Classes => {
                let (labels, classes) = rows.classes.finish();
                if classes.len() < 2 {
                    return Err(Error::expected(at, "at least 2 classes", classes.len()));
                }
                notes.extend(doubts::classes_by_name(&classes, count));
                fits_in_memory(at, count, classes.len())?;
                (Samples::of_classes(rows.x, labels), classes.len(), doubts::telling(classes))
            }
            Task::Regression => (Samples::of_values(rows.x, rows.values, count), 1, Vec::new()),
        };
        samples.weights = rows.weights;
        let split = Split::share(count, self.test);
        let notes = notes.into_iter().map(|note| format!("{at}: {note}")).collect();
        let shape = vec![features];
        Ok(Raw { shape, outputs, samples, split, notes, class_names, numbers, ..Raw::default() })
    }

    /// Features of texts in place of their numbers, and how many there are then.
    fn expand(
        &self,
        at: &str,
        kept: Vec<(usize, Role)>,
        x: Vec<f64>,
        count: usize,
    ) -> Result<(Vec<f64>, usize)> {
        // Of each column the place of each text among its sorted ones; none for numbers.
        let ranks: Vec<Option<Vec<u32>>> = kept
            .into_iter()
            .map(|(_, role)| if let Role::Category(texts) = role { Some(texts.ranks()) } else { None })
            .collect();
        let one_hot = self.categories == Categories::OneHot;
        let size = |ranks: &Option<Vec<u32>>| match ranks {
            Some(ranks) if one_hot => ranks.len(),
            _ => 1,
        };
        let features = ranks.iter().map(size).sum();
        fits_in_memory(at, count, features)?;
        let mut expanded = Vec::with_capacity(count * features);
        for row in x.chunks_exact(ranks.len()) {
            for (value, ranks) in row.iter().zip(&ranks) {
                match ranks.as_ref().map(|ranks| (ranks.len(), ranks[*value as usize])) {
                    None => expanded.push(*value),
                    Some((n, rank)) if one_hot => {
                        expanded.extend((0..n).map(|k| if k == rank as usize { 1.0 } else { 0.0 }));
                    }
                    Some((_, rank)) => expanded.push(f64::from(rank)),
                }
            }
        }
        Ok((expanded, features))
    }
}

/// What has been read.
#[derive(Default)]
struct Rows {
    x: Vec<f64>,
    values: Vec<f64>,
    classes: Classes,
    weights: Vec<f64>,
    count: usize,
    /// Lines left out for their label.
    ignored: usize,
}

/// The number of a column that a setting names.
fn column(asked: &Column, setting: &str, names: &[String], width: usize, at: &str) -> Result<usize> {
    let called = |name: &str| names.iter().position(|n| n == name);
    let found = match asked {
        Column::Last => called("last").or(Some(width - 1)),
        // A column may be called by a number.
        Column::Index(i) => called(&i.to_string()).or(Some(*i).filter(|i| *i < width)),
        Column::Name(name) => called(name),
    };
    found.ok_or_else(|| match (asked, names) {
        (Column::Name(name), []) => {
            let expected = format!("a header that names column `{}`", files::brief(name));
            Error::expected(at, expected, "no header (see `header`)")
        }
        (Column::Name(name), names) => {
            let few: Vec<String> = names.iter().take(20).map(|name| files::brief(name)).collect();
            unknown(&format!("{at}: {setting}"), &files::brief(name), few.iter().map(String::as_str))
        }
        (index, _) => Error::expected(format!("{at}: {setting}"), format!("0 to {}", width - 1), index),
    })
}
