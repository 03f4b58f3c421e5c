//! The title of an axis that several measures share: what their labels have in common, as whole phrases.

/// Words that begin what is said more of a quantity: before one of them, and before nothing else, a phrase may end.
const MORE: [&str; 28] = [
    "of", "on", "at", "in", "to", "by", "as", "for", "from", "with", "without", "within", "before", "after",
    "between", "along", "over", "under", "against", "per", "when", "where", "while", "during", "until",
    "and", "or", "beside",
];

/// The phrase that all labels begin or end with, with their unit; all labels where they share none.
pub(super) fn common(labels: &[&str]) -> String {
    let Some(first) = labels.first() else { return String::new() };
    if labels.iter().all(|label| label == first) {
        return (*first).to_owned();
    }
    let words: Vec<Vec<&str>> = labels.iter().map(|label| label.split_whitespace().collect()).collect();
    let (begin, end) = (beginning(&words), ending(&words));
    if begin == 0 && end == 0 {
        return labels.join(", ");
    }
    if end > begin {
        return words[0][words[0].len() - end..].join(" ");
    }
    let phrase = bare(&words[0][..begin].join(" ")).to_owned();
    let unit = words[0].last().filter(|last| is_unit(last) && words.iter().all(|w| w.last() == Some(last)));
    match unit {
        Some(unit) if !phrase.ends_with(unit) => format!("{phrase} {unit}"),
        _ => phrase,
    }
}

/// A word without the punctuation that ends a phrase.
fn bare(word: &str) -> &str {
    word.trim_end_matches([',', ':', ';'])
}

fn is_unit(word: &str) -> bool {
    word.starts_with('(') && word.ends_with(')')
}

/// How many words all labels begin with, up to the end of a phrase in each.
fn beginning(words: &[Vec<&str>]) -> usize {
    let same = |i: usize| {
        words.iter().all(|w| w.get(i).map(|word| bare(word)) == words[0].get(i).map(|word| bare(word)))
    };
    let shared = (0..words[0].len()).take_while(|i| same(*i)).count();
    let ends = |count: usize| {
        words.iter().all(|w| {
            let last = w[count - 1];
            last != bare(last) || last.ends_with(')') || w.get(count).is_none_or(|next| MORE.contains(next))
        })
    };
    (1..=shared).rev().find(|count| ends(*count)).unwrap_or(0)
}

/// How many words all labels end with, if those are a phrase of their own and not the rest of one.
fn ending(words: &[Vec<&str>]) -> usize {
    let at = |w: &[&str], i: usize| w.iter().rev().nth(i).map(|word| (*word).to_owned());
    let shared =
        (0..words[0].len()).take_while(|i| words.iter().all(|w| at(w, *i) == at(&words[0], *i))).count();
    let phrase = &words[0][words[0].len() - shared..];
    let whole =
        phrase.first().is_some_and(|first| !MORE.contains(first)) && !phrase.iter().all(|word| is_unit(word));
    if whole { shared } else { 0 }
}

/// A point of an axis in words: `20 hidden layers`, since the label is of things that are counted; `learning rate 0.1`.
pub(super) fn counted(label: &str, number: &str) -> String {
    let words: Vec<&str> = label.split(' ').collect();
    let head = words.iter().position(|word| MORE.contains(word)).unwrap_or(words.len());
    let thing = head.checked_sub(1).map_or("", |i| words[i]);
    let several = thing.ends_with('s') && !["ss", "us", "is", "ias"].iter().any(|end| thing.ends_with(end));
    if !several || number.parse::<u64>().is_err() {
        return format!("{label} {number}");
    }
    if number != "1" {
        return format!("{number} {label}");
    }
    let one = match thing {
        _ if thing.ends_with("ies") => format!("{}y", &thing[..thing.len() - 3]),
        _ if ["sses", "xes", "ches", "shes"].iter().any(|end| thing.ends_with(end)) => {
            thing[..thing.len() - 2].to_owned()
        }
        _ => thing[..thing.len() - 1].to_owned(),
    };
    let rest = words[..head - 1].iter().copied().chain([one.as_str()]).chain(words[head..].iter().copied());
    format!("1 {}", rest.collect::<Vec<&str>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::{common, counted};

    #[test]
    fn what_is_counted_follows_its_number() {
        let cases = [
            ("hidden layers", "20", "20 hidden layers"),
            ("hidden layers", "1", "1 hidden layer"),
            ("samples in a batch", "16", "16 samples in a batch"),
            ("epochs of warmup", "1", "1 epoch of warmup"),
            ("batches", "1", "1 batch"),
            ("learning rate", "0.1", "learning rate 0.1"),
            ("bias", "3", "bias 3"),
            ("weight loss", "3", "weight loss 3"),
            ("thresholds", "0.5", "thresholds 0.5"),
            ("", "2", " 2"),
        ];
        for (label, number, words) in cases {
            assert_eq!(counted(label, number), words);
        }
    }

    #[test]
    fn shared_titles_are_whole_phrases() {
        let cases: [(&[&str], &str); 14] = [
            (&["loss barrier (nats) of the line", "loss barrier (nats) of the curve"], "loss barrier (nats)"),
            (&["error barrier of the line", "error barrier of the curve"], "error barrier"),
            (&["largest eigenvalue", "largest eigenvalue, rescaling-invariant"], "largest eigenvalue"),
            (&["largest eigenvalue", "largest gradient"], "largest eigenvalue, largest gradient"),
            (&["barrier (nats) of the line", "barrier (nats) matched, with REPAIR"], "barrier (nats)"),
            (&["barrier between seeds (nats)", "barrier after matching (nats)"], "barrier (nats)"),
            (&["test error", "training error"], "error"),
            (
                &["rise of the test loss (nats), noise", "rise of the test loss (nats), blur"],
                "rise of the test loss (nats)",
            ),
            (&["one network: test error", "three together: test error"], "test error"),
            (&["loss (nats)", "barrier (nats)"], "loss (nats), barrier (nats)"),
            (
                &["norm of the gradient", "length of the gradient"],
                "norm of the gradient, length of the gradient",
            ),
            (&["steps", "seconds"], "steps, seconds"),
            (&["test loss", "test loss"], "test loss"),
            (&[], ""),
        ];
        for (labels, title) in cases {
            assert_eq!(common(labels), title, "{labels:?}");
        }
    }
}
