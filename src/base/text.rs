//! Foreign text made fit to be shown. Names of tensors, keys and values of TOML, formulas, titles, paths: whatever comes from a
//! file or a flag may hold escapes that move a terminal's cursor, line ends that forge a message, or megabytes.
//!
//! [`Error`](super::Error) passes through here when it is displayed, and so does every line that `cli` writes, so that no
//! place that makes a message has to remember.

use std::borrow::Cow;

/// Most characters of a piece of foreign text within a message.
pub const PIECE: usize = 200;
/// Most characters of a whole line.
pub const LINE: usize = 1000;

/// Whether a character acts on what shows it instead of being seen: control characters, among them ESC and line ends, what
/// turns the direction of writing, and what has no width.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with everything in it to be seen: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// The same with line ends and tabs as they are: of text that was put together here.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

fn escaped<'a>(text: &'a str, but: &[char]) -> Cow<'a, str> {
    let hidden = |c: char| acts(c) && !but.contains(&c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(one).collect())
}

/// At most so many characters of a text: its beginning and its end.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= most {
        return Cow::Borrowed(text);
    }
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
    let (head, tail) = (most * 2 / 3, most / 4);
    Cow::Owned(format!("{}...{}", &text[..at(head)], &text[at(count - tail)..]))
}

/// A piece of foreign text for a message: on one line, and not endless.
pub fn brief(text: &str) -> String {
    const MOST: usize = 120;
    let start: String = text.chars().take(MOST).collect();
    let dots = if start.len() < text.len() { "..." } else { "" };
    format!("{}{dots}", visible(&start))
}

/// A text of a file among lines that were put together here: its own line ends are spaces, and it is not endless.
pub fn one_line(text: &str) -> String {
    let text = shortened(text, 4 * LINE);
    let words: Vec<&str> = text.split_whitespace().collect();
    shortened(&visible(&words.join(" ")), LINE).into_owned()
}

/// What something is called, on one line and no longer than a line can be.
pub fn name(text: &str) -> String {
    shortened(&one_line(text), PIECE).into_owned()
}

/// A message on one line of at most [`LINE`] characters or so; what stands between backticks, which comes from outside, is
/// at most [`PIECE`] long, and between quotation marks twice that.
pub fn line(text: &str) -> String {
    // Escaping may make six characters of one, and must not be done to megabytes.
    let text = visible(&quotations_cut(text)).into_owned();
    shortened(&text, LINE).into_owned()
}

/// Where a message speaks of: a path or a key, cut if it is longer than most paths.
pub fn place(text: &str) -> String {
    shortened(&visible(&shortened(text, LINE)), 2 * PIECE).into_owned()
}

/// The text with long quotations cut.
fn quotations_cut(text: &str) -> String {
    let (mut cut, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(['`', '"']) {
        let mark = &rest[start..=start];
        let Some(length) = rest[start + 1..].find(mark) else { break };
        let (inner, after) = rest[start + 1..].split_at(length);
        cut += &rest[..=start];
        // Commands to copy stand in quotation marks, with paths in them.
        cut += &shortened(inner, if mark == "`" { PIECE } else { 2 * PIECE });
        cut += mark;
        rest = &after[1..];
    }
    cut += &shortened(rest, LINE);
    cut
}

/// Whether a name is what a pattern says: `*` stands for any run of characters, `?` for one.
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    // Ends of the name that are reached by the pattern so far.
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for c in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match c {
                '*' => reached[at] || at > 0 && next[at - 1],
                _ => at > 0 && reached[at - 1] && (c == '?' || c == name[at - 1]),
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_what_is_long_is_cut() {
        let hostile = "a\u{1b}[31m\r\nerror: forged\u{202e}\u{9b}\u{2066}\u{7f}\u{0}\u{feff}";
        let shown = visible(hostile);
        assert_eq!(shown, "a\\u{1b}[31m\\r\\nerror: forged\\u{202e}\\u{9b}\\u{2066}\\u{7f}\\u{0}\\u{feff}");
        // What was escaped is not escaped again, and what people write stays.
        assert_eq!(visible(&shown), shown);
        for plain in ["θ = 1,5 µm", "naïve 日本語 emoji 🙂", "a\\b"] {
            assert!(matches!(visible(plain), Cow::Borrowed(text) if text == plain));
        }
        assert_eq!(visible_lines("a\n\tb\u{1b}"), "a\n\tb\\u{1b}");
        let long = format!("expected one of a, b, found `{}` (did you mean `a`?)", "x".repeat(900_000));
        let shown = line(&long);
        assert!(shown.chars().count() < 300 && shown.ends_with("(did you mean `a`?)"), "{shown}");
        assert!(line(&"\u{1b}".repeat(900_000)).chars().count() <= LINE);
        assert!(line(&"`x".repeat(500_000)).chars().count() <= LINE);
        assert!(place(&"\n".repeat(900_000)).chars().count() <= 2 * PIECE);
        assert!(brief(&"\u{202e}".repeat(900)).chars().count() < 1100);
    }

    #[test]
    fn patterns_stand_for_any_run_of_characters() {
        for (pattern, name, is) in [
            ("*", "", true),
            ("blocks.*.weight", "blocks.0.conv.weight", true),
            ("blocks.*.weight", "blocks.0.conv.bias", false),
            ("?.bias", "0.bias", true),
            ("?.bias", "10.bias", false),
            ("**a*", "banana", true),
            ("", "x", false),
            ("\u{e9}?", "\u{e9}\u{e8}", true),
        ] {
            assert_eq!(matches_glob(pattern, name), is, "{pattern} {name}");
        }
    }
}
