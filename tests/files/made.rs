//! Files that numpy and pandas wrote (`made/make.py`): read as what was written, or refused with what they are.

use crate::files::refused;
use losscape::base::registry::Registry;
use losscape::data::{Dataset, Preparation, Source, Standardize};

fn load(text: &str) -> losscape::base::Result<Dataset> {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/made/");
    let source = Source::parse(&text.replace("file=", &format!("file={made}")))?;
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
