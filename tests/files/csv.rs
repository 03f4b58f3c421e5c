//! Tables as text: headers, label columns, quotes, and refusals.

use crate::files::{Files, labels, no_file_in_place_of};
use losscape::data::{Dataset, Source};
use proptest::prelude::*;

const HALF: &str = "csv:file=@/t.csv,test=0.5";

fn load(text: &str, settings: &str) -> Dataset {
    let files = Files::new();
    let data = files.write("t.csv", text).load(&format!("csv:file=@/t.csv{settings}"));
    data.unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Refusal of a table, without the file's name.
fn refusal(text: impl AsRef<[u8]>, settings: &str) -> String {
    let files = Files::new();
    let message = files.write("t.csv", text).refusal(&format!("csv:file=@/t.csv{settings}"));
    message.strip_prefix("t.csv: ").unwrap_or_else(|| panic!("{message}")).to_owned()
}

/// All samples, training and test, in the order of their first feature.
fn rows(data: &Dataset) -> Vec<(Vec<f64>, f64)> {
    let mut rows: Vec<(Vec<f64>, f64)> = [&data.train, &data.test]
        .into_iter()
        .flat_map(|samples| {
            (0..samples.len()).map(|i| {
                let y = samples.labels().map(|labels| f64::from(labels[i]));
                (samples.input(i).to_vec(), y.or(samples.values().map(|values| values[i])).unwrap())
            })
        })
        .collect();
    rows.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
    rows
}

#[test]
fn tables_are_read_with_and_without_a_header() {
    let expected = vec![(vec![1.0, -2.5], 1.0), (vec![2.0, 0.0], 0.0), (vec![3.0, 100.0], 1.0)];
    for text in [
        "a,b,class\n1,-2.5,yes\n2,0,no\n3,1e2,yes\n",
        "1,-2.5,yes\n2,0,no\n3,1e2,yes",
        "\u{feff}a, b ,\"class\"\r\n\r\n 1 , -2.5 ,yes\r\n2,0,\"no\" \r\n  \n3,1e2,yes\r\n",
        "a,\"b,\n\"\"c\"\"\",class\n\"1\",-2.5,yes\n2,0,no\n3,1e2,yes\n",
    ] {
        let data = load(text, "");
        assert_eq!(rows(&data), expected, "{text}");
        assert_eq!((data.shape.as_slice(), data.outputs, data.test.len()), ([2].as_slice(), 2, 1));
    }
}

#[test]
fn columns_aligned_by_spaces_are_read_and_else_named() {
    let expected = vec![(vec![1.0, -2.5], 1.0), (vec![2.0, 0.0], 0.0), (vec![30.0, 100.0], 1.0)];
    let text = "   a     b  class\n   1  -2.5  yes  \n 2 \t  0  \"no\"\n30.0   1e2  \"yes\"\n";
    assert_eq!(rows(&load(text, ",delimiter=whitespace")), expected);
    assert!(refusal(text, "").contains("found 1 (delimiter=whitespace?)"), "{}", refusal(text, ""));
    let one = refusal("a b c\n1 2 x\n3  4 y\n", ",delimiter=\" \"");
    assert!(one.contains("found 4 (delimiter=whitespace takes several spaces for one)"), "{one}");
    assert!(refusal("a b\n\"1\"2 x\n3 y\n", ",delimiter=whitespace").contains("after a quoted field"));
}

#[test]
fn lines_whose_label_does_not_count_are_left_out_and_counted() {
    let text = "a,class\n1,0\n2,-100\n3,1\n4,2\n";
    let data = load(text, "");
    assert_eq!(rows(&data), vec![(vec![1.0], 0.0), (vec![3.0], 1.0), (vec![4.0], 2.0)]);
    assert!(
        data.notes.iter().any(|note| note.contains("1 of 4 lines have the label -100")),
        "{:?}",
        data.notes
    );
    let data = load(text, ",ignore=1,task=classes");
    assert_eq!(rows(&data), vec![(vec![1.0], 1.0), (vec![2.0], 0.0), (vec![4.0], 2.0)]);
    assert_eq!(load(text, ",task=regression").train.len() + load(text, ",task=regression").test.len(), 4);
    let idle = "csv:file=t.csv,task=regression,ignore=1".parse::<Source>().unwrap_err().to_string();
    assert!(idle.contains("ignore"), "{idle}");
}

#[test]
fn the_label_column_goes_by_name_or_number() {
    let text = "class,a,b\nx,1,2\ny,3,4\n";
    let expected = vec![(vec![1.0, 2.0], 0.0), (vec![3.0, 4.0], 1.0)];
    for label in ["class", "0", "\"class\""] {
        assert_eq!(rows(&load(text, &format!(",label={label}"))), expected, "{label}");
    }
    let middle = rows(&load("1;7;2\n3;8;4\n", ",label=1,delimiter=;"));
    assert_eq!(middle, expected);
    // Columns may be called by numbers, or `last`.
    assert_eq!(rows(&load("a,b,0\n1,2,7\n3,4,8\n", ",label=0,header=true")), expected);
    assert_eq!(rows(&load("last,a,b\n7,1,2\n8,3,4\n", "")), expected);
    assert!(refusal(text, ",label=clas").ends_with("found `clas` (did you mean `class`?)"));
    assert_eq!(refusal(text, ",label=3"), "label: expected 0 to 2, found 3");
    assert!(refusal("1,2\n3,4\n", ",label=class").ends_with("found no header (see `header`)"));
}

#[test]
fn headers_may_be_asked_for_or_denied() {
    let numbers = "2019,2020\n1,0\n2,1\n3,0\n";
    assert_eq!(load(numbers, ",header=true").train.len() + load(numbers, ",header=true").test.len(), 3);
    let all = load(numbers, ",header=false");
    assert_eq!((all.train.len() + all.test.len(), all.outputs, all.notes.len()), (4, 3, 0));
    assert!(
        refusal("a,b\n1,0\n2,1\n", ",header=false").contains("line 1, column 0: expected a finite number")
    );
    // One number among the names does not make the line a sample.
    let one = load("a,1,c\n1,2,x\n2,2,y\n", "");
    assert_eq!((one.train.len() + one.test.len(), one.outputs), (2, 2));
    assert!(
        one.notes[0].contains("line 1 (a, 1, c) is taken for the names of the columns"),
        "{:?}",
        one.notes
    );
    assert!(one.notes[0].contains("header=false"), "{:?}", one.notes);
}

/// Names of columns that are numbers: whatever gives them away, no class comes of them, and what is assumed is said.
#[test]
fn numbers_may_be_names() {
    let rows = |line: fn(u32) -> String| (0..12).map(line).collect::<String>();
    let texts = rows(|i| format!("{},{}.5,{}\n", i * 7 % 12, i % 5, ["x", "y"][i as usize % 2]));
    let numbers = rows(|i| format!("{},{}.5,{}\n", i * 7 % 12, i % 5, i % 2));
    let values = rows(|i| format!("{},{}.5,{}.25\n", i * 7 % 12, i % 5, i * 5 % 7));
    let wide = rows(|i| format!("{},{}.5,{},{}\n", i * 7 % 12, i % 5, i % 3, i % 3));
    for (names, table, settings) in [
        ("2019,2020,label", &texts, ""),
        ("2019,2020,grade", &texts, ""),
        ("400.5,401.25,class", &texts, ""),
        ("400.5,401.25,quality", &texts, ""),
        ("400.5,401.25,402.5", &numbers, ""),
        ("400,700,label", &texts, ""),
        ("2019,2020,2021", &numbers, ""),
        ("0,1,2", &numbers, ""),
        ("0,1,label", &numbers, ""),
        ("400,500,600", &numbers, ""),
        ("17,4,99", &numbers, ""),
        ("0,1,2", &values, ",task=regression"),
        ("a,2020,y", &values, ",task=regression"),
        ("0,1,2,3", &wide, ""),
        (",0,1,label", &wide, ""),
    ] {
        let data = load(&format!("{names}\n{table}"), settings);
        let classes = if settings.is_empty() {
            table.lines().map(|l| l.rsplit(',').next()).collect::<std::collections::BTreeSet<_>>().len()
        } else {
            1
        };
        assert_eq!(
            (data.train.len() + data.test.len(), data.outputs),
            (12, classes),
            "{names}: {:?}",
            data.notes
        );
        assert!(
            data.notes
                .iter()
                .any(|note| note.contains("names of the columns") && note.contains("header=false")),
            "{names}"
        );
    }
    // Samples of which the first fits what stands below it.
    for (table, settings) in [(&texts, ""), (&numbers, ""), (&values, ",task=regression"), (&wide, "")] {
        let data = load(table, settings);
        assert_eq!(data.train.len() + data.test.len(), 12, "{table}");
        assert!(!data.notes.iter().any(|note| note.contains("names of the columns")), "{:?}", data.notes);
    }
    let small = load("1,2,3\n2,5,1\n4,4,9\n", ",task=regression");
    assert_eq!(
        (small.train.len() + small.test.len(), small.notes.len()),
        (3, 0),
        "three numbers are a sample"
    );
    // Plain names need no words; a gap in the first sample is no name.
    let plain = load(&format!("a,b,label\n{texts}"), "");
    assert!(!plain.notes.iter().any(|note| note.contains("names")), "{:?}", plain.notes);
    assert!(
        refusal(format!("NA,1.5,x\n{texts}"), "")
            .starts_with("line 1, column 0: expected a finite number, found `NA`")
    );
}

#[test]
fn missing_values_are_refused_wherever_they_stand() {
    for mark in [
        "", "NA", "na", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "?", "-", "--", ".", "<NA>",
        "NaT", "\\N", "  ", "\"\"", "\"NA\"",
    ] {
        let table = format!("a,b,class\n1,2,x\n2,3,y\n3,4,{mark}\n4,5,x\n");
        let message = refusal(&table, "");
        let shown = mark.trim().trim_matches('"');
        assert!(
            message.starts_with(&format!(
                "line 4, column class: expected a class, found `{shown}` (drop-missing=true"
            )),
            "{message}"
        );
        let data = load(&table, ",drop-missing=true");
        assert_eq!((data.train.len() + data.test.len(), data.outputs), (3, 2), "{mark}");
        assert!(
            data.notes.iter().any(|note| note.contains("1 of 4 lines have a missing value and are left out")),
            "{:?}",
            data.notes
        );
        let feature = format!("a,b,class\n1,2,x\n2,{mark},y\n3,4,y\n4,5,x\n");
        let message = refusal(&feature, "");
        assert!(
            message.starts_with("line 3, column b: expected a finite number, found `")
                && message.contains("drop-missing=true"),
            "{message}"
        );
        let data = load(&feature, ",drop-missing=true");
        assert_eq!((data.train.len() + data.test.len(), data.outputs), (3, 2), "{mark}");
        // In a column that is not used nobody misses it.
        assert_eq!(load(&feature, ",drop=b").train.len(), 3);
        let regression = refusal(&table, ",task=regression,label=class").replace("a class", "");
        assert!(regression.starts_with("line 2, column class: expected a finite number"), "{regression}");
    }
    // A class may be called so, if one says it.
    let table = "a,class\n1,NA\n2,EU\n3,NA\n4,?\n";
    let data = load(table, ",missing=empty");
    assert_eq!((data.outputs, data.class_names), (3, ["?", "EU", "NA"].map(str::to_owned).to_vec()));
    assert!(refusal(table, "").contains("missing=empty takes it as a class"));
}

#[test]
fn columns_are_left_out_and_texts_become_features() {
    let table = "id,colour,size,good\n7,red,1.5,yes\n8,blue,2.5,no\n9,red,,yes\n10,green,0.5,no\n";
    let settings = ",drop=id,drop-missing=true,categories=auto";
    let data = load(table, settings);
    // Blue, green, red in the order of their texts, then the size.
    let expected =
        [(vec![0.0, 0.0, 1.0, 1.5], 1.0), (vec![0.0, 1.0, 0.0, 0.5], 0.0), (vec![1.0, 0.0, 0.0, 2.5], 0.0)];
    let mut found = rows(&data);
    found.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
    assert_eq!(found, expected);
    assert_eq!(data.class_names, ["no", "yes"]);
    let index = load(table, ",drop=[id,size],categories=index");
    assert_eq!(rows(&index), [(vec![0.0], 0.0), (vec![1.0], 0.0), (vec![2.0], 1.0), (vec![2.0], 1.0)]);
    assert_eq!(load("1,2,a\n2,2,b\n", ",drop=[0]").shape, [1]);
    let message = refusal(table, ",drop=id");
    assert!(message.starts_with("line 2, column colour: expected a finite number, found `red` (categories=auto reads texts, drop=["), "{message}");
    assert!(refusal(table, ",drop=idd").ends_with("found `idd` (did you mean `id`?)"));
    assert!(refusal(table, ",drop=good").starts_with("drop: expected other columns than that of the label"));
    assert!(refusal("1,a\n2,b\n", ",drop=0").starts_with("drop: expected columns that leave a feature"));
    assert_eq!(load(table, ",drop=[id,size],categories=index,test=0").test.len(), 0);
    // Truth values are numbers.
    assert_eq!(rows(&load("a,class\nTrue,1\nfalse,0\n", "")), [(vec![0.0], 0.0), (vec![1.0], 1.0)]);
}

#[test]
fn tables_of_other_places_are_read() {
    let expected = vec![(vec![-2.5, 1.0], 0.0), (vec![0.25, 2.0], 1.0)];
    let comma = "a;b;class\n-2,5;1;x\n,25;2;y\n";
    assert_eq!(rows(&load(comma, ",delimiter=;,decimal=comma")), expected);
    assert_eq!(rows(&load("a\tb\tclass\n-2.5\t1\tx\n.25\t2\ty\n", ",delimiter=tab")), expected);
    assert!(refusal(comma, ",delimiter=;").contains("found `-2,5` (decimal=comma reads it)"));
    assert!(refusal(comma, "").contains("found 1 (delimiter=;?)"), "{}", refusal(comma, ""));
    assert!(refusal("a;b\n1.000,5;x\n2;y\n", ",delimiter=;,decimal=comma").contains("found `1.000,5`"));
    assert!(refusal(b"\xff\xfea\0,\0b\0\n\0", "").ends_with("encoding='utf-8')), found text in UTF-16"));
    for (start, kind) in [
        (&b"PAR1\0\0"[..], "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"PK\x03\x04\x14", ".xlsx"),
        (b"{\"a\":1}", "JSON"),
    ] {
        let message = refusal(start, "");
        assert!(message.contains("to_csv(\"x.csv\", index=False)") && message.contains(kind), "{message}");
    }
    assert!(refusal("1,2,x\n1,2,y,\n", "").ends_with("found 4 (the line ends in `,`)"));
    let files = Files::new();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut zipped, b"a,b,class\n-2.5,1,x\n.25,2,y\n").unwrap();
    files.write("t.csv.gz", zipped.finish().unwrap());
    assert_eq!(rows(&files.load("csv:file=@/t.csv.gz").unwrap()), expected);
}

#[test]
fn what_looks_wrong_is_said_with_the_setting_that_says_otherwise() {
    let note = |table: &str, settings: &str, words: [&str; 2]| {
        let notes = load(table, settings).notes;
        let found = notes.iter().filter(|note| words.iter().all(|word| note.contains(word))).count();
        assert_eq!(found, 1, "{words:?}: {notes:?}");
    };
    let numbered: String = (0..30).map(|i| format!("{i},{}.5,{}\n", i * i % 7, i % 2)).collect();
    note(&format!(",x,y\n{numbered}"), "", ["column 0 numbers the lines", "drop=0"]);
    note(&format!("Id,x,y\n{numbered}"), "", ["column Id numbers the lines", "drop=Id"]);
    note(&numbered, "", ["column 0 numbers the lines", "drop=0"]);
    assert!(load(&format!("Id,x,y\n{numbered}"), ",drop=Id").notes.is_empty());
    let fractions: String = (0..400).map(|i| format!("{}.5,{}\n", i * i % 7, f64::from(i) / 7.0)).collect();
    note(&fractions, "", ["400 different numbers among 400 samples", "task=regression"]);
    assert!(load(&fractions, ",task=regression").notes.is_empty());
    let ratings: String = (0..60).map(|i| format!("{}.5,{}\n", i * i % 7, f64::from(i % 4) / 2.0)).collect();
    note(&ratings, "", ["4 different numbers among 60", "task=regression"]);
    let prices: String = (0..60).map(|i| format!("{}.5,{}\n", i * i % 7, 100 + i * 3)).collect();
    note(&prices, "", ["60 different numbers", "task=regression"]);
    let names: String = (0..60).map(|i| format!("{}.5,name {i}\n", i * i % 7)).collect();
    note(&names, "", ["60 different texts", "label=COLUMN"]);
    let classes: String = (0..60).map(|i| format!("{}.5,{}\n", i * i % 7, 1 + i % 3)).collect();
    let data = load(&classes, "");
    assert_eq!(
        (data.outputs, data.class_names, data.notes),
        (3, ["1", "2", "3"].map(str::to_owned).to_vec(), vec![])
    );
}

#[test]
fn classes_are_in_the_order_of_their_numbers_or_texts() {
    let classes = |names: [&str; 4]| {
        let lines: Vec<String> = names.iter().enumerate().map(|(i, n)| format!("{i},{n}")).collect();
        rows(&load(&lines.join("\n"), "")).into_iter().map(|r| r.1).collect::<Vec<f64>>()
    };
    assert_eq!(classes(["10", "9", "-3", "9"]), [2.0, 1.0, 0.0, 1.0]);
    assert_eq!(classes(["10", "9", "x", "9"]), [0.0, 1.0, 2.0, 1.0]);
    assert_eq!(classes(["b", "a", "c", "a"]), [1.0, 0.0, 2.0, 0.0]);
    assert_eq!(classes(["10.0", "9.5", "-3", "9.5"]), [2.0, 1.0, 0.0, 1.0]);
}

#[test]
fn regression_takes_numbers() {
    let data = load("x,y\n1,0.25\n2,-7\n3,0.25\n", ",task=regression");
    assert_eq!(rows(&data), [(vec![1.0], 0.25), (vec![2.0], -7.0), (vec![3.0], 0.25)]);
    assert!(!data.has_classes() && data.outputs == 1);
    let message = refusal("x,y\n1,0.25\n2,much\n", ",task=regression");
    assert_eq!(message, "line 3, column y: expected a finite number, found `much`");
}

#[test]
fn broken_tables_are_refused() {
    let of = |text: &str| refusal(text, "");
    assert_eq!(of(""), "expected samples, found none");
    assert_eq!(of("\n \n"), "expected samples, found none");
    assert_eq!(of("a,b\n"), "expected at least 2 samples, found 0");
    assert_eq!(of("1,x\n"), "expected at least 2 samples, found 1");
    assert_eq!(of("1,x\n2,x\n"), "expected at least 2 classes, found 1");
    assert_eq!(of("1\n2\n"), "line 1: expected at least 2 fields separated by `,`, found 1");
    assert_eq!(of("1,2,x\n1,2\n"), "line 2: expected 3 fields, found 2");
    assert_eq!(
        of("1,2,x\n\n1,2,3,y\n"),
        "line 3: expected 3 fields, found 4 (a text with a comma is put in quotation marks)"
    );
    for bad in ["nan", "NaN", "inf", "-inf", "1e999", "", "0x10", "1 2", "1,000.0.0"] {
        let message = of(&format!("1,x\n{bad},y\n"));
        assert!(message.contains("line 2"), "{message}");
        assert!(message.contains("expected a finite number") || bad.contains(','), "{message}");
    }
    assert_eq!(of("1,x\n2\0,y\n"), "line 2: expected text, found a NUL byte");
    assert_eq!(
        refusal(b"1,x\n2,\xff\n", ""),
        "line 2: expected text in UTF-8 (as iconv -f latin1 -t utf-8 FILE makes it, or pandas.read_csv(.., encoding='latin-1') and to_csv), found other bytes at column 2 of it"
    );
    assert_eq!(of("1,x\n\"2,y\n3,x\n"), "line 2: expected a closing quotation mark, found none");
    assert!(
        of("1,x\n\"2\"3,y\n").starts_with("line 2: expected `,` or the end after a quoted field, found `3")
    );
    let many: String = (0..10_001).map(|i| format!("{i},c{i}\n")).collect();
    assert!(of(&many).starts_with("line 10001, column 1: expected at most 10000 classes"), "{}", of(&many));
    assert_eq!(refusal(b"\x1f\x8b\x08", ""), "expected whole gzip data, found data that end too early");
}

#[test]
fn an_endless_line_is_refused_before_it_is_read() {
    let files = Files::new();
    let file = std::fs::File::create(files.path("t.csv")).unwrap();
    // 3 GB without a line end, of which the disk holds nothing.
    file.set_len(3_000_000_000).unwrap();
    assert_eq!(
        files.refusal(HALF),
        "t.csv: line 1: expected lines of at most 8388608 bytes, found a longer one"
    );
    files.write("t.csv", "1,".repeat(5_000_000));
    assert_eq!(
        files.refusal(HALF),
        "t.csv: line 1: expected lines of at most 8388608 bytes, found a longer one"
    );
    files.write("t.csv", "1,".repeat(300_000));
    assert_eq!(files.refusal(HALF), "t.csv: line 1: expected at most 262144 fields, found more");
    // A quotation mark that is never closed.
    files.write("t.csv", format!("1,\"{}", "a\n".repeat(5_000_000)));
    assert!(files.refusal(HALF).contains("expected lines of at most 8388608 bytes"));
}

#[test]
fn whatever_lies_in_its_place_is_refused_at_once() {
    let files = Files::new();
    no_file_in_place_of(&files.path("t.csv"), || files.refusal(HALF));
    assert!(files.refusal("csv").contains("as csv:file=PATH, found none"));
    for (delimiter, refused) in
        [("\t", false), (";", false), ("|", false), ("ab", true), ("\"\"", true), ("é", true)]
    {
        let text = format!("csv:delimiter=\"{}\"", delimiter.replace('"', "\\\""));
        let parsed = <losscape::data::Source as losscape::base::registry::Registry>::parse(&text);
        assert_eq!(parsed.is_err(), refused, "{text}");
    }
}

/// Spirals written as a table and read again are the same samples.
#[test]
fn numbers_survive_as_text() {
    let spirals = Files::new().load("spirals:samples=64").unwrap();
    let mut text = "x,y,class\n".to_owned();
    for (i, label) in labels(&spirals.train).iter().enumerate() {
        let x = spirals.train.input(i);
        text += &format!("{},{},{label}\n", x[0], x[1]);
    }
    let mut expected: Vec<(Vec<f64>, f64)> = (0..spirals.train.len())
        .map(|i| (spirals.train.input(i).to_vec(), f64::from(labels(&spirals.train)[i])))
        .collect();
    expected.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
    assert_eq!(rows(&load(&text, "")), expected);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Files::new().write("t.csv", bytes).load(HALF);
    }

    #[test]
    fn random_text_never_panics(text in "[0-9a,\"\n\r .e-]{0,120}", label in 0usize..4) {
        let _ = Files::new().write("t.csv", text).load(&format!("{HALF},label={label}"));
    }

    #[test]
    fn any_fields_come_back_from_quotes(
        names in prop::collection::vec("c[ -~é\n\r]{0,11}", 2..6),
        numbers in prop::collection::vec(-1e6f64..1e6, 6),
    ) {
        // Classes of any text, quoted.
        let mut distinct: Vec<String> = names.iter().map(|n| n.to_owned()).collect();
        distinct.sort();
        distinct.dedup();
        prop_assume!(distinct.len() >= 2);
        let line = |(n, name): (&f64, &String)| format!("{n},\"{}\"\n", name.replace('"', "\"\""));
        let text: String = numbers.iter().zip(names.iter().cycle()).map(line).collect();
        let data = load(&text, "");
        let seen: std::collections::BTreeSet<&String> = numbers.iter().zip(names.iter().cycle()).map(|p| p.1).collect();
        prop_assert_eq!(data.outputs, seen.len());
        prop_assert_eq!(data.train.len() + data.test.len(), 6);
    }
}
