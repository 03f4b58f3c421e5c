//! Classes by their text.

use std::collections::BTreeMap;

/// Texts, each with the number that it got when it was first seen, and that of each line.
#[derive(Default)]
pub(super) struct Classes {
    seen: BTreeMap<String, u32>,
    labels: Vec<u32>,
}

impl Classes {
    /// Takes the text of one line; returns its number.
    pub fn push(&mut self, class: &str) -> Result<f64, &'static str> {
        let next = self.seen.len();
        let number = match self.seen.get(class) {
            Some(number) => *number,
            None if next == super::MOST_CLASSES => return Err("more"),
            None => {
                self.seen.insert(class.to_owned(), next as u32);
                next as u32
            }
        };
        self.labels.push(number);
        Ok(f64::from(number))
    }

    /// The texts in order, that of numbers where all are numbers, each with the number that it has got.
    fn sorted(self) -> (Vec<(String, u32)>, Vec<u32>) {
        let mut classes: Vec<(String, u32)> = self.seen.into_iter().collect();
        let numbers: Option<Vec<f64>> =
            classes.iter().map(|(class, _)| class.parse().ok().filter(|x: &f64| x.is_finite())).collect();
        if let Some(numbers) = numbers {
            let mut by_number: Vec<_> = numbers.into_iter().zip(classes).collect();
            by_number.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            classes = by_number.into_iter().map(|(_, class)| class).collect();
        }
        (classes, self.labels)
    }

    /// The place in order of each text, by the number that it has got.
    pub fn ranks(self) -> Vec<u32> {
        ranks(&self.sorted().0)
    }

    /// The place in order of each line's text, and the texts in order.
    pub fn finish(self) -> (Vec<u32>, Vec<String>) {
        let (classes, mut labels) = self.sorted();
        let rank = ranks(&classes);
        labels.iter_mut().for_each(|label| *label = rank[*label as usize]);
        (labels, classes.into_iter().map(|(class, _)| class).collect())
    }
}

fn ranks(classes: &[(String, u32)]) -> Vec<u32> {
    let mut rank = vec![0; classes.len()];
    classes.iter().enumerate().for_each(|(i, (_, seen))| rank[*seen as usize] = i as u32);
    rank
}
