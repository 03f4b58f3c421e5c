//! Folders of images, which `made/images.py` saved with Pillow, against the pixels that Pillow reads; and text.

use losscape::base::npz::Npz;
use losscape::base::registry::Registry;
use losscape::data::{Dataset, Preparation, Source, Standardize};
use std::path::{Path, PathBuf};

fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/made").join(name)
}

fn load(text: &str) -> Result<Dataset, String> {
    let source = Source::parse(text).map_err(|e| e.to_string())?;
    Dataset::load(&source, 0, &Preparation::standardized(Standardize::None)).map_err(|e| e.to_string())
}

fn images(settings: &str) -> Result<Dataset, String> {
    load(&format!("images:directory={},test=0{settings}", made("images").display()))
}

#[test]
fn folders_of_images_are_the_pixels_that_pillow_reads() {
    let found = images("").expect("images");
    assert_eq!((found.shape.as_slice(), found.outputs), (&[3, 12, 10][..], 2));
    assert_eq!(found.class_names, ["cat", "dog"]);
    let mut labels = found.train.labels().expect("classes").to_vec();
    labels.sort_unstable();
    assert_eq!(labels, [0, 0, 1, 1, 1]);
    assert!(found.notes.iter().any(|note| note.contains("transparency of 1 images")), "{:?}", found.notes);
    let pillow = Npz::read(&made("images.npz")).expect("pixels");
    let pillow = pillow.get("x").expect("x").to_f64();
    let features = found.features();
    for (i, expected) in pillow.chunks_exact(features).enumerate() {
        let nearest =
            |image: &[f64]| image.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let least = found.train.x.chunks_exact(features).map(nearest).fold(f64::INFINITY, f64::min);
        // Images of PNG are exact in single precision; decoders of JPEG may round a step apart.
        let tolerance = if matches!(i, 1 | 4) { 2.5 / 255.0 } else { 1e-7 };
        assert!(least <= tolerance, "image {i}: {least}");
    }
}

#[test]
fn images_are_brought_to_a_size_and_to_gray() {
    let found = images(",size=4,colors=gray").expect("images");
    assert_eq!(found.shape, [1, 4, 4]);
    assert!(found.train.x.iter().all(|x| (0.0..=1.0).contains(x)));
    // A mean over all pixels stays one, whatever the size in between.
    let whole = images(",height=1,width=1,fit=stretch").expect("images");
    let half = images(",height=6,width=5,fit=stretch").expect("images");
    for (one, parts) in whole.train.x.iter().zip(half.train.x.chunks_exact(30)) {
        assert!((one - parts.iter().sum::<f64>() / 30.0).abs() < 1e-6);
    }
}

#[test]
fn what_is_no_folder_of_images_is_refused() {
    let bench = tempfile::tempdir().expect("a folder");
    let at = bench.path();
    let error =
        |settings: &str| load(&format!("images:directory={}{settings}", at.display())).expect_err("an error");
    assert!(error("").contains("folders, one a class"));
    std::fs::create_dir_all(at.join("a")).expect("a folder");
    assert!(error("").contains("PNG or JPEG files in the classes' folders"));
    std::fs::write(at.join("a/x.png"), b"GIF89a").expect("a file");
    assert!(error("").contains("expected a PNG or JPEG file, found another kind"));
    let png = std::fs::read(made("images/cat/a.png")).expect("a file");
    std::fs::write(at.join("a/x.png"), &png[..png.len() / 2]).expect("a file");
    assert!(error("").contains("a whole PNG file"));
    let jpeg = std::fs::read(made("images/dog/c.jpeg")).expect("a file");
    std::fs::write(at.join("a/x.png"), &jpeg[..jpeg.len() / 2]).expect("a file");
    assert!(error("").contains("a whole JPEG file"));
    assert!(error(",height=3").contains("height and width"));
    assert!(load("images:").expect_err("an error").contains("images:directory=PATH"));
    std::fs::write(at.join("a/x.png"), &png).expect("a file");
    std::fs::create_dir_all(at.join("b")).expect("a folder");
    let small = png_of(3, 2, &[7; 6]);
    std::fs::write(at.join("b/y.png"), small).expect("a file");
    assert!(error("").contains("size=N to bring all to one size"));
    assert!(load(&format!("images:directory={},size=2,test=0", at.display())).is_ok());
}

/// A gray image.
pub fn png_of(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

#[test]
fn folders_for_testing_are_the_test_samples() {
    let bench = tempfile::tempdir().expect("a folder");
    for (part, class, count) in [("train", "10", 3), ("train", "9", 2), ("val", "9", 1), ("val", "10", 1)] {
        let folder = bench.path().join(part).join(class);
        std::fs::create_dir_all(&folder).expect("a folder");
        (0..count).for_each(|i| {
            std::fs::write(folder.join(format!("{i}.png")), png_of(2, 2, &[7; 4])).expect("a file")
        });
    }
    let found = load(&format!("images:directory={}", bench.path().display())).expect("images");
    assert_eq!((found.train.len(), found.test.len(), found.outputs), (5, 2, 2));
    assert_eq!(found.class_names, ["9", "10"]);
}

#[test]
fn text_is_predicted_from_what_comes_before() {
    let bench = tempfile::tempdir().expect("a folder");
    let path = bench.path().join("t.txt");
    std::fs::write(&path, "abcabcab\u{e9}").expect("a file");
    let found = load(&format!("text:file={},context=2,test=0", path.display())).expect("a text");
    assert_eq!((found.shape.as_slice(), found.outputs), (&[8][..], 4));
    assert_eq!(found.class_names, ["a", "b", "c", "\\u{e9}"]);
    // After a b comes c, twice; the last time something else.
    let of = |context: [usize; 2]| -> Vec<u32> {
        let same = |row: &[f64]| (0..2).all(|i| row[4 * i + context[i]] == 1.0);
        let rows = found.train.x.chunks_exact(8).zip(found.train.labels().expect("classes"));
        let mut all: Vec<u32> = rows.filter(|(row, _)| same(row)).map(|(_, label)| *label).collect();
        all.sort_unstable();
        all
    };
    assert_eq!((of([0, 1]), of([1, 2]), of([2, 0])), (vec![2, 2, 3], vec![0, 0], vec![1, 1]));
    assert!(found.train.x.chunks_exact(8).all(|row| row.iter().sum::<f64>() == 2.0));
    let bytes = load(&format!("text:file={},context=2,test=0,unit=byte", path.display())).expect("bytes");
    assert_eq!(bytes.outputs, 5);
    std::fs::write(&path, [b'a', 0xff, b'b', b'c']).expect("a file");
    let error = load(&format!("text:file={},context=1", path.display())).expect_err("no text");
    assert!(error.contains("unit=byte"), "{error}");
    assert!(load(&format!("text:file={},context=4,unit=byte", path.display())).is_err());
}
