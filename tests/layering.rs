//! The compiler knows three layers, the packages `losscape-core`, `losscape-networks` and `losscape`, so this test is the fence: `src/` may import only
//! along the arrows of `src/lib.rs`, only `render` knows plotters, and only `cli` prints or exits.

use std::path::Path;

/// A layer and the layers it may import, besides those that these may import, and `base`. `study` is a place kept
/// for recipes of several steps.
const ARROWS: [(&str, &[&str]); 12] = [
    ("cli", &["study"]),
    ("study", &["analyses", "render"]),
    ("analyses", &["landscape", "train", "data", "figure"]),
    ("render", &["figure"]),
    ("landscape", &["spectral", "nn"]),
    ("train", &["nn", "data"]),
    ("nn", &["autodiff"]),
    ("autodiff", &[]),
    ("data", &[]),
    ("spectral", &[]),
    ("figure", &[]),
    ("base", &[]),
];

/// Macros live at the crate's root whichever file they stand in.
const MACROS: [(&str, &str); 3] = [("kind", "base"), ("registry", "base"), ("with_precision", "base")];

/// What only one layer may use.
const RESERVED: [(&str, &str); 7] = [
    ("plotters", "render"),
    ("print!", "cli"),
    ("println!", "cli"),
    ("dbg!", "cli"),
    ("process::exit", "cli"),
    ("io::stdout", "cli"),
    ("io::stderr", "cli"),
];

fn may_import(from: &str, to: &str) -> bool {
    let next = ARROWS.iter().find(|(layer, _)| *layer == from).map_or(&[][..], |(_, next)| next);
    from == to || (to == "base" && from != "figure") || next.iter().any(|next| may_import(next, to))
}

/// The code of a file: comments blanked, so that offsets and lines stay.
fn code(text: &str) -> String {
    let blank = |line: &str| match line.find("//").filter(|i| !line[..*i].ends_with(':')) {
        Some(start) => format!("{}\n", &line[..start]),
        None => format!("{line}\n"),
    };
    text.lines().map(blank).collect()
}

fn name(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())]
}

/// The names right behind a path's `::`: one, or those of a group.
fn heads(text: &str) -> Vec<&str> {
    let Some(group) = text.trim_start().strip_prefix('{') else { return vec![name(text)] };
    let (mut depth, mut heads) = (0, vec![name(group)]);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(&group[i + 1..])),
            _ => {}
        }
    }
    heads
}

/// What `file`, a path below `src`, breaks, as `file:line: what`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let layer = file.split(['/', '.']).next().unwrap_or_default();
    let code = code(text);
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let mut found: Vec<(usize, String)> = Vec::new();
    // Enough `super`s lead to the root from here; one fewer stays in the layer.
    let depth = file.trim_end_matches("/mod.rs").split('/').count();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&root) {
            for head in heads(&code[at + root.len()..]) {
                let to = MACROS.iter().find(|m| m.0 == head).map_or(head, |m| m.1);
                if ARROWS.iter().any(|a| a.0 == to) && !may_import(layer, to) {
                    found.push((line(at), format!("{layer} may not import {to}")));
                }
            }
        }
    }
    let test = file.ends_with("tests.rs");
    for (what, owner) in RESERVED.iter().filter(|r| r.1 != layer && !test) {
        let all = code.match_indices(what);
        found.extend(all.map(|(at, _)| (line(at), format!("only {owner} may use {what}"))));
    }
    found.sort();
    found.into_iter().map(|(line, what)| format!("src/{file}:{line}: {what}")).collect()
}

fn walk(directory: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, visit),
            false if path.extension().is_some_and(|e| e == "rs") => visit(&path),
            false => {}
        }
    }
}

#[test]
fn imports_follow_the_arrows() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut found) = (0, Vec::new());
    walk(&src, &mut |path| {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        files += 1;
        found.extend(violations(&file, &std::fs::read_to_string(path).unwrap()));
        let layer = file.split('/').next().unwrap();
        let known = ["lib.rs", "core.rs", "networks.rs", "main.rs", "figure.rs"].contains(&layer)
            || ARROWS.iter().any(|a| a.0 == layer);
        assert!(known, "src/{file} stands in a layer that tests/layering.rs does not know");
    });
    assert!(files > 50, "{files} files in {}", src.display());
    assert!(found.is_empty(), "against the arrows in src/lib.rs:\n{}", found.join("\n"));
}

#[test]
fn a_violation_is_found() {
    let none: [&str; 0] = [];
    let check = |file: &str, text: &str| violations(file, text);
    assert_eq!(check("nn/a.rs", "\nuse crate::train::x;"), ["src/nn/a.rs:2: nn may not import train"]);
    assert_eq!(
        check("data/a.rs", "use crate::{\n    base::x::{y, z},\n    nn, figure::f,\n};"),
        ["src/data/a.rs:1: data may not import figure", "src/data/a.rs:1: data may not import nn"]
    );
    assert_eq!(check("nn/b/mod.rs", "super::super::cli::x()"), ["src/nn/b/mod.rs:1: nn may not import cli"]);
    assert_eq!(check("nn/b/mod.rs", "super::data::x()"), none, "nn's own module of that name");
    assert_eq!(check("base/a.rs", "crate::figure::f()"), ["src/base/a.rs:1: base may not import figure"]);
    assert_eq!(
        check("figure.rs", "use crate::base::Error;"),
        ["src/figure.rs:1: figure may not import base"]
    );
    assert_eq!(check("autodiff/a.rs", "crate::registry! {}"), none);
    assert_eq!(check("cli/a.rs", "use crate::autodiff::Tape; eprintln!()"), none);
    assert_eq!(
        check("nn/a.rs", "eprintln!()"),
        ["src/nn/a.rs:1: only cli may use println!"].map(str::to_owned)
    );
    assert_eq!(check("nn/a.rs", "// crate::cli, https://x"), none);
    assert_eq!(check("cli/a.rs", "use plotters::x;"), ["src/cli/a.rs:1: only render may use plotters"]);
}
