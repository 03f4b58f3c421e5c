//! Every data set of the registry: loads, repeats itself, follows its seed, is standardised.

use crate::files::{Files, cifar, idx, images, labels, load_as, refused};
use losscape::base::registry::Registry;
use losscape::data::{Dataset, Preparation, Source, Standardize};

fn load(source: &Source, seed: u64) -> Dataset {
    let preparation = Preparation::standardized(Standardize::Feature);
    Dataset::load(source, seed, &preparation).unwrap_or_else(|e| panic!("{source}: {e}"))
}

fn refusal(text: &str) -> String {
    refused(Source::parse(text))
}

/// Every kind with settings that it loads with: kinds that read files get small ones.
fn every_source(files: &Files) -> Vec<Source> {
    idx::mnist(files);
    cifar::cifar10(files);
    cifar::cifar100(files);
    let table: String = (0..40).map(|i| format!("{},{},{}\n", i * i % 17, i % 5, i % 2)).collect();
    files.write("t.csv", table);
    load(&Source::default(), 0).to_npz().write(&files.path("data.npz")).unwrap();
    for (i, part) in ["train", "test"].into_iter().enumerate() {
        for class in ["cat", "dog"] {
            let folder = files.path("images").join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for image in 0..6u8 {
                let pixels =
                    [image * 9, image * image, 40 + i as u8, class.len() as u8 * image].map(|x| x % 251);
                std::fs::write(folder.join(format!("{image}.png")), images::png_of(2, 2, &pixels)).unwrap();
            }
        }
    }
    let npy = |descr: &str, shape: &str, numbers: Vec<u8>| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &numbers].concat()
    };
    files.write("x.npy", npy("|u1", "(40, 2)", (0..80u32).map(|i| (i * i % 17) as u8).collect()));
    files.write("y.npy", npy("|u1", "(40,)", (0..40).map(|i| i % 2).collect()));
    files.write("t.txt", (0..300).map(|i| ["a", "b", "c"][i * i % 7 % 3]).collect::<String>());
    let with_files = |source: Source| match source.name() {
        "idx" => files.source("idx:directory=@"),
        "cifar10" => files.source("cifar10:directory=@"),
        "cifar100" => files.source("cifar100:directory=@"),
        "csv" => files.source("csv:file=@/t.csv"),
        "npz" => files.source("npz:file=@/data.npz"),
        "npy" => files.source("npy:x=@/x.npy,y=@/y.npy"),
        "images" => files.source("images:directory=@/images"),
        "text" => files.source("text:file=@/t.txt,context=2"),
        // Orthonormal, it has nothing that a seed could draw.
        "gaussian-teacher" => files.source("gaussian-teacher:random=true"),
        _ => source,
    };
    // Arguments of an exported network keep the order of their file, whatever the seed: tests/exported loads them.
    Source::all().into_iter().filter(|source| source.name() != "arguments").map(with_files).collect()
}

#[test]
fn every_data_set_follows_its_seed_and_nothing_else() {
    let files = Files::new();
    for source in every_source(&files) {
        let data = load(&source, 0);
        let same = data.sha256();
        assert_eq!(same, load(&source, 0).sha256(), "{source}");
        assert_ne!(same, load(&source, 1).sha256(), "{source}");
        assert_eq!(data.name, source.title());
    }
}

#[test]
fn every_data_set_is_consistent() {
    let files = Files::new();
    for source in every_source(&files) {
        let data = load(&source, 0);
        for samples in [&data.train, &data.test] {
            assert!(!samples.is_empty(), "{source}");
            assert_eq!(samples.x.len(), samples.len() * data.features(), "{source}");
            assert!(samples.x.iter().all(|v| v.is_finite()), "{source}");
            let Some(labels) = samples.labels() else {
                let values = samples.values().unwrap();
                assert_eq!(values.len(), samples.len() * data.outputs, "{source}");
                assert!(values.iter().all(|v| !v.is_infinite()) && values.iter().any(|v| v.is_finite()));
                continue;
            };
            assert_eq!(labels.len(), samples.len(), "{source}");
            assert!(labels.iter().all(|&label| (label as usize) < data.outputs), "{source}");
            for class in 0..data.outputs as u32 {
                assert!(labels.contains(&class), "{source}: class {class} is in both parts");
            }
        }
    }
}

#[test]
fn training_samples_have_mean_0_and_deviation_1_or_are_0() {
    let files = Files::new();
    for source in every_source(&files) {
        let data = load(&source, 0);
        let (d, n) = (data.features(), data.train.len() as f64);
        for f in 0..d {
            let column = || data.train.x.iter().skip(f).step_by(d);
            let mean = column().sum::<f64>() / n;
            let std = (column().map(|x| x * x).sum::<f64>() / n).sqrt();
            let constant = column().chain(data.test.x.iter().skip(f).step_by(d)).all(|&x| x == 0.0);
            assert!(mean.abs() <= 1e-12, "{source}: feature {f}: mean {mean}");
            assert!(constant || (std - 1.0).abs() <= 1e-12, "{source}: feature {f}: deviation {std}");
        }
    }
}

#[test]
fn digits_are_split_into_1297_and_500_and_no_sample_is_in_both() {
    let data = load_as(&Source::default(), Standardize::None).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (1297, 500));
    assert_eq!((data.shape.as_slice(), data.outputs), ([1, 8, 8].as_slice(), 10));
    // No two digits are the same image, so as many distinct rows as samples means that none was used twice.
    let all = || data.train.x.chunks(64).chain(data.test.x.chunks(64));
    let rows: std::collections::HashSet<Vec<u8>> =
        all().map(|r| r.iter().map(|&v| v as u8).collect()).collect();
    assert_eq!(rows.len(), 1797);
}

/// Weight files of older runs name their data by this number: it must not change.
#[test]
fn the_default_data_set_is_what_it_always_was() {
    let data = load(&Source::default(), 0);
    assert_eq!(data.sha256(), "24e4e0a7369565e4e6e69f102a7d5a32064602a855c2919c583a6a194fb70c0e");
}

#[test]
fn standardising_uses_the_training_samples_only() {
    let raw = load_as(&Source::default(), Standardize::None).unwrap();
    let scaled = load(&Source::default(), 0);
    let f = 20;
    let column = || raw.train.x.iter().skip(f).step_by(64);
    let mean = column().sum::<f64>() / 1297.0;
    let std = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / 1297.0).sqrt();
    for i in 0..500 {
        let expected = (raw.test.x[i * 64 + f] - mean) / std;
        assert!((scaled.test.x[i * 64 + f] - expected).abs() < 1e-12);
    }
}

#[test]
fn titles_show_of_paths_the_last_part_only() {
    for (text, title) in [
        ("digits", "digits"),
        ("spirals:noise=0.5", "spirals (noise = 0.5)"),
        ("idx:directory=mnist", "idx (directory = mnist)"),
        ("idx:directory=/a/b/mnist/,classes=47", "idx (classes = 47, directory = mnist)"),
        ("csv:file=\"../x,y/iris.csv\",label=species", "csv (file = iris.csv, label = species)"),
    ] {
        assert_eq!(Source::parse(text).unwrap().title(), title);
    }
}

#[test]
fn senseless_settings_are_refused() {
    assert_eq!(refusal("spirals:samples=0"), "data set spirals: samples: expected 8 to 10000000, found 0");
    assert_eq!(refusal("spirals:noise=nan"), "data set spirals: noise: expected 0 to 100, found NaN");
    assert_eq!(refusal("spirals:turns=inf"), "data set spirals: turns: expected 0 to 100, found inf");
    assert_eq!(refusal("blobs:classes=1"), "data set blobs: classes: expected 2 to 1000, found 1");
    assert_eq!(refusal("blobs:classes=1001"), "data set blobs: classes: expected 2 to 1000, found 1001");
    assert_eq!(
        refusal("blobs:samples=1000000,dimension=1000"),
        "data set blobs: samples: expected data of at most 2 GiB, found 1000000 x 1000 numbers, 7.5 GiB"
    );
    assert!(refusal("blobs:samples=1000000000000").contains("samples: expected 8 to 10000000"));
    assert!(refusal("blobs:samples=-1").starts_with("data set blobs: "));
    assert!(refusal("digits:samples=10").contains("samples"));
    assert!(refusal("digts").contains("did you mean `digits`?"));
    assert!(
        refusal("teacher-student:units=11")
            .contains("units: expected at most 10, the dimension, or random=true")
    );
    assert!(Source::parse("teacher-student:units=11,random=true").is_ok());
    assert!(refusal("gaussian-teacher:units=11").contains("units: expected at most 10"));
    assert!(refusal("teacher-student:activation=rleu").contains("`relu`"));
    assert!(refusal("identity:rank=21").contains("rank: expected 1 to 20, found 21"));
    assert!(refusal("identity:observed=1.5").contains("observed: expected 0 to 1"));
    assert!(refusal("circles:factor=2").contains("factor: expected 0 to 1"));
    assert!(refusal("mnist1d:translation=0").contains("translation: expected 1 to 72"));
    assert!(refusal("random-labels:base=digts").contains("did you mean `digits`?"));
    assert!(refusal("cifar100:labels=rough").contains("`fine`"));
    assert!(refusal("csv:task=clustering").contains("`regression`"));
    assert!(refusal("csv:header=maybe").contains("expected one of auto, true, false, found `maybe`"));
    assert!(refusal("idx:test=1").contains("test: expected 0 to 0.9"));
    let values = load_as(&Source::parse("random-labels:base=polynomial").unwrap(), Standardize::None);
    assert!(refused(values).contains("base: expected a data set with classes, found one with values"));
}

#[test]
fn labels_are_there_or_values_are() {
    let classes = load(&Source::default(), 0);
    assert!(labels(&classes.train).len() == 1297 && classes.train.values().is_none());
    let values = load(&Source::parse("polynomial").unwrap(), 0);
    assert!(values.train.values().is_some_and(|v| v.len() == 150) && values.train.labels().is_none());
    assert_eq!((classes.targets(), values.targets()), ("10 classes".into(), "1 value a sample".into()));
}
