//! The one font, DejaVu Sans, embedded so that a bare machine draws the same picture; and how wide text is in it.

use crate::base::text;
use resvg::usvg::fontdb::Database;
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use std::sync::{Arc, OnceLock};

/// The family's name, as SVG viewers know it.
pub const FAMILY: &str = "DejaVu Sans";

/// The share of the font size from a baseline up to the middle of a capital letter.
pub const MIDDLE: f64 = 0.36;

/// The database that PNG files are drawn with: this font and no other.
pub fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    DATABASE
        .get_or_init(|| {
            let mut database = Database::new();
            database.load_font_data(dejavu::sans::regular().to_vec());
            database.load_font_data(dejavu::sans::bold().to_vec());
            database.set_sans_serif_family(FAMILY);
            Arc::new(database)
        })
        .clone()
}

/// The width of `content` in points, from the font's own advance widths.
pub fn width(content: &str, size: f64, bold: bool) -> f64 {
    let data = if bold { dejavu::sans::bold() } else { dejavu::sans::regular() };
    let Ok(font) = skrifa::FontRef::new(data) else {
        return 0.6 * size * content.chars().count() as f64;
    };
    let metrics = font.glyph_metrics(Size::new(size as f32), LocationRef::default());
    let glyphs = font.charmap();
    let advance = |c| metrics.advance_width(glyphs.map(c).unwrap_or_default()).unwrap_or_default();
    clean(content).chars().map(|c| f64::from(advance(c))).sum()
}

/// `content` in lines no wider than `limit`, broken between words, and inside a word where it must be.
pub fn wrap(content: &str, size: f64, bold: bool, limit: f64) -> Vec<String> {
    let fits = |text: &str| width(text, size, bold) <= limit;
    let mut lines: Vec<String> = Vec::new();
    for word in clean(content).split_whitespace() {
        if let Some(last) = lines.last_mut() {
            let joined = format!("{last} {word}");
            if fits(&joined) {
                *last = joined;
                continue;
            }
        }
        lines.push(String::new());
        for c in word.chars() {
            let last = lines.len() - 1;
            lines[last].push(c);
            if !fits(&lines[last]) && lines[last].chars().count() > 1 {
                lines[last].pop();
                lines.push(c.to_string());
            }
        }
    }
    lines
}

/// `content` without what XML forbids or what acts on its reader: control characters, those that turn the direction of writing
/// and non-characters become spaces. No page holds more than a thousand characters of one text.
pub fn clean(content: &str) -> String {
    let hidden = |c: char| text::acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    content.chars().take(text::LINE).map(|c| if hidden(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_fonts_own() {
        assert!((width("0", 10.0, false) - 6.362).abs() < 1e-3); // 1303 of 2048 units in DejaVu Sans
        assert!(width("λ", 10.0, false) > 5.0 && width("⁻³", 10.0, false) > 5.0);
    }

    #[test]
    fn lines_fit_and_keep_every_word() {
        let content = "loss around the minimiser of an mlp: averyveryverylongwordwithoutanybreak at the end";
        let lines = wrap(content, 10.0, true, 80.0);
        assert!(lines.iter().all(|line| width(line, 10.0, true) <= 80.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), content.replace(' ', ""));
    }
}
