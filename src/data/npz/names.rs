//! Which arrays of an archive are inputs and targets: those that settings name, or those with usual names.

use super::NpzFile;
use crate::base::{Error, Result, files};

/// The names that inputs and targets have, of training and of test samples.
const USUAL: [[&str; 4]; 6] = [
    ["train_x", "train_y", "test_x", "test_y"],
    ["x_train", "y_train", "x_test", "y_test"],
    ["X_train", "y_train", "X_test", "y_test"],
    ["X_train", "Y_train", "X_test", "Y_test"],
    ["train_images", "train_labels", "test_images", "test_labels"],
    ["train_data", "train_labels", "test_data", "test_labels"],
];
/// The same for one pair of arrays; test samples beside it are called `test_x` or `x_test`.
const PAIRS: [[&str; 2]; 10] = [
    ["x", "y"],
    ["X", "y"],
    ["X", "Y"],
    ["data", "target"],
    ["data", "labels"],
    ["images", "labels"],
    ["features", "labels"],
    ["features", "targets"],
    ["inputs", "targets"],
    ["arr_0", "arr_1"],
];

/// What weights of samples are called: of training samples, and of test samples.
const WEIGHTS: [&[&str]; 2] = [
    &["train_weight", "sample_weight_train", "sample_weight", "sample_weights"],
    &["test_weight", "sample_weight_test"],
];

/// The names of the arrays of some samples.
pub(in crate::data) struct Names {
    pub x: String,
    pub y: String,
    pub weights: Option<String>,
}

/// The arrays that weigh training and test samples: those that are given, `none` for none, or those with usual names.
pub(in crate::data) fn weights([train, test]: [&str; 2], there: &[String]) -> [Option<String>; 2] {
    let of = |given: &str, usual: &[&str]| match given {
        "none" => None,
        "" => usual.iter().find(|name| there.iter().any(|n| n == *name)).map(|name| (*name).to_owned()),
        name => Some(name.to_owned()),
    };
    [of(train, WEIGHTS[0]), of(if train == "none" { "none" } else { test }, WEIGHTS[1])]
}

/// What is said of weights that nobody named.
pub(in crate::data) fn weighed_by(name: &str) -> String {
    format!("samples count as `{}` says; weights=none counts all the same", files::brief(name))
}

impl NpzFile {
    /// The names of the arrays for training, and of those for testing where there are some.
    pub(super) fn names(&self, at: &str, there: &[String]) -> Result<(Names, Option<Names>)> {
        let (train, test) = self.pairs(at, there)?;
        let [weights, other] = weights([&self.weights, &self.test_weights], there);
        if test.is_none() && !self.test_weights.is_empty() {
            return Err(Error::expected("data set npz: test-weights", "test samples beside them", "none"));
        }
        let named = |[x, y]: [String; 2], weights| Names { x, y, weights };
        Ok((named(train, weights), test.map(|pair| named(pair, other))))
    }

    /// The names of inputs and targets for training, and of those for testing where there are some.
    fn pairs(&self, at: &str, there: &[String]) -> Result<([String; 2], Option<[String; 2]>)> {
        let owned = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let given = [&self.x, &self.y, &self.test_x, &self.test_y].map(String::as_str);
        let setting = |name: &str| format!("data set npz: {name}");
        match given {
            ["", "", "", ""] => {}
            ["", ..] => return Err(Error::expected(setting("x"), "the array of inputs", "none")),
            [_, "", ..] => return Err(Error::expected(setting("y"), "the array of targets", "none")),
            [x, y, "", ""] => return Ok((owned(x, y), None)),
            [_, _, "", _] => {
                return Err(Error::expected(setting("test-x"), "an array beside test-y", "none"));
            }
            [_, _, _, ""] => {
                return Err(Error::expected(setting("test-y"), "an array beside test-x", "none"));
            }
            [x, y, test_x, test_y] => return Ok((owned(x, y), Some(owned(test_x, test_y)))),
        }
        let has = |name: &str| there.iter().any(|n| n == name);
        if let Some([x, y, test_x, test_y]) = USUAL.iter().find(|[x, y, ..]| has(x) && has(y)) {
            // Training arrays alone are a pair; one test array without the other is missed where it is read.
            let test = has(test_x) || has(test_y) || *x == "train_x";
            return Ok((owned(x, y), test.then(|| owned(test_x, test_y))));
        }
        if let Some([x, y]) = PAIRS.iter().find(|[x, y]| has(x) && has(y)) {
            let beside =
                [[format!("test_{x}"), format!("test_{y}")], [format!("{x}_test"), format!("{y}_test")]];
            return Ok((owned(x, y), beside.into_iter().find(|pair| pair.iter().any(|name| has(name)))));
        }
        // One array of a pair is there, and the other is missed by its name.
        let half = USUAL.iter().map(|[x, y, ..]| [x, y]).chain(PAIRS.iter().map(|[x, y]| [x, y]));
        if let Some([x, y]) = half.into_iter().find(|[x, y]| has(x) || has(y)) {
            return Ok((owned(x, y), None));
        }
        let few: Vec<String> = there.iter().take(8).map(|name| files::brief(name)).collect();
        let found = if few.is_empty() { "none".to_owned() } else { few.join(", ") };
        let expected =
            "arrays train_x and train_y, x_train and y_train, or x and y, or their names as x=NAME,y=NAME";
        Err(Error::expected(at, expected, found))
    }
}
