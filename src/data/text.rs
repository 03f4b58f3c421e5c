//! Text: `text:file=PATH` predicts the character that follows `context` others. Each is a class, in the order of their numbers,
//! and the context stands as one-hot columns, a block a place: the first dense layer is then an embedding of its own for each
//! place; or, with `encoding=tokens`, as the characters' numbers, for an embedding that all places share. Samples follow one another in the text, `every` characters apart; the last share of the text is for testing, so that
//! no context is seen in both.

use super::{Raw, Samples, Split, fits_in_memory, reserve, within};
use crate::base::{Error, Result, Streams, apart, files};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

crate::kind! {
    /// Characters of a text, to be predicted from those before.
    Text = "text", "the next character of a text from those before, one-hot: text:file=PATH,context=8 (encoding=tokens: as numbers, for an embedding)", paths &["file"], later &["encoding"];
    /// The file.
    file: String = String::new(),
    /// Characters that the next one is predicted from.
    context: usize = 8,
    /// What a character is.
    unit: Unit = Unit::Character,
    /// Characters from one sample to the next.
    every: usize = 1,
    /// Share of the text, its end, held out for testing.
    test: f64 = 0.1,
    /// How the context stands.
    encoding: Encoding = Encoding::OneHot,
}

impl Text {
    fn refuse(&self) -> Result<()> {
        within("context", self.context, 1..=1024)?;
        within("every", self.every, 1..=1_000_000)?;
        within("test", self.test, 0.0..=0.9)
    }
}

/// What a character is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A character of Unicode.
    #[default]
    Character,
    /// A byte, whatever the file holds.
    Byte,
}

/// How a context stands in a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A column for each character and place, 1 where it stands there.
    #[default]
    OneHot,
    /// The number of the character at each place.
    Tokens,
}

/// Longest text.
const LONGEST: u64 = 256 << 20;
/// Most characters that differ.
const MOST_CLASSES: usize = 10_000;

impl Text {
    /// The samples, those for testing last.
    pub fn load(&self, _: &Streams) -> Result<Raw> {
        if self.file.is_empty() {
            return Err(Error::expected("data set text: file", "a text, as text:file=PATH", "none"));
        }
        let path = &files::at_home(Path::new(&self.file));
        let at = files::named(path);
        apart::input(path)?;
        let bytes = files::read_regular(path, LONGEST)?;
        let characters: Vec<u32> = match self.unit {
            Unit::Byte => bytes.into_iter().map(u32::from).collect(),
            Unit::Character => match std::str::from_utf8(&bytes) {
                Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).chars().map(u32::from).collect(),
                Err(e) => {
                    let expected = "text in UTF-8 (unit=byte takes bytes as they are)";
                    return Err(Error::expected(
                        at,
                        expected,
                        format!("another byte at {}", e.valid_up_to()),
                    ));
                }
            },
        };
        let mut classes: BTreeMap<u32, u32> = characters.iter().map(|c| (*c, 0)).collect();
        classes.values_mut().enumerate().for_each(|(i, class)| *class = i as u32);
        let outputs = classes.len();
        if outputs > MOST_CLASSES {
            return Err(Error::expected(at, format!("at most {MOST_CLASSES} different characters"), outputs));
        }
        if characters.len() < self.context + 2 {
            let expected = format!("at least {} characters, two samples", self.context + 2);
            return Err(Error::expected(at, expected, characters.len()));
        }
        let classes: Vec<u32> = characters.iter().map(|c| classes[c]).collect();
        // Contexts for testing begin where the last one for training and its answer end.
        let held_out = (self.test * classes.len() as f64).round() as usize;
        let (train, test) = classes.split_at(classes.len() - held_out);
        let starts = |part: &[u32]| (0..part.len().saturating_sub(self.context)).step_by(self.every);
        let counts = [starts(train).len(), starts(test).len()];
        let tokens = self.encoding == Encoding::Tokens;
        let features = if tokens { self.context } else { self.context * outputs };
        let remedy =
            format!("{at}: every={} takes fewer samples, context={} shorter ones", self.every, self.context);
        fits_in_memory(&remedy, counts[0] + counts[1], features)?;
        let (mut x, mut y) = (Vec::new(), Vec::new());
        reserve(&mut x, (counts[0] + counts[1]) * features, &at)?;
        for part in [train, test] {
            for start in starts(part) {
                y.push(part[start + self.context]);
                let context = &part[start..start + self.context];
                if tokens {
                    x.extend(context.iter().map(|class| f64::from(*class)));
                    continue;
                }
                let row = x.len();
                x.resize(row + features, 0.0);
                for (i, class) in context.iter().enumerate() {
                    x[row + i * outputs + *class as usize] = 1.0;
                }
            }
        }
        let mut different: Vec<u32> = characters;
        different.sort_unstable();
        different.dedup();
        let name = |c: &u32| match self.unit {
            Unit::Byte => format!("{c:#04x}"),
            Unit::Character => {
                char::from_u32(*c).map_or_else(String::new, |c| c.escape_default().to_string())
            }
        };
        let class_names = different.iter().map(name).collect();
        let samples = Samples::of_classes(x, y);
        let split = Split::Last(counts[1]);
        // 0 and 1 say what they mean.
        Ok(Raw {
            shape: vec![features],
            outputs,
            samples,
            split,
            own_scale: true,
            class_names,
            ..Raw::default()
        })
    }
}
