//! What looks wrong with data that could be read all the same: one line each, which names the setting that says otherwise.

/// Whether a feature of `rows` numbers the rows that it was read from: whole numbers, each another one, that leave none out
/// but for rows that are not there (`read` is how many there were).
pub(super) fn numbers_the_rows(rows: &[f64], features: usize, feature: usize, read: usize) -> bool {
    let column = || rows.iter().skip(feature).step_by(features).copied();
    // Most features are told by their first few numbers.
    let some: Vec<f64> = column().take(16).collect();
    if some.iter().enumerate().any(|(i, x)| x.fract() != 0.0 || some[..i].contains(x)) {
        return false;
    }
    let mut column: Vec<f64> = column().collect();
    let rising = column.windows(2).all(|pair| pair[0] < pair[1]);
    let (least, most) =
        column.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), x| (l.min(*x), m.max(*x)));
    // Few numbers are all different by chance.
    let enough = if rising { 5 } else { 20 };
    if column.len() < enough || most - least >= read as f64 || column.iter().any(|x| x.fract() != 0.0) {
        return false;
    }
    column.sort_by(f64::total_cmp);
    column.windows(2).all(|pair| pair[0] < pair[1])
}

/// What looks wrong with classes of these names in `samples` samples: numbers that were rather to be predicted as such, or
/// about as many classes as samples.
pub(super) fn classes_by_name(names: &[String], samples: usize) -> Option<String> {
    let numbers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let many = many(names.len(), samples);
    match numbers {
        Some(numbers) if many || numbers.iter().any(|x| x.fract() != 0.0) => {
            Some(as_classes(names.len(), samples))
        }
        None if many => Some(format!(
            "{} different texts among {samples} samples are taken as so many classes; label=COLUMN predicts another column",
            names.len()
        )),
        _ => None,
    }
}

/// Of numbers that are taken as classes.
pub(super) fn as_classes(classes: usize, samples: usize) -> String {
    format!(
        "{classes} different numbers among {samples} samples are taken as so many classes; task=regression predicts the number"
    )
}

/// Whether these are too many classes for so many samples to tell them apart: hardly three samples of each.
pub(super) fn many(classes: usize, samples: usize) -> bool {
    classes > 10 && 3 * classes > samples
}

/// Names of classes that say more than their numbers do.
pub(super) fn telling(names: Vec<String>) -> Vec<String> {
    let plain = names.iter().enumerate().all(|(i, name)| name.parse() == Ok(i as f64));
    if plain { Vec::new() } else { names }
}

/// What looks wrong with `labels` of `classes` classes: some that no sample has. `first` says how classes may begin at another
/// number.
pub(super) fn empty_classes(labels: &[u32], classes: usize, first: &str) -> Option<String> {
    let mut there = vec![false; classes];
    labels.iter().for_each(|label| there[*label as usize] = true);
    let empty: Vec<usize> = (0..classes).filter(|class| !there[*class]).collect();
    let (least, most) = (there.iter().position(|there| *there)?, there.iter().rposition(|there| *there)?);
    match empty.as_slice() {
        [] => None,
        [0, ..] => Some(format!(
            "labels are {least} to {most}, and class 0 has no sample; {first}={least} numbers the classes from {least}"
        )),
        [one] => Some(format!("class {one} of {classes} has no sample")),
        [one, ..] => Some(format!(
            "{} of {classes} classes have no sample, class {one} the first of them",
            empty.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_by_whole_numbers_without_gaps() {
        let rising: Vec<f64> = (1..=6).map(f64::from).collect();
        assert!(numbers_the_rows(&rising, 1, 0, 6));
        assert!(numbers_the_rows(&[7.0, 3.0, 8.0, 1.0, 9.0, 4.0, 10.0, 1.0, 11.0, 5.0], 2, 0, 5));
        assert!(!numbers_the_rows(&[7.0, 3.0, 8.0, 1.0, 9.0, 4.0, 10.0, 1.0, 11.0, 5.0], 2, 1, 5));
        // Lines 3 and 4 were left out.
        assert!(
            numbers_the_rows(&[0.0, 1.0, 4.0, 5.0, 6.0], 1, 0, 7)
                && !numbers_the_rows(&[0.0, 1.0, 4.0, 5.0, 6.0], 1, 0, 5)
        );
        let mixed: Vec<f64> = (0..23).map(|i| f64::from(i * 7 % 23)).collect();
        assert!(numbers_the_rows(&mixed, 1, 0, 23) && !numbers_the_rows(&mixed[..7], 1, 0, 7));
        let halves: Vec<f64> = (0..30).map(|i| f64::from(i) / 2.0).collect();
        assert!(!numbers_the_rows(&halves, 1, 0, 30) && !numbers_the_rows(&[1.0; 30], 1, 0, 30));
    }

    #[test]
    fn empty_classes_are_named() {
        assert_eq!(empty_classes(&[0, 1, 2], 3, "first"), None);
        assert!(
            empty_classes(&[1, 2, 3], 4, "first")
                .is_some_and(|t| t.contains("labels are 1 to 3") && t.contains("first=1"))
        );
        assert!(empty_classes(&[0, 2], 3, "first").is_some_and(|t| t.contains("class 1 of 3")));
        assert!(empty_classes(&[0, 1], 10, "first").is_some_and(|t| t.contains("8 of 10 classes")));
        assert_eq!(empty_classes(&[], 2, "first"), None);
    }
}
