//! Arithmetic over measured numbers: `connect.aligned.barrier / connect.linear.barrier`, `train.final.train_accuracy >= 1`.
//!
//! ```text
//! comparison = sum [ ("<" | "<=" | ">" | ">=" | "==") sum ]      1 where it holds, 0 where not
//! sum        = product { ("+" | "-") product }
//! product    = sign { ("*" | "/") sign }
//! sign       = ["-"] power
//! power      = atom [ "^" sign ]
//! atom       = number | name | function "(" comparison { "," comparison } ")" | "(" comparison ")"
//! ```
//!
//! What is not a number stays none: NaN goes through every operation, comparisons included, but `finite(x)`, which is 1 or 0,
//! and `or(x, y)`, which is y where x is not finite: what a run that diverged counts as has to be said.

use crate::base::registry::unknown;
use crate::base::text::brief;
use crate::base::{Error, Result};

/// An expression, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number as it stands.
    Number(f64),
    /// A measured number, by its name.
    Name(String),
    /// A function of others.
    Apply(Function, Vec<Expression>),
}

/// Functions and operators: as they are written, how many arguments, what they give.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    name: &'static str,
    arguments: usize,
    of: fn(&[f64]) -> f64,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn function(name: &'static str, arguments: usize, of: fn(&[f64]) -> f64) -> Function {
    Function { name, arguments, of }
}

/// 1, 0, or NaN where one of both is no number.
fn holds(x: &[f64], test: fn(&f64, &f64) -> bool) -> f64 {
    if x[0].is_nan() || x[1].is_nan() { f64::NAN } else { f64::from(u8::from(test(&x[0], &x[1]))) }
}

/// One of two numbers, NaN where one of them is.
fn choose(x: &[f64], of: fn(f64, f64) -> f64) -> f64 {
    if x[0].is_nan() || x[1].is_nan() { f64::NAN } else { of(x[0], x[1]) }
}

const FUNCTIONS: [Function; 10] = [
    function("abs", 1, |x| x[0].abs()),
    function("exp", 1, |x| x[0].exp()),
    function("log", 1, |x| x[0].ln()),
    function("log2", 1, |x| x[0].log2()),
    function("log10", 1, |x| x[0].log10()),
    function("sqrt", 1, |x| x[0].sqrt()),
    function("min", 2, |x| choose(x, f64::min)),
    function("max", 2, |x| choose(x, f64::max)),
    function("or", 2, |x| if x[0].is_finite() { x[0] } else { x[1] }),
    function("finite", 1, |x| f64::from(u8::from(x[0].is_finite()))),
];

/// Longer ones first, so that `<=` is not read as `<`.
const COMPARISONS: [Function; 5] = [
    function("<=", 2, |x| holds(x, f64::le)),
    function(">=", 2, |x| holds(x, f64::ge)),
    function("==", 2, |x| holds(x, f64::eq)),
    function("<", 2, |x| holds(x, f64::lt)),
    function(">", 2, |x| holds(x, f64::gt)),
];

const SUMS: [Function; 2] = [function("+", 2, |x| x[0] + x[1]), function("-", 2, |x| x[0] - x[1])];
const PRODUCTS: [Function; 2] = [function("*", 2, |x| x[0] * x[1]), function("/", 2, |x| x[0] / x[1])];
const POWERS: [Function; 1] = [function("^", 2, |x| x[0].powf(x[1]))];
const MINUS: Function = function("-", 1, |x| -x[0]);

/// Brackets and powers within each other.
const DEEPEST: usize = 64;
/// Operators and functions in all: each is a level of the tree at worst, as in 1 + 1 + 1 + ..., and trees are walked by recursion.
const LONGEST: usize = 1000;

struct Parser<'a> {
    at: &'a str,
    text: &'a str,
    rest: &'a str,
    depth: usize,
    applied: usize,
}

impl Parser<'_> {
    fn fail<T>(&self, expected: impl std::fmt::Display) -> Result<T> {
        let found = match self.rest.trim() {
            "" => "its end".to_owned(),
            rest => format!("`{}`", brief(rest)),
        };
        Err(Error::expected(self.at, expected, format!("{found} in `{}`", brief(self.text))))
    }

    /// Takes this text, if it is next.
    fn eat(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn operator(&mut self, of: &[Function]) -> Option<Function> {
        of.iter().find(|f| self.eat(f.name)).copied()
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.fail(format!("at most {DEEPEST} brackets and powers within each other"))
        } else {
            Ok(())
        }
    }

    /// A function or an operator over its arguments.
    fn apply(&mut self, f: Function, arguments: Vec<Expression>) -> Result<Expression> {
        self.applied += 1;
        if self.applied > LONGEST {
            self.fail(format!("at most {LONGEST} operators and functions"))
        } else {
            Ok(Expression::Apply(f, arguments))
        }
    }

    fn comparison(&mut self) -> Result<Expression> {
        self.deeper()?;
        let mut whole = self.sum()?;
        if let Some(f) = self.operator(&COMPARISONS) {
            let right = self.sum()?;
            whole = self.apply(f, vec![whole, right])?;
        }
        self.depth -= 1;
        Ok(whole)
    }

    fn sum(&mut self) -> Result<Expression> {
        let mut left = self.product()?;
        while let Some(f) = self.operator(&SUMS) {
            let right = self.product()?;
            left = self.apply(f, vec![left, right])?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression> {
        let mut left = self.sign()?;
        while let Some(f) = self.operator(&PRODUCTS) {
            let right = self.sign()?;
            left = self.apply(f, vec![left, right])?;
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Expression> {
        if !self.eat("-") {
            return self.power();
        }
        let positive = self.power()?;
        self.apply(MINUS, vec![positive])
    }

    fn power(&mut self) -> Result<Expression> {
        let base = self.atom()?;
        let Some(f) = self.operator(&POWERS) else { return Ok(base) };
        self.deeper()?;
        let exponent = self.sign()?;
        self.depth -= 1;
        self.apply(f, vec![base, exponent])
    }

    fn atom(&mut self) -> Result<Expression> {
        if self.eat("(") {
            let inner = self.comparison()?;
            return if self.eat(")") { Ok(inner) } else { self.fail("`)`") };
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let mut end = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
        let starts = self.rest.chars().next().unwrap_or(' ');
        if starts.is_ascii_digit() || starts == '.' {
            // The sign of a power of ten belongs to the number.
            let more = &self.rest[end..];
            if self.rest[..end].ends_with(['e', 'E']) && more.starts_with(['-', '+']) {
                end += 1 + more[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len() - 1);
            }
            return match self.rest[..end].parse() {
                Ok(number) => {
                    self.rest = &self.rest[end..];
                    Ok(Expression::Number(number))
                }
                Err(_) => self.fail("a number"),
            };
        }
        if end == 0 {
            return self.fail("a number, a name or a bracket");
        }
        let name = &self.rest[..end];
        self.rest = &self.rest[end..];
        if !self.eat("(") {
            return Ok(Expression::Name(name.to_owned()));
        }
        let Some(f) = FUNCTIONS.iter().find(|f| f.name == name) else {
            return Err(unknown(&format!("{}: function", self.at), name, FUNCTIONS.map(|f| f.name)));
        };
        let mut arguments = vec![self.comparison()?];
        while self.eat(",") {
            arguments.push(self.comparison()?);
        }
        match (self.eat(")"), arguments.len() == f.arguments) {
            (false, _) => self.fail("`)` or `,`"),
            (_, false) => self.fail(format!("{} of `{name}`, found {}", f.arguments, arguments.len())),
            _ => self.apply(*f, arguments),
        }
    }
}

impl Expression {
    /// Reads the expression that stands at a place.
    pub fn parse(at: &str, text: &str) -> Result<Self> {
        let mut parser = Parser { at, text, rest: text, depth: 0, applied: 0 };
        let whole = parser.comparison()?;
        if parser.rest.trim().is_empty() { Ok(whole) } else { parser.fail("an operator or the end") }
    }

    /// The names in it.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Name(name) => vec![name],
            Self::Apply(_, parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }

    /// Its value, names looked up by `of`.
    pub fn value(&self, of: &dyn Fn(&str) -> f64) -> f64 {
        match self {
            Self::Number(x) => *x,
            Self::Name(name) => of(name),
            Self::Apply(f, parts) => {
                let values: Vec<f64> = parts.iter().map(|part| part.value(of)).collect();
                (f.of)(&values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<f64> {
        let of = |name: &str| match name {
            "a" => 3.0,
            "b.c_1" => 4.0,
            _ => f64::NAN,
        };
        Ok(Expression::parse("m", text)?.value(&of))
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, expected) in [
            ("1 + 2 * a", 7.0),
            ("-a - -b.c_1", 1.0),
            ("(1+2)*a/b.c_1", 2.25),
            ("8 / 4 / 2", 1.0),
            ("a <= 3", 1.0),
            ("a < 3", 0.0),
            ("a == b.c_1 - 1", 1.0),
            ("min(a, max(1, 2)) + abs(-1)", 3.0),
            ("1e-3 * 2.5e+2", 0.25),
            ("-a ^ 2 + 2 ^ -1", -8.5),
            ("2 ^ 3 ^ 2 / a^(1 + 1)", 512.0 / 9.0),
            ("log2(8) + sqrt(b.c_1)", 5.0),
            ("finite(none)", 0.0),
            ("finite(a)", 1.0),
            ("or(none, 2) + or(a, 2)", 5.0),
            ("or(1 / 0, 2)", 2.0),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
        for text in ["none + 1", "none < 1", "none == none", "min(none, 1)", "max(1, none)"] {
            assert!(value(text).is_ok_and(f64::is_nan), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "",
            "1 +",
            "2 ^",
            "(1",
            "1)",
            "a b",
            "1.2.3",
            "maxx(1, 2)",
            "max(1)",
            "a < 1 < 2",
            "%",
            "1e999999x",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"(".repeat(100_000)).is_err());
        assert!(value(&"2^".repeat(100_000)).is_err());
        // Left-nested trees are as deep as they have terms.
        for text in ["1+", "1-", "a*", "2/", "1<1+", "-1-", "min(1,2)+", "(1)*", "2^-1+"] {
            let message =
                value(&(text.repeat(40_000) + "1")).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains("m: expected ") && message.len() < 600, "{text}: {message}");
        }
        assert_eq!(value(&("1+".repeat(900) + "1")), Ok(901.0));
        let message = value("maxx(1, 2)").err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("did you mean `max`"), "{message}");
        let names = Expression::parse("m", "a / max(b.c, 2)").map(|e| e.names().join(" "));
        assert_eq!(names, Ok("a b.c".to_owned()));
    }
}
