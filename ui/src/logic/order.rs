//! Sorting with one copy of the code for all types.

use std::cmp::Ordering;

/// The items in this order; those that are equal stay as they stood.
pub fn sorted<T>(items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort(&mut places, &|a, b| compare(&items[a], &items[b]));
    let mut items: Vec<_> = items.into_iter().map(Some).collect();
    places
        .into_iter()
        .filter_map(|at| items[at].take())
        .collect()
}

fn sort(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|a, b| compare(*a, *b));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_stay_as_they_stood() {
        let words = sorted(vec!["b1", "a1", "b2", "a2"], |a, b| a[..1].cmp(&b[..1]));
        assert_eq!(words, ["a1", "a2", "b1", "b2"]);
    }
}
