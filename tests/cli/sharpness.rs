//! `losscape sharpness`: its files, table and exit codes, one network and several, parts of one, and what is refused.

use crate::bench::{Bench, TINY, at};
use losscape::base::npz::Npz;
use serde_json::Value;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --out r --quiet"));
    bench
}

/// Little enough to be done at once.
const SMALL: &str = "--exact 0 --probes 30 --density-steps 20 --density-probes 2 --dpi 20";

/// The measures, in order.
const ROWS: [&str; 11] = [
    "sam",
    "sam_ascent",
    "worst_case_l2",
    "worst_case_linf",
    "average_case_l2",
    "average_case_linf",
    "pac_bayes_sigma",
    "basin_radius",
    "fisher_rao",
    "keskar",
    "critical_sharpness",
];

fn shape(npz: &Npz, name: &str) -> Vec<usize> {
    npz.get(name).unwrap_or_else(|| panic!("no array {name}")).shape.clone()
}

#[test]
fn everything_has_its_arrays_scalars_and_pictures() {
    let bench = bench();
    let outcome = bench.ok(&format!("sharpness --run r --full --top 3 --vectors {SMALL} --out s"));
    let (json, npz) = (bench.json("s/sharpness.json"), bench.npz("s/sharpness.npz"));
    let p = at(&json, "parameters").as_u64().unwrap() as usize;
    for (name, expected) in [
        ("eigenvalues", vec![4]),
        ("residuals", vec![4]),
        ("certified", vec![4]),
        ("eigenvectors", vec![4, p]),
        ("diagonal", vec![p]),
        ("density_x", vec![1001]),
        ("density_y", vec![1001]),
        ("density_low", vec![1001]),
        ("log_density_x", vec![1001]),
        ("log_density_negative_y", vec![1001]),
    ] {
        assert_eq!(shape(&npz, name), expected, "{name}");
    }
    let values = npz.get("eigenvalues").unwrap().to_f64();
    assert!(values.windows(2).all(|w| w[0] >= w[1]), "{values:?}");
    assert_eq!(at(&json, "lambda_max.value").as_f64(), Some(values[0]));
    assert_eq!(at(&json, "lambda_min.value").as_f64(), Some(values[3]));
    for path in [
        "lambda_max.residual",
        "lambda_max.products",
        "lambda_max.interval.0",
        "lambda_max.invariant.value",
        "trace.value",
        "trace.stderr",
        "trace.probes",
        "trace.interval.0",
        "trace.invariant.value",
        "trace_hutch_plus_plus.value",
        "frobenius.value",
        "power.value",
        "outliers.share_of_trace",
        "gradient.overlap",
        "density.sigma",
        "density.negative_mass.value",
        "log_determinant.value",
        "effective_dimension.value",
        "matrices.gauss_newton.lambda_max.value",
        "matrices.fisher.trace.value",
        "matrices.empirical_fisher.lambda_max.value",
        "noise_scale.tr_sigma",
        "shift.minima.0.at.2.rise",
        "measures_cost.gradients",
    ] {
        let number = path.split('.').fold(&json, |v, key| key.parse::<usize>().map_or(&v[key], |i| &v[i]));
        assert!(number.is_number(), "{path}: {number}");
    }
    assert_eq!(at(&json, "lambda_max.certified"), true);
    assert_eq!(at(&json, "status"), "done");
    for row in ROWS {
        assert!(at(&json, "measures").get(row).is_some(), "no measure {row}");
    }
    for name in ["density.png", "density.svg", "shift.png", "eigenvectors.safetensors", "machine.json"] {
        assert!(bench.path(&format!("s/{name}")).exists(), "{name}");
    }
    assert_eq!(bench.tensors("s/eigenvectors.safetensors").get("0/0.weight").unwrap().shape, [3, 64]);
    for words in ["rescaling-invariant", "largest eigenvalue", "certified", "of the trace", "wrote s in"] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
    // Drawn again, from the files alone.
    bench.ok("plot s --dpi 20 --out again");
    assert_eq!(bench.bytes("s/density.svg"), bench.bytes("again/density.svg"));
    assert_eq!(bench.bytes("s/shift.svg"), bench.bytes("again/shift.svg"));
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    let bench = bench();
    for threads in [1, 2, 4] {
        bench.ok(&format!(
            "sharpness --run r --full --top 2 {SMALL} --threads {threads} --out t{threads} --quiet"
        ));
    }
    assert_eq!(bench.files("t1"), bench.files("t2"));
    assert_eq!(bench.files("t1"), bench.files("t4"));
    // The result can be made again from itself: its settings are all that it needs.
    let settings = at(&bench.json("t1/sharpness.json"), "settings").clone();
    let keys: toml::Table = serde_json::from_value(without_nulls(settings)).unwrap();
    bench.write("again.toml", toml::to_string(&keys).unwrap());
    bench.ok("sharpness --config again.toml --run r --dpi 20 --out again --quiet");
    assert_eq!(bench.bytes("t1/sharpness.json"), bench.bytes("again/sharpness.json"));
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        other => other,
    }
}

#[test]
fn small_operators_are_exact_and_every_eigenvalue_stands_once() {
    let bench = bench();
    let outcome = bench.ok(
        "sharpness --run r --precision f64 --compute eigenvalues,trace,norms,density,matrices,log-determinant \
         --top 200 --bottom 200 --dpi 20 --out s",
    );
    let (json, npz) = (bench.json("s/sharpness.json"), bench.npz("s/sharpness.npz"));
    let values = npz.get("eigenvalues").unwrap().to_f64();
    assert!(values.len() == 235 && values.windows(2).all(|w| w[0] >= w[1]), "{}", values.len());
    assert_eq!(npz.get("spectrum").unwrap().to_f64(), values);
    let number = |path: &str| at(&json, path).as_f64().unwrap();
    let scale = values[0];
    let near = |what: &str, found: f64, expected: f64| {
        // Sums of 235 eigenvalues, each good to some units of the largest.
        assert!((found - expected).abs() <= 1e-12 * scale, "{what}: {found}, not {expected}");
    };
    assert_eq!((number("lambda_max.value"), number("lambda_min.value")), (values[0], values[234]));
    near("trace", number("trace.value"), values.iter().sum());
    near("Hutch++", number("trace_hutch_plus_plus.value"), values.iter().sum());
    near("diagonal", npz.get("diagonal").unwrap().to_f64().iter().sum(), values.iter().sum());
    near("Frobenius", number("frobenius.squared.value"), values.iter().map(|x| x * x).sum());
    near("density's trace", number("density.trace.value"), values.iter().sum());
    let negative = values.iter().filter(|x| **x < -1e-12 * scale).count() as f64 / 235.0;
    near("negative", number("density.negative_mass.value"), negative);
    for path in [
        "trace",
        "trace.invariant",
        "frobenius",
        "density",
        "log_determinant",
        "lambda_max",
        "matrices.hessian.trace",
    ] {
        assert_eq!(at(&json, path)["exact"], true, "{path}");
    }
    for path in ["trace", "trace.invariant", "frobenius", "density.negative_mass", "log_determinant"] {
        assert_eq!(
            (&at(&json, path)["stderr"], &at(&json, path)["probes"]),
            (&0.0.into(), &0.into()),
            "{path}"
        );
    }
    assert!(!outcome.stdout.contains('\u{b1}'), "nothing is sampled: {}", outcome.stdout);
    // Nor where Lanczos finds them: a part of ten parameters, all of whose ends meet.
    for exact in ["--exact 0", ""] {
        let flags = "--layer 2 --role bias --precision f64 --tolerance 1e-9 --compute eigenvalues --top 10 --bottom 7";
        bench.ok(&format!("sharpness --run r {flags} {exact} --dpi 20 --out t --quiet"));
        let values = bench.npz("t/sharpness.npz").get("eigenvalues").unwrap().to_f64();
        assert!(values.len() == 10 && values.windows(2).all(|w| w[0] >= w[1]), "{exact}: {values:?}");
        let distinct = values.windows(2).filter(|w| w[0] - w[1] > 1e-12).count();
        assert_eq!(distinct, 9, "{exact}: each of ten stands once: {values:?}");
    }
    // What is estimated agrees with it.
    bench.ok("sharpness --run r --precision f64 --exact 0 --compute trace,norms --probes 200 --dpi 20 --out e --quiet");
    let estimated = bench.json("e/sharpness.json");
    for path in ["trace", "trace.invariant", "frobenius"] {
        let of = |json: &Value, key: &str| at(json, path)[key].as_f64().unwrap();
        let z = (of(&estimated, "value") - of(&json, "value")) / of(&estimated, "stderr");
        assert!(z.abs() <= 4.0 && at(&estimated, path)["exact"] == false, "{path}: {z}");
    }
}

#[test]
fn certificates_say_of_what_they_are() {
    let bench = bench();
    let of = |flags: &str| {
        let outcome =
            bench.ok(&format!("sharpness --run r --compute eigenvalues,matrices {flags} --dpi 20 --out s"));
        let words = at(&bench.json("s/sharpness.json"), "certificates_of").as_str().unwrap().to_owned();
        assert!(outcome.stdout.contains(&words), "{}", outcome.stdout);
        words
    };
    assert_eq!(of(""), "the Hessian of the mean loss over all 60 training samples");
    assert_eq!(of("--samples 20"), "the Hessian of the mean loss over the first 20 of 60 training samples");
    assert!(
        of("--operator fisher --draws 1").starts_with("the Fisher matrix of one draw of one target a sample")
    );
    let json = bench.json("s/sharpness.json");
    assert!(at(&json, "matrices.fisher.certificates_of").as_str().unwrap().contains("one draw"));
    assert_eq!(at(&json, "draws.lambda_max.values").as_array().unwrap().len(), 5);
    assert!(of("--operator fisher").contains("of this loss the Gauss-Newton matrix"));
    let json = bench.json("s/sharpness.json");
    assert_eq!(
        at(&json, "matrices.fisher.lambda_max.value"),
        at(&json, "matrices.gauss_newton.lambda_max.value")
    );
    // Errors say over what.
    let outcome = bench.ok("sharpness --run r --exact 0 --probes 4 --compute trace,measures --measures sam:m=20 --dpi 20 --out e");
    for words in [
        "\u{b1} of trace: a standard error over 4 probes, where 95 % lies within 3.2 of them (Student's t)",
        "a standard error over 3 random batches of 20",
    ] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
}

#[test]
fn several_networks_stand_in_one_table_and_picture() {
    let bench = bench();
    bench.ok(&format!("train {TINY} --seed 1 --out q --quiet"));
    bench.ok("train --hidden 5 --epochs 1 --samples 60 --dpi 20 --out wide --quiet");
    let flags = format!("--compute eigenvalues,trace,density --top 2 {SMALL}");
    let outcome = bench.ok(&format!("sharpness --run r --run q --run wide {flags} --out s"));
    let (json, npz) = (bench.json("s/sharpness.json"), bench.npz("s/sharpness.npz"));
    let labels: Vec<&str> =
        json["runs"].as_array().unwrap().iter().map(|r| r["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["r", "q", "wide"]);
    assert_eq!((shape(&npz, "eigenvalues"), shape(&npz, "density_y")), (vec![3, 3], vec![3, 1001]));
    for name in ["density.png", "comparison.png", "comparison.svg"] {
        assert!(bench.path(&format!("s/{name}")).exists(), "{name}");
    }
    assert!(
        outcome.stdout.contains("r ")
            && outcome.stdout.contains("wide")
            && outcome.stdout.contains("test loss")
    );
    // Each is what it is alone.
    bench.ok(&format!("sharpness --run q {flags} --out alone --quiet"));
    let alone = bench.npz("alone/sharpness.npz").get("eigenvalues").unwrap().to_f64();
    assert_eq!(npz.get("eigenvalues").unwrap().to_f64()[3..6], alone);
    // Vectors of different lengths stand apart.
    bench.ok(&format!("sharpness --run r --run wide --vectors {flags} --out v --quiet"));
    assert_eq!(shape(&bench.npz("v/sharpness.npz"), "eigenvectors_1")[0], 3);
    assert!(bench.tensors("v/eigenvectors.safetensors").get("1/2/0.weight").is_some());
}

#[test]
fn parts_of_the_parameters_and_weight_decay_are_what_they_say() {
    let bench = bench();
    let value = |flags: &str, path: &str| {
        bench.ok(&format!("sharpness --run r --precision f64 --tolerance 1e-9 --top 1 --compute eigenvalues {flags} --dpi 20 --out s --quiet"));
        at(&bench.json("s/sharpness.json"), path).as_f64().unwrap()
    };
    let whole = value("", "lambda_max.value");
    let decayed = value("--weight-decay 0.25", "lambda_max.value");
    assert!((decayed - whole - 0.25).abs() < 1e-7, "{decayed} {whole}");
    // Cauchy's interlacing: a part has no larger eigenvalue.
    let part = value("--layer 2", "lambda_max.value");
    assert!(part <= whole + 1e-9 && part > 0.0);
    assert_eq!(value("--layer 2", "dimension"), 40.0);
    assert_eq!(value("--role bias", "dimension"), 13.0);
    assert_eq!(value("--layer 2 --role bias", "dimension"), 10.0);
    // The bottom layer of a softmax network is softmax regression: the Gauss-Newton matrix is its Hessian.
    let gauss_newton = value("--layer 2 --operator gauss-newton", "lambda_max.value");
    assert!((gauss_newton - part).abs() < 1e-9 * part, "{gauss_newton} {part}");
}

#[test]
fn quick_answers_and_json_alone_on_standard_output() {
    let bench = bench();
    let outcome = bench.ok("sharpness --run r --quick --exact 0 --dpi 20 --out s --json");
    let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(json, bench.json("s/sharpness.json"));
    assert!(json.get("density").is_none() && at(&json, "trace.probes") == 10);
    assert!(json["lambda_max"]["invariant"]["value"].is_number());
    let left: Vec<&str> = json["left_out"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(left, ["density, noise scale and the measures (--compute)"], "all samples fit");
    // A small operator is quick to write out, whatever was asked for.
    let json: Value =
        serde_json::from_str(&bench.ok("sharpness --run r --quick --dpi 20 --out t --json").stdout).unwrap();
    assert_eq!((at(&json, "trace.exact"), at(&json, "lambda_max.stop")), (&true.into(), &"exact".into()));
}

#[test]
fn what_did_not_converge_is_exit_code_three() {
    let bench = bench();
    let flags =
        "sharpness --run r --exact 0 --compute eigenvalues --steps 4 --top 2 --tolerance 1e-6 --dpi 20";
    let outcome = bench.run(&format!("{flags} --out s"));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("did not converge in 4 steps"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("NOT converged"), "{}", outcome.stdout);
    let json = bench.json("s/sharpness.json");
    assert_eq!(
        (at(&json, "lambda_max.converged"), at(&json, "lambda_max.stop")),
        (&false.into(), &"most-steps".into())
    );
    bench.ok(&format!("{flags} --allow-unconverged --out t"));
}

#[test]
fn raw_measures_alone_come_with_a_warning() {
    let bench = bench();
    for (flags, warns) in [
        ("--compute measures --measures keskar", true),
        ("--compute trace --columns raw", true),
        ("--compute measures --measures average-case", false),
    ] {
        let outcome = bench.ok(&format!("sharpness --run r {flags} --probes 2 --dpi 20 --out s"));
        assert_eq!(
            outcome.stderr.contains("warning: only raw measures"),
            warns,
            "{flags}: {}",
            outcome.stderr
        );
        let warnings = bench.json("s/sharpness.json")["warnings"].as_array().unwrap().len();
        assert_eq!(warnings, usize::from(warns), "{flags}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = bench();
    for (flags, where_, hint) in [
        ("--tolerance 0", "--tolerance", "between 0 and 1"),
        ("--top 0", "--top", "1 to"),
        ("--steps 0", "--steps", "1 to"),
        ("--layer 3", "--layer", "expected"),
        ("--layer 2.wieght", "--layer", "did you mean `2.weight`?"),
        ("--layer 0 --role mixture", "--layer, --role", "none that are both"),
        ("--compute eigenvalus", "--compute", "did you mean `eigenvalues`?"),
        ("--measures kesker", "--measures", "did you mean `keskar`?"),
        ("--measures sam,sam:m=10", "--measures", "each kind once"),
        ("--stats refresh", "--stats", "running or batch"),
        ("--stats batch", "--stats", "batch or switchable norm"),
        ("--samples 61", "--samples", "1 to 60"),
        ("--eps 0", "--eps", "above 0"),
        ("--weight-decay -1", "--weight-decay", "at least 0"),
        ("--labels a,b", "--labels", "found 2"),
        ("--run nowhere", "nowhere", "expected"),
        ("--probes 1", "--probes", "2 to"),
        ("--memory 0", "--memory", "above 0"),
    ] {
        let line = bench.refused(&format!("sharpness --run r --out new/s {flags}"), where_);
        assert!(line.contains(hint), "{flags}: {line}");
    }
    bench.ok(
        "train --data spirals --model linear --loss hinge --epochs 1 --samples 40 --dpi 20 --out h --quiet",
    );
    let line =
        bench.refused("sharpness --run h --operator fisher --compute trace --out new/s", "--operator fisher");
    assert!(line.contains("log-likelihood"), "{line}");
    assert!(bench.refused("sharpness --run r --out r", "--out").contains("apart from what is read"));
}

#[test]
fn batch_statistics_have_no_gradients_of_single_samples() {
    let bench = Bench::new();
    bench.ok("train --data digits --model cnn:channels=[2],norm=batch --epochs 1 --samples 60 --batch-size 20 --dpi 20 --out r --quiet");
    let flags = "--top 1 --density-steps 10 --density-probes 1 --probes 4 --dpi 20";
    bench.ok(&format!(
        "sharpness --run r --stats batch --compute eigenvalues,trace,noise,matrices {flags} --out s --quiet"
    ));
    let json = bench.json("s/sharpness.json");
    assert_eq!(at(&json, "norm_statistics"), "of groups of 20");
    assert!(at(&json, "matrices.gauss_newton.trace.value").is_number());
    assert!(at(&json, "matrices.empirical_fisher.status").as_str().unwrap().contains("--stats batch"));
    bench.ok(&format!("sharpness --run r --compute eigenvalues {flags} --out f --quiet"));
    let frozen = bench.json("f/sharpness.json");
    assert_eq!(at(&frozen, "norm_statistics"), "running, frozen");
    assert_ne!(at(&frozen, "lambda_max.value"), at(&json, "lambda_max.value"));
    let line = bench.refused(
        "sharpness --run r --stats batch --operator empirical-fisher --out n",
        "--operator empirical-fisher",
    );
    assert!(line.contains("a gradient of its own"), "{line}");
}

#[test]
fn a_learning_coefficient_has_its_interval_chains_and_verdict() {
    let bench = bench();
    let asked = "sharpness --run r --compute learning-coefficient --dpi 20";
    let chains = "mala:gamma=1000,burn-in=200,draws=800,ess=50,rhat=1.1";
    let said = bench.ok(&format!("{asked} --sampler {chains} --out s")).stdout;
    assert!(said.contains("learning coefficient") && said.contains("converged: R-hat"), "{said}");
    let (json, npz) = (bench.json("s/sharpness.json"), bench.npz("s/sharpness.npz"));
    let number = |key: &str| at(&json, &format!("learning_coefficient.{key}")).as_f64().unwrap_or(f64::NAN);
    let end = |i: usize| at(&json, "learning_coefficient.interval")[i].as_f64().unwrap_or(f64::NAN);
    let (value, low, high) = (number("value"), end(0), end(1));
    assert!(
        low < value && value < high && number("rhat") <= 1.1 && number("ess") >= 50.0,
        "{low} {value} {high}"
    );
    assert!((0.4..0.75).contains(&number("acceptance")), "{}", number("acceptance"));
    assert_eq!(at(&json, "learning_coefficient.sampler.kind"), "mala");
    for name in ["learning_coefficient_rises", "learning_coefficient_distances"] {
        assert_eq!(shape(&npz, name), [4, 1000], "{name}");
    }
    let rises = npz.get("learning_coefficient_rises").unwrap().to_f64();
    let counted: Vec<f64> = rises.chunks(1000).flat_map(|chain| chain[200..].to_vec()).collect();
    let mean = counted.iter().sum::<f64>() / counted.len() as f64;
    assert!((mean / value - 1.0).abs() < 1e-9, "{mean}, not {value}");
    assert!(bench.path("s/learning-coefficient.png").exists());
    // Threads change no byte, and a stop and what goes on neither.
    bench.ok(&format!("{asked} --sampler {chains} --threads 1 --quiet --out one"));
    assert_eq!(bench.bytes("one/sharpness.json"), bench.bytes("s/sharpness.json"));
    assert_eq!(bench.bytes("one/sharpness.npz"), bench.bytes("s/sharpness.npz"));
    // Too few steps are no number, exit code 3, and a reason.
    let few = "mala:gamma=1,burn-in=10,draws=20";
    let outcome = bench.run(&format!("{asked} --sampler {few} --out t"));
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("learning coefficient: not converged") && outcome.stderr.contains("burn-in")
    );
    let json = bench.json("t/sharpness.json");
    assert!(at(&json, "learning_coefficient.value").is_null());
    assert!(at(&json, "learning_coefficient.estimate").is_number());
    assert_eq!(at(&json, "status"), "done, with chains that did not converge");
    bench.ok(&format!("{asked} --sampler {few} --allow-unconverged --out t"));
    // Of a part of the parameters.
    bench.ok(&format!("{asked} --role bias --sampler {chains} --out u"));
    let json = bench.json("u/sharpness.json");
    assert_eq!(at(&json, "learning_coefficient.dimension"), at(&json, "dimension"));
    let said = bench.refused(&format!("{asked} --sampler mala:chains=1"), "--sampler");
    assert!(said.contains("chains"), "{said}");
}

#[test]
#[cfg(unix)]
fn a_stopped_spectrum_says_what_is_known_and_ends_there_when_asked() {
    let bench = Bench::new();
    bench.ok("train --hidden 256,256 --epochs 1 --out r --quiet");
    // So close a residual of the edge of the bulk takes hundreds of products.
    let command =
        "sharpness --run r --compute eigenvalues --top 1 --columns raw --exact 0 --dpi 20 --quiet --out o";
    let log = "o/sharpness-0-eigenvalues-products.log";
    let (code, said) =
        bench.stopped(&format!("{command} --tolerance 1e-12 --steps 8000"), "INT", log, |n| n > 1_000_000);
    assert_eq!(code, Some(130), "{said}");
    for words in
        ["lambda_max ", "lambda_min -", "residual", "none above ", " products of the next are kept in o"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let steps = said.split("--steps ").nth(1).and_then(|rest| rest.split(' ').next()).expect("--steps N");
    // The products are used by what asks for less; those of another network's data would be refused.
    let line = bench.refused(&format!("{command} --samples 100"), "o/sharpness-0-eigenvalues-products.log");
    assert!(line.contains("--fresh discards it"), "{line}");
    bench.ok(&format!("{command} --tolerance 1e-12 --steps {steps} --allow-unconverged"));
    let json = bench.json("o/sharpness.json");
    for end in ["lambda_max", "lambda_min"] {
        assert_eq!(at(&json, &format!("{end}.stop")), "most-steps");
        assert_eq!(at(&json, &format!("{end}.steps")).to_string(), steps);
        let number = |key: &str| at(&json, &format!("{end}.{key}")).as_f64().expect("a number");
        let sign = if end == "lambda_max" { 1.0 } else { -1.0 };
        assert!(sign * (number("bound") - number("value")) >= 0.0 && number("level") < 0.1);
    }
    assert!(!bench.path(log).exists());
}

#[test]
fn a_basis_that_memory_leaves_no_room_for_restarts_and_says_so() {
    let bench = bench();
    let command =
        format!("sharpness --run r --compute eigenvalues --top 1 --columns raw --tolerance 1e-7 {SMALL}");
    bench.ok(&format!("{command} --out whole"));
    bench.ok(&format!("{command} --memory 0.0001 --out few"));
    let [whole, few] = ["whole", "few"].map(|out| bench.json(&format!("{out}/sharpness.json")));
    assert_eq!(at(&whole, "lambda_max.restarts"), 0);
    assert!(at(&few, "lambda_max.restarts").as_u64().is_some_and(|n| n > 0), "{}", few["lambda_max"]);
    for end in ["lambda_max", "lambda_min"] {
        assert_eq!(at(&few, &format!("{end}.certified")), true);
        let [a, b] = [&whole, &few].map(|json| at(json, &format!("{end}.value")).as_f64().expect("a number"));
        let scale = at(&whole, "lambda_max.value").as_f64().expect("a number");
        // Each is off by no more than its residual, a ten millionth, and rounding in f32.
        assert!((a - b).abs() <= 1e-6 * scale, "{end}: {a}, {b}");
    }
}
