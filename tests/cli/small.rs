//! Few samples, settings of zero and one, and state that is not what training left: what is asked for is done, or refused by
//! the name of what was given.

use crate::bench::{Bench, at};

/// The digits in a table of n rows, with 3 features and 2 classes.
fn table(bench: &Bench, name: &str, n: usize) {
    let number = |i: usize, step: f64| (i as f64 + 1.0) * step % 1.0;
    let row = |i: usize| format!("{},{},{},{}\n", number(i, 0.37), number(i, 0.61), number(i, 0.83), i % 2);
    bench.write(name, (0..n).map(row).collect::<String>());
}

#[test]
fn batches_too_small_for_statistics_join_others_and_that_is_said_once() {
    let bench = Bench::new();
    let run = "train --hidden 4 --norm batch --epochs 2 --samples 65 --dpi 20";
    let said = bench.ok(&format!("{run} --batch-size 64 --out r"));
    assert_eq!(said.stderr.matches("joins the batch before").count(), 1, "{}", said.stderr);
    let record = bench.json("r/run.json");
    assert_eq!((at(&record, "steps"), record["batches"].is_string()), (&2.into(), true));
    // Without batch statistics a batch of one is one.
    bench.ok(&run.replace("--norm batch", "--quiet --batch-size 64 --out plain"));
    let record = bench.json("plain/run.json");
    assert_eq!((at(&record, "steps"), record.get("batches")), (&4.into(), None));
    // Images have several values a channel: one of them will do.
    let images =
        "train --model cnn:channels=[2],hidden=[] --norm batch --samples 3 --epochs 1 --dpi 20 --quiet";
    bench.ok(&format!("{images} --batch-size 1 --out images"));
    for (flags, at, words) in [
        ("--batch-size 1", "--batch-size: ", "at least 2 samples"),
        ("--batch-size 64 --workers 64", "--workers: ", "at most 32"),
        ("--batch-size 5 --workers 3", "--workers: ", "at most 2"),
        ("--optimizer lbfgs --samples 1", "training: ", "at least 2 samples"),
        ("--probe sharpness:9 --probe-samples 1", "--probe-samples: ", "at least 2 samples"),
    ] {
        let own =
            if flags.contains("--samples 1") { run.replace(" --samples 65", "") } else { run.to_owned() };
        let line = bench.refused(&format!("{own} {flags} --out other"), at);
        assert!(line.contains(words), "{line}");
    }
    bench.refused("lr-range --norm batch --batch-size 1", "--batch-size: ");
    for (command, at) in [
        ("slice --run r --stats batch --stat-batch 1", "--stat-batch: "),
        ("slice --run r --stats batch --samples 1", "--stats batch: training samples: "),
        ("sharpness --run r --stats batch --samples 1", "--stats batch: training samples: "),
        ("connect --from r --to s --curve linear --samples 1", "refreshed statistics: "),
        ("connect --from r --to s --batch-size 1", "--batch-size: "),
    ] {
        if command.starts_with("connect") && !bench.path("s").exists() {
            bench.ok(&format!("{run} --seed 1 --quiet --out s"));
        }
        assert!(bench.refused(&format!("{command} --quiet --out x"), at).contains("at least 2 samples"));
        std::fs::remove_dir_all(bench.path("x")).ok();
    }
    // A curve over batches with a tail of one says so too, once.
    let said = bench.ok("connect --from r --to s --epochs 1 --points 3 --plane 0 --dpi 20 --out c");
    assert_eq!(said.stderr.matches("joins the batch before").count(), 1, "{}", said.stderr);
}

#[test]
fn with_spectral_norm_every_center_is_the_loss_that_training_reported() {
    let bench = Bench::new();
    let run = "train --hidden 6,5 --norm spectral --epochs 2 --samples 90 --lr 0.2 --quiet --dpi 20";
    bench.ok(&format!("{run} --out a"));
    bench.ok(&format!("{run} --seed 1 --out b"));
    let reported =
        ["a", "b"].map(|run| at(&bench.json(&format!("{run}/run.json")), "final.train_loss").clone());
    let grid = "--x=-1:1:5 --y=-1:1:3";
    let center = |flags: &str, file: &str| {
        bench.ok(&format!("{flags} --quiet --dpi 20 --out x"));
        let found = bench.json(&format!("x/{file}.json"));
        (at(&found, "center.train_loss").clone(), found["norm_statistics"].as_str().unwrap().to_owned())
    };
    let words = "singular vectors frozen".to_owned();
    assert_eq!(center(&format!("slice --run a {grid}"), "slice"), (reported[0].clone(), words.clone()));
    let quick = "sharpness --run a --compute trace --probes 2";
    assert_eq!(center(quick, "sharpness"), (reported[0].clone(), words));
    // Renewed vectors are another function, which the result says.
    let (other, words) = center(&format!("slice --run a {grid} --stats refresh"), "slice");
    assert!(other != reported[0] && words == "singular vectors renewed at every point", "{other} {words}");
    // Through B they move along: each mark has the loss of its own network.
    let (own, words) = center("slice --run a --directions through:b=b --line --x 0:1:3", "slice");
    assert_eq!((own, words.as_str()), (reported[0].clone(), "singular vectors moved with the weights"));
    let losses = bench.npz("x/slice.npz").get("train_loss").unwrap().to_f64();
    let [a, b] = [&reported[0], &reported[1]].map(|x| x.as_f64().unwrap());
    // Single precision.
    let far = [losses[0] / a, losses[2] / b].map(|ratio| (ratio - 1.0).abs());
    assert!(far.iter().all(|far| *far < 1e-4), "{losses:?}, {a}, {b}");
    assert!(losses[1].is_finite() && losses[1] < 50.0, "{losses:?}");
    // A path's ends are treated as what lies between; where that is recomputed the result says why.
    let ends = |flags: &str| {
        bench.ok(&format!(
            "connect --from a --to b --curve linear --points 3 --plane 0 {flags} --quiet --dpi 20 --out c"
        ));
        let found = bench.json("c/connect.json");
        let ends = [0, 1].map(|i| found["endpoints"][i]["train_loss"].as_f64().unwrap());
        (ends, found["norm_statistics"].as_str().unwrap().to_owned())
    };
    let (kept, words) = ends("--between interpolate");
    assert_eq!((kept, words.as_str()), ([a, b], "singular vectors moved with the weights"));
    let (anew, words) = ends("");
    assert!(
        anew != kept && words.contains("whose losses training reported with what it left them"),
        "{words}"
    );
    // Networks that are looked at one by one are what training left.
    bench.ok("ensemble --run a --cycles 1 --cycle 1 --independent 0 --plane 0 --quiet --dpi 20 --out e");
    assert_eq!(at(&bench.json("e/ensemble.json"), "start.train_loss"), &reported[0]);
    bench.ok("train --hidden 6,5 --norm batch --epochs 2 --samples 90 --quiet --dpi 20 --out n");
    bench.ok("ensemble --run n --cycles 1 --cycle 1 --independent 0 --plane 0 --quiet --dpi 20 --out e");
    let found = [at(&bench.json("e/ensemble.json"), "start.train_loss").clone()];
    assert_eq!(found[0], *at(&bench.json("n/run.json"), "final.train_loss"));
    // Along training too.
    bench.ok(&format!("{run} --probe sharpness:1000 --out p"));
    let probed = bench.npz("p/probes.npz").get("train_loss").unwrap().to_f64();
    assert_eq!(probed.last(), Some(&a));
}

#[test]
fn no_test_set_is_none_in_every_command() {
    let bench = Bench::new();
    table(&bench, "t.csv", 40);
    let data = "--data csv:file=t.csv,test=0";
    let run = |flags: &str| bench.ok(&format!("train {data} --hidden 3 --epochs 2 {flags} --dpi 20"));
    let said = run("--out r");
    let record = bench.json("r/run.json");
    assert_eq!(record["samples"], serde_json::json!({"train": 40, "test": 0}));
    assert_eq!(
        (at(&record, "final_status"), at(&record, "final").get("test_loss")),
        (&"computed".into(), None)
    );
    assert_eq!(at(&record, "best.by"), "train_loss");
    for text in [&said.stdout, &said.stderr] {
        assert!(!text.contains("not a number") && !text.contains("test    loss"), "{text}");
    }
    run("--seed 1 --quiet --out s");
    run("--seed 2 --quiet --out q");
    for command in [
        "train --data csv:file=t.csv,test=0 --hidden 3 --epochs 1 --seeds 2 --out seeds",
        "slice --run r --x 3 --y 3 --out slice",
        "sharpness --run r --run s --compute trace --probes 2 --out sharpness",
        "connect --from r --to s --epochs 1 --points 3 --plane 3 --out connect",
        "minima --run r --run s --run q --points 3 --out minima",
        "simplex --run r --run s --epochs 1 --points 4 --members 2 --plane 0 --out simplex",
        "ensemble --run r --cycles 2 --cycle 1 --independent 1 --plane 0 --out ensemble",
        "instability --data csv:file=t.csv,test=0 --hidden 3 --epochs 1 --seeds 1 --points 3 --out instability",
        "lr-range --data csv:file=t.csv,test=0 --hidden 3 --out range",
        "data csv:file=t.csv,test=0 --out data",
    ] {
        let said = bench.ok(&format!("{command} --dpi 20"));
        assert!(!said.stdout.contains("not a number"), "{command}: {}", said.stdout);
        assert!(!said.stderr.contains("not a number"), "{command}: {}", said.stderr);
    }
    // Test samples of its own do not make an archive disobey.
    bench.ok("data digits --quiet --dpi 20 --out digits");
    bench.ok("train --data npz:file=digits/data.npz,test=0 --hidden 2 --epochs 0 --quiet --dpi 20 --out own");
    assert_eq!(bench.json("own/run.json")["samples"], serde_json::json!({"train": 1297, "test": 0}));
    // A share that is not 0 holds out one sample at least, and never the last one to train on.
    for (n, test, counts) in [(40, "0.001", [39, 1]), (2, "0.9", [1, 1])] {
        table(&bench, "n.csv", n);
        let data = format!("--data csv:file=n.csv,test={test},label=2,task=regression --loss squared-error");
        bench.ok(&format!("train {data} --hidden 3 --epochs 1 --quiet --dpi 20 --out n{n}"));
        let samples = bench.json(&format!("n{n}/run.json"))["samples"].clone();
        assert_eq!(samples, serde_json::json!({"train": counts[0], "test": counts[1]}), "{n}, {test}");
    }
}

#[test]
fn defaults_make_no_request_impossible() {
    let bench = Bench::new();
    for n in [3, 6] {
        table(&bench, "t.csv", n);
        let data = "--data csv:file=t.csv --hidden 2";
        bench.ok(&format!("train {data} --epochs 1 --quiet --dpi 20 --out r{n}"));
        let commands = [
            format!("slice --run r{n} --x 3 --y 3"),
            format!("sharpness --run r{n}"),
            format!("ensemble --run r{n} --cycles 1 --cycle 2 --independent 1 --plane 3"),
            format!("ticket {data} --rounds 1 --seeds 1 --epochs 1 --points 3"),
            format!("instability {data} --seeds 1 --epochs 1 --points 3"),
            format!("lr-range {data}"),
            format!("propagate {data} --seeds 1"),
            format!("smoothness {data} --steps 2 --every 1"),
            format!(
                "critical {data} --initial 1 --training 1 --minimum 1 --saddle 1 --runs 1 --epochs 2 --steps 2"
            ),
        ];
        for (i, command) in commands.iter().enumerate() {
            let found = bench.run(&format!("{command} --quiet --dpi 20 --out x{n}{i}"));
            // What did not converge is another matter than what is refused.
            assert!(matches!(found.code, Some(0 | 3)), "{n}, {command}: {}", found.stderr);
        }
    }
    // The noise scale alone has no number where there is nothing to compare.
    bench.ok("sharpness --run r6 --samples 1 --quiet --dpi 20 --out one");
    let noise = bench.json("one/sharpness.json")["noise_scale"].clone();
    assert!(
        noise["value"].is_null() && noise["status"].as_str().unwrap().contains("at least 2 samples"),
        "{noise}"
    );
    bench.refused("sharpness --run r6 --noise-batch 9 --out other", "--noise-batch: ");
    // What was given and cannot be is named.
    table(&bench, "t.csv", 6);
    let data = "--data csv:file=t.csv --hidden 2 --epochs 1 --quiet";
    bench.refused(&format!("ticket {data} --stability true --out t"), "--stability: ");
    bench.refused(&format!("instability {data} --branch 0,99 --out i"), "--branch: ");
    bench.refused("propagate --data csv:file=t.csv --samples 99", "--samples: ");
    bench.refused("smoothness --data csv:file=t.csv --probe-samples 99", "--probe-samples: ");
    bench.refused("critical --data csv:file=t.csv --samples 99", "--samples: ");
    bench.refused("propagate --data csv:file=t.csv --samples 3 --jacobian-samples 4", "--jacobian-samples: ");
    bench.refused("slice --run r6 --test-samples 99 --out other", "--test-samples: ");
    // Batches that nobody asked for do not stand against an optimizer that takes all samples at once.
    bench.ok("ensemble --run r6 --optimizer gd --cycles 1 --cycle 2 --independent 0 --plane 0 --quiet --dpi 20 --out x");
    bench.ok(&format!("ticket {data} --optimizer gd --rounds 1 --seeds 1 --dpi 20 --out gd"));
    bench.ok(&format!(
        "smoothness {} --optimizer gd --steps 2 --every 1 --quiet --dpi 20 --out gd",
        "--data csv:file=t.csv --hidden 2"
    ));
    let refused = bench.run(&format!("ticket {data} --optimizer gd --batch-size 2 --out t"));
    assert!(refused.stderr.starts_with("error: --batch-size: "), "{}", refused.stderr);
    // After the largest seed comes 0, where a command takes the seeds after a run's own.
    bench.ok(&format!("train {data} --seed 9223372036854775807 --dpi 20 --out last"));
    bench.ok("ensemble --run last --cycles 1 --cycle 2 --independent 1 --plane 0 --quiet --dpi 20 --out x");
    assert!(bench.path("x/seed-0").is_dir());
    // A run by a line search leaves no rate to swing: the usual optimizer takes over.
    bench.ok("train --data csv:file=t.csv --hidden 2 --optimizer lbfgs --epochs 2 --quiet --dpi 20 --out l");
    bench.ok("ensemble --run l --cycles 1 --cycle 2 --independent 0 --plane 0 --quiet --dpi 20 --out x");
}

#[test]
fn recipes_run_over_fewer_samples_than_the_smoke_scale_asks_for() {
    let bench = Bench::new();
    table(&bench, "t.csv", 30);
    let recipe = "claim = \"wide is better\"\n[train]\ndata = \"csv:file=t.csv\"\nhidden = [3]\nepochs = 2\n\
                  [[vary]]\nname = \"width\"\nset = \"train.hidden\"\nvalues = [\"2\", \"3\"]\n\
                  [pass.propagate]\ndata = \"csv:file=t.csv\"\nhidden = [3]\nseeds = 1\n\
                  [[measure]]\nname = \"loss\"\nof = \"train.final.train_loss\"\n";
    bench.write("few.toml", recipe);
    bench.ok("run few.toml --quiet --dpi 20 --out full");
    bench.ok("run few.toml --scale quick --quiet --dpi 20 --out small");
    // A scale of the recipe's own is held to what there is, too; a request is not.
    bench.write(
        "own.toml",
        format!("{recipe}[scale.quick]\nset = {{\"train.samples\" = 999, \"train.epochs\" = 1}}\n"),
    );
    bench.ok("run own.toml --quiet --dpi 20 --out own");
    let refused = bench.run("run few.toml --set train.samples=999 --quiet --out other");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.starts_with("error: --samples: expected 1 to "), "{}", refused.stderr);
}

#[test]
fn of_a_hessian_that_is_zero_only_the_ratio_has_no_number() {
    let bench = Bench::new();
    bench.ok(
        "train --hidden 3,3 --bias false --init naive:std=0 --epochs 0 --samples 40 --quiet --dpi 20 --out z",
    );
    bench.ok("slice --run z --maps spectrum --x 3 --y 3 --quiet --dpi 20 --out s");
    let found = bench.json("s/slice.json");
    for name in ["lambda_min", "lambda_max", "lambda_residual"] {
        assert_eq!(
            (at(&found, &format!("{name}.max.value")), at(&found, &format!("{name}.not_finite"))),
            (&0.0.into(), &0.into()),
            "{name}"
        );
    }
    let ratio = &found["lambda_ratio"];
    assert_eq!(ratio["status"], "no number at 9 points, where the largest eigenvalue is 0");
    assert!(ratio["max"].is_null() && found["status"] == "done", "{ratio}");
    assert!(found["center_status"].as_str().unwrap().contains("the largest eigenvalue is 0"));
}
