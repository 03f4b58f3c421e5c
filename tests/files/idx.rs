//! IDX files, plain and gzip: read as their format says, and refused when broken.

use crate::files::{Files, labels, no_file_in_place_of};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Write;

/// A file of the given type and sizes.
pub fn idx(element: u8, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, element, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Images of 2 x 3 pixels that count up, and labels below 10.
fn images(n: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..6 * n).map(|i| (i * 7 % 256) as u8).collect();
    idx(8, &[n, 2, 3], &pixels)
}

fn some_labels(n: u32) -> Vec<u8> {
    let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
    idx(8, &[n], &labels)
}

/// The four files of a small MNIST.
pub fn mnist(files: &Files) {
    files
        .write("train-images-idx3-ubyte", images(40))
        .write("train-labels-idx1-ubyte.gz", gzip(&some_labels(40)))
        .write("t10k-images-idx3-ubyte.gz", gzip(&images(20)))
        .write("t10k-labels-idx1-ubyte", some_labels(20));
}

const TWO: &str = "idx:images=@/i,labels=@/l";

/// The refusal of `images` beside good labels, and of good images beside `labels`.
fn image_refusal(images: impl AsRef<[u8]>) -> String {
    let files = Files::new();
    files.write("i", images).write("l", some_labels(4)).refusal(TWO)
}

fn label_refusal(labels: impl AsRef<[u8]>) -> String {
    let files = Files::new();
    files.write("i", images(4)).write("l", labels).refusal(TWO)
}

#[test]
fn labels_from_one_and_channels_behind_are_said() {
    let files = Files::new();
    let said = |settings: &str| {
        let data = files.load(&format!("{TWO},test=0{settings}")).unwrap();
        (data.notes.join("; "), data)
    };
    files.write("i", images(4)).write("l", idx(8, &[4], &[1, 2, 3, 1]));
    let (notes, data) = said(",classes=4");
    assert!(notes.contains("labels are 1 to 3, and class 0 has no sample; first=1"), "{notes}");
    assert_eq!(data.outputs, 4);
    let (notes, data) = said(",classes=3,first=1");
    let mut found = labels(&data.train).to_vec();
    found.sort_unstable();
    assert_eq!((notes.as_str(), found.as_slice()), ("", [0, 0, 1, 2].as_slice()));
    assert!(
        files
            .refusal(&format!("{TWO},classes=2,first=1"))
            .contains("labels from 1 to 2 (see `classes`), found 3")
    );
    assert!(said("").0.contains("see `classes`"));
    files.write("i", idx(8, &[4, 2, 2, 3], &(0..48).collect::<Vec<u8>>()));
    let (notes, data) = said(",classes=3,first=1");
    assert!(notes.contains("channels last; channels=first says otherwise"), "{notes}");
    assert_eq!(data.shape, [3, 2, 2]);
    // Sample 2 holds the bytes from 24 on; its red channel every third of them.
    let third = labels(&data.train).iter().position(|label| *label == 2).unwrap();
    let red: Vec<f64> = [24, 27, 30, 33].map(|v| f64::from(v) / 255.0).to_vec();
    assert_eq!(data.train.input(third)[..4], red);
    assert_eq!(said(",classes=3,first=1,channels=first").1.shape, [2, 2, 3]);
}

#[test]
fn the_usual_names_are_found_plain_and_gzip() {
    let files = Files::new();
    mnist(&files);
    let data = files.load("idx:directory=@").unwrap();
    assert_eq!((data.train.len(), data.test.len()), (40, 20));
    assert_eq!((data.shape.as_slice(), data.outputs), ([1, 2, 3].as_slice(), 10));
    // The test part stays in its own order; pixels are shares of 255.
    let expected: Vec<f64> = (0..120).map(|i| f64::from(i * 7 % 256) / 255.0).collect();
    assert_eq!(data.test.x, expected);
    assert_eq!(labels(&data.test), (0..20).map(|i| i % 10).collect::<Vec<u32>>());
    // The training part is in random order, each label beside its own image.
    let mut rows: Vec<(Vec<u64>, u32)> = data
        .train
        .x
        .chunks(6)
        .zip(labels(&data.train))
        .map(|(x, y)| (x.iter().map(|v| (v * 255.0).round() as u64).collect(), *y))
        .collect();
    assert_ne!(labels(&data.train)[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    rows.sort();
    let mut expected: Vec<(Vec<u64>, u32)> =
        (0..40).map(|i| ((0..6).map(|p| (6 * i + p) * 7 % 256).collect(), (i % 10) as u32)).collect();
    expected.sort();
    assert_eq!(rows, expected);
    assert!(data.name.starts_with("idx (directory = ") && !data.name.contains('/'), "{}", data.name);
}

#[test]
fn files_by_name_are_split_where_there_is_no_test_part() {
    let files = Files::new();
    files.write("i", images(40)).write("l", some_labels(40));
    let data = files.load(TWO).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (30, 10));
    let data = files.load(&format!("{TWO},test=0.5")).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (20, 20));
    let data = files.load(&format!("{TWO},test-images=@/i,test-labels=@/l")).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (40, 40));
    assert!(files.refusal("idx:images=@/i").contains("labels: expected a file beside `images`"));
    assert!(files.refusal(&format!("{TWO},test-images=@/i")).contains("test-labels: expected a file"));
    assert!(files.refusal("idx").contains("directory: expected a directory with train-images-idx3-ubyte"));
}

#[test]
fn every_type_and_number_of_axes_is_read() {
    let files = Files::new();
    files.write("l", some_labels(2));
    let f32s: Vec<u8> = [0.5f32, -2.0, 1e30, 3.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let f64s: Vec<u8> = [0.5f64, -2.0, 1e300, 3.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let i16s: Vec<u8> = [1i16, -2, 300, -30000].iter().flat_map(|v| v.to_be_bytes()).collect();
    let i32s: Vec<u8> = [1i32, -2, 70000, -30000].iter().flat_map(|v| v.to_be_bytes()).collect();
    for (element, data, expected) in [
        (0x08, vec![0, 51, 255, 102], vec![0.0, 0.2, 1.0, 0.4]),
        (0x09, vec![0, 255, 127, 128], vec![0.0, -1.0, 127.0, -128.0]),
        (0x0b, i16s, vec![1.0, -2.0, 300.0, -30000.0]),
        (0x0c, i32s, vec![1.0, -2.0, 70000.0, -30000.0]),
        (0x0d, f32s, vec![0.5, -2.0, f64::from(1e30f32), 3.0]),
        (0x0e, f64s, vec![0.5, -2.0, 1e300, 3.0]),
    ] {
        for (sizes, shape) in
            [(vec![2, 2], vec![2]), (vec![2, 1, 2], vec![1, 1, 2]), (vec![2, 2, 1, 1], vec![2, 1, 1])]
        {
            files.write("i", idx(element, &sizes, &data));
            let data = files.load(&format!("{TWO},test-images=@/i,test-labels=@/l")).unwrap();
            assert_eq!((data.shape, data.test.x), (shape, expected.clone()), "type {element:02x}");
        }
    }
}

#[test]
fn broken_images_are_refused() {
    assert_eq!(image_refusal(b""), "i: expected at least 4 bytes, up to the magic number, found 0");
    assert_eq!(image_refusal(b"\0\0\x08"), "i: expected at least 4 bytes, up to the magic number, found 3");
    let magic = "i: expected an IDX file: bytes 00 00, a type, 01 to 04 axes, found ";
    assert_eq!(image_refusal(b"\x01\0\x08\x03...."), format!("{magic}01 00 08 03"));
    assert_eq!(image_refusal(idx(8, &[], &[])), format!("{magic}00 00 08 00"), "no axis");
    assert_eq!(image_refusal(idx(8, &[1; 255], &[])), format!("{magic}00 00 08 ff"));
    assert_eq!(image_refusal(b"\x89PNG"), format!("{magic}89 50 4e 47"));
    assert_eq!(
        image_refusal(idx(7, &[4, 2, 3], &[0; 24])),
        "i: expected an IDX type (08, 09, 0b, 0c, 0d or 0e), found 07"
    );
    assert_eq!(image_refusal(&images(4)[..9]), "i: expected at least 12 bytes, up to the sizes, found 9");
    assert_eq!(
        image_refusal(some_labels(4)),
        "i: expected images, with 2 to 4 axes, found 1 axis, as labels have"
    );
    let whole = images(4);
    assert_eq!(image_refusal(&whole[..39]), "i: expected 40 bytes, as its header says, found 39");
    assert_eq!(
        image_refusal([whole.as_slice(), b"!"].concat()),
        "i: expected 40 bytes, as its header says, found 41"
    );
    assert_eq!(image_refusal(idx(8, &[0, 2, 3], &[])), "i: expected samples, found 0 along axis 0");
    assert_eq!(
        image_refusal(idx(8, &[4, 2, 0], &[])),
        "i: expected a size above 0 along each axis, found 0 along axis 2"
    );
    // 2^128 numbers; 2^64 bytes; and 2^63 bytes, which a file could not hold either.
    let most = u32::MAX;
    let overflow =
        format!("i: expected fewer than 2^64 numbers, found sizes [{most}, {most}, {most}, {most}]");
    assert_eq!(image_refusal(idx(8, &[most; 4], &[])), overflow);
    assert!(image_refusal(idx(0x0e, &[1 << 31, 1 << 30], &[])).contains("fewer than 2^64 numbers"));
    assert!(
        image_refusal(idx(8, &[1 << 31, 1 << 30, 2], &[])).contains("bytes, as its header says, found 16")
    );
    let nan = [f64::NAN; 4].iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
    assert_eq!(image_refusal(idx(0x0e, &[4, 1], &nan)), "i: expected finite numbers, found NaN");
}

#[test]
fn broken_labels_are_refused() {
    assert_eq!(label_refusal(b""), "l: expected at least 4 bytes, up to the magic number, found 0");
    assert_eq!(label_refusal(images(4)), "l: expected labels, with 1 axis, found 3, as images have");
    assert_eq!(label_refusal(some_labels(5)), "l: expected 4 labels, one an image, found 5");
    let high = idx(8, &[4], &[0, 1, 10, 2]);
    assert_eq!(label_refusal(high), "l: expected labels from 0 to 9 (see `classes`), found 10 for sample 2");
    let negative = idx(9, &[4], &[0, 255, 1, 2]);
    assert_eq!(
        label_refusal(negative),
        "l: expected labels from 0 to 9 (see `classes`), found -1 for sample 1"
    );
    assert!(label_refusal(idx(0x0d, &[4], &[0; 16])).contains("labels that are whole numbers"));
    let files = Files::new();
    files.write("i", images(4)).write("l", some_labels(4));
    assert!(files.refusal(&format!("{TWO},classes=3")).contains("labels from 0 to 2"));
}

#[test]
fn test_images_of_another_shape_are_refused() {
    let files = Files::new();
    mnist(&files);
    files.write("t10k-images-idx3-ubyte.gz", gzip(&idx(8, &[20, 3, 2], &[0; 120])));
    assert_eq!(
        files.refusal("idx:directory=@"),
        "t10k-images-idx3-ubyte.gz: expected samples of shape [1, 2, 3], as for training, found [1, 3, 2]"
    );
}

#[test]
fn broken_gzip_data_are_refused() {
    let files = Files::new();
    files.write("l", some_labels(4));
    let of = |bytes: &[u8]| {
        let message = files.write("i.gz", bytes).refusal("idx:images=@/i.gz,labels=@/l");
        message.strip_prefix("i.gz: expected ").unwrap().to_owned()
    };
    let whole = gzip(&images(4));
    assert!(files.write("i.gz", &whole).load("idx:images=@/i.gz,labels=@/l").is_ok());
    assert_eq!(of(&images(4)), "gzip data, as the name says, found other bytes");
    assert_eq!(of(b""), "gzip data, as the name says, found other bytes");
    for cut in [1, 4, 8, 9, whole.len() - 12] {
        assert_eq!(
            of(&whole[..whole.len() - cut]),
            "whole gzip data, found data that end too early",
            "{cut}"
        );
    }
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert!(of(&wrong).starts_with("whole gzip data, found corrupt gzip stream"), "{}", of(&wrong));
    assert!(of(&[whole.as_slice(), b"garbage"].concat()).starts_with("whole gzip data, found "));
    // Unpacked, it is a byte short or a byte long.
    assert_eq!(of(&gzip(&images(4)[..39])), "at least 40 bytes, up to the pixels, found 39");
    assert_eq!(of(&gzip(&[images(4), vec![0]].concat())), "40 bytes, as its header says, found more");
    // Two members are one file (RFC 1952, 2.2).
    let two = [gzip(&images(4)[..20]), gzip(&images(4)[20..])].concat();
    assert!(files.write("i.gz", two).load("idx:images=@/i.gz,labels=@/l").is_ok());
}

#[test]
fn a_gzip_bomb_is_found_at_its_first_byte_too_many() {
    let files = Files::new();
    // 50 MB of zeros in 50 kB, behind headers that declare less or more.
    let bomb = |sizes: &[u32]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&idx(8, sizes, &[])).unwrap();
        (0..50).for_each(|_| encoder.write_all(&[0; 1_000_000]).unwrap());
        encoder.finish().unwrap()
    };
    files.write("i.gz", bomb(&[4, 2, 3])).write("l", some_labels(4));
    let gz = "idx:images=@/i.gz,labels=@/l";
    assert_eq!(files.refusal(gz), "i.gz: expected 40 bytes, as its header says, found more");
    files.write("i.gz", bomb(&[50_000_000, 1, 1]));
    assert_eq!(files.refusal(gz), "l: expected 50000000 labels, one an image, found 4");
    files.write("i.gz", bomb(&[4, 50_000_000, 2]));
    let message = files.refusal(gz);
    assert_eq!(message, "i.gz: expected data of at most 2 GiB, found 4 x 100000000 numbers, 3.0 GiB");
    files.write("i", images(4)).write("l.gz", bomb(&[4]));
    assert_eq!(
        files.refusal("idx:images=@/i,labels=@/l.gz"),
        "l.gz: expected 12 bytes, as its header says, found more"
    );
}

#[test]
fn whatever_lies_in_the_place_of_a_file_is_refused_at_once() {
    let files = Files::new();
    mnist(&files);
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        no_file_in_place_of(&files.path(name), || files.refusal("idx:directory=@"));
        mnist(&files);
    }
    std::fs::remove_file(files.path("t10k-labels-idx1-ubyte")).unwrap();
    let message = files.refusal("idx:directory=@");
    assert!(
        message.ends_with("t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, found none there"),
        "{message}"
    );
    assert!(files.refusal("idx:directory=@/absent").ends_with("found no such directory"));
    assert!(files.refusal("idx:directory=@/train-images-idx3-ubyte").ends_with("found no such directory"));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        images in prop::collection::vec(any::<u8>(), 0..60),
        labels in prop::collection::vec(any::<u8>(), 0..30),
        element in 7u8..16, axes in 0u8..6,
    ) {
        let files = Files::new();
        let with_magic = |axes: u8, rest: &[u8]| [&[0, 0, element, axes], rest].concat();
        let _ = files.write("i", &images).write("l", &labels).load(TWO);
        let _ = files.write("i", with_magic(axes, &images)).write("l", with_magic(1, &labels)).load(TWO);
        let _ = files.write("i", [b"\x1f\x8b\x08", images.as_slice()].concat()).load(TWO);
    }

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        zipped in any::<bool>(),
    ) {
        let files = Files::new();
        let mut bytes = if zipped { gzip(&images(4)) } else { images(4) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = files.write("i", bytes).write("l", some_labels(4)).load(TWO);
    }
}
