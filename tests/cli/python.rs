//! What the Python package stands on: the list that it is written from, and the process that multiplies for it.

use crate::bench::Bench;
use losscape::base::files::sha256;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

fn repository(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_functions_of_the_package_are_those_of_the_commands() {
    let bench = Bench::new();
    let listed = bench.ok("list flags --json").stdout;
    let package = String::from_utf8(repository("python/losscape/_commands.py")).unwrap();
    let current = format!("LIST = \"{}\"", sha256(listed.as_bytes()));
    assert!(package.contains(&current), "python/generate.py writes python/losscape/_commands.py anew");
    let flags: Value = serde_json::from_str(&listed).unwrap();
    let of = |command: &str, name: &str| -> Value {
        let all = flags["flags"][command]["arguments"].as_array().unwrap().iter();
        all.clone().find(|a| a["name"] == name).cloned().unwrap_or_else(|| panic!("{command} {name}"))
    };
    for (command, name, takes, kind) in [
        ("slice", "adaptive", "optional", "number"),
        ("slice", "run", "repeated", "path"),
        ("slice", "seed", "one", "integer"),
        ("slice", "line", "switch", "boolean"),
        ("sharpness", "weight_decay", "one", "number"),
        ("sharpness", "layer", "list", "text"),
        ("run", "recipe", "repeated", "path"),
    ] {
        let argument = of(command, name);
        assert_eq!(
            (&argument["takes"], &argument["type"]),
            (&takes.into(), &kind.into()),
            "{command} {name}"
        );
    }
    let words = bench.ok("list flags").stdout;
    assert!(words.contains("\nslice --x --y") && words.contains("\nrun RECIPE --set --seeds"), "{words}");
}

/// Who draws progress itself is told by records, which nobody else is shown.
#[test]
fn progress_is_told_by_records_where_another_program_draws_it() {
    let bench = Bench::new();
    let train = "train --hidden 3 --epochs 2 --samples 60 --dpi 20 --out r";
    let mut command = bench.command();
    command.args(train.split_whitespace()).env("LOSSCAPE_PROGRESS", "records");
    let output = command.output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let records = said.lines().filter_map(|line| line.strip_prefix('\u{1e}'));
    let records: Vec<Value> = records.map(|record| serde_json::from_str(record).unwrap()).collect();
    assert!(records[0]["done"] == 0.0 && records[0]["total"].as_f64() > Some(0.0), "{said}");
    assert!(records.iter().any(|record| record["wrote"] == "r"), "{said}");
    let plain = bench.ok(&format!("{train} --fresh")).stderr;
    assert!(!plain.contains('\u{1e}') && plain.lines().count() < said.lines().count(), "{plain}");
}

/// A graph of PyTorch's, with the numbers that PyTorch has for it.
fn graph() -> Bench {
    let bench = Bench::new();
    for name in ["mlp.pt2", "mlp.npz", "mlp.json"] {
        bench.write(name, repository(&format!("tests/exported/{name}")));
    }
    bench
}

/// What the process answers to all of `requests`, and how it ends.
fn answers(bench: &Bench, arguments: &str, requests: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut command = bench.command();
    command.args(format!("product {arguments}").split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        // It may end before it has read everything.
        scope.spawn(move || drop(input.write_all(requests)));
        output.read_to_end(&mut told).unwrap();
    });
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), told, String::from_utf8(ended.stderr).unwrap())
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
}

fn request(vectors: &[Vec<f64>]) -> Vec<u8> {
    let block = vectors.iter().flatten().flat_map(|x| x.to_le_bytes());
    (vectors.len() as u64).to_le_bytes().into_iter().chain(block).collect()
}

const DOUBLE: &str = "--run mlp.pt2 --data mlp.npz --precision f64 --quiet";

#[test]
fn one_process_answers_with_the_products_that_pytorch_has() {
    let bench = graph();
    let expected = bench.json("mlp.json");
    let sine: Vec<f64> = (1..=279).map(|i| f64::from(i).sin()).collect();
    let twice: Vec<f64> = sine.iter().map(|x| 2.0 * x).collect();
    let all = [request(&[]), request(std::slice::from_ref(&sine)), request(&[twice, sine.clone()])].concat();
    let (code, told, said) = answers(&bench, DOUBLE, &all);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(&told[..8], b"products");
    assert_eq!(u64::from_le_bytes(told[8..16].try_into().unwrap()), 279);
    let told = numbers(&told[16..]);
    assert_eq!(told.len(), 1 + 5 * 279);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (gradient, first) = (&told[1..280], &told[559..838]);
    for (name, found) in [
        ("loss", told[0]),
        ("gradient_norm", dot(gradient, gradient).sqrt()),
        ("gv", dot(gradient, &sine)),
        ("vhv", dot(&sine, first)),
        ("hv_norm", dot(first, first).sqrt()),
    ] {
        let expected = expected[name].as_f64().unwrap();
        // Both in double precision, summed in another order.
        assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{name}: {found} {expected}");
    }
    let (doubled, second) = (&told[838..1117], &told[1117..]);
    assert!(second.iter().zip(first).all(|(a, b)| a.to_bits() == b.to_bits()), "a block has other numbers");
    assert!(doubled.iter().zip(first).all(|(a, b)| (a - 2.0 * b).abs() < 1e-13 * b.abs().max(1.0)));
}

#[test]
fn what_is_no_request_is_refused_in_a_line() {
    let bench = graph();
    let ones = vec![1.0; 279];
    let cut = request(&[ones])[..100].to_vec();
    for (requests, expected) in [
        (vec![1, 0, 0], "a number of eight bytes, found 3"),
        (cut, "the vectors that were announced, found its end"),
        (u64::MAX.to_le_bytes().to_vec(), "at most 1048576 vectors at once"),
        (b"GET / HTTP/1.1".to_vec(), "at most 1048576 vectors at once"),
    ] {
        let (code, _, said) = answers(&bench, DOUBLE, &requests);
        assert!(code == Some(2) && said.contains(expected), "{said}");
        assert!(said.starts_with("error: standard input: ") && said.lines().count() == 1, "{said}");
    }
    for (flags, expected) in [
        ("--run mlp.pt2 --data mlp.npz --samples 0", "--samples"),
        ("--run mlp.pt2 --data mlp.npz --stats refresh", "--stats"),
        ("--run mlp.pt2 --run mlp.pt2 --data mlp.npz", "--run"),
        ("--run mlp.pt2 --data mlp.npz --memory nan", "--memory"),
    ] {
        let (code, told, said) = answers(&bench, flags, &[]);
        assert!(code == Some(2) && said.starts_with(&format!("error: {expected}")), "{flags}: {said}");
        assert!(told.is_empty(), "{flags}");
    }
}
