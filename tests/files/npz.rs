//! `.npz` archives: the same bytes for the same arrays, read back as written, and refused when broken.

use crate::{Files, labels, load_as, no_file_in_place_of, refused};
use losscape::base::npz::{Array, Npz, Values};
use losscape::data::{Samples, Source, Standardize};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn bytes(npz: &Npz) -> Vec<u8> {
    let mut to = Cursor::new(Vec::new());
    npz.write_to(&mut to).unwrap();
    to.into_inner()
}

fn sample() -> Npz {
    let mut npz = Npz::default();
    npz.push("z_first", &[2, 3], vec![0.0, -1.5, f64::NAN, f64::INFINITY, 1e-300, 6.0]);
    npz.push("single", &[], vec![0.1f32]);
    npz.push("labels", &[4], vec![1i64, -2, i64::MAX, 0]);
    npz.push("none", &[0, 7], Vec::<f64>::new());
    npz
}

/// A zip of one stored entry.
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file(name, stored).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), data].concat()
}

fn refusal(content: &[u8]) -> String {
    refused(Npz::from_bytes("f.npz", &archive("a.npy", content)))
}

fn header(descr: &str, order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}")
}

#[test]
fn arrays_come_back_as_written_in_order() {
    let back = Npz::from_bytes("f", &bytes(&sample())).unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", sample()), "compared as text, for NaN is not itself");
    assert_eq!(bytes(&back), bytes(&sample()));
    assert_eq!(
        back.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["z_first", "single", "labels", "none"]
    );
    assert_eq!(back.get("labels").map(Array::to_f64), Some(vec![1.0, -2.0, i64::MAX as f64, 0.0]));
    assert_eq!(back.get("absent"), None);
}

#[test]
fn files_are_written_and_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.npz");
    let data = load_as(&Source::default(), Standardize::Feature).unwrap();
    data.to_npz().write(&path).unwrap();
    let back = Npz::read(&path).unwrap();
    assert_eq!(back, data.to_npz());
    let shape = |name| back.get(name).unwrap().shape.clone();
    assert_eq!((shape("train_x"), shape("test_x")), (vec![1297, 1, 8, 8], vec![500, 1, 8, 8]));
    assert_eq!((shape("train_y"), shape("test_y")), (vec![1297], vec![500]));
}

#[test]
fn the_header_is_numpys_own_and_aligned() {
    let bytes = bytes(&sample());
    let at = bytes.windows(6).position(|w| w == b"\x93NUMPY").unwrap();
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
    assert_eq!(&bytes[at..at + 10], b"\x93NUMPY\x01\x00\x76\x00");
    assert_eq!(&bytes[at + 10..at + 128], format!("{text:117}\n").as_bytes());
}

#[test]
fn version_2_headers_are_read() {
    let header = header("<i8", "False", "(2,)");
    let length = (header.len() as u32).to_le_bytes();
    let content = [
        b"\x93NUMPY\x02\x00",
        length.as_slice(),
        header.as_bytes(),
        &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
    ];
    let back = Npz::from_bytes("f", &archive("a.npy", &content.concat())).unwrap();
    let expected = Array { shape: vec![2], values: Values::I64(vec![1, 2]) };
    assert_eq!(back.get("a"), Some(&expected));
}

#[test]
fn broken_archives_are_refused() {
    for bytes in [&b""[..], b"PK", b"not a zip at all", &bytes(&sample())[..300]] {
        assert!(
            refused(Npz::from_bytes("f.npz", bytes)).starts_with("f.npz: expected a .npz archive, found ")
        );
    }
    let mut corrupt = bytes(&sample());
    let at = corrupt.windows(8).position(|w| w == (-1.5f64).to_le_bytes()).unwrap();
    corrupt[at] ^= 1;
    let message = refused(Npz::from_bytes("f.npz", &corrupt));
    assert!(message.starts_with("f.npz: z_first: expected an array, found "), "{message}");
}

#[test]
fn entries_that_share_bytes_or_a_name_are_refused() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a.npy", stored).unwrap();
    zip.write_all(&npy(&header("<f8", "False", "()"), &[0; 8])).unwrap();
    zip.shallow_copy_file("a.npy", "b.npy").unwrap();
    let shared = zip.finish().unwrap().into_inner();
    let expected = "f: expected separate entries, found entries that share a name or bytes";
    assert_eq!(refused(Npz::from_bytes("f", &shared)), expected);

    let mut npz = Npz::default();
    npz.push("one", &[], vec![1.0]);
    npz.push("two", &[], vec![2.0]);
    let mut twice = bytes(&npz);
    while let Some(at) = twice.windows(3).position(|w| w == b"two") {
        twice[at..at + 3].copy_from_slice(b"one");
    }
    assert_eq!(refused(Npz::from_bytes("f", &twice)), expected);
}

#[test]
fn compressed_archives_are_refused() {
    let mut deflated = archive("a.npy", &npy(&header("<f8", "False", "()"), &[0; 8]));
    let directory = deflated.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    // The compression method, in the entry's own header and in the directory.
    deflated[8] = 8;
    deflated[directory + 10] = 8;
    let message = refused(Npz::from_bytes("f", &deflated));
    assert_eq!(message, "f: a: expected an uncompressed array (numpy.savez), found a compressed one");
}

#[test]
fn broken_arrays_are_refused() {
    let at = "f.npz: a: expected";
    for content in [&b""[..], b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x00\x01\x00{"] {
        assert_eq!(
            refusal(content),
            format!("{at} an array in numpy's format, found another header, or a torn one")
        );
    }
    let of = |descr, order, shape, data: &[u8]| refusal(&npy(&header(descr, order, shape), data));
    assert_eq!(of("<f8", "False", "(2,)", &[0; 15]), format!("{at} 16 bytes of numbers, found 15"));
    assert_eq!(of("<f8", "False", "(2,)", &[0; 24]), format!("{at} 16 bytes of numbers, found 24"));
    assert_eq!(
        of("<f8", "False", "(4294967296, 4294967296)", &[]),
        format!("{at} fewer than 2^64 bytes of numbers, found 0")
    );
    assert_eq!(
        of("<f8", "False", "(2305843009213693952,)", &[]),
        format!("{at} fewer than 2^64 bytes of numbers, found 0")
    );
    assert_eq!(of(">f8", "False", "(1,)", &[0; 8]), "f.npz: a: descr: expected <f8, <f4 or <i8, found >f8");
    assert_eq!(of("|O", "False", "(1,)", &[0; 8]), "f.npz: a: descr: expected <f8, <f4 or <i8, found |O");
    assert_eq!(
        of("<f8", "True", "(1,)", &[0; 8]),
        "f.npz: a: fortran_order: expected False, found another order"
    );
    assert_eq!(
        of("<f8", "False", "(-1,)", &[]),
        "f.npz: a: shape: expected a tuple of sizes, found (-1,), }"
    );
    assert_eq!(refusal(&npy("{}", &[])), "f.npz: a: descr: expected a value, found none");
}

/// What `losscape data` writes is a data set again: the same test samples, and the same training samples reordered.
#[test]
fn a_data_set_comes_back_from_its_archive() {
    let files = Files::new();
    for text in ["digits", "blobs:dimension=3", "polynomial", "identity:observed=0.25"] {
        let data = load_as(&files.source(text), Standardize::None).unwrap();
        data.to_npz().write(&files.path("data.npz")).unwrap();
        let back = files.load("npz:file=@/data.npz").unwrap();
        assert_eq!(
            (&back.shape, back.outputs, back.test.len()),
            (&data.shape, data.outputs, data.test.len()),
            "{text}"
        );
        assert_eq!(sorted(&back.train), sorted(&data.train), "{text}");
        assert_eq!(bits(&back.test), bits(&data.test), "{text}: test samples keep their order");
        assert_eq!(back.name, "npz:file=data.npz");
    }
}

/// Inputs and targets as bits, which NaN has too.
fn bits(samples: &Samples) -> Vec<(Vec<u64>, Vec<u64>)> {
    let targets: Vec<f64> = match samples.labels() {
        Some(labels) => labels.iter().map(|label| f64::from(*label)).collect(),
        None => samples.values().unwrap().to_vec(),
    };
    let each = targets.len() / samples.len();
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect();
    (0..samples.len()).map(|i| (bits(samples.input(i)), bits(&targets[i * each..(i + 1) * each]))).collect()
}

fn sorted(samples: &Samples) -> Vec<(Vec<u64>, Vec<u64>)> {
    let mut all = bits(samples);
    all.sort();
    all
}

/// An archive of `x` and `y` as a data set.
fn pair(x: (&[usize], Vec<f64>), y: (&[usize], Values)) -> Files {
    let files = Files::new();
    let mut npz = Npz::default();
    npz.push("x", x.0, x.1);
    npz.push("y", y.0, y.1);
    npz.write(&files.path("p.npz")).unwrap();
    files
}

const PAIR: &str = "npz:file=@/p.npz,test=0.5";

#[test]
fn inputs_and_targets_alone_are_split() {
    let x: Vec<f64> = (0..24).map(f64::from).collect();
    for (shape, sample) in
        [(vec![4, 6], vec![6]), (vec![4, 2, 3], vec![1, 2, 3]), (vec![4, 3, 2, 1], vec![3, 2, 1])]
    {
        let files = pair((&shape, x.clone()), (&[4], vec![0i64, 2, 0, 1].into()));
        let data = files.load(PAIR).unwrap();
        assert_eq!((data.train.len(), data.test.len(), data.outputs, data.shape), (2, 2, 3, sample));
        for samples in [&data.train, &data.test] {
            for (i, label) in labels(samples).iter().enumerate() {
                let first = samples.input(i)[0];
                assert_eq!(*label, [0, 2, 0, 1][first as usize / 6]);
            }
        }
    }
    let files = pair((&[4, 6], x), (&[4, 2], vec![0.5f32, f32::NAN, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into()));
    let data = files.load(PAIR).unwrap();
    assert!(!data.has_classes() && data.outputs == 2);
}

#[test]
fn arrays_that_are_no_data_set_are_refused() {
    let x = || vec![0.0, 1.0, 2.0, 3.0];
    let of = |x: (&[usize], Vec<f64>), y: (&[usize], Values)| pair(x, y).refusal(PAIR);
    let labels = |l: Vec<i64>| Values::from(l);
    let shape =
        "p.npz: x: expected shape (samples, features) or (samples, channels, height, width), nothing empty";
    assert_eq!(of((&[4], x()), (&[4], labels(vec![0; 4]))), format!("{shape}, found [4]"));
    assert_eq!(of((&[0, 4], vec![]), (&[0], labels(vec![]))), format!("{shape}, found [0, 4]"));
    assert_eq!(of((&[4, 0], vec![]), (&[4], labels(vec![0; 4]))), format!("{shape}, found [4, 0]"));
    assert_eq!(
        of((&[2, 2], vec![0.0, 1.0, f64::NAN, 2.0]), (&[2], labels(vec![0, 1]))),
        "p.npz: x: expected finite numbers, found NaN in sample 1"
    );
    assert_eq!(
        of((&[2, 2], x()), (&[3], labels(vec![0, 1, 0]))),
        "p.npz: y: expected targets of 2 samples, found an array of shape [3]"
    );
    for bad in [-1, 10_000, i64::MAX] {
        let message = of((&[2, 2], x()), (&[2], labels(vec![0, bad])));
        assert_eq!(message, format!("p.npz: y: expected classes from 0 to 9999, found {bad}"));
    }
    assert!(of((&[2, 2], x()), (&[2, 2], labels(vec![0; 4]))).contains("one class a sample"));
    assert!(of((&[2, 2], x()), (&[2], vec![0.0, f64::INFINITY].into())).contains("found inf"));
    let files = Files::new();
    let mut npz = Npz::default();
    npz.push("train_x", &[2, 2], x());
    npz.push("train_y", &[2], vec![0i64, 1]);
    npz.write(&files.path("p.npz")).unwrap();
    assert_eq!(files.refusal(PAIR), "p.npz: expected an array `test_x`, found none");
    npz.push("test_x", &[2, 2], x());
    npz.push("test_y", &[2], vec![0.5, 1.0]);
    npz.write(&files.path("p.npz")).unwrap();
    assert!(files.refusal(PAIR).contains("test_y: expected classes (whole numbers), as in train_y"));
    assert!(files.write("p.npz", "PK").refusal(PAIR).starts_with("p.npz: expected a .npz archive"));
    no_file_in_place_of(&files.path("p.npz"), || files.refusal(PAIR));
    assert!(files.refusal("npz").contains("as npz:file=PATH, found none"));
}

fn values() -> impl Strategy<Value = Values> {
    prop_oneof![
        prop::collection::vec(any::<f64>(), 0..20).prop_map(Values::F64),
        prop::collection::vec(any::<f32>(), 0..20).prop_map(Values::F32),
        prop::collection::vec(any::<i64>(), 0..20).prop_map(Values::I64),
    ]
}

proptest! {
    #[test]
    fn any_arrays_come_back(lists in prop::collection::vec(values(), 0..5)) {
        let mut npz = Npz::default();
        for (i, values) in lists.into_iter().enumerate() {
            npz.push(&format!("array {i}"), &[values.len(), 1], values);
        }
        let written = bytes(&npz);
        prop_assert_eq!(bytes(&Npz::from_bytes("f", &written).unwrap()), written);
    }

    #[test]
    fn random_bytes_never_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Npz::from_bytes("f", &noise);
        let _ = Npz::from_bytes("f", &archive("a.npy", &noise));
        let _ = Npz::from_bytes("f", &archive("a.npy", &[b"\x93NUMPY\x01\x00", noise.as_slice()].concat()));
    }

    #[test]
    fn mutated_archives_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = bytes(&sample());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Npz::from_bytes("f", &bytes);
    }

    #[test]
    fn mutated_headers_never_panic(text in "[{}(),' a-z0-9:<]{0,80}", data in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = Npz::from_bytes("f", &archive("a.npy", &npy(&text, &data)));
    }

    #[test]
    fn truncated_archives_are_refused(cut in 1usize..400) {
        let bytes = bytes(&sample());
        prop_assert!(Npz::from_bytes("f", &bytes[..bytes.len() - cut]).is_err());
    }
}
