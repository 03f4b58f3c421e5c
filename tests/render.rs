//! What users rely on in drawings: any data give a picture, the same one each time, well formed, nothing clipped.

use clap::ValueEnum;
use losscape::base::Error;
use losscape::base::registry::Registry;
use losscape::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};
use losscape::render::canvas::FINE;
use losscape::render::font;
use losscape::render::style::Width;
use losscape::render::{Chart, Cmap, Drawing, Format, Style as Look, Theme, animate, draw};
use proptest::prelude::*;
use resvg::usvg::roxmltree::{self, Document};
use resvg::usvg::{Options, Tree};

fn axis(label: &str) -> Axis {
    Axis { label: label.into(), ..Axis::default() }
}

fn figure(chart: &str, panels: Vec<Panel>) -> Figure {
    Figure {
        name: "test".into(),
        chart: chart.into(),
        title: "Loss <around> the minimiser & \"elsewhere\" \u{1}\u{fffe}".into(),
        subtitle: "λₘₐₓ = 10⁻³".into(),
        panels,
    }
}

fn panel(grid: Grid) -> Panel {
    let (x, y): (Vec<f64>, Vec<f64>) = (grid.x.clone(), grid.x.iter().map(|v| v * v).collect());
    Panel {
        title: "a panel".into(),
        x: axis("first direction"),
        y: axis("second direction"),
        z: axis("cross-entropy"),
        grids: vec![grid],
        series: vec![Series { label: "path".into(), x, y, style: Style::Marked, ..Series::default() }],
        marks: vec![Mark { x: 0.0, y: 0.0, label: "minimiser".into() }],
    }
}

fn grid(n: usize, f: impl Fn(f64, f64) -> f64) -> Grid {
    let x: Vec<f64> = (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n.max(2) - 1) as f64).collect();
    let values = x.iter().flat_map(|y| x.iter().map(move |x| (*x, *y))).map(|(x, y)| f(x, y)).collect();
    Grid { y: x.clone(), x, values }
}

fn bowl() -> Grid {
    grid(
        21,
        |x, y| {
            if x + y > 1.7 { f64::NAN } else { 0.01 + x * x + 3.0 * y * y + 0.3 * (5.0 * x).sin().powi(2) }
        },
    )
}

fn drawn(figure: &Figure, look: &Look) -> Drawing {
    draw(figure, look).unwrap_or_else(|e| panic!("{}: {e}", figure.chart))
}

/// A line of text on the page: middle, direction, half its length and half its height, all in canvas units.
struct Words {
    text: String,
    at: (f64, f64),
    along: (f64, f64),
    half: (f64, f64),
}

impl Words {
    fn of(node: roxmltree::Node) -> Self {
        let number =
            |name: &str| node.attribute(name).and_then(|v| v.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let size = number("font-size");
        let text = node.text().unwrap_or("").to_owned();
        let width = font::width(&text, size / FINE, node.attribute("font-weight").is_some()) * FINE;
        let shift = match node.attribute("text-anchor") {
            Some("middle") => 0.0,
            Some("end") => -width / 2.0,
            _ => width / 2.0,
        };
        let angle = node.attribute("transform").map_or(0.0, |t| {
            let first = t.trim_start_matches("rotate(").split(' ').next();
            first.and_then(|a| a.parse::<f64>().ok()).unwrap_or(f64::NAN)
        });
        let (sin, cos) = angle.to_radians().sin_cos();
        // The middle of capitals is a third of the size above the baseline.
        let rise = font::MIDDLE * size;
        let at = (number("x") + shift * cos + rise * sin, number("y") + shift * sin - rise * cos);
        Self { text, at, along: (cos, sin), half: (width / 2.0, rise) }
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let steps = (-10..=10).map(|k| f64::from(k) / 10.0 * self.half.0);
        steps.map(|s| (self.at.0 + s * self.along.0, self.at.1 + s * self.along.1))
    }

    fn covers(&self, (x, y): (f64, f64)) -> bool {
        let (dx, dy) = (x - self.at.0, y - self.at.1);
        let (u, v) = (dx * self.along.0 + dy * self.along.1, dy * self.along.0 - dx * self.along.1);
        u.abs() < self.half.0 && v.abs() < self.half.1
    }
}

/// Well formed, all coordinates finite, all words on the page and none over another.
fn assert_sound(drawing: &Drawing) {
    let document = Document::parse(&drawing.svg).unwrap_or_else(|e| panic!("{e}: {}", drawing.svg));
    assert!(!drawing.svg.contains("NaN") && !drawing.svg.contains("inf"), "{}", drawing.svg);
    let root = document.root_element();
    let size: Vec<f64> =
        root.attribute("viewBox").unwrap_or("").split(' ').filter_map(|v| v.parse().ok()).collect();
    let words: Vec<Words> = root.descendants().filter(|n| n.has_tag_name("text")).map(Words::of).collect();
    for (i, text) in words.iter().enumerate() {
        for (x, y) in text.points() {
            let inside = x >= 0.0 && x <= size[2] && y >= 0.0 && y <= size[3];
            assert!(inside, "{:?} at {x}, {y} of {size:?}", text.text);
        }
        for other in &words[..i] {
            let apart = !text.points().any(|p| other.covers(p)) && !other.points().any(|p| text.covers(p));
            assert!(apart, "{:?} lies over {:?}: {}", text.text, other.text, drawing.svg.len());
        }
    }
}

fn every_figure() -> Vec<Figure> {
    let series = |label: &str, style| Series {
        label: label.into(),
        x: (0..50).map(f64::from).collect(),
        y: (0..50).map(|i| (-f64::from(i) / 8.0).exp()).collect(),
        band: Some((vec![0.01; 50], vec![0.1; 50])),
        style,
    };
    let curves = Panel {
        x: Axis { scale: Scale::Linear, ..axis("epoch") },
        y: axis("loss"),
        series: vec![series("train", Style::Line), series("test", Style::Dashed), series("", Style::Dots)],
        ..Panel::default()
    };
    Chart::names()
        .into_iter()
        .flat_map(|chart| {
            let lettered = Panel {
                marks: vec![Mark { x: -0.5, y: 0.5, label: "A: runs/a".into() }],
                x: axis("another direction"),
                ..panel(bowl())
            };
            [
                figure(chart, vec![panel(bowl()); 2]),
                figure(chart, vec![panel(bowl()); 5]),
                figure(chart, vec![panel(bowl()), lettered]),
                figure(chart, vec![curves.clone(); 4]),
            ]
        })
        .collect()
}

#[test]
fn every_chart_draws_soundly_and_the_same_twice_in_both_themes() {
    for figure in every_figure() {
        for theme in [Theme::Light, Theme::Dark] {
            let look = Look { theme, ..Look::default() };
            let (once, again) = (drawn(&figure, &look), drawn(&figure, &look));
            assert_sound(&once);
            assert_eq!(once, again);
        }
        let drawing = drawn(&figure, &Look { dpi: 40, ..Look::default() });
        let (png, again) = (drawing.png().unwrap_or_default(), drawing.png().unwrap_or_default());
        assert!(png.starts_with(b"\x89PNG") && png == again, "{}", figure.chart);
    }
}

#[test]
fn every_chart_is_sound_at_every_width_and_size_of_text() {
    for figure in every_figure() {
        for (inches, font_size) in [(3.25, 8.0), (5.5, 8.0), (5.5, 11.0), (10.0, 14.0), (6.75, 6.0)] {
            let look = Look { width: Some(Width(inches)), font_size, ..Look::default() };
            let drawing = drawn(&figure, &look);
            assert_sound(&drawing);
            let document = Document::parse(&drawing.svg).unwrap();
            let width = document.root_element().attribute("width").unwrap().trim_end_matches("in");
            let width: f64 = width.parse().unwrap();
            // A twentieth of a point is what coordinates are rounded to.
            assert!((width - inches).abs() < 2e-3, "{width} for {inches}");
        }
    }
}

#[test]
fn titles_and_paper_are_left_out_and_replaced() {
    let figure = figure("contour", vec![panel(bowl())]);
    let texts = |look: Look| {
        let drawing = drawn(&figure, &look);
        let document = Document::parse(&drawing.svg).unwrap();
        let of = |tag: &str| -> String {
            let all = document.root_element().descendants().filter(|n| n.has_tag_name(tag));
            all.filter_map(|n| n.text()).collect::<Vec<_>>().join("|")
        };
        let paper = document.root_element().children().any(|n| n.has_tag_name("rect"));
        (of("text"), of("title"), of("desc"), paper)
    };
    let (words, title, about, paper) = texts(Look::default());
    assert!(words.contains("around") && title.contains("Loss <around>") && about == "λₘₐₓ = 10⁻³" && paper);
    let bare = texts(Look { no_title: true, transparent: true, ..Look::default() });
    assert!(!bare.0.contains("around") && bare.1 == title && !bare.3, "{bare:?}");
    let named = texts(Look { title: Some("mine".into()), subtitle: Some("too".into()), ..Look::default() });
    assert!(named.0.contains("mine|too") && named.1 == "mine" && named.2 == "too", "{named:?}");
}

/// The streams of a PDF file, unpacked, and what stands between them.
fn unpacked(pdf: &[u8]) -> (String, Vec<Vec<u8>>) {
    let find = |from: usize, what: &[u8]| {
        pdf[from..].windows(what.len()).position(|w| w == what).map(|at| from + at)
    };
    let (mut text, mut streams, mut at) = (String::new(), Vec::new(), 0);
    while let Some(begin) = find(at, b"stream\n") {
        let end = find(begin, b"\nendstream").unwrap();
        text += &String::from_utf8_lossy(&pdf[at..begin]);
        let mut bytes = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&pdf[begin + 7..end]);
        std::io::Read::read_to_end(&mut decoder, &mut bytes).unwrap();
        streams.push(bytes);
        at = end + 10;
    }
    (text + &String::from_utf8_lossy(&pdf[at..]), streams)
}

#[test]
fn pdfs_hold_every_word_with_its_glyphs_and_are_the_same_twice() {
    let formats = Look { format: vec![Format::Pdf, Format::Tex], ..Look::default() };
    for figure in every_figure() {
        let files = || drawn(&figure, &formats).files("f", &formats, &|| Ok(())).unwrap();
        let (once, names) = (files(), ["f.pdf", "f.pdf_tex", "f-shapes.pdf"]);
        assert_eq!(once, files());
        assert!(once.iter().map(|f| f.0.as_str()).eq(names));
        let (text, streams) = unpacked(&once[0].1);
        assert!(once[0].1.starts_with(b"%PDF-1.7") && !text.contains("Date"), "{text}");
        let svg = drawn(&figure, &formats).svg;
        let document = Document::parse(&svg).unwrap();
        let words: Vec<&str> = document
            .root_element()
            .descendants()
            .filter(|n| n.has_tag_name("text"))
            .filter_map(|n| n.text())
            .collect();
        // One text object a line of text, one font a face, one width a glyph.
        let shown = |what: &str| {
            let content = String::from_utf8_lossy(&streams[0]);
            content.lines().filter(|line| *line == what).count()
        };
        assert_eq!((shown("BT"), shown("ET")), (words.len(), words.len()), "{}", figure.chart);
        assert!(text.contains("/FontFile2") && text.contains("+DejaVuSans-Bold"));
        let maps: String = streams
            .iter()
            .map(|s| String::from_utf8_lossy(s).into_owned())
            .filter(|s| s.contains("begincmap"))
            .collect();
        for c in words.iter().flat_map(|w| w.chars()).filter(|c| !c.is_whitespace()) {
            let mut unit = [0; 2];
            let code: String = c.encode_utf16(&mut unit).iter().map(|u| format!("{u:04X}")).collect();
            assert!(maps.contains(&code), "{c} of {} is not in its maps", figure.chart);
        }
        // For LaTeX: shapes alone in one file, all words in the other.
        let shapes = unpacked(&once[2].1).1;
        assert!(!String::from_utf8_lossy(&shapes[0]).contains("BT"));
        let tex = String::from_utf8_lossy(&once[1].1);
        assert_eq!(tex.matches("\\rotatebox").count(), words.len());
        assert!(tex.contains("{f-shapes.pdf}"));
    }
}

#[test]
fn a_surface_can_be_an_image_inside_its_pdf() {
    let figure = figure("surface", vec![panel(bowl())]);
    let pdf = |raster| {
        let look = Look { format: vec![Format::Pdf], raster, ..Look::default() };
        drawn(&figure, &look).files("f", &look, &|| Ok(())).unwrap().remove(0).1
    };
    let [shapes, image] = [pdf(false), pdf(true)].map(|file| unpacked(&file));
    assert!(!shapes.0.contains("/Image") && image.0.contains("/Image") && image.0.contains("/SMask"));
    assert!(image.1[0].len() * 5 < shapes.1[0].len(), "{} and {}", image.1[0].len(), shapes.1[0].len());
}

/// What programs that read SVG agree on: no colour is inherited or looked up, every shape says its own fill and stroke.
#[test]
fn every_shape_says_its_own_colours() {
    for figure in every_figure() {
        for theme in [Theme::Light, Theme::Dark] {
            let drawing = drawn(&figure, &Look { theme, ..Look::default() });
            assert!(!drawing.svg.contains("currentColor"), "{}", figure.chart);
            let document = Document::parse(&drawing.svg).unwrap();
            let clips = |n: &roxmltree::Node| n.ancestors().any(|a| a.has_tag_name("clipPath"));
            for node in document.root_element().descendants().filter(|n| n.is_element() && !clips(n)) {
                let [fill, stroke] = ["fill", "stroke"].map(|name| node.attribute(name));
                let name = node.tag_name().name();
                let source = &drawing.svg[node.range()];
                let at = format!("{}: {}", figure.chart, source.get(..200).unwrap_or(source));
                for hidden in ["style", "class", "color", "rgba"] {
                    assert!(!node.has_attribute(hidden), "{hidden} in {at}");
                }
                match name {
                    "svg" | "g" => assert_eq!((fill, stroke), (None, None), "{at}"),
                    "text" => assert!(fill.is_some_and(is_colour), "{at}"),
                    "path" | "rect" | "circle" | "polygon" | "polyline" => {
                        let colours = [fill, stroke].map(|c| c.filter(|c| *c != "none"));
                        assert!(
                            fill.is_some() && stroke.is_some() && colours.iter().any(Option::is_some),
                            "{at}"
                        );
                        assert!(colours.into_iter().flatten().all(is_colour), "{at}");
                    }
                    "title" | "desc" => {}
                    other => panic!("<{other}> may be new to other programs"),
                }
            }
        }
    }
}

/// `#RRGGBB`, the one way to name a colour that everything reads.
fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].chars().all(|c| c.is_ascii_hexdigit())
}

/// Writes every chart as SVG and PNG into `$CHARTS`, for `tests/renderers/compare.py`.
#[test]
#[ignore = "writes pictures, to be compared by hand with other programs"]
fn every_chart_for_other_renderers() {
    let directory = std::path::PathBuf::from(std::env::var_os("CHARTS").expect("a directory in CHARTS"));
    std::fs::create_dir_all(&directory).unwrap();
    for (k, figure) in every_figure().iter().enumerate() {
        for (name, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
            let drawing = drawn(figure, &Look { theme, dpi: 100, ..Look::default() });
            let all = Look { theme, dpi: 100, format: Format::value_variants().to_vec(), ..Look::default() };
            for (name, bytes) in
                drawing.files(&format!("{}-{k}-{name}", figure.chart), &all, &|| Ok(())).unwrap()
            {
                std::fs::write(directory.join(name), bytes).unwrap();
            }
        }
    }
}

#[test]
fn pngs_carry_their_resolution_and_match_it() {
    let drawing = drawn(&figure("contour", vec![panel(bowl())]), &Look { dpi: 100, ..Look::default() });
    let png = drawing.png().unwrap_or_default();
    let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    assert_eq!(number(16), 500, "five inches at 100 dpi");
    assert_eq!((&png[37..41], number(41)), (&b"pHYs"[..], 3937), "pixels a metre");
}

#[test]
fn svgs_keep_text_as_text_and_parse_without_other_fonts() {
    let drawing = drawn(&figure("contour", vec![panel(bowl())]), &Look::default());
    assert!(drawing.svg.contains(">first direction</text>") && drawing.svg.contains("&lt;around&gt;"));
    assert!(Tree::from_str(&drawing.svg, &Options::default()).is_ok());
}

#[test]
fn colour_map_theme_and_limits_change_the_picture() {
    let figure = figure("contour", vec![panel(bowl())]);
    let plain = drawn(&figure, &Look::default());
    let looks = [
        Look { cmap: Cmap::Magma, ..Look::default() },
        Look { theme: Theme::Dark, ..Look::default() },
        Look { vmax: Some(1.0), ..Look::default() },
        Look { log: Some(false), ..Look::default() },
        Look { levels: 30, ..Look::default() },
        Look { center: Some(1.0), ..Look::default() },
    ];
    assert!(looks.iter().all(|look| drawn(&figure, look) != plain));
    let surface = Figure { chart: "surface".into(), ..figure };
    let turned = Look { azimuth: 20.0, elevation: 60.0, ..Look::default() };
    assert_ne!(drawn(&surface, &turned), drawn(&surface, &Look::default()));
}

#[test]
fn refusals_say_what_and_where() {
    let message = |figure: &Figure| draw(figure, &Look::default()).map(|_| ()).unwrap_err().to_string();
    assert!(message(&figure("contuor", vec![])).contains("did you mean `contour`"));
    let mut short = bowl();
    short.values.pop();
    let found = message(&figure("contour", vec![panel(short)]));
    assert_eq!(found, "figure test: panel 0: grid 0: expected 441 values, found 440");
}

#[test]
fn labels_of_a_single_column_keep_apart() {
    // The last tick's label is moved in from the edge of the page, towards the one before it.
    let step = 10f64.powf(2.19834899214314 - 6.0);
    let y: Vec<f64> = (0..4).map(|i| (f64::from(i) - 1.5) * step).collect();
    let grid = Grid { x: vec![-1.5 * step], y, values: vec![0.5; 4] };
    assert_sound(&drawn(
        &figure("contour", vec![panel(grid)]),
        &Look { vmax: Some(1.818), ..Look::default() },
    ));
}

proptest! {
    // One fixed seed: a red run can be repeated. PROPTEST_RNG_SEED and PROPTEST_CASES try others, and more.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: match std::env::var("PROPTEST_RNG_SEED") {
            Ok(_) => ProptestConfig::default().rng_seed,
            Err(_) => proptest::test_runner::RngSeed::Fixed(1),
        },
        ..ProptestConfig::with_cases(200)
    })]
    #[test]
    fn any_grid_gives_a_picture(
        width in 0usize..6,
        height in 0usize..6,
        kind in 0usize..6,
        values in proptest::collection::vec(
            prop_oneof![
                4 => -3.0..3.0f64,
                2 => (-320.0..308.0f64).prop_map(|e| 10f64.powf(e)),
                1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(f64::MAX), Just(f64::MIN)],
            ],
            25,
        ),
        scale in 0.0..12.0f64,
        log in proptest::option::of(any::<bool>()),
        vmin in proptest::option::of(-2.0..0.5f64),
        vmax in proptest::option::of(0.6..2.0f64),
        azimuth in -360.0..360.0f64,
        elevation in 5.0..90.0f64,
    ) {
        let ascending = |n: usize| -> Vec<f64> { (0..n).map(|i| (i as f64 - 1.5) * 10f64.powf(scale - 6.0)).collect() };
        let mut values: Vec<f64> = values[..width * height].to_vec();
        match kind {
            0 => values.fill(0.5),
            1 => values.fill(f64::NAN),
            2 => values.iter_mut().for_each(|v| *v = v.abs()),
            _ => {}
        }
        let grid = Grid { x: ascending(width), y: ascending(height), values };
        let look = Look { log, vmin, vmax, azimuth, elevation, dpi: 20, ..Look::default() };
        for chart in Chart::names() {
            let mut panel = panel(grid.clone());
            if chart == "tiles" {
                panel.series.clear();
            } else if chart == "lines" {
                let fill = grid.values.iter().copied().chain(std::iter::repeat(f64::NAN));
                panel.series[0].y = fill.take(width).collect();
            }
            assert_sound(&drawn(&figure(chart, vec![panel]), &look));
        }
    }
}

/// A number that a file can hold, half of them at the ends of what there is.
fn any_number() -> impl Strategy<Value = f64> {
    let odd = [
        [0.0, -0.0, 5e-324, -5e-324, f64::MIN_POSITIVE, 1e-300],
        [1e299, 1e300, 1e303, 1e308, -1e308, f64::MAX],
        [f64::MIN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0, 1.0 + 1e-15],
    ];
    let wide = (-323.0..308.5f64, any::<bool>()).prop_map(|(e, minus)| {
        let value = 10f64.powf(e);
        if minus { -value } else { value }
    });
    prop_oneof![proptest::sample::select(odd.concat()), wide, -3.0..3.0f64]
}

fn any_axis() -> impl Strategy<Value = Axis> {
    let scales = vec![Scale::Auto, Scale::Linear, Scale::Log, Scale::LogDown, Scale::LogZero];
    let range = proptest::option::of((any_number(), any_number()));
    (proptest::sample::select(scales), range).prop_map(|(scale, range)| Axis {
        label: "a quantity (nats)".into(),
        scale,
        range,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: match std::env::var("PROPTEST_RNG_SEED") {
            Ok(_) => ProptestConfig::default().rng_seed,
            Err(_) => proptest::test_runner::RngSeed::Fixed(2),
        },
        ..ProptestConfig::with_cases(3)
    })]
    /// Every axis of every chart, with every number that a file can hold as coordinate, value, band, mark and end.
    #[test]
    fn any_number_on_any_axis_gives_a_picture(
        numbers in proptest::collection::vec(any_number(), 40),
        axes in (any_axis(), any_axis(), any_axis()),
        few in 1usize..5,
        vmin in proptest::option::of(any_number().prop_filter("finite", |v| v.is_finite())),
    ) {
        let mut numbers = numbers.into_iter().cycle();
        let mut take = |n: usize| -> Vec<f64> { numbers.by_ref().take(n).collect() };
        let mut ascending = |n: usize| -> Vec<f64> {
            let mut all: Vec<f64> = take(n).into_iter().filter(|v| v.is_finite()).collect();
            all.sort_by(f64::total_cmp);
            all.dedup();
            all
        };
        let (x, y) = (ascending(few + 1), ascending(few));
        let grid = Grid { values: take(x.len() * y.len()), x, y };
        let band = Some((take(few), take(few)));
        let curve = Series { label: "a curve".into(), x: take(few), y: take(few), band, style: Style::Marked };
        let marks = take(2 * few);
        let mark = |v: &[f64]| Mark { x: v[0], y: v[1], label: "a point".into() };
        let panel = Panel {
            title: "a panel".into(),
            x: axes.0,
            y: axes.1,
            z: axes.2,
            grids: vec![grid],
            series: vec![curve],
            marks: marks.chunks(2).map(mark).collect(),
        };
        for chart in Chart::names() {
            let mut panel = panel.clone();
            if ["rows", "dendrogram"].contains(&chart) {
                // Their marks name rows, one below the other.
                panel.marks.iter_mut().enumerate().for_each(|(row, mark)| mark.y = row as f64);
            }
            let bare = Panel { series: Vec::new(), ..panel.clone() };
            for panels in [vec![panel.clone()], vec![bare.clone(), panel.clone()], vec![bare.clone()]] {
                assert_sound(&drawn(&figure(chart, panels), &Look { vmin, ..Look::default() }));
            }
        }
    }
}

/// All frames of an animated PNG as opaque pixels, put together by another decoder, and its default image.
fn frames(file: &[u8]) -> (png::AnimationControl, Vec<Vec<u8>>, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let control = *reader.info().animation_control().unwrap();
    let width = reader.info().width as usize * 3;
    let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
    let mut canvas = vec![0; buffer.len()];
    let (mut all, mut still) = (Vec::new(), Vec::new());
    while all.len() < control.num_frames as usize {
        let output = reader.next_frame(&mut buffer).unwrap();
        let Some(part) = reader.info().frame_control().copied() else {
            still = buffer.clone(); // the default image, which is no frame
            continue;
        };
        assert_eq!((part.blend_op, part.dispose_op), (png::BlendOp::Source, png::DisposeOp::None));
        let rows = buffer.chunks(output.line_size).take(part.height as usize);
        for (j, row) in rows.enumerate() {
            let start = (part.y_offset as usize + j) * width + part.x_offset as usize * 3;
            canvas[start..start + row.len()].copy_from_slice(row);
        }
        all.push(canvas.clone());
    }
    (control, all, still)
}

/// The picture of a drawing, red, green and blue.
fn pixels(drawing: &Drawing) -> Vec<u8> {
    let picture = resvg::tiny_skia::Pixmap::decode_png(&drawing.png().unwrap()).unwrap();
    picture.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect()
}

/// The largest mean difference of a frame from its picture, of 255: the palette has 256 colours for thousands.
const CLOSE: f64 = 2.0;

fn apart(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

fn moving(figure: &Figure, look: &Look) -> Option<Vec<u8>> {
    animate(figure, look, &|| Ok(())).unwrap_or_else(|e| panic!("{}: {e}", figure.chart))
}

#[test]
fn a_surface_turns_once_on_a_page_that_stays() {
    let mut bowl = panel(bowl());
    bowl.grids[0] = grid(7, |x, y| 0.1 + x * x + 3.0 * y * y);
    let figure = figure("surface", vec![bowl]);
    let look = Look { dpi: 30, ..Look::default() };
    let file = moving(&figure, &look).unwrap();
    assert_eq!(moving(&figure, &look), Some(file.clone()), "the same bytes");
    let (control, frames, _) = frames(&file);
    assert_eq!((control.num_frames, control.num_plays, frames.len()), (60, 0, 60));
    // Turned half round, the bowl, which is symmetric, looks the same but for the numbers on the axes.
    let (half, quarter) = (apart(&frames[0], &frames[30]), apart(&frames[0], &frames[15]));
    assert!(half < 0.5 * quarter && quarter > 1.0, "{half} {quarter}");
    assert!(frames.windows(2).all(|w| w[0] != w[1]));
    // The rim of the page is bare in every frame: nothing is clipped.
    let width = usize::try_from(u32::from_be_bytes(file[16..20].try_into().unwrap())).unwrap();
    for frame in &frames {
        let rows: Vec<&[u8]> = frame.chunks(3 * width).collect();
        assert!(rows.iter().all(|row| row[..3] == [255; 3] && row[row.len() - 3..] == [255; 3]));
        assert!(rows[0].iter().chain(rows[rows.len() - 1]).all(|c| *c == 255));
    }
}

#[test]
fn a_path_grows_and_stands_whole_at_the_end_and_without_animation() {
    let figure = figure("contour", vec![panel(bowl()); 2]);
    let look = Look { dpi: 40, ..Look::default() };
    let file = moving(&figure, &look).unwrap();
    let (control, frames, still) = frames(&file);
    assert_eq!((control.num_frames as usize, control.num_plays), (frames.len(), 0));
    let whole = pixels(&drawn(&figure, &look));
    assert!(apart(&still, &whole) < CLOSE, "{}", apart(&still, &whole));
    // Ever nearer to the whole picture, up to the head.
    let far = [0, 20, 40, 60].map(|i| apart(&frames[i], &still));
    assert!(far.windows(2).all(|w| w[0] > w[1]) && far[3] < 0.5, "{far:?}");
}

#[test]
fn what_has_nothing_to_move_gives_no_animation() {
    let look = Look { dpi: 20, ..Look::default() };
    let mut still = panel(bowl());
    still.series.clear();
    assert_eq!(moving(&figure("contour", vec![still.clone()]), &look), None);
    assert_eq!(moving(&figure("surface", vec![still.clone(); 2]), &look), None);
    assert_eq!(moving(&figure("lines", vec![panel(bowl())]), &look), None);
    let stop = || Err(Error::request("test", "stopped"));
    assert!(animate(&figure("surface", vec![still]), &look, &stop).is_err());
}
