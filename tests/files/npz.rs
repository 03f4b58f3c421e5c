//! `.npz` archives: the same bytes for the same arrays, read back as written, and refused when broken.

use crate::files::{Files, labels, load_as, no_file_in_place_of, refused};
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
    // LZMA, which numpy does not write.
    deflated[8] = 14;
    deflated[directory + 10] = 14;
    let message = refused(Npz::from_bytes("f", &deflated));
    assert!(
        message.starts_with("f: a: expected an array that is stored or deflated, as numpy does, found "),
        "{message}"
    );
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
    let descr = "f.npz: a: descr: expected real or whole numbers or bool, found";
    for (text, found) in [
        ("|O", "Python objects, as a pickle: save them with .astype(float) (|O)"),
        ("<U5", "text: classes are numbers, as numpy.unique(y, return_inverse=True)[1] (<U5)"),
        ("<c16", "complex numbers (<c16)"),
        ("<M8[ns]", "dates or times (<M8[ns])"),
        ("<f16", "numbers of another size (<f16)"),
        ("|b2", "numbers of another size (|b2)"),
        ("<<f8", "another type (<<f8)"),
        ("", "another type ()"),
    ] {
        assert_eq!(of(text, "False", "(1,)", &[0; 8]), format!("{descr} {found}"));
    }
    assert_eq!(of("<f8", "0", "(1,)", &[0; 8]), "f.npz: a: fortran_order: expected True or False, found 0");
    for (shape, found) in [("(-1,)", "(-1,)"), ("(1)", "1"), ("[1]", "[1]"), ("(1, 'a')", "(1, 'a')")] {
        let expected = format!("f.npz: a: shape: expected a tuple of sizes, found {found}");
        assert_eq!(of("<f8", "False", shape, &[]), expected);
    }
    assert_eq!(refusal(&npy("{}", &[])), "f.npz: a: descr: expected a value, found none");
    assert_eq!(
        of("<u8", "False", "(1,)", &[255; 8]).split(", found").next(),
        Some("f.npz: a: expected an array")
    );
}

/// A header is a Python dictionary, not a text in which something is found.
#[test]
fn headers_are_parsed_not_searched() {
    let of = |header: &str| refusal(&npy(header, &[0; 8]));
    let order = "'fortran_order': False, 'shape': (1,)";
    // A record with a field called like a type of numbers.
    let records = format!("{{'descr': [('<f8', '<i8')], {order}}}");
    assert_eq!(
        of(&records),
        "f.npz: a: descr: expected real or whole numbers or bool, found records of several fields, [('<f8', '<i8')]"
    );
    let twice = format!("{{'descr': '<f8', 'descr': '<i8', {order}}}");
    assert_eq!(of(&twice), "f.npz: a: header: expected one 'descr', found two");
    let more = format!("{{'descr': '<f8', {order}, 'x': 1}}");
    assert_eq!(of(&more), "f.npz: a: header: expected descr, fortran_order and shape, found 'x'");
    for text in [
        format!("('descr': '<f8', {order})"),
        format!("x = {{'descr': '<f8', {order}}}"),
        format!("{{'descr': '<f8', {order}}} + 1"),
        format!("{{'descr': '<f8' {order}}}"),
        format!("{{'descr: '<f8', {order}}}"),
        "(".repeat(60_000),
    ] {
        let message = of(&text);
        assert!(message.starts_with("f.npz: a: header: expected a Python dictionary, found "), "{message}");
    }
    // Spaces, the order of keys and the sort of quotation marks are free.
    let free = format!("{{ {order} ,\n\"descr\" :\"<i8\" , }}  \n");
    let back = Npz::from_bytes("f", &archive("a.npy", &npy(&free, &[7, 0, 0, 0, 0, 0, 0, 0]))).unwrap();
    assert_eq!(back.get("a").map(Array::to_f64), Some(vec![7.0]));
}

#[test]
fn members_of_one_name_are_refused_with_and_without_ending() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, value) in [("x", 1u8), ("x.npy", 2)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&npy(&header("|u1", "False", "()"), &[value])).unwrap();
    }
    let message = refused(Npz::from_bytes("f", &zip.finish().unwrap().into_inner()));
    assert_eq!(message, "f: expected separate entries, found entries that share a name or bytes");
}

/// Every type of numbers that numpy has for whole and real ones and bool, in both byte orders: the bytes are written by hand.
#[test]
fn all_real_and_whole_types_are_read() {
    let one = |descr: &str, data: &[u8]| {
        let content = npy(&header(descr, "False", "(1,)"), data);
        let back = Npz::from_bytes("f", &archive("a.npy", &content)).unwrap_or_else(|e| panic!("{e}"));
        back.get("a").cloned().unwrap().values
    };
    for (descr, big_endian, whole) in [
        ("i1", vec![254], -2),
        ("u1", vec![254], 254),
        ("i2", vec![254, 1], -511),
        ("u2", vec![254, 1], 65025),
        ("i4", vec![255, 255, 255, 0], -256),
        ("u4", vec![255, 255, 255, 0], 4_294_967_040),
        ("i8", vec![255, 255, 255, 255, 255, 255, 255, 0], -256),
        ("u8", vec![0, 0, 0, 0, 255, 255, 255, 0], 4_294_967_040),
    ] {
        let mut little: Vec<u8> = big_endian.clone();
        little.reverse();
        assert_eq!(one(&format!(">{descr}"), &big_endian), Values::I64(vec![whole]), ">{descr}");
        assert_eq!(one(&format!("<{descr}"), &little), Values::I64(vec![whole]), "<{descr}");
    }
    assert_eq!(one("|b1", &[1]), Values::I64(vec![1]));
    assert_eq!(one("|i1", &[129]), Values::I64(vec![-127]));
    assert_eq!(one(">f8", &(-1.5f64).to_be_bytes()), Values::F64(vec![-1.5]));
    assert_eq!(one(">f4", &(0.1f32).to_be_bytes()), Values::F32(vec![0.1]));
    // IEEE 754-2008, table 3.2: largest, smallest normal and smallest subnormal number of half precision.
    for (bits, value) in [
        (0x7bffu16, 65504.0f32),
        (0x0400, 2f32.powi(-14)),
        (0x0001, 2f32.powi(-24)),
        (0x83ff, -1023.0 * 2f32.powi(-24)),
        (0x3555, 0.333_251_95),
        (0xfc00, f32::NEG_INFINITY),
        (0x8000, 0.0),
    ] {
        assert_eq!(one("<f2", &bits.to_le_bytes()), Values::F32(vec![value]));
        assert_eq!(one(">f2", &bits.to_be_bytes()), Values::F32(vec![value]));
    }
    assert!(matches!(one("<f2", &[1, 0x7c]), Values::F32(v) if v[0].is_nan()));
}

#[test]
fn the_first_axis_may_run_fastest() {
    for shape in [vec![6], vec![2, 3], vec![2, 3, 4], vec![1, 3, 1, 2], vec![0, 3], vec![]] {
        let n: usize = shape.iter().product();
        // The number of an element is its place in row-major order.
        let mut numbers = vec![0u16; n];
        for (place, number) in numbers.iter_mut().enumerate() {
            let (mut left, mut index) = (place, Vec::new());
            for size in &shape {
                index.push(left % size);
                left /= size;
            }
            *number = index.iter().zip(&shape).fold(0, |all, (i, size)| all * size + i) as u16;
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let sizes: Vec<String> = shape.iter().map(|n| format!("{n},")).collect();
        let content = npy(&header("<u2", "True", &format!("({})", sizes.concat())), &bytes);
        let back = Npz::from_bytes("f", &archive("a.npy", &content)).unwrap();
        let expected = Array { shape: shape.clone(), values: (0..n as i64).collect::<Vec<_>>().into() };
        assert_eq!(back.get("a"), Some(&expected), "{shape:?}");
    }
}

/// Files of 4 GB of which the disk holds next to nothing: what their first and last bytes say is enough.
#[test]
fn large_files_are_refused_by_their_headers() {
    let files = Files::new();
    let sparse = |name: &str, start: &[u8]| {
        files.write(name, start);
        std::fs::OpenOptions::new()
            .write(true)
            .open(files.path(name))
            .unwrap()
            .set_len(4_000_000_000)
            .unwrap();
    };
    let before = peak_memory();
    sparse("p.npz", &bytes(&sample()));
    let message = files.refusal(PAIR);
    assert_eq!(message, "p.npz: expected a .npz archive, found no list of entries at its end");
    // An entry that claims more than deflate can make of its bytes.
    sparse("w.safetensors", &[40u64.to_le_bytes().as_slice(), b"{\"a\":{\"dtype\":\"F64\"}}"].concat());
    assert!(
        refused(losscape::base::tensors::TensorFile::read(&files.path("w.safetensors"))).contains("header")
    );
    let own = br#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#;
    sparse("w.safetensors", &[(own.len() as u64).to_le_bytes().as_slice(), own].concat());
    let message = refused(losscape::base::tensors::TensorFile::read(&files.path("w.safetensors")));
    assert!(message.ends_with(": expected 16 bytes of data, found 3999999937"), "{message}");
    // A header that says of 4 GB of zeros what they are, but no network.
    let own = br#"{"a":{"dtype":"U8","shape":[3999999934],"data_offsets":[0,3999999934]}}"#;
    let start = [(own.len() as u64).to_le_bytes().as_slice(), own].concat();
    let own = String::from_utf8(own.to_vec())
        .unwrap()
        .replace("3999999934", &(4_000_000_000 - start.len()).to_string());
    sparse("w.safetensors", &[(own.len() as u64).to_le_bytes().as_slice(), own.as_bytes()].concat());
    let message = refused(losscape::nn::Weights::read(&files.path("w.safetensors")));
    assert!(message.contains("metadata `losscape`: expected the network's specification"), "{message}");
    // Weights of anybody's: a header of zeros, one that says less than there is, an archive without its end.
    for (start, words) in [
        (&[][..], "beginning with `{`, found nothing"),
        (&b"\x0a\0\0\0\0\0\0\0{}        "[..], "expected 0 bytes of data"),
        (&b"PK\x03\x04"[..], "zip"),
    ] {
        sparse("w.pth", start);
        let message = refused(losscape::base::state_dict::StateDict::read(&files.path("w.pth")));
        assert!(message.contains(words), "{message}");
    }
    for (name, text) in [("i", "idx:images=@/i,labels=@/i"), ("data_batch_1.bin", "cifar10:directory=@")] {
        sparse(name, &[0, 0, 8, 1, 0, 0, 0, 9]);
        let message = files.refusal(text);
        assert!(
            message.contains("17 bytes") || message.contains("at most 2 GiB") || message.contains("records"),
            "{message}"
        );
    }
    sparse("x.log", b"losscape log 1\n");
    let log = losscape::base::log::header(&files.path("x.log"));
    assert!(refused(log).contains("a length with another checksum"));
    let taken = peak_memory() - before;
    // Tests of one program share its memory; the files have 4 GB each.
    assert!(taken < 1 << 30, "{taken} bytes");
}

/// The most memory that this process has held; tests of one program share it, and the others need little.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
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
        assert_eq!(back.name, "npz (file = data.npz)");
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
        assert_eq!(message, format!("p.npz: y: expected classes from 0 to 9999, found {bad} for sample 1"));
    }
    assert!(of((&[2, 2], x()), (&[2, 2], labels(vec![0; 4]))).contains("one class a sample"));
    assert!(of((&[2, 2], x()), (&[2], vec![0.0, f64::INFINITY].into())).contains("found inf"));
    let files = Files::new();
    let mut npz = Npz::default();
    npz.push("train_x", &[2, 2], x());
    npz.push("train_y", &[2], vec![0i64, 1]);
    npz.write(&files.path("p.npz")).unwrap();
    assert_eq!(files.refusal(PAIR), "p.npz: expected an array `test_x`, found train_x, train_y");
    npz.push("test_x", &[2, 2], x());
    npz.push("test_y", &[2], vec![0.5, 1.0]);
    npz.write(&files.path("p.npz")).unwrap();
    assert!(files.refusal(PAIR).contains("test targets: expected classes (whole numbers), as for training"));
    assert!(files.write("p.npz", "PK").refusal(PAIR).starts_with("p.npz: expected a .npz archive"));
    no_file_in_place_of(&files.path("p.npz"), || files.refusal(PAIR));
    assert!(files.refusal("npz").contains("as npz:file=PATH, found none"));
}

/// An archive of arrays given as type, shape and bytes, deflated as numpy.savez_compressed does, beside an array of text.
fn numpys(arrays: &[(&str, &str, &str, Vec<u8>)]) -> Files {
    let files = Files::new();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, descr, shape, data) in arrays {
        zip.start_file(format!("{name}.npy"), deflated).unwrap();
        zip.write_all(&npy(&header(descr, "False", shape), data)).unwrap();
    }
    for (name, descr) in [("names", "<U5"), ("objects", "|O")] {
        zip.start_file(format!("{name}.npy"), deflated).unwrap();
        zip.write_all(&npy(&header(descr, "False", "(1,)"), b"some bytes of no number")).unwrap();
    }
    files.write("p.npz", zip.finish().unwrap().into_inner());
    files
}

#[test]
fn arrays_are_found_by_the_names_that_people_give_them() {
    let x = || (0..16u8).collect::<Vec<u8>>();
    let y = || vec![0u8, 1, 2, 1];
    for (names, test) in [
        (vec!["x", "y"], 2),
        (vec!["X", "y"], 2),
        (vec!["data", "target"], 2),
        (vec!["arr_0", "arr_1"], 2),
        (vec!["x", "y", "test_x", "test_y"], 4),
        (vec!["X", "y", "X_test", "y_test"], 4),
        (vec!["x_train", "y_train", "x_test", "y_test"], 4),
        (vec!["X_train", "y_train", "X_test", "y_test"], 4),
        (vec!["x_train", "y_train"], 2),
        (vec!["train_images", "train_labels", "test_images", "test_labels"], 4),
    ] {
        let array = |(i, name): (usize, &&'static str)| match i % 2 {
            0 => (*name, "|u1", "(4, 4)", x()),
            _ => (*name, "|u1", "(4,)", y()),
        };
        let files = numpys(&names.iter().enumerate().map(array).collect::<Vec<_>>());
        let asked = if names.len() == 2 { PAIR } else { "npz:file=@/p.npz" };
        let data = files.load(asked).unwrap_or_else(|e| panic!("{names:?}: {e}"));
        assert_eq!((data.test.len(), data.outputs, data.shape), (test, 3, vec![4]), "{names:?}");
    }
    let half = [("x", "|u1", "(4, 4)", x()), ("y", "|u1", "(4,)", y()), ("test_x", "|u1", "(4, 4)", x())];
    assert!(numpys(&half).refusal("npz:file=@/p.npz").contains("expected an array `test_y`"));
    let files = numpys(&[("in", "|u1", "(4, 4)", x()), ("out", "|u1", "(4,)", y())]);
    assert_eq!(files.load("npz:file=@/p.npz,x=in,y=out").unwrap().outputs, 3);
    assert!(files.refusal(PAIR).contains("or their names as x=NAME,y=NAME, found in, out, names, objects"));
    assert!(files.refusal("npz:file=@/p.npz,x=in").contains("y: expected the array of targets"));
    assert!(
        files
            .refusal("npz:file=@/p.npz,x=in,y=names")
            .contains("names: descr: expected real or whole numbers or bool, found text")
    );
    assert!(
        files.refusal("npz:file=@/p.npz,x=in,y=outt").contains("expected an array `outt`, found in, out")
    );
}

/// What a network would be trained on in a wrong way without a word.
#[test]
fn data_that_look_wrong_are_read_as_said() {
    let said = |files: &Files, settings: &str, words: &[&str]| {
        let data = files.load(&format!("npz:file=@/p.npz{settings}")).unwrap_or_else(|e| panic!("{e}"));
        assert!(words.is_empty() == data.notes.is_empty(), "{words:?}: {:?}", data.notes);
        let all = data.notes.join("; ");
        assert!(words.iter().all(|word| all.contains(word)), "{words:?}: {all}");
        data
    };
    let noise = |n: usize| (0..n).map(|i| (i * i * 31 % 251) as u8).collect::<Vec<u8>>();
    let signed = |labels: [i8; 6]| labels.iter().map(|label| *label as u8).collect::<Vec<u8>>();
    let of = |y: [i8; 6]| numpys(&[("x", "|u1", "(6, 3)", noise(18)), ("y", "|i1", "(6,)", signed(y))]);
    // Classes from 1, two signs, and classes that nobody has.
    let from_one = of([1, 2, 3, 1, 2, 3]);
    assert_eq!(said(&from_one, "", &["labels are 1 to 3, and class 0 has no sample", "first=1"]).outputs, 4);
    assert_eq!(said(&from_one, ",first=1", &[]).outputs, 3);
    assert_eq!(
        said(&of([-1, 1, 1, -1, 1, 1]), "", &["labels -1 and +1 are taken as classes 0 and 1"]).outputs,
        2
    );
    assert_eq!(said(&of([0, 1, 3, 0, 1, 3]), "", &["class 2 of 4 has no sample"]).outputs, 4);
    assert!(of([0, 1, 2, 0, 1, 2]).refusal("npz:file=@/p.npz,first=1").contains("expected classes from 1"));
    // Labels of a floating type.
    let floats = |y: &[f32]| y.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let float = numpys(&[
        ("x", "|u1", "(6, 3)", noise(18)),
        ("y", "<f4", "(6,)", floats(&[0.0, 1.0, 0.0, 1.0, 1.0, 0.0])),
    ]);
    assert!(
        !said(&float, "", &["2 whole numbers of a floating type are predicted as values", "task=classes"])
            .has_classes()
    );
    assert_eq!(said(&float, ",task=classes", &[]).outputs, 2);
    assert!(!said(&float, ",task=regression", &[]).has_classes());
    let gap = floats(&[0.0, 1.0, f32::NAN, 1.0, 1.0, 0.0]);
    let gap = numpys(&[("x", "|u1", "(6, 3)", noise(18)), ("y", "<f4", "(6,)", gap)]);
    assert!(
        gap.refusal("npz:file=@/p.npz,task=classes")
            .contains("y: expected classes, whole numbers (see `task`), found NaN for sample 2")
    );
    let hot = floats(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    let hot = numpys(&[("x", "|u1", "(6, 3)", noise(18)), ("y", "<f4", "(6, 2)", hot)]);
    assert!(!said(&hot, "", &["rows with a 1 at one of 2 places", "task=classes"]).has_classes());
    assert_eq!(labels_of(&said(&hot, ",task=classes", &[])), 3);
    // As many classes as samples.
    let many: Vec<u8> = (0..60).flat_map(|i: u16| (i * 37).to_le_bytes()).collect();
    let many = numpys(&[("x", "|u1", "(60, 3)", noise(180)), ("y", "<u2", "(60,)", many)]);
    said(&many, "", &["60 different numbers among 60 samples", "task=regression"]);
    assert!(!said(&many, ",task=regression", &[]).has_classes());
    // A feature that numbers the samples.
    let rows: Vec<u8> = (0..60).flat_map(|i| [(i * i * 31 % 251) as u8, i as u8]).collect();
    let rows =
        numpys(&[("x", "|u1", "(60, 2)", rows), ("y", "|u1", "(60,)", (0..60).map(|i| i % 2).collect())]);
    said(&rows, "", &["feature 1 numbers the samples", "drop=[1]"]);
    assert_eq!(said(&rows, ",drop=[1]", &[]).shape, [1]);
    // Channels behind the pixels, and bytes of images as shares.
    let pictures = numpys(&[("x", "|u1", "(2, 5, 4, 3)", noise(120)), ("y", "|u1", "(2,)", vec![0, 1])]);
    let data = said(&pictures, "", &["channels last", "channels=first"]);
    assert_eq!((&data.shape, data.train.len()), (&vec![3, 5, 4], 1));
    let sample = if labels(&data.train)[0] == 0 { 0 } else { 60 };
    let expected: Vec<f64> =
        (0..60).map(|i| f64::from(noise(120)[sample + i % 20 * 3 + i / 20]) / 255.0).collect();
    assert_eq!(data.train.input(0), expected);
    assert_eq!(said(&pictures, ",channels=first", &[]).shape, [5, 4, 3]);
    assert_eq!(said(&pictures, ",channels=last", &[]).shape, [3, 5, 4]);
}

/// How many samples have class 0.
fn labels_of(data: &losscape::data::Dataset) -> usize {
    [&data.train, &data.test].iter().flat_map(|s| labels(s)).filter(|label| **label == 0).count()
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

#[test]
fn an_array_alone_is_told_from_an_archive() {
    let files = Files::new();
    let header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }";
    files.write("x.npy", [&header[..], &[b' '; 60], b"\n", &[0; 8]].concat());
    assert!(files.refusal("npz:file=@/x.npy").contains("npy:x=PATH,y=PATH"));
}
