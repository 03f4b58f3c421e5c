//! A result as one page that needs nothing else: surfaces that turn (`scene.js`), maps and cuts under one point (`page.js`),
//! tables and files (`numbers.js`), the flat figures, and all numbers.
//!
//! The page loads nothing and asks nobody: its policy allows the one script and the one style sheet whose hashes it names.
//! Words of foreign files come into it as escaped text, or within the numbers, where JSON's own escapes keep them from ending
//! the element that holds them; the script writes them as text and never as markup. The same result gives the same bytes.

mod numbers;

use super::style::{Style, Theme};
use super::{Drawing, draw, style};
use crate::base::vtk::base64;
use crate::base::{Error, Result, files};
use crate::figure::Figure;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;

/// What a page says of the result that it shows.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Stem of the result's files.
    pub stem: &'a str,
    /// The command that makes it.
    pub command: &'a str,
    /// All that the result's own file says.
    pub result: &'a Value,
    /// Figures of all cuts through a volume, by the name of the figure that shows some of them.
    pub stacks: &'a [Figure],
}

const SCRIPT: &str = concat!(include_str!("scene.js"), include_str!("numbers.js"), include_str!("page.js"));
const SHEET: &str = include_str!("page.css");

/// Sizes of pictures up to which they stand in the page as they are, in bytes; larger ones are deflated.
const SMALL: usize = 4096;

/// The page of a result with these figures.
///
/// Fails as [`draw`] does.
pub fn page(figures: &[Figure], about: About, style: &Style) -> Result<String> {
    // Dark pages change the colours of the light picture; nothing is seen of the paper.
    let flat = Style { theme: Theme::Light, transparent: true, coarse: true, ..style.clone() };
    // A surface is what a map is when it stands on the page.
    let turned = |f: &Figure| {
        // By their bits: what is no number equals nothing.
        let grids = |f: &Figure| {
            let values = f.panels.iter().flat_map(|p| &p.grids).flat_map(|g| &g.values);
            values.map(|v| v.to_bits()).collect::<Vec<u64>>()
        };
        f.chart == "surface" && figures.iter().any(|g| g.chart != f.chart && grids(g) == grids(f))
    };
    let shown: Vec<&Figure> = figures.iter().filter(|f| !turned(f)).collect();
    let pictures = crate::base::parallel::try_map(shown.len(), &|i| draw(shown[i], &flat))?;
    let mut entries: Vec<Value> = Vec::new();
    let mut body = String::new();
    for (i, (figure, Drawing { svg, .. })) in shown.iter().zip(pictures).enumerate() {
        let stack = about.stacks.iter().find(|stack| stack.name == figure.name);
        let mut entry = numbers::figure(stack.unwrap_or(figure), style);
        let alone = i == 0 || svg.len() <= SMALL;
        let svg = apart(&svg, i);
        entry["stack"] = stack.is_some().into();
        entry["picture"] = if alone { Value::Null } else { deflated(&svg)?.into() };
        entries.push(entry);
        body += &flat_figure(i, figure, if alone { &svg } else { "" });
    }
    let mut colors = Map::new();
    for name in entries.iter().filter_map(|entry| entry["scale"]["cmap"].as_str()) {
        let cmap = style::Cmap::try_from(name.to_owned())?;
        colors.insert(name.to_owned(), numbers::colors(cmap).into());
    }
    let first = figures.first();
    let titles = [first.map_or(about.stem, |f| &f.title), first.map_or("", |f| &f.subtitle)];
    let data = json!({
        "stem": about.stem,
        "command": about.command,
        "result": about.result,
        "view": [style.azimuth, style.elevation],
        "colors": colors,
        "figures": entries,
    });
    let sheet = format!("{}\n{SHEET}", theme_sheet(style.theme));
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(&sheet)
    );
    let stage = if body.is_empty() { "" } else { STAGE };
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>{sheet}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1><p class=\"muted\">{subtitle}</p></header>\n<main>\n{stage}{body}{record}</main>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        title = escape(titles[0]),
        subtitle = escape(titles[1]),
        record = record(&about),
        data = embedded(&data),
    ))
}

/// What turns; the script fills it, and shows it where the page has maps.
const STAGE: &str = r#"<section id="stage" aria-label="Maps" hidden>
<div class="controls">
<label id="map-label">Map <select id="map-choice"></select></label>
<label id="panel-label">Point in <select id="panel"></select></label>
<label id="cut-label">Volume <input id="cut-at" type="range" min="0" step="1"><span id="cut-name"></span></label>
<label>Cut along <select id="along"><option value="x">x</option><option value="y">y</option></select></label>
<button type="button" id="turn" aria-pressed="false">Turn</button>
<button type="button" id="back">Reset view</button>
<button type="button" id="csv">Save CSV</button>
</div>
<output id="reading" aria-live="polite"></output>
<p id="no-webgl" class="muted" hidden>WebGL 2 is not available here: the flat picture stands below in the place of the surface.</p>
<div class="views" id="views">
<div id="surface-view"><div class="layers"><canvas id="surface" class="turns" tabindex="0" role="application" aria-describedby="help"></canvas><canvas id="surface-over" class="over" aria-hidden="true"></canvas></div></div>
<div><div class="layers"><canvas id="map" class="reads" tabindex="0" role="application" aria-describedby="help"></canvas></div></div>
</div>
<ul class="legend" id="legend" aria-label="Marks"></ul>
<div class="layers"><canvas id="cut" tabindex="0" role="application" aria-describedby="help"></canvas></div>
<p class="muted help" id="help">Surface: drag it, or <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> turn it (with <kbd>Shift</kbd> in larger steps), <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>Home</kbd> resets. Map and cut: point, or arrow keys move the point, <kbd>Home</kbd> goes to the first mark. <kbd>Page Up</kbd> <kbd>Page Down</kbd> move through a volume.</p>
<details id="table"><summary>Table of the map</summary><div class="scroll" tabindex="0" role="region" aria-label="Values of the map"></div></details>
</section>
"#;

/// A flat figure; the script puts the picture in where there is none yet.
fn flat_figure(number: usize, figure: &Figure, svg: &str) -> String {
    let hidden = if svg.is_empty() { " hidden" } else { "" };
    let named = format!("{}. {}", figure.title, figure.subtitle);
    format!(
        "<figure class=\"flat\" data-figure=\"{number}\"{hidden}>\n\
         <div class=\"picture\" role=\"img\" aria-label=\"{}\">{svg}</div>\n\
         <figcaption class=\"screen\">{} <button type=\"button\" class=\"csv\">Save CSV</button></figcaption>\n\
         <details class=\"screen\"><summary>Numbers</summary>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers of {}\"></div></details>\n</figure>\n",
        escape(&named),
        escape(&figure.name),
        escape(&figure.name),
    )
}

/// Command, hashes and settings.
fn record(about: &About) -> String {
    let mut hashes = Vec::new();
    hashes_in("", about.result, &mut hashes);
    let mut settings = Vec::new();
    leaves("", &about.result["settings"], &mut settings);
    let rows = |all: &[(String, String)]| -> String {
        all.iter().fold(String::new(), |mut rows, (name, value)| {
            let (name, value) = (escape(name), escape(value));
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\" class=\"key\">{name}</th><td class=\"words\">{value}</td></tr>"
            );
            rows
        })
    };
    let section = |title: &str, all: &[(String, String)]| match all {
        [] => String::new(),
        all => format!(
            "<details><summary>{title}</summary><table><tbody>\n{}</tbody></table></details>\n",
            rows(all)
        ),
    };
    let version = about.result["version"].as_str().unwrap_or(env!("CARGO_PKG_VERSION"));
    format!(
        "<section id=\"record\">\n<h2>Record</h2>\n<p><code>{}</code></p>\n{}{}\
         <p class=\"muted\">losscape {}. <button type=\"button\" id=\"json\" class=\"screen\">Save {}.json</button></p>\n</section>\n",
        escape(about.command),
        section("Settings", &settings),
        section("SHA-256", &hashes),
        escape(version),
        escape(about.stem),
    )
}

/// Every value of a tree that has none below it, by its path.
fn leaves(path: &str, value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(&joined(path, key), value, all);
            }
        }
        Value::Null => {}
        Value::String(words) => all.push((path.to_owned(), words.clone())),
        other => all.push((path.to_owned(), other.to_string())),
    }
}

/// Everything that is called a hash, by its path.
fn hashes_in(path: &str, value: &Value, all: &mut Vec<(String, String)>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (joined(path, key), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(k, value)| (joined(path, &k.to_string()), value)).collect()
        }
        _ => Vec::new(),
    };
    for (path, value) in below {
        match value {
            Value::String(hash) if path.ends_with("sha256") => all.push((path, hash.clone())),
            other => hashes_in(&path, other, all),
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The themes' colours as variables, and the dark ones in the place of the light ones in flat figures.
fn theme_sheet(theme: Theme) -> String {
    let inks = |theme: Theme| {
        let named = [
            ("paper", theme.paper()),
            ("ink", theme.ink()),
            ("muted", theme.muted()),
            ("faint", theme.faint()),
        ];
        let named = named.map(|(name, ink)| (name.to_owned(), ink.hex_digits()));
        let curves = (0..8).map(move |i| (format!("c{i}"), theme.curve(i).hex_digits()));
        named.into_iter().chain(curves).collect::<Vec<(String, String)>>()
    };
    let variables = |theme: Theme| -> String {
        inks(theme).iter().map(|(name, hex)| format!("--{name}: #{hex}; ")).collect()
    };
    let mut dark = format!(":root {{ {}}}\n", variables(Theme::Dark));
    for ((name, light), (_, new)) in inks(Theme::Light).iter().zip(inks(Theme::Dark)).skip(1) {
        let upper = light.to_uppercase();
        for attribute in ["fill", "stroke"] {
            let _ = writeln!(
                dark,
                "figure svg [{attribute}=\"#{upper}\"] {{ {attribute}: #{new}; }} /* {name} */"
            );
        }
    }
    let when = match theme {
        Theme::Light => "screen and (prefers-color-scheme: dark)",
        Theme::Dark => "screen",
    };
    format!(":root {{ {}}}\n@media {when} {{\n{dark}}}", variables(Theme::Light))
}

/// A picture's element with names that no other picture of the page has.
fn apart(svg: &str, number: usize) -> String {
    let mut all = String::with_capacity(svg.len() + svg.len() / 50);
    for (k, piece) in svg.split('<').enumerate() {
        // What stands before the first tag, and within tags up to their end; the rest is text.
        let (tag, words) = if k == 0 { ("", piece) } else { piece.split_at(piece.find('>').unwrap_or(0)) };
        if k > 0 {
            all.push('<');
        }
        all += &tag
            .replace(" id=\"", &format!(" id=\"f{number}-"))
            .replace("url(#", &format!("url(#f{number}-"));
        all += words;
    }
    all
}

/// Text that stands in an element or in an attribute.
fn escape(words: &str) -> String {
    let clean = super::font::clean(words);
    let mut all = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => all += "&amp;",
            '<' => all += "&lt;",
            '>' => all += "&gt;",
            '"' => all += "&quot;",
            '\'' => all += "&#39;",
            c => all.push(c),
        }
    }
    all
}

/// JSON that cannot end the element it stands in: outside of strings none of these characters occurs.
fn embedded(value: &Value) -> String {
    let mut text = value.to_string();
    for (c, escaped) in [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ] {
        text = text.replace(c, escaped);
    }
    text
}

/// A source as a policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&files::digest(text.as_bytes())))
}

fn deflated(svg: &str) -> Result<String> {
    let mut all = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let bytes = all.write_all(svg.as_bytes()).and_then(|()| all.finish());
    Ok(base64(&bytes.map_err(|e| Error::machine("packing a picture", e))?))
}
