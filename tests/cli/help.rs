//! What the program says of itself.

use crate::bench::Bench;
use serde_json::Value;
use std::process::Command;

const COMMANDS: [&str; 8] = ["train", "lr-range", "slice", "plot", "data", "list", "completions", "man"];

#[test]
fn every_command_describes_itself_with_examples() {
    let bench = Bench::new();
    let top = bench.ok("--help");
    assert!(top.stderr.is_empty() && top.stdout.contains("Examples:"));
    for name in COMMANDS {
        let help = bench.ok(&format!("{name} --help")).stdout;
        assert!(help.contains(&format!("Examples:\n  losscape {name}")), "{name}: {help}");
        let about = help.lines().next().unwrap();
        let listed = top.stdout.lines().find(|l| l.trim_start().starts_with(&format!("{name} "))).unwrap();
        assert!(listed.ends_with(about), "{listed} / {about}");
        assert_eq!(bench.ok(&format!("help {name}")).stdout, help);
    }
    let abouts = |name: &&str| bench.ok(&format!("{name} -h")).stdout.lines().next().unwrap().to_owned();
    let unlike: std::collections::BTreeSet<String> = COMMANDS.iter().map(abouts).collect();
    assert_eq!(unlike.len(), COMMANDS.len(), "{unlike:?}");
    assert_eq!(bench.ok("--version").stdout, format!("losscape {}\n", env!("CARGO_PKG_VERSION")));
    let bare = bench.run("");
    assert!(bare.code == Some(2) && bare.stderr.contains("Usage:"));
}

#[test]
fn kinds_stand_in_help_and_in_the_list() {
    let bench = Bench::new();
    let all: Value = serde_json::from_str(&bench.ok("list --json").stdout).unwrap();
    let words = bench.ok("list").stdout;
    let help =
        ["train", "slice", "sharpness", "connect"].map(|c| bench.ok(&format!("{c} --help")).stdout).concat();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for (sort, kinds) in all.as_object().unwrap() {
        assert!(!kinds.as_array().unwrap().is_empty(), "{sort}");
        for kind in kinds.as_array().unwrap() {
            let name = kind["name"].as_str().unwrap();
            assert!(words.contains(&format!("  {name} ")), "{sort}: {name}");
            if !["layer", "chart", "analysis", "recipe", "settings"].contains(&sort.as_str()) {
                let listed = [", ", "]"].iter().any(|end| {
                    [" ", "of: "].iter().any(|start| help.contains(&format!("{start}{name}{end}")))
                });
                assert!(listed, "{sort}: {name} is not in the help");
            }
        }
    }
    let only = bench.ok("list activation").stdout;
    assert!(only.starts_with("activation (--activation)\n") && !only.contains("optimizer"));
    assert_eq!(bench.ok("list activations").stdout, only);
}

#[test]
fn completions_and_manuals_are_sane() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.ok(&format!("completions {shell}")).stdout;
        assert!(script.contains("label-smoothing") && script.contains("slice"), "{shell}");
        bench.write(shell, script);
    }
    if let Ok(checked) = Command::new("bash").arg("-n").arg(bench.path("bash")).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
    let page = bench.ok("man").stdout;
    assert!(page.contains(".TH losscape 1") && page.contains("losscape\\-slice"));
    let page = bench.ok("man slice").stdout;
    assert!(page.contains(".TH losscape-slice 1"), "{page}");
    assert!(page.contains("\\fBlosscape slice\\fR") && page.contains("\\-\\-orthogonal"), "{page}");
    assert!(page.contains("plane through a trained network"), "{page}");
}
