//! Networks in ONNX, as PyTorch's two exporters write them (`onnx/make.py`), against PyTorch's own numbers; what exports
//! change; and files that are refused.

use super::{compare, file};
use losscape::analyses::inspect::{Along, Asked, inspect};
use losscape::analyses::{Beside, DataGiven};
use losscape::base::Precision;
use losscape::data::Source;
use losscape::nn::graph::Graph;
use serde_json::Value;
use std::path::Path;

fn beside(name: &str) -> Beside {
    let source: Source =
        format!("npz:file={}", file(&format!("onnx/{name}.npz")).display()).parse().expect("data");
    Beside { data: DataGiven { data: Some(source), ..DataGiven::default() }, ..Beside::default() }
}

fn numbers(path: &str, name: &str, precision: Precision) -> Value {
    let asked =
        Asked { along: Some(Along::Sine), precision: Some(precision), eigenvalues: false, memory: 1.0 };
    inspect(&file(&format!("onnx/{path}.onnx")), &beside(name), &asked)
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn loss_gradient_and_hessian_products_are_those_of_pytorch() {
    for name in ["mlp", "conv", "encoder", "recurrent"] {
        let text = std::fs::read_to_string(file(&format!("onnx/{name}.json"))).expect("numbers");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let double = numbers(&format!("{name}-double"), name, Precision::F64);
        // The exporters round a norm's epsilon to single precision.
        compare(name, 1e-10, &double, &expected);
        compare(name, 1e-5, &numbers(name, name, Precision::F32), &expected);
        assert_eq!(double["samples"], 12, "{name}: any number of samples at once");
        assert_eq!(double["doubts"].as_array().map(Vec::len), Some(0), "{name}: {}", double["doubts"]);
    }
}

/// Of scikit-learn, Keras and Flax (`onnx/others.py`): probabilities at their ends are led back to scores.
#[test]
fn networks_of_other_programs_are_completed_by_a_loss() {
    for (name, loss) in [
        ("classes", "cross-entropy"),
        ("answers", "cross-entropy"),
        ("values", "mean-squared-error"),
        ("keras", "cross-entropy"),
        ("flax", "mean-squared-error"),
    ] {
        let text = std::fs::read_to_string(file(&format!("onnx/{name}.json"))).expect("numbers");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let beside = Beside { loss: Some(loss.parse().expect("a loss")), ..beside(name) };
        for (precision, tolerance) in [(Precision::F64, 1e-9), (Precision::F32, 1e-5)] {
            let asked = Asked {
                along: Some(Along::Sine),
                precision: Some(precision),
                eigenvalues: false,
                memory: 1.0,
            };
            let found = inspect(&file(&format!("onnx/{name}.onnx")), &beside, &asked);
            compare(name, tolerance, &found.unwrap_or_else(|e| panic!("{name}: {e}")), &expected);
        }
    }
    // A batch of one sample holds for any number of samples.
    let text = std::fs::read_to_string(file("onnx/flax.json")).expect("numbers");
    let beside_it = Beside { loss: Some("mean-squared-error".parse().expect("a loss")), ..beside("flax") };
    let asked =
        Asked { along: Some(Along::Sine), precision: Some(Precision::F64), memory: 1.0, ..Asked::default() };
    let found = inspect(&file("onnx/one.onnx"), &beside_it, &asked).unwrap_or_else(|e| panic!("one: {e}"));
    compare("one", 1e-9, &found, &serde_json::from_str(&text).expect("JSON"));
    let wrong = Beside { loss: Some("logistic".parse().expect("a loss")), ..beside("classes") };
    let message = inspect(&file("onnx/classes.onnx"), &wrong, &Asked { memory: 1.0, ..Asked::default() });
    assert!(
        message
            .expect_err("an error")
            .to_string()
            .contains("cross-entropy for a graph that ends in probabilities")
    );
}

#[test]
fn roles_follow_from_use_and_statistics_are_no_parameters() {
    let found = numbers("conv", "conv", Precision::F32);
    let of = |name: &str| {
        let tensors = found["tensors"].as_array().expect("tensors");
        tensors.iter().find(|t| t["name"] == name).map(|t| (t["role"].clone(), t["axis"].clone()))
    };
    assert_eq!(of("net.0.weight"), Some(("weight".into(), 0.into())));
    assert_eq!(of("net.1.weight"), Some(("norm-scale".into(), 0.into())));
    assert_eq!(of("net.9.bias"), Some(("bias".into(), 0.into())));
    assert_eq!(of("net.1.running_mean"), None);
    let found = numbers("encoder", "encoder", Precision::F32);
    let embedding =
        found["tensors"].as_array().expect("tensors").iter().find(|t| t["name"] == "net.e.weight");
    assert_eq!(embedding.expect("an embedding")["role"], "embedding");
}

#[test]
fn what_an_export_changes_is_said_with_the_remedy() {
    let doubts =
        |name: &str| Graph::read(&file(&format!("onnx/ruined-{name}.onnx"))).expect("a graph").doubts;
    for name in ["newer", "older"] {
        let doubts = doubts(name);
        for part in ["batch norm folded", "transposed", "serve several layers"] {
            let found = doubts.iter().find(|d| d.contains(part));
            let found = found.unwrap_or_else(|| panic!("{name}: no doubt about `{part}` in {doubts:?}"));
            assert!(found.contains("optimize=False"), "{name}: {found}");
        }
    }
}

/// The bytes of a field that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat()
}

/// A model of one operation, its bytes given; `x` and the weight `w` go in, `y` comes out.
fn model(node: &[u8], tensor: &[u8]) -> Vec<u8> {
    let named = |name: &str, dims: &[u8]| {
        let all: Vec<u8> = dims.iter().flat_map(|d| field(1, &[8, *d])).collect();
        let shape = field(2, &all);
        let kind = field(1, &[&[8, 1][..], &shape].concat());
        [field(1, name.as_bytes()), field(2, &kind)].concat()
    };
    let graph =
        [field(1, node), field(5, tensor), field(11, &named("x", &[3, 2])), field(12, &named("y", &[3, 2]))];
    [vec![8, 9], field(8, &[16, 17]), field(7, &graph.concat())].concat()
}

fn node(operator: &str) -> Vec<u8> {
    [field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, operator.as_bytes())].concat()
}

fn weight() -> Vec<u8> {
    let numbers: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    [vec![8, 2, 8, 2, 16, 1], field(8, b"w"), field(9, &numbers)].concat()
}

fn error(bytes: &[u8]) -> String {
    Graph::from_onnx("m.onnx", bytes).expect_err("an error").to_string()
}

#[test]
fn a_model_that_is_not_understood_is_refused_by_name() {
    let graph = Graph::from_onnx("m.onnx", &model(&node("MatMul"), &weight())).expect("a graph");
    assert_eq!(graph.theta, [1.0, 2.0, 3.0, 4.0]);
    assert!(graph.unknown().is_empty());
    let unknown =
        Graph::from_onnx("m.onnx", &model(&[node("MatMul"), field(7, b"com.example")].concat(), &weight()));
    assert!(unknown.expect_err("no weights").to_string().contains("as weights"));
    assert!(error(&[8, 9]).contains("a model of ONNX with a graph"));
    assert!(
        error(&[0x3a, 200]).contains("a number that ends") || error(&[0x3a, 200]).contains("beyond the end")
    );
    // Numbers that are not as many as the shape says, or of a type that is none.
    let short = [vec![8, 2, 8, 3, 16, 1], field(8, b"w"), field(9, &[0; 16])].concat();
    assert!(error(&model(&node("MatMul"), &short)).contains("24 bytes for shape [2, 3]"));
    let quantised = [vec![8, 4, 16, 21], field(8, b"w"), field(9, &[0; 4])].concat();
    assert!(error(&model(&node("MatMul"), &quantised)).contains("before it is quantised"));
    let huge =
        [vec![8, 0xff, 0xff, 0xff, 0xff, 0x7f, 8, 0xff, 0xff, 0xff, 0xff, 0x7f, 16, 1], field(8, b"w")]
            .concat();
    assert!(error(&model(&node("MatMul"), &huge)).contains("at most"));
}

#[test]
fn external_data_stay_within_the_folder() {
    let outside = |location: &str| {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let tensor = [vec![8, 2, 8, 2, 16, 1], field(8, b"w"), field(13, &entry), vec![0x70, 1]].concat();
        model(&node("MatMul"), &tensor)
    };
    let bench = tempfile::tempdir().expect("a folder");
    let inner = bench.path().join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    let numbers: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(bench.path().join("w.bin"), &numbers).expect("numbers");
    std::fs::write(inner.join("w.bin"), &numbers).expect("numbers");
    let read = |location: &str| {
        let path = inner.join("m.onnx");
        std::fs::write(&path, outside(location)).expect("a model");
        Graph::read_with_hash(&path)
    };
    let (graph, hash) = read("w.bin").expect("a graph");
    assert_eq!(graph.theta, [1.0, 2.0, 3.0, 4.0]);
    for location in ["../w.bin", "/etc/hostname", "", "nothing.bin"] {
        let message = read(location).expect_err("an error").to_string();
        assert!(
            message.contains("own folder") || message.contains("beside the graph"),
            "{location}: {message}"
        );
    }
    // The hash of a graph is that of its numbers, too.
    std::fs::write(inner.join("w.bin"), [&numbers[..12], &5f32.to_le_bytes()].concat()).expect("numbers");
    assert_ne!(read("w.bin").expect("a graph").1, hash);
}

#[test]
fn a_file_cut_short_is_no_model() {
    let bench = tempfile::tempdir().expect("a folder");
    let bytes = std::fs::read(file("onnx/mlp.onnx")).expect("a model");
    let cut = bench.path().join("cut.onnx");
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).expect("a file");
    let message = Graph::read(Path::new(&cut)).expect_err("an error").to_string();
    assert!(message.contains("a file cut short"), "{message}");
    let plain = bench.path().join("weights");
    std::fs::write(&plain, &bytes).expect("a file");
    assert!(Graph::read(&plain).is_ok(), "known by its contents, whatever its name");
}
