//! Files that are not what they should be: each is refused in one line, and none is run. `tests/fuzz` tries mutations of them.

use crate::exported::file;
use losscape::base::Result;
use losscape::nn::Mode;
use losscape::nn::graph::{Graph, Sizes};
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The entries of an archive.
fn entries(name: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(file(&format!("{name}.pt2"))).expect("an archive");
    let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("a zip archive");
    let read = |i: usize| {
        let mut entry = zip.by_index(i).expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("bytes");
        (entry.name().expect("a name").into_owned(), bytes)
    };
    (0..entries_of(name)).map(read).collect()
}

fn entries_of(name: &str) -> usize {
    let bytes = std::fs::read(file(&format!("{name}.pt2"))).expect("an archive");
    ZipArchive::new(Cursor::new(bytes)).expect("a zip archive").len()
}

/// An archive of entries.
fn archive(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method))
            .expect("an entry");
        zip.write_all(bytes).expect("bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

/// Reads an archive and records its graph for some samples, as every analysis does.
fn understood(bytes: &[u8]) -> Result<()> {
    let graph = Graph::from_bytes("model.pt2", bytes)?;
    let batch = graph.batch_symbol().unwrap_or_default().to_owned();
    let packing = graph.packing(&Sizes { batch, ..Sizes::default() })?;
    graph.lower(&packing, packing.group.unwrap_or(4), Mode::Running)?;
    graph.lower(&packing, packing.group.unwrap_or(3), Mode::Batch).map(|_| ())
}

/// The archive of a network with its graph changed.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut all = entries(name);
    let model = all.iter_mut().find(|(name, _)| name.ends_with("models/model.json")).expect("a graph");
    let mut json: Value = serde_json::from_slice(&model.1).expect("JSON");
    change(&mut json);
    model.1 = json.to_string().into_bytes();
    archive(&all, CompressionMethod::Stored)
}

fn refusal(bytes: &[u8]) -> String {
    let error = understood(bytes).expect_err("a refusal");
    assert_eq!(error.exit_code(), 2, "{error}");
    let text = error.to_string();
    assert!(text.contains("expected") && !text.contains('\n') && text.len() < 800, "{text}");
    text
}

fn node<'a>(json: &'a mut Value, target: &str) -> &'a mut Value {
    let nodes = json["graph_module"]["graph"]["nodes"].as_array_mut().expect("nodes");
    nodes.iter_mut().find(|n| n["target"].as_str().is_some_and(|t| t.contains(target))).expect("a node")
}

#[test]
fn an_operator_that_nobody_knows_is_named_with_its_module() {
    let bytes = changed("mlp", |json| node(json, "tanh")["target"] = json!("torch.ops.aten.tanhh.default"));
    let text = refusal(&bytes);
    assert!(text.starts_with("aten.tanhh.default in model.1: ") && text.contains("nearest: tanh"), "{text}");
}

#[test]
fn graphs_that_mean_something_else_than_they_say_are_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("a value that is made nowhere", |j| {
            node(j, "tanh")["inputs"][0]["arg"] = json!({"as_tensor": {"name": "nowhere"}})
        }),
        ("a result of another shape", |j| {
            j["graph_module"]["graph"]["tensor_values"]["linear"]["sizes"][1] = json!({"as_int": 11})
        }),
        ("a result of another type", |j| {
            j["graph_module"]["graph"]["tensor_values"]["tanh"]["dtype"] = json!(5)
        }),
        ("an argument that nobody knows", |j| {
            node(j, "tanh")["inputs"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "slope", "arg": {"as_float": 2.0}}))
        }),
        ("an argument under another name", |j| node(j, "linear")["inputs"][2]["name"] = json!("bais")),
        ("a parameter of another shape", |j| {
            j["graph_module"]["graph"]["tensor_values"]["p_model_0_weight"]["sizes"][0] =
                json!({"as_int": 13})
        }),
        ("operations in another order", |j| {
            j["graph_module"]["graph"]["nodes"].as_array_mut().unwrap().reverse()
        }),
        ("a shape that does not fit", |j| {
            node(j, "reshape")["inputs"][1]["arg"] = json!({"as_ints": [-1, 5]})
        }),
        ("another schema", |j| j["schema_version"]["major"] = json!(7)),
    ];
    for (what, change) in changes {
        let text = refusal(&changed("mlp", change));
        assert!(!text.is_empty(), "{what}: {text}");
    }
}

#[test]
fn archives_that_are_not_plain_are_refused() {
    let all = entries("mlp");
    type Entries = Vec<(String, Vec<u8>)>;
    let with = |change: &dyn Fn(&mut Entries)| {
        let mut all = all.clone();
        change(&mut all);
        archive(&all, CompressionMethod::Stored)
    };
    let renamed = |end: &'static str, to: &'static str| {
        with(&move |all| {
            all.iter_mut().filter(|(n, _)| n.ends_with(end)).for_each(|(n, _)| *n = to.to_owned())
        })
    };
    let text = refusal(&renamed("models/model.json", "serialized_exported_program.json"));
    assert!(text.contains("torch 2.8 or later"), "{text}");
    refusal(&renamed("weight_0", "elsewhere"));
    refusal(&with(&|all| {
        all.iter_mut().filter(|(n, _)| n.ends_with("weight_0")).for_each(|(_, b)| b.truncate(8))
    }));
    refusal(&with(&|all| {
        all.iter_mut().filter(|(n, _)| n.ends_with("byteorder")).for_each(|(_, b)| *b = b"big".to_vec())
    }));
    let pickled = with(&|all| {
        for (_, bytes) in all.iter_mut().filter(|(n, _)| n.ends_with("weights_config.json")) {
            *bytes = String::from_utf8_lossy(bytes)
                .replace("\"use_pickle\": false", "\"use_pickle\": true")
                .into_bytes();
        }
    });
    assert!(refusal(&pickled).contains("never run"));
    let outside = with(&|all| {
        for (_, bytes) in all.iter_mut().filter(|(n, _)| n.ends_with("weights_config.json")) {
            *bytes = String::from_utf8_lossy(bytes).replace("\"weight_0\"", "\"../weight_0\"").into_bytes();
        }
    });
    refusal(&outside);
    // With and without a folder around the entries it is the same network.
    let bare: Vec<_> = all
        .iter()
        .map(|(n, b)| (n.split_once('/').map_or(n.as_str(), |(_, n)| n).to_owned(), b.clone()))
        .collect();
    understood(&archive(&bare, CompressionMethod::Stored)).expect("the same network");
}
