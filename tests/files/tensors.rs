//! safetensors files: read back as written, and everything that does not fit is refused in one clear line.

use crate::files::refused;
use losscape::base::tensors::{Data, Tensor, TensorFile};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn tensor(name: &str, shape: &[usize], data: Data) -> Tensor {
    Tensor { name: name.to_owned(), shape: shape.to_vec(), data }
}

fn sample() -> TensorFile {
    TensorFile {
        metadata: BTreeMap::from([("losscape".to_owned(), "{\"a\": \"θ\\n\"}".to_owned())]),
        tensors: vec![
            tensor("0.weight", &[2, 3], Data::F32(vec![0.0, -1.5, 2.0, 1e-30, 4.0, 5.0])),
            tensor("0.bias", &[3], Data::F64(vec![0.1, 0.2, 0.3])),
            tensor("none", &[0, 5], Data::F32(vec![])),
            tensor("step \"n\"", &[], Data::F64(vec![7.0])),
            tensor("mask", &[3], Data::U8(vec![1, 0, 1])),
        ],
    }
}

fn file(header: &str, data: usize) -> Vec<u8> {
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &vec![0; data]].concat()
}

fn refusal(header: &str, data: usize) -> String {
    refused(TensorFile::from_bytes("w.safetensors", &file(header, data)))
}

fn refused_bytes(bytes: &[u8]) -> String {
    refused(TensorFile::from_bytes("w.safetensors", bytes))
}

/// A header with one F32 tensor `a`.
fn one(shape: &str, offsets: &str) -> String {
    format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

/// A header with two F32 vectors.
fn two(first: (&str, usize, usize), second: (&str, usize, usize)) -> String {
    let entry = |(name, begin, end): (&str, usize, usize)| {
        let n = (end - begin) / 4;
        format!(r#""{name}":{{"dtype":"F32","shape":[{n}],"data_offsets":[{begin},{end}]}}"#)
    };
    format!("{{{},{}}}", entry(first), entry(second))
}

#[test]
fn tensors_come_back_as_written() {
    let bytes = sample().to_bytes();
    assert_eq!(TensorFile::from_bytes("f", &bytes).unwrap(), sample());
    assert_eq!(bytes, sample().to_bytes());
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert_eq!(header % 8, 0);
    assert_eq!(bytes.len(), 8 + header as usize + 6 * 4 + 3 * 8 + 8 + 3);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weights.safetensors");
    sample().write(&path).unwrap();
    assert_eq!(TensorFile::read(&path).unwrap(), sample());
    assert_eq!(sample().get("0.bias").map(|t| t.data.len()), Some(3));
}

#[test]
fn tensors_come_in_the_order_of_their_data() {
    let back = TensorFile::from_bytes("f", &file(&two(("a", 8, 16), ("b", 0, 8)), 16)).unwrap();
    assert_eq!(back.tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn what_is_not_finite_is_read_and_found() {
    let mut file = sample();
    assert_eq!(file.first_non_finite(), None);
    file.tensors[1].data = Data::F64(vec![0.1, f64::NEG_INFINITY, f64::NAN]);
    let back = TensorFile::from_bytes("f", &file.to_bytes()).unwrap();
    assert_eq!(back.first_non_finite(), Some(("0.bias", 1, f64::NEG_INFINITY)));
}

#[test]
fn headers_that_cannot_be_read_are_refused() {
    let at = "w.safetensors: header: expected";
    assert_eq!(
        refused_bytes(&[1, 2, 3]),
        "w.safetensors: expected a safetensors file, of at least 8 bytes, found 3"
    );
    assert_eq!(refused_bytes(&[0; 8]), format!("{at} a JSON object, beginning with `{{`, found nothing"));
    assert_eq!(refused_bytes(&[9, 0, 0, 0, 0, 0, 0, 0, b'{']), format!("{at} 9 bytes, found only 1"));
    let none = "w.safetensors: expected a safetensors file, found ";
    for (first, found) in [
        (&[255; 9][..], "a file that begins otherwise"),
        (&b"\x89HDF\r\n\x1a\n\0"[..], "HDF5"),
        (&b"\x08\x07\x12\x07pytorch"[..], "ONNX"),
        (&b"\x93NUMPY\x01\0v"[..], "an array of numpy"),
        (&b"{\"a\": 1234}"[..], "a text"),
    ] {
        assert!(refused_bytes(first).starts_with(&format!("{none}{found}")), "{}", refused_bytes(first));
    }
    assert_eq!(
        refused_bytes(&[&[3, 0, 0, 0, 0, 0, 0, 0], &b"{\xff}"[..]].concat()),
        format!("{at} text in UTF-8, found other bytes at offset 1")
    );
    assert_eq!(refusal("[1,2]", 0), format!("{at} a JSON object, beginning with `{{`, found `[`"));
    assert_eq!(refusal(" {}", 0), format!("{at} a JSON object, beginning with `{{`, found ` `"));
    for broken in ["{", "{}}", "{\"a\":", "{\"a\":[1,2]}", "{\"a\":3}", "{\"__metadata__\":\"x\"}"] {
        assert!(
            refusal(broken, 0).starts_with(&format!("{at} tensors described in JSON, found ")),
            "{broken}"
        );
    }
    let deep = format!("{{\"a\":{{\"shape\":{}", "[".repeat(100_000));
    assert!(refusal(&deep, 0).contains("recursion limit"));
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    let message = refusal(&two(("a", 0, 4), ("a", 4, 8)), 8);
    assert!(
        message.contains("header: expected tensors described in JSON, found two entries called `a`"),
        "{message}"
    );
    let fields = r#"{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}"#;
    assert!(refusal(fields, 8).contains("two entries called `shape`"));
    assert!(refusal(r#"{"__metadata__":{"k":"1","k":"2"}}"#, 0).contains("two entries called `k`"));
    assert!(refusal(r#"{"__metadata__":{},"__metadata__":{}}"#, 0).contains("two entries"));
}

#[test]
fn data_is_covered_exactly_once() {
    assert_eq!(
        refusal(&two(("a", 0, 8), ("b", 4, 12)), 12),
        "w.safetensors: b.data_offsets: expected to begin at 8, where the data before it ends, found 4: an overlap"
    );
    assert_eq!(
        refusal(&two(("a", 0, 8), ("b", 12, 16)), 16),
        "w.safetensors: b.data_offsets: expected to begin at 8, where the data before it ends, found 12: a hole"
    );
    assert_eq!(refusal(&one("[1]", "[0,4]"), 5), "w.safetensors: expected 4 bytes of data, found 5");
    assert_eq!(refusal("{}", 1), "w.safetensors: expected 0 bytes of data, found 1");
    assert_eq!(
        refusal(&one("[2]", "[0,8]"), 7),
        "w.safetensors: a.data_offsets: expected an end within the 7 bytes of data, found 8"
    );
}

#[test]
fn fields_that_make_no_sense_are_refused() {
    let at = "w.safetensors: a";
    assert_eq!(
        refusal(&one("[2]", "[0,4]"), 4),
        format!("{at}.data_offsets: expected 8 bytes, as dtype and shape say, found [0,4]")
    );
    assert_eq!(
        refusal(&one("[1]", "[-4,0]"), 4),
        format!("{at}.data_offsets: expected two offsets, found [-4,0]")
    );
    assert_eq!(
        refusal(&one("[1]", "[0,4,8]"), 4),
        format!("{at}.data_offsets: expected two offsets, found [0,4,8]")
    );
    assert_eq!(
        refusal(&one("[1]", "[8,4]"), 8),
        format!("{at}.data_offsets: expected 4 bytes, as dtype and shape say, found [8,4]")
    );
    let end = u64::MAX;
    assert_eq!(
        refusal(&one("[1]", &format!("[{end},{end}]")), 4),
        format!("{at}.data_offsets: expected 4 bytes, as dtype and shape say, found [{end},{end}]")
    );
    let huge = "[4294967296,4294967296]";
    assert_eq!(
        refusal(&one(huge, "[0,0]"), 0),
        format!("{at}.shape: expected fewer than 2^64 bytes, found {huge}")
    );
    assert_eq!(
        refusal(&one("[-1]", "[0,4]"), 4),
        format!("{at}.shape: expected a list of sizes, found [-1]")
    );
    assert_eq!(
        refusal(&one("[1.5]", "[0,4]"), 4),
        format!("{at}.shape: expected a list of sizes, found [1.5]")
    );
    assert_eq!(refusal(&one("{}", "[0,4]"), 4), format!("{at}.shape: expected a list of sizes, found {{}}"));
    assert_eq!(
        refusal(r#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, 8),
        format!("{at}.dtype: expected F32, F64 or U8, found \"I64\"")
    );
    assert_eq!(
        refusal(r#"{"a":{"shape":[1],"data_offsets":[0,8]}}"#, 8),
        format!(
            "{at}.dtype: expected one of F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL, found null"
        )
    );
    assert_eq!(
        refusal(r#"{"a":{"dtype":"F32","colour":1}}"#, 8),
        format!("{at}: expected dtype, shape and data_offsets, found colour")
    );
    assert_eq!(
        refusal(r#"{"__metadata__":{"k":1}}"#, 0),
        "w.safetensors: __metadata__.k: expected text, found 1"
    );
}

#[test]
fn hostile_names_stay_on_one_short_line() {
    let name = "x\\n".repeat(10_000);
    let message =
        refusal(&format!(r#"{{"{name}":{{"dtype":"{name}","shape":[],"data_offsets":[0,4]}}}}"#), 4);
    assert!(message.len() < 600, "{message}");
}

#[test]
fn files_of_pytorch_are_named_and_converted() {
    let pickle = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    let zip = b"PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00\x00\x00";
    for (bytes, what) in [
        (&pickle[..], "a Python pickle, as torch.save writes"),
        (zip, "a zip archive, as torch.save writes (of weights: --model NAME --weights FILE)"),
    ] {
        let message = refused(TensorFile::from_bytes("runs/net.pt", bytes));
        let expected = format!(
            "runs/net.pt: expected a safetensors file, found {what}; convert it with: \
             python -c \"import torch, safetensors.torch as s; \
             s.save_file(torch.load('runs/net.pt', map_location='cpu'), 'runs/net.safetensors')\""
        );
        assert_eq!(message, expected);
    }
}

#[test]
fn a_header_as_long_as_a_pickles_first_bytes_is_no_pickle() {
    let mut header = one("[1]", "[0,4]");
    header.push_str(&" ".repeat(0x0280 - header.len()));
    let bytes = file(&header, 4);
    assert_eq!(bytes[..2], [0x80, 2]);
    assert!(TensorFile::from_bytes("f", &bytes).is_ok());
}

fn tensors() -> impl Strategy<Value = Vec<Tensor>> {
    let data = prop_oneof![
        prop::collection::vec(-1e30f32..1e30, 0..20).prop_map(Data::F32),
        prop::collection::vec(-1e300f64..1e300, 0..20).prop_map(Data::F64),
        prop::collection::vec(0u8.., 0..20).prop_map(Data::U8),
    ];
    prop::collection::btree_map(".{0,8}", data, 0..6).prop_map(|named| {
        named.into_iter().map(|(name, data)| Tensor { name, shape: vec![1, data.len()], data }).collect()
    })
}

proptest! {
    #[test]
    fn any_tensors_come_back(tensors in tensors(), metadata in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..4)) {
        let file = TensorFile { metadata, tensors };
        let bytes = file.to_bytes();
        let back = TensorFile::from_bytes("f", &bytes).unwrap();
        prop_assert_eq!(&back.metadata, &file.metadata);
        prop_assert_eq!(back.tensors.len(), file.tensors.len());
        for tensor in &file.tensors {
            prop_assert_eq!(back.get(&tensor.name), Some(tensor));
        }
    }

    #[test]
    fn random_bytes_never_panic(noise in prop::collection::vec(any::<u8>(), 0..300), text in "[{}\\[\\]\",:a-c0-9]{0,60}") {
        let _ = TensorFile::from_bytes("f", &noise);
        let _ = TensorFile::from_bytes("f", &file(&text, noise.len()));
        let _ = TensorFile::from_bytes("f", &file(&format!("{{\"a\":{{\"shape\":{text}}}}}"), noise.len()));
    }

    #[test]
    fn mutated_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = sample().to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = TensorFile::from_bytes("f", &bytes);
    }

    #[test]
    fn any_offsets_never_panic(begin in any::<u64>(), end in any::<u64>(), sizes in prop::collection::vec(any::<u64>(), 0..4)) {
        let _ = TensorFile::from_bytes("f", &file(&one(&format!("{sizes:?}"), &format!("[{begin},{end}]")), 16));
    }

    #[test]
    fn truncated_files_are_refused(cut in 1usize..300) {
        let bytes = sample().to_bytes();
        prop_assert!(TensorFile::from_bytes("f", &bytes[..bytes.len().saturating_sub(cut)]).is_err());
    }
}
