//! What the program writes for people: help of any width, names from anywhere, numbers as the field writes them, and
//! pictures of numbers at the ends of what there is.

use crate::bench::{Bench, TINY, within};
use std::time::Duration;

/// Every command that help lists.
fn commands(bench: &Bench) -> Vec<String> {
    let top = bench.ok("--help").stdout;
    let listed = top.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    let names: Vec<String> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

#[test]
fn examples_do_not_wrap_into_the_margin() {
    let bench = Bench::new();
    let all = commands(&bench).into_iter().map(|name| format!("{name} --help")).chain(["--help".to_owned()]);
    for command in all {
        let help = bench.ok(&command).stdout;
        let (_, rest) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: {help}"));
        let examples: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).collect();
        assert!(!examples.is_empty(), "{command}");
        for line in &examples {
            assert!(line.starts_with("  ") && line.chars().count() <= 80, "{command}: {line}");
        }
        for pair in examples.windows(2) {
            // What is indented deeper belongs to the command above.
            let rest = pair[1].starts_with("      ");
            assert!(rest || pair[1].starts_with("  losscape "), "{command}: {}", pair[1]);
            assert!(
                pair[1].trim_start().starts_with("--") == pair[0].ends_with(" \\"),
                "{command}: {}",
                pair[1]
            );
        }
        // A default without spaces, such as the widths of thirty layers, cannot be broken.
        let whole = |line: &&str| !line.trim().contains(' ');
        let long = help.lines().filter(|line| line.chars().count() > 110).find(|line| !whole(line));
        assert_eq!(long, None, "{command}");
    }
}

/// A probe's comment says what that probe measures.
#[test]
fn comments_stand_under_their_own_command() {
    let help = Bench::new().ok("train --help").stdout;
    let below = |start: &str| {
        let mut lines = help.lines().skip_while(|line| !line.contains(start)).skip(1);
        lines.find(|line| line.trim_start().starts_with('#')).unwrap_or_default().to_owned()
    };
    assert!(below("--probe sharpness:20").contains("largest eigenvalue"), "{help}");
    assert!(below("--init mean-field:weight=0.4").contains("saddles"), "{help}");
    assert!(below("--workers 4").contains("each worker's part"), "{help}");
}

#[test]
fn flags_of_pictures_are_explained_once_and_named_everywhere() {
    let bench = Bench::new();
    let plot = bench.ok("plot --help").stdout;
    let section = plot.split("Pictures:\n").nth(1).unwrap().split("Examples:").next().unwrap();
    let flags: Vec<&str> = section
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("--"))
        .filter_map(|line| line.split([' ', '[', '=']).next())
        .collect();
    assert!(flags.len() > 8 && flags.contains(&"--dpi"), "{flags:?}");
    for command in commands(&bench) {
        let help = bench.ok(&format!("{command} --help")).stdout;
        let Some(block) = help.split("Pictures:\n").nth(1).filter(|_| command != "plot") else { continue };
        let block = block.split("\n\n").next().unwrap_or_default();
        assert!(block.lines().count() <= 8, "{command}: {block}");
        for flag in &flags {
            assert!(block.contains(flag), "{command}: {flag} is not in {block}");
        }
    }
    // Hidden in help, and obeyed.
    bench.ok(&format!("train {TINY} --theme dark --out a"));
    bench.ok(&format!("train {TINY} --out b"));
    assert_ne!(bench.bytes("a/training.svg"), bench.bytes("b/training.svg"));
}

#[test]
fn recipes_and_settings_are_found_by_name_from_anywhere() {
    let bench = Bench::new();
    let recipe = bench.ok("recipe permutations").stdout;
    let list = bench.ok("list recipe").stdout;
    assert!(list.contains("  permutations ") && list.contains("Barriers between two seeds"), "{list}");
    let plan = bench.ok("run permutations --quick --plan").stdout;
    bench.write("mine.toml", &recipe);
    assert_eq!(bench.ok("run mine.toml --quick --plan").stdout.lines().count(), plan.lines().count());
    // A file of that name comes first.
    bench.write("permutations", recipe.replace("title = \"Barriers", "title = \"My barriers"));
    assert!(bench.ok("run permutations --quick --plan").stdout.starts_with("My barriers"));
    let wrong = bench.refused("run permutation", "recipe: ");
    assert!(wrong.contains("did you mean `permutations`?"), "{wrong}");
    let away = bench.refused("run analyses/momentum.toml", "analyses/momentum.toml: ");
    assert!(away.contains("`momentum` alone"), "{away}");
    assert!(bench.refused("recipe slcie", "recipe: ").contains("did you mean"));

    assert!(bench.ok("recipe slice").stdout.contains("[train]"));
    bench.ok("propagate --config propagate --quiet --samples 20 --dpi 20 --out p");
    assert_eq!(bench.json("p/propagate.json")["settings"]["samples"], 20);
    assert!(bench.refused("slice --config slcie", "--config: ").contains("did you mean `slice`?"));
}

#[test]
fn summaries_are_in_words_and_counts_are_whole() {
    let bench = Bench::new();
    let said = bench.ok(&format!("train {TINY} --probe sharpness:1 --out r")).stdout;
    assert!(said.contains("\n  stopped: all 1 epochs were made\n") && said.contains(" ± "), "{said}");
    assert!(!said.contains("+-"), "{said}");
    bench.write(
        "count.toml",
        "title = \"Counts\"\nseeds = 1\n[train]\nsamples = 40\nepochs = 1\n[[vary]]\nname = \"width\"\n\
         set = \"train.hidden\"\nvalues = [\"2\", \"3\"]\nat = [2, 3]\n[[measure]]\nname = \"parameters\"\n\
         of = \"train.parameters\"\n[[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\n",
    );
    let said = bench.ok("run count.toml --dpi 20 --out c");
    let row = said.stdout.lines().find(|line| line.trim_start().starts_with("2 ")).unwrap_or_default();
    assert!(row.split_whitespace().nth(1) == Some("160"), "{}", said.stdout);
    bench.ok("train --config layers --samples 40 --epochs 1 --dpi 20 --out l");
    assert!(!bench.text("l/training.svg").contains("layers with"));
}

/// Data with settings keep their name in titles, and titles hold no folders.
#[test]
fn titles_name_the_data() {
    let bench = Bench::new();
    bench.write(
        "far/away/t.csv",
        (0..40).map(|i| format!("{i},{},{}\n", i * i % 7, i % 2)).collect::<String>(),
    );
    let small = "--hidden 3 --samples 20 --dpi 20";
    for (k, (data, name)) in [
        ("spirals:noise=0.1", "spirals (noise = 0.1)"),
        ("csv:file=far/away/t.csv,label=2", "csv (file = t.csv, label = 2)"),
        ("digits", "digits"),
    ]
    .into_iter()
    .enumerate()
    {
        for seed in [0, 1] {
            bench.ok(&format!("train --data {data} {small} --epochs 1 --seed {seed} --out r{k}-{seed}"));
        }
        let runs = format!("--run r{k}-0 --run r{k}-1");
        bench.ok(&format!("sharpness {runs} --compute eigenvalues,trace --dpi 20 --out s{k}"));
        bench.ok(&format!("lr-range --data {data} {small} --steps 20 --out l{k}"));
        let comparison = bench.text(&format!("s{k}/comparison.svg"));
        assert!(comparison.contains(&format!("2 networks on {name};")), "{data}");
        let range = bench.text(&format!("l{k}/lr-range.svg"));
        assert!(range.contains(name) && !range.contains("far/away"), "{data}");
    }
}

/// A loss that reaches the ends of what there is has a picture, at once, trained and drawn again.
#[test]
fn a_loss_of_any_size_is_drawn() {
    let bench = Bench::new();
    for rate in ["1e303", "1e160", "1e306"] {
        let flags = "--precision f64 --optimizer gd --hidden none --epochs 3 --samples 60 --dpi 20";
        let run = bench.run(&format!("train {flags} --lr {rate} --out r"));
        assert!(
            matches!(run.code, Some(0 | 3)) && within(run.took, Duration::from_secs(20)),
            "{rate}: {}",
            run.stderr
        );
        assert!(bench.bytes("r/training.svg").len() < 500_000, "{rate}");
        let again = bench.ok("plot r --dpi 20 --out again");
        assert!(within(again.took, Duration::from_secs(10)), "{rate}");
    }
}
