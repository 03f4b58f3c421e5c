//! Files that numpy and pandas wrote (`made/make.py`): read as what was written, or refused with what they are.

use crate::files::refused;
use losscape::base::registry::Registry;
use losscape::data::{Dataset, Preparation, Source, Standardize};

fn load(text: &str) -> losscape::base::Result<Dataset> {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/made/");
    let text = text.replace("file=", &format!("file={made}")).replace('@', made);
    let source = Source::parse(&text)?;
    Dataset::load(&source, 0, &Preparation::standardized(Standardize::None))
}

/// First features and classes of all samples, sorted; the other two features are what the first says.
fn samples(data: &Dataset) -> Vec<(f64, u32)> {
    let mut all = Vec::new();
    for part in [&data.train, &data.test] {
        for (row, class) in part.x.chunks(3).zip(part.labels().unwrap()) {
            assert_eq!(row, [row[0], -row[0] / 2.0, row[0] * row[0]]);
            all.push((row[0], *class));
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[test]
fn what_numpy_and_pandas_wrote_is_read_as_it_was() {
    let expected: Vec<(f64, u32)> = (0..12).map(|i| (f64::from(i), i % 3)).collect();
    for text in [
        "npz:file=compressed.npz",
        "npz:file=fortran.npz",
        "npz:file=big-endian.npz",
        "npz:file=half.npz",
        "npz:file=positions.npz",
        "npz:file=keras.npz",
        "npy:x=@x.npy,y=@y.npy",
        "npz:file=weighted.npz,weights=none",
        "csv:file=weighted.csv,label=class,drop=w",
        "csv:file=frame.csv",
        "csv:file=frame.csv.gz",
        "csv:file=index.csv,drop=0",
        "csv:file=europe.csv,delimiter=;,decimal=comma",
        "csv:file=tabs.tsv,delimiter=tab",
        "csv:file=numbers.csv",
    ] {
        let data = load(text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(samples(&data), expected, "{text}");
        // The first feature counts the samples, which is right here.
        let notes = data.notes.iter().filter(|note| !note.contains("numbers the")).count();
        assert_eq!(notes, usize::from(text.contains("numbers.csv")), "{:?}", data.notes);
    }
    let gaps = load("csv:file=gaps.csv,drop-missing=true").unwrap_or_else(|e| panic!("{e}"));
    let left: Vec<(f64, u32)> = expected.into_iter().filter(|(i, _)| *i != 3.0 && *i != 5.0).collect();
    assert_eq!(samples(&gaps), left);
    assert_eq!(gaps.class_names, ["u", "v", "w"]);
    for (text, words) in [
        ("csv:file=frame.parquet", "found Parquet: in Python pandas.read_parquet(FILE)"),
        ("npz:file=frame.parquet", "found Parquet: in Python pandas.read_parquet(FILE)"),
        ("csv:file=frame.feather", "found Arrow (Feather): in Python pandas.read_feather(FILE)"),
        ("npz:file=frame.pkl", "found a pickle: in Python pandas.read_pickle(FILE)"),
        ("csv:file=frame.pkl", "found a pickle: in Python pandas.read_pickle(FILE)"),
        ("csv:file=frame.json", "found JSON: pandas.read_json(FILE)"),
        ("csv:file=frame.svm", "found svmlight: sklearn.datasets.load_svmlight_file(FILE)"),
        (
            "csv:file=utf16.csv",
            "expected text in UTF-8 (pandas: to_csv(.., encoding='utf-8')), found text in UTF-16",
        ),
        ("csv:file=latin1.csv", "expected text in UTF-8 (as iconv -f latin1 -t utf-8 FILE makes it"),
        ("csv:file=dated.csv", "found `2020-01-01` (drop=[COLUMN] leaves the column out)"),
        ("npz:file=tensors.pt", "found a file of torch.save: numpy.savez("),
        ("csv:file=tensors.pt", "found a zip file: unzipped"),
        (
            "npz:file=x.npy",
            "found one array alone (data set npy:x=PATH,y=PATH reads files of one array each)",
        ),
        ("csv:file=x.npy", "found an array of numpy: npy:x=PATH,y=PATH reads two"),
        ("npy:x=@x.npy", "data set npy: y: expected two files, as npy:x=x.npy,y=y.npy, found none"),
        ("npy:x=@x.npy,y=@weighted.npz", "expected an array in numpy's format"),
        ("npy:x=@x.npy,y=@y.npy,test-x=@x.npy", "data set npy: test-y: expected a file beside the other one"),
        ("csv:file=weighted.csv,label=class,weights=class", "weights: expected another column"),
        ("csv:file=weighted.csv,weights=v", "weights: expected one of"),
        ("npz:file=weighted.npz,weights=x", "x: expected a weight for each of 12 samples"),
        ("npz:file=ignored.npz,ignore=7", "y: expected classes from 0 to 9999, found -100"),
        (
            "npz:file=positions.npz,tokens=true",
            "expected numbers of tokens, whole and at least 0, found -0.5",
        ),
        ("csv:file=gaps.csv", "line 5, column class: expected a class, found `NA`"),
        ("csv:file=europe.csv", "found 1 (delimiter=;?)"),
        ("csv:file=europe.csv,delimiter=;", "(decimal=comma reads it)"),
        ("csv:file=tabs.tsv", "found 1 (delimiter=tab?)"),
        ("npz:file=record.npz", "found records of several fields, [('<f8', '<i8')]"),
        ("npz:file=compressed.npz,x=x,y=names", "found text"),
        ("npz:file=half.npz,x=more,y=target", "found Python objects"),
    ] {
        let message = refused(load(text));
        assert!(message.contains(words), "{message}");
    }
}

/// First features of all samples with the weights that these have, sorted.
fn weights(data: &Dataset) -> Vec<(f64, f64)> {
    let mut all = Vec::new();
    for part in [&data.train, &data.test] {
        assert_eq!(part.weights.len(), part.len());
        all.extend(part.x.chunks(3).zip(&part.weights).map(|(row, weight)| (row[0], *weight)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// Weights go with their samples through the split, and back through what `losscape data` writes.
#[test]
fn weights_stay_with_their_samples() {
    let expected = |over: f64| (0..12).map(|i| (f64::from(i), f64::from(i % 4) / over)).collect::<Vec<_>>();
    for (text, over) in [
        ("npz:file=weighted.npz", 1.0),
        ("npy:x=@x.npy,y=@y.npy,weights=@weights.npy", 1.0),
        ("csv:file=weighted.csv,label=class,weights=w", 2.0),
    ] {
        let data = load(text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(weights(&data), expected(over), "{text}");
        assert_eq!(samples(&data).len(), 12);
        let said = data.notes.iter().any(|note| note.contains("weights=none counts all the same"));
        assert_eq!(said, text.starts_with("npz"), "{:?}", data.notes);
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data.npz");
        data.to_npz().write(&path).unwrap();
        let source = Source::parse(&format!("npz:file={}", path.display())).unwrap();
        let back = Dataset::load(&source, 0, &Preparation::standardized(Standardize::None)).unwrap();
        assert_eq!(weights(&back), weights(&data), "{text}");
        assert_ne!(load("npz:file=weighted.npz,weights=none").unwrap().sha256(), data.sha256());
    }
}

#[test]
fn labels_of_other_conventions_are_read_and_said() {
    let classes = |text: &str| {
        let data = load(text).unwrap_or_else(|e| panic!("{e}"));
        (samples(&data), data.notes)
    };
    let halves: Vec<(f64, u32)> = (0..12).map(|i| (f64::from(i), i % 2)).collect();
    let (found, notes) = classes("npz:file=signs.npz");
    assert_eq!(found, halves);
    assert!(notes.iter().any(|note| note.contains("labels -1 and +1 are taken as classes 0 and 1")));
    assert_eq!(classes("npz:file=bool.npz").0, halves);
    let kept: Vec<(f64, u32)> = (0..12).filter(|i| i % 4 != 0).map(|i| (f64::from(i), i % 3)).collect();
    let (found, notes) = classes("npz:file=ignored.npz");
    assert_eq!(found, kept);
    assert!(notes.iter().any(|note| note.contains("3 of 12 samples have the label -100 and are left out")));
    let (found, _) = classes("npz:file=signs.npz,ignore=-1");
    assert_eq!(found.len(), 6);
}
