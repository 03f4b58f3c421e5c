//! Python literals as headers of arrays have them: text, whole numbers, True, False, None, tuples, lists and dictionaries.

use std::fmt;

/// A value as Python writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Whole(i128),
    Bool(bool),
    None,
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// Deepest nesting: what describes an array needs three.
const DEEPEST: usize = 16;

impl Literal {
    /// The value that `text` is, with nothing but white space around it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let value = value(&mut rest, 0)?;
        rest.trim().is_empty().then_some(value)
    }

    /// The number of things that this counts.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Whole(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }
}

/// The value in front, which is taken off.
fn value(rest: &mut &str, depth: usize) -> Option<Literal> {
    *rest = rest.trim_start();
    let first = rest.chars().next().filter(|_| depth <= DEEPEST)?;
    match first {
        '\'' | '"' => {
            let (text, after) = rest[1..].split_once(first)?;
            *rest = after;
            // What escapes stand for does not matter here, and a quotation mark among them would be misread.
            (!text.contains(['\\', '\n'])).then(|| Literal::Text(text.to_owned()))
        }
        '(' | '[' => {
            *rest = &rest[1..];
            let close = if first == '(' { ')' } else { ']' };
            let (all, comma) = list(rest, close, |rest| value(rest, depth + 1))?;
            // (3) is a number in brackets, (3,) a tuple.
            match (first, all.len(), comma) {
                ('(', 1, false) => all.into_iter().next(),
                ('(', ..) => Some(Literal::Tuple(all)),
                _ => Some(Literal::List(all)),
            }
        }
        '{' => {
            *rest = &rest[1..];
            let entry = |rest: &mut &str| {
                let key = value(rest, depth + 1)?;
                *rest = rest.trim_start().strip_prefix(':')?;
                Some((key, value(rest, depth + 1)?))
            };
            list(rest, '}', entry).map(|(all, _)| Literal::Dict(all))
        }
        _ => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '+').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            *rest = after;
            match word {
                "True" => Some(Literal::Bool(true)),
                "False" => Some(Literal::Bool(false)),
                "None" => Some(Literal::None),
                // Python 2 writes long numbers with an L behind them.
                _ => word.strip_suffix('L').unwrap_or(word).parse().ok().map(Literal::Whole),
            }
        }
    }
}

/// What stands between commas up to `close`, and whether a comma is the last of it.
fn list<'t, T>(
    rest: &mut &'t str,
    close: char,
    mut item: impl FnMut(&mut &'t str) -> Option<T>,
) -> Option<(Vec<T>, bool)> {
    let (mut all, mut comma) = (Vec::new(), true);
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Some((all, comma));
        }
        if !comma {
            return None;
        }
        all.push(item(rest)?);
        let after = rest.trim_start().strip_prefix(',');
        comma = after.is_some();
        *rest = after.unwrap_or(rest);
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |all: &[Self]| all.iter().map(Self::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Whole(n) => write!(f, "{n}"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::None => f.write_str("None"),
            Self::Tuple(all) if all.len() == 1 => write!(f, "({},)", joined(all)),
            Self::Tuple(all) => write!(f, "({})", joined(all)),
            Self::List(all) => write!(f, "[{}]", joined(all)),
            Self::Dict(all) => {
                let entries: Vec<String> = all.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for text in [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}",
            "[('a', '<f8'), ('b', '|S3', (2,))]",
            "(3,)",
            "()",
            "-12",
            "{}",
            "None",
        ] {
            let value = Literal::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(value.to_string(), text);
        }
        assert_eq!(Literal::parse(" ( 3L , ) \n"), Some(Literal::Tuple(vec![Literal::Whole(3)])));
        assert_eq!(Literal::parse("(3)"), Some(Literal::Whole(3)));
        assert_eq!(Literal::parse("\"it's\""), Some(Literal::Text("it's".to_owned())));
        let deep = "(".repeat(100_000);
        for wrong in ["", "{", "(1 2)", "(,)", "{'a'}", "'a", "1.5", "[1]]", "true", "'a\\'b'", &deep] {
            assert_eq!(Literal::parse(wrong), None, "{}", &wrong[..wrong.len().min(20)]);
        }
    }
}
