//! What one field of a table is: a number, a missing value, or a text.

use super::{Categories, Csv, Decimal, Missing};

impl Csv {
    /// What would read a field that is no number.
    pub(super) fn remedy(&self, field: &str, feature: bool) -> &'static str {
        let comma = self.decimal == Decimal::Point
            && field.matches(',').count() == 1
            && field.replace(',', ".").parse::<f64>().is_ok();
        match (comma, feature && self.number(field).is_none() && self.categories == Categories::None) {
            (true, _) => " (decimal=comma reads it)",
            (_, true) if field.chars().any(char::is_alphabetic) => {
                " (categories=auto reads texts, drop=[COLUMN] leaves the column out)"
            }
            (_, true) => " (drop=[COLUMN] leaves the column out)",
            _ => "",
        }
    }

    /// What a field is as a number, perhaps an infinite one; true and false are 1 and 0.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        match field {
            _ if field.eq_ignore_ascii_case("true") => return Some(1.0),
            _ if field.eq_ignore_ascii_case("false") => return Some(0.0),
            _ => {}
        }
        match self.decimal {
            Decimal::Point => field.parse().ok(),
            // With a decimal comma, a point parts thousands in some places and fractions in others.
            Decimal::Comma if field.contains('.') => None,
            Decimal::Comma => field.replacen(',', ".", 1).parse().ok(),
        }
    }

    /// Whether a field stands for a value that is not there: pandas' list, and what R, UCI's tables and databases write.
    pub(super) fn is_missing(&self, field: &str) -> bool {
        const MARKS: [&str; 20] = [
            "na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "1.#ind", "-1.#ind", "1.#qnan",
            "-1.#qnan", "null", "nil", "none", "nat", "?", "-", "--", ".",
        ];
        let field = field.trim();
        // Most fields are numbers.
        if field.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) && !field.contains('#') {
            return false;
        }
        let marked = || MARKS.contains(&field.to_ascii_lowercase().as_str()) || field == "\\N";
        field.is_empty() || (self.missing == Missing::Auto && field.len() <= 10 && marked())
    }
}
