//! What readers rely on in pages: every number to the last bit, nothing from outside, and no words that act.

use losscape::base::files;
use losscape::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};
use losscape::render::Style as Look;
use losscape::render::html::{About, page};
use serde_json::{Value, json};

/// Words that would end their element, open another one or an attribute, if they came through as they are.
const HOSTILE: &str = "</script><script>window.hacked=1</script>\" onload=alert(1) ' <img src=x onerror=alert(1)> <!-- ]]> \u{2028} &amp; =1+1";

fn values(n: usize) -> Vec<f64> {
    let noise = |k: usize| ((k * 7919 % 1013) as f64).sqrt() / 7.0 + 1e-3;
    let mut all: Vec<f64> = (0..n * n).map(noise).collect();
    (all[3], all[7], all[11]) = (f64::NAN, f64::INFINITY, -0.0);
    all
}

fn map(name: &str, chart: &str, n: usize) -> Figure {
    let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
    let side: Vec<f64> = (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64).collect();
    let grid = Grid { x: side.clone(), y: side.clone(), values: values(n) };
    Figure {
        name: name.to_owned(),
        chart: chart.to_owned(),
        title: HOSTILE.to_owned(),
        subtitle: HOSTILE.to_owned(),
        panels: vec![Panel {
            title: HOSTILE.to_owned(),
            x: axis(HOSTILE, Scale::Linear),
            y: axis("y", Scale::Linear),
            z: axis(HOSTILE, Scale::Auto),
            grids: vec![grid],
            series: vec![Series {
                label: HOSTILE.to_owned(),
                x: vec![-0.5, 0.1 + 0.2],
                y: vec![0.25, 0.5],
                style: Style::Marked,
                ..Series::default()
            }],
            marks: vec![Mark { x: 0.0, y: 0.0, label: HOSTILE.to_owned() }],
        }],
    }
}

fn written(figures: &[Figure], stacks: &[Figure]) -> String {
    let result = json!({
        "settings": {"x": HOSTILE, "seed": 3},
        "weights_sha256": "8b0d", "views": [{"directions_sha256": HOSTILE}], HOSTILE: HOSTILE,
    });
    let about = About { stem: "slice", command: HOSTILE, result: &result, stacks };
    page(figures, about, &Look::default()).unwrap()
}

/// What stands between two texts.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(found, _)| found)
}

fn numbers(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"data\">", "</script>")).unwrap()
}

/// Base64 by character ranges: nothing of the encoder's table.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for c in text.bytes().filter(|c| *c != b'=') {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        (bits, held) = (bits << 6 | u32::from(digit), held + 6);
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

fn array(value: &Value) -> Vec<f64> {
    match value["f64"].as_str() {
        Some(text) => decoded(text).chunks(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect(),
        None => value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect(),
    }
}

#[test]
fn pages_hold_every_number_to_the_last_bit() {
    let figures = [map("contour", "contour", 9), map("surface", "surface", 9), map("lines", "lines", 4)];
    let page = written(&figures, &[]);
    let data = numbers(&page);
    // The surface is what the map is when it turns.
    let names: Vec<&str> =
        data["figures"].as_array().unwrap().iter().filter_map(|f| f["name"].as_str()).collect();
    assert_eq!(names, ["contour", "lines"]);
    let bits = |all: &[f64]| all.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
    let grid = &data["figures"][0]["panels"][0]["grids"][0];
    assert_eq!(bits(&array(&grid["values"])), bits(&values(9)));
    assert_eq!(array(&grid["x"]), figures[0].panels[0].grids[0].x);
    let series = &data["figures"][1]["panels"][0]["series"][0];
    assert_eq!(array(&series["x"]), [-0.5, 0.1 + 0.2]);
    for words in [&series["label"], &data["command"], &data["figures"][0]["title"], &data["result"][HOSTILE]]
    {
        assert_eq!(words, HOSTILE);
    }
    assert_eq!(page, written(&figures, &[]), "the same bytes again");
}

#[test]
fn words_of_files_never_act_and_nothing_comes_from_outside() {
    let page = written(&[map("contour", "contour", 9), map("lines", "lines", 4)], &[]);
    let count = |what: &str| page.to_lowercase().matches(what).count();
    // The numbers and the script; nothing else opens or ends such an element, and no other element is made of words.
    assert_eq!(
        (count("<script"), count("</script"), count("<style"), count("<img"), count("<!--")),
        (2, 2, 1, 0, 0)
    );
    let markup =
        [between(&page, "<body>", "id=\"data\">"), page.rsplit("</script>").next().unwrap()].concat();
    for tag in markup.split('<').skip(1).filter_map(|piece| piece.split_once('>')).map(|(tag, _)| tag) {
        let bare: String = tag.split('"').step_by(2).collect();
        assert!(!bare.contains("onload") && !bare.contains("onerror"), "{tag}");
    }
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http:") && !outside.contains("https:"), "an address");
    // The policy names the very script and sheet that stand in the page.
    let hash = |kind: &str| {
        let named = between(between(&page, &format!("{kind}-src 'sha256-"), "'"), "", "=");
        files::hex(&decoded(named))
    };
    assert!(page.contains("default-src 'none'"));
    assert_eq!(hash("style"), files::sha256(between(&page, "<style>", "</style>").as_bytes()));
    let script = between(&page, "</script>\n<script>", "</script>");
    for acts in
        ["eval(", "Function(", "innerHTML", "outerHTML", "fetch(", "XMLHttp", "import(", "document.write"]
    {
        assert!(!script.contains(acts), "{acts}");
    }
    assert_eq!(hash("script"), files::sha256(script.as_bytes()));
}

#[test]
fn a_slice_of_eight_maps_is_a_page_of_some_hundred_kilobytes() {
    let figures: Vec<Figure> = (0..8).map(|k| smooth(&format!("map-{k}"), k)).collect();
    let size = written(&figures, &[]).len();
    assert!((200_000..500_000).contains(&size), "{size}");
}

/// A bowl as slices have them, in doubles with all their digits.
fn smooth(name: &str, k: usize) -> Figure {
    let mut figure = map(name, "contour", 51);
    for grid in &mut figure.panels[0].grids {
        let at = |i: usize| (grid.x[i % 51], grid.y[i / 51]);
        let bowl = |(x, y): (f64, f64)| {
            0.01 + (x * x + (2.0 + k as f64) * y * y) / 3.0 + 0.1 * (3.0 * x).sin().powi(2)
        };
        grid.values = (0..51 * 51).map(|i| bowl(at(i))).collect();
    }
    figure
}

#[test]
fn volumes_come_with_all_their_cuts() {
    let few = map("volume", "contour", 9);
    let panels = vec![few.panels[0].clone(); 12];
    let stack = Figure { panels, ..few.clone() };
    let data = numbers(&written(&[few], &[stack]));
    assert_eq!(data["figures"][0]["stack"], true);
    assert_eq!(data["figures"][0]["panels"].as_array().unwrap().len(), 12);
}
