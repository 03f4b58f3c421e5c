//! Weight files from anywhere: each is refused in one line that says where.

use crate::bench::{Bench, GRID, TINY};
use losscape::base::tensors::{Data, Tensor, TensorFile};
use serde_json::{Value, json};
use std::process::Command;

struct Trained {
    bench: Bench,
    file: TensorFile,
}

impl Trained {
    fn new() -> Self {
        let bench = Bench::new();
        bench.ok(&format!("train {TINY} --out r"));
        let file = bench.tensors("r/weights.safetensors");
        Self { bench, file }
    }

    fn refused(&self, name: &str, bytes: impl AsRef<[u8]>, at: &str, hint: &str) {
        self.bench.write(name, bytes);
        let line =
            self.bench.refused(&format!("slice --run {name} {GRID} --out new/s"), &format!("{name}: {at}"));
        assert!(line.contains(hint), "{line}");
    }

    /// The file with one metadata text changed as JSON.
    fn with(&self, key: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut file = self.file.clone();
        let mut value: Value = serde_json::from_str(&file.metadata[key]).unwrap();
        change(&mut value);
        file.metadata.insert(key.to_owned(), value.to_string());
        file.to_bytes()
    }
}

#[test]
fn broken_and_foreign_files() {
    let t = Trained::new();
    let whole = t.file.to_bytes();
    t.refused("pickle.pt", b"\x80\x04\x95rest of it, long enough", "", "convert it with: python");
    t.refused("zip.pt", b"PK\x03\x04 and so on, long enough", "", "convert it with: python");
    t.refused("empty", b"", "", "at least 8 bytes, found 0");
    t.refused("cut", &whole[..whole.len() - 3], "2.bias", "");
    t.refused("head", &whole[..100], "header", "found only 92");
    t.refused("long", [&whole[..], b"x"].concat(), "", "bytes of data");
}

#[test]
fn tensors_that_do_not_fit() {
    let t = Trained::new();
    let mut nan = t.file.clone();
    let Data::F32(values) = &mut nan.tensors[0].data else { panic!("single precision") };
    values[5] = f32::NAN;
    t.refused("nan", nan.to_bytes(), "0.weight", "found NaN at element 5");
    let mut missing = t.file.clone();
    missing.tensors.pop();
    t.refused("missing", missing.to_bytes(), "2.bias", "found none");
    let mut extra = t.file.clone();
    extra.tensors.push(Tensor { name: "9.bias".into(), shape: vec![1], data: Data::F32(vec![0.0]) });
    t.refused("extra", extra.to_bytes(), "9.bias", "no such tensor");
    let mut turned = t.file.clone();
    turned.tensors[0].shape.reverse();
    t.refused("turned", turned.to_bytes(), "0.weight", "shape [3, 64], found [64, 3]");
}

#[test]
fn weights_beyond_the_element_type() {
    let bench = Bench::new();
    bench.ok(&format!("train {TINY} --precision f64 --out r"));
    let mut file = bench.tensors("r/weights.safetensors");
    let Data::F64(values) = &mut file.tensors[0].data else { panic!("double precision") };
    values[5] = 1e300;
    bench.write("large", file.to_bytes());
    let line = bench.refused(&format!("slice --run large --precision f32 {GRID} --out new/s"), "--precision");
    assert!(line.contains("expected weights that fit in f32, found 1e300"), "{line}");
}

#[test]
fn specifications_that_do_not_fit() {
    let t = Trained::new();
    let spec =
        |path: &'static str, value: Value| t.with("losscape", move |s| *s.pointer_mut(path).unwrap() = value);
    t.refused("huge", spec("/model/hidden", json!([1_000_000_000_000u64])), "model", "2^31 parameters");
    t.refused("overflow", spec("/model/hidden", json!([1u64 << 62, 4])), "model", "2^31 parameters");
    t.refused("deep", spec("/model/hidden", json!(vec![1; 100_000])), "metadata `losscape`", "1000 layers");
    t.refused("wide", spec("/model/hidden", json!([1 << 24])), "0.weight", "found [3, 64]");
    t.refused("none", spec("/outputs", json!(0)), "outputs", "at least 1");
    t.refused("many", spec("/outputs", json!(1_000_000_000_000u64)), "model", "2^31 parameters");
    t.refused("nine", spec("/outputs", json!(9)), "2.weight", "found [10, 3]");
    t.refused("input", spec("/input", json!([1u64 << 40, 1u64 << 40])), "input", "2^31");
    t.refused(
        "relu",
        spec("/model/activation", json!("rleu")),
        "metadata `losscape`",
        "did you mean `relu`?",
    );
    t.refused("key", t.with("losscape", |s| s["colour"] = 1.into()), "metadata `losscape`", "`colour`");
    let mut file = t.file.clone();
    file.metadata.insert("losscape".into(), "hello".into());
    t.refused("text", file.to_bytes(), "metadata `losscape`", "line 1");
    file.metadata.insert("losscape".into(), "[".repeat(100_000));
    t.refused("nested", file.to_bytes(), "metadata `losscape`", "recursion");
    file.metadata.clear();
    t.refused("bare", file.to_bytes(), "metadata `losscape`", "losscape train");
}

#[test]
fn data_that_do_not_fit() {
    let t = Trained::new();
    let data = |key: &'static str, value: Value| t.with("losscape.data", move |s| s[key] = value);
    let at = "metadata `losscape.data`";
    t.refused("kind", data("data", json!("mnist")), at, "one of digits");
    t.refused("large", data("data", json!("blobs:samples=10000000,dimension=2600")), at, "193.7 GiB");
    t.refused("hash", data("sha256", json!("00")), at, "found another");
    t.refused("negative", data("samples", json!(-1)), at, "found -1");
    t.refused("zero", data("samples", json!(0)), at, "1 to 1297");
    t.refused("surplus", data("samples", json!(1_000_000_000_000u64)), at, "1 to 1297");
    // Whole in itself, but with fewer outputs than the data has classes.
    let mut nine = t.file.clone();
    nine.metadata
        .insert("losscape".into(), nine.metadata["losscape"].replace("\"outputs\":10", "\"outputs\":9"));
    for tensor in &mut nine.tensors[2..] {
        tensor.shape[0] = 9;
        let each = tensor.data.len() / 10;
        if let Data::F32(values) = &mut tensor.data {
            values.truncate(9 * each);
        }
    }
    t.refused("nine", nine.to_bytes(), at, "9 classes, found digits with 64 and 10");
    let mut none = t.file.clone();
    none.metadata.remove("losscape.data");
    t.refused("none", none.to_bytes(), at, "found none");
}

#[test]
fn paths_that_are_no_weight_file() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("empty")).unwrap();
    bench.write("file", "");
    let refused = |path: &str, hint: &str| {
        let line = bench.refused(&format!("slice --run {path} {GRID} --out new"), path);
        assert!(line.contains(hint), "{line}");
    };
    refused("empty", "weights.safetensors");
    refused("absent", "nothing there");
    refused("file/below", "not a directory");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop", bench.path("loop")).unwrap();
        refused("loop", "symbolic links");
        refused("/dev/zero", "a device");
        std::fs::create_dir_all(bench.path("piped")).unwrap();
        for pipe in ["fifo", "piped/weights.safetensors"] {
            assert!(Command::new("mkfifo").arg(bench.path(pipe)).status().unwrap().success());
        }
        refused("fifo", "a named pipe");
        refused("piped", "a named pipe");
    }
    bench.refused_with(&["slice", "--run", ""], "--run");
}
