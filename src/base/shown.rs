//! Numbers, sizes and times as people read them, in summaries on a terminal.

use super::{registry, text};
use serde_json::Value;

/// "1.5 GiB", "31 MiB".
pub fn bytes(n: f64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let power = (n.max(1.0).log2() / 10.0).floor().clamp(0.0, 3.0);
    let value = n / 1024f64.powf(power);
    format!("{value:.*} {}", usize::from(value < 10.0 && power > 0.0), UNITS[power as usize])
}

/// A loss or the like with `digits` after the point; small and large ones with a power of ten.
pub fn number(x: f64, digits: usize) -> String {
    match x.abs() {
        a if a == 0.0 || (1e-3..1e5).contains(&a) => format!("{x:.digits$}"),
        a if a.is_finite() => format!("{x:.digits$e}"),
        a if a.is_nan() => "not a number".to_owned(),
        _ => "infinite".to_owned(),
    }
}

/// A number as [`number`] has it, of test samples; "-" where there are none.
pub fn tested(samples: &Value, x: f64, digits: usize) -> String {
    if samples["test"] == 0 { "-".to_owned() } else { number(x, digits) }
}

/// A share as "97.40 %"; "-" where there is none, as in regression.
pub fn percent(share: f64) -> String {
    if share.is_nan() { "-".to_owned() } else { format!("{:.2} %", 100.0 * share) }
}

/// A duration that is foretold: "about 4 min", and "under 0.1 s" as it is.
pub fn about(seconds: f64) -> String {
    let time = duration(seconds);
    if time.starts_with("under") { time } else { format!("about {time}") }
}

/// "1 thread", "8 threads".
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
}

/// "under 0.1 s", "0.8 s", "12 s", "4 min", "3.1 h".
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.1 => "under 0.1 s".to_owned(),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Columns as wide as their widest entry; the first on the left, others on the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let cells = |row: &Vec<String>| row.iter().map(|cell| text::name(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cell = |(c, cell): (usize, &String)| match c {
            0 => format!("  {cell:<0$}", widths[0]),
            _ => format!("  {cell:>0$}", widths[c]),
        };
        let line: String = row.iter().enumerate().map(cell).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A kind with its settings as figures call it: `geometric:c=4.0` is "geometric (c = 4)", and `cnn:channels=[8,16]` is
/// "cnn (channels = 8, 16)".
pub fn spoken(kind: &str) -> String {
    let plain = |value: &str| value.strip_suffix(".0").unwrap_or(value).to_owned();
    let setting = |text: &str| {
        let (key, value) = text.split_once('=')?;
        let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let value = match list {
            Some("") => "none".to_owned(),
            Some(list) if !list.contains(['[', '{', '"']) => {
                list.split(',').map(|part| plain(part.trim())).collect::<Vec<String>>().join(", ")
            }
            _ => plain(value.trim_matches('"')),
        };
        Some(format!("{} = {value}", key.replace('-', " ")))
    };
    let told = kind.split_once(':').and_then(|(name, settings)| {
        let all = registry::split_outside_brackets(settings).into_iter().map(setting);
        let all: Option<Vec<String>> = all.collect();
        // Commas stand within lists.
        let between = if settings.contains('[') { "; " } else { ", " };
        Some(format!("{name} ({})", all?.join(between)))
    });
    told.unwrap_or_else(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_called_without_the_syntax_of_flags() {
        assert_eq!(spoken("geometric:c=4.0"), "geometric (c = 4)");
        assert_eq!(spoken("sgd:momentum=0.9,nesterov=false"), "sgd (momentum = 0.9, nesterov = false)");
        assert_eq!(spoken("cnn:channels=[8,16]"), "cnn (channels = 8, 16)");
        assert_eq!(
            spoken("mlp:hidden=[64,64],branch-scale=0.5"),
            "mlp (hidden = 64, 64; branch scale = 0.5)"
        );
        assert_eq!(spoken("linear:hidden=[]"), "linear (hidden = none)");
        assert_eq!(spoken("he-normal"), "he-normal");
        assert_eq!(spoken("A: the first"), "A: the first");
    }
}
